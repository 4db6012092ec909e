"""The load that is measured: changes of orders, as the table's stream hands them to Lambda. Seeded: always the same."""
from __future__ import annotations

import datetime
import random
from collections.abc import Iterator

DAYS = 30
FIRST_DAY = datetime.date(2026, 10, 1)
_DAY = 86_400
_START = int(datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc).timestamp())
_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/Orders/stream/2026-10-01T00:00:00.000"
# How often each life is led, and the states in it; None deletes the order. The last is what an auditor looks for.
_LIVES = {("OPEN", "PICKEDUP", "DELIVERED"): 80, ("OPEN", "PICKEDUP", "DELIVERED", "RETURNED"): 8,
          ("OPEN", "CANCELLED"): 6, ("OPEN", "PICKEDUP"): 3, ("OPEN", "CANCELLED", None): 2, ("OPEN", "DELIVERED"): 1}


def days() -> list[str]:
    """The days over which the changes are spread, as dt has them."""
    return [(FIRST_DAY + datetime.timedelta(number)).isoformat() for number in range(DAYS)]


def changes(count: int, seed: int = 7) -> Iterator[dict]:
    """`count` stream records of both images, in order of time, spread evenly over DAYS days.

    An order lives within its day. Its audit event is about 680 B long.
    """
    chance = random.Random(seed)
    number = 0
    for day in range(DAYS):
        wanted = count * (day + 1) // DAYS - count * day // DAYS
        for when, order, old, new in sorted(_day(chance, day, wanted), key=lambda step: step[:2]):
            number += 1
            yield _record(f"{chance.getrandbits(128):032x}", 10**20 + number * 317, _START + day * _DAY + when, order,
                          old, new)


def _day(chance: random.Random, day: int, wanted: int) -> list[tuple]:
    """The steps of one day's orders: (second of the day, order, item before, item after)."""
    steps: list[tuple] = []
    while len(steps) < wanted:
        order = f"{day:02d}-{len(steps):06d}-{chance.randrange(10**6):06d}"
        when, old = chance.randrange(_DAY // 2), None
        for state in chance.choices(list(_LIVES), list(_LIVES.values()))[0]:
            new = state and _item(chance, order, state, _START + day * _DAY + when, old)
            steps.append((when, order, old, new))
            when, old = when + chance.randrange(60, _DAY // 8), new
    return steps[:wanted]


def _item(chance: random.Random, order: str, state: str, when: int, old: dict | None) -> dict:
    who = "shop" if state == "OPEN" else f"courier-{chance.randrange(200)}"
    fixed = old or {"customerId": {"S": f"c-{chance.randrange(10**7):07d}"},
                    "amount": {"N": f"{chance.randrange(500, 50_000) / 100:.2f}"}}
    return {**fixed, "orderId": {"S": order}, "state": {"S": state}, "lastUpdatedDate": {"N": str(when)},
            "lastUpdatedBy": {"S": who}}


def _record(event_id: str, sequence: int, when: int, order: str, old: dict | None, new: dict | None) -> dict:
    images = {name: image for name, image in (("OldImage", old), ("NewImage", new)) if image}
    return {
        "eventID": event_id, "eventName": "INSERT" if not old else "MODIFY" if new else "REMOVE",
        "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventSourceARN": _ARN,
        "dynamodb": {"ApproximateCreationDateTime": when, "Keys": {"orderId": {"S": order}}, **images,
                     "SequenceNumber": str(sequence), "SizeBytes": 300, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
