"""The figures of a diagnosis, drawn from its tables: the notebook and the report show the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from diagnosis import charts
from diagnosis.catalogue import load_catalogue
from diagnosis.errors import InputError, unknown_name
from diagnosis.figure import Figure
from diagnosis.report import governance_figures, map_figures
from diagnosis.report.map_figures import flows_note
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


def draw(name: str, result: Diagnosis, language: str = "it") -> Figure:
    """Draw one figure of a diagnosis.

    Parameters
    ----------
    name : str
        One of :data:`FIGURES`, ``map_own_`` and the id of an indicator of the city's own, or
        ``map_governance_proposal_`` and the name of a saved proposal.
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
    if name.startswith(map_figures.OWN_MAP):
        return map_figures.map_own(result, Words(language), name.removeprefix(map_figures.OWN_MAP))
    if name.startswith(governance_figures.PROPOSAL_MAP):
        proposal = name.removeprefix(governance_figures.PROPOSAL_MAP)
        return governance_figures.map_governance_proposal(result, Words(language), proposal)
    if name not in FIGURES:
        raise unknown_name("The figure", name, FIGURES)
    return FIGURES[name](result, Words(language))


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
        intervals=_province_rows(result).reindex(own.index)[["lower", "upper"]],
        interval_name=words("score_interval"),
        note=words("domains_caption", nation=country),
    )


def domain_ranks(result: Diagnosis, words: Words) -> Figure:
    """Rank of the province in each domain, with its interval."""
    rows = _province_rows(result)
    domains = load_catalogue().domains
    return charts.interval_plot(
        pd.DataFrame(
            {
                "name": [domains[name].name[words.language] for name in rows.index],
                "nominal": rows["rank"],
                "lower": rows["rank_lower"],
                "upper": rows["rank_upper"],
                "of": rows["of"],
            }
        ),
        figure_id="domain-ranks",
        title=words("domain_ranks"),
        interval_name=words("rank_interval"),
        language=words.language,
        source=result.manifest.source_line(("bes_territories",), words.language),
        note=words("domain_ranks_caption"),
    )


def domain_courses(result: Diagnosis, words: Words) -> Figure:
    """Course of the province's domain scores on a frozen scale, beside the country's."""
    course = result.table("domain_course")
    changes = result.table("domain_changes")
    if course.empty or not changes["score_first"].notna().any():
        raise InputError("A course needs five comparable years", "no domain has them")
    names = {"territory": words("legend_territory"), "country": _country(result, words)}
    panels: dict[str, pd.DataFrame] = {}
    domains = load_catalogue().domains
    for domain in changes.index[changes["score_first"].notna()]:
        table = course[course["domain"] == domain].pivot(index="year", columns="territory", values="score")
        table.index = table.index.astype(int)
        panels[domains[domain].name[words.language]] = table.reindex(columns=list(names)).rename(
            columns=names
        )
    return charts.course_panels(
        panels,
        highlight=names["territory"],
        figure_id="domain-courses",
        title=words("domain_courses"),
        language=words.language,
        source=result.manifest.source_line(("bes_territories",), words.language),
        note=words("domain_courses_caption", nation=_country(result, words)),
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


def _province_rows(result: Diagnosis) -> pd.DataFrame:
    """Return the intervals of the province, indexed by domain."""
    found = result.table("domain_intervals")
    return found[found["unit"] == result.facts["wellbeing"]["province"]].set_index("domain")


def _country(result: Diagnosis, words: Words) -> str:
    return result.facts["territory"]["country_name"][words.language]


def _territory(result: Diagnosis, words: Words) -> str:
    return result.facts["territory"]["name"][words.language]


FIGURES: Mapping[str, Callable[[Diagnosis, Words], Figure]] = {
    "locator": map_figures.locator,
    "age_pyramid": age_pyramid,
    "strips": strips,
    "domains": domains,
    "domain_ranks": domain_ranks,
    "domain_courses": domain_courses,
    "trends": trends,
    "map_residents": map_figures.map_residents,
    "map_old_age": map_figures.map_old_age,
    "map_inner_areas": map_figures.map_inner_areas,
    "map_floods": map_figures.map_floods,
    "map_fragility": map_figures.map_fragility,
    "map_concentrations": map_figures.map_concentrations,
    "map_self_containment": map_figures.map_self_containment,
    "map_jobs": map_figures.map_jobs,
    "map_flows": map_figures.map_flows,
    "map_areas": map_figures.map_areas,
    "map_area_flows": map_figures.map_area_flows,
    "map_areas_compared": map_figures.map_areas_compared,
    "map_governance": governance_figures.map_governance,
    "map_governance_alternatives": governance_figures.map_governance_alternatives,
    "map_governance_core": governance_figures.map_governance_core,
    "governance_curve": governance_figures.governance_curve,
}
