"""How much the areas depend on the numbers they were drawn from: many runs on matrices that might have been."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.functional import FunctionalAreas
from diagnosis.areas.membership import membership_margin
from diagnosis.areas.preparation import Preparation
from diagnosis.errors import InputError

CORE = 0.9
"""Share of the runs from which a municipality belongs to the core of its area."""


@dataclass(frozen=True, eq=False)
class Stability:
    """The areas of many runs beside those of the matrix itself.

    Attributes
    ----------
    table : pandas.DataFrame, index `code`
        `area` (of the matrix itself), `with_centre` (share of the runs in which the municipality is in one area with
        the centre of its own), `same_area`, `second_area` and `second_share` (the areas it is most often in, its own
        and the next one; an area of a run is called after that of the matrix with which it shares most employed
        residents), `core` (`with_centre` reaches the threshold), and `margin`, `link`, `second_link` of
        :func:`diagnosis.areas.membership_margin`.
    shares : pandas.DataFrame
        `code`, `area`, `share`: the share of the runs in each area, above 0 only; those of a code add up to 1, less
        the runs in which it is in no area.
    areas : pandas.DataFrame, index `area`
        `centre`, `municipalities`, `core_municipalities`, `core_share` (of its employed residents), `overlap`: mean,
        over the runs, of the largest overlap (Jaccard, employed residents) with an area of the run (Hennig 2007,
        whose software calls clusters from 0.85 on highly stable and does not trust those below 0.6).
    runs : pandas.DataFrame
        One row a run: `areas`, `moved` (share of employed residents not in one area with their centre).
    n_runs : int
    core_from : float
    """

    table: pd.DataFrame
    shares: pd.DataFrame
    areas: pd.DataFrame
    runs: pd.DataFrame
    n_runs: int
    core_from: float


def stability(
    flows: pd.DataFrame,
    estimator: FunctionalAreas,
    *,
    runs: int = 200,
    matrices: Iterable[pd.DataFrame] | None = None,
    population: pd.Series | None = None,
    location: pd.DataFrame | None = None,
    random_state: int = 0,
    workers: int | None = None,
    core_from: float = CORE,
) -> Stability:
    """Draw the areas again on many matrices and say how often each municipality stays where it is.

    By default every run redraws the commuters of each flow from a Poisson distribution around the count (a bootstrap
    of persons). Counts of a register have no sampling error: the result is *sensitivity* to small changes, not
    confidence. With `matrices`, e.g. completions of a matrix part of which is not published
    (:func:`diagnosis.networks.complete_flows`), each of these is a run.

    Parameters
    ----------
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`: the matrix itself.
    estimator : FunctionalAreas
        With its parameters; need not be fitted, and is not changed.
    runs : int, default 200
        At least 1.
    matrices : iterable of pandas.DataFrame, optional
        Matrices of the same municipalities; `runs` and `random_state` play no part then.
    population, location
        As in :meth:`FunctionalAreas.fit`.
    random_state : int, default 0
        Each run has a seed of its own, spawned from this one: results do not depend on `workers`.
    workers : int, optional
        Threads; 2 by default. Large networks run in compiled code, side by side.
    core_from : float, default 0.9

    Returns
    -------
    Stability

    Raises
    ------
    diagnosis.errors.InputError
        As :meth:`FunctionalAreas.fit`; `runs`, `random_state`, `workers` or `core_from` is out of range, there is no
        matrix, or the matrix itself gives no area.

    References
    ----------
    Hennig C. (2007), Cluster-wise assessment of cluster stability, Computational Statistics & Data Analysis 52(1),
    258-271.
    """
    _check(estimator, runs, core_from, random_state)
    everyone, prepared, _ = estimator.prepare(flows, population, location)
    fitted = FunctionalAreas(**estimator.get_params()).fit(flows, population, location)
    if fitted.labels_.isna().all():
        raise InputError(
            "stability: the matrix itself must give areas",
            "no municipality is in one",
            "Lower the thresholds, which no area reaches",
        )
    codes = everyone.codes
    labels = fitted.labels_.reindex(codes)
    trade_off = estimator.trade_off()
    if matrices is None:
        seeds = np.random.SeedSequence(random_state).spawn(runs)

        def draw(seed: np.random.SeedSequence) -> np.ndarray:
            return resampled(prepared, seed).areas(trade_off, runs)

        drawn = list(run_all(draw, seeds, workers))
    else:

        def fit_other(matrix: pd.DataFrame) -> np.ndarray:
            other, ready, _ = estimator.prepare(matrix, population, location)
            place = other.codes.get_indexer(codes)
            return np.where(place >= 0, ready.areas(trade_off)[np.maximum(place, 0)], -1)

        if not isinstance(matrices, Iterable):
            raise InputError("matrices: a list of tables of flows is needed", f"{matrices!r} was given")
        drawn = list(run_all(fit_other, matrices, workers))
        if not drawn:
            raise InputError("stability: at least one matrix is needed", "matrices is empty")
    margin = membership_margin(labels, everyone, contiguity=estimator.contiguity)
    return _compare(everyone, labels, np.stack(drawn), margin, core_from)


def resampled(prepared: Preparation, seed: np.random.SeedSequence) -> Preparation:
    """Redraw every flow from a Poisson distribution around its count of persons."""
    scale = prepared.network.scale
    drawn = np.random.default_rng(seed).poisson(prepared.network.amount / scale)
    return prepared.with_amounts(drawn * scale)


def run_all(function: Callable, items: Iterable, workers: int | None = None) -> Iterator:
    """Apply a function to every item in threads, in order; never more than two items a thread are taken at once."""
    if workers is None:
        workers = 2
    if not _is_whole(workers, 1):
        raise InputError("workers must be a whole number of at least 1", f"{workers!r} was given")
    if workers == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting = []
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= 2 * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def _check(estimator: FunctionalAreas, runs: int, core_from: float, random_state: int) -> None:
    if not isinstance(estimator, FunctionalAreas):
        raise InputError("stability: a FunctionalAreas estimator is needed", f"{estimator!r} was given")
    if not _is_whole(runs, 1):
        raise InputError("runs must be a whole number of at least 1", f"{runs!r} was given")
    if not _is_whole(random_state, 0):
        raise InputError("random_state must be a whole number of at least 0", f"{random_state!r} was given")
    if not (isinstance(core_from, Real) and 0 < core_from <= 1):
        raise InputError("core_from is a share of 1", f"{core_from!r} was given")


def _compare(
    everyone: FlowNetwork, labels: pd.Series, drawn: np.ndarray, margin: pd.DataFrame, core_from: float
) -> Stability:
    """Put the runs (runs x municipalities, labels of each run, negative for none) beside the areas."""
    weight, jobs = everyone.live(), everyone.work()
    own = labels.fillna(0).to_numpy(dtype=np.int64) - 1
    n_areas, n_runs = int(own.max(initial=-1)) + 1, len(drawn)
    centre = _centres(own, jobs, n_areas)
    known = own >= 0
    stays = np.zeros(len(own))
    called = np.full(drawn.shape, -1, dtype=np.int32)
    overlap = np.zeros(n_areas)
    rows = []
    for run, area in enumerate(drawn):
        beside = known & (area >= 0) & (area == area[centre[own]])
        stays += beside
        called[run], best = _call(area, own, weight, n_areas)
        overlap += best
        moved = weight[known & ~beside].sum() / max(weight[known].sum(), 1.0)
        rows.append((len(np.unique(area[area >= 0])), moved))
    with_centre = np.where(known, stays / n_runs, np.nan)
    shares = _shares(called, labels.index)
    core = known & (with_centre >= core_from)
    table = pd.DataFrame(
        {"area": labels, "with_centre": with_centre, "core": pd.array(core, dtype="boolean")},
        index=labels.index,
    )
    table.loc[~known, "core"] = pd.NA
    table = table.join(_first_and_second(shares, labels)).join(margin[["margin", "link", "second_link"]])
    core_weight = np.bincount(own[core], weight[core], n_areas)
    areas = pd.DataFrame(
        {
            "centre": labels.index[centre],
            "municipalities": np.bincount(own[known], minlength=n_areas),
            "core_municipalities": np.bincount(own[core], minlength=n_areas),
            "core_share": core_weight / np.maximum(np.bincount(own[known], weight[known], n_areas), 1.0),
            "overlap": overlap / n_runs,
        },
        index=pd.RangeIndex(1, n_areas + 1, name="area"),
    )
    runs = pd.DataFrame(rows, columns=["areas", "moved"])
    return Stability(table, shares, areas, runs, n_runs, core_from)


def _centres(area: np.ndarray, jobs: np.ndarray, n_areas: int) -> np.ndarray:
    """Position of the member with most jobs of every area, the first one of equals."""
    order = np.lexsort((np.arange(len(area)), -jobs))
    order = order[area[order] >= 0][::-1]
    centre = np.zeros(n_areas, np.int64)
    centre[area[order]] = order
    return centre


def _call(
    drawn: np.ndarray, own: np.ndarray, weight: np.ndarray, n_areas: int
) -> tuple[np.ndarray, np.ndarray]:
    """Name the areas of a run after those with which they share most, and say how well each of these is met again."""
    both = (drawn >= 0) & (own >= 0)
    names, place = np.unique(drawn[drawn >= 0], return_inverse=True)
    position = np.full(len(drawn), -1)
    position[drawn >= 0] = place
    pair, cell = np.unique(position[both] * n_areas + own[both], return_inverse=True)
    shared = np.bincount(cell, weight[both], len(pair))
    theirs, ours = pair // n_areas, pair % n_areas
    order = np.lexsort((-ours, shared))
    called = np.full(len(names) + 1, -1)
    called[theirs[order]] = ours[order]
    size_theirs = np.bincount(position[drawn >= 0], weight[drawn >= 0], len(names))
    size_ours = np.bincount(own[own >= 0], weight[own >= 0], n_areas)
    union = size_theirs[theirs] + size_ours[ours] - shared
    best = np.zeros(n_areas)
    np.maximum.at(best, ours, shared / np.where(union > 0, union, 1.0))
    return called[position], best


def _shares(called: np.ndarray, codes: pd.Index) -> pd.DataFrame:
    n_runs, n = called.shape
    width = int(called.max(initial=-1)) + 2
    cells, counts = np.unique(np.arange(n) * width + called + 1, return_counts=True)
    table = pd.DataFrame(
        {"code": codes.take(cells // width), "area": cells % width, "share": counts / n_runs}
    )
    table = table[table["area"] > 0]
    return table.sort_values(["code", "share", "area"], ascending=[True, False, True], ignore_index=True)


def _first_and_second(shares: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    own = labels.reindex(shares["code"]).to_numpy(dtype="float64", na_value=np.nan) == shares["area"]
    same = shares[own].set_index("code")["share"]
    second = shares[~own].drop_duplicates("code").set_index("code")
    same_area = same.reindex(labels.index, fill_value=0.0).where(labels.notna())
    return pd.DataFrame(
        {
            "same_area": same_area,
            "second_area": second["area"].reindex(labels.index).astype("Int64"),
            "second_share": second["share"].reindex(labels.index, fill_value=0.0),
        }
    )
