"""Roles: who may give one to a service, and whether the service may then assume it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html: whoever gives a role to a service needs
iam:PassRole on it; https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html: the role's trust
policy names the service.
"""
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.iam.request import Needed, Request, Resources
from local_aws.ministack_seam import iam, iam_evaluator


def passing(request: Request, resources: Resources) -> Iterator[Needed]:
    """The permission to pass on each role that a request gives to its service."""
    for role in resources.roles(request):
        yield Needed("iam:PassRole", role, {"iam:PassedToService": f"{request.service}.amazonaws.com"})


def role_named(arn: str) -> dict[str, Any] | None:
    """The role with an ARN as ministack keeps it (RoleName, AssumeRolePolicyDocument, …), if there is one."""
    account = arn.split(":")[4] if arn.count(":") >= 5 else ""
    return iam._roles.get_scoped(account, None, arn.rsplit("/", 1)[-1])


def trusts(role: str, service: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether the trust policy of the role with the ARN `role` lets a service ('lambda.amazonaws.com') assume it;
    False where there is no such role. `context` has the condition keys, in lower case, that the service brings."""
    if not (found := role_named(role)):
        return False
    account = role.split(":")[4]
    caller = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:root", principal_type="Service", principal_account=account,
        action="sts:AssumeRole", resource_arn=role, region="", service_context=dict(context or {}))
    document = found["AssumeRolePolicyDocument"]
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    for_service = [statement for statement in ([statements] if isinstance(statements, dict) else statements)
                   if _names(statement.get("Principal"), service)]
    return iam_evaluator.evaluate_trust_policy({"Statement": for_service}, caller.principal_arn, caller)


def _names(principal: dict | str | None, service: str) -> bool:
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return service in ([services] if isinstance(services, str) else services)
