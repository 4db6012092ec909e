"""Each correction is taken out in turn, and the suite must notice: a case that cannot fail proves nothing."""
from __future__ import annotations

from typing import Any

import engines
import fixtures
from fixtures import Case

# What DuckDB does by itself, where that is worth more than nothing at all in the correction's place.
NAIVE = {
    "t_int_div": "n / d", "t_int_mod": "n % d", "t_half_up": "n // d", "t_eq": "a = b", "t_ne": "a <> b",
    "t_lt": "a < b", "t_le": "a <= b", "t_gt": "a > b", "t_ge": "a >= b", "t_at": "a[i]", "t_element_at": "a[i]",
    "t_substr": "substring(s, i)", "t_substr_length": "substring(s, i, n)", "t_contains": "list_contains(a, x)",
    "t_array_distinct": "list_distinct(a)",
    "t_double_to_integer": "TRY_CAST(n AS INTEGER)", "t_text_to_boolean": "TRY_CAST(s AS BOOLEAN)",
    "t_offset": "n + 1", "t_months_between": "datediff('month', a, b)", "t_text_to_integer": "TRY_CAST(s AS INTEGER)",
    "max_by: V, K": "arg_max({0}, {1}){over}", "min_by: V, K": "arg_min({0}, {1}){over}",
    "count_if: boolean": "CAST(count({0}){over} AS BIGINT)", "avg: bigint": "avg({0} // 1){over}",
    "starts_with: varchar(x), varchar(y)": "contains({0}, {1})", "lag: T": "lead({0}){over}",
    "lead: T": "lag({0}){over}", "rank:": "dense_rank(){over}", "dense_rank:": "rank(){over}",
    "row_number:": "rank() OVER ()",
}


def _answers(duck: engines.DuckDb, cases: list[Case]) -> list[dict[str, Any]]:
    answers = [(case, duck.query(case.sql)) for case in cases]
    return [{"sql": case.sql, "error": answer.error, "rows": None if answer.error else answer.rows}
            for case, answer in answers]


def test_the_suite_fails_without_any_one_correction(duck: engines.DuckDb, used: dict[str, list[Case]],
                                                    record_property) -> None:
    verified = duck.request(verified=True)
    signatures = (f"{name}: {shown}" for name, _, shown in verified["functions"])
    every = {*verified["macros"], *verified["python"], *signatures}
    every.remove("py_fail")  # what it is for shows in errors, which try() hides: see the test below
    assert set(NAIVE) <= {one.partition(" ->")[0] for one in every}
    unseen = []
    for one in sorted(every):
        if one not in used:
            unseen.append(f"{one}: in no statement")
        elif not duck.request(without=one, naive=NAIVE.get(one.partition(" ->")[0]),
                           statements=_answers(duck, used[one][:12])):
            unseen.append(one)
    record_property("measured", f"corrections and signatures taken out, one at a time: {len(every)}, {len(unseen)} "
                                "unnoticed (bound: 0)")
    assert not unseen


def test_errors_are_errors(duck: engines.DuckDb) -> None:
    wanted = ("DIVISION_BY_ZERO", "INVALID_FUNCTION_ARGUMENT", "INVALID_CAST_ARGUMENT")
    failing = [case for case in fixtures.every() if case.recorded in wanted]
    assert len(failing) > 10
    assert duck.request(without="py_fail", naive=None, statements=_answers(duck, failing))
