"""What both engines read: audit events of seeded orders, and the JSON objects of `objects.py`, as files."""
from __future__ import annotations

import datetime
import gzip
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import fixtures
import objects

COLUMNS = {"event_id": "string", "event_name": "string", "order_id": "string", "sequence_number": "string",
           "changed_at": "string", "old_state": "string", "new_state": "string", "last_updated_date": "bigint",
           "changed_by": "string", "changed_attributes": "array<string>", "old_image": "string", "new_image": "string",
           "detail": "string"}
DAYS = ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]  # the first has no objects
FLOW = {"OPEN": ["PICKEDUP", "CANCELLED", "DELIVERED"], "PICKEDUP": ["DELIVERED", "OPEN"],
        "DELIVERED": ["RETURNED", None], "RETURNED": [None], "CANCELLED": [None]}


def history(seed: int, orders: int) -> list[dict[str, Any]]:
    """Seeded order histories as audit events, in the order of their changes."""
    chance = random.Random(seed)
    events: list[dict[str, Any]] = []
    start = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
    for order in range(orders):
        state, image, moment = None, None, start + datetime.timedelta(seconds=chance.randrange(86400 * 2))
        for step in range(chance.randrange(1, 6)):
            then = "OPEN" if step == 0 else chance.choice(FLOW[state])  # type: ignore[index]
            new = None if then is None else {
                "orderId": str(order), "state": then, "lastUpdatedDate": int(moment.timestamp()),
                "total": chance.choice([0, 1, 12.5, 99.99, -3]),
                "note": chance.choice([None, "", "é 😀", 'say "hi"\n'])}
            events.append({
                "event_id": hashlib.md5(f"{seed}/{order}/{step}".encode()).hexdigest(),
                "event_name": "INSERT" if step == 0 else "REMOVE" if then is None else "MODIFY", "order_id": str(order),
                "sequence_number": f"{(order * 10 + step + 1) * 1000:040}",
                "changed_at": moment.strftime("%Y-%m-%d %H:%M:%S"), "old_state": state, "new_state": then,
                "last_updated_date": None if new is None or chance.random() < 0.2 else new["lastUpdatedDate"],
                "changed_by": chance.choice([None, "anna", "bob é", "dynamodb-ttl"]),
                "changed_attributes": chance.choice([None, [], ["state"], ["lastUpdatedDate", "state"],
                                                     ["note", None]]),
                "old_image": image and json.dumps(image), "new_image": new and json.dumps(new, ensure_ascii=False),
                "detail": None})
            if then is None:
                break
            state, image, moment = then, new, moment + datetime.timedelta(seconds=chance.randrange(1, 90000))
    return events


def lay_out(folder: Path) -> None:
    """The events of sixty orders as objects under events/dt=…/, two a day; some are delivered again on the next day.
    Beside them, under objects/, those of `objects.py`."""
    events = history(7, 60)
    again: list[dict[str, Any]] = []
    for day, name in enumerate(DAYS):
        place = folder / "events" / f"dt={name}"
        place.mkdir(parents=True)
        if day == 0:
            continue
        own = events[(day - 1) * len(events) // 3:day * len(events) // 3]
        share, again = own + again, own[::7]
        for part in range(2):
            lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in share[part::2])
            (place / f"part-{part}.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    objects.lay_out((case.text for case in fixtures.read("objects")), folder / "objects")
