"""The engines that the differential suite asks, each started once."""
from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import engines  # noqa: E402
import record  # noqa: E402

INSISTS = "1" in (os.environ.get("AUDIT_REQUIRE_TRINO"), os.environ.get("AUDIT_FULL"))


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the events of sixty seeded orders, as objects."""
    folder = tmp_path_factory.mktemp("lake")
    engines.lay_out(folder, engines.history(7, 60))
    return folder


@pytest.fixture(scope="session")
def duck(lake: Path) -> Iterator[engines.DuckDb]:
    engine = engines.DuckDb(lake)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def trino(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Trino]:
    if not INSISTS:
        pytest.skip("Trino is asked with AUDIT_REQUIRE_TRINO=1 or test.py --full: it takes minutes. Its recorded "
                    "answers hold without it")
    try:
        java, home = engines.installed()
    except Exception as failed:
        pytest.fail(f"Trino cannot be had here: {failed}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    engine = engines.start_trino(java, home, tmp_path_factory.mktemp("trino"), lake, port)
    engines.prepare(engine)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def recorded() -> list[dict[str, Any]]:
    """Trino's answers, as they were when the cases last changed."""
    found = json.loads(record.RECORDED.read_text(encoding="utf-8"))
    assert found["source"] == record.source(), "the cases changed: run python tests/athena/differential/record.py"
    return found["answers"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def answers(duck: engines.DuckDb, recorded: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The embedded engine's answers to every recorded statement."""
    return {one["sql"]: duck.query(one["sql"]) for one in recorded}
