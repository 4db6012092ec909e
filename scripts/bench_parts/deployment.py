"""The audit deployed on the local AWS as the workbook makes it, without its notebooks."""
from __future__ import annotations

import datetime
import json

from bench_parts.client import Client
from bench_parts.function_package import function_package
from bench_parts.layouts import json_table
from environments import ROOT

BUCKET = DATABASE = "audit"
_ROLE = "arn:aws:iam::000000000000:role/{}"


def deploy(client: Client, batch_size: int = 10_000, window: int = 1, interval: int = 1, retries: int = 100) -> None:
    """Table, function, trigger, delivery stream, bucket and Glue table, as the workbook makes them. The trigger waits
    for `window` seconds to fill a batch, Firehose for `interval` to fill an object; a batch that fails is tried again
    `retries` times, then kept in the bucket."""
    client.make_bucket(BUCKET)
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
            "RoleARN": _ROLE.format("firehose"), "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "CompressionFormat": "UNCOMPRESSED", "FileExtension": ".json.gz",  # the function compresses
            "Prefix": "events/dt=!{timestamp:yyyy-MM-dd}/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": interval}})
    stream = dynamodb.create_table(
        TableName="Orders", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}], StreamSpecification={
            "StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]["LatestStreamArn"]
    code = (ROOT / "lambda" / "stream_processor.py").read_text(encoding="utf-8")
    awslambda.create_function(
        FunctionName="function", Runtime="python3.12", Handler="stream_processor.handler",
        Role=_ROLE.format("function"), Timeout=60, MemorySize=256,
        Code={"ZipFile": function_package(code, "stream_processor.py")},
        Environment={"Variables": {"DELIVERY_STREAM_NAME": "audit", "FAILURES_BUCKET": BUCKET}})
    awslambda.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="function", StartingPosition="TRIM_HORIZON",
        BatchSize=batch_size, MaximumBatchingWindowInSeconds=window, FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True, MaximumRetryAttempts=retries,
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{BUCKET}"}})
    client.glue.create_database(DatabaseInput={"Name": DATABASE})
    today = datetime.datetime.now(datetime.timezone.utc).date()
    json_table(client, DATABASE, "order_events", f"s3://{BUCKET}/events/", ["dt"], {
        "projection.enabled": "true", "projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": f"{today},{today + datetime.timedelta(days=1)}",
        "storage.location.template": f"s3://{BUCKET}/events/dt=${{dt}}/"})
