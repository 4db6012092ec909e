"""The interface between Athena's front and an engine: a statement in; columns, types, rows and bytes read out.

An engine only ever sees SQL that Athena itself would take to be a query (`query`) or the query part of a CREATE TABLE
AS or INSERT INTO (`write`). Everything else (DDL, SHOW, DESCRIBE, states, results, workgroups) is the front's.

Errors are Athena's: an engine raises `QueryFailed` with Trino's error name and text, never another product's words.
"""
from __future__ import annotations

from typing import Protocol

from local_aws.athena.catalog import Catalog
from local_aws.athena.exchange import Answer, Column, Target, Watch, Written


class Engine(Protocol):
    """Answers queries. Used from several threads at once; each call is one query."""

    name: str  # 'duckdb' or 'trino'
    version: str  # the engine's own, for `status`

    def query(self, statement: str, catalog: Catalog, watch: Watch) -> Answer:
        """Answer one query (SELECT, WITH, VALUES, TABLE, EXPLAIN). Raises QueryFailed, Cancelled."""

    def describe(self, statement: str, catalog: Catalog, watch: Watch) -> list[Column]:
        """The columns that a query would answer, found without running it: what a view or a new table is made of.
        A column that the query does not name is called `_col` and its place, counted from 0. Raises as `query`."""

    def write(self, target: Target, statement: str, catalog: Catalog, watch: Watch) -> Written:
        """Write the rows of the query `statement` as objects under the target's location, and have Glue know the table
        (CREATE TABLE AS) and its new partitions when it returns (`catalog.create_table`, `catalog.add_partitions`).
        A failed write leaves no table behind; objects already written stay, as they do on AWS."""

    def close(self) -> None:
        """Stop what the engine started. Called once, when the local AWS stops."""
