"""The functions that are verified to answer on DuckDB as they do on Trino 476: one line each.

`tests/athena/verified.md` is generated from here. A line is: the name (several: 'a|b'), the signature, and DuckDB's
text; `t_…` are macros of `duckdb_macros`, `py_…` Python functions of `duckdb_python`.
"""
from __future__ import annotations

from functools import partial
from typing import Any

from athena import duckdb_special as special
from athena.duckdb_functions import register

scalar = partial(register, "scalar")
aggregate = partial(register, "aggregate")
window = partial(register, "window")

# ---- numbers that are none
scalar("nan", "-> double", "CAST('NaN' AS DOUBLE)")
scalar("infinity", "-> double", "CAST('Infinity' AS DOUBLE)")
scalar("is_nan", "double -> boolean", "isnan({0})")
scalar("is_finite", "double -> boolean", "isfinite({0})")
scalar("is_infinite", "double -> boolean", "isinf({0})")

# ---- text
scalar("length", "varchar(x) -> bigint", "length({0})")
scalar("lower", "varchar(x) -> varchar(x)", "lower({0})")
scalar("upper", "varchar(x) -> varchar(x)", "upper({0})")
scalar("concat", "varchar, varchar... -> varchar", special.concat)
scalar("concat", "array(e), array(e)... -> array(e)", special.concat_arrays)
scalar("concat", "array(e), e -> array(e)", "CASE WHEN {0} IS NULL THEN NULL ELSE list_append({0}, {1}) END")
scalar("concat", "e, array(e) -> array(e)", "CASE WHEN {1} IS NULL THEN NULL ELSE list_prepend({0}, {1}) END")
scalar("substr|substring", "varchar(x), bigint -> varchar(x)", "t_substr({0}, {1})")
scalar("substr|substring", "varchar(x), bigint, bigint -> varchar(x)", "t_substr_length({0}, {1}, {2})")
scalar("trim", "varchar(x) -> varchar(x)", "py_trim({0})")
scalar("split_part", "varchar(x), varchar(y), bigint -> varchar(x)", "py_split_part({0}, {1}, {2})")
scalar("split", "varchar(x), varchar(y) -> array(varchar(x))", "py_split({0}, {1})")
scalar("strpos", "varchar(x), varchar(y) -> bigint", "CAST(instr({0}, {1}) AS BIGINT)")
scalar("starts_with", "varchar(x), varchar(y) -> boolean", "starts_with({0}, {1})")
scalar("replace", "varchar(x), varchar(y) -> varchar(x)", "py_replace({0}, {1}, '')")
scalar("replace", "varchar(x), varchar(y), varchar(z) -> varchar", "py_replace({0}, {1}, {2})")
scalar("lpad", "varchar(x), bigint, varchar(y) -> varchar", "py_lpad({0}, {1}, {2})")
scalar("rpad", "varchar(x), bigint, varchar(y) -> varchar", "py_rpad({0}, {1}, {2})")
scalar("reverse", "varchar(x) -> varchar(x)", "py_reverse({0})")

# ---- regular expressions
scalar("regexp_like", "varchar(x), varchar -> boolean", special.regexp("py_regexp_like({0}, {1})"))
scalar("regexp_extract", "varchar(x), varchar -> varchar(x)", special.regexp("py_regexp_extract({0}, {1}, 0)"))
scalar("regexp_extract", "varchar(x), varchar, bigint -> varchar(x)",
       special.regexp("py_regexp_extract({0}, {1}, {2})"))
scalar("regexp_replace", "varchar(x), varchar -> varchar(x)", special.regexp("py_regexp_replace({0}, {1}, '')"))
scalar("regexp_replace", "varchar(x), varchar, varchar -> varchar", special.regexp("py_regexp_replace({0}, {1}, {2})"))

# ---- numbers
scalar("abs", "tinyint -> tinyint", "abs({0})")
scalar("abs", "smallint -> smallint", "abs({0})")
scalar("abs", "integer -> integer", "abs({0})")
scalar("abs", "bigint -> bigint", "abs({0})")
scalar("abs", "decimal(p,s) -> decimal(p,s)", "abs({0})")
scalar("abs", "double -> double", "abs({0})")
scalar("round", "integer -> integer", "{0}")
scalar("round", "bigint -> bigint", "{0}")
scalar("round", "double -> double", "CAST(py_round({0}) AS DOUBLE)")
scalar("round", "double, integer -> double", "CAST(py_round_to({0}, {1}) AS DOUBLE)")
scalar("round", "decimal(p,s) -> decimal(p,s)", special.round_decimal)
scalar("round", "decimal(p,s), integer -> decimal(p,s)", special.round_decimal_to)
scalar("ceil|ceiling", "double -> double", "ceil({0})")
scalar("floor", "double -> double", "floor({0})")
scalar("mod", "integer, integer -> integer", "t_int_mod({0}, {1})")
scalar("mod", "bigint, bigint -> bigint", "t_int_mod({0}, {1})")
scalar("sqrt", "double -> double", "t_sqrt({0})")
scalar("greatest|least", "e... -> e", special.extreme)

# ---- times
scalar("now", "-> timestamp(3) with time zone", special.now)
scalar("from_unixtime", "double -> timestamp(3) with time zone", special.from_unixtime)
scalar("to_unixtime", "timestamp(p) with time zone -> double", "t_to_unixtime({0})")
scalar("date", "timestamp(p) -> date", "CAST({0} AS DATE)")
scalar("date", "varchar(x) -> date", "CAST(t_text_to_date({0}) AS DATE)")
scalar("date_trunc", "varchar(x), date -> date", special.date_trunc)
scalar("date_trunc", "varchar(x), timestamp(p) -> timestamp(p)", special.date_trunc)
scalar("date_trunc", "varchar(x), timestamp(p) with time zone -> timestamp(p) with time zone", special.date_trunc)
scalar("date_add", "varchar(x), bigint, date -> date", special.date_add)
scalar("date_add", "varchar(x), bigint, timestamp(p) -> timestamp(p)", special.date_add)
scalar("date_add", "varchar(x), bigint, timestamp(p) with time zone -> timestamp(p) with time zone", special.date_add)
scalar("date_diff", "varchar(x), date, date -> bigint", special.date_diff)
scalar("date_diff", "varchar(x), timestamp(p), timestamp(p) -> bigint", special.date_diff)
scalar("date_diff", "varchar(x), timestamp(p) with time zone, timestamp(p) with time zone -> bigint",
       special.date_diff)
for _part, _text in {"year": "year", "quarter": "quarter", "month": "month", "week|week_of_year": "week",
                     "day|day_of_month": "day", "day_of_week|dow": "isodow", "day_of_year|doy": "dayofyear",
                     "year_of_week|yow": "isoyear"}.items():
    scalar(_part, "date -> bigint", f"CAST(date_part('{_text}', {{0}}) AS BIGINT)")
for _part, _text in {"year": "year", "quarter": "quarter", "month": "month", "week|week_of_year": "week",
                     "day|day_of_month": "day", "day_of_week|dow": "isodow", "day_of_year|doy": "dayofyear",
                     "year_of_week|yow": "isoyear", "hour": "hour", "minute": "minute", "second": "second"}.items():
    scalar(_part, "timestamp(p) -> bigint", f"CAST(date_part('{_text}', {{0}}) AS BIGINT)")
    scalar(_part, "timestamp(p) with time zone -> bigint", f"CAST(date_part('{_text}', {{0}}) AS BIGINT)")
scalar("date_format", "timestamp(p), varchar(x) -> varchar", "py_date_format({0}, {1})")
scalar("date_format", "timestamp(p) with time zone, varchar(x) -> varchar", "py_date_format({0}, {1})")
scalar("date_parse", "varchar(x), varchar(y) -> timestamp(3)", "py_date_parse({0}, {1})")
scalar("format_datetime", "timestamp(p), varchar(x) -> varchar", special.format_datetime)
scalar("format_datetime", "timestamp(p) with time zone, varchar(x) -> varchar", special.format_datetime)
scalar("from_iso8601_timestamp", "varchar(x) -> timestamp(3) with time zone", "py_from_iso8601_timestamp({0})")
scalar("from_iso8601_date", "varchar(x) -> date", "py_from_iso8601_date({0})")

# ---- JSON
scalar("json_extract_scalar", "varchar(x), varchar -> varchar(x)", special.json("py_json_extract_scalar({0}, {1})"))
scalar("json_extract_scalar", "json, varchar -> varchar", special.json("py_json_extract_scalar({0}, {1})"))
scalar("json_extract", "varchar(x), varchar -> json", special.json("py_json_extract({0}, {1})"))
scalar("json_extract", "json, varchar -> json", special.json("py_json_extract({0}, {1})"))
scalar("json_parse", "varchar(x) -> json", "py_json_parse({0})")
scalar("json_format", "json -> varchar", "{0}")

# ---- arrays and maps
scalar("map", "array(k), array(v) -> map(k,v)", "t_map({0}, {1})")
scalar("map", "-> map(unknown,unknown)", "CAST(MAP {{}} AS MAP(INTEGER, INTEGER))")
scalar("cardinality", "array(e) -> bigint", "CAST(len({0}) AS BIGINT)")
scalar("cardinality", "map(k,v) -> bigint", "CAST(cardinality({0}) AS BIGINT)")
scalar("contains", "array(t), t -> boolean", "t_contains({0}, {1})")
scalar("array_join", "array(varchar), varchar -> varchar", "t_array_join({0}, {1})")
scalar("array_join", "array(varchar), varchar, varchar -> varchar", "t_array_join_null({0}, {1}, {2})")
scalar("array_position", "array(t), t -> bigint", "t_array_position({0}, {1})")
scalar("element_at", "array(e), bigint -> e", "t_element_at({0}, {1})")
scalar("element_at", "map(k,v), k -> v", "map_extract_value({0}, {1})")
scalar("transform", "array(t), function(t,u) -> array(u)", "list_transform({0}, {1})")
scalar("filter", "array(t), function(t,boolean) -> array(t)", "list_filter({0}, {1})")
scalar("sequence", "bigint, bigint -> array(bigint)", "t_sequence({0}, {1})")

# ---- aggregates
aggregate("count", "-> bigint", "CAST(count(*){over} AS BIGINT)")
aggregate("count", "t -> bigint", "CAST(count({distinct}{0}){over} AS BIGINT)", "distinct")
aggregate("count_if", "boolean -> bigint", "CAST(count(CASE WHEN {0} THEN 1 END){over} AS BIGINT)")
aggregate("sum", "bigint -> bigint", "CAST(sum({distinct}{0}){over} AS BIGINT)", "distinct")
aggregate("sum", "double -> double", "sum({distinct}{0}){over}", "distinct")
aggregate("sum", "decimal(p,s) -> decimal(38,s)", "CAST(sum({distinct}{0}){over} AS {type})", "distinct")
aggregate("avg", "bigint -> double", "(sum({distinct}CAST({0} AS DOUBLE)){over} / count({distinct}{0}){over})",
          "distinct")
aggregate("avg", "double -> double", "(sum({distinct}{0}){over} / count({distinct}{0}){over})", "distinct")
aggregate("avg", "decimal(p,s) -> decimal(p,s)", special.avg_decimal)
aggregate("min", "t -> t", "min({0}){over}", "orderable")
aggregate("max", "t -> t", "max({0}){over}", "orderable")
aggregate("max_by", "v, k -> v", "arg_max_null({0}, {1}){over}")
aggregate("min_by", "v, k -> v", "arg_min_null({0}, {1}){over}")
aggregate("arbitrary|any_value", "t -> t", "any_value({0}){over}")
aggregate("array_agg", "t -> array(t)", "list({distinct}{0}{order}){over}", "distinct", "order")
aggregate("bool_and|every", "boolean -> boolean", "bool_and({0}){over}")
aggregate("bool_or", "boolean -> boolean", "bool_or({0}){over}")

# ---- windows
window("row_number", "-> bigint", "row_number(){over}")
window("rank", "-> bigint", "rank(){over}")
window("dense_rank", "-> bigint", "dense_rank(){over}")
window("percent_rank", "-> double", "percent_rank(){over}")
window("cume_dist", "-> double", "cume_dist(){over}")
window("ntile", "bigint -> bigint", "ntile({0}){over}")
window("lag", "t -> t", "lag({0}){over}")
window("lag", "t, bigint -> t", "lag({0}, t_offset({1})){over}")
window("lag", "t, bigint, t -> t", "lag({0}, t_offset({1}), {2}){over}")
window("lead", "t -> t", "lead({0}){over}")
window("lead", "t, bigint -> t", "lead({0}, t_offset({1})){over}")
window("lead", "t, bigint, t -> t", "lead({0}, t_offset({1}), {2}){over}")
window("first_value", "t -> t", "first_value({0}){over}")
window("last_value", "t -> t", "last_value({0}){over}")
window("nth_value", "t, bigint -> t", "nth_value({0}, {1}){over}")


def names() -> dict[str, Any]:
    """Every verified function's name, with what it is."""
    from athena.duckdb_functions import REGISTRY, SPECIAL

    return {**{name: lines[0].kind for name, lines in REGISTRY.items()}, **dict.fromkeys(SPECIAL, "special form")}
