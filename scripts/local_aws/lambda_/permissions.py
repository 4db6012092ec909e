"""Who may make, look at, change and delete an event source mapping, and that this can depend on its function.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html: CreateEventSourceMapping takes
no resource, the others one with a random name; what narrows them down is the condition key lambda:FunctionArn.
ministack does not know it, lets everyone change and delete, and takes Get… for ListEventSourceMappings.
"""
from __future__ import annotations

import json
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_aws.lambda_.mappings import Mappings

KEY = "lambda:FunctionArn"
ONE = {"GET": "lambda:GetEventSourceMapping", "PUT": "lambda:UpdateEventSourceMapping",
       "DELETE": "lambda:DeleteEventSourceMapping"}
_function: ContextVar[str | None] = ContextVar("function", default=None)


def install(mappings: Mappings) -> None:
    from ministack.core import iam_actions

    action_of = iam_actions.extract_iam_action
    # The first is asked once a request, right before the second, which returns part of the request's context
    resource, tag_context = iam_actions.extract_resource_arn, iam_actions.request_tag_context

    def action(service, method, path, *rest):
        return (ONE.get(method) if service == "lambda" and len(mapping_path(path)) == 3 else None) or action_of(
            service, method, path, *rest)

    def resource_and_function(service, method, path, headers, body, params, region, account):
        _function.set(function_of(mappings, path, body, region, account) if service == "lambda" else None)
        return resource(service, method, path, headers, body, params, region, account)

    def context(service, action, body, params):
        found = tag_context(service, action, body, params)
        if action.startswith("lambda:") and action.endswith("EventSourceMapping") and (function := _function.get()):
            return {**found, KEY: function}
        return found

    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = resource_and_function
    iam_actions.request_tag_context = context


def mapping_path(path: str) -> list[str]:
    """The parts of a path about mappings, with the mapping's name if it names one; [] for another path."""
    parts = path.strip("/").split("/")
    return parts if parts[1:2] == ["event-source-mappings"] else []


def function_of(mappings: Mappings, path: str, body: bytes, region: str, account: str) -> str | None:
    """The ARN of the function that a call on an event source mapping is about, without its version or alias."""
    parts = mapping_path(path)
    try:
        its = json.loads(body) if len(parts) == 2 else mappings.mappings[parts[2]].fields
        name = its.get("FunctionName") or its["FunctionArn"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None  # it is about no mapping, or the handler says what is wrong
    return f"arn:aws:lambda:{region}:{account}:function:{name.partition('function:')[2].split(':')[0] or name}"
