"""Benefit of the doubt in a direction: towards a wanted mix, each unit's own, or more good and less bad.

References are cited from memory, but for the abstract of Zanella et al. (2015), which was read. What the papers leave
open follows the results of Compind 3.4: the ratio of sums as the multidirectional score, and restrictions on shares
taken at the mean unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from diagnosis.composite.checks import read_numbers
from diagnosis.composite.envelopment import FEASIBLE, SharedProgram, align_scores, prepare_values
from diagnosis.composite.shares import MINIMUM_SHARE
from diagnosis.errors import InputError, examples


def _distance(program: SharedProgram, x: np.ndarray, direction: np.ndarray) -> float:
    """Largest step along the direction that stays below a weighted mean of the units (weights and level as x)."""
    bounds = [(0.0, None)] * x.size + [(None, None)]
    optimum = program.maximise(
        np.r_[x, -1.0], np.r_[x, -1.0][None], np.zeros(1), np.r_[direction, 0.0], bounds
    )
    return max(0.0, optimum[-1] - optimum[:-1] @ x)


def _frontier(numbers: np.ndarray) -> SharedProgram:
    return SharedProgram(np.column_stack([numbers, -np.ones(len(numbers))]), 0.0)


def directional_benefit(
    values: pd.DataFrame, direction: pd.Series | Mapping, *, minimum_share: float = MINIMUM_SHARE
) -> pd.Series:
    """Score each unit by how far it could go in a given direction before it meets the frontier of the units.

    ``1 / (1 + b)``, b the largest step with ``x + b g`` not above some weighted mean of units [1]_. The direction
    says which mix of improvements is wanted, and so limits how freely weights are chosen.

    Parameters
    ----------
    values : pandas.DataFrame
        As in :func:`benefit_of_the_doubt`.
    direction : pandas.Series or mapping
        Step in each indicator, in its unit, zero or more.
    minimum_share : float, default 0.75
        As in :func:`benefit_of_the_doubt`.

    Returns
    -------
    pandas.Series
        ``score`` by unit, 1 on the frontier.

    References
    ----------
    .. [1] Fusco, E. (2015). Enhancing non-compensatory composite indicators: a directional proposal. European
       Journal of Operational Research 242, 620-630. doi:10.1016/j.ejor.2014.10.017
    """
    table, scored, numbers, scale = prepare_values(values, minimum_share)
    step = read_numbers(direction, table.columns, "direction").to_numpy()
    if not (np.isfinite(step).all() and (step >= 0).all() and step.any()):
        raise InputError(
            "the direction needs a number of zero or more for every indicator, and one above zero",
            f"found {examples(step)}",
        )
    program = _frontier(numbers)
    found = np.array([_distance(program, x, step / scale) for x in numbers])
    return align_scores(1 / (1 + found), scored, table)


def multidirectional_benefit(values: pd.DataFrame, *, minimum_share: float = MINIMUM_SHARE) -> pd.Series:
    """Score each unit in the direction of its own possible improvements, indicator by indicator.

    The direction of a unit is how far each indicator could rise with the others as they are; the score is the
    sum of its values over the sum of those it would reach along that direction [1]_. The sum depends on the
    scales, so all indicators need the same one. One program an indicator and unit, and one more.

    Parameters
    ----------
    values, minimum_share
        As in :func:`benefit_of_the_doubt`.

    Returns
    -------
    pandas.Series
        ``score`` by unit, 1 on the frontier.

    References
    ----------
    .. [1] Bogetoft, P., Hougaard, J. L. (1999). Efficiency evaluations based on potential (non-proportional)
       improvements. Journal of Productivity Analysis 12, 233-247. doi:10.1023/A:1007848222681; Asmild, M.,
       Hougaard, J. L., Kronborg, D., Kvist, H. K. (2003). Journal of Productivity Analysis 20, 103-118.
    """
    table, scored, numbers, scale = prepare_values(values, minimum_share)
    program = _frontier(numbers)
    found = np.ones(len(numbers))
    for unit, x in enumerate(numbers):
        room = np.array([_distance(program, x, row) for row in np.eye(x.size)])
        if room.max() > 10 * FEASIBLE:
            gain = _distance(program, x, room) * room
            found[unit] = (x * scale).sum() / ((x + gain) * scale).sum()
    return align_scores(found, scored, table)


def benefit_with_bad_outputs(
    good: pd.DataFrame,
    bad: pd.DataFrame,
    *,
    lower: float = 0.0,
    order: Sequence[tuple[str, str]] = (),
) -> pd.Series:
    """Score units on good indicators to be raised and bad ones to be lowered, without turning the bad round.

    ``1 / (1 + b)``, b the smallest ``p z - u x`` over ``u, p >= 0`` with ``u x + p z = 1`` and ``u x_j <= p z_j``
    for all units j: the share by which good and bad can improve together [1]_. Restrictions hold for the shares
    at the mean unit, the same for all.

    Parameters
    ----------
    good, bad : pandas.DataFrame
        Units x indicators on one index, zero or more, in their own units.
    lower : float, default 0
        Smallest share of an indicator, good or bad, at the mean unit.
    order : sequence of pairs, optional
        ``(more, less)``: the share of the first indicator is not below that of the second.

    Returns
    -------
    pandas.Series
        ``score`` by unit, 1 for the best; missing where an indicator is, as a missing harm must not count as
        none, and where all are 0.

    References
    ----------
    .. [1] Zanella, A., Camanho, A. S., Dias, T. G. (2015). Undesirable outputs and weighting schemes in composite
       indicators based on data envelopment analysis. European Journal of Operational Research 245, 517-530.
       doi:10.1016/j.ejor.2015.03.036
    """
    if not good.index.equals(bad.index):
        raise InputError(
            "good and bad indicators must be of the same units in the same order", "they are not"
        )
    both = pd.concat([good, bad], axis=1)
    table, scored, numbers, _ = prepare_values(both, 1.0)
    if not 0 <= lower <= 1 / table.shape[1]:
        raise InputError(f"lower must lie between 0 and 1/{table.shape[1]}", f"{lower!r} was given")
    unknown = [name for pair in order for name in pair if name not in table.columns]
    if unknown:
        raise InputError("order must name good or bad indicators", f"unknown: {examples(unknown)}")
    sign = np.r_[np.ones(good.shape[1]), -np.ones(bad.shape[1])]
    mean = numbers.mean(axis=0)
    rows = [np.zeros((0, mean.size))]
    if lower > 0:
        rows.append(lower * mean[None] - np.diag(mean))
    for more, less in order:
        at = table.columns.get_indexer([more, less])
        row = np.zeros(mean.size)
        row[at] = -mean[at[0]], mean[at[1]]
        rows.append(row[None])
    restrictions = np.vstack(rows)
    program = SharedProgram(numbers * sign, 0.0)
    found = np.full(len(numbers), np.nan)
    for unit, x in enumerate(numbers):
        if not x.any():
            continue
        own = np.vstack([(x * sign)[None], restrictions])
        optimum = program.maximise(x * sign, own, np.zeros(len(own)), x)
        found[unit] = max(0.0, -(optimum @ (x * sign)))
    return align_scores(1 / (1 + found), scored, table)
