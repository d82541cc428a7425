"""Areas worth more than the duals of their units, found by moving single units: a heuristic for good duals."""

from __future__ import annotations

import numpy as np
from numba import njit

from diagnosis.areas.governance.interaction import unit_set_value


@njit(cache=True, nogil=True)
def climb(p, duals, membership, steps):
    """Move units in and out of feasible areas, at most `steps` each, while that raises the reduced value.

    Parameters
    ----------
    p : Arrays
    duals : numpy.ndarray of float, shape (n,)
    membership : numpy.ndarray of bool, shape (a, n)
        The areas; changed in place.
    steps : int

    Returns
    -------
    numpy.ndarray of float, shape (a,)
        Interaction of each area.
    """
    n = membership.shape[1]
    values = np.empty(len(membership))
    for a in range(len(membership)):
        inside = membership[a]
        values[a] = unit_set_value(p, np.flatnonzero(inside))[0]
        if p.fixed[inside].any():
            continue
        rest = values[a] - duals[inside].sum()
        for _ in range(steps):
            best, unit, value = rest + 1e-9, -1, 0.0
            for u in range(n):
                near = inside[u]
                for e in range(p.neighbour_indptr[u], p.neighbour_indptr[u + 1]):
                    near = near or inside[p.neighbour_indices[e]]
                if not near or p.fixed[u]:
                    continue
                inside[u] = not inside[u]
                gain, feasible = unit_set_value(p, np.flatnonzero(inside))
                if feasible and gain - duals[inside].sum() > best:
                    best, unit, value = gain - duals[inside].sum(), u, gain
                inside[u] = not inside[u]
            if unit < 0:
                break
            inside[unit] = not inside[unit]
            rest, values[a] = best, value
    return values
