"""Reading Parquet as Trino does: an object's footer, then the chunks of the columns that the query touches, no more.

What is fetched is put at its place in a sparse file, which DuckDB then reads; a byte that was not fetched is never
looked at. https://parquet.apache.org/docs/file-format/
"""
from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from local_aws.athena.catalog import Catalog, Object, Partition
from local_aws.athena.engine import QueryFailed, Watch
from local_aws.athena.on_duckdb.coercion import duckdb as held_as
from local_aws.athena.on_duckdb.model import Scan
from local_aws.athena.sql import quoted
from local_aws.athena.types import Type

FOOTER = 48 * 1024  # what Trino reads of an object's end before it knows how long the footer is
_READ_AS = {  # the types of an object's column that Trino reads as the table's
    "tinyint": "TINYINT SMALLINT INTEGER BIGINT", "smallint": "TINYINT SMALLINT INTEGER BIGINT",
    "integer": "TINYINT SMALLINT INTEGER", "bigint": "TINYINT SMALLINT INTEGER BIGINT", "double": "FLOAT DOUBLE",
    "varchar": "VARCHAR", "boolean": "BOOLEAN", "date": "DATE"}
Columns = Sequence[tuple[int, str, Type]]  # each with its place in the table


def load(connection: duckdb.DuckDBPyConnection, scan: Scan, parts: Sequence[Partition], catalog: Catalog, watch: Watch,
         read: int, folder: Path) -> int:
    """Fill the scan's table from Parquet objects; `read` is how many bytes the query has read so far, and so is what
    it gives. Raises QueryFailed HIVE_BAD_DATA for an object that is none, or has a column of another type."""
    keys = len(scan.table.partition_keys)
    data = [(at, name, kind) for at, (name, kind, key) in enumerate(scan.columns) if not key and at in scan.used]
    for part in parts:
        fixed = {at: part.values.get(scan.columns[at][0])
                 for at in range(len(scan.columns) - keys, len(scan.columns))}
        for one in catalog.objects(part):
            if one.size:
                path = folder / f"{uuid.uuid4().hex}.parquet"
                try:
                    read = _fetch(connection, data, one, catalog, watch, read, path)
                    _insert(connection, scan, data, fixed, one, path)
                finally:
                    path.unlink(missing_ok=True)
    return read


def _malformed(name: str, why: str) -> QueryFailed:
    return QueryFailed("HIVE_BAD_DATA", f"Malformed Parquet file. {why} [{name}]")


def _fetch(connection: duckdb.DuckDBPyConnection, data: Columns, one: Object, catalog: Catalog, watch: Watch,
           read: int, path: Path) -> int:
    """Put an object's footer and the columns' chunks at their places in a file; gives the bytes read by then."""
    name = f"s3://{one.bucket}/{one.key}"
    start = max(0, one.size - FOOTER)
    watch.read(read + one.size - start)
    tail = catalog.read(one, start, one.size)
    read += len(tail)
    if one.size < 12:
        raise _malformed(name, f"{name} is not a valid Parquet File")
    if tail[-4:] != b"PAR1":
        raise _malformed(name, f"Expected magic number: PAR1 got: {tail[-4:].decode('latin-1')}")
    (length,) = struct.unpack("<i", tail[-8:-4])
    if one.size - 8 - length < 4:
        raise _malformed(name, f"Metadata index: {one.size - 8 - length} out of range")
    if length + 8 > len(tail):
        begin = max(0, one.size - length - 8)
        more = catalog.read(one, begin, start)
        read += len(more)
        tail, start = more + tail, begin
    with open(path, "wb") as file:
        file.truncate(one.size)
        file.write(b"PAR1")
        file.seek(start)
        file.write(tail)
        file.flush()
        chunks = connection.execute(
            "SELECT path_in_schema, least(data_page_offset, CASE WHEN dictionary_page_offset > 0 THEN "
            "dictionary_page_offset ELSE data_page_offset END), total_compressed_size FROM parquet_metadata(?)",
            [str(path)]).fetchall()
        wanted = {column.lower() for _, column, _ in data}
        for column, at, size in chunks:
            if column.split(", ")[0].split(".")[0].lower() in wanted:
                watch.read(read + size)
                file.seek(at)
                file.write(catalog.read(one, at, at + size))
                read += size
    return read


def _insert(connection: duckdb.DuckDBPyConnection, scan: Scan, data: Columns, fixed: Mapping[int, str | None],
            one: Object, path: Path) -> None:
    """Add the rows of a file to the scan's table; a column that the file lacks is null."""
    there = {column.lower(): (column, kind) for column, kind, *_ in connection.execute(
        "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))", [str(path)]).fetchall()}
    texts = {at: f"CAST($k{at} AS {held_as(scan.columns[at][1])})" for at in fixed}
    for at, column, kind in data:
        if column in there:
            own, given = there[column]
            _check(one, column, kind, given)
            texts[at] = f"CAST({quoted(own)} AS {held_as(kind)})"
    items = ", ".join(texts.get(at, "NULL") for at in range(len(scan.columns)))
    connection.execute(f"INSERT INTO {scan.name} SELECT {items} FROM read_parquet($path)",
                       {"path": str(path), **{f"k{at}": value for at, value in fixed.items()}})


def _check(one: Object, column: str, kind: Type, given: str) -> None:
    """Fail where Trino does not read the object's type as the table's."""
    fits = given.endswith("[]") if kind.name == "array" else given.startswith(kind.name.upper()) \
        if kind.name in ("decimal", "timestamp") else given in _READ_AS.get(kind.name, "").split()
    if not fits:
        raise QueryFailed("HIVE_BAD_DATA", f"Field {column}'s type {given} in parquet file s3://{one.bucket}/{one.key} "
                                           f"is incompatible with type {kind.name} defined in table schema", 1)
