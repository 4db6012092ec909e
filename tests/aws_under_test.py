"""A local AWS that a test may start, stop and ask, with a port and a state folder of its own."""
from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import boto3

from environments import interpreter

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Aws:
    """A local AWS that a test may start, stop and ask, its commands with `environment` beside this process's own."""

    def __init__(self, state: Path, engine: str, environment: dict[str, str] | None = None):
        self.port, self.state, self.engine, self.environment = free_port(), state, engine, environment or {}
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)

    def client(self, service: str, **options):
        """A client as the local account's root; other credentials through options."""
        return self.session.client(service, endpoint_url=self.endpoint, **options)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess:
        """`python3 scripts/local_aws …` on this port and state."""
        return subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "local_aws"), *arguments, "--port", str(self.port), "--state",
             str(self.state), *(["--engine", self.engine] if arguments[0] == "start" else [])],
            capture_output=True, text=True, timeout=180, env={**os.environ, **self.environment})

    def python(self, code: str) -> subprocess.CompletedProcess:
        """Run code in the local AWS's own environment, which is there once one has been started, but not in its
        process."""
        return subprocess.run([str(interpreter(ROOT / ".local_aws" / "venv")), "-c", code], capture_output=True,
                              text=True, timeout=60, cwd=ROOT / "scripts", env={**os.environ, "PYTHONPATH": "."})

    def start(self) -> None:
        done = self.cli("start")
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        done = self.cli("stop")
        assert done.returncode == 0, done.stderr
