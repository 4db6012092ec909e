"""Calls in a query's text: scalar functions, aggregates, window functions, and what looks like a call and is none."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.on_duckdb.coercion import UNKNOWN, common, orderable
from local_aws.athena.on_duckdb.model import Compiler, Context, Expr, Holds, coerced, fail
from local_aws.athena.on_duckdb.signatures import Signature, emitted, resolve, unknown
from local_aws.athena.on_duckdb.verified import REGISTRY
from local_aws.athena.trino_sql.grammar import refused
from local_aws.athena.trino_sql.nodes import Call, Node, Sort, Window
from local_aws.athena.types import Type


def call(on: Compiler, node: Call, context: Context) -> Expr:
    """A call. Raises QueryFailed as Trino does, or a refusal where Trino has the function."""
    name = node.name
    if name in SPECIAL:
        return SPECIAL[name](on, node, context)
    kinds = {one.kind for one in REGISTRY.get(name, ())}
    if "aggregate" in kinds:
        return _window(on, node, node.over, context) if node.over is not None else _aggregate(on, node, context)
    if "window" in kinds:
        if node.over is None:
            raise fail("MISSING_OVER", node, f"Window function {name} requires an OVER clause")
        return _window(on, node, node.over, context)
    if name not in REGISTRY and (node.over or node.filter or node.distinct or node.order):
        raise unknown(REGISTRY, name, [], node)
    if node.over is not None:
        raise fail("FUNCTION_NOT_WINDOW", context.query_at or node, f"Not a window function: {name}")
    if node.filter is not None or node.distinct or node.order:
        raise fail("FUNCTION_NOT_AGGREGATE", node, f"Not an aggregate function: {name}")
    if node.star:
        raise unknown(REGISTRY, name, [], node)
    return apply(on, node.name, [on.expression(one, context) for one in node.arguments], node)


def apply(on: Compiler, name: str, arguments: Sequence[Expr], node: Node) -> Expr:
    """A scalar function of values that are compiled."""
    chosen, bound = _resolved(name, [one.type for one in arguments], node, "scalar")
    return emitted(chosen, bound, arguments, node, on.now)


def _resolved(name: str, given: Sequence[Type], node: Node, *kinds: str) -> tuple[Signature, dict[str, Type]]:
    found = resolve([one for one in REGISTRY.get(name, ()) if one.kind in kinds], given)
    if found is None:
        raise unknown(REGISTRY, name, given, node)
    return found


def _not_scalar(node: Call, context: Context) -> QueryFailed:
    return fail("EXPRESSION_NOT_SCALAR", context.clause_at or node,
                f"{context.clause} cannot contain aggregations, window functions or grouping operations: [{node.name}]")


def _aggregate(on: Compiler, node: Call, context: Context) -> Expr:
    if not context.aggregates:
        raise _not_scalar(node, context)
    if context.inside and context.aggregate is not None:
        outer = context.aggregate
        raise fail("NESTED_AGGREGATION", outer, "Cannot nest aggregations inside aggregation "
                                                f"'{outer.name if isinstance(outer, Call) else ''}': [{node.name}]")
    context.aggregate, context.inside = context.aggregate or node, "aggregate"
    loose = len(context.loose)
    try:
        result = _with_clauses(on, node, context, "")
    finally:
        context.inside = ""
    del context.loose[loose:]
    return replace(result, holds=Holds.AGGREGATE)


def _with_clauses(on: Compiler, node: Call, context: Context, over: str) -> Expr:
    """An aggregate or window function with DISTINCT, ORDER BY and FILTER."""
    arguments = [on.expression(one, context) for one in node.arguments]
    if node.star and node.name != "count":
        raise unknown(REGISTRY, node.name, [], node)
    chosen, bound = _resolved(node.name, [one.type for one in arguments], node, "aggregate", "window")
    order = ""
    if over and node.distinct:
        raise fail("NOT_SUPPORTED", node, f"DISTINCT in window function parameters not yet supported: {node.name}")
    if node.distinct and "distinct" not in chosen.options:
        raise refused(f"{node.name}(DISTINCT …)", node)
    if node.order:
        if over:
            raise fail("NOT_SUPPORTED", node, "Window function with ORDER BY is not supported")
        if node.distinct or "order" not in chosen.options:
            raise refused(f"{node.name}(… ORDER BY …)", node)
        order = " ORDER BY " + sort_items(on, node.order, context)
    if node.filter is not None:
        if over:
            raise fail("NOT_SUPPORTED", node, "FILTER is not yet supported for window functions")
        over = f" FILTER (WHERE {on.boolean(node.filter, context, 'Filter').sql})"
    return emitted(chosen, bound, arguments, node, on.now, distinct="DISTINCT " if node.distinct else "", order=order,
                   over=over)


def sort_items(on: Compiler, items: Sequence[Sort], context: Context) -> str:
    """The items of an ORDER BY that names no output columns."""
    return ", ".join(sort_item(item, on.expression(item.expression, context)) for item in items)


def sort_item(item: Sort, value: Expr) -> str:
    """An item of an ORDER BY. Raises TYPE_MISMATCH where the type has no order."""
    if not orderable(value.type):
        raise fail("TYPE_MISMATCH", item,
                   f"Type {value.type} is not orderable, and therefore cannot be used in ORDER BY")
    if value.type.inner:
        raise refused(f"the order of {value.type}", item)
    return f"{value.sql} {'DESC' if item.descending else 'ASC'} NULLS {'FIRST' if item.nulls_first else 'LAST'}"


def _window(on: Compiler, node: Call, window: Window, context: Context) -> Expr:
    if not context.windows:
        raise _not_scalar(node, context)
    if context.inside:
        raise fail("NESTED_WINDOW", node, f"Cannot nest window functions inside {context.inside} '{node.name}'")
    partition = ", ".join(on.expression(one, context).sql for one in window.partition)
    order = sort_items(on, window.order, context)
    if node.name in ("lag", "lead") and not window.order:
        raise fail("MISSING_ORDER_BY", window, f"{node.name} function requires an ORDER BY window clause")
    parts = [f"PARTITION BY {partition}" if partition else "", f"ORDER BY {order}" if order else ""]
    # A window function's arguments may be aggregates of a grouped query, as in sum(count(*)) OVER (), but no others.
    windows, context.windows = context.windows, False
    try:
        result = _with_clauses(on, node, context, f" OVER ({' '.join(filter(None, parts))})")
    finally:
        context.windows = windows
    return replace(result, holds=Holds.WINDOW)


# ---- special forms: what looks like a call and is not one function


def _counted(node: Call, count: tuple[int, ...], message: str) -> None:
    if len(node.arguments) not in count:
        raise fail("SYNTAX_ERROR", node, message)


def _coalesce(on: Compiler, node: Call, context: Context) -> Expr:
    if len(node.arguments) < 2:
        raise fail("SYNTAX_ERROR", node, "The 'coalesce' function must have at least two arguments")
    parts = [on.expression(one, context) for one in node.arguments]
    parts, kind = on.unified(parts, node.arguments, "All COALESCE operands")
    return Expr(f"coalesce({', '.join(one.sql for one in parts)})", kind)


def _if(on: Compiler, node: Call, context: Context) -> Expr:
    _counted(node, (2, 3), "Invalid number of arguments for 'if' function")
    condition = on.boolean(node.arguments[0], context, "IF condition")
    yes, *rest = (on.expression(one, context) for one in node.arguments[1:])
    no = rest[0] if rest else Expr("NULL", UNKNOWN, None, True)
    kind = common(yes.type, no.type)
    if kind is None:
        raise fail("TYPE_MISMATCH", node.arguments[2], f"Result types for IF must be the same: {yes.type} vs {no.type}")
    return Expr(f"(CASE WHEN {condition.sql} THEN {coerced(yes, kind).sql} ELSE {coerced(no, kind).sql} END)", kind)


def _nullif(on: Compiler, node: Call, context: Context) -> Expr:
    _counted(node, (2,), "Invalid number of arguments for 'nullif' function")
    first, second = (on.expression(one, context) for one in node.arguments)
    if common(first.type, second.type) is None:
        raise fail("TYPE_MISMATCH", node, f"Types are not comparable with NULLIF: {first.type} vs {second.type}")
    if first.type.name == "unknown":
        return first
    return Expr(f"(CASE WHEN {on.compare(first, second, '=', node)} THEN NULL ELSE {first.sql} END)", first.type)


def _try(on: Compiler, node: Call, context: Context) -> Expr:
    _counted(node, (1,), "The 'try' function must have exactly one argument")
    value = on.expression(node.arguments[0], context)
    if value.holds & (Holds.AGGREGATE | Holds.WINDOW | Holds.QUERY):
        raise refused("try(…) around an aggregate, window function or subquery", node)
    if value.holds & Holds.REFUSAL:  # the refusal would become a null in silence
        raise refused("try(…) around a text with a time zone", node)
    return Expr(f"TRY({value.sql})", value.type, holds=Holds.TRY)


SPECIAL: dict[str, Callable[[Compiler, Call, Context], Expr]] = {
    "coalesce": _coalesce, "if": _if, "nullif": _nullif, "try": _try}
