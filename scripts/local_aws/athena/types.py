"""Trino's types as objects, which go from an engine to the result; texts of them are read once, where they come in.

https://trino.io/docs/476/language/types.html
"""
from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """A type: `decimal(10,2)` is Type('decimal', numbers=(10, 2)). An array has one type as `inner`, a map two (key,
    value), a row those of its fields, and the fields' names as `fields` (None for a field without one)."""

    name: str
    numbers: tuple[int, ...] = ()
    inner: tuple[Type, ...] = ()
    fields: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        """The type in Trino's words: 'row(a bigint, "b c" array(varchar(3)))'."""
        if self.name == "row":
            return f"row({', '.join(map(_field, self.fields, self.inner))})"
        if self.inner:
            return f"{self.name}({', '.join(map(str, self.inner))})"
        if self.numbers:
            head, blank, tail = self.name.partition(" ")
            return f"{head}({','.join(map(str, self.numbers))}){blank}{tail}"
        return self.name


BIGINT, VARCHAR = Type("bigint"), Type("varchar")

# The whole of a type: with a name in front it is a row's field, even where that name is a type's, as in 'time varchar'.
_WHOLE = re.compile(r"(interval (?:day to second|year to month)|double precision|\w+)\s*(?:\((.*)\))?"
                    r"( with(?:out)? time zone)?", re.IGNORECASE | re.DOTALL)
_NAMED = re.compile(r'(?:"((?:[^"]|"")*)"|(\S+))\s+(\S.*)', re.DOTALL)


def parse_type(text: str) -> Type:
    """A type from Trino's words, e.g. 'row(a bigint, b array(varchar))' or 'timestamp(3) with time zone'. Raises
    ValueError where the text has not the form of one."""
    found = _WHOLE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} does not read as a type of Trino's")
    name = found[1].lower() + (found[3] or "").lower()
    parts = _parts(found[2]) if found[2] is not None and found[2].strip() else []
    if name == "row":
        fields, inner = zip(*map(_named, parts), strict=True)
        return Type(name, inner=inner, fields=fields)
    if name in ("array", "map", "function"):
        return Type(name, inner=tuple(map(parse_type, parts)))
    return Type(name, tuple(map(int, parts)))


def _named(text: str) -> tuple[str | None, Type]:
    """A row's field: its name, or None, and its type."""
    if _WHOLE.fullmatch(text):
        return None, parse_type(text)
    found = _NAMED.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} does not read as a row's field")
    return found[2] if found[1] is None else found[1].replace('""', '"'), parse_type(found[3])


def _field(name: str | None, kind: Type) -> str:
    if name is None:
        return str(kind)
    plain = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)
    return f"{name} {kind}" if plain else '"' + name.replace('"', '""') + f'" {kind}'


def _parts(text: str) -> list[str]:
    """What stands between the outermost commas of 'a bigint, b row(x bigint, "y,z" double)'."""
    found, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(text):
        quoted ^= char == '"'
        if not quoted:
            depth += (char == "(") - (char == ")")
            if char == "," and not depth:
                found.append(text[start:at].strip())
                start = at + 1
    return [*found, text[start:].strip()]
