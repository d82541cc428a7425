"""Checks of one published indicator of a province: coverage, age, breaks in its series, basis, licence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from diagnosis.catalogue import Indicator
from diagnosis.indicators.breaks import BREAKS, PROVISIONAL
from diagnosis.provenance import SourceRecord
from diagnosis.quality.conflicts import EXPOSURE
from diagnosis.quality.municipal import Finding, check_age, check_licence
from diagnosis.quality.rules import QualityRules
from diagnosis.quality.texts import Share, reason
from diagnosis.schema import Text

LONG_SERIES = 5
"""Years after a break from which a series tells enough again: the fewest of a course of scores."""


def check_published(
    item: Indicator,
    series: pd.DataFrame,
    consistent: pd.DataFrame,
    years: pd.DataFrame,
    conflicts: pd.DataFrame,
    sources: Mapping[str, SourceRecord],
    reference: int,
    rules: QualityRules,
) -> Iterator[Finding]:
    """Carry out every check of a published indicator of a province.

    Parameters
    ----------
    item : Indicator
    series : DataFrame
        All years of the province: `territory`, `indicator`, `year`, `value`.
    consistent : DataFrame
        What :func:`diagnosis.indicators.keep_consistent` keeps of them.
    years : DataFrame
        Result of :func:`diagnosis.indicators.latest`.
    conflicts : DataFrame
        Result of :func:`diagnosis.quality.compare_publishers`.
    sources : mapping of str to SourceRecord
    reference : int
        Year from which the age is counted.
    rules : QualityRules
    """
    chosen = years.loc[item.id]
    own = series[series["indicator"] == item.id]
    year = None if pd.isna(chosen["year"]) else str(chosen["year"])
    yield _check_value(own, year, float(chosen["coverage"]), bool(chosen["flagged"]))
    yield check_age((int(year),) if year else (), reference, rules)
    yield _check_series(item.id, own, consistent[consistent["indicator"] == item.id])
    compared = {published: quantity for quantity, (_, published) in EXPOSURE.items()}
    row = conflicts[(conflicts["quantity"] == compared.get(item.id)) & (conflicts["second"] == "wellbeing")]
    if len(row):
        text = Text(it=row["reason_it"].iloc[0], en=row["reason_en"].iloc[0])
        yield Finding("conflicts", float(row["difference"].iloc[0]), str(row["grade"].iloc[0]), text)
    yield Finding("estimated", None, "A" if item.basis == "count" else "B", reason(f"estimated_{item.basis}"))
    yield check_licence(item, sources)


def _check_value(own: pd.DataFrame, year: str | None, coverage: float, flagged: bool) -> Finding:
    """Grade by whether the province has a value of the reference year, and how many provinces do."""
    if year is None or year not in set(own["year"]):
        return Finding("coverage", 0.0, "D", reason("coverage_none"))
    if flagged:
        return Finding("coverage", coverage, "C", reason("coverage_thin", share=Share(coverage)))
    # every year of reference covers nine provinces of ten: what is missing elsewhere does not touch this one
    return Finding("coverage", coverage, "A", reason("coverage_province", share=Share(coverage)))


def _check_series(name: str, own: pd.DataFrame, kept: pd.DataFrame) -> Finding:
    if kept.empty:
        return Finding("breaks", None, "", reason("breaks_single"))
    years, before = kept["year"], own.loc[own["value"].notna(), "year"]
    first, last = years.min(), years.max()
    if first == before.min() and last == before.max():
        return Finding("breaks", 0.0, "A", reason("breaks_none", first=first, last=last))
    if name in PROVISIONAL and last < before.max():
        return Finding("breaks", 1.0, "B", reason("breaks_provisional", last=last))
    grade = "B" if len(years) >= LONG_SERIES else "C"
    if name in BREAKS:
        return Finding("breaks", 1.0, grade, reason("breaks_definition", year=BREAKS[name]))
    return Finding("breaks", 1.0, grade, reason("breaks_boundaries", first=first))
