"""The stages of a diagnosis: each takes a territory and what its country knows, and gives tables and figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from diagnosis.errors import InputError, NotApplicableError
from diagnosis.indicators.breaks import keep_consistent
from diagnosis.indicators.population import SMALL_MUNICIPALITY
from diagnosis.national.scores import verdict
from diagnosis.national.shared import COUNTRY, National
from diagnosis.stages import findings
from diagnosis.stages.areas import describe_areas, observed_commuters
from diagnosis.stages.context import around
from diagnosis.stages.fragility import assess_fragility
from diagnosis.stages.governance import propose_areas
from diagnosis.stages.own import compare_own
from diagnosis.stages.profile import profile_city, reach_country
from diagnosis.stages.quality import grade_data
from diagnosis.territory import Territory

FEWEST_CAPITALS = 20
FEWEST_PEERS = 5

Stage = tuple[dict[str, pd.DataFrame], dict[str, Any]]


def describe_territory(territory: Territory, national: National) -> Stage:
    """Stage *territory*: its municipalities, neighbours, residents by age, and what they amount to."""
    country, city = territory.country, territory.city
    residents = country.residents
    municipalities = territory.municipalities.assign(residents=residents)
    context = around(country.municipalities, territory.codes)
    population = country.table("population")
    members = {
        "city": pd.Index([city.code]), "territory": territory.codes, "country": population.index,
    }  # fmt: skip
    ages = pd.DataFrame(
        {name: population.loc[population.index.intersection(codes)].sum() for name, codes in members.items()}
    ).T
    own = municipalities["residents"]
    small = own[own <= SMALL_MUNICIPALITY]
    missing = own.index[own.isna()]
    facts = {
        "name": territory.name.model_dump(),
        "province": territory.province,
        "region_name": str(municipalities.at[city.code, "region_name"]),
        "country_name": country.name.model_dump(),
        "municipalities": len(own),
        "residents": int(own.sum()),
        "city_residents": None if pd.isna(own[city.code]) else int(own[city.code]),
        "without_residents": municipalities.loc[missing, "name"].tolist(),
        "area_km2": float(municipalities["area_km2"].sum()),
        "density": float(own.sum() / municipalities.loc[own.notna(), "area_km2"].sum())
        if own.notna().any()
        else None,
        "small_municipalities": len(small),
        "small_residents": int(small.sum()),
        "flows_kind": country.flows_kind,
        "absent": {table: reason.model_dump() for table, reason in country.absent.items()},
    }
    tables = {
        "municipalities": municipalities,
        "context": context,
        "outline": national.outline(),
        "ages": ages,
    }
    return tables, facts


def compare_indicators(territory: Territory, national: National) -> Stage:
    """Stage *indicators*: the municipal indicators of the territory beside those of like places."""
    from diagnosis.indicators import compute, find_waiting

    found, scored, guarded = national.indicators(), national.scores(), national.small_numbers()
    city = territory.city
    municipalities = territory.country.municipalities
    values, groups = found["values"], found["groups"]
    capitals = values.index[municipalities["capital"] == 1]
    if territory.province:
        own = groups.loc[[territory.province]]
        own_scores = scored["groups"].loc[[territory.province]]
    else:
        grouping = pd.Series("territory", index=territory.codes)
        own = compute(territory.country.tables, groups=grouping)
        own_scores = national.score_groups(own)
    region = "R" + territory.region
    rows = {"city": values.loc[[city.code]], "territory": own, "region": groups.loc[[region]]}
    rows["country"] = groups.loc[[COUNTRY]]
    peers = {"pilots_median": pd.Index(national.pilots), "capitals_median": capitals}
    for name, codes in peers.items():
        others = values.loc[codes.drop(city.code, errors="ignore")]
        if len(others) >= FEWEST_PEERS:
            # The middle one of the other cities: a sum over cities that lie apart would mean nothing.
            rows[name] = others.median(numeric_only=True).to_frame().T
    beside = pd.concat([frame.set_axis([name]) for name, frame in rows.items()])
    scores = {"city": scored["values"].loc[[city.code]], "territory": own_scores}
    scores |= {"region": scored["groups"].loc[[region]], "country": scored["groups"].loc[[COUNTRY]]}
    uncertain = national.score_uncertainty(None if territory.province else own)
    members = {"city": city.code, "territory": territory.province or "territory"}
    members |= {"region": region, "country": COUNTRY}
    like = capitals if len(capitals) >= FEWEST_CAPITALS else values.index
    like = like.union([city.code])
    waiting = find_waiting(territory.country.tables).index
    gaps = found["gaps"][~found["gaps"]["indicator"].isin(waiting)]
    compared = [name for name in values if not national.is_modelled(national.catalogue[name])]
    profile, compared_to = profile_city(territory, national)
    tables = {
        "city_profile": profile,
        "indicators": values.loc[territory.codes],
        "gaps": gaps[gaps["code"].isin(territory.codes)].reset_index(drop=True),
        "groups": beside.rename_axis("group"),
        "capitals": values.loc[like].assign(pilot=like.isin(national.pilots)),
        "scores": scored["values"].loc[territory.codes],
        "group_scores": pd.concat([frame.set_axis([name]) for name, frame in scores.items()]),
        "score_intervals": _choose_intervals(uncertain["intervals"], members),
        "score_framework": scored["framework"],
        "small_numbers": guarded[guarded["code"].isin(territory.codes)].reset_index(drop=True),
        "municipal_findings": findings.find(
            values.loc[like, compared], city.code, groups.loc[COUNTRY], national.catalogue, "municipality"
        ),
    }
    facts = {
        "computed": int(tables["indicators"].notna().any().sum()),
        "gaps": len(tables["gaps"]),
        "modelled": [name for name in values if name not in compared],
        "waiting": list(waiting),
        "compared_with": "capitals" if len(capitals) >= FEWEST_CAPITALS else "municipalities",
        "like": len(like),
        "profile": compared_to,
        "release": national.release_of("municipalities"),
        "replications": _count_replications(uncertain["replications"]),
    }
    return tables, facts


def compare_wellbeing(territory: Territory, national: National) -> Stage:
    """Stage *wellbeing*: the published indicators of the province beside region, country and all provinces."""
    province = territory.province
    if province is None:
        raise NotApplicableError(
            "The territory must be a province-level body to show the well-being of one",
            "it is a list of municipalities, and a province's value is never attached to its municipalities",
        )
    found = national.wellbeing()
    values, years, scores = found["values"], found["years"], found["scores"]
    if province not in values.index:
        raise InputError(
            "The province must be in the table wellbeing to be compared", f"{province} has no row there"
        )
    region = "R" + territory.region
    provinces = values.index[~values.index.str.startswith(("R", COUNTRY))]
    catalogue = national.catalogue
    directions = pd.Series(
        {name: catalogue[name].direction for name in values if name in catalogue.indicators}
    )
    # A value of an old or thinly covered year ranks nobody: it is shown with its year, and that is all.
    regular = years.index[~years["flagged"].astype(bool)]
    places = findings.positions(values.loc[provinces, regular], province, directions)
    beside = pd.DataFrame(
        {
            "year": years["year"],
            "value": values.loc[province],
            "region": values.loc[region] if region in values.index else None,
            "country": values.loc[COUNTRY],
        }
    ).join(places)
    beside = beside[beside.index.isin(list(catalogue.indicators))]
    uncertain = national.wellbeing_uncertainty()
    intervals = uncertain["intervals"].set_index("domain")
    above = intervals.loc[intervals["unit"] == province, "above"]
    change, wanted = reach_country(territory, national)
    course = national.wellbeing_course()
    compared = {province: "territory", region: "region", COUNTRY: "country"}
    years_of_scores = course["course"][course["course"]["territory"].isin(compared)]
    changed = _compare_with_country(course["changes"], province)
    series = keep_consistent(territory.country.table("wellbeing"))
    own = series[series["territory"].isin([province, region, COUNTRY])]
    tables = {
        "wellbeing": beside.rename_axis("indicator"),
        "domain_scores": scores,
        "domain_intervals": uncertain["intervals"],
        "domain_choices": uncertain["choices"],
        "domain_framework": found["framework"],
        "smallest_change": change,
        "domain_course": years_of_scores.replace({"territory": compared}).reset_index(drop=True),
        "domain_changes": changed,
        "course_members": course["members"],
        "wellbeing_provinces": values.loc[provinces],
        "provincial_findings": findings.find(
            values.loc[provinces, regular], province, values.loc[COUNTRY], national.catalogue, "province"
        ),
        "series": own.replace({"territory": compared}),
    }
    facts = {
        "province": province,
        "region": region,
        "indicators": int(beside.loc[beside.index.isin(regular), "value"].notna().sum()),
        "flagged": [name for name in beside.index if name not in regular],
        "without_value": [name for name in beside.index[beside["value"].isna()] if name in regular],
        "provinces": len(provinces),
        "first_year": str(years.loc[regular, "year"].min()),
        "last_year": str(years.loc[regular, "year"].max()),
        "verdicts": {str(domain): verdict(share) for domain, share in above.items()},
        "release": national.release_of("provinces"),
        "replications": _count_replications(uncertain["replications"]),
        "smallest_change": wanted,
    }
    return tables, facts


def _compare_with_country(changes: pd.DataFrame, province: str) -> pd.DataFrame:
    """Return the changes of a province by domain, set against the country's where both count the same indicators."""
    by_domain = changes.set_index("domain")
    own = by_domain[by_domain["territory"] == province].drop(columns="territory")
    country = by_domain.loc[by_domain["territory"] == COUNTRY, "indicators"].reindex(own.index)
    unlike = own["indicators"] != country
    own.loc[unlike, ["country_change", "relative_change", "gains"]] = float("nan")
    own.loc[unlike, "relative_clear"] = False
    own.loc[unlike, "relative_verdict"] = ""
    return own


def _choose_intervals(intervals: pd.DataFrame, members: dict[str, str]) -> pd.DataFrame:
    """Choose the rows of a city and of what it is compared with, under the names of the report."""
    parts = [
        intervals[intervals["unit"] == unit].assign(group=name).drop(columns="unit")
        for name, unit in members.items()
    ]
    return pd.concat(parts).set_index(["group", "domain"])


def _count_replications(told: pd.DataFrame) -> dict[str, int]:
    """Count the replications of all domains, and those that failed."""
    return {
        "each": int(told["replications"].max()) if len(told) else 0,
        "all": int(told["replications"].sum()),
        "failed": int(told["failed"].sum()),
    }


def describe_networks(territory: Territory, national: National) -> Stage:
    """Stage *networks*: the commuting network of the territory and the city's place in it."""
    from diagnosis.networks import flow_margins, network_summary

    measures = national.network()["measures"]
    flows = territory.flows
    inside = flows["origin"].isin(territory.codes) & flows["destination"].isin(territory.codes)
    within = flows[inside]
    code = territory.city.code
    places = territory.country.municipalities[["name", "province_name"]]
    own = flows["origin"] != flows["destination"]
    arriving = flows[own & (flows["destination"] == code)].nlargest(10, "commuters")
    leaving = flows[own & (flows["origin"] == code)].nlargest(10, "commuters")
    tables = {
        "network": flow_margins(flows, territory.codes).join(measures.loc[territory.codes]),
        "flows": flows.reset_index(drop=True),
        "arriving": arriving.join(places, on="origin").reset_index(drop=True),
        "leaving": leaving.join(places, on="destination").reset_index(drop=True),
    }
    summary = network_summary(within, territory.codes)
    residents = flows.loc[flows["origin"].isin(territory.codes), "commuters"].sum()
    jobs = flows.loc[flows["destination"].isin(territory.codes), "commuters"].sum()
    stay = within["commuters"].sum()
    facts = {
        "kind": territory.country.flows_kind,
        "commuters_resident": int(residents),
        "commuters_working": int(jobs),
        "commuters_inside": int(stay),
        "commuters_inside_observed": observed_commuters(within, territory.country),
        "share_residents_inside": float(stay / residents) if residents else None,
        "share_jobs_inside": float(stay / jobs) if jobs else None,
        "city_in": int(flows.loc[own & (flows["destination"] == code), "commuters"].sum()),
        "city_out": int(flows.loc[own & (flows["origin"] == code), "commuters"].sum()),
        "summary": {name: (None if pd.isna(value) else float(value)) for name, value in summary.items()},
    }
    return tables, facts


STAGE_FUNCTIONS: dict[str, Callable[[Territory, National], Stage]] = {
    "territory": describe_territory,
    "indicators": compare_indicators,
    "fragility": assess_fragility,
    "own": compare_own,
    "wellbeing": compare_wellbeing,
    "quality": grade_data,
    "networks": describe_networks,
    "areas": describe_areas,
    "governance": propose_areas,
}
