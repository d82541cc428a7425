"""Why there is no feasible partition: constraints that cannot hold together, and the least that must give way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from diagnosis.areas.governance.infeasibility_words import (
    DROPPED,
    PAIR,
    PARAMETERS,
    tell_infeasibility,
    to_error,
)
from diagnosis.areas.governance.problem import UNLIMITED, AreaProblem
from diagnosis.areas.governance.restriction import component_of_units, restrict
from diagnosis.areas.governance.search import SearchResult, search_areas
from diagnosis.errors import InputError

ROUNDS = 600
"""Perturbations after which a set of constraints passes for infeasible."""
CUTS = 7
"""Halvings of a limit on the way to the nearest that can be kept."""
LEAST_FACTOR = 0.01


@dataclass(frozen=True)
class Infeasibility:
    """Constraints that cannot hold together, and what would do.

    Attributes
    ----------
    constraints : tuple of str
        Names of limits (`min_population`, `min_members`, `max_members`, `validity`, `max_minutes`) and pairs
        ``cannot_link 082053 082054``. Without any one of them a partition was found; contiguity, `within`, `must_link`
        and `fixed` hold throughout.
    municipalities : pandas.Index
        Codes that could not be placed.
    limits : mapping of str to object
        Value of each limit among the constraints.
    relaxations : mapping of str to object
        For each constraint by itself the nearest value at which a partition was found, the others unchanged. Of
        `validity` it is the factor on both self-containments, or, where their sizes are the cause, on all four
        parameters (a tuple of one). Of a pair, and of `max_minutes` where some way has none, it is ``"dropped"``.
    proven : bool
        The constraints contradict each other by a count; otherwise a search has found no partition.
    """

    constraints: tuple[str, ...]
    municipalities: pd.Index
    limits: Mapping[str, object]
    relaxations: Mapping[str, object]
    proven: bool

    def error(self) -> InputError:
        """Return the error that says so, for users of the library: it names parameters and codes."""
        return to_error(self)

    def sentence(self, language: str = "it", names: Mapping[str, str] | pd.Series | None = None) -> str:
        """Say so to everybody: which limits, for which municipalities, and the nearest change that would do.

        Parameters
        ----------
        language : {"it", "en"}
        names : mapping of str to str or pandas.Series, optional
            Names of municipalities by code; a code without one stands for itself.

        Returns
        -------
        str
            Two sentences. At most five municipalities are named, and how many more there are; relaxed limits are
            rounded to the side that is easier to keep.
        """
        return tell_infeasibility(self, language, names)


def explain_infeasibility(
    problem: AreaProblem, *, rounds: int = ROUNDS, random_state: int = 0
) -> Infeasibility | None:
    """Find an irreducible set of constraints that cannot hold together, and the nearest relaxation of each.

    Every connected component of the units is looked at by itself. Constraints are left out one after the other as
    long as no partition is found without them (deletion filter, Chinneck J. W., Dravnieks E. W. 1991, Locating minimal
    infeasible constraint sets in linear programs, ORSA Journal on Computing 3(2), 157-168).

    Parameters
    ----------
    problem : AreaProblem
    rounds : int, default 600
        Perturbations of a search after which no partition is taken to exist.
    random_state : int, default 0

    Returns
    -------
    Infeasibility or None
        Of the first component, by its largest unit, that has no feasible partition; None where all have one.
    """
    for units in component_of_units(problem):
        part = restrict(problem, units)
        counted = _contradiction(part)
        if counted is None and _partition(part, rounds, random_state).feasible:
            continue
        return _explain(part, counted, rounds, random_state)
    return None


def _explain(
    problem: AreaProblem, counted: tuple[tuple[str, ...], np.ndarray] | None, rounds: int, random_state: int
) -> Infeasibility:
    def found(candidate: AreaProblem) -> SearchResult:
        return _partition(candidate, rounds, random_state)

    if counted is None:
        names = _irreducible(problem, lambda candidate: found(candidate).feasible)
        stuck = found(_only(problem, names))
        codes = problem.codes[np.isin(stuck.partition[problem.unit_of], stuck.broken)]
    else:
        names, members = list(counted[0]), counted[1]
        codes = problem.codes[members]
    relaxations = {}
    for name in names:
        value = _nearest(problem, name, found)
        if value is not None:
            relaxations[name] = value
    limits = {name: _limit(problem, name) for name in names if name in PARAMETERS}
    return Infeasibility(tuple(names), codes, limits, relaxations, counted is not None)


def _partition(problem: AreaProblem, rounds: int, random_state: int) -> SearchResult:
    """Search for a partition, no longer than it takes to find one."""
    starts = [np.zeros(problem.n_units, np.int64)]
    for effort in (0, rounds // 10, rounds):
        found = search_areas(problem, starts=starts, restarts=2, rounds=effort, random_state=random_state)
        if found.feasible:
            break
    return found


def _contradiction(problem: AreaProblem) -> tuple[tuple[str, ...], np.ndarray] | None:
    """Return limits that a count shows to contradict each other, and the municipalities concerned."""
    if problem.fixed.any():  # a fixed area is a component of its own, and always feasible
        return None
    everyone = np.arange(len(problem.codes))
    if problem.population.sum() < problem.min_population:
        return ("min_population",), everyone
    if len(everyone) < problem.min_members:
        return ("min_members",), everyone
    sizes = np.diff(problem.member_indptr)
    if (sizes > problem.max_members).any():
        unit = int(sizes.argmax())
        return ("max_members",), np.flatnonzero(problem.unit_of == unit)
    if problem.n_units == 1:
        for name in _active(problem):
            if not _without(problem, [other for other in _active(problem) if other != name]).feasible([0]):
                return (name,), everyone
    if problem.max_members < len(everyone) and problem.min_population > 0:
        # An area of a unit has at most so many members, none of them further away than that.
        unit = _too_sparse(problem)
        if unit >= 0:
            return ("min_population", "max_members"), np.flatnonzero(problem.unit_of == unit)
    return None


def _too_sparse(problem: AreaProblem) -> int:
    """Return a unit around which the most populous municipalities within reach are too few people; -1 if none is."""
    sizes = np.diff(problem.member_indptr)
    residents = np.bincount(problem.unit_of, problem.population, problem.n_units)
    for unit in np.argsort(residents, kind="stable"):
        if residents[unit] >= problem.min_population:
            break
        room = problem.max_members - sizes[unit]
        reached, edge = {int(unit)}, {int(unit)}
        for _ in range(int(room)):
            edge = {
                int(other)
                for inner in edge
                for other in problem.neighbour_indices[slice(*problem.neighbour_indptr[inner : inner + 2])]
            } - reached
            if not edge:
                break
            reached |= edge
        others = np.isin(problem.unit_of, [*(reached - {int(unit)})])
        most = residents[unit] + np.sort(problem.population[others])[::-1][: int(room)].sum()
        if most < problem.min_population:
            return int(unit)
    return -1


def _active(problem: AreaProblem) -> list[str]:
    """List the constraints of a problem that may be left out."""
    names = []
    if problem.min_population > 0:
        names.append("min_population")
    if problem.min_members > 1:
        names.append("min_members")
    if problem.max_members < len(problem.codes):
        names.append("max_members")
    if problem.validity_layer >= 0:
        names.append("validity")
    if len(problem.minutes):
        names.append("max_minutes")
    return [*names, *(_pair_name(problem, *pair) for pair in _pairs(problem))]


def _pairs(problem: AreaProblem) -> list[tuple[int, int]]:
    first = np.repeat(np.arange(problem.n_units), np.diff(problem.apart_indptr))
    return [(int(i), int(j)) for i, j in zip(first, problem.apart_indices, strict=True) if i < j]


def _pair_name(problem: AreaProblem, first: int, second: int) -> str:
    codes = (problem.codes[problem.member_indices[problem.member_indptr[unit]]] for unit in (first, second))
    return f"{PAIR} " + " ".join(map(str, codes))


def _limit(problem: AreaProblem, name: str) -> object:
    if name == "validity":
        return (
            problem.min_size,
            problem.min_self_containment,
            problem.target_size,
            problem.target_self_containment,
        )
    return getattr(problem, name)


def _without(problem: AreaProblem, names: list[str]) -> AreaProblem:
    """Return the problem with some constraints left out."""
    none: dict[str, dict] = {
        "min_population": {"min_population": 0.0},
        "min_members": {"min_members": 1},
        "max_members": {"max_members": UNLIMITED},
        "validity": {"validity_layer": -1},
        "max_minutes": {"minutes": np.empty((0, 0)), "max_minutes": np.inf},
    }
    changes: dict = {}
    for name in names:
        changes |= none.get(name, {})
    pairs = _pairs(problem)
    kept = [pair for pair in pairs if _pair_name(problem, *pair) not in names]
    if len(kept) < len(pairs):
        both = np.array(sorted([*kept, *((j, i) for i, j in kept)]), np.int64).reshape(-1, 2)
        changes["apart_indptr"] = np.searchsorted(both[:, 0], np.arange(problem.n_units + 1))
        # Compiled code is specialised by the layout of its arrays: a view would be compiled for again.
        changes["apart_indices"] = both[:, 1].copy()
    return replace(problem, **changes)


def _only(problem: AreaProblem, names: list[str]) -> AreaProblem:
    return _without(problem, [name for name in _active(problem) if name not in names])


def _irreducible(problem: AreaProblem, possible: Callable[[AreaProblem], bool]) -> list[str]:
    """Leave constraints out one after the other, as long as there is no partition without them."""
    names = _active(problem)
    pairs = [name for name in names if name not in PARAMETERS]
    if len(pairs) > 1 and not possible(_without(problem, pairs)):
        names = [name for name in names if name in PARAMETERS]
    for name in tuple(names):
        rest = [other for other in names if other != name]
        if not possible(_only(problem, rest)):
            names = rest
    return names


def _nearest(problem: AreaProblem, name: str, found: Callable[[AreaProblem], SearchResult]) -> object | None:
    """Return the value of one limit nearest to the present one at which a partition is found."""
    if name not in PARAMETERS:
        return DROPPED if found(_without(problem, [name])).feasible else None
    if name == "validity":
        factor = _halve(lambda part: found(_easier(problem, part, False)).feasible, LEAST_FACTOR, 1.0)
        if factor is not None:
            return factor
        factor = _halve(lambda part: found(_easier(problem, part, True)).feasible, LEAST_FACTOR, 1.0)
        return None if factor is None else (factor,)
    free = found(_without(problem, [name]))
    if not free.feasible:
        return None
    best = _attained(problem, free, name)
    if not np.isfinite(best):
        # Without the limit, a search has no reason to spare ways nobody knows: ask for areas that need none.
        known = float(problem.minutes[np.isfinite(problem.minutes)].max(initial=0.0))
        free = found(replace(problem, max_minutes=known))
        if not free.feasible:
            return DROPPED
        best = _attained(problem, free, name)
    limit = getattr(problem, name)
    for _ in range(CUTS):
        middle = (best + limit) / 2
        if isinstance(problem.max_members, int) and name.endswith("_members"):
            middle = int(middle)
        if middle in (best, limit):
            break
        trial = found(replace(problem, **{name: middle}))
        if trial.feasible:
            best = _attained(problem, trial, name)
        else:
            limit = middle
    return best


def _halve(holds: Callable[[float], bool], low: float, high: float) -> float | None:
    if not holds(low):
        return None
    for _ in range(CUTS):
        middle = (low + high) / 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _easier(problem: AreaProblem, factor: float, sizes: bool) -> AreaProblem:
    changes: dict = {
        "min_self_containment": problem.min_self_containment * factor,
        "target_self_containment": problem.target_self_containment * factor,
    }
    if sizes:
        changes |= {"min_size": problem.min_size * factor, "target_size": problem.target_size * factor}
    return replace(problem, **changes)


def _attained(problem: AreaProblem, result: SearchResult, name: str) -> float:
    """Return what a partition reaches of one limit: it is feasible with that value."""
    area = result.partition[problem.unit_of]
    if name == "min_population":
        return float(np.bincount(area, problem.population).min())
    if name == "max_minutes":
        return float(_longest_way(problem, area))
    members = np.bincount(area)
    return int(members.min() if name == "min_members" else members.max())


def _longest_way(problem: AreaProblem, area: np.ndarray) -> float:
    jobs, longest = problem.work[max(problem.validity_layer, 0)], 0.0
    for number in range(int(area.max()) + 1):
        members = np.flatnonzero(area == number)
        members = members[np.lexsort((members, problem.unit_of[members]))]
        order = np.lexsort((np.arange(len(members)), -problem.population[members], -jobs[members]))
        centre = members[order[0]]
        others = members[members != centre]
        longest = max(longest, problem.minutes[others, centre].max(initial=0.0))
    return longest


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value).strip("()").replace(", ", "/")
