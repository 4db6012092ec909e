"""Asks Trino: a statement in; columns, rows and bytes read out, its errors as the query's, until it is stopped.

https://trino.io/docs/476/develop/client-protocol.html, by Trino's own Python client.
"""
from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import requests
import trino.exceptions
from trino.client import ClientSession, TrinoQuery, TrinoRequest

from local_aws.athena.exchange import Cancelled, Column, QueryFailed, Watch
from local_aws.athena.on_trino.process import CATALOG, HOST, TrinoServer
from local_aws.athena.projection import value_missing
from local_aws.athena.types import Type, parse_type

_SYSTEM = ("INTERNAL_ERROR", "INSUFFICIENT_RESOURCES")  # Trino's types of error that are not the query's fault
_COUNTED_WITHIN = 15  # seconds: Trino says that it is ready before it has counted itself among its nodes
_SECOND = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d{1,2}))?(?= |$)")


class Asked:
    """A statement that Trino runs. `columns` are known from the start; `rows()` gives the rows, once; `bytes_read` and
    `count` (rows written) are final when those have ended."""

    def __init__(self, query: TrinoQuery, server: TrinoServer, watch: Watch):
        self.query, self._server, self._watch = query, server, watch
        with self._failing():
            self._result = query.execute()
            described = query.columns or []
        self.columns = [Column(one["name"], parse_type(one["type"])) for one in described]

    @property
    def bytes_read(self) -> int:
        """Bytes of the objects that were read so far."""
        return self.query.stats.get("physicalInputBytes", 0)

    @property
    def count(self) -> int:
        """Rows written so far."""
        return self.query.update_count or 0

    def rows(self) -> Iterator[list[Any]]:
        """The rows, in the forms that `text.formatter` takes. Raises QueryFailed, Cancelled."""
        shapes = [shape(column.type) for column in self.columns]
        try:
            with self._failing():
                for row in self._result:
                    yield _each(shapes, row)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """End the statement in Trino, unless it has ended."""
        if not self.query.finished:
            with contextlib.suppress(Exception):  # it has ended by itself, or Trino has
                self.query.cancel()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Whatever goes wrong becomes the query's failure; what was cancelled is cancelled in Trino too."""
        try:
            yield
        except Cancelled:
            self.cancel()
            raise
        except trino.exceptions.TrinoQueryError as error:
            self._watch.read(0)  # where it was stopped, that is why
            raise failure(error) from None
        except (trino.exceptions.TrinoConnectionError, trino.exceptions.HttpError, requests.RequestException) as error:
            self._watch.read(0)
            reason = ("The engine (Trino) ended while the query ran. Run it again: the next query starts it anew"
                    if self._server.gone() else f"Trino broke the query off: {error}")
            raise QueryFailed("GENERIC_INTERNAL_ERROR", reason, 1) from None


def ask(server: TrinoServer, statement: str, database: str, watch: Watch, user: str,
        session: Mapping[str, str] | None = None, prepared: Mapping[str, str] | None = None) -> Asked:
    """Have Trino run a statement as `user`; it is running when this returns. `session` holds properties of the
    catalog's, `prepared` statements by name. Raises QueryFailed, Cancelled."""
    port = server.ready(lambda: watch.read(0))
    about = ClientSession(
        user=user, catalog=CATALOG, schema=database, source="athena", timezone="UTC",
        properties={f"{CATALOG}.{name}": value for name, value in (session or {}).items()},
        heartbeat_interval=None)
    about.prepared_statements.update(prepared or {})
    until = time.monotonic() + _COUNTED_WITHIN
    while True:
        try:
            return _run(port, about, statement, server, watch)
        except QueryFailed as failed:
            if failed.code != "NO_NODES_AVAILABLE" or time.monotonic() > until:
                raise
        time.sleep(0.1)


def _run(port: int, about: ClientSession, statement: str, server: TrinoServer, watch: Watch) -> Asked:
    http = requests.Session()
    http.trust_env = False  # no proxy for what is on this machine
    request = TrinoRequest(HOST, port, about, http_session=http, http_scheme="http", max_attempts=1,
                           request_timeout=(10, 120))
    query = TrinoQuery(request, statement, legacy_primitive_types=True,
                       stats_callback=lambda stats: watch.read(stats.get("physicalInputBytes", 0)))
    watch.on_stop(query.cancel)
    return Asked(query, server, watch)


def failure(error: trino.exceptions.TrinoQueryError) -> QueryFailed:
    """Trino's error as the query's: its name and text are Athena's, too."""
    category = 1 if error.error_type in _SYSTEM else 2
    denied = _denied(error.failure_info or {})
    if denied is not None:
        place = re.search(r"s3://[^\s,:)]+", f"{error.message} {denied}")
        return QueryFailed("PERMISSION_DENIED", "Access Denied: Permission denied on S3 path: "
                           f"{place[0] if place else 'unknown'} (Service: Amazon S3; Status Code: 403; Error Code: "
                           "AccessDenied)")
    injected = re.match(r"Column projection for column '(\w+)' failed. Injected projection requires", error.message)
    if injected:
        return value_missing(injected[1])
    return QueryFailed(error.error_name or "GENERIC_INTERNAL_ERROR", error.message, category)


def _denied(info: Mapping[str, Any]) -> str | None:
    """The text of that cause of a failure in which S3 refuses access, if there is one."""
    while info:
        text = info.get("message") or ""
        if "Status Code: 403" in text:
            return text
        info = info.get("cause") or {}
    return None


def shape(kind: Type) -> Callable[[Any], Any] | None:
    """How a value of Trino's JSON becomes what `text.formatter` takes; None where it is that already."""
    if kind.name.startswith("timestamp"):
        return _three_digits
    if kind.name == "array":
        item = shape(kind.inner[0])
        return item and (lambda value: [None if one is None else item(one) for one in value])
    if kind.name == "row":
        items = [shape(inner) for inner in kind.inner]
        return (lambda value: _each(items, value)) if any(items) else None
    if kind.name == "map":
        key, item = (shape(inner) for inner in kind.inner)
        return (lambda value: [tuple(_each((key, item), pair)) for pair in value.items()]) if key or item else None
    return None


def _each(forms: Sequence[Callable[[Any], Any] | None], values: Sequence[Any]) -> list[Any]:
    return [value if form is None or value is None else form(value) for form, value in zip(forms, values, strict=True)]


def _three_digits(text: str) -> str:
    """A timestamp's text with at least three digits of the second, as Athena shows it."""
    return _SECOND.sub(lambda found: f"{found[1]}.{(found[2] or '').ljust(3, '0')}", text, count=1)
