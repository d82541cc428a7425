"""Windows of years over which the indicators of a domain can be compared, and what keeps the others out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.indicators.breaks import BREAKS, CUT_FROM, PROVISIONAL
from diagnosis.indicators.wellbeing import COUNTRY, MINIMUM_COVERAGE, PROVINCE

FIXED_THRESHOLDS = ("04BEC006P",)
"""Shares below a limit in euro that does not follow prices (500 euro a month for pensions: cited from memory)."""

INFLATION = {
    2005: 1.9,
    2006: 2.1,
    2007: 1.8,
    2008: 3.3,
    2009: 0.8,
    2010: 1.5,
    2011: 2.8,
    2012: 3.0,
    2013: 1.2,
    2014: 0.2,
    2015: 0.1,
    2016: -0.1,
    2017: 1.2,
    2018: 1.2,
    2019: 0.6,
    2020: -0.2,
    2021: 1.9,
    2022: 8.1,
    2023: 5.7,
    2024: 1.0,
}
"""Yearly mean change of consumer prices in Italy, per cent: ISTAT, index for the whole nation (NIC), with tobacco; the
years 2008 to 2010, 2012, 2016 to 2020 and 2024 are cited from memory."""

REASONS = (
    "no_values",
    "fixed_threshold",
    "no_country_value",
    "too_few_years",
    "ends_early",
    "starts_late",
    "gap",
    "too_few_provinces",
    "break",
    "provisional",
    "no_prices",
    "constant",
    "no_window",
)
"""Why an indicator does not enter a course, in the order in which the reasons are looked for."""

TINY = 1e-9


@dataclass(frozen=True)
class CourseRules:
    """What makes the years of an indicator, and the indicators of a domain, comparable.

    Parameters
    ----------
    earliest : int, optional
        First year of any window. 2017 is the first with the provinces of today; earlier windows cost the provinces of
        Sardinia most of their courses. None: no such year.
    fewest_years : int
        Years of a window, at least.
    latest_end : int
        Years a window may end before the last year of the table.
    coverage : float
        Part of the provinces that ever have a value which must have one in every year of the window.
    least_share, fewest_indicators
        Part and number of the scored indicators of the domain that must enter, at least. One indicator alone is no
        score of a domain.
    breaks : mapping of str to int
        First year of another definition, by indicator; no window holds it and an earlier year.
    provisional : mapping of str to int
        First provisional year, by indicator; no window holds it and an earlier year.
    fixed_thresholds : sequence of str
        Indicators that never enter: prices move them.
    cut_from : mapping of str to sequence of str
        See :data:`diagnosis.indicators.breaks.CUT_FROM`.
    inflation : mapping of int to float
        Change of prices over the year before, per cent; what is in euro enters at the prices of the base year, and
        not at all where a year lacks.
    """

    earliest: int | None = 2017
    fewest_years: int = 5
    latest_end: int = 2
    coverage: float = MINIMUM_COVERAGE
    least_share: float = 0.5
    fewest_indicators: int = 2
    breaks: Mapping[str, int] = field(default_factory=lambda: dict(BREAKS))
    provisional: Mapping[str, int] = field(default_factory=lambda: dict(PROVISIONAL))
    fixed_thresholds: Sequence[str] = FIXED_THRESHOLDS
    cut_from: Mapping[str, Sequence[str]] = field(default_factory=lambda: dict(CUT_FROM))
    inflation: Mapping[int, float] = field(default_factory=lambda: dict(INFLATION))

    def __post_init__(self) -> None:
        for name, least in (("fewest_years", 2), ("latest_end", 0), ("fewest_indicators", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} must be {least} or more", f"it is {getattr(self, name)!r}")
        for name in ("coverage", "least_share"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"{name} must be above 0 and at most 1", f"it is {getattr(self, name)!r}")

    def deflators(self, years: Sequence[int]) -> np.ndarray | None:
        """Return what turns euro of each year into euro of the first one; None where a change of prices lacks."""
        changes = [self.inflation.get(year) for year in years[1:]]
        known = [change for change in changes if change is not None]
        if len(known) < len(changes):
            return None
        return 1 / np.cumprod([1.0, *(1 + change / 100 for change in known)])


@dataclass(frozen=True, eq=False)
class Panel:
    """Values of some indicators in every territory and year.

    Parameters
    ----------
    numbers : numpy.ndarray
        Shape years x territories x indicators; missing where there is no value.
    years : tuple of int
        Without gaps, ascending.
    territories, indicators : pandas.Index
    """

    numbers: np.ndarray
    years: tuple[int, ...]
    territories: pd.Index
    indicators: pd.Index

    @classmethod
    def of(cls, series: pd.DataFrame, indicators: Iterable[str]) -> Panel:
        """Arrange a long table.

        Parameters
        ----------
        series : DataFrame
            `territory`, `indicator`, `year`, `value`, as in :data:`diagnosis.tables.WELLBEING`.
        indicators : iterable of str
            Those wanted, also if the table has no value of them.

        Raises
        ------
        diagnosis.errors.InputError
            A column lacks, a year is not four digits, a value stands twice, or the country is not there.
        """
        absent = [name for name in ("territory", "indicator", "year", "value") if name not in series]
        if absent:
            raise InputError(
                "series needs territory, indicator, year and value", f"missing: {examples(absent)}"
            )
        labels = pd.Index(series["year"].astype(str).unique())
        wrong = labels[~labels.str.fullmatch(r"\d{4}")]
        if len(wrong):
            raise InputError("every year must be one of four digits", f"found {examples(wrong)}")
        territories = pd.Index(series["territory"].unique()).sort_values()
        if COUNTRY not in territories:
            raise InputError(f"the country ({COUNTRY}) must be among the territories", "it is not")
        names = pd.Index(list(indicators), dtype=object)
        numeric = labels.astype(int)
        years = tuple(range(numeric.min(), numeric.max() + 1))
        column = names.get_indexer(series["indicator"].astype(object))
        wanted = column >= 0
        kept = series[wanted]
        places = (
            numeric.to_numpy()[labels.get_indexer(kept["year"].astype(str))] - years[0],
            territories.get_indexer(kept["territory"]),
            column[wanted],
        )
        shape = (len(years), len(territories), len(names))
        cells = np.ravel_multi_index(places, shape)
        if len(np.unique(cells)) < len(cells):
            repeated = kept[pd.Index(cells).duplicated()][["territory", "indicator", "year"]]
            raise InputError(
                "a territory has one value of an indicator a year",
                f"several for {examples(map(tuple, repeated.to_numpy().tolist()))}",
            )
        numbers = np.full(shape, np.nan)
        numbers[places] = kept["value"].to_numpy(dtype=float)
        return cls(numbers, years, territories, names)

    def select(self, indicators: Sequence[str]) -> Panel:
        """Return the panel of some of its indicators."""
        places = self.indicators.get_indexer(indicators)
        return Panel(self.numbers[:, :, places], self.years, self.territories, self.indicators[places])

    @property
    def provinces(self) -> np.ndarray:
        """Which territories are provinces."""
        return find_provinces(self.territories)

    def between(self, first: int, last: int) -> np.ndarray:
        """Return the numbers of the years from first to last."""
        return self.numbers[first - self.years[0] : last - self.years[0] + 1]


def find_provinces(territories: pd.Index) -> np.ndarray:
    """Say which territories are provinces."""
    return np.asarray(territories.str.fullmatch(PROVINCE), dtype=bool)


def find_former_boundaries(panel: Panel, first: int, last: int, rules: CourseRules) -> np.ndarray:
    """Say whose boundaries changed between two years, indicator by indicator.

    Returns
    -------
    numpy.ndarray of bool
        Shape territories x indicators: a new province that lacks some of the years (not all: then the
        indicator keeps to the former boundaries throughout), and those it was cut from.
    """
    known = np.isfinite(panel.between(first, last))
    moved = np.zeros(known.shape[1:], dtype=bool)
    for new, former in rules.cut_from.items():
        if new not in panel.territories:
            continue
        place = panel.territories.get_loc(new)
        changed = known[:, place].any(axis=0) & ~known[:, place].all(axis=0)
        moved[panel.territories.isin([new, *former])] |= changed
    return moved


def choose_window(
    panel: Panel, rules: CourseRules, in_euro: Iterable[str] = ()
) -> tuple[tuple[int, int] | None, pd.DataFrame]:
    """Choose the years in which the indicators of one domain can be compared.

    Of all windows of consecutive years that the rules allow, the one with the most indicators times years; of equals
    the one with more indicators, then the later one. An indicator enters a window if in every year of it the
    country has a value and so have, always the same, nine of ten of the provinces that ever have one. Gaps are
    never filled.

    Parameters
    ----------
    panel : Panel
        The scored indicators of the domain.
    rules : CourseRules
    in_euro : iterable of str
        Indicators at current prices.

    Returns
    -------
    tuple
        First and last year of the window, None if there is none; and a table indexed by indicator:
        `entered`; `reason` (one of :data:`REASONS`, empty where it entered); `first`, `last` (of the window);
        `series_first`, `series_last` (first and last year in which country and enough provinces have values).
    """
    provinces = panel.numbers[:, panel.provinces]
    country = np.isfinite(panel.numbers[:, panel.territories.get_loc(COUNTRY)])
    known = np.isfinite(provinces)
    ever = known.any(axis=0).sum(axis=0)
    wide = (known.sum(axis=1) >= rules.coverage * ever - TINY) & (ever > 0)
    good = wide & country
    names = panel.indicators
    start, end = panel.years[0], panel.years[-1]

    def find_reason(column: int, first: int, last: int) -> str:
        name, years = names[column], slice(first - start, last - start + 1)
        inside = good[years, column]
        own = np.flatnonzero(good[:, column]) + start
        values = provinces[years, :, column]
        steady = np.isfinite(values).all(axis=0)
        tests = {
            "no_values": lambda: ever[column] == 0,
            "fixed_threshold": lambda: name in rules.fixed_thresholds,
            "no_country_value": lambda: wide[years, column].all() and not country[years, column].all(),
            "too_few_years": lambda: _longest_run(good[:, column]) < rules.fewest_years,
            "ends_early": lambda: own[-1] < last,
            "starts_late": lambda: own[0] > first,
            "gap": lambda: not known[years, :, column].any(axis=1).all() or not country[years, column].all(),
            "too_few_provinces": lambda: (
                not inside.all() or steady.sum() < rules.coverage * ever[column] - TINY
            ),
            "break": lambda: first < rules.breaks.get(name, first) <= last,
            "provisional": lambda: first < rules.provisional.get(name, first) <= last,
            "no_prices": lambda: name in prices and rules.deflators(range(first, last + 1)) is None,
            "constant": lambda: np.ptp(values[:, steady]) <= TINY * np.abs(values[:, steady]).max(),
        }
        return next((reason for reason, holds in tests.items() if holds()), "")

    prices = set(in_euro)
    needed = max(rules.fewest_indicators, math.ceil(rules.least_share * len(names) - TINY))
    best: tuple[tuple[int, int, int], tuple[int, int], list[str]] | None = None
    earliest = start if rules.earliest is None else max(start, rules.earliest)
    for last in range(end - rules.latest_end, end + 1):
        for first in range(earliest, last - rules.fewest_years + 2):
            reasons = [find_reason(column, first, last) for column in range(len(names))]
            entered = reasons.count("")
            merit = (entered * (last - first + 1) if entered >= needed else 0, entered, last)
            if best is None or merit > best[0]:
                best = merit, (first, last), reasons
    window = best[1] if best is not None and best[0][0] > 0 else None
    reasons = best[2] if best is not None else ["too_few_years"] * len(names)
    if window is None:
        reasons = [reason or "no_window" for reason in reasons]
    own = [np.flatnonzero(good[:, column]) + start for column in range(len(names))]
    members = pd.DataFrame(
        {
            "entered": [not reason for reason in reasons],
            "reason": reasons,
            "first": None if window is None else str(window[0]),
            "last": None if window is None else str(window[1]),
            "series_first": [str(years[0]) if len(years) else None for years in own],
            "series_last": [str(years[-1]) if len(years) else None for years in own],
        },
        index=names.rename("indicator"),
    )
    return window, members


def _longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of true values."""
    edges = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return int(lengths.max(initial=0))
