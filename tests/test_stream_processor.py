"""The function, from stream records as Lambda hands them over to what Firehose and S3 are given."""
from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from in_memory_firehose import (
    DENIED,
    THROTTLED,
    UNAVAILABLE,
    UNREACHABLE,
    Context,
    InMemoryFirehose,
    InMemoryS3,
    function,
    invoke,
    refusal,
)

DIGITS = "1234567890123456789012345678901234567.8"  # 38 of them: what DynamoDB keeps


def change(number: int = 1, event_name: str = "MODIFY", old: dict | None = None, new: dict | None = None,
           **record) -> dict:
    """A stream record, of the form of https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html."""
    images = {side: {"orderId": {"S": "101"}, **image}
              for side, image in (("OldImage", old), ("NewImage", new)) if image is not None}
    return {
        "eventID": f"{number:032x}", "eventName": event_name, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/x",
        "dynamodb": {
            "ApproximateCreationDateTime": 1705337067.0, "Keys": {"orderId": {"S": "101"}}, **images,
            "SequenceNumber": str(4421584500000000017450439091 + number), "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES"},
        **record}


def incompressible(length: int, seed: int = 0) -> str:
    """Text that holds `length` bytes of chance, and so compresses to about as many."""
    return base64.b64encode(random.Random(seed).randbytes(length)).decode()


def sequence(number: int) -> str:
    return change(number)["dynamodb"]["SequenceNumber"]


def event_of(record: dict, s3: InMemoryS3 | None = None, **settings) -> dict:
    firehose = InMemoryFirehose()
    with function(firehose, s3, **settings):
        assert invoke([record]) == []
    (event,) = firehose.events
    return event


def test_event_has_the_fields_of_the_audit():
    event = event_of(change(
        1, "MODIFY", {"state": {"S": "OPEN"}, "lastUpdatedDate": {"N": "1705337067"}, "lastUpdatedBy": {"S": "ann"}},
        {"state": {"S": "PICKEDUP"}, "lastUpdatedDate": {"N": "1705337099"}, "lastUpdatedBy": {"S": "bob"}}))
    old, new = json.loads(event.pop("old_image")), json.loads(event.pop("new_image"))
    assert event == {
        "event_id": "00000000000000000000000000000001", "event_name": "MODIFY", "order_id": "101",
        "sequence_number": "0000000000004421584500000000017450439092", "changed_at": "2024-01-15 16:44:27",
        "old_state": "OPEN", "new_state": "PICKEDUP", "last_updated_date": 1705337099, "changed_by": "bob",
        "changed_attributes": ["lastUpdatedBy", "lastUpdatedDate", "state"], "detail": None}
    assert old == {"orderId": "101", "state": "OPEN", "lastUpdatedDate": 1705337067, "lastUpdatedBy": "ann"}
    assert new == {"orderId": "101", "state": "PICKEDUP", "lastUpdatedDate": 1705337099, "lastUpdatedBy": "bob"}


@pytest.mark.parametrize("typed, plain", [
    ({"S": 'quotes " \\ newline \n and ünïcode 🚚'}, '"quotes \\" \\\\ newline \\n and ünïcode 🚚"'),
    ({"S": ""}, '""'),
    ({"N": "0"}, "0"),
    ({"N": DIGITS}, DIGITS),
    ({"N": "-0.00000000000000000000000000000000000012"}, "-0.00000000000000000000000000000000000012"),
    ({"N": "1E+125"}, "1E+125"),
    ({"N": "007"}, "7"),
    ({"B": "3q2+7w=="}, '"3q2+7w=="'),
    ({"BOOL": True}, "true"),
    ({"BOOL": False}, "false"),
    ({"NULL": True}, "null"),
    ({"SS": ["b", "a"]}, '["a","b"]'),
    ({"NS": ["10", "9", "-1"]}, "[-1,9,10]"),
    ({"BS": ["Yg==", "YQ=="]}, '["YQ==","Yg=="]'),
    ({"L": []}, "[]"),
    ({"M": {}}, "{}"),
    ({"L": [{"S": "a"}, {"N": "1"}, {"L": [{"NULL": True}]}]}, '["a",1,[null]]'),
    ({"M": {"a b": {"M": {"c": {"N": DIGITS}}}}}, f'{{"a b":{{"c":{DIGITS}}}}}'),
])
def test_every_type_becomes_plain_json_exactly(typed, plain):
    event = event_of(change(1, "INSERT", new={"value": typed}))
    assert event["new_image"] == f'{{"orderId":"101","value":{plain}}}'


def test_nesting_of_32_levels():
    typed, plain = {"S": "bottom"}, "bottom"
    for level in range(32):
        typed, plain = ({"L": [typed]}, [plain]) if level % 2 else ({"M": {"in": typed}}, {"in": plain})
    assert json.loads(event_of(change(1, "INSERT", new={"deep": typed}))["new_image"])["deep"] == plain


def test_insert_and_remove_name_every_attribute():
    inserted = event_of(change(1, "INSERT", new={"state": {"S": "OPEN"}}))
    removed = event_of(change(2, "REMOVE", {"state": {"S": "OPEN"}, "lastUpdatedBy": {"S": "ann"}}))
    assert inserted["changed_attributes"] == ["orderId", "state"]
    assert (inserted["old_image"], inserted["old_state"], inserted["new_state"]) == (None, None, "OPEN")
    assert removed["changed_attributes"] == ["lastUpdatedBy", "orderId", "state"]
    assert (removed["new_image"], removed["old_state"], removed["new_state"]) == (None, "OPEN", None)
    assert removed["changed_by"] is None, "a stream does not say who deletes; 'ann' wrote the item, no more"


def test_only_time_to_live_is_named_as_who_deleted():
    ttl = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert event_of(change(1, "REMOVE", {}, userIdentity=ttl))["changed_by"] == "dynamodb-ttl"
    other = {"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}
    assert event_of(change(1, "REMOVE", {}, userIdentity=other))["changed_by"] is None


@pytest.mark.parametrize("event_name, expected", [("INSERT", ["orderId"]), ("MODIFY", None), ("REMOVE", None)])
def test_new_image_streams_say_what_they_can(event_name, expected):
    event = event_of(change(1, event_name, new=None if event_name == "REMOVE" else {}))
    assert event["changed_attributes"] == expected
    assert event["old_image"] is None


@pytest.mark.parametrize("old, new, changed", [
    ({"tags": {"SS": ["a", "b"]}}, {"tags": {"SS": ["b", "a"]}}, []),
    ({"tags": {"M": {"x": {"NS": ["1", "2"]}}}}, {"tags": {"M": {"x": {"NS": ["2", "1"]}}}}, []),
    ({"tags": {"L": [{"S": "a"}, {"S": "b"}]}}, {"tags": {"L": [{"S": "b"}, {"S": "a"}]}}, ["tags"]),
    ({"n": {"S": "5"}}, {"n": {"N": "5"}}, ["n"]),
    ({"n": {"SS": ["5"]}}, {"n": {"L": [{"S": "5"}]}}, ["n"]),
    ({"gone": {"NULL": True}}, {"come": {"NULL": True}}, ["come", "gone"]),
    ({}, {}, []),
])
def test_changed_attributes_compare_values(old, new, changed):
    assert event_of(change(1, "MODIFY", old, new))["changed_attributes"] == changed


@pytest.mark.parametrize("state, column", [
    ({"M": {"phase": {"S": "OPEN"}}}, '{"phase":"OPEN"}'), ({"N": "3"}, "3"), ({"BOOL": True}, "true"),
    ({"NULL": True}, None), ({"S": ""}, ""), ({"S": "null"}, "null")])
def test_state_of_any_type(state, column):
    assert event_of(change(1, "INSERT", new={"state": state}))["new_state"] == column


@pytest.mark.parametrize("date, column", [
    ({"N": "1705337067"}, 1705337067), ({"N": "-1"}, -1), ({"N": "1705337067.5"}, None), ({"N": "1E+3"}, 1000),
    ({"N": str(2**63 - 1)}, 2**63 - 1), ({"N": str(2**63)}, None), ({"N": str(-(2**63))}, -(2**63)),
    ({"N": "1E+125"}, None), ({"S": "2024-01-15"}, None), ({"S": "5"}, None), ({"M": {}}, None)])
def test_last_updated_date_is_a_whole_number_or_null(date, column):
    assert event_of(change(1, "INSERT", new={"lastUpdatedDate": date}))["last_updated_date"] == column


def test_other_tables_have_their_key_as_order_id():
    record = change(1, "INSERT", new={})
    record["dynamodb"]["Keys"] = {"sku": {"N": "7"}}
    assert event_of(record)["order_id"] == "7"


def test_unknown_fields_are_no_obstacle():
    record = change(1, "INSERT", new={}, eventVersion="9.9", invention={"a": [1]})
    record["dynamodb"]["Invention"] = {"b": 2}
    assert event_of(record)["detail"] is None


# Packing


def test_10_000_events_go_in_one_call():
    records = [change(number, "MODIFY", {"state": {"S": "OPEN"}}, {"state": {"S": "DELIVERED"}})
               for number in range(10_000)]
    firehose = InMemoryFirehose()
    with function(firehose):
        assert invoke(records) == []
    assert [event["sequence_number"] for event in firehose.events] == [sequence(n).zfill(40) for n in range(10_000)]
    assert [len(call) for call in firehose.calls] == [1]
    (record,) = firehose.records
    assert len(record) < len(gzip.decompress(record)) / 10


def test_events_that_do_not_compress_stay_within_a_record_and_a_call():
    firehose = InMemoryFirehose()
    with function(firehose):
        assert invoke([change(number, "MODIFY", {"text": {"S": incompressible(300_000, number)}},
                              {"text": {"S": incompressible(300_000, -number)}}) for number in range(1, 8)]) == []
    assert len(firehose.events) == 7
    assert [len(call) for call in firehose.calls] == [6, 1], "600 kB each, at most 1,000 KiB a record and 4 MiB a call"


def test_nothing_that_fits_compressed_is_refused_for_its_size():
    records = [
        change(1, "MODIFY", {"bytes": {"B": incompressible(390_000, 1)}}, {"bytes": {"B": incompressible(390_000, 2)}}),
        change(2, "INSERT", new={"text": {"S": "\x01" * 390_000}})]  # each character takes 7 bytes in the event
    firehose = InMemoryFirehose()
    with function(firehose, s3=None) as processor:
        assert all(len(processor.audit_line(record)) > 1000 * 1024 for record in records)
        assert invoke(records) == []
    assert [event["detail"] for event in firehose.events] == [None, None]


def test_a_package_has_the_same_bytes_whenever_and_wherever_it_is_made():
    with function(InMemoryFirehose()) as processor:
        packages = [package for _ in range(2) for package in processor.pack([change(1, "INSERT", new={})])[0]]
    assert packages[0] == packages[1]
    assert packages[0].data[:10] == b"\x1f\x8b\x08\0" + b"\0\0\0\0" + b"\0\xff", "no time, no operating system"
    assert gzip.decompress(packages[0].data).count(b"\n") == 1


lines = st.lists(st.one_of(
    st.binary(max_size=60),
    st.builds(lambda text, times: text * times, st.binary(min_size=1, max_size=9), st.integers(1, 400)),
    st.builds(lambda seed, length: random.Random(seed).randbytes(length), st.integers(0, 9), st.integers(1, 1000)),
), min_size=1, max_size=80)


@settings(max_examples=300, deadline=None)
@given(lines, st.integers(4_000, 12_000), st.sampled_from([0, 1, 7, 9]))
def test_packages_are_full_but_never_too_large_whatever_their_lines_compress_to(lines, limit, level):
    with function(InMemoryFirehose(), RECORD_BYTES=limit, LEVEL=level) as processor:
        packings = [(processor.Packing(0), [])]
        for line in lines:
            if not packings[-1][0].add(line):
                packings.append((processor.Packing(0), []))
                assert packings[-1][0].add(line), "a line of 3,600 bytes does not fit on its own"
            packings[-1][1].append(line)
        packages = [packing.package() for packing, _ in packings]
        for package, (_, packed) in zip(packages, packings, strict=True):
            assert len(package.data) <= limit
            assert gzip.decompress(package.data) == b"".join(packed)
            assert package.line_bytes == sum(map(len, packed))
        for (_, packed), (_, following) in zip(packings, packings[1:], strict=False):
            measured = [*packed, following[0]]  # each flush ends a block, which may take 100 bytes to describe
            alone = processor.zlib.compress(b"".join(measured), level)
            assert len(alone) > limit - 64 - 100 * len(measured), "it would have fitted in as well"
    assert gzip.decompress(b"".join(package.data for package in packages)) == b"".join(lines)


def test_a_call_has_no_more_than_500_records():
    with function(InMemoryFirehose()) as processor:
        packages = [processor.Package(position, b"x", 1) for position in range(1001)]
        assert [len(call) for call in processor.calls(packages)] == [500, 500, 1]


# Too large, not understood, not to be seen


def test_an_event_too_large_is_kept_whole_and_pointed_to():
    firehose, s3 = InMemoryFirehose(), InMemoryS3()
    huge = {"state": {"S": "OPEN"}, "text": {"S": incompressible(1_100_000)}}
    with function(firehose, s3):
        assert invoke([change(1, "INSERT", new={}), change(2, "MODIFY", huge, huge), change(3, "REMOVE", {})]) == []
    first, pointer, last = firehose.events
    assert (first["detail"], last["detail"]) == (None, None)
    detail = json.loads(pointer["detail"])["oversize"]
    whole = s3.objects[detail["key"]]
    assert detail["key"] == f"oversize/{detail['sha256']}.json" and detail["bucket"] == "audit-bucket"
    assert hashlib.sha256(whole).hexdigest() == detail["sha256"]
    assert json.loads(json.loads(whole)["new_image"]) == {"orderId": "101", "state": "OPEN", **{
        "text": huge["text"]["S"]}}
    assert (pointer["old_image"], pointer["new_image"]) == (None, None)
    assert (pointer["new_state"], pointer["sequence_number"]) == ("OPEN", sequence(2).zfill(40))


def test_a_pointing_event_is_small_whatever_the_event_holds():
    huge = {"state": {"S": incompressible(500_000, 1)}, "lastUpdatedBy": {"S": incompressible(600_000, 2)},
            "n" * 50_000: {"S": ""}}
    s3 = InMemoryS3()
    event = event_of(change(1, "MODIFY", {}, huge), s3)
    assert "oversize" in json.loads(event["detail"])
    assert len(json.dumps(event)) < 5000
    assert len(s3.objects) == 1


BROKEN = [
    change(2, "INSERT", new={"value": {"Z": "of tomorrow"}}), change(2, "INSERT", new={"value": {"N": "many"}}),
    change(2, "INSERT", new={"value": {"N": "NaN"}}), change(2, "INSERT", new={"value": {"S": "a", "N": "1"}}),
    change(2, "INSERT", new={"value": {}}), change(2, "INSERT", new={"value": {"S": 5}}),
    change(2, "INSERT", new={"value": {"S": "\ud800"}}), change(2, "INSERT", new={"value": {"NS": ["x"]}}),
    {**change(2), "dynamodb": {"SequenceNumber": sequence(2)}}, {**change(2), "eventName": None},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_record_that_is_not_understood_does_not_block(broken):
    firehose, s3 = InMemoryFirehose(), InMemoryS3()
    with function(firehose, s3):
        assert invoke([change(1, "INSERT", new={}), broken, change(3, "INSERT", new={})]) == []
    _, event, _ = firehose.events
    detail = json.loads(event["detail"])["unreadable"]
    assert json.loads(s3.objects[detail["key"]]) == broken, "kept whole"
    assert detail["key"] == f"unreadable/{hashlib.sha256(s3.objects[detail['key']]).hexdigest()}.json"
    assert (event["event_id"], event["sequence_number"]) == (broken["eventID"], sequence(2).zfill(40))


@pytest.mark.parametrize("garbage", [None, 5, "text", [], {}, {"dynamodb": None}, {"eventID": 5, "dynamodb": {}}])
def test_garbage_is_an_event_of_its_own(garbage):
    s3 = InMemoryS3()
    event = event_of(garbage, s3)
    (whole,) = s3.objects.values()
    assert json.loads(whole) == garbage
    assert event["event_id"] == hashlib.sha256(whole).hexdigest()


def test_what_cannot_be_kept_is_reported_and_the_batch_ends_before_it():
    denied = refusal("AccessDenied", "no PutObject", 403)
    firehose, s3 = InMemoryFirehose(), InMemoryS3([denied])
    records = [change(1, "INSERT", new={}), BROKEN[0], change(3, "INSERT", new={})]
    with function(firehose, s3):
        assert invoke(records) == [sequence(2)]
        assert [event["sequence_number"] for event in firehose.events] == [sequence(1).zfill(40)]
        assert invoke(records[1:]) == []
    assert len(firehose.events) == 3


def test_the_reason_given_is_the_one_that_counts(capsys):
    firehose, s3 = InMemoryFirehose([{0}]), InMemoryS3(last=refusal("AccessDenied", "no PutObject", 403))
    with function(firehose, s3):
        assert invoke([change(1, "INSERT", new={}), BROKEN[0]]) == [sequence(2)]
    assert "no PutObject" in json.loads(capsys.readouterr().out)["reason"]


def test_what_cannot_be_kept_raises_where_nothing_was_delivered():
    with function(InMemoryFirehose(), InMemoryS3(last=DENIED)), pytest.raises(RuntimeError, match="not authorized"):
        invoke([BROKEN[0], change(3, "INSERT", new={})])


def test_masked_attributes_appear_nowhere_but_their_change_does(capsys):
    old = {"state": {"S": "OPEN"}, "card": {"S": "4111"}, "lastUpdatedBy": {"S": "ann"}}
    new = {"state": {"S": "PAID"}, "card": {"S": "5500"}, "lastUpdatedBy": {"S": "bob"}}
    event = event_of(change(1, "MODIFY", old, new), MASKED={"card", "state"})
    assert json.loads(event["new_image"])["card"] == json.loads(event["old_image"])["card"] == "***"
    assert event["changed_attributes"] == ["card", "lastUpdatedBy", "state"]
    assert (event["old_state"], event["new_state"], event["changed_by"]) == ("***", "***", "bob")
    s3 = InMemoryS3()
    event_of(change(1, "MODIFY", {**old, "broken": {"Z": ""}}, new), s3, MASKED={"card"})
    (whole,) = s3.objects.values()
    assert b"4111" not in whole and b"5500" not in whole and b"OPEN" in whole
    assert "4111" not in capsys.readouterr().out


# Refusals


RECORDS = [change(number, "INSERT", new={"text": {"S": incompressible(400_000, number)}}) for number in range(5)]
FOUR = RECORDS[:4]  # two a package


def test_what_is_refused_is_tried_again_and_nothing_else():
    firehose = InMemoryFirehose([{1}])
    with function(firehose):
        assert invoke(FOUR) == []
    assert firehose.calls[1] == [firehose.calls[0][1]]
    assert len(firehose.events) == 4


@pytest.mark.parametrize("error", [THROTTLED, UNAVAILABLE, UNREACHABLE])
def test_a_call_that_fails_in_passing_is_tried_again(error):
    firehose, context = InMemoryFirehose([error, error]), Context()
    with function(firehose):
        assert invoke(FOUR, context) == []
    assert len(firehose.events) == 4
    assert context.seconds < 60


def test_tries_end_in_time_and_the_lowest_undelivered_is_reported():
    firehose, context = InMemoryFirehose([{1, 2}], last={0, 1}), Context(20)
    with function(firehose):
        assert invoke(RECORDS, context) == [sequence(2)]
        assert len(firehose.events) == 2
    assert len(firehose.calls) > 3
    assert 2 <= context.seconds <= 7.2, "as long as there is time, and no longer"


def test_the_first_undelivered_counts_where_later_ones_were_delivered():
    firehose = InMemoryFirehose(last={0})
    with function(firehose):
        assert invoke(FOUR) == [sequence(0)]


@pytest.mark.parametrize("last", [THROTTLED, UNREACHABLE, {0, 1}])
def test_a_batch_of_which_nothing_is_delivered_raises(last):
    with function(InMemoryFirehose(last=last)), pytest.raises(RuntimeError, match="None of 4 changes"):
        invoke(FOUR)


def test_a_missing_permission_is_not_waited_for():
    firehose, context = InMemoryFirehose(last=DENIED), Context()
    with function(firehose), pytest.raises(RuntimeError, match="not authorized"):
        invoke(FOUR, context)
    assert (len(firehose.calls), context.seconds) == (1, 60)


def test_pauses_grow_and_differ():
    pauses = []
    for _ in range(2):
        context = Context(30)
        context.sleep = lambda seconds, context=context: (pauses.append(seconds), Context.sleep(context, seconds))
        with function(InMemoryFirehose(last={0, 1})), pytest.raises(RuntimeError):
            invoke(FOUR, context)
    assert max(pauses) <= 5 and max(pauses) > 1
    assert len(set(pauses)) == len(pauses), "pauses without jitter bring every function back at once"


def test_logs_are_json_and_without_content(capsys):
    record = change(1, "INSERT", new={"secret": {"S": "do-not-log"}, "bad": {"N": "do-not-log"}})
    with function(InMemoryFirehose(last={0}), InMemoryS3()), pytest.raises(RuntimeError):
        invoke([record])
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["level"] for line in lines] == ["WARNING", "ERROR"]
    assert "do-not-log" not in "".join(lines)
