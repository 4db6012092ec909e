"""One batch of records becomes an object in S3, written with the permissions of the delivery stream's role.

Follows https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html,
https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html,
https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3 and
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html
"""
from __future__ import annotations

import contextlib
import gzip
import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from local_aws.firehose.buffer import Batch
from local_aws.iam.asking import trusts

if TYPE_CHECKING:
    from local_aws.server import LocalAws

SERVICE = "firehose.amazonaws.com"
EXPRESSION = re.compile(r"!\{(timestamp|firehose):([^}]*)\}")
DEFAULT_TIME = "!{timestamp:yyyy/MM/dd/HH/}"
EXTENSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz"}
ONCE = Config(retries={"total_max_attempts": 1})  # what fails is tried again by the buffer


class Refused(Exception):
    """Firehose cannot do what its role does not let it do."""


def destination(description: dict) -> dict | None:
    """Return the S3 destination of a delivery stream's description. None where it has none, or where records pass
    through a processor or are partitioned by their content: ministack then delivers each record by itself."""
    for one in description["Destinations"]:
        s3 = one.get("ExtendedS3DestinationDescription") or one.get("S3DestinationDescription")
        if s3 and description["DeliveryStreamType"] == "DirectPut" and not any(
                s3.get(option, {}).get("Enabled")
                for option in ("ProcessingConfiguration", "DynamicPartitioningConfiguration")):
            return s3
    return None


def deliver(aws: LocalAws, region: str, name: str, batch: Batch) -> None:
    """Write a batch into the bucket of a delivery stream; raise where that is not possible."""
    description = describe(aws, region, name)
    s3_description = destination(description)
    try:
        put(aws, region, description, s3_description, batch)
    except Exception as error:
        with contextlib.suppress(Exception):  # the log is for the reader's sake; the batch is kept anyway
            write_error_log(aws, region, description, s3_description, error)
        raise


def describe(aws: LocalAws, region: str, name: str) -> dict:
    firehose = aws.client("firehose", region_name=region, config=ONCE)
    return firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]


def put(aws: LocalAws, region: str, description: dict, s3_description: dict, batch: Batch) -> None:
    """Write the objects of a batch: one, and a second one where records cannot be converted."""
    s3 = as_role(aws, region, "s3", s3_description["RoleARN"], description["DeliveryStreamARN"])
    bucket = s3_description["BucketARN"].rsplit(":", 1)[-1]
    when = time.gmtime(batch.arrival)
    suffix = "-".join((description["DeliveryStreamName"], description["VersionId"],
                       time.strftime("%Y-%m-%d-%H-%M-%S", when), batch.uuid))
    records, extension = list(batch.records()), ""
    conversion = s3_description.get("DataFormatConversionConfiguration") or {}
    if conversion and conversion.get("Enabled", True):
        from local_aws.firehose.conversion import (
            to_parquet,  # DuckDB and ministack's converter, only where they are needed
        )

        body, failed = to_parquet(conversion, records, description["DeliveryStreamARN"], batch.arrival)
        extension = ".parquet"
        if failed:
            prefix = error_prefix(s3_description, when, "format-conversion-failed")
            s3.put_object(Bucket=bucket, Key=prefix + suffix, Body=failed, **encryption(s3_description))
        if body is None:
            return
    else:
        body = b"".join(records)
    compression = s3_description.get("CompressionFormat", "UNCOMPRESSED")
    if compression == "GZIP":
        body = gzip.compress(body, mtime=int(batch.arrival))
    key = evaluate(s3_description.get("Prefix") or "", when) + suffix + extension + EXTENSIONS[compression]
    s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption(s3_description))


def encryption(s3_description: dict) -> dict:
    """Return put_object's options for the encryption that the destination asks for."""
    key = (s3_description.get("EncryptionConfiguration") or {}).get("KMSEncryptionConfig")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["AWSKMSKeyARN"]} if key else {}


# Names


def evaluate(prefix: str, when: time.struct_time, error_type: str = "") -> str:
    """Return a prefix with its expressions evaluated; one without a time gets the default time at its end."""
    if "!{timestamp:" not in prefix:
        prefix += DEFAULT_TIME

    def value(match: re.Match) -> str:
        namespace, expression = match.groups()
        if namespace == "timestamp":
            return java_time(expression, when)
        return {"error-output-type": error_type, "random-string": secrets.token_hex(6)[:11]}[expression]

    return EXPRESSION.sub(value, prefix)


def error_prefix(s3_description: dict, when: time.struct_time, error_type: str) -> str:
    """Return where failed records go: the error prefix, or a folder of their own under the prefix."""
    own = s3_description.get("ErrorOutputPrefix")
    return evaluate(own or f"{s3_description.get('Prefix') or ''}{error_type}/", when, error_type)


def java_time(pattern: str, when: time.struct_time) -> str:
    """Return a time in a pattern of Java's DateTimeFormatter: y M d H m s D, and text in quotes."""
    fields = {"y": when.tm_year, "M": when.tm_mon, "d": when.tm_mday, "H": when.tm_hour, "m": when.tm_min,
              "s": when.tm_sec, "D": when.tm_yday}

    def text(match: re.Match) -> str:
        token = match[0]
        if token[0] == "'":
            return token[1:-1] or "'"
        if token[0] == "M" and len(token) > 2:
            return time.strftime("%b" if len(token) == 3 else "%B", when)
        value = fields[token[0]] % 100 if token == "yy" else fields[token[0]]
        return str(value).zfill(len(token))

    return re.sub(r"'[^']*'|y+|M+|d+|H+|m+|s+|D+", text, pattern)


# The role


def assume(aws: LocalAws, role_arn: str, stream_arn: str) -> dict:
    """Return credentials of a role, as Firehose gets them: if the role's trust policy lets Firehose assume it."""
    from ministack.services import sts

    account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    trust: dict = {}
    with contextlib.suppress(Exception):
        iam = aws.client("iam", config=ONCE)
        trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    if not trusts(trust, SERVICE, role_arn, {
            "sts:externalid": account, "aws:sourceaccount": account, "aws:sourcearn": stream_arn}):
        raise Refused(f"Firehose is unable to assume role {role_arn}. Please check the role provided.")
    # The same keys each time: a session is remembered for as long as the server runs
    about = ("firehose", role_arn)
    keys = {"aws_access_key_id": "ASIA" + aws.keys.derive(*about)[:16].upper(),
            "aws_secret_access_key": aws.keys.derive("secret", *about)[:40],
            "aws_session_token": aws.keys.derive("token", *about)}
    sts.register_session(keys["aws_access_key_id"], {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/firehose", "UserId": f"{role}:firehose",
        "SecretAccessKey": keys["aws_secret_access_key"], "SessionToken": keys["aws_session_token"]})
    return keys


def as_role(aws: LocalAws, region: str, service: str, role_arn: str, stream_arn: str) -> Any:
    """Return a client that may do what the role may do, and nothing else."""
    return aws.client(service, region_name=region, config=ONCE, **assume(aws, role_arn, stream_arn))


# Errors


def write_error_log(aws: LocalAws, region: str, description: dict, s3_description: dict, error: Exception) -> None:
    """Write a delivery error where the destination's logging options say, in the form of AWS's error logs."""
    options = s3_description.get("CloudWatchLoggingOptions") or {}
    if not options.get("Enabled"):
        return
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    denied = isinstance(error, Refused) or "AccessDenied" in code
    message = {
        "deliveryStreamARN": description["DeliveryStreamARN"], "destination": s3_description["BucketARN"],
        "deliveryStreamVersionId": int(description["VersionId"]), "errorCode": "S3." + (
            "AccessDenied" if denied else code or "InternalError"), "message": (
            "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume the "
            "role, and the access policy allows access to the S3 bucket." if denied else str(error))}
    logs = as_role(aws, region, "logs", s3_description["RoleARN"], description["DeliveryStreamARN"])
    logs.put_log_events(
        logGroupName=options["LogGroupName"], logStreamName=options["LogStreamName"],
        logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(message)}])
