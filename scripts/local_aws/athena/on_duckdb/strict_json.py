"""JSON as Jackson reads it: a number as it is written, an object's pairs in order and with a key twice, no NaN."""
from __future__ import annotations

import json
import re
from typing import NoReturn


class Number(str):
    """A number, kept as it is written."""


class Pairs(list[tuple[str, object]]):
    """An object's pairs."""


def _refused(text: str) -> NoReturn:
    raise ValueError(text)


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refused, object_pairs_hook=Pairs)
_BLANKS = re.compile(r"[ \t\n\r]*")


def behind_blanks(text: str, at: int) -> int:
    """The place of the first character at or behind a place that is no blank of JSON's."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def first_value(text: str) -> tuple[object, int]:
    """The first value of a text and the place behind it, -1 where there is none."""
    try:
        return DECODER.raw_decode(text, behind_blanks(text, 0))
    except (ValueError, RecursionError):
        return None, -1
