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
    "t_int_mod(n, d)": "CASE WHEN d = -1 THEN n * 0 ELSE n % "
    f"CASE WHEN d = 0 AND n IS NOT NULL THEN {_ZERO} ELSE d END END",
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
    "t_at(a, i)": "a[CASE WHEN a IS NULL OR i IS NULL THEN NULL "
    f"WHEN i = 0 THEN {_error('INVALID_FUNCTION_ARGUMENT', repr('SQL array indices start at 1'))} WHEN i < 0 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'Array subscript is negative: ' || i")
    + " WHEN i > len(a) THEN "
    + _error("INVALID_FUNCTION_ARGUMENT",
             "'Array subscript must be less than or equal to array length: ' || i || ' > ' || len(a)")
    + " ELSE i END]",
    "t_element_at(a, i)": "a[CASE WHEN a IS NULL OR i IS NULL OR abs(i) > len(a) THEN NULL WHEN i = 0 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'")
    + " ELSE i END]",
    "t_text_to_boolean(s)": "CASE WHEN s IS NULL THEN NULL WHEN lower(s) IN ('t', 'true', '1') THEN TRUE "
    "WHEN lower(s) IN ('f', 'false', '0') THEN FALSE ELSE "
    + _error("INVALID_CAST_ARGUMENT", "'Cannot cast ''' || s || ''' to BOOLEAN'", "BOOLEAN")
    + " END",
    "t_text_to_date(s)": "CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND "
    "TRY_CAST(s AS DATE) IS NOT NULL THEN s ELSE py_text_to_date(s) END",
    "t_text_to_timestamp(s, p)": "CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, "
    "'[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-9]{2}:[0-5][0-9]') AND TRY_CAST(s AS TIMESTAMP) "
    "IS NOT NULL THEN s ELSE py_text_to_timestamp(s, CAST(p AS INTEGER)) END",
    "t_point_plain(digits, scale)": "left(lpad(digits, greatest(len(digits), scale + 1)::INTEGER, '0'), -scale) || "
                                    "'.' || right(lpad(digits, greatest(len(digits), scale + 1)::INTEGER, '0'), scale)",
    # substr counts from 1 and from the end with a negative start; outside of the text, or at 0, it is empty.
    "t_substr(s, i)": "CASE WHEN s IS NULL OR i IS NULL THEN NULL WHEN i = 0 OR i > length(s) OR i < -length(s) "
    "THEN '' ELSE substring(s, i) END",
    "t_substr_length(s, i, n)": "CASE WHEN s IS NULL OR i IS NULL OR n IS NULL THEN NULL WHEN i = 0 OR n <= 0 OR "
    "i > length(s) OR i < -length(s) THEN '' ELSE substring(substring(s, i), 1, least(n, 4294967295)) END",
    "t_split(s, d)": "CASE WHEN d IS NOT NULL THEN string_split(s, CASE WHEN d = '' THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'The delimiter may not be the empty string'", "VARCHAR")
    + " ELSE d END) END",
    "t_contains(a, x)": "CASE WHEN a IS NULL OR x IS NULL THEN NULL WHEN list_contains(a, x) THEN TRUE "
    "WHEN len(a) > list_count(a) THEN NULL ELSE FALSE END",
    "t_array_join(a, d)": "CASE WHEN a IS NULL OR d IS NULL THEN NULL ELSE "
    "py_join(list_filter(a, lambda x: x IS NOT NULL), d) END",
    "t_sequence(a, b)": "CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN abs(b - a) >= 10000 THEN "
    + _error("INVALID_FUNCTION_ARGUMENT", "'result of sequence function must not have more than 10000 entries'",
             "BIGINT[]")
    + " WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END",
    "t_array_distinct(a)": "list_filter(a, lambda x, i: coalesce(list_position(a, x) = i, FALSE))",
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
    MACROS[f"t_double_to_{_name}(n)"] = (
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
