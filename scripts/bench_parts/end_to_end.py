"""End to end on the local AWS: from a write to the table until the change is in an answer, and what it takes."""
from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench_parts.client import Client
from bench_parts.deployment import DATABASE, deploy
from bench_parts.memory import memory
from commands.local_aws_process import clean_local_aws

_WRITERS = 8  # threads that write to the table, 25 items a call
_WITHIN = 900  # seconds in which all changes must be in an answer


@dataclass
class Measured:
    """What so many changes took: seconds until the table had them all and until an answer had them all, and the memory,
    in MB, of the local AWS with its function afterwards."""

    changes: int
    written: float
    queryable: float
    memory: float

    @property
    def changes_a_second(self) -> float:
        """Throughput from the first write until the answer."""
        return self.changes / self.queryable


def measure(engine: str, counts: Sequence[int]) -> list[Measured]:
    """Send each number of changes through an audit of their own, on a local AWS that is empty at first."""
    measured = []
    for count in counts:
        print(f"  {count:,} changes", file=sys.stderr, flush=True)
        with clean_local_aws(engine) as status:
            client = Client(status)
            deploy(client)
            client.run("SELECT 1", DATABASE)  # an engine may start with its first query
            began = time.monotonic()
            _write(client, count)
            written = time.monotonic() - began
            _until_queryable(client, count, began)
            queryable = time.monotonic() - began
            measured.append(Measured(count, written, queryable, memory(status["pids"][0])))
    return measured


def _write(client: Client, count: int) -> None:
    dynamodb = client.client("dynamodb")

    def put(first: int) -> None:
        waiting = {"Orders": [{"PutRequest": {"Item": {
            "orderId": {"S": str(number)}, "state": {"S": "OPEN"}, "lastUpdatedDate": {"N": str(1705305600 + number)},
            "lastUpdatedBy": {"S": "shop"}, "customer": {"S": f"c-{number % 1000:03d}"},
        }}} for number in range(first, min(first + 25, count))]}
        while waiting:
            waiting = dynamodb.batch_write_item(RequestItems=waiting).get("UnprocessedItems")

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(put, range(0, count, 25)))


def _until_queryable(client: Client, count: int, began: float) -> None:
    """Ask until the answer has all changes."""
    while True:
        found = int(client.answer("SELECT count(DISTINCT event_id) FROM order_events", DATABASE)[0][0])
        if found == count:
            return
        waited = time.monotonic() - began
        if waited > _WITHIN or found > count:
            raise AssertionError(f"After {waited:.0f} s an answer has {found:,} of {count:,} changes")
        time.sleep(max(0.1, waited / 20))  # a question takes from what is measured: ask the less the longer it takes
