"""CREATE TABLE AS and INSERT INTO on DuckDB: Parquet objects, and Glue told of the table and its partitions.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""
from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import duckdb

from local_aws.athena.catalog import Catalog
from local_aws.athena.exchange import Column, NotVerified, QueryFailed, Target
from local_aws.athena.hive_types import from_hive, kept
from local_aws.athena.on_duckdb import errors
from local_aws.athena.on_duckdb.coercion import ZONED, coerces
from local_aws.athena.on_duckdb.model import Expr, Field, Relation, coerced, null
from local_aws.athena.sql import quoted
from local_aws.athena.text import formatter
from local_aws.athena.types import VARCHAR, Type

PARTITIONS = 100  # that one statement may write: https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html
COMPRESSIONS = ("GZIP", "SNAPPY", "ZSTD", "NONE")


def check(target: Target) -> None:
    """Refuse a format and compression that are not verified to be written as Athena does."""
    if target.format != "PARQUET" or target.compression not in COMPRESSIONS:
        raise NotVerified(f"writing {target.format} with {target.compression} compression")


def prepared(relation: Relation, target: Target, catalog: Catalog) -> tuple[list[Column], str]:
    """The columns of the table that a query fills, and the query that gives just them as c0, c1, … Raises QueryFailed
    where they do not fit."""
    columns, texts = _own(relation.fields, target) if target.create else _into(relation.fields, target, catalog)
    items = ", ".join(f"{text} AS c{at}" for at, text in enumerate(texts))
    return columns, f"SELECT {items} FROM ({relation.sql}) q"


def _zoned(kind: Type) -> bool:
    return kind.name == ZONED.name or any(map(_zoned, kind.inner))


def _own(fields: Sequence[Field], target: Target) -> tuple[list[Column], list[str]]:
    """The columns of a new table, which each need a name and a type, and the text of each."""
    columns = []
    for at, one in enumerate(fields, 1):
        if one.name is None:
            raise QueryFailed("MISSING_COLUMN_NAME", f"line 1:1: Column name not specified at position {at}")
        if one.value.type.name == "unknown":
            raise QueryFailed("COLUMN_TYPE_UNKNOWN", f"line 1:1: Column type is unknown: {one.name}")
        if _zoned(one.value.type):
            raise QueryFailed("NOT_SUPPORTED", f"Unsupported Hive type: {one.value.type}")
        columns.append(Column(one.name.lower(), kept(one.value.type)))
    tail = [column.name for column in columns[len(columns) - len(target.partitioned_by):]]
    if tail != [name.lower() for name in target.partitioned_by]:
        raise QueryFailed("HIVE_COLUMN_ORDER_MISMATCH", "Partition keys must be the last columns in the table and in "
                          f"the same order as the table properties: [{', '.join(target.partitioned_by)}]")
    return columns, [f"c{at}" for at in range(len(fields))]


def _into(fields: Sequence[Field], target: Target, catalog: Catalog) -> tuple[list[Column], list[str]]:
    """The columns of the table that an INSERT fills, and the text of each from the query's columns."""
    table = catalog.table(target.database, target.table)
    if table is None:
        raise QueryFailed("TABLE_NOT_FOUND", f"line 1:1: Table 'awsdatacatalog.{target.database}.{target.table}' does "
                                             "not exist")
    columns = [Column(column.name.lower(), from_hive(column.type))
               for column in (*table.columns, *table.partition_keys)]
    names = target.columns or [column.name for column in columns]
    filled = [column for column in columns if column.name in names]
    mismatch = QueryFailed("TYPE_MISMATCH", "line 1:1: Insert query has mismatched column types: Table: "
                           f"[{', '.join(str(column.type) for column in filled)}], Query: "
                           f"[{', '.join(str(one.value.type) for one in fields)}]")
    if len(names) != len(fields):
        raise mismatch
    texts = {column.name: null(column.type) for column in columns if column not in filled}
    for column in filled:
        at = names.index(column.name)
        given = fields[at].value.type
        if not coerces(_plain(given), _plain(column.type)):
            raise mismatch
        texts[column.name] = coerced(Expr(f"c{at}", given), column.type).sql
    return columns, [texts[column.name] for column in columns]


def _plain(kind: Type) -> Type:
    """Without a text's length, which an INSERT does not mind."""
    return VARCHAR if kind.name == "varchar" else Type(kind.name, kind.numbers, tuple(map(_plain, kind.inner)),
                                                       kind.fields)


def write(connection: duckdb.DuckDBPyConnection, query: str, columns: list[Column], target: Target, catalog: Catalog,
          folder: Path) -> tuple[int, list[str]]:
    """Write a prepared query's rows, and have Glue know the table and its partitions. `folder` is where files of
    DuckDB's may lie for a moment. Gives how many rows, and the objects' URLs."""
    errors.translated(lambda: connection.execute(f"CREATE TEMP TABLE written AS {query}"))
    total = connection.execute("SELECT count(*) FROM written").fetchall()[0][0]
    first_key = len(columns) - len(target.partitioned_by)
    data, keys = columns[:first_key], columns[first_key:]
    own = [f"c{at}" for at in range(len(data), len(columns))]
    groups = connection.execute(f"SELECT DISTINCT {', '.join(own)} FROM written ORDER BY ALL").fetchall() \
        if keys else [()] if total else []
    if len(groups) > PARTITIONS:
        raise QueryFailed("HIVE_TOO_MANY_OPEN_PARTITIONS", f"Exceeded limit of {PARTITIONS} open writers for "
                                                           "partitions/buckets.")
    files, partitions = [], []
    for group in groups:
        condition = " AND ".join(f"{key} IS NOT DISTINCT FROM ${key}" for key in own) or "TRUE"
        values = ["__HIVE_DEFAULT_PARTITION__" if value is None else formatter(column.type)(value) or ""
                  for value, column in zip(group, keys, strict=True)]
        place = "".join(f"{quote(column.name)}={quote(value, safe='-_.~ ')}/"
                        for column, value in zip(keys, values, strict=True))
        connection.execute("CREATE OR REPLACE TEMP TABLE object_rows AS SELECT * FROM written WHERE " + condition,
                           dict(zip(own, group, strict=True)))
        files.append(_object(connection, data, target, catalog, target.location + place, folder))
        partitions.append(values)
    if target.create:
        catalog.create_table(target, columns)
    if keys and partitions:
        catalog.add_partitions(target, partitions)
    return total, files


def _object(connection: duckdb.DuckDBPyConnection, data: Sequence[Column], target: Target, catalog: Catalog,
            place: str, folder: Path) -> str:
    """Write one object of the rows in `object_rows`; gives its URL."""
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d_%H%M%S")
    name = f"{stamp}_{uuid.uuid4().hex[:10]}"
    path = folder / f"{name}.parquet"
    items = ", ".join(f"c{at} AS {quoted(column.name)}" for at, column in enumerate(data))
    codec = {"NONE": "UNCOMPRESSED", "ZSTD": f"ZSTD, COMPRESSION_LEVEL {target.level}"}.get(
        target.compression, target.compression)
    connection.execute(f"COPY (SELECT {items} FROM object_rows) TO '{path}' (FORMAT parquet, COMPRESSION {codec})")
    catalog.put(place + name, path.read_bytes())
    path.unlink()
    return place + name
