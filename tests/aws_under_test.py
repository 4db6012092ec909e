"""A local AWS that a test may start, stop and ask, with a port and a state folder of its own."""
from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from environments import interpreter

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def session(status: dict) -> boto3.Session:
    """A session as the local root, by the status of a local AWS."""
    return boto3.Session(aws_access_key_id=status["access_key_id"],
                         aws_secret_access_key=status["secret_access_key"], region_name=status["region"])


def ask(status: dict, path: str, method: str = "GET", content: Any = None) -> Any:
    """What the local AWS of that status answers at one of its own paths, as '/_local/faults'."""
    data = None if content is None else json.dumps(content).encode()
    signed = AWSRequest(method, status["endpoint"] + path, data=data)
    SigV4Auth(Credentials(status["access_key_id"], status["secret_access_key"]), "local", REGION).add_auth(signed)
    request = urllib.request.Request(signed.url, data, dict(signed.headers), method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


class Aws:
    """A local AWS that a test may start, stop and ask, its commands with `environment` beside this process's own."""

    def __init__(self, state: Path, engine: str, environment: dict[str, str] | None = None):
        self.port, self.state, self.engine, self.environment = free_port(), state, engine, environment or {}
        self.endpoint = f"http://127.0.0.1:{self.port}"

    @functools.cached_property
    def root(self) -> dict:
        """Its status as it was first asked for: the endpoint and the local root's keys stay the same."""
        return self.status()

    @functools.cached_property
    def session(self) -> boto3.Session:
        return session(self.root)

    def status(self) -> dict:
        """What `status --json` prints: its endpoint, and the local root's keys."""
        return json.loads(self.cli("status", "--json").stdout)

    def ask(self, path: str, method: str = "GET", content: Any = None) -> Any:
        return ask(self.root, path, method, content)

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
