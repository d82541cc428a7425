"""What areas are sought for: the municipalities that are free to join, their networks, limits and ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem
from diagnosis.areas.labour_market import TradeOff
from diagnosis.errors import EXAMPLES_SHOWN, InputError, examples
from diagnosis.functions import Function
from diagnosis.governance.layers import Layers, build_layers
from diagnosis.networks.contiguity import to_graph
from diagnosis.networks.road_times import road_times
from diagnosis.schema import Text

if TYPE_CHECKING:
    from diagnosis.national.shared import National
    from diagnosis.territory import Country, Territory


CONTRADICTION = Text(
    it="non si può rispettare tutto ciò che è chiesto sui comuni da tenere insieme, separati o in ambiti fissati",
    en="what is asked of the municipalities to be kept together, apart or in fixed areas cannot all be respected",
)


class NotDrawnError(InputError):
    """A function's areas cannot be drawn.

    Parameters
    ----------
    must_hold, found, to_do : str
        See :class:`diagnosis.errors.DiagnosisError`.
    reason : Text
        The same for the readers of a report, in both languages and without names of parameters.
    """

    def __init__(self, must_hold: str, found: str, to_do: str, reason: Text) -> None:
        super().__init__(must_hold, found, to_do)
        self.reason = reason

    def __reduce__(self):
        return type(self), (self.must_hold, self.found, self.to_do, self.reason)


@dataclass(frozen=True, eq=False)
class AreaSubject:
    """One function in one territory, ready for areas to be sought.

    Attributes
    ----------
    function : Function
    problem : AreaProblem
    layers : Layers
        Its networks, and those that could not be had.
    minutes : pandas.DataFrame
        By road from each municipality to each other; missing where no way is known.
    minutes_estimated : bool
        Whether they are estimated from straight-line distance: then they limit nothing.
    jobs : pandas.Series
        Who arrives for work in each municipality, from wherever: what centres are chosen by; residents without flows.
    """

    function: Function
    problem: AreaProblem
    layers: Layers
    minutes: pd.DataFrame
    minutes_estimated: bool
    jobs: pd.Series

    @property
    def codes(self) -> pd.Index:
        """The municipalities."""
        return self.problem.codes


def free_municipalities(territory: Territory, national: National) -> pd.Index:
    """List who may join the areas of a territory.

    Its municipalities, and every other one that ISTAT's method puts into an area with one of them: commuting does not
    stop at the border of a province. One that does not hang together with the territory, because that area is in
    pieces, is left out: no connected area could take it in.
    """
    import networkx

    labels = national.areas(territory.city.areas)["labels"]
    areas = labels["istat_method"] if "istat_method" in labels else labels["functional"]
    touching = areas[territory.codes].dropna().unique()
    wanted = areas.index[areas.isin(touching)].union(territory.codes)
    pairs = national.contiguity()
    inside = pairs["code"].isin(wanted) & pairs["neighbour"].isin(wanted)
    parts = networkx.connected_components(to_graph(pairs[inside], wanted))
    joined = [part for part in parts if not part.isdisjoint(territory.codes)]
    return wanted[wanted.isin(set().union(*joined))]


def build_subject(
    territory: Territory,
    national: National,
    function: Function,
    groups: Mapping[str, pd.Series] | None = None,
) -> AreaSubject:
    """Put together what the areas of one function are drawn from.

    Parameters
    ----------
    territory : Territory
    national : National
    function : Function
        Where it asks that no area crosses the border of a province, only the territory's own municipalities are free.
    groups : mapping of str to pandas.Series, optional
        Further co-operation, as in :func:`diagnosis.governance.layers.build_layers`.

    Returns
    -------
    AreaSubject

    Raises
    ------
    NotDrawnError
        None of the function's networks could be had, it names municipalities that are not free to join, or its
        must_link, cannot_link and fixed contradict each other.
    """
    country = territory.country
    codes = (
        territory.codes
        if function.within == "province" and territory.province
        else free_municipalities(territory, national)
    )
    _check_named(function, codes)
    layers = build_layers(country, codes, function, groups)
    if not layers.found:
        raise NotDrawnError(
            f"{function.name.en}: at least one of its networks must be there",
            "; ".join(f"{name}: {reason.en}" for name, reason in layers.absent.items()),
            "Give another network a weight in governance.functions of the city's YAML",
            Text(
                it="non c'è nessuna delle sue reti: "
                + "; ".join(reason.it for reason in layers.absent.values()),
                en="none of its networks is there: "
                + "; ".join(reason.en for reason in layers.absent.values()),
            ),
        )
    minutes, estimated = ways_between(country, codes)
    try:
        problem = AreaProblem.from_tables(
            country.residents.reindex(codes),
            layers.found,
            national.contiguity(),
            _constraints(territory, function, layers, codes, None if estimated else minutes),
        )
    except InputError as error:
        raise NotDrawnError(error.must_hold, error.found, error.to_do, CONTRADICTION) from None
    flows = country.tables.get("flows")
    jobs = country.residents if flows is None else flows.groupby("destination")["commuters"].sum()
    jobs = jobs.reindex(codes).fillna(0.0).astype("float64")
    return AreaSubject(function, balance_layers(problem), layers, minutes, estimated, jobs)


def balance_layers(problem: AreaProblem) -> AreaProblem:
    """Make the weights of several layers count for what they say.

    The interaction of a network of few strong ties (who works together already) is many times that of one of many
    weak ties (commuting): without more ado it alone would decide. So each layer's weight is divided by the interaction
    of all its pairs of municipalities, each pair taken by itself. A single layer keeps its weight.

    Parameters
    ----------
    problem : AreaProblem

    Returns
    -------
    AreaProblem
    """
    if len(problem.layer_names) == 1:
        return problem
    m = len(problem.codes)
    pairs = np.zeros(len(problem.layer_names))
    for layer, indptr in enumerate(problem.out_indptr):
        flows = slice(indptr[0], indptr[-1])
        origin = np.repeat(np.arange(m), np.diff(indptr))
        product = problem.resident[layer][origin] * problem.work[layer][problem.out_indices[flows]]
        squares = problem.out_data[flows] ** 2
        # A flow is part of the interaction of both its ends.
        pairs[layer] = 2.0 * np.divide(squares, product, out=np.zeros_like(squares), where=product > 0).sum()
    return replace(problem, layer_weights=problem.layer_weights / np.where(pairs > 0, pairs, 1.0))


def ways_between(country: Country, codes: pd.Index) -> tuple[pd.DataFrame, bool]:
    """Return minutes by road from each municipality to each other, and whether they are estimated."""
    found = road_times(country.tables, codes, longest=np.inf)
    table = pd.DataFrame(np.nan, index=codes, columns=codes)
    if found is None:
        return table, True
    np.fill_diagonal(values := table.to_numpy(copy=True), 0.0)
    values[found.origin, found.destination] = found.minutes
    return pd.DataFrame(values, index=codes, columns=codes), found.estimated


def limiting_minutes(minutes: pd.DataFrame) -> pd.DataFrame:
    """Fill in the ways a matrix does not have, so that they can be a limit.

    A way it lacks is too long. A municipality from or to which it has none at all (an island that only a ferry reaches,
    a municipality created since, one of a region whose file is not there) has not been measured: it cuts nobody off.

    Parameters
    ----------
    minutes : pandas.DataFrame
        Of :func:`ways_between`.

    Returns
    -------
    pandas.DataFrame
        Without missing values: infinite, or 0 where nothing was measured.
    """
    values = minutes.to_numpy(copy=True)
    measured = ~np.isnan(values) & ~np.eye(len(values), dtype=bool)
    values[np.isnan(values)] = np.inf
    values[~measured.any(axis=1)] = 0.0
    values[:, ~measured.any(axis=0)] = 0.0
    return pd.DataFrame(values, index=minutes.index, columns=minutes.columns)


def _constraints(
    territory: Territory, function: Function, layers: Layers, codes: pd.Index, minutes: pd.DataFrame | None
) -> AreaConstraints:
    judged = "commuting" if "commuting" in layers.found else next(iter(layers.found))
    hard = function.max_minutes is not None and minutes is not None
    return AreaConstraints(
        min_population=function.min_population,
        min_members=function.min_members,
        max_members=function.max_members,
        validity=TradeOff(**territory.city.areas.thresholds) if function.validity else None,
        validity_layer=judged if function.validity else None,
        must_link=function.must_link or None,
        cannot_link=function.cannot_link or None,
        fixed=function.fixed or None,
        within=territory.country.municipalities.loc[codes, function.within] if function.within else None,
        max_minutes=function.max_minutes if hard else None,
        minutes=limiting_minutes(minutes) if hard and minutes is not None else None,
    )


def _check_named(function: Function, codes: pd.Index) -> None:
    named = [
        code for group in (*function.must_link, *function.cannot_link, *function.fixed) for code in group
    ]
    if strange := [code for code in named if code not in codes]:
        strange = list(dict.fromkeys(strange))
        listed = ", ".join(strange[:EXAMPLES_SHOWN]) + ("…" if len(strange) > EXAMPLES_SHOWN else "")
        raise NotDrawnError(
            f"{function.name.en}: must_link, cannot_link and fixed name municipalities that are free to join",
            f"these are not: {examples(strange)}",
            "Take them out, or change the study territory",
            Text(
                it=f"i suoi vincoli nominano comuni che non possono farne parte ({listed})",
                en=f"its limits name municipalities that are not free to join ({listed})",
            ),
        )
