"""Workgroups: ministack's, made to say what AWS's say, and to refuse what AWS refuses.

https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html
"""
from __future__ import annotations

from collections.abc import Awaitable, Callable

from local_aws.athena.refusals import ApiError
from local_aws.athena.store import History
from local_aws.ministack_seam import athena, responses

VERSION = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
Ask = Callable[[str, dict], Awaitable[tuple[int, dict]]]  # an operation of ministack's and its request: status, answer


async def found(ask: Ask, name: str) -> dict:
    """The workgroup of that name. Raises ApiError where there is none."""
    status, answer = await ask("GetWorkGroup", {"WorkGroup": name})
    if status != 200:
        raise ApiError(f"WorkGroup {name} is not found.")
    return whole(answer)["WorkGroup"]


def whole(answer: dict) -> dict:
    """GetWorkGroup's answer with the settings that AWS always tells, and clients such as awswrangler read."""
    settings = answer["WorkGroup"].setdefault("Configuration", {})
    settings.setdefault("EnforceWorkGroupConfiguration", answer["WorkGroup"]["Name"] != "primary")
    settings.setdefault("PublishCloudWatchMetricsEnabled", False)
    settings.setdefault("RequesterPaysEnabled", False)
    settings.setdefault("EngineVersion", VERSION)
    settings.setdefault("ResultConfiguration", {})
    answer["WorkGroup"].pop("WorkGroupConfiguration", None)
    return answer


async def check(ask: Ask, history: History, action: str, asked: dict) -> None:
    """Raises ApiError for what AWS refuses and ministack takes: an UpdateWorkGroup or DeleteWorkGroup of one that is
    not there, or is not empty."""
    name = asked.get("WorkGroup") or ""
    await found(ask, name)
    if action == "DeleteWorkGroup" and not asked.get("RecursiveDeleteOption"):
        _, named = await ask("ListNamedQueries", {"WorkGroup": name})
        if history.of(name, (responses.get_account_id(), responses.get_region())) or named.get("NamedQueryIds"):
            raise ApiError(f"WorkGroup {name} is not empty")


def remove_settings(asked: dict) -> None:
    """What an UpdateWorkGroup asks to be taken away, which ministack leaves."""
    if (asked.get("ConfigurationUpdates") or {}).get("RemoveBytesScannedCutoffPerQuery"):
        athena._workgroups[asked["WorkGroup"]]["Configuration"].pop("BytesScannedCutoffPerQuery", None)
