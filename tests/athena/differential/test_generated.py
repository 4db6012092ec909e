"""Generated queries, on both engines: at least two thousand on a full run, four hundred otherwise."""
from __future__ import annotations

import os
import time

import pytest

import engines
from answers import Answer
from generated import Chance, Query

WANTED = 2000 if os.environ.get("AUDIT_FULL") == "1" else 400
# A number fixed by whoever wants the same queries again; another each day otherwise.
SEED = int(os.environ.get("AUDIT_SEED", time.strftime("%Y%m%d")))


def queries() -> list[Query]:
    """Statements that together hold as many generated queries as are wanted."""
    chance = Chance(SEED)
    found: dict[str, Query] = {}
    while sum(query.size for query in found.values()) < WANTED:
        query = chance.query()
        found[query.sql] = query
    return list(found.values())


def difference(query: Query, ours: Answer, theirs: Answer) -> str:
    """What is answered otherwise, told by the first expression where that can be; '' if nothing is.

    Trino's planner makes dates of the years that `year(…)` is compared with, and fails over one that no date has: a
    fault of its own, which says so in Java's words."""
    if theirs.error == "GENERIC_INTERNAL_ERROR" and theirs.message.startswith("Invalid value for Year"):
        return ""
    if (ours.error, ours.columns, ours.rows) == (theirs.error, theirs.columns, theirs.rows):
        return ""
    for at, expression in enumerate(query.expressions, query.keys):
        if ours.columns and theirs.columns and _column(ours, at) != _column(theirs, at):
            return f"{expression} in {query.sql}\nours:   {_column(ours, at)}\ntheirs: {_column(theirs, at)}"
    return f"{query.sql}\nours:   {ours}\ntheirs: {theirs}"


def _column(answer: Answer, at: int) -> list[object]:
    return [answer.columns[at], *(row[at] for row in answer.rows)]


@pytest.mark.trino
def test_generated_queries_are_answered_alike(trino: engines.Trino, duck: engines.DuckDb, record_property) -> None:
    asked = queries()
    wrong, refused = [], []
    for query, theirs in zip(asked, trino.queries([query.sql for query in asked]), strict=True):
        ours = duck.query(query.sql)
        if ours.error == "NOT_SUPPORTED":
            refused.append(f"{query.sql}: {ours.message}")
        elif different := difference(query, ours, theirs):
            wrong.append(different)
    count = sum(query.size for query in asked)
    record_property("measured", f"generated queries (seed {SEED}): {count} in {len(asked)} statements, {len(wrong)} "
                                f"different (bound: 0), {len(refused)} refused")
    assert len(refused) <= len(asked) // 20, f"the generator should keep to what is verified: {refused[:3]}"
    assert not wrong, f"AUDIT_SEED={SEED}: {len(wrong)}:\n{wrong[0][:4000]}"
