"""The city's own data and comment: what it brought, beside each other within the territory, marked as its own."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pandas as pd

from diagnosis.catalogue import Catalogue
from diagnosis.report.document import Block, Drawing, FreeText, Pair, Part, Prose, Section, Table
from diagnosis.report.map_figures import OWN_MAP
from diagnosis.report.sections.blocks import drawings, interval
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.sources.own.comment import SAFE_LINK, Run, comment_blocks
from diagnosis.sources.own.indicators import OwnIndicator
from diagnosis.stages.own import merge_catalogue, own_entries

MOST_MAPS = 24
FEWEST_MAPPED = 3
MAPPED_SHARE = 0.5
"""Part of the municipalities of the territory that a map needs."""
PARTS = {"item": "list"}
DASH = "–"


def write_own(result: Diagnosis, words: Words) -> list[Section]:
    """Write the city's own indicators, with their maps and local scores, and its comment; nothing where none are."""
    facts = result.facts["own"]
    entries = own_entries(result.tables)
    comment = write_comment(facts["comment"])
    about = Prose(words("own_comment_note"))
    if not entries:
        return [Section("own", words("own_comment"), (about, comment))] if comment.parts else []
    blocks: list[Block] = [
        Prose(_introduce(facts, words)),
        _table(result, entries, words),
        *_remarks(result, entries, words),
        *_scores(result, words),
        *_maps(result, entries, words),
    ]
    sections = [Section("own", words("own"), tuple(blocks))]
    if comment.parts:
        sections.append(Section("own-comment", words("own_comment"), (about, comment), level=3))
    return sections


def write_comment(text: str) -> FreeText:
    """Take the comment of a city apart into headings, paragraphs and lists, with links to safe addresses only."""
    blocks = [block for block in comment_blocks(text) if any(run.text.strip() for run in block.runs)]
    parts = []
    for kind, members in groupby(blocks, key=lambda block: block.kind):
        lines = [tuple(_safe(run) for run in block.runs) for block in members]
        if kind in ("heading", "paragraph"):
            parts += [Part(kind, (line,)) for line in lines]
        else:
            parts.append(Part(PARTS.get(kind, kind), tuple(lines)))
    return FreeText(tuple(parts))


def _safe(run: Run) -> Run:
    return run if not run.link or SAFE_LINK.fullmatch(run.link) else Run(run.text)


def _introduce(facts: dict[str, Any], words: Words) -> str:
    files = words.join(record["file"] for record in facts["sources"])
    return words("own_text", n=facts["indicators"], files=files)


def _table(result: Diagnosis, entries: dict[str, OwnIndicator], words: Words) -> Table:
    groups, facts = result.table("own_groups"), result.facts["own"]
    catalogue = merge_catalogue(result.tables)
    rows: list[tuple[str, ...]] = []
    for domain in catalogue.domains.values():
        items = [item for item in entries.values() if item.domain == domain.id]
        if items:
            rows.append((domain.name[words.language],))
            rows += [_row(item, groups.loc[item.id], facts["municipalities"], words) for item in items]
    names = ("indicator", "city", "territory", "own_range", "covered", "rank", "year", "source", "licence")
    return Table(
        "own-indicators",
        words("own_table"),
        tuple(words(f"column_{name}") for name in names),
        tuple(rows),
        "lrrrrrrll",
        words("own_note"),
        widths=(2.6, 1.1, 1.1, 1.5, 1, 0.9, 0.9, 1.9, 1.2),
    )


def _row(item: OwnIndicator, values: pd.Series, municipalities: int, words: Words) -> tuple[str, ...]:
    return (
        words.with_unit(item.name[words.language], item.unit[words.language]),
        words("own_withheld") if values["withheld"] else _cell(item, values["city"], words),
        words("own_withheld") if values["telling"] else _cell(item, values["territory"], words),
        interval(values["lowest"], values["highest"], item.decimals, words),
        f"{words.number(values['municipalities'])}/{words.number(municipalities)}",
        DASH
        if pd.isna(values["position"])
        else f"{words.number(values['position'])}/{words.number(values['of'])}",
        item.year,
        item.source_text[words.language] if item.source_text else item.file,
        item.licence or words("licence_not_declared"),
    )


def _cell(item: OwnIndicator, value: float, words: Words) -> str:
    return DASH if pd.isna(value) else words.number(value, item.decimals)


def _remarks(result: Diagnosis, entries: dict[str, OwnIndicator], words: Words) -> list[Block]:
    """Say what is not shown, and why."""
    facts, groups = result.facts["own"], result.table("own_groups")
    texts = []
    if facts["held_back"]:
        texts.append(words("own_held_back", n=facts["held_back"]))
    if telling := [entries[str(name)].name[words.language] for name in groups.index[groups["telling"]]]:
        texts.append(words("own_telling", names=words.join(telling)))
    if facts["outside"]:
        texts.append(words("own_outside", n=facts["outside"]))
    return [Prose(" ".join(texts))] if texts else []


def _scores(result: Diagnosis, words: Words) -> list[Block]:
    """Tabulate the local scores, and say which of the indicators meant for them do not enter; else nothing."""
    framework, scores = result.table("own_framework"), result.table("own_scores")
    if framework.empty:
        return []
    catalogue = merge_catalogue(result.tables)
    left_out = framework[~framework["entered"].astype(bool)]
    reasons = words.join(
        words(
            "own_left_out", name=catalogue[str(name)].name[words.language], reason=words(f"own_reason_{why}")
        )
        for name, why in left_out["reason"].items()
    )
    remark = words("own_unscored", names=reasons) if len(left_out) else ""
    if not len(scores.columns):
        return [Prose(remark)]
    entered = framework[framework["entered"].astype(bool)]
    rows = tuple(_score_row(result, scores[domain], entered, catalogue, words) for domain in scores)
    return [
        Table(
            "own-scores",
            words("own_scores_table"),
            tuple(
                words(f"column_{name}") for name in ("theme", "city", "own_range", "rank", "own_indicators")
            ),
            rows,
            "lrrrl",
            " ".join(filter(None, (words("own_scores_note"), remark))),
            widths=(2, 1, 1.6, 1, 4),
        )
    ]


def _score_row(
    result: Diagnosis, scores: pd.Series, framework: pd.DataFrame, catalogue: Catalogue, words: Words
) -> tuple[str, ...]:
    own = scores[result.city.code]
    names = framework.index[framework["domain"] == scores.name]
    place = DASH if pd.isna(own) else f"{int((scores > own).sum()) + 1}/{words.number(scores.count())}"
    return (
        catalogue.domains[str(scores.name)].name[words.language],
        DASH if pd.isna(own) else words.number(own, 1),
        interval(scores.min(), scores.max(), 1, words),
        place,
        "; ".join(catalogue[str(name)].name[words.language] for name in names),
    )


def _maps(result: Diagnosis, entries: dict[str, OwnIndicator], words: Words) -> list[Block]:
    """Draw a map of each indicator that covers enough municipalities, two in a row; say which have none."""
    values = result.table("own_indicators")
    enough = max(FEWEST_MAPPED, MAPPED_SHARE * len(values))
    drawable = [name for name in entries if values[name].count() >= enough and values[name].nunique() > 1]
    drawn = drawable[:MOST_MAPS]
    figures = drawings(result, words, *((OWN_MAP + name,) for name in drawn))
    maps = [block for block in figures if isinstance(block, Drawing)]
    pairs = zip(maps[::2], maps[1::2], strict=False)
    blocks: list[Block] = [Pair(left, right) for left, right in pairs]
    blocks += maps[len(maps) // 2 * 2 :]
    without = [entries[name].name[words.language] for name in entries if name not in drawable]
    if without:
        blocks.append(Prose(words("own_unmapped", names=words.join(without))))
    if len(drawable) > MOST_MAPS:
        blocks.append(Prose(words("own_maps_first", n=MOST_MAPS, all=len(drawable))))
    return blocks
