"""CAST and TRY_CAST as Trino does them: which pairs of types there are, and how each value converts or fails.

https://trino.io/docs/476/functions/conversion.html
"""
from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

from local_aws.athena.engine import QueryFailed
from local_aws.athena.on_duckdb.grammar import Node, refused
from local_aws.athena.on_duckdb.types import (
    ALIASES,
    FLOATS,
    INTEGERS,
    JSON,
    UNORDERED,
    VARCHAR,
    array,
    as_decimal,
    common,
    duckdb,
    held,
    map_of,
    numeric,
    row_of,
    unordered,
    words,
)
from local_aws.athena.types import Type, parse_type

if TYPE_CHECKING:
    from local_aws.athena.on_duckdb.expressions import Expr, Expressions

_KNOWN = {"boolean", "double", "real", "varchar", "varbinary", "date", "json", "decimal", "timestamp",
          "timestamp with time zone", "array", "map", "row", *INTEGERS}
_OTHERS = {"char", "time", "time with time zone", "uuid", "ipaddress", "hyperloglog", "qdigest", "tdigest", "setdigest",
           "interval day to second", "interval year to month", "p4hyperloglog", "color", "unknown", "bingtile"}


def named(text: str, node: Node) -> Type:
    """The type that a cast names."""
    return _resolve(parse_type(text), text, node)


def _resolve(kind: Type, text: str, node: Node) -> Type:
    name = ALIASES.get(kind.name, kind.name) if kind.name != "string" else kind.name
    if name in _OTHERS:
        raise refused(f"a cast to {text}", node)
    if name not in _KNOWN:
        raise QueryFailed("TYPE_MISMATCH", f"line {node.line}:{node.column}: Unknown type: {text}")
    inner = tuple(_resolve(one, words(one), node) for one in kind.inner)
    if name == "array":
        result = array(*inner)
    elif name == "map":
        result = map_of(*inner)
    elif name == "row":
        result = row_of(*inner, fields=tuple(f.lower() if f is not None else None for f in kind.fields))
    elif name == "decimal":
        result = Type(name, (*kind.numbers, 38 if not kind.numbers else 0, 0)[:2] if len(kind.numbers) < 2
                      else kind.numbers)
        if not (1 <= result.numbers[0] <= 38 and result.numbers[1] <= result.numbers[0]):
            raise QueryFailed("INVALID_FUNCTION_ARGUMENT",
                              "DECIMAL precision must be in range [1, 38]")
    elif name.startswith("timestamp"):
        result = Type(name, kind.numbers or (3,))
    elif name == "varchar" and kind.numbers:
        result = Type(name, kind.numbers)
    else:
        result = Type(name)
    if not held(result):
        raise refused(f"the type {words(result)}", node)
    return result


def date(text: str) -> str:
    """A date's text as Trino reads it ('2024-1-5' too), in ISO form. Raises ValueError."""
    found = re.fullmatch(r"\s*0*(\d{1,4})-(\d{1,2})-(\d{1,2})\s*", text, re.ASCII)
    if not found:
        raise ValueError(text)
    return datetime.date(int(found[1]), int(found[2]), int(found[3])).isoformat()


def timestamp(text: str) -> tuple[str, str | None, int]:
    """A timestamp's text as Trino reads it: ISO form, its zone or None, and how many digits of the second it has.
    Raises ValueError."""
    found = re.fullmatch(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,12}))?)?)?"
                         r"\s*([A-Za-z][\w/+-]*|[+-]\d\d?(?::?\d\d)?)?\s*", text, re.ASCII)
    if not found:
        raise ValueError(text)
    if found[4] and int(found[4]) > 23:
        raise ValueError(text)
    parts = [int(part or 0) for part in found.groups()[:6]]
    moment = datetime.datetime(*parts)
    digits = found[7] or ""
    return moment.isoformat(" ") + ("." + digits[:6] if digits else ""), found[8], len(digits)


def cast(on: Expressions, value: Expr, kind: Type, node: Node, safe: bool) -> Expr:
    """The compiled cast. Raises TYPE_MISMATCH where Trino has no such cast, a refusal where it is not verified."""
    from local_aws.athena.on_duckdb.expressions import Expr

    given = value.type
    if given.name == "unknown":
        return Expr(f"CAST(NULL AS {duckdb(kind)})", kind, None)
    if given == kind:
        return Expr(value.sql, kind, value.value)
    sql = _cast(value, kind, node)
    if sql is None:
        raise QueryFailed("TYPE_MISMATCH", f"line {node.line}:{node.column}: Cannot cast {words(given)} to "
                                           f"{words(kind)}")
    if given == JSON and kind.name == "map":
        kind = Type("map", UNORDERED, kind.inner)
    if safe:
        from local_aws.athena.on_duckdb.functions import untried
        untried(sql, node)
    literal: Any = {"value": value.value} if value.literal and kind.name == given.name == "varchar" \
        and not kind.numbers else {}
    return Expr(f"TRY({sql})" if safe else sql, kind, **literal)


def _cast(value: Expr, kind: Type, node: Node) -> str | None:
    given, to, sql = value.type.name, kind.name, value.sql
    held_as = duckdb(kind)
    if given in ("array", "map", "row") or to in ("array", "map", "row"):
        return _nested(value, kind, node)
    if given == "varchar":
        return _from_text(value, kind, node)
    if to == "varchar":
        return _to_text(value, kind, node)
    if to == "json" or given == "json":
        return _json(value, kind, node)
    if given == "boolean":
        if to in INTEGERS or to in FLOATS or to == "decimal":
            return f"CAST({sql} AS {held_as})" if to != "decimal" else f"CAST(CAST({sql} AS INTEGER) AS {held_as})"
        return None
    if to == "boolean":
        return f"({sql} <> 0)" if numeric(value.type) else None
    if numeric(value.type) and numeric(kind):
        return _number(value, kind)
    if given == "date":
        return f"CAST({sql} AS TIMESTAMP)" if to.startswith("timestamp") else None
    if given.startswith("timestamp"):
        if to == "date":
            return f"CAST({sql} AS DATE)"
        if to.startswith("timestamp"):
            return _precision(sql, value.type.numbers[0], kind.numbers[0])
    return None


def _precision(sql: str, given: int, wanted: int) -> str:
    return sql if wanted >= given else f"t_round_time({sql}, {10 ** (6 - wanted)})"


def _number(value: Expr, kind: Type) -> str:
    given, to, sql, held_as = value.type, kind.name, value.sql, duckdb(kind)
    if given.name in INTEGERS and to in INTEGERS:
        if INTEGERS[given.name] <= INTEGERS[to]:
            return f"CAST({sql} AS {held_as})"
        return f"t_to_{to}({sql})"
    if given.name in FLOATS and to in INTEGERS:
        return f"t_float_to_{to}(CAST({sql} AS DOUBLE))"
    if given.name == "decimal" and to in INTEGERS:
        return f"t_decimal_to_{to}({sql})"
    if to == "decimal":
        if given.name in FLOATS:
            return f"CAST(py_double_to_decimal(CAST({sql} AS DOUBLE), CAST({kind.numbers[0]} AS INTEGER), " \
                   f"CAST({kind.numbers[1]} AS INTEGER)) AS {held_as})"
        whole = as_decimal(given)
        if common(whole, kind) == kind:
            return f"CAST({sql} AS {held_as})"
        return f"CAST(py_decimal_cast(CAST({sql} AS VARCHAR), CAST({kind.numbers[0]} AS INTEGER), " \
               f"CAST({kind.numbers[1]} AS INTEGER)) AS {held_as})"
    if given.name == "decimal" and to in FLOATS:
        return f"CAST(CAST(CAST({sql} AS VARCHAR) AS DOUBLE) AS {held_as})"
    return f"CAST({sql} AS {held_as})"


def _from_text(value: Expr, kind: Type, node: Node) -> str | None:
    to, sql, held_as = kind.name, value.sql, duckdb(kind)
    if to == "varchar":
        return f"left({sql}, {kind.numbers[0]})" if kind.numbers and (
            not value.type.numbers or value.type.numbers > kind.numbers) else sql
    if to in INTEGERS:
        return f"t_text_to_{to}({sql})"
    if to == "double":
        return f"CAST(py_text_to_double({sql}) AS DOUBLE)"
    if to == "real":
        return f"CAST(py_text_to_real({sql}) AS FLOAT)"
    if to == "decimal":
        return f"CAST(py_text_to_decimal({sql}, CAST({kind.numbers[0]} AS INTEGER), " \
               f"CAST({kind.numbers[1]} AS INTEGER)) AS {held_as})"
    if to == "boolean":
        return f"t_text_to_boolean({sql})"
    if to == "date":
        return f"CAST(t_text_to_date({sql}) AS DATE)"
    if to == "timestamp":
        return f"CAST(t_text_to_timestamp({sql}, {kind.numbers[0]}) AS TIMESTAMP)"
    if to == "timestamp with time zone":
        return f"CAST(py_text_to_zoned({sql}, CAST({kind.numbers[0]} AS INTEGER)) AS TIMESTAMP)"
    if to == "varbinary":
        return f"encode({sql})"
    if to == "json":
        return f"py_json_quote({sql})"
    return None


def _to_text(value: Expr, kind: Type, node: Node) -> str | None:
    given, sql = value.type, value.sql
    if given.name in INTEGERS or given.name == "boolean":
        result = f"CAST({sql} AS VARCHAR)"
    elif given.name == "decimal":
        result = decimal_text(sql, given)
    elif given.name == "double":
        result = f"py_double_to_text({sql})"
    elif given.name == "real":
        result = f"py_real_to_text(CAST({sql} AS DOUBLE))"
    elif given.name == "date":
        result = f"strftime({sql}, '%Y-%m-%d')"
    elif given.name.startswith("timestamp"):
        digits = given.numbers[0]
        result = f"strftime({sql}, '%Y-%m-%d %H:%M:%S')"
        if digits:
            result = f"({result} || '.' || left(strftime({sql}, '%f'), {digits}))"
        if given.name != "timestamp":
            result = f"({result} || ' UTC')"
    elif given.name == "json":
        return f"py_json_to_text({sql})" if not kind.numbers else None
    elif given.name == "varbinary":
        return None
    else:
        raise refused(f"a cast of {words(given)} to {words(kind)}", node)
    if not kind.numbers:
        return result
    return f"t_fit({result}, {kind.numbers[0]}, '{words(given)}', '{words(kind)}')"


def decimal_text(sql: str, kind: Type) -> str:
    """A decimal's text, with a zero before the point: DuckDB leaves it out where there are no whole digits."""
    if kind.numbers[0] != kind.numbers[1]:
        return f"CAST({sql} AS VARCHAR)"
    return f"regexp_replace(CAST({sql} AS VARCHAR), '^(-?)\\.', '\\10.')"


def _json(value: Expr, kind: Type, node: Node) -> str | None:
    given, to, sql = value.type, kind.name, value.sql
    if to == "json":
        if given.name == "decimal":
            return decimal_text(sql, given)
        if given.name in INTEGERS or given.name == "boolean":
            return f"CAST({sql} AS VARCHAR)"
        if given.name == "double":
            return f"py_double_to_json({sql})"
        raise refused(f"a cast of {words(given)} to {words(kind)}", node)
    if to == "bigint" or to == "integer":
        return f"CAST(py_json_to_bigint({sql}) AS {duckdb(kind)})"
    if to == "double":
        return f"CAST(py_json_to_double({sql}) AS DOUBLE)"
    if to == "boolean":
        return f"py_json_to_boolean({sql})"
    raise refused(f"a cast of {words(given)} to {words(kind)}", node)


def _nested(value: Expr, kind: Type, node: Node) -> str | None:
    from local_aws.athena.on_duckdb.expressions import Expr

    given, sql = value.type, value.sql
    if unordered(given):
        raise refused(f"a cast of a map that has no order to {words(kind)}", node)
    if given == JSON and kind.name in ("array", "map"):
        texts = kind.inner[-1] == VARCHAR and (kind.name == "array" or kind.inner[0] == VARCHAR)
        if texts:
            # A cast of json_parse(…) reads the text itself, as Trino's does: a key twice fails it.
            text = sql[len("py_json_parse("):-1] if sql.startswith("py_json_parse(") else sql
            return f"py_json_to_{'list' if kind.name == 'array' else 'map'}({text})"
        raise refused(f"a cast of {words(given)} to {words(kind)}", node)
    if given.name != kind.name:
        if kind == JSON:
            if given == array(VARCHAR) or (given.name == "array" and given.inner[0].name == "varchar"):
                return f"py_list_to_json({sql})"
            raise refused(f"a cast of {words(given)} to {words(kind)}", node)
        return None
    if len(given.inner) != len(kind.inner):
        return None
    if given.name == "row":
        parts = []
        for at, (own, wanted) in enumerate(zip(given.inner, kind.inner, strict=True), 1):
            part = Expr(f"struct_extract({sql}, 'f{at}')", own)
            done = part.sql if own == wanted else _cast(part, wanted, node) if own.name != "unknown" else "NULL"
            if done is None:
                return None
            parts.append(f"f{at} := {done}")
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE CAST(struct_pack({', '.join(parts)}) AS {duckdb(kind)}) END"
    if given.name == "array":
        if given.inner[0].name == "unknown":
            return f"CAST({sql} AS {duckdb(kind)})"
        part = Expr(f"c{node.line}_{node.column}", given.inner[0])
        done = part.sql if given.inner[0] == kind.inner[0] else _cast(part, kind.inner[0], node)
        return None if done is None else f"list_transform({sql}, lambda {part.sql}: {done})"
    if all(one.name in (to.name, "unknown") for one, to in zip(given.inner, kind.inner, strict=True)):
        return f"CAST({sql} AS {duckdb(kind)})"
    raise refused(f"a cast of {words(given)} to {words(kind)}", node)
