"""What is the same for every city of a country: computed once, kept under a digest of its inputs.

A city is always read against the whole country: its municipalities against all municipalities, its province against
all provinces, its areas drawn on the whole matrix so that no area is cut by a border.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from diagnosis.catalogue import Catalogue, Indicator, load_catalogue
from diagnosis.config import AreaParameters, Settings, city_files, load_city
from diagnosis.errors import DiagnosisError, InputError
from diagnosis.indicators.wellbeing import COUNTRY
from diagnosis.national_areas import draw_areas, repeat_areas
from diagnosis.provenance import digest
from diagnosis.storage import StageCache
from diagnosis.territory import MODELLED, Country, Territory

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
    """

    country: Country
    cache: StageCache
    catalogue: Catalogue
    pilots: tuple[str, ...] = ()
    _kept: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def indicators(self) -> dict[str, Any]:
        """Municipal indicators of every municipality and of every region, province and the country.

        Returns
        -------
        dict
            `values` (municipalities x indicators), `gaps` (code, indicator, reason), `groups` (country, ``R`` +
            region, province x indicators: rates recomputed from counts).
        """
        return self._stage("indicators", (), self._compute_indicators)

    def scores(self) -> dict[str, Any]:
        """Theme scores of the municipalities and of the groups (AMPI, country = 100)."""
        return self._stage("scores", (), self._compute_scores)

    def wellbeing(self) -> dict[str, Any]:
        """Province-level well-being: reference years, values and domain scores (AMPI, country = 100)."""
        return self._stage("wellbeing", (), self._compute_wellbeing)

    def outline(self) -> pd.DataFrame:
        """Simplified outlines of the regions, for small maps."""
        return self._stage("outline", (), self._compute_outline)["regions"]

    def score_groups(self, groups: pd.DataFrame) -> pd.DataFrame:
        """Theme scores of further groups of municipalities, on the same goalposts as everybody else's."""
        from diagnosis.composite import Goalposts, composite_index

        posts = Goalposts(self.scores()["goalposts"])
        names = list(posts.frame.index)
        domains = pd.Series({name: self.catalogue[name].domain for name in names})
        return composite_index(groups[names].astype(float), method="ampi", goalposts=posts, groups=domains)

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

    def _stage(self, name: str, inputs: tuple, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        key = digest(self.country.key, *inputs)
        if (name + key) not in self._kept:
            self._kept[name + key] = self.cache.get(name, key, compute)
        return self._kept[name + key]

    def _compute_indicators(self) -> dict[str, Any]:
        from diagnosis.indicators import compute, gap_reasons

        tables = self.country.tables
        municipalities = self.country.municipalities
        values = compute(tables)
        everything = pd.Series(COUNTRY, index=municipalities.index)
        groupings = (everything, "R" + municipalities["region"], municipalities["province"])
        groups = pd.concat([compute(tables, groups=grouping) for grouping in groupings])
        groups.index.name = "group"
        return {"values": values, "gaps": gap_reasons(values, tables), "groups": groups}

    def _compute_scores(self) -> dict[str, Any]:
        from diagnosis.composite import Goalposts, composite_index

        found = self.indicators()
        scored = {
            item.id: item
            for item in self.catalogue.select(level="municipality", scored=True)
            if found["values"][item.id].nunique() > 1 and not self.is_modelled(item)
        }
        columns = list(scored)
        values = found["values"][columns].astype(float)
        groups = found["groups"][columns].astype(float)
        directions = pd.Series({name: item.direction for name, item in scored.items()})
        domains = pd.Series({name: item.domain for name, item in scored.items()})
        posts = Goalposts.from_panel(values, groups.loc[COUNTRY], directions)
        both = pd.concat([values, groups])
        scores = composite_index(both, method="ampi", directions=directions, goalposts=posts, groups=domains)
        return {
            "values": scores.loc[values.index],
            "groups": scores.loc[groups.index],
            "goalposts": posts.to_frame(),
        }

    def _compute_wellbeing(self) -> dict[str, Any]:
        from diagnosis.composite import Goalposts, composite_index
        from diagnosis.indicators import wellbeing as published

        series = self.country.table("wellbeing")
        years = published.latest(series, self.catalogue)
        table = published.table(series, years)
        scored = [item.id for item in self.catalogue.select(level="province", scored=True)]
        known = [name for name in scored if pd.notna(table.at[COUNTRY, name])]
        provinces = table.loc[~table.index.str.startswith(("R", COUNTRY))]
        known = [name for name in known if provinces[name].nunique() > 1]
        directions = pd.Series({name: self.catalogue[name].direction for name in known})
        domains = pd.Series({name: self.catalogue[name].domain for name in known})
        posts = Goalposts.from_panel(provinces[known], table.loc[COUNTRY, known], directions[known])
        scores = composite_index(
            table[known], method="ampi", directions=directions[known], goalposts=posts, groups=domains
        )
        return {"years": years, "values": table, "scores": scores, "goalposts": posts.to_frame()}

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


def compute_indicators(place: Country | Territory) -> pd.DataFrame:
    """Compute the municipal indicators of a country, or of the municipalities of a territory.

    Parameters
    ----------
    place : Country or Territory

    Returns
    -------
    DataFrame
        Index code, one column an indicator; units and directions are in the catalogue.
    """
    from diagnosis.indicators import compute

    if isinstance(place, Territory):
        return compute(place.country.tables).loc[place.codes]
    return compute(place.tables)


def composite_index(values: pd.DataFrame, method: str = "ampi", **options: Any) -> pd.DataFrame:
    """Score units on a composite index: :func:`diagnosis.composite.composite_index` with the catalogue's directions.

    Parameters
    ----------
    values : DataFrame, units x indicators
    method : {"ampi", "mpi"}
    **options
        As in :func:`diagnosis.composite.composite_index`. Without `directions` and `goalposts`, `values` must be
        made of indicators of the catalogue; those in which better and worse cannot be said (neutral ones and
        classes), and those that are the same in every unit, are left out.

    Returns
    -------
    DataFrame
        One row a unit, one column a domain (`groups`) or ``score``.

    Raises
    ------
    diagnosis.errors.InputError
        No indicator is left to be scored.
    diagnosis.errors.UnknownNameError
        A column is not an indicator of the catalogue.
    """
    from diagnosis import composite

    if options.get("directions") is None and options.get("goalposts") is None:
        catalogue = load_catalogue()
        directed = [name for name in values if catalogue[name].direction != "neutral"]
        kept = [name for name in directed if values[name].nunique() > 1]
        if not kept:
            raise InputError(
                "At least one indicator must have a direction and vary", f"{list(values)} do not"
            )
        values = values[kept].astype(float)
        options["directions"] = pd.Series({name: catalogue[name].direction for name in kept})
    return composite.composite_index(values, method, **options)


def load_national(country: Country, settings: Settings) -> National:
    """Prepare the national stages of a country; nothing is computed yet.

    Parameters
    ----------
    country : Country
        Its tables.
    settings : Settings
        Folder of saved results.

    Returns
    -------
    National
    """
    codes = country.municipalities.index
    pilots = []
    for name in city_files():
        with suppress(DiagnosisError):  # a broken file stops its own city, and is told there
            city = load_city(name)
            pilots += [city.code] if city.pilot else []
    known = tuple(code for code in pilots if code in codes)
    return National(country, StageCache(settings.cache), load_catalogue(), known)


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
        "wellbeing": national.wellbeing,
        "outline": national.outline,
        "contiguity": national.contiguity,
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
