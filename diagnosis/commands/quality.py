"""What `diagnosis check` says of the quality of the data on a city."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.commands.terminal import write_table

if TYPE_CHECKING:
    from diagnosis.quality import DataQuality
    from diagnosis.report.words import Words
    from diagnosis.studies.city import Study

MOST_OUTLIERS = 5
"""Unusual values listed in the terminal; all of them are in the JSON and in the data package of a report."""


def grade_study(study: Study) -> DataQuality:
    """Grade the data of a study that has been opened; no stage need be carried out."""
    from diagnosis.quality import data_quality

    return data_quality(study.territory, study.national)


def show_quality(found: DataQuality, study: Study, words: Words) -> None:
    """Write the grades of themes and domains as a table, then what disagrees and what is unusual."""
    import click

    from diagnosis.catalogue import load_catalogue

    catalogue, told = load_catalogue(), f"reason_{words.language}"
    click.echo(words("cli_quality", year=str(found.reference_year)))
    header = tuple(
        words(f"column_{name}") for name in ("theme_or_domain", "quality", "indicators", "quality_reason")
    )
    rows = [
        (
            catalogue.domains[row["domain"]].name[words.language],
            row["grade"] or "–",
            words.number(row["indicators"]),
            row[told],
        )
        for _, row in found.domains.iterrows()
    ]
    write_table(header, rows)
    for _, row in found.conflicts[found.conflicts["grade"] > "A"].iterrows():
        click.echo(f"- {row['grade']}: {row[told]}")
    names = study.territory.municipalities["name"]
    for _, row in found.outliers.head(MOST_OUTLIERS).iterrows():
        item = catalogue[row["indicator"]]
        click.echo(
            words(
                "cli_outlier",
                place=names[row["code"]],
                name=words.with_unit(item.name[words.language], item.unit[words.language]),
                value=words.number(row["value"], item.decimals),
                median=words.number(row["median"], item.decimals),
            )
        )


def quality_records(found: DataQuality) -> dict[str, Any]:
    """Return everything the checks found as lists that JSON can say; what is missing is null."""
    tables = {
        "domains": found.domains,
        "checks": found.checks,
        "outliers": found.outliers,
        "conflicts": found.conflicts,
    }
    return {
        "reference_year": found.reference_year,
        **{name: _records(table) for name, table in tables.items()},
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
