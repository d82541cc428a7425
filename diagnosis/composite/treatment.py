"""Treatment of outliers and skew: few extreme units must not decide the scale of an indicator.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_values, check_variation, is_constant
from diagnosis.errors import InputError, examples, unknown_name

SKEWNESS_LIMIT = 2.0
KURTOSIS_LIMIT = 3.5
WINSORISED_LIMIT = 5
"""Points that may be pulled in before the whole distribution is transformed instead."""

LOG_OFFSET = 0.01
"""Share of the range added before the logarithm, so that the minimum keeps a finite value."""

LOG_FORMS = ("offset", "one", "scaled")
TRANSFORMATIONS = ("log", "box_cox", "none")


@dataclass(frozen=True)
class Treatment:
    """Treated indicators and the record of what was done to each.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators, treated.
    record : pandas.DataFrame
        Index indicator; columns as :func:`treat` describes them.
    """

    values: pd.DataFrame
    record: pd.DataFrame


def shape_statistics(values: pd.DataFrame) -> pd.DataFrame:
    """Compute skewness and excess kurtosis of every indicator, corrected for the number of units (G1 and G2 of [1]_).

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators; missing values are passed over.

    Returns
    -------
    pandas.DataFrame
        Index indicator; ``n``, ``skewness`` (missing below 3 values) and ``kurtosis`` (missing below 4). Both
        are missing for an indicator that does not vary.

    References
    ----------
    .. [1] Joanes, D. N., Gill, C. A. (1998). Comparing measures of sample skewness and kurtosis.
       The Statistician 47(1), 183-189. doi:10.1111/1467-9884.00122
    """
    table = check_values(values)
    numbers = table.to_numpy()
    available = ~np.isnan(numbers)
    n = available.sum(axis=0)
    counted = np.maximum(n, 1)
    lower, upper = table.min(), table.max()
    flat = ((n == 0) | is_constant(lower, upper)).to_numpy()
    width = np.where(flat, 1.0, (upper - lower).to_numpy())
    mean = np.where(available, numbers, 0.0).sum(axis=0) / counted
    # of order 1, so that the fourth power keeps its digits; missing ones add nothing
    deviations = np.where(available, (numbers - mean) / width, 0.0)
    squares = deviations * deviations
    m2, m3, m4 = (part.sum(axis=0) / counted for part in (squares, squares * deviations, squares * squares))
    skewness, kurtosis = _corrected(n.astype(float), np.where(flat, np.nan, m2), m3, m4)
    return pd.DataFrame(
        {"n": n, "skewness": skewness, "kurtosis": kurtosis}, index=table.columns
    ).rename_axis("indicator")


def _corrected(
    n: np.ndarray, m2: np.ndarray, m3: np.ndarray, m4: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """G1 and G2 from central moments."""
    with np.errstate(divide="ignore", invalid="ignore"):
        g1, g2 = m3 / m2**1.5, m4 / m2**2 - 3
        skewness = np.where(n > 2, g1 * np.sqrt(n * (n - 1)) / (n - 2), np.nan)
        kurtosis = np.where(n > 3, ((n + 1) * g2 + 6) * (n - 1) / ((n - 2) * (n - 3)), np.nan)
    return skewness, kurtosis


def has_outliers(shape: pd.DataFrame, skewness_limit: float, kurtosis_limit: float) -> pd.Series:
    """Say which indicators of :func:`shape_statistics` reach both limits, ``|skewness|`` and ``kurtosis``."""
    # a statistic that cannot be computed gives no ground to change data
    return (shape["skewness"].abs() >= skewness_limit) & (shape["kurtosis"] >= kurtosis_limit)


def winsorise(
    values: pd.DataFrame,
    *,
    limit: int | None = WINSORISED_LIMIT,
    skewness_limit: float = SKEWNESS_LIMIT,
    kurtosis_limit: float = KURTOSIS_LIMIT,
) -> tuple[pd.DataFrame, pd.Series]:
    """Pull the extreme values of an indicator to the next one, one more at a time, until it passes the test.

    The k highest values (lowest, when the skewness is negative) take the value of the one that follows, with
    the smallest k for which ``|skewness| < skewness_limit`` or ``kurtosis < kurtosis_limit``.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    limit : int or None, default 5
        Most values that are pulled in; where they are not enough, all `limit` are, short of making the
        indicator the same everywhere. None sets no limit.
    skewness_limit, kurtosis_limit : float
        Limits of the test.

    Returns
    -------
    values : pandas.DataFrame
        Index and columns of the input.
    n_winsorised : pandas.Series
        Index indicator; values pulled in, 0 where the indicator passes as it is.

    Notes
    -----
    All k are tried at once: the power sums of the values that stay are cumulative sums over the sorted values.

    References
    ----------
    The rule is the practice of the JRC and of the Global Innovation Index (technical notes), which rest it on
    Groeneveld, R. A., Meeden, G. (1984). Measuring skewness and kurtosis. The Statistician 33, 391-399.
    """
    if limit is not None and (not isinstance(limit, int | np.integer) or limit < 0):
        raise InputError("limit must be a whole number, zero or more, or None", f"{limit!r} was given")
    table = check_values(values)
    shape = shape_statistics(table)
    counts = pd.Series(0, index=table.columns.rename("indicator"), name="n_winsorised")
    changed = {}
    for name in table.columns[has_outliers(shape, skewness_limit, kurtosis_limit)]:
        column = table[name]
        sign = 1.0 if shape.loc[name, "skewness"] > 0 else -1.0
        ordered = np.sort(sign * column.dropna().to_numpy())
        largest = len(ordered) - 1 if limit is None else min(limit, len(ordered) - 1)
        skewness, kurtosis = _shape_after_each(ordered, largest)
        varies = ~np.isnan(skewness)
        passes = varies & ((np.abs(skewness) < skewness_limit) | (kurtosis < kurtosis_limit))
        count = int(np.argmax(passes)) + 1 if passes.any() else int(varies.sum())
        bound = sign * ordered[len(ordered) - 1 - count]
        changed[name] = column.clip(upper=bound) if sign > 0 else column.clip(lower=bound)
        counts[name] = count
    return table.assign(**changed) if changed else table, counts


def _shape_after_each(ordered: np.ndarray, largest: int) -> tuple[np.ndarray, np.ndarray]:
    """Skewness and kurtosis after the 1, 2, ... `largest` highest of the ascending values are pulled in."""
    n = len(ordered)
    number = np.arange(1, largest + 1)
    kept = n - number
    # sums over the values that stay only, from their median: nothing large is added and taken away again
    centred = ordered - np.median(ordered)
    centred = centred / max(np.abs(centred[:-1]).max(initial=0.0), np.finfo(float).tiny)
    caps = centred[kept - 1]
    sums = [np.cumsum(centred**power)[kept - 1] + number * caps**power for power in (1, 2, 3, 4)]
    mean, raw2, raw3, raw4 = (part / n for part in sums)
    m2 = raw2 - mean**2
    m3 = raw3 - 3 * mean * raw2 + 2 * mean**3
    m4 = raw4 - 4 * mean * raw3 + 6 * mean**2 * raw2 - 3 * mean**4
    flat = m2 <= 1e-12 * np.maximum(raw2, mean**2)
    return _corrected(np.full(largest, float(n)), np.where(flat, np.nan, m2), m3, m4)


def log_transform(
    values: pd.DataFrame,
    form: str = "offset",
    *,
    offset: float = LOG_OFFSET,
    mirror: bool = False,
) -> pd.DataFrame:
    """Take logarithms that exist for any values, zero and negative ones included, and keep their order.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    form : {'offset', 'one', 'scaled'}, default 'offset'
        ``offset``: ``ln(x - min + offset (max - min))``. ``one``: ``ln(x - min + 1)``, which depends on the
        unit of measure. ``scaled``: ``ln((max - 1) (x - min) / (max - min) + 1)``, the transformation of the
        Global Innovation Index [1]_, for a maximum above 1.
    offset : float, default 0.01
        Share of the range, above 0; form ``offset`` only.
    mirror : bool, default False
        Transform an indicator of negative skewness upside down, ``-f(-x)``: a logarithm only shortens an
        upper tail.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`; increasing in every indicator.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator does not vary, or has a maximum of 1 or less with form ``scaled``.
    diagnosis.errors.UnknownNameError
        Unknown form.

    Notes
    -----
    The function ``log_GII`` of COINr 1.1.14 returns its input unchanged; here ``scaled`` transforms it.

    References
    ----------
    .. [1] WIPO, Global Innovation Index, appendix on the conceptual and measurement framework.
    """
    if form not in LOG_FORMS:
        raise unknown_name("form of the logarithm", form, LOG_FORMS)
    if not offset > 0:
        raise InputError("offset must be above 0", f"{offset!r} was given")
    table = check_values(values)
    check_variation(table)
    sign = pd.Series(1.0, index=table.columns)
    if mirror:
        sign = sign.mask(shape_statistics(table)["skewness"] < 0, -1.0)
    position = table * sign
    position = position - position.min()
    width = table.max() - table.min()
    if form == "offset":
        return np.log(position + offset * width) * sign
    if form == "one":
        return np.log1p(position) * sign
    low = table.columns[table.max() <= 1]
    if len(low):
        raise InputError(
            "the scaled logarithm needs a maximum above 1",
            f"it is not for {examples(low)}",
            "Multiply the indicator by a power of ten, or use form='offset'",
        )
    return np.log1p((table.max() - 1) * position / width) * sign


def box_cox(values: pd.DataFrame, exponent: float | None = None) -> pd.DataFrame:
    """Transform by powers, ``((x - min + 1)**exponent - 1) / exponent``, or by the logarithm for 0 [1]_.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators. They are shifted so that the minimum of each is 1.
    exponent : float, optional
        The same for all indicators; without it the one of greatest likelihood for each (scipy).

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`; increasing in every indicator.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator does not vary, or the exponent is not finite.

    References
    ----------
    .. [1] Box, G. E. P., Cox, D. R. (1964). An analysis of transformations. Journal of the Royal Statistical
       Society B 26(2), 211-252.
    """
    from scipy.special import boxcox

    if exponent is not None and not np.isfinite(exponent):
        raise InputError("exponent must be a finite number", f"{exponent!r} was given")
    table = check_values(values)
    check_variation(table)
    shifted = table - table.min() + 1
    if exponent is None:
        from scipy.stats import boxcox_normmax

        exponents = [boxcox_normmax(shifted[name].dropna().to_numpy(), method="mle") for name in shifted]
        return pd.DataFrame(
            boxcox(shifted.to_numpy(), np.asarray(exponents)), index=table.index, columns=table.columns
        )
    return pd.DataFrame(boxcox(shifted.to_numpy(), exponent), index=table.index, columns=table.columns)


def treat(
    values: pd.DataFrame,
    *,
    limit: int | None = WINSORISED_LIMIT,
    transformation: str = "log",
    skewness_limit: float = SKEWNESS_LIMIT,
    kurtosis_limit: float = KURTOSIS_LIMIT,
    indicators: Iterable | None = None,
) -> Treatment:
    """Treat the indicators with outliers: winsorise a few values, transform the distribution if that fails.

    An indicator has outliers when ``|skewness| >= 2`` and ``kurtosis >= 3.5``. It is winsorised
    (:func:`winsorise`); if it still fails with `limit` values pulled in, the *original* values are transformed
    instead. The logarithm is mirrored for an indicator of negative skewness, where COINr takes the plain one
    and makes it worse.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    limit : int or None, default 5
        Most values of an indicator that may be winsorised; 0 goes straight to the transformation. For thousands
        of units five are few: about 1 % of the units is of the same order.
    transformation : {'log', 'box_cox', 'none'}, default 'log'
        What follows winsorising that fails; ``none`` keeps the winsorised values.
    skewness_limit, kurtosis_limit : float
        Limits of the test.
    indicators : iterable, optional
        The only ones to treat; all by default.

    Returns
    -------
    Treatment
        ``values``, and ``record`` with the columns ``action`` (``none``, ``winsorise``, ``log``, ``box_cox``),
        ``n_winsorised`` (also when the transformation took their place), ``skewness_before``,
        ``kurtosis_before``, ``skewness_winsorised``, ``kurtosis_winsorised`` (missing where nothing was),
        ``skewness_after``, ``kurtosis_after`` and ``passes``. An indicator that does not vary passes.

    Raises
    ------
    diagnosis.errors.InputError
        An unknown indicator is to be treated, or `limit` is no whole number.
    diagnosis.errors.UnknownNameError
        Unknown transformation.

    References
    ----------
    As :func:`winsorise`.
    """
    if transformation not in TRANSFORMATIONS:
        raise unknown_name("transformation", transformation, TRANSFORMATIONS)
    table = check_values(values)
    chosen = list(table.columns if indicators is None else indicators)
    for name in chosen:
        if name not in table:
            raise unknown_name("indicator to treat", name, map(str, table.columns))
    limits = {"skewness_limit": skewness_limit, "kurtosis_limit": kurtosis_limit}
    before = shape_statistics(table)
    failing = [name for name in chosen if has_outliers(before, **limits)[name]]
    counts = pd.Series(0, index=table.columns)
    action = pd.Series("none", index=table.columns, dtype=object)
    result = table.copy()
    if failing:
        result[failing], counts[failing] = winsorise(table[failing], limit=limit, **limits)
        action[counts.index[counts > 0]] = "winsorise"
    winsorised = before.copy()
    if failing:
        winsorised.loc[failing] = shape_statistics(result[failing])
    still = [name for name in failing if has_outliers(winsorised, **limits)[name]]
    if still and transformation != "none":
        transformed = (
            log_transform(table[still], mirror=True) if transformation == "log" else box_cox(table[still])
        )
        result[still] = transformed
        action[still] = transformation
    after = winsorised.copy()
    if still:
        after.loc[still] = shape_statistics(result[still])
    record = pd.DataFrame(
        {
            "action": action,
            "n_winsorised": counts,
            "skewness_before": before["skewness"],
            "kurtosis_before": before["kurtosis"],
            "skewness_winsorised": winsorised["skewness"].where(counts > 0),
            "kurtosis_winsorised": winsorised["kurtosis"].where(counts > 0),
            "skewness_after": after["skewness"],
            "kurtosis_after": after["kurtosis"],
            "passes": ~has_outliers(after, **limits),
        }
    )
    return Treatment(result, record.rename_axis("indicator"))
