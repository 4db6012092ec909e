"""All that an engine may know of the world: Glue's tables and S3's objects, with the permissions of the query's caller.

Every method checks what the caller may do before it does it as the local root, as Athena's calls on Glue and S3 are
the caller's own (https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena.html), and raises `QueryFailed`
with Athena's Access Denied words otherwise.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from local_aws.athena.callers import Caller
from local_aws.athena.exchange import Column, Target


@dataclass(frozen=True)
class GlueColumn:
    """A column as Glue has it; `type` in Hive's words ('string', 'bigint', 'array<string>')."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """A table of the catalog, or a view where `view` is its SQL text (then `columns` have Trino's types)."""

    database: str
    name: str
    columns: tuple[GlueColumn, ...]
    partition_keys: tuple[GlueColumn, ...] = ()
    location: str = ""
    serde: str = ""
    serde_parameters: Mapping[str, str] = field(default_factory=dict)
    input_format: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    view: str | None = None
    view_database: str | None = None  # the database that unqualified names in a view's text mean


@dataclass(frozen=True)
class Partition:
    """One partition: the text of each partition key's value, and where its objects lie. An unpartitioned table has one
    with no values."""

    values: Mapping[str, str]
    location: str


def folder(values: Mapping[str, str]) -> str:
    """A partition's folder under its table's location, as Hive names it: 'key=value/…/'."""
    return "".join(f"{key}={value}/" for key, value in values.items())


@dataclass(frozen=True)
class Object:
    """An object of S3: `bucket`, `key`, and its size in bytes."""

    bucket: str
    key: str
    size: int


class Catalog:
    """One query's view of Glue and S3. `database` is the one that unqualified names mean; `caller` is who asks, for an
    engine that reads S3 by itself."""

    database: str
    caller: Caller

    def has_database(self, name: str) -> bool:
        """Whether Glue has the database."""
        raise NotImplementedError

    def table(self, database: str, name: str) -> Table | None:
        """The table or view of that name, or None. Needs glue:GetTable."""
        raise NotImplementedError

    def partitions(self, table: Table, injected: Mapping[str, Sequence[str]] | None = None) -> Iterator[Partition]:
        """Every partition there may be, from partition projection or from Glue; lists nothing in S3, so prune first and
        ask for objects then. `injected` gives the values of columns whose projection type is 'injected'."""
        raise NotImplementedError

    def objects(self, partition: Partition) -> list[Object]:
        """The objects under a partition's location, hidden ones (name starts with '_' or '.') left out.
        Needs s3:ListBucket."""
        raise NotImplementedError

    def read(self, stored: Object, start: int = 0, end: int | None = None) -> bytes:
        """An object's bytes, or those from `start` up to (not with) `end`. Needs s3:GetObject."""
        raise NotImplementedError

    def put(self, url: str, body: bytes) -> None:
        """Write an object at an s3:// URL. Needs s3:PutObject."""
        raise NotImplementedError

    def create_table(self, target: Target, columns: Sequence[Column]) -> None:
        """Have Glue know the table a CREATE TABLE AS wrote; `columns` with Trino's types, partition columns last."""
        raise NotImplementedError

    def add_partitions(self, target: Target, values: Sequence[Sequence[str]]) -> None:
        """Have Glue know partitions (those it knows are left as they are); objects lie at `location/key=value/…/`."""
        raise NotImplementedError

    def exists(self, database: str, name: str) -> bool:
        """Whether Glue has a table or view of that name, even one that the caller may not see."""
        raise NotImplementedError

    def check_every_table(self) -> None:
        """Raises QueryFailed where the caller may not see every table of every database. For an engine that asks Glue
        by itself, before what lists them all (information_schema)."""
        raise NotImplementedError

    def check_adding_partitions(self, target: Target) -> None:
        """Raises QueryFailed where the caller may not add partitions to the target's table. For an engine that adds
        them by itself. Needs glue:BatchCreatePartition."""
        raise NotImplementedError
