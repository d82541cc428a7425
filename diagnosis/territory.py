"""The tables of a country, and the part of them that is the study territory of one city."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.config import City, Settings, default_settings, load_city
from diagnosis.errors import InputError, SourceError, examples
from diagnosis.provenance import SourceFile, SourceRecord, code_digest, digest
from diagnosis.schema import Model, Text, build, read_yaml
from diagnosis.sources.own.files import own_folder
from diagnosis.storage import SavedTables, StageCache, TableReader
from diagnosis.tables import AGE_COLUMNS

if TYPE_CHECKING:
    import geopandas as gpd

ITALY = Text(it="Italia", en="Italy")

OBSERVED, ESTIMATED_TAIL, MODELLED, INVENTED = "observed", "estimated_tail", "modelled", "invented"
"""Kinds of commuting flows, from the best to the least: see :attr:`Country.flows_kind`."""

COUNTRY_FILE = "country.yml"
ABSENT_FILE = Text(it="Manca il file {}.csv", en="The file {}.csv is missing")

BODY_NAMES = {
    "provincia": Text(it="Provincia di {name}", en="Province of {name}"),
    "città metropolitana": Text(it="Città metropolitana di {name}", en="Metropolitan City of {name}"),
    "libero consorzio comunale": Text(
        it="Libero consorzio comunale di {name}", en="Free Municipal Consortium of {name}"
    ),
    "ente di decentramento regionale": Text(
        it="Ente di decentramento regionale di {name}", en="Regional Decentralisation Body of {name}"
    ),
    "provincia autonoma": Text(it="Provincia autonoma di {name}", en="Autonomous Province of {name}"),
    "regione autonoma": Text(it="Regione autonoma {name}", en="Autonomous Region {name}"),
}


class CountryFile(Model):
    """What `country.yml` says of an own country, beside its tables."""

    name: Text
    invented: bool = False


@dataclass(frozen=True, eq=False)
class Country:
    """The tables of a whole country, in the contract of :mod:`diagnosis.tables`.

    Attributes
    ----------
    name : Text
        Name in both languages.
    tables : mapping of str to DataFrame
        By table name; those of Italy are read when first used. A table that could not be had is not there, see
        `absent`.
    absent : dict of str to Text
        For each table that is not there: why, in a sentence.
    flows_kind : str
        ``"observed"``, ``"estimated_tail"`` (official layout, small flows estimated), ``"modelled"`` (no matrix at
        all) or ``"invented"`` (the example). Whoever shows a figure derived from flows says which.
    sources : tuple of SourceRecord
        The files read.
    folder_notes : tuple of str
        What the readers of an own country's folder had to bridge or leave out; see `notes` for every country's.
    key : str
        Digest of the files and of the code that read them.
    """

    name: Text
    tables: Mapping[str, pd.DataFrame]
    absent: Mapping[str, Text] = field(default_factory=dict)
    flows_kind: str = OBSERVED
    sources: tuple[SourceRecord, ...] = ()
    folder_notes: tuple[str, ...] = ()
    key: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the readers had to bridge or leave out."""
        return self.tables.notes() if isinstance(self.tables, SavedTables) else self.folder_notes

    def save_tables(self) -> None:
        """Read every table that is not saved yet.

        Raises
        ------
        diagnosis.errors.DiagnosisError
            A file is there but is not what it should be.
        """
        if isinstance(self.tables, SavedTables):
            self.tables.save()

    @property
    def municipalities(self) -> gpd.GeoDataFrame:
        """All municipalities, indexed by code, EPSG:3035."""
        return self.tables["municipalities"]  # type: ignore[return-value]

    @property
    def residents(self) -> pd.Series:
        """Residents by municipality; missing where the population table has no row, or not every age."""
        population = self.tables.get("population")
        if population is None:
            return pd.Series(float("nan"), index=self.municipalities.index, name="residents")
        residents = population[list(AGE_COLUMNS)].sum(axis=1, skipna=False)
        return residents.reindex(self.municipalities.index).rename("residents")

    def table(self, name: str) -> pd.DataFrame:
        """Return one table; `SourceError` says why it is not there."""
        if name not in self.tables:
            reason = self.absent.get(name)
            raise SourceError(
                f"The table {name} is needed",
                reason.en if reason else "it is not available",
                "Run `diagnosis data pull`, or name a mirror with --mirror",
            )
        return self.tables[name]

    def to_content(self) -> dict[str, Any]:
        """Everything as frames and JSON, for :class:`diagnosis.storage.StageCache`."""
        return {
            **self.tables,
            "name": self.name.model_dump(),
            "absent": {table: reason.model_dump() for table, reason in self.absent.items()},
            "flows_kind": self.flows_kind,
            "sources": [source.model_dump(mode="json") for source in self.sources],
            "notes": list(self.notes),
            "key": self.key,
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Country:
        """Build a country from :meth:`to_content`'s result."""
        facts = {name: value for name, value in content.items() if not isinstance(value, pd.DataFrame)}
        return cls(
            name=Text(**facts["name"]),
            tables={name: value for name, value in content.items() if isinstance(value, pd.DataFrame)},
            absent={table: Text(**reason) for table, reason in facts["absent"].items()},
            flows_kind=facts["flows_kind"],
            sources=tuple(SourceRecord(**source) for source in facts["sources"]),
            folder_notes=tuple(facts["notes"]),
            key=facts["key"],
        )


@dataclass(frozen=True, eq=False)
class Territory:
    """The study territory of one city, cut from its country.

    Attributes
    ----------
    city : City
        Its configuration.
    country : Country
        The whole country, for comparison.
    codes : pandas.Index
        Codes of the municipalities of the territory, sorted.
    name : Text
        Name in both languages; a province-level body keeps its legal kind.
    province : str or None
        Code of the province-level body when the territory is one.
    local : Path or None
        Folder of the city's own files; it may be absent.
    edition : str
        Name of the edition it is described in; the age of data is counted from the year in it.
    """

    city: City
    country: Country
    codes: pd.Index
    name: Text
    province: str | None = None
    local: Path | None = None
    edition: str = ""

    @property
    def municipalities(self) -> gpd.GeoDataFrame:
        """Its municipalities, indexed by code, EPSG:3035."""
        return self.country.municipalities.loc[self.codes]

    @property
    def flows(self) -> pd.DataFrame:
        """Flows that start or end in the territory: origin, destination, commuters."""
        flows = self.country.table("flows")
        return flows[flows["origin"].isin(self.codes) | flows["destination"].isin(self.codes)]

    @property
    def region(self) -> str:
        """Code of the city's region."""
        return str(self.country.municipalities.at[self.city.code, "region"])


def load_country(settings: Settings | None = None, folder: str | Path | None = None) -> Country:
    """Load the tables of Italy, or of an own country from a folder.

    Parameters
    ----------
    settings : Settings, optional
        Folders and mirror; the project's own if not given.
    folder : path, optional
        Folder of tables in the contract (see ``data/example``); Italy if not given.

    Returns
    -------
    Country
        Tables that could not be had are named in `absent`. Without a commuting matrix the flows are modelled. A
        table of Italy is read when it is first used, and then kept in the cache under the digest of its own files;
        :meth:`Country.save_tables` reads them all.

    Raises
    ------
    diagnosis.errors.DiagnosisError
        A file is there but is not what it should be: of an own country at once, of Italy when its table is read.
    """
    settings = settings or default_settings()
    return _load_folder(Path(folder), settings) if folder else _load_italy(settings)


def load_territory(
    city: City | str, settings: Settings | None = None, country: Country | None = None
) -> Territory:
    """Cut the study territory of a city from its country.

    Parameters
    ----------
    city : City or str
        A configuration, or the name of a pilot city.
    settings : Settings, optional
        Folders and mirror; the project's own if not given.
    country : Country, optional
        Already loaded; saves reading it again.

    Returns
    -------
    Territory

    Raises
    ------
    diagnosis.errors.InputError
        The city or a municipality of its territory is not in the country, or the province is not the city's.
    """
    if isinstance(city, str):
        city = load_city(city)
    country = country or load_country(settings, city.data)
    settings = settings or default_settings()
    local = own_folder(settings.local, city.id)
    municipalities = country.municipalities
    unknown = [code for code in (city.code, *city.municipalities) if code not in municipalities.index]
    if unknown:
        raise InputError(
            f"{city.id}: every code must be a municipality of {country.name.en} (vintage 2022)",
            f"{examples(unknown)} is not",
            "Look the code up in ISTAT's list of municipalities",
        )
    if city.municipalities:
        assert city.territory_name is not None  # held by the model
        codes = pd.Index(sorted(set(city.municipalities)))
        return Territory(city, country, codes, city.territory_name, None, local, settings.edition)
    own = str(municipalities.at[city.code, "province"])
    province = city.province or own
    codes = municipalities.index[municipalities["province"] == province].sort_values()
    if city.code not in codes:
        raise InputError(
            f"{city.id}: the city must lie in its study territory",
            f"{city.code} is in province {own}, the file says {province}",
            f'Write province: "{own}"',
        )
    return Territory(city, country, codes, body_name(country, province), province, local, settings.edition)


def body_name(country: Country, province: str) -> Text:
    """Return the legal name of a province-level body in both languages."""
    provinces = country.tables.get("provinces")
    if provinces is None or province not in provinces.index:
        raise InputError(
            "Every province-level body must be in the table provinces, with its legal kind",
            f"{province} is not",
        )
    row = provinces.loc[province]
    name = BODY_NAMES[row["body"]]
    return Text(it=name.it.format(name=row["name"]), en=name.en.format(name=row["name"]))


def country_key(settings: Settings, folder: str | Path | None = None) -> str:
    """Digest of the files a country would be read from and of the code that reads them; reads no table."""
    if folder:
        return _find_folder(Path(folder)).key
    from diagnosis.sources.italy import find_files

    return find_files(settings).key


def _load_italy(settings: Settings) -> Country:
    from diagnosis.sources.italy import find_files, table_readers

    found = find_files(settings)
    readers = table_readers(found)
    kind = MODELLED
    if found.commuting is not None:
        kind = ESTIMATED_TAIL if found.commuting.stands_in else OBSERVED
    else:
        places = SavedTables(StageCache(settings.cache), readers)
        key = digest(code_digest(), readers["municipalities"].key, readers["population"].key)
        readers["flows"] = TableReader(key, partial(_model_flows, places))
    tables = SavedTables(StageCache(settings.cache), readers)
    return Country(ITALY, tables, found.absent, kind, found.records, (), found.key)


def _load_folder(folder: Path, settings: Settings) -> Country:
    from diagnosis.sources.local import read_folder

    found = _find_folder(folder)

    def compute() -> dict[str, Any]:
        description = build(CountryFile, read_yaml(folder / COUNTRY_FILE), f"{folder.name}/{COUNTRY_FILE}")
        tables, absent = read_folder(folder)
        kind = INVENTED if description.invented else OBSERVED
        return _country(description.name, tables, found, absent, kind).to_content()

    return Country.from_content(StageCache(settings.cache).get("country", found.key, compute))


@dataclass(frozen=True)
class _Found:
    """The files of an own country, before any is read."""

    records: tuple[SourceRecord, ...]
    key: str


def _find_folder(folder: Path) -> _Found:
    if not folder.is_dir():
        raise InputError("The tables of an own country must lie in a folder", f"{folder} is not one")
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".csv", ".geojson", ".yml"})
    files = {path.name: SourceFile.of(path.stem, path, "local") for path in paths}
    records = tuple(SourceRecord.of(file) for name, file in files.items() if not name.endswith(".yml"))
    return _Found(records, digest(code_digest(), files))


def _country(
    name: Text, tables: dict[str, pd.DataFrame], found: _Found, absent: Iterable[str], kind: str
) -> Country:
    """Put a country together; without a commuting matrix its flows are modelled, and it says so."""
    if "flows" not in tables and "population" in tables:
        tables["flows"] = _model_flows(tables)
        kind = MODELLED
    notes = [f"{table}: {note}" for table, frame in tables.items() for note in frame.attrs.get("notes", [])]
    for frame in tables.values():
        frame.attrs = {}
    missing = {
        table: Text(it=ABSENT_FILE.it.format(table), en=ABSENT_FILE.en.format(table)) for table in absent
    }
    return Country(name, tables, missing, kind, found.records, tuple(notes), found.key)


def _model_flows(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    from diagnosis.networks.models import modelled_flows

    return modelled_flows(tables["municipalities"], tables["population"]).assign(estimated=1)
