"""One indicator explained: what it is, from which files, how far they reach, and what it says of one city."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from diagnosis.catalogue import Catalogue, Domain, Indicator, load_catalogue
from diagnosis.codes.lives import CodeLife, explain_code
from diagnosis.config import Settings, default_settings, load_city
from diagnosis.errors import EXAMPLES_SHOWN, DiagnosisError, InputError, SourceError, unknown_name
from diagnosis.provenance import Source, SourceFile, load_sources
from diagnosis.schema import LANGUAGES
from diagnosis.sources.dependence import needed_sources
from diagnosis.sources.store import Store
from diagnosis.territory import Country, Territory, load_country, load_territory

if TYPE_CHECKING:
    from diagnosis.codes.history import CodeHistory

NOT_PUBLISHED, NO_PROVINCE = "not_published", "no_province"
"""Why a province has no value, and why a territory has none of a province-level indicator."""
CODE_LISTS = {
    "suppressed": "suppressed_municipalities",
    "list_2025": "municipalities_2025",
    "list_2026": "situas_municipalities",
    "list_2011": "sll_2011",
}
"""Arguments of :func:`diagnosis.sources.code_lists.read_code_history` and the sources that hold the lists."""


@dataclass(frozen=True, eq=False)
class PlaceValues:
    """What an indicator says of one city and its territory.

    Attributes
    ----------
    territory : Territory
    groups : DataFrame
        Index ``city``, ``territory``, ``region``, ``country``; `value`, `year`. No city for a provincial indicator: the
        value of a province is never attached to its municipalities.
    members : DataFrame
        Municipal indicators only: index code of each municipality of the territory; `name`, `value`, `reason` (a key
        of :data:`diagnosis.indicators.REASONS`, blank where there is a value).
    series : Series
        Provincial indicators only: value of the province by year.
    reason : str
        Why there is no value at all, if so.
    lives : tuple of CodeLife
        Municipalities of the territory whose code, name or land has changed since the history begins.
    history : tuple of str
        First and last day of that history; empty if there is none.
    """

    territory: Territory
    groups: pd.DataFrame
    members: pd.DataFrame = field(default_factory=pd.DataFrame)
    series: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    reason: str = ""
    lives: tuple[CodeLife, ...] = ()
    history: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class IndicatorExplanation:
    """Everything there is to say of one indicator.

    Attributes
    ----------
    indicator : Indicator
        Its entry in the catalogue.
    domain : Domain
    sources : dict of str to Source
        What it is computed from, and what is needed to read that.
    files : dict of str to SourceFile
        Those of them that are here.
    units : int
        Municipalities, or provinces, there are.
    with_value : int
        How many of them have a value.
    reasons : dict of str to int
        Units without a value, by reason.
    year : str
        Year the values are of.
    modelled : bool
        Whether they rest on modelled commuting.
    place : PlaceValues or None
        What it says of a city, if one was named.
    """

    indicator: Indicator
    domain: Domain
    sources: Mapping[str, Source]
    files: Mapping[str, SourceFile]
    units: int
    with_value: int
    reasons: Mapping[str, int]
    year: str
    modelled: bool = False
    place: PlaceValues | None = None


def find_indicator(name: str, catalogue: Catalogue) -> Indicator:
    """Find an indicator by its id, by its name in either language, or by words that only its name has.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        There is none; those whose names have the words, or else the nearest id or name, are told.
    """
    if name in catalogue:
        return catalogue[name]
    wanted = " ".join(name.split()).casefold()
    for item in catalogue.indicators.values():
        if wanted in {item.id.casefold(), *(item.name[language].casefold() for language in LANGUAGES)}:
            return item
    alike = _find_alike(wanted, catalogue)
    if len(alike) == 1:
        return catalogue[next(iter(alike))]
    if alike:
        shown = [f"{item} ({title})" for item, title in list(alike.items())[:EXAMPLES_SHOWN]]
        more = f", and {len(alike) - len(shown)} more" if len(alike) > len(shown) else ""
        raise unknown_name(
            "An indicator", name, catalogue, f"Several names have these words: {', '.join(shown)}{more}"
        )
    if difflib.get_close_matches(wanted, map(str.casefold, catalogue), n=1, cutoff=0.6):
        raise unknown_name("An indicator", name, catalogue)
    names = {
        item.name[language].casefold(): item.id
        for item in catalogue.indicators.values()
        for language in LANGUAGES
    }
    if near := difflib.get_close_matches(wanted, names, n=1, cutoff=0.5):
        raise unknown_name("An indicator", name, catalogue, f"Did you mean {names[near[0]]!r} ({near[0]})?")
    raise unknown_name("An indicator", name, catalogue, "`diagnosis catalogue` lists them all")


def _find_alike(wanted: str, catalogue: Catalogue) -> dict[str, str]:
    """Find the indicators whose id or name has all words wanted; the name by id, best first."""
    parts = _plain(wanted).split()
    found: list[tuple[bool, str, str]] = []
    for item in catalogue.indicators.values():
        for title in (*(item.name[language] for language in LANGUAGES), item.id):
            plain = _plain(title)
            if parts and all(part in plain for part in parts):
                shown = title if title != item.id else item.name[LANGUAGES[0]]
                found.append((not plain.startswith(parts[0]), item.id, shown))
                break
    return {item: title for _, item, title in sorted(found, key=lambda entry: entry[0])}


def _plain(text: str) -> str:
    """Return a text in small letters without accents; the words of an id apart."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("_", " "))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def explain_indicator(
    name: str,
    city: str | None = None,
    settings: Settings | None = None,
    country: Country | None = None,
) -> IndicatorExplanation:
    """Explain one indicator: its definition, sources, coverage and, for a city, values and codes.

    Parameters
    ----------
    name : str
        Id, name in either language, or words that only one name has.
    city : str, optional
        Name of a pilot city, ``"example"``, or path of a YAML file.
    settings : Settings, optional
        Folders and mirror; the project's own if not given.
    country : Country, optional
        Already loaded; by default that of the city, or Italy.

    Returns
    -------
    IndicatorExplanation

    Raises
    ------
    diagnosis.errors.UnknownNameError
        No such indicator, or no such city; the nearest name is told.
    diagnosis.errors.DiagnosisError
        A file is there but is not what it should be.
    """
    settings = settings or default_settings()
    catalogue = load_catalogue()
    indicator = find_indicator(name, catalogue)
    configuration = load_city(city) if city else None
    country = country or load_country(settings, configuration.data if configuration else None)
    territory = load_territory(configuration, settings, country) if configuration else None
    listed = load_sources(settings.sources)
    store = Store(listed, settings.raw, settings.mirror)
    needed = [item for item in needed_sources(indicator.sources) if item in listed]
    municipal = indicator.level == "municipality"
    look = _explain_municipal if municipal else _explain_provincial
    units, with_value, reasons, year, place = look(indicator, catalogue, country, territory)
    if place is not None:
        place = _add_lives(place, store)
    return IndicatorExplanation(
        indicator=indicator,
        domain=catalogue.domains[indicator.domain],
        sources={item: listed[item] for item in needed},
        files=_files(needed, store),
        units=units,
        with_value=with_value,
        reasons=reasons,
        year=year,
        modelled=country.flows_kind == "modelled" and "commuting_2021" in indicator.sources,
        place=place,
    )


_Found = tuple[int, int, dict[str, int], str, PlaceValues | None]


def _explain_municipal(
    indicator: Indicator, catalogue: Catalogue, country: Country, territory: Territory | None
) -> _Found:
    from diagnosis.indicators import compute, gap_reasons

    tables, only = country.tables, [indicator.id]
    values = compute(tables, only=only)
    gaps = gap_reasons(values, tables).set_index("code")["reason"]
    reasons = {str(reason): int(number) for reason, number in gaps.value_counts().items()}
    place = None
    if territory is not None:
        municipalities = country.municipalities
        groupings = {
            "territory": pd.Series("territory", index=territory.codes),
            "region": _same(municipalities["region"], territory.region, "region"),
            "country": pd.Series("country", index=municipalities.index),
        }
        city = territory.city.code
        found = {"city": values.at[city, indicator.id]}
        for group, grouping in groupings.items():
            found[group] = compute(tables, groups=grouping, only=only).at[group, indicator.id]
        members = pd.DataFrame(
            {
                "name": municipalities.loc[territory.codes, "name"],
                "value": values.loc[territory.codes, indicator.id],
                "reason": gaps.reindex(territory.codes).fillna("").astype(object),
            }
        )
        groups = pd.DataFrame({"value": pd.Series(found, dtype=object), "year": indicator.year})
        place = PlaceValues(territory, groups, members)
    return len(values), int(values[indicator.id].notna().sum()), reasons, indicator.year, place


def _same(values: pd.Series, wanted: str, name: str) -> pd.Series:
    return pd.Series(name, index=values.index[values == wanted])


def _explain_provincial(
    indicator: Indicator, catalogue: Catalogue, country: Country, territory: Territory | None
) -> _Found:
    from diagnosis.indicators import wellbeing

    published = country.tables.get("wellbeing")
    provinces = country.municipalities["province"].unique()
    if published is None:
        place = None if territory is None else PlaceValues(territory, _empty(), reason="source_missing")
        return len(provinces), 0, {"source_missing": len(provinces)}, "", place
    years = wellbeing.latest(published, catalogue)
    year = years.at[indicator.id, "year"]
    values = wellbeing.table(published, years)[indicator.id]
    own = values.reindex(provinces)
    absent = int(own.isna().sum())
    year = "" if pd.isna(year) else str(year)
    place = None
    if territory is not None:
        place = _provincial_place(indicator, published, values, year, territory)
    return len(own), len(own) - absent, {NOT_PUBLISHED: absent} if absent else {}, year, place


def _provincial_place(
    indicator: Indicator, published: pd.DataFrame, values: pd.Series, year: str, territory: Territory
) -> PlaceValues:
    if territory.province is None:
        return PlaceValues(territory, _empty(), reason=NO_PROVINCE)
    rows = {"territory": territory.province, "region": f"R{territory.region}", "country": "IT"}
    groups = pd.DataFrame({"value": {name: values.get(row) for name, row in rows.items()}, "year": year})
    own = published[(published["territory"] == territory.province) & (published["indicator"] == indicator.id)]
    course = own.dropna(subset="value").set_index("year")["value"].sort_index()
    return PlaceValues(territory, groups, series=course, reason="" if len(course) else NOT_PUBLISHED)


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=["value", "year"])


def _files(names: list[str], store: Store) -> dict[str, SourceFile]:
    found = {}
    for name in names:
        try:
            found[name] = store.find(name)
        except SourceError:
            continue
    return found


def read_history(store: Store) -> CodeHistory | None:
    """Build the history of municipality codes from the lists that are here; None if they contradict each other."""
    from diagnosis.sources.code_lists import read_code_history

    here = _files(list(CODE_LISTS.values()), store)
    lists = {argument: here[name].path for argument, name in CODE_LISTS.items() if name in here}
    try:
        return read_code_history(**lists)
    except DiagnosisError:
        return None


def _add_lives(place: PlaceValues, store: Store) -> PlaceValues:
    """Add what became of the territory's codes; an invented country's have no history."""
    history = read_history(store) if not place.territory.city.data else None
    if history is None:
        return place
    lives = []
    for code in place.territory.codes:
        try:
            life = explain_code(code, history)
        except InputError:
            continue
        if len(life.events):
            lives.append(life)
    return replace(place, lives=tuple(lives), history=(history.since, history.until))
