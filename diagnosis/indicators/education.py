"""Schools and pupils, from the registers and numbers of the Ministry of Education and Merit.

Schools and pupils are counted where the school is; pupils who live elsewhere are among them. Children of the age of a
grade are those who have it on 1 January of the school year: residents by age are three years older data, so each
cohort is taken at the age it had then. The same ages of the older year would be those of larger cohorts: preschools
would seem to be attended by 86 in 100 children instead of 97.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.indicators.measures import Counts, Measure, Tables, Units, add_up, column
from diagnosis.tables import AGE_COLUMNS, GRADES

AGES = {"preschool": (3, 5), "primary": (6, 10), "lower_secondary": (11, 13), "upper_secondary": (14, 18)}
"""First and last age of each grade."""
COHORT_LAG = 3
"""Years from the residents by age (1 January 2022) to the school year of the pupils (2024/25: 1 January 2025)."""

TOLERANCE = 0.05
"""Pupils that may be missing from those counted, as a share of them, before their number is given as unknown."""
MASKED_AT_MOST = 3
"""Pupils of a school whose number the publisher masks."""

# No chance: who attends where follows from where the schools are, not from a draw among people.
_SCHOOLS, _PUPILS = ("schools", "population"), ("pupils", "population")

MEASURES = {
    **{
        f"{name}_per_1000_children": Measure(_SCHOOLS, f"{grade}_schools", f"{grade}_children", factor=1000)
        for grade, name in zip(
            GRADES,
            ("preschools", "primary_schools", "lower_secondary_schools", "upper_secondary_schools"),
            strict=True,
        )
    },
    **{
        f"{grade}_attendance_ratio": Measure(
            _PUPILS,
            f"{grade}_attending",
            f"{grade}_eligible",
            additive=False,
            members=f"{grade}_members",
        )
        for grade in GRADES
    },
    "municipalities_without_primary_share": Measure(("schools",), "without_primary", "listed"),
    "children_without_primary_share": Measure(_SCHOOLS, "children_without_primary", "primary_children"),
    "children_without_lower_secondary_share": Measure(
        _SCHOOLS, "children_without_lower_secondary", "lower_secondary_children"
    ),
    "school_grades_present": Measure(_SCHOOLS, "grades_present", "residents", factor=1, kind="mean"),
    "pupils_per_primary_school": Measure(("pupils",), "primary_pupils", "primary_counted_schools", factor=1),
    "preschool_state_pupils_share": Measure(("pupils",), "preschool_state_pupils", "preschool_pupils"),
    "schools_led_from_elsewhere_share": Measure(
        ("schools",), "first_cycle_led_elsewhere", "first_cycle_state_schools"
    ),
}


def count(tables: Tables, units: Units) -> Counts:
    """Count schools, pupils and children of the age.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``schools``, ``pupils`` and ``population``, as in :mod:`diagnosis.tables`; each may lack data.
    units : Units
        Names the municipalities.

    Returns
    -------
    dict of str to ndarray
        Schools, pupils and children by grade and municipality, missing where a source does not cover it. By unit, as a
        group may be known closely though not each of its members: ``<grade>_attending``, ``<grade>_eligible`` (the
        children of the same municipalities) and ``<grade>_members``, all 0 where more than :data:`TOLERANCE` of the
        pupils may be uncounted.
    """
    codes = units.codes
    counts = {
        name: column(tables, table, name, codes)
        for table, names in (
            (
                "schools",
                (
                    *(f"{grade}_schools" for grade in GRADES),
                    "first_cycle_state_schools",
                    "first_cycle_led_elsewhere",
                ),
            ),
            (
                "pupils",
                (
                    *(f"{grade}_pupils" for grade in GRADES),
                    "primary_counted_schools",
                    "preschool_state_pupils",
                ),
            ),
        )
        for name in names
    }
    counts |= {f"{grade}_children": count_children(tables, units, grade) for grade in GRADES}
    for grade in GRADES:
        counts |= _attendance(tables, units, grade, counts[f"{grade}_pupils"], counts[f"{grade}_children"])
    for grade in ("primary", "lower_secondary"):
        without = _flag(counts[f"{grade}_schools"] == 0, counts[f"{grade}_schools"])
        counts[f"without_{grade}"] = without
        counts[f"children_without_{grade}"] = without * counts[f"{grade}_children"]
    schools = np.stack([counts[f"{grade}_schools"] for grade in GRADES])
    counts["grades_present"] = _flag((schools > 0).sum(axis=0), schools.sum(axis=0))
    counts["listed"] = np.ones(len(codes))
    return counts


def count_children(tables: Tables, units: Units, grade: str) -> np.ndarray:
    """Count the residents of the age of a grade, at the age they had when residents were counted.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``population``.
    units : Units
        Names the municipalities.
    grade : str
        One of :data:`diagnosis.tables.GRADES`.

    Returns
    -------
    ndarray of float, one a municipality
        Missing where its residents by age are.
    """
    population = tables.get("population")
    if population is None:
        return np.full(len(units.codes), np.nan)
    first, last = (age - COHORT_LAG for age in AGES[grade])
    ages = population[list(AGE_COLUMNS)].reindex(units.codes)
    children = ages[[f"{sex}{age}" for sex in "fm" for age in range(first, last + 1)]].sum(
        axis=1, skipna=False
    )
    return np.where(ages.isna().any(axis=1), np.nan, children.to_numpy(dtype=float))


def know_closely(pupils: np.ndarray, at_most: np.ndarray) -> np.ndarray:
    """Say where the pupils counted fall short of those there may be by no more than :data:`TOLERANCE`."""
    return at_most - pupils <= TOLERANCE * pupils


def _attendance(tables: Tables, units: Units, grade: str, pupils: np.ndarray, children: np.ndarray) -> Counts:
    at_most = column(tables, "pupils", f"{grade}_pupils_at_most", units.codes)
    valid = np.isfinite(pupils) & np.isfinite(at_most) & np.isfinite(children)
    attending = units.sum(pupils, valid)
    lacking = np.minimum(units.sum(at_most - pupils, valid), _most_lacking(tables, units, grade, valid))
    known = know_closely(attending, attending + lacking)
    return {
        f"{grade}_attending": attending * known,
        f"{grade}_eligible": units.sum(children, valid) * known,
        f"{grade}_members": units.members(valid) * known,
    }


def _most_lacking(tables: Tables, units: Units, grade: str, valid: np.ndarray) -> np.ndarray:
    """Pupils a unit may lack by what its school provinces do: the same ones may be lacking in each of its members."""
    frame = tables.get("pupils")
    if frame is None or "school_province" not in frame:
        return np.full(len(units.index), np.inf)
    masked = np.nan_to_num(column(tables, "pupils", f"{grade}_masked_schools", units.codes))
    unplaced = np.nan_to_num(column(tables, "pupils", f"{grade}_unplaced", units.codes))
    province, names = pd.factorize(frame["school_province"].reindex(units.codes))
    most = np.zeros(len(names))
    most[province[province >= 0]] = unplaced[province >= 0]
    inside = np.flatnonzero(valid & (units.position >= 0) & (province >= 0))
    pairs = np.unique(np.stack([units.position[inside], province[inside]]), axis=1)
    return MASKED_AT_MOST * units.sum(masked, valid) + add_up(pairs[0], most[pairs[1]], len(units.index))


def _flag(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return values as numbers, missing where what they rest on is."""
    return np.where(np.isnan(known), np.nan, values)
