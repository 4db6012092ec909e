"""Expressions: each kind of node gets Trino's type and the DuckDB text that has Trino's value, or is refused.

There is one method for each kind, so what has no method cannot run. Types and errors are decided here, as Trino's
analyzer decides them, before DuckDB sees anything: it is never asked to infer a type or to resolve a name.
https://trino.io/docs/476/functions.html
"""
from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from local_aws.athena.engine import QueryFailed
from local_aws.athena.on_duckdb import casts, functions
from local_aws.athena.on_duckdb.grammar import Node, refused
from local_aws.athena.on_duckdb.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DAY_TIME,
    DOUBLE,
    INTEGER,
    INTEGERS,
    TIMESTAMP,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    YEAR_MONTH,
    ZONED,
    array,
    as_decimal,
    coerces,
    common,
    comparable,
    decimal,
    duckdb,
    held,
    numeric,
    orderable,
    row_of,
    words,
)
from local_aws.athena.types import Type

UNSET: Any = object()


@dataclass
class Expr:
    """A compiled expression: DuckDB's text, Trino's type, and the value where it is a literal."""

    sql: str
    type: Type
    value: Any = UNSET

    @property
    def literal(self) -> bool:
        return self.value is not UNSET


@dataclass
class Field:
    """A column that can be named: by `name`, or by `qualifier` (parts of the relation's name) and name."""

    name: str | None
    type: Type
    sql: str
    qualifier: tuple[str, ...] = ()
    origin: Any = None  # (scan, column) where the value is that of a table's column, unchanged
    value: Any = UNSET
    needs: frozenset[Any] = frozenset()  # every (scan, column) that the value is made of


@dataclass
class Scope:
    """The columns in reach. Those of `parent` are a surrounding query's: reached by correlation. `fallback` are the
    source columns behind an ORDER BY's output columns."""

    fields: list[Field] = field(default_factory=list)
    parent: Scope | None = None
    fallback: Scope | None = None
    lambda_of: Scope | None = None


@dataclass
class Context:
    """What an expression may use where it stands, and what it turned out to use."""

    scope: Scope
    clause: str = "SELECT"
    clause_at: Node | None = None
    query_at: Node | None = None
    aggregates: bool = False  # whether aggregates may stand here
    windows: bool = False  # whether window functions may stand here
    groups: frozenset[str] | None = None  # texts of the grouping expressions, in a query that groups
    grouping_sets: list[str] = field(default_factory=list)
    inside: str = ""  # 'aggregate' or 'window' while the arguments of one are compiled
    named_windows: dict[str, Node] = field(default_factory=dict)
    loose: list[tuple[Node, str]] = field(default_factory=list)  # columns neither grouped nor aggregated
    found_aggregate: Node | None = None
    found_window: Node | None = None
    correlated: list[Field] = field(default_factory=list)
    used: list[Field] = field(default_factory=list)


def fail(code: str, at: Any, message: str) -> QueryFailed:
    return QueryFailed(code, f"line {at.line}:{at.column}: {message}")


def text(value: str) -> str:
    """A string literal of DuckDB."""
    if "\0" in value:
        return "(" + " || chr(0) || ".join(text(part) for part in value.split("\0")) + ")"
    return "'" + value.replace("'", "''") + "'"


def null(kind: Type) -> str:
    return f"CAST(NULL AS {duckdb(kind)})"


def unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


class Expressions:
    """Compiles expressions; the queries inside them are `compile_query`'s, of the class that extends this one."""

    now: datetime.datetime  # the instant of the query, UTC: the same wherever the query asks

    deferred: set[Any] | None = None  # where needs are kept while an output column is compiled that may go unused

    def compile_query(self, query: Node, outer: Scope | None) -> Any:
        raise NotImplementedError

    def need(self, needs: Iterable[Any]) -> None:
        """Take note that columns of scans have to be read."""
        if self.deferred is not None:
            self.deferred.update(needs)
            return
        for scan, column in needs:
            scan.used.add(column)

    def expression(self, node: Node, context: Context) -> Expr:
        method = getattr(self, f"x_{node.kind}", None)
        if method is None:
            raise refused(node.kind.upper().replace("_", " "), node)
        mark_at = len(context.loose)
        result = method(node, context)
        if context.groups is not None and not context.inside and result.sql in context.groups:
            del context.loose[mark_at:]
        return result

    # ---- coercion

    def coerced(self, given: Expr, wanted: Type) -> Expr:
        """The value as a type that it coerces to."""
        if given.type == wanted or (given.type.name == wanted.name == "varchar"):
            return replace(given, type=wanted)
        if given.type.name == "unknown":
            return Expr(null(wanted), wanted, None)
        if duckdb(given.type) == duckdb(wanted):
            return replace(given, type=wanted)
        value = UNSET
        if given.literal and given.value is not None and numeric(given.type):
            value = float(given.value) if wanted.name in ("double", "real") else Decimal(given.value) \
                if wanted.name == "decimal" else given.value
        return Expr(f"CAST({given.sql} AS {duckdb(wanted)})", wanted, value)

    def unified(self, parts: Sequence[Expr], nodes: Sequence[Node], message: str) -> tuple[list[Expr], Type]:
        """Values brought to their common type; `message` for the error may use {0} and {1}, the types that clash."""
        kind = parts[0].type
        for part, node in zip(parts[1:], nodes[1:], strict=True):
            both = common(kind, part.type)
            if both is None:
                raise fail("TYPE_MISMATCH", node, message.format(words(kind), words(part.type)))
            kind = both
        return [self.coerced(part, kind) for part in parts], kind

    def boolean(self, node: Node, context: Context, what: str) -> Expr:
        value = self.expression(node, context)
        if value.type.name not in ("boolean", "unknown"):
            raise fail("TYPE_MISMATCH", node, f"{what} must evaluate to a boolean (actual: {words(value.type)})")
        return self.coerced(value, BOOLEAN)

    # ---- literals

    def x_null(self, node: Node, context: Context) -> Expr:
        return Expr("NULL", UNKNOWN, None)

    def x_boolean(self, node: Node, context: Context) -> Expr:
        return Expr("TRUE" if node.value else "FALSE", BOOLEAN, node.value)

    def x_integer(self, node: Node, context: Context) -> Expr:
        return self._whole(int(node.text), node)

    def _whole(self, value: int, node: Node) -> Expr:
        if -2**31 <= value < 2**31:
            return Expr(f"CAST({value} AS INTEGER)", INTEGER, value)
        if -2**63 <= value < 2**63:
            return Expr(f"CAST({value} AS BIGINT)", BIGINT, value)
        raise fail("SYNTAX_ERROR", node, f"Invalid numeric literal: {value}")

    def x_decimal(self, node: Node, context: Context) -> Expr:
        whole, _, fraction = node.text.partition(".")
        whole = whole.lstrip("0")
        precision = max(len(whole) + len(fraction), 1)
        if precision > 38:
            raise fail("INVALID_LITERAL", node, f"Invalid numeric literal: {node.text}")
        kind = Type("decimal", (precision, len(fraction)))
        digits = (whole or "0") + ("." + fraction if fraction else "")
        return Expr(f"CAST('{digits}' AS {duckdb(kind)})", kind, Decimal(digits))

    def x_double(self, node: Node, context: Context) -> Expr:
        value = float(node.text)
        return Expr(f"CAST('{node.text}' AS DOUBLE)", DOUBLE, value)

    def x_string(self, node: Node, context: Context) -> Expr:
        return Expr(text(node.value), Type("varchar", (len(node.value),)), node.value)

    def x_binary(self, node: Node, context: Context) -> Expr:
        return Expr(f"unhex('{node.value.hex()}')", VARBINARY, node.value)

    def x_typed(self, node: Node, context: Context) -> Expr:
        """DATE '…', TIMESTAMP '…', DECIMAL '…', DOUBLE '…' and so on."""
        name, value = node.type, node.value
        try:
            if name == "date":
                return Expr(f"CAST('{casts.date(value)}' AS DATE)", DATE, value)
            if name == "timestamp":
                moment, zone, digits = casts.timestamp(value)
                if digits > 6:
                    raise refused(f"a timestamp with {digits} digits of the second", node)
                if zone is not None:
                    if zone not in ("UTC", "Z"):
                        raise refused(f"the time zone {zone}", node)
                    return Expr(f"CAST('{moment}' AS TIMESTAMP)", Type(ZONED.name, (digits,)), value)
                return Expr(f"CAST('{moment}' AS TIMESTAMP)", Type("timestamp", (digits,)), value)
            if name == "decimal":
                found = re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)", value.strip())
                if found:
                    sign, digits = (value[0], value[1:]) if value[:1] in "+-" else ("", value)
                    result = self.x_decimal(Node("decimal", node, text=digits), context)
                    return Expr(f"CAST('{sign}{digits}' AS {duckdb(result.type)})", result.type, Decimal(value))
                raise ValueError
            if name in ("double", "real", "bigint", "integer", "int", "smallint", "tinyint", "boolean"):
                kind = casts.named(name, node)
                return casts.cast(self, Expr(text(value), VARCHAR, value), kind, node, safe=False)
            if name == "json":
                return self.function("json_parse", [Expr(text(value), VARCHAR, value)], node)
            if name == "varchar":
                return Expr(text(value), VARCHAR, value)
        except ValueError:
            raise fail("INVALID_LITERAL", node, f"'{value}' is not a valid {name.upper()} literal") from None
        if name in ("time", "char", "varbinary", "uuid", "ipaddress"):
            raise refused(f"a literal of type {name.upper()}", node)
        raise QueryFailed("TYPE_NOT_FOUND", f"Unknown type: {name}")

    def x_interval(self, node: Node, context: Context) -> Expr:
        if node.to:
            raise refused(f"INTERVAL … {node.unit} TO {node.to}", node)
        found = re.fullmatch(r"\s*([+-]?)(\d+)\s*", node.value)
        if not found:
            if node.unit == "SECOND" and re.fullmatch(r"\s*[+-]?\d+\.\d{1,3}\s*", node.value):
                return Expr(f"CAST({int(Decimal(node.value.strip()) * 1000) * node.sign} AS BIGINT)", DAY_TIME)
            raise fail("INVALID_LITERAL", node, f"'{node.value}' is not a valid INTERVAL literal")
        count = int(found[2]) * node.sign * (-1 if found[1] == "-" else 1)
        if node.unit in ("YEAR", "MONTH"):
            return Expr(f"CAST({count * (12 if node.unit == 'YEAR' else 1)} AS INTEGER)", YEAR_MONTH)
        size = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}[node.unit]
        return Expr(f"CAST({count * size} AS BIGINT)", DAY_TIME)

    def x_current(self, node: Node, context: Context) -> Expr:
        moment = self.now.replace(tzinfo=None).isoformat(" ", "milliseconds")
        if node.what == "CURRENT_DATE":
            return Expr(f"CAST('{moment[:10]}' AS DATE)", DATE)
        if node.what == "CURRENT_TIMESTAMP":
            return Expr(f"CAST('{moment}' AS TIMESTAMP)", ZONED)
        if node.what == "LOCALTIMESTAMP":
            return Expr(f"CAST('{moment}' AS TIMESTAMP)", TIMESTAMP)
        raise refused(node.what, node)

    # ---- names

    def x_column(self, node: Node, context: Context) -> Expr:
        return self._named([node.name], node, context)

    def x_dereference(self, node: Node, context: Context) -> Expr:
        parts, base = [node.field], node.base
        while base.kind == "dereference":
            parts.append(base.field)
            base = base.base
        if base.kind == "column":
            parts.append(base.name)
            return self._named(parts[::-1], node, context)
        return self._field(self.expression(node.base, context), node.field, node)

    def _field(self, value: Expr, name: str, node: Node) -> Expr:
        if value.type.name != "row":
            raise fail("TYPE_MISMATCH", node, f"Expression {name} is not of type ROW")
        found = [at for at, own in enumerate(value.type.fields) if own is not None and own.lower() == name.lower()]
        if len(found) != 1:
            raise fail("COLUMN_NOT_FOUND" if not found else "AMBIGUOUS_NAME", node,
                       f"Column '{name}' cannot be resolved" if not found else f"Ambiguous row field reference: {name}")
        return Expr(f"struct_extract({value.sql}, 'f{found[0] + 1}')", value.type.inner[found[0]])

    def _named(self, parts: list[str], node: Node, context: Context) -> Expr:
        scope: Scope | None = context.scope
        inner = True
        while scope is not None:
            for level in (scope, scope.fallback):
                if level is None:
                    continue
                for qualifiers in range(len(parts) - 1, -1, -1):
                    found = self._matches(level, parts[:qualifiers], parts[qualifiers])
                    if len(found) > 1:
                        raise fail("AMBIGUOUS_NAME", node, f"Column '{'.'.join(parts[:qualifiers + 1])}' is ambiguous")
                    if found:
                        return self._reached(found[0], parts[qualifiers + 1:], node, context, inner)
            if scope.lambda_of is not None:
                scope = scope.lambda_of
            else:
                scope, inner = scope.parent, False
        if parts[-1].startswith("$"):
            raise refused(f"the hidden column {parts[-1]}", node)
        raise fail("COLUMN_NOT_FOUND", node, f"Column '{'.'.join(parts)}' cannot be resolved")

    def _matches(self, scope: Scope, qualifier: list[str], name: str) -> list[Field]:
        low, quals = name.lower(), tuple(part.lower() for part in qualifier)
        return [one for one in scope.fields if one.name is not None and one.name.lower() == low
                and (not quals or one.qualifier[-len(quals):] == quals)]

    def _reached(self, found: Field, rest: list[str], node: Node, context: Context, inner: bool) -> Expr:
        context.used.append(found)
        self.need(found.needs)
        if inner:
            if not context.inside and found.qualifier != ("lambda",):
                context.loose.append((node, node.name if node.kind == "column" else node.field))
        else:
            context.correlated.append(found)
        result = Expr(found.sql, found.type, found.value)
        if inner and context.loose and not context.inside and found.sql in (context.groups or ()):
            context.loose.pop()
        for name in rest:
            result = self._field(result, name, node)
        return result

    # ---- logic

    def x_logical(self, node: Node, context: Context) -> Expr:
        terms = [self._logical_term(term, context, node.operator) for term in node.terms]
        return Expr("(" + f" {node.operator} ".join(term.sql for term in terms) + ")", BOOLEAN)

    def _logical_term(self, term: Node, context: Context, operator: str) -> Expr:
        value = self.expression(term, context)
        if value.type.name not in ("boolean", "unknown"):
            raise fail("TYPE_MISMATCH", term,
                       f"Logical expression term must evaluate to a boolean (actual: {words(value.type)})")
        return self.coerced(value, BOOLEAN)

    def x_not(self, node: Node, context: Context) -> Expr:
        value = self.boolean(node.value, context, "Value of logical NOT expression")
        return Expr(f"(NOT {value.sql})", BOOLEAN)

    def x_is_null(self, node: Node, context: Context) -> Expr:
        value = self.expression(node.value, context)
        return Expr(f"({value.sql} IS {'NOT ' if node.negated else ''}NULL)", BOOLEAN)

    def pair(self, left: Expr, right: Expr, operator: str, node: Node) -> tuple[Expr, Expr]:
        kind = common(left.type, right.type)
        if kind is None or not comparable(kind) or (operator in ("<", "<=", ">", ">=") and not orderable(kind)):
            shown = {">": "<", ">=": "<=", "<>": "="}.get(operator, operator)
            raise fail("TYPE_MISMATCH", node,
                       f"Cannot apply operator: {words(left.type)} {shown} {words(right.type)}")
        return self.coerced(left, kind), self.coerced(right, kind)

    def compare(self, left: Expr, right: Expr, operator: str, node: Node) -> str:
        left, right = self.pair(left, right, operator, node)
        kind = left.type
        if kind.name == "unknown":
            return "CAST(NULL AS BOOLEAN)"
        if kind.name in ("double", "real"):
            if operator == "=" and (left.literal or right.literal):
                return f"({left.sql} = {right.sql})"
            name = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}[operator]
            return f"t_{name}({left.sql}, {right.sql})"
        if kind.name == "row":
            if operator not in ("=", "<>"):
                raise refused("the order of ROW values", node)
            pairs = [self.compare(Expr(f"struct_extract({left.sql}, 'f{at}')", one),
                                  Expr(f"struct_extract({right.sql}, 'f{at}')", one), "=", node)
                     for at, one in enumerate(kind.inner, 1)]
            null_row = f"CASE WHEN {left.sql} IS NULL OR {right.sql} IS NULL THEN NULL ELSE ({' AND '.join(pairs)}) END"
            return f"(NOT {null_row})" if operator == "<>" else f"({null_row})"
        if kind.name == "array":
            if operator not in ("=", "<>") or kind.inner[0].inner or kind.inner[0].name in ("double", "real"):
                raise refused(f"{operator} on {words(kind)}", node)
            return f"{'(NOT ' if operator == '<>' else '('}t_array_eq({left.sql}, {right.sql}))"
        if kind.name == "map":
            raise refused(f"{operator} on {words(kind)}", node)
        return f"({left.sql} {operator} {right.sql})"

    def x_comparison(self, node: Node, context: Context) -> Expr:
        left, right = self.expression(node.left, context), self.expression(node.right, context)
        return Expr(self.compare(left, right, node.operator, node), BOOLEAN)

    def x_is_distinct(self, node: Node, context: Context) -> Expr:
        left, right = self.expression(node.left, context), self.expression(node.right, context)
        left, right = self.pair(left, right, "IS DISTINCT FROM", node)
        if left.type.inner:
            raise refused(f"IS DISTINCT FROM on {words(left.type)}", node)
        return Expr(f"({left.sql} IS {'NOT ' if node.negated else ''}DISTINCT FROM {right.sql})", BOOLEAN)

    def x_between(self, node: Node, context: Context) -> Expr:
        value, low, high = (self.expression(part, context) for part in (node.value, node.low, node.high))
        kind = common(common(value.type, low.type) or value.type, high.type)
        if kind is None or common(value.type, low.type) is None or not orderable(kind):
            raise fail("TYPE_MISMATCH", node,
                       f"Cannot check if {words(value.type)} is BETWEEN {words(low.type)} and {words(high.type)}")
        sql = f"({self.compare(value, low, '>=', node)} AND {self.compare(value, high, '<=', node)})"
        return Expr(f"(NOT {sql})" if node.negated else sql, BOOLEAN)

    def x_in(self, node: Node, context: Context) -> Expr:
        value = self.expression(node.value, context)
        before = len(context.used)
        items = [self.expression(item, context) for item in node.items]
        constant = len(context.used) == before
        parts, kind = self.unified([value, *items], [node.value, *node.items],
                                   "IN value and list items must be the same type or coercible to a common type. "
                                   "Cannot find common type between {0} and {1}, all types (without duplicates): "
                                   f"[{', '.join(unique(words(one.type) for one in [value, *items]))}]")
        if kind.name in ("array", "map"):
            raise refused(f"IN with {words(kind)}", node)
        if kind.name == "row" and not constant:
            raise refused("IN with a list of ROW values that are no literals", node)
        if kind.name in ("double", "real", "row"):
            sql = "(" + " OR ".join(self.compare(parts[0], item, "=", node) for item in parts[1:]) + ")"
            if kind.name == "row" and len(parts) > 2:  # a row with a null is in no list, and not out of one
                nulls = " OR ".join(f"struct_extract({parts[0].sql}, 'f{at}') IS NULL"
                                    for at in range(1, len(kind.inner) + 1))
                sql = f"(CASE WHEN {nulls} THEN NULL ELSE {sql} END)"
        else:
            sql = f"({parts[0].sql} IN ({', '.join(item.sql for item in parts[1:])}))"
        return Expr(f"(NOT {sql})" if node.negated else sql, BOOLEAN)

    def x_like(self, node: Node, context: Context) -> Expr:
        value, pattern = self.expression(node.value, context), self.expression(node.pattern, context)
        for part, at, what in ((value, node.value, "Left side of"), (pattern, node.pattern, "Pattern for")):
            if part.type.name not in ("varchar", "unknown"):
                raise fail("TYPE_MISMATCH", at, f"{what} LIKE expression must evaluate to a varchar "
                                                f"(actual: {words(part.type)})")
        value, pattern = self.coerced(value, VARCHAR), self.coerced(pattern, VARCHAR)
        tail = ""
        if node.escape is not None:
            escape = self.expression(node.escape, context)
            if not isinstance(escape.value, str) or len(escape.value) != 1:
                raise QueryFailed("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character")
            if not isinstance(pattern.value, str):
                raise refused("LIKE … ESCAPE with a pattern that is no literal", node)
            mark_ = re.escape(escape.value)
            if re.search(f"{mark_}(?![%_{mark_}])", re.sub(f"{mark_}{mark_}", "", pattern.value)):
                raise QueryFailed("INVALID_FUNCTION_ARGUMENT",
                                  "Escape character must be followed by '%', '_' or the escape character itself")
            tail = f" ESCAPE {escape.sql}"
        return Expr(f"({value.sql} {'NOT ' if node.negated else ''}LIKE {pattern.sql}{tail})", BOOLEAN)

    # ---- arithmetic

    def x_sign(self, node: Node, context: Context) -> Expr:
        if node.operator == "-" and node.value.kind == "integer":
            return self._whole(-int(node.value.text), node)
        value = self.expression(node.value, context)
        if not (numeric(value.type) or value.type in (DAY_TIME, YEAR_MONTH)):
            raise fail("TYPE_MISMATCH", node, f"Cannot negate {words(value.type)}" if node.operator == "-" else
                       f"Unary '+' operator cannot by applied to {words(value.type)} type")
        if node.operator == "+":
            return value
        return Expr(f"(-{value.sql})", value.type, -value.value if value.literal and value.value is not None else UNSET)

    def x_arithmetic(self, node: Node, context: Context) -> Expr:
        left, right = self.expression(node.left, context), self.expression(node.right, context)
        result = self.arithmetic(left, right, node.operator)
        if result is None:
            raise fail("TYPE_MISMATCH", node,
                       f"Cannot apply operator: {words(left.type)} {node.operator} {words(right.type)}")
        return result

    def arithmetic(self, left: Expr, right: Expr, operator: str) -> Expr | None:
        if left.type.name == "unknown" and right.type.name == "unknown":
            return Expr(null(BIGINT), BIGINT) if operator in "+-*/%" else None
        if left.type.name == "unknown" and numeric(right.type):
            left = self.coerced(left, right.type)
        if right.type.name == "unknown" and numeric(left.type):
            right = self.coerced(right, left.type)
        if not (numeric(left.type) and numeric(right.type)):
            return self._moments(left, right, operator)
        kind = common(left.type, right.type)
        if kind is None:
            return None
        if kind.name == "decimal":
            return self._decimals(left, right, operator)
        left, right = self.coerced(left, kind), self.coerced(right, kind)
        if kind.name in INTEGERS:
            if operator == "/":
                return Expr(f"t_int_div({left.sql}, {right.sql})", kind)
            if operator == "%":
                return Expr(f"t_int_mod({left.sql}, {right.sql})", kind)
            return Expr(f"CAST(({left.sql} {operator} {right.sql}) AS {duckdb(kind)})", kind)
        if operator == "%":
            return Expr(f"CAST(py_fmod({left.sql}, {right.sql}) AS DOUBLE)", kind) if kind == DOUBLE else None
        if operator == "/":
            return Expr(f"({left.sql} / {right.sql})", kind)
        return Expr(f"CAST(({left.sql} {operator} {right.sql}) AS {duckdb(kind)})", kind)

    def _decimals(self, left: Expr, right: Expr, operator: str) -> Expr:
        left, right = (self.coerced(one, as_decimal(one.type)) for one in (left, right))
        (p1, s1), (p2, s2) = left.type.numbers, right.type.numbers
        if operator in "+-":
            kind = decimal(max(p1 - s1, p2 - s2) + max(s1, s2) + 1, max(s1, s2))
            wide = duckdb(kind)
            return Expr(f"(CAST({left.sql} AS {wide}) {operator} CAST({right.sql} AS {wide}))", kind)
        if operator == "*":
            kind = decimal(p1 + p2, s1 + s2)
            if s1 + s2 > 38:
                raise QueryFailed("INVALID_FUNCTION_ARGUMENT", "DECIMAL scale must be in range [0, precision]")
            if p1 + p2 > 38:
                return Expr(f"CAST(py_decimal_multiply(CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR)) "
                            f"AS {duckdb(kind)})", kind)
            return Expr(f"CAST(({left.sql} * {right.sql}) AS {duckdb(kind)})", kind)
        if operator == "/":
            kind = decimal(p1 + s2 + max(s2 - s1, 0), max(s1, s2))
            shift = max(s1, s2) - s1 + s2
            if p1 + shift <= 37 and p2 <= 37:
                quotient = f"t_half_up({_digits(left)} * CAST({10**shift} AS HUGEINT), {_digits(right)})"
                return Expr(_scaled(quotient, kind), kind)
            return Expr(f"CAST(py_decimal_divide(CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR), "
                        f"CAST({kind.numbers[1]} AS INTEGER)) AS {duckdb(kind)})", kind)
        kind = decimal(min(p2 - s2, p1 - s1) + max(s1, s2), max(s1, s2))
        return Expr(f"CAST(py_decimal_mod(CAST({left.sql} AS VARCHAR), CAST({right.sql} AS VARCHAR)) "
                    f"AS {duckdb(kind)})", kind)

    def _moments(self, left: Expr, right: Expr, operator: str) -> Expr | None:
        """Dates, timestamps and intervals: + and -, and an interval times a number."""
        kinds = (left.type.name, right.type.name)
        if operator == "+" and kinds[0].startswith("interval") and not kinds[1].startswith("interval"):
            left, right = right, left
            kinds = kinds[::-1]
        moment = kinds[0] in ("date", "timestamp", ZONED.name)
        if operator in "+-" and moment and kinds[1].startswith("interval"):
            amount = right.sql if operator == "+" else f"(-{right.sql})"
            if right.type == YEAR_MONTH:
                sql = f"({left.sql} + to_months({amount}))"
                return Expr(f"CAST({sql} AS DATE)" if kinds[0] == "date" else sql, left.type)
            if kinds[0] == "date":
                return Expr(f"CAST(t_date_add_interval({left.sql}, {amount}) AS DATE)", DATE)
            kind = left.type if left.type.numbers[0] >= 3 else Type(left.type.name, (3,))
            return Expr(f"({left.sql} + to_milliseconds({amount}))", kind)
        if operator == "-" and kinds[0] == kinds[1] and kinds[0] == "date":
            return Expr(f"(CAST({left.sql} - {right.sql} AS BIGINT) * 86400000)", DAY_TIME)
        if operator == "-" and moment and common(left.type, right.type) is not None:
            kind = common(left.type, right.type)
            if kind is not None and (kind.numbers[0] <= 3):
                left, right = self.coerced(left, kind), self.coerced(right, kind)
                return Expr(f"((epoch_us({left.sql}) - epoch_us({right.sql})) // 1000)", DAY_TIME)
            return None
        if operator in "+-" and kinds[0] == kinds[1] and kinds[0].startswith("interval"):
            return Expr(f"({left.sql} {operator} {right.sql})", left.type)
        if operator == "*" and kinds[1].startswith("interval"):
            left, right = right, left
            kinds = kinds[::-1]
        if operator == "*" and kinds[0].startswith("interval") and kinds[1] in INTEGERS:
            return Expr(f"({left.sql} * {right.sql})", left.type)
        return None

    def x_concatenation(self, node: Node, context: Context) -> Expr:
        left, right = self.expression(node.left, context), self.expression(node.right, context)
        return self.function("concat", [left, right], node)

    # ---- conditions

    def x_case(self, node: Node, context: Context) -> Expr:
        operand = self.expression(node.operand, context) if node.operand is not None else None
        conditions = []
        for condition, _ in node.whens:
            if operand is None:
                conditions.append(self.boolean(condition, context, "CASE WHEN clause").sql)
            else:
                value = self.expression(condition, context)
                if common(operand.type, value.type) is None:
                    raise fail("TYPE_MISMATCH", condition,
                               "CASE operand type does not match WHEN clause operand type: "
                               f"{words(operand.type)} vs {words(value.type)}")
                conditions.append(self.compare(operand, value, "=", condition))
        nodes = [result for _, result in node.whens] + ([node.default] if node.default is not None else [])
        results = [self.expression(one, context) for one in nodes]
        results, kind = self.unified(results, nodes,
                                     "All CASE results must be the same type or coercible to a common type. "
                                     "Cannot find common type between {0} and {1}, all types (without duplicates): "
                                     f"[{', '.join(unique(words(one.type) for one in results))}]")
        whens = " ".join(f"WHEN {condition} THEN {result.sql}"
                         for condition, result in zip(conditions, results, strict=False))
        default = f" ELSE {results[-1].sql}" if node.default is not None else ""
        return Expr(f"CASE {whens}{default} END".join("()"), kind)

    def x_cast(self, node: Node, context: Context) -> Expr:
        value = self.expression(node.value, context)
        kind = casts.named(node.type, node)
        return casts.cast(self, value, kind, node, node.safe)

    def x_extract(self, node: Node, context: Context) -> Expr:
        value = self.expression(node.value, context)
        names = {"YEAR": "year", "QUARTER": "quarter", "MONTH": "month", "WEEK": "week", "DAY": "day",
                 "DAY_OF_MONTH": "day", "DAY_OF_WEEK": "day_of_week", "DOW": "day_of_week",
                 "DAY_OF_YEAR": "day_of_year", "DOY": "day_of_year", "YEAR_OF_WEEK": "year_of_week",
                 "YOW": "year_of_week", "HOUR": "hour", "MINUTE": "minute", "SECOND": "second",
                 "TIMEZONE_MINUTE": "timezone_minute", "TIMEZONE_HOUR": "timezone_hour"}
        if node.field.upper() not in names:
            raise fail("SYNTAX_ERROR", node, f"Invalid EXTRACT field: {node.field}")
        if not (value.type.name in ("date", "timestamp", ZONED.name, "unknown") or
                value.type.name.startswith(("interval", "time"))):
            raise fail("TYPE_MISMATCH", node.value, "Type of argument to extract must be DATE, TIME, TIMESTAMP, or "
                                                    f"INTERVAL (actual {words(value.type)})")
        return self.function(names[node.field.upper()], [value], node)

    def x_at_time_zone(self, node: Node, context: Context) -> Expr:
        value = self.expression(node.value, context)
        zone = self.expression(node.zone, context)
        if zone.value not in ("UTC", "Z", "+00:00"):
            raise refused(f"AT TIME ZONE {zone.value!r}", node)
        if value.type.name not in ("timestamp", ZONED.name):
            raise fail("TYPE_MISMATCH", node.value, "Type of value must be a time or timestamp with or without time "
                                                    f"zone (actual {words(value.type)})")
        return self.coerced(value, Type(ZONED.name, value.type.numbers))

    # ---- collections

    def x_array(self, node: Node, context: Context) -> Expr:
        items = [self.expression(item, context) for item in node.items]
        if not items:
            return Expr("CAST([] AS INTEGER[])", array(UNKNOWN))
        items, kind = self.unified(items, node.items,
                                   "All ARRAY elements must be the same type or coercible to a common type. Cannot "
                                   "find common type between {0} and {1}, all types (without duplicates): "
                                   f"[{', '.join(unique(words(one.type) for one in items))}]")
        return Expr(f"CAST([{', '.join(item.sql for item in items)}] AS {duckdb(kind)}[])", array(kind))

    def x_row(self, node: Node, context: Context) -> Expr:
        items = [self.expression(item, context) for item in node.items]
        kind = row_of(*(item.type for item in items))
        parts = ", ".join(f"f{at} := {item.sql}" for at, item in enumerate(items, 1))
        return Expr(f"CAST(struct_pack({parts}) AS {duckdb(kind)})", kind)

    def x_subscript(self, node: Node, context: Context) -> Expr:
        base, index = self.expression(node.base, context), self.expression(node.index, context)
        if base.type.name == "row":
            if not isinstance(index.value, int):
                raise fail("TYPE_MISMATCH", node.index,
                           "Subscript expression on ROW requires a constant index")
            if not 1 <= index.value <= len(base.type.inner):
                raise fail("INVALID_FUNCTION_ARGUMENT", node.index,
                           f"ROW index out of bounds: {index.value}")
            return Expr(f"struct_extract({base.sql}, 'f{index.value}')", base.type.inner[index.value - 1])
        if base.type.name == "array" and coerces(index.type, BIGINT):
            return Expr(f"t_at({base.sql}, {self.coerced(index, BIGINT).sql})", base.type.inner[0])
        if base.type.name == "map" and coerces(index.type, base.type.inner[0]):
            key = self.coerced(index, base.type.inner[0])
            shown = casts.cast(self, key, VARCHAR, node, safe=False).sql \
                if base.type.inner[0].name == "varchar" or base.type.inner[0].name in INTEGERS else None
            if shown is None:
                raise refused(f"a subscript of {words(base.type)}", node)
            return Expr(f"t_map_at({base.sql}, {key.sql}, {shown})", base.type.inner[1])
        raise fail("TYPE_MISMATCH", node, f"Cannot use {words(index.type)} for subscript of {words(base.type)}")

    def x_lambda(self, node: Node, context: Context) -> Expr:
        raise fail("TYPE_MISMATCH", node, "Lambda expression should always be used inside a function")

    def lambda_body(self, node: Node, kinds: Sequence[Type], context: Context) -> tuple[str, Expr]:
        """A lambda's DuckDB text up to its body ('lambda x, y: ') and its compiled body."""
        if len(node.names) != len(kinds):
            raise fail("INVALID_PARAMETER_USAGE", node,
                       f"Expected a lambda that takes {len(kinds)} argument(s) but got {len(node.names)}")
        self.lambdas = getattr(self, "lambdas", 0) + 1
        fields = [Field(name, kind, f"v{self.lambdas}_{at}", ("lambda",))
                  for at, (name, kind) in enumerate(zip(node.names, kinds, strict=True))]
        scope = context.scope
        context.scope = Scope(fields, parent=None, lambda_of=scope)
        allowed = context.aggregates, context.windows
        context.aggregates = context.windows = False
        try:
            body = self.expression(node.body, context)
        finally:
            context.scope = scope
            context.aggregates, context.windows = allowed
        return f"lambda {', '.join(one.sql for one in fields)}: ", body

    # ---- queries inside

    def x_subquery(self, node: Node, context: Context) -> Expr:
        inner = self._inner(node.query, context)
        if len(inner.fields) != 1:
            raise refused("a scalar subquery of several columns", node)
        if inner.correlated and not inner.single:
            raise refused("a correlated scalar subquery that does not aggregate", node)
        return Expr(f"({inner.sql})", inner.fields[0].type)

    def _inner(self, query: Node, context: Context) -> Any:
        inner = self.compile_query(query, context.scope)
        for one in inner.fields:
            self.need(one.needs)
        for found in inner.correlated:
            context.used.append(found)
            if context.groups is not None and not context.inside and found.sql not in context.groups:
                context.loose.append((query, found.name or ""))
        return inner

    def x_exists(self, node: Node, context: Context) -> Expr:
        return Expr(f"EXISTS ({self._inner(node.query, context).sql})", BOOLEAN)

    def x_in_query(self, node: Node, context: Context) -> Expr:
        value = self.expression(node.value, context)
        inner = self._inner(node.query, context)
        if len(inner.fields) != 1:
            if value.type.name != "row":
                raise fail("TYPE_MISMATCH", node, f"Value expression and result of subquery must be of the same type: "
                                                  f"{words(value.type)} vs row")
            raise refused("IN with a subquery of several columns", node)
        if inner.correlated:
            raise refused("IN with a correlated subquery", node)
        kind = common(value.type, inner.fields[0].type)
        if kind is None:
            raise fail("TYPE_MISMATCH", node, "Value expression and result of subquery must be of the same type: "
                                              f"{words(value.type)} vs {words(inner.fields[0].type)}")
        if kind.name in ("double", "real") or kind.inner:
            raise refused(f"IN with a subquery of {words(kind)}", node)
        column = self.coerced(Expr("s.c0", inner.fields[0].type), kind)
        sql = f"({self.coerced(value, kind).sql} IN (SELECT {column.sql} FROM ({inner.sql}) s))"
        return Expr(f"(NOT {sql})" if node.negated else sql, BOOLEAN)

    def x_quantified(self, node: Node, context: Context) -> Expr:
        raise refused(f"{node.operator} {node.quantifier} (query)", node)

    def x_grouping(self, node: Node, context: Context) -> Expr:
        if context.groups is None:
            raise fail("MISSING_GROUP_BY", node, "A GROUPING() operation can only be used with a corresponding "
                                                 "GROUPING SET/CUBE/ROLLUP/GROUP BY clause")
        held_, inside = len(context.loose), context.inside
        context.inside = "aggregate"
        columns = [self.expression(one, context) for one in node.columns]
        context.inside = inside
        del context.loose[held_:]
        for one, at in zip(columns, node.columns, strict=True):
            if one.sql not in context.groups:
                raise fail("INVALID_ARGUMENTS", at, "The arguments to GROUPING() must be expressions referenced by the "
                                                    "GROUP BY at the associated query level")
        context.found_aggregate = context.found_aggregate or node
        kind = INTEGER if len(columns) <= 31 else BIGINT
        return Expr(f"CAST(grouping_id({', '.join(one.sql for one in columns)}) AS {duckdb(kind)})", kind)

    # ---- functions

    def x_call(self, node: Node, context: Context) -> Expr:
        return functions.call(self, node, context)

    def function(self, name: str, arguments: list[Expr], node: Node) -> Expr:
        """A scalar function of values compiled already."""
        return functions.apply(self, name, arguments, node)


def _digits(value: Expr) -> str:
    """A decimal's digits as one whole number: 1.50 is 150."""
    if value.type.numbers[1] == 0:
        return f"CAST({value.sql} AS HUGEINT)"
    return f"CAST(replace(CAST({value.sql} AS VARCHAR), '.', '') AS HUGEINT)"


def _scaled(digits: str, kind: Type) -> str:
    """The decimal whose digits are a whole number."""
    scale = kind.numbers[1]
    if scale == 0:
        return f"CAST({digits} AS {duckdb(kind)})"
    return f"CAST(t_point(CAST({digits} AS VARCHAR), {scale}) AS {duckdb(kind)})"


def checked(kind: Type, node: Node) -> Type:
    """The type, or a refusal where DuckDB cannot hold it."""
    if not held(kind):
        raise refused(f"the type {words(kind)}", node)
    return kind
