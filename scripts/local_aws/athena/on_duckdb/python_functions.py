"""Python functions for DuckDB, exact where it has no like: Java's number texts, Joda's patterns, Jackson's JSON.

`FUNCTIONS` names each with its DuckDB parameter types and result; they are called for values that are not null, unless
they say otherwise, and raise `TrinoError` for Trino's errors.
"""
from __future__ import annotations

import base64
import builtins
import calendar
import datetime
import hashlib
import json
import math
import re
import struct
import zlib
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from functools import lru_cache
from hmac import digest as hmac_digest
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from athena.on_duckdb import casts
from athena.text import _double, _real

FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {}


class TrinoError(Exception):
    """Trino's error, on its way through DuckDB's own."""

    def __init__(self, code: str, message: str):
        super().__init__(f"[[{code}|{message}]]")


def function(signature: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `py_<name>` for DuckDB: 'VARCHAR, BIGINT -> VARCHAR'. One that gives a DOUBLE gives its text, to be
    cast."""
    given, _, result = signature.partition("->")
    types = [part.strip() for part in re.split(r",(?![^(]*\))", given) if part.strip()]

    def add(call: Callable[..., Any]) -> Callable[..., Any]:
        if result.strip() == "DOUBLE":  # as text, for DuckDB takes a NaN from Python for a null
            FUNCTIONS[f"py_{call.__name__}"] = (lambda *given: None if (value := call(*given)) is None else repr(value),
                                                 types, "VARCHAR")
        else:
            FUNCTIONS[f"py_{call.__name__}"] = (call, types, result.strip())
        return call
    return add


@function("VARCHAR -> VARCHAR")
def fail(message: str) -> str:
    """Fail with '[[CODE|message]]'."""
    code, _, text = message[2:-2].partition("|")
    raise TrinoError(code, text)


# ---- numbers

@function("DOUBLE -> VARCHAR")
def double_to_text(value: float) -> str:
    """1.0E0, as Trino casts a double to varchar."""
    if not math.isfinite(value):
        return _double(value)
    if value == 0:
        return "-0E0" if math.copysign(1, value) < 0 else "0E0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    power = exponent + len(digits) - 1
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


@function("DOUBLE -> VARCHAR")
def real_to_text(value: float) -> str:
    if not math.isfinite(value):
        return _real(value)
    if value == 0:
        return "-0E0" if math.copysign(1, value) < 0 else "0E0"
    bits = struct.pack("f", value)
    text = next(t for t in (f"{value:.{n}e}" for n in range(9)) if struct.pack("f", float(t)) == bits)
    figures, _, power = text.partition("e")
    return (figures if "." in figures else figures + ".0") + f"E{int(power)}"


@function("VARCHAR, VARCHAR -> BIGINT")
def text_to_whole(text: str, kind: str) -> int:
    bits = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}[kind]
    found = re.fullmatch(r"[+-]?\d+", text.strip(_BELOW))
    if found and -2 ** (bits - 1) <= int(found[0]) < 2 ** (bits - 1):
        return int(found[0])
    raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to {kind}")


_BELOW = "".join(map(chr, range(33)))  # what Java's String.trim takes off


@function("VARCHAR -> DOUBLE")
def text_to_double(text: str) -> float:
    trimmed = text.strip()
    if re.fullmatch(r"[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?)", trimmed, re.ASCII):
        return float(trimmed.rstrip("dDfF") if trimmed[-1:] in "dDfF" else trimmed)
    raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to DOUBLE")


@function("VARCHAR -> DOUBLE")
def text_to_real(text: str) -> float:
    try:
        return text_to_double(text)
    except TrinoError:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to REAL") from None


def _fits(value: Decimal, precision: int, scale: int) -> str | None:
    with localcontext() as context:
        context.prec = 120
        rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        if abs(rounded) >= Decimal(10) ** (precision - scale):
            return None
        return format(rounded, "f")


@function("VARCHAR, INTEGER, INTEGER -> VARCHAR")
def text_to_decimal(text: str, precision: int, scale: int) -> str:
    try:
        if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text, re.ASCII):
            raise InvalidOperation
        result = _fits(Decimal(text), precision, scale)
    except InvalidOperation:
        raise TrinoError("INVALID_CAST_ARGUMENT",
                         f"Cannot cast VARCHAR '{text}' to DECIMAL({precision}, {scale}). Value is not a number.") \
            from None
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT",
                         f"Cannot cast VARCHAR '{text}' to DECIMAL({precision}, {scale}). Value too large.")
    return result


@function("VARCHAR, INTEGER, INTEGER -> VARCHAR")
def decimal_cast(text: str, precision: int, scale: int) -> str:
    result = _fits(Decimal(text), precision, scale)
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast DECIMAL '{text}' to DECIMAL({precision}, {scale})")
    return result


@function("DOUBLE, INTEGER, INTEGER -> VARCHAR")
def double_to_decimal(value: float, precision: int, scale: int) -> str:
    result = _fits(Decimal(repr(value)), precision, scale) if math.isfinite(value) else None
    if result is None:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast DOUBLE '{_double(value)}' to DECIMAL({precision}, "
                                                  f"{scale})")
    return result


@function("VARCHAR, VARCHAR -> VARCHAR")
def decimal_multiply(left: str, right: str) -> str:
    with localcontext() as context:
        context.prec = 100
        return _wide(Decimal(left) * Decimal(right))


def _wide(value: Decimal) -> str:
    if len(value.as_tuple().digits) > 38:
        raise TrinoError("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    return format(value, "f")


@function("VARCHAR, VARCHAR, INTEGER -> VARCHAR")
def decimal_divide(left: str, right: str, scale: int) -> str:
    if Decimal(right) == 0:
        raise TrinoError("DIVISION_BY_ZERO", "Division by zero")
    with localcontext() as context:
        context.prec = 100
        return _wide((Decimal(left) / Decimal(right)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP))


@function("VARCHAR, VARCHAR -> VARCHAR")
def decimal_mod(left: str, right: str) -> str:
    if Decimal(right) == 0:
        raise TrinoError("DIVISION_BY_ZERO", "Division by zero")
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(left) % Decimal(right), "f")


@function("VARCHAR, INTEGER -> VARCHAR")
def decimal_round(text: str, places: int) -> str:
    value = Decimal(text)
    if places >= -value.as_tuple().exponent:
        return text
    with localcontext() as context:
        context.prec = 100
        return format(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")


@function("DOUBLE, DOUBLE -> DOUBLE")
def fmod(left: float, right: float) -> float:
    if right == 0 or math.isnan(left) or math.isnan(right) or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


@function("DOUBLE -> DOUBLE")
def round(value: float) -> float:  # noqa: A001 - Trino's name
    return round_to(value, 0)


@function("DOUBLE, INTEGER -> DOUBLE")
def round_to(value: float, places: int) -> float:
    """Half away from zero, on the double times a power of ten, as Trino computes it."""
    if not math.isfinite(value):
        return value
    factor = 10.0 ** places
    scaled = abs(value) * factor
    if scaled >= 2.0 ** 63 or math.isinf(scaled):
        with localcontext() as context:
            context.prec = 800
            return float(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
    whole = math.floor(scaled)
    rounded = (whole + (scaled - whole >= 0.5)) / factor
    return -rounded if value < 0 else rounded


@function("BIGINT, INTEGER -> BIGINT")
def round_whole(value: int, places: int) -> int:
    if places >= 0:
        return value
    return int(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def _integral(text: str, rounding: str) -> str:
    with localcontext() as context:
        context.prec = 100
        return format(Decimal(text).quantize(Decimal(1), rounding) + 0, "f")


@function("VARCHAR -> VARCHAR")
def decimal_truncate(text: str) -> str:
    return _integral(text, ROUND_DOWN)


@function("VARCHAR -> VARCHAR")
def decimal_ceiling(text: str) -> str:
    return _integral(text, ROUND_CEILING)


@function("VARCHAR -> VARCHAR")
def decimal_floor(text: str) -> str:
    return _integral(text, ROUND_FLOOR)


@function("DOUBLE, DOUBLE -> DOUBLE")
def power(base: float, exponent: float) -> float:
    if math.isnan(base) and exponent != 0 or math.isnan(exponent) or (abs(base) == 1 and math.isinf(exponent)):
        return math.nan  # where C says 1, Java says NaN
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf if base > 0 or exponent % 2 == 0 else -math.inf
    except ValueError:
        if base == 0:
            return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf
        return math.nan


@function("BIGINT, BIGINT -> BIGINT")
def bit_count(value: int, bits: int) -> int:
    if not 2 <= bits <= 64:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Bits specified in bit_count must be between 2 and 64, got "
                                                      f"{bits}")
    if not -2 ** (bits - 1) <= value < 2 ** (bits - 1):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Number must be representable with the bits specified. "
                                                      f"{value} cannot be represented with {bits} bits")
    return bin(value & (2 ** bits - 1)).count("1")


_FIGURES = "0123456789abcdefghijklmnopqrstuvwxyz"


def _radix(radix: int) -> None:
    if not 2 <= radix <= 36:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Radix must be between 2 and 36")


@function("BIGINT, BIGINT -> VARCHAR")
def to_base(value: int, radix: int) -> str:
    _radix(radix)
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = _FIGURES[digit] + digits
    if len(digits) + (value < 0) > 64:
        raise TrinoError("GENERIC_INTERNAL_ERROR", "Character count exceeds length limit 64")
    return "-" + digits if value < 0 else digits


@function("VARCHAR, BIGINT -> BIGINT")
def from_base(text: str, radix: int) -> int:
    _radix(radix)
    try:
        if not re.fullmatch(r"[+-]?[0-9A-Za-z]+", text):
            raise ValueError
        value = int(text, radix)
        if not -2**63 <= value < 2**63:
            raise ValueError
        return value
    except ValueError:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Not a valid base-{radix} number: {text}") from None


@function("DOUBLE, DOUBLE, DOUBLE, BIGINT -> BIGINT")
def width_bucket(value: float, low: float, high: float, count: int) -> int:
    if count <= 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "bucketCount must be greater than 0")
    if math.isnan(value):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "operand must not be NaN")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "bounds must be finite")
    if low == high:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "bounds cannot equal each other")
    lower, upper = min(low, high), max(low, high)
    if value < lower:
        bucket = 0
    elif value >= upper:
        bucket = count + 1
    else:
        bucket = int(count * (value - lower) / (upper - lower) + 1)
    return count - bucket + 1 if low > high else bucket


# ---- text

@function("VARCHAR -> VARCHAR")
def lower(text: str) -> str:
    """One code point for one, as Java's Character.toLowerCase."""
    return text.lower() if text.isascii() else "".join(low if len(low := c.lower()) == 1 else _LOWER.get(c, c)
                                                       for c in text)


@function("VARCHAR -> VARCHAR")
def upper(text: str) -> str:
    return text.upper() if text.isascii() else "".join(up if len(up := c.upper()) == 1 else c for c in text)


_LOWER = {"\u0130": "i"}


@function("VARCHAR -> VARCHAR")
def ltrim(text: str) -> str:
    return text.lstrip(_SPACES)


@function("VARCHAR -> VARCHAR")
def rtrim(text: str) -> str:
    return text.rstrip(_SPACES)


@function("VARCHAR, VARCHAR -> VARCHAR")
def trim_chars(text: str, chars: str) -> str:
    return text.strip(chars) if chars else text


@function("VARCHAR, VARCHAR -> VARCHAR")
def ltrim_chars(text: str, chars: str) -> str:
    return text.lstrip(chars) if chars else text


@function("VARCHAR, VARCHAR -> VARCHAR")
def rtrim_chars(text: str, chars: str) -> str:
    return text.rstrip(chars) if chars else text


@function("VARCHAR, VARCHAR, BIGINT -> VARCHAR[]")
def split_limit(text: str, delimiter: str, limit: int) -> list[str]:
    if limit <= 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Limit must be positive")
    if delimiter == "":
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "The delimiter may not be the empty string")
    return text.split(delimiter, limit - 1)


@function("VARCHAR, VARCHAR, BIGINT -> BIGINT")
def strpos(text: str, needle: str, instance: int) -> int:
    if instance == 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "'instance' must be a positive or negative number.")
    if needle == "":
        return 1
    at = -1 if instance > 0 else len(text)
    for _ in range(abs(instance)):
        at = text.find(needle, at + 1) if instance > 0 else text.rfind(needle, 0, at + len(needle) - 1)
        if at < 0:
            return 0
    return at + 1


@function("VARCHAR, VARCHAR, VARCHAR -> VARCHAR")
def translate(text: str, old: str, new: str) -> str:
    table: dict[str, str] = {}
    for at, char in enumerate(old):
        table.setdefault(char, new[at] if at < len(new) else "")
    return "".join(table.get(char, char) for char in text)


@function("BIGINT -> VARCHAR")
def chr(point: int) -> str:  # noqa: A001 - Trino's name
    if not 0 <= point <= 0x10ffff or 0xd800 <= point <= 0xdfff:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Not a valid Unicode code point: {point}")
    return builtins.chr(point)


@function("VARCHAR, VARCHAR -> BIGINT")
def hamming_distance(left: str, right: str) -> int:
    if len(left) != len(right):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "The input strings to hamming_distance function must have the "
                                                      "same length")
    return sum(a != b for a, b in zip(left, right, strict=True))


@function("VARCHAR, VARCHAR -> BIGINT")
def levenshtein_distance(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for at, a in enumerate(left, 1):
        before, row[0] = row[0], at
        for other, b in enumerate(right, 1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (a != b))
    return row[-1]


@function("VARCHAR -> BOOLEAN")
def luhn_check(text: str) -> bool:
    if not re.fullmatch(r"[0-9]*", text):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Invalid luhn check")
    total = 0
    for at, digit in enumerate(reversed(text)):
        doubled = int(digit) * (2 if at % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and bool(text)


@function("VARCHAR, VARCHAR, VARCHAR -> MAP(VARCHAR, VARCHAR)")
def split_to_map(text: str, entry: str, pair: str) -> dict[str, str]:
    result: dict[str, str] = {}
    for part in text.split(entry):
        if part == "":
            continue
        key, found, value = part.partition(pair)
        if not found:
            raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Key-value delimiter must appear exactly once in each "
                                                          f"entry. "
                                                          f"Bad input: '{part}'")
        if key in result:
            raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Duplicate keys ({key}) are not allowed. Specifying a "
                                                          f"lambda "
                                                          "to resolve conflicts can avoid this error")
        result[key] = value
    return result


@function("VARCHAR -> VARCHAR")
def url_encode(text: str) -> str:
    return quote(text, safe="*-._").replace("%20", "+").replace("~", "%7E")


@function("VARCHAR -> VARCHAR")
def url_decode(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise TrinoError("GENERIC_INTERNAL_ERROR", "URLDecoder: Illegal hex characters in escape (%) pattern")
    return unquote_plus(text)


_URL = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)


@function("VARCHAR, VARCHAR -> VARCHAR")
def url_part(text: str, part: str) -> str | None:
    if re.search(r"[\x00- \x7f-\xa0<>\"{}|\\^`]|%(?![0-9A-Fa-f]{2})", text):
        return None  # no URI to Java either
    scheme, authority, path, query, fragment = _URL.fullmatch(text).groups()  # type: ignore[union-attr]
    host = re.sub(r":\d*$", "", (authority or "").rpartition("@")[2])
    return {"host": host, "path": unquote(path), "protocol": scheme, "query": unquote(query or ""),
            "fragment": unquote(fragment or "")}[part] or ("" if part != "protocol" else "")


# ---- bytes

@function("BLOB -> VARCHAR")
def from_utf8(value: bytes) -> str:
    return value.decode("utf-8", "replace")


@function("VARCHAR -> BLOB")
def from_hex(text: str) -> bytes:
    if len(text) % 2:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "String must have an even number of characters, but was: "
                                                      f"{len(text)}")
    if not re.fullmatch(r"[0-9A-Fa-f]*", text):
        wrong = re.search(r"[^0-9A-Fa-f]", text)
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Invalid hex character: {wrong and wrong[0]}")
    return bytes.fromhex(text)


@function("VARCHAR -> BLOB")
def from_base64(text: str) -> bytes:
    try:
        bare = text.rstrip("=")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except ValueError:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Illegal base64 character in {text}") from None


@function("BLOB -> VARCHAR")
def to_base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


@function("BLOB, VARCHAR -> BLOB")
def hash(value: bytes, name: str) -> bytes:  # noqa: A001
    return hashlib.new(name, value).digest()


@function("BLOB, BLOB, VARCHAR -> BLOB")
def hmac(value: bytes, key: bytes, name: str) -> bytes:
    return hmac_digest(key, value, name)


@function("BLOB -> BIGINT")
def crc32(value: bytes) -> int:
    return zlib.crc32(value)


@function("BIGINT -> BLOB")
def to_big_endian_64(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)


@function("INTEGER -> BLOB")
def to_big_endian_32(value: int) -> bytes:
    return value.to_bytes(4, "big", signed=True)


@function("BLOB -> BIGINT")
def from_big_endian_64(value: bytes) -> int:
    if len(value) != 8:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"expected 8-byte input, but got instead: {len(value)}")
    return int.from_bytes(value, "big", signed=True)


@function("BLOB -> INTEGER")
def from_big_endian_32(value: bytes) -> int:
    if len(value) != 4:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"expected 4-byte input, but got instead: {len(value)}")
    return int.from_bytes(value, "big", signed=True)


@function("VARCHAR -> VARCHAR")
def trim(text: str) -> str:
    return text.strip(_SPACES)


_SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028" \
          "\u2029\u205f\u3000"


@function("VARCHAR -> VARCHAR")
def reverse(text: str) -> str:
    return text[::-1]


@function("VARCHAR, VARCHAR, BIGINT -> VARCHAR")
def split_part(text: str, delimiter: str, index: int) -> str | None:
    if index <= 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Index must be greater than zero")
    parts = list(text) if delimiter == "" else text.split(delimiter)
    return parts[index - 1] if index <= len(parts) else None


@function("VARCHAR, VARCHAR -> VARCHAR[]")
def split(text: str, delimiter: str) -> list[str]:
    if delimiter == "":
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "The delimiter may not be the empty string")
    return text.split(delimiter)


@function("VARCHAR[], VARCHAR -> VARCHAR")
def join(items: list[str], delimiter: str) -> str:
    return delimiter.join(items)


@function("VARCHAR, VARCHAR, VARCHAR -> VARCHAR")
def replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new)


def _pad(text: str, length: int, pad: str, left: bool) -> str:
    if not 0 <= length <= 2**31 - 1:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Target length must be in the range [0..2147483647]")
    if pad == "":
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Padding string must not be empty")
    if length <= len(text):
        return text[:length]
    if length > 10_000_000:
        raise TrinoError("NOT_SUPPORTED", "Padding to more than 10,000,000 characters is not verified to do as "
                                          "Athena does "
                                          "on DuckDB. Run it with `--engine trino`, or on AWS.")
    need = length - len(text)
    padding = (pad * (need // len(pad) + 1))[:need]
    return padding + text if left else text + padding


@function("VARCHAR, BIGINT, VARCHAR -> VARCHAR")
def lpad(text: str, length: int, pad: str) -> str:
    return _pad(text, length, pad, True)


@function("VARCHAR, BIGINT, VARCHAR -> VARCHAR")
def rpad(text: str, length: int, pad: str) -> str:
    return _pad(text, length, pad, False)


@lru_cache(256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


@function("VARCHAR, VARCHAR -> BOOLEAN")
def regexp_like(text: str, pattern: str) -> bool:
    return _pattern(pattern).search(text) is not None


@function("VARCHAR, VARCHAR, BIGINT -> VARCHAR")
def regexp_extract(text: str, pattern: str, group: int) -> str | None:
    compiled = _pattern(pattern)
    if group < 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Group cannot be negative")
    if group > compiled.groups:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Pattern has {compiled.groups} groups. Cannot access group "
                                                      f"{group}")
    found = compiled.search(text)
    return found[group] if found else None


@function("VARCHAR, VARCHAR, VARCHAR -> VARCHAR")
def regexp_replace(text: str, pattern: str, replacement: str) -> str:
    compiled = _pattern(pattern)

    def one(found: re.Match[str]) -> str:
        def part(mark: re.Match[str]) -> str:
            if mark[1] is not None:
                if int(mark[1]) > compiled.groups:
                    raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: unknown group "
                                                                  f"{mark[1]}")
                return found[int(mark[1])] or ""
            return mark[2]
        return re.sub(r"\$(\d+)|\\(.)", part, replacement)
    return compiled.sub(one, text)


@function("VARCHAR, VARCHAR, BIGINT -> VARCHAR[]")
def regexp_extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    compiled = _pattern(pattern)
    if not 0 <= group <= compiled.groups:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Pattern has {compiled.groups} groups. Cannot access group "
                                                      f"{group}")
    return [found[group] for found in compiled.finditer(text)]


@function("VARCHAR, VARCHAR -> VARCHAR[]")
def regexp_split(text: str, pattern: str) -> list[str]:
    parts, last = [], 0
    for found in _pattern(pattern).finditer(text):
        parts.append(text[last:found.start()])
        last = found.end()
    return [*parts, text[last:]]


@function("VARCHAR, VARCHAR -> BIGINT")
def regexp_count(text: str, pattern: str) -> int:
    return sum(1 for _ in _pattern(pattern).finditer(text))


@function("VARCHAR, VARCHAR -> INTEGER")
def regexp_position(text: str, pattern: str) -> int:
    found = _pattern(pattern).search(text)
    return found.start() + 1 if found else -1


# ---- JSON, as Jackson's streaming parser reads it: what follows the value sought is never looked at

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
            whole = int(value.strip(_BELOW))
        else:
            raise ValueError
        if not -2**63 <= whole < 2**63:
            raise ValueError
        return whole
    except (ValueError, ArithmeticError):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to bigint") from None


# ---- times

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _mysql(letter: str, t: datetime.datetime) -> str:
    hour12 = t.hour % 12 or 12
    if letter in "DUuVwX":
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"%{letter} not supported in date format string")
    return {
        "a": lambda: _DAYS[t.weekday()][:3], "b": lambda: calendar.month_abbr[t.month], "c": lambda: str(t.month),
        "d": lambda: f"{t.day:02}", "e": lambda: str(t.day), "f": lambda: f"{t.microsecond:06}",
        "H": lambda: f"{t.hour:02}", "h": lambda: f"{hour12:02}", "I": lambda: f"{hour12:02}",
        "i": lambda: f"{t.minute:02}", "j": lambda: f"{t.timetuple().tm_yday:03}", "k": lambda: str(t.hour),
        "l": lambda: str(hour12), "M": lambda: calendar.month_name[t.month], "m": lambda: f"{t.month:02}",
        "p": lambda: "AM" if t.hour < 12 else "PM",
        "r": lambda: f"{hour12:02}:{t.minute:02}:{t.second:02} {'AM' if t.hour < 12 else 'PM'}",
        "S": lambda: f"{t.second:02}", "s": lambda: f"{t.second:02}",
        "T": lambda: f"{t.hour:02}:{t.minute:02}:{t.second:02}", "v": lambda: f"{t.isocalendar()[1]:02}",
        "W": lambda: _DAYS[t.weekday()], "x": lambda: str(t.isocalendar()[0]), "Y": lambda: f"{t.year:04}",
        "y": lambda: f"{t.year % 100:02}", "%": lambda: "%",
    }.get(letter, lambda: letter)()


@function("TIMESTAMP, VARCHAR -> VARCHAR")
def date_format(moment: datetime.datetime, pattern: str) -> str:
    if pattern == "":
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Both printing and parsing not supported")
    if pattern.endswith("%") and (len(pattern) - len(pattern.rstrip("%"))) % 2:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Invalid format: {pattern}")
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return re.sub(r"%(.)", lambda found: _mysql(found[1], moment), pattern, flags=re.DOTALL)


_PARSE = {"Y": r"(?P<Y>[+-]?\d{1,9})", "y": r"(?P<y>\d\d)", "m": r"(?P<m>\d{1,2})", "c": r"(?P<m>\d{1,2})",
          "d": r"(?P<d>\d{1,2})", "e": r"(?P<d>\d{1,2})", "H": r"(?P<H>\d{1,2})", "k": r"(?P<H>\d{1,2})",
          "h": r"(?P<h>\d{1,2})", "I": r"(?P<h>\d{1,2})", "l": r"(?P<h>\d{1,2})", "i": r"(?P<i>\d{1,2})",
          "s": r"(?P<s>\d{1,2})", "S": r"(?P<s>\d{1,2})", "f": r"(?P<f>\d{1,9})", "p": r"(?P<p>[AaPp][Mm])",
          "b": r"(?P<b>[A-Za-z]{3})", "M": r"(?P<M>[A-Za-z]+)", "a": r"(?P<a>[A-Za-z]{3})", "W": r"(?P<W>[A-Za-z]+)",
          "%": "%"}


@lru_cache(256)
def parser(pattern: str) -> re.Pattern[str] | None:
    pattern = pattern.replace("%T", "%H:%i:%s").replace("%r", "%h:%i:%s %p")
    parts, at = [], 0
    while at < len(pattern):
        if pattern[at] == "%" and at + 1 < len(pattern):
            if pattern[at + 1] not in _PARSE:
                return None
            parts.append(_PARSE[pattern[at + 1]])
            at += 2
        else:
            parts.append(re.escape(pattern[at]))
            at += 1
    try:
        return re.compile("".join(parts), re.ASCII)
    except re.error:
        return None


@function("VARCHAR, VARCHAR -> TIMESTAMP")
def date_parse(text: str, pattern: str) -> datetime.datetime:
    compiled = parser(pattern)
    assert compiled is not None, "the compiler lets no other pattern through"
    found = compiled.fullmatch(text)
    failure = TrinoError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"')
    if not found:
        raise failure
    p = {key: value for key, value in found.groupdict().items() if value is not None}
    year = int(p["Y"]) if "Y" in p else (2000 + int(p["y"]) if int(p["y"]) < 70 else 1900 + int(p["y"])) if "y" in p \
        else 1970
    try:
        month = int(p["m"]) if "m" in p else 1
        names = calendar.month_abbr if "b" in p else calendar.month_name
        if "b" in p or "M" in p:
            month = [name.lower() for name in names].index((p.get("b") or p["M"]).lower())
        hour = int(p.get("H", 0))
        if "h" in p:
            if not 1 <= int(p["h"]) <= 12:
                raise ValueError
            hour = int(p["h"]) % 12 + (12 if p.get("p", "am").lower() == "pm" else 0)
        micro = int(p.get("f", "0").ljust(9, "0")[:3]) * 1000
        return datetime.datetime(year, month, int(p.get("d", 1)), hour, int(p.get("i", 0)), int(p.get("s", 0)), micro)
    except (ValueError, OverflowError):
        raise failure from None


@lru_cache(256)
def joda(pattern: str) -> tuple[tuple[str, int], ...]:
    """A Joda pattern as (letter, count) and ("'", index of literal) … Raises ValueError for what is not verified."""
    parts: list[Any] = []
    for found in re.finditer(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)", pattern):
        if found[2]:
            letter, count = found[2], len(found[0])
            if letter not in "yYMdHhmsSaEDkKwxe":
                raise ValueError(found[0])
            parts.append((letter, count))
        elif found[3] is not None:
            parts.append(("'" + found[3], 0))
        else:
            parts.append(("'" + (found[1].replace("''", "'") or "'"), 0))
    return tuple(parts)


@function("TIMESTAMP, VARCHAR -> VARCHAR")
def format_datetime(t: datetime.datetime, pattern: str) -> str:
    def one(letter: str, count: int) -> str:
        if letter[0] == "'":
            return letter[1:]
        if letter in "yY":
            return f"{t.year % 100:02}" if count == 2 else str(t.year).zfill(count)
        if letter == "x":
            year = t.isocalendar()[0]
            return f"{year % 100:02}" if count == 2 else str(year).zfill(count)
        if letter == "M" and count >= 3:
            return (calendar.month_abbr if count == 3 else calendar.month_name)[t.month]
        if letter == "E":
            return _DAYS[t.weekday()] if count >= 4 else _DAYS[t.weekday()][:3]
        if letter == "a":
            return "AM" if t.hour < 12 else "PM"
        if letter == "S":
            return f"{t.microsecond // 1000:03}".ljust(count, "0")[:count]
        number = {"M": t.month, "d": t.day, "H": t.hour, "h": t.hour % 12 or 12, "m": t.minute, "s": t.second,
                  "D": t.timetuple().tm_yday, "k": t.hour or 24, "K": t.hour % 12, "w": t.isocalendar()[1],
                  "e": t.isoweekday()}[letter]
        return str(number).zfill(count)
    return "".join(one(letter, count) for letter, count in joda(pattern))


@function("VARCHAR -> VARCHAR")
def text_to_date(text: str) -> str:
    try:
        return casts.date(text)
    except ValueError:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to date: {text}") from None


def _rounded(moment: str, digits: int) -> str:
    head, _, fraction = moment.partition(".")
    if len(fraction) <= digits:
        return moment
    base = datetime.datetime.fromisoformat(head)
    units = (int(fraction) * 10 ** digits * 2 + 10 ** len(fraction)) // (2 * 10 ** len(fraction))
    return (base + datetime.timedelta(microseconds=units * 10 ** (6 - digits))).isoformat(" ")


@function("VARCHAR, INTEGER -> VARCHAR")
def text_to_timestamp(text: str, digits: int) -> str:
    try:
        moment, _, _ = casts.timestamp(text)  # a zone is read, and dropped
        return _rounded(moment, digits)
    except (ValueError, OverflowError):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp: {text}") from None


@function("VARCHAR, INTEGER -> VARCHAR")
def text_to_zoned(text: str, digits: int) -> str:
    try:
        moment, zone, _ = casts.timestamp(text)
        if zone not in (None, "UTC", "Z"):
            raise TrinoError("NOT_SUPPORTED", f"the time zone {zone} is not verified to answer as Athena does on "
                                              f"DuckDB. "
                                              "Run it with `--engine trino`, or on AWS.")
        return _rounded(moment, digits)
    except (ValueError, OverflowError):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp with time zone: {text}") from None


@function("VARCHAR -> TIMESTAMP")
def from_iso8601_timestamp(text: str) -> datetime.datetime:
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?"
                         r"(Z|[+-]\d\d:?\d\d)?", text)
    try:
        if not found:
            raise ValueError
        if found[8] not in (None, "Z", "+00:00", "-00:00"):
            raise TrinoError("NOT_SUPPORTED", f"the time zone {found[8]} is not verified to answer as Athena does on "
                                              "DuckDB. Run it with `--engine trino`, or on AWS.")
        parts = [int(found[1]), int(found[2] or 1), int(found[3] or 1)] + [int(found[n] or 0) for n in (4, 5, 6)]
        return datetime.datetime(*parts, int((found[7] or "0").ljust(3, "0")[:3]) * 1000)
    except ValueError:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"') from None


@function("VARCHAR -> DATE")
def from_iso8601_date(text: str) -> datetime.date:
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)
    try:
        if not found:
            raise ValueError
        return datetime.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"') from None


_DURATION = {"ns": "0.000001", "us": "0.001", "ms": "1", "s": "1000", "m": "60000", "h": "3600000", "d": "86400000"}


@function("VARCHAR -> BIGINT")
def parse_duration(text: str) -> int:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*", text)
    if not found or found[2] not in _DURATION:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"duration is not a valid data duration string: {text}")
    return int((Decimal(found[1]) * Decimal(_DURATION[found[2]])).to_integral_value(ROUND_HALF_UP))


@function("DOUBLE -> VARCHAR")
def human_readable_seconds(value: float) -> str:
    if not math.isfinite(value):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f"Invalid argument found: {_double(value)}")
    rest = min(int(math.floor(abs(value) + 0.5)), 2**63 - 1)
    parts = []
    for name, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count or (name == "second" and not parts):
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return ", ".join(parts)
