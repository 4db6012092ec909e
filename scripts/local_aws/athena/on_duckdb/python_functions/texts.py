"""Texts: code points, splitting, and Java's regular expressions."""
from __future__ import annotations

import re
from functools import lru_cache

from local_aws.athena.on_duckdb.python_functions.registry import TrinoError, function


@function("VARCHAR -> VARCHAR")
def lower(text: str) -> str:
    """One code point for one, as Java's Character.toLowerCase."""
    if text.isascii():
        return text.lower()
    return "".join("i" if char == "\u0130" else low if len(low := char.lower()) == 1 else char for char in text)


@function("VARCHAR -> VARCHAR")
def upper(text: str) -> str:
    """One code point for one, as Java's Character.toUpperCase: ß stays."""
    return text.upper() if text.isascii() else "".join(up if len(up := char.upper()) == 1 else char for char in text)


@function("VARCHAR, VARCHAR, BIGINT -> VARCHAR")
def split_part(text: str, delimiter: str, index: int) -> str | None:
    """The part at a place from 1, None behind the last. Raises INVALID_FUNCTION_ARGUMENT for a place below 1."""
    if index <= 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Index must be greater than zero")
    parts = list(text) if delimiter == "" else text.split(delimiter)
    return parts[index - 1] if index <= len(parts) else None


@function("VARCHAR[], VARCHAR -> VARCHAR")
def join(items: list[str], delimiter: str) -> str:
    """The texts, none of them null, with a delimiter between."""
    return delimiter.join(items)


@function("VARCHAR, VARCHAR, VARCHAR -> VARCHAR")
def replace(text: str, old: str, new: str) -> str:
    """Every occurrence replaced; an empty `old` lies between all characters, which DuckDB's replace ignores."""
    return text.replace(old, new)


@lru_cache(256)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


@function("VARCHAR, VARCHAR -> BOOLEAN")
def regexp_like(text: str, pattern: str) -> bool:
    """Whether the pattern is found anywhere in the text; its classes, such as that of digits, are ASCII's."""
    return _pattern(pattern).search(text) is not None


@function("VARCHAR, VARCHAR, BIGINT -> VARCHAR")
def regexp_extract(text: str, pattern: str, group: int) -> str | None:
    """The first match's group, 0 for all of it; None without one. Raises INVALID_FUNCTION_ARGUMENT."""
    compiled = _pattern(pattern)
    if group < 0:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT", "Group cannot be negative")
    if group > compiled.groups:
        raise TrinoError("INVALID_FUNCTION_ARGUMENT",
                         f"Pattern has {compiled.groups} groups. Cannot access group {group}")
    found = compiled.search(text)
    return found[group] if found else None
