"""The function on its own: speed on one core, what it sends, and the largest batch that it survives."""
from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench_parts import designs
from bench_parts.changes import changes

LAMBDA_RECORDS = 10_000  # the largest batch: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
_TURN = 500  # records a turn: short turns, so that what else the machine does falls on all of them alike


@dataclass
class Measured:
    """One design over the same 10,000 changes. Speeds are medians; ratios are medians of the turns' own ratios."""

    name: str
    events_a_second: float
    of_floor: float
    of_textbook: float
    sent: Sent
    sent_small: Sent
    largest_batch: int


@dataclass
class Sent:
    """What 10,000 changes come to on their way into Firehose."""

    calls: int
    records: int
    bytes_an_event: float
    billed_over_real: float


def measure(turns: int = 100, count: int = LAMBDA_RECORDS) -> list[Measured]:
    """Measure every design, and the floor, in turns of the same records, `count` of them."""
    load = full_load(count)
    small, seconds = small_load(load), _seconds(load, turns)
    return [Measured(name, _TURN / statistics.median(seconds[name]), _ratio(seconds["floor"], seconds[name]),
                     _ratio(seconds["textbook"], seconds[name]), send(design, load), send(design, small),
                     largest_batch(design, load)) for name, design in designs.DESIGNS.items()]


def _ratio(others: Sequence[float], own: Sequence[float]) -> float:
    """How many times as fast as the other: the median of the turns' ratios."""
    return statistics.median(other / mine for other, mine in zip(others, own, strict=True))


def full_load(count: int = LAMBDA_RECORDS) -> list[dict]:
    """Changes with both images, without deletes, which the tutorial's function does not survive."""
    return [record for record in changes(count * 12 // 10) if record["eventName"] != "REMOVE"][:count]


def small_load(load: Sequence[dict]) -> list[dict]:
    """The same changes as small as the tutorial's: three attributes, new image only."""
    return [{**record, "eventName": "INSERT", "dynamodb": {
        **{name: value for name, value in record["dynamodb"].items() if name != "OldImage"},
        "NewImage": {name: record["dynamodb"]["NewImage"][name] for name in ("orderId", "state", "lastUpdatedDate")},
    }} for record in load]


def _seconds(load: Sequence[dict], turns: int) -> dict[str, list[float]]:
    """Seconds of this process on a core, for each turn of each design."""
    seconds: dict[str, list[float]] = {"floor": [], **{name: [] for name in designs.DESIGNS}}
    for turn in range(turns + 3):
        first = turn * _TURN % (len(load) - _TURN)
        batch = load[first:first + _TURN]
        for name, taken in seconds.items():
            design = designs.DESIGNS.get(name, designs.floor)
            began = time.process_time()
            design(batch, designs.Firehose())
            if turn >= 3:  # the first ones warm up
                taken.append(time.process_time() - began)
    return seconds


def send(design: Callable, load: Sequence[dict]) -> Sent:
    """Send the load as one batch; one that is refused is halved until it passes, as BisectBatchOnFunctionError does."""
    sent, waiting = designs.Firehose(), [load]
    while waiting:
        batch, firehose = waiting.pop(), designs.Firehose()
        try:
            design(batch, firehose)
        except designs.Refused:
            waiting += [batch[:len(batch) // 2], batch[len(batch) // 2:]]
        else:
            sent.add(firehose)
    return Sent(sent.calls, sent.records, sent.bytes / len(load), sent.billed / sent.bytes)


def largest_batch(design: Callable, load: Sequence[dict]) -> int:
    """The largest batch of `load`'s first records that the design delivers, found by halving; at most `load`."""
    def survives(size: int) -> bool:
        try:
            design(load[:size], designs.Firehose())
        except designs.Refused:
            return False
        return True

    if survives(len(load)):
        return len(load)
    works, fails = 0, len(load)
    while fails - works > 1:
        middle = (works + fails) // 2
        works, fails = (middle, fails) if survives(middle) else (works, middle)
    return works
