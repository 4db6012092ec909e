"""For any changes, in any batches, with any faults: every change arrives whole, once in the view and in order, and the
audit replays to the table; and where faults do not end, what did not arrive is in the failure destination, whole.

The function and the trigger's logic are the real ones. Around them: a Firehose and an S3 in memory that fail as told,
and invocations that crash, before or after their work, or are made twice.
"""
from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import proofs
from in_memory_audit import CRASH, CRASH_AFTER, TWICE, InMemoryAudit, Settings
from in_memory_firehose import DENIED, THROTTLED, UNAVAILABLE, UNREACHABLE, InMemoryFirehose, InMemoryS3
from orders import Change

# Small limits, so that small changes fill records and calls, and some are too large
LIMITS = {"RECORD_BYTES": 900, "CALL_RECORDS": 3, "CALL_BYTES": 2200, "LONGEST_FIELD": 400}
ATTRIBUTES = st.sampled_from(["state", "lastUpdatedDate", "lastUpdatedBy", "total", "ünï", 'quo"te', ""])

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text("x", min_size=500, max_size=700),
    st.builds(lambda seed: random.Random(seed).randbytes(400).hex(), st.integers(0, 99)))  # does not compress
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
invocations = st.lists(st.none() | st.sampled_from([CRASH, CRASH_AFTER, TWICE]), max_size=6)
triggers = st.builds(Settings, batch_size=st.integers(1, 12), bisect=st.booleans(), partial=st.just(True),
                     parallel=st.integers(1, 3))


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


def ledger_of(records: list[dict]) -> list[Change]:
    """What was written, read from the stream records by the test itself."""
    changes = []
    for record in records:
        change = record["dynamodb"]
        before, after = (
            None if change.get(side) is None else {name: plain(typed) for name, typed in change[side].items()}
            for side in ("OldImage", "NewImage"))
        changes.append(Change(change["Keys"]["orderId"]["S"], 0, before, after))
    return changes


def small_firehose(*fates, **last) -> InMemoryFirehose:
    firehose = InMemoryFirehose(*fates, **last)
    firehose.record_bytes, firehose.call_records, firehose.call_bytes, _ = LIMITS.values()
    return firehose


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(writes, triggers, fates, failing_writes, invocations)
def test_every_change_arrives_whole_and_in_its_place(writes, trigger, fates, failing_writes, invocations):
    records = stream_of(writes)
    assume(records)
    line = InMemoryAudit(small_firehose(fates), InMemoryS3(failing_writes), trigger, invocations, **LIMITS)
    line.run(records)

    arrived, ledger = {event["event_id"] for event in line.firehose.events}, ledger_of(records)
    assert arrived == {record["eventID"] for record in records}, "a change has not arrived"
    audit = line.audit()
    in_order = sorted(ledger, key=lambda change: change.order_id)  # keeps each order's changes in order
    assert [proofs.identity(change) for change in audit] == [proofs.identity(change) for change in in_order]
    table = {change.order_id: change.after for change in ledger}
    assert proofs.by_value(audit, filter(None, table.values())) == []
    assert proofs.by_chain(audit) == []
    assert proofs.by_ledger(audit, ledger) == []


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(writes, triggers, st.integers(0, 3), st.integers(0, 4), st.sampled_from([THROTTLED, DENIED, {0, 1, 2}, CRASH]))
def test_with_faults_that_do_not_end_the_rest_is_in_the_destination_whole(writes, trigger, retries, good, fault):
    records = stream_of(writes)
    trigger = Settings(**{**vars(trigger), "retries": retries})
    crashing = fault == CRASH
    line = InMemoryAudit(small_firehose([None] * good, last=None if crashing else fault), InMemoryS3(), trigger,
                    [None] * good, last=CRASH if crashing else None, **LIMITS)
    line.run(records)
    arrived = {event["event_id"] for event in line.firehose.events}
    kept = {record["eventID"]: record for record in line.failures}
    for record in records:
        assert record["eventID"] in arrived or kept[record["eventID"]] == record
    line.firehose.last = None  # the fault ends after all, and somebody replays
    line.replay()
    assert proofs.by_ledger(line.audit(), ledger_of(records)) == []
