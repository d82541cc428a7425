"""Smallest change in a unit's indicators that would give it a score or a place: arithmetic, never a forecast.

Nothing here says what an action would do, what it costs, or that a change is possible. The other units and the
normalisation are held as they are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TypeAlias

import numpy as np
import pandas as pd

from diagnosis.composite.aggregation import RULES
from diagnosis.composite.ampi import PENALTIES, ampi
from diagnosis.composite.checks import check_entries, check_values, group_indicators
from diagnosis.composite.linear_scale import read_scale
from diagnosis.composite.nearest_point import Reach
from diagnosis.composite.normalise import Goalposts, normalise_ampi
from diagnosis.composite.ranking import rank_units
from diagnosis.composite.shares import MINIMUM_SHARE, available_weights, check_weights
from diagnosis.errors import InputError, examples, unknown_name

Given: TypeAlias = pd.Series | Mapping

METHODS = ("ampi", "arithmetic", "geometric")
LIMITS = ("observed", "goalposts")
ARITHMETIC_ONLY = "arithmetic_only"
"""Key of the remark every result carries: what would have to change in the sum, not what an action would bring."""

MARGIN = 1e-6
"""Points by which a score must pass the one now at the wanted place, so that rounding decides no rank."""

_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class SmallestChange:
    """The smallest change that gives a unit a score or a place.

    Attributes
    ----------
    unit : hashable
    table : pandas.DataFrame
        Index indicator. ``value``, ``value_needed``, ``change`` and ``change_percent`` (of the present absolute
        value; missing for 0) in the unit of the indicator; ``normalised``, ``normalised_needed``; ``weight`` in the
        unit's score; ``movable``; ``at_limit``: moved as far as allowed; ``helps``: a small improvement of it alone
        betters the score now, which with AMPI holds on one side of :func:`ampi_threshold` only; ``alone_value``,
        ``alone_change``: what it would take if nothing else changed, missing where even its limit is not enough.
    score, score_needed : float
        Now, and after the change.
    target : float
        The score asked for, or the one the rank asked for needs.
    best_score : float
        The best that the movable indicators can give within their limits.
    reached : bool
        Whether the target can be reached. If not, the table holds the change to the best score.
    length : float
        ``sqrt(sum of difficulty * (change in normalised units)**2)``.
    rank, rank_needed : int
        Place now and after the change, the other units unchanged; 1 is best.
    remark : str
        :data:`ARITHMETIC_ONLY`.
    """

    unit: Hashable
    table: pd.DataFrame
    score: float
    score_needed: float
    target: float
    best_score: float
    reached: bool
    length: float
    rank: int
    rank_needed: int
    remark: str = ARITHMETIC_ONLY


def ampi_threshold(
    normalised: pd.DataFrame,
    weights: pd.Series | Mapping | None = None,
    penalty: str = "-",
    minimum_share: float = MINIMUM_SHARE,
) -> pd.Series:
    """Normalised value beyond which changing an indicator for the better no longer betters a unit's AMPI.

    ``M (3 + cv**2) / 2`` for penalty ``-``: raising an indicator above it lowers the score. ``M (1 + cv**2) / 2`` for
    ``+``: lowering one below it raises the score. The same for all indicators of the unit; derived in
    :mod:`diagnosis.composite.nearest_point`.

    Parameters
    ----------
    normalised, weights, penalty, minimum_share
        As in :func:`~diagnosis.composite.ampi`.

    Returns
    -------
    pandas.Series
        ``threshold``, on the index of `normalised`; missing where the score is.
    """
    result = ampi(normalised, penalty, weights, minimum_share)
    centre = 3.0 if penalty == "-" else 1.0
    return (result["mean"] * (centre + result["cv"] ** 2) / 2).rename("threshold")


def find_smallest_change(
    values: pd.DataFrame,
    unit: Hashable,
    *,
    target: float | None = None,
    rank: int | None = None,
    goalposts: Goalposts | None = None,
    normalised: pd.DataFrame | None = None,
    method: str = "ampi",
    penalty: str = "-",
    weights: pd.Series | Mapping | None = None,
    groups: pd.Series | Mapping | None = None,
    domain: Hashable | None = None,
    movable: Iterable[Hashable] | None = None,
    difficulty: pd.Series | Mapping | None = None,
    limits: str | pd.Series | Mapping = "observed",
    may_worsen: bool = False,
    minimum_share: float = MINIMUM_SHARE,
) -> SmallestChange:
    """Find the smallest change in given indicators with which a unit would have a score or a rank.

    Minimises ``sum of difficulty * (change in normalised units)**2``. The solution is exact and unique; see
    :mod:`diagnosis.composite.nearest_point`.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators in their own units.
    unit : hashable
        A label of the index.
    target : float, optional
        Score wanted: at least that, or at most that with penalty ``+``. Either this or `rank`.
    rank : int, optional
        Place wanted, 1 the best, among the units with a score: the score now at that place among the other units,
        and :data:`MARGIN` more.
    goalposts : Goalposts, optional
        Normalises as :func:`~diagnosis.composite.normalise_ampi`. Either this or `normalised`.
    normalised : pandas.DataFrame, optional
        `values` after any normalisation that is linear in each indicator, more being better (worse with penalty
        ``+``). It is held fixed: means, minima and maxima do not move with the unit.
    method : {'ampi', 'arithmetic', 'geometric'}, default 'ampi'
        How indicators make the score.
    penalty : {'-', '+'}, default '-'
        Of the AMPI; with ``+`` lower is better.
    weights : pandas.Series or mapping, optional
        By indicator. Equal by default.
    groups : pandas.Series or mapping, optional
        Domain of each indicator; the score is then that of `domain`.
    domain : hashable, optional
        One of the domains.
    movable : iterable, optional
        Indicators allowed to change; all that the unit has a value of if not given. One without weight, or whose
        normalised value is the same everywhere, is not moved.
    difficulty : pandas.Series or mapping, optional
        Above zero, by indicator; those not named count 1.
    limits : {'observed', 'goalposts'} or mapping, default 'observed'
        How far an indicator may improve: to the best value among the units, to its better goalpost, or to the value
        given in its own unit (the best among the units for those not named). A unit beyond the limit stays.
    may_worsen : bool, default False
        Whether an indicator may also get worse, down to the worst value among the units, which lessens the AMPI's
        penalty for one that is far above the others.
    minimum_share : float, default 0.75
        As in :func:`~diagnosis.composite.ampi`.

    Returns
    -------
    SmallestChange
        A target out of reach is no error: ``reached`` is then False.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown unit, indicator, domain, method, penalty or kind of limits.
    diagnosis.errors.InputError
        The unit has no score, a movable indicator no value; a normalisation that is not linear; parameters that
        contradict each other or make no sense.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if penalty not in PENALTIES:
        raise unknown_name("penalty", penalty, PENALTIES)
    table = _choose(check_values(values), groups, domain)
    if unit not in table.index:
        raise unknown_name("unit", unit, map(str, table.index), "Give a label of the table's index")
    scale, slopes = read_scale(table, goalposts, normalised)
    lower_wins = method == "ampi" and penalty == "+"
    sign = -1.0 if lower_wins else 1.0

    def measure(rows: pd.DataFrame) -> pd.Series:
        if method == "ampi":
            return ampi(rows, penalty, weights, minimum_share)["score"]
        return RULES[method](rows, weights, minimum_share)

    scores = measure(scale)
    ranks = rank_units(scores, ascending=lower_wins)  # refuses a unit in several rows
    score, others = float(scores[unit]), scores.drop(unit).dropna().to_numpy()
    if np.isnan(score):
        raise InputError(
            "the unit must have a score", f"{unit!r} lacks indicators", "Lower minimum_share, or impute them"
        )
    wanted = _wanted_score(sign * others, sign * score, target, rank, sign)

    row = scale.loc[[unit]]
    now = row.to_numpy()[0]
    shares = available_weights(row, check_weights(weights, scale.columns), minimum_share)[0]
    used = shares > 0
    may_move = used & (slopes != 0) & _check_movable(movable, scale.columns, now)
    best, worst = _extremes(limits, table, scale, unit, slopes, goalposts, sign)
    better = sign * np.maximum(sign * now, sign * best)
    worse = sign * np.minimum(sign * now, sign * worst) if may_worsen else now
    reach = Reach(
        rule=f"ampi{penalty}" if method == "ampi" else method,
        now=now[used],
        weights=shares[used],
        difficulty=_check_difficulty(difficulty, scale.columns)[used],
        lowest=np.where(may_move, np.minimum(better, worse), now)[used],
        highest=np.where(may_move, np.maximum(better, worse), now)[used],
    )

    def put(moved: np.ndarray) -> tuple[np.ndarray, float]:
        changed = now.copy()
        changed[used] = moved
        return changed, float(measure(pd.DataFrame([changed], columns=scale.columns)).iloc[0])

    furthest, best_score = put(reach.find_best())
    there = sign * (score - wanted) >= 0
    reached = bool(there or sign * (best_score - wanted) >= -_SLACK)
    nearest = reach.now if there else reach.find_nearest(wanted) if reached else None
    needed, score_needed = (furthest, best_score) if nearest is None else put(nearest)
    alone = np.full(len(now), np.nan)
    alone[used] = reach.now if there else reach.move_alone(wanted)
    alone[~may_move] = np.nan
    helps = used & (slopes != 0)
    if method == "ampi":
        threshold = float(ampi_threshold(row, weights, penalty, minimum_share).iloc[0])
        helps &= sign * now < sign * threshold
    at_limit = np.isclose(needed, better, rtol=0, atol=_SLACK)
    if may_worsen:
        at_limit |= np.isclose(needed, worse, rtol=0, atol=_SLACK)
    own = table.loc[unit].to_numpy()
    change, alone_change = _divide(needed - now, slopes), _divide(alone - now, slopes)
    columns = {
        "value": own,
        "value_needed": own + change,
        "change": change,
        "change_percent": np.where(own == 0, np.nan, _divide(100 * change, np.abs(own))),
        "normalised": now,
        "normalised_needed": needed,
        "weight": shares,
        "movable": may_move,
        "at_limit": may_move & at_limit,
        "helps": helps,
        "alone_value": own + alone_change,
        "alone_change": alone_change,
    }
    moved = needed[used] - reach.now
    return SmallestChange(
        unit=unit,
        table=pd.DataFrame(columns, index=scale.columns.rename("indicator")),
        score=score,
        score_needed=score_needed,
        target=wanted,
        best_score=best_score,
        reached=reached,
        length=float(np.sqrt(reach.difficulty @ moved**2)),
        rank=int(ranks[unit]),
        rank_needed=1 + int((sign * (others - score_needed) > 0).sum()),
    )


def _choose(table: pd.DataFrame, groups: Given | None, domain: Hashable | None) -> pd.DataFrame:
    if (groups is None) != (domain is None):
        raise InputError("a domain is chosen by groups and domain together", "only one of them was given")
    if groups is None:
        return table
    domains = group_indicators(groups, table.columns)
    if domain not in domains:
        raise unknown_name("domain", domain, map(str, domains))
    return table[domains[domain]]


def _wanted_score(
    others: np.ndarray, score: float, target: float | None, rank: int | None, sign: float
) -> float:
    """Return the score to reach; `others` and `score` come with a sign such that more is better."""
    if (target is None) == (rank is None):
        raise InputError("either a target or a rank is wanted", "both or none were given")
    if target is not None:
        if isinstance(target, bool) or not isinstance(target, Real) or not np.isfinite(target):
            raise InputError("the target must be a finite score", f"{target!r} was given")
        return float(target)
    last = len(others) + 1
    if isinstance(rank, bool) or not isinstance(rank, Integral) or not 1 <= rank <= last:
        raise InputError(
            f"the rank must be a whole number from 1 to {last}, the units scored", f"{rank!r} was given"
        )
    if (others > score).sum() < rank:
        return sign * score
    return sign * (float(np.sort(others)[-int(rank)]) + MARGIN)


def _check_movable(movable: Iterable[Hashable] | None, indicators: pd.Index, now: np.ndarray) -> np.ndarray:
    if movable is None:
        return ~np.isnan(now)
    names = [movable] if isinstance(movable, str) else list(movable)
    for name in names:
        if name not in indicators:
            raise unknown_name("A movable indicator", name, map(str, indicators))
    chosen = indicators.isin(names)
    if (empty := chosen & np.isnan(now)).any():
        raise InputError(
            "the unit must have a value of every movable indicator", f"none of {examples(indicators[empty])}"
        )
    return chosen


def _check_difficulty(difficulty: Given | None, indicators: pd.Index) -> np.ndarray:
    given = pd.to_numeric(
        pd.Series(check_entries({} if difficulty is None else difficulty, "difficulty"), dtype=object),
        errors="coerce",
    )
    _refuse_unknown(given.index, indicators, "difficulty")
    numbers = given.astype(float)
    wrong = ~(np.isfinite(numbers) & (numbers > 0))
    if wrong.any():
        raise InputError(
            "the difficulty of an indicator must be a number above 0",
            f"it is not for {examples(numbers.index[wrong])}",
            "Leave out of movable what cannot change at all",
        )
    return numbers.reindex(indicators).fillna(1.0).to_numpy()


def _refuse_unknown(names: pd.Index, indicators: pd.Index, what: str) -> None:
    for name in names:
        if name not in indicators:
            raise unknown_name(f"An indicator with a {what}", name, map(str, indicators))


def _extremes(
    limits: str | Given,
    table: pd.DataFrame,
    scale: pd.DataFrame,
    unit: Hashable,
    slopes: np.ndarray,
    goalposts: Goalposts | None,
    sign: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best normalised value allowed and the worst among the units."""
    best, worst = (sign * getattr(sign * scale, name)().to_numpy() for name in ("max", "min"))
    if isinstance(limits, str):
        if limits not in LIMITS:
            raise unknown_name("kind of limits", limits, LIMITS)
        if limits == "observed":
            return best, worst
        if goalposts is None:
            raise InputError("limits='goalposts' needs goalposts", "none were given", "Use limits='observed'")
        ends = goalposts.frame.loc[table.columns, ["minimum", "maximum"]].T
        return sign * (sign * normalise_ampi(ends, goalposts)).max().to_numpy(), worst
    given = pd.to_numeric(pd.Series(check_entries(limits, "limits"), dtype=object), errors="coerce").astype(
        float
    )
    _refuse_unknown(given.index, table.columns, "limit")
    if not np.isfinite(given).all():
        raise InputError(
            "limits must be finite numbers", f"others for {examples(given.index[~np.isfinite(given)])}"
        )
    named = given.reindex(table.columns).to_numpy()
    moved = scale.loc[unit].to_numpy() + slopes * (named - table.loc[unit].to_numpy())
    return np.where(np.isnan(named), best, moved), worst


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide, with no change where nothing divides: such an indicator is never moved."""
    return np.divide(numerator, denominator, out=numerator * 0.0, where=denominator != 0)
