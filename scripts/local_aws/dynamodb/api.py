"""DynamoDB's own requests: a stream is turned on where there is none, and off where there is one.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html, StreamSpecification. ministack
changes a stream under way.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from local_aws.iam.request import content_of
from local_aws.ministack_seam import dynamodb, responses

if TYPE_CHECKING:
    from local_aws.server import Handler, Response


def wrapper(handler: Handler) -> Handler:
    """DynamoDB's handler: UpdateTable is refused where the stream is as it is asked to be."""
    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        updates = headers.get("x-amz-target", "").endswith(".UpdateTable")
        request = content_of(body) if updates else {}
        wanted = request.get("StreamSpecification")
        table = dynamodb._tables.get(dynamodb._normalize_table_name(request.get("TableName"))) if wanted else None
        if not wanted or not table:
            return await handler(method, path, headers, body, query_params)
        turn_on = bool(wanted.get("StreamEnabled"))
        if bool((table.get("StreamSpecification") or {}).get("StreamEnabled")) == turn_on:
            return responses.error_response_json(
                "ValidationException",
                "Table already has an enabled stream" if turn_on else "Table has no stream to disable", 400)
        answer = await handler(method, path, headers, body, query_params)
        if answer[0] == 200 and not turn_on:
            table.pop("StreamSpecification", None)
        return answer

    return handle
