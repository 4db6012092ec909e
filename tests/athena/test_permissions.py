"""A query acts on Glue and S3 as its caller: https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena.html"""
from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from athena_under_test import users

_ASK = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup"]
_SCHEMA = ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"]
_DEFAULT = (["glue:GetDatabase"], ["arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/default"])


@pytest.fixture
def as_user(athena):
    """A function that gives a user with the statements of a policy an Athena client."""
    with users(athena) as make:
        yield make


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


def test_a_views_reader_needs_what_the_view_reads(athena, orders, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"""
    view = athena.unique()
    athena.done(f"CREATE VIEW {view} AS SELECT id FROM {orders}")
    base = "arn:aws:glue:*:*:"
    only = [base + "catalog", base + f"database/{athena.name}", base + f"table/{athena.name}/{view}"]
    given = [(_ASK, "*"), (["s3:*"], "*"), _DEFAULT, (["glue:GetDatabase"], "*")]
    found = athena.run(f"SELECT id FROM {view}", as_user(*given, (["glue:GetTable"], only)))
    assert found["Status"]["State"] == "FAILED" and "Access Denied" in found["Status"]["StateChangeReason"]
    allowed = as_user(*given, (["glue:GetTable"], [*only, base + f"table/{athena.name}/{orders}"]))
    assert athena.run(f"SELECT id FROM {view} AS no_table WHERE id > 1", allowed)["Status"]["State"] == "SUCCEEDED"


def test_partitions_that_glue_knows_need_getpartitions(athena, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html"""
    table = athena.json_table({"id": "bigint"}, {"day=1/a.json": [{"id": 1}]}, partition_keys=("day",))
    athena.done(f"ALTER TABLE {table} ADD PARTITION (day = '1')")
    given = [(_ASK, "*"), (["s3:*"], "*"), (["glue:GetDatabase", "glue:GetTable"], "*")]
    found = athena.run(f"SELECT id FROM {table}", as_user(*given))
    assert found["Status"]["State"] == "FAILED" and "Access Denied" in found["Status"]["StateChangeReason"]
    assert athena.run(f"SELECT id FROM {table}", as_user(*given, (["glue:GetPartitions"], "*"))
                      )["Status"]["State"] == "SUCCEEDED"


def test_who_may_not_write_writes_nothing(athena, as_user):
    """https://docs.aws.amazon.com/athena/latest/ug/insert-into.html"""
    plain, parts = athena.unique(), athena.unique()
    for table, more, query in ((plain, "", "SELECT 1 AS id"), (
            parts, ", partitioned_by = ARRAY['day']", "SELECT 1 AS id, 'x' AS day WITH NO DATA")):
        athena.done(f"CREATE TABLE {table} WITH (external_location = 's3://{athena.bucket}/data/{table}/'{more}) AS "
                    f"{query}")
    read = [(_ASK, "*"), (_SCHEMA, "*"), *_s3(athena), (["s3:GetObject"], f"arn:aws:s3:::{athena.bucket}/data/*")]
    write = (["s3:PutObject"], f"arn:aws:s3:::{athena.bucket}/data/*")
    for sql, given in ((f"INSERT INTO {plain} SELECT 2", read), (f"INSERT INTO {parts} SELECT 2, 'x'", [*read, write])):
        found = athena.run(sql, as_user(*given))
        assert found["Status"]["State"] == "FAILED" and "Access Denied" in found["Status"]["StateChangeReason"], found
    assert athena.rows(f"SELECT id FROM {plain}") == [["1"]]
    assert athena.rows(f"SHOW PARTITIONS {parts}") == []
    for sql in (f"INSERT INTO {plain} SELECT 2", f"INSERT INTO {parts} SELECT 2, 'x'"):
        found = athena.run(sql, as_user(*read, write, (["glue:BatchCreatePartition"], "*")))
        assert found["Status"]["State"] == "SUCCEEDED", found["Status"]


def test_a_role_asks_as_a_role(athena, orders):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html"""
    iam, name = athena.aws.client("iam"), athena.unique()
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}))["Role"]["Arn"]
    given = athena.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="reader")["Credentials"]
    client = athena.aws.client("athena", aws_access_key_id=given["AccessKeyId"],
                               aws_secret_access_key=given["SecretAccessKey"],
                               aws_session_token=given["SessionToken"])
    statements = [(_ASK, "*"), (_SCHEMA, "*"), *_s3(athena)]
    for more, state in (([], "FAILED"), ([(["s3:GetObject"], f"arn:aws:s3:::{athena.bucket}/data/*")], "SUCCEEDED")):
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}
                                                   for actions, resource in [*statements, *more]]}))
        found = athena.run(f"SELECT id FROM {orders}", client)["Status"]
        assert found["State"] == state and (state == "SUCCEEDED" or "Access Denied" in found["StateChangeReason"])


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
