"""JSON, as Jackson's streaming parser reads it: what follows the value sought is never looked at."""
from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from local_aws.athena.on_duckdb.python_functions.numbers import BELOW, double_to_text, text_to_double
from local_aws.athena.on_duckdb.python_functions.registry import TrinoError, function
from local_aws.athena.text import double_text as _double


@lru_cache(256)
def _path(path: str) -> tuple[str | int, ...]:
    return tuple(int(number) if number else next(part for part in (name, double, single) if part is not None)
                 for name, number, double, single in (
                     (found[1], found[2], found[3], found[4]) for found in
                     re.finditer(r"""\.([A-Za-z_]\w*)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""", path)))


class _Number(str):
    """A JSON number, kept as it is written."""


class _Object(list):  # type: ignore[type-arg]
    """A JSON object's pairs, in order and with the same key twice."""


def _no_number(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_int=_Number, parse_float=_Number, object_pairs_hook=_Object,
                            parse_constant=_no_number)
_WHITE = re.compile(r"[ \t\n\r]*")


def _skip(text: str, at: int) -> int:
    return _WHITE.match(text, at).end()  # type: ignore[union-attr]


@lru_cache(64)
def _decode(text: str) -> tuple[Any, int]:
    """The first JSON value of a text, and where it ends: -1 where there is none."""
    try:
        return _DECODER.raw_decode(text, _skip(text, 0))
    except (ValueError, RecursionError):
        return None, -1


def _reach(text: str, path: str) -> tuple[Any, bool]:
    value, end = _decode(text)
    steps = _path(path)
    if end < 0:
        try:
            return _walk(text, 0, steps)
        except (ValueError, RecursionError, IndexError):
            return None, False
    for step in steps:
        if isinstance(value, _Object):
            for key, item in value:  # the first of its name: Jackson looks no further
                if key == str(step):
                    value = item
                    break
            else:
                return None, False
        elif isinstance(value, list) and isinstance(step, int):
            if step >= len(value):
                return None, False
            value = value[step]
        else:
            return None, False
    return value, True


def _walk(text: str, at: int, steps: tuple[str | int, ...]) -> tuple[Any, bool]:
    """The value at a path of a text that is no JSON as a whole, but may be as far as the value's end."""
    at = _skip(text, at)
    if not steps:
        return _DECODER.raw_decode(text, at)[0], True
    count = 0
    if text[at] == "{":
        at = _skip(text, at + 1)
        while text[at] == '"':
            key, at = json.decoder.scanstring(text, at + 1)
            at = _skip(text, at)
            if text[at] != ":":
                return None, False
            if key == str(steps[0]):
                return _walk(text, at + 1, steps[1:])
            _, at = _DECODER.raw_decode(text, _skip(text, at + 1))
            at = _skip(text, at)
            if text[at] != ",":
                return None, False
            at = _skip(text, at + 1)
    elif text[at] == "[" and isinstance(steps[0], int):
        at += 1
        while count < steps[0]:
            _, at = _DECODER.raw_decode(text, _skip(text, at))
            at = _skip(text, at)
            if text[at] != ",":
                return None, False
            at, count = at + 1, count + 1
        return _walk(text, at, steps[1:])
    return None, False


def _scalar(value: Any) -> str | None:
    if value is None or isinstance(value, list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@function("VARCHAR, VARCHAR -> VARCHAR")
def json_extract_scalar(text: str, path: str) -> str | None:
    value, found = _reach(text, path)
    return _scalar(value) if found else None


def _number_text(number: str) -> str:
    """A number as Jackson writes it again: whole ones as they are, others as Java's doubles."""
    if re.fullmatch(r"-?\d+", number):
        return "0" if number == "-0" else number
    value = float(number)
    return f'"{_double(value)}"' if math.isinf(value) else _double(value)


def _compact(value: Any, sort: bool) -> str:
    if isinstance(value, _Number):
        return _number_text(value)
    if isinstance(value, _Object):
        pairs = sorted(dict(value).items(), key=lambda pair: pair[0].encode("utf-16-be", "surrogatepass")) if sort \
            else value
        return "{" + ",".join(f"{_quote(key)}:{_compact(item, sort)}" for key, item in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_compact(item, sort) for item in value) + "]"
    if isinstance(value, str):
        return _quote(value)
    return {True: "true", False: "false", None: "null"}[value]


def _quote(text: str) -> str:
    """A JSON string as Jackson writes it: characters beyond the first plane as two escapes."""
    quoted = json.dumps(text, ensure_ascii=False).replace("\x7f", "\x7f")
    quoted = re.sub(r"(?<!\\)((?:\\\\)*)\\u([0-9a-f]{4})", lambda found: f"{found[1]}\\u{found[2].upper()}", quoted)
    return re.sub("[\U00010000-\U0010ffff]", lambda found: "".join(
        f"\\u{int.from_bytes(found[0].encode('utf-16-be')[at:at + 2], 'big'):04X}" for at in (0, 2)), quoted)


@function("VARCHAR, VARCHAR -> VARCHAR")
def json_extract(text: str, path: str) -> str | None:
    value, found = _reach(text, path)
    return _compact(value, False) if found else None


@function("VARCHAR -> VARCHAR")
def json_parse(text: str) -> str:
    value, end = _decode(text)
    if end < 0 or _skip(text, end) != len(text):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Cannot convert value to JSON: '{text}'")
    return _compact(value, True)


def _list(text: str) -> list[Any] | None:
    value, end = _decode(text)
    return value if end >= 0 and isinstance(value, list) and not isinstance(value, _Object) else None


@function("VARCHAR -> BIGINT")
def json_array_length(text: str) -> int | None:
    items = _list(text)
    return None if items is None else len(items)


@function("VARCHAR, VARCHAR -> BOOLEAN")
def json_array_contains_text(text: str, wanted: str) -> bool | None:
    items = _list(text)
    return None if items is None else any(type(item) is str and item == wanted for item in items)


@function("VARCHAR, BIGINT -> BOOLEAN")
def json_array_contains_whole(text: str, wanted: int) -> bool | None:
    items = _list(text)
    return None if items is None else any(isinstance(item, _Number) and re.fullmatch(r"-?\d+", item) is not None
                                          and int(item) == wanted for item in items)


@function("VARCHAR, BOOLEAN -> BOOLEAN")
def json_array_contains_truth(text: str, wanted: bool) -> bool | None:
    items = _list(text)
    return None if items is None else any(item is wanted for item in items)


@function("VARCHAR, BIGINT -> VARCHAR")
def json_array_get(text: str, index: int) -> str | None:
    items = _list(text)
    if items is None or not -len(items) <= index < len(items) or items[index] is None:
        return None
    return _scalar(items[index]) if not isinstance(items[index], list) else _compact(items[index], False)


@function("VARCHAR, VARCHAR -> BIGINT")
def json_size(text: str, path: str) -> int | None:
    value, found = _reach(text, path)
    return None if not found else len(value) if isinstance(value, list) else 0


@function("VARCHAR -> BOOLEAN")
def is_json_scalar(text: str) -> bool:
    value, end = _decode(text)
    if end < 0 or _skip(text, end) != len(text):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON value: {text}")
    return not isinstance(value, list)


@function("VARCHAR -> VARCHAR")
def json_quote(text: str) -> str:
    return _quote(text)


def _json_cast(text: str, kind: str, call: Callable[[Any], Any]) -> Any:
    value, _ = _decode(text)
    try:
        if isinstance(value, list):
            raise ValueError
        return None if value is None else call(value)
    except (ValueError, ArithmeticError):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to {kind}") from None


def _json_text(value: Any) -> str | None:
    if isinstance(value, _Number) and not re.fullmatch(r"-?\d+", value):
        return double_to_text(float(value))
    return _scalar(value)


@function("VARCHAR -> VARCHAR")
def json_to_text(text: str) -> str | None:
    return _json_cast(text, "varchar", _json_text)  # type: ignore[no-any-return]


@function("VARCHAR -> DOUBLE")
def json_to_double(text: str) -> float | None:
    return _json_cast(text, "double", lambda value: float(value) if isinstance(value, (bool, _Number))
                      else text_to_double(value))


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, _Number):
        return float(value) != 0
    if value.lower() in ("t", "true", "1"):
        return True
    if value.lower() in ("f", "false", "0"):
        return False
    raise ValueError


@function("VARCHAR -> BOOLEAN")
def json_to_boolean(text: str) -> bool | None:
    return _json_cast(text, "boolean", _truth)  # type: ignore[no-any-return]


@function("DOUBLE -> VARCHAR")
def double_to_json(value: float) -> str:
    return _double(value) if math.isfinite(value) else f'"{_double(value)}"'


@function("VARCHAR[] -> VARCHAR")
def list_to_json(items: list[str | None]) -> str:
    return "[" + ",".join("null" if item is None else _quote(item) for item in items) + "]"


def _whole(text: str, what: str) -> Any:
    value, end = _decode(text)
    if end < 0 or _skip(text, end) != len(text):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast to {what}. {text}")
    return value


@function("VARCHAR -> VARCHAR[]")
def json_to_list(text: str) -> list[str | None] | None:
    value = _whole(text, "array(varchar)")
    if value is None:
        return None
    if not isinstance(value, list) or isinstance(value, _Object) or any(isinstance(item, list) for item in value):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast to array(varchar). {text}")
    return [_json_text(item) for item in value]


@function("VARCHAR -> MAP(VARCHAR, VARCHAR)")
def json_to_map(text: str) -> dict[str, str | None] | None:
    value = _whole(text, "map(varchar, varchar)")
    if value is None:
        return None
    if not isinstance(value, _Object) or any(isinstance(item, list) for _, item in value) or \
            len(dict(value)) != len(value):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast to map(varchar, varchar). {text}")
    return {key: _json_text(item) for key, item in value}


@function("VARCHAR -> BIGINT")
def json_to_bigint(text: str) -> int | None:
    value, _ = _decode(text)
    try:
        if value is None:
            return None
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, _Number):
            whole = int(Decimal(value).to_integral_value(ROUND_HALF_UP))
        elif isinstance(value, str):
            whole = int(value.strip(BELOW))
        else:
            raise ValueError
        if not -2**63 <= whole < 2**63:
            raise ValueError
        return whole
    except (ValueError, ArithmeticError):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to bigint") from None
