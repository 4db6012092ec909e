"""A call on a stream is allowed or not by the stream that it names.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html: DescribeStream,
GetShardIterator and GetRecords are on a stream, ListStreams on `*` only.

ministack checks all of them against `*`, so that a policy naming one stream, as it should, would allow nothing.
"""
from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb_streams


def stream_of(body: bytes) -> str:
    """The ARN of the stream that a request names, itself or in its shard iterator; '*' where it names none."""
    try:
        request = json.loads(body or b"{}")
        if iterator := request.get("ShardIterator"):
            return (dynamodb_streams._decode_iterator(iterator) or {}).get("arn") or "*"
        return request.get("StreamArn") or "*"
    except (ValueError, AttributeError):
        return "*"


def install() -> None:
    extract = iam_actions.extract_resource_arn

    def extract_resource_arn(service: str, method: str, path: str, headers: dict, body: bytes, *rest: Any) -> str:
        if headers.get("x-amz-target", "").startswith("DynamoDBStreams_"):
            return stream_of(body)
        return extract(service, method, path, headers, body, *rest)

    iam_actions.extract_resource_arn = extract_resource_arn
