"""pytest's hooks for the notebooks, which notebooks/conftest.py takes from here: on a clean local AWS of their own, in
order, with this Python, and as somebody who has the permissions of policies/run_the_workbook.json and no others."""
from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from commands.local_aws_process import clean_local_aws, variables
from inventory import inventory
from least_privilege import RUN, WALK, Account, Walk, step_of

_running = contextlib.ExitStack()
_environment: dict[str, str] = {}
_first: dict[Path, pytest.Collector] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Have nbval run the notebooks in this environment, and compare by the rules for what differs from run to run."""
    config.option.nbval_current_env = True
    config.option.nbval_sanitize_with = str(Path(__file__).parent / "notebooks" / "sanitize.ini")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """A notebook's kernel starts at its first cell's set-up, and inherits where the local AWS is, and who asks."""
    if not _environment:
        status = _running.enter_context(clean_local_aws(os.environ.get("AUDIT_LOCAL_ENGINE")))
        account = Account(status)
        item.config.stash[WALK] = Walk(account)
        _environment.update(**variables(status), **account.person(RUN))
    walk = item.config.stash[WALK]
    if item.path.name.startswith("99") and walk.before_clean_up is None:
        walk.before_clean_up = inventory(walk.account.status)
    with mock.patch.dict(os.environ, _environment):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """What IAM decided during a cell is kept, for the tests of the policies that may come after the notebooks. Of a
    notebook that is walked through twice, the first time counts: that is how a reader goes."""
    walk, first = item.config.stash[WALK], _first.setdefault(item.path, item.parent)
    if item.parent is first:
        walk.note(step_of(item.cell, item.parent.nb.cells, item.path.name))
    else:
        walk.account.decisions()
    return (yield)


def pytest_unconfigure() -> None:
    """End the local AWS."""
    _running.close()
