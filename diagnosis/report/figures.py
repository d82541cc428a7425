"""The figures of a diagnosis, drawn from its tables: the notebook and the report show the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from diagnosis import charts, maps
from diagnosis.catalogue import load_catalogue
from diagnosis.errors import InputError, unknown_name
from diagnosis.figure import Figure
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

STRIPS = (
    "old_age_index",
    "working_age_turnover",
    "workers_per_100_adults",
    "jobs_per_100_workers",
    "flood_residents_share",
    "landslide_residents_share",
)
TRENDS = ("01SAL001", "02IST002-N22", "03LAV001-N22", "04BEC001P", "07SIC001", "10AMB018P")
"""One well-known indicator of the domains with long series; those without a value for the province are left out."""
FEWEST_YEARS = 3
FLOWS_DRAWN = 40
FLOOD_CLASSES = (1.0, 5.0, 15.0, 30.0)
"""Per cent of residents; the same for every city, so that two maps can be compared."""


def draw(name: str, result: Diagnosis, language: str = "it") -> Figure:
    """Draw one figure of a diagnosis.

    Parameters
    ----------
    name : str
        One of :data:`FIGURES`.
    result : Diagnosis
        Holds the tables; ``Study.result()`` of a study that is not finished will do.
    language : {"it", "en"}
        Language of the words and numbers.

    Returns
    -------
    Figure

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There is no such figure.
    diagnosis.errors.InputError
        The stage that makes its tables was not carried out.
    """
    if name not in FIGURES:
        raise unknown_name("The figure", name, FIGURES)
    return FIGURES[name](result, Words(language))


def map_residents(result: Diagnosis, words: Words) -> Figure:
    """Residents by municipality."""
    return _indicator_map(result, words, "residents", "map_residents", decimals=0, compact=True)


def map_old_age(result: Diagnosis, words: Words) -> Figure:
    """Old-age index by municipality."""
    return _indicator_map(result, words, "old_age_index", "map_old", compact=True)


def map_self_containment(result: Diagnosis, words: Words) -> Figure:
    """Share of employed residents who work in their own municipality."""
    return _indicator_map(result, words, "residents_self_containment", "map_self", compact=True)


def map_jobs(result: Diagnosis, words: Words) -> Figure:
    """Jobs per 100 employed residents."""
    return _indicator_map(result, words, "jobs_per_100_workers", "map_jobs", compact=True, diverging_at=100.0)


def map_floods(result: Diagnosis, words: Words) -> Figure:
    """Share of residents exposed to floods."""
    return _indicator_map(
        result, words, "flood_residents_share", "map_floods", compact=True, breaks=FLOOD_CLASSES
    )


def map_inner_areas(result: Diagnosis, words: Words) -> Figure:
    """Class of the inner-area strategy."""
    item = load_catalogue()["snai_class"]
    return maps.choropleth(
        result.municipalities,
        _column(result, "indicators", "snai_class"),
        figure_id="map-inner-areas",
        title=words("map_snai"),
        legend=words("map_snai_none"),
        categories={
            code: (f"{code} – {text[words.language]}", maps.SNAI_COLOURS[code])
            for code, text in item.categories.items()
        },
        residents=result.municipalities["residents"],
        compact=True,
        **_about(result, words, item.sources),
    )


def locator(result: Diagnosis, words: Words) -> Figure:
    """Where the territory lies in the country."""
    return maps.small_map(
        result.table("outline"),
        result.municipalities,
        figure_id="locator",
        title=f"{_territory(result, words)}, {result.facts['territory']['region_name']}",
        language=words.language,
        source=result.manifest.source_line(("municipalities_2022",), words.language),
    )


def age_pyramid(result: Diagnosis, words: Words) -> Figure:
    """Age structure of the territory beside the country's."""
    territory, country = _territory(result, words), _country(result, words)
    return charts.pyramid(
        result.table("ages").rename(index={"country": country, "territory": territory}),
        city=territory,
        reference=country,
        figure_id="pyramid",
        title=words("pyramid"),
        language=words.language,
        source=result.manifest.source_line(("population_2022",), words.language),
    )


def strips(result: Diagnosis, words: Words) -> Figure:
    """Position of the city among the capitals for a handful of indicators."""
    catalogue = load_catalogue()
    values = result.table("capitals")
    known = values.loc[result.city.code].dropna().index.difference(result.facts["indicators"]["modelled"])
    items = [catalogue[name] for name in STRIPS if name in known]
    if not items:
        raise InputError("A strip needs an indicator with a value for the city", "there is none")
    signs = {"positive": 1, "negative": -1}
    return charts.strip_plot(
        values[[item.id for item in items]],
        city=result.city.code,
        city_name=result.city.name[words.language],
        figure_id="strips",
        title=words(f"strips_{result.facts['indicators']['compared_with']}"),
        language=words.language,
        source=result.manifest.source_line(
            {source for item in items for source in item.sources}, words.language
        ),
        names={item.id: item.name[words.language] for item in items},
        units={item.id: "%" for item in items if item.unit[words.language] == "%"},
        decimals={item.id: item.decimals for item in items},
        directions={item.id: signs[item.direction] for item in items if item.direction in signs},
        others_name=words(f"others_{result.facts['indicators']['compared_with']}"),
        note=flows_note(result, words, exact=True),
    )


def domains(result: Diagnosis, words: Words) -> Figure:
    """Score of the province in each domain beside all provinces."""
    scores = result.table("domain_scores")
    facts = result.facts["wellbeing"]
    own = scores.loc[facts["province"]].dropna()
    provinces = scores.loc[result.table("wellbeing_provinces").index]
    region = scores.loc[facts["region"]] if facts["region"] in scores.index else None
    country = _country(result, words)
    return charts.domain_profile(
        own,
        provinces,
        figure_id="domains",
        title=words("domains"),
        name=_territory(result, words),
        language=words.language,
        source=result.manifest.source_line(("bes_territories",), words.language),
        region=region,
        region_name=result.facts["territory"]["region_name"],
        reference_name=country,
        names={domain.id: domain.name[words.language] for domain in load_catalogue().domains.values()},
        note=words("domains_caption", nation=country),
    )


def trends(result: Diagnosis, words: Words) -> Figure:
    """Course of well-known indicators of the province over the years."""
    catalogue = load_catalogue()
    series = result.table("series")
    names = {
        "territory": words("legend_territory"),
        "region": words("legend_region"),
        "country": _country(result, words),
    }
    panels: dict[str, pd.DataFrame] = {}
    decimals: dict[str, int] = {}
    for name in TRENDS:
        table = series[series["indicator"] == name].pivot(index="year", columns="territory", values="value")
        if "territory" in table and table["territory"].count() >= FEWEST_YEARS:
            item = catalogue[name]
            table.index = table.index.astype(int)
            columns = [column for column in names if column in table]
            title = words.with_unit(item.name[words.language], item.unit[words.language])
            panels[title] = table[columns].rename(columns=names)
            decimals[title] = item.decimals
    if not panels:
        raise InputError("A trend needs at least three years of the province", "no indicator has them")
    return charts.trend(
        panels,
        figure_id="trends",
        title=words("wellbeing_trend"),
        highlight=names["territory"],
        decimals=decimals,
        note=words("trend_note"),
        language=words.language,
        source=result.manifest.source_line(("bes_territories",), words.language),
    )


def map_flows(result: Diagnosis, words: Words) -> Figure:
    """Draw the strongest flows inside the territory."""
    network, flows = result.table("network"), result.table("flows")
    inside = flows["origin"].isin(network.index) & flows["destination"].isin(network.index)
    strongest = flows[inside & (flows["origin"] != flows["destination"])].nlargest(FLOWS_DRAWN, "commuters")
    return maps.flow_map(
        result.municipalities,
        flows,
        figure_id="map-flows",
        title=words("flow_map"),
        maximum=FLOWS_DRAWN,
        sizes=network["jobs"],
        sizes_name=words("jobs"),
        note=flows_note(result, words, exact=all_observed(strongest)),
        **_about(result, words, ("commuting_2021",)),
    )


def map_areas(result: Diagnosis, words: Words) -> Figure:
    """Draw the proposed areas, and how firmly each municipality belongs to its own."""
    areas = result.table("areas")
    about = _about(result, words, ("commuting_2021",))
    about["context"] = _without(about["context"], areas.index)
    return maps.membership_map(
        result.table("area_map"),
        areas["functional"],
        areas.get("with_centre"),
        centres=result.table("area_quality")["centre"],
        figure_id="map-areas",
        title=words("areas_map"),
        legend=words("membership_legend"),
        note=flows_note(result, words),
        **about,
    )


def map_area_flows(result: Diagnosis, words: Words) -> Figure:
    """Draw the flows that bind the proposed areas."""
    areas = result.table("areas")
    about = _about(result, words, ("commuting_2021",))
    about["context"] = _without(about["context"], areas.index)
    strongest = result.table("area_flows")
    return maps.area_flow_map(
        result.table("area_map"),
        areas["functional"],
        strongest,
        centres=result.table("area_quality")["centre"],
        territory=result.municipalities.index,
        figure_id="map-area-flows",
        title=words("area_flows_map"),
        note=flows_note(result, words, exact=all_observed(strongest.head(60))),
        **about,
    )


def map_areas_compared(result: Diagnosis, words: Words) -> Figure:
    """Draw the proposed areas, the official ones as dashed lines."""
    areas = result.table("areas")
    if "sll_2021" not in areas:
        raise InputError("The official areas must be there to be drawn", "they are not available")
    about = _about(result, words, ("commuting_2021", "sll_2021"))
    about["context"] = _without(about["context"], areas.index)
    return maps.areas_map(
        result.table("area_map"),
        areas["functional"],
        result.table("area_quality")["name"].to_dict(),
        figure_id="map-areas-compared",
        title=words("areas_map_compared"),
        reference=areas["sll_2021"],
        reference_name=words("areas_map_official"),
        note=flows_note(result, words),
        **about,
    )


def flows_note(result: Diagnosis, words: Words, exact: bool = False) -> str:
    """Say in a caption that the flows are not all observed, or nothing.

    `exact` marks what rests on published totals or on observed flows only: an estimated tail does not touch it.
    """
    kind = result.manifest.flows_kind
    if kind == "observed" or (exact and kind == "estimated_tail"):
        return ""
    text = words(f"{kind}_short")
    return text[0].upper() + text[1:]


def all_observed(flows: pd.DataFrame) -> bool:
    """Whether none of the flows is an estimate."""
    return "estimated" not in flows or not flows["estimated"].astype(bool).any()


def _indicator_map(
    result: Diagnosis,
    words: Words,
    indicator: str,
    title: str,
    *,
    decimals: int | None = None,
    compact: bool = False,
    diverging_at: float | None = None,
    breaks: tuple[float, ...] | None = None,
) -> Figure:
    item = load_catalogue()[indicator]
    return maps.choropleth(
        result.municipalities,
        _column(result, "indicators", indicator),
        figure_id=f"map-{indicator.replace('_', '-')}",
        title=words(title),
        legend=item.name[words.language],
        unit=item.unit[words.language],
        decimals=item.decimals if decimals is None else decimals,
        residents=result.municipalities["residents"],
        compact=compact,
        diverging_at=diverging_at,
        scheme="given" if breaks else "quantiles",
        breaks=breaks,
        note=flows_note(result, words, exact=True) if "commuting_2021" in item.sources else "",
        **_about(result, words, item.sources),
    )


def _about(result: Diagnosis, words: Words, sources: tuple[str, ...]) -> dict[str, Any]:
    """Return what every map needs besides its values."""
    return {
        "language": words.language,
        "source": result.manifest.source_line(sources, words.language),
        "city": result.city.code,
        "context": result.table("context"),
    }


def _column(result: Diagnosis, table: str, name: str) -> pd.Series:
    frame = result.table(table)
    if name not in frame or frame[name].isna().all():
        raise InputError(
            f"The indicator {name} must have values to be drawn", "it has none in this territory"
        )
    return frame[name]


def _without(context: pd.DataFrame, codes: pd.Index) -> pd.DataFrame:
    return context.loc[~context.index.isin(codes)]


def _country(result: Diagnosis, words: Words) -> str:
    return result.facts["territory"]["country_name"][words.language]


def _territory(result: Diagnosis, words: Words) -> str:
    return result.facts["territory"]["name"][words.language]


FIGURES: Mapping[str, Callable[[Diagnosis, Words], Figure]] = {
    "locator": locator,
    "age_pyramid": age_pyramid,
    "strips": strips,
    "domains": domains,
    "trends": trends,
    "map_residents": map_residents,
    "map_old_age": map_old_age,
    "map_inner_areas": map_inner_areas,
    "map_floods": map_floods,
    "map_self_containment": map_self_containment,
    "map_jobs": map_jobs,
    "map_flows": map_flows,
    "map_areas": map_areas,
    "map_area_flows": map_area_flows,
    "map_areas_compared": map_areas_compared,
}
