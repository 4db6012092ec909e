"""The workload: a week of a shop's orders, the same for the same seed, and replaying it into the table.

An order is OPEN until a courier has PICKEDUP it, then DELIVERED, and sometimes RETURNED; an OPEN order may be
CANCELLED. Some orders break these rules or come to a standstill, are corrected or deleted: they are what an auditor
looks for. All times are the orders' own (`lastUpdatedDate`, epoch seconds, UTC), so that every answer about them is
the same in every run.
"""
from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

STATES = ("OPEN", "PICKEDUP", "DELIVERED", "RETURNED", "CANCELLED")
NEXT = {  # from a state (None: no order yet) to those that may follow
    None: {"OPEN"},
    "OPEN": {"PICKEDUP", "CANCELLED"},
    "PICKEDUP": {"DELIVERED"},
    "DELIVERED": {"RETURNED"},
    "RETURNED": set(),
    "CANCELLED": set(),
}

HOUR = 3600
START = 1705305600  # Monday, 2024-01-15 08:00:00 UTC
END = START + 5 * 24 * HOUR  # Saturday, 2024-01-20 08:00:00 UTC; nothing is written after it
OPENING_HOURS = 14 * HOUR  # orders come in from 08:00 to 22:00
STUCK_AFTER = 48 * HOUR  # an order that is not stuck is neither OPEN nor PICKEDUP for as long

# How many orders of each kind the auditor is to find. The others are delivered, and some of them returned.
PLANTED = {"cancelled": 18, "stuck": 6, "skipped": 2, "reopened": 2, "corrected": 3, "deleted": 2, "signed": 3}

COURIERS = ("courier-ana", "courier-ben", "courier-caro", "courier-dev")
DESK = ("desk-femi", "desk-gwen")


@dataclass(frozen=True)
class Change:
    """One write: the whole item before and after it. `before` is None for a new order, `after` for a deleted one."""

    order_id: str
    step: int  # 1 for an order's first change
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def event_name(self) -> str:
        """What the table's stream calls it: INSERT, MODIFY or REMOVE."""
        return "INSERT" if self.before is None else "REMOVE" if self.after is None else "MODIFY"

    @property
    def at(self) -> int:
        """The order's own time of the change, epoch seconds; a deletion has none, so it is that of the last change."""
        item = self.after or self.before
        assert item, "a change has an item before it or after it"
        return int(item["lastUpdatedDate"])

    @property
    def by(self) -> str | None:
        """Who wrote it, as far as the item says; a deletion writes nothing, so it names nobody."""
        return self.after["lastUpdatedBy"] if self.after else None

    @property
    def old_state(self) -> str | None:
        """The order's state before; None for a new order."""
        return self.before["state"] if self.before else None

    @property
    def new_state(self) -> str | None:
        """The order's state after; None for a deleted one."""
        return self.after["state"] if self.after else None


def history(seed: int = 7, number: int = 300) -> dict[str, list[Change]]:
    """The week: for each order's id, its changes in order. `number` must be at least 100."""
    dice = random.Random(seed)
    early = list(range(number * 2 // 5))  # those of Monday and Tuesday: what is planted there shows by Saturday
    dice.shuffle(early)
    kinds = {}
    for kind, count in PLANTED.items():
        for _ in range(count):
            kinds[early.pop()] = kind
    weeks = {}
    for index in range(number):
        day, within = divmod(index * 5 * OPENING_HOURS // number, OPENING_HOURS)
        opening = START + day * 24 * HOUR + within + dice.randrange(120)
        order_id = str(1001 + index)
        weeks[order_id] = _changes(order_id, _life(kinds.get(index), opening, dice))
    return weeks


def _life(kind: str | None, opening: int, dice: random.Random) -> list[tuple[int, dict[str, Any] | None]]:
    """What happens to an order: times with the attributes written then, None for a deletion."""
    courier, desk = dice.choice(COURIERS), dice.choice(DESK)
    picked = opening + dice.randrange(1 * HOUR, 16 * HOUR)
    delivered = picked + dice.randrange(2 * HOUR, 40 * HOUR)
    returned = delivered + dice.randrange(24 * HOUR, 72 * HOUR)
    later = delivered + dice.randrange(1 * HOUR, 9 * HOUR)
    comes_back = dice.random() < 0.25

    def write(at: int, state: str, by: str, **others: Any) -> tuple[int, dict[str, Any]]:
        return at, {"state": state, "lastUpdatedBy": by, **others}

    first = write(opening, "OPEN", "shop", customer=f"c-{dice.randrange(1000):03d}",
                  amount=Decimal(dice.randrange(500, 25000)) / 100)
    pickup, delivery = write(picked, "PICKEDUP", courier), write(delivered, "DELIVERED", courier)
    lives = {
        None: [first, pickup, delivery, *([write(returned, "RETURNED", desk)] if comes_back else [])],
        "cancelled": [first, write(picked, "CANCELLED", desk)],
        "stuck": [first, pickup],
        "skipped": [first, write(delivered, "DELIVERED", courier)],
        "reopened": [first, pickup, delivery, write(later, "OPEN", "desk-hugo"),
                     write(later + 3 * HOUR, "PICKEDUP", courier), write(later + 8 * HOUR, "DELIVERED", courier)],
        "corrected": [first, pickup, delivery, write(later, "DELIVERED", "desk-hugo", amount=Decimal("1.00"))],
        "deleted": [first, pickup, (picked, None)],
        "signed": [first, pickup, write(delivered, "PICKEDUP", desk, deletedBy=desk), (delivered, None)],
    }
    return [(at, attributes) for at, attributes in lives[kind] if at < END]


def _changes(order_id: str, life: Sequence[tuple[int, dict[str, Any] | None]]) -> list[Change]:
    changes: list[Change] = []
    item = None
    for at, attributes in life:
        after = None
        if attributes is not None:
            after = {"orderId": order_id, **(item or {}), **attributes, "lastUpdatedDate": at}
        changes.append(Change(order_id, len(changes) + 1, item, after))
        item = after
    return changes


def ledger(weeks: dict[str, list[Change]]) -> list[Change]:
    """Every change there is, by time, then order, then step: what the audit must hold, no more and no less."""
    changes = [change for life in weeks.values() for change in life]
    return sorted(changes, key=_place)


def closing(weeks: dict[str, list[Change]]) -> Change:
    """The last change that is no deletion."""
    return max((change for life in weeks.values() for change in life if change.after), key=_place)


def _place(change: Change) -> tuple[int, str, int]:
    return change.at, change.order_id, change.step


def is_legal(old_state: str | None, new_state: str | None) -> bool:
    """Whether an order may go from one state to the other. To stay where it is, is legal; to be deleted is not."""
    return old_state == new_state or new_state in NEXT.get(old_state, ())


# -------------------------------------------------------------------------------------------- into the table


class Replay:
    """Writes the week into a table: only what is not there yet, each order's changes in order, orders side by side.

    An order's place in its history is read from its item. A deleted order leaves none, so deletions come last, after
    one closing change: where that is written and an order is missing, it has been deleted; where it is not, the order
    has not come yet. Each write has the condition that the item is as the change before left it: nothing is written
    twice, however often this is run or interrupted, and an item that somebody else has changed is left alone.
    """

    def __init__(self, session: boto3.Session, table: str, weeks: dict[str, list[Change]], threads: int = 8) -> None:
        config = Config(max_pool_connections=threads, retries={"mode": "standard", "total_max_attempts": 10})
        self.client = session.resource("dynamodb", config=config).meta.client  # takes plain Python values
        self.table, self.weeks, self.threads = table, weeks, threads
        self.closing = closing(weeks)
        self.foreign: list[str] = []  # orders that are as no change of the week left them

    def run(self, progress: Callable[[Iterable, int], Iterable] = lambda changes, total: changes) -> list[Change]:
        """Write what is missing and return it. `progress` wraps an iterable of known length, as
        `lambda changes, total: tqdm(changes, total=total)` does."""
        missing = self._missing()
        deletions = [[change] for life in missing for change in life if change.after is None]
        others = [[change for change in life if change.after and change is not self.closing] for life in missing]
        last = [[self.closing]] if any(self.closing in life for life in missing) else []

        def written() -> Iterator[Change]:
            for phase in (others, last, deletions):
                yield from self._write_all(phase)

        return list(progress(written(), sum(map(len, missing))))

    def _missing(self) -> list[list[Change]]:
        items = {item["orderId"]: item for item in self._items()}
        closed = items.get(self.closing.order_id) == self.closing.after
        missing = []
        self.foreign = []
        for order_id, life in self.weeks.items():
            item = items.get(order_id)
            if item is None:
                done = len(life) if closed and life[-1].after is None else 0
            else:
                done = next((change.step for change in life if change.after == item), None)
            if done is None:
                self.foreign.append(order_id)
            else:
                missing.append(life[done:])
        return missing

    def _items(self) -> Iterable[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        for page in pages:
            yield from page["Items"]

    def _write_all(self, lives: list[list[Change]]) -> Iterable[Change]:
        pool = ThreadPoolExecutor(self.threads)
        try:
            for done in as_completed([pool.submit(self._write_life, life) for life in lives if life]):
                yield from done.result()
        finally:
            pool.shutdown(cancel_futures=True)  # after an interrupt: what is being written is, what waits is not

    def _write_life(self, life: list[Change]) -> list[Change]:
        for change in life:
            self._write(change)
        return life

    def _write(self, change: Change) -> None:
        try:
            if change.before is None:
                self.client.put_item(TableName=self.table, Item=change.after,
                                     ConditionExpression="attribute_not_exists(orderId)")
                return
            which = {"TableName": self.table, "Key": {"orderId": change.order_id},
                     "ConditionExpression": "lastUpdatedDate = :before"}
            before = {":before": change.before["lastUpdatedDate"]}
            if change.after is None:
                self.client.delete_item(**which, ExpressionAttributeValues=before)
                return
            written = {name: value for name, value in change.after.items() if change.before.get(name) != value}
            self.client.update_item(
                **which,
                UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in written),
                ExpressionAttributeNames={f"#{name}": name for name in written},
                ExpressionAttributeValues={**before, **{f":{name}": value for name, value in written.items()}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException" or not self._is_written(change):
                raise

    def _is_written(self, change: Change) -> bool:
        """Whether the item is as this change leaves it: so it is after a write whose answer was lost and that was sent
        again."""
        answer = self.client.get_item(TableName=self.table, Key={"orderId": change.order_id}, ConsistentRead=True)
        return answer.get("Item") == change.after
