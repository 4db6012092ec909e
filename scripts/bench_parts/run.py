"""Runs the parts that are asked for, and leaves tables, numbers and a chart in build/bench."""
from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bench_parts import bill, chart, end_to_end, function, questions
from bench_parts.layouts import WITH_COLUMNS, WITHOUT_COLUMNS
from bench_parts.tables import short, size, table
from environments import ROOT

FOLDER = ROOT / "build" / "bench"
COMMITTED = ROOT / "scripts" / "bench.md"
BEGIN = "Measured on "  # where the tables begin in COMMITTED; the words before them stay


def run(parts: Iterable[str], engine: str, quick: bool, write: bool = False) -> int:
    """Measure each of `parts`, keep the tables in FOLDER and, with `write`, in COMMITTED; returns the exit status."""
    began = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = [f"{BEGIN}{datetime.date.today():%d %B %Y}{' with --quick' if quick else ''}: {os.cpu_count()} cores, "
             f"Python {platform.python_version()}, {platform.system()}, SQL by {engine}."]
    print(texts[0], flush=True)
    numbers: dict[str, Any] = {}
    for part in parts:
        print(f"{part} …", file=sys.stderr, flush=True)
        measure, tell = _PARTS[part]
        numbers[part] = measure(engine, quick)
        texts.append(tell(numbers[part]))
        print(f"\n{texts[-1]}", flush=True)
    (FOLDER / "bench.md").write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    if write:
        commit(texts)
    (FOLDER / "bench.json").write_text(json.dumps(numbers, indent=2, default=dataclasses.asdict), encoding="utf-8")
    chart.draw(numbers, texts[0], FOLDER / "bench.png")
    print(f"\n{time.monotonic() - began:.0f} s: bench.md, bench.json and bench.png in "
          f"{FOLDER.relative_to(ROOT)}")
    return 0


def commit(texts: Sequence[str], file: Path = COMMITTED) -> None:
    """Put the tables into `file`, behind the words that it begins with."""
    words = file.read_text(encoding="utf-8").partition(f"\n{BEGIN}")[0]
    file.write_text("\n\n".join([words.rstrip(), *texts]) + "\n", encoding="utf-8")


def _function(measured: list[function.Measured]) -> str:
    return "**The function**, over 10,000 changes with both images (small: as small as the tutorial's)\n\n" + table(
        ("Design", "events/s on a core", "of the floor", "of textbook", "Firehose calls", "records", "bytes an event",
         "billed/real", "bytes a small event", "billed/real, small", "largest batch"),
        [(one.name, short(one.events_a_second), short(one.of_floor), short(one.of_textbook), one.sent.calls,
          f"{one.sent.records:,}", short(one.sent.bytes_an_event), f"{one.sent.billed_over_real:.3f}",
          short(one.sent_small.bytes_an_event), f"{one.sent_small.billed_over_real:.3f}", f"{one.largest_batch:,}")
         for one in measured])


def _bill(found: bill.Found) -> str:
    ours = list(found.billed.values())[-1]

    def cell(billed: dict[int, float], size: int) -> str:
        return short(billed[size]) + ("" if billed is ours else f" ({short(billed[size] / ours[size])} times)")

    return "\n\n".join([
        "**Bytes that Firehose bills for an event**, by events a batch; in brackets, how many times as many as the "
        "workbook's",
        table(("Function", *(f"{size:,}" for size in bill.BATCHES)),
              [(name, *(cell(billed, size) for size in bill.BATCHES)) for name, billed in found.billed.items()]),
        f"**Dollars a month**, by changes a second, of {bill.EVENT_BYTES} bytes each, as Part 7 calculates them",
        table(("Design", *(f"{rate:,}" for rate in bill.RATES)),
              [(name, *(f"{dollars:,.2f}" if dollars < 1_000 else f"{dollars:,.0f}" for dollars in by_rate.values()))
               for name, by_rate in found.dollars.items()])])


def _questions(found: questions.Found) -> str:
    largest = found.made[-1].events
    return "\n\n".join([
        f"**Bytes that a question about one of 30 days reads**, of {largest:,} events; in brackets how many times less "
        f"than the tutorial's layout with its partition columns, and than without them{_beside(found)}",
        _bytes(found.asked, largest),
        "**How they grow**: bytes and seconds of a question about a day (median of all), and of the transition matrix "
        "of all 30 days",
        _growth(found.asked),
        "**What the events take**: bytes that S3 keeps, seconds to compact them, and the local AWS's memory after all "
        "questions",
        _made(found.made),
    ])


def _bytes(measured: list[questions.Measured], largest: int) -> str:
    found = {(one.question, one.layout): one for one in measured if (one.events, one.span) == (largest, "a day")}
    layouts, names = (list(dict.fromkeys(key[place] for key in found)) for place in (1, 0))

    def cell(name: str, layout: str) -> str:
        one = found[name, layout]
        beside = "" if one.duckdb_bytes is None else f" / {size(one.duckdb_bytes)}"
        less = "" if layout in (WITH_COLUMNS, WITHOUT_COLUMNS) else " ({})".format(", ".join(
            f"1/{found[name, other].bytes_read / one.bytes_read:,.0f}" for other in (WITH_COLUMNS, WITHOUT_COLUMNS)))
        return size(one.bytes_read) + beside + less

    return table(("Question", *layouts), [(name, *(cell(name, layout) for layout in layouts)) for name in names])


def _beside(found: questions.Found) -> str:
    return "" if found.asked[0].duckdb_bytes is None else (
        "; behind the stroke, DuckDB's count. DuckDB also did the compacting, as Trino has no levels of ZSTD")


def _growth(measured: list[questions.Measured]) -> str:
    groups: dict[tuple[str, int], dict[str, list[questions.Measured]]] = {}
    for one in measured:
        groups.setdefault((one.layout, one.events), {}).setdefault(one.span, []).append(one)
    heads = [f"{span}: {what}" for span in questions.SPANS for what in ("bytes", "seconds")]
    return table(("Layout", "events", *heads),
                 [(layout, f"{events:,}", *(text for span in questions.SPANS for text in (
                     size(statistics.median(one.bytes_read for one in spans[span])),
                     short(statistics.median(one.seconds for one in spans[span])))))
                  for (layout, events), spans in sorted(groups.items())])


def _made(made: list[questions.Made]) -> str:
    return table(("Events", *made[0].kept, "compacted in, s", "memory, MB"),
                 [(f"{one.events:,}", *map(size, one.kept.values()), short(one.compacting), f"{one.memory:.0f}")
                  for one in made])


def _end_to_end(measured: list[end_to_end.Measured]) -> str:
    return "**End to end** on the local AWS, from the first write until an answer has all changes\n\n" + table(
        ("Changes", "written after, s", "in an answer after, s", "changes/s", "memory, MB"),
        [(f"{one.changes:,}", short(one.written), short(one.queryable), short(one.changes_a_second),
          f"{one.memory:.0f}") for one in measured])


_PARTS: dict[str, tuple[Callable[[str, bool], Any], Callable[[Any], str]]] = {
    "function": (lambda engine, quick: function.measure(turns=20 if quick else 100), _function),
    "bill": (lambda engine, quick: bill.measure(), _bill),
    "questions": (lambda engine, quick: questions.measure(
        engine, [10_000] if quick else [10_000, 100_000, 1_000_000], 1 if quick else 3), _questions),
    "end_to_end": (lambda engine, quick: end_to_end.measure(
        engine, [1_000] if quick else [1_000, 10_000, 100_000]), _end_to_end),
}
