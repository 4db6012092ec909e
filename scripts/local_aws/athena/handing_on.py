"""Two engines as one: what the first is not verified to answer as Athena does is handed on to the second.

All that Athena tells of a query (its id, states, statistics, permissions, errors and results) is the same whichever
answers. Who it was, the log says of each query that is handed on, and `answered` counts.
"""
from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from environments import SetupError
from local_aws.athena.catalog import Catalog
from local_aws.athena.exchange import Answer, Column, NotVerified, QueryFailed, Target, Watch, Written
from local_aws.athena.interface import Engine
from local_aws.athena.on_trino import setup

if TYPE_CHECKING:
    from local_aws.server import LocalAws

_SHOWN = 200  # characters of a statement in the log
log = logging.getLogger(__name__)
T = TypeVar("T")


class HandingOn:
    """An engine that asks `first`, and where that raises `NotVerified` the engine that `make_second` gives.

    `make_second` is called when a statement first needs it, and raises `SetupError` while that engine is not set up:
    the refusal of the first is then the query's failure, and says how it is set up. `answered` counts the statements
    that each engine, by name, has answered. Otherwise as `Engine` says.
    """

    def __init__(self, first: Engine, make_second: Callable[[], Engine]):
        self.first, self.make_second = first, make_second
        self.second: Engine | None = None
        self.answered: Counter[str] = Counter()
        self.name, self.version = first.name, first.version
        self._lock = threading.Lock()

    def query(self, statement: str, catalog: Catalog, watch: Watch) -> Answer:
        return self._counted(*self._ask(statement, watch, lambda engine: engine.query(statement, catalog, watch)))

    def describe(self, statement: str, catalog: Catalog, watch: Watch) -> list[Column]:
        return self._ask(statement, watch, lambda engine: engine.describe(statement, catalog, watch))[1]

    def write(self, target: Target, statement: str, catalog: Catalog, watch: Watch) -> Written:
        return self._counted(*self._ask(statement, watch, lambda engine: engine.write(target, statement, catalog,
                                                                                      watch)))

    def close(self) -> None:
        self.first.close()
        with self._lock:
            if self.second is not None:
                self.second.close()

    def _ask(self, statement: str, watch: Watch, ask: Callable[[Engine], T]) -> tuple[Engine, T]:
        """What `ask` gives for the engine that answers the statement, and that engine."""
        try:
            return self.first, ask(self.first)
        except NotVerified as refusal:
            second = self._second(refusal)
            log.info("%s answers: %s %s", second.name, refusal.message, " ".join(statement.split())[:_SHOWN])
        watch.start_over()
        return second, ask(second)

    def _second(self, refusal: NotVerified) -> Engine:
        with self._lock:
            if self.second is None:
                try:
                    self.second = self.make_second()
                except SetupError as missing:
                    raise QueryFailed(refusal.code, f"{refusal.message.rstrip('.')}, and {missing}") from None
            return self.second

    def _counted(self, engine: Engine, answer: T) -> T:
        with self._lock:
            self.answered[engine.name] += 1
        return answer


def engine(aws: LocalAws) -> HandingOn:
    """The engine that the local AWS was started with, and behind DuckDB Trino, once it is set up. Raises QueryFailed
    where it cannot be had."""
    def trino() -> Engine:
        from local_aws.athena.on_trino.engine import TrinoEngine

        setup.found()
        return TrinoEngine(aws)

    try:
        if aws.engine == "trino":
            return HandingOn(trino(), trino)
        from local_aws.athena.on_duckdb.engine import DuckDbEngine

        return HandingOn(DuckDbEngine(), trino)
    except ImportError as error:
        raise QueryFailed("", f"No engine can answer: {error}. Start the local AWS again, so that its environment is "
                              "mended", 1) from None
    except SetupError as missing:
        raise QueryFailed("", str(missing), 1) from None
