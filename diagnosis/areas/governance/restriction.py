"""A part of a problem as a problem of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diagnosis.areas.governance.connectivity import connected_areas
from diagnosis.areas.governance.inputs import stacked
from diagnosis.areas.governance.problem import AreaProblem


def component_of_units(problem: AreaProblem) -> list[np.ndarray]:
    """List the units of every connected component, the component of the most populous unit first."""
    component = connected_areas(
        problem.neighbour_indptr, problem.neighbour_indices, np.zeros(problem.n_units, np.int64)
    )
    residents = np.bincount(problem.unit_of, problem.population, problem.n_units)
    parts = [np.flatnonzero(component == number) for number in range(int(component.max()) + 1)]
    return sorted(parts, key=lambda units: (-residents[units].max(), units[0]))


def restrict(problem: AreaProblem, units: np.ndarray) -> AreaProblem:
    """Return the problem of some of its units.

    Parameters
    ----------
    problem : AreaProblem
    units : numpy.ndarray of int, shape (k,)
        Positions of units, ascending.

    Returns
    -------
    AreaProblem
        Flows to and from the others remain in the margins.
    """
    from scipy.sparse import csr_array

    if len(units) == problem.n_units:
        return problem
    kept = np.flatnonzero(np.isin(problem.unit_of, units))
    m, n = len(problem.codes), problem.n_units
    tables: list[list] = [[], []]
    directions = (
        (problem.out_indptr, problem.out_indices, problem.out_data),
        (problem.in_indptr, problem.in_indices, problem.in_data),
    )
    for which, (indptr, indices, data) in enumerate(directions):
        for row in indptr:
            part = slice(row[0], row[-1])
            matrix = csr_array((data[part], indices[part], row - row[0]), shape=(m, m))
            tables[which].append(matrix[kept][:, kept].tocsr())
    unit_of = np.searchsorted(units, problem.unit_of[kept])
    position = np.full(m, -1)
    position[kept] = np.arange(len(kept))
    old = np.repeat(np.arange(n), np.diff(problem.member_indptr))
    inside = np.isin(old, units)
    near, apart = (
        _pairs_within(indptr, indices, units, n)
        for indptr, indices in (
            (problem.neighbour_indptr, problem.neighbour_indices),
            (problem.apart_indptr, problem.apart_indices),
        )
    )
    out, back = stacked(tables[0]), stacked(tables[1])
    return replace(
        problem,
        codes=problem.codes[kept],
        out_indptr=out[0],
        out_indices=out[1],
        out_data=out[2],
        in_indptr=back[0],
        in_indices=back[1],
        in_data=back[2],
        internal=problem.internal[:, kept].copy("C"),
        resident=problem.resident[:, kept].copy("C"),
        work=problem.work[:, kept].copy("C"),
        population=problem.population[kept],
        unit_of=unit_of,
        member_indptr=np.concatenate([[0], np.cumsum(np.diff(problem.member_indptr)[units])]),
        member_indices=position[problem.member_indices[inside]],
        neighbour_indptr=near[0],
        neighbour_indices=near[1],
        apart_indptr=apart[0],
        apart_indices=apart[1],
        group=problem.group[units],
        fixed=problem.fixed[units],
        minutes=problem.minutes[np.ix_(kept, kept)].copy("C") if len(problem.minutes) else problem.minutes,
    )


def _pairs_within(
    indptr: np.ndarray, indices: np.ndarray, units: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    source = np.repeat(np.arange(n), np.diff(indptr))
    both = np.isin(source, units) & np.isin(indices, units)
    source, target = np.searchsorted(units, source[both]), np.searchsorted(units, indices[both])
    return np.searchsorted(source, np.arange(len(units) + 1)), target.astype(np.int64)
