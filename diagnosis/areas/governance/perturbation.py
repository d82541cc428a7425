"""Iterated local search: change a partition somewhere, improve it there, keep what is no worse, undo the rest."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.connectivity import area_neighbours, stays_connected, touching_areas
from diagnosis.areas.governance.divisions import best_join, divide, free_slot, join, part_off
from diagnosis.areas.governance.moves import call_up, forget, improve, move, undo, wait
from diagnosis.areas.governance.pool import record
from diagnosis.areas.governance.progress import AREAS, BROKEN, CHOSEN, GAP, LOG, NOBODY, VALUE, WAITING, draw

FREE, COUNT, FIXED = range(3)
"""What is sought once all limits are kept: the largest interaction; first the most areas; a given number of areas."""
SAME_GAP = 1e-9
"""Differences below this are rounding."""
SEEDS = 5
MANY_SEEDS = 40


@njit(cache=True, nogil=True)
def misfit(s, aim, target):
    """Return how far the number of areas is from what is sought; only differences count."""
    if aim == FREE:
        return 0
    return -s.numbers[AREAS] if aim == COUNT else abs(s.numbers[AREAS] - target)


@njit(cache=True, nogil=True)
def no_worse(s, aim, target, gap, distance, value):
    """Whether the partition is at least as good as one described by three numbers: limits, number, interaction."""
    if abs(s.totals[GAP] - gap) > SAME_GAP:
        return s.totals[GAP] < gap
    now = misfit(s, aim, target)
    return now < distance or (now == distance and s.totals[VALUE] >= value)


@njit(cache=True, nogil=True)
def make_noise(s, a):
    """Give the units of an area other weights by chance."""
    u = s.head[a]
    while u != NOBODY:
        s.noise[u] = 0.25 + draw(s, 1 << 20) / float(1 << 20)
        u = s.after[u]


@njit(cache=True, nogil=True)
def split_off(g, s, a, seeds):
    """Divide an area by chance weights where it can be, and return the new slot; -1 where it cannot."""
    make_noise(s, a)
    gain = divide(g, s, a, seeds, draw(s, len(s.area)), draw(s, 2) == 0)
    if s.numbers[CHOSEN] == 0 or gain == -np.inf:
        return NOBODY
    b = part_off(g, s, a)
    call_up(g, s, a)
    call_up(g, s, b)
    record(g, s, a)
    record(g, s, b)
    return b


@njit(cache=True, nogil=True)
def some_unit(g, s):
    """Draw a unit that touches another area, every other time in an area that breaks a limit; -1 if there is none."""
    n = len(s.area)
    # An area that breaks a limit and touches nobody stays as it is; the others are improved all the same.
    for broken in range(1 if s.numbers[BROKEN] > 0 and draw(s, 2) else 0, -1, -1):
        u = draw(s, n)
        for _ in range(n):
            a = s.area[u]
            if not broken or s.gap[a] > 0.0:
                for e in range(g.border_start[u], g.border_start[u + 1]):
                    if s.area[g.border_node[e]] != a:
                        return u
            u = (u + 1) % n
    return NOBODY


@njit(cache=True, nogil=True)
def kick(g, s, a, b):
    """Move up to four units of two areas to areas they touch, whatever that costs."""
    for _ in range(1 + draw(s, 4)):
        home = a if draw(s, 2) == 0 else b
        if s.n_units[home] < 2:
            continue
        u = s.head[home]
        for _ in range(draw(s, s.n_units[home])):
            u = s.after[u]
        count = touching_areas(g, s, u)
        if count == 0:
            continue
        to = s.found[draw(s, count)]
        if stays_connected(g, s, u):
            move(g, s, u, to)
            call_up(g, s, to)
    call_up(g, s, a)
    call_up(g, s, b)


@njit(cache=True, nogil=True)
def change(g, s, aim, target):
    """Carry out one change drawn by chance; return whether there was any."""
    u = some_unit(g, s)
    if u == NOBODY:
        # One area, or no two that touch: only a division is left.
        u = draw(s, len(s.area))
        if aim == FIXED and s.numbers[AREAS] >= target:
            return False
        return split_off(g, s, s.area[u], MANY_SEEDS) != NOBODY
    a = s.area[u]
    b = s.found[draw(s, touching_areas(g, s, u))]
    wanted = 0 if aim != FIXED else target - s.numbers[AREAS]
    settled = s.numbers[BROKEN] == 0 and aim == FIXED and wanted == 0
    # Four kinds of change that keep the number of areas, then two that raise it, then one that lowers it.
    kind = draw(s, 80 if settled else 100)
    if kind >= 95 and (wanted > 0 or (aim == COUNT and s.numbers[BROKEN] == 0)):
        kind = draw(s, 95)
    if kind >= 80 and kind < 95 and wanted < 0:
        kind = 99
    if kind < 35:
        kick(g, s, a, b)
        return True
    if kind >= 80 and kind < 85:
        return split_off(g, s, a, SEEDS) != NOBODY
    a = join(g, s, a, b)
    record(g, s, a)
    call_up(g, s, a)
    if kind >= 95:
        return True
    if kind >= 85:
        c = split_off(g, s, a, 1 + draw(s, SEEDS))
        if c == NOBODY:
            return False
        return split_off(g, s, c, SEEDS) != NOBODY or split_off(g, s, a, SEEDS) != NOBODY
    if kind >= 65:
        others = area_neighbours(g, s, a)
        nearby = len(others) > 0 and draw(s, 3) > 0
        a = others[draw(s, len(others))] if nearby else s.area[draw(s, len(s.area))]
    return split_off(g, s, a, 1 + draw(s, SEEDS)) != NOBODY


@njit(cache=True, nogil=True)
def perturb(g, s, rounds, aim, target):
    """Change, improve and judge a partition again and again; it never gets worse.

    Parameters
    ----------
    g : Ground
    s : Progress
        Changed in place.
    rounds : int
    aim, target : int
        One of `FREE`, `COUNT`, `FIXED`; the number of areas of the last.

    Notes
    -----
    Moves in pairs are tried only when a partition is settled in the end: after every perturbation they take ten times
    as long and find nothing that more perturbations do not (Nuoro with its surroundings, 84 units; Campobasso, 163).
    """
    kept = 0
    for _ in range(rounds):
        s.numbers[LOG] = 0
        gap, distance, value = s.totals[GAP], misfit(s, aim, target), s.totals[VALUE]
        if change(g, s, aim, target):
            improve(g, s, False)
            if no_worse(s, aim, target, gap, distance, value):
                kept += 1
                continue
        forget(s)
        undo(g, s, 0)
        if s.numbers[BROKEN] == 0:
            s.totals[VALUE] = value  # what the way there and back has added is rounding
        s.totals[GAP] = gap
    return kept


@njit(cache=True, nogil=True)
def settle(g, s, chains):
    """Improve a partition everywhere; it cannot be undone."""
    for u in range(len(s.area)):
        wait(s, u)
    while s.numbers[WAITING]:
        s.numbers[LOG] = 0
        improve(g, s, chains)
    s.numbers[LOG] = 0


@njit(cache=True, nogil=True)
def step_towards(g, s, target, gains, partner):
    """Divide or join the areas for which that costs least, until their number is the target or nothing is left.

    Parameters
    ----------
    g : Ground
    s : Progress
    target : int
    gains, partner : numpy.ndarray, shape (n,)
        Room to remember what was found for each area.
    """
    n = len(s.area)
    s.dirty[:] = True
    s.noise[:] = 1.0
    while s.numbers[AREAS] != target:
        dividing = s.numbers[AREAS] < target
        best, most = NOBODY, -np.inf
        for a in range(n):
            if s.n_units[a] == 0:
                continue
            stale = s.dirty[a]
            if not dividing and not stale:
                for b in area_neighbours(g, s, a):
                    stale = stale or s.dirty[b]
            if stale:
                partner[a], gains[a] = NOBODY, -np.inf
                s.numbers[LOG] = 0
                if dividing:
                    for by_link in (True, False):
                        gains[a] = max(gains[a], divide(g, s, a, MANY_SEEDS, 0, by_link))
                else:
                    partner[a], gains[a] = best_join(g, s, a)
            if gains[a] > most:
                best, most = a, gains[a]
        s.dirty[:] = False
        if best == NOBODY or most < -1e3:
            return
        s.numbers[LOG] = 0
        if dividing:
            for by_link in (True, False):
                if divide(g, s, best, MANY_SEEDS, 0, by_link) >= most - 1e-12:
                    break
            if s.numbers[CHOSEN] == 0 or free_slot(s) == NOBODY:
                return
            other = part_off(g, s, best)
            record(g, s, other)
        else:
            best = join(g, s, best, partner[best])
            other = best
        record(g, s, best)
        call_up(g, s, best)
        call_up(g, s, other)
        improve(g, s, False)
        forget(s)
