"""The sheet a map is drawn on: windows onto the ground, context, legend column, scale bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import (
    CONTEXT,
    INK,
    MUTED,
    RULE,
    SMALL,
    TEXT,
    WIDTH,
    Box,
    Canvas,
    shorten_text,
    text_width,
)
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
from diagnosis.drawing.labels import Label, place_labels, write_labels
from diagnosis.drawing.legend import Legend
from diagnosis.errors import InputError, examples
from diagnosis.figure import Figure, Heading, clean_text, count_municipalities, find_words, format_number

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

COLUMN = 128.0
GAP = 12.0
PADDING = 0.04
INSET_HEIGHT = 78.0
TOLERANCE = 0.4
"""Points below which borders are simplified: the square is the least area that counts."""
POLYGON = 3
"""Number of the polygon type in shapely."""


@dataclass(frozen=True)
class Window:
    """A rectangle of the sheet onto a rectangle of the ground.

    Attributes
    ----------
    ground : tuple of float
        Left, bottom, right, top in metres of the local projection.
    box : tuple of float
        Left, bottom, right, top on the sheet, in points.
    shapes : pandas.Series
        Polygons in points, indexed by municipality code; only municipalities with a part in the window.
    label : str
        Names of the municipalities in an inset; empty for the main map.
    """

    ground: Box
    box: Box
    shapes: pd.Series
    label: str = ""

    @cached_property
    def scale(self) -> float:
        """Points per metre."""
        return (self.box[2] - self.box[0]) / (self.ground[2] - self.ground[0])

    @cached_property
    def places(self) -> pd.DataFrame:
        """A point inside the largest part of each municipality: columns `x`, `y` in points."""
        import shapely

        parts, owner = shapely.get_parts(self.shapes.to_numpy(), return_index=True)
        largest = pd.Series(shapely.area(parts)).groupby(owner).idxmax().to_numpy()
        points = shapely.point_on_surface(parts[largest])
        centroids = shapely.centroid(parts[largest])
        inside = shapely.contains(parts[largest], centroids)
        points = np.where(inside, centroids, points)
        return pd.DataFrame({"x": shapely.get_x(points), "y": shapely.get_y(points)}, index=self.shapes.index)

    def place(self, code: str) -> tuple[float, float]:
        """Return the point of one municipality, see :attr:`places`."""
        x, y = self.places.loc[code]
        return float(x), float(y)


class MapSheet:
    """Canvas, windows and legend of one map.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        The territory: indexed by code, with `name`, in a metric CRS.
    legend : Legend
        Drawn in the column to the right.
    language : {"it", "en"}
        Language of the scale bars.
    context : geopandas.GeoDataFrame, optional
        Land around the territory, in the same CRS; rows of the territory in it are ignored.
    compact : bool
        Half as wide, with the legend and the insets below the map: for two maps side by side.
    """

    def __init__(
        self,
        municipalities: GeoDataFrame,
        legend: Legend,
        language: str,
        context: GeoDataFrame | None = None,
        compact: bool = False,
    ) -> None:
        self.language = language
        self.names = municipalities["name"].astype("str").map(clean_text)
        parts = explode_parts(municipalities)
        main, groups = split_ground(parts)
        ground = fit_frame(parts[main].total_bounds, PADDING)
        total = (WIDTH - GAP) / 2 if compact else WIDTH
        half = (total - GAP) / 2 if groups else total - GAP
        self._column = half if compact else COLUMN
        width = total - 2 if compact else total - COLUMN - GAP
        height = width * (ground[3] - ground[1]) / (ground[2] - ground[0])
        stack = len(groups) * (INSET_HEIGHT + GAP)
        foot = 0.0
        if compact:
            foot = GAP + max(legend.height(self._column), stack)
        else:
            height = max(height, legend.height(COLUMN) + stack)
        ground = stretch_box(ground, height / width)
        self.canvas = Canvas(total, foot + height + 2)
        box = (1.0, 1.0 + foot, 1.0 + width, 1.0 + foot + height)
        tolerance = TOLERANCE * (ground[2] - ground[0]) / width
        near = cut_context(context, municipalities, ground, parts.crs)
        land, around = simplify_coverage(parts[main], near, tolerance)
        self.main = Window(ground, box, to_points(land, ground, box))
        self.land_around = to_points(around, ground, box)
        self.insets = self._stack(parts, groups, total)
        self.legend = legend
        self._legend_corner = (1.0, foot - GAP) if compact else (WIDTH - COLUMN, self.canvas.height - 1)

    @property
    def windows(self) -> list[Window]:
        """The main map and the insets."""
        return [self.main, *self.insets]

    def draw_context(self) -> None:
        """Draw the land around the territory."""
        import shapely

        if len(self.land_around):
            clipped = shapely.get_parts(shapely.clip_by_rect(self.land_around.to_numpy(), *self.main.box))
            land = shapely.MultiPolygon(list(clipped[shapely.get_type_id(clipped) == POLYGON]))
            self.canvas.shape(self._enclosed(clipped), CONTEXT)
            self.canvas.shape(land, CONTEXT, "white", 0.6)

    def _enclosed(self, around: np.ndarray) -> Any:
        """Ground that the land surrounds on all sides without being part of it: San Marino, the Vatican."""
        import shapely

        union = shapely.union_all(np.concatenate((self.main.shapes.to_numpy(), around)), grid_size=0.05)
        rings = [ring for part in shapely.get_parts([union]) for ring in getattr(part, "interiors", ())]
        return shapely.MultiPolygon([shapely.Polygon(ring) for ring in rings])

    def draw_frames(self) -> None:
        """Draw frames, scale bars, labels of insets and the legend, over everything else."""
        for window in self.windows:
            left, bottom, right, top = window.box
            if window.label or len(self.land_around):
                self.canvas.rectangle(left, bottom, right - left, top - bottom, edge=RULE, line=0.6)
            self._draw_scale_bar(window)
            if window.label:
                self.canvas.write(left + 4, top - 6.5, window.label, SMALL, halo=2, colour=MUTED)
        self.legend.draw(self.canvas, *self._legend_corner, self._column)

    def draw_outline(self, city: str | None) -> None:
        """Draw the outline of the territory and, stronger, of the city."""
        import shapely

        for window in self.windows:
            outline = shapely.coverage_union_all(window.shapes.to_numpy())
            self.canvas.shape(outline, edge=MUTED, line=0.7)
            if city is not None and city in window.shapes.index:
                self.canvas.shape(window.shapes[city], edge=INK, line=1.4)

    def write_labels(self, labels: Sequence[Label], obstacles: Sequence[Box] = ()) -> None:
        """Write the labels of the main map, the most important first, where they find room."""
        taken = [self.scale_bar(self.main)[0], *obstacles]
        write_labels(self.canvas, place_labels(labels, self.main.box, taken))

    def finish(self, heading: Heading, description: str, table: pd.DataFrame, *notes: str) -> Figure:
        """Make the figure; its caption names the insets and counts municipalities without a polygon."""
        words = heading.words
        insets = "; ".join(window.label for window in self.insets)
        drawn = {code for window in self.windows for code in window.shapes.index}
        lost = len(self.names) - len(drawn)
        return self.canvas.finish(
            heading,
            description,
            table,
            *notes,
            words["insets"].format(insets) if insets else "",
            words["without_polygon"].format(count_municipalities(lost, heading.language)) if lost else "",
        )

    def scale_bar(self, window: Window) -> tuple[Box, float]:
        """Box of the scale bar in points, with its text, and its length in kilometres."""
        left, bottom, right, _ = window.box
        longest = 0.24 * (right - left) / window.scale / 1000
        exponent = np.floor(np.log10(longest))
        kilometres = max(f * 10.0**exponent for f in (1, 2, 5) if f * 10.0**exponent <= longest)
        length = kilometres * 1000 * window.scale
        side = self._emptier_side(window, length + 10)
        x = left + 6 if side == "left" else right - 6 - length
        return (x - 1, bottom + 4, x + length + 1, bottom + 17), kilometres

    def _emptier_side(self, window: Window, width: float) -> str:
        import shapely

        left, bottom, right, _ = window.box
        corners = (
            shapely.box(left, bottom, left + width, bottom + 20),
            shapely.box(right - width, bottom, right, bottom + 20),
        )
        covered = [
            shapely.area(shapely.intersection(window.shapes.to_numpy(), corner)).sum() for corner in corners
        ]
        return "left" if covered[0] <= covered[1] else "right"

    def _draw_scale_bar(self, window: Window) -> None:
        (left, bottom, right, _), kilometres = self.scale_bar(window)
        left, right, y = left + 1, right - 1, bottom + 3
        for colour, width in (("white", 3.2), (INK, 0.9)):
            self.canvas.line([left, left, right, right], [y + 2.5, y, y, y + 2.5], colour=colour, width=width)
        decimals = 0 if kilometres >= 1 else 1
        text = f"{format_number(kilometres, decimals, self.language)} km"
        self.canvas.write((left + right) / 2, y + 6.5, text, SMALL, align="center", halo=2.2)

    def _stack(self, parts: GeoDataFrame, groups: Sequence[np.ndarray], total: float) -> list[Window]:
        """Insets one over the other at the lower right."""
        words, windows, bottom = find_words(self.language), [], 1.0
        for rows in groups:
            group = parts.iloc[rows]
            box = (total - self._column + 1, bottom, total - 1, bottom + INSET_HEIGHT)
            inner = (box[0], box[1] + 12, box[2], box[3] - 10)  # room for the label and the scale bar
            ground = stretch_box(fit_frame(group.total_bounds, 0.06, free=True), find_proportion(inner))
            per_point = (ground[2] - ground[0]) / (inner[2] - inner[0])
            ground = (ground[0], ground[1] - 12 * per_point, ground[2], ground[3] + 10 * per_point)
            land, _ = simplify_coverage(group, None, TOLERANCE * per_point)
            outside = set(parts.index.delete(rows))
            largest = group.area.groupby(level=0).sum().sort_values(ascending=False).index
            label = _fit_names(
                [
                    words["part"].format(self.names[code]) if code in outside else self.names[code]
                    for code in largest
                ],
                self.language,
                self._column - 10,
            )
            windows.append(Window(ground, box, to_points(land, ground, box), label))
            bottom += INSET_HEIGHT + GAP
        return windows


def check_municipalities(municipalities: GeoDataFrame) -> None:
    """Raise an InputError unless the table can be drawn: rows, names, unique codes, a metric CRS, polygons."""
    if not len(municipalities):
        raise InputError("A map needs at least one municipality", "the table is empty")
    if "name" not in municipalities.columns:
        raise InputError("The municipalities of a map need a column 'name'", "there is none")
    if not municipalities.index.is_unique:
        repeated = municipalities.index[municipalities.index.duplicated()]
        raise InputError("Codes of municipalities must be unique", f"repeated: {examples(repeated)}")
    if municipalities.crs is None or municipalities.crs.is_geographic:
        raise InputError(
            "The municipalities of a map must be in a metric CRS",
            f"{'none' if municipalities.crs is None else municipalities.crs.to_string()} was given",
            "Call to_crs('EPSG:3035') first",
        )
    if (municipalities.geometry.isna() | municipalities.geometry.is_empty).all():
        raise InputError("A map needs at least one municipality with a polygon", "all geometries are empty")


def _fit_names(names: list[str], language: str, width: float) -> str:
    """Join as many names as an inset has room for, and the number of the others."""
    for number in range(len(names), 0, -1):
        text = ", ".join(names[:number])
        if number < len(names):
            text += find_words(language)["and_others"].format(len(names) - number)
        if text_width(text, SMALL) <= width:
            return text
    return shorten_text(text, width, SMALL)


def check_city(city: str | None, codes: pd.Index) -> None:
    """Raise an InputError unless the city is one of the municipalities."""
    if city is not None and city not in codes:
        raise InputError(
            "The city must be one of the municipalities of the map",
            f"{city!r} is not among {len(codes)}, for instance {examples(codes)}",
        )


def align_values(values: pd.Series, codes: pd.Index, what: str) -> pd.Series:
    """Put values in the order of the municipalities; missing where there is none."""
    if not values.index.is_unique:
        repeated = values.index[values.index.duplicated()].unique()
        raise InputError(f"{what} must have one value a municipality", f"repeated: {examples(repeated)}")
    if len(values) and not values.index.isin(codes).any():
        raise InputError(
            f"{what} must be indexed by the codes of the municipalities",
            f"found {examples(values.index)}, wanted {examples(codes)}",
        )
    return values.reindex(codes)


def say_nothing(heading: Heading, names: pd.Series, values: pd.Series) -> Figure:
    """Make a figure that says in words that there is nothing to draw."""
    words = heading.words
    count = count_municipalities(len(names), heading.language)
    canvas = Canvas(WIDTH, 60)
    canvas.rectangle(1, 1, WIDTH - 2, 58, fill=CONTEXT, edge=RULE)
    text = f"{words['nothing_short']} ({count})"
    canvas.write(WIDTH / 2, 30, text, TEXT + 1, colour=MUTED, align="center")
    description = words["nothing"].format(title=heading.title, count=count)
    return canvas.finish(heading, description, pd.DataFrame({"name": names, "value": values, "class": None}))
