"""Finding areas worth more than the duals of their units, and proving that there are none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from diagnosis.areas.governance.branching import (
    FIRST_STEPS,
    STEPS,
    bound_all,
    first_branches,
    split_branches,
    without_dead,
)
from diagnosis.areas.governance.columns import AreaColumns
from diagnosis.areas.governance.dense import dense_problem
from diagnosis.areas.governance.interaction import unit_set_value
from diagnosis.areas.governance.problem import AreaProblem

ROOM = 150_000
"""Branches kept at most."""


class Prices(NamedTuple):
    """What pricing found for given duals.

    Attributes
    ----------
    bounds : numpy.ndarray of float, shape (n,)
        No feasible area of which a unit is the one of most jobs has a larger reduced value; -inf: there is none.
    areas : AreaColumns
        Feasible areas met.
    """

    bounds: np.ndarray
    areas: AreaColumns


class AreaPricing:
    """The areas of largest reduced value of a problem, over all feasible areas, for one set of duals after the other.

    Parameters
    ----------
    problem : AreaProblem
    counted : bool, default False
        Every area is worth 1 instead of its interaction: for the largest number of areas.
    room : int
        Branches kept at most.

    Attributes
    ----------
    work : int
        Bounds computed so far.
    """

    def __init__(self, problem: AreaProblem, *, counted: bool = False, room: int = ROOM) -> None:
        self._problem, self._counted = problem, counted
        dense = dense_problem(problem)
        self._dense = dense._replace(weights=np.zeros_like(dense.weights)) if counted else dense
        self._branches = first_branches(problem, self._dense, room)
        self._before: np.ndarray | None = None
        self._fixed = np.flatnonzero(problem.fixed)
        self._fixed_values = np.array(
            [1.0 if counted else problem.value([int(unit)]) for unit in self._fixed]
        )
        self.work = 0

    def price(self, duals: np.ndarray, target: float, splits: int) -> Prices:
        """Bound the reduced value of all areas, and list those met on the way.

        Parameters
        ----------
        duals : numpy.ndarray of float, shape (n,)
            Of the units.
        target : float
            Bounds at most this need not be sharper.
        splits : int
            Branches split at most.

        Returns
        -------
        Prices
        """
        constant = 1.0 if self._counted else 0.0
        first = self._before is None
        b, d = without_dead(self._branches), self._dense
        before = duals if self._before is None else self._before
        self.work += bound_all(d, duals, before, b, FIRST_STEPS if first else STEPS, target - constant)
        self._before = duals.copy()
        self.work += 2 * split_branches(d, duals, b, splits, target - constant)
        rows = np.flatnonzero(b.alive[: b.used[0]])
        bounds = np.full(self._problem.n_units, -np.inf)
        np.maximum.at(bounds, b.root[rows], b.bound[rows] + constant)
        bounds[self._fixed] = self._fixed_values - duals[self._fixed]
        return Prices(bounds, self._areas_met())

    def root_of(self, membership: np.ndarray) -> np.ndarray:
        """Return the unit of most jobs of each area, the last of equal ones."""
        jobs = self._dense.sizes[1]
        rank = np.empty(len(jobs), np.int64)
        rank[np.lexsort((np.arange(len(jobs)), jobs))] = np.arange(len(jobs))
        return np.where(membership, rank[None, :], -1).argmax(axis=1)

    def _areas_met(self) -> AreaColumns:
        """Return the feasible areas among the sets that attain the bounds of branches."""
        b = self._branches
        guesses = np.unique(b.guess[: b.used[0]], axis=0)
        values = _evaluate(self._problem.arrays, guesses)
        found = values >= 0.0
        worth = np.ones(int(found.sum())) if self._counted else values[found]
        return AreaColumns.from_membership(guesses[found], worth)


@njit(cache=True, nogil=True)
def _evaluate(p, membership):
    """Return the value of each set of units, -1 where it is not a feasible area."""
    values = np.full(len(membership), -1.0)
    for a in range(len(membership)):
        units = np.flatnonzero(membership[a])
        if len(units):
            value, feasible = unit_set_value(p, units)
            if feasible:
                values[a] = value
    return values
