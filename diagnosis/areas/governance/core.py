"""What stays together whatever the function, and who changes area from one function to another."""

from __future__ import annotations

import pandas as pd

from diagnosis.errors import InputError, unknown_name


def core_and_rim(labels: pd.DataFrame, centres: pd.Series, reference: str | None = None) -> pd.DataFrame:
    """Tell the core of each area, which is with its centre in every function, from its rim, which is not.

    Parameters
    ----------
    labels : pandas.DataFrame
        Index code, one column a function: area of each municipality, missing for one in no area.
    centres : pandas.Series
        Centre of each area of the reference function, index area, value code.
    reference : str, optional
        The function whose areas are described; the first one by default.

    Returns
    -------
    pandas.DataFrame
        Index code: `area` and `centre` (of the reference function), `with_centre` (functions in which it shares an
        area with that centre), `compared` (functions in which both have an area), `core` (with the centre in all of
        them), `elsewhere` (the functions in which it does not, joined by blanks).

    Raises
    ------
    diagnosis.errors.InputError
        There is no function, a code is repeated, or an area has no centre among the codes.
    diagnosis.errors.UnknownNameError
        The reference is not a column.
    """
    if labels.shape[1] == 0 or labels.index.has_duplicates:
        raise InputError(
            "Core and rim need one area a municipality and at least one function",
            f"{labels.shape[1]} functions, {int(labels.index.duplicated().sum())} repeated codes",
        )
    reference = labels.columns[0] if reference is None else reference
    if reference not in labels:
        raise unknown_name("The function", reference, labels.columns)
    area = labels[reference]
    centre = area.map(centres)
    lost = area.notna() & ~centre.isin(labels.index)
    if lost.any():
        raise InputError(
            "Every area needs a centre among its municipalities",
            f"area {area[lost].iloc[0]} has {centre[lost].iloc[0]!r}",
        )
    together, compared = {}, {}
    for name in labels:
        theirs = centre.map(labels[name])
        both = labels[name].notna() & theirs.notna()
        compared[name] = both
        together[name] = both & (labels[name] == theirs)
    shared, known = pd.DataFrame(together), pd.DataFrame(compared)
    apart = known & ~shared
    return pd.DataFrame(
        {
            "area": area,
            "centre": centre,
            "with_centre": shared.sum(axis=1).astype(int),
            "compared": known.sum(axis=1).astype(int),
            "core": area.notna() & ~apart.any(axis=1),
            "elsewhere": apart.apply(lambda row: " ".join(row.index[row]), axis=1),
        },
        index=labels.index,
    )
