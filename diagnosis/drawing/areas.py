"""Map of a partition of the territory into areas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import CONTRAST, INK, RULE, shorten_text
from diagnosis.drawing.labels import Label
from diagnosis.drawing.legend import BORDER_WIDTH, HATCH, Item, Legend
from diagnosis.drawing.sheet import MapSheet, align_values, check_city, check_municipalities, say_nothing
from diagnosis.figure import (
    Figure,
    Heading,
    clean_text,
    count_municipalities,
    find_words,
    join_names,
    join_sentences,
)

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

AREA_COLOURS = ("#cfe3d4", "#f3dfc1", "#d9d4e7", "#f2d0cd", "#d3e0ea", "#e6e6c8", "#ead7e2", "#d8d8d8")
"""Muted colours of the areas around the city's own."""
CITY_AREA = "#6fa8c4"
DASHES = (2.6, 1.4)


def areas_map(
    municipalities: GeoDataFrame,
    labels: pd.Series,
    names: Mapping,
    *,
    figure_id: str,
    title: str,
    legend: str = "",
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    reference: pd.Series | None = None,
    reference_name: str = "",
    note: str = "",
) -> Figure:
    """Draw a partition of the territory into areas, the city's own strongest.

    Parameters
    ----------
    municipalities, figure_id, title, legend, language, source, city, context, note
        As in :func:`diagnosis.maps.choropleth`.
    labels : pandas.Series
        Area of each municipality, indexed by code; a municipality without one is hatched.
    names : mapping
        Area -> its name; an area without a name shows its label.
    reference : pandas.Series, optional
        A second partition, indexed by code, whose boundaries are dashed.
    reference_name : str, optional
        Its legend entry, e.g. ``"SLL 2021 (ISTAT)"``.

    Returns
    -------
    Figure
        Table indexed by code: `name`, `area`, `area_name` and, with a second partition, `reference`.
    """
    import shapely

    about = Heading(figure_id, title, language, source, note)
    words = about.words
    check_municipalities(municipalities)
    check_city(city, municipalities.index)
    labels = align_values(labels, municipalities.index, "labels")
    places = municipalities["name"].astype("str").map(clean_text)
    if labels.isna().all():
        return say_nothing(about, places, labels)
    area_names = {area: clean_text(names.get(area, area)) for area in pd.unique(labels.dropna())}
    own = labels[city] if city is not None and pd.notna(labels[city]) else None
    colours = colour_areas(municipalities, labels, own)
    items = []
    if own is not None:
        items.append(Item("swatch", words["city_area"].format(area_names[own]), (CITY_AREA,)))
    others = [colour for area, colour in colours.items() if area != own]
    if others:
        shown = tuple(dict.fromkeys(others))[:3]
        items.append(Item("swatch", words["other_areas"] if own is not None else legend, shown))
    if labels.isna().any():
        items.append(Item("hatch", words["no_data"]))
    if reference is not None:
        reference = align_values(reference, municipalities.index, "reference")
        items.append(Item("line", reference_name or words["reference"], (CONTRAST,), 1.2, DASHES))
    sheet = MapSheet(municipalities, Legend([(legend, items)]), language, context)
    sheet.draw_context()
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            area = labels[code]
            known = pd.notna(area)
            sheet.canvas.shape(
                shape,
                colours[area] if known else "white",
                "white" if known else RULE,
                BORDER_WIDTH,
                hatch=None if known else HATCH,
                tooltip=f"{places[code]}: {area_names[area] if known else words['no_data']}",
            )
        for _, shapes in window.shapes.groupby(labels.reindex(window.shapes.index)):
            outline = shapely.coverage_union_all(shapes.to_numpy())
            sheet.canvas.shape(outline, edge=INK, line=1.1)
        if own is not None and (labels.reindex(window.shapes.index) == own).any():
            shapes = window.shapes[labels.reindex(window.shapes.index) == own]
            sheet.canvas.shape(shapely.coverage_union_all(shapes.to_numpy()), edge=INK, line=2.0)
        if reference is not None:
            lines = _find_inner_boundaries(window.shapes, reference.reindex(window.shapes.index))
            sheet.canvas.shape(lines, edge=CONTRAST, line=1.2, dashes=DASHES)
    _label_areas(sheet, labels, area_names, own)
    sheet.draw_frames()
    table = pd.DataFrame(
        {"name": places, "area": labels, "area_name": labels.map(area_names, na_action="ignore")}
    )
    if reference is not None:
        table["reference"] = reference
    members = "" if own is None else describe_area(places, labels, own, area_names[own], language)
    description = join_sentences(
        words["map"].format(title=title, count=count_municipalities(len(places), language)),
        words["areas"].format(areas=len(area_names)),
        members,
    )
    return sheet.finish(about, description, table)


def describe_area(places: pd.Series, labels: pd.Series, own: object, name: str, language: str) -> str:
    """Name an area and list its members, for the text alternative."""
    members = places[labels == own].sort_values().tolist()
    return find_words(language)["area_of"].format(
        city=name, count=count_municipalities(len(members), language), names=join_names(members, language)
    )


def colour_areas(municipalities: GeoDataFrame, labels: pd.Series, own: object) -> dict:
    """Colour of each area, different between neighbours: greedy in the smallest-last order."""
    import shapely

    polygons = municipalities.geometry.to_numpy()
    one, other = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=50.0)
    area = labels.to_numpy(dtype=object)
    neighbours: dict = {label: set() for label in pd.unique(labels.dropna())}
    for first, second in zip(area[one], area[other], strict=True):
        if pd.notna(first) and pd.notna(second) and first != second:
            neighbours[first].add(second)
    rest = {label: set(near) for label, near in neighbours.items() if label != own}
    order = []
    while rest:
        least = min(rest, key=lambda label: len(rest[label] & rest.keys()))  # first among equals
        order.append(least)
        del rest[least]
    colours = {} if own is None else {own: CITY_AREA}
    used: dict[str, int] = dict.fromkeys(AREA_COLOURS, 0)
    for label in reversed(order):
        taken = {colours.get(near) for near in neighbours[label]}
        free = [colour for colour in AREA_COLOURS if colour not in taken] or list(AREA_COLOURS)
        colour = min(free[:6], key=used.__getitem__)
        colours[label] = colour
        used[colour] += 1
    return colours


def _label_areas(sheet: MapSheet, labels: pd.Series, area_names: Mapping, own: object) -> None:
    shapes = sheet.main.shapes
    own_areas = pd.Series([shape.area for shape in shapes], index=shapes.index)
    area = labels.reindex(shapes.index)
    order = own_areas.groupby(area).sum().sort_values(ascending=False, kind="stable").index
    entries = []
    for name in sorted(order, key=lambda label: label != own):  # the city's own first, then by extent
        inside = area.index[area == name]
        size, bold = (8.5, True) if name == own else (7.0, False)
        text = shorten_text(area_names[name], 120, size, bold)
        entries.append(Label(text, middle_of(shapes[inside]), size, bold, needed=name == own))
    sheet.write_labels(entries)


def _find_inner_boundaries(shapes: pd.Series, labels: pd.Series) -> Any:
    """Find the boundaries between areas, without the outline of the territory."""
    import shapely

    areas = [shapely.coverage_union_all(group.to_numpy()) for _, group in shapes.groupby(labels)]
    outline = shapely.boundary(shapely.coverage_union_all(shapes.to_numpy()))
    inner = shapely.difference(shapely.union_all(shapely.boundary(np.array(areas, dtype=object))), outline)
    lines = [
        part for part in shapely.get_parts([inner]) if part.geom_type == "LineString" and not part.is_empty
    ]
    return shapely.line_merge(shapely.MultiLineString(lines))


def middle_of(shapes: Iterable) -> tuple[float, float]:
    """Find a point well inside the largest part of several shapes."""
    import shapely

    union = shapely.coverage_union_all(np.asarray(list(shapes), dtype=object))
    parts = shapely.get_parts(union)
    largest = parts[shapely.area(parts).argmax()]
    centre = shapely.centroid(largest)
    point = centre if shapely.contains(largest, centre) else shapely.point_on_surface(largest)
    return point.x, point.y
