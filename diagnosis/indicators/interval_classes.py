"""Classes of values that come with intervals: which class is certain, and which others a value may belong to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.indicators.small_numbers import RateIntervals

SIZE_LIMITS = (1000, 5000, 20000)
"""Residents that part the size classes of :func:`summarise_by_size`."""


def classify_with_intervals(
    values: pd.Series,
    lower: pd.Series | None,
    upper: pd.Series | None,
    breaks: Sequence[float] | np.ndarray,
) -> pd.DataFrame:
    """Say to which class each value belongs, and to which others it might.

    A value equal to a break belongs to the class above it, as on the maps; so do the ends of an interval.

    Parameters
    ----------
    values : Series
        Official value by unit; missing where there is none.
    lower, upper : Series or None
        Limits of the same units; both missing for a unit without interval, None for an indicator without any.
    breaks : sequence of float
        Increasing inner breaks, in the unit of the values.

    Returns
    -------
    DataFrame
        Index as `values`. ``class``, ``lowest_class``, ``highest_class``: from 0 to the number of breaks (Int64,
        missing where the value is). ``certain``: the whole interval lies in one class (boolean, missing where the
        value is); true by definition for a unit without interval. ``has_interval``: whether `certain` rests on one.

    Raises
    ------
    diagnosis.errors.InputError
        Breaks are none, not finite or not increasing; units of the three differ or repeat; a unit has one limit
        only; a value is infinite or outside its interval.
    """
    cuts = np.asarray(breaks, dtype=float)
    if cuts.ndim != 1 or not cuts.size or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
        raise InputError("breaks must be finite numbers in increasing order", f"{list(breaks)} was given")
    official = values.to_numpy(dtype=float)
    low, high = _aligned(lower, values.index, "lower"), _aligned(upper, values.index, "upper")
    missing = np.isnan(official)
    for wrong, must_hold in (
        (np.isinf(official), "values must be finite or missing"),
        (np.isnan(low) != np.isnan(high), "a unit has both limits of an interval or none"),
        ((official < low) | (official > high), "a value must lie in its interval"),
    ):
        if wrong.any():
            raise InputError(
                must_hold, f"not so for {int(wrong.sum())} units: {examples(values.index[wrong])}"
            )
    has_interval = ~missing & ~np.isnan(low)
    ends = (official, np.where(has_interval, low, official), np.where(has_interval, high, official))
    own, lowest, highest = (np.searchsorted(cuts, end, side="right") for end in ends)
    found = {"class": own, "lowest_class": lowest, "highest_class": highest}
    columns = {name: pd.arrays.IntegerArray(item.astype("int64"), missing) for name, item in found.items()}
    columns["certain"] = pd.arrays.BooleanArray(lowest == highest, missing)
    return pd.DataFrame({**columns, "has_interval": has_interval}, index=values.index)


def summarise_by_size(
    intervals: RateIntervals,
    residents: pd.Series,
    limits: Sequence[float] = SIZE_LIMITS,
    classes: int = 5,
) -> pd.DataFrame:
    """Summarise by size of the units how wide the intervals are and how many classes are certain.

    Parameters
    ----------
    intervals : RateIntervals
        Of all units, since the breaks are quantiles of their values.
    residents : Series
        Residents of the units; those without are left out.
    limits : sequence of float
        Increasing residents that part the sizes; a unit of exactly as many is in the larger one.
    classes : int
        Number of classes with equal numbers of units (five: quintiles); fewer where values repeat.

    Returns
    -------
    DataFrame
        One row an indicator and ``size`` (0 the smallest): ``units`` with an interval, ``relative_half_width`` (median
        of half the width over the value, units with a value of 0 left out) and ``certain`` (share of units of which
        the interval lies in one class).
    """
    people = residents.reindex(intervals.values.index)
    size = pd.Series(np.searchsorted(limits, people, side="right"), people.index).where(people.notna())
    rows = []
    for name, values in intervals.values.items():
        lower, upper = intervals.lower[name], intervals.upper[name]
        known = values.dropna()
        if known.empty:
            continue
        cuts = np.unique(np.quantile(known, np.arange(1, classes) / classes, method="inverted_cdf"))
        certain = classify_with_intervals(values, lower, upper, cuts)["certain"].astype("Float64")
        relative = ((upper - lower) / 2 / values.where(values > 0)).rename("relative_half_width")
        by_size = pd.DataFrame({"units": values, "relative_half_width": relative, "certain": certain})
        summary = by_size.groupby(size).agg(
            {"units": "count", "relative_half_width": "median", "certain": "mean"}
        )
        rows.append(
            summary.astype({"certain": float}).rename_axis("size").assign(indicator=name).reset_index()
        )
    columns = ["indicator", "size", "units", "relative_half_width", "certain"]
    if not rows:
        return pd.DataFrame(columns=columns)
    return pd.concat(rows, ignore_index=True).astype({"size": int})[columns]


def _aligned(limits: pd.Series | None, units: pd.Index, name: str) -> np.ndarray:
    if limits is None:
        return np.full(len(units), np.nan)
    if limits.index.equals(units):
        return limits.to_numpy(dtype=float)
    if units.has_duplicates or limits.index.has_duplicates or len(units.symmetric_difference(limits.index)):
        raise InputError(
            f"{name} must have the units of values, each once", "they differ or some are repeated"
        )
    return limits.reindex(units).to_numpy(dtype=float)
