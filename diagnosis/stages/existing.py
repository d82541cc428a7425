"""What exists today beside proposed areas: official and own geographies, co-operation, and what would change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.governance.layers import published_groups
from diagnosis.schema import Text
from diagnosis.territory import Territory

if TYPE_CHECKING:
    from diagnosis.areas.governance.problem import AreaProblem
    from diagnosis.national.shared import National

FEWEST_COMPARED = 5
"""A geography that covers fewer municipalities of the areas says nothing about them."""
WHO_CHANGES = tuple(
    f"{who}_{what}"
    for who in ("municipalities", "residents")
    for what in ("compared", "changing", "changing_share")
)
"""What of the cost of change does not depend on areas being cut at the edge."""
GEOGRAPHY_NAMES = {
    "sll_2021": Text(it="Sistemi locali del lavoro Istat 2021", en="ISTAT labour market areas 2021"),
    "sll_2011": Text(it="Sistemi locali del lavoro Istat 2011", en="ISTAT labour market areas 2011"),
    "province": Text(it="Province e città metropolitane", en="Provinces and metropolitan cities"),
    "snai_2014": Text(it="Aree progetto SNAI 2014-2020", en="SNAI project areas 2014-2020"),
    "snai_2021": Text(it="Aree progetto SNAI 2021-2027", en="SNAI project areas 2021-2027"),
}
ALLIANCES = Text(
    it="Piani energetici congiunti (Patto dei sindaci)", en="Joint energy plans (Covenant of Mayors)"
)
COOPERATION = ("snai_2014", "snai_2021", "energy_alliances")
"""Lists of who works together: a partition that divides nobody keeps them, however large its areas are."""


def gather_geographies(territory: Territory, national: National) -> dict[str, tuple[pd.Series, Text]]:
    """Gather what exists today: by name the area of each municipality of the country, and what it is called.

    Raises
    ------
    diagnosis.errors.InputError
        A file the city names is not what it should be.
    """
    from diagnosis.sources.geographies import read_areas

    city = territory.city
    labels = national.areas(city.areas)["labels"].drop(
        columns=["functional", "istat_method"], errors="ignore"
    )
    official = {name: (labels[name], GEOGRAPHY_NAMES[name]) for name in labels}
    return official | {
        name: (read_areas(Path(item.file), labels.index), item.name)
        for name, item in city.geographies.items()
    }


def change_to(
    territory: Territory,
    proposed: pd.Series,
    geographies: Mapping[str, tuple[pd.Series, Text]],
    members: pd.Index,
) -> pd.DataFrame:
    """Count what would change if each existing geography gave way to proposed areas.

    Parameters
    ----------
    territory : Territory
    proposed : Series
        Proposed area of each municipality of the country, missing where there is none.
    geographies : mapping
        As :func:`gather_geographies` returns them.
    members : Index
        Codes of the municipalities of the areas that touch the territory.

    Returns
    -------
    DataFrame
        Index `geography`, those that cover enough of the members.
    """
    from diagnosis.areas import transition_cost

    country = territory.country
    all_flows = country.table("flows")
    flows = all_flows[all_flows["origin"].isin(members) | all_flows["destination"].isin(members)]
    rows = {}
    for name, (current, known) in geographies.items():
        here = current.reindex(members)
        if proposed.reindex(members[here.notna()]).notna().sum() >= FEWEST_COMPARED:
            cost = transition_cost(here, proposed.reindex(members), flows, country.residents)
            rows[name] = {
                **cost[list(WHO_CHANGES)],
                **_whole_areas(current, proposed, flows, members),
                "it": known.it,
                "en": known.en,
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("geography")


def _whole_areas(
    current: pd.Series, proposed: pd.Series, flows: pd.DataFrame, members: pd.Index
) -> dict[str, float]:
    """Count how many of the municipalities' commuters stay inside areas that are not cut at the edge."""
    covered = members[current.reindex(members).notna() & proposed.reindex(members).notna()]
    leaving = flows[flows["origin"].isin(covered)]
    total = leaving["commuters"].sum()
    inside = [
        float(
            leaving.loc[leaving["origin"].map(areas) == leaving["destination"].map(areas), "commuters"].sum()
        )
        for areas in (current, proposed)
    ]
    before, after = (part / total if total else float("nan") for part in inside)
    return {
        "areas_before": int(current[covered].nunique()),
        "areas_after": int(proposed[covered].nunique()),
        "internal_share_before": before,
        "internal_share_after": after,
        "gain_points": 100 * (after - before),
        "gain_commuters": inside[1] - inside[0],
    }


def compare_existing(
    territory: Territory, national: National, areas: pd.DataFrame, problem: AreaProblem
) -> pd.DataFrame:
    """Set proposed areas beside what exists today, and count what would change.

    Parameters
    ----------
    territory : Territory
    national : National
    areas : DataFrame
        Index code, of the municipalities free to join: `area`, `shown`.
    problem : AreaProblem
        What the areas were drawn from.

    Returns
    -------
    DataFrame
        Index `geography`: the columns of :func:`change_to`; `adjusted_rand` (missing where one side is a single class);
        `interaction_before` of the existing areas, those in none being alone; `cooperation`, `groups` with two or more
        of the municipalities shown and `groups_divided` of them. Lists of co-operation have no more: a plan of few
        members cannot be compared with areas that cover everybody.
    """
    from diagnosis.areas import agreement

    shown = areas.index[areas["shown"]]
    proposed = areas["area"].reindex(territory.country.municipalities.index)
    geographies = gather_geographies(territory, national)
    lists = {name: pd.DataFrame({"code": one.index, "group": one}) for name, (one, _) in geographies.items()}
    plans = published_groups(territory.country).get("energy_alliances")
    if plans is not None:
        lists["energy_alliances"] = plans
        first = plans.sort_values(["code", "group"]).drop_duplicates("code").set_index("code")["group"]
        geographies["energy_alliances"] = (first.reindex(proposed.index), ALLIANCES)
    table = change_to(territory, proposed, geographies, shown)
    cooperation = {*COOPERATION, *territory.city.governance.cooperation}
    rows = {}
    for name in table.index:
        current = geographies[name][0]
        both = current.reindex(shown).notna() & proposed[shown].notna()
        classes = min(current[shown][both].nunique(), proposed[shown][both].nunique())
        members = lists[name].dropna()
        members = members[members["code"].isin(shown)]
        held = members["code"].map(proposed).groupby(members["group"])
        groups = held.size() >= 2
        rows[name] = {
            "adjusted_rand": float(agreement(proposed[shown], current.reindex(shown))["adjusted_rand"])
            if classes > 1
            else np.nan,
            "interaction_before": value_of(problem, current),
            "cooperation": name in cooperation,
            "groups": int(groups.sum()),
            "groups_divided": int((held.nunique()[groups] > 1).sum()),
        }
    table = table.join(pd.DataFrame.from_dict(rows, orient="index"))
    if rows:
        own = [
            name
            for name in table
            if name.startswith(("internal_share", "gain", "municipalities_ch", "residents_ch"))
        ]
        table.loc[table["cooperation"], [*own, "interaction_before", "adjusted_rand"]] = np.nan
    return table


def value_of(problem: AreaProblem, current: pd.Series) -> float:
    """Return the interaction of existing areas on the municipalities of a problem; those in none are alone.

    Missing where the areas part municipalities that the problem keeps together.
    """
    labels = current.reindex(problem.codes).astype(object)
    alone = labels.isna()
    labels[alone] = [("", code) for code in labels.index[alone]]
    area = pd.factorize(labels)[0]
    partition = area[problem.member_indices[problem.member_indptr[:-1]]]
    if (partition[problem.unit_of] != area).any():
        return float("nan")
    return problem.partition_value(pd.factorize(partition)[0])
