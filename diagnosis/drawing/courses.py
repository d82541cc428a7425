"""Small charts of courses on one scale: levels and movements can be compared from panel to panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

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
from diagnosis.drawing.rows import round_ticks, scale_numbers
from diagnosis.errors import InputError, examples
from diagnosis.figure import Figure, Heading, format_number, join_sentences

ACROSS = 3
GAP = 18.0
PLOT = 84.0
"""Height of the lines of a panel in points."""
LINE = 9.0
STEPS = 7
"""About so many steps between the ticks."""
KEY = 20.0
GREYS = (MUTED, CONTRAST, "#9aa5ad", "#6f8f5f")
"""Colours of the lines beside the highlighted one, in turn."""


def course_panels(
    panels: Mapping[str, pd.DataFrame],
    *,
    highlight: str,
    figure_id: str,
    title: str,
    reference: float | None = 100.0,
    notes: Mapping[str, str] | None = None,
    decimals: int = 1,
    language: str = "it",
    source: str = "",
    note: str = "",
) -> Figure:
    """Draw scores over the years, one small chart a domain, all on the same scale.

    Unlike :func:`diagnosis.charts.trend`, whose panels hold indicators in units of their own, so that each has its
    own scale: here the same slope is the same number of points everywhere, and a small movement looks small.

    Parameters
    ----------
    panels : mapping of str to pandas.DataFrame
        Under the name of each panel, rows years without gaps and columns territories, the same in every panel;
        missing where there is no score. The years may differ from panel to panel.
    highlight : str
        The column in the strong colour.
    reference : float, optional
        Level of a dashed line.
    notes : mapping of str to str, optional
        A line below the name of a panel, for instance whether a change holds under every choice.
    decimals : int, default 1
        Of the numbers at the ends of the lines.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table with one row a panel and year: a column a territory.

    Raises
    ------
    diagnosis.errors.InputError
        No panel, no such column, other columns in some panel, or years that are not whole, ascending numbers.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    tables = {name: _check_panel(panel, name, highlight) for name, panel in panels.items()}
    if not tables:
        raise InputError("Courses need at least one panel", "there is none")
    territories = list(next(iter(tables.values())).columns)
    if others := [name for name, table in tables.items() if list(table.columns) != territories]:
        raise InputError("Every panel needs the same territories", f"others in {examples(others)}")
    said = notes or {}
    width = (WIDTH - GAP * (ACROSS - 1)) / ACROSS
    heads = {name: wrap_text(name, width, TEXT, bold=True, lines=2) for name in tables}
    remarks = {name: wrap_text(said.get(name, ""), width, SMALL, lines=2) for name in tables}
    head = LINE * (max(map(len, heads.values())) + max(map(len, remarks.values()))) + 6
    height = head + PLOT + 24
    down = -(-len(tables) // ACROSS)
    canvas = Canvas(WIDTH, KEY + down * height)
    colours = _choose_colours(territories, highlight)
    _draw_key(canvas, colours, highlight)
    numbers = np.concatenate([table.to_numpy().ravel() for table in tables.values()])
    numbers = np.append(numbers[np.isfinite(numbers)], [] if reference is None else reference)
    ticks = (
        round_ticks(float(numbers.min()), float(numbers.max()), STEPS)
        if len(numbers)
        else np.array([0.0, 1.0])
    )
    for number, (name, table) in enumerate(tables.items()):
        left = number % ACROSS * (width + GAP)
        top = canvas.height - KEY - number // ACROSS * height
        lines = [(text, True) for text in heads[name]] + [(text, False) for text in remarks[name]]
        for row, (text, strong) in enumerate(lines):
            size, colour = (TEXT, INK) if strong else (SMALL, MUTED)
            canvas.write(left, top - 5 - LINE * row, text, size, bold=strong, colour=colour)
        bottom = top - head - PLOT
        rise = scale_numbers(ticks[0], ticks[-1], bottom, bottom + PLOT, pad=0.0)
        if table.notna().to_numpy().any():
            _draw_lines(
                canvas, table, (left, left + width), rise, ticks, colours, reference, decimals, language
            )
        else:
            canvas.write(
                left + width / 2, bottom + PLOT / 2, words["nothing_short"], colour=MUTED, align="center"
            )
    sentences = [
        _describe(table, name, highlight, said, decimals, language) for name, table in tables.items()
    ]
    description = join_sentences(words["chart"].format(title=title), *sentences)
    return canvas.finish(about, description, _to_table(tables))


def _check_panel(panel: pd.DataFrame, name: str, highlight: str) -> pd.DataFrame:
    years = pd.to_numeric(pd.Series(panel.index.astype("str")), errors="coerce")
    if (
        not len(panel)
        or years.isna().any()
        or (years % 1 != 0).any()
        or not (years.diff().dropna() > 0).all()
    ):
        raise InputError(
            f"The rows of the panel {name!r} must be years in ascending order",
            f"found {examples(map(str, panel.index))}",
        )
    if highlight not in panel.columns:
        raise InputError(
            f"The panel {name!r} needs the highlighted column {highlight!r}",
            f"the columns are {examples(map(str, panel.columns))}",
        )
    return panel.apply(pd.to_numeric).astype(float).set_axis(pd.Index(years.astype(int), name="year"))


def _to_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a panel and year; years as text, which no number format touches."""
    table = pd.concat(tables, names=["panel", "year"])
    return table.rename(index=str, level="year")


def _choose_colours(territories: list[str], highlight: str) -> dict[str, str]:
    """Colour of each territory, the highlighted one last so that its line lies on top."""
    others = [name for name in territories if name != highlight]
    return {name: GREYS[number % len(GREYS)] for number, name in enumerate(others)} | {highlight: ACCENT}


def _draw_key(canvas: Canvas, colours: Mapping[str, str], highlight: str) -> None:
    x, y = 0.0, canvas.height - 7
    for name in reversed(list(colours)):
        strong = name == highlight
        text = shorten_text(name, WIDTH / len(colours) - 32, TEXT, strong)
        canvas.line([x, x + 14], [y, y], colours[name], 2.0 if strong else 1.1)
        canvas.write(x + 18, y, text, bold=strong, colour=colours[name])
        x += 32 + text_width(text, TEXT, strong)


def _draw_lines(
    canvas: Canvas,
    table: pd.DataFrame,
    sides: tuple[float, float],
    rise: Callable[[float], float],
    ticks: np.ndarray,
    colours: Mapping[str, str],
    reference: float | None,
    decimals: int,
    language: str,
) -> None:
    places = next(number for number in range(6) if np.allclose(np.round(ticks, number), ticks))
    labels = [format_number(tick, places, language) for tick in ticks]
    ends = {name: format_number(table[name].dropna().iloc[-1], decimals, language) for name in _scored(table)}
    start = sides[0] + max(text_width(label, SMALL) for label in labels) + 5
    stop = sides[1] - max(text_width(text, SMALL, True) for text in ends.values()) - 6
    for tick, label in zip(ticks, labels, strict=True):
        canvas.line([start, stop], [rise(tick)] * 2, FAINT if tick != ticks[0] else RULE, 0.6)
        canvas.write(start - 4, rise(tick), label, SMALL, colour=MUTED, align="right")
    if reference is not None:
        canvas.line([start, stop], [rise(reference)] * 2, INK, 0.7, dashes=(3, 2))
    years = table.index.to_numpy(dtype=float)
    x = start + 2 + (years - years[0]) * (stop - start - 4) / ((years[-1] - years[0]) or 1.0)
    for place, side, shift in ((0, "left", -2), (-1, "right", 2))[: min(len(years), 2)]:
        at = float(x[place])
        canvas.line([at, at], [rise(ticks[0]), rise(ticks[0]) - 3], RULE, 0.6)
        canvas.write(at + shift, rise(ticks[0]) - 8, f"{years[place]:.0f}", SMALL, colour=MUTED, align=side)
    wanted = {}
    for name, colour in colours.items():
        heights = np.array([rise(value) for value in table[name]])
        known = np.flatnonzero(np.isfinite(heights))
        if not len(known):
            continue
        strong = colour == ACCENT
        for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
            if len(run) > 1:
                canvas.line(x[run], heights[run], colour, 2.0 if strong else 1.1)
            if len(run) == 1 or run[-1] == known[-1]:
                canvas.circle(x[run[-1]], heights[run[-1]], 2.0 if strong else 1.4, colour)
        wanted[name] = float(heights[known[-1]])
    for name, y in _space_out(wanted, 7.5).items():
        strong = colours[name] == ACCENT
        canvas.write(stop + 4, y, ends[name], SMALL, bold=strong, colour=colours[name])


def _scored(table: pd.DataFrame) -> list[str]:
    return [name for name in table if table[name].notna().any()]


def _space_out(wanted: Mapping[str, float], distance: float) -> dict[str, float]:
    """Heights at least `distance` apart, in the same order, groups that touch kept around their middle."""
    groups: list[list[tuple[str, float]]] = []
    for item in sorted(wanted.items(), key=lambda entry: entry[1]):
        groups.append([item])
        while (
            len(groups) > 1
            and _spread(groups[-1], distance)[0] - _spread(groups[-2], distance)[-1] < distance
        ):
            groups[-2:] = [groups[-2] + groups[-1]]
    return {
        name: height
        for group in groups
        for (name, _), height in zip(group, _spread(group, distance), strict=True)
    }


def _spread(group: list[tuple[str, float]], distance: float) -> list[float]:
    """Heights of one group, `distance` apart around the mean of those wanted."""
    middle = sum(y for _, y in group) / len(group)
    return [middle + distance * (place - (len(group) - 1) / 2) for place in range(len(group))]


def _describe(
    table: pd.DataFrame, name: str, highlight: str, notes: Mapping[str, str], decimals: int, language: str
) -> str:
    """Say in words what the panel shows: each territory's first and last score, and the note."""
    known = {column: table[column].dropna() for column in [highlight, *table.columns.drop(highlight)]}
    parts = [
        f"{column} {format_number(own.iloc[0], decimals, language)} ({own.index[0]}), "
        f"{format_number(own.iloc[-1], decimals, language)} ({own.index[-1]})"
        for column, own in known.items()
        if len(own)
    ]
    return ": ".join([name, "; ".join([*parts, *filter(None, [notes.get(name, "")])])]) if parts else ""
