"""One query's life: QUEUED, RUNNING, then SUCCEEDED, FAILED or CANCELLED; and the history of them, kept on disk.

https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecutionStatus.html
"""
from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from local_aws.athena.engine import Cancelled

DONE = ("SUCCEEDED", "FAILED", "CANCELLED")


class Running:
    """A query's `Watch`: what it has read, and whether it is to end. `cutoff` is in bytes, None for none."""

    def __init__(self, cutoff: int | None):
        self.cutoff, self.total, self.stopped = cutoff, 0, ""
        self._calls: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def read(self, total: int) -> None:
        self.total = max(self.total, total)
        if self.cutoff is not None and self.total > self.cutoff:
            self.stopped = self.stopped or "Bytes scanned limit was exceeded"
        if self.stopped:
            raise Cancelled(self.stopped)

    def start_over(self) -> None:
        self.total = 0
        self.read(0)

    def on_stop(self, call: Callable[[], None]) -> None:
        with self._lock:
            if not self.stopped:
                self._calls.append(call)
                return
        call()

    def stop(self, reason: str) -> None:
        """End the query from outside, with a reason for its status."""
        with self._lock:
            if self.stopped:
                return
            self.stopped = reason
            calls, self._calls = self._calls, []
        for call in calls:
            with contextlib.suppress(Exception):  # what blocks may have ended by itself just now
                call()


class Execution:
    """A query as GetQueryExecution tells it (`record`), whose it is (`scope`: account and region), and its `watch`."""

    def __init__(self, scope: tuple[str, str], record: dict, watch: Running | None = None):
        self.scope, self.record, self.watch = scope, record, watch
        self.began = self.submitted = time.time()
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        return self.record["Status"]["State"]

    def run(self) -> bool:
        """QUEUED to RUNNING; False if it was stopped before."""
        with self._lock:
            if self.state != "QUEUED":
                return False
            self.record["Status"]["State"] = "RUNNING"
            self.began = time.time()
            return True

    def finish(self, state: str, reason: str = "", category: int = 0) -> bool:
        """Reach a last state, once; False if there was one already."""
        with self._lock:
            if self.state in DONE:
                return False
            now, status = time.time(), self.record["Status"]
            if reason:
                status["StateChangeReason"] = reason
            if category:
                status["AthenaError"] = {"ErrorCategory": category, "ErrorType": 0, "Retryable": category == 1,
                                         "ErrorMessage": reason}
            status["CompletionDateTime"] = now
            queued = round((self.began - self.submitted) * 1000)
            total = max(round((now - self.submitted) * 1000), 1)
            self.record["Statistics"].update(
                EngineExecutionTimeInMillis=max(total - queued, 1), TotalExecutionTimeInMillis=total,
                QueryQueueTimeInMillis=queued, DataScannedInBytes=self.watch.total if self.watch else 0,
                ServiceProcessingTimeInMillis=0)
            status["State"] = state
            return True


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
        found = self._all.get(name)
        return found if found is not None and found.scope == scope else None

    def of(self, workgroup: str, scope: tuple[str, str]) -> list[str]:
        """The ids of a workgroup's executions, newest first."""
        return [name for name, one in reversed(list(self._all.items()))
                if one.scope == scope and one.record["WorkGroup"] == workgroup]

    def unfinished(self) -> Iterator[Execution]:
        return iter([one for one in self._all.values() if one.state not in DONE])

    def forget(self) -> None:
        with self._lock:
            self._all.clear()
            self.file.unlink(missing_ok=True)
            self.file.parent.mkdir(parents=True, exist_ok=True)


def _kept(execution: Execution) -> str:
    about: dict[str, Any] = {"scope": execution.scope, "record": execution.record}
    return json.dumps(about) + "\n"
