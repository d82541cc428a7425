"""First partitions: from the areas of another method, or from single units joined until every limit is kept."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.connectivity import area_neighbours
from diagnosis.areas.governance.divisions import best_join, join
from diagnosis.areas.governance.moves import call_up, forget, improve
from diagnosis.areas.governance.pool import record
from diagnosis.areas.governance.progress import BROKEN, LOG, NOBODY, draw


@njit(cache=True, nogil=True)
def flow_size(g, s, a):
    """Return all that leaves or reaches the members of an area, over the layers."""
    total = 0.0
    for layer in range(len(g.weight)):
        total += g.weight[layer] * (s.resident[layer, a] + s.work[layer, a])
    return total


@njit(cache=True, nogil=True)
def strongest_neighbour(g, s, a, spread_by_chance, links):
    """Return the neighbour of strongest link that an area may join; -1 where there is none.

    The link is that of ISTAT's method between two areas, summed over the layers. `links`, shape (2, n), is room for
    the flows with every area; it is left at 0.
    """
    near = area_neighbours(g, s, a)
    totals = np.zeros(len(near))
    for layer in range(len(g.weight)):
        u = s.head[a]
        while u != NOBODY:
            for i in range(g.first[u], g.first[u + 1]):
                for e in range(g.near_start[layer, i], g.near_start[layer, i + 1]):
                    b = s.area[g.unit[g.near_node[e]]]
                    links[0, b] += g.near_out[e]
                    links[1, b] += g.near_in[e]
            u = s.after[u]
        for k in range(len(near)):
            b = near[k]
            sent, received = s.resident[layer, a] * s.work[layer, b], s.resident[layer, b] * s.work[layer, a]
            part = links[0, b] ** 2 / sent if sent > 0.0 else 0.0
            part += links[1, b] ** 2 / received if received > 0.0 else 0.0
            totals[k] += g.weight[layer] * part
        u = s.head[a]
        while u != NOBODY:
            for i in range(g.first[u], g.first[u + 1]):
                for e in range(g.near_start[layer, i], g.near_start[layer, i + 1]):
                    b = s.area[g.unit[g.near_node[e]]]
                    links[0, b] = links[1, b] = 0.0
            u = s.after[u]
    best, strongest = NOBODY, -1.0
    for k in range(len(near)):
        b = near[k]
        if s.members[a] + s.members[b] > g.max_members or keeps_apart(g, s, a, b):
            continue
        strength = totals[k]
        if spread_by_chance:
            strength *= 0.5 + draw(s, 1 << 20) / float(1 << 20)
        if strength > strongest:
            best, strongest = b, strength
    return best


@njit(cache=True, nogil=True)
def keeps_apart(g, s, a, b):
    """Whether a unit of one area may not share one with a unit of the other."""
    u = s.head[a]
    while u != NOBODY:
        for e in range(g.apart_start[u], g.apart_start[u + 1]):
            if s.area[g.apart_node[e]] == b:
                return True
        u = s.after[u]
    return False


@njit(cache=True, nogil=True)
def gather(g, s, by_chance):
    """Join the smallest area that breaks a limit to its strongest neighbour until none is left, or none can."""
    n = len(s.area)
    stuck = np.zeros(n, np.bool_)
    links = np.zeros((2, n))
    while True:
        a, smallest = NOBODY, np.inf
        for b in range(n):
            if s.n_units[b] and s.gap[b] > 0.0 and not stuck[b]:
                size = flow_size(g, s, b)
                if size < smallest:
                    a, smallest = b, size
        if a == NOBODY:
            break
        b = strongest_neighbour(g, s, a, by_chance, links)
        if b == NOBODY:
            stuck[a] = True
            continue
        s.numbers[LOG] = 0
        a = join(g, s, a, b)
        record(g, s, a)
        stuck[a] = False
    s.numbers[LOG] = 0


@njit(cache=True, nogil=True)
def mend(g, s):
    """Join areas that break a limit to a neighbour where that breaks fewer, the best first, and improve around it."""
    while s.numbers[BROKEN]:
        best, partner, most = NOBODY, NOBODY, 0.0
        for a in range(len(s.area)):
            if s.n_units[a] and s.gap[a] > 0.0:
                s.numbers[LOG] = 0
                b, gain = best_join(g, s, a)
                if b != NOBODY and gain > most:
                    best, partner, most = a, b, gain
        if best == NOBODY:
            break
        s.numbers[LOG] = 0
        best = join(g, s, best, partner)
        call_up(g, s, best)
        improve(g, s, False)
        forget(s)
    s.numbers[LOG] = 0
