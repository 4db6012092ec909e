"""Where discarded records go: metadata to a queue or topic, metadata and the records to a bucket.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html: the invocation record's form, the object's
key, and the permissions that the function's role needs (sqs:SendMessage, sns:Publish, s3:PutObject and s3:ListBucket).
"""
from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from local_aws.lambda_.batches import Answer, Record, event


def instant(seconds: float, precision: str = "seconds") -> str:
    """An epoch time as ISO 8601 in UTC, with a Z."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def invocation_record(mapping: dict, shard: str, records: Sequence[Record], condition: str, invocations: int,
                      answer: Answer | None, now: float) -> dict:
    """The invocation record of discarded records; `answer` is None where they were never sent."""
    invocation: dict[str, Any] = {
        "requestContext": {"requestId": str(uuid.uuid4()), "functionArn": mapping["FunctionArn"],
                           "condition": condition, "approximateInvokeCount": invocations}}
    if answer is not None:
        # null after a partial failure: LocalStack's recording of 25 November 2025
        invocation["responseContext"] = {
            "statusCode": 200, "executedVersion": answer.version, "functionError": answer.error}
    invocation |= {
        "version": "1.0",
        "timestamp": instant(now, "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": records[0].number,
            "endSequenceNumber": records[-1].number,
            "approximateArrivalOfFirstRecord": instant(records[0].arrived),
            "approximateArrivalOfLastRecord": instant(records[-1].arrived),
            "batchSize": len(records),
            "streamArn": mapping["EventSourceArn"]}}
    return invocation


def destination(mapping: dict) -> str:
    """The ARN of a mapping's destination, or ''."""
    return (mapping.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination") or ""


def send(client: Callable[[str], Any], endpoint: str, mapping: dict, shard: str, records: Sequence[Record],
         invocation: dict, now: float) -> None:
    """Send an invocation record, as the function's role (`client(service)`). Raises what boto3 raises."""
    arn = destination(mapping)
    service, _, account, name = arn.split(":", 5)[2:]
    if service == "sqs":
        client("sqs").send_message(QueueUrl=f"{endpoint}/{account}/{name}", MessageBody=json.dumps(invocation))
    elif service == "sns":
        client("sns").publish(TopicArn=arn, Message=json.dumps(invocation))
    else:
        bucket, moment = arn.split(":::")[1], datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
        key = (f"aws/lambda/{mapping['UUID']}/{shard}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}")
        client("s3").put_object(Bucket=bucket, Key=key, ContentType="application/json",
                                Body=json.dumps({**invocation, "payload": event(records).decode()}).encode())
