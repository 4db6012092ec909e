"""The words of Trino's SQL: text cut into tokens that know their line and column, and the errors that point at them.

https://github.com/trinodb/trino/blob/476/core/trino-grammar/src/main/antlr4/io/trino/grammar/sql/SqlBase.g4
"""
from __future__ import annotations

import re
from typing import Any

from local_aws.athena.engine import NotVerified, QueryFailed


def refused(what: str, at: Any = None) -> NotVerified:
    """The error for what Athena has and this engine does not; it names the construct."""
    return NotVerified(what, f"line {at.line}:{at.column}" if at is not None else "")


class Node:
    """A piece of a query: what `kind` it is, where it begins, and its parts as attributes."""

    def __init__(self, kind: str, at: Any, **parts: Any):
        self.kind, self.line, self.column = kind, at.line, at.column
        self.__dict__.update(parts)

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(f'{k}={v!r}' for k, v in vars(self).items() if k not in ('kind',))})"


class Token:
    __slots__ = ("column", "end", "line", "start", "text", "type", "upper")

    def __init__(self, kind: str, text: str, line: int, column: int, start: int):
        self.type, self.text, self.line, self.column, self.start = kind, text, line, column, start
        self.end = start + len(text)
        self.upper = text.upper() if kind == "word" else text if kind == "op" else ""


_RESERVED = """ALTER AND AS AUTO BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG
CURRENT_DATE CURRENT_PATH CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE
DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN
INNER INSERT INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE
LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT
SKIP TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH"""
RESERVED = frozenset(_RESERVED.split())

_LEXER = re.compile(r"""
    (?P<space>\s+|--[^\r\n]*(?:\r?\n|\r)?|/\*.*?\*/)
  | (?P<string>'(?:[^']|'')*')
  | (?P<unicode>[Uu]&'(?:[^']|'')*')
  | (?P<binary>[Xx]'[^']*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<double>(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)[Ee][+-]?[0-9]+)
  | (?P<decimal>[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)
  | (?P<integer>[0-9](?:_?[0-9])*(?![A-Za-z0-9_]))
  | (?P<digits>[0-9][A-Za-z0-9_]*)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<op><>|!=|<=|>=|->|=>|\|\||[-+*/%=<>.,()\[\]?])
""", re.VERBOSE | re.DOTALL)


# What Trino's grammar has and no query here may use: met where nothing else fits, it is refused rather than misspelt.
_UNVERIFIED = """TABLESAMPLE MATCH_RECOGNIZE LATERAL NATURAL JSON_TABLE JSON_VALUE JSON_QUERY JSON_EXISTS
JSON_OBJECT JSON_ARRAY LISTAGG NORMALIZE RECURSIVE FUNCTION SESSION
CURRENT_USER CURRENT_ROLE CURRENT_CATALOG CURRENT_SCHEMA CURRENT_PATH WITHIN GROUPS CORRESPONDING"""
UNVERIFIED = frozenset(_UNVERIFIED.split())


def tokens(text: str) -> list[Token]:
    found_so_far: list[Token] = []
    at, line, begin = 0, 1, 0
    while at < len(text):
        found = _LEXER.match(text, at)
        if not found:
            raise QueryFailed("SYNTAX_ERROR", f"line {line}:{at - begin + 1}: mismatched input '{text[at]}'")
        kind, piece = found.lastgroup or "", found[0]
        if kind == "digits":
            raise QueryFailed("SYNTAX_ERROR", f"line {line}:{at - begin + 1}: identifiers must not start with a digit; "
                                              "surround the identifier with double quotes")
        if kind != "space":
            found_so_far.append(Token(kind, piece, line, at - begin + 1, at))
        newlines = piece.count("\n")
        if newlines:
            line, begin = line + newlines, at + piece.rindex("\n") + 1
        at = found.end()
    found_so_far.append(Token("end", "<EOF>", line, len(text) - begin + 1, at))
    return found_so_far
