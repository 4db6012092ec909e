"""The words of a statement, for whoever reads one: the front's DDL and the embedded engine's grammar alike.

Words are told apart as Trino tells them, and Hive's names in backquotes with them. What neither has is a token of kind
'other', for the reader to complain of.
https://github.com/trinodb/trino/blob/476/core/trino-grammar/src/main/antlr4/io/trino/grammar/sql/SqlBase.g4
"""
from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"""
    (?P<blank>\s+|--[^\r\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^']|'')*')
  | (?P<unicode>[Uu]&(?:'(?:[^']|'')*'|"(?:[^"]|"")*"))
  | (?P<binary>[Xx]'[^']*')
  | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
  | (?P<double>(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)[Ee][+-]?[0-9]+)
  | (?P<decimal>[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)
  | (?P<integer>[0-9](?:_?[0-9])*(?!\w))
  | (?P<digits>[0-9]\w*)
  | (?P<word>[^\W\d]\w*)
  | (?P<mark><>|!=|<=|>=|->|=>|\|\||[-+*/%=<>.,()\[\]?;:{}!@])
  | (?P<other>.)""", re.VERBOSE | re.DOTALL)


@dataclass(frozen=True)
class Token:
    """One word: `kind` is text, unicode (U&'…'), binary (X'…'), quoted, double, decimal, integer, digits (a name that
    begins with a digit), word, mark, other, or end. `start` and `end` count characters from 0, `line` and `column`
    from 1 as Trino does; `upper` is a word in upper case, a mark as it is, and '' for anything else."""

    kind: str
    text: str
    start: int
    line: int
    column: int
    upper: str

    @property
    def end(self) -> int:
        """Where the token ends: the position behind its last character."""
        return self.start + len(self.text)

    @property
    def place(self) -> str:
        """'line 1:8', counted from 1."""
        return f"line {self.line}:{self.column}"

    @property
    def name(self) -> str:
        """The identifier that this is, in lower case as Athena folds it; for a text, what it says."""
        return self.value if self.kind == "text" else self.value.lower()

    @property
    def value(self) -> str:
        """What stands between the quotes of a text or a quoted name; anything else as it is written."""
        if self.kind not in ("quoted", "text"):
            return self.text
        quote = self.text[0]
        return self.text[1:-1].replace(quote * 2, quote)


def tokens(statement: str) -> list[Token]:
    """The words of a statement in order, blanks and comments left out. Takes any text."""
    found, line, begin = [], 1, 0
    for match in _TOKEN.finditer(statement):
        kind, text, start = match.lastgroup or "", match[0], match.start()
        if kind != "blank":
            upper = text.upper() if kind == "word" else text if kind == "mark" else ""
            found.append(Token(kind, text, start, line, start - begin + 1, upper))
        newlines = text.count("\n")
        if newlines:
            line, begin = line + newlines, start + text.rindex("\n") + 1
    return found


def position(statement: str, at: int) -> str:
    """'line 1:8', as Trino counts: lines and columns from 1; `at` counts characters from 0."""
    return f"line {statement.count(chr(10), 0, at) + 1}:{at - (statement.rfind(chr(10), 0, at) + 1) + 1}"
