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
        while True:
            told = self.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if told["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                break
            time.sleep(0.01)
        seconds = time.monotonic() - began
        if told["Status"]["State"] != "SUCCEEDED":
            raise QueryFailed(told["Status"].get("StateChangeReason", told["Status"]["State"]))
        return Asked(seconds, told["Statistics"].get("DataScannedInBytes", 0),
                     told["ResultConfiguration"]["OutputLocation"])

    def text(self, asked: Asked) -> str:
        """The whole answer as Athena wrote it: CSV with a line of names."""
        place = urlsplit(asked.location)
        return self.s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read().decode()

    def answer(self, statement: str, database: str) -> list[list[str]]:
        """The answer's rows, without the line of names."""
        return list(csv.reader(io.StringIO(self.text(self.run(statement, database)))))[1:]
