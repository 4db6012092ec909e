"""What run.py, lab.py and test.py share: the way into .venv, the local AWS for as long as it is needed, and one clear
sentence for whatever cannot be done.

Standard library only, and nothing that an older Python could not read before it is told that it is too old.
"""
import sys

if sys.version_info < (3, 10):  # noqa: UP036 -- said, not assumed
    sys.exit(f"This needs Python 3.10 or newer, and {sys.executable} is {sys.version.split()[0]}: run it with a newer "
             "one, for example python3.12.")

import argparse
import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from environments import ROOT, SetupError, dependencies, ensure

LOCAL_AWS = ROOT / "scripts" / "local_aws"
INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended


def parser(description: str, port: bool = True) -> argparse.ArgumentParser:
    """A parser with the options that all commands have: what answers the local AWS's SQL, and where it listens."""
    made = argparse.ArgumentParser(description=description, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--engine", choices=("duckdb", "trino"),
                      help="what answers SQL on the local AWS: duckdb (default; embedded; what it is not verified to "
                           "answer as Athena does it hands on to Trino, where that is set up) or trino (exact; set up "
                           "on first use)")
    if port:
        made.add_argument("--port", type=int, help="where the local AWS listens on 127.0.0.1 (default 4566)")
    return made


def enter_environment() -> None:
    """Come back from here inside .venv: built if need be, then this command starts again with its interpreter."""
    python = ensure(ROOT / ".venv", dependencies(), "the workbook's environment")
    if Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        environment["PATH"] = os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
        environment["VIRTUAL_ENV"] = str(ROOT / ".venv")
        os.execve(python, [str(python), *sys.argv], environment)


@contextlib.contextmanager
def local_aws(engine: "str | None", port: "int | None" = None, state: "Path | None" = None) -> "Iterator[dict]":
    """The local AWS's status, started unless it is up. At the end it is stopped if this started it."""
    where = [*(["--port", str(port)] if port else []), *(["--state", str(state)] if state else [])]
    mine = not _status(where)["running"]
    try:
        with_engine = [*where, *(["--engine", engine] if engine else [])]
        started = subprocess.run([sys.executable, LOCAL_AWS, "start", *with_engine], stdout=subprocess.DEVNULL)
        if started.returncode:
            raise SystemExit(started.returncode)  # it has said why
        yield _status(where)
    finally:
        if mine:
            with interrupts_ignored():
                subprocess.run([sys.executable, LOCAL_AWS, "stop", *where], stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def clean_local_aws(engine: "str | None" = None) -> "Iterator[dict]":
    """A local AWS with a port and a state of its own, empty at first and gone afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="audit-") as folder, \
            local_aws(engine, port, Path(folder) / "state") as status:
        yield status


def variables(status: dict) -> "dict[str, str]":
    """The environment in which notebooks find the local AWS of that status, and nothing else."""
    return {"AUDIT_TARGET": "local", "AUDIT_LOCAL_PORT": status["endpoint"].rpartition(":")[2],
            "AUDIT_LOCAL_STATE": status["state"], "AUDIT_LOCAL_ENGINE": status["engine"]}


def _status(where: "list[str]") -> dict:
    told = subprocess.run([sys.executable, LOCAL_AWS, "status", "--json", *where], stdout=subprocess.PIPE, text=True)
    try:
        return json.loads(told.stdout)
    except ValueError:
        raise SetupError("The local AWS does not tell its status: python3 scripts/local_aws status says why.") from None


@contextlib.contextmanager
def interrupts_ignored() -> "Iterator[None]":
    """While something is being stopped, a second Ctrl-C must not leave half of it running."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def main(command: "Callable[[], int]") -> None:
    """Run a command and end with its status; what it cannot do becomes one sentence, and an interruption is quiet."""
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal stops things as Ctrl-C does
        if signal.getsignal(number) is not signal.SIG_IGN:  # unless told not to, as by nohup
            signal.signal(number, interrupt)
    try:
        status = command()
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        status = INTERRUPTED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(f"The disk is full ({error.filename or ROOT}): make room and start again.")
    sys.exit(status)
