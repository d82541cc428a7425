"""Shares of the weight: what each indicator counts for a unit, also for one that lacks some of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import read_numbers
from diagnosis.errors import InputError, examples

MINIMUM_SHARE = 0.75
"""Share of the indicators, by weight, a unit needs to be given a score."""


def check_weights(weights: pd.Series | Mapping | None, indicators: pd.Index) -> np.ndarray:
    """Return the weights of the indicators in order, rescaled to sum 1; equal ones when none are given."""
    if weights is None:
        return np.full(len(indicators), 1 / len(indicators))
    given = read_numbers(weights, indicators, "weights")
    wrong = ~(np.isfinite(given) & (given >= 0))
    if wrong.any():
        raise InputError(
            "every indicator needs a weight that is a number, zero or more",
            f"it is not for {examples(indicators[wrong])}",
            "Correct the weights; 0 leaves an indicator out",
        )
    if given.sum() <= 0:
        raise InputError("at least one weight must be above zero", f"all are 0: {examples(indicators)}")
    return (given / given.sum()).to_numpy()


def available_weights(table: pd.DataFrame, weights: np.ndarray, minimum_share: float) -> np.ndarray:
    """Spread the weight of missing indicators over the others of the unit, proportionally.

    Returns
    -------
    numpy.ndarray
        Shape units x indicators; rows sum to 1, or are all missing where less than `minimum_share` of the
        weight is available.
    """
    if not 0 < minimum_share <= 1:
        raise InputError("minimum_share must be above 0 and at most 1", f"{minimum_share!r} was given")
    available = table.notna().to_numpy() * weights
    share = available.sum(axis=1, keepdims=True)
    enough = (share > 0) & (share >= minimum_share - 1e-12)
    return np.divide(available, share, out=np.full_like(available, np.nan), where=enough)


def find_scored(table: pd.DataFrame, weights: np.ndarray, minimum_share: float) -> np.ndarray:
    """Say which units have `minimum_share` of the weight, and so a score."""
    return np.isfinite(available_weights(table, weights, minimum_share)[:, 0])
