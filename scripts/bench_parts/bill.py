"""What the designs are billed: Firehose's bytes for an event, measured, and dollars a month, by the code of Part 7."""
from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench_parts import designs, function
from bench_parts.notebook_sql import NOTEBOOKS, PART_7, executed

BATCHES = (30, 100, 1_000, 10_000)  # events
RATES = (1, 1_000, 100_000)  # changes a second
EVENT_BYTES = 600  # what Part 7 finds an event of its own to take
# The function of each design of Part 7; the last two differ in how large their batches are
FUNCTIONS = {"textbook": designs.textbook, "tutorial": designs.tutorial, "workbook, compacted": designs.ours}


@dataclass(frozen=True)
class Found:
    """Bytes that Firehose bills for an event, by function and events a batch; and dollars a month, by design of Part 7
    and changes a second of EVENT_BYTES each."""

    billed: dict[str, dict[int, float]]
    dollars: dict[str, dict[int, float]]


def measure(count: int = function.LAMBDA_RECORDS) -> Found:
    """Send the same `count` changes through each function, and calculate each design's bill."""
    load = function.full_load(count)
    return Found({name: billed(design, load) for name, design in FUNCTIONS.items()}, dollars())


def billed(design: Callable, load: Sequence[dict]) -> dict[int, float]:
    """Bytes that Firehose bills for an event, when the load comes in batches of each of BATCHES."""
    found = {}
    for size in BATCHES:
        batches = [load[first:first + size] for first in range(0, len(load), size)]
        sent = [function.send(design, batch) for batch in batches]
        found[size] = sum(one.billed_over_real * one.bytes_an_event * len(batch)
                          for one, batch in zip(sent, batches, strict=True)) / len(load)
    return found


def dollars() -> dict[str, dict[int, float]]:
    """Dollars a month of each design at each of RATES: Part 7's cells with the prices and the designs are executed."""
    if str(NOTEBOOKS) not in sys.path:
        sys.path.insert(0, str(NOTEBOOKS))
    part = executed(PART_7, "costs", math=math, event_bytes=EVENT_BYTES)
    return {design.name: {rate: sum(part["costs"].month(design, rate, part["prices"]).values()) for rate in RATES}
            for design in (*part["designs"], part["aged"])}
