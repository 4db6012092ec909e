"""What the charts show beside their data: names that can be read."""
from __future__ import annotations

from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Annotation

import charts


@pytest.mark.parametrize("last", [(100, 100, 100, 100), (4_000, 900, 270, 250), (1, 1.05, 1.1, 900), (9, 5, 3, 1)])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_of_lines_do_not_lie_on_each_other(last: tuple[float, ...], scale: str) -> None:
    figure, ax = plt.subplots(figsize=(8.5, 4.5))
    for value in last:
        ax.plot([1, 10], [1, value])
    ax.set(xlim=(1, 80), xscale=scale, yscale=scale)
    charts.name_lines(ax, ["textbook", "tutorial", "workbook", "compacted"])
    names = names_of(ax)
    boxes = [name.get_window_extent(figure.canvas.get_renderer()) for name in names]
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    height = max(box.height for box in boxes)
    for name, box in zip(names, boxes, strict=True):
        _, level = ax.transData.transform(name.xy)
        assert box.y0 < level + 4 * height and box.y1 > level, "a name stands beside its line's end, or above it"
    by_place = sorted(names, key=lambda name: name.get_window_extent().y0)
    assert [name.xy[1] for name in by_place] == sorted(last), "in the order of the lines"
    plt.close(figure)


def names_of(ax: Axes) -> list[Annotation]:
    return [child for child in ax.get_children() if isinstance(child, Annotation)]
