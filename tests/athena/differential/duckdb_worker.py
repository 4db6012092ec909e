"""Runs statements on the local Athena's embedded engine, in the environment that has DuckDB: one JSON object a line in,
one a line out. Only the suite starts it.

Asked to, it takes one correction out: a macro, a Python function or a signature then does what DuckDB would do, or
nothing at all.
"""
from __future__ import annotations

import dataclasses
import datetime
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, sys.argv[1])  # the folder of the package local_aws

import worker  # noqa: E402
from local_aws.athena.catalog import Catalog, GlueColumn, Object, Partition, Table  # noqa: E402
from local_aws.athena.exchange import QueryFailed  # noqa: E402
from local_aws.athena.on_duckdb import functions, macros, python_functions, special  # noqa: E402


class Switch:
    """A Python function that can be switched off: it then gives null."""

    def __init__(self, call: Callable[..., Any]):
        self.call, self.off = call, False

    def __call__(self, *given: Any) -> Any:
        return None if self.off else self.call(*given)


SWITCHES = {}
for _name, (_call, _given, _result) in list(python_functions.FUNCTIONS.items()):
    SWITCHES[_name] = Switch(_call)
    python_functions.FUNCTIONS[_name] = (SWITCHES[_name], _given, _result)

from local_aws.athena.on_duckdb.engine import DuckDbEngine  # noqa: E402
from local_aws.athena.on_duckdb.queries import Queries  # noqa: E402


class Folder(Catalog):
    """Tables whose objects are files: what Glue and S3 are to the engine otherwise."""

    database = "t"

    def __init__(self, root: Path):
        self.root = root
        self.tables: dict[str, Table] = {}

    def has_database(self, name: str) -> bool:
        return name == "t"

    def table(self, database: str, name: str) -> Table | None:
        return self.tables.get(name) if database == "t" else None

    def partitions(self, table: Table, injected: Any = None) -> Iterator[Partition]:
        if not table.partition_keys:
            yield Partition({}, table.location)
            return
        for place in sorted((self.root / table.location).iterdir()):
            key, _, value = place.name.partition("=")
            yield Partition({key: value}, f"{table.location}/{place.name}")

    def objects(self, partition: Partition) -> list[Object]:
        return [Object("lake", str(path.relative_to(self.root)), path.stat().st_size)
                for path in sorted((self.root / partition.location).iterdir()) if path.name[0] not in "._"]

    def read(self, thing: Object, start: int = 0, end: int | None = None) -> bytes:
        return (self.root / thing.key).read_bytes()[start:end]


ENGINE, CATALOG = DuckDbEngine(), Folder(Path(sys.argv[2]))


def query(sql: str) -> dict[str, Any]:
    try:
        answered = ENGINE.query(sql, CATALOG, worker.Unwatched())
        return worker.answer(answered, answered.rows)
    except QueryFailed as failed:
        return worker.failure(failed)


def uses(sql: str) -> list[str]:
    """The corrections that a statement's text goes through: macros, Python functions, signatures."""
    met: set[str] = set()
    resolve = functions.resolve

    def noted(*given: Any) -> Any:
        found = resolve(*given)
        if found:
            met.add(f"{found[0].name}: {found[0].shown}")
        return found

    functions.resolve = noted
    try:
        text = Queries(CATALOG, datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)).statement(sql).sql
    except QueryFailed:
        return []
    finally:
        functions.resolve = resolve
    waiting = set(re.findall(r"\b(?:t_|py_)\w+(?=\()", text))
    while waiting:
        one = waiting.pop()
        met.add(one)
        waiting |= set(re.findall(r"\b(?:t_|py_)\w+(?=\()", MACROS.get(one, ("", ""))[1])) - met
    return sorted(met)


MACROS = {head.partition("(")[0]: (head, text) for head, text in macros.MACROS.items()}


def macro(name: str, text: str) -> None:
    for sql in ("select 1", "select try(1)"):  # each starts its database
        query(sql)
    for database in ENGINE.databases.values():
        database.base.execute(f"CREATE OR REPLACE MACRO {MACROS[name][0]} AS {text}")


def without(name: str, naive: str | None, statements: list[dict[str, Any]]) -> bool:
    """Whether, with a correction taken out, one of the statements answers otherwise than it should."""
    undo: Callable[[], None]
    if name in SWITCHES:
        SWITCHES[name].off = True

        def undo() -> None:
            SWITCHES[name].off = False
    elif name in MACROS:
        macro(name, naive or "NULL")

        def undo() -> None:
            macro(name, MACROS[name][1])
    else:
        function, _, shown = name.partition(": ")
        lines = functions.REGISTRY[function]
        at = next(n for n, one in enumerate(lines) if one.shown == shown)
        line = lines[at]
        lines[at] = dataclasses.replace(line, text=naive or "CAST(NULL AS {type})")

        def undo() -> None:
            lines[at] = line
    try:
        for one in statements:
            answer = query(one["sql"])
            if answer.get("error", "") != one.get("error", "") or answer.get("rows") != one.get("rows"):
                return True
        return False
    except Exception:
        return True  # without it the statement cannot even be compiled
    finally:
        undo()


def answer(asked: dict[str, Any]) -> Any:
    if "table" in asked:
        given = asked["table"]
        CATALOG.tables[given["name"]] = Table(
            "t", given["name"], tuple(GlueColumn(*column) for column in given["columns"]),
            tuple(GlueColumn(*column) for column in given.get("keys", ())), given["location"], given["serde"])
        return True
    if "sqlglot" in asked:
        import sqlglot
        try:
            return bool(sqlglot.parse(asked["sqlglot"], read="athena"))
        except sqlglot.errors.SqlglotError:
            return False
    if "uses" in asked:
        return uses(asked["uses"])
    if "without" in asked:
        return without(asked["without"], asked["naive"], asked["statements"])
    if "verified" in asked:
        return {"functions": [[one.name, one.kind, one.shown] for lines in functions.REGISTRY.values()
                              for one in lines if one.text is not special.not_verified],
                "special": sorted(functions.SPECIAL), "macros": sorted(MACROS), "python": sorted(SWITCHES)}
    return query(asked["sql"])


for _line in sys.stdin:
    print(json.dumps(answer(json.loads(_line))), flush=True)
os._exit(0)  # DuckDB's Python functions need no tidying at the end
