"""Each correction is taken out in turn, and the suite must notice: a case that cannot fail proves nothing."""
from __future__ import annotations

from typing import Any

import pytest

import engines

# What DuckDB does by itself, where that is worth more than nothing at all in the correction's place.
NAIVE = {
    "t_int_div": "n / d", "t_int_mod": "n % d", "t_mod": "n % d", "t_half_up": "n // d",
    "t_eq": "a = b", "t_ne": "a <> b", "t_lt": "a < b", "t_le": "a <= b", "t_gt": "a > b", "t_ge": "a >= b",
    "t_array_eq": "a = b", "t_at": "a[i]", "t_element_at": "a[i]", "t_map_at": "map_extract_value(m, k)",
    "t_substr": "substring(s, i)", "t_substr_length": "substring(s, i, n)", "t_contains": "list_contains(a, x)",
    "t_array_position": "list_position(a, x)", "t_array_distinct": "list_distinct(a)", "t_sqrt": "sqrt(abs(n))",
    "t_array_extreme": "found", "t_slice": "a[i:i + n - 1]", "t_all_match": "list_bool_and(r)",
    "t_any_match": "list_bool_or(r)", "t_round_time": "t",
    "t_text_to_boolean": "TRY_CAST(s AS BOOLEAN)", "t_offset": "n + 1",
    "t_in": "list_contains(a, x)",
    "t_months_between": "datediff('month', a, b)", "t_text_to_integer": "TRY_CAST(s AS INTEGER)",
    "t_float_to_integer": "TRY_CAST(n AS INTEGER)", "t_float_to_bigint": "TRY_CAST(n AS BIGINT)",
    "max_by: v, k": "arg_max({0}, {1}){over}", "min_by: v, k": "arg_min({0}, {1}){over}",
    "count_if: boolean": "CAST(count({0}){over} AS BIGINT)", "avg: bigint": "avg({0} // 1){over}",
    "starts_with: varchar(x), varchar(y)": "contains({0}, {1})", "lag: t": "lead({0}){over}", "lead: "
                                                                                              "t": "lag({0}){over}",
    "rank: ": "dense_rank(){over}", "dense_rank: ": "rank(){over}", "row_number: ": "rank() OVER ()",
}


@pytest.fixture(scope="module")
def used(duck: engines.DuckDb, answers: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Each correction's statements, the shorter ones first."""
    found: dict[str, list[str]] = {}
    for sql in sorted(answers, key=len):
        for one in duck.ask(uses=sql):
            found.setdefault(one, []).append(sql)
    return found


def test_the_suite_fails_without_any_one_correction(duck: engines.DuckDb, used: dict[str, list[str]],
                                                    answers: dict[str, dict[str, Any]], record_property) -> None:
    verified = duck.ask(verified=True)
    errors_only = {"py_fail"}  # what it is for shows in errors, which try() hides: see the test below
    unseen = []
    every = {*verified["macros"], *verified["python"], *(f"{name}: {shown}".replace(" ->", "|").split("|")[0]
                                                        for name, _, shown in verified["functions"])}
    by_text = {use.replace(" ->", "|").split("|")[0]: use for use in used}
    for one in sorted(every - errors_only):
        name = by_text.get(one)
        if name is None:
            unseen.append(f"{one}: in no statement")
            continue
        naive = NAIVE.get(one.strip() if one.endswith(":") else one, NAIVE.get(one))
        statements = [{"sql": sql, **answers[sql]} for sql in used[name][:12]]
        if not duck.ask(without=name, naive=naive, statements=statements):
            unseen.append(one)
    record_property("measured", f"corrections and signatures taken out, one at a time: {len(every)}, {len(unseen)} "
                                f"unnoticed "
                                "(bound: 0)")
    assert not unseen


def test_errors_are_errors(duck: engines.DuckDb, answers: dict[str, dict[str, Any]]) -> None:
    failing = [{"sql": sql, "error": answer["error"]} for sql, answer in answers.items()
               if answer.get("error") in ("DIVISION_BY_ZERO", "INVALID_FUNCTION_ARGUMENT", "INVALID_CAST_ARGUMENT")]
    assert len(failing) > 10
    assert duck.ask(without="py_fail", naive=None, statements=failing)
