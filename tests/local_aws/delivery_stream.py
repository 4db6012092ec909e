"""A delivery stream, its bucket and its role, made through boto3 under a name of their own."""
from __future__ import annotations

import gzip
import json
import uuid

from triggered_table import client

FIREHOSE = {"Service": "firehose.amazonaws.com"}
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
