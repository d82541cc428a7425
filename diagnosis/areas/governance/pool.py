"""The distinct feasible areas a search has met: columns for a set partitioning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from diagnosis.areas.governance.progress import FILLED, NOBODY, POOLED


@njit(cache=True, nogil=True)
def record(g, s, a):
    """Keep an area, unless it breaks a limit, is known or finds no room."""
    if len(s.pool_digest) == 0 or s.n_units[a] == 0 or s.gap[a] > 0.0:
        return
    count, filled = s.numbers[POOLED], s.numbers[FILLED]
    if count == len(s.pool_digest) or filled + s.n_units[a] > len(s.pool_units):
        return
    mask = len(s.pool_table) - 1
    digest = s.digest[a]
    at = digest & mask
    while s.pool_table[at] != NOBODY:
        if s.pool_digest[s.pool_table[at]] == digest:
            return
        at = (at + 1) & mask
    s.pool_table[at] = count
    s.pool_digest[count], s.pool_value[count] = digest, s.value[a]
    u = s.head[a]
    while u != NOBODY:
        s.pool_units[filled] = u
        filled += 1
        u = s.after[u]
    s.pool_start[count + 1] = filled
    s.numbers[POOLED], s.numbers[FILLED] = count + 1, filled


@dataclass(frozen=True, eq=False)
class AreaPool:
    """Distinct feasible areas.

    Attributes
    ----------
    indptr : numpy.ndarray of int, shape (p + 1,)
    units : numpy.ndarray of int32
        Units of area j: ``units[indptr[j]:indptr[j + 1]]``, ascending.
    values : numpy.ndarray of float, shape (p,)
        Interaction of each.
    n_units : int
    """

    indptr: np.ndarray
    units: np.ndarray
    values: np.ndarray
    n_units: int

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of_lists(cls, areas: list[np.ndarray], values: np.ndarray, n_units: int) -> AreaPool:
        """Put areas together, each once."""
        known: dict[bytes, int] = {}
        for number, area in enumerate(areas):
            known.setdefault(np.sort(area).astype(np.int32).tobytes(), number)
        kept = [np.frombuffer(key, np.int32) for key in known]
        sizes = np.array([len(area) for area in kept], np.int64)
        return cls(
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate(kept) if kept else np.empty(0, np.int32),
            np.asarray(values, dtype="float64")[list(known.values())],
            n_units,
        )

    def areas(self) -> list[np.ndarray]:
        """List the units of each area."""
        return np.split(self.units, self.indptr[1:-1]) if len(self) else []

    def bitsets(self) -> np.ndarray:
        """Return one row of 64-bit words an area: unit u is bit ``u % 64`` of word ``u // 64``.

        Returns
        -------
        numpy.ndarray of uint64, shape (p, ceil(n / 64))
        """
        rows = np.zeros((len(self), -(-self.n_units // 64)), np.uint64)
        area = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        units = self.units.astype(np.int64)
        np.bitwise_or.at(rows, (area, units // 64), np.uint64(1) << (units % 64).astype(np.uint64))
        return rows
