"""The audit's way in one process: the trigger's own logic and the real function, with Firehose and S3 in memory.

What a learner's pipeline does over the network happens here in microseconds, and fails as told: the invocations, each
call of Firehose, each write to S3. https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import proofs
from in_memory_firehose import Context, InMemoryFirehose, InMemoryS3, function, invoke
from local_aws.lambda_.batches import Answer, Record, Settings, settle
from orders import Change

# What can become of an invocation: it does not begin; it ends without an answer when its work is done; it is made twice
CRASH, CRASH_AFTER, TWICE = "crash", "crash after", "twice"


class InMemoryAudit:
    """`fates` says what happens to one invocation after the other: None, or one of the above; when they are used up,
    `last` is the fate of every further one. `settings` are the trigger's. Without a `destination`, what the trigger
    gives up on is dropped, as on AWS. `seconds` is what each invocation has; so little that its own tries end soon."""

    def __init__(self, firehose: InMemoryFirehose, s3: InMemoryS3, settings: Settings, fates: Iterable = (), last=None,
                 destination: bool = True, seconds: float = 4, **constants):
        self.firehose, self.s3, self.settings, self.constants = firehose, s3, settings, constants
        self.fates, self.last, self.seconds = iter(fates), last, seconds
        self.destination = destination
        self.failures: list[dict] = []  # the stream records in the destination

    def run(self, records: Sequence[dict]) -> None:
        """Hand stream records to the function until each is settled. Lanes, as ParallelizationFactor makes them, take
        turns, batch by batch."""
        lanes: list[list[Record]] = [[] for _ in range(self.settings.parallel)]
        for record in records:
            change = record["dynamodb"]
            key = json.dumps(change["Keys"])
            lanes[sum(key.encode()) % len(lanes)].append(
                Record(change["SequenceNumber"], change["ApproximateCreationDateTime"], key, json.dumps(record)))
        size = self.settings.batch_size
        with function(self.firehose, self.s3, **self.constants):
            for first in range(0, max(map(len, lanes)), size):
                for lane in lanes:
                    if batch := lane[first:first + size]:
                        settle(batch, self.settings, self._invoke, self._discard, lambda settled: None,
                               lambda seconds: None, lambda: batch[0].arrived)  # noqa: B023  settled within the turn

    def replay(self) -> None:
        """Hand what is in the destination to the function, by hand."""
        with function(self.firehose, self.s3, **self.constants):
            for record in self.failures:
                assert invoke([record]) == []

    def audit(self, dedupe: bool = True) -> list[Change]:
        """What the view shows: each event once, an order's changes in order."""
        events = self.firehose.events
        if dedupe:
            events = list({event["event_id"]: event for event in events}.values())
        events = sorted(events, key=lambda event: (event["order_id"], event["sequence_number"]))
        steps: dict[str, int] = {}
        for event in events:
            event["step"] = steps[event["order_id"]] = steps.get(event["order_id"], 0) + 1
        return proofs.changes(events, self.s3.objects.__getitem__)

    def _invoke(self, batch: Sequence[Record]) -> Answer:
        fate = next(self.fates, self.last)
        records = [json.loads(record.text) for record in batch]
        answer = Answer(error="Unhandled")
        for _ in range({CRASH: 0, TWICE: 2}.get(fate, 1)):
            try:
                failed = invoke(records, Context(self.seconds))
                answer = Answer({"batchItemFailures": [{"itemIdentifier": number} for number in failed]})
            except RuntimeError:
                answer = Answer(error="Unhandled")
        return Answer(error="Unhandled") if fate == CRASH_AFTER else answer

    def _discard(self, batch: Sequence[Record], condition: str, invocations: int, answer: Answer | None) -> None:
        if self.destination:
            self.failures += [json.loads(record.text) for record in batch]
