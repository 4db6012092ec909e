"""The local AWS, asked as AWS is."""
from __future__ import annotations

import csv
import io
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

WORKGROUP = "bench"
AwsClient = Any  # boto3 makes the class of a client while it runs


class QueryFailed(Exception):
    """A query failed; the text is Athena's reason."""


@dataclass(frozen=True)
class Asked:
    """What a query cost, and where its answer lies."""

    seconds: float
    bytes_read: int
    location: str


def ended(athena: AwsClient, query: str, within: float = 900) -> dict:
    """The execution of a query when it has ended, however it ended. Raises TimeoutError after `within` seconds."""
    until = time.monotonic() + within
    while True:
        execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return execution
        if time.monotonic() > until:
            raise TimeoutError(f"after {within:g} s query {query} is {execution['Status']['State']}")
        time.sleep(0.01)


class Client:
    """Clients of the services that are measured, at one endpoint."""

    def __init__(self, status: dict) -> None:
        """`status`: what the local AWS's `status --json` prints."""
        self.status, self.endpoint = status, status["endpoint"]
        self._session = boto3.Session(aws_access_key_id=status["access_key_id"],
                                      aws_secret_access_key=status["secret_access_key"], region_name=status["region"])
        self._config = Config(retries={"total_max_attempts": 3}, read_timeout=600, max_pool_connections=32)

        self.s3, self.glue, self.athena = self.client("s3"), self.client("glue"), self.client("athena")

    def client(self, service: str) -> AwsClient:
        """A client of the service, as the local account's root."""
        # pyrefly: ignore[no-matching-overload]  its types want the service's name as a literal
        return self._session.client(service, endpoint_url=self.endpoint, config=self._config)

    def make_bucket(self, bucket: str) -> None:
        """Make the bucket, and the workgroup that keeps its results there, unless they are there."""
        if bucket in (found["Name"] for found in self.s3.list_buckets()["Buckets"]):
            return
        self.s3.create_bucket(Bucket=bucket)
        self.athena.create_work_group(Name=WORKGROUP, Configuration={
            "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/athena/"}, "EnforceWorkGroupConfiguration": True})

    def run(self, statement: str, database: str, workgroup: str = WORKGROUP) -> Asked:
        """Run a statement to its end. Raises QueryFailed."""
        began = time.monotonic()
        query = self.athena.start_query_execution(QueryString=statement, WorkGroup=workgroup,
                                                  QueryExecutionContext={"Database": database})["QueryExecutionId"]
        execution = ended(self.athena, query)
        seconds = time.monotonic() - began
        if execution["Status"]["State"] != "SUCCEEDED":
            raise QueryFailed(execution["Status"].get("StateChangeReason", execution["Status"]["State"]))
        return Asked(seconds, execution["Statistics"].get("DataScannedInBytes", 0),
                     execution["ResultConfiguration"]["OutputLocation"])

    def text(self, asked: Asked) -> str:
        """The whole answer as Athena wrote it: CSV with a line of names."""
        place = urlsplit(asked.location)
        return self.s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read().decode()

    def answer(self, statement: str, database: str) -> list[list[str]]:
        """The answer's rows, without the line of names."""
        return list(csv.reader(io.StringIO(self.text(self.run(statement, database)))))[1:]
