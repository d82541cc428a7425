"""One search under way: where it stands, the best partition it has met, and how it goes on."""

from __future__ import annotations

import numpy as np

from diagnosis.areas.governance.arrangement import Arrangement
from diagnosis.areas.governance.connectivity import connected_areas
from diagnosis.areas.governance.construction import gather, mend
from diagnosis.areas.governance.perturbation import COUNT, FIXED, FREE, perturb, settle, step_towards
from diagnosis.areas.governance.pool import AreaPool
from diagnosis.areas.governance.problem import AreaProblem
from diagnosis.areas.governance.progress import (
    AREAS,
    BROKEN,
    FILLED,
    GAP,
    POOLED,
    VALUE,
    Progress,
    begin,
    populate,
)
from diagnosis.areas.governance.search import SearchResult

PIECE = 500
"""Perturbations between two looks at the sums: they are computed anew, so that rounding does not add up."""
UNITS_PER_AREA = 40
"""Room in the pool, in units an area."""


class Walk:
    """A search on one problem.

    Parameters
    ----------
    problem : AreaProblem
    aim : {"interaction", "areas"}
    n_areas : int, optional
    random_state : int
    pool_areas : int
    """

    def __init__(
        self, problem: AreaProblem, aim: str, n_areas: int | None, random_state: int, pool_areas: int
    ) -> None:
        self._problem = problem
        self._arrangement = Arrangement.of(problem)
        self._ground = self._arrangement.ground
        self._aim = COUNT if aim == "areas" else FREE if n_areas is None else FIXED
        self._target = n_areas or 0
        n = problem.n_units
        room = min(pool_areas * UNITS_PER_AREA, pool_areas * n)
        self._progress: Progress = begin(self._ground, np.arange(n), random_state, pool_areas, room)
        self._best: tuple[tuple[float, float, float], np.ndarray] | None = None

    @property
    def n_areas(self) -> int:
        """Number of areas now."""
        return int(self._progress.numbers[AREAS])

    def begin(self, start: np.ndarray | None, *, by_chance: bool) -> None:
        """Take a partition, or single units, and make it feasible as far as that goes."""
        ground, progress = self._ground, self._progress
        if start is None:
            populate(ground, progress, np.arange(self._problem.n_units))
            gather(ground, progress, by_chance)
        else:
            area = self._arrangement.arranged(start)
            populate(ground, progress, connected_areas(ground.border_start, ground.border_node, area))
        settle(ground, progress, False)
        mend(ground, progress)
        settle(ground, progress, True)
        self._approach()
        self._keep()

    def start_over(self) -> None:
        """Forget the best partition, and seek the largest number of areas; the pool stays."""
        self._aim, self._target, self._best = COUNT, 0, None

    def aim_at(self, n_areas: int) -> None:
        """Seek a number of areas from here on, beginning with the partition as it is."""
        self._aim, self._target, self._best = FIXED, n_areas, None
        self._approach()
        settle(self._ground, self._progress, True)
        self._keep()

    def go_on(self, rounds: int) -> None:
        """Perturb the partition so many times."""
        ground, progress = self._ground, self._progress
        for done in range(0, rounds, PIECE):
            perturb(ground, progress, min(rounds - done, PIECE), self._aim, self._target)
            populate(ground, progress, progress.area.copy())
        settle(ground, progress, True)
        self._keep()

    def take_best(self) -> None:
        """Go back to the best partition met."""
        if self._best is not None:
            populate(self._ground, self._progress, self._best[1].copy())

    def result(self, *, pooled: bool = True) -> SearchResult:
        """Return the best partition met, its value computed anew."""
        self._keep()
        assert self._best is not None
        partition = self._arrangement.restored(self._best[1])
        n_areas = int(partition.max()) + 1
        areas = np.split(np.argsort(partition, kind="stable"), np.cumsum(np.bincount(partition))[:-1])
        broken = tuple(k for k, units in enumerate(areas) if not self._problem.feasible(units))
        value = self._problem.partition_value(partition)
        pool = self.pool() if pooled else AreaPool.of_lists([], np.empty(0), len(partition))
        return SearchResult(partition, value, n_areas, broken, pool)

    def pool(self) -> AreaPool:
        """Return the feasible areas met, in units of the problem."""
        progress = self._progress
        count, filled = int(progress.numbers[POOLED]), int(progress.numbers[FILLED])
        start = progress.pool_start[: count + 1]
        units = self._arrangement.order[progress.pool_units[:filled]]
        area = np.repeat(np.arange(count), np.diff(start))
        order = np.lexsort((units, area))
        return AreaPool(
            start.copy(),
            units[order].astype(np.int32),
            progress.pool_value[:count].copy(),
            self._problem.n_units,
        )

    def _approach(self) -> None:
        """Come to the number of areas sought by the least costly divisions and joins."""
        progress = self._progress
        if progress.numbers[BROKEN]:
            return
        target = self._target if self._aim == FIXED else len(progress.area) if self._aim == COUNT else 0
        if target:
            n = len(progress.area)
            step_towards(self._ground, progress, target, np.zeros(n), np.zeros(n, np.int64))

    def _keep(self) -> None:
        progress = self._progress
        areas = int(progress.numbers[AREAS])
        distance = 0 if self._aim == FREE else -areas if self._aim == COUNT else abs(areas - self._target)
        rank = (-round(float(progress.totals[GAP]), 9), -float(distance), float(progress.totals[VALUE]))
        if self._best is None or rank > self._best[0]:
            self._best = (rank, progress.area.copy())
