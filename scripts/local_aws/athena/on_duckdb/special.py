"""Functions whose DuckDB text depends on more than their arguments' texts: a unit, a pattern, a scale.

Each takes (compiler, compiled arguments, node, result type, clauses) and gives the text.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local_aws.athena.engine import QueryFailed
from local_aws.athena.on_duckdb.grammar import Node, refused
from local_aws.athena.on_duckdb.types import decimal, duckdb, words
from local_aws.athena.types import Type

if TYPE_CHECKING:
    from local_aws.athena.on_duckdb.expressions import Expr, Expressions


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
  | \\[.\\+*?()\[\]{}|^$/\-dwsDWS]                      # an escape, or a class of ASCII
  | \[\^?\]?(?:[A-Za-z0-9 _:;,/@"'<>=!~#%.*+?(){}|$\-]|\\[\\.\-\]\[^dws/])+\]
  | \(\?: | [().|^$*+?] | \{\d+(?:,\d*)?\}
)*""", re.VERBOSE)


def _plain(pattern: str, node: Node) -> None:
    if not _PLAIN.fullmatch(pattern) or re.search(r"[*+?}]\+|\(\?(?!:)", pattern):
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
    from local_aws.athena.on_duckdb.expressions import Expr

    precision, scale = given[0].type.numbers
    kind = decimal(min(precision - scale + min(scale, 1), 38), 0)
    return Expr(f"CAST(round({given[0].sql}, 0) AS {duckdb(kind)})", kind)


def round_decimal_to(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Expr:
    from local_aws.athena.on_duckdb.expressions import Expr

    precision, scale = given[0].type.numbers
    kind = decimal(min(precision + 1, 38), scale)
    return Expr(f"CAST(py_decimal_round(CAST({given[0].sql} AS VARCHAR), {given[1].sql}) AS {duckdb(kind)})", kind)


def avg_decimal(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    from local_aws.athena.on_duckdb.expressions import Expr, _digits, _scaled

    wide = decimal(38, result.numbers[1])
    total = f"CAST(sum({clauses['distinct']}{given[0].sql}){clauses['over']} AS {duckdb(wide)})"
    count = f"CAST(count({clauses['distinct']}{given[0].sql}){clauses['over']} AS HUGEINT)"
    return _scaled(f"t_half_up({_digits(Expr(total, wide))}, {count})", result)


def concat_ws(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    return f"concat_ws({', '.join(one.sql for one in given)})"


def replaced(template: str) -> Callable[..., Any]:
    """replace: Trino's result is as long as the longest text that it could give."""
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Any:
        from local_aws.athena.on_duckdb.expressions import Expr

        x, _, z = (one.type.numbers for one in given)
        kind = Type("varchar")
        if x and z:
            kind = Type("varchar", (min(x[0] + z[0] * (x[0] + 1), 2**31 - 2),))
        return Expr(template.format(*(one.sql for one in given)), kind)
    return text


def longer(template: str, times: int) -> Callable[..., Any]:
    """A function whose text may be so many times as long as the one given."""
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Any:
        from local_aws.athena.on_duckdb.expressions import Expr

        size = given[0].type.numbers
        return Expr(template.format(*(one.sql for one in given)),
                    Type("varchar", (min(size[0] * times, 2**31 - 2),)) if size else Type("varchar"))
    return text


def regexp_replaced(template: str) -> Callable[..., Any]:
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Any:
        from local_aws.athena.on_duckdb.expressions import Expr

        sql = regexp(template)(on, given, node, result, clauses)
        x, _, y = (one.type.numbers for one in given)
        kind = Type("varchar")
        if x and y:
            kind = Type("varchar", (min(x[0] + max(x[0] * y[0] // 2, y[0]) * (x[0] + 1), 2**31 - 2),))
        return Expr(sql, kind)
    return text


def codepoint(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    if given[0].literal and isinstance(given[0].value, str) and len(given[0].value) == 1:
        return f"CAST(unicode({given[0].sql}) AS INTEGER)"
    raise refused("codepoint of what is no literal of one character", node)


def whole_decimal(name: str) -> Callable[..., Any]:
    """ceil, floor and truncate of a decimal, which give one without a fraction."""
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Any:
        from local_aws.athena.on_duckdb.expressions import Expr

        precision, scale = given[0].type.numbers
        kind = decimal(max(precision - scale, 1) if name == "py_decimal_truncate" else
                       min(precision - scale + min(scale, 1), 38), 0)
        return Expr(f"CAST({name}(CAST({given[0].sql} AS VARCHAR)) AS {duckdb(kind)})", kind)
    return text


def mod_decimal(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Any:
    return on._decimals(given[0], given[1], "%")


def plain(template: str) -> Callable[..., str]:
    """A function that compares elements: of the types for which DuckDB's equality is Trino's."""
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
        item = given[0].type.inner[0] if given[0].type.inner else given[0].type
        if item.inner or item.name in ("double", "real", "json"):
            raise refused(f"{node.name} of {words(given[0].type)}", node)
        return template.format(*(one.sql for one in given))
    return text


def zipped(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    first, second = given
    row = result.inner[0]
    return (f"(CASE WHEN {first.sql} IS NULL OR {second.sql} IS NULL THEN NULL ELSE CAST(list_transform(list_zip("
            f"{first.sql}, {second.sql}), lambda z: struct_pack(f1 := z[1], f2 := z[2])) AS {duckdb(row)}[]) END)")


def zip_with(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    first, second, body = given
    head, _, text = body.sql.partition(": ")
    left, right = head.removeprefix("lambda ").split(", ")
    # The lambda's two parameters are one pair's elements.
    text = re.sub(rf"\b{left}\b", "z[1]", re.sub(rf"\b{right}\b", "z[2]", text))
    return (f"(CASE WHEN {first.sql} IS NULL OR {second.sql} IS NULL THEN NULL ELSE "
            f"list_transform(list_zip({first.sql}, "
            f"{second.sql}), lambda z: {text}) END)")


def map_entries(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    return (f"CAST(list_transform(map_entries({given[0].sql}), lambda z: struct_pack(f1 := z.key, f2 := z.value)) AS "
            f"{duckdb(result)})")


def map_from_entries(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    keys, values = (f"list_transform({given[0].sql}, lambda z: struct_extract(z, '{part}'))" for part in ("f1", "f2"))
    return f"t_map({keys}, {values})"


def _over_entries(body: Expr) -> str:
    head, _, text = body.sql.partition(": ")
    key, value = head.removeprefix("lambda ").split(", ")
    return re.sub(rf"\b{key}\b", "z.key", re.sub(rf"\b{value}\b", "z.value", text))


def map_filter(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    return f"map_from_entries(list_filter(map_entries({given[0].sql}), lambda z: {_over_entries(given[1])}))"


def transform_values(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    values = f"list_transform(map_entries({given[0].sql}), lambda z: {_over_entries(given[1])})"
    return f"(CASE WHEN {given[0].sql} IS NULL THEN NULL ELSE map(map_keys({given[0].sql}), {values}) END)"


def extremes(name: str) -> Callable[..., str]:
    """max(x, n): the n largest, as an array."""
    def text(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
        count = _literal(given[1], "a count", node)
        if count is None or not 0 < count <= 10_000:
            raise refused(f"{name} with this count", node)
        return f"{name}({given[0].sql}, {count}){clauses['over']}"
    return text


def _without_null(given: Expr, clauses: dict[str, str], node: Node) -> str:
    """An aggregate's clauses, with a filter that leaves out null keys."""
    if clauses["over"].startswith(" FILTER (WHERE "):
        raise refused(f"FILTER on {node.name}", node)
    return f" FILTER (WHERE {given.sql} IS NOT NULL){clauses['over']}"


def map_agg(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    over = _without_null(given[0], clauses, node)
    return f"t_first_pairs(list({given[0].sql}){over}, list({given[1].sql}){over})"


def histogram(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    over = _without_null(given[0], clauses, node)
    return f"t_counts(list({given[0].sql}){over})"


def to_iso8601(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> Any:
    from local_aws.athena.on_duckdb.expressions import Expr

    digits = given[0].type.numbers[0]
    sql = f"strftime({given[0].sql}, '%Y-%m-%dT%H:%M:%S')"
    if digits:
        sql = f"({sql} || '.' || left(strftime({given[0].sql}, '%f'), {digits}))"
    zoned = given[0].type.name != "timestamp"
    size = 22 + digits + (1 if digits else 0) + (6 if zoned else 0)
    return Expr(f"({sql} || 'Z')" if zoned else sql, Type("varchar", (size,)))


def utc(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    if _literal(given[1], "a time zone", node) not in ("UTC", "Z", "+00:00"):
        raise refused(f"the time zone {given[1].value!r}", node)
    return given[0].sql


# ---- times

UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")


def _unit(value: Expr, of: str, node: Node, what: str) -> str:
    unit = _literal(value, "a unit", node)
    if unit is None:
        raise refused(f"{node.name} with a null unit", node)
    unit = unit.lower()
    known = UNITS[4:] if of == "date" else UNITS
    if unit not in known:
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


def date_parse(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    pattern = _literal(given[1], "a pattern", node)
    if pattern is not None:
        from local_aws.athena.on_duckdb.python_functions.times import parser
        if parser(pattern) is None:
            raise refused(f"the pattern {pattern!r} of date_parse", node)
    return f"py_date_parse({given[0].sql}, {given[1].sql})"


def format_datetime(on: Expressions, given: list[Expr], node: Node, result: Type, clauses: dict[str, str]) -> str:
    pattern = _literal(given[1], "a pattern", node)
    if pattern is not None:
        from local_aws.athena.on_duckdb.python_functions.times import joda
        try:
            joda(pattern)
        except ValueError as failed:
            raise refused(f"the pattern {failed.args[0]!r} of format_datetime", node) from None
    return f"py_format_datetime({given[0].sql}, {given[1].sql})"
