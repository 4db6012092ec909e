"""Firehose and S3 in memory, for tests of the function without a network: they keep AWS's limits, and fail as told.

`python -c "import in_memory_firehose"` also makes `stream_processor` importable on a machine without AWS settings.
"""
from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest import mock

from botocore.exceptions import ClientError, EndpointConnectionError

from bench_parts import designs

stream_processor = designs.our_function()


def refusal(code: str, message: str, status: int = 400) -> ClientError:
    """Return the error that botocore raises for an answer of AWS."""
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
                       "PutRecordBatch")


THROTTLED = refusal("ThrottlingException", "Slow down.")
UNAVAILABLE = refusal("ServiceUnavailableException", "Slow down.", 503)
DENIED = refusal("AccessDeniedException", "User is not authorized to perform: firehose:PutRecordBatch")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://firehose.us-east-1.amazonaws.com")


class InMemoryFirehose:
    """The client's put_record_batch.

    `fates` says what happens to one call after the other: None, it succeeds; an error, it is raised; a collection of
    positions, the records there are refused. When they are used up, `last` is the fate of every further call.
    What it takes is what the benchmark's takes.
    """

    def __init__(self, fates: Iterable = (), last=None):
        self.fates, self.last = iter(fates), last
        self.calls: list[list[bytes]] = []
        self.records: list[bytes] = []

    def put_record_batch(self, DeliveryStreamName: str, Records: list[dict]) -> dict:
        data = [record["Data"] for record in Records]
        self.calls.append(data)
        if reason := designs.refusal(data):
            raise refusal("ValidationException", reason)
        fate = next(self.fates, self.last)
        if isinstance(fate, Exception):
            raise fate
        refused = set(fate or ()) & set(range(len(data)))
        self.records += [record for position, record in enumerate(data) if position not in refused]
        return {"FailedPutCount": len(refused), "RequestResponses": [
            {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."} if position in refused
            else {"RecordId": str(position)} for position in range(len(data))]}

    @property
    def events(self) -> list[dict]:
        """The audit events that were delivered, as Athena would read them: one a line, no line torn."""
        lines = []
        for text in map(gzip.decompress, self.records):
            assert text.endswith(b"\n"), "a record does not end with a newline: it would run into the next one"
            lines += text.splitlines()
        assert b"\n".join([*lines, b""]) == gzip.decompress(b"".join(self.records)), "joined, records are no gzip file"
        return [json.loads(line) for line in lines]


class InMemoryS3:
    """The client's put_object, with fates as above."""

    def __init__(self, fates: Iterable = (), last=None):
        self.fates, self.last = iter(fates), last
        self.objects: dict[str, bytes] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        if fate := next(self.fates, self.last):
            raise fate
        self.objects[Key] = Body


class Context:
    """What Lambda tells a function about its invocation; its time passes by sleeping only."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, seconds: float = 60):
        self.seconds = seconds

    def sleep(self, seconds: float) -> None:
        self.seconds -= seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@contextmanager
def function(firehose: InMemoryFirehose, s3: InMemoryS3 | None = None, **settings) -> Iterator:
    """Give the function as it is deployed, but for its clients; `settings` replace its constants, such as MASKED."""
    settings = {"FIREHOSE": firehose, "STREAM": "audit", "BUCKET": "audit-bucket", "s3": lambda: s3, **settings}
    with mock.patch.multiple(stream_processor, **settings):
        yield stream_processor


def invoke(records: list[dict], context: Context | None = None) -> list[str]:
    """Invoke the function with stream records, through JSON as Lambda does; return the sequence numbers reported."""
    context = context or Context()
    with mock.patch.object(stream_processor.time, "sleep", context.sleep):
        answer = stream_processor.handler(json.loads(json.dumps({"Records": records})), context)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
