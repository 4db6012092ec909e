"""What becomes of a batch, in process: the Lambda guide's rules with a function, a destination and a clock of our own.

Pages: services-dynamodb-errors and services-ddb-batchfailurereporting, under
https://docs.aws.amazon.com/lambda/latest/dg/.
"""
from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.lambda_.batches import (
    PAYLOAD,
    Answer,
    NotInvoked,
    Record,
    Settings,
    event,
    first_failure,
    fitting,
    settle,
)
from local_aws.lambda_.destinations import invocation_record
from local_aws.lambda_.filters import InvalidPattern, patterns_of, wanted

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
words = st.sampled_from(["eventName", "batchItemFailures", "itemIdentifier", "$or", "exists", "prefix", "suffix",
                         "equals-ignore-case", "anything-but", "numeric", "S"])
json_values = st.recursive(
    scalars | words | st.sampled_from(["<", "<=", "=", ">", ">="]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=2), max_leaves=12)


def record(number: int, arrived: float = 0.0, text: str = "{}") -> Record:
    return Record(str(10**24 + number), arrived, "k", text)


def batch(*numbers: int) -> list[Record]:
    return [record(number) for number in numbers]


def reported(*identifiers: object) -> Answer:
    return Answer({"batchItemFailures": [{"itemIdentifier": one} for one in identifiers]})


@pytest.mark.parametrize("payload", [None, {}, [], {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_success(payload):
    """'Lambda treats a batch as a complete success if you return any of the following'; `[]` by LocalStack's recording
    of 25 November 2025, test_dynamodb_report_batch_item_success_scenarios."""
    assert first_failure(Answer(payload), batch(1, 2), partial=True) is None


@pytest.mark.parametrize("payload", [
    {"batchItemFailures": [{"itemIdentifier": ""}]}, {"batchItemFailures": [{"itemIdentifier": None}]},
    {"batchItemFailures": [{"sequenceNumber": "1" + "0" * 23 + "2"}]}, {"batchItemFailures": [{}]},
    {"batchItemFailures": [{"itemIdentifier": "999"}]}, {"batchItemFailures": "all"}, {"batchItemFailures": [["x"]]},
    {"batchItemFailures": {}}, {"batchItemFailures": ""}, {"batchItemFailures": 0}, {"batchItemFailures": [None]},
    {"batchItemFailures": [{"itemIdentifier": []}]}, "done", 7, ["x"],
    {"batchItemFailures": [{"itemIdentifier": "1" + "0" * 23 + "2"}, {"itemIdentifier": "unknown"}]}])
def test_malformed_responses_fail_the_whole_batch(payload):
    """'… a complete failure if you return any of the following'."""
    assert first_failure(Answer(payload), batch(1, 2), partial=True) == 0
    assert first_failure(Answer(payload), batch(1, 2), partial=False) is None


@settings(deadline=None)
@given(json_values, st.booleans())
def test_whatever_a_function_answers_is_success_or_names_a_record(payload, partial):
    """An answer that raised in the trigger would be retried for ever."""
    assert first_failure(Answer(payload), batch(1, 2), partial) in ({None, 0, 1} if partial else {None})


def test_the_lowest_sequence_number_is_the_checkpoint():
    """'If the batchItemFailures array contains multiple items': as numbers, not as text."""
    records = batch(8, 9, 10, 11)
    assert first_failure(reported(records[3].number, records[2].number), records, partial=True) == 2
    assert first_failure(Answer({}, error="Unhandled"), records, partial=True) == 0


class World:
    """A function that fails as it is told, a destination, and a clock that only waiting moves."""

    def __init__(self, function=lambda records: Answer()):
        self.function, self.time = function, 1000.0
        self.sent: list[list[str]] = []
        self.settled: list[str] = []
        self.kept: list[tuple[list[str], str, int, Answer | None]] = []

    def invoke(self, records: Sequence[Record]) -> Answer:
        answer = self.function(records)
        self.sent.append([one.number for one in records])
        return answer

    def discard(self, records, condition, invocations, answer) -> None:
        self.kept.append(([one.number for one in records], condition, invocations, answer))

    def wait(self, seconds: float) -> None:
        assert 0 < seconds <= 2
        self.time += seconds

    def run(self, records: Sequence[Record], **settings) -> World:
        settle(records, Settings(**settings), self.invoke, self.discard,
               lambda done: self.settled.extend(one.number for one in done), self.wait, lambda: self.time)
        return self


def poisoned(*numbers: str):
    return lambda records: Answer({"errorMessage": "bad"}, "Unhandled") if any(
        one.number in numbers for one in records) else Answer()


def test_bisecting_isolates_the_bad_record_and_uses_up_no_retry():
    """'Splitting batches doesn't consume the retry quota.'"""
    records = batch(*range(8))
    world = World(poisoned(records[5].number)).run(records, bisect=True, retries=2)
    assert [kept[:2] for kept in world.kept] == [([records[5].number], "RetryAttemptsExhausted")]
    assert world.sent.count([records[5].number]) == 3
    assert world.settled == [one.number for one in records]


def test_without_bisecting_the_whole_batch_is_discarded():
    records = batch(*range(8))
    world = World(poisoned(records[5].number)).run(records, retries=1)
    assert world.kept == [([one.number for one in records], "RetryAttemptsExhausted", 2,
                           Answer({"errorMessage": "bad"}, "Unhandled"))]


def test_bisecting_with_partial_responses_cuts_at_the_checkpoint():
    """'the batch is bisected at the returned sequence number and Lambda retries only the remaining records'."""
    records = batch(*range(6))
    bad = records[3].number
    world = World(lambda sent: reported(*(one.number for one in sent if one.number == bad))).run(
        records, bisect=True, partial=True, retries=0)
    assert world.sent[1] == [one.number for one in records[3:]]
    assert [kept[0] for kept in world.kept] == [[bad]]
    assert world.settled == [one.number for one in records]


def test_retries_begin_anew_at_the_checkpoint():
    """LocalStack's recording of 25 November 2025, test_dynamodb_report_batch_item_failures: with 3 retries the bad
    record is sent 5 times, first among others, and 4 times are told, with no function error."""
    records = batch(*range(4))
    world = World(lambda sent: reported(records[2].number)).run(records, partial=True, retries=3)
    rest = [records[2].number, records[3].number]
    assert world.sent == [[one.number for one in records]] + [rest] * 4
    assert [kept[:3] for kept in world.kept] == [(rest, "RetryAttemptsExhausted", 4)]
    mapping = {"FunctionArn": "function", "EventSourceArn": "stream"}
    invocation = invocation_record(mapping, "shard", records[2:], *world.kept[0][1:], now=0)
    assert invocation["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": None}


def test_what_grows_old_after_the_checkpoint_has_been_sent():
    records = [record(1, 1000.0), record(2, 940.0)]
    world = World(lambda sent: reported(records[1].number)).run(records, partial=True, age=60)
    assert world.kept == [([records[1].number], "RecordAgeExceeded", 0, reported(records[1].number))]


def test_records_that_grow_old_are_discarded_before_and_between_invocations():
    """'Lambda retries until the records expire, exceed the maximum age'."""
    records = [record(1, 900.0), record(2, 999.0)]
    world = World(poisoned(records[1].number)).run(records, age=60)
    assert world.kept[0] == ([records[0].number], "RecordAgeExceeded", 0, None)
    assert world.kept[1][:2] == ([records[1].number], "RecordAgeExceeded") and world.kept[1][2] == len(world.sent) > 20
    assert world.time - 60 > 999 and world.sent[0] == [records[1].number]


def test_without_limits_a_record_is_tried_for_as_long_as_the_stream_keeps_it():
    """services-ddb-params: -1 is until the record expires, after 24 hours."""
    world = World(poisoned(record(1).number)).run([record(1, 1000.0)])
    assert world.kept[0][1] == "RecordAgeExceeded" and world.time > 1000 + 24 * 60 * 60


def test_a_function_that_cannot_be_invoked_uses_up_no_retry():
    """'Before invocation'."""
    left = [5]

    def throttled(records):
        if left[0]:
            left[0] -= 1
            raise NotInvoked
        return Answer()

    world = World(throttled).run(batch(1, 2), retries=0)
    assert not world.kept and len(world.sent) == 1


@settings(deadline=None)
@given(size=st.integers(1, 30), bad=st.sets(st.integers(0, 29)), passing=st.lists(st.integers(0, 3), max_size=30),
       partial=st.booleans(), bisect=st.booleans(), retries=st.integers(-1, 3))
def test_every_record_is_settled_once_and_in_order(size, bad, passing, partial, bisect, retries):
    """Whatever fails: each record is processed or kept whole, the first failures never hide a later record, and no
    record goes before one that is older."""
    records = batch(*range(size))
    troubles = iter(passing)
    limit = retries if retries >= 0 else 50
    poison = {records[one].number for one in bad if one < size} if retries >= 0 else set()

    def function(sent: Sequence[Record]) -> Answer:
        trouble = next(troubles, 0)
        if trouble == 1:
            raise NotInvoked
        if trouble == 2:
            return Answer(None, "Unhandled")
        worst = [one.number for one in sent if one.number in poison]
        if trouble == 3 and partial:
            return reported(sent[-1].number, *worst)
        return (reported(*worst) if partial and worst else Answer(None, "Unhandled" if worst else None))

    world = World(function).run(records, partial=partial, bisect=bisect, retries=retries)
    assert world.settled == [one.number for one in records]
    kept = [number for batch_kept, *_ in world.kept for number in batch_kept]
    assert len(kept) == len(set(kept)) and poison <= set(kept)
    assert {one.number for one in records} - set(kept) <= {number for sent in world.sent for number in sent}
    if retries < 0:
        assert not kept
    if bisect and not passing:
        assert set(kept) == poison
    assert all(world.sent.count([number]) <= limit + 31 for number in poison)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 2_000_000), min_size=1, max_size=20), st.integers(1, 20))
def test_an_event_holds_at_most_6_mb(sizes, most):
    """https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    records = [record(place, text=json.dumps("é" * (size // 2))) for place, size in enumerate(sizes)]
    count = fitting(records, most)
    assert 1 <= count <= min(most, len(records))
    assert len(event(records[:count])) <= PAYLOAD or count == 1
    assert count in (most, len(records)) or len(event(records[:count + 1])) > PAYLOAD


@pytest.mark.parametrize("pattern, passes", [
    ({"eventName": ["INSERT"]}, True), ({"eventName": ["REMOVE", "MODIFY"]}, False),
    ({"dynamodb": {"Keys": {"id": {"S": [{"prefix": "ord"}]}}}}, True),
    ({"dynamodb": {"NewImage": {"state": {"S": [{"anything-but": ["OPEN"]}]}}}}, False),
    ({"dynamodb": {"NewImage": {"state": {"S": [{"equals-ignore-case": "open"}]}}}}, True),
    ({"dynamodb": {"OldImage": [{"exists": False}]}}, True), ({"userIdentity": {"type": [{"exists": True}]}}, False),
    ({"dynamodb": {"NewImage": {"state": [{"exists": False}]}}}, True),
    ({"dynamodb": {"NewImage": {"state": [{"exists": True}]}}}, False),
    ({"dynamodb": {"NewImage": {"state": {"S": [{"exists": True}]}}}}, True),
    ({"eventName": [{"anything-but": {"prefix": "INS"}}]}, False),
    ({"eventName": [{"anything-but": {"suffix": ["Y", "E"]}}]}, True),
    ({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 10, "<=", 20]}]}}, True),
    ({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": ["=", 11]}]}}, False),
    ({"$or": [{"eventName": ["REMOVE"]}, {"awsRegion": [{"suffix": "-1"}]}]}, True),
    ({"eventName": ["INSERT"], "awsRegion": ["eu-west-1"]}, False)])
def test_filter_patterns(pattern, passes):
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html, 'Filter rule syntax'."""
    change = {"eventName": "INSERT", "awsRegion": "us-east-1", "dynamodb": {
        "Keys": {"id": {"S": "order1"}}, "NewImage": {"state": {"S": "OPEN"}}, "ApproximateCreationDateTime": 20}}
    patterns = patterns_of({"Filters": [{"Pattern": json.dumps(pattern)}]})
    assert wanted(change, patterns) is passes and wanted(change, [{"eventName": ["no"]}, *patterns]) is passes
    assert wanted(change, patterns_of({})) and wanted(change, patterns_of(None))


@pytest.mark.parametrize("pattern", [
    # recorded on AWS by LocalStack: test_sqs_invalid_event_filter and test_dynamodb_invalid_event_filter
    None, "simple string", {"eventName": "INSERT"}, {"eventName": []}, '[{"eventName": ["INSERT"=123}]',
    # and its event_pattern_templates
    {"eventName": 5}, {"id": [{"prefix": 1}]}, {"id": [{"suffix": ["x"]}]}, {"id": [{"EXISTS": True}]},
    {"id": [{"equals-ignore-case": ["x"]}]}, {"id": [{"anything-but": None}]}, {"id": [{"anything-but": ["x", None]}]},
    {"id": [{"anything-but": {"prefix": ""}}]}, {"id": [{"anything-but": {"suffix": [1, "x"]}}]},
    {"n": [{"numeric": 10}]}, {"n": [{"numeric": [">", 0, "<"]}]}, {"n": [{"numeric": [">", 0, ">", 0]}]},
    # by EventBridge's rules, which are Lambda's
    [1], [{"x": 1, "y": 2}], {}, {"dynamodb": {}}, 5, {"id": [["x"]]}, {"id": [{"prefix": "x", "suffix": "y"}]},
    {"id": [{}]}, {"$or": [{"eventName": ["INSERT"]}]}, {"$or": [{"eventName": ["INSERT"]}, {"eventName": "x"}]},
    {"dynamodb": {"Keys": {"id": {"S": "101"}}}}, {"id": [{"exists": "yes"}]}, {"n": [{"numeric": [">", 5, "<", 5]}]},
    {"n": [{"numeric": ["!=", 5]}]}, {"id": ["x" * 4096]}], ids=str)
def test_filter_patterns_that_aws_refuses(pattern):
    text = pattern if pattern is None or isinstance(pattern, str) else json.dumps(pattern)
    with pytest.raises(InvalidPattern):
        patterns_of({"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}, {"Pattern": text}]})


@settings(deadline=None, max_examples=500)
@given(json_values, st.lists(json_values, min_size=1, max_size=3))
def test_a_pattern_is_refused_or_tells_of_every_record_whether_it_passes(pattern, records):
    """One that raised in the trigger would hold its shard up for ever."""
    try:
        patterns = patterns_of({"Filters": [{"Pattern": json.dumps(pattern)}]})
    except InvalidPattern:
        return
    assert all(wanted(value, patterns) in (True, False) for value in records)


def test_a_mapping_has_at_most_five_filters():
    one = {"Pattern": '{"eventName": ["INSERT"]}'}
    assert len(patterns_of({"Filters": [one] * 5})) == 5
    with pytest.raises(InvalidPattern):
        patterns_of({"Filters": [one] * 6})
