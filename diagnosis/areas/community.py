"""Areas as communities of the commuting network, found by Leiden or infomap: peers of the functional areas."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from numbers import Integral, Real
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pandas as pd

from diagnosis.areas.estimator import Estimator
from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.numbering import labels_series, number_areas, residents_of
from diagnosis.areas.quality import area_statistics
from diagnosis.areas.repair import Contacts, Move, absorb_small_areas, moves_table, place_pieces
from diagnosis.errors import InputError, unknown_name

METHODS = ("leiden", "infomap")
TOLERANCE = 0.005
"""The search for a number of areas ends within this share of it: below 200 areas it goes on for the exact number."""
MOST_TRIALS = 16
STEP, SHORTEST_STEP, LONGEST_STEP = 1.5, math.log(1.2), math.log(64)
"""Logarithm of the resolution per logarithm of the number of areas (Leiden needs about 1.6 on Italy's commuters)."""
RESOLUTION_LIMIT = math.log(1e7)
NARROWEST = 1e-4
"""Logarithm of the ratio of two resolutions between which no further one is tried."""

Detector = Callable[[float], np.ndarray]


class PeerAreas(Estimator):
    """What the estimators that leave the drawing to a library have in common: checks, numbers and descriptions."""

    random_state: int

    def _check_random_state(self) -> None:
        if not (_is_whole(self.random_state) and 0 <= self.random_state < 2**31 - 1):
            raise InputError(
                "random_state must be a whole number from 0 to 2147483646",
                f"{self.random_state!r} was given",
                "Give a number, so that the result can be repeated",
            )

    def _describe(
        self, network: FlowNetwork, present: np.ndarray, area: np.ndarray, residents: np.ndarray | None
    ) -> None:
        """Set what every partition has; `area` labels the municipalities in `present`, in any way."""
        number = _numbered(network, present, area, residents)
        self.n_areas_ = int(number.max())
        self.labels_ = labels_series(number, network.codes)
        absent = network.codes[number == 0]
        reasons = pd.Series(["no flow"] * len(absent), dtype="str")
        self.unassigned_ = pd.DataFrame({"code": absent, "reason": reasons})
        table = area_statistics(network, number - 1, self.n_areas_)
        if residents is not None:
            inside = number > 0
            table["population"] = np.bincount(number[inside] - 1, residents[inside], self.n_areas_)
        self.summary_ = table.set_index(pd.RangeIndex(1, self.n_areas_ + 1, name="area"))


class CommunityAreas(PeerAreas):
    """Group municipalities into communities of the directed, weighted network of commuters.

    The library draws the communities: leidenalg (modularity of Reichardt and Bornholdt with configuration null
    model, which is directed modularity at resolution 1) or infomap (two-level map equation with directed flow; the
    trips of a municipality to itself count). Neither knows size, self-containment or space: `contiguity` and
    `min_size` repair the result afterwards.

    Parameters
    ----------
    method : {"leiden", "infomap"}, default "leiden"
    n_areas : int, optional
        Wanted number of areas after the repairs, at most that of municipalities with flows. The resolution is
        searched until the number is met within half a per cent, or as near as at most 16 trials come; `n_areas_`
        says what was reached. Not with `resolution`.
    resolution : float, optional
        Above 0; higher values give more areas. Leiden's resolution, or 1 / Markov time of infomap; 1 if neither it
        nor `n_areas` is given.
    contiguity : pandas.DataFrame, optional
        `code`, `neighbour`, as :func:`diagnosis.networks.contiguity` gives: detached pieces join the touching area
        of strongest link (:func:`diagnosis.areas.repair.repair_contiguity`).
    min_size : float, optional
        Employed residents. Smaller areas are then merged, smallest first, into the area of strongest link (among
        those that touch it, if `contiguity` is given).
    random_state : int, default 0
        Seed of the library. The result is the same for the same seed, whatever the order of rows; it changes with
        the order of codes and with the version of the library.

    Attributes
    ----------
    labels_ : pandas.Series of Int64
        Area of every code of the matrix (index `code`, in code order; name `area`), numbered from 1 by decreasing
        population (employed residents where none was given; ties: smallest code). Missing: code without any flow.
    n_areas_ : int
    resolution_ : float
        The resolution used.
    summary_ : pandas.DataFrame
        One row an area: the columns of :func:`diagnosis.areas.area_quality` that need only flows, and `population`
        if it was given.
    unassigned_ : pandas.DataFrame
        `code`, `reason`: codes without any flow.
    partition_before_repair_ : pandas.Series of Int64
        What the library drew, numbered in the same way.
    moved_ : pandas.DataFrame
        What the repairs changed, in order: `step`, `code`, `from_area`, `to_area` (numbers of
        `partition_before_repair_`; missing: no other area touches the piece, which stayed), `link`, `reason`.

    Notes
    -----
    The libraries are optional and under the GNU General Public License: ``pip install diagnosis[peers]``.

    References
    ----------
    Traag V. A., Waltman L., van Eck N. J. (2019), From Louvain to Leiden, Scientific Reports 9, 5233.
    Reichardt J., Bornholdt S. (2006), Statistical mechanics of community detection, Physical Review E 74, 016110.
    Rosvall M., Bergstrom C. T. (2008), Maps of random walks on complex networks, PNAS 105(4), 1118-1123.
    Kheirkhahzadeh M., Lancichinetti A., Rosvall M. (2016), Efficient community detection of network flows for varying
    Markov times and bipartite networks, Physical Review E 93, 032309.
    """

    def __init__(
        self,
        *,
        method="leiden",
        n_areas=None,
        resolution=None,
        contiguity=None,
        min_size=None,
        random_state=0,
    ) -> None:
        self.method = method
        self.n_areas = n_areas
        self.resolution = resolution
        self.contiguity = contiguity
        self.min_size = min_size
        self.random_state = random_state

    def fit(self, flows: pd.DataFrame, population: pd.Series | None = None) -> CommunityAreas:
        """Draw the areas.

        Parameters
        ----------
        flows : pandas.DataFrame
            `origin`, `destination` (codes, text or integers) and `commuters` (persons, at least 0), as in
            ``diagnosis.tables.FLOWS``. Repeated pairs are added up.
        population : pandas.Series, optional
            Residents by code, to number the areas; a code without a value counts 0.

        Returns
        -------
        CommunityAreas
            The estimator itself.

        Raises
        ------
        diagnosis.errors.InputError
            A parameter is out of range, `flows` is not a commuting matrix, `population` or `contiguity` does not fit
            it, or the library is not installed.
        """
        self._check_parameters()
        network = FlowNetwork.from_table(flows)
        residents = None if population is None else residents_of(population, network.codes)
        present = municipalities_with_flows(network)
        check_n_areas(self.n_areas, len(present))
        contacts = Contacts.of(network, network.codes[present], self.contiguity)
        detect = (_leiden if self.method == "leiden" else _infomap)(contacts, self.random_state)
        min_size = (self.min_size or 0) * network.scale

        def partition_at(resolution: float) -> _Partition:
            return _Partition.repaired(contacts, detect(resolution), min_size)

        if self.n_areas is None:
            self.resolution_ = 1.0 if self.resolution is None else float(self.resolution)
            partition = partition_at(self.resolution_)
        else:
            self.resolution_, partition = _search(partition_at, self.n_areas)
        number = _numbered(network, present, partition.before, residents)
        self.partition_before_repair_ = labels_series(number, network.codes)
        names = np.zeros(len(present), dtype=np.int64)
        names[partition.before] = number[present]
        moved = moves_table(partition.moves, network.codes[present], pd.Series(names))
        reasons = ["detached piece"] * partition.n_pieces
        reasons += ["below the minimum size"] * (len(partition.moves) - partition.n_pieces)
        self.moved_ = moved.assign(reason=pd.Series(reasons, dtype="str").reindex(moved["step"] - 1).array)
        self._describe(network, present, partition.after, residents)
        return self

    def _check_parameters(self) -> None:
        if self.method not in METHODS:
            raise unknown_name("method of CommunityAreas", self.method, METHODS)
        for name in ("resolution", "min_size"):
            value = getattr(self, name)
            number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
            if value is not None and not (number and math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be a number above 0, or None", f"{value!r} was given")
        if self.n_areas is not None and self.resolution is not None:
            raise InputError(
                "Either n_areas or resolution can be given",
                f"both were: {self.n_areas!r} and {self.resolution!r}",
                "Leave one of them at None",
            )
        self._check_random_state()


class _Partition(NamedTuple):
    """A partition by position before and after the repairs; the first `n_pieces` moves are those of pieces."""

    before: np.ndarray
    after: np.ndarray
    moves: list[Move]
    n_pieces: int

    @classmethod
    def repaired(cls, contacts: Contacts, membership: np.ndarray, min_size: float) -> _Partition:
        before = np.unique(membership, return_inverse=True)[1]
        after, moves = (before, []) if not contacts.bordered else place_pieces(contacts, before)
        n_pieces = len(moves)
        after, merged = absorb_small_areas(contacts, after, min_size)
        return cls(before, after, moves + merged, n_pieces)


def peer_library(name: str, user: str) -> ModuleType:
    """Import an optional library, or say how to get it.

    Parameters
    ----------
    name : str
        Module of the library.
    user : str
        What needs it.

    Returns
    -------
    module

    Raises
    ------
    diagnosis.errors.InputError
        It cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"{user} needs the library {name}",
            f"it cannot be imported ({error})",
            "Install it with: pip install diagnosis[peers]",
        ) from error


def municipalities_with_flows(network: FlowNetwork) -> np.ndarray:
    """Positions of the municipalities with any flow, in code order."""
    return np.flatnonzero(network.live() + network.work())


def check_n_areas(n_areas: int | None, most: int) -> None:
    """Raise an InputError unless the number of areas is None or can be reached with `most` municipalities."""
    if n_areas is not None and not (_is_whole(n_areas) and 1 <= n_areas <= most):
        raise InputError(
            f"n_areas must be a whole number from 1 to {most}, the municipalities with flows",
            f"{n_areas!r} was given",
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def _numbered(
    network: FlowNetwork, present: np.ndarray, area: np.ndarray, residents: np.ndarray | None
) -> np.ndarray:
    """Return the number of each municipality's area, by decreasing population; 0 for those not in `present`."""
    label = np.full(len(network), -1)
    label[present] = area
    return number_areas(label, network.live() if residents is None else residents)


def _leiden(contacts: Contacts, seed: int) -> Detector:
    igraph = peer_library("igraph", "CommunityAreas(method='leiden')")
    leidenalg = peer_library("leidenalg", "CommunityAreas(method='leiden')")
    edges = np.column_stack([contacts.origin, contacts.destination])
    graph = igraph.Graph(len(contacts.live), edges, directed=True)
    weights = contacts.amount.tolist()

    def detect(resolution: float) -> np.ndarray:
        partition = leidenalg.find_partition(
            graph,
            leidenalg.RBConfigurationVertexPartition,
            weights=weights,
            resolution_parameter=resolution,
            seed=int(seed),
        )
        return np.array(partition.membership)

    return detect


def _infomap(contacts: Contacts, seed: int) -> Detector:
    infomap = peer_library("infomap", "CommunityAreas(method='infomap')")
    network = infomap.Network()
    nodes = range(len(contacts.live))
    network.add_nodes(nodes)
    network.add_links(np.column_stack([contacts.origin, contacts.destination, contacts.amount]))

    def detect(resolution: float) -> np.ndarray:
        # Its seeds start at 1.
        result = network.run(two_level=True, directed=True, markov_time=1 / resolution, seed=int(seed) + 1)
        module = result.modules()
        return np.array([module[node] for node in nodes])

    return detect


def _search(partition_at: Callable[[float], _Partition], wanted: int) -> tuple[float, _Partition]:
    """Find the resolution whose number of areas is nearest to the wanted one, first found of equals.

    The number grows about like a power of the resolution, so the search goes in logarithms: steps of growing length
    until the number is bracketed, then interpolation, or the middle where one end has not moved. The number is only
    nearly monotone, because the methods are heuristics.
    """
    ends: dict[bool, tuple[float, float]] = {}
    best: tuple[int, float, _Partition] | None = None
    position, goal, last, repeated = 0.0, math.log(wanted), None, 0
    for _ in range(MOST_TRIALS):
        partition = partition_at(math.exp(position))
        number = len(np.unique(partition.after))
        off = abs(number - wanted)
        if best is None or off < best[0]:
            best = (off, math.exp(position), partition)
        if off <= TOLERANCE * wanted:
            break
        above = number > wanted
        ends[above] = (position, math.log(number))
        repeated = repeated + 1 if above == last else 0
        last = above
        if len(ends) == 2:
            (low, low_number), (high, high_number) = ends[False], ends[True]
            if high - low < NARROWEST:
                break
            share = 0.5 if repeated else (goal - low_number) / (high_number - low_number)
            position = low + min(max(share, 0.05), 0.95) * (high - low)
        else:
            step = STEP * (goal - math.log(number)) * 2**repeated
            position += math.copysign(min(max(abs(step), SHORTEST_STEP), LONGEST_STEP), step)
            if abs(position) > RESOLUTION_LIMIT:
                break
    assert best is not None
    return best[1], best[2]
