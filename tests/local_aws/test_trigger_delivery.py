"""From a change to an event in the bucket, and what happens when the function may not deliver.

The tutorial's own architecture: DynamoDB, its stream, Lambda, Firehose, S3. Failures are retried until they succeed:
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""
from __future__ import annotations

import gzip
import json
import time

from aws_under_test import ROOT
from bench_parts.function_package import function_package
from triggered_table import TriggeredTable, client, eventually


def assumed_by(service: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]})


class Delivery(TriggeredTable):
    """A pipeline whose function is the workbook's, with its Firehose and bucket."""

    def __init__(self, aws, **mapping):
        super().__init__(aws, trigger=False)
        s3, firehose = client(aws, "s3"), client(aws, "firehose")
        s3.create_bucket(Bucket=self.name)
        role = self.iam.create_role(RoleName=f"{self.name}-firehose",
                                    AssumeRolePolicyDocument=assumed_by("firehose.amazonaws.com"))["Role"]["Arn"]
        self.iam.put_role_policy(RoleName=f"{self.name}-firehose", PolicyName="all", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{self.name}", f"arn:aws:s3:::{self.name}/*"]}]}))
        firehose.create_delivery_stream(DeliveryStreamName=self.name, ExtendedS3DestinationConfiguration={
            "RoleARN": role, "BucketARN": f"arn:aws:s3:::{self.name}", "Prefix": "events/",
            "CompressionFormat": "UNCOMPRESSED", "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1}})
        description = eventually(lambda: [one for one in [firehose.describe_delivery_stream(
            DeliveryStreamName=self.name)["DeliveryStreamDescription"]] if one["DeliveryStreamStatus"] == "ACTIVE"])[0]
        self.delivering = {"Effect": "Allow", "Action": "firehose:PutRecordBatch",
                           "Resource": description["DeliveryStreamARN"]}
        self.permit(*self.reading(), self.delivering)
        code = (ROOT / "lambda" / "stream_processor.py").read_text(encoding="utf-8")
        self.lambda_.update_function_code(
            FunctionName=self.name, ZipFile=function_package(code, "stream_processor.py"))
        self.lambda_.update_function_configuration(
            FunctionName=self.name, Handler="stream_processor.handler", Timeout=30,
            Environment={"Variables": {"DELIVERY_STREAM_NAME": self.name, "FAILURES_BUCKET": self.name}})
        self.uuid = self.connect(FunctionResponseTypes=["ReportBatchItemFailures"], **mapping)

    def events(self) -> list[dict]:
        """What arrived in the bucket."""
        s3, events = client(self.aws, "s3"), []
        for found in s3.list_objects_v2(Bucket=self.name, Prefix="events/").get("Contents", []):
            body = s3.get_object(Bucket=self.name, Key=found["Key"])["Body"].read()
            events += [json.loads(line) for line in gzip.decompress(body).splitlines()]
        return events


def test_without_the_permission_events_wait_and_with_it_they_all_arrive(aws):
    """Taking firehose:PutRecordBatch out of the role loses nothing; putting it back delivers everything, once."""
    line = Delivery(aws)
    line.put(*(f"before{number}" for number in range(3)))
    eventually(lambda: len(line.events()) == 3, 20)
    line.permit(*line.reading())
    line.put(*(f"during{number:02}" for number in range(20)))
    eventually(lambda: line.mapping()["LastProcessingResult"].startswith("PROBLEM"), 20)
    time.sleep(0.5)
    assert len(line.events()) == 3
    line.permit(*line.reading(), line.delivering)
    line.put("after")
    eventually(lambda: len(line.events()) >= 24, 30)
    assert line.mapping()["LastProcessingResult"] == "OK"
    events = line.events()
    assert len({event["event_id"] for event in events}) == len(events) == 24
    arrived = [event["new_image"] for event in sorted(events, key=lambda event: event["sequence_number"])]
    assert [json.loads(image)["id"] for image in arrived] == (
        [f"before{number}" for number in range(3)] + [f"during{number:02}" for number in range(20)] + ["after"])
