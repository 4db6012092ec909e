"""Trino as a process: started when it is needed, on a free port of the loopback; ended with whoever started it; and
started again by the next query where it has gone.

https://trino.io/docs/476/installation/deployment.html. Standard library only: the tests start one of their own with it.
"""
from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from environments import SetupError
from local_aws.athena.exchange import QueryFailed
from local_aws.athena.on_trino.setup import Installed, ensure

HOST = "127.0.0.1"
CATALOG = "awsdatacatalog"
HEAP = "1G"
READY_WITHIN = 120  # seconds; some five to ten on an idle machine
_TRIES = 3  # ports; one that was free may be taken by the time Trino listens
# Little memory and a short start matter more here than the last of speed
_JAVA = (f"-Xmx{HEAP}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError",
         "-XX:-UsePerfData", "-Djdk.attach.allowAttachSelf=true", "-Dfile.encoding=UTF-8", "-Duser.timezone=UTC")
_SERVER = {
    "coordinator": "true", "node-scheduler.include-coordinator": "true", "catalog.management": "static",
    "web-ui.enabled": "false", "query.max-memory-per-node": "512MB", "memory.heap-headroom-per-node": "200MB",
    "query.max-history": "20", "query.min-expire-age": "1m", "http-server.max-request-header-size": "2MB",
    "query.max-length": "1048576",
}

log = logging.getLogger(__name__)


class TrinoServer:
    """One Trino with one catalog, `catalog` its properties, all of it in `folder`.

    Only a user whose name begins with `secret` may ask it, and of that catalog only: who else is on this machine can
    reach the port, but learns nothing. `find` gives Trino's files, and raises SetupError where there are none.
    """

    def __init__(self, folder: Path, catalog: Mapping[str, str], secret: str, find: Callable[[], Installed] = ensure):
        self.folder, self.catalog, self.secret, self.find, self.port = folder, catalog, secret, find, 0
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    def ready(self, wait: Callable[[], None] = lambda: None) -> int:
        """The port it answers at, started now if it does not run. `wait` is called while it starts, and may raise.
        Raises QueryFailed where it cannot be had."""
        while not self._starting.acquire(timeout=0.2):
            wait()
        try:
            if not self.runs():
                self._start(wait)
            return self.port
        finally:
            self._starting.release()

    def runs(self) -> bool:
        """Whether its process lives, answering or about to."""
        return self._process is not None and self._process.poll() is None

    def gone(self) -> bool:
        """Whether it has ended, or is just about to: it has broken a conversation off."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                self._process.wait(2)
            return True
        return False

    def stop(self) -> None:
        """End it by force, as it keeps nothing, and remove its folder."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()

    def _start(self, wait: Callable[[], None]) -> None:
        log.info("Trino starts, and takes 1 GB of memory until the local AWS stops")
        for last in (False,) * (_TRIES - 1) + (True,):
            self.stop()
            try:
                installed = self.find()
                self._launch(installed.java, installed.server)
            except SetupError as error:
                raise QueryFailed("", str(error), 1) from None
            except OSError as error:
                raise QueryFailed("", f"Trino could not be started in {self.folder}: {error.strerror or error}",
                                  1) from None
            try:
                if self._answers(wait):
                    return
            except BaseException:
                self.stop()
                raise
            self._end()
            words = (self.folder / "log").read_text(errors="replace")
            if last or "BindException" not in words:
                raise QueryFailed("", f"Trino did not start: {_reason(words)} (all of it is in {self.folder / 'log'})",
                                  1)

    def _answers(self, wait: Callable[[], None]) -> bool:
        """Whether it comes to answer, before it ends or the time is up."""
        local = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        until = time.monotonic() + READY_WITHIN
        while self.runs() and time.monotonic() < until:
            wait()
            with contextlib.suppress(OSError, ValueError), \
                    local.open(f"http://{HOST}:{self.port}/v1/info", timeout=5) as answer:
                if not json.load(answer)["starting"]:
                    return True
            time.sleep(0.1)
        return False

    def _launch(self, java: Path, server: Path) -> None:
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True)
        self.folder.chmod(0o700)  # what lies here holds secrets
        with socket.create_server((HOST, 0)) as free:
            self.port = free.getsockname()[1]
        etc, data = self.folder / "etc", self.folder / "data"
        node = {"node.environment": "local", "node.id": "local", "node.data-dir": str(data), "node.bind-ip": HOST,
                "node.internal-address": HOST}
        ours = {"user": f"{self.secret}.*"}
        rules = {"catalogs": [{**ours, "catalog": CATALOG, "allow": "all"}],
                 "queries": [{**ours, "allow": ["execute", "kill", "view"]}]}
        _write(etc / "config.properties", {
            **_SERVER, "http-server.http.port": str(self.port), "discovery.uri": f"http://{HOST}:{self.port}",
            "internal-communication.shared-secret": secrets.token_hex(32), "plugin.dir": str(server / "plugin"),
            "catalog.config-dir": str(etc / "catalog"), "access-control.config-files": str(etc / "access.properties")})
        _write(etc / "access.properties", {"access-control.name": "file", "security.config-file": str(
            etc / "rules.json")})
        (etc / "rules.json").write_text(json.dumps(rules))
        _write(etc / "catalog" / f"{CATALOG}.properties", self.catalog)
        _write(etc / "log.properties", {"": "WARN"})
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        # Neither a proxy nor any AWS settings of this machine
        kept.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull,
                    AWS_SHARED_CREDENTIALS_FILE=os.devnull, NO_PROXY="*")
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("watch.py")), str(java), *_JAVA,
                 f"-Djava.io.tmpdir={temporary}", "-cp", str(server / "lib" / "*"),
                 f"-Dconfig={etc / 'config.properties'}",
                 f"-Dlog.levels-file={etc / 'log.properties'}", *(f"-D{name}={value}" for name, value in node.items()),
                 "io.trino.server.TrinoServer"],
                cwd=self.folder, env=kept, stdin=subprocess.PIPE, stdout=log, stderr=log)


def _write(file: Path, properties: Mapping[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), encoding="utf-8")


def _reason(words: str) -> str:
    """What a log says of why it ended: the innermost cause, or else its last line."""
    causes = re.findall(r"^Caused by: (\w+: .+)$", words, re.MULTILINE)
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return (causes or lines or ["it gave no reason"])[-1][:300]
