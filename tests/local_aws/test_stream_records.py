"""Every change leaves its stream record, and no restart loses one.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
"""
from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from triggered_table import TELL, TriggeredTable, client, eventually


def changes(line: TriggeredTable) -> list[tuple]:
    """What the stream says, in short: event, id, old and new `n`."""
    def n(image: dict | None) -> str | None:
        return image and next(iter(image.get("n", {"N": "-"}).values()))
    return [(record["eventName"], record["dynamodb"]["Keys"]["id"]["S"], n(record["dynamodb"].get("OldImage")),
             n(record["dynamodb"].get("NewImage"))) for record in line.records()]


def test_partiql_leaves_records_too(aws):
    """Streams, 'captures a time-ordered sequence of item-level modifications': whatever made them."""
    line = TriggeredTable(aws, trigger=False)
    table, run = f'"{line.name}"', line.dynamodb.execute_statement
    run(Statement=f"INSERT INTO {table} VALUE {{'id': 'a', 'n': 1}}")
    run(Statement=f"UPDATE {table} SET n=? WHERE id='a'", Parameters=[{"N": "2.0"}])
    run(Statement=f"UPDATE {table} SET n=2 WHERE id='a'")  # changes nothing
    run(Statement=f"DELETE FROM {table} WHERE id='a'")
    run(Statement=f"DELETE FROM {table} WHERE id='a'")  # deletes nothing
    line.dynamodb.batch_execute_statement(Statements=[
        {"Statement": f"INSERT INTO {table} VALUE {{'id': '{key}', 'n': 1}}"} for key in "bc"])
    together = line.dynamodb.execute_transaction
    together(TransactStatements=[{"Statement": f"UPDATE {table} SET n=5 WHERE id='b'"},
                                 {"Statement": f"INSERT INTO {table} VALUE {{'id': 'd', 'n': 1}}"}])
    with pytest.raises(line.dynamodb.exceptions.TransactionCanceledException):
        together(TransactStatements=[{"Statement": f"UPDATE {table} SET n=6 WHERE id='b'"},
                                     {"Statement": f"INSERT INTO {table} VALUE {{'id': 'd', 'n': 1}}"}])
    with pytest.raises(ClientError):
        run(Statement=f"UPDATE {table} SET n=7 WHERE id='b' AND n=100")
    assert changes(line) == [
        ("INSERT", "a", None, "1"), ("MODIFY", "a", "1", "2"), ("REMOVE", "a", "2", None), ("INSERT", "b", None, "1"),
        ("INSERT", "c", None, "1"), ("MODIFY", "b", "1", "5"), ("INSERT", "d", None, "1")]


def test_what_a_record_says(aws):
    """API_streams_StreamRecord: SequenceNumber of 21 to 40 digits, SizeBytes; a change of nothing leaves no record."""
    line = TriggeredTable(aws, trigger=False)
    line.put("a", tags={"SS": ["x", "y"]})
    line.put("a", tags={"SS": ["y", "x"]})  # the same set
    line.put("b", text={"S": "é" * 100})
    records = [record["dynamodb"] for record in line.records()]
    numbers = [record["SequenceNumber"] for record in records]
    assert len(records) == 2 and all(21 <= len(number) <= 40 and number.isdigit() for number in numbers)
    assert int(numbers[0]) < int(numbers[1])
    assert records[1]["SizeBytes"] == len("id" + "b") * 2 + len("text") + 200


def test_a_stream_is_turned_on_once(aws):
    """API_UpdateTable, StreamSpecification: an error 'if you try to enable a stream on a table that already has a
    stream, or if you try to disable a stream on a table that doesn't have a stream'."""
    line = TriggeredTable(aws, trigger=False)

    def turn(**specification) -> dict:
        return line.dynamodb.update_table(
            TableName=line.name, StreamSpecification=specification)["TableDescription"]

    with pytest.raises(ClientError, match="Table already has an enabled stream"):
        turn(StreamEnabled=True, StreamViewType="KEYS_ONLY")
    line.put("a")
    assert turn(StreamEnabled=False)["LatestStreamArn"] == line.stream
    with pytest.raises(ClientError, match="Table has no stream to disable"):
        turn(StreamEnabled=False)
    assert "StreamSpecification" not in line.dynamodb.describe_table(TableName=line.name)["Table"]
    time.sleep(0.002)  # a stream's label is its time to the millisecond
    assert turn(StreamEnabled=True, StreamViewType="NEW_IMAGE")["LatestStreamArn"] != line.stream
    assert changes(line) == [("INSERT", "a", None, "-")]


def test_a_stream_is_read_with_permission_on_it_alone(aws):
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html"""
    line = TriggeredTable(aws, trigger=False)
    other = TriggeredTable(aws, trigger=False)
    user, iam = line.name, line.iam
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="one", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Resource": line.stream,
             "Action": ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]}]}))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    reader = TriggeredTable.__new__(TriggeredTable)
    reader.streams = aws.client("dynamodbstreams", aws_access_key_id=key["AccessKeyId"],
                                aws_secret_access_key=key["SecretAccessKey"])
    line.put("a")
    reader.stream = line.stream
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in reader.records()] == ["a"]
    reader.stream = other.stream
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DescribeStream"):
        reader.records()
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.streams.list_streams(TableName=line.name)


def test_time_to_live_deletes_leave_a_record_that_says_so(aws):
    """time-to-live-ttl-streams: userIdentity of type Service, principal dynamodb.amazonaws.com. ministack looks once a
    minute; here, in a process of its own in the environment of `aws`, as often as it can."""
    script = """
import time
sleep, time.sleep = time.sleep, lambda seconds: sleep(0.02)
import asyncio, json, sys
from ministack.services import dynamodb
from local_aws.dynamodb import changes
written = []
changes.install(written.append)
def ask(action, **request):
    status, _, body = asyncio.run(dynamodb.handle_request(
        "POST", "/", {"x-amz-target": "DynamoDB_20120810." + action}, json.dumps(request).encode(), {}))
    assert status == 200, body
ask("CreateTable", TableName="ttl", BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
ask("UpdateTimeToLive", TableName="ttl", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
ask("PutItem", TableName="ttl", Item={"id": {"S": "a"}, "until": {"N": "1"}})
for _ in range(200):
    sleep(0.02)
    if len(written) == 2: break
print(json.dumps(written))
"""
    done = aws.python(script)
    assert done.returncode == 0, done.stderr
    put, gone = json.loads(done.stdout)
    assert put["eventName"] == "INSERT" and "userIdentity" not in put
    assert gone["eventName"] == "REMOVE" and gone["dynamodb"]["OldImage"] == {"id": {"S": "a"}, "until": {"N": "1"}}
    assert gone["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


class Writer(threading.Thread):
    """Puts items one after the other and remembers those that were acknowledged."""

    def __init__(self, line: TriggeredTable):
        super().__init__(daemon=True)
        self.line, self.acknowledged, self.done = line, [], threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            key = f"item{len(self.acknowledged):04}"
            try:
                self.line.put(key)
                self.acknowledged.append(key)
                time.sleep(0.01)
            except (BotoCoreError, ClientError):
                time.sleep(0.1)


def age(journal: Path, stream: str) -> None:
    """Let a stream's records be a day older, where the local AWS keeps them, and its last item be deleted just now, by
    time to live."""
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    records = [entry["record"] for entry in entries if entry.get("record", {}).get("eventSourceARN") == stream]
    gone = {**records[-1], "eventName": "REMOVE", "eventID": "0" * 32, "userIdentity": {
        "Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}, "dynamodb": {**records[-1]["dynamodb"]}}
    gone["dynamodb"]["SequenceNumber"] = str(int(gone["dynamodb"]["SequenceNumber"]) + 1)
    gone["dynamodb"]["OldImage"] = gone["dynamodb"].pop("NewImage")
    for record in records:
        record["dynamodb"]["ApproximateCreationDateTime"] -= 25 * 60 * 60
    entries.insert(-1, {"record": gone})
    journal.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def kill(aws: Any) -> None:
    for pid in json.loads(aws.cli("status", "--json").stdout)["pids"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_the_life_of_streams_through_stops_kills_and_a_reset(fresh_aws):
    """Streams, 'Data retention limit for DynamoDB Streams': every record once, in order, readable for 24 hours; 'if you
    disable a stream on a table, the data in the stream continues to be readable for 24 hours'."""
    aws = fresh_aws()
    busy, closed = TriggeredTable(aws, BatchSize=20), TriggeredTable(aws, trigger=False)
    old = TriggeredTable(
        aws, TELL + "    print('WHO', json.dumps([one.get('userIdentity') for one in event['Records']]))\n")
    blocked = TriggeredTable(aws, "def handler(event, context):\n    raise ValueError('not yet')\n")
    closed.put("a", "b")
    closed.dynamodb.update_table(TableName=closed.name, StreamSpecification={"StreamEnabled": False})
    blocked.put("wait0", "wait1")
    old.put("a", "b")
    eventually(lambda: old.delivered() == ["a", "b"])
    writer = Writer(busy)
    writer.start()
    eventually(lambda: len(busy.delivered()) > 20)

    # A regular stop in the middle of the workload
    aws.stop()
    before = len(writer.acknowledged)
    journal = aws.state / "dynamodb" / "journal.jsonl"
    age(journal, old.stream)
    aws.start()
    eventually(lambda: len(writer.acknowledged) > before + 20)
    writer.done.set()
    writer.join()
    eventually(lambda: set(writer.acknowledged) <= set(busy.delivered()), what="the delivery of all that was written")
    assert list(dict.fromkeys(key for key in busy.delivered() if key in writer.acknowledged)) == writer.acknowledged
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in busy.records()]
    assert numbers == sorted(set(numbers)) and len(numbers) >= len(writer.acknowledged)
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in closed.records()] == ["a", "b"]
    blocked.deploy(TELL)
    eventually(lambda: set(blocked.delivered()) == {"wait0", "wait1"})

    # What was older than a day is gone, the trigger goes on from where it was, and it tells what time to live did
    assert changes(old) == [("REMOVE", "b", "-", None)]
    eventually(lambda: 'WHO [{"type": "Service", "principalId": "dynamodb.amazonaws.com"}]' in old.said())
    assert old.delivered() == ["a", "b", "b"]
    old.put("a", "c", n={"N": "2"})
    old.dynamodb.delete_item(TableName=old.name, Key={"id": {"S": "b"}})

    # A kill: the table is as its stream says, and what had been answered for is there
    kill(aws)
    journal.write_bytes(journal.read_bytes() + b'{"record": {"half": ')
    aws.start()
    assert {item["id"]["S"]: item.get("n", {}).get("N") for item in old.dynamodb.scan(TableName=old.name)["Items"]} == {
        "a": "2", "c": "2"}
    assert changes(old)[1:] == [("MODIFY", "a", "-", "2"), ("INSERT", "c", None, "2"), ("REMOVE", "b", "-", None)]
    old.put("d")
    eventually(lambda: old.delivered()[-1:] == ["d"])

    aws.cli("reset")
    assert client(aws, "lambda").list_event_source_mappings()["EventSourceMappings"] == [] and not journal.exists()
    again = TriggeredTable(aws)
    again.put("new")
    eventually(lambda: again.delivered() == ["new"])
