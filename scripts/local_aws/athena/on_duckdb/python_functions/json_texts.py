"""JSON, as Jackson's streaming parser reads it: what follows the value sought is never looked at."""
from __future__ import annotations

import json
import math
import re
from functools import lru_cache

from local_aws.athena.hive_json import DECODER, Number, Pairs, behind_blanks, first_value
from local_aws.athena.on_duckdb.python_functions.registry import function
from local_aws.athena.text import double_text


class _Nowhere(Exception):
    """A path leads to no value."""


@lru_cache(256)
def _steps(path: str) -> tuple[str | int, ...]:
    """A path's names and places: '$.a[0]["b"]' is ('a', 0, 'b')."""
    found = re.findall(r"""\.([A-Za-z_]\w*)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""", path)
    return tuple(int(place) if place else name or double or single for name, place, double, single in found)


def _walk(text: str, at: int, steps: tuple[str | int, ...]) -> object:
    """The value at a path. The text need not be JSON behind it. Raises _Nowhere, ValueError or IndexError."""
    at = behind_blanks(text, at)
    if not steps:
        return DECODER.raw_decode(text, at)[0]
    if text[at] == "{":
        at = behind_blanks(text, at + 1)
        while text[at] == '"':
            key, at = DECODER.raw_decode(text, at)
            at = behind_blanks(text, at)
            if text[at] != ":":
                raise _Nowhere
            if key == str(steps[0]):  # the first of its name: Jackson looks no further
                return _walk(text, at + 1, steps[1:])
            at = _behind(text, at + 1)
    elif text[at] == "[" and isinstance(steps[0], int):
        at += 1
        for _ in range(steps[0]):
            at = _behind(text, at)
        return _walk(text, at, steps[1:])
    raise _Nowhere


def _behind(text: str, at: int) -> int:
    """The place behind a value and its comma."""
    _, at = DECODER.raw_decode(text, behind_blanks(text, at))
    at = behind_blanks(text, at)
    if text[at] != ",":
        raise _Nowhere
    return behind_blanks(text, at + 1)


@function("VARCHAR, VARCHAR -> VARCHAR")
def json_extract_scalar(text: str, path: str) -> str | None:
    """The text, number or boolean at a path as text; None for what is nowhere, null or no scalar."""
    try:
        value = _walk(text, 0, _steps(path))
    except (ValueError, RecursionError, IndexError, _Nowhere):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else None


@function("VARCHAR, VARCHAR -> VARCHAR")
def json_extract(text: str, path: str) -> str | None:
    """The value at a path as JSON text, its keys in the order of the input; None where there is none."""
    try:
        return _written(_walk(text, 0, _steps(path)))
    except (ValueError, RecursionError, IndexError, _Nowhere):
        return None


@function("VARCHAR -> BIGINT")
def json_array_length(text: str) -> int | None:
    """How many elements an array's text has; None for what is no array."""
    value, _ = first_value(text)
    return len(value) if isinstance(value, list) and not isinstance(value, Pairs) else None


def _written(value: object) -> str:
    """A value as Jackson writes it again, an object's keys as they come, twice where they come twice."""
    if isinstance(value, Number):
        if re.fullmatch(r"-?\d+", value):
            return "0" if value == "-0" else value
        number = float(value)
        return double_text(number) if math.isfinite(number) else f'"{double_text(number)}"'
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{_quoted(key)}:{_written(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item) for item in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """A JSON string as Jackson writes it: characters beyond the first plane as two escapes."""
    quoted = re.sub(r"(?<!\\)((?:\\\\)*)\\u([0-9a-f]{4})", lambda found: f"{found[1]}\\u{found[2].upper()}",
                    json.dumps(text, ensure_ascii=False))
    return re.sub("[\U00010000-\U0010ffff]", lambda found: "".join(
        f"\\u{int.from_bytes(found[0].encode('utf-16-be')[at:at + 2], 'big'):04X}" for at in (0, 2)), quoted)
