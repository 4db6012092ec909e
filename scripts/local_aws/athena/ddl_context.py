"""What a statement of Athena's own acts on, and what it gives out."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from local_aws.athena import views
from local_aws.athena.aws_catalog import AwsCatalog
from local_aws.athena.exchange import Column, QueryFailed
from local_aws.athena.sql import Cursor

DDL_TASK = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "


@dataclass
class Output:
    """What a statement gives out: its columns, and lines of text with tabs between the values."""

    columns: list[Column] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass
class Context:
    """What a statement acts on. `describe` gives the columns of a query without running it."""

    catalog: AwsCatalog
    describe: Callable[[str], list[Column]]

    def name(self, cursor: Cursor) -> tuple[str, str]:
        """The database, which is the query's own where none is named, and the table that the next words name."""
        names = cursor.names()
        if len(names) == 3 and names[0] == views.CATALOG:
            names = names[1:]
        if len(names) > 2:
            raise QueryFailed("CATALOG_NOT_FOUND", f"Catalog '{names[0]}' not found")
        return (names[0] if len(names) == 2 else self.catalog.database), names[-1]

    def glue_table(self, database: str, name: str) -> dict:
        """The table as Glue holds it. Raises QueryFailed in Hive's words."""
        found = self.find(database, name)
        if found is None:
            raise QueryFailed("", f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}")
        return found

    def find(self, database: str, name: str) -> dict | None:
        """The table as Glue holds it, or None. Needs glue:GetTable."""
        answer = self.catalog.ask_glue(f"{database}.{name}", "get_table", DatabaseName=database, Name=name)
        return answer and answer["Table"]

    def need_database(self, database: str) -> None:
        """Raises QueryFailed, in Hive's words, where Glue has no such database."""
        if not self.catalog.has_database(database):
            raise QueryFailed("", f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}")

    def tables(self, database: str) -> list[dict]:
        """The database's tables and views as Glue holds them. Needs glue:GetTables."""
        return list(self.catalog.list_glue(database, "get_tables", "TableList", DatabaseName=database))

    def databases(self) -> list[str]:
        """The names of all databases. Needs glue:GetDatabases."""
        return [one["Name"] for one in self.catalog.list_glue("the catalog", "get_databases", "DatabaseList")]
