"""CREATE, DROP and ALTER, as calls on Glue.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
Each takes what it acts `on` and the `words` after those that name the statement, and gives no lines out. Each raises
QueryFailed: in Hive's words, of a view in Trino's, and where the caller may not ask Glue.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from local_aws.athena import views
from local_aws.athena.aws_catalog import FORMATS, place
from local_aws.athena.ddl_context import DDL_TASK, Context, Output
from local_aws.athena.ddl_partitions import add_partitions, drop_partitions
from local_aws.athena.exchange import Column, QueryFailed
from local_aws.athena.hive_types import from_hive
from local_aws.athena.sql import Cursor, identifiers, position

_STORED = {"SEQUENCEFILE": ("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                            "org.apache.hadoop.mapred.SequenceFileInputFormat",
                            "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat"), **FORMATS}
_STORED["JSONFILE"] = FORMATS["JSON"]


def create_database(on: Context, words: Cursor) -> Output:
    """CREATE DATABASE [IF NOT EXISTS] name [COMMENT 'text'] [LOCATION 'url'] [WITH DBPROPERTIES (…)].
    https://docs.aws.amazon.com/athena/latest/ug/create-database.html"""
    if_not_exists = words.take("IF", "NOT", "EXISTS")
    name = on.name(words)[1]
    given: dict[str, Any] = {"Name": name}
    while not words.ended:
        if words.take("COMMENT"):
            given["Description"] = words.text()
        elif words.take("LOCATION"):
            given["LocationUri"] = words.text()
        else:
            words.need("WITH", "DBPROPERTIES")
            given["Parameters"] = _pairs(words)
    if on.catalog.has_database(name):
        if not if_not_exists:
            raise QueryFailed("", f"{DDL_TASK}Database {name} already exists")
        return Output()
    on.catalog.tell_glue(name, "create_database", DatabaseInput=given)
    return Output()


def drop_database(on: Context, words: Cursor) -> Output:
    """DROP DATABASE [IF EXISTS] name [RESTRICT|CASCADE]: one that holds tables goes with CASCADE only.
    https://docs.aws.amazon.com/athena/latest/ug/drop-database.html"""
    if_exists = words.take("IF", "EXISTS")
    name = on.name(words)[1]
    cascade = words.take("CASCADE") or (words.take("RESTRICT") and False)
    words.end()
    if not on.catalog.has_database(name):
        if if_exists:
            return Output()
        raise QueryFailed("", f"FAILED: SemanticException [Error 10072]: Database does not exist: {name}")
    if not cascade and on.tables(name):
        raise QueryFailed("", f"{DDL_TASK}InvalidOperationException(message:Database {name} is not empty. One or "
                              "more tables exist.)")
    on.catalog.tell_glue(name, "delete_database", Name=name)
    return Output()


def drop_table(on: Context, words: Cursor) -> Output:
    """DROP TABLE [IF EXISTS] table: Glue forgets it, its objects stay. https://docs.aws.amazon.com/athena/latest/ug/drop-table.html"""
    if_exists = words.take("IF", "EXISTS")
    database, name = on.name(words)
    words.end()
    if on.find(database, name) is None:
        if if_exists:
            return Output()
        on.glue_table(database, name)
    on.catalog.tell_glue(f"{database}.{name}", "delete_table", DatabaseName=database, Name=name)
    return Output()


def drop_view(on: Context, words: Cursor) -> Output:
    """DROP VIEW [IF EXISTS] view. https://docs.aws.amazon.com/athena/latest/ug/drop-view.html"""
    start = words.statement
    if_exists = words.take("IF", "EXISTS")
    database, name = on.name(words)
    words.end()
    found = on.find(database, name)
    if found is None or found.get("TableType") != "VIRTUAL_VIEW":
        if if_exists and found is None:
            return Output()
        raise QueryFailed("TABLE_NOT_FOUND", f"{position(start, Cursor(start).tokens[0].start)}: View "
                                             f"'{views.CATALOG}.{database}.{name}' does not exist")
    on.catalog.tell_glue(f"{database}.{name}", "delete_table", DatabaseName=database, Name=name)
    return Output()


def check_columns(columns: Sequence[Column], statement: str) -> None:
    """A view's and a new table's columns need names, each its own. Raises QueryFailed in Trino's words."""
    named, seen = identifiers(statement), set()
    for at, column in enumerate(columns):
        if column.name == f"_col{at}" and column.name not in named:
            raise QueryFailed("COLUMN_NAME_NOT_SPECIFIED", f"line 1:1: Column name not specified at position {at + 1}")
        if column.name.lower() in seen:
            raise QueryFailed("DUPLICATE_COLUMN_NAME", f"line 1:1: Column name '{column.name}' specified more than "
                                                       "once")
        seen.add(column.name.lower())


def create_view(on: Context, words: Cursor) -> Output:
    """CREATE [OR REPLACE] VIEW view AS query: kept in Glue with the columns that the engine finds the query to have.
    https://docs.aws.amazon.com/athena/latest/ug/create-view.html"""
    replace = words.peek(-2) == "REPLACE"
    database, name = on.name(words)
    words.need("AS")
    query = words.rest()
    columns = on.describe(query)
    check_columns(columns, query)
    if not on.catalog.has_database(database):
        raise QueryFailed("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{database}' does not exist")
    given = views.table_input(on.catalog.database, name, query.strip(), [
        Column(column.name.lower(), column.type) for column in columns])
    found = on.find(database, name)
    if found is None:
        on.catalog.tell_glue(f"{database}.{name}", "create_table", DatabaseName=database, TableInput=given)
    elif found.get("TableType") != "VIRTUAL_VIEW" or not replace:
        what = "View" if found.get("TableType") == "VIRTUAL_VIEW" else "Table"
        raise QueryFailed("TABLE_ALREADY_EXISTS", f"line 1:1: {what} already exists: "
                                                  f"'{views.CATALOG}.{database}.{name}'")
    else:
        on.catalog.tell_glue(f"{database}.{name}", "update_table", DatabaseName=database, TableInput=given)
    return Output()


def create_table(on: Context, words: Cursor) -> Output:
    """CREATE EXTERNAL TABLE [IF NOT EXISTS] table (columns) …: sqlglot takes the statement apart.
    https://docs.aws.amazon.com/athena/latest/ug/create-table.html"""
    if_not_exists = words.take("IF", "NOT", "EXISTS")
    database, name = on.name(words)
    given = _table_input(name, _parsed(words.statement))
    on.need_database(database)
    if on.find(database, name) is not None:
        if not if_not_exists:
            raise QueryFailed("", f"{DDL_TASK}AlreadyExistsException(message:Table {name} already exists.)")
        return Output()
    on.catalog.tell_glue(f"{database}.{name}", "create_table", DatabaseName=database, TableInput=given)
    return Output()


def _parsed(statement: str) -> exp.Create:
    """A CREATE TABLE with its columns, taken apart by sqlglot. Raises QueryFailed in Hive's words."""
    try:
        made = sqlglot.parse_one(statement, read="athena")
    except SqlglotError as error:
        at = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
        raise QueryFailed("", f"FAILED: ParseException line {at.get('line', 1)}:{at.get('col', 0)} cannot recognize "
                              f"input near '{at.get('highlight') or '<EOF>'}'") from None
    if not isinstance(made, exp.Create) or not isinstance(made.this, exp.Schema):
        raise QueryFailed("", "FAILED: SemanticException Either list of columns or a custom serializer should be "
                              "specified")
    return made


def _table_input(name: str, made: exp.Create) -> dict:
    """The input of Glue's CreateTable for a CREATE EXTERNAL TABLE that sqlglot took apart."""
    serde, reads, writes = _STORED["TEXTFILE"]
    how: dict[str, str] = {}
    storage: dict[str, Any] = {"Columns": [_column(column) for column in made.this.expressions], "Compressed": False,
                               "NumberOfBuckets": -1}
    given: dict[str, Any] = {"Name": name, "TableType": "EXTERNAL_TABLE", "PartitionKeys": [],
                             "StorageDescriptor": storage, "Parameters": {"EXTERNAL": "TRUE"}}
    named_serde = None
    properties = made.args["properties"].expressions if made.args.get("properties") else []
    for found in properties:
        if isinstance(found, exp.PartitionedByProperty):
            given["PartitionKeys"] = [_column(column) for column in found.this.expressions]
        elif isinstance(found, exp.LocationProperty):
            storage["Location"] = found.this.name
        elif isinstance(found, exp.SchemaCommentProperty):
            given["Parameters"]["comment"] = found.this.name
        elif isinstance(found, exp.FileFormatProperty) and isinstance(found.this, exp.InputOutputFormat):
            formats = [found.this.args.get(name) for name in ("input_format", "output_format")]
            if None in formats:
                raise QueryFailed("", "FAILED: ParseException INPUTFORMAT and OUTPUTFORMAT must both be specified")
            reads, writes = (each.name for each in formats)
        elif isinstance(found, exp.FileFormatProperty):
            if found.name.upper() not in _STORED:
                raise QueryFailed("", f"FAILED: SemanticException Unrecognized file format in STORED AS clause: "
                                      f"'{found.name}'")
            serde, reads, writes = _STORED[found.name.upper()]
        elif isinstance(found, exp.RowFormatSerdeProperty):
            named_serde = found.this.name
            pairs = found.args.get("serde_properties")
            how.update({pair.this.name: pair.args["value"].name for pair in (pairs.expressions if pairs else ())})
        elif isinstance(found, exp.SerdeProperties):
            how.update({pair.this.name: pair.args["value"].name for pair in found.expressions})
        elif isinstance(found, exp.RowFormatDelimitedProperty):
            for key, parameter in (("fields", "field.delim"), ("escaped", "escape.delim"),
                              ("collection_items", "collection.delim"), ("map_keys", "mapkey.delim"),
                              ("lines", "line.delim"), ("null", "serialization.null.format")):
                if found.args.get(key):
                    how[parameter] = found.args[key].name
            how.setdefault("serialization.format", how.get("field.delim", "1"))
        elif type(found) is exp.Property:
            given["Parameters"][found.this.name] = found.args["value"].name
        elif not isinstance(found, exp.ExternalProperty):
            raise QueryFailed("", f"NOT_SUPPORTED: the local AWS does not take {found.sql('hive')} in CREATE TABLE")
    if not storage.get("Location"):
        raise QueryFailed("", "FAILED: SemanticException table is not partitioned but partition spec exists or "
                              "location is missing: LOCATION is required for an external table")
    place(storage["Location"])
    how.setdefault("serialization.format", "1")
    storage.update(InputFormat=reads, OutputFormat=writes,
                   SerdeInfo={"SerializationLibrary": named_serde or serde, "Parameters": how})
    taken = {column["Name"] for column in storage["Columns"]}
    for key in given["PartitionKeys"]:
        if key["Name"] in taken:
            raise QueryFailed("", "FAILED: SemanticException [Error 10035]: Column repeated in partitioning columns")
    return given


def _column(column: exp.Expression) -> dict:
    kind = column.args.get("kind")
    if not isinstance(column, exp.ColumnDef) or kind is None:
        raise QueryFailed("", f"FAILED: ParseException cannot recognize input near '{column.sql('hive')}'")
    text = re.sub(r"\s*([<>:,])\s*", r"\1", kind.sql("hive")).replace("`", "").lower()
    from_hive(text)  # raises where there is no such type
    found = {"Name": column.this.name.lower(), "Type": text}
    for constraint in column.args.get("constraints") or ():
        if isinstance(constraint.kind, exp.CommentColumnConstraint):
            found["Comment"] = constraint.kind.this.name
    return found


def _pairs(words: Cursor) -> dict[str, str]:
    """('key'='value', …)"""
    found = {}
    words.need("(")
    while True:
        key = words.text()
        words.need("=")
        found[key] = words.text()
        if words.take(")"):
            return found
        words.need(",")


def alter_table(on: Context, words: Cursor) -> Output:
    """ALTER TABLE table ADD COLUMNS, ADD PARTITION, DROP PARTITION, SET TBLPROPERTIES or SET LOCATION.
    https://docs.aws.amazon.com/athena/latest/ug/alter-table-add-columns.html and its neighbours"""
    database, name = on.name(words)
    table = on.glue_table(database, name)
    if words.take("ADD", "COLUMNS"):
        more = [_column(column) for column in _parsed(f"CREATE TABLE t {words.rest().strip()}").this.expressions]
        storage = table.setdefault("StorageDescriptor", {})
        storage["Columns"] = [*storage.get("Columns", ()), *more]
        _update(on, table)
    elif words.take("ADD"):
        add_partitions(on, words, table)
    elif words.take("DROP"):
        drop_partitions(on, words, table)
    elif words.take("SET", "TBLPROPERTIES"):
        table.setdefault("Parameters", {}).update(_pairs(words))
        words.end()
        _update(on, table)
    elif words.take("SET", "LOCATION"):
        location = words.text()
        words.end()
        place(location)
        table.setdefault("StorageDescriptor", {})["Location"] = location
        _update(on, table)
    else:
        raise QueryFailed("", f"FAILED: ParseException {position(words.statement, len(words.statement))} cannot "
                              f"recognize input near '{words.peek()}' in alter table statement")
    return Output()


def _update(on: Context, table: dict) -> None:
    kept = ("Name", "Description", "Owner", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters",
            "ViewOriginalText", "ViewExpandedText")
    on.catalog.tell_glue(f"{table['DatabaseName']}.{table['Name']}", "update_table", DatabaseName=table["DatabaseName"],
                         TableInput={key: table[key] for key in kept if table.get(key)})
