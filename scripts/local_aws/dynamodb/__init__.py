"""DynamoDB Streams as AWS documents them: every change leaves its record, and no restart loses one.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html: a record for every change, in the order
of the changes to an item, exactly once in the stream, readable for 24 hours.

`api` says when a stream may be turned on and off, `changes` corrects which records there are and what they say,
`partiql` does so for statements, `items` knows how items are compared, `store` keeps the records on disk, `resources`
says for IAM which stream a call is about.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from local_aws.dynamodb import api, changes, partiql, resources
from local_aws.dynamodb.store import Journal

if TYPE_CHECKING:
    from local_aws.server import LocalAws


def install(aws: LocalAws) -> None:
    """Correct DynamoDB; each of `aws.stream_readers` is told of new records."""
    journal = Journal(aws.state / "dynamodb" / "journal.jsonl")

    def written(record: dict) -> None:
        journal.record(record)
        for wake in aws.stream_readers:
            wake(record["eventSourceARN"])

    changes.install(written)
    partiql.install()
    journal.install(aws)
    aws.wrap("dynamodb", api.wrapper)
    aws.resources += [resources.TABLES, resources.STREAMS]
