"""Draw the architecture: once whole, and once for each Part with that Part in focus.

Everything in the drawings comes from one description: `NODES` (what there is, and which Part makes it) and `EDGES`
(what flows where, and which Part connects it). The shapes are drawn here; no vendor's icons are used. The files go to
`notebooks/images/`, hold nothing that changes from run to run, and stand on a light panel of their own, so that they
read the same in a light theme, in a dark theme and on a code host.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

IMAGES = Path(__file__).resolve().parent.parent / "notebooks" / "images"
WIDTH, HEIGHT = 1040, 664
SANS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
MONO = "Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


@dataclass(frozen=True)
class Colours:
    """`strong` for borders, icons and badges, `tint` to fill with, `text` to write with on the tint."""

    strong: str
    tint: str
    text: str


PANEL, PANEL_BORDER, TITLE, CAPTION = "#ffffff", "#c9d1dc", "#16202e", "#4a5567"
DIM = Colours("#c3cad5", "#f6f7f9", "#5d6776")
OUTSIDE = Colours("#56627a", "#eef1f6", TITLE)  # what no Part makes: the writer of the orders
PART_COLOURS = {
    1: Colours("#1c5fae", "#e7f0fb", TITLE),
    2: Colours("#a84b06", "#fdf0e2", TITLE),
    3: Colours("#0b6f68", "#e2f4f1", TITLE),
    4: Colours("#6a3cb2", "#f1ebfb", TITLE),
    5: Colours("#a3195b", "#fce9f1", TITLE),
}
FAILURE, FLOW = "#b3261e", "#3a4658"
DASHES = {"flow": "", "failure": "7 5", "lookup": "2 5"}
LEGEND_EDGES = (
    ("flow", "changes, events, answers"),
    ("failure", "what fails: sent again, or kept"),
    ("lookup", "describes"),
)


@dataclass(frozen=True)
class Node:
    """One thing in the drawing. `box` is x, y, width, height; `part` the Part that makes it (0: none does)."""

    part: int
    box: tuple
    service: tuple = ()
    name: tuple = ()
    caption: tuple = ()
    icon: str = ""
    bill: tuple = ()  # what AWS bills it by; stands in for the caption where cost is in focus
    says: str = ""  # its words in the description for those who do not see the drawing


@dataclass(frozen=True)
class Edge:
    """An arrow along `points`, from the border of `source` to the border of `target`; the label starts at `at`."""

    source: str
    target: str
    part: int
    points: tuple
    kind: str = "flow"
    label: str = ""
    at: tuple = ()


NODES = {
    "writer": Node(
        0,
        (20, 92, 122, 140),
        service=("Your orders",),
        caption=("put, update,", "delete"),
        icon="writer",
        says="your orders",
    ),
    "table": Node(
        1,
        (178, 92, 132, 140),
        service=("DynamoDB",),
        name=("Orders",),
        caption=("one item", "an order"),
        icon="table",
        bill=("by the write", "request"),
        says="the DynamoDB table Orders",
    ),
    "stream": Node(
        3,
        (346, 92, 136, 140),
        service=("DynamoDB", "Streams"),
        caption=("old and", "new images"),
        icon="stream",
        bill=("free when", "Lambda reads"),
        says="DynamoDB Streams",
    ),
    "trigger": Node(
        3,
        (502, 118, 92, 88),
        service=("Trigger",),
        caption=("reads", "batches"),
        bill=("free",),
        says="the trigger (event source mapping)",
    ),
    "function": Node(
        2,
        (614, 92, 190, 140),
        service=("Lambda",),
        name=("OrdersStreamProcessor",),
        caption=("makes audit events,", "packs them"),
        icon="function",
        bill=("by the request and", "the GB-second"),
        says="the Lambda function OrdersStreamProcessor",
    ),
    "firehose": Node(
        4,
        (840, 92, 180, 140),
        service=("Firehose",),
        name=("OrdersAuditFirehose",),
        caption=("buffers by size", "and by time"),
        icon="firehose",
        bill=("by the GB, in steps", "of 5 KB a record"),
        says="the Firehose stream OrdersAuditFirehose",
    ),
    "bucket": Node(
        4,
        (346, 296, 674, 150),
        service=("S3 bucket",),
        name=("orders-audit-<account>-<region>",),
        icon="bucket",
        bill=("by the PUT and the GB-month",),
        says="the S3 bucket",
    ),
    "results": Node(
        5, (358, 308, 98, 82), name=("athena/",), caption=("query", "results"), says="athena/ in the bucket"
    ),
    "given_up": Node(
        4,
        (466, 308, 136, 82),
        name=("aws/lambda/",),
        caption=("on-failure", "destination"),
        says="the on-failure destination, aws/lambda/ in the bucket",
    ),
    "set_aside": Node(
        4,
        (612, 308, 130, 82),
        name=("oversize/", "unreadable/"),
        caption=("kept whole",),
        says="oversize/ and unreadable/ in the bucket",
    ),
    "errors": Node(
        4,
        (752, 308, 142, 82),
        name=("firehose-errors/",),
        caption=("not processed",),
        says="firehose-errors/ in the bucket",
    ),
    "events": Node(
        4, (904, 308, 104, 82), name=("events/", "dt=<day>/"), caption=("gzip, JSON",), says="events/ in the bucket"
    ),
    "catalog": Node(
        5,
        (840, 508, 180, 136),
        service=("Glue Data Catalog",),
        name=("order_events",),
        caption=("columns, partitions",),
        icon="catalog",
        bill=("free at this size",),
        says="the Glue Data Catalog",
    ),
    "athena": Node(
        5,
        (614, 508, 190, 136),
        service=("Athena",),
        name=("order_history",),
        caption=("SQL on files",),
        icon="athena",
        bill=("by the TB scanned",),
        says="Athena",
    ),
    "pandas": Node(
        5,
        (382, 508, 196, 136),
        service=("awswrangler", "and pandas"),
        caption=("a DataFrame an answer",),
        icon="frame",
        says="awswrangler and pandas",
    ),
    "charts": Node(
        5, (20, 508, 326, 136), service=("Charts",), caption=("the story of one order, and of all",), says="charts"
    ),
}
DRAWERS = ("results", "given_up", "set_aside", "errors", "events")

EDGES = (
    Edge("writer", "table", 1, ((142, 162), (178, 162))),
    Edge("table", "stream", 3, ((310, 162), (346, 162))),
    Edge("stream", "trigger", 3, ((482, 162), (502, 162))),
    Edge("trigger", "function", 3, ((594, 162), (614, 162))),
    Edge("function", "firehose", 4, ((804, 162), (840, 162))),
    Edge("firehose", "events", 4, ((964, 232), (964, 308)), label="events", at=(971, 269)),
    Edge("events", "athena", 5, ((936, 390), (936, 476), (770, 476), (770, 508)), label="scans", at=(786, 494)),
    Edge("catalog", "athena", 5, ((840, 576), (804, 576)), kind="lookup"),
    Edge("catalog", "events", 5, ((976, 508), (976, 390)), kind="lookup"),
    Edge(
        "athena",
        "results",
        5,
        ((644, 508), (644, 476), (407, 476), (407, 390)),
        label="every answer, kept",
        at=(420, 494),
    ),
    Edge("athena", "pandas", 5, ((614, 576), (578, 576))),
    Edge("pandas", "charts", 5, ((382, 576), (346, 576))),
    Edge(
        "function",
        "stream",
        3,
        ((766, 92), (766, 64), (366, 64), (366, 92)),
        kind="failure",
        label="not delivered: the stream sends it again",
        at=(440, 57),
    ),
    Edge("trigger", "given_up", 4, ((548, 206), (548, 308)), kind="failure", label="given up on", at=(555, 269)),
    Edge(
        "function",
        "set_aside",
        4,
        ((690, 232), (690, 308)),
        kind="failure",
        label="too large, unreadable",
        at=(697, 269),
    ),
    Edge("firehose", "errors", 4, ((870, 232), (870, 308)), kind="failure", label="failed", at=(877, 269)),
)

# The icons, as strokes in a square of 32.
ICONS = {
    "writer": "M6 26 L8 19 L22 5 L27 10 L13 24 Z M19 8 L24 13 M6 29 H26",
    "table": "M4 6 H28 V26 H4 Z M4 13 H28 M4 19.5 H28 M13 6 V26",
    "stream": "M3 8 C9 2 11 14 17 8 S25 8 29 6 M3 17C9 11 11 23 17 17 S25 17 29 15 M3 26C9 20 11 32 17 26 S25 26 29 24",
    "function": "M12 4 C6 4 9 15 4 16 C9 17 6 28 12 28 M20 4 C26 4 23 15 28 16 C23 17 26 28 20 28 M12.5 16 H19.5",
    "firehose": "M3 5 H11 V11 H3 Z M3 13 H11 V19 H3 Z M3 21 H11 V27 H3 Z M14 16 H28 M22 10 L28 16 L22 22",
    "bucket": "M4 7 C4 3 28 3 28 7 C28 11 4 11 4 7 Z M4 7 L8 27 C9 30 23 30 24 27 L28 7",
    "catalog": "M5 8 H27 V28 H5 Z M9 4 H23 M10 14 H22 M10 18.5 H22 M10 23 H17",
    "athena": "M13 4 A9 9 0 1 0 13.01 4 Z M20 20 L28 28 M9 13 H17 M13 9 V17",
    "frame": "M4 5 H28 V27 H4 Z M4 11 H28 M11 5 V27 M11 16.5 H28 M11 21.5 H28",
}


@dataclass(frozen=True)
class Picture:
    """One file. `part` is the Part in focus (0: all are); `focus` decides for the pictures that are of no one Part."""

    file: str
    title: str
    part: int = 0
    focus: object = None
    bills: bool = False  # show what each piece is billed by

    def focuses(self, thing) -> bool:
        return self.focus(thing) if self.focus else self.part in (0, thing.part)

    def stands(self, thing) -> bool:
        """Whether the learner has made it by the end of this Part."""
        return self.part == 0 or thing.part <= self.part


FAILURES = [edge for edge in EDGES if edge.kind == "failure"]


def _meets_failure(thing) -> bool:
    ends = [NODES[end] for edge in FAILURES for end in (edge.source, edge.target)]
    return thing in FAILURES or thing in ends or thing is NODES["bucket"]


def _costs(thing) -> bool:
    return isinstance(thing, Node) and bool(thing.bill)


PICTURES = (
    Picture("architecture.svg", "From a changed order to an answer"),
    Picture("architecture_part_1.svg", "Part 1: the table that the orders live in", 1),
    Picture("architecture_part_2.svg", "Part 2: the function that makes audit events", 2),
    Picture("architecture_part_3.svg", "Part 3: the stream of changes, and the trigger that reads it", 3),
    Picture("architecture_part_4.svg", "Part 4: the delivery stream, and the bucket it fills", 4),
    Picture("architecture_part_5.svg", "Part 5: from files to answers", 5),
    Picture("architecture_part_6.svg", "Where a change goes when something fails", focus=_meets_failure),
    Picture("architecture_part_7.svg", "What AWS bills each piece by", focus=_costs, bills=True),
)


def _text(x, y, words, fill, size=13.5, *, bold=False, mono=False, anchor="middle") -> str:
    weight = ' font-weight="700"' if bold else ""
    family = MONO if mono else SANS
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size:g}" font-family="{family}"{weight} '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def _rect(box, fill, stroke="none", width=1.0, radius=10, dashed=False) -> str:
    x, y, w, h = box
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{radius:g}" fill="{fill}" stroke="{stroke}" '
        f'stroke-width="{width:g}"{dash}/>'
    )


def _badge(x, y, part, colour) -> list:
    return [
        _rect((x - 28, y - 10, 56, 20), colour, PANEL, 1.5, 10),
        _text(x, y + 4.5, f"Part {part}", PANEL, 12.5, bold=True),
    ]


def _arrow(points, colour, kind, width=2.0) -> list:
    """A line through `points` whose head ends exactly at the last of them."""
    (x0, y0), (x, y) = points[-2:]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    base = (x - 9 * dx, y - 9 * dy)
    wings = [(base[0] - 5 * dy, base[1] + 5 * dx), (base[0] + 5 * dy, base[1] - 5 * dx)]
    line = " L".join(f"{px:g} {py:g}" for px, py in (*points[:-1], base))
    dash = f' stroke-dasharray="{DASHES[kind]}"' if DASHES[kind] else ""
    head = " L".join(f"{px:g} {py:g}" for px, py in ((x, y), *wings))
    return [
        f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"{dash}/>',
        f'<path d="M{head} Z" fill="{colour}"/>',
    ]


def _icon(name, x, y, colour) -> str:
    return (
        f'<path transform="translate({x:g} {y:g})" d="{ICONS[name]}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _small_charts(x, y, colours) -> list:
    """Three small charts: a matrix, orders by state over time, and the line of one order's life."""
    dim = colours is DIM
    shades = ("#eceff3", "#dfe3e9", "#d2d8e0", "#c3cad5") if dim else ("#fbd3e3", "#f091b8", "#d4478a", "#a3195b")
    cells = ((3, 1, 0, 0), (0, 2, 1, 0), (0, 0, 3, 1), (1, 0, 0, 2))
    drawn = [
        _rect((x + 17 * column, y + 14 * row, 15, 12), shades[shade], radius=2)
        for row, line in enumerate(cells)
        for column, shade in enumerate(line)
    ]
    for rank, heights in enumerate(((22, 30, 38, 44, 50), (14, 18, 24, 24, 20), (8, 10, 10, 8, 6))):
        drawn += [
            _rect((x + 92 + 17 * step, y + 54 - height, 13, height), shades[rank + 1], radius=2)
            for step, height in enumerate(heights)
        ]
    line = f"M{x + 196} {y + 27} H{x + 282}"
    drawn.append(f'<path d="{line}" fill="none" stroke="{colours.strong}" stroke-width="2"/>')
    drawn += [
        f'<circle cx="{x + 200 + step}" cy="{y + 27}" r="{radius}" fill="{shades[3]}"/>'
        for step, radius in ((0, 6), (22, 6), (54, 6), (78, 6))
    ]
    return drawn


def _node(key, node, picture) -> list:
    focus = picture.focuses(node)
    colours = PART_COLOURS.get(node.part, OUTSIDE) if focus else DIM
    drawer = key in DRAWERS
    fill = PANEL if drawer and focus else colours.tint
    frame = _rect(node.box, fill, colours.strong, 2 if focus else 1.5, 8 if drawer else 12, not picture.stands(node))
    caption = node.bill if picture.bills and node.bill else node.caption
    inside = _bucket if key == "bucket" else _charts if key == "charts" else _card
    return [frame, *inside(node, caption, colours, CAPTION if focus else DIM.text)]


def _card(node, caption, colours, caption_colour) -> list:
    """An icon, where there is one, over the service, its name and a caption, all centred."""
    x, y, w, h = node.box
    lines = [
        *((words, colours.text, 16, True, False) for words in node.service),
        *((words, colours.text, 13, False, True) for words in node.name),
        *((words, caption_colour, 13.5, False, False) for words in caption),
    ]
    drawn, first = [], y + h / 2 + 5 - 10 * (len(lines) - 1)
    if node.icon:
        spare = 10 * (4 - len(lines))
        drawn, first = [_icon(node.icon, x + w / 2 - 16, y + 14 + spare / 2, colours.strong)], y + 66 + spare
    return drawn + [
        _text(x + w / 2, first + 20 * rank, words, fill, size, bold=bold, mono=mono)
        for rank, (words, fill, size, bold, mono) in enumerate(lines)
    ]


def _bucket(node, caption, colours, caption_colour) -> list:
    """The bucket's line stands below its drawers, where fewest arrows pass."""
    x, level = node.box[0], node.box[1] + node.box[3] - 22
    name = (
        _text(x + 256, level, caption[0], caption_colour, anchor="start")
        if caption
        else _text(x + 256, level, node.name[0], colours.text, 13, mono=True, anchor="start")
    )
    return [
        _icon(node.icon, x + 122, level - 21, colours.strong),
        _text(x + 164, level, node.service[0], colours.text, 16, bold=True, anchor="start"),
        name,
    ]


def _charts(node, caption, colours, caption_colour) -> list:
    x, y, w, _ = node.box
    return [
        *_small_charts(x + 20, y + 20, colours),
        _text(x + w / 2, y + 100, node.service[0], colours.text, 16, bold=True),
        _text(x + w / 2, y + 121, caption[0], caption_colour),
    ]


def _legend(picture) -> list:
    """What the lines mean, and in a Part's picture also what the frames mean."""
    x, y = 20, 296
    drawn = [_text(x, y + 14, "How to read it", TITLE, 14, bold=True, anchor="start")]
    for rank, (kind, words) in enumerate(LEGEND_EDGES):
        level = y + 38 + 24 * rank
        colour = FAILURE if kind == "failure" else FLOW
        drawn += _arrow(((x, level), (x + 44, level)), colour, kind)
        drawn.append(_text(x + 56, level + 4.5, words, CAPTION, anchor="start"))
    if picture.part:
        full = PART_COLOURS[picture.part]
        frames = (
            (full, False, f"made in Part {picture.part}"),
            (DIM, False, "there already"),
            (DIM, True, "still to come"),
        )
        if picture.part == 5:
            frames = frames[:2]
        for rank, (colours, dashed, words) in enumerate(frames):
            level = y + 110 + 24 * rank
            drawn += [
                _rect((x, level - 8, 44, 16), colours.tint, colours.strong, 2 if colours is full else 1.5, 5, dashed),
                _text(x + 56, level + 4.5, words, CAPTION, anchor="start"),
            ]
    return drawn


def describe(picture) -> str:
    """The drawing in words, for those who do not see it: what is in focus, then what flows where."""
    flows = "; ".join(
        f"{NODES[edge.source].says} to {NODES[edge.target].says}" for edge in EDGES if edge.kind == "flow"
    )
    fails = "; ".join(f"{NODES[edge.source].says} to {NODES[edge.target].says} ({edge.label})" for edge in FAILURES)
    if picture.bills:
        focus = (
            "Billed: " + "; ".join(f"{node.says} {' '.join(node.bill)}" for node in NODES.values() if node.bill) + "."
        )
    elif picture.part or picture.focus:
        focus = "In focus: " + ", ".join(node.says for node in NODES.values() if picture.focuses(node)) + "."
    else:
        focus = "Everything is in focus."
    return f"{focus} Flows: {flows}. What fails: {fails}."


def draw(picture: Picture) -> str:
    """The SVG text of one picture."""
    drawn = [
        _rect((1, 1, WIDTH - 2, HEIGHT - 2), PANEL, PANEL_BORDER, 1.5, 16),
        _text(20, 36, picture.title, TITLE, 20, bold=True, anchor="start"),
    ]
    drawn += _legend(picture)
    for key, node in NODES.items():
        drawn += _node(key, node, picture)
    for edge in sorted(EDGES, key=picture.focuses):  # those in focus are drawn last, over the others
        focus = picture.focuses(edge)
        colour = (FAILURE if edge.kind == "failure" else FLOW) if focus else DIM.strong
        drawn += _arrow(edge.points, colour, edge.kind, 2.5 if focus and picture.part else 2)
        if edge.label:
            words = FAILURE if edge.kind == "failure" else CAPTION
            drawn.append(_text(*edge.at, edge.label, words if focus else DIM.text, 13, anchor="start"))
    for key, node in NODES.items():
        if node.part and key not in DRAWERS:
            x, y, w, _ = node.box
            colour = PART_COLOURS[node.part].strong if picture.focuses(node) else DIM.text
            drawn += _badge(x + (61 if key == "bucket" else w / 2), y, node.part, colour)
    lines = "\n  ".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-labelledby="title desc">\n  <title id="title">{escape(picture.title)}</title>\n'
        f'  <desc id="desc">{escape(describe(picture))}</desc>\n  {lines}\n</svg>\n'
    )


def main(arguments=None) -> int:
    """Draw, or with `--check` compare; the exit status is 1 where a file differs."""
    parser = argparse.ArgumentParser(description="Draw the architecture, whole and once for each Part.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a file differs from what would be drawn"
    )
    parser.add_argument(
        "--into", type=Path, default=IMAGES, metavar="FOLDER", help="where the files go (default: notebooks/images)"
    )
    options = parser.parse_args(arguments)
    stale = []
    for picture in PICTURES:
        path, text = options.into / picture.file, draw(picture).encode()
        if options.check:
            if not path.is_file() or path.read_bytes() != text:
                stale.append(picture.file)
        else:
            options.into.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
            print(path)
    if stale:
        print(
            f"Not as drawn: {', '.join(stale)}. Run 'python3 scripts/draw_architecture.py' and commit what it writes.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
