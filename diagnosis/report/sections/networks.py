"""The commuting network of the territory."""

from __future__ import annotations

import pandas as pd

from diagnosis.report.document import Block, Pair, Prose, Section, Table
from diagnosis.report.map_figures import flows_note
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

MEASURES = {"connections": 0, "density": 1, "reciprocity": 1}
SHARES = ("density", "reciprocity")


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
    ]
    kind = result.manifest.flows_kind
    if kind != "invented":
        blocks.append(Prose(words("networks_modelled" if kind == "modelled" else "networks_counted")))
    if facts["commuters_inside_observed"] is not None:
        observed = facts["commuters_inside_observed"]
        share = words.percent(observed / facts["commuters_resident"] if facts["commuters_resident"] else None)
        blocks.append(Prose(words("networks_observed", observed=words.number(observed), share=share)))
    blocks += drawings(result, words, ("map_flows",))
    blocks.append(_measures(result, words))
    blocks.append(Pair(_partners(result, words, "arriving", city), _partners(result, words, "leaving", city)))
    blocks += drawings(result, words, ("map_self_containment", "map_jobs"))
    return [Section("networks", words("networks"), tuple(blocks))]


def _measures(result: Diagnosis, words: Words) -> Table:
    """Measures of the network inside the territory, each with what it says."""
    summary = result.facts["networks"]["summary"]
    rows = tuple(
        (
            words(f"measure_{name}"),
            words.percent(summary[name]) if name in SHARES else words.number(summary[name], decimals),
            words(f"measure_{name}_text"),
        )
        for name, decimals in MEASURES.items()
        if summary.get(name) is not None
    )
    header = (words("column_measure"), words("column_value"), words("column_meaning"))
    note = flows_note(result, words)
    return Table("network", words("network_table"), header, rows, "lrl", note, widths=(2.2, 0.8, 5))


def _partners(result: Diagnosis, words: Words, side: str, city: str) -> Table:
    rows = result.table(side)
    end = "origin" if side == "arriving" else "destination"
    inside = result.municipalities.index
    marked = result.manifest.flows_kind == "estimated_tail"

    def name(row: pd.Series) -> str:
        text = row["name"] if row[end] in inside else f"{row['name']} ({row['province_name']})"
        return f"{text} {words('estimate')}" if marked and row.get("estimated") else text

    return Table(
        side,
        words(f"{side}_table", city=city),
        (words("column_municipality"), words("column_commuters")),
        tuple((name(row), words.number(row["commuters"])) for _, row in rows.iterrows()),
        "lr",
        flows_note(result, words, exact=True),
    )
