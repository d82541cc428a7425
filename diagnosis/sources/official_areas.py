"""Official areas of before and beside: labour market areas of 2011, project areas of the strategy for inner areas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.codes import format_codes
from diagnosis.codes.events import known_events
from diagnosis.codes.history import LIST_DAYS
from diagnosis.errors import InputError, examples
from diagnosis.sources.code_lists import read_suppressed
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited, read_sheet
from diagnosis.tables import (
    INNER_PROJECT_AREAS_2014,
    INNER_PROJECT_AREAS_2021,
    LABOUR_AREA_CLASSES,
    LABOUR_AREAS_2011,
    VINTAGE,
    Column,
    Table,
)

SLL_DIGITS = 4

UPDATED_BY_ISTAT = (
    "ISTAT's yearly update makes one area, 1845, of 1808 and 1813, whose centres merged in 2018 (Corigliano-Rossano): "
    "here the two are as they were drawn."
)
LEFT_OUT = (
    "Areas admitted without national funds and the special project for the smaller islands are left out."
)

CENSUS_LIST = Table(
    "municipalities of 2011",
    "What the list of the census says of each municipality.",
    {
        "cadastral": Column("text", may_be_missing=False),
        "population": Column("number", minimum=0, may_be_missing=False, unit="residents"),
        **LABOUR_AREAS_2011.columns,
    },
)


def read_labour_areas_2011(path: Path, suppressed: Path) -> pd.DataFrame:
    """Read the labour market areas (sistemi locali del lavoro) of 2011.

    A municipality of 2022 takes the area of the one of 2011 it continues. Where several with different areas have
    merged since, that of most residents of 2011 counts; where it was split from others, theirs.

    Parameters
    ----------
    path : Path
        CSV of the administrative units of the census of 2011, with ``PRO_COM_T``, ``CODICE_CATASTALE``, ``POP_2011``,
        ``COD_SLL_2011``, ``DEN_SLL_2011``.
    suppressed : Path
        ISTAT's list of suppressed municipalities and their successors: CSV separated by semicolons.

    Returns
    -------
    DataFrame, 7,904 rows
        In the contract :data:`diagnosis.tables.LABOUR_AREAS_2011`: 611 areas; ``area`` has 4 digits. ``attrs["notes"]``
        names the municipalities whose parts were in different areas.

    Raises
    ------
    diagnosis.errors.SourceError
        A file is not what it should be.
    diagnosis.errors.InputError
        A municipality is repeated, has no area, or can neither be found in 2022 nor in the list of suppressed ones.
    """
    path = Path(path)
    columns = {
        "PRO_COM_T": "code",
        "CODICE_CATASTALE": "cadastral",
        "POP_2011": "population",
        "COD_SLL_2011": "area",
        "DEN_SLL_2011": "area_name",
    }
    raw = pick_columns(read_delimited(path), columns, path)
    raw = raw.assign(code=format_codes(raw["code"]), area=format_codes(raw["area"], SLL_DIGITS))
    listed = CENSUS_LIST.check(raw, path.name)
    register = read_register()
    parts = listed.assign(
        code=_follow(listed["cadastral"], _read_mergers(Path(suppressed)), register, path.name)
    )
    splits = _created()
    splits = splits[splits.isin(listed.index)]
    split = listed.loc[splits].assign(code=splits.index)
    residents = (
        pd.concat([parts, split], ignore_index=True)
        .groupby(["code", "area"], as_index=False)
        .agg(area_name=("area_name", "first"), residents=("population", "sum"))
        .sort_values(["code", "residents", "area"], ascending=[True, False, True])
    )
    several = residents.loc[residents["code"].duplicated(), "code"].unique()
    areas = LABOUR_AREAS_2011.check(
        residents.drop_duplicates("code")[["code", "area", "area_name"]], path.name
    )
    notes = [UPDATED_BY_ISTAT]
    if len(several):
        notes.append(
            f"{len(several)} municipalities merged since 2011 join parts of different areas and are in that of most "
            f"residents of 2011: {', '.join(several)}."
        )
    if len(split):
        notes.append(f"Split from others since 2011, with their area: {', '.join(splits.index.unique())}.")
    if len(absent := register.index.difference(areas.index)):
        notes.append(f"{len(absent)} municipalities of {VINTAGE} have no row: {examples(absent)}.")
    areas.attrs = {"vintage": VINTAGE, "notes": notes}
    return areas


def read_project_areas_2014(path: Path) -> pd.DataFrame:
    """Read the project areas of the strategy for inner areas (SNAI) of 2014-2020.

    Parameters
    ----------
    path : Path
        Workbook of the areas of both cycles; the sheet of the municipalities of the 72 areas.

    Returns
    -------
    DataFrame, 1,060 rows
        In the contract :data:`diagnosis.tables.INNER_PROJECT_AREAS_2014`: 72 areas. The publisher gives no codes of
        areas: ``area`` is the name. Municipalities in no area have no row.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook.
    diagnosis.errors.InputError
        A municipality is in two areas, or is not one of 2022.
    """
    columns = {"Codice Comune (Istat)": "code", "Aree SNAI 2014-2020": "area"}
    return _read_project_areas(Path(path), "Comuni 72 Aree SNAI 14-20", 1, columns, INNER_PROJECT_AREAS_2014)


def read_project_areas_2021(path: Path) -> pd.DataFrame:
    """Read the project areas of the strategy for inner areas (SNAI) of 2021-2027.

    Parameters
    ----------
    path : Path
        Workbook annexed to the strategic plan, with the areas as the regions had them redrawn; the sheet of all areas.

    Returns
    -------
    DataFrame, 1,729 rows
        In the contract :data:`diagnosis.tables.INNER_PROJECT_AREAS_2021`: 43 new areas with national funds and 67
        confirmed ones; ``area`` is the name. Municipalities in no area have no row.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook.
    diagnosis.errors.InputError
        A municipality is in two areas, or is not one of 2022.
    """
    columns = {"PRO_COM_T": "code", "Aree SNAI 2021 - 2027": "area"}
    areas = _read_project_areas(Path(path), "Elenco Aree 21-27 TOTALE", 2, columns, INNER_PROJECT_AREAS_2021)
    areas.attrs["notes"].append(LEFT_OUT)
    return areas


def _read_project_areas(
    path: Path, sheet: str, header_row: int, columns: dict[str, str], table: Table
) -> pd.DataFrame:
    raw = pick_columns(read_sheet(path, sheet, header_row), columns, path).astype("str")
    raw["area"] = raw["area"].str.split().str.join(" ")  # some names end in a blank
    raw = raw[(raw["code"].str.strip() != "") | (raw["area"] != "")]  # the last row holds totals
    named = raw.assign(code=format_codes(raw["code"]), area_name=raw["area"])
    areas = table.check(named, path.name).sort_index()
    unknown = areas.index.difference(read_register().index)
    if len(unknown):
        raise InputError(
            f"{path.name}: every code must be a municipality of {VINTAGE}",
            f"{len(unknown)} are not: {examples(unknown)}",
            "Use the edition that data/sources.yml names",
        )
    areas.attrs = {"vintage": VINTAGE, "notes": []}
    return areas


def read_labour_area_classes(path: Path) -> pd.DataFrame:
    """Read what the labour market areas (sistemi locali del lavoro) of 2021 are specialised in.

    Parameters
    ----------
    path : Path
        ISTAT's workbook, first sheet, one row an area; the empty rows below are left out.

    Returns
    -------
    DataFrame, 515 rows
        In the contract :data:`diagnosis.tables.LABOUR_AREA_CLASSES`, sorted by area. A class or group has one name, the
        one most areas have: ISTAT writes one of them with a small letter once.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook.
    diagnosis.errors.InputError
        A class is unknown, a group is not of its class, or an area is repeated.
    """
    path = Path(path)
    columns = {
        "SLL_2021_T": "area",
        "DEN_SLL_2021": "area_name",
        "Cod_classe": "class",
        "Den_classe": "class_name",
        "Cod_gruppo": "group",
        "DEN_Gruppo": "group_name",
        "pop_31_12_2021": "residents",
        "sup_01_01_2021*": "area_km2",
    }
    raw = pick_columns(read_sheet(path), columns, path)
    raw = raw[raw["area"] != ""]
    frame = LABOUR_AREA_CLASSES.check(raw, path.name).sort_index()
    wrong = frame["group"].str[:1] != frame["class"]
    if wrong.any():
        raise InputError(
            f"{path.name}: every group must be of its class", f"not so in {examples(frame.index[wrong])}"
        )
    for code in ("class", "group"):
        names = frame.groupby(code)[f"{code}_name"].agg(lambda given: given.mode().iloc[0])
        frame[f"{code}_name"] = frame[code].map(names)
    frame.attrs = {"notes": []}
    return frame


def _created() -> pd.Series:
    """Municipalities split from others since the census, each with those it comes from."""
    events = known_events()
    events = events[(events["date"] > LIST_DAYS["2011"]) & (events["date"] <= LIST_DAYS[VINTAGE])]
    splits = events[(events["kind"] == "split") & (events["before"] != events["after"])]
    return splits.set_index("after")["before"]


def _read_mergers(path: Path) -> pd.DataFrame:
    """Read who took the place of whom between the census and 2022."""
    mergers = read_suppressed(path)
    return mergers[(mergers["date"] > LIST_DAYS["2011"]) & (mergers["date"] <= LIST_DAYS[VINTAGE])]


def _follow(cadastral: pd.Series, mergers: pd.DataFrame, register: pd.DataFrame, origin: str) -> pd.Series:
    """Find the code of 2022 of each municipality of 2011: by its mergers, else by the cadastral code, which lasts."""
    merged = cadastral.index.intersection(mergers["before"]).to_series()
    for _, step in mergers.groupby("date"):
        successors = step.drop_duplicates("before").set_index("before")["after"]
        merged = merged.map(successors).fillna(merged)
    kept = cadastral.drop(merged.index)
    lasting = pd.Series(register.index, index=register["cadastral"])
    kept = pd.Series(lasting.reindex(kept).to_numpy(), index=kept.index)
    followed = pd.concat([merged, kept]).reindex(cadastral.index)
    if len(lost := followed.index[~followed.isin(register.index)]):
        raise InputError(
            f"{origin}: every municipality of 2011 must have a successor in {VINTAGE}",
            f"{len(lost)} have none: {examples(lost)}",
            "Use ISTAT's list of suppressed municipalities of 2022 or later",
        )
    return followed
