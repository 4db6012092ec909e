"""Virtual environments that build themselves on first use, with nothing but the standard library.

An environment is ready when its marker holds the hash of what was asked for; the marker is written last, so that a
half-built one is seen as such and built again.
"""
from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv>=0.8,<1"  # installs what pip would, several times faster
_OFFLINE = re.compile(
    r"failed to fetch|dns error|connection (refused|reset|error)|newconnectionerror|name resolution|network is "
    r"unreachable|timed out|no matching distribution found for uv|could not find a version .* uv|error sending request",
    re.IGNORECASE)


class SetupError(Exception):
    """Set-up cannot go on; the text is one clear sentence for the reader."""


def interpreter(folder: Path) -> Path:
    """The environment's Python."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def dependencies(file: Path = ROOT / "environment.yml") -> list[str]:
    """The requirements in environment.yml, without Python itself, as pip and uv take them."""
    listed = file.read_text(encoding="utf-8").partition("\ndependencies:")[2]
    specs = re.findall(r"^  - ([^#\n]+)", listed, re.MULTILINE)
    return [spec.strip() for spec in specs if not re.match(r"python\b", spec)]


def requirements(file: Path) -> list[str]:
    """The requirements in a requirements.txt, without its comments."""
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def ensure(folder: Path, requirements: list[str], purpose: str, python: str | Path = sys.executable) -> Path:
    """The interpreter of a virtual environment at `folder` that holds `requirements`, built now if it is not there.

    `purpose` completes 'Setting up …'; `python` is the interpreter it is made from. Raises SetupError where it cannot
    be built; the next call starts afresh.
    """
    if sys.version_info < (3, 10):  # noqa: UP036 - this is what tells whoever has an older one
        raise SetupError(f"This needs Python 3.10 or newer, and {sys.executable} is {sys.version.split()[0]}: "
                         "run it with a newer one, for example python3.12.")
    marker = folder / ".ready"
    wanted = hashlib.sha256("\n".join([UV, *sorted(requirements)]).encode()).hexdigest()
    if _is_ready(folder, marker, wanted):
        return interpreter(folder)
    try:
        with lock(folder.with_name(folder.name + ".lock")):
            if not _is_ready(folder, marker, wanted):  # another process may have built it while this one waited
                _build(folder, requirements, purpose, python)
                marker.write_text(wanted)
    except OSError as error:
        raise SetupError(_sentence(str(error), purpose, folder)
                         if error.errno != errno.ENOSPC else _full(purpose, folder)) from error
    return interpreter(folder)


def enter_environment() -> None:
    """Come back from here inside .venv: built if need be, then this command starts again with its interpreter. Raises
    SetupError where it cannot be built."""
    folder = ROOT / ".venv"
    python = ensure(folder, dependencies(), "the workbook's environment")
    if Path(sys.prefix).resolve() != folder.resolve():
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        environment["PATH"] = os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
        environment["VIRTUAL_ENV"] = str(folder)
        os.execve(python, [str(python), *sys.argv], environment)


@contextlib.contextmanager
def lock(file: Path) -> Iterator[None]:
    """Hold a file's lock, so that two processes do not do the same thing at once. It ends with the process."""
    import fcntl

    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _is_ready(folder: Path, marker: Path, wanted: str) -> bool:
    if not marker.is_file() or marker.read_text() != wanted:
        return False
    try:
        return subprocess.run([interpreter(folder), "-c", ""], capture_output=True).returncode == 0
    except OSError:  # the Python it was made from is gone
        return False


def _build(folder: Path, requirements: list[str], purpose: str, base: str | Path) -> None:
    print(f"Setting up {purpose} in {_short(folder)} (once) …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    python = str(interpreter(folder))
    steps = [("making the environment", [str(base), "-m", "venv", str(folder)]),
             ("installing uv", [python, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "20",
                                "--disable-pip-version-check", UV]),
             ("installing packages", [python, "-m", "uv", "pip", "install", "--python", python, *requirements])]
    started = time.monotonic()
    for doing, command in steps:
        _run(doing, command, purpose, folder)
    print(f"  ready after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _run(doing: str, command: list[str], purpose: str, folder: Path) -> None:
    """Run one step, showing that it goes on; its words are kept for the sentence that a failure ends in."""
    print(f"  {doing} …", file=sys.stderr, flush=True)
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET")}
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(command, stdout=words, stderr=subprocess.STDOUT, env=environment)
        try:
            began, shown = time.monotonic(), 5
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.2)
                if time.monotonic() - began > shown:
                    print(f"    … {shown} s", file=sys.stderr, flush=True)
                    shown *= 2
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        words.seek(0)
        said = words.read()
    if process.returncode:
        raise SetupError(_sentence(said, purpose, folder))


def _full(purpose: str, folder: Path) -> str:
    return f"The disk is full, so {purpose} could not be set up in {_short(folder)}: make room and start again."


def _sentence(said: str, purpose: str, folder: Path) -> str:
    if "No space left" in said or "os error 28" in said:
        return _full(purpose, folder)
    if "ensurepip" in said:
        return ("This Python cannot make virtual environments: install its venv module (on Debian and Ubuntu: "
                "apt install python3-venv) and start again.")
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no reason given")
    if _OFFLINE.search(said):
        return (f"The package registry could not be reached, so {purpose} could not be set up: check the network "
                f"(or PIP_INDEX_URL and UV_INDEX_URL) and start again. ({last[:200]})")
    return f"Could not set up {purpose} in {_short(folder)}: {last[:300]}"


def _short(folder: Path) -> str:
    return str(folder.relative_to(ROOT)) if folder.is_relative_to(ROOT) else str(folder)
