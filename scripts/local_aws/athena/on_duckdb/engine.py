"""The local Athena's embedded engine: a query is compiled (`queries`), its objects are read (`scan`), and
DuckDB runs a text in which every construct is one that is verified to answer as Trino does.

DuckDB itself is locked: no file, no extension, no setting can be reached from a query, whose author's words never
reach it in any case.
"""
from __future__ import annotations

import datetime
import logging
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from local_aws.athena.catalog import Catalog
from local_aws.athena.engine import Answer, Column, QueryFailed, Target, Watch, Written
from local_aws.athena.on_duckdb import verified
from local_aws.athena.on_duckdb.expressions import Field
from local_aws.athena.on_duckdb.functions import REGISTRY
from local_aws.athena.on_duckdb.grammar import refused
from local_aws.athena.on_duckdb.macros import statements
from local_aws.athena.on_duckdb.python_functions import FUNCTIONS
from local_aws.athena.on_duckdb.queries import Queries
from local_aws.athena.on_duckdb.scan import load, rows
from local_aws.athena.types import Type

sys.setrecursionlimit(max(sys.getrecursionlimit(), 6000))  # a long sum is as deep as it has terms

_MARK = re.compile(r"\[\[([A-Z_]+)\|(.*?)\]\]", re.DOTALL)
_NATIVE = re.compile(r"\b(py_\w+)\(")


_NULLABLE: dict[int, Callable[[Callable[..., Any]], Callable[..., Any]]] = {  # DuckDB counts the parameters
    1: lambda f: lambda a: None if a is None else f(a),
    2: lambda f: lambda a, b: None if a is None or b is None else f(a, b),
    3: lambda f: lambda a, b, c: None if a is None or b is None or c is None else f(a, b, c),
    4: lambda f: lambda a, b, c, d: None if a is None or b is None or c is None or d is None else f(a, b, c, d),
}


class Database:
    """An instance of DuckDB, locked: no file but those in the engine's own folder, no extension, no setting."""

    def __init__(self, folder: Path, tries: bool):
        self.base = duckdb.connect(":memory:", config={"threads": "2", "temp_directory": str(folder)})
        # Rows keep their order and conditions are evaluated from left to right, as Trino does. Expressions that occur
        # twice are not computed ahead where there is a TRY: DuckDB would take them, and their errors, out of it.
        without = "reorder_filter,common_subexpressions" if tries else "reorder_filter"
        for setting in (f"allowed_directories=['{folder}']", "enable_external_access=false",
                        "autoinstall_known_extensions=false", "autoload_known_extensions=false",
                        "python_enable_replacements=false", "preserve_insertion_order=true",
                        f"disabled_optimizers='{without}'", "TimeZone='UTC'"):
            self.base.execute(f"SET {setting}")
        self.lock, self.known = threading.Lock(), set()
        self._functions(" ".join(statements()))
        for statement in statements():
            self.base.execute(statement)
        self.base.execute("SET lock_configuration=true")

    def connection(self, sql: str) -> duckdb.DuckDBPyConnection:
        """A connection of its own, in which a text can run."""
        self._functions(sql)
        return self.base.cursor()

    def _functions(self, sql: str) -> None:
        """Register the Python functions that a text calls; each costs some milliseconds, so none is without need."""
        needed = set(_NATIVE.findall(sql)) - self.known
        if not needed:
            return
        with self.lock:
            for name in sorted(needed - self.known):
                call, given, result = FUNCTIONS[name]
                self.base.create_function(name, _NULLABLE[len(given)](call), given, result, null_handling="special")
                self.known.add(name)


class DuckDbEngine:
    """Athena's SQL on DuckDB, equal to Trino's answers or refused."""

    name = "duckdb"
    version = duckdb.__version__

    def __init__(self) -> None:
        assert verified.names()
        self.folder = Path(tempfile.mkdtemp(prefix="athena-duckdb-"))
        self.lock = threading.Lock()
        self.databases = {False: Database(self.folder, False)}  # by whether TRY occurs; the other when it is needed

    def database(self, sql: str) -> Database:
        """The database in which a text is to run."""
        tries = "TRY(" in sql
        with self.lock:
            if tries not in self.databases:
                self.databases[tries] = Database(self.folder, tries)
        return self.databases[tries]

    def query(self, statement: str, catalog: Catalog, watch: Watch) -> Answer:
        compiler, sql, fields = self.compiled(statement, catalog)
        connection, read = self.loaded(compiler, sql, catalog, watch)
        try:
            # All of it is computed before the first row is given, since another engine can only be asked until then
            translated(connection.execute, f"CREATE TEMP TABLE answer AS {sql}")
            result = connection.execute("SELECT * FROM answer")
        except BaseException:
            connection.close()
            raise
        return Answer(_columns(fields), self._rows(connection, result, fields), read)

    def describe(self, statement: str, catalog: Catalog, watch: Watch) -> list[Column]:
        _, _, fields = self.compiled(statement, catalog)
        return _columns(fields)

    def compiled(self, statement: str, catalog: Catalog) -> tuple[Queries, str, list[Field]]:
        """A statement's compiler (with the scans that must be read), DuckDB's text and its columns."""
        if re.match(r"\s*EXPLAIN\b", statement, re.IGNORECASE):
            raise refused("EXPLAIN, which shows an engine's own plan,")
        now = datetime.datetime.now(datetime.timezone.utc)
        compiler = Queries(catalog, now.replace(microsecond=now.microsecond // 1000 * 1000))
        try:
            sql, fields = compiler.statement(statement)
        except RecursionError:
            raise QueryFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)") from None
        return compiler, sql, fields

    def loaded(self, compiler: Queries, sql: str, catalog: Catalog, watch: Watch) -> tuple[Any, int]:
        """A connection in which a compiled statement can run, and the bytes read for it."""
        text = sql + " ".join(part for scan in compiler.scans for part in scan.prune)
        connection = self.database(text).connection(text)
        try:
            watch.on_stop(connection.interrupt)
            read = 0
            for scan in compiler.scans:
                read = translated(load, connection, scan, catalog, watch, read, lambda: str(self.folder))
        except BaseException:
            connection.close()
            raise
        return connection, read

    def _rows(self, connection: Any, result: Any, fields: list[Field]) -> Iterator[list[Any]]:
        """The rows, in the forms that `text.formatter` takes. The connection goes when they end."""
        shapes = [shape(one.type) for one in fields]
        source = rows(result)
        try:
            while True:
                try:
                    row = translated(next, source)
                except StopIteration:
                    return
                yield [value if form is None or value is None else form(value)
                       for form, value in zip(shapes, row, strict=True)]
        finally:
            connection.close()

    def write(self, target: Target, statement: str, catalog: Catalog, watch: Watch) -> Written:
        from local_aws.athena.on_duckdb import write

        return write.write(self, target, statement, catalog, watch)

    def close(self) -> None:
        for database in self.databases.values():
            database.base.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _columns(fields: list[Field]) -> list[Column]:
    return [Column(one.name if one.name is not None else f"_col{at}", one.type) for at, one in enumerate(fields)]


def translated(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call DuckDB; its errors become Trino's."""
    try:
        return call(*arguments)
    except duckdb.Error as failed:
        raise _trino(failed) from None


def _trino(failed: duckdb.Error) -> Exception:
    words_ = str(failed)
    found = _MARK.search(words_)
    if found:
        return refused(found[2]) if found[1] == "NOT_VERIFIED" else QueryFailed(found[1], found[2])
    if isinstance(failed, duckdb.InterruptException):
        return QueryFailed("USER_CANCELED", "Query was canceled")
    if "More than one row returned by a subquery" in words_:
        return QueryFailed("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")
    if isinstance(failed, duckdb.OutOfMemoryException):
        return QueryFailed("EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exhausted resources at this scale factor")
    overflow = re.search(r"Overflow in (\w+) of (\w+) \((.*?)\)", words_)
    if overflow:
        kinds = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
        kind = kinds.get(overflow[2], "decimal")
        return QueryFailed("NUMERIC_VALUE_OUT_OF_RANGE", f"{kind} {overflow[1]} overflow: {overflow[3]}")
    if isinstance(failed, (duckdb.OutOfRangeException, duckdb.ConversionException)):
        return QueryFailed("NUMERIC_VALUE_OUT_OF_RANGE", "Value is out of range")
    if "Max expression depth" in words_:
        return refused("an expression nested as deep as this")
    logging.getLogger(__name__).warning("DuckDB: %s", words_)
    return refused("this statement, at which DuckDB fails,")


def shape(kind: Type) -> Callable[[Any], Any] | None:
    """How DuckDB's Python value becomes what `text.formatter` takes; None where it is that already."""
    name = kind.name
    if name.startswith("timestamp") and kind.numbers[0] > 3:
        digits, zone = kind.numbers[0], " UTC" if name != "timestamp" else ""
        return lambda value: value.isoformat(" ", "microseconds")[:20 + digits] + zone
    if name == "timestamp with time zone":
        return lambda value: value.replace(tzinfo=datetime.timezone.utc)
    if name == "interval day to second":
        return _day_time
    if name == "interval year to month":
        return lambda months: f"{'-' if months < 0 else ''}{abs(months) // 12}-{abs(months) % 12}"
    if name == "array":
        inner = shape(kind.inner[0])
        return None if inner is None else lambda value: [None if one is None else inner(one) for one in value]
    if name == "map":
        key, item = shape(kind.inner[0]), shape(kind.inner[1])
        return lambda value: [(k if key is None else key(k), v if item is None or v is None else item(v))
                              for k, v in value.items()]
    if name == "row":
        inners = [shape(one) for one in kind.inner]
        return lambda value: [one if inner is None or one is None else inner(one)
                              for inner, one in zip(inners, value.values(), strict=True)]
    return None


def _day_time(milliseconds: int) -> str:
    sign, rest = ("-" if milliseconds < 0 else ""), abs(milliseconds)
    days, rest = divmod(rest, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, millis = divmod(rest, 1000)
    return f"{sign}{days} {hours:02}:{minutes:02}:{seconds:02}.{millis:03}"


__all__ = ["REGISTRY", "DuckDbEngine", "shape", "translated"]
