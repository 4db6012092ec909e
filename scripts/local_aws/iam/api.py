"""IAM's own requests: a simulation takes the context that it is given.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html, ContextEntries. ministack ignores
them, so that a condition is never met.
"""
from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from local_aws.iam.request import Request
from local_aws.ministack_seam import EvalContext

if TYPE_CHECKING:
    from local_aws.server import Handler, Response

_entries: ContextVar[dict[str, str] | None] = ContextVar("the context of the simulation under way", default=None)


def evaluating(context: EvalContext) -> None:
    """Add the entries of the simulation under way, if there is one, to the `EvalContext` of what is evaluated."""
    if entries := _entries.get():
        context.service_context.update(entries)
        context.secure_transport = entries.get("aws:securetransport") == "true"


def wrapper(handler: Handler) -> Handler:
    """IAM's handler, whose simulations know the ContextEntries of the request, each with one value."""

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        params = Request.under_way("iam", method, path, headers, body, query_params).params
        if not (params.get("Action") or [""])[0].startswith("Simulate"):
            return await handler(method, path, headers, body, query_params)
        entries, number = {}, 1
        while name := params.get(f"ContextEntries.member.{number}.ContextKeyName"):
            entries[name[0].lower()] = params[f"ContextEntries.member.{number}.ContextKeyValues.member.1"][0]
            number += 1
        token = _entries.set(entries)
        try:
            return await handler(method, path, headers, body, query_params)
        finally:
            _entries.reset(token)

    return handle
