"""The load that is measured: changes of orders, as the table's stream hands them to Lambda. Seeded: always the same."""
from __future__ import annotations

import datetime
import random
from collections.abc import Iterator

DAYS = 30
FIRST_DAY = datetime.date(2024, 1, 1)  # the month of the workbook's orders, so that its questions have answers
_DAY = 86_400
_OPENING = (8 * 3600, 10 * 3600)  # seconds of the day in which orders come in
_LONGEST_STEP = 3600  # seconds; so a day's changes fall into a few hours, and 30 days make some 160 objects
_START = int(datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/2024-01-01T00:00:00.000"
# How often each life is led, and the states in it; None deletes the order. The last are what an auditor looks for.
_LIVES = {("OPEN", "PICKEDUP", "DELIVERED"): 80, ("OPEN", "PICKEDUP", "DELIVERED", "RETURNED"): 8,
          ("OPEN", "CANCELLED"): 6, ("OPEN", "PICKEDUP"): 3, ("OPEN", "CANCELLED", None): 2, ("OPEN", "DELIVERED"): 1}
_CORRECTED = 0.01  # of all changes after the first: the amount changes, too


def days() -> list[str]:
    """The days over which the changes are spread, as dt has them."""
    return [(FIRST_DAY + datetime.timedelta(number)).isoformat() for number in range(DAYS)]


def changes(count: int) -> Iterator[dict]:
    """`count` stream records of both images, in order of time, spread evenly over DAYS days."""
    for day in range(DAYS):
        yield from changes_of_day(count, day)


def changes_of_day(count: int, day: int) -> Iterator[dict]:
    """Those of one day, counted from 0. An order lives within its day. Its audit event is about 680 B long."""
    chance = random.Random(day)
    first, last = count * day // DAYS, count * (day + 1) // DAYS
    steps = sorted(_steps(chance, day, first, last - first), key=lambda step: step[:2])
    for number, (when, order, old, new) in enumerate(steps, first):
        yield _record(f"{chance.getrandbits(128):032x}", 10**20 + number * 317, _START + day * _DAY + when, order, old,
                      new)


def _steps(chance: random.Random, day: int, first: int, wanted: int) -> list[tuple]:
    """The steps of one day's orders: (second of the day, order, item before, item after)."""
    steps: list[tuple] = []
    while len(steps) < wanted:
        order = str(10_000_000 + first + len(steps))
        when, old = chance.randrange(*_OPENING), None
        for state in chance.choices(list(_LIVES), list(_LIVES.values()))[0]:
            new = _item(chance, order, state, _START + day * _DAY + when, old) if state else None
            steps.append((when, order, old, new))
            when, old = when + chance.randrange(60, _LONGEST_STEP), new
    return steps[:wanted]


def _item(chance: random.Random, order: str, state: str, when: int, old: dict | None) -> dict:
    item = old or {"orderId": {"S": order}, "customer": {"S": f"c-{chance.randrange(1_000):03d}"},
                   "channel": {"S": chance.choice(("web", "app", "shop"))}}
    if not old or chance.random() < _CORRECTED:
        item = {**item, "amount": {"N": f"{chance.randrange(500, 25_000) / 100:.2f}"}}
    who = "shop" if state == "OPEN" else f"courier-{chance.randrange(40)}"
    return {**item, "state": {"S": state}, "lastUpdatedDate": {"N": str(when)}, "lastUpdatedBy": {"S": who}}


def _record(event_id: str, sequence: int, when: int, order: str, old: dict | None, new: dict | None) -> dict:
    images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image}
    return {
        "eventID": event_id, "eventName": "INSERT" if not old else "MODIFY" if new else "REMOVE",
        "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventSourceARN": _ARN,
        "dynamodb": {"ApproximateCreationDateTime": when, "Keys": {"orderId": {"S": order}}, **images,
                     "SequenceNumber": str(sequence), "SizeBytes": 300, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
