"""The three proofs pass when nothing is lost, and fail when it is: each of the protections is taken out in turn.

The same for seals, and for objects that Athena cannot read: on the local AWS, through S3 as it is.
"""
from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary, TypeSerializer

import orders
import proofs
import quarantine
import seals
from in_memory_audit import CRASH, CRASH_AFTER, TWICE, InMemoryAudit, Settings
from in_memory_firehose import DENIED, THROTTLED, InMemoryFirehose, InMemoryS3
from orders import Change

LEDGER = orders.ledger(orders.history(seed=3, number=100))
ITEMS = list({change.order_id: change.after for change in LEDGER if change.order_id}.values())
WORKBOOK = {"batch_size": 40, "bisect": True, "partial": True, "retries": 100}  # the trigger's settings in Part 4
SMALL = {"RECORD_BYTES": 1200, "CALL_RECORDS": 2}  # so that a batch is several records and several calls


def records_of(ledger: list[Change]) -> list[dict]:
    """The stream's records of a ledger."""
    typed = TypeSerializer().serialize
    return [{
        "eventID": f"{number:032x}", "eventName": change.event_name,
        "dynamodb": {
            "ApproximateCreationDateTime": change.at, "Keys": {"orderId": {"S": change.order_id}},
            "SequenceNumber": str(10**21 + number), "StreamViewType": "NEW_AND_OLD_IMAGES",
            **{side: typed(image)["M"] for side, image in (("OldImage", change.before), ("NewImage", change.after))
               if image is not None}},
    } for number, change in enumerate(ledger)]


def failing(audit: list[Change]) -> set[str]:
    """The proofs that fail."""
    items = filter(None, ITEMS)
    found = {"value": proofs.by_value(audit, items), "chain": proofs.by_chain(audit),
             "ledger": proofs.by_ledger(audit, LEDGER)}
    return {proof for proof, findings in found.items() if findings}


def line(fates=(), invocations=(), seconds=4, destination=True, **settings) -> InMemoryAudit:
    firehose = InMemoryFirehose(fates)
    firehose.record_bytes, firehose.call_records = SMALL["RECORD_BYTES"], SMALL["CALL_RECORDS"]
    return InMemoryAudit(firehose, InMemoryS3(), Settings(**{**WORKBOOK, **settings}), invocations, seconds=seconds,
                    destination=destination, **SMALL)


# --------------------------------------------------------------------------- each protection, and what it protects from

IN_PART = [None, {1}] * 4  # Firehose takes the first of two records and not the second
HARSH = {"fates": IN_PART + [THROTTLED, DENIED] * 4, "invocations": [None, CRASH, CRASH_AFTER, TWICE]}
POISON = {"invocations": [None, None] + [CRASH] * 4, "retries": 1, "bisect": False}  # two batches outlast the retries


def test_with_all_protections_nothing_is_lost_whatever_fails():
    audited = line(**HARSH)
    audited.run(records_of(LEDGER))
    assert not failing(audited.audit())
    assert len(audited.firehose.events) > len(LEDGER), "nothing came twice, so the view had nothing to do"


def test_without_partial_responses_what_the_function_reports_is_lost():
    for partial in (True, False):
        audited = line(fates=IN_PART, seconds=0, partial=partial)  # no time for tries within the invocation
        audited.run(records_of(LEDGER))
        assert failing(audited.audit()) == (set() if partial else {"value", "chain", "ledger"})


def test_without_retries_what_fails_once_is_missing():
    for retries in (100, 0):
        audited = line(invocations=[None, CRASH, None, CRASH], retries=retries, bisect=False)
        audited.run(records_of(LEDGER))
        assert failing(audited.audit()) == (set() if retries else {"value", "chain", "ledger"})


def test_without_tries_in_the_function_a_throttled_call_costs_a_retry_of_the_stream():
    """The function's own tries are not what keeps events, but what keeps the stream from waiting."""
    for seconds, settled in ((60, True), (0, False)):
        audited = line(fates=[THROTTLED] * 3, seconds=seconds, retries=0, bisect=False)
        audited.run(records_of(LEDGER))
        assert bool(failing(audited.audit())) != settled
        audited.replay()
        assert not failing(audited.audit())


def test_without_the_view_a_batch_delivered_twice_is_counted_twice():
    audited = line(invocations=[TWICE])
    audited.run(records_of(LEDGER))
    assert not failing(audited.audit())
    assert failing(audited.audit(dedupe=False)) == {"chain", "ledger"}


def test_without_a_failure_destination_what_the_trigger_gives_up_on_is_gone():
    for destination in (True, False):
        audited = line(**POISON, destination=destination)
        audited.run(records_of(LEDGER))
        assert failing(audited.audit()), "the poison has done no harm"
        audited.replay()
        assert failing(audited.audit()) == (set() if destination else {"value", "ledger"})


# ------------------------------------------------------------------------------------------ what each proof sees


def change(step: int, before: dict | None, after: dict | None, order_id: str = "1") -> Change:
    with_id = [None if image is None else {"orderId": order_id, **image} for image in (before, after)]
    return Change(order_id, step, *with_id)


LIFE = [change(1, None, {"state": "OPEN"}), change(2, {"state": "OPEN"}, {"state": "PICKEDUP"}),
        change(3, {"state": "PICKEDUP"}, {"state": "DELIVERED"})]
ITEM = [{"orderId": "1", "state": "DELIVERED"}]


@pytest.mark.parametrize("spoil, value, chain, ledger", [
    (lambda audit: None, False, False, False),
    (lambda audit: audit.pop(0), False, False, True),  # the first: only the ledger knows that there was one
    (lambda audit: audit.pop(1), False, True, True),
    (lambda audit: audit.pop(2), True, False, True),  # the last: no link behind it misses it
    (lambda audit: audit.insert(1, audit[0]), False, True, True),
    (lambda audit: audit.append(audit.pop(1)), True, True, False),  # out of order: each is there once
    (lambda audit: audit.__setitem__(1, change(2, {"state": "OPEN"}, {"state": "LOST"})), False, True, True),
    (lambda audit: audit.__setitem__(2, change(3, {"state": "PICKEDUP"}, {"state": "LOST"})), True, False, True),
])
def test_what_each_proof_sees(spoil: Callable, value: bool, chain: bool, ledger: bool):
    audit = list(LIFE)
    spoil(audit)
    found = (proofs.by_value(audit, ITEM), proofs.by_chain(audit), proofs.by_ledger(audit, LIFE))
    assert tuple(map(bool, found)) == (value, chain, ledger)


def test_values_are_compared_whatever_their_notation():
    same = [(1, Decimal("1.00")), ({"a": 1, "b": [True]}, {"b": [True], "a": Decimal(1)}), ({"x", "y"}, ["x", "y"]),
            ({Decimal(10), Decimal(9)}, [9, 10]), (Binary(b"\x00"), "AA=="),
            ({Binary(b"b"), Binary(b"a")}, ["YQ==", "Yg=="])]
    for one, other in same:
        assert proofs.comparable(one) == proofs.comparable(other)
    digits = "0.1234567890123456789012345678901234567"
    different = [(True, 1), ("1", 1), (None, ""), ({}, None), ([], {}), ([1, 2], [2, 1]), ({"a": None}, {}),
                 (Decimal(digits + "8"), Decimal(digits + "9"))]
    for one, other in different:
        assert proofs.comparable(one) != proofs.comparable(other), (one, other)


def test_a_change_made_twice_must_be_there_twice():
    there_and_back = [*LIFE[:2], change(3, {"state": "PICKEDUP"}, {"state": "OPEN"}), LIFE[1]]
    assert proofs.by_ledger(there_and_back, there_and_back) == []
    assert proofs.by_ledger(there_and_back[:3], there_and_back) == ["1, made 2 times, found 1 times"]


def test_masked_attributes_of_an_item():
    assert proofs.masked({"orderId": "1", "email": "a@example.com"}, ["email", "phone"]) == {
        "orderId": "1", "email": "***"}
    assert proofs.masked(None, ["email"]) is None


def test_an_oversize_event_that_was_changed_is_noticed():
    row = {"order_id": "1", "step": 1, "old_image": None, "new_image": None,
           "detail": json.dumps({"oversize": {"key": "oversize/x", "sha256": "0" * 64}})}
    with pytest.raises(AssertionError, match="oversize/x is not what it was"):
        proofs.changes([row], lambda key: b"{}")


# --------------------------------------------------------------------------------- seals, and objects set aside


@pytest.fixture
def bucket(aws, request):
    """(S3 client, name of a versioned bucket with two days of events)."""
    s3, name = aws.client("s3"), "proofs-" + re.sub(r"\W|_", "-", request.node.name)[-50:].strip("-")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for day, number in (("2026-01-01", 3), ("2026-01-02", 2)):
        for part in range(2):
            body = b"".join(events(one) for one in range(number))  # a member each
            s3.put_object(Bucket=name, Key=f"events/dt={day}/{part}.gz", Body=body)
    return s3, name


def events(*numbers: int) -> bytes:
    return gzip.compress(b"".join(b'{"event_id":"%d"}\n' % number for number in numbers))


def sealed(s3, bucket: str) -> str:
    last = None
    for day in ("2026-01-01", "2026-01-02"):
        last = seals.seal(s3, bucket, day, last)
    return last


def test_a_seal_says_what_each_object_is(bucket):
    s3, name = bucket
    assert seals.verify(s3, name, sealed(s3, name)) == []
    manifest = json.loads(seals.read(s3, name, "manifests/dt=2026-01-01.json"))
    assert manifest["previous"] is None
    assert list(manifest["objects"]) == [f"events/dt=2026-01-01/{part}.gz" for part in "01"]
    facts = manifest["objects"]["events/dt=2026-01-01/0.gz"]
    assert facts.keys() == {"size", "sha256", "events"} and facts["events"] == 3


FIRST = "events/dt=2026-01-01/0.gz"


@pytest.mark.parametrize("tamper, finding", [
    (lambda s3, name: s3.put_object(Bucket=name, Key=FIRST, Body=events(0, 1, 7)), f"changed {FIRST}"),
    (lambda s3, name: s3.delete_object(Bucket=name, Key=FIRST), f"removed {FIRST}"),
    (lambda s3, name: s3.put_object(Bucket=name, Key=FIRST + "x", Body=events()), f"added {FIRST}x"),
], ids=["changed", "removed", "added"])
def test_whoever_changes_a_sealed_day_is_found_out(bucket, tamper, finding):
    s3, name = bucket
    last = sealed(s3, name)
    tamper(s3, name)
    assert seals.verify(s3, name, last) == [finding]
    seals.seal(s3, name, "2026-01-01", None)  # and the manifest with it
    assert seals.verify(s3, name, last) == ["broken chain at manifests/dt=2026-01-02.json"]
    assert sealed(s3, name) != last  # and all that follow
    assert seals.verify(s3, name, last) == ["the last manifest is not the one that you sealed"]


def test_a_day_that_has_no_manifest_is_new_only_behind_the_last_sealed_one(bucket):
    s3, name = bucket
    last = sealed(s3, name)
    for day in ("2025-12-31", "2026-01-03"):
        s3.put_object(Bucket=name, Key=f"events/dt={day}/0.gz", Body=events(1))
    assert seals.verify(s3, name, last) == ["added events/dt=2025-12-31/0.gz"]
    s3.delete_object(Bucket=name, Key="manifests/dt=2026-01-02.json")
    assert "the last manifest is not the one that you sealed" in seals.verify(s3, name, last)


GOOD = b'{"event_id":"1"}\n'
MEMBER = gzip.compress(GOOD * 9, mtime=0)


@pytest.mark.parametrize("body, reason", [
    (gzip.compress(GOOD * 2), None), (gzip.compress(b""), None), (b"", None), (gzip.compress(GOOD + GOOD[:-1]), None),
    (MEMBER * 3, None), (gzip.compress(GOOD[:5]) + gzip.compress(GOOD[5:]), None),
    (MEMBER[:-9], "its last member is cut off, number 1"), (GOOD, "it is no gzip file"),
    (MEMBER * 2 + MEMBER[:-1], "its last member is cut off, number 3"),
    (MEMBER + MEMBER[:5], "its last member is cut off, number 2"),
    (MEMBER[:-12] + MEMBER, "member 1 is broken"),
    (MEMBER * 2 + b"garbage" + MEMBER, "what follows member 2 is no member"),
    (MEMBER + bytes(8) + MEMBER, "what follows member 1 is no member"),
    (MEMBER + b"\x1f", "what follows member 1 is no member"),
    (gzip.compress(random.Random(1).randbytes(200_000).hex().encode() + b"\n") * 2, "line 1 is half an event"),
    (gzip.compress(GOOD + b'{"event_id":'), "line 2 is half an event"),
    (gzip.compress(GOOD + b"\n" + GOOD), "line 2 is blank"),
    (gzip.compress(GOOD[:-1] + GOOD), "line 1 holds more than one event"),
    (gzip.compress(b"[1]\n"), "line 1 is no event"),
], ids=["two events", "none", "empty", "no last newline", "members", "split in a line", "cut off", "not packed",
        "a member cut off", "cut off in a header", "the first cut off", "garbage between", "zeros between",
        "half a magic", "large members", "half an event", "a blank line", "two on a line", "a list"])
# gzip writes the time: without these, a name of its own for each process
def test_what_is_the_matter_with_an_object(body, reason):
    found = quarantine.problem(body)
    assert found is None if reason is None else reason in found


def test_an_object_is_set_aside_whole(bucket):
    s3, name = bucket
    half = events(1) + events(*range(9))[:-9]
    s3.put_object(Bucket=name, Key=FIRST, Body=half)
    assert quarantine.unreadable(s3, name) == {FIRST: "its last member is cut off, number 2"}
    aside = quarantine.set_aside(s3, name, FIRST)
    assert aside == f"set-aside/{FIRST}" and seals.read(s3, name, aside) == half
    assert quarantine.unreadable(s3, name) == {} and FIRST not in seals.keys(s3, name, "events/")
