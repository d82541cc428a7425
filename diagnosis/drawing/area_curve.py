"""What each number of areas is worth: interaction within areas, how good it may be at best, and who stays inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import (
    ACCENT,
    CONTRAST,
    FAINT,
    MUTED,
    RULE,
    SMALL,
    TEXT,
    WIDTH,
    Box,
    Canvas,
    text_box,
    text_width,
    wrap_text,
)
from diagnosis.drawing.curve_key import DOT, OPTIMAL, draw_arrow, draw_key, list_marks, measure_key
from diagnosis.drawing.labels import Label, place_labels, write_labels
from diagnosis.drawing.rows import round_ticks, scale_numbers
from diagnosis.errors import InputError, examples
from diagnosis.figure import Figure, Heading, find_words, format_number, format_value, join_sentences

WIDER, GAP = 268.0, 26.0
"""Width of the panel of the interaction; the other one has the rest."""
PLOT, HEAD, FOOT = 138.0, 26.0, 26.0
DECIMALS = 3
RING = 5.6
OFF = (0.0, 6.0, 12.0)
"""Points that a label may lie off its point, where the curve leaves no room beside it."""
ENDS = 16.0
"""Room on both sides of the curve, for labels."""
STEP = 5.0
"""Points between the places of a curve that labels keep off."""
REACH = 1.5
"""Bounds above the largest value by more than so many times the range of the values are cut off: they would flatten
the curve."""
FLAT = 0.25
"""The same as a share of the largest value, where the values hardly differ."""
COLUMNS = ("value", "bound", "status", "internal_share", "chosen", "best")
WORDS = {
    "it": {
        "interaction": "Interazione dentro gli ambiti",
        "internal": "Pendolari che restano nel proprio ambito",
        "number": "Numero di ambiti",
        "proven": "valore massimo, dimostrato",
        "found": "il migliore trovato",
        "bound": "limite che nessuna soluzione supera",
        "cut": "limite oltre la scala ({})",
        "proposal_key": "proposta",
        "chosen": "proposta: {}",
        "best": "interazione più alta: {}",
        "both": "proposta e interazione più alta: {}",
        "chosen_short": "proposta: {}",
        "best_short": "più alta: {}",
        "both_short": "proposta, la più alta: {}",
        "with": "con {}: {}",
        "areas": "{} ambiti",
        "area": "{} ambito",
        "proposal": "La proposta ha {areas}: interazione {value}{proven}, pendolari interni {share}",
        "is_proven": " (dimostrata massima)",
        "is_found": " (la migliore trovata)",
        "largest": "L'interazione più alta è {value}, con {areas}; la più bassa {low}, con {low_areas}",
    },
    "en": {
        "interaction": "Interaction within areas",
        "internal": "Commuters who stay in their area",
        "number": "Number of areas",
        "proven": "largest value, proven",
        "found": "best one found",
        "bound": "bound that no solution exceeds",
        "cut": "bound beyond the scale ({})",
        "proposal_key": "proposal",
        "chosen": "proposal: {}",
        "best": "largest interaction: {}",
        "both": "proposal and largest interaction: {}",
        "chosen_short": "proposal: {}",
        "best_short": "largest: {}",
        "both_short": "proposal, the largest: {}",
        "with": "with {}: {}",
        "areas": "{} areas",
        "area": "{} area",
        "proposal": "The proposal has {areas}: interaction {value}{proven}, internal commuters {share}",
        "is_proven": " (proven largest)",
        "is_found": " (best one found)",
        "largest": "The largest interaction is {value}, with {areas}; the smallest {low}, with {low_areas}",
    },
}


def area_curve(
    curve: pd.DataFrame,
    *,
    figure_id: str,
    title: str,
    language: str = "it",
    source: str = "",
    note: str = "",
) -> Figure:
    """Draw the interaction by number of areas with its bounds, and beside it the share of internal commuters.

    Parameters
    ----------
    curve : pandas.DataFrame
        Index: number of areas, whole and ascending, at least two. `value`; `bound`, infinite or missing where there
        is none; `status`, ``optimal`` where the value is proven to be the largest; `internal_share`, 0 to 1, may be
        missing; `chosen` and `best`, true in one row each: the proposal, and the largest interaction.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table indexed by `areas`: `value`, `bound`, `proven`, `internal_share`, `chosen`, `best`. A bound far above the
        values is an arrow at the upper end, told in the key: a scale that held it would flatten the curve.

    Raises
    ------
    diagnosis.errors.InputError
        A column is missing, the index is not made of whole, ascending numbers, there are fewer than two, a value is
        missing, or not exactly one row is chosen and one the best.
    """
    about = Heading(figure_id, title, language, source, note)
    words = {**find_words(language), **WORDS[language]}
    table = _check_curve(curve)
    value, bound = table["value"], table["bound"]
    low, high, cut = _find_scale(table)
    marks = list_marks(table, cut, words, language)
    canvas = Canvas(WIDTH, PLOT + HEAD + FOOT + measure_key(marks))
    draw_key(canvas, marks)
    bottom = FOOT
    left_box = (0.0, bottom, WIDER, bottom + PLOT)
    right_box = (WIDER + GAP, bottom, WIDTH, bottom + PLOT)
    across, rise = _draw_axes(
        canvas, left_box, words["interaction"], (low, high), table.index, "", words, language
    )
    x = np.array([across(number) for number in table.index])
    y = np.array([rise(number) for number in value])
    _mark_chosen(canvas, x[table["chosen"]][0], left_box)
    for at, start, end, off in zip(x, y, bound, cut, strict=True):
        if off:
            draw_arrow(canvas, at, start, left_box[3])
        elif np.isfinite(end) and rise(end) - start > DOT:
            canvas.line([at, at], [start, rise(end)], MUTED, 0.8)
            canvas.line([at - 3, at + 3], [rise(end)] * 2, MUTED, 1.2)
    _draw_points(canvas, table, x, y, language, DECIMALS, "")
    taken = _keep_clear(x, y, bound.map(rise).mask(cut, left_box[3]))
    line = _trace_line(x[table["chosen"]][0], left_box)
    write_labels(canvas, _name_points(table, x, y, (left_box, taken, line), words, language))
    _draw_shares(canvas, table, right_box, words, language)
    shown = table.drop(columns="status")
    shown.insert(2, "proven", table["status"] == OPTIMAL)
    return canvas.finish(about, _describe(title, table, words, language), shown)


def _check_curve(curve: pd.DataFrame) -> pd.DataFrame:
    if absent := [name for name in COLUMNS if name not in curve]:
        raise InputError("The curve of the areas needs more columns", f"missing: {examples(absent)}")
    numbers = pd.to_numeric(pd.Series(curve.index), errors="coerce").to_numpy(dtype=float)
    if np.isnan(numbers).any() or (numbers % 1 != 0).any() or (np.diff(numbers) <= 0).any():
        raise InputError(
            "The rows of a curve must be numbers of areas in ascending order",
            f"found {examples(map(str, curve.index))}",
        )
    if len(curve) < 2:
        raise InputError("A curve needs at least two numbers of areas", f"there is {len(curve)}")
    table = curve[list(COLUMNS)].set_axis(pd.Index(numbers.astype(int), name="areas"))
    for name in ("value", "bound", "internal_share"):
        table[name] = pd.to_numeric(table[name]).astype(float)
    if not np.isfinite(table["value"]).all():
        raise InputError(
            "Every number of areas needs a value",
            f"without one: {examples(map(str, table.index[table['value'].isna()]))}",
        )
    for name in ("chosen", "best"):
        table[name] = table[name].astype(bool)
        if table[name].sum() != 1:
            raise InputError(f"One number of areas must be {name}", f"{int(table[name].sum())} are")
    return table


def _find_scale(table: pd.DataFrame) -> tuple[float, float, np.ndarray]:
    """Find the ends of the scale, and which finite bounds lie beyond it."""
    value, bound = table["value"].to_numpy(), table["bound"].to_numpy()
    low, top = float(value.min()), float(value.max())
    limit = top + max(REACH * (top - low), FLAT * abs(top))
    finite = np.isfinite(bound)
    cut = finite & (bound > limit)
    high = float(max(top, *bound[finite & ~cut])) if (finite & ~cut).any() else top
    return low, high, cut


def _draw_axes(
    canvas: Canvas,
    box: Box,
    title: str,
    ends: tuple[float, float],
    numbers: pd.Index,
    unit: str,
    words: Mapping[str, str],
    language: str,
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Draw title, ticks and both scales of a panel; return the scales."""
    left, bottom, right, top = box
    ticks = round_ticks(*ends)
    places = next(
        number for number in range(7) if np.allclose(np.round(ticks, number), ticks, rtol=0, atol=1e-9)
    )
    texts = [format_value(tick, places, language, unit) for tick in ticks]
    start = left + max(text_width(text, SMALL) for text in texts) + 6
    rise = scale_numbers(float(ticks[0]), float(ticks[-1]), bottom, top - 14, pad=0.0)
    across = scale_numbers(float(numbers[0]), float(numbers[-1]), start + ENDS, right - ENDS, pad=0.0)
    rows = wrap_text(title, right - left, TEXT, bold=True, lines=2)
    for row, text in enumerate(rows):
        canvas.write(left, top + HEAD - 9 - 9 * row, text, TEXT, bold=True)
    for tick, text in zip(ticks, texts, strict=True):
        canvas.line([start, right], [rise(tick)] * 2, RULE if tick == ticks[0] else FAINT, 0.6)
        canvas.write(start - 4, rise(tick), text, SMALL, colour=MUTED, align="right")
    room = max(text_width(f"{number}", SMALL) for number in numbers) + 5
    step = across(numbers[0] + 1) - across(numbers[0])
    every = max(1, int(np.ceil(room / step)))
    for number in numbers:
        at = across(number)
        canvas.line([at, at], [bottom, bottom - 2.5], RULE, 0.6)
        if (number - numbers[0]) % every == 0:
            canvas.write(at, bottom - 8, f"{number}", SMALL, colour=MUTED, align="center")
    canvas.write((start + right) / 2, bottom - 19, words["number"], SMALL, colour=MUTED, align="center")
    return across, rise


def _mark_chosen(canvas: Canvas, x: float, box: Box) -> None:
    canvas.line([x, x], [box[1], box[3]], CONTRAST, 0.8, dashes=(3, 2))


def _draw_points(
    canvas: Canvas,
    table: pd.DataFrame,
    x: np.ndarray,
    y: np.ndarray,
    language: str,
    decimals: int,
    unit: str,
) -> None:
    """Draw a line between neighbouring numbers of areas, the points on it and a ring around the proposal."""
    known = np.flatnonzero(np.isfinite(y))
    for run in np.split(known, np.flatnonzero(np.diff(table.index[known]) > 1) + 1):
        if len(run) > 1:
            canvas.line(x[run], y[run], ACCENT, 1.0)
    for place in known:
        number, row = table.index[place], table.iloc[place]
        amount = row["value"] if not unit else 100 * row["internal_share"]
        if row["chosen"]:
            canvas.circle(x[place], y[place], RING, "white", CONTRAST, line=1.4)
        canvas.circle(
            x[place],
            y[place],
            DOT,
            ACCENT if row["status"] == OPTIMAL else "white",
            ACCENT,
            line=1.1,
            tooltip=f"{number}: {format_value(amount, decimals, language, unit)}",
        )


def _keep_clear(x: np.ndarray, y: np.ndarray, ends: pd.Series) -> list[Box]:
    """Small boxes along the curve and its whiskers, for labels to keep off."""
    known = np.flatnonzero(np.isfinite(y))
    across = np.arange(x[known[0]], x[known[-1]], STEP)
    spots = [*zip(across, np.interp(across, x[known], y[known]), strict=True)]
    for at, start, end in zip(x[known], y[known], ends.to_numpy()[known], strict=True):
        if np.isfinite(end):
            spots += [(at, up) for up in np.arange(start, end + STEP, STEP)]
    boxes = [(a - 0.3, b - 0.3, a + 0.3, b + 0.3) for a, b in spots]
    reach = DOT - 2.0  # a label keeps its own distance, and must not be kept off by its own point
    return boxes + [(x[i] - reach, y[i] - reach, x[i] + reach, y[i] + reach) for i in known]


def _trace_line(x: float, box: Box) -> list[Box]:
    """Boxes along the dashed line of the proposal, which labels cross only where there is no other room."""
    return [(x - 0.3, up - 0.3, x + 0.3, up + 0.3) for up in np.arange(box[1], box[3], STEP)]


def _name_points(
    table: pd.DataFrame,
    x: np.ndarray,
    y: np.ndarray,
    room: tuple[Box, list[Box], list[Box]],
    words: Mapping[str, str],
    language: str,
) -> list[Label]:
    """Place the labels of the proposal and of the largest interaction; shorter where words find no room."""
    placed: list[Label] = []
    ends = _ends_of(table)
    for place, strong in ends:
        value = format_number(table["value"].iloc[place], DECIMALS, language)
        key = "both" if len(ends) == 1 else "chosen" if strong else "best"
        told = f"{words[key].format(_count(table.index[place], words))} ({value})"
        short = words[f"{key}_short"].format(value)
        placed += _place_label((told, short, value), (float(x[place]), float(y[place])), strong, *room)
    return placed


def _place_label(
    texts: Iterable[str],
    at: tuple[float, float],
    strong: bool,
    frame: Box,
    taken: list[Box],
    line: list[Box],
) -> list[Label]:
    """Place the first of some texts that finds room beside a point, or a little off; note the room it takes."""
    for avoided, text, off in product(([*taken, *line], taken), texts, OFF):
        clear = off + (RING if strong else DOT + 1)
        if found := place_labels([Label(text, at, SMALL, strong, clear=clear)], frame, avoided):
            taken.append(text_box(*found[0].place, text, SMALL, strong))
            return found
    return []


def _draw_shares(
    canvas: Canvas, table: pd.DataFrame, box: Box, words: Mapping[str, str], language: str
) -> None:
    """Draw the second panel: the share of internal commuters."""
    share = 100 * table["internal_share"]
    known = share.dropna()
    if known.empty:
        canvas.write(
            (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, words["nothing_short"], colour=MUTED, align="center"
        )
        return
    ends = float(known.min()), float(known.max())
    across, rise = _draw_axes(canvas, box, words["internal"], ends, table.index, "%", words, language)
    x = np.array([across(number) for number in table.index])
    y = np.array([rise(number) for number in share])
    _mark_chosen(canvas, x[table["chosen"]][0], box)
    _draw_points(canvas, table, x, y, language, 1, "%")
    taken = _keep_clear(x, y, pd.Series(np.nan, index=table.index))
    line = _trace_line(x[table["chosen"]][0], box)
    for place, strong in _ends_of(table):
        if np.isfinite(y[place]):
            text = format_value(share.iloc[place], 1, language, "%")
            told = words["with"].format(table.index[place], text), f"{table.index[place]}: {text}"
            at = float(x[place]), float(y[place])
            write_labels(canvas, _place_label(told, at, strong, box, taken, line))


def _ends_of(table: pd.DataFrame) -> list[tuple[int, bool]]:
    """Positions of the proposal (strong) and of the largest interaction."""
    chosen, best = (int(np.flatnonzero(table[name])[0]) for name in ("chosen", "best"))
    return [(chosen, True)] + ([(best, False)] if best != chosen else [])


def _count(number: Any, words: Mapping[str, str]) -> str:
    return words["area" if number == 1 else "areas"].format(number)


def _describe(title: str, table: pd.DataFrame, words: Mapping[str, str], language: str) -> str:
    chosen, best, worst = table["chosen"].idxmax(), table["best"].idxmax(), table["value"].idxmin()
    value = {number: format_number(table["value"][number], DECIMALS, language) for number in table.index}
    proven = words["is_proven" if table["status"][chosen] == OPTIMAL else "is_found"]
    return join_sentences(
        words["chart"].format(title=title),
        words["proposal"].format(
            areas=_count(chosen, words),
            value=value[chosen],
            proven=proven,
            share=format_value(100 * table["internal_share"][chosen], 1, language, "%"),
        ),
        words["largest"].format(
            value=value[best], areas=_count(best, words), low=value[worst], low_areas=_count(worst, words)
        ),
    )
