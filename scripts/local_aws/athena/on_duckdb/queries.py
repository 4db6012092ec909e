"""Queries: FROM, WHERE, GROUP BY, set operations and the rest, compiled to DuckDB with Trino's scoping and errors.

Every relation is renamed (r1, r2, …) and so is every column (c0, c1, …): DuckDB resolves no name that the query's
author wrote. https://trino.io/docs/476/sql/select.html
"""
from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from local_aws.athena.catalog import Catalog, Table
from local_aws.athena.exchange import NotVerified, QueryFailed
from local_aws.athena.hive_types import from_hive
from local_aws.athena.on_duckdb.coercion import common, held
from local_aws.athena.on_duckdb.expressions import Expressions, matches, plain_path
from local_aws.athena.on_duckdb.functions import sort_item
from local_aws.athena.on_duckdb.model import Context, Expr, Field, Holds, Relation, Scan, Scope, coerced, fail, null
from local_aws.athena.trino_sql import nodes
from local_aws.athena.trino_sql.grammar import parse, refused
from local_aws.athena.trino_sql.nodes import Node
from local_aws.athena.types import BIGINT, Type

DEEPEST_VIEW = 50  # views within views


@dataclass(frozen=True)
class Cte:
    """A WITH query. Each mention of it is compiled, and read, for itself, as Trino does."""

    query: nodes.Query
    names: list[str | None]
    scope: dict[str, Cte]


class Queries(Expressions):
    """Compiles one statement. `scans` are then what has to be read before its text can run."""

    def __init__(self, catalog: Catalog, now: datetime.datetime):
        super().__init__(now)
        self.catalog, self.database = catalog, catalog.database
        self.scans: list[Scan] = []
        self.numbers = itertools.count(1)
        self.ctes: list[dict[str, Cte]] = [{}]
        self.views: list[tuple[str, str]] = []

    def statement(self, text: str) -> Relation:
        """A whole statement. Raises QueryFailed with Trino's errors, NotVerified for what may not be answered alike."""
        result = self.compile_query(parse(text), None)
        self.need_all(result.fields)
        return result

    def need_all(self, fields: Iterable[Field]) -> None:
        """Take note that all these fields' columns have to be read."""
        for one in fields:
            self.need(one.needs)

    def alias(self) -> str:
        """A relation's name that no other in the statement has: r1, r2, …"""
        return f"r{next(self.numbers)}"

    # ---- queries

    def compile_query(self, query: nodes.Query, outer: Scope | None) -> Relation:
        """A query: its text, and its columns c0, c1, …"""
        self.ctes.append(dict(self.ctes[-1]))
        try:
            for cte in query.ctes:
                self.add_cte(cte)
            if isinstance(query.body, nodes.Select):
                result = self.select(query.body, outer, query.order)
            else:
                result = self.body(query.body, outer)
                if query.order:
                    result = self.ordered(result, query.order)
        finally:
            self.ctes.pop()
        limit = f" LIMIT {query.limit}" if query.limit is not None else ""
        offset = f" OFFSET {query.offset}" if query.offset is not None else ""
        if not (limit or offset):
            return result
        return replace(result, sql=result.sql + limit + offset,
                       fields=[replace(one, origin=None) for one in result.fields])

    def add_cte(self, cte: nodes.Cte) -> None:
        """Take note of a WITH query, which is compiled for its errors and names alone."""
        scope, scans, outer = dict(self.ctes[-1]), len(self.scans), self.deferred
        self.deferred = set()
        fields = self.compile_query(cte.query, None).fields
        self.deferred = outer
        del self.scans[scans:]
        if cte.columns and len(cte.columns) != len(fields):
            raise fail("MISMATCHED_COLUMN_ALIASES", cte.columns[0], f"WITH column list has {len(cte.columns)} entries "
                       f"but WITH query({cte.name}) has {len(fields)} columns")
        names = [column.name for column in cte.columns] if cte.columns else [one.name for one in fields]
        self.ctes[-1][cte.name.lower()] = Cte(cte.query, list(names), scope)

    def body(self, node: Node, outer: Scope | None) -> Relation:
        """What stands between WITH and ORDER BY; `outer` are the columns around it."""
        if isinstance(node, nodes.Select):
            return self.select(node, outer, [])
        if isinstance(node, nodes.Query):
            return self.compile_query(node, outer)
        if isinstance(node, nodes.Values):
            return self.values(node, outer)
        assert isinstance(node, nodes.SetOperation)
        return self.set_operation(node, outer)

    def values(self, node: nodes.Values, outer: Scope | None) -> Relation:
        """VALUES, its rows brought to common types. Raises TYPE_MISMATCH."""
        context = Context(Scope(parent=outer), "VALUES")
        rows = [[self.expression(part, context) for part in (item.items if isinstance(item, nodes.Row) else [item])]
                for item in node.rows]
        sizes = list(dict.fromkeys(map(len, rows)))
        if len(sizes) > 1:
            raise fail("TYPE_MISMATCH", node, f"Values rows have mismatched sizes: {sizes[0]} vs {sizes[1]}")
        kinds = [one.type for one in rows[0]]
        for row in rows[1:]:
            both = [common(kind, one.type) for kind, one in zip(kinds, row, strict=True)]
            if None in both:
                raise fail("TYPE_MISMATCH", node, f"Values rows have mismatched types: row({', '.join(map(str, kinds))}"
                                                  f") vs row({', '.join(str(one.type) for one in row)})")
            kinds = [kind for kind in both if kind is not None]
        texts = ", ".join("(" + ", ".join(_held(one, kind) for one, kind in zip(row, kinds, strict=True)) + ")"
                          for row in rows)
        names = [f"c{at}" for at in range(len(kinds))]
        holds = [Holds.REFUSAL & context.holds] * len(kinds)
        return Relation(f"SELECT * FROM (VALUES {texts}) {self.alias()}({', '.join(names)})",
                        [Field(None, Expr(name, kind, holds=hold))
                         for name, kind, hold in zip(names, kinds, holds, strict=True)])

    def set_operation(self, node: nodes.SetOperation, outer: Scope | None) -> Relation:
        """UNION, INTERSECT or EXCEPT, named by its left side. Raises TYPE_MISMATCH."""
        left, right = self.body(node.left, outer), self.body(node.right, outer)
        if len(left.fields) != len(right.fields):
            raise fail("TYPE_MISMATCH", node, f"{node.operator} query has different number of fields: "
                                              f"{len(left.fields)}, {len(right.fields)}")
        fields, sides = [], (list[str](), list[str]())
        for at, pair in enumerate(zip(left.fields, right.fields, strict=True)):
            first, second = (one.value for one in pair)
            kind = common(first.type, second.type)
            if kind is None:
                raise fail("TYPE_MISMATCH", node, f"column {at + 1} in {node.operator} query has incompatible types: "
                                                  f"{first.type}, {second.type}")
            needs = pair[0].needs | pair[1].needs
            if node.operator != "UNION" or not node.every:
                self.need(needs)
            fields.append(Field(pair[0].name, Expr(f"c{at}", kind, holds=first.holds | second.holds), needs=needs))
            for side, given in zip(sides, (first, second), strict=True):
                side.append(f"{_held(replace(given, sql=f's.c{at}'), kind)} AS c{at}")
        texts = [f"(SELECT {', '.join(side)} FROM ({one.sql}) s)"
                 for side, one in zip(sides, (left, right), strict=True)]
        operator = f" {node.operator}{' ALL' if node.every else ''} "
        return Relation(f"SELECT * FROM ({operator.join(texts)}) {self.alias()}", fields)

    def ordered(self, result: Relation, order: Sequence[nodes.Sort]) -> Relation:
        """A query that is no SELECT with its ORDER BY."""
        context = Context(Scope(result.fields), "ORDER BY")
        outputs = [one.value for one in result.fields]
        parts = ", ".join(sort_item(item, self.ordinal(item, outputs, result.fields) or
                                    self.expression(item.expression, context)) for item in order)
        return replace(result, sql=f"SELECT * FROM ({result.sql}) {self.alias()} ORDER BY {parts}")

    def ordinal(self, item: nodes.Sort, outputs: Sequence[Expr], fields: Sequence[Field]) -> Expr | None:
        """The output column that an item of ORDER BY means by its place, counted from 1."""
        if not (isinstance(item.expression, nodes.Literal) and item.expression.type == "integer"):
            return None
        at = int(item.expression.text)
        if not 1 <= at <= len(outputs):
            raise fail("INVALID_COLUMN_REFERENCE", item.expression, f"ORDER BY position {at} is not in select list")
        self.need(fields[at - 1].needs)
        return outputs[at - 1]

    # ---- SELECT

    def select(self, node: nodes.Select, outer: Scope | None, order: Sequence[nodes.Sort]) -> Relation:
        """A SELECT with the ORDER BY behind it. Raises EXPRESSION_NOT_AGGREGATE and what its clauses raise."""
        source = self.relation(node.source, outer) if node.source is not None else Relation("", [])
        scope, where = Scope(source.fields, outer), ""
        if node.where is not None:
            context = Context(scope, "WHERE clause", node.where)
            where = f" WHERE {self.condition(node.where, context, source, source.padded, 'WHERE clause')}"
        groups = self.grouping(node, scope, source)
        keys = frozenset(groups) if groups is not None else None
        context = Context(scope, query_at=node, aggregates=True, windows=True, groups=keys)
        fields, loose = self.items(node, context, source)
        outputs = [one.value for one in fields]
        having = ""
        if node.having is not None:
            inner = replace(context, clause="HAVING clause", windows=False, loose=[], holds=Holds.NOTHING)
            having = f" HAVING {self.boolean(node.having, inner, 'HAVING clause').sql}"
            loose += [node.having] if inner.loose else []
            context.aggregate = context.aggregate or inner.aggregate or node.having
        ordering = self.order_by(node, order, context, scope, fields, loose)
        grouped = groups is not None or context.aggregate is not None
        if grouped and loose:
            raise fail("EXPRESSION_NOT_AGGREGATE", loose[0],
                       f"'{_shown(loose[0])}' must be an aggregate expression or appear in GROUP BY clause")
        if node.distinct:
            self.need_all(fields)
        items = ", ".join(f"{_held(one, one.type)} AS c{at}" for at, one in enumerate(outputs))
        start = f"SELECT {'DISTINCT ' if node.distinct else ''}{items}" + (f" FROM {source.sql}" if source.sql else "")
        sql = start + where + (f" GROUP BY {', '.join(groups)}" if groups is not None else "") + having + ordering
        # A column stays its table's own, to be pruned by, where the SELECT gives it for each row or group unchanged.
        same = not grouped and not node.distinct and Holds.WINDOW not in context.holds
        plain = [replace(one.called(f"c{at}", ()), origin=one.origin if one.origin is not None and (
            same or one.value.sql in (keys or ())) and one.origin[0] not in source.padded else None)
                 for at, one in enumerate(fields)]
        return Relation(sql, plain)

    def condition(self, node: Node, context: Context, source: Relation, padded: frozenset[Scan], what: str) -> str:
        """A filter's text; its terms on partition columns alone are also kept for pruning."""
        terms = node.terms if isinstance(node, nodes.Logical) and node.operator == "AND" else [node]
        texts = []
        for term in terms:
            context.used, context.holds = [], Holds.NOTHING
            value = self.boolean(term, context, what if len(terms) == 1 else "Logical expression term")
            texts.append(value.sql)
            self.prune(term, value, context.used, source, padded)
        return texts[0] if len(texts) == 1 else "(" + " AND ".join(texts) + ")"

    def prune(self, node: Node, value: Expr, used: Sequence[Field], source: Relation, padded: frozenset[Scan]) -> None:
        """Keep a condition on a scan's partition columns alone: partitions that it rules out need not be read. `padded`
        are the scans of which rows stay though the condition is false."""
        origins = {one.origin for one in used if any(one is own for own in source.fields)}
        scans = {origin[0] for origin in origins if origin is not None}
        if len(scans) != 1 or None in origins or Holds.QUERY in value.holds or any(
                one.origin not in origins for one in used):
            return
        (scan,) = scans
        columns = sorted({origin[1] for origin in origins if origin is not None})
        if scan in padded or not all(scan.columns[at][2] for at in columns):
            return
        fields = [one.called(f"p.k{one.origin[1]}") if one.origin is not None and one.origin[0] is scan else one
                  for one in source.fields]
        scan.prune.append(self.boolean(node, Context(Scope(fields)), ""))
        if len(columns) == 1:
            scan.equal.setdefault(scan.columns[columns[0]][0], []).extend(_equal_to(node))

    def grouping(self, node: nodes.Select, scope: Scope, source: Relation) -> list[str] | None:
        """The texts of the grouping expressions, each once; None without GROUP BY."""
        if node.grouping is None:
            return None
        context, found = Context(scope, "GROUP BY clause"), []
        for part in node.grouping:
            if not (isinstance(part, nodes.Literal) and part.type == "integer"):
                found.append(self.expression(part, context).sql)
                continue
            places: list[Field | Node] = []
            for item in node.items:
                places += self.star(item, source) if isinstance(item, nodes.Star) else [item.expression]
            if not 1 <= int(part.text) <= len(places):
                raise fail("INVALID_COLUMN_REFERENCE", part, f"GROUP BY position {part.text} is not in select list")
            place = places[int(part.text) - 1]
            if isinstance(place, Field):
                self.need(place.needs)
            found.append(place.value.sql if isinstance(place, Field) else self.expression(place, context).sql)
        return list(dict.fromkeys(found))

    def items(self, node: nodes.Select, context: Context, source: Relation) -> tuple[list[Field], list[Node]]:
        """The output columns, and what of them is neither grouped nor aggregated."""
        fields: list[Field] = []
        loose: list[Node] = []
        for item in node.items:
            if isinstance(item, nodes.Star):
                for one in self.star(item, source):
                    fields.append(one)
                    if context.groups is None or one.value.sql not in context.groups:
                        loose.append(nodes.Column(item.at, one.name or "", False))
                continue
            context.loose, context.used = [], []
            outer, self.deferred = self.deferred, set()
            value = self.expression(item.expression, context)
            needs, self.deferred = frozenset(self.deferred), outer
            loose += [item.expression] if context.loose else []
            path = plain_path(item.expression)
            name = item.alias if item.alias is not None else path[-1] if path else None
            same = len(context.used) == 1 and context.used[0].value.sql == value.sql
            fields.append(Field(name, value, origin=context.used[0].origin if same else None, needs=needs))
        return fields, loose

    def star(self, item: nodes.Star, source: Relation) -> list[Field]:
        """The columns that `*` or `t.*` means."""
        if not item.prefix:
            if not source.sql:
                raise fail("COLUMN_NOT_FOUND", item, "SELECT * not allowed in queries without FROM clause")
            return source.fields
        quals = tuple(part.lower() for part in item.prefix)
        found = [one for one in source.fields if one.qualifier[-len(quals):] == quals]
        if not found and len(quals) == 1 and matches(source.fields, [], quals[0]):
            raise refused("row.*", item)
        if not found:
            raise fail("TABLE_NOT_FOUND", item, f"Unable to resolve reference {'.'.join(item.prefix)}")
        return found

    def order_by(self, node: nodes.Select, order: Sequence[nodes.Sort], context: Context, scope: Scope,
                 fields: Sequence[Field], loose: list[Node]) -> str:
        """The text of a SELECT's ORDER BY, which may name output columns and columns of the source."""
        if not order:
            return ""
        named: list[Field] = []
        for one in fields:
            if one.name is not None and all(one.value.sql != other.value.sql or one.name.lower() != other.name.lower()
                                            for other in named if other.name is not None):
                named.append(one)
        inner = replace(context, clause="ORDER BY", scope=Scope(named, scope.parent, fallback=scope))
        outputs = [one.value for one in fields]
        texts = [one.sql for one in outputs]
        # An output column may be named where it is already an aggregate: its text is then as good as grouped.
        if context.groups is not None or context.aggregate is not None:
            inner.groups = frozenset((*(context.groups or ()), *texts))
        parts = []
        for item in order:
            value = self.ordinal(item, outputs, fields)
            if value is None:
                inner.loose = []
                value = self.expression(item.expression, inner)
                loose += [item.expression] if inner.loose else []
            if node.distinct and value.sql not in texts:
                raise fail("EXPRESSION_NOT_IN_DISTINCT", node, "For SELECT DISTINCT, ORDER BY expressions must appear "
                                                               "in select list")
            if value.sql in texts:
                value = replace(value, sql=str(texts.index(value.sql) + 1))
            parts.append(sort_item(item, value))
        context.aggregate, context.holds = context.aggregate or inner.aggregate, context.holds | inner.holds
        return f" ORDER BY {', '.join(parts)}"

    # ---- FROM

    def relation(self, node: Node, outer: Scope | None) -> Relation:
        """A FROM item: its text has the alias in it, its fields are called by that."""
        alias, columns, inner = None, list[str](), node
        if isinstance(node, nodes.Aliased):
            alias, columns, inner = node.alias, node.columns, node.relation
        if isinstance(inner, nodes.Unnest):
            return self.unnest(inner, node, Relation("", []), outer, "CROSS")
        if isinstance(inner, nodes.Table):
            relation, qualifier = self.table(inner)
            return self.renamed(relation, node, alias, columns, qualifier)
        if isinstance(inner, nodes.Query):
            relation = self.compile_query(inner, outer)
            return self.renamed(replace(relation, sql=f"({relation.sql})"), node, alias, columns)
        if isinstance(inner, nodes.Join) and alias is None:
            return self.join(inner, outer)
        relation = self.relation(inner, outer)
        items = ", ".join(f"{one.value.sql} AS c{at}" for at, one in enumerate(relation.fields))
        return self.renamed(replace(relation, sql=f"(SELECT {items} FROM {relation.sql})"), node, alias, columns)

    def renamed(self, relation: Relation, node: Node, alias: str | None, columns: Sequence[str],
                qualifier: tuple[str, ...] = ()) -> Relation:
        """A relation in brackets, whose columns are c0, c1, …, under an alias of our own and the author's names."""
        own = self.alias()
        qualifier = (alias.lower(),) if alias is not None else qualifier
        fields = [one.called(f"{own}.c{at}", qualifier) for at, one in enumerate(relation.fields)]
        return Relation(f"{relation.sql} {own}", _named(node, alias, fields, columns))

    def table(self, node: nodes.Table) -> tuple[Relation, tuple[str, ...]]:
        """A table, view or WITH name: its text (without alias), columns c0, c1, … and how it qualifies them."""
        parts = [part.lower() for part in node.parts]
        if len(parts) == 1 and parts[0] in self.ctes[-1]:
            cte = self.ctes[-1][parts[0]]
            self.ctes.append(cte.scope)
            relation = self.compile_query(cte.query, None)
            self.ctes.pop()
            return Relation(f"({relation.sql})", _called(relation.fields, cte.names)), (parts[0],)
        if len(parts) > 3:
            raise fail("SYNTAX_ERROR", node, f"Too many dots in table name: {'.'.join(parts)}")
        if len(parts) == 3 and parts[0] != "awsdatacatalog":
            raise fail("CATALOG_NOT_FOUND", node, f"Catalog '{parts[0]}' not found")
        database, name = parts[-2] if len(parts) > 1 else self.database, parts[-1]
        if "$" in name or database == "information_schema":
            raise refused(f"the table {'.'.join(parts)}", node)
        table = self.catalog.table(database, name)
        if table is None:
            if not self.catalog.has_database(database):
                raise fail("SCHEMA_NOT_FOUND", node, f"Schema '{database}' does not exist")
            raise fail("TABLE_NOT_FOUND", node, f"Table 'awsdatacatalog.{database}.{name}' does not exist")
        qualifier = ("awsdatacatalog", database, name)
        if table.view is not None:
            return self.view(table, node), qualifier
        columns = [(column.name.lower(), from_hive(column.type), key) for key, group in
                   ((False, table.columns), (True, table.partition_keys)) for column in group]
        for column, kind, _ in columns:
            if not held(kind):
                raise refused(f"the column {column}, of type {kind},", node)
        scan = Scan(self.alias(), table, columns)
        self.scans.append(scan)
        return Relation(scan.name, [Field(column, Expr(f"c{at}", kind), (), (scan, at), frozenset([(scan, at)]))
                                    for at, (column, kind, _) in enumerate(columns)]), qualifier

    def view(self, table: Table, node: Node) -> Relation:
        """A view's query in its own database. Raises INVALID_VIEW for an error inside, VIEW_IS_RECURSIVE."""
        if (table.database, table.name) in self.views or len(self.views) > DEEPEST_VIEW:
            raise fail("VIEW_IS_RECURSIVE", node, f"View is recursive: {table.database}.{table.name}")
        self.views.append((table.database, table.name))
        before, self.database = self.database, table.view_database or table.database
        self.ctes.append({})
        try:
            relation = self.compile_query(parse(table.view or ""), None)
        except NotVerified:
            raise
        except QueryFailed as failed:
            if not failed.message.startswith("line"):
                raise
            raise fail("INVALID_VIEW", node, f"Failed analyzing stored view 'awsdatacatalog.{table.database}."
                                             f"{table.name}': {failed.message}") from None
        finally:
            self.ctes.pop()
            self.database = before
            self.views.pop()
        names = [column.name for column in table.columns]
        if len(names) != len(relation.fields):
            names = [one.name or f"_col{at}" for at, one in enumerate(relation.fields)]
        return Relation(f"({relation.sql})", _called(relation.fields, names))

    def join(self, node: nodes.Join, outer: Scope | None) -> Relation:
        """A join, or UNNEST beside a relation. Raises NOT_SUPPORTED for UNNEST with another condition than TRUE."""
        left = self.relation(node.left, outer)
        right_node = node.right.relation if isinstance(node.right, nodes.Aliased) else node.right
        if isinstance(right_node, nodes.Unnest):
            always = node.on is None or isinstance(node.on, nodes.Literal) and node.on.text == "TRUE"
            if not always:
                raise fail("NOT_SUPPORTED", node.on or node,
                           f"{node.how} JOIN involving UNNEST is only supported with condition ON TRUE")
            return self.unnest(right_node, node.right, left, outer, node.how)
        right = self.relation(node.right, outer)
        before, none = left.padded | right.padded, frozenset[Scan]()
        padded = _scans(right) if node.how == "LEFT" else none
        result = Relation("", left.fields + right.fields, before | padded)
        if node.on is None:
            return replace(result, sql=f"{left.sql} CROSS JOIN {right.sql}")
        context = Context(Scope(result.fields, outer), "JOIN clause", node.on)
        stay = _scans(left) if node.how == "LEFT" else none  # their rows stay though ON is false
        on = self.condition(node.on, context, result, before | stay, "JOIN ON clause")
        return replace(result, sql=f"({left.sql} {node.how} JOIN {right.sql} ON {on})")

    def unnest(self, node: nodes.Unnest, at: Node, left: Relation, outer: Scope | None, how: str) -> Relation:
        """UNNEST, beside the row that its arrays come from: rows are padded with nulls to the longest array. `at` is
        the node with its alias, if it has one."""
        context = Context(Scope(left.fields, outer), "UNNEST")
        inner, own = self.alias(), self.alias()
        selected, lengths, fields = [], [], list[Field]()
        for part in node.arrays:
            value = self.expression(part, context)
            if value.type.name != "array":
                raise QueryFailed("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {value.type}")
            column = f"u{len(selected)}"
            selected.append(f"unnest({value.sql}) AS {column}")
            lengths.append(f"coalesce(len({value.sql}), 0)")
            fields.append(Field(None, replace(value, sql=f"{inner}.{column}", type=value.type.inner[0])))
        if node.ordinality:
            selected.append(f"unnest(range(1, greatest({', '.join(lengths)}) + 1)) AS n")
            fields.append(Field(None, Expr(f"{inner}.n", BIGINT)))
        items = ", ".join(f"{one.value.sql} AS c{at}" for at, one in enumerate(fields))
        lateral = f"(SELECT {items} FROM (SELECT {', '.join(selected)}) {inner}) {own}"
        alias, columns = (at.alias, at.columns) if isinstance(at, nodes.Aliased) else (None, [])
        fields = [one.called(f"{own}.c{place}", (alias.lower(),) if alias is not None else ())
                  for place, one in enumerate(_named(at, alias, fields, columns))]
        if not left.sql:
            return Relation(lateral, fields)
        sql = f"({left.sql} LEFT JOIN LATERAL {lateral} ON TRUE)" if how == "LEFT" else \
            f"{left.sql} CROSS JOIN LATERAL {lateral}"
        return Relation(sql, left.fields + fields, left.padded)


def _held(value: Expr, kind: Type) -> str:
    """A value's text as a type's, where even a null has one for DuckDB."""
    if value.type.name == kind.name == "unknown":
        return null(kind) if value.literal else value.sql
    return coerced(value, kind).sql


def _called(fields: Sequence[Field], names: Sequence[str | None]) -> list[Field]:
    return [replace(one, name=name) for one, name in zip(fields, names, strict=True)]


def _named(node: Node, alias: str | None, fields: list[Field], names: Sequence[str]) -> list[Field]:
    """The fields under the names of a column alias list, t(a, b); as they are without one."""
    if names and len(names) != len(fields):
        raise fail("MISMATCHED_COLUMN_ALIASES", node, f"Column alias list has {len(names)} entries but '{alias}' has "
                                                      f"{len(fields)} columns available")
    return _called(fields, names) if names else fields


def _scans(relation: Relation) -> frozenset[Scan]:
    return frozenset(one.origin[0] for one in relation.fields if one.origin is not None)


def _equal_to(node: Node) -> list[str]:
    """The texts of `column = 'text'` or `column IN ('text', …)`; none for any other condition."""
    if isinstance(node, nodes.Binary) and node.operator == "=":
        sides = [node.left, node.right]
    elif isinstance(node, nodes.In) and isinstance(node.items, list) and not node.negated:
        sides = [node.value, *node.items]
    else:
        return []
    texts = [side.text for side in sides if isinstance(side, nodes.Literal) and side.type == "varchar"]
    column = any(plain_path(side) for side in sides)
    return texts if column and len(texts) == len(sides) - 1 else []


def _shown(node: Node) -> str:
    """An expression as Trino's messages repeat it, as far as these need it."""
    path = plain_path(node)
    if isinstance(node, nodes.Column) and node.quoted:
        return f'"{node.name}"'
    return ".".join(path) if path else type(node).__name__.lower()
