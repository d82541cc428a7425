"""ISTAT: commuting matrix 2021, BES dei territori, labour market areas 2021, statistical classifications 2023."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.codes import carry, format_codes
from diagnosis.errors import InputError, SourceError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited, read_member, read_sheet
from diagnosis.tables import CLASSIFICATION, FLOWS, LABOUR_AREAS, VINTAGE, WELLBEING

COUNTRY = "IT"
PROVINCE_BODIES_NUMBER = 107

AOSTA = "Aosta"
ABOLISHED = ("Olbia-Tempio", "Ogliastra", "Medio Campidano", "Carbonia-Iglesias")
"""Sardinian provinces of 2005-2016, still in series that begin then."""

NO_CASES = "-"
ZERO_WITHOUT_CASES = {
    # ISTAT's dash means that a phenomenon does not exist or that no case of it occurred. It is a true zero only in
    # rates of events and shares; in a concentration or in places per prison there is nothing to measure.
    "01SAL004": "infant mortality",
    "01SAL005": "road deaths at 15-34",
    "07SIC001P": "homicides",
    "07SIC007P": "other violent deaths reported",
    "07SIC008P": "road deaths outside towns",
    "10AMB011": "residents exposed to landslides",
    "11RIC002": "patents",
    "12SER024": "residents served by separate collection above 65 %",
}
NOT_AVAILABLE = ("", "....", "..", NO_CASES)

ALTITUDE_NOT_AVAILABLE = "N.d."

MATRIX_COLUMNS = {"procom_res": "origin", "procom_lav": "destination", "pendolari": "commuters"}


def read_commuting(path: Path) -> pd.DataFrame:
    """Read the matrix of commuting to work of 2021.

    Parameters
    ----------
    path : Path
        Zip of the official layout: one text file, separated by tabs, with the columns ``Prov_res``, ``Procom_res``,
        ``Prov_lav``, ``Procom_lav``, ``Pendolari``.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.FLOWS`. Codes of 2021 are those of 2022. Commuters go to work at
        least three days a week; nobody who works abroad is in it.

    Raises
    ------
    diagnosis.errors.SourceError
        The archive is damaged, or is not a matrix of this layout.
    diagnosis.errors.InputError
        A number of commuters is negative or not a number, or a code is not a municipality of 2022.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv

    path = Path(path)
    content = read_member(path)
    try:
        header = content[: content.find(b"\n")].decode("utf-8-sig").strip().split("\t")
        table = pyarrow.csv.read_csv(
            io.BytesIO(content),
            parse_options=pyarrow.csv.ParseOptions(delimiter="\t"),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as problem:
        raise SourceError(
            f"{path.name} must hold a table separated by tabs", f"it cannot be read: {problem}"
        ) from problem
    names = {name.strip().casefold(): name for name in table.column_names}
    if absent := [name for name in MATRIX_COLUMNS if name not in names]:
        raise SourceError(
            f"{path.name} must have the columns Procom_res, Procom_lav and Pendolari",
            f"missing: {examples(absent)}; found: {examples(table.column_names, 12)}",
            "Use the matrix of commuting to work that ISTAT issues, unchanged",
        )
    columns = {ours: table.column(names[theirs]) for theirs, ours in MATRIX_COLUMNS.items()}
    with contextlib.suppress(pa.ArrowInvalid):  # what stays text is named by the contract's check
        columns["commuters"] = pc.cast(columns["commuters"], pa.int64())
    flows = pd.DataFrame({name: column.to_pandas() for name, column in columns.items()})
    frame = FLOWS.check(flows, path.name)
    known = read_register().index
    for end in ("origin", "destination"):
        unknown = pd.Index(frame[end].unique()).difference(known)
        if len(unknown):
            raise InputError(
                f"{path.name}: every {end} must be a municipality of {VINTAGE}",
                f"{len(unknown)} are not: {examples(unknown)}",
                "Use the matrix of 2021, which has the same municipalities",
            )
    frame.attrs = {"vintage": VINTAGE, "notes": []}
    return frame


def mark_estimated(flows: pd.DataFrame, observed: Path | None) -> pd.DataFrame:
    """Mark the flows of a completed matrix that are estimates.

    Parameters
    ----------
    flows : DataFrame
        ``origin``, ``destination``, ``commuters`` of the completed matrix.
    observed : Path or None
        Matrix of the same layout that holds the observed flows only; without it every flow may be an estimate.

    Returns
    -------
    DataFrame
        With a column ``estimated``: 1 where the pair is not among the observed ones, otherwise 0.
    """
    if observed is None:
        return flows.assign(estimated=1)
    known = np.isin(_pairs(flows), _pairs(read_commuting(observed)))
    marked = flows.assign(estimated=(~known).astype("int8"))
    marked.attrs = flows.attrs
    return marked


def _pairs(flows: pd.DataFrame) -> np.ndarray:
    """Write each origin and destination, six digits both, as one number: quicker to look up than text."""
    origin, destination = (flows[end].astype("int64").to_numpy() for end in ("origin", "destination"))
    return origin * 1_000_000 + destination


def read_wellbeing(path: Path) -> pd.DataFrame:
    """Read the well-being indicators of province-level bodies (BES dei territori, edition 2025).

    Parameters
    ----------
    path : Path
        Workbook with one row an indicator, sex and territory, and one column a year (``V2004`` ...).

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.WELLBEING`, both sexes together: 107 province-level bodies, 20
        regions, Italy. The macro-areas (Nord, Centro, ...) and four Sardinian provinces abolished in 2016 are
        left out. What is not available has no row.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook, a territory is unknown, or one of the 107 bodies is absent.
    diagnosis.errors.InputError
        A value is not a number.
    """
    path = Path(path)
    raw = read_sheet(path)
    years = [name for name in map(str, raw.columns) if re.fullmatch(r"V(19|20)\d\d", name)]
    columns = {"CODICE": "indicator", "SESSO": "sex", "TERRITORIO": "name", "W_GEO": "level"}
    raw = pick_columns(raw, {**columns, **{year: year[1:] for year in years}}, path)
    totals = raw[raw["sex"] == "Totale"].copy()
    totals["territory"] = _territories(totals, path)
    cells = totals.dropna(subset="territory").melt(
        ["territory", "indicator"], [year[1:] for year in years], "year", "value"
    )
    # a letter in brackets refers to a footnote
    cells["value"] = cells["value"].astype("str").str.strip()
    noted = cells["value"].str.endswith(")")  # few: a regular expression over all cells takes long
    cells.loc[noted, "value"] = cells.loc[noted, "value"].str.replace(r"\s*\([a-z]\)$", "", regex=True)
    zero = (cells["value"] == NO_CASES) & cells["indicator"].isin(ZERO_WITHOUT_CASES)
    cells.loc[zero, "value"] = "0"
    gap = cells["value"].isin(NOT_AVAILABLE)
    cells["value"] = cells["value"].str.replace(",", ".", regex=False)
    frame = WELLBEING.check(cells[~gap].reset_index(drop=True), path.name)
    read_as_zero = ", ".join(sorted(ZERO_WITHOUT_CASES))
    notes = [
        f"{int(gap.sum())} of {len(cells)} values by territory, indicator and year are not available: no row.",
        f"{int(zero.sum())} dashes mean that no case occurred and are read as 0 ({read_as_zero}).",
        "Any other dash is a value not available.",
        "Macro-areas and the Sardinian provinces abolished in 2016 are left out.",
    ]
    frame.attrs = {"vintage": VINTAGE, "notes": [f"wellbeing: {note}" for note in notes]}
    return frame


def read_labour_areas(path: Path, municipality_list: Path | None = None) -> pd.DataFrame:
    """Read the labour market areas (sistemi locali del lavoro) of 2021.

    Parameters
    ----------
    path : Path
        JSON of SITUAS: ``resultset``, a list of municipalities of 2026 with ``COD_SLL``, ``DEN_SLL``, ``PRO_COM_T``,
        ``COMUNE``, ``COD_REG_COM``.
    municipality_list : Path, optional
        List of municipalities of 2026 with cadastral codes, see :func:`read_municipality_list`. Without it the new
        Sardinian codes are linked by name within the region, as the JSON has no cadastral code.

    Returns
    -------
    DataFrame, 7,904 rows
        In the contract :data:`diagnosis.tables.LABOUR_AREAS`: 515 areas. The parts of later mergers take the
        area of the merged municipality.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this JSON.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        raw = pd.DataFrame(content["resultset"], dtype=object)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise SourceError(
            f"{path.name} must be JSON with the list 'resultset'", f"it cannot be read: {problem!r}"
        ) from problem
    columns = {
        "PRO_COM_T": "code",
        "COD_SLL": "area",
        "DEN_SLL": "area_name",
        "COMUNE": "name",
        "COD_REG_COM": "region",
    }
    areas = pick_columns(raw, columns, path)
    areas = areas.set_index(pd.Index(format_codes(areas["code"]), name="code")).astype("str")
    published = read_municipality_list(municipality_list) if municipality_list else areas
    areas = LABOUR_AREAS.check(areas[["area", "area_name"]], path.name)
    carried = carry(areas, "2026", "inherit", read_register(), published)
    return _noted(LABOUR_AREAS.check(carried, path.name), carried, "labour areas")


def read_classification(path: Path) -> pd.DataFrame:
    """Read degree of urbanisation, altimetric zone, altitude of the centre, coast and island, 1 January 2023.

    Parameters
    ----------
    path : Path
        Workbook, first sheet, one row a municipality of 2023.

    Returns
    -------
    DataFrame, 7,904 rows
        In the contract :data:`diagnosis.tables.CLASSIFICATION`. The parts of mergers of that day take the values
        of the merged municipality.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook.
    """
    columns = {
        "Codice Istat del Comune (alfanumerico)": "code",
        "Grado di urbanizzazione": "degurba",
        "Zona altimetrica": "altimetric_zone",
        "Altitudine del centro*": "altitude_m",
        "Comune litoraneo": "coastal",
        "Comune isolano": "island",
    }
    path = Path(path)
    raw = pick_columns(read_sheet(path), columns, path)
    raw["code"] = format_codes(raw["code"])
    for name in ("degurba", "altimetric_zone"):  # some cells hold text, some numbers
        raw[name] = raw[name].astype("str").str.replace(r"\.0$", "", regex=True)
    unknown = raw["altitude_m"] == ALTITUDE_NOT_AVAILABLE
    raw.loc[unknown, "altitude_m"] = ""
    classes = CLASSIFICATION.check(raw, path.name)
    carried = carry(classes, "2023", "inherit", read_register())
    if unknown.any():
        carried.attrs["notes"].append(f"No altitude is given for {examples(raw.loc[unknown, 'code'])}.")
    return _noted(CLASSIFICATION.check(carried, path.name), carried, "classification")


def read_municipality_list(path: Path) -> pd.DataFrame:
    """Read the list of municipalities of SITUAS: what links codes of 2026 to those of 2022.

    Parameters
    ----------
    path : Path
        CSV separated by semicolons, one row a municipality.

    Returns
    -------
    DataFrame of str
        Indexed by ``code`` of the list's day: ``cadastral``, ``name``, ``region``.
    """
    path = Path(path)
    columns = {
        "Codice Comune (alfanumerico)": "code",
        "Codice catasto": "cadastral",
        "Comune (dizione italiana)": "name",
        "Codice Regione": "region",
    }
    listed = pick_columns(read_delimited(path), columns, path)
    return listed.set_index(pd.Index(format_codes(listed["code"]), name="code")).drop(columns="code")


def _territories(rows: pd.DataFrame, path: Path) -> pd.Series:
    """Code of each row's territory by its name and level; missing for those left out."""
    register = read_register()
    provinces = register.drop_duplicates("province").set_index("province_name")["province"].to_dict()
    provinces[AOSTA] = "007"
    regions = ("R" + register.drop_duplicates("region").set_index("region_name")["region"]).to_dict()
    level = rows["level"].astype("str")
    country, macro_area = level.str.startswith("90"), level.str.match(r"[1-3]0-")
    region = level.str.fullmatch(r"0\d-\d\d-000")
    left_out = macro_area | (~region & rows["name"].isin(ABOLISHED))
    codes = rows["name"].map(regions).where(region, rows["name"].map(provinces)).where(~country, COUNTRY)
    codes = codes.where(~left_out)
    if (unknown := codes.isna() & ~left_out).any():
        raise SourceError(
            f"{path.name}: every territory must be a province-level body, a region or Italy",
            f"unknown: {examples(rows.loc[unknown, 'name'].unique())}",
            "Use the edition that data/sources.yml names",
        )
    found = set(codes.dropna())
    if absent := [name for name, code in provinces.items() if code not in found]:
        raise SourceError(
            f"{path.name} must hold all {PROVINCE_BODIES_NUMBER} province-level bodies",
            f"{len(absent)} are absent: {examples(absent)}",
            "Use the edition that data/sources.yml names",
        )
    return codes


def _noted(frame: pd.DataFrame, carried: pd.DataFrame, table: str) -> pd.DataFrame:
    notes = [f"{table}: {note}" for note in carried.attrs["notes"]]
    frame.attrs = {"vintage": VINTAGE, "notes": notes}
    return frame
