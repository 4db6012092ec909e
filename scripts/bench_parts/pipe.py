"""The audit deployed on the local AWS as the workbook makes it, without its notebooks."""
from __future__ import annotations

import datetime
import io
import json
import zipfile

from bench_parts.client import Client
from bench_parts.layouts import json_table
from environments import ROOT

_ROLE = "arn:aws:iam::000000000000:role/{}"


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
            "RoleARN": _ROLE.format("firehose"), "BucketARN": f"arn:aws:s3:::{bucket}",
            "CompressionFormat": "UNCOMPRESSED", "FileExtension": ".json.gz",  # the function compresses
            "Prefix": "events/dt=!{timestamp:yyyy-MM-dd}/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": interval}})
    stream = dynamodb.create_table(
        TableName="Orders", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}], StreamSpecification={
            "StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]["LatestStreamArn"]
    package, entry = io.BytesIO(), zipfile.ZipInfo("stream_processor.py")
    entry.external_attr = 0o644 << 16  # Lambda reads what everybody may read
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(entry, (ROOT / "lambda" / "stream_processor.py").read_text(encoding="utf-8"))
    awslambda.create_function(
        FunctionName="function", Runtime="python3.12", Handler="stream_processor.handler",
        Role=_ROLE.format("function"), Code={"ZipFile": package.getvalue()}, Timeout=60, MemorySize=256,
        Environment={"Variables": {"DELIVERY_STREAM_NAME": "audit", "FAILURES_BUCKET": bucket}})
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
