"""The border of the territory on a map that reaches beyond it."""

from __future__ import annotations

from collections.abc import Iterable

from diagnosis.drawing.canvas import CONTRAST
from diagnosis.drawing.legend import Item
from diagnosis.drawing.sheet import MapSheet
from diagnosis.figure import find_words

WORDS = {"it": "confine del territorio", "en": "border of the territory"}
LINE, CASING = 1.3, 2.6
DASHES = (7.0, 1.8, 1.4, 1.8)
"""Long and short strokes in turn, so that it is not taken for a second partition, also in grey."""


def find_border(codes: Iterable[str], territory: Iterable[str] | None) -> frozenset[str]:
    """Say which municipalities lie inside the border to be drawn; none if the map ends at it.

    Parameters
    ----------
    codes : iterable of str
        Municipalities of the map.
    territory : iterable of str, optional
        Those of the territory.

    Returns
    -------
    frozenset of str
    """
    drawn = frozenset(codes)
    inside = drawn.intersection(() if territory is None else territory)
    return inside if inside != drawn else frozenset()


def border_items(inside: frozenset[str], language: str) -> list[Item]:
    """Legend entry of the border; nothing where there is none."""
    find_words(language)
    return [Item("line", WORDS[language], (CONTRAST,), LINE, DASHES)] if inside else []


def draw_border(sheet: MapSheet, inside: frozenset[str]) -> None:
    """Draw where the map reaches beyond some of its municipalities, over what has been drawn, on a white casing."""
    import shapely

    for window in sheet.windows:
        within = window.shapes.index.isin(list(inside))
        if within.any() and not within.all():
            shapes = window.shapes.to_numpy()
            edges = [
                shapely.boundary(shapely.coverage_union_all(group)) for group in (shapes[within], shapes)
            ]
            parts = shapely.get_parts([shapely.difference(*edges)])
            lines = shapely.MultiLineString([part for part in parts if part.geom_type == "LineString"])
            border = shapely.line_merge(lines)
            sheet.canvas.shape(border, edge="white", line=CASING, opacity=0.8)
            sheet.canvas.shape(border, edge=CONTRAST, line=LINE, dashes=DASHES)
