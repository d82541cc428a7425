"""Pairwise comparison of units: on how much of the weight one is ahead of the other, whatever the scale.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.checks import SCORE, check_values
from diagnosis.composite.shares import MINIMUM_SHARE, check_weights, find_scored
from diagnosis.errors import InputError, examples

PAIRS_AT_ONCE = 2_000_000
"""Pairs compared in one block, which bounds the memory: about 50 bytes a pair."""
TIE = 1e-9
"""Difference of weight below which two units are level: rounding noise of the sums."""


def _compare(table: pd.DataFrame, weights: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield, for blocks of rows against the rows from the block on, the weight ahead less the weight behind."""
    # ranks order as the values do and are exact in four bytes; a missing one is neither ahead nor behind
    ranks = table.rank(method="dense").to_numpy(dtype=np.float32)
    n_units = len(ranks)
    by_indicator = np.ascontiguousarray(ranks.T)
    # indicators of one weight are counted as bytes and weighted once, a group fits the byte
    groups = []
    for weight in np.unique(weights[weights > 0]):
        members = np.flatnonzero(weights == weight)
        groups += [(weight, members[start : start + 127]) for start in range(0, len(members), 127)]
    start = 0
    while start < n_units:
        stop = min(n_units, start + max(1, PAIRS_AT_ONCE // (n_units - start)))
        net = np.zeros((stop - start, n_units - start))
        ahead, behind = np.empty(net.shape, dtype=bool), np.empty(net.shape, dtype=bool)
        for weight, members in groups:
            count = np.zeros(net.shape, dtype=np.int8)
            for row in by_indicator[members]:
                np.greater(row[start:stop, None], row[None, start:], out=ahead)
                np.less(row[start:stop, None], row[None, start:], out=behind)
                count += ahead.view(np.int8)
                count -= behind.view(np.int8)
            net += weight * count
        yield slice(start, stop), net
        start = stop


def outranking_matrix(normalised: pd.DataFrame, weights: pd.Series | Mapping | None = None) -> pd.DataFrame:
    """Give the share of the weight on which the unit of the row is ahead of that of the column.

    Ties count half to both, so that ``o_ij + o_ji = 1``; the diagonal is 0. Only indicators that both units
    have are compared [1]_.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units, columns indicators of one direction; only the order of the values matters.
    weights : pandas.Series or mapping, optional
        By indicator, zero or more. Equal by default.

    Returns
    -------
    pandas.DataFrame
        Units x units; missing where two units have no indicator in common.

    References
    ----------
    .. [1] Munda, G., Nardo, M. (2009). Noncompensatory/nonlinear composite indicators for ranking countries: a
       defensible setting. Applied Economics 41, 1513-1523. doi:10.1080/00036840601019364
    """
    table = check_values(normalised, "normalised")
    base = check_weights(weights, table.columns)
    has = table.notna().to_numpy(dtype=float)
    both = (has * base) @ has.T
    net = np.zeros_like(both)
    for rows, block in _compare(table, base):
        net[rows, rows.start :] = block
        net[rows.start :, rows] = -block.T
    shares = np.divide(both + net, 2 * both, out=np.full_like(both, np.nan), where=both > TIE)
    np.fill_diagonal(shares, 0.0)
    return pd.DataFrame(shares, index=table.index, columns=table.index)


def copeland(
    normalised: pd.DataFrame,
    weights: pd.Series | Mapping | None = None,
    minimum_share: float = MINIMUM_SHARE,
) -> pd.Series:
    """Count the units a unit beats, less those it loses to, indicator by indicator (Copeland score).

    A unit beats another when it is ahead on more of the weight than it is behind on, among the indicators both
    have [1]_. Only the order of the values counts, and a deficit is never made up for by the size of an
    advantage. The work grows with the square of the units; the memory does not.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units, columns indicators of one direction; only the order of the values matters.
    weights : pandas.Series or mapping, optional
        By indicator, zero or more. Equal by default.
    minimum_share : float, default 0.75
        A unit with fewer of its indicators, by weight, has no score and is no one's opponent.

    Returns
    -------
    pandas.Series
        ``score``, on the index of `normalised`, from ``1 - n`` to ``n - 1``; a single unit scores 0.

    References
    ----------
    .. [1] Copeland, A. H. (1951), as in Saari, D. G., Merlin, V. R. (1996). The Copeland method. Economic
       Theory 8, 51-76. doi:10.1007/BF01212012
    """
    table = check_values(normalised, "normalised")
    base = check_weights(weights, table.columns)
    scored = find_scored(table, base, minimum_share)
    wins = np.zeros(int(scored.sum()))
    for rows, net in _compare(table[scored], base):
        result = (net > TIE).astype(np.int8) - (net < -TIE)
        wins[rows] += result.sum(axis=1, dtype=float)
        # pairs within the block stand there both ways round, those after it only once
        after = rows.stop - rows.start
        wins[rows.stop :] -= result[:, after:].sum(axis=0, dtype=float)
    scores = np.full(len(table), np.nan)
    scores[scored] = wins
    return pd.Series(scores, index=table.index, name=SCORE)


def draw_weights(
    indicators: pd.Index | list, n_draws: int, seed: int, *, minimum: float = 0.0
) -> pd.DataFrame:
    """Draw weights at random, every set of weights that sums to 1 being as likely as any other.

    Parameters
    ----------
    indicators : sequence
        Names of the indicators.
    n_draws : int
        Number of sets.
    seed : int
        Seed of the generator; the same seed gives the same sets.
    minimum : float, default 0.0
        Smallest weight of an indicator, at most one over their number.

    Returns
    -------
    pandas.DataFrame
        Draws x indicators.

    References
    ----------
    Tervonen, T., Lahdelma, R. (2007). Implementing stochastic multicriteria acceptability analysis. European
    Journal of Operational Research 178, 500-513. doi:10.1016/j.ejor.2005.12.037
    """
    columns = pd.Index(indicators)
    if len(columns) == 0 or n_draws < 1:
        raise InputError(
            "at least one indicator and one draw are needed", f"{len(columns)} and {n_draws!r} were given"
        )
    if not 0 <= minimum <= 1 / len(columns):
        raise InputError(
            f"the smallest weight of {len(columns)} indicators must lie between 0 and 1/{len(columns)}",
            f"{minimum!r} was given",
        )
    simplex = np.random.default_rng(seed).dirichlet(np.ones(len(columns)), n_draws)
    return pd.DataFrame(minimum + (1 - len(columns) * minimum) * simplex, columns=columns)


def rank_acceptability(
    normalised: pd.DataFrame,
    draws: pd.DataFrame,
    ranks: int | None = None,
    minimum_share: float = MINIMUM_SHARE,
) -> pd.DataFrame:
    """Give the share of the sets of weights in which a unit has each rank.

    This is the rank acceptability of stochastic multicriteria acceptability analysis (SMAA) [1]_. The scores are
    weighted arithmetic means; rank 1 is the highest, and equal scores share the better rank.

    Parameters
    ----------
    normalised : pandas.DataFrame
        Rows units, columns indicators of one direction and scale.
    draws : pandas.DataFrame
        Draws x indicators, from :func:`draw_weights` or any other source; rows are rescaled to sum 1.
    ranks : int, optional
        Ranks to return, from the first; all by default, which for thousands of units is a large table.
    minimum_share : float, default 0.75
        A unit with fewer of its indicators, as a share of their number, is not ranked.

    Returns
    -------
    pandas.DataFrame
        Index of `normalised`; ``mean_rank``, and a column for each rank (numbers 1, 2, ...), shares of draws.

    References
    ----------
    .. [1] Lahdelma, R., Salminen, P. (2001). SMAA-2: stochastic multicriteria acceptability analysis for group
       decision making. Operations Research 49, 444-454. doi:10.1287/opre.49.3.444.11220
    """
    table = check_values(normalised, "normalised")
    absent = [indicator for indicator in table if indicator not in draws.columns]
    if absent:
        raise InputError("every indicator needs drawn weights", f"none for {examples(absent)}")
    sets = check_values(draws[table.columns], "draws").to_numpy()
    if not (sets >= 0).all() or not (sets.sum(axis=1) > 0).all():
        raise InputError("drawn weights must be zero or more and not all zero", "some are not")
    scored = find_scored(table, check_weights(None, table.columns), minimum_share)
    numbers = table.fillna(0.0).to_numpy()[scored]
    has = table.notna().to_numpy(dtype=float)[scored]
    n_units = int(scored.sum())
    n_ranks = min(n_units, len(table) if ranks is None else ranks)
    counts, total = np.zeros((n_units, n_ranks)), np.zeros(n_units)
    units = np.arange(n_units)
    for weights in sets:
        available = has @ weights
        # a unit with none of the weight of a draw comes last in it
        score = np.divide(numbers @ weights, available, out=np.full(n_units, -np.inf), where=available > 0)
        rank = n_units - np.searchsorted(np.sort(score), score, side="right")
        total += rank + 1
        first = rank < n_ranks
        counts[units[first], rank[first]] += 1
    result = np.full((len(table), 1 + n_ranks), np.nan)
    result[scored] = np.column_stack([total, counts]) / len(sets)
    return pd.DataFrame(result, index=table.index, columns=["mean_rank", *range(1, n_ranks + 1)])
