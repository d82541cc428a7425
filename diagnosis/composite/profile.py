"""Profile of one unit: each indicator against the groups the reader compares it with, and against a reference."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import DIRECTIONS, check_entries, check_values
from diagnosis.errors import InputError, examples, unknown_name

FEWEST_TO_COMPARE = 10
MOST_TIED = 1 / 3
IQR_OF_NORMAL = 1.3489795003921634
"""Interquartile range of the standard normal distribution."""

PROFILE_COLUMNS = (
    "value",
    "median",
    "lower_quartile",
    "upper_quartile",
    "place",
    "tied",
    "of",
    "share_worse",
    "telling",
    "reference",
    "gap",
    "gap_percent",
    "gap_standard",
    "side",
)


def profile_unit(
    values: pd.DataFrame,
    unit: Hashable,
    groups: Mapping[str, Iterable[Hashable]],
    reference: pd.Series | Mapping | None,
    directions: pd.Series | Mapping,
) -> pd.DataFrame:
    """Compare one unit with groups of units, indicator by indicator.

    Everything about a group is computed on its members *and the unit*, whether it is one of them or not, so that its
    place and the quartiles speak of the same set.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators in their own units; missing where unknown.
    unit : hashable
        A label of the index.
    groups : mapping of str to iterable
        Units of each comparison group, for instance from
        :func:`diagnosis.indicators.like_places.comparison_groups`.
    reference : pandas.Series or mapping, optional
        The reference's own value by indicator, for instance the country's; indicators not in it have no gap. None
        takes the median of each group.
    directions : pandas.Series or mapping
        ``positive``, ``negative`` or ``neutral`` by indicator; those not named are neutral, and have neither place
        nor side.

    Returns
    -------
    pandas.DataFrame
        Index (``indicator``, ``group``), every indicator with every group. Columns, missing where they cannot be
        told:

        ``value``, ``median``, ``lower_quartile``, ``upper_quartile``
            Of the unit and of the group, in the unit of the indicator.
        ``place``, ``tied``, ``of``
            1 is best, equal values share the best of their places; other units with the same value; units with a
            value.
        ``share_worse``
            Of the other units, 0 to 1; ties count half (mid-rank).
        ``telling``
            Whether the place says something: at least 10 units, and at most a third of the others tied with it.
        ``reference``, ``gap``, ``gap_percent``, ``gap_standard``
            Value less reference: in the unit of the indicator, in per cent of the reference's absolute value (missing
            for 0), and in robust standard deviations of the group, ``IQR / 1.349``: the standard deviation itself
            where values are normal, and not inflated by the few extreme units that municipal rates always have.
            Missing where the middle half of the group has the same value.
        ``side``
            ``better``, ``worse`` or ``equal`` to the reference, by the direction.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown unit or direction.
    diagnosis.errors.InputError
        No group, members that have no row, a unit in several rows, or columns that are not numbers.

    References
    ----------
    Rousseeuw, P. J., Croux, C. (1993). Alternatives to the median absolute deviation. Journal of the American
    Statistical Association 88, 1273-1283, for robust measures of scale (cited from memory).
    """
    table = check_values(values)
    if not table.index.is_unique:
        raise InputError(
            "values: every unit must have one row",
            f"repeated: {examples(table.index[table.index.duplicated()].unique())}",
            "Profile one year at a time",
        )
    if unit not in table.index:
        raise unknown_name("unit", unit, map(str, table.index), "Give a label of the table's index")
    signs = _signs(directions, table.columns)
    given = None if reference is None else _numbers(reference, table.columns)
    if not groups:
        raise InputError("a profile needs at least one comparison group", "there is none")
    parts = {
        name: _compare(table.iloc[_members(name, members, unit, table.index)], unit, signs, given)
        for name, members in groups.items()
    }
    profile = pd.concat(parts, names=["group", "indicator"]).swaplevel()
    order = pd.MultiIndex.from_product([table.columns, list(parts)], names=["indicator", "group"])
    return profile.reindex(order)[list(PROFILE_COLUMNS)]


def _signs(directions: pd.Series | Mapping, indicators: pd.Index) -> np.ndarray:
    """Return 1, -1 or, for neutral indicators, missing."""
    given = check_entries(directions, "directions")
    signs = {"positive": 1.0, "negative": -1.0, "neutral": np.nan}
    for indicator in indicators:
        if given.get(indicator, "neutral") not in signs:
            raise unknown_name(f"direction of {indicator!r}", given[indicator], (*DIRECTIONS, "neutral"))
    return np.array([signs[given.get(indicator, "neutral")] for indicator in indicators])


def _numbers(reference: pd.Series | Mapping, indicators: pd.Index) -> np.ndarray:
    given = pd.Series(check_entries(reference, "reference"), dtype=object).reindex(indicators)
    numbers = pd.to_numeric(given, errors="coerce").astype(float)
    wrong = (numbers.isna() & given.notna()) | np.isinf(numbers)
    if wrong.any():
        raise InputError(
            "the reference must be a finite number or missing", f"it is not for {examples(indicators[wrong])}"
        )
    return numbers.to_numpy()


def _members(name: str, members: Iterable[Hashable], unit: Hashable, index: pd.Index) -> np.ndarray:
    if isinstance(members, str):
        raise InputError(f"group {name!r} must be a list of units", f"the text {members!r} was given")
    listed = pd.Index(list(members), dtype=object).unique()
    positions = index.get_indexer(listed)
    if (positions < 0).any():
        raise InputError(
            f"group {name!r}: every member must be a row of the values",
            f"{int((positions < 0).sum())} are not: {examples(listed[positions < 0])}",
            "Correct the group, or add the rows",
        )
    return np.unique(np.r_[positions, index.get_loc(unit)])


def _compare(
    table: pd.DataFrame, unit: Hashable, signs: np.ndarray, reference: np.ndarray | None
) -> pd.DataFrame:
    numbers = table.to_numpy()
    own = table.loc[unit].to_numpy()
    quartiles = table.quantile([0.25, 0.5, 0.75]).to_numpy()
    count = table.notna().sum().to_numpy()
    others = np.where(count > 1, count - 1.0, np.nan)
    placed = ~np.isnan(own) & ~np.isnan(signs)
    better = (numbers * signs > own * signs).sum(axis=0)
    tied = (numbers == own).sum(axis=0) - 1
    goal = quartiles[1] if reference is None else reference
    gap = own - goal
    # rounding noise is no gap
    gap = np.where(np.abs(gap) <= 1e-12 * np.maximum(np.abs(own), np.abs(goal)), 0.0, gap)
    spread = (quartiles[2] - quartiles[0]) / IQR_OF_NORMAL
    spread = np.where(spread <= 1e-12 * np.abs(quartiles).max(axis=0), 0.0, spread)
    side = pd.Series(np.sign(gap * signs)).map({1.0: "better", -1.0: "worse", 0.0: "equal"})
    return pd.DataFrame(
        {
            "value": own,
            "median": quartiles[1],
            "lower_quartile": quartiles[0],
            "upper_quartile": quartiles[2],
            "place": np.where(placed, better + 1.0, np.nan),
            "tied": np.where(np.isnan(own), np.nan, tied),
            "of": count,
            "share_worse": np.where(placed, 1 - (better + tied / 2) / others, np.nan),
            "telling": placed & (count >= FEWEST_TO_COMPARE) & (tied <= MOST_TIED * others),
            "reference": goal,
            "gap": gap,
            "gap_percent": _divide(100 * gap, np.abs(goal)),
            "gap_standard": _divide(gap, spread),
            "side": side.to_numpy(),
        },
        index=table.columns,
    )


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)
