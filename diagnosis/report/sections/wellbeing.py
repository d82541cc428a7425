"""The well-being of the province: published indicators, by domain, beside region and country."""

from __future__ import annotations

import pandas as pd

from diagnosis.catalogue import Indicator, load_catalogue
from diagnosis.report.document import Block, Prose, Section, Table
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.sections.summary import nation
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

SARDINIA = "Sardegna"
"""Where crimes are published for the provinces of 2005, as ISTAT notes in the file."""


def write_wellbeing(result: Diagnosis, words: Words) -> list[Section]:
    """Write the profile of the province and the table of its indicators."""
    facts = result.facts["wellbeing"]
    catalogue = load_catalogue()
    blocks: list[Block] = [
        Prose(
            words(
                "wellbeing_text",
                n=facts["indicators"],
                body=result.facts["territory"]["name"][words.language],
                first=facts["first_year"],
                last=facts["last_year"],
            )
        )
    ]
    if facts["flagged"]:
        names = words.join(catalogue[name].name[words.language] for name in facts["flagged"])
        blocks.append(Prose(words("wellbeing_flagged", names=names)))
    if facts["without_value"]:
        names = words.join(catalogue[name].name[words.language] for name in facts["without_value"])
        blocks.append(Prose(words("wellbeing_without", names=names)))
    if result.facts["territory"]["region_name"] == SARDINIA:
        blocks.append(Prose(words("wellbeing_sardinia")))
    blocks += drawings(result, words, ("domains",), ("trends",))
    blocks.append(_table(result, words))
    return [Section("wellbeing", words("wellbeing"), tuple(blocks))]


def _table(result: Diagnosis, words: Words) -> Table:
    catalogue = load_catalogue()
    found = result.table("wellbeing").drop(index=result.facts["wellbeing"]["flagged"])
    rows: list[tuple[str, ...]] = []
    for domain in catalogue.domains.values():
        items = [item for item in catalogue.select(domain=domain.id) if item.id in found.index]
        if items:
            rows.append((domain.name[words.language],))
            rows += [_row(item, found.loc[item.id], words) for item in items]
    header = (
        words("column_indicator"),
        words("column_year"),
        words("column_province"),
        words("column_region"),
        nation(result, words),
        words("column_rank"),
    )
    return Table(
        "wellbeing-indicators",
        words("wellbeing_table"),
        header,
        tuple(rows),
        "lrrrrr",
        words("wellbeing_note"),
    )


def _row(item: Indicator, values: pd.Series, words: Words) -> tuple[str, ...]:
    return (
        words.with_unit(item.name[words.language], item.unit[words.language]),
        "–" if pd.isna(values["year"]) else str(values["year"]),
        _cell(item, values["value"], words) + _mark(item, values),
        _cell(item, values["region"], words),
        _cell(item, values["country"], words),
        "–"
        if pd.isna(values["position"])
        else f"{words.number(values['position'])}/{words.number(values['of'])}",
    )


def _cell(item: Indicator, value: float, words: Words) -> str:
    return "–" if pd.isna(value) else words.number(value, item.decimals)


def _mark(item: Indicator, values: pd.Series) -> str:
    """Say by shape, not by colour alone, whether the province does better than the country."""
    value, country = values["value"], values["country"]
    if item.direction == "neutral" or pd.isna(value) or pd.isna(country) or value == country:
        return ""
    return " ▲" if (value > country) == (item.direction == "positive") else " ▼"
