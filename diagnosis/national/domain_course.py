"""Course of one domain: its scores in the years of a window, their change, and what the change depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.catalogue import Indicator
from diagnosis.frameworks import Scheme
from diagnosis.indicators.wellbeing import COUNTRY
from diagnosis.national.course_windows import CourseRules, Panel, find_former_boundaries, find_provinces
from diagnosis.national.scores import CENTRE, verdict

if TYPE_CHECKING:
    from diagnosis.composite import Normalisation
    from diagnosis.composite.release import AmpiRelease

USUAL_TIMES = 3.0
"""A change is told from the usual movement of a territory if it is more than this many times as large."""
LEAST_CHANGE = 2.0
"""Points below which a change is not told, however steady it is."""
TIED = 1e-9
CHANGE_VERDICTS = {
    "above": "rises",
    "mostly_above": "mostly_rises",
    "below": "falls",
    "mostly_below": "mostly_falls",
    "open": "open",
    "": "",
}
"""Verdicts of :func:`diagnosis.national.scores.verdict` in words of change."""


@dataclass(frozen=True, eq=False)
class DomainCourse:
    """One domain in the years of its window: comparable values, and the release that scores them.

    Parameters
    ----------
    values : DataFrame
        Index `year`, `territory`: every pair of them, years first; a column an indicator, complete or empty
        within a territory.
    years : list of int
    territories : Index
    release : AmpiRelease
        Frozen on the provinces; the country has 100 in the base year, the first one.
    moved : numpy.ndarray of bool
        Shape territories: whether some values are left out because boundaries changed.
    scheme : Scheme
    """

    values: pd.DataFrame
    years: list[int]
    territories: pd.Index
    release: AmpiRelease
    moved: np.ndarray
    scheme: Scheme

    @classmethod
    def of(
        cls,
        panel: Panel,
        window: tuple[int, int],
        items: Sequence[Indicator],
        scheme: Scheme,
        rules: CourseRules,
    ) -> DomainCourse:
        """Keep what can be compared in the window, and freeze the scale on it.

        Parameters
        ----------
        panel : Panel
            Of the indicators `items`, in their order.
        window : tuple of int
            First and last year.
        items : sequence of Indicator
        scheme : Scheme
        rules : CourseRules
        """
        from diagnosis.composite.freezing import freeze, keep_common

        years = list(range(window[0], window[1] + 1))
        moved = find_former_boundaries(panel, *window, rules)
        numbers = np.where(moved, np.nan, panel.between(*window))
        prices = rules.deflators(years)
        if prices is not None:
            numbers[:, :, find_in_euro(items)] *= prices[:, None, None]
        index = pd.MultiIndex.from_product([years, panel.territories], names=["year", "territory"])
        names = [item.id for item in items]
        values = keep_common(pd.DataFrame(numbers.reshape(len(index), len(names)), index, names))
        release = freeze(
            values[np.tile(panel.provinces, len(years))],
            values.loc[(window[0], COUNTRY)],
            {item.id: item.direction for item in items},
            {item.id: item.domain for item in items},
            version=f"{window[0]}-{window[1]}",
            base=window[0],
            weights={item.id: scheme.weights.get(item.id, 1.0) for item in items},
            penalty=scheme.penalty,
            minimum_share=scheme.minimum_share,
            reference_name=COUNTRY,
        )
        return cls(values, years, panel.territories, release, np.any(moved, axis=1), scheme)

    @property
    def provinces(self) -> np.ndarray:
        """Which territories are provinces."""
        return find_provinces(self.territories)

    def score(self) -> pd.DataFrame:
        """Score every year: `year`, `territory`, `score`, `class` (the tenths of the provinces in the base year)."""
        scores = self.release.score(self.values)
        domain = scores.columns[0]
        classes = self.release.classify(scores)[domain].where(np.tile(self.provinces, len(self.years)))
        table = pd.DataFrame({"score": scores[domain], "class": classes}).reset_index()
        return table.assign(year=table["year"].astype(str))

    def split(self) -> np.ndarray:
        """Split the change from the first to the last year by indicator.

        Returns
        -------
        numpy.ndarray
            Shape territories x indicators, points, penalty included; missing where the indicator does not count.
        """
        from diagnosis.composite import explain_index

        ends = self.values.loc[[self.years[0], self.years[-1]]]
        explained = explain_index(
            ends,
            goalposts=self.release.goalposts,
            groups=self.release.groups,
            weights=self.release.weights,
            penalty=self.release.penalty,
            minimum_share=self.release.minimum_share,
        )
        points = explained["contribution"] + explained["penalty"]
        first, last = points.to_numpy().reshape(2, *ends.loc[self.years[0]].shape)
        return np.where(ends.loc[self.years[0]].notna(), last - first, np.nan)

    def recalculate(self) -> np.ndarray:
        """Recalculate the change from the first to the last year under every alternative.

        Returns
        -------
        numpy.ndarray
            Shape alternatives x territories, each on its own scale: only the sign of a change, and of the
            difference of two, is comparable between them. Missing where there is no score.
        """
        from diagnosis.composite.kernels import Failure, Prepared, aggregate

        varied = self.scheme.uncertainty
        setting = np.tile(self.provinces, len(self.years))
        order = np.argsort(~setting, kind="stable")
        back = np.argsort(order)
        numbers = self.values.to_numpy()[order]
        posts = self.release.goalposts.frame
        signs = np.where(posts["direction"] == "positive", 1.0, -1.0)
        weights = np.ones(len(posts)) if self.release.weights is None else self.release.weights.to_numpy()
        matrix = np.repeat(weights[:, None], len(posts) + 1, axis=1)
        matrix[np.arange(len(posts)), np.arange(1, len(posts) + 1)] = 0.0
        if not varied.leave_out or len(posts) < varied.leave_out_from:
            matrix = matrix[:, :1]
        matrix = matrix[:, matrix.any(axis=0)]
        matrix = matrix / matrix.sum(axis=0)
        changes = []
        for how in self._normalisations():
            limits = posts[["minimum", "maximum"]].to_numpy().T if how.goalposts is not None else None
            prepared = Prepared.normalise(numbers, signs, how, limits, int(setting.sum()))
            for rule in varied.aggregations:
                try:
                    scores = aggregate(prepared, matrix, rule, self.scheme.minimum_share, top=True)
                except Failure:  # not defined on this scale: one alternative less, and `alternatives` says so
                    continue
                by_year = scores[back].reshape(len(self.years), len(self.territories), -1)
                changes.append((by_year[-1] - by_year[0]).T)
        return np.concatenate(changes) if changes else np.full((0, len(self.territories)), np.nan)

    def _normalisations(self) -> list[Normalisation]:
        from diagnosis.composite import Normalisation, normalise_ampi

        own = normalise_ampi(self.values[np.tile(self.provinces, len(self.years))], self.release.goalposts)
        ways = {
            "goalposts": Normalisation("goalposts", goalposts=self.release.goalposts),
            "min_max": Normalisation("min_max"),
            # the penalty grows with the spread: as far apart as the values are between the goalposts
            "z_scores": Normalisation("z_scores", scale=(CENTRE, float(own.std(ddof=0).mean()))),
        }
        return [ways[name] for name in self.scheme.uncertainty.normalisations if name in ways]

    def to_tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables of :func:`score_course` but for `members`."""
        course = self.score()
        scores = course["score"].to_numpy().reshape(len(self.years), -1)
        split = self.split()
        posts = self.release.goalposts.frame[["minimum", "reference", "maximum", "direction"]]
        changes = {
            "territory": self.territories,
            "first": str(self.years[0]),
            "last": str(self.years[-1]),
            **self._measure(scores),
            **self._name_movers(split, scores[-1] - scores[0]),
        }
        ends = [self.values.loc[year].to_numpy().ravel() for year in (self.years[0], self.years[-1])]
        pairs = pd.MultiIndex.from_product([self.territories, self.values.columns])
        parts = pd.DataFrame(
            {
                "territory": pairs.get_level_values(0),
                "indicator": pairs.get_level_values(1),
                "value_first": ends[0],
                "value_last": ends[1],
                "part": split.ravel(),
            }
        )
        return {
            "course": course,
            "changes": pd.DataFrame(changes),
            "parts": parts,
            "goalposts": posts.reset_index(),
        }

    def _measure(self, scores: np.ndarray) -> dict[str, Any]:
        """Measure the change of the scores, shape years x territories, alone and against the country."""
        country = self.territories.get_loc(COUNTRY)
        relative = scores - scores[:, [country]]
        relative[:, country] = np.nan  # the country beside itself
        others = self.recalculate()
        against = others - others[:, [country]]
        against[:, country] = np.nan
        change, relative_change = scores[-1] - scores[0], relative[-1] - relative[0]
        usual, relative_usual = _usual_movement(scores), _usual_movement(relative)
        rises, gains = _share_rising(others), _share_rising(against)
        return {
            "score_first": scores[0],
            "score_last": scores[-1],
            "change": change,
            "country_change": change[country],
            "relative_change": relative_change,
            "usual": usual,
            "clear": _is_clear(change, usual),
            "relative_clear": _is_clear(relative_change, relative_usual),
            "rises": rises,
            "verdict": [CHANGE_VERDICTS[verdict(share)] for share in rises],
            "gains": gains,
            "relative_verdict": [CHANGE_VERDICTS[verdict(share)] for share in gains],
            "alternatives": np.isfinite(others).sum(axis=0),
        }

    def _name_movers(self, split: np.ndarray, change: np.ndarray) -> dict[str, Any]:
        """Name the indicators that did most for and against the change of each territory."""
        names = self.values.columns.to_numpy(dtype=object)
        sign = np.sign(np.nan_to_num(change))
        along = np.where(np.isnan(split), 0.0, split * sign[:, None])
        rows = np.arange(len(change))
        most, least = along.argmax(axis=1), along.argmin(axis=1)
        moves, brakes = along[rows, most] > 0, along[rows, least] < 0
        scored = np.isfinite(change)
        return {
            "mover": np.where(moves, names[most], ""),
            "mover_part": np.where(moves, split[rows, most], np.nan),
            "brake": np.where(brakes, names[least], ""),
            "brake_part": np.where(brakes, split[rows, least], np.nan),
            "indicators": np.where(scored, self.values.loc[self.years[0]].notna().sum(axis=1), 0),
            "missing": np.where(scored, "", np.where(self.moved, "boundaries", "incomplete")),
        }


def find_in_euro(items: Sequence[Indicator]) -> np.ndarray:
    """Say which indicators are amounts of money, which prices move."""
    return np.array([item.unit["en"].startswith("euro") for item in items], dtype=bool)


def _usual_movement(scores: np.ndarray) -> np.ndarray:
    """Estimate the standard deviation of a difference of two years from second differences, which no trend moves.

    The second difference of independent values of variance v has the variance 6 v, their difference 2 v.
    """
    return np.sqrt((np.diff(scores, n=2, axis=0) ** 2).mean(axis=0) / 3)


def _is_clear(change: np.ndarray, usual: np.ndarray) -> np.ndarray:
    return (np.abs(change) > USUAL_TIMES * usual) & (np.abs(change) >= LEAST_CHANGE)


def _share_rising(changes: np.ndarray) -> np.ndarray:
    """Share of the alternatives, shape alternatives x territories, with a change above 0; ties count half."""
    known = np.isfinite(changes)
    level = np.abs(changes) <= TIED
    rising = ((changes > 0) & ~level).sum(axis=0) + level.sum(axis=0) / 2
    count = known.sum(axis=0)
    return np.divide(rising, count, out=np.full(count.shape, np.nan), where=count > 0)
