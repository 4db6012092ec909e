"""A function's role: Lambda must be able to assume it, and writes the function's log as it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html and
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html: ministack takes any role, and writes every
log.
"""
from __future__ import annotations

from local_aws.iam.access import given_to_lambda, with_roles
from local_aws.iam.asking import trusts

UNASSUMABLE = "The role defined for the function cannot be assumed by Lambda."


def install(aws) -> None:
    from ministack.services import lambda_svc

    write = lambda_svc._emit_lambda_logs

    def write_as_role(function: dict, *rest, **more) -> None:
        if may_log(function.get("config") or function):
            write(function, *rest, **more)

    lambda_svc._emit_lambda_logs = write_as_role
    aws.wrap("lambda", lambda handler: with_roles(handler, given_to_lambda, unassumable))


def may_log(config: dict) -> bool:
    """Whether a function's role may do all that its log takes."""
    from ministack.core.iam_evaluator import enforce
    from ministack.core.lambda_runtime import execution_credentials
    from ministack.services import cloudwatch_logs

    region, account = config["FunctionArn"].split(":")[3:5]
    name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    group = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    needed = [("logs:CreateLogStream", f"{group}:log-stream:"), ("logs:PutLogEvents", f"{group}:log-stream:any")]
    if name not in cloudwatch_logs._log_groups:
        needed.insert(0, ("logs:CreateLogGroup", f"{group}:log-stream:"))
    key = execution_credentials(config)["AWS_ACCESS_KEY_ID"]
    return not any(enforce(key, action, "logs", region, resource_arn=arn) for action, arn in needed)


def unassumable(role: str, headers: dict, query_params: dict) -> tuple[int, dict, bytes] | None:
    """The answer to who gives a function a role that Lambda may not assume; None for any other."""
    from ministack.core.responses import error_response_json
    from ministack.services import iam

    its = iam._roles.get(role.rsplit("/", 1)[-1])  # where there is none, the handler says so
    if its and not trusts(its["AssumeRolePolicyDocument"], "lambda.amazonaws.com", role):
        return error_response_json("InvalidParameterValueException", UNASSUMABLE, 400)
    return None
