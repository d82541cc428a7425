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
    value_of,
    without_dead,
)
from diagnosis.areas.governance.columns import AreaColumns
from diagnosis.areas.governance.dense import dense_problem
from diagnosis.areas.governance.interaction import unit_set_value
from diagnosis.areas.governance.problem import AreaProblem
from diagnosis.areas.governance.relaxation import CORNERS

ROOM = 30_000
MOST_CUTS = 300


class Cuts(NamedTuple):
    """Sets of units that attained bounds: each tells how the bound of its root depends on the duals.

    Attributes
    ----------
    root : numpy.ndarray of int, shape (c,)
    stamp : numpy.ndarray of int, shape (c,)
        Of the branch; below 0: a fixed area.
    members : numpy.ndarray of float, shape (c, n)
    worth : numpy.ndarray of float, shape (c,)
        Before the duals.
    """

    root: np.ndarray
    stamp: np.ndarray
    members: np.ndarray
    worth: np.ndarray


class Prices(NamedTuple):
    """What pricing found for given duals.

    Attributes
    ----------
    bounds : numpy.ndarray of float, shape (n,)
        No feasible area of which a unit is the one of most jobs has a larger reduced value; -inf: there is none.
    areas : AreaColumns
        Feasible areas met.
    cuts : Cuts
        Sets that attain the largest bounds.
    """

    bounds: np.ndarray
    areas: AreaColumns
    cuts: Cuts


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
        Effort so far: minimum cuts, those of more than fifty units counted more.
    """

    def __init__(self, problem: AreaProblem, *, counted: bool = False, room: int = ROOM) -> None:
        self._problem, self._counted = problem, counted
        dense = dense_problem(problem)
        self._dense = dense._replace(weights=np.zeros_like(dense.weights)) if counted else dense
        self._branches = first_branches(problem, self._dense, room)
        self._first = True
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
        b, d = without_dead(self._branches), self._dense
        n = self._problem.n_units
        self.work += bound_all(
            d, duals, b, self._first, FIRST_STEPS if self._first else STEPS, target - constant
        )
        self._first = False
        if splits:
            self.work += split_branches(d, duals, b, splits, target - constant)
        rows = np.flatnonzero(b.alive[: b.used[0]])
        bounds = np.full(n, -np.inf)
        np.maximum.at(bounds, b.root[rows], b.bound[rows] + constant)
        bounds[self._fixed] = self._fixed_values - duals[self._fixed]
        order = rows[np.argsort(-b.bound[rows], kind="stable")]
        first = np.unique(b.root[order], return_index=True)[1]
        chosen = order[np.union1d(first, np.arange(min(MOST_CUTS, len(order))))]
        root, members, worth = _cuts_of(b, chosen, duals)
        cuts = Cuts(
            np.concatenate([root, self._fixed]),
            np.concatenate([b.stamp[chosen], -1 - self._fixed]),
            np.concatenate([members, np.eye(n)[self._fixed]]),
            np.concatenate([worth + constant, self._fixed_values]),
        )
        return Prices(bounds, self._areas_met(chosen), cuts)

    def limits(self, stamps: np.ndarray) -> np.ndarray:
        """Return the bounds of branches for the duals priced last; -inf: it is split; fixed areas have no limit."""
        b = self._branches
        rows = np.flatnonzero(b.alive[: b.used[0]])
        limit = np.full(b.used[1], -np.inf)
        limit[b.stamp[rows]] = b.bound[rows] + (1.0 if self._counted else 0.0)
        return np.where(stamps < 0, np.inf, limit[np.maximum(stamps, 0)])

    def root_of(self, membership: np.ndarray) -> np.ndarray:
        """Return the unit of most jobs of each area, the last of equal ones."""
        jobs = self._dense.sizes[1]
        rank = np.empty(len(jobs), np.int64)
        rank[np.lexsort((np.arange(len(jobs)), jobs))] = np.arange(len(jobs))
        return np.where(membership, rank[None, :], -1).argmax(axis=1)

    def _areas_met(self, rows: np.ndarray) -> AreaColumns:
        """Return the feasible areas among the sets that attain the bounds of branches."""
        b = self._branches
        guesses = np.unique(b.guess[rows].reshape(-1, b.state.shape[1]), axis=0)
        values = _evaluate(self._problem.arrays, guesses)
        found = values >= 0.0
        worth = np.ones(int(found.sum())) if self._counted else values[found]
        return AreaColumns.from_membership(guesses[found], worth)


@njit(cache=True, nogil=True)
def _cuts_of(b, rows, duals):
    """Return root, set (units in part where corners are mixed) and worth before duals of what attains bounds."""
    n = b.state.shape[1]
    root, members, worth = np.empty(len(rows), np.int64), np.zeros((len(rows), n)), np.empty(len(rows))
    values, mix = np.empty(CORNERS), np.empty(CORNERS)
    for a in range(len(rows)):
        j = rows[a]
        root[a] = b.root[j]
        worth[a] = value_of(b, j, duals, values, mix)
        for c in range(CORNERS):
            for u in range(n):
                if b.guess[j, c, u]:
                    members[a, u] += mix[c]
        for u in range(n):
            worth[a] += members[a, u] * duals[u]
    return root, members, worth


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
