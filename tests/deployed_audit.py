"""The audit deployed on a local AWS, from the table to the view, told to fail and held to the three proofs."""
from __future__ import annotations

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable

import proofs
import seals
from aws_under_test import ask
from bench_parts.client import Client
from bench_parts.deployment import BUCKET, DATABASE, deploy
from bench_parts.notebook_sql import PART_5, statements
from orders import Change

TABLE = "Orders"

csv.field_size_limit(sys.maxsize)  # an image may have 400 KB


class DeployedAudit:
    """Made as the workbook makes it, with Part 5's own view."""

    def __init__(self, status: dict, **settings: int):
        self.client = Client(status)
        deploy(self.client, **settings)
        (self.view,) = statements(PART_5, "view").values()
        self.client.run(self.view, DATABASE)
        self.s3, self.dynamodb = self.client.s3, self.client.client("dynamodb")

    # Faults

    def fail(self, faults: Iterable[dict]) -> None:
        """Have the local AWS fail, from now on, in these ways and in no others."""
        self._faults("DELETE")
        self._faults("POST", list(faults))

    def injected(self) -> Counter:
        """How often each fault has struck since it was asked for."""
        told: Counter = Counter()
        for fault in self._faults("GET"):
            told[fault["fault"] + (" after" if fault.get("after") else "")] += fault["injected"]
        return told

    def _faults(self, method: str, content: list | None = None) -> list[dict]:
        return ask(self.client.status, "/_local/faults", method, content)["faults"]

    # What the audit holds

    def history(self, which: str = "true", of: str = "order_history") -> list[Change]:
        rows = self.client.answer(f"SELECT order_id, step, old_image, new_image, detail FROM {of} "
                                  f"WHERE {which} ORDER BY order_id, step", DATABASE)
        return proofs.changes(
            ({"order_id": order_id, "step": int(step), "old_image": old or None, "new_image": new or None,
              "detail": detail or None} for order_id, step, old, new, detail in rows),
            lambda key: seals.read(self.s3, BUCKET, key))

    def count(self, what: str, of: str = "order_history") -> int:
        return int(self.client.answer(f"SELECT {what} FROM {of}", DATABASE)[0][0])

    def given_up(self) -> list[str]:
        """The batches that the trigger gave up on, as its destination keeps them."""
        return [json.loads(seals.read(self.s3, BUCKET, key))["payload"]
                for key in seals.keys(self.s3, BUCKET, "aws/lambda/")]

    def replay(self) -> int:
        """Hand what the trigger gave up on to the function, as Part 6 does; how many records that is."""
        payloads = self.given_up()
        for payload in payloads:
            answer = self.client.client("lambda").invoke(FunctionName="function", Payload=payload)
            assert "FunctionError" not in answer and not json.load(answer["Payload"])["batchItemFailures"]
        return sum(len(json.loads(payload)["Records"]) for payload in payloads)


def told(struck: Counter) -> str:
    return ", ".join(f"{fault} {times:,}" for fault, times in sorted(struck.items()))


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a fact, for so many seconds at the most; ask the less often the longer it takes."""
    began = time.monotonic()
    while not true():
        waited = time.monotonic() - began
        assert waited < seconds, f"after {waited:.0f} s still not: {what}"
        time.sleep(min(2, max(0.2, waited / 10)))
