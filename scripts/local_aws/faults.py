"""Faults on demand: what can go wrong on AWS, and seldom does when one wants to see it.

Only here: AWS has no such thing, and nothing in the workbook can reach it with the `aws` target. Off unless asked for;
a stop forgets them. Each behaves as AWS documents the failure:

- https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html (FailedPutCount, ErrorCode)
- https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (503 SlowDown)
- https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html (Runtime.ExitError, Sandbox.Timedout)
- https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (a batch may be processed more than once)

`POST /_local/faults` takes one fault, or a list of them, as JSON, and adds it: {"fault": name, "share": 0.3, "seed": 1}
strikes a share of the occasions, chosen by the seed; {"fault": name, "count": 5} the next 5 (with both, at most so
many). Without either it strikes always. `GET` tells each with its number of `occasions` and of times it was `injected`.
`DELETE` removes all. Names and their own settings:

| fault | strikes | settings |
| --- | --- | --- |
| reject_records | entries of PutRecordBatch, in an answer of 200 | `stream` |
| throttle_firehose | PutRecord and PutRecordBatch as a whole | `stream` |
| fail_s3 | writes of objects | `bucket`, `prefix` (of the key) |
| crash_function | invocations | `function`, `after` (true: when its work is done) |
| time_out_function | invocations, when the work is done | `function` |
| deliver_twice | invocations with stream records: the function gets the batch two times | `function` |
| delay | requests, before anything happens | `service` ('lambda', 'firehose' or 's3'), `seconds` |

A setting that is left out means any.
"""
from __future__ import annotations

import asyncio
import json
import random
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from local_aws.server import Handler, LocalAws, Response

SETTINGS: dict[str, dict[str, type]] = {
    "reject_records": {"stream": str}, "throttle_firehose": {"stream": str},
    "fail_s3": {"bucket": str, "prefix": str}, "crash_function": {"function": str, "after": bool},
    "time_out_function": {"function": str}, "deliver_twice": {"function": str},
    "delay": {"service": str, "seconds": float}}
SERVICES = ("lambda", "firehose", "s3")


class Fault:
    """One fault, when it strikes, and how often it has. `asked` is what it was asked for with, in the form of
    `/_local/faults`; ValueError says what is wrong with that."""

    def __init__(self, asked: dict):
        settings = dict(asked)
        self.asked = dict(asked)
        self.name = settings.pop("fault", None)
        if self.name not in SETTINGS:
            raise ValueError(f"fault must be one of {', '.join(SETTINGS)}, not {self.name!r}")
        self.share, self.count, self.seed = (settings.pop(key, None) for key in ("share", "count", "seed"))
        if self.share is not None and not (isinstance(self.share, (int, float)) and 0 <= self.share <= 1):
            raise ValueError("share must be a number from 0 to 1")
        if self.count is not None and not (isinstance(self.count, int) and self.count >= 0):
            raise ValueError("count must be a whole number from 0")
        for key, value in settings.items():
            kind = SETTINGS[self.name].get(key)
            if kind is None:
                raise ValueError(f"{self.name} has no setting {key!r}")
            if not isinstance(value, (int, float) if kind is float else kind):
                raise ValueError(f"{key} must be of type {kind.__name__}")
        if self.name == "delay" and (settings.get("service") not in (None, *SERVICES) or "seconds" not in settings):
            raise ValueError(f"delay needs seconds, and its service is one of {', '.join(SERVICES)}")
        self.settings = settings
        self.occasions = self.injected = 0
        self._chance = random.Random(self.seed)

    def strikes(self, **occasion: str) -> bool:
        """Whether it strikes on this occasion, which it counts if its settings are those of the occasion."""
        for key, value in occasion.items():
            wanted = self.settings.get(key)
            if wanted is not None and not (value.startswith(wanted) if key == "prefix" else value == wanted):
                return False
        self.occasions += 1
        if self.count is not None and self.injected >= self.count:
            return False
        if self.share is not None and self._chance.random() >= self.share:
            return False
        self.injected += 1
        return True


class Faults:
    """The faults that are asked for, and the handlers that they strike in."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._changing = threading.Lock()

    def answer(self, method: str, body: bytes) -> tuple[int, Any]:
        """`/_local/faults`."""
        with self._changing:
            if method == "DELETE":
                self.faults = []
            elif method == "POST":
                try:
                    asked = json.loads(body)
                    self.faults = self.faults + [
                        Fault(one) for one in (asked if isinstance(asked, list) else [asked])]
                except (ValueError, TypeError) as error:
                    return 400, {"error": str(error)}
            elif method != "GET":
                return 405, {"error": "GET, POST or DELETE"}
            return 200, {"faults": [{**fault.asked, "occasions": fault.occasions, "injected": fault.injected}
                                    for fault in self.faults]}

    def forget(self) -> None:
        """Take all faults away."""
        self.answer("DELETE", b"")

    def strike(self, name: str, **occasion: str) -> Fault | None:
        """The first fault of a name that strikes on an occasion."""
        if not self.faults:
            return None
        with self._changing:
            return next((fault for fault in self.faults if fault.name == name and fault.strikes(**occasion)), None)

    def delayed(self, service: str) -> Callable[[Handler], Handler]:
        """A wrapper around a service's handler, in which `delay` strikes."""

        def wrapper(inner: Handler) -> Handler:
            async def handle(*request: Any) -> Response:
                if fault := self.strike("delay", service=service):
                    await asyncio.sleep(fault.settings["seconds"])
                return await inner(*request)

            return handle

        return wrapper

    def firehose(self, inner: Handler) -> Handler:
        """Firehose's handler, in which `throttle_firehose` and `reject_records` strike."""

        async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Response:
            action = headers.get("x-amz-target", "").rpartition(".")[2]
            if not self.faults or action not in ("PutRecord", "PutRecordBatch"):
                return await inner(method, path, headers, body, query)
            request = json.loads(body)
            stream = request.get("DeliveryStreamName", "")
            if self.strike("throttle_firehose", stream=stream):
                return 503, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(
                    {"__type": "ServiceUnavailableException", "message": "Slow down."}).encode()
            if action == "PutRecord":
                return await inner(method, path, headers, body, query)
            return await self.partly(request, stream, lambda rest: inner(
                method, path, headers, json.dumps(rest).encode(), query))

        return handle

    async def partly(self, request: dict, stream: str, put: Callable[[dict], Any]) -> Response:
        """A PutRecordBatch some of whose entries are rejected: the others are put, the answer is in their order."""
        records = request.get("Records", [])
        rejected = {place for place in range(len(records)) if self.strike("reject_records", stream=stream)}
        if len(rejected) < len(records):
            answer = await put({**request, "Records": [
                record for place, record in enumerate(records) if place not in rejected]})
        else:
            answer = 200, {"Content-Type": "application/x-amz-json-1.1"}, b'{"FailedPutCount": 0}'
        status, headers, body = answer
        if status != 200 or not rejected:
            return answer
        partly = json.loads(body)
        rest = iter(partly.get("RequestResponses", []))
        partly["RequestResponses"] = [
            {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."} if place in rejected
            else next(rest) for place in range(len(records))]
        partly["FailedPutCount"] = partly.get("FailedPutCount", 0) + len(rejected)
        return status, headers, json.dumps(partly).encode()

    def s3(self, inner: Handler) -> Handler:
        """S3's handler, in which `fail_s3` strikes."""

        async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Response:
            bucket, _, key = unquote(path).lstrip("/").partition("/")
            writes = key and (method == "PUT" or (method == "POST" and "uploads" in query)) and not (
                {"tagging", "acl", "retention", "legal-hold"} & query.keys())
            if self.faults and writes and self.strike("fail_s3", bucket=bucket, prefix=key):
                return 503, {"Content-Type": "application/xml"}, (
                    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
                    b"<Message>Please reduce your request rate.</Message></Error>")
            return await inner(method, path, headers, body, query)

        return handle

    def function(self, inner: Handler) -> Handler:
        """Lambda's handler, in which those of functions strike."""

        async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Response:
            parts = unquote(path).rstrip("/").split("/")
            if not self.faults or method != "POST" or parts[-1] != "invocations":
                return await inner(method, path, headers, body, query)
            name = parts[3].partition(":function:")[2].partition(":")[0] or parts[3].partition(":")[0]
            if b'"aws:dynamodb"' in body and self.strike("deliver_twice", function=name):
                await inner(method, path, headers, body, query)
            crash = self.strike("crash_function", function=name)
            late = self.strike("time_out_function", function=name)
            answer = None
            if late or not crash or crash.settings.get("after"):
                answer = await inner(method, path, headers, body, query)
            if answer is not None and (answer[0] != 200 or not crash and not late):
                return answer
            request = str(uuid.uuid4())
            failure = ({"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request} Error: Task timed out"}
                    if late else {"errorType": "Runtime.ExitError", "errorMessage":
                                  f"RequestId: {request} Error: Runtime exited with error: signal: killed"})
            return 200, {"Content-Type": "application/json", "X-Amz-Function-Error": "Unhandled",
                         "X-Amz-Executed-Version": "$LATEST"}, json.dumps(failure).encode()

        return handle


def install(aws: LocalAws) -> None:
    """Let faults strike before anything else sees a request."""
    faults = Faults()
    aws.route("faults", faults.answer)
    aws.on_reset(faults.forget)
    for service, wrapper in (("firehose", faults.firehose), ("s3", faults.s3), ("lambda", faults.function)):
        aws.wrap(service, wrapper)
        aws.wrap(service, faults.delayed(service))
