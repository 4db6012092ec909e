"""Faults on demand, and that what they strike is not lost.

https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""
from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from aws_under_test import ask
from delivery_stream import Delivery
from local_aws import faults as local_faults
from triggered_table import TriggeredTable, client, eventually

ONCE = Config(retries={"total_max_attempts": 1})


class Faults:
    def __init__(self, aws):
        self.status = aws.status()

    def ask(self, method: str, content=None) -> list[dict]:
        return ask(self.status, "/_local/faults", method, content)["faults"]

    def add(self, fault: str, **settings) -> None:
        self.ask("POST", {"fault": fault, **settings})

    def injected(self) -> dict[str, int]:
        return {fault["fault"]: fault["injected"] for fault in self.ask("GET")}


@pytest.fixture
def faults(aws):
    made = Faults(aws)
    yield made
    made.ask("DELETE")


@pytest.fixture(scope="module")
def delivery(aws):
    return Delivery(aws, seconds=0)


def test_nothing_fails_unless_asked_to(aws, faults):
    assert faults.ask("GET") == []


def test_a_share_of_records_is_rejected(aws, faults, delivery):
    """API_PutRecordBatch: 200 with FailedPutCount, an ErrorCode for each rejected entry, the others in their place."""
    stream, firehose = delivery.name, delivery.firehose
    records = [{"Data": f"record{number:03};".encode()} for number in range(100)]

    def rejected() -> list[int]:
        faults.add("reject_records", share=0.3, seed=7, stream=stream)
        answer = firehose.put_record_batch(DeliveryStreamName=stream, Records=records)
        places = [place for place, one in enumerate(answer["RequestResponses"]) if "ErrorCode" in one]
        assert answer["FailedPutCount"] == len(places) == faults.injected()["reject_records"]
        assert all("RecordId" in one for place, one in enumerate(answer["RequestResponses"]) if place not in places)
        assert faults.ask("DELETE") == []
        return places

    places = rejected()
    assert 15 < len(places) < 45 and places == rejected()  # the seed chooses
    eventually(lambda: delivery.delivered().count(b";") == 2 * (100 - len(places)))
    assert all(f"record{place:03};".encode() not in delivery.delivered() for place in places)


def test_whole_calls_are_throttled(aws, faults, delivery):
    """API_PutRecordBatch, ServiceUnavailableException: as often as told, and no more."""
    stream = delivery.name
    faults.add("throttle_firehose", count=2, stream=stream)
    firehose = aws.client("firehose", config=ONCE)
    for _ in range(2):
        with pytest.raises(firehose.exceptions.ServiceUnavailableException):
            firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x"})
    assert faults.injected() == {"throttle_firehose": 2} and faults.ask("GET")[0]["occasions"] == 3


def test_writes_to_s3_fail_and_firehose_tries_again(aws, faults, delivery):
    """ErrorResponses, SlowDown; Firehose retries its delivery
    (https://docs.aws.amazon.com/firehose/latest/dev/retry.html)."""
    bucket = delivery.name
    s3 = aws.client("s3", config=ONCE)
    faults.add("fail_s3", bucket=bucket, prefix="events/", count=2)
    s3.put_object(Bucket=bucket, Key="other", Body=b"")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="events/by-hand", Body=b"")
    assert refused.value.response["Error"]["Code"] == "SlowDown"
    delivery.put(b"in spite of it")
    eventually(lambda: b"in spite of it" in delivery.delivered())
    assert faults.injected() == {"fail_s3": 2}


def test_a_function_crashes_times_out_and_gets_a_batch_twice(aws, faults):
    """troubleshooting-invocation; with-ddb: at least once, so what the trigger cannot know to be done is sent again."""
    line = TriggeredTable(aws)
    faults.add("crash_function", function=line.name, count=1)
    line.put("a")
    eventually(lambda: line.delivered() == ["a"])  # it was not run the first time
    faults.ask("DELETE")
    faults.add("time_out_function", function=line.name, count=1)
    line.put("b")
    eventually(lambda: line.delivered() == ["a", "b", "b"])  # its work was done
    faults.ask("DELETE")
    faults.add("deliver_twice", function=line.name, count=1)
    line.put("c")
    eventually(lambda: line.delivered() == ["a", "b", "b", "c", "c"])
    faults.ask("DELETE")
    faults.add("crash_function", function=line.name, after=True)
    answer = line.lambda_.invoke(FunctionName=line.name, Payload=json.dumps({"Records": []}))
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "Runtime.ExitError"
    assert faults.injected() == {"crash_function": 1} and line.mapping()["State"] == "Enabled"


def test_calls_are_delayed(aws, faults, monkeypatch):
    """That it is waited is seen in process; over HTTP, that the request is one that is delayed."""
    waited, handled = [], []

    async def sleep(seconds: float) -> None:
        waited.append((seconds, len(handled)))

    async def handler(*request: object) -> tuple[int, dict, bytes]:
        handled.append(request)
        return 200, {}, b""

    monkeypatch.setattr("asyncio.sleep", sleep)
    in_process = local_faults.Faults()
    in_process.answer("POST", b'{"fault": "delay", "service": "s3", "seconds": 0.4, "count": 1}')
    for service in ("lambda", "s3", "s3"):
        asyncio.run(in_process.delayed(service)(handler)("GET", "/", {}, b"", {}))
    assert waited == [(0.4, 1)] and len(handled) == 3

    faults.add("delay", service="s3", seconds=0.01, count=1)
    client(aws, "s3").list_buckets()
    assert faults.injected() == {"delay": 1}


@pytest.mark.parametrize("order", [
    {}, {"fault": "no such"}, {"fault": "fail_s3", "share": 2}, {"fault": "fail_s3", "count": -1},
    {"fault": "fail_s3", "stream": "x"}, {"fault": "delay", "service": "s3"}, {"fault": "crash_function", "after": "x"},
    "text"])
def test_what_is_no_fault_is_refused(aws, faults, order):
    with pytest.raises(urllib.error.HTTPError) as refused:
        faults.ask("POST", order)
    assert refused.value.code == 400 and json.load(refused.value)["error"]
    assert faults.ask("GET") == []
