"""Mean with a penalty for imbalance: the aggregation of the Mazziotta-Pareto indices.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_values
from diagnosis.composite.normalise import CENTRE
from diagnosis.composite.shares import MINIMUM_SHARE, available_weights, check_weights
from diagnosis.errors import InputError, examples, unknown_name

PENALTIES = ("-", "+")


def _penalised_mean(
    normalised: pd.DataFrame,
    penalty: str,
    weights: pd.Series | Mapping | None,
    minimum_share: float,
) -> pd.DataFrame:
    if penalty not in PENALTIES:
        raise unknown_name("penalty", penalty, PENALTIES)
    checked = check_values(normalised, "normalised")
    # one layout in memory, on which the last digit of a sum depends: the same table gives the same scores
    table = pd.DataFrame(np.ascontiguousarray(checked), index=checked.index, columns=checked.columns)
    base = check_weights(weights, table.columns)
    shares = available_weights(table, base, minimum_share)
    numbers = table.fillna(0.0).to_numpy()  # their weight is 0
    # from the centre, so that a row of hundreds has exactly a hundred whatever the rounding of the weights
    mean = CENTRE + (shares * (numbers - CENTRE)).sum(axis=1)
    if (mean <= 0).any():
        raise InputError(
            "the mean of the normalised values must be above 0, or the penalty has no meaning",
            f"it is not for {examples(table.index[mean <= 0])}",
            "Check that the reference lies near the range of the units",
        )
    sd = np.sqrt((shares * (numbers - mean[:, None]) ** 2).sum(axis=1))
    cv = sd / mean
    amount = sd * cv
    return pd.DataFrame(
        {
            "score": mean - amount if penalty == "-" else mean + amount,
            "mean": mean,
            "sd": sd,
            "cv": cv,
            "penalty": amount,
            "n_available": (table.notna().to_numpy() & (base > 0)).sum(axis=1),
        },
        index=table.index,
    )


def ampi(
    normalised: pd.DataFrame,
    penalty: str = "-",
    weights: pd.Series | Mapping | None = None,
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Average the indicators of each unit with a penalty for their imbalance (adjusted Mazziotta-Pareto index).

    ``score = M - S cv`` (or ``M + S cv``) with ``cv = S / M``, where M and S are the mean and the *population*
    standard deviation of the unit's normalised values [1]_; with weights, the weighted mean and standard
    deviation [2]_. Comparable between years while the goalposts stay the same.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units (or units by years), columns indicators, from :func:`~diagnosis.composite.normalise_ampi`.
    penalty : {'-', '+'}, default '-'
        ``-`` when a higher score is better (well-being), ``+`` when it is worse (poverty, fragility), so
        that imbalance always counts against the unit.
    weights : pandas.Series or mapping, optional
        By indicator, zero or more, rescaled to sum 1. Equal by default.
    minimum_share : float, default 0.75
        A unit with fewer of its indicators, by weight, gets no score; otherwise the score is that of the
        indicators it has.

    Returns
    -------
    pandas.DataFrame
        Index of `normalised`; ``score``, ``mean``, ``sd``, ``cv``, ``penalty`` (the amount S cv, unsigned) and
        ``n_available``, the number of indicators with a value.

    Raises
    ------
    diagnosis.errors.InputError
        Weights negative, missing or all zero; values not numeric; a mean of zero or less.

    References
    ----------
    .. [1] Mazziotta, M., Pareto, A. (2016). On a generalized non-compensatory composite index for measuring
       socio-economic phenomena. Social Indicators Research 127, 983-1003. doi:10.1007/s11205-015-0998-2
    .. [2] Mazziotta, M., Pareto, A. (2022), Rivista Italiana di Economia Demografia e Statistica.
    """
    return _penalised_mean(normalised, penalty, weights, minimum_share)


def mpi(
    normalised: pd.DataFrame,
    penalty: str = "-",
    weights: pd.Series | Mapping | None = None,
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Average the indicators with the penalty of the static Mazziotta-Pareto index, relative to the units' mean.

    The aggregation of :func:`ampi` on values standardised to mean 100 and standard deviation 10
    (:func:`~diagnosis.composite.normalise_z_scores`). The horizontal standard deviation divides by n, as in the
    paper [1]_ and at Istat; the R package Compind divides by n - 1.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units, columns indicators, standardised.
    penalty, weights, minimum_share
        As in :func:`ampi`.

    Returns
    -------
    pandas.DataFrame
        As :func:`ampi`.

    References
    ----------
    .. [1] De Muro, P., Mazziotta, M., Pareto, A. (2011). doi:10.1007/s11205-010-9727-z
    """
    return _penalised_mean(normalised, penalty, weights, minimum_share)
