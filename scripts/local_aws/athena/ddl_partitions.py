"""The partitions that Glue knows of a table: added and dropped by name, or found in S3.

https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html
"""
from __future__ import annotations

from collections.abc import Sequence

from local_aws.athena.aws_catalog import place, table_of
from local_aws.athena.catalog import Partition, folder
from local_aws.athena.ddl_context import DDL_TASK, Context, Output
from local_aws.athena.exchange import QueryFailed
from local_aws.athena.sql import Cursor


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


def add_partitions(on: Context, words: Cursor, table: dict) -> None:
    """ALTER TABLE table ADD [IF NOT EXISTS] PARTITION (key = 'value', …) [LOCATION 'url'] …, for a table as Glue holds
    it. Raises QueryFailed in Hive's words. https://docs.aws.amazon.com/athena/latest/ug/alter-table-add-partition.html
    """
    if_not_exists = words.take("IF", "NOT", "EXISTS")
    keys = [key["Name"] for key in table.get("PartitionKeys") or ()]
    base, wanted = _location(table), []
    while not words.ended:
        values = _partition(words, keys)
        own = base + folder(dict(zip(keys, values, strict=True)))
        wanted.append((values, words.text() if words.take("LOCATION") else own))
    if not if_not_exists:
        there = {tuple(part.values()) for part in known(on, table)}
        for values, _ in wanted:
            if tuple(values) in there:
                raise QueryFailed("", f"{DDL_TASK}AlreadyExistsException(message:Partition already exists: {values})")
    on.catalog.register_partitions(table, wanted)


def drop_partitions(on: Context, words: Cursor, table: dict) -> None:
    """ALTER TABLE table DROP [IF EXISTS] PARTITION (key = 'value', …), …, for a table as Glue holds it. The objects
    stay. Raises QueryFailed in Hive's words.
    https://docs.aws.amazon.com/athena/latest/ug/alter-table-drop-partition.html"""
    if_exists = words.take("IF", "EXISTS")
    keys = [key["Name"] for key in table.get("PartitionKeys") or ()]
    there = {tuple(part.values()) for part in known(on, table)}
    while not words.ended:
        values = _partition(words, keys)
        words.take(",")
        if tuple(values) not in there:
            if not if_exists:
                raise QueryFailed("", f"FAILED: SemanticException [Error 10006]: Partition not found {values}")
            continue
        on.catalog.tell_glue(table["Name"], "delete_partition", DatabaseName=table["DatabaseName"],
                             TableName=table["Name"], PartitionValues=values)


def _location(table: dict) -> str:
    """Where the table's objects lie, with a '/' at the end. Raises QueryFailed where Glue does not say it."""
    location = (table.get("StorageDescriptor") or {}).get("Location")
    if not location:
        raise QueryFailed("", f"{DDL_TASK}MetaException(message:Table {table['Name']} has no location)")
    return location.rstrip("/") + "/"


def known(on: Context, table: dict) -> list[dict[str, str]]:
    """The values of the partitions that Glue knows, by the partition columns' names. Needs glue:GetPartitions."""
    found = table_of(table, table["DatabaseName"], table["Name"])
    return [dict(part.values) for part in on.catalog.known_partitions(found)] if found.partition_keys else []


def msck_repair(on: Context, words: Cursor) -> Output:
    """MSCK REPAIR TABLE table: has Glue know the folders `key=value/` under its location that hold objects, and names
    those that it did not know. Raises QueryFailed in Hive's words.
    https://docs.aws.amazon.com/athena/latest/ug/msck-repair-table.html"""
    database, name = on.name(words)
    words.end()
    table = on.glue_table(database, name)
    keys = [key["Name"].lower() for key in table.get("PartitionKeys") or ()]
    base = _location(table)
    there = {tuple(part.values()) for part in known(on, table)}
    missing = sorted({values for values in _hive_folders(on, base, keys) if values not in there}) if keys else []
    folders = [folder(dict(zip(keys, values, strict=True))) for values in missing]
    on.catalog.register_partitions(table, [
        (values, base + path) for values, path in zip(missing, folders, strict=True)])
    added = [f"{name}:{path.rstrip('/')}" for path in folders]
    lines = ["Partitions not in metastore:\t" + "\t".join(added)] if added else []
    return Output([], lines + [f"Repair: Added partition to metastore {part}" for part in added])


def _hive_folders(on: Context, base: str, keys: Sequence[str]) -> list[tuple[str, ...]]:
    """The values of the folders `key=value/` under a table's location that hold objects."""
    bucket, prefix = place(base)
    found = []
    for stored in on.catalog.objects(Partition({}, f"s3://{bucket}/{prefix}")):
        parts = stored.key[len(prefix):].split("/")[:-1]
        pairs = [part.partition("=") for part in parts[:len(keys)]]
        if len(pairs) == len(keys) and all(pair[0].lower() == key for pair, key in zip(pairs, keys, strict=True)):
            found.append(tuple(pair[2] for pair in pairs))
    return found
