"""Values of groups of municipalities from a city's own counts, and the small counts that must not be handed on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.errors import InputError
from diagnosis.sources.own.indicators import OwnIndicator, Recipe
from diagnosis.sources.own.settings import RESIDENTS


def group_values(
    counts: pd.DataFrame, recipes: Mapping[str, Recipe], groups: pd.Series, residents: pd.Series | None = None
) -> pd.DataFrame:
    """Compute a city's own indicators for groups of municipalities.

    Parameters
    ----------
    counts : DataFrame
        :attr:`diagnosis.sources.own.data.OwnData.counts`, indexed by code.
    recipes : mapping of str to Recipe
        By indicator.
    groups : Series, code -> group id
        A municipality without a group, or whose group is missing, is in none.
    residents : Series, code -> number, optional
        Needed by recipes that name the residents.

    Returns
    -------
    DataFrame
        Index: group ids, sorted; one column an indicator. Members without data are left out of numerator and
        denominator. Missing where no member has data, and for rates without a weight: a mean of rates is no rate.

    Raises
    ------
    diagnosis.errors.InputError
        A code of `groups` is repeated, or residents are needed and not given.
    """
    if groups.index.has_duplicates:
        raise InputError("groups: a municipality belongs to one group only", "a code is repeated")
    groups = groups.dropna()
    found = {}
    for name, recipe in recipes.items():
        above = counts[recipe.numerator].reindex(groups.index)
        if recipe.denominator is None:
            sums = above.groupby(groups.to_numpy()).sum(min_count=1)
            found[name] = recipe.factor * sums if recipe.kind == "sum" else sums * np.nan
            continue
        if recipe.denominator == RESIDENTS:
            if residents is None:
                raise InputError(
                    f"{name}: the residents are needed", "they are not given", "Give residents=..."
                )
            below = residents.reindex(groups.index)
        else:
            below = counts[recipe.denominator].reindex(groups.index)
        if recipe.kind == "mean":
            above = above * below
        both = above.notna() & below.notna()
        sums = above.where(both).groupby(groups.to_numpy()).sum(min_count=1)
        whole = below.where(both).groupby(groups.to_numpy()).sum(min_count=1)
        found[name] = recipe.factor * sums / whole.where(whole > 0)
    index = pd.Index(np.sort(pd.unique(groups)), name="group")
    return pd.DataFrame(found, index=index, columns=list(recipes))


def find_small_cells(
    people: pd.DataFrame, entries: Mapping[str, OwnIndicator], threshold: int | None = None
) -> pd.DataFrame:
    """Find counts of people so small that they may point to single persons.

    Parameters
    ----------
    people : DataFrame
        Number of people behind each value, by code and indicator; missing where none are counted.
    entries : mapping of str to OwnIndicator
    threshold : int, optional
        Largest count held back; what the file says (3 by default) if not given.

    Returns
    -------
    DataFrame of bool
        True where the count is from 1 to the threshold and the indicator is not declared public. A zero stays, and
        so do totals from which a missing part could be reckoned: who publishes them has to look at that.
    """
    return (people > 0) & people.le(_limits(people, entries, threshold), axis=1)


def find_telling_totals(
    people: pd.DataFrame, held_back: pd.DataFrame, entries: Mapping[str, OwnIndicator]
) -> pd.Series:
    """Find the indicators whose total over a group gives away the small counts held back in it.

    Parameters
    ----------
    people : DataFrame
        As in :func:`find_small_cells`, the members of the group only.
    held_back : DataFrame of bool
        What is held back among them.
    entries : mapping of str to OwnIndicator

    Returns
    -------
    Series of bool
        By indicator. True where a single count is held back, which is the total less the others; and where several
        add up to the least or the most they can, so that each of them is known.
    """
    number = held_back.sum()
    total = people.where(held_back).sum()
    extreme = (total == number) | (total == number * _limits(people, entries, None))
    return (number == 1) | ((number > 1) & extreme)


def _limits(people: pd.DataFrame, entries: Mapping[str, OwnIndicator], threshold: int | None) -> pd.Series:
    """Return the largest count held back of each indicator; -1 where small counts are public."""
    return pd.Series(
        {
            name: -1 if entry.public else entry.small_cell if threshold is None else threshold
            for name, entry in entries.items()
        },
        dtype=float,
    ).reindex(people.columns)
