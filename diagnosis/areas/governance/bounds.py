"""How much any partition into feasible areas can be worth: a bound over all areas, not only those met.

With a dual for every unit no partition is worth more than the sum of the duals and of the reduced values of its areas
(Lagrangian relaxation of "every unit in one area"); and as an area has one unit of most jobs, at most one area counts
for each unit. The duals are those of the linear relaxation over the areas met so far, drawn towards the best ones yet
(Wentges P. 1997, Weighted Dantzig-Wolfe decomposition for linear mixed-integer programming, International
Transactions in Operational Research 4(2), 151-162).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnosis.areas.governance.columns import AreaColumns
from diagnosis.areas.governance.pricing import AreaPricing
from diagnosis.areas.governance.problem import AreaProblem

MOST_COLUMNS = 2_500
"""Areas of the relaxation."""
SPLITS = 2_000
WORK = 400_000
PULL = 0.5
"""How far new duals are drawn to the best ones."""
MOST_IDLE = 12
"""Duals tried in a row for which no branch had to be looked at."""


@dataclass(frozen=True, eq=False)
class AreaBound:
    """A bound of the value of every partition into feasible areas.

    Attributes
    ----------
    k : int or None
        Number of areas; None: any.
    bound : float
        -inf: no such partition exists.
    areas : AreaColumns
        Those known before and feasible areas met on the way.
    duals : numpy.ndarray of float, shape (n,)
        Of the units, to which the bound belongs.
    work : int
        Branches bounded.
    """

    k: int | None
    bound: float
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
        self._problem = problem
        self._pricing = AreaPricing(problem, counted=counted)

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
            Bounds of branches computed at most, about: some ten thousand a second for 50 units.
        gap : float
            Stop when the bound exceeds `value` by at most this share.

        Returns
        -------
        AreaBound
        """
        limit = self._pricing.work + work
        tolerance = gap * abs(value) / (2.0 * max(k or 1, 1))
        centre, best = duals, np.inf
        idle = 0
        trial, level = self._relaxation(areas, centre, k, value)
        centre_level = level
        while True:
            before = self._pricing.work
            prices = self._pricing.price(trial, level + tolerance, SPLITS)
            if len(prices.areas):
                areas = areas.joined(prices.areas)
            total = self._total(trial, prices.bounds, k)
            if total < best:
                best, centre, centre_level = total, trial, level
            idle = idle + 1 if self._pricing.work == before else 0
            enough = best <= value + gap * abs(value)
            if enough or self._pricing.work >= limit or idle >= MOST_IDLE:
                return AreaBound(k, best, areas, centre, self._pricing.work)
            relaxed, relaxed_level = self._relaxation(areas, centre, k, value)
            trial = PULL * centre + (1.0 - PULL) * relaxed
            level = PULL * centre_level + (1.0 - PULL) * relaxed_level

    def _total(self, duals: np.ndarray, bounds: np.ndarray, k: int | None) -> float:
        if k is None:
            return float(duals.sum() + np.maximum(bounds, 0.0).sum())
        if k > len(bounds):
            return -np.inf
        return float(duals.sum() + np.sort(bounds)[::-1][:k].sum())

    def _relaxation(
        self, areas: AreaColumns, centre: np.ndarray, k: int | None, value: float
    ) -> tuple[np.ndarray, float]:
        """Return the duals of the units and of the number of areas, over the areas of largest reduced value.

        A unit may be left out or covered twice for a price: no dual is larger.
        """
        from scipy.optimize import linprog
        from scipy.sparse import csc_array, hstack, identity

        n = self._problem.n_units
        gains = areas.reduced_values(centre, areas.values)
        kept = np.sort(np.argsort(-gains, kind="stable")[:MOST_COLUMNS])
        values = areas.values[kept]
        rows = areas.membership(kept).T.astype(np.float64)
        target = np.ones(n)
        if k is not None:
            rows, target = np.vstack([rows, np.ones(len(kept))]), np.append(target, float(k))
        slack = identity(len(target), format="csc")
        price = max(abs(value), float(np.abs(values).max(initial=0.0)))
        cost = np.concatenate([-values, np.full(2 * len(target), price)])
        matrix = hstack([csc_array(rows), slack, -slack], format="csc")
        solved = linprog(cost, A_eq=matrix, b_eq=target, method="highs-ds")
        if solved.x is None:
            return centre, 0.0
        duals = -solved.eqlin.marginals
        return duals[:n], float(duals[n]) if k is not None else 0.0
