"""Areas as sets of bits: the columns of a set partitioning problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit

WORD = 64


@dataclass(frozen=True, eq=False)
class AreaColumns:
    """Distinct areas with their values.

    Attributes
    ----------
    n_units : int
    bits : numpy.ndarray of uint64, shape (a, ceil(n_units / 64))
        Members of each area: unit u is bit u % 64 of word u // 64.
    values : numpy.ndarray of float, shape (a,)
        Interaction of each area.
    """

    n_units: int
    bits: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def from_areas(cls, n_units: int, areas: Iterable[Iterable[int]], values: Iterable[float]) -> AreaColumns:
        """Build columns from areas given by their units; of equal areas the first is kept."""
        listed = [np.fromiter(area, dtype=np.int64) for area in areas]
        indptr = np.cumsum([0, *map(len, listed)])
        return cls.from_lists(n_units, indptr, np.concatenate([np.empty(0, np.int64), *listed]), values)

    @classmethod
    def from_lists(
        cls, n_units: int, indptr: np.ndarray, units: np.ndarray, values: Iterable[float]
    ) -> AreaColumns:
        """Build columns from areas listed one after the other: ``units[indptr[a]:indptr[a + 1]]`` are those of a."""
        membership = np.zeros((len(indptr) - 1, n_units), bool)
        membership[np.repeat(np.arange(len(membership)), np.diff(indptr)), units] = True
        return cls.from_membership(membership, np.fromiter(values, dtype=np.float64))

    @classmethod
    def from_membership(cls, membership: np.ndarray, values: np.ndarray) -> AreaColumns:
        """Build columns from a matrix of bool, areas by units; of equal areas the first is kept."""
        words = -(-membership.shape[1] // WORD)
        padded = np.zeros((len(membership), words * WORD), bool)
        padded[:, : membership.shape[1]] = membership
        bits = np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)
        return cls(membership.shape[1], bits, np.asarray(values, np.float64))._distinct()

    def joined(self, other: AreaColumns) -> AreaColumns:
        """Return the areas of both; the rows of this one keep their places."""
        bits = np.concatenate([self.bits, other.bits])
        return AreaColumns(self.n_units, bits, np.concatenate([self.values, other.values]))._distinct()

    def membership(self, rows: np.ndarray) -> np.ndarray:
        """Return the units of some areas as a matrix of bool, shape (len(rows), n_units)."""
        states = np.ascontiguousarray(self.bits[rows]).astype("<u8").view(np.uint8)
        return np.unpackbits(states, axis=1, bitorder="little")[:, : self.n_units].astype(bool)

    def partition(self, rows: np.ndarray) -> np.ndarray:
        """Return the area of each unit, 0 to k - 1 in the order of `rows`, which cover every unit once."""
        return self.membership(rows).argmax(axis=0)

    def reduced_values(self, duals: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return `values` less the duals of each area's units, shape (a,)."""
        padded = np.zeros(self.bits.shape[1] * WORD)
        padded[: self.n_units] = duals
        # The sum over the units of each byte is looked up: a byte has only 256 states.
        states = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
        sums = np.ascontiguousarray(padded.reshape(-1, 8) @ states.T.astype(np.float64))
        return _less_duals(self.bits, values, sums, -(-self.n_units // 8))

    def _distinct(self) -> AreaColumns:
        first = np.sort(np.unique(self.bits, axis=0, return_index=True)[1])
        return AreaColumns(self.n_units, self.bits[first], self.values[first])


@njit(cache=True, nogil=True)
def _less_duals(bits, values, sums, used):
    rest = np.empty(len(bits))
    for a in range(len(bits)):
        total = values[a]
        for byte in range(used):
            word = bits[a, byte >> 3]
            total -= sums[byte, (word >> np.uint64(8 * (byte & 7))) & np.uint64(255)]
        rest[a] = total
    return rest


@njit(cache=True, nogil=True)
def best_by_unit(bits, gains, n_units, least):
    """Return, for each unit, the area of largest gain above `least` that has it; -1: none."""
    best = np.full(n_units, -1, np.int64)
    for a in range(len(gains)):
        gain = gains[a]
        if gain > least:
            for unit in range(n_units):
                if (bits[a, unit >> 6] >> np.uint64(unit & 63)) & np.uint64(1) and (
                    best[unit] < 0 or gain > gains[best[unit]]
                ):
                    best[unit] = a
    return best
