"""Map of how firmly each municipality belongs to its area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.drawing.areas import describe_area
from diagnosis.drawing.border import border_items, draw_border, find_border
from diagnosis.drawing.canvas import INK, RULE
from diagnosis.drawing.legend import BORDER, BORDER_WIDTH, HATCH, Item, Legend
from diagnosis.drawing.partition import (
    CITY_HUE,
    Partition,
    draw_borders,
    draw_centres,
    mix_with_white,
    partition_words,
    read_partition,
)
from diagnosis.drawing.sheet import MapSheet, align_values, say_nothing
from diagnosis.errors import InputError, examples
from diagnosis.figure import (
    Figure,
    Heading,
    count_municipalities,
    format_number,
    format_value,
    join_names,
    join_sentences,
)

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

BREAKS = (0.5, 0.7, 0.9)
TONES = (0.16, 0.40, 0.68, 1.0)
"""Share of the area's colour in the fill of each class of stability, the rest is white."""
EVEN_TONE = 0.6
PARTS = (("core", "rim"), ("firm", "loose"))
"""What the strongest and the palest class may be called."""


def membership_map(
    municipalities: GeoDataFrame,
    areas: pd.Series,
    stability: pd.Series | None = None,
    *,
    centres: pd.Series,
    figure_id: str,
    title: str,
    legend: str = "",
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    breaks: Sequence[float] = BREAKS,
    parts: tuple[str, str] = PARTS[0],
    territory: Iterable[str] | None = None,
    note: str = "",
) -> Figure:
    """Draw the areas by colour, and by the intensity of the fill how firmly each municipality belongs to its own.

    The share of runs is a sensitivity to data and parameters; it is no probability in the sense of statistics.

    Parameters
    ----------
    municipalities, areas, centres, figure_id, title, language, source, city, context, note
        As in :func:`diagnosis.drawing.area_flows.area_flow_map`; a municipality in no area is hatched.
    stability : pandas.Series, optional
        Share of the runs in which a municipality is in one area with the centre of its own, 0 to 1, indexed by code;
        one that has an area and no share is hatched. Without it every fill has the same intensity.
    legend : str, optional
        Title of the legend's colours.
    breaks : sequence of float, default (0.5, 0.7, 0.9)
        Three ascending shares that separate the four intensities: the *core* begins at the last, the *rim* ends at
        the first.
    parts : (str, str), default ("core", "rim")
        What the strongest and the palest class are called, one of :data:`PARTS`.
    territory : iterable of str, optional
        Municipalities of the territory, whose border is drawn where the map reaches beyond it.

    Returns
    -------
    Figure
        Table indexed by code: `name`, `area`, `area_name` and, with `stability`, `stability` and `part`: one of
        `parts`, between them the class in the language (``60 – 75%``), missing without a share.

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, areas or shares not of these municipalities, shares not between 0 and 1, breaks not three
        ascending shares, or parts not of :data:`PARTS`.
    """
    import shapely

    about = Heading(figure_id, title, language, source, note)
    words = partition_words(language)
    if parts not in PARTS:
        raise InputError(f"parts must be one of {PARTS}", f"{parts!r} were given")
    partition = read_partition(municipalities, areas, centres, city)
    labels, places = partition.labels, partition.places
    if labels.isna().all():
        return say_nothing(about, places, labels)
    tones, blank = pd.Series(EVEN_TONE, index=labels.index), labels.isna()
    shares = None if stability is None else _check_shares(stability, labels, breaks)
    if shares is not None:
        classes = np.searchsorted(np.asarray(breaks, dtype=float), shares, side="right")
        tones, blank = pd.Series(np.array(TONES + TONES[-1:])[classes], index=labels.index), shares.isna()
    inside = find_border(places.index, territory)
    border = border_items(inside, language)
    key = _make_legend(
        partition, legend, blank.any(), (breaks if shares is not None else (), parts), border, words, language
    )
    sheet = MapSheet(municipalities, key, language, context)
    sheet.draw_context()
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            tooltip = partition.name(code, words)
            if shares is not None and not blank[code]:
                percent = format_value(100 * shares[code], 0, language, "%")
                tooltip += f", {words['share'].format(share=percent)}"
            if blank[code]:
                sheet.canvas.shape(shape, "white", RULE, BORDER_WIDTH, hatch=HATCH, tooltip=tooltip)
            else:
                fill = mix_with_white(partition.hue(labels[code]), tones[code])
                sheet.canvas.shape(shape, fill, BORDER, BORDER_WIDTH, tooltip=tooltip)
        draw_borders(sheet, window, partition)
    draw_border(sheet, inside)
    for window in sheet.windows:
        own = partition.select(window.shapes, partition.own)
        if len(own):
            sheet.canvas.shape(shapely.coverage_union_all(own.to_numpy()), edge=INK, line=2.2)
    draw_centres(sheet, partition, {})
    sheet.draw_frames()
    table = pd.DataFrame(
        {"name": places, "area": labels, "area_name": labels.map(partition.names, na_action="ignore")}
    )
    sentences = [
        words["map"].format(title=title, count=count_municipalities(len(places), language)),
        words["areas"].format(areas=len(partition.names)),
    ]
    if partition.own is not None:
        name = partition.names[partition.own]
        sentences.append(describe_area(places, labels, partition.own, name, language))
    if shares is not None:
        table["stability"] = shares
        names = np.array([parts[1], *_name_middle(breaks, words, language), parts[0], ""])
        table["part"] = pd.Series(names[classes], index=labels.index).where(shares.notna())
        sentences.append(_describe_parts(table, breaks, parts, words, language))
    return sheet.finish(about, join_sentences(*sentences), table)


def _check_shares(stability: pd.Series, labels: pd.Series, breaks: Sequence[float]) -> pd.Series:
    """Shares in the order of the municipalities, missing also for those in no area."""
    if len(breaks) != len(BREAKS) or not 0 < breaks[0] < breaks[1] < breaks[2] <= 1:
        raise InputError("breaks must be three ascending shares", f"{tuple(breaks)!r} were given")
    given = align_values(stability, labels.index, "stability")
    shares = pd.to_numeric(given, errors="coerce").astype(float)
    wrong = (shares < 0) | (shares > 1) | (shares.isna() & given.notna())
    if wrong.any():
        raise InputError(
            "stability must be shares between 0 and 1",
            f"{int(wrong.sum())} are not, for instance {examples(given[wrong].astype('str'))}",
            "Divide percentages by 100",
        )
    return shares.where(labels.notna())


def _make_legend(
    partition: Partition,
    title: str,
    blank: bool,
    classes: tuple[Sequence[float], tuple[str, str]],
    border: Sequence[Item],
    words: Mapping[str, str],
    language: str,
) -> Legend:
    breaks, (strongest, palest) = classes
    others = partition.other_hues()
    tone = 1.0 if breaks else EVEN_TONE
    items = []
    if partition.own is not None:
        text = words["city_area"].format(partition.names[partition.own])
        items.append(Item("swatch", text, (mix_with_white(CITY_HUE, tone),)))
    if others:
        text = words["other_areas"] if partition.own is not None else title
        items.append(Item("swatch", text, tuple(mix_with_white(colour, tone) for colour in others)))
    missing = [Item("hatch", words["no_data"])] if blank else []
    if not breaks:
        return Legend([(title, [*items, *border, *missing])])
    percent = [format_value(100 * share, 0, language, "%") for share in breaks]
    texts = [
        words[palest].format(words["below"].format(percent[0])),
        *_name_middle(breaks, words, language),
        words[strongest].format(words["above"].format(percent[2])),
    ]
    shown = ([CITY_HUE] if partition.own is not None else []) + others
    shades = [
        Item("swatch", text, tuple(mix_with_white(colour, share) for colour in shown[:3]))
        for text, share in zip(texts, TONES, strict=True)
    ]
    return Legend(
        [
            (title, [*items, *border]),
            (words["stability"], [*reversed(shades), *missing, Item("text", words["pale"])]),
        ]
    )


def _name_middle(breaks: Sequence[float], words: Mapping[str, str], language: str) -> list[str]:
    """Name the two classes between the palest and the strongest."""
    return [
        words["from_to"].format(
            format_number(100 * low, 0, language), format_value(100 * high, 0, language, "%")
        )
        for low, high in pairwise(breaks)
    ]


def _describe_parts(
    table: pd.DataFrame,
    breaks: Sequence[float],
    parts: tuple[str, str],
    words: Mapping[str, str],
    language: str,
) -> str:
    strongest, palest = parts
    rim = table.loc[table["part"] == palest, "name"].sort_values().tolist()
    text = words["_".join(parts)].format(
        high=format_value(100 * breaks[-1], 0, language, "%"),
        low=format_value(100 * breaks[0], 0, language, "%"),
        core=count_municipalities(int((table["part"] == strongest).sum()), language),
        rim=count_municipalities(len(rim), language),
    )
    return f"{text}: {join_names(rim, language)}" if rim else text
