"""One picture of what was measured."""
from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from bench_parts import bill, questions

COLOURS = {"textbook": "#d55e00", "tutorial": "#e69f00", "tutorial, partition columns": "#cc79a7", "ours": "#0072b2",
           "ours, not compressed": "#56b4e9",
           "delivered": "#0072b2", "compacted": "#009e73"}


def draw(numbers: dict[str, Any], subtitle: str, file: Path) -> None:
    """Write a picture with a panel for each part that was measured."""
    draws = {"function": _function, "bill": _bill, "questions": _questions, "end_to_end": _end_to_end}
    figure, axes = plt.subplots(1, len(numbers), figsize=(5 * len(numbers), 4), squeeze=False, layout="constrained")
    for ax, (part, measured) in zip(axes[0], numbers.items(), strict=True):
        draws[part](ax, measured)
        ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle(subtitle, fontsize=8, color="#666666")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _function(ax: plt.Axes, measured: list) -> None:
    bars = ax.bar([one.name.replace(", ", ",\n") for one in measured], [one.events_a_second for one in measured],
                  color=[COLOURS[one.name] for one in measured])
    ax.bar_label(bars, fmt="{:,.0f}")
    ax.set(title="The function on a core", ylabel="events a second")


def _bill(ax: plt.Axes, found: bill.Found) -> None:
    billed = {name: by_batch[1_000] for name, by_batch in found.billed.items()}
    bars = ax.bar([name.replace(", ", ",\n") for name in billed], list(billed.values()),
                  color=[COLOURS.get(name, COLOURS["ours"]) for name in billed])
    ax.bar_label(bars, fmt="{:,.0f}")
    ax.set(title="Firehose bills for an event, in batches of 1,000", ylabel="bytes", yscale="log")


def _questions(ax: plt.Axes, found: questions.Found) -> None:
    measured = found.asked
    layouts = list(dict.fromkeys(one.layout for one in measured))
    for layout in layouts:
        sizes = sorted({one.events for one in measured})
        read = [statistics.median(one.bytes_read for one in measured
                                  if (one.events, one.layout, one.span) == (events, layout, "a day"))
                for events in sizes]
        ax.loglog(sizes, read, marker="o", color=COLOURS[layout])
        ax.annotate(layout, (sizes[-1], read[-1]), xytext=(6, 0), textcoords="offset points", color=COLOURS[layout],
                    fontsize=8, va="center")
    ax.margins(x=0.45)
    ax.set(title="A question about a day reads (median)", xlabel="events of 30 days", ylabel="bytes")


def _end_to_end(ax: plt.Axes, measured: list) -> None:
    ax.plot([one.changes for one in measured], [one.changes_a_second for one in measured], marker="o",
            color=COLOURS["ours"])
    ax.set(title="From the table to an answer", xlabel="changes", ylabel="changes a second", xscale="log",
           ylim=(0, None))
