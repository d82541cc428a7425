"""Charts as figures of a report: ages, bars, courses, profiles, positions, intervals, influences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.drawing.area_curve import area_curve
from diagnosis.drawing.canvas import (
    ACCENT,
    CONTRAST,
    FAINT,
    INK,
    MUTED,
    RULE,
    SMALL,
    TEXT,
    WIDTH,
    Canvas,
    shorten_text,
    text_width,
    wrap_text,
)
from diagnosis.drawing.courses import course_panels
from diagnosis.drawing.influences import influence_bars
from diagnosis.drawing.intervals import interval_plot
from diagnosis.drawing.profiles import domain_profile, gap_plot
from diagnosis.drawing.pyramid import pyramid
from diagnosis.drawing.rows import LIGHT, round_ticks
from diagnosis.drawing.strips import strip_plot
from diagnosis.errors import InputError, examples
from diagnosis.figure import (
    Figure,
    Heading,
    find_words,
    format_number,
    format_value,
    join_sentences,
)

__all__ = [
    "area_curve",
    "bars",
    "course_panels",
    "domain_profile",
    "gap_plot",
    "influence_bars",
    "interval_plot",
    "pyramid",
    "strip_plot",
    "trend",
]

ROW = 15.0
PANELS = 3
"""Panels of a trend beside each other."""


def bars(
    values: pd.Series,
    *,
    figure_id: str,
    title: str,
    unit: str = "",
    decimals: int = 1,
    language: str = "it",
    source: str = "",
    highlight: str | None = None,
    reference: tuple[str, float] | None = None,
    note: str = "",
) -> Figure:
    """Draw horizontal bars, in the order of `values`, each with its number.

    Parameters
    ----------
    values : pandas.Series
        Numbers indexed by the text of each bar; a missing one says so.
    unit : str, optional
    decimals : int, default 1
    highlight : str, optional
        The bar in the strong colour; without it all are.
    reference : (str, float), optional
        Name and value of a vertical line.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table indexed like `values`: `value`.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    if not len(values):
        raise InputError("A bar chart needs at least one value", "there is none")
    numbers = pd.to_numeric(values).astype(float)
    names = [shorten_text(str(name), 170) for name in values.index]
    left = max(text_width(name, bold=True) for name in names) + 8
    texts = [format_value(value, decimals, language, unit) for value in numbers]
    room = max(text_width(text, TEXT, True) for text in texts) + 8
    ends = [0.0, *numbers.dropna(), *([reference[1]] if reference else [])]
    low, high = min(ends), max(ends)
    scale = (WIDTH - left - room * (2 if low < 0 else 1)) / ((high - low) or 1.0)
    zero = left + (room if low < 0 else 0) - low * scale
    head = 14 if reference else 2
    canvas = Canvas(WIDTH, ROW * len(values) + head + 4)
    top = canvas.height - head
    for number, (name, value, text) in enumerate(zip(names, numbers, texts, strict=True)):
        y = top - (number + 0.5) * ROW
        strong = highlight is None or values.index[number] == highlight
        canvas.write(left - 6, y, name, bold=strong and highlight is not None, align="right")
        if np.isfinite(value):
            start, length = zero + min(value, 0) * scale, abs(value) * scale
            canvas.rectangle(
                start,
                y - 4.5,
                length,
                9,
                ACCENT if strong else LIGHT,
                tooltip=f"{values.index[number]}: {text}",
            )
        at = zero + value * scale if np.isfinite(value) else zero
        side = "right" if np.isfinite(value) and value < 0 else "left"
        canvas.write(
            at + (-4 if side == "right" else 4), y, text, align=side, colour=INK if strong else MUTED
        )
    canvas.line([zero, zero], [top, 2], MUTED, 0.6)
    if reference:
        x = zero + reference[1] * scale
        canvas.line([x, x], [top + 2, 2], INK, 0.8, dashes=(3, 2))
        label = f"{reference[0]} {format_value(reference[1], decimals, language, unit)}"
        side = "right" if x > 0.6 * WIDTH else "left"
        canvas.write(x + (2 if side == "left" else -2), top + 8, label, SMALL, align=side)
    listed = "; ".join(f"{name} {text}" for name, text in zip(values.index, texts, strict=True))
    description = join_sentences(words["chart"].format(title=title), listed)
    table = numbers.rename("value").to_frame()
    return canvas.finish(about, description, table)


def trend(
    series: pd.DataFrame | Mapping[str, pd.DataFrame],
    *,
    figure_id: str,
    title: str,
    highlight: str,
    decimals: int | Mapping[str, int] = 1,
    unit: str = "",
    language: str = "it",
    source: str = "",
    note: str = "",
) -> Figure:
    """Draw courses over the years, one panel an indicator, each line named at its end.

    Parameters
    ----------
    series : pandas.DataFrame or mapping of str to pandas.DataFrame
        Rows are years, columns territories; a mapping gives one panel a table, under its key. Missing
        years leave a gap.
    highlight : str
        The column in the strong colour.
    decimals, unit
        Of the numbers at the ends of the lines; decimals also by panel.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table indexed by year: one column a territory, below the panel if there are several.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    panels = dict(series) if isinstance(series, Mapping) else {"": series}
    panels = {name: _check_years(panel, name or title) for name, panel in panels.items()}
    across = 2 if len(panels) == 4 else min(PANELS, len(panels))
    down = -(-len(panels) // across)
    gap = 16.0
    width = (WIDTH - gap * (across - 1)) / across
    titles = {name: wrap_text(name, width, TEXT, bold=True, lines=3) if name else [] for name in panels}
    head = 6.0 + 10.0 * max(len(rows) for rows in titles.values())
    height = 150.0 if across > 1 else 190.0
    canvas = Canvas(WIDTH, down * height)
    sentences = []
    places = {name: decimals[name] if isinstance(decimals, Mapping) else decimals for name in panels}
    for number, (name, panel) in enumerate(panels.items()):
        left = number % across * (width + gap)
        top = canvas.height - number // across * height
        for line, text in enumerate(titles[name]):
            canvas.write(left, top - 7 - 10 * line, text, TEXT, bold=True)
        _draw_panel(
            canvas,
            panel,
            (left, top - height + 18, left + width, top - head),
            highlight=highlight,
            decimals=places[name],
            unit=unit,
            language=language,
        )
        sentences.append(
            _describe_course(
                panel, name, highlight=highlight, decimals=places[name], unit=unit, language=language
            )
        )
    description = join_sentences(words["chart"].format(title=title), *sentences)
    table = next(iter(panels.values())) if list(panels) == [""] else pd.concat(panels, axis=1)
    return canvas.finish(about, description, table)


def _check_years(panel: pd.DataFrame, name: str) -> pd.DataFrame:
    years = pd.to_numeric(pd.Series(panel.index.astype("str")), errors="coerce")
    if years.isna().any() or years.duplicated().any() or not len(panel):
        raise InputError(
            f"The rows of the trend {name!r} must be different years",
            f"found {examples(map(str, panel.index))}",
        )
    numbers = panel.apply(pd.to_numeric).astype(float)
    numbers.index = pd.Index(years.astype(int), name="year")
    numbers = numbers.sort_index()
    known = np.flatnonzero(numbers.notna().any(axis=1))
    return numbers.iloc[known[0] : known[-1] + 1] if len(known) else numbers


def _draw_panel(
    canvas: Canvas,
    panel: pd.DataFrame,
    box: tuple[float, float, float, float],
    *,
    highlight: str,
    decimals: int,
    unit: str,
    language: str,
) -> None:
    left, bottom, right, top = box
    values = panel.to_numpy(dtype=float)
    if np.isnan(values).all():
        canvas.write(
            (left + right) / 2,
            (bottom + top) / 2,
            find_words(language)["nothing_short"],
            colour=MUTED,
            align="center",
        )
        return
    ticks = round_ticks(float(np.nanmin(values)), float(np.nanmax(values)))
    places = next(d for d in range(6) if np.allclose(np.round(ticks, d), ticks))
    labels = [format_number(tick, places, language) for tick in ticks]
    last = panel.ffill().iloc[-1].dropna()
    names = {name: f"{name} {format_value(value, decimals, language, unit)}" for name, value in last.items()}
    room = min(0.48 * (right - left), max(text_width(text, SMALL, True) for text in names.values()) + 6)
    start = left + max(text_width(label, SMALL) for label in labels) + 5
    end = right - room
    years = panel.index.to_numpy(dtype=float)
    across = (end - start - 4) / ((years[-1] - years[0]) or 1.0)
    up = (top - bottom - 6) / ((ticks[-1] - ticks[0]) or 1.0)
    x, base = start + 2 + (years - years[0]) * across, bottom + 2
    for tick, label in zip(ticks, labels, strict=True):
        y = base + (tick - ticks[0]) * up
        canvas.line([start, end], [y, y], FAINT if tick != ticks[0] else RULE, 0.6)
        canvas.write(start - 4, y, label, SMALL, colour=MUTED, align="right")
    for year in dict.fromkeys((years[0], years[-1])):
        at = start + 2 + (year - years[0]) * across
        canvas.line([at, at], [base, base - 3], RULE, 0.6)
        canvas.write(at, bottom - 8, f"{year:.0f}", SMALL, colour=MUTED, align="center")
    others = [name for name in panel.columns if name != highlight]
    greys = dict(zip(others, (MUTED, CONTRAST, "#9aa5ad", "#6f8f5f") * len(others), strict=False))
    wanted = {}
    for name in [*others, *([highlight] if highlight in panel.columns else [])]:
        colour, strong = greys.get(name, ACCENT), name == highlight
        y = base + (panel[name].to_numpy() - ticks[0]) * up
        known = np.isfinite(y)
        for run in np.split(np.arange(len(y)), np.flatnonzero(np.diff(known.astype(int))) + 1):
            if known[run[0]]:
                canvas.line(x[run], y[run], colour, 2.0 if strong else 1.1, tooltip=str(name))
                if len(run) == 1 or run[-1] == np.flatnonzero(known)[-1]:
                    canvas.circle(x[run[-1]], y[run[-1]], 2.0 if strong else 1.4, colour)
        if known.any():
            wanted[name] = y[known][-1]
    for name, y in _spread(wanted, 8.5, bottom, top).items():
        strong = name == highlight
        text = shorten_text(names[name], right - end - 4, SMALL, strong)
        canvas.write(end + 4, y, text, SMALL, bold=strong, colour=greys.get(name, ACCENT))


def _spread(wanted: Mapping, distance: float, low: float, high: float) -> dict:
    """Heights at least `distance` apart, in the same order, near the wanted ones."""
    order = sorted(wanted, key=wanted.__getitem__)
    y = np.array([wanted[name] for name in order], dtype=float)
    y = np.maximum.accumulate(y - distance * np.arange(len(y))) + distance * np.arange(len(y))
    over = max(0.0, y[-1] - (high - 2)) if len(y) else 0.0
    y = np.minimum(y, y[-1] - over - distance * np.arange(len(y))[::-1]) if over else y
    return dict(zip(order, np.maximum(y, low).tolist(), strict=True))


def _describe_course(
    panel: pd.DataFrame, name: str, *, highlight: str, decimals: int, unit: str, language: str
) -> str:
    if highlight not in panel.columns or panel[highlight].isna().all():
        return ""
    known = panel[highlight].dropna()
    return find_words(language)["trend"].format(
        name=f"{name}, {highlight}" if name else highlight,
        first=format_value(known.iloc[0], decimals, language, unit),
        first_year=known.index[0],
        last=format_value(known.iloc[-1], decimals, language, unit),
        last_year=known.index[-1],
    )
