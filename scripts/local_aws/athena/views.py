"""Views as Athena keeps them in Glue: a Presto view, its JSON as base64 in a comment, so that Trino reads them as well.

https://docs.aws.amazon.com/athena/latest/ug/views-console.html
"""
from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence

from local_aws.athena.exchange import Column, QueryFailed
from local_aws.athena.hive_types import to_hive

CATALOG = "awsdatacatalog"
_START, _END = "/* Presto View: ", " */"


def table_input(database: str, name: str, statement: str, columns: Sequence[Column]) -> dict:
    """The input of Glue's CreateTable for a view; `columns` with Trino's types."""
    content = {"originalSql": statement, "catalog": CATALOG, "schema": database, "runAsInvoker": True, "path": [],
               "columns": [{"name": column.name, "type": str(column.type)} for column in columns]}
    return {
        "Name": name, "TableType": "VIRTUAL_VIEW", "PartitionKeys": [],
        "ViewOriginalText": _START + b64encode(json.dumps(content).encode()).decode() + _END,
        "ViewExpandedText": "/* Presto View */",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "StorageDescriptor": {
            "Columns": [{"Name": column.name, "Type": to_hive(column.type)} for column in columns],
            "Location": "", "InputFormat": "", "OutputFormat": "", "Compressed": False, "NumberOfBuckets": 0,
            "SerdeInfo": {}, "BucketColumns": [], "SortColumns": [], "Parameters": {}},
    }


def is_view(table: dict) -> bool:
    """Whether what Glue holds is a view."""
    return table.get("TableType") == "VIRTUAL_VIEW"


def content(table: dict) -> dict:
    """The JSON of a view that Glue holds: `originalSql`, `columns` of `name` and `type` (Trino's), and `schema`, the
    database that unqualified names mean. Raises QueryFailed INVALID_VIEW for a view that is not Athena's."""
    text = (table.get("ViewOriginalText") or "").strip()
    try:
        found = json.loads(b64decode(text.removeprefix(_START).removesuffix(_END)))
        return {"schema": table["DatabaseName"], **found, "originalSql": found["originalSql"],
                "columns": [{"name": column["name"], "type": column["type"]} for column in found["columns"]]}
    except (ValueError, LookupError, TypeError):
        raise QueryFailed("INVALID_VIEW", f"View '{table['DatabaseName']}.{table['Name']}' is not one that Athena "
                                          "made") from None
