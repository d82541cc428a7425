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
BY_UNIT = N_SIZES
"""How a branch is best split: at the value of a size below, or else by a unit."""


class Dense(NamedTuple):
    """A problem as matrices, for at most some hundreds of units.

    `sent[l, u, i]` and `received[l, u, i]`: flows of municipality i to and from unit u, those within i left out;
    `sizes[s, u]`: what unit u adds to size s; `closed[u]`: flows within unit u, and `pairs[u, v]`: flows between two
    units both ways, in the layer judged; `sent_order[l, i]`: units by falling flow from i for each of their jobs.
    """

    layer: int
    weights: np.ndarray
    sent: np.ndarray
    received: np.ndarray
    sent_order: np.ndarray
    received_order: np.ndarray
    resident: np.ndarray
    work: np.ndarray
    unit_resident: np.ndarray
    unit_work: np.ndarray
    unit_of: np.ndarray
    sizes: np.ndarray
    closed: np.ndarray
    pairs: np.ndarray
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
    sent, received = flows_between_units(problem)

    def by_unit(values: np.ndarray) -> np.ndarray:
        return np.bincount(problem.unit_of, values, minlength=n).astype(np.float64)

    def table(indptr: np.ndarray, indices: np.ndarray) -> np.ndarray:
        matrix = np.zeros((n, n), bool)
        matrix[np.repeat(np.arange(n), np.diff(indptr)), indices] = True
        return matrix

    resident = np.array([by_unit(row) for row in problem.resident])
    work = np.array([by_unit(row) for row in problem.work])
    between = np.array([by_unit(row) for row in sent[layer]])
    closed = np.diag(between) + by_unit(problem.internal[layer])
    pairs = between + between.T
    np.fill_diagonal(pairs, 0.0)
    members = np.diff(problem.member_indptr).astype(np.float64)
    return Dense(
        layer,
        problem.layer_weights,
        sent,
        received,
        _by_density(sent, work),
        _by_density(received, resident),
        problem.resident,
        problem.work,
        resident,
        work,
        problem.unit_of,
        np.array([resident[layer], work[layer], by_unit(problem.population), members]),
        closed,
        pairs,
        table(problem.neighbour_indptr, problem.neighbour_indices),
        table(problem.apart_indptr, problem.apart_indices),
        problem.validity_layer >= 0,
        problem.min_size,
        problem.min_self_containment,
        problem.target_size,
        problem.target_self_containment,
    )


def _by_density(flows: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """Order the units by falling flow with each municipality for their size: shape (L, m, n)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(flows > 0.0, flows / margins[:, :, None], -1.0)
    return np.ascontiguousarray(np.argsort(-density, axis=1, kind="stable").transpose(0, 2, 1))


@njit(cache=True, nogil=True)
def least_containment(d, live):
    """Return the self-containment an area of so many employed residents needs."""
    shortfall = max((d.target_size - live) / (d.target_size - d.min_size), 0.0)
    allowance = 1.0 - (1.0 - d.min_self_containment / d.target_self_containment) * shortfall
    if allowance <= 0.0:
        return 1.0
    return min(d.min_self_containment / allowance, 1.0) * (1.0 - 1e-9)


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
    seen = np.zeros(n, np.bool_)
    stack = np.empty(n, np.int64)
    stack[0], size = root, 1
    seen[root] = True
    while size:
        size -= 1
        u = stack[size]
        for v in range(n):
            if d.near[u, v] and not seen[v] and state[v] != OUT:
                seen[v] = True
                stack[size] = v
                size += 1
    for u in range(n):
        if not seen[u]:
            if state[u] == IN:
                return False
            state[u] = OUT
    for s in range(N_SIZES):
        certain, possible = 0.0, 0.0
        for u in range(n):
            if state[u] != OUT:
                possible += d.sizes[s, u]
                if state[u] == IN:
                    certain += d.sizes[s, u]
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
