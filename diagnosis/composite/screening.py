"""Availability of the data: what each unit and each indicator has, and which units have enough for an index.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_values, group_indicators
from diagnosis.composite.treatment import KURTOSIS_LIMIT, SKEWNESS_LIMIT, has_outliers, shape_statistics
from diagnosis.errors import InputError, examples

MINIMUM_INDICATOR_AVAILABLE = 0.65
"""Share of the units an indicator should cover: a rule of thumb of the JRC audits."""

MINIMUM_INDICATOR_NONZERO = 0.5
MINIMUM_INDICATOR_UNIQUE = 0.5


def measure_availability(values: pd.DataFrame) -> pd.DataFrame:
    """Count what is missing and what is zero, unit by unit.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.

    Returns
    -------
    pandas.DataFrame
        Index of `values`; ``n_missing``, ``n_zero``, ``n_missing_or_zero``, ``share_available`` (of the
        indicators) and ``share_nonzero`` (of the *available* indicators; missing when there is none).

    References
    ----------
    After ``get_data_avail`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    table = check_values(values)
    missing, zero = table.isna().sum(axis=1), (table == 0).sum(axis=1)
    available = table.shape[1] - missing
    return pd.DataFrame(
        {
            "n_missing": missing,
            "n_zero": zero,
            "n_missing_or_zero": missing + zero,
            "share_available": available / table.shape[1],
            "share_nonzero": 1 - zero / available.where(available > 0),
        }
    )


def measure_domain_availability(values: pd.DataFrame, groups: pd.Series | Mapping) -> pd.DataFrame:
    """Measure the share of the indicators of every domain that each unit has.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    groups : pandas.Series or mapping
        Domain of each indicator.

    Returns
    -------
    pandas.DataFrame
        Index of `values`; one column per domain, in order of first appearance, each from 0 to 1.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no domain.

    References
    ----------
    After ``get_data_avail`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    available = check_values(values).notna()
    return pd.DataFrame(
        {
            domain: available[indicators].mean(axis=1)
            for domain, indicators in group_indicators(groups, available.columns).items()
        },
        index=values.index,
    )


def screen_units(
    values: pd.DataFrame,
    *,
    minimum_available: float | None = 0.66,
    minimum_nonzero: float | None = None,
    include: Iterable = (),
    exclude: Iterable = (),
) -> pd.DataFrame:
    """Say which units have enough data for an index, and why the others have not.

    Nothing is dropped: keep the units with ``values[screen_units(values)["included"]]``.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    minimum_available : float or None, default 0.66
        Share of the indicators a unit needs; None leaves this test out.
    minimum_nonzero : float or None, default None
        Share of its available indicators that must differ from zero; None leaves this test out. A zero is
        often a missing value in disguise.
    include, exclude : iterable, optional
        Codes of units that are in, or out, whatever the tests say.

    Returns
    -------
    pandas.DataFrame
        The columns of :func:`measure_availability` and the truth values ``low_available``, ``low_nonzero``
        (missing values do not count against a unit here, except when it has none at all), ``forced`` and
        ``included``.

    Raises
    ------
    diagnosis.errors.InputError
        A share outside 0 to 1, or a code that is no unit or is both included and excluded.

    References
    ----------
    After ``Screen`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    for name, share in (("minimum_available", minimum_available), ("minimum_nonzero", minimum_nonzero)):
        if share is not None and not 0 <= share <= 1:
            raise InputError(f"{name} must be a share from 0 to 1, or None", f"{share!r} was given")
    include, exclude = list(include), list(exclude)
    unknown = [unit for unit in include + exclude if unit not in values.index]
    if unknown:
        raise InputError(
            "units to include or exclude must be among the units", f"unknown: {examples(unknown)}"
        )
    both = sorted(set(include) & set(exclude), key=str)
    if both:
        raise InputError("a unit cannot be both included and excluded", f"both: {examples(both)}")
    result = measure_availability(values)
    # comparison with a share of rounding noise: 0.9 of 10 indicators are 9
    low_available = result["share_available"] < (minimum_available or 0.0) - 1e-12
    low_nonzero = pd.Series(False, index=values.index)
    if minimum_nonzero is not None:
        low_nonzero = ~(result["share_nonzero"] >= minimum_nonzero - 1e-12)
    included, excluded = values.index.isin(include), values.index.isin(exclude)
    return result.assign(
        low_available=low_available,
        low_nonzero=low_nonzero,
        forced=included | excluded,
        included=(~(low_available | low_nonzero) | included) & ~excluded,
    )


def describe_indicators(
    values: pd.DataFrame,
    *,
    minimum_available: float = MINIMUM_INDICATOR_AVAILABLE,
    minimum_nonzero: float = MINIMUM_INDICATOR_NONZERO,
    minimum_unique: float = MINIMUM_INDICATOR_UNIQUE,
    skewness_limit: float = SKEWNESS_LIMIT,
    kurtosis_limit: float = KURTOSIS_LIMIT,
) -> pd.DataFrame:
    """Describe every indicator and flag those that carry little information or have outliers.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    minimum_available : float
        Share of the units, below which ``low_available`` is true.
    minimum_nonzero, minimum_unique : float
        Shares of the *available* values that are not zero, and that are different from one another.
    skewness_limit, kurtosis_limit : float
        ``outliers`` is true when both are reached, see :func:`~diagnosis.composite.treatment.treat`.

    Returns
    -------
    pandas.DataFrame
        Index indicator; ``minimum``, ``maximum``, ``mean``, ``median``, ``sd`` (n - 1), ``skewness``,
        ``kurtosis`` (excess), ``n_available``, ``n_nonzero``, ``n_unique``, ``n_same`` (units with the most
        frequent value), their shares ``share_available``, ``share_nonzero``, ``share_unique``, ``share_same``
        (the last three of the available values; missing when there is none) and the four flags.

    References
    ----------
    After ``get_stats`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    table = check_values(values)
    n_available = table.notna().sum()
    counted = n_available.where(n_available > 0)
    shape = shape_statistics(table)
    counts = {
        "n_available": n_available,
        "n_nonzero": ((table != 0) & table.notna()).sum(),
        "n_unique": table.nunique(),
        "n_same": pd.Series(
            {
                name: int(np.unique(column.dropna(), return_counts=True)[1].max(initial=0))
                for name, column in table.items()
            },
            dtype=int,
        ),
    }
    shares = {
        "share_available": n_available / max(len(table), 1),
        "share_nonzero": counts["n_nonzero"] / counted,
        "share_unique": counts["n_unique"] / counted,
        "share_same": counts["n_same"] / counted,
    }
    return pd.DataFrame(
        {
            "minimum": table.min(),
            "maximum": table.max(),
            "mean": table.mean(),
            "median": table.median(),
            "sd": table.std(ddof=1),
            "skewness": shape["skewness"],
            "kurtosis": shape["kurtosis"],
            **counts,
            **shares,
            "low_available": shares["share_available"] < minimum_available,
            "low_nonzero": shares["share_nonzero"] < minimum_nonzero,
            "low_unique": shares["share_unique"] < minimum_unique,
            "outliers": has_outliers(shape, skewness_limit, kurtosis_limit),
        }
    ).rename_axis("indicator")
