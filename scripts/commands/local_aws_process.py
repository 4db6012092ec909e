"""The local AWS for as long as a command needs it, started and stopped by its own command line."""
from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from commands.ending import interrupts_ignored
from environments import ROOT, SetupError

LOCAL_AWS = ROOT / "scripts" / "local_aws"


@contextlib.contextmanager
def local_aws(engine: str | None, port: int | None = None, state: Path | None = None) -> Iterator[dict]:
    """The local AWS's status, started unless it is up. At the end it is stopped if this started it.

    The status is what `python3 scripts/local_aws status --json` prints. Raises SetupError where there is none, and
    SystemExit where it does not start; then it has said why.
    """
    where = [*(["--port", str(port)] if port else []), *(["--state", str(state)] if state else [])]
    mine = not _status(where)["running"]
    try:
        with_engine = [*where, *(["--engine", engine] if engine else [])]
        started = subprocess.run([sys.executable, LOCAL_AWS, "start", *with_engine], stdout=subprocess.DEVNULL)
        if started.returncode:
            raise SystemExit(started.returncode)
        yield _status(where)
    finally:
        if mine:
            with interrupts_ignored():
                subprocess.run([sys.executable, LOCAL_AWS, "stop", *where], stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def clean_local_aws(engine: str | None = None) -> Iterator[dict]:
    """The status of a local AWS with a port and a state of its own, empty at first and gone afterwards. Raises as
    `local_aws` does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="audit-") as folder, \
            local_aws(engine, port, Path(folder) / "state") as status:
        yield status


def variables(status: dict) -> dict[str, str]:
    """The environment in which notebooks find the local AWS of that status, and nothing else."""
    return {"AUDIT_TARGET": "local", "AUDIT_LOCAL_PORT": status["endpoint"].rpartition(":")[2],
            "AUDIT_LOCAL_STATE": status["state"], "AUDIT_LOCAL_ENGINE": status["engine"]}


def _status(where: list[str]) -> dict:
    asked = subprocess.run([sys.executable, LOCAL_AWS, "status", "--json", *where], stdout=subprocess.PIPE, text=True)
    try:
        return json.loads(asked.stdout)
    except ValueError:
        raise SetupError("The local AWS does not tell its status: python3 scripts/local_aws status says why.") from None
