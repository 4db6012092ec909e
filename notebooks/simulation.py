"""A simulation of the pipe, to plan past what can be tried: shards, batches, windows, quotas, and a fault.

Changes flow first in, first out, so three curves tell everything: how many changes have been made, delivered to
Firehose, and written to S3 by each second. What lies between two curves waits, as long as they are apart along the time
axis. All lanes (shards times ParallelizationFactor) are alike, so one is followed, and counted for all of them.
"""
from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

# Seconds that a stream keeps a record: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
RETENTION = 24 * 3600
# A Firehose record, and what a call may carry: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
RECORD_BYTES, CALL_BYTES, CALL_RECORDS = 1000 * 1024, 4 * 1024**2, 500
# Lambda's event: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
PAYLOAD_BYTES = 6 * 1024**2
# What the function's gzip makes of the benchmark's events: a member takes so many bytes, and an 11th of its text
MEMBER_BYTES, SMALLER = 600, 11


@dataclass(frozen=True)
class Pipe:
    """A pipe as configured, under a steady load. Times are in seconds."""

    changes_a_second: float
    shards: int = 1
    parallelization_factor: int = 1
    batch_size: int = 100
    window: int = 0
    event_bytes: int = 700  # a line of JSON, and about what a stream record takes in Lambda's event
    packed: bool = True  # many events a Firehose record; otherwise one
    compressed: bool = False  # the records are gzip members
    invocation: float = 0.05  # what an invocation takes however little it does: two network calls
    events_a_second: float = 3_500  # the function's work: half as fast as bench.py finds it to be on a whole core, of
    # which 256 MB of memory bring a seventh
    memory: int = 256  # MB
    timeout: int = 60  # how long an invocation tries in vain, while a fault lasts
    buffer_bytes: int = 128 * 1024**2
    buffer_seconds: int = 300
    # The delivery stream's, by default in us-east-1: https://docs.aws.amazon.com/firehose/latest/dev/limits.html. (The
    # 5,000 records a second in the API's description of PutRecord are older.)
    calls_a_second: float = 2_000
    records_a_second: float = 500_000
    bytes_a_second: float = 5 * 1024**2

    @property
    def lanes(self) -> int:
        """How many invocations can run at once."""
        return self.shards * self.parallelization_factor

    @property
    def largest_batch(self) -> int:
        """Records that an invocation gets at the most: `batch_size`, or as many as Lambda's event holds."""
        return max(1, min(self.batch_size, PAYLOAD_BYTES // self.event_bytes))

    def sent(self, events: int) -> tuple[int, int]:
        """Calls and records that `events` take to Firehose."""
        if not self.packed:
            return math.ceil(events / CALL_RECORDS), events
        records = math.ceil(self.bytes_sent(events) / RECORD_BYTES)
        return math.ceil(records / (CALL_BYTES // RECORD_BYTES)), records

    def bytes_sent(self, events: int) -> int:
        """Bytes that a batch of `events` takes to Firehose; where they are compressed, in a member of its own."""
        text = events * self.event_bytes
        return math.ceil(MEMBER_BYTES + text / SMALLER) if self.compressed and events else text

    def seconds(self, events: int) -> float:
        """How long an invocation with `events` takes. One lane has its share of the delivery stream's quotas; what is
        refused for them, the function sends again until it is through."""
        calls, records = self.sent(events)
        return max(self.invocation + events / self.events_a_second,
                   self.lanes * max(calls / self.calls_a_second, records / self.records_a_second,
                                    self.bytes_sent(events) / self.bytes_a_second))


@dataclass
class Run:
    """What became of the changes: element t of each list is how many there had been at the end of second t."""

    made: list[int] = field(default_factory=list)
    delivered: list[int] = field(default_factory=list)  # taken by Firehose
    written: list[int] = field(default_factory=list)  # in S3, and so in every answer
    expired: list[int] = field(default_factory=list)  # lost: the stream kept them for a day, and nobody took them
    invocations: int = 0
    objects: int = 0

    def backlog(self) -> list[int]:
        """Changes that wait in the stream, by second."""
        return [made - delivered - expired
                for made, delivered, expired in zip(self.made, self.delivered, self.expired, strict=True)]

    def delay(self) -> list[int | None]:
        """For the last change of each second, the seconds until it is in S3; None where the run ends before. Without
        expired records."""
        last = self.written[-1] if self.written else 0
        return [bisect_left(self.written, made) - second if made <= last else None
                for second, made in enumerate(self.made)]

    def recovered(self, fault: tuple[int, int]) -> int | None:
        """Seconds from the fault's end until no more changes wait than before it; None where the run ends before."""
        backlog = self.backlog()
        usual = max(backlog[:fault[0]], default=0)
        return next((second - fault[1] for second in range(fault[1], len(backlog)) if backlog[second] <= usual), None)


class _Waiting(NamedTuple):
    since: int
    events: int


def simulate(pipe: Pipe, seconds: int, fault: tuple[int, int] | None = None,
             load: Callable[[int], float] | None = None) -> Run:
    """Run the pipe for some seconds. In `fault` (its first second, and the one after its last) Firehose takes nothing.

    `load` gives the changes of a second, instead of the pipe's own steady ones.
    """
    run, lane, buffer = Run(), deque[_Waiting](), _Buffer(pipe)
    made = delivered = expired = 0  # of this lane
    total, free_at = 0.0, 0.0
    for now in range(seconds):
        total += (load(now) if load else pipe.changes_a_second) / pipe.lanes
        if new := math.floor(total + 1e-9) - made:
            lane.append(_Waiting(now, new))
            made += new
        while lane and lane[0].since <= now - RETENTION:
            expired += lane.popleft().events
        while lane and (start := max(free_at, _due(lane, pipe, now))) < now + 1:
            run.invocations += pipe.lanes
            if fault and fault[0] <= now < fault[1]:
                free_at = start + min(pipe.timeout, fault[1] - now)
                continue
            batch = _take(lane, pipe.largest_batch)
            free_at = start + pipe.seconds(batch)
            delivered += batch
            buffer.add(now, batch * pipe.lanes, pipe.bytes_sent(batch) * pipe.lanes)
        run.made.append(made * pipe.lanes)
        run.delivered.append(delivered * pipe.lanes)
        run.expired.append(expired * pipe.lanes)
        run.written.append(buffer.flushed(now))
    run.objects = buffer.objects
    return run


def _due(lane: deque[_Waiting], pipe: Pipe, now: int) -> float:
    """When the next batch is sent: at once when it is full, else when its first record has waited for the window."""
    waiting = 0
    for part in lane:
        waiting += part.events
        if waiting >= pipe.largest_batch:
            return part.since
    return max(now, lane[0].since + pipe.window)


def _take(lane: deque[_Waiting], most: int) -> int:
    taken = 0
    while lane and taken < most:
        part = lane.popleft()
        use = min(part.events, most - taken)
        taken += use
        if use < part.events:
            lane.appendleft(_Waiting(part.since, part.events - use))
    return taken


class _Buffer:
    """Firehose's: it becomes an object when it is full, or when its first event has waited long enough."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe, self.since, self.events, self.bytes, self.written, self.objects = pipe, 0, 0, 0, 0, 0

    def add(self, now: int, events: int, arrived: int) -> None:
        """Take in events, which arrived in so many bytes."""
        if not self.events:
            self.since = now
        self.events += events
        self.bytes += arrived

    def flushed(self, now: int) -> int:
        """How many events are in S3 by the end of this second."""
        while self.bytes >= self.pipe.buffer_bytes:
            self._write(max(1, self.events * self.pipe.buffer_bytes // self.bytes), now)
        if self.events and now >= self.since + self.pipe.buffer_seconds:
            self._write(self.events, now)
        return self.written

    def _write(self, events: int, now: int) -> None:
        self.bytes -= self.bytes * events // self.events
        self.events -= events
        self.written += events
        self.objects += 1
        self.since = now
