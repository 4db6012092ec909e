"""One batch of records becomes an object in S3, written with the permissions of the delivery stream's role.

Follows https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html and
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html. `description` is a delivery
stream's and `destination` its S3 destination's, both as DescribeDeliveryStream shows them.
"""
from __future__ import annotations

import contextlib
import gzip
import json
import time
from typing import TYPE_CHECKING

from local_aws.firehose import prefixes
from local_aws.firehose.role import Refused, as_role
from local_aws.firehose.store import Batch

if TYPE_CHECKING:
    from local_aws.server import LocalAws

EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz"}


def deliver(aws: LocalAws, description: dict, destination: dict, batch: Batch) -> None:
    """Write a batch into the destination's bucket; raise where that is not possible."""
    try:
        put(aws, description, destination, batch)
    except Exception as error:
        with contextlib.suppress(Exception):  # the log is for the reader's sake; the batch is kept
            write_error_log(aws, description, destination, error)
        raise


def put(aws: LocalAws, description: dict, destination: dict, batch: Batch) -> None:
    """Write the objects of a batch: one, and a second one where records cannot be converted."""
    s3 = as_role(aws, "s3", destination["RoleARN"], description["DeliveryStreamARN"])
    bucket = destination["BucketARN"].rsplit(":", 1)[-1]
    when = time.gmtime(batch.arrival)
    suffix = "-".join((description["DeliveryStreamName"], description["VersionId"],
                       time.strftime("%Y-%m-%d-%H-%M-%S", when), batch.uuid))
    prefix, error_prefix = destination.get("Prefix") or "", destination.get("ErrorOutputPrefix") or ""
    records, extension = list(batch.records()), ""
    conversion = destination.get("DataFormatConversionConfiguration") or {}
    if conversion and conversion.get("Enabled", True):
        from local_aws.firehose.conversion import to_parquet  # DuckDB, only where it is needed

        body, failed = to_parquet(conversion, records, description["DeliveryStreamARN"], batch.arrival)
        extension = ".parquet"
        if failed:
            key = prefixes.evaluate_for_errors(prefix, error_prefix, when, "format-conversion-failed") + suffix
            s3.put_object(Bucket=bucket, Key=key, Body=failed, **encryption(destination))
        if body is None:
            return
    else:
        body = b"".join(records)
    compression = destination.get("CompressionFormat", "UNCOMPRESSED")
    if compression == "GZIP":
        body = gzip.compress(body, mtime=int(batch.arrival))
    extension = destination.get("FileExtension") or extension + EXTENSIONS[compression]
    key = prefixes.evaluate(prefix, when) + suffix + extension
    s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption(destination))


def encryption(destination: dict) -> dict[str, str]:
    """put_object's options for the encryption that the destination asks for."""
    key = (destination.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["AWSKMSKeyARN"]} if key else {}


def write_error_log(aws: LocalAws, description: dict, destination: dict, error: Exception) -> None:
    """Write a delivery error where the destination's logging options say, in the form of AWS's error logs."""
    options = destination.get("CloudWatchLoggingOptions") or {}
    if not options.get("Enabled"):
        return
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    denied = isinstance(error, Refused) or "AccessDenied" in code
    message = {
        "deliveryStreamARN": description["DeliveryStreamARN"], "destination": destination["BucketARN"],
        "deliveryStreamVersionId": int(description["VersionId"]), "errorCode": "S3." + (
            "AccessDenied" if denied else code or "InternalError"), "message": (
            "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume the "
            "role, and the access policy allows access to the S3 bucket." if denied else str(error))}
    logs = as_role(aws, "logs", destination["RoleARN"], description["DeliveryStreamARN"])
    logs.put_log_events(
        logGroupName=options["LogGroupName"], logStreamName=options["LogStreamName"],
        logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(message)}])
