"""Breaks in published series: another definition, other boundaries, provisional figures after definitive ones.

A series of this library holds two or more years that measure the same thing in the same place: none runs across a
break.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

BREAKS = {"10AMB017": 2016, "12SER002P": 2023}
"""First year of another definition, by indicator: notes of the BES dei territori, edition 2025 (ISTAT)."""

PROVISIONAL = {"01SAL001": 2024, "03LAV007": 2022, "06POL001P": 2024, "11RIC025": 2023}
"""First provisional year, by indicator: notes of the same edition. What is definitive ends the year before."""

CUT_FROM = {
    "108": ("015",),
    "109": ("044",),
    "110": ("071", "072"),
    "111": ("090", "091", "092", "095"),
}
"""Provinces made after 2004 and those whose territory changed with them: Monza, Fermo, Barletta-Andria-Trani; the
reform of Sardinia of 2016. Where the new one lacks a year, the values of the others refer to former boundaries."""

FEWEST_YEARS = 2


def is_provisional(indicator: str, year: object) -> bool:
    """Say whether the value of an indicator in a year is one of those ISTAT calls provisional."""
    return indicator in PROVISIONAL and str(year).isdigit() and int(str(year)) >= PROVISIONAL[indicator]


def keep_consistent(
    series: pd.DataFrame,
    breaks: Mapping[str, int] | None = None,
    provisional: Mapping[str, int] | None = None,
    cut_from: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Keep of every territory and indicator the years that form one series.

    Breaks of definition and the change from definitive to provisional cut the years into stretches; the last stretch
    of two years or more is kept. Years of former boundaries are left out for the provinces concerned, unless the
    indicator keeps to the former boundaries throughout. Gaps between years stay gaps.

    Parameters
    ----------
    series : DataFrame
        `territory`, `indicator`, `year` (text of 4 digits), `value`, as in :data:`diagnosis.tables.WELLBEING`.
    breaks, provisional : mapping of str to int, optional
        First year of another definition and first provisional year, by indicator; :data:`BREAKS` and
        :data:`PROVISIONAL` if not given.
    cut_from : mapping of str to sequence of str, optional
        See :data:`CUT_FROM`.

    Returns
    -------
    DataFrame
        Rows of `series`, in its order; no territory and indicator with fewer than two years.

    References
    ----------
    ISTAT (2025). Bes dei territori, column NOTA of the table of indicators by province.
    """
    known = series[series["value"].notna()]
    if known.empty:
        return known
    years = known["year"].astype(int)
    kept = known[~_in_former_boundaries(known, years, CUT_FROM if cut_from is None else cut_from)]
    years = years.loc[kept.index]
    stretch = np.zeros(len(kept), dtype=int)
    for starts in (BREAKS if breaks is None else breaks, PROVISIONAL if provisional is None else provisional):
        first = kept["indicator"].map(dict(starts)).astype(float).to_numpy()
        stretch += years.to_numpy() >= np.where(np.isnan(first), np.inf, first)
    keyed = kept.assign(stretch=stretch)
    place = ["territory", "indicator"]
    length = keyed.groupby([*place, "stretch"])["year"].transform("size")
    usable = keyed[length >= FEWEST_YEARS]
    last = usable.groupby(place)["stretch"].transform("max")
    return series.loc[usable.index[usable["stretch"] == last]]


def _in_former_boundaries(
    known: pd.DataFrame, years: pd.Series, cut_from: Mapping[str, Sequence[str]]
) -> pd.Series:
    """Say which values refer to a province as it was before a part of it became another."""
    former = pd.Series(False, index=known.index)
    for new, others in cut_from.items():
        own = known["territory"] == new
        first = years[own].groupby(known.loc[own, "indicator"]).min().to_dict()
        since = known["indicator"].map(first).astype(float)
        former |= known["territory"].isin(list(others)) & since.notna() & (years < since)
    return former
