"""Part 5's questions over the same events in each layout: bytes read, seconds, and that the answers are equal."""
from __future__ import annotations

import hashlib
import re
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_parts import layouts
from bench_parts.client import Client
from bench_parts.memory import memory
from bench_parts.notebook_sql import PART_5, statements
from commands.local_aws_process import clean_local_aws, local_aws

SPANS = ("a day", "30 days")  # how far back a question looks
_OF_ALL_DAYS = "transition_matrix"  # what is asked about 30 days, once, since it reads all there is
_ONE_ORDER = re.compile(r"(?<=order_id = )'\w+'")  # whose story Part 5 tells; here it is that of an order of the day


@dataclass
class Measured:
    """One question in one layout: medians of some times asked. `duckdb_bytes` where another engine was measured."""

    events: int
    layout: str
    span: str
    question: str
    seconds: float
    bytes_read: int
    answer: str  # its SHA-256
    duckdb_bytes: int | None = None


@dataclass
class Made:
    """What `events` took: seconds to compact them, bytes that each layout keeps in S3, and the memory, in MB, of the
    local AWS with its engine after all questions about them and about fewer."""

    events: int
    compacting: float
    kept: dict[str, int]
    memory: float = 0


@dataclass
class Found:
    """All that was measured, in the order in which it was."""

    asked: list[Measured]
    made: list[Made]


class Unequal(Exception):
    """Two layouts gave different answers to the same question about the same events."""


def measure(engine: str, counts: Sequence[int], times: int) -> Found:
    """Ask the questions in every layout of every size, `times` times where not everything is read."""
    with clean_local_aws("duckdb") as status:  # it compacts as Athena does; Trino itself has no levels of ZSTD
        client = Client(status)
        made = []
        for count in counts:
            print(f"  {count:,} events: putting, compacting …", file=sys.stderr, flush=True)
            layouts.put(client, count)
            database = layouts.database_of(count)
            made.append(Made(count, layouts.compact(client, database), layouts.kept(client, database)))
            _views(client, database)
        asked = _ask_all(status, made, times if engine == "duckdb" else 1)
        if engine == "duckdb":
            return Found(asked, made)
        port, state = int(status["endpoint"].rpartition(":")[2]), Path(status["state"])
        with local_aws(engine, port, state) as again:  # the same tables and objects
            measured = _ask_all(again, made, times)
    for one, other in zip(measured, asked, strict=True):
        one.duckdb_bytes = other.bytes_read
        if one.answer != other.answer:
            raise Unequal(f"{one.question} in {one.layout}: the engines' answers differ")
    return Found(measured, made)


def _views(client: Client, database: str) -> None:
    """A database for each layout and span, with the view `order_history`: so the questions stay as they are."""
    for layout in layouts.layouts(database):
        for span in SPANS:
            name = _database(database, layout.name, span)
            client.glue.create_database(DatabaseInput={"Name": name})
            client.run(layout.create_view(span), name)


def _database(database: str, layout: str, span: str) -> str:
    return "_".join([database, *layout.replace(",", "").split(), *span.split()])


def _ask_all(status: dict, made: list[Made], times: int) -> list[Measured]:
    client, asked = Client(status), []
    for size in made:
        asked += _ask_size(client, size.events, times)
        size.memory = memory(status["pids"][0])
    return asked


def _ask_size(client: Client, count: int, times: int) -> Iterator[Measured]:
    database = layouts.database_of(count)
    order = client.answer(f"SELECT min(order_id) FROM order_events WHERE dt = '{layouts.DAY}'", database)[0][0]
    for span in SPANS:
        for name, sql in statements(PART_5, "question").items():
            if span == "30 days" and name != _OF_ALL_DAYS:
                continue
            sql = _ONE_ORDER.sub(f"'{order}'", sql)
            found = []
            for layout in layouts.layouts(database):
                print(f"  {count:,} events, {span}, {layout.name}: {name}", file=sys.stderr, flush=True)
                everything = span == "30 days" or layout.name == layouts.WITHOUT_COLUMNS
                found.append(_ask(client, sql, count, database, layout.name, span, name, 1 if everything else times))
            if len({one.answer for one in found}) > 1:
                raise Unequal(f"{name} over {count:,} events, {span}: the layouts' answers differ")
            yield from found


def _ask(client: Client, sql: str, count: int, database: str, layout: str, span: str, name: str,
         times: int) -> Measured:
    asked = [client.run(sql, _database(database, layout, span)) for _ in range(times)]
    answer = hashlib.sha256(client.text(asked[0]).encode()).hexdigest()
    return Measured(count, layout, span, name, statistics.median(one.seconds for one in asked),
                    max(one.bytes_read for one in asked), answer)
