"""Checks of one municipal indicator in a territory: coverage, secrecy, age, codes, breaks, outliers and the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from diagnosis.catalogue import Indicator
from diagnosis.codes.alignment import VINTAGE_DAYS
from diagnosis.codes.events import known_events
from diagnosis.codes.history import find_day
from diagnosis.indicators.gaps import REASONS
from diagnosis.indicators.municipal import MEASURES
from diagnosis.indicators.population_change import MEASURES as CHANGES
from diagnosis.provenance import SourceRecord
from diagnosis.quality.conflicts import concerned
from diagnosis.quality.rules import QualityRules, grade_at_least, grade_at_most, worst
from diagnosis.quality.texts import Share, list_years, name_some, reason
from diagnosis.schema import LANGUAGES, Text, lower_first
from diagnosis.tables import VINTAGE

MEANINGLESS = ("zero_denominator", "category_of_group")
"""Reasons of gaps that are none: a rate of nothing, a class of a group."""

COMMUTING, INVENTORIES = "commuting_2021", "covenant_inventories_2019"
INVENTORY_YEAR = "baseline_year"
"""Indicator that tells the year of each municipality's inventory, on which those of its emissions rest."""

FLOW_TEXTS = {
    "estimated_tail": "estimated_tail",
    "modelled": "estimated_modelled",
    "invented": "estimated_invented",
}


@dataclass(frozen=True, eq=False)
class Case:
    """What the checks look at in one territory.

    Parameters
    ----------
    values : DataFrame, municipalities x indicators
        Of the territory.
    gaps : DataFrame
        `code`, `indicator`, `reason` of its empty cells.
    residents, names : Series
        By municipality of the territory.
    sources : mapping of str to SourceRecord
        The files read, by source.
    reference : int
        Year from which ages are counted.
    flows_kind : str
        See :attr:`diagnosis.territory.Country.flows_kind`.
    estimated : float
        Share of the commuters of the territory in pairs that are estimated.
    outliers, judged
        Result of :func:`diagnosis.quality.find_outliers`.
    conflicts : DataFrame
        Result of :func:`diagnosis.quality.compare_publishers`.
    rules : QualityRules
    """

    values: pd.DataFrame
    gaps: pd.DataFrame
    residents: pd.Series
    names: pd.Series
    sources: Mapping[str, SourceRecord]
    reference: int
    flows_kind: str
    estimated: float
    outliers: pd.DataFrame
    judged: pd.Series
    conflicts: pd.DataFrame
    rules: QualityRules


@dataclass(frozen=True)
class Finding:
    """One check of one indicator: what was measured, the grade (empty: not graded) and the reason."""

    check: str
    measure: float | None
    grade: str
    reason: Text


def check_indicator(item: Indicator, case: Case) -> Iterator[Finding]:
    """Carry out every check of a municipal indicator, in the order of :data:`diagnosis.quality.rules.CHECKS`."""
    yield from _check_coverage(item, case)
    yield check_age(years_of(item, case), case.reference, case.rules)
    yield _check_vintage(item, case)
    yield _check_break(item)
    yield _check_outliers(item, case)
    yield from _check_conflicts(item, case)
    yield _check_estimated(item, case)
    yield check_licence(item, case.sources)


def years_of(item: Indicator, case: Case) -> tuple[int, ...]:
    """Return the years of what an indicator is made of; of a change only the last one, which it reaches."""
    if INVENTORIES in item.sources and INVENTORY_YEAR in case.values:
        own = pd.to_numeric(case.values[INVENTORY_YEAR], errors="coerce").dropna()
        return (int(own.median()),) if len(own) else ()
    found = tuple(int(year) for year in re.findall(r"\d{4}", item.year))
    return found[-1:] if item.id in CHANGES else found


def check_age(years: tuple[int, ...], reference: int, rules: QualityRules) -> Finding:
    """Count the years from the oldest data of an indicator to the edition."""
    if not years:
        return Finding("age", None, "", reason("age_unknown"))
    age = max(reference - min(years), 0)
    key = {0: "age_same", 1: "age_one"}.get(age, "age_years")
    text = reason(key, year=min(years), n=age, reference=reference)
    return Finding("age", float(age), grade_at_most(age, rules.age), text)


def check_licence(item: Indicator, sources: Mapping[str, SourceRecord]) -> Finding:
    """Say whether the licence of every file is stated with the data."""
    known = [sources[name] for name in item.sources if name in sources]
    if not known:
        return Finding("licence", None, "", reason("licence_unknown"))
    doubtful = [record for record in known if not record.licence_confirmed]
    if not doubtful:
        return Finding("licence", 0.0, "A", reason("licence_confirmed"))
    labels = [record.label or record.title for record in doubtful]
    names = Text(**{language: "; ".join(label[language] for label in labels) for language in LANGUAGES})
    return Finding("licence", float(len(doubtful)), "B", reason("licence_unconfirmed", names=names))


def _check_coverage(item: Indicator, case: Case) -> Iterator[Finding]:
    own = case.gaps[case.gaps["indicator"] == item.id]
    meaningful = case.values.index.difference(own.loc[own["reason"].isin(MEANINGLESS), "code"])
    if not len(meaningful):
        yield Finding("coverage", None, "", reason("coverage_meaningless"))
        return
    with_value = case.values.loc[meaningful, item.id].notna()
    people = case.residents.reindex(meaningful).fillna(0)
    everybody = float(people.sum())
    shares = float(with_value.mean()), float(people[with_value].sum() / everybody) if everybody else 0.0
    least = min(shares) if everybody else shares[0]
    if with_value.all():
        told = reason("coverage_all")
    else:
        counts = own.loc[~own["reason"].isin(MEANINGLESS), "reason"].value_counts()
        told = reason(
            "coverage_part" if case.residents.reindex(meaningful).notna().all() else "coverage_unknown",
            n=int(with_value.sum()),
            of=len(meaningful),
            share=Share(shares[1]),
            why=_tell_gaps(counts),
        )
    yield Finding("coverage", least, grade_at_least(least, case.rules.coverage), told)
    hidden = own.loc[own["reason"] == "masked", "code"]
    secret = people.reindex(hidden).fillna(0).sum() / everybody if everybody else 0.0
    most = max(len(hidden) / len(meaningful), float(secret))
    told = reason("masked_none")
    if len(hidden):
        told = reason("masked_some", n=len(hidden), of=len(meaningful), share=Share(secret))
    yield Finding("masked", most, grade_at_most(most, case.rules.masked), told)


def _tell_gaps(counts: pd.Series) -> Text:
    parts = {
        language: "; ".join(
            f"{lower_first(REASONS[str(key)][language])} ({number})" for key, number in counts.items()
        )
        for language in LANGUAGES
    }
    return Text(**parts)


def _check_vintage(item: Indicator, case: Case) -> Finding:
    vintages = {
        record.vintage
        for name in item.sources
        if (record := case.sources.get(name)) is not None and record.vintage not in (None, VINTAGE)
    }
    if not vintages:
        return Finding("vintage", 0.0, "A", reason("vintage_same"))
    changed = pd.Index([]).append([find_changed(str(vintage), case.values.index) for vintage in vintages])
    changed = changed.unique()
    share = len(changed) / len(case.values)
    years = list_years(map(str, vintages))
    told = (
        reason("vintage_changed", years=years, names=name_some(case.names.reindex(changed)))
        if len(changed)
        else reason("vintage_whole", years=years)
    )
    return Finding("vintage", share, grade_at_most(share, case.rules.changed), told)


def find_changed(vintage: str, codes: pd.Index) -> pd.Index:
    """Find the municipalities that merged, split or changed code between a vintage and 2022.

    Parameters
    ----------
    vintage : str
        Year of codes; of mergers before July 2020 the package knows none, so earlier years tell too little.
    codes : Index
        Municipalities of 2022.
    """
    first, last = sorted((find_day(vintage), VINTAGE_DAYS[VINTAGE]))
    events = known_events()
    between = events[(events["date"] > first) & (events["date"] <= last)]
    # forwards the codes of 2022 are those before an event, backwards those after it
    side = "before" if find_day(vintage) > VINTAGE_DAYS[VINTAGE] else "after"
    return codes[codes.isin(between[side])]


def _check_break(item: Indicator) -> Finding:
    if item.id not in CHANGES:
        return Finding("breaks", None, "", reason("breaks_single"))
    if item.id.endswith("_provisional"):
        return Finding("breaks", 1.0, "B", reason("breaks_provisional_change"))
    return Finding("breaks", 0.0, "A", reason("breaks_change"))


def _check_outliers(item: Indicator, case: Case) -> Finding:
    number = int(case.judged.get(item.id, 0))
    if not number:
        return Finding("outliers", None, "", reason("outliers_unjudged"))
    far = case.outliers.loc[case.outliers["indicator"] == item.id, "code"]
    share = len(far) / number
    told = (
        reason("outliers_some", n=len(far), of=number, names=name_some(case.names.reindex(far)))
        if len(far)
        else reason("outliers_none", of=number)
    )
    return Finding("outliers", share, grade_at_most(share, case.rules.outliers), told)


def _check_conflicts(item: Indicator, case: Case) -> Iterator[Finding]:
    """Tell the worst comparison of publishers among those that concern the tables of an indicator."""
    found = concerned(case.conflicts, set(MEASURES[item.id].tables))
    own = {"landslide": "landslide_residents_share", "flood": "flood_residents_share"}
    exposure = case.conflicts[case.conflicts["quantity"].map(own) == item.id]
    found = pd.concat([found, exposure]) if len(exposure) else found
    if found.empty:
        return
    row = found.sort_values("grade", kind="stable").iloc[-1]
    told = Text(it=row["reason_it"], en=row["reason_en"])
    yield Finding("conflicts", float(row["difference"]), str(row["grade"]), told)


def _check_estimated(item: Indicator, case: Case) -> Finding:
    told = reason(f"estimated_{item.basis}")
    grade = "A" if item.basis == "count" else "B"
    measure = None
    if COMMUTING in item.sources and case.flows_kind in FLOW_TEXTS:
        told = reason(FLOW_TEXTS[case.flows_kind], share=Share(case.estimated))
        measure = case.estimated
        grade = {"modelled": "D", "invented": ""}.get(
            case.flows_kind, worst((grade, grade_at_most(measure, case.rules.estimated)))
        )
    return Finding("estimated", measure, grade, told)
