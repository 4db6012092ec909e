"""The charts of Part 5: one question each, titled with its answer. A state has the same colour in all of them.

Colours are those of Okabe and Ito, which colour-blind readers can tell apart (https://jfly.uni-koeln.de/color/).
"""
from __future__ import annotations

import io
import json
import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, DayLocator
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

if TYPE_CHECKING:
    import ipywidgets

NEW, DELETED = "(new)", "(deleted)"
COLOURS = {
    NEW: "#999999", "OPEN": "#0072B2", "PICKEDUP": "#E69F00", "DELIVERED": "#009E73", "RETURNED": "#CC79A7",
    "CANCELLED": "#D55E00", DELETED: "#444444",
}
STATES = tuple(COLOURS)
PLACES = {  # of the states in the picture of the flow: columns to the right, rows upwards
    NEW: (0, 1), "OPEN": (1, 1), "PICKEDUP": (2, 1), "DELIVERED": (3, 1), "RETURNED": (4, 1), "CANCELLED": (1.5, 0),
    DELETED: (2.5, 0),
}
WIDTH = 8.5  # inches; at 100 dots each readable at the width of a README


def in_order(states: Collection[str]) -> list[str]:
    """States in the order in which an order goes through them; others, which this shop does not know, after them."""
    return sorted(states, key=lambda state: (STATES.index(state) if state in STATES else len(STATES), state))


def colour(state: str) -> str:
    """A state's colour, as #RRGGBB; black for one that this shop does not know."""
    return COLOURS.get(state, "#000000")


def heat_map(matrix: pd.DataFrame, title: str, marked: Collection[tuple[str, str]] = ()) -> Axes:
    """How often each state (row) became each other (column). The cells `marked`, as (row, column), get a frame."""
    figure, ax = plt.subplots(figsize=(WIDTH, 4.2), layout="constrained")
    values = matrix.to_numpy(dtype=float)
    ax.imshow(values**0.5, cmap="Blues", aspect="auto")  # the root, so that the few show beside the many
    for row, before in enumerate(matrix.index):
        for column, after in enumerate(matrix.columns):
            count = int(values[row, column])
            if count:
                ax.text(column, row, f"{count}", ha="center", va="center",
                        color="white" if count > values.max() / 3 else "black")
            if (before, after) in marked:
                ax.add_patch(plt.Rectangle((column - 0.47, row - 0.46), 0.94, 0.92, fill=False, lw=2.5,
                                           edgecolor="#D55E00"))
    ax.set_xticks(range(len(matrix.columns)), matrix.columns)
    ax.set_yticks(range(len(matrix.index)), matrix.index)
    ax.set(xlabel="to", ylabel="from", title=title)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def flow(transitions: pd.DataFrame, title: str) -> Axes:
    """The flow between states: an arrow for each row (`from_state`, `to_state`, `changes`), wide where many go."""
    figure, ax = plt.subplots(figsize=(WIDTH, 4.2), layout="constrained")
    most = max(transitions["changes"].max(), 1)
    known = transitions[transitions["from_state"].isin(PLACES) & transitions["to_state"].isin(PLACES)]
    for before, after, count in known[["from_state", "to_state", "changes"]].itertuples(index=False):
        (x0, y0), (x1, y1) = PLACES[before], PLACES[after]
        # Neighbours are joined by a straight line; whoever skips a state or goes back takes a bow around it
        bow = 0 if y0 != y1 or x1 - x0 == 1 else -0.45
        ax.add_patch(FancyArrowPatch(
            (x0, y0), (x1, y1), connectionstyle=f"arc3,rad={bow}", arrowstyle="simple",
            shrinkA=36, shrinkB=36, mutation_scale=9 + 36 * count / most, color=colour(after), lw=0))
        middle = ((x0 + x1) / 2, (y0 + y1) / 2 + (0.19 if bow == 0 and y0 == y1 else 0) - bow * (x1 - x0) / 2)
        ax.text(*middle, f"{count}", ha="center", va="center", fontweight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1})
    for state, (x, y) in PLACES.items():
        ax.text(x, y, state, ha="center", va="center", color="white", fontsize=9, fontweight="bold",
                bbox={"boxstyle": "round,pad=0.5", "facecolor": colour(state), "edgecolor": "none"})
    ax.set(xlim=(-0.5, 4.5), ylim=(-0.4, 2.0), title=title)
    ax.axis("off")
    return ax


def time_in_state(stays: pd.DataFrame, title: str) -> Axes:
    """How long orders stayed in a state: a dot for each row (`state`, `hours`), and a bar at the median."""
    states = in_order(stays["state"].unique())
    figure, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.75 * len(states)), layout="constrained")
    for row, state in enumerate(states):
        hours = stays.loc[stays["state"] == state, "hours"].astype(float).sort_values().to_numpy()
        spread = [(index * 0.618034 % 1 - 0.5) * 0.5 for index in range(len(hours))]  # even, and the same every time
        ax.scatter(hours, [row + shift for shift in spread], s=9, alpha=0.45, color=colour(state), linewidths=0)
        median = float(pd.Series(hours).median())
        ax.plot([median, median], [row - 0.36, row + 0.36], color="black", lw=2)
        ax.annotate(f"{median:.1f} h", (median, row - 0.38), ha="center", va="bottom", fontsize=9, fontweight="bold")
    ax.set_yticks(range(len(states)), states)
    ax.set(xlabel="hours in the state", title=title, xlim=(0, None), ylim=(len(states) - 0.4, -0.8))
    _only_axes(ax, "bottom")
    return ax


def states_over_time(counts: pd.DataFrame, title: str) -> Axes:
    """How many orders were in each state: a column for each state, indexed by time."""
    counts = counts[in_order(counts.columns)]
    figure, ax = plt.subplots(figsize=(WIDTH, 4.2), layout="constrained")
    ax.stackplot(counts.index, *[counts[state].astype(float) for state in counts],
                 colors=[colour(str(state)) for state in counts])
    bottom = 0.0
    for state in map(str, counts):  # each name stands beside its own band, so that no legend has to be looked up
        height = float(counts[state].iloc[-1])
        if height:
            ax.annotate(f"{state} {height:.0f}", (counts.index[-1], bottom + height / 2), xytext=(6, 0),
                        textcoords="offset points", va="center", color=colour(state), fontweight="bold", fontsize=9)
        bottom += height
    ax.set(ylabel="orders", title=title, xlim=(counts.index[0], counts.index[-1]), ylim=(0, None))
    _days(ax)
    _only_axes(ax, "left", "bottom")
    return ax


def timeline(story: pd.DataFrame, title: str, until: pd.Timestamp, figure: Figure | None = None) -> Axes:
    """One order's life: a bar for each state that it was in, between the times of its changes (columns `new_state`,
    `updated_at`, `changed_by`, one row a change, in order), and up to `until` for the last. Drawn into `figure`, or a
    new one of the notebook."""
    begins = list(pd.to_datetime(story["updated_at"]))
    ends = [*begins[1:], max(until, begins[-1])]
    levels = _levels(begins, 0.18 * (ends[-1] - begins[0]))
    figure = figure or plt.figure()
    figure.set(size_inches=(WIDTH, 1.4 + 0.4 * (1 + max(levels))), layout_engine="constrained")
    ax = figure.subplots()
    stays = zip(begins, ends, story["new_state"], story["changed_by"], strict=True)
    for level, (begin, end, state, by) in zip(levels, stays, strict=True):
        height = 0.45 + 0.4 * level
        state = DELETED if pd.isna(state) else state
        if state != DELETED:
            # pyrefly: ignore[bad-argument-type]  matplotlib takes times, which its types do not say
            ax.barh(0, end - begin, left=begin, height=0.5, color=colour(state))
        # pyrefly: ignore[bad-argument-type]
        ax.plot([begin, begin], [-0.25, height + 0.13], color=colour(state), lw=1.5)
        ax.annotate(f"{state}\nby {'nobody named' if pd.isna(by) else by}", (begin, height), xytext=(3, 0),
                    textcoords="offset points", va="center", fontsize=8, color=colour(state),
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.5}, zorder=4)
    ax.set(title=title, ylim=(-0.3, 0.75 + 0.4 * max(levels)), yticks=[])
    ax.margins(x=0.08)
    _days(ax)
    _only_axes(ax, "bottom")
    return ax


def name_lines(ax: Axes, names: Sequence[str]) -> None:
    """Write the name of each line of `ax`, in their order, behind its last point and in its colour: so no legend has to
    be looked up. Where names would lie on each other, the upper one moves up. The limits of the axes must be set."""
    figure = ax.figure
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # only then it is known where a point lies
    height = 11 * figure.dpi / 72  # pixels of a line of text of 9 points
    free = -math.inf  # the lowest place where a name covers none of those below
    ends = [tuple(np.asarray(line.get_xydata())[-1]) for line in ax.lines]
    levels = [ax.transData.transform(end)[1] for end in ends]
    for level, end, line, name in sorted(zip(levels, ends, ax.lines, names, strict=True), key=lambda one: one[0]):
        place = max(level, free)
        free = place + height
        ax.annotate(name, end, xytext=(5, (place - level) * 72 / figure.dpi), fontsize=9, va="center",
                    textcoords="offset points", color=line.get_color(), fontweight="bold")


def differences(story: pd.DataFrame) -> pd.DataFrame:
    """What each change of `story` (columns `step`, `old_image`, `new_image`) changed: attribute, before and after."""
    rows = []
    for step, old, new in story[["step", "old_image", "new_image"]].itertuples(index=False):
        before, after = ({} if pd.isna(image) else json.loads(image) for image in (old, new))
        rows += [(step, name, before.get(name, ""), after.get(name, ""))
                 for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    return pd.DataFrame(rows, columns=["step", "attribute", "before", "after"])


def order_picker(changes: pd.DataFrame, order_id: str, until: pd.Timestamp) -> ipywidgets.VBox | pd.DataFrame:
    """A widget that shows any order's timeline, and each change as a before/after difference. `changes` holds one row a
    change: `order_id`, `step`, `new_state`, `updated_at`, `changed_by`, `old_image`, `new_image`. Without ipywidgets it
    is the table of `differences` for `order_id` alone."""
    try:
        import ipywidgets
    except ImportError:
        return differences(changes[changes["order_id"] == order_id])

    class Picker(ipywidgets.VBox):
        def __repr__(self) -> str:
            return "Run this cell in JupyterLab to pick an order here."

    choice = ipywidgets.Dropdown(options=sorted(changes["order_id"].unique()), value=order_id, description="Order")
    chart, table = ipywidgets.Image(format="png"), ipywidgets.HTML()

    def show(_: object = None) -> None:
        story = changes[changes["order_id"] == choice.value].sort_values("step")
        figure = Figure()  # of its own: a widget's callback may run in another thread than the notebook's cells
        timeline(story, f"Order {choice.value}: {len(story)} changes", until, figure)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=100)
        chart.value = picture.getvalue()
        table.value = differences(story).to_html(index=False, border=0)

    choice.observe(show, "value")
    show()
    return Picker([choice, chart, table])


def _levels(begins: list[pd.Timestamp], width: pd.Timedelta) -> list[int]:
    """For labels that begin at these times and are `width` wide, the lowest level at which each covers no other."""
    free: list[pd.Timestamp] = []  # from when on each level is free
    levels = []
    for begin in begins:
        level = next((number for number, since in enumerate(free) if since <= begin), len(free))
        free[level:level + 1] = [begin + width]
        levels.append(level)
    return levels


def _days(ax: Axes) -> None:
    ax.xaxis.set_major_locator(DayLocator())
    ax.xaxis.set_major_formatter(DateFormatter("%a %d %b"))


def _only_axes(ax: Axes, *sides: str) -> None:
    for side, spine in ax.spines.items():
        spine.set_visible(side in sides)
