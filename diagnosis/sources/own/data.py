"""A city's own data: the tables, maps and comment it puts in a folder, checked and read as indicators.

Files are those of ``data/local/<city>``: csv, xlsx, parquet, gpkg, geojson, each with a YAML beside it
(:class:`diagnosis.sources.own.settings.OwnSettings`) or alone. See ``docs/your-data.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.catalogue import Catalogue, Domain, load_catalogue
from diagnosis.errors import DiagnosisError, examples
from diagnosis.schema import Text
from diagnosis.sources.own.comment import read_comment
from diagnosis.sources.own.fields import Figures, gather_figures, read_figures
from diagnosis.sources.own.files import COMMENT, OwnFile, find_files
from diagnosis.sources.own.groups import find_small_cells, group_values
from diagnosis.sources.own.indicators import OWN_DOMAIN, IndicatorReader, OwnIndicator, OwnResult, Recipe
from diagnosis.sources.own.layout import OwnTable
from diagnosis.sources.own.location import Location, locate_rows
from diagnosis.sources.own.opening import note_personal, open_table
from diagnosis.sources.own.places import PlaceIndex
from diagnosis.sources.own.problems import Place, Problems, RefusedFileError
from diagnosis.sources.own.settings import OwnSettings
from diagnosis.sources.own.values import Numbers, year_in
from diagnosis.tables.own import OWN_SERIES

OWN_THEME = Domain(
    id=OWN_DOMAIN,
    level="municipality",
    name=Text(it="Dati della città", en="The city's own data"),
    scoring=Text(
        it="Entrano nel punteggio locale gli indicatori che la città ha indicato.",
        en="The indicators that the city has chosen enter the local score.",
    ),
)
"""The theme of own indicators that name no other."""


@dataclass(frozen=True)
class OwnSource:
    """One file that was used: for the manifest and the attribution in the data package."""

    file: str
    sha256: str
    indicators: tuple[str, ...]
    source: Text | None = None
    licence: str | None = None


@dataclass(frozen=True, eq=False)
class OwnData:
    """A city's own data.

    Attributes
    ----------
    values : DataFrame of float
        Latest year; index: all municipalities of 2022, one column an indicator.
    series : DataFrame
        All years, in the contract :data:`diagnosis.tables.own.OWN_SERIES`.
    counts : DataFrame of float
        What `values` and the values of groups are made of; index as `values`.
    recipes : dict of str to Recipe
        How, by indicator.
    people : DataFrame of float
        Number of people behind each value; missing where none are counted.
    entries : tuple of OwnIndicator
        Entries of the catalogue.
    domains : tuple of Domain
        Themes that the catalogue does not have.
    sources : tuple of OwnSource
        Files used.
    files : tuple of str
        All data files found, used or not.
    problems : DataFrame
        In the contract :data:`diagnosis.tables.own.OWN_PROBLEMS`.
    comment : str
        Markdown: see :func:`diagnosis.sources.own.comment.read_comment`.
    """

    values: pd.DataFrame
    series: pd.DataFrame
    counts: pd.DataFrame
    recipes: dict[str, Recipe]
    people: pd.DataFrame
    entries: tuple[OwnIndicator, ...]
    domains: tuple[Domain, ...]
    sources: tuple[OwnSource, ...]
    files: tuple[str, ...]
    problems: pd.DataFrame
    comment: str = ""

    def for_groups(self, groups: pd.Series, residents: pd.Series | None = None) -> pd.DataFrame:
        """Return the values of groups of municipalities: see :func:`diagnosis.sources.own.groups.group_values`."""
        return group_values(self.counts, self.recipes, groups, residents)

    def for_export(self, threshold: int | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return `values` without small counts of people, and where they were taken out.

        Parameters
        ----------
        threshold : int, optional
            Largest count held back; what each file says (3 by default) if not given.

        Returns
        -------
        values : DataFrame of float
        held_back : DataFrame of bool
            As `values`. What is held back must be left out of `series` and `counts` too.
        """
        held_back = find_small_cells(self.people, {entry.id: entry for entry in self.entries}, threshold)
        return self.values.mask(held_back), held_back


@dataclass(eq=False)
class _Reading:
    """What all files of a city share while they are read."""

    municipalities: pd.DataFrame
    register: pd.DataFrame
    index: PlaceIndex
    residents: pd.Series | None
    catalogue: Catalogue
    strict: bool
    problems: Problems = field(default_factory=Problems)
    taken: set[str] = field(default_factory=set)
    domains: dict[str, Domain] = field(default_factory=lambda: {OWN_DOMAIN: OWN_THEME})


def read_own_data(
    folder: str | Path,
    municipalities: pd.DataFrame,
    *,
    register: pd.DataFrame | None = None,
    residents: pd.Series | None = None,
    territory: Iterable[str] = (),
    catalogue: Catalogue | None = None,
    strict: bool = True,
) -> OwnData:
    """Read and check a city's own files.

    Parameters
    ----------
    folder : path
        Holds the files; subfolders are not looked into. May be absent.
    municipalities : DataFrame
        In the contract :data:`diagnosis.tables.MUNICIPALITIES`; with polygons if points are to be counted.
    register : DataFrame, optional
        :func:`diagnosis.sources.embedded.read_register`: adds cadastral codes, which link codes of other years.
    residents : Series, optional
        Population by code, for indicators per resident.
    territory : iterable of str, optional
        Study territory: tells namesakes (and says so); its municipalities without a counted point have 0.
    catalogue : Catalogue, optional
        Its ids are taken, its municipal themes may be used; the project's own if not given.
    strict : bool, default True
        Leave out a file with any error. Otherwise only rows and columns with errors are left out.

    Returns
    -------
    OwnData
        What is wrong with a file, whatever it is, is in `problems`; it never stops the reading of the others.
    """
    folder = Path(folder)
    if register is None:
        register = municipalities[[c for c in ("name", "region", "cadastral") if c in municipalities]]
    reading = _Reading(
        municipalities,
        register,
        PlaceIndex(municipalities, register.get("cadastral"), territory),
        residents,
        catalogue or load_catalogue(),
        strict,
    )
    reading.taken |= set(reading.catalogue)
    problems = reading.problems
    files = find_files(folder, problems)
    results: list[OwnResult] = []
    sources: list[OwnSource] = []
    for file in files:
        taken = set(reading.taken)
        found = _read_file(file, reading)
        if problems.count(file.name, "error") and (strict or not found):
            reading.taken = taken
            continue
        results += found
        names = tuple(result.entry.id for result in found)
        source = file.settings.source.complete() if file.settings.source else None
        sources.append(OwnSource(file.name, file.digest(), names, source, file.settings.licence))
    comment = ""
    try:
        comment = read_comment(folder)
    except RefusedFileError as refusal:
        problems.add_refusal(COMMENT, refusal)
    return _assemble(results, sources, tuple(file.name for file in files), comment, reading)


def _read_file(file: OwnFile, reading: _Reading) -> list[OwnResult]:
    """Read the indicators of one file; whatever is wrong with it is noted."""
    settings, problems = file.settings, reading.problems
    if not file.described:
        problems.add(file.name, "no_description", name=f"{file.path.stem}.yml")
    elif italian := settings.texts_without_english():
        problems.add(file.name, "no_english", found=examples(italian, 8).replace("'", ""))
    if settings.source is None or settings.licence is None:
        problems.add(file.name, "no_source")
    themes = _themes(settings, reading)
    try:
        table, places = open_table(file, reading.index, reading.municipalities, problems)
        if note_personal(table, settings, problems):
            return []
        if places is None:
            location = locate_rows(table, settings, reading.index, reading.register, problems)
        else:
            location = Location(places)
        figures = _figures(table, location, settings, problems)
        if not figures and not settings.indicators:
            raise RefusedFileError("no_numbers")
        results = IndicatorReader(
            table, settings, location, reading.index, reading.register, problems, figures, reading.residents,
            themes, reading.taken,
        ).read()  # fmt: skip
    except RefusedFileError as refusal:
        problems.add_refusal(file.name, refusal)
        return []
    except (DiagnosisError, OSError) as error:
        problems.add(file.name, "unreadable", found=str(error))
        return []
    _note_small_cells(file.name, results, problems)
    used = {result.entry.domain for result in results}
    own = {
        name: theme
        for name, theme in themes.items()
        if name in used and name not in reading.catalogue.domains
    }
    reading.domains |= own
    return results


def _themes(settings: OwnSettings, reading: _Reading) -> dict[str, Domain]:
    """Return the themes that an indicator of the file may have."""
    there = {name: item for name, item in reading.catalogue.domains.items() if item.level == "municipality"}
    own = {
        name: Domain(id=name, level="municipality", name=text.complete(), scoring=OWN_THEME.scoring)
        for name, text in settings.domains.items()
        if name not in reading.catalogue.domains
    }
    return {**there, **reading.domains, **own}


def _figures(
    table: OwnTable, location: Location, settings: OwnSettings, problems: Problems
) -> dict[str, Figures]:
    """Gather and read the figures; what is counted has a 1 in each row."""
    if settings.count:
        kept = location.places.dropna()
        label = settings.indicators[0].name.it
        year = settings.year or settings.indicators[0].year or year_in(table.title) or "n.d."
        cells = pd.DataFrame(
            {
                "row": [table.rows[i] for i in kept.index],
                "column": 0,
                "place": kept.to_numpy(),
                "year": year,
                "cell": 1.0,
                "percent": False,
            }
        )
        if cells.empty:
            raise RefusedFileError("no_numbers")
        nothing = np.zeros(len(cells), dtype=bool)
        return {label: Figures(label, cells, "n.", Numbers(np.ones(len(cells)), nothing, ~nothing))}
    wanted = None
    if settings.indicators:
        labels = [
            label
            for item in settings.indicators
            for label in (item.column, item.numerator, item.denominator, item.weight)
            if label not in (None, "residents")
        ]
        wanted = [label for label in labels if label is not None]
    figures = gather_figures(table, location.places, settings, problems, wanted)
    read_figures(table, figures, settings, problems)
    return figures


def _note_small_cells(file: str, results: list[OwnResult], problems: Problems) -> None:
    for result in results:
        name = result.entry.id
        small = find_small_cells(result.counted.to_frame(name), {name: result.entry})[name]
        if small.any():
            place = Place(column=result.entry.name.it)
            problems.add(file, "small_cells", place, n=int(small.sum()), limit=result.entry.small_cell)


def _assemble(
    results: list[OwnResult],
    sources: list[OwnSource],
    files: tuple[str, ...],
    comment: str,
    reading: _Reading,
) -> OwnData:
    """Put the indicators of all files side by side, one row a municipality of 2022."""
    codes = pd.Index(reading.municipalities.index, name="code")

    def align(columns: dict[str, pd.Series]) -> pd.DataFrame:
        aligned = {name: column.reindex(codes).astype(float) for name, column in columns.items()}
        return pd.DataFrame(aligned, index=codes, columns=list(columns), dtype=float)

    series = [
        result.series[result.series.index.isin(codes)]
        .melt(ignore_index=False, var_name="year")
        .rename_axis("code")
        .reset_index()
        .dropna(subset="value")
        .assign(indicator=result.entry.id)
        for result in results
    ]
    series = [part for part in series if len(part)]
    empty = pd.DataFrame(columns=[*OWN_SERIES.key, *OWN_SERIES.columns])
    latest = {result.entry.id: _of_year(result) for result in results}
    used = {result.entry.domain for result in results}
    return OwnData(
        values=align(latest),
        series=OWN_SERIES.check(pd.concat(series, ignore_index=True) if series else empty),
        counts=align({name: counts for result in results for name, counts in result.counts.items()}),
        recipes={result.entry.id: result.recipe for result in results},
        people=align({result.entry.id: result.counted for result in results}),
        entries=tuple(result.entry for result in results),
        domains=tuple(theme for name, theme in reading.domains.items() if name in used),
        sources=tuple(sources),
        files=files,
        problems=reading.problems.frame(),
        comment=comment,
    )


def _of_year(result: OwnResult) -> pd.Series:
    year = result.entry.year if result.entry.year in result.series else result.series.columns[-1]
    return result.series[year]
