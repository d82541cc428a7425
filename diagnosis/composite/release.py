"""Release of an index: goalposts, domains and classes frozen, so that later years are scored on the same scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.composite.ampi import PENALTIES
from diagnosis.composite.checks import check_entries, check_values
from diagnosis.composite.index import composite_index
from diagnosis.composite.normalise import AMPI_RANGE, CENTRE, Goalposts, normalise_ampi
from diagnosis.composite.shares import MINIMUM_SHARE, check_weights
from diagnosis.errors import InputError, examples, unknown_name

FORMAT = 1
"""Layout of :meth:`AmpiRelease.to_dict`; raised when a reader of the former one would misread it."""

CLASSES = 10
LOWEST, HIGHEST = CENTRE - AMPI_RANGE / 2, CENTRE + AMPI_RANGE / 2
TOLERANCE = 1e-9
"""In points of the AMPI: far above rounding, far below any meaning."""

FIELDS = (
    "version",
    "reference_name",
    "base",
    "penalty",
    "minimum_share",
    "indicators",
    "classes",
    "left_out",
)
POSTS = ("minimum", "reference", "maximum", "direction")
RANGE = ("lowest", "highest")
INDICATOR_FIELDS = ("indicator", "domain", *POSTS, *RANGE, "weight", "vintage")


def split_index(table: pd.DataFrame, time: str) -> tuple[pd.Index, pd.Index | None]:
    """Return the unit and the time of every row; None for the times of a table of one time."""
    if not table.index.is_unique:
        repeated = table.index[table.index.duplicated()].unique()
        raise InputError("every unit must have one row, or one a year", f"repeated: {examples(repeated)}")
    if table.index.nlevels == 1:
        return table.index, None
    if time not in table.index.names:
        raise InputError(
            f"a panel needs the index level {time!r}",
            f"the levels are {examples(table.index.names)}",
            "Name the level that holds the years",
        )
    return table.index.droplevel(time), table.index.get_level_values(time)


def check_year(year: Any, name: str) -> int | str:
    """Return a year as a plain whole number or text, which a file can hold without loss."""
    if isinstance(year, int | np.integer) and not isinstance(year, bool):
        return int(year)
    if isinstance(year, str) and year:
        return str(year)
    raise InputError(f"{name} must be a whole number or text", f"{year!r} was given")


def _check_texts(texts: Iterable, name: str) -> None:
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"{name} must be text and not empty", f"{text!r} was given")


def _by_indicator(given: Mapping | pd.Series, indicators: pd.Index, name: str) -> pd.Series:
    """Return what is said of each indicator in order; entries for other indicators are ignored."""
    entries = check_entries(given, f"what gives each indicator a {name}")
    known = pd.Series([entries.get(indicator) for indicator in indicators], index=indicators, dtype=object)
    if known.isna().any():
        absent = examples(indicators[known.isna()])
        raise InputError(f"every indicator of a release needs a {name}", f"none for {absent}")
    return known.rename(name)


def _check_classes(classes: pd.DataFrame, domains: Sequence[str]) -> pd.DataFrame:
    if not classes.index.is_unique or not set(domains) <= set(classes.index):
        raise InputError("classes need one row a domain", f"the rows are {examples(classes.index)}")
    limits = check_values(classes.loc[list(domains)], "classes")
    if limits.shape[1] != CLASSES - 1:
        raise InputError(f"classes need {CLASSES - 1} inner limits", f"{limits.shape[1]} were given")
    missing = limits.isna()
    wrong = (missing.any(axis=1) & ~missing.all(axis=1)) | (limits.diff(axis=1) < 0).any(axis=1)
    if wrong.any():
        raise InputError(
            "the limits of the classes must ascend, or all be missing",
            f"they do not for {examples(wrong.index[wrong])}",
        )
    return limits.set_axis(pd.RangeIndex(1, CLASSES, name="limit"), axis=1).rename_axis("domain")


def _take(content: Any, names: Sequence[str], what: str) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise InputError(f"{what} must be a mapping", f"{type(content).__name__} was given")
    absent = [name for name in names if name not in content]
    if absent:
        raise InputError(f"{what} needs the fields {', '.join(names)}", f"missing: {examples(absent)}")
    return {name: content[name] for name in names}


def _take_all(content: Any, names: Sequence[str], what: str) -> list[dict[str, Any]]:
    if not isinstance(content, list) or not content:
        raise InputError(f"a release needs a list, one entry for each {what}", "there is none")
    return [_take(entry, names, f"each {what} of a release") for entry in content]


@dataclass(frozen=True, eq=False)
class AmpiRelease:
    """One release of an adjusted Mazziotta-Pareto index: all that is needed to score later data on its scale.

    :func:`~diagnosis.composite.freezing.freeze` makes it. The reference scores exactly 100 in the base year [1]_.

    Parameters
    ----------
    version : str
        Name of the release, for instance ``"2026"``.
    goalposts : Goalposts
        Of every indicator, in its unit; indicators have text names.
    groups : pandas.Series or mapping
        Domain of each indicator, text.
    classes : pandas.DataFrame
        Index domain, nine columns: the upper limits of the decile classes 1 to 9, ascending, cut on the units of the
        base year. Equal limits leave a class empty; a row all missing gives no classes.
    observed : pandas.DataFrame
        Index indicator; ``lowest`` and ``highest`` value of any unit when the goalposts were frozen.
    weights : pandas.Series or mapping, optional
        By indicator, rescaled to sum 1 within each domain. Equal by default.
    penalty, minimum_share
        As in :func:`~diagnosis.composite.ampi`, within each domain.
    reference_name : str, default 'reference'
        Name of the reference area, for instance ``"Italia"``.
    base : int or str, optional
        Base year.
    vintages : pandas.Series or mapping, optional
        By indicator, the year its values refer to.
    left_out : pandas.Series or mapping, optional
        Indicators that could not enter, with the reason.

    Raises
    ------
    diagnosis.errors.InputError
        Names that are not text; an indicator without domain, weight or vintage; limits that do not ascend.

    References
    ----------
    .. [1] Mazziotta, M., Pareto, A. (2016). On a generalized non-compensatory composite index for measuring
       socio-economic phenomena. Social Indicators Research 127, 983-1003. doi:10.1007/s11205-015-0998-2 (cited
       from memory)
    """

    version: str
    goalposts: Goalposts
    groups: pd.Series
    classes: pd.DataFrame
    observed: pd.DataFrame
    weights: pd.Series | None = None
    penalty: str = "-"
    minimum_share: float = MINIMUM_SHARE
    reference_name: str = "reference"
    base: int | str | None = None
    vintages: pd.Series | None = None
    left_out: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))

    def __post_init__(self) -> None:
        _check_texts([self.version], "the version of a release")
        _check_texts([self.reference_name], "the name of the reference")
        if self.penalty not in PENALTIES:
            raise unknown_name("penalty", self.penalty, PENALTIES)
        if not 0 < self.minimum_share <= 1:
            raise InputError("minimum_share must be above 0 and at most 1", f"it is {self.minimum_share!r}")
        indicators = self.goalposts.frame.index.rename("indicator")
        groups = _by_indicator(self.groups, indicators, "domain")
        reasons = check_entries(self.left_out, "left_out")
        left_out = pd.Series(reasons, dtype=object, name="reason").rename_axis("indicator")
        _check_texts([*indicators, *left_out.index], "the name of an indicator")
        _check_texts(groups, "the name of a domain")
        _check_texts(left_out, "the reason to leave an indicator out")
        observed = check_values(self.observed.reindex(index=indicators, columns=list(RANGE)), "observed")
        unknown = indicators[~(observed["lowest"] <= observed["highest"])]
        if len(unknown):
            raise InputError("lowest and highest must be numbers in order", f"not for {examples(unknown)}")
        checked: dict[str, Any] = {
            "goalposts": Goalposts(self.goalposts.frame.set_axis(indicators)),
            "groups": groups,
            "classes": _check_classes(self.classes, list(groups.unique())),
            "observed": observed,
            "left_out": left_out,
        }
        if self.base is not None:
            checked["base"] = check_year(self.base, "the base year")
        if self.vintages is not None:
            given = _by_indicator(self.vintages, indicators, "vintage")
            checked["vintages"] = given.map(lambda year: check_year(year, "a vintage")).astype(object)
        if self.weights is not None:
            for _, members in groups.groupby(groups):
                check_weights(self.weights, members.index)
            checked["weights"] = _by_indicator(self.weights, indicators, "weight").astype(float)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def domains(self) -> dict[str, list[str]]:
        """Indicators of each domain, both in the order of the release."""
        return {domain: list(self.groups.index[self.groups == domain]) for domain in self.groups.unique()}

    def select(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the columns of the release's indicators as numbers, in its order; others are left out."""
        absent = [indicator for indicator in self.groups.index if indicator not in values.columns]
        if absent:
            rule = f"every indicator of release {self.version} needs a column"
            raise InputError(
                rule, f"none for {examples(absent)}", "Add it, with missing values where unknown"
            )
        return check_values(values[list(self.groups.index)])

    def score(self, values: pd.DataFrame) -> pd.DataFrame:
        """Score units on the frozen scale; the reference's own row of the base year scores exactly 100.

        Parameters
        ----------
        values : pandas.DataFrame
            Rows units, units by years, or the reference itself; a column for each indicator, in its unit.

        Returns
        -------
        pandas.DataFrame
            Index of `values`; one column a domain, as :func:`~diagnosis.composite.composite_index`.

        Raises
        ------
        diagnosis.errors.InputError
            An indicator without column, or with values that are not numbers.
        """
        return composite_index(
            self.select(values),
            goalposts=self.goalposts,
            groups=self.groups,
            weights=self.weights,
            penalty=self.penalty,
            minimum_share=self.minimum_share,
        )

    def classify(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Put scores into the decile classes of the base year: 1 the lowest scores, 10 the highest.

        Class k holds the scores above limit k - 1 and up to limit k, so that a score *on* a limit (within 1e-9) is
        in the lower class and equal scores are in one class. In later years classes need not hold a tenth each.

        Parameters
        ----------
        scores : pandas.DataFrame
            From :meth:`score`; columns are domains, not necessarily all.

        Returns
        -------
        pandas.DataFrame
            As `scores`, of type ``Int64``; missing where the score is, or where a domain has no limits.
        """
        table = check_values(scores, "scores")
        classes = {}
        for domain in table:
            if domain not in self.classes.index:
                raise unknown_name("domain", domain, self.classes.index)
            limits, numbers = self.classes.loc[domain].to_numpy(), table[domain].to_numpy()
            places = np.searchsorted(limits + TOLERANCE, numbers, side="left") + 1
            unknown = np.isnan(numbers) | np.isnan(limits[0])
            classes[domain] = pd.arrays.IntegerArray(places.astype("int64"), unknown)
        return pd.DataFrame(classes, index=table.index)

    def coverage(self, values: pd.DataFrame, *, time: str = "year") -> pd.DataFrame:
        """Share of the units with a score, so that a change of who is scored is not read as one of the scores.

        Parameters
        ----------
        values : pandas.DataFrame
            As in :meth:`score`; every unit once, or once a year.
        time : str, default 'year'
            Index level of the years.

        Returns
        -------
        pandas.DataFrame
            Index domain; one column a year, ascending, or ``share``. Of all units of the table, whatever
            their years. See :func:`keep_common`.
        """
        units, years = split_index(values, time)
        scored = self.score(values).notna()
        if years is None:
            return scored.mean().to_frame("share").rename_axis("domain")
        return (scored.groupby(years).sum() / units.nunique()).T.rename_axis("domain")

    def outside(self, values: pd.DataFrame, *, time: str = "year") -> pd.DataFrame:
        """Count values that leave the frozen goalposts: many are a sign that a re-base is due.

        Parameters
        ----------
        values : pandas.DataFrame
            As in :meth:`coverage`.
        time : str, default 'year'
            Index level of the years.

        Returns
        -------
        pandas.DataFrame
            Index indicator; ``available`` values, values that score ``below`` 70 and ``above`` 130, ``units`` with one
            of these in any year, and ``units_beyond`` with a value lower or higher than any at freezing.
            Where the reference is not half-way between these, units leave 70 to 130 from the start: only
            ``units_beyond`` is then news.
        """
        units, _ = split_index(values, time)
        table = self.select(values)
        normalised = normalise_ampi(table, self.goalposts)
        below, above = normalised < LOWEST - TOLERANCE, normalised > HIGHEST + TOLERANCE
        beyond = (table < self.observed["lowest"]) | (table > self.observed["highest"])
        rows = pd.factorize(units, use_na_sentinel=False)[0]
        return pd.DataFrame(
            {
                "available": table.notna().sum(),
                "below": below.sum(),
                "above": above.sum(),
                "units": (below | above).groupby(rows).any().sum(),
                "units_beyond": beyond.groupby(rows).any().sum(),
            }
        ).rename_axis("indicator")

    def to_dict(self) -> dict[str, Any]:
        """Return texts, numbers, lists and mappings that JSON holds without loss; see :meth:`from_dict`."""
        table = self.goalposts.frame[list(POSTS)].join(self.observed).assign(domain=self.groups)
        table["weight"] = None if self.weights is None else self.weights
        table["vintage"] = None if self.vintages is None else self.vintages
        records = table.astype(object).reset_index()[list(INDICATOR_FIELDS)].to_dict("records")
        limits = self.classes.astype(object).where(self.classes.notna(), None)
        return {
            "format": FORMAT,
            "version": self.version,
            "reference_name": self.reference_name,
            "base": self.base,
            "penalty": self.penalty,
            "minimum_share": float(self.minimum_share),
            "indicators": records,
            "classes": [
                {"domain": domain, "limits": list(row)}
                for domain, row in zip(limits.index, limits.to_numpy(), strict=True)
            ],
            "left_out": self.left_out.to_dict(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> AmpiRelease:
        """Build a release from what :meth:`to_dict` returned; nothing is rounded.

        Raises
        ------
        diagnosis.errors.InputError
            Another format, a field that is missing or of the wrong kind, limits that do not ascend.
        """
        found = content.get("format") if isinstance(content, Mapping) else None
        if type(found) is not int or found != FORMAT:
            raise InputError(
                f"a release must be of format {FORMAT}",
                f"{found!r} was found",
                "Read it with the version of the library that wrote it",
            )
        fields = _take(content, FIELDS, "a release")
        rows = _take_all(fields.pop("indicators"), INDICATOR_FIELDS, "indicator")
        limits = _take_all(fields.pop("classes"), ("domain", "limits"), "class")
        _check_texts([row["indicator"] for row in rows], "the name of an indicator")
        _check_texts([row["domain"] for row in limits], "the name of a domain")
        table = pd.DataFrame(rows).set_index("indicator")
        if any(not isinstance(row["limits"], list) or len(row["limits"]) != CLASSES - 1 for row in limits):
            raise InputError(f"classes need {CLASSES - 1} inner limits", "some domains have others")
        try:
            classes = pd.DataFrame([row["limits"] for row in limits], dtype=float)
            fields["minimum_share"] = float(fields["minimum_share"])
            weights = table["weight"].astype(float)
        except (OverflowError, TypeError, ValueError) as error:
            raise InputError("a release must hold numbers and texts in their places", str(error)) from None
        return cls(
            **fields,
            goalposts=Goalposts(table[list(POSTS)]),
            groups=table["domain"],
            classes=classes.set_axis([row["domain"] for row in limits]),
            observed=table[list(RANGE)],
            weights=None if weights.isna().all() else weights,
            vintages=None if table["vintage"].isna().all() else table["vintage"],
        )
