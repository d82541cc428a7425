"""A partition under revision: municipalities move from area to area, and what that does is known at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, unknown_name

if TYPE_CHECKING:
    from diagnosis.areas.governance.problem import AreaProblem

JOBS_LAYER = "commuting"
"""The network whose arrivals are jobs; without it, the one in which validity is judged."""
MOST_REMEMBERED = 4096
"""Areas whose measures are kept: those of the last few hundred moves."""


@dataclass(frozen=True)
class AreaMeasures:
    """What is known of one area of a draft.

    Attributes
    ----------
    members : int
    population : float
    value : float
        Its interaction, weighted over the layers.
    employed, jobs, within : float
        Employed residents, jobs, and those who both live and work in it; missing without a network of commuting.
    validity : float
        Of the labour market, at least 1 where it is reached; missing where it is not asked for.
    centre : int
        Position of the municipality with most jobs.
    longest : float
        Minutes to the centre of the member that is farthest from it, of those whose way is known; 0 for a
        municipality alone, missing without minutes.
    farthest : int
        Position of that member.
    unreached : int
        Members without a way that is known, on islands say.
    beyond : int
        Members farther from the centre than the function wishes.
    limits : tuple of str
        Limits it breaks, as in :data:`diagnosis.areas.governance.reasons.LIMITS`.
    """

    members: int
    population: float
    value: float
    employed: float
    jobs: float
    within: float
    validity: float
    centre: int
    longest: float
    farthest: int
    unreached: int
    beyond: int
    limits: tuple[str, ...]

    @property
    def self_containment(self) -> float:
        """Share of those who work in the area, or who live in it, whichever is lower, that do both."""
        largest = max(self.employed, self.jobs)
        return self.within / largest if largest > 0 else float("nan")


class AreaDraft:
    """A partition that is changed one municipality at a time, every step of which can be undone.

    Parameters
    ----------
    problem : AreaProblem
    start : numpy.ndarray of int, shape (n,)
        Area of each unit of the problem: what the draft is compared with.
    minutes : pandas.DataFrame, optional
        Ways between municipalities, codes by codes.
    wished_minutes : float, optional
        What a way to the centre should not exceed; it limits nothing.

    Notes
    -----
    An area keeps its number as long as it has a member, whatever moves; a new area gets a number that was never used.
    """

    def __init__(
        self,
        problem: AreaProblem,
        start: np.ndarray,
        *,
        minutes: pd.DataFrame | None = None,
        wished_minutes: float | None = None,
    ) -> None:
        start = np.asarray(start)
        if start.shape != (problem.n_units,) or (start < 0).any():
            raise InputError(
                f"A draft starts from one area for each of the {problem.n_units} units",
                f"the shape {start.shape} was given"
                if start.shape != (problem.n_units,)
                else "some have none",
            )
        self.problem = problem
        self.start = np.unique(start, return_inverse=True)[1].astype(np.int64)
        self.start.setflags(write=False)
        self.minutes = _aligned(minutes, problem.codes)
        self.wished_minutes = wished_minutes
        self.amount_layer = (
            problem.layer_names.index(JOBS_LAYER)
            if JOBS_LAYER in problem.layer_names
            else problem.validity_layer
        )
        self._steps = [self.start]
        self._position = 0
        self._next_area = int(self.start.max(initial=-1)) + 1
        self._measured: dict[bytes, AreaMeasures] = {}
        self._reasons: tuple[bytes, pd.DataFrame] | None = None

    @property
    def partition(self) -> np.ndarray:
        """Area of each unit, not to be written to."""
        return self._steps[self._position]

    @property
    def areas(self) -> list[int]:
        """Numbers of the areas there are."""
        return np.unique(self.partition).tolist()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return self._position > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a step that was undone."""
        return self._position + 1 < len(self._steps)

    def units(self, area: int, partition: np.ndarray | None = None) -> np.ndarray:
        """Return the units of an area."""
        return np.flatnonzero((self.partition if partition is None else partition) == area)

    def labels(self, partition: np.ndarray | None = None) -> pd.Series:
        """Return the area of each municipality, by code."""
        chosen = self.partition if partition is None else partition
        return pd.Series(chosen[self.problem.unit_of], index=self.problem.codes, name="area")

    def unit(self, code: str) -> int:
        """Return the unit of a municipality; `UnknownNameError` where it is not one of the draft."""
        if code not in self.problem.codes:
            raise unknown_name("The municipality", code, map(str, self.problem.codes))
        return int(self.problem.unit_of[self.problem.codes.get_loc(code)])

    def companions(self, code: str) -> pd.Index:
        """List the municipalities that move together with one."""
        return self.problem.codes[self.problem.unit_of == self.unit(code)].drop(code)

    def destinations(self, code: str) -> list[int]:
        """List the areas a municipality can move to: those it touches, its own left out."""
        unit = self.unit(code)
        p = self.problem
        near = p.neighbour_indices[p.neighbour_indptr[unit] : p.neighbour_indptr[unit + 1]]
        return np.setdiff1d(self.partition[near], self.partition[[unit]]).tolist()

    def move(self, code: str, area: int | None) -> None:
        """Move a municipality, and those tied to it, to an area it touches or, with None, to a new area of its own.

        Raises
        ------
        diagnosis.errors.InputError
            It does not touch that area, is of a fixed one, or is an area of its own already.
        """
        unit = self.unit(code)
        if self.problem.fixed[unit]:
            raise InputError(f"{code} must not be of a fixed area to move", "its area is fixed")
        if area is None:
            if len(self.units(int(self.partition[unit]))) == 1:
                raise InputError(
                    f"{code} must share its area to leave it", "it is an area of its own already"
                )
            area = self._next_area
            self._next_area += 1
        elif area not in self.destinations(code):
            raise InputError(f"{code} must touch the area it moves to", f"it does not touch area {area}")
        moved = self.partition.copy()
        moved[unit] = area
        self._go_on(moved)

    def replace(self, partition: np.ndarray) -> None:
        """Take another partition as the next step: a saved proposal, say.

        Its areas get the number of the area of the start with which they share most municipalities.
        """
        partition = np.asarray(partition)
        if partition.shape != self.start.shape:
            raise InputError(f"A partition has {len(self.start)} units", f"{partition.shape} was given")
        table = pd.crosstab(np.asarray(partition), self.start).stack()
        pairs = table[table > 0].sort_values(ascending=False, kind="stable").index
        numbers: dict[int, int] = {}
        for area, number in pairs:
            if area not in numbers and number not in numbers.values():
                numbers[area] = number
        for area in np.unique(partition).tolist():
            if area not in numbers:
                numbers[area] = self._next_area
                self._next_area += 1
        self._go_on(np.array([numbers[area] for area in partition.tolist()], dtype=np.int64))

    def reset(self) -> None:
        """Return to the start, as one more step."""
        if not np.array_equal(self.partition, self.start):
            self._go_on(self.start)

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        self._position = max(self._position - 1, 0)

    def redo(self) -> None:
        """Take the step again that was undone last, if there is one."""
        self._position = min(self._position + 1, len(self._steps) - 1)

    def _go_on(self, partition: np.ndarray) -> None:
        partition.setflags(write=False)
        self._steps = [*self._steps[: self._position + 1], partition]
        self._position += 1

    def moved(self) -> pd.Index:
        """List the municipalities that are in another area than at the start."""
        return self.problem.codes[(self.partition != self.start)[self.problem.unit_of]]

    def measure(self, units: Iterable[int]) -> AreaMeasures:
        """Measure an area of units."""
        units = np.fromiter(units, dtype=np.int64)
        key = units.tobytes()
        if key not in self._measured:
            if len(self._measured) >= MOST_REMEMBERED:
                self._measured.clear()
            self._measured[key] = self._measure(units)
        return self._measured[key]

    def measures(self, partition: np.ndarray | None = None) -> dict[int, AreaMeasures]:
        """Measure every area, by its number."""
        chosen = self.partition if partition is None else partition
        return {area: self.measure(self.units(area, chosen)) for area in np.unique(chosen).tolist()}

    def centres(self) -> dict[int, int]:
        """Position of the centre of every area, by its number."""
        return {area: found.centre for area, found in self.measures().items()}

    def foresee(self, code: str, area: int | None) -> tuple[float, tuple[str, ...]]:
        """Say what a move would do, without moving.

        Returns
        -------
        change : float
            Of the interaction of all areas, as a share of what it is; missing where that is 0.
        limits : tuple of str
            Those the two areas would break.
        """
        unit = self.unit(code)
        left = self.units(int(self.partition[unit]))
        joined = np.empty(0, np.int64) if area is None else self.units(area)
        before = self.measure(left).value + (self.measure(joined).value if len(joined) else 0.0)
        rest = self.measure(left[left != unit]) if len(left) > 1 else None
        other = self.measure(np.sort(np.append(joined, unit)))
        after = other.value + (rest.value if rest is not None else 0.0)
        total = sum(found.value for found in self.measures().values())
        limits = dict.fromkeys([*(rest.limits if rest is not None else ()), *other.limits])
        return (after - before) / total if total > 0 else float("nan"), tuple(limits)

    def reasons(self) -> pd.DataFrame:
        """Return why each municipality is where it is: `explain_members`, with the numbers of the draft."""
        from diagnosis.areas.governance.reasons import explain_members

        key = self.partition.tobytes()
        if self._reasons is None or self._reasons[0] != key:
            numbers, compact = np.unique(self.partition, return_inverse=True)
            table = explain_members(self.problem, compact)
            known = table["second"].notna()
            table["area"] = numbers[table["area"]]
            table.loc[known, "second"] = numbers[table.loc[known, "second"].astype(int)]
            self._reasons = key, table
        return self._reasons[1]

    def _measure(self, units: np.ndarray) -> AreaMeasures:
        from diagnosis.areas.governance.interaction import area_value, judge_sums, members_of, sums_of
        from diagnosis.areas.governance.reasons import broken_limits

        arrays = self.problem.arrays
        members = members_of(arrays, units)
        inside = np.zeros(len(self.problem.codes), bool)
        inside[members] = True
        population, employed, jobs, within = sums_of(
            arrays._replace(validity_layer=self.amount_layer), members, inside
        )
        if self.amount_layer < 0:
            employed = jobs = within = float("nan")
        validity = float("nan")
        if arrays.validity_layer >= 0:
            validity = float(judge_sums(arrays, *sums_of(arrays, members, inside)[1:]))
        # As the compiled limit on minutes finds it: most jobs, then most residents, then the first.
        work = arrays.work[max(arrays.validity_layer, 0), members]
        order = np.lexsort((-arrays.population[members], -work))
        centre = int(members[order[0]])
        ways = self.minutes[members, centre] if self.minutes is not None else np.full(len(members), np.nan)
        ways = np.where(members == centre, 0.0, ways)
        reached = np.where(np.isfinite(ways), ways, -1.0)
        wished = np.inf if self.wished_minutes is None else self.wished_minutes
        return AreaMeasures(
            members=len(members),
            population=float(population),
            value=float(area_value(arrays, members, inside)),
            employed=float(employed),
            jobs=float(jobs),
            within=float(within),
            validity=validity,
            centre=centre,
            longest=float(reached.max()) if self.minutes is not None else float("nan"),
            farthest=int(members[reached.argmax()]),
            unreached=int((reached < 0).sum()),
            beyond=int((ways > wished).sum()),
            limits=tuple(broken_limits(self.problem, units)),
        )


def _aligned(minutes: pd.DataFrame | None, codes: pd.Index) -> np.ndarray | None:
    if minutes is None:
        return None
    return minutes.reindex(index=codes, columns=codes).to_numpy(dtype="float64")
