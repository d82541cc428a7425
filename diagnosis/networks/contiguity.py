"""Which municipalities touch: contiguity from polygons, and ferry edges for islands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.networks.graph import check_codes

if TYPE_CHECKING:
    import geopandas
    import libpysal
    import networkx

TOLERANCE = 1.0
"""Metres. On the official polygons of 2022 any tolerance from 0 to 1 m finds the same pairs; above 5 m pairs
that only come close to each other begin to appear (docs/methods.md)."""

CONTIGUITY_COLUMNS = ("code", "neighbour", "kind", "shared_m")


def contiguity(municipalities: geopandas.GeoDataFrame, tolerance: float = TOLERANCE) -> pd.DataFrame:
    """Pairs of municipalities that share a border, completed by ferry edges to a connected whole.

    Two municipalities are contiguous if their polygons come within `tolerance` of each other: slivers, small
    overlaps and rings that cross themselves do no harm. Contact at a point counts (queen contiguity), as in the
    lists drawn from the official boundaries; its ``shared_m`` is about 0, so that ``shared_m > 10`` leaves only
    true borders (rook contiguity).

    Parts that no border connects get a ferry edge: every part but the largest is joined to the nearest
    municipality of the rest, by distance between polygons, hence on the coast; repeated until all are connected.
    The rule is geometric. It does not say that a ferry sails there, and an exclave in a foreign country is joined
    in the same way.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        Index ``code``, polygons in a metric system.
    tolerance : float, default 1
        Metres.

    Returns
    -------
    pandas.DataFrame
        ``code``, ``neighbour``, ``kind`` (``border`` or ``ferry``), ``shared_m``: length of the border in metres,
        to a few tolerances, 0 for a ferry. Every pair in both directions, none with itself, sorted by code.

    Raises
    ------
    diagnosis.errors.InputError
        Geometry missing or empty, not in a metric system, codes repeated, or tolerance not above 0.
    """
    import shapely

    if not tolerance > 0:
        raise InputError("tolerance must be above 0 metres", f"{tolerance!r} was given")
    polygons = check_polygons(municipalities).sort_index()
    codes = polygons.index
    shapes = shapely.make_valid(polygons.to_numpy(), method="structure", keep_collapsed=False)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=tolerance)
    once = first < second
    first, second = first[once], second[once]
    shared = _shared_length(shapes, first, second, tolerance)
    ferry_first, ferry_second = _ferry_edges(shapes, first, second)
    pairs = pd.DataFrame(
        {
            "code": codes[np.concatenate([first, ferry_first])],
            "neighbour": codes[np.concatenate([second, ferry_second])],
            "kind": ["border"] * len(first) + ["ferry"] * len(ferry_first),
            "shared_m": np.concatenate([shared, np.zeros(len(ferry_first))]),
        }
    )
    both = pd.concat([pairs, pairs.rename(columns={"code": "neighbour", "neighbour": "code"})])
    return both.sort_values(["code", "neighbour"], ignore_index=True)[list(CONTIGUITY_COLUMNS)]


def components(codes: pd.Index | Iterable[str], contiguity: pd.DataFrame, labels: pd.Series) -> pd.Series:
    """Count the pieces of each area: 1 where its municipalities form one contiguous whole.

    Parameters
    ----------
    codes : iterable of str
        Municipalities to look at.
    contiguity : pandas.DataFrame
        ``code``, ``neighbour``; leave its ferry edges out first to count islands as pieces.
    labels : pandas.Series
        Index code, value area; municipalities without an area are passed over.

    Returns
    -------
    pandas.Series
        Index area, name ``pieces``, integers.
    """
    codes = check_codes(codes)
    area = labels.reindex(codes)
    code, neighbour = codes.get_indexer(contiguity["code"]), codes.get_indexer(contiguity["neighbour"])
    known = (code >= 0) & (neighbour >= 0)
    code, neighbour = code[known], neighbour[known]
    number = area.factorize()[0]  # -1 where there is no area
    within = number[code] == number[neighbour]
    piece = _connected(len(codes), code[within], neighbour[within])
    return pd.Series(piece, index=area.to_numpy()).groupby(level=0).nunique().rename("pieces")


def to_libpysal(contiguity: pd.DataFrame, codes: pd.Index | Iterable[str]) -> libpysal.graph.Graph:
    """Binary spatial weights of the contiguity, for the statistics of PySAL (esda, spreg, spopt).

    Parameters
    ----------
    contiguity : pandas.DataFrame
        As returned by :func:`contiguity`.
    codes : iterable of str
        Order of the units; one without a neighbour is an isolate.

    Returns
    -------
    libpysal.graph.Graph
        Focal and neighbour are codes; every weight is 1.
    """
    from libpysal.graph import Graph

    index = pd.Index(codes, name="focal")
    inside = contiguity["code"].isin(index) & contiguity["neighbour"].isin(index)
    pairs = contiguity[inside]
    isolates = index.difference(pairs["code"])
    focal = [*pairs["code"], *isolates]
    neighbour = [*pairs["neighbour"], *isolates]
    weight = [1] * len(pairs) + [0] * len(isolates)
    adjacency = pd.Series(
        weight, pd.MultiIndex.from_arrays([focal, neighbour], names=["focal", "neighbor"]), name="weight"
    )
    order = index.get_indexer(adjacency.index.get_level_values("focal"))
    return Graph(adjacency.iloc[order.argsort(kind="stable")], is_sorted=False)


def to_graph(contiguity: pd.DataFrame, codes: pd.Index | Iterable[str] = ()) -> networkx.Graph:
    """Undirected graph of the contiguity, with ``kind`` and ``shared_m`` on its edges.

    Parameters
    ----------
    contiguity : pandas.DataFrame
        As returned by :func:`contiguity`.
    codes : iterable of str, optional
        Nodes to hold even without a neighbour.

    Returns
    -------
    networkx.Graph
    """
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(codes)
    graph.add_edges_from(
        (row.code, row.neighbour, {"kind": row.kind, "shared_m": row.shared_m})
        for row in contiguity.itertuples(index=False)
    )
    return graph


def check_polygons(municipalities: geopandas.GeoDataFrame) -> geopandas.GeoSeries:
    """Return the geometry under unique codes, in metres and complete, or say what is wrong with it."""
    codes = check_codes(municipalities.index)
    geometry = getattr(municipalities, "geometry", None)
    if geometry is None:
        raise InputError("municipalities must be a GeoDataFrame with a geometry", "it has none")
    crs = geometry.crs
    if crs is None or not crs.is_projected or {axis.unit_name for axis in crs.axis_info} != {"metre"}:
        raise InputError(
            "geometry must be in a metric coordinate system",
            f"it is in {crs.name if crs else 'none'}",
            "Convert it with to_crs('EPSG:3035')",
        )
    absent = geometry.isna() | geometry.is_empty
    if absent.any():
        raise InputError("every municipality needs a polygon", f"none for {examples(codes[absent])}")
    return geometry


def _shared_length(shapes: np.ndarray, first: np.ndarray, second: np.ndarray, tolerance: float) -> np.ndarray:
    """Length of the first outline that runs within the tolerance of the second polygon."""
    import shapely

    outlines, bounds = shapely.boundary(shapes), shapely.bounds(shapes)
    low = np.maximum(bounds[first, :2], bounds[second, :2]) - 2 * tolerance
    high = np.minimum(bounds[first, 2:], bounds[second, 2:]) + 2 * tolerance
    windows = shapely.box(*low.T, *high.T)  # a border lies where the two bounding boxes overlap
    line = shapely.intersection(outlines[first], windows)
    band = shapely.buffer(shapely.intersection(shapes[second], windows), tolerance, quad_segs=1)
    # the band reaches one tolerance past both ends of a border
    return np.maximum(shapely.length(shapely.intersection(line, band)) - 2 * tolerance, 0.0)


def _ferry_edges(shapes: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shortest edges that join every part to the rest (the rounds of Boruvka's algorithm)."""
    import shapely

    edges: set[tuple[int, int]] = set()
    while True:
        ferries = np.array(sorted(edges), dtype=int).reshape(-1, 2)
        part = _connected(
            len(shapes), np.concatenate([first, ferries[:, 0]]), np.concatenate([second, ferries[:, 1]])
        )
        sizes = np.bincount(part)
        if len(sizes) <= 1:
            return ferries[:, 0], ferries[:, 1]
        for number in np.flatnonzero(np.arange(len(sizes)) != sizes.argmax()):
            inside, outside = np.flatnonzero(part == number), np.flatnonzero(part != number)
            (own, other), distance = shapely.STRtree(shapes[outside]).query_nearest(
                shapes[inside], return_distance=True
            )
            nearest = np.lexsort((outside[other], inside[own], distance))[0]
            pair = sorted((int(inside[own[nearest]]), int(outside[other[nearest]])))
            edges.add((pair[0], pair[1]))


def _connected(number: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first)), (first, second)), shape=(number, number))
    return connected_components(graph, directed=False)[1]
