"""The architecture's drawings: as the script draws them, legible, and with the right Part in focus."""

import re
import subprocess
import sys
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "draw_architecture.py"
IMAGES = ROOT / "notebooks" / "images"
PARTS = range(1, 8)
FILES = [IMAGES / "architecture.svg", *(IMAGES / f"architecture_part_{part}.svg" for part in PARTS)]
SVG = "{http://www.w3.org/2000/svg}"

# What a learner makes in each Part, by the words that stand in the drawing.
MADE_IN = {
    1: {"Orders"},
    2: {"OrdersStreamProcessor"},
    3: {"Streams", "Trigger"},
    4: {"OrdersAuditFirehose", "S3 bucket", "aws/lambda/", "oversize/", "unreadable/", "firehose-errors/", "events/"},
    5: {"Glue Data Catalog", "Athena", "and pandas", "Charts", "athena/"},
}


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=60)


def shapes(path, kind):
    return [element for element in ElementTree.parse(path).iter(SVG + kind)]


def rectangle(element):
    x, y, w, h = (float(element.get(name)) for name in ("x", "y", "width", "height"))
    return x, y, x + w, y + h


@lru_cache
def font(face):
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"), 100)


def extent(text):
    """The box of a text in DejaVu Sans, the widest of the fonts that the drawing may fall to."""
    face = "DejaVuSansMono" if "Menlo" in text.get("font-family") else "DejaVuSans"
    face += "-Bold" if text.get("font-weight") == "700" else ""
    size = float(text.get("font-size"))
    width = font(face).getlength(text.text) * size / 100
    x, y = float(text.get("x")), float(text.get("y"))
    left = x - width / 2 if text.get("text-anchor") == "middle" else x
    return left, y - 0.76 * size, left + width, y + 0.24 * size


def inside(inner, outer):
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@lru_cache
def behind(path):
    """Each text with the frame that it stands in: the last one drawn before it at the text's own point."""
    frames, found = [], []
    for element in ElementTree.parse(path).iter():
        if element.tag == SVG + "rect":
            frames.append(element)
        elif element.tag == SVG + "text":
            x, y = float(element.get("x")), float(element.get("y"))
            found.append((element, [frame for frame in frames if inside((x, y, x, y), rectangle(frame))][-1]))
    return found


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """WCAG 2's contrast ratio of two colours."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def in_colour(path):
    """The texts that stand in a frame of full strength, hence in focus: not dimmed to grey."""
    grey = re.search(r'DIM = Colours\("(#\w+)"', SCRIPT.read_text()).group(1)
    return {text.text for text, frame in behind(path) if frame.get("stroke") != grey}


def test_committed_drawings_are_what_the_script_draws():
    result = run("--check")
    assert result.returncode == 0, result.stderr


def test_check_names_a_drawing_that_differs(tmp_path):
    assert run("--into", tmp_path).returncode == 0
    assert run("--check", "--into", tmp_path).returncode == 0
    (tmp_path / "architecture_part_2.svg").write_text("<svg/>")
    result = run("--check", "--into", tmp_path)
    assert result.returncode == 1 and "architecture_part_2.svg" in result.stderr
    assert (tmp_path / "architecture_part_2.svg").read_text() == "<svg/>", "--check must not write"


def test_there_is_one_drawing_for_the_whole_and_one_for_each_part():
    assert sorted(IMAGES.glob("architecture*.svg")) == sorted(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestDrawing:
    def test_says_in_words_what_it_shows(self, path):
        root = ElementTree.parse(path).getroot()
        assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
        assert root.find(SVG + "title").text and root.find(SVG + "desc").text.count(" to ") >= 10

    def test_needs_nothing_from_elsewhere(self, path):
        text = path.read_text()
        assert "<image" not in text and "href" not in text and "<script" not in text and "<style" not in text

    def test_names_every_service_and_resource(self, path):
        words = {text.text for text in shapes(path, "text")}
        expected = set().union(*MADE_IN.values())
        assert expected <= words, f"missing: {expected - words}"

    def test_stands_on_a_panel_of_its_own(self, path):
        root = ElementTree.parse(path).getroot()
        first = root.find(SVG + "rect")
        assert float(first.get("width")) >= float(root.get("width")) - 4
        assert first.get("fill") == "#ffffff"

    def test_every_text_contrasts_with_its_background(self, path):
        for text, frame in behind(path):
            ratio = contrast(text.get("fill"), frame.get("fill"))
            assert ratio >= 4.5, f"{text.text!r}: {ratio:.2f}"

    def test_no_text_is_cut_or_runs_into_another(self, path):
        boxes = {text: extent(text) for text, _ in behind(path)}
        for text, frame in behind(path):
            left, top, right, bottom = rectangle(frame)
            assert inside(boxes[text], (left + 3, top, right - 3, bottom)), f"{text.text!r} is wider than its frame"
        for one, other in combinations(boxes, 2):
            assert not overlap(boxes[one], boxes[other]), f"{one.text!r} runs into {other.text!r}"

    def test_no_arrow_crosses_a_text(self, path):
        boxes = [(text.text, extent(text)) for text, _ in behind(path)]
        for line in shapes(path, "path"):
            if line.get("transform") or line.get("d").endswith("Z") or "H" in line.get("d"):
                continue
            points = [tuple(map(float, pair.split())) for pair in line.get("d")[1:].split(" L")]
            for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
                stretch = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
                for words, box in boxes:
                    assert not overlap(stretch, box), f"an arrow crosses {words!r}"


@pytest.mark.parametrize("part", MADE_IN)
def test_a_parts_drawing_has_that_part_in_focus_and_the_rest_dimmed(part):
    bright = in_colour(IMAGES / f"architecture_part_{part}.svg")
    for other, words in MADE_IN.items():
        if other == part:
            assert words <= bright, f"not in focus: {words - bright}"
        else:
            assert not words & bright, f"should be dimmed: {words & bright}"


def test_the_whole_has_everything_in_focus():
    assert set().union(*MADE_IN.values()) <= in_colour(IMAGES / "architecture.svg")


def test_the_drawing_of_failures_has_every_failure_destination_in_focus():
    bright = in_colour(IMAGES / "architecture_part_6.svg")
    assert {"aws/lambda/", "oversize/", "unreadable/", "firehose-errors/"} <= bright
    assert not {"Charts", "Glue Data Catalog", "Orders"} & bright


def test_the_drawing_of_costs_says_what_each_billed_service_is_billed_by():
    words = " ".join(text.text for text in shapes(IMAGES / "architecture_part_7.svg", "text"))
    for unit in ("write request", "GB-second", "5 KB a record", "PUT", "GB-month", "TB scanned"):
        assert unit in words


def test_every_arrow_ends_on_the_borders_of_what_it_connects(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import draw_architecture

    for edge in draw_architecture.EDGES:
        for end, (x, y) in ((edge.source, edge.points[0]), (edge.target, edge.points[-1])):
            left, top, width, height = draw_architecture.NODES[end].box
            on_side = x in (left, left + width) and top < y < top + height
            on_edge = y in (top, top + height) and left < x < left + width
            assert on_side or on_edge, f"{edge.source} to {edge.target} misses {end}"
