"""Reading Parquet as Trino does: an object's footer, then the chunks of the columns that the query touches, no more.

What is fetched is put at its place in a sparse file, which DuckDB then reads; a byte that was not fetched is never
looked at. https://parquet.apache.org/docs/file-format/
"""
from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Callable
from typing import Any

import duckdb

from local_aws.athena.catalog import Catalog, Object, Partition
from local_aws.athena.engine import QueryFailed, Watch
from local_aws.athena.on_duckdb.types import INTEGERS
from local_aws.athena.on_duckdb.types import duckdb as held_as
from local_aws.athena.sql import quoted
from local_aws.athena.types import Type

FOOTER = 48 * 1024  # what Trino reads of an object's end before it knows how long the footer is
_WIDER = {"tinyint": "TINYINT SMALLINT INTEGER BIGINT", "smallint": "TINYINT SMALLINT INTEGER BIGINT",
          "integer": "TINYINT SMALLINT INTEGER", "bigint": "TINYINT SMALLINT INTEGER BIGINT", "real": "FLOAT",
          "double": "FLOAT DOUBLE", "varchar": "VARCHAR", "varbinary": "BLOB", "boolean": "BOOLEAN", "date": "DATE"}


def load(connection: duckdb.DuckDBPyConnection, scan: Any, parts: list[Partition], catalog: Catalog, watch: Watch,
         read: int, folder: Callable[[], str]) -> int:
    """Fill the scan's table from Parquet objects; gives the bytes read so far."""
    keys = len(scan.table.partition_keys)
    data = [(at, name, kind) for at, (name, kind, key) in enumerate(scan.columns) if not key and at in scan.used]
    for part in parts:
        fixed = {at: part.values.get(scan.columns[at][0])
                 for at in range(len(scan.columns) - keys, len(scan.columns))}
        for thing in catalog.objects(part):
            if thing.size:
                path = os.path.join(folder(), f"{uuid.uuid4().hex}.parquet")
                try:
                    read = _object(connection, scan, data, fixed, thing, catalog, watch, read, path)
                finally:
                    if os.path.exists(path):
                        os.remove(path)
    return read


def _malformed(name: str, why: str) -> QueryFailed:
    return QueryFailed("HIVE_BAD_DATA", f"Malformed Parquet file. {why} [{name}]")


def _object(connection: duckdb.DuckDBPyConnection, scan: Any, data: list[tuple[int, str, Type]], fixed: dict[int, Any],
            thing: Object, catalog: Catalog, watch: Watch, read: int, path: str) -> int:
    name = f"s3://{thing.bucket}/{thing.key}"
    start = max(0, thing.size - FOOTER)
    watch.read(read + thing.size - start)
    tail = catalog.read(thing, start, thing.size)
    read += len(tail)
    if thing.size < 12:
        raise _malformed(name, f"{name} is not a valid Parquet File")
    if tail[-4:] != b"PAR1":
        raise _malformed(name, f"Expected magic number: PAR1 got: {tail[-4:].decode('latin-1')}")
    (length,) = struct.unpack("<i", tail[-8:-4])
    if thing.size - 8 - length < 4:
        raise _malformed(name, f"Metadata index: {thing.size - 8 - length} out of range")
    if length + 8 > len(tail):
        begin = max(0, thing.size - length - 8)
        more = catalog.read(thing, begin, start)
        read += len(more)
        tail, start = more + tail, begin
    with open(path, "wb") as file:
        file.truncate(thing.size)
        file.write(b"PAR1")
        file.seek(start)
        file.write(tail)
        file.flush()
        chunks = connection.execute(
            "SELECT path_in_schema, least(data_page_offset, CASE WHEN dictionary_page_offset > 0 THEN "
            "dictionary_page_offset ELSE data_page_offset END), total_compressed_size FROM parquet_metadata(?)",
            [path]).fetchall()
        wanted = {name_.lower() for _, name_, _ in data}
        for column, at, size in chunks:
            if column.split(", ")[0].split(".")[0].lower() in wanted:
                watch.read(read + size)
                file.seek(at)
                file.write(catalog.read(thing, at, at + size))
                read += size
    there = {column.lower(): (column, kind) for column, kind, *_ in connection.execute(
        "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))", [path]).fetchall()}
    texts = {at: f"CAST(${'k' + str(at)} AS {held_as(scan.columns[at][1])})" for at in fixed}
    for at, column, kind in data:
        if column in there:
            own, given = there[column]
            _check(name, column, kind, given)
            texts[at] = f"CAST({positional(quoted(own), kind)} AS {held_as(kind)})"
    items = ", ".join(texts.get(at, "NULL") for at in range(len(scan.columns)))
    connection.execute(f"INSERT INTO {scan.name} SELECT {items} FROM read_parquet($path)",
                       {"path": path, **{f"k{at}": value for at, value in fixed.items()}})
    return read


def _check(name: str, column: str, kind: Type, given: str) -> None:
    """Fail where Trino does not read the object's type as the table's."""
    fits = given in _WIDER[kind.name].split() if kind.name in _WIDER else \
        given.startswith("DECIMAL") if kind.name == "decimal" else given.startswith("TIMESTAMP") \
        if kind.name.startswith("timestamp") else given.endswith("[]") if kind.name == "array" else \
        given.startswith({"map": "MAP", "row": "STRUCT"}.get(kind.name, "?"))
    if not fits:
        raise QueryFailed("HIVE_BAD_DATA", f"Field {column}'s type {given} in parquet file {name} is incompatible with "
                                           f"type {kind.name} defined in table schema", 1)


def positional(sql: str, kind: Type) -> str:
    """A value of named fields, as one whose fields are f1, f2, …"""
    return _fields(sql, kind, lambda at, name: (f"f{at}", quoted(name or f"field{at - 1}")))


def named(sql: str, kind: Type) -> str:
    """A value whose fields are f1, f2, … with the type's own names, for an object to hold."""
    return _fields(sql, kind, lambda at, name: (quoted(name or f"field{at - 1}"), f"f{at}"))


def _fields(sql: str, kind: Type, names: Callable[[int, str | None], tuple[str, str]], depth: int = 0) -> str:
    if not _has_row(kind):
        return sql
    if kind.name == "row":
        parts = []
        for at, (name, inner) in enumerate(zip(kind.fields, kind.inner, strict=True), 1):
            new, old = names(at, name)
            parts.append(f"{new} := {_fields(f'({sql}).{old}', inner, names, depth)}")
        return f"(CASE WHEN {sql} IS NULL THEN NULL ELSE struct_pack({', '.join(parts)}) END)"
    one = f"e{depth}"
    if kind.name == "array":
        return f"list_transform({sql}, lambda {one}: {_fields(one, kind.inner[0], names, depth + 1)})"
    keys = f"map_keys({sql})"
    values = f"list_transform(map_values({sql}), lambda {one}: {_fields(one, kind.inner[1], names, depth + 1)})"
    return f"(CASE WHEN {sql} IS NULL THEN NULL ELSE map({keys}, {values}) END)"


def _has_row(kind: Type) -> bool:
    return kind.name == "row" or any(map(_has_row, kind.inner))


__all__ = ["INTEGERS", "load", "named", "positional"]
