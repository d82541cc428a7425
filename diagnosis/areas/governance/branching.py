"""Branches that together hold every feasible area, each with an upper bound of the reduced value of its areas.

There is a branch for each unit as the root, that of most jobs in its area, and the one of the largest bound is split
again and again: in the range of a size, or into the areas with a unit and those without.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numba import njit

from diagnosis.areas.governance.dense import FREE, IN, N_MULTIPLIERS, N_SIZES, OUT, RESIDENT, WORK, Dense
from diagnosis.areas.governance.enumeration import may_close
from diagnosis.areas.governance.problem import AreaProblem
from diagnosis.areas.governance.relaxation import CORNERS, bound_branch, over_ranges, value_at

FIRST_STEPS = 12
STEPS = 5
BY_UNIT = N_SIZES


class Branches(NamedTuple):
    """Branches one after the other; the first `used[0]` rows are in use, those of `alive` hold the areas.

    `stamp` is a number no other branch ever has, the next one `used[1]`.
    """

    used: np.ndarray
    alive: np.ndarray
    root: np.ndarray
    stamp: np.ndarray
    state: np.ndarray
    low: np.ndarray
    high: np.ndarray
    multipliers: np.ndarray
    guess: np.ndarray
    bases: np.ndarray
    claims: np.ndarray
    bound: np.ndarray
    split_size: np.ndarray
    split_unit: np.ndarray


def without_dead(branches: Branches) -> Branches:
    """Move the branches that hold areas to the front, in order."""
    kept = np.flatnonzero(branches.alive[: branches.used[0]])
    if len(kept) < branches.used[0]:
        for rows in branches[1:]:
            rows[: len(kept)] = rows[kept]
        branches.alive[len(kept) :] = False
        branches.used[0] = len(kept)
    return branches


def first_branches(problem: AreaProblem, d: Dense, room: int) -> Branches:
    """Return one branch for each unit that is not fixed: the areas of which it is the unit of most jobs."""
    n = problem.n_units
    roots = np.flatnonzero(~problem.fixed)
    b = Branches(
        np.array([len(roots), 0]),
        np.zeros(room, bool),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
        np.zeros((room, n), np.int8),
        np.zeros((room, N_SIZES)),
        np.zeros((room, N_SIZES)),
        np.zeros((room, CORNERS, N_MULTIPLIERS)),
        np.zeros((room, CORNERS, n), bool),
        np.zeros((room, CORNERS)),
        np.zeros((room, CORNERS, n)),
        np.zeros(room),
        np.zeros(room, np.int64),
        np.zeros(room, np.int64),
    )
    count = len(roots)
    rank = np.empty(n, np.int64)
    rank[np.lexsort((np.arange(n), d.sizes[WORK]))] = np.arange(n)
    b.alive[:count] = True
    b.root[:count] = roots
    b.stamp[:count] = np.arange(count)
    b.used[1] = count
    b.state[:count] = np.where(rank[None, :] < rank[roots][:, None], FREE, OUT)
    b.state[:count, problem.fixed] = OUT
    b.state[np.arange(count), roots] = IN
    size = 0.0 if may_close(problem) else problem.min_size * (1.0 - 1e-9)
    b.low[:count] = [size, 0.0, problem.min_population, problem.min_members]
    b.high[:count] = np.inf
    b.high[:count, N_SIZES - 1] = min(problem.max_members, len(problem.codes))
    b.bound[:count] = np.inf
    b.bases[:count] = np.inf
    return b


@njit(cache=True, nogil=True)
def _mark_piece(d, root, guess, reached):
    """Mark the units of a set in one piece with the root."""
    n = len(guess)
    reached[:] = False
    reached[root] = True
    stack = np.empty(n, np.int64)
    stack[0], size = root, 1
    while size:
        size -= 1
        u = stack[size]
        for e in range(d.near_start[u], d.near_start[u + 1]):
            v = d.near[e]
            if guess[v] and not reached[v]:
                reached[v] = True
                stack[size] = v
                size += 1


@njit(cache=True, nogil=True)
def _bound(d, duals, b, j, steps, target, kinds, terms, slopes, often, reached):
    bound, work = bound_branch(
        d,
        duals,
        b.root[j],
        b.state[j],
        b.low[j],
        b.high[j],
        b.multipliers[j],
        b.guess[j],
        b.bases[j],
        b.claims[j],
        steps,
        target,
        kinds,
        terms,
        slopes,
        often,
    )
    b.bound[j] = bound
    if bound == -np.inf:
        b.alive[j] = False
        return work
    n = b.state.shape[1]
    low, high = b.low[j], b.high[j]
    root = b.root[j]
    size, excess = BY_UNIT, 0.15 * (bound - target)
    for s in range(2):
        own = d.sizes[s, root]
        step = 2 if s == RESIDENT else 1
        other = 3 - step
        span = high[s] - low[s]
        bulge = 0.0
        for o in range(2):
            bulge = max(bulge, b.multipliers[j, o * other + step, s] - b.multipliers[j, o * other, s])
        error = 0.45 * span * bulge
        if high[s] > 1.02 * max(low[s], 1e-9) and error > excess:
            size, excess = s, error
        if s == WORK and high[s] > 3.0 * max(low[s], 1e-9) and (high[s] - own) > 3.0 * (low[s] - own):
            size, excess = s, np.inf
    b.split_size[j] = size
    best, unit = 0.0, -1
    for u in range(n):
        if b.state[j, u] == FREE:
            score = min(often[u], 1.0 - often[u]) * (d.sizes[0, u] + d.sizes[1, u])
            if score > best:
                best, unit = score, u
    if unit < 0:
        _mark_piece(d, root, b.guess[j, 0], reached)
        for u in range(n):
            if b.state[j, u] == FREE and b.guess[j, 0, u] and not reached[u]:
                score = d.sizes[0, u] + d.sizes[1, u]
                if score > best:
                    best, unit = score, u
    if unit < 0:
        for u in range(n):
            if b.state[j, u] == FREE:
                score = d.sizes[0, u] + d.sizes[1, u]
                if score >= best:
                    best, unit = score, u
    b.split_unit[j] = unit
    return work


@njit(cache=True, nogil=True)
def value_of(b, j, duals, values, mix):
    """Return the bound of a branch for some duals from what is known; corners and their mix are written."""
    for c in range(CORNERS):
        values[c] = value_at(b.bases[j, c], b.claims[j, c], b.state[j], duals)
    return over_ranges(values, b.multipliers[j], b.low[j], b.high[j], mix)


@njit(cache=True, nogil=True)
def _room(d):
    """Return arrays to work in."""
    shape = (len(d.weights), 2, len(d.unit_of))
    n = d.sizes.shape[1]
    return (
        np.zeros(shape, np.int64),
        np.zeros((*shape, 5)),
        np.zeros(len(d.flow)),
        np.zeros(n),
        np.zeros(n, np.bool_),
    )


@njit(cache=True, nogil=True)
def bound_all(d, duals, b, first, steps, target):
    """Bound every branch for new duals; returns the work done.

    A branch of which what is known gives at most `target` keeps that bound; `first`: nothing is known.
    """
    kinds, terms, slopes, often, reached = _room(d)
    values, mix = np.empty(CORNERS), np.empty(CORNERS)
    work = 0
    for j in range(b.used[0]):
        if not b.alive[j]:
            continue
        if not first:
            b.bound[j] = value_of(b, j, duals, values, mix)
            if b.bound[j] <= target:
                continue
        work += _bound(d, duals, b, j, steps, target, kinds, terms, slopes, often, reached)
    return work


@njit(cache=True, nogil=True)
def split_branches(d, duals, b, splits, target):
    """Split the branch of the largest bound, again and again.

    Parameters
    ----------
    d : Dense
    duals : numpy.ndarray of float, shape (n,)
    b : Branches
        Bounded for these duals.
    splits : int
        How often at most.
    target : float
        Stop when every bound is at most this.

    Returns
    -------
    int
        Work done.
    """
    kinds, terms, slopes, often, reached = _room(d)
    queue = [(-b.bound[j], j) for j in range(b.used[0]) if b.alive[j] and b.bound[j] > target]
    heapify(queue)
    done, work = 0, 0
    while queue and done < splits and b.used[0] + 1 <= len(b.alive):
        j = heappop(queue)[1]
        size, unit = b.split_size[j], b.split_unit[j]
        if unit < 0 and size == BY_UNIT:
            if b.high[j, WORK] > b.low[j, WORK] * (1.0 + 1e-9):
                size = WORK
            elif b.high[j, RESIDENT] > b.low[j, RESIDENT] * (1.0 + 1e-9):
                size = RESIDENT
            else:
                continue
        done += 1
        c = b.used[0]
        b.used[0] += 1
        b.alive[c], b.root[c] = True, b.root[j]
        b.state[c], b.low[c], b.high[c] = b.state[j], b.low[j], b.high[j]
        b.multipliers[c], b.guess[c], b.bases[c], b.claims[c] = (
            b.multipliers[j],
            b.guess[j],
            b.bases[j],
            b.claims[j],
        )
        b.bound[c] = b.bound[j]
        if size == BY_UNIT:
            b.state[j, unit], b.state[c, unit] = IN, OUT
            b.guess[j, :, unit], b.guess[c, :, unit] = True, False
        else:
            own = d.sizes[size, b.root[j]]
            low, high = b.low[j, size], b.high[j, size]
            least = max(low - own, 0.02 * (high - own), 1e-9)
            middle = own + np.sqrt(least * max(high - own, 1e-9))
            if not (low < middle < high):
                middle = 0.5 * (low + high)
            step = 1 if size == WORK else 2
            other = 3 - step
            b.high[j, size] = middle
            b.low[c, size] = middle
            b.bases[j] = b.bases[c] = np.inf
            for o in range(2):
                # The corners between both start from the mean.
                first, last = o * other, o * other + step
                mean = 0.5 * (b.multipliers[j, first] + b.multipliers[j, last])
                b.multipliers[j, last] = mean
                b.multipliers[c, first] = mean
        for child in (j, c):
            b.stamp[child] = b.used[1]
            b.used[1] += 1
            work += _bound(d, duals, b, child, STEPS, target, kinds, terms, slopes, often, reached)
            if b.alive[child] and b.bound[child] > target:
                heappush(queue, (-b.bound[child], child))
    return work
