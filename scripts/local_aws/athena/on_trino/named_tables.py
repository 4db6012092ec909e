"""Which tables a statement names, and that its caller may have Glue tell of them.

For an engine that asks Glue by itself. A name counts where a table may stand: after FROM, JOIN, TABLE, or a comma
between what FROM lists. That may be more than the tables (a WITH's own name, a function's argument), never fewer.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator

from local_aws.athena.catalog import Catalog, Table
from local_aws.athena.exchange import NotVerified, QueryFailed
from local_aws.athena.sql import identifiers, tokens
from local_aws.athena.views import CATALOG

_ENDS = {"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FETCH", "WINDOW", "UNION", "INTERSECT", "EXCEPT",
         "SELECT"}
_SCHEMA = "information_schema"


def check(statement: str, catalog: Catalog) -> None:
    """Raises QueryFailed where the caller may not see a table or view that the statement names, nor what a view
    names."""
    _check(statement, catalog.database, catalog, set())


def _check(statement: str, database: str, catalog: Catalog, seen: set[tuple[str, str]]) -> None:
    identifiers(statement)  # refuses names that are written in another way
    for names in tables_named(statement):
        if len(names) == 3 and names[0] != CATALOG:
            raise QueryFailed("CATALOG_NOT_FOUND", f"Catalog '{names[0]}' not found")
        schema, name = names[-2] if len(names) > 1 else database, names[-1].partition("$")[0]
        if (schema, name) in seen:
            continue
        seen.add((schema, name))
        if schema == _SCHEMA:
            catalog.check_every_table()
            continue
        table = _table(schema, name, catalog)
        if table is None:
            continue
        if table.view is not None:
            _check(table.view, table.view_database or schema, catalog, seen)
        elif table.partition_keys:  # asks Glue for one, or finds out that what is projected makes no sense
            with contextlib.suppress(NotVerified):  # a projection that Trino understands by itself
                next(catalog.partitions(table, {key.name: ["injected"] for key in table.partition_keys}), None)


def _table(database: str, name: str, catalog: Catalog) -> Table | None:
    try:
        return catalog.table(database, name)
    except QueryFailed:
        if catalog.exists(database, name):
            raise
        return None  # what only looks like a table's name needs no permission


def tables_named(statement: str) -> Iterator[list[str]]:
    """The names, in lower case and each in its parts, of what may be tables."""
    words = tokens(statement)
    listing, expected, outer, at = False, False, [], 0
    while at < len(words):
        token, word = words[at], words[at].text.upper()
        at += 1
        if word == "(":
            outer.append(listing)
            listing = expected  # a relation in brackets, or a subquery
        elif word == ")":
            listing, expected = outer.pop() if outer else False, False
        elif word in ("FROM", "JOIN", "TABLE"):
            listing = expected = True
        elif word in _ENDS:
            listing = expected = False
        elif word == ",":
            expected = listing
        elif expected and token.kind in ("word", "quoted"):
            names = [token.name]
            while at + 1 < len(words) and words[at].text == "." and words[at + 1].kind in ("word", "quoted"):
                names.append(words[at + 1].name)
                at += 2
            expected = False
            if at == len(words) or words[at].text != "(":
                yield names
        else:
            expected = False
