"""The prefixes of object names, and the expressions in them: which Firehose takes, and what they become.

https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html. A time is a pattern of Java's DateTimeFormatter
(https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html), of which the local AWS knows years,
months, days, hours, minutes, seconds and days of the year, and refuses the rest. The message of the constraint about a
missing ErrorOutputPrefix is AWS's own, with its slip (quoted in terraform-provider-aws, pull request 13416); the others
are worded like it.
"""
from __future__ import annotations

import re
import secrets
import time

EXPRESSION = re.compile(r"!\{(\w+):([^{}]*)\}")
NAMESPACES = ("firehose", "timestamp")
PARTITION_KEYS = ("partitionKeyFromQuery", "partitionKeyFromLambda")
ERROR_TYPE, RANDOM = "error-output-type", "random-string"
DEFAULT_TIME = "!{timestamp:yyyy/MM/dd/HH/}"
LONGEST = 512  # characters of an evaluated prefix
LONGEST_ERROR_TYPE = "format-conversion-failed"
TIME_TOKEN = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[\[\]{}#']")
TIME_FIELDS = {"y": "tm_year", "M": "tm_mon", "d": "tm_mday", "H": "tm_hour", "m": "tm_min", "s": "tm_sec",
               "D": "tm_yday"}
WIDEST = {"y": 19, "M": 4, "d": 2, "H": 2, "m": 2, "s": 2, "D": 3}  # letters in a row that Java allows


def violation(prefix: str, error_prefix: str, partitioned: bool) -> str | None:
    """What AWS says against a destination's Prefix and ErrorOutputPrefix ('' where there is none); None if it takes
    them. Where records are partitioned by content, expressions may name partition keys."""
    broken = _broken_rule(prefix, error_prefix, (*NAMESPACES, *PARTITION_KEYS) if partitioned else NAMESPACES)
    return broken and f"Ths supplied prefix(es) do not satisfy the following constraint: {broken}"


def _broken_rule(prefix: str, error_prefix: str, namespaces: tuple[str, ...]) -> str | None:
    for field, text in (("Prefix", prefix), ("ErrorOutputPrefix", error_prefix)):
        if "!{" in EXPRESSION.sub("", text):
            return f"{field} contains '!{{' outside of an expression of the form !{{namespace:value}}"
        for namespace, value in EXPRESSION.findall(text):
            if namespace not in namespaces:
                return f"{field} contains an expression of the unknown namespace {namespace}"
            if namespace == "firehose" and value not in (ERROR_TYPE, RANDOM):
                return f"{field} contains the unknown expression !{{firehose:{value}}}"
            if namespace == "timestamp" and not (value and is_time_pattern(value)):
                return f"{field} contains !{{timestamp:{value}}}, which is no time that the local AWS can write"
    if f"!{{firehose:{ERROR_TYPE}}}" in prefix:
        return f"Prefix cannot contain !{{firehose:{ERROR_TYPE}}}"
    if "!{" in prefix and not error_prefix:
        return "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions"
    # The page asks for it where ErrorOutputPrefix has expressions, and does not say what becomes of one without any
    if ("!{" in prefix or "!{" in error_prefix) and f"!{{firehose:{ERROR_TYPE}}}" not in error_prefix:
        return f"ErrorOutputPrefix must contain !{{firehose:{ERROR_TYPE}}}"
    now = time.gmtime()
    for field, text in (("Prefix", evaluate(prefix, now)),
                        ("ErrorOutputPrefix", evaluate_for_errors(prefix, error_prefix, now, LONGEST_ERROR_TYPE))):
        if len(text) > LONGEST:
            return f"{field} cannot be longer than {LONGEST} characters when it is evaluated"
    return None


def is_time_pattern(pattern: str) -> bool:
    """Whether it is a pattern of Java's that the local AWS knows: other letters are reserved by Java."""
    return all(token[0].startswith("'") and len(token[0]) > 1
               or token[1] in WIDEST and len(token[0]) <= WIDEST[token[1]] for token in TIME_TOKEN.finditer(pattern))


def evaluate(prefix: str, when: time.struct_time) -> str:
    """A Prefix with its expressions evaluated; one without a time gets the default time at its end."""
    return _evaluated(prefix if "!{timestamp:" in prefix else prefix + DEFAULT_TIME, when, "")


def evaluate_for_errors(prefix: str, error_prefix: str, when: time.struct_time, error_type: str) -> str:
    """Where failed records go: the ErrorOutputPrefix evaluated or, without one, a folder of their own under Prefix."""
    if error_prefix:
        return _evaluated(error_prefix, when, error_type)
    return evaluate(f"{prefix}{error_type}/", when)


def _evaluated(prefix: str, when: time.struct_time, error_type: str) -> str:
    def value(match: re.Match[str]) -> str:
        namespace, expression = match.groups()
        if namespace == "timestamp":
            return written(expression, when)
        return error_type if expression == ERROR_TYPE else secrets.token_hex(6)[:11]

    return EXPRESSION.sub(value, prefix)


def written(pattern: str, when: time.struct_time) -> str:
    """A time in a pattern of Java's: letters are its fields, text stands in quotes, two of which are one."""

    def text(match: re.Match[str]) -> str:
        token, letter = match[0], match[1]
        if not letter:
            return token[1:-1].replace("''", "'") or "'"
        if letter == "M" and len(token) > 2:
            return time.strftime("%b" if len(token) == 3 else "%B", when)
        value = getattr(when, TIME_FIELDS[letter])
        return str(value % 100 if token == "yy" else value).zfill(len(token))

    return TIME_TOKEN.sub(text, pattern)
