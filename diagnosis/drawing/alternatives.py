"""Alternative partitions of the same municipalities as small maps, the same centre in the same colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.drawing.areas import describe_area
from diagnosis.drawing.border import border_items, draw_border, find_border
from diagnosis.drawing.canvas import INK, RULE
from diagnosis.drawing.legend import BORDER, BORDER_WIDTH, HATCH, Item
from diagnosis.drawing.panels import PanelSheet
from diagnosis.drawing.partition import (
    CITY_HUE,
    HUES,
    Partition,
    draw_borders,
    draw_centres,
    mix_with_white,
    partition_words,
)
from diagnosis.drawing.sheet import MapSheet, align_values, check_city, check_municipalities
from diagnosis.errors import InputError, examples
from diagnosis.figure import Figure, Heading, clean_text, count_municipalities, join_sentences

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

FEWEST = 2
OWN_TONE, TONE = 0.75, 0.4
"""Share of the colour in the fill of the city's area and of the others: the city's stands out in grey as well."""
WORDS = {
    "it": {
        "same_colour": "altri ambiti: lo stesso colore per lo stesso centro",
        "centre": "● comune che fa da centro: quello con più posti di lavoro",
    },
    "en": {
        "same_colour": "other areas: the same colour for the same centre",
        "centre": "● municipality at the centre: the one with most jobs",
    },
}


def area_alternatives(
    municipalities: GeoDataFrame,
    centres: pd.DataFrame,
    *,
    titles: Mapping[str, tuple[str, str]],
    figure_id: str,
    title: str,
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    territory: Iterable[str] | None = None,
    note: str = "",
) -> Figure:
    """Draw alternative partitions as small maps on one scale.

    Areas are known by their centre from map to map: the same centre has the same colour everywhere, and a
    municipality that goes to another centre changes its colour, as far as there are colours. The city's own area
    always has the same one, whatever its centre.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        Indexed by code, with `name`, in a metric CRS.
    centres : pandas.DataFrame
        Indexed by code, one column an alternative: code of the centre of each municipality's area; without one it is
        hatched.
    titles : mapping of str to (str, str)
        Above each map: the title of the alternative and a line in small print.
    figure_id, title, language, source, city, context, note
        As in :func:`diagnosis.maps.choropleth`.
    territory : iterable of str, optional
        Municipalities of the territory, whose border is drawn where the maps reach beyond it.

    Returns
    -------
    Figure
        Table indexed by code: `name` and, for each alternative, the name of the centre of its area.

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, fewer than two alternatives, one without a title or without any area, centres that are
        not on the map, or unknown city.
    """
    import shapely

    about = Heading(figure_id, title, language, source, note)
    words = {**partition_words(language), **WORDS[language]}
    check_municipalities(municipalities)
    check_city(city, municipalities.index)
    places = municipalities["name"].astype("str").map(clean_text)
    partitions = _read_alternatives(municipalities, centres, titles, city)
    inside = find_border(places.index, territory)
    own = any(partition.own is not None for partition in partitions.values())
    items = (
        [Item("swatch", words["city_area"].format(places[city]), (mix_with_white(CITY_HUE, OWN_TONE),))]
        if own
        else []
    )
    others = list(dict.fromkeys(hue for partition in partitions.values() for hue in partition.other_hues()))[
        :3
    ]
    if others:
        items.append(Item("swatch", words["same_colour"], tuple(mix_with_white(hue, TONE) for hue in others)))
    items += border_items(inside, language)
    if any(partition.labels.isna().any() for partition in partitions.values()):
        items.append(Item("hatch", words["no_data"]))
    items.append(Item("text", words["centre"]))
    sheet = PanelSheet(municipalities, [titles[name] for name in partitions], items, language, context)
    for panel, partition in zip(sheet.panels, partitions.values(), strict=True):
        _draw_alternative(panel, partition, words)
        draw_border(panel, inside)
        for window in panel.windows:
            shapes = partition.select(window.shapes, partition.own)
            if len(shapes):
                panel.canvas.shape(shapely.coverage_union_all(shapes.to_numpy()), edge=INK, line=1.9)
        draw_centres(panel, partition, {})
        panel.draw_frames()
    sheet.draw_legend()
    table = pd.DataFrame({"name": places})
    sentences = [words["map"].format(title=title, count=count_municipalities(len(places), language))]
    for name, partition in partitions.items():
        table[name] = partition.labels.map(partition.names, na_action="ignore")
        sentences.append(": ".join(text for text in titles[name] if text))
        if partition.own is not None:
            at = partition.names[partition.own]
            sentences.append(describe_area(places, partition.labels, partition.own, at, language))
    return sheet.finish(about, join_sentences(*sentences), table)


def _read_alternatives(
    municipalities: GeoDataFrame,
    centres: pd.DataFrame,
    titles: Mapping[str, tuple[str, str]],
    city: str | None,
) -> dict[str, Partition]:
    """Check the alternatives and give each area its colour; the city's own area goes by the code of the city."""
    if len(centres.columns) < FEWEST:
        raise InputError("Alternatives can be compared from two on", f"{len(centres.columns)} were given")
    if untold := [name for name in centres.columns if name not in titles]:
        raise InputError("Every alternative needs a title", f"without one: {examples(map(str, untold))}")
    places = municipalities["name"].astype("str").map(clean_text)
    keys = {}
    for name in centres.columns:
        at = align_values(centres[name], municipalities.index, "centres")
        if at.isna().all() or not at.dropna().isin(places.index).all():
            raise InputError(
                f"The centres of the alternative {name!r} must be municipalities of the map",
                f"found {examples(at[~at.isin(places.index)].dropna().astype('str').unique()) or 'none'}",
            )
        own = at[city] if city is not None else None
        keys[name] = at.astype(object).where(at != own, city) if pd.notna(own) else at.astype(object)
    hues = _colour_centres(municipalities, keys, city)
    partitions = {}
    for name, labels in keys.items():
        at = centres[name].reindex(labels.index)
        known = labels.notna()
        found = dict(zip(labels[known], at[known], strict=True))
        own = city if city in found else None
        shown = {centre: hue for centre, hue in hues.items() if centre in found and centre != own}
        partitions[name] = Partition(
            labels, places, found, {key: places[code] for key, code in found.items()}, own, shown
        )
    return partitions


def _colour_centres(
    municipalities: GeoDataFrame, keys: Mapping[str, pd.Series], city: str | None
) -> dict[str, int]:
    """Choose a colour for each centre: another one than those of areas beside it on any map.

    Where there are colours enough, also another one than those of all areas on the same map, then than those of the
    centres that its municipalities have on other maps.
    """
    import shapely

    polygons = municipalities.geometry.to_numpy()
    one, other = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=50.0)
    table = pd.DataFrame(dict(keys)).astype(object)
    centres = sorted({key for column in table for key in table[column].dropna()} - {city})
    wishes: list[dict[str, set]] = [{key: set() for key in centres} for _ in range(3)]
    beside, together, elsewhere = wishes
    for column in table:
        _note_pairs(beside, table[column].iloc[one], table[column].iloc[other])
        found = table[column].dropna().unique()
        _note_pairs(together, np.repeat(found, len(found)), np.tile(found, len(found)))
        for second in table.columns.drop(column):
            _note_pairs(elsewhere, table[column], table[second])
    hues: dict[str, int] = {}
    used = dict.fromkeys(range(len(HUES)), 0)
    for key in sorted(centres, key=lambda key: (-len(beside[key]), -len(together[key]), key)):
        avoided: set = set()
        free = list(used)
        for wish in wishes:
            avoided |= {hues.get(other) for other in wish[key]}
            free = [hue for hue in free if hue not in avoided] or free
        hues[key] = min(free, key=used.__getitem__)
        used[hues[key]] += 1
    return hues


def _note_pairs(found: dict[str, set], here: Iterable, there: Iterable) -> None:
    """Add to the set of each centre the others it is paired with."""
    for one, other in set(zip(here, there, strict=True)):
        if one in found and pd.notna(other) and one != other:
            found[one].add(other)


def _draw_alternative(sheet: MapSheet, partition: Partition, words: Mapping[str, str]) -> None:
    sheet.draw_context()
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            area, tooltip = partition.labels[code], partition.name(code, words)
            if pd.isna(area):
                sheet.canvas.shape(shape, "white", RULE, BORDER_WIDTH, hatch=HATCH, tooltip=tooltip)
            else:
                fill = mix_with_white(partition.hue(area), OWN_TONE if area == partition.own else TONE)
                sheet.canvas.shape(shape, fill, BORDER, BORDER_WIDTH, tooltip=tooltip)
        draw_borders(sheet, window, partition)
