"""The workload: the same for the same seed, legal but for what is planted, and written into the table exactly once."""
from __future__ import annotations

from collections import Counter
from itertools import pairwise
from uuid import uuid4

import pytest

import orders

SEEDS = range(25)


@pytest.fixture
def table(aws):
    """A table with its stream on."""
    dynamodb = aws.client("dynamodb")
    name = f"orders-{uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    yield aws.session.resource("dynamodb", endpoint_url=aws.endpoint).Table(name)
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def session(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    return aws.session


def items(table) -> dict:
    return {item["orderId"]: item for item in table.scan(ConsistentRead=True)["Items"]}


def stream(aws, table) -> Counter:
    """How often each change is in the table's stream, by order and event."""
    client, arn = aws.client("dynamodbstreams"), table.meta.client.describe_table(TableName=table.name)["Table"]
    arn, found = arn["LatestStreamArn"], Counter()
    for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = client.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"],
                                             ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while page := client.get_records(ShardIterator=iterator):
            if not page["Records"]:
                break
            for record in page["Records"]:
                change = record["dynamodb"]
                state = change.get("NewImage", {}).get("state", {}).get("S")
                found[change["Keys"]["orderId"]["S"], record["eventName"], state] += 1
            iterator = page["NextShardIterator"]
    return found


def expected(weeks) -> Counter:
    return Counter((change.order_id, change.event_name, change.new_state) for change in orders.ledger(weeks))


def final(weeks) -> dict:
    return {order_id: life[-1].after for order_id, life in weeks.items() if life[-1].after}


def test_a_seed_always_gives_the_same_week():
    assert orders.history(seed=7) == orders.history(seed=7) != orders.history(seed=8)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_change_follows_the_one_before(seed):
    for order_id, life in orders.history(seed).items():
        assert life[0].before is None and [change.step for change in life] == list(range(1, len(life) + 1))
        assert all(one.after == two.before is not None for one, two in pairwise(life))
        times = [change.at for change in life if change.after]
        assert times == sorted(set(times)) and times[0] >= orders.START and times[-1] < orders.END
        assert all(change.after["orderId"] == order_id and change.by for change in life if change.after)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_an_auditor_looks_for_is_there_and_nothing_else_is(seed):
    weeks = orders.history(seed)
    changes = orders.ledger(weeks)
    illegal = Counter((change.old_state, change.new_state) for change in changes
                      if change.after and not orders.is_legal(change.old_state, change.new_state))
    last = Counter(life[-1].new_state for life in weeks.values())
    stuck = [life for life in weeks.values() if life[-1].new_state in ("OPEN", "PICKEDUP")
             and orders.END - life[-1].at >= orders.STUCK_AFTER]
    assert {
        "skipped": illegal.pop(("OPEN", "DELIVERED")),
        "reopened": illegal.pop(("DELIVERED", "OPEN")),
        "cancelled": last["CANCELLED"],
        "stuck": len(stuck),
        "deleted": sum(life[-1].after is None and "deletedBy" not in life[-1].before for life in weeks.values()),
        "signed": sum(life[-1].after is None and "deletedBy" in life[-1].before for life in weeks.values()),
        "corrected": sum(bool(change.before and change.after) and change.before["amount"] != change.after["amount"]
                         for change in changes),
    } == orders.PLANTED
    assert not illegal, f"not planted: {illegal}"
    assert set(last) == {*orders.STATES, None}, "a state that no order ends in has nothing to show"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_closing_change_is_the_last_of_its_order(seed):
    """Replay takes it for the sign that only deletions are missing."""
    weeks = orders.history(seed)
    closing = orders.closing(weeks)
    assert weeks[closing.order_id][-1] == closing


def test_the_ledger_holds_each_change_once_in_the_order_of_time():
    weeks = orders.history()
    ledger = orders.ledger(weeks)
    assert len(ledger) == sum(map(len, weeks.values())) == len({(change.order_id, change.step) for change in ledger})
    assert [change.at for change in ledger] == sorted(change.at for change in ledger)


def test_a_replay_writes_the_week_and_a_second_one_nothing(aws, session, table):
    weeks = orders.history(seed=1, number=100)
    written = orders.Replay(session, table.name, weeks).run()
    assert sorted(written, key=orders._place) == orders.ledger(weeks)
    assert items(table) == final(weeks)
    assert orders.Replay(session, table.name, weeks).run() == []
    assert stream(aws, table) == expected(weeks)


def test_an_interrupted_replay_goes_on_where_it_stopped(aws, session, table):
    weeks = orders.history(seed=2, number=100)
    total = len(orders.ledger(weeks))

    def interrupt_after(limit):
        def progress(changes, _):
            for number, change in enumerate(changes):
                if number == limit:
                    raise KeyboardInterrupt
                yield change
        return progress

    for limit in (0, total // 3, total // 3, 7):
        with pytest.raises(KeyboardInterrupt):
            orders.Replay(session, table.name, weeks).run(interrupt_after(limit))
    orders.Replay(session, table.name, weeks).run()
    assert items(table) == final(weeks)
    assert stream(aws, table) == expected(weeks), "every change is in the stream, once"


def test_a_replay_that_stops_between_deletions_deletes_the_rest(aws, session, table):
    weeks = orders.history(seed=3, number=100)
    deletions = [life[-1] for life in weeks.values() if life[-1].after is None]
    others = {order_id: [change for change in life if change.after] for order_id, life in weeks.items()}
    orders.Replay(session, table.name, others).run()
    table.delete_item(Key={"orderId": deletions[0].order_id})
    assert sorted(orders.Replay(session, table.name, weeks).run(), key=orders._place) == \
        sorted(deletions[1:], key=orders._place)
    assert stream(aws, table) == expected(weeks)


def test_an_order_that_somebody_else_changed_is_left_alone(session, table):
    weeks = orders.history(seed=4, number=100)
    foreign = next(order_id for order_id, life in weeks.items() if len(life) == 3)
    table.put_item(Item={"orderId": foreign, "state": "LOST"})
    replay = orders.Replay(session, table.name, weeks)
    written = replay.run()
    assert replay.foreign == [foreign] and all(change.order_id != foreign for change in written)
    assert items(table)[foreign] == {"orderId": foreign, "state": "LOST"}


def test_a_write_whose_answer_was_lost_counts_as_written(session, table):
    """The client sends it again, and its condition no longer holds."""
    weeks = orders.history(seed=5, number=100)
    replay = orders.Replay(session, table.name, weeks)
    life = next(life for life in weeks.values() if life[-1].after is None)
    for change in life:
        replay._write(change)
        replay._write(change)
    assert items(table) == {}


def test_a_write_into_another_change_fails(session, table):
    weeks = orders.history(seed=5, number=100)
    replay = orders.Replay(session, table.name, weeks)
    life = next(life for life in weeks.values() if len(life) > 2)
    with pytest.raises(replay.client.exceptions.ConditionalCheckFailedException):
        replay._write(life[1])
