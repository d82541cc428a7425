"""Parts of charts made of named rows: names, a scale from left to right, a key along the top."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from diagnosis.drawing.canvas import (
    ACCENT,
    INK,
    MUTED,
    SMALL,
    TEXT,
    Canvas,
    shorten_text,
    text_width,
    wrap_text,
)

NAMES = 165.0
"""Most room for the names of rows, in points."""
BAND, RANGE, PEERS = "#dbe6ec", "#b9c6ce", "#a9bac4"


def scale_numbers(
    low: float, high: float, left: float, right: float, pad: float = 0.03
) -> Callable[[float], float]:
    """Map numbers from `low` to `high` onto points from `left` to `right`."""
    span = (high - low) or 1.0
    middle, wide = (low + high) / 2, span * (1 + 2 * pad)

    def position(value: float) -> float:
        return (left + right) / 2 + (value - middle) / wide * (right - left)

    return position


def measure_names(names: pd.Series) -> float:
    """Measure the room in points that the names of rows take, a gap included."""
    return min(NAMES, max(text_width(str(name)) for name in names)) + 10


def write_name(canvas: Canvas, name: str, right: float, y: float) -> None:
    """Write the name of a row, on two lines if it is long, on three smaller ones if it is longer."""
    size, leading, rows = TEXT, 9.0, wrap_text(name, NAMES, lines=9)
    if len(rows) > 2:
        size, leading, rows = SMALL, 7.3, wrap_text(name, NAMES, SMALL, lines=3)
    for number, row in enumerate(rows):
        canvas.write(right, y + leading * ((len(rows) - 1) / 2 - number), row, size, align="right")


def draw_key(canvas: Canvas, entries: list[tuple[str, str]]) -> None:
    """Key along the top of a chart."""
    x, y = 2.0, canvas.height - 8
    for kind, name in entries:
        if kind == "dot":
            canvas.circle(x + 7, y, 4.2, ACCENT, "white", line=0.8)
        elif kind == "bar":
            canvas.line([x + 7, x + 7], [y - 5, y + 5], INK, 1.6)
        elif kind == "tick":
            for shift in (3, 6, 8, 12):
                canvas.line([x + shift, x + shift], [y - 4, y + 4], PEERS, 0.7)
        elif kind == "band":
            canvas.rectangle(x, y - 3.5, 15, 7, BAND)
        else:
            canvas.line([x, x + 15], [y, y], RANGE, 0.8)
        text = shorten_text(name, 150)
        canvas.write(x + 19, y, text, colour=MUTED)
        x += 19 + text_width(text) + 12
