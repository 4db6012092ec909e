"""The pieces of a query as the grammar reads them: one class a kind of piece, each with the word that it begins at.

Two nodes are equal where their pieces are, wherever they stand.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from local_aws.athena.trino_sql.lexer import Token
from local_aws.athena.types import Type


@dataclass(frozen=True)
class Node:
    """Any piece of a query; `at` is the word to which an error about it points."""

    at: Token = field(compare=False, repr=False)

    @property
    def place(self) -> str:
        """'line 1:8', counted from 1."""
        return self.at.place


@dataclass(frozen=True)
class Query(Node):
    """WITH, a body (Select, SetOperation, Values, or a Query in brackets), ORDER BY, OFFSET and LIMIT."""

    ctes: list[Cte]
    body: Node
    order: list[Sort]
    offset: int | None
    limit: int | None


@dataclass(frozen=True)
class Cte(Node):
    """`name (columns) AS (query)` behind WITH; no columns without a list."""

    name: str
    columns: list[Column]
    query: Query


@dataclass(frozen=True)
class Sort(Node):
    """An item of ORDER BY."""

    expression: Node
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class SetOperation(Node):
    """UNION, INTERSECT or EXCEPT; `every` with ALL."""

    operator: str
    every: bool
    left: Node
    right: Node


@dataclass(frozen=True)
class Values(Node):
    """VALUES, a row each."""

    rows: list[Node]


@dataclass(frozen=True)
class Select(Node):
    """SELECT, and `TABLE t` as SELECT * FROM t; `grouping` None without GROUP BY."""

    distinct: bool
    items: list[Star | Item]
    source: Node | None
    where: Node | None
    grouping: list[Node] | None
    having: Node | None


@dataclass(frozen=True)
class Star(Node):
    """`*`, or `a.b.*` with the parts of its prefix."""

    prefix: list[str]


@dataclass(frozen=True)
class Item(Node):
    """An expression of a SELECT, with its alias or None."""

    expression: Node
    alias: str | None


@dataclass(frozen=True)
class Table(Node):
    """A table's name, in its parts."""

    parts: list[str]


@dataclass(frozen=True)
class Aliased(Node):
    """A relation (Table, Join, Unnest, Query) under an alias; no columns without a list."""

    relation: Node
    alias: str
    columns: list[str]


@dataclass(frozen=True)
class Join(Node):
    """A join; `how` is CROSS, INNER or LEFT; with ON, but for CROSS."""

    how: str
    left: Node
    right: Node
    on: Node | None = None


@dataclass(frozen=True)
class Unnest(Node):
    """UNNEST of arrays side by side, [WITH ORDINALITY]."""

    arrays: list[Node]
    ordinality: bool


@dataclass(frozen=True)
class Literal(Node):
    """A value as it is written: an 'integer', 'decimal' or 'double' by its form, a 'varchar' without its quotes, a
    'boolean', NULL of type 'unknown', and what has no text, such as 'current_date', by its name."""

    type: str
    text: str


@dataclass(frozen=True)
class Typed(Node):
    """A text with its type's name in front, in lower case: DATE '2024-01-31'."""

    type: str
    text: str


@dataclass(frozen=True)
class Column(Node):
    """A name; `quoted` where it stands in quotes."""

    name: str
    quoted: bool


@dataclass(frozen=True)
class Dereference(Node):
    """`base.name`: a qualified column."""

    base: Node
    name: str


@dataclass(frozen=True)
class Unary(Node):
    """`+`, `-`, NOT, IS NULL or IS NOT NULL with its one value."""

    operator: str
    value: Node


@dataclass(frozen=True)
class Binary(Node):
    """Two values with an operator: + - * / %, ||, = <> < <= > >=, IS [NOT] DISTINCT FROM, or [] of a subscript."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Logical(Node):
    """Terms between ANDs, or between ORs."""

    operator: str
    terms: list[Node]


@dataclass(frozen=True)
class Between(Node):
    """[NOT] BETWEEN."""

    value: Node
    low: Node
    high: Node
    negated: bool


@dataclass(frozen=True)
class In(Node):
    """[NOT] IN a list, or a query."""

    value: Node
    items: list[Node] | Query
    negated: bool


@dataclass(frozen=True)
class Like(Node):
    """[NOT] LIKE."""

    value: Node
    pattern: Node
    negated: bool


@dataclass(frozen=True)
class Case(Node):
    """CASE; `operand` None where each WHEN is a condition."""

    operand: Node | None
    whens: list[tuple[Node, Node]]
    default: Node | None


@dataclass(frozen=True)
class Cast(Node):
    """CAST, or TRY_CAST where `safe`; the type as it is named."""

    value: Node
    type: Type
    safe: bool


@dataclass(frozen=True)
class Array(Node):
    """ARRAY[…]."""

    items: list[Node]


@dataclass(frozen=True)
class Row(Node):
    """ROW(…), or several values in brackets: what IN and VALUES take."""

    items: list[Node]


@dataclass(frozen=True)
class Subquery(Node):
    """A query in brackets that stands for a value, or behind EXISTS for whether it has rows."""

    query: Query
    exists: bool = False


@dataclass(frozen=True)
class Window(Node):
    """OVER (PARTITION BY … ORDER BY …)."""

    partition: list[Node]
    order: list[Sort]


@dataclass(frozen=True)
class Call(Node):
    """A function's call, with all that may stand behind it. `star` is f(*)."""

    name: str
    arguments: list[Node]
    star: bool = False
    distinct: bool = False
    order: list[Sort] = field(default_factory=list)
    filter: Node | None = None
    over: Window | None = None
