"""Compensability: how far a low indicator, or domain, is made up for by high ones under a rule of aggregation.

References are cited from memory, the papers were not opened again; the derivatives and the measures of
:func:`measure_compensation` were worked out for this module.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from diagnosis.composite.aggregation import RULES, Rule, Weights, arithmetic_mean, generalised_mean
from diagnosis.composite.ampi import ampi
from diagnosis.composite.checks import check_unit, check_values
from diagnosis.composite.normalise import CENTRE
from diagnosis.composite.ranking import rank_units
from diagnosis.composite.shares import MINIMUM_SHARE, available_weights, check_weights
from diagnosis.errors import InputError, unknown_name

SMOOTH_RULES = ("arithmetic", "geometric", "harmonic", "ampi", "ampi_plus", "mpi")
"""Rules whose score has a derivative in every indicator."""

MEANS = (*SMOOTH_RULES, "mean_min", "ordered")
"""Rules that give a unit with the same value everywhere that value."""

_EVEN = 1e-9  # of the reference: rounding noise of a mean of equal numbers


def _ampi_plus(normalised: pd.DataFrame, weights: Weights, minimum_share: float) -> pd.Series:
    return ampi(normalised, "+", weights, minimum_share)["score"]


def _mean_of(
    rule: Rule, columns: pd.Index, weights: Weights, reference: float
) -> Callable[[pd.DataFrame, Weights, float], pd.Series]:
    """Return the rule as a function, or say that it does not keep the value of a unit that is even."""
    if isinstance(rule, str):
        if rule not in MEANS:
            raise unknown_name("rule", rule, MEANS)
        return _ampi_plus if rule == "ampi_plus" else RULES[rule]
    even = rule(pd.DataFrame([[reference] * len(columns)], columns=columns), weights, 1.0).iloc[0]
    if not abs(even - reference) <= _EVEN * abs(reference):
        raise InputError(
            "compensation needs a rule that scores a unit with the same value everywhere at that value",
            f"a unit with {reference:g} everywhere scores {even:g}",
            f"Choose one of {', '.join(MEANS)}, or another mean",
        )
    return rule


def marginal_effects(
    normalised: pd.DataFrame,
    weights: Weights = None,
    rule: str = "arithmetic",
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Change of every unit's score for one more point of an indicator: the derivative of the rule.

    With weights w, values x and score G or H, mean M and coefficient of variation cv of the unit:

    =============  ===========================  ======================================
    rule           derivative in x              sign
    =============  ===========================  ======================================
    arithmetic     ``w``                        positive
    geometric      ``w G / x``                  positive
    harmonic       ``w (H / x)**2``             positive
    ampi, mpi      ``w (3 + cv**2 - 2 x / M)``  positive below ``M (3 + cv**2) / 2``
    ampi_plus      ``w (2 x / M - 1 - cv**2)``  positive above ``M (1 + cv**2) / 2``
    =============  ===========================  ======================================

    The index of Mazziotta and Pareto is not monotone: it is ``M - S cv = 2 M - sum of w x**2 / M``, concave in
    each indicator, and one that is already far above the mean of its unit *lowers* the score as it rises, because
    the imbalance grows faster than the mean. The limit is never below 1.5 M, and an indicator with half of
    the weight or more never reaches it.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units, columns indicators, or domains of one level, of one scale.
    weights : pandas.Series or mapping, optional
        By column, zero or more, rescaled to sum 1. Equal by default.
    rule : {'arithmetic', 'geometric', 'harmonic', 'ampi', 'ampi_plus', 'mpi'}, default 'arithmetic'
        For ``mpi`` the standardisation is taken as fixed.
    minimum_share : float, default 0.75
        Share of the weight a unit needs; the weight of missing values is spread over the others.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `normalised`, points of the score a point; missing where the value or the score is.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown rule, or one without derivative.
    diagnosis.errors.InputError
        Values for which the rule is not defined.
    """
    if rule not in SMOOTH_RULES:
        raise unknown_name("rule with a derivative", rule, SMOOTH_RULES)
    table = check_values(normalised, "normalised")
    shares = available_weights(table, check_weights(weights, table.columns), minimum_share)
    numbers = table.to_numpy()
    if rule == "arithmetic":
        effects = shares
    elif rule in ("geometric", "harmonic"):
        exponent = 0.0 if rule == "geometric" else -1.0
        score = generalised_mean(table, weights, minimum_share, exponent=exponent).to_numpy()[:, None]
        # a value of weight 0 may be 0: it has no effect
        ratio = np.divide(score, numbers, out=np.zeros_like(numbers), where=shares > 0)
        effects = shares * ratio ** (1 - exponent)
    else:
        parts = ampi(table, "-", weights, minimum_share)
        mean, cv = (parts[name].to_numpy()[:, None] for name in ("mean", "cv"))
        relative = 2 * numbers / mean
        slope = relative - 1 - cv**2 if rule == "ampi_plus" else 3 + cv**2 - relative
        effects = shares * slope
    return pd.DataFrame(effects, index=table.index, columns=table.columns).where(table.notna())


def substitution_rates(
    normalised: pd.DataFrame,
    unit: object,
    weights: Weights = None,
    rule: str = "arithmetic",
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Points of one indicator that make up for a point of another: marginal rates of substitution of a unit.

    The ratio of the :func:`marginal_effects`. Under the arithmetic mean it is ``w_row / w_column`` whatever the
    values: the weights are rates of exchange, not importance [1]_ [2]_. Under the geometric mean it is ``(w_row
    / x_row) / (w_column / x_column)``: the lower an indicator, the dearer a point of it. A rate holds for
    small changes around the unit's present values.

    Parameters
    ----------
    normalised, weights, rule, minimum_share
        As in :func:`marginal_effects`.
    unit : object
        A label of the index.

    Returns
    -------
    pandas.DataFrame
        Indicators x indicators: points of the column that make up for the loss of one point of the row.
        Missing where a value or the score is, and where one more point of the column does not raise the
        score: nothing can be made up for by it. Negative where the loss of the row itself raises the score.

    References
    ----------
    .. [1] OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 6.2 (compensability and
       weights as trade-offs). doi:10.1787/9789264043466-en
    .. [2] Munda, G., Nardo, M. (2009). Noncompensatory/nonlinear composite indicators for ranking countries: a
       defensible setting. Applied Economics 41, 1513-1523. doi:10.1080/00036840601019364; Paruolo, P.,
       Saisana, M., Saltelli, A. (2013). Ratings and rankings: voodoo or science? Journal of the Royal
       Statistical Society A 176, 609-634. doi:10.1111/j.1467-985X.2012.01059.x
    """
    check_unit(unit, normalised.index)
    row = normalised.loc[[unit]]
    if len(row) > 1:
        raise InputError("the unit must have one row", f"{len(row)} rows of {unit!r}")
    effects = marginal_effects(row, weights, rule, minimum_share).to_numpy()[0]
    useful = np.where(effects > 0, effects, np.nan)
    return pd.DataFrame(effects[:, None] / useful, index=normalised.columns, columns=normalised.columns)


def measure_compensation(
    normalised: pd.DataFrame,
    weights: Weights = None,
    rule: Rule = "arithmetic",
    *,
    reference: float = CENTRE,
    ascending: bool = False,
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Say how far the score and the rank of each unit rest on high indicators that make up for low ones.

    The score s is read between two others: that under *full* compensation, the arithmetic mean, and that under
    *none*, the rule applied after every value above the reference was cut to it, so that a surplus counts for
    nothing. The unit's shortfall is ``reference - none``, and the share of it that its surpluses offset is
    ``(min(s, reference) - none) / shortfall``: all of it for an arithmetic mean at the reference or above, less
    the less a rule compensates.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units, columns indicators, or domains of one level (audit each level apart), of one scale.
    weights : pandas.Series or mapping, optional
        By column, zero or more, rescaled to sum 1. Equal by default.
    rule : str or function, default 'arithmetic'
        One of ``MEANS``, or a function of (table, weights, minimum_share) that scores a unit with the same
        value everywhere at that value.
    reference : float, default 100
        Value that is neither low nor high: that of the country or the mean on the scales of this package.
    ascending : bool, default False
        High values are bad (fragility, poverty; with the rule ``ampi_plus``): rank 1 for the lowest score, and
        low values are what makes up for high ones. The signs below turn with it.
    minimum_share : float, default 0.75
        Share of the weight a unit needs.

    Returns
    -------
    pandas.DataFrame
        Index of `normalised`; all missing where a unit has no score, apart from that

        ``score``, ``full``, ``none``
            Under the rule, under full compensation and under none, in points.
        ``loss``
            ``full - score``: what imbalance costs the unit.
        ``shortfall``
            ``reference - none``: what its low values cost it where nothing offsets them.
        ``offset``
            Share of the shortfall that is offset. Missing where there is none; below 0 where surpluses
            cost more by imbalance than they add (possible under the AMPI).
        ``rank``
            Under the rule; ties share the better rank.
        ``places_lost``
            Places behind the rank under full compensation (negative: ahead of it).
        ``places_gained``
            Places ahead of the rank under none: the units with the most depend most on compensation.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        A rule that does not exist or is no mean (Copeland, taxonomic distance).
    diagnosis.errors.InputError
        A function that is no mean; a reference that is not a number; values for which the rule is not defined.

    References
    ----------
    As :func:`substitution_rates`. Loss and offset are measures of this package.
    """
    if not np.isfinite(reference):
        raise InputError("the reference must be a finite number", f"{reference!r} was given")
    table = check_values(normalised, "normalised")
    mean = _mean_of(rule, table.columns, weights, reference)
    sign = -1.0 if ascending else 1.0
    cut = table.clip(lower=reference) if ascending else table.clip(upper=reference)
    score, none = (mean(part, weights, minimum_share) for part in (table, cut))
    full = arithmetic_mean(table, weights, minimum_share)
    shortfall = sign * (reference - none)
    shortfall = shortfall.mask(shortfall.abs() <= _EVEN * max(abs(reference), 1.0), 0.0)
    reached = score.clip(lower=reference) if ascending else score.clip(upper=reference)
    # scores equal but for the rounding of their sums are one place
    rank, without, freely = (
        rank_units(scores.round(9), ascending=ascending) for scores in (score, none, full)
    )
    return pd.DataFrame(
        {
            "score": score,
            "full": full,
            "none": none,
            "loss": sign * (full - score),
            "shortfall": shortfall,
            "offset": sign * (reached - none) / shortfall.where(shortfall > 0),
            "rank": rank,
            "places_lost": rank - freely,
            "places_gained": without - rank,
        }
    )
