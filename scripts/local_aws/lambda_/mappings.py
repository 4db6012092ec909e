"""The API of event source mappings whose source is a DynamoDB stream.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html, …_UpdateEventSourceMapping.html and
…_EventSourceMappingConfiguration.html

ministack keeps each mapping too, disabled, so that its own poller leaves it alone: it answers for its tags, its
existence and the order of lists.
"""
from __future__ import annotations

import functools
import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.session import get_session

from local_aws.lambda_.calls import Calls
from local_aws.lambda_.destinations import destination
from local_aws.lambda_.poller import Poller
from local_aws.lambda_.store import Mapping, Store
from local_aws.ministack_seam import concurrency, responses

if TYPE_CHECKING:
    from local_aws.server import Handler, LocalAws

Response = tuple[int, dict, bytes]

DEFAULTS: dict[str, Any] = {
    "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1, "BisectBatchOnFunctionError": False, "TumblingWindowInSeconds": 0,
    "FunctionResponseTypes": [], "DestinationConfig": {"OnFailure": {}}}
RANGES = {
    "BatchSize": (1, 10_000), "MaximumBatchingWindowInSeconds": (0, 300), "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000), "MaximumRecordAgeInSeconds": (-1, 604_800),
    "TumblingWindowInSeconds": (0, 900)}
STOPPED_WITHIN = 10.0  # seconds that a regular stop waits for invocations under way

log = logging.getLogger("local_aws.lambda_")


@functools.cache
def settable() -> set[str]:
    """The fields that a request sets and an answer shows."""
    model = get_session().get_service_model("lambda")
    return (set(model.operation_model("CreateEventSourceMapping").input_shape.members)
            & set(model.operation_model("GetEventSourceMapping").output_shape.members))


def is_stream(arn: Any) -> bool:
    return isinstance(arn, str) and arn.startswith("arn:") and ":dynamodb:" in arn and "/stream/" in arn


def invalid(message: str) -> Response:
    return responses.error_response_json("InvalidParameterValueException", message, 400)


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, response: Response):
        super().__init__(response)
        self.response = response


class Mappings:
    def __init__(self, aws: LocalAws):
        self.store = Store(aws.state / "lambda")
        self.calls = Calls(aws)
        self.mappings: dict[str, Mapping] = {}
        self.pollers: dict[str, Poller] = {}
        self._changing = threading.Lock()

    # The moments of the local AWS's life

    def load(self) -> None:
        """Before anything is answered."""
        self.mappings = {mapping.uuid: mapping for mapping in self.store.load()}

    def start(self) -> None:
        """Poll for what was loaded. A mapping that ministack does not know was made before a kill, and is forgotten."""
        for region in {mapping.region for mapping in self.mappings.values()}:
            pages = self.calls.client("lambda", region).get_paginator("list_event_source_mappings").paginate()
            known = {one["UUID"] for page in pages for one in page["EventSourceMappings"]}
            with self._changing:
                for mapping in [one for one in self.mappings.values() if one.region == region]:
                    if mapping.uuid in known:
                        self._poll(mapping)
                    else:
                        log.warning("Mapping %s is forgotten", mapping.uuid)
                        mapping.remove()
                        del self.mappings[mapping.uuid]

    def stop(self) -> None:
        pollers = list(self.pollers.values())
        for poller in pollers:
            poller.stop()
        until = time.monotonic() + STOPPED_WITHIN
        for poller in pollers:
            if not poller.join(max(0.0, until - time.monotonic())):
                log.warning("Mapping %s: an invocation is broken off; its batch will be sent again",
                            poller.mapping.uuid)
        for mapping in self.mappings.values():
            mapping.save()

    def reset(self) -> None:
        with self._changing:
            for uuid, mapping in self.mappings.items():
                mapping.remove()
                if poller := self.pollers.get(uuid):
                    poller.stop()
            self.mappings, self.pollers = {}, {}

    def wake(self, stream: str) -> None:
        """There is a new record in the stream."""
        for poller in list(self.pollers.values()):
            if poller.stream == stream:
                poller.wake()

    def renew_roles(self) -> None:
        for poller in list(self.pollers.values()):
            poller.role.renew()

    def _poll(self, mapping: Mapping) -> None:
        """Let the mapping's poller be as the mapping says, once the last one has ended."""
        last = self.pollers.get(mapping.uuid)
        if last is not None:
            last.stop()
        if mapping.enabled and not mapping.deleting:
            self.pollers[mapping.uuid] = Poller(mapping, self.calls, after=last)
            self.pollers[mapping.uuid].start()

    # Requests

    def wrapper(self, inner: Handler) -> Handler:
        async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Response:
            parts = path.rstrip("/").split("/")
            if parts[2:3] != ["event-source-mappings"]:
                answer = await inner(method, path, headers, body, query)
                if method == "PUT" and parts[-1] == "configuration" and answer[0] == 200:
                    self.renew_roles()
                return answer
            request = json.loads(body) if body else {}
            uuid = parts[3] if len(parts) > 3 else None

            async def forward(changes: dict | None = None) -> Response:
                return await inner(method, path, headers, json.dumps({**request, **(changes or {})}).encode()
                                   if changes else body, query)

            try:
                if method == "POST" and is_stream(request.get("EventSourceArn")):
                    return await self.create(request, forward)
                if mapping := self.mappings.get(uuid or ""):
                    if method == "GET":
                        return self.answer(200, mapping)
                    if method == "PUT":
                        return await self.update(mapping, request, forward)
                    if method == "DELETE":
                        return await self.delete(mapping, forward)
                answer = await forward()
                return self.listed(answer) if method == "GET" and not uuid else answer
            except Refused as refused:
                return refused.response

        return handle

    async def create(self, request: dict, forward: Any) -> Response:
        region, stream = responses.get_region(), request["EventSourceArn"]
        if request.get("StartingPosition") not in ("TRIM_HORIZON", "LATEST"):
            raise Refused(invalid("StartingPosition must be TRIM_HORIZON or LATEST for a DynamoDB stream."))
        self.validate(request)
        position = await concurrency.run_reentrant(self.admit, request, region, stream)
        # What ministack keeps is disabled, so that it does not poll as well
        status, headers, body = await forward({"Enabled": False})
        if status >= 300:
            return status, headers, body
        kept = json.loads(body)
        fields = {**kept, **DEFAULTS, **{name: request[name] for name in settable() if name in request}}
        for own in ("State", "LastProcessingResult"):
            fields.pop(own, None)
        self.changed(fields)
        fields["DestinationConfig"] = {"OnFailure": {}, **(request.get("DestinationConfig") or {})}
        with self._changing:
            mapping = self.store.add(region, fields, request.get("Enabled", True), position)
            self.mappings[mapping.uuid] = mapping
            self._poll(mapping)
        return self.answer(202, mapping, "Creating")

    def admit(self, request: dict, region: str, stream: str) -> dict:
        """Refuse what AWS would; otherwise the position to start at."""
        name = request.get("FunctionName", "")
        try:
            function = self.calls.client("lambda", region).get_function_configuration(FunctionName=name)
        except ClientError:
            raise Refused(responses.error_response_json("ResourceNotFoundException", f"Function not found: {name}",
                                              404)) from None
        arn = function["FunctionArn"]
        for mapping in self.mappings.values():
            if (mapping.fields["EventSourceArn"], mapping.fields["FunctionArn"]) == (stream, arn):
                raise Refused(responses.error_response_json(
                    "ResourceConflictException",
                    f'The event source arn (" {stream} ") and function (" {function["FunctionName"]} ") provided '
                    f"mapping already exists. Please update or delete the existing mapping with UUID {mapping.uuid}",
                    409))
        role = self.calls.role_of(arn, region)
        try:
            role.check(stream)
            position = role.end(stream) if request["StartingPosition"] == "LATEST" else {}
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise Refused(invalid(f"Stream not found: {stream}")) from None
            raise Refused(invalid(
                f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, GetShardIterator, "
                "DescribeStream, and ListStreams Actions on your stream in IAM.")) from None
        self.admit_destination(request, role)
        return position

    def admit_destination(self, request: dict, role: Any) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html

        Whether the role may write there cannot be tried without writing: where it may not, the records wait.
        """
        arn = destination(request)
        if not arn:
            return
        service = arn.split(":")[2] if arn.count(":") >= 5 else ""
        if service not in ("sqs", "sns", "s3") or arn.endswith(".fifo"):
            raise Refused(invalid(f"The destination ARN {arn} is invalid."))
        if service == "s3":
            try:
                role.client("s3").head_bucket(Bucket=arn.split(":::")[1])
            except ClientError as error:
                if error.response["Error"]["Code"] == "404":
                    raise Refused(invalid(f"The destination bucket {arn} does not exist.")) from None
                raise Refused(invalid(
                    f"The function execution role does not have permissions to call ListBucket on {arn}")) from None

    def validate(self, request: dict) -> None:
        for name, (least, most) in RANGES.items():
            value = request.get(name)
            if value is not None and not least <= value <= most:
                raise Refused(invalid(f"{name} must be from {least} to {most}, not {value}."))
        age = request.get("MaximumRecordAgeInSeconds")
        if age is not None and -1 < age < 60:
            raise Refused(invalid("MaximumRecordAgeInSeconds must be -1, or from 60 to 604800."))
        if (request.get("BatchSize") or 0) > 1000 and not request.get("MaximumBatchingWindowInSeconds"):
            raise Refused(invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is "
                                  "greater than 1000"))
        if request.get("TumblingWindowInSeconds"):
            raise Refused(invalid("Tumbling windows are not part of the local AWS."))
        for one in (request.get("FilterCriteria") or {}).get("Filters") or []:
            try:
                json.loads(one["Pattern"])
            except (KeyError, ValueError):
                raise Refused(invalid("Invalid filter pattern definition.")) from None

    async def update(self, mapping: Mapping, request: dict, forward: Any) -> Response:
        self.usable(mapping)
        self.validate({**mapping.fields, **request})
        if destination(request):
            await concurrency.run_reentrant(self.admit_destination, request, self.calls.role(mapping))
        status, headers, body = await forward({"Enabled": False})
        if status >= 300:
            return status, headers, body
        changes = {name: request[name] for name in settable() if name in request}
        if "DestinationConfig" in changes:
            changes["DestinationConfig"] = ({"OnFailure": {}} if not destination(request)
                                            else changes["DestinationConfig"])
        if "FilterCriteria" in changes and not (changes["FilterCriteria"] or {}).get("Filters"):
            changes.pop("FilterCriteria")
            mapping.fields.pop("FilterCriteria", None)
        with self._changing:
            was = mapping.enabled
            mapping.fields = {**mapping.fields, **changes, "FunctionArn": json.loads(body)["FunctionArn"]}
            self.changed(mapping.fields)
            mapping.enabled = request.get("Enabled", mapping.enabled)
            mapping.save()
            self._poll(mapping)
        return self.answer(202, mapping, "Updating" if was == mapping.enabled
                           else "Enabling" if mapping.enabled else "Disabling")

    async def delete(self, mapping: Mapping, forward: Any) -> Response:
        self.usable(mapping)
        status, headers, body = await forward()
        if status >= 300:
            return status, headers, body
        with self._changing:
            mapping.remove()
            self._poll(mapping)
        threading.Thread(target=self._forget, args=(mapping,), daemon=True).start()
        return self.answer(202, mapping)

    def _forget(self, mapping: Mapping) -> None:
        """It is 'Deleting' for as long as its last invocation runs."""
        if poller := self.pollers.get(mapping.uuid):
            poller.join()
        with self._changing:
            self.mappings.pop(mapping.uuid, None)
            self.pollers.pop(mapping.uuid, None)

    def usable(self, mapping: Mapping) -> None:
        if mapping.deleting:
            raise Refused(responses.error_response_json(
                "ResourceInUseException",
                "Cannot update the event source mapping because it is in use.", 400))

    def changed(self, fields: dict) -> None:
        fields["LastModified"] = time.time()
        fields["StateTransitionReason"] = "User action"

    # Answers

    def state(self, mapping: Mapping) -> str:
        poller = self.pollers.get(mapping.uuid)
        if mapping.deleting:
            return "Deleting"
        if not mapping.enabled:
            return "Disabling" if poller is not None and not poller.join(0) else "Disabled"
        if mapping.new and poller is not None and poller.running.is_set():
            mapping.new = False
        return "Creating" if mapping.new else "Enabled"

    def shown(self, mapping: Mapping, state: str | None = None) -> dict:
        return {**mapping.fields, "State": state or self.state(mapping), "LastProcessingResult": mapping.result}

    def answer(self, status: int, mapping: Mapping, state: str | None = None) -> Response:
        return (status, {"Content-Type": "application/json"}, json.dumps(self.shown(mapping, state)).encode())

    def listed(self, answer: Response) -> Response:
        status, headers, body = answer
        if status != 200:
            return answer
        page = json.loads(body)
        page["EventSourceMappings"] = [
            self.shown(self.mappings[one["UUID"]]) if one["UUID"] in self.mappings else one
            for one in page.get("EventSourceMappings", [])]
        return status, {**headers}, json.dumps(page).encode()
