"""Functions whose DuckDB text depends on more than their arguments' texts: a unit, a pattern, a scale."""
from __future__ import annotations

import re
from collections.abc import Callable

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.on_duckdb.coercion import array, decimal, duckdb
from local_aws.athena.on_duckdb.decimals import digits, scaled
from local_aws.athena.on_duckdb.model import Expr, text
from local_aws.athena.on_duckdb.signatures import Given
from local_aws.athena.trino_sql.grammar import refused
from local_aws.athena.types import Type

UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")
_SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028" \
          "\u2029\u205f\u3000"
_PLAIN = re.compile(r"""(?:
    [A-Za-z0-9 _\-:;,/@"'<>=!~#%&`]                      # itself
  | \\[.\\+*?()\[\]{}|^$/\-dwsDWS]                      # an escape, or a class of ASCII
  | \[\^?\]?(?:[A-Za-z0-9 _:;,/@"'<>=!~#%.*+?(){}|$\-]|\\[.\\\-\]\[^dws/])+\]
  | \(\?: | [().|^$*+?] | \{\d+(?:,\d*)?\}
)*""", re.VERBOSE)


def _literal(given: Given, at: int, what: str) -> str:
    """The text of an argument that must be a literal."""
    value = given.arguments[at]
    if not value.literal or not isinstance(value.value, str):
        raise refused(f"{given.name} with {what} that is no literal", given.node)
    return value.value


def not_verified(given: Given) -> str:
    """A signature that Trino has, so that a call of it is told from one that is wrong."""
    types = ", ".join(str(one.type) for one in given.arguments)
    raise refused(f"the function {given.name}({types})", given.node)


def plain(template: str) -> Callable[[Given], str]:
    """A function that compares elements: of the types for which DuckDB's equality is Trino's."""
    def made(given: Given) -> str:
        item = given.arguments[0].type.inner[0]
        if item.inner or item.name in ("double", "json"):
            raise refused(f"{given.name} of {given.arguments[0].type}", given.node)
        return given.written(template)
    return made


def regexp(template: str) -> Callable[[Given], str]:
    """A function of a regular expression: only patterns that Java's and Python's engines read alike."""
    def made(given: Given) -> str:
        pattern = _literal(given, 1, "a pattern")
        if not _PLAIN.fullmatch(pattern) or re.search(r"[*+?}]\+|\(\?(?!:)", pattern):
            raise refused(f"the regular expression {pattern!r}", given.node)
        try:
            re.compile(pattern)
        except re.error as failed:
            raise QueryFailed("INVALID_FUNCTION_ARGUMENT", str(failed)) from None
        return given.written(template)
    return made


def replaced(given: Given) -> Expr:
    """replace: the result is as long as the longest text that it could give."""
    x, z = given.arguments[0].type.numbers, given.arguments[2].type.numbers
    size = (min(x[0] + z[0] * (x[0] + 1), 2**31 - 2),) if x and z else ()
    return Expr(given.written("py_replace({0}, {1}, {2})"), Type("varchar", size))


def json_path(template: str) -> Callable[[Given], str]:
    """A function of a JSON path: `$.a`, `$['a']`, `$[0]`."""
    def made(given: Given) -> str:
        path = _literal(given, 1, "a path")
        if not re.fullmatch(r"""\$(?:\.[A-Za-z_][\w]*|\[\d+\]|\["[^"\\\]]*"\]|\['[^'\\\]]*'\])*""", path):
            raise refused(f"the JSON path {path!r}", given.node)
        return given.written(template)
    return made


def split(given: Given) -> Expr:
    """split: an array of texts as long as the whole, at most."""
    return Expr(given.written("t_split({0}, {1})"), array(given.arguments[0].type))


def trim(given: Given) -> str:
    """Of what Java calls white space, from Unicode too."""
    return given.written(f"trim({{0}}, {text(_SPACES)})")


def round_decimal(given: Given) -> Expr:
    """round of a decimal, half away from zero: Trino gives it a digit more, or no scale without places."""
    (precision, scale), places = given.arguments[0].type.numbers, 0
    kind = decimal(precision - scale + min(scale, 1), 0)
    if len(given.arguments) == 2:
        kind, value = decimal(precision + 1, scale), given.arguments[1]
        if not value.literal or type(value.value) is not int:
            raise refused("round to a number of places that is no literal", given.node)
        places = value.value
    rounded = f"round({{0}}, {places})" if places < scale else "{0}"
    return Expr(given.written(f"CAST({rounded} AS {duckdb(kind)})"), kind)


def avg_decimal(given: Given) -> str:
    """avg of decimals, exact: the sum's digits divided and rounded half up to the argument's scale."""
    wide = decimal(38, given.result.numbers[1])
    total = given.written(f"CAST(sum({{distinct}}{{0}}){{over}} AS {duckdb(wide)})")
    count = given.written("CAST(count({distinct}{0}){over} AS HUGEINT)")
    return scaled(f"t_half_up({digits(Expr(total, wide))}, {count})", given.result)


# ---- times


def _unit(given: Given, of: Type) -> str:
    unit = _literal(given, 0, "a unit")
    if unit.lower() not in (UNITS[4:] if of.name == "date" else UNITS):
        what = "DATE" if of.name == "date" else "Timestamp"
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {what} field")
    return unit.lower()


def date_trunc(given: Given) -> str:
    """date_trunc. Raises INVALID_FUNCTION_ARGUMENT for a unit that the type has not."""
    return given.written(f"CAST(date_trunc('{_unit(given, given.result)}', {{1}}) AS {{type}})")


def date_add(given: Given) -> str:
    """date_add: months end on the last day that there is. Raises INVALID_FUNCTION_ARGUMENT for a unit."""
    unit = _unit(given, given.result)
    count = "CAST({1} AS INTEGER)"
    amount = {"millisecond": "to_milliseconds({1})", "quarter": f"to_months({count} * 3)",
              "week": f"to_days({count} * 7)"}.get(
                  unit, f"to_{unit}s({'{1}' if unit in ('second', 'minute', 'hour') else count})")
    return given.written(f"CAST(({{2}} + {amount}) AS {{type}})")


def date_diff(given: Given) -> str:
    """Whole units between two moments; DuckDB's date_diff counts the boundaries crossed."""
    unit = _unit(given, given.arguments[1].type)
    if unit in ("month", "quarter", "year"):
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        return given.written(f"(t_months_between(CAST({{1}} AS TIMESTAMP), CAST({{2}} AS TIMESTAMP)) // {months})")
    size = {"millisecond": 10**3, "second": 10**6, "minute": 6 * 10**7, "hour": 36 * 10**8, "day": 864 * 10**8,
            "week": 6048 * 10**8}[unit]
    return given.written(f"((epoch_us(CAST({{2}} AS TIMESTAMP)) - epoch_us(CAST({{1}} AS TIMESTAMP))) // {size})")


def now(given: Given) -> str:
    """The instant at which the query started, in milliseconds."""
    return f"CAST('{given.now.replace(tzinfo=None).isoformat(' ', 'milliseconds')}' AS TIMESTAMP)"
