"""Who was allowed what: every decision of IAM that the local AWS takes; and `iam:PassRole`, which ministack leaves out.

A policy is minimal if each of its actions is one that was needed; that can be told from the decisions of a whole run.
`GET /_local/access` lists them ({principal, action, resource, context, allowed, count}), `DELETE` also forgets them.
The root's calls are not decided on, so not listed.

PassRole follows https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html: whoever gives a role to a
service needs that permission on the role.
"""
from __future__ import annotations

import json
import re
import threading
from contextvars import ContextVar
from typing import Any

from local_aws.iam.asking import content_of, refusal

MOST = 20_000  # different decisions kept; a run of the workbook takes some hundreds


def install(aws) -> None:
    from ministack.core import iam_evaluator

    decisions: dict[tuple, int] = {}
    lock = threading.Lock()
    enforce, evaluate = iam_evaluator.enforce, iam_evaluator.evaluate
    asked: ContextVar[list] = ContextVar("asked")

    def evaluate_and_keep(context, *policies):
        if (contexts := asked.get(None)) is not None:
            contexts.append(context)
        return evaluate(context, *policies)

    def enforce_and_note(*request, **more):
        """The evaluator is asked for the caller's policies, then for the resource's; what counts is what both say."""
        token = asked.set([])
        try:
            refused = enforce(*request, **more)
            contexts = asked.get()
        finally:
            asked.reset(token)
        for context in contexts[:1]:
            conditions = tuple(sorted((key, str(value)) for key, value in context.service_context.items() if value))
            noted = (context.principal_arn, context.action, context.resource_arn, conditions, refused is None)
            with lock:
                if noted in decisions or len(decisions) < MOST:
                    decisions[noted] = decisions.get(noted, 0) + 1
        return refused

    def tell(method: str, body: bytes) -> tuple[int, Any]:
        with lock:
            told = [{"principal": principal, "action": action, "resource": resource, "context": dict(conditions),
                     "allowed": allowed, "count": count}
                    for (principal, action, resource, conditions, allowed), count in decisions.items()]
            if method == "DELETE":
                decisions.clear()
        return 200, told

    iam_evaluator.enforce, iam_evaluator.evaluate = enforce_and_note, evaluate_and_keep
    aws.route("access", tell)
    aws.wrap("lambda", lambda handler: with_roles(handler, given_to_lambda, passed_on("lambda")))
    aws.wrap("firehose", lambda handler: with_roles(handler, given_to_firehose, passed_on("firehose")))


def given_to_lambda(method: str, path: str, headers: dict, content: dict) -> list[str]:
    """The roles that a call of Lambda's gives to a function."""
    creates = method == "POST" and re.fullmatch(r"/\d{4}-\d\d-\d\d/functions/?", path)
    changes = method == "PUT" and path.endswith("/configuration")
    return [content["Role"]] if (creates or changes) and content.get("Role") else []


def given_to_firehose(method: str, path: str, headers: dict, content: dict) -> list[str]:
    """The roles that a call of Firehose's gives to a delivery stream: for the bucket, and for the schema in Glue."""
    if not headers.get("x-amz-target", "").endswith((".CreateDeliveryStream", ".UpdateDestination")):
        return []
    return sorted(set(re.findall(r'"RoleARN": "([^"]+)"', json.dumps(content))))


def with_roles(handler, given, refused):
    """A service's handler, which first asks about each role that a request gives away (`given`): `refused(role,
    headers, query_params)` is None, or the answer that says why not."""
    async def asking(method, path, headers, body, query_params):
        for role in given(method, path, headers, content_of(body)):
            if answer := refused(role, headers, query_params):
                return answer
        return await handler(method, path, headers, body, query_params)

    return asking


def passed_on(service: str):
    """May the caller pass the role on to this service?"""
    return lambda role, headers, query_params: refusal(
        headers, query_params, "iam:PassRole", role, service, {"iam:PassedToService": f"{service}.amazonaws.com"})
