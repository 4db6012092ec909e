"""Reads a stream for one event source mapping and hands its records to the function, batch by batch.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html: polling and batching, starting positions, concurrent batches
of a shard.

Everything is a public call: GetRecords and what it needs as the function's role, Invoke as the service. A thread reads;
one thread for each unit of ParallelizationFactor invokes. Records of one partition key always go to the same one, so
their order is kept. The position on disk is the last record before which all are settled: after a restart nothing is
left out, and a few may be sent again.
"""
from __future__ import annotations

import base64
import contextlib
import json
import logging
import threading
import time
import zlib
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.lambda_ import destinations
from local_aws.lambda_.batches import Answer, NotInvoked, Record, Settings, Stopped, event, fitting, settle
from local_aws.lambda_.filters import wanted

if TYPE_CHECKING:
    from local_aws.lambda_.calls import Calls
    from local_aws.lambda_.store import Mapping

# AWS polls a shard four times a second. Here a new record wakes the reader, which then rests shortly, so that a burst
# of writes is read in a few calls; the long interval is for what nobody announces, such as records growing old.
REST, IDLE = 0.05, 5.0  # seconds
AHEAD = 10_000  # records read and not settled, beyond which reading waits
TROUBLED = 1.0  # seconds before a failed read is tried again

log = logging.getLogger("local_aws.lambda_")


def wire(value: datetime | bytes) -> float | str:
    """What boto3 made of a record, back as it travels: bytes as base64, times as epoch seconds, which AWS gives as a
    float (LocalStack's recording of 25 November 2025)."""
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode()


class Lane:
    """Records that are waiting for one worker, in order."""

    def __init__(self) -> None:
        self.waiting: deque[Record] = deque()
        self.since = 0.0  # when the first of them came


class Poller:
    """Runs from `start` until `stop`; `after` is the mapping's previous one, whose last invocation ends first."""

    def __init__(self, mapping: Mapping, calls: Calls, after: Poller | None = None):
        self.mapping, self.calls, self.after = mapping, calls, after
        self.settings = Settings.of(mapping.fields)
        self.stream = mapping.fields["EventSourceArn"]
        self.role = calls.role(mapping)
        self.running = threading.Event()
        self.stopping = threading.Event()
        self.news = threading.Event()
        self.shard = self.partition_key = ""
        self._change = threading.Condition()
        self._lanes = [Lane() for _ in range(self.settings.parallel)]
        self._order: deque[int] = deque()  # records read and not behind the position yet
        self._unsettled: set[int] = set()  # those of them that are not settled
        self._ending = False  # the shard is read to its end
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to read, when the poller before it has ended."""
        thread = threading.Thread(target=self._run, name=f"trigger {self.mapping.uuid}", daemon=True)
        self._threads = [thread]
        thread.start()

    def stop(self) -> None:
        """Ask it to end. An invocation under way is waited for by `join`, not broken off."""
        self.stopping.set()
        self.news.set()
        with self._change:
            self._change.notify_all()

    def join(self, seconds: float | None = None) -> bool:
        """Wait for its end; whether it has ended."""
        for thread in self._threads:
            thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def wake(self) -> None:
        """There is a new record."""
        self.news.set()

    # Reading

    def _run(self) -> None:
        if self.after is not None:
            self.after.join()
            self.after = None
        workers = [threading.Thread(target=self._work, args=(lane,), name=f"trigger {self.mapping.uuid} {number}",
                                    daemon=True) for number, lane in enumerate(self._lanes)]
        for worker in workers:
            worker.start()
        while not self.stopping.is_set():
            try:
                self._read()
            except Stopped:
                break
            except (ClientError, BotoCoreError) as error:
                self._trouble(error)
                self._rest(TROUBLED)
            except Exception:
                log.exception("Mapping %s: reading fails; it is tried again", self.mapping.uuid)
                self._rest(TROUBLED)
        self.running.set()
        for worker in workers:
            worker.join()

    def _read(self) -> None:
        """Read the stream's shards one after the other, from the position on."""
        shards, self.partition_key = self.role.describe(self.stream)
        position = self.mapping.position
        first = next((place for place, shard in enumerate(shards) if shard == position.get("shard")), 0)
        for shard in shards[first:]:
            self.shard = shard
            self._ending = False
            self._read_shard(shard)
        # Closed for good: the stream was turned off, and all of it is settled
        self.running.set()
        self.mapping.note("PROBLEM: Stream disabled")
        self._until_stopped()

    def _read_shard(self, shard: str) -> None:
        with self._change:
            after = str(self._order[-1]) if self._order else self.mapping.position.get("after")
        iterator: str | None = self.role.iterator(self.stream, shard, after)
        self.running.set()
        while iterator:
            self._room()
            self.news.clear()
            try:
                records, iterator = self.role.records(iterator)
            except ClientError as error:
                if error.response["Error"]["Code"] in ("ExpiredIteratorException", "TrimmedDataAccessException"):
                    return self._read_shard(shard)
                raise
            self._take(records)
            if iterator and not records:
                self.news.wait(IDLE)
            elif len(records) < 1000:
                self.stopping.wait(REST)
            if self.stopping.is_set():
                raise Stopped
        self._drained()

    def _take(self, records: list[dict]) -> None:
        with self._change:
            for raw in records:
                if identity := raw.get("userIdentity"):  # the stream's capitals are not the event's
                    raw["userIdentity"] = {"type": identity.get("Type"), "principalId": identity.get("PrincipalId")}
                raw["eventSourceARN"] = self.stream
                text = json.dumps(raw, default=wire, ensure_ascii=False)
                body = raw["dynamodb"]
                key = json.dumps(body["Keys"].get(self.partition_key), default=wire)
                record = Record(body["SequenceNumber"], body["ApproximateCreationDateTime"].timestamp(), key, text)
                self._order.append(record.position)
                if not wanted(json.loads(text), self.settings.filters):
                    continue
                self._unsettled.add(record.position)
                lane = self._lanes[zlib.crc32(key.encode()) % len(self._lanes)]
                if not lane.waiting:
                    lane.since = time.monotonic()
                lane.waiting.append(record)
            self._advance()
            self._change.notify_all()

    def _room(self) -> None:
        """Wait while more than enough is read and not settled."""
        with self._change:
            self._change.wait_for(lambda: len(self._order) < AHEAD or self.stopping.is_set())
        if self.stopping.is_set():
            raise Stopped

    def _drained(self) -> None:
        with self._change:
            self._ending = True
            self._change.notify_all()
            self._change.wait_for(lambda: not self._order or self.stopping.is_set())
        if self.stopping.is_set():
            raise Stopped

    def _until_stopped(self) -> None:
        self.stopping.wait()
        raise Stopped

    def _rest(self, seconds: float) -> None:
        """Wait before a retry, or leave."""
        if self.stopping.wait(seconds):
            raise Stopped

    def _trouble(self, error: Exception) -> None:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        if code == "AccessDeniedException":
            self.mapping.note(f"PROBLEM: Cannot access stream {self.stream}")
        elif code == "ResourceNotFoundException":
            self.mapping.note("PROBLEM: Function or stream not found")
        else:
            self.mapping.note(f"PROBLEM: {code}")
        log.warning("Mapping %s cannot read its stream; it is tried again: %s", self.mapping.uuid, error)

    # Invoking

    def _work(self, lane: Lane) -> None:
        with contextlib.suppress(Stopped):
            while True:
                batch = self._batch(lane)
                while batch:
                    try:
                        settle(batch, self.settings, self._invoke, self._discard, self._settled, self._rest, time.time)
                        batch = []
                    except Stopped:
                        raise
                    except Exception:
                        log.exception("Mapping %s: a batch fails inside the local AWS; it is tried again",
                                      self.mapping.uuid)
                        self._rest(TROUBLED)

    def _batch(self, lane: Lane) -> list[Record]:
        """The next batch: as soon as there is a record, or when the window closes or it is full."""
        with self._change:
            while True:
                if self.stopping.is_set():
                    raise Stopped
                if lane.waiting:
                    left = lane.since + self.settings.window - time.monotonic()
                    ready = fitting(lane.waiting, self.settings.batch_size)
                    full = ready == self.settings.batch_size or ready < len(lane.waiting)
                    if full or left <= 0 or self._ending:
                        lane.since = time.monotonic()
                        return [lane.waiting.popleft() for _ in range(ready)]
                    self._change.wait(left)
                else:
                    self._change.wait()

    def _invoke(self, records: Sequence[Record]) -> Answer:
        if self.stopping.is_set():
            raise Stopped
        try:
            answer = self.calls.invoke(self.mapping, event(records))
        except (ClientError, BotoCoreError) as error:
            log.warning("Mapping %s cannot invoke its function; it is tried again: %s", self.mapping.uuid, error)
            self.mapping.note("PROBLEM: Function call failed")
            raise NotInvoked from error
        self.mapping.note("PROBLEM: Function call failed" if answer.error else "OK")
        return answer

    def _discard(self, records: Sequence[Record], condition: str, invocations: int, answer: Answer | None) -> None:
        """Write to the destination, and go on trying for as long as that fails, so that nothing is lost meanwhile."""
        invocation = destinations.invocation_record(self.mapping.fields, self.shard, records, condition, invocations,
                                                    answer, time.time())
        log.warning("Mapping %s discards %d records: %s", self.mapping.uuid, len(records), condition)
        while destinations.destination(self.mapping.fields):
            try:
                destinations.send(self.role.client, self.calls.endpoint, self.mapping.fields, self.shard, records,
                                  invocation, time.time())
                return
            except (ClientError, BotoCoreError) as error:
                log.warning("Mapping %s cannot write to its destination; it is tried again: %s",
                            self.mapping.uuid, error)
                self.mapping.note("PROBLEM: Destination cannot be written to")
                self._rest(TROUBLED)

    # The position

    def _settled(self, records: Sequence[Record]) -> None:
        with self._change:
            self._unsettled.difference_update(record.position for record in records)
            self._advance()
            self._change.notify_all()

    def _advance(self) -> None:
        last = None
        while self._order and self._order[0] not in self._unsettled:
            last = self._order.popleft()
        if last is not None:
            self.mapping.moved(self.shard, str(last))
