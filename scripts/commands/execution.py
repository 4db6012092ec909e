"""Notebooks executed from top to bottom: one, several in order, and one whose outputs are stored."""
from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

CELL_SECONDS = 900  # far beyond any wait in a notebook, which has its own bound
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class CellFailed(Exception):
    """A cell ended in an error; the text names the notebook, the cell as JupyterLab numbers it, and the error."""


def is_executed(cell: NotebookNode) -> bool:
    """Whether it is a code cell with something in it."""
    return cell.cell_type == "code" and bool(cell.source.strip())


def read(path: Path) -> NotebookNode:
    """The notebook in a file."""
    notebook = nbformat.read(path, as_version=4)
    assert isinstance(notebook, NotebookNode)
    return notebook


def execute(path: Path, notebook: NotebookNode, after_cell: Callable[[], object]) -> None:
    """Fill in the outputs of `notebook`, read from `path`, with a fresh kernel of this environment.

    `after_cell` is called after each executed cell. Raises CellFailed at the first cell that fails; the outputs up
    to there, the error's included, are in the notebook.
    """
    logging.getLogger("nbclient").setLevel(logging.CRITICAL)  # what it has to say is raised, too
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", record_timing=False, coalesce_streams=True,
        shutdown_kernel="immediate", resources={"metadata": {"path": str(path.parent)}})
    client.reset_execution_trackers()
    number = 0
    with client.setup_kernel(stderr=subprocess.DEVNULL):  # a cell's own stderr comes as output, this is the kernel's
        for index, cell in enumerate(notebook.cells):
            if not is_executed(cell):
                continue
            number += 1
            try:
                client.execute_cell(cell, index)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                where = f"{path.name}, cell [{number}]"
                raise CellFailed(f"{where}: {_what(error)}\n\n{_first_lines(cell.source)}") from error
            after_cell()
        client.set_widgets_metadata()


@dataclass
class Result:
    """One notebook as executed: where it is from, its outputs, seconds, and the error that ended it, if one did."""
    path: Path
    notebook: NotebookNode
    seconds: float
    error: str | None

    @property
    def cells(self) -> int:
        """How many cells were to be executed."""
        return sum(map(is_executed, self.notebook.cells))


def execute_in_order(notebooks: Sequence[Path], whatever_happens: Sequence[Path], build: Path) -> list[Result]:
    """Execute `notebooks` until one fails, then `whatever_happens`; each is left in `build`/notebooks when it ends."""
    executed = build / "notebooks"
    for old in (executed, build / "report"):
        shutil.rmtree(old, ignore_errors=True)
    executed.mkdir(parents=True)
    todo = {path: read(path) for path in [*notebooks, *whatever_happens]}
    for images in {path.parent / "images" for path in todo}:
        if images.is_dir():
            shutil.copytree(images, executed / "images")
    results: list[Result] = []
    total = sum(is_executed(cell) for notebook in todo.values() for cell in notebook.cells)
    with tqdm(total=total, unit="cell", file=sys.stderr, disable=None, leave=False) as bar:
        for path, notebook in todo.items():
            if path not in whatever_happens and any(result.error for result in results):
                continue
            bar.set_description(path.stem)
            result = _timed(path, notebook, bar)
            results.append(result)
            nbformat.write(notebook, executed / path.name)
            bar.write(f"  {path.stem:<55} {result.cells:>3} cells  {result.seconds:6.1f} s  "
                      f"{'FAILED' if result.error else ''}".rstrip(), file=sys.stderr)
    return results


def _timed(path: Path, notebook: NotebookNode, bar: tqdm) -> Result:
    began, error = time.monotonic(), None
    try:
        execute(path, notebook, bar.update)
    except CellFailed as failed:
        error = str(failed)
    return Result(path, notebook, time.monotonic() - began, error)


def store(path: Path, notebook: NotebookNode) -> None:
    """Write `notebook` to `path` without what differs from run to run or from machine to machine."""
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        language_info={"name": "python"})
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)  # its ids are random
    nbformat.write(notebook, path)


def _what(error: Exception) -> str:
    if isinstance(error, CellExecutionError):
        return _COLOUR.sub("", f"{error.ename}: {error.evalue}").strip()
    if isinstance(error, CellTimeoutError):
        return f"still running after {CELL_SECONDS} s"
    return "its kernel died"


def _first_lines(source: str, most: int = 6) -> str:
    lines = source.splitlines()
    return "\n".join("    " + line for line in [*lines[:most], *(["…"] if len(lines) > most else [])])
