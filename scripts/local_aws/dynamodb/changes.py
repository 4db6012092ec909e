"""Which changes leave a stream record, and what it says.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html and API_streams_StreamRecord.html

ministack leaves none for items that time to live deletes, writes one when a set is put back in another order, calls
every record's size 0, puts hyphens into event IDs, and lets sequence numbers fall when the clock does.
"""
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from local_aws.dynamodb.items import same
from local_aws.ministack_seam import dynamodb, responses

Written = Callable[[dict], None]

# Sequence numbers are microseconds with room for a thousand million in each: 25 digits, of which AWS allows 21 to 40.
ROOM = 10**9
BY_TIME_TO_LIVE = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

_last_number = 0
_numbering = threading.Lock()
_emitting = threading.RLock()  # a global table's replica emits within its origin's emission
_built: ContextVar[list[dict]] = ContextVar("records built for the change under way")
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


def changed(table: dict, old: dict | None, new: dict | None) -> None:
    """Leave the record of a change that ministack would leave none for; `table` is ministack's, None is no item."""
    if old is not None or new is not None:
        event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        dynamodb._emit_stream_event(table["TableName"], event, old, new)


def install(written: Written) -> None:
    """Correct ministack; `written(record)` is called with each record when it stands in its stream."""
    dynamodb.replace("_next_stream_seq", lambda ministack: sequence_number)
    dynamodb.replace("_build_change_record", building)
    dynamodb.replace("_emit_stream_event", lambda emit: emitting(emit, written))
    dynamodb.replace("_remove_item", removing)


def building(build: Callable[..., dict]) -> Callable[..., dict]:
    """ministack's `_build_change_record`, whose records say what AWS's say."""

    def build_change_record(*arguments: Any) -> dict:
        record = build(*arguments)
        record["eventID"] = record["eventID"].replace("-", "")
        body = record["dynamodb"]
        body["SizeBytes"] = sum(dynamodb._item_size_bytes(body.get(part, {}))
                                for part in ("Keys", "NewImage", "OldImage"))
        if _identity.get():
            record["userIdentity"] = _identity.get()
        _built.get([]).append(record)
        return record

    return build_change_record


def emitting(emit: Callable[..., None], written: Written) -> Callable[..., None]:
    """ministack's `_emit_stream_event`, which hands on what it has written into the table's stream."""

    def emit_stream_event(name: str, event: str, old: dict | None, new: dict | None, replicate: bool = True) -> None:
        with _emitting:
            if unchanged := event == "MODIFY" and same(old, new):
                new = old
            token = _built.set([])
            try:
                emit(name, event, old, new, replicate)
                built = _built.get()
            finally:
                _built.reset(token)
            specification = (dynamodb._tables.get(name) or {}).get("StreamSpecification") or {}
            if specification.get("StreamEnabled") and not unchanged:
                written(built[0])  # a second one is for a Kinesis stream

    return emit_stream_event


def removing(remove: Callable[..., dict | None]) -> Callable[..., dict | None]:
    """ministack's `_remove_item`, which leaves a record where time to live removes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
    """

    def remove_item(table: dict, partition: object, sort: object) -> dict | None:
        old = remove(table, partition, sort)
        if old is not None and threading.current_thread().name == "dynamodb-ttl-reaper":
            region, account = table["TableArn"].split(":")[3:5]
            with responses.request_scope(account, region):
                token = _identity.set(BY_TIME_TO_LIVE)
                try:
                    changed(table, old, None)
                finally:
                    _identity.reset(token)
        return old

    return remove_item
