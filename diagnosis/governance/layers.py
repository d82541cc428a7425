"""The networks between municipalities that a function counts: who goes where, and who works together already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.areas.governance.inputs import FlowLayer
from diagnosis.schema import Text
from diagnosis.tables.services import GRADES

if TYPE_CHECKING:
    from diagnosis.functions import Function
    from diagnosis.territory import Country

GRADE = GRADES[-1]
"""Upper secondary: most pupils of the lower grades attend where they live."""
GRADE_AGES = range(14, 19)
REACH_KM = 60.0
"""Pupils within this distance of the municipalities of an area are modelled with theirs."""
PROJECT_AREAS = "inner_project_areas_2021"
"""Those of 2014-2020 came to an end."""
SIGNATORIES = "covenant_signatories"
PRESENT_TARGETS = ("commitment_2030", "commitment_2050")
"""A joint plan of which a member signed for none of these has come to its end with 2020."""
ABSENT = {
    "commuting": Text(it="mancano i flussi per lavoro", en="the flows to work are missing"),
    "schools": Text(
        it="mancano gli studenti o i residenti per età", en="pupils or residents by age are missing"
    ),
    "services": Text(
        it="manca la mappa delle aree interne 2020", en="the map of inner areas 2020 is missing"
    ),
    "cooperation": Text(
        it="non si conosce nessuna collaborazione fra questi comuni",
        en="no co-operation between these municipalities is known",
    ),
}


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers of a function that could be had.

    Attributes
    ----------
    found : dict of str to FlowLayer
        With the weights of the function.
    absent : dict of str to Text
        Layers that were left out, and why.
    modelled : tuple of str
        Those of `found` whose flows are modelled.
    """

    found: Mapping[str, FlowLayer]
    absent: Mapping[str, Text] = field(default_factory=dict)
    modelled: tuple[str, ...] = ()


def build_layers(
    country: Country, codes: pd.Index, function: Function, groups: Mapping[str, pd.Series] | None = None
) -> Layers:
    """Build the networks of a function on some municipalities.

    Parameters
    ----------
    country : Country
    codes : pandas.Index
        The municipalities whose areas are sought. Flows to and from all others count in the margins.
    function : Function
    groups : mapping of str to pandas.Series, optional
        Further co-operation that exists: group of each municipality by code, missing for those in none.

    Returns
    -------
    Layers
    """
    builders = {
        "commuting": lambda: country.tables.get("flows"),
        "schools": lambda: school_flows(country, codes),
        "services": lambda: pole_flows(country),
        "cooperation": lambda: cooperation_flows(country, codes, groups),
    }
    found: dict[str, FlowLayer] = {}
    absent: dict[str, Text] = {}
    for name, weight in function.layers.items():
        if weight == 0:
            continue
        flows = builders[name]()
        if flows is None or not _between(flows, codes):
            absent[name] = ABSENT[name]
        else:
            found[name] = FlowLayer(flows, weight)
    modelled = {"schools"} | ({"commuting"} if country.flows_kind == "modelled" else set())
    return Layers(found, absent, tuple(name for name in found if name in modelled))


def school_flows(country: Country, codes: pd.Index, reach_km: float = REACH_KM) -> pd.DataFrame | None:
    """Model where upper secondary pupils of some municipalities and of those around them live and attend.

    Parameters
    ----------
    country : Country
    codes : pandas.Index
    reach_km : float
        Municipalities up to this distance from `codes` are modelled with them.

    Returns
    -------
    DataFrame or None
        `origin`, `destination`, `commuters` (expected pupils); None without pupils or residents by age.

    See Also
    --------
    diagnosis.networks.catchments.school_catchments : the model, and what it assumes.
    """
    from diagnosis.networks.catchments import school_catchments

    pupils, population = country.tables.get("pupils"), country.tables.get("population")
    if pupils is None or population is None:
        return None
    places = country.municipalities
    near = places.index[places.centroid.dwithin(places.loc[codes].union_all(), reach_km * 1000)]
    ages = [f"{sex}{age}" for sex in "fm" for age in GRADE_AGES]
    children = population[ages].sum(axis=1, min_count=len(ages))
    attending = pupils[f"{GRADE}_pupils"].reindex(near)
    if not (attending.sum() > 0 and children.reindex(near).sum() > 0):
        return None
    flows = school_catchments(places.loc[near], children.reindex(near), attending, grade=GRADE).flows
    return flows.rename(columns={"pupils": "commuters"})[["origin", "destination", "commuters"]]


def pole_flows(country: Country) -> pd.DataFrame | None:
    """Send the residents of every municipality to its pole of services on the official map of inner areas.

    Returns
    -------
    DataFrame or None
        `origin`, `destination`, `commuters` (residents); a pole keeps its own. None without the map.
    """
    areas = country.tables.get("inner_areas")
    if areas is None or "pole_code" not in areas:
        return None
    residents = country.residents.reindex(areas.index)
    pole = areas["pole_code"].where(areas["pole_code"].notna(), areas.index.to_series())
    pole = pole.mask(areas["snai_class"].isin(["A", "B"]), areas.index.to_series())
    flows = pd.DataFrame(
        {"origin": areas.index, "destination": pole.to_numpy(), "commuters": residents.to_numpy()}
    )
    return flows[flows["commuters"].fillna(0) > 0].reset_index(drop=True)


def cooperation_flows(
    country: Country, codes: pd.Index, groups: Mapping[str, pd.Series] | None = None
) -> pd.DataFrame | None:
    """Tie the municipalities that work together already.

    The residents of a municipality are spread over the other members of each of its groups, by their residents, so
    that an area that holds a whole group holds all of its ties.

    Parameters
    ----------
    country : Country
        Its joint energy plans and project areas.
    codes : pandas.Index
    groups : mapping of str to pandas.Series, optional
        As in :func:`build_layers`.

    Returns
    -------
    DataFrame or None
        `origin`, `destination`, `commuters`; None where no two of the municipalities share a group.
    """
    ties = [_spread(members, country.residents) for members in existing_groups(country, codes, groups)]
    ties = [table for table in ties if len(table)]
    if not ties:
        return None
    return pd.concat(ties).groupby(["origin", "destination"], as_index=False)["commuters"].sum()


def existing_groups(
    country: Country, codes: pd.Index, groups: Mapping[str, pd.Series] | None = None
) -> list[pd.DataFrame]:
    """List who works together already: one table of `code` and `group` for each kind of co-operation.

    Only groups with two of the municipalities or more are listed, with all their members.
    """
    kept = []
    for listed in (*published_groups(country).values(), *(_rows(areas) for areas in (groups or {}).values())):
        members = listed.dropna().drop_duplicates()
        here = members[members["code"].isin(codes)].groupby("group").size()
        members = members[members["group"].isin(here.index[here >= 2])]
        if len(members):
            kept.append(members.reset_index(drop=True))
    return kept


def published_groups(country: Country) -> dict[str, pd.DataFrame]:
    """List who works together by what is published: `code` and `group`.

    Joint energy plans with a target of 2030 or later, and project areas of 2021-2027.
    """
    from diagnosis.indicators.cooperation import energy_alliances

    found = {}
    if SIGNATORIES in country.tables:
        signed = country.tables[SIGNATORIES]
        plans = energy_alliances(signed[signed[list(PRESENT_TARGETS)].gt(0).any(axis=1)])
        active = plans[plans["status"] == "published"]
        found["energy_alliances"] = active[["code", "alliance"]].set_axis(["code", "group"], axis=1)
    if PROJECT_AREAS in country.tables:
        found["snai_2021"] = _rows(country.tables[PROJECT_AREAS]["area"])
    return found


def _rows(areas: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"code": areas.index, "group": areas.to_numpy()})


def _spread(members: pd.DataFrame, residents: pd.Series) -> pd.DataFrame:
    people = members.assign(residents=members["code"].map(residents).fillna(0.0))
    pairs = people.merge(people, on="group", suffixes=("", "_other"))
    pairs = pairs[pairs["code"] != pairs["code_other"]]
    others = pairs.groupby(["group", "code"])["residents_other"].transform("sum")
    share = np.divide(pairs["residents_other"], others, out=np.zeros(len(pairs)), where=others.to_numpy() > 0)
    tied = pairs.assign(commuters=pairs["residents"] * share)
    return tied.rename(columns={"code": "origin", "code_other": "destination"})[
        ["origin", "destination", "commuters"]
    ]


def _between(flows: pd.DataFrame, codes: pd.Index) -> bool:
    inside = flows["origin"].isin(codes) & flows["destination"].isin(codes)
    return bool((inside & (flows["origin"] != flows["destination"]) & (flows["commuters"] > 0)).any())
