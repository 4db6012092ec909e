"""Firehose buffers, names, compresses and delivers as AWS documents, and keeps what it cannot deliver."""
from __future__ import annotations

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
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery_stream import Delivery
from in_memory_firehose import stream_processor
from local_aws.firehose.buffer import Buffer
from local_aws.firehose.prefixes import evaluate, evaluate_for_errors, violation
from local_aws.firehose.store import Batch
from triggered_table import client, eventually

RECORD_BYTES, CALL_RECORDS, CALL_BYTES = (
    stream_processor.RECORD_BYTES, stream_processor.CALL_RECORDS, stream_processor.CALL_BYTES)


def seconds_of(key: str) -> float:
    """The time in an object's name, epoch seconds."""
    text = re.search(r"-(\d{4}(?:-\d\d){5})-", key)[1]
    return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S").replace(tzinfo=timezone.utc).timestamp()


def test_records_of_an_interval_become_one_object_with_its_name(aws):
    delivery = Delivery(aws, seconds=3)
    began = time.time()
    assert delivery.put(b"a\n", b"b\n")["FailedPutCount"] == 0
    first_arrived = time.time()
    delivery.firehose.put_record(DeliveryStreamName=delivery.name, Record={"Data": b"c\n"})
    (key,) = eventually(delivery.keys)
    assert delivery.read(key) == b"a\nb\nc\n"
    day = time.strftime("%Y-%m-%d", time.gmtime(seconds_of(key)))
    assert re.fullmatch(rf"events/dt={day}/{delivery.name}-1-\d{{4}}(-\d\d){{5}}-[0-9a-f-]{{36}}\.gz", key)
    assert int(began) <= seconds_of(key) <= first_arrived, "the arrival of the oldest record"


def test_a_later_record_does_not_start_the_interval_again(tmp_path):
    """https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html, in process, with the moments given."""
    buffer = Buffer(tmp_path / "stream", size=100, interval=900, deliver=lambda batch: None)
    try:
        assert buffer.seconds_left(0) is None
        buffer.put([b"a"])
        (file,) = (tmp_path / "stream").iterdir()
        arrived = Batch(file).arrival
        assert buffer.seconds_left(arrived) == 900
        buffer.put([b"b"])
        assert buffer.seconds_left(arrived + 800) == 100
        buffer.configure(100, 60)
        assert buffer.seconds_left(arrived + 20) == 40
    finally:
        buffer.stop()
    assert [list(Batch(file).records()) for file in (tmp_path / "stream").iterdir()] == [[b"a", b"b"]]


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
    eventually(delivery.keys)


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
    ([b"x"] * (CALL_RECORDS + 1), "ValidationException"),
    ([b"x" * (RECORD_BYTES + 1)], "ValidationException"),
    ([b"x" * RECORD_BYTES] * 4 + [b"x" * (CALL_BYTES - 4 * RECORD_BYTES + 1)], "InvalidArgumentException")])
def test_limits_of_a_call(aws, shared, records, code):
    with pytest.raises(ClientError) as refused:
        shared.put(*records)
    assert refused.value.response["Error"]["Code"] == code


def test_a_call_at_its_limits_is_taken(aws):
    delivery = Delivery(aws, seconds=0, mib=128)
    delivery.put(*[b"x" * RECORD_BYTES] * 4, b"x" * (CALL_BYTES - 4 * RECORD_BYTES))
    delivery.put(*[b"y"] * CALL_RECORDS)
    eventually(lambda: len(delivery.delivered()) == CALL_BYTES + CALL_RECORDS)


def test_a_record_beyond_its_limit_is_refused(aws, shared):
    with pytest.raises(ClientError, match=str(RECORD_BYTES)):
        shared.firehose.put_record(DeliveryStreamName=shared.name, Record={"Data": b"x" * (RECORD_BYTES + 1)})


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


pieces = st.sampled_from(["!{", "}", "!{timestamp:", "!{firehose:", "error-output-type", "random-string", "yyyy", "MM",
                          "DDD", "'at'", "'", "Y", "[", "/", ":", "!{timestamp:yyyy-MM-dd}/", ERRORS])
prefixes = st.lists(pieces, max_size=6).map("".join)


@settings(deadline=None, max_examples=500)
@given(prefixes, prefixes, st.floats(0, 4e9))
def test_prefixes_are_refused_or_can_be_written(prefix, errors, when):
    """What was taken and could not be evaluated would keep every delivery from succeeding."""
    if violation(prefix, errors, partitioned=False) is None:
        moment = time.gmtime(when)
        for key in (evaluate(prefix, moment), evaluate_for_errors(prefix, errors, moment, "processing-failed")):
            assert "!{" not in key


@pytest.mark.parametrize("pattern, written", [
    ("yyyy/MM/dd/HH/", "2018/08/07/09/"), ("yy-M-d", "18-8-7"), ("MMM", "Aug"), ("MMMM", "August"), ("DDD", "219"),
    ("HH:mm:ss", "09:05:03"), ("'year='yyyy", "year=2018"), ("yyyy''MM", "2018'08"), ("'o''clock'", "o'clock")])
def test_times_are_written_as_java_writes_them(pattern, written):
    """https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html"""
    moment = time.strptime("2018-08-07 09:05:03", "%Y-%m-%d %H:%M:%S")
    assert evaluate(f"!{{timestamp:{pattern}}}", moment) == written


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
    delivery.put(b"b" * RECORD_BYTES, b"c" * 100 * 1024)
    eventually(delivery.keys)
    assert delivery.delivered() == b"a" + b"b" * RECORD_BYTES + b"c" * 100 * 1024


def test_a_stop_in_the_middle_loses_nothing(fresh_aws):
    aws = fresh_aws()
    waits, due = Delivery(aws, seconds=900), Delivery(aws, seconds=900)
    for number in range(20):
        waits.put(f"{number}\n".encode())
        due.put(f"{number}\n".encode())
    assert waits.keys() == due.keys() == []
    aws.stop()
    (file,) = (aws.state / "firehose" / f"000000000000_us-east-1_{waits.name}").iterdir()
    with open(file, "ab") as torn:  # as a process leaves it that dies while it writes a record
        torn.write(b"\0\0\1\0half a record")
    (file,) = (aws.state / "firehose" / f"000000000000_us-east-1_{due.name}").iterdir()
    arrived = int(Batch(file).arrival) - 901  # as if the local AWS had been stopped for that long
    file.rename(file.with_name(f"{arrived * 1000:015d}-{Batch(file).uuid}"))
    aws.start()
    everything = b"".join(f"{number}\n".encode() for number in range(20))
    (key,) = eventually(due.keys)
    assert due.read(key) == everything
    assert seconds_of(key) == arrived, "the arrival is that of before the stop"
    assert waits.keys() == []
    waits.put(b"x" * RECORD_BYTES, b"y" * 100 * 1024)
    (key,) = eventually(waits.keys)
    assert waits.read(key) == everything + b"x" * RECORD_BYTES + b"y" * 100 * 1024
