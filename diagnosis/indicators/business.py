"""Enterprises where they are: local units, jobs, wages and value added in industry and services.

From ISTAT's frame territoriale, which leaves out agriculture, finance and the public sector. What ISTAT keeps secret
in a municipality is missing there and in every group that contains it, but for provinces, regions and the country,
whose totals ISTAT publishes. Concentration of employment over sectors is not computed: of municipalities only two
sectors are published, and an index of two shares says no more than one of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.indicators.income import masked_cells
from diagnosis.indicators.measures import MASKED, PUBLISHED, Counts, Measure, Tables, Units, column
from diagnosis.tables.economy import BUSINESS_COUNTS, SECTORS

_NEEDS = ("business",)
_PEOPLE = (*_NEEDS, "population")
EUROS = 1000
"""Money is published in thousands of euros."""
READ = (
    *BUSINESS_COUNTS,
    *(f"{sector}_{name}" for sector in SECTORS for name in BUSINESS_COUNTS),
    "turnover",
)
COUNTRY = "IT"

# One firm that comes or goes moves many jobs at once, and persons employed are averages over the year: chance does not
# enter person by person.
MEASURES = {
    "persons_employed_per_100_adults": Measure(_PEOPLE, "persons_employed", "age_20_64"),
    "local_units_per_1000_residents": Measure(_PEOPLE, "local_units", "residents", factor=1000),
    "local_unit_size": Measure(_NEEDS, "persons_employed", "local_units", factor=1),
    "employees_share": Measure(_NEEDS, "employees", "persons_employed"),
    "wage_per_employee": Measure(_NEEDS, "wages", "employees", factor=EUROS),
    "labour_productivity": Measure(_NEEDS, "value_added", "persons_employed", factor=EUROS),
    "value_added_per_resident": Measure(_PEOPLE, "value_added", "residents", factor=EUROS),
    "value_added_turnover_share": Measure(_NEEDS, "value_added", "turnover"),
    "wage_share": Measure(_NEEDS, "wages", "value_added"),
    "industry_employment_share": Measure(_NEEDS, "industry_persons_employed", "persons_employed"),
    **{
        f"{sector}_{name}": Measure(_NEEDS, f"{sector}_{above}", f"{sector}_{below}", factor=EUROS)
        for sector in SECTORS
        for name, above, below in (
            ("wage_per_employee", "wages", "employees"),
            ("labour_productivity", "value_added", "persons_employed"),
        )
    },
}


def count(tables: Tables, units: Units, residents: np.ndarray, adults: np.ndarray) -> Counts:
    """Read what enterprises have and do in each municipality, and the published totals of larger areas.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``business`` and, for the areas, ``municipalities``, as in :mod:`diagnosis.tables`.
    units : Units
        Names the municipalities.
    residents, adults : ndarray, one a municipality
        All residents, and those aged 20 to 64.

    Returns
    -------
    dict of str to ndarray
        By municipality, in local units, persons and thousands of euros; ``<name>_masked``: where ISTAT keeps it
        secret; ``<name>_published``, by unit: the total of a unit that is a province, a region or the country.
    """
    codes = units.codes
    frame = tables.get("business")
    secret = masked_cells(frame, codes)
    areas = pd.Index(_areas(tables["municipalities"], units))
    counts = {"residents": residents, "age_20_64": adults}
    for name in READ:
        counts[name] = column(tables, "business", name, codes)
        counts[name + MASKED] = secret(name)
        if units.grouped:
            counts[name + PUBLISHED] = column(tables, "business", name, areas)
    return counts


def _areas(municipalities: pd.DataFrame, units: Units) -> np.ndarray:
    """Return the province, region or country that each unit is as a whole, by its name in the table; else blank."""
    areas = np.full(len(units.index), "", dtype=object)
    if not units.grouped:
        return areas
    divisions = {"province": "", "region": "R"}
    known = [
        (municipalities[name], sign) for name, sign in divisions.items() if name in municipalities.columns
    ]
    for division, sign in known:
        matched = units.match((sign + division.astype("str")).to_numpy(dtype=object))
        areas = np.where(pd.isna(matched), areas, matched)
    if known:
        country = units.match(np.full(len(units.codes), COUNTRY, dtype=object))
        areas = np.where(pd.isna(country), areas, country)
    return areas
