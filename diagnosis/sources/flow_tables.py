"""Origin-destination tables from anywhere: who commutes from where to where, columns recognised by heading."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.sources.cells import numbers_of, positions_of
from diagnosis.sources.messages import list_names
from diagnosis.sources.packing import DAMAGED, GZIP, ZIP, open_text, read_head, unreadable
from diagnosis.sources.tabular import Role, read_columns, remark

ORIGIN = Role(
    "origin",
    (
        "procom_res", "community_live", "origin", "origin_code", "origin_id", "orig", "o", "origine", "from",
        "from_code", "from_id", "home", "home_code", "home_id", "live", "residence", "residence_code", "residenza",
        "res", "cod_res", "codice_residenza", "comune_residenza", "comune_di_residenza", "area_of_residence",
        "h_geocode", "codgeo",
    ),
    exclusive=True,
)  # fmt: skip
DESTINATION = Role(
    "destination",
    (
        "procom_lav", "community_work", "destination", "destination_code", "destination_id", "dest", "d",
        "destinazione", "to", "to_code", "to_id", "work", "work_code", "work_id", "workplace", "workplace_code",
        "lavoro", "lav", "cod_lav", "codice_lavoro", "comune_lavoro", "comune_di_lavoro", "area_of_workplace",
        "w_geocode", "dclt",
    ),
    exclusive=True,
)  # fmt: skip
COMMUTERS = Role(
    "commuters",
    (
        "pendolari", "amount", "commuters", "commuter", "flow", "flows", "flusso", "flussi", "count", "counts",
        "trips", "spostamenti", "workers", "persons", "people", "individui", "numero_individui", "n", "number",
        "numero", "value", "weight", "s000", "nbflux_c*_actocc15p",
    ),
    exclusive=True,
)  # fmt: skip
ESTIMATED = Role("estimated", ("estimated", "stimato", "stimati", "stima"), required=False)
"""Headings as :func:`diagnosis.sources.tabular.normalise` writes them: ISTAT's matrix of 2021, the package
LabourMarketAreas, words of everyday use, LODES (United States), INSEE (France)."""

CENSUS_2011 = re.compile(rb"[SL] +[12] +\d{3} +\d{3} +[12] +[12] +[123] ")
COUNTED = re.compile(
    rb"^S +[12] +(\d{3}) +(\d{3}) +[12] +([12]) +([123]) +(\S+) +(\S+)(?: +\S+){5} +(\d+) *\r?$", re.M
)
"""A record of type S: residence (province, municipality), reason, place, work (province, municipality), persons."""
COUNTED_RECORD, OTHER_LINE = re.compile(rb"^S.*$", re.M), re.compile(rb"^[^SL\s].*$", re.M)
STUDY, ABROAD = b"1", b"3"
CODE_DIGITS = 6
BLOCK = 1 << 25


def read_flows(
    path: str | Path,
    *,
    origin: str | None = None,
    destination: str | None = None,
    commuters: str | None = None,
) -> pd.DataFrame:
    """Read a table of flows between places.

    Parameters
    ----------
    path : str or Path
        One row a pair, or several rows a pair (by sex, by mode), which are added up. Delimited text (tab, semicolon,
        comma, bar; decimals with point or comma), plain, gzipped or the one text file of a zip; Parquet; Arrow; xlsx.
        Or the matrix of the Italian census of 2011, ``matrix_pendo2011_10112014.txt``, plain or in ISTAT's zip.
    origin, destination, commuters : str, optional
        Headings of the columns; without them :data:`ORIGIN`, :data:`DESTINATION` and :data:`COMMUTERS` are looked
        for, whatever their case.

    Returns
    -------
    pandas.DataFrame
        In the contract :data:`diagnosis.tables.FLOWS`, with codes of any kind, as text and as they stand: leading
        zeros kept where the file has them. ``estimated`` (0 or 1) if the file has such a column; a pair of which a
        part is estimated counts as estimated. Rows of 0 stay: their places may have no other. In ``attrs``:
        ``layout`` (``"table"`` or ``"istat_2011"``), ``columns`` (heading of each column), ``notes`` (English) and
        ``remarks`` (the same in both languages).

    Raises
    ------
    diagnosis.errors.InputError
        The file is not such a table, a column is not recognised, a code is missing, or a count is missing, negative
        or not a number; with the rows.

    Notes
    -----
    Of the census of 2011 the records of type S are used, which count everybody, with reason work; sex and kind of
    household are added up, and who works abroad is left out and counted. Records of type L tell the same people by
    means and time of travel, partly from a sample. The layout is that of ISTAT's file description (2014), as several
    public programs read it: 15 fields separated by blanks. The file itself was not at hand when this was written.
    """
    path = Path(path)
    given = {"origin": origin, "destination": destination, "commuters": commuters}
    if not any(given.values()) and _is_census_2011(path):
        return _read_census_2011(path)
    columns = read_columns(path, (ORIGIN, DESTINATION, COMMUTERS, ESTIMATED), given)
    remarks = list(columns.remarks)
    ends, codes = {}, {}
    for name in ("origin", "destination"):
        ends[name], codes[name], from_numbers = positions_of(columns.table.column(name))
        if (blank := ends[name] < 0).any():
            rows = np.flatnonzero(blank) + columns.first_row
            raise InputError(
                f"{path.name}: every row needs a code in {columns.headings[name]!r} ({name})",
                f"{len(rows)} have none: rows {examples(rows.tolist())}",
                "Fill them in, or remove totals and notes",
            )
        if from_numbers:
            remarks.append(
                remark(
                    "I codici nella colonna {heading!r} sono memorizzati come numeri: gli eventuali zeri iniziali sono"
                    " andati perduti.",
                    "The codes in column {heading!r} are stored as numbers: leading zeros, if any, are lost.",
                    heading=columns.headings[name],
                )
            )
    _note_zeros(codes, remarks)
    amount = numbers_of(columns, "commuters", path.name)
    estimated = None
    if "estimated" in columns.headings:
        estimated = numbers_of(columns, "estimated", path.name)
        if not np.isin(estimated, (0, 1)).all():
            raise InputError(
                f"{path.name}: {columns.headings['estimated']!r} must be 0 or 1",
                f"found {examples(np.setdiff1d(estimated, (0, 1)).tolist())}",
                "Rename the column if it is something else",
            )
    if amount.dtype.kind == "f" and (amount == np.floor(amount)).all() and amount.max(initial=0) < 2**53:
        amount = amount.astype("int64")
    flows = _add_up(ends, codes, amount, estimated, remarks)
    return _noted(flows, "table", columns.headings, remarks)


def _note_zeros(codes: dict[str, pd.Index], remarks: list[dict[str, str]]) -> None:
    """Tell of codes that differ by leading zeros only: likely the same place, written in two ways."""
    known = codes["origin"].union(codes["destination"])
    digits = known[known.str.fullmatch("[0-9]+")]
    bare = digits.str.lstrip("0")
    if twice := list(digits[bare.duplicated(keep=False)]):
        remarks.append(
            remark(
                "Attenzione: codici che differiscono solo per gli zeri iniziali contano come comuni diversi: {n}"
                " ({shown}).",
                "Beware: codes that differ by leading zeros only count as different municipalities: {n} ({shown}).",
                n=len(twice),
                shown=list_names(twice),
            )
        )


def _add_up(
    ends: dict[str, np.ndarray],
    codes: dict[str, pd.Index],
    amount: np.ndarray,
    estimated: np.ndarray | None,
    remarks: list[dict[str, str]],
) -> pd.DataFrame:
    """One row a pair, in the order of their first rows."""
    first, last = ends["origin"], ends["destination"]
    pair = first.astype("int64") * len(codes["destination"]) + last
    number, pairs = pd.factorize(pair)
    if len(pairs) < len(pair):
        remarks.append(
            remark(
                "Righe con la stessa coppia di codici, sommate: {n} righe, {pairs} coppie.",
                "Rows of the same pair of codes were added up: {n} rows, {pairs} pairs.",
                n=len(pair),
                pairs=len(pairs),
            )
        )
        kind = amount.dtype
        amount = np.bincount(number, amount, len(pairs))
        if amount.max() < 2**53:
            amount = amount.astype(kind)
        if estimated is not None:
            estimated = (np.bincount(number, estimated, len(pairs)) > 0).astype("int8")
        first, last = pairs // len(codes["destination"]), pairs % len(codes["destination"])
    if zero := int((amount == 0).sum()):
        remarks.append(
            remark(
                "Coppie senza pendolari (0): {n}. I loro comuni restano.",
                "Pairs with no commuters (0): {n}. Their municipalities remain.",
                n=zero,
            )
        )
    flows = pd.DataFrame(
        {
            "origin": codes["origin"].take(first),
            "destination": codes["destination"].take(last),
            "commuters": amount,
        }
    )
    return flows if estimated is None else flows.assign(estimated=estimated.astype("int8"))


def _noted(
    flows: pd.DataFrame, layout: str, headings: dict[str, str], remarks: list[dict[str, str]]
) -> pd.DataFrame:
    flows.attrs = {
        "layout": layout,
        "columns": headings,
        "notes": [item["en"] for item in remarks],
        "remarks": remarks,
    }
    return flows


def _is_census_2011(path: Path) -> bool:
    start = read_head(path, packed=True)
    if start.startswith((GZIP, ZIP)):
        try:
            start = read_head(path)
        except InputError:  # a workbook, or told by the reader of tables
            return False
    return CENSUS_2011.match(start.lstrip()) is not None


def _read_census_2011(path: Path) -> pd.DataFrame:
    totals: dict[bytes, int] = defaultdict(int)
    records = abroad = 0
    try:
        with open_text(path) as stream:
            rest = b""
            while block := stream.read(BLOCK):
                block, _, rest = (rest + block).rpartition(b"\n")
                number, left_out = _add_records(block, totals, records, path)
                records, abroad = records + number, abroad + left_out
        number, left_out = _add_records(rest, totals, records, path)
        records, abroad = records + number, abroad + left_out
    except DAMAGED as problem:
        raise unreadable(path, problem) from problem
    if not totals:
        raise InputError(
            f"{path.name} must hold records of type S with reason 2 (work)",
            f"none of its {records} records is, with work in Italy",
            "Give the whole file that ISTAT issues",
        )
    pairs = [pair.decode("ascii") for pair in sorted(totals)]
    flows = pd.DataFrame(
        {
            "origin": [pair[:CODE_DIGITS] for pair in pairs],
            "destination": [pair[CODE_DIGITS:] for pair in pairs],
            "commuters": [totals[pair] for pair in sorted(totals)],
        }
    )
    remarks = [
        remark(
            "Matrice del censimento 2011: {n} record; usati quelli di tipo S con motivo lavoro. I codici sono quelli"
            " dei comuni del 2011.",
            "Matrix of the 2011 census: {n} records; those of type S with reason work are used. Codes are those of the"
            " municipalities of 2011.",
            n=records,
        )
    ]
    if abroad:
        remarks.append(
            remark(
                "Persone che lavorano all'estero, escluse: {n}.",
                "Persons who work abroad, left out: {n}.",
                n=abroad,
            )
        )
    return _noted(flows, "istat_2011", {}, remarks)


def _add_records(block: bytes, totals: dict[bytes, int], before: int, path: Path) -> tuple[int, int]:
    """Add flows to work to the totals by pair; return the number of records, and of persons who work abroad."""
    block = b"\n" + block
    counted, detailed = block.count(b"\nS"), block.count(b"\nL")
    found = COUNTED.findall(block)
    wrong: list[bytes] = []
    if len(found) < counted:
        wrong += [line for line in COUNTED_RECORD.findall(block) if not COUNTED.match(line)]
    if block.count(b"\n") > counted + detailed:
        wrong += OTHER_LINE.findall(block)
    abroad = 0
    for province, municipality, reason, place, work_province, work_municipality, persons in found:
        if reason == STUDY:
            continue
        if place == ABROAD:
            abroad += int(persons)
            continue
        pair = province + municipality + work_province + work_municipality
        if len(pair) != 2 * CODE_DIGITS or not pair.isdigit():
            wrong.append(pair)
        totals[pair] += int(persons)
    if wrong:
        raise InputError(
            f"{path.name}: a record of the census of 2011 must begin with S or L, those with S have 15 fields",
            f"after record {before}: {examples(line.decode('latin-1').strip()[:80] for line in wrong)}",
            "Give the file unchanged",
        )
    return counted + detailed, abroad
