"""Age pyramid."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import (
    ACCENT,
    CONTRAST,
    INK,
    MUTED,
    RULE,
    SMALL,
    TEXT,
    WIDTH,
    Canvas,
    shorten_text,
    text_width,
)
from diagnosis.errors import InputError, examples
from diagnosis.figure import Figure, Heading, clean_text, format_number, format_value
from diagnosis.tables import AGE_COLUMNS, OLDEST_AGE

BAND = 5
LAST_BAND = 95
"""Age from which all are one band."""


def pyramid(
    population: pd.DataFrame,
    *,
    city: str,
    reference: str | None = None,
    figure_id: str,
    title: str,
    language: str = "it",
    source: str = "",
    note: str = "",
) -> Figure:
    """Draw the population by sex and five-year age band, in percent of all residents.

    Parameters
    ----------
    population : pandas.DataFrame
        One row a territory, indexed by its name; columns ``f0`` ... ``f100``, ``m0`` ... ``m100``
        (:data:`diagnosis.tables.AGE_COLUMNS`).
    city : str
        The row drawn as bars.
    reference : str, optional
        The row drawn as an outline.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table indexed by band: percent of men and women in each territory.

    Raises
    ------
    diagnosis.errors.InputError
        Columns or rows are missing, or a row has no residents.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    rows = [city] if reference in (None, city) else [city, reference]
    reference = rows[1] if len(rows) == 2 else None
    shares = _age_shares(population, rows)
    bands = shares.columns.get_level_values("band").unique()
    height, middle = 11.0, 30.0
    canvas = Canvas(WIDTH, 34 + height * len(bands) + 26)
    half = (WIDTH - middle) / 2 - 12
    step = 1.0 if float(shares.to_numpy().max()) > 3 else 0.5
    limit = step * np.ceil(float(shares.to_numpy().max()) / step)
    bottom, top = 22.0, 22.0 + height * len(bands)
    centre = WIDTH / 2
    sides = {
        "m": (-1, centre - middle / 2, words["men"], ACCENT),
        "f": (1, centre + middle / 2, words["women"], CONTRAST),
    }
    for sex, (sign, start, label, colour) in sides.items():
        for tick in np.arange(0, limit + step / 2, step):
            x = start + sign * half * tick / limit
            canvas.line([x, x], [bottom, top], RULE if tick else MUTED, 0.4)
            text = format_number(tick, 0 if step == 1 else 1, language)
            canvas.write(x, bottom - 7, text, SMALL, colour=MUTED, align="center")
        edge = start + sign * half
        canvas.write(
            edge, top + 8, label, TEXT + 0.5, bold=True, colour=colour, align="right" if sign > 0 else "left"
        )
        for number, band in enumerate(bands):
            share = float(shares.loc[city, (sex, band)])
            length = half * share / limit
            tooltip = f"{label}, {band}: {format_value(share, 2, language, '%')}"
            left = start if sign > 0 else start - length
            canvas.rectangle(
                left, bottom + number * height + 0.8, length, height - 1.6, colour, tooltip=tooltip
            )
        if reference is not None:
            lengths = half * shares.loc[reference, sex].to_numpy(dtype=float) / limit
            x = np.concatenate(([start], np.repeat(start + sign * lengths, 2), [start]))
            y = bottom + height * np.concatenate(
                ([0], np.repeat(np.arange(len(bands) + 1), 2)[1:-1], [len(bands)])
            )
            canvas.line(x, y, INK, 1.1)
    for number, band in enumerate(bands):
        canvas.write(centre, bottom + (number + 0.5) * height, band, 6, colour=MUTED, align="center")
    canvas.write(centre, bottom - 17, words["share"], SMALL, colour=MUTED, align="center")
    _write_key(
        canvas, centre, top + 22, clean_text(city), None if reference is None else clean_text(reference)
    )
    young, old = _dependent_shares(population, rows, language)
    template = words["pyramid_alone" if reference is None else "pyramid"]
    description = template.format(
        title=title,
        city=f" ({city})",
        young=young[0],
        old=old[0],
        reference=reference,
        young_reference=young[-1],
        old_reference=old[-1],
    )
    table = shares.stack("band", future_stack=True).unstack(level=0)[["m", "f"]]
    table = table.reindex(bands).rename(columns={"m": words["men"], "f": words["women"]}, level=0)
    table.columns = [f"{sex}, {name}" for sex, name in table.columns]
    return canvas.finish(about, description, table)


def _age_shares(population: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    absent = [column for column in AGE_COLUMNS if column not in population.columns]
    if absent:
        raise InputError(
            "The population needs the columns f0 ... f100, m0 ... m100", f"missing: {examples(absent)}"
        )
    if lost := [row for row in rows if row not in population.index]:
        raise InputError(
            "The population needs a row for each territory",
            f"missing: {examples(lost)}",
            f"Rows are {examples(map(str, population.index))}",
        )
    if not population.index.is_unique:
        repeated = population.index[population.index.duplicated()]
        raise InputError("The population needs one row a territory", f"repeated: {examples(repeated)}")
    counts = population.loc[rows, list(AGE_COLUMNS)].astype(float)
    total = counts.sum(axis=1)
    if (total <= 0).any():
        raise InputError("Each territory needs residents", f"none in {examples(total.index[total <= 0])}")
    ages = np.tile(np.arange(OLDEST_AGE + 1), 2)
    start = np.minimum(ages // BAND * BAND, LAST_BAND)
    names = [f"{age}+" if age == LAST_BAND else f"{age}–{age + BAND - 1}" for age in start]
    sexes = [column[0] for column in AGE_COLUMNS]
    counts.columns = pd.MultiIndex.from_arrays([sexes, names], names=["sex", "band"])
    return counts.T.groupby(level=["sex", "band"], sort=False).sum().T.div(total, axis=0) * 100


def _dependent_shares(
    population: pd.DataFrame, rows: list[str], language: str
) -> tuple[list[str], list[str]]:
    counts = population.loc[rows, list(AGE_COLUMNS)].astype(float)
    ages = np.tile(np.arange(OLDEST_AGE + 1), 2)
    total = counts.sum(axis=1)
    young = counts.loc[:, ages < 15].sum(axis=1) / total * 100
    old = counts.loc[:, ages >= 65].sum(axis=1) / total * 100
    texts = [[format_value(value, 1, language, "%") for value in part] for part in (young, old)]
    return texts[0], texts[1]


def _write_key(canvas: Canvas, centre: float, y: float, city: str, reference: str | None) -> None:
    """Key of a pyramid: bars are the city, the outline is the reference."""
    city = shorten_text(city, 180)
    reference = shorten_text(reference, 140) if reference else ""
    width = 16 + text_width(city) + (34 + text_width(reference) if reference else 0)
    x = centre - width / 2
    canvas.rectangle(x, y - 4, 6, 8, ACCENT)
    canvas.rectangle(x + 6, y - 4, 6, 8, CONTRAST)
    canvas.write(x + 16, y, city)
    if reference:
        x += 16 + text_width(city) + 14
        canvas.line([x, x + 14], [y, y], INK, 1.1)
        canvas.write(x + 20, y, reference)
