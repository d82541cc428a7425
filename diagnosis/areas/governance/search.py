"""Good partitions of any size: construction, local search and perturbation, with every feasible area met in a pool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from diagnosis.areas.governance.pool import AreaPool
from diagnosis.areas.governance.problem import AreaProblem
from diagnosis.errors import InputError, unknown_name

AIMS = ("interaction", "areas")
ROUNDS = 40_000
"""Perturbations of a search, over all its starts, unless a number is given."""
SWEEPS = 2
MOST_MISSED = 3
"""Numbers of areas in a row without a feasible partition after which no smaller one is looked for."""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The best partition a search has met.

    Attributes
    ----------
    partition : numpy.ndarray of int, shape (n,)
        Area of each unit of the problem, from 0.
    value : float
        Its interaction.
    n_areas : int
    broken : tuple of int
        Areas that break a limit; none in a feasible partition.
    pool : AreaPool
        Distinct feasible areas met, as far as there was room.
    """

    partition: np.ndarray
    value: float
    n_areas: int
    broken: tuple[int, ...]
    pool: AreaPool

    @property
    def feasible(self) -> bool:
        """Whether every area keeps every limit."""
        return not self.broken


def search_areas(
    problem: AreaProblem,
    *,
    aim: str = "interaction",
    n_areas: int | None = None,
    starts: Sequence[np.ndarray] = (),
    restarts: int = 2,
    rounds: int | None = None,
    random_state: int = 0,
    pool_areas: int = 0,
) -> SearchResult:
    """Search for a partition into feasible areas.

    Every start is repaired until its areas keep the limits; units then move between areas, singly and in pairs, while
    that raises the interaction; then, again and again, two areas are joined and divided anew or some units are moved
    by chance, the surroundings are improved, and what has become worse is undone.

    Parameters
    ----------
    problem : AreaProblem
    aim : {"interaction", "areas"}
        The largest interaction, or first the largest number of areas.
    n_areas : int, optional
        Number of areas sought; with the aim ``"interaction"`` only.
    starts : sequence of numpy.ndarray of int, shape (n,)
        Partitions to begin with, whatever their numbers; -1 is a unit in no area. They need not be feasible.
    restarts : int, default 2
        Further starts, from single units joined by strongest link; from the second on with some chance in it.
    rounds : int, optional
        Perturbations in all, :data:`ROUNDS` by default. Half of them look into every start, the others go on with
        the best.
    random_state : int, default 0
    pool_areas : int, default 0
        How many distinct feasible areas are kept at most.

    Returns
    -------
    SearchResult
        It need not be feasible, nor of `n_areas` areas, where no such partition was found: see
        :func:`~diagnosis.areas.governance.infeasibility.explain_infeasibility`.

    Raises
    ------
    diagnosis.errors.InputError
        A parameter is out of range, or there is nothing to start from.

    Notes
    -----
    The search works on units ordered by their contents: where no two units are exactly alike, their numbers have no
    effect. It proves nothing; bounds are a matter of :mod:`diagnosis.areas.governance.bounds`.
    """
    from diagnosis.areas.governance.walk import Walk

    if aim not in AIMS:
        raise unknown_name("aim", aim, AIMS)
    rounds = ROUNDS if rounds is None else rounds
    _check(problem, aim, n_areas, starts, restarts, rounds, random_state, pool_areas)
    walk = Walk(problem, aim, n_areas, random_state, pool_areas)
    beginnings: list[np.ndarray | None] = [*starts, *(None for _ in range(restarts))]
    each = rounds // (2 * len(beginnings))
    for number, start in enumerate(beginnings):
        walk.begin(start, by_chance=number > len(starts))
        walk.go_on(each)
    walk.take_best()
    walk.go_on(rounds - each * len(beginnings))
    return walk.result()


def value_curve(
    problem: AreaProblem,
    numbers: Iterable[int] | None = None,
    *,
    starts: Sequence[np.ndarray] = (),
    rounds: int = 2_000,
    sweeps: int = SWEEPS,
    random_state: int = 0,
    pool_areas: int = 0,
) -> tuple[dict[int, SearchResult], AreaPool]:
    """Search for the best partition at every number of areas.

    Parameters
    ----------
    problem : AreaProblem
    numbers : iterable of int, optional
        Numbers of areas; by default all from the largest found down to the smallest that joining areas reaches.
    starts, random_state, pool_areas
        As in :func:`search_areas`; the pool is one for all numbers.
    rounds : int, default 2000
        Perturbations at each number, in every sweep.
    sweeps : int, default 2
        How often the numbers are gone through, from the largest down, each time from a beginning of its own: a walk
        that has come to one valley stays in it.

    Returns
    -------
    curve : dict of int to SearchResult
        By number of areas, ascending; numbers for which no feasible partition was found are left out, and all below
        three of them in a row. The pools of these results are empty.
    pool : AreaPool

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`search_areas`.
    """
    from diagnosis.areas.governance.walk import Walk

    _check(problem, "areas", None, starts, 1, rounds, random_state, pool_areas)
    if sweeps < 1:
        raise InputError("sweeps must be at least 1", f"{sweeps!r} was given")
    walk = Walk(problem, "areas", None, random_state, pool_areas)
    curve: dict[int, SearchResult] = {}
    wanted = None if numbers is None else sorted({int(number) for number in numbers}, reverse=True)
    for sweep in range(sweeps):
        walk.start_over()
        for start in (*starts, None):
            walk.begin(start, by_chance=sweep > 0)
            walk.go_on(rounds)
        walk.take_best()
        missed = 0
        top = max(walk.n_areas, *curve) if curve else walk.n_areas
        for number in range(top, 0, -1) if wanted is None else wanted:
            walk.aim_at(number)
            walk.go_on(rounds)
            found = walk.result(pooled=False)
            missed = 0 if found.feasible and found.n_areas == number else missed + 1
            if not missed and (number not in curve or found.value > curve[number].value):
                curve[number] = found
            if wanted is None and missed == MOST_MISSED:
                break
    return dict(sorted(curve.items())), walk.pool()


def _check(
    problem: AreaProblem,
    aim: str,
    n_areas: int | None,
    starts: Sequence[np.ndarray],
    restarts: int,
    rounds: int,
    random_state: int,
    pool_areas: int,
) -> None:
    n = problem.n_units
    if n_areas is not None and (aim != "interaction" or not 1 <= n_areas <= n):
        raise InputError(
            f"n_areas must be from 1 to the number of units, {n}, and the aim then is 'interaction'",
            f"{n_areas!r} was given, with the aim {aim!r}",
        )
    for name, value in (("restarts", restarts), ("rounds", rounds), ("pool_areas", pool_areas)):
        if value < 0:
            raise InputError(f"{name} must be at least 0", f"{value!r} was given")
    if random_state < 0:
        raise InputError("random_state must be a whole number of at least 0", f"{random_state!r} was given")
    for start in starts:
        if np.shape(start) != (n,):
            raise InputError(
                f"starts: every partition has one number for each of the {n} units",
                f"the shape {np.shape(start)} was given",
            )
    if not len(starts) and not restarts:
        raise InputError("restarts must be at least 1 where no start is given")
