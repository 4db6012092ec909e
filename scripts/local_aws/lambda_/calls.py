"""The public calls that the trigger makes, and as whom: the stream and the destination as the function's role, the
function as the service."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.lambda_.batches import Answer
from local_aws.ministack_seam import iam_evaluator, lambda_runtime

if TYPE_CHECKING:
    from local_aws.lambda_.store import Mapping
    from local_aws.server import Client, LocalAws

# A function may run for 900 s, and an invocation must not be made twice by a client that lost patience. What fails is
# tried again by the trigger, which knows what it has left.
CONFIG = Config(read_timeout=920, connect_timeout=10, retries={"total_max_attempts": 1}, max_pool_connections=50)


class Calls:
    """The calls as the service itself, and the roles that others are made as."""

    def __init__(self, aws: LocalAws):
        self.aws, self.endpoint = aws, aws.endpoint

    def client(self, service: str, region: str) -> Client:
        """A boto3 client as the service itself, which may do anything."""
        return self.aws.client(service, region_name=region, config=CONFIG)

    def invoke(self, mapping: Mapping, payload: bytes) -> Answer:
        """Invoke a mapping's function and wait: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""
        response = self.client("lambda", mapping.region).invoke(
            FunctionName=mapping.fields["FunctionArn"], Payload=payload)
        body = response["Payload"].read()
        try:
            value = json.loads(body or b"null")
        except ValueError:
            value = body.decode(errors="replace")
        return Answer(value, response.get("FunctionError"), response.get("ExecutedVersion", "$LATEST"))

    def role(self, mapping: Mapping) -> Role:
        """The execution role of a mapping's function."""
        return self.role_of(mapping.fields["FunctionArn"], mapping.region)

    def role_of(self, function: str, region: str) -> Role:
        """The execution role of a function, given its name or ARN."""
        return Role(self, function, region)


class Role:
    """A function's execution role, whose permissions are checked with each call."""

    def __init__(self, calls: Calls, function: str, region: str):
        self.calls, self.function, self.region = calls, function, region
        self._clients: dict[str, Client] = {}

    def renew(self) -> None:
        """The function may have another role now."""
        self._clients = {}

    def client(self, service: str) -> Client:
        """A boto3 client that may do what the role may do, made once until `renew`."""
        clients = self._clients
        if service not in clients:
            function = self.calls.client("lambda", self.region).get_function_configuration(FunctionName=self.function)
            # Not a public call, since a role lets nobody but Lambda assume it
            credentials = lambda_runtime.execution_credentials(function)
            clients[service] = self.calls.aws.client(
                service, region_name=self.region, config=CONFIG,
                **{name.lower(): value for name, value in credentials.items()})
        return clients[service]

    def may(self, action: str, resource: str) -> bool:
        """Whether IAM allows the role an action ('s3:PutObject') on a resource's ARN; with a `*` in it, on all of
        them."""
        function = self.calls.client("lambda", self.region).get_function_configuration(FunctionName=self.function)
        key = lambda_runtime.execution_credentials(function)["AWS_ACCESS_KEY_ID"]
        return not iam_evaluator.enforce(key, action, action.partition(":")[0], self.region, resource_arn=resource)

    def describe(self, stream: str) -> tuple[list[str], str]:
        """The stream's shards, oldest first, and the name of its table's partition key."""
        description = self.client("dynamodbstreams").describe_stream(StreamArn=stream)["StreamDescription"]
        shards = [shard["ShardId"] for shard in description["Shards"]]
        while last := description.get("LastEvaluatedShardId"):
            description = self.client("dynamodbstreams").describe_stream(
                StreamArn=stream, ExclusiveStartShardId=last)["StreamDescription"]
            shards += [shard["ShardId"] for shard in description["Shards"]]
        key = next(part["AttributeName"] for part in description["KeySchema"] if part["KeyType"] == "HASH")
        return shards, key

    def iterator(self, stream: str, shard: str, after: str | None) -> str:
        """Behind a record; at the oldest one where there is none, or where it is older than the stream reaches back."""
        streams = self.client("dynamodbstreams")
        if after:
            try:
                return streams.get_shard_iterator(StreamArn=stream, ShardId=shard, SequenceNumber=after,
                                                  ShardIteratorType="AFTER_SEQUENCE_NUMBER")["ShardIterator"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                    raise
        return streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]

    def records(self, iterator: str) -> tuple[list[dict], str | None]:
        """Records (1,000 or 1 MB at most), and the next iterator; None at the end of a closed shard."""
        page = self.client("dynamodbstreams").get_records(ShardIterator=iterator)
        return page["Records"], page.get("NextShardIterator")

    def end(self, stream: str) -> dict:
        """Where the stream ends now, as a position: a shard and the sequence number of the last record in it."""
        shards, _ = self.describe(stream)
        if not shards:
            return {}
        iterator: str | None = self.iterator(stream, shards[-1], None)
        position = {"shard": shards[-1]}
        while iterator:
            records, iterator = self.records(iterator)
            if not records:
                break
            position["after"] = records[-1]["dynamodb"]["SequenceNumber"]
        return position

    def check(self, stream: str) -> None:
        """Make the calls that reading takes; raises ClientError where one is refused."""
        self.client("dynamodbstreams").list_streams(TableName=stream.split("/")[1])
        shards, _ = self.describe(stream)
        if shards:
            self.records(self.iterator(stream, shards[0], None))
