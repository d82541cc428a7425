"""The interaction of an area: how closely each of its municipalities exchanges with the rest of it.

A municipality i and the rest A of its area, A without i, are worth
``F(i, A)^2 / (R_i W_A) + F(A, i)^2 / (R_A W_i)``: of what leaves i and of what arrives in A the share that goes from
one to the other, and the same the other way round. It is the link of ISTAT's method (Coombes M., Bond S. 2008,
Travel-to-Work Areas: the 2007 review, ONS), summed over the municipalities of a partition as the evolutionary
regionalisation of Martínez-Bernabéu L., Flórez-Revuelta F., Casado-Díaz J. M. (2012), Grouping genetic operators for
the delineation of functional areas based on spatial interaction, Expert Systems with Applications 39(8), does.
Margins R and W count all flows of a municipality: internal ones, and those across the border of the study set.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


class Arrays(NamedTuple):
    """What compiled code reads of a problem; shapes as in :class:`~diagnosis.areas.governance.problem.AreaProblem`."""

    layer_weights: np.ndarray
    out_indptr: np.ndarray
    out_indices: np.ndarray
    out_data: np.ndarray
    in_indptr: np.ndarray
    in_indices: np.ndarray
    in_data: np.ndarray
    internal: np.ndarray
    resident: np.ndarray
    work: np.ndarray
    population: np.ndarray
    unit_of: np.ndarray
    member_indptr: np.ndarray
    member_indices: np.ndarray
    neighbour_indptr: np.ndarray
    neighbour_indices: np.ndarray
    apart_indptr: np.ndarray
    apart_indices: np.ndarray
    fixed: np.ndarray
    minutes: np.ndarray
    min_population: float
    min_members: int
    max_members: int
    validity_layer: int
    min_size: float
    min_self_containment: float
    target_size: float
    target_self_containment: float
    max_minutes: float


@njit(cache=True, nogil=True, inline="always")
def link(sent, received, resident, work, rest_resident, rest_work):
    """Return the two terms of a municipality and the rest of its area; a term without a denominator is 0."""
    value = 0.0
    if sent > 0.0 and resident > 0.0 and rest_work > 0.0:
        value += sent * sent / (resident * rest_work)
    if received > 0.0 and work > 0.0 and rest_resident > 0.0:
        value += received * received / (rest_resident * work)
    return value


@njit(cache=True, nogil=True)
def exchange_with(p, layer, i, inside):
    """Sum the flows of municipality `i` to, and from, the other municipalities marked in `inside`."""
    sent = 0.0
    for e in range(p.out_indptr[layer, i], p.out_indptr[layer, i + 1]):
        if inside[p.out_indices[e]]:
            sent += p.out_data[e]
    received = 0.0
    for e in range(p.in_indptr[layer, i], p.in_indptr[layer, i + 1]):
        if inside[p.in_indices[e]]:
            received += p.in_data[e]
    return sent, received


@njit(cache=True, nogil=True)
def layer_values(p, members, inside):
    """Return the interaction of an area in every layer, without the weights: shape (L,).

    `members` are municipalities, `inside` marks them among all.
    """
    values = np.zeros(len(p.layer_weights))
    for layer in range(len(values)):
        all_resident, all_work = 0.0, 0.0
        for i in members:
            all_resident += p.resident[layer, i]
            all_work += p.work[layer, i]
        for i in members:
            sent, received = exchange_with(p, layer, i, inside)
            resident, work = p.resident[layer, i], p.work[layer, i]
            values[layer] += link(sent, received, resident, work, all_resident - resident, all_work - work)
    return values


@njit(cache=True, nogil=True)
def area_value(p, members, inside):
    """Return the weighted interaction of an area; `members` are municipalities, `inside` marks them among all."""
    values = layer_values(p, members, inside)
    value = 0.0
    for layer in range(len(values)):
        value += p.layer_weights[layer] * values[layer]
    return value


@njit(cache=True, nogil=True)
def judge_sums(p, live, work, within):
    """Return the labour-market validity, as :func:`diagnosis.areas.state.judge` computes it; 1 where none is asked."""
    if p.validity_layer < 0:
        return 1.0
    if live <= 0.0 or work <= 0.0:
        return 0.0
    containment = min(within / live, within / work)
    if containment == 1.0:
        return 1.0
    reached = min(containment / p.target_self_containment, 1.0)
    shortfall = max((p.target_size - live) / (p.target_size - p.min_size), 0.0)
    allowance = 1.0 - ((1.0 - p.min_self_containment / p.target_self_containment) * shortfall)
    return (reached * allowance) * (p.target_self_containment / p.min_self_containment)


@njit(cache=True, nogil=True)
def sums_of(p, members, inside):
    """Return population, employed residents, jobs and internal flows of an area, the last three in the layer judged."""
    population = 0.0
    for i in members:
        population += p.population[i]
    live, work, within = 0.0, 0.0, 0.0
    layer = p.validity_layer
    if layer >= 0:
        for i in members:
            live += p.resident[layer, i]
            work += p.work[layer, i]
            within += p.internal[layer, i]
            for e in range(p.out_indptr[layer, i], p.out_indptr[layer, i + 1]):
                if inside[p.out_indices[e]]:
                    within += p.out_data[e]
    return population, live, work, within


@njit(cache=True, nogil=True)
def within_minutes(p, members):
    """Whether every member reaches the area's centre, the member with most jobs, within the limit."""
    if len(p.minutes) == 0 or len(members) < 2:
        return True
    layer = max(p.validity_layer, 0)
    centre = members[0]
    for i in members:
        if p.work[layer, i] > p.work[layer, centre] or (
            p.work[layer, i] == p.work[layer, centre] and p.population[i] > p.population[centre]
        ):
            centre = i
    far = 0
    for i in members:
        far += i != centre and not p.minutes[i, centre] <= p.max_minutes
    return far == 0


@njit(cache=True, nogil=True)
def holds_limits(p, members, inside):
    """Whether an area keeps every limit but connectedness: members, population, validity, links, minutes."""
    n_units, first, fixed = 0, -1, False
    for i in members:
        unit = p.unit_of[i]
        if p.member_indices[p.member_indptr[unit]] == i:
            n_units += 1
            first = unit
            fixed = fixed or p.fixed[unit]
    if fixed:
        return n_units == 1 and len(members) == p.member_indptr[first + 1] - p.member_indptr[first]
    if len(members) < p.min_members or len(members) > p.max_members:
        return False
    population, live, work, within = sums_of(p, members, inside)
    if population < p.min_population or judge_sums(p, live, work, within) < 1.0:
        return False
    for i in members:
        unit = p.unit_of[i]
        for e in range(p.apart_indptr[unit], p.apart_indptr[unit + 1]):
            other = p.apart_indices[e]
            if inside[p.member_indices[p.member_indptr[other]]]:
                return False
    return within_minutes(p, members)


@njit(cache=True, nogil=True)
def is_connected(p, units, chosen):
    """Whether the area of `units`, marked in `chosen` among all, is in one piece."""
    if len(units) == 0:
        return False
    seen = np.zeros(len(chosen), np.bool_)
    stack = np.empty(len(units), np.int64)
    stack[0] = units[0]
    seen[units[0]] = True
    size, reached = 1, 1
    while size:
        size -= 1
        unit = stack[size]
        for e in range(p.neighbour_indptr[unit], p.neighbour_indptr[unit + 1]):
            other = p.neighbour_indices[e]
            if chosen[other] and not seen[other]:
                seen[other] = True
                stack[size] = other
                size += 1
                reached += 1
    return reached == len(units)


@njit(cache=True, nogil=True)
def members_of(p, units):
    """Return the municipalities of some units, unit after unit."""
    count = 0
    for unit in units:
        count += p.member_indptr[unit + 1] - p.member_indptr[unit]
    members = np.empty(count, np.int64)
    count = 0
    for unit in units:
        for e in range(p.member_indptr[unit], p.member_indptr[unit + 1]):
            members[count] = p.member_indices[e]
            count += 1
    return members


@njit(cache=True, nogil=True)
def unit_set_value(p, units):
    """Return value and feasibility of an area of distinct units."""
    chosen = np.zeros(len(p.member_indptr) - 1, np.bool_)
    for unit in units:
        chosen[unit] = True
    members = members_of(p, units)
    inside = np.zeros(len(p.population), np.bool_)
    for i in members:
        inside[i] = True
    feasible = is_connected(p, units, chosen) and holds_limits(p, members, inside)
    return area_value(p, members, inside), feasible
