"""Which changes leave a stream record, and what it says.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html and API_streams_StreamRecord.html

ministack leaves none for PartiQL's INSERT, UPDATE and DELETE (which also keep numbers as they were typed) and for items
that time to live deletes, writes one when a set is put back in another order, calls every record's size 0, and lets
sequence numbers fall when the clock does.
"""
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import error_response_json, request_scope
from ministack.services import dynamodb

# Sequence numbers are microseconds with room for a thousand million in each: 25 digits, of which AWS allows 21 to 40.
ROOM = 10**9

_last_number = 0
_numbering = threading.Lock()
_emitting = threading.RLock()  # a global table's replica emits within its origin's emission
_transaction: ContextVar[list | None] = ContextVar("changes of the PartiQL transaction under way", default=None)
_identity: ContextVar[dict | None] = ContextVar("who made the change, where the stream says so", default=None)


def sequence_number() -> str:
    """The next one: greater than any before it, whatever the clock does."""
    global _last_number
    with _numbering:
        _last_number = max(_last_number + 1, time.time_ns() // 1000 * ROOM)
        return str(_last_number)


def continue_after(number: str) -> None:
    """Never give out a number up to this one again."""
    global _last_number
    with _numbering:
        _last_number = max(_last_number, int(number))


def same(one: Any, other: Any) -> bool:
    """Whether two items or attribute values are equal to DynamoDB, to which a set has no order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            sorted(one[name]) == sorted(other[name])
            if name in ("SS", "NS", "BS") and isinstance(one[name], list) and isinstance(other[name], list)
            else same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def canonical(value: Any) -> Any:
    """An item or a part of one with its numbers as DynamoDB keeps them: 1.10 is 1.1."""
    if isinstance(value, list):
        return [canonical(one) for one in value]
    if not isinstance(value, dict):
        return value
    number = dynamodb._ddb_canonicalize_number
    return {name: number(one) or one if name == "N" and isinstance(one, str)
            else [number(text) or text for text in one] if name == "NS" and isinstance(one, list)
            else canonical(one) for name, one in value.items()}


def install(written: Callable[[dict], None]) -> None:
    """Correct ministack; `written(record)` is called with each record when it stands in its stream."""
    build, emit, remove = dynamodb._build_change_record, dynamodb._emit_stream_event, dynamodb._remove_item

    def build_change_record(*arguments: Any) -> dict:
        record = build(*arguments)
        body = record["dynamodb"]
        body["SizeBytes"] = sum(dynamodb._item_size_bytes(body.get(part, {}))
                                for part in ("Keys", "NewImage", "OldImage"))
        if _identity.get():
            record["userIdentity"] = _identity.get()
        return record

    def emit_stream_event(table: str, event: str, old: dict | None, new: dict | None, replicate: bool = True) -> None:
        with _emitting:
            if event == "MODIFY" and same(old, new):
                new = old
            end = dynamodb.stream_end_position(table)
            emit(table, event, old, new, replicate)
            for record in dynamodb.stream_records_since(table, end, 1):
                written(record)

    def changed(table: dict, old: dict | None, new: dict | None) -> None:
        if old is not None or new is not None:
            event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
            dynamodb._emit_stream_event(table["TableName"], event, old, new)

    def recording(statement: Callable) -> Callable:
        """A PartiQL statement that leaves its record; within a transaction, once all of it has succeeded."""

        def run(table: dict, parsed: dict, *options: Any) -> tuple:
            if statement is insert:
                inserted = parsed.get("item") or {}
                inserted = inserted["M"] if set(inserted) == {"M"} else inserted
                partition, sort = (dynamodb._extract_key_val(inserted.get(name)) if name else "__no_sort__"
                                   for name in (table["pk_name"], table["sk_name"]))
            else:
                partition, sort, _, error = dynamodb._partiql_key_target(table, parsed)
                if error:
                    return error
            before = table["items"].get(partition, {}).get(sort)
            answer = statement(table, parsed, *options)
            if answer[0] == 200:
                after = table["items"].get(partition, {}).get(sort)
                if after is not None and after is not before and (tidy := canonical(after)) != after:
                    dynamodb._set_item(table, partition, sort, tidy)
                    after = tidy
                change = (table, before, after)
                pending = _transaction.get()
                if pending is None:
                    changed(*change)
                else:
                    pending.append(change)
            return answer

        return run

    def transaction(data: dict) -> tuple:
        pending: list = []
        token = _transaction.set(pending)
        try:
            answer = execute_transaction(data)
        finally:
            _transaction.reset(token)
        if answer[0] == 200:
            for change in pending:
                changed(*change)
        return answer

    def remove_item(table: dict, partition: Any, sort: Any) -> dict | None:
        """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html"""
        old = remove(table, partition, sort)
        if old is not None and threading.current_thread().name == "dynamodb-ttl-reaper":
            region, account = table["TableArn"].split(":")[3:5]
            with request_scope(account, region):
                token = _identity.set({"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"})
                try:
                    changed(table, old, None)
                finally:
                    _identity.reset(token)
        return old

    def update_table(data: dict) -> tuple:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html, StreamSpecification:
        a stream is enabled where there is none, and disabled where there is one; ministack changes it under way."""
        wanted = data.get("StreamSpecification")
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName")))
        if wanted and table:
            enabled = bool((table.get("StreamSpecification") or {}).get("StreamEnabled"))
            if enabled == bool(wanted.get("StreamEnabled")):
                return error_response_json("ValidationException", "Table already has an enabled stream" if enabled
                                           else "Table has no stream to disable", 400)
        answer = change_table(data)
        if wanted and table and answer[0] == 200 and not wanted.get("StreamEnabled"):
            table.pop("StreamSpecification", None)
        return answer

    insert, execute_transaction, change_table = (
        dynamodb._partiql_insert, dynamodb._execute_transaction, dynamodb._update_table)
    dynamodb._update_table = update_table
    dynamodb._next_stream_seq = sequence_number
    dynamodb._build_change_record = build_change_record
    dynamodb._emit_stream_event = emit_stream_event
    dynamodb._remove_item = remove_item
    dynamodb._partiql_insert = recording(insert)
    dynamodb._partiql_update = recording(dynamodb._partiql_update)
    dynamodb._partiql_delete = recording(dynamodb._partiql_delete)
    dynamodb._execute_transaction = transaction
