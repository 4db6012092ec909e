"""Arithmetic of decimals as Trino does it: with the precision and scale of its results, rounded half up.

https://trino.io/docs/476/functions/decimal.html
"""
from __future__ import annotations

from local_aws.athena.on_duckdb.coercion import as_decimal, decimal, duckdb
from local_aws.athena.on_duckdb.model import Expr, coerced
from local_aws.athena.trino_sql.grammar import refused
from local_aws.athena.trino_sql.nodes import Node
from local_aws.athena.types import Type


def arithmetic(left: Expr, right: Expr, operator: str, node: Node) -> Expr:
    """Two decimals or whole numbers with an operator between."""
    left, right = (coerced(one, as_decimal(one.type)) for one in (left, right))
    (precision, scale), (other, places) = left.type.numbers, right.type.numbers
    if operator in "+-":
        kind = decimal(max(precision - scale, other - places) + max(scale, places) + 1, max(scale, places))
        return Expr(f"(CAST({left.sql} AS {duckdb(kind)}) {operator} CAST({right.sql} AS {duckdb(kind)}))", kind)
    if operator == "*":
        if precision + other > 38:
            raise refused(f"{left.type} * {right.type}", node)
        kind = decimal(precision + other, scale + places)
        return Expr(f"CAST(({left.sql} * {right.sql}) AS {duckdb(kind)})", kind)
    kind = decimal(precision + places + max(places - scale, 0), max(scale, places))
    shift = max(scale, places) - scale + places
    if operator == "%" or precision + shift > 37 or other > 37:
        raise refused(f"{left.type} {operator} {right.type}", node)
    return Expr(scaled(f"t_half_up({digits(left)} * CAST({10**shift} AS HUGEINT), {digits(right)})", kind), kind)


def digits(value: Expr) -> str:
    """A decimal's digits as one whole number: 1.50 is 150."""
    if value.type.numbers[1] == 0:
        return f"CAST({value.sql} AS HUGEINT)"
    return f"CAST(replace(CAST({value.sql} AS VARCHAR), '.', '') AS HUGEINT)"


def scaled(whole: str, kind: Type) -> str:
    """The decimal whose digits are a whole number."""
    if kind.numbers[1] == 0:
        return f"CAST({whole} AS {duckdb(kind)})"
    return f"CAST(t_point(CAST({whole} AS VARCHAR), {kind.numbers[1]}) AS {duckdb(kind)})"
