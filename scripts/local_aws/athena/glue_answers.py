"""Glue leaves out a description or an owner that nobody gave: with an empty description Trino finds no view, and an
empty owner it gives back in an update, where Glue takes none."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_aws.server import Handler, Response

DESCRIBED = ("GetTable", "GetTables", "GetDatabase", "GetDatabases")
LEFT_OUT = ("Description", "Owner")


def wrapper(handler: Handler) -> Handler:
    """Glue's handler, whose answers leave out what is empty and nobody gave."""

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> Response:
        status, answered, content = await handler(method, path, headers, body, query_params)
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        if status == 200 and operation in DESCRIBED and b': ""' in content:
            answer = json.loads(content)
            for described in [*answer.get("TableList", ()), *answer.get("DatabaseList", ()),
                              *filter(None, (answer.get("Table"), answer.get("Database")))]:
                for name in LEFT_OUT:
                    if not described.get(name):
                        described.pop(name, None)
            content = json.dumps(answer).encode()
            answered = {name: value for name, value in answered.items() if name.lower() != "content-length"}
        return status, answered, content

    return handle
