"""The history of queries, kept on disk: one JSON object a line, the latest of an execution counts.

https://docs.aws.amazon.com/athena/latest/ug/querying.html (AWS keeps it for 45 days; here it is kept until a reset)
"""
from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

from local_aws.athena.execution import DONE, Execution


class History:
    """Every execution, newest last. What ended is kept through a restart, as is that something had begun."""

    def __init__(self, folder: Path):
        self.file = folder / "executions.jsonl"
        self._lock = threading.Lock()
        self._all: dict[str, Execution] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def _load(self) -> None:
        if not self.file.exists():
            return
        for line in self.file.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):  # the last line may be half written
                kept = json.loads(line)
                self._all[kept["record"]["QueryExecutionId"]] = Execution(tuple(kept["scope"]), kept["record"])
        for execution in self._all.values():
            execution.submitted = execution.began = execution.record["Status"]["SubmissionDateTime"]
            execution.finish("FAILED", "The local AWS was stopped while the query ran; run it again", 1)
        self.file.write_text("".join(map(_kept, self._all.values())), encoding="utf-8")

    def keep(self, execution: Execution) -> None:
        """Add an execution, or write down how it stands."""
        with self._lock:
            self._all[execution.record["QueryExecutionId"]] = execution
            with self.file.open("a", encoding="utf-8") as out:
                out.write(_kept(execution))

    def find(self, name: str, scope: tuple[str, str]) -> Execution | None:
        """The execution of that id in an account and region, or None."""
        found = self._all.get(name)
        return found if found is not None and found.scope == scope else None

    def of(self, workgroup: str, scope: tuple[str, str]) -> list[str]:
        """The ids of a workgroup's executions, newest first."""
        return [name for name, one in reversed(list(self._all.items()))
                if one.scope == scope and one.record["WorkGroup"] == workgroup]

    def unfinished(self) -> Iterator[Execution]:
        """Those that are QUEUED or RUNNING."""
        return iter([one for one in self._all.values() if one.state not in DONE])

    def forget(self) -> None:
        """Empty it, on disk too."""
        with self._lock:
            self._all.clear()
            self.file.unlink(missing_ok=True)
            self.file.parent.mkdir(parents=True, exist_ok=True)


def _kept(execution: Execution) -> str:
    return json.dumps({"scope": execution.scope, "record": execution.record}) + "\n"
