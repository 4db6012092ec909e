"""Trino's types: what coerces to what, which type two have in common, and how DuckDB holds each.

https://trino.io/docs/476/language/types.html
"""
from __future__ import annotations

from local_aws.athena.types import Type

UNKNOWN, BOOLEAN, DATE, JSON, DOUBLE, REAL, VARBINARY = map(
    Type, ("unknown", "boolean", "date", "json", "double", "real", "varbinary"))
TINYINT, SMALLINT, INTEGER, BIGINT, VARCHAR = map(Type, ("tinyint", "smallint", "integer", "bigint", "varchar"))
DAY_TIME, YEAR_MONTH = Type("interval day to second"), Type("interval year to month")
TIMESTAMP = Type("timestamp", (3,))
ZONED = Type("timestamp with time zone", (3,))

INTEGERS = {"tinyint": (1, 3), "smallint": (2, 5), "integer": (4, 10), "bigint": (8, 19)}  # name: bytes, digits
FLOATS = ("real", "double")
ALIASES = {"int": "integer", "string": "varchar", "float": "real", "double precision": "double", "dec": "decimal",
           "numeric": "decimal"}

_DUCKDB = {"boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER",
           "bigint": "BIGINT", "real": "FLOAT", "double": "DOUBLE", "varchar": "VARCHAR", "varbinary": "BLOB",
           "date": "DATE", "timestamp": "TIMESTAMP", "timestamp with time zone": "TIMESTAMP", "json": "VARCHAR",
           "time": "TIME", "unknown": "INTEGER", "interval day to second": "BIGINT",
           "interval year to month": "INTEGER"}


def decimal(precision: int, scale: int) -> Type:
    return Type("decimal", (min(precision, 38), scale))


def array(item: Type) -> Type:
    return Type("array", inner=(item,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", inner=(key, value))


def row_of(*inner: Type, fields: tuple[str | None, ...] | None = None) -> Type:
    return Type("row", inner=inner, fields=fields or (None,) * len(inner))


words = str


def duckdb(kind: Type) -> str:
    """The DuckDB type that holds a Trino type. An instant with its zone is held in UTC, a JSON value as its text, an
    interval as its milliseconds or months, a row's fields as f1, f2, …"""
    if kind.name == "decimal":
        return f"DECIMAL({kind.numbers[0]},{kind.numbers[1]})"
    if kind.name == "array":
        return duckdb(kind.inner[0]) + "[]"
    if kind.name == "map":
        return f"MAP({duckdb(kind.inner[0])}, {duckdb(kind.inner[1])})"
    if kind.name == "row":
        return "STRUCT(" + ", ".join(f"f{at} {duckdb(inner)}" for at, inner in enumerate(kind.inner, 1)) + ")"
    return _DUCKDB[kind.name]


def held(kind: Type) -> bool:
    """Whether DuckDB can hold the type exactly."""
    if kind.inner:
        return kind.name in ("array", "map", "row") and all(map(held, kind.inner))
    if kind.name.startswith("time"):
        return kind.name in _DUCKDB and (not kind.numbers or kind.numbers[0] <= 6)
    return kind.name == "decimal" or kind.name in _DUCKDB


UNORDERED = (0,)  # in a map type's numbers: its entries have Trino's order of hashes, which DuckDB does not know


def unordered(kind: Type) -> bool:
    return kind.name == "map" and kind.numbers == UNORDERED or any(map(unordered, kind.inner))


def numeric(kind: Type) -> bool:
    return kind.name in INTEGERS or kind.name in FLOATS or kind.name == "decimal"


def textual(kind: Type) -> bool:
    return kind.name == "varchar"


def as_decimal(kind: Type) -> Type:
    """The decimal that holds every value of an integer type."""
    return Type("decimal", (INTEGERS[kind.name][1], 0)) if kind.name in INTEGERS else kind


def common(left: Type, right: Type) -> Type | None:
    """The type both coerce to, or None: Trino's TypeCoercion.getCommonSuperType."""
    if left == right:
        return left
    if left.name == "unknown":
        return right
    if right.name == "unknown":
        return left
    if left.name == right.name:
        if left.name == "varchar":
            return VARCHAR if not (left.numbers and right.numbers) else max(left, right, key=lambda k: k.numbers)
        if left.name == "decimal":
            (p1, s1), (p2, s2) = left.numbers, right.numbers
            scale = max(s1, s2)
            return decimal(max(p1 - s1, p2 - s2) + scale, scale)
        if left.name.startswith("time"):
            return max(left, right, key=lambda k: k.numbers)
        if left.inner and len(left.inner) == len(right.inner):
            inner = tuple(common(a, b) for a, b in zip(left.inner, right.inner, strict=True))
            if None in inner:
                return None
            fields = tuple(a if a == b else None for a, b in zip(left.fields, right.fields, strict=True))
            return Type(left.name, left.numbers or right.numbers, inner, fields)
        return None
    if left.name in INTEGERS and right.name in INTEGERS:
        return max(left, right, key=lambda k: INTEGERS[k.name])
    if numeric(left) and numeric(right):
        if "double" in (left.name, right.name):
            return DOUBLE
        if "real" in (left.name, right.name):
            return REAL
        return common(as_decimal(left), as_decimal(right))
    pair = {left.name, right.name}
    if pair == {"date", "timestamp"}:
        return left if left.name == "timestamp" else right
    if pair == {"date", "timestamp with time zone"}:
        return left if right.name == "date" else right
    if pair == {"timestamp", "timestamp with time zone"}:
        return Type("timestamp with time zone", max(left.numbers, right.numbers))
    return None


def coerces(given: Type, wanted: Type) -> bool:
    """Whether Trino takes a value of one type, unasked, for another."""
    return common(given, wanted) == wanted or (
        given.name == wanted.name and given.name == "row" and len(given.inner) == len(wanted.inner)
        and all(map(coerces, given.inner, wanted.inner)))


def comparable(kind: Type) -> bool:
    return kind.name not in ("json_2016",)


def orderable(kind: Type) -> bool:
    if kind.name in ("map", "json"):
        return False
    return all(map(orderable, kind.inner))
