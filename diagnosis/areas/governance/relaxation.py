"""An upper bound of the reduced value of all areas of a branch: between two sets of units, within ranges of size.

An area's reduced value is its interaction less the duals of its units. In a branch some units are in, some out, the
others free, and the area's employed residents R and jobs W lie in given ranges. For given R and W an area's terms are
squares of sums over its units, with factors that are known. The square of the flows of a certain unit is a sum over
pairs; that of a free unit is at most a sum of such flows with slopes, exact for one set of units (a marginal vector of
a convex game lies in its core: Shapley L. S. 1971, Cores of convex games, International Journal of Game Theory 1,
11-26), times the unit; or, by the Cauchy-Schwarz inequality, a term is at most a sum of the same term for the certain
units and for every other one. The maximum of such sums over all sets is a minimum cut
(:mod:`~diagnosis.areas.governance.closure`). Sizes, and limits that are such sums as well, self-containment among
them, are priced with multipliers (Lagrangian relaxation); contiguity counts in that free units must be reachable.

The bound is computed at the four corners of the ranges of R and W. It is convex in factors and multipliers together,
and factors are convex in R and W: between the corners it is at most the mean of those there, and what the mean of
multipliers adds is of second order in the width of the ranges.

Every bound is kept as what each unit claims of the reduced value at each corner: it is known at once for other duals.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.closure import best_set
from diagnosis.areas.governance.dense import (
    FREE,
    IN,
    N_MULTIPLIERS,
    N_SIZES,
    RESIDENT,
    WORK,
    least_containment,
    narrow,
)
from diagnosis.areas.governance.terms import CHORD, MOST, bend, describe_terms, gather_limits, gather_terms

CORNERS = 4
"""Corner 2 a + b: a is the end of the range of residents, b that of jobs."""


@njit(cache=True, nogil=True)
def over_range(first, last, bulge, share):
    """Return the largest (1 - a) first + a last + a (1 - a) bulge for a from 0 to 1, and write a."""
    if bulge <= abs(last - first) or bulge <= 0.0:
        share[0] = 1.0 if last > first else 0.0
        return max(first, last)
    share[0] = 0.5 + 0.5 * (last - first) / bulge
    return first + (bulge + last - first) ** 2 / (4.0 * bulge)


@njit(cache=True, nogil=True)
def over_ranges(values, multipliers, low, high, mix):
    """Return the bound over both ranges from those at the four corners, and how the corners are mixed there.

    Between the corners factors and multipliers are means of those at the corners, and the bound is convex in both.
    """
    live, work = high[RESIDENT] - low[RESIDENT], high[WORK] - low[WORK]
    share, place = np.zeros(1), np.zeros(2)
    best = np.inf
    for order in range(2):
        # corner 2 a + b: a the end of residents, b that of jobs
        size, span, other_size, other_span = (
            (WORK, work, RESIDENT, live) if order == 0 else (RESIDENT, live, WORK, work)
        )
        step, other = (1, 2) if order == 0 else (2, 1)
        total, side, part = -np.inf, 0, 0.0
        extra = 0.0
        for o in range(2):
            first, last = o * other, o * other + step
            bulge = span * (multipliers[last, size] - multipliers[first, size])
            value = over_range(values[first], values[last], bulge, share)
            if value > total:
                total, side, part = value, o, share[0]
            extra = max(
                extra,
                0.25
                * other_span
                * (multipliers[step * o + other, other_size] - multipliers[step * o, other_size]),
            )
        if total + extra < best:
            best = total + extra
            place[0], place[1] = (float(side), part) if order == 0 else (part, float(side))
    # Where about it is attained: best along one range, then along the other.
    for turn in range(4):
        order = turn & 1
        size, span, step, other = (RESIDENT, live, 2, 1) if order == 0 else (WORK, work, 1, 2)
        at = place[1 - order]
        ends = np.zeros(2)
        bulge = 0.0
        other_size, other_span = (WORK, work) if order == 0 else (RESIDENT, live)
        for e in range(2):
            first, last = e * step, e * step + other
            ends[e] = (1.0 - at) * values[first] + at * values[last]
            ends[e] += (
                at
                * (1.0 - at)
                * other_span
                * (multipliers[last, other_size] - multipliers[first, other_size])
            )
        for o in range(2):
            weight = at if o else 1.0 - at
            bulge += weight * span * (multipliers[o * other + step, size] - multipliers[o * other, size])
        over_range(ends[0], ends[1], bulge, share)
        place[order] = share[0]
    a, b = place[0], place[1]
    mix[0], mix[1], mix[2], mix[3] = (1.0 - a) * (1.0 - b), (1.0 - a) * b, a * (1.0 - b), a * b
    return best


@njit(cache=True, nogil=True)
def value_at(base, claims, state, duals):
    """Return a corner's bound for some duals: what certain units claim, and others if more than their dual."""
    total = base
    for u in range(len(state)):
        if state[u] == IN or (state[u] == FREE and claims[u] > duals[u]):
            total += claims[u] - duals[u]
    return total


@njit(cache=True, nogil=True)
def bound_branch(
    d,
    duals,
    root,
    state,
    low,
    high,
    multipliers,
    guess,
    bases,
    claims,
    steps,
    target,
    kinds,
    terms,
    slopes,
    often,
):
    """Bound the reduced value of the areas of a branch; what attains the best bound is kept.

    Parameters
    ----------
    d : Dense
    duals : numpy.ndarray of float, shape (n,)
    root : int
        The area's unit of most jobs.
    state : numpy.ndarray of int8, shape (n,)
        ``OUT``, ``FREE`` or ``IN``; tightened in place, as are `low` and `high`.
    low, high : numpy.ndarray of float, shape (4,)
        Ranges of the sizes.
    multipliers : numpy.ndarray of float, shape (4, 6)
        At each corner, of the four sizes and of the two rules of self-containment; a good guess, improved.
    guess : numpy.ndarray of bool, shape (4, n)
        Likely areas; on return the sets that attain the bound at each corner.
    bases, claims : numpy.ndarray of float, shapes (4,) and (4, n)
        The bound of a corner for any duals: see :func:`value_at`. Infinite bases: not known yet.
    steps : int
        Sets of multipliers tried.
    target : float
        A bound below is good enough.
    kinds, terms, slopes : numpy.ndarray
        Room to work in.
    often : numpy.ndarray of float, shape (n,)
        Written: share of the sets met that have each free unit.

    Returns
    -------
    bound : float
        -inf: the branch has no area.
    work : int
        Minimum cuts computed, those of more than fifty units counted more.
    """
    n = len(state)
    often[:] = 0.0
    ranges = low[RESIDENT], high[RESIDENT], low[WORK], high[WORK]
    if not narrow(d, root, state, low, high):
        return -np.inf, 0
    values, mix = np.empty(CORNERS), np.empty(CORNERS)
    best = np.inf
    known = np.isfinite(bases[0]) and ranges == (
        low[RESIDENT],
        high[RESIDENT],
        low[WORK],
        high[WORK],
    )
    if known:  # what was known before still holds
        for c in range(CORNERS):
            values[c] = value_at(bases[c], claims[c], state, duals)
        best = over_ranges(values, multipliers, low, high, mix)
        if best <= target:
            return best, 1
    free = np.flatnonzero(state == FREE)
    count = len(free)
    place = np.full(n, -1, np.int64)
    for a in range(count):
        place[free[a]] = a
    for c in range(CORNERS):
        for u in range(n):
            guess[c, u] = state[u] == IN or (state[u] == FREE and guess[c, u])
    needed = least_containment(d, high[RESIDENT]) if d.judged else 0.0
    single, pairs, chosen = np.empty(count), np.empty((count, count)), np.zeros(count, np.bool_)
    claim = np.empty(count)
    at, much = np.empty(count, np.int64), np.empty(count)
    describe_terms(d, state, low, high, guess[0], kinds, terms)
    for layer in range(len(d.weights)):
        for side in range(2):
            for i in range(len(d.unit_of)):
                if kinds[layer, side, i] == CHORD:
                    for e in range(d.start[layer, side, i], d.start[layer, side, i + 1]):
                        slopes[e] = terms[layer, side, i, MOST]
    trial = multipliers.copy()
    now = np.empty((CORNERS, n), np.bool_)
    base, claimed = np.empty(CORNERS), np.zeros((CORNERS, n))
    slack = np.empty((CORNERS, N_MULTIPLIERS))
    for c in range(CORNERS):
        bend(d, state, kinds, terms, guess[c], slopes, 0.5 if c == 0 else 0.25)
    work, cuts, factor, last = 0, 0, 0.6, np.inf
    for step in range(steps):
        for c in range(CORNERS):
            single[:] = 0.0
            pairs[:, :] = 0.0
            constant = gather_terms(d, state, place, kinds, terms, c, slopes, single, pairs, at, much)
            constant += gather_limits(d, state, place, trial[c], needed, single, pairs)
            for s in range(N_SIZES):
                if trial[c, s] != 0.0:
                    constant -= trial[c, s] * _end(c, s, trial[c, s], low, high)
            for a in range(count):
                single[a] -= duals[free[a]]
            values[c] = constant + best_set(single, pairs, count, chosen, claim)
            cuts += 1
            work += 1 + count * count // 2500
            base[c] = constant
            for u in range(n):
                now[c, u] = state[u] == IN
                if now[c, u]:
                    values[c] -= duals[u]
            for a in range(count):
                now[c, free[a]] = chosen[a]
                claimed[c, free[a]] = claim[a] + duals[free[a]]
                if chosen[a]:
                    often[free[a]] += 1.0
            bend(d, state, kinds, terms, now[c], slopes, 0.3)
        value = over_ranges(values, trial, low, high, mix)
        if value < best:
            best = value
            multipliers[:], guess[:], bases[:], claims[:] = trial, now, base, claimed
        if value > last:
            factor *= 0.5
        last = value
        if best <= target or step + 1 == steps:
            break
        norm = 0.0
        for c in range(CORNERS):
            if mix[c] > 0.0:
                norm += _lack(d, state, now[c], trial[c], low, high, needed, mix, slack[c]) * mix[c] ** 2
        if norm <= 1e-12:
            break
        move = factor * (value - target) / norm
        for c in range(CORNERS):
            if mix[c] <= 0.0:
                continue
            for s in range(N_MULTIPLIERS):
                scale = max(low[s if s < N_SIZES else s - N_SIZES], 1e-9)
                before = trial[c, s]
                trial[c, s] -= move * mix[c] * slack[c, s] / scale
                if s >= N_SIZES:
                    trial[c, s] = max(trial[c, s], 0.0)
                elif s >= 2 and (
                    before * trial[c, s] < 0.0 or (trial[c, s] < 0.0 and not np.isfinite(high[s]))
                ):
                    trial[c, s] = 0.0
    often /= max(cuts, 1)
    return best, work


@njit(cache=True, nogil=True)
def _end(corner, size, multiplier, low, high):
    """Return the end of a range a multiplier of a corner belongs to."""
    if size == RESIDENT:
        return high[size] if corner >> 1 else low[size]
    if size == WORK:
        return high[size] if corner & 1 else low[size]
    return low[size] if multiplier > 0.0 else high[size]


@njit(cache=True, nogil=True)
def _lack(d, state, now, trial, low, high, needed, mix, slack):
    """Write what a set exceeds each limit by, for the lower ends of the ranges; returns the sum of squares."""
    within, norm = 0.0, 0.0
    n = len(now)
    if d.judged:
        for u in range(n):
            if now[u]:
                within += d.closed[u]
                for v in range(u):
                    if now[v]:
                        within += d.pairs[u, v]
    for s in range(N_SIZES):
        total = 0.0
        for u in range(n):
            if now[u]:
                total += d.sizes[s, u]
        scale = max(low[s], 1e-9)
        slack[s] = 0.0
        if s == RESIDENT:
            part = mix[2] + mix[3]
            slack[s] = (total - (1.0 - part) * low[s] - part * high[s]) / scale
        elif s == WORK:
            part = mix[1] + mix[3]
            slack[s] = (total - (1.0 - part) * low[s] - part * high[s]) / scale
        elif trial[s] > 0.0 or (trial[s] == 0.0 and total < low[s]):
            slack[s] = (total - low[s]) / scale
        elif trial[s] < 0.0 or total > high[s]:
            slack[s] = (total - high[s]) / scale
        if s < 2:
            slack[N_SIZES + s] = (within - needed * total) / scale if d.judged else 0.0
    for s in range(N_MULTIPLIERS):
        if s >= N_SIZES and trial[s] <= 0.0 and slack[s] > 0.0:
            slack[s] = 0.0
        norm += slack[s] * slack[s]
    return norm
