"""Ask Trino everything and keep its answers, so that the embedded engine is held to them where there is no Trino:

    python tests/athena/differential/record.py

Kept are each statement, the types, and a digest of the rows; or the error and its place.
"""
from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json"
ROOT = HERE.parents[2]

if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "scripts"), str(HERE)]

import cases  # noqa: E402
import engines  # noqa: E402
import json_lines  # noqa: E402


def digest(rows: list[Any]) -> str:
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()[:20]


def source() -> str:
    """A digest of all that the recorded answers depend on: the statements, and the events that they ask about."""
    asked = json.dumps([every(), engines.history(7, 60), repr(json_lines.objects())])
    return hashlib.sha256(asked.encode()).hexdigest()


def every() -> list[list[str]]:
    return cases.statements() + [[sql] for sql in json_lines.statements()]


def kept(sql: str, answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        return {"sql": sql, "error": answer["error"], "place": answer["place"]}
    return {"sql": sql, "columns": answer["columns"], "rows": digest(answer["rows"])}


def record(trino: engines.Trino) -> list[dict[str, Any]]:
    """Trino's answers. A statement of many expressions that fails is asked again in parts."""
    groups = every()
    found = []
    for group, answer in zip(groups, trino.queries([group[0] for group in groups]), strict=True):
        if "error" in answer and len(group) > 1:
            found += [kept(sql, part) for sql, part in zip(group[1:], trino.queries(group[1:]), strict=True)]
        else:
            found.append(kept(group[0], answer))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Path(folder) / "lake"
        lake.mkdir()
        engines.lay_out(lake, engines.history(7, 60))
        trino = engines.Trino(lake, Path(folder) / "trino")
        try:
            found = record(trino)
        finally:
            trino.close()
    RECORDED.write_text(json.dumps({"source": source(), "answers": found}, ensure_ascii=False, indent=0) + "\n",
                        encoding="utf-8")
    print(f"{len(found)} answers, {sum('error' in one for one in found)} of them errors")


if __name__ == "__main__":
    main()
