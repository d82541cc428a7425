"""Shape of areas on the ground: extent, compactness, distance and travel time to the centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.areas.structure import labelled
from diagnosis.errors import InputError, examples
from diagnosis.networks.contiguity import check_polygons
from diagnosis.networks.graph import check_codes

if TYPE_CHECKING:
    import geopandas


def area_shape(
    labels: pd.Series,
    municipalities: geopandas.GeoDataFrame,
    contiguity: pd.DataFrame | None = None,
    *,
    centre: pd.Series | None = None,
    points: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Measure the ground of each area.

    Two measures of compactness, of which a report should show the second: `polsby_popper` falls with every bend of a
    coast and with the detail of the boundaries, `convex_hull_ratio` hardly does. Both see an area in pieces as less
    compact; islands too, for which nobody is to blame.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    municipalities : geopandas.GeoDataFrame
        Index municipality code, polygons in an equal-area metric system. Without a polygon (no row, or an empty one)
        the shape of the whole area is missing, and the municipality counted.
    contiguity : pandas.DataFrame, optional
        `code`, `neighbour`, `shared_m`, both directions, as :func:`diagnosis.networks.contiguity` gives it: the
        perimeter is then that of the members less twice their common borders, instead of that of their union. On the
        municipalities of Italy this takes a hundredth of the time; perimeters differ by 0.03 % in nine areas of ten
        and by 0.8 % at most (narrow gaps between polygons).
    centre : pandas.Series, optional
        Code of the centre of each area, index area, e.g. `centre` of :func:`diagnosis.areas.area_structure`: adds
        the distances. An area without one, or whose centre has no point, has none.
    points : pandas.DataFrame, optional
        Where each municipality is, e.g. its town hall: index municipality code, `x`, `y` in metres. Otherwise a
        point inside the largest part of its polygon.

    Returns
    -------
    pandas.DataFrame, one row an area, index `area` in ascending order
        `area_km2` (of the polygons),
        `polsby_popper` (4 pi area / perimeter^2: 1 for a circle),
        `convex_hull_ratio` (area / area of the convex hull: 1 for a convex shape),
        `municipalities_without_polygon`;
        with `centre` also `largest_distance_km`, `mean_distance_km` (straight lines from the points of the members
        to that of the centre; the centre itself counts with 0 in both) and `municipalities_without_distance`, which
        are left out of the two.

    Raises
    ------
    diagnosis.errors.InputError
        Repeated codes, no labelled code among the municipalities, polygons not in a metric system, or a centre that
        is no member of its area.

    References
    ----------
    Polsby D. D., Popper R. D. (1991), The third criterion: compactness as a procedural safeguard against partisan
    gerrymandering, Yale Law & Policy Review 9(2), 301-353.
    """
    import shapely

    labels = labelled(labels)
    codes, areas = pd.factorize(labels, sort=True)
    shapes = _select_polygons(labels.index, municipalities)
    drawn = ~shapely.is_missing(shapes)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    grounds = _collect(parts, codes[owner], len(areas))
    without = np.bincount(codes[~drawn], minlength=len(areas))
    extent = np.where(without == 0, shapely.area(grounds), np.nan)
    if contiguity is None:
        # coverage_union refuses the official polygons: their borders are not noded alike on both sides.
        perimeter = shapely.length([shapely.union_all(shapely.get_parts(ground)) for ground in grounds])
    else:
        perimeter = np.bincount(codes[drawn], shapely.length(shapes[drawn]), len(areas))
        perimeter -= _shared_borders(pd.Series(codes, index=labels.index), contiguity, len(areas))
        broken = perimeter < 0.999 * np.sqrt(4 * np.pi * extent)  # shorter than the outline of a circle
        if broken.any():
            raise InputError(
                "contiguity: its shared_m must be the common borders of these polygons",
                f"they leave too short an outline for the areas {examples(np.array(areas)[broken])}",
                "Compute it with diagnosis.contiguity(municipalities)",
            )
    table = pd.DataFrame(
        {
            "area_km2": extent / 1e6,
            "polsby_popper": 4 * np.pi * _ratio(extent, perimeter**2),
            "convex_hull_ratio": _ratio(extent, shapely.area(shapely.convex_hull(grounds))),
            "municipalities_without_polygon": without,
        },
        index=pd.Index(areas, name="area"),
    )
    if centre is not None:
        place = _find_points(labels.index, points, parts, owner)
        table = table.join(_distances(labels, codes, table.index, centre, place))
    return table


def centre_reach(labels: pd.Series, centre: pd.Series, minutes: pd.DataFrame) -> pd.DataFrame:
    """Measure how long it takes to reach the centre of each area.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    centre : pandas.Series
        Code of the centre of each area, index area.
    minutes : pandas.DataFrame
        `origin`, `destination`, `minutes`: travel times, at least 0. Pairs that are not needed may be there; a pair
        that is not there, or has no time, is counted and not estimated, not even by the way back.

    Returns
    -------
    pandas.DataFrame, one row an area, index `area` in ascending order
        `largest_minutes`, `mean_minutes` (over the members with a time; the centre itself counts with 0) and
        `municipalities_without_minutes`. All members of an area without a centre are without.

    Raises
    ------
    diagnosis.errors.InputError
        A column is missing, a pair repeated, a time negative or not a number, or a centre no member of its area.
    """
    labels = labelled(labels)
    codes, areas = pd.factorize(labels, sort=True)
    index = pd.Index(areas, name="area")
    destination = _centre_codes(labels, codes, index, centre)
    times = _check_minutes(minutes)
    wanted = pd.MultiIndex.from_arrays([labels.index, destination])
    needed = times.reindex(wanted).to_numpy(dtype=float)
    return _reach(np.where(labels.index == destination, 0.0, needed), codes, index, "minutes")


def _select_polygons(codes: pd.Index, municipalities: geopandas.GeoDataFrame) -> np.ndarray:
    """Polygons in the order of the codes, valid; None where there is none."""
    import shapely

    here = municipalities[municipalities.index.isin(codes)]
    geometry = getattr(here, "geometry", None)
    if geometry is not None:
        here = here[~(geometry.isna() | geometry.is_empty)]
    polygons = check_polygons(here)
    if not len(polygons):
        raise InputError(
            "labels: their codes must be those of the municipalities with a polygon",
            f"labels have {examples(codes)}, municipalities {examples(municipalities.index)}",
        )
    shapes = polygons.reindex(codes).to_numpy().copy()
    crossing = ~shapely.is_missing(shapes) & ~shapely.is_valid(shapes)
    shapes[crossing] = shapely.make_valid(shapes[crossing], method="structure", keep_collapsed=False)
    return shapes


def _collect(parts: np.ndarray, owner: np.ndarray, n_areas: int) -> np.ndarray:
    """One multipolygon an area, of all parts of its members as they are."""
    import shapely

    order = np.argsort(owner, kind="stable")
    found = np.full(n_areas, shapely.MultiPolygon(), dtype=object)
    shapely.multipolygons(parts[order], indices=owner[order], out=found)
    return found


def _shared_borders(numbers: pd.Series, contiguity: pd.DataFrame, n_areas: int) -> np.ndarray:
    """Length of the borders between members of each area, in metres, each counted from both sides."""
    if absent := [name for name in ("code", "neighbour", "shared_m") if name not in contiguity.columns]:
        raise InputError(
            "contiguity: the columns code, neighbour, shared_m are needed",
            f"missing: {examples(absent)}; found: {examples(map(str, contiguity.columns), 12)}",
        )
    area = numbers.to_numpy()
    start, stop = (numbers.index.get_indexer(contiguity[name]) for name in ("code", "neighbour"))
    inside = (start >= 0) & (stop >= 0)
    inside[inside] = area[start[inside]] == area[stop[inside]]
    return np.bincount(area[start[inside]], contiguity["shared_m"].to_numpy(float)[inside], n_areas)


def _find_points(
    codes: pd.Index, points: pd.DataFrame | None, parts: np.ndarray, owner: np.ndarray
) -> np.ndarray:
    """Point of each municipality, shape (n, 2); missing where there is none."""
    import shapely

    if points is not None:
        if absent := [name for name in ("x", "y") if name not in points.columns]:
            raise InputError(
                "points: the columns x, y are needed",
                f"missing: {examples(absent)}; found: {examples(map(str, points.columns), 12)}",
            )
        return points.loc[check_codes(points.index), ["x", "y"]].reindex(codes).to_numpy(dtype=float)
    order = np.lexsort((-shapely.area(parts), owner))
    found, first = np.unique(owner[order], return_index=True)
    inner = shapely.point_on_surface(parts[order[first]])
    place = np.full((len(codes), 2), np.nan)
    place[found] = shapely.get_coordinates(inner)
    return place


def _centre_codes(labels: pd.Series, codes: np.ndarray, areas: pd.Index, centre: pd.Series) -> pd.Index:
    """Code of the centre of each municipality's area."""
    if centre.index.has_duplicates:
        repeated = centre.index[centre.index.duplicated()]
        raise InputError("centre: every area has one centre", f"repeated: {examples(repeated)}")
    given = centre.reindex(areas)
    place = labels.index.get_indexer(given)
    wrong = given.notna().to_numpy() & ((place < 0) | (codes[place] != np.arange(len(areas))))
    if wrong.any():
        raise InputError(
            "centre: the centre of an area must be one of its municipalities",
            f"{int(wrong.sum())} are not, for instance {examples(given[wrong])}",
        )
    return pd.Index(given.to_numpy()[codes])


def _distances(
    labels: pd.Series, codes: np.ndarray, areas: pd.Index, centre: pd.Series, place: np.ndarray
) -> pd.DataFrame:
    target = labels.index.get_indexer(_centre_codes(labels, codes, areas, centre))
    steps = np.where((target >= 0)[:, None], place - place[target], np.nan)
    return _reach(np.hypot(*steps.T) / 1000, codes, areas, "distance", "_km")


def _reach(values: np.ndarray, codes: np.ndarray, areas: pd.Index, what: str, unit: str = "") -> pd.DataFrame:
    """Largest and mean value of each area, and how many of its municipalities have none."""
    groups = pd.Series(values).groupby(codes)
    return pd.DataFrame(
        {
            f"largest_{what}{unit}": groups.max().to_numpy(),
            f"mean_{what}{unit}": groups.mean().to_numpy(),
            f"municipalities_without_{what}": (groups.size() - groups.count()).to_numpy(),
        },
        index=areas,
    )


def _check_minutes(minutes: pd.DataFrame) -> pd.Series:
    """Travel times by origin and destination, or what is wrong with them."""
    if absent := [name for name in ("origin", "destination", "minutes") if name not in minutes.columns]:
        raise InputError(
            "minutes: the columns origin, destination, minutes are needed",
            f"missing: {examples(absent)}; found: {examples(map(str, minutes.columns), 12)}",
        )
    times = minutes.set_index(["origin", "destination"])["minutes"]
    if times.index.has_duplicates:
        repeated = times.index[times.index.duplicated()].map("/".join)
        raise InputError("minutes: every pair has one time", f"repeated: {examples(repeated)}")
    numbers = pd.to_numeric(times, errors="coerce").astype(float)
    broken = (numbers.isna() & times.notna()) | (numbers < 0) | np.isinf(numbers)
    if broken.any():
        raise InputError(
            "minutes: travel times must be numbers of at least 0",
            f"{int(broken.sum())} are not, for instance {examples(times[broken].astype('str'))}",
        )
    return numbers


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
