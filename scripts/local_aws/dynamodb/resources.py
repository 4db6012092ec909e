"""What calls of DynamoDB's and its streams' are about.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html: DescribeStream,
GetShardIterator and GetRecords are on a stream, ListStreams on `*` only. ministack checks all of them against `*`, so
that a policy naming one stream, as it should, would allow nothing.
"""
from __future__ import annotations

from local_aws.iam.request import Request, Resources
from local_aws.ministack_seam import dynamodb_streams


def _stream(request: Request) -> list[str]:
    """The stream that a request names."""
    return [request.content["StreamArn"]] if isinstance(request.content.get("StreamArn"), str) else []


def _stream_of_iterator(request: Request) -> list[str]:
    """The stream that a request's shard iterator is for."""
    iterator = request.content.get("ShardIterator")
    found = dynamodb_streams._decode_iterator(iterator) if isinstance(iterator, str) else None
    return [found["arn"]] if found and found.get("arn") else []


TABLES = Resources("dynamodb", tagged={"dynamodb:CreateTable": "dynamodb:TagResource"})
STREAMS = Resources("dynamodbstreams", arns={
    "dynamodb:DescribeStream": _stream,
    "dynamodb:GetShardIterator": _stream,
    "dynamodb:GetRecords": _stream_of_iterator,
})
