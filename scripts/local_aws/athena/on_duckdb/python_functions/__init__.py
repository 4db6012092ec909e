"""Python functions for DuckDB, exact where it has no like: Java's number texts, MySQL's patterns, Jackson's JSON.

`FUNCTIONS` names each with its DuckDB parameter types and result; they are called for values that are not null, and
raise `TrinoError` for Trino's errors.
"""
from local_aws.athena.on_duckdb.python_functions import json_texts, numbers, texts, times
from local_aws.athena.on_duckdb.python_functions.registry import FUNCTIONS

__all__ = ["FUNCTIONS", "json_texts", "numbers", "texts", "times"]
