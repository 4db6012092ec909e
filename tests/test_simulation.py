"""The simulated pipe: nothing is lost or made up, and it does what the rules of the services say."""
from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costs
import simulation
from in_memory_firehose import stream_processor
from simulation import Pipe, simulate

PIPES = st.builds(Pipe, changes_a_second=st.floats(0, 5_000), shards=st.integers(1, 8),
                  parallelization_factor=st.integers(1, 10), batch_size=st.integers(1, 10_000),
                  window=st.integers(0, 60), event_bytes=st.integers(100, 4_000), packed=st.booleans(),
                  compressed=st.booleans(),
                  buffer_bytes=st.integers(2**20, 2**27), buffer_seconds=st.integers(1, 300))


@settings(max_examples=40, deadline=None)
@given(PIPES, st.integers(1, 120), st.integers(0, 120), st.integers(0, 60))
def test_nothing_is_lost_made_up_or_taken_back(pipe, seconds, start, length):
    run = simulate(pipe, seconds, fault=(start, start + length))
    assert len(run.made) == seconds
    assert run.made[-1] == pytest.approx(pipe.changes_a_second * seconds, abs=pipe.lanes)
    assert run.expired[-1] == 0
    for made, delivered, written in zip(run.made, run.delivered, run.written, strict=True):
        assert made >= delivered >= written >= 0
    for curve in (run.made, run.delivered, run.written):
        assert curve == sorted(curve)


@settings(max_examples=15, deadline=None)
@given(PIPES)
def test_when_the_load_ends_all_of_it_arrives(pipe):
    pipe = replace(pipe, changes_a_second=min(pipe.changes_a_second, 20))
    run = simulate(pipe, 1_500, fault=(5, 25), load=lambda second: pipe.changes_a_second if second < 30 else 0)
    assert run.written[-1] == run.made[-1]
    assert None not in run.delay()


def test_a_full_batch_goes_at_once_and_a_part_waits_for_the_window():
    run = simulate(Pipe(250, batch_size=100, window=10, event_bytes=700), 30, load=lambda second: 250 * (second == 0))
    assert run.delivered[0] == 200 and run.delivered[9] == 200 and run.delivered[10] == 250
    assert run.invocations == 3


def test_a_buffer_is_written_when_it_is_full_or_old():
    full = simulate(Pipe(1_000, batch_size=1_000, event_bytes=1_024, buffer_bytes=2**20, buffer_seconds=300), 100)
    assert full.objects == full.made[-1] // 1_024
    old = simulate(Pipe(1, buffer_seconds=60), 200)
    assert old.objects == 3 and max(old.delay()[:100]) == 60


def test_a_buffer_counts_what_arrives():
    """Compressed to an 11th, events fill it 11 times as slowly, but for what each member takes besides."""
    pipe = Pipe(1_000, batch_size=1_000, event_bytes=1_100, buffer_bytes=2**20, buffer_seconds=300, compressed=True)
    run = simulate(pipe, 100)
    assert pipe.bytes_sent(1_000) == 600 + 100_000
    assert run.objects == run.made[-1] * 100.6 // 2**20
    assert run.written[-1] == pytest.approx(run.objects * 2**20 / 100.6, rel=0.001)


def test_what_nobody_takes_for_a_day_is_lost_and_said_to_be(monkeypatch):
    assert simulation.RETENTION == 24 * 3600
    monkeypatch.setattr(simulation, "RETENTION", 600)
    run = simulate(Pipe(1), 2_000, fault=(0, 1_000))
    assert run.expired[-1] == pytest.approx(400, abs=2)
    assert run.made[-1] == run.delivered[-1] + run.expired[-1] + run.backlog()[-1]


def test_a_fault_makes_a_backlog_and_larger_batches_recover_sooner():
    fault = (300, 900)
    small, large = (simulate(Pipe(1_000, batch_size=size, window=1), 7_200, fault) for size in (100, 10_000))
    assert max(small.backlog()) >= 600_000 and small.delay()[300] >= 600
    assert large.recovered(fault) < small.recovered(fault) / 3
    assert simulate(Pipe(1_000, window=1), 1_000, fault).recovered(fault) is None


def test_throughput_ends_at_the_delivery_streams_quota():
    pipe = Pipe(10_000, shards=10, batch_size=10_000, event_bytes=1_024)
    run = simulate(pipe, 600)
    assert run.delivered[-1] * 1_024 / 600 == pytest.approx(pipe.bytes_a_second, rel=0.05)
    textbook = simulate(replace(pipe, packed=False, bytes_a_second=math.inf, records_a_second=5_000), 600)
    assert textbook.delivered[-1] / 600 == pytest.approx(5_000, rel=0.05)


def test_the_limits_are_those_of_the_function():
    for limit in ("RECORD_BYTES", "CALL_BYTES", "CALL_RECORDS"):
        assert getattr(simulation, limit) == getattr(stream_processor, limit)


def test_calls_and_records():
    pipe = Pipe(1, event_bytes=300)
    assert pipe.sent(10_000) == (1, 3) and replace(pipe, packed=False).sent(10_000) == (20, 10_000)
    assert replace(pipe, compressed=True).sent(10_000) == (1, 1)


PRICES = {
    "firehose_gb": 0.029, "lambda_million_requests": 0.2, "lambda_gb_second": 0.0000166667, "logs_gb": 0.5,
    "logs_gb_month": 0.03, "s3_thousand_puts": 0.005, "s3_gb_month": 0.023, "athena_tb": 5,
    "glacier_gb_month": 0.004, "glacier_thousand_moves": 0.02, "glacier_gb_retrieved": 0.03,
}


def test_prices_fall_by_tiers():
    """https://aws.amazon.com/firehose/pricing/: the first 500 TB a month, the next 1.5 PB, the next 3 PB."""
    falling = [(500_000, 0.029), (2_000_000, 0.025), (math.inf, 0.02)]
    assert costs.dollars(1_000, falling) == pytest.approx(29)
    assert costs.dollars(1_327_104, falling) == pytest.approx(500_000 * 0.029 + 827_104 * 0.025)
    assert costs.dollars(3_000_000, falling) == pytest.approx(500_000 * 0.029 + 1_500_000 * 0.025 + 1_000_000 * 0.02)
    assert costs.dollars(0, falling) == 0 and costs.dollars(7, 0.5) == 3.5


def test_the_nightly_queries_are_paid_for():
    """Each night's statements read a share of the day's bytes, and are billed for 10 MB at the least."""
    night = costs.Design("nightly", Pipe(1, event_bytes=1_000), 0.1, 0.1, nightly=(0.1, 0.15))
    day = 24 * 3600 * 1_000  # bytes, at one change a second
    for rate, read in ((1, 10e6 + 0.15 * day), (1_000, 0.25 * 1_000 * day)):
        assert costs.month(night, rate, PRICES, questions=0)["Athena"] == pytest.approx(30 * read / 1e12 * 5)


def test_dollars_by_hand():
    """1,000 changes a second of 1,024 bytes for a month, one a record: each billed as 5 KB."""
    pipe = Pipe(1, batch_size=100, event_bytes=1_024, packed=False)
    bill = costs.month(costs.Design("textbook", pipe, 1, 1, False), 1_000, PRICES, questions=10, kept=1)
    events = 1_000 * 3600 * 24 * 30
    assert bill["Firehose"] == pytest.approx(events * 5_120 / 1e9 * 0.029, rel=0.01)
    assert bill["Athena"] == pytest.approx(10 * events * 1_024 / 1e12 * 5)
    assert bill["Lambda"] == pytest.approx(events / 100 * (0.2e-6 + (0.05 + 100 / 3_500) / 4 * 0.0000166667), rel=0.01)
    packed = costs.month(costs.Design("ours", replace(pipe, packed=True), 1, 1), 1_000, PRICES)
    assert packed["Firehose"] == pytest.approx(events * 1_024 / 1e9 * 0.029, rel=0.01)


def test_compressed_events_are_billed_as_they_arrive():
    """1,000 changes a second of 1,100 bytes in batches of 1,000: 100,600 bytes a batch, which are 20 steps of 5 KB."""
    design = costs.Design("ours", Pipe(1, batch_size=1_000, window=1, event_bytes=1_100, compressed=True), 0.1, 0.1)
    assert costs.billed(design.pipe, 1_000) == 20 * 5_120
    batches = 3600 * 24 * 30
    assert costs.month(design, 1_000, PRICES)["Firehose"] == pytest.approx(batches * 20 * 5_120 / 1e9 * 0.029, rel=0.01)
    uses = {use.quota: use.share for use in costs.quotas(design.pipe, 1_000)}
    assert uses["Firehose: bytes a second"] == pytest.approx(100_600 / 5 / 2**20, rel=0.01)


def test_what_ages_costs_less_to_keep_and_more_to_read():
    pipe = Pipe(1, batch_size=1_000, window=1, event_bytes=1_000)
    kept = costs.Design("ours", pipe, delivered=0.1, read=0.05, compacted=0.05)
    aged = replace(kept, aged=3)
    month = 1_000 * 3600 * 24 * 30 * 1_000 / 1e9  # GB of events
    difference = costs.month(kept, 1_000, PRICES)["S3"] - costs.month(aged, 1_000, PRICES)["S3"]
    objects = month * 1e9 / (128 * 2**20)
    assert difference == pytest.approx(month * 0.15 * 9 * (0.023 - 0.004) - objects / 1_000 * 0.02, rel=0.01)
    read = month / 30 * 0.05
    assert costs.question(aged, 1_000, PRICES) == pytest.approx(read / 1_000 * 5)
    assert costs.question(aged, 1_000, PRICES, old=True) == pytest.approx(read / 1_000 * 5 + read * 0.03)
    for few, moved in ((1, 0.05), (1_000, 0.15)):  # objects of 30 kB do not move
        bills = [costs.month(design, few, PRICES)["S3"] for design in (kept, aged)]
        assert bills[0] - bills[1] == pytest.approx(few * month / 1_000 * moved * 9 * 0.019, rel=0.02)
    assert costs.month(replace(kept, aged=12), 1_000, PRICES) == costs.month(kept, 1_000, PRICES)


def test_a_small_question_is_billed_as_10_mb():
    bill = costs.month(costs.Design("ours", Pipe(1), 0.15, 0.15), 1, PRICES, questions=1_000)
    assert bill["Athena"] == pytest.approx(1_000 * 10e6 / 1e12 * 5)


@pytest.mark.parametrize("rate", [0, 1e-9, 0.0001, 1 / 301, 1 / 299, 1 / 60, 0.5])
def test_the_least_load_is_billed_and_measured_too(rate):
    """At 1 / 300, a change in Firehose's buffering time, counting begins to give way to simulating."""
    design = costs.Design("ours", Pipe(1, window=1, buffer_seconds=300), 0.15, 0.15)
    bill, uses = costs.month(design, rate, PRICES, questions=0, kept=0), costs.quotas(design.pipe, rate)
    changes = rate * 3600 * 24 * 30
    assert bill["Firehose"] == pytest.approx(changes * 5_120 / 1e9 * 0.029, rel=0.2)
    assert bill["Lambda"] == pytest.approx(changes * (0.2e-6 + (0.05 + 1 / 3_500) / 4 * 0.0000166667), rel=0.2)
    objects = min(changes, 3600 * 24 * 30 / 300)  # one a change or, where more come in that time, one in it, or in two
    assert objects * 0.4 <= bill["S3"] / 0.005 * 1000 <= objects * 1.05
    assert all(0 <= use.share < 0.1 for use in uses)


@pytest.mark.parametrize("rate", [-1, -0.0001])
def test_a_negative_load_is_refused(rate):
    design = costs.Design("ours", Pipe(1), 0.15, 0.15)
    with pytest.raises(ValueError, match="the least is 0"):
        costs.month(design, rate, PRICES)
    with pytest.raises(ValueError, match="the least is 0"):
        costs.quotas(design.pipe, rate)


def test_the_tightest_quota_comes_first():
    uses = costs.quotas(Pipe(1, batch_size=10_000, window=5), 100_000)
    assert uses[0].quota == "Firehose: bytes a second" and uses[0].share > 10
    assert [use.share for use in uses] == sorted((use.share for use in uses), reverse=True)
    assert costs.quotas(Pipe(1, batch_size=10_000, window=5), 100)[0].share < 1
