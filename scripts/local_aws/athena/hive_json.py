"""JSON as Trino reads it: by Jackson, and a table's lines by the Hive JSON SerDe (org.apache.hive.hcatalog.data).

Jackson keeps a number as it is written, and an object's pairs in order, with a key twice; it knows no NaN.
"""
from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

from local_aws.athena.moments import read_date, read_timestamp
from local_aws.athena.types import Type

_BITS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}


class Number(str):
    """A number, kept as it is written."""


class Pairs(list[tuple[str, object]]):
    """An object's pairs."""


def _refused(text: str) -> NoReturn:
    raise ValueError(text)


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refused, object_pairs_hook=Pairs)
_BLANKS = re.compile(r"[ \t\n\r]*")


def behind_blanks(text: str, at: int) -> int:
    """The place of the first character at or behind a place that is no blank of JSON's."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def first_value(text: str) -> tuple[object, int]:
    """The first value of a text and the place behind it, -1 where there is none."""
    try:
        return DECODER.raw_decode(text, behind_blanks(text, 0))
    except (ValueError, RecursionError):
        return None, -1


def row_of(line: str, places: Mapping[str, int], kinds: Mapping[int, Type]) -> dict[int, object]:
    """A line's row: by its place, the value of each column of `kinds`, None where the line has none. `places` are those
    of all of the table's columns by their names. Raises ValueError, ArithmeticError or RecursionError for a line at
    which Trino fails."""
    pairs, _ = DECODER.raw_decode(line, len(line) - len(line.lstrip(" \t")))
    if not isinstance(pairs, Pairs):
        raise ValueError("start of object expected")
    row: dict[int, object] = dict.fromkeys(kinds)
    seen = set()
    for key, value in pairs:
        at = places.get(key.lower())
        if at is None and (found := re.fullmatch(r"_col(\d+)", key)):
            at = int(found[1]) if int(found[1]) < len(places) else None
        if at is None or at not in kinds:
            continue
        if at in seen:
            raise ValueError("duplicate field")
        seen.add(at)
        row[at] = hive_value(value, kinds[at])
    return row


def hive_value(value: object, kind: Type) -> object:
    """A JSON value as Trino's Hive reader makes it a column's. Raises ValueError where that fails the query."""
    if value is None:
        return None
    name = kind.name
    if name == "array":
        if isinstance(value, Pairs) or not isinstance(value, list):
            raise ValueError("array")
        return [hive_value(item, kind.inner[0]) for item in value]
    if isinstance(value, list) or (name in _BITS or name == "double") and not isinstance(value, Number):
        raise ValueError(name)
    written = str(value) if not isinstance(value, bool) else "true" if value else "false"
    if name == "varchar":
        written = re.sub("[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]", _lone, written)
        return written[:kind.numbers[0]] if kind.numbers else written
    if name in _BITS:
        whole, bits = int(Decimal(written)), _BITS[name]
        if name == "tinyint" and 128 <= whole <= 255:
            return whole - 256
        if not -2 ** (bits - 1) <= whole < 2 ** (bits - 1):
            raise ValueError("range")
        return whole
    if name == "double":
        return float(written)
    if name == "boolean":
        return written.lower() == "true"
    if name == "date":
        return datetime.date.fromisoformat(read_date(written))
    if name == "timestamp":
        moment, zone, _ = read_timestamp(written.replace("T", " "))
        if zone is not None:
            raise ValueError("zone")
        return datetime.datetime.fromisoformat(moment[:23].ljust(23, "0") if "." in moment else moment)
    rounded = Decimal(written).quantize(Decimal(1).scaleb(-kind.numbers[1]), "ROUND_HALF_UP")
    if abs(rounded) >= Decimal(10) ** (kind.numbers[0] - kind.numbers[1]):
        raise ValueError("range")
    return rounded


def _lone(found: re.Match[str]) -> str:
    if 0xdc80 <= ord(found[0]) <= 0xdcff:
        raise ValueError("invalid UTF-8")  # a byte that was no UTF-8
    return "?"
