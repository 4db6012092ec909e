"""May the caller do this? What ministack does not ask by itself, the corrections ask here, with its own evaluator."""
from __future__ import annotations

import uuid


def refusal(headers: dict, query_params: dict, action: str, resource: str, service: str = "",
            context: dict | None = None) -> tuple[int, dict, bytes] | None:
    """None where the caller of the request being answered may do `action` on the ARN `resource`; else the answer
    (status, headers, body) that says so in the form of `service`, by default the action's own."""
    from ministack.core.iam_actions import access_denied_response
    from ministack.core.iam_evaluator import AuthError, enforce
    from ministack.core.router import extract_access_key_id, extract_region

    own = action.partition(":")[0]
    denied = enforce(extract_access_key_id(headers, query_params), action, own, extract_region(headers, query_params),
                     resource_arn=resource, service_context=context)
    if not denied or isinstance(denied, AuthError):  # the latter was answered before any handler was called
        return None
    return access_denied_response(service or own, action, denied.principal_arn, str(uuid.uuid4()), headers=headers,
                                  resource_arn=resource, explicit_deny=denied.decision == "Deny")
