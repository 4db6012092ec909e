"""An engine's answer to a statement, and how it is written in a fixture file: one line."""
from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SHORT = 600  # characters; of longer rows their number and a digest are kept
_PLACE = re.compile(r"line \d+:\d+")

Row = Sequence["str | None"]


@dataclass(frozen=True)
class Answer:
    """Columns as (name, Trino's type), rows as Athena's text or None, bytes read; or an error, with its place
    ('line 1:8') where one is told, and its message."""

    columns: Sequence[tuple[str, str]] = ()
    rows: Sequence[Row] = ()
    bytes_read: int = 0
    error: str = ""
    place: str = ""
    message: str = ""

    @classmethod
    def of(cls, said: dict[str, Any]) -> Answer:
        """From what a worker says: names and types in lower case, types without blanks after commas."""
        if "error" in said:
            place = _PLACE.match(said["message"])
            return cls(error=said["error"], place=place[0] if place else "", message=said["message"])
        columns = [(name.lower(), kind.lower().replace(", ", ",")) for name, kind in said["columns"]]
        return cls(columns, said["rows"], said["bytes"])

    def line(self, names: bool = True) -> str:
        """'dt varchar, n bigint: 2026-11-22, 41 | 2026-11-23, 45'; without names 'bigint: 3 | null'; or the error."""
        if self.error:
            return f"{self.error} {self.place}".rstrip()
        head = ", ".join(f"{_value(name)} {kind}" if names else kind for name, kind in self.columns)
        rows = " | ".join(", ".join(_value(value, len(row)) for value in row) for row in self.rows) or "(none)"
        if len(rows) > SHORT:
            digest = hashlib.sha256(json.dumps(self.rows, ensure_ascii=False).encode()).hexdigest()[:16]
            rows = f"({len(self.rows)} rows, sha256 {digest})"
        return f"{head}: {rows}"

    def named_values(self) -> str:
        """'b=1, s=x | b=2': of each row what is not null."""
        if self.error:
            return self.line()
        names = [name for name, _ in self.columns]
        rows = [", ".join(f"{name}={_value(value, 2)}" for name, value in zip(names, row, strict=True)
                          if value is not None) for row in self.rows]
        return " | ".join(row or "()" for row in rows) or "(none)"


def _value(value: str | None, beside: int = 1) -> str:
    """A value as it is, or in quotes where it could be taken for something else. `beside` counts the row's values."""
    if value is None:
        return "null"
    ends = " | " if beside == 1 else ", "
    bare = value.strip() == value != "null" and value[:1] not in ("", '"', "(") and ends not in value
    return value if bare and value.isprintable() else json.dumps(value, ensure_ascii=not value.isprintable())
