"""Alternatives that no other one beats in everything, and the one that is nowhere far from the best."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

SENSES = {
    "areas": 1,
    "interaction": 1,
    "internal_share": 1,
    "smallest_population": 1,
    "longest_minutes": -1,
}
"""What alternatives are compared by, and whether more (1) or less (-1) is better."""


def find_front(alternatives: pd.DataFrame, senses: Mapping[str, int] | None = None) -> pd.Series:
    """Say which alternatives are on the front: no other one is as good in everything and better in something.

    Parameters
    ----------
    alternatives : pandas.DataFrame
        One row an alternative; the criteria of `senses`. A criterion without any value is left out; a missing value
        is the worst there is.
    senses : mapping of str to int, optional
        1: more is better, -1: less is better. By default those of :data:`SENSES` that are columns.

    Returns
    -------
    pandas.Series of bool
        Of equal alternatives only the first is on the front.

    Raises
    ------
    diagnosis.errors.InputError
        A criterion is not a column, or there is none.
    """
    values = _oriented(alternatives, senses)
    better = (values[:, None, :] > values[None, :, :]).any(axis=2)
    as_good = (values[:, None, :] >= values[None, :, :]).all(axis=2)
    earlier = np.tri(len(values), k=-1, dtype=bool).T  # [j, i]: j stands before i
    beaten = (as_good & (better | earlier)).any(axis=0)
    return pd.Series(~beaten, index=alternatives.index, name="front")


def recommend(alternatives: pd.DataFrame, senses: Mapping[str, int] | None = None) -> tuple[object, str]:
    """Choose the alternative of the front whose worst criterion is the least bad.

    Each criterion is rescaled from 0, its worst value on the front, to 1, its best; an alternative is as good as its
    lowest one. It is a rule that can be followed by hand, not a preference of anybody.

    Parameters
    ----------
    alternatives, senses
        As :func:`find_front`.

    Returns
    -------
    chosen : label of the row
        Of several equally good ones the one with the highest mean, then the first.
    weakest : str
        The criterion in which it is the farthest from the best.

    Raises
    ------
    diagnosis.errors.InputError
        There is no alternative, a criterion is not a column, or there is none.
    """
    if alternatives.empty:
        raise InputError("A recommendation needs at least one alternative", "there is none")
    on_front = find_front(alternatives, senses)
    names = _criteria(alternatives, senses)
    values = _oriented(alternatives, senses)[on_front.to_numpy()]
    finite = np.where(np.isfinite(values), values, np.nan)
    low, high = np.nanmin(finite, axis=0), np.nanmax(finite, axis=0)
    spread = high - low
    scaled = np.where(spread > 0, (values - low) / np.where(spread > 0, spread, 1.0), 1.0)
    scaled = np.where(np.isfinite(values), scaled, 0.0)
    order = np.lexsort((-scaled.mean(axis=1), -scaled.min(axis=1)))
    chosen = order[0]
    return on_front.index[on_front][chosen], names[int(scaled[chosen].argmin())]


def _criteria(alternatives: pd.DataFrame, senses: Mapping[str, int] | None) -> list[str]:
    if senses is None:
        wanted = [name for name in SENSES if name in alternatives]
    else:
        wanted = list(senses)
        if absent := [name for name in wanted if name not in alternatives]:
            raise InputError("Every criterion must be a column of the alternatives", examples(absent))
    kept = [name for name in wanted if alternatives[name].notna().any()]
    if not kept and len(alternatives):
        raise InputError(
            "Alternatives need a criterion to be compared by", f"none of {list(SENSES)} has a value"
        )
    return kept


def _oriented(alternatives: pd.DataFrame, senses: Mapping[str, int] | None) -> np.ndarray:
    """Return the criteria as numbers of which more is better; missing: minus infinity."""
    signs = SENSES if senses is None else senses
    names = _criteria(alternatives, senses)
    values = alternatives[names].to_numpy(dtype="float64") * np.array([signs[name] for name in names])
    return np.where(np.isnan(values), -np.inf, values)
