"""Texts: code points, padding, splitting, and Java's regular expressions."""
from __future__ import annotations

import builtins
import re
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_plus

from local_aws.athena.on_duckdb.python_functions.registry import TrinoError, function


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
        raise TrinoError("NOT_VERIFIED", "padding to more than 10,000,000 characters")
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
