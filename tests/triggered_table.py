"""A table, its stream, a function and the trigger between them, made through boto3 under a name of their own."""
from __future__ import annotations

import contextlib
import functools
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from bench_parts.function_package import function_package

READ_STREAM = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
WRITE_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]

# What every test's function ends with: a `from __future__` must come first. It prints what it got, for the test to read
# in its log, as on AWS.
PRELUDE = '''
import json, time

def numbers(event):
    return [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]

def keys(event):
    return [record["dynamodb"]["Keys"]["id"]["S"] for record in event["Records"]]

def tell(event):
    print("BATCH " + json.dumps(keys(event)))
'''
TELL = "def handler(event, context):\n    tell(event)\n"


def eventually(call: Callable[[], Any], seconds: float = 30, what: str = "it") -> Any:
    """The first true answer of `call` within some seconds."""
    until = time.monotonic() + seconds
    while not (answer := call()):
        assert time.monotonic() < until, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return answer


@functools.cache
def client(aws: Any, service: str) -> Any:
    """Clients take a while to make, and tests can share them."""
    return aws.client(service)


def package(code: str, prelude: str = PRELUDE) -> bytes:
    """The deployment package of a function's code, which may use what the prelude defines."""
    return function_package(prelude + code)


class TriggeredTable:
    def __init__(self, aws: Any, code: str = TELL, trigger: bool = True, allow: list[dict] | None = None,
                 timeout: int = 30, stream: str = "NEW_AND_OLD_IMAGES", prelude: str = PRELUDE, **mapping: Any):
        self.aws, self.name = aws, f"trigger-{uuid.uuid4().hex[:10]}"
        self.dynamodb, self.lambda_, self.iam, self.logs, self.streams = (
            client(aws, service) for service in ("dynamodb", "lambda", "iam", "logs", "dynamodbstreams"))
        table = self.dynamodb.create_table(
            TableName=self.name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": stream})["TableDescription"]
        self.stream = table["LatestStreamArn"]
        self.role = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                    "Principal": {"Service": "lambda.amazonaws.com"}}]}))["Role"]["Arn"]
        self.permit(*self.reading(), *(allow or []))
        self.function = self.lambda_.create_function(
            FunctionName=self.name, Runtime="python3.12", Handler="function.handler", Role=self.role, Timeout=timeout,
            Code={"ZipFile": package(code, prelude)})["FunctionArn"]
        self.uuid = self.connect(**mapping) if trigger else ""

    def reading(self) -> list[dict]:
        """The least that the role needs."""
        return [{"Effect": "Allow", "Action": READ_STREAM, "Resource": self.stream},
                {"Effect": "Allow", "Action": "dynamodb:ListStreams", "Resource": "*"},
                {"Effect": "Allow", "Action": WRITE_LOGS, "Resource": "*"}]

    def permit(self, *statements: dict) -> None:
        self.iam.put_role_policy(RoleName=self.name, PolicyName="all", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": list(statements)}))

    def connect(self, **mapping: Any) -> str:
        settings = {"StartingPosition": "TRIM_HORIZON", **mapping}
        return self.lambda_.create_event_source_mapping(
            EventSourceArn=self.stream, FunctionName=self.name, **settings)["UUID"]

    def mapping(self) -> dict:
        return self.lambda_.get_event_source_mapping(UUID=self.uuid)

    def update(self, **changes: Any) -> None:
        self.lambda_.update_event_source_mapping(UUID=self.uuid, **changes)

    def deploy(self, code: str) -> None:
        self.lambda_.update_function_code(FunctionName=self.name, ZipFile=package(code))

    def put(self, *ids: str, **attributes: Any) -> None:
        for key in ids:
            self.dynamodb.put_item(TableName=self.name, Item={"id": {"S": key}, **attributes})

    def put_together(self, *ids: str) -> None:
        """Written in one request each 25, so that they are read together."""
        for start in range(0, len(ids), 25):
            self.dynamodb.batch_write_item(RequestItems={self.name: [
                {"PutRequest": {"Item": {"id": {"S": key}}}} for key in ids[start:start + 25]]})

    def said(self) -> list[str]:
        """The function's log, line by line."""
        lines: list[str] = []
        with contextlib.suppress(self.logs.exceptions.ResourceNotFoundException):
            for page in self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self.name}"):
                lines += [line for event in page["events"] for line in event["message"].splitlines()]
        return lines

    def batches(self) -> list[list[str]]:
        """The keys of each batch that the function got, in order."""
        return [json.loads(line[len("BATCH "):]) for line in self.said() if line.startswith("BATCH ")]

    def delivered(self) -> list[str]:
        return [key for batch in self.batches() for key in batch]

    def records(self) -> list[dict]:
        """What stands in the stream."""
        streams = self.streams
        shard = streams.describe_stream(StreamArn=self.stream)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = streams.get_shard_iterator(
            StreamArn=self.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        found: list[dict] = []
        while page := streams.get_records(ShardIterator=iterator):
            found += page["Records"]
            iterator = page.get("NextShardIterator")
            if not page["Records"] or not iterator:
                return found

    def remove(self) -> None:
        if self.uuid:
            self.lambda_.delete_event_source_mapping(UUID=self.uuid)
        self.lambda_.delete_function(FunctionName=self.name)
        self.dynamodb.delete_table(TableName=self.name)
