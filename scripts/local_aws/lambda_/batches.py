"""What happens to a batch of stream records: it is delivered, retried, split, or discarded to a destination.

Nothing here knows HTTP, threads or the clock: `settle` is given what it needs, so that a test can be the function, the
destination and the time. It follows the Lambda guide:

- https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html (retries, age, bisecting, destinations)
- https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html (partial batch responses)
- https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html (the settings and their defaults)
"""
from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.lambda_.filters import Pattern, patterns_of

RETENTION = 24 * 60 * 60  # seconds that a stream keeps a record
PAYLOAD = 6 * 1024 * 1024  # bytes of an event: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
# Waits before a retry, in seconds. AWS does not say how long its own are; a learner at this machine should not wait.
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0

ENVELOPE = '{"Records": [%s]}'


@dataclass(frozen=True)
class Record:
    """A stream record as the function gets it. `arrived` is its creation time in epoch seconds, `key` what its order
    is kept by: the partition key as text."""

    number: str
    arrived: float
    key: str
    text: str

    @property
    def position(self) -> int:
        """Its place in the stream."""
        return int(self.number)


@dataclass(frozen=True)
class Settings:
    """Of an event source mapping; -1 means without limit."""

    batch_size: int = 100
    window: float = 0
    retries: int = -1
    age: int = -1
    bisect: bool = False
    partial: bool = False
    parallel: int = 1
    filters: tuple[Pattern, ...] = ()

    @classmethod
    def of(cls, mapping: dict) -> Settings:
        """The settings in a mapping's fields, as the API names them."""
        return cls(
            mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"], mapping["MaximumRetryAttempts"],
            mapping["MaximumRecordAgeInSeconds"], mapping["BisectBatchOnFunctionError"],
            "ReportBatchItemFailures" in mapping["FunctionResponseTypes"], mapping["ParallelizationFactor"],
            patterns_of(mapping.get("FilterCriteria")))


@dataclass(frozen=True)
class Answer:
    """What an invocation came back with: `error` is None, 'Handled' or 'Unhandled', `payload` the JSON value."""

    payload: Any = None
    error: str | None = None
    version: str = "$LATEST"


class NotInvoked(Exception):
    """The function could not be invoked (throttled, deleted): to be tried again, and no retry is used up."""


class Stopped(Exception):
    """The mapping was disabled, changed or deleted, or the local AWS stops: what is unsettled stays in the stream."""


@dataclass
class Part:
    """A part of a batch, how often it has failed and been sent since its first record last changed, and what came
    back last."""

    records: Sequence[Record]
    failures: int = 0
    invocations: int = 0
    answer: Answer | None = None


def event(records: Sequence[Record]) -> bytes:
    """The event that a function gets."""
    return (ENVELOPE % ", ".join(record.text for record in records)).encode()


def fitting(records: Collection[Record], most: int) -> int:
    """How many of the first records make one event: at most `most`, and no more than the payload limit allows."""
    size = len(ENVELOPE)
    for count, record in enumerate(itertools.islice(records, most)):
        size += len(record.text.encode()) + 2
        if size > PAYLOAD and count:
            return count
    return min(most, len(records))


def first_failure(answer: Answer, records: Sequence[Record], partial: bool) -> int | None:
    """The index of the first record that is not done; None when all are.

    With partial responses the lowest reported sequence number is the checkpoint. An empty or null response or list is
    success; an identifier that is empty, null, under another key or not of this batch fails the whole batch, and so
    does what is no list of them. That `[]` is an empty response was recorded by LocalStack on AWS
    (test_dynamodb_report_batch_item_success_scenarios, 25 November 2025).
    """
    if answer.error:
        return 0
    if not partial or answer.payload in (None, {}, []):
        return None
    if not isinstance(answer.payload, dict):
        return 0
    failures = answer.payload.get("batchItemFailures")
    if failures is None or failures == []:
        return None
    if not isinstance(failures, list):
        return 0
    index = {record.number: place for place, record in enumerate(records)}
    try:
        return min(index[failure["itemIdentifier"]] for failure in failures)
    except (KeyError, TypeError):
        return 0


def waits() -> Iterator[float]:
    """Seconds before each next retry."""
    return (min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10)) for attempt in itertools.count())


def settle(
    batch: Sequence[Record],
    settings: Settings,
    invoke: Callable[[Sequence[Record]], Answer],
    discard: Callable[[Sequence[Record], str, int, Answer | None], None],
    settled: Callable[[Sequence[Record]], None],
    wait: Callable[[float], None],
    now: Callable[[], float],
) -> None:
    """Go on with a batch until all of it is settled: processed by the function, or discarded.

    `invoke(records)` raises NotInvoked where the function did not run. `discard(records, condition, invocations,
    answer)` returns when the records are kept elsewhere; `answer` is None where they were never sent.
    `settled(records)` hears of each piece as soon as it is. `wait(seconds)` raises Stopped when it is time to leave.
    """
    parts = [Part(batch)]
    pauses = waits()
    limit = RETENTION if settings.age < 0 else min(settings.age, RETENTION)
    while parts:
        part = parts[0]
        oldest = now() - limit
        aged = list(itertools.takewhile(lambda record: record.arrived < oldest, part.records))  # noqa: B023
        if aged:
            discard(aged, "RecordAgeExceeded", part.invocations, part.answer)
            settled(aged)
            part.records = part.records[len(aged):]
        if not part.records:
            parts.pop(0)
            continue
        try:
            part.answer = answer = invoke(part.records)
        except NotInvoked:
            wait(next(pauses))
            continue
        part.invocations += 1
        failed = first_failure(answer, part.records, settings.partial)
        done = part.records if failed is None else part.records[:failed]
        if done:
            settled(done)
            pauses = waits()
        if failed is None:
            parts.pop(0)
        elif failed:
            # Cut at the checkpoint, from where retries begin anew: with 3 of them LocalStack recorded that AWS sends
            # the record there 5 times and tells 4 (test_dynamodb_report_batch_item_failures, 25 November 2025)
            parts[0] = Part(part.records[failed:], answer=answer)
        elif settings.bisect and len(part.records) > 1:
            # Splitting does not use up the retries
            half = len(part.records) // 2
            parts[:1] = [Part(piece, part.failures, part.invocations, answer)
                         for piece in (part.records[:half], part.records[half:])]
            continue
        else:
            part.failures += 1
        if failed is None:
            continue
        part = parts[0]
        if 0 <= settings.retries < part.failures:
            discard(part.records, "RetryAttemptsExhausted", part.invocations, answer)
            settled(part.records)
            parts.pop(0)
        else:
            wait(next(pauses))
