"""What rates can say of places with few people: the interval that chance leaves, and smoothed rates beside them.

In a municipality of a few hundred people one family more or less moves a rate. The figures are full counts (register,
census): they have no sampling error, and **nothing here is an error of the publisher**. An interval answers another
question: taking the people counted as the outcome of chance around the level that underlies the place (its age
structure, its attraction as a place of work), between which levels may that lie, and how far could so small a count
have come out otherwise [1]_. It is a lower bound of what chance does: people decide in families and firms, which vary
more than independent persons, and the part of the commuting matrix that is itself estimated adds an error of its own.

Official values are never replaced: intervals and smoothed rates stand beside them.

How chance enters is stated measure by measure in ``Measure.chance``, *k* being the numerator, *m* the denominator and
*z* the normal quantile of the level:

``proportion``
    The *k* are some of the *m*, *k* is binomial. Wilson's score interval [2]_, recommended for few people by [3]_:
    ``(k + z^2/2 +- z sqrt(k (m - k) / m + z^2/4)) / (m + z^2)``. It covers the level on average over the shares; of
    one share among few people, which make few distinct counts, somewhat more or less.
``ratio``
    Two groups without a person in common, both Poisson. Given ``k + m``, *k* is binomial with share
    ``p = r / (1 + r)``, *r* being the ratio of the levels [4]_; the interval of *r* is Wilson's for *p*, carried over
    by ``p / (1 - p)``, as one of the methods in [5]_.
``rate``
    *k* is Poisson, *m* is taken as it is. Exact interval of Garwood [6]_: gamma quantiles ``G(a/2; k)`` and
    ``G(1 - a/2; k + 1)`` over *m*, *a* = 1 - level; it covers at least the level. Where most of the *k* are among the
    *m* (workers among adults) they vary less than a Poisson count, and the interval is too wide rather than too
    narrow; jobs are taken given the resident workers, whose own chance is left out.

Measures without a model, among them the mean age, whose chance no two counts describe, get no interval: that is no
statement that they are certain. Exposure to hazards is a matter of maps, in which persons are not drawn by chance.

References
----------
All cited from memory.

.. [1] Brillinger, D. R. (1986). The natural variability of vital rates and associated statistics. Biometrics 42(4),
   693-734. doi:10.2307/2530689
.. [2] Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
   American Statistical Association 22, 209-212. doi:10.1080/01621459.1927.10502953
.. [3] Brown, L. D., Cai, T. T., DasGupta, A. (2001). Interval estimation for a binomial proportion. Statistical
   Science 16(2), 101-133. doi:10.1214/ss/1009213286
.. [4] Przyborowski, J., Wilenski, H. (1940). Homogeneity of results in testing samples from Poisson series.
   Biometrika 31, 313-323. doi:10.1093/biomet/31.3-4.313
.. [5] Price, R. M., Bonett, D. G. (2000). Estimating the ratio of two Poisson rates. Computational Statistics and
   Data Analysis 34(3), 345-356. doi:10.1016/S0167-9473(99)00100-0
.. [6] Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.
   doi:10.1093/biomet/28.3-4.437
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.indicators.measures import Tables
from diagnosis.indicators.municipal import MEASURES, gather_fractions, select

SMOOTHED = ("proportion", "rate")
"""Kinds of chance whose rates can be smoothed."""


@dataclass(frozen=True, eq=False)
class RateIntervals:
    """Official values with the interval that chance leaves around each; all tables are units x indicators.

    The reason of a missing cell is that of its value: ``gap_reasons(intervals.values, tables, groups)``.

    Parameters
    ----------
    values : DataFrame
        Official values, as :func:`diagnosis.indicators.compute` gives them.
    lower, upper : DataFrame
        Limits in the indicator's unit; the value is never outside.
    standard_errors : DataFrame
        Half the width over the normal quantile of the level, in the indicator's unit: the standard deviation of a
        normal distribution with an interval as wide. Unlike the textbook's it is not 0 where nobody was counted.
        It depends little on the level; the interval, unlike the normal's, is not symmetric for few people.
    numerators, denominators : DataFrame
        The counts.
    level : float
        Probability that an interval covers the underlying level.
    """

    values: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame
    standard_errors: pd.DataFrame
    numerators: pd.DataFrame
    denominators: pd.DataFrame
    level: float

    def to_table(self) -> pd.DataFrame:
        """Return one row a unit and indicator.

        Returns
        -------
        DataFrame
            ``code`` (``group`` of groups), ``indicator``, ``value``, ``lower``, ``upper``, ``standard_error``,
            ``numerator``, ``denominator``; ordered by indicator, then as the units.
        """
        parts = {
            "value": self.values,
            "lower": self.lower,
            "upper": self.upper,
            "standard_error": self.standard_errors,
            "numerator": self.numerators,
            "denominator": self.denominators,
        }
        units, names = self.values.index, self.values.columns
        keys = pd.MultiIndex.from_product([names, units], names=["indicator", units.name or "code"])
        columns = {name: part.to_numpy().T.ravel() for name, part in parts.items()}
        table = pd.DataFrame(columns, index=keys).reset_index()
        return table[[keys.names[1], "indicator", *parts]]


@dataclass(frozen=True, eq=False)
class SmoothedRates:
    """Official values and, beside them, rates drawn towards the mean of all units; tables are units x indicators.

    Parameters
    ----------
    values : DataFrame
        Official values.
    smoothed : DataFrame
        Empirical-Bayes rates in the indicator's unit; missing where the value is.
    own_weights : DataFrame
        Weight of the official value in the smoothed one, from 0 (all from the mean) to 1.
    prior : DataFrame
        Index indicator; ``mean`` and ``standard_deviation`` of the underlying levels in the indicator's unit
        (deviation 0 where the units differ no more than by chance), ``units`` that entered.
    """

    values: pd.DataFrame
    smoothed: pd.DataFrame
    own_weights: pd.DataFrame
    prior: pd.DataFrame


def rate_intervals(
    tables: Tables,
    only: Iterable[str] | None = None,
    level: float = 0.9,
    groups: pd.Series | None = None,
) -> RateIntervals:
    """Give the interval that chance leaves around every rate; formulas and meaning stand in the module.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As for :func:`diagnosis.indicators.compute`.
    only : iterable of str, optional
        Ids of the indicators; all into which chance enters if not given.
    level : float
        Wanted coverage, between 0 and 1.
    groups : Series, code -> group id, optional
        As for :func:`diagnosis.indicators.compute`.

    Returns
    -------
    RateIntervals
        A count of 0 has an interval; a denominator of 0, like absent data, leaves value and interval missing.
        Counts need not be whole (estimated flows): the formulas are continuous in them.

    Raises
    ------
    diagnosis.errors.InputError
        `level` is out of range, `only` names an indicator without a model of chance, a count is negative, or
        more people are in a part than in the whole.
    diagnosis.errors.UnknownNameError
        `only` names an indicator that is not a municipal one.
    """
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise InputError("level must be between 0 and 1, both excluded", f"{level!r} was given")
    names = _with_chance(only)
    numerators, denominators = gather_fractions(tables, groups, names)
    _check_counts(numerators, denominators)
    quantile = float(ndtri(0.5 + level / 2))
    values = _values(numerators, denominators)
    lower, upper = np.empty(values.shape), np.empty(values.shape)
    for position, name in enumerate(names):
        events = numerators[name].to_numpy()
        people = np.where(denominators[name] > 0, denominators[name], np.nan)
        low, high = _LIMITS[MEASURES[name].chance](events, people, quantile, level)
        # A value may lie on a limit, and must not fall outside by rounding.
        official, factor = values[name].to_numpy(), MEASURES[name].factor
        lower[:, position] = np.minimum(factor * low, official)
        upper[:, position] = np.maximum(factor * high, official)

    def frame(numbers: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(numbers, index=values.index, columns=names)

    return RateIntervals(
        values,
        frame(lower),
        frame(upper),
        frame((upper - lower) / (2 * quantile)),
        numerators,
        denominators,
        level,
    )


def smooth(
    tables: Tables, only: Iterable[str] | None = None, groups: pd.Series | None = None
) -> SmoothedRates:
    """Draw the rates of places with few people towards the mean of all, by empirical Bayes.

    Marshall's global estimator [1]_, after the idea of [2]_, as :class:`esda.smoothing.Empirical_Bayes` computes
    it. With *r* the rate *k / m* of a unit, ``M = sum k / sum m`` and ``S = sum m (r - M)^2 / sum m``, the variance of
    the underlying rates is ``A = S - M / mean(m)``, the own weight ``w = A / (A + M / m)``, the result
    ``w r + (1 - w) M``.
    Where A is not positive the units differ no more than by chance: every one gets M, as in [1]_ (esda would give
    weights below 0 or above 1).

    esda takes *k* for Poisson. The variance of a share is smaller, ``M (1 - M) / m``: shares go to esda with both
    counts divided by ``1 - M``, which leaves *r* and M as they are and makes its variance that of a binomial count.
    Otherwise a share and its complement would be drawn to the mean by different weights.

    M and A are those of all units, the large ones counting most: a smoothed rate says less of how a mountain village
    differs from a city. It is a help to read a map, not a value to publish or to score.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As for :func:`diagnosis.indicators.compute`.
    only : iterable of str, optional
        Ids of the indicators; all proportions and rates if not given. The ratio of two groups apart from each other is
        refused: neither is the population among which the other occurs, and the share of one in both, smoothed
        and turned back, would not be the expected ratio.
    groups : Series, code -> group id, optional
        As for :func:`diagnosis.indicators.compute`.

    Returns
    -------
    SmoothedRates
        Units without data, or with a denominator of 0, do not enter the mean and stay missing.

    Raises
    ------
    diagnosis.errors.InputError
        `only` names an indicator that is neither a proportion nor a rate, or the counts are as in
        :func:`rate_intervals`.
    diagnosis.errors.UnknownNameError
        `only` names an indicator that is not a municipal one.

    References
    ----------
    Both cited from memory.

    .. [1] Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators. Journal of
       the Royal Statistical Society C (Applied Statistics) 40(2), 283-294. doi:10.2307/2347593
    .. [2] Clayton, D., Kaldor, J. (1987). Empirical Bayes estimates of age-standardized relative risks for use in
       disease mapping. Biometrics 43(3), 671-681. doi:10.2307/2532003
    """
    names = [name for name in _with_chance(only) if only is not None or MEASURES[name].chance in SMOOTHED]
    if refused := [name for name in names if MEASURES[name].chance not in SMOOTHED]:
        raise InputError(
            "Only proportions and rates are smoothed",
            f"these are ratios of two groups apart from each other: {examples(refused)}",
            "Leave them out and read their intervals instead",
        )
    numerators, denominators = gather_fractions(tables, groups, names)
    _check_counts(numerators, denominators)
    smoothed = pd.DataFrame(np.nan, index=numerators.index, columns=names)
    own_weights, prior = smoothed.copy(), {}
    for name in names:
        events, people = numerators[name].to_numpy(), denominators[name].to_numpy()
        known = people > 0
        factor = MEASURES[name].factor
        if not known.any():
            prior[name] = (np.nan, np.nan, 0)
            continue
        result = _empirical_bayes(events[known], people[known], MEASURES[name].chance == "proportion")
        rates, weights, mean, variance = result
        smoothed.loc[known, name] = factor * rates
        own_weights.loc[known, name] = weights
        prior[name] = (factor * mean, factor * np.sqrt(variance), int(known.sum()))
    columns = ["mean", "standard_deviation", "units"]
    described = pd.DataFrame.from_dict(prior, orient="index", columns=columns).rename_axis("indicator")
    return SmoothedRates(_values(numerators, denominators), smoothed, own_weights, described)


def _with_chance(only: Iterable[str] | None) -> list[str]:
    if only is None:
        return [name for name, measure in MEASURES.items() if measure.chance]
    names = select(only)
    if others := [name for name in names if MEASURES[name].chance is None]:
        raise InputError(
            "Chance must enter the indicators as a proportion, a ratio or a rate",
            f"it does not, or in another way, for {examples(others)}",
            "Leave them out: MEASURES[name].chance says how it enters",
        )
    return names


def _values(numerators: pd.DataFrame, denominators: pd.DataFrame) -> pd.DataFrame:
    factors = [MEASURES[name].factor for name in numerators]
    return numerators * factors / denominators.where(denominators > 0)


def _check_counts(numerators: pd.DataFrame, denominators: pd.DataFrame) -> None:
    for name in numerators:
        events, people = numerators[name], denominators[name]
        wrong = (events < 0) | (people < 0)
        rule = "counts must be zero or more"
        if MEASURES[name].chance == "proportion" and not wrong.any():
            wrong = events > people * (1 + 1e-9)  # sums of estimated flows differ in the last digits
            rule = "a part must not be larger than the whole"
        if wrong.any():
            found = f"not so for {int(wrong.sum())} units: {examples(map(str, numerators.index[wrong]))}"
            raise InputError(f"{name}: {rule}", found, "Correct the tables")


def _wilson(events: np.ndarray, people: np.ndarray, quantile: float) -> tuple[np.ndarray, np.ndarray]:
    """Return Wilson's limits of a share; 0 and 1 exactly where nobody or everybody was counted."""
    squared = quantile**2
    spread = quantile * np.sqrt(events * np.maximum(people - events, 0) / people + squared / 4)
    upper = (events + squared / 2 + spread) / (people + squared)
    # The product of the two roots is known: their difference would lose the digits of a small one.
    return events**2 / (people * (people + squared) * upper), np.minimum(upper, 1)


def _limits_of_proportion(
    events: np.ndarray, people: np.ndarray, quantile: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    return _wilson(np.minimum(events, people), people, quantile)


def _limits_of_ratio(
    events: np.ndarray, people: np.ndarray, quantile: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    lower, upper = _wilson(events, events + people, quantile)
    lower_other, upper_other = _wilson(people, events + people, quantile)
    return lower / upper_other, upper / lower_other


def _limits_of_rate(
    events: np.ndarray, people: np.ndarray, quantile: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import gammaincinv

    some = np.where(
        events > 0, events, 1
    )  # the quantile of a gamma of shape 0 is 0, and not defined in scipy
    lower = np.where(events > 0, gammaincinv(some, (1 - level) / 2), 0)
    return lower / people, gammaincinv(events + 1, (1 + level) / 2) / people


_LIMITS: dict[str | None, Callable] = {
    "proportion": _limits_of_proportion,
    "ratio": _limits_of_ratio,
    "rate": _limits_of_rate,
}


def _empirical_bayes(
    events: np.ndarray, people: np.ndarray, binomial: bool
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return smoothed rates, weights of the own ones, mean and variance of the underlying ones (all have people)."""
    with warnings.catch_warnings():
        # in a notebook without ipywidgets its progress bars complain when they are imported
        warnings.filterwarnings("ignore", message="IProgress not found")
        from esda.smoothing import Empirical_Bayes

    mean = events.sum() / people.sum()
    if binomial and mean < 1:
        events, people = events / (1 - mean), people / (1 - mean)
    observed = np.average((events / people - mean) ** 2, weights=people)
    variance = observed - mean / people.mean()
    if variance <= 0:
        return np.full(len(events), mean), np.zeros(len(events)), mean, 0.0
    return Empirical_Bayes(events, people).r.ravel(), variance / (variance + mean / people), mean, variance
