"""Trino's grammar of queries, read strictly: text in, `nodes` out, or a SYNTAX_ERROR where Trino has one.

Why it is ours and not sqlglot's, which reads Athena's SQL too: sqlglot is made to understand many dialects at once. Of
44 statements that Trino refuses for their syntax it takes 30 (`a::int`, `LIMIT … OFFSET`, `a = b = c`, `ILIKE`, …), it
turns `nvl` into `coalesce`, and it keeps no position for most of what it reads. Here every construct is one that
Trino has, each node knows its line and column, and what Trino has but this engine does not verify is refused by name.
What this grammar takes, sqlglot's Athena dialect reads as well: the tests hold it to that.

https://github.com/trinodb/trino/blob/476/core/trino-grammar/src/main/antlr4/io/trino/grammar/sql/SqlBase.g4
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NoReturn, TypeVar

from local_aws.athena.exchange import NotVerified, QueryFailed
from local_aws.athena.trino_sql import nodes
from local_aws.athena.trino_sql.lexer import Token, tokens
from local_aws.athena.trino_sql.nodes import Node
from local_aws.athena.types import Type

_T = TypeVar("_T")
DEEPEST = 120  # brackets in brackets; Python's own stack ends not far beyond
_RESERVED = """ALTER AND AS AUTO BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG
CURRENT_DATE CURRENT_PATH CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE
DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN
INNER INSERT INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE
LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT
SKIP TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH"""
RESERVED = frozenset(_RESERVED.split())
# What Trino's grammar has and no query here may use: met where nothing else fits, it is refused rather than misspelt.
_UNVERIFIED = """TABLESAMPLE MATCH_RECOGNIZE LATERAL NATURAL JSON_TABLE JSON_VALUE JSON_QUERY JSON_EXISTS JSON_OBJECT
JSON_ARRAY LISTAGG NORMALIZE RECURSIVE FUNCTION SESSION CURRENT_USER CURRENT_ROLE CURRENT_CATALOG CURRENT_SCHEMA
CURRENT_PATH WITHIN GROUPS CORRESPONDING CURRENT_TIME LOCALTIME GROUPING CUBE ROLLUP EXTRACT"""
UNVERIFIED = frozenset(_UNVERIFIED.split())


class Parser:
    """One statement's parser; `statement` is the entry. Every method reads what its name says from the words that come
    next, and raises QueryFailed SYNTAX_ERROR where they are something else, NotVerified where it is Trino's alone."""

    def __init__(self, text: str):
        self.tokens, self.index, self.depth = tokens(text), 0, 0
        lines = text.split("\n")
        end = Token("end", "<EOF>", len(text), len(lines), len(lines[-1]) + 1, "")
        self.closing: dict[int, int] = {}  # the place of each '(' among the tokens, and that of its ')'
        opened: list[int] = []
        for at, token in enumerate(self.tokens):
            _check(token)
            if token.upper == "(":
                opened.append(at)
            elif token.upper == ")" and opened:
                self.closing[opened.pop()] = at
        self.tokens.append(end)

    # ---- words

    @property
    def now(self) -> Token:
        """The next word; at the end, a word of kind 'end'."""
        return self.tokens[self.index]

    def ahead(self, count: int = 1) -> Token:
        """The word so many behind the next one."""
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Step over the next word; the end stays."""
        token = self.now
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def at(self, *words: str) -> bool:
        """Whether these words or marks come next."""
        return all(self.ahead(count).upper == word for count, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Step over these words if they come next."""
        if not self.at(*words):
            return False
        self.index += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Step over these words, which must come next."""
        for word in words:
            if not self.accept(word):
                self.fail(f"'{word}'")

    def either(self, yes: str, no: str) -> bool:
        """Whether the one word comes next, not the other or neither; steps over it."""
        return self.accept(yes) or (self.accept(no) and False)

    def fail(self, expecting: str) -> NoReturn:
        """Complain of the next word."""
        token = self.now
        if token.upper in UNVERIFIED or token.kind in ("unicode", "binary"):
            raise refused(token.upper or f"{token.text[:2].rstrip(chr(39))}'…'", token)
        raise _mismatched(token.place, token.text, expecting)

    @contextlib.contextmanager
    def deeper(self) -> Iterator[None]:
        """One bracket deeper. Raises STACK_OVERFLOW, as Trino does where its own stack ends."""
        if self.depth > DEEPEST:  # an expression in the innermost bracket counts as well
            raise QueryFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)")
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def identifier(self) -> str | None:
        """A name, as it is written; None, with nothing read, where none comes next."""
        token = self.now
        if token.text == '""':
            raise QueryFailed("SYNTAX_ERROR", f"{token.place}: Zero-length delimited identifier not allowed")
        if token.kind == "quoted" or (token.kind == "word" and token.upper not in RESERVED):
            return self.take().value
        return None

    def name(self) -> str:
        found = self.identifier()
        return found if found is not None else self.fail("<identifier>")

    def column(self) -> nodes.Column:
        at = self.now
        return nodes.Column(at, self.name(), at.kind == "quoted")

    def alias(self) -> str | None:
        """AS and a name; or a name alone, which is none of the words that begin the next clause."""
        if self.accept("AS"):
            return self.name()
        word = self.now.upper
        if self._limits(self.index) or word in ("TABLESAMPLE", "MATCH_RECOGNIZE"):
            return None
        if word == "WINDOW" and self.ahead(2).upper == "AS":
            raise refused("the clause WINDOW", self.now)
        return self.identifier()

    def _limits(self, at: int) -> bool:
        """Whether the word at a place begins LIMIT, OFFSET or FETCH, and is no name."""
        after = self.tokens[min(at + 1, len(self.tokens) - 1)]
        return self.tokens[at].upper in ("LIMIT", "OFFSET", "FETCH") and (
            after.kind == "integer" or after.upper in ("ALL", "FIRST", "NEXT", "?"))

    def many(self, one: Callable[[], _T]) -> list[_T]:
        """One or more, with commas between."""
        parts = [one()]
        while self.accept(","):
            parts.append(one())
        return parts

    def in_brackets(self, one: Callable[[], _T]) -> _T:
        self.expect("(")
        with self.deeper():
            found = one()
        self.expect(")")
        return found

    # ---- queries

    def statement(self) -> nodes.Query:
        query = self.query()
        if self.now.kind != "end":
            self.fail("<EOF>")
        return query

    def query(self) -> nodes.Query:
        at, ctes, order, offset, limit = self.now, [], [], None, None
        if self.accept("WITH"):
            if self.at("RECURSIVE") or self.at("SESSION") or (self.at("FUNCTION") and self.ahead().kind == "word"):
                raise refused(f"WITH {self.now.upper}", self.now)
            ctes = self.many(self.cte)
        body = self.set_operation()
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.many(self.sort_item)
        if self.accept("OFFSET"):
            offset = self.count()
            self.either("ROW", "ROWS")
        if self.accept("LIMIT"):
            limit = None if self.accept("ALL") else self.count()
        elif self.at("FETCH"):
            raise refused("FETCH FIRST", self.now)
        return nodes.Query(at, ctes, body, order, offset, limit)

    def count(self) -> int:
        if self.now.kind != "integer":
            self.fail("<integer>")
        return int(self.take().text.replace("_", ""))

    def cte(self) -> nodes.Cte:
        at, name = self.now, self.name()
        columns = self.in_brackets(lambda: self.many(self.column)) if self.at("(") else []
        self.expect("AS")
        return nodes.Cte(at, name, columns, self.in_brackets(self.query))

    def sort_item(self) -> nodes.Sort:
        at, expression, first = self.now, self.expression(), False
        descending = self.either("DESC", "ASC")
        if self.accept("NULLS"):
            first = self.accept("FIRST")
            if not first:
                self.expect("LAST")
        return nodes.Sort(at, expression, descending, first)

    def set_operation(self) -> Node:
        left = self.intersection()
        while self.at("UNION") or self.at("EXCEPT"):
            left = self._combined(left, self.intersection)
        return left

    def intersection(self) -> Node:
        left = self.query_primary()
        while self.at("INTERSECT"):
            left = self._combined(left, self.query_primary)
        return left

    def _combined(self, left: Node, right: Callable[[], Node]) -> nodes.SetOperation:
        operator = self.take()
        every = self.either("ALL", "DISTINCT")
        if self.at("CORRESPONDING"):
            raise refused("CORRESPONDING", self.now)
        return nodes.SetOperation(operator, operator.upper, every, left, right())

    def query_primary(self) -> Node:
        at = self.now
        if self.at("("):
            return self.in_brackets(self.query)
        if self.accept("VALUES"):
            return nodes.Values(at, self.many(self.expression))
        if self.accept("TABLE"):
            return nodes.Select(at, False, [nodes.Star(at, [])], self.table_name(), None, None, None)
        if not self.accept("SELECT"):
            self.fail("'(', 'SELECT', 'TABLE', 'VALUES'")
        distinct = self.either("DISTINCT", "ALL")
        items, source, grouping = self.many(self.select_item), None, None
        if self.accept("FROM"):
            source = self.relation()
            while self.at(","):
                source = nodes.Join(self.take(), "CROSS", source, self.relation())
        where = self.expression() if self.accept("WHERE") else None
        if self.accept("GROUP"):
            self.expect("BY")
            grouping = self.many(self.grouping_element)
        having = self.expression() if self.accept("HAVING") else None
        if self.at("WINDOW") and self.ahead(2).upper == "AS":
            raise refused("the clause WINDOW", self.now)
        return nodes.Select(at, distinct, items, source, where, grouping, having)

    def select_item(self) -> nodes.Star | nodes.Item:
        at, start, prefix = self.now, self.index, list[str]()
        while not self.at("*") and (name := self.identifier()) is not None and self.accept("."):
            prefix.append(name)
        if self.at("*") and (prefix or self.index == start):
            self.take()
            if self.at("AS", "("):
                raise refused("aliases for the columns of 'row.*'", self.now)
            return nodes.Star(at, prefix)
        self.index = start
        return nodes.Item(at, self.expression(), self.alias())

    def grouping_element(self) -> Node:
        at = self.now
        if at.upper in ("GROUPING", "CUBE", "ROLLUP", "DISTINCT") or self.at("(", ")"):
            raise refused(f"GROUP BY {at.upper}", at)
        if at.upper == "ALL" and self.ahead().kind in ("word", "integer", "quoted") and not self._ends(1):
            raise refused("GROUP BY ALL", at)
        element = self.expression()
        if isinstance(element, nodes.Row):
            raise refused("GROUP BY with columns in brackets", at)
        return element

    def _ends(self, count: int) -> bool:
        """Whether the word so many behind the next one begins what may follow a GROUP BY."""
        return self.ahead(count).upper in ("HAVING", "ORDER", "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT",
                                           "INTERSECT", "WINDOW")

    # ---- relations

    def relation(self) -> Node:
        left = self.aliased()
        while True:
            at = self.now
            if at.upper in ("RIGHT", "FULL", "NATURAL"):
                raise refused(f"{at.upper} JOIN", at)
            how = {"CROSS": "CROSS", "LEFT": "LEFT", "INNER": "INNER", "JOIN": "INNER"}.get(at.upper)
            if how is None:
                return left
            if at.upper != "JOIN":
                self.take()
            if how == "LEFT":
                self.accept("OUTER")
            self.expect("JOIN")
            if how == "CROSS":
                left = nodes.Join(at, how, left, self.aliased())
                continue
            right = self.relation()
            if self.at("USING"):
                raise refused("JOIN … USING", self.now)
            if not self.accept("ON"):
                self.fail("'ON', 'USING'")
            left = nodes.Join(at, how, left, right, self.expression())

    def aliased(self) -> Node:
        at, relation = self.now, self.relation_primary()
        alias = self.alias()
        if self.now.upper in ("TABLESAMPLE", "MATCH_RECOGNIZE"):
            raise refused(self.now.upper, self.now)
        if alias is None:
            return relation
        columns = self.in_brackets(lambda: self.many(self.name)) if self.at("(") else []
        return nodes.Aliased(at, relation, alias, columns)

    def relation_primary(self) -> Node:
        at = self.now
        if self.accept("UNNEST"):
            arrays = self.in_brackets(lambda: self.many(self.expression))
            return nodes.Unnest(at, arrays, self.accept("WITH", "ORDINALITY"))
        if at.upper in ("LATERAL", "JSON_TABLE") or self.at("TABLE", "("):
            raise refused(at.upper, at)
        if at.upper == "(":
            return self.in_brackets(self.query if self._opens_query(self.index, True) else self.relation)
        if at.kind not in ("word", "quoted") or at.upper in RESERVED:
            self.fail("'(', 'JSON_TABLE', 'LATERAL', 'TABLE', 'UNNEST', <identifier>")
        return self.table_name()

    def table_name(self) -> nodes.Table:
        at, parts = self.now, [self.name()]
        while self.accept("."):
            parts.append(self.name())
        if self.at("FOR"):
            raise refused("time travel", self.now)
        return nodes.Table(at, parts)

    def _opens_query(self, at: int, alone: bool) -> bool:
        """Whether the '(' at a place opens a query, not a relation or an expression that begins with one: the matching
        brackets tell. `alone` is what '((SELECT 1))' is said to be."""
        if self.tokens[at + 1].upper != "(":
            return self.tokens[at + 1].upper in ("SELECT", "WITH", "VALUES", "TABLE")
        after = self.closing.get(at + 1, len(self.tokens) - 2) + 1
        if self.tokens[after].upper == ")":
            return alone and self._opens_query(at + 1, alone)
        return self.tokens[after].upper in ("UNION", "EXCEPT", "INTERSECT", "ORDER") or self._limits(after)

    # ---- expressions

    def expression(self) -> Node:
        with self.deeper():
            return self._logical("OR", lambda: self._logical("AND", self.negation))

    def _logical(self, word: str, part: Callable[[], Node]) -> Node:
        at, terms = self.now, [part()]
        while self.accept(word):
            terms.append(part())
        return terms[0] if len(terms) == 1 else nodes.Logical(at, word, terms)

    def negation(self) -> Node:
        at = self.now
        if not self.accept("NOT"):
            return self.predicate()
        with self.deeper():
            return nodes.Unary(at, "NOT", self.negation())

    def predicate(self) -> Node:
        value = self.concatenation()
        at = self.now
        if at.upper in ("=", "<>", "!=", "<", "<=", ">", ">="):
            self.take()
            if self.now.upper in ("ALL", "ANY", "SOME") and self.ahead().upper == "(":
                raise refused(f"{at.upper} {self.now.upper} (query)", at)
            return nodes.Binary(at, "<>" if at.upper == "!=" else at.upper, value, self.concatenation())
        if self.accept("IS"):
            negated = "NOT " if self.accept("NOT") else ""
            if self.accept("NULL"):
                return nodes.Unary(at, f"IS {negated}NULL", value)
            if self.accept("DISTINCT"):
                self.expect("FROM")
                return nodes.Binary(at, f"IS {negated}DISTINCT FROM", value, self.concatenation())
            self.fail("'DISTINCT', 'NULL'" if negated else "'DISTINCT', 'NOT', 'NULL'")
        negates = self.accept("NOT")
        if self.accept("BETWEEN"):
            low = self.concatenation()
            self.expect("AND")
            return nodes.Between(at, value, low, self.concatenation(), negates)
        if self.accept("IN"):
            if self.at("(") and self._opens_query(self.index, False):
                return nodes.In(at, value, self.in_brackets(self.query), negates)
            return nodes.In(at, value, self.in_brackets(lambda: self.many(self.expression)), negates)
        if self.accept("LIKE"):
            pattern = self.concatenation()
            if self.at("ESCAPE"):
                raise refused("LIKE … ESCAPE", self.now)
            return nodes.Like(at, value, pattern, negates)
        if negates:
            self.fail("'BETWEEN', 'IN', 'LIKE'")
        return value

    def _binary(self, operators: tuple[str, ...], part: Callable[[], Node]) -> Node:
        left = part()
        while self.now.kind == "mark" and self.now.upper in operators:
            at = self.take()
            left = nodes.Binary(at, at.upper, left, part())
        return left

    def concatenation(self) -> Node:
        return self._binary(("||",), self.sum)

    def sum(self) -> Node:
        return self._binary(("+", "-"), self.product)

    def product(self) -> Node:
        return self._binary(("*", "/", "%"), self.unary)

    def unary(self) -> Node:
        at = self.now
        if at.upper in ("+", "-"):
            self.take()
            with self.deeper():
                return nodes.Unary(at, at.upper, self.unary())
        value = self.primary()
        while True:
            if self.accept("["):
                value = nodes.Binary(at, "[]", value, self.concatenation())
                self.expect("]")
            elif self.accept("."):
                value = nodes.Dereference(at, value, self.name())
            elif self.at("AT", "TIME", "ZONE"):
                raise refused("AT TIME ZONE", at)
            else:
                return value

    def primary(self) -> Node:
        at = self.now
        if at.kind in ("integer", "decimal", "double"):
            return nodes.Literal(self.take(), at.kind, at.text.replace("_", ""))
        if at.kind == "text":
            return nodes.Literal(self.take(), "varchar", at.value)
        if at.upper == "(":
            return self.parenthesis()
        if at.upper == "[":
            raise refused("an array without the word ARRAY", at)
        if at.upper == "?":
            raise QueryFailed("INVALID_PARAMETER_USAGE", f"{at.place}: Incorrect number of parameters")
        if at.kind == "quoted" or (at.kind == "word" and at.upper not in RESERVED):
            return self.named()
        if at.upper in ("NULL", "TRUE", "FALSE"):
            return nodes.Literal(self.take(), "unknown" if at.upper == "NULL" else "boolean", at.upper)
        if at.upper in ("CURRENT_DATE", "CURRENT_TIMESTAMP", "LOCALTIMESTAMP"):
            self.take()
            if self.at("(") and at.upper != "CURRENT_DATE":
                raise refused(f"{at.upper}(…)", at)
            return nodes.Literal(at, at.text.lower(), "")
        special = {"CASE": self.case, "CAST": self.cast, "EXISTS": self.exists, "TRIM": self.trim}.get(at.upper)
        return special() if special else self.fail("<expression>")

    def case(self) -> nodes.Case:
        at, whens = self.take(), []
        operand = None if self.at("WHEN") else self.expression()
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            whens.append((condition, self.expression()))
        if not whens:
            self.fail("'WHEN'")
        default = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return nodes.Case(at, operand, whens, default)

    def cast(self) -> nodes.Cast:
        at = self.take()
        self.expect("(")
        value = self.expression()
        self.expect("AS")
        kind = self.type_name()
        self.expect(")")
        return nodes.Cast(at, value, kind, at.upper == "TRY_CAST")

    def exists(self) -> nodes.Subquery:
        return nodes.Subquery(self.take(), self.in_brackets(self.query), exists=True)

    def trim(self) -> nodes.Call:
        at = self.take()
        self.expect("(")
        if self.now.upper in ("BOTH", "LEADING", "TRAILING"):
            raise refused(f"TRIM({self.now.upper} …)", at)
        arguments = self.many(self.expression)
        if self.at("FROM"):
            raise refused("TRIM(… FROM …)", at)
        self.expect(")")
        return nodes.Call(at, "trim", arguments)

    def parenthesis(self) -> Node:
        at, end = self.now, self.closing.get(self.index)
        if end is not None and self.tokens[end + 1].upper == "->":
            raise refused("a lambda", at)
        if self._opens_query(self.index, False):
            return nodes.Subquery(at, self.in_brackets(self.query))
        self.take()
        if self.at(")"):
            self.fail("<expression>, <query>")
        items = self.listed(")")
        return items[0] if len(items) == 1 else nodes.Row(at, items)

    def listed(self, close: str) -> list[Node]:
        """Expressions up to a closing bracket, none perhaps."""
        items = [] if self.at(close) else self.many(self.expression)
        self.expect(close)
        return items

    def named(self) -> Node:
        """What begins with a word that is no keyword: a column, call, literal of a type, ROW, ARRAY, TRY_CAST, …"""
        at, after = self.now, self.ahead()
        if at.upper == "TRY_CAST" and after.upper == "(":
            return self.cast()
        if self.accept("ARRAY", "["):
            return nodes.Array(at, self.listed("]"))
        if self.accept("ROW", "("):
            if self.at(")"):
                self.fail("<expression>")
            return nodes.Row(at, self.listed(")"))
        if at.upper == "INTERVAL" and (after.upper in ("+", "-") or after.kind == "text"):
            raise refused("INTERVAL", at)
        if at.upper == "POSITION" and after.upper == "(":
            raise refused("POSITION(… IN …)", at)
        if at.upper == "DOUBLE" and after.upper == "PRECISION" and self.ahead(2).kind == "text":
            self.take()
            return nodes.Typed(self.take(), "double", self.take().value)
        if at.kind == "word" and after.kind in ("text", "unicode"):
            self.take()
            text = self.take().value if after.kind == "text" else self.fail("<string>")
            return nodes.Typed(at, at.text.lower(), text)
        name = self.name()
        if self.at("->"):
            raise refused("a lambda", at)
        if self.accept("("):
            return self.call(at, name.lower())
        return nodes.Column(at, name, at.kind == "quoted")

    def call(self, at: Token, name: str) -> nodes.Call:
        """What follows a function's name and its '('."""
        if self.accept("*"):
            self.expect(")")
            return self.call_tail(nodes.Call(at, name, [], star=True))
        quantified = self.now.upper in ("DISTINCT", "ALL")
        distinct, arguments, order = self.either("DISTINCT", "ALL"), list[Node](), list[nodes.Sort]()
        if quantified or not self.at(")"):
            if not self.at("ORDER", "BY"):
                arguments = self.many(self.argument)
            if self.accept("ORDER", "BY"):
                order = self.many(self.sort_item)
        if name == "substring" and self.at("FROM"):
            raise refused("SUBSTRING(… FROM …)", at)
        self.expect(")")
        return self.call_tail(nodes.Call(at, name, arguments, distinct=distinct, order=order))

    def argument(self) -> Node:
        if self.ahead().upper == "=>":
            raise refused("a named argument", self.now)
        return self.expression()

    def call_tail(self, call: nodes.Call) -> nodes.Call:
        condition, over = None, None
        if self.accept("FILTER"):
            self.expect("(", "WHERE")
            condition = self.expression()
            self.expect(")")
        if self.ahead().upper == "NULLS" and self.now.upper in ("IGNORE", "RESPECT"):
            raise refused(f"{self.now.upper} NULLS", self.now)
        if self.accept("OVER"):
            if not self.at("("):
                raise refused("a named window", self.now)
            over = self.in_brackets(self.window)
        return replace(call, filter=condition, over=over)

    def window(self) -> nodes.Window:
        at, partition, order = self.now, list[Node](), list[nodes.Sort]()
        if self.accept("PARTITION"):
            self.expect("BY")
            partition = self.many(self.expression)
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.many(self.sort_item)
        if self.now.upper in ("ROWS", "RANGE", "GROUPS"):
            raise refused(f"a window frame of {self.now.upper}", self.now)
        if self.now is at and not self.at(")"):
            raise refused("a window that extends a named one", at)
        return nodes.Window(at, partition, order)

    # ---- types

    def type_name(self) -> Type:
        """A type as it is named, in lower case; what it means is for the cast to tell."""
        at = self.now
        name = (self.identifier() or self.fail("<type>")).lower()
        if name == "double":
            self.accept("PRECISION")
        if name == "interval" and self.now.kind == "word":
            raise refused("a cast to an interval", at)
        if name in ("row", "map") and self.at("(") or self.at("<"):
            raise refused(f"a cast to {name.upper()}", at)
        numbers, inner = list[int](), list[Type]()
        if self.accept("("):
            if self.now.kind == "integer":
                numbers = self.many(self.count)
            else:
                inner = self.many(self.type_name)
            self.expect(")")
        if name in ("timestamp", "time"):
            if self.accept("WITH"):
                self.expect("TIME", "ZONE")
                name += " with time zone"
            elif self.accept("WITHOUT"):
                self.expect("TIME", "ZONE")
        found = Type(name, tuple(numbers), tuple(inner))
        while self.accept("ARRAY"):
            found = Type("array", inner=(found,))
        return found


def parse(text: str) -> nodes.Query:
    """A query (WITH, SELECT, VALUES, TABLE) as nodes. Raises QueryFailed SYNTAX_ERROR, or NotVerified."""
    return Parser(text).statement()


def refused(construct: str, at: Token | Node | None = None) -> NotVerified:
    """The error for what Athena has and this engine is not verified to answer."""
    return NotVerified(construct, at.place if at is not None else "")


def _mismatched(place: str, text: str, expecting: str = "") -> QueryFailed:
    return QueryFailed("SYNTAX_ERROR", f"{place}: mismatched input '{text}'" +
                       (f". Expecting: {expecting}" if expecting else ""))


def _check(token: Token) -> None:
    """Refuse a word that is none of Trino's."""
    if token.kind == "digits":
        raise QueryFailed("SYNTAX_ERROR", f"{token.place}: identifiers must not start with a digit; surround the "
                                          "identifier with double quotes")
    odd = 0 if token.kind == "other" or token.text[0] in "`;:{}!@" and token.upper != "!=" else next(
        (at for at, char in enumerate(token.text) if token.kind == "word" and not char.isascii()), None)
    if odd is not None:
        raise _mismatched(f"line {token.line}:{token.column + odd}", token.text[odd])
