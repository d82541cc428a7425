"""How much any partition into feasible areas can be worth: a bound over all areas, not only those met.

With a dual for every unit no partition is worth more than the sum of the duals and of the reduced values of its areas
(Lagrangian relaxation of "every unit in one area"); and as an area has one unit of most jobs, at most one area counts
for each unit. Duals are first made to fit areas a local search finds; then, by turns, branches of all areas are split
for the best duals, and the duals go to the nearest ones that would bring the bound, as far as it is known from the sets
that attained it before, to a level between the value of the best partition and the best bound (a level method:
Lemaréchal C., Nemirovskii A., Nesterov Y. 1995, New variants of bundle methods, Mathematical Programming 69, 111-147).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnosis.areas.governance.columns import AreaColumns
from diagnosis.areas.governance.pricing import AreaPricing, Cuts
from diagnosis.areas.governance.problem import AreaProblem

WORK = 1_000_000
SPLITS = 300
"""Branches split for each set of duals, three times as many for the first."""
MOST_AREAS = 1_500
MOST_CUTS = 2_500
MOST_IDLE = 12
"""Duals tried in a row for which no branch had to be looked at."""
ROUNDS = 60
"""Duals tried at first, for areas found by moving single units."""
STARTS = 40
NEAR = 0.002


@dataclass(frozen=True, eq=False)
class AreaBound:
    """A bound of the value of every partition into feasible areas.

    Attributes
    ----------
    k : int or None
        Number of areas; None: any.
    bound : float
        -inf: no such partition exists.
    bounds : numpy.ndarray of float, shape (n,)
        For 1 to n areas, by the same duals: looser for other numbers than `k`. The largest holds for any number.
    areas : AreaColumns
        Those known before and feasible areas met on the way.
    duals : numpy.ndarray of float, shape (n,)
        Of the units, to which the bound belongs.
    work : int
        Effort so far.
    """

    k: int | None
    bound: float
    bounds: np.ndarray
    areas: AreaColumns
    duals: np.ndarray
    work: int


class BoundSearch:
    """Bounds for one number of areas after the other, each the better for those before.

    Parameters
    ----------
    problem : AreaProblem
    counted : bool, default False
        Bound the number of areas instead of their interaction: every area is worth 1.
    """

    def __init__(self, problem: AreaProblem, *, counted: bool = False) -> None:
        self._problem, self._counted = problem, counted
        self._pricing = AreaPricing(problem, counted=counted)
        n = problem.n_units
        self._cuts = _no_cuts(n)
        self._bounds = np.full(n, np.inf)
        self._roots = np.empty(0, np.int64)

    def bound(
        self,
        k: int | None,
        areas: AreaColumns,
        duals: np.ndarray,
        value: float,
        *,
        work: int = WORK,
        gap: float = 0.005,
    ) -> AreaBound:
        """Bound the value of every partition into `k` areas.

        Parameters
        ----------
        k : int or None
            None: into any number.
        areas : AreaColumns
            Areas known, at best those of a good partition's relaxation.
        duals : numpy.ndarray of float, shape (n,)
            Of the units, to begin with.
        value : float
            Of the best partition known.
        work : int
            Minimum cuts computed at most, about, those of more than fifty units counted more.
        gap : float
            Stop when the bound exceeds `value` by at most this share.

        Returns
        -------
        AreaBound
        """
        limit = self._pricing.work + work
        tolerance = gap * abs(value) / (2.0 * max(k or 1, 1))
        self._roots = self._pricing.root_of(areas.membership(np.arange(len(areas))))
        areas, centre = self._fit(k, areas, duals, value)
        trial, best, aim, idle, splits = centre, np.inf, 0.5, 0, 3 * SPLITS
        while True:
            before = self._pricing.work
            prices = self._pricing.price(trial, self._level(k, areas, trial) + tolerance, splits)
            splits = SPLITS
            self._keep(prices.cuts, trial)
            areas = self._joined(areas, prices.areas)
            self._bounds = np.minimum(self._bounds, trial.sum() + np.cumsum(np.sort(prices.bounds)[::-1]))
            total = self._total(trial, prices.bounds, k)
            if total < best:
                best, centre, aim = total, trial, max(0.9 * aim, 0.2)
            else:
                aim = min(1.1 * aim, 0.9)
            idle = idle + 1 if self._pricing.work == before else 0
            enough = best <= value + gap * abs(value)
            if enough or self._pricing.work >= limit or idle >= MOST_IDLE:
                return AreaBound(k, best, self._bounds.copy(), areas, centre, self._pricing.work)
            trial = self._project(k, areas, centre, value + aim * (best - value))

    def _fit(
        self, k: int | None, areas: AreaColumns, duals: np.ndarray, value: float
    ) -> tuple[AreaColumns, np.ndarray]:
        """Return areas and duals such that no area a local search finds is worth much more than its duals."""
        from diagnosis.areas.governance.climbing import climb

        kept, self._cuts = self._cuts, _no_cuts(self._problem.n_units)
        trial, centre, best = duals, duals, np.inf
        idle, beyond = 0, 0.0
        for turn in range(ROUNDS):
            count = len(areas)
            if not self._counted:
                order = np.argsort(-areas.reduced_values(trial, areas.values), kind="stable")
                first = np.unique(self._roots[order], return_index=True)[1]
                found = areas.membership(np.union1d(order[first], order[:STARTS]))
                values = climb(self._problem.arrays, trial, found, STARTS)
                areas = self._joined(areas, AreaColumns.from_membership(found, values))
            total = self._total(trial, self._known(areas, trial), k)
            idle = 0 if len(areas) > count or total < best - NEAR * abs(value) else idle + 1
            if total < best:
                best, centre = total, trial
            else:  # the projection is not exact: aim further
                beyond = min(beyond + 0.25, 2.0)
            if best <= value + NEAR * abs(value) or idle == MOST_IDLE:
                break
            trial = self._project(k, areas, centre if turn % 2 else trial, value - beyond * (best - value))
        self._cuts = kept
        return areas, centre

    def _joined(self, areas: AreaColumns, others: AreaColumns) -> AreaColumns:
        count = len(areas)
        joined = areas.joined(others)
        fresh = joined.membership(np.arange(count, len(joined)))
        self._roots = np.concatenate([self._roots, self._pricing.root_of(fresh)])
        return joined

    def _known(self, areas: AreaColumns, duals: np.ndarray) -> np.ndarray:
        """Return the largest reduced value of the areas known, by root."""
        top = np.full(self._problem.n_units, -np.inf)
        np.maximum.at(top, self._roots, areas.reduced_values(duals, areas.values))
        return top

    def _total(self, duals: np.ndarray, bounds: np.ndarray, k: int | None) -> float:
        if k is None:
            return float(duals.sum() + np.maximum(bounds, 0.0).sum())
        if k > len(bounds):
            return -np.inf
        return float(duals.sum() + np.sort(bounds)[::-1][:k].sum())

    def _level(self, k: int | None, areas: AreaColumns, duals: np.ndarray) -> float:
        """Return a level below which bounds of roots are of no use: there are areas worth as much."""
        if k is None:
            return 0.0
        level = np.sort(self._known(areas, duals))[::-1][min(k, self._problem.n_units) - 1]
        return float(level) if np.isfinite(level) else 0.0

    def _keep(self, cuts: Cuts, duals: np.ndarray) -> None:
        """Add sets that attained bounds; those of branches split or bounded better since are dropped."""
        joined = Cuts(*(np.concatenate(both) for both in zip(self._cuts, cuts, strict=True)))
        rest = joined.worth - joined.members @ duals
        holds = rest <= self._pricing.limits(joined.stamp) + 1e-9 * (1.0 + np.abs(joined.worth))
        self._cuts = Cuts(*(rows[holds][-3 * MOST_CUTS :] for rows in joined))

    def _project(self, k: int | None, areas: AreaColumns, centre: np.ndarray, level: float) -> np.ndarray:
        from diagnosis.areas.governance.projection import project

        gains, cuts = areas.reduced_values(centre, areas.values), self._cuts
        near = np.sort(np.argsort(-gains, kind="stable")[:MOST_AREAS])
        close = np.sort(np.argsort(cuts.members @ centre - cuts.worth, kind="stable")[:MOST_CUTS])
        members = np.vstack([areas.membership(near).astype(np.float64), cuts.members[close]])
        worth = np.concatenate([areas.values[near], cuts.worth[close]])
        root = np.concatenate([self._roots[near], cuts.root[close]])
        top = np.full(len(centre), -np.inf)
        np.maximum.at(top, root, worth - members @ centre)
        threshold = np.zeros(1)
        if k is not None and np.isfinite(edge := np.sort(top)[::-1][min(k, len(top)) - 1]):
            threshold[0] = edge
        duals = centre.copy()
        project(
            duals, threshold, np.maximum(top - threshold[0], 0.0), members, worth, root, float(k or 0), level
        )
        return duals


def _no_cuts(n: int) -> Cuts:
    return Cuts(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, n)), np.empty(0))
