"""What bench.py measures with: the baselines do what their descriptions say, and what is counted is counted right."""
from __future__ import annotations

import gzip
import json
import math

import pytest

import bench
from bench_parts import bill, chart, designs, function, layouts, questions, run
from bench_parts.changes import DAYS, changes, days
from bench_parts.layouts import DAY, WITH_COLUMNS
from bench_parts.notebook_sql import PART_5, PART_7, executed, statements
from bench_parts.tables import short, size, table
from simulation import Pipe


class Kept(designs.Firehose):
    """The Firehose of the measurements, which also keeps what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[bytes] = []

    def _take(self, records: list[dict]) -> None:
        super()._take(records)
        self.data += [record["Data"] for record in records]


@pytest.fixture(scope="module")
def load() -> list[dict]:
    return [record for record in changes(1_300) if record["eventName"] != "REMOVE"][:1_200]


def delivered(design, load: list[dict]) -> Kept:
    firehose = Kept()
    design(load, firehose)
    return firehose


def test_changes_are_the_same_each_time_in_order_and_of_all_kinds():
    load = list(changes(3_000))
    assert load == list(changes(3_000)) and len(load) == 3_000
    assert len({record["eventID"] for record in load}) == 3_000
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in load]
    assert numbers == sorted(numbers)
    times = [record["dynamodb"]["ApproximateCreationDateTime"] for record in load]
    assert times == sorted(times) and len(days()) == DAYS == len({when // 86_400 for when in times})
    assert {record["eventName"] for record in load} == {"INSERT", "MODIFY", "REMOVE"}


def test_an_event_of_ours_is_about_as_long_as_is_said(load):
    length = sum(len(gzip.decompress(data)) for data in delivered(designs.ours, load).data) / len(load)
    assert 600 < length < 760


def test_each_design_delivers_each_change_once(load):
    wanted = [record["eventID"] for record in load]
    for design in designs.DESIGNS.values():
        data = b"".join(delivered(design, load).data)
        lines = (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data).splitlines()
        assert [json.loads(line)["event_id"] for line in lines] == wanted, design


@pytest.mark.parametrize("batch", [30, 100, 1_000])
def test_what_is_calculated_with_is_what_the_function_sends(batch):
    """Part 7 calculates with simulation.Pipe: here are its bytes beside the function's, over the same events."""
    load = function.full_load(10_000)
    packages = [designs.our_function().pack(load[first:first + batch])[0] for first in range(0, len(load), batch)]
    sent = [package for each in packages for package in each]
    text = sum(package.line_bytes for package in sent)
    pipe = Pipe(1, event_bytes=round(text / len(load)), compressed=True)
    assert sum(len(package.data) for package in sent) == pytest.approx(len(sent) * pipe.bytes_sent(batch), rel=0.05)


def test_textbook_sends_one_event_a_record_in_calls_of_500(load):
    firehose = delivered(designs.textbook, load)
    assert (firehose.calls, firehose.records) == (3, 1_200)
    assert all(data.count(b"\n") == 1 for data in firehose.data)


def test_tutorial_sends_a_batch_as_one_record_and_breaks_at_a_delete(load):
    firehose = delivered(designs.tutorial, load)
    assert (firehose.calls, firehose.records) == (1, 1)
    deleted = next(record for record in changes(1_300) if record["eventName"] == "REMOVE")
    with pytest.raises(KeyError):
        designs.tutorial([deleted], Kept())


def test_tutorial_breaks_above_the_largest_record_and_ours_does_not():
    load = function.full_load(2_500)
    largest = function.largest_batch(designs.tutorial, load)
    designs.tutorial(load[:largest], Kept())
    with pytest.raises(designs.Refused):
        designs.tutorial(load[:largest + 1], Kept())
    assert delivered(designs.ours, load).records == 1


def test_an_invocation_of_10_000_events_takes_ours_one_record():
    assert delivered(designs.ours, function.full_load()).records == 1


@pytest.mark.parametrize("length, billed", [(1, 5120), (5120, 5120), (5121, 10240), (1000 * 1024, 1000 * 1024)])
def test_firehose_bills_every_record_in_steps_of_5_kb(length, billed):
    assert designs.billed(length) == billed
    firehose = designs.Firehose()
    firehose.put_record_batch(DeliveryStreamName="audit", Records=[{"Data": b"x" * length}, {"Data": b"x"}])
    assert (firehose.bytes, firehose.billed) == (length + 1, billed + 5120)


@pytest.mark.parametrize("lengths", [[1] * 501, [1000 * 1024 + 1], [1000 * 1024] * 4 + [100 * 1024]])
def test_the_firehose_of_the_measurements_refuses_what_firehose_refuses(lengths):
    with pytest.raises(designs.Refused):
        designs.Firehose().put_record_batch(DeliveryStreamName="audit",
                                            Records=[{"Data": b"x" * length} for length in lengths])


def test_events_of_300_bytes_are_billed_for_17_times_as_many_by_textbook_and_for_what_they_are_by_ours():
    load = function.small_load(function.full_load(2_000))
    textbook, ours = (function.send(design, load) for design in (designs.textbook, designs.ours))
    assert 275 < textbook.bytes_an_event < 305 and 16.5 < textbook.billed_over_real < 18.5
    assert ours.billed_over_real <= 1.05


def test_speeds_are_ratios_of_the_same_turns():
    measured = {one.name: one for one in function.measure(turns=2, count=1_000)}
    assert list(measured) == ["textbook", "tutorial", "ours", "ours, not compressed"]
    assert measured["textbook"].of_textbook == 1
    assert all(one.events_a_second > 0 and one.of_floor > 0 for one in measured.values())


def test_billed_bytes_of_an_event_fall_with_the_batch():
    load = function.full_load(3_000)
    textbook, tutorial, ours = (bill.billed(design, load) for design in bill.FUNCTIONS.values())
    assert list(ours) == [30, 100, 1_000, 10_000] and set(textbook.values()) == {5_120}
    assert 170 < ours[30] < 171 and 102 < ours[100] < 103, "a step of 5 KB of 30 events, two of 100"
    assert textbook[100] / ours[100] >= 45 and tutorial[100] / ours[100] >= 4.5


def test_the_bill_is_that_of_part_7():
    bills = bill.dollars()
    assert list(bills) == ["textbook", "tutorial", "workbook", "compacted", "compacted, aged"]
    assert all(list(dollars) == [1, 1_000, 100_000] for dollars in bills.values())
    assert bills["workbook"][1_000] <= 65 and bills["compacted"][1_000] <= 80 and bills["compacted, aged"][1_000] <= 45


def test_the_workgroups_limit_grows_with_what_a_compaction_reads():
    """Part 7 sets it to twice the bytes of the largest day's objects."""
    compacted = executed(PART_7, "costs", math=math, event_bytes=600)["designs"][-1]
    assert compacted.name == "compacted" and max(compacted.nightly) <= 2 * compacted.delivered


@pytest.mark.parametrize("batch", [100, 1_000])
def test_delivered_objects_are_about_as_large_as_firehoses_own_gzip_makes_them(batch):
    load, pack = function.full_load(3_000), designs.our_function().pack
    members = [package.data for first in range(0, len(load), batch) for package in pack(load[first:first + batch])[0]]
    delivered = b"".join(members)
    assert len(delivered) <= 1.1 * len(gzip.compress(gzip.decompress(delivered), 6))


def test_arguments():
    options = bench.arguments(["--quick", "--engine", "trino", "--only", "end_to_end", "--only", "function"])
    assert (options.quick, options.engine, options.only) == (True, "trino", ["end_to_end", "function"])
    assert bench.arguments([]).quick is False
    assert bench.arguments(["--engine", "trino", "--write"]).write
    for wrong in (["--engine", "spark"], ["--write"], ["--write", "--engine", "trino", "--quick"],
                  ["--write", "--engine", "trino", "--only", "function"]):
        with pytest.raises(SystemExit):
            bench.arguments(wrong)


def test_the_committed_tables_are_replaced_and_the_words_before_them_stay(tmp_path):
    file = tmp_path / "bench.md"
    file.write_text(run.COMMITTED.read_text(encoding="utf-8"), encoding="utf-8")
    run.commit([f"{run.BEGIN}a day", "| a | table |"], file)
    words, _, tables = file.read_text(encoding="utf-8").partition("\n\nMeasured on ")
    assert words.startswith("# What bench.py measured\n") and "floor" in words
    assert tables == "a day\n\n| a | table |\n"


def test_tables_are_markdown_and_numbers_read_well():
    assert table(("what", "n"), [("one", 1), ("ten", 10)]).splitlines() == [
        "| what |  n |", "| ---- | -: |", "| one  |  1 |", "| ten  | 10 |"]
    assert [short(value) for value in (0.624, 17.18, 301.2, 32_191, 1_234_567, 0.0042)] == [
        "0.62", "17.2", "301", "32,000", "1,200,000", "0.0042"]
    assert [size(count) for count in (12, 1_500, 23_400_000)] == ["12.0 B", "1.50 kB", "23.4 MB"]


def test_the_questions_are_those_of_part_5():
    asked = statements(PART_5, "question")
    assert {"order_story", "who_changed_what", "transition_matrix", "time_in_state", "illegal_transitions",
            "deleted_orders", "stuck_orders", "state_at_a_moment"} <= set(asked)
    assert all(sql.startswith(("SELECT", "WITH")) and "FROM order_history" in sql for sql in asked.values())
    assert set(statements(PART_7, "compaction")) == {"columns", "create", "since", "insert", "view"}
    with pytest.raises(LookupError):
        statements(PART_5, "compaction")


def test_a_question_about_a_day_names_the_day_at_each_table_it_reads():
    for layout in layouts.layouts("bench"):
        one, every = layout.create_view("a day"), layout.create_view("30 days")
        assert one.count("FROM (SELECT *") == every.count("FROM (SELECT *") == len(layout.one_day)
        assert f"'{DAY}" in one or "day = '17'" in one
        assert DAY not in every and "day = '17'" not in every


def test_the_questions_are_measured_in_each_layout_with_equal_answers(tmp_path, monkeypatch):
    some = {name: sql for name, sql in statements(PART_5, "question").items()
            if name in ("who_changed_what", "transition_matrix")}
    monkeypatch.setattr(questions, "statements", lambda notebook, tag: some)
    for name, fewer in (("DAYS", 3), ("days", lambda: days()[:3]), ("DAY", days()[1])):
        monkeypatch.setattr(layouts, name, fewer)
    found = questions.measure("duckdb", [900], times=1)
    asked = {(one.span, one.layout, one.question): one for one in found.asked}
    assert len(asked) == 4 * 3
    for (span, _, question), one in asked.items():
        assert one.answer == asked[span, "delivered", question].answer
    (made,) = found.made
    for layout, kept in ((WITH_COLUMNS, "tutorial"), ("delivered", "delivered")):
        assert asked["30 days", layout, "transition_matrix"].bytes_read == made.kept[kept]
    assert made.kept["compacted"] and made.compacting > 0 and made.memory > 50
    text = run._questions(found)
    assert "| who_changed_what" in text and "| 900" in text
    chart.draw({"questions": found}, "900 events", tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 10_000
