"""SHOW and DESCRIBE: what Glue holds, in the lines of text that Athena gives it in, with tabs between the columns.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
Each takes what it acts `on` and the `words` after those that name the statement. Each raises QueryFailed: in Hive's
words where a database or table is not there, in Athena's where the statement goes on in another way than it may, or
where the caller may not ask Glue.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from local_aws.athena import projection, views
from local_aws.athena.catalog import folder
from local_aws.athena.ddl_context import Context, Output
from local_aws.athena.ddl_partitions import known
from local_aws.athena.exchange import Column, QueryFailed
from local_aws.athena.sql import Cursor
from local_aws.athena.types import Type


class Described(NamedTuple):
    """A column of a table or view as DESCRIBE gives it: `type` in Hive's words, of a view in Trino's."""

    name: str
    type: str
    comment: str


def show_databases(on: Context, words: Cursor) -> Output:
    """SHOW DATABASES [LIKE 'pattern']: their names in order.
    https://docs.aws.amazon.com/athena/latest/ug/show-databases.html"""
    pattern = _pattern(words)
    return _output("database_name", _matching(pattern, on.databases()))


def show_tables(on: Context, words: Cursor) -> Output:
    """SHOW TABLES [IN database] ['pattern']: the names of its tables and views in order.
    https://docs.aws.amazon.com/athena/latest/ug/show-tables.html"""
    database = _database(on, words)
    pattern = _pattern(words)
    return _output("tab_name", _matching(pattern, (table["Name"] for table in on.tables(database))))


def show_views(on: Context, words: Cursor) -> Output:
    """SHOW VIEWS [IN database] [LIKE 'pattern']: the names of its views in order.
    https://docs.aws.amazon.com/athena/latest/ug/show-views.html"""
    database = _database(on, words)
    pattern = _pattern(words)
    found = filter(views.is_view, on.tables(database))
    return _output("views", _matching(pattern, (table["Name"] for table in found)))


def show_columns(on: Context, words: Cursor) -> Output:
    """SHOW COLUMNS {FROM|IN} table [{FROM|IN} database]: the columns' names, partition columns last.
    https://docs.aws.amazon.com/athena/latest/ug/show-columns.html"""
    if not (words.take("IN") or words.take("FROM")):
        raise words.wrong("'FROM', 'IN'")
    database, name = on.name(words)
    if words.take("IN") or words.take("FROM"):
        database = words.identifier()
    words.end()
    table = on.glue_table(database, name)
    return _output("field", (f"{column.name:<20}" for column in [*_columns(table), *_keys(table)]))


def show_partitions(on: Context, words: Cursor) -> Output:
    """SHOW PARTITIONS table: key=value/… of each that Glue knows, in order. None where partitions are projected.
    https://docs.aws.amazon.com/athena/latest/ug/show-partitions.html"""
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    if not _keys(table):
        raise QueryFailed("", f"FAILED: SemanticException [Error 10001]: Table {name} is not a partitioned table")
    if projection.enabled(table.get("Parameters") or {}):
        return _output("partition", [])
    return _output("partition", sorted(folder(values).rstrip("/") for values in known(on, table)))


def show_tblproperties(on: Context, words: Cursor) -> Output:
    """SHOW TBLPROPERTIES table [('name')]: each property's name and value, in the order of the names, or that one's.
    https://docs.aws.amazon.com/athena/latest/ug/show-tblproperties.html"""
    database, name = on.name(words)
    wanted = None
    if words.take("("):
        wanted = words.text()
        words.need(")")
    words.end()
    parameters = on.glue_table(database, name).get("Parameters") or {}
    return _output("prpt_name,prpt_value", (f"{key}\t{value}" for key, value in sorted(parameters.items())
                                            if wanted in (None, key)))


def describe(on: Context, words: Cursor) -> Output:
    """DESCRIBE [VIEW] table: name, type and comment of each column, and the partition columns once more below.
    https://docs.aws.amazon.com/athena/latest/ug/describe-table.html, …/describe-view.html"""
    if words.peek() in ("FORMATTED", "EXTENDED", "INPUT", "OUTPUT") and words.peek(1) not in ("", "."):
        raise QueryFailed("", f"NOT_SUPPORTED: the local AWS does not take DESCRIBE {words.peek()}")
    words.take("VIEW")
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    lines = [_padded(column) for column in [*_columns(table), *_keys(table)]]
    if _keys(table):
        lines += ["\t \t ", "# Partition Information\t \t ", _padded(("# col_name", "data_type", "comment")), "\t \t ",
                  *map(_padded, _keys(table))]
    return _output("col_name,data_type,comment", lines)


def show_create_table(on: Context, words: Cursor) -> Output:
    """SHOW CREATE TABLE table: the statement that would make it; of a view, the view's.
    https://docs.aws.amazon.com/athena/latest/ug/show-create-table.html"""
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    if views.is_view(table):
        return _view_text(table, database, name)
    storage = table.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    lines = [f"CREATE EXTERNAL TABLE `{database}.{name}`(", *_definitions(_columns(table))]
    if _keys(table):
        lines += ["PARTITIONED BY ( ", *_definitions(_keys(table))]
    lines += ["ROW FORMAT SERDE ", f"  {_quoted(serde.get('SerializationLibrary', ''))} "]
    lines += _properties("WITH SERDEPROPERTIES", serde.get("Parameters") or {})
    lines += ["STORED AS INPUTFORMAT ", f"  {_quoted(storage.get('InputFormat', ''))} ", "OUTPUTFORMAT ",
              f"  {_quoted(storage.get('OutputFormat', ''))}", "LOCATION", f"  {_quoted(storage.get('Location', ''))}"]
    lines += _properties("TBLPROPERTIES", {key: value for key, value in (table.get("Parameters") or {}).items()
                                           if key != "EXTERNAL"})
    return _output("createtab_stmt", lines)


def show_create_view(on: Context, words: Cursor) -> Output:
    """SHOW CREATE VIEW view: the statement that would make it.
    https://docs.aws.amazon.com/athena/latest/ug/show-create-view.html"""
    database, name = on.name(words)
    words.end()
    table = on.find(database, name)
    if table is None or not views.is_view(table):
        raise QueryFailed("TABLE_NOT_FOUND", f"line 1:1: View '{views.CATALOG}.{database}.{name}' does not exist")
    return _view_text(table, database, name)


def _output(names: str, lines: Iterable[str]) -> Output:
    return Output([Column(name, Type("string")) for name in names.split(",")], list(lines))


def _pattern(words: Cursor) -> str | None:
    """The pattern that ends a statement, if there is one."""
    words.take("LIKE")
    pattern = None if words.ended else words.text()
    words.end()
    return pattern


def _matching(pattern: str | None, names: Iterable[str]) -> list[str]:
    """The names that a pattern fits, in order: '*' (or '.*') stands for any characters, '|' for a choice, and nothing
    else for anything but itself. Case does not count."""
    if pattern is None:
        return sorted(names)
    form = "|".join(".*".join(map(re.escape, re.split(r"\.?\*", choice))) for choice in pattern.split("|"))
    return sorted(name for name in names if re.fullmatch(form, name, re.IGNORECASE))


def _database(on: Context, words: Cursor) -> str:
    """The database that a statement names, or the query's own. Raises QueryFailed where it is not there."""
    database = on.catalog.database
    if words.take("IN") or words.take("FROM"):
        database = words.names()[-1]
    on.need_database(database)
    return database


def _columns(table: dict) -> list[Described]:
    if views.is_view(table):
        return [Described(column["name"], column["type"], "") for column in views.content(table)["columns"]]
    return [_described(column) for column in (table.get("StorageDescriptor") or {}).get("Columns", [])]


def _keys(table: dict) -> list[Described]:
    return [_described(key) for key in table.get("PartitionKeys") or ()]


def _described(column: dict) -> Described:
    return Described(column["Name"], column.get("Type", ""), column.get("Comment", ""))


def _padded(parts: Sequence[str]) -> str:
    return "\t".join(f"{part:<20}" for part in parts)


def _definitions(columns: Sequence[Described]) -> list[str]:
    """Columns as CREATE TABLE lists them, up to the bracket that ends the list."""
    texts = [f"  `{column.name}` {column.type}" + (f" COMMENT {_quoted(column.comment)}" if column.comment else "")
             for column in columns]
    return [f"{text}, " for text in texts[:-1]] + [texts[-1] + ")"] if texts else [")"]


def _properties(head: str, pairs: dict[str, str]) -> list[str]:
    lines = [f"  {_quoted(key)}={_quoted(value)}" for key, value in sorted(pairs.items())]
    return [f"{head} ( ", *(f"{line}, " for line in lines[:-1]), lines[-1] + ")"] if lines else []


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _view_text(table: dict, database: str, name: str) -> Output:
    text = views.content(table)["originalSql"]
    return _output("create view", [f'CREATE VIEW "{database}"."{name}" AS', *text.split("\n")])
