"""The commuting network of the territory."""

from __future__ import annotations

import pandas as pd

from diagnosis.report.document import Block, Pair, Prose, Section, Table
from diagnosis.report.figures import flows_note
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis


def write_networks(result: Diagnosis, words: Words) -> list[Section]:
    """Write who travels where for work."""
    facts = result.facts["networks"]
    city = result.city.name[words.language]
    blocks: list[Block] = [
        Prose(
            words(
                "networks_text",
                residents=words.number(facts["commuters_resident"]),
                inside=words.number(facts["commuters_inside"]),
                share=words.percent(facts["share_residents_inside"]),
                jobs=words.number(facts["commuters_working"]),
                jobs_share=words.percent(facts["share_jobs_inside"]),
                city_in=words.number(facts["city_in"]),
                city_out=words.number(facts["city_out"]),
                city=city,
            )
        ),
        *drawings(result, words, ("map_flows",)),
    ]
    blocks.append(Pair(_partners(result, words, "arriving", city), _partners(result, words, "leaving", city)))
    blocks += drawings(result, words, ("map_self_containment", "map_jobs"))
    return [Section("networks", words("networks"), tuple(blocks))]


def _partners(result: Diagnosis, words: Words, side: str, city: str) -> Table:
    rows = result.table(side)
    end = "origin" if side == "arriving" else "destination"
    inside = result.municipalities.index

    def name(row: pd.Series) -> str:
        return row["name"] if row[end] in inside else f"{row['name']} ({row['province_name']})"

    return Table(
        side,
        words(f"{side}_table", city=city),
        (words("column_municipality"), words("column_commuters")),
        tuple((name(row), words.number(row["commuters"])) for _, row in rows.iterrows()),
        "lr",
        flows_note(result, words),
    )
