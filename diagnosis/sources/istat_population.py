"""ISTAT: residents of each municipality on 1 January of several years, as limen gives them out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.codes import carry, format_codes
from diagnosis.errors import InputError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited
from diagnosis.tables import RESIDENTS_BY_YEAR, VINTAGE

PROVISIONAL_YEARS = ("2026",)
"""Years not yet corrected by the census: the register's balance of births, deaths and moves, added to the year before.
In 2022 the correction was 146,484 residents, against a balance of -179,416 (ISTAT, census of 31 December 2022)."""
LISTED = "2025"
"""Vintage of the codes, for all years of the file."""


def read_residents_by_year(path: Path) -> pd.DataFrame:
    """Read residents by municipality and year.

    Parameters
    ----------
    path : Path
        CSV with ``codice_comune``, ``anno``, ``popolazione``, one row a municipality of 2025 and year.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.RESIDENTS_BY_YEAR`. The residents of a municipality merged since 2022
        cannot be shared out between its parts, which have no row.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this table.
    diagnosis.errors.InputError
        A number is missing, negative or not a number, a municipality is repeated within a year or unknown.
    """
    path = Path(path)
    columns = {"codice_comune": "code", "anno": "year", "popolazione": "residents"}
    listed = pick_columns(read_delimited(path), columns, path)
    listed["code"] = format_codes(listed["code"])
    listed["provisional"] = listed["year"].isin(PROVISIONAL_YEARS).astype(int)
    listed = RESIDENTS_BY_YEAR.check(listed, path.name)
    wide = listed.pivot(index="code", columns="year", values="residents")
    if (gaps := wide.isna().any(axis=1)).any():
        raise InputError(
            f"{path.name}: every municipality must have a row for every year",
            f"{int(gaps.sum())} have not: {examples(wide.index[gaps])}",
        )
    carried = carry(wide, LISTED, "sum", read_register())
    notes = [f"residents by year: {note}" for note in carried.attrs["notes"]]
    long = carried.reset_index().melt("code", var_name="year", value_name="residents").dropna()
    long["provisional"] = long["year"].isin(PROVISIONAL_YEARS).astype(int)
    frame = RESIDENTS_BY_YEAR.check(long, path.name)
    shown = sorted(set(frame["year"]) & set(PROVISIONAL_YEARS))
    if shown:
        notes.append(
            f"residents by year: {', '.join(shown)} is provisional, not yet corrected by the census."
        )
    frame.attrs = {"vintage": VINTAGE, "notes": notes}
    return frame
