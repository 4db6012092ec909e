"""A function's signatures, and which of them a call means: the one that takes the arguments as they are, else the one
that needs the least coercion, as Trino resolves it."""
from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.on_duckdb.coercion import UNKNOWN, ZONED, as_decimal, coerces, common, duckdb, orderable, timed
from local_aws.athena.on_duckdb.model import Expr, Holds, coerced, fail
from local_aws.athena.trino_sql.grammar import refused
from local_aws.athena.trino_sql.nodes import Call, Node
from local_aws.athena.types import Type, parse_type

# Trino 476's functions (SHOW FUNCTIONS): what is there but not verified is refused, not unknown.
TRINO_FUNCTIONS = frozenset((Path(__file__).parent / "trino_functions.txt").read_text(encoding="utf-8").split())
_ORDER = ("tinyint", "smallint", "integer", "bigint", "decimal", "double")


@dataclass(frozen=True)
class Given:
    """What a function's text is made of: the call, its compiled arguments, the type it gives, and DuckDB's text of what
    an aggregate or window function has beside them."""

    node: Node
    name: str
    arguments: Sequence[Expr]
    result: Type
    now: datetime.datetime
    distinct: str = ""
    order: str = ""
    over: str = ""

    def written(self, template: str) -> str:
        """A template of DuckDB's text: {0}, {1}, … are the arguments, {all} all of them with commas, {type} the type of
        the result, {distinct}, {order} and {over} the clauses."""
        parts = [one.sql for one in self.arguments]
        return template.format(*parts, all=", ".join(parts), type=duckdb(self.result), distinct=self.distinct,
                               order=self.order, over=self.over)


Text = str | Callable[[Given], "str | Expr"]  # a template, or what makes the text (and may tell another type)


@dataclass(frozen=True)
class Signature:
    """One line of the registry. In `shown`, as Trino shows it, T is any type and varchar(x), decimal(p,s) and
    timestamp(p) are of any size, one that stands on both sides of the same. `options`: 'distinct' and 'order' for the
    clauses that an aggregate takes, 'orderable' where T must be,
    'refuses' where a value may be refused while running."""

    name: str
    kind: str  # scalar, aggregate or window
    shown: str
    text: Text
    options: frozenset[str]
    parameters: tuple[Type, ...]
    sizes: tuple[str, ...]  # the parameters as they are shown
    variadic: bool

    def taken(self, count: int) -> tuple[Type, ...]:
        """The parameters of a call with so many arguments."""
        more = max(count - len(self.parameters) + 1, 0) if self.variadic else 1
        return self.parameters[:-1] + self.parameters[-1:] * more

    def result(self, given: Sequence[Type], bound: dict[str, Type]) -> Type:
        """The type of a call with arguments of these types."""
        shown = self.shown.partition("->")[2].strip()
        if "(" in shown and shown in self.sizes:
            return given[self.sizes.index(shown)]
        if shown == "decimal(38,s)":
            return Type("decimal", (38, given[0].numbers[1]))
        return _bind(_pattern(shown), bound)


Registry = dict[str, list[Signature]]


def signature(kind: str, name: str, shown: str, text: Text, *options: str) -> Signature:
    """A line of the registry: `signature('scalar', 'upper', 'varchar(x) -> varchar(x)', 'py_upper({0})')`."""
    given = shown.partition("->")[0].strip()
    variadic = given.endswith("...")
    sizes = tuple(given.removesuffix("...").split(", ")) if given else ()
    return Signature(name, kind, shown, text, frozenset(options), tuple(map(_pattern, sizes)), sizes, variadic)


def _pattern(shown: str) -> Type:
    """A shown type without the variables of its size; those of types are single letters."""
    return parse_type(re.sub(r"\((?:\w+,)?[a-z]\)", "", shown))


def _variable(kind: Type) -> bool:
    return len(kind.name) == 1


def _match(wanted: Type, given: Type, bound: dict[str, Type]) -> int | None:
    """How far the given type is from the wanted one (0: the same), binding variables; None where it does not fit."""
    name = wanted.name
    if _variable(wanted):
        before = bound.get(name)
        both = given if before is None else common(before, given)
        if both is None:
            return None
        bound[name] = both
        return 0 if before is None or before == both == given else 1
    if given.name == "unknown":
        for one in wanted.inner:
            _match(one, UNKNOWN, bound)
        return 1
    if given.name == name:
        costs = [_match(one, own, bound) for one, own in zip(wanted.inner, given.inner, strict=True)]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None
    if name == "decimal":
        return 5 if given.name in _ORDER[:4] else None
    if timed(wanted):
        return 2 if (name, given.name) == ("timestamp", "date") else 4 if name == ZONED.name and (
            given.name == "date" or timed(given)) else None
    if wanted.inner or not coerces(given, wanted):
        return None
    return 1 + (_ORDER.index(name) - _ORDER.index(given.name) if name in _ORDER and given.name in _ORDER else 3)


def _bind(kind: Type, bound: dict[str, Type]) -> Type:
    """A type with its variables filled in."""
    if _variable(kind):
        return bound.get(kind.name, UNKNOWN)
    return replace(kind, inner=tuple(_bind(one, bound) for one in kind.inner))


def _argument(wanted: Type, shown: str, given: Type, bound: dict[str, Type]) -> Type:
    """The type to which an argument is brought."""
    if _variable(wanted) or wanted.inner:
        return _bind(wanted, bound)
    if wanted.name == given.name:
        return given
    if wanted.name == "decimal":
        return as_decimal(given) if given.name in _ORDER else Type("decimal", (1, 0))
    if timed(wanted):
        return Type(wanted.name, given.numbers or (3,))
    return Type("varchar", (0,)) if wanted.name == "varchar" and "(" in shown else wanted


def resolve(lines: Iterable[Signature], given: Sequence[Type]) -> tuple[Signature, dict[str, Type]] | None:
    """The signature that a call with these types means, and what its variables are."""
    best: tuple[int, Signature, dict[str, Type]] | None = None
    for one in lines:
        wanted = one.taken(len(given))
        if len(wanted) != len(given):
            continue
        bound: dict[str, Type] = {}
        costs = [_match(need, have, bound) for need, have in zip(wanted, given, strict=True)]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(costs) or "orderable" in one.options and not orderable(bound.get("t", UNKNOWN)):
            continue
        if best is None or sum(known) < best[0]:
            best = (sum(known), one, bound)
    return best[1:] if best else None


def unknown(registry: Registry, name: str, given: Sequence[Type], node: Node) -> QueryFailed:
    """The error that there is no such function, or none of these types."""
    types = ", ".join(map(str, given))
    if name not in registry:
        if name in TRINO_FUNCTIONS:
            return refused(f"the function {name}({types})", node)
        return fail("FUNCTION_NOT_FOUND", node, f"Function '{name}' not registered")
    expected = ", ".join(f"{name}({one.shown.partition('->')[0].strip()})" for one in registry[name])
    return fail("FUNCTION_NOT_FOUND", node, f"Unexpected parameters ({types}) for function {name}. Expected: "
                                            f"{expected}")


def emitted(chosen: Signature, bound: dict[str, Type], arguments: Sequence[Expr], call: Call | Node,
            now: datetime.datetime, **clauses: str) -> Expr:
    """The text of a call that is resolved."""
    taken = chosen.taken(len(arguments))
    shown = chosen.sizes + chosen.sizes[-1:] * (len(taken) - len(chosen.sizes))
    brought = [coerced(one, _argument(need, size, one.type, bound))
               for need, size, one in zip(taken, shown, arguments, strict=True)]
    result = chosen.result([one.type for one in brought], bound)
    given = Given(call, chosen.name, brought, result, now, **clauses)
    made = given.written(chosen.text) if isinstance(chosen.text, str) else chosen.text(given)
    found = made if isinstance(made, Expr) else Expr(made, result)
    return replace(found, holds=found.holds | Holds.REFUSAL) if "refuses" in chosen.options else found
