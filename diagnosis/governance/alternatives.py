"""The alternatives of one function: what each number of areas is worth, which one is proposed, and its particulars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.governance.subject import NotDrawnError
from diagnosis.schema import Text

if TYPE_CHECKING:
    from diagnosis.areas.governance.problem import AreaProblem
    from diagnosis.governance.subject import AreaSubject

PROVEN_UNITS = 25
"""Up to so many units the areas of a function that is only compared are proven best as well; beyond, searched."""
ROUNDS = 1_000
WORK, MORE_WORK, MORE_UP_TO = 1_000_000, 4_000_000, 100
"""Effort of the bound; more up to so many units, where it helps: beyond, the bound stays loose in any case."""


@dataclass(frozen=True, eq=False)
class Alternatives:
    """The areas of one function at every number of them.

    Attributes
    ----------
    curve : pandas.DataFrame
        Index `areas`: `value`, `bound`, `gap`, `status`, `internal_share`, `smallest_population`, `longest_minutes`,
        `front` (no other row is as good in everything and better in something), `chosen`, `best` (of the largest
        interaction).
    labels : pandas.DataFrame of Int64
        Index code, one column a number of areas.
    partition : numpy.ndarray of int, shape (n,)
        Area of each unit in the chosen row, from 0.
    reason : str
        Why this row: ``"interaction"`` (the largest), ``"internal_share"`` (almost as much, and more internal flows),
        or ``"given"`` (the function names the number).
    """

    curve: pd.DataFrame
    labels: pd.DataFrame
    partition: np.ndarray
    reason: str

    @property
    def chosen(self) -> int:
        """Number of areas of the proposal."""
        return int(self.curve.index[self.curve["chosen"]][0])

    @property
    def best(self) -> int:
        """Number of areas of the largest interaction."""
        return int(self.curve.index[self.curve["best"]][0])


def draw_alternatives(
    subject: AreaSubject, starts: Sequence[pd.Series] = (), flows: pd.DataFrame | None = None
) -> Alternatives:
    """Draw the areas of a function at every number there can be, and choose one.

    Parameters
    ----------
    subject : AreaSubject
    starts : sequence of pandas.Series
        Areas by code to begin with.
    flows : pandas.DataFrame, optional
        Commuters, of whom the share that stays inside is told; without it, that of the function's first network.

    Returns
    -------
    Alternatives
        The number of areas is that of the function, or the one :func:`~diagnosis.areas.governance.front.recommend`
        chooses among the numbers that no other one beats in everything.

    Raises
    ------
    diagnosis.governance.subject.NotDrawnError
        No areas keep the limits, or not as many as the function asks for.
    """
    from diagnosis.areas.governance.estimator import GovernanceAreas
    from diagnosis.areas.governance.front import find_front, recommend

    work = MORE_WORK if subject.problem.n_units <= MORE_UP_TO else WORK
    model = GovernanceAreas(rounds=ROUNDS, work=work).fit_problem(subject.problem, starts)
    curve, labels = model.curve_.copy(), model.alternatives_
    curve.insert(2, "gap", _gaps(curve))
    if flows is not None:
        curve["internal_share"] = [internal_share(flows, labels[k]) for k in curve.index]
    curve["longest_minutes"] = [
        longest_ways(subject, place_units(subject.problem, labels[k]))["minutes"].max() for k in curve.index
    ]
    curve["smallest_population"] = [
        smallest_population(subject.problem, place_units(subject.problem, labels[k])) for k in curve.index
    ]
    criteria = curve.rename(columns={"value": "interaction"}).assign(areas=curve.index)
    curve["front"] = find_front(criteria)
    wanted = subject.function.n_areas
    if wanted is None:
        chosen, reason = recommend(criteria)
    elif wanted in curve.index:
        chosen, reason = wanted, "given"
    else:
        found = ", ".join(map(str, curve.index))
        raise NotDrawnError(
            f"{subject.function.name.en}: n_areas must be a number of areas that keep the limits",
            f"{wanted} was given, found were {found}",
            "Choose one of these, or loosen the limits",
            Text(
                it=f"la configurazione chiede {wanted} ambiti; rispettano i limiti suddivisioni in {found}",
                en=f"the configuration asks for {wanted} areas; the limits can be kept with {found}",
            ),
        )
    curve["chosen"] = curve.index == chosen
    curve["best"] = curve.index == curve["value"].idxmax()
    return Alternatives(curve, labels, place_units(subject.problem, labels[chosen]), reason)


def draw_best(
    subject: AreaSubject, starts: Sequence[pd.Series] = (), flows: pd.DataFrame | None = None
) -> Alternatives:
    """Draw the areas of the largest interaction, or as many as the function asks for: proven best where that is quick.

    Parameters
    ----------
    subject : AreaSubject
    starts, flows
        As in :func:`draw_alternatives`.

    Returns
    -------
    Alternatives
        Of one number of areas.

    Raises
    ------
    diagnosis.governance.subject.NotDrawnError
        No areas keep the limits, or not as many as the function asks for.
    """
    from diagnosis.areas.governance.estimator import summarise_areas

    problem, wanted = subject.problem, subject.function.n_areas
    partition, bound = _prove(problem, wanted) or _search(problem, wanted, starts)
    labels = _label(problem, partition)
    partition = place_units(problem, labels)
    value = problem.partition_value(partition)
    summary = summarise_areas(problem, partition)
    row = {
        "value": value,
        "bound": max(bound, value),
        "status": "optimal" if np.isfinite(bound) else "no bound",
        "internal_share": internal_share(flows, labels)
        if flows is not None
        else summary["internal"].sum() / summary["resident"].sum(),
        "smallest_population": smallest_population(problem, partition),
        "longest_minutes": longest_ways(subject, partition)["minutes"].max(),
        "front": True,
        "chosen": True,
        "best": True,
    }
    curve = pd.DataFrame([row], index=pd.Index([len(summary)], name="areas"))
    curve.insert(2, "gap", _gaps(curve))
    reason = "interaction" if wanted is None else "given"
    return Alternatives(curve, labels.to_frame(len(summary)), partition, reason)


def find_centres(subject: AreaSubject, partition: np.ndarray) -> np.ndarray:
    """Return the position of the municipality with most jobs in each area; of equal ones the largest."""
    area = np.asarray(partition)[subject.problem.unit_of]
    order = np.lexsort((-subject.problem.population, -subject.jobs.to_numpy(), area))
    return order[np.searchsorted(area[order], np.arange(int(area.max()) + 1))]


def none_found(n_areas: int | None) -> Text:
    """Say that no areas keep the limits, or not as many as the function asks for."""
    if n_areas is None:
        return Text(
            it="non è stata trovata nessuna suddivisione che ne rispetti i limiti",
            en="no partition that keeps its limits was found",
        )
    return Text(
        it=f"la configurazione chiede {n_areas} ambiti, e non ne sono stati trovati tanti nei limiti",
        en=f"the configuration asks for {n_areas} areas, and not as many were found within the limits",
    )


def longest_ways(subject: AreaSubject, partition: np.ndarray) -> pd.DataFrame:
    """Find the member of each area that is farthest from its centre.

    Parameters
    ----------
    subject : AreaSubject
    partition : numpy.ndarray of int, shape (n,)

    Returns
    -------
    pandas.DataFrame
        Index `area` from 1: `minutes` (0 for a municipality alone, missing where no way is known), `farthest` (code).
    """
    problem = subject.problem
    area = np.asarray(partition)[problem.unit_of]
    centres = find_centres(subject, partition)
    ways = subject.minutes.to_numpy()[np.arange(len(area)), centres[area]]
    order = np.lexsort((np.nan_to_num(-ways, nan=np.inf), area))
    first = order[np.searchsorted(area[order], np.arange(len(centres)))]
    return pd.DataFrame(
        {"minutes": ways[first], "farthest": problem.codes[first]},
        index=pd.RangeIndex(1, len(centres) + 1, name="area"),
    )


def internal_share(flows: pd.DataFrame, labels: pd.Series) -> float:
    """Return the share of the commuters of some municipalities who work in the area they live in.

    Parameters
    ----------
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`; those to outside count as leaving.
    labels : pandas.Series
        Area by code.
    """
    home = flows["origin"].map(labels)
    total = flows.loc[home.notna(), "commuters"].sum()
    inside = flows.loc[home.notna() & (home == flows["destination"].map(labels)), "commuters"].sum()
    return float(inside / total) if total else float("nan")


def smallest_population(problem: AreaProblem, partition: np.ndarray) -> float:
    """Return the residents of the smallest area; one of municipalities without any on record does not count.

    Municipalities set up after the population was counted have none.
    """
    residents = np.bincount(np.asarray(partition)[problem.unit_of], problem.population)
    known = residents[residents > 0]
    return float(known.min()) if len(known) else float("nan")


def place_units(problem: AreaProblem, labels: pd.Series) -> np.ndarray:
    """Return the area of each unit from 0, from areas of municipalities numbered from 1."""
    first = problem.member_indices[problem.member_indptr[:-1]]
    return labels.reindex(problem.codes).to_numpy(dtype=np.int64)[first] - 1


def _prove(problem: AreaProblem, n_areas: int | None) -> tuple[np.ndarray, float] | None:
    """Return the best partition over all areas there can be, and its proven value; None where there are too many."""
    from diagnosis.areas.governance.enumeration import enumerate_areas
    from diagnosis.areas.governance.partition import PoolMaster

    columns = enumerate_areas(problem) if problem.n_units <= PROVEN_UNITS else None
    if columns is None:
        return None
    found = PoolMaster(columns).best(n_areas)
    return (columns.partition(found.areas), found.bound) if len(found.areas) and found.proven else None


def _search(
    problem: AreaProblem, n_areas: int | None, starts: Sequence[pd.Series]
) -> tuple[np.ndarray, float]:
    """Search for the largest interaction, without a bound."""
    from diagnosis.areas.governance.search import search_areas

    first = problem.codes[problem.member_indices[problem.member_indptr[:-1]]]
    placed = [pd.factorize(labels.reindex(first))[0] for labels in starts]
    found = search_areas(problem, n_areas=n_areas, starts=placed, rounds=ROUNDS)
    if found.feasible and n_areas in (None, found.n_areas):
        return found.partition, np.inf
    raise NotDrawnError(
        "Areas that keep the limits must be found",
        "none were" if n_areas is None else f"none of {n_areas} were",
        "Ask for another number of areas, or loosen the limits",
        none_found(n_areas),
    )


def _label(problem: AreaProblem, partition: np.ndarray) -> pd.Series:
    """Give areas numbers from 1 by decreasing population."""
    from diagnosis.areas.numbering import number_areas

    numbers = number_areas(np.asarray(partition)[problem.unit_of], problem.population)
    return pd.Series(numbers, index=problem.codes, dtype="Int64").rename_axis("code")


def _gaps(curve: pd.DataFrame) -> pd.Series:
    gap = ((curve["bound"] - curve["value"]) / curve["value"].where(curve["value"] > 0)).clip(lower=0.0)
    return gap.mask(curve["status"] == "optimal", 0.0)
