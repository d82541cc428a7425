"""An upper bound of the reduced value of all areas of a branch: between two sets of units, within ranges of size.

An area's reduced value is its interaction less the duals of its units. In a branch some units are in, some out, the
others free, and the area's employed residents and jobs lie in given ranges. There each square F(i, A)^2 is at most
its chord between what is certain and what is possible, each denominator at least its least value; or, by the
Cauchy-Schwarz inequality, a term is at most the sum of the same term for the certain units and for every other one.
Both are sums over units and pairs, with pairs never negative, whose maximum over all sets is a minimum cut
(:mod:`~diagnosis.areas.governance.closure`). Limits that are such sums as well, self-containment among them, are
priced with multipliers (Lagrangian relaxation); contiguity counts in that free units must be reachable.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.closure import best_set
from diagnosis.areas.governance.dense import (
    BY_UNIT,
    FREE,
    IN,
    N_MULTIPLIERS,
    N_SIZES,
    OUT,
    RESIDENT,
    WORK,
    least_containment,
    narrow,
)


@njit(cache=True, nogil=True)
def _ends(flows, layer, order, margin, limit, unit_of, state, least, most):
    """Write the flows each municipality certainly and possibly has with the rest of its area.

    The units that may join have at most `limit` of `margin` in all, which goes first to those with the largest flows
    for their size, the first in `order` (a knapsack, relaxed).
    """
    n = len(state)
    for i in range(len(unit_of)):
        own = unit_of[i]
        if state[own] == OUT:
            least[i] = most[i] = 0.0
            continue
        certain = flows[layer, own, i]
        room = limit
        for u in range(n):
            if u != own and state[u] == IN:
                certain += flows[layer, u, i]
            if state[u] == IN or u == own:
                room -= margin[u]
        possible = certain
        for a in range(n):
            u = order[i, a]
            if u != own and state[u] == FREE:
                flow = flows[layer, u, i]
                if flow <= 0.0 or room <= 0.0:
                    break
                share = 1.0 if margin[u] <= room else room / margin[u]
                possible += share * flow
                room -= margin[u]
        least[i], most[i] = certain, possible


@njit(cache=True, nogil=True)
def _add_terms(
    d, layer, outward, state, low, guess, place, least, most, single, pairs, errors, scores, exact
):
    """Add one layer's terms of one direction to the gains; returns the constant.

    With `exact` the excess over the true value at `guess` is written to `errors` (by size) and `scores` (by unit)
    instead.
    """
    flows = d.sent if outward else d.received
    own_margin = d.resident[layer] if outward else d.work[layer]
    margin = d.work[layer] if outward else d.resident[layer]
    unit_margin = d.unit_work[layer] if outward else d.unit_resident[layer]
    size = WORK if outward else RESIDENT
    n = len(state)
    certain, actual = 0.0, 0.0
    for u in range(n):
        if state[u] == IN:
            certain += unit_margin[u]
        if guess[u]:
            actual += unit_margin[u]
    floor = low[size] if layer == d.layer else 0.0
    constant = 0.0
    for i in range(len(d.unit_of)):
        own = d.unit_of[i]
        if state[own] == OUT or most[i] <= 0.0 or own_margin[i] <= 0.0:
            continue
        sure = certain - margin[i]  # certain jobs around i, if it is in the area at all
        if state[own] == FREE:
            sure += unit_margin[own]
        bottom = max(sure, floor - margin[i])
        now, joined = flows[layer, own, i], 0.0
        for u in range(n):
            if u != own and guess[u]:
                now += flows[layer, u, i]
                if state[u] == FREE:
                    joined += (
                        flows[layer, u, i] * flows[layer, u, i] / unit_margin[u]
                        if unit_margin[u] > 0
                        else 0.0
                    )
        joined += least[i] * least[i] / sure if sure > 1e-9 else 0.0
        whole = state[own] == IN  # its square is a sum over pairs as it stands
        spread = now * now if whole else now * (least[i] + most[i]) - least[i] * most[i]
        by_chord = bottom > 1e-9 and (spread <= joined * bottom or (sure <= 1e-9 and least[i] > 0.0))
        scale = d.weights[layer] / own_margin[i]
        if exact:
            if guess[own]:
                rest = actual - margin[i]
                true = now * now / rest if rest > 1e-9 else 0.0
                if by_chord:
                    errors[size] += scale * spread * (1.0 / bottom - 1.0 / max(rest, bottom))
                    over = scale * max(spread - now * now, 0.0) / max(rest, bottom)
                else:
                    over = scale * max(joined - true, 0.0)
                errors[BY_UNIT] += over
                if most[i] > least[i]:
                    for u in range(n):
                        if u != own and state[u] == FREE:
                            scores[u] += over * flows[layer, u, i] / (most[i] - least[i])
            continue
        here = place[own]
        if by_chord and whole:
            scale /= bottom
            constant += scale * least[i] * least[i]
            for u in range(n):
                if u == own or state[u] != FREE:
                    continue
                flow = flows[layer, u, i]
                if flow <= 0.0:
                    continue
                single[place[u]] += scale * flow * (flow + 2.0 * least[i])
                for v in range(u):
                    if v != own and state[v] == FREE and flows[layer, v, i] > 0.0:
                        gain = 2.0 * scale * flow * flows[layer, v, i]
                        pairs[place[u], place[v]] += gain
                        pairs[place[v], place[u]] += gain
            continue
        if by_chord:
            slope = scale * (least[i] + most[i]) / bottom
            fixed = -scale * least[i] * most[i] / bottom + slope * least[i]
        else:
            slope = scale
            fixed = scale * least[i] * least[i] / sure if sure > 1e-9 else 0.0
        if here >= 0:
            single[here] += fixed
        else:
            constant += fixed
        for u in range(n):
            if u == own or state[u] != FREE:
                continue
            flow = flows[layer, u, i]
            if flow <= 0.0:
                continue
            gain = slope * flow if by_chord else slope * flow * flow / max(unit_margin[u], flow)
            if here >= 0:
                pairs[here, place[u]] += gain
                pairs[place[u], here] += gain
            else:
                single[place[u]] += gain
    return constant


@njit(cache=True, nogil=True)
def bound_branch(d, duals, root, state, low, high, multipliers, guess, steps, target, ends, errors, scores):
    """Bound the reduced value of the areas of a branch; the best multipliers and the set that attains it are kept.

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
    multipliers : numpy.ndarray of float, shape (6,)
        Of the four sizes (above 0: of the lower end) and of the two rules of self-containment; a good guess, improved.
    guess : numpy.ndarray of bool, shape (n,)
        A likely area; on return the set that attains the bound.
    steps : int
        Sets of multipliers tried.
    target : float
        A bound below is good enough.
    ends : numpy.ndarray of float, shape (L, 2, 2, m)
        Room to work in.
    errors, scores : numpy.ndarray of float, shapes (5,) and (n,)
        By how much the bound exceeds the value of `guess` because of the range of each size and because of free
        units, and the share of each of the latter.

    Returns
    -------
    float
        -inf: the branch has no area.
    """
    n = len(state)
    if not narrow(d, root, state, low, high):
        return -np.inf
    free = np.flatnonzero(state == FREE)
    count = len(free)
    place = np.full(n, -1, np.int64)
    for a in range(count):
        place[free[a]] = a
    for u in range(n):
        guess[u] = state[u] == IN or (state[u] == FREE and guess[u])
    for layer in range(len(d.weights)):
        judged = layer == d.layer
        _ends(
            d.sent, layer, d.sent_order[layer], d.unit_work[layer], high[WORK] * 1.000001 if judged else np.inf,
            d.unit_of, state, ends[layer, 0, 0], ends[layer, 0, 1],
        )  # fmt: skip
        _ends(
            d.received, layer, d.received_order[layer], d.unit_resident[layer],
            high[RESIDENT] * 1.000001 if judged else np.inf, d.unit_of, state, ends[layer, 1, 0], ends[layer, 1, 1],
        )  # fmt: skip
    needed = least_containment(d, high[RESIDENT]) if d.judged else 0.0
    trial, best_multipliers, best_guess = multipliers.copy(), multipliers.copy(), guess.copy()
    single, pairs, chosen = np.empty(count), np.empty((count, count)), np.zeros(count, np.bool_)
    slack = np.empty(N_MULTIPLIERS)
    best = np.inf
    scores[:] = 0.0
    errors[:] = 0.0
    for step in range(steps):
        single[:] = 0.0
        pairs[:, :] = 0.0
        constant = 0.0
        for layer in range(len(d.weights)):
            if d.weights[layer] > 0.0:
                for side in range(2):
                    constant += _add_terms(
                        d, layer, side == 0, state, low, guess, place, ends[layer, side, 0],
                        ends[layer, side, 1], single, pairs, errors, scores, False,
                    )  # fmt: skip
        contained = trial[N_SIZES] + trial[N_SIZES + 1]
        for s in range(N_SIZES):
            end = low[s] if trial[s] > 0.0 else high[s]
            constant -= trial[s] * end if trial[s] != 0.0 else 0.0
        for u in range(n):
            if state[u] == OUT:
                continue
            gain = -duals[u] + contained * d.closed[u]
            for s in range(N_SIZES):
                gain += trial[s] * d.sizes[s, u]
            for s in range(2):
                gain -= trial[N_SIZES + s] * needed * d.sizes[s, u]
            if state[u] == IN:
                constant += gain
            else:
                single[place[u]] += gain
            if contained > 0.0:
                for v in range(u):
                    if state[v] == OUT:
                        continue
                    flow = contained * d.pairs[u, v]
                    if state[u] == IN and state[v] == IN:
                        constant += flow
                    elif state[u] == IN:
                        single[place[v]] += flow
                    elif state[v] == IN:
                        single[place[u]] += flow
                    else:
                        pairs[place[u], place[v]] += flow
                        pairs[place[v], place[u]] += flow
        value = constant + best_set(single, pairs, count, chosen)
        for a in range(count):
            guess[free[a]] = chosen[a]
        if value < best:
            best = value
            best_multipliers[:] = trial
            best_guess[:] = guess
        if best <= target or step + 1 == steps:
            break
        # What the set attaining the bound lacks of each limit, each in units of the range's lower end.
        norm = 0.0
        within = 0.0
        for u in range(n):
            if guess[u]:
                within += d.closed[u]
                for v in range(u):
                    if guess[v]:
                        within += d.pairs[u, v]
        for s in range(N_SIZES):
            total = 0.0
            for u in range(n):
                if guess[u]:
                    total += d.sizes[s, u]
            scale = max(low[s], 1e-9)
            slack[s] = 0.0
            if trial[s] > 0.0 or (trial[s] == 0.0 and total < low[s]):
                slack[s] = (total - low[s]) / scale
            elif trial[s] < 0.0 or total > high[s]:
                slack[s] = (total - high[s]) / scale
            if s < 2:
                slack[N_SIZES + s] = (within - needed * total) / scale if d.judged else 0.0
        for s in range(N_MULTIPLIERS):
            if s >= N_SIZES and trial[s] <= 0.0 and slack[s] > 0.0:
                slack[s] = 0.0
            norm += slack[s] * slack[s]
        if norm <= 1e-12:
            break
        move = (value - target) / norm * (0.9 if step < 4 else 0.5)
        for s in range(N_MULTIPLIERS):
            scale = max(low[s if s < N_SIZES else s - N_SIZES], 1e-9)
            before = trial[s]
            trial[s] -= move * slack[s] / scale
            if s >= N_SIZES:
                trial[s] = max(trial[s], 0.0)
            elif before * trial[s] < 0.0:  # the two ends of a range are not crossed in one step
                trial[s] = 0.0
            if s < N_SIZES and trial[s] < 0.0 and not np.isfinite(high[s]):
                trial[s] = 0.0
    multipliers[:] = best_multipliers
    guess[:] = best_guess
    for layer in range(len(d.weights)):
        if d.weights[layer] > 0.0:
            for side in range(2):
                _add_terms(
                    d, layer, side == 0, state, low, guess, place, ends[layer, side, 0],
                    ends[layer, side, 1], single, pairs, errors, scores, True,
                )  # fmt: skip
    return best
