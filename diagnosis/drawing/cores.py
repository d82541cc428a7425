"""Map of who stays together whatever the function: with the centre of its area in all of them, in most, in few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

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
from diagnosis.drawing.stipple import dot_municipalities
from diagnosis.errors import InputError, examples
from diagnosis.figure import Figure, Heading, count_municipalities, format_number, join_names, join_sentences

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

TONES = (0.2, 0.5, 1.0)
"""Share of the area's colour in the fill: in half of the functions or fewer, in more, in all."""
PARTS = ("few", "most", "all")
MOST = 0.5
WORDS = {
    "it": {
        "with_centre": "Il comune sta con il centro del suo ambito",
        "all": "in tutte le funzioni",
        "most": "in più della metà",
        "few": "nella metà o meno",
        "dotted": "punteggiato: per qualche funzione sta con un altro centro",
        "tip": "con il centro in {shared} funzioni su {compared}",
        "elsewhere": "altrove per: {}",
        "counts": "Oltre ai centri, con il centro del proprio ambito in tutte le funzioni {all}; in più della metà "
        "{most}; nella metà o meno {few}",
    },
    "en": {
        "with_centre": "The municipality is with the centre of its area",
        "all": "for every function",
        "most": "for more than half",
        "few": "for half or fewer",
        "dotted": "dotted: for some function it is with another centre",
        "tip": "with the centre for {shared} of {compared} functions",
        "elsewhere": "elsewhere for: {}",
        "counts": "Besides the centres, with the centre of their area for every function {all}; for more than half "
        "{most}; for half or fewer {few}",
    },
}


def core_map(
    municipalities: GeoDataFrame,
    areas: pd.Series,
    functions: pd.DataFrame,
    *,
    centres: pd.Series,
    figure_id: str,
    title: str,
    legend: str = "",
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    territory: Iterable[str] | None = None,
    note: str = "",
) -> Figure:
    """Draw the areas by colour, and by intensity and dots in how many functions each municipality is with its centre.

    Parameters
    ----------
    municipalities, areas, centres, figure_id, title, legend, language, source, city, context, note
        As in :func:`diagnosis.drawing.membership.membership_map`.
    functions : pandas.DataFrame
        Indexed by code: `shared`, number of functions in which the municipality has an area with the centre of its
        own; `compared`, number of functions in which both have one; and `elsewhere`, names of the functions in which
        they are apart. A municipality with an area and no numbers is hatched.
    territory : iterable of str, optional
        Municipalities of the territory, whose border is drawn where the map reaches beyond it.

    Returns
    -------
    Figure
        Table indexed by code: `name`, `area`, `area_name`, `shared`, `compared`, `part` (``all``, ``most``, ``few``
        or missing) and `elsewhere`.

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, areas or functions not of these municipalities, a column missing, or more functions
        shared than compared.
    """
    import shapely

    about = Heading(figure_id, title, language, source, note)
    words = {**partition_words(language), **WORDS[language]}
    partition = read_partition(municipalities, areas, centres, city)
    labels, places = partition.labels, partition.places
    if labels.isna().all():
        return say_nothing(about, places, labels)
    table = _read_functions(functions, partition)
    part = table["part"]
    tones = part.map(dict(zip(PARTS, TONES, strict=True)))
    fills = pd.Series(
        [
            "white" if pd.isna(tone) else mix_with_white(partition.hue(labels[code]), tone)
            for code, tone in tones.items()
        ],
        index=labels.index,
    )
    tips = pd.Series(
        [_write_tip(row, partition, words, language) for row in table.itertuples()], index=labels.index
    )
    inside = find_border(places.index, territory)
    key = _make_legend(partition, part, legend, border_items(inside, language), words)
    sheet = MapSheet(municipalities, key, language, context)
    sheet.draw_context()
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            blank = pd.isna(part[code])
            sheet.canvas.shape(
                shape,
                fills[code],
                RULE if blank else BORDER,
                BORDER_WIDTH,
                hatch=HATCH if blank else None,
                tooltip=tips[code],
            )
    dot_municipalities(sheet, list(part.index[part.isin(PARTS[:2])]), fills, tips)
    for window in sheet.windows:
        draw_borders(sheet, window, partition)
    draw_border(sheet, inside)
    for window in sheet.windows:
        own = partition.select(window.shapes, partition.own)
        if len(own):
            sheet.canvas.shape(shapely.coverage_union_all(own.to_numpy()), edge=INK, line=2.2)
    draw_centres(sheet, partition, {})
    sheet.draw_frames()
    apart = part[~part.index.isin(partition.centres.values())]  # a centre belongs to its area by definition
    counts = {name: count_municipalities(int((apart == name).sum()), language) for name in PARTS}
    few = table.loc[part == "few", "name"].sort_values().tolist()
    told = words["counts"].format(**counts) + (f": {join_names(few, language)}" if few else "")
    description = join_sentences(
        words["map"].format(title=title, count=count_municipalities(len(places), language)),
        words["areas"].format(areas=len(partition.names)),
        told,
    )
    return sheet.finish(about, description, table)


def _read_functions(functions: pd.DataFrame, partition: Partition) -> pd.DataFrame:
    """Put the numbers in the order of the municipalities, and say which part each belongs to."""
    if absent := [name for name in ("shared", "compared", "elsewhere") if name not in functions]:
        raise InputError("The functions of a map need three columns", f"missing: {examples(absent)}")
    labels = partition.labels
    shared, compared = (
        pd.to_numeric(align_values(functions[name], labels.index, name)).astype(float)
        for name in ("shared", "compared")
    )
    wrong = (shared > compared) | (shared < 0)
    if wrong.any():
        raise InputError(
            "No municipality can share more functions than are compared",
            f"it does: {examples(labels.index[wrong])}",
        )
    known = labels.notna() & shared.notna() & (compared > 0)
    part = np.select([~known, shared == compared, shared > MOST * compared], ["", "all", "most"], "few")
    return pd.DataFrame(
        {
            "name": partition.places,
            "area": labels,
            "area_name": labels.map(partition.names, na_action="ignore"),
            "shared": shared.where(known).astype("Int64"),
            "compared": compared.where(known).astype("Int64"),
            "part": pd.Series(part, index=labels.index, dtype=object).where(known, None),
            "elsewhere": align_values(functions["elsewhere"], labels.index, "elsewhere").where(known, None),
        }
    )


def _write_tip(row, partition: Partition, words: Mapping[str, str], language: str) -> str:  # type: ignore[no-untyped-def]
    tip = partition.name(row.Index, words)
    if row.part is None:
        return tip
    numbers = {name: format_number(getattr(row, name), 0, language) for name in ("shared", "compared")}
    apart = f"; {words['elsewhere'].format(row.elsewhere)}" if row.elsewhere else ""
    return f"{tip}, {words['tip'].format(**numbers)}{apart}"


def _make_legend(
    partition: Partition, part: pd.Series, title: str, border: list[Item], words: Mapping[str, str]
) -> Legend:
    others = partition.other_hues()
    items = []
    if partition.own is not None:
        items.append(Item("swatch", words["city_area"].format(partition.names[partition.own]), (CITY_HUE,)))
    if others:
        text = words["other_areas"] if partition.own is not None else title
        items.append(Item("swatch", text, tuple(others)))
    shown = (([CITY_HUE] if partition.own is not None else []) + others)[:3]
    shades = [
        Item(
            "swatch" if name == "all" else "dots",
            words[name],
            tuple(mix_with_white(hue, tone) for hue in shown),
        )
        for name, tone in zip(reversed(PARTS), reversed(TONES), strict=True)
        if (part == name).any()
    ]
    if part.isin(PARTS[:2]).any():
        shades.append(Item("text", words["dotted"]))
    if part.isna().any():
        shades.append(Item("hatch", words["no_data"]))
    return Legend([(title, [*items, *border]), (words["with_centre"], shades)])
