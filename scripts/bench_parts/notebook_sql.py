"""The SQL of the notebooks, as the learner reads it: what is measured is what is taught, without a copy."""
from __future__ import annotations

import ast
import json
import textwrap
from pathlib import Path

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


def _longest_text(source: str) -> str:
    texts = [node.value for node in ast.walk(ast.parse(source))
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return textwrap.dedent(max(texts, key=len)).strip()
