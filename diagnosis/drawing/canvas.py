"""A sheet measured in points on which maps and charts are drawn, and the style they share.

One unit is one point (1/72 inch) from the lower left corner, so that sizes in print are those written here.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.drawing.svg import finish_svg
from diagnosis.figure import Figure, Heading, clean_text

WIDTH = 482.0
"""Width of a figure in points: the text column of an A4 page with margins of 20 mm."""

INK = "#22272b"
MUTED = "#5c6670"
RULE = "#c3c9ce"
FAINT = "#eceff1"
CONTEXT = "#eeeeec"
ACCENT = "#1b6a8f"
CONTRAST = "#c96a12"
"""Blue and orange stay apart for colour-blind readers and in grey."""

TEXT = 7.5
SMALL = 6.5
LONGEST_TEXT = 200
SETTINGS: Any = {
    "svg.fonttype": "path",
    "svg.hashsalt": "diagnosis",
    "hatch.linewidth": 0.5,
    "path.simplify": False,
    "path.sketch": None,
}
"""Settings of matplotlib while a sheet is written; those of the user stay as they are."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in points."""


@lru_cache(maxsize=16)
def _font(size: float, bold: bool) -> Any:
    from matplotlib import get_data_path
    from matplotlib.font_manager import FontProperties

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return FontProperties(fname=Path(get_data_path(), "fonts", "ttf", name), size=size)


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    from matplotlib.font_manager import get_font

    fonts = [get_font(_font(TEXT, bold).get_file()) for bold in (False, True)]
    return frozenset(fonts[0].get_charmap()) & frozenset(fonts[1].get_charmap())


@lru_cache(maxsize=4096)
def legible(text: str) -> str:
    """Text on one line that the font can draw; a character it lacks becomes a question mark."""
    known = _characters()
    text = "".join(letter if ord(letter) in known else "?" for letter in clean_text(text))
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT, bold: bool = False) -> float:
    """Width in points of one line of text."""
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(legible(text), _font(size, bold), ismath=False)[0]


def shorten_text(text: str, width: float, size: float = TEXT, bold: bool = False) -> str:
    """Cut one line of text to `width` points, with an ellipsis where something was cut."""
    text = legible(text)
    if text_width(text, size, bold) <= width:
        return text
    while text and text_width(text + "…", size, bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap_text(text: str, width: float, size: float = TEXT, bold: bool = False, lines: int = 4) -> list[str]:
    """Break a text at its blanks into lines of at most `width` points; a longer word is cut."""
    rows = [""]
    for word in legible(text).split():
        longer = f"{rows[-1]} {word}".strip()
        if rows[-1] and text_width(longer, size, bold) > width:
            rows.append(word)
        else:
            rows[-1] = longer
    if len(rows) > lines:
        rows = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    return [shorten_text(row, width, size, bold) for row in rows]


class Canvas:
    """A white sheet; what is drawn later lies on top.

    Parameters
    ----------
    width, height : float
        Size in points.
    """

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure as Sheet

        self.width, self.height = float(width), float(height)
        self._sheet = Sheet(figsize=(width / 72, height / 72), dpi=72, facecolor="white")
        self._output = FigureCanvasSVG(self._sheet)
        self._axes = self._sheet.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set(xlim=(0, width), ylim=(0, height))
        self._tooltips: dict[str, str] = {}
        self._order = count(1)

    def _add(self, artist: Any, tooltip: str = "") -> None:
        artist.set_zorder(next(self._order))
        artist.set_clip_on(False)
        if tooltip:
            identifier = f"tip{len(self._tooltips)}"
            artist.set_gid(identifier)
            self._tooltips[identifier] = tooltip
        self._axes.add_artist(artist)

    def shape(
        self,
        geometry: Any,
        fill: str = "none",
        edge: str = "none",
        line: float = 0.5,
        *,
        hatch: str | None = None,
        dashes: Sequence[float] | None = None,
        tooltip: str = "",
        opacity: float = 1.0,
    ) -> None:
        """Draw a polygon or line (shapely geometry in points)."""
        from matplotlib.patches import PathPatch

        path = _path_of(geometry)
        if path is not None:
            patch = PathPatch(
                path, facecolor=fill, edgecolor=edge, linewidth=line, hatch=hatch, alpha=opacity
            )
            patch.set_joinstyle("round")
            if dashes is not None:
                patch.set_linestyle((0, tuple(dashes)))
            self._add(patch, tooltip)

    def outline(self, points: np.ndarray, fill: str, *, opacity: float = 1.0, tooltip: str = "") -> None:
        """Fill the polygon through `points`, an array of shape (n, 2)."""
        from matplotlib.patches import Polygon

        self._add(Polygon(points, closed=True, facecolor=fill, edgecolor="none", alpha=opacity), tooltip)

    def rectangle(
        self,
        left: float,
        bottom: float,
        width: float,
        height: float,
        fill: str = "none",
        *,
        edge: str = "none",
        line: float = 0.5,
        hatch: str | None = None,
        tooltip: str = "",
    ) -> None:
        """Draw a rectangle."""
        from matplotlib.patches import Rectangle

        self._add(
            Rectangle((left, bottom), width, height, facecolor=fill, edgecolor=edge, lw=line, hatch=hatch),
            tooltip,
        )

    def circle(
        self,
        x: float,
        y: float,
        radius: float,
        fill: str = "none",
        edge: str = "none",
        *,
        line: float = 0.5,
        tooltip: str = "",
        opacity: float = 1.0,
    ) -> None:
        """Draw a circle."""
        from matplotlib.patches import Circle

        self._add(Circle((x, y), radius, facecolor=fill, edgecolor=edge, lw=line, alpha=opacity), tooltip)

    def dots(
        self, points: np.ndarray, colour: str = INK, diameter: float = 1.0, *, tooltip: str = ""
    ) -> None:
        """Draw small dots at `points`, an array of shape (n, 2), as one path of short round strokes."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path as Outline

        if not len(points):
            return
        ends = np.repeat(np.round(points, 1), 2, axis=0)
        ends[1::2, 0] += 0.1  # survives the rounding of long paths: a stroke without length may not be drawn
        codes = np.tile(np.array([Outline.MOVETO, Outline.LINETO], dtype=Outline.code_type), len(points))
        patch = PathPatch(Outline(ends, codes), facecolor="none", edgecolor=colour, linewidth=diameter)
        patch.set_capstyle("round")
        self._add(patch, tooltip)

    def line(
        self,
        x: Sequence[float] | np.ndarray,
        y: Sequence[float] | np.ndarray,
        colour: str = RULE,
        width: float = 0.5,
        *,
        dashes: Sequence[float] | None = None,
        tooltip: str = "",
    ) -> None:
        """Draw a line through points."""
        from matplotlib.lines import Line2D

        artist = Line2D(x, y, color=colour, linewidth=width, solid_joinstyle="round")
        artist.set_solid_capstyle("round" if width > 1 else "butt")
        if dashes is not None:
            artist.set_linestyle((0, tuple(dashes)))
        self._add(artist, tooltip)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        size: float = TEXT,
        *,
        colour: str = INK,
        bold: bool = False,
        align: str = "left",
        halo: float = 0.0,
    ) -> None:
        """Write one line of text vertically centred on `y`; `align` says which end lies on `x`."""
        from matplotlib.patheffects import withStroke

        text = legible(text)
        if not text:
            return
        shift = {"left": 0.0, "center": 0.5, "right": 1.0}[align] * text_width(text, size, bold)
        baseline = y - 0.36 * size  # half the height of a capital letter
        artist = self._axes.text(
            x - shift,
            baseline,
            text,
            fontproperties=_font(size, bold),
            color=colour,
            ha="left",
            va="baseline",
            parse_math=False,
            path_effects=[withStroke(linewidth=halo, foreground="white")] if halo else None,
        )
        artist.set_zorder(next(self._order))

    def finish(self, heading: Heading, description: str, table: pd.DataFrame, *notes: str) -> Figure:
        """Make the figure: the drawing as an accessible ``<svg>``, and what stands around it.

        Parameters
        ----------
        heading : Heading
        description : str
            Text alternative.
        table : pandas.DataFrame
            The numbers behind the drawing.
        *notes : str
            For the caption.
        """
        from matplotlib import rc_context

        buffer = io.StringIO()
        with rc_context(SETTINGS):
            self._output.print_svg(buffer, metadata={"Date": None, "Creator": None})
        svg = finish_svg(buffer.getvalue(), heading.figure_id, heading.title, description, self._tooltips)
        return Figure(
            id=heading.figure_id,
            title=heading.title,
            caption=heading.write_caption(*notes),
            alt=description,
            svg=svg,
            table=table,
            source=heading.source,
        )


def _path_of(geometry: Any) -> Any:
    """One matplotlib path of all rings and lines of a geometry, holes turned against their shells."""
    import shapely
    from matplotlib.path import Path as Outline

    if geometry is None or geometry.is_empty:
        return None
    if geometry.geom_type.endswith("Polygon"):
        rings = shapely.get_rings(shapely.get_parts([shapely.orient_polygons(geometry)]))
        closing = Outline.CLOSEPOLY
    else:
        rings, closing = shapely.get_parts([geometry]), Outline.LINETO
    coordinates, owner = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(coordinates), Outline.LINETO, dtype=Outline.code_type)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    codes[starts] = Outline.MOVETO
    codes[np.append(starts[1:], len(owner)) - 1] = closing
    return Outline(coordinates, codes)


def text_box(x: float, y: float, text: str, size: float, bold: bool = False) -> Box:
    """Box of a line of text centred on a place."""
    width = text_width(text, size, bold)
    return x - width / 2, y - 0.6 * size, x + width / 2, y + 0.6 * size
