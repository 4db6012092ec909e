"""One query's life: QUEUED, RUNNING, then SUCCEEDED, FAILED or CANCELLED.

https://docs.aws.amazon.com/athena/latest/APIReference/API_QueryExecutionStatus.html
"""
from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable

from local_aws.athena.exchange import Cancelled

DONE = ("SUCCEEDED", "FAILED", "CANCELLED")


class Running:
    """A query's `Watch`: what it has read (`total`, in bytes), and whether it is to end (`stopped` is why, '' while it
    is not). `cutoff` is the workgroup's limit in bytes, None for none:
    https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
    """

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
    """A query as GetQueryExecution gives it (`record`), whose it is (`scope`: account and region), and its `watch`."""

    def __init__(self, scope: tuple[str, str], record: dict, watch: Running | None = None):
        self.scope, self.record, self.watch = scope, record, watch
        self.began = self.submitted = time.time()
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        """QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED."""
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

    def description(self) -> dict:
        """The execution as GetQueryExecution gives it, with what it has read so far."""
        record = json.loads(json.dumps(self.record))
        if self.watch and self.state not in DONE:
            record["Statistics"]["DataScannedInBytes"] = self.watch.total
        return record
