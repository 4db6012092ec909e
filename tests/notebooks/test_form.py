"""The notebooks' form: what makes them open, read and compare well everywhere. Each message says how to mend it.

The numbers that the whole is held to are printed at the end of the test run.
"""
from __future__ import annotations

import datetime
import math
import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from written import keep_written

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
PARTS = [path for path in PATHS if "01" <= path.name[:2] <= "07"]
SANITIZE = Path(__file__).parent / "sanitize.ini"

STORE_AGAIN = "`python3 scripts/test.py --update` executes the notebooks and stores them"
LONGEST_CELL, MEDIAN_CELL = 25, 8  # lines
WORDS_A_MINUTE = 238  # that adults read of non-fiction: https://doi.org/10.1016/j.jml.2019.104047
AFTER_PROSE = 0.85  # share of code cells that follow a text cell
SECTIONS = ("What you'll do", "What you'll learn", "What you need", "Check yourself", "In practice")  # in this order
TAGS = {
    "summary", "question", "view", "compaction", "costs",  # read by scripts/run.py, scripts/bench.py
    "exercise", "check", "solution", "hint",  # read by the tests of the exercises
    "nbval-ignore-output", "nbval-skip", "nbval-raises-exception", "raises-exception",  # nbval's own
    "hide-input", "remove-input", "aws", "local",
}
LEAKS = {
    "a path of a machine": r"(?<![\w.:/])/(?:root|home|tmp|work|Users|var/folders|private)/[\w.\-/]+",
    "an access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "an account id": r"(?<![\d.])(?!000000000000|123456789012)\d{12}(?![\d.])",
    "a UUID": r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    "an address in memory": r"\bat 0x[0-9a-f]{6,}",
    "a measured time": r"\b(?:Wall|CPU) times?:",
}


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """The code cells that do something, each with its place as JupyterLab numbers it."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip())
    for number, cell in enumerate(cells, start=1):
        yield f"cell [{number}]", cell


def prose(notebook: NotebookNode) -> str:
    """All text cells, without code spans and blocks: what is in them is not the notebook's own."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.sub(r"```.*?```|`[^`\n]*`", "`code`", text, flags=re.DOTALL)


def lines(cell: NotebookNode) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def output_texts(cell: NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", []):
        if "text" in output:
            yield output.text
        for mime, data in output.get("data", {}).items():
            if mime.startswith("text/") or mime.endswith(("json", "xml")):
                yield str(data)


# ------------------------------------------------------------------------------- the rules: each yields its complaints


def opens_everywhere(path: Path, notebook: NotebookNode) -> Iterator[str]:
    kernel = notebook.metadata.get("kernelspec", {})
    if (kernel.get("name"), kernel.get("display_name")) != ("python3", "Python 3 (ipykernel)"):
        yield f"its kernel is not 'python3' (Python 3 (ipykernel)), which every JupyterLab has: {STORE_AGAIN}"
    if extra := set(notebook.metadata.get("language_info", {})) - {"name"}:
        yield f"its metadata tell of one machine ({', '.join(sorted(extra))}): {STORE_AGAIN} without"


def is_executed(path: Path, notebook: NotebookNode) -> Iterator[str]:
    counts, never = [], []
    for place, cell in code(notebook):
        if "nbval-skip" in tags(cell):
            continue
        if cell.execution_count is None:
            never.append(place)
        else:
            counts.append(cell.execution_count)
        for output in cell.outputs:
            if output.output_type == "error" and not {"raises-exception", "nbval-raises-exception"} & tags(cell):
                yield f"{place} has a stored error: mend it, or tag it raises-exception if the error is the lesson"
            if output.get("name") == "stderr":
                yield f"{place} has stored stderr ({output.text[:60]!r}): a warning or a bar; silence its cause"
    if never:
        yield f"{', '.join(never)} were never executed, so nothing of them is compared: {STORE_AGAIN}"
    elif counts != list(range(1, len(counts) + 1)):
        yield f"its execution counts are {counts}, not those of one run from top to bottom: {STORE_AGAIN}"


def has_known_tags(path: Path, notebook: NotebookNode) -> Iterator[str]:
    names = {tag for cell in notebook.cells if "question" not in tags(cell) for tag in tags(cell)}
    for tag in sorted(names - TAGS):
        yield f"nothing reads the tag '{tag}': is it misspelt? The known ones are in TAGS of {Path(__file__).name}"


def reads_well(path: Path, notebook: NotebookNode) -> Iterator[str]:
    for place, cell in code(notebook):
        if lines(cell) > LONGEST_CELL:
            yield f"{place} has {lines(cell)} lines: split it, at most {LONGEST_CELL} can be read at one go"


def has_alt_texts(path: Path, notebook: NotebookNode) -> Iterator[str]:
    text = prose(notebook)
    pictures = [(alt, target) for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)", text)]
    for tag in re.findall(r"<img\b[^>]*>", text):
        alt, source = (re.search(rf'{name}="([^"]*)"', tag) for name in ("alt", "src"))
        pictures.append((alt[1] if alt else "", source[1] if source else tag))
    for alt, target in pictures:
        if len(alt.split()) < 4:
            yield f"the picture {target} has the alt text '{alt}': say what it shows to someone who cannot see it"


def has_links_that_resolve(path: Path, notebook: NotebookNode) -> Iterator[str]:
    text = prose(notebook)
    targets = re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", text) + re.findall(r'\b(?:href|src)="([^"]+)"', text)
    for target in targets:
        if target.startswith(("https://", "mailto:", "attachment:")):
            continue
        if target.startswith("http://"):
            if not target.startswith(("http://127.0.0.1", "http://localhost")):
                yield f"the link {target} is not https"
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name) if name else path
        if not there.exists():
            yield f"the link {target} leads nowhere: there is no {name} beside it"
        elif anchor and anchor not in anchors(there, notebook if there == path else None):
            yield f"the link {target} names no heading there: JupyterLab makes them from the heading, blanks as '-'"


def anchors(path: Path, notebook: NotebookNode | None = None) -> set[str]:
    """The headings of a notebook or Markdown file, as JupyterLab and as code hosts spell them in links."""
    text = (path.read_text(encoding="utf-8") if path.suffix == ".md" else prose(notebook or read(path)))
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*$", text, flags=re.MULTILINE)
    plain = {heading.replace(" ", "-") for heading in headings}
    return plain | {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def has_no_accidental_formula(path: Path, notebook: NotebookNode) -> Iterator[str]:
    for line in prose(notebook).splitlines():
        if re.search(r"(?<!\\)\$", line):
            yield f"'{line[:60]}' has a bare $; two of them make a formula in JupyterLab: write \\$"


def leaks_nothing(path: Path, notebook: NotebookNode) -> Iterator[str]:
    today = datetime.date.today()
    for place, cell in code(notebook):
        if "nbval-ignore-output" in tags(cell):
            continue
        for text in output_texts(cell):
            for what, pattern in LEAKS.items():
                if found := re.search(pattern, text):
                    yield f"the output of {place} shows {what}, '{found[0][:60]}': print what is the same everywhere"
            for found in re.finditer(r"\b(20\d\d)-(\d\d)-(\d\d)\b", text):
                day = datetime.date(*map(int, found.groups()))
                if abs((today - day).days) <= 3:
                    yield f"the output of {place} shows the day it ran, {day}: print what is the same on every day"
                    break


RULES = [opens_everywhere, is_executed, has_known_tags, reads_well, has_alt_texts, has_links_that_resolve,
         has_no_accidental_formula, leaks_nothing]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_notebook(rule: Callable, path: Path) -> None:
    complaints = list(rule(path, read(path)))
    assert not complaints, "\n".join([path.name, *complaints])


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.stem)
def test_a_part_has_the_shape_of_all_parts(path: Path) -> None:
    """Picture, then the sections of SECTIONS in that order, minutes and cost, and the way back and on."""
    notebook = read(path)
    text = prose(notebook)
    missing = []
    if not re.match(rf"#\s+Part {int(path.name[:2])}\b", notebook.cells[0].source):
        missing.append(f"a first line '# Part {int(path.name[:2])}: …'")
    if "![" not in notebook.cells[0].source + notebook.cells[1].source:
        missing.append("the architecture's picture in its opening")
    places = [text.find(section) for section in SECTIONS]
    missing += [f"a section '{section}'" for section, place in zip(SECTIONS, places, strict=True) if place < 0]
    if not missing and places != sorted(places):
        missing.append(f"its sections in the order {', '.join(SECTIONS)}")
    opening = text[:text.find("Check yourself")]
    missing += [f"in its opening, {what}" for what, pattern in
                {"how many minutes it takes": r"\bminutes?\b", "what it costs on AWS": r"(?i)\bcosts?\b"}.items()
                if not re.search(pattern, opening)]
    ways = re.findall(r"\]\((\d\d)_\w+\.ipynb", notebook.cells[-1].source)
    number = PATHS.index(path)
    for way, neighbour in (("back", PATHS[number - 1]), ("on", PATHS[number + 1])):
        if neighbour.name[:2] not in ways:
            missing.append(f"in its last cell, the way {way} to {neighbour.name}")
    assert not missing, f"{path.name} lacks " + "; ".join(missing)


def test_the_map_leads_to_every_notebook() -> None:
    text = prose(read(PATHS[0]))
    missing = [path.name for path in PATHS[1:] if f"({path.name})" not in text]
    assert not missing, f"{PATHS[0].name} has no link to {', '.join(missing)}"


def test_numbers(record_property: Callable) -> None:
    """Over all notebooks together: prose before code, and cells that can be read at a glance."""
    lengths, after_prose = [], []
    for path in PATHS:
        before = None
        for cell in read(path).cells:
            if cell.cell_type == "code" and cell.source.strip():
                lengths.append(lines(cell))
                after_prose.append(before == "markdown")
            before = cell.cell_type
    share, median = sum(after_prose) / len(after_prose), statistics.median(lengths)
    record_property("measured", f"{len(PATHS)} notebooks, {len(lengths)} code cells: {share:.0%} after prose (at least "
                                f"{AFTER_PROSE:.0%}), median {median:g} lines (at most {MEDIAN_CELL}), longest "
                                f"{max(lengths)} (at most {LONGEST_CELL})")
    assert share >= AFTER_PROSE, f"only {share:.0%} of the code cells follow a text cell: say first what is to happen"
    assert median <= MEDIAN_CELL, f"the median code cell has {median:g} lines: split some of them"


def words(path: Path, until: str = "") -> int:
    """The words that a reader reads in a notebook, the exercises aside; up to the code cell that holds `until`."""
    count, exercises = 0, False
    for cell in read(path).cells:
        if until and cell.cell_type == "code" and until in cell.source:
            return count
        if cell.cell_type == "markdown":
            exercises = exercises or cell.source.startswith("## Check yourself")
            exercises = exercises and not cell.source.startswith("## In practice")
            count += 0 if exercises else len(re.findall(r"[\w'’-]+", re.sub(r"\]\([^)]*\)", "]", cell.source)))
    assert not until, f"{path.name} has no code cell with {until!r}"
    return count


def test_minutes_are_those_of_the_text() -> None:
    """Each Part states the minutes that its text takes, and 00's map repeats them: both are written from its words."""
    fresh = {path: path.read_text(encoding="utf-8") for path in PATHS}
    for path in PARTS:
        minutes = math.ceil(words(path) / WORDS_A_MINUTE)
        for place, stated in ((path, r"(\*\*Time:\*\* )\d+(?= minutes)"),
                              (PATHS[0], rf"({path.name}\) \|[^|]*\| )\d+(?= \|)")):
            fresh[place], found = re.subn(stated, rf"\g<1>{minutes}", fresh[place])
            assert found == 1, f"{place.name} does not state the minutes of {path.name}"
    keep_written(fresh)


def test_the_first_events_arrive_within_15_minutes_of_reading(record_property: Callable) -> None:
    before, arrival = PATHS[:4], PATHS[4]
    minutes = sum(map(words, before)) + words(arrival, until="to reach the bucket")
    minutes /= WORDS_A_MINUTE
    record_property("measured", f"reading until the first events are in S3: {minutes:.1f} minutes (at most 15)")
    assert minutes <= 14.5, "the text up to the first events in S3 is too long: with the cells it is over 15 minutes"
    assert "it is 15 minutes" in prose(read(PATHS[0]))


def sanitize_rules() -> list[dict[str, str]]:
    """The rules of the sanitize file: name, reason, regex and replacement of each."""
    pattern = r"^\[(?P<name>.+)\]\n(?P<reason>(?:#.*\n)*)regex: (?P<regex>.*)\nreplace: (?P<replace>.*)$"
    return [found.groupdict() for found in re.finditer(pattern, SANITIZE.read_text(), flags=re.MULTILINE)]


def test_every_sanitize_rule_has_a_name_a_reason_and_a_use() -> None:
    rules = sanitize_rules()
    assert len(rules) == SANITIZE.read_text().count("\nregex:"), "a rule in sanitize.ini lacks its [name] or # reason"
    texts = [text for path in PATHS for _, cell in code(read(path)) for text in output_texts(cell)]
    for rule in rules:
        assert len(rule["reason"].split()) > 5, f"[{rule['name']}] in sanitize.ini does not say why it is needed"
        assert any(re.search(rule["regex"], text) for text in texts), \
            f"[{rule['name']}] in sanitize.ini finds nothing in any stored output: remove it"


# ------------------------------------------------------------------------------------ the rules find what they should


def planted(**changes: object) -> NotebookNode:
    """A small notebook in which one thing is wrong."""
    cell = nbformat.v4.new_code_cell("print(1)", execution_count=1, outputs=[])
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(changes.pop("text", "# A heading")), cell],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"},
                  "language_info": {"name": "python"}, **changes.pop("metadata", {})})
    if "output" in changes:
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=changes.pop("output"))]
    if "output_type" in changes:
        cell.outputs = [nbformat.v4.new_output(changes.pop("output_type"))]
    if "tags" in changes:
        cell.metadata.tags = changes.pop("tags")
    for name, value in changes.items():
        cell[name] = value
    return notebook


@pytest.mark.parametrize("rule, wrong", [
    (opens_everywhere, {"metadata": {"kernelspec": {"name": "conda-env-py", "display_name": "Python [conda env]"}}}),
    (opens_everywhere, {"metadata": {"language_info": {"name": "python", "version": "3.11.7"}}}),
    (is_executed, {"execution_count": None}),
    (is_executed, {"execution_count": 2}),
    (is_executed, {"output_type": "error"}),
    (has_known_tags, {"tags": ["nbval-ignore-outputs"]}),
    (reads_well, {"source": "\n".join(["pass"] * (LONGEST_CELL + 1))}),
    (has_alt_texts, {"text": "![](images/architecture.svg)"}),
    (has_alt_texts, {"text": '<img src="images/architecture.svg">'}),
    (has_links_that_resolve, {"text": "[on](06_nowhere.ipynb)"}),
    (has_links_that_resolve, {"text": "[below](#No-such-heading)"}),
    (has_links_that_resolve, {"text": "[plain](http://docs.aws.amazon.com)"}),
    (has_no_accidental_formula, {"text": "costs $0.20, or $5"}),
    (leaks_nothing, {"output": "saved to /home/me/orders"}),
    (leaks_nothing, {"output": "arn:aws:iam::210987654321:role/x"}),
    (leaks_nothing, {"output": "request 5a1f2b3c-0d1e-4f5a-8b9c-0d1e2f3a4b5c"}),
    (leaks_nothing, {"output": f"dt={datetime.date.today()}"}),
    (leaks_nothing, {"output": "<Thing at 0x7f1234567890>"}),
])
def test_a_rule_finds_what_is_wrong(rule: Callable, wrong: dict) -> None:
    assert not list(rule(NOTEBOOKS / "00_start_here.ipynb", planted()))
    assert list(rule(NOTEBOOKS / "00_start_here.ipynb", planted(**wrong)))
