"""The stages of a diagnosis in order; the notebook and the command line call the same functions."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis import findings
from diagnosis.config import City, Job, Settings, default_settings, load_city
from diagnosis.errors import DiagnosisError, InputError, NotApplicableError, UnknownNameError, unknown_name
from diagnosis.national import COUNTRY, National, load_national
from diagnosis.provenance import Manifest, StageRecord, code_digest, digest, package_versions
from diagnosis.result import STAGES, Diagnosis
from diagnosis.schema import build, read_yaml
from diagnosis.territory import Territory, load_country, load_territory

if TYPE_CHECKING:
    from diagnosis.figure import Figure

PACKAGES = ("diagnosis", "geopandas", "libpysal", "networkx", "numpy", "pandas", "scikit-learn", "shapely")
CONTEXT_KM = 40
SMALL = 5000
FEWEST_CAPITALS = 20

Stage = tuple[dict[str, pd.DataFrame], dict[str, Any]]


class Study:
    """One city on its way through the stages; every stage adds its tables and facts.

    Parameters
    ----------
    city : City or str
        A configuration, or the name of a pilot city.
    settings : Settings, optional
        Folders, mirror and edition; the project's own if not given.
    national : National, optional
        National stages already loaded; saves loading them again.

    Raises
    ------
    diagnosis.errors.DiagnosisError
        The city is unknown, or its territory cannot be cut.
    """

    def __init__(
        self, city: City | str, settings: Settings | None = None, national: National | None = None
    ) -> None:
        self.city = load_city(city) if isinstance(city, str) else city
        self.settings = settings or default_settings()
        if national is None:
            national = load_national(load_country(self.settings, self.city.data), self.settings)
        self.national = national
        self.territory = load_territory(self.city, self.settings, national.country)
        self.tables: dict[str, pd.DataFrame] = {}
        self.facts: dict[str, Any] = {}
        self.records: dict[str, StageRecord] = {}

    def carry_out(self, stage: str) -> dict[str, Any]:
        """Carry out one stage.

        Parameters
        ----------
        stage : str
            One of :data:`diagnosis.result.STAGES`.

        Returns
        -------
        dict
            The stage's figures; ``{"failed": reason}`` when it fails for want of data, which costs this stage only;
            ``{"skipped": reason}`` when it has no meaning for this city.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            There is no such stage.
        """
        if stage not in STAGE_FUNCTIONS:
            raise unknown_name("The stage", stage, STAGE_FUNCTIONS)
        start = perf_counter()
        status, reason = "ok", ""
        try:
            tables, facts = STAGE_FUNCTIONS[stage](self.territory, self.national)
            self.tables |= tables
            self.facts[stage] = facts
        except DiagnosisError as error:
            status = "skipped" if isinstance(error, NotApplicableError) else "failed"
            reason = str(error)
        self.records[stage] = StageRecord(
            name=stage,
            status=status,
            seconds=round(perf_counter() - start, 3),
            detail=reason,
        )
        return {status: reason} if reason else facts

    def show(self, table: str) -> pd.DataFrame | Missing:
        """Return a table of the stages so far, or why it is not there: a notebook goes on without it."""
        try:
            return self.result().table(table)
        except InputError as error:
            return Missing(str(error))

    def draw(self, figure: str) -> Figure | Missing:
        """Draw a figure of the stages so far, or say why it cannot be drawn: a notebook goes on without it.

        Parameters
        ----------
        figure : str
            One of :data:`diagnosis.report.FIGURES`.
        """
        from diagnosis.report.figures import draw

        try:
            return draw(figure, self.result(), self.settings.language)
        except UnknownNameError:
            raise
        except InputError as error:
            return Missing(str(error))

    def result(self, save_to: str | Path = "") -> Diagnosis:
        """Put together what the stages found.

        Parameters
        ----------
        save_to : path, optional
            Folder to save the result in.

        Returns
        -------
        Diagnosis
            Its manifest says 1970-01-01 as moment of the run, since the library does not read the clock: see
            :meth:`Diagnosis.at`.
        """
        country = self.national.country
        found = [table for name, table in self.tables.items() if name.endswith("_findings")]
        tables = {name: table for name, table in self.tables.items() if not name.endswith("_findings")}
        if found:
            tables["findings"] = pd.concat(found, ignore_index=True)
        manifest = Manifest(
            edition=self.settings.edition,
            city=self.city.id,
            created=datetime(1970, 1, 1, tzinfo=UTC),
            code_version=code_digest(),
            settings_digest=run_key(self.city, self.settings, country.key),
            sources=country.sources,
            packages=package_versions(PACKAGES),
            warnings=(*country.notes, *(reason.en for reason in country.absent.values())),
            flows_kind=country.flows_kind,
            stages=tuple(self.records.values()),
        )
        failed = {name: record.detail for name, record in self.records.items() if record.status == "failed"}
        result = Diagnosis(self.city, tables, dict(self.facts), manifest, failed)
        if save_to:
            result.save(save_to)
        return result


@dataclass(frozen=True)
class Missing:
    """Stands in a notebook where a table or figure cannot be shown, and says why."""

    reason: str

    def _repr_html_(self) -> str:
        return f"<p><em>{html.escape(self.reason)}</em></p>"


def diagnose(
    city: City | str,
    settings: Settings | None = None,
    national: National | None = None,
) -> Diagnosis:
    """Carry out every stage for one city: :class:`Study` from start to end.

    Returns
    -------
    Diagnosis
        A stage that fails for want of data costs its own tables only, and is named in `failed`.
    """
    study = Study(city, settings, national)
    for stage in STAGES:
        study.carry_out(stage)
    return study.result()


def open_study(
    city: str = "example", *, edition: str = "draft", language: str = "it", mirror: str = "", job: str = ""
) -> Study:
    """Open the study a notebook works on: by hand for a city, or the one a batch hands over.

    Parameters
    ----------
    city : str
        Name of a pilot city, ``"example"``, or the path of a YAML file.
    edition, language : str
        Of the report.
    mirror : str
        Folder with the publishers' files; none if empty.
    job : str
        File of a :class:`Job`, which then says everything; empty when a person runs the notebook.

    Returns
    -------
    Study
    """
    if not job:
        return Study(city, default_settings(edition=edition, language=language, mirror=mirror or None))
    handed = build(Job, read_yaml(Path(job)), "job")
    return Study(handed.city, handed.settings)


def run_key(city: City, settings: Settings, country_key: str) -> str:
    """Digest of everything a city's result depends on: code, data, its configuration, edition and language."""
    return digest(
        code_digest(), country_key, city.model_dump(mode="json"), settings.edition, settings.language
    )


def describe_territory(territory: Territory, national: National) -> Stage:
    """Stage *territory*: its municipalities, neighbours, residents by age, and what they amount to."""
    country, city = territory.country, territory.city
    residents = country.residents
    municipalities = territory.municipalities.assign(residents=residents)
    context = _around(country.municipalities, territory.codes)
    population = country.tables["population"]
    members = {
        "city": pd.Index([city.code]), "territory": territory.codes, "country": population.index,
    }  # fmt: skip
    ages = pd.DataFrame(
        {name: population.loc[population.index.intersection(codes)].sum() for name, codes in members.items()}
    ).T
    own = municipalities["residents"]
    small = own[own <= SMALL]
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
    from diagnosis.indicators import compute

    found, scored = national.indicators(), national.scores()
    city = territory.city
    municipalities = territory.country.municipalities
    values, groups = found["values"], found["groups"]
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
    beside = pd.concat([frame.set_axis([name]) for name, frame in rows.items()])
    scores = {"city": scored["values"].loc[[city.code]], "territory": own_scores}
    scores |= {"region": scored["groups"].loc[[region]], "country": scored["groups"].loc[[COUNTRY]]}
    capitals = values.index[municipalities["capital"] == 1]
    like = capitals if len(capitals) >= FEWEST_CAPITALS else values.index
    like = like.union([city.code])
    gaps = found["gaps"]
    tables = {
        "indicators": values.loc[territory.codes],
        "gaps": gaps[gaps["code"].isin(territory.codes)].reset_index(drop=True),
        "groups": beside.rename_axis("group"),
        "capitals": values.loc[like].assign(pilot=like.isin(national.pilots)),
        "scores": scored["values"].loc[territory.codes],
        "group_scores": pd.concat([frame.set_axis([name]) for name, frame in scores.items()]),
        "like_scores": scored["values"].loc[like],
        "municipal_findings": findings.find(
            values.loc[like], city.code, groups.loc[COUNTRY], national.catalogue, "municipality"
        ),
    }
    facts = {
        "computed": int(tables["indicators"].notna().any().sum()),
        "gaps": len(tables["gaps"]),
        "compared_with": "capitals" if len(capitals) >= FEWEST_CAPITALS else "municipalities",
        "like": len(like),
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
    series = territory.country.tables["wellbeing"]
    own = series[series["territory"].isin([province, region, COUNTRY])]
    tables = {
        "wellbeing": beside.rename_axis("indicator"),
        "domain_scores": scores,
        "wellbeing_provinces": values.loc[provinces],
        "provincial_findings": findings.find(
            values.loc[provinces, regular], province, values.loc[COUNTRY], national.catalogue, "province"
        ),
        "series": own.replace({"territory": {province: "territory", region: "region", COUNTRY: "country"}}),
    }
    facts = {
        "province": province,
        "region": region,
        "indicators": int(beside["value"].notna().sum()),
        "without_value": beside.index[beside["value"].isna()].tolist(),
        "provinces": len(provinces),
        "first_year": str(years.loc[regular, "year"].min()),
        "last_year": str(years.loc[regular, "year"].max()),
    }
    return tables, facts


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
        "share_residents_inside": float(stay / residents) if residents else None,
        "share_jobs_inside": float(stay / jobs) if jobs else None,
        "city_in": int(flows.loc[own & (flows["destination"] == code), "commuters"].sum()),
        "city_out": int(flows.loc[own & (flows["origin"] == code), "commuters"].sum()),
        "summary": {name: (None if pd.isna(value) else float(value)) for name, value in summary.items()},
    }
    return tables, facts


def describe_areas(territory: Territory, national: National) -> Stage:
    """Stage *areas*: the functional areas that touch the territory, whole, beside the official ones."""
    parameters = territory.city.areas
    found = national.areas(parameters)
    labels = found["labels"]
    municipalities = territory.country.municipalities
    code = territory.city.code
    touching = labels.loc[territory.codes, "functional"].dropna().unique()
    members = labels.index[labels["functional"].isin(touching)].union(territory.codes)
    areas = municipalities.loc[members, ["name", "province", "province_name"]].join(labels.loc[members])
    areas["in_territory"] = areas.index.isin(territory.codes)
    quality = found["quality"].loc[sorted(touching)]
    areas["functional_name"] = areas["functional"].map(quality["name"])
    tables = {
        "areas": areas,
        "area_quality": quality,
        "area_map": municipalities.loc[members, ["name", "geometry"]],
    }
    own = areas.at[code, "functional"]
    inside = areas[areas["functional"] == own] if pd.notna(own) else areas.loc[[code]]
    facts: dict[str, Any] = {
        "kind": territory.country.flows_kind,
        "parameters": parameters.model_dump(),
        "areas": len(touching),
        "national_areas": len(found["quality"]),
        "city_area": None if pd.isna(own) else int(own),
        "city_members": len(inside),
        "city_residents": int(territory.country.residents.reindex(inside.index).sum()),
        "city_outside_territory": int((~inside["in_territory"]).sum()),
        "unassigned": areas.index[areas["functional"].isna()].tolist(),
        "broken": int((quality["n_pieces"] > 1).sum()),
        "agreement": found.get("agreement"),
    }
    if "official" in areas:
        official = found["official_quality"]
        official_names = found["official_names"]["area_name"]
        shown = areas["official"].dropna().unique()
        tables["official_quality"] = official.loc[sorted(shown)].assign(
            name=official_names.reindex(sorted(shown))
        )
        areas["official_name"] = areas["official"].map(official_names)
        facts["official_areas"] = len(shown)
        mine = areas.at[code, "official"]
        facts["city_official"] = None if pd.isna(mine) else str(official_names[mine])
        both = (areas["official"] == mine) & (areas["functional"] == own)
        facts["city_in_both"] = int(both.sum())
        facts["city_official_members"] = int((labels["official"] == mine).sum())
    return tables, facts


def _around(municipalities: pd.DataFrame, codes: pd.Index) -> pd.DataFrame:
    """Municipalities near the territory but not in it, as background of maps."""
    west, south, east, north = municipalities.loc[codes].total_bounds
    reach = CONTEXT_KM * 1000
    near = municipalities.cx[west - reach : east + reach, south - reach : north + reach]
    return near.loc[~near.index.isin(codes), ["name", "geometry"]]


STAGE_FUNCTIONS: dict[str, Callable[[Territory, National], Stage]] = {
    "territory": describe_territory,
    "indicators": compare_indicators,
    "wellbeing": compare_wellbeing,
    "networks": describe_networks,
    "areas": describe_areas,
}
