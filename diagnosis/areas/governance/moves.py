"""Moving units between areas: what a move changes, carrying it out, undoing it, and going on until none helps."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.connectivity import stays_connected, touching_areas
from diagnosis.areas.governance.interaction import link
from diagnosis.areas.governance.pool import record
from diagnosis.areas.governance.progress import (
    AREAS,
    FIRST,
    GAP,
    LOG,
    NOBODY,
    PENALTY,
    STEPS,
    VALUE,
    WAITING,
    assess,
    far_members,
    gap_of,
    put,
    take,
)

LEAST_GAIN = 1e-12
"""Differences below this are rounding."""
CHAIN_SIZE = 400
"""Units of both areas together up to which a second move is looked for after one that does not help."""


@njit(cache=True, nogil=True)
def spread(g, s, u):
    """Add to `to` and `coming` what every municipality sends to, and receives from, a unit."""
    for layer in range(len(g.weight)):
        to, coming = s.to[layer], s.coming[layer]
        for i in range(g.first[u], g.first[u + 1]):
            for e in range(g.near_start[layer, i], g.near_start[layer, i + 1]):
                to[g.near_node[e]] += g.near_in[e]
                coming[g.near_node[e]] += g.near_out[e]


@njit(cache=True, nogil=True)
def clear(g, s, u):
    """Set back what :func:`spread` has written for a unit."""
    for layer in range(len(g.weight)):
        to, coming = s.to[layer], s.coming[layer]
        for i in range(g.first[u], g.first[u + 1]):
            for e in range(g.near_start[layer, i], g.near_start[layer, i + 1]):
                to[g.near_node[e]] = 0.0
                coming[g.near_node[e]] = 0.0


@njit(cache=True, nogil=True)
def clashes_with(g, s, u, a):
    """Count the members of an area that a unit may not share one with."""
    count = 0
    for e in range(g.apart_start[u], g.apart_start[u + 1]):
        count += s.area[g.apart_node[e]] == a
    return count


@njit(cache=True, nogil=True)
def exchanged(g, s, u, a):
    """Sum the flows between a unit, spread before, and the other units of an area, in the layer judged."""
    if g.layer < 0:
        return 0.0
    total = 0.0
    v = s.head[a]
    while v != NOBODY:
        if v != u:
            for i in range(g.first[v], g.first[v + 1]):
                total += s.to[g.layer, i] + s.coming[g.layer, i]
        v = s.after[v]
    return total


@njit(cache=True, nogil=True)
def flows_with(g, s, layer, i, a):
    """Sum what a municipality sends to and receives from an area and the rest of its own unit."""
    u = g.unit[i]
    sent, received = 0.0, 0.0
    for e in range(g.near_start[layer, i], g.near_start[layer, i + 1]):
        other = g.unit[g.near_node[e]]
        if s.area[other] == a or other == u:
            sent += g.near_out[e]
            received += g.near_in[e]
    return sent, received


@njit(cache=True, nogil=True)
def score_without(g, s, u):
    """Return the score of a unit's area once the unit, spread before, has left."""
    a = s.area[u]
    head, after, first = s.head, s.after, g.first
    value, work_of_unit, live_of_unit = 0.0, 0.0, 0.0
    for layer in range(len(g.weight)):
        resident, work, to, coming = g.resident[layer], g.work[layer], s.to[layer], s.coming[layer]
        sent, received = s.sent[layer], s.received[layer]
        all_resident, all_work, part = s.resident[layer, a], s.work[layer, a], 0.0
        for i in range(first[u], first[u + 1]):
            all_resident -= resident[i]
            all_work -= work[i]
        if layer == g.layer:
            live_of_unit, work_of_unit = all_resident, all_work
        if g.weight[layer] == 0.0:
            continue
        v = head[a]
        while v != NOBODY:
            if v != u:
                for i in range(first[v], first[v + 1]):
                    r, w = resident[i], work[i]
                    part += link(
                        sent[i] - to[i], received[i] - coming[i], r, w, all_resident - r, all_work - w
                    )
            v = after[v]
        value += g.weight[layer] * part
    first_other = s.head[a] if s.head[a] != u else after[u]
    gap = gap_of(
        g,
        first_other,
        s.members[a] - (first[u + 1] - first[u]),
        s.population[a] - g.population[u],
        live_of_unit,
        work_of_unit,
        s.within[a] - g.own_within[u] - exchanged(g, s, u, a),
        s.clashes[a] - clashes_with(g, s, u, a) + far_members(g, s, a, u, NOBODY),
    )
    return value - PENALTY * gap


@njit(cache=True, nogil=True)
def score_with(g, s, u, b):
    """Return the score of an area once a unit, spread before, has joined it."""
    head, after, first = s.head, s.after, g.first
    value, live_then, work_then = 0.0, 0.0, 0.0
    single = first[u + 1] - first[u] == 1
    for layer in range(len(g.weight)):
        resident, work, to, coming = g.resident[layer], g.work[layer], s.to[layer], s.coming[layer]
        sent, received = s.sent[layer], s.received[layer]
        all_resident, all_work, part = s.resident[layer, b], s.work[layer, b], 0.0
        for i in range(first[u], first[u + 1]):
            all_resident += resident[i]
            all_work += work[i]
        if layer == g.layer:
            live_then, work_then = all_resident, all_work
        if g.weight[layer] == 0.0:
            continue
        unit_sent, unit_received = 0.0, 0.0
        v = head[b]
        while v != NOBODY:
            for i in range(first[v], first[v + 1]):
                r, w = resident[i], work[i]
                part += link(sent[i] + to[i], received[i] + coming[i], r, w, all_resident - r, all_work - w)
                unit_sent += coming[i]
                unit_received += to[i]
            v = after[v]
        for i in range(first[u], first[u + 1]):
            if not single:
                unit_sent, unit_received = flows_with(g, s, layer, i, b)
            r, w = resident[i], work[i]
            part += link(unit_sent, unit_received, r, w, all_resident - r, all_work - w)
        value += g.weight[layer] * part
    gap = gap_of(
        g,
        u,
        s.members[b] + first[u + 1] - first[u],
        s.population[b] + g.population[u],
        live_then,
        work_then,
        s.within[b] + g.own_within[u] + exchanged(g, s, u, b),
        s.clashes[b] + clashes_with(g, s, u, b) + far_members(g, s, b, NOBODY, u),
    )
    return value - PENALTY * gap


@njit(cache=True, nogil=True)
def transfer(g, s, u, b):
    """Move a unit into the area of a slot, which may be empty; its old area is emptied if it was alone."""
    a = s.area[u]
    s.within[a] -= g.own_within[u]
    s.clashes[a] -= clashes_with(g, s, u, a)
    s.within[b] += g.own_within[u]
    s.clashes[b] += clashes_with(g, s, u, b)
    s.numbers[AREAS] += (s.n_units[b] == 0) - (s.n_units[a] == 1)
    take(g, s, u)
    put(g, s, u, b)
    for layer in range(len(g.weight)):
        sent, received = s.sent[layer], s.received[layer]
        for i in range(g.first[u], g.first[u + 1]):
            own_sent, own_received = 0.0, 0.0
            for e in range(g.near_start[layer, i], g.near_start[layer, i + 1]):
                j = g.near_node[e]
                other = g.unit[j]
                place = s.area[other]
                if other == u:
                    own_sent += g.near_out[e]
                    own_received += g.near_in[e]
                elif place == a:
                    sent[j] -= g.near_in[e]
                    received[j] -= g.near_out[e]
                    if layer == g.layer:
                        s.within[a] -= g.near_in[e] + g.near_out[e]
                elif place == b:
                    sent[j] += g.near_in[e]
                    received[j] += g.near_out[e]
                    own_sent += g.near_out[e]
                    own_received += g.near_in[e]
                    if layer == g.layer:
                        s.within[b] += g.near_in[e] + g.near_out[e]
            sent[i], received[i] = own_sent, own_received
    s.numbers[STEPS] += 1
    if s.n_units[a] == 0:
        s.within[a] = 0.0


@njit(cache=True, nogil=True)
def move(g, s, u, b):
    """Move a unit, judge both areas anew and write the move down."""
    a = s.area[u]
    transfer(g, s, u, b)
    assess(g, s, a)
    assess(g, s, b)
    write_down(s, u, a, b)


@njit(cache=True, nogil=True)
def write_down(s, u, a, b):
    """Log a move; where the log is full nothing can be undone any more, so the caller keeps it short."""
    at = s.numbers[LOG]
    s.log[at, 0], s.log[at, 1], s.log[at, 2] = u, a, b
    s.numbers[LOG] += 1


@njit(cache=True, nogil=True)
def undo(g, s, length):
    """Take back the moves that are in the log beyond a length."""
    while s.numbers[LOG] > length:
        at = s.numbers[LOG] - 1
        u, a, b = s.log[at, 0], s.log[at, 1], s.log[at, 2]
        transfer(g, s, u, a)
        s.numbers[LOG] -= 1
        # An area is judged once, at its last appearance.
        last_a, last_b = True, True
        for k in range(max(length, at - 3), at):
            last_a = last_a and s.log[k, 1] != a and s.log[k, 2] != a
            last_b = last_b and s.log[k, 1] != b and s.log[k, 2] != b
        if last_a:
            assess(g, s, a)
        if last_b:
            assess(g, s, b)


@njit(cache=True, nogil=True)
def score(s):
    """Return the interaction of the partition, less the cost of broken limits."""
    return s.totals[VALUE] - PENALTY * s.totals[GAP]


@njit(cache=True, nogil=True)
def area_score(s, a):
    """Return the interaction of an area, less the cost of broken limits."""
    return s.value[a] - PENALTY * s.gap[a]


@njit(cache=True, nogil=True)
def best_move(g, s, u):
    """Return the area a unit should move to, with what that changes; -1 where it cannot move."""
    a = s.area[u]
    if s.n_units[a] < 2:
        return NOBODY, -np.inf
    count = touching_areas(g, s, u)
    if count == 0 or not stays_connected(g, s, u):
        return NOBODY, -np.inf
    spread(g, s, u)
    left = score_without(g, s, u) - area_score(s, a)
    best, gain = NOBODY, -np.inf
    for k in range(count):
        b = s.found[k]
        change = left + score_with(g, s, u, b) - area_score(s, b)
        if change > gain:
            best, gain = b, change
    clear(g, s, u)
    return best, gain


@njit(cache=True, nogil=True)
def wait(s, u):
    """Put a unit at the end of the queue unless it is in it."""
    if not s.queued[u]:
        n = len(s.queue)
        s.queue[(s.numbers[FIRST] + s.numbers[WAITING]) % n] = u
        s.numbers[WAITING] += 1
        s.queued[u] = True


@njit(cache=True, nogil=True)
def call_up(g, s, a):
    """Put the units of an area, and those that touch it, in the queue."""
    u = s.head[a]
    while u != NOBODY:
        wait(s, u)
        for e in range(g.border_start[u], g.border_start[u + 1]):
            wait(s, g.border_node[e])
        u = s.after[u]


@njit(cache=True, nogil=True)
def second_move(g, s, u, a, b, least):
    """After `u` went from `a` to `b`: return the unit and area of the best further move, where it gains enough."""
    best_unit, best_area, best_gain = NOBODY, NOBODY, least
    for side in range(2):
        v = s.head[b] if side == 0 else s.head[a]
        while v != NOBODY:
            if v != u:
                to, gain = best_move(g, s, v)
                if to != NOBODY and gain > best_gain:
                    best_unit, best_area, best_gain = v, to, gain
            v = s.after[v]
    return best_unit, best_area


@njit(cache=True, nogil=True)
def improve(g, s, chains):
    """Move waiting units, one or two at a time, until none of them helps; feasible areas stay feasible.

    Parameters
    ----------
    g : Ground
    s : Progress
        Changed in place.
    chains : bool
        Whether a move that does not help is tried together with a second one: a swap along a border, or a shift
        through an area.
    """
    n = len(s.queue)
    room = len(s.log) - 4
    while s.numbers[WAITING] and s.numbers[LOG] < room:
        u = s.queue[s.numbers[FIRST]]
        s.numbers[FIRST] = (s.numbers[FIRST] + 1) % n
        s.numbers[WAITING] -= 1
        s.queued[u] = False
        a = s.area[u]
        b, gain = best_move(g, s, u)
        if b == NOBODY:
            continue
        if gain > LEAST_GAIN:
            move(g, s, u, b)
        elif not chains or not shift(g, s, u):
            continue
        for k in range(2):
            record(g, s, a if k == 0 else s.area[u])
        call_up(g, s, a)
        call_up(g, s, s.area[u])


@njit(cache=True, nogil=True)
def shift(g, s, u):
    """Carry out the first pair of moves beginning with this unit that helps; return whether there was one."""
    a = s.area[u]
    count = touching_areas(g, s, u)
    targets = s.found[:count].copy()
    for b in targets:
        if s.n_units[a] + s.n_units[b] > CHAIN_SIZE:
            continue
        before, start = score(s), s.numbers[LOG]
        move(g, s, u, b)
        v, c = second_move(g, s, u, a, b, before - score(s) + LEAST_GAIN)
        if v != NOBODY:
            move(g, s, v, c)
            if score(s) > before + LEAST_GAIN:
                record(g, s, c)
                call_up(g, s, c)
                return True
        undo(g, s, start)
    return False


@njit(cache=True, nogil=True)
def forget(s):
    """Empty the queue."""
    while s.numbers[WAITING]:
        s.queued[s.queue[s.numbers[FIRST]]] = False
        s.numbers[FIRST] = (s.numbers[FIRST] + 1) % len(s.queue)
        s.numbers[WAITING] -= 1
