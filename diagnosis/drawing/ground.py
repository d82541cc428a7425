"""The ground a map shows: parts of the territory, which of them go to insets, and their simplified shapes.

The ground is seen in a Lambert azimuthal equal-area projection centred on the territory, so north is up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import Box

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

BODY_GAP = 2_000.0
"""Land parts closer than this (metres) are one body."""
GROUP_GAP = 15_000.0
"""Bodies in insets closer than this, or of one municipality, share an inset."""
MAIN_SHARE = 0.10
"""A body with at least this share of the territory's area always stays in the main map."""
GROWTH = 1.30
"""A smaller body goes to an inset when the bounding box, padded to the proportions of the frame, would
become larger than this many times that of the main body."""
MOST_INSETS = 3
ISLET = 1e6
"""Bodies below this area (m2) get no inset where their municipality is drawn elsewhere."""
LOWEST, TALLEST = 0.74, 1.12
"""Limits of height / width of the main map."""


def explode_parts(municipalities: GeoDataFrame) -> GeoDataFrame:
    """Take municipalities apart into polygons, indexed by code, in the projection centred on them."""
    import shapely

    table = municipalities.geometry.to_frame("geometry")
    table = _mend(table[table.geometry.notna() & ~table.geometry.is_empty])
    parts = table.explode().explode()  # a collection may hold multipolygons
    parts = parts[parts.geometry.geom_type == "Polygon"]
    middle = shapely.box(*parts.total_bounds).centroid
    centre = parts.iloc[:1].set_geometry([middle], crs=parts.crs).to_crs("EPSG:4326").geometry.iloc[0]
    return parts.to_crs(f"+proj=laea +lat_0={centre.y:.4f} +lon_0={centre.x:.4f} +ellps=GRS80 +units=m")


def _mend(table: GeoDataFrame) -> GeoDataFrame:
    """Replace polygons that cross themselves by the valid polygons of the same ground."""
    import shapely

    shapes = table.geometry.to_numpy().copy()
    for row in np.flatnonzero(~shapely.is_valid(shapes)):
        parts = shapely.get_parts(shapely.get_parts([shapely.make_valid(shapes[row])]))
        shapes[row] = shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])
    return table.set_geometry(shapes, crs=table.crs)


def split_ground(parts: GeoDataFrame) -> tuple[np.ndarray, list[np.ndarray]]:
    """Tell the parts of the main map (a mask) from those of each inset (row numbers), see :data:`GROWTH`."""
    import shapely

    polygons = shapely.simplify(parts.geometry.to_numpy(), 200, preserve_topology=True)
    body = _connect(polygons, BODY_GAP)
    area = np.bincount(body, weights=parts.area.to_numpy())
    bounds = pd.DataFrame(parts.bounds.to_numpy(), columns=["left", "bottom", "right", "top"]).groupby(body)
    boxes = bounds.agg({"left": "min", "bottom": "min", "right": "max", "top": "max"}).to_numpy()
    kept = set(np.flatnonzero(area >= MAIN_SHARE * area.sum())) | {int(area.argmax())}
    box = _enclose(boxes[list(kept)])
    limit = GROWTH * _measure_padded(box)
    by_growth = sorted(range(len(area)), key=lambda row: _measure_padded(_enclose([box, boxes[row]])))
    for row in by_growth:
        grown = _enclose([box, boxes[row]])
        if row in kept or _measure_padded(grown) <= limit:
            kept.add(row)
            box = grown
    main = np.isin(body, np.array(sorted(kept)))
    drawn = set(parts.index[main | (area[body] >= ISLET)])
    islet = (area[body] < ISLET) & parts.index.isin(drawn)
    rest = np.flatnonzero(~main & ~islet)
    if not len(rest):
        return main, []
    gap = GROUP_GAP
    while True:
        group = _connect(polygons[rest], gap, parts.index[rest])
        if group.max() < MOST_INSETS:
            break
        gap *= 2
    return main, [rest[group == number] for number in range(group.max() + 1)]


def _connect(polygons: np.ndarray, gap: float, owners: pd.Index | None = None) -> np.ndarray:
    """Find the groups of polygons nearer than `gap` to each other, or of one owner: a number each."""
    import shapely
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=gap)
    if owners is not None:
        position = pd.Series(np.arange(len(owners))).groupby(owners.to_numpy()).transform("first").to_numpy()
        one, other = np.append(one, position), np.append(other, np.arange(len(owners)))
    graph = coo_array((np.ones(len(one)), (one, other)), shape=(len(polygons), len(polygons)))
    return connected_components(graph, directed=False)[1]


def _enclose(boxes: Any) -> Box:
    array = np.asarray(boxes)
    return (*array[:, :2].min(axis=0).tolist(), *array[:, 2:].max(axis=0).tolist())


def find_proportion(box: Box) -> float:
    """Height / width of a box."""
    return (box[3] - box[1]) / (box[2] - box[0])


def _measure_padded(box: Box) -> float:
    left, bottom, right, top = stretch_box(box, min(max(find_proportion(box), LOWEST), TALLEST))
    return (right - left) * (top - bottom)


def fit_frame(bounds: Any, padding: float, free: bool = False) -> Box:
    """Put a margin around bounds; unless `free`, widen them to proportions the main map can have."""
    left, bottom, right, top = (float(value) for value in bounds)
    margin = padding * max(right - left, top - bottom, 1_000.0)
    box = (left - margin, bottom - margin, right + margin, top + margin)
    return box if free else stretch_box(box, min(max(find_proportion(box), LOWEST), TALLEST))


def stretch_box(box: Box, proportion: float) -> Box:
    """Return the smallest box around `box`, with the same centre, of the given height / width."""
    left, bottom, right, top = box
    width = max(right - left, (top - bottom) / proportion)
    x, y = (left + right) / 2, (bottom + top) / 2
    return (
        x - width / 2,
        y - width * proportion / 2,
        x + width / 2,
        y + width * proportion / 2,
    )


def cut_context(
    context: GeoDataFrame | None, municipalities: GeoDataFrame, ground: Box, crs: Any
) -> GeoDataFrame | None:
    """Select the land of the context that the frame meets, in the local projection."""
    if context is None or not len(context):
        return None
    import geopandas
    import shapely

    frame = geopandas.GeoSeries([shapely.segmentize(shapely.box(*ground), 50_000)], crs=crs)
    rows = context.sindex.query(frame.to_crs(context.crs).iloc[0], predicate="intersects")
    near = context.iloc[np.sort(rows)].geometry.to_frame("geometry")
    return _mend(near[~near.index.isin(municipalities.index)]).to_crs(crs)


def simplify_coverage(
    parts: GeoDataFrame, context: GeoDataFrame | None, tolerance: float
) -> tuple[pd.Series, pd.Series]:
    """Simplify territory and context together, so that borders still meet (``coverage_simplify``)."""
    import shapely

    inner = parts.geometry.to_numpy()
    outer = context.geometry.to_numpy() if context is not None else inner[:0]
    simple = shapely.coverage_simplify(np.concatenate((inner, outer)), tolerance)
    land = pd.Series(simple[: len(inner)], index=parts.index, dtype=object)
    visible = shapely.area(land.to_numpy()) > tolerance**2
    visible |= ~pd.Series(visible, index=land.index).groupby(level=0).transform("any").to_numpy()
    joined = land[visible].groupby(level=0, sort=False).agg(lambda rows: shapely.multipolygons(list(rows)))
    names = context.index if context is not None else parts.index[:0]
    return joined, pd.Series(simple[len(inner) :], index=names, dtype=object)


def to_points(shapes: pd.Series, ground: Box, box: Box) -> pd.Series:
    """Move shapes from metres on the ground to points on the sheet."""
    import shapely

    factor = (box[2] - box[0]) / (ground[2] - ground[0])
    moved = shapely.transform(
        shapes.to_numpy(),
        lambda points: (points - [ground[0], ground[1]]) * factor + [box[0], box[1]],
    )
    return pd.Series(moved, index=shapes.index, dtype=object)
