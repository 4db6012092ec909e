"""Times: MySQL's patterns, ISO 8601, and texts that are cast."""
from __future__ import annotations

import datetime
import re
from functools import lru_cache

from local_aws.athena.on_duckdb import casts
from local_aws.athena.on_duckdb.python_functions.registry import NOT_VERIFIED, TrinoError, function

_PARSED = {"Y": r"(?P<Y>[+-]?\d{1,9})", "m": r"(?P<m>\d{1,2})", "c": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})",
           "e": r"(?P<d>\d{1,2})", "H": r"(?P<H>\d{1,2})", "k": r"(?P<H>\d{1,2})", "i": r"(?P<i>\d{1,2})",
           "s": r"(?P<s>\d{1,2})", "S": r"(?P<s>\d{1,2})", "f": r"(?P<f>\d{1,9})", "%": "%"}


@lru_cache(256)
def parser(pattern: str) -> re.Pattern[str] | None:
    """What a pattern of date_parse takes; None where a letter of it is not verified, or stands twice."""
    parts = re.findall(r"%(.?)|([^%]+)", pattern.replace("%T", "%H:%i:%s"), re.DOTALL)
    if any(not plain and letter not in _PARSED for letter, plain in parts):
        return None
    try:
        return re.compile("".join(re.escape(plain) if plain else _PARSED[letter] for letter, plain in parts), re.ASCII)
    except re.error:
        return None


@function("VARCHAR, VARCHAR -> TIMESTAMP")
def date_parse(text: str, pattern: str) -> datetime.datetime:
    compiled = parser(pattern)
    assert compiled is not None, "the compiler lets no other pattern through"
    found = compiled.fullmatch(text)
    try:
        if not found:
            raise ValueError(text)
        parts = found.groupdict()
        year, month, day = (int(parts.get(letter) or start) for letter, start in (("Y", 1970), ("m", 1), ("d", 1)))
        hour, minute, second = (int(parts.get(letter) or 0) for letter in "His")
        milliseconds = int((parts.get("f") or "0").ljust(9, "0")[:3])
        return datetime.datetime(year, month, day, hour, minute, second, milliseconds * 1000)
    except (ValueError, OverflowError):
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"') from None


@function("VARCHAR -> VARCHAR")
def text_to_date(text: str) -> str:
    try:
        return casts.date(text)
    except ValueError:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to date: {text}") from None


@function("VARCHAR, INTEGER -> VARCHAR")
def text_to_timestamp(text: str, digits: int) -> str:
    try:
        moment, _, _ = casts.timestamp(text)  # a zone is read, and dropped
        head, _, fraction = moment.partition(".")
        if len(fraction) <= digits:
            return moment
        units = (int(fraction) * 10 ** digits * 2 + 10 ** len(fraction)) // (2 * 10 ** len(fraction))
        rounded = datetime.timedelta(microseconds=units * 10 ** (6 - digits))
        return (datetime.datetime.fromisoformat(head) + rounded).isoformat(" ")
    except (ValueError, OverflowError):
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp: {text}") from None


@function("VARCHAR -> TIMESTAMP")
def from_iso8601_timestamp(text: str) -> datetime.datetime:
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?"
                         r"(Z|[+-]\d\d:?\d\d)?", text)
    try:
        if not found:
            raise ValueError(text)
        if found[8] not in (None, "Z", "+00:00", "-00:00"):
            raise TrinoError(NOT_VERIFIED, f"the time zone {found[8]}")
        year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
        hour, minute, second = (int(found[part] or 0) for part in (4, 5, 6))
        milliseconds = int((found[7] or "0").ljust(3, "0")[:3])
        return datetime.datetime(year, month, day, hour, minute, second, milliseconds * 1000)
    except ValueError:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{text}"') from None
