"""Glue leaves out a description that nobody gave: with an empty one Trino finds no view."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_aws.server import Handler, Response

DESCRIBED = ("GetTable", "GetTables", "GetDatabase", "GetDatabases")


def wrapper(handler: Handler) -> Handler:
    """Glue's handler, whose answers have no empty descriptions."""

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        status, answered, content = await handler(method, path, headers, body, query_params)
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        if status == 200 and operation in DESCRIBED and b'"Description": ""' in content:
            answer = json.loads(content)
            for described in [*answer.get("TableList", ()), *answer.get("DatabaseList", ()),
                              *filter(None, (answer.get("Table"), answer.get("Database")))]:
                if not described.get("Description"):
                    described.pop("Description", None)
            content = json.dumps(answer).encode()
            answered = {name: value for name, value in answered.items() if name.lower() != "content-length"}
        return status, answered, content

    return handle
