"""The local Athena's embedded engine: a query is compiled (`queries`), its objects are read (`scan`), and
DuckDB runs a text in which every construct is one that is verified to answer as Trino does.

DuckDB itself is locked: no file, no extension, no setting can be reached from a query, whose author's words never
reach it in any case.
"""
from __future__ import annotations

import datetime
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from local_aws.athena.catalog import Catalog
from local_aws.athena.exchange import Answer, Column, NotVerified, QueryFailed, Target, Watch, Written
from local_aws.athena.on_duckdb import errors, scan, write
from local_aws.athena.on_duckdb.coercion import ZONED, timed
from local_aws.athena.on_duckdb.macros import statements
from local_aws.athena.on_duckdb.model import Holds, Relation
from local_aws.athena.on_duckdb.python_functions import FUNCTIONS
from local_aws.athena.on_duckdb.queries import Queries
from local_aws.athena.trino_sql.lexer import tokens
from local_aws.athena.types import Type

sys.setrecursionlimit(max(sys.getrecursionlimit(), 6000))  # a long sum is as deep as it has terms

_NULLABLE: dict[int, Callable[[Callable[..., Any]], Callable[..., Any]]] = {  # DuckDB counts the parameters
    1: lambda f: lambda a: None if a is None else f(a),
    2: lambda f: lambda a, b: None if a is None or b is None else f(a, b),
    3: lambda f: lambda a, b, c: None if a is None or b is None or c is None else f(a, b, c),
}


class Database:
    """An instance of DuckDB, locked: no file but those in the engine's own folder, no extension, no setting. `tries`
    is whether it is for statements with a TRY."""

    def __init__(self, folder: Path, tries: bool):
        self.base = duckdb.connect(":memory:", config={"threads": "2", "temp_directory": str(folder)})
        # Rows keep their order and conditions are evaluated from left to right, as Trino does. A constant that fails
        # (1 / 0) fails where a row needs it, not while the statement is planned. Expressions that occur twice are not
        # computed ahead where there is a TRY: DuckDB would take them, and their errors, out of it.
        without = "reorder_filter,expression_rewriter,statistics_propagation"
        without += ",common_subexpressions" if tries else ""
        for setting in (f"allowed_directories=['{folder}']", "enable_external_access=false",
                        "autoinstall_known_extensions=false", "autoload_known_extensions=false",
                        "python_enable_replacements=false", "preserve_insertion_order=true",
                        f"disabled_optimizers='{without}'", "TimeZone='UTC'"):
            self.base.execute(f"SET {setting}")
        for name, (call, given, result) in FUNCTIONS.items():
            self.base.create_function(name, _NULLABLE[len(given)](call), given, result, null_handling="special")
        for statement in statements():
            self.base.execute(statement)
        self.base.execute("SET lock_configuration=true")


class DuckDbEngine:
    """Athena's SQL on DuckDB, equal to Trino's answers or refused (`NotVerified`). See `Engine`."""

    name = "duckdb"
    version = duckdb.__version__

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="athena-duckdb-"))
        self.lock = threading.Lock()
        self.databases: dict[bool, Database] = {}  # by whether TRY occurs

    def query(self, statement: str, catalog: Catalog, watch: Watch) -> Answer:
        """As `Engine.query`. All of the answer is computed before its first row is given, since another engine can
        only be asked until then."""
        compiler, relation = self.compiled(statement, catalog)
        connection, read = self.loaded(compiler, catalog, watch)
        try:
            errors.translated(partial(connection.execute, f"CREATE TEMP TABLE answer AS {relation.sql}"))
        except BaseException:
            connection.close()
            raise
        return Answer(_columns(relation), _rows(connection, [one.value.type for one in relation.fields]), read)

    def describe(self, statement: str, catalog: Catalog, watch: Watch) -> list[Column]:
        """As `Engine.describe`."""
        return _columns(self.compiled(statement, catalog)[1])

    def compiled(self, statement: str, catalog: Catalog) -> tuple[Queries, Relation]:
        """A statement's compiler (with the scans that must be read), and DuckDB's text and columns."""
        if [word.upper for word in tokens(statement)[:1]] == ["EXPLAIN"]:
            raise NotVerified("EXPLAIN, which shows an engine's own plan,")
        now = datetime.datetime.now(datetime.timezone.utc)
        compiler = Queries(catalog, now.replace(microsecond=now.microsecond // 1000 * 1000))
        try:
            relation = compiler.statement(statement)
        except RecursionError:
            raise QueryFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)") from None
        for one in compiler.scans:
            scan.check(one.table)
        return compiler, relation

    def loaded(self, compiler: Queries, catalog: Catalog, watch: Watch) -> tuple[duckdb.DuckDBPyConnection, int]:
        """A connection in which a compiled statement can run, and the bytes read for it."""
        tries = Holds.TRY in compiler.holds
        with self.lock:
            if tries not in self.databases:
                self.databases[tries] = Database(self.folder, tries)
            connection, read = self.databases[tries].base.cursor(), 0
        try:
            watch.on_stop(connection.interrupt)
            for one in compiler.scans:
                read = errors.translated(partial(scan.load, connection, one, catalog, watch, read, self.folder))
        except BaseException:
            connection.close()
            raise
        return connection, read

    def write(self, target: Target, statement: str, catalog: Catalog, watch: Watch) -> Written:
        """As `Engine.write`. A value is refused before an object is written."""
        write.check(target)
        compiler, relation = self.compiled(statement, catalog)
        columns, query = write.prepared(relation, target, catalog)
        if target.create and not target.with_data:
            catalog.create_table(target, columns)
            return Written(0, 0, [])
        connection, read = self.loaded(compiler, catalog, watch)
        try:
            rows, files = write.write(connection, query, columns, target, catalog, self.folder)
        finally:
            connection.close()
        return Written(rows, read, files)

    def close(self) -> None:
        """As `Engine.close`."""
        for database in self.databases.values():
            database.base.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _columns(relation: Relation) -> list[Column]:
    return [Column(one.name if one.name is not None else f"_col{at}", one.value.type)
            for at, one in enumerate(relation.fields)]


def _rows(connection: duckdb.DuckDBPyConnection, kinds: Sequence[Type]) -> Iterator[Sequence[Any]]:
    """The rows of the table `answer`, in the forms that `text.formatter` takes. The connection goes when they end."""
    shapes = [_shape(kind) for kind in kinds]
    try:
        result = connection.execute("FROM answer")
        while batch := errors.translated(partial(result.fetchmany, 2000)):
            for row in batch:
                yield [value if form is None or value is None else form(value)
                       for form, value in zip(shapes, row, strict=True)]
    finally:
        connection.close()


def _shape(kind: Type) -> Callable[[Any], Any] | None:
    """How DuckDB's Python value becomes what `text.formatter` takes; None where it is that already."""
    if timed(kind) and kind.numbers[0] > 3:
        digits, zone = kind.numbers[0], " UTC" if kind.name == ZONED.name else ""
        return lambda value: value.isoformat(" ", "microseconds")[:20 + digits] + zone
    if kind.name == ZONED.name:
        return lambda value: value.replace(tzinfo=datetime.timezone.utc)
    if kind.name == "array" and (item := _shape(kind.inner[0])) is not None:
        return lambda value: [None if one is None else item(one) for one in value]
    return None
