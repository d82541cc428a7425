"""Minutes by road between municipalities: from a published matrix, or ESTIMATED from straight-line distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

if TYPE_CHECKING:
    import geopandas

MINUTES_AT_1_KM, EXPONENT = 3.93, 0.69
"""Minutes = 3.93 km^0.69, the least-squares line through the logarithms of the road minutes of 7,661 municipalities to
their pole (ISTAT and DPCoe, map of inner areas 2020) and the straight line between centroids: half of the estimates are
within 17 % of the published minutes, nine in ten within 41 %."""

LONGEST = 60.0
"""Minutes up to which pairs of different provinces are of use here."""

ISLAND_REGIONS = ("19", "20")
"""Sicily and Sardinia: no road leads from them to other regions."""


@dataclass(frozen=True, eq=False)
class RoadTimes:
    """Minutes by road of ordered pairs of municipalities, none to itself.

    Attributes
    ----------
    codes : pandas.Index
        The municipalities.
    origin, destination : ndarray of int, one a pair
        Positions in `codes`.
    minutes : ndarray of float, one a pair
        All pairs of a province, and the others up to :data:`LONGEST`.
    known : ndarray of bool, one a municipality
        Whether the pairs that start there are known; if not, they are missing and not merely far.
    estimated : bool
        Whether they are estimated from straight-line distance.
    """

    codes: pd.Index
    origin: np.ndarray
    destination: np.ndarray
    minutes: np.ndarray
    known: np.ndarray
    estimated: bool

    def sum_within(self, values: np.ndarray, limit: float) -> np.ndarray:
        """Sum what can be reached from each municipality within `limit` minutes, its own included.

        Parameters
        ----------
        values : ndarray, one a municipality
            What is summed; a missing value counts as none where others are reached.
        limit : float
            Minutes, at most :data:`LONGEST`.

        Returns
        -------
        ndarray, one a municipality
            Missing where no pair is known or its own value is missing.
        """
        if limit > LONGEST:
            raise InputError(
                f"The limit must be at most {LONGEST:g} minutes: farther pairs are not kept",
                f"{limit:g} was given",
            )
        near = self.minutes <= limit
        reached = np.bincount(
            self.origin[near],
            weights=np.nan_to_num(values)[self.destination[near]],
            minlength=len(self.codes),
        )
        return np.where(self.known, reached + values, np.nan)

    def minutes_to_nearest(self, targets: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Minutes from each municipality to the nearest target of its group.

        Parameters
        ----------
        targets : ndarray of bool, one a municipality
            Whether it is a target; a target itself gives 0.
        groups : ndarray, one a municipality
            Whatever the members of a group share.

        Returns
        -------
        ndarray, one a municipality
            Missing where no way to a target of the group is known.
        """
        group = pd.factorize(groups)[0]
        wanted = targets[self.destination] & (group[self.origin] == group[self.destination])
        minutes = np.full(len(self.codes), np.inf)
        np.minimum.at(minutes, self.origin[wanted], self.minutes[wanted])
        minutes[targets] = 0.0
        return np.where(np.isfinite(minutes), minutes, np.nan)

    def mean_minutes(self, groups: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Mean minutes from each municipality to the others of its group, weighted.

        Parameters
        ----------
        groups : ndarray, one a municipality
            Whatever the members of a group share.
        weights : ndarray, one a municipality
            Residents, for instance; a missing or zero weight is left out.

        Returns
        -------
        ndarray, one a municipality
            Missing where no other member with a weight can be reached.
        """
        number = len(self.codes)
        group = pd.factorize(groups)[0]
        inside = group[self.origin] == group[self.destination]
        origin, weight = self.origin[inside], np.nan_to_num(weights)[self.destination[inside]]
        above = np.bincount(origin, weights=weight * self.minutes[inside], minlength=number)
        below = np.bincount(origin, weights=weight, minlength=number)
        return np.divide(above, below, out=np.full(number, np.nan), where=self.known & (below > 0))


def road_times(
    tables: Mapping[str, pd.DataFrame | None], codes: pd.Index, longest: float = LONGEST
) -> RoadTimes | None:
    """Minutes by road between municipalities: measured, or estimated where no matrix is there.

    No indicator is made of estimated minutes; who shows them says that they are (:attr:`RoadTimes.estimated`).

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``travel_times``, or else ``municipalities`` and ``classification``, which tells the smaller islands.
    codes : pandas.Index
        The municipalities.
    longest : float
        Estimated minutes up to which pairs of different provinces are listed; infinity: all pairs on one landmass.

    Returns
    -------
    RoadTimes or None
        None without a matrix and without polygons, provinces and regions.
    """
    measured = tables.get("travel_times")
    if measured is not None:
        return measured_times(measured, codes)
    places, classes = tables.get("municipalities"), tables.get("classification")
    if places is None or not {"geometry", "province", "region"} <= set(places.columns):
        return None
    on_islands = None
    if classes is not None and "island" in classes:
        on_islands = classes["island"].reindex(codes).to_numpy(dtype=float) == 1
    return estimate_times(places.loc[codes], on_islands, longest)


def measured_times(travel_times: pd.DataFrame, codes: pd.Index) -> RoadTimes:
    """Take the minutes from a table in the contract :data:`diagnosis.tables.ROAD_TIMES`.

    Parameters
    ----------
    travel_times : DataFrame
        ``origin``, ``destination``, ``minutes``.
    codes : pandas.Index
        Municipalities; pairs with another one are left out.
    """
    origin, destination = (codes.get_indexer(travel_times[name]) for name in ("origin", "destination"))
    kept = (origin >= 0) & (destination >= 0) & (origin != destination)
    known = np.zeros(len(codes), dtype=bool)
    known[origin[kept]] = True
    minutes = travel_times["minutes"].to_numpy(dtype=float)[kept]
    return RoadTimes(codes, origin[kept], destination[kept], minutes, known, estimated=False)


def estimate_times(
    municipalities: geopandas.GeoDataFrame, on_islands: np.ndarray | None = None, longest: float = LONGEST
) -> RoadTimes:
    """Estimate minutes by road from the straight line between centroids.

    Mountains, motorways, lakes and gulfs are not known to the estimate: single pairs may be far off, see
    :data:`EXPONENT`. Nothing is estimated across the sea.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        Index ``code``, polygons in a metric system, with ``province`` and ``region``.
    on_islands : ndarray of bool, one a municipality, optional
        Municipalities on smaller islands, for which nothing is estimated.
    longest : float
        Minutes up to which pairs of different provinces are listed.

    Returns
    -------
    RoadTimes
    """
    absent = [name for name in ("province", "region", "geometry") if name not in municipalities.columns]
    if absent:
        raise InputError(
            "Times are estimated from polygons, provinces and regions", f"missing: {examples(absent)}"
        )
    import shapely
    from scipy.spatial import cKDTree

    centres = shapely.get_coordinates(shapely.centroid(municipalities.geometry.to_numpy()))
    number = len(centres)
    known = np.ones(number, dtype=bool) if on_islands is None else ~on_islands
    region = municipalities["region"].to_numpy()
    land = pd.factorize(np.where(np.isin(region, ISLAND_REGIONS), region, ""))[0]
    province = pd.factorize(municipalities["province"].to_numpy())[0]
    radius = 1000 * (longest / MINUTES_AT_1_KM) ** (1 / EXPONENT)
    # one order of each pair; the other is added at the end
    near = cKDTree(centres).query_pairs(radius, output_type="ndarray")
    near = near[province[near[:, 0]] != province[near[:, 1]]]
    own = [
        members[np.column_stack(np.triu_indices(len(members), k=1))]
        for members in (np.flatnonzero(province == item) for item in range(province.max(initial=-1) + 1))
    ]
    pairs = np.concatenate([near, *own]).astype(np.int64).reshape(-1, 2)
    pairs = pairs[known[pairs].all(axis=1) & (land[pairs[:, 0]] == land[pairs[:, 1]])]
    km = np.hypot(*(centres[pairs[:, 0]] - centres[pairs[:, 1]]).T) / 1000
    minutes = MINUTES_AT_1_KM * km**EXPONENT
    return RoadTimes(
        municipalities.index,
        np.concatenate([pairs[:, 0], pairs[:, 1]]),
        np.concatenate([pairs[:, 1], pairs[:, 0]]),
        np.concatenate([minutes, minutes]),
        known,
        estimated=True,
    )
