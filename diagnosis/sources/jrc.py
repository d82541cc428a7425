"""Joint Research Centre (JRC) of the European Commission: Covenant of Mayors for Climate and Energy.

The live list of signatories carries the names of mayors: of every file only the columns named here are read on.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from diagnosis.errors import InputError, SourceError, examples
from diagnosis.sources.embedded import read_municipalities, read_register, read_residents
from diagnosis.sources.formats import pick_columns, read_delimited, read_sheet
from diagnosis.sources.place_names import Gazetteer, fold, match_names, read_former
from diagnosis.tables import VINTAGE
from diagnosis.tables.energy import (
    COVENANT_SIGNATORIES,
    ELECTRICITY_FACTORS,
    EMISSION_INVENTORIES,
    EMISSIONS_2005,
    SECTORS,
)

COUNTRY = "it"
SIGNATORIES_SHEET = "1"
LAUNCH = "2008-01-29"
"""Day the Covenant of Mayors was launched: names of municipalities that merged before are not looked for."""

SIGNATORY_COLUMNS = {
    "gcom_id": "signatory",
    "organisation_id": "organisation",
    "organisation_name": "name",
    "coordinator_name": "territory",
    "country_code": "country",
    "population_adhesion": "residents",
    "organisation_latitude": "latitude",
    "organisation_longitude": "longitude",
    "group_organisation_id": "group_organisation",
    "group_name": "group_name",
    "commitment_com2020_flag": "commitment_2020",
    "commitment_com2030_flag": "commitment_2030",
    "commitment_com2050_flag": "commitment_2050",
    "commitment_mayoradapt_flag": "adaptation",
    "adhesion_type": "adhesion",
    "signatory_status": "status",
    "date_of_adhesion": "adhesion_date",
    "group_profile": "profile",
}
"""The columns that are read: no name of a person is among them."""

BODY_WORDS = re.compile(
    r"\b(unione|comunita|provincia|province|aggregazione|aggregazioni|consorzio|gal|osservatorio|comuni|area|gruppo)\b"
)
"""Words by which a signatory that is no municipality is known to be a body of several."""

SECTOR_NAMES = {
    "Municipal buildings and facilities": "municipal",
    "Institutional/tertiary buildings and facilities": "tertiary",
    "Residential buildings and facilities": "residential",
    "Transportation": "transport",
    "Manufacturing and construction industries": "industry",
    "Waste/wastewater": "waste",
}
TONNES_IN_A_MEGATONNE = 1e6
"""EDGAR's figures are in millions of tonnes, as JRC's own validation of the inventories takes them."""


def read_signatories(path: Path, suppressed: Path) -> pd.DataFrame:
    """Read the Italian signatories of the Covenant of Mayors, and match their names to municipalities.

    Parameters
    ----------
    path : Path
        Workbook of the collection GCoM-MyCovenant, release of January 2024: sheet ``1``.
    suppressed : Path
        ISTAT's list of suppressed municipalities, for the names of those that merged since.

    Returns
    -------
    DataFrame, 5,215 rows
        In the contract :data:`diagnosis.tables.energy.COVENANT_SIGNATORIES`, sorted by identifier. A name that does
        not stand for one municipality is left unmatched, with the nearest candidates: see
        :mod:`diagnosis.sources.place_names`. The name of an unmatched signatory is kept only if it has a word of a
        place's name in it, because it may be a person's. ``attrs["notes"]`` counts what was matched and how.

    Raises
    ------
    diagnosis.errors.SourceError
        A file is not what it should be.
    diagnosis.errors.InputError
        A value is not one of the publisher's.
    """
    path = Path(path)
    everybody = pick_columns(read_sheet(path, SIGNATORIES_SHEET), SIGNATORY_COLUMNS, path)
    raw = everybody[everybody["country"].map(_cell).str.casefold() == COUNTRY].map(_cell)
    raw = raw.set_index("signatory").sort_index()
    if raw.empty:
        raise SourceError(f"{path.name} must hold signatories of Italy", "it has none")
    if raw.index.has_duplicates:
        repeated = raw.index[raw.index.duplicated()].unique()
        raise InputError(f"{path.name}: a signatory must be there once", f"repeated: {examples(repeated)}")
    for name in ("residents", "latitude", "longitude"):
        raw[name] = pd.to_numeric(raw[name].mask(raw[name] == "-"), errors="coerce")
    for name in ("commitment_2020", "commitment_2030", "commitment_2050", "adaptation", "profile"):
        raw[name] = _flag(raw[name], name, path)
    raw["adhesion"] = raw["adhesion"].map(_adhesion)
    raw["status"] = raw["status"].str.replace("-", "_", regex=False)
    raw["adhesion_date"] = raw["adhesion_date"].str[:10]
    in_groups = raw["group_organisation"] != "-"
    identifiers = pd.Series(raw.index, index=raw["organisation"])
    # A group that is not a signatory of the list itself keeps the number of its organisation.
    group = raw["group_organisation"].map(identifiers)
    raw["group"] = group.fillna(raw["group_organisation"]).where(in_groups)
    raw["group_name"] = raw["group_name"].str.strip().where(in_groups)
    is_group = (raw["profile"] == 1) & raw["organisation"].isin(raw["group_organisation"])
    former = read_former(suppressed, LAUNCH, read_register())
    gazetteer = Gazetteer.of(read_municipalities(), read_residents(), former)
    matched = match_names(raw.loc[~is_group], gazetteer).reindex(raw.index)
    frame = raw.drop(columns=["country", "organisation", "territory", "latitude", "longitude"]).join(matched)
    frame = frame.drop(columns=["group_organisation", "profile"])
    frame["kind"] = _kinds(frame, is_group)
    other = frame["kind"].isin(["group", "body"])
    frame.loc[other, ["candidates", "possible"]] = None
    places = gazetteer.words()
    may_be_a_person = (frame["kind"] == "unmatched") & ~frame["name"].map(
        lambda name: bool(set(fold(name).split()) & places)
    )
    frame.loc[may_be_a_person, "name"] = None
    checked = COVENANT_SIGNATORIES.check(frame, path.name)
    checked.attrs = {"vintage": VINTAGE, "notes": _notes(checked, int(may_be_a_person.sum()))}
    return checked


def read_inventories(path: Path) -> pd.DataFrame:
    """Read the emission inventories of the Italian signatories, as declared.

    Parameters
    ----------
    path : Path
        Workbook of the data set of 2019 before the removal of outliers: sector, direct and indirect emissions of
        each inventory.

    Returns
    -------
    DataFrame, 3,891 rows
        In the contract :data:`diagnosis.tables.energy.EMISSION_INVENTORIES`: direct and indirect emissions added; a
        sector that is not declared is missing. Nothing is removed: :func:`diagnosis.indicators.energy.baselines`
        says which inventories are doubtful. The file has no names of municipalities.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook.
    diagnosis.errors.InputError
        A sector or kind is not known, or a value is negative or not a number.
    """
    path = Path(path)
    columns = {
        "gcom_id": "signatory",
        "emission_inventory_id": "inventory",
        "emission_inventory_sector": "sector",
        "type_of_emission_inventory": "kind",
        "inventory_year": "year",
        "population_in_the_inventory_year": "residents",
        "emission_factor_type": "factors",
        "activity_data": "energy",
        "emissions": "emissions",
    }
    raw = pick_columns(read_sheet(path), columns, path)
    raw = raw[raw["signatory"].astype("str").str.startswith(COUNTRY.upper())]
    unknown = set(raw["sector"]) - set(SECTOR_NAMES)
    if unknown:
        raise InputError(
            f"{path.name}: every sector must be one of {', '.join(SECTOR_NAMES)}",
            f"found {examples(unknown)}",
        )
    for name in ("signatory", "inventory", "year", "kind", "factors"):
        raw[name] = raw[name].map({value: _cell(value) for value in raw[name].unique()})
    for name in ("energy", "emissions"):
        raw[name] = pd.to_numeric(raw[name], errors="coerce")
    raw["sector"] = raw["sector"].map(SECTOR_NAMES)
    raw["kind"] = raw["kind"].str.replace("_emission_inventory", "", regex=False)
    keys = ["signatory", "inventory"]
    sums = raw.groupby([*keys, "sector"])[["emissions", "energy"]].sum(min_count=1).unstack("sector")
    wide = pd.concat(
        [
            sums["emissions"].reindex(columns=list(SECTORS)),
            sums["energy"].reindex(columns=list(SECTORS)).add_suffix("_energy"),
        ],
        axis=1,
    )
    facts = raw.groupby(keys)[["kind", "year", "residents", "factors"]].first()
    frame = EMISSION_INVENTORIES.check(facts.join(wide).reset_index(), path.name)
    frame.attrs = {"notes": []}
    return frame


def read_emissions_2005(path: Path) -> pd.DataFrame:
    """Read what the gridded inventory EDGAR has for the land of the Italian signatories in 2005.

    Parameters
    ----------
    path : Path
        Workbook with the columns ``GCoM_ID``, ``RCO_LAU2_2005`` (residential, commercial and other buildings) and
        ``TCO_LAU2_2005`` (road transport), in millions of tonnes.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.energy.EMISSIONS_2005`, tonnes: one row a signatory of 2019.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook.
    """
    path = Path(path)
    columns = {"gcom_id": "signatory", "rco_lau2_2005": "buildings", "tco_lau2_2005": "road"}
    raw = pick_columns(read_sheet(path), columns, path)
    raw = raw[raw["signatory"].astype("str").str.startswith(COUNTRY.upper())]
    values = raw[["buildings", "road"]].apply(pd.to_numeric, errors="coerce") * TONNES_IN_A_MEGATONNE
    frame = values.groupby(raw["signatory"]).first()  # repeated for each inventory of a signatory
    return EMISSIONS_2005.check(frame, path.name)


def read_electricity_factors(path: Path) -> pd.DataFrame:
    """Read the emissions of the electricity consumed in each country and year.

    Parameters
    ----------
    path : Path
        CSV separated by semicolons, decimal comma. Its last column, an average that the republisher added, is not
        read.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.energy.ELECTRICITY_FACTORS`: 3-letter country, year, t CO2eq/MWh.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this table.
    """
    path = Path(path)
    years = {f"ghg_elec_{year}": str(year) for year in range(2008, 2014)}
    raw = pick_columns(read_delimited(path), {"country_fadn": "country", **years}, path)
    long = raw.melt("country", var_name="year", value_name="factor")
    long["factor"] = long["factor"].str.replace(",", ".", regex=False)
    return ELECTRICITY_FACTORS.check(long.sort_values(["country", "year"], ignore_index=True), path.name)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _flag(values: pd.Series, name: str, path: Path) -> pd.Series:
    flags = values.str.casefold().map({"true": 1.0, "false": 0.0})
    if (wrong := flags.isna()).any():
        raise InputError(f"{path.name}: {name!r} must be True or False", f"found {examples(values[wrong])}")
    return flags


def _adhesion(text: str) -> str:
    """Name the way of adhesion: alone, jointly with a target each, jointly with one target."""
    if "individual signatory" in text:
        return "individual"
    kinds = {"individually": "joint_individual", "collectively": "joint_collective"}
    return next((kind for word, kind in kinds.items() if word in text), text)


def _kinds(frame: pd.DataFrame, is_group: pd.Series) -> pd.Series:
    kinds = pd.Series("unmatched", index=frame.index)
    kinds[frame["name"].map(lambda name: bool(BODY_WORDS.search(fold(name))))] = "body"
    kinds[frame["code"].notna()] = "municipality"
    return kinds.mask(is_group, "group")


def _notes(frame: pd.DataFrame, withheld: int) -> list[str]:
    counts = frame["kind"].value_counts().reindex(COVENANT_SIGNATORIES.columns["kind"].values, fill_value=0)
    ways = frame["match"].value_counts()
    return [
        f"{counts['municipality']} of {len(frame)} signatories are matched to a municipality ("
        + ", ".join(f"{way} {number}" for way, number in ways.items())
        + f"); {counts['group']} are groups with members, {counts['body']} other bodies of several municipalities, "
        f"{counts['unmatched']} are unmatched, of which {withheld} have a name that is not kept.",
    ]
