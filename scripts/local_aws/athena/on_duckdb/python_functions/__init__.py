"""Python functions for DuckDB, exact where it has no like: Java's number texts, Joda's patterns, Jackson's JSON.

`FUNCTIONS` names each with its DuckDB parameter types and result; they are called for values that are not null, unless
they say otherwise, and raise `TrinoError` for Trino's errors.
"""
from local_aws.athena.on_duckdb.python_functions import binary, json_texts, numbers, texts, times
from local_aws.athena.on_duckdb.python_functions.registry import FUNCTIONS

__all__ = ["FUNCTIONS", "binary", "json_texts", "numbers", "texts", "times"]
