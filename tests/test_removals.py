"""Each permission of the policy file is taken away in turn, and the cell that needs it fails; given back, it works.

What tests/notebooks/test_least_privilege.py reads off IAM's decisions, here it is done. It takes minutes.
"""
from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import workbook
from aws_under_test import REGION
from least_privilege import PERSON, POLICIES, RUN, Account, Walk, policy_of, step_of, without_each_action

NOTEBOOKS = sorted(Path(workbook.__file__).parent.glob("[0-9][0-9]_*.ipynb"))
REFUSED = ("not authorized to perform", "A permission is missing", "Access Denied", "Access denied", "AccessDenied",
           "Forbidden", "Unable to verify/create output bucket")
# An INSERT INTO that cannot end leaves data behind, which Athena's reader must remove, or the next one doubles them:
# https://docs.aws.amazon.com/athena/latest/ug/insert-into.html
LEAVES_DATA = "glue:BatchCreatePartition"


def run(aws, account: Account, monkeypatch, around: Callable[[str, Callable[[], None]], None]) -> None:
    """All notebooks as the person; `around(name, probe)` is called with each code cell's name, and what runs the cell
    once before it counts."""
    learner = {"AUDIT_TARGET": "local", "AUDIT_LOCAL_PORT": str(aws.port), "AUDIT_LOCAL_STATE": str(aws.state),
               **account.person(RUN)}
    for name, value in learner.items():
        monkeypatch.setenv(name, value)
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, 4)
        client = NotebookClient(notebook, kernel_name="python3", timeout=300,
                                resources={"metadata": {"path": str(path.parent)}})
        with client.setup_kernel():
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type == "code" and cell.source:
                    name = f"{step_of(cell, notebook.cells, path.name)} [{cell.id}]"
                    around(name, lambda: client.execute_cell(copy.deepcopy(cell), index))  # noqa: B023
                    client.execute_cell(cell, index)


@pytest.mark.removals
def test_each_permission_taken_away_stops_the_cell_that_needs_it(fresh_aws, monkeypatch, record_property):
    aws = fresh_aws()
    walk, names = Walk(Account(aws.status())), []

    def note(name: str, _: Callable[[], None]) -> None:
        if names:  # what was decided since is the last cell's
            walk.note(names[-1])
        names.append(name)

    run(aws, walk.account, monkeypatch, note)
    walk.note(names[-1])
    policy = policy_of(RUN, walk.account.number, REGION)
    waiting = {(sid, action): (less, set(walk.refused("user/", policy, less, action)))
               for sid, action, less in without_each_action(policy)}  # for a cell that stops
    every = len(waiting)
    waiting = {key: value for key, value in waiting.items() if value[1]}
    unasked = every - len(waiting)

    aws = fresh_aws()
    account, stopped = Account(aws.status()), {}

    bucket = f"orders-audit-{account.number}-{REGION}"

    def written() -> set[str]:
        """What Athena has written."""
        with suppress(account.s3.exceptions.NoSuchBucket):
            pages = account.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="athena/")
            return {entry["Key"] for page in pages for entry in page.get("Contents", [])}
        return set()

    def set_policy(document: dict) -> None:
        account.iam.put_user_policy(UserName=PERSON, PolicyName=RUN, PolicyDocument=json.dumps(document))

    def take_away(name: str, probe: Callable[[], None]) -> None:
        for (sid, action), (less, _) in [one for one in waiting.items() if name in one[1][1]]:
            set_policy(less)
            before = written()
            try:
                probe()
            except CellExecutionError as error:
                assert any(sign in str(error) for sign in REFUSED), f"{name} without {action} in {sid}: {error}"
                stopped[sid, action] = name.partition(" [")[0]
                del waiting[sid, action]
                if action == LEAVES_DATA:
                    for key in written() - before:
                        account.s3.delete_object(Bucket=bucket, Key=key)
            finally:
                set_policy(policy)

    run(aws, account, monkeypatch, take_away)
    assert not waiting, f"nothing stops without {list(waiting)}"
    told = re.findall(r"^\| (\w+) \| `([\w:]+)` \| ([^|(]+?) \|$", (POLICIES / "README.md").read_text(encoding="utf-8"),
                      re.MULTILINE)
    assert stopped.items() <= {(sid, action): step for sid, action, step in told}.items()
    record_property("measured", f"permissions taken away: {len(stopped)} stop the step that the table names, {unasked} "
                                "are asked for by AWS only")
