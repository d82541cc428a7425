"""The terms of an area's interaction in a branch, as gains of single units and of pairs that none of them exceeds."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.dense import FREE, IN, N_SIZES, OUT, SENT

NONE, CHORD, CAUCHY = 0, 1, 2
BASE, MOST, LOWEST, HIGHEST, SURE = range(5)
"""What is known of a term: flows with the certain units, most others, the factor at both ends."""


@njit(cache=True, nogil=True)
def describe_terms(d, state, low, high, guess, kinds, terms):
    """Write how each term is bounded in a branch."""
    n = len(state)
    for layer in range(len(d.weights)):
        for side in range(2):
            rest = 1 - side
            certain = 0.0
            for u in range(n):
                if state[u] == IN:
                    certain += d.unit_margin[layer, rest, u]
            judged = layer == d.layer
            for i in range(len(d.unit_of)):
                kinds[layer, side, i] = NONE
                own = d.unit_of[i]
                if state[own] == OUT or d.margin[layer, side, i] <= 0.0 or d.weights[layer] <= 0.0:
                    continue
                term = terms[layer, side, i]
                around = certain + (d.unit_margin[layer, rest, own] if state[own] == FREE else 0.0)
                room = high[rest] * 1.000001 - around if judged else np.inf
                base, most, now, joined = d.own_flow[layer, side, i], 0.0, 0.0, 0.0
                for e in range(d.start[layer, side, i], d.start[layer, side, i + 1]):
                    u, flow = d.partner[e], d.flow[e]
                    if state[u] == IN:
                        base += flow
                    elif state[u] == FREE:
                        size = d.unit_margin[layer, rest, u]
                        if room > 0.0:
                            most += flow if size <= room else flow * room / size
                            room -= size
                        if guess[u]:
                            now += flow
                            joined += flow * flow / max(size, flow)
                if base + most <= 0.0:
                    continue
                own_rest = d.margin[layer, rest, i]
                sure = around - own_rest
                first, last = sure, sure
                if judged:
                    first, last = max(low[rest] - own_rest, sure), max(high[rest] - own_rest, sure)
                scale = d.weights[layer] / d.margin[layer, side, i]
                alone = base * base / sure if sure > base else base
                term[BASE], term[MOST], term[SURE] = base, most, scale * alone
                kinds[layer, side, i] = CAUCHY
                if first <= 1e-9:
                    continue
                lowest, highest = 1.0 / first, 1.0 / last
                if judged and low[rest] < first + own_rest:
                    # The area is at least so large with i: the chord is drawn from there, and goes on below.
                    span = high[rest] - first - own_rest
                    if span * 3.0 > high[rest] - low[rest]:
                        lowest = highest + (lowest - highest) * (high[rest] - low[rest]) / span
                    else:
                        highest = lowest
                whole = base + now
                if whole * whole * 0.5 * (lowest + highest) <= (joined + alone) * (1.0 + 1e-9):
                    kinds[layer, side, i] = CHORD
                    term[LOWEST], term[HIGHEST] = scale * lowest, scale * highest


@njit(cache=True, nogil=True)
def bend(d, state, kinds, terms, guess, slopes, share):
    """Draw the slopes towards those that are exact for a set of units.

    The square of the flows with free units is at most a sum over them: those of the set first, then the others, each
    for what it adds at most. Every mean of such slopes holds as well.
    """
    for layer in range(len(d.weights)):
        for side in range(2):
            for i in range(len(d.unit_of)):
                own = d.unit_of[i]
                if kinds[layer, side, i] != CHORD or state[own] == IN or not guess[own]:
                    continue
                now, most = 0.0, terms[layer, side, i, MOST]
                first, end = d.start[layer, side, i], d.start[layer, side, i + 1]
                for e in range(first, end):
                    if state[d.partner[e]] == FREE and guess[d.partner[e]]:
                        now += d.flow[e]
                now = min(now, most)
                for e in range(first, end):
                    slope = now if guess[d.partner[e]] else now + most
                    slopes[e] += share * (slope - slopes[e])


@njit(cache=True, nogil=True)
def gather_terms(d, state, place, kinds, terms, corner, slopes, single, pairs, at, much):
    """Add all terms at one corner of the ranges to the gains; returns the constant."""
    constant = 0.0
    for layer in range(len(d.weights)):
        for side in range(2):
            high = corner & 1 if side == SENT else corner >> 1
            for i in range(len(d.unit_of)):
                kind = kinds[layer, side, i]
                if kind == NONE:
                    continue
                term, own = terms[layer, side, i], d.unit_of[i]
                base, here = term[BASE], place[own]
                factor = term[HIGHEST] if high else term[LOWEST]
                fixed = factor * base * base if kind == CHORD else term[SURE]
                if here >= 0:
                    single[here] += fixed
                else:
                    constant += fixed
                count = 0
                scale = d.weights[layer] / d.margin[layer, side, i]
                for e in range(d.start[layer, side, i], d.start[layer, side, i + 1]):
                    u = place[d.partner[e]]
                    if u < 0:
                        continue
                    flow = d.flow[e]
                    if kind == CAUCHY:
                        gain = scale * flow * flow / max(d.unit_margin[layer, 1 - side, d.partner[e]], flow)
                    elif here >= 0:
                        gain = factor * flow * (2.0 * base + slopes[e])
                    else:
                        gain = factor * flow * (2.0 * base + flow)
                        for c in range(count):
                            both = 2.0 * factor * flow * much[c]
                            pairs[u, at[c]] += both
                            pairs[at[c], u] += both
                        at[count], much[count] = u, flow
                        count += 1
                    if here >= 0:
                        pairs[here, u] += gain
                        pairs[u, here] += gain
                    else:
                        single[u] += gain
    return constant


@njit(cache=True, nogil=True)
def gather_limits(d, state, place, trial, needed, single, pairs):
    """Add what the limits are worth at these multipliers, without the ends of the ranges; returns the constant."""
    constant = 0.0
    contained = trial[N_SIZES] + trial[N_SIZES + 1]
    n = len(state)
    for u in range(n):
        if state[u] == OUT:
            continue
        gain = contained * d.closed[u]
        for s in range(N_SIZES):
            gain += trial[s] * d.sizes[s, u]
        for s in range(2):
            gain -= trial[N_SIZES + s] * needed * d.sizes[s, u]
        here = place[u]
        if here < 0:
            constant += gain
        else:
            single[here] += gain
        if contained > 0.0:
            for v in range(u):
                flow = contained * d.pairs[u, v]
                if state[v] == OUT or flow == 0.0:
                    continue
                there = place[v]
                if here < 0 and there < 0:
                    constant += flow
                elif here < 0:
                    single[there] += flow
                elif there < 0:
                    single[here] += flow
                else:
                    pairs[here, there] += flow
                    pairs[there, here] += flow
    return constant
