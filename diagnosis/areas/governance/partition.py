"""Choosing areas that cover every unit once: the best partition of a pool, and a bound over the whole pool.

The linear relaxation is solved over a growing part of the pool: areas whose value exceeds the duals of their units
join it until none does (column generation; Barnhart C. et al. 1998, Branch-and-price: column generation for solving
huge integer programs, Operations Research 46(3), 316-329). A partition then needs only areas whose reduced value is
within the distance between the relaxation and the best partition: the integer program is solved over those alone,
and its optimum is that of the whole pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnosis.areas.governance.columns import AreaColumns, best_by_unit

TOLERANCE = 1e-9
PROVEN = 1e-6
"""Of the value: the linear programs are solved to about this accuracy."""
FIRST_WINDOW = 1e-3
"""Share of the relaxation's value within which areas are first given to the integer program."""
MOST_COLUMNS = 60_000
"""Areas the integer program is given at most; beyond, the partition found is not proven to be the best."""
SECONDS = 20.0


@dataclass(frozen=True, eq=False)
class PoolOptimum:
    """The best partition of a pool into a number of areas.

    Attributes
    ----------
    k : int
        Number of areas.
    areas : numpy.ndarray of int, shape (k,)
        Rows of the pool; empty where no partition was found.
    value : float
        Sum of their values; -inf where none was found.
    bound : float
        No partition into `k` areas *of the pool* is worth more; -inf: there is none.
    duals : numpy.ndarray of float, shape (n_units + 1,)
        Of the units, and of the number of areas, in the relaxation.
    """

    k: int
    areas: np.ndarray
    value: float
    bound: float
    duals: np.ndarray

    @property
    def proven(self) -> bool:
        """Whether no partition of the pool is better, or there is none."""
        return self.bound <= self.value + PROVEN * max(1.0, abs(self.value))


class PoolMaster:
    """Set partitioning over a pool, for one number of areas after the other.

    Parameters
    ----------
    pool : AreaColumns
    start : numpy.ndarray of int, optional
        Rows of the pool to begin with: areas of known partitions.
    """

    def __init__(self, pool: AreaColumns, start: np.ndarray | None = None) -> None:
        self.pool = pool
        self._columns = np.empty(0, np.int64)
        self._scale = max(1.0, float(np.abs(pool.values).max(initial=0.0)))
        self._penalty = 2.0 * self._scale
        self._add(np.empty(0, np.int64) if start is None else start)

    def number_range(self) -> tuple[int, int] | None:
        """Return the least and the largest number of areas of the linear relaxation, rounded inwards.

        Returns
        -------
        tuple of int, or None
            None: no partition of the pool exists.
        """
        most = self._relax(None, np.ones, 1.0)
        least = self._relax(None, np.ones, -1.0)
        if most is None or least is None:
            return None
        return int(np.ceil(-least[0] - 1e-6)), int(np.floor(most[0] + 1e-6))

    def best(self, k: int | None, seconds: float = SECONDS) -> PoolOptimum:
        """Return the best partition into `k` areas; None: into any number.

        Parameters
        ----------
        k : int or None
        seconds : float
            For each integer program.
        """
        relaxed = self._relax(k, None, 1.0)
        nothing = np.empty(0, np.int64)
        if relaxed is None:
            return PoolOptimum(k or 0, nothing, -np.inf, -np.inf, np.zeros(self.pool.n_units + 1))
        limit, duals, chosen = relaxed
        if chosen is not None:
            return PoolOptimum(len(chosen), chosen, float(self.pool.values[chosen].sum()), limit, duals)
        rest = self.pool.reduced_values(duals[:-1], self.pool.values) - duals[-1]
        window = FIRST_WINDOW * max(abs(limit), TOLERANCE)
        areas, value = nothing, -np.inf
        while True:
            near = np.flatnonzero(rest >= -window - TOLERANCE)
            if len(near) > MOST_COLUMNS:
                near = near[np.argsort(-rest[near], kind="stable")[:MOST_COLUMNS]]
            found, solved, upper = self._choose(near, k, seconds)
            if found is not None and (worth := float(self.pool.values[found].sum())) > value:
                areas, value = found, worth
            whole = len(near) == len(self.pool)
            # A partition with an area outside the window is worth less than the relaxation less the window.
            outside = (
                -np.inf if whole else limit + min(-window, float(np.partition(rest, -len(near))[-len(near)]))
            )
            bound = min(limit, max(upper, outside, value))
            if whole or not solved or len(near) >= MOST_COLUMNS or value >= outside - TOLERANCE:
                return PoolOptimum(k or len(areas), areas, value, bound, duals)
            window = limit - value if np.isfinite(value) else 4.0 * window

    def _add(self, rows: np.ndarray) -> None:
        self._columns = np.union1d(self._columns, rows[rows >= 0])

    def _relax(self, k, objective, sign):
        """Solve the linear relaxation over the pool; None where it has no solution.

        Uncovered units are paid for first, so that any part of the pool has a solution; if some remain when no area
        helps any more, the payment is raised, and at last it is all that counts.
        """
        pool = self.pool
        values = sign * (pool.values if objective is None else objective(len(pool)))
        factor, penalty = 1.0, self._penalty * pool.n_units
        while True:
            limit, duals, weights, missing = self._linear(values, k, factor, penalty)
            gains = pool.reduced_values(duals[:-1], factor * values) - duals[-1]
            step = 1e-8 * max(1.0, factor * self._scale)
            fresh = best_by_unit(pool.bits, gains, pool.n_units, step)
            fresh = np.setdiff1d(fresh[fresh >= 0], self._columns)
            if len(fresh):
                self._add(fresh)
                continue
            if missing > 1e-7:
                if factor == 0.0:
                    return None
                factor = 0.0
                continue
            if factor == 0.0:  # a solution exists, the payment was too small
                factor, penalty = 1.0, penalty * 100.0
                continue
            limit += max(float(gains.max(initial=0.0)), 0.0) * (k or pool.n_units)
            used = self._columns[weights > 1e-6]
            integral = np.abs(weights[weights > 1e-6] - 1.0).max(initial=0.0) < 1e-6
            return limit, duals, used if integral else None

    def _linear(self, values, k, factor, penalty):
        from scipy.optimize import linprog
        from scipy.sparse import csc_array, hstack, identity

        n, columns = self.pool.n_units, self._columns
        rows = self.pool.membership(columns).T.astype(np.float64)
        rows = np.vstack([rows, np.ones(len(columns))])
        slack = identity(n + 1, format="csc")
        blocks = [csc_array(rows), slack, -slack]
        cost = np.concatenate([-factor * values[columns], np.full(2 * (n + 1), penalty)])
        target = np.ones(n + 1)
        target[-1] = 0.0 if k is None else float(k)
        limits = np.full((len(cost), 2), [0.0, np.inf])
        if k is None:  # the row counts areas, any number of them
            cost[[len(columns) + n, len(columns) + 2 * n + 1]] = 0.0
        solved = linprog(
            cost, A_eq=hstack(blocks, format="csc"), b_eq=target, bounds=limits, method="highs-ds"
        )
        weights = solved.x[: len(columns)]
        slacks = solved.x[len(columns) :].copy()
        if k is None:
            slacks[[n, 2 * n + 1]] = 0.0
        return -solved.fun, -solved.eqlin.marginals, weights, float(slacks.sum())

    def _choose(self, columns, k, seconds):
        """Solve the integer program over some rows: those chosen or None, whether to the end, and its bound."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csc_array

        membership = self.pool.membership(columns).T.astype(np.float64)
        limits = [LinearConstraint(csc_array(membership), 1.0, 1.0)]
        if k is not None:
            limits.append(LinearConstraint(csc_array(np.ones((1, len(columns)))), float(k), float(k)))
        solved = milp(
            -self.pool.values[columns],
            constraints=limits,
            integrality=np.ones(len(columns)),
            bounds=Bounds(0.0, 1.0),
            options={"mip_rel_gap": 0.0, "time_limit": seconds},
        )
        finished = solved.status in (0, 2)
        if solved.x is None:
            bound = -np.inf if finished else np.inf
            return None, finished, bound
        chosen = columns[solved.x > 0.5]
        bound = float(self.pool.values[chosen].sum()) if finished else -float(solved.mip_dual_bound)
        return chosen, finished, bound


def value_curve(
    pool: AreaColumns, start: np.ndarray | None = None, *, seconds: float = SECONDS
) -> list[PoolOptimum]:
    """Return the best partition of a pool for every number of areas that has one.

    Parameters
    ----------
    pool : AreaColumns
    start : numpy.ndarray of int, optional
        Rows of the pool to begin with.
    seconds : float
        For each integer program.

    Returns
    -------
    list of PoolOptimum
        By ascending number of areas. The last one answers problem (a), the largest number of areas; empty where the
        pool has no partition.
    """
    master = PoolMaster(pool, start)
    span = master.number_range()
    if span is None:
        return []
    found = [master.best(k, seconds) for k in range(span[0], span[1] + 1)]
    return [one for one in found if np.isfinite(one.value) or one.bound > -np.inf]
