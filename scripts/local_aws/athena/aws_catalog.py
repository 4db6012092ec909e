"""The catalog as it is: Glue and S3 of the local AWS, asked as the query's caller."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.athena import projection, views
from local_aws.athena.callers import Caller, refused
from local_aws.athena.catalog import Catalog, GlueColumn, Object, Partition, Table, folder
from local_aws.athena.exchange import Column, QueryFailed, Target
from local_aws.athena.hive_types import to_hive

# format: SerDe, input format, output format (https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html)
FORMATS = {
    "PARQUET": ("org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
                "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"),
    "ORC": ("org.apache.hadoop.hive.ql.io.orc.OrcSerde", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
            "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat"),
    "AVRO": ("org.apache.hadoop.hive.serde2.avro.AvroSerDe",
             "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
             "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat"),
    "JSON": ("org.apache.hive.hcatalog.data.JsonSerDe", "org.apache.hadoop.mapred.TextInputFormat",
             "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
    "TEXTFILE": ("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "org.apache.hadoop.mapred.TextInputFormat",
                 "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"),
}


def place(url: str) -> tuple[str, str]:
    """The bucket and key of an s3:// URL."""
    parts = urlsplit(url, allow_fragments=False)
    if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc:
        raise QueryFailed("INVALID_TABLE_PROPERTY", f"Invalid S3 location: {url}")
    key = parts.path[1:] + ("?" + parts.query if parts.query else "")
    return parts.netloc, key


class AwsCatalog(Catalog):
    """One query's view of Glue and S3, as `Catalog` says; what Glue answered of a table stays true for the query."""

    def __init__(self, caller: Caller, database: str):
        self.caller, self.database = caller, database
        self.glue, self.s3 = caller.client("glue"), caller.client("s3")
        self._tables: dict[tuple[str, str], Table | None] = {}
        self._databases: dict[str, bool] = {}

    def has_database(self, name: str) -> bool:
        name = name.lower()
        if name not in self._databases:
            self._databases[name] = self.ask_glue(name, "get_database", Name=name) is not None
        return self._databases[name]

    def table(self, database: str, name: str) -> Table | None:
        key = database.lower(), name.lower()
        if key not in self._tables:
            found = self.ask_glue(".".join(key), "get_table", DatabaseName=key[0], Name=key[1])
            self._tables[key] = None if found is None else table_of(found["Table"], *key)
        return self._tables[key]

    def partitions(self, table: Table, injected: Mapping[str, Sequence[str]] | None = None) -> Iterator[Partition]:
        if not table.partition_keys:
            yield Partition({}, table.location)
        elif projection.enabled(table.parameters):
            for values, location in projection.project(table, injected or {}):
                yield Partition(values, location)
        else:
            yield from self.known_partitions(table)

    def known_partitions(self, table: Table) -> Iterator[Partition]:
        """The partitions that Glue knows."""
        keys = [key.name for key in table.partition_keys]
        for found in self.list_glue(f"{table.database}.{table.name}", "get_partitions", "Partitions",
                                    DatabaseName=table.database, TableName=table.name):
            yield Partition(dict(zip(keys, found["Values"], strict=True)), found["StorageDescriptor"]["Location"])

    def objects(self, partition: Partition) -> list[Object]:
        bucket, prefix = place(partition.location)
        if prefix and not prefix.endswith("/"):
            prefix += "/"
        found = []
        try:
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for listed in page.get("Contents", ()):
                    path = listed["Key"][len(prefix):]
                    if path and not path.endswith("/") and not any(
                            part.startswith(("_", ".")) for part in path.split("/")):
                        found.append(Object(bucket, listed["Key"], listed["Size"]))
        except (ClientError, BotoCoreError) as error:
            raise refused(error, f"s3://{bucket}/{prefix}") from None
        return found

    def read(self, stored: Object, start: int = 0, end: int | None = None) -> bytes:
        ranged = {} if start == 0 and end is None else {
            "Range": f"bytes={start}-{'' if end is None else end - 1}"}
        if end is not None and end <= start:
            return b""
        try:
            return self.s3.get_object(Bucket=stored.bucket, Key=stored.key, **ranged)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise refused(error, f"s3://{stored.bucket}/{stored.key}") from None

    def put(self, url: str, body: bytes) -> None:
        bucket, key = place(url)
        try:
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as error:
            raise refused(error, url) from None

    def create_table(self, target: Target, columns: Sequence[Column]) -> None:
        count = len(columns) - len(target.partitioned_by)
        described = [{"Name": column.name, "Type": to_hive(column.type)} for column in columns]
        parameters = {"EXTERNAL": "TRUE", "classification": target.format.lower(), "auto.purge": "false",
                      "write.compression": target.compression}  # which INSERT INTO goes by
        if target.compression == "ZSTD":
            parameters["compression_level"] = str(target.level)
        serde, reads, writes = FORMATS[target.format]
        # Text: the field's end is Hive's own ^A where none is named
        how = {"field.delim": target.field_delimiter or "\x01",
               "serialization.format": target.field_delimiter or "\x01"} if target.format == "TEXTFILE" else {}
        self.tell_glue(f"{target.database}.{target.table}", "create_table", DatabaseName=target.database, TableInput={
            "Name": target.table, "TableType": "EXTERNAL_TABLE", "Parameters": parameters,
            "PartitionKeys": described[count:],
            "StorageDescriptor": {"Columns": described[:count], "Location": target.location.rstrip("/"),
                                  "InputFormat": reads, "OutputFormat": writes, "Compressed": False,
                                  "SerdeInfo": {"SerializationLibrary": serde, "Parameters": how}}})
        self._tables.pop((target.database, target.table), None)

    def add_partitions(self, target: Target, values: Sequence[Sequence[str]]) -> None:
        wanted = {tuple(value) for value in values}
        if not wanted:
            return
        table = self.tell_glue(f"{target.database}.{target.table}", "get_table", DatabaseName=target.database,
                               Name=target.table)["Table"]
        keys = [key["Name"] for key in table["PartitionKeys"]]
        self.register_partitions(table, [
            (value, target.location.rstrip("/") + "/" + folder(dict(zip(keys, value, strict=True))))
            for value in sorted(wanted)])

    def register_partitions(self, table: dict, wanted: Sequence[tuple[Sequence[str], str]]) -> None:
        """Have Glue know partitions of a table that it holds, as (values, location); known ones stay as they are."""
        name = f"{table['DatabaseName']}.{table['Name']}"
        for at in range(0, len(wanted), 100):  # as many as Glue takes in one call
            self.tell_glue(name, "batch_create_partition", DatabaseName=table["DatabaseName"],
                           TableName=table["Name"], PartitionInputList=[
                {"Values": list(values), "StorageDescriptor": {**table["StorageDescriptor"], "Location": location}}
                for values, location in wanted[at:at + 100]])

    def exists(self, database: str, name: str) -> bool:
        glue = self.caller.aws.client("glue", region_name=self.caller.region)  # as the local root
        try:
            glue.get_table(DatabaseName=database, Name=name)
        except glue.exceptions.EntityNotFoundException:
            return False
        return True

    def check_every_table(self) -> None:
        for found in self.list_glue("the catalog", "get_databases", "DatabaseList"):
            self.tell_glue(found["Name"], "get_tables", DatabaseName=found["Name"])

    def check_adding_partitions(self, target: Target) -> None:
        self.tell_glue(f"{target.database}.{target.table}", "batch_create_partition", DatabaseName=target.database,
                       TableName=target.table, PartitionInputList=[])

    def ask_glue(self, about: str, call: str, **arguments: Any) -> dict | None:
        """Glue's answer to a call, or None where there is no such table or database. `about` is what a refusal names.
        Raises QueryFailed."""
        try:
            return getattr(self.glue, call)(**arguments)
        except self.glue.exceptions.EntityNotFoundException:
            return None
        except (ClientError, BotoCoreError) as error:
            raise refused(error, about) from None

    def list_glue(self, about: str, call: str, key: str, **arguments: str) -> Iterator[dict]:
        """Every entry of a list of Glue's, which stands under `key` of each page. Raises QueryFailed."""
        try:
            for page in self.glue.get_paginator(call).paginate(**arguments):
                yield from page[key]
        except (ClientError, BotoCoreError) as error:
            raise refused(error, about) from None

    def tell_glue(self, about: str, call: str, **arguments: Any) -> dict:
        """Glue's answer to a call. `about` is what a refusal names. Raises QueryFailed."""
        try:
            return getattr(self.glue, call)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise refused(error, about) from None


def table_of(found: dict, database: str, name: str) -> Table:
    """A table as Glue holds it, in the catalog's form."""
    storage = found.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    view = views.content(found) if views.is_view(found) else None
    columns = tuple(GlueColumn(column["name"], column["type"]) for column in view["columns"]) if view else tuple(
        GlueColumn(column["Name"].lower(), column.get("Type", "string")) for column in storage.get("Columns", ()))
    return Table(
        database, name, columns,
        partition_keys=tuple(GlueColumn(key["Name"].lower(), key.get("Type", "string"))
                             for key in found.get("PartitionKeys") or ()),
        location=storage.get("Location") or "", serde=serde.get("SerializationLibrary") or "",
        serde_parameters=serde.get("Parameters") or {}, input_format=storage.get("InputFormat") or "",
        parameters=found.get("Parameters") or {}, view=view["originalSql"] if view else None,
        view_database=view["schema"] or database if view else None)
