"""What Firehose does in S3 and in CloudWatch it does as the delivery stream's role.

https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.config import Config

from local_aws.iam.roles import trusts
from local_aws.ministack_seam import sts

if TYPE_CHECKING:
    from local_aws.server import Client, LocalAws

SERVICE = "firehose.amazonaws.com"
ONCE = Config(retries={"total_max_attempts": 1})  # what fails is tried again by the buffer


class Refused(Exception):
    """Firehose cannot do what its role does not let it do."""


def assume(aws: LocalAws, role_arn: str, stream_arn: str) -> dict[str, str]:
    """Credentials of a role, as boto3 takes them, if its trust policy lets Firehose assume it for the delivery stream
    with this ARN; else Refused."""
    account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    if not trusts(role_arn, SERVICE, {
            "sts:externalid": account, "aws:sourceaccount": account, "aws:sourcearn": stream_arn}):
        raise Refused(f"Firehose is unable to assume role {role_arn}. Please check the role provided.")
    # The same keys each time: a session is remembered for as long as the server runs
    made = aws.keys.of_role("firehose", role_arn)
    keys = {name.lower(): value for name, value in made.items()}
    sts.register_session(keys["aws_access_key_id"], {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/firehose", "UserId": f"{role}:firehose",
        "SecretAccessKey": keys["aws_secret_access_key"], "SessionToken": keys["aws_session_token"]})
    return keys


def as_role(aws: LocalAws, service: str, role_arn: str, stream_arn: str) -> Client:
    """A boto3 client, in the delivery stream's region, that may do what the role may do, and nothing else."""
    return aws.client(service, region_name=stream_arn.split(":")[3], config=ONCE, **assume(aws, role_arn, stream_arn))
