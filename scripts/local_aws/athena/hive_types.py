"""Types in Hive's words (`struct<a:int>`), which Glue keeps, and in Trino's (`row(a integer)`), which queries speak.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""
from __future__ import annotations

from local_aws.athena.engine import QueryFailed
from local_aws.athena.text import Type, parse_type

_TO_TRINO = {"boolean": "boolean", "tinyint": "tinyint", "smallint": "smallint", "int": "integer", "integer": "integer",
             "bigint": "bigint", "float": "real", "real": "real", "double": "double", "string": "varchar",
             "varchar": "varchar", "char": "char", "binary": "varbinary", "date": "date", "timestamp": "timestamp(3)",
             "decimal": "decimal"}
_TO_HIVE = {"boolean": "boolean", "tinyint": "tinyint", "smallint": "smallint", "integer": "int", "bigint": "bigint",
            "real": "float", "double": "double", "date": "date", "varbinary": "binary", "json": "string"}


def parts(text: str) -> list[str]:
    """What stands between the outermost commas of 'a:int,b:map<string,int>'."""
    found, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in "<(") - (char in ">)")
        if char == "," and not depth:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()]


def to_trino(hive: str) -> str:
    """A Glue column's type in Trino's words. Raises QueryFailed for a type that Athena does not know."""
    text = hive.strip()
    low = text.lower()
    if low.endswith(">"):
        head, _, body = text[:-1].partition("<")
        head = head.strip().lower()
        if head == "struct":
            fields = [part.partition(":") for part in parts(body)]
            return "row(" + ", ".join(f'"{name.strip()}" {to_trino(kind)}' for name, _, kind in fields) + ")"
        if head in ("array", "map"):
            return f"{head}(" + ", ".join(to_trino(part) for part in parts(body)) + ")"
    name, bracket, numbers = low.partition("(")
    if name.strip() not in _TO_TRINO:
        raise QueryFailed("HIVE_INVALID_METADATA", f"Hive type {hive!r} is not one that Athena knows")
    if name.strip() == "decimal":
        return f"decimal({numbers.rstrip(')') or '10,0'})".replace(" ", "")
    return _TO_TRINO[name.strip()] + (bracket + numbers if bracket else "")


def to_hive(trino: str) -> str:
    """A query column's type in Glue's words. Raises QueryFailed for a type that no table can hold."""
    return _hive(parse_type(trino))


def _hive(kind: Type) -> str:
    if kind.name == "varchar":
        return f"varchar({kind.numbers[0]})" if kind.numbers else "string"
    if kind.name == "char":
        return f"char({kind.numbers[0] if kind.numbers else 1})"
    if kind.name == "decimal":
        return f"decimal({','.join(map(str, kind.numbers))})"
    if kind.name == "timestamp":
        return "timestamp"
    if kind.name in ("array", "map"):
        return f"{kind.name}<{','.join(map(_hive, kind.inner))}>"
    if kind.name == "row":
        return "struct<" + ",".join(f"{name or f'field{at}'}:{_hive(inner)}" for at, (name, inner)
                                    in enumerate(zip(kind.fields, kind.inner, strict=True))) + ">"
    if kind.name not in _TO_HIVE:
        raise QueryFailed("NOT_SUPPORTED", f"Unsupported Hive type: {kind.name}")
    return _TO_HIVE[kind.name]
