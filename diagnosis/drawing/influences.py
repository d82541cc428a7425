"""Chart of how much each indicator counts in an index beside how much it was meant to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    SMALL,
    WIDTH,
    Canvas,
    shorten_text,
)
from diagnosis.drawing.rows import (
    HEAD,
    LIGHT,
    check_intervals,
    draw_interval,
    draw_key,
    measure_column,
    measure_key,
    measure_names,
    round_ticks,
    write_name,
)
from diagnosis.errors import InputError, examples
from diagnosis.figure import (
    Figure,
    Heading,
    clean_text,
    format_interval,
    format_value,
    join_names,
    join_sentences,
)

ROW = 22.0


def influence_bars(
    shares: pd.DataFrame,
    *,
    figure_id: str,
    title: str,
    influence_name: str = "",
    weight_name: str = "",
    interval_name: str = "",
    percent: bool = True,
    decimals: int = 1,
    language: str = "it",
    source: str = "",
    note: str = "",
) -> Figure:
    """Draw the influence of each indicator as a bar and its weight as a mark across it.

    What has more influence than weight is dark, what has less is light. Serves Shapley shares and effective
    weights beside nominal weights, and Sobol indices with their intervals.

    Parameters
    ----------
    shares : pandas.DataFrame
        One row an indicator (or a factor), in the order drawn: `influence` and optionally `name` (otherwise the
        label), `weight`, `lower` and `upper` (interval of the influence). A row without influence says so.
    influence_name, weight_name, interval_name : str, optional
        What the three are, in the key, the heads of the columns and the text alternative.
    percent : bool, default True
        Whether numbers are shares of 1, to be written per cent; the table keeps them as they are.
    decimals : int, default 1
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table indexed like `shares`: `name`, `influence` and, where given, `weight`, `lower`, `upper`.

    Raises
    ------
    diagnosis.errors.InputError
        No rows, no influence, labels that repeat, or an interval with one column only or its ends turned.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    table = _check_shares(shares)
    factor, unit = (100.0, "%") if percent else (1.0, "")
    influence_name = influence_name or words["influence"]
    weight_name = weight_name or words["weight"]
    weighted, bounded = "weight" in table, "lower" in table
    columns = ["influence", "weight"] if weighted else ["influence"]
    texts = {
        column: [format_value(factor * value, decimals, language, unit) for value in table[column]]
        for column in columns
    }
    heads = {"influence": influence_name, "weight": weight_name}
    rooms = {
        column: 8 + measure_column(texts[column], heads[column], column == "influence") for column in columns
    }
    numbers = factor * table.drop(columns="name").to_numpy(dtype=float)
    numbers = np.append(numbers[np.isfinite(numbers)], 0.0)
    ticks = round_ticks(float(numbers.min()), float(numbers.max()))
    places = next(d for d in range(12) if np.allclose(np.round(ticks, d), ticks, atol=0))
    left, right = measure_names(table["name"]), WIDTH - sum(rooms.values()) - 12
    low, high = float(numbers.min()), float(numbers.max())
    across = (right - left - 8) / ((high - low) or 1.0)
    key = [("strong", words["more"]), ("weak", words["less"]), ("bar", weight_name)]
    if not weighted:
        key = [("strong", influence_name)]
    if bounded:
        key.append(("whisker", interval_name or words["interval"]))
    canvas = Canvas(WIDTH, ROW * len(table) + 46 + measure_key(key))
    top = canvas.height - 32 - measure_key(key)

    def place(value: float) -> float:
        return left + 4 + (factor * value - low) * across

    for tick in ticks[(ticks >= low) & (ticks <= high)]:
        x = place(tick / factor)
        canvas.line([x, x], [top, 12], FAINT, 0.6)
        text = format_value(tick, places, language, unit)
        canvas.write(x, 6, text, SMALL, colour=MUTED, align="center")
    at = WIDTH - 2
    edges = {}
    for column in reversed(columns):
        edges[column] = at
        head = shorten_text(heads[column], HEAD, SMALL)
        canvas.write(at, top + 7, head, SMALL, colour=MUTED, align="right")
        at -= rooms[column]
    for number, row in enumerate(table.itertuples(index=False)):
        y = top - (number + 0.5) * ROW
        write_name(canvas, row.name, left - 8, y)
        if np.isfinite(row.influence):
            less = weighted and row.influence < row.weight
            ends = sorted((place(0.0), place(row.influence)))
            canvas.rectangle(
                ends[0],
                y - 4.5,
                ends[1] - ends[0],
                9,
                LIGHT if less else ACCENT,
                tooltip=f"{row.name}: {texts['influence'][number]}",
            )
        if bounded and np.isfinite(row.lower):
            _draw_bounds(canvas, place(row.lower), place(row.upper), y)
        if weighted and np.isfinite(row.weight):
            canvas.rectangle(place(row.weight) - 1.7, y - 7, 3.4, 14, "white")
            canvas.line([place(row.weight)] * 2, [y - 7, y + 7], INK, 1.6)
        for column in columns:
            strong = column == "influence"
            canvas.write(
                edges[column],
                y,
                texts[column][number],
                bold=strong,
                colour=INK if strong else MUTED,
                align="right",
            )
    canvas.line([place(0.0)] * 2, [top, 12], MUTED, 0.6)
    draw_key(canvas, key)
    return canvas.finish(about, _describe(about, table, texts, heads, interval_name, factor, decimals), table)


def _check_shares(shares: pd.DataFrame) -> pd.DataFrame:
    if "influence" not in shares.columns or not len(shares):
        raise InputError(
            "Influence bars need at least one row with an influence",
            f"columns are {examples(shares.columns.astype('str'), 12)}" if len(shares) else "there is none",
        )
    if not shares.index.is_unique:
        repeated = shares.index[shares.index.duplicated()].astype("str")
        raise InputError("Influence bars need different row labels", f"repeated: {examples(repeated)}")
    names = shares["name"] if "name" in shares else shares.index.to_series()
    table = pd.DataFrame({"name": names.map(clean_text)}, index=shares.index)
    for column in ("influence", "weight"):
        if column in shares:
            table[column] = shares[column].astype(float)
    if "lower" in shares or "upper" in shares:
        table[["lower", "upper"]] = check_intervals(shares, shares.index)
    return table


def _draw_bounds(canvas: Canvas, low: float, high: float, y: float) -> None:
    """Draw a whisker that stays visible on a dark bar."""
    canvas.rectangle(low, y - 1.5, high - low, 3.0, "white")
    draw_interval(canvas, (low, high), y, INK, width=1.1)


def _describe(
    about: Heading,
    table: pd.DataFrame,
    texts: dict[str, list[str]],
    heads: dict[str, str],
    interval_name: str,
    factor: float,
    decimals: int,
) -> str:
    words = about.words
    parts = []
    for number, row in enumerate(table.itertuples(index=False)):
        text = f"{row.name} {texts['influence'][number]}"
        if "lower" in table and np.isfinite(row.lower):
            text += f" ({format_interval(factor * row.lower, factor * row.upper, decimals, about.language)})"
        if "weight" in table:
            text += f", {heads['weight']} {texts['weight'][number]}"
        parts.append(text)
    sentences = [words["chart"].format(title=about.title), f"{heads['influence']}: {'; '.join(parts)}"]
    if "lower" in table:
        sentences.append(words["brackets"].format(interval_name or words["interval"]))
    if "weight" in table:
        for key, chosen in (
            ("more", table["influence"] >= table["weight"]),
            ("less", table["influence"] < table["weight"]),
        ):
            names = join_names(table.loc[chosen, "name"].tolist(), about.language) or words["none"]
            sentences.append(f"{words[key][:1].upper()}{words[key][1:]}: {names}")
    return join_sentences(*sentences)
