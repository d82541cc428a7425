"""Ranks: the place of units on an index, in all or in their group, and how two indices order them.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import SCORE, check_entries, check_unit, check_values, direction_signs
from diagnosis.errors import InputError, examples

SIDES = ("strength", "weakness")


def _as_table(scores: pd.Series | pd.DataFrame) -> pd.DataFrame:
    if isinstance(scores, pd.Series):
        scores = scores.to_frame(SCORE if scores.name is None else scores.name)
    table = check_values(scores, "scores")
    if not table.index.is_unique:
        raise InputError(
            "scores: every unit must have one row",
            f"repeated: {examples(table.index[table.index.duplicated()].unique())}",
            "Rank one year at a time",
        )
    return table


def rank_units(
    scores: pd.Series | pd.DataFrame,
    *,
    groups: pd.Series | Mapping | None = None,
    ascending: bool = False,
) -> pd.Series | pd.DataFrame:
    """Rank the units on one or more indices: 1 is the highest score, ties share the best of their places.

    Parameters
    ----------
    scores : pandas.Series or pandas.DataFrame
        Index unit; one column an index (or domain, or normalised indicator).
    groups : pandas.Series or mapping, optional
        Group of each unit: units are ranked within their group. A unit without a group gets no rank.
    ascending : bool, default False
        Rank 1 for the lowest score (fragility, poverty).

    Returns
    -------
    pandas.Series or pandas.DataFrame
        As `scores`, of type ``Int64``; missing where the score is.

    Raises
    ------
    diagnosis.errors.InputError
        Scores that are not numbers, a unit in several rows, or groups that know none of the units.

    References
    ----------
    After ``rank_df`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    table = _as_table(scores)
    if groups is None:
        ranks = table.rank(method="min", ascending=ascending)
    else:
        group = _group_of_units(groups, table.index)
        if len(table) and group.isna().all():
            raise InputError(
                "groups must hold the units of the scores", f"none of {examples(table.index)} is there"
            )
        ranks = table.groupby(group.to_numpy()).rank(method="min", ascending=ascending)
        ranks = ranks.where(group.notna(), axis=0)
    ranks = ranks.astype("Int64")
    return ranks.iloc[:, 0].rename(scores.name) if isinstance(scores, pd.Series) else ranks


def _group_of_units(groups: pd.Series | Mapping, units: pd.Index) -> pd.Series:
    given = check_entries(groups, "groups")
    return pd.Series([given.get(unit) for unit in units], index=units, dtype=object)


def summarise_unit(scores: pd.DataFrame, unit: object, *, ascending: bool = False) -> pd.DataFrame:
    """Summarise one unit: its score and rank on every index of a table.

    Parameters
    ----------
    scores : pandas.DataFrame
        Index unit; one column an index or domain.
    unit : object
        A label of the index.
    ascending : bool, default False
        As in :func:`rank_units`.

    Returns
    -------
    pandas.DataFrame
        Index the columns of `scores`; ``score``, ``rank`` and ``ranked``, the number of units with a rank.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown unit.

    References
    ----------
    After ``get_unit_summary`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    check_unit(unit, scores.index)
    table = _as_table(scores)
    ranks = rank_units(table, ascending=ascending)
    return pd.DataFrame({"score": table.loc[unit], "rank": ranks.loc[unit], "ranked": table.notna().sum()})


def find_strengths(
    values: pd.DataFrame,
    unit: object,
    directions: pd.Series | Mapping,
    *,
    count: int = 5,
    groups: pd.Series | Mapping | None = None,
) -> pd.DataFrame:
    """Find the indicators on which a unit ranks best and worst.

    Where equal ranks do not all fit, the later columns are taken. An indicator is not both: where fewer than
    ``2 * count`` have a value, the strengths are taken first.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators, in their own units or normalised.
    unit : object
        A label of the index.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator (all ``positive`` for normalised values).
    count : int, default 5
        Number of strengths, and of weaknesses.
    groups : pandas.Series or mapping, optional
        Group of each unit: the unit is ranked within its own.

    Returns
    -------
    pandas.DataFrame
        Best rank first; ``indicator``, ``side`` (``strength`` or ``weakness``), ``rank``, ``ranked`` (units
        with a value) and ``value``. Indicators of which the unit has no value are left out.

    Raises
    ------
    diagnosis.errors.InputError
        A count below 1, an indicator without a direction, or a unit without a group.
    diagnosis.errors.UnknownNameError
        Unknown unit or direction.

    References
    ----------
    After ``get_str_weak`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    if count < 1:
        raise InputError("count must be at least 1", f"{count!r} was given")
    check_unit(unit, values.index)
    table = check_values(values)
    oriented = table * direction_signs(directions, table.columns)
    if groups is not None:
        group = _group_of_units(groups, table.index)
        if pd.isna(group[unit]):
            raise InputError("the unit must have a group", f"none for {unit!r}")
        oriented = oriented[group == group[unit]]
    ranks = rank_units(oriented).loc[unit].dropna()
    by_rank = ranks.iloc[::-1].sort_values(kind="stable").index
    best = ranks[ranks.index.isin(by_rank[:count])].sort_values(kind="stable")
    others = ranks.drop(best.index).sort_values(kind="stable")
    worst = others.iloc[max(0, len(others) - count) :]
    chosen = pd.concat([best, worst])
    return pd.DataFrame(
        {
            "indicator": chosen.index,
            "side": np.repeat(SIDES, [len(best), len(worst)]),
            "rank": chosen.to_numpy(),
            "ranked": oriented[chosen.index].notna().sum().to_numpy(),
            "value": table.loc[unit, chosen.index].to_numpy(),
        }
    )


def compare_ranks(first: pd.Series, second: pd.Series, *, ascending: bool = False) -> pd.DataFrame:
    """Compare the order of the units on two indices.

    Parameters
    ----------
    first, second : pandas.Series
        Score by unit.
    ascending : bool, default False
        As in :func:`rank_units`.

    Returns
    -------
    pandas.DataFrame
        Index: the units of `first`, then those only in `second`. ``first`` and ``second`` (ranks), ``shift`` =
        first - second (positive: the unit climbs) and ``absolute_shift``; missing where a rank is.

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`rank_units`.

    References
    ----------
    After ``compare_coins`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    ranks = [rank_units(scores, ascending=ascending) for scores in (first, second)]
    units = first.index.append(second.index.difference(first.index, sort=False))
    table = pd.DataFrame({"first": ranks[0].reindex(units), "second": ranks[1].reindex(units)})
    table["shift"] = table["first"] - table["second"]
    return table.assign(absolute_shift=table["shift"].abs())


def summarise_comparison(first: pd.Series, second: pd.Series) -> pd.Series:
    """Measure how two indices agree on the units that both score.

    Parameters
    ----------
    first, second : pandas.Series
        Score by unit.

    Returns
    -------
    pandas.Series
        ``units`` compared, ``mean_absolute_shift`` and ``largest_shift`` (places, among those units),
        ``unchanged`` (share), ``pearson`` (of the scores), ``spearman`` and ``kendall`` (tau-b). The
        correlations are missing with fewer than three units or a constant score.

    References
    ----------
    Kendall, M. G. (1945). The treatment of ties in ranking problems. Biometrika 33, 239-251.
    doi:10.1093/biomet/33.3.239
    """
    from scipy import stats

    both = pd.DataFrame({"first": first, "second": second}).dropna()
    shifts = compare_ranks(both["first"], both["second"])["absolute_shift"]
    varies = len(both) >= 3 and (both.nunique() > 1).all()
    pair = (both["first"].to_numpy(), both["second"].to_numpy())
    return pd.Series(
        {
            "units": len(both),
            "mean_absolute_shift": float(shifts.mean()) if len(both) else np.nan,
            "largest_shift": float(shifts.max()) if len(both) else np.nan,
            "unchanged": float((shifts == 0).mean()) if len(both) else np.nan,
            "pearson": stats.pearsonr(*pair).statistic if varies else np.nan,
            "spearman": stats.spearmanr(*pair).statistic if varies else np.nan,
            "kendall": stats.kendalltau(*pair).statistic if varies else np.nan,
        }
    )
