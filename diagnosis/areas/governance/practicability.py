"""How practicable areas are: size, small members, borders crossed, cooperation kept, screens of the law."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from diagnosis.errors import InputError

SMALL, SMALL_IN_MOUNTAINS = 5000, 3000
"""Residents up to which a municipality must run its fundamental functions with others: law decree 78/2010, article 14,
paragraph 28, as the Interior Ministry words it; the lower one for those of a mountain community. Constitutional Court
33/2019 struck the duty down where a municipality shows that it saves nothing."""
ASSOCIATION = 10_000
"""Least residents of an association unless the region sets another number (secondary source, not the Gazzetta)."""


def practicability(
    labels: pd.Series,
    population: pd.Series,
    *,
    mountain: pd.Series | None = None,
    borders: Mapping[str, pd.Series] | None = None,
    groups: Iterable[pd.DataFrame] = (),
    least_residents: float = ASSOCIATION,
) -> pd.DataFrame:
    """Describe each area by what makes it easy or hard to set up.

    The screens compare numbers with thresholds of the law; they are no verdict on anybody's duties.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index code; missing: in no area.
    population : pandas.Series
        Residents by code.
    mountain : pandas.Series of bool, optional
        Whether a municipality is of a mountain community; without it the higher threshold holds for all.
    borders : mapping of str to pandas.Series, optional
        Existing borders, by name: province, region, ... of each code.
    groups : iterable of pandas.DataFrame
        Who works together already: `code`, `group`; a table for each kind of co-operation.
    least_residents : float
        Of an association.

    Returns
    -------
    pandas.DataFrame
        Index area: `members`, `population` (missing where that of a member is), `small_members` (at or below the
        threshold of the law), `small_share` (of members), `small_residents_share`, `reaches_association`, a column
        `<border>_crossed` each (how many lie beyond the area's first one), `ties_kept` and `ties` (pairs that work
        together already, of which a member is in the area: those wholly in it, and all).

    Raises
    ------
    diagnosis.errors.InputError
        A code is repeated.
    """
    if labels.index.has_duplicates:
        raise InputError("labels: one area a municipality", "a code is repeated")
    placed = labels.dropna()
    residents = population.reindex(placed.index).astype("float64")
    threshold = pd.Series(float(SMALL), index=placed.index)
    if mountain is not None:
        threshold = threshold.mask(
            mountain.reindex(placed.index).fillna(False).astype(bool), SMALL_IN_MOUNTAINS
        )
    small = residents <= threshold
    by_area = residents.groupby(placed)
    table = pd.DataFrame({"members": placed.groupby(placed).size(), "population": by_area.sum(min_count=1)})
    table.loc[residents.isna().groupby(placed).any(), "population"] = np.nan
    table["small_members"] = small.groupby(placed).sum().astype(int)
    table["small_share"] = table["small_members"] / table["members"]
    table["small_residents_share"] = residents.where(small, 0.0).groupby(placed).sum() / table["population"]
    table["reaches_association"] = table["population"] >= least_residents
    for name, border in (borders or {}).items():
        table[f"{name}_crossed"] = border.reindex(placed.index).groupby(placed).nunique() - 1
    pairs = _pairs(groups)
    first, second = (pairs[end].map(placed) for end in ("code", "other"))
    kept = first.notna() & (first == second)
    touched = pd.concat([first, second[first != second]]).dropna()
    table["ties_kept"] = first[kept].value_counts().reindex(table.index, fill_value=0).astype(int)
    table["ties"] = touched.value_counts().reindex(table.index, fill_value=0).astype(int)
    return table.rename_axis("area")


def _pairs(groups: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """List every pair that shares a group, once."""
    tables = [table[["code", "group"]].assign(kind=kind) for kind, table in enumerate(groups)]
    if not tables:
        return pd.DataFrame({"code": [], "other": []}, dtype=object)
    members = pd.concat(tables).dropna().drop_duplicates()
    pairs = members.merge(members, on=["kind", "group"], suffixes=("", "_other"))
    pairs = pairs[pairs["code"] < pairs["code_other"]]
    return pairs.rename(columns={"code_other": "other"})[["code", "other"]].drop_duplicates(ignore_index=True)
