"""The quality of the data on a territory: every check of every indicator, and a grade for each theme and domain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from diagnosis.catalogue import Catalogue, Indicator, load_catalogue
from diagnosis.indicators import (
    compute,
    find_waiting,
    gap_reasons,
    keep_consistent,
    latest,
    rate_intervals,
)
from diagnosis.indicators.breaks import CUT_FROM
from diagnosis.quality.conflicts import compare_publishers
from diagnosis.quality.municipal import Case, Finding, check_indicator
from diagnosis.quality.outliers import find_outliers
from diagnosis.quality.provincial import check_published
from diagnosis.quality.rules import APART, CHECKS, OVERALL, QualityRules, grade_domain, worst
from diagnosis.quality.texts import reason, word
from diagnosis.territory import INVENTED, Territory

if TYPE_CHECKING:
    from diagnosis.national.shared import National

CHECK_COLUMNS = ("level", "domain", "indicator", "check", "measure", "grade", "reason_it", "reason_en")
DOMAIN_COLUMNS = (
    "level",
    "domain",
    "grade",
    "check",
    "indicators",
    "at_grade",
    "waiting",
    "scored_only",
    "reason_it",
    "reason_en",
)


@dataclass(frozen=True, eq=False)
class DataQuality:
    """What :func:`data_quality` finds.

    Attributes
    ----------
    domains : DataFrame
        One row a theme of the municipalities and a domain of the province: `level`, `domain`, `grade` (A to D, empty
        where nothing could be graded), `check` (what decides it), `indicators` (graded ones), `at_grade` (how many are
        no better than the grade for the same reason), `waiting` (indicators whose file is not here), `scored_only`
        (whether only those of the score were looked at), the reason in both languages.
    checks : DataFrame
        One row an indicator and check, and one with the check ``overall``: `level`, `domain`, `indicator`, `check`,
        `measure` (what was measured: a share, years, a number), `grade` (empty: not graded), the reason.
    outliers : DataFrame
        See :func:`diagnosis.quality.find_outliers`.
    conflicts : DataFrame
        See :func:`diagnosis.quality.compare_publishers`.
    reference_year : int
        Year from which ages were counted.
    """

    domains: pd.DataFrame
    checks: pd.DataFrame
    outliers: pd.DataFrame
    conflicts: pd.DataFrame
    reference_year: int


def data_quality(
    territory: Territory, national: National | None = None, rules: QualityRules | None = None
) -> DataQuality:
    """Grade the data on a territory: every indicator by check, every theme and domain as a whole.

    Ages are counted from the year in the name of the territory's edition; where there is none (``draft``), from the
    newest year of the data. The grade of an indicator is that of its worst check, the licence apart. A theme or domain
    has the best grade that three quarters of its indicators reach: of those in its score, or of all where it has no
    score. The limits are in :class:`diagnosis.quality.QualityRules` and ``docs/methods.md``.

    Parameters
    ----------
    territory : Territory
    national : National, optional
        Its saved results are used; else the indicators are computed.
    rules : QualityRules, optional
        Other limits than the project's.

    Returns
    -------
    DataQuality
        A territory that is no province-level body has no domains of the province.
    """
    rules = rules or QualityRules()
    country, catalogue = territory.country, load_catalogue()
    tables, codes = country.tables, territory.codes
    waiting = find_waiting(tables)
    items = [item for item in catalogue.select(level="municipality") if item.id not in waiting.index]
    if national is None:
        everywhere = compute(tables, only=[item.id for item in items])
        intervals = rate_intervals(tables).to_table()
        own_gaps = gap_reasons(everywhere.loc[codes], tables)
    else:
        found = national.indicators()
        everywhere, intervals = found["values"], national.small_numbers()
        own_gaps = found["gaps"][found["gaps"]["code"].isin(codes)]
    outliers, judged = find_outliers(everywhere[_comparable(items)], tables, codes, intervals, rules)
    # of an invented country no publishers speak that could disagree
    compared = {} if country.flows_kind == INVENTED else tables
    conflicts = compare_publishers(compared, codes, territory.province, rules)
    sources = {record.id: record for record in country.sources}
    years = latest(tables["wellbeing"], catalogue) if "wellbeing" in tables else None
    reference = find_reference_year(
        territory.edition, [item.year for item in items] + ([] if years is None else list(years["year"]))
    )
    case = Case(
        values=everywhere.loc[codes],
        gaps=own_gaps,
        residents=country.residents.reindex(codes),
        names=country.municipalities["name"].reindex(codes),
        sources=sources,
        reference=reference,
        flows_kind=country.flows_kind,
        estimated=_estimated_share(territory),
        outliers=outliers,
        judged=judged,
        conflicts=conflicts,
        rules=rules,
    )
    rows = [row for item in items for row in _tell(item, check_indicator(item, case))]
    rows += [_wait(catalogue[str(name)]) for name in waiting.index if name in catalogue]
    province = territory.province
    if province is not None and years is not None:
        series = tables["wellbeing"]
        own = series[series["territory"] == province]
        # what was cut from it, or it was cut from, tells which years are of other boundaries
        kin = series[series["territory"].isin([province, *CUT_FROM])]
        consistent = keep_consistent(kin)
        consistent = consistent[consistent["territory"] == province]
        for item in catalogue.select(level="province") if len(own) else []:
            published = check_published(item, own, consistent, years, conflicts, sources, reference, rules)
            rows += _tell(item, published)
    checks = pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
    return DataQuality(_grade_domains(checks, catalogue, rules), checks, outliers, conflicts, reference)


def find_reference_year(edition: str, years: Iterable[str | None]) -> int:
    """Return the year that ages are counted from: that in the name of an edition, else the newest of the data.

    Parameters
    ----------
    edition : str
        ``"2026"``, ``"2026-spring"``, ``"draft"``.
    years : iterable of str
        Years of the indicators, one or several each; missing ones are left out.
    """
    if named := re.search(r"(?<!\d)(?:19|20)\d{2}(?!\d)", edition):
        return int(named[0])
    return max(int(year) for text in years if text for year in re.findall(r"\d{4}", text))


def _comparable(items: Iterable[Indicator]) -> list[str]:
    """List the indicators whose value can be set beside that of a like municipality."""
    return [item.id for item in items if item.comparable and not item.for_groups and item.kind != "category"]


def _estimated_share(territory: Territory) -> float:
    if "flows" not in territory.country.tables:
        return 0.0
    flows = territory.flows
    commuters = float(flows["commuters"].sum())
    if "estimated" not in flows or not commuters:
        return 0.0
    return float(flows.loc[flows["estimated"] == 1, "commuters"].sum() / commuters)


def _tell(item: Indicator, found: Iterable[Finding]) -> list[tuple]:
    """Write the checks of one indicator as rows, with its overall grade and what decides it."""
    findings = list(found)
    counted = [finding for finding in findings if finding.check not in APART]
    grade = worst(finding.grade for finding in counted)
    order = {name: place for place, name in enumerate(CHECKS)}
    deciding = sorted((one for one in counted if one.grade == grade), key=lambda one: order[one.check])
    if grade in ("", "A") or not deciding:
        overall = Finding(OVERALL, None, grade, reason("overall_sound"))
    else:
        first = deciding[0]
        text = reason("overall", check=word("checks", first.check), reason=first.reason)
        overall = Finding(OVERALL, None, grade, text)
    return [_row(item, finding) for finding in (*findings, overall)]


def _wait(item: Indicator) -> tuple:
    return _row(item, Finding(OVERALL, None, "", reason("waiting")))


def _row(item: Indicator, finding: Finding) -> tuple:
    return (
        item.level,
        item.domain,
        item.id,
        finding.check,
        finding.measure,
        finding.grade,
        finding.reason.it,
        finding.reason.en,
    )


def _grade_domains(checks: pd.DataFrame, catalogue: Catalogue, rules: QualityRules) -> pd.DataFrame:
    overall = checks[checks["check"] == OVERALL].set_index("indicator")
    rows = []
    for domain in catalogue.domains.values():
        ids = [item.id for item in catalogue.select(domain=domain.id) if item.id in overall.index]
        if not ids:
            continue
        waits = overall.loc[ids, "reason_it"] == reason("waiting").it
        scored = [name for name in ids if catalogue[name].scored and not waits[name]]
        counted = scored or [name for name in ids if not waits[name]]
        grades = overall.loc[counted, "grade"]
        grade = grade_domain(grades, rules.domain_share)
        check, number, told = _find_deciding(checks, counted, grade)
        rows.append(
            (
                domain.level,
                domain.id,
                grade,
                check,
                int((grades != "").sum()),
                number,
                int(waits.sum()),
                bool(scored),
                told.it,
                told.en,
            )
        )
    return pd.DataFrame(rows, columns=list(DOMAIN_COLUMNS))


def _find_deciding(checks: pd.DataFrame, counted: list[str], grade: str):
    """Find the check that keeps most indicators of a domain from a better grade, with its reason in one of them."""
    if grade in ("", "A"):
        return "", 0, reason("overall_sound") if grade else reason("waiting")
    told_apart = checks["check"].isin([OVERALL, *APART])
    own = checks[checks["indicator"].isin(counted) & ~told_apart & (checks["grade"] >= grade)]
    counts = own["check"].value_counts()
    check = min(counts.index, key=lambda name: (-counts[name], CHECKS.index(name)))
    # the reason told most often stands for the others
    rows = own[own["check"] == check]
    commonest = rows[rows["reason_en"] == rows["reason_en"].mode().iloc[0]].iloc[0]
    text = reason(
        "domain",
        check=word("checks", str(check)),
        n=int(counts[check]),
        of=len(counted),
        reason={"it": commonest["reason_it"], "en": commonest["reason_en"]},
    )
    return str(check), int(counts[check]), text
