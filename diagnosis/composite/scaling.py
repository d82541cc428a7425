"""Further normalisations: ranks, and distances to a reference unit, a target or fixed goalposts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.normalise import (
    _constant,
    _refuse_constant,
    _refuse_empty,
    check_directions,
    check_values,
)
from diagnosis.errors import InputError, examples, unknown_name

RANK_FORMS = ("rank", "borda", "percentile")
TIES = ("min", "max", "average", "dense")


def normalise_ranks(
    values: pd.DataFrame, directions: pd.Series | Mapping, form: str = "rank", *, ties: str = "min"
) -> pd.DataFrame:
    """Replace values by their order among the units, the best unit highest.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    form : {'rank', 'borda', 'percentile'}, default 'rank'
        ``rank``: from 1 for the worst. ``borda``: rank - 1, the units one beats. ``percentile``: that over the
        number of the others, 0 to 1.
    ties : {'min', 'max', 'average', 'dense'}, default 'min'
        Rank of units with the same value.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`; missing where the value is missing, which is then not counted among the
        others. A percentile is missing where only one unit has a value. Units of the same value everywhere get
        the same rank: an indicator that does not vary is not refused here.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown form, treatment of ties, or direction.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5. doi:10.1787/9789264043466-en
    """
    if form not in RANK_FORMS:
        raise unknown_name("form of ranks", form, RANK_FORMS)
    if ties not in TIES:
        raise unknown_name("treatment of ties", ties, TIES)
    table = check_values(values)
    signs = np.where(check_directions(directions, table.columns) == "positive", 1.0, -1.0)
    ranks = (table * signs).rank(method=ties)
    if form == "rank":
        return ranks
    if form == "borda":
        return ranks - 1
    others = table.notna().sum() - 1
    return (ranks - 1) / others.where(others > 0)


def normalise_goalposts(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    lower: pd.Series | Mapping,
    upper: pd.Series | Mapping,
    *,
    scale: float = 1.0,
    truncate: bool = True,
) -> pd.DataFrame:
    """Rescale between fixed goalposts: ``scale (x - lower) / (upper - lower)``, mirrored when negative.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    lower, upper : pandas.Series or mapping
        Goalposts by indicator, in its unit, the same for every release.
    scale : float, default 1.0
        Score at the better goalpost; the other one scores 0.
    truncate : bool, default True
        Count values beyond a goalpost as the goalpost.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator lacks a goalpost, or its upper one is not above the lower one.

    References
    ----------
    OECD, JRC (2008), section 5; UNDP, Human Development Report, technical note 1 (goalposts of the HDI).
    """
    table = check_values(values)
    positive = check_directions(directions, table.columns) == "positive"
    low, high = (_by_indicator(given, table.columns, "goalpost") for given in (lower, upper))
    wrong = ~(high > low) | _constant(low, high)
    if wrong.any():
        raise InputError(
            "the upper goalpost must lie above the lower one",
            f"it does not for {examples(table.columns[wrong])}",
        )
    share = (table - low) / (high - low)
    share = share.where(positive, 1 - share, axis=1)
    return (share.clip(0.0, 1.0) if truncate else share) * scale


def normalise_distance_to_target(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    targets: pd.Series | Mapping,
    *,
    cap: bool = True,
) -> pd.DataFrame:
    """Share of the way from the worst unit to the target: ``(x - worst) / (target - worst)``.

    The worst unit (the minimum, or the maximum when the direction is negative) scores 0, the target 1.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    targets : pandas.Series or mapping
        By indicator, in its unit.
    cap : bool, default True
        Count a unit beyond the target as at the target.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. The scale moves with the worst unit: between years use
        :func:`normalise_goalposts`.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no value or no target, or the worst unit has reached the target.

    Notes
    -----
    The distance to the *best unit* is :func:`~diagnosis.composite.normalise_min_max` from 0 to 1.
    """
    table = check_values(values)
    goals = _by_indicator(targets, table.columns, "target")
    return _share_of_way(table, directions, goals, cap, "target")


def normalise_distance_to_reference(
    values: pd.DataFrame, directions: pd.Series | Mapping, unit: Hashable, *, cap: bool = False
) -> pd.DataFrame:
    """Share of the way from the worst unit to a unit of reference, which scores 1.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    unit : hashable
        The unit of reference, a label of the index.
    cap : bool, default False
        Count units that do better than the reference as equal to it.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`.

    Raises
    ------
    diagnosis.errors.InputError
        The unit is not in the table, lacks an indicator, or is itself the worst on one: no distance can be
        measured by it.
    """
    table = check_values(values)
    if unit not in table.index or not table.index.is_unique:
        raise InputError("the reference must be one unit of the table", f"{unit!r} was given")
    goals = _by_indicator(table.loc[unit], table.columns, "value of the reference")
    return _share_of_way(table, directions, goals, cap, "reference")


def normalise_fraction_of_best(values: pd.DataFrame, directions: pd.Series | Mapping) -> pd.DataFrame:
    """Divide by the best unit: ``x / max``, or ``min / x`` when the direction is negative.

    Only for ratio scales, where zero means none; the best unit scores 1.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. A negative value of a positive indicator gives a negative score.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no value, its maximum is not above 0, or it is negative in direction and has values of
        0 or less.
    """
    table = check_values(values)
    positive = check_directions(directions, table.columns) == "positive"
    _refuse_empty(table)
    minimum, maximum = table.min(), table.max()
    wrong = ~maximum.where(positive, minimum).gt(0)
    if wrong.any():
        raise InputError(
            "a fraction of the best needs a best value above 0, and only such values when lower is better",
            f"it is not so for {examples(table.columns[wrong])}",
            "Use another normalisation for these indicators",
        )
    ratio = table / maximum
    ratio.loc[:, ~positive] = minimum[~positive] / table.loc[:, ~positive]
    return ratio


def _by_indicator(given: pd.Series | Mapping, indicators: pd.Index, what: str) -> pd.Series:
    numbers = pd.to_numeric(pd.Series(dict(given), dtype=object), errors="coerce").astype(float)
    numbers = numbers.reindex(indicators)
    absent = indicators[~np.isfinite(numbers)]
    if len(absent):
        raise InputError(f"every indicator needs a finite {what}", f"none for {examples(absent)}")
    return numbers


def _share_of_way(
    table: pd.DataFrame, directions: pd.Series | Mapping, goals: pd.Series, cap: bool, what: str
) -> pd.DataFrame:
    positive = check_directions(directions, table.columns) == "positive"
    _refuse_empty(table)
    minimum, maximum = table.min(), table.max()
    _refuse_constant(table.columns[_constant(minimum, maximum)], "Leave it out of the index")
    worst = minimum.where(positive, maximum)
    way = (goals - worst).where(positive, worst - goals)
    short = ~(way > 1e-12 * np.maximum(goals.abs(), worst.abs()))
    if short.any():
        raise InputError(
            f"the {what} must be better than the worst unit",
            f"it is not for {examples(table.columns[short])}",
            "Choose another one, or leave the indicator out",
        )
    share = (table - worst) / (goals - worst)
    return share.clip(upper=1.0) if cap else share
