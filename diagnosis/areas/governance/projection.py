"""Duals near given ones for which a bound, as far as it is known, is at most a level."""

from __future__ import annotations

import numpy as np
from numba import njit

SWEEPS = 200
LOOSE = 10.0
"""How much easier bounds of areas move than duals of units."""


@njit(cache=True, nogil=True)
def project(duals, threshold, excess, members, worth, root, k, level):
    """Move duals to about the nearest ones of which the known part of the bound is at most `level`.

    The bound is the sum of the duals, of k times the threshold and of what the bound of each root exceeds it by; the
    bound of a root is at least the worth of each of its known areas less their duals. The projection is that of
    Hildreth C. (1957), A quadratic programming procedure, Naval Research Logistics Quarterly 4(1), 79-85; where no
    duals keep the level it is a compromise.

    Parameters
    ----------
    duals : numpy.ndarray of float, shape (n,)
        Changed in place, as are the next two.
    threshold : numpy.ndarray of float, shape (1,)
    excess : numpy.ndarray of float, shape (n,)
    members : numpy.ndarray of float, shape (c, n)
        How far each unit is in each known area.
    worth : numpy.ndarray of float, shape (c,)
    root : numpy.ndarray of int, shape (c,)
    k : float
        Number of areas; 0: any, and the threshold is 0.
    level : float
    """
    rows, n = members.shape
    held, floor, norm = np.zeros(rows), np.zeros(n), np.empty(rows)
    level_held = 0.0
    counted = 1.0 if k > 0.0 else 0.0
    for c in range(rows):
        norm[c] = LOOSE * (1.0 + counted)
        for u in range(n):
            norm[c] += members[c, u] * members[c, u]
    for sweep in range(SWEEPS):
        moved = 0.0
        for c in range(rows):
            if sweep % 5 and held[c] == 0.0:
                continue
            lack = worth[c] - excess[root[c]] - counted * threshold[0]
            for u in range(n):
                lack -= members[c, u] * duals[u]
            step = max(lack / norm[c], -held[c])
            if step != 0.0:
                held[c] += step
                for u in range(n):
                    duals[u] += step * members[c, u]
                excess[root[c]] += LOOSE * step
                threshold[0] += LOOSE * counted * step
                moved += abs(step)
        total = k * threshold[0] - level
        for u in range(n):
            total += duals[u] + excess[u]
        step = max(total / (n + LOOSE * (k * k + n)), -level_held)
        level_held += step
        moved += abs(step)
        for u in range(n):
            duals[u] -= step
            excess[u] -= LOOSE * step
        threshold[0] -= LOOSE * k * step
        for u in range(n):
            step = max(-excess[u] / LOOSE, -floor[u])
            floor[u] += step
            excess[u] += LOOSE * step
        if moved < 1e-9:
            break
