"""What Athena itself does on Glue: databases, tables, views, partitions, and what it tells of them.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
Statements in Hive's words fail in Hive's words, as they do on Athena.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from athena import projection, views
from athena.aws_catalog import FORMATS, AwsCatalog, place
from athena.engine import Column, QueryFailed
from athena.sql import Cursor, identifiers, position

_DDL_TASK = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
_STORED = {"SEQUENCEFILE": ("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                            "org.apache.hadoop.mapred.SequenceFileInputFormat",
                            "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat"), **FORMATS}
_STORED["JSONFILE"] = FORMATS["JSON"]


@dataclass
class Said:
    """What a statement says: its columns, and lines of text with tabs between the values."""

    columns: list[Column] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass
class Context:
    """What a statement acts on. `describe` gives the columns of a query without running it."""

    catalog: AwsCatalog
    describe: Callable[[str], list[Column]]

    def name(self, cursor: Cursor) -> tuple[str, str]:
        """The database and table that the next words name."""
        names = cursor.names()
        if len(names) == 3 and names[0] == views.CATALOG:
            names = names[1:]
        if len(names) > 2:
            raise QueryFailed("CATALOG_NOT_FOUND", f"Catalog '{names[0]}' not found")
        return (names[0] if len(names) == 2 else self.catalog.database), names[-1]

    def glue_table(self, database: str, name: str) -> dict:
        """The table as Glue holds it. Raises QueryFailed in Hive's words."""
        found = self.find(database, name)
        if found is None:
            raise QueryFailed("", f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}")
        return found

    def find(self, database: str, name: str) -> dict | None:
        answer = self.catalog._ask_glue(f"{database}.{name}", "get_table", DatabaseName=database, Name=name)
        return answer and answer["Table"]

    def need_database(self, database: str) -> None:
        if not self.catalog.has_database(database):
            raise QueryFailed("", f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}")


# The words that a statement begins with: its substatement type, and the function below that does it
_KINDS: list[tuple[tuple[str, ...], str, str]] = [
    (("CREATE", "DATABASE"), "CREATE_DATABASE", "create_database"),
    (("CREATE", "SCHEMA"), "CREATE_DATABASE", "create_database"),
    (("CREATE", "EXTERNAL", "TABLE"), "CREATE_TABLE", "create_table"),
    (("CREATE", "OR", "REPLACE", "VIEW"), "CREATE_VIEW", "create_view"),
    (("CREATE", "VIEW"), "CREATE_VIEW", "create_view"),
    (("DROP", "DATABASE"), "DROP_DATABASE", "drop_database"),
    (("DROP", "SCHEMA"), "DROP_DATABASE", "drop_database"),
    (("DROP", "TABLE"), "DROP_TABLE", "drop_table"),
    (("DROP", "VIEW"), "DROP_VIEW", "drop_view"),
    (("ALTER", "TABLE"), "ALTER_TABLE", "alter_table"),
    (("MSCK", "REPAIR", "TABLE"), "MSCK_REPAIR", "msck_repair"),
    (("SHOW", "DATABASES"), "SHOW_DATABASES", "show_databases"),
    (("SHOW", "SCHEMAS"), "SHOW_DATABASES", "show_databases"),
    (("SHOW", "TABLES"), "SHOW_TABLES", "show_tables"),
    (("SHOW", "VIEWS"), "SHOW_VIEWS", "show_views"),
    (("SHOW", "COLUMNS"), "SHOW_COLUMNS", "show_columns"),
    (("SHOW", "PARTITIONS"), "SHOW_PARTITIONS", "show_partitions"),
    (("SHOW", "TBLPROPERTIES"), "SHOW_TBLPROPERTIES", "show_tblproperties"),
    (("SHOW", "CREATE", "TABLE"), "SHOW_CREATE_TABLE", "show_create_table"),
    (("SHOW", "CREATE", "VIEW"), "SHOW_CREATE_VIEW", "show_create_view"),
    (("DESCRIBE",), "DESCRIBE_TABLE", "describe"),
    (("DESC",), "DESCRIBE_TABLE", "describe"),
]


def kind_of(statement: str) -> tuple[str, Callable[[Context, Cursor], Said], Cursor] | None:
    """A statement's substatement type, what does it, and its words after those that say so; None if it is none of
    these."""
    cursor = Cursor(statement)
    for words, kind, name in _KINDS:
        if cursor.take(*words):
            return kind, globals()[f"_{name}"], cursor
    return None


def _create_database(on: Context, words: Cursor) -> Said:
    anyway = words.take("IF", "NOT", "EXISTS")
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
        if not anyway:
            raise QueryFailed("", f"{_DDL_TASK}Database {name} already exists")
        return Said()
    on.catalog.tell_glue(name, "create_database", DatabaseInput=given)
    return Said()


def _drop_database(on: Context, words: Cursor) -> Said:
    anyway = words.take("IF", "EXISTS")
    name = on.name(words)[1]
    cascade = words.take("CASCADE") or (words.take("RESTRICT") and False)
    words.end()
    if not on.catalog.has_database(name):
        if anyway:
            return Said()
        raise QueryFailed("", f"FAILED: SemanticException [Error 10072]: Database does not exist: {name}")
    if not cascade and _tables(on, name):
        raise QueryFailed("", f"{_DDL_TASK}InvalidOperationException(message:Database {name} is not empty. One or "
                              "more tables exist.)")
    on.catalog.tell_glue(name, "delete_database", Name=name)
    return Said()


def _drop_table(on: Context, words: Cursor) -> Said:
    anyway = words.take("IF", "EXISTS")
    database, name = on.name(words)
    words.end()
    if on.find(database, name) is None:
        if anyway:
            return Said()
        on.glue_table(database, name)
    on.catalog.tell_glue(f"{database}.{name}", "delete_table", DatabaseName=database, Name=name)
    return Said()


def _drop_view(on: Context, words: Cursor) -> Said:
    start = words.statement
    anyway = words.take("IF", "EXISTS")
    database, name = on.name(words)
    words.end()
    found = on.find(database, name)
    if found is None or found.get("TableType") != "VIRTUAL_VIEW":
        if anyway and found is None:
            return Said()
        raise QueryFailed("TABLE_NOT_FOUND", f"{position(start, Cursor(start).tokens[0].start)}: View "
                                             f"'{views.CATALOG}.{database}.{name}' does not exist")
    on.catalog.tell_glue(f"{database}.{name}", "delete_table", DatabaseName=database, Name=name)
    return Said()


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


def _create_view(on: Context, words: Cursor) -> Said:
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
    return Said()


def _create_table(on: Context, words: Cursor) -> Said:
    anyway = words.take("IF", "NOT", "EXISTS")
    database, name = on.name(words)
    try:
        made = sqlglot.parse_one(words.statement, read="athena")
    except SqlglotError as error:
        at = error.errors[0] if getattr(error, "errors", None) else {}
        near = at.get("highlight") or words.peek()
        raise QueryFailed("", f"FAILED: ParseException line {at.get('line', 1)}:{at.get('col', 0)} cannot recognize "
                              f"input near '{near}'") from None
    if not isinstance(made, exp.Create) or not isinstance(made.this, exp.Schema):
        raise QueryFailed("", "FAILED: SemanticException Either list of columns or a custom serializer should be "
                              "specified")
    given = _table_input(name, made)
    on.need_database(database)
    if on.find(database, name) is not None:
        if not anyway:
            raise QueryFailed("", f"{_DDL_TASK}AlreadyExistsException(message:Table {name} already exists.)")
        return Said()
    on.catalog.tell_glue(f"{database}.{name}", "create_table", DatabaseName=database, TableInput=given)
    return Said()


def _table_input(name: str, made: exp.Create) -> dict:
    """What Glue is told of a CREATE EXTERNAL TABLE that sqlglot took apart."""
    serde, reads, writes = _STORED["TEXTFILE"]
    how: dict[str, str] = {}
    storage: dict[str, Any] = {"Columns": [_column(column) for column in made.this.expressions], "Compressed": False,
                               "NumberOfBuckets": -1}
    given: dict[str, Any] = {"Name": name, "TableType": "EXTERNAL_TABLE", "PartitionKeys": [],
                             "StorageDescriptor": storage, "Parameters": {"EXTERNAL": "TRUE"}}
    named_serde = None
    properties = made.args["properties"].expressions if made.args.get("properties") else []
    for one in properties:
        if isinstance(one, exp.PartitionedByProperty):
            given["PartitionKeys"] = [_column(column) for column in one.this.expressions]
        elif isinstance(one, exp.LocationProperty):
            storage["Location"] = one.this.name
        elif isinstance(one, exp.SchemaCommentProperty):
            given["Parameters"]["comment"] = one.this.name
        elif isinstance(one, exp.FileFormatProperty) and isinstance(one.this, exp.InputOutputFormat):
            reads, writes = one.this.args["input_format"].name, one.this.args["output_format"].name
        elif isinstance(one, exp.FileFormatProperty):
            if one.name.upper() not in _STORED:
                raise QueryFailed("", f"FAILED: SemanticException Unrecognized file format in STORED AS clause: "
                                      f"'{one.name}'")
            serde, reads, writes = _STORED[one.name.upper()]
        elif isinstance(one, exp.RowFormatSerdeProperty):
            named_serde = one.this.name
            pairs = one.args.get("serde_properties")
            how.update({pair.this.name: pair.args["value"].name for pair in (pairs.expressions if pairs else ())})
        elif isinstance(one, exp.SerdeProperties):
            how.update({pair.this.name: pair.args["value"].name for pair in one.expressions})
        elif isinstance(one, exp.RowFormatDelimitedProperty):
            for key, told in (("fields", "field.delim"), ("escaped", "escape.delim"),
                              ("collection_items", "collection.delim"), ("map_keys", "mapkey.delim"),
                              ("lines", "line.delim"), ("null", "serialization.null.format")):
                if one.args.get(key):
                    how[told] = one.args[key].name
            how.setdefault("serialization.format", how.get("field.delim", "1"))
        elif type(one) is exp.Property:
            given["Parameters"][one.this.name] = one.args["value"].name
        elif not isinstance(one, exp.ExternalProperty):
            raise QueryFailed("", f"NOT_SUPPORTED: the local AWS does not take {one.sql('hive')} in CREATE TABLE")
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


def _alter_table(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    table = on.glue_table(database, name)
    if words.take("ADD", "COLUMNS"):
        described = sqlglot.parse_one(f"CREATE TABLE t {words.rest().strip()}", read="hive").this.expressions
        table["StorageDescriptor"]["Columns"] += [_column(column) for column in described]
        _update(on, table)
    elif words.take("ADD"):
        _add_partitions(on, words, table)
    elif words.take("DROP"):
        _drop_partitions(on, words, table)
    elif words.take("SET", "TBLPROPERTIES"):
        table.setdefault("Parameters", {}).update(_pairs(words))
        words.end()
        _update(on, table)
    elif words.take("SET", "LOCATION"):
        table["StorageDescriptor"]["Location"] = words.text()
        words.end()
        _update(on, table)
    else:
        raise QueryFailed("", f"FAILED: ParseException {position(words.statement, len(words.statement))} cannot "
                              f"recognize input near '{words.peek()}' in alter table statement")
    return Said()


def _update(on: Context, table: dict) -> None:
    kept = ("Name", "Description", "Owner", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters",
            "ViewOriginalText", "ViewExpandedText")
    on.catalog.tell_glue(f"{table['DatabaseName']}.{table['Name']}", "update_table", DatabaseName=table["DatabaseName"],
                         TableInput={key: table[key] for key in kept if table.get(key) is not None})


def _partition(words: Cursor, keys: Sequence[str]) -> list[str]:
    """PARTITION (key = 'value', …): the values in the order of the table's keys."""
    words.need("PARTITION")
    words.need("(")
    found: dict[str, str] = {}
    while True:
        key = words.identifier()
        words.need("=")
        token = words.next()
        found[key] = token.name if token.kind == "text" else token.text.strip('"')
        if words.take(")"):
            break
        words.need(",")
    if sorted(found) != sorted(keys):
        raise QueryFailed("", f"FAILED: SemanticException partition spec {found} doesn't contain all ({len(keys)}) "
                              "partition columns")
    return [found[key] for key in keys]


def _add_partitions(on: Context, words: Cursor, table: dict) -> None:
    anyway = words.take("IF", "NOT", "EXISTS")
    keys = [key["Name"] for key in table.get("PartitionKeys") or ()]
    wanted = []
    while not words.ended:
        values = _partition(words, keys)
        path = "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
        base = table["StorageDescriptor"]["Location"].rstrip("/")
        wanted.append((values, words.text() if words.take("LOCATION") else f"{base}/{path}/"))
    if not anyway:
        known = {tuple(part.values.values()) for part in _known(on, table)}
        for values, _ in wanted:
            if tuple(values) in known:
                raise QueryFailed("", f"{_DDL_TASK}AlreadyExistsException(message:Partition already exists: {values})")
    on.catalog.register_partitions(table, wanted)


def _drop_partitions(on: Context, words: Cursor, table: dict) -> None:
    anyway = words.take("IF", "EXISTS")
    keys = [key["Name"] for key in table.get("PartitionKeys") or ()]
    known = {tuple(part.values.values()) for part in _known(on, table)}
    while not words.ended:
        values = _partition(words, keys)
        words.take(",")
        if tuple(values) not in known:
            if not anyway:
                raise QueryFailed("", f"FAILED: SemanticException [Error 10006]: Partition not found {values}")
            continue
        on.catalog.tell_glue(table["Name"], "delete_partition", DatabaseName=table["DatabaseName"],
                             TableName=table["Name"], PartitionValues=values)


def _known(on: Context, table: dict) -> list:
    found = on.catalog.table(table["DatabaseName"], table["Name"])
    keys = [key.name for key in found.partition_keys]
    return list(on.catalog._known_partitions(found, keys)) if keys else []


def _msck_repair(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    keys = [key["Name"].lower() for key in table.get("PartitionKeys") or ()]
    base = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    known = {tuple(part.values.values()) for part in _known(on, table)}
    missing = sorted({values for values in _hive_folders(on, base, keys) if values not in known}) if keys else []
    on.catalog.register_partitions(table, [
        (values, base + "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True)) + "/")
        for values in missing])
    paths = ["/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True)) for values in missing]
    lines = ["Partitions not in metastore:\t" + "\t".join(f"{name}:{path}" for path in paths)] if paths else []
    return Said([], lines + [f"Repair: Added partition to metastore {name}:{path}" for path in paths])


def _hive_folders(on: Context, base: str, keys: Sequence[str]) -> list[tuple[str, ...]]:
    """The values of the folders `key=value/` under a table's location that hold objects."""
    from athena.catalog import Partition

    bucket, prefix = place(base)
    found = []
    for thing in on.catalog.objects(Partition({}, f"s3://{bucket}/{prefix}")):
        parts = thing.key[len(prefix):].split("/")[:-1]
        pairs = [part.partition("=") for part in parts[:len(keys)]]
        if len(pairs) == len(keys) and all(pair[0].lower() == key for pair, key in zip(pairs, keys, strict=True)):
            found.append(tuple(pair[2] for pair in pairs))
    return found


def _said(names: str, lines: Sequence[str]) -> Said:
    return Said([Column(name, "string") for name in names.split(",")], list(lines))


def _matches(pattern: str | None, names: Sequence[str]) -> list[str]:
    """The names that a pattern of SHOW fits: '*' is anything, '|' is or."""
    if pattern is None:
        return sorted(names)
    form = re.compile("|".join(part.replace("*", ".*") for part in pattern.lower().split("|")))
    return sorted(name for name in names if form.fullmatch(name))


def _tables(on: Context, database: str) -> list[dict]:
    try:
        pages = on.catalog.glue.get_paginator("get_tables").paginate(DatabaseName=database)
        return [table for page in pages for table in page["TableList"]]
    except on.catalog.glue.exceptions.ClientError as error:
        from athena.callers import refused
        raise refused(error, database) from None


def _pattern(words: Cursor) -> str | None:
    words.take("LIKE")
    pattern = None if words.ended else words.text()
    words.end()
    return pattern


def _show_databases(on: Context, words: Cursor) -> Said:
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


def _show_tables(on: Context, words: Cursor) -> Said:
    database = _database(on, words)
    return _said("tab_name", _matches(_pattern(words), [table["Name"] for table in _tables(on, database)]))


def _show_views(on: Context, words: Cursor) -> Said:
    database = _database(on, words)
    return _said("views", _matches(_pattern(words), [table["Name"] for table in _tables(on, database)
                                                      if table.get("TableType") == "VIRTUAL_VIEW"]))


def _columns(table: dict) -> list[tuple[str, str, str]]:
    view = views.content(table)
    if view:
        return [(column["name"], column["type"], "") for column in view["columns"]]
    return [(column["Name"], column.get("Type", ""), column.get("Comment", ""))
            for column in table["StorageDescriptor"].get("Columns", [])]


def _keys(table: dict) -> list[tuple[str, str, str]]:
    return [(key["Name"], key.get("Type", ""), key.get("Comment", "")) for key in table.get("PartitionKeys") or ()]


def _show_columns(on: Context, words: Cursor) -> Said:
    if not (words.take("IN") or words.take("FROM")):
        raise words.wrong("'FROM', 'IN'")
    database, name = on.name(words)
    if words.take("IN") or words.take("FROM"):
        database = words.identifier()
    words.end()
    table = on.glue_table(database, name)
    return _said("field", [f"{column:<20}" for column, _, _ in [*_columns(table), *_keys(table)]])


def _show_partitions(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    keys = [key for key, _, _ in _keys(table)]
    if not keys:
        raise QueryFailed("", f"FAILED: SemanticException [Error 10001]: Table {name} is not a partitioned table")
    if projection.enabled(table.get("Parameters") or {}):
        return _said("partition", [])  # Glue knows none of what is projected
    return _said("partition", sorted("/".join(f"{key}={part.values[key]}" for key in keys)
                                     for part in _known(on, table)))


def _show_tblproperties(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    wanted = None
    if words.take("("):
        wanted = words.text()
        words.need(")")
    words.end()
    parameters = on.glue_table(database, name).get("Parameters") or {}
    return _said("prpt_name,prpt_value", [f"{key}\t{value}" for key, value in sorted(parameters.items())
                                          if wanted in (None, key)])


def _describe(on: Context, words: Cursor) -> Said:
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


def _show_create_table(on: Context, words: Cursor) -> Said:
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


def _show_create_view(on: Context, words: Cursor) -> Said:
    database, name = on.name(words)
    words.end()
    table = on.find(database, name)
    if table is None or table.get("TableType") != "VIRTUAL_VIEW":
        raise QueryFailed("TABLE_NOT_FOUND", f"line 1:1: View '{views.CATALOG}.{database}.{name}' does not exist")
    return _view_text(table, database, name)


def _view_text(table: dict, database: str, name: str) -> Said:
    text = (views.content(table) or {}).get("originalSql", "")
    return _said("create view", [f'CREATE VIEW "{database}"."{name}" AS', *text.split("\n")])
