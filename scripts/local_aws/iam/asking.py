"""May the caller do this, and may a service be this role? What ministack does not ask by itself, the corrections ask
here, with its own evaluator."""
from __future__ import annotations

import json
import uuid


def content_of(body: bytes) -> dict:
    """A request's JSON object; {} where there is none: its handler says what is wrong with it."""
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


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


def trusts(trust: dict | str, service: str, role: str, context: dict[str, str] | None = None) -> bool:
    """Whether the trust policy of the role with the ARN `role` lets a service ('lambda.amazonaws.com') assume it;
    `context` has the condition keys, in lower case, that the service brings."""
    from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy

    account = role.split(":")[4]
    caller = EvalContext(
        principal_arn=f"arn:aws:iam::{account}:root", principal_type="Service", principal_account=account,
        action="sts:AssumeRole", resource_arn=role, region="", service_context=context or {})
    document = json.loads(trust) if isinstance(trust, str) else trust
    statements = document.get("Statement", [])
    return evaluate_trust_policy({"Statement": [
        one for one in ([statements] if isinstance(statements, dict) else statements)
        if _names(one.get("Principal"), service)]}, caller.principal_arn, caller)


def _names(principal: dict | str | None, service: str) -> bool:
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return service in ([services] if isinstance(services, str) else services)
