"""The same events in S3 as three designs keep them, and as tables and views that the workbook's questions are asked of.

- tutorial: JSON as it is, under year/month/day/hour folders; asked with its partition columns and without them.
- delivered: the workbook's objects, by day of arrival: gzip members that the function made of batches of 1,000.
- compacted: Parquet, by day of change, made by Athena with the statements of Part 7.

All have one object an hour, whatever the design, so that they differ in nothing else.
"""
from __future__ import annotations

import gzip
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench_parts import designs
from bench_parts.changes import DAYS, changes_of_day, days
from bench_parts.client import Client
from bench_parts.notebook_sql import PART_5, PART_7, statements

BUCKET = "bench"
DAY = "2024-01-17"  # the day that one-day questions are about
WITHOUT_COLUMNS, WITH_COLUMNS = "tutorial", "tutorial, partition columns"
_TEXT = ("event_id", "event_name", "order_id", "sequence_number", "changed_at", "old_state", "new_state", "changed_by",
         "old_image", "new_image", "detail")
_COLUMNS = [*({"Name": name, "Type": "string"} for name in _TEXT), {"Name": "last_updated_date", "Type": "bigint"},
            {"Name": "changed_attributes", "Type": "array<string>"}]
_BATCH = 1_000  # records: what the workbook's trigger hands over at most
_HOURS = ("year", "month", "day", "hour")


@dataclass(frozen=True)
class Layout:
    """Where a question finds its events: for each table that a view reads, what stands in its place for a span."""

    name: str
    view: str  # the CREATE VIEW statement, over the tables' names
    one_day: dict[str, str]
    all_days: dict[str, str]

    def create_view(self, days: str) -> str:
        """The view's statement for 'a day' or '30 days'."""
        statement = self.view
        for table, source in (self.one_day if days == "a day" else self.all_days).items():
            statement = re.sub(rf"\bFROM {table}\b", f"FROM ({source})", statement)
        return statement


def database_of(count: int) -> str:
    """The database of the tables over so many events."""
    return f"bench_{count}"


def put(client: Client, count: int) -> None:
    """Put `count` events into S3 both ways, with their tables."""
    database = database_of(count)
    client.make_bucket(BUCKET)
    client.glue.create_database(DatabaseInput={"Name": database})
    with ProcessPoolExecutor(2) as pool:
        folders = list(pool.map(_put_day, [client.status] * DAYS, [count] * DAYS, range(DAYS)))
    json_table(client, database, "order_events", f"s3://{BUCKET}/{count}/events/", ["dt"], {
        "projection.enabled": "true", "projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": f"{days()[0]},{days()[-1]}",
        "storage.location.template": f"s3://{BUCKET}/{count}/events/dt=${{dt}}/"})
    json_table(client, database, "tutorial", f"s3://{BUCKET}/{count}/tutorial/", list(_HOURS), {})
    partitions = [{"Values": hour.split("/"), "StorageDescriptor": _storage(f"s3://{BUCKET}/{count}/tutorial/{hour}/")}
                  for hours in folders for hour in hours]
    for first in range(0, len(partitions), 100):
        client.glue.batch_create_partition(DatabaseName=database, TableName="tutorial",
                                           PartitionInputList=partitions[first:first + 100])


def _put_day(status: dict, count: int, day: int) -> list[str]:
    """One day's objects in both ways, from another process; returns the hours as folders."""
    s3, pack = Client(status).s3, designs.our_function().pack
    hours: dict[str, list[dict]] = defaultdict(list)
    for record in changes_of_day(count, day):
        when = time.gmtime(record["dynamodb"]["ApproximateCreationDateTime"])
        hours[time.strftime("%Y/%m/%d/%H", when)].append(record)
    for hour, records in hours.items():
        batches = [pack(records[first:first + _BATCH])[0] for first in range(0, len(records), _BATCH)]
        body = b"".join(package.data for packages in batches for package in packages)
        s3.put_object(Bucket=BUCKET, Key=f"{count}/tutorial/{hour}/events", Body=gzip.decompress(body))
        s3.put_object(Bucket=BUCKET, Key=f"{count}/events/dt={hour[:10].replace('/', '-')}/{hour[11:]}.json.gz",
                      Body=body)
    return list(hours)


def json_table(client: Client, database: str, name: str, location: str, keys: list[str], parameters: dict) -> None:
    """Make a Glue table of the audit's columns over JSON lines, partitioned by `keys` (all text)."""
    client.glue.create_table(DatabaseName=database, TableInput={
        "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "json", **parameters},
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys], "StorageDescriptor": _storage(location)})


def _storage(location: str) -> dict:
    return {"Columns": _COLUMNS, "Location": location, "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hive.hcatalog.data.JsonSerDe"}}


def compact(client: Client, database: str) -> float:
    """Compact all days with the statements of Part 7, in order; returns the seconds it took."""
    began, sql = time.monotonic(), statements(PART_7, "compaction")
    client.run(sql["create"].format(columns=sql["columns"]), database)
    for day in days():
        since = client.answer(sql["since"].format(day=day), database)[0][0]
        client.run(sql["insert"].format(columns=sql["columns"], day=day, since=since), database)
    return time.monotonic() - began


def kept(client: Client, database: str) -> dict[str, int]:
    """Bytes that each layout keeps in S3 for all events."""
    tables = {"tutorial": "tutorial", "delivered": "order_events", "compacted": "order_events_compacted"}
    return {layout: _bytes_below(client, database, table) for layout, table in tables.items()}


def _bytes_below(client: Client, database: str, table: str) -> int:
    location = client.glue.get_table(DatabaseName=database, Name=table)["Table"]["StorageDescriptor"]["Location"]
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    pages = client.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix.rstrip("/") + "/")
    return sum(item["Size"] for page in pages for item in page.get("Contents", []))


def layouts(database: str) -> Iterator[Layout]:
    """The layouts of one database, the tutorial's twice."""
    (view,) = statements(PART_5, "view").values()
    sql = statements(PART_7, "compaction")
    both = sql["view"].format(columns=sql["columns"], closed=days()[-1])
    year, month, day = DAY.split("-")
    tutorial = f"SELECT *, concat(year, '-', month, '-', day) AS dt FROM {database}.tutorial"
    columns = f"{tutorial} WHERE year = '{year}' AND month = '{month}' AND day = '{day}'"
    events, compacted = f"SELECT * FROM {database}.order_events", f"SELECT * FROM {database}.order_events_compacted"
    yield Layout(WITHOUT_COLUMNS, view, {"order_events": f"{tutorial} WHERE changed_at LIKE '{DAY}%'"},
                 {"order_events": tutorial})
    yield Layout(WITH_COLUMNS, view, {"order_events": columns}, {"order_events": tutorial})
    yield Layout("delivered", view, {"order_events": f"{events} WHERE dt = '{DAY}'"}, {"order_events": events})
    yield Layout("compacted", both,
                 {"order_events": f"{events} WHERE dt = '{DAY}'",
                  "order_events_compacted": f"{compacted} WHERE day = '{DAY}'"},
                 {"order_events": events, "order_events_compacted": compacted})
