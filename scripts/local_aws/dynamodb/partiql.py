"""PartiQL's INSERT, UPDATE and DELETE leave stream records as other writes do.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html: in ministack they leave none, and
keep numbers as they were typed.
"""
from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from local_aws.dynamodb.changes import changed
from local_aws.dynamodb.items import canonical, item_at, keys_of
from local_aws.ministack_seam import dynamodb

if TYPE_CHECKING:
    from local_aws.server import Response

Change = tuple[dict, "dict | None", "dict | None"]  # the table, its item before and after

_transaction: ContextVar[list[Change] | None] = ContextVar("changes of the transaction under way", default=None)


def install() -> None:
    """Correct ministack's statements and their transactions."""
    dynamodb.replace("_partiql_insert", lambda statement: recording(statement, inserted))
    dynamodb.replace("_partiql_update", lambda statement: recording(statement, dynamodb._partiql_key_target))
    dynamodb.replace("_partiql_delete", lambda statement: recording(statement, dynamodb._partiql_key_target))
    dynamodb.replace("_execute_transaction", together)


def inserted(table: dict, parsed: dict) -> tuple[object, object, None, None]:
    """The keys of the item that an INSERT is about, in the form of ministack's `_partiql_key_target`."""
    item = parsed.get("item") or {}
    return *keys_of(table, item["M"] if set(item) == {"M"} else item), None, None


def recording(statement: Callable[..., Response],
              target: Callable[[dict, dict], tuple[object, object, object, Response | None]],
              ) -> Callable[..., Response]:
    """A PartiQL statement that leaves its record; within a transaction, once all of it has succeeded."""

    def run(table: dict, parsed: dict, *options: Any) -> Response:
        partition, sort, _, error = target(table, parsed)
        if error:
            return error
        before = item_at(table, partition, sort)
        answer = statement(table, parsed, *options)
        if answer[0] == 200:
            after = item_at(table, partition, sort)
            if after is not None and after is not before and (tidy := canonical(after)) != after:
                dynamodb._set_item(table, partition, sort, tidy)
                after = tidy
            pending = _transaction.get()
            if pending is None:
                changed(table, before, after)
            else:
                pending.append((table, before, after))
        return answer

    return run


def together(execute_transaction: Callable[[dict], Response]) -> Callable[[dict], Response]:
    """ExecuteTransaction, which leaves its statements' records when all of them have succeeded."""

    def transaction(data: dict) -> Response:
        pending: list[Change] = []
        token = _transaction.set(pending)
        try:
            answer = execute_transaction(data)
        finally:
            _transaction.reset(token)
        if answer[0] == 200:
            for change in pending:
                changed(*change)
        return answer

    return transaction
