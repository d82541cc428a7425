"""What areas must respect besides flows: contiguity, groups no area crosses, municipalities together or apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.areas.state import Limits
from diagnosis.errors import InputError, examples


@dataclass(frozen=True, eq=False)
class Constraints:
    """Checked constraints between numbered municipalities.

    Attributes
    ----------
    unit : numpy.ndarray of int, shape (n,)
        Municipalities of the same unit stay together; units are numbered from 0.
    near, apart : numpy.ndarray of int, shape (p, 2)
        Pairs of units that touch, and that never share an area, each once.
    group : numpy.ndarray of int, shape (n_units,)
        Units of different groups never share an area.
    touching : bool
        Whether areas must be connected by `near`.
    """

    unit: np.ndarray
    near: np.ndarray
    apart: np.ndarray
    group: np.ndarray
    touching: bool

    @classmethod
    def read(
        cls,
        codes: pd.Index,
        contiguity: pd.DataFrame | None = None,
        within: pd.Series | None = None,
        must_link: Iterable[Iterable] | None = None,
        cannot_link: Iterable[Iterable] | None = None,
    ) -> Constraints:
        """Check the constraints of :class:`diagnosis.areas.FunctionalAreas` against the codes of the flows.

        Raises
        ------
        diagnosis.errors.InputError
            A constraint has the wrong form, no code in common with `codes`, a code that is not in `codes` (links),
            or contradicts another one.
        """
        unit = _units(codes, must_link)
        near = np.empty((0, 2), np.int64) if contiguity is None else _pairs_of_neighbours(codes, contiguity)
        group = _groups(codes, within, unit)
        apart = _apart(codes, cannot_link, unit)
        if contiguity is not None:
            _check_connected(codes, near, unit)
        return cls(
            unit, _between_units(near, unit), _between_units(apart, unit), group, contiguity is not None
        )

    def limits(self, position: np.ndarray, rank: np.ndarray) -> Limits:
        """Return the constraints for units in another order.

        Parameters
        ----------
        position : numpy.ndarray of int, shape (n_units,)
            Place of each unit in the aggregation; -1: not in it.
        rank : numpy.ndarray of int
            By place; equal where nothing tells two units apart.
        """
        group = np.empty(len(rank), np.int64)
        group[position[position >= 0]] = self.group[position >= 0]
        near_start, near_node = _both_ways(position[self.near], len(rank))
        apart_start, apart_node = _both_ways(position[self.apart], len(rank))
        return Limits(near_start, near_node, group, apart_start, apart_node, rank)


def _units(codes: pd.Index, must_link: Iterable[Iterable] | None) -> np.ndarray:
    """Give each municipality a number, the same to those linked directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if must_link is None:
        return np.arange(len(codes))
    chains = [
        np.array([_position(codes, code, "must_link") for code in group])
        for group in groups_of(must_link, "must_link")
    ]
    start = np.concatenate([np.empty(0, np.int64), *(chain[:-1] for chain in chains)]).astype(np.int64)
    stop = np.concatenate([np.empty(0, np.int64), *(chain[1:] for chain in chains)]).astype(np.int64)
    graph = coo_array((np.ones(len(start)), (start, stop)), shape=(len(codes), len(codes)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def groups_of(groups: Iterable[Iterable], name: str) -> list[list]:
    """List the groups of linked codes of parameter `name`, or say what is wrong with their form."""
    return [_listed(group, name) for group in _listed(groups, name)]


def _listed(given: Iterable, name: str) -> list:
    """List what is given, unless it can be read only once: the next fit would find it empty."""
    if isinstance(given, str | bytes | Iterator) or not isinstance(given, Iterable):
        raise InputError(
            f"{name}: a list of groups is needed, and every group is a list of codes",
            f"{given!r} was given",
            "Write [['058091', '058120']]; make a list of a generator: list(...)",
        )
    return list(given)


def _position(codes: pd.Index, code: object, name: str) -> int:
    try:
        return int(codes.get_loc(code))
    except (KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):
        raise InputError(
            f"{name}: every code must be in the flows",
            f"{code!r} is not; the flows have {examples(codes)}",
            "Correct the code, or leave it out",
        ) from None


def _pairs_of_neighbours(codes: pd.Index, contiguity: pd.DataFrame) -> np.ndarray:
    if not isinstance(contiguity, pd.DataFrame) or {"code", "neighbour"} - set(contiguity.columns):
        found = examples(map(str, getattr(contiguity, "columns", [type(contiguity).__name__])), 12)
        raise InputError(
            "contiguity: a table with the columns code, neighbour is needed",
            f"found: {found}",
            "Compute it with diagnosis.contiguity(polygons)",
        )
    pairs = np.column_stack([codes.get_indexer(contiguity[name]) for name in ("code", "neighbour")])
    if len(pairs) and not (pairs >= 0).any():
        raise InputError(
            "contiguity: its codes must be those of the flows",
            f"contiguity has {examples(contiguity['code'])}, the flows {examples(codes)}",
            "Give both the same kind of code: text, 6 digits",
        )
    return pairs[(pairs >= 0).all(axis=1)]


def _groups(codes: pd.Index, within: pd.Series | None, unit: np.ndarray) -> np.ndarray:
    n_units = int(unit.max(initial=-1)) + 1
    if within is None:
        return np.zeros(n_units, np.int64)
    if not isinstance(within, pd.Series) or within.index.has_duplicates:
        raise InputError(
            "within: a Series with one group a code is needed",
            "codes are repeated" if isinstance(within, pd.Series) else f"{type(within).__name__} was given",
            "Give the region or province of each municipality",
        )
    given = within.reindex(codes)
    if given.isna().any():
        raise InputError(
            "within: every municipality of the flows needs a group",
            f"{int(given.isna().sum())} have none: {examples(codes[given.isna()])}",
            "Add them, or leave their flows out",
        )
    number = pd.factorize(given)[0]
    group = np.zeros(n_units, np.int64)
    group[unit] = number
    torn = np.flatnonzero(group[unit] != number)
    if len(torn):
        i = torn[0]
        other = codes[(unit == unit[i]) & (number == group[unit[i]])][0]
        raise InputError(
            "must_link and within contradict each other",
            f"{codes[i]} and {other} must stay together but are in {given.iloc[i]} and {given[other]}",
            "Drop one of the two",
        )
    return group


def _apart(codes: pd.Index, cannot_link: Iterable[Iterable] | None, unit: np.ndarray) -> np.ndarray:
    pairs = []
    for given in () if cannot_link is None else groups_of(cannot_link, "cannot_link"):
        pair = [_position(codes, code, "cannot_link") for code in given]
        if len(pair) != 2:
            raise InputError("cannot_link: every entry is a pair of codes", f"{given!r} was given")
        if unit[pair[0]] == unit[pair[1]]:
            raise InputError(
                "cannot_link contradicts must_link"
                if pair[0] != pair[1]
                else "cannot_link: a code can be kept apart from another one only",
                f"{codes[pair[0]]} and {codes[pair[1]]} must stay together",
                "Drop one of the two",
            )
        pairs.append(pair)
    return np.array(pairs, np.int64).reshape(-1, 2)


def _check_connected(codes: pd.Index, near: np.ndarray, unit: np.ndarray) -> None:
    """Say which municipalities that must stay together do not touch."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    same = unit[near[:, 0]] == unit[near[:, 1]]
    graph = coo_array((np.ones(same.sum()), tuple(near[same].T)), shape=(len(codes), len(codes)))
    part = connected_components(graph, directed=False)[1]
    first = np.zeros(int(unit.max(initial=-1)) + 1, np.int64)
    first[unit[::-1]] = part[::-1]
    away = np.flatnonzero(part != first[unit])
    if len(away):
        group = codes[unit == unit[away[0]]]
        raise InputError(
            "must_link: municipalities that stay together must touch, directly or through others of their group",
            f"{codes[away[0]]} does not touch the rest of {examples(group)}",
            "Add the municipalities between them, or an edge to contiguity",
        )


def _between_units(pairs: np.ndarray, unit: np.ndarray) -> np.ndarray:
    ends = np.sort(unit[pairs], axis=1)
    ends = ends[ends[:, 0] != ends[:, 1]]
    return np.unique(ends, axis=0) if len(ends) else np.empty((0, 2), np.int64)


def _both_ways(pairs: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = pairs[(pairs >= 0).all(axis=1)]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    return np.searchsorted(both[:, 0], np.arange(n + 1)), both[:, 1].astype(np.int32)
