"""The stage *areas*: the proposed areas of a territory, how sure they are, why, and what they would change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.national.areas import CORE_FROM, OFFICIAL
from diagnosis.stages.existing import change_to, gather_geographies
from diagnosis.territory import ESTIMATED_TAIL, Country, Territory

if TYPE_CHECKING:
    from diagnosis.national.shared import National

CLOSE_MARGIN = 1.25
"""A link less than this many times the next one is close."""
MOST_REASONS = 8


def describe_areas(
    territory: Territory, national: National
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Describe the proposed areas that touch the territory, whole, beside the existing geographies."""
    parameters = territory.city.areas
    found = national.areas(parameters)
    sure = national.stability(parameters)
    labels: pd.DataFrame = found["labels"]
    code = territory.city.code
    touching = sorted(labels.loc[territory.codes, "functional"].dropna().unique())
    members = labels.index[labels["functional"].isin(touching)].union(territory.codes)
    quality = found["quality"].loc[touching]
    areas = _members_table(territory, found, sure, members)
    if sure is not None:
        quality = quality.join(sure["areas"][["core_municipalities", "core_share", "overlap"]])
    flows = territory.country.table("flows")
    around = flows[flows["origin"].isin(members) | flows["destination"].isin(members)]
    geographies = gather_geographies(territory, national)
    edge = _edge(territory, national, areas)
    tables = {
        "areas": areas,
        "area_quality": quality,
        "area_map": territory.country.municipalities.loc[members, ["name", "geometry"]],
        "area_methods": found["methods"],
        "area_reasons": _reasons(territory, national, edge.head(MOST_REASONS)),
        "area_flows": _binding_flows(around, members, territory.codes),
        "area_changes": change_to(territory, labels["functional"], geographies, members),
    }
    if OFFICIAL in geographies:
        names = found["official_names"]["area_name"]
        tables["area_moves"] = _moves(territory, labels, around, names)
    facts = _facts(territory, found, sure, areas, quality) | {"edge": len(edge)}
    if OFFICIAL in areas:
        shown = sorted(areas[OFFICIAL].dropna().unique())
        names = found["official_names"]["area_name"]
        official = found["official_quality"].loc[shown].assign(name=names.reindex(shown))
        tables["official_quality"] = official.sort_values("population", ascending=False, kind="stable")
        places = territory.country.municipalities["name"]
        facts |= _official_facts(labels, areas, names, places, code)
    return tables, facts


def _members_table(
    territory: Territory, found: Mapping[str, Any], sure: Mapping[str, Any] | None, members: pd.Index
) -> pd.DataFrame:
    municipalities = territory.country.municipalities
    names = found["quality"]["name"]
    labels = found["labels"].drop(columns="province").loc[members]
    areas = municipalities.loc[members, ["name", "province", "province_name"]].join(labels)
    areas["in_territory"] = areas.index.isin(territory.codes)
    areas["functional_name"] = areas["functional"].map(names)
    if "official_names" in found:
        areas["official_name"] = areas[OFFICIAL].map(found["official_names"]["area_name"])
    if sure is not None:
        columns = ["with_centre", "core", "second_area", "second_share", "margin"]
        areas = areas.join(sure["members"][columns])
        areas["second_name"] = areas["second_area"].map(names)
    return areas


def _edge(territory: Territory, national: National, areas: pd.DataFrame) -> pd.DataFrame:
    """Select the municipalities of the territory outside the core or linked almost as strongly elsewhere.

    The least sure come first; without runs only the links say who is sure.
    """
    from diagnosis.areas import membership_margin

    own = areas[areas["in_territory"] & areas["functional"].notna()]
    if "with_centre" not in own:
        contiguity = national.contiguity() if territory.city.areas.mode == "clean" else None
        labels = national.areas(territory.city.areas)["labels"]["functional"]
        margin = membership_margin(labels, territory.country.table("flows"), contiguity=contiguity)
        own = own.join(margin["margin"]).assign(with_centre=1.0)
    edge = own[(own["with_centre"] < CORE_FROM) | (own["margin"] < CLOSE_MARGIN)]
    return edge.sort_values(["with_centre", "margin"], kind="stable")


def _reasons(territory: Territory, national: National, edge: pd.DataFrame) -> pd.DataFrame:
    """Say why each of some municipalities is in its area."""
    from diagnosis.areas import explain_membership
    from diagnosis.areas.flow_network import FlowNetwork

    parameters = territory.city.areas
    found = national.areas(parameters)
    clean = parameters.mode == "clean"
    network = FlowNetwork.from_table(territory.country.table("flows"))
    contiguity = national.contiguity() if clean else None
    functional = found["labels"]["functional"]
    names = territory.country.municipalities["name"].to_dict()
    rows = []
    for code in edge.index:
        reason = explain_membership(
            code,
            functional,
            network,
            parameters.thresholds,
            contiguity=contiguity,
            history=found["history"],
            names=names,
        )
        rows.append((code, names[code], reason.rule, reason.sentence("it"), reason.sentence("en")))
    reasons = pd.DataFrame(rows, columns=["code", "name", "rule", "it", "en"])
    sure = [name for name in ("with_centre", "second_name", "second_share") if name in edge]
    reasons = reasons.join(edge[sure], on="code")
    centre = found["quality"]["centre"].map(names)
    return reasons.assign(centre=reasons["code"].map(functional).map(centre))


def _binding_flows(around: pd.DataFrame, members: pd.Index, codes: pd.Index) -> pd.DataFrame:
    """Return the flows between members of the areas that touch the territory, the largest first."""
    inside = around[around["origin"].isin(members) & around["destination"].isin(members)]
    touching = inside["origin"].isin(codes) | inside["destination"].isin(codes)
    between = inside[touching & (inside["origin"] != inside["destination"])]
    return between.sort_values("commuters", ascending=False, kind="stable").reset_index(drop=True)


def _moves(territory: Territory, labels: pd.DataFrame, flows: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """List the municipalities of the territory that change area against the official ones, with what each gains."""
    from diagnosis.areas import transition_moves

    country = territory.country
    moves = transition_moves(
        labels[OFFICIAL], labels["functional"], flows, country.residents, country.municipalities["name"]
    )
    moves = moves[moves.index.isin(territory.codes)]
    return moves.assign(from_name=moves["from_area"].map(names))


def _facts(
    territory: Territory,
    found: Mapping[str, Any],
    sure: Mapping[str, Any] | None,
    areas: pd.DataFrame,
    quality: pd.DataFrame,
) -> dict[str, Any]:
    country, parameters = territory.country, territory.city.areas
    code = territory.city.code
    own = areas.at[code, "functional"]
    inside = areas[areas["functional"] == own] if pd.notna(own) else areas.loc[[code]]
    flows = country.table("flows")
    closed = flows[flows["origin"].isin(inside.index) & flows["destination"].isin(inside.index)]
    facts: dict[str, Any] = {
        "kind": country.flows_kind,
        "parameters": parameters.model_dump(mode="json"),
        "areas": len(quality),
        "national_areas": len(found["quality"]),
        "city_area": None if pd.isna(own) else int(own),
        "city_members": len(inside),
        "city_residents": int(country.residents.reindex(inside.index).sum()),
        "city_outside_territory": int((~inside["in_territory"]).sum()),
        "unassigned": areas.index[areas["functional"].isna()].tolist(),
        "broken": int((quality["n_pieces"] > 1).sum()),
        "below": int((quality["validity"] < 1).sum()),
        "ties": int(found["ties"]),
        "city_internal": int(closed["commuters"].sum()),
        "city_internal_observed": observed_commuters(closed, country),
        "runs": 0 if sure is None else len(sure["runs"]),
    }
    if sure is not None:
        here = areas[areas["in_territory"] & areas["functional"].notna()]
        residents = country.residents.reindex(here.index)
        facts["core_from"] = CORE_FROM
        facts["core_residents_share"] = float(residents[here["core"].astype(bool)].sum() / residents.sum())
        facts["rim"] = int((~here["core"].astype(bool)).sum())
        facts["city_core"] = int(inside["core"].fillna(False).sum())
    return facts


def _official_facts(
    labels: pd.DataFrame, areas: pd.DataFrame, names: pd.Series, places: pd.Series, code: str
) -> dict[str, Any]:
    mine, own = areas.at[code, OFFICIAL], areas.at[code, "functional"]
    both = (areas[OFFICIAL] == mine) & (areas["functional"] == own)
    return {
        "official_areas": int(areas[OFFICIAL].nunique()),
        "city_official": None if pd.isna(mine) else str(names[mine]),
        "city_in_both": int(both.sum()),
        "city_official_members": int((labels[OFFICIAL] == mine).sum()),
        "city_entering": sorted(areas.loc[(areas["functional"] == own) & (areas[OFFICIAL] != mine), "name"]),
        "city_leaving": sorted(
            places[labels.index[(labels[OFFICIAL] == mine) & (labels["functional"] != own)]]
        ),
    }


def observed_commuters(flows: pd.DataFrame, country: Country) -> int | None:
    """Commuters of the flows that were observed; None where it is not known which were."""
    if country.flows_kind != ESTIMATED_TAIL or flows["estimated"].all():
        return None
    return int(flows.loc[flows["estimated"] == 0, "commuters"].sum())
