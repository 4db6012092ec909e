"""What Athena itself does on Glue: databases, tables, views, partitions, and what it tells of them.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
Statements in Hive's words fail in Hive's words, as they do on Athena.
"""
from __future__ import annotations

from collections.abc import Callable

from local_aws.athena import ddl_changes, ddl_partitions, ddl_show
from local_aws.athena.ddl_context import Context, Output
from local_aws.athena.sql import Cursor

Does = Callable[[Context, Cursor], Output]

# The words that a statement begins with, its substatement type, and what does it
_KINDS: list[tuple[tuple[str, ...], str, Does]] = [
    (("CREATE", "DATABASE"), "CREATE_DATABASE", ddl_changes.create_database),
    (("CREATE", "SCHEMA"), "CREATE_DATABASE", ddl_changes.create_database),
    (("CREATE", "EXTERNAL", "TABLE"), "CREATE_TABLE", ddl_changes.create_table),
    (("CREATE", "OR", "REPLACE", "VIEW"), "CREATE_VIEW", ddl_changes.create_view),
    (("CREATE", "VIEW"), "CREATE_VIEW", ddl_changes.create_view),
    (("DROP", "DATABASE"), "DROP_DATABASE", ddl_changes.drop_database),
    (("DROP", "SCHEMA"), "DROP_DATABASE", ddl_changes.drop_database),
    (("DROP", "TABLE"), "DROP_TABLE", ddl_changes.drop_table),
    (("DROP", "VIEW"), "DROP_VIEW", ddl_changes.drop_view),
    (("ALTER", "TABLE"), "ALTER_TABLE", ddl_changes.alter_table),
    (("MSCK", "REPAIR", "TABLE"), "MSCK_REPAIR", ddl_partitions.msck_repair),
    (("SHOW", "DATABASES"), "SHOW_DATABASES", ddl_show.show_databases),
    (("SHOW", "SCHEMAS"), "SHOW_DATABASES", ddl_show.show_databases),
    (("SHOW", "TABLES"), "SHOW_TABLES", ddl_show.show_tables),
    (("SHOW", "VIEWS"), "SHOW_VIEWS", ddl_show.show_views),
    (("SHOW", "COLUMNS"), "SHOW_COLUMNS", ddl_show.show_columns),
    (("SHOW", "PARTITIONS"), "SHOW_PARTITIONS", ddl_show.show_partitions),
    (("SHOW", "TBLPROPERTIES"), "SHOW_TBLPROPERTIES", ddl_show.show_tblproperties),
    (("SHOW", "CREATE", "TABLE"), "SHOW_CREATE_TABLE", ddl_show.show_create_table),
    (("SHOW", "CREATE", "VIEW"), "SHOW_CREATE_VIEW", ddl_show.show_create_view),
    (("DESCRIBE",), "DESCRIBE_TABLE", ddl_show.describe),
    (("DESC",), "DESCRIBE_TABLE", ddl_show.describe),
]


def kind_of(statement: str) -> tuple[str, Does, Cursor] | None:
    """A statement's substatement type, what does it, and its words after those that say so; None if it is none of
    these."""
    cursor = Cursor(statement)
    for words, kind, does in _KINDS:
        if cursor.take(*words):
            return kind, does, cursor
    return None
