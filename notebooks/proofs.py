"""Three proofs that an audit holds what happened: each returns what is wrong, and nothing where all is well.

They compare changes: `orders.Change`, an item before and after. The audit's come from its rows, the ledger's from
whoever wrote them, and the table has the items as they are now. Values are compared as such, so that 1 and 1.00 are the
same number and the order of attributes does not matter.
"""
from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from decimal import Decimal

from orders import Change

MASK = "***"  # what the function puts in the place of a masked value


def by_value(audit: Iterable[Change], items: Iterable[Mapping]) -> list[str]:
    """The orders whose item in the audit, replayed in order, is not the table's, attribute for attribute."""
    replayed = {change.order_id: change.after for change in audit}  # of several changes, the last one stays
    table = {item["orderId"]: item for item in items}
    return sorted(order_id for order_id in replayed.keys() | table.keys()
                  if comparable(replayed.get(order_id)) != comparable(table.get(order_id)))


def by_chain(audit: Iterable[Change]) -> list[str]:
    """The changes that do not begin where the order's change before them ended. An order's first has none before it."""
    broken, after = [], {}
    for change in audit:
        if change.order_id in after and comparable(change.before) != after[change.order_id]:
            broken.append(f"{change.order_id}, step {change.step}")
        after[change.order_id] = comparable(change.after)
    return broken


def by_ledger(audit: Iterable[Change], ledger: Iterable[Change]) -> list[str]:
    """The changes that are in the audit more or fewer times than they were made. What others made is not looked at."""
    found = Counter(map(identity, audit))
    made = Counter(map(identity, ledger))
    return [f"{change[0]}, made {times} times, found {found[change]} times"
            for change, times in made.items() if found[change] != times]


def identity(change: Change) -> tuple:
    """What makes a change the same in audit and ledger: the order, and its item before and after."""
    return change.order_id, comparable(change.before), comparable(change.after)


def comparable(value: object) -> Hashable:
    """A value as something that equals its like in another notation, and that can be counted."""
    if isinstance(value, bool):
        return "bool", value  # to Python, True is 1
    if isinstance(value, Mapping):
        return frozenset((name, comparable(inner)) for name, inner in value.items())
    if isinstance(value, (set, frozenset)):  # the audit has sets as sorted lists
        # pyrefly: ignore[bad-specialization]  a set of DynamoDB's holds values of one type
        return tuple(sorted(map(comparable, value)))
    if isinstance(value, (list, tuple)):
        return tuple(map(comparable, value))
    if hasattr(value, "value"):  # boto3's Binary; the audit has its base64
        return base64.b64encode(value.value).decode()
    return value


def changes(rows: Iterable[Mapping], fetch: Callable[[str], bytes]) -> list[Change]:
    """The audit's rows as changes, in the order of the rows. `fetch` reads an object of the bucket by its key: that of
    an event which was too large for Firehose, and of which the row only says where it is."""
    found = []
    for row in rows:
        pointer = json.loads(row["detail"]).get("oversize") if isinstance(row["detail"], str) else None
        event = row
        if pointer:
            body = fetch(pointer["key"])
            assert hashlib.sha256(body).hexdigest() == pointer["sha256"], f"{pointer['key']} is not what it was"
            event = json.loads(body)
        found.append(Change(row["order_id"], row["step"], image(event["old_image"]), image(event["new_image"])))
    return found


def image(text: object) -> dict | None:
    """The item in an event's image, numbers exact to all their digits; None where there is none (pandas says NA)."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal) if isinstance(text, str) else None


def masked(item: Mapping | None, attributes: Iterable[str]) -> dict | None:
    """The item as the function puts it into the audit when these attributes are masked."""
    return None if item is None else {**item, **{name: MASK for name in attributes if name in item}}
