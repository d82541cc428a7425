"""Dividing an area in two and joining two: the changes that alter the number of areas."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.connectivity import area_neighbours, rest_connected
from diagnosis.areas.governance.interaction import link
from diagnosis.areas.governance.moves import area_score, clear, score, spread, transfer, undo, write_down
from diagnosis.areas.governance.progress import CHOSEN, LOG, NOBODY, PENALTY, assess, gap_of, stamp


@njit(cache=True, nogil=True)
def free_slot(s):
    """Return an empty slot; -1 where every unit is an area of its own."""
    for a in range(len(s.n_units)):
        if s.n_units[a] == 0:
            return a
    return NOBODY


@njit(cache=True, nogil=True)
def join(g, s, a, b):
    """Move the smaller of two areas into the other, write the moves down, and return the slot that is left."""
    if s.n_units[a] < s.n_units[b]:
        a, b = b, a
    while s.head[b] != NOBODY:
        u = s.head[b]
        transfer(g, s, u, a)
        write_down(s, u, b, a)
    assess(g, s, b)
    assess(g, s, a)
    return a


@njit(cache=True, nogil=True)
def part_off(g, s, a):
    """Move the units of `choice` out of an area into an empty slot, write the moves down, and return the slot."""
    b = free_slot(s)
    for k in range(s.numbers[CHOSEN]):
        u = s.choice[k]
        transfer(g, s, u, b)
        write_down(s, u, a, b)
    assess(g, s, a)
    assess(g, s, b)
    return b


@njit(cache=True, nogil=True)
def closeness(g, s, u, resident, work, by_link):
    """Return how close a unit is to the growing part: by its link, or by the share of its flows that go there."""
    total = 0.0
    for layer in range(len(g.weight)):
        weight = g.weight[layer]
        flow, all_flow = 0.0, 0.0
        for i in range(g.first[u], g.first[u + 1]):
            to, coming = s.to[layer, i], s.coming[layer, i]
            r, w = g.resident[layer, i], g.work[layer, i]
            if by_link:
                total += weight * link(to, coming, r, w, resident[layer], work[layer])
            flow += to + coming
            all_flow += r + w
        if not by_link and all_flow > 0.0:
            total += weight * flow / all_flow
    return total


@njit(cache=True, nogil=True)
def far_in_part(g, s, units, mark, marked):
    """Count the units of one part of an area that are too far from the part's centre."""
    centre, far = NOBODY, 0
    if len(g.minutes) == 0:
        return 0
    for step in range(2):
        for u in units:
            if (s.marked[u] == mark) == marked:
                for i in range(g.first[u], g.first[u + 1]):
                    if step == 0 and (centre == NOBODY or g.centre_rank[i] < g.centre_rank[centre]):
                        centre = i
                    far += step == 1 and i != centre and not g.minutes[i, centre] <= g.max_minutes
    return far


@njit(cache=True, nogil=True)
def parts_value(g, s, a, units, mark, resident, work):
    """Return the interaction of both parts of an area together; what flows to the marked part is spread."""
    value = 0.0
    for layer in range(len(g.weight)):
        if g.weight[layer] == 0.0:
            continue
        part = 0.0
        rest_resident = s.resident[layer, a] - resident[layer]
        rest_work = s.work[layer, a] - work[layer]
        for u in units:
            for i in range(g.first[u], g.first[u + 1]):
                r, w = g.resident[layer, i], g.work[layer, i]
                to, coming = s.to[layer, i], s.coming[layer, i]
                if s.marked[u] == mark:
                    part += link(to, coming, r, w, resident[layer] - r, work[layer] - w)
                else:
                    to, coming = s.sent[layer, i] - to, s.received[layer, i] - coming
                    part += link(to, coming, r, w, rest_resident - r, rest_work - w)
        value += g.weight[layer] * part
    return value


@njit(cache=True, nogil=True)
def divide(g, s, a, seeds, offset, by_link):
    """Look for the best division of an area into two connected ones.

    From each of some units a part grows, by the unit closest to it, until the whole area is covered; both sides are
    judged at every step. The best part is left in `choice`, nothing is moved.

    Parameters
    ----------
    g : Ground
    s : Progress
    a : int
        Slot of the area.
    seeds : int
        Units to grow from, about.
    offset : int
        Which of the units are the first.
    by_link : bool
        Whether closeness is the link, or the share of flows; both times the `noise` of the unit.

    Returns
    -------
    float
        What the division changes in the score; minus infinity where none breaks fewer limits, or as few, as the area.
    """
    c = s.n_units[a]
    s.numbers[CHOSEN] = 0
    if c < 2:
        return -np.inf
    units = np.empty(c, np.int64)
    u = s.head[a]
    for k in range(c):
        units[k] = u
        u = s.after[u]
    grown, layers = np.empty(c, np.int64), len(g.weight)
    resident, work = np.zeros(layers), np.zeros(layers)
    best, start = -np.inf, area_score(s, a)
    every = max(c // seeds, 1)
    for root in range(offset % every, c, every):
        mark = stamp(s)
        resident[:], work[:] = 0.0, 0.0
        within, population, members, clashes, crossing = 0.0, 0.0, 0, 0, 0.0
        apart_pairs = 0
        t = units[root]
        for size in range(1, c):
            grown[size - 1] = t
            added = 0.0
            if g.layer >= 0:
                all_sent = 0.0
                for i in range(g.first[t], g.first[t + 1]):
                    added += s.to[g.layer, i] + s.coming[g.layer, i]
                    all_sent += s.sent[g.layer, i] + s.received[g.layer, i]
                # Flows inside a unit are in its own total, and counted by both of their ends in `all_sent`.
                own = 2.0 * (g.own_within[t] - own_internal(g, t))
                crossing += all_sent - own - 2.0 * added
                within += g.own_within[t] + added
            population += g.population[t]
            members += g.first[t + 1] - g.first[t]
            for e in range(g.apart_start[t], g.apart_start[t + 1]):
                clashes += s.marked[g.apart_node[e]] == mark
                apart_pairs += s.area[g.apart_node[e]] == a
            for layer in range(layers):
                for i in range(g.first[t], g.first[t + 1]):
                    resident[layer] += g.resident[layer, i]
                    work[layer] += g.work[layer, i]
            spread(g, s, t)
            s.marked[t] = mark
            for e in range(g.border_start[t], g.border_start[t + 1]):
                s.touched[g.border_node[e]] = mark
            live, jobs = (resident[g.layer], work[g.layer]) if g.layer >= 0 else (0.0, 0.0)
            gap = gap_of(
                g, t, members, population, live, jobs, within, clashes + far_in_part(g, s, units, mark, True)
            )
            if gap <= s.gap[a]:
                all_live, all_jobs = (
                    (s.resident[g.layer, a], s.work[g.layer, a]) if g.layer >= 0 else (0.0, 0.0)
                )
                gap += gap_of(
                    g,
                    t,
                    s.members[a] - members,
                    s.population[a] - population,
                    all_live - live,
                    all_jobs - jobs,
                    s.within[a] - within - crossing,
                    s.clashes[a] - apart_pairs + clashes + far_in_part(g, s, units, mark, False),
                )
                if gap <= s.gap[a] and rest_connected(g, s, a, mark):
                    gain = parts_value(g, s, a, units, mark, resident, work) - PENALTY * gap - start
                    if gain > best:
                        best = gain
                        s.numbers[CHOSEN] = size
                        s.choice[:size] = grown[:size]
            if size == c - 1:
                break
            t, closest = NOBODY, -1.0
            for v in units:
                if s.touched[v] == mark and s.marked[v] != mark:
                    near = closeness(g, s, v, resident, work, by_link) * s.noise[v]
                    if near > closest:
                        t, closest = v, near
            if t == NOBODY:
                break
        for u in units:
            if s.marked[u] == mark:
                clear(g, s, u)
    return best


@njit(cache=True, nogil=True)
def own_internal(g, u):
    """Return the part of a unit's internal flows that stays in one municipality."""
    moving = 0.0
    for i in range(g.first[u], g.first[u + 1]):
        for e in range(g.near_start[g.layer, i], g.near_start[g.layer, i + 1]):
            if g.unit[g.near_node[e]] == u:
                moving += g.near_out[e]
    return g.own_within[u] - moving


@njit(cache=True, nogil=True)
def join_change(g, s, a, b):
    """Return what joining two areas changes in the score; nothing is moved in the end."""
    before, start = score(s), s.numbers[LOG]
    dirty_a, dirty_b = s.dirty[a], s.dirty[b]
    join(g, s, a, b)
    change = score(s) - before
    undo(g, s, start)
    s.dirty[a], s.dirty[b] = dirty_a, dirty_b
    return change


@njit(cache=True, nogil=True)
def best_join(g, s, a):
    """Return the neighbour with which joining an area gains most, and the gain; -1 where it has none."""
    best, gain = NOBODY, -np.inf
    for b in area_neighbours(g, s, a):
        change = join_change(g, s, a, b)
        if change > gain:
            best, gain = b, change
    return best, gain
