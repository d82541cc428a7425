"""The proposed areas beside what exists today: official divisions, those of the city, co-operation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis.report.document import Block, Prose, Table
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

DASH = "–"
DECIMALS = 3


def agreement_table(result: Diagnosis, words: Words) -> list[Block]:
    """Set the proposal beside what exists today; nothing where nothing can be compared."""
    existing = result.table("governance_agreement")
    if existing.empty:
        return []
    value = result.facts["governance"]["value"]
    names = (
        "geography",
        "numbers",
        "changing",
        "changing_residents",
        "inside_pair",
        "interaction_pair",
        "divided",
        "likeness",
    )
    table = Table(
        "governance-agreement",
        words("joint_agreement_table"),
        tuple(words(f"column_{name}") for name in names),
        tuple(_row(row, value, words) for row in existing.to_dict("records")),
        "lrrrrrrr",
        words("joint_agreement_note"),
        (2.6, 0.9, 1.3, 1.2, 1.7, 1.6, 1.1, 1),
    )
    return [table, *_higher(result, existing, words)]


def _row(row: dict[str, Any], value: float, words: Words) -> tuple[str, ...]:
    """Write a row; of co-operation only what becomes of its groups."""
    divided = words("joint_of", n=int(row["groups_divided"]), of=words.number(row["groups"]))
    name = str(row[words.language])
    if row["cooperation"]:
        return (name, *[DASH] * 5, divided, DASH)
    changing = words.number(row["municipalities_changing"])
    before, after = (words.percent(row[f"internal_share_{when}"]) for when in ("before", "after"))
    known = pd.notna(row["interaction_before"])
    return (
        name,
        f"{words.number(row['areas_before'])} → {words.number(row['areas_after'])}",
        f"{changing} / {words.number(row['municipalities_compared'])}",
        words.percent(row["residents_changing_share"], 0),
        f"{before} → {after}",
        f"{words.number(row['interaction_before'], DECIMALS)} → {words.number(value, DECIMALS)}"
        if known
        else DASH,
        divided,
        words.number(row["adjusted_rand"], 2) if pd.notna(row["adjusted_rand"]) else DASH,
    )


def _higher(result: Diagnosis, existing: pd.DataFrame, words: Words) -> list[Block]:
    """Name the existing divisions whose interaction is larger than the proposal's, as far as is shown."""
    facts = result.facts["governance"]
    more = existing["interaction_before"].round(DECIMALS) > round(facts["value"], DECIMALS)
    higher = existing[more & ~existing["cooperation"].astype(bool)]
    if higher.empty:
        return []
    # Numbers of areas are those of the municipalities shown, the interaction is that of all.
    key = "joint_agreement_one" if facts["shown_areas"] == facts["areas"] else "joint_agreement_one_shown"
    named = [
        words(
            key,
            name=row[words.language],
            value=words.number(row["interaction_before"], DECIMALS),
            k=int(row["areas_before"]),
            p=int(row["areas_after"]),
        )
        for row in higher.to_dict("records")
    ]
    value = words.number(facts["value"], DECIMALS)
    return [Prose(words("joint_agreement_higher", n=len(named), value=value, names=words.join(named)))]
