"""Trino's grammar of queries, read strictly: text in, a tree of `Node`s out, or a SYNTAX_ERROR where Trino has one.

sqlglot, which reads Athena's SQL too, is made to understand many dialects at once: of 47 statements that Trino refuses
for their syntax it takes 32 (`a::int`, `LIMIT … OFFSET`, `a = b = c`, `ILIKE`, …), it turns `nvl` into `coalesce`, and
it keeps no position for most of what it reads. Here every construct is one that
Trino has, each node knows its line and column, and what Trino has but this engine does not verify is refused by name.
What this grammar takes, sqlglot's Athena dialect reads as well: the tests hold it to that.

https://github.com/trinodb/trino/blob/476/core/trino-grammar/src/main/antlr4/io/trino/grammar/sql/SqlBase.g4
"""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local_aws.athena.engine import QueryFailed
from local_aws.athena.on_duckdb.tokens import RESERVED, UNVERIFIED, Node, Token, refused, tokens
from local_aws.athena.sql import quoted

UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
DEEPEST = 120  # parentheses in parentheses; Python's own stack ends not far beyond
_BEGINNING = """NULL TRUE FALSE CASE CAST EXISTS EXTRACT GROUPING TRIM CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP
LOCALTIME LOCALTIMESTAMP"""
BEGINNING = frozenset(_BEGINNING.split())  # the reserved words that begin an expression


class Parser:
    """One statement's parser. `query()` is the entry."""

    def __init__(self, text: str):
        self.text, self.tokens, self.index, self.depth = text, tokens(text), 0, 0

    # ---- tokens

    @property
    def now(self) -> Token:
        return self.tokens[self.index]

    def ahead(self, count: int = 1) -> Token:
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.now
        self.index += 1
        return token

    def at(self, *words: str) -> bool:
        """Whether the words (or operators) come next."""
        return all(self.ahead(n).upper == word for n, word in enumerate(words))

    def accept(self, *words: str) -> Token | None:
        if not self.at(*words):
            return None
        token = self.now
        self.index += len(words)
        return token

    def expect(self, *words: str) -> Token:
        for word in words[:-1]:
            self.expect(word)
        return self.accept(words[-1]) or self.fail(f"'{words[-1]}'")

    def fail(self, expecting: str) -> Any:
        token = self.now
        if token.upper in UNVERIFIED:
            raise refused(token.upper, token)
        raise QueryFailed("SYNTAX_ERROR",
                          f"line {token.line}:{token.column}: mismatched input '{token.text}'. Expecting: {expecting}")

    def identifier(self) -> str | None:
        token = self.now
        if token.type == "quoted":
            if token.text == '""':
                raise QueryFailed("SYNTAX_ERROR",
                                  f"line {token.line}:{token.column}: Zero-length delimited identifier not allowed")
            return self.take().text[1:-1].replace('""', '"')
        if token.type == "word" and token.upper not in RESERVED:
            return self.take().text
        return None

    def implicit_alias(self) -> str | None:
        """An alias without AS: a name, but not a word that begins the next clause."""
        word, after = self.now.upper, self.ahead()
        if word in ("LIMIT", "OFFSET", "FETCH") and (after.type == "integer" or
                                                     after.upper in ("ALL", "FIRST", "NEXT", "?")):
            return None
        if word in ("TABLESAMPLE", "MATCH_RECOGNIZE") or (word == "WINDOW" and self.ahead(2).upper == "AS"):
            return None
        return self.identifier()

    def name(self) -> str:
        found = self.identifier()
        return found if found is not None else self.fail("<identifier>")

    def many(self, one: Callable[[], Any]) -> list[Any]:
        parts = [one()]
        while self.accept(","):
            parts.append(one())
        return parts

    # ---- queries

    def statement(self) -> Node:
        query = self.query()
        if self.now.type != "end":
            self.fail("<EOF>")
        return query

    def query(self) -> Node:
        at, ctes = self.now, []
        if self.accept("WITH"):
            if self.at("RECURSIVE") or self.at("SESSION") or (self.at("FUNCTION") and self.ahead().type == "word"):
                raise refused(f"WITH {self.now.upper}", self.now)
            ctes = self.many(self.cte)
        body = self.set_operation()
        order, offset, limit = [], None, None
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.many(self.sort_item)
        if self.accept("OFFSET"):
            offset = self.count()
            self.accept("ROW") or self.accept("ROWS")
        if self.accept("LIMIT"):
            limit = None if self.accept("ALL") else self.count()
        elif self.accept("FETCH"):
            self.accept("FIRST") or self.expect("NEXT")
            limit = self.count() if self.now.type == "integer" else 1
            self.accept("ROW") or self.expect("ROWS")
            if self.at("WITH"):
                raise refused("FETCH FIRST … WITH TIES", self.now)
            self.expect("ONLY")
        return Node("query", at, ctes=ctes, body=body, order=order, offset=offset, limit=limit)

    def count(self) -> int:
        if self.now.type != "integer":
            self.fail("<integer>")
        return int(self.take().text.replace("_", ""))

    def cte(self) -> Node:
        at, name, columns = self.now, self.name(), None
        if self.accept("("):
            columns = self.many(self.located_name)
            self.expect(")")
        self.expect("AS")
        self.expect("(")
        query = self.query()
        self.expect(")")
        return Node("cte", at, name=name, columns=columns, query=query)

    def sort_item(self) -> Node:
        at, expression = self.now, self.expression()
        descending = bool(self.accept("DESC")) or (self.accept("ASC"), False)[1]
        first = False
        if self.accept("NULLS"):
            first = bool(self.accept("FIRST")) or (self.expect("LAST"), False)[1]
        return Node("sort", at, expression=expression, descending=descending, nulls_first=first)

    def set_operation(self) -> Node:
        left = self.intersection()
        while self.at("UNION") or self.at("EXCEPT"):
            left = self._combine(left, self.intersection)
        return left

    def intersection(self) -> Node:
        left = self.query_primary()
        while self.at("INTERSECT"):
            left = self._combine(left, self.query_primary)
        return left

    def _combine(self, left: Node, right: Callable[[], Node]) -> Node:
        operator = self.take()
        every = bool(self.accept("ALL")) or (self.accept("DISTINCT"), False)[1]
        if self.at("CORRESPONDING"):
            raise refused("CORRESPONDING", self.now)
        return Node("set", operator, operator=operator.upper, all=every, left=left, right=right())

    def query_primary(self) -> Node:
        at = self.now
        if self.accept("("):
            self._deeper()
            query = self.query()
            self.expect(")")
            self.depth -= 1
            return query
        if self.accept("VALUES"):
            return Node("values", at, rows=self.many(self.expression))
        if self.accept("TABLE"):
            return Node("table_query", at, table=self.table_name())
        if not self.accept("SELECT"):
            self.fail("'(', 'SELECT', 'TABLE', 'VALUES'")
        distinct = bool(self.accept("DISTINCT")) or (self.accept("ALL"), False)[1]
        items = self.many(self.select_item)
        source = None
        if self.accept("FROM"):
            source = self.relation()
            while self.at(","):
                comma = self.take()
                source = Node("join", comma, how="CROSS", left=source, right=self.relation(), on=None, using=None)
        where = self.expression() if self.accept("WHERE") else None
        grouping, group_all = None, True
        if self.accept("GROUP"):
            self.expect("BY")
            group_all = not self.accept("DISTINCT")
            if self.at("ALL") and self.ahead().type != "end" and self.ahead().upper not in (
                    ",", ")", "HAVING", "ORDER", "LIMIT", "OFFSET", "UNION", "EXCEPT", "INTERSECT"):
                self.take()
            grouping = self.many(self.grouping_element)
        having = self.expression() if self.accept("HAVING") else None
        windows = self.many(self.named_window) if self.accept("WINDOW") else []
        return Node("select", at, distinct=distinct, items=items, source=source, where=where, grouping=grouping,
                    group_all=group_all, having=having, windows=windows)

    def named_window(self) -> tuple[str, Node]:
        name = self.name()
        self.expect("AS")
        self.expect("(")
        return name, self.window()

    def select_item(self) -> Node:
        at = self.now
        if self.accept("*"):
            return Node("star", at, prefix=None)
        start = self.index
        parts = [self.identifier()]
        while parts[-1] is not None and self.accept("."):
            if self.accept("*"):
                if self.at("AS", "("):
                    raise refused("aliases for the columns of 'row.*'", self.now)
                return Node("star", at, prefix=parts)
            parts.append(self.identifier())
        self.index = start
        expression = self.expression()
        alias = self.name() if self.accept("AS") else self.implicit_alias()
        return Node("item", at, expression=expression, alias=alias)

    def grouping_element(self) -> Node:
        at = self.now
        if self.accept("GROUPING", "SETS"):
            self.expect("(")
            sets = self.many(self.grouping_set)
            self.expect(")")
            return Node("sets", at, sets=sets)
        for word in ("CUBE", "ROLLUP"):
            if self.accept(word):
                self.expect("(")
                sets = [] if self.at(")") else self.many(self.grouping_set)
                self.expect(")")
                return Node(word.lower(), at, sets=sets)
        return Node("simple", at, sets=[self.grouping_set()])

    def grouping_set(self) -> list[Node]:
        start = self.index
        if self.accept("("):
            parts = [] if self.at(")") else self.many(self.expression)
            if self.accept(")") and (self.now.upper in (",", ")", "HAVING", "ORDER", "LIMIT", "OFFSET", "WINDOW",
                                                        "UNION", "EXCEPT", "INTERSECT", "FETCH")
                                     or self.now.type == "end"):
                return parts
            self.index = start
        return [self.expression()]

    # ---- relations

    def relation(self) -> Node:
        left = self.aliased()
        while True:
            at = self.now
            if self.accept("CROSS"):
                self.expect("JOIN")
                left = Node("join", at, how="CROSS", left=left, right=self.aliased(), on=None, using=None)
                continue
            if self.at("NATURAL"):
                raise refused("NATURAL JOIN", at)
            how = None
            for word in ("LEFT", "RIGHT", "FULL"):
                if self.accept(word):
                    self.accept("OUTER")
                    how = word
            if how is None and (self.accept("INNER") or self.at("JOIN")):
                how = "INNER"
            if how is None:
                return left
            self.expect("JOIN")
            right, on, using = self.relation(), None, None
            if self.accept("ON"):
                on = self.expression()
            elif self.accept("USING"):
                self.expect("(")
                using = self.many(self.located_name)
                self.expect(")")
            else:
                self.fail("'ON', 'USING'")
            left = Node("join", at, how=how, left=left, right=right, on=on, using=using)

    def located_name(self) -> Node:
        at = self.now
        return Node("name", at, name=self.name())

    def aliased(self) -> Node:
        at, relation = self.now, self.relation_primary()
        alias = self.name() if self.accept("AS") else None
        if alias is None:
            alias = self.implicit_alias()
        if self.now.upper in ("TABLESAMPLE", "MATCH_RECOGNIZE"):
            raise refused(self.now.upper, self.now)
        if alias is None:
            return relation
        columns = None
        if self.accept("("):
            columns = self.many(self.name)
            self.expect(")")
        return Node("aliased", at, relation=relation, alias=alias, columns=columns)

    def relation_primary(self) -> Node:
        at = self.now
        if self.accept("UNNEST"):
            self.expect("(")
            arrays = self.many(self.expression)
            self.expect(")")
            ordinality = bool(self.accept("WITH", "ORDINALITY"))
            return Node("unnest", at, arrays=arrays, ordinality=ordinality)
        if self.now.upper in ("LATERAL", "JSON_TABLE") or self.at("TABLE", "("):
            raise refused(self.now.upper, at)
        if self.at("("):
            start, failure = self.index, None
            self._deeper()
            try:
                self.take()
                query = self.query()
                self.expect(")")
                self.depth -= 1
                return Node("subquery_relation", at, query=query)
            except QueryFailed as failed:
                if failed.code != "SYNTAX_ERROR":
                    raise
                failure, reached = failed, self.index
            self.index = start
            try:
                self.take()
                relation = self.relation()
                while self.at(","):
                    self.fail("')'")
                self.expect(")")
                self.depth -= 1
                return relation
            except QueryFailed as failed:
                if failed.code == "SYNTAX_ERROR" and reached >= self.index:
                    raise failure from None
                raise
        if self.now.type not in ("word", "quoted") or self.now.upper in RESERVED:
            self.fail("'(', 'JSON_TABLE', 'LATERAL', 'TABLE', 'UNNEST', <identifier>")
        return self.table_name()

    def table_name(self) -> Node:
        at, parts = self.now, [self.name()]
        while self.accept("."):
            parts.append(self.name())
        if self.at("FOR"):
            raise refused("time travel", self.now)
        return Node("table", at, parts=parts)

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryFailed("STACK_OVERFLOW", "statement is too large (stack overflow during analysis)")

    # ---- expressions

    def expression(self) -> Node:
        self._deeper()
        try:
            return self.disjunction()
        finally:
            self.depth -= 1

    def _logical(self, word: str, part: Callable[[], Node]) -> Node:
        at, terms = self.now, [part()]
        while self.accept(word):
            terms.append(part())
        return terms[0] if len(terms) == 1 else Node("logical", at, operator=word, terms=terms)

    def disjunction(self) -> Node:
        return self._logical("OR", lambda: self._logical("AND", self.negation))

    def negation(self) -> Node:
        at = self.now
        if self.accept("NOT"):
            self._deeper()
            value = self.negation()
            self.depth -= 1
            return Node("not", at, value=value)
        return self.predicate()

    def predicate(self) -> Node:
        value = self.concatenation()
        at = self.now
        if at.upper in ("=", "<>", "!=", "<", "<=", ">", ">="):
            self.take()
            operator = "<>" if at.upper == "!=" else at.upper
            for quantifier in ("ALL", "ANY", "SOME"):
                if self.at(quantifier, "("):
                    self.take()
                    self.take()
                    query = self.query()
                    self.expect(")")
                    return Node("quantified", at, operator=operator, quantifier=quantifier, value=value, query=query)
            return Node("comparison", at, operator=operator, left=value, right=self.concatenation())
        if self.accept("IS"):
            negated = bool(self.accept("NOT"))
            if self.accept("NULL"):
                return Node("is_null", at, value=value, negated=negated)
            if self.accept("DISTINCT"):
                self.expect("FROM")
                return Node("is_distinct", at, left=value, right=self.concatenation(), negated=negated)
            self.fail("'DISTINCT', 'NULL'" if negated else "'DISTINCT', 'NOT', 'NULL'")
        negated = bool(self.accept("NOT"))
        if self.accept("BETWEEN"):
            low = self.concatenation()
            self.expect("AND")
            return Node("between", at, value=value, low=low, high=self.concatenation(), negated=negated)
        if self.accept("IN"):
            self.expect("(")
            if self._query_ahead():
                query = self.query()
                self.expect(")")
                return Node("in_query", at, value=value, query=query, negated=negated)
            items = self.many(self.expression)
            self.expect(")")
            return Node("in", at, value=value, items=items, negated=negated)
        if self.accept("LIKE"):
            pattern = self.concatenation()
            escape = self.concatenation() if self.accept("ESCAPE") else None
            return Node("like", at, value=value, pattern=pattern, escape=escape, negated=negated)
        if negated:
            self.fail("'BETWEEN', 'IN', 'LIKE'")
        return value

    def _query_ahead(self) -> bool:
        start = 0
        while self.ahead(start).upper == "(":
            start += 1
        return self.ahead(start).upper in ("SELECT", "WITH", "VALUES", "TABLE") and (
            start == 0 or self._parenthesised_query())

    def _parenthesised_query(self) -> bool:
        """Whether '((SELECT …) UNION …' opens a query and not an expression that begins with one."""
        depth, at = 0, self.index
        while at < len(self.tokens) - 1:
            word = self.tokens[at].upper
            depth += (word == "(") - (word == ")")
            at += 1
            if depth == 0:
                return self.tokens[at].upper in ("UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT", "OFFSET")
        return False

    def _binary(self, operators: tuple[str, ...], part: Callable[[], Node], kind: str) -> Node:
        left = part()
        while self.now.type == "op" and self.now.upper in operators:
            at = self.take()
            left = Node(kind, at, operator=at.upper, left=left, right=part())
        return left

    def concatenation(self) -> Node:
        return self._binary(("||",), self.sum, "concatenation")

    def sum(self) -> Node:
        return self._binary(("+", "-"), self.product, "arithmetic")

    def product(self) -> Node:
        return self._binary(("*", "/", "%"), self.unary, "arithmetic")

    def unary(self) -> Node:
        at = self.now
        if self.now.type == "op" and self.now.upper in ("+", "-"):
            operator = self.take().upper
            self._deeper()
            value = self.unary()
            self.depth -= 1
            return Node("sign", at, operator=operator, value=value)
        value = self.postfix()
        while self.at("AT", "TIME", "ZONE"):
            self.expect("AT", "TIME", "ZONE")
            zone = self.interval() if self.at("INTERVAL") else self.string_node()
            value = Node("at_time_zone", at, value=value, zone=zone)
        return value

    def string_node(self) -> Node:
        if self.now.type not in ("string", "unicode"):
            self.fail("<string>")
        return self.primary()

    def postfix(self) -> Node:
        at, value = self.now, self.primary()
        while True:
            if self.accept("["):
                index = self.concatenation()
                self.expect("]")
                value = Node("subscript", at, base=value, index=index)
            elif self.at("."):
                self.take()
                field = self.now
                value = Node("dereference", at, base=value, field=self.name(), quoted=field.type == "quoted")
            else:
                return value

    def _list(self, close: str = ")") -> list[Node]:
        items = [] if self.at(close) else self.many(self.expression)
        self.expect(close)
        return items

    def primary(self) -> Node:
        at = self.now
        if at.type in ("integer", "decimal", "double"):
            return Node(at.type, self.take(), text=at.text.replace("_", ""))
        if at.type == "string":
            self.take()
            return Node("string", at, value=at.text[1:-1].replace("''", "'"))
        if at.type == "unicode":
            self.take()
            return Node("string", at, value=self._unicode(at))
        if at.type == "binary":
            digits = re.sub(r"\s", "", self.take().text[2:-1])
            if not re.fullmatch(r"(?:[0-9A-Fa-f])*", digits):
                raise QueryFailed("SYNTAX_ERROR", f"line {at.line}:{at.column}: Binary literal can only contain "
                                                  "hexadecimal digits")
            if len(digits) % 2:
                raise QueryFailed("SYNTAX_ERROR", f"line {at.line}:{at.column}: Binary literal must contain an even "
                                                  "number of digits")
            return Node("binary", at, value=bytes.fromhex(digits))
        if at.upper == "[":
            raise refused("an array without the word ARRAY", at)
        if at.upper == "(":
            return self.parenthesis()
        if at.upper == "?":
            raise QueryFailed("INVALID_PARAMETER_USAGE", f"line {at.line}:{at.column}: Incorrect number of parameters")
        if at.type == "quoted" or (at.type == "word" and at.upper not in RESERVED):
            return self.named()
        reserved = getattr(self, f"_{at.upper.lower()}", None) if at.upper in BEGINNING else None
        return reserved() if reserved else self.fail("<expression>")


    def _unicode(self, at: Token) -> str:
        escape = "\\"
        if self.accept("UESCAPE"):
            escape = self.take().text[1:-1]
        text = at.text[3:-1].replace("''", "'")
        mark = re.escape(escape)

        def one(found: re.Match[str]) -> str:
            return escape if found[0] == escape * 2 else chr(int(found[1] or found[2], 16))
        if re.search(mark + "(?!" + mark + r"|[0-9A-Fa-f]{4}|\+[0-9A-Fa-f]{6})", text.replace(escape * 2, "")):
            raise QueryFailed("SYNTAX_ERROR", f"line {at.line}:{at.column}: Incomplete escape sequence")
        return re.sub(rf"{mark}{mark}|{mark}([0-9A-Fa-f]{{4}})|{mark}\+([0-9A-Fa-f]{{6}})", one, text)

    def _null(self) -> Node:
        return Node("null", self.take())

    def _true(self) -> Node:
        return Node("boolean", self.take(), value=True)

    def _false(self) -> Node:
        return Node("boolean", self.take(), value=False)

    def _current(self) -> Node:
        at = self.take()
        if at.upper != "CURRENT_DATE" and self.accept("("):
            precision = self.count()
            self.expect(")")
            raise refused(f"{at.upper}({precision})", at)
        return Node("current", at, what=at.upper)

    _current_date = _current_time = _current_timestamp = _localtime = _localtimestamp = _current

    def _case(self) -> Node:
        at = self.take()
        operand = None if self.at("WHEN") else self.expression()
        whens = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            whens.append((condition, self.expression()))
        if not whens:
            self.fail("'WHEN'")
        default = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return Node("case", at, operand=operand, whens=whens, default=default)

    def _cast(self) -> Node:
        at = self.take()
        self.expect("(")
        value = self.expression()
        self.expect("AS")
        kind = self.type_name()
        self.expect(")")
        return Node("cast", at, value=value, type=kind, safe=at.upper == "TRY_CAST")

    def _exists(self) -> Node:
        at = self.take()
        self.expect("(")
        query = self.query()
        self.expect(")")
        return Node("exists", at, query=query)

    def _extract(self) -> Node:
        at = self.take()
        self.expect("(")
        field = self.name()
        self.expect("FROM")
        value = self.expression()
        self.expect(")")
        return Node("extract", at, field=field, value=value)

    def _grouping(self) -> Node:
        at = self.take()
        self.expect("(")
        return Node("grouping", at, columns=self._list())

    def _trim(self) -> Node:
        at = self.take()
        self.expect("(")
        side = next((word for word in ("BOTH", "LEADING", "TRAILING") if self.accept(word)), None)
        if side is None:
            value = self.expression()
            if self.accept(","):
                chars = self.expression()
                self.expect(")")
                return Node("call", at, name="trim", arguments=[value, chars], over=None, filter=None, distinct=False,
                            order=[], nulls=None)
            if self.accept(")"):
                return Node("call", at, name="trim", arguments=[value], over=None, filter=None, distinct=False,
                            order=[], nulls=None)
            self.expect("FROM")
            chars, value = value, self.expression()
        else:
            chars = None if self.at("FROM") else self.expression()
            self.expect("FROM")
            value = self.expression()
        self.expect(")")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side or "", "trim")
        return Node("call", at, name=name, arguments=[value] + ([chars] if chars else []), over=None, filter=None,
                    distinct=False, order=[], nulls=None)

    def parenthesis(self) -> Node:
        at = self.take()
        if self._lambda_ahead():
            names = []
            if not self.at(")"):
                names = self.many(self.name)
            self.expect(")")
            self.expect("->")
            return Node("lambda", at, names=names, body=self.expression())
        if self._query_ahead():
            self._deeper()
            query = self.query()
            self.expect(")")
            self.depth -= 1
            return Node("subquery", at, query=query)
        items = self._list()
        if not items:
            self.index -= 1
            self.fail("<expression>, <query>")
        if len(items) > 1:
            return Node("row", at, items=items)
        return items[0]

    def _lambda_ahead(self) -> bool:
        at = self.index
        while self.tokens[at].type in ("word", "quoted") or self.tokens[at].upper == ",":
            at += 1
        return self.tokens[at].upper == ")" and self.tokens[at + 1].upper == "->"

    def named(self) -> Node:
        """What begins with a word that is no keyword: a column, call, literal of a type, ROW, ARRAY, TRY_CAST …"""
        at, after = self.now, self.ahead()
        if at.type == "word":
            if at.upper == "TRY_CAST" and after.upper == "(":
                return self._cast()
            if at.upper == "ARRAY" and after.upper == "[":
                self.take()
                self.take()
                return Node("array", at, items=self._list("]"))
            if at.upper == "ROW" and after.upper == "(":
                self.take()
                self.take()
                items = self._list()
                if not items:
                    self.index -= 1
                    self.fail("<expression>")
                return Node("row", at, items=items)
            if at.upper == "INTERVAL" and (after.upper in ("+", "-") or after.type == "string" and
                                           self.ahead(2).upper in UNITS):
                return self.interval()
            if at.upper == "POSITION" and after.upper == "(":
                start = self.index
                self.take()
                self.take()
                needle = self.concatenation()
                if self.accept("IN"):
                    value = self.concatenation()
                    self.expect(")")
                    return Node("call", at, name="strpos", arguments=[value, needle], over=None, filter=None,
                                distinct=False, order=[], nulls=None)
                self.index = start
            if at.upper == "SUBSTRING" and after.upper == "(":
                start = self.index
                self.take()
                self.take()
                value = self.concatenation()
                if self.accept("FROM"):
                    arguments = [value, self.concatenation()]
                    if self.accept("FOR"):
                        arguments.append(self.concatenation())
                    self.expect(")")
                    return Node("call", at, name="substr", arguments=arguments, over=None, filter=None, distinct=False,
                                order=[], nulls=None)
                self.index = start
            if at.upper == "DOUBLE" and after.upper == "PRECISION" and self.ahead(2).type == "string":
                self.take()
                self.take()
                return Node("typed", at, type="double", value=self.primary().value)
            if after.type in ("string", "unicode"):
                self.take()
                return Node("typed", at, type=at.text.lower(), value=self.primary().value)
        if after.upper == "->":
            name = self.name()
            self.take()
            return Node("lambda", at, names=[name], body=self.expression())
        name, quoted = self.name(), at.type == "quoted"
        if self.at("("):
            return self.call(at, name)
        return Node("column", at, name=name, quoted=quoted)

    def call(self, at: Token, name: str) -> Node:
        self.take()
        if self.accept("*"):
            self.expect(")")
            return self.call_tail(Node("call", at, name=name.lower(), arguments=[], star=True, distinct=False,
                                       order=[]))
        distinct = bool(self.accept("DISTINCT")) or (self.accept("ALL"), False)[1]
        arguments, order = [], []
        if distinct or not self.at(")"):
            if not self.at("ORDER", "BY"):
                arguments = self.many(self.argument)
            if self.accept("ORDER", "BY"):
                order = self.many(self.sort_item)
        self.expect(")")
        return self.call_tail(Node("call", at, name=name.lower(), arguments=arguments, distinct=distinct, order=order))

    def argument(self) -> Node:
        if self.ahead().upper == "=>":
            raise refused("a named argument", self.now)
        return self.expression()

    def call_tail(self, node: Node) -> Node:
        node.filter = node.over = node.nulls = None
        if self.accept("FILTER"):
            self.expect("(")
            self.expect("WHERE")
            node.filter = self.expression()
            self.expect(")")
        if self.at("IGNORE", "NULLS") or self.at("RESPECT", "NULLS"):
            node.nulls = self.take().upper
            self.take()
        if self.accept("OVER"):
            if self.accept("("):
                node.over = self.window()
            else:
                at = self.now
                node.over = Node("window", at, base=self.name(), partition=[], order=[], frame=None, named=True)
        return node

    def window(self) -> Node:
        at, base = self.now, None
        if self.now.upper not in ("PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS", "MEASURES", "AFTER", ")"):
            base = self.name()
        partition, order, frame = [], [], None
        if self.accept("PARTITION"):
            self.expect("BY")
            partition = self.many(self.expression)
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.many(self.sort_item)
        if self.at("GROUPS") or self.at("MEASURES"):
            raise refused(f"a window frame of {self.now.upper}", self.now)
        if self.at("ROWS") or self.at("RANGE"):
            unit = self.take()
            if self.accept("BETWEEN"):
                start = self.bound()
                self.expect("AND")
                frame = Node("frame", unit, unit=unit.upper, start=start, end=self.bound())
            else:
                frame = Node("frame", unit, unit=unit.upper, start=self.bound(), end=None)
        self.expect(")")
        return Node("window", at, base=base, partition=partition, order=order, frame=frame, named=False)

    def bound(self) -> Node:
        at = self.now
        if self.accept("UNBOUNDED"):
            way = "PRECEDING" if self.accept("PRECEDING") else self.expect("FOLLOWING").upper
            return Node("bound", at, kind_of=f"UNBOUNDED {way}", value=None)
        if self.accept("CURRENT"):
            self.expect("ROW")
            return Node("bound", at, kind_of="CURRENT ROW", value=None)
        value = self.expression()
        way = "PRECEDING" if self.accept("PRECEDING") else self.expect("FOLLOWING").upper
        return Node("bound", at, kind_of=way, value=value)

    def interval(self) -> Node:
        at = self.take()
        sign = -1 if self.accept("-") else (self.accept("+"), 1)[1]
        if self.now.type != "string":
            self.fail("<string>")
        value = self.take().text[1:-1]
        first = self.now
        if first.upper not in UNITS:
            self.fail(", ".join(f"'{unit}'" for unit in sorted(UNITS)))
        self.take()
        last = None
        if self.accept("TO"):
            last = self.take().upper
        return Node("interval", at, value=value, sign=sign, unit=first.upper, to=last)

    # ---- types

    def type_name(self) -> str:
        """A type's text in Trino's words, lower case, aliases resolved by whoever reads it."""
        at = self.now
        name = self.identifier()
        if name is None:
            self.fail("<type>")
        word = name.lower()
        if word == "double" and self.accept("PRECISION"):
            return "double"
        if word == "interval":
            first = self.take().upper
            self.expect("TO")
            return f"interval {first.lower()} to {self.take().upper.lower()}"
        if word == "row" and self.accept("("):
            parts = self.many(self.row_field)
            self.expect(")")
            return f"row({', '.join(parts)})"
        if word in ("array", "map") and self.at("<"):
            raise refused(f"{word.upper()}<…>", at)
        body = ""
        if self.accept("("):
            parts = self.many(lambda: self.take().text if self.now.type == "integer" else self.type_name())
            self.expect(")")
            body = f"({','.join(parts)})"
        if word in ("timestamp", "time"):
            if self.accept("WITH"):
                self.expect("TIME", "ZONE")
                return f"{word}{body} with time zone"
            if self.accept("WITHOUT"):
                self.expect("TIME", "ZONE")
        result = word + body
        while self.at("ARRAY"):
            self.take()
            result = f"array({result})"
        return result

    def row_field(self) -> str:
        start = self.index
        name = self.identifier()
        if name is not None and self.now.upper not in (",", ")", "(", "WITH", "PRECISION"):
            return f"{quoted(name)} {self.type_name()}"
        self.index = start
        return self.type_name()


def parse(text: str) -> Node:
    """The tree of a query (WITH, SELECT, VALUES, TABLE). Raises QueryFailed SYNTAX_ERROR, NotVerified."""
    return Parser(text).statement()


__all__ = ["Node", "parse", "refused"]
