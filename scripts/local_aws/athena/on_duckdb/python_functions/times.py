"""Times: ISO 8601, and texts that are cast."""
from __future__ import annotations

import datetime
import re

from local_aws.athena.moments import read_date, read_timestamp
from local_aws.athena.on_duckdb.python_functions.registry import NOT_VERIFIED, TrinoError, function


@function("VARCHAR -> VARCHAR")
def text_to_date(text: str) -> str:
    """'2024-01-31' of the forms that Trino casts to a date. Raises INVALID_CAST_ARGUMENT."""
    try:
        return read_date(text)
    except ValueError:
        raise TrinoError("INVALID_CAST_ARGUMENT", f"Value cannot be cast to date: {text}") from None


@function("VARCHAR, INTEGER -> VARCHAR")
def text_to_timestamp(text: str, digits: int) -> str:
    """'2024-01-31 10:00:00.5', rounded half up to so many digits. Raises INVALID_CAST_ARGUMENT."""
    try:
        moment, _, _ = read_timestamp(text)  # a zone is read, and dropped
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
    """An instant in UTC, cut to milliseconds. Raises INVALID_FUNCTION_ARGUMENT, or a refusal of a zone."""
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
