"""Which Python functions DuckDB gets: `FUNCTIONS` names each with its parameter types and result."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {}
NOT_VERIFIED = "NOT_VERIFIED"  # the code of an error that refuses a value: its message is the construct
_F = TypeVar("_F", bound=Callable[..., Any])


class TrinoError(Exception):
    """Trino's error, on its way through DuckDB's own: `code` is its name, as in QueryFailed."""

    def __init__(self, code: str, message: str):
        super().__init__(f"[[{code}|{message}]]")


def function(signature: str) -> Callable[[_F], _F]:
    """Register `py_<name>` for DuckDB: 'VARCHAR, BIGINT -> VARCHAR'. One that gives a DOUBLE gives its text, to be
    cast, for DuckDB takes a NaN from Python for a null."""
    given, _, result = (part.strip() for part in signature.partition("->"))
    types = re.split(r", *", given)

    def add(call: _F) -> _F:
        made = (lambda *values: repr(call(*values)), types, "VARCHAR") if result == "DOUBLE" else (call, types, result)
        FUNCTIONS[f"py_{call.__name__}"] = made
        return call
    return add


@function("VARCHAR -> VARCHAR")
def fail(message: str) -> str:
    """Fail with '[[CODE|message]]'."""
    code, _, text = message[2:-2].partition("|")
    raise TrinoError(code, text)
