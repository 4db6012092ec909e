"""What the two workers have in common: nobody stops their queries, and they answer in JSON."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from local_aws.athena.exchange import Column, QueryFailed
from local_aws.athena.text import formatter


class Unwatched:
    """A `Watch` of queries that run to their end."""

    def read(self, total: int) -> None:
        pass

    def on_stop(self, call: Callable[[], None]) -> None:
        pass


class Answered(Protocol):
    """What an engine answers: its columns, and the bytes read when the rows have ended."""

    @property
    def columns(self) -> Sequence[Column]: ...

    @property
    def bytes_read(self) -> int: ...


def answer(answered: Answered, rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """The columns' names and types, the rows as Athena's text, and the bytes read."""
    forms = [formatter(column.type) for column in answered.columns]
    shown = [[form(value) for form, value in zip(forms, row, strict=True)] for row in rows]
    return {"columns": [[column.name, str(column.type)] for column in answered.columns], "rows": shown,
            "bytes": answered.bytes_read}


def failure(failed: QueryFailed) -> dict[str, Any]:
    return {"error": failed.code, "message": failed.message}
