"""Placing the reserve: municipalities that no area took in the loop join one without a test of validity."""

from __future__ import annotations

import numpy as np

from diagnosis.areas.adjustment import adjust
from diagnosis.areas.loop import best_candidate, note_equal_area
from diagnosis.areas.state import (
    DISSOLVED,
    FOUNDED,
    ITERATION,
    LARGEST_NEIGHBOUR,
    NOBODY,
    PLACED,
    RECORDS,
    RESERVE,
    TIES,
    exchange,
    join,
    judge,
    leave,
    look_around,
    record,
    set_validity,
)

MOST_STEPS = 1_000
"""Steps a municipality after which nothing is dissolved any more: fewer than 10 are usual, and there is an end."""


def place_in_code_order(state, flows, rules, limits, waiting, steps, values):
    """Place by strongest link in the order given, pass after pass, until a pass places nobody (the package)."""
    left, before = waiting.size, -1
    while left != before:
        before, left = left, 0
        for i in waiting:
            if state.label[i] == RESERVE:
                candidate, link = strongest(state, flows, rules, limits, i, False)
                if candidate == RESERVE:
                    left += 1
                else:
                    settle(state, flows, rules, i, candidate, PLACED, link, steps, values)


def place_by_link(state, flows, rules, limits, waiting, steps, values):
    """Place the reserve by strongest link of all, dissolve areas below validity, adjust; False: the records are full.

    An area that the reserve pulled below validity is dissolved, the weakest first, and its municipalities are placed
    in the same way: their neighbours grow, and an area falls short only if nobody else may take it, or if it took in
    members of one that could not be given away as a whole: these are left as they are, so that there is an end.
    """
    place_strongest_first(state, flows, rules, limits, waiting, steps, values)
    while True:
        k = state.tree[1]
        validity = state.validity[k]
        if not validity < 1 or state.counters[ITERATION] > MOST_STEPS * state.label.size:
            return adjust(state, flows, rules, limits, steps, values)
        n = state.size[k]
        if steps.shape[0] > 0 and state.counters[RECORDS] + 2 * n > steps.shape[0]:
            return False
        note_equal_area(state, limits, k)
        members = np.empty(n, np.int64)
        i = np.int64(state.head[k])
        for m in range(n):
            members[m] = i
            i = np.int64(state.after[i])
        members.sort()
        for i in members:
            exchange(state, flows, i)
            leave(state, flows, i, k)
            record(
                state,
                steps,
                values,
                DISSOLVED,
                i,
                k,
                RESERVE,
                RESERVE,
                NOBODY,
                np.nan,
                np.nan,
                np.nan,
                validity,
            )
            state.counters[ITERATION] += 1
        set_validity(state, k, np.inf)
        founded = place_strongest_first(state, flows, rules, limits, members, steps, values)
        if founded:
            for i in members:
                set_validity(state, state.label[i], np.inf)


def place_strongest_first(state, flows, rules, limits, waiting, steps, values):
    """Place always the strongest link of all, computed anew after each placement; returns how many founded an area.

    A link to an area grows only for those who exchange with, or touch, the municipality just placed: theirs are
    computed at once. All others can only fall: the one about to be placed is checked first.
    """
    n = waiting.size
    targets = np.full(n, RESERVE)
    links = np.full(n, -1.0)
    number = np.full(state.label.size, NOBODY)
    renewed = np.full(n, n)
    founded = 0
    for r in range(n):
        number[waiting[r]] = r
        refresh(state, flows, rules, limits, waiting[r], r, targets, links)
    left = n
    while left > 0:
        r = strongest_waiting(state, waiting, targets, links)
        i = waiting[r]
        if targets[r] == RESERVE:
            note_equal_waiting(state, limits, waiting, r, targets, links)
            found(state, flows, rules, i, steps, values)
            founded += 1
        else:
            candidate, link = targets[r], links[r]
            refresh(state, flows, rules, limits, i, r, targets, links)
            if targets[r] != candidate or links[r] != link:
                continue
            note_equal_waiting(state, limits, waiting, r, targets, links)
            kind = PLACED if link > 0 else LARGEST_NEIGHBOUR
            settle(state, flows, rules, i, candidate, kind, link, steps, values)
        left -= 1
        for start, node in (
            (flows.out_start, flows.out_node),
            (flows.in_start, flows.in_node),
            (limits.near_start, limits.near_node),
        ):
            for p in range(start[i], start[i + 1]):
                j = node[p]
                if state.label[j] == RESERVE and number[j] != NOBODY and renewed[number[j]] != left:
                    renewed[number[j]] = left
                    refresh(state, flows, rules, limits, j, number[j], targets, links)
    return founded


def strongest_waiting(state, waiting, targets, links):
    """Return who has the strongest link of those waiting, the first one of equals; else the first without any."""
    best = NOBODY
    for r in range(waiting.size):
        if state.label[waiting[r]] != RESERVE:
            continue
        if best == NOBODY or (targets[r] != RESERVE and (targets[best] == RESERVE or links[r] > links[best])):
            best = r
    return best


def note_equal_waiting(state, limits, waiting, r, targets, links):
    """Count a tie if another one waits with the same link and nothing tells it apart from the one in turn."""
    for q in range(r + 1, waiting.size):
        if limits.rank[waiting[q]] != limits.rank[waiting[r]]:
            return
        same = links[q] == links[r] or (targets[q] == RESERVE and targets[r] == RESERVE)
        if same and state.label[waiting[q]] == RESERVE:
            state.counters[TIES] += 1
            return


def strongest(state, flows, rules, limits, i, without_flow):
    """Return the area of strongest link with a municipality of the reserve, and the link."""
    count = look_around(state, limits, i, exchange(state, flows, i))
    return best_candidate(state, flows, rules, limits, i, RESERVE, count, without_flow)


def refresh(state, flows, rules, limits, i, r, targets, links):
    """Compute the strongest link of a waiting municipality anew; areas it touches count even without a flow."""
    targets[r], links[r] = strongest(state, flows, rules, limits, i, rules.touching)


def settle(state, flows, rules, i, k, kind, link, steps, values):
    """Make a municipality of the reserve a member of an area."""
    before = judge(state.live[k], state.work[k], state.within[k], rules)
    exchange(state, flows, i)
    join(state, flows, i, k)
    after = judge(state.live[k], state.work[k], state.within[k], rules)
    set_validity(state, k, after)
    record(state, steps, values, kind, i, RESERVE, k, k, NOBODY, link, before, after, np.nan)
    state.counters[ITERATION] += 1


def found(state, flows, rules, i, steps, values):
    """Make a municipality that no area may take an area of its own, under its label or the first free one."""
    k = i
    if state.size[k] > 0:
        k = 0
        while state.size[k] > 0:
            k += 1
    state.live[k] = state.work[k] = state.within[k] = 0.0
    exchange(state, flows, i)
    join(state, flows, i, k)
    after = judge(state.live[k], state.work[k], state.within[k], rules)
    set_validity(state, k, after)
    record(state, steps, values, FOUNDED, i, RESERVE, RESERVE, k, NOBODY, np.nan, np.nan, after, np.nan)
    state.counters[ITERATION] += 1
