"""What an audit costs a month: quantities from the simulated pipe, dollars from list prices that the caller gives.

Quantities are what AWS bills: Firehose's bytes in steps of 5 KB a record, Lambda's requests and GB-seconds and its log,
what is put into S3 and kept there, and the bytes that Athena reads.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from simulation import Pipe, simulate

PERIOD = 1800  # seconds that are simulated, and taken for all
PERIODS = 30 * 24 * 3600 // PERIOD  # in a month
GB, TB = 10**9, 10**12  # as AWS bills them
STEP = 5 * 1024  # Firehose's: https://aws.amazon.com/firehose/pricing/
LEAST = 10 * 10**6  # bytes of a question that Athena bills at the least: https://aws.amazon.com/athena/pricing/
SHARD = 1_000  # writes a second that a partition takes, each with a shard of its own:
#                https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
# A smaller object stays where it is, whatever its age:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
LEAST_AGED = 128 * 1024


@dataclass(frozen=True)
class Design:
    """A way to build the audit, by what makes its bill. Bytes are for each byte of an event."""

    name: str
    pipe: Pipe
    delivered: float  # bytes that S3 keeps of what Firehose delivers
    read: float  # bytes that a question about one day reads, for each byte of that day's events
    partitioned: bool = True  # otherwise a question reads all that is kept
    compacted: float = 0  # bytes that S3 keeps in the compacted table
    nightly: tuple[float, ...] = ()  # bytes that each query of the compaction reads, of a day's
    aged: float | None = None  # the months after which an event moves to Glacier Instant Retrieval


Price = float | list[tuple[float, float]]  # dollars a unit; or, where they fall, (up to so many units, dollars a unit)


def month(design: Design, rate: float, prices: Mapping[str, Price], questions: int = 100, kept: float = 12,
          logs_kept: float = 12, log_bytes: int = 600) -> dict[str, float]:
    """Dollars a month for `rate` changes a second, by what they are paid for.

    `questions` are asked a month, each about one day that has not aged; events are kept for `kept` months and logs for
    `logs_kept`; an invocation logs `log_bytes`. Quotas are taken to be raised as far as the load needs. `prices` are in
    dollars, by the names below. Raises ValueError for a rate below 0.
    """
    pipe = sized(design.pipe, rate)
    work = _work(pipe)
    invocations, objects = work.invocations * PERIODS, work.objects * PERIODS
    events = rate * PERIOD * PERIODS * pipe.event_bytes  # bytes
    young, old, moves = _kept(design, events, objects, kept)
    reads = _read(design, events, kept)
    scanned = questions * max(LEAST, reads) + sum(30 * max(LEAST, events / 30 * share) for share in design.nightly)
    gb_logged = invocations * log_bytes / GB
    return {
        "Firehose": dollars(invocations * billed(pipe, work.batch) / GB, prices["firehose_gb"]),
        "Lambda": dollars(invocations / 1e6, prices["lambda_million_requests"])
        + dollars(invocations * pipe.seconds(work.batch) * pipe.memory / 1024, prices["lambda_gb_second"]),
        "Logs": dollars(gb_logged, prices["logs_gb"]) + dollars(gb_logged * logs_kept, prices["logs_gb_month"]),
        "S3": dollars(objects / 1000, prices["s3_thousand_puts"]) + dollars(young / GB, prices["s3_gb_month"])
        + (dollars(old / GB, prices["glacier_gb_month"])
           + dollars(moves / 1000, prices["glacier_thousand_moves"]) if old else 0),
        "Athena": dollars(scanned / TB, prices["athena_tb"]),
    }


def question(design: Design, rate: float, prices: Mapping[str, Price], old: bool = False, kept: float = 12) -> float:
    """Dollars of one question about a day, at `rate` changes a second; about a day that has aged, if `old`. (The
    requests by which Athena fetches what it reads are left out: thousands of them cost a cent.)"""
    reads = _read(design, rate * PERIOD * PERIODS * design.pipe.event_bytes, kept)
    return dollars(max(LEAST, reads) / TB, prices["athena_tb"]) + (
        dollars(reads / GB, prices["glacier_gb_retrieved"]) if old else 0)


def billed(pipe: Pipe, batch: int) -> int:
    """Bytes that Firehose bills for a batch of so many events."""
    _, records = pipe.sent(batch)
    return records * math.ceil(pipe.bytes_sent(batch) / records / STEP) * STEP


def _read(design: Design, events: float, kept: float) -> float:
    """Bytes that a question about one day reads, of `events` bytes a month."""
    return events / 30 * design.read * (1 if design.partitioned else 30 * kept)


def _kept(design: Design, events: float, objects: float, kept: float) -> tuple[float, float, float]:
    """Bytes kept in S3 Standard and in Glacier, and moves to Glacier a month, of `events` bytes a month in so many
    delivered objects. The compacted table's objects, some a day, are taken for large enough to be moved."""
    delivered, compacted = events * design.delivered, events * design.compacted
    old = 0 if design.aged is None else max(0, kept - design.aged)  # months
    large = bool(objects) and delivered / objects >= LEAST_AGED
    moved = compacted + (delivered if large else 0)
    return (delivered + compacted) * kept - moved * old, moved * old, objects if large else 0


def dollars(units: float, price: Price) -> float:
    """What so many units cost, in dollars, where more of them may cost less each."""
    if not isinstance(price, list):
        return units * price
    total = below = 0.0
    for up_to, each in price:
        total += max(0.0, min(units, up_to) - below) * each
        below = up_to
    return total


@dataclass(frozen=True)
class _Work:
    """What a pipe does in a PERIOD."""

    invocations: float
    batch: int  # changes an invocation, on average
    objects: float


@lru_cache(maxsize=64)
def _work(pipe: Pipe) -> _Work:
    """A simulated PERIOD of the pipe; the same one is asked for again by the next table. Where less than a change comes
    in the time that Firehose and the trigger wait for more, each is an invocation and an object of its own."""
    if pipe.changes_a_second * max(pipe.buffer_seconds, pipe.window) < 1:
        return _Work(pipe.changes_a_second * PERIOD, 1, pipe.changes_a_second * PERIOD)
    run = simulate(pipe, PERIOD)
    return _Work(run.invocations, max(1, round(run.delivered[-1] / run.invocations)), run.objects)


def sized(pipe: Pipe, rate: float) -> Pipe:
    """The pipe for a load of `rate` changes a second, with the shards that DynamoDB then has (at least one) and without
    a delivery stream's default quotas. Raises ValueError for a rate below 0."""
    if rate < 0:
        raise ValueError(f"{rate} changes a second cannot be: the least is 0")
    return replace(pipe, changes_a_second=rate, shards=max(1, math.ceil(rate / SHARD)), calls_a_second=math.inf,
                   records_a_second=math.inf, bytes_a_second=math.inf)


@dataclass(frozen=True)
class Use:
    """How much of a quota a load takes: 1 is all of it."""

    quota: str
    needed: float
    allowed: float

    @property
    def share(self) -> float:
        """The part of the quota that is used: above 1, AWS refuses or throttles."""
        return self.needed / self.allowed


def quotas(pipe: Pipe, rate: float) -> list[Use]:
    """What a load of `rate` changes a second needs of the default quotas in us-east-1, the tightest first. Raises
    ValueError for a rate below 0."""
    needs = sized(pipe, rate)
    work = _work(needs)
    calls, records = needs.sent(work.batch)
    invocations = work.invocations / PERIOD
    busy = invocations * needs.seconds(work.batch)
    uses = [
        Use("DynamoDB: writes a second, a table", rate, 40_000),
        Use("Stream: one lane's time, a shard", busy / needs.lanes, 1),
        Use("Lambda: concurrent executions", busy, 1_000),
        Use("Firehose: calls a second", invocations * calls, pipe.calls_a_second),
        Use("Firehose: records a second", invocations * records, pipe.records_a_second),
        Use("Firehose: bytes a second", invocations * needs.bytes_sent(work.batch), pipe.bytes_a_second),
        Use("S3: puts a second, a prefix", work.objects / PERIOD, 3_500),
    ]
    return sorted(uses, key=lambda use: -use.share)
