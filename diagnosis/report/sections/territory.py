"""The territory: its municipalities, residents, ages, themes and municipal indicators."""

from __future__ import annotations

import pandas as pd

from diagnosis import findings
from diagnosis.catalogue import Indicator, load_catalogue
from diagnosis.report.document import Block, Prose, Section, Table
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.sections.summary import nation
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

GROUPS = ("city", "territory", "region", "country")
PEERS = ("pilots_median", "capitals_median")


def write_territory(result: Diagnosis, words: Words) -> list[Section]:
    """Write what the territory is made of, and its municipal indicators."""
    facts = result.facts["territory"]
    residents = facts["residents"]
    blocks: list[Block] = [
        Prose(
            words(
                "territory_text",
                name=name_in_text(facts["name"], words),
                n=facts["municipalities"],
                area=words.number(facts["area_km2"]),
                residents=words.number(residents),
            )
        )
    ]
    small = facts["small_municipalities"]
    blocks.append(
        Prose(
            words(
                "territory_small" if small else "territory_no_small",
                n=small,
                residents=words.number(facts["small_residents"]),
                share=words.percent(facts["small_residents"] / residents if residents else None),
            )
        )
    )
    if facts["without_residents"]:
        blocks.append(Prose(words("without_residents", names=words.join(facts["without_residents"]))))
    blocks += drawings(result, words, ("age_pyramid",), ("map_residents", "map_old_age"))
    blocks += drawings(result, words, ("map_inner_areas", "map_floods"))
    sections = [Section("territory", words("territory"), tuple(blocks))]
    if result.has("indicators"):
        sections.append(_indicators(result, words))
    return sections


def name_in_text(name: dict[str, str], words: Words) -> str:
    """Name of the territory as a sentence uses it: with its article, or between quotes if it is an own name."""
    text = words.pick(name)
    article = words.article(text.split()[0])
    return f"{article}{text}" if article else words("quoted", text=text)


def _indicators(result: Diagnosis, words: Words) -> Section:
    blocks: list[Block] = [Prose(words("scores_text", nation=nation(result, words)))]
    blocks.append(_score_table(result, words))
    blocks += drawings(result, words, ("strips",))
    blocks.append(_indicator_table(result, words))
    return Section("municipal-indicators", words("scores_title"), tuple(blocks), level=3)


def _headings(result: Diagnosis, words: Words) -> tuple[str, ...]:
    return (words("column_city"), words("column_territory"), words("column_region"), nation(result, words))


def _score_table(result: Diagnosis, words: Words) -> Table:
    scores = result.table("group_scores")
    domains = load_catalogue().domains
    rows = tuple(
        (domains[name].name[words.language], *(words.number(scores.at[group, name], 1) for group in GROUPS))
        for name in scores.columns
    )
    return Table(
        "scores",
        words("scores_table", nation=nation(result, words)),
        (words("column_theme"), *_headings(result, words)),
        rows,
        "lrrrr",
    )


def _indicator_table(result: Diagnosis, words: Words) -> Table:
    catalogue = load_catalogue()
    groups = result.table("groups")
    like = result.table("capitals").drop(columns="pilot")
    modelled = result.facts["indicators"]["modelled"]
    comparable = [name for name in like if catalogue[name].comparable and name not in modelled]
    directions = pd.Series({name: catalogue[name].direction for name in comparable})
    places = findings.positions(like[comparable], result.city.code, directions)["position"]
    peers = [name for name in PEERS if name in groups.index]
    rows: list[tuple[str, ...]] = []
    for domain in catalogue.domains.values():
        items = [
            item
            for item in catalogue.select(level="municipality", domain=domain.id)
            if item.id in groups and groups[item.id].notna().any()
        ]
        if items:
            rows.append((domain.name[words.language],))
            rows += [
                _indicator_row(item, groups[item.id], peers, places.get(item.id), item.id in modelled, words)
                for item in items
            ]
    facts = result.facts["indicators"]
    group = words(f"group_{facts['compared_with']}", n=int(facts["like"]))
    return Table(
        "indicators",
        words("indicators_table"),
        (
            words("column_indicator"),
            *_headings(result, words),
            *(words(f"column_{name}") for name in peers),
            words("column_rank"),
            words("column_year"),
        ),
        tuple(rows),
        "lrrrrrr" + "r" * len(peers),
        words("indicators_note", group=group),
    )


def _indicator_row(
    item: Indicator, values: pd.Series, peers: list[str], place: float | None, modelled: bool, words: Words
) -> tuple[str, ...]:
    return (
        words.with_unit(item.name[words.language], item.unit[words.language]),
        *(_cell(item, values[group], words) for group in GROUPS[:-1]),
        _cell(item, values["country"], words) if item.comparable else "–",
        *(_cell(item, values[name], words) for name in peers),
        "" if place is None else words.number(place),
        words("model") if modelled else item.year,
    )


def _cell(item: Indicator, value: object, words: Words) -> str:
    if item.kind == "category":
        return "–" if pd.isna(value) else item.categories[str(value)][words.language]
    return "–" if pd.isna(value) else words.number(value, item.decimals)
