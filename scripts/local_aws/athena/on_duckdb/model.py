"""What the compiler's parts hand each other: a compiled expression, the columns in reach, and what may stand where."""
from __future__ import annotations

import datetime
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from local_aws.athena.catalog import Table
from local_aws.athena.exchange import QueryFailed
from local_aws.athena.on_duckdb.coercion import duckdb
from local_aws.athena.trino_sql.nodes import Node
from local_aws.athena.types import Type

Value = bool | int | float | str | Decimal | None


class Holds(enum.Flag):
    """What an expression has in it, however deep."""

    NOTHING = 0
    AGGREGATE = enum.auto()
    WINDOW = enum.auto()
    QUERY = enum.auto()
    TRY = enum.auto()
    REFUSAL = enum.auto()  # a function that may refuse a value while the query runs


@dataclass(frozen=True)
class Expr:
    """A compiled expression: DuckDB's text, Trino's type, and its value where `literal`. Two of the same text have the
    same value, for every relation and column in it has a name of its own."""

    sql: str
    type: Type
    value: Value = None
    literal: bool = False
    holds: Holds = Holds.NOTHING
    calls: int = 0  # how deep calls stand in calls: a macro's text repeats its arguments


@dataclass(eq=False)
class Scan:
    """A table read once: the columns that the query touches, and the conditions on partition columns alone."""

    alias: str
    table: Table
    columns: list[tuple[str, Type, bool]]  # name, type, whether it is a partition column
    used: set[int] = field(default_factory=set)
    prune: list[Expr] = field(default_factory=list)  # conditions on p.k<n>
    equal: dict[str, list[str]] = field(default_factory=dict)  # partition column: the texts it is said to equal

    @property
    def name(self) -> str:
        """The table of DuckDB's that holds its rows, with the columns c0, c1, …"""
        return f"scan_{self.alias}"


Origin = tuple[Scan, int]  # a column of a scan, by its place


@dataclass(frozen=True)
class Field:
    """A column that can be named: by `name`, or by `qualifier` (parts of the relation's name) and name."""

    name: str | None
    value: Expr
    qualifier: tuple[str, ...] = ()
    origin: Origin | None = None  # where the value is that of a table's column, unchanged
    needs: frozenset[Origin] = frozenset()  # every column of a scan that the value is made of

    def called(self, sql: str, qualifier: tuple[str, ...] | None = None) -> Field:
        """The same column where DuckDB calls it something else."""
        value = Expr(sql, self.value.type, holds=self.value.holds & Holds.REFUSAL)
        return replace(self, value=value, qualifier=self.qualifier if qualifier is None else qualifier)


@dataclass(frozen=True)
class Relation:
    """A compiled query or FROM item: DuckDB's text and the columns it gives."""

    sql: str
    fields: list[Field]
    padded: frozenset[Scan] = frozenset()  # the scans whose rows an outer join may pad with nulls


@dataclass
class Scope:
    """The columns in reach. Those of `parent` are a surrounding query's, which only correlation reaches. `fallback` are
    the source columns behind an ORDER BY's output columns."""

    fields: Sequence[Field] = ()
    parent: Scope | None = None
    fallback: Scope | None = None


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
    inside: str = ""  # 'aggregate' while the arguments of one are compiled
    loose: list[Node] = field(default_factory=list)  # names of columns that are neither grouped nor aggregated
    aggregate: Node | None = None  # the first that was found
    holds: Holds = Holds.NOTHING
    calls: int = 0
    used: list[Field] = field(default_factory=list)


class Compiler(Protocol):
    """What functions ask of whoever compiles the expressions around them."""

    now: datetime.datetime  # the instant of the query, UTC: the same wherever the query asks

    def expression(self, node: Node, context: Context) -> Expr:
        """The node, compiled."""

    def boolean(self, node: Node, context: Context, what: str) -> Expr:
        """The node, which must be a condition; `what` it is, for the error."""

    def compare(self, left: Expr, right: Expr, operator: str, node: Node) -> str:
        """The text of a comparison. Raises TYPE_MISMATCH, or a refusal."""

    def unified(self, parts: Sequence[Expr], at: Sequence[Node], what: str) -> tuple[list[Expr], Type]:
        """Values brought to their common type; `what` they are, for the error."""


def fail(code: str, at: Node, message: str) -> QueryFailed:
    """Trino's error at a node's place."""
    return QueryFailed(code, f"{at.place}: {message}")


def text(value: str) -> str:
    """A string literal of DuckDB."""
    if "\0" in value:
        return "(" + " || chr(0) || ".join(text(part) for part in value.split("\0")) + ")"
    return "'" + value.replace("'", "''") + "'"


def null(kind: Type) -> str:
    """A null of a type, in DuckDB's text."""
    return f"CAST(NULL AS {duckdb(kind)})"


def coerced(given: Expr, wanted: Type) -> Expr:
    """The value as a type that it coerces to."""
    if given.type.name == "unknown":
        return Expr(null(wanted), wanted, None, True)
    if given.type.name == wanted.name == "varchar" or duckdb(given.type) == duckdb(wanted):
        return replace(given, type=wanted)
    return replace(given, sql=f"CAST({given.sql} AS {duckdb(wanted)})", type=wanted)
