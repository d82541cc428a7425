"""A problem in the order of its contents, so that a search does not depend on how municipalities are numbered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from diagnosis.areas.governance.problem import AreaProblem


class Ground(NamedTuple):
    """What the compiled search reads of a problem; n units, m municipalities, L layers.

    The municipalities of a unit stand next to each other. The flows between two municipalities stand together:
    what goes to `near_node` (`near_out`) and what comes from it (`near_in`).
    """

    first: np.ndarray
    unit: np.ndarray
    near_start: np.ndarray
    near_node: np.ndarray
    near_out: np.ndarray
    near_in: np.ndarray
    weight: np.ndarray
    resident: np.ndarray
    work: np.ndarray
    border_start: np.ndarray
    border_node: np.ndarray
    apart_start: np.ndarray
    apart_node: np.ndarray
    population: np.ndarray
    own_within: np.ndarray
    fixed: np.ndarray
    digest: np.ndarray
    minutes: np.ndarray
    centre_rank: np.ndarray
    min_population: float
    min_members: int
    max_members: int
    layer: int
    min_size: float
    min_self_containment: float
    target_size: float
    target_self_containment: float
    max_minutes: float


@dataclass(frozen=True, eq=False)
class Arrangement:
    """The ground of a search and the way back to the numbers of the problem.

    Attributes
    ----------
    ground : Ground
    order : numpy.ndarray of int, shape (n,)
        Unit of the problem at each place.
    """

    ground: Ground
    order: np.ndarray

    @classmethod
    def of(cls, problem: AreaProblem) -> Arrangement:
        """Order the units by margins, population and size, largest first; ties by what they touch, then by number.

        Parameters
        ----------
        problem : AreaProblem

        Returns
        -------
        Arrangement
        """
        n, m = problem.n_units, len(problem.codes)
        unit_of = problem.unit_of
        facts = [problem.population, *problem.resident, *problem.work, *problem.internal]
        sums = np.array([np.bincount(unit_of, fact, n) for fact in facts])
        pairs = np.repeat(np.arange(n), np.diff(problem.neighbour_indptr))
        touched = [np.bincount(pairs, row[problem.neighbour_indices], n) for row in sums]
        order = np.lexsort((np.arange(n), *(-row for row in touched), *(-row for row in sums[::-1])))
        place = np.empty(n, np.int64)
        place[order] = np.arange(n)
        inside = np.lexsort((np.arange(m), *(-fact for fact in facts[::-1]), place[unit_of]))
        position = np.empty(m, np.int64)
        position[inside] = np.arange(m)
        unit = place[unit_of[inside]]
        near = _flows_both_ways(problem, inside, position)
        layer = problem.validity_layer
        within = np.zeros(n, dtype=np.float64)
        if layer >= 0:
            start, node, out, _ = near
            source = np.repeat(np.arange(m), np.diff(start[layer]))
            part = slice(start[layer, 0], start[layer, -1])
            same = unit[source] == unit[node[part]]
            within += np.bincount(unit, problem.internal[layer][inside], n)
            within += np.bincount(unit[source][same], out[part][same], n)
        jobs = problem.work[max(layer, 0)]
        rank = np.empty(m, np.int64)
        rank[np.lexsort((np.arange(m), unit_of, -problem.population, -jobs))] = np.arange(m)
        minutes = problem.minutes
        ground = Ground(
            np.searchsorted(unit, np.arange(n + 1)),
            unit,
            *near,
            problem.layer_weights.astype("float64"),
            np.ascontiguousarray(problem.resident[:, inside], dtype="float64"),
            np.ascontiguousarray(problem.work[:, inside], dtype="float64"),
            *_reordered(problem.neighbour_indptr, problem.neighbour_indices, order, place),
            *_reordered(problem.apart_indptr, problem.apart_indices, order, place),
            sums[0][order],
            within,
            problem.fixed[order],
            np.random.default_rng(n).integers(1, 2**62, n),
            (minutes[np.ix_(inside, inside)] if len(minutes) else minutes).astype("float64", order="C"),
            rank[inside],
            float(problem.min_population),
            int(problem.min_members),
            int(problem.max_members),
            int(layer),
            float(problem.min_size),
            float(problem.min_self_containment),
            float(problem.target_size),
            float(problem.target_self_containment),
            float(problem.max_minutes),
        )
        return cls(ground, order)

    def arranged(self, partition: np.ndarray) -> np.ndarray:
        """Return the areas of the units in the order of the search."""
        return np.asarray(partition, dtype=np.int64)[self.order]

    def restored(self, area: np.ndarray) -> np.ndarray:
        """Return the areas of the units of the problem, numbered from 0 by their first unit in the search's order."""
        found, where, number = np.unique(area, return_index=True, return_inverse=True)
        rank = np.empty(len(found), np.int64)
        rank[np.argsort(where)] = np.arange(len(found))
        partition = np.empty(len(area), np.int64)
        partition[self.order] = rank[number]
        return partition


def _reordered(
    indptr: np.ndarray, indices: np.ndarray, order: np.ndarray, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    source = place[np.repeat(np.arange(len(order)), np.diff(indptr))]
    target = place[np.asarray(indices, dtype=np.int64)]
    sequence = np.lexsort((target, source))
    return np.searchsorted(source[sequence], np.arange(len(order) + 1)), target[sequence]


def _flows_both_ways(
    problem: AreaProblem, inside: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Put what each municipality sends to and receives from another one side by side."""
    m = len(inside)
    starts, nodes, out, back = [], [], [], []
    at = 0
    for layer in range(len(problem.layer_weights)):
        keys, amounts = [], []
        for indptr, indices, data in (
            (problem.out_indptr[layer], problem.out_indices, problem.out_data),
            (problem.in_indptr[layer], problem.in_indices, problem.in_data),
        ):
            part = slice(indptr[0], indptr[-1])
            source = position[np.repeat(np.arange(m), np.diff(indptr))]
            keys.append(source * m + position[indices[part].astype(np.int64)])
            amounts.append(data[part])
        pair, where = np.unique(np.concatenate(keys), return_inverse=True)
        sent = np.concatenate([amounts[0], np.zeros(len(amounts[1]))])
        received = np.concatenate([np.zeros(len(amounts[0])), amounts[1]])
        starts.append(at + np.searchsorted(pair // m, np.arange(m + 1)))
        nodes.append(pair % m)
        out.append(np.bincount(where, sent, len(pair)).astype("float64"))
        back.append(np.bincount(where, received, len(pair)).astype("float64"))
        at += len(pair)
    return np.array(starts), np.concatenate(nodes).astype(np.int32), np.concatenate(out), np.concatenate(back)
