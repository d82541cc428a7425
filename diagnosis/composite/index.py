"""Composite index from raw indicators: normalise, aggregate by domain, and explain the result.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.ampi import ampi, mpi
from diagnosis.composite.checks import SCORE, check_values, group_indicators
from diagnosis.composite.normalise import CENTRE, Goalposts, normalise_ampi, normalise_z_scores
from diagnosis.composite.shares import MINIMUM_SHARE, available_weights, check_weights
from diagnosis.errors import InputError, unknown_name

METHODS = {"ampi": ampi, "mpi": mpi}


def composite_index(
    values: pd.DataFrame,
    method: str = "ampi",
    *,
    directions: pd.Series | Mapping | None = None,
    reference: pd.Series | Mapping | None = None,
    goalposts: Goalposts | None = None,
    groups: pd.Series | Mapping | None = None,
    weights: pd.Series | Mapping | None = None,
    penalty: str = "-",
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Score units on one composite index, or on one per domain.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units (or units by years), columns indicators in their own units.
    method : {'ampi', 'mpi'}, default 'ampi'
        :func:`~diagnosis.composite.ampi` with goalposts, or the static :func:`~diagnosis.composite.mpi`.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator; ``neutral`` is refused. May be left out when `goalposts`
        carry them.
    reference : pandas.Series or mapping, optional
        The reference's *own* values by indicator, for instance Italy's, which is not the mean of its
        provinces; it scores 100. Without it the plain mean of the rows is the reference. AMPI only.
    goalposts : Goalposts, optional
        Frozen goalposts of an earlier release, instead of `reference`. AMPI only.
    groups : pandas.Series or mapping, optional
        Domain of each indicator; gives one column per domain, in order of first appearance in `values`.
    weights : pandas.Series or mapping, optional
        By indicator, rescaled to sum 1 within each domain. Equal by default.
    penalty : {'-', '+'}, default '-'
        Sign of the penalty for imbalance, see :func:`~diagnosis.composite.ampi`.
    minimum_share : float, default 0.75
        Share of a domain's indicators, by weight, a unit needs to be scored; otherwise the score is missing.

    Returns
    -------
    pandas.DataFrame
        Index of `values`; one column per domain, or ``score``.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator lacks a direction, a reference, a domain or a weight, or does not vary.
    diagnosis.errors.UnknownNameError
        Unknown method, direction or penalty.

    References
    ----------
    Mazziotta, M., Pareto, A. (2016). On a generalized non-compensatory composite index for measuring
    socio-economic phenomena. Social Indicators Research 127, 983-1003. doi:10.1007/s11205-015-0998-2
    """
    normalised = _normalise(values, method, directions, reference, goalposts)
    return pd.DataFrame(
        {
            domain: METHODS[method](normalised[indicators], penalty, weights, minimum_share)[SCORE]
            for domain, indicators in group_indicators(groups, normalised.columns).items()
        },
        index=values.index,
    )


def explain_index(
    values: pd.DataFrame,
    method: str = "ampi",
    *,
    directions: pd.Series | Mapping | None = None,
    reference: pd.Series | Mapping | None = None,
    goalposts: Goalposts | None = None,
    groups: pd.Series | Mapping | None = None,
    weights: pd.Series | Mapping | None = None,
    penalty: str = "-",
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Split every score into what each indicator adds to it.

    The penalty is itself a sum over indicators, ``S cv = sum of w (r - M)**2 / M``, so the split is exact: the
    score of a unit in a domain is 100 plus the sums of ``contribution`` and ``penalty``.

    Parameters
    ----------
    values, method, directions, reference, goalposts, groups, weights, penalty, minimum_share
        As in :func:`composite_index`.

    Returns
    -------
    pandas.DataFrame
        Index: the levels of `values` and ``indicator``, unit by unit. Columns ``domain``, ``value``,
        ``normalised``, ``weight`` (after the weight of missing indicators was spread over the others),
        ``contribution`` = w (r - 100) and ``penalty`` = the signed part of the penalty. The last three are
        missing where the unit has no score, 0 where only the indicator is missing.

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`composite_index`.

    References
    ----------
    As :func:`composite_index`; the split follows from the formula.
    """
    normalised = _normalise(values, method, directions, reference, goalposts)
    sign = -1.0 if penalty == "-" else 1.0
    parts = {}
    for domain, indicators in group_indicators(groups, normalised.columns).items():
        table = normalised[indicators]
        mean = METHODS[method](table, penalty, weights, minimum_share)["mean"].to_numpy()[:, None]
        shares = available_weights(table, check_weights(weights, table.columns), minimum_share)
        numbers = table.fillna(0.0).to_numpy()  # their weight is 0
        contribution, imbalance = shares * (numbers - CENTRE), sign * shares * (numbers - mean) ** 2 / mean
        for position, indicator in enumerate(indicators):
            parts[indicator] = pd.DataFrame(
                {
                    "domain": domain,
                    "value": values[indicator].astype(float),
                    "normalised": table[indicator],
                    "weight": shares[:, position],
                    "contribution": contribution[:, position],
                    "penalty": imbalance[:, position],
                },
                index=values.index,
            )
    explained = pd.concat(parts, names=["indicator", *values.index.names])
    unit_by_unit = np.arange(len(explained)).reshape(len(parts), len(values)).T.ravel()
    levels = [*range(1, explained.index.nlevels), 0]
    return explained.iloc[unit_by_unit].reorder_levels(levels)


def _normalise(
    values: pd.DataFrame,
    method: str,
    directions: pd.Series | Mapping | None,
    reference: pd.Series | Mapping | None,
    goalposts: Goalposts | None,
) -> pd.DataFrame:
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    table = check_values(values)
    if goalposts is None and directions is None:
        raise InputError(
            "every indicator of the index needs a direction", "none was given", "Pass directions or goalposts"
        )
    if method == "mpi":
        if reference is not None or goalposts is not None:
            raise InputError(
                "the MPI is relative to the mean of the units",
                "a reference or goalposts were given",
                "Use method='ampi'",
            )
        return normalise_z_scores(table, directions)
    if goalposts is None:
        posts = Goalposts.from_panel(table, table.mean() if reference is None else reference, directions)
        return normalise_ampi(table, posts)
    if reference is not None:
        raise InputError("goalposts already hold the reference", "both were given", "Pass one of them")
    goalposts.select(table.columns, directions)  # raises where the directions given are others
    return normalise_ampi(table, goalposts)
