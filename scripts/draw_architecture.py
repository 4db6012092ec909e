"""Make each Part's picture of the architecture from that of the whole, notebooks/images/architecture.svg.

The whole is drawn by hand. A piece of it says which Part makes it (`data-part`, 0 for none), what it is in words
(`data-says`), what AWS bills it by (`data-bill`), and whether it meets a failure (the class `fails`). A Part's picture
is the same drawing with a title and a description of its own, and a style that dims what is not in focus.
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

IMAGES = Path(__file__).resolve().parent.parent / "notebooks" / "images"
WHOLE = IMAGES / "architecture.svg"
TITLE, IN_FOCUS, STYLE = "From a changed order to an answer", "Everything is in focus.", "/* this picture */"
DIM = ("--strong: #c3cad5; --tint: #f6f7f9; --text: #5d6776; --caption: #5d6776; --badge: #5d6776; --border: 1.5; "
       "--shade-1: #eceff3; --shade-2: #dfe3e9; --shade-3: #d2d8e0; --shade-4: #c3cad5")


@dataclass(frozen=True)
class Picture:
    """What a Part's picture shows: the pieces with this word in this attribute are in focus."""

    title: str
    attribute: str
    value: str
    style: tuple[str, ...] = ()  # CSS, beside the dimming

    def draw(self, whole: str) -> str:
        """The picture's SVG, from that of the whole."""
        pieces = [piece for piece in ElementTree.fromstring(whole).iter() if self.value in self._words(piece)]
        words = [" ".join(filter(None, (piece.get("data-says"), piece.get("data-bill") if self.bills else None)))
                 for piece in pieces if piece.get("data-says")]
        dimmed = f'[data-part]:not([{self.attribute}~="{self.value}"]), .dim {{ {DIM} }}'
        return (whole.replace(TITLE, escape(self.title))
                .replace(IN_FOCUS, f"Billed: {'; '.join(words)}." if self.bills else f"In focus: {', '.join(words)}.")
                .replace('class="made"', f'class="made part-{self.value}"')  # the legend's frame
                .replace(STYLE, "\n  ".join([dimmed, *self.style])))

    @property
    def bills(self) -> bool:
        """Whether it shows what AWS bills the pieces by, instead of what they do."""
        return self.value == "billed"

    def _words(self, piece: ElementTree.Element) -> list[str]:
        return piece.get(self.attribute, "").split()


def part(number: int, title: str) -> Picture:
    """The picture of a Part that makes something: its pieces stand out, and those of later Parts are dashed."""
    later = ", ".join(f'[data-part="{other}"] .frame' for other in range(number + 1, 6))
    return Picture(f"Part {number}: {title}", "data-part", str(number), (
        ".frames { display: inline }", f'[data-part="{number}"] {{ --arrow: 2.5 }}',
        f"{later} {{ stroke-dasharray: 5 4 }}" if later else ".later { display: none }"))


PICTURES = {
    "architecture_part_1.svg": part(1, "the table that the orders live in"),
    "architecture_part_2.svg": part(2, "the function that makes audit events"),
    "architecture_part_3.svg": part(3, "the stream of changes, and the trigger that reads it"),
    "architecture_part_4.svg": part(4, "the delivery stream, the bucket it fills, and one for failures"),
    "architecture_part_5.svg": part(5, "from files to answers"),
    "architecture_part_6.svg": Picture("Where a change goes when something fails", "class", "fails"),
    "architecture_part_7.svg": Picture("What AWS bills each piece by", "class", "billed", (
        ".bill { display: inline }", ".unbilled { display: none }")),
}


def main() -> int:
    """Draw, or with `--check` compare; the exit status is 1 where a file differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is not as drawn")
    options = parser.parse_args()
    whole = WHOLE.read_text(encoding="utf-8")
    drawn = {IMAGES / file: picture.draw(whole) for file, picture in PICTURES.items()}
    stale = [path for path, text in drawn.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if options.check:
            print(f"{path.name} is not as drawn: run 'python3 scripts/draw_architecture.py' and commit what it writes.",
                  file=sys.stderr)
        else:
            path.write_text(drawn[path], encoding="utf-8")
            print(path)
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
