"""What calls of Lambda's are about: functions, and event source mappings, which can depend on their function.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html: CreateFunction is on the
function to be made (ministack asks about `*`). CreateEventSourceMapping takes no resource, the others one with a random
name; what narrows them down is the condition key lambda:FunctionArn. ministack does not know it, lets everyone change
and delete mappings, and takes Get… for ListEventSourceMappings.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local_aws.iam.request import Needed, Request, Resources
from local_aws.iam.tags import tags_of

if TYPE_CHECKING:
    from local_aws.lambda_.mappings import Mappings

ON_A_MAPPING = {"GET": "lambda:GetEventSourceMapping", "PUT": "lambda:UpdateEventSourceMapping",
                "DELETE": "lambda:DeleteEventSourceMapping"}


def resources(mappings: Mappings) -> Resources:
    """Lambda's table; `mappings` are those that a request may name."""

    def function_key(request: Request, action: str) -> Mapping[str, Any]:
        function = function_of(mappings, request) if action.endswith("EventSourceMapping") else None
        return {"lambda:FunctionArn": function} if function else {}

    return Resources(
        "lambda", arns={"lambda:CreateFunction": function_to_be_made},
        tagged={"lambda:CreateFunction": "lambda:TagResource"}, roles=roles_given, more=tags_of_a_mapping,
        action=lambda request, found: (ON_A_MAPPING.get(request.method) if len(mapping_path(request.path)) == 3
                                       else None) or found,
        context=function_key)


def function_to_be_made(request: Request) -> list[str]:
    """The ARN of the function; [] where its name is no text: the handler says what is wrong with it."""
    name = request.content.get("FunctionName")
    if not isinstance(name, str):
        return []
    return [name if name.startswith("arn:") else request.arn(f"function:{name}")]


def roles_given(request: Request) -> list[str]:
    """The role that a request gives to a function."""
    creates = request.method == "POST" and re.fullmatch(r"/\d{4}-\d\d-\d\d/functions/?", request.path)
    changes = request.method == "PUT" and request.path.endswith("/configuration")
    role = request.content.get("Role") if creates or changes else None
    return [role] if isinstance(role, str) and role else []


def tags_of_a_mapping(request: Request) -> list[Needed]:
    """A mapping made with tags needs TagResource on a mapping of any name, since it has none until it is made."""
    if request.action != "lambda:CreateEventSourceMapping" or not (tags := tags_of(request)):
        return []
    return [Needed("lambda:TagResource", request.arn("event-source-mapping:*"), tags)]


def mapping_path(path: str) -> list[str]:
    """The parts of a path about mappings, with the mapping's name if it names one; [] for another path."""
    parts = path.strip("/").split("/")
    return parts if parts[1:2] == ["event-source-mappings"] else []


def function_of(mappings: Mappings, request: Request) -> str | None:
    """The ARN of the function that a request on an event source mapping is about, without its version or alias."""
    parts = mapping_path(request.path)
    try:
        fields = request.content if len(parts) == 2 else mappings.mappings[parts[2]].fields
        name = fields.get("FunctionName") or fields["FunctionArn"]
        return request.arn(f"function:{name.partition('function:')[2].split(':')[0] or name}")
    except (LookupError, AttributeError):
        return None  # it is about no mapping, or the handler says what is wrong
