"""Reading a table's objects: which partitions, which bytes, and what Trino makes of them.

JSON is read as Trino's Hive JSON SerDe reads it (org.apache.hive.hcatalog.data.JsonSerDe). DuckDB's own reader takes
the lines that both are sure to read alike; any other line is read here, value by value, and fails where Trino fails.
"""
from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import duckdb

from local_aws.athena.catalog import Catalog, Object, Partition, Table
from local_aws.athena.exchange import NotVerified, QueryFailed, Watch
from local_aws.athena.gunzip import Broken, gunzip
from local_aws.athena.hive_json import row_of
from local_aws.athena.on_duckdb import parquet
from local_aws.athena.on_duckdb.coercion import duckdb as held_as
from local_aws.athena.on_duckdb.model import Scan, text
from local_aws.athena.types import Type

HIVE_JSON = "org.apache.hive.hcatalog.data.JsonSerDe"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
Given = dict[str, Sequence[object]]  # the parameters of a text of DuckDB's
BATCH = 8_000_000  # characters of text handed to DuckDB at once
AHEAD = 4  # objects that are fetched and decompressed while DuckDB reads those before
OPENED = 1024  # bytes of text that Trino reads to open an object: it tells an earlier end as one of opening it
COMPRESSED = ("bz2", "zst", "lz4", "snappy", "deflate", "lzo", "lz4_raw")  # names' ends of what is not verified


def partitions(connection: duckdb.DuckDBPyConnection, scan: Scan, catalog: Catalog) -> list[Partition]:
    """The partitions that the query's conditions leave, before anything is listed."""
    found = list(catalog.partitions(scan.table, scan.equal))
    if not scan.prune or not scan.table.partition_keys:
        return found
    first = len(scan.columns) - len(scan.table.partition_keys)
    keys = [(f"k{at}", name, kind) for at, (name, kind, _) in enumerate(scan.columns) if at >= first]
    own = f"prune_{scan.alias}"
    connection.execute(f"CREATE TEMP TABLE {own} (n INTEGER, {', '.join(f'{k} {held_as(t)}' for k, _, t in keys)})")
    if found:
        connection.execute(
            f"INSERT INTO {own} SELECT unnest($n), "
            f"{', '.join(f'CAST(unnest(${k}) AS {held_as(t)})' for k, _, t in keys)}",
            {"n": list(range(len(found))),
             **{k: [_key(part.values.get(name)) for part in found] for k, name, _ in keys}})
    conditions = " AND ".join(one.sql for one in scan.prune)
    left = connection.execute(f"SELECT n FROM {own} p WHERE {conditions} ORDER BY n").fetchall()
    connection.execute(f"DROP TABLE {own}")
    return [found[n] for (n,) in left]


def _key(value: str | None) -> str | None:
    return None if value == "__HIVE_DEFAULT_PARTITION__" else value


def check(table: Table) -> None:
    """Refuse a table that `load` does not read as Athena does, before anything is read."""
    if table.serde not in (HIVE_JSON, PARQUET):
        raise NotVerified(f"the format of the table {table.name} ({table.serde.rpartition('.')[2]})")


def load(connection: duckdb.DuckDBPyConnection, scan: Scan, catalog: Catalog, watch: Watch, read: int,
         folder: Path) -> int:
    """Fill the scan's table. `read` is how many bytes the query has read so far, `folder` where files of DuckDB's may
    lie for a moment; gives how many it has read then. Raises QueryFailed as Trino does, Cancelled, NotVerified."""
    columns = ", ".join(f"c{at} {held_as(kind)}" for at, (_, kind, _) in enumerate(scan.columns))
    connection.execute(f"CREATE TEMP TABLE {scan.name} ({columns})")
    left = partitions(connection, scan, catalog)
    if scan.table.serde == PARQUET:
        return parquet.load(connection, scan, left, catalog, watch, read, folder)
    reader = JsonReader(connection, scan)
    with ThreadPoolExecutor(AHEAD) as pool:
        coming: deque[tuple[Partition, Object, Future[str]]] = deque()
        try:
            for part in left:
                for one in catalog.objects(part):
                    if one.size:
                        coming.append((part, one, pool.submit(_fetched, catalog, one)))
                    if len(coming) > AHEAD:
                        read = _next(coming, reader, watch, read)
            while coming:
                read = _next(coming, reader, watch, read)
        finally:
            for _, _, future in coming:
                future.cancel()
    reader.flush()
    return read


def _fetched(catalog: Catalog, one: Object) -> str:
    return text_of(one, catalog.read(one)).decode("utf-8", "surrogateescape")


def _next(coming: deque[tuple[Partition, Object, Future[str]]], reader: JsonReader, watch: Watch, read: int) -> int:
    part, one, future = coming.popleft()
    watch.read(read + one.size)
    reader.add(part, one, future.result())
    return read + one.size


def name_of(one: Object) -> str:
    """The object's URL, as Trino's messages name it."""
    return f"s3://{one.bucket}/{one.key}"


def text_of(one: Object, body: bytes) -> bytes:
    """The object's text, decompressed by its name as Hadoop does. Raises QueryFailed as Trino does where it is broken,
    NotVerified where it is compressed in another way than gzip's."""
    suffix = one.key.rpartition("/")[2].rpartition(".")[2]
    if suffix in COMPRESSED:
        raise NotVerified(f"an object compressed as .{suffix}")
    if suffix != "gz":
        return body
    try:
        return gunzip(body)
    except Broken as broken:
        if broken.came >= OPENED:
            raise QueryFailed("HIVE_CURSOR_ERROR", f"Failed to read file at {name_of(one)}") from None
        raise QueryFailed("HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {name_of(one)} (offset=0, "
                                                    f"length={one.size}): {broken.message}") from None


class JsonReader:
    """Reads the lines of a table's objects into its scan's table."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, scan: Scan):
        self.connection, self.scan = connection, scan
        self.data = [(at, name, kind) for at, (name, kind, key) in enumerate(scan.columns) if not key and
                     at in scan.used]
        self.by_name = {name: (at, kind) for at, name, kind in self.data}
        self.every = {name: at for at, (name, _, key) in enumerate(scan.columns) if not key}
        self.lines: list[str] = []
        self.where: list[tuple[int, Object]] = []  # first line of each object in `lines`
        self.parts: list[Partition] = []  # those met so far
        self.place: list[int] = []  # of each line: its partition's place in `parts`, counted from 1
        self.size = 0

    def add(self, part: Partition, one: Object, body: str) -> None:
        """Take an object's text, whose lines end with LF, CRLF or CR, as Hadoop's do. Where many wait they are read."""
        if self.size > BATCH:
            self.flush()
        if not self.parts or part is not self.parts[-1]:
            self.parts.append(part)
        body = body.removeprefix("\ufeff")
        lines: Sequence[str] = re.split(r"\r\n|\n|\r", body) if "\r" in body else body.split("\n")
        if lines and lines[-1] == "":
            lines = lines[:-1]
        self.where.append((len(self.lines), one))
        self.lines.extend(lines)
        self.place.extend([len(self.parts)] * len(lines))
        self.size += len(body)

    def flush(self) -> None:
        """Read all lines that wait. Raises QueryFailed HIVE_CURSOR_ERROR, with the object's name, as Trino does."""
        if self.lines:
            keys: Given = {f"c{at}": [_key(part.values.get(name)) for part in self.parts]
                    for at, (name, _, key) in enumerate(self.scan.columns) if key}
            fixed = {name: f"CAST(list_extract(${name}, part) AS {held_as(self.scan.columns[int(name[1:])][1])})"
                     for name in keys}
            if not self.data:
                self.connection.execute(f"INSERT INTO {self.scan.name} SELECT {self._items(fixed)} FROM (SELECT "
                                        "unnest($part) AS part)", {"part": self.place, **keys})
            else:
                self._read(fixed, keys)
        self.lines, self.where, self.place, self.size = [], [], [], 0
        self.parts = self.parts[-1:]

    def _items(self, texts: dict[str, str]) -> str:
        return ", ".join(texts.get(f"c{at}", "NULL") for at in range(len(self.scan.columns)))

    def _read(self, fixed: dict[str, str], keys: Given) -> None:
        """Have DuckDB read the lines that it reads alike, and read the others here; the rows keep the lines' order."""
        lines = self.lines
        broken = [at for at, line in enumerate(lines) if not line.isascii() and re.search("[\ud800-\udfff]", line)]
        if broken:
            lines = list(lines)
            for at in broken:
                lines[at] = ""
        run = self.connection.execute
        run("CREATE OR REPLACE TEMP TABLE json_shapes AS SELECT n, part, l, CASE WHEN NOT "
            f"regexp_matches(l, {_LENIENT}) THEN "
            " TRY(json_structure(l)) || ' ' || len(TRY(json_keys(l))) END AS shape "
            "FROM (SELECT unnest($n) AS n, unnest($part) AS part, unnest($l) AS l)",
            {"n": list(range(len(lines))), "part": self.place, "l": lines})
        shapes = [shape for (shape,) in run("SELECT DISTINCT shape FROM json_shapes").fetchall()]
        good = [shape for shape in shapes if shape is not None and self._alike(shape)]
        alike = "coalesce(list_contains($good, shape), FALSE)"
        odd = [] if len(good) == len(shapes) else [
            n for (n,) in run(f"SELECT n FROM json_shapes WHERE NOT {alike} ORDER BY n", {"good": good}).fetchall()]
        try:
            self._fast("json_shapes" if not odd else f"(SELECT * FROM json_shapes WHERE {alike})",
                       {**keys, **({"good": good} if odd else {})}, fixed, bool(odd))
        except (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException):
            odd = list(range(len(lines)))  # a number out of its type's range, for one
            self._fast("(SELECT * FROM json_shapes LIMIT 0)", keys, fixed, True)
        if odd:
            self._slow(odd, fixed, keys)
            run(f"INSERT INTO {self.scan.name} SELECT * EXCLUDE (line) FROM json_rows ORDER BY line")

    def _fast(self, source: str, given: Given, fixed: dict[str, str], staged: bool) -> None:
        """Read lines with DuckDB: into the scan's table or, for others to come between them, into `json_rows`."""
        structure = json.dumps({name: _structure(kind) for _, name, kind in self.data})
        texts = {f"c{at}": _value(f"struct_extract(j, {text(name)})", kind) for at, name, kind in self.data}
        items = self._items({**texts, **fixed})
        query = f"{items} FROM (SELECT n, part, from_json(l, {text(structure)}) AS j FROM {source})"
        if staged:
            self.connection.execute("CREATE OR REPLACE TEMP TABLE json_rows AS SELECT CAST(0 AS BIGINT) AS line, * "
                                    f"FROM {self.scan.name} LIMIT 0")
        self.connection.execute(f"INSERT INTO json_rows SELECT n, {query}" if staged else
                                f"INSERT INTO {self.scan.name} SELECT {query}", given)

    def _alike(self, shape: str) -> bool:
        """Whether DuckDB reads a line of this structure, with its number of keys, as Trino does."""
        structure, _, count = shape.rpartition(" ")
        if not structure.startswith("{"):
            return False
        keys = json.loads(structure)
        if int(count) != len(keys):
            return False  # a key twice
        for key, value in keys.items():
            low = key.lower()
            if low in self.every and low != key or key.startswith("_col") or not key.isascii():
                return False
            if key in self.by_name and not _fits(self.by_name[key][1], value):
                return False
        return True

    def _slow(self, numbers: list[int], fixed: dict[str, str], keys: Given) -> None:
        rows, kinds = [], {at: kind for at, _, kind in self.data}
        for number in numbers:
            where = next(one for first, one in reversed(self.where) if first <= number)
            try:
                rows.append(row_of(self.lines[number], self.every, kinds))
            except (ValueError, ArithmeticError, RecursionError):
                raise QueryFailed("HIVE_CURSOR_ERROR", f"Failed to read file at {name_of(where)}") from None
        for start in range(0, len(rows), 1000):
            batch = rows[start:start + 1000]
            given = {f"v{at}": [row[at] for row in batch] for at, _, _ in self.data}
            given["n"] = numbers[start:start + 1000]
            given["part"] = [self.place[number] for number in given["n"]]
            values = ", ".join(f"unnest($v{at}) AS v{at}" for at, _, _ in self.data)
            texts = {f"c{at}": f"CAST(v{at} AS {held_as(kind)})" for at, _, kind in self.data}
            self.connection.execute(f"INSERT INTO json_rows SELECT n, {self._items({**texts, **fixed})} FROM "
                                    f"(SELECT unnest($n) AS n, unnest($part) AS part, {values})", {**given, **keys})


# What DuckDB's reader takes and JSON is not: a comma before a bracket, NaN and Infinity. In a text it only costs time.
_LENIENT = r"""',\s*[]}]|[:,[]\s*[-+]?(?:[nN][aA]|[iI][nN])'"""


def _structure(kind: Type) -> object:
    """What DuckDB's from_json is to make of a column's JSON."""
    if kind.name == "array":
        return [_structure(kind.inner[0])]
    return "HUGEINT" if kind.name == "bigint" else held_as(kind) if kind.name in ("double", "boolean") else "VARCHAR"


def _value(sql: str, kind: Type) -> str:
    return sql if kind.name in ("varchar", "array") else f"CAST({sql} AS {held_as(kind)})"


def _fits(kind: Type, shape: object) -> bool:
    """Whether DuckDB reads JSON of this structure into the type as Trino does."""
    if kind.name == "array" and isinstance(shape, list):
        return _fits(kind.inner[0], shape[0])
    alike = {"varchar": ("VARCHAR",), "boolean": ("BOOLEAN",), "double": ("DOUBLE", "BIGINT", "UBIGINT"),
             "bigint": ("BIGINT", "UBIGINT")}  # one too large fails the cast, and is read again value by value
    return shape == "NULL" or shape in alike.get(kind.name, ()) and not kind.numbers
