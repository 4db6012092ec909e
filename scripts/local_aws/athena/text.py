"""How a value reads in Athena's results: the one place that knows, for whatever engine answered.

Seen on Athena engine version 3: an array is [a, b], a row {a=1, b=null}, a map {k=v}; a timestamp has three digits;
varbinary is pairs of hex digits; a double reads as Java prints it (1.0, 1.0E10, NaN, Infinity).
https://docs.aws.amazon.com/athena/latest/ug/querying-results.html
"""
from __future__ import annotations

import datetime
import math
import struct
from base64 import b64decode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from local_aws.athena.types import Type


def _java(value: float, digits: str) -> str:
    """A floating-point number as Java's Double.toString has it, from its shortest `digits` (Python's repr)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = format(Decimal(digits), "f")
        return plain if "." in plain else plain + ".0"
    sign, parts, _ = Decimal(digits).as_tuple()
    figures = "".join(map(str, parts)).rstrip("0") or "0"
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{Decimal(digits).adjusted()}"


def double_text(value: Any) -> str:
    value = float(value)
    return _java(value, repr(value))


def real_text(value: Any) -> str:
    """A 32-bit number, in the fewest digits that give the same 32 bits back."""
    value = float(value)
    if not math.isfinite(value):
        return _java(value, "0")
    bits = struct.pack("f", value)
    digits = next(text for text in (f"{value:.{figures}e}" for figures in range(9)) if
                  struct.pack("f", float(text)) == bits)
    return _java(value, digits)


def _decimal(scale: int) -> Callable[[Any], str]:
    return lambda value: format(Decimal(value), f".{scale}f")


def _bytes(value: Any) -> str:
    return (b64decode(value) if isinstance(value, str) else bytes(value)).hex(" ")


def _time(value: Any) -> str:
    """A time or timestamp with three digits of the second, as Athena's; text (with more digits or a zone) stays."""
    if isinstance(value, str):
        return value
    zone = ""
    if value.tzinfo is not None:
        zone = " " + (getattr(value.tzinfo, "key", None) or getattr(value.tzinfo, "zone", None) or value.tzname())
        value = value.replace(tzinfo=None)
    form = value.isoformat(" ", "milliseconds") if isinstance(value, datetime.datetime) else value.isoformat(
        "milliseconds")
    return form + zone


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def formatter(kind: Type) -> Callable[[Any], str | None]:
    """A function from a value of the type (None included) to its text in a result, None for a null.

    Values: bool; int; float; Decimal or its text; str (varchar, char, json, uuid, intervals …); bytes or base64 text;
    date, time, datetime or Trino's text of them; a list for an array; a sequence for a row; a dict or a list of pairs
    for a map.
    """
    plain = _plain(kind)
    return lambda value: None if value is None else plain(value)


def _plain(kind: Type) -> Callable[[Any], str]:
    if kind.name == "boolean":
        return _boolean
    if kind.name == "double":
        return double_text
    if kind.name == "real":
        return real_text
    if kind.name == "decimal":
        return _decimal(kind.numbers[1] if len(kind.numbers) > 1 else 0)
    if kind.name == "varbinary":
        return _bytes
    if kind.name.startswith("time"):
        return _time
    if kind.name == "array":
        item = _inside(kind.inner[0])
        return lambda value: "[" + ", ".join(map(item, value)) + "]"
    if kind.name == "map":
        key, item = map(_inside, kind.inner)
        return lambda value: "{" + ", ".join(
            f"{key(k)}={item(v)}" for k, v in (value.items() if isinstance(value, dict) else value)) + "}"
    if kind.name == "row":
        names = [name if name is not None else f"field{at}" for at, name in enumerate(kind.fields)]
        items = [_inside(inner) for inner in kind.inner]
        return lambda value: "{" + ", ".join(
            f"{name}={item(part)}" for name, item, part in zip(names, items, value, strict=True)) + "}"
    return str


def _inside(kind: Type) -> Callable[[Any], str]:
    """Inside an array, row or map a null reads 'null'."""
    plain = _plain(kind)
    return lambda value: "null" if value is None else plain(value)
