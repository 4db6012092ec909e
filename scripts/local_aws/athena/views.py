"""Views as Athena keeps them in Glue: a Presto view, its JSON as base64 in a comment, so that Trino reads them as well.

https://docs.aws.amazon.com/athena/latest/ug/views-console.html
"""
from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence

from local_aws.athena.engine import Column
from local_aws.athena.hive_types import to_hive

CATALOG = "awsdatacatalog"
_START, _END = "/* Presto View: ", " */"


def table_input(database: str, name: str, statement: str, columns: Sequence[Column]) -> dict:
    """What Glue is told of a view; `columns` with Trino's types."""
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


def content(table: dict) -> dict | None:
    """The JSON of a view that Glue holds, or None where the table is no Presto view."""
    text = (table.get("ViewOriginalText") or "").strip()
    if table.get("TableType") != "VIRTUAL_VIEW" or not text.startswith(_START.strip()):
        return None
    return json.loads(b64decode(text[len(_START):-len(_END)]))
