"""Structure of the population, from residents by sex and single year of age.

Definitions follow the demographic indicators of ISTAT (https://demo.istat.it) and, for the support of the oldest by
the generation of their children, the parent support ratio of the United Nations Population Division.
"""

from __future__ import annotations

import numpy as np

from diagnosis.indicators.measures import Counts, Measure, Tables, Units, column
from diagnosis.tables import AGE_COLUMNS, OLDEST_AGE

_NEEDS = ("population",)
SMALL_MUNICIPALITY = 5000
"""Residents up to which Italian law (d.l. 78/2010, art. 14) speaks of a small municipality."""

AGES = {
    # count -> sexes, first and last age
    "residents": ("fm", 0, OLDEST_AGE),
    "age_0_2": ("fm", 0, 2),
    "age_0_4": ("fm", 0, 4),
    "age_0_14": ("fm", 0, 14),
    "age_0_19": ("fm", 0, 19),
    "age_3_13": ("fm", 3, 13),
    "age_15_19": ("fm", 15, 19),
    "age_15_29": ("fm", 15, 29),
    "age_15_39": ("fm", 15, 39),
    "age_15_64": ("fm", 15, 64),
    "age_20_64": ("fm", 20, 64),
    "age_40_64": ("fm", 40, 64),
    "age_50_64": ("fm", 50, 64),
    "age_60_64": ("fm", 60, 64),
    "age_65_plus": ("fm", 65, OLDEST_AGE),
    "age_80_plus": ("fm", 80, OLDEST_AGE),
    "age_85_plus": ("fm", 85, OLDEST_AGE),
    "women": ("f", 0, OLDEST_AGE),
    "men": ("m", 0, OLDEST_AGE),
    "women_15_49": ("f", 15, 49),
    "women_80_plus": ("f", 80, OLDEST_AGE),
}

MEASURES = {
    "residents": Measure(_NEEDS, "residents"),
    "population_density": Measure((*_NEEDS, "municipalities"), "residents", "area_km2", factor=1),
    "mean_age": Measure(_NEEDS, "years_of_age", "residents", factor=1),
    "old_age_index": Measure(_NEEDS, "age_65_plus", "age_0_14", chance="ratio"),
    "dependency_ratio": Measure(_NEEDS, "age_dependent", "age_15_64", chance="ratio"),
    "dependency_ratio_20_64": Measure(_NEEDS, "age_dependent_20_64", "age_20_64", chance="ratio"),
    "old_age_dependency": Measure(_NEEDS, "age_65_plus", "age_15_64", chance="ratio"),
    "parent_support_ratio": Measure(_NEEDS, "age_85_plus", "age_50_64", chance="ratio"),
    "working_age_turnover": Measure(_NEEDS, "age_60_64", "age_15_19", chance="ratio"),
    "working_age_structure": Measure(_NEEDS, "age_40_64", "age_15_39", chance="ratio"),
    "under_3_share": Measure(_NEEDS, "age_0_2", "residents", chance="proportion"),
    "school_age_share": Measure(_NEEDS, "age_3_13", "residents", chance="proportion"),
    "youth_share": Measure(_NEEDS, "age_15_29", "residents", chance="proportion"),
    "over_80_share": Measure(_NEEDS, "age_80_plus", "residents", chance="proportion"),
    "women_15_49_share": Measure(_NEEDS, "women_15_49", "residents", chance="proportion"),
    "children_women_ratio": Measure(_NEEDS, "age_0_4", "women_15_49", chance="ratio"),
    "sex_ratio": Measure(_NEEDS, "men", "women", chance="ratio"),
    "women_over_80_share": Measure(_NEEDS, "women_80_plus", "age_80_plus", chance="proportion"),
    "small_municipalities_share": Measure(_NEEDS, "small", "one"),
    "small_municipalities_residents_share": Measure(_NEEDS, "small_residents", "residents"),
}


def count(tables: Tables, units: Units) -> Counts:
    """Count residents by age for every municipality.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``population`` and ``municipalities``, as in :mod:`diagnosis.tables`; either may lack data.
    units : Units
        Names the municipalities.

    Returns
    -------
    dict of str to ndarray
        By municipality, in residents; missing where the municipality has no row, or an empty cell in it.
    """
    codes = units.codes
    frame = tables.get("population")
    ages = (
        np.full((len(codes), len(AGE_COLUMNS)), np.nan)
        if frame is None
        else frame[list(AGE_COLUMNS)].reindex(codes).to_numpy(dtype=float)
    )
    women, men = ages[:, : OLDEST_AGE + 1], ages[:, OLDEST_AGE + 1 :]
    by_sex = {"f": women, "m": men, "fm": women + men}
    incomplete = np.isnan(ages).any(axis=1)
    counts = {}
    for name, (sex, first, last) in AGES.items():
        counts[name] = by_sex[sex][:, first : last + 1].sum(axis=1)
        counts[name][incomplete] = np.nan
    counts["age_dependent"] = counts["age_0_14"] + counts["age_65_plus"]
    counts["age_dependent_20_64"] = counts["age_0_19"] + counts["age_65_plus"]
    # People are on average half a year older than their completed age.
    counts["years_of_age"] = by_sex["fm"] @ (np.arange(OLDEST_AGE + 1) + 0.5)
    small = np.where(incomplete, np.nan, counts["residents"] <= SMALL_MUNICIPALITY)
    counts["small"] = small
    counts["small_residents"] = small * counts["residents"]
    counts["one"] = np.ones(len(codes))
    counts["area_km2"] = column(tables, "municipalities", "area_km2", codes)
    return counts
