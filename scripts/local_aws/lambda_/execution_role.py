"""A function's role: Lambda must be able to assume it, and writes the function's log as it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html and
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html: ministack takes any role, and writes every
log.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local_aws.iam.request import Request
from local_aws.iam.roles import role_named, trusts
from local_aws.lambda_.resources import roles_given
from local_aws.ministack_seam import cloudwatch_logs, iam_evaluator, lambda_runtime, lambda_svc, responses

if TYPE_CHECKING:
    from local_aws.server import Handler, Response

SERVICE = "lambda.amazonaws.com"
UNASSUMABLE = "The role defined for the function cannot be assumed by Lambda."


def install() -> None:
    """Let ministack write a function's log only where its role may."""
    lambda_svc.replace("_emit_lambda_logs", writing_as_role)


def writing_as_role(write: Callable[..., None]) -> Callable[..., None]:
    def write_as_role(function: dict, *rest: Any, **more: Any) -> None:
        if may_log(function.get("config") or function):
            write(function, *rest, **more)

    return write_as_role


def may_log(config: dict) -> bool:
    """Whether a function's role may do all that its log takes."""
    region, account = config["FunctionArn"].split(":")[3:5]
    name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    group = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    needed = [("logs:CreateLogStream", f"{group}:log-stream:"), ("logs:PutLogEvents", f"{group}:log-stream:any")]
    if name not in cloudwatch_logs._log_groups:
        needed.insert(0, ("logs:CreateLogGroup", f"{group}:log-stream:"))
    key = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
    return not any(iam_evaluator.enforce(key, action, "logs", region, resource_arn=arn) for action, arn in needed)


def wrapper(handler: Handler) -> Handler:
    """Lambda's handler, which gives a function only a role that Lambda may assume."""

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        for role in roles_given(Request("lambda", method, path, headers, body, query_params)):
            if role_named(role) and not trusts(role, SERVICE):  # where there is none, the handler says so
                return responses.error_response_json("InvalidParameterValueException", UNASSUMABLE, 400)
        return await handler(method, path, headers, body, query_params)

    return handle
