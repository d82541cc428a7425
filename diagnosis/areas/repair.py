"""Make the areas of a partition contiguous and large enough: detached pieces and small areas join a neighbour."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.quality import labelled
from diagnosis.errors import InputError, examples


def repair_contiguity(
    labels: pd.Series, flows: pd.DataFrame, contiguity: pd.DataFrame
) -> tuple[pd.Series, pd.DataFrame]:
    """Give every detached piece of an area to the touching area of strongest link.

    An area keeps its piece with most employed residents (ties: most members, then the first code). The other pieces
    leave it as wholes, one at a time, largest link first; links are recomputed after each. The link of a piece P
    with an area A is f(A,P)^2 / (L_A W_P) + f(P,A)^2 / (L_P W_A), with L employed residents and W jobs, as in
    :class:`diagnosis.areas.FunctionalAreas`, on the area as it is at that moment. A piece without flows with any area
    that it touches joins the one of most employed residents.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code; missing: in no area, and no bridge between areas.
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`. Margins count all flows.
    contiguity : pandas.DataFrame
        `code`, `neighbour`: pairs of neighbours in one or both directions; every kind given joins. Codes without a
        label are passed over.

    Returns
    -------
    repaired : pandas.Series
        The labels after the moves; no area is new, and none is lost.
    moved : pandas.DataFrame
        One row a municipality of a detached piece, in the order of the moves: `step` (from 1; one a piece), `code`,
        `from_area`, `to_area`, `link`. A piece that touches no area and no piece that found one stays where it was:
        its `to_area` is missing, and the area remains in pieces.

    Raises
    ------
    diagnosis.errors.InputError
        `labels`, `flows` or `contiguity` breaks its contract, or they have no codes in common.
    """
    network = FlowNetwork.from_table(flows)
    known = labelled(labels)
    if contiguity is None:
        raise InputError("contiguity: a DataFrame is needed", "None was given")
    contacts = Contacts.of(network, known.index, contiguity)
    area, areas = pd.factorize(known, sort=True)
    after, moves = place_pieces(contacts, area)
    repaired = labels.copy()
    repaired.loc[known.index] = areas.take(after)
    return repaired, moves_table(moves, known.index, pd.Series(areas))


class Move(NamedTuple):
    """Municipalities that change area together; positions, `target` is -1 where none was found."""

    municipalities: list[int]
    source: int
    target: int
    link: float


@dataclass(frozen=True, eq=False)
class Contacts:
    """Flows and borders between the municipalities of a partition, by position.

    Attributes
    ----------
    live, work : numpy.ndarray of float, shape (n,)
        Employed residents and jobs; all flows count.
    origin, destination, amount : numpy.ndarray, shape (m,)
        Flows between the municipalities.
    first, second : numpy.ndarray of int, shape (p,)
        Pairs that touch, in both directions.
    bordered : bool
        Borders play a part; otherwise there are no pairs.
    """

    live: np.ndarray
    work: np.ndarray
    origin: np.ndarray
    destination: np.ndarray
    amount: np.ndarray
    first: np.ndarray
    second: np.ndarray
    bordered: bool

    @classmethod
    def of(cls, network: FlowNetwork, codes: pd.Index, contiguity: pd.DataFrame | None = None) -> Contacts:
        """Select what concerns some codes, in the units of the network.

        Parameters
        ----------
        network : FlowNetwork
        codes : pandas.Index, shape (n,)
            One or more must be in the network; the others have no flows.
        contiguity : pandas.DataFrame, optional
            `code`, `neighbour`.

        Returns
        -------
        Contacts

        Raises
        ------
        diagnosis.errors.InputError
            No code is in the network, or `contiguity` breaks its contract.
        """
        place = network.codes.get_indexer(codes)
        known = np.flatnonzero(place >= 0)
        if len(known) == 0:
            raise InputError(
                "labels: their codes must be those of the flows",
                f"labels have {examples(codes)}, flows {examples(network.codes)}",
                "Give both the same kind of code: text, 6 digits",
            )
        live, work = np.zeros(len(codes)), np.zeros(len(codes))
        live[known], work[known] = network.live()[place[known]], network.work()[place[known]]
        position = np.full(len(network), -1)
        position[place[known]] = known
        origin, destination = position[network.origin], position[network.destination]
        both = (origin >= 0) & (destination >= 0)
        first, second = (known[:0],) * 2 if contiguity is None else touching_pairs(contiguity, codes)
        return cls(
            live,
            work,
            origin[both],
            destination[both],
            network.amount[both],
            first,
            second,
            contiguity is not None,
        )


def touching_pairs(contiguity: pd.DataFrame, codes: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the pairs of codes that touch, each in both directions.

    Parameters
    ----------
    contiguity : pandas.DataFrame
        `code`, `neighbour`.
    codes : pandas.Index

    Returns
    -------
    first, second : numpy.ndarray of int, shape (p,)
        Sorted by both.

    Raises
    ------
    diagnosis.errors.InputError
        `contiguity` is no table of pairs, or none of its codes is among `codes`.
    """
    if not isinstance(contiguity, pd.DataFrame):
        raise InputError("contiguity: a DataFrame is needed", f"{type(contiguity).__name__} was given")
    if absent := [name for name in ("code", "neighbour") if name not in contiguity.columns]:
        raise InputError(
            "contiguity: the columns code, neighbour are needed",
            f"missing: {examples(absent)}; found: {examples(map(str, contiguity.columns), 12)}",
        )
    first, second = (codes.get_indexer(contiguity[name]) for name in ("code", "neighbour"))
    if len(contiguity) and (first < 0).all():
        raise InputError(
            "contiguity: its codes must be those of the flows",
            f"contiguity has {examples(contiguity['code'].unique())}, flows {examples(codes)}",
            "Give both the same kind of code: text, 6 digits",
        )
    inside = (first >= 0) & (second >= 0) & (first != second)
    n = len(codes)
    pair = np.unique(np.concatenate([first[inside] * n + second[inside], second[inside] * n + first[inside]]))
    return pair // max(n, 1), pair % max(n, 1)


def connected_parts(number: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Part of each of `number` nodes, counted from 0, in the graph of the pairs given."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first)), (first, second)), shape=(number, number))
    return connected_components(graph, directed=False)[1]


class UnitGraph:
    """Groups of municipalities, numbered from 0, with their flows and borders; one can be merged into another.

    Parameters
    ----------
    contacts : Contacts
    unit : numpy.ndarray of int, shape (n,)
        Unit of each municipality; no number is left out.
    """

    def __init__(self, contacts: Contacts, unit: np.ndarray) -> None:
        number = int(unit.max()) + 1
        self.live = np.bincount(unit, contacts.live, number).tolist()
        self.work = np.bincount(unit, contacts.work, number).tolist()
        order = np.argsort(unit, kind="stable")
        limits = np.searchsorted(unit[order], np.arange(1, number))
        self.members = [part.tolist() for part in np.split(order, limits)]
        self.first = [members[0] for members in self.members]
        self._outward: list[dict[int, float]] = [{} for _ in range(number)]
        self._inward: list[dict[int, float]] = [{} for _ in range(number)]
        origin, destination = unit[contacts.origin], unit[contacts.destination]
        between = origin != destination
        pair, place = np.unique(origin[between] * number + destination[between], return_inverse=True)
        amount = np.bincount(place, contacts.amount[between], len(pair))
        for start, stop, flow in zip(
            (pair // number).tolist(), (pair % number).tolist(), amount.tolist(), strict=True
        ):
            self._outward[start][stop] = flow
            self._inward[stop][start] = flow
        self._touching: list[set[int]] | None = None
        if contacts.bordered:
            self._touching = [set() for _ in range(number)]
            start, stop = unit[contacts.first], unit[contacts.second]
            pair = np.unique(start[start != stop] * number + stop[start != stop])
            for a, b in zip((pair // number).tolist(), (pair % number).tolist(), strict=True):
                self._touching[a].add(b)

    def neighbours(self, unit: int) -> set[int]:
        """Units that touch this one; those that exchange commuters with it where borders play no part."""
        if self._touching is not None:
            return self._touching[unit]
        return self._outward[unit].keys() | self._inward[unit].keys()

    def link(self, a: int, b: int) -> float:
        """How strongly two units exchange commuters: 0 if they do not, 2 if they have no other flows."""
        to, coming = self._outward[a].get(b, 0.0), self._inward[a].get(b, 0.0)
        link = to * to / (self.live[a] * self.work[b]) if to else 0.0
        return link + (coming * coming / (self.live[b] * self.work[a]) if coming else 0.0)

    def strongest(self, unit: int, candidates: Iterable[int]) -> tuple[int | None, float]:
        """Find the candidate of strongest link (ties: most employed residents, then the first code)."""
        keys = ((self.link(unit, one), self.live[one], -self.first[one], one) for one in candidates)
        link, *_, target = max(keys, default=(0.0, None))
        return target, link

    def merge(self, unit: int, target: int) -> None:
        """Let `target` take over everything of `unit`, which is empty from now on."""
        self.live[target] += self.live[unit]
        self.work[target] += self.work[unit]
        self.first[target] = min(self.first[target], self.first[unit])
        self.members[target] += self.members[unit]
        self.members[unit] = []
        for away, back in ((self._outward, self._inward), (self._inward, self._outward)):
            for other, flow in away[unit].items():
                del back[other][unit]
                if other != target:
                    away[target][other] = back[other][target] = away[target].get(other, 0.0) + flow
            away[unit] = {}
        if self._touching is not None:
            for other in self._touching[unit]:
                self._touching[other].discard(unit)
                if other != target:
                    self._touching[other].add(target)
                    self._touching[target].add(other)
            self._touching[unit] = set()


def place_pieces(contacts: Contacts, area: np.ndarray) -> tuple[np.ndarray, list[Move]]:
    """Carry out :func:`repair_contiguity` on positions.

    Parameters
    ----------
    contacts : Contacts
        With borders.
    area : numpy.ndarray of int, shape (n,)
        Area of each municipality, at least 0.

    Returns
    -------
    after : numpy.ndarray of int, shape (n,)
    moves : list of Move
    """
    same = area[contacts.first] == area[contacts.second]
    piece = connected_parts(len(area), contacts.first[same], contacts.second[same])
    _, first, size = np.unique(piece, return_index=True, return_counts=True)
    home = area[first]
    order = np.lexsort((first, -size, -np.bincount(piece, contacts.live), home))
    main = order[np.unique(home[order], return_index=True)[1]]
    waiting = set(range(len(home))) - set(main.tolist())
    after = area.copy()
    if not waiting:
        return after, []
    units = UnitGraph(contacts, piece)
    # An entry of the heap counts only while it is the latest of its piece.
    latest: dict[int, tuple] = {}
    heap: list[tuple] = []

    def judge(pieces: Iterable[int]) -> None:
        for one in pieces:
            target, link = units.strongest(one, units.neighbours(one) - waiting)
            if target is not None:
                latest[one] = (-link, -units.live[one], units.first[one], one, target)
                heapq.heappush(heap, latest[one])

    moves = []
    judge(waiting)
    while heap:
        entry = heapq.heappop(heap)
        one, target = entry[3:]
        if one not in waiting or latest[one] != entry:
            continue
        waiting.remove(one)
        moves.append(Move(units.members[one], int(home[one]), int(home[target]), -entry[0]))
        after[units.members[one]] = home[target]
        units.merge(one, target)
        judge(units.neighbours(target) & waiting)
    left = sorted(waiting, key=lambda one: units.first[one])
    moves += [Move(units.members[one], int(home[one]), -1, np.nan) for one in left]
    return after, moves


def absorb_small_areas(
    contacts: Contacts, area: np.ndarray, min_size: float
) -> tuple[np.ndarray, list[Move]]:
    """Merge areas with too few employed residents into the neighbour of strongest link, smallest area first.

    Parameters
    ----------
    contacts : Contacts
        With borders, neighbours are the areas that touch, so that contiguous areas stay so; without, those that
        exchange commuters.
    area : numpy.ndarray of int, shape (n,)
        Area of each municipality; no number from 0 is left out.
    min_size : float
        In the units of the network.

    Returns
    -------
    after : numpy.ndarray of int, shape (n,)
        Numbers of the areas that are left; one without neighbours stays, however small.
    moves : list of Move
    """
    units = UnitGraph(contacts, area)
    after = area.copy()
    heap = [(live, units.first[unit], unit) for unit, live in enumerate(units.live) if live < min_size]
    heapq.heapify(heap)
    moves = []
    while heap:
        live, _, unit = heapq.heappop(heap)
        if not units.members[unit] or units.live[unit] != live:
            continue
        target, link = units.strongest(unit, units.neighbours(unit))
        if target is None:
            continue
        moves.append(Move(sorted(units.members[unit]), unit, target, link))
        after[units.members[unit]] = target
        units.merge(unit, target)
        if units.live[target] < min_size:
            heapq.heappush(heap, (units.live[target], units.first[target], target))
    return after, moves


def moves_table(moves: list[Move], codes: pd.Index, areas: pd.Series) -> pd.DataFrame:
    """Write moves as a table, one row a municipality.

    Parameters
    ----------
    moves : list of Move
    codes : pandas.Index
        Code of each position.
    areas : pandas.Series
        Name of each area's position.

    Returns
    -------
    pandas.DataFrame
        `step` (from 1), `code`, `from_area`, `to_area` (missing: none was found), `link`.
    """
    rows = np.repeat(np.arange(len(moves)), np.array([len(move.municipalities) for move in moves], dtype=int))
    if pd.api.types.is_integer_dtype(areas):
        areas = areas.astype("Int64")  # whole numbers of which some may be missing
    source, target = (
        areas.reindex(np.array(places, dtype=int)[rows]).array
        for places in ([move.source for move in moves], [move.target for move in moves])
    )
    return pd.DataFrame(
        {
            "step": rows + 1,
            "code": codes[np.array([place for move in moves for place in move.municipalities], dtype=int)],
            "from_area": source,
            "to_area": target,
            "link": np.array([move.link for move in moves], dtype=float)[rows],
        }
    )
