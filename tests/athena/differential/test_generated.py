"""Generated queries, on both engines: at least two thousand on a full run, some dozens otherwise."""
from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

import engines
import generated

WANTED = 2000 if "1" in (os.environ.get("AUDIT_FULL"), os.environ.get("AUDIT_REQUIRE_TRINO")) else 200
# A number fixed by whoever wants the same queries again; another each day otherwise.
SEED = int(os.environ.get("AUDIT_SEED", time.strftime("%Y%m%d")))


def queries() -> list[str]:
    """Statements that together hold as many generated queries as are wanted: each expression of a selection is one."""
    found: list[str] = []

    @seed(SEED)
    @settings(max_examples=WANTED, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(generated.QUERY)
    def collect(query: str) -> None:
        if sum(map(size, found)) < WANTED and query not in found:
            found.append(query)

    collect()
    return found


def size(statement: str) -> int:
    return max(1, statement.count("try("))


def alike(ours: dict, theirs: dict) -> bool:
    if "error" in theirs:
        return ours.get("error") == theirs["error"]
    return ours.get("columns") == theirs["columns"] and ours.get("rows") == theirs["rows"]


@pytest.mark.trino
def test_generated_queries_are_answered_alike(trino: engines.Trino, duck: engines.DuckDb, record_property) -> None:
    statements = queries()
    count = sum(map(size, statements))
    assert count >= WANTED
    wrong, refused = [], 0
    for sql, theirs in zip(statements, trino.queries(statements), strict=True):
        ours = duck.query(sql)
        if ours.get("error") == "NOT_SUPPORTED":
            refused += 1
        elif not alike(ours, theirs):
            wrong.append((sql, ours, theirs))
    record_property("measured", f"generated queries (seed {SEED}): {count} in {len(statements)} statements, "
                                f"{len(wrong)} "
                                f"different (bound: 0), {refused} refused")
    assert refused <= len(statements) // 20, "the generator should keep to what is verified"
    assert not wrong, f"AUDIT_SEED={SEED}: {len(wrong)}: {wrong[:2]}"
