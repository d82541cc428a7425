"""The proposals people have saved for a city, beside the computed areas: never as results of the tool."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd

from diagnosis.report.document import Block, Items, Prose, Table
from diagnosis.report.governance_figures import LONGEST_NAME, PROPOSAL_MAP, cut_text
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

MOST_MAPS = 3
LONGEST_NOTE = 300
"""Characters shown of what somebody else wrote."""
DASH = "–"


def write_proposals(result: Diagnosis, words: Words) -> list[Block]:
    """Write what was saved: figures, the authors' notes, maps, and what cannot be shown; nothing where nothing was."""
    proposals = result.tables.get("governance_proposals", pd.DataFrame())
    if proposals.empty:
        return []
    unread = proposals[f"reason_{words.language}"].fillna("") != ""
    shown = proposals[~unread]
    blocks: list[Block] = []
    if len(shown):
        drawn = [str(name) for name in shown.index[:MOST_MAPS]]
        blocks += [
            Prose(words("joint_proposals_text", n=len(shown))),
            _table(result, shown, words),
            *_notes(shown, words),
            *drawings(result, words, *((PROPOSAL_MAP + name,) for name in drawn)),
        ]
        if len(shown) > len(drawn):
            blocks.append(Prose(words("joint_proposals_maps", n=len(drawn), all=len(shown))))
    refused = [
        words(
            "joint_proposals_unread",
            name=cut_text(str(name), LONGEST_NAME),
            reason=row[f"reason_{words.language}"],
        )
        for name, row in proposals[unread].iterrows()
    ]
    return [*blocks, Items(tuple(refused))] if refused else blocks


def _table(result: Diagnosis, proposals: pd.DataFrame, words: Words) -> Table:
    """Tabulate the proposals, those of a function below the areas computed for it."""
    functions = result.table("governance_functions")
    rows: list[tuple[str, ...]] = []
    for function, saved in proposals.groupby("function", sort=False):
        if function in functions.index and pd.notna(functions.at[function, "areas"]):
            rows.append(_computed(functions.loc[function], words))
        named = str(functions[words.language].get(function, function))
        rows += [
            _row(str(name), row, named, words)
            for name, row in zip(saved.index, saved.to_dict("records"), strict=True)
        ]
    names = ("proposal_name", "function", "date", "areas", "interaction", "internal", "broken", "moved")
    return Table(
        "governance-proposals-table",
        words("joint_proposals_table"),
        tuple(words(f"column_{name}") for name in names),
        tuple(rows),
        "lllrrrrr",
        words("joint_proposals_note"),
        (2.2, 2, 1.3, 0.9, 1.2, 1.4, 1.1, 1.1),
    )


def _computed(function: pd.Series, words: Words) -> tuple[str, ...]:
    return (
        words("joint_proposals_computed"),
        str(function[words.language]),
        DASH,
        words.number(function["areas"]),
        words.number(function["value"], 3),
        words.percent(function["internal_share"]),
        words.number(0),
        DASH,
    )


def _row(name: str, row: dict[str, Any], function: str, words: Words) -> tuple[str, ...]:
    return (
        _name(name, row, words),
        function,
        _day(row["date"], words),
        _count(row["areas"], words),
        DASH if pd.isna(row["value"]) else words.number(row["value"], 3),
        DASH if pd.isna(row["internal_share"]) else words.percent(row["internal_share"]),
        _count(row["broken"], words),
        _count(row["moved"], words),
    )


def _name(name: str, row: dict[str, Any], words: Words) -> str:
    short = cut_text(name, LONGEST_NAME)
    return words("joint_proposals_edited", name=short) if row["edited"] else short


def _day(text: Any, words: Words) -> str:
    """Write a day as the language does; a text that is none, shortened."""
    try:
        day = datetime.date.fromisoformat(str(text))
    except ValueError:
        return cut_text(str(text), 10) if pd.notna(text) and text else DASH
    return day.strftime("%d/%m/%Y") if words.language == "it" else day.isoformat()


def _count(value: Any, words: Words) -> str:
    return DASH if pd.isna(value) else words.number(value)


def _notes(proposals: pd.DataFrame, words: Words) -> list[Block]:
    written = {
        str(name): cut_text(str(note), LONGEST_NOTE)
        for name, note in proposals["note"].items()
        if pd.notna(note) and str(note).strip()
    }
    texts = tuple(
        words("joint_proposal_note", name=cut_text(name, LONGEST_NAME), note=note)
        for name, note in written.items()
    )
    return [Prose(words("joint_proposals_notes")), Items(texts)] if texts else []
