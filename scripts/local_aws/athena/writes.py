"""CREATE TABLE AS, INSERT INTO and UNLOAD: what they say about where rows go, checked as Athena does.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html, …/insert-into.html
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.athena.aws_catalog import FORMATS, AwsCatalog, place
from local_aws.athena.catalog import Partition
from local_aws.athena.ddl_context import Context
from local_aws.athena.exchange import QueryFailed, Target
from local_aws.athena.sql import Cursor
from local_aws.athena.views import CATALOG

_SERDES = {serde: name for name, (serde, _, _) in FORMATS.items()}
_SERDES["org.openx.data.jsonserde.JsonSerDe"] = "JSON"
_COMPRESSIONS = {"PARQUET": ("GZIP", "SNAPPY", "ZSTD", "LZ4", "NONE"),
                 "ORC": ("ZLIB", "SNAPPY", "ZSTD", "LZ4", "NONE"), "AVRO": ("SNAPPY", "DEFLATE", "ZSTD", "NONE"),
                 "JSON": ("GZIP", "DEFLATE", "BZIP2", "ZSTD", "SNAPPY", "LZ4", "NONE")}
_COMPRESSIONS["TEXTFILE"] = _COMPRESSIONS["JSON"]
_DEFAULT = {"PARQUET": "GZIP", "ORC": "ZLIB", "AVRO": "DEFLATE", "JSON": "GZIP", "TEXTFILE": "GZIP"}


_LISTS = ("partitioned_by", "bucketed_by")  # the properties that are an ARRAY of texts


def parse(statement: str) -> tuple[str, Cursor] | None:
    """'CREATE_TABLE_AS_SELECT' or 'INSERT' and the words after its first; None for another statement."""
    words = Cursor(statement)
    if words.take("INSERT", "INTO"):
        return "INSERT", words
    if words.take("CREATE", "TABLE"):
        return "CREATE_TABLE_AS_SELECT", words
    return None


def create(on: Context, words: Cursor, results: str, enforced: bool) -> tuple[Target | None, str]:
    """Where a CREATE TABLE AS writes, and its query. `results` is the s3:// folder that is the table's where the
    statement names none, and must be where the workgroup enforces its settings. None where the table is there
    already and the statement has IF NOT EXISTS."""
    if_not_exists = words.take("IF", "NOT", "EXISTS")
    database, name = on.name(words)
    given = _properties(words) if words.take("WITH") else {}
    if words.peek() == "(" and not given:
        raise QueryFailed("NOT_SUPPORTED", "Only external tables can be created without a query: write CREATE EXTERNAL "
                                           "TABLE, or CREATE TABLE … AS SELECT")
    words.need("AS")
    query, with_data = _query(words)
    if not on.catalog.has_database(database):
        raise QueryFailed("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{database}' does not exist")
    if on.find(database, name) is not None:
        if if_not_exists:
            return None, query
        raise QueryFailed("TABLE_ALREADY_EXISTS", f"line 1:1: Table '{CATALOG}.{database}.{name}' already exists")
    target = _target(database, name, given, results, enforced)
    target.with_data = with_data
    bucket, key = place(target.location)
    if on.catalog.objects(Partition({}, target.location)):
        raise QueryFailed("HIVE_PATH_ALREADY_EXISTS", f"Target directory for table '{database}.{name}' already exists: "
                          f"s3://{bucket}/{key}. You may need to manually clean the data at location "
                          f"'{results}' before retrying. Athena will not delete data in your account.")
    return target, query


def _query(words: Cursor) -> tuple[str, bool]:
    """The query of a CREATE TABLE AS without its WITH [NO] DATA, and whether it is to be run."""
    tail = [token.text.upper() for token in words.tokens[-3:]]
    cut = 3 if tail == ["WITH", "NO", "DATA"] else 2 if tail[-2:] == ["WITH", "DATA"] else 0
    query = words.rest()
    return (query[:words.tokens[-cut].start] if cut else query), cut != 3


def _properties(words: Cursor) -> dict[str, Any]:
    """WITH (name = value, …): texts, numbers, true, false, and ARRAY[…] of texts."""
    found: dict[str, Any] = {}
    words.need("(")
    while True:
        name = words.identifier()
        words.need("=")
        if words.take("ARRAY"):
            words.need("[")
            found[name] = []
            while not words.take("]"):
                found[name].append(words.text())
                words.take(",")
        else:
            token = words.next()
            found[name] = token.name if token.kind == "text" else token.text.lower()
        if words.take(")"):
            return found
        words.need(",")


def _target(database: str, name: str, given: Mapping[str, Any], results: str, enforced: bool) -> Target:
    given = dict(given)
    for property_name, value in given.items():
        if isinstance(value, list) != (property_name in _LISTS):
            raise _invalid(property_name, value)
    if given.pop("table_type", "HIVE").upper() != "HIVE":
        raise QueryFailed("NOT_SUPPORTED", "The local AWS makes Hive tables only; Iceberg takes AWS")
    form = given.pop("format", "PARQUET").upper()
    form = {"TEXT": "TEXTFILE", "JSONFILE": "JSON"}.get(form, form)
    if form not in FORMATS:
        raise _invalid("format", form)
    compression = given.pop("write_compression", None)
    for own in ("parquet", "orc"):
        named = given.pop(f"{own}_compression", None)
        if named and form == own.upper():
            compression = compression or named
    compression = (compression or _DEFAULT[form]).upper()
    if compression not in _COMPRESSIONS[form]:
        raise _invalid("write_compression", compression)
    level = _level(given.pop("compression_level", None), compression)
    location = given.pop("external_location", None)
    if location is not None and enforced:
        raise QueryFailed("", "The Create Table As Select query failed because it was submitted with an "
                              "'external_location' property to an Athena Workgroup that enforces a centralized output "
                              "location for all queries. Please remove the 'external_location' property and resubmit "
                              "the query.")
    target = Target(True, database, name, (location or results).rstrip("/") + "/", form, compression, level,
                    [column.lower() for column in given.pop("partitioned_by", [])],
                    field_delimiter=given.pop("field_delimiter", None))
    given.pop("is_external", None)
    if given:
        raise QueryFailed("INVALID_TABLE_PROPERTY", f"line 1:1: Catalog '{CATALOG}' table property "
                                                    f"'{next(iter(given))}' does not exist, or the local AWS does not "
                                                    "know it")
    return target


def _level(given: str | None, compression: str) -> int:
    """https://docs.aws.amazon.com/athena/latest/ug/compression-support-zstd-levels.html"""
    if given is None:
        return 3
    if compression != "ZSTD" or not given.isdecimal() or not 1 <= int(given) <= 22:
        raise _invalid("compression_level", given)
    return int(given)


def _invalid(name: str, value: str | list[str]) -> QueryFailed:
    return QueryFailed("INVALID_TABLE_PROPERTY", f"Invalid value for table property '{name}': {value}")


def insert(on: Context, words: Cursor) -> tuple[Target, str]:
    """Where an INSERT INTO writes, and its query."""
    database, name = on.name(words)
    columns: list[str] = []
    if words.peek() == "(" and words.peek(1) not in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        words.need("(")
        while True:
            columns.append(words.identifier())
            if words.take(")"):
                break
            words.need(",")
    return into(on.catalog, database, name, columns), words.rest()


def into(catalog: AwsCatalog, database: str, name: str, columns: list[str]) -> Target:
    """The target of an INSERT INTO a table that Glue holds."""
    table = catalog.table(database, name)
    if table is None:
        raise QueryFailed("TABLE_NOT_FOUND", f"line 1:1: Table '{CATALOG}.{database}.{name}' does not exist")
    if table.view is not None:
        raise QueryFailed("NOT_SUPPORTED", "line 1:1: Inserting into views is not supported")
    known = [column.name for column in (*table.columns, *table.partition_keys)]
    for column in columns:
        if column not in known:
            raise QueryFailed("COLUMN_NOT_FOUND", f"line 1:1: Insert column name does not exist in target table: "
                                                  f"{column}")
    form = _SERDES.get(table.serde)
    if form is None:
        raise QueryFailed("NOT_SUPPORTED", f"INSERT INTO a table of {table.serde} is not supported")
    compression = (table.parameters.get("write.compression") or table.parameters.get("parquet.compression")
                   or _DEFAULT[form]).upper()
    level = _level(table.parameters.get("compression_level"), compression)
    return Target(False, database, name, table.location.rstrip("/") + "/", form, compression, level,
                  [key.name for key in table.partition_keys], columns,
                  field_delimiter=table.serde_parameters.get("field.delim"))
