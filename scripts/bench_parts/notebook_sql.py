"""The SQL and the calculations of the notebooks, as the learner reads them: what is measured is what is taught."""
from __future__ import annotations

import ast
import json
import textwrap
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PART_5, PART_7 = "05_retrieve_audit_insights_with_athena.ipynb", "07_measure_cost_and_scale.ipynb"


def statements(notebook: str, tag: str) -> dict[str, str]:
    """The SQL in the cells with `tag`, by the cells' other tag (by their id where they have none)."""
    found = {}
    for cell in json.loads((NOTEBOOKS / notebook).read_text(encoding="utf-8"))["cells"]:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] == "code" and tag in tags:
            names = [other for other in tags if other != tag]
            found[names[0] if names else cell["id"]] = _longest_text("".join(cell["source"]))
    if not found:
        raise LookupError(f"{notebook} has no cell with the tag '{tag}'")
    return found


def executed(notebook: str, tag: str, **given: object) -> dict[str, Any]:
    """The names that the cells with `tag` leave, executed in order with the names that are `given`."""
    names: dict[str, Any] = dict(given)
    for cell in json.loads((NOTEBOOKS / notebook).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and tag in cell["metadata"].get("tags", []):
            exec(compile("".join(cell["source"]), f"{notebook}, {cell['id']}", "exec"), names)
    return names


def _longest_text(source: str) -> str:
    texts = [node.value for node in ast.walk(ast.parse(source))
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return textwrap.dedent(max(texts, key=len)).strip()
