"""The quality of the data: a letter beside each theme and domain, and the table that says why."""

from __future__ import annotations

import pandas as pd

from diagnosis.catalogue import Domain, load_catalogue
from diagnosis.quality.texts import word
from diagnosis.report.document import Block, Prose, Section, Table
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

MOST_OUTLIERS = 10
"""Unusual values the report lists; all are in the data package."""


def grade_cell(result: Diagnosis, domain: str) -> str:
    """Return the letter of a theme or domain; a dash where the data could not be graded."""
    grades = _grades(result)
    grade = str(grades.at[domain, "grade"]) if domain in grades.index else ""
    return grade or "–"


def graded_name(result: Diagnosis, domain: Domain, words: Words) -> str:
    """Name a theme or domain with the letter of its data and what decides it, for the heading of a table."""
    name = domain.name[words.language]
    grades = _grades(result)
    if domain.id not in grades.index or not grades.at[domain.id, "grade"]:
        return name
    row = grades.loc[domain.id]
    if not row["check"]:
        return words("graded", name=name, grade=row["grade"])
    check = word("checks", str(row["check"]))[words.language]
    return words("graded_why", name=name, grade=row["grade"], check=check)


def write_quality(result: Diagnosis, words: Words) -> list[Section]:
    """Write how the data were graded, why each theme and domain has its letter, and what is to be verified."""
    grades = _grades(result)
    if grades.empty:
        return []
    reference = str(result.facts["quality"]["reference_year"])
    blocks: list[Block] = [Prose(words("quality_text", year=reference)), _grade_table(grades, words)]
    waiting = result.facts.get("indicators", {}).get("waiting", [])
    if waiting:
        catalogue = load_catalogue()
        names = "; ".join(catalogue[name].name[words.language] for name in waiting if name in catalogue)
        blocks.append(Prose(words("quality_waiting", n=len(waiting), names=names)))
    blocks += _conflicts(result, words)
    blocks += _outliers(result, words)
    return [Section("data-quality", words("quality_title"), tuple(blocks), level=3)]


def _grades(result: Diagnosis) -> pd.DataFrame:
    return result.tables.get("quality_domains", pd.DataFrame())


def _grade_table(grades: pd.DataFrame, words: Words) -> Table:
    domains = load_catalogue().domains
    rows = tuple(
        (
            domains[str(name)].name[words.language],
            row["grade"] or "–",
            words.number(row["indicators"]),
            row[f"reason_{words.language}"],
        )
        for name, row in grades.iterrows()
        if name in domains
    )
    header = ("theme_or_domain", "quality", "indicators", "quality_reason")
    return Table(
        "data-quality-grades",
        words("grades_table"),
        tuple(words(f"column_{name}") for name in header),
        rows,
        "llrl",
        words("grades_note"),
        (2.4, 0.7, 1, 6),
    )


def _conflicts(result: Diagnosis, words: Words) -> list[Block]:
    found = result.table("data_conflicts")
    if found.empty:
        return []
    rows = tuple((row[f"reason_{words.language}"], row["grade"]) for _, row in found.iterrows())
    header = (words("column_comparison"), words("column_quality"))
    return [Table("data-conflicts", words("conflicts_table"), header, rows, "ll", "", (8, 1))]


def _outliers(result: Diagnosis, words: Words) -> list[Block]:
    found = result.table("data_outliers")
    if found.empty:
        return [Prose(words("outliers_none"))]
    catalogue, names = load_catalogue(), result.municipalities["name"]
    rows = []
    for _, row in found.head(MOST_OUTLIERS).iterrows():
        item = catalogue[row["indicator"]]
        rows.append(
            (
                names[row["code"]],
                words.with_unit(item.name[words.language], item.unit[words.language]),
                words.number(row["value"], item.decimals),
                words.number(row["median"], item.decimals),
            )
        )
    header = ("municipality", "indicator", "value", "like_median")
    return [
        Table(
            "data-outliers",
            words("outliers_table"),
            tuple(words(f"column_{name}") for name in header),
            tuple(rows),
            "llrr",
            words("outliers_note", n=len(found), shown=len(rows)),
        )
    ]
