"""The proposed areas: where they run, how closed they are, and how they compare with the official ones."""

from __future__ import annotations

import pandas as pd

from diagnosis.report.document import Block, Prose, Section, Table
from diagnosis.report.figures import flows_note
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

SMALL_WORDS = {
    "di",
    "del",
    "della",
    "dello",
    "dei",
    "degli",
    "delle",
    "in",
    "al",
    "alla",
    "sul",
    "sulla",
    "con",
    "e",
}


def write_areas(result: Diagnosis, words: Words) -> list[Section]:
    """Write the areas of the territory and the city's own."""
    facts = result.facts["areas"]
    parameters = facts["parameters"]
    blocks: list[Block] = [
        Prose(
            words(
                "areas_text",
                min_size=words.number(parameters["min_size"]),
                min_sc=words.number(parameters["min_self_containment"], 2),
                target_size=words.number(parameters["target_size"]),
                target_sc=words.number(parameters["target_self_containment"], 2),
            )
        ),
        Prose(" ".join(_about_city(result, words))),
    ]
    if result.manifest.flows_kind == "modelled":
        blocks.append(Prose(words("areas_modelled")))
    blocks += drawings(result, words, ("map_areas",))
    remarks = _remarks(result, words)
    if remarks:
        blocks.append(Prose(" ".join(remarks)))
    blocks.append(_quality(result, words, "area_quality", "quality_table", flows_note(result, words)))
    if "official_quality" in result.tables:
        blocks.append(
            _quality(result, words, "official_quality", "quality_official", flows_note(result, words))
        )
    return [Section("areas", words("areas"), tuple(blocks))]


def title_case(name: str) -> str:
    """Write a name given in capitals as names are written: SAN DONÀ DI PIAVE, San Donà di Piave."""
    words = str(name).title().split(" ")
    return " ".join(
        word.lower() if place and word.lower() in SMALL_WORDS else word for place, word in enumerate(words)
    )


def _about_city(result: Diagnosis, words: Words) -> list[str]:
    facts = result.facts["areas"]
    areas = result.table("areas")
    city = result.city.name[words.language]
    if facts["city_area"] is None:
        return [words("areas_city_none", city=city)]
    members = areas[areas["functional"] == facts["city_area"]]
    sentences = [
        words(
            "areas_city",
            city=city,
            n=len(members),
            residents=words.number(facts["city_residents"]),
            names=words.join(sorted(members["name"])),
        )
    ]
    outside = members[~members["in_territory"]]
    if len(outside):
        names = words.join(f"{row.name_} ({row.province_name})" for row in _named(outside))
        sentences.append(words("areas_city_outside", n=len(outside), names=names))
    if facts.get("city_official"):
        same = facts["city_in_both"] == len(members) == facts["city_official_members"]
        sentences.append(
            words(
                "areas_same" if same else "areas_compare",
                city=city,
                official=title_case(facts["city_official"]),
                both=facts["city_in_both"],
                n=len(members),
                m=facts["city_official_members"],
            )
        )
    return sentences


def _named(frame: pd.DataFrame) -> list:
    return list(frame.rename(columns={"name": "name_"}).sort_values("name_").itertuples())


def _remarks(result: Diagnosis, words: Words) -> list[str]:
    facts = result.facts["areas"]
    sentences = []
    if facts["broken"]:
        sentences.append(
            words("areas_broken" if facts["broken"] > 1 else "areas_broken_one", n=facts["broken"])
        )
    if facts["unassigned"]:
        names = result.table("areas").loc[facts["unassigned"], "name"]
        sentences.append(words("areas_unassigned", names=words.join(names)))
    if facts["agreement"]:
        rand = words.number(facts["agreement"]["adjusted_rand"], 2)
        sentences.append(words("areas_agreement", rand=rand))
    return sentences


def _quality(result: Diagnosis, words: Words, table: str, caption: str, note: str) -> Table:
    header = (
        words("column_area"),
        words("column_members"),
        words("column_residents"),
        words("column_small"),
        words("column_supply"),
        words("column_demand"),
        words("column_validity"),
        words("column_pieces"),
    )
    incomplete = (result.table(table)["municipalities_without_population"] > 0).any()
    without = words("quality_without") if incomplete else ""
    rows = tuple(
        (
            title_case(row["name"]) if table == "official_quality" else str(row["name"]),
            words.number(row["municipalities"]),
            words.number(row["population"] or None),
            words.percent(row["small_municipalities_share"], 0),
            words.percent(row["supply_self_containment"]),
            words.percent(row["demand_self_containment"]),
            words("reached") if row["validity"] >= 1 else words("not_reached"),
            words.number(row["n_pieces"]),
        )
        for _, row in result.table(table).iterrows()
    )
    return Table(
        table.replace("_", "-"),
        words(caption),
        header,
        rows,
        "lrrrrrlr",
        " ".join(text for text in (words("quality_note"), without, note and f"{note}.") if text),
        widths=(3, 1, 1.4, 1.2, 1.9, 1.9, 1.6, 0.8),
    )
