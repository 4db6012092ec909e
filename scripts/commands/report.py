"""The report of a run: an HTML page for each notebook, with what it showed, and one that leads to them."""
from __future__ import annotations

import datetime
import html
import re
from collections.abc import Sequence
from pathlib import Path

from nbconvert import HTMLExporter

from commands.execution import Result

SUMMARY_TAG = "summary"  # the cell whose output stands for the whole run

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Audit table on AWS: run of {when}</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }} td, th {{ text-align: left; padding: .2rem 1rem .2rem 0 }}
pre {{ overflow-x: auto }}</style>
<h1>Audit table on AWS</h1><p>Run of {when} on {where}.</p>
<table><tr><th>Notebook<th>Cells<th>Seconds<th>Result</tr>{rows}</table>
<pre>{summary}</pre></html>
"""


def summary(results: Sequence[Result]) -> str | None:
    """The text of the last output of the cell tagged `summary`, where it was reached."""
    for result in results:
        for cell in result.notebook.cells:
            if SUMMARY_TAG in cell.metadata.get("tags", []) and cell.get("outputs"):
                output = cell.outputs[-1]
                return output.get("text") or output.get("data", {}).get("text/plain")
    return None


def write(results: Sequence[Result], build: Path, where: str) -> Path:
    """Write an HTML page for each result and one that leads to them; returns the latter."""
    folder = build / "report"
    folder.mkdir(parents=True)
    exporter = HTMLExporter(embed_images=True)
    rows = []
    for result in results:
        about = {"metadata": {"path": str(result.path.parent), "name": result.path.stem}}
        page, _ = exporter.from_notebook_node(result.notebook, about)
        page = re.sub(r'href="([0-9]{2}_\w+)\.ipynb', r'href="\1.html', page)  # the way on leads to the next page
        (folder / f"{result.path.stem}.html").write_text(page, encoding="utf-8")
        rows.append(f'<tr><td><a href="{result.path.stem}.html">{result.path.stem}</a><td>{result.cells}'
                    f"<td>{result.seconds:.1f}<td>{'failed' if result.error else 'passed'}</tr>")
    index = folder / "index.html"
    errors = "\n\n".join(result.error for result in results if result.error)
    index.write_text(_PAGE.format(when=f"{datetime.datetime.now():%Y-%m-%d %H:%M}", where=html.escape(where),
                                  rows="\n".join(rows), summary=html.escape(errors or summary(results) or "")),
                     encoding="utf-8")
    return index
