"""Arithmetic of dates, timestamps and intervals. https://trino.io/docs/476/functions/datetime.html"""
from __future__ import annotations

from local_aws.athena.on_duckdb.coercion import DATE, INTERVAL, UNKNOWN, common, timed
from local_aws.athena.on_duckdb.grammar import refused
from local_aws.athena.on_duckdb.model import Expr, coerced
from local_aws.athena.on_duckdb.nodes import Node
from local_aws.athena.types import Type


def arithmetic(left: Expr, right: Expr, operator: str, node: Node) -> Expr | None:
    """A moment and an interval, or a moment less another; None where Trino has no such operator."""
    if UNKNOWN in (left.type, right.type) and left.type != right.type:
        raise refused(f"{left.type} {operator} {right.type}", node)
    if operator == "+" and left.type == INTERVAL and right.type != INTERVAL:
        left, right = right, left
    kind = common(left.type, right.type)
    if operator not in "+-":
        if INTERVAL in (left.type, right.type):
            raise refused(f"{left.type} {operator} {right.type}", node)
        return None
    if left.type == right.type == INTERVAL:
        return Expr(f"({left.sql} {operator} {right.sql})", INTERVAL)
    if right.type == INTERVAL:
        amount = right.sql if operator == "+" else f"(-{right.sql})"
        if left.type == DATE:
            return Expr(f"CAST(t_date_add_interval({left.sql}, {amount}) AS DATE)", DATE)
        if not timed(left.type):
            return None
        return Expr(f"({left.sql} + to_milliseconds({amount}))", Type(left.type.name, max(left.type.numbers, (3,))))
    if operator == "+" or kind is None:
        return None
    if kind == DATE:
        return Expr(f"(CAST({left.sql} - {right.sql} AS BIGINT) * 86400000)", INTERVAL)
    if not timed(kind):
        return None
    if kind.numbers > (3,):
        raise refused(f"{kind} - {kind}", node)
    left, right = coerced(left, kind), coerced(right, kind)
    return Expr(f"((epoch_us({left.sql}) - epoch_us({right.sql})) // 1000)", INTERVAL)
