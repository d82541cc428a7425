"""Rules that average the normalised indicators of each unit, with weights and safe for missing values.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import pandas as pd

from diagnosis.composite.ampi import ampi, mpi
from diagnosis.composite.checks import SCORE, check_values
from diagnosis.composite.outranking import copeland
from diagnosis.composite.shares import MINIMUM_SHARE, available_weights, check_weights
from diagnosis.errors import InputError, examples

Weights: TypeAlias = pd.Series | Mapping | None
Rule: TypeAlias = str | Callable[[pd.DataFrame, Weights, float], pd.Series]


def _prepare(
    normalised: pd.DataFrame, weights: Weights, minimum_share: float
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return the table, its numbers with 0 for missing, and the weights by unit, which are 0 there."""
    table = check_values(normalised, "normalised")
    shares = available_weights(table, check_weights(weights, table.columns), minimum_share)
    return table, table.fillna(0.0).to_numpy(), shares


def _finish(scores: np.ndarray, table: pd.DataFrame) -> pd.Series:
    return pd.Series(scores, index=table.index, name=SCORE)


def arithmetic_mean(
    normalised: pd.DataFrame, weights: Weights = None, minimum_share: float = MINIMUM_SHARE
) -> pd.Series:
    """Average by ``sum of w r``; a low indicator is fully made up for by a high one.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units, columns indicators of one direction and scale; missing where unknown.
    weights : pandas.Series or mapping, optional
        By indicator, zero or more, rescaled to sum 1. Equal by default.
    minimum_share : float, default 0.75
        A unit with fewer of its indicators, by weight, gets no score; otherwise the weight of the missing
        ones is spread over the others in proportion.

    Returns
    -------
    pandas.Series
        ``score``, on the index of `normalised`.

    Raises
    ------
    diagnosis.errors.InputError
        Values that are not finite numbers; weights negative, missing or all zero.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 6. doi:10.1787/9789264043466-en
    """
    table, numbers, shares = _prepare(normalised, weights, minimum_share)
    return _finish((shares * numbers).sum(axis=1), table)


def generalised_mean(
    normalised: pd.DataFrame,
    weights: Weights = None,
    minimum_share: float = MINIMUM_SHARE,
    *,
    exponent: float,
) -> pd.Series:
    """Average by a power mean, ``(sum of w r**p) ** (1 / p)``; the lower p, the more a low indicator weighs.

    The mean is arithmetic for p = 1, geometric for p = 0, harmonic for p = -1, the minimum for minus infinity
    and the maximum for infinity.

    Parameters
    ----------
    normalised, weights, minimum_share
        As in :func:`arithmetic_mean`; values above 0 unless p = 1 (0 is accepted for p > 0).
    exponent : float
        The power p.

    Returns
    -------
    pandas.Series
        ``score``, on the index of `normalised`.

    Raises
    ------
    diagnosis.errors.InputError
        A value for which the power has no meaning.

    References
    ----------
    Decancq, K., Lugo, M. A. (2013). Weights in multidimensional indices of wellbeing: an overview.
    Econometric Reviews 32, 7-34. doi:10.1080/07474938.2012.690641
    """
    if np.isnan(exponent):
        raise InputError("the exponent must be a number", f"{exponent!r} was given")
    table, numbers, shares = _prepare(normalised, weights, minimum_share)
    present = shares > 0
    scored = np.isfinite(shares[:, 0])
    if np.isinf(exponent):
        bound, pick = (-np.inf, np.max) if exponent > 0 else (np.inf, np.min)
        scores = pick(np.where(present, numbers, bound), axis=1)
        return _finish(np.where(scored, scores, np.nan), table)
    if exponent == 1:
        return _finish((shares * numbers).sum(axis=1), table)
    wrong = present & ((numbers < 0) if exponent > 0 else (numbers <= 0))
    if wrong.any():
        limit = "0 or more" if exponent > 0 else "above 0"
        raise InputError(
            f"a power mean with exponent {exponent:g} needs values {limit}",
            f"others in {examples(table.columns[wrong.any(axis=0)])}",
            "Normalise to a scale that begins above 0, for instance 1 to 100",
        )
    with np.errstate(divide="ignore"):  # the logarithm of 0 is minus infinity, whose power is 0
        logs = np.log(np.where(present, numbers, 1.0))
        if exponent == 0:
            return _finish(np.exp((shares * logs).sum(axis=1)), table)
        # relative to the largest power of the unit, so that none overflows
        powers = np.where(present, exponent * logs, -np.inf)
        largest = powers.max(axis=1, keepdims=True)
        largest = np.where(np.isfinite(largest), largest, 0.0)
        total = np.log((shares * np.exp(powers - largest)).sum(axis=1))
    return _finish(np.exp((total + largest[:, 0]) / exponent), table)


def geometric_mean(
    normalised: pd.DataFrame, weights: Weights = None, minimum_share: float = MINIMUM_SHARE
) -> pd.Series:
    """Average by ``product of r**w``; parameters, result and errors as :func:`generalised_mean` at p = 0."""
    return generalised_mean(normalised, weights, minimum_share, exponent=0.0)


def harmonic_mean(
    normalised: pd.DataFrame, weights: Weights = None, minimum_share: float = MINIMUM_SHARE
) -> pd.Series:
    """Average by ``1 / sum of w / r``; parameters, result and errors as :func:`generalised_mean` at p = -1."""
    return generalised_mean(normalised, weights, minimum_share, exponent=-1.0)


def mean_min(
    normalised: pd.DataFrame,
    weights: Weights = None,
    minimum_share: float = MINIMUM_SHARE,
    *,
    alpha: float = 0.5,
    beta: float = 1.0,
) -> pd.Series:
    """Average with a penalty for the distance of the mean from the unit's worst indicator.

    ``M - alpha (sqrt((M - min)**2 + beta**2) - beta)``: alpha = 0 is the mean, alpha = 1 with beta = 0 the
    minimum [1]_. Compind's ``ci_mean_min`` standardises with the means of other columns than the value's; here
    the values come normalised and no such step exists.

    Parameters
    ----------
    normalised, weights, minimum_share
        As in :func:`arithmetic_mean`; an indicator of weight 0 is not looked at for the minimum.
    alpha : float, default 0.5
        Strength of the penalty, 0 to 1.
    beta : float, default 1.0
        Smoothness, zero or more, in the unit of the values: how far small gaps are forgiven.

    Returns
    -------
    pandas.Series
        ``score``, on the index of `normalised`.

    References
    ----------
    .. [1] Casadio Tarabusi, E., Guarini, G. (2013). An unbalance adjustment method for development
       indicators. Social Indicators Research 112, 19-45. doi:10.1007/s11205-012-0070-4
    """
    if not (0 <= alpha <= 1 and 0 <= beta < np.inf):
        raise InputError(
            "alpha must lie between 0 and 1 and beta be zero or more",
            f"alpha {alpha!r} and beta {beta!r} were given",
        )
    table, numbers, shares = _prepare(normalised, weights, minimum_share)
    mean = (shares * numbers).sum(axis=1)
    lowest = np.where(shares > 0, numbers, np.inf).min(axis=1)
    gap = np.where(np.isfinite(mean), mean - lowest, np.nan)
    return _finish(mean - alpha * (np.hypot(gap, beta) - beta), table)


def ordered_mean(
    normalised: pd.DataFrame,
    weights: Weights = None,
    minimum_share: float = MINIMUM_SHARE,
    *,
    exponent: float = 2.0,
    order_weights: Sequence[float] | None = None,
) -> pd.Series:
    """Average by rank within the unit, best indicator first (ordered weighted average, OWA).

    The k-th best indicator gets ``Q(S_k) - Q(S_{k-1})``, S the running sum of the weights of the indicators in
    that order [2]_, and ``Q(s) = s**exponent``: 1 is the arithmetic mean, above 1 the worst indicators
    count more, below 1 the best ones. `order_weights` gives Q as a broken line instead, with equal
    steps; for units with all indicators and equal weights these are the OWA weights themselves [1]_.

    Parameters
    ----------
    normalised, weights, minimum_share
        As in :func:`arithmetic_mean`.
    exponent : float, default 2.0
        Above 0; not used when `order_weights` are given.
    order_weights : sequence of float, optional
        From best to worst, zero or more, one an indicator; rescaled to sum 1.

    Returns
    -------
    pandas.Series
        ``score``, on the index of `normalised`.

    References
    ----------
    .. [1] Yager, R. R. (1988). On ordered weighted averaging aggregation operators in multicriteria
       decisionmaking. IEEE Transactions on Systems, Man, and Cybernetics 18, 183-190. doi:10.1109/21.87068
    .. [2] Yager, R. R. (1996). Quantifier guided aggregation using OWA operators. International Journal of
       Intelligent Systems 11, 49-73.
    """
    table, numbers, shares = _prepare(normalised, weights, minimum_share)
    order = np.argsort(-numbers, axis=1, kind="stable")
    running = np.cumsum(np.take_along_axis(shares, order, axis=1), axis=1)
    if order_weights is None:
        if not 0 < exponent < np.inf:
            raise InputError("the exponent of an ordered mean must be above 0", f"{exponent!r} was given")
        quantified = np.minimum(running, 1.0) ** exponent
    else:
        given = np.asarray(order_weights, dtype=float)
        if given.shape != (table.shape[1],) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
            raise InputError(
                "order_weights must be as many numbers as indicators, zero or more and not all zero",
                f"{examples(order_weights)} for {table.shape[1]} indicators",
            )
        steps = np.linspace(0, 1, given.size + 1)
        quantified = np.interp(running, steps, np.r_[0.0, np.cumsum(given) / given.sum()])
    by_rank = np.diff(quantified, axis=1, prepend=0.0)
    scores = (by_rank * np.take_along_axis(numbers, order, axis=1)).sum(axis=1)
    return _finish(scores, table)


def taxonomic_distance(
    normalised: pd.DataFrame, weights: Weights = None, minimum_share: float = MINIMUM_SHARE
) -> pd.Series:
    """Measure how far each unit is from the ideal one, the best value of every indicator (Wroclaw taxonomy).

    Euclidean distance from the ideal unit divided by the mean of the distances plus twice their standard
    deviation, which divides by n - 1 [1]_. Unlike the other rules, *smaller is better*, and a score depends
    on all units.

    Parameters
    ----------
    normalised, weights, minimum_share
        As in :func:`arithmetic_mean`; standardised values are usual. The squares are weighted.

    Returns
    -------
    pandas.Series
        ``score``, on the index of `normalised`: 0 is the ideal, above 1 is unusual.

    Raises
    ------
    diagnosis.errors.InputError
        Fewer than two units with a score, or all of them alike.

    References
    ----------
    .. [1] Mazziotta, M., Pareto, A. (2017). Synthesis of indicators: the composite indicators approach. In
       Maggino, F. (ed.), Complexity in Society, Springer, 159-191 (after Florek et al. 1952; Harbison, F. H.,
       Maruhnic, J., Resnick, J. R. 1970).
    """
    table, numbers, shares = _prepare(normalised, weights, minimum_share)
    ideal = table[np.isfinite(shares).all(axis=1)].max().fillna(0.0).to_numpy()
    distance = np.sqrt((shares * (ideal - numbers) ** 2).sum(axis=1))
    scored = distance[np.isfinite(distance)]
    scale = scored.mean() + 2 * scored.std(ddof=1) if scored.size > 1 else 0.0
    if scale <= 0:
        raise InputError(
            "a taxonomic distance compares at least two different units",
            f"{scored.size} have enough indicators" if scored.size < 2 else "all are alike",
        )
    return _finish(distance / scale, table)


def _penalised(
    function: Callable,
    normalised: pd.DataFrame,
    weights: Weights = None,
    minimum_share: float = MINIMUM_SHARE,
) -> pd.Series:
    return function(normalised, weights=weights, minimum_share=minimum_share)[SCORE]


RULES: dict[str, Callable[[pd.DataFrame, Weights, float], pd.Series]] = {
    "arithmetic": arithmetic_mean,
    "geometric": geometric_mean,
    "harmonic": harmonic_mean,
    "mean_min": mean_min,
    "ordered": ordered_mean,
    "taxonomic": taxonomic_distance,
    "ampi": partial(_penalised, ampi),
    "mpi": partial(_penalised, mpi),
    "copeland": copeland,
}
"""Rules by name; for their options pass a function instead, ``partial(generalised_mean, exponent=2)``."""
