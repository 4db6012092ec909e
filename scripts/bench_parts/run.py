"""Runs the parts that are asked for, and leaves tables, numbers and a chart in build/bench."""
from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable

import command

from bench_parts import function
from bench_parts.tables import short, table

FOLDER = command.ROOT / "build" / "bench"


def run(parts: Iterable[str], engine: str, quick: bool) -> int:
    """Measure each of `parts`; returns the exit status."""
    began = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = [f"Measured on {datetime.date.today():%d %B %Y}: {os.cpu_count()} cores, Python "
             f"{platform.python_version()}, {platform.system()}, SQL by {engine}."]
    numbers: dict[str, object] = {}
    for part in parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        measured, text = _PARTS[part](engine, quick)
        numbers[part] = measured
        texts.append(text)
        print(f"\n{text}\n", flush=True)
    (FOLDER / "bench.md").write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    (FOLDER / "bench.json").write_text(json.dumps(numbers, indent=2, default=dataclasses.asdict), encoding="utf-8")
    print(f"{texts[0]}\n{time.monotonic() - began:.0f} s: {FOLDER.relative_to(command.ROOT)}/bench.md, bench.json")
    return 0


def _function(engine: str, quick: bool) -> tuple[object, str]:
    measured = function.measure(turns=20 if quick else 100)
    return measured, "**The function**: 10,000 changes, the same event from both baselines\n\n" + table(
        ("Design", "events/s on a core", "of the floor", "of textbook", "Firehose calls", "records", "bytes an event",
         "billed/real", "billed/real, small events", "largest batch"),
        [(one.name, short(one.events_a_second), short(one.of_floor), short(one.of_textbook), one.sent.calls,
          f"{one.sent.records:,}", short(one.sent.bytes_an_event), f"{one.sent.billed_over_real:.3f}",
          f"{one.sent_small.billed_over_real:.3f}", f"{one.largest_batch:,}") for one in measured])


_PARTS: dict[str, Callable[[str, bool], tuple[object, str]]] = {"function": _function}
