"""Governance areas: feasible by limits of one's own, worth as much interaction as possible, with a bound beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from diagnosis.areas.estimator import Estimator
from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.errors import InputError, unknown_name

AIMS = ("interaction", "areas")
EXACT_UNITS = 30
"""Up to so many units all feasible areas are listed, unless there are too many of them."""
POOL_AREAS = 60_000


@dataclass(frozen=True, eq=False)
class _Found:
    """A partition, what it is worth, and what none is worth more than; infinite: not known."""

    partition: np.ndarray
    value: float
    bound: float


class GovernanceAreas(Estimator):
    """Areas that keep every limit given and exchange as much as possible within, over one or several networks.

    An area must be connected and keep the limits by itself; of all partitions into such areas the one of the largest
    interaction is sought (:mod:`diagnosis.areas.governance.interaction`), at a given number of areas, at any, or at the
    largest number there is. Up to about thirty units every feasible area is listed and the optimum is proven; beyond,
    the best partition of a search is set beside a bound that is valid over all feasible areas. Large areas weigh little
    in the sum: read the internal flows beside it.

    Parameters
    ----------
    contiguity : pandas.DataFrame
        `code`, `neighbour`: pairs that touch, ferry edges included.
    constraints : AreaConstraints, optional
        What an area must respect; by default it must be connected and no more.
    n_areas : int, optional
        Number of areas; by default the best one.
    aim : {"interaction", "areas"}, default "interaction"
        ``"areas"``: first the largest number of areas, then their interaction.
    rounds : int, default 2000
        Perturbations of the search at each number of areas, where not all areas can be listed.
    work : int, default 1 000 000
        Effort for bounds, in minimum cuts of fifty units, where not all areas can be listed; 0: no bound.
    exact_units : int, default 30
        Largest problem whose areas are listed.
    random_state : int, default 0
        Of the search.

    Attributes
    ----------
    labels_ : pandas.Series of Int64
        Area of every municipality (index `code`, name `area`), numbered from 1 by decreasing population (ties: smallest
        code).
    n_areas_ : int
    value_, bound_, gap_ : float
        Interaction; what no partition into as many areas exceeds (infinite where no bound is had); their distance as a
        share of the value.
    status_ : str
        ``"optimal"`` (proven), ``"bounded"`` or ``"no bound"``.
    curve_ : pandas.DataFrame
        Index `areas`, one row a number of areas for which a partition was found: `value`, `bound`, `status`,
        `internal_share` (of the first layer's flows from municipalities of the study set, those to outside included),
        `smallest_population`.
    alternatives_ : pandas.DataFrame of Int64
        Index `code`, one column a row of `curve_`: the areas, numbered in the same way.
    summary_ : pandas.DataFrame
        Index `area`: `centre` (code of the member with most jobs), `members`, `population`, `resident`, `work`,
        `internal` (of the layer judged, or the first), `self_containment` (the smaller of both sides), `interaction`.
    most_areas_bound_ : int or None
        With the aim ``"areas"``: no partition has more areas; None where no bound is had, or with the other aim.
    problem_ : AreaProblem
    partition_ : numpy.ndarray of int, shape (n,)
        Area of each unit of the problem, from 0.

    Notes
    -----
    Where all areas are listed, every row of `curve_` is proven, and so is the choice of their number. Beyond, every row
    has a bound, that of the number of areas chosen being the sharpest; `status_` is that of this number, and that no
    other one is better is proven only where the bounds of all others are below its value. That no larger number is
    possible is proven where `most_areas_bound_` equals `n_areas_`.
    """

    def __init__(
        self,
        *,
        contiguity=None,
        constraints=None,
        n_areas=None,
        aim="interaction",
        rounds=2_000,
        work=1_000_000,
        exact_units=EXACT_UNITS,
        random_state=0,
    ) -> None:
        self.contiguity = contiguity
        self.constraints = constraints
        self.n_areas = n_areas
        self.aim = aim
        self.rounds = rounds
        self.work = work
        self.exact_units = exact_units
        self.random_state = random_state

    def fit(
        self,
        layers: pd.DataFrame | Mapping[str, FlowLayer],
        population: pd.Series,
        starts: Sequence[pd.Series] = (),
    ) -> GovernanceAreas:
        """Draw the areas.

        Parameters
        ----------
        layers : pandas.DataFrame or mapping of str to FlowLayer
            One network (`origin`, `destination`, `commuters`) or several by name. Flows with codes outside `population`
            count in the margins only.
        population : pandas.Series
            Residents by code; its index is the study set.
        starts : sequence of pandas.Series
            Areas by code to begin with, e.g. the labels of :class:`~diagnosis.areas.FunctionalAreas`; the result is
            never worth less than one that keeps the limits, at its number of areas.

        Returns
        -------
        GovernanceAreas
            The estimator itself.

        Raises
        ------
        diagnosis.errors.InputError
            A parameter or table is wrong, or no partition keeps the limits: the error names a set of them that cannot
            hold together, and the nearest relaxation of each.
        """
        if self.contiguity is None:
            raise InputError("contiguity: GovernanceAreas needs a table of neighbours", "None was given")
        named = {"flows": FlowLayer(layers)} if isinstance(layers, pd.DataFrame) else layers
        constraints = AreaConstraints() if self.constraints is None else self.constraints
        problem = AreaProblem.from_tables(population, named, self.contiguity, constraints)
        return self.fit_problem(problem, starts)

    def fit_problem(self, problem: AreaProblem, starts: Sequence[pd.Series] = ()) -> GovernanceAreas:
        """Draw the areas of a problem that is already built; `contiguity` and `constraints` play no part.

        Parameters
        ----------
        problem : AreaProblem
        starts : sequence of pandas.Series
            As in :meth:`fit`.

        Returns
        -------
        GovernanceAreas
        """
        self._check(problem)
        found = self._list(problem)
        listed = found is not None
        if not listed:
            found = self._search(problem, [_start(problem, labels) for labels in starts])
        if not found or (self.n_areas is not None and self.n_areas not in found):
            raise self._infeasible(problem)
        chosen = max(found) if self.aim == "areas" else max(found, key=lambda k: (found[k].value, k))
        self.most_areas_bound_ = None
        if self.aim == "areas":
            self.most_areas_bound_ = chosen if listed else self._most_areas(problem, found[chosen].partition)
        self._describe(problem, found, self.n_areas or chosen)
        return self

    def _check(self, problem: AreaProblem) -> None:
        if self.aim not in AIMS:
            raise unknown_name("aim of GovernanceAreas", self.aim, AIMS)
        least = {"rounds": 1, "work": 0, "exact_units": 0, "random_state": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < low:
                raise InputError(f"{name} must be a whole number of at least {low}", f"{value!r} was given")
        if self.n_areas is None:
            return
        if self.aim == "areas":
            raise InputError(
                "The aim 'areas' seeks the number of areas itself", f"n_areas {self.n_areas!r} was given"
            )
        if not isinstance(self.n_areas, Integral) or not 1 <= int(self.n_areas) <= problem.n_units:
            raise InputError(
                f"n_areas must be a whole number from 1 to the {problem.n_units} units",
                f"{self.n_areas!r} was given",
            )

    def _list(self, problem: AreaProblem) -> dict[int, _Found] | None:
        """Prove the best partition at every number of areas; None where there are too many areas to list."""
        from diagnosis.areas.governance.enumeration import enumerate_areas
        from diagnosis.areas.governance.partition import value_curve

        if problem.n_units > self.exact_units:
            return None
        columns = enumerate_areas(problem)
        if columns is None:
            return None
        return {
            one.k: _Found(columns.partition(one.areas), one.value, one.value if one.proven else one.bound)
            for one in value_curve(columns)
            if len(one.areas)
        }

    def _search(self, problem: AreaProblem, starts: list[np.ndarray]) -> dict[int, _Found]:
        """Search at every number of areas, choose among all areas met, and bound the number that is wanted."""
        from diagnosis.areas.governance.columns import AreaColumns
        from diagnosis.areas.governance.partition import PoolMaster
        from diagnosis.areas.governance.search import value_curve

        numbers = None if self.n_areas is None else [int(self.n_areas)]
        curve, pool = value_curve(
            problem,
            numbers,
            starts=starts,
            rounds=int(self.rounds),
            random_state=int(self.random_state),
            pool_areas=POOL_AREAS,
        )
        if not curve:
            return {}
        columns = AreaColumns.from_lists(
            problem.n_units, pool.indptr, pool.units.astype(np.int64), pool.values
        )
        for one in curve.values():
            areas = [np.flatnonzero(one.partition == area) for area in range(one.n_areas)]
            columns = columns.joined(
                AreaColumns.from_areas(problem.n_units, areas, [problem.value(area) for area in areas])
            )
        master = PoolMaster(columns)
        found, duals = {}, {}
        for k, one in curve.items():
            better = master.best(k)
            duals[k] = better.duals
            better_found = better.value > one.value and len(better.areas) == k
            partition = columns.partition(better.areas) if better_found else one.partition
            found[k] = _Found(partition, max(better.value, one.value), np.inf)
        if self.work:
            chosen = max(found) if self.aim == "areas" else max(found, key=lambda k: (found[k].value, k))
            self._bound(problem, columns, duals[chosen][:-1], found, chosen)
        if 1 in found:  # there is only one way to have one area
            found[1] = _Found(found[1].partition, found[1].value, found[1].value)
        return found

    def _bound(self, problem, columns, duals, found: dict[int, _Found], chosen: int) -> None:
        """Bound the number of areas chosen, and the others by the same duals."""
        from diagnosis.areas.governance.bounds import BoundSearch

        result = BoundSearch(problem).bound(chosen, columns, duals, found[chosen].value, work=int(self.work))
        for k, best in found.items():
            bound = float(min(result.bound, result.bounds[k - 1]) if k == chosen else result.bounds[k - 1])
            # A bound below what was found, but for rounding, would be wrong: it must not pass for a proof.
            holds = bound >= best.value - 1e-6 * max(1.0, abs(best.value))
            found[k] = _Found(best.partition, best.value, max(bound, best.value) if holds else np.inf)

    def _most_areas(self, problem: AreaProblem, partition: np.ndarray) -> int | None:
        """Bound the number of areas of any partition."""
        from diagnosis.areas.governance.bounds import BoundSearch
        from diagnosis.areas.governance.columns import AreaColumns

        if not self.work:
            return None
        k = int(partition.max()) + 1
        areas = [np.flatnonzero(partition == area) for area in range(k)]
        known = AreaColumns.from_areas(problem.n_units, areas, np.ones(k))
        duals = 1.0 / np.bincount(partition)[partition]
        bound = (
            BoundSearch(problem, counted=True)
            .bound(None, known, duals, float(k), work=int(self.work), gap=(1.0 - 1e-6) / k)
            .bound
        )
        return max(int(np.floor(bound + 1e-6)), k) if np.isfinite(bound) else None

    def _infeasible(self, problem: AreaProblem) -> InputError:
        from diagnosis.areas.governance.infeasibility import explain_infeasibility

        if self.n_areas is None and (reason := explain_infeasibility(problem)) is not None:
            return reason.error()
        return InputError(
            "A partition into feasible areas must be found",
            "none was" if self.n_areas is None else f"none of {self.n_areas} areas was",
            "Ask for another number of areas, more rounds or looser limits",
        )

    def _describe(self, problem: AreaProblem, found: dict[int, _Found], chosen: int) -> None:
        best = found[chosen]
        numbered = {k: _numbered(problem, found[k].partition) for k in sorted(found)}
        self.problem_, self.partition_ = problem, numbered[chosen]
        self.n_areas_, self.value_, self.bound_ = chosen, best.value, best.bound
        self.gap_ = (
            (best.bound - best.value) / best.value if best.value > 0 else float(best.bound > best.value)
        )
        self.labels_ = _labels(problem, numbered[chosen]).rename("area")
        self.curve_ = pd.DataFrame(
            [
                {"areas": k, "value": found[k].value, "bound": found[k].bound, "status": _status(found[k])}
                | _spread(problem, numbered[k])
                for k in numbered
            ]
        ).set_index("areas")
        self.status_ = str(self.curve_.at[chosen, "status"])
        self.alternatives_ = pd.DataFrame(
            {k: _labels(problem, partition) for k, partition in numbered.items()}
        )
        self.summary_ = summarise_areas(problem, numbered[chosen])


def summarise_areas(problem: AreaProblem, partition: np.ndarray) -> pd.DataFrame:
    """Describe each area of a partition, as `summary_` of :class:`GovernanceAreas` does.

    Parameters
    ----------
    problem : AreaProblem
    partition : numpy.ndarray of int, shape (n,)
        Area of each unit, from 0; areas of the table are called one more.

    Returns
    -------
    pandas.DataFrame
    """
    from diagnosis.areas.governance.sensitivity import area_centres

    layer = max(problem.validity_layer, 0)
    area = np.asarray(partition)[problem.unit_of]
    k = int(area.max()) + 1
    sums = {
        "population": problem.population,
        "resident": problem.resident[layer],
        "work": problem.work[layer],
        "internal": _inside(problem, area, layer),
    }
    table = pd.DataFrame(
        {"members": np.bincount(area, minlength=k), **{n: np.bincount(area, v, k) for n, v in sums.items()}},
        index=pd.RangeIndex(1, k + 1, name="area"),
    )
    table.insert(0, "centre", problem.codes[area_centres(problem, partition)])
    larger = table[["resident", "work"]].max(axis=1)
    table["self_containment"] = np.divide(
        table["internal"], larger, out=np.full(k, np.nan), where=larger.to_numpy() > 0
    )
    table["interaction"] = problem.layer_terms(np.asarray(partition)).to_numpy() @ problem.layer_weights
    return table


def _inside(problem: AreaProblem, area: np.ndarray, layer: int) -> np.ndarray:
    """Flows from each municipality to its own area, internal ones included."""
    indptr = problem.out_indptr[layer]
    spread = slice(indptr[0], indptr[-1])
    owner = np.repeat(np.arange(len(area)), np.diff(indptr))
    same = area[owner] == area[problem.out_indices[spread]]
    kept = np.bincount(owner[same], problem.out_data[spread][same], minlength=len(area))
    return kept + problem.internal[layer]


def _spread(problem: AreaProblem, partition: np.ndarray) -> dict[str, float]:
    area = partition[problem.unit_of]
    whole = problem.resident[0].sum()
    return {
        "internal_share": float(_inside(problem, area, 0).sum() / whole) if whole > 0 else np.nan,
        "smallest_population": float(np.bincount(area, problem.population).min()),
    }


def _status(found: _Found) -> str:
    if found.bound <= found.value + 1e-6 * max(1.0, abs(found.value)):
        return "optimal"
    return "bounded" if np.isfinite(found.bound) else "no bound"


def _start(problem: AreaProblem, labels: pd.Series) -> np.ndarray:
    """Area of each unit: that of its first municipality; -1 for one in no area."""
    first = problem.codes[problem.member_indices[problem.member_indptr[:-1]]]
    return pd.factorize(labels.reindex(first))[0]


def _numbered(problem: AreaProblem, partition: np.ndarray) -> np.ndarray:
    """Give areas numbers from 0 by decreasing population, then by their smallest code."""
    area = partition[problem.unit_of]
    k = int(area.max()) + 1
    rank = np.argsort(np.argsort(problem.codes.astype(str)))
    smallest = np.full(k, len(rank))
    np.minimum.at(smallest, area, rank)
    order = np.lexsort((smallest, -np.bincount(area, problem.population, k)))
    number = np.empty(k, np.int64)
    number[order] = np.arange(k)
    return number[partition]


def _labels(problem: AreaProblem, partition: np.ndarray) -> pd.Series:
    return pd.Series(partition[problem.unit_of] + 1, index=problem.codes, dtype="Int64").rename_axis("code")
