"""Parts of charts made of named rows: names, a scale from left to right, a key along the top."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import (
    ACCENT,
    INK,
    MUTED,
    SMALL,
    TEXT,
    WIDTH,
    Canvas,
    shorten_text,
    text_width,
    wrap_text,
)
from diagnosis.errors import InputError, examples

NAMES = 165.0
"""Most room for the names of rows, in points."""
BAND, RANGE, PEERS = "#dbe6ec", "#b9c6ce", "#a9bac4"
LIGHT = "#a9c6d6"
"""The strong colour made weak: what is drawn beside what matters."""
KEY_LINE = 12.0
HEAD = 70.0
"""Most room for the head of a column of numbers."""


def scale_numbers(
    low: float, high: float, left: float, right: float, pad: float = 0.03
) -> Callable[[float], float]:
    """Map numbers from `low` to `high` onto points from `left` to `right`."""
    span = (high - low) or 1.0
    middle, wide = (low + high) / 2, span * (1 + 2 * pad)

    def position(value: float) -> float:
        return (left + right) / 2 + (value - middle) / wide * (right - left)

    return position


def round_ticks(low: float, high: float, number: int = 4) -> np.ndarray:
    """Round numbers from below `low` to above `high`, about `number` steps apart."""
    span = (high - low) or abs(high) or 1.0
    rough = span / number
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    return np.arange(np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9) + 1) * step


def measure_names(names: pd.Series) -> float:
    """Measure the room in points that the names of rows take, a gap included."""
    return min(NAMES, max(text_width(str(name)) for name in names)) + 10


def measure_column(texts: Iterable[str], head: str, bold: bool = False) -> float:
    """Measure the room in points that a column of numbers takes with its head above it."""
    widths = [text_width(text, TEXT, bold) for text in texts]
    return max([*widths, text_width(shorten_text(head, HEAD, SMALL), SMALL)])


def write_name(canvas: Canvas, name: str, right: float, y: float, *, bold: bool = False) -> None:
    """Write the name of a row, on two lines if it is long, on three smaller ones if it is longer."""
    size, leading, rows = TEXT, 9.0, wrap_text(name, NAMES, TEXT, bold, lines=9)
    if len(rows) > 2:
        size, leading, rows = SMALL, 7.3, wrap_text(name, NAMES, SMALL, bold, lines=3)
    for number, row in enumerate(rows):
        canvas.write(right, y + leading * ((len(rows) - 1) / 2 - number), row, size, bold=bold, align="right")


def check_intervals(table: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    """Put the columns `lower` and `upper` in the order of `index`; both missing where one is.

    Raises
    ------
    diagnosis.errors.InputError
        A column is absent, a label repeated, none is one of `index`, or a lower end lies above its upper end.
    """
    if absent := [column for column in ("lower", "upper") if column not in table.columns]:
        raise InputError("Intervals need the columns lower and upper", f"missing: {examples(absent)}")
    if not table.index.is_unique:
        repeated = table.index[table.index.duplicated()].astype("str")
        raise InputError("Intervals need different row labels", f"repeated: {examples(repeated)}")
    if len(table) and not table.index.isin(index).any():
        raise InputError(
            "Intervals must be indexed as what they belong to",
            f"found {examples(table.index.astype('str'))}, wanted {examples(index.astype('str'))}",
        )
    ends = table[["lower", "upper"]].astype(float).reindex(index)
    if (turned := ends["lower"] > ends["upper"]).any():
        raise InputError(
            "The lower end of an interval must not lie above the upper one",
            f"it does in {examples(index[turned].astype('str'))}",
        )
    ends.loc[~np.isfinite(ends).all(axis=1)] = np.nan
    return ends


def draw_interval(
    canvas: Canvas, ends: tuple[float, float], y: float, colour: str = ACCENT, *, width: float = 1.4
) -> None:
    """Draw a whisker between two places on one height, each end closed by a short bar."""
    canvas.line(ends, [y, y], colour, width)
    for x in ends:
        canvas.line([x, x], [y - 3.2, y + 3.2], colour, width)


def measure_key(entries: list[tuple[str, str]]) -> float:
    """Measure the height in points that the lines of a key take beyond the first."""
    return KEY_LINE * (len(_break_key(entries)) - 1)


def draw_key(canvas: Canvas, entries: list[tuple[str, str]]) -> None:
    """Key along the top of a chart, on as many lines as it needs."""
    y = canvas.height - 8
    for line in _break_key(entries):
        x = 2.0
        for kind, text in line:
            _draw_mark(canvas, kind, x, y)
            canvas.write(x + 19, y, text, colour=MUTED)
            x += 19 + text_width(text) + 12
        y -= KEY_LINE


def _break_key(entries: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    x = 2.0
    for kind, name in entries:
        text = shorten_text(name, 190)
        width = 19 + text_width(text)
        if lines[-1] and x + width > WIDTH:
            lines.append([])
            x = 2.0
        lines[-1].append((kind, text))
        x += width + 12
    return lines


def _draw_mark(canvas: Canvas, kind: str, x: float, y: float) -> None:
    if kind == "dot":
        canvas.circle(x + 7, y, 4.2, ACCENT, "white", line=0.8)
    elif kind == "bar":
        canvas.line([x + 7, x + 7], [y - 5, y + 5], INK, 1.6)
    elif kind == "tick":
        for shift in (3, 6, 8, 12):
            canvas.line([x + shift, x + shift], [y - 4, y + 4], PEERS, 0.7)
    elif kind in ("interval", "whisker"):
        draw_interval(canvas, (x + 1, x + 14), y, ACCENT if kind == "interval" else INK)
    elif kind in ("band", "strong", "weak"):
        fill = {"band": BAND, "strong": ACCENT, "weak": LIGHT}[kind]
        canvas.rectangle(x, y - 3.5, 15, 7, fill)
    else:
        canvas.line([x, x + 15], [y, y], RANGE, 0.8)
