"""Types in Hive's words (`struct<a:int>`), which Glue keeps, and in Trino's (`row(a integer)`), which queries have.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""
from __future__ import annotations

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.types import VARCHAR, Type

_TO_TRINO = {"boolean": "boolean", "tinyint": "tinyint", "smallint": "smallint", "int": "integer", "integer": "integer",
             "bigint": "bigint", "float": "real", "real": "real", "double": "double", "string": "varchar",
             "varchar": "varchar", "char": "char", "binary": "varbinary", "date": "date", "timestamp": "timestamp",
             "decimal": "decimal"}
_TO_HIVE = {"boolean": "boolean", "tinyint": "tinyint", "smallint": "smallint", "integer": "int", "bigint": "bigint",
            "real": "float", "double": "double", "date": "date", "varbinary": "binary", "json": "string"}


def _parts(text: str) -> list[str]:
    """What stands between the outermost commas of 'a:int,b:map<string,int>'."""
    found, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "<(") - (char in ">)")
        if char == "," and not depth:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()]


def from_hive(text: str) -> Type:
    """A Glue column's type as Trino's. Raises QueryFailed HIVE_INVALID_METADATA for one that Athena does not know."""
    unknown = QueryFailed("HIVE_INVALID_METADATA", f"Hive type {text!r} is not one that Athena knows")
    if "<" in text:
        name, _, body = text.strip().partition("<")
        if not body.endswith(">"):
            raise unknown
        body = body[:-1]
        name, parts = name.strip().lower(), _parts(body)
        if name == "struct":
            fields = [part.partition(":") for part in parts]
            return Type("row", inner=tuple(from_hive(kind) for _, _, kind in fields),
                        fields=tuple(field.strip() for field, _, _ in fields))
        if (name, len(parts)) not in (("array", 1), ("map", 2)):
            raise unknown
        return Type(name, inner=tuple(map(from_hive, parts)))
    name, _, body = text.strip().lower().partition("(")
    name = _TO_TRINO.get(name.strip(), "")
    numbers = body.removesuffix(")").split(",") if body else ["10", "0"] if name == "decimal" else []
    if not name or not all(number.strip().isdecimal() for number in numbers):
        raise unknown
    if name == "decimal" and len(numbers) == 1:
        numbers.append("0")
    return Type(name, (3,) if name == "timestamp" else tuple(map(int, numbers)))


def to_hive(kind: Type) -> str:
    """A query column's type in Glue's words. Raises QueryFailed NOT_SUPPORTED for a type that no table can hold."""
    if kind.name == "varchar":
        return f"varchar({kind.numbers[0]})" if kind.numbers else "string"
    if kind.name == "char":
        return f"char({kind.numbers[0] if kind.numbers else 1})"
    if kind.name == "decimal":
        return f"decimal({','.join(map(str, kind.numbers))})"
    if kind.name == "timestamp":
        return "timestamp"
    if kind.name in ("array", "map"):
        return f"{kind.name}<{','.join(map(to_hive, kind.inner))}>"
    if kind.name == "row":
        return "struct<" + ",".join(f"{name or f'field{at}'}:{to_hive(inner)}" for at, (name, inner)
                                    in enumerate(zip(kind.fields, kind.inner, strict=True))) + ">"
    if kind.name not in _TO_HIVE:
        raise QueryFailed("NOT_SUPPORTED", f"Unsupported Hive type: {kind.name}")
    return _TO_HIVE[kind.name]


def kept(kind: Type) -> Type:
    """The type in which a new table keeps a query's column: a text of any length, a timestamp of three digits."""
    if kind.name == "varchar":
        return VARCHAR
    if kind.name == "timestamp":
        return Type("timestamp", (3,))
    return Type(kind.name, kind.numbers, tuple(map(kept, kind.inner)), kind.fields)
