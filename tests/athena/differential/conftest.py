"""The engines that the differential suite asks, each started once."""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import engines  # noqa: E402
import fixtures  # noqa: E402
import lake  # noqa: E402
from answers import Answer  # noqa: E402
from unavailable import without_trino  # noqa: E402


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what both engines read."""
    folder = tmp_path_factory.mktemp("lake")
    lake.lay_out(folder)
    return folder


@pytest.fixture(scope="session")
def duck(files: Path) -> Iterator[engines.DuckDb]:
    engine = engines.DuckDb(files)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def trino(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Trino]:
    try:
        engine = engines.Trino(files, tmp_path_factory.mktemp("suite") / "trino")
    except RuntimeError as failed:
        without_trino(failed)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def of_trino(trino: engines.Trino) -> dict[fixtures.Case, Answer]:
    """Trino's answers to all cases, asked at once, as asking one by one takes long."""
    return trino.cases(fixtures.every())


@pytest.fixture(scope="session")
def used(duck: engines.DuckDb) -> dict[str, list[fixtures.Case]]:
    """The cases that each signature and correction of the embedded engine is part of, the shorter ones first."""
    found: dict[str, list[fixtures.Case]] = {}
    for case in sorted(fixtures.every(), key=lambda case: len(case.sql)):
        for use in duck.request(uses=case.sql):
            found.setdefault(use, []).append(case)
    return found
