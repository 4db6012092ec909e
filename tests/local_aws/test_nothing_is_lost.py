"""The property on the local AWS: whatever is written, whatever fails and ends, the three proofs hold.

In process the same is asked of many more examples, by test_stream_processor_properties.py. Here the table, its stream,
the trigger, the function, Firehose, S3 and Athena are those of the local AWS, and the view is Part 5's own.
"""
from __future__ import annotations

import base64
import gzip
import itertools
import os
from collections import Counter
from typing import Any

import awswrangler
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import proofs
import quarantine
import seals
import workbook
from aws_under_test import Aws
from bench_parts.client import QueryFailed
from deployed_audit import BUCKET, DATABASE, TABLE, DeployedAudit, told, until
from orders import Change
from test_stream_processor_properties import items, plain

ORDERS = ["a", "b", "c"]
FAULTS = [
    {"fault": "reject_records"}, {"fault": "throttle_firehose"}, {"fault": "fail_s3", "prefix": "events/"},
    {"fault": "crash_function"}, {"fault": "crash_function", "after": True}, {"fault": "time_out_function"},
    {"fault": "deliver_twice"}, {"fault": "delay", "service": "firehose", "seconds": 0.1}]

writes = st.lists(st.tuples(st.sampled_from(ORDERS), items | st.none()), min_size=3, max_size=12)
faults = st.lists(st.tuples(st.integers(0, len(FAULTS) - 1), st.integers(1, 2)), min_size=1, max_size=3,
                  unique_by=lambda fault: fault[0]).map(lambda chosen: [
                      {**FAULTS[which], "count": count} for which, count in chosen])


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """On a local AWS of its own: the faults must not strike others."""
    aws = Aws(tmp_path_factory.mktemp("aws"), os.environ.get("AUDIT_LOCAL_ENGINE", "duckdb"))
    aws.start()
    yield DeployedAudit(aws.root, batch_size=5, window=0, interval=0)
    aws.stop()


def sent(typed: dict) -> Any:
    """A typed value as boto3 takes it: binary as bytes."""
    ((kind, value),) = typed.items()
    if kind == "B":
        return {kind: base64.b64decode(value)}
    if kind == "BS":
        return {kind: [base64.b64decode(one) for one in value]}
    if kind == "L":
        return {kind: [sent(one) for one in value]}
    return {kind: {name: sent(one) for name, one in value.items()}} if kind == "M" else {kind: value}


def write(line: DeployedAudit, order_id: str, item: dict | None, table: dict) -> Change | None:
    """Write an item, or delete it; the change that this makes, if it makes one."""
    key = {"orderId": {"S": order_id}}
    if item is None:
        line.dynamodb.delete_item(TableName=TABLE, Key=key)
    else:
        line.dynamodb.put_item(TableName=TABLE, Item=key | {name: sent(typed) for name, typed in item.items()})
    before = table.get(order_id)
    after = None if item is None else {name: plain(typed) for name, typed in (key | item).items()}
    table[order_id] = after
    return None if proofs.comparable(before) == proofs.comparable(after) else Change(order_id, 0, before, after)


numbers = itertools.count()  # for names that no other example has


def test_whatever_is_written_and_whatever_fails_the_proofs_hold(line, record_property):
    struck: Counter = Counter()
    examples = itertools.count()

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(writes, faults)
    def they_hold(writes, faults):
        next(examples)
        example = f"{next(numbers)}-"
        line.fail(faults)
        table: dict[str, dict | None] = {}
        made = [write(line, example + order, {name: value for name, value in item.items() if name} if item else item,
                      table) for order, item in writes]
        ledger = [change for change in made if change]

        def mine() -> list[Change]:
            return line.history(f"order_id LIKE '{example}%'")

        until(lambda: not proofs.by_ledger(mine(), ledger), 60, f"every change of {writes} in the audit, with {faults}")
        audit = mine()
        assert len(audit) == len(ledger) and proofs.by_chain(audit) == []
        assert proofs.by_value(audit, filter(None, table.values())) == []
        struck.update(line.injected())

    they_hold()
    record_property("measured", f"nothing lost on the local AWS in {next(examples)} examples, with faults injected: "
                                f"{told(struck)} (at least 10)")
    assert sum(struck.values()) >= 10


def test_without_the_views_condition_what_came_twice_is_counted_twice(line):
    line.fail([{"fault": "deliver_twice", "count": 1}])
    which = "order_id = 'twice'"
    ledger = [write(line, "twice", {"state": {"S": "OPEN"}}, {})]
    until(lambda: line.count("count(*)", f"order_events WHERE {which}") == 2, 30, "the change in the bucket twice")
    assert proofs.by_ledger(line.history(which), ledger) == []
    spoilt = line.view.replace("WHERE delivery = 1", "").replace("order_history", "with_copies")
    line.client.run(spoilt, DATABASE)
    assert proofs.by_ledger(line.history(which, of="with_copies"), ledger) == ["twice, made 1 times, found 2 times"]
    assert proofs.by_chain(line.history(which, of="with_copies"))


# ------------------------------------------------------------------------------------------ objects that are not whole


@pytest.fixture
def delivered(line):
    """(key, body, ledger) of an object with two events of orders of its own, and nothing else."""
    line.fail([])
    before = set(seals.keys(line.s3, BUCKET, "events/"))
    order_id = f"bad{next(numbers)}"
    line.dynamodb.batch_write_item(RequestItems={TABLE: [
        {"PutRequest": {"Item": {"orderId": {"S": f"{order_id}-{number}"}}}} for number in range(2)]})
    ledger = [Change(f"{order_id}-{number}", 0, None, {"orderId": f"{order_id}-{number}"}) for number in range(2)]
    until(lambda: len(line.history(f"order_id LIKE '{order_id}-%'")) == 2, 30, "two events in the audit")
    fresh = sorted(set(seals.keys(line.s3, BUCKET, "events/")) - before)
    body = gzip.compress(b"".join(gzip.decompress(seals.read(line.s3, BUCKET, key)) for key in fresh))
    for key in fresh[1:]:
        line.s3.delete_object(Bucket=BUCKET, Key=key)
    yield fresh[0], body, ledger
    line.s3.put_object(Bucket=BUCKET, Key=fresh[0], Body=body)


@pytest.mark.parametrize("spoil, reason", [
    (lambda body: body + body[:len(body) // 2], "its last member is cut off, number 2"),
    (lambda body: gzip.compress(gzip.decompress(body)[:-20]), "line 2 is half an event"),
    (lambda body: gzip.compress(gzip.decompress(body).replace(b"\n", b"\n\n", 1)), "line 2 is blank"),
], ids=["truncated", "half a line", "a blank line"])
def test_an_object_that_cannot_be_read_is_named_and_set_aside(line, delivered, spoil, reason):
    key, body, ledger = delivered
    spoilt = spoil(body)
    line.s3.put_object(Bucket=BUCKET, Key=key, Body=spoilt)
    with pytest.raises(QueryFailed) as failed:
        line.history()
    said = workbook.explain(awswrangler.exceptions.QueryFailed(str(failed.value)))
    assert key in said and "quarantine.set_aside" in said
    (bad, found), = quarantine.unreadable(line.s3, BUCKET).items()
    assert bad == key and reason in found
    aside = quarantine.set_aside(line.s3, BUCKET, key)
    assert seals.read(line.s3, BUCKET, aside) == spoilt
    assert len(proofs.by_ledger(line.history(), ledger)) == 2, "its events are missing, and the ledger knows"


def test_garbage_between_members_is_noticed_by_the_proofs(line, delivered):
    """Athena reads what stands before it, and says nothing."""
    key, body, ledger = delivered
    first, second = gzip.decompress(body).splitlines(keepends=True)
    line.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(first) + b"garbage" + gzip.compress(second))
    audit = line.history(f"order_id LIKE '{ledger[0].order_id[:-1]}%'")
    assert len(audit) == 1 and len(proofs.by_ledger(audit, ledger)) == 1
    assert quarantine.unreadable(line.s3, BUCKET) == {key: "what follows member 1 is no member"}


def test_two_events_on_one_line_are_noticed_by_the_proofs(line, delivered):
    """Athena reads the first and says nothing."""
    key, body, ledger = delivered
    line.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(gzip.decompress(body).replace(b"\n", b"", 1)))
    audit = line.history(f"order_id LIKE '{ledger[0].order_id[:-1]}%'")
    assert len(audit) == 1
    assert len(proofs.by_ledger(audit, ledger)) == 1 and len(proofs.by_value(audit, [c.after for c in ledger])) == 1
    assert quarantine.unreadable(line.s3, BUCKET) == {key: "line 1 holds more than one event"}
