"""Imputation: missing values replaced by a stated rule. For several draws see `multiple_imputation`.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_entries, check_values, group_indicators
from diagnosis.composite.normalise import normalise_min_max, share_between
from diagnosis.composite.panels import Cube
from diagnosis.errors import InputError, examples, unknown_name

STATISTICS = ("mean", "median")
PANEL_METHODS = ("latest", "constant", "linear")


def impute_by_indicator(
    values: pd.DataFrame, statistic: str = "mean", unit_groups: pd.Series | Mapping | None = None
) -> pd.DataFrame:
    """Replace missing values by the mean or median of the indicator, of all units or of like ones.

    It leaves the mean and shrinks the spread: a unit gets a neutral value, not a likely one.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    statistic : {'mean', 'median'}, default 'mean'
        What replaces a missing value.
    unit_groups : pandas.Series or mapping, optional
        Group of each unit, for instance its region or size class.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. Still missing where no unit of the group has a value, and for units
        without a group.

    Raises
    ------
    diagnosis.errors.InputError
        `unit_groups` lacks a unit.
    diagnosis.errors.UnknownNameError
        Unknown statistic.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 3. doi:10.1787/9789264043466-en
    """
    _check_statistic(statistic)
    table = check_values(values)
    if unit_groups is None:
        return table.fillna(getattr(table, statistic)())
    given = check_entries(unit_groups, "unit_groups")
    absent = [unit for unit in table.index if unit not in given]
    if absent:
        raise InputError("every unit needs an entry in unit_groups", f"none for {examples(absent)}")
    groups = np.array([given[unit] for unit in table.index], dtype=object)
    return table.fillna(table.groupby(groups).transform(statistic))


def impute_by_unit(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    statistic: str = "mean",
    groups: pd.Series | Mapping | None = None,
) -> pd.DataFrame:
    """Replace missing values by the unit's own mean or median on its other indicators.

    Indicators are normalised to 0 (worst) and 1 (best) first, and the value is brought back to the unit of the
    indicator: a unit that does well on the rest of a domain is taken to do as well on the missing part. With
    the mean this equals leaving the indicator out of an arithmetic mean of equal weights of min-max values.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    statistic : {'mean', 'median'}, default 'mean'
        Over the indicators the unit has.
    groups : pandas.Series or mapping, optional
        Domain of each indicator: only those of the same domain count. All by default.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. Still missing where the unit has nothing in the domain.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no value, does not vary, or has no domain.
    diagnosis.errors.UnknownNameError
        Unknown statistic or direction.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 3. doi:10.1787/9789264043466-en
    """
    _check_statistic(statistic)
    table = check_values(values)
    shares = normalise_min_max(table, directions, upper=1.0)
    own = pd.DataFrame(index=table.index, columns=table.columns, dtype=float)
    for indicators in group_indicators(groups, table.columns).values():
        centre = getattr(shares[indicators], statistic)(axis=1).to_numpy()
        own[indicators] = np.broadcast_to(centre[:, None], (len(own), len(indicators)))
    # mirroring undoes itself: from 1 for the best unit back to 1 for the highest value
    return table.fillna(share_between(own, directions, 0.0, 1.0) * (table.max() - table.min()) + table.min())


def _check_statistic(statistic: str) -> None:
    if statistic not in STATISTICS:
        raise unknown_name("statistic", statistic, STATISTICS)


def impute_panel(
    values: pd.DataFrame, method: str = "latest", *, time: str = "year", longest: float | None = None
) -> pd.DataFrame:
    """Replace missing values of a panel from other times of the same unit and indicator.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units by times, columns indicators. Not every unit needs every time.
    method : {'latest', 'constant', 'linear'}, default 'latest'
        ``latest``: the last value before. ``constant``: the same and, before the first value, the first one.
        ``linear``: on the line in time between the values on both sides; where one side only has a value, or one
        that is near enough, that value.
    time : str, default 'year'
        Index level of the times, numbers.
    longest : float, optional
        Greatest distance in time from a value that is used; without it there is none.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. Still missing where there is no value to take.

    Raises
    ------
    diagnosis.errors.InputError
        No such level, times that are not numbers, or a unit twice at one time.
    diagnosis.errors.UnknownNameError
        Unknown method.

    References
    ----------
    After ``impute_panel`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    if method not in PANEL_METHODS:
        raise unknown_name("method", method, PANEL_METHODS)
    if longest is not None and not longest > 0:
        raise InputError("longest must be a time above 0, or None", f"{longest!r} was given")
    cube = Cube.from_panel(values, time)
    earlier, later = cube.last_available(), cube.next_available()
    now = cube.times[:, None, None]
    end = len(cube.times) - 1
    has_earlier, has_later = earlier >= 0, later <= end
    earlier, later = np.maximum(earlier, 0), np.minimum(later, end)
    if longest is not None:
        has_earlier &= now - cube.times[earlier] <= longest
        has_later &= cube.times[later] - now <= longest
    before = np.where(has_earlier, np.take_along_axis(cube.numbers, earlier, axis=0), np.nan)
    after = np.where(has_later, np.take_along_axis(cube.numbers, later, axis=0), np.nan)
    filled = before
    if method == "constant":
        # only units without any earlier value look ahead, however old that value is
        filled = np.where(cube.last_available() >= 0, before, after)
    elif method == "linear":
        width = cube.times[later] - cube.times[earlier]
        share = np.divide(now - cube.times[earlier], width, out=np.zeros_like(before), where=width > 0)
        between = before + share * (after - before)
        filled = np.where(has_earlier & has_later, between, np.where(has_earlier, before, after))
    complete = np.where(np.isnan(cube.numbers), filled, cube.numbers)
    return pd.DataFrame(complete[cube.rows], index=values.index, columns=values.columns)
