"""DuckDB's errors, in Trino's words."""
from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TypeVar

import duckdb

from local_aws.athena.exchange import NotVerified, QueryFailed
from local_aws.athena.on_duckdb.python_functions.registry import NOT_VERIFIED

_T = TypeVar("_T")
_MARK = re.compile(r"\[\[([A-Z_]+)\|(.*?)\]\]", re.DOTALL)  # what our macros and Python functions fail with


def translated(call: Callable[[], _T]) -> _T:
    """Call DuckDB. Raises QueryFailed for its errors, NotVerified for a value that is refused; others pass."""
    try:
        return call()
    except duckdb.Error as failed:
        raise _trino(failed) from None


def _trino(failed: duckdb.Error) -> QueryFailed:
    said = str(failed)
    found = _MARK.search(said)
    if found:
        return NotVerified(found[2]) if found[1] == NOT_VERIFIED else QueryFailed(found[1], found[2])
    if isinstance(failed, duckdb.InterruptException):
        return QueryFailed("USER_CANCELED", "Query was canceled")
    if "More than one row returned by a subquery" in said:
        return QueryFailed("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")
    if isinstance(failed, duckdb.OutOfMemoryException):
        return QueryFailed("EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exhausted resources at this scale factor")
    overflow = re.search(r"Overflow in (\w+) of (\w+) \((.*?)\)", said)
    if overflow:
        kinds = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
        kind = kinds.get(overflow[2], "decimal")
        return QueryFailed("NUMERIC_VALUE_OUT_OF_RANGE", f"{kind} {overflow[1]} overflow: {overflow[3]}")
    if isinstance(failed, (duckdb.OutOfRangeException, duckdb.ConversionException)):
        return QueryFailed("NUMERIC_VALUE_OUT_OF_RANGE", "Value is out of range")
    logging.getLogger(__name__).warning("DuckDB: %s", said)
    return NotVerified("this statement, at which DuckDB fails,")
