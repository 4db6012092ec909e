"""Makes `pytest --nbval notebooks/` work as typed: on a clean local AWS of its own, in order, with this Python."""
from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

import command

_running = contextlib.ExitStack()
_environment: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.option.nbval_current_env = True
    config.option.nbval_sanitize_with = str(Path(__file__).parent.parent / "tests" / "notebooks" / "sanitize.ini")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """A notebook's kernel starts at its first cell's set-up, and inherits where the local AWS is."""
    if not _environment:
        _environment.update(command.variables(_running.enter_context(
            command.clean_local_aws(os.environ.get("AUDIT_LOCAL_ENGINE")))))
    with mock.patch.dict(os.environ, _environment):
        return (yield)


def pytest_unconfigure() -> None:
    _running.close()
