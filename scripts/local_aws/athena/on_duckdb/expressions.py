"""Expressions: each kind of node gets Trino's type and the DuckDB text that has Trino's value, or is refused.

There is one method for each kind, so what has no method cannot run. Types and errors are decided here, as Trino's
analyzer decides them, before DuckDB sees anything: it is never asked to infer a type or to resolve a name.
https://trino.io/docs/476/functions.html
"""
from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import singledispatchmethod

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.moments import read_date, read_timestamp
from local_aws.athena.on_duckdb import casts, decimals, functions, model
from local_aws.athena.on_duckdb.coercion import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTEGERS,
    TIMESTAMP,
    UNKNOWN,
    ZONED,
    array,
    coerces,
    common,
    duckdb,
    numeric,
    orderable,
    timed,
)
from local_aws.athena.on_duckdb.model import Context, Expr, Field, Holds, Relation, Scope, coerced, fail, null
from local_aws.athena.trino_sql import nodes
from local_aws.athena.trino_sql.grammar import refused
from local_aws.athena.trino_sql.nodes import Node
from local_aws.athena.types import BIGINT, VARCHAR, Type

DEEPEST_CALL = 8  # calls in calls: the text that DuckDB makes of its macros grows with each as a power
_NAN_AWARE = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


class Expressions:
    """Compiles expressions, as `model.Compiler` has it; the queries inside them are compiled by the class that extends
    this one. `now` is the instant of the query, `holds` what all that was compiled has in it."""

    def __init__(self, now: datetime.datetime):
        self.now, self.holds = now, Holds.NOTHING
        self.deferred: set[model.Origin] | None = None  # where needs are kept while what may go unused is compiled

    def compile_query(self, query: nodes.Query, outer: Scope | None) -> Relation:
        """A query inside an expression or on its own; `outer` are the columns around it. See `Queries`."""
        raise NotImplementedError

    def need(self, needs: Iterable[model.Origin]) -> None:
        """Take note that columns of scans have to be read."""
        if self.deferred is not None:
            self.deferred.update(needs)
            return
        for scan, column in needs:
            scan.used.add(column)

    def expression(self, node: Node, context: Context) -> Expr:
        """The node, compiled, with what it and all within it hold."""
        outer, context.holds = (context.holds, context.calls), Holds.NOTHING
        loose, context.calls = len(context.loose), 0
        result = self.compiled(node, context)
        divides = isinstance(node, nodes.Binary) and node.operator in "[]/%"
        calls = context.calls + (divides or isinstance(node, (nodes.Call, nodes.Cast)))
        if calls > DEEPEST_CALL:
            raise refused("calls nested as deep as this", node)
        result = replace(result, holds=result.holds | context.holds, calls=calls)
        context.holds, context.calls = outer[0] | result.holds, max(outer[1], calls)
        self.holds |= result.holds
        if context.groups is not None and not context.inside and result.sql in context.groups:
            del context.loose[loose:]
        return result

    @singledispatchmethod
    def compiled(self, node: Node, context: Context) -> Expr:
        """The node by its kind's method, registered below. Raises a refusal for a kind that has none."""
        raise refused(type(node).__name__.upper(), node)

    def unified(self, parts: Sequence[Expr], at: Sequence[Node], what: str) -> tuple[list[Expr], Type]:
        """Values brought to their common type; `what` they are, for the error."""
        kind = parts[0].type
        for part, node in zip(parts[1:], at[1:], strict=True):
            both = common(kind, part.type)
            if both is None:
                shown = ", ".join(dict.fromkeys(str(one.type) for one in parts))
                raise fail("TYPE_MISMATCH", node, f"{what} must be the same type or coercible to a common type. Cannot "
                           f"find common type between {kind} and {part.type}, all types (without duplicates): "
                           f"[{shown}]")
            kind = both
        return [coerced(part, kind) for part in parts], kind

    def boolean(self, node: Node, context: Context, what: str) -> Expr:
        """A condition; `what` it is, for the error."""
        value = self.expression(node, context)
        if value.type.name not in ("boolean", "unknown"):
            raise fail("TYPE_MISMATCH", node, f"{what} must evaluate to a boolean (actual: {value.type})")
        return coerced(value, BOOLEAN)

    # ---- literals

    @compiled.register
    def literal(self, node: nodes.Literal, context: Context) -> Expr:
        """A value as it is written: 1 is an integer, 1.50 a decimal(3,2), 'ab' a varchar(2). Raises INVALID_LITERAL."""
        if node.type in ("current_date", "current_timestamp", "localtimestamp"):
            kind = {"current_date": DATE, "current_timestamp": ZONED}.get(node.type, TIMESTAMP)
            moment = self.now.replace(tzinfo=None).isoformat(" ", "milliseconds")
            return Expr(f"CAST('{moment[:10] if kind == DATE else moment}' AS {duckdb(kind)})", kind)
        if node.type == "unknown":
            return Expr("NULL", UNKNOWN, None, True)
        if node.type == "boolean":
            return Expr(node.text, BOOLEAN, node.text == "TRUE", True)
        if node.type == "integer":
            return self._whole(int(node.text), node)
        if node.type == "decimal":
            return self._decimal(node.text, node)
        if node.type == "double":
            return Expr(f"CAST('{node.text}' AS DOUBLE)", DOUBLE, float(node.text), True)
        return Expr(model.text(node.text), Type("varchar", (len(node.text),)), node.text, True)

    def _whole(self, value: int, node: Node) -> Expr:
        if not -2**63 <= value < 2**63:
            raise fail("SYNTAX_ERROR", node, f"Invalid numeric literal: {value}")
        kind = INTEGER if -2**31 <= value < 2**31 else BIGINT
        return Expr(f"CAST({value} AS {duckdb(kind)})", kind, value, True)

    def _decimal(self, written: str, node: Node) -> Expr:
        whole, _, fraction = written.partition(".")
        whole = whole.lstrip("0")
        precision = max(len(whole) + len(fraction), 1)
        if precision > 38:
            raise fail("INVALID_LITERAL", node, f"Invalid numeric literal: {written}")
        kind = Type("decimal", (precision, len(fraction)))
        digits = (whole or "0") + ("." + fraction if fraction else "")
        return Expr(f"CAST('{digits}' AS {duckdb(kind)})", kind, Decimal(digits), True)

    @compiled.register
    def typed(self, node: nodes.Typed, context: Context) -> Expr:
        """DATE '…', TIMESTAMP '…', DOUBLE '…' and so on."""
        try:
            if node.type == "date":
                return Expr(f"CAST('{read_date(node.text)}' AS DATE)", DATE, node.text, True)
            if node.type == "timestamp":
                moment, zone, digits = read_timestamp(node.text)
                if digits > 6 or zone not in (None, "UTC", "Z"):
                    raise refused(f"TIMESTAMP '{node.text}', for its {'zone' if digits <= 6 else 'digits'},", node)
                kind = Type(TIMESTAMP.name if zone is None else ZONED.name, (digits,))
                return Expr(f"CAST('{moment}' AS TIMESTAMP)", kind, node.text, True)
        except ValueError:
            raise fail("INVALID_LITERAL", node,
                       f"'{node.text}' is not a valid {node.type.upper()} literal") from None
        if node.type in ("double", "bigint", "integer", "int", "smallint", "tinyint", "boolean"):
            kind = casts.resolved(Type(node.type), node)
            return casts.cast(Expr(model.text(node.text), VARCHAR, node.text, True), kind, node, safe=False)
        if node.type in ("decimal", "time", "char", "varchar", "varbinary", "uuid", "ipaddress", "json", "real"):
            raise refused(f"a literal of type {node.type.upper()}", node)
        raise QueryFailed("TYPE_NOT_FOUND", f"Unknown type: {node.type}")

    # ---- names

    @compiled.register
    def column(self, node: nodes.Column, context: Context) -> Expr:
        """A column by its name alone. Raises COLUMN_NOT_FOUND, AMBIGUOUS_NAME, or a refusal for an outer query's."""
        return self._named([node.name], node, context)

    @compiled.register
    def dereference(self, node: nodes.Dereference, context: Context) -> Expr:
        """A qualified column, t.a. Raises as `column`, and a refusal for a field of a row."""
        path = plain_path(node)
        if path is None:
            raise refused("a field of a ROW", node)
        return self._named(path, node, context)

    def _named(self, parts: list[str], node: Node, context: Context) -> Expr:
        scope: Scope | None = context.scope
        while scope is not None:
            for level in filter(None, (scope, scope.fallback)):
                for qualifiers in range(len(parts) - 1, -1, -1):
                    found = matches(level.fields, parts[:qualifiers], parts[qualifiers])
                    if len(found) > 1:
                        raise fail("AMBIGUOUS_NAME", node, f"Column '{'.'.join(parts[:qualifiers + 1])}' is ambiguous")
                    if found and qualifiers < len(parts) - 1:
                        raise fail("TYPE_MISMATCH", node, f"Expression {parts[qualifiers]} is not of type ROW")
                    if found:
                        if scope is not context.scope:
                            raise refused("a correlated subquery", node)
                        return self._reached(found[0], node, context)
            scope = scope.parent
        if parts[-1].startswith("$"):
            raise refused(f"the hidden column {parts[-1]}", node)
        raise fail("COLUMN_NOT_FOUND", node, f"Column '{'.'.join(parts)}' cannot be resolved")

    def _reached(self, found: Field, node: Node, context: Context) -> Expr:
        context.used.append(found)
        self.need(found.needs)
        if not context.inside and found.value.sql not in (context.groups or ()):
            context.loose.append(node)
        return found.value

    # ---- logic

    @compiled.register
    def logical(self, node: nodes.Logical, context: Context) -> Expr:
        """AND or OR of conditions, evaluated from left to right."""
        terms = [self.boolean(term, context, "Logical expression term").sql for term in node.terms]
        return Expr("(" + f" {node.operator} ".join(terms) + ")", BOOLEAN)

    @compiled.register
    def unary(self, node: nodes.Unary, context: Context) -> Expr:
        """NOT, a sign, IS [NOT] NULL. Raises TYPE_MISMATCH."""
        operand = node.value
        if node.operator == "NOT":
            return Expr(f"(NOT {self.boolean(operand, context, 'Value of logical NOT expression').sql})", BOOLEAN)
        if node.operator == "-" and isinstance(operand, nodes.Literal) and operand.type == "integer":
            return self._whole(-int(operand.text), node)
        value = self.expression(operand, context)
        if node.operator not in ("+", "-"):
            return Expr(f"({value.sql} {node.operator})", BOOLEAN)
        if not numeric(value.type):
            raise fail("TYPE_MISMATCH", node, f"Cannot negate {value.type}" if node.operator == "-" else
                       f"Unary '+' operator cannot by applied to {value.type} type")
        return value if node.operator == "+" else replace(value, sql=f"(-{value.sql})", literal=False)

    @compiled.register
    def binary(self, node: nodes.Binary, context: Context) -> Expr:
        """An operator between two values. Raises TYPE_MISMATCH, or a refusal where it is not verified for the types."""
        left, right = self.expression(node.left, context), self.expression(node.right, context)
        if node.operator == "||":
            return functions.apply(self, "concat", [left, right], node)
        if node.operator == "[]":
            return self._subscript(left, right, node)
        if node.operator in _NAN_AWARE:
            return Expr(self.compare(left, right, node.operator, node), BOOLEAN)
        if "DISTINCT" in node.operator.split():
            left, right = self._pair(left, right, "IS DISTINCT FROM", node)
            if left.type.inner:
                raise refused(f"IS DISTINCT FROM on {left.type}", node)
            return Expr(f"({left.sql} {node.operator} {right.sql})", BOOLEAN)
        result = self._arithmetic(left, right, node)
        if result is None:
            raise fail("TYPE_MISMATCH", node, f"Cannot apply operator: {left.type} {node.operator} {right.type}")
        return result

    def _subscript(self, base: Expr, index: Expr, node: nodes.Binary) -> Expr:
        if base.type.name != "array" or not coerces(index.type, BIGINT):
            raise fail("TYPE_MISMATCH", node, f"Cannot use {index.type} for subscript of {base.type}")
        return Expr(f"t_at({base.sql}, {coerced(index, BIGINT).sql})", base.type.inner[0])

    def _pair(self, left: Expr, right: Expr, operator: str, node: Node) -> tuple[Expr, Expr]:
        """Two values that are compared, brought to their common type."""
        kind = common(left.type, right.type)
        if kind is None or (operator in ("<", "<=", ">", ">=") and not orderable(kind)):
            shown = {">": "<", ">=": "<=", "<>": "="}.get(operator, operator)
            raise fail("TYPE_MISMATCH", node, f"Cannot apply operator: {left.type} {shown} {right.type}")
        return coerced(left, kind), coerced(right, kind)

    def compare(self, left: Expr, right: Expr, operator: str, node: Node) -> str:
        """The text of a comparison. Raises TYPE_MISMATCH, or a refusal."""
        left, right = self._pair(left, right, operator, node)
        kind = left.type
        if kind.name == "unknown":
            return null(BOOLEAN)
        if kind == DOUBLE:
            if operator == "=" and (left.literal or right.literal):
                return f"({left.sql} = {right.sql})"
            return f"t_{_NAN_AWARE[operator]}({left.sql}, {right.sql})"
        if kind.name == "array":
            raise refused(f"{operator} on {kind}", node)
        return f"({left.sql} {operator} {right.sql})"

    @compiled.register
    def between(self, node: nodes.Between, context: Context) -> Expr:
        """[NOT] BETWEEN; the three values are compared pairwise. Raises TYPE_MISMATCH."""
        value, low, high = (self.expression(part, context) for part in (node.value, node.low, node.high))
        both = common(value.type, low.type)
        kind = common(both, high.type) if both is not None else None
        if kind is None or not orderable(kind):
            raise fail("TYPE_MISMATCH", node, f"Cannot check if {value.type} is BETWEEN {low.type} and {high.type}")
        sql = f"({self.compare(value, low, '>=', node)} AND {self.compare(value, high, '<=', node)})"
        return Expr(f"(NOT {sql})" if node.negated else sql, BOOLEAN)

    @compiled.register
    def among(self, node: nodes.In, context: Context) -> Expr:
        """[NOT] IN a list or a query; a null in either gives null, as in SQL. Raises TYPE_MISMATCH, or a refusal."""
        if isinstance(node.items, nodes.Query):
            return self._in_query(node, node.items, context)
        if isinstance(node.value, nodes.Row):
            return self._rows_among(node, node.value, node.items, context)
        value = self.expression(node.value, context)
        items = [self.expression(item, context) for item in node.items]
        (value, *items), kind = self.unified([value, *items], [node.value, *node.items], "IN value and list items")
        if kind.name == "array":
            raise refused(f"IN with {kind}", node)
        if kind == DOUBLE:
            sql = "(" + " OR ".join(self.compare(value, item, "=", node) for item in items) + ")"
        else:
            sql = f"({value.sql} IN ({', '.join(item.sql for item in items)}))"
        return Expr(f"(NOT {sql})" if node.negated else sql, BOOLEAN)

    def _rows_among(self, node: nodes.In, row: nodes.Row, items: Sequence[Node], context: Context) -> Expr:
        """(a, b) IN ((1, 2), (3, 4)): a row with a null is in no list, and not out of one."""
        values = [self.expression(part, context) for part in row.items]
        before, same = len(context.used), []
        for item in items:
            if not isinstance(item, nodes.Row) or len(item.items) != len(values):
                raise refused("IN with what is no list of ROW values of the same size", node)
            parts = [self.expression(part, context) for part in item.items]
            pairs = [self.compare(value, part, "=", item) for value, part in zip(values, parts, strict=True)]
            same.append(f"({' AND '.join(pairs)})")
        if len(context.used) != before:
            raise refused("IN with a list of ROW values that are no literals", node)
        sql = f"({' OR '.join(same)})"
        if len(same) > 1:
            nulls = " OR ".join(f"{value.sql} IS NULL" for value in values)
            sql = f"(CASE WHEN {nulls} THEN NULL ELSE {sql} END)"
        return Expr(f"(NOT {sql})" if node.negated else sql, BOOLEAN)

    @compiled.register
    def like(self, node: nodes.Like, context: Context) -> Expr:
        """[NOT] LIKE of two texts, without ESCAPE. Raises TYPE_MISMATCH."""
        value, pattern = self.expression(node.value, context), self.expression(node.pattern, context)
        for part, at, what in ((value, node.value, "Left side of"), (pattern, node.pattern, "Pattern for")):
            if part.type.name not in ("varchar", "unknown"):
                raise fail("TYPE_MISMATCH", at, f"{what} LIKE expression must evaluate to a varchar "
                                                f"(actual: {part.type})")
        sql = f"({coerced(value, VARCHAR).sql} {'NOT ' if node.negated else ''}LIKE {coerced(pattern, VARCHAR).sql})"
        return Expr(sql, BOOLEAN)

    # ---- arithmetic

    def _arithmetic(self, left: Expr, right: Expr, node: nodes.Binary) -> Expr | None:
        operator, kind = node.operator, common(left.type, right.type)
        if kind == UNKNOWN:
            return Expr(null(BIGINT), BIGINT)
        if operator == "-" and kind is not None and (kind == DATE or timed(kind)):
            raise refused(f"{left.type} - {right.type}", node)
        if kind is None or not numeric(kind):
            return None
        left, right = (coerced(one, kind) if kind.name != "decimal" or one.type == UNKNOWN else one
                       for one in (left, right))
        if kind.name == "decimal":
            return decimals.arithmetic(left, right, operator, node)
        if kind.name in INTEGERS and operator in "/%":
            return Expr(f"t_int_{'div' if operator == '/' else 'mod'}({left.sql}, {right.sql})", kind)
        if operator == "%":
            raise refused(f"{kind} % {kind}", node)
        return Expr(f"CAST(({left.sql} {operator} {right.sql}) AS {duckdb(kind)})", kind)

    # ---- conditions, casts and collections

    @compiled.register
    def case(self, node: nodes.Case, context: Context) -> Expr:
        """CASE in both forms, its results brought to one type. Raises TYPE_MISMATCH."""
        operand = self.expression(node.operand, context) if node.operand is not None else None
        conditions = []
        for condition, _ in node.whens:
            if operand is None:
                conditions.append(self.boolean(condition, context, "CASE WHEN clause").sql)
                continue
            value = self.expression(condition, context)
            if common(operand.type, value.type) is None:
                raise fail("TYPE_MISMATCH", condition, "CASE operand type does not match WHEN clause operand type: "
                                                       f"{operand.type} vs {value.type}")
            conditions.append(self.compare(operand, value, "=", condition))
        at = [result for _, result in node.whens] + ([node.default] if node.default is not None else [])
        results = [self.expression(one, context) for one in at]
        results, kind = self.unified(results, at, "All CASE results")
        whens = " ".join(f"WHEN {condition} THEN {result.sql}"
                         for condition, result in zip(conditions, results, strict=False))
        default = f" ELSE {results[-1].sql}" if node.default is not None else ""
        return Expr(f"(CASE {whens}{default} END)", kind)

    @compiled.register
    def cast(self, node: nodes.Cast, context: Context) -> Expr:
        """CAST and TRY_CAST, as `casts.cast`."""
        value = self.expression(node.value, context)
        return casts.cast(value, casts.resolved(node.type, node), node, node.safe)

    @compiled.register
    def array(self, node: nodes.Array, context: Context) -> Expr:
        """ARRAY[…], its elements brought to one type. Raises TYPE_MISMATCH."""
        items = [self.expression(item, context) for item in node.items]
        if not items:
            return Expr("CAST([] AS INTEGER[])", array(UNKNOWN))
        items, kind = self.unified(items, node.items, "All ARRAY elements")
        return Expr(f"CAST([{', '.join(item.sql for item in items)}] AS {duckdb(kind)}[])", array(kind))

    # ---- functions, and queries inside

    @compiled.register
    def call(self, node: nodes.Call, context: Context) -> Expr:
        """A function's call, as `functions.call`."""
        return functions.call(self, node, context)

    @compiled.register
    def subquery(self, node: nodes.Subquery, context: Context) -> Expr:
        """A scalar subquery, which gives null for no row and fails for several; or EXISTS."""
        inner = self._inner(node.query, context)
        if node.exists:
            return Expr(f"EXISTS ({inner.sql})", BOOLEAN, holds=Holds.QUERY)
        if len(inner.fields) != 1:
            raise refused("a scalar subquery of several columns", node)
        return Expr(f"({inner.sql})", inner.fields[0].value.type, holds=Holds.QUERY)

    def _inner(self, query: nodes.Query, context: Context) -> Relation:
        inner = self.compile_query(query, context.scope)
        for one in inner.fields:
            self.need(one.needs)
        return inner

    def _in_query(self, node: nodes.In, query: nodes.Query, context: Context) -> Expr:
        value, inner = self.expression(node.value, context), self._inner(query, context)
        mismatch = "Value expression and result of subquery must be of the same type: "
        if len(inner.fields) != 1:
            raise fail("TYPE_MISMATCH", node, f"{mismatch}{value.type} vs row")
        given = inner.fields[0].value.type
        kind = common(value.type, given)
        if kind is None:
            raise fail("TYPE_MISMATCH", node, f"{mismatch}{value.type} vs {given}")
        if kind == DOUBLE or kind.inner:
            raise refused(f"IN with a subquery of {kind}", node)
        column = coerced(Expr("s.c0", given), kind)
        sql = f"({coerced(value, kind).sql} IN (SELECT {column.sql} FROM ({inner.sql}) s))"
        return Expr(f"(NOT {sql})" if node.negated else sql, BOOLEAN, holds=Holds.QUERY)


def matches(fields: Iterable[Field], qualifier: Sequence[str], name: str) -> list[Field]:
    """The columns that a name, perhaps qualified, means; in Trino it does so whatever its case."""
    low, quals = name.lower(), tuple(part.lower() for part in qualifier)
    return [one for one in fields if one.name is not None and one.name.lower() == low
            and (not quals or one.qualifier[-len(quals):] == quals)]


def plain_path(node: Node) -> list[str] | None:
    """The names of t.a, which is a column's; None for a field of any other value."""
    if isinstance(node, nodes.Column):
        return [node.name]
    if not isinstance(node, nodes.Dereference):
        return None
    path = plain_path(node.base)
    return None if path is None else [*path, node.name]
