"""CREATE TABLE AS and INSERT INTO on DuckDB: Parquet and JSON objects, and Glue told of the table and its partitions.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""
from __future__ import annotations

import datetime
import gzip
import json
import math
import os
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local_aws.athena.catalog import Catalog
from local_aws.athena.engine import Column, QueryFailed, Target, Watch, Written
from local_aws.athena.hive_types import from_hive, kept
from local_aws.athena.on_duckdb.expressions import Expr
from local_aws.athena.on_duckdb.grammar import refused
from local_aws.athena.on_duckdb.parquet import named
from local_aws.athena.on_duckdb.types import VARCHAR, coerces, duckdb, words
from local_aws.athena.sql import quoted
from local_aws.athena.text import formatter
from local_aws.athena.types import Type

if TYPE_CHECKING:
    from local_aws.athena.on_duckdb.engine import DuckDbEngine

PARTITIONS = 100  # that one statement may write: https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html
WRITTEN = {"PARQUET": ("GZIP", "SNAPPY", "ZSTD", "NONE"), "JSON": ("GZIP", "NONE")}


def write(engine: DuckDbEngine, target: Target, statement: str, catalog: Catalog, watch: Watch) -> Written:
    """As `Engine.write`."""
    if target.compression not in WRITTEN.get(target.format, ()):
        raise refused(f"writing {target.format} with {target.compression} compression")
    compiler, sql, fields = engine.compiled(statement, catalog)
    if target.create:
        columns = _own(fields, target)
        texts = [f"c{at}" for at in range(len(fields))]
    else:
        columns, texts = _into(compiler, fields, target, catalog)
    if target.format == "JSON":
        for column in columns[:len(columns) - len(target.partitioned_by)]:
            _writable(column.type)
    if target.create and not target.with_data:
        catalog.create_table(target, columns)
        return Written(0, 0, [])
    connection, read = engine.loaded(compiler, sql, catalog, watch)
    try:
        items = ", ".join(f"{text} AS c{at}" for at, text in enumerate(texts))
        rows, files, partitions = _rows(engine, connection, f"SELECT {items} FROM ({sql}) q", columns, target, catalog)
    finally:
        connection.close()
    if target.create:
        catalog.create_table(target, columns)
    if partitions:
        catalog.add_partitions(target, partitions)
    return Written(rows, read, files)


def _own(fields: Sequence[Any], target: Target) -> list[Column]:
    """The columns of a new table, which each need a name and a type."""
    for at, one in enumerate(fields, 1):
        if one.name is None:
            raise QueryFailed("MISSING_COLUMN_NAME", f"line 1:1: Column name not specified at position {at}")
        if one.type.name == "unknown":
            raise QueryFailed("COLUMN_TYPE_UNKNOWN", f"line 1:1: Column type is unknown: {one.name}")
    columns = [Column(one.name.lower(), _kept(one.type)) for one in fields]
    tail = [column.name for column in columns[len(columns) - len(target.partitioned_by):]]
    if tail != [name.lower() for name in target.partitioned_by]:
        raise QueryFailed("HIVE_COLUMN_ORDER_MISMATCH", "Partition keys must be the last columns in the table and in "
                                                        "the "
                                                        "same order as the table properties: "
                                                        f"[{', '.join(target.partitioned_by)}]")
    return columns


def _kept(kind: Type) -> Type:
    if kind.name == "timestamp with time zone":
        raise QueryFailed("NOT_SUPPORTED", f"Unsupported Hive type: {words(kind)}")
    return kept(kind)


def _into(compiler: Any, fields: Sequence[Any], target: Target, catalog: Catalog) -> tuple[list[Column], list[str]]:
    """The columns of the table that an INSERT fills, and the text of each from the query's columns."""
    table = catalog.table(target.database, target.table)
    if table is None:
        raise QueryFailed("TABLE_NOT_FOUND", f"line 1:1: Table 'awsdatacatalog.{target.database}.{target.table}' "
                                             f"does not "
                                             "exist")
    own = [(column.name.lower(), from_hive(column.type)) for column in (*table.columns, *table.partition_keys)]
    names = target.columns or [name for name, _ in own]
    if len(names) != len(fields):
        raise QueryFailed("TYPE_MISMATCH", f"line 1:1: Insert query has mismatched column types: Table: "
                                           f"[{', '.join(str(kind) for name, kind in own if name in names)}], Query: "
                                           f"[{', '.join(words(one.type) for one in fields)}]")
    columns, texts = [], []
    for name, kind in own:
        wanted = kind
        if name in names:
            at = names.index(name)
            given = fields[at].type
            if not coerces(_plain(given), _plain(wanted)):
                raise QueryFailed("TYPE_MISMATCH", "line 1:1: Insert query has mismatched column types: Table: "
                                                   f"[{', '.join(str(k) for n, k in own if n in names)}], Query: "
                                                   f"[{', '.join(words(one.type) for one in fields)}]")
            texts.append(compiler.coerced(Expr(f"c{at}", given), wanted).sql)
        else:
            texts.append(f"CAST(NULL AS {duckdb(wanted)})")
        columns.append(Column(name, kind))
    return columns, texts


def _plain(kind: Type) -> Type:
    """Without a text's length, which an INSERT does not mind."""
    return VARCHAR if kind.name == "varchar" else Type(kind.name, kind.numbers, tuple(map(_plain, kind.inner)),
                                                       kind.fields)


def _rows(engine: DuckDbEngine, connection: Any, sql: str, columns: list[Column], target: Target,
          catalog: Catalog) -> tuple[int, list[str], list[list[str]]]:
    from local_aws.athena.on_duckdb.engine import translated

    translated(connection.execute, f"CREATE TEMP TABLE written AS {sql}")
    total = connection.execute("SELECT count(*) FROM written").fetchone()[0]
    keys = len(target.partitioned_by)
    data = columns[:len(columns) - keys]
    if not keys:
        files = [_object(engine, connection, "TRUE", {}, data, target, catalog, target.location)] if total else []
        return total, files, []
    own = [f"c{at}" for at in range(len(data), len(columns))]
    groups = connection.execute(f"SELECT DISTINCT {', '.join(own)} FROM written ORDER BY ALL").fetchall()
    if len(groups) > PARTITIONS:
        raise QueryFailed("HIVE_TOO_MANY_OPEN_PARTITIONS", f"Exceeded limit of {PARTITIONS} open writers for "
                                                           "partitions/buckets.")
    files, partitions = [], []
    for group in groups:
        condition = " AND ".join(f"{key} IS NOT DISTINCT FROM ${key}" for key in own)
        shown = [_value(value, column.type) for value, column in zip(group, columns[len(data):], strict=True)]
        place = "".join(f"{quote(column.name)}={quote(value, safe='-_.~ ')}/"
                        for column, value in zip(columns[len(data):], shown, strict=True))
        files.append(_object(engine, connection, condition, dict(zip(own, group, strict=True)), data, target, catalog,
                             target.location + place))
        partitions.append(shown)
    return total, files, partitions


def _value(value: Any, kind: Type) -> str:
    return "__HIVE_DEFAULT_PARTITION__" if value is None else formatter(kind)(value) or ""


def _object(engine: DuckDbEngine, connection: Any, condition: str, given: dict[str, Any], data: list[Column],
            target: Target, catalog: Catalog, place: str) -> str:
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d_%H%M%S")
    name = f"{stamp}_{uuid.uuid4().hex[:10]}"
    if target.format == "PARQUET":
        path = str(engine.folder / f"{name}.parquet")
        items = ", ".join(f"{named(f'c{at}', column.type)} AS {quoted(column.name)}"
                          for at, column in enumerate(data))
        codec = {"NONE": "UNCOMPRESSED", "ZSTD": f"ZSTD, COMPRESSION_LEVEL {target.level}"}.get(
            target.compression, target.compression)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE object_rows AS SELECT * FROM written WHERE "
                           f"{condition}", given)
        connection.execute(f"COPY (SELECT {items} FROM object_rows) TO '{path}' (FORMAT parquet, COMPRESSION {codec})")
        with open(path, "rb") as file:
            body = file.read()
        os.remove(path)
    else:
        from local_aws.athena.on_duckdb.engine import shape

        kinds = [column.type for column in data]
        shapes = [shape(kind) for kind in kinds]
        lines = []
        rows = connection.execute(f"SELECT {', '.join(f'c{at}' for at in range(len(data)))} FROM written WHERE "
                                  f"{condition}",
                                  given)
        while batch := rows.fetchmany(2000):
            for row in batch:
                lines.append(json.dumps({column.name: _json(form(value) if form and value is not None else value, kind)
                                         for column, kind, form, value in zip(data, kinds, shapes, row, strict=True)},
                                        ensure_ascii=False, separators=(",", ":")))
        body = "".join(line + "\n" for line in lines).encode()
        if target.compression == "GZIP":
            body, name = gzip.compress(body), name + ".gz"
    catalog.put(place + name, body)
    return place + name


def _writable(kind: Type) -> None:
    """Raises NotVerified, before anything is written, for a type that JSON is not verified to be written of."""
    if kind.name in ("decimal", "varbinary"):
        raise refused(f"writing {kind} as JSON")
    for inner in kind.inner:
        _writable(inner)


def _json(value: Any, kind: Type) -> Any:
    """A value as Trino's Hive JSON writer has it."""
    if value is None or kind.name in ("boolean", "tinyint", "smallint", "integer", "bigint", "varchar"):
        return value
    if kind.name == "array":
        return [_json(item, kind.inner[0]) for item in value]
    if kind.name == "map":
        return {str(key): _json(item, kind.inner[1]) for key, item in value}
    if kind.name == "row":
        return {name or f"field{at}": _json(item, inner)
                for at, (name, inner, item) in enumerate(zip(kind.fields, kind.inner, value, strict=True))}
    if kind.name == "double" and math.isfinite(value):
        return value
    return formatter(kind)(value)

