"""Values far from those of like municipalities, once chance in small places is allowed for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.indicators.like_places import classify_sizes, find_like
from diagnosis.indicators.measures import Tables
from diagnosis.indicators.municipal import compute
from diagnosis.quality.rules import QualityRules

COLUMNS = ("code", "indicator", "value", "median", "score", "others", "step")
NORMAL_DEVIATION = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def find_outliers(
    values: pd.DataFrame,
    tables: Tables,
    codes: pd.Index,
    intervals: pd.DataFrame | None = None,
    rules: QualityRules | None = None,
) -> tuple[pd.DataFrame, pd.Series]:
    """Find the values of some municipalities that lie far from those of the municipalities like each of them.

    The distance is a robust z-score: difference from the median of the like municipalities
    (:func:`diagnosis.indicators.find_like`: same inner-area class, like size) over their median absolute deviation on
    the same side of the median, made equal to a standard deviation for normal data [1]_. The sides are apart because
    municipal indicators have a long tail on one side [2]_. Where more than half of a side equal the median, as in most
    places without a school, nothing is judged on that side: having what most lack is no outlier.

    **Small numbers.** A rate with an interval of chance counts as far only if the end of the interval nearest to the
    median is far as well. A value without such an interval is judged only in municipalities of enough residents.

    Parameters
    ----------
    values : DataFrame, municipalities x indicators
        Of the whole country; numbers that can be compared between municipalities of a like size.
    tables : mapping of str to DataFrame
        ``municipalities``, ``population`` and ``inner_areas`` (which may be absent).
    codes : Index
        Municipalities to judge.
    intervals : DataFrame, optional
        `code`, `indicator`, `lower`, `upper`, as of :meth:`diagnosis.indicators.RateIntervals.to_table`.
    rules : QualityRules, optional

    Returns
    -------
    DataFrame
        One row a value that is far, the farthest first: `code`, `indicator`, `value`, `median` (of the like ones),
        `score` (in robust standard deviations, with its sign), `others` (values it was compared with), `step`
        (how far the group of like ones was widened).
    Series
        By indicator, how many values were judged.

    Raises
    ------
    diagnosis.errors.InputError
        A code is not in `values`.

    References
    ----------
    .. [1] Iglewicz, B., Hoaglin, D. C. (1993). How to detect and handle outliers. ASQC Quality Press (cited from
       memory).
    .. [2] Hubert, M., Vandervieren, E. (2008). An adjusted boxplot for skewed distributions. Computational Statistics
       and Data Analysis 52(12), 5186-5201, for why one scale for both sides fails (cited from memory).
    """
    rules = rules or QualityRules()
    if len(unknown := codes.difference(values.index)):
        raise InputError("every code must be in values", f"{examples(map(str, unknown))} are not")
    known = compute(tables, only=("residents", "snai_class"))
    residents = known["residents"].reindex(codes)
    numbers = values.astype(float)
    lower, upper = (_arrange(intervals, name, numbers.loc[codes]) for name in ("lower", "upper"))
    kinds = pd.DataFrame(
        {"size": classify_sizes(residents), "snai": known["snai_class"].reindex(codes).fillna("")}
    )[residents.notna()]
    parts, judged = [], pd.Series(0, index=values.columns)
    for _, members in kinds.groupby(["size", "snai"], observed=True).groups.items():
        like = find_like(tables, str(members[0]), minimum=rules.fewest_values)
        others = numbers.loc[like.codes]
        scale = _Scale.of(others)
        own = numbers.loc[members]
        score = scale.measure(own)
        nearest = np.where(own > scale.median, lower.loc[members], upper.loc[members])
        chance = np.abs(scale.measure(pd.DataFrame(nearest, members, own.columns)))
        # beyond the median on the other side: chance alone could have put it where it is
        crossed = np.sign(nearest - scale.median.to_numpy()) != np.sign(score.to_numpy())
        without = np.isnan(nearest)
        large = (residents.loc[members] >= rules.fewest_residents).to_numpy()[:, None]
        enough = (others.notna().sum() >= rules.fewest_values).to_numpy()
        open_to_judgement = np.isfinite(score.to_numpy()) & enough & (~without | large)
        judged = judged + open_to_judgement.sum(axis=0)
        steady = np.where(without, True, (chance.to_numpy() >= rules.far) & ~crossed)
        far = open_to_judgement & (np.abs(score.to_numpy()) >= rules.far) & steady
        rows, columns = np.nonzero(far)
        parts.append(
            pd.DataFrame(
                {
                    "code": members[rows],
                    "indicator": own.columns[columns],
                    "value": own.to_numpy()[rows, columns],
                    "median": scale.median.to_numpy()[columns],
                    "score": score.to_numpy()[rows, columns],
                    "others": others.notna().sum().to_numpy()[columns],
                    "step": like.step,
                }
            )
        )
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    order = found["score"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True), judged


class _Scale:
    """Median of each indicator and its robust deviation above and below."""

    def __init__(self, median: pd.Series, above: pd.Series, below: pd.Series) -> None:
        self.median, self.above, self.below = median, above, below

    @classmethod
    def of(cls, others: pd.DataFrame) -> _Scale:
        median = others.median()
        distance = (others - median).abs()
        above, below = (
            NORMAL_DEVIATION * distance.where(side).median() for side in (others >= median, others <= median)
        )
        return cls(median, above, below)

    def measure(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the robust z-scores; missing where nothing varies on the value's side."""
        scale = np.where(values >= self.median, self.above, self.below)
        difference = values - self.median
        return difference / np.where(scale > 0, scale, np.nan)


def _arrange(intervals: pd.DataFrame | None, bound: str, like: pd.DataFrame) -> pd.DataFrame:
    """Arrange one end of the intervals as a table of municipalities x indicators, missing where there is none."""
    if intervals is None or intervals.empty:
        return pd.DataFrame(np.nan, like.index, like.columns)
    own = intervals[intervals["code"].isin(like.index)]
    wide = own.pivot(index="code", columns="indicator", values=bound)
    return wide.reindex(index=like.index, columns=like.columns).astype(float)
