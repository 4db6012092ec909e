"""One picture of what was measured."""
from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from bench_parts import questions

COLOURS = {"textbook": "#d55e00", "tutorial": "#e69f00", "tutorial, partition columns": "#cc79a7", "ours": "#0072b2",
           "delivered": "#0072b2", "compacted": "#009e73"}


def draw(numbers: dict[str, Any], subtitle: str, file: Path) -> None:
    """Write a picture with a panel for each part that was measured."""
    draws = {"function": _function, "questions": _questions, "pipe": _pipe}
    figure, axes = plt.subplots(1, len(numbers), figsize=(5 * len(numbers), 4), squeeze=False, layout="constrained")
    for ax, (part, measured) in zip(axes[0], numbers.items(), strict=True):
        draws[part](ax, measured)
        ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle(subtitle, fontsize=8, color="#666666")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _function(ax: plt.Axes, measured: list) -> None:
    bars = ax.bar([one.name for one in measured], [one.sent_small.billed_over_real for one in measured],
                  color=[COLOURS[one.name] for one in measured])
    ax.bar_label(bars, fmt="%.2f")
    ax.set(title="Firehose bills, for each byte of small events", ylabel="bytes")


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


def _pipe(ax: plt.Axes, measured: list) -> None:
    ax.plot([one.changes for one in measured], [one.changes_a_second for one in measured], marker="o",
            color=COLOURS["ours"])
    ax.set(title="From the table to an answer", xlabel="changes", ylabel="changes a second", xscale="log",
           ylim=(0, None))
