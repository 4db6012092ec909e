"""A query acts on Glue and S3 as its caller: https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena.html"""
from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

_ASK = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup"]
_SCHEMA = ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"]
_DEFAULT = (["glue:GetDatabase"], ["arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/default"])


@pytest.fixture
def as_user(athena):
    """A function that gives a user with the statements of a policy an Athena client."""
    iam, made = athena.aws.client("iam"), []

    def make(*allowed: tuple[list[str], str | list[str]]):
        name = athena.unique()
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": actions, "Resource": resource} for actions, resource in allowed]}))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        made.append((name, key["AccessKeyId"]))
        return athena.aws.client("athena", aws_access_key_id=key["AccessKeyId"],
                                 aws_secret_access_key=key["SecretAccessKey"])

    yield make
    for name, key in made:
        iam.delete_access_key(UserName=name, AccessKeyId=key)
        iam.delete_user_policy(UserName=name, PolicyName="p")
        iam.delete_user(UserName=name)


def _s3(athena) -> list[tuple[list[str], str]]:
    """What results need."""
    return [(["s3:GetBucketLocation", "s3:ListBucket"], f"arn:aws:s3:::{athena.bucket}"),
            (["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{athena.bucket}/results/*")]


def test_without_getobject_on_the_data_a_query_fails(athena, orders, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html"""
    sql, without = f"SELECT id FROM {orders}", [(_ASK, "*"), (_SCHEMA, "*"), *_s3(athena)]
    found = athena.run(sql, as_user(*without))
    assert found["Status"]["State"] == "FAILED"
    assert "Access Denied" in found["Status"]["StateChangeReason"]
    allowed = as_user(*without, (["s3:GetObject"], f"arn:aws:s3:::{athena.bucket}/data/*"))
    assert athena.run(sql, allowed)["Status"]["State"] == "SUCCEEDED"


def test_without_gettable_a_query_fails(athena, orders, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"""
    client = as_user((_ASK, "*"), (["s3:*"], "*"), (["glue:GetDatabase"], "*"))
    found = athena.run(f"SELECT id FROM {orders}", client)
    assert found["Status"]["State"] == "FAILED"
    assert "Access Denied" in found["Status"]["StateChangeReason"]


def test_a_workgroup_that_the_policy_does_not_name_is_refused(athena, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/workgroups-access.html"""
    other = athena.make_workgroup(f"{athena.workgroup}-other")
    client = as_user((_ASK, f"arn:aws:athena:*:*:workgroup/{athena.workgroup}"), *_s3(athena), _DEFAULT)
    assert athena.run("SELECT 1", client)["Status"]["State"] == "SUCCEEDED"
    with pytest.raises(ClientError) as refused:
        athena.run("SELECT 1", client, WorkGroup=other)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_without_putobject_a_query_has_nowhere_to_write(athena, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html"""
    client = as_user((_ASK, "*"), (["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"], "*"), _DEFAULT)
    found = athena.run("SELECT 1", client)
    assert found["Status"]["State"] == "FAILED"
    assert "Access denied when writing output" in found["Status"]["StateChangeReason"]


def test_without_the_database_default_no_query_starts(athena, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"""
    without = [(_ASK, "*"), *_s3(athena), (["glue:GetDatabase"], f"arn:aws:glue:*:*:database/{athena.name}")]
    with pytest.raises(ClientError, match="not authorized to perform: glue:GetDatabase"):
        athena.run("SELECT 1", as_user(*without))
    assert athena.run("SELECT 1", as_user(*without, _DEFAULT))["Status"]["State"] == "SUCCEEDED"


def test_who_deletes_a_database_may_delete_what_is_in_it(athena):
    """https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html"""
    name, iam = athena.unique(), athena.aws.client("iam")
    athena.glue.create_database(DatabaseInput={"Name": name})
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    glue = athena.aws.client("glue", aws_access_key_id=key["AccessKeyId"],
                             aws_secret_access_key=key["SecretAccessKey"])
    about = ["catalog", f"database/{name}", f"table/{name}/*", f"userDefinedFunction/{name}/*"]
    for number in range(1, len(about) + 1):
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "glue:DeleteDatabase", "Resource": [
                f"arn:aws:glue:*:*:{resource}" for resource in about[:number]]}]}))
        if number < len(about):
            with pytest.raises(ClientError, match="glue:DeleteDatabase"):
                glue.delete_database(Name=name)
    glue.delete_database(Name=name)
