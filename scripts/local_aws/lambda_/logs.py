"""A function's log is written as the function's role, so only where this may write it.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html: ministack writes every log.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws.ministack_seam import cloudwatch_logs, iam_evaluator, lambda_runtime, lambda_svc


def install() -> None:
    """Correct ministack."""
    lambda_svc.replace("_emit_lambda_logs", writing_as_role)


def writing_as_role(write: Callable[..., None]) -> Callable[..., None]:
    """ministack's `_emit_lambda_logs`, which does nothing where the role may not."""

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
