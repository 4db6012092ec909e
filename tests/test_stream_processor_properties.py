"""For any changes, in any batches, with any faults that end: every change arrives whole, and none is passed over.

The function is the real one. Around it: a Firehose and an S3 in memory that fail as told, and the trigger's part of
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html: the lowest reported sequence
number is the checkpoint, and a batch that raised is sent again whole.
"""
from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from in_memory_firehose import (
    DENIED,
    THROTTLED,
    UNAVAILABLE,
    UNREACHABLE,
    Context,
    InMemoryFirehose,
    InMemoryS3,
    function,
    invoke,
)

# Small limits, so that small changes fill records and calls, and some are too large
LIMITS = {"RECORD_BYTES": 3000, "CALL_RECORDS": 3, "CALL_BYTES": 7000, "LONGEST_FIELD": 400}
ATTRIBUTES = st.sampled_from(["state", "lastUpdatedDate", "lastUpdatedBy", "total", "ünï", 'quo"te', ""])

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text("x", min_size=500, max_size=700)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-10**30, max_value=10**30).map(
    lambda number: f"{number:f}") | st.integers(-10**37, 10**37).map(str)
base64 = st.sampled_from(["", "AA==", "3q2+7w=="])
values = st.recursive(
    st.builds(lambda value: {"S": value}, texts) | st.builds(lambda value: {"N": value}, numbers)
    | st.builds(lambda value: {"B": value}, base64) | st.builds(lambda value: {"BOOL": value}, st.booleans())
    | st.just({"NULL": True})
    | st.builds(lambda value: {"SS": value}, st.lists(texts, unique=True, min_size=1, max_size=3))
    | st.builds(lambda value: {"NS": value}, st.lists(numbers, unique_by=Decimal, min_size=1, max_size=3))
    | st.builds(lambda value: {"BS": value}, st.lists(base64, unique=True, min_size=1)),
    lambda inner: st.builds(lambda value: {"L": value}, st.lists(inner, max_size=3))
    | st.builds(lambda value: {"M": value}, st.dictionaries(texts, inner, max_size=3)), max_leaves=6)
items = st.dictionaries(ATTRIBUTES, values, max_size=4)
writes = st.lists(st.tuples(st.sampled_from(["101", "102", "103"]), items | st.none()), min_size=1, max_size=25)
fates = st.lists(st.none() | st.sampled_from([THROTTLED, UNAVAILABLE, UNREACHABLE, DENIED])
                 | st.sets(st.integers(0, 2), min_size=1), max_size=12)
failing_writes = st.lists(st.none() | st.sampled_from([UNAVAILABLE, DENIED]), max_size=6)


def stream_of(writes: list[tuple[str, dict | None]]) -> list[dict]:
    """The stream records of writes to a table, each a put of an item or a delete (None)."""
    table: dict[str, dict] = {}
    records = []
    for order, item in writes:
        old = table.pop(order, None)
        if item is not None:
            table[order] = {"orderId": {"S": order}, **item}
        new = table.get(order)
        if old == new:
            continue  # a write that changes nothing leaves no record
        images = {side: image for side, image in (("OldImage", old), ("NewImage", new)) if image is not None}
        records.append({
            "eventID": f"{len(records):032x}",
            "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            "dynamodb": {"ApproximateCreationDateTime": 1705337067, "Keys": {"orderId": {"S": order}}, **images,
                         "SequenceNumber": str(10**21 + 7 * len(records)), "StreamViewType": "NEW_AND_OLD_IMAGES"}})
    return records


def plain(typed: dict):
    """The value of DynamoDB's typed JSON: the test's own reading of it."""
    ((kind, value),) = typed.items()
    if kind == "M":
        return {name: plain(inner) for name, inner in value.items()}
    if kind in ("L", "SS", "BS", "NS"):
        inner = {"SS": "S", "BS": "B", "NS": "N"}.get(kind)
        parts = [plain({inner: one} if inner else one) for one in value]
        return parts if kind == "L" else sorted(parts)
    return {"N": Decimal, "NULL": lambda _: None}.get(kind, lambda same: same)(value)


def read(text: str | None):
    return None if text is None else json.loads(text, parse_float=Decimal, parse_int=Decimal)


def whole(event: dict, s3: InMemoryS3) -> dict:
    """The event itself, where a small one points to it."""
    detail = json.loads(event["detail"] or "{}").get("oversize")
    return json.loads(s3.objects[detail["key"]]) if detail else event


def run_trigger(records: list[dict], size: int, firehose: InMemoryFirehose, tries: int) -> int:
    """Hand the records to the function as the trigger does, at most `tries` times; return the final checkpoint."""
    position = 0
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    while position < len(records) and tries:
        tries -= 1
        batch = records[position:position + size]
        try:
            failed = invoke(batch, Context(seconds=4))  # so little that tries end before the faults do
        except RuntimeError:
            failed = [numbers[position]]
        checkpoint = min((numbers.index(number) for number in failed), default=position + len(batch))
        assert position <= checkpoint <= position + len(batch)
        arrived = {event["sequence_number"].lstrip("0") for event in firehose.events}
        assert arrived.issuperset(numbers[:checkpoint]), "the checkpoint has passed a change that is not delivered"
        position = checkpoint
    return position


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(writes, st.integers(1, 12), fates, failing_writes)
def test_every_change_arrives_whole_and_in_its_place(writes, size, fates, failing_writes):
    records = stream_of(writes)
    assume(records)
    firehose, s3 = InMemoryFirehose(fates), InMemoryS3(failing_writes)
    firehose.record_bytes, firehose.call_records, firehose.call_bytes, _ = LIMITS.values()
    with function(firehose, s3, **LIMITS):
        assert run_trigger(records, size, firehose, tries=200) == len(records)

    events = {event["event_id"]: event for event in firehose.events}  # what the view does: each event once
    in_order = [whole(event, s3) for event in sorted(events.values(), key=lambda event: event["sequence_number"])]
    assert [event["event_id"] for event in in_order] == [record["eventID"] for record in records]
    table = {}
    for event, record in zip(in_order, records, strict=True):
        images = {}
        for side, column in (("OldImage", "old_image"), ("NewImage", "new_image")):
            image = record["dynamodb"].get(side)
            images[side] = None if image is None else {name: plain(typed) for name, typed in image.items()}
            assert read(event[column]) == images[side]
        assert read(event["old_image"]) == table.get(event["order_id"]), "each event goes on where the last one ended"
        table[event["order_id"]] = images["NewImage"]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(writes, st.integers(1, 12), st.integers(0, 4), st.sampled_from([THROTTLED, DENIED, {0, 1, 2}]))
def test_with_faults_that_do_not_end_nothing_is_passed_over(writes, size, good_calls, last):
    records = stream_of(writes)
    firehose, s3 = InMemoryFirehose([None] * good_calls, last=last), InMemoryS3()
    firehose.record_bytes, firehose.call_records, firehose.call_bytes, _ = LIMITS.values()
    with function(firehose, s3, **LIMITS):
        position = run_trigger(records, size, firehose, tries=20)
    arrived = {event["event_id"] for event in firehose.events}
    assert arrived.issuperset(record["eventID"] for record in records[:position])
