"""Queries: FROM, WHERE, GROUP BY, set operations and the rest, compiled to DuckDB with Trino's scoping and errors.

Every relation is renamed (r1, r2, …) and so is every column (c0, c1, …): DuckDB resolves no name that the query's
author wrote. https://trino.io/docs/476/sql/select.html
"""
from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from local_aws.athena.catalog import Catalog, Table
from local_aws.athena.engine import QueryFailed
from local_aws.athena.hive_types import from_hive
from local_aws.athena.on_duckdb.expressions import Context, Expr, Expressions, Field, Scope, fail, null
from local_aws.athena.on_duckdb.grammar import Node, parse, refused
from local_aws.athena.on_duckdb.types import BIGINT, array, common, map_of, orderable, unordered, words
from local_aws.athena.types import Type

UNION_LIMIT = 50  # views within views


@dataclass(eq=False)
class Scan:
    """A table read once: the columns that the query touches, and the conditions on partition columns alone."""

    alias: str
    table: Table
    columns: list[tuple[str, Type, bool]]  # name, type, whether it is a partition column
    used: set[int] = field(default_factory=set)
    prune: list[str] = field(default_factory=list)  # DuckDB conditions on p.k<n>
    equal: dict[str, list[str]] = field(default_factory=dict)  # partition column: the texts it is said to equal

    @property
    def name(self) -> str:
        return f"scan_{self.alias}"


@dataclass
class Relation:
    """A compiled query or FROM item: DuckDB's text and the columns it gives."""

    sql: str
    fields: list[Field]
    single: bool = False  # exactly one row, whatever the input: an aggregation without GROUP BY
    correlated: list[Field] = field(default_factory=list)
    nullable: frozenset[Any] = frozenset()  # the scans that an outer join may pad with nulls


@dataclass
class Cte:
    """A WITH query. Each mention of it is compiled, and read, for itself, as Trino does."""

    query: Node
    names: list[str | None]
    scope: dict[str, Cte]


class Queries(Expressions):
    """Compiles one statement. `scans` are then what has to be read before its text can run."""

    def __init__(self, catalog: Catalog, now: datetime.datetime):
        self.catalog, self.now = catalog, now
        self.database = catalog.database
        self.scans: list[Scan] = []
        self.numbers = itertools.count(1)
        self.ctes: list[dict[str, Cte]] = [{}]
        self.views: list[tuple[str, str]] = []

    def statement(self, text: str) -> tuple[str, list[Field]]:
        """The DuckDB text of a whole statement, and its columns."""
        result = self.compile_query(parse(text), None)
        self.need_all(result.fields)
        for one in result.fields:
            if unordered(one.type):
                raise refused("a map as map_agg or histogram orders it, in an answer,")
        return result.sql, result.fields

    def need_all(self, fields: list[Field]) -> None:
        for one in fields:
            self.need(one.needs)

    def alias(self) -> str:
        return f"r{next(self.numbers)}"

    # ---- queries

    def compile_query(self, query: Node, outer: Scope | None) -> Relation:
        self.ctes.append(dict(self.ctes[-1]))
        try:
            for cte in query.ctes:
                self.add_cte(cte)
            body = query.body
            if body.kind == "select":
                result = self.select(body, outer, query.order)
            else:
                result = self.body(body, outer)
                if query.order:
                    result = self.ordered(result, query.order)
            tail = ""
            if query.limit is not None:
                tail += f" LIMIT {query.limit}"
            if query.offset is not None:
                tail += f" OFFSET {query.offset}"
            if tail:
                fields = [replace(one, origin=None) for one in result.fields]
                result = replace(result, sql=result.sql + tail, fields=fields, single=False)
            return result
        finally:
            self.ctes.pop()

    def add_cte(self, cte: Node) -> None:
        name = cte.name.lower()
        scope, scans = dict(self.ctes[-1]), len(self.scans)
        outer, self.deferred = self.deferred, set()
        relation = self.compile_query(cte.query, None)
        self.deferred = outer
        del self.scans[scans:]  # compiled for its errors and names alone
        names = [one.name for one in relation.fields]
        if cte.columns is not None:
            if len(cte.columns) != len(names):
                raise fail("MISMATCHED_COLUMN_ALIASES", cte.columns[0],
                           f"WITH column list has {len(cte.columns)} entries but WITH query({cte.name}) has "
                           f"{len(names)} columns")
            names = [column.name for column in cte.columns]
        self.ctes[-1][name] = Cte(cte.query, names, scope)

    def body(self, node: Node, outer: Scope | None) -> Relation:
        if node.kind == "select":
            return self.select(node, outer, [])
        if node.kind == "query":
            return self.compile_query(node, outer)
        if node.kind == "values":
            return self.values(node, outer)
        if node.kind == "table_query":
            relation, _ = self.table(node.table)
            alias = self.alias()
            fields = self.under(relation.fields, alias)
            items = ", ".join(f"{one.sql} AS c{at}" for at, one in enumerate(fields))
            return Relation(f"SELECT {items} FROM {relation.sql} {alias}", self.numbered(fields))
        return self.set_operation(node, outer)

    def under(self, fields: list[Field], alias: str, qualifier: tuple[str, ...] | None = None) -> list[Field]:
        """The columns c0, c1, … of a relation, as they are called once it has an alias."""
        return [replace(one, sql=f"{alias}.c{at}", qualifier=one.qualifier if qualifier is None else qualifier)
                for at, one in enumerate(fields)]

    def numbered(self, fields: list[Field]) -> list[Field]:
        return [replace(one, sql=f"c{at}", qualifier=()) for at, one in enumerate(fields)]

    def values(self, node: Node, outer: Scope | None) -> Relation:
        context = Context(Scope(parent=outer), "VALUES")
        rows = []
        for item in node.rows:
            if item.kind == "row":
                rows.append([self.expression(part, context) for part in item.items])
                continue
            one = self.expression(item, context)
            rows.append([one] if one.type.name != "row" else [  # a row is its columns, however it is written
                Expr(f"struct_extract({one.sql}, 'f{at}')", kind) for at, kind in enumerate(one.type.inner, 1)])
        if len({len(row) for row in rows}) != 1:
            raise fail("TYPE_MISMATCH", node, "Values rows have mismatched sizes: "
                                              f"{len(rows[0])} vs "
                                              f"{next(len(r) for r in rows if len(r) != len(rows[0]))}")
        kinds = [one.type for one in rows[0]]
        for row in rows[1:]:
            for at, one in enumerate(row):
                both = common(kinds[at], one.type)
                if both is None:
                    left = ", ".join(words(k) for k in kinds)
                    raise fail("TYPE_MISMATCH", node, f"Values rows have mismatched types: row({left}) vs "
                                                      f"row({', '.join(words(o.type) for o in row)})")
                kinds[at] = both
        texts = ", ".join("(" + ", ".join(self.typed(one, kind) for one, kind in zip(row, kinds, strict=True)) + ")"
                          for row in rows)
        names = ", ".join(f"c{at}" for at in range(len(kinds)))
        alias = self.alias()
        return Relation(f"SELECT * FROM (VALUES {texts}) {alias}({names})",
                        [Field(None, kind, f"c{at}") for at, kind in enumerate(kinds)],
                        correlated=context.correlated)

    def typed(self, one: Expr, kind: Type) -> str:
        one = self.coerced(one, kind)
        return null(kind) if one.sql == "NULL" else one.sql

    def set_operation(self, node: Node, outer: Scope | None) -> Relation:
        left, right = self.body(node.left, outer), self.body(node.right, outer)
        if len(left.fields) != len(right.fields):
            raise fail("TYPE_MISMATCH", node,
                       f"{node.operator} query has different number of fields: {len(left.fields)}, "
                       f"{len(right.fields)}")
        fields, casts = [], ([], [])
        for at, (one, other) in enumerate(zip(left.fields, right.fields, strict=True)):
            kind = common(one.type, other.type)
            if kind is None:
                raise fail("TYPE_MISMATCH", node, f"column {at + 1} in {node.operator} query has incompatible types: "
                                                  f"{words(one.type)}, {words(other.type)}")
            if not (node.operator == "UNION" and node.all) and kind.name == "map":
                raise refused(f"{node.operator} of {words(kind)}", node)
            if not (node.operator == "UNION" and node.all):
                self.need(one.needs | other.needs)
            fields.append(Field(one.name, kind, f"c{at}", needs=one.needs | other.needs))
            for side, given in zip(casts, (one, other), strict=True):
                side.append(f"{self.typed(Expr(f's.c{at}', given.type), kind)} AS c{at}")
        texts = [f"SELECT {', '.join(side)} FROM ({one.sql}) s" for side, one in zip(casts, (left, right), strict=True)]
        sql = f"({texts[0]}) {node.operator}{' ALL' if node.all else ''} ({texts[1]})"
        return Relation(f"SELECT * FROM ({sql}) {self.alias()}", fields, correlated=left.correlated + right.correlated)

    def ordered(self, result: Relation, order: list[Node]) -> Relation:
        scope = Scope(result.fields)
        context = Context(scope, "ORDER BY")
        parts = []
        for item in order:
            value = self.ordinal(item, [Expr(one.sql, one.type) for one in result.fields], result.fields)
            parts.append(self.sort_text(item, value or self.expression(item.expression, context)))
        alias = self.alias()
        return replace(result, sql=f"SELECT * FROM ({result.sql}) {alias} ORDER BY {', '.join(parts)}")

    def ordinal(self, item: Node, outputs: list[Expr], fields: list[Field]) -> Expr | None:
        if item.expression.kind != "integer":
            return None
        at = int(item.expression.text)
        if not 1 <= at <= len(outputs):
            raise fail("INVALID_COLUMN_REFERENCE", item.expression, f"ORDER BY position {at} is not in select list")
        self.need(fields[at - 1].needs)
        return outputs[at - 1]

    def sort_text(self, item: Node, value: Expr) -> str:
        if not orderable(value.type):
            raise fail("TYPE_MISMATCH", item, f"Type {words(value.type)} is not orderable, and therefore cannot be "
                                              f"used "
                                              "in ORDER BY")
        if value.type.inner:
            raise refused(f"the order of {words(value.type)}", item)
        return f"{value.sql} {'DESC' if item.descending else 'ASC'} NULLS {'FIRST' if item.nulls_first else 'LAST'}"

    # ---- SELECT

    def select(self, node: Node, outer: Scope | None, order: list[Node]) -> Relation:
        source = self.relation(node.source, outer) if node.source is not None else Relation("", [])
        scope = Scope(source.fields, outer)
        correlated = list(source.correlated)
        where = ""
        if node.where is not None:
            context = Context(scope, "WHERE clause", node.where)
            where = f" WHERE {self.condition(node.where, context, source, 'WHERE clause')}"
            correlated += context.correlated
        windows = {name.lower(): window for name, window in node.windows}
        groups, group_sql = self.grouping(node, scope, source)
        context = Context(scope, query_at=node, aggregates=True, windows=True, groups=groups, named_windows=windows)
        outputs, fields, loose = self.items(node, context, source)
        having = ""
        if node.having is not None:
            inner = replace(context, clause="HAVING clause", windows=False, loose=[])
            having = f" HAVING {self.boolean(node.having, inner, 'HAVING clause').sql}"
            loose += [(node.having, spot) for spot in inner.loose]
            context.found_aggregate = context.found_aggregate or inner.found_aggregate or node.having
        ordering = self.order_by(node, order, context, scope, outputs, fields, loose)
        grouped = node.grouping is not None or context.found_aggregate is not None
        if grouped:
            for at, spot in loose:
                raise fail("EXPRESSION_NOT_AGGREGATE", at, f"'{self.shown(at)}' must be an aggregate expression or "
                                                           f"appear in GROUP BY clause" if spot else "")
        correlated += context.correlated
        items = ", ".join(f"{one.sql if one.sql != 'NULL' else null(one.type)} AS c{at}"
                          for at, one in enumerate(outputs))
        if node.distinct:
            self.need_all(fields)
            for one in outputs:
                if one.type.name == "map":
                    raise refused(f"DISTINCT on {words(one.type)}", node)
        sql = f"SELECT {'DISTINCT ' if node.distinct else ''}{items}"
        if source.sql:
            sql += f" FROM {source.sql}"
        sql += where + group_sql + having + ordering
        transparent = not grouped and context.found_window is None and not node.distinct
        plain = [replace(one, sql=f"c{at}", qualifier=(),
                         origin=one.origin if one.origin is not None and (
                             transparent or outputs[at].sql in (groups or ())) and
                         one.origin[0] not in source.nullable else None)
                 for at, one in enumerate(fields)]
        single = context.found_aggregate is not None and node.grouping is None and node.having is None
        return Relation(sql, plain, single, correlated)

    def shown(self, node: Node) -> str:
        """An expression as Trino's messages repeat it, as far as these need it."""
        if node.kind == "column":
            return node.name if not getattr(node, "quoted", False) else f'"{node.name}"'
        if node.kind == "dereference":
            return f"{self.shown(node.base)}.{node.field}"
        return node.kind

    def condition(self, node: Node, context: Context, source: Relation, what: str) -> str:
        """A filter's text; its conjuncts on partition columns alone are also kept for pruning."""
        parts = node.terms if node.kind == "logical" and node.operator == "AND" else [node]
        texts = []
        for part in parts:
            context.used = []
            value = self.expression(part, context) if len(parts) > 1 else self.boolean(part, context, what)
            if value.type.name not in ("boolean", "unknown"):
                raise fail("TYPE_MISMATCH", part, "Logical expression term must evaluate to a boolean (actual: "
                                                  f"{words(value.type)})")
            value = self.coerced(value, Type("boolean"))
            texts.append(value.sql)
            self.prunes(part, value.sql, context.used, source.nullable)
        return " AND ".join(texts) if len(texts) == 1 else "(" + " AND ".join(texts) + ")"

    def prunes(self, node: Node, sql: str, used: list[Field], nullable: frozenset[Any]) -> None:
        scans = {one.origin[0] if one.origin is not None else None for one in used}
        if len(scans) != 1 or None in scans or "SELECT" in sql:
            return
        (scan,) = scans
        if scan in nullable or not all(scan.columns[one.origin[1]][2] for one in used):
            return
        for one in sorted(used, key=lambda f: -len(f.sql)):
            sql = sql.replace(one.sql, f"p.k{one.origin[1]}")
        scan.prune.append(sql)
        if len({one.origin for one in used}) == 1:
            scan.equal.setdefault(scan.columns[used[0].origin[1]][0], []).extend(_equal_to(node))

    def grouping(self, node: Node, scope: Scope, source: Relation) -> tuple[frozenset[str] | None, str]:
        if node.grouping is None:
            return None, ""
        if not node.group_all:
            raise refused("GROUP BY DISTINCT", node)
        context = Context(scope, "GROUP BY clause")
        held: dict[str, Expr] = {}

        def one(part: Node) -> str:
            value: Any = part
            if part.kind == "integer":
                places: list[Any] = [one for item in node.items for one in (
                    self.star(item, source, context) if item.kind == "star" else [item.expression])]
                at = int(part.text)
                if not 1 <= at <= len(places):
                    raise fail("INVALID_COLUMN_REFERENCE", part, f"GROUP BY position {at} is not in select list")
                value = places[at - 1]
            if isinstance(value, Field):
                self.need(value.needs)
                value = Expr(value.sql, value.type)
            else:
                value = self.expression(value, context)
            if value.type.name in ("map",):
                raise refused(f"GROUP BY {words(value.type)}", part)
            held[value.sql] = value
            return value.sql

        texts, plain = [], []
        for element in node.grouping:
            if element.kind == "simple":
                plain += [one(part) for part in element.sets[0]]
                continue
            sets = ["(" + ", ".join(one(part) for part in group) + ")" for group in element.sets]
            texts.append(f"{'GROUPING SETS' if element.kind == 'sets' else element.kind.upper()} ({', '.join(sets)})")
        texts = list(dict.fromkeys(plain)) + texts
        return frozenset(held), " GROUP BY " + ", ".join(texts) if texts else " GROUP BY ()"

    def items(self, node: Node, context: Context, source: Relation) -> tuple[list[Expr], list[Field], list[Any]]:
        outputs, fields, loose = [], [], []
        for item in node.items:
            if item.kind == "star":
                for one in self.star(item, source, context):
                    outputs.append(Expr(one.sql, one.type))
                    fields.append(one)
                    if context.groups is None or one.sql not in context.groups:
                        loose.append((Node("column", item, name=one.name or "", quoted=False), "*"))
                continue
            context.loose, context.used = [], []
            outer, self.deferred = self.deferred, set()
            value = self.expression(item.expression, context)
            needs, self.deferred = frozenset(self.deferred), outer
            loose += [(item.expression, spot) for spot in context.loose[:1]]
            kind = item.expression.kind
            name = item.alias if item.alias is not None else item.expression.name if kind == "column" else \
                item.expression.field if kind == "dereference" and _plain_path(item.expression) else None
            origin = context.used[0].origin if len(context.used) == 1 and context.used[0].sql == value.sql else None
            outputs.append(value)
            fields.append(Field(name, value.type, value.sql, origin=origin, needs=needs))
        return outputs, fields, loose

    def star(self, item: Node, source: Relation, context: Context) -> list[Field]:
        if item.prefix is None:
            if not source.sql:
                raise fail("COLUMN_NOT_FOUND", item, "SELECT * not allowed in queries without FROM clause")
            return source.fields
        quals = tuple(part.lower() for part in item.prefix)
        found = [one for one in source.fields if one.qualifier[-len(quals):] == quals]
        if not found:
            for name in (quals,):
                if len(name) == 1 and self._matches(context.scope, [], name[0]):
                    raise refused("row.*", item)
            raise fail("TABLE_NOT_FOUND", item, f"Unable to resolve reference {'.'.join(item.prefix)}")
        return found

    def order_by(self, node: Node, order: list[Node], context: Context, scope: Scope, outputs: list[Expr],
                 fields: list[Field], loose: list[Any]) -> str:
        if not order:
            return ""
        named: dict[str, list[Field]] = {}
        for one, output in zip(fields, outputs, strict=True):
            if one.name is not None:
                same = named.setdefault(one.name.lower(), [])
                if all(other.sql != output.sql for other in same):
                    same.append(replace(one, sql=output.sql, qualifier=one.qualifier, value=output.value))
        inner = replace(context, clause="ORDER BY", loose=[],
                        scope=Scope([one for same in named.values() for one in same], scope.parent, fallback=scope))
        parts = []
        texts = [one.sql for one in outputs]
        known = context.groups
        # An output column may be named where it is already an aggregate: its text is then as good as grouped.
        inner.groups = None if known is None and context.found_aggregate is None else \
            frozenset((*(known or ()), *(texts if known is not None or context.found_aggregate else ())))
        for item in order:
            value = self.ordinal(item, outputs, fields)
            if value is None:
                inner.loose = []
                value = self.expression(item.expression, inner)
                loose += [(item.expression, spot) for spot in inner.loose[:1]]
            if node.distinct and value.sql not in texts:
                raise fail("EXPRESSION_NOT_IN_DISTINCT", node, "For SELECT DISTINCT, ORDER BY expressions must appear "
                                                               "in select list")
            if value.sql in texts:
                value = replace(value, sql=str(texts.index(value.sql) + 1))
            parts.append(self.sort_text(item, value))
        context.found_aggregate = context.found_aggregate or inner.found_aggregate
        context.found_window = context.found_window or inner.found_window
        return f" ORDER BY {', '.join(parts)}"

    # ---- FROM

    def relation(self, node: Node, outer: Scope | None) -> Relation:
        """A FROM item: its text has the alias in it, its fields are called by that."""
        if node.kind == "join":
            return self.join(node, outer)
        if node.kind == "unnest":
            return self.unnest(node, Relation("", []), outer, None, None, "CROSS")
        return self.aliased(node, outer)

    def aliased(self, node: Node, outer: Scope | None) -> Relation:
        alias, columns = None, None
        at = node
        if node.kind == "aliased":
            alias, columns, node = node.alias, node.columns, node.relation
            if node.kind == "unnest":
                return self.unnest(node, Relation("", []), outer, alias, columns, "CROSS")
        if node.kind == "join":
            if alias is not None:
                inner = self.join(node, outer)
                return self.renamed(self.flat(inner), at, alias, columns)
            return self.join(node, outer)
        if node.kind == "aliased":
            inner = self.aliased(node, outer)
            return self.renamed(self.flat(inner), at, alias, columns)
        if node.kind == "table":
            relation, qualifier = self.table(node)
            return self.renamed(relation, at, alias, columns, qualifier, wrapped=True)
        relation = self.compile_query(node.query, outer)
        return self.renamed(relation, at, alias, columns)

    def flat(self, relation: Relation) -> Relation:
        """A FROM item, whose columns have aliases in front, as a query of its own."""
        items = ", ".join(f"{one.sql} AS c{at}" for at, one in enumerate(relation.fields))
        return Relation(f"SELECT {items} FROM {relation.sql}", self.numbered(relation.fields),
                        correlated=relation.correlated)

    def renamed(self, relation: Relation, node: Node, alias: str | None, columns: list[str] | None,
                qualifier: tuple[str, ...] = (), wrapped: bool = False) -> Relation:
        own = self.alias()
        if alias is not None:
            qualifier = (alias.lower(),)
        fields = self.under(relation.fields, own, qualifier)
        if columns is not None:
            fields = _named(node, alias, fields, columns)
        sql = relation.sql if wrapped else f"({relation.sql})"
        return Relation(f"{sql} {own}", fields, correlated=relation.correlated)

    def table(self, node: Node) -> tuple[Relation, tuple[str, ...]]:
        """A table, view or WITH name: its text (without alias), columns c0, c1, … and how it qualifies them."""
        parts = [part.lower() for part in node.parts]
        if len(parts) == 1 and parts[0] in self.ctes[-1]:
            cte = self.ctes[-1][parts[0]]
            self.ctes.append(cte.scope)
            relation = self.compile_query(cte.query, None)
            self.ctes.pop()
            fields = [replace(one, name=name) for one, name in zip(relation.fields, cte.names, strict=True)]
            return Relation(f"({relation.sql})", fields), (parts[0],)
        if len(parts) > 3:
            raise fail("SYNTAX_ERROR", node, f"Too many dots in table name: {'.'.join(parts)}")
        if len(parts) == 3 and parts[0] != "awsdatacatalog":
            raise fail("CATALOG_NOT_FOUND", node, f"Catalog '{parts[0]}' not found")
        database = parts[-2] if len(parts) > 1 else self.database
        name = parts[-1]
        if name.startswith("$") or "$" in name:
            raise refused(f"the table {name}", node)
        if database == "information_schema":
            raise refused("information_schema", node)
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
            self.readable(kind, column, node)
        scan = Scan(self.alias(), table, columns)
        self.scans.append(scan)
        return Relation(scan.name, [Field(column, kind, f"c{at}", origin=(scan, at),
                                          needs=frozenset([(scan, at)]))
                                    for at, (column, kind, _) in enumerate(columns)]), qualifier

    def readable(self, kind: Type, column: str, node: Node) -> None:
        from local_aws.athena.on_duckdb.types import held

        if kind.name == "char" or not held(kind):
            raise refused(f"the column {column}, of type {words(kind)},", node)

    def view(self, table: Table, node: Node) -> Relation:
        if (table.database, table.name) in self.views or len(self.views) > UNION_LIMIT:
            raise fail("VIEW_IS_RECURSIVE", node, f"View is recursive: {table.database}.{table.name}")
        self.views.append((table.database, table.name))
        before, self.database = self.database, table.view_database or table.database
        self.ctes.append({})
        try:
            relation = self.compile_query(parse(table.view or ""), None)
        except QueryFailed as failed:
            if failed.code == "NOT_SUPPORTED" or not failed.message.startswith("line"):
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
        fields = [replace(one, name=name) for one, name in zip(relation.fields, names, strict=True)]
        return Relation(f"({relation.sql})", fields)

    def join(self, node: Node, outer: Scope | None) -> Relation:
        left = self.relation(node.left, outer)
        right_node, alias, columns = node.right, None, None
        if right_node.kind == "aliased" and right_node.relation.kind == "unnest":
            right_node, alias, columns = right_node.relation, right_node.alias, right_node.columns
        if right_node.kind == "unnest":
            if node.how not in ("CROSS", "LEFT", "INNER") or node.using or not (
                    node.on is None or (node.on.kind == "boolean" and node.on.value)):
                raise fail("NOT_SUPPORTED", node.on or node,
                           f"{node.how} JOIN involving UNNEST is only supported with condition ON TRUE"
                           if node.how in ("LEFT", "INNER") else f"{node.how} JOIN involving UNNEST is not supported")
            return self.unnest(right_node, left, outer, alias, columns, node.how)
        right = self.relation(node.right, outer)
        padded = set()
        if node.how in ("LEFT", "FULL"):
            padded |= self.scans_of(right)
        if node.how in ("RIGHT", "FULL"):
            padded |= self.scans_of(left)
        result = Relation("", left.fields + right.fields, correlated=left.correlated + right.correlated,
                          nullable=left.nullable | right.nullable | frozenset(padded))
        if node.how == "CROSS":
            return replace(result, sql=f"{left.sql} CROSS JOIN {right.sql}")
        if node.using is not None:
            return self.using(node, left, right, result)
        context = Context(Scope(result.fields, outer), "JOIN clause", node.on)
        nullable = left.nullable | right.nullable | frozenset(
            self.scans_of(left) if node.how in ("LEFT", "FULL") else ()) | frozenset(
            self.scans_of(right) if node.how in ("RIGHT", "FULL") else ())
        on = self.condition(node.on, context, replace(result, nullable=nullable), "JOIN ON clause")
        return replace(result, sql=f"({left.sql} {node.how} JOIN {right.sql} ON {on})",
                       correlated=result.correlated + context.correlated)

    def scans_of(self, relation: Relation) -> set[Any]:
        return {one.origin[0] for one in relation.fields if one.origin is not None}

    def using(self, node: Node, left: Relation, right: Relation, result: Relation) -> Relation:
        conditions, joined = [], []
        taken: list[Field] = []
        for name in node.using:
            pair = []
            for side in (left, right):
                found = self._matches(Scope(side.fields), [], name.name)
                if not found:
                    raise fail("COLUMN_NOT_FOUND", name, f"Column '{name.name}' is missing from "
                                                         f"{'left' if side is left else 'right'} side of join")
                if len(found) > 1:
                    raise fail("AMBIGUOUS_NAME", name, f"Column '{name.name}' is ambiguous")
                self.need(found[0].needs)
                pair.append(found[0])
            one, other = pair
            kind = common(one.type, other.type)
            conditions.append(self.compare(Expr(one.sql, one.type), Expr(other.sql, other.type), "=", name))
            a, b = self.coerced(Expr(one.sql, one.type), kind).sql, self.coerced(Expr(other.sql, other.type), kind).sql
            sql = a if node.how in ("INNER", "LEFT") else b if node.how == "RIGHT" else f"coalesce({a}, {b})"
            joined.append(Field(name.name, kind, sql, needs=one.needs | other.needs))
            taken += pair
        rest = [one for one in result.fields if all(one is not other for other in taken)]
        return replace(result, sql=f"({left.sql} {node.how} JOIN {right.sql} ON {' AND '.join(conditions)})",
                       fields=joined + rest)

    def unnest(self, node: Node, left: Relation, outer: Scope | None, alias: str | None, columns: list[str] | None,
               how: str) -> Relation:
        """UNNEST, beside the row that its arrays come from: rows are padded with nulls to the longest array."""
        context = Context(Scope(left.fields, outer), "UNNEST")
        inner, own = self.alias(), self.alias()
        selected, fields, lengths = [], [], []
        for part in node.arrays:
            value = self.expression(part, context)
            kind = value.type
            if unordered(kind) and node.ordinality:
                raise refused("WITH ORDINALITY on a map that has no order", part)
            if kind.name == "map":
                value, kind = Expr(f"map_entries({value.sql})", array(map_of(*kind.inner))), kind
            elif kind.name != "array":
                raise QueryFailed("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {words(kind)}")
            name = f"u{len(selected)}"
            selected.append(f"unnest({value.sql}) AS {name}")
            lengths.append(f"coalesce(len({value.sql}), 0)")
            if kind.name == "map":
                fields += [Field(None, one, f"struct_extract({inner}.{name}, '{part_}')")
                           for one, part_ in zip(kind.inner, ("key", "value"), strict=True)]
            elif kind.inner[0].name == "row":
                fields += [Field(own_name, one, f"struct_extract({inner}.{name}, 'f{at}')") for at, (own_name, one) in
                           enumerate(zip(kind.inner[0].fields, kind.inner[0].inner, strict=True), 1)]
            else:
                fields.append(Field(None, kind.inner[0], f"{inner}.{name}"))
        if node.ordinality:
            longest = lengths[0] if len(lengths) == 1 else f"greatest({', '.join(lengths)})"
            selected.append(f"unnest(range(1, {longest} + 1)) AS n")
            fields.append(Field(None, BIGINT, f"{inner}.n"))
        if columns is not None:
            fields = _named(node, alias, fields, columns)
        items = ", ".join(f"{one.sql} AS c{at}" for at, one in enumerate(fields))
        lateral = f"(SELECT {items} FROM (SELECT {', '.join(selected)}) {inner}) {own}"
        fields = self.under(fields, own, (alias.lower(),) if alias is not None else ())
        fields = [replace(one, origin=None) for one in fields]
        if not left.sql:
            return Relation(lateral, fields, correlated=context.correlated)
        joined = f"{left.sql} LEFT JOIN LATERAL {lateral} ON TRUE" if how == "LEFT" else \
            f"{left.sql} CROSS JOIN LATERAL {lateral}"
        return Relation(f"({joined})" if how == "LEFT" else joined, left.fields + fields,
                        correlated=left.correlated + context.correlated, nullable=left.nullable)


def _named(node: Node, alias: str | None, fields: list[Field], names: list[str]) -> list[Field]:
    """The fields under the names of a column alias list: t(a, b)."""
    if len(names) != len(fields):
        raise fail("MISMATCHED_COLUMN_ALIASES", node, f"Column alias list has {len(names)} entries but '{alias}' has "
                                                      f"{len(fields)} columns available")
    return [replace(one, name=name) for one, name in zip(fields, names, strict=True)]


def _equal_to(node: Node) -> list[str]:
    """The texts of `column = 'text'` or `column IN ('text', …)`; none for any other condition."""
    if node.kind == "comparison" and node.operator == "=":
        sides = [node.left, node.right]
    elif node.kind == "in" and not node.negated:
        sides = [node.value, *node.items]
    else:
        return []
    texts = [side.value for side in sides if side.kind == "string"]
    column = any(side.kind in ("column", "dereference") for side in sides)
    return texts if column and len(texts) == len(sides) - 1 else []


def _plain_path(node: Node) -> bool:
    """Whether a dereference is names alone (t.a), and so gives its column a name."""
    while node.kind == "dereference":
        node = node.base
    return node.kind == "column"


