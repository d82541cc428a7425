"""Largest value of a sum of gains of single units and of pairs, the latter never negative: a minimum cut.

Pairs of positive gain make the function supermodular, so that its maximum over all sets is found exactly: Picard J.-C.
(1976), Maximal closure of a graph and applications to combinatorial problems, Management Science 22(11), 1268-1272.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def best_set(single, pairs, count, chosen, claim):
    """Return an upper bound of the largest gain, tight but for rounding, and put a set of that gain into `chosen`.

    Parameters
    ----------
    single : numpy.ndarray of float, shape (>= count,)
        Gain of each unit; may be negative.
    pairs : numpy.ndarray of float, shape (>= count, >= count)
        Gain of each pair, symmetric and at least 0; the diagonal is not read.
    count : int
        How many units there are.
    chosen : numpy.ndarray of bool, shape (>= count,)
        Written.
    claim : numpy.ndarray of float, shape (>= count,)
        Written: gains of single units that no set exceeds, every pair's gain shared between its two units.
    """
    # Units that gain nothing with everybody stay out, those that gain with nobody else undecided are in.
    status = np.zeros(count, np.int8)
    alone, together = np.empty(count), np.empty(count)
    for u in range(count):
        alone[u] = together[u] = single[u]
        for v in range(count):
            if v != u:
                together[u] += pairs[u, v]
    total = 0.0
    changed = True
    while changed:
        changed = False
        for u in range(count):
            if status[u] == 0 and together[u] <= 0.0:
                status[u] = -1
                changed = True
                claim[u] = together[u]
                for v in range(count):
                    if v != u:
                        together[v] -= pairs[u, v]
            elif status[u] == 0 and alone[u] >= 0.0:
                status[u] = 1
                changed = True
                claim[u] = alone[u]
                total += alone[u]
                for v in range(count):
                    if v != u:
                        alone[v] += pairs[u, v]
    core = np.flatnonzero(status == 0)
    for u in range(count):
        chosen[u] = status[u] == 1
    if len(core):
        total += _cut(alone, pairs, core, chosen, claim)
    return total


@njit(cache=True, nogil=True)
def _cut(alone, pairs, core, chosen, claim):
    """Maximise over the undecided units by a maximum flow (Dinic's algorithm on a dense network)."""
    n = len(core)
    source, sink = n, n + 1
    room = np.zeros((n + 2, n + 2))
    total = 0.0
    for a in range(n):
        gain = alone[core[a]]
        for b in range(n):
            if a != b:
                room[a, b] = 0.5 * pairs[core[a], core[b]]
                gain += room[a, b]
        if gain > 0.0:
            room[source, a] = gain
            total += gain
        else:
            room[a, sink] = -gain
    least = 1e-12 * max(total, 1e-12)
    level, queue = np.empty(n + 2, np.int64), np.empty(n + 2, np.int64)
    arc, path = np.empty(n + 2, np.int64), np.empty(n + 3, np.int64)
    while True:
        level[:] = -1
        level[source] = 0
        queue[0] = source
        head, tail = 0, 1
        while head < tail:
            a = queue[head]
            head += 1
            for b in range(n + 2):
                if level[b] < 0 and room[a, b] > least:
                    level[b] = level[a] + 1
                    queue[tail] = b
                    tail += 1
        if level[sink] < 0:
            break
        arc[:] = 0
        depth = 0
        path[0] = source
        while depth >= 0:
            a = path[depth]
            if a == sink:
                push = np.inf
                for d in range(depth):
                    push = min(push, room[path[d], path[d + 1]])
                back = depth
                for d in range(depth - 1, -1, -1):
                    room[path[d], path[d + 1]] -= push
                    room[path[d + 1], path[d]] += push
                    if room[path[d], path[d + 1]] <= least:
                        back = d
                total -= push
                depth = back
                continue
            while arc[a] < n + 2 and not (room[a, arc[a]] > least and level[arc[a]] == level[a] + 1):
                arc[a] += 1
            if arc[a] < n + 2:
                depth += 1
                path[depth] = arc[a]
            else:
                level[a] = -1
                depth -= 1
    for a in range(n):
        chosen[core[a]] = level[a] >= 0
        claim[core[a]] = room[source, a] - room[a, sink]
    return total
