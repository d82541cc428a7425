"""Coverage of every indicator, measured on the data at hand and kept beside the docs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from diagnosis.catalogue import load_catalogue
from diagnosis.config import project_folder
from diagnosis.csv_files import to_csv
from diagnosis.provenance import write_atomically

if TYPE_CHECKING:
    from diagnosis.territory import Country

FILE = Path("docs") / "indicator-coverage.csv"
COLUMNS = ("indicator", "level", "with_value", "of")


def measure_coverage(country: Country) -> pd.DataFrame:
    """Count the municipalities, or the provinces in the reference year, that have a value of each indicator.

    Parameters
    ----------
    country : Country

    Returns
    -------
    DataFrame
        `indicator`, `level`, `with_value`, `of` (units), in the order of the catalogue; an indicator whose file is not
        here has no value.
    """
    from diagnosis.indicators import compute, latest, table

    catalogue = load_catalogue()
    municipal = compute(country.tables).notna()
    series = country.table("wellbeing")
    published = table(series, latest(series, catalogue))
    published = published[published.index.str.fullmatch(r"\d{3}")].notna()
    rows = []
    for item in catalogue.indicators.values():
        values = municipal if item.level == "municipality" else published
        number = int(values[item.id].sum()) if item.id in values else 0
        rows.append((item.id, item.level, number, len(values)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_coverage(measured: pd.DataFrame) -> Path:
    """Keep what was measured in the docs of the project."""
    return write_atomically(project_folder() / FILE, to_csv(measured))


def read_coverage() -> pd.Series | None:
    """Return the coverage last measured, 0 to 1 by indicator; None where the docs are not at hand."""
    path = project_folder() / FILE
    if not path.is_file():
        return None
    kept = pd.read_csv(path, dtype={"indicator": str}, keep_default_na=False).set_index("indicator")
    return (kept["with_value"] / kept["of"]).rename("coverage")
