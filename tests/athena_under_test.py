"""A small Athena of a test's own: a bucket, a database, a workgroup, and one way to ask."""
from __future__ import annotations

import contextlib
import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from bench_parts.client import ended


class Athena:
    """Queries through boto3, as an application asks them."""

    def __init__(self, aws):
        self.aws = aws
        self.athena, self.glue, self.s3 = (aws.client(name) for name in ("athena", "glue", "s3"))
        self.name = f"front_{uuid.uuid4().hex[:8]}"  # the database's
        self.bucket = self.workgroup = self.name.replace("_", "-")
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": self.name})
        self.make_workgroup(self.workgroup)

    def make_workgroup(self, name: str, **settings) -> str:
        self.athena.create_work_group(Name=name, Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{self.bucket}/results/"},
            "EnforceWorkGroupConfiguration": False, **settings})
        return name

    def unique(self) -> str:
        return f"t{uuid.uuid4().hex[:10]}"

    def run(self, sql: str, client=None, **asked) -> dict:
        """A query's execution once it has ended, however it ended."""
        client = client or self.athena
        started = client.start_query_execution(**{
            "QueryString": sql, "QueryExecutionContext": {"Database": self.name}, "WorkGroup": self.workgroup, **asked})
        return self.ended(started["QueryExecutionId"], client)

    def ended(self, name: str, client=None) -> dict:
        """A query's execution once it has ended, however it ended."""
        return ended(client or self.athena, name, within=120)  # Trino's start included

    def done(self, sql: str, **asked) -> dict:
        """A query's execution, which must have succeeded."""
        found = self.run(sql, **asked)
        assert found["Status"]["State"] == "SUCCEEDED", found["Status"]
        return found

    def rows(self, sql: str, **asked) -> list[list[str | None]]:
        """A query's rows without the header."""
        found = self.done(sql, **asked)
        answer = self.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])
        rows = [[value.get("VarCharValue") for value in row["Data"]] for row in answer["ResultSet"]["Rows"]]
        return rows[1:] if found["StatementType"] == "DML" else rows

    def reason(self, sql: str, **asked) -> str:
        """Why a query failed."""
        found = self.run(sql, **asked)
        assert found["Status"]["State"] == "FAILED", found["Status"]
        assert found["Status"]["AthenaError"]["ErrorMessage"] == found["Status"]["StateChangeReason"]
        return found["Status"]["StateChangeReason"]

    def text(self, url: str, encoding: str = "utf-8") -> str:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode(encoding)

    def put_json(self, key: str, *rows: dict) -> None:
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=gzip.compress(body) if key.endswith(".gz") else body)

    def json_table(self, columns: dict[str, str], rows: dict[str, list[dict]], parameters: dict | None = None,
                   partition_keys: tuple[str, ...] = ()) -> str:
        """A table of JSON lines: `rows` by the name of their object."""
        name = self.unique()
        for key, lines in rows.items():
            self.put_json(f"data/{name}/{key}", *lines)
        self.glue.create_table(DatabaseName=self.name, TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": parameters or {},
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in partition_keys],
            "StorageDescriptor": {
                "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
                "Location": f"s3://{self.bucket}/data/{name}/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hive.hcatalog.data.JsonSerDe"}}})
        return name


@contextlib.contextmanager
def users(athena: Athena) -> Iterator[Callable[..., Any]]:
    """A function that makes a user who may do what it is given, pairs of actions and resources, and gives the user's
    client of Athena. The users are gone afterwards."""
    iam, made = athena.aws.client("iam"), []

    def make(*allowed: tuple[list[str], str | list[str]]) -> Any:
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
