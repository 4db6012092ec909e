"""No imports run in a circle, those inside functions and those for the type checker included.

https://docs.python.org/3/library/graphlib.html#graphlib.CycleError
"""
from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [ROOT / name for name in ("scripts", "notebooks", "lambda")]  # each is where its imports begin


def modules(folder: Path) -> dict[str, Path]:
    """The modules under a folder by the names that they are imported by; a package's is its `__init__`."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


def imported(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Those of the known modules that the module called `name` imports, anywhere in its text."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[:len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*parents, *filter(None, [node.module])])
            for alias in node.names:
                if f"{origin}.{alias.name}" in known:
                    yield f"{origin}.{alias.name}"
                elif origin in known:
                    yield origin


def circle(known: Mapping[str, Path]) -> list[str] | None:
    """Modules of which each is imported by the one after it, the first by the last; None where there is no circle."""
    try:
        graphlib.TopologicalSorter({name: set(imported(name, path, known)) for name, path in known.items()}).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_imports_run_in_a_circle(folder: Path) -> None:
    known = modules(folder)
    assert known
    found = circle(known)
    assert not found, f"{' <- '.join(found)}: move what they share to a module that imports neither"


@pytest.mark.parametrize("text", [
    "import room.first", "from room import first", "from room.first import a", "from . import first",
    "from .first import a", "def later():\n    from room.first import a",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from room.first import a"])
def test_a_circle_is_found(tmp_path: Path, text: str) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (room / "__init__.py").touch()
    (room / "first.py").write_text("from room.second import b\na = b\n")
    (room / "second.py").write_text("b = 1\n")
    assert circle(modules(tmp_path)) is None
    (room / "second.py").write_text(f"{text}\n")
    assert set(circle(modules(tmp_path)) or ()) == {"room.first", "room.second"}
