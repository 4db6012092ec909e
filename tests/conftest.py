"""A local AWS for the tests, reached as AWS is: through boto3."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aws_under_test import Aws


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The local AWS that tests share: each makes things under names of its own."""
    one = Aws(tmp_path_factory.mktemp("aws"), os.environ.get("AUDIT_LOCAL_ENGINE", "duckdb"))
    one.start()
    yield one
    one.stop()


@pytest.fixture
def fresh_aws(tmp_path: Path) -> Iterator[Callable[..., Aws]]:
    """A function that starts another, empty one, for a test that stops it or tells it to fail."""
    started = []

    def make(engine: str = "duckdb") -> Aws:
        one = Aws(tmp_path / f"aws{len(started)}", engine)
        started.append(one)
        one.start()
        return one

    yield make
    for one in started:
        one.cli("stop")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Of several processes, one gets the whole of a file, since its tests share what they set up. Athena's files go
    together: they share Trino, which takes longer to start than most of them. So do the differential ones, which have
    another."""
    from xdist.scheduler import LoadFileScheduling

    class ByWhatIsShared(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return file.rpartition("/")[0] if file.startswith("tests/athena/") else file

    config.option.loadscopereorder = False  # the longest files come early, by name; those with most tests are short
    return ByWhatIsShared(config, log)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the numbers that tests measured: `record_property("measured", "what: number (bound)")`."""
    told = {value for reports in terminalreporter.stats.values() for report in reports
            for name, value in getattr(report, "user_properties", ()) if name == "measured" and report.when == "call"}
    if told:
        terminalreporter.section("measured")
        for line in sorted(told):
            terminalreporter.write_line(line)
