"""The last touch: municipalities on a border that are linked more strongly to the other side cross it."""

from __future__ import annotations

import numpy as np

from diagnosis.areas.loop import best_candidate
from diagnosis.areas.state import (
    ADJUSTED,
    ITERATION,
    NOBODY,
    RECORDS,
    RESERVE,
    exchange,
    exchanged,
    join,
    judge,
    leave,
    look_around,
    record,
    set_validity,
)


def adjust(state, flows, rules, limits, steps, values):
    """Move municipalities to the area of stronger link as long as one can; False: the records are full.

    A move must keep more commuters inside the areas, leave both areas valid, and the one it leaves connected. The
    commuters inside grow with every move, so that there is a last one. Municipalities come in the order of the
    aggregation, again and again.
    """
    marks = np.zeros(state.label.size, np.int64)
    moved = True
    while moved:
        moved = False
        for i in range(state.label.size):
            k = state.label[i]
            if k == RESERVE or state.size[k] < 2 or (rules.touching and not on_border(state, limits, i, k)):
                continue
            count = look_around(state, limits, i, exchange(state, flows, i))
            t, link = best_candidate(state, flows, rules, limits, i, k, count, False)
            if t == RESERVE or exchanged(state, t) <= exchanged(state, k):
                continue
            live, work = state.live[k] - flows.live[i], state.work[k] - flows.work[i]
            own = link_with_rest(state, flows, i, k, live, work)
            within = state.within[k] - flows.within[i] - exchanged(state, k)
            before = state.validity[t]
            after = judge(
                state.live[t] + flows.live[i],
                state.work[t] + flows.work[i],
                state.within[t] + flows.within[i] + exchanged(state, t),
                rules,
            )
            if link <= own or after < 1 or judge(live, work, within, rules) < 1:
                continue
            if rules.touching and not connected_without(state, limits, i, k, marks):
                continue
            if steps.shape[0] > 0 and state.counters[RECORDS] == steps.shape[0]:
                return False
            validity = state.validity[k]
            leave(state, flows, i, k)
            join(state, flows, i, t)
            set_validity(state, k, judge(state.live[k], state.work[k], state.within[k], rules))
            set_validity(state, t, after)
            record(state, steps, values, ADJUSTED, i, k, t, t, NOBODY, link, before, after, validity)
            state.counters[ITERATION] += 1
            moved = True
    return True


def on_border(state, limits, i, k):
    """Whether a municipality touches one of another area."""
    outside = 0
    for p in range(limits.near_start[i], limits.near_start[i + 1]):
        outside += state.label[limits.near_node[p]] != k
    return outside > 0


def link_with_rest(state, flows, i, k, live, work):
    """Link of a municipality with the rest of its area, which has these employed residents and jobs."""
    link = 0.0
    if exchanged(state, k) > 0:
        sent, received = state.coming[k], state.to[k]
        if sent > 0:
            link += sent / live * sent / flows.work[i]
        if received > 0:
            link += received / flows.live[i] * received / work
    return link


def connected_without(state, limits, i, k, marks):
    """Whether the rest of an area hangs together without one of its members; `marks` is scratch."""
    stack = np.empty(state.size[k], np.int64)
    j = state.head[k]
    while j != NOBODY:
        marks[j] = 0
        j = state.after[j]
    first = state.head[k] if state.head[k] != i else state.after[i]
    stack[0], marks[first], height, met = first, 1, 1, 1
    while height > 0:
        height -= 1
        here = stack[height]
        for p in range(limits.near_start[here], limits.near_start[here + 1]):
            there = limits.near_node[p]
            if there != i and state.label[there] == k and marks[there] == 0:
                marks[there], stack[height] = 1, there
                height += 1
                met += 1
    return met == state.size[k] - 1
