"""The legend of a map: a column of swatches, lines and circles with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnosis.drawing.canvas import INK, MUTED, RULE, SMALL, TEXT, Canvas, wrap_text
from diagnosis.drawing.stipple import DIAMETER, contrast_colour

HATCH = "//////"
"""Pattern of a municipality without data, drawn in :data:`diagnosis.drawing.canvas.RULE` on white."""
BORDER = "#8d969d"
"""Between municipalities: thin and grey, since white would vanish beside the lightest class."""
BORDER_WIDTH = 0.35
SWATCH = 16.0
CIRCLE = 26.0
"""Room for circles, as wide as the largest one of a map."""
LEADING = 10.0
TITLE_SPACE = 5.0
ITEM_SPACE = 3.5


@dataclass(frozen=True)
class Item:
    """One entry: a swatch of one or more colours, plain or dotted, a line, a wedge or a circle.

    Attributes
    ----------
    kind : {"swatch", "hatch", "dots", "line", "wedge", "circle", "text"}
    label : str
    colours : tuple of str
        Several colours stand side by side in a swatch.
    size : float
        Width of a line or wedge, or radius of a circle, in points.
    dashes : tuple of float
        Pattern of a line; empty if solid.
    """

    kind: str
    label: str
    colours: tuple[str, ...] = (INK,)
    size: float = 1.0
    dashes: tuple[float, ...] = ()

    def rows(self, width: float) -> list[str]:
        """Lines of the label."""
        room = width - {"text": 0.0, "circle": CIRCLE + 6}.get(self.kind, SWATCH + 6)
        return wrap_text(self.label, room, SMALL if self.kind == "text" else TEXT, lines=3)

    def height(self, width: float) -> float:
        """Height in points, space below included."""
        text = LEADING * max(1, len(self.rows(width)))
        return max(text, 2 * self.size + 1 if self.kind == "circle" else 0) + ITEM_SPACE


@dataclass(frozen=True)
class Legend:
    """Blocks of entries, each under a title.

    Attributes
    ----------
    blocks : sequence of tuple of (str, sequence of Item)
        Title (may be empty) and entries.
    """

    blocks: Sequence[tuple[str, Sequence[Item]]]

    def height(self, width: float) -> float:
        """Height in points in a column of `width` points."""
        return sum(
            len(_title_rows(title, width)) * LEADING
            + TITLE_SPACE
            + sum(item.height(width) for item in items)
            + TITLE_SPACE
            for title, items in self.blocks
            if items
        )

    def draw(self, canvas: Canvas, left: float, top: float, width: float) -> None:
        """Draw downwards from the upper left corner."""
        for title, items in self.blocks:
            if not items:
                continue
            for row in _title_rows(title, width):
                canvas.write(left, top - LEADING / 2, row, TEXT, bold=True)
                top -= LEADING
            top -= TITLE_SPACE
            for item in items:
                _draw_item(canvas, item, left, top, width)
                top -= item.height(width)
            top -= TITLE_SPACE


def _title_rows(title: str, width: float) -> list[str]:
    return wrap_text(title, width, TEXT, bold=True, lines=5) if title else []


def _draw_item(canvas: Canvas, item: Item, left: float, top: float, width: float) -> None:
    rows = item.rows(width)
    middle = top - (item.height(width) - ITEM_SPACE) / 2 if item.kind == "circle" else top - LEADING / 2
    right = left + SWATCH
    if item.kind in ("swatch", "dots"):
        part = SWATCH / len(item.colours)
        for number, colour in enumerate(item.colours):
            canvas.rectangle(left + number * part, middle - 4.5, part, 9, fill=colour)
        canvas.rectangle(left, middle - 4.5, SWATCH, 9, edge=MUTED, line=0.3)
        for number, colour in enumerate(item.colours if item.kind == "dots" else ()):
            centre = left + (number + 0.5) * part
            places = [(centre - 2, middle + 2), (centre + 2, middle + 2), (centre, middle)]
            places += [(centre - 2, middle - 2), (centre + 2, middle - 2)]
            canvas.dots(np.array(places), contrast_colour(colour), DIAMETER)
    elif item.kind == "hatch":
        canvas.rectangle(left, middle - 4.5, SWATCH, 9, fill="white", edge=RULE, line=0.4, hatch=HATCH)
    elif item.kind == "line":
        canvas.line([left, right], [middle, middle], item.colours[0], item.size, dashes=item.dashes or None)
    elif item.kind == "wedge":
        half = item.size / 2
        points = np.array([(left, middle - half), (left, middle + half), (right, middle)])
        canvas.outline(points, item.colours[0], opacity=0.8)
    elif item.kind == "circle":
        canvas.circle(left + CIRCLE / 2, middle, item.size, fill=item.colours[0], edge=INK, line=0.5)
    start = left + {"text": 0.0, "circle": CIRCLE + 6}.get(item.kind, SWATCH + 6)
    first = middle + (len(rows) - 1) * LEADING / 2 if item.kind == "circle" else middle
    for number, row in enumerate(rows):
        canvas.write(
            start,
            first - number * LEADING,
            row,
            SMALL if item.kind == "text" else TEXT,
            colour=MUTED if item.kind == "text" else INK,
        )
