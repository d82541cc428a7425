"""Benefit of the doubt: each unit is scored with the weights that suit it best, beside all others.

References are cited from memory, but for volume and pages of Cherchye et al. (2007) and of Van Puyenbroeck and Rogge
(2017), which were looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.composite.checks import SCORE, check_values
from diagnosis.composite.shares import MINIMUM_SHARE, check_weights, find_scored
from diagnosis.errors import InputError, examples

FEASIBLE = 1e-9
ADDED_AT_ONCE = 3
PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class DoubtScores:
    """Scores with the weights behind them.

    Attributes
    ----------
    score : pandas.Series
        By unit, 1 for the best; missing without enough indicators.
    weights : pandas.DataFrame
        Units x indicators, in the unit of one over the indicator. One optimum: others may give the same score.
    """

    score: pd.Series
    weights: pd.DataFrame


class SharedProgram:
    """Linear programs that differ by unit but share the constraint ``peers @ x <= limit``, one row a peer.

    Few peers ever bind. Each program starts from those met so far, and takes the most violated ones in until
    none is: exact, and each program stays as small as the set of efficient units (constraint generation).
    """

    def __init__(self, peers: np.ndarray, limit: float) -> None:
        self.peers, self.limit = peers, limit
        self.active: list[int] = []
        self.known = np.zeros(len(peers), dtype=bool)

    def maximise(
        self,
        objective: np.ndarray,
        own: np.ndarray,
        own_limit: np.ndarray,
        equality: np.ndarray | None = None,
        bounds: Sequence = (0, None),
    ) -> np.ndarray:
        """Return the optimal x, with ``own @ x <= own_limit`` and, if given, ``equality @ x = 1``."""
        from scipy.optimize import linprog

        while True:
            result = linprog(
                -objective,
                A_ub=np.vstack([own, self.peers[self.active]]),
                b_ub=np.r_[own_limit, np.full(len(self.active), self.limit)],
                A_eq=None if equality is None else equality[None],
                b_eq=None if equality is None else [1.0],
                bounds=bounds,
                method="highs-ds",
                options={"presolve": False, "primal_feasibility_tolerance": FEASIBLE},
            )
            if result.status != 0:
                raise InputError(
                    "the bounds on the weights must be such that all units can meet them",
                    f"the program of a unit has no solution ({result.message})",
                    "Loosen the bounds",
                )
            excess = self.peers @ result.x - self.limit
            excess[self.known] = -np.inf
            worst = np.argpartition(-excess, min(ADDED_AT_ONCE, excess.size) - 1)[:ADDED_AT_ONCE]
            worst = worst[excess[worst] > 10 * FEASIBLE]
            if worst.size == 0:
                return result.x
            self.active += worst.tolist()
            self.known[worst] = True


def prepare_values(
    values: pd.DataFrame, minimum_share: float
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Return the table, which units count, their numbers (0 for missing) and the scale of the columns."""
    table = check_values(values)
    negative = table.columns[(table < 0).any()]
    if len(negative):
        raise InputError(
            "benefit of the doubt needs values of zero or more",
            f"negative in {examples(negative)}",
            "Normalise to a scale from 0 in one direction, for instance by normalise_min_max",
        )
    scored = find_scored(table, check_weights(None, table.columns), minimum_share)
    numbers = table.fillna(0.0).to_numpy()[scored]
    scale = numbers.max(axis=0, initial=0.0)
    empty = table.columns[scale <= 0]
    if len(empty):
        raise InputError(
            "every indicator needs a value above zero",
            f"none in {examples(empty)}",
            "Leave it out of the index",
        )
    return table, scored, numbers / scale, scale


def align_scores(found: np.ndarray, scored: np.ndarray, table: pd.DataFrame) -> pd.Series:
    """Return the scores found on the index of the table, missing for the units that do not count."""
    scores = np.full(len(table), np.nan)
    scores[scored] = found
    return pd.Series(scores, index=table.index, name=SCORE)


def benefit_of_the_doubt(
    values: pd.DataFrame,
    *,
    lower: float = 0.0,
    upper: float = 1.0,
    minimum_share: float = MINIMUM_SHARE,
) -> DoubtScores:
    """Score each unit with the weights most favourable to it that give no unit more than 1.

    ``max sum of w x`` over ``w >= 0`` with ``sum of w x_j <= 1`` for all units j [1]_. With bounds, the share of
    each indicator in the score, ``w x / sum of w x``, lies between `lower` and `upper` [2]_.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators of one direction, zero or more. A missing value counts as 0, so it cannot
        lift the unit nor set a standard, and is free of the bounds.
    lower, upper : float, default 0 and 1
        Bounds on the share of each indicator. A unit with values of 0, of which no share can be had, scores 0
        where the bounds ask for one.
    minimum_share : float, default 0.75
        A unit with fewer of its indicators has no score and is no standard for others.

    Returns
    -------
    DoubtScores

    Raises
    ------
    diagnosis.errors.InputError
        Negative values, an indicator of zeros, bounds that cannot be met.

    References
    ----------
    .. [1] Melyn, W., Moesen, W. (1991), as in Cherchye, L., Moesen, W., Rogge, N., Van Puyenbroeck, T. (2007). An
       introduction to 'benefit of the doubt' composite indicators. Social Indicators Research 82, 111-145.
       doi:10.1007/s11205-006-9029-7
    .. [2] Wong, Y.-H. B., Beasley, J. E. (1990). Restricting weight flexibility in data envelopment analysis.
       Journal of the Operational Research Society 41, 829-835. doi:10.1057/jors.1990.120
    """
    table, scored, numbers, scale = prepare_values(values, minimum_share)
    n_indicators = numbers.shape[1]
    has = table.notna().to_numpy()[scored]
    fewest = has.sum(axis=1).min(initial=n_indicators)
    if not (0 <= lower <= 1 / n_indicators and upper * fewest >= 1 - 1e-12):
        raise InputError(
            f"the shares of {n_indicators} indicators must be able to sum to 1 within the bounds",
            f"lower {lower!r} and upper {upper!r}, with {fewest} indicators in the unit that has fewest",
        )
    program = SharedProgram(numbers, 1.0)
    identity = np.eye(n_indicators)
    weights = np.empty_like(numbers)
    for unit, x in enumerate(numbers):
        rows = [x[None]]
        if lower > 0:
            rows.append((lower * x[None] - identity * x)[has[unit]])
        if upper < 1:
            rows.append((identity * x - upper * x[None])[has[unit]])
        own = np.vstack(rows)
        weights[unit] = program.maximise(x, own, np.r_[1.0, np.zeros(len(own) - 1)])
    weights[~has] = 0.0
    by_unit = pd.DataFrame(np.nan, index=table.index, columns=table.columns)
    by_unit.iloc[np.flatnonzero(scored)] = weights / scale
    return DoubtScores(align_scores((weights * numbers).sum(axis=1), scored, table), by_unit)


def robust_benefit(values: pd.DataFrame, n_peers: int, *, minimum_share: float = MINIMUM_SHARE) -> pd.Series:
    """Score each unit beside a few units drawn at random, so that no single outlier sets the standard (order-m).

    One over the expected value of the best of `n_peers` draws with replacement, where a peer counts by the
    factor at which it is not below the unit in any indicator [1]_. The expectation is computed exactly from the
    sorted factors, where the usual software simulates it; above 1 the unit does better than peers are expected to.

    Parameters
    ----------
    values : pandas.DataFrame
        As in :func:`benefit_of_the_doubt`; an indicator that is 0 or missing for a unit sets it no limit.
    n_peers : int
        Number m of peers; the larger, the nearer to the best of all units.
    minimum_share : float, default 0.75
        As in :func:`benefit_of_the_doubt`.

    Returns
    -------
    pandas.Series
        ``score`` by unit; 0 for a unit of zeros only.

    References
    ----------
    .. [1] Cazals, C., Florens, J.-P., Simar, L. (2002). Nonparametric frontier estimation: a robust approach.
       Journal of Econometrics 106, 1-25. doi:10.1016/S0304-4076(01)00080-X; Vidoli, F., Mazziotta, C. (2013).
       Robust weighted composite indicators by means of frontier methods. Statistica Applicata 23, 259-282.
    """
    if n_peers < 1:
        raise InputError("at least one peer is needed", f"n_peers was {n_peers!r}")
    table, scored, numbers, _ = prepare_values(values, minimum_share)
    n_units = len(numbers)
    chance = np.diff((np.arange(n_units + 1) / max(n_units, 1)) ** n_peers)
    found = np.zeros(n_units)
    size = max(1, PAIRS_AT_ONCE // max(n_units, 1))
    for start in range(0, n_units, size):
        block = numbers[start : start + size]
        factor = np.full((len(block), n_units), np.inf)
        for peer, x in zip(numbers.T, block.T, strict=True):
            positive = x > 0
            factor[positive] = np.minimum(factor[positive], peer[None] / x[positive, None])
        some = np.isfinite(factor[:, 0])
        factor[~some] = 0.0
        factor.sort(axis=1)
        expected = factor @ chance
        found[start : start + size][some] = 1 / expected[some]
    return align_scores(found, scored, table)


def geometric_change(
    before: pd.DataFrame,
    after: pd.DataFrame,
    benchmark: object,
    *,
    lower: float = 0.0,
    upper: float = 1.0,
) -> pd.DataFrame:
    """Split the change of a geometric benefit-of-the-doubt index between two dates.

    The index is the product of ``(x / benchmark) ** s`` with the shares s of the bounded benefit of the doubt of
    that date. Its ratio is the product of the unit's own change, of the benchmark's (inverse) and of the change
    of the shares, each a geometric mean over the shares, or values, of the two dates [1]_. Where shares
    change, Compind's ``ci_geom_bod_intertemp`` leaves their effect out of the overall change.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Same units and indicators, above zero.
    benchmark : label
        Unit that scores 1 at both dates.
    lower, upper : float
        As in :func:`benefit_of_the_doubt`.

    Returns
    -------
    pandas.DataFrame
        By unit ``overall`` = ``change`` x ``benchmark`` x ``weights``.

    References
    ----------
    .. [1] Van Puyenbroeck, T., Rogge, N. (2017). Geometric mean quantity index numbers with benefit-of-the-doubt
       weights. European Journal of Operational Research 256, 1004-1014. doi:10.1016/j.ejor.2016.07.038
    """
    if not (before.index.equals(after.index) and before.columns.equals(after.columns)):
        raise InputError("both dates must have the same units and indicators, in one order", "they differ")
    if list(before.index).count(benchmark) != 1:
        raise InputError("the benchmark must be one of the units, once", f"{benchmark!r} was given")
    tables = [check_values(table) for table in (before, after)]
    if not all((table > 0).all(axis=None) for table in tables):
        raise InputError("a geometric index needs every value above zero", "some are missing, zero or below")
    logs = [np.log(table) for table in tables]
    shares = []
    for table in tables:
        found = benefit_of_the_doubt(table, lower=lower, upper=upper)
        shares.append((found.weights * table).div(found.score, axis=0))
    relative = [log - log.loc[benchmark] for log in logs]
    step, middle = logs[1] - logs[0], (shares[0] + shares[1]) / 2
    parts = {
        "overall": (shares[1] * relative[1] - shares[0] * relative[0]).sum(axis=1),
        "change": (middle * step).sum(axis=1),
        "benchmark": -(middle * step.loc[benchmark]).sum(axis=1),
        "weights": ((shares[1] - shares[0]) * (relative[0] + relative[1]) / 2).sum(axis=1),
    }
    return np.exp(pd.DataFrame(parts))
