"""What coerces to what, which type two have in common, and how DuckDB holds each of the types that are verified.

https://trino.io/docs/476/language/types.html, and Trino's TypeCoercion.getCommonSuperType.
"""
from __future__ import annotations

from local_aws.athena.types import VARCHAR, Type

UNKNOWN, BOOLEAN, DATE, JSON, DOUBLE, INTEGER = map(Type, ("unknown", "boolean", "date", "json", "double", "integer"))
TIMESTAMP = Type("timestamp", (3,))
ZONED = Type("timestamp with time zone", (3,))

INTEGERS = {"tinyint": (1, 3), "smallint": (2, 5), "integer": (4, 10), "bigint": (8, 19)}  # name: bytes, digits
_DUCKDB = {"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER",
           "bigint": "BIGINT", "double": "DOUBLE", "varchar": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP",
           "timestamp with time zone": "TIMESTAMP", "json": "VARCHAR", "unknown": "INTEGER"}


def decimal(precision: int, scale: int) -> Type:
    """A decimal of at most 38 digits, `scale` of them behind the point."""
    return Type("decimal", (min(precision, 38), scale))


def array(item: Type) -> Type:
    """The type of arrays of a type."""
    return Type("array", inner=(item,))


def duckdb(kind: Type) -> str:
    """The DuckDB type that holds a Trino type. An instant with its zone is held in UTC, a JSON value as its
    text."""
    if kind.name == "decimal":
        return f"DECIMAL({kind.numbers[0]},{kind.numbers[1]})"
    if kind.name == "array":
        return duckdb(kind.inner[0]) + "[]"
    return _DUCKDB[kind.name]


def held(kind: Type) -> bool:
    """Whether values of the type are held exactly: a timestamp to the microsecond, no row, map, float or bytes."""
    if kind.inner:
        return kind.name == "array" and held(kind.inner[0])
    if kind.name in (TIMESTAMP.name, ZONED.name):
        return kind.numbers[0] <= 6
    return kind.name == "decimal" or kind.name in _DUCKDB


def numeric(kind: Type) -> bool:
    """Whether Trino computes with values of the type."""
    return kind.name in INTEGERS or kind.name in ("double", "decimal")


def timed(kind: Type) -> bool:
    """Whether the type is a timestamp, with a time zone or without."""
    return kind.name in (TIMESTAMP.name, ZONED.name)


def as_decimal(kind: Type) -> Type:
    """The decimal that holds every value of an integer type; any other type as it is."""
    return decimal(INTEGERS[kind.name][1], 0) if kind.name in INTEGERS else kind


def common(left: Type, right: Type) -> Type | None:
    """The type that both coerce to, or None."""
    if left == right or right.name == "unknown":
        return left
    if left.name == "unknown":
        return right
    if left.name == right.name:
        return _wider(left, right)
    if left.name in INTEGERS and right.name in INTEGERS:
        return max(left, right, key=lambda kind: INTEGERS[kind.name])
    if numeric(left) and numeric(right):
        return DOUBLE if DOUBLE in (left, right) else common(as_decimal(left), as_decimal(right))
    if timed(left) and right == DATE or timed(right) and left == DATE:
        return left if right == DATE else right
    if timed(left) and timed(right):
        return Type(ZONED.name, max(left.numbers, right.numbers))
    return None


def _wider(left: Type, right: Type) -> Type | None:
    """The common type of two of the same name."""
    if left.name == "varchar":
        return VARCHAR if not (left.numbers and right.numbers) else max(left, right, key=lambda kind: kind.numbers)
    if left.name == "decimal":
        (precision, scale), (other, places) = left.numbers, right.numbers
        return decimal(max(precision - scale, other - places) + max(scale, places), max(scale, places))
    if timed(left):
        return max(left, right, key=lambda kind: kind.numbers)
    inner = common(left.inner[0], right.inner[0]) if left.name == "array" else None
    return array(inner) if inner is not None else None


def coerces(given: Type, wanted: Type) -> bool:
    """Whether Trino takes a value of one type, unasked, for another."""
    return common(given, wanted) == wanted


def orderable(kind: Type) -> bool:
    """Whether Trino sorts and compares values of the type by size: all but JSON, and arrays of it."""
    return kind != JSON and all(map(orderable, kind.inner))
