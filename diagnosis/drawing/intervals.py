"""Chart of ranks or scores with their intervals, one row a unit or a domain."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    SMALL,
    TEXT,
    WIDTH,
    Canvas,
    shorten_text,
    text_width,
)
from diagnosis.drawing.rows import (
    HEAD,
    NAMES,
    PEERS,
    check_intervals,
    draw_interval,
    draw_key,
    measure_column,
    measure_key,
    measure_names,
    round_ticks,
    scale_numbers,
    write_name,
)
from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.figure import (
    Figure,
    Heading,
    clean_text,
    find_words,
    format_interval,
    format_number,
    join_sentences,
)

LISTED, NAMED = 15, 40
"""Most rows with names on several lines, and most rows that are all named."""
EVERY = 10
"""Of more rows than that, each tenth is named beside the first, the last and the highlighted one."""
GROUP = 15.0


@dataclass(frozen=True)
class _Manner:
    """Height of a row, radius of its dot and size of its name in points, by the number of rows."""

    pitch: float
    radius: float
    size: float


def interval_plot(
    rows: pd.DataFrame,
    *,
    figure_id: str,
    title: str,
    scale: str = "rank",
    highlight: Hashable | None = None,
    sort: bool = False,
    reference: float | None = None,
    reference_name: str = "",
    nominal_name: str = "",
    interval_name: str = "",
    decimals: int = 1,
    language: str = "it",
    source: str = "",
    note: str = "",
) -> Figure:
    """Draw ranks or scores as dots on their intervals, the better to the right.

    Up to 40 rows are all named; of more, the highlighted one, the first, the last and each tenth.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row a domain of one territory, or a unit in one domain: `name`, `nominal`, `lower`, `upper`, and
        optionally `median` (a small bar), `group` (rows of one group stand together under its name) and, which
        ranks need, `of`: the number of units ranked. A row without a number says so.
    scale : {"rank", "score"}
        Ranks run from `of` at the left to 1, the best, at the right; scores from low to high.
    highlight : hashable, optional
        Label of the row in the strong colour; without it all are.
    sort : bool, default False
        Whether the best stand first; otherwise, and among equals, the order is that of `rows`.
    reference : float, optional
        Rank or score of a vertical line.
    reference_name : str, optional
    nominal_name, interval_name : str, optional
        What dots and intervals are, in the key and the text alternative, e.g. "90 % interval of the rank".
    decimals : int, default 1
        Of scores; ranks are written whole.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table in the order drawn, indexed like `rows`: `name`, `nominal`, `lower`, `upper` and, where given,
        `median`, `of`, `group`.

    Raises
    ------
    diagnosis.errors.InputError
        No rows, absent columns, labels that repeat, an unknown scale or highlighted row, ends in the wrong
        order, or ranks outside 1 to `of`.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    if scale not in ("rank", "score"):
        raise unknown_name("scale", scale, ("rank", "score"))
    table = _check_rows(rows, scale)
    if highlight is not None and highlight not in table.index:
        raise InputError(
            "The highlighted row must be one of the rows",
            f"{highlight!r} is not among {len(table)}, for instance {examples(table.index.astype('str'))}",
        )
    if sort:
        table = table.sort_values("nominal", ascending=scale == "rank", kind="stable")
    if "group" in table:
        order = table["group"].drop_duplicates().tolist()
        table = table.sort_values("group", key=lambda group: group.map(order.index), kind="stable")
    texts = _write_numbers(table, scale, decimals, language)
    manner = _choose_manner(len(table))
    named = _choose_named(table, highlight, manner)
    heads = [nominal_name or words["position" if scale == "rank" else "score"], words["interval"]]
    strong = table.index == highlight if highlight is not None else np.ones(len(table), dtype=bool)

    right, columns = _measure_columns(texts[named], heads)
    labels = table.loc[named, "name"]
    if "group" in table:
        labels = pd.concat([labels, table["group"].drop_duplicates()])
    left = min(NAMES + 10, measure_names(labels) + 6)
    key = [("dot", heads[0]), ("interval", interval_name or words["interval"])]
    if "median" in table:
        key.append(("bar", words["median"]))
    groups = table["group"].nunique() if "group" in table else 0
    head, foot = 34 + measure_key(key), 24 if reference is not None and reference_name else 14
    canvas = Canvas(WIDTH, manner.pitch * len(table) + GROUP * groups + head + foot)
    top = canvas.height - head
    position, ticks, places = _make_scale(table, scale, reference, left, right)
    ends = ("worse", "better") if scale == "rank" else ("lower", "higher")
    canvas.write(left, top + 7, f"← {words[ends[0]]}", SMALL, colour=MUTED)
    canvas.write(right, top + 7, f"{words[ends[1]]} →", SMALL, colour=MUTED, align="right")
    for x, text in zip(columns, heads, strict=True):
        canvas.write(x, top + 7, shorten_text(text, HEAD, SMALL), SMALL, colour=MUTED, align="right")
    for tick in ticks:
        x = position(tick)
        canvas.line([x, x], [top, foot - 2], FAINT, 0.6)
        label = format_number(tick, places, language)
        canvas.write(x, foot - 8, label, SMALL, colour=MUTED, align="center")
    heights, headings = _stack_rows(table, top, manner.pitch)
    for text, y in headings:
        canvas.write(left - 8, y, shorten_text(text, NAMES, SMALL, True), SMALL, bold=True, align="right")
    if len(table) <= NAMED:
        starts = table["of"].map(position) if scale == "rank" else [left] * len(table)
        for start, y in zip(starts, heights, strict=True):
            canvas.line([start, right], [y, y], FAINT, 0.8)
    if reference is not None:
        x = position(reference)
        canvas.line([x, x], [top, foot - 2], INK, 0.8)
        if reference_name:
            digits = places if np.isclose(reference, round(reference, places)) else decimals
            label = f"{reference_name} = {format_number(reference, digits, language)}"
            half = text_width(label, SMALL) / 2
            canvas.write(min(max(x, half + 2), WIDTH - half - 2), foot - 18, label, SMALL, align="center")
    for number, (row, y) in enumerate(zip(table.itertuples(index=False), heights, strict=True)):
        _draw_row(canvas, row, y, position, manner, bool(strong[number]), texts["whole"].iloc[number])
        if not named[number]:
            continue
        own = highlight is not None and bool(strong[number])
        if manner.size == TEXT:
            write_name(canvas, row.name, left - 8, y, bold=own)
        else:
            name = shorten_text(row.name, NAMES, manner.size, own)
            canvas.write(left - 8, y, name, manner.size, bold=own, align="right")
        for x, column, bold in zip(columns, ("nominal", "interval"), (True, False), strict=True):
            colour = INK if bold else MUTED
            text = texts[column].iloc[number]
            canvas.write(x, y, text, manner.size, bold=bold, colour=colour, align="right")
    draw_key(canvas, key)
    description = join_sentences(
        words["chart"].format(title=title),
        _describe(table, texts["whole"], highlight, language),
        words["brackets"].format(interval_name or words["interval"]),
    )
    return canvas.finish(about, description, table)


def _check_rows(rows: pd.DataFrame, scale: str) -> pd.DataFrame:
    needed = ["name", "nominal", "lower", "upper", *(["of"] if scale == "rank" else [])]
    absent = [column for column in needed if column not in rows.columns]
    if absent or not len(rows):
        raise InputError(
            f"An interval plot needs rows with {', '.join(needed)}", f"missing: {examples(absent) or 'rows'}"
        )
    table = pd.DataFrame({"name": rows["name"].map(clean_text)}, index=rows.index)
    for column in ("nominal", "median", "of"):
        if column in rows:
            table[column] = rows[column].astype(float)
    ends = check_intervals(rows, rows.index)
    table.insert(2, "lower", ends["lower"])
    table.insert(3, "upper", ends["upper"])
    if "group" in rows:
        table["group"] = rows["group"].map(clean_text)
    if scale == "rank":
        numbers = table[["nominal", "lower", "upper"]]
        wrong = (numbers.lt(1) | numbers.gt(table["of"], axis=0)).any(axis=1) | ~(table["of"] >= 1)
        if wrong.any():
            raise InputError(
                "Ranks must lie between 1 and the number of units in the column of",
                f"they do not in {examples(table.index[wrong].astype('str'))}",
            )
    return table


def _write_numbers(table: pd.DataFrame, scale: str, decimals: int, language: str) -> pd.DataFrame:
    """Texts of each row: `nominal` and `interval` for the columns of numbers, `whole` for one sentence."""
    words = find_words(language)
    places = 0 if scale == "rank" else decimals
    nominal = table["nominal"].map(lambda value: format_number(value, places, language))
    interval = [
        format_interval(low, high, places, language)
        for low, high in zip(table["lower"], table["upper"], strict=True)
    ]
    texts = pd.DataFrame({"nominal": nominal, "interval": interval}, index=table.index)
    whole = nominal
    if scale == "rank":
        of = table["of"].map(lambda value: format_number(value, 0, language))
        pairs = list(zip(nominal, of, table["nominal"].notna(), strict=True))
        whole = pd.Series(
            [words["rank"].format(rank=rank, count=count) if known else rank for rank, count, known in pairs],
            index=table.index,
        )
        if of.nunique() > 1:
            texts["nominal"] = [
                words["of"].format(rank=rank, count=count) if known else rank for rank, count, known in pairs
            ]
    inside = table["lower"].notna()
    return texts.assign(whole=whole.where(~inside, whole + " (" + texts["interval"] + ")"))


def _choose_manner(count: int) -> _Manner:
    if count <= LISTED:
        return _Manner(22.0, 3.6, TEXT)
    if count <= NAMED:
        return _Manner(13.0, 3.0, SMALL)
    return _Manner(min(5.0, 560 / count), 1.5, SMALL)


def _choose_named(table: pd.DataFrame, highlight: Hashable | None, manner: _Manner) -> np.ndarray:
    """Mark the rows with a name: all, or of many the important ones and as many tenths as have room."""
    count = len(table)
    if count <= NAMED:
        return np.ones(count, dtype=bool)
    own = [] if highlight is None else [table.index.get_loc(highlight)]
    chosen: list[int] = []
    for number in [*own, 0, count - 1, *range(EVERY - 1, count, EVERY)]:
        if all(abs(number - other) * manner.pitch >= 1.3 * manner.size for other in chosen):
            chosen.append(number)
    named = np.zeros(count, dtype=bool)
    named[chosen] = True
    return named


def _stack_rows(table: pd.DataFrame, top: float, pitch: float) -> tuple[list[float], list[tuple[str, float]]]:
    """Height of each row from `top` downwards, and of the name above each group."""
    heights: list[float] = []
    headings: list[tuple[str, float]] = []
    groups = table["group"].tolist() if "group" in table else [""] * len(table)
    y, before = top, "" if "group" not in table else None
    for group in groups:
        if group != before:
            headings.append((group, y - GROUP / 2 - 1))
            y, before = y - GROUP, group
        heights.append(y - pitch / 2)
        y -= pitch
    return heights, headings


def _measure_columns(texts: pd.DataFrame, heads: list[str]) -> tuple[float, tuple[float, float]]:
    """Right end of the scale, and of the two columns of numbers beside it."""
    rooms = [
        measure_column(texts[column], head, bold)
        for column, head, bold in zip(("nominal", "interval"), heads, (True, False), strict=True)
    ]
    last = WIDTH - 2
    return last - sum(rooms) - 26, (last - rooms[1] - 10, last)


def _make_scale(
    table: pd.DataFrame, scale: str, reference: float | None, left: float, right: float
) -> tuple[Callable[[float], float], list[float], int]:
    """Place of a number from left to right, the ticks and their decimals."""
    if scale == "rank":
        last = float(table["of"].max())
        turned = scale_numbers(-last, -1.0, left + 4, right - 4, pad=0.0)
        steps = (factor * power for power in 10.0 ** np.arange(6) for factor in (1, 2, 5))
        step = next(step for step in steps if last / step <= 6)
        apart = 16.0 * (last - 1) / (right - left - 8)  # ranks that the text of two ticks takes
        inner = [tick for tick in np.arange(step, last, step) if 1 + apart < tick < last - apart]
        return (lambda rank: turned(-rank)), list(dict.fromkeys([1.0, *inner, last])), 0
    numbers = table.reindex(columns=["nominal", "lower", "upper", "median"]).to_numpy(dtype=float).ravel()
    numbers = np.append(numbers[np.isfinite(numbers)], [] if reference is None else reference)
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 1.0)
    ticks = round_ticks(low, high, 6)
    places = next(d for d in range(12) if np.allclose(np.round(ticks, d), ticks, atol=0))
    ticks = ticks[(ticks >= low - 0.03 * (high - low)) & (ticks <= high + 0.03 * (high - low))]
    return scale_numbers(low, high, left, right), ticks.tolist(), places


def _draw_row(
    canvas: Canvas,
    row: Any,
    y: float,
    position: Callable[[float], float],
    manner: _Manner,
    strong: bool,
    text: str,
) -> None:
    colour = ACCENT if strong else PEERS
    wide = manner.pitch > 10
    radius = max(manner.radius, 3.0) if strong else manner.radius
    known = np.isfinite(row.nominal)
    if known and (wide or strong):
        canvas.circle(position(row.nominal), y, radius + 0.6, "white")
    if np.isfinite(row.lower):
        left, right = sorted((position(row.lower), position(row.upper)))
        if wide or strong:
            draw_interval(canvas, (left, right), y, colour)
        else:
            canvas.line([left, right], [y, y], colour, 1.1)
    if np.isfinite(getattr(row, "median", np.nan)):
        tall = min(5.5, 0.5 * manner.pitch)
        canvas.line([position(row.median)] * 2, [y - tall, y + tall], INK, 1.2 if wide else 0.7)
    if known:
        fill = ACCENT if strong else MUTED
        canvas.circle(position(row.nominal), y, radius, fill, tooltip=f"{row.name}: {text}")


def _describe(table: pd.DataFrame, whole: pd.Series, highlight: Hashable | None, language: str) -> str:
    words = find_words(language)
    texts = table["name"] + " " + whole
    if len(table) <= LISTED:
        sentences = ["; ".join(texts)]
    else:
        count = format_number(len(table), 0, language)
        sentences = [words["ends"].format(count=count, first=texts.iloc[0], last=texts.iloc[-1])]
        if highlight is not None:
            sentences.append(texts[highlight])
    if highlight is not None and pd.notna(table.loc[highlight, "lower"]):
        own = table.loc[highlight]
        shared = table["lower"].le(own["upper"]) & table["upper"].ge(own["lower"])
        sentences.append(
            words["overlapping"].format(
                name=own["name"],
                count=format_number(int(shared.sum()) - 1, 0, language),
                others=format_number(int(table["lower"].notna().sum()) - 1, 0, language),
            )
        )
    return join_sentences(*sentences)
