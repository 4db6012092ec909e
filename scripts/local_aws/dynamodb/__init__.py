"""DynamoDB Streams as AWS documents them: every change leaves its record, and no restart loses one.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html: a record for every change, in the order
of the changes to an item, exactly once in the stream, readable for 24 hours.

`changes` corrects which records there are and what they say, `journal` keeps them on disk, `permissions` checks calls
against the stream that they name. `on_record` tells a reader in this process that there is something to read.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local_aws.dynamodb import changes, permissions
from local_aws.dynamodb.journal import Journal

if TYPE_CHECKING:
    from local_aws.server import LocalAws

_listeners: list[Callable[[str], None]] = []


def on_record(call: Callable[[str], None]) -> None:
    """Call with the stream's ARN after each new record. On the thread that writes: it must not wait."""
    _listeners.append(call)


def install(aws: LocalAws) -> None:
    journal = Journal(aws.state / "stream_records" / "journal.jsonl")

    def written(record: dict) -> None:
        journal.record(record)
        for call in _listeners:
            call(record["eventSourceARN"])

    changes.install(written)
    permissions.install()
    journal.install(aws)
