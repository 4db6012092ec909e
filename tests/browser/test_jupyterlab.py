"""The workbook in a real JupyterLab, in a real browser: one walk through all notebooks, and what was seen on it.

Needs Chromium, Debian's for one; Playwright drives it from an environment of its own and downloads no browser. The
walk happens in a copy of the notebooks, on a local AWS of its own. `--screenshots` stores the README's pictures.
"""
from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from commands.local_aws_process import clean_local_aws, variables
from environments import ROOT, SetupError, ensure
from unavailable import unavailable

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SCREENSHOTS = ROOT / "notebooks" / "images" / "screenshots"
PLAYWRIGHT = ["playwright>=1.48,<2"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WITHIN = 180  # seconds


@pytest.fixture(scope="module")
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a reader sees who walks from the map through all notebooks."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        unavailable("No walk in a browser", f"there is none of {', '.join(BROWSERS)} on this machine")
    try:
        python = ensure(ROOT / ".venv-browser", PLAYWRIGHT, "the browser's driver")
    except SetupError as error:
        unavailable("No walk in a browser", error)
    folder = tmp_path_factory.mktemp("browser")
    shots, trouble = folder / "screenshots", folder / "trouble.png"
    began = time.monotonic()
    with clean_local_aws(os.environ.get("AUDIT_LOCAL_ENGINE")) as status, \
            _jupyterlab(folder, variables(status)) as address:
        done = subprocess.run([python, Path(__file__).with_name("walk.py"), address, "--browser", browser,
                               "--screenshots", shots, "--trouble", trouble], stdout=subprocess.PIPE, text=True,
                              timeout=3 * WITHIN)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    found["seconds"], found["trouble"] = time.monotonic() - began, trouble
    if request.config.getoption("--screenshots", default=False) and "stopped" not in found:
        _store(shots)
    return found


@pytest.fixture(params=NOTEBOOKS)
def notebook(request: pytest.FixtureRequest, seen: dict) -> dict:
    """What was seen of one notebook."""
    if request.param not in seen["notebooks"]:
        pytest.fail(f"{request.param} was not reached.", pytrace=False)
    return {"name": request.param, **seen["notebooks"][request.param]}


def _store(shots: Path) -> None:
    """Keep the screenshots, in the 256 colours that a page of text and flat charts can do with."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for shot in shots.glob("*.png"):
        image = Image.open(shot).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        image.save(SCREENSHOTS / shot.name, optimize=True)


@contextlib.contextmanager
def _jupyterlab(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """JupyterLab's address, on a copy of the workbook and with settings of its own: nobody's files are touched."""
    copy = folder / "workbook"
    for part in ("notebooks", "lambda", "scripts"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}')  # else it asks, over what is to be seen
    own = {name: str(folder / name.lower()) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")}
    token = secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "jupyterlab.log"
    with log.open("w") as words:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={copy}",
             "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
             f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"],
            cwd=copy, stdout=words, stderr=words, start_new_session=True,
            env={**os.environ, **environment, **own, "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")})
    try:
        _wait_until_ready(server, f"http://127.0.0.1:{port}/api?token={token}", log)
        yield f"http://127.0.0.1:{port}/lab/tree/notebooks/00_start_here.ipynb?token={token}&reset"
    finally:
        server.terminate()  # it ends its kernels first
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_until_ready(server: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.1)
    pytest.fail(f"JupyterLab does not start:\n{log.read_text()[-2000:]}")


def test_the_walk_comes_to_its_end(seen):
    assert "stopped" not in seen, f"{seen['stopped']}; {seen['trouble']} shows where"


def test_the_map_leads_to_every_notebook_in_order(seen):
    assert seen["unopened"] == [], "the map has a link that leads nowhere"
    assert list(seen["notebooks"]) == NOTEBOOKS


def test_all_cells_run_without_an_error(notebook):
    assert notebook["errors"] == []
    assert notebook["executed"] == notebook["cells"] > 0


def test_the_kernel_is_there_without_being_asked_for(notebook):
    assert notebook["kernel"] == "Python 3 (ipykernel)"


def test_nothing_is_asked(seen):
    assert seen["dialogs"] == []


def test_pictures_and_charts_are_drawn(notebook):
    assert len(notebook["drawn"]) >= notebook["charts"]
    for image in notebook["pictures"] + notebook["drawn"]:
        assert image["width"] > 100 and image["colours"] > 1, f"not drawn: {image}"
    if notebook["name"][:2] <= "07":
        assert any(image["alt"] for image in notebook["pictures"]), "the opening shows no picture"


def test_no_price_is_taken_for_a_formula(notebook):
    assert notebook["formulas"] == [], "write \\$ for a dollar in a Markdown cell"


def test_part_5_shows_its_charts(seen):
    (part_5,) = (notebook for name, notebook in seen["notebooks"].items() if name.startswith("05"))
    assert len(part_5["drawn"]) >= 5


def test_the_picker_shows_another_orders_story(seen):
    picker = seen["picker"]
    assert picker["options"] > 100
    assert picker["before"]["text"] != picker["after"]["text"]
    assert picker["before"]["images"] != picker["after"]["images"]
    assert picker["drawn"] and all(image["colours"] > 1 for image in picker["drawn"])


def test_an_exercise_is_quiet_then_wrong_then_right(seen):
    said = seen["exercise"]
    assert said["empty"] == ""
    assert "1.1: not yet" in said["wrong"]
    assert "1.1: right" in said["right"]


def test_the_walk_is_short_enough(seen, record_property):
    record_property("measured", f"walk through JupyterLab: {seen['seconds']:.0f} s (at most {WITHIN})")
    assert seen["seconds"] <= WITHIN
