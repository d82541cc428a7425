"""Branches that together hold every feasible area, each with an upper bound of the reduced value of its areas.

There is a branch for each unit as the root, that of most jobs in its area, and the one of the largest bound is split
again and again: in the range of a size, or into the areas with a unit and those without.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numba import njit

from diagnosis.areas.governance.dense import BY_UNIT, FREE, IN, N_MULTIPLIERS, N_SIZES, OUT, WORK, Dense
from diagnosis.areas.governance.enumeration import may_close
from diagnosis.areas.governance.problem import AreaProblem
from diagnosis.areas.governance.relaxation import bound_branch

FIRST_STEPS = 24
STEPS = 6


class Branches(NamedTuple):
    """Branches one after the other; the first `used[0]` rows are in use, those of `alive` hold the areas."""

    used: np.ndarray
    alive: np.ndarray
    root: np.ndarray
    state: np.ndarray
    low: np.ndarray
    high: np.ndarray
    multipliers: np.ndarray
    guess: np.ndarray
    bound: np.ndarray
    errors: np.ndarray
    split_unit: np.ndarray


def without_dead(branches: Branches) -> Branches:
    """Move the branches that hold areas to the front, in order."""
    kept = np.flatnonzero(branches.alive[: branches.used[0]])
    for rows in branches[1:]:
        rows[: len(kept)] = rows[kept]
    branches.alive[len(kept) :] = False
    branches.used[0] = len(kept)
    return branches


def first_branches(problem: AreaProblem, d: Dense, room: int) -> Branches:
    """Return one branch for each unit that is not fixed: the areas of which it is the unit of most jobs."""
    n = problem.n_units
    roots = np.flatnonzero(~problem.fixed)
    branches = Branches(
        np.array([len(roots)]),
        np.zeros(room, bool),
        np.zeros(room, np.int64),
        np.full((room, n), OUT, np.int8),
        np.zeros((room, N_SIZES)),
        np.full((room, N_SIZES), np.inf),
        np.zeros((room, N_MULTIPLIERS)),
        np.zeros((room, n), bool),
        np.full(room, np.inf),
        np.zeros((room, N_SIZES + 1)),
        np.full(room, -1, np.int64),
    )
    count = len(roots)
    rank = np.empty(n, np.int64)
    rank[np.lexsort((np.arange(n), d.sizes[WORK]))] = np.arange(n)
    branches.alive[:count] = True
    branches.root[:count] = roots
    branches.state[:count][rank[None, :] < rank[roots][:, None]] = FREE
    branches.state[:count, problem.fixed] = OUT
    branches.state[np.arange(count), roots] = IN
    size = 0.0 if may_close(problem) else problem.min_size * (1.0 - 1e-9)
    branches.low[:count] = [size, 0.0, problem.min_population, problem.min_members]
    branches.high[:count, N_SIZES - 1] = min(problem.max_members, len(problem.codes))
    branches.guess[:count] = branches.state[:count] != OUT
    return branches


@njit(cache=True, nogil=True)
def _bound(d, duals, b, j, steps, target, ends, scores):
    b.bound[j] = min(
        b.bound[j],
        bound_branch(
            d, duals, b.root[j], b.state[j], b.low[j], b.high[j], b.multipliers[j], b.guess[j], steps, target,
            ends, b.errors[j], scores,
        ),
    )  # fmt: skip
    best, unit = 0.0, -1
    for u in range(b.state.shape[1]):
        if b.state[j, u] == FREE and (unit < 0 or scores[u] > best):
            best, unit = scores[u], u
    if best <= 0.0:  # nothing exceeds: the set breaks a limit, and the largest unit tells most
        for u in range(b.state.shape[1]):
            if b.state[j, u] == FREE and d.sizes[WORK, u] > d.sizes[WORK, unit]:
                unit = u
    b.split_unit[j] = unit
    if b.bound[j] == -np.inf:
        b.alive[j] = False


@njit(cache=True, nogil=True)
def bound_all(d, duals, before, b, steps, target):
    """Bound every branch for new duals; returns how many had to be looked at closely.

    A branch whose bound for the duals `before`, raised by what its units may gain by the change, is at most `target`
    keeps that bound.
    """
    ends = np.empty((len(d.weights), 2, 2, len(d.unit_of)))
    scores = np.empty(b.state.shape[1])
    looked = 0
    for j in range(b.used[0]):
        if not b.alive[j]:
            continue
        raised = b.bound[j]
        for u in range(len(duals)):
            if b.state[j, u] == IN:
                raised += before[u] - duals[u]
            elif b.state[j, u] == FREE:
                raised += max(before[u] - duals[u], 0.0)
        b.bound[j] = raised
        if raised > target:
            looked += 1
            _bound(d, duals, b, j, steps, target, ends, scores)
    return looked


@njit(cache=True, nogil=True)
def _halves(b, j, d):
    """Return the size to split a branch at and the place; the size is ``BY_UNIT`` where a unit is better."""
    size, excess = BY_UNIT, b.errors[j, BY_UNIT]
    for s in range(N_SIZES):
        if b.errors[j, s] > excess:
            size, excess = s, b.errors[j, s]
    if size == BY_UNIT:
        return size, 0.0
    total = 0.0
    for u in range(b.state.shape[1]):
        if b.guess[j, u]:
            total += d.sizes[size, u]
    low, high = b.low[j, size], b.high[j, size]
    middle = np.sqrt(max(low, 1e-3) * max(min(total, high), 1e-3))
    if middle < low * 1.005 or middle > high * 0.995:
        return BY_UNIT, 0.0
    return size, middle


@njit(cache=True, nogil=True)
def split_branches(d, duals, b, splits, target):
    """Split the branch of the largest bound, again and again.

    Parameters
    ----------
    d : Dense
    duals : numpy.ndarray of float, shape (n,)
    b : Branches
    splits : int
        How often at most.
    target : float
        Stop when every bound is at most this.

    Returns
    -------
    int
        How many splits were made.
    """
    ends = np.empty((len(d.weights), 2, 2, len(d.unit_of)))
    scores = np.empty(b.state.shape[1])
    queue = [(-b.bound[j], j) for j in range(b.used[0]) if b.alive[j] and b.bound[j] > target]
    heapify(queue)
    done = 0
    while queue and done < splits and b.used[0] + 2 <= len(b.alive):
        j = heappop(queue)[1]
        if b.split_unit[j] < 0:
            continue
        size, middle = _halves(b, j, d)
        b.alive[j] = False
        done += 1
        for half in range(2):
            c = b.used[0]
            b.used[0] += 1
            b.alive[c] = True
            b.root[c] = b.root[j]
            b.state[c], b.low[c], b.high[c] = b.state[j], b.low[j], b.high[j]
            b.multipliers[c], b.guess[c] = b.multipliers[j], b.guess[j]
            b.bound[c] = b.bound[j]
            if size == BY_UNIT:
                b.state[c, b.split_unit[j]] = IN if half == 0 else OUT
                b.guess[c, b.split_unit[j]] = half == 0
            elif half == 0:
                b.low[c, size] = middle
            else:
                b.high[c, size] = middle
            _bound(d, duals, b, c, STEPS, target, ends, scores)
            if b.alive[c] and b.bound[c] > target:
                heappush(queue, (-b.bound[c], c))
    return done
