"""Which Python functions DuckDB gets: `FUNCTIONS` names each with its parameter types and result."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {}


class TrinoError(Exception):
    """Trino's error, on its way through DuckDB's own."""

    def __init__(self, code: str, message: str):
        super().__init__(f"[[{code}|{message}]]")


def function(signature: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `py_<name>` for DuckDB: 'VARCHAR, BIGINT -> VARCHAR'. One that gives a DOUBLE gives its text, to be
    cast."""
    given, _, result = signature.partition("->")
    types = [part.strip() for part in re.split(r",(?![^(]*\))", given) if part.strip()]

    def add(call: Callable[..., Any]) -> Callable[..., Any]:
        if result.strip() == "DOUBLE":  # as text, for DuckDB takes a NaN from Python for a null
            FUNCTIONS[f"py_{call.__name__}"] = (lambda *given: None if (value := call(*given)) is None else repr(value),
                                                 types, "VARCHAR")
        else:
            FUNCTIONS[f"py_{call.__name__}"] = (call, types, result.strip())
        return call
    return add


@function("VARCHAR -> VARCHAR")
def fail(message: str) -> str:
    """Fail with '[[CODE|message]]'."""
    code, _, text = message[2:-2].partition("|")
    raise TrinoError(code, text)
