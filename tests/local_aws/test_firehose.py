"""Firehose buffers, names, compresses and delivers as AWS documents, and keeps what it cannot deliver."""
from __future__ import annotations

import gzip
import io
import json
import re
import time
import uuid
from contextlib import suppress
from datetime import datetime, timezone

import pandas as pd
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from triggered_table import client, eventually

FIREHOSE = {"Service": "firehose.amazonaws.com"}
MIB = 1024 * 1024
PREFIX = {"Prefix": "events/dt=!{timestamp:yyyy-MM-dd}/",
          "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/"}


class Delivery:
    """A bucket, a role that may write into it, and a delivery stream, made through boto3 under a name of their own."""

    def __init__(self, aws, seconds: int = 1, mib: int = 1, principal=FIREHOSE, **settings):
        self.name = f"firehose-{uuid.uuid4().hex[:10]}"
        self.s3, self.iam, self.firehose, self.logs = (client(aws, one) for one in ("s3", "iam", "firehose", "logs"))
        self.s3.create_bucket(Bucket=self.name)
        self.role = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
        self.permit()
        self.settings = {
            "RoleARN": self.role, "BucketARN": f"arn:aws:s3:::{self.name}",
            "BufferingHints": {"SizeInMBs": mib, "IntervalInSeconds": seconds}, "CompressionFormat": "GZIP",
            **PREFIX, **settings}
        self.firehose.create_delivery_stream(
            DeliveryStreamName=self.name, ExtendedS3DestinationConfiguration=self.settings)

    def permit(self, actions: tuple = ("s3:PutObject", "logs:PutLogEvents")) -> None:
        self.iam.put_role_policy(RoleName=self.name, PolicyName="deliver", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": [
                f"arn:aws:s3:::{self.name}/*", "arn:aws:logs:*:*:log-group:*"]}]}))

    def destination(self) -> tuple[dict, dict]:
        """The destination's description, and the delivery stream's."""
        described = self.firehose.describe_delivery_stream(
            DeliveryStreamName=self.name)["DeliveryStreamDescription"]
        (destination,) = described["Destinations"]
        return destination, described

    def put(self, *records: bytes) -> dict:
        return self.firehose.put_record_batch(
            DeliveryStreamName=self.name, Records=[{"Data": record} for record in records])

    def keys(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])
        return [one["Key"] for one in sorted(listed, key=lambda one: one["LastModified"])]

    def read(self, key: str) -> bytes:
        body = self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()
        return gzip.decompress(body) if key.endswith(".gz") else body

    def delivered(self, prefix: str = "") -> bytes:
        return b"".join(map(self.read, self.keys(prefix)))


def seconds_of(key: str) -> float:
    """The time in an object's name, epoch seconds."""
    text = re.search(r"-(\d{4}(?:-\d\d){5})-", key)[1]
    return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=timezone.utc).timestamp()


def test_records_of_an_interval_become_one_object_with_its_name(aws):
    delivery = Delivery(aws, seconds=2)
    began = time.time()
    assert delivery.put(b"a\n", b"b\n")["FailedPutCount"] == 0
    time.sleep(1.2)  # a later record does not start the interval again
    delivery.firehose.put_record(DeliveryStreamName=delivery.name, Record={"Data": b"c\n"})
    assert delivery.keys() == []
    (key,) = eventually(delivery.keys)
    assert 2 <= time.time() - began < 4
    assert delivery.read(key) == b"a\nb\nc\n"
    day = time.strftime("%Y-%m-%d", time.gmtime(began))
    assert re.fullmatch(rf"events/dt={day}/{delivery.name}-1-\d{{4}}(-\d\d){{5}}-[0-9a-f-]{{36}}\.gz", key)
    assert abs(seconds_of(key) - began) < 1.1, "the arrival of the oldest record"


def test_a_full_buffer_does_not_wait(aws):
    delivery = Delivery(aws, seconds=900)
    records = [bytes([65 + number]) * 400_000 for number in range(5)]
    delivery.put(*records)
    eventually(lambda: len(delivery.keys()) == 1)
    assert delivery.delivered() == b"".join(records[:3]), "a MiB is full with the third; the others wait"
    delivery.put(records[0])
    eventually(lambda: len(delivery.keys()) == 2)
    assert delivery.delivered() == b"".join([*records, records[0]])


def test_no_interval_delivers_at_once(aws):
    delivery = Delivery(aws, seconds=0)
    delivery.put(b"a")
    eventually(delivery.keys, 3)


def test_default_prefix_is_the_hour(aws):
    delivery = Delivery(aws, seconds=0, CompressionFormat="UNCOMPRESSED", Prefix="", ErrorOutputPrefix="")
    delivery.put(b"a")
    (key,) = eventually(delivery.keys)
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/\d\d/{delivery.name}-1-[0-9-]{{19}}-[0-9a-f-]{{36}}", key)


def test_a_prefix_without_time_gets_it(aws):
    delivery = Delivery(aws, seconds=0, Prefix="audit/")
    delivery.put(b"a")
    (key,) = eventually(delivery.keys)
    assert re.match(r"audit/\d{4}/\d\d/\d\d/\d\d/", key)


@pytest.mark.parametrize("records, code", [
    ([b"x"] * 501, "ValidationException"),
    ([b"x" * (1000 * 1024 + 1)], "ValidationException"),
    ([b"x" * 1000 * 1024] * 4 + [b"x" * (4 * MIB - 4 * 1000 * 1024 + 1)], "InvalidArgumentException")])
def test_limits_of_a_call(aws, shared, records, code):
    with pytest.raises(ClientError) as refused:
        shared.put(*records)
    assert refused.value.response["Error"]["Code"] == code


def test_a_call_at_its_limits_is_taken(aws):
    delivery = Delivery(aws, seconds=0, mib=128)
    delivery.put(*[b"x" * 1000 * 1024] * 4, b"x" * (4 * MIB - 4 * 1000 * 1024))
    delivery.put(*[b"y"] * 500)
    eventually(lambda: len(delivery.delivered()) == 4 * MIB + 500)


def test_a_record_beyond_its_limit_is_refused(aws, shared):
    with pytest.raises(ClientError, match="1024000"):
        shared.firehose.put_record(DeliveryStreamName=shared.name, Record={"Data": b"x" * (1000 * 1024 + 1)})


def test_an_unknown_stream_is_not_found(aws, shared):
    with pytest.raises(shared.firehose.exceptions.ResourceNotFoundException):
        shared.firehose.put_record(DeliveryStreamName="no-such-stream", Record={"Data": b"x"})


@pytest.fixture(scope="module")
def shared(aws):
    return Delivery(aws, seconds=900)


@pytest.mark.parametrize("change", [
    {"BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 60}},
    {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 901}},
    {"BufferingHints": {"SizeInMBs": 1}},
    {"CompressionFormat": "GZIP", "DataFormatConversionConfiguration": {"Enabled": True}},
    {"RoleARN": "arn:aws:iam::000000000000:role/no-such-role"},
])
def test_settings_that_aws_refuses(shared, change):
    with pytest.raises(ClientError) as refused:
        shared.firehose.create_delivery_stream(
            DeliveryStreamName="never-made", ExtendedS3DestinationConfiguration={**shared.settings, **change})
    assert refused.value.response["Error"]["Code"] in ("ValidationException", "InvalidArgumentException")


ERRORS = "errors/!{firehose:error-output-type}/"


@pytest.mark.parametrize("prefix, errors, said", [
    ("events/!{timestamp:yyyy}/", None, "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions"),
    ("events/!{timestamp:yyyy}/", "errors/", "ErrorOutputPrefix must contain !{firehose:error-output-type}"),
    ("events/", "errors/!{timestamp:yyyy}/", "ErrorOutputPrefix must contain !{firehose:error-output-type}"),
    ("events/!{firehose:error-output-type}/", ERRORS, "Prefix cannot contain !{firehose:error-output-type}"),
    ("events/!{firehose:bogus}/", ERRORS, "unknown expression !{firehose:bogus}"),
    ("events/", ERRORS + "!{firehose:bogus}/", "unknown expression !{firehose:bogus}"),
    ("events/!{bogus:yyyy}/", ERRORS, "unknown namespace bogus"),
    ("events/!{partitionKeyFromQuery:id}/", ERRORS, "unknown namespace partitionKeyFromQuery"),
    ("events/!{yyyy}/", ERRORS, "outside of an expression"), ("events/!{timestamp:yyyy/", ERRORS, "outside of an expr"),
    ("events/!{timestamp:}/", ERRORS, "no time"), ("events/!{timestamp:yyyy-bb}/", ERRORS, "no time"),
    ("events/!{timestamp:YYYY}/", ERRORS, "no time"), ("events/!{timestamp:'year=yyyy}/", ERRORS, "no time"),
    ("events/!{timestamp:ddd}/", ERRORS, "no time"), ("events/!{timestamp:[yyyy]}/", ERRORS, "no time"),
    ("e" * 500, None, "Prefix cannot be longer than 512 characters"),
    ("e" * 490, None, "ErrorOutputPrefix cannot be longer than 512 characters")])
def test_prefixes_that_aws_refuses(shared, prefix, errors, said):
    """https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html, 'Semantic rules'."""
    settings = {**shared.settings, "Prefix": prefix, "ErrorOutputPrefix": errors or ""}
    with pytest.raises(shared.firehose.exceptions.InvalidArgumentException, match=re.escape(said)):
        shared.firehose.create_delivery_stream(
            DeliveryStreamName="never-made", ExtendedS3DestinationConfiguration=settings)
    destination, described = shared.destination()
    with pytest.raises(shared.firehose.exceptions.InvalidArgumentException, match=re.escape(said)):
        shared.firehose.update_destination(
            DeliveryStreamName=shared.name, CurrentDeliveryStreamVersionId=described["VersionId"],
            DestinationId=destination["DestinationId"],
            ExtendedS3DestinationUpdate={"Prefix": prefix, "ErrorOutputPrefix": errors or ""})


def test_an_update_of_one_prefix_keeps_the_other(aws):
    """API_UpdateDestination: 'If the destination type is the same, Firehose merges the configuration parameters'."""
    delivery = Delivery(aws, seconds=0)
    destination, described = delivery.destination()
    delivery.firehose.update_destination(
        DeliveryStreamName=delivery.name, CurrentDeliveryStreamVersionId=described["VersionId"],
        DestinationId=destination["DestinationId"],
        ExtendedS3DestinationUpdate={"Prefix": "!{timestamp:'year='yyyy}/!{firehose:random-string}/"})
    delivery.put(b"a")
    (key,) = eventually(delivery.keys)
    assert re.match(r"year=\d{4}/.{11}/", key)


def test_a_role_that_does_not_trust_firehose_is_refused(aws):
    with pytest.raises(ClientError, match="unable to assume role"):
        Delivery(aws, principal={"Service": "lambda.amazonaws.com"})


def test_a_missing_permission_holds_records_back_and_loses_none(aws):
    delivery = Delivery(aws, seconds=0, CloudWatchLoggingOptions={
        "Enabled": True, "LogGroupName": "/aws/kinesisfirehose/test", "LogStreamName": "S3Delivery"})
    with suppress(delivery.logs.exceptions.ResourceAlreadyExistsException):
        delivery.logs.create_log_group(logGroupName="/aws/kinesisfirehose/test")
    delivery.logs.create_log_stream(logGroupName="/aws/kinesisfirehose/test", logStreamName="S3Delivery")
    delivery.permit(("logs:PutLogEvents",))
    delivery.put(b"a\n")
    delivery.put(b"b\n")

    def logged() -> list:
        return delivery.logs.get_log_events(
            logGroupName="/aws/kinesisfirehose/test", logStreamName="S3Delivery")["events"]

    (error, *_) = eventually(logged)
    assert json.loads(error["message"])["errorCode"] == "S3.AccessDenied"
    assert delivery.keys() == []
    delivery.permit()
    eventually(lambda: delivery.delivered() == b"a\nb\n")


def test_writes_that_fail_are_tried_again(aws):
    delivery = Delivery(aws, seconds=0)
    aws.ask("/_local/faults", "POST", {"fault": "fail_s3", "bucket": delivery.name, "count": 2})
    delivery.put(b"a")
    eventually(lambda: delivery.delivered() == b"a")
    told = aws.ask("/_local/faults")["faults"]
    assert [fault["injected"] for fault in told if fault.get("bucket") == delivery.name] == [2]
    aws.ask("/_local/faults", "DELETE")  # other tests share this local AWS


def test_a_stream_that_cannot_deliver_holds_up_no_other(aws):
    stuck, other = Delivery(aws, seconds=0), Delivery(aws, seconds=0)
    stuck.permit(("logs:PutLogEvents",))
    stuck.put(b"a")
    other.put(b"b")
    eventually(lambda: other.delivered() == b"b")
    assert stuck.keys() == []


def test_new_hints_hold_for_what_waits_and_change_the_version(aws):
    delivery = Delivery(aws, seconds=900)
    delivery.put(b"a")
    destination, _ = delivery.destination()
    delivery.firehose.update_destination(
        DeliveryStreamName=delivery.name, CurrentDeliveryStreamVersionId="1",
        DestinationId=destination["DestinationId"],
        ExtendedS3DestinationUpdate={"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}})
    (key,) = eventually(delivery.keys)
    assert f"/{delivery.name}-2-" in key


def test_a_deleted_stream_takes_what_waits_with_it(aws):
    delivery = Delivery(aws, seconds=1)
    delivery.put(b"old")
    delivery.firehose.delete_delivery_stream(DeliveryStreamName=delivery.name)
    delivery.firehose.create_delivery_stream(
        DeliveryStreamName=delivery.name, ExtendedS3DestinationConfiguration=delivery.settings)
    delivery.put(b"new")
    eventually(delivery.keys)
    assert delivery.delivered() == b"new"


def test_conversion_writes_parquet_and_sets_aside_what_does_not_fit(aws):
    name = f"table_{uuid.uuid4().hex[:10]}"
    glue = client(aws, "glue")
    glue.create_database(DatabaseInput={"Name": name})
    glue.create_table(DatabaseName=name, TableInput={"Name": "events", "StorageDescriptor": {"Columns": [
        {"Name": "id", "Type": "bigint"}, {"Name": "tags", "Type": "array<string>"}]}})
    delivery = Delivery(
        aws, mib=64, CompressionFormat="UNCOMPRESSED", DataFormatConversionConfiguration={
            "Enabled": True, "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            "SchemaConfiguration": {"DatabaseName": name, "TableName": "events", "Region": "us-east-1"}})
    delivery.put(b'{"id": 1, "tags": ["a"]}\n{"id": 2, "tags": []}\n', b"not json\n", b'{"id": 3, "tags": null}\n')
    (key,) = eventually(lambda: delivery.keys("events/"))
    assert key.endswith(".parquet")
    assert pd.read_parquet(io.BytesIO(delivery.read(key)))["id"].tolist() == [1, 2, 3]
    (error,) = delivery.keys("errors/format-conversion-failed/")
    assert json.loads(delivery.read(error))["rawData"] == "bm90IGpzb24K"


def test_records_that_cannot_be_kept_are_refused(aws, tmp_path):
    delivery = Delivery(aws, seconds=900)
    delivery.put(b"a")
    folder = aws.state / "firehose" / f"000000000000_us-east-1_{delivery.name}"
    folder.rename(tmp_path / "elsewhere")
    once = aws.client("firehose", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(once.exceptions.ServiceUnavailableException):
        once.put_record(DeliveryStreamName=delivery.name, Record={"Data": b"never taken"})
    (tmp_path / "elsewhere").rename(folder)
    delivery.put(b"b" * 1000 * 1024, b"c" * 100 * 1024)
    eventually(delivery.keys)
    assert delivery.delivered() == b"a" + b"b" * 1000 * 1024 + b"c" * 100 * 1024


def test_a_stop_in_the_middle_loses_nothing(fresh_aws):
    aws = fresh_aws()
    waits, due = Delivery(aws, seconds=900), Delivery(aws, seconds=4)
    began = time.time()
    for number in range(20):
        waits.put(f"{number}\n".encode())
        due.put(f"{number}\n".encode())
    assert waits.keys() == due.keys() == []
    aws.stop()
    (file,) = (aws.state / "firehose" / f"000000000000_us-east-1_{waits.name}").iterdir()
    with open(file, "ab") as torn:  # as a process leaves it that dies while it writes a record
        torn.write(b"\0\0\1\0half a record")
    time.sleep(max(0, began + 4.5 - time.time()))
    aws.start()
    everything = b"".join(f"{number}\n".encode() for number in range(20))
    (key,) = eventually(due.keys)
    assert due.read(key) == everything
    assert abs(seconds_of(key) - began) < 1.1, "the arrival is that of before the stop"
    assert waits.keys() == []
    waits.put(b"x" * 1000 * 1024, b"y" * 100 * 1024)
    (key,) = eventually(waits.keys)
    assert waits.read(key) == everything + b"x" * 1000 * 1024 + b"y" * 100 * 1024
