"""Whatever a table's properties say of its partitions, they are projected or refused in Athena's words, and soon."""
from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_aws.athena.catalog import GlueColumn, Table
from local_aws.athena.exchange import NotVerified, QueryFailed
from local_aws.athena.projection import project

MANY = "2000-01-01-00,2300-01-01-00"  # hours
NUMBERS = st.one_of(st.integers(-30, 30), st.integers(-2**70, 2**70)).map(str)
DATES = st.dates(datetime.date(2020, 1, 1), datetime.date(2021, 12, 31)).map(str)
TEXTS = st.one_of(NUMBERS, DATES, st.text("0123456789+-,. \N{ARABIC-INDIC DIGIT TWO}", max_size=8), st.sampled_from(
    ["NOW", "NOW-3DAYS", "NOW+999999999999YEARS", "NOW - 1 MONTH", "2025-01-01 00", "", " 7 "]))
PROPERTIES = st.fixed_dictionaries({}, optional={
    "type": st.sampled_from(["integer", "date", "enum", " Integer ", "injected", "uuid", " "]),
    "range": st.one_of(st.tuples(TEXTS, TEXTS).map(",".join), TEXTS),
    "values": TEXTS, "interval": TEXTS, "digits": st.one_of(st.integers(-2, 20).map(str), TEXTS),
    "interval.unit": st.one_of(st.sampled_from(["YEARS", "months", "DAYS", "HOURS", "DECADES"]), TEXTS),
    "format": st.one_of(st.sampled_from(["yyyy-MM-dd", "yyyy", "yyyyMMddHH", "yyyy-MM-dd'T'HH", "yyyy-MM-ddTHH"]),
                        st.text(alphabet="yMdHmsT'-Q\\%", max_size=8))})


def described(**properties: str) -> dict[str, str]:
    return {f"projection.part.{name}": value for name, value in properties.items()}


def projected(parameters: dict[str, str]) -> Iterator[tuple[dict[str, str], str]]:
    return project(Table("d", "t", (), (GlueColumn("part", "string"),), "s3://bucket/t", parameters=parameters), {})


def values(**properties: str) -> list[str]:
    return [named["part"] for named, _ in projected(described(**properties))]


@pytest.mark.parametrize(("parameters", "reason"), [
    (described(type="integr", range="1,2"), "projection.part.type is not valid: integr"),
    (described(type="enum"), "projection.part.values is missing"),
    (described(type="integer"), "projection.part.range is missing"),
    (described(type="integer", range="1-10"), 'For input string: "1-10"'),
    (described(type="integer", range="1,ten"), 'For input string: "ten"'),
    (described(type="integer", range="1,2,3"), "projection.part.range is not valid: 1,2,3"),
    (described(type="integer", range="1,1000000000000000000000"), 'For input string: "1000000000000000000000"'),
    (described(type="integer", range="1,9223372036854775807"),
     "HIVE_EXCEEDED_PARTITION_LIMIT: Query over table can potentially read 9223372036854775807 partitions"),
    (described(type="integer", range="1,9", interval="0"), "projection.part.interval is not valid: 0"),
    (described(type="integer", range="1,9", interval="two"), 'For input string: "two"'),
    (described(type="integer", range="1,9", digits="-2"), "projection.part.digits is not valid: -2"),
    (described(type="date", range="2025-01-01,NOW"), "projection.part.format is missing"),
    (described(type="date", format="yyyy-MM-dd"), "projection.part.range is missing"),
    (described(type="date", range="yesterday", format="yyyy-MM-dd"), "projection.part.range is not valid: yesterday"),
    (described(type="date", range="yesterday,NOW", format="yyyy-MM-dd"), "projection.part.range is not valid"),
    (described(type="date", range="2025-02-29,NOW", format="yyyy-MM-dd"), "projection.part.range is not valid"),
    (described(type="date", range="2025/01/01,NOW", format="yyyy-MM-dd"), "projection.part.range is not valid"),
    (described(type="date", range="NOW-3FORTNIGHTS,NOW", format="yyyy-MM-dd"), "projection.part.range is not valid"),
    (described(type="date", range="NOW,NOW+9999999999YEARS", format="yyyy-MM-dd"), "projection.part.range is not"),
    (described(type="date", range="2025-01-01T00,NOW", format="yyyy-MM-ddTHH"), "Unknown pattern letter: T"),
    (described(type="date", range="2025-01-01,NOW", format="yyyy-MM-dd'T"), "incomplete string literal"),
    (described(type="date", range="2025-01-01-00,NOW", format="yyyy-MM-dd-HH"), "projection.part.interval is missing"),
    (described(type="date", range="2025-01-01-00,NOW", format="yyyy-MM-dd-HH", interval="1"),
     "projection.part.interval.unit is missing"),
    (described(type="date", range=MANY, format="yyyy-MM-dd-HH", interval="1", **{"interval.unit": "HOURS"}),
     "HIVE_EXCEEDED_PARTITION_LIMIT: Query over table can potentially read 2629"),
    (described(type="date", range="2025-01-01,NOW", format="yyyy-MM-dd", **{"interval.unit": "DECADES"}),
     "projection.part.interval.unit is not valid: DECADES"),
    ({**described(type="enum", values="a,b"), "storage.location.template": "s3://bucket/${prt}/"},
     "storage.location.template must name each partition column and nothing else"),
])
def test_what_makes_no_sense_is_refused(parameters: dict[str, str], reason: str) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html (partition projection)"""
    with pytest.raises(QueryFailed, match=re.escape(reason)) as failed:
        next(projected(parameters))
    assert failed.value.code == ("HIVE_EXCEEDED_PARTITION_LIMIT" if "EXCEEDED" in reason else "INVALID_TABLE_PROPERTY")


@pytest.mark.parametrize(("properties", "expected"), [
    ({"type": " Enum ", "values": "a, b"}, ["a", " b"]),
    ({"type": "integer", "range": " 08 , +10 ", "interval": " 2 ", "digits": "3"}, ["008", "010"]),
    ({"type": "integer", "range": "2,1"}, []),
    ({"type": "date", "range": "2024-01-31,2024-04-30", "format": "yyyy-MM-dd", "interval.unit": "months"},
     ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
    ({"type": "date", "range": "2024-02-28T23,2024-02-29T01", "format": "yyyy-MM-dd'T'HH", "interval": "1",
      "interval.unit": "HOURS"}, ["2024-02-28T23", "2024-02-29T00", "2024-02-29T01"]),
    ({"type": "date", "range": "2024'01,2024'03", "format": "yyyy''MM", "interval": "2"}, ["2024'01", "2024'03"]),
    ({"type": "date", "range": "2024-01-02,2024-01-01", "format": "yyyy-MM-dd"}, []),
])
def test_values_are_as_the_properties_say(properties: dict[str, str], expected: list[str]) -> None:
    assert values(**properties) == expected


def test_what_only_java_reads_is_left_to_trino() -> None:
    with pytest.raises(NotVerified, match="the date format yyyy-M of a projected column"):
        values(type="date", range="2024-1,2024-3", format="yyyy-M")


@given(PROPERTIES)
@example({"type": "integer", "range": "1,1000000000000000000000"})
@example({"type": "integer", "range": "-9223372036854775808,9223372036854775807"})
@example({"type": "date", "range": "0001-01-01,9999-12-31", "format": "yyyy-MM-dd"})
@example({"type": "date", "range": "9999-12-31,9999-12-31", "format": "yyyy-MM-dd", "interval.unit": "YEARS"})
def test_whatever_the_properties_say_no_other_error_comes_of_it(properties: dict[str, str]) -> None:
    try:
        found = list(itertools.islice(projected(described(**properties)), 10))
    except NotVerified:
        return
    except QueryFailed as failed:
        assert failed.code in ("INVALID_TABLE_PROPERTY", "HIVE_METASTORE_ERROR", "HIVE_EXCEEDED_PARTITION_LIMIT",
                               "CONSTRAINT_VIOLATION")
        return
    assert all(location == f"s3://bucket/t/part={named['part']}/" for named, location in found)


@given(st.integers(-10**6, 10**6), st.integers(-10, 500), st.integers(1, 40), st.integers(1, 9))
def test_integers_are_those_of_the_range(low: int, more: int, step: int, digits: int) -> None:
    found = values(type="integer", range=f"{low},{low + more}", interval=str(step), digits=str(digits))
    assert [int(text) for text in found] == list(range(low, low + more + 1, step))
    assert all(len(text) >= digits for text in found)


@given(st.dates(datetime.date(1, 1, 1), datetime.date(9990, 1, 1)), st.integers(0, 400), st.integers(1, 40))
def test_days_are_those_of_the_range(low: datetime.date, more: int, step: int) -> None:
    last = low + datetime.timedelta(more)
    assert values(type="date", range=f"{low},{last}", format="yyyy-MM-dd", interval=str(step)) == [
        str(low + datetime.timedelta(day)) for day in range(0, more + 1, step)]


@given(st.dates(datetime.date(1, 1, 1), datetime.date(9000, 1, 1)), st.integers(0, 400), st.integers(1, 40))
def test_months_are_those_of_the_range(low: datetime.date, more: int, step: int) -> None:
    first = low.year * 12 + low.month - 1

    def month(number: int) -> str:
        return f"{number // 12:04}{number % 12 + 1:02}"

    assert values(type="date", range=f"{month(first)},{month(first + more)}", format="yyyyMM", interval=str(step)) == [
        month(first + at) for at in range(0, more + 1, step)]
