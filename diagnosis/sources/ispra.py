"""ISPRA: residents and area exposed to landslides and floods (IdroGEO, 2020-2021)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.codes import carry, format_codes
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited
from diagnosis.tables import HAZARDS, VINTAGE

EXPOSED = {
    "pop": "residents",
    "fam": "families",
    "edf": "buildings",
    "ulc": "local_units",
    "bct": "heritage",
}
"""ISPRA's prefixes of what is exposed."""

LANDSLIDE, FLOOD = "fr_P3P4", "id_M"
"""Landslide hazard high and very high (P3 + P4); flood hazard of medium probability (P2)."""

CLASSES = ("id_H", "id_M", "id_L", "fr_P4", "fr_P3", "fr_P2", "fr_P1", "fr_AA", "fr_P3P4")
"""All hazard classes of the table, floods then landslides; each has a count and a percentage (``_p``)."""

OF_ANOTHER_YEAR = ("pop", "fam")


def read_hazards(path: Path) -> pd.DataFrame:
    """Read exposure to landslides and floods.

    Exposed residents and families are estimates on the census of 2011, and so are ISPRA's percentages, but the
    table's totals are of 2020: dividing one by the other gives more than 100 % in 62 municipalities. The totals
    returned are those the percentages imply (count of the largest class / its percentage): the census of 2011.

    Parameters
    ----------
    path : Path
        CSV of IdroGEO, one row a municipality of 2020. Its column ``area`` is defective and not read.

    Returns
    -------
    DataFrame, 7,903 rows
        In the contract :data:`diagnosis.tables.HAZARDS`. Misiliscemi (081025) has no row: it is counted in Trapani
        (081021), from which it was split in 2021.

    Raises
    ------
    diagnosis.errors.SourceError
        The file cannot be read or lacks a column.
    diagnosis.errors.InputError
        A value is negative or not a number.
    """
    path = Path(path)
    columns = {
        "CMN": "code",
        f"area_{LANDSLIDE}": "landslide_area_km2",
        f"area_{FLOOD}": "flood_area_km2",
        **EXPOSED,
        **{f"{prefix}_{LANDSLIDE}": f"landslide_{name}" for prefix, name in EXPOSED.items()},
        **{f"{prefix}_{FLOOD}": f"flood_{name}" for prefix, name in EXPOSED.items()},
    }
    raw = read_delimited(path)
    exposure = pick_columns(raw, columns, path)
    exposure["code"] = format_codes(exposure["code"])
    exposure = HAZARDS.check(exposure, path.name)
    for prefix in OF_ANOTHER_YEAR:
        implied = _implied_total(raw, prefix, path)
        exposure[EXPOSED[prefix]] = np.where(np.isnan(implied), exposure[EXPOSED[prefix]], implied)
    carried = carry(exposure, "2020", "sum", read_register())
    frame = HAZARDS.check(carried, path.name)
    notes = [
        *carried.attrs["notes"],
        (
            "Residents and families are those of the census of 2011, on which exposure was estimated, recovered from "
            "the published percentages; where nobody is exposed to anything, those of 2020."
        ),
    ]
    frame.attrs = {"vintage": VINTAGE, "notes": [f"hazards: {note}" for note in notes]}
    return frame


def _implied_total(raw: pd.DataFrame, prefix: str, path: Path) -> np.ndarray:
    """Total that the count and the percentage of the largest class imply; missing where no class has anybody."""
    names = [f"{prefix}_{name}" for name in CLASSES]
    counts, percentages = (
        pick_columns(raw, {name: name for name in group}, path)
        .apply(pd.to_numeric, errors="coerce")
        .to_numpy()
        for group in (names, [f"{name}_p" for name in names])
    )
    largest = np.nan_to_num(counts).argmax(axis=1)
    rows = np.arange(len(raw))
    count, percentage = counts[rows, largest], percentages[rows, largest]
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.rint(100 * count / percentage)
    return np.where((count > 0) & (percentage > 0), total, np.nan)
