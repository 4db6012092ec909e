"""The engines that the differential suite asks, each started once."""
from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import engines  # noqa: E402
import record  # noqa: E402
from unavailable import without_trino  # noqa: E402


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
    try:
        engine = engines.Trino(lake, tmp_path_factory.mktemp("suite") / "trino")
    except RuntimeError as failed:
        without_trino(failed)
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
