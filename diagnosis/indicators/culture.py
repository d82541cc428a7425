"""Libraries, from the register of the Central Institute for the Union Catalogue (ICCU)."""

from __future__ import annotations

import numpy as np

from diagnosis.indicators.measures import Counts, Measure, Tables, Units, column

MEASURES = {
    "libraries_per_10000_residents": Measure(
        ("libraries", "population"), "libraries", "residents", factor=10_000
    ),
    "municipalities_with_library_share": Measure(("libraries",), "with_library", "registered"),
    "residents_with_library_share": Measure(
        ("libraries", "population"), "residents_with_library", "residents"
    ),
}


def count(tables: Tables, units: Units, residents: np.ndarray) -> Counts:
    """Count libraries, and residents of municipalities that have one.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``libraries``, as in :mod:`diagnosis.tables`.
    units : Units
        Names the municipalities.
    residents : ndarray of float
        Residents by municipality.

    Returns
    -------
    dict of str to ndarray
        By municipality; missing where the register does not cover it.
    """
    libraries = column(tables, "libraries", "libraries", units.codes)
    present = np.where(np.isnan(libraries), np.nan, libraries > 0)
    return {
        "libraries": libraries,
        "with_library": present,
        "residents_with_library": present * residents,
        "registered": np.ones(len(units.codes)),
    }
