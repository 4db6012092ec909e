"""Trino's SQL as the embedded engine reads it: strictly, to its depth, and without an error of Python's."""
from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.athena.exchange import NotVerified, QueryFailed
from local_aws.athena.trino_sql.grammar import DEEPEST, Parser, parse
from local_aws.athena.trino_sql.nodes import Node


@pytest.fixture(autouse=True)
def deep(monkeypatch):
    """As deep a stack of Python's as the engine asks for."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 6000))
    yield
    sys.setrecursionlimit(before)


def nested(kind: str, depth: int) -> str:
    """A statement with so many brackets in brackets."""
    start, opening, inner, closing = {
        "expressions": ("SELECT ", "(", "1", ")"), "calls": ("SELECT ", "substring(", "'a'", ", 1)"),
        "relations": ("SELECT * FROM ", "(", "t", ")"), "queries": ("", "(", "SELECT * FROM t", ")"),
        "joins": ("SELECT * FROM ", "(", "u", " JOIN t ON true)")}[kind]
    return start + opening * depth + inner + closing * depth


@pytest.mark.parametrize("kind", ["expressions", "calls", "relations", "queries", "joins"])
def test_a_statement_may_be_as_deep_as_is_said_and_not_much_deeper(kind):
    parse(nested(kind, DEEPEST))
    with pytest.raises(QueryFailed) as failed:
        parse(nested(kind, DEEPEST + 2))
    assert failed.value.code == "STACK_OVERFLOW"


def test_depth_comes_back_after_each_bracket():
    parse("SELECT " + ", ".join(["((((1))))"] * 200) + " FROM " + ", ".join(["((SELECT 1) a JOIN t ON true)"] * 200))


@pytest.mark.parametrize("depth", [5, 50, 100])
def test_nested_joins_are_read_once(depth):
    read = []

    class Counting(Parser):
        def relation_primary(self) -> Node:
            read.append(self.now)
            return super().relation_primary()

    Counting("SELECT * FROM " + "(" * depth + "(SELECT 1 AS one) AS a" + " JOIN t ON true)" * depth).statement()
    assert len(read) == 2 * depth + 1  # each bracket, each t, and the query


@pytest.mark.parametrize(("sql", "place"), [
    ("SELECT CAST(1 AS interval", "line 1:26"), ("SELECT CAST(1 AS ", "line 1:18"),
    ("SELECT x FROM t WHERE (", "line 1:24"),
    ("SELECT 1 = 2 = 3", "line 1:14"), ("SELECT a::int", "line 1:9"), ("SELECT 1 LIMIT 1 OFFSET 1", "line 1:18"),
    ("SELECT 'a", "line 1:8"), ("SELECT 1a", "line 1:8"), ("SELECT `a`", "line 1:8"), ("SELECT é", "line 1:8")])
def test_what_trino_refuses_is_refused_at_its_place(sql, place):
    with pytest.raises(QueryFailed) as failed:
        parse(sql)
    assert (failed.value.code, failed.value.message.partition(": ")[0]) == ("SYNTAX_ERROR", place)


@pytest.mark.parametrize("sql", [
    "SELECT interval '1' day to", "SELECT interval '1' day to second", "SELECT U&'a' UESCAPE", "SELECT U&'\\+110000'",
    "SELECT CAST(1 AS row(a", "SELECT x'0'", "SELECT a FROM t RIGHT JOIN u ON true", "SELECT 1 FETCH FIRST ROW ONLY",
    "SELECT a FROM t GROUP BY ROLLUP (a)", "SELECT filter(a, x -> true)", "SELECT sum(a) OVER (ROWS 1 PRECEDING)"])
def test_what_is_not_verified_is_refused_by_name(sql):
    with pytest.raises(NotVerified) as refused:
        parse(sql)
    assert refused.value.construct and refused.value.at.startswith("line 1:")


SOUP = """SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET WITH AS ( ) ( ) , . * + - = <> [ ] NOT NULL IS IN LIKE
BETWEEN AND OR CASE WHEN THEN ELSE END CAST interval day to timestamp 'a' "b" a b count sum OVER PARTITION ROWS JOIN
LEFT CROSS ON UNNEST VALUES 1 1.5 1e0 UNION ALL EXCEPT DISTINCT EXISTS array row decimal x'00' U&'a' UESCAPE ? -> => ;
` é TRIM substring position FILTER TRY_CAST"""
WORDS = st.sampled_from(SOUP.split())


@given(st.lists(WORDS, max_size=25))
@settings(max_examples=500)
def test_no_words_raise_an_error_of_pythons(words):
    for start in ("SELECT ", ""):
        try:
            parse(start + " ".join(words))
        except QueryFailed as failed:
            assert failed.code in ("SYNTAX_ERROR", "NOT_SUPPORTED", "INVALID_PARAMETER_USAGE")
