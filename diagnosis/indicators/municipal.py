"""All municipal indicators at once, for municipalities or for groups of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.indicators import (
    accessibility,
    business,
    commuting,
    culture,
    daily_travel,
    education,
    energy,
    income,
    population,
    population_change,
    risk,
)
from diagnosis.indicators.measures import Counts, Measure, Tables, Units, evaluate

MEASURES: dict[str, Measure] = {
    **population.MEASURES,
    **population_change.MEASURES,
    **commuting.MEASURES,
    **daily_travel.MEASURES,
    **risk.MEASURES,
    **accessibility.MEASURES,
    **education.MEASURES,
    **culture.MEASURES,
    **energy.MEASURES,
    **business.MEASURES,
    **income.MEASURES,
}
"""Every municipal indicator by id, in the order of the catalogue."""

SOURCE_TABLES = ("population", "flows", "hazards", "inner_areas", "classification")


def compute(
    tables: Tables, groups: pd.Series | None = None, only: Iterable[str] | None = None
) -> pd.DataFrame:
    """Compute the municipal indicators of every municipality, or of groups of municipalities.

    Ratios of a group are recomputed from the summed counts of its members, never averaged; trips between members
    become internal; minutes and altitude are means weighted by residents. A member without data is left out of both
    sums (see :func:`coverage`).

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables by name as in :mod:`diagnosis.tables`; ``municipalities`` is needed, any other may be absent or None.
    groups : Series, code -> group id, optional
        One grouping: a municipality belongs to one group at most.
    only : iterable of str, optional
        Ids of the indicators wanted; all if not given.

    Returns
    -------
    DataFrame
        Index: all codes of ``municipalities`` in its order, or the group ids in sorted order. One column an
        indicator: float in the unit of the catalogue, text for classes. A gap has a reason: see
        :func:`diagnosis.indicators.gap_reasons`.

    Raises
    ------
    diagnosis.errors.InputError
        The municipalities are absent, or `groups` repeats a code or names an unknown one.
    diagnosis.errors.UnknownNameError
        `only` names an indicator that is not a municipal one.
    """
    units = Units.of(tables, groups)
    names = select(only)
    counts = count(tables, units, names)
    columns = {name: evaluate(MEASURES[name], counts, units).values for name in names}
    return pd.DataFrame(columns, index=units.index, columns=names)


def gather_fractions(
    tables: Tables, groups: pd.Series | None = None, only: Iterable[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gather what is divided and what it is divided by, for the indicators that are the ratio of two sums.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As for :func:`compute`.
    groups : Series, code -> group id, optional
        As for :func:`compute`.
    only : iterable of str, optional
        Ids of the indicators wanted; all that are a ratio of two sums if not given.

    Returns
    -------
    numerators, denominators : DataFrame
        Rows as those of :func:`compute`, one column an indicator; in residents, commuters, km2 or what else is
        counted. ``factor * numerator / denominator`` is the indicator, `factor` being that of :data:`MEASURES`. Both
        are missing where there is no data; a denominator of 0 stays 0.

    Raises
    ------
    diagnosis.errors.InputError
        As for :func:`compute`, or `only` names an indicator that is no ratio of two sums.
    diagnosis.errors.UnknownNameError
        `only` names an indicator that is not a municipal one.
    """
    fractions = [name for name, item in MEASURES.items() if item.kind == "sum" and item.denominator]
    names = fractions if only is None else select(only)
    if others := [name for name in names if name not in fractions]:
        raise InputError(
            "Only indicators that divide one sum by another have a numerator and a denominator",
            f"these do not: {examples(others)}",
            "Leave them out",
        )
    units = Units.of(tables, groups)
    counts = count(tables, units, names)
    above, below = {}, {}
    for name in names:
        found = evaluate(MEASURES[name], counts, units)
        known = found.with_data > 0
        above[name] = np.where(known, found.numerator, np.nan)
        below[name] = np.where(known, found.divided_by, np.nan)
    return pd.DataFrame(above, units.index, names), pd.DataFrame(below, units.index, names)


def select(only: Iterable[str] | None) -> list[str]:
    """Return the ids asked for, all of them by default, after checking each is known."""
    names = list(MEASURES) if only is None else list(dict.fromkeys(only))
    for name in names:
        if name not in MEASURES:
            raise unknown_name("A municipal indicator", name, MEASURES)
    return names


def count(tables: Tables, units: Units, names: Iterable[str]) -> Counts:
    """Gather the counts that the named indicators need."""
    wanted = set(names)
    counts = population.count(tables, units)
    if wanted & set(commuting.MEASURES):
        counts |= commuting.count(tables, units)
    if wanted & set(risk.MEASURES):
        counts |= risk.count(tables, units)
    if wanted & set(accessibility.MEASURES):
        counts |= accessibility.count(tables, units, counts["residents"])
    if wanted & accessibility.ROAD_MEASURES:
        counts |= accessibility.count_road_times(tables, units, counts["residents"])
    if wanted & set(population_change.MEASURES):
        counts |= population_change.count(tables, units, counts["residents"])
    if wanted & set(education.MEASURES):
        counts |= education.count(tables, units)
    if wanted & set(culture.MEASURES):
        counts |= culture.count(tables, units, counts["residents"])
    if wanted & set(income.MEASURES):
        counts |= income.count(tables, units, counts["residents"])
    if wanted & set(business.MEASURES):
        counts |= business.count(tables, units, counts["residents"], counts["age_20_64"])
    if wanted & set(daily_travel.MEASURES):
        counts |= daily_travel.count(tables, units)
    if wanted & set(energy.MEASURES):
        counts |= energy.count(tables, units, counts["residents"])
    return counts


def coverage(tables: Tables, groups: pd.Series | None = None) -> pd.DataFrame:
    """Share of the members of each unit that have data in each table.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As for :func:`compute`.
    groups : Series, code -> group id, optional
        As for :func:`compute`.

    Returns
    -------
    DataFrame
        Index as that of :func:`compute`; `members` (number of municipalities), then one column a table, from 0 (no
        member is in it) to 1 (all are). A municipality is in the flows if any starts or ends there.
    """
    units = Units.of(tables, groups)
    members = units.members(np.ones(len(units.codes), dtype=bool))
    shares = {"members": members.astype(int)}
    for name in SOURCE_TABLES:
        frame = tables.get(name)
        if frame is None:
            present = np.zeros(len(units.codes), dtype=bool)
        elif name == "flows":
            ends = pd.Index(frame["origin"].unique()).union(frame["destination"].unique())
            present = units.codes.isin(ends)
        else:
            present = units.codes.isin(frame.index[frame.notna().any(axis=1)])
        shares[name] = units.members(present) / members
    return pd.DataFrame(shares, index=units.index)
