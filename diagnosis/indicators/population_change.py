"""Change of residents between dates whose counts are of the same make.

A provisional count lacks the correction of the census (in 2022 almost as large as the year's balance, with the other
sign), so it is compared only with the definitive count it was added to, and the result is called provisional.
"""

from __future__ import annotations

import numpy as np

from diagnosis.indicators.measures import Counts, Measure, Tables, Units

DEFINITIVE, PROVISIONAL = "2025", "2026"

MEASURES = {
    "population_change": Measure(("population", "residents_by_year"), "change_2022_2025", "compared_2022"),
    "population_change_provisional": Measure(
        ("residents_by_year",), "change_2025_2026", "compared_2025", factor=1000
    ),
}


def count(tables: Tables, units: Units, residents: np.ndarray) -> Counts:
    """Subtract residents of one date from those of another.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``residents_by_year``, as in :mod:`diagnosis.tables`.
    units : Units
        Names the municipalities.
    residents : ndarray of float
        Residents by municipality on 1 January 2022, after the census.

    Returns
    -------
    dict of str to ndarray
        By municipality, in residents; missing where one of the two dates is, and where the table calls definitive
        what should be provisional, or the reverse.
    """
    definitive = _residents(tables, units, DEFINITIVE, provisional=False)
    provisional = _residents(tables, units, PROVISIONAL, provisional=True)
    return {
        "change_2022_2025": definitive - residents,
        "compared_2022": residents,
        "change_2025_2026": provisional - definitive,
        "compared_2025": definitive,
    }


def _residents(tables: Tables, units: Units, year: str, *, provisional: bool) -> np.ndarray:
    frame = tables.get("residents_by_year")
    if frame is None:
        return np.full(len(units.codes), np.nan)
    rows = frame[(frame["year"] == year) & (frame["provisional"] == int(provisional))]
    return rows.set_index("code")["residents"].reindex(units.codes).to_numpy(dtype=float)
