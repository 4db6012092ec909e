"""Filter patterns: which AWS takes, and which records pass them.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html, 'Filter rule syntax': the rules are
EventBridge's (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html), of which the page lists
null, empty, equals, equals (ignore case), and, or, $or, anything-but, numeric, exists, prefix and suffix. Others are
refused here. What AWS refuses of these was recorded by LocalStack (test_sqs_invalid_event_filter,
test_dynamodb_invalid_event_filter and its event_pattern_templates whose names end in _EXC).
"""
from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

FILTERS = 5  # of one mapping
CHARACTERS = 4096  # of a pattern: https://docs.aws.amazon.com/lambda/latest/api/API_Filter.html
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
TEXT_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith, "suffix": str.endswith,
    "equals-ignore-case": lambda text, other: text.lower() == other.lower()}

Pattern = dict[str, Any]


class InvalidPattern(Exception):
    """AWS refuses a filter pattern. It does not say why; the text is for who reads the log."""


def patterns_of(criteria: dict | None) -> tuple[Pattern, ...]:
    """The patterns of a mapping's FilterCriteria, {"Filters": [{"Pattern": JSON text}, …]}; none where it is None or
    empty. Raises InvalidPattern for the first that AWS refuses."""
    filters = (criteria or {}).get("Filters") or []
    if len(filters) > FILTERS:
        raise InvalidPattern(f"there are more than {FILTERS} filters")
    return tuple(parse(one.get("Pattern")) for one in filters)


def parse(text: object) -> Pattern:
    """A pattern from its JSON text. Raises InvalidPattern."""
    if not isinstance(text, str) or len(text) > CHARACTERS:
        raise InvalidPattern(f"a pattern is a text of at most {CHARACTERS} characters")
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise InvalidPattern(str(error)) from None
    check_fields(pattern)
    return pattern


def check_fields(pattern: object) -> None:
    """Raise InvalidPattern unless each field has an object of further fields, or a list of what it may be."""
    if not isinstance(pattern, dict) or not pattern:
        raise InvalidPattern("fields must be a JSON object with at least one")
    for name, rule in pattern.items():
        if name == "$or":
            if not isinstance(rule, list) or len(rule) < 2:
                raise InvalidPattern("$or needs a list of at least two objects")
            for alternative in rule:
                check_fields(alternative)
        elif isinstance(rule, dict):
            check_fields(rule)
        elif isinstance(rule, list) and rule:
            for alternative in rule:
                check_alternative(alternative)
        else:
            raise InvalidPattern(f"{name} needs a list with at least one value")


def check_alternative(alternative: object) -> None:
    """Raise InvalidPattern unless it is a value or {operator: operand}."""
    if isinstance(alternative, list):
        raise InvalidPattern("a list may not hold another one")
    if not isinstance(alternative, dict):
        return
    if len(alternative) != 1:
        raise InvalidPattern("a comparison has one operator")
    (name, operand), = alternative.items()
    if not (name == "exists" and isinstance(operand, bool)
            or name in TEXT_OPERATORS and isinstance(operand, str)
            or name == "anything-but" and is_exclusion(operand)
            or name == "numeric" and is_range(operand)):
        raise InvalidPattern(f"{name} is no operator, or its operand is of another kind")


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number of JSON's."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_exclusion(operand: object) -> bool:
    """Whether it can stand behind anything-but: text, numbers, or texts that something must not begin with or the
    like."""
    if isinstance(operand, dict):
        values = [text for value in operand.values() for text in (value if isinstance(value, list) else [value])]
        return (len(operand) == 1 and operand.keys() <= TEXT_OPERATORS.keys() and bool(values)
                and all(isinstance(text, str) and text for text in values))
    values = operand if isinstance(operand, list) else [operand]
    return bool(values) and all(isinstance(value, str) or is_number(value) for value in values)


def is_range(operand: object) -> bool:
    """Whether it can stand behind numeric: one comparison, or a lower bound and then an upper one."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    signs, bounds = operand[::2], operand[1::2]
    if not all(isinstance(sign, str) and sign in COMPARISONS for sign in signs) or not all(map(is_number, bounds)):
        return False
    return len(signs) == 1 or signs[0] in (">", ">=") and signs[1] in ("<", "<=") and bounds[0] < bounds[1]


def wanted(record: dict, patterns: Sequence[Pattern]) -> bool:
    """Whether a record passes one of the patterns, or there is none."""
    return not patterns or any(matches(record, pattern) for pattern in patterns)


def matches(value: object, pattern: Pattern) -> bool:
    """Whether a record or a part of one has all the fields of a pattern as this wants them."""
    for name, rule in pattern.items():
        if name == "$or":
            if not any(matches(value, alternative) for alternative in rule):
                return False
            continue
        here = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
        if not (matches(here, rule) if isinstance(rule, dict) else any(allows(one, here) for one in rule)):
            return False
    return True


ABSENT = object()  # no value, as opposed to null


def allows(alternative: object, value: object) -> bool:
    """Whether one of a field's alternatives allows its value. They look at values only: where the field holds further
    fields, it is as if it were not there."""
    if isinstance(value, list):
        return any(allows(alternative, element) for element in value or [ABSENT])
    if isinstance(value, dict):
        value = ABSENT
    if not isinstance(alternative, dict):
        return value is not ABSENT and value == alternative and isinstance(value, bool) == isinstance(alternative, bool)
    (name, operand), = alternative.items()
    if name == "exists":
        return (value is not ABSENT) == operand
    if value is ABSENT:
        return False
    if name in TEXT_OPERATORS:
        return isinstance(value, str) and TEXT_OPERATORS[name](value, operand)
    if name == "anything-but":
        if isinstance(operand, dict):
            (name, texts), = operand.items()
            return not any(allows({name: text}, value) for text in (texts if isinstance(texts, list) else [texts]))
        return value not in (operand if isinstance(operand, list) else [operand])
    return is_number(value) and all(
        COMPARISONS[sign](value, bound) for sign, bound in zip(operand[::2], operand[1::2], strict=True))
