"""The designs that a reader would otherwise pick, written for the comparison from their descriptions, next to ours.

Each takes stream records and delivers them through `firehose`; the floor serialises them and delivers nothing.
"""
from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest import mock

from boto3.dynamodb.types import TypeDeserializer

# Billed in steps of 5 KB a record: https://aws.amazon.com/firehose/pricing/
STEP = 5 * 1024

def our_function() -> ModuleType:
    """The module of the function as deployed, without its logs."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # it makes a client when it is imported; no call goes out
    os.environ.setdefault("DELIVERY_STREAM_NAME", "audit")
    os.environ.setdefault("FAILURES_BUCKET", "audit")
    folder = str(Path(__file__).resolve().parents[2] / "lambda")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import stream_processor

    return stream_processor


# What a delivery stream takes: as the function has it, whose module says where AWS does
RECORD_BYTES, CALL_RECORDS, CALL_BYTES = (
    getattr(our_function(), limit) for limit in ("RECORD_BYTES", "CALL_RECORDS", "CALL_BYTES"))


def refusal(records: Sequence[bytes]) -> str | None:
    """Why Firehose refuses a call with these records, for their number or their size; None where it takes it."""
    if not 1 <= len(records) <= CALL_RECORDS:
        return f"{len(records)} records in a call, of 1 to {CALL_RECORDS}"
    if not all(1 <= len(record) <= RECORD_BYTES for record in records):
        return f"a record that is empty or has more than {RECORD_BYTES:,} bytes"
    size = sum(map(len, records))
    return f"{size:,} bytes in a call, of {CALL_BYTES:,} at most" if size > CALL_BYTES else None


class Refused(Exception):
    """Firehose does not take such a call."""


class Firehose:
    """A delivery stream in memory: it counts, and refuses what Firehose refuses for its size."""

    def __init__(self) -> None:
        self.calls = self.records = self.bytes = self.billed = 0

    def put_record(self, DeliveryStreamName: str, Record: dict) -> dict:
        """As boto3's client. Raises Refused, as `refusal` says."""
        self._take([Record])
        return {"RecordId": "r"}

    def put_record_batch(self, DeliveryStreamName: str, Records: list[dict]) -> dict:
        """As boto3's client, without partial failures. Raises Refused, as `refusal` says."""
        self._take(Records)
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "r"}] * len(Records)}

    def add(self, other: Firehose) -> None:
        """Count what the other took, too."""
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)

    def _take(self, records: list[dict]) -> None:
        if reason := refusal([record["Data"] for record in records]):
            raise Refused(reason)
        sizes = [len(record["Data"]) for record in records]
        self.calls += 1
        self.records += len(sizes)
        self.bytes += sum(sizes)
        self.billed += sum(map(billed, sizes))


def billed(size: int) -> int:
    """The bytes that Firehose bills for a record of `size` bytes."""
    return math.ceil(size / STEP) * STEP


def floor(records: Sequence[dict], firehose: Firehose) -> None:
    """What no function in Python can do without: each record as JSON once."""
    for record in records:
        json.dumps(record)


def textbook(records: Sequence[dict], firehose: Firehose) -> None:
    """One event a record: PutRecordBatch of 500 at a time."""
    events = [{"Data": _event(record).encode()} for record in records]
    for first in range(0, len(events), CALL_RECORDS):
        firehose.put_record_batch(DeliveryStreamName="audit", Records=events[first:first + CALL_RECORDS])


def tutorial(records: Sequence[dict], firehose: Firehose) -> None:
    """All of a batch as one text in one PutRecord. It reads the new image's `state` without asking whether there is
    one, so a delete, or an item without it, ends the batch."""
    text = ""
    for record in records:
        record["dynamodb"]["NewImage"]["state"]
        text += _event(record)
    firehose.put_record(DeliveryStreamName="audit", Record={"Data": text.encode()})


def _event(record: dict) -> str:
    """A change as a line of JSON with plain values, by boto3's own deserialiser: what both textbook and tutorial send,
    so that they differ in how they send it alone."""
    change = record["dynamodb"]
    return json.dumps({
        "event_id": record["eventID"], "event_name": record["eventName"], "sequence_number": change["SequenceNumber"],
        "changed_at": change["ApproximateCreationDateTime"], "keys": _plain(change["Keys"]),
        "old_image": _plain(change.get("OldImage", {})), "new_image": _plain(change.get("NewImage", {})),
    }, default=_number) + "\n"


def _plain(image: dict) -> dict:
    return {name: _DESERIALIZE(value) for name, value in image.items()}


def _number(value: Decimal) -> int | float:
    return int(value) if value == int(value) else float(value)


_DESERIALIZE = TypeDeserializer().deserialize


def ours(records: Sequence[dict], firehose: Firehose) -> None:
    """The workbook's function, whole: from Lambda's event to its answer."""
    function = our_function()
    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 60_000)
    with mock.patch.multiple(function, create=True, FIREHOSE=firehose, print=lambda *words: None):
        if function.handler({"Records": records}, context) != {"batchItemFailures": []}:
            raise AssertionError("not all of the batch was delivered")


def ours_not_compressed(records: Sequence[dict], firehose: Firehose) -> None:
    """The same, but for the compressing: gzip members that hold their text as it is."""
    with mock.patch.object(our_function(), "LEVEL", 0):
        ours(records, firehose)


DESIGNS: dict[str, Callable[[Sequence[dict], Firehose], None]] = {
    "textbook": textbook, "tutorial": tutorial, "ours": ours, "ours, not compressed": ours_not_compressed}
