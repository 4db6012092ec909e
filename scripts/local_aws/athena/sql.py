"""What a statement is before anybody runs it: one, of which kind, which names it mentions, with values put in for `?`.

Only what is needed to tell who answers a statement and which tables it may name; the SQL itself is the engine's to
understand.
"""
from __future__ import annotations

import re

from local_aws.athena.exchange import QueryFailed
from local_aws.athena.trino_sql.lexer import Token, position, tokens

LONGEST = 262_144  # bytes of a statement: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
_EXPECTED = ("'ALTER', 'ANALYZE', 'CALL', 'COMMENT', 'COMMIT', 'CREATE', 'DEALLOCATE', 'DELETE', 'DENY', 'DESC', "
             "'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'GRANT', 'INSERT', 'MERGE', 'PREPARE', 'REFRESH', 'RESET', "
             "'REVOKE', 'ROLLBACK', 'SET', 'SHOW', 'START', 'TRUNCATE', 'UNLOAD', 'UPDATE', 'USE', <query>")
QUERIES = ("SELECT", "WITH", "VALUES", "TABLE", "(")


def mismatched(statement: str, at: int | None, expecting: str) -> QueryFailed:
    """Trino's words for a statement that goes on in another way than it may; `at` None is its end."""
    if at is None:
        return QueryFailed("", f"{position(statement, len(statement))}: mismatched input '<EOF>'. "
                               f"Expecting: {expecting}")
    word = next((token.text for token in tokens(statement) if token.start >= at), "<EOF>")
    return QueryFailed("", f"{position(statement, at)}: mismatched input '{word}'. Expecting: {expecting}")


def one_statement(text: str) -> str:
    """The one statement of a request, without its trailing semicolon. Raises QueryFailed in Athena's words."""
    words = tokens(text)
    ends = [token.start for token in words if token.text == ";"]
    if ends:
        if words[-1].start != ends[0]:
            raise QueryFailed("", f"Only one sql statement is allowed. Got: {text}")
        text = text[:ends[0]]
    if not tokens(text):
        raise mismatched(text, None, _EXPECTED)
    return text


class Cursor:
    """Reads a statement word by word."""

    def __init__(self, statement: str):
        self.statement, self.tokens, self.at = statement, tokens(statement), 0

    def peek(self, ahead: int = 0) -> str:
        """The next word in upper case, or '' at the end. A quoted name keeps its quotes."""
        return self.tokens[self.at + ahead].text.upper() if self.at + ahead < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Step over these words if they are next."""
        if all(self.peek(ahead) == word for ahead, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def need(self, *words: str) -> None:
        """Step over these words; the statement is wrong if they are not next."""
        if not self.take(*words):
            raise self.wrong(f"'{' '.join(words)}'")

    def next(self) -> Token:
        """The next word of any kind, which is stepped over; the statement is wrong if it ends here."""
        if self.at >= len(self.tokens):
            raise self.wrong("<identifier>")
        self.at += 1
        return self.tokens[self.at - 1]

    def identifier(self) -> str:
        """A name, in lower case."""
        token = self.next()
        if token.kind not in ("word", "quoted"):
            self.at -= 1
            raise self.wrong("<identifier>")
        return token.name

    def names(self) -> list[str]:
        """A name of parts with dots between."""
        found = [self.identifier()]
        while self.take("."):
            found.append(self.identifier())
        return found

    def text(self) -> str:
        """A 'text' (or, in Hive's statements, a "text"), without its quotes."""
        token = self.next()
        if token.kind == "quoted" and token.text[0] == '"':
            return token.value
        if token.kind != "text":
            self.at -= 1
            raise self.wrong("<string>")
        return token.name

    @property
    def ended(self) -> bool:
        """Whether no word is left."""
        return self.at >= len(self.tokens)

    def end(self) -> None:
        """The statement must end here."""
        if not self.ended:
            raise self.wrong("<EOF>")

    def rest(self) -> str:
        """What is still to be read, blanks in its place so that positions stay those of the statement."""
        start = self.tokens[self.at].start if not self.ended else len(self.statement)
        return re.sub(r"[^\r\n]", " ", self.statement[:start]) + self.statement[start:]

    def wrong(self, expecting: str) -> QueryFailed:
        """The error that the next word, or the end, is not what may stand here."""
        return mismatched(self.statement, None if self.ended else self.tokens[self.at].start, expecting)


def first(statement: str) -> str:
    """The word that says what a statement is, in upper case."""
    words = tokens(statement)
    head = words[0].text.upper()
    if head not in QUERIES and f"'{head}'" not in _EXPECTED and head not in ("MSCK", "VACUUM", "OPTIMIZE"):
        raise mismatched(statement, words[0].start, _EXPECTED)
    return head


def placeholders(statement: str) -> int:
    """How many `?` wait for a value."""
    return sum(token.text == "?" for token in tokens(statement))


def fill(statement: str, values: list[str]) -> str:
    """The statement with SQL literals for its `?`, in order. Raises QueryFailed as Athena does where they do not fit.
    https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html"""
    marks = [token for token in tokens(statement) if token.text == "?"]
    if len(marks) != len(values):
        raise QueryFailed("INVALID_PARAMETER_USAGE", f"{position(statement, 0)}: Incorrect number of parameters: "
                                                     f"expected {len(marks)} but found {len(values)}")
    parts, at = [], 0
    for mark, value in zip(marks, values, strict=True):
        parts += [statement[at:mark.start], _literal(value)]
        at = mark.end
    return "".join([*parts, statement[at:]])


def quoted(name: str) -> str:
    """The name as an identifier that means just that, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    """A parameter's SQL text, which must be one value and nothing more: no second clause can hide in it."""
    words, depth = tokens(value), 0
    for token in words:
        depth += (token.text in "([") - (token.text in ")]")
        broken = token.kind in ("mark", "other") and token.text not in "()[],.+-"
        if broken or depth < 0 or (token.text == "," and not depth) or token.text.upper() in ("SELECT", "FROM"):
            raise QueryFailed("SYNTAX_ERROR", f"Parameter is not a literal: {value}")
    if not words or depth:
        raise QueryFailed("SYNTAX_ERROR", f"Parameter is not a literal: {value}")
    bare = len(words) == 1 or words[0].text.upper() in ("DATE", "TIME", "TIMESTAMP", "DECIMAL", "ARRAY", "MAP", "ROW")
    return value if bare else f"({value})"


def identifiers(statement: str) -> set[str]:
    """Every name that occurs in a statement, in lower case. A table that a statement reads is among them. Raises
    QueryFailed NOT_SUPPORTED for U&'…', in which names could hide."""
    words = tokens(statement)
    for token in words:
        if token.kind == "unicode":
            raise QueryFailed("NOT_SUPPORTED", f"{position(statement, token.start)}: The local AWS does not read "
                                               "U&'…' texts and names; write the characters themselves")
    return {token.name for token in words if token.kind in ("word", "quoted")}
