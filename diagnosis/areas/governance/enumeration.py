"""All feasible areas of a small problem, one by one."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.columns import AreaColumns
from diagnosis.areas.governance.interaction import judge_sums, link, within_minutes
from diagnosis.areas.governance.problem import AreaProblem

MOST_UNITS = 63
MOST_AREAS = 12_000_000
MOST_VISITS = 150_000_000
"""Connected sets looked at before giving up: about half a minute."""


def enumerate_areas(
    problem: AreaProblem, *, most_areas: int = MOST_AREAS, most_visits: int = MOST_VISITS
) -> AreaColumns | None:
    """List every feasible area that leaves room for others around it.

    Each connected set of units is met once. Of the feasible ones those are left out that no partition can have: the
    units around them fall into pieces one of which is too small for any area.

    Parameters
    ----------
    problem : AreaProblem
    most_areas : int, default 12 million
        An area takes 16 bytes.
    most_visits : int, default 150 million
        Connected sets, feasible or not.

    Returns
    -------
    AreaColumns or None
        None: there are more, or more than 63 units.
    """
    n = problem.n_units
    if n > MOST_UNITS:
        return None
    bit = np.uint64(1) << np.arange(n, dtype=np.uint64)
    near, apart = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
    for masks, indptr, indices in (
        (near, problem.neighbour_indptr, problem.neighbour_indices),
        (apart, problem.apart_indptr, problem.apart_indices),
    ):
        np.bitwise_or.at(masks, np.repeat(np.arange(n), np.diff(indptr)), bit[indices])
    sent, received = flows_between_units(problem)
    bits, values, status = _enumerate(
        problem.arrays, near, apart, sent, received, may_close(problem), most_areas, most_visits
    )
    return AreaColumns(n, bits[:, None], values) if status == 0 else None


def flows_between_units(problem: AreaProblem) -> tuple[np.ndarray, np.ndarray]:
    """Return the flows of every municipality to, and from, every unit, those within the municipality left out.

    Returns
    -------
    sent, received : numpy.ndarray of float, shape (L, n, m)
    """
    shape = (len(problem.layer_weights), problem.n_units, len(problem.codes))
    both = []
    for indptr, indices, data in (
        (problem.out_indptr, problem.out_indices, problem.out_data),
        (problem.in_indptr, problem.in_indices, problem.in_data),
    ):
        table = np.zeros(shape)
        for layer, row in enumerate(indptr):
            one = np.repeat(np.arange(shape[2]), np.diff(row))
            span = slice(row[0], row[-1])
            np.add.at(table[layer], (problem.unit_of[indices[span]], one), data[span])
        both.append(table)
    return both[0], both[1]


def may_close(problem: AreaProblem) -> bool:
    """Whether some area may have no flow across its border: it is valid whatever its size."""
    if problem.validity_layer < 0:
        return True
    layer = problem.validity_layer
    sent, received = flows_between_units(problem)
    inside = (
        problem.internal[layer] + sent[layer].sum(axis=0),
        problem.internal[layer] + received[layer].sum(axis=0),
    )
    return bool(((inside[0] >= problem.resident[layer]) & (inside[1] >= problem.work[layer])).any())


@njit(cache=True, nogil=True)
def _rest_has_room(p, near, around, closing):
    """Whether every piece of the units around an area is large enough for an area of its own."""
    while around:
        piece = around & (~around + np.uint64(1))
        fresh = piece
        population, live, count = 0.0, 0.0, 0
        fixed = False
        while fresh:
            lowest = fresh & (~fresh + np.uint64(1))
            fresh ^= lowest
            unit = _position(lowest)
            fixed = fixed or p.fixed[unit]
            for e in range(p.member_indptr[unit], p.member_indptr[unit + 1]):
                i = p.member_indices[e]
                population += p.population[i]
                count += 1
                if p.validity_layer >= 0:
                    live += p.resident[p.validity_layer, i]
            more = near[unit] & around & ~piece
            piece |= more
            fresh |= more
        if not fixed and (
            population < p.min_population
            or count < p.min_members
            or (not closing and live < p.min_size * (1.0 - 1e-9))
        ):
            return False
        around &= ~piece
    return True


@njit(cache=True, nogil=True)
def _position(lowest):
    position = 0
    for step in (32, 16, 8, 4, 2, 1):
        if lowest >> np.uint64(step):
            lowest >>= np.uint64(step)
            position += step
    return position


@njit(cache=True, nogil=True)
def _area_of(p, chosen, near, sent, received, members, closing, everyone):
    """Return the value of a connected area, or -1 where it keeps not every limit or leaves no room around it."""
    count = 0
    fixed, n_units = False, 0
    rest = chosen
    while rest:
        lowest = rest & (~rest + np.uint64(1))
        rest ^= lowest
        unit = _position(lowest)
        n_units += 1
        fixed = fixed or p.fixed[unit]
        for e in range(p.member_indptr[unit], p.member_indptr[unit + 1]):
            members[count] = p.member_indices[e]
            count += 1
    area = members[:count]
    if not fixed:
        if count < p.min_members or count > p.max_members:
            return -1.0
        population, live, work, within = 0.0, 0.0, 0.0, 0.0
        for i in area:
            population += p.population[i]
        if population < p.min_population:
            return -1.0
        layer = p.validity_layer
        if layer >= 0:
            for i in area:
                live += p.resident[layer, i]
                work += p.work[layer, i]
                within += p.internal[layer, i] + sent[layer, i]
            if judge_sums(p, live, work, within) < 1.0:
                return -1.0
        if not within_minutes(p, area):
            return -1.0
    elif n_units > 1:
        return -1.0
    if not _rest_has_room(p, near, everyone & ~chosen, closing):
        return -1.0
    value = 0.0
    for layer in range(len(p.layer_weights)):
        if p.layer_weights[layer] == 0.0:
            continue
        live, work, total = 0.0, 0.0, 0.0
        for i in area:
            live += p.resident[layer, i]
            work += p.work[layer, i]
        for i in area:
            own_live, own_work = p.resident[layer, i], p.work[layer, i]
            total += link(
                sent[layer, i], received[layer, i], own_live, own_work, live - own_live, work - own_work
            )
        value += p.layer_weights[layer] * total
    return value


@njit(cache=True, nogil=True)
def _enumerate(p, near, apart, sent_to, received_from, closing, most_areas, most_visits):
    n, m, n_layers = len(near), len(p.population), len(p.layer_weights)
    everyone = np.uint64(0)
    for unit in range(n):
        everyone |= np.uint64(1) << np.uint64(unit)
    bits, values, found = np.empty(1024, np.uint64), np.empty(1024), 0
    chosen, frontier = np.zeros(n + 1, np.uint64), np.zeros(n + 1, np.uint64)
    barred = np.zeros(n + 1, np.uint64)
    size = np.zeros(n + 1, np.int64)
    sent, received = np.zeros((n + 1, n_layers, m)), np.zeros((n + 1, n_layers, m))
    members = np.empty(m, np.int64)
    visits = 0
    for root in range(n):
        # A unit joins at each depth: those tried before at the same depth, and roots before, stay out.
        depth = 0
        chosen[0] = np.uint64(0)
        frontier[0] = np.uint64(1) << np.uint64(root)
        barred[0] = frontier[0] - np.uint64(1)
        while depth >= 0:
            if not frontier[depth]:
                depth -= 1
                continue
            lowest = frontier[depth] & (~frontier[depth] + np.uint64(1))
            frontier[depth] ^= lowest
            barred[depth] |= lowest
            unit = _position(lowest)
            members_here = size[depth] + p.member_indptr[unit + 1] - p.member_indptr[unit]
            if members_here > p.max_members and not p.fixed[unit]:
                continue
            visits += 1
            if visits > most_visits:
                return bits[:0], values[:0], 1
            size[depth + 1] = members_here
            chosen[depth + 1] = chosen[depth] | lowest
            barred[depth + 1] = barred[depth] | apart[unit]
            frontier[depth + 1] = (frontier[depth] | near[unit]) & ~(chosen[depth + 1] | barred[depth + 1])
            for layer in range(n_layers):
                for i in range(m):
                    sent[depth + 1, layer, i] = sent[depth, layer, i] + sent_to[layer, unit, i]
                    received[depth + 1, layer, i] = received[depth, layer, i] + received_from[layer, unit, i]
            if depth == 0:
                frontier[0] = np.uint64(0)
            depth += 1
            value = _area_of(p, chosen[depth], near, sent[depth], received[depth], members, closing, everyone)
            if value >= 0.0:
                if found == most_areas:
                    return bits[:0], values[:0], 2
                if found == len(bits):
                    more_bits, more_values = np.empty(2 * found, np.uint64), np.empty(2 * found)
                    more_bits[:found], more_values[:found] = bits, values
                    bits, values = more_bits, more_values
                bits[found], values[found] = chosen[depth], value
                found += 1
    return bits[:found].copy(), values[:found].copy(), 0
