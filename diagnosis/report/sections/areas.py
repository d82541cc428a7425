"""The proposed areas: where they run, how closed they are, and how they compare with the official ones."""

from __future__ import annotations

import pandas as pd

from diagnosis.report.document import Block, Items, Prose, Section, Table
from diagnosis.report.map_figures import flows_note
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

MOST_MOVES = 15
FEW_RUNS = 5
"""Recalculations of a hundred that go without saying."""
WEAK_CORE = 0.5
DASH = "–"
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
    parameters = result.facts["areas"]["parameters"]
    note = flows_note(result, words)
    method = words(
        "areas_text",
        min_size=words.number(parameters["min_size"]),
        min_sc=words.percent(parameters["min_self_containment"], 0),
        target_size=words.number(parameters["target_size"]),
        target_sc=words.percent(parameters["target_self_containment"], 0),
    )
    blocks: list[Block] = [
        Prose(" ".join(_about_city(result, words))),
        Prose(f"{method} {words('areas_clean' if parameters['mode'] == 'clean' else 'areas_istat')}"),
    ]
    if result.manifest.flows_kind == "modelled":
        blocks.append(Prose(words("areas_modelled")))
    blocks += drawings(result, words, ("map_areas",))
    if remarks := [*_stability(result, words), *_weak(result, words), *_remarks(result, words)]:
        blocks.append(Prose(" ".join(remarks)))
    blocks += _reasons(result, words)
    blocks += drawings(result, words, ("map_area_flows",))
    blocks.append(_quality(result, words, "area_quality", "quality_table", note))
    if "official_quality" in result.tables:
        blocks += drawings(result, words, ("map_areas_compared",))
        blocks.append(_quality(result, words, "official_quality", "quality_official", note))
    blocks += _comparisons(result, words)
    return [Section("areas", words("areas"), tuple(blocks))]


def _stability(result: Diagnosis, words: Words) -> list[str]:
    """Say in a few sentences how firm the areas are."""
    facts = result.facts["areas"]
    if not facts["runs"]:
        return []
    core = words.number(100 * facts["core_from"])
    if facts["rim"] == 0:
        return [words("areas_stability_all", runs=words.number(facts["runs"]), core=core)]
    return [
        words(
            "areas_stability",
            runs=words.number(facts["runs"]),
            share=words.percent(facts["core_residents_share"], 0),
            core=core,
            n=facts["rim"],
        )
    ]


def _weak(result: Diagnosis, words: Words) -> list[str]:
    """Name the areas that hold together in less than half of their employed residents."""
    quality = result.table("area_quality")
    if "core_share" not in quality:
        return []
    here = set(result.table("areas").query("in_territory")["functional"].dropna())
    weak = quality[(quality["core_share"] < WEAK_CORE) & quality.index.isin(here)]
    return [words("areas_weak", names=words.join(weak["name"]))] if len(weak) else []


def _exchanged(facts: dict, words: Words) -> str:
    """Name who joins and who leaves the city's area against the official one; just say so where nearly all differ."""
    if facts["city_in_both"] * 2 < facts["city_official_members"]:
        return words("areas_elsewhere")
    parts = [
        words(key, n=len(names), names=words.join(names))
        for key, names in (("areas_enter", facts["city_entering"]), ("areas_leave", facts["city_leaving"]))
        if names
    ]
    return "; ".join(parts)


def _reasons(result: Diagnosis, words: Words) -> list[Block]:
    reasons = result.table("area_reasons")
    if reasons.empty:
        return []
    facts = result.facts["areas"]
    texts = [_reason(row, facts["runs"], words) for row in reasons.to_dict("records")]
    return [Prose(words("areas_reasons", n=len(reasons), all=facts["edge"])), Items(tuple(texts))]


def _reason(row: dict, runs: int, words: Words) -> str:
    """Say how often a municipality stays with its area, and why it is there."""
    text = row[words.language]
    if not runs:
        return text
    stays, second = round(100 * row["with_centre"]), round(100 * row["second_share"])
    key = "reason_second" if second >= FEW_RUNS else "reason_alone"
    if stays > 100 - FEW_RUNS:
        return text
    often = words(
        key, k=words.number(stays), centre=row["centre"], j=words.number(second), second=row["second_name"]
    )
    return f"{text} {often}"


def _comparisons(result: Diagnosis, words: Words) -> list[Block]:
    """Compare methods over the country, and the proposal with what there is in the territory."""
    blocks: list[Block] = []
    methods = result.table("area_methods")
    if len(methods) > 1:
        blocks.append(_methods(methods, words))
    if len(changes := result.table("area_changes")):
        blocks.append(_changes(changes, words))
    if "area_moves" in result.tables and len(moves := result.table("area_moves")):
        blocks.append(_moves(result, moves, words))
    return blocks


def _methods(methods: pd.DataFrame, words: Words) -> Table:
    agreement = "adjusted_rand_sll_2021"
    header = ["partition", "areas", "in_pieces", "below", "internal"]
    compared = agreement in methods
    if compared:
        header.append("agreement")
    rows = []
    for name, row in methods.iterrows():
        cells = [
            words(f"method_{name}"),
            words.number(row["areas"]),
            words.number(row["in_pieces"]),
            words.number(row["below_validity"]),
            words.percent(row["internal_share"]),
        ]
        alike = DASH if name == "sll_2021" else words.number(row[agreement], 2) if compared else ""
        rows.append((*cells, alike) if compared else tuple(cells))
    return Table(
        "area-methods",
        words("methods_table"),
        tuple(words(f"column_{name}") for name in header),
        tuple(rows),
        "l" + "r" * (len(header) - 1),
        words("methods_note"),
    )


def _changes(changes: pd.DataFrame, words: Words) -> Table:
    names = ("geography", "numbers", "changing", "changing_residents", "today", "proposal")
    rows = tuple(
        (
            row[words.language],
            f"{words.number(row['areas_before'])} → {words.number(row['areas_after'])}",
            f"{words.number(row['municipalities_changing'])} / {words.number(row['municipalities_compared'])}",
            words.percent(row["residents_changing_share"], 0),
            words.percent(row["internal_share_before"]),
            words.percent(row["internal_share_after"]),
        )
        for _, row in changes.iterrows()
    )
    return Table(
        "area-changes",
        words("changes_table"),
        tuple(words(f"column_{name}") for name in names),
        rows,
        "lrrrrr",
        words("changes_note"),
    )


def _moves(result: Diagnosis, moves: pd.DataFrame, words: Words) -> Table:
    names = result.table("areas")["functional_name"]
    rows = tuple(
        (
            row["name"],
            title_case(row["from_name"]),
            str(names[code]),
            words.number(row["residents"]),
            f"{'+' if row['gain'] > 0 else ''}{words.number(row['gain'])}",
        )
        for code, row in moves.head(MOST_MOVES).iterrows()
    )
    cut = words("moves_first", shown=len(rows), n=words.number(len(moves))) if len(moves) > len(rows) else ""
    header = ("municipality", "from_area", "to_area", "residents", "gain")
    return Table(
        "area-moves",
        words("moves_table"),
        tuple(words(f"column_{name}") for name in header),
        rows,
        "lllrr",
        f"{cut} {words('moves_note')}".strip(),
    )


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
                official=title_case(facts["city_official"]),
                m=facts["city_official_members"],
                changes=_exchanged(facts, words),
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
    if facts["below"]:
        sentences.append(words("areas_below", n=facts["below"]))
    return sentences


def _quality(result: Diagnosis, words: Words, table: str, caption: str, note: str) -> Table:
    header = [
        words("column_area"),
        words("column_members"),
        words("column_residents"),
        words("column_small"),
        words("column_supply"),
        words("column_demand"),
        words("column_validity"),
    ]
    # Areas in one piece need no column that says so; how firm they are is known of the proposed ones.
    pieces, core = bool((result.table(table)["n_pieces"] > 1).any()), "core_share" in result.table(table)
    header += [words("column_pieces")] * pieces + [words("column_core")] * core
    notes = [
        words("quality_note"),
        words("quality_pieces") if pieces else "",
        words("quality_core") if core else "",
    ]
    incomplete = (result.table(table)["municipalities_without_population"] > 0).any()
    without = words("quality_without") if incomplete else ""
    notes += [without, note and f"{note}."]
    rows = tuple(
        (
            title_case(row["name"]) if table == "official_quality" else str(row["name"]),
            words.number(row["municipalities"]),
            words.number(row["population"] or None),
            words.percent(row["small_municipalities_share"], 0),
            words.percent(row["supply_self_containment"]),
            words.percent(row["demand_self_containment"]),
            words("reached") if row["validity"] >= 1 else words("not_reached"),
            *([words.number(row["n_pieces"])] if pieces else []),
            *([words.percent(row["core_share"], 0) if row["municipalities"] > 1 else DASH] if core else []),
        )
        for _, row in result.table(table).iterrows()
    )
    return Table(
        table.replace("_", "-"),
        words(caption),
        tuple(header),
        rows,
        "lrrrrrl" + "r" * (pieces + core),
        " ".join(text for text in notes if text),
        widths=(3, 1, 1.4, 1.2, 1.9, 1.9, 1.6, *[0.9] * (pieces + core)),
    )
