"""The state of a search: a partition with every sum its value needs, changed one unit at a time and undone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from diagnosis.areas.governance.arrangement import Ground
from diagnosis.areas.governance.interaction import link

NOBODY = -1
PENALTY = 1e4
"""What one unit of broken limits costs; above any interaction that a change could win."""
LOG, AREAS, BROKEN, FIRST, WAITING, STAMP, CHOSEN, POOLED, FILLED, STEPS = range(10)
"""Places in `numbers`: length of the log, areas, areas that break a limit, head and length of the queue, the last
stamp, length of `choice`, areas and units in the pool, moves done."""
VALUE, GAP = range(2)


class Progress(NamedTuple):
    """A partition on its way. Areas have a slot each; an empty slot is free.

    `gap` of an area is 0 where it keeps its limits, otherwise 1 plus how far it is from keeping them.
    """

    area: np.ndarray
    head: np.ndarray
    after: np.ndarray
    before: np.ndarray
    n_units: np.ndarray
    members: np.ndarray
    population: np.ndarray
    resident: np.ndarray
    work: np.ndarray
    within: np.ndarray
    clashes: np.ndarray
    value: np.ndarray
    gap: np.ndarray
    digest: np.ndarray
    dirty: np.ndarray
    sent: np.ndarray
    received: np.ndarray
    to: np.ndarray
    coming: np.ndarray
    log: np.ndarray
    numbers: np.ndarray
    totals: np.ndarray
    queue: np.ndarray
    queued: np.ndarray
    seen: np.ndarray
    stack: np.ndarray
    found: np.ndarray
    marked: np.ndarray
    touched: np.ndarray
    choice: np.ndarray
    noise: np.ndarray
    chance: np.ndarray
    pool_table: np.ndarray
    pool_digest: np.ndarray
    pool_start: np.ndarray
    pool_units: np.ndarray
    pool_value: np.ndarray


def begin(ground: Ground, area: np.ndarray, seed: int, pool_areas: int, pool_units: int) -> Progress:
    """Return the state of a partition.

    Parameters
    ----------
    ground : Ground
    area : numpy.ndarray of int, shape (n,)
        Areas from 0 to n - 1, each connected.
    seed : int
        Of the search's own chance.
    pool_areas, pool_units : int
        Room for distinct feasible areas, and for their units together; 0: none are kept.

    Returns
    -------
    Progress
    """
    n, m, layers = len(ground.first) - 1, len(ground.unit), len(ground.weight)
    table = 1 << max(int(2 * pool_areas).bit_length(), 1)
    integers = [np.zeros(n, np.int64) for _ in range(8)]
    area_slots, head, after, before, count, members, clashes, digest = integers
    head[:] = after[:] = before[:] = NOBODY
    arrays: list[np.ndarray] = [
        area_slots,
        head,
        after,
        before,
        count,
        members,
        np.zeros(n),
        np.zeros((layers, n)),
        np.zeros((layers, n)),
        np.zeros(n),
        clashes,
        np.zeros(n),
        np.zeros(n),
        digest,
        np.ones(n, np.bool_),
        *(np.zeros((layers, m)) for _ in range(4)),
        np.zeros((max(64 * n, 4096), 3), np.int64),
        np.zeros(10, np.int64),
        np.zeros(2),
        np.zeros(n, np.int64),
        np.zeros(n, np.bool_),
        np.zeros(n, np.int64),
        *(np.zeros(n, np.int64) for _ in range(5)),
        np.ones(n),
        np.array([2 * seed + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF | 1], np.uint64),
        np.full(table, NOBODY, np.int64),
        np.zeros(pool_areas, np.int64),
        np.zeros(pool_areas + 1, np.int64),
        np.zeros(pool_units, np.int32),
        np.zeros(pool_areas),
    ]
    progress = Progress(*arrays)
    populate(ground, progress, area)
    return progress


@njit(cache=True, nogil=True)
def draw(s, below):
    """Draw a whole number from 0 to below - 1 (xorshift, Marsaglia 2003)."""
    x = s.chance[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    s.chance[0] = x
    return np.int64((x >> np.uint64(11)) % np.uint64(below))


@njit(cache=True, nogil=True)
def stamp(s):
    """Return a new mark for `seen`."""
    s.numbers[STAMP] += 1
    return s.numbers[STAMP]


@njit(cache=True, nogil=True)
def put(g, s, u, a):
    """Make a unit a member of an area, without flows."""
    first = s.head[a]
    s.after[u], s.before[u] = first, NOBODY
    if first != NOBODY:
        s.before[first] = u
    s.head[a] = u
    s.area[u] = a
    add_sums(g, s, u, a, 1)


@njit(cache=True, nogil=True)
def take(g, s, u):
    """Take a unit out of its area, without flows."""
    a, ahead, behind = s.area[u], s.before[u], s.after[u]
    if ahead == NOBODY:
        s.head[a] = behind
    else:
        s.after[ahead] = behind
    if behind != NOBODY:
        s.before[behind] = ahead
    s.area[u] = NOBODY
    add_sums(g, s, u, a, -1)


@njit(cache=True, nogil=True)
def add_sums(g, s, u, a, sign):
    """Add what a unit is by itself to the sums of an area, or take it away."""
    s.n_units[a] += sign
    s.members[a] += sign * (g.first[u + 1] - g.first[u])
    s.population[a] += sign * g.population[u]
    s.digest[a] ^= g.digest[u]
    s.dirty[a] = True
    for layer in range(len(g.weight)):
        for i in range(g.first[u], g.first[u + 1]):
            s.resident[layer, a] += sign * g.resident[layer, i]
            s.work[layer, a] += sign * g.work[layer, i]
    if s.n_units[a] == 0:
        s.population[a] = 0.0
        for layer in range(len(g.weight)):
            s.resident[layer, a] = 0.0
            s.work[layer, a] = 0.0


@njit(cache=True, nogil=True)
def populate(g, s, area):
    """Take over a partition and compute every sum anew; log and queue are emptied."""
    n = len(area)
    for a in range(n):
        s.head[a] = NOBODY
        s.n_units[a] = s.members[a] = s.clashes[a] = s.digest[a] = 0
        s.population[a] = s.within[a] = s.value[a] = s.gap[a] = 0.0
        s.resident[:, a] = 0.0
        s.work[:, a] = 0.0
        s.queued[a] = False
    s.numbers[LOG] = s.numbers[WAITING] = s.numbers[BROKEN] = s.numbers[AREAS] = 0
    s.totals[:] = 0.0
    for u in range(n - 1, -1, -1):
        put(g, s, u, area[u])
    for u in range(n):
        a = area[u]
        s.within[a] += g.own_within[u]
        for e in range(g.apart_start[u], g.apart_start[u + 1]):
            s.clashes[a] += area[g.apart_node[e]] == a and g.apart_node[e] < u
        for layer in range(len(g.weight)):
            for i in range(g.first[u], g.first[u + 1]):
                sent, received, within = 0.0, 0.0, 0.0
                for e in range(g.near_start[layer, i], g.near_start[layer, i + 1]):
                    other = g.unit[g.near_node[e]]
                    if area[other] == a:
                        sent += g.near_out[e]
                        received += g.near_in[e]
                        if other != u:
                            within += g.near_out[e]
                s.sent[layer, i], s.received[layer, i] = sent, received
                if layer == g.layer:
                    s.within[a] += within
    for a in range(n):
        if s.n_units[a]:
            s.numbers[AREAS] += 1
            assess(g, s, a)


@njit(cache=True, nogil=True)
def assess(g, s, a):
    """Compute value and gap of an area from its sums, and correct the totals by the difference."""
    value, gap = 0.0, 0.0
    if s.n_units[a]:
        head, after, first = s.head, s.after, g.first
        for layer in range(len(g.weight)):
            if g.weight[layer] == 0.0:
                continue
            sent, received, resident, work = (
                s.sent[layer],
                s.received[layer],
                g.resident[layer],
                g.work[layer],
            )
            all_resident, all_work, part = s.resident[layer, a], s.work[layer, a], 0.0
            u = head[a]
            while u != NOBODY:
                for i in range(first[u], first[u + 1]):
                    r, w = resident[i], work[i]
                    part += link(sent[i], received[i], r, w, all_resident - r, all_work - w)
                u = after[u]
            value += g.weight[layer] * part
        far = far_members(g, s, a, NOBODY, NOBODY)
        gap = gap_of(
            g, s.head[a], s.members[a], s.population[a], live(g, s, a), jobs(g, s, a), s.within[a],
            s.clashes[a] + far,
        )  # fmt: skip
    s.totals[VALUE] += value - s.value[a]
    s.totals[GAP] += gap - s.gap[a]
    s.numbers[BROKEN] += (gap > 0.0) - (s.gap[a] > 0.0)
    if s.numbers[BROKEN] == 0:
        s.totals[GAP] = 0.0
    s.value[a], s.gap[a] = value, gap


@njit(cache=True, nogil=True)
def live(g, s, a):
    """Return the employed residents of an area in the layer judged."""
    return s.resident[g.layer, a] if g.layer >= 0 else 0.0


@njit(cache=True, nogil=True)
def jobs(g, s, a):
    """Return the jobs of an area in the layer judged."""
    return s.work[g.layer, a] if g.layer >= 0 else 0.0


@njit(cache=True, nogil=True)
def gap_of(g, unit, members, population, live, work, within, faults):
    """Return 0 for an area that keeps its limits, otherwise 1 plus the sum of the shares by which it misses them."""
    if g.fixed[unit]:
        return 0.0
    gap = float(faults)
    if population < g.min_population:
        gap += 1.0 - population / g.min_population
    if members < g.min_members:
        gap += 1.0 - members / g.min_members
    if members > g.max_members:
        gap += members / g.max_members - 1.0
    if g.layer >= 0:
        gap += shortfall(g, live, work, within)
    return 1.0 + gap if gap > 0.0 else 0.0


@njit(cache=True, nogil=True)
def shortfall(g, live, work, within):
    """Return how far the labour-market validity is below 1; in the operations of `interaction.judge_sums`."""
    if live <= 0.0 or work <= 0.0:
        return 1.0
    containment = min(within / live, within / work)
    if containment == 1.0:
        return 0.0
    reached = min(containment / g.target_self_containment, 1.0)
    missing = max((g.target_size - live) / (g.target_size - g.min_size), 0.0)
    allowance = 1.0 - ((1.0 - g.min_self_containment / g.target_self_containment) * missing)
    validity = (reached * allowance) * (g.target_self_containment / g.min_self_containment)
    # Below 1 the difference is exact and above 0.
    return 1.0 - validity if validity < 1.0 else 0.0


@njit(cache=True, nogil=True)
def far_members(g, s, a, without, plus):
    """Count the members that are too far from the centre, one unit left out and one more taken in."""
    if len(g.minutes) == 0:
        return 0
    centre = NOBODY
    for step in range(2):
        far = 0
        u = s.head[a]
        extra = plus != NOBODY
        while u != NOBODY or extra:
            if u == NOBODY:
                unit, extra = plus, False
            else:
                unit, u = u, s.after[u]
                if unit == without:
                    continue
            for i in range(g.first[unit], g.first[unit + 1]):
                if step == 0 and (centre == NOBODY or g.centre_rank[i] < g.centre_rank[centre]):
                    centre = i
                far += step == 1 and i != centre and not g.minutes[i, centre] <= g.max_minutes
    return far
