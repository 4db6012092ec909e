"""The house rules that a machine can check: what lies where, what is committed, and that documents say what is so."""
from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from environments import dependencies
from written import keep_written

ROOT = Path(__file__).resolve().parent.parent
TOP = {"README.md", "environment.yml", "notebooks", "lambda", "scripts", "tests"}
README, CONTRIBUTING = ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md"
PAGES = [README, CONTRIBUTING, ROOT / "scripts" / "bench.md"]
LARGEST = 1_500_000  # bytes; a stored notebook with its charts stays far below


@pytest.fixture(scope="module")
def files() -> list[Path]:
    """All that is committed, or would be with `git add .`."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_the_top_level_holds_nothing_more(files: list[Path]) -> None:
    top = {path.relative_to(ROOT).parts[0] for path in files}
    strays = {name for name in top - TOP if not name.startswith(".")}
    assert not strays, f"{', '.join(sorted(strays))} at the top level: put it where it belongs, or list it in TOP"
    assert top >= TOP, f"{', '.join(sorted(TOP - top))} is missing at the top level"


def test_nothing_is_committed_that_a_run_makes(files: list[Path]) -> None:
    made = (r"(^|/)(\.venv|\.local_aws|build|__pycache__|\.ipynb_checkpoints|\.hypothesis)/"
            r"|\.(pyc|log|pid|zip|jar|parquet)$")
    strays = [path for path in files if re.search(made, path.relative_to(ROOT).as_posix())]
    assert not strays, f"made by a run, so not to be committed: {strays}"
    large = [f"{path} ({path.stat().st_size:,} bytes)" for path in files if path.stat().st_size > LARGEST]
    assert not large, f"too large to commit: {large}"


def test_no_file_names_a_machine(files: list[Path]) -> None:
    for path in files:
        if path.suffix in (".py", ".md", ".ipynb", ".yml", ".ini", ".toml", ".svg", ".json", ".sql") or not path.suffix:
            found = re.search(r"(?<![\w./:}])/(?:work|root)/[\w.]*", path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(ROOT)} names a path of one machine: {found[0]}"


def test_ci_runs_the_tests_and_nothing_else() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK), ".ci/run is not executable: chmod +x .ci/run"
    commands = [line for line in script.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert len(commands) == 1 and "scripts/test.py" in commands[0], commands
    assert "AUDIT_REQUIRE_TRINO=1" in commands[0], "without it, tests of the exact engine may be skipped"


def workflow() -> dict:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def test_the_workflow_covers_every_python_that_the_dependencies_allow() -> None:
    allowed = re.search(r"python>=3\.(\d+),<3\.(\d+)", (ROOT / "environment.yml").read_text(encoding="utf-8"))
    matrix = workflow()["jobs"]["checks"]["strategy"]["matrix"]
    assert matrix["python"] == [f"3.{minor}" for minor in range(int(allowed[1]), int(allowed[2]))]


def test_the_workflow_calls_what_is_told_to_contributors() -> None:
    said = set(commands_of(CONTRIBUTING.read_text(encoding="utf-8")))
    for step in workflow()["jobs"]["checks"]["steps"]:
        for script, _ in commands_of(step.get("run", "")):
            assert script in {name for name, _ in said}, f"the workflow calls {script}, which {CONTRIBUTING} does not"


# Whom each may know: the modules of these folders, and no others of ours
MAY_IMPORT = {"notebooks": {"notebooks"}, "lambda": set(), "scripts/local_aws": {"scripts/local_aws", "environments"},
              "scripts": {"scripts", "environments"},
              "scripts/bench_parts": {"scripts", "environments", "lambda", "notebooks"}}


def folder_of(path: Path) -> str:
    """The folder, of those in MAY_IMPORT and tests, that a file belongs to."""
    first, *others = path.relative_to(ROOT).parts
    inner = f"{first}/{others[0]}" if others else first
    return inner if inner in MAY_IMPORT else first


def imported(path: Path) -> set[str]:
    """The top-level names of the modules that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def test_each_folder_knows_only_whom_it_may(files: list[Path]) -> None:
    """As CONTRIBUTING.md's table has it. pytest wants notebooks/conftest.py, which names a module of the tests."""
    sources = [path for path in files if path.suffix == ".py"]
    home = {"environments": "environments", "local_aws": "scripts/local_aws", "commands": "scripts",
            "bench_parts": "scripts"}
    for path in sources:
        if path.parent in (ROOT / "notebooks", ROOT / "lambda", ROOT / "scripts", ROOT / "tests"):
            home.setdefault(path.stem, folder_of(path))
    for path in sources:
        if folder_of(path) in MAY_IMPORT and path.name != "conftest.py":
            strangers = {name for name in imported(path) if name in home
                         and home[name] not in MAY_IMPORT[folder_of(path)]}
            assert not strangers, f"{path.relative_to(ROOT)} imports {', '.join(sorted(strangers))}"


def test_every_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    for line in re.findall(r"^  - (.+)$", text.partition("\ndependencies:")[2], flags=re.MULTILINE):
        spec, _, purpose = line.partition("#")
        assert purpose.strip() or spec.startswith("python"), f"environment.yml does not say what {spec.strip()} is for"


def test_conda_and_the_scripts_read_the_same_dependencies() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert listed["channels"] == ["conda-forge"]
    assert dependencies() == [spec for spec in listed["dependencies"] if not spec.startswith("python>")]
    assert "python>=3.10,<3.14" in listed["dependencies"]
    assert "pandas>=2.3.3,<3" in listed["dependencies"], "the stored outputs are those of pandas 2.3"


# ------------------------------------------------------------------------------------------------------- the README


def prose(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    """The headings as code hosts spell them in links."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_of(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The scripts that a text calls, each with its options."""
    for script, rest in re.findall(r"python3 (scripts/[\w./]+)([^\n`|#]*)", text):
        yield script, tuple(re.findall(r"(?<!\S)--[\w-]+", rest))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", prose(text)):
        target = target[0] or target[1]
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), f"{page.name} links to {name}, which is not there"
        if anchor and there.suffix == ".md":
            known = anchors(there.read_text(encoding="utf-8"))
            assert anchor in known, f"{page.name} links to #{anchor}, and there is no such heading"


def test_the_readmes_pictures_have_alt_texts() -> None:
    for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", README.read_text(encoding="utf-8")):
        assert len(alt.split()) >= 4, f"the picture {target} in README.md says '{alt}': say what it shows"


def test_commands_exist_with_their_options() -> None:
    called: dict[str, set[str]] = {}
    for page in PAGES:
        for script, options in commands_of(page.read_text(encoding="utf-8")):
            called.setdefault(script, set()).update(options)
    assert set(called) >= {f"scripts/{name}" for name in ("run.py", "lab.py", "test.py", "bench.py", "local_aws")}
    for script, options in called.items():
        told = subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True, text=True)
        assert told.returncode == 0, f"a page calls {script}: {told.stderr}"
        unknown = {option for option in options if not re.search(rf"(?<!\S){option}\b", told.stdout)}
        assert not unknown, f"a page calls {script} with {', '.join(unknown)}, which it does not take"


def test_the_readmes_dollars_are_those_of_part_7() -> None:
    notebook = json.loads((ROOT / "notebooks" / "07_measure_cost_and_scale.ipynb").read_text(encoding="utf-8"))
    (cell,) = (cell for cell in notebook["cells"] if cell["id"] == "month")
    totals = "".join(cell["outputs"][0]["data"]["text/plain"]).rpartition(" total ")[2]
    table: dict[str, dict[str, str]] = {}
    for rate, design, total in re.findall(r"^([\d,]+ a second)? +(\w+) .*?([\d,.]+) *$", totals, re.MULTILINE):
        table.setdefault(rate.removesuffix(" a second") or list(table)[-1], {})[design] = total
    designs = list(next(iter(table.values())))
    lines = [["Changes a second", *designs], ["---:"] * (1 + len(designs))]
    lines += [[rate, *found.values()] for rate, found in table.items()]
    fresh = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    text = README.read_text(encoding="utf-8")
    keep_written({README: re.sub(r"^\| Changes a second \|(?:.*\n\|)*.*\n", fresh, text, flags=re.MULTILINE)})


def test_the_readme_is_short() -> None:
    length = README.read_text(encoding="utf-8").count("\n")
    assert length <= 150, f"README.md has {length} lines, at most 150: what a contributor needs goes to CONTRIBUTING.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_place_is_left_to_fill_in(page: Path) -> None:
    left = re.findall(r"(?i)\bTODO\b|\bTBD\b|\bFIXME\b|‹[^›]*›|\bMEASURE:", page.read_text(encoding="utf-8"))
    assert not left, f"{page.name} still has {left}"
