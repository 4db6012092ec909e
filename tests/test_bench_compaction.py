"""The compaction of Part 7, by the notebook's own SQL on the local AWS: what comes late or twice is there once."""
from __future__ import annotations

import gzip
import json
import uuid

import pytest

from bench_parts import layouts
from bench_parts.client import WORKGROUP, Client
from bench_parts.notebook_sql import PART_5, PART_7, statements

COLUMNS = ("event_id", "order_id", "sequence_number", "changed_at", "new_state")
DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")


class Audit:
    """A bucket with delivered objects, and a database with its table, as Part 5 makes them."""

    def __init__(self, status: dict):
        self.client, self.name = Client(status), f"compaction_{uuid.uuid4().hex[:8]}"
        self.bucket = self.name.replace("_", "-")
        if WORKGROUP not in (one["Name"] for one in self.client.athena.list_work_groups()["WorkGroups"]):
            self.client.make_bucket(layouts.BUCKET)
        self.client.s3.create_bucket(Bucket=self.bucket)
        self.client.glue.create_database(DatabaseInput={"Name": self.name})
        location = f"s3://{self.bucket}/events/"
        layouts.json_table(self.client, self.name, "order_events", location, ["dt"], {
            "projection.enabled": "true", "projection.dt.type": "date", "projection.dt.format": "yyyy-MM-dd",
            "projection.dt.range": f"{DAYS[0]},2024-01-09", "storage.location.template": f"{location}dt=${{dt}}/"})
        self.sql = statements(PART_7, "compaction")
        self.run("create")

    def deliver(self, arrived: str, *events: tuple[str, str, str]) -> None:
        """Put an object with events, (id, order, time of the change), among the arrivals of a day."""
        lines = [json.dumps(dict.fromkeys([*layouts._TEXT, "last_updated_date"]) | {
            "event_id": event, "event_name": "MODIFY", "order_id": order, "changed_at": changed, "new_state": "OPEN",
            "sequence_number": event.zfill(40), "changed_attributes": ["state"], "new_image": "{}"})
            for event, order, changed in events]
        self.client.s3.put_object(Bucket=self.bucket, Key=f"events/dt={arrived}/{uuid.uuid4()}.gz",
                                  Body=gzip.compress("".join(line + "\n" for line in lines).encode()))

    def run(self, statement: str, **values: str) -> None:
        self.client.run(self.sql[statement].format(columns=self.sql["columns"], **values), self.name)

    def compact(self, day: str) -> None:
        since = self.client.answer(self.sql["since"].format(day=day), self.name)[0][0]
        self.run("insert", day=day, since=since)

    def ask(self, sql: str) -> list[list[str]]:
        return self.client.answer(sql, self.name)

    def compacted(self) -> list[list[str]]:
        return self.ask("SELECT event_id, day FROM order_events_compacted ORDER BY event_id, day")

    def seen(self, closed: str) -> list[list[str]]:
        """What the view shows when the days up to `closed` are."""
        self.run("view", closed=closed)
        return self.ask("SELECT event_id, order_id, step, changed_at FROM order_history ORDER BY event_id")


@pytest.fixture
def audit(aws) -> Audit:
    return Audit(aws.status())


def test_a_day_is_compacted_once_however_often_and_with_what_comes_late(audit):
    audit.deliver(DAYS[0], ("1", "a", "2024-01-01 10:00:00"), ("2", "b", "2024-01-01 11:00:00"))
    audit.deliver(DAYS[0], ("1", "a", "2024-01-01 10:00:00"))  # a copy in another object
    audit.compact(DAYS[0])
    once = [["1", DAYS[0]], ["2", DAYS[0]]]
    assert audit.compacted() == once
    audit.compact(DAYS[0])
    assert audit.compacted() == once
    audit.deliver(DAYS[0], ("3", "a", "2024-01-01 12:00:00"), ("2", "b", "2024-01-01 11:00:00"))
    audit.compact(DAYS[0])
    assert audit.compacted() == [*once, ["3", DAYS[0]]]


def test_copies_that_come_on_different_days_meet_under_the_day_of_the_change(audit):
    audit.deliver(DAYS[0], ("1", "a", "2024-01-01 23:59:59"))
    audit.deliver(DAYS[1], ("1", "a", "2024-01-01 23:59:59"), ("2", "a", "2024-01-01 23:59:58"),
                  ("3", "a", "2024-01-02 00:00:00"))
    for day in (DAYS[1], DAYS[0], DAYS[1]):  # in whatever order
        audit.compact(day)
    assert audit.compacted() == [["1", DAYS[0]], ["2", DAYS[0]], ["3", DAYS[1]]]


def test_the_view_shows_the_same_whatever_is_closed(audit):
    audit.deliver(DAYS[0], ("1", "a", "2024-01-01 10:00:00"), ("2", "b", "2024-01-01 23:59:59"))
    audit.deliver(DAYS[1], ("2", "b", "2024-01-01 23:59:59"), ("3", "a", "2024-01-02 08:00:00"))
    audit.deliver(DAYS[2], ("3", "a", "2024-01-02 08:00:00"), ("4", "a", "2024-01-03 08:00:00"))
    for statement in statements(PART_5, "view").values():
        audit.client.run(statement, audit.name)
    before = audit.ask("SELECT event_id, order_id, step, changed_at FROM order_history ORDER BY event_id")
    assert [row[0] for row in before] == ["1", "2", "3", "4"] and [row[2] for row in before] == ["1", "1", "2", "3"]
    for day in DAYS:
        audit.compact(day)
    for closed in ("2023-12-31", *DAYS):
        assert audit.seen(closed) == before, closed


def test_an_event_that_comes_days_late_is_shown_after_its_arrival_is_compacted(audit):
    audit.deliver(DAYS[0], ("1", "a", "2024-01-01 10:00:00"))
    audit.compact(DAYS[0])
    audit.deliver(DAYS[2], ("2", "a", "2024-01-01 11:00:00"), ("1", "a", "2024-01-01 10:00:00"))
    assert [row[0] for row in audit.seen(DAYS[0])] == ["1"]
    audit.compact(DAYS[2])
    assert [row[0] for row in audit.seen(DAYS[0])] == ["1", "2"]


def test_a_closed_day_is_read_from_parquet_alone(audit):
    audit.deliver(DAYS[0], *((str(number), f"o{number % 50}", "2024-01-01 10:00:00") for number in range(3_000)))
    audit.compact(DAYS[0])
    audit.run("view", closed=DAYS[0])
    parquet = sum(item["Size"] for item in audit.client.s3.list_objects_v2(
        Bucket=layouts.BUCKET, Prefix="athena/tables/")["Contents"])
    asked = audit.client.run("SELECT new_state, count(*) AS n FROM order_history GROUP BY 1", audit.name)
    assert audit.client.text(asked) == '"new_state","n"\n"OPEN","3000"\n'
    assert 0 < asked.bytes_read <= parquet
