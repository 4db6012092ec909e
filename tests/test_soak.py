"""The soak: changes by several writers under mixed faults, and nothing lost, doubled or out of order.

    python3 scripts/test.py --soak 10000

writes so many changes on a local AWS of their own, and prints what came of them. The faults go on until every change
has arrived or was given up on; then that is replayed, and the three proofs are made over all of it, with the audit read
by Athena through Part 5's own view. Without `--soak` it is not run.
"""
from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import proofs
from deployed_audit import TABLE, DeployedAudit, told, until
from orders import STATES, Change

CHANGES = int(os.environ.get("AUDIT_SOAK", "0"))
WRITERS, ORDERS_EACH = 8, 25
FAULTS = [
    {"fault": "reject_records", "share": 0.1, "seed": 1}, {"fault": "throttle_firehose", "share": 0.1, "seed": 2},
    {"fault": "fail_s3", "share": 0.1, "prefix": "events/", "seed": 3},
    {"fault": "crash_function", "count": 30},  # an outage at first: the trigger gives up on some
    {"fault": "crash_function", "share": 0.03, "seed": 4},
    {"fault": "crash_function", "share": 0.03, "after": True, "seed": 5},
    {"fault": "time_out_function", "share": 0.03, "seed": 6}, {"fault": "deliver_twice", "share": 0.05, "seed": 7},
    {"fault": "delay", "share": 0.1, "service": "firehose", "seconds": 0.05, "seed": 8}]


class Writer:
    """Writes to orders of its own, and keeps a ledger of what it changed."""

    def __init__(self, number: int, deployed: DeployedAudit):
        self.deployed, self.dice = deployed, random.Random(number)
        self.orders = [f"w{number}-{order}" for order in range(ORDERS_EACH)]
        self.table: dict[str, dict] = {}
        self.ledger: list[Change] = []

    def write(self, changes: int) -> None:
        dynamodb = self.deployed.client.client("dynamodb")
        for number in range(changes):
            order_id = self.dice.choice(self.orders)
            key = {"orderId": {"S": order_id}}
            before = self.table.get(order_id)
            if before and self.dice.random() < 0.05:
                dynamodb.delete_item(TableName=TABLE, Key=key)
                after = self.table.pop(order_id) and None
            else:
                state = self.dice.choice(STATES)
                after = {"orderId": order_id, "state": state, "lastUpdatedDate": number}
                item = {**key, "state": {"S": state}, "lastUpdatedDate": {"N": str(number)}}
                dynamodb.put_item(TableName=TABLE, Item=item)
                self.table[order_id] = after
            self.ledger.append(Change(order_id, 0, before, after))


@pytest.mark.soak
@pytest.mark.skipif(not CHANGES, reason="asked for with `python3 scripts/test.py --soak N`")
def test_nothing_is_lost_doubled_or_out_of_order(fresh_aws):
    began = time.monotonic()
    # Small batches meet more faults, and with a single retry some of them outlast the trigger's patience
    deployed = DeployedAudit(fresh_aws().root, batch_size=20, window=0, retries=1)
    writers = [Writer(number, deployed) for number in range(WRITERS)]
    deployed.fail(FAULTS)
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(writer.write, CHANGES // WRITERS + (number < CHANGES % WRITERS))
                     for number, writer in enumerate(writers)]:
            done.result()
    ledger = [change for writer in writers for change in writer.ledger]
    assert len(ledger) == CHANGES

    def arrived() -> int:
        return deployed.count("count(DISTINCT event_id)", "order_events")

    seconds = 120 + CHANGES / 50
    until(lambda: arrived() + sum(payload.count('"eventID"') for payload in deployed.given_up()) >= CHANGES, seconds,
          "every change in the bucket, or given up on and kept")
    struck = deployed.injected()
    deployed.fail([])
    replayed = deployed.replay()
    until(lambda: arrived() >= CHANGES, seconds, "every change in the bucket")
    audit = deployed.history()
    items = [item for writer in writers for item in writer.table.values()]
    wrong = {"lost": 0, "doubled": 0}
    for finding in proofs.by_ledger(audit, ledger):
        wrong["lost" if finding.endswith("found 0 times") else "doubled"] += 1
    wrong |= {"out of order": len(proofs.by_chain(audit)), "not as in the table": len(proofs.by_value(audit, items))}
    print(f"\n{CHANGES:,} changes by {WRITERS} writers to {WRITERS * ORDERS_EACH} orders\n"
          f"faults injected: {told(struck)}\n"
          f"copies in the bucket, each once in the view: {deployed.count('count(*)', 'order_events') - len(audit):,}\n"
          f"replayed from the failure destination: {replayed:,}\n"
          + "".join(f"{what}: {count}\n" for what, count in wrong.items())
          + f"seconds: {time.monotonic() - began:.0f}")
    assert not any(wrong.values()) and len(audit) == CHANGES
