"""Models of commuting, for when no flows were observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.networks.contiguity import check_polygons
from diagnosis.networks.graph import FLOW_COLUMNS, check_codes
from diagnosis.tables import AGE_COLUMNS

if TYPE_CHECKING:
    import geopandas

DECAYS = ("exponential", "log-logistic", "power")

RADIUS_KM = 60.0
"""Farthest destination of a modelled commuter: 98.3 % of the commuters of 2021 stay within."""

SHORTEST_KM = 0.3
"""Distances below count as this one, so that a power decay stays finite."""

EMPLOYED_SHARE = 0.565
"""Commuters per resident aged 20-64: 19,565,808 in the commuting matrix of 2021 (at least three days a week),
over the residents of 2022 (ISTAT)."""

FIRST_WORKING_AGE, LAST_WORKING_AGE = 20, 64


@dataclass(frozen=True)
class Calibration:
    """Parameters of the gravity model of :func:`modelled_flows`.

    Parameters
    ----------
    decay, scale_km, exponent
        Of the decay with distance, see :func:`deterrence`.
    attraction_exponent : float
        Jobs a municipality offers are taken as residents to this power.
    internal_constant, internal_exponent : float
        A worker's own municipality counts ``internal_constant * residents ** internal_exponent`` times as much
        as its size and distance say: small places are stayed in for reasons other than size.
    """

    decay: str
    scale_km: float
    exponent: float
    attraction_exponent: float
    internal_constant: float
    internal_exponent: float


ITALY_2021 = {
    "log-logistic": Calibration("log-logistic", 5.734, 2.809, 1.126, 79.88, -0.313),
    "exponential": Calibration("exponential", 6.975, 1.0, 1.099, 145.31, -0.330),
    "power": Calibration("power", 1.0, 2.205, 1.156, 5.03, -0.106),
}
"""Fitted once by maximum likelihood on the commuting matrix of 2021 (``benchmarks/modelled_flows.py --fit``)."""


def deterrence(
    distance_km: np.ndarray, decay: str, *, scale_km: float = 1.0, exponent: float = 1.0
) -> np.ndarray:
    """Willingness to commute over a distance.

    Parameters
    ----------
    distance_km : numpy.ndarray
        Kilometres; below :data:`SHORTEST_KM` they count as that.
    decay : {'exponential', 'log-logistic', 'power'}
        ``exp(-d / scale)`` [1]_, ``1 / (1 + (d / scale) ** exponent)`` [2]_, ``(d / scale) ** -exponent`` [1]_.
    scale_km, exponent : float
        Above 0; the exponential has no exponent.

    Returns
    -------
    numpy.ndarray
        Shape of `distance_km`.

    References
    ----------
    .. [1] Wilson, A. G. (1971). A family of spatial interaction models, and associated developments.
       Environment and Planning 3(1), 1-32. doi:10.1068/a030001
    .. [2] Hilbers, H. D., Verroen, E. J. (1993). Measuring accessibility, a key factor for successful transport
       and land-use planning strategies. PTRC Summer Annual Meeting.
    """
    if decay not in DECAYS:
        raise unknown_name("decay", decay, DECAYS)
    if not (scale_km > 0 and exponent > 0):
        raise InputError("scale_km and exponent must be above 0", f"{scale_km!r} and {exponent!r} were given")
    relative = np.maximum(distance_km, SHORTEST_KM) / scale_km
    if decay == "exponential":
        return np.exp(-relative)
    if decay == "power":
        return relative**-exponent
    return 1 / (1 + relative**exponent)


def gravity_flows(
    out_totals: pd.Series,
    attraction: pd.Series,
    coordinates: pd.DataFrame,
    *,
    decay: str = "exponential",
    scale_km: float = 1.0,
    exponent: float = 1.0,
    radius_km: float = RADIUS_KM,
    areas_km2: pd.Series | None = None,
    internal_factor: pd.Series | float = 1.0,
    in_totals: pd.Series | None = None,
) -> pd.DataFrame:
    """Compute a gravity model that keeps the totals of the origins, or of both ends.

    ``T_ij = O_i W_j f(d_ij) / sum over k of W_k f(d_ik)`` (origin-constrained); with `in_totals` the balancing
    factors of both ends are iterated until the totals agree (doubly constrained) [1]_.

    Parameters
    ----------
    out_totals : pandas.Series
        Index code; commuters who live in each place.
    attraction : pandas.Series
        Index code; what draws them, zero or more. A starting value only when `in_totals` is given.
    coordinates : pandas.DataFrame
        Index code; ``x``, ``y`` in metres.
    decay, scale_km, exponent
        See :func:`deterrence`.
    radius_km : float
        Farther pairs get no flow.
    areas_km2 : pandas.Series, optional
        Index code. With it internal flows are modelled too, over the mean distance between two random points of
        a disc of that area, ``128 / (45 pi)`` radii. Without it nobody works where he lives.
    internal_factor : pandas.Series or float, default 1
        Multiplies the attraction of a worker's own place.
    in_totals : pandas.Series, optional
        Index code; jobs of each place, summing to the same as `out_totals`.

    Returns
    -------
    pandas.DataFrame
        ``origin``, ``destination``, expected ``commuters`` (not rounded), sorted, positive flows only. A place
        with nowhere to go within the radius sends nobody.

    Raises
    ------
    diagnosis.errors.InputError
        Values missing or negative, or the totals of both ends differ or cannot be met.

    References
    ----------
    .. [1] Wilson, A. G. (1971). doi:10.1068/a030001
    """
    codes = check_codes(coordinates.index)
    origin, destination, distance = _pairs(coordinates, radius_km, internal=areas_km2 is not None)
    weight = _aligned(attraction, codes, "attraction")[destination]
    if areas_km2 is not None:
        own = origin == destination
        radii = np.sqrt(_aligned(areas_km2, codes, "areas_km2") / np.pi)
        distance[own] = 128 / (45 * np.pi) * radii[origin[own]]
        factor = (
            internal_factor if isinstance(internal_factor, pd.Series) else pd.Series(internal_factor, codes)
        )
        weight[own] *= _aligned(factor, codes, "internal_factor")[origin[own]]
    weight *= deterrence(distance, decay, scale_km=scale_km, exponent=exponent)
    totals = _aligned(out_totals, codes, "out_totals")
    flows = _share_out(totals, origin, weight)
    if in_totals is not None:
        flows = _balance(flows, origin, destination, totals, _aligned(in_totals, codes, "in_totals"))
    return _table(codes, origin, destination, flows)


def radiation_flows(
    jobs: pd.Series,
    coordinates: pd.DataFrame,
    out_totals: pd.Series,
    *,
    radius_km: float = RADIUS_KM,
) -> pd.DataFrame:
    """Compute the radiation model, which has no parameter to fit.

    ``T_ij ~ O_i m_i n_j / ((m_i + s_ij) (m_i + n_j + s_ij))``, where m and n are the jobs of origin and destination
    and s_ij those nearer to the origin than the destination is, without both ends [1]_. Scaled so that the
    totals of the origins are kept in a finite system [2]_.

    Parameters
    ----------
    jobs : pandas.Series
        Index code; jobs, or residents as their proxy, zero or more.
    coordinates : pandas.DataFrame
        Index code; ``x``, ``y`` in metres.
    out_totals : pandas.Series
        Index code; commuters who *leave* each place: the model has no internal flows.
    radius_km : float
        Farther pairs get no flow.

    Returns
    -------
    pandas.DataFrame
        ``origin``, ``destination``, ``commuters`` (not rounded), sorted, positive flows only.

    References
    ----------
    .. [1] Simini, F., Gonzalez, M. C., Maritan, A., Barabasi, A.-L. (2012). A universal model for mobility and
       migration patterns. Nature 484, 96-100. doi:10.1038/nature10856
    .. [2] Masucci, A. P., Serras, J., Johansson, A., Batty, M. (2013). Gravity versus radiation models.
       Physical Review E 88, 022812. doi:10.1103/PhysRevE.88.022812
    """
    codes = check_codes(coordinates.index)
    origin, destination, distance = _pairs(coordinates, radius_km, internal=False)
    order = np.lexsort((distance, origin))
    origin, destination, distance = origin[order], destination[order], distance[order]
    size = _aligned(jobs, codes, "jobs")
    here, there = size[origin], size[destination]
    summed = np.concatenate([[0.0], np.cumsum(there)])
    # places at the same distance lie on the circle together: the sum runs to the last of them
    last = (
        np.append((np.diff(origin) != 0) | (np.diff(distance) > 0), True)
        if len(origin)
        else np.zeros(0, bool)
    )
    ends = np.flatnonzero(last)
    upto = ends[np.searchsorted(ends, np.arange(len(origin)))] + 1
    start = np.searchsorted(origin, origin)
    nearer = np.maximum(summed[upto] - summed[start] - there, 0.0)
    denominator = (here + nearer) * (here + there + nearer)
    weight = np.divide(here * there, denominator, out=np.zeros_like(here), where=denominator > 0)
    flows = _share_out(_aligned(out_totals, codes, "out_totals"), origin, weight)
    return _table(codes, origin, destination, flows)


def modelled_flows(
    municipalities: geopandas.GeoDataFrame,
    population: pd.DataFrame,
    *,
    employed_share: float | pd.Series = EMPLOYED_SHARE,
    radius_km: float = RADIUS_KM,
    calibration: Calibration = ITALY_2021["log-logistic"],
) -> pd.DataFrame:
    """Whole commuters between municipalities, from residents and distances alone.

    A stand-in for a commuting matrix: label every figure made from it as modelled. Assumptions: the share of
    commuters among residents aged 20-64 is the same everywhere unless given; jobs follow residents; distance is
    the straight line between centroids, blind to mountains, lakes, the sea and railways; nobody commutes farther
    than the radius. How far the result is from the observed matrix is in docs/methods.md.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        Index ``code``, polygons in a metric system.
    population : pandas.DataFrame
        Index ``code``, columns :data:`diagnosis.tables.AGE_COLUMNS`. A municipality without residents, or without
        a row, sends and receives nobody.
    employed_share : float or pandas.Series, default 0.565
        Commuters per resident aged 20-64, between 0 and 1; one number, or one by code.
    radius_km : float, default 60
        Farthest destination.
    calibration : Calibration, optional
        Parameters of the gravity model; fitted on Italy, 2021 by default.

    Returns
    -------
    pandas.DataFrame
        ``origin``, ``destination``, ``commuters`` (integers), internal flows included, sorted. Expected flows below
        one commuter are cut and go to the other destinations; rounding is by largest remainder, so that every
        municipality keeps its resident workers and the country their total.

    Raises
    ------
    diagnosis.errors.InputError
        Polygons missing or not metric, age columns missing, or a share outside 0 to 1.
    """
    polygons = check_polygons(municipalities)
    codes = check_codes(polygons.index)
    absent = [column for column in AGE_COLUMNS if column not in population.columns]
    if absent:
        raise InputError("population by sex and single year of age is needed", f"missing: {examples(absent)}")
    people = population.reindex(codes)[list(AGE_COLUMNS)].fillna(0.0)
    working = [sex + str(age) for sex in "fm" for age in range(FIRST_WORKING_AGE, LAST_WORKING_AGE + 1)]
    share = employed_share if isinstance(employed_share, pd.Series) else pd.Series(employed_share, codes)
    part = _aligned(share, codes, "employed_share")
    if (part > 1).any():
        raise InputError("employed_share must lie between 0 and 1", f"found {examples(part[part > 1])}")
    expected = people[working].sum(axis=1).to_numpy() * part
    employed = _round_within(expected, np.zeros(len(codes), dtype=int), np.array([round(expected.sum())]))

    residents = people.sum(axis=1)
    settled = residents.clip(lower=1.0)  # where nobody lives the attraction is 0, whatever the factor
    centroids = polygons.centroid
    table = gravity_flows(
        pd.Series(employed, codes),
        residents**calibration.attraction_exponent,
        pd.DataFrame({"x": centroids.x, "y": centroids.y}, index=codes),
        decay=calibration.decay,
        scale_km=calibration.scale_km,
        exponent=calibration.exponent,
        radius_km=radius_km,
        areas_km2=polygons.area / 1e6,
        internal_factor=calibration.internal_constant * settled**calibration.internal_exponent,
    )
    table = table[(table["commuters"] >= 1) | (table["origin"] == table["destination"])]
    origin = codes.get_indexer(table["origin"])
    kept = _share_out(employed.astype(float), origin, table["commuters"].to_numpy())
    whole = _round_within(kept, origin, employed)
    return table.assign(commuters=whole)[whole > 0].reset_index(drop=True)


def _pairs(
    coordinates: pd.DataFrame, radius_km: float, internal: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of both ends and kilometres of all ordered pairs within the radius, sorted."""
    from scipy.spatial import cKDTree

    if not radius_km > 0:
        raise InputError("radius_km must be above 0", f"{radius_km!r} was given")
    points = coordinates[["x", "y"]].to_numpy(float) / 1000
    if not np.isfinite(points).all():
        wrong = coordinates.index[~np.isfinite(points).all(axis=1)]
        raise InputError("every place needs coordinates", f"none for {examples(wrong)}")
    near = cKDTree(points).query_pairs(radius_km, output_type="ndarray")
    own = np.arange(len(points) if internal else 0)
    origin = np.concatenate([near[:, 0], near[:, 1], own])
    destination = np.concatenate([near[:, 1], near[:, 0], own])
    order = np.lexsort((destination, origin))
    origin, destination = origin[order], destination[order]
    return origin, destination, np.hypot(*(points[origin] - points[destination]).T)


def _aligned(values: pd.Series, codes: pd.Index, name: str) -> np.ndarray:
    numbers = values.reindex(codes).to_numpy(float)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        raise InputError(
            f"{name} must be a number, zero or more, for every place",
            f"it is not for {examples(codes[wrong])}",
        )
    return numbers


def _share_out(totals: np.ndarray, groups: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Spread the total of each group over its members in proportion to their weight."""
    summed = np.bincount(groups, weight, len(totals))
    factor = np.divide(totals, summed, out=np.zeros(len(totals)), where=summed > 0)
    return weight * factor[groups]


def _balance(
    flows: np.ndarray,
    origin: np.ndarray,
    destination: np.ndarray,
    out_totals: np.ndarray,
    in_totals: np.ndarray,
) -> np.ndarray:
    """Scale rows and columns in turn until both totals are met (Furness)."""
    if not np.isclose(out_totals.sum(), in_totals.sum(), rtol=1e-9):
        raise InputError(
            "out_totals and in_totals must have the same sum",
            f"they have {out_totals.sum():g} and {in_totals.sum():g}",
        )
    for _ in range(1000):
        flows = _share_out(in_totals, destination, flows)
        left = np.bincount(origin, flows, len(out_totals))
        if np.abs(left - out_totals).sum() <= 1e-6 * out_totals.sum():
            return flows
        flows = _share_out(out_totals, origin, flows)
    raise InputError(
        "the totals of both ends must be attainable within the radius",
        "they were not met after 1000 rounds",
        "Widen radius_km, or constrain the origins only",
    )


def _round_within(values: np.ndarray, groups: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Round to integers by largest remainder, so that each group adds up to its total (first row first)."""
    whole = np.floor(values + 1e-9).astype(int)
    lacking = totals - np.bincount(groups, whole, len(totals)).astype(int)
    order = np.lexsort((whole - values, groups))  # stable: among equal remainders the first row
    sorted_groups = groups[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_groups, sorted_groups)
    whole[order] += rank < lacking[sorted_groups]
    return whole


def _table(codes: pd.Index, origin: np.ndarray, destination: np.ndarray, flows: np.ndarray) -> pd.DataFrame:
    positive = flows > 0
    columns = (codes[origin[positive]], codes[destination[positive]], flows[positive])
    table = pd.DataFrame(dict(zip(FLOW_COLUMNS, columns, strict=True)))
    return table.sort_values(list(FLOW_COLUMNS[:2]), ignore_index=True)
