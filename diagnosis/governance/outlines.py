"""The map of the area editor: simplified outlines of municipalities, and the borders between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

SIZE = 1000
"""Length of the longer side of the map, in units of the drawing."""
DETAIL = 1 / 700
"""Of the longer side: bends smaller than a square of this side are left out."""
APART = 3.0
"""Of the drawing: what lies nearer together is seen to touch."""
COLOURS = ("#77aadd", "#ee8866", "#eedd88", "#ffaabb", "#99ddff", "#44bb99", "#bbcc33", "#aaaa00")
"""Tol P. (2021), Colour Schemes, SRON technical note 09-002: the scheme "light", for fills behind dark text, told
apart by readers who confuse colours."""


def draw_outlines(municipalities: GeoDataFrame, units: np.ndarray, pairs: np.ndarray) -> dict[str, Any]:
    """Draw municipalities as paths of an SVG.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame, length m
        In a metric CRS.
    units : numpy.ndarray of int, shape (m,)
        Unit each of them is part of.
    pairs : numpy.ndarray of int, shape (p, 2)
        Units that count as neighbours: where they lie apart (islands), a line joins their nearest municipalities.

    Returns
    -------
    dict
        `width`, `height`; `shapes` (m paths); `points` (m places inside, ``[x, y]``); `borders` (``[i, j, path]``, j =
        -1 where there is nobody on the other side); `ties` (``[i, j]``, joined by a line).

    Raises
    ------
    diagnosis.errors.InputError
        A municipality has no polygon.
    """
    import shapely

    shapes = shapely.force_2d(municipalities.geometry.to_numpy())
    blank = pd.isna(shapes) | shapely.is_empty(shapes)
    if len(shapes) == 0 or blank.any():
        raise InputError(
            "The map needs the polygon of every municipality",
            f"{examples(municipalities.index[blank])} have none" if len(shapes) else "there are none",
        )
    left, bottom, right, top = shapely.total_bounds(shapes)
    side = max(right - left, top - bottom)
    if not side > 0:
        raise InputError("The map needs polygons with an extent", "they are points")
    simple = shapely.coverage_simplify(shapes, side * DETAIL)
    scale = SIZE / side

    def place(points: np.ndarray) -> np.ndarray:
        """Put coordinates on the drawing, whose y runs downwards; a tenth of a unit is seen by nobody."""
        return np.round((points - (left, top)) * (scale, -scale), 1) + 0.0

    drawn = shapely.transform(simple, place)
    borders = _find_borders(drawn)
    inner = shapely.point_on_surface(simple)
    return {
        "width": round((right - left) * scale, 1),
        "height": round((top - bottom) * scale, 1),
        "shapes": [_path(shape) for shape in drawn],
        "points": place(shapely.get_coordinates(inner)).tolist(),
        "borders": [list(border) for border in borders],
        "ties": _find_ties(drawn, units, pairs),
    }


def choose_colours(neighbours: Mapping[int, set[int]], before: Mapping[int, int]) -> dict[int, int]:
    """Choose the colour of each area, by number, so that neighbours differ where eight colours allow it.

    Parameters
    ----------
    neighbours : mapping of int to set of int
        Areas each area touches.
    before : mapping of int to int
        Colours until now: an area keeps its own unless an area that was there first has it and touches it.
    """
    chosen: dict[int, int] = {}
    for area in sorted(neighbours, key=lambda item: (item not in before, item)):
        taken = {chosen[near] for near in neighbours[area] if near in chosen}
        if area in before and before[area] not in taken:
            chosen[area] = before[area]
            continue
        used = list(chosen.values())
        free = [colour for colour in range(len(COLOURS)) if colour not in taken] or list(range(len(COLOURS)))
        chosen[area] = min(free, key=used.count)
    return chosen


def _path(shape: Any) -> str:
    import shapely

    rings = shapely.get_rings(shapely.get_parts([shape]))
    return "".join(f"M{_points(shapely.get_coordinates(ring)[:-1])}Z" for ring in rings)


def _points(points: np.ndarray) -> str:
    return "L".join(f"{x:g} {y:g}" for x, y in points)


def _find_borders(shapes: np.ndarray) -> list[tuple[int, int, str]]:
    """Find the lines two shapes share, and those of one alone (its second is -1)."""
    import shapely

    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    ends = np.stack([points[:-1][same], points[1:][same]], axis=1)
    owners = owner[part[ring[:-1][same]]]
    backwards = (ends[:, 0, 0] > ends[:, 1, 0]) | (
        (ends[:, 0, 0] == ends[:, 1, 0]) & (ends[:, 0, 1] > ends[:, 1, 1])
    )
    ends[backwards] = ends[backwards][:, ::-1]
    table = pd.DataFrame(ends.reshape(-1, 4), columns=["a", "b", "c", "d"]).assign(owner=owners)
    table = table[(table["a"] != table["c"]) | (table["b"] != table["d"])]
    shared = table.groupby(["a", "b", "c", "d"])["owner"].agg(["min", "max"]).reset_index()
    found = []
    for (first, second), rows in shared.groupby(["min", "max"]):
        lines = shapely.linestrings(rows[["a", "b", "c", "d"]].to_numpy().reshape(-1, 2, 2))
        merged = shapely.get_parts([shapely.line_merge(shapely.multilinestrings(lines))])
        path = "".join(f"M{_points(shapely.get_coordinates(line))}" for line in merged)
        found.append((int(first), -1 if first == second else int(second), path))
    return found


def _find_ties(shapes: np.ndarray, units: np.ndarray, pairs: np.ndarray) -> list[list[int]]:
    """Find the nearest municipalities of neighbours that lie apart."""
    import shapely

    ties = []
    for one, other in pairs[pairs[:, 0] < pairs[:, 1]]:
        first, second = np.flatnonzero(units == one), np.flatnonzero(units == other)
        distance = shapely.distance(shapes[first][:, None], shapes[second][None, :])
        if distance.min() > APART:
            at = np.unravel_index(distance.argmin(), distance.shape)
            ties.append([int(first[at[0]]), int(second[at[1]])])
    return ties
