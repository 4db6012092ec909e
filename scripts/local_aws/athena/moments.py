"""Dates and timestamps, read from text as Trino reads them: in casts, in literals, and in a table's JSON.

https://trino.io/docs/476/language/types.html#date-and-time
"""
from __future__ import annotations

import datetime
import re


def read_date(text: str) -> str:
    """A date's text ('2024-1-5' too) in ISO form. Raises ValueError."""
    found = re.fullmatch(r"\s*0*(\d{1,4})-(\d{1,2})-(\d{1,2})\s*", text, re.ASCII)
    if not found:
        raise ValueError(text)
    return datetime.date(int(found[1]), int(found[2]), int(found[3])).isoformat()


def read_timestamp(text: str) -> tuple[str, str | None, int]:
    """A timestamp's text in ISO form (with at most six digits of the second), its zone or None, and how many digits of
    the second it has. Raises ValueError."""
    found = re.fullmatch(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?: (\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,12}))?)?)?"
                         r"\s*([A-Za-z][\w/+-]*|[+-]\d\d?(?::?\d\d)?)?\s*", text, re.ASCII)
    if not found or (found[4] and int(found[4]) > 23):
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    moment, digits = datetime.datetime(year, month, day, hour, minute, second), found[7] or ""
    return moment.isoformat(" ") + ("." + digits[:6] if digits else ""), found[8], len(digits)
