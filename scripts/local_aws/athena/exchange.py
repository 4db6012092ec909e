"""What Athena's front and an engine (`interface`) say to each other: columns and rows, where a write goes and what it
did, how a query hears that it is to end, and the ways in which one fails.

Errors are Athena's: an engine raises `QueryFailed` with Trino's error name and text, never another product's words.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from local_aws.athena.types import Type


@dataclass(frozen=True)
class Column:
    """A column of an answer, with its type of Trino's (`str(column.type)` is what Trino calls it)."""

    name: str
    type: Type


@dataclass
class Answer:
    """What a query answers.

    A row is a sequence of Python values or None, of the forms that `text.formatter` takes. `rows` may be lazy; it may
    raise `QueryFailed` while it is read, but not `NotVerified`. `bytes_read` is final when `rows` is exhausted.
    """

    columns: list[Column]
    rows: Iterable[Sequence[Any]]
    bytes_read: int = 0


@dataclass
class Target:
    """Where a CREATE TABLE AS or INSERT INTO puts its rows, in Athena's words and already checked by the front.

    For CREATE TABLE AS (`create` is true) nothing lies under `location` and the table is not there; `columns` is empty,
    and the query's own columns are the table's. For INSERT INTO they are the named ones (lower case), or empty for all.
    Partition columns come last, as Athena demands. `format` is PARQUET, ORC, AVRO, JSON or TEXTFILE; `compression` is
    GZIP, SNAPPY, ZSTD, LZ4, ZLIB, BZIP2, DEFLATE or NONE; `level` is ZSTD's, 1 to 22: it changes sizes, never answers.
    `location` is an s3:// URL that ends in '/'.
    """

    create: bool
    database: str
    table: str
    location: str
    format: str = "PARQUET"
    compression: str = "GZIP"
    level: int = 3
    partitioned_by: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    field_delimiter: str | None = None
    with_data: bool = True


@dataclass
class Written:
    """What a write did: rows written, bytes read for them, and the s3:// URLs of the objects written."""

    rows: int
    bytes_read: int
    files: list[str]


class QueryFailed(Exception):
    """The query fails, for a reason that its author can read.

    `code` is Trino's error name ('COLUMN_NOT_FOUND'), `message` its text ("line 1:8: Column 'nope' cannot be
    resolved"); Athena shows both as 'COLUMN_NOT_FOUND: line 1:8: Column …'. With an empty code the message stands
    alone. `category` is Athena's: 1 the system's fault, 2 the user's, 3 other. A 'line L:C' must count in the
    statement as it was handed in.
    """

    def __init__(self, code: str, message: str, category: int = 2):
        super().__init__(f"{code}: {message}" if code else message)
        self.code, self.message, self.category = code, message, category


class NotVerified(QueryFailed):
    """The statement is Athena's, but this engine is not verified to answer it as Athena does. Another engine may.

    `construct` is what is not verified, in a reader's words: 'the function approx_distinct(bigint)'. `at` is where it
    stands ('line 1:8'), or '' where that is not known. The message is one sentence that names it. An engine raises
    this before it hands out a row: from `Engine.query`, `describe` and `write` themselves, never from `Answer.rows`,
    so that nobody has seen an answer, and no object is written, when the statement is handed on.
    """

    def __init__(self, construct: str, at: str = ""):
        place = f"{at}: " if at else ""
        super().__init__("NOT_SUPPORTED", f"{place}{construct} is not verified to answer as Athena does on DuckDB.")
        self.construct, self.at = construct, at


class Cancelled(Exception):
    """Raised by a `Watch`: the query was stopped, or may read no more. An engine lets it pass and cleans up."""


class Watch(Protocol):
    """How a running query hears of the world outside. Engines call `read` often: it is how a query is stopped."""

    def read(self, total: int) -> None:
        """Tell how many bytes this query has read so far. Raises `Cancelled` when it is to end."""

    def start_over(self) -> None:
        """Count what was read so far for nothing: another engine reads it again. Raises `Cancelled` as `read` does."""

    def on_stop(self, call: Callable[[], None]) -> None:
        """Have `call` called, once and from another thread, when the query is stopped (to interrupt what blocks)."""
