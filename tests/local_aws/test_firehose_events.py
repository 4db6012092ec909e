"""From a table through its stream, the function as it is deployed and Firehose to S3: what a write becomes, and what
happens when the function may not deliver.

Failures are retried until they succeed: https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""
from __future__ import annotations

import base64
import json
import random
from decimal import Decimal
from pathlib import Path

from delivery_stream import Delivery
from triggered_table import TriggeredTable, eventually

FUNCTION = Path(__file__).resolve().parents[2] / "lambda" / "stream_processor.py"
DIGITS = "0.12345678901234567890123456789012345678"
ITEM = {
    "text": {"S": "ünïcode 🚚 \n"}, "empty": {"S": ""}, "number": {"N": DIGITS}, "negative": {"N": "-17"},
    "binary": {"B": b"\x00\xff"}, "yes": {"BOOL": True}, "nothing": {"NULL": True}, "texts": {"SS": ["b", "a"]},
    "numbers": {"NS": ["10", "9"]}, "binaries": {"BS": [b"b", b"a"]}, "list": {"L": [{"N": "1"}, {"L": []}]},
    "map": {"M": {"in": {"M": {}}}}, "state": {"M": {"phase": {"S": "OPEN"}}}}
PLAIN = {
    "text": "ünïcode 🚚 \n", "empty": "", "number": Decimal(DIGITS), "negative": -17, "binary": "AP8=", "yes": True,
    "nothing": None, "texts": ["a", "b"], "numbers": [9, 10], "binaries": ["YQ==", "Yg=="], "list": [1, []],
    "map": {"in": {}}, "state": {"phase": "OPEN"}}


class Audit(TriggeredTable):
    """A table with the function between its stream and a delivery stream."""

    def __init__(self, aws):
        self.delivery = Delivery(aws, seconds=0, CompressionFormat="UNCOMPRESSED", FileExtension=".json.gz")
        bucket = f"arn:aws:s3:::{self.delivery.name}"
        _, described = self.delivery.destination()
        self.delivering = [
            {"Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": described["DeliveryStreamARN"]},
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": [
                f"{bucket}/oversize/*", f"{bucket}/unreadable/*"]}]
        super().__init__(aws, FUNCTION.read_text(), prelude="", trigger=False, timeout=30, allow=self.delivering)
        self.lambda_.update_function_configuration(FunctionName=self.name, Environment={"Variables": {
            "DELIVERY_STREAM_NAME": self.delivery.name, "FAILURES_BUCKET": self.delivery.name,
            "MASKED_ATTRIBUTES": "secret"}})
        self.uuid = self.connect(FunctionResponseTypes=["ReportBatchItemFailures"])

    def events(self, number: int) -> list[dict]:
        """The events in order, once there are so many."""
        def lines() -> list[bytes]:
            return self.delivery.delivered("events/").splitlines()

        eventually(lambda: len(lines()) >= number, what=f"{number} events")
        return sorted(map(json.loads, lines()), key=lambda event: event["sequence_number"])


def read(image: str) -> dict:
    return json.loads(image, parse_float=Decimal)


def test_every_type_and_kind_of_change(aws):
    audit = Audit(aws)
    audit.put("1", **ITEM, secret={"S": "4111"})
    audit.put("1", **ITEM, secret={"S": "5500"})
    audit.put("2")
    audit.dynamodb.delete_item(TableName=audit.name, Key={"id": {"S": "1"}})
    insert, modify, bare, remove = audit.events(4)
    assert [event["event_name"] for event in (insert, modify, bare, remove)] == ["INSERT", "MODIFY", "INSERT", "REMOVE"]
    image = {"id": "1", **PLAIN, "secret": "***"}
    assert read(insert["new_image"]) == read(modify["old_image"]) == read(remove["old_image"]) == image
    assert insert["old_image"] is remove["new_image"] is None
    assert modify["changed_attributes"] == ["secret"]
    assert (insert["order_id"], insert["new_state"]) == ("1", '{"phase":"OPEN"}')
    assert read(bare["new_image"]) == {"id": "2"}
    audit.remove()


def test_an_item_of_400_kb_whose_event_is_too_large(aws):
    audit = Audit(aws)
    states = [base64.b64encode(random.Random(seed).randbytes(299_000)).decode() for seed in range(2)]
    for state in states:  # it is in the event twice for each image, and does not compress
        audit.put("1", state={"S": state}, lastUpdatedBy={"S": "ann"})
    insert, modify = audit.events(2)
    assert read(insert["new_image"])["state"] == insert["new_state"] == states[0]
    pointer = json.loads(modify["detail"])["oversize"]
    assert (modify["changed_by"], modify["old_state"], modify["new_state"], modify["new_image"]) == (
        "ann", None, None, None), "what is itself too long is in the object only"
    whole = json.loads(audit.delivery.read(pointer["key"]))
    assert (whole["old_state"], read(whole["new_image"])["state"]) == tuple(states)
    audit.remove()


def test_without_the_permission_events_wait_and_with_it_they_all_arrive(aws):
    """Taking firehose:PutRecordBatch out of the role loses nothing; putting it back delivers everything, in order."""
    audit = Audit(aws)
    before, during = [f"before{number}" for number in range(3)], [f"during{number:02}" for number in range(20)]
    audit.put(*before)
    audit.events(3)
    audit.permit(*audit.reading())
    audit.put(*during)
    eventually(lambda: audit.mapping()["LastProcessingResult"].startswith("PROBLEM"))
    assert len(audit.events(3)) == 3
    audit.permit(*audit.reading(), *audit.delivering)
    audit.put("after")
    events = audit.events(24)
    eventually(lambda: audit.mapping()["LastProcessingResult"] == "OK")
    assert len({event["event_id"] for event in events}) == len(events) == 24
    assert [event["order_id"] for event in events] == [*before, *during, "after"]
    audit.remove()
