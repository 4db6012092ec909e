"""The whole pipe on the local AWS: from a write to the table until the change is in an answer, and what it takes."""
from __future__ import annotations

import datetime
import io
import json
import sys
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import command
from bench_parts.client import Client
from bench_parts.layouts import json_table
from bench_parts.memory import memory

_ROLE = "arn:aws:iam::000000000000:role/{}"
_WRITERS = 8  # threads that write to the table, 25 items a call
_WITHIN = 900  # seconds in which all changes must be in an answer


@dataclass
class Measured:
    """`changes` through the pipe: seconds until the table had them and until an answer had them, and the memory, in
    MB, of the local AWS with its function afterwards."""

    changes: int
    written: float
    queryable: float
    memory: float

    @property
    def changes_a_second(self) -> float:
        """Throughput from the first write until the answer."""
        return self.changes / self.queryable


def measure(engine: str, counts: Sequence[int]) -> list[Measured]:
    """Send each number of changes through a pipe of its own, on a local AWS that is empty at first."""
    measured = []
    for count in counts:
        print(f"  {count:,} changes", file=sys.stderr, flush=True)
        with command.clean_local_aws(engine) as status:
            client = Client(status)
            make(client)
            client.run("SELECT 1", "pipe")  # an engine may start with its first query
            began = time.monotonic()
            _write(client, count)
            written = time.monotonic() - began
            _until_queryable(client, count, began)
            queryable = time.monotonic() - began
            measured.append(Measured(count, written, queryable, memory(status["pids"][0])))
    return measured


def make(client: Client, batch_size: int = 10_000, window: int = 1, interval: int = 1, retries: int = 100) -> None:
    """Table, function, trigger, delivery stream, bucket and Glue table, as the workbook makes them. The trigger waits
    for `window` seconds to fill a batch, Firehose for `interval` to fill an object; a batch that fails is tried again
    `retries` times, then kept in the bucket."""
    bucket = "pipe"
    client.make_bucket(bucket)
    iam, dynamodb, awslambda = client.client("iam"), client.client("dynamodb"), client.client("lambda")
    for name, service, actions in (
            ("function", "lambda", ["firehose:PutRecordBatch", "dynamodb:*", "logs:*", "s3:PutObject",
                                    "s3:ListBucket"]),
            ("firehose", "firehose", ["s3:*"])):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}]}))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
    client.client("firehose").create_delivery_stream(
        DeliveryStreamName="audit", DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration={
            "RoleARN": _ROLE.format("firehose"), "BucketARN": f"arn:aws:s3:::{bucket}", "CompressionFormat": "GZIP",
            "Prefix": "events/dt=!{timestamp:yyyy-MM-dd}/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": interval}})
    stream = dynamodb.create_table(
        TableName="Orders", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}], StreamSpecification={
            "StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]["LatestStreamArn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(command.ROOT / "lambda" / "stream_processor.py", "stream_processor.py")
    awslambda.create_function(
        FunctionName="function", Runtime="python3.12", Handler="stream_processor.handler",
        Role=_ROLE.format("function"), Code={"ZipFile": package.getvalue()}, Timeout=60, MemorySize=256,
        Environment={"Variables": {"DELIVERY_STREAM_NAME": "audit", "AUDIT_BUCKET": bucket}})
    awslambda.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="function", StartingPosition="TRIM_HORIZON",
        BatchSize=batch_size, MaximumBatchingWindowInSeconds=window, FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True, MaximumRetryAttempts=retries,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}})
    client.glue.create_database(DatabaseInput={"Name": "pipe"})
    today = datetime.datetime.now(datetime.timezone.utc).date()
    json_table(client, "pipe", "order_events", f"s3://{bucket}/events/", ["dt"], {
        "projection.enabled": "true", "projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": f"{today},{today + datetime.timedelta(days=1)}",
        "storage.location.template": f"s3://{bucket}/events/dt=${{dt}}/"})


def _write(client: Client, count: int) -> None:
    dynamodb = client.client("dynamodb")

    def put(first: int) -> None:
        waiting = {"Orders": [{"PutRequest": {"Item": {
            "orderId": {"S": str(number)}, "state": {"S": "OPEN"}, "lastUpdatedDate": {"N": str(1705305600 + number)},
            "lastUpdatedBy": {"S": "shop"}, "customer": {"S": f"c-{number % 1000:03d}"},
        }}} for number in range(first, min(first + 25, count))]}
        while waiting:
            waiting = dynamodb.batch_write_item(RequestItems=waiting).get("UnprocessedItems")

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(put, range(0, count, 25)))


def _until_queryable(client: Client, count: int, began: float) -> None:
    """Ask until the answer has all changes."""
    while True:
        found = int(client.answer("SELECT count(DISTINCT event_id) FROM order_events", "pipe")[0][0])
        if found == count:
            return
        waited = time.monotonic() - began
        if waited > _WITHIN or found > count:
            raise AssertionError(f"After {waited:.0f} s an answer has {found:,} of {count:,} changes")
        time.sleep(max(0.1, waited / 20))  # a question takes from what is measured: ask the less the longer it takes
