"""What a call must be allowed, where ministack asks for less than AWS does, or about more than the call touches.

Whoever makes something with tags needs the permission to tag it, too: see `aws:TagKeys` and the actions named below in
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
CreateFunction is about the function to be made, a simulation about the principal; ministack asks about `*`, so that a
policy which names them, as it should, would allow nothing. Deleting versions of objects needs DeleteObjectVersion on
each (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html); ministack asks for DeleteObject on the
first. And a simulation takes the context that it is given:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""
from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from urllib.parse import parse_qs

from local_aws.iam.asking import content_of, refusal

TO_TAG = {
    "athena:CreateWorkGroup": "athena:TagResource",
    "dynamodb:CreateTable": "dynamodb:TagResource",
    "firehose:CreateDeliveryStream": "firehose:TagDeliveryStream",
    "glue:CreateDatabase": "glue:TagResource",
    "iam:CreateRole": "iam:TagRole",
    "lambda:CreateEventSourceMapping": "lambda:TagResource",
    "lambda:CreateFunction": "lambda:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "sqs:CreateQueue": "sqs:TagQueue",
}
_simulated: ContextVar[dict[str, str] | None] = ContextVar("simulated", default=None)


def install(aws) -> None:
    from ministack.core import iam_actions, iam_evaluator

    action_of, ministack_resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn
    evaluate = iam_evaluator.evaluate

    def action(service, method, path, headers, body, params):
        found = action_of(service, method, path, headers, body, params)
        if found == "s3:DeleteObject" and method == "POST":
            first = iam_actions._s3_batch_delete_targets(path.strip("/"), body)[:1]
            return "s3:DeleteObjectVersion" if first and first[0][1] else found
        return found

    def resource(service, method, path, headers, body, params, region, account):
        return (resource_of(service, method, path, body, params, region, account)
                or ministack_resource(service, method, path, headers, body, params, region, account))

    def evaluate_as_simulated(context, *policies):
        if entries := _simulated.get():
            context.service_context.update(entries)
            context.secure_transport = entries.get("aws:securetransport") == "true"
        return evaluate(context, *policies)

    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action, resource
    iam_evaluator.evaluate = evaluate_as_simulated
    aws.wrap("iam", simulator)
    for service in sorted({action.partition(":")[0] for action in TO_TAG}):
        aws.wrap(service, lambda handler, service=service: tagging(handler, service))


def resource_of(service: str, method: str, path: str, body: bytes, params: dict, region: str, account: str) -> str:
    """The ARN that a call is about, for those that ministack does not find; else ''."""
    if service == "lambda" and method == "POST" and path.rstrip("/").endswith("/functions"):
        name = content_of(body).get("FunctionName")
        if not isinstance(name, str):
            return ""  # the handler says what is wrong with it
        return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
    return (params.get("PolicySourceArn") or [""])[0] if service == "iam" else ""


def form(headers: dict, body: bytes, query_params: dict) -> dict[str, list[str]]:
    """The parameters of a request in the query protocol, wherever they stand."""
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return query_params
    return {**parse_qs(body.decode(), keep_blank_values=True), **query_params}


def tagging(handler: Callable, service: str) -> Callable:
    """A service's handler, which first asks whether the caller may give the tags to what it makes."""
    from ministack.core import iam_actions
    from ministack.core.responses import get_account_id
    from ministack.core.router import extract_region

    async def with_tags(method, path, headers, body, query_params):
        params = form(headers, body, query_params)
        action = iam_actions.extract_iam_action(service, method, path, headers, body, params)
        tags = iam_actions.request_tag_context(service, action, body, params) if action in TO_TAG else {}
        if "aws:TagKeys" in tags:
            region, account = extract_region(headers, query_params), get_account_id()
            about = iam_actions.extract_resource_arn(service, method, path, headers, body, params, region, account)
            if action == "lambda:CreateEventSourceMapping":  # it has no name until it is made
                about = f"arn:aws:lambda:{region}:{account}:event-source-mapping:*"
            if refused := refusal(headers, query_params, TO_TAG[action], about, context=tags):
                return refused
        return await handler(method, path, headers, body, query_params)

    return with_tags


def simulator(handler: Callable) -> Callable:
    """IAM's handler, whose simulations know the ContextEntries of the request, each with one value."""
    async def with_context(method, path, headers, body, query_params):
        params = form(headers, body, query_params)
        if not (params.get("Action") or [""])[0].startswith("Simulate"):
            return await handler(method, path, headers, body, query_params)
        entries, number = {}, 1
        while name := params.get(f"ContextEntries.member.{number}.ContextKeyName"):
            entries[name[0].lower()] = params[f"ContextEntries.member.{number}.ContextKeyValues.member.1"][0]
            number += 1
        token = _simulated.set(entries)
        try:
            return await handler(method, path, headers, body, query_params)
        finally:
            _simulated.reset(token)

    return with_context
