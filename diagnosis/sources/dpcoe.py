"""Department for Cohesion Policies (DPCoe) and ISTAT: map of inner areas (SNAI), 2020."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.codes import carry, format_codes
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_sheet
from diagnosis.tables import INNER_AREAS, VINTAGE

SHEET, HEADER_ROW = "DATI", 2


def read_inner_areas(path: Path) -> pd.DataFrame:
    """Read the class of inner areas and the road minutes to the nearest pole.

    Parameters
    ----------
    path : Path
        Workbook of the map 2020: sheet ``DATI``, column names in the third row, municipalities of 30 September 2020.

    Returns
    -------
    DataFrame, 7,903 rows
        In the contract :data:`diagnosis.tables.INNER_AREAS`: class A (pole) to F (ultra-peripheral), minutes by road
        (0 for A and B), code and name of the pole. Misiliscemi (081025), created in 2021, has no row.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this workbook.
    diagnosis.errors.InputError
        A class is not one of A to F, or minutes are negative or not a number.
    """
    columns = {
        "PROCOM_T": "code",
        "*COD_AI_2020": "snai_class",
        "*MEDIA tempi di percorrenza*": "minutes_to_pole",
        "*Codice PROCOM_N*": "pole_code",
        "*Denominazione del COMUNE di destinazione*": "pole_name",
    }
    path = Path(path)
    raw = pick_columns(read_sheet(path, SHEET, HEADER_ROW), columns, path)
    raw["code"] = format_codes(raw["code"])
    raw["pole_code"] = format_codes(raw["pole_code"])
    classes = INNER_AREAS.check(raw, path.name)
    carried = carry(classes, "2020", "inherit", read_register())
    frame = INNER_AREAS.check(carried, path.name)
    frame.attrs = {"vintage": VINTAGE, "notes": [f"inner areas: {note}" for note in carried.attrs["notes"]]}
    return frame
