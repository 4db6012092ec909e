"""Functions whose DuckDB text depends on more than their arguments' texts: a unit, a pattern, a scale.

Each takes (compiler, compiled arguments, node, result type, clauses) and gives the text.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from athena.duckdb_grammar import Node, refused
from athena.duckdb_types import INTEGERS, decimal, duckdb, words
from athena.engine import QueryFailed
from athena.text import Type

if TYPE_CHECKING:
    from athena.duckdb_expressions import Expr, Expressions


def _literal(value: Expr, what: str, node: Node) -> Any:
    if not value.literal:
        raise refused(f"{node.name} with {what} that is no literal", node)
    return value.value


def concat(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    return "(" + " || ".join(one.sql for one in given) + ")"


def concat_arrays(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    return "(CASE WHEN " + " OR ".join(f"{one.sql} IS NULL" for one in given) + " THEN NULL ELSE " + \
        "list_concat(" + ", ".join(one.sql for one in given) + ") END)"


def extreme(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    """greatest and least: null when any argument is, unlike DuckDB's, which skips nulls."""
    if result.inner or result.name in ("double", "real", "json", "boolean", "unknown"):
        raise refused(f"{node.name} of {words(result)}", node)
    nulls = " OR ".join(f"{one.sql} IS NULL" for one in given)
    return f"(CASE WHEN {nulls} THEN NULL ELSE {node.name}({', '.join(one.sql for one in given)}) END)"


def regexp(template: str) -> Callable[..., str]:
    """A function of a regular expression: only patterns that Java's and Python's engines read alike."""
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
        pattern = _literal(given[1], "a pattern", node)
        if pattern is not None:
            _plain(pattern, node)
        if node.name == "regexp_replace" and len(given) == 3:
            replacement = _literal(given[2], "a replacement", node)
            if replacement is not None and not re.fullmatch(r"(?:[^\\$]|\$\d|\$\{[A-Za-z]\w*\}|\\[\\$])*", replacement,
                                                            re.DOTALL):
                raise refused("this replacement of regexp_replace", node)
        return template.format(*(one.sql for one in given))
    return text


_PLAIN = re.compile(r"""(?:
    [A-Za-z0-9 _\-:;,/@"'<>=!~#%&`]                      # itself
  | \\[.\\+*?()\[\]{}|^$/\-dwsDWSbB]                      # an escape, or a class of ASCII
  | \[\^?\]?(?:[A-Za-z0-9 _:;,/@"'<>=!~#%.*+?(){}|$\-]|\\[\\.\-\]\[^dws/])+\]
  | \(\?: | [().|^$*+?] | \{\d+(?:,\d*)?\}
)*""", re.VERBOSE)


def _plain(pattern: str, node: Node) -> None:
    if not _PLAIN.fullmatch(pattern) or re.search(r"[*+?}]\+", pattern):
        raise refused(f"the regular expression {pattern!r}", node)
    try:
        re.compile(pattern)
    except re.error as failed:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT", str(failed)) from None


def json(template: str) -> Callable[..., str]:
    """A function of a JSON path: `$.a`, `$['a']`, `$[0]`."""
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
        path = _literal(given[1], "a path", node)
        if path is not None and not re.fullmatch(
                r"""\$(?:\.[A-Za-z_][\w]*|\[\d+\]|\["[^"\\\]]*"\]|\['[^'\\\]]*'\])*""", path):
            raise refused(f"the JSON path {path!r}", node)
        return template.format(*(one.sql for one in given))
    return text


def round_decimal(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Expr:
    from athena.duckdb_expressions import Expr

    precision, scale = given[0].type.numbers
    kind = decimal(min(precision - scale + min(scale, 1), 38), 0)
    return Expr(f"CAST(round({given[0].sql}, 0) AS {duckdb(kind)})", kind)


def round_decimal_to(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Expr:
    from athena.duckdb_expressions import Expr

    precision, scale = given[0].type.numbers
    kind = decimal(min(precision + 1, 38), scale)
    return Expr(f"CAST(py_decimal_round(CAST({given[0].sql} AS VARCHAR), {given[1].sql}) AS {duckdb(kind)})", kind)


def avg_decimal(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    from athena.duckdb_expressions import Expr, _digits, _scaled

    wide = decimal(38, result.numbers[1])
    total = f"CAST(sum({clauses['distinct']}{given[0].sql}){clauses['over']} AS {duckdb(wide)})"
    count = f"CAST(count({clauses['distinct']}{given[0].sql}){clauses['over']} AS HUGEINT)"
    return _scaled(f"t_half_up({_digits(Expr(total, wide))}, {count})", result)


# ---- times

UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")


def _unit(value: Expr, of: str, node: Node, what: str) -> str:
    unit = _literal(value, "a unit", node)
    if unit is None:
        raise refused(f"{node.name} with a null unit", node)
    unit = unit.lower()
    known = UNITS[4:] if of == "date" else UNITS
    if unit not in known or (unit == "millisecond" and node.name == "date_trunc" and False):
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT", f"'{value.value}' is not a valid {what} field")
    return unit


def _what(kind: Type) -> str:
    return {"date": "DATE"}.get(kind.name, "Timestamp")


def date_trunc(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    unit = _unit(given[0], given[1].type.name, node, _what(given[1].type))
    sql = f"date_trunc('{unit}', {given[1].sql})"
    return f"CAST({sql} AS {duckdb(result)})"


def date_add(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    unit = _unit(given[0], given[2].type.name, node, _what(given[2].type))
    count, value = f"CAST({given[1].sql} AS INTEGER)", given[2].sql
    if unit == "millisecond":
        amount = f"to_milliseconds({given[1].sql})"
    elif unit in ("second", "minute", "hour"):
        amount = f"to_{unit}s({given[1].sql})"
    elif unit == "quarter":
        amount = f"to_months({count} * 3)"
    elif unit == "week":
        amount = f"to_days({count} * 7)"
    else:
        amount = f"to_{unit}s({count})"
    return f"CAST(({value} + {amount}) AS {duckdb(result)})"


def date_diff(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    """Whole units between two moments; DuckDB's date_diff counts the boundaries crossed."""
    unit = _unit(given[0], given[1].type.name, node, _what(given[1].type))
    first, second = (f"CAST({one.sql} AS TIMESTAMP)" for one in given[1:])
    if unit in ("month", "quarter", "year"):
        months = f"t_months_between({first}, {second})"
        return f"({months} // {dict(month=1, quarter=3, year=12)[unit]})"
    size = {"millisecond": 10**3, "second": 10**6, "minute": 6 * 10**7, "hour": 36 * 10**8, "day": 864 * 10**8,
            "week": 6048 * 10**8}[unit]
    return f"((epoch_us({second}) - epoch_us({first})) // {size})"


def from_unixtime(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    return f"make_timestamp(CAST(round({given[0].sql} * 1000) AS BIGINT) * 1000)"


def now(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    return f"CAST('{on.now.replace(tzinfo=None).isoformat(' ', 'milliseconds')}' AS TIMESTAMP)"


def format_datetime(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    pattern = _literal(given[1], "a pattern", node)
    if pattern is not None:
        from athena.duckdb_python import joda
        try:
            joda(pattern)
        except ValueError as failed:
            raise refused(f"the pattern {failed.args[0]!r} of format_datetime", node) from None
    return f"py_format_datetime({given[0].sql}, {given[1].sql})"


# ---- windows

def whole(kind: Type) -> bool:
    return kind.name in INTEGERS
