"""Types read from Trino's and Hive's words, and told in them again."""
from __future__ import annotations

import datetime
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.hive_types import from_hive, to_hive
from local_aws.athena.text import formatter
from local_aws.athena.types import Type, parse_type

PLAIN = ["bigint", "boolean", "date", "double", "integer", "json", "real", "smallint", "tinyint", "varbinary",
         "varchar", "interval day to second", "interval year to month"]
NAMES = st.sampled_from(["a", "Time", "timestamp", "interval", "row", "double", "date", "x y", 'say "hi"', "a,b", "(",
                         "é"]) | st.text(string.printable.strip(), min_size=1)
SIMPLE = st.sampled_from([Type(name) for name in PLAIN]) | st.builds(
    Type, st.sampled_from(["timestamp", "timestamp with time zone", "time", "time with time zone", "varchar"]),
    st.tuples(st.integers(0, 12))) | st.integers(1, 38).flatmap(
        lambda digits: st.builds(Type, st.just("decimal"), st.tuples(st.just(digits), st.integers(0, digits))))
TYPES = st.recursive(SIMPLE, lambda inner: st.builds(lambda one: Type("array", inner=(one,)), inner) | st.builds(
    lambda key, value: Type("map", inner=(key, value)), inner, inner) | st.lists(
        st.tuples(st.none() | NAMES, inner), min_size=1, max_size=3).map(
            lambda parts: Type("row", inner=tuple(kind for _, kind in parts), fields=tuple(name for name, _ in parts))),
    max_leaves=6)


@given(TYPES)
def test_a_type_reads_as_it_is_written(kind):
    assert parse_type(str(kind)) == kind


@pytest.mark.parametrize("name", ["time", "timestamp", "interval", "double", "date", "row"])
def test_a_field_may_be_named_like_a_type(name):
    kind = from_hive(f"struct<{name}:string,n:bigint>")
    assert kind == parse_type(f"row({name} varchar, n bigint)") == parse_type(f'row("{name}" varchar, n bigint)')
    assert formatter(kind)(["x", 1]) == f"{{{name}=x, n=1}}"
    assert to_hive(kind) == f"struct<{name}:string,n:bigint>"


def test_a_field_without_a_name_is_told_by_its_place():
    kind = parse_type("row(timestamp(3) with time zone, time with time zone, interval day to second, bigint)")
    assert kind.fields == (None,) * 4
    stamp = datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc)
    told = formatter(kind)([stamp, None, "1 00:00:00.000", 4])
    assert told == "{field0=2024-01-02 00:00:00.000 UTC, field1=null, field2=1 00:00:00.000, field3=4}"


@pytest.mark.parametrize("text", ["nope", "struct", "array<int", "map<int>", "decimal(a)", "", "array<>"])
def test_glue_may_hold_what_is_no_type(text):
    with pytest.raises(QueryFailed) as failed:
        from_hive(text)
    assert failed.value.code == "HIVE_INVALID_METADATA"
