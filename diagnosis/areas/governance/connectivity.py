"""Whether an area stays in one piece, and which areas touch."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.progress import NOBODY, stamp


@njit(cache=True, nogil=True)
def stays_connected(g, s, u):
    """Whether an area stays in one piece when a unit leaves it; an area of one unit does not stay."""
    area, seen, stack, border = s.area, s.seen, s.stack, g.border_node
    a, wanted, start = area[u], 0, NOBODY
    mark = stamp(s)
    for e in range(g.border_start[u], g.border_start[u + 1]):
        if area[border[e]] == a:
            wanted += 1
            start = border[e]
    if wanted < 2:
        return wanted == 1
    # The rest is in one piece if and only if the unit's neighbours in it still reach each other.
    wanted_mark = stamp(s)
    for e in range(g.border_start[u], g.border_start[u + 1]):
        if area[border[e]] == a:
            seen[border[e]] = wanted_mark
    seen[u] = seen[start] = mark
    stack[0], size, wanted = start, 1, wanted - 1
    while size:
        size -= 1
        unit = stack[size]
        for e in range(g.border_start[unit], g.border_start[unit + 1]):
            other = border[e]
            if area[other] == a and seen[other] != mark:
                if seen[other] == wanted_mark:
                    wanted -= 1
                    if wanted == 0:
                        return True
                seen[other] = mark
                stack[size] = other
                size += 1
    return False


@njit(cache=True, nogil=True)
def touching_areas(g, s, u):
    """Write the other areas a unit touches into `found`, each once; return how many there are."""
    count = 0
    for e in range(g.border_start[u], g.border_start[u + 1]):
        b = s.area[g.border_node[e]]
        if b == s.area[u]:
            continue
        known = False
        for k in range(count):
            known = known or s.found[k] == b
        if not known:
            s.found[count] = b
            count += 1
    return count


@njit(cache=True, nogil=True)
def area_neighbours(g, s, a):
    """Return the areas that touch an area, each once, in the order in which they are met."""
    mark = stamp(s)
    found = np.empty(64, np.int64)
    count = 0
    u = s.head[a]
    while u != NOBODY:
        for e in range(g.border_start[u], g.border_start[u + 1]):
            b = s.area[g.border_node[e]]
            if b != a and s.seen[b] != mark:
                s.seen[b] = mark
                if count == len(found):
                    found = np.concatenate((found, np.empty(len(found), np.int64)))
                found[count] = b
                count += 1
        u = s.after[u]
    return found[:count]


@njit(cache=True, nogil=True)
def rest_connected(g, s, a, mark):
    """Whether the units of an area whose `marked` is not `mark` are in one piece, and are any."""
    start, wanted = NOBODY, 0
    u = s.head[a]
    while u != NOBODY:
        if s.marked[u] != mark:
            start = u
            wanted += 1
        u = s.after[u]
    if start == NOBODY:
        return False
    met = stamp(s)
    s.seen[start] = met
    s.stack[0], size, reached = start, 1, 1
    while size:
        size -= 1
        unit = s.stack[size]
        for e in range(g.border_start[unit], g.border_start[unit + 1]):
            other = g.border_node[e]
            if s.area[other] == a and s.marked[other] != mark and s.seen[other] != met:
                s.seen[other] = met
                s.stack[size] = other
                size += 1
                reached += 1
    return reached == wanted


def connected_areas(indptr: np.ndarray, indices: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Give numbers to the connected pieces of every area; a unit without an area (-1) is a piece of its own."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(area)
    source = np.repeat(np.arange(n), np.diff(indptr))
    same = (area[source] == area[indices]) & (area[source] >= 0)
    graph = coo_array((np.ones(same.sum()), (source[same], indices[same])), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)
