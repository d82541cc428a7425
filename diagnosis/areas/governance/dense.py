"""A problem as matrices, and what is certain of the areas of a branch of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from diagnosis.areas.governance.enumeration import flows_between_units
from diagnosis.areas.governance.problem import AreaProblem

RESIDENT, WORK, POPULATION, MEMBERS = range(4)
"""Sizes of an area that have a range."""
N_SIZES = 4
N_MULTIPLIERS = N_SIZES + 2
OUT, FREE, IN = -1, 0, 1
SENT, RECEIVED = 0, 1
"""Directions of flows; the margin of the other ones of an area in the first is `WORK`, in the second `RESIDENT`."""


class Dense(NamedTuple):
    """A problem as matrices, for at most some hundreds of units.

    Flows of municipality i in layer l and direction s (`SENT` or `RECEIVED`) with units other than its own stand at
    ``start[l, s, i]:start[l, s, i + 1]`` of `partner` (units, by falling flow for their size) and `flow`; `own_flow`
    are those with the other municipalities of its own unit. `margin[l, 0]`, `margin[l, 1]`: all that leaves and all
    that arrives, of a municipality and (`unit_margin`) of a unit. `sizes[s, u]`: what unit u adds to size s;
    `closed[u]`: flows within unit u, and `pairs[u, v]`: flows between two units both ways, in the layer judged.
    """

    layer: int
    weights: np.ndarray
    start: np.ndarray
    partner: np.ndarray
    flow: np.ndarray
    own_flow: np.ndarray
    margin: np.ndarray
    unit_margin: np.ndarray
    unit_of: np.ndarray
    sizes: np.ndarray
    closed: np.ndarray
    pairs: np.ndarray
    near_start: np.ndarray
    near: np.ndarray
    apart: np.ndarray
    judged: bool
    min_size: float
    min_self_containment: float
    target_size: float
    target_self_containment: float


def dense_problem(problem: AreaProblem) -> Dense:
    """Return a problem as matrices."""
    n, layer = problem.n_units, max(problem.validity_layer, 0)
    flows = np.stack(flows_between_units(problem), axis=1)  # (L, 2, n, m)

    def by_unit(values: np.ndarray) -> np.ndarray:
        return np.bincount(problem.unit_of, values, minlength=n).astype(np.float64)

    margin = np.stack([problem.resident, problem.work], axis=1)
    unit_margin = np.array([[by_unit(row) for row in both] for both in margin])
    between = np.array([by_unit(row) for row in flows[layer, SENT]])
    closed = np.diag(between) + by_unit(problem.internal[layer])
    pairs = between + between.T
    np.fill_diagonal(pairs, 0.0)
    apart = np.zeros((n, n), bool)
    apart[np.repeat(np.arange(n), np.diff(problem.apart_indptr)), problem.apart_indices] = True
    members = np.diff(problem.member_indptr).astype(np.float64)
    municipality = np.arange(len(problem.codes))
    own_flow = flows[:, :, problem.unit_of, municipality].copy()
    flows[:, :, problem.unit_of, municipality] = 0.0
    start, partner, flow = _partners(flows, unit_margin)
    return Dense(
        layer,
        problem.layer_weights,
        start,
        partner,
        flow,
        own_flow,
        margin,
        unit_margin,
        problem.unit_of,
        np.array([*unit_margin[layer], by_unit(problem.population), members]),
        closed,
        pairs,
        problem.neighbour_indptr.astype(np.int64),
        problem.neighbour_indices.astype(np.int64),
        apart,
        problem.validity_layer >= 0,
        problem.min_size,
        problem.min_self_containment,
        problem.target_size,
        problem.target_self_containment,
    )


def _partners(flows: np.ndarray, unit_margin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List who every municipality has flows with, those first with the largest flows for their size."""
    size = unit_margin[:, ::-1, :, None]
    density = np.divide(flows, size, out=np.zeros_like(flows), where=size > 0.0)
    order = np.argsort(-density, axis=2, kind="stable").transpose(0, 1, 3, 2)
    sorted_flows = np.take_along_axis(flows.transpose(0, 1, 3, 2), order, axis=3)
    kept = sorted_flows > 0.0
    counts = kept.sum(axis=3)
    ends = np.cumsum(counts.ravel()).reshape(counts.shape)
    start = np.concatenate([(ends - counts)[:, :, :1], ends], axis=2)
    return start.astype(np.int64), order[kept].astype(np.int64), sorted_flows[kept]


@njit(cache=True, nogil=True)
def least_containment(d, live):
    """Return the self-containment an area of so many employed residents needs."""
    shortfall = max((d.target_size - live) / (d.target_size - d.min_size), 0.0)
    allowance = 1.0 - (1.0 - d.min_self_containment / d.target_self_containment) * shortfall
    if allowance <= 0.0:
        return 1.0
    return min(d.min_self_containment / allowance, 1.0) * (1.0 - 1e-9)


@njit(cache=True, nogil=True)
def _distances(d, size, root, state, distance, heap_at, heap_key):
    """Write the least size of the units on the way to each unit, its own included, those in the area for nothing."""
    n = len(state)
    distance[:] = np.inf
    distance[root] = 0.0
    heap_at[0], heap_key[0], count = root, 0.0, 1
    while count:
        u, key = heap_at[0], heap_key[0]
        count -= 1
        last, last_key = heap_at[count], heap_key[count]
        at = 0
        while True:  # sift the last one down
            child = 2 * at + 1
            if child >= count:
                break
            if child + 1 < count and heap_key[child + 1] < heap_key[child]:
                child += 1
            if heap_key[child] >= last_key:
                break
            heap_at[at], heap_key[at] = heap_at[child], heap_key[child]
            at = child
        heap_at[at], heap_key[at] = last, last_key
        if key > distance[u]:
            continue
        for e in range(d.near_start[u], d.near_start[u + 1]):
            v = d.near[e]
            if state[v] == OUT:
                continue
            far = key + (0.0 if state[v] == IN else d.sizes[size, v])
            if far < distance[v]:
                distance[v] = far
                at = count
                count += 1
                while at and heap_key[(at - 1) // 2] > far:
                    heap_at[at], heap_key[at] = heap_at[(at - 1) // 2], heap_key[(at - 1) // 2]
                    at = (at - 1) // 2
                heap_at[at], heap_key[at] = v, far
    return n


@njit(cache=True, nogil=True)
def narrow(d, root, state, low, high):
    """Drop free units that cannot be reached or are kept apart, and tighten the ranges; False: no area is left."""
    n = len(state)
    for u in range(n):
        if state[u] == IN:
            for v in range(n):
                if d.apart[u, v]:
                    if state[v] == IN:
                        return False
                    state[v] = OUT
    distance, heap_at, heap_key = (
        np.empty(n),
        np.empty(len(d.near) + n + 1, np.int64),
        np.empty(len(d.near) + n + 1),
    )
    for s in range(N_SIZES):
        certain = 0.0
        for u in range(n):
            if state[u] == IN:
                certain += d.sizes[s, u]
        _distances(d, s, root, state, distance, heap_at, heap_key)
        room = (high[s] - certain) * (1.0 + 1e-9) + 1e-9
        for u in range(n):
            if state[u] == IN and (distance[u] > room or distance[u] == np.inf):
                return False
            if state[u] == FREE and (distance[u] > room or distance[u] == np.inf):
                state[u] = OUT
        possible = 0.0
        for u in range(n):
            if state[u] != OUT:
                possible += d.sizes[s, u]
        low[s], high[s] = max(low[s], certain), min(high[s], possible)
        if low[s] > high[s] * (1.0 + 1e-12) + 1e-12:
            return False
    if d.judged:
        within = 0.0
        for u in range(n):
            if state[u] != OUT:
                within += d.closed[u]
                for v in range(u):
                    if state[v] != OUT:
                        within += d.pairs[u, v]
        if within < least_containment(d, high[RESIDENT]) * max(low[RESIDENT], low[WORK]):
            return False
    return True
