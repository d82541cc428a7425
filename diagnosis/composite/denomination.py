"""Denomination: amounts of large and small units made comparable by what they depend on.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from diagnosis.composite.checks import check_entries, check_numbers, check_values
from diagnosis.errors import InputError, examples


def denominate(
    values: pd.DataFrame,
    denominators: pd.DataFrame,
    using: pd.Series | Mapping,
    *,
    scale: pd.Series | Mapping | None = None,
) -> pd.DataFrame:
    """Divide indicators by the denominator each one depends on: population, area, value added.

    ``scale x / denominator``.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    denominators : pandas.DataFrame
        Rows units, columns denominators; must hold every unit of `values`.
    using : pandas.Series or mapping
        Name of the denominator by indicator; an indicator that is not named, or whose denominator is missing,
        stays as it is.
    scale : pandas.Series or mapping, optional
        Factor by indicator, for instance 1,000 for a rate per thousand inhabitants; 1 by default.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. Missing where the amount or the denominator is missing or the
        denominator is 0: a rate on nobody is not defined.

    Raises
    ------
    diagnosis.errors.InputError
        Units or denominators are absent, a denominator is negative, or an entry names no indicator.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 2. doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    chosen = {
        name: denominator
        for name, denominator in check_entries(using, "using").items()
        if not pd.isna(denominator)
    }
    factors = {} if scale is None else check_entries(scale, "scale")
    for what, entries in (("using", chosen), ("scale", factors)):
        strange = [name for name in entries if name not in table]
        if strange:
            raise InputError(f"{what} must name indicators of the table", f"unknown: {examples(strange)}")
    absent = sorted({name for name in chosen.values() if name not in denominators}, key=str)
    if absent:
        raise InputError("every denominator needs its column", f"none for {examples(absent)}")
    units = table.index[~table.index.isin(denominators.index)]
    if len(units):
        raise InputError("every unit needs its denominators", f"none for {examples(units)}")
    if not denominators.index.is_unique:
        raise InputError("denominators need one row a unit", "some units are repeated")
    names = sorted(set(chosen.values()), key=str)
    amounts = (
        check_values(denominators[names], "denominators").loc[table.index] if names else denominators[[]]
    )
    negative = amounts.columns[(amounts < 0).any()]
    if len(negative):
        raise InputError("denominators must be zero or more", f"negative: {examples(negative)}")
    divisor = pd.DataFrame(
        {name: amounts[chosen[name]] if name in chosen else 1.0 for name in table}, index=table.index
    )
    factor = check_numbers(dict.fromkeys(table, 1.0) | factors, table.columns, "scale", "factor")
    return table / divisor.where(divisor > 0) * factor
