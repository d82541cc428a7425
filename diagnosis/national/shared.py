"""What is the same for every city of a country: computed once, kept under a digest of its inputs.

A city is always read against the whole country: its municipalities against all municipalities, its province against
all provinces, its areas drawn on the whole matrix so that no area is cut by a border.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.catalogue import Catalogue, Indicator, load_catalogue
from diagnosis.config import AreaParameters, Settings, city_files, load_city
from diagnosis.errors import DiagnosisError
from diagnosis.frameworks import load_framework
from diagnosis.indicators.wellbeing import COUNTRY
from diagnosis.national.areas import draw_areas, repeat_areas
from diagnosis.national.course import score_course
from diagnosis.national.fragility import is_index, prepare_scoring, reconstruct_fragility
from diagnosis.national.indicators import compute_everywhere, guard_rates
from diagnosis.national.releases import load_release
from diagnosis.national.scores import Scoring
from diagnosis.national.structure import find_structure
from diagnosis.provenance import digest
from diagnosis.storage import StageCache
from diagnosis.territory import MODELLED, Country

if TYPE_CHECKING:
    from diagnosis.composite.release import AmpiRelease

COMMUTING = "commuting_2021"
OUTLINE_METRES = 1000


@dataclass(frozen=True)
class National:
    """The stages of a whole country, each computed when first asked for and then kept.

    Parameters
    ----------
    country : Country
        Its tables.
    cache : StageCache
        Where results are kept.
    catalogue : Catalogue
        The indicators.
    pilots : tuple of str
        Codes of the pilot cities.
    releases : mapping of str to AmpiRelease
        By framework, the release whose goalposts its scores use; those of the current data where there is none.
    """

    country: Country
    cache: StageCache
    catalogue: Catalogue
    pilots: tuple[str, ...] = ()
    releases: Mapping[str, AmpiRelease] = field(default_factory=dict)
    _kept: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def indicators(self) -> dict[str, Any]:
        """Municipal indicators of every municipality and of every region, province and the country.

        Returns
        -------
        dict
            `values` (municipalities x indicators), `gaps` (code, indicator, reason), `groups` (country, ``R`` +
            region, province x indicators: rates recomputed from counts).
        """
        return self._stage("indicators", (), lambda: compute_everywhere(self.country))

    def scores(self) -> dict[str, Any]:
        """Theme scores of the municipalities and of the groups (AMPI, country = 100), with goalposts and framework.

        Returns
        -------
        dict
            `values` and `groups` (one column a theme), `goalposts`, `framework` (one row an indicator).
        """
        return self._stage("scores", self._frozen("municipalities"), self._compute_scores)

    def score_uncertainty(self, rows: pd.DataFrame | None = None) -> dict[str, Any]:
        """Intervals of the theme scores: :meth:`diagnosis.national.scores.Scoring.replicate`.

        Parameters
        ----------
        rows : DataFrame, groups x indicators, optional
            Further groups of municipalities, described like the provinces.
        """
        return self._stage(
            "score_uncertainty",
            self._frozen("municipalities") + (() if rows is None else (rows.to_csv(),)),
            lambda: self.municipal_scoring(rows).replicate(self._standard_errors()),
        )

    def small_numbers(self) -> pd.DataFrame:
        """Rates of municipalities with the interval chance leaves around them, and smoothed beside the official value.

        Returns
        -------
        DataFrame
            One row a municipality and indicator: the columns of
            :meth:`diagnosis.indicators.RateIntervals.to_table`, `smoothed` and `own_weight`.
        """
        return self._stage("small_numbers", (), lambda: guard_rates(self.country))["table"]

    def wellbeing(self) -> dict[str, Any]:
        """Province-level well-being: reference years, values and domain scores (AMPI, country = 100)."""
        return self._stage("wellbeing", self._frozen("provinces"), self._compute_wellbeing)

    def wellbeing_uncertainty(self) -> dict[str, Any]:
        """Intervals of the domain scores, and `choices`: which choice moves the ranks of the provinces most."""
        return self._stage(
            "wellbeing_uncertainty", self._frozen("provinces"), self._compute_wellbeing_uncertainty
        )

    def wellbeing_course(self) -> dict[str, Any]:
        """Domain scores of provinces, regions and country over the years: :func:`score_course`."""
        return self._stage(
            "wellbeing_course",
            (),
            lambda: score_course(
                self.country.table("wellbeing"), self.catalogue, load_framework("provinces")
            ),
        )

    def municipal_scoring(self, rows: pd.DataFrame | None = None) -> Scoring:
        """Return the framework of the municipalities with their values; `rows` are further groups."""
        found = self.indicators()
        groups = found["groups"]
        if rows is not None:
            groups = pd.concat([groups, rows.loc[rows.index.difference(groups.index)]])
        return Scoring.of(
            load_framework("municipalities"),
            self.catalogue,
            found["values"],
            groups,
            without=self._modelled(),
            release=self.releases.get("municipalities"),
        )

    def provincial_scoring(self) -> Scoring:
        """Return the framework of the provinces with their values."""
        found = self.wellbeing()
        return self._provincial_scoring(found["values"], found["years"]["year"])

    def release_of(self, framework: str) -> str | None:
        """Name of the release whose goalposts a framework's scores use; None for those of the current data."""
        return self.releases[framework].version if framework in self.releases else None

    def scorings(self) -> dict[str, Scoring]:
        """Return every framework with its values, on the goalposts of the current data."""
        current = replace(self, releases={})
        return {"municipalities": current.municipal_scoring(), "provinces": current.provincial_scoring()}

    def fragility(self) -> dict[str, Any]:
        """ISTAT's fragility index as far as it can be rebuilt: :func:`reconstruct_fragility`."""
        return self._stage(
            "fragility", (), lambda: reconstruct_fragility(self._fragility_scoring(), self._standard_errors())
        )

    def spatial_structure(self) -> dict[str, Any]:
        """Local clusters of the scores of municipalities: :func:`find_structure`."""
        return self._stage("structure", self._frozen("municipalities"), self._compute_structure)

    def outline(self) -> pd.DataFrame:
        """Simplified outlines of the regions, for small maps."""
        return self._stage("outline", (), self._compute_outline)["regions"]

    def score_groups(self, groups: pd.DataFrame) -> pd.DataFrame:
        """Theme scores of further groups of municipalities, on the same goalposts as everybody else's."""
        return self.municipal_scoring().score(groups)

    def is_modelled(self, item: Indicator) -> bool:
        """Whether an indicator rests on modelled flows: shown as such, but neither scored nor compared."""
        return self.country.flows_kind == MODELLED and COMMUTING in item.sources

    def contiguity(self) -> pd.DataFrame:
        """Pairs of municipalities that share a border, or a ferry edge."""
        return self._stage("contiguity", (), self._compute_contiguity)["pairs"]

    def network(self) -> dict[str, Any]:
        """Measures of every municipality in the commuting network."""
        return self._stage("network", (), self._compute_network)

    def areas(self, parameters: AreaParameters) -> dict[str, Any]:
        """Proposed areas of the whole country beside ISTAT's method and existing geographies: `draw_areas`."""
        return self._stage(
            "areas",
            (parameters.model_dump(exclude={"runs"}),),
            lambda: draw_areas(self.country, self.contiguity(), parameters),
        )

    def stability(self, parameters: AreaParameters) -> dict[str, Any] | None:
        """How sensitive the proposed areas are: `repeat_areas`; None where no runs are wanted."""
        if parameters.runs == 0:
            return None
        return self._stage(
            "stability",
            (parameters.model_dump(),),
            lambda: repeat_areas(self.country, self.contiguity(), parameters),
        )

    def _frozen(self, framework: str) -> tuple[dict[str, Any], ...]:
        """Return the content of the release a stage of a framework depends on, for its key."""
        return (self.releases[framework].to_dict(),) if framework in self.releases else ()

    def _stage(self, name: str, inputs: tuple, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        key = digest(self.country.key, *inputs)
        if (name + key) not in self._kept:
            self._kept[name + key] = self.cache.get(name, key, compute)
        return self._kept[name + key]

    def _compute_scores(self) -> dict[str, Any]:
        scoring = self.municipal_scoring()
        scores = scoring.score()
        return {
            "values": scores.loc[scoring.values.index],
            "groups": scores.loc[self.indicators()["groups"].index],
            "goalposts": scoring.goalposts.to_frame(),
            "framework": scoring.describe(),
        }

    def _standard_errors(self) -> pd.DataFrame | None:
        if not load_framework("municipalities").uncertainty.small_numbers:
            return None
        return self.small_numbers().pivot(index="code", columns="indicator", values="standard_error")

    def _modelled(self) -> dict[str, str]:
        return {
            item.id: "modelled" for item in self.catalogue.select("municipality") if self.is_modelled(item)
        }

    def _fragility_scoring(self) -> Scoring | None:
        found = self.indicators()
        return prepare_scoring(found["values"], found["groups"], self.catalogue, self._modelled())

    def _compute_structure(self) -> dict[str, Any]:
        smoothed = self.small_numbers().pivot(index="code", columns="indicator", values="smoothed")
        fragility = self._fragility_scoring()
        scorings = [fragility] if fragility is not None and is_index(fragility) else []
        return find_structure([*scorings, self.municipal_scoring()], smoothed, self.contiguity())

    def _compute_wellbeing(self) -> dict[str, Any]:
        from diagnosis.indicators import wellbeing as published

        series = self.country.table("wellbeing")
        years = published.latest(series, self.catalogue)
        values = published.table(series, years)
        scoring = self._provincial_scoring(values, years["year"])
        return {
            "years": years,
            "values": values,
            "scores": scoring.score().loc[values.index],
            "goalposts": scoring.goalposts.to_frame(),
            "framework": scoring.describe(),
        }

    def _provincial_scoring(self, values: pd.DataFrame, years: pd.Series) -> Scoring:
        others = values.index.str.startswith(("R", COUNTRY))
        return Scoring.of(
            load_framework("provinces"),
            self.catalogue,
            values[~others],
            values[others],
            years=years,
            release=self.releases.get("provinces"),
        )

    def _compute_wellbeing_uncertainty(self) -> dict[str, Any]:
        scoring = self.provincial_scoring()
        return {**scoring.replicate(), "choices": scoring.explain()}

    def _compute_outline(self) -> dict[str, Any]:
        # Simplified before they are joined: three times quicker, and slivers between neighbours vanish.
        municipalities = self.country.municipalities[["region", "region_name", "geometry"]]
        simple = municipalities.set_geometry(municipalities.simplify_coverage(OUTLINE_METRES))
        return {"regions": simple.dissolve("region")}

    def _compute_contiguity(self) -> dict[str, Any]:
        from diagnosis.networks import contiguity

        return {"pairs": contiguity(self.country.municipalities)}

    def _compute_network(self) -> dict[str, Any]:
        from diagnosis.networks import network_measures

        return {"measures": network_measures(self.country.table("flows"), self.country.municipalities.index)}


def load_national(country: Country, settings: Settings) -> National:
    """Prepare the national stages of a country; its tables are all read and kept, nothing is computed yet.

    Parameters
    ----------
    country : Country
        Its tables.
    settings : Settings
        Folder of saved results; the release whose goalposts the scores use.

    Returns
    -------
    National

    Raises
    ------
    diagnosis.errors.InputError
        There is no such release, it cannot be read, or it is of another country.
    diagnosis.errors.DiagnosisError
        A file of the country is not what it should be: better said now than by a stage half-way.
    """
    country.save_tables()
    codes = country.municipalities.index
    pilots = []
    for name in city_files():
        with suppress(DiagnosisError):  # a broken file stops its own city, and is told there
            city = load_city(name)
            pilots += [city.code] if city.pilot else []
    known = tuple(code for code in pilots if code in codes)
    releases = load_release(settings, country.name.it)
    return National(country, StageCache(settings.cache), load_catalogue(), known, releases)


def compute_all(national: National, parameters: AreaParameters) -> dict[str, str]:
    """Compute every national stage, so that cities that run in parallel find them saved.

    Returns
    -------
    dict of str to str
        The stages that failed, with the reason.
    """
    failed = {}
    stages: dict[str, Callable[[], Any]] = {
        "indicators": national.indicators,
        "scores": national.scores,
        "small_numbers": national.small_numbers,
        "score_uncertainty": national.score_uncertainty,
        "wellbeing": national.wellbeing,
        "wellbeing_uncertainty": national.wellbeing_uncertainty,
        "wellbeing_course": national.wellbeing_course,
        "outline": national.outline,
        "contiguity": national.contiguity,
        "fragility": national.fragility,
        "structure": national.spatial_structure,
        "network": national.network,
        "areas": lambda: national.areas(parameters),
        "stability": lambda: national.stability(parameters),
    }
    for name, stage in stages.items():
        try:
            stage()
        except DiagnosisError as error:
            failed[name] = str(error)
    return failed
