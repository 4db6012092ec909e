"""DuckDB macros: corrections that DuckDB's own functions can express. Each is one entry, `name(parameters)`: text.

A macro's text repeats its parameters, so these stay small; where a value must be computed once, it is a Python
function (`python_functions`) instead.
"""

from __future__ import annotations


def _error(code: str, message: str, held: str = "TINYINT") -> str:
    """Text that fails with Trino's error; `message` is SQL. DuckDB's own error() is volatile, and so fits in no TRY.
    TINYINT gives way to any other number's type."""
    return f"CAST(py_fail('[[{code}|' || {message} || ']]') AS {held})"


_ZERO = _error("DIVISION_BY_ZERO", "'Division by zero'")
_RANGES = {
    "tinyint": (-(2**7), 2**7 - 1, "TINYINT"),
    "smallint": (-(2**15), 2**15 - 1, "SMALLINT"),
    "integer": (-(2**31), 2**31 - 1, "INTEGER"),
    "bigint": (-(2**63), 2**63 - 1, "BIGINT"),
}
_JAVA = {"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT"}

MACROS: dict[str, str] = {
    "t_int_div(n, d)": f"(n // CASE WHEN d = 0 AND n IS NOT NULL THEN {_ZERO} ELSE d END)",
    "t_int_mod(n, d)": f"CASE WHEN d = -1 THEN n * 0 ELSE n % CASE WHEN d = 0 AND n IS NOT NULL THEN {_ZERO} ELSE d "
                       f"END END",
    # Only the operator knows its own error: mod(1, 0) fails as Java does.
    "t_mod(n, d)": "CASE WHEN d = -1 THEN n * 0 ELSE n % CASE WHEN d = 0 AND n IS NOT NULL THEN "
    + _error("GENERIC_INTERNAL_ERROR", "'/ by zero'")
    + " ELSE d END END",
    "t_half_up(n, d)": f"n // CASE WHEN d = 0 AND n IS NOT NULL THEN {_ZERO} ELSE d END + "
    "CASE WHEN d <> 0 AND abs(n % d) * 2 >= abs(d) THEN sign(n) * sign(d) ELSE 0 END",
    "t_point(digits, scale)": "CASE WHEN digits[1] = '-' THEN '-' || t_point_plain(digits[2:], scale) "
    "ELSE t_point_plain(digits, scale) END",
    # NaN equals nothing and is in no order, as in Java; DuckDB takes it for the largest number.
    "t_eq(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE NOT isnan(a) AND a = b END",
    "t_ne(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE isnan(a) OR a <> b END",
    "t_lt(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE NOT isnan(b) AND a < b END",
    "t_le(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE NOT isnan(b) AND a <= b END",
    "t_gt(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE NOT isnan(a) AND a > b END",
    "t_ge(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE NOT isnan(a) AND a >= b END",
    # Arrays with nulls: different where two elements differ, unknown where one is null.
    "t_array_eq(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) <> len(b) THEN FALSE "
    "WHEN list_contains(list_transform(list_zip(a, b), lambda z: z[1] = z[2]), FALSE) THEN FALSE "
    "WHEN list_position(list_transform(list_zip(a, b), lambda z: z[1] = z[2]), NULL) > 0 THEN NULL "
    "ELSE TRUE END",
    "t_at(a, i)": "a[CASE WHEN a IS NULL OR i IS NULL THEN NULL "
    f"WHEN i = 0 THEN {_error('INVALID_FUNCTION_ARGUMENT', repr('SQL array indices start at 1'))} WHEN i < 0 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'Array subscript is negative: ' || i")
    + " WHEN i > len(a) THEN "
    + _error(
        "INVALID_FUNCTION_ARGUMENT",
        "'Array subscript must be less than or equal to array length: ' || i || ' > ' || len(a)",
    )
    + " ELSE i END]",
    "t_element_at(a, i)": "a[CASE WHEN a IS NULL OR i IS NULL OR abs(i) > len(a) THEN NULL WHEN i = 0 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'")
    + " ELSE i END]",
    "t_map(k, v)": "CASE WHEN k IS NULL OR v IS NULL THEN NULL WHEN len(k) <> len(v) THEN map(k, v["
    + _error(
        "INVALID_FUNCTION_ARGUMENT",
        "'Key and value arrays must be the same length' || left(CAST(len(k) AS VARCHAR), 0)",
    )
    + ":]) WHEN len(k) > list_count(k) THEN map(k, v["
    + _error("INVALID_FUNCTION_ARGUMENT", "'map key cannot be null' || left(CAST(len(k) AS VARCHAR), 0)")
    + ":]) "
    "WHEN len(list_distinct(k)) <> len(k) THEN map(k, v["
    + _error("INVALID_FUNCTION_ARGUMENT", "'Duplicate map keys are not allowed' || left(CAST(len(k) AS VARCHAR), 0)")
    + ":]) ELSE map(k, v) END",
    "t_map_at(m, k, shown)": "CASE WHEN m IS NULL OR k IS NULL THEN NULL WHEN map_contains(m, k) THEN "
    "map_extract_value(m, k) ELSE map_values(m)["
    + _error("INVALID_FUNCTION_ARGUMENT", "'Key not present in map: ' || shown")
    + "] END",
    "t_round_time(t, step)": "make_timestamp(CAST(step * ((epoch_us(t) + step // 2 - CASE WHEN (epoch_us(t) + step "
                             "// 2) % step < 0 "
    "THEN step + (epoch_us(t) + step // 2) % step ELSE (epoch_us(t) + step // 2) % step END) // step) AS BIGINT))",
    "t_date_add_interval(d, ms)": "CASE WHEN ms % 86400000 <> 0 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'Cannot add hour, minutes or seconds to a date'", "DATE")
    + " ELSE d + CAST(ms // 86400000 AS INTEGER) END",
    "t_text_to_boolean(s)": "CASE WHEN s IS NULL THEN NULL WHEN lower(s) IN ('t', 'true', '1') THEN TRUE "
    "WHEN lower(s) IN ('f', 'false', '0') THEN FALSE ELSE "
    + _error("INVALID_CAST_ARGUMENT", "'Cannot cast ''' || s || ''' to BOOLEAN'", "BOOLEAN")
    + " END",
    "t_text_to_date(s)": "CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND "
    "TRY_CAST(s AS DATE) IS NOT NULL THEN s ELSE py_text_to_date(s) END",
    "t_text_to_timestamp(s, p)": "CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, "
    "'[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-9]{2}:[0-5][0-9]') AND TRY_CAST(s AS TIMESTAMP) "
    "IS NOT NULL THEN s ELSE py_text_to_timestamp(s, CAST(p AS INTEGER)) END",
    "t_fit(s, n, given, wanted)": "CASE WHEN length(s) <= n THEN s ELSE "
    + _error("INVALID_CAST_ARGUMENT", "'Value ' || s || ' cannot be represented as ' || wanted", "VARCHAR")
    + " END",
    "t_point_plain(digits, scale)": "left(lpad(digits, greatest(len(digits), scale + 1)::INTEGER, '0'), -scale) || "
                                    "'.' || right(lpad(digits, greatest(len(digits), scale + 1)::INTEGER, '0'), scale)",
    # substr counts from 1 and from the end with a negative start; outside of the text, or at 0, it is empty.
    "t_substr(s, i)": "CASE WHEN s IS NULL OR i IS NULL THEN NULL WHEN i = 0 OR i > length(s) OR i < -length(s) THEN "
                      "'' "
    "ELSE substring(s, i) END",
    "t_substr_length(s, i, n)": "CASE WHEN s IS NULL OR i IS NULL OR n IS NULL THEN NULL WHEN i = 0 OR n <= 0 OR "
    "i > length(s) OR i < -length(s) THEN '' ELSE substring(substring(s, i), 1, least(n, 4294967295)) "
    "END",
    "t_sqrt(n)": "CASE WHEN n < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt(n) END",
    "t_to_unixtime(t)": "(CAST(epoch_us(t) AS DOUBLE) / 1000000.0::DOUBLE)",
    "t_contains(a, x)": "CASE WHEN a IS NULL OR x IS NULL THEN NULL WHEN list_contains(a, x) THEN TRUE "
    "WHEN len(a) > list_count(a) THEN NULL ELSE FALSE END",
    "t_array_position(a, x)": "CASE WHEN a IS NULL OR x IS NULL THEN NULL "
    "ELSE CAST(coalesce(list_position(a, x), 0) AS BIGINT) END",
    "t_array_join(a, d)": "CASE WHEN a IS NULL OR d IS NULL THEN NULL ELSE "
    "py_join(list_filter(a, lambda x: x IS NOT NULL), d) END",
    "t_array_join_null(a, d, n)": "CASE WHEN a IS NULL OR d IS NULL OR n IS NULL THEN NULL ELSE "
    "py_join(list_transform(a, lambda x: coalesce(x, n)), d) END",
    "t_sequence(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN abs(b - a) >= 10000 THEN "
    + _error(
        "INVALID_FUNCTION_ARGUMENT", "'result of sequence function must not have more than 10000 entries'", "BIGINT[]"
    )
    + " WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END",
    "t_sequence_step(a, b, step)": "CASE WHEN a IS NULL OR b IS NULL OR step IS NULL THEN NULL WHEN step = 0 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'step must not be zero' || left(CAST(a AS VARCHAR), 0)", "BIGINT[]")
    + " WHEN (step > 0) <> (b >= a) AND a <> b THEN "
    + _error(
        "INVALID_FUNCTION_ARGUMENT",
        "'sequence stop value should be greater than or equal to start value if step is "
        "greater than zero otherwise stop should be less than or equal to start' || left(CAST(a AS VARCHAR), 0)",
        "BIGINT[]",
    )
    + " WHEN (b - a) // step >= 10000 THEN "
    + _error(
        "INVALID_FUNCTION_ARGUMENT",
        "'result of sequence function must not have more than 10000 entries' || left(CAST(a AS VARCHAR), 0)",
        "BIGINT[]",
    )
    + " ELSE generate_series(a, b, step) END",
    "t_date_sequence(a, b)": "list_transform(t_sequence(CAST(0 AS BIGINT), CAST(b - a AS BIGINT)), lambda n: a + "
                             "CAST(n AS INTEGER))",
    # 'Is among': equal, or both null.
    "t_in(a, x)": "CASE WHEN x IS NULL THEN len(a) > list_count(a) ELSE list_contains(a, x) END",
    "t_array_distinct(a)": "list_filter(a, lambda x, i: coalesce(list_position(a, x) = i, FALSE))",
    # With nothing to take away the array stays as it is, the same twice included.
    "t_array_except(a, b)": "CASE WHEN b IS NULL THEN NULL WHEN len(b) = 0 THEN a ELSE "
    "t_array_distinct(list_filter(a, lambda x: NOT t_in(b, x))) END",
    "t_array_intersect(a, b)": "CASE WHEN b IS NULL THEN NULL ELSE t_array_distinct(list_filter(a, lambda x: t_in(b, "
                               "x))) END",
    "t_array_union(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE t_array_distinct(list_concat(a, b)) END",
    "t_array_remove(a, x)": "CASE WHEN x IS NULL THEN NULL ELSE list_filter(a, lambda y: y IS NULL OR y <> x) END",
    "t_array_extreme(a, found)": "CASE WHEN len(a) > list_count(a) THEN NULL ELSE found END",
    "t_arrays_overlap(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN list_has_any(list_filter(a, lambda x: "
                              "x IS NOT NULL), "
    "list_filter(b, lambda x: x IS NOT NULL)) THEN TRUE WHEN len(a) > 0 AND len(b) > 0 AND "
    "(len(a) > list_count(a) OR len(b) > list_count(b)) THEN NULL ELSE FALSE END",
    "t_all_match(r)": "CASE WHEN r IS NULL THEN NULL WHEN list_contains(r, FALSE) THEN FALSE WHEN len(r) > "
                      "list_count(r) "
    "THEN NULL ELSE TRUE END",
    "t_any_match(r)": "CASE WHEN r IS NULL THEN NULL WHEN list_contains(r, TRUE) THEN TRUE WHEN len(r) > list_count(r) "
    "THEN NULL ELSE FALSE END",
    "t_repeat(x, n)": "CASE WHEN n IS NULL THEN NULL WHEN n < 0 OR n > 10000 THEN [x]["
    + _error(
        "INVALID_FUNCTION_ARGUMENT",
        "CASE WHEN n < 0 THEN 'count argument of repeat function must be greater than or "
        "equal to 0' ELSE 'count argument of repeat function must be less than or equal to 10000' END",
    )
    + ":] ELSE list_transform(range(0, n), lambda i: x) END",
    "t_slice(a, i, n)": "CASE WHEN a IS NULL OR i IS NULL OR n IS NULL THEN NULL WHEN n < 0 THEN a["
    + _error("INVALID_FUNCTION_ARGUMENT", "'length must be greater than or equal to 0' || left(CAST(n AS VARCHAR), 0)")
    + ":] WHEN i = 0 THEN a["
    + _error("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1' || left(CAST(i AS VARCHAR), 0)")
    + ":] WHEN abs(i) > len(a) OR n = 0 THEN a[1:0] WHEN i > 0 THEN a[i:least(i + n - 1, len(a))] "
    "ELSE a[len(a) + i + 1:least(len(a) + i + n, len(a))] END",
    "t_trim_array(a, n)": "CASE WHEN a IS NULL OR n IS NULL THEN NULL WHEN n < 0 THEN a["
    + _error("INVALID_FUNCTION_ARGUMENT", "'size must not be negative: ' || n")
    + ":] WHEN n > len(a) THEN a["
    + _error("INVALID_FUNCTION_ARGUMENT", "'size must not exceed array cardinality ' || len(a) || ': ' || n")
    + ":] ELSE a[1:len(a) - n] END",
    "t_ngrams(a, n)": "CASE WHEN a IS NULL OR n IS NULL THEN NULL WHEN n <= 0 THEN [a["
    + _error("INVALID_FUNCTION_ARGUMENT", "'N must be positive' || left(CAST(n AS VARCHAR), 0)")
    + ":]] "
    "WHEN n >= len(a) THEN [a] ELSE list_transform(range(1, len(a) - n + 2), lambda i: a[i:i + n - 1]) END",
    "t_contains_sequence(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(b) = 0 THEN TRUE ELSE "
                                 "list_contains("
    "list_transform(range(1, len(a) - len(b) + 2), lambda i: a[i:i + len(b) - 1] = b), TRUE) END",
    "t_concat_ws(d, a)": "CASE WHEN d IS NULL OR a IS NULL THEN NULL ELSE py_join(list_filter(a, lambda x: x IS NOT "
                         "NULL), d) END",
    # The first value of a key stands.
    "t_first_pairs(k, v)": "CASE WHEN k IS NULL THEN NULL ELSE map_from_entries(list_filter(list_zip(k, v), lambda "
                           "p, i: list_position(k, p[1]) = i)) END",
    "t_counts(k)": "CASE WHEN k IS NULL THEN NULL ELSE map_from_entries(list_transform(list_distinct(k), lambda x: "
                   "{'key': x, 'value': "
    "CAST(len(list_filter(k, lambda y: y = x)) AS BIGINT)})) END",
    "t_ln(n)": "CASE WHEN n < 0 THEN CAST('NaN' AS DOUBLE) WHEN n = 0 THEN CAST('-Infinity' AS DOUBLE) ELSE ln(n) END",
    "t_offset(n)": "CASE WHEN n IS NULL THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'Offset must not be null'")
    + " WHEN n < 0 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'Offset must be at least 0'")
    + " ELSE n END",
    # Whole months: the clock is compared too, and the last day of a month counts for any later one.
    "t_months_between(a, b)": "CASE WHEN a <= b THEN date_sub('month', a, b) ELSE -date_sub('month', b, a) END",
}

for _name, (_low, _high, _held) in _RANGES.items():
    _wide = f"CAST({_low} AS HUGEINT) AND CAST({_high} AS HUGEINT)"
    if _name != "bigint":
        MACROS[f"t_to_{_name}(n)"] = (
            f"CASE WHEN n IS NULL THEN NULL WHEN n BETWEEN {_low} AND {_high} THEN CAST(n AS {_held}) ELSE "
            + _error("NUMERIC_VALUE_OUT_OF_RANGE", f"'Out of range for {_name}: ' || n")
            + " END"
        )
    MACROS[f"t_float_to_{_name}(n)"] = (
        f"CASE WHEN n IS NULL THEN NULL WHEN isnan(n) THEN "
        f"{_error('INVALID_CAST_ARGUMENT', repr(f'Unable to cast NaN to {_name}'))} "
        f"WHEN round(n) >= {float(_low)!r}::DOUBLE AND round(n) < {float(_high + 1)!r}::DOUBLE THEN CAST(round(n) AS "
        f"{_held}) ELSE "
        + (
            _error("INVALID_CAST_ARGUMENT", f"'Unable to cast ' || py_double_to_text(n) || ' to {_name}'")
            if _name == "bigint"
            else _error("NUMERIC_VALUE_OUT_OF_RANGE", f"'Out of range for {_name}: ' || py_double_to_text(n)")
        )
        + " END"
    )
    MACROS[f"t_decimal_to_{_name}(n)"] = (
        f"CASE WHEN n IS NULL THEN NULL WHEN CAST(round(n) AS HUGEINT) BETWEEN {_wide} THEN CAST(CAST(round(n) AS "
        f"HUGEINT) AS {_held}) "
        "ELSE " + _error("INVALID_CAST_ARGUMENT", f"'Cannot cast ''' || round(n) || ''' to {_name.upper()}'") + " END"
    )
    MACROS[f"t_text_to_{_name}(s)"] = (
        f"CASE WHEN regexp_full_match(s, '[+-]?[0-9]+') AND TRY_CAST(s AS {_held}) IS NOT NULL THEN TRY_CAST(s AS "
        f"{_held}) ELSE CAST(py_text_to_whole(s, '{_JAVA[_name]}') AS {_held}) END"
    )


def statements() -> list[str]:
    """The statements that create the macros, those that others use first."""
    names = sorted(MACROS, key=lambda name: name != "t_point_plain(digits, scale)")
    return [f"CREATE OR REPLACE MACRO {name} AS {MACROS[name]}" for name in names]
