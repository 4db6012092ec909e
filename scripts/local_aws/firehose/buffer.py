"""Records wait until they are many or old enough, and are delivered until that succeeds.

https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html
"""
from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from local_aws.firehose.store import Batch

LONGEST_PAUSE = 5  # seconds between two tries of a delivery that fails

log = logging.getLogger("local_aws.firehose")


class Buffer:
    """The batches of one delivery stream, and the thread that has each delivered when it is large or old enough.

    `deliver(batch)` raises where it fails; it is called again until it does not. AWS gives up after 24 hours.
    """

    def __init__(self, folder: Path, size: int, interval: float, deliver: Callable[[Batch], None]):
        self.folder, self.size, self.interval, self._deliver = folder, size, interval, deliver
        folder.mkdir(parents=True, exist_ok=True)
        self._batches = [Batch(path) for path in sorted(folder.iterdir())]
        for batch in self._batches[:-1]:
            batch.complete = True
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=f"firehose-{folder.name}", daemon=True)
        self._thread.start()

    def configure(self, size: int, interval: float) -> None:
        """Deliver a batch at `size` bytes or `interval` seconds after its first record, whichever comes first."""
        with self._changed:
            self.size, self.interval = size, interval
            self._changed.notify()

    def put(self, records: list[bytes]) -> None:
        """Take records over: when this returns, they are on disk."""
        with self._changed:
            while records:
                if not self._batches or self._batches[-1].complete:
                    self._batches.append(Batch.new(self.folder))
                batch = self._batches[-1]
                count, size = 0, batch.size
                while count < len(records) and (size < self.size or not count):
                    size += len(records[count])
                    count += 1
                batch.append(records[:count])
                batch.complete = size >= self.size
                records = records[count:]
            self._changed.notify()

    def stop(self) -> None:
        """End the thread. What is not delivered stays on disk."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=10)

    @property
    def waiting(self) -> int:
        """How many bytes are not delivered yet."""
        return sum(batch.size for batch in self._batches)

    def seconds_left(self, now: float) -> float | None:
        """Until the oldest batch is due, at the epoch time `now`; None where none waits."""
        if not self._batches:
            return None
        oldest = self._batches[0]
        return 0.0 if oldest.complete else oldest.arrival + self.interval - now

    def _run(self) -> None:
        failures, pause_until = 0, 0.0
        while batch := self._next(pause_until):
            try:
                self._deliver(batch)
            except Exception as error:
                if not failures:
                    log.warning("%s cannot be delivered, and is kept and tried again: %s", batch.path, error)
                failures += 1
                pause_until = time.time() + min(LONGEST_PAUSE, 0.25 * 2**failures)
                continue
            failures, pause_until = 0, 0.0
            with self._changed:
                self._batches.remove(batch)
                with contextlib.suppress(FileNotFoundError):
                    batch.path.unlink()

    def _next(self, pause_until: float) -> Batch | None:
        """Wait for the oldest batch to become due; None when stopped."""
        with self._changed:
            while not self._stopped:
                now = time.time()
                wait = self.seconds_left(now)
                if wait is not None:
                    wait = max(wait, pause_until - now)
                    if wait <= 0:
                        self._batches[0].complete = True
                        return self._batches[0]
                self._changed.wait(wait)
            return None
