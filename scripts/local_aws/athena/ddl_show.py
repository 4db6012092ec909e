"""SHOW and DESCRIBE: what Glue holds, in the lines of text that Athena tells it in."""
from __future__ import annotations

import re
from collections.abc import Sequence

from local_aws.athena import projection, views
from local_aws.athena.catalog import folder
from local_aws.athena.ddl_context import Context, Said
from local_aws.athena.ddl_partitions import known
from local_aws.athena.engine import Column, QueryFailed
from local_aws.athena.sql import Cursor
from local_aws.athena.types import Type


def _said(names: str, lines: Sequence[str]) -> Said:
    return Said([Column(name, Type("string")) for name in names.split(",")], list(lines))


def _matches(pattern: str | None, names: Sequence[str]) -> list[str]:
    """The names that a pattern of SHOW fits: '*' is anything, '|' is or."""
    if pattern is None:
        return sorted(names)
    form = re.compile("|".join(re.escape(part).replace(r"\*", ".*") for part in pattern.lower().split("|")))
    return sorted(name for name in names if form.fullmatch(name))


def _pattern(words: Cursor) -> str | None:
    words.take("LIKE")
    pattern = None if words.ended else words.text()
    words.end()
    return pattern


def show_databases(on: Context, words: Cursor) -> Said:
    pattern = _pattern(words)
    names = [one["Name"] for page in on.catalog.glue.get_paginator("get_databases").paginate()
             for one in page["DatabaseList"]]
    return _said("database_name", _matches(pattern, names))


def _database(on: Context, words: Cursor) -> str:
    database = on.catalog.database
    if words.take("IN") or words.take("FROM"):
        database = words.names()[-1]
    on.need_database(database)
    return database


def show_tables(on: Context, words: Cursor) -> Said:
    database = _database(on, words)
    return _said("tab_name", _matches(_pattern(words), [table["Name"] for table in on.tables(database)]))


def show_views(on: Context, words: Cursor) -> Said:
    database = _database(on, words)
    return _said("views", _matches(_pattern(words), [table["Name"] for table in on.tables(database)
                                                      if table.get("TableType") == "VIRTUAL_VIEW"]))


def _columns(table: dict) -> list[tuple[str, str, str]]:
    view = views.content(table)
    if view:
        return [(column["name"], column["type"], "") for column in view["columns"]]
    return [(column["Name"], column.get("Type", ""), column.get("Comment", ""))
            for column in table["StorageDescriptor"].get("Columns", [])]


def _keys(table: dict) -> list[tuple[str, str, str]]:
    return [(key["Name"], key.get("Type", ""), key.get("Comment", "")) for key in table.get("PartitionKeys") or ()]


def show_columns(on: Context, words: Cursor) -> Said:
    if not (words.take("IN") or words.take("FROM")):
        raise words.wrong("'FROM', 'IN'")
    database, name = on.name(words)
    if words.take("IN") or words.take("FROM"):
        database = words.identifier()
    words.end()
    table = on.glue_table(database, name)
    return _said("field", [f"{column:<20}" for column, _, _ in [*_columns(table), *_keys(table)]])


def show_partitions(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    keys = [key for key, _, _ in _keys(table)]
    if not keys:
        raise QueryFailed("", f"FAILED: SemanticException [Error 10001]: Table {name} is not a partitioned table")
    if projection.enabled(table.get("Parameters") or {}):
        return _said("partition", [])  # Glue knows none of what is projected
    return _said("partition", sorted(folder(values).rstrip("/") for values in known(on, table)))


def show_tblproperties(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    wanted = None
    if words.take("("):
        wanted = words.text()
        words.need(")")
    words.end()
    parameters = on.glue_table(database, name).get("Parameters") or {}
    return _said("prpt_name,prpt_value", [f"{key}\t{value}" for key, value in sorted(parameters.items())
                                          if wanted in (None, key)])


def describe(on: Context, words: Cursor) -> Said:
    if words.peek() in ("FORMATTED", "EXTENDED", "INPUT", "OUTPUT") and words.peek(1) not in ("", "."):
        raise QueryFailed("", f"NOT_SUPPORTED: the local AWS does not take DESCRIBE {words.peek()}")
    words.take("VIEW")
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    lines = ["\t".join(f"{part:<20}" for part in column) for column in [*_columns(table), *_keys(table)]]
    if _keys(table):
        lines += ["\t \t ", "# Partition Information\t \t ",
                  "\t".join(f"{part:<20}" for part in ("# col_name", "data_type", "comment")), "\t \t ",
                  *("\t".join(f"{part:<20}" for part in key) for key in _keys(table))]
    return _said("col_name,data_type,comment", lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _listed(head: str, pairs: dict[str, str]) -> list[str]:
    lines = [f"  {_quoted(key)}={_quoted(value)}" for key, value in sorted(pairs.items())]
    return [f"{head} ( ", *(f"{line}, " for line in lines[:-1]), lines[-1] + ")"] if lines else []


def show_create_table(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    if table.get("TableType") == "VIRTUAL_VIEW":
        return _view_text(table, database, name)
    storage = table["StorageDescriptor"]

    def described(columns: list[tuple[str, str, str]], tick: str) -> list[str]:
        texts = [f"  {tick}{column}{tick} {kind}" + (f" COMMENT {_quoted(comment)}" if comment else "")
                 for column, kind, comment in columns]
        return [f"{text}, " for text in texts[:-1]] + [texts[-1] + ")"] if texts else [")"]

    lines = [f"CREATE EXTERNAL TABLE `{database}.{name}`(", *described(_columns(table), "`")]
    if _keys(table):
        lines += ["PARTITIONED BY ( ", *described(_keys(table), "`")]
    lines += ["ROW FORMAT SERDE ", f"  {_quoted(storage['SerdeInfo']['SerializationLibrary'])} "]
    how = {key: value for key, value in (storage["SerdeInfo"].get("Parameters") or {}).items()}
    lines += _listed("WITH SERDEPROPERTIES", how)
    lines += ["STORED AS INPUTFORMAT ", f"  {_quoted(storage['InputFormat'])} ", "OUTPUTFORMAT ",
              f"  {_quoted(storage['OutputFormat'])}", "LOCATION", f"  {_quoted(storage['Location'])}"]
    lines += _listed("TBLPROPERTIES", {key: value for key, value in (table.get("Parameters") or {}).items()
                                       if key != "EXTERNAL"})
    return _said("createtab_stmt", lines)


def show_create_view(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    words.end()
    table = on.find(database, name)
    if table is None or table.get("TableType") != "VIRTUAL_VIEW":
        raise QueryFailed("TABLE_NOT_FOUND", f"line 1:1: View '{views.CATALOG}.{database}.{name}' does not exist")
    return _view_text(table, database, name)


def _view_text(table: dict, database: str, name: str) -> Said:
    text = (views.content(table) or {}).get("originalSql", "")
    return _said("create view", [f'CREATE VIEW "{database}"."{name}" AS', *text.split("\n")])
