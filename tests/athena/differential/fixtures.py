"""The suite's cases, as a person reads them in `fixtures/`: a statement, and below it, after `-->`, Trino's answer.

A line that begins with a blank belongs to the statement above it; one that begins with `-- ` is a heading. In most
files a statement is one expression. It is asked, inside try(…), over the values of the columns that it names
(`columns.txt`; every combination of them, the last column's values fastest), or over the rows of `rows.sql`. In
`objects.sql` it is an object, of which every column is read. `record.py` writes the answers.
"""
from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import objects
from answers import Answer

FOLDER = Path(__file__).parent / "fixtures"
TOPICS = ["text", "numbers", "times", "json", "arrays", "forms", "operators", "casts", "aggregates", "windows",
          "orders", "queries", "errors", "objects"]
ARROW = "-->"
TOGETHER = 30  # expressions in one statement


def _lines(file: str) -> list[str]:
    """A file's lines but for those at its top that explain it. Only a new line ends a line: values hold others."""
    lines = (FOLDER / file).read_text(encoding="utf-8").rstrip("\n").split("\n")
    return list(itertools.dropwhile(lambda line: line.startswith("--"), lines))


ROWS = "\n".join(_lines("rows.sql"))
_COLUMNS = [line.split(maxsplit=1) for line in _lines("columns.txt")]
TYPES = {name: rest.partition(": ")[0] for name, rest in _COLUMNS}
COLUMNS = {name: rest.partition(": ")[2].split(" | ") for name, rest in _COLUMNS}


@dataclass(frozen=True)
class Rows:
    """Rows that expressions are asked over: a statement in parts, with the expressions between each two of them and
    after `keys` columns that only tell the rows apart."""

    parts: tuple[str, ...]
    keys: int

    def ask(self, expressions: Sequence[str]) -> str:
        return ", ".join(expressions).join(self.parts)


AGGREGATED = Rows(("SELECT 'all rows', ", f" FROM {ROWS} UNION ALL SELECT 'no rows', ", f" FROM {ROWS} WHERE o < 0 "
                   "UNION ALL SELECT 'g = ' || coalesce(g, 'null'), ", f" FROM {ROWS} GROUP BY g ORDER BY 1"), 1)
ORDERED = Rows(("SELECT o, ", f" FROM {ROWS} ORDER BY o"), 1)


@dataclass(frozen=True)
class Case:
    """A statement of a fixture file and the answer recorded for it ('' where there is none yet)."""

    topic: str
    heading: str
    text: str
    recorded: str

    @property
    def name(self) -> str:
        """What the case's test is called."""
        return f"{self.topic}: {' '.join(self.text.split())}"[:120]

    @property
    def rows(self) -> Rows | None:
        """What the case is asked over, together with others; None where it is a statement of its own."""
        if self.topic in ("orders", "queries", "errors", "refused", "objects"):
            return None
        return {"aggregates": AGGREGATED, "windows": ORDERED}.get(self.topic) or _combinations(columns_of(self.text))

    @property
    def expression(self) -> str:
        """The case as it stands in a statement over rows. The embedded engine refuses a try(…) around what may meet a
        time zone that it does not know."""
        over_columns = self.topic not in ("aggregates", "windows") and columns_of(self.text)
        zoned = "iso8601_timestamp" in self.text or "as timestamp with time zone" in self.text
        return f"try({self.text})" if over_columns and not zoned else self.text

    @property
    def sql(self) -> str:
        """The statement that asks this case alone."""
        if self.topic == "objects":
            return objects.statement([self.text])
        return self.rows.ask([self.expression]) if self.rows else self.text

    def line(self, answer: Answer) -> str:
        """The answer to `sql`, as it is recorded."""
        if self.topic == "objects":
            return answer.named_values()
        keys = self.rows.keys if self.rows else 0
        shown = replace(answer, columns=answer.columns[keys:], rows=[row[keys:] for row in answer.rows])
        return shown.line(names=self.rows is None)

    def agrees(self, answer: Answer) -> bool:
        """Whether an answer is the recorded one; an error's place counts where Trino tells one."""
        return self.recorded in (self.line(answer), answer.error or None)

    @property
    def fails(self) -> bool:
        return re.fullmatch(r"[A-Z_]{4,}( line \d+:\d+)?", self.recorded) is not None


def columns_of(expression: str) -> tuple[str, ...]:
    """The names of `columns.txt` that an expression mentions."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", expression)
    return tuple(sorted({name for name in re.findall(r"(?<![\w'.\"])[a-z]\d?(?![\w(\"])", bare) if name in COLUMNS}))


def _combinations(names: tuple[str, ...]) -> Rows:
    """Every combination of the columns' values."""
    if not names:
        return Rows(("SELECT ", ""), 0)
    sources = [f"(VALUES {', '.join(f'({at}, {value})' for at, value in enumerate(COLUMNS[name]))}) "
               f"AS v_{name}(at_{name}, {name})" for name in names]
    keys = ", ".join(f"at_{name}" for name in names)
    return Rows((f"SELECT {keys}, ", f" FROM {' CROSS JOIN '.join(sources)} ORDER BY {keys}"), len(names))


def _parts(topic: str) -> Iterator[tuple[str, str, str]]:
    """What a file is made of, in order: (what stands before a statement, the statement, its answer)."""
    before, statement = "", ""
    for line in (FOLDER / f"{topic}.sql").read_text(encoding="utf-8").rstrip("\n").split("\n"):
        line += "\n"
        if line.startswith(ARROW):
            yield before, statement.rstrip("\n"), line[len(ARROW):].strip()
            before = statement = ""
        elif not statement and (line.startswith("-- ") or not line.strip()):
            before += line
        else:
            statement += line
    assert not statement.strip(), f"{topic}.sql: without an answer: {statement}"


def read(topic: str) -> list[Case]:
    found, heading = [], ""
    for before, statement, recorded in _parts(topic):
        heading = (re.findall(r"^-- (.*)", before, re.MULTILINE) or [heading])[-1]
        found.append(Case(topic, heading, statement, recorded))
    return found


@functools.cache
def every() -> tuple[Case, ...]:
    """The cases whose answers are Trino's."""
    return tuple(case for topic in TOPICS for case in read(topic))


def write(topic: str, answers: Sequence[str]) -> None:
    """Put the answers, a line each, in place of those that stand in a topic's file."""
    text = "".join(f"{before}{statement}\n{ARROW} {answer}\n"
                   for (before, statement, _), answer in zip(_parts(topic), answers, strict=True))
    (FOLDER / f"{topic}.sql").write_text(text, encoding="utf-8")


def together(cases: Sequence[Case]) -> list[list[Case]]:
    """The cases in groups that one statement asks: those over the same rows, but for what fails."""
    alone: list[list[Case]] = []
    over: dict[object, list[Case]] = {}
    for case in cases:
        if case.fails or case.rows is None and case.topic != "objects":
            alone.append([case])
        else:
            over.setdefault(case.rows or objects.taken_apart(case.text)[0], []).append(case)
    groups = []
    for group in over.values():
        size = len(group) if group[0].topic == "objects" else TOGETHER
        groups += [group[at:at + size] for at in range(0, len(group), size)]
    return groups + alone


def statement(group: Sequence[Case]) -> str:
    """What asks a group of `together`."""
    first = group[0]
    if first.topic == "objects":
        return objects.statement([case.text for case in group])
    return first.rows.ask([case.expression for case in group]) if first.rows else first.sql


def shares(group: Sequence[Case], answer: Answer) -> list[Answer]:
    """Each case's own part of the answer to a group's statement."""
    first = group[0]
    if len(group) == 1:
        return [answer]
    if first.topic == "objects":
        return [objects.share(case.text, answer) for case in group]
    assert first.rows
    keys = first.rows.keys
    return [replace(answer, columns=[*answer.columns[:keys], answer.columns[keys + at]],
                    rows=[[*row[:keys], row[keys + at]] for row in answer.rows]) for at in range(len(group))]
