"""The territory: its municipalities, residents, ages, themes and municipal indicators."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis.catalogue import Indicator, load_catalogue
from diagnosis.report.document import Block, Prose, Section, Table
from diagnosis.report.sections.blocks import drawings, interval
from diagnosis.report.sections.quality import grade_cell, graded_name
from diagnosis.report.sections.summary import nation
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.stages import findings

GROUPS = ("city", "territory", "region", "country")
ALSO_COMPARED = ("old_age_index",)
"""Well-known indicators that are compared though they do not enter a score."""
NAME_WIDTH, NUMBER_WIDTH, RANK_WIDTH = 4, 1.2, 0.8
"""Shares of the columns on paper: an indicator's name on one or two lines, a number unbroken."""
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
        sections += [_scores(result, words), _indicators(result, words)]
    return sections


def name_in_text(name: dict[str, str], words: Words) -> str:
    """Name of the territory as a sentence uses it: with its article, or between quotes if it is an own name."""
    text = words.pick(name)
    article = words.article(text.split()[0])
    return f"{article}{text}" if article else words("quoted", text=text)


def _scores(result: Diagnosis, words: Words) -> Section:
    """Write the scores by theme and the city beside others."""
    blocks: list[Block] = [Prose(words("scores_text", nation=nation(result, words)))]
    blocks.append(_score_table(result, words))
    blocks += drawings(result, words, ("strips",))
    blocks += _profile(result, words)
    return Section("municipal-indicators", words("scores_title"), tuple(blocks), level=3)


def _headings(result: Diagnosis, words: Words) -> tuple[str, ...]:
    return (words("column_city"), words("column_territory"), words("column_region"), nation(result, words))


def _score_table(result: Diagnosis, words: Words) -> Table:
    scores = result.table("group_scores")
    intervals = result.table("score_intervals")
    domains = load_catalogue().domains

    counts = result.table("score_framework")["domain"].value_counts()

    def cell(group: str, name: str) -> str:
        text = words.number(scores.at[group, name], 1)
        if group == "country" or (group, name) not in intervals.index:
            return text
        row = intervals.loc[(group, name)]
        return f"{text} ({interval(row['lower'], row['upper'], 1, words)})"

    rows = tuple(
        (
            f"{domains[name].name[words.language]} ({counts[name]})",
            *(cell(group, name) for group in GROUPS),
            grade_cell(result, name),
        )
        for name in scores.columns
    )
    replications = result.facts["indicators"]["replications"]
    note = f"{words('scores_note', n=replications['each'])} {words('grades_where')}"
    if replications["failed"]:
        note += " " + words("replications_failed", n=replications["failed"])
    return Table(
        "scores",
        words("scores_table", nation=nation(result, words)),
        (words("column_theme"), *_headings(result, words), words("column_quality")),
        rows,
        "lrrrrl",
        note,
    )


def _profile(result: Diagnosis, words: Words) -> list[Block]:
    """Set the city beside its comparison group; nothing where the group is too small to compare with."""
    facts = result.facts["indicators"]["profile"]
    catalogue = load_catalogue()
    found = result.table("city_profile")
    own = found[(found["group"] == facts["group"]) & found["telling"].astype(bool)].set_index("indicator")
    own = own[[catalogue[name].scored or name in ALSO_COMPARED for name in own.index]]
    if own.empty:
        return []
    rows = tuple(_profile_row(catalogue[str(name)], row, words) for name, row in own.iterrows())
    header = ("indicator", "city", "group_median", "group_half", "rank")
    names = tuple(words(f"column_{name}") for name in header)
    return [
        Prose(_describe_group(facts, words)),
        Table(
            "profile",
            words("profile_table"),
            (*names, words("column_gap", nation=nation(result, words))),
            rows,
            "lrrrrr",
            words("profile_note"),
        ),
    ]


def _profile_row(item: Indicator, row: pd.Series, words: Words) -> tuple[str, ...]:
    gap = "–" if pd.isna(row["gap"]) else words.signed(row["gap"], item.decimals)
    mark = {"better": " ▲", "worse": " ▼"}.get(str(row["side"]), "") if gap[0] in "+−-" else ""
    return (
        words.with_unit(item.name[words.language], item.unit[words.language]),
        _cell(item, row["value"], words),
        _cell(item, row["median"], words),
        interval(row["lower_quartile"], row["upper_quartile"], item.decimals, words),
        f"{words.number(row['place'])}/{words.number(row['of'])}",
        gap + mark,
    )


def _describe_group(facts: dict[str, Any], words: Words) -> str:
    """Say which municipalities the city is set beside, and how they were found."""
    group, others = facts["group"], int(facts["others"])
    if group != "like":
        return words(f"profile_{group}", n=others)
    above, up_to = words.number(facts["above"]), words.number(facts["up_to"])
    size = (
        words("size_between", above=above, up_to=up_to)
        if facts["up_to"]
        else words("size_above", above=above)
    )
    if facts["step"] == "size_only":
        return words("profile_size_only", n=others, size=size)
    return words("profile_like", n=others, size=size, classes=words.join(facts["classes"]))


def _indicators(result: Diagnosis, words: Words) -> Section:
    """Write one table of indicators a theme."""
    catalogue = load_catalogue()
    groups = result.table("groups")
    like = result.table("capitals").drop(columns="pilot")
    modelled = result.facts["indicators"]["modelled"]
    comparable = [name for name in like if catalogue[name].comparable and name not in modelled]
    directions = pd.Series({name: catalogue[name].direction for name in comparable})
    places = findings.positions(like[comparable], result.city.code, directions)["position"]
    peers = [name for name in PEERS if name in groups.index]
    facts = result.facts["indicators"]
    group = words(f"group_{facts['compared_with']}", n=int(facts["like"]))
    header = (
        words("column_indicator"),
        *_headings(result, words),
        *(words(f"column_{name}") for name in peers),
        words("column_rank"),
        words("column_year"),
    )
    blocks: list[Block] = [Prose(words("indicators_note", group=group))]
    for domain in catalogue.domains.values():
        items = [
            item
            for item in catalogue.select(level="municipality", domain=domain.id)
            if item.id in groups and groups[item.id].notna().any()
        ]
        if items:
            rows = tuple(
                _indicator_row(item, groups[item.id], peers, places.get(item.id), item.id in modelled, words)
                for item in items
            )
            blocks.append(
                Table(
                    f"indicators-{domain.id}",
                    graded_name(result, domain, words),
                    header,
                    rows,
                    "l" + "r" * (len(header) - 1),
                    widths=(NAME_WIDTH, *(NUMBER_WIDTH,) * (len(header) - 3), RANK_WIDTH, NUMBER_WIDTH),
                )
            )
    return Section("indicators", words("indicators_table"), tuple(blocks), level=3)


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
