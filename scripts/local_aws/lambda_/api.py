"""Lambda's requests: those about event source mappings from DynamoDB streams, and those that give a function a role.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html, …_UpdateEventSourceMapping.html and
…_EventSourceMappingConfiguration.html. Errors say what AWS said to LocalStack's test_event_source_mapping_exceptions
and test_create_event_source_validation, where these recorded it.

ministack keeps each mapping too, disabled, so that its own poller leaves it alone: it answers for its tags, its
existence and the order of lists.
"""
from __future__ import annotations

import functools
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.session import get_session

from local_aws.iam.request import Request, content_of
from local_aws.iam.roles import role_named, trusts
from local_aws.lambda_.destinations import destination
from local_aws.lambda_.filters import InvalidPattern, patterns_of
from local_aws.lambda_.resources import mapping_path, roles_given
from local_aws.ministack_seam import concurrency, responses

if TYPE_CHECKING:
    from local_aws.lambda_.calls import Role
    from local_aws.lambda_.mappings import Mappings
    from local_aws.lambda_.store import Mapping
    from local_aws.server import Handler, Response

Forward = Callable[..., Awaitable["Response"]]  # passes a request on to ministack, with changes to its JSON if given

DEFAULTS: dict[str, Any] = {
    "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1, "BisectBatchOnFunctionError": False, "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [], "DestinationConfig": {"OnFailure": {}}}
RANGES = {
    "BatchSize": (1, 10_000), "MaximumBatchingWindowInSeconds": (0, 300), "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000), "MaximumRecordAgeInSeconds": (-1, 604_800),
    "TumblingWindowInSeconds": (0, 900)}
POSITIONS = ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON")
SERVICE = "lambda.amazonaws.com"

log = logging.getLogger("local_aws.lambda_")


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: str, message: str, status: int = 400):
        super().__init__(message)
        self.response: Response = responses.error_response_json(code, message, status, content_type="application/json")


def invalid(message: str) -> Refused:
    """The error for a parameter that AWS does not take."""
    return Refused("InvalidParameterValueException", message)


@functools.cache
def settable() -> set[str]:
    """The fields that a request sets and an answer shows."""
    model = get_session().get_service_model("lambda")
    asked = model.operation_model("CreateEventSourceMapping").input_shape
    shown = model.operation_model("GetEventSourceMapping").output_shape
    return set(asked.members if asked else ()) & set(shown.members if shown else ())


def is_stream(arn: object) -> bool:
    """Whether it is the ARN of a DynamoDB stream."""
    return isinstance(arn, str) and arn.startswith("arn:") and ":dynamodb:" in arn and "/stream/" in arn


def wrapper(handler: Handler, mappings: Mappings) -> Handler:
    """Lambda's handler: requests about mappings from streams are answered here, the others by ministack."""
    api = Api(mappings)

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        parts = mapping_path(path)

        async def forward(changes: dict | None = None) -> Response:
            changed = json.dumps({**content_of(body), **changes}).encode() if changes else body
            return await handler(method, path, headers, changed, query_params)

        try:
            if parts:
                return typed(await api.answer(method, parts[2] if len(parts) > 2 else None, content_of(body), forward))
            check_roles(Request("lambda", method, path, headers, body, query_params))
        except Refused as refused:
            return typed(refused.response)
        answer = typed(await forward())
        if method == "PUT" and path.rstrip("/").endswith("/configuration") and answer[0] == 200:
            mappings.renew_roles()
        return answer

    return handle


def typed(answer: Response) -> Response:
    """An error says that it is the user's, as each that LocalStack recorded of Lambda does but ValidationException."""
    status, headers, body = answer
    error = content_of(body) if 400 <= status < 500 else {}
    if error.get("__type", "ValidationException") == "ValidationException":
        return answer
    return status, headers, json.dumps({**error, "Type": "User"}).encode()


def check_roles(request: Request) -> None:
    """Refuse to give a function a role that Lambda may not assume.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    for role in roles_given(request):
        if role_named(role) and not trusts(role, SERVICE):  # where there is none, ministack says so
            raise invalid("The role defined for the function cannot be assumed by Lambda.")


class Api:
    """Answers requests about mappings; `forward` passes one on to ministack."""

    def __init__(self, mappings: Mappings):
        self.mappings = mappings

    async def answer(self, method: str, uuid: str | None, request: dict, forward: Forward) -> Response:
        """Answer a request about the mapping `uuid`, or about mappings. Raises Refused."""
        if method == "POST" and is_stream(request.get("EventSourceArn")):
            return await self.create(request, forward)
        if mapping := self.mappings.mappings.get(uuid or ""):
            if method == "GET":
                return self.shown(200, mapping)
            if method == "PUT":
                return await self.update(mapping, request, forward)
            if method == "DELETE":
                return await self.delete(mapping, forward)
        answer = await forward()
        if uuid and answer[0] == 404:
            raise Refused("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return self.listed(answer) if method == "GET" and not uuid else answer

    async def create(self, request: dict, forward: Forward) -> Response:
        """CreateEventSourceMapping. Raises Refused."""
        region, stream = responses.get_region(), request["EventSourceArn"]
        check_position(request)
        check_settings(request)
        position = await concurrency.run_reentrant(self.admit, request, region, stream)
        # What ministack keeps is disabled, so that it does not poll as well
        status, headers, body = await forward({"Enabled": False})
        if status >= 300:
            return status, headers, body
        fields = {**json.loads(body), **DEFAULTS, **{name: request[name] for name in settable() if name in request},
                  **changed_now()}
        for own in ("State", "LastProcessingResult"):
            fields.pop(own, None)
        fields["DestinationConfig"] = {"OnFailure": {}, **(request.get("DestinationConfig") or {})}
        mapping = self.mappings.add(region, fields, request.get("Enabled", True), position)
        return self.shown(202, mapping, "Creating")

    def admit(self, request: dict, region: str, stream: str) -> dict:
        """The position to start at; raises Refused where AWS would refuse the function, the stream, or the role."""
        calls = self.mappings.calls
        try:
            function = calls.client("lambda", region).get_function_configuration(
                FunctionName=request.get("FunctionName", ""))
        except ClientError:
            raise invalid("Function does not exist") from None
        arn = function["FunctionArn"]
        if mapping := self.mappings.between(stream, arn):
            raise Refused(
                "ResourceConflictException",
                f'The event source arn (" {stream} ") and function (" {function["FunctionName"]} ") provided '
                f"mapping already exists. Please update or delete the existing mapping with UUID {mapping.uuid}", 409)
        role = calls.role_of(arn, region)
        try:
            role.check(stream)
            position = role.end(stream) if request["StartingPosition"] == "LATEST" else {}
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise invalid(f"Stream not found: {stream}") from None
            raise invalid(
                f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                "DescribeStream, and ListStreams Actions on your stream in IAM.") from None
        check_destination(request, role)
        return position

    async def update(self, mapping: Mapping, request: dict, forward: Forward) -> Response:
        """UpdateEventSourceMapping: what it does not name stays. Raises Refused."""
        check_not_deleting(mapping)
        check_settings({**mapping.fields, **request})
        if destination(request):
            await concurrency.run_reentrant(check_destination, request, self.mappings.calls.role(mapping))
        status, headers, body = await forward({"Enabled": False})
        if status >= 300:
            return status, headers, body
        changes = {name: request[name] for name in settable() if name in request}
        if "DestinationConfig" in changes and not destination(request):
            changes["DestinationConfig"] = {"OnFailure": {}}
        fields = {**mapping.fields, **changes, **changed_now(), "FunctionArn": json.loads(body)["FunctionArn"]}
        if not (fields.get("FilterCriteria") or {}).get("Filters"):
            fields.pop("FilterCriteria", None)
        was_enabled = mapping.enabled
        self.mappings.change(mapping, fields, request.get("Enabled", was_enabled))
        return self.shown(202, mapping, "Updating" if was_enabled == mapping.enabled
                          else "Enabling" if mapping.enabled else "Disabling")

    async def delete(self, mapping: Mapping, forward: Forward) -> Response:
        """DeleteEventSourceMapping. Raises Refused."""
        check_not_deleting(mapping)
        status, headers, body = await forward()
        if status >= 300:
            return status, headers, body
        self.mappings.delete(mapping)
        return self.shown(202, mapping)

    # Answers

    def description(self, mapping: Mapping, state: str | None = None) -> dict:
        """A mapping as the API shows it; `state` is what a change of it answers."""
        return {**mapping.fields, "State": state or self.mappings.state(mapping),
                "LastProcessingResult": mapping.result}

    def shown(self, status: int, mapping: Mapping, state: str | None = None) -> Response:
        """The answer that shows a mapping."""
        body = json.dumps(self.description(mapping, state)).encode()
        return status, {"Content-Type": "application/json"}, body

    def listed(self, answer: Response) -> Response:
        """ministack's list, in which the mappings from streams are as they are kept here."""
        status, headers, body = answer
        if status != 200:
            return answer
        page, known = json.loads(body), self.mappings.mappings
        page["EventSourceMappings"] = [
            self.description(known[listed["UUID"]]) if listed["UUID"] in known else listed
            for listed in page.get("EventSourceMappings", [])]
        return status, {**headers}, json.dumps(page).encode()


def changed_now() -> dict[str, Any]:
    """The fields that say when and by whom a mapping was changed."""
    return {"LastModified": time.time(), "StateTransitionReason": "User action"}


# What AWS refuses


def check_position(request: dict) -> None:
    """Raise Refused unless a mapping from a DynamoDB stream can start there."""
    position = request.get("StartingPosition")
    if position is None:
        raise invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
                      "Member must not be null.")
    if position not in POSITIONS:
        raise Refused("ValidationException", (
            f"1 validation error detected: Value '{position}' at 'startingPosition' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(POSITIONS)}]"))
    if position == "AT_TIMESTAMP":
        raise invalid(f"Unsupported starting position for arn type: {request['EventSourceArn']}")


def check_settings(request: dict) -> None:
    """Raise Refused where a setting is out of its range, or a filter pattern is none.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """
    for name, (least, most) in RANGES.items():
        value = request.get(name)
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            raise invalid(f"{name} must be from {least} to {most}, not {value}.")
    age = request.get("MaximumRecordAgeInSeconds")
    if age is not None and -1 < age < 60:
        raise invalid("MaximumRecordAgeInSeconds must be -1, or from 60 to 604800.")
    if (request.get("BatchSize") or 0) > 1000 and not request.get("MaximumBatchingWindowInSeconds"):
        raise invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is "
                      "greater than 1000")
    if request.get("TumblingWindowInSeconds"):
        raise invalid("Tumbling windows are not part of the local AWS.")
    try:
        patterns_of(request.get("FilterCriteria"))
    except InvalidPattern as error:
        log.info("A filter pattern is refused: %s", error)
        raise invalid("Invalid filter pattern definition.") from None


def check_destination(request: dict, role: Role) -> None:
    """Raise Refused where a destination for discarded records is none, or is not there.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
    A bucket is asked about as a whole, although what Lambda writes lies below `aws/lambda/`: a role that may write only
    there is refused with this message, as those report who have met it. Whether the role may write to a queue or topic
    is not asked: where it may not, the records wait.
    """
    arn = destination(request)
    if not arn:
        return
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service not in ("sqs", "sns", "s3") or arn.endswith(".fifo"):
        raise invalid(f"The destination ARN {arn} is invalid.")
    if service == "s3":
        try:
            role.client("s3").head_bucket(Bucket=arn.split(":::")[1])
        except ClientError as error:
            if error.response["Error"]["Code"] == "404":
                raise invalid(f"The destination bucket {arn} does not exist.") from None
            raise invalid(
                f"The function execution role does not have permissions to call ListBucket on {arn}") from None
        if not role.may("s3:PutObject", f"{arn}/*"):
            raise invalid("The function execution role does not have permissions to call PutObject on S3")


def check_not_deleting(mapping: Mapping) -> None:
    """Raise Refused for a mapping that is going."""
    if mapping.deleting:
        raise Refused("ResourceInUseException", "Cannot update the event source mapping because it is in use.")
