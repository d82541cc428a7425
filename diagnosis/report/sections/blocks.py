"""Blocks that several sections use."""

from __future__ import annotations

import pandas as pd

from diagnosis.errors import InputError
from diagnosis.report.document import Block, Drawing, Pair
from diagnosis.report.figures import draw
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

NARROW = ("age_pyramid",)
"""Figures that need not the whole width of a page."""


def drawings(result: Diagnosis, words: Words, *rows: tuple[str, ...]) -> list[Block]:
    """Draw figures row by row: one name is a wide figure, two stand side by side.

    A figure whose indicator has no value in the territory, or whose stage failed, is left out: the section on data
    and method says what is missing.
    """
    blocks: list[Block] = []
    for names in rows:
        drawn = []
        for name in names:
            try:
                drawn.append(Drawing(draw(name, result, words.language), wide=name not in NARROW))
            except InputError:
                continue
        blocks += [Pair(drawn[0], drawn[1])] if len(drawn) == 2 else drawn
    return blocks


def interval(lower: float, upper: float, decimals: int, words: Words) -> str:
    """Write an interval: 96.5–98.7; a dash where there is none."""
    if pd.isna(lower) or pd.isna(upper):
        return "–"
    return f"{words.number(lower, decimals)}–{words.number(upper, decimals)}"
