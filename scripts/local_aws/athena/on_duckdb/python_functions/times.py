"""Times: MySQL's and Joda's patterns, ISO 8601, and texts that are cast."""
from __future__ import annotations

import calendar
import datetime
import math
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from local_aws.athena.on_duckdb import casts
from local_aws.athena.on_duckdb.python_functions.registry import TrinoError, function
from local_aws.athena.text import double_text as _double

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
            raise TrinoError("NOT_VERIFIED", f"the time zone {zone}")
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
            raise TrinoError("NOT_VERIFIED", f"the time zone {found[8]}")
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
