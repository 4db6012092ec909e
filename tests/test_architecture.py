"""The architecture's drawings: the Parts' as the script makes them, legible, and with the right Part in focus."""
from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

from draw_architecture import IMAGES, PICTURES, WHOLE

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "draw_architecture.py"
SVG = "{http://www.w3.org/2000/svg}"
FAILURES = ["given up on", "too large, unreadable", "failed", "not delivered: the stream sends it again"]
FOCUS = {  # some of the words in focus in each Part's picture, and some that are not
    1: (["Orders"], ["OrdersStreamProcessor", "events/"]), 2: (["OrdersStreamProcessor"], ["Orders", "Trigger"]),
    3: (["Streams", "Trigger"], ["Orders", "Athena"]), 4: (["OrdersAuditFirehose", "events/"], ["athena/", "Charts"]),
    5: (["Athena", "and pandas", "Charts", "athena/"], ["events/", "Trigger"]),
    6: (["aws/lambda/", "oversize/", "firehose-errors/", *FAILURES], ["Charts", "Orders"]),
    7: (["Orders", "Athena", "by the TB scanned", "S3 bucket", "by the PUT and the GB-month"], ["Charts", "athena/"]),
}
Box = tuple[float, float, float, float]  # left, top, right, bottom


def groups(path: Path = WHOLE) -> list[ElementTree.Element]:
    return [group for group in ElementTree.parse(path).iter(f"{SVG}g") if group.get("data-part")]


def words(group: ElementTree.Element) -> list[str]:
    return [text.text for text in group.iter(f"{SVG}text")]


@lru_cache
def font(face: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"), 100)


def box_of(text: ElementTree.Element) -> Box:
    """Where a text stands in DejaVu Sans, the widest of the fonts that the drawing may fall to."""
    kind = text.get("class", "").split()
    size = {"title": 20, "service": 16, "name": 13, "label": 13, "number": 12.5}.get(kind[0], 13.5)
    face = "DejaVuSansMono" if "name" in kind else "DejaVuSans"
    face += "-Bold" if {"title", "service", "number"} & set(kind) else ""
    width = font(face).getlength(text.text) * size / 100
    x, y = float(text.get("x")), float(text.get("y"))
    left = x if {"start", "label", "legend", "title"} & set(kind) else x - width / 2
    return left, y - 0.76 * size, left + width, y + 0.24 * size


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def boxes(hidden: str) -> dict[str, Box]:
    texts = [text for text in ElementTree.parse(WHOLE).iter(f"{SVG}text") if hidden not in text.get("class").split()]
    return {f"{text.text} at {text.get('y')}, {text.get('x')}": box_of(text) for text in texts}


def test_committed_drawings_are_what_the_script_draws() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in IMAGES.glob("architecture*.svg")} == {WHOLE.name, *PICTURES}


@pytest.mark.parametrize("hidden", ["bill", "unbilled"])
def test_no_text_runs_into_another_or_under_an_arrow(hidden: str) -> None:
    found = boxes(hidden)
    assert not [pair for pair in combinations(found, 2) if overlap(found[pair[0]], found[pair[1]])]
    for stretch in stretches():
        assert not [text for text, box in found.items() if overlap(stretch, box)]


def stretches() -> Iterator[Box]:
    for group in groups():
        for line in (path for path in group.iter(f"{SVG}path") if group.get("data-says") is None):
            points = [tuple(map(float, pair.split())) for pair in line.get("d").strip("MZ").split(" L")]
            for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
                yield min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def test_each_piece_holds_its_words() -> None:
    for group in (group for group in groups() if group.get("data-says")):
        frame = group.find(f"{SVG}rect")
        x, y, width, height = (float(frame.get(name)) for name in ("x", "y", "width", "height"))
        for text in group.iter(f"{SVG}text"):
            left, top, right, bottom = box_of(text)
            assert x + 3 <= left and right <= x + width - 3 and y - 12 <= top and bottom <= y + height, text.text


@pytest.mark.parametrize("part", FOCUS)
def test_a_parts_picture_has_that_part_in_focus_and_the_rest_dimmed(part: int) -> None:
    path = IMAGES / f"architecture_part_{part}.svg"
    attribute, value = re.search(r'\[data-part\]:not\(\[([\w-]+)~="(\w+)"\]\)', path.read_text()).groups()
    bright, dim = set(), set()
    for group in groups(path):
        (bright if value in group.get(attribute).split() else dim).update(words(group))
    assert set(FOCUS[part][0]) <= bright and set(FOCUS[part][1]) <= dim - bright


@pytest.mark.parametrize("path", [WHOLE, *(IMAGES / name for name in PICTURES)], ids=lambda path: path.stem)
def test_says_in_words_what_it_shows_and_needs_nothing_from_elsewhere(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
    told = root.find(f"{SVG}desc").text
    assert root.find(f"{SVG}title").text and told.count(" to ") >= 10
    assert told.startswith(("Billed: the DynamoDB table Orders by the write request; ", "In focus: ", "Everything "))
    assert not re.search(r"<image|href|<script|url\(|@import", path.read_text())


def test_texts_contrast_with_what_they_stand_on() -> None:
    """At least 4.5, which WCAG 2 asks of texts: https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    text = (IMAGES / "architecture_part_1.svg").read_text()
    rules = [dict(re.findall(r"--([\w-]+): (#\w{6})", rule)) for rule in re.findall(r"\{([^}]*)\}", text)]
    usual, dim = rules[0], next(rule for rule in rules if "badge" in rule)
    tints = [rule["tint"] for rule in rules if "tint" in rule and rule is not dim]
    assert len(tints) >= 8
    pairs = [(usual[kind], tint) for kind in ("text", "caption") for tint in tints]
    pairs += [(dim[kind], tint) for kind in ("text", "caption") for tint in (dim["tint"], "#ffffff")]
    pairs += [("#ffffff", rule.get("badge", rule["strong"])) for rule in rules if "strong" in rule]
    assert all(contrast(*pair) >= 4.5 for pair in pairs), [pair for pair in pairs if contrast(*pair) < 4.5]


def contrast(*colours: str) -> float:
    def luminance(colour: str) -> float:
        channels = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)
