"""Small maps of the same ground on one sheet, two beside each other, on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import INK, MUTED, RULE, SMALL, WIDTH, Box, Canvas, shorten_text, wrap_text
from diagnosis.drawing.ground import (
    cut_context,
    explode_parts,
    find_proportion,
    fit_frame,
    simplify_coverage,
    split_ground,
    stretch_box,
    to_points,
)
from diagnosis.drawing.legend import Item, Legend
from diagnosis.drawing.sheet import GAP, PADDING, MapSheet, Window
from diagnosis.figure import Figure, Heading, clean_text, find_words, join_names

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

ACROSS = 2
HEAD, LEADING = 8.0, 9.5
"""Size of the font of a panel's title, and the height of a line of it."""
LOWEST, HIGHEST = 0.66, 1.02
"""Limits of height / width of a panel: two rows of them fit on a page."""
TOLERANCE = 0.7
"""Points below which borders are simplified: coarser than on a single map, since each is drawn several times."""
INSET = 56.0
INSETS = 3
"""Most insets beside each other, as many as :func:`diagnosis.drawing.ground.split_ground` makes."""


class Panel(MapSheet):
    """One map among several on a canvas; it is drawn on like the sheet of a single map.

    Parameters
    ----------
    canvas : Canvas
        That of all panels.
    names : pandas.Series
        Names of the municipalities.
    main : Window
    insets : list of Window
    land_around : pandas.Series
        Land around the territory, in points.
    language : {"it", "en"}
    scaled : bool
        Whether the scale bars are drawn: once is enough for maps of one scale.
    """

    def __init__(
        self,
        canvas: Canvas,
        names: pd.Series,
        main: Window,
        insets: list[Window],
        land_around: pd.Series,
        language: str,
        scaled: bool,
    ) -> None:
        self.canvas, self.names, self.language = canvas, names, language
        self.main, self.insets, self.land_around = main, insets, land_around
        self._scaled = scaled

    def draw_frames(self) -> None:
        """Draw frames, names of insets and, on one panel, the scale bars."""
        for window in self.windows:
            left, bottom, right, top = window.box
            if window.label or len(self.land_around):
                self.canvas.rectangle(left, bottom, right - left, top - bottom, edge=RULE, line=0.6)
            if self._scaled:
                self._draw_scale_bar(window)
            if window.label:
                text = shorten_text(window.label, right - left - 6, SMALL)
                self.canvas.write(left + 3, top - 6.0, text, SMALL, halo=2, colour=MUTED)


class PanelSheet:
    """Canvas and panels of several maps of the same municipalities.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        Indexed by code, with `name`, in a metric CRS.
    titles : sequence of (str, str)
        Above each panel: a title, on two lines at most, and a line in small print.
    items : list of Item
        The legend: in the empty place of an odd number of panels, else below them.
    language : {"it", "en"}
    context : geopandas.GeoDataFrame, optional
        Land around, in the same CRS.
    """

    def __init__(
        self,
        municipalities: GeoDataFrame,
        titles: Sequence[tuple[str, str]],
        items: list[Item],
        language: str,
        context: GeoDataFrame | None = None,
    ) -> None:
        self.names = municipalities["name"].astype("str").map(clean_text)
        parts = explode_parts(municipalities)
        main, groups = split_ground(parts)
        frame = fit_frame(parts[main].total_bounds, PADDING, free=True)
        ground = stretch_box(frame, min(max(find_proportion(frame), LOWEST), HIGHEST))
        self._width = (WIDTH - GAP) / ACROSS
        heads = [wrap_text(title, self._width, HEAD, bold=True, lines=2) for title, _ in titles]
        head = LEADING * (max(map(len, heads)) + 1) + 4
        height = (self._width - 2) * find_proportion(ground)
        foot = INSET + 4 if groups else 0.0
        tall = head + height + foot + GAP
        down = -(-len(titles) // ACROSS)
        half = -(-len(items) // 2)
        beside = len(titles) % ACROSS == 1
        self._legends = (
            [Legend([("", items)])]
            if beside
            else [Legend([("", items[:half])]), Legend([("", items[half:])])]
        )
        room = 0.0 if beside else max(legend.height(self._width) for legend in self._legends)
        self.canvas = Canvas(WIDTH, down * tall + room)
        self._corners = (
            [(self._width + GAP, room + tall)] if beside else [(0.0, room), (self._width + GAP, room)]
        )
        tolerance = TOLERANCE * (ground[2] - ground[0]) / self._width
        near = cut_context(context, municipalities, ground, parts.crs)
        land, around = simplify_coverage(parts[main], near, tolerance)
        land = land.map(lambda shape: _fill_gaps(shape, tolerance**2))
        grounds = [self._show_inset(parts, rows, language) for rows in groups]
        self.panels: list[Panel] = []
        for number, (rows, (_, line)) in enumerate(zip(heads, titles, strict=True)):
            left = number % ACROSS * (self._width + GAP)
            top = self.canvas.height - number // ACROSS * tall
            low = top - head + 4 + LEADING / 2
            small = shorten_text(line, self._width, SMALL)
            self.canvas.write(left, low, small, SMALL, colour=MUTED)
            for row, text in enumerate(reversed(rows), start=1):
                self.canvas.write(left, low + LEADING * row, text, HEAD, bold=True, colour=INK)
            box = (left + 1, top - head - height, left + self._width - 1, top - head)
            window = Window(ground, box, to_points(land, ground, box))
            insets = [
                _place_inset(shown, shapes, label, left + place * self._inset, box[1] - 4)
                for place, (shown, shapes, label) in enumerate(grounds)
            ]
            self.panels.append(
                Panel(
                    self.canvas,
                    self.names,
                    window,
                    insets,
                    to_points(around, ground, box),
                    language,
                    not number,
                )
            )

    @property
    def _inset(self) -> float:
        """Width of an inset and of the gap beside it."""
        return self._width / INSETS

    def _show_inset(self, parts: GeoDataFrame, rows: np.ndarray, language: str) -> tuple[Box, pd.Series, str]:
        """Ground, simplified shapes and names of an inset."""
        group = parts.iloc[rows]
        width, height = self._inset - 6, INSET - 22  # room for the name and the scale bar
        ground = stretch_box(fit_frame(group.total_bounds, 0.06, free=True), height / width)
        per_point = (ground[2] - ground[0]) / width
        land, _ = simplify_coverage(group, None, TOLERANCE * per_point)
        largest = group.area.groupby(level=0).sum().sort_values(ascending=False).index
        elsewhere, part = set(parts.index.delete(rows)), find_words(language)["part"]
        names = [part.format(self.names[code]) if code in elsewhere else self.names[code] for code in largest]
        label = join_names(names, language, 3)
        return (ground[0], ground[1] - 12 * per_point, ground[2], ground[3] + 10 * per_point), land, label

    def draw_legend(self) -> None:
        """Draw the legend."""
        for legend, (left, top) in zip(self._legends, self._corners, strict=True):
            legend.draw(self.canvas, left, top, self._width)

    def finish(self, heading: Heading, description: str, table: pd.DataFrame) -> Figure:
        """Make the figure, see :meth:`diagnosis.drawing.sheet.MapSheet.finish`."""
        return self.panels[0].finish(heading, description, table)


def _fill_gaps(shape: Any, least: float) -> Any:
    """Close the holes that parts too small to be drawn have left: the outline of an area would show them as dots."""
    import shapely

    parts = [
        shapely.Polygon(
            part.exterior, [ring for ring in part.interiors if shapely.Polygon(ring).area > least]
        )
        for part in shapely.get_parts(shape)
    ]
    return shapely.multipolygons(parts)


def _place_inset(ground: Box, land: pd.Series, label: str, left: float, top: float) -> Window:
    width = (WIDTH - GAP) / ACROSS / INSETS - 6
    box = (left + 1, top - INSET, left + 1 + width, top)
    return Window(ground, box, to_points(land, ground, box), label)
