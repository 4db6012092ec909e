"""What a request takes beside its own permission is asked before its service's handler is called."""
from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from local_aws.iam.request import Needed, Request, Resources
from local_aws.iam.roles import passing
from local_aws.iam.tags import tagging
from local_aws.ministack_seam import iam_actions, iam_evaluator

if TYPE_CHECKING:
    from local_aws.server import Handler, Response


def needed(request: Request, resources: Resources) -> Iterator[Needed]:
    """The permissions that a request takes, but for the one that ministack has asked for."""
    yield from passing(request, resources)
    for arn in resources.about(request)[:-1]:
        yield Needed(request.action, arn)
    yield from resources.more(request)
    yield from tagging(request, resources)


def refusal(request: Request, asked: Needed) -> Response | None:
    """None where the caller has the permission; else the answer that says so, in the form of the request's service."""
    denied = iam_evaluator.enforce(request.access_key, asked.action, asked.action.partition(":")[0], request.region,
                                   resource_arn=asked.arn, service_context=dict(asked.context))
    if not denied or isinstance(denied, iam_evaluator.AuthError):  # that was answered before any handler was called
        return None
    return iam_actions.access_denied_response(
        request.service, asked.action, denied.principal_arn, str(uuid.uuid4()), headers=request.headers,
        resource_arn=asked.arn, explicit_deny=denied.decision == "Deny")


def guard(handler: Handler, resources: Resources) -> Handler:
    """A service's handler behind all that its requests take."""

    async def ask_first(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        request = Request.under_way(resources.service, method, path, headers, body, query_params)
        for asked in needed(request, resources):
            if answer := refusal(request, asked):
                return answer
        return await handler(method, path, headers, body, query_params)

    return ask_first
