"""Charts of where a territory stands against a reference: domain profile with intervals, gaps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import (
    ACCENT,
    CONTRAST,
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
    BAND,
    RANGE,
    check_intervals,
    draw_interval,
    draw_key,
    measure_key,
    measure_names,
    scale_numbers,
    write_name,
)
from diagnosis.errors import InputError, examples
from diagnosis.figure import (
    Figure,
    Heading,
    clean_text,
    format_interval,
    format_number,
    format_value,
    join_names,
    join_sentences,
)

ROW = 22.0


def domain_profile(
    scores: pd.Series,
    comparison: pd.DataFrame,
    *,
    figure_id: str,
    title: str,
    name: str,
    language: str = "it",
    source: str = "",
    region: pd.Series | None = None,
    region_name: str = "",
    reference: float = 100.0,
    reference_name: str = "Italia",
    names: Mapping[str, str] | None = None,
    decimals: int = 1,
    intervals: pd.DataFrame | None = None,
    interval_name: str = "",
    note: str = "",
) -> Figure:
    """Draw the score of a territory in each domain against a reference and all territories.

    Parameters
    ----------
    scores : pandas.Series
        Scores indexed by domain, in the order of the rows; on the scale of `comparison`.
    comparison : pandas.DataFrame
        Scores of all territories (rows) in the domains (columns), e.g. the 107 provinces: a line from
        minimum to maximum and a band from the 10th to the 90th percentile.
    name : str
        Name of the territory.
    region : pandas.Series, optional
        Scores of its region, marked by a bar.
    region_name : str, optional
        Its name in the key.
    reference : float, default 100
        Score of the vertical line, e.g. Italy = 100 in an AMPI.
    reference_name : str, default "Italia"
    names : mapping, optional
        Domain -> its name.
    decimals : int, default 1
    intervals : pandas.DataFrame, optional
        Interval of the territory's score, indexed by domain: `lower`, `upper`. Drawn as a whisker through
        the dot; a domain without one has none.
    interval_name : str, optional
        What the interval is, in the key and the text alternative, e.g. "90 % interval of the score".
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table indexed by domain: `name`, `score`, `region`, `minimum`, `p10`, `p90`, `maximum`, and with
        `intervals` also `lower`, `upper`.

    Raises
    ------
    diagnosis.errors.InputError
        No domain, one that is no column of the comparison, or intervals without ends or with these in
        the wrong order.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    if lost := [domain for domain in scores.index if domain not in comparison.columns]:
        raise InputError(
            "Every domain must be a column of the comparison", f"missing: {examples(map(str, lost))}"
        )
    if not len(scores):
        raise InputError("A profile needs at least one domain", "there is none")
    peers = comparison[list(scores.index)].astype(float)
    quantiles = peers.quantile([0, 0.1, 0.9, 1])
    table = pd.DataFrame(
        {
            "name": [clean_text((names or {}).get(domain, domain)) for domain in scores.index],
            "score": scores.astype(float),
            "region": np.nan if region is None else region.reindex(scores.index).astype(float),
            "minimum": quantiles.iloc[0],
            "p10": quantiles.iloc[1],
            "p90": quantiles.iloc[2],
            "maximum": quantiles.iloc[3],
        },
        index=scores.index,
    )
    if intervals is not None:
        table[["lower", "upper"]] = check_intervals(intervals, scores.index)
        table.loc[table["score"].isna(), ["lower", "upper"]] = np.nan
    left, right = measure_names(table["name"]), WIDTH - 34
    numbers = np.append(table.drop(columns="name").to_numpy(dtype=float).ravel(), reference)
    position = scale_numbers(float(np.nanmin(numbers)), float(np.nanmax(numbers)), left, right)
    key = [("dot", name), ("bar", region_name)] if region is not None else [("dot", name)]
    if intervals is not None:
        key.append(("interval", interval_name or words["interval"]))
    key += [("band", words["ten_ninety"]), ("range", words["min_max"])]
    canvas = Canvas(WIDTH, ROW * len(table) + 40 + measure_key(key))
    top = canvas.height - 24 - measure_key(key)
    x = position(reference)
    canvas.line([x, x], [top + 2, 12], INK, 0.8)
    label = f"{reference_name} = {format_number(reference, 0, language)}"
    canvas.write(x, 5, label, SMALL, align="center")
    texts = []
    for number, row in enumerate(table.itertuples(index=False)):
        y = top - (number + 0.5) * ROW
        write_name(canvas, row.name, left - 8, y)
        if np.isfinite(row.minimum):
            canvas.line([position(row.minimum), position(row.maximum)], [y, y], RANGE, 0.8)
            canvas.rectangle(position(row.p10), y - 3.5, position(row.p90) - position(row.p10), 7, BAND)
            if (
                abs(x - position(row.p10)) + abs(x - position(row.p90))
                <= position(row.p90) - position(row.p10) + 1e-6
            ):
                canvas.line([x, x], [y - 3.5, y + 3.5], INK, 0.8)
        if np.isfinite(row.region):
            canvas.line([position(row.region)] * 2, [y - 5.5, y + 5.5], INK, 1.6)
        text = format_number(row.score, decimals, language)
        canvas.write(WIDTH - 2, y, text, bold=True, align="right")
        if intervals is not None and np.isfinite(row.lower):
            canvas.circle(position(row.score), y, 4.2, "white")
            draw_interval(canvas, (position(row.lower), position(row.upper)), y)
            text += f" ({format_interval(row.lower, row.upper, decimals, language)})"
        if np.isfinite(row.score):
            radius, edge = (4.4, "white") if intervals is None else (3.6, "none")
            canvas.circle(
                position(row.score), y, radius, ACCENT, edge, line=0.8, tooltip=f"{row.name}: {text}"
            )
        texts.append(f"{row.name} {text}")
    draw_key(canvas, key)
    above = table.loc[table["score"] >= reference, "name"].tolist()
    below = table.loc[table["score"] < reference, "name"].tolist()
    spanning: list[str] = []
    if intervals is not None:
        spanning = table.loc[table["lower"].le(reference) & table["upper"].ge(reference), "name"].tolist()
    description = join_sentences(
        words["chart"].format(title=title),
        f"{name}: {'; '.join(texts)}",
        words["brackets"].format(interval_name or words["interval"]) if intervals is not None else "",
        words["profile_above"].format(join_names(above, language) or words["none"]),
        words["profile_below"].format(join_names(below, language) or words["none"]),
        words["profile_spans"].format(join_names(spanning, language)) if spanning else "",
    )
    return canvas.finish(about, description, table)


def gap_plot(
    rows: pd.DataFrame,
    *,
    figure_id: str,
    title: str,
    name: str,
    reference_name: str = "Italia",
    language: str = "it",
    source: str = "",
    note: str = "",
) -> Figure:
    """Draw how far a territory is from a reference, which is 100, in indicators of different units.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row an indicator: `name`, `value`, `reference` and optionally `unit`, `decimals`, `direction`
        (+1 more is better, -1 less is better, 0 neither) and `position`, the normalised value to draw
        (e.g. a min-max score with the reference at 100). Without `position` it is
        ``100 value / reference``.
    name, reference_name : str
        Names of the territory and of the reference.
    figure_id, title, language, source, note
        As in :func:`diagnosis.maps.choropleth`.

    Returns
    -------
    Figure
        Table: the rows with `position`.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    absent = [column for column in ("name", "value", "reference") if column not in rows.columns]
    if absent or not len(rows):
        raise InputError(
            "A gap plot needs rows with name, value, reference", f"missing: {examples(absent) or 'rows'}"
        )
    table = rows.copy()
    for column, default in (("unit", ""), ("decimals", 1), ("direction", 0)):
        table[column] = table[column].fillna(default) if column in table else default
    if "position" not in table:
        table["position"] = (100 * table["value"] / table["reference"].where(table["reference"] != 0)).astype(
            float
        )
    texts = [
        [
            format_value(row[column], int(row["decimals"]), language, row["unit"])
            for column in ("value", "reference")
        ]
        for _, row in table.iterrows()
    ]
    widths = [max(text_width(pair[k], TEXT, not k) for pair in texts) for k in (0, 1)]
    heads = [shorten_text(name, 80, SMALL, True), shorten_text(reference_name, 80, SMALL)]
    widths = [
        max(width, text_width(head, SMALL, True)) + 8 for width, head in zip(widths, heads, strict=True)
    ]
    left, right = measure_names(table["name"]), WIDTH - sum(widths) - 6
    numbers = np.append(table["position"].to_numpy(dtype=float), 100.0)
    reach = max(5.0, float(np.nanmax(np.abs(numbers - 100))))
    position = scale_numbers(100 - reach, 100 + reach, left, right)
    canvas = Canvas(WIDTH, ROW * len(table) + 34)
    top = canvas.height - 16
    canvas.write(WIDTH - widths[1] - 2, top + 8, heads[0], SMALL, bold=True, align="right")
    canvas.write(WIDTH - 2, top + 8, heads[1], SMALL, colour=MUTED, align="right")
    for number, (row, pair) in enumerate(zip(table.itertuples(), texts, strict=True)):
        y = top - (number + 0.5) * ROW
        write_name(canvas, clean_text(row.name), left - 8, y)
        canvas.line([left, right], [y, y], FAINT, 0.8)
        if np.isfinite(row.position):
            gap = (row.position - 100) * row.direction
            colour = MUTED if gap == 0 else ACCENT if gap > 0 else CONTRAST
            canvas.line([position(100), position(row.position)], [y, y], colour, 1.6)
            canvas.circle(
                position(row.position),
                y,
                4.2,
                colour,
                "white",
                line=0.8,
                tooltip=f"{clean_text(row.name)}: {pair[0]}",
            )
        canvas.write(WIDTH - widths[1] - 2, y, pair[0], bold=True, align="right")
        canvas.write(WIDTH - 2, y, pair[1], colour=MUTED, align="right")
    x = position(100)
    canvas.line([x, x], [top + 2, 14], INK, 0.8)
    canvas.write(x, 6, f"{reference_name} = 100", SMALL, align="center")
    if table["direction"].ne(0).any():
        at = left
        for colour, word in ((ACCENT, words["better"]), (CONTRAST, words["worse"])):
            canvas.circle(at + 4, top + 8, 3.2, colour)
            canvas.write(at + 10, top + 8, word, SMALL, colour=MUTED)
            at += 18 + text_width(word, SMALL)
    listed = "; ".join(
        f"{clean_text(row.name)} {pair[0]} ({reference_name} {pair[1]})"
        for row, pair in zip(table.itertuples(), texts, strict=True)
    )
    description = join_sentences(words["chart"].format(title=title), f"{name}: {listed}")
    return canvas.finish(about, description, table)
