"""Automobile Club d'Italia (ACI): registered vehicles by province."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.codes import format_codes
from diagnosis.errors import InputError, examples
from diagnosis.sources.formats import pick_columns, read_delimited
from diagnosis.tables.energy import VEHICLES, VEHICLES_BY_KIND

PROVINCE_DIGITS = 3
PUBLISHED = (
    "autobus",
    "autocarri",
    "autoveicoli_speciali",
    "autovetture",
    "motocarri",
    "motocicli",
    "motoveicoli_speciali",
    "rimorchi_speciali",
    "rimorchi_merci",
    "trattori",
    "non_definito",
)
"""Headings of the kinds of vehicles, in the order of :data:`diagnosis.tables.energy.VEHICLES_BY_KIND`."""

NO_RATES = (
    "The republisher's motorisation rates are not used: their population adds two years up and the rates are half of "
    "what they should be."
)


def read_vehicles(path: Path) -> pd.DataFrame:
    """Read the registered vehicles of each province.

    Parameters
    ----------
    path : Path
        CSV of the fleet by province as republished by limen; ``COD_PROV`` without leading zeros.

    Returns
    -------
    DataFrame, 107 rows
        In the contract :data:`diagnosis.tables.energy.VEHICLES`, sorted by province.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this table.
    diagnosis.errors.InputError
        A value is negative or not a number, or the kinds do not add up to the total.
    """
    path = Path(path)
    columns = {
        "cod_prov": "province",
        **dict(zip(PUBLISHED, VEHICLES_BY_KIND, strict=True)),
        "totale": "total",
    }
    raw = pick_columns(read_delimited(path), columns, path)
    raw["province"] = format_codes(raw["province"], PROVINCE_DIGITS)
    frame = VEHICLES.check(raw, path.name).sort_index()
    wrong = frame[list(VEHICLES_BY_KIND)].sum(axis=1) != frame["total"]
    if wrong.any():
        raise InputError(
            f"{path.name}: the kinds of vehicles must add up to the total",
            f"they do not in {examples(frame.index[wrong])}",
        )
    frame.attrs = {"notes": [NO_RATES]}
    return frame
