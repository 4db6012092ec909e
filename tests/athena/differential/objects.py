"""The objects of `fixtures/objects.sql`, each alone in a partition of the table `objects`: what does the Hive JSON
SerDe make of it?"""
from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from answers import Answer

COLUMNS = {"s": "string", "b": "bigint", "i": "int", "d": "double", "f": "boolean", "a": "array<string>",
           "q": "decimal(10,2)", "u": "date", "t": "timestamp", "y": "tinyint"}
SIGNS = {"⏎": "\n", "␍": "\r", "␉": "\t", "␠": "\ufeff"}


def packed(data: bytes) -> bytes:
    """Gzip that does not tell when, nor on which system or with which Python it was made."""
    made = gzip.compress(data, mtime=0)
    return made[:9] + b"\x03" + made[10:]


FILES = {
    "not-utf8.json": b'{"s":"\xff"}', "plain.gz": b'{"b":1}\n', "packed.json": packed(b'{"b":1}\n'),
    "two-members.gz": packed(b'{"b":1}\n') + packed(b'{"b":2}\n'),
    "broken.gz": packed(b'{"b":1}\n')[:-9],
    "broken-later.gz": packed("".join(f'{{"b":{n},"s":"{n * n * 7919}"}}\n' for n in range(5000)).encode())[:-40],
    "whole.gz": packed(b'{"b":1,"s":"x"}\n{"b":2}\n'), "_hidden.json": b"not JSON", ".hidden": b"neither",
    "empty.json": b"",
}


def taken_apart(text: str) -> tuple[str, str]:
    """What is asked ('count(b)', or nothing where every column is read), and of which object."""
    asked, of, written = text.partition(" of ")
    return (asked, written) if of and asked.startswith("count(") else ("", text)


def partition(text: str) -> str:
    """The value of the partition column `p` where a case's object lies."""
    return hashlib.md5(taken_apart(text)[1].encode()).hexdigest()[:8]


def lay_out(texts: Iterable[str], folder: Path) -> None:
    for text in texts:
        name = taken_apart(text)[1]
        body = FILES.get(name, name.translate(str.maketrans(SIGNS)).encode())
        place = folder / f"p={partition(text)}"
        place.mkdir(parents=True, exist_ok=True)
        (place / (name if name in FILES else "object.json")).write_bytes(body)


def statement(texts: Sequence[str]) -> str:
    """What asks the same of one object, or of several: those tell the partition first."""
    asked = taken_apart(texts[0])[0]
    columns = f"{asked} AS n" if asked else ", ".join(COLUMNS)
    if len(texts) == 1:
        return f"SELECT {columns} FROM objects WHERE p = '{partition(texts[0])}'"
    places = ", ".join(f"'{partition(text)}'" for text in texts)
    return f"SELECT p, {columns} FROM objects WHERE p IN ({places}){' GROUP BY p' if asked else ''}"


def share(text: str, answer: Answer) -> Answer:
    """One object's part of the answer about several, as if it alone had been asked about."""
    own = [row[1:] for row in answer.rows if row[0] == partition(text)]
    return replace(answer, columns=answer.columns[1:], rows=own or ([["0"]] if taken_apart(text)[0] else []))
