"""Map of local clusters: where like municipalities lie side by side, in the territory and around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import INK, MUTED, shorten_text
from diagnosis.drawing.labels import Label
from diagnosis.drawing.legend import BORDER, BORDER_WIDTH, HATCH, Item, Legend
from diagnosis.drawing.sheet import MapSheet, align_values, check_city, check_municipalities, say_nothing
from diagnosis.errors import InputError, examples
from diagnosis.figure import Figure, Heading, clean_text, count_municipalities, join_names, join_sentences

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

AROUND = 0.4
"""Opacity of what lies around the territory."""
LABELLED = 5


def cluster_map(
    municipalities: GeoDataFrame,
    clusters: pd.Series,
    kinds: Mapping[str, tuple[str, str]],
    *,
    figure_id: str,
    title: str,
    legend: str,
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    plain: str = "none",
    around_name: str = "",
    note: str = "",
    compact: bool = False,
) -> Figure:
    """Draw the cluster each municipality belongs to, paler around the territory.

    Parameters
    ----------
    municipalities, figure_id, title, legend, language, source, city, note, compact
        As in :func:`diagnosis.maps.choropleth`.
    clusters : pandas.Series
        Kind of each municipality, indexed by code, of the territory and of its surroundings; hatched where missing.
    kinds : mapping of str to (str, str)
        Kind -> label and colour, in the order of the legend, where only kinds of the territory are listed.
    context : geopandas.GeoDataFrame, optional
        Municipalities around the territory: coloured where they have a kind.
    plain : str, default ``"none"``
        The kind that says nothing: not named in the description.
    around_name : str, optional
        What the pale colours are, in the legend.

    Returns
    -------
    Figure
        Table indexed by code of the territory: `name`, `cluster`, `label`.

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, an unknown kind or city.
    """
    import shapely

    about = Heading(figure_id, title, language, source, note)
    words = about.words
    check_municipalities(municipalities)
    check_city(city, municipalities.index)
    unknown = sorted(set(clusters.dropna().astype("str")) - set(kinds))
    if unknown:
        raise InputError("Every cluster must be one of the kinds", f"found {examples(unknown)}")
    own = align_values(clusters, municipalities.index, "clusters")
    names = municipalities["name"].astype("str").map(clean_text)
    if own.isna().all():
        return say_nothing(about, names, own)
    colours = {kind: colour for kind, (_, colour) in kinds.items()}
    labels = {kind: clean_text(label) for kind, (label, _) in kinds.items()}
    shown = [kind for kind in kinds if (own == kind).any()]
    items = [Item("swatch", labels[kind], (colours[kind],)) for kind in shown]
    if own.isna().any():
        items.append(Item("hatch", words["no_data"]))
    if around_name:
        items.append(Item("text", around_name))
    sheet = MapSheet(municipalities, Legend([(legend, items)]), language, context, compact)
    sheet.draw_context()
    _draw_around(sheet, clusters, colours, plain)
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            known = pd.notna(own[code])
            sheet.canvas.shape(
                shape,
                colours[own[code]] if known else "white",
                BORDER,
                BORDER_WIDTH,
                hatch=None if known else HATCH,
                tooltip=f"{names[code]}: {labels[own[code]] if known else words['no_data']}",
            )
        sheet.canvas.shape(shapely.coverage_union_all(window.shapes.to_numpy()), edge=MUTED, line=1.4)
        if city is not None and city in window.shapes.index:
            sheet.canvas.shape(window.shapes[city], edge=INK, line=1.4)
    _label(sheet, names, own, city, plain)
    sheet.draw_frames()
    told = [
        words["counted"].format(
            what=labels[kind],
            count=count_municipalities(int((own == kind).sum()), language),
            names="" if kind == plain else f" ({join_names(names[own == kind].tolist(), language)})",
        )
        for kind in shown
    ]
    missing = int(own.isna().sum())
    description = join_sentences(
        words["map"].format(title=title, count=count_municipalities(len(names), language)),
        *told,
        words["same_as"].format(name=names[city], value=labels.get(own[city], words["no_data"]))
        if city
        else "",
        words["without"].format(count=count_municipalities(missing, language)) if missing else "",
    )
    table = pd.DataFrame({"name": names, "cluster": own, "label": own.map(labels, na_action="ignore")})
    return sheet.finish(about, description, table)


def _draw_around(sheet: MapSheet, clusters: pd.Series, colours: Mapping[str, str], plain: str) -> None:
    """Colour the surroundings, cut at the frame."""
    import shapely

    kinds = clusters.reindex(sheet.land_around.index)
    telling = kinds.notna() & (kinds != plain)
    for kind, codes in kinds[telling].groupby(kinds[telling]).groups.items():
        cut = shapely.clip_by_rect(sheet.land_around.loc[codes].to_numpy(), *sheet.main.box)
        parts = shapely.get_parts(cut)
        parts = parts[np.isin(shapely.get_type_id(parts), (3, 6))]
        if len(parts):
            land = shapely.MultiPolygon(list(shapely.get_parts(parts)))
            sheet.canvas.shape(land, colours[str(kind)], "white", 0.6, opacity=AROUND)


def _label(sheet: MapSheet, names: pd.Series, own: pd.Series, city: str | None, plain: str) -> None:
    """Name the city, then the largest municipalities in a cluster, then the others."""
    shapes = sheet.main.shapes
    order = pd.DataFrame(
        {
            "telling": (own.reindex(shapes.index) != plain) & own.reindex(shapes.index).notna(),
            "size": [shape.area for shape in shapes],
        },
        index=shapes.index,
    ).sort_values(["telling", "size"], ascending=False, kind="stable")
    place = sheet.main.place
    codes = [code for code in order.index if code != city][:LABELLED]
    labels = [Label(shorten_text(names[code], 110, 7), place(code), 7) for code in codes]
    if city is not None and city in shapes.index:
        text = shorten_text(names[city], 140, 8.5, bold=True)
        labels.insert(0, Label(text, place(city), 8.5, bold=True, needed=True))
    sheet.write_labels(labels)
