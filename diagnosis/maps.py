"""Maps of a territory as figures of a report: numbers, categories, areas, flows, location."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.drawing.alternatives import area_alternatives
from diagnosis.drawing.area_flows import area_flow_map
from diagnosis.drawing.areas import areas_map
from diagnosis.drawing.canvas import ACCENT, Canvas, shorten_text
from diagnosis.drawing.classes import classify
from diagnosis.drawing.clusters import cluster_map
from diagnosis.drawing.cores import core_map
from diagnosis.drawing.flows import flow_map
from diagnosis.drawing.labels import Label
from diagnosis.drawing.legend import BORDER, BORDER_WIDTH, HATCH, Item, Legend
from diagnosis.drawing.membership import membership_map
from diagnosis.drawing.sheet import MapSheet, align_values, check_city, check_municipalities, say_nothing
from diagnosis.drawing.stipple import dot_municipalities
from diagnosis.errors import InputError, examples
from diagnosis.figure import (
    Figure,
    Heading,
    clean_text,
    count_municipalities,
    find_words,
    format_number,
    format_value,
    join_names,
    join_sentences,
)

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = [
    "DEGURBA_COLOURS",
    "SNAI_COLOURS",
    "area_alternatives",
    "area_flow_map",
    "areas_map",
    "choropleth",
    "cluster_map",
    "core_map",
    "flow_map",
    "membership_map",
    "small_map",
]

SNAI_COLOURS = {
    "A": "#4575b4",
    "B": "#91bfdb",
    "C": "#e0f3f8",
    "D": "#fee090",
    "E": "#fc8d59",
    "F": "#d73027",
}
"""Classes of the inner areas strategy, from poles (blue) to ultra-peripheral (red): ColorBrewer RdYlBu."""
DEGURBA_COLOURS = {"1": "#225ea8", "2": "#7fcdbb", "3": "#f4f7cf"}
"""Degree of urbanisation, from cities (dark) to rural areas (light): ColorBrewer YlGnBu."""
CATEGORY_COLOURS = ("#66c2a5", "#fc8d62", "#8da0cb", "#e7b5d6", "#c2dc86", "#ffe28a", "#e5c494", "#b3b3b3")
"""For categories without an order: ColorBrewer Set2, three of them lightened."""
LABELLED = 6


def choropleth(
    municipalities: GeoDataFrame,
    values: pd.Series,
    *,
    figure_id: str,
    title: str,
    legend: str,
    unit: str = "",
    decimals: int = 1,
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    diverging_at: float | None = None,
    classes: int = 5,
    scheme: str = "quantiles",
    breaks: Sequence[float] | None = None,
    categories: Mapping[str, str | tuple[str, str]] | None = None,
    residents: pd.Series | None = None,
    doubtful: pd.Series | None = None,
    doubtful_name: str = "",
    note: str = "",
    compact: bool = False,
) -> Figure:
    """Draw a value of each municipality as a colour.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        The territory: indexed by code, with `name`, in a metric CRS.
    values : pandas.Series
        Indexed by code: numbers, or codes of `categories`. A municipality without a value is hatched.
    figure_id : str
        Unique in the report; begins with a letter.
    title, legend : str
        Title of the figure (not drawn inside it) and of the legend.
    unit : str, optional
        Unit, shown in the legend and in tooltips.
    decimals : int, default 1
        Decimals of tooltips and of the description.
    language : {"it", "en"}
    source : str
        Source line of the caption.
    city : str, optional
        Code of the city: outlined, labelled and named in the description.
    context : geopandas.GeoDataFrame, optional
        Land around the territory, drawn in light grey.
    diverging_at, classes, scheme, breaks
        See :func:`diagnosis.drawing.classes.classify`.
    categories : mapping of str to str or (str, str), optional
        Code -> label, or label and colour; in the order of the legend. Makes a map of categories.
    residents : pandas.Series, optional
        Which municipalities are large enough to be labelled; without it, by area.
    doubtful : pandas.Series of bool, optional
        Indexed by code: whether the class of a municipality is uncertain, e.g. since its interval reaches into
        another class. These are dotted, and counted in the legend and the description.
    doubtful_name : str, optional
        What the dots mean, in the legend; "class in doubt" without it.
    note : str, optional
        Placed first in the caption.
    compact : bool, default False
        Half as wide, with the legend below: for two maps side by side.

    Returns
    -------
    Figure
        Table indexed by code: `name`, `value`, `class` and, where given, `doubtful` (missing where it is not
        known or there is no value). When every value is missing, the drawing says so
        in words.

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, values not numeric or not of these municipalities, unknown city or category.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    check_municipalities(municipalities)
    check_city(city, municipalities.index)
    values = align_values(values, municipalities.index, "values")
    names = municipalities["name"].astype("str").map(clean_text)
    if values.isna().all():
        nothing = say_nothing(about, names, values)
        if doubtful is not None:
            nothing.table["doubtful"] = pd.array([pd.NA] * len(names), dtype="boolean")
        return nothing
    if categories is None:
        values = _to_numbers(values)
        found = classify(
            values.to_numpy(),
            decimals=decimals,
            language=language,
            classes=classes,
            scheme=scheme,
            breaks=breaks,
            diverging_at=diverging_at,
        )
        position = pd.Series(found.assign(values.to_numpy()), index=values.index)
        labels, colours = found.labels, found.colours
        texts = values.map(lambda value: format_value(value, decimals, language, unit))
        summary = _describe_numbers(values, names, texts, language)
    else:
        labels, colours, position = _sort_categories(values, categories)
        texts = position.map(lambda number: labels[number] if number >= 0 else "")
        summary = " ".join(
            f"{label}: {count_municipalities(int((position == number).sum()), language)}."
            for number, label in enumerate(labels)
        )
    texts = texts.where(position >= 0, words["no_data"])
    if doubtful is not None:
        doubtful = _to_truth(doubtful, municipalities.index).where(position >= 0)
    dotted = [] if doubtful is None else list(doubtful.index[doubtful.fillna(False)])
    doubtful_name = doubtful_name or words["doubtful"]
    heading = f"{legend} ({unit})" if legend and unit and unit not in legend else legend or unit
    items = [Item("swatch", label, (colour,)) for label, colour in zip(labels, colours, strict=True)]
    if (position < 0).any():
        items.append(Item("hatch", words["no_data"]))
    if dotted:
        number = format_number(len(dotted), 0, language)
        items.append(Item("dots", f"{doubtful_name} ({number})", (colours[0], colours[-1])))
    sheet = MapSheet(municipalities, Legend([(heading, items)]), language, context, compact)
    sheet.draw_context()
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            number = position[code]
            sheet.canvas.shape(
                shape,
                colours[number] if number >= 0 else "white",
                BORDER,
                BORDER_WIDTH,
                hatch=None if number >= 0 else HATCH,
                tooltip=f"{names[code]}: {texts[code]}",
            )
    dot_municipalities(sheet, dotted, position.map(lambda number: colours[number]), names + ": " + texts)
    sheet.draw_outline(city)
    _label_municipalities(sheet, names, city, residents)
    sheet.draw_frames()
    missing = int((position < 0).sum())
    description = join_sentences(
        words["map"].format(title=title, count=count_municipalities(len(names), language)),
        summary,
        words["same_as"].format(name=names[city], value=texts[city]) if city else "",
        words["without"].format(count=count_municipalities(missing, language)) if missing else "",
        "" if doubtful is None else _describe_doubtful(doubtful_name, names[dotted], language),
    )
    table = pd.DataFrame(
        {"name": names, "value": values, "class": position.map(lambda n: labels[n] if n >= 0 else None)}
    )
    if doubtful is not None:
        table["doubtful"] = doubtful
    return sheet.finish(about, description, table)


def small_map(
    country: GeoDataFrame,
    territory: GeoDataFrame,
    *,
    figure_id: str,
    title: str,
    language: str = "it",
    source: str = "",
    note: str = "",
    width: float = 120.0,
) -> Figure:
    """Draw where the territory lies in its country or region.

    Parameters
    ----------
    country : geopandas.GeoDataFrame
        Regions or municipalities of the country, in the CRS of `territory`; the borders of at most 120
        of them are drawn.
    territory : geopandas.GeoDataFrame
        Its municipalities, with `name`.
    figure_id, title, language, source, note
        As in :func:`choropleth`.
    width : float, default 120
        Width in points.

    Returns
    -------
    Figure
        Table indexed by code: `name`.
    """
    import shapely

    about = Heading(figure_id, title, language, source, note)
    check_municipalities(territory)
    left, bottom, right, top = (float(value) for value in country.total_bounds)
    factor = (width - 4) / (right - left)
    tolerance = 0.4 / factor
    shapes = country.geometry.to_numpy()
    if len(shapes) > 120:
        shapes = np.array([shapely.coverage_union_all(shapes)])
    canvas = Canvas(width, (top - bottom) * factor + 4)

    def to_points(geometries: np.ndarray) -> np.ndarray:
        parts = shapely.get_parts(shapely.coverage_simplify(geometries, tolerance))
        parts = parts[shapely.area(parts) > tolerance**2]
        return shapely.transform(parts, lambda points: (points - [left, bottom]) * factor + 2)

    canvas.shape(shapely.MultiPolygon(list(to_points(shapes))), "#dfe2e4", "white", 0.4)
    spot = to_points(np.array([shapely.coverage_union_all(territory.geometry.to_numpy())]))
    if len(spot):
        canvas.shape(shapely.MultiPolygon(list(spot)), ACCENT, ACCENT, 0.5)
    x0, y0, x1, y1 = (
        (value - start) * factor + 2
        for value, start in zip(territory.total_bounds, (left, bottom, left, bottom), strict=True)
    )
    if max(x1 - x0, y1 - y0) < 14:  # too small to be found without a ring around it
        canvas.circle((x0 + x1) / 2, (y0 + y1) / 2, 9, edge=ACCENT, line=1.0)
    description = about.words["locator"].format(title=title)
    table = pd.DataFrame({"name": territory["name"].astype("str")})
    return canvas.finish(about, description, table)


def _to_numbers(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    broken = (numbers.isna() & values.notna()) | np.isinf(numbers)
    if broken.any():
        raise InputError(
            "The values of a choropleth must be finite numbers",
            f"{int(broken.sum())} are not, for instance {examples(values[broken].astype('str'))}",
            "Pass `categories` for a map of categories",
        )
    return numbers


def _to_truth(doubtful: pd.Series, codes: pd.Index) -> pd.Series:
    """Put truth values in the order of the municipalities; missing where there is none."""
    aligned = align_values(doubtful, codes, "doubtful")
    known = aligned.dropna()
    wrong = ~known.map(lambda value: isinstance(value, bool | np.bool_)).astype(bool)
    if wrong.any():
        raise InputError(
            "doubtful must be true or false for each municipality",
            f"found {examples(known[wrong].astype('str').unique())}",
        )
    return aligned.astype("boolean")


def _sort_categories(
    values: pd.Series, categories: Mapping[str, str | tuple[str, str]]
) -> tuple[tuple[str, ...], tuple[str, ...], pd.Series]:
    unknown = sorted(set(values.dropna().astype("str")) - {str(code) for code in categories})
    if unknown:
        raise InputError(
            "Every value must be one of the categories",
            f"found {examples(unknown)}, known are {examples(map(str, categories), 12)}",
        )
    present = values.dropna().astype("str").unique()
    shown = {str(code): entry for code, entry in categories.items() if str(code) in present}
    labels = tuple(clean_text(entry if isinstance(entry, str) else entry[0]) for entry in shown.values())
    default = iter(CATEGORY_COLOURS * (1 + len(shown) // len(CATEGORY_COLOURS)))
    colours = tuple(next(default) if isinstance(entry, str) else entry[1] for entry in shown.values())
    number = {code: position for position, code in enumerate(shown)}
    position = values.map(lambda code: -1 if pd.isna(code) else number[str(code)]).astype(int)
    return labels, colours, position


def _describe_numbers(values: pd.Series, names: pd.Series, texts: pd.Series, language: str) -> str:
    words, known = find_words(language), values.dropna()
    low, high = known.idxmin(), known.idxmax()
    if known[low] == known[high]:
        return words["constant"].format(value=texts[low])
    middle = known.sort_values().index[(len(known) - 1) // 2]
    return words["range"].format(
        low=texts[low], low_name=names[low], median=texts[middle], high=texts[high], high_name=names[high]
    )


def _describe_doubtful(what: str, names: pd.Series, language: str) -> str:
    return find_words(language)["counted"].format(
        what=what[:1].upper() + what[1:],
        count=count_municipalities(len(names), language),
        names=f" ({join_names(names.tolist(), language)})" if len(names) else "",
    )


def _label_municipalities(
    sheet: MapSheet, names: pd.Series, city: str | None, residents: pd.Series | None
) -> None:
    shapes = sheet.main.shapes
    size = pd.Series([shape.area for shape in shapes], index=shapes.index)
    if residents is not None:
        size = residents.reindex(shapes.index).fillna(0)
    largest = size.sort_values(ascending=False, kind="stable").index
    codes = [code for code in largest if code != city][:LABELLED]
    place = sheet.main.place
    labels = [Label(shorten_text(names[code], 110, 7), place(code), 7) for code in codes]
    if city is not None and city in shapes.index:
        text = shorten_text(names[city], 140, 8.5, bold=True)
        labels.insert(0, Label(text, place(city), 8.5, bold=True, needed=True))
    sheet.write_labels(labels)
