"""Influence: how much of an index, and of its ranks, each indicator really decides.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from diagnosis.composite.audit import RIDGE, correlation_matrix
from diagnosis.composite.checks import check_values, complete_rows, group_indicators
from diagnosis.composite.ranking import compare_ranks
from diagnosis.errors import InputError

EXACT_PLAYERS = 15
"""Most indicators (or groups) of which all subsets are compared; above, orders are sampled."""


def measure_influence(
    values: pd.DataFrame,
    score: pd.Series,
    *,
    groups: pd.Series | Mapping | None = None,
    orders: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure how much of the variation of an index each indicator, or group of them, accounts for.

    Weights say what was intended; this says what came out [1]_. ``r_squared`` is the square of the
    correlation with the index, the part an indicator could explain alone, with what it shares with the others;
    ``share`` is its Shapley value in the R2 of the linear regression of the index on all of them (LMG [2]_,
    [3]_): the mean increase of R2 over every order in which they can enter. Shares sum to that R2. Up to 15
    indicators, or groups, all subsets are evaluated; above, orders are sampled, each with its reverse.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators; units with every indicator and a score are used.
    score : pandas.Series
        The index (or a domain's score) by unit.
    groups : pandas.Series or mapping, optional
        Group of each indicator; the groups are compared instead of the indicators.
    orders : int, default 2000
        Number of orders sampled, rounded up to even.
    seed : int, default 0
        Of the sampling.

    Returns
    -------
    pandas.DataFrame
        Index indicator (or group); ``correlation`` (missing for groups), ``r_squared``, ``share`` and
        ``standard_error`` of the sampling (0 when exact).

    Raises
    ------
    diagnosis.errors.InputError
        Too few complete units, an indicator that does not vary or has no group.

    References
    ----------
    .. [1] Paruolo, P., Saisana, M., Saltelli, A. (2013). Ratings and rankings: voodoo or science? Journal of
       the Royal Statistical Society A 176, 609-634. doi:10.1111/j.1467-985X.2012.01059.x
    .. [2] Lindeman, R. H., Merenda, P. F., Gold, R. Z. (1980). Introduction to Bivariate and Multivariate
       Analysis. Scott, Foresman.
    .. [3] Grömping, U. (2007). Estimators of relative importance in linear regression based on variance
       decomposition. The American Statistician 61, 139-147. doi:10.1198/000313007X188252
    """
    table = check_values(values)
    if orders < 2:
        raise InputError("orders must be at least 2", f"{orders!r} was given")
    joined = pd.concat([table, score.reindex(table.index).astype(float).rename("score")], axis=1)
    rows = complete_rows(joined, table.shape[1] + 2)
    matrix = correlation_matrix(rows)
    inner, outer = matrix[:-1, :-1] + RIDGE * np.eye(table.shape[1]), matrix[:-1, -1]
    names = table.columns
    players = {
        player: names.get_indexer(members).tolist() for player, members in _players(groups, names).items()
    }
    columns = list(players.values())
    if len(columns) <= EXACT_PLAYERS:
        share, error = _shapley_exact(inner, outer, columns), np.zeros(len(columns))
    else:
        share, error = _shapley_sampled(inner, outer, columns, (orders + 1) // 2, seed)
    return pd.DataFrame(
        {
            "correlation": outer if groups is None else np.nan,
            "r_squared": [_r_squared(inner, outer, part) for part in columns],
            "share": share,
            "standard_error": error,
        },
        index=pd.Index(list(players), name="indicator" if groups is None else "group"),
    )


def _players(groups: pd.Series | Mapping | None, indicators: pd.Index) -> dict[object, list]:
    if groups is None:
        return {indicator: [indicator] for indicator in indicators}
    return group_indicators(groups, indicators)


def _r_squared(inner: np.ndarray, outer: np.ndarray, columns: Sequence[int]) -> float:
    part = outer[columns]
    return float(part @ np.linalg.solve(inner[np.ix_(columns, columns)], part))


def _shapley_exact(inner: np.ndarray, outer: np.ndarray, columns: list[list[int]]) -> np.ndarray:
    from scipy.special import gammaln

    count = len(columns)
    subsets = np.arange(1 << count)
    members = (subsets[:, None] >> np.arange(count)) & 1 == 1
    explained = np.array([0.0, *(_r_squared(inner, outer, _join(columns, row)) for row in members[1:])])
    size = members.sum(axis=1)
    weight = np.exp(gammaln(size + 1) + gammaln(np.maximum(count - size, 1)) - gammaln(count + 1))
    share = np.empty(count)
    for player in range(count):
        without = subsets[~members[:, player]]
        gain = explained[without | (1 << player)] - explained[without]
        share[player] = weight[without] @ gain
    return share


def _join(columns: list[list[int]], members: np.ndarray) -> list[int]:
    return [position for player in np.flatnonzero(members) for position in columns[player]]


def _shapley_sampled(
    inner: np.ndarray, outer: np.ndarray, columns: list[list[int]], pairs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg import solve_triangular

    generator = np.random.default_rng(seed)
    means = np.empty((pairs, len(columns)))
    for pair in range(pairs):
        order = generator.permutation(len(columns))
        gains = np.zeros(len(columns))
        for turn in (order, order[::-1]):
            entered = [position for player in turn for position in columns[player]]
            # with r = L z, the squares of z are the increases of R2 as the indicators enter one by one
            factor = np.linalg.cholesky(inner[np.ix_(entered, entered)])
            squares = solve_triangular(factor, outer[entered], lower=True, check_finite=False) ** 2
            sizes = np.array([len(columns[player]) for player in turn])
            gains[turn] += np.add.reduceat(squares, np.r_[0, sizes[:-1].cumsum()])
        means[pair] = gains / 2
    error = means.std(axis=0, ddof=1) / np.sqrt(pairs) if pairs > 1 else np.full(len(columns), np.nan)
    return means.mean(axis=0), error


def leave_one_out(
    values: pd.DataFrame,
    score: Callable[[pd.DataFrame], pd.Series],
    *,
    groups: pd.Series | Mapping | None = None,
) -> pd.DataFrame:
    """Leave out one indicator, or one whole group, at a time and compare the ranks.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    score : callable
        Gives the score by unit of a table with some of these columns (weights and directions of absent
        columns are to be ignored, as the functions of this package do).
    groups : pandas.Series or mapping, optional
        Group of each indicator: groups are left out instead.

    Returns
    -------
    pandas.DataFrame
        Index what was left out; ``mean_absolute_shift`` and ``largest_shift`` of the ranks, the ``unit`` that
        moves most, ``units_lost`` (scored before, not after) and the Spearman correlation ``spearman``
        of the two rankings. Most influential first.

    Raises
    ------
    diagnosis.errors.InputError
        Fewer than two indicators or groups, or an indicator without a group.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 7. doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    parts = _players(groups, table.columns)
    if len(parts) < 2:
        raise InputError(
            "there must be at least two indicators or groups to leave one out", f"{len(parts)} was given"
        )
    full = score(table)
    rows = {}
    for name, columns in parts.items():
        shifts = compare_ranks(full, score(table.drop(columns=columns)))
        moved = shifts.dropna()
        rows[name] = {
            "mean_absolute_shift": float(moved["absolute_shift"].mean()) if len(moved) else np.nan,
            "largest_shift": float(moved["absolute_shift"].max()) if len(moved) else np.nan,
            "unit": moved["absolute_shift"].astype(float).idxmax() if len(moved) else None,
            "units_lost": int((shifts["first"].notna() & shifts["second"].isna()).sum()),
            "spearman": float(moved["first"].astype(float).corr(moved["second"].astype(float)))
            if len(moved) > 2
            else np.nan,
        }
    result = pd.DataFrame.from_dict(rows, orient="index").rename_axis("left_out")
    return result.sort_values("mean_absolute_shift", ascending=False, kind="stable")
