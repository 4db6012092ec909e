"""Tables in Markdown, as they are printed and as scripts/bench.md keeps them."""
from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:],
                                                                                               strict=True))]) + " |"
        for line in lines)


def short(value: float) -> str:
    """A number to two or three digits, as one reads it: 0.62, 17.2, 330,000."""
    if value == 0 or abs(value) >= 1000:
        return f"{round(value, 2 - len(str(int(abs(value))))) if abs(value) >= 1000 else 0:,.0f}"
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f}" if abs(value) >= 0.01 else f"{value:.2g}"


def size(count: float) -> str:
    """Bytes in the unit that fits."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{short(count)} {unit}"
        count /= 1000
    raise AssertionError
