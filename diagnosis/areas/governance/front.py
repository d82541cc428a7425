"""Alternatives that no other one beats in everything, and the one to be recommended."""

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
TOLERANCE = 0.05
"""Share of the largest interaction that may be given up for more internal flows."""


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


def recommend(
    alternatives: pd.DataFrame, senses: Mapping[str, int] | None = None, *, tolerance: float = TOLERANCE
) -> tuple[object, str]:
    """Choose the alternative of the largest interaction, or one almost as good that keeps more flows inside.

    Of the alternatives on the front whose interaction is at least 1 - `tolerance` of the largest, the one with the
    largest share of internal flows is chosen: large areas weigh little in the interaction, and where the sum hardly
    tells two numbers of areas apart, the more closed areas are the better ones to run something with. It is a rule
    that can be followed by hand.

    Parameters
    ----------
    alternatives, senses
        As :func:`find_front`; the column `interaction` is needed.
    tolerance : float, default 0.05
        0: the largest interaction.

    Returns
    -------
    chosen : label of the row
        Of equal ones the one of the larger interaction, then the first.
    reason : {"interaction", "internal_share"}
        Whether it is the one of the largest interaction, or was preferred for its internal flows.

    Raises
    ------
    diagnosis.errors.InputError
        There is no alternative with an interaction, a criterion is not a column, or `tolerance` is not from 0 to 1.
    """
    if not 0 <= tolerance <= 1:
        raise InputError("tolerance must be from 0 to 1", f"{tolerance!r} was given")
    if "interaction" not in alternatives or not alternatives["interaction"].notna().any():
        raise InputError(
            "A recommendation needs at least one alternative with an interaction", "there is none"
        )
    table = alternatives[find_front(alternatives, senses)]
    largest = table["interaction"].max()
    near = table[table["interaction"] >= largest - tolerance * abs(largest)]
    internal = near.get("internal_share", pd.Series(0.0, index=near.index)).fillna(-np.inf)
    order = np.lexsort((-near["interaction"], -internal))
    chosen = order[0]
    first = near["interaction"].iloc[chosen] >= largest
    return near.index[chosen], "interaction" if first else "internal_share"


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
