"""The three commands, as someone types them: in a copy of the project, from outside, by what they print and return."""
from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from aws_under_test import free_port

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("run", "lab", "test")
# What a machine may be set up with; a command that is tested finds none of it
CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith(("AWS_", "AUDIT_", "PYTEST_", "PYTHON", "VIRTUAL_ENV"))}


class Tree:
    """A copy of the project, with notebooks of the test's own, and a local AWS that no other test sees."""

    def __init__(self, folder: Path, prepared: bool):
        self.folder, self.port = folder, free_port()
        skipped = shutil.ignore_patterns("__pycache__", ".ruff_cache")
        shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=skipped)
        for name in ("environment.yml", ".ruff.toml", ".pyrefly.toml"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "lambda", folder / "lambda", ignore=skipped)
        (folder / "notebooks").mkdir()
        for module in set((ROOT / "notebooks").glob("*.py")) - {ROOT / "notebooks" / "conftest.py"}:
            shutil.copy(module, folder / "notebooks")
        if prepared:
            for name in (".venv", ".local_aws/venv"):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).symlink_to(ROOT / name)

    def write(self, name: str, *cells: str, tags: tuple[str, ...] = ()) -> None:
        """A notebook with these code cells; the tags are the last one's."""
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        made.cells[-1].metadata.tags = list(tags)
        nbformat.write(made, self.folder / "notebooks" / name)

    @contextlib.contextmanager
    def start(self, command: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen]:
        """A command that goes on; what it says on stderr is in `said`."""
        with open(self.folder / "said", "w") as said:
            process = subprocess.Popen(
                [sys.executable, f"scripts/{command}.py", *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True,
                # As a terminal does: tests that run in the background ignore Ctrl-C, and would hand that down
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                env={**CLEAN, "AUDIT_LOCAL_PORT": str(self.port), **environment})
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.communicate()

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def run(self, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        with self.start(command, *arguments, **environment) as process:
            out, _ = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, self.said())

    def local_aws(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "scripts/local_aws", *arguments], cwd=self.folder, capture_output=True,
                              text=True, env=CLEAN)

    def is_running(self) -> bool:
        return json.loads(self.local_aws("status", "--json").stdout)["running"]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """A copy whose environments are there already."""
    made = Tree(tmp_path / "project", prepared=True)
    yield made
    made.local_aws("stop")


@pytest.fixture
def bare_tree(tmp_path: Path) -> Tree:
    """A copy as cloned: nothing is set up."""
    return Tree(tmp_path / "project", prepared=False)


def one_sentence(done: subprocess.CompletedProcess) -> str:
    """What a command that could not go on said last, after its progress; checked to be no traceback."""
    assert done.returncode not in (0, None), done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_set_up(command: str, bare_tree: Tree) -> None:
    done = bare_tree.run(command, "--help")
    assert done.returncode == 0 and done.stdout.startswith("usage:") and not done.stderr
    assert not (bare_tree.folder / ".venv").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_too_old_a_python_is_told_in_one_sentence(command: str, bare_tree: Tree) -> None:
    old = ("import runpy, sys; sys.version_info = (3, 9, 18); sys.path.insert(0, 'scripts'); "
           f"runpy.run_path('scripts/{command}.py', run_name='__main__')")
    done = subprocess.run([sys.executable, "-c", old], cwd=bare_tree.folder, capture_output=True, text=True, env=CLEAN)
    assert done.returncode != 0 and done.stderr.startswith("This needs Python 3.10 or newer")
    assert len(done.stderr.splitlines()) == 1


def test_without_network_one_sentence_and_the_next_start_recovers(bare_tree: Tree) -> None:
    listed = "name: orders-audit\ndependencies:\n  - python>=3.10\n  - tqdm>=4.66,<5  # small\n"
    (bare_tree.folder / "environment.yml").write_text(listed)
    nowhere = f"http://127.0.0.1:{free_port()}/simple"
    done = bare_tree.run("run", PIP_INDEX_URL=nowhere, UV_INDEX_URL=nowhere, PIP_NO_INDEX="0", PIP_FIND_LINKS="")
    assert "could not be reached" in one_sentence(done) and "check the network" in one_sentence(done)
    assert (bare_tree.folder / ".venv").exists(), "the start that failed should leave a half-built environment"
    probe = "import environments, sys; environments.enter_environment(); import tqdm; print(sys.prefix)"
    (bare_tree.folder / "scripts" / "probe.py").write_text(probe)
    done = bare_tree.run("probe")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == bare_tree.folder / ".venv"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_one_sentence() -> None:
    full = "from commands.ending import run_to_end; run_to_end(lambda: open('/dev/full', 'w').write('x' * 100_000))"
    done = subprocess.run([sys.executable, "-c", full], cwd=ROOT / "scripts", capture_output=True, text=True)
    assert one_sentence(done).startswith("The disk is full")


def test_a_busy_port_is_told_in_one_sentence(tree: Tree) -> None:
    tree.write("00_start.ipynb", "1 + 1")
    with socket.create_server(("127.0.0.1", tree.port)):
        done = tree.run("run")
    assert f"Port {tree.port} is taken" in one_sentence(done) and "--port" in one_sentence(done)
    assert not (tree.folder / "build").exists()


def test_run_leaves_notebooks_and_a_report_and_ends_with_what_it_found(tree: Tree) -> None:
    tree.write("00_start.ipynb", "import os\nassert os.environ['AUDIT_TARGET'] == 'local'")
    tree.write("05_ask.ipynb", "print('OPEN -> PICKEDUP 240')", tags=("summary",))
    tree.write("99_clean_up.ipynb", "1 + 1")
    (tree.folder / "notebooks" / "00_start.ipynb").touch()
    for arguments, notebooks in (((), 2), (("--clean",), 3)):  # and a second run works
        done = tree.run("run", *arguments)
        assert done.returncode == 0, done.stderr
        assert "OPEN -> PICKEDUP 240" in done.stdout
        assert f"{notebooks} notebooks, 0 errors" in done.stdout and "build/report/index.html" in done.stdout
    report = tree.folder / "build" / "report"
    assert sorted(path.stem for path in report.iterdir()) == ["00_start", "05_ask", "99_clean_up", "index"]
    assert all(f'href="{name}.html"' in (report / "index.html").read_text() for name in ("00_start", "05_ask"))
    executed = nbformat.read(tree.folder / "build" / "notebooks" / "05_ask.ipynb", as_version=4)
    assert executed.cells[0].outputs[0].text == "OPEN -> PICKEDUP 240\n"
    assert not tree.is_running(), "what run.py started, it should stop"


def test_run_names_the_notebook_the_cell_and_the_error(tree: Tree, aws: object) -> None:
    tree.write("01_break.ipynb", "1 + 1", "raise ValueError('the table is gone')")
    tree.write("02_after.ipynb", "1 + 1")
    tree.write("99_clean_up.ipynb", "print('removed')")
    done = tree.run("run", "--clean", AUDIT_LOCAL_PORT=str(aws.port), AUDIT_LOCAL_STATE=str(aws.state))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "01_break.ipynb, cell [2]: ValueError: the table is gone" in done.stderr
    assert not (tree.folder / "build" / "notebooks" / "02_after.ipynb").exists(), "it stands on the one that failed"
    assert (tree.folder / "build" / "report" / "99_clean_up.html").exists(), "--clean cleans up after an error, too"
    assert "the table is gone" in (tree.folder / "build" / "report" / "index.html").read_text()
    assert aws.client("sts").get_caller_identity()["Account"], "a local AWS that was running before should go on"


def interrupt(process: subprocess.Popen, when: Callable[[], object]) -> None:
    """Ctrl-C, as a terminal sends it, once `when` is true."""
    deadline = time.monotonic() + 60
    while not when():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=60)


def test_ctrl_c_leaves_nothing_behind(tree: Tree) -> None:
    mark = tree.folder / "kernel"
    tree.write("00_start.ipynb", f"import os, pathlib, time\npathlib.Path('{mark}').write_text(str(os.getpid()))\n"
                                 "time.sleep(600)")
    with tree.start("run") as process:
        interrupt(process, lambda: mark.exists() and mark.read_text())
    assert process.returncode == 130 and "Traceback" not in tree.said(), tree.said()
    assert not tree.is_running()
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_lab_opens_the_first_notebook_and_ctrl_c_stops_all(tree: Tree, record_property: Callable) -> None:
    tree.write("00_start_here.ipynb", "1 + 1")
    with tree.start("lab", "--no-browser", "--lab-port", str(free_port())) as process:
        began = time.monotonic()
        interrupt(process, lambda: "token=" in tree.said())
    record_property("measured", f"lab.py, set up before: open and closed again after {time.monotonic() - began:.0f} s")
    assert "http://127.0.0.1:" in tree.said() and "/lab/tree/notebooks/00_start_here.ipynb" in tree.said()
    assert process.returncode == 0 and "Traceback" not in tree.said(), tree.said()
    assert not tree.is_running()


def test_a_second_start_is_no_installation(tree: Tree, record_property: Callable) -> None:
    began = time.monotonic()
    done = tree.run("run", "--target", "aws", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    seconds = time.monotonic() - began
    record_property("measured", f"a second start is inside the environment after {seconds:.1f} s")
    assert "Setting up" not in done.stderr
    assert one_sentence(done).startswith("No AWS region is set")


def test_aws_without_credentials_is_told_in_one_sentence(tree: Tree) -> None:
    done = tree.run("run", "--target", "aws", AWS_DEFAULT_REGION="eu-west-1", AWS_CONFIG_FILE=os.devnull,
                    AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
    assert "credentials" in one_sentence(done)


def test_aws_shows_where_and_makes_nothing_without_a_yes(tree: Tree, aws: object) -> None:
    tree.write("00_start.ipynb", "import os\nassert os.environ['AUDIT_TARGET'] == 'aws'")
    where = {"AWS_ENDPOINT_URL": aws.endpoint, "AWS_ACCESS_KEY_ID": aws.status()["access_key_id"],
             "AWS_SECRET_ACCESS_KEY": aws.status()["secret_access_key"], "AWS_DEFAULT_REGION": "us-east-1"}
    done = tree.run("run", "--target", "aws", **where)
    assert "--yes" in one_sentence(done) and not (tree.folder / "build").exists()
    shown = dict(line.split(None, 1) for line in done.stderr.splitlines() if line.startswith(("Ident", "Acc", "Reg")))
    assert shown["Account"] == "000000000000" and shown["Region"] == "us-east-1"
    assert shown["Identity"].startswith("arn:aws:")
    done = tree.run("run", "--target", "aws", "--yes", **where)
    assert done.returncode == 0, done.stderr
    assert not tree.is_running(), "the local AWS is not started for a real account"


def test_test_runs_lint_and_types_and_passes_arguments_to_pytest(tree: Tree) -> None:
    (tree.folder / "tests").mkdir()
    (tree.folder / "tests" / "test_one.py").write_text("def test_a(): pass\n\n\ndef test_b(): assert 0\n")
    done = tree.run("test", "tests/test_one.py", "-k", "test_a")
    assert done.returncode == 0 and "1 passed, 1 deselected" in done.stdout, done.stdout
    assert tree.run("test", "tests/test_one.py").returncode == 1
    for wrong, told in (("print(undefined)", "F821"), ('len(5)', "bad-argument-type")):
        (tree.folder / "scripts" / "wrong.py").write_text(f"{wrong}\n")
        done = tree.run("test", "tests/test_one.py", "-k", "test_a")
        assert done.returncode == 1 and told in done.stdout and "passed" not in done.stdout


def test_update_stores_outputs_that_are_then_compared(tree: Tree) -> None:
    tree.write("01_count.ipynb", "x = 41", "x + 1")
    tree.write("02_count.ipynb", "'on'")
    modules = [f"tests/{path.name}" for path in (ROOT / "tests").glob("*.py") if not path.name.startswith("test_")]
    for name in (".pytest.ini", "notebooks/conftest.py", "notebooks/policies/run_the_workbook.json",
                 "tests/notebooks/sanitize.ini", *modules):
        (tree.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree.folder / name)
    done = tree.run("test", "--update")
    assert done.returncode == 0, done.stderr
    stored = nbformat.read(tree.folder / "notebooks" / "01_count.ipynb", as_version=4)
    assert stored.cells[1].outputs[0].data["text/plain"] == "42" and stored.cells[1].execution_count == 2
    wrong = nbformat.read(tree.folder / "notebooks" / "02_count.ipynb", as_version=4)
    wrong.cells[0].outputs[0].data["text/plain"] = "'off'"
    nbformat.write(wrong, tree.folder / "notebooks" / "02_count.ipynb")
    typed = [sys.executable, "-m", "pytest", "--nbval", "notebooks/"]
    done = subprocess.run(typed, cwd=tree.folder, capture_output=True, text=True, env=CLEAN)
    assert done.returncode == 1 and "1 failed, 2 passed" in done.stdout, done.stdout
