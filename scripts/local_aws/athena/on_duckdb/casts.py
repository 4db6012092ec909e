"""CAST and TRY_CAST as Trino does them: which pairs of types there are, and how each value converts or fails.

https://trino.io/docs/476/functions/conversion.html
"""
from __future__ import annotations

from dataclasses import replace

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.on_duckdb.coercion import INTEGERS, ZONED, array, as_decimal, common, duckdb, held, numeric, timed
from local_aws.athena.on_duckdb.model import Expr, Holds, fail, null
from local_aws.athena.trino_sql.grammar import refused
from local_aws.athena.trino_sql.nodes import Node
from local_aws.athena.types import VARCHAR, Type

_ALIASES = {"int": "integer", "float": "real", "dec": "decimal", "numeric": "decimal"}
_KNOWN = {"boolean", "double", "varchar", "date", "json", "decimal", "timestamp", ZONED.name, "array", *INTEGERS}
_OTHERS = {"char", "time", "time with time zone", "uuid", "ipaddress", "hyperloglog", "qdigest", "tdigest", "setdigest",
           "p4hyperloglog", "color", "unknown", "bingtile", "real", "varbinary", "map", "row"}


def resolved(kind: Type, node: Node) -> Type:
    """The type that a cast names. Raises TYPE_MISMATCH for one that Trino has not, INVALID_FUNCTION_ARGUMENT for a
    decimal that there is not, and a refusal for one that DuckDB does not hold."""
    name = _ALIASES.get(kind.name, kind.name)
    if name in _OTHERS:
        raise refused(f"a cast to {kind}", node)
    if name not in _KNOWN or (len(kind.inner) != (name == "array")):
        raise fail("TYPE_MISMATCH", node, f"Unknown type: {kind}")
    if name == "array":
        return array(resolved(kind.inner[0], node))
    numbers = kind.numbers
    if name == "decimal":
        numbers = (*numbers, 0) if len(numbers) == 1 else numbers or (38, 0)
        if len(numbers) != 2 or not (1 <= numbers[0] <= 38 and numbers[1] <= numbers[0]):
            raise QueryFailed("INVALID_FUNCTION_ARGUMENT", "DECIMAL precision must be in range [1, 38]")
    found = Type(name, numbers or (3,) if name in ("timestamp", ZONED.name) else numbers)
    if len(numbers) > 1 and name != "decimal" or numbers and name not in ("decimal", "varchar") and not timed(found):
        raise fail("TYPE_MISMATCH", node, f"Unknown type: {kind}")
    if not held(found):
        raise refused(f"the type {found}", node)
    return found


def cast(value: Expr, kind: Type, node: Node, safe: bool) -> Expr:
    """The compiled cast; `safe` gives a null where a value does not convert. Raises TYPE_MISMATCH where Trino has no
    such cast, a refusal where it is not verified."""
    if value.type.name == "unknown":
        return Expr(null(kind), kind, None, True)
    if value.type == kind:
        return value
    sql = _cast(value.sql, value.type, kind, node)
    if sql is None:
        raise fail("TYPE_MISMATCH", node, f"Cannot cast {value.type} to {kind}")
    if safe and value.holds & (Holds.REFUSAL | Holds.QUERY | Holds.AGGREGATE | Holds.WINDOW):
        raise refused("TRY_CAST around an aggregate, window function, subquery or text with a time zone", node)
    text = value.literal and kind.name == value.type.name == "varchar" and not kind.numbers
    return replace(value, sql=f"TRY({sql})" if safe else sql, type=kind, literal=text,
                   holds=value.holds | (Holds.TRY if safe else Holds.NOTHING))


def _cast(sql: str, given: Type, kind: Type, node: Node) -> str | None:
    if given.name == "array" or kind.name == "array":
        return _array(sql, given, kind, node)
    if "json" in (given.name, kind.name) or (given.name, kind.name) == ("varchar", ZONED.name):
        raise refused(f"a cast of {given} to {kind}", node)
    if given.name == "varchar":
        return _from_text(sql, given, kind)
    if kind.name == "varchar":
        return _to_text(sql, given, kind, node)
    if given.name == "boolean":
        return f"CAST(CAST({sql} AS INTEGER) AS {duckdb(kind)})" if numeric(kind) else None
    if kind.name == "boolean":
        return f"({sql} <> 0)" if numeric(given) else None
    if numeric(given) and numeric(kind):
        return _number(sql, given, kind)
    if given.name == "date":
        return f"CAST({sql} AS TIMESTAMP)" if timed(kind) else None
    if timed(given) and kind.name == "date":
        return f"CAST({sql} AS DATE)"
    if timed(given) and timed(kind):
        if kind.numbers < given.numbers:
            raise refused(f"a cast of {given} to {kind}", node)
        return sql
    return None


def _number(sql: str, given: Type, kind: Type) -> str:
    to, held_as = kind.name, duckdb(kind)
    if given.name in INTEGERS and to in INTEGERS:
        return f"CAST({sql} AS {held_as})" if INTEGERS[given.name] <= INTEGERS[to] else f"t_to_{to}({sql})"
    if to in INTEGERS:
        return f"t_{given.name}_to_{to}({sql})"
    if to == "decimal":
        size = f"CAST({kind.numbers[0]} AS INTEGER), CAST({kind.numbers[1]} AS INTEGER)"
        if given.name == "double":
            return f"CAST(py_double_to_decimal({sql}, {size}) AS {held_as})"
        if common(as_decimal(given), kind) != kind:
            return f"CAST(py_decimal_cast(CAST({sql} AS VARCHAR), {size}) AS {held_as})"
    if given.name == "decimal" and to == "double":
        return f"CAST(CAST({sql} AS VARCHAR) AS DOUBLE)"
    return f"CAST({sql} AS {held_as})"


def _from_text(sql: str, given: Type, kind: Type) -> str | None:
    to = kind.name
    if to == "varchar":
        longer = kind.numbers and (not given.numbers or given.numbers > kind.numbers)
        return f"left({sql}, {kind.numbers[0]})" if longer else sql
    if to in INTEGERS or to == "boolean":
        return f"t_text_to_{to}({sql})"
    if to == "double":
        return f"CAST(py_text_to_double({sql}) AS DOUBLE)"
    if to == "decimal":
        return f"CAST(py_text_to_decimal({sql}, CAST({kind.numbers[0]} AS INTEGER), " \
               f"CAST({kind.numbers[1]} AS INTEGER)) AS {duckdb(kind)})"
    if to == "date":
        return f"CAST(t_text_to_date({sql}) AS DATE)"
    return f"CAST(t_text_to_timestamp({sql}, {kind.numbers[0]}) AS TIMESTAMP)"


def _to_text(sql: str, given: Type, kind: Type, node: Node) -> str:
    if kind.numbers:
        raise refused(f"a cast of {given} to {kind}", node)
    if given.name in INTEGERS or given.name == "boolean":
        result = f"CAST({sql} AS VARCHAR)"
    elif given.name == "decimal":  # DuckDB leaves the zero before the point out where there are no whole digits
        result = f"CAST({sql} AS VARCHAR)" if given.numbers[0] != given.numbers[1] else \
            f"regexp_replace(CAST({sql} AS VARCHAR), '^(-?)\\.', '\\10.')"
    elif given.name == "double":
        result = f"py_double_to_text({sql})"
    elif given.name == "date":
        result = f"strftime({sql}, '%Y-%m-%d')"
    elif timed(given):
        result = f"strftime({sql}, '%Y-%m-%d %H:%M:%S')"
        if given.numbers[0]:
            result = f"({result} || '.' || left(strftime({sql}, '%f'), {given.numbers[0]}))"
        if given.name == ZONED.name:
            result = f"({result} || ' UTC')"
    else:
        raise refused(f"a cast of {given} to {kind}", node)
    return result


def _array(sql: str, given: Type, kind: Type, node: Node) -> str | None:
    if "json" in (given.name, kind.name):
        raise refused(f"a cast of {given} to {kind}", node)
    if given.name != kind.name:
        return None
    own = given.inner[0]
    if own.name != "unknown" and (own.name, kind.inner[0]) != ("varchar", VARCHAR):
        raise refused(f"a cast of {given} to {kind}", node)
    return f"CAST({sql} AS {duckdb(kind)})"
