"""The key of the curve of areas, and the marks that stand in it and in the chart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import ACCENT, CONTRAST, INK, MUTED, WIDTH, Canvas, text_width
from diagnosis.figure import format_number

DOT = 2.6
LINE = 14.0
OPTIMAL = "optimal"


def draw_arrow(canvas: Canvas, x: float, start: float, top: float) -> None:
    """Draw a whisker that goes on beyond the upper end of the panel."""
    canvas.line([x, x], [start, top - 6], MUTED, 0.8)
    canvas.outline(np.array([(x - 3, top - 7), (x + 3, top - 7), (x, top - 1)]), MUTED)


def list_marks(
    table: pd.DataFrame, cut: np.ndarray, words: Mapping[str, str], language: str
) -> list[tuple[str, str]]:
    """List the kinds of marks that the chart has, with what they mean; `cut` says which bounds lie beyond the scale."""
    proven = table["status"] == OPTIMAL
    marks = [("chosen", words["proposal_key"])]
    marks += [("proven", words["proven"])] if proven.any() else []
    marks += [("found", words["found"])] if not proven.all() else []
    shown = np.isfinite(table["bound"]) & ~cut & ~proven
    marks += [("bound", words["bound"])] if shown.any() else []
    if cut.any():
        off = table["bound"][cut]
        ends = [format_number(end, 2, language) for end in (off.min(), off.max())]
        span = ends[0] if ends[0] == ends[1] else words["from_to"].format(*ends)
        marks.append(("cut", words["cut"].format(span)))
    return marks


def measure_key(marks: list[tuple[str, str]]) -> float:
    """Measure the height of the key in points."""
    return LINE * (1 + max(row for row, _, _, _ in _lay_key(marks)))


def _lay_key(marks: list[tuple[str, str]]) -> list[tuple[int, float, str, str]]:
    """Line and left end of each entry of the key."""
    placed: list[tuple[int, float, str, str]] = []
    row, x = 0, 0.0
    for kind, text in marks:
        width = 14 + text_width(text) + 14
        if placed and x + width > WIDTH:
            row, x = row + 1, 0.0
        placed.append((row, x, kind, text))
        x += width
    return placed


def draw_key(canvas: Canvas, marks: list[tuple[str, str]]) -> None:
    """Draw the key along the top, on as many lines as it needs."""
    for row, left, kind, text in _lay_key(marks):
        x, y = left + 5, canvas.height - LINE * (row + 0.5)
        if kind == "chosen":
            canvas.circle(x, y, DOT + 2, "white", CONTRAST, line=1.4)
        elif kind in ("proven", "found"):
            canvas.circle(x, y, DOT, ACCENT if kind == "proven" else "white", ACCENT, line=1.1)
        elif kind == "bound":
            canvas.line([x, x], [y - 4, y + 3], MUTED, 0.8)
            canvas.line([x - 3, x + 3], [y + 3, y + 3], MUTED, 1.2)
        else:
            draw_arrow(canvas, x, y - 4, y + 6)
        canvas.write(left + 14, y, text, colour=INK)
