"""Who was allowed what, and iam:PassRole: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
import json

import pytest
from botocore.exceptions import ClientError

from bench_parts.function_package import function_package

HANDLER = "def handler(event, context): pass"


def user(aws, name: str, *statements: dict) -> dict:
    """A new user with these permissions; the keys that a client takes."""
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def role(aws, name: str, service: str) -> str:
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    return aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


def create_function(client, name: str, arn: str, **options) -> dict:
    return client.create_function(FunctionName=name, Role=arn, Runtime="python3.12", Handler="code.handler",
                                  Code={"ZipFile": function_package(HANDLER, "code.py")}, **options)


def create_delivery_stream(client, name: str, arn: str) -> dict:
    return client.create_delivery_stream(
        DeliveryStreamName=name, DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={"RoleARN": arn, "BucketARN": "arn:aws:s3:::access-pass-role"})


@pytest.mark.parametrize(("service", "create", "action"), [
    ("lambda", create_function, "lambda:CreateFunction"),
    ("firehose", create_delivery_stream, "firehose:CreateDeliveryStream"),
])
def test_passing_a_role_needs_the_permission(aws, service, create, action):
    arn = role(aws, f"access-{service}", f"{service}.amazonaws.com")
    aws.client("s3").create_bucket(Bucket="access-pass-role")
    may_create = {"Action": action, "Resource": "*"}
    without = aws.client(service, **user(aws, f"access-{service}-without", may_create))
    with pytest.raises(ClientError, match="iam:PassRole"):
        create(without, f"access-{service}", arn)
    other = {"Action": "iam:PassRole", "Resource": arn,
             "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
    for_other = aws.client(service, **user(aws, f"access-{service}-other", may_create, other))
    with pytest.raises(ClientError, match="iam:PassRole"):
        create(for_other, f"access-{service}", arn)
    with_it = aws.client(service, **user(aws, f"access-{service}-with", may_create,
                                         {"Action": "iam:PassRole", "Resource": arn}))
    create(with_it, f"access-{service}", arn)


def test_decisions_are_told(aws):
    keys = user(aws, "access-told", {"Action": "dynamodb:ListTables", "Resource": "*"})
    aws.client("dynamodb", **keys).list_tables()
    with pytest.raises(ClientError):
        aws.client("sqs", **keys).list_queues()
    assert told(aws, "access-told") == {("dynamodb:ListTables", True), ("sqs:ListQueues", False)}


def test_a_decision_counts_the_resources_policy_in(aws):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"""
    bucket = "access-resource-policy"
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    s3 = aws.client("s3", **user(aws, bucket, {"Action": ["s3:PutObject", "s3:ListBucket"], "Resource": [
        f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}))
    s3.list_objects_v2(Bucket=bucket)
    with pytest.raises(ClientError, match="explicit deny"):
        s3.put_object(Bucket=bucket, Key="key")
    assert told(aws, bucket) == {("s3:ListBucket", True), ("s3:PutObject", False)}


def told(aws, name: str) -> set[tuple[str, bool]]:
    """What was decided about a user's calls."""
    return {(one["action"], one["allowed"]) for one in aws.ask("/_local/access")
            if one["principal"].endswith(f"user/{name}")}
