"""The functions that are verified to answer on DuckDB as they do on Trino 476: one line each.

`tests/athena/verified.md` is generated from here. A line is: the name (several: 'a|b'), the signature, and DuckDB's
text; `t_…` are macros of `macros`, `py_…` Python functions of `python_functions`.
https://trino.io/docs/476/functions.html
"""
from __future__ import annotations

from functools import partial

from local_aws.athena.on_duckdb import special
from local_aws.athena.on_duckdb.signatures import Registry, Text, signature

REGISTRY: Registry = {}


def _add(kind: str, names: str, shown: str, text: Text, *options: str) -> None:
    for name in names.split("|"):
        REGISTRY.setdefault(name, []).append(signature(kind, name, shown, text, *options))


scalar, aggregate, window = (partial(_add, kind) for kind in ("scalar", "aggregate", "window"))

# ---- text
scalar("length", "varchar(x) -> bigint", "length({0})")
scalar("lower", "varchar(x) -> varchar(x)", "py_lower({0})")
scalar("upper", "varchar(x) -> varchar(x)", "py_upper({0})")
scalar("concat", "varchar, varchar... -> varchar", lambda given: f"({' || '.join(one.sql for one in given.arguments)})")
for _shown in ("array(E), array(E)...", "array(E), E", "E, array(E)"):
    scalar("concat", f"{_shown} -> array(E)", special.not_verified)
scalar("substr|substring", "varchar(x), bigint -> varchar(x)", "t_substr({0}, {1})")
scalar("substr|substring", "varchar(x), bigint, bigint -> varchar(x)", "t_substr_length({0}, {1}, {2})")
scalar("trim", "varchar(x) -> varchar(x)", special.trim)
scalar("trim", "varchar(x), varchar -> varchar(x)", special.not_verified)
scalar("split", "varchar(x), varchar(y) -> array(varchar(x))", special.split)
scalar("split", "varchar(x), varchar(y), bigint -> array(varchar(x))", special.not_verified)
scalar("split_part", "varchar(x), varchar(y), bigint -> varchar(x)", "py_split_part({0}, {1}, {2})")
scalar("strpos", "varchar(x), varchar(y) -> bigint", "CAST(instr({0}, {1}) AS BIGINT)")
scalar("strpos", "varchar(x), varchar(y), bigint -> bigint", special.not_verified)
scalar("starts_with", "varchar(x), varchar(y) -> boolean", "starts_with({0}, {1})")
scalar("replace", "varchar(x), varchar(y) -> varchar(x)", "py_replace({0}, {1}, '')")
scalar("replace", "varchar(x), varchar(y), varchar(z) -> varchar(z)", special.replaced)
scalar("regexp_like", "varchar(x), varchar -> boolean", special.regexp("py_regexp_like({0}, {1})"))
scalar("regexp_extract", "varchar(x), varchar -> varchar(x)", special.regexp("py_regexp_extract({0}, {1}, 0)"))
scalar("regexp_extract", "varchar(x), varchar, bigint -> varchar(x)",
       special.regexp("py_regexp_extract({0}, {1}, {2})"))

# ---- numbers
for _kind in ("tinyint", "smallint", "integer", "bigint"):
    scalar("abs", f"{_kind} -> {_kind}", f"CAST(abs({{0}}) AS {_kind})")
    scalar("round", f"{_kind} -> {_kind}", "{0}")
    scalar("round", f"{_kind}, integer -> {_kind}", special.not_verified)
scalar("abs", "decimal(p,s) -> decimal(p,s)", "abs({0})")
scalar("abs", "double -> double", "abs({0})")
scalar("round", "double -> double", "CAST(py_round_to({0}, CAST(0 AS INTEGER)) AS DOUBLE)")
scalar("round", "double, integer -> double", "CAST(py_round_to({0}, {1}) AS DOUBLE)")
scalar("round", "decimal(p,s) -> decimal(p,s)", special.round_decimal)
scalar("round", "decimal(p,s), integer -> decimal(p,s)", special.round_decimal)

# ---- times
scalar("now", "-> timestamp(3) with time zone", special.now)
scalar("from_unixtime", "double -> timestamp(3) with time zone",
       "make_timestamp(CAST(round({0} * 1000) AS BIGINT) * 1000)")
scalar("from_unixtime", "double, varchar(x) -> timestamp(3) with time zone", special.not_verified)
scalar("to_unixtime", "timestamp(p) with time zone -> double", "(CAST(epoch_us({0}) AS DOUBLE) / 1000000.0::DOUBLE)")
scalar("date", "timestamp(p) -> date", "CAST({0} AS DATE)")
scalar("date", "varchar(x) -> date", "CAST(t_text_to_date({0}) AS DATE)")
scalar("date", "timestamp(p) with time zone -> date", special.not_verified)
for _kind in ("date", "timestamp(p)", "timestamp(p) with time zone"):
    scalar("date_trunc", f"varchar(x), {_kind} -> {_kind}", special.date_trunc)
    scalar("date_add", f"varchar(x), bigint, {_kind} -> {_kind}", special.date_add)
    scalar("date_diff", f"varchar(x), {_kind}, {_kind} -> bigint", special.date_diff)
    for _part in ("year", "month", "week", "day"):
        scalar(_part, f"{_kind} -> bigint", f"CAST(date_part('{_part}', {{0}}) AS BIGINT)")
    scalar("day_of_week", f"{_kind} -> bigint", "CAST(date_part('isodow', {0}) AS BIGINT)")
for _kind in ("timestamp(p)", "timestamp(p) with time zone"):
    for _part in ("hour", "minute", "second"):
        scalar(_part, f"{_kind} -> bigint", f"CAST(date_part('{_part}', {{0}}) AS BIGINT)")
scalar("from_iso8601_timestamp", "varchar(x) -> timestamp(3) with time zone", "py_from_iso8601_timestamp({0})",
       "refuses")

# ---- JSON
for _kind in ("varchar(x)", "json"):
    scalar("json_extract_scalar", f"{_kind}, varchar -> {_kind.replace('json', 'varchar')}",
           special.json_path("py_json_extract_scalar({0}, {1})"))
    scalar("json_extract", f"{_kind}, varchar -> json", special.json_path("py_json_extract({0}, {1})"))
    scalar("json_array_length", f"{_kind} -> bigint", "py_json_array_length({0})")
scalar("json_format", "json -> varchar", "{0}")

# ---- arrays
scalar("cardinality", "array(E) -> bigint", "CAST(len({0}) AS BIGINT)")
scalar("contains", "array(T), T -> boolean", special.plain("t_contains({0}, {1})"))
scalar("element_at", "array(E), bigint -> E", "t_element_at({0}, {1})")
scalar("array_join", "array(varchar), varchar -> varchar", "t_array_join({0}, {1})")
scalar("array_join", "array(T), varchar -> varchar", special.not_verified)
scalar("array_join", "array(T), varchar, varchar -> varchar", special.not_verified)
scalar("array_distinct", "array(E) -> array(E)", special.plain("t_array_distinct({0})"))
scalar("array_sort", "array(E) -> array(E)", special.plain("list_sort({0}, 'ASC', 'NULLS LAST')"))
scalar("sequence", "bigint, bigint -> array(bigint)", "t_sequence({0}, {1})")
scalar("sequence", "date, date -> array(date)", special.not_verified)
scalar("sequence", "T, T, U -> array(T)", special.not_verified)
scalar("sequence", "timestamp(p), timestamp(p) -> array(timestamp(p))", special.not_verified)

# ---- aggregates
aggregate("count", "-> bigint", "CAST(count(*){over} AS BIGINT)")
aggregate("count", "T -> bigint", "CAST(count({distinct}{0}){over} AS BIGINT)", "distinct")
aggregate("count_if", "boolean -> bigint", "CAST(count(CASE WHEN {0} THEN 1 END){over} AS BIGINT)")
aggregate("sum", "bigint -> bigint", "CAST(sum({distinct}{0}){over} AS BIGINT)", "distinct")
aggregate("sum", "double -> double", "sum({distinct}{0}){over}", "distinct")
aggregate("sum", "decimal(p,s) -> decimal(38,s)", "CAST(sum({distinct}{0}){over} AS {type})", "distinct")
aggregate("avg", "bigint -> double", "(sum({distinct}CAST({0} AS DOUBLE)){over} / count({distinct}{0}){over})",
          "distinct")
aggregate("avg", "double -> double", "(sum({distinct}{0}){over} / count({distinct}{0}){over})", "distinct")
aggregate("avg", "decimal(p,s) -> decimal(p,s)", special.avg_decimal, "distinct")
aggregate("min", "T -> T", "min({0}){over}", "orderable")
aggregate("max", "T -> T", "max({0}){over}", "orderable")
aggregate("max_by", "V, K -> V", "arg_max_null({0}, {1}){over}")
aggregate("min_by", "V, K -> V", "arg_min_null({0}, {1}){over}")
aggregate("min|max", "T, bigint -> array(T)", special.not_verified)
aggregate("min_by|max_by", "V, K, bigint -> array(V)", special.not_verified)
aggregate("any_value", "T -> T", "any_value({0}){over}")
aggregate("array_agg", "T -> array(T)", "list({distinct}{0}{order}){over}", "distinct", "order")
aggregate("bool_and", "boolean -> boolean", "bool_and({0}){over}")
aggregate("bool_or", "boolean -> boolean", "bool_or({0}){over}")

# ---- windows
window("row_number", "-> bigint", "row_number(){over}")
window("rank", "-> bigint", "rank(){over}")
window("dense_rank", "-> bigint", "dense_rank(){over}")
for _name in ("lag", "lead"):
    window(_name, "T -> T", f"{_name}({{0}}){{over}}")
    window(_name, "T, bigint -> T", f"{_name}({{0}}, t_offset({{1}})){{over}}")
    window(_name, "T, bigint, T -> T", f"{_name}({{0}}, t_offset({{1}}), {{2}}){{over}}")
window("first_value", "T -> T", "first_value({0}){over}")
window("last_value", "T -> T", "last_value({0}){over}")
