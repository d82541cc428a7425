"""Linear normalisation, read back from its result: what one more in an indicator's own unit is on the common scale."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_values
from diagnosis.composite.normalise import Goalposts, normalise_ampi
from diagnosis.errors import InputError, examples


def read_scale(
    table: pd.DataFrame, goalposts: Goalposts | None, normalised: pd.DataFrame | None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the normalised values, and how much each indicator gains there by one more in its own unit.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows units, columns indicators in their own units.
    goalposts : Goalposts, optional
        Either this or `normalised`.
    normalised : pandas.DataFrame, optional
        `table` after a normalisation that is linear in each indicator; further columns are ignored.

    Returns
    -------
    normalised : pandas.DataFrame
        Index and columns of `table`.
    slopes : numpy.ndarray
        One an indicator; 0 where its normalised value is the same whatever its value, or only one value is known.

    Raises
    ------
    diagnosis.errors.InputError
        Both or none given; other rows, columns or missing values than those of the table; not linear.
    """
    if goalposts is not None and normalised is None:
        scale = normalise_ampi(table, goalposts)
        ends = goalposts.frame.loc[table.columns, ["minimum", "maximum"]].T
        return scale, _slopes(ends, normalise_ampi(ends, goalposts))
    if normalised is None or goalposts is not None:
        raise InputError(
            "the normalisation is given by goalposts or by normalised values",
            "neither was" if normalised is None else "both were",
        )
    absent = table.columns.difference(normalised.columns, sort=False)
    if len(absent) or not normalised.index.equals(table.index):
        raise InputError(
            "normalised must have the rows and columns of the values",
            f"no column {examples(absent)}" if len(absent) else "the rows differ",
        )
    scale = check_values(normalised[table.columns], "normalised")
    differ = (scale.isna() != table.isna()).any()
    if differ.any():
        raise InputError(
            "normalised must be missing where the values are",
            f"it is not in {examples(table.columns[differ])}",
            "Give the values that were normalised, after imputation if there was one",
        )
    return scale, _slopes(table, scale)


def _slopes(values: pd.DataFrame, scale: pd.DataFrame) -> np.ndarray:
    inner, outer = (frame.to_numpy() - frame.mean().to_numpy() for frame in (values, scale))
    size = np.fmax.reduce(np.abs(inner), axis=0, initial=0.0)
    varies = size > 1e-12 * np.fmax.reduce(np.abs(values.to_numpy()), axis=0, initial=0.0)
    inner = np.divide(inner, size, out=np.zeros_like(inner), where=varies)
    square = np.nansum(inner**2, axis=0)
    slopes = np.divide(np.nansum(inner * outer, axis=0), square, out=np.zeros(len(size)), where=varies)
    error = np.fmax.reduce(np.abs(outer - inner * slopes), axis=0, initial=0.0)
    bent = varies & (error > 1e-6 * np.fmax.reduce(np.abs(outer), axis=0, initial=0.0))
    if bent.any():
        raise InputError(
            "the normalisation must be linear in each indicator",
            f"it is not in {examples(values.columns[bent])}",
            "Use goalposts, min-max or z-scores, without truncation; ranks have no smallest change",
        )
    return np.divide(slopes, size, out=np.zeros(len(size)), where=varies)
