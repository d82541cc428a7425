"""Further normalisations: ranks, and distances to a reference unit, a target or fixed goalposts.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import (
    check_directions,
    check_numbers,
    check_unit,
    check_values,
    check_variation,
    direction_signs,
    is_constant,
    refuse_empty,
)
from diagnosis.composite.normalise import share_between
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
    ranks = (table * direction_signs(directions, table.columns)).rank(method=ties)
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
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5. doi:10.1787/9789264043466-en
    UNDP, Human Development Report, technical note 1 (goalposts of the Human Development Index).
    """
    table = check_values(values)
    low, high = (
        check_numbers(given, table.columns, name, "goalpost")
        for name, given in (("lower", lower), ("upper", upper))
    )
    wrong = ~(high > low) | is_constant(low, high)
    if wrong.any():
        raise InputError(
            "the upper goalpost must lie above the lower one",
            f"it does not for {examples(table.columns[wrong])}",
        )
    share = share_between(table, directions, low, high)
    return (share.clip(0.0, 1.0) if truncate else share) * scale


def normalise_distance_to_target(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    targets: pd.Series | Mapping,
    *,
    cap: bool = True,
) -> pd.DataFrame:
    """Measure the share of the way from the worst unit to the target: ``(x - worst) / (target - worst)``.

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

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5. doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    goals = check_numbers(targets, table.columns, "targets", "target")
    return _share_of_way(table, directions, goals, cap, "target")


def normalise_distance_to_reference(
    values: pd.DataFrame, directions: pd.Series | Mapping, unit: Hashable, *, cap: bool = False
) -> pd.DataFrame:
    """Measure the share of the way to a unit of reference: ``(x - worst) / (reference - worst)``.

    The worst unit scores 0, the unit of reference 1.

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
        Index and columns of `values`; 1 for the unit of reference, 0 for the worst.

    Raises
    ------
    diagnosis.errors.InputError
        The unit has several rows, lacks an indicator, or is itself the worst on one: no distance can be
        measured by it.
    diagnosis.errors.UnknownNameError
        Unknown unit or direction.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5. doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    check_unit(unit, table.index)
    reference = table.loc[[unit]]
    if len(reference) > 1:
        raise InputError("the reference must have one row", f"{unit!r} has {len(reference)}")
    goals = check_numbers(reference.iloc[0], table.columns, "reference", "value of the reference")
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
    diagnosis.errors.UnknownNameError
        Unknown direction.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5. doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    positive = check_directions(directions, table.columns) == "positive"
    refuse_empty(table)
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


def _share_of_way(
    table: pd.DataFrame, directions: pd.Series | Mapping, goals: pd.Series, cap: bool, what: str
) -> pd.DataFrame:
    positive = check_directions(directions, table.columns) == "positive"
    check_variation(table)
    minimum, maximum = table.min(), table.max()
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
