"""What maps of a partition share: colours, names and centres of the areas, and the words of these figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from diagnosis.drawing.areas import AREA_COLOURS, colour_areas, middle_of
from diagnosis.drawing.canvas import INK, shorten_text
from diagnosis.drawing.labels import Label
from diagnosis.drawing.sheet import MapSheet, Window, align_values, check_city, check_municipalities
from diagnosis.errors import InputError, examples
from diagnosis.figure import clean_text, find_words

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

HUES = ("#5da56e", "#b9883c", "#a280c8", "#cd7670", "#42a3a3", "#909a45", "#c4759c", "#bd8566")
"""Colours of areas, equally light in Oklch (0.66): in black and white only the intensity of a fill differs."""
DARK_HUES = ("#2b7440", "#875800", "#725195", "#984742", "#007373", "#626a09", "#90466c", "#7f5033")
"""The same for lines (lightness 0.50)."""
CITY_HUE, CITY_DARK_HUE = "#4b9bcf", "#0e6a9b"
DOT = 1.8

WORDS: dict[str, dict[str, str]] = {
    "it": {
        "within_city": "nell'ambito di {}",
        "within": "negli altri ambiti, nel loro colore",
        "within_any": "dentro un ambito, nel suo colore",
        "crossing": "tra ambiti diversi",
        "centres": "Posti di lavoro nel centro dell'ambito",
        "threshold": "Disegnati i flussi di almeno {threshold} pendolari tra comuni diversi{limit}: {count} "
        "({share} dei pendolari)",
        "all_flows": "Disegnati tutti i flussi tra comuni diversi{limit}: {count}",
        "limit": " con origine o destinazione nel territorio",
        "kinds": "{inside} sono interni a un ambito, {crossing} vanno da un ambito a un altro.",
        "largest": "Il maggiore va da {origin} a {destination}: {value} pendolari.",
        "stability": "Ricalcoli in cui il comune resta con il centro del suo ambito",
        "core": "{}: nucleo",
        "firm": "{}: stabile",
        "rim": "{}: appartenenza incerta",
        "loose": "{}: appartenenza incerta",
        "pale": "più chiaro: resta meno spesso con il centro",
        "core_rim": "Nel nucleo (almeno {high} dei ricalcoli) {core}; appartenenza incerta (meno di {low}) {rim}",
        "firm_loose": "Stabili (almeno {high} dei ricalcoli) {core}; appartenenza incerta (meno di {low}) {rim}",
        "share": "{share} dei ricalcoli",
    },
    "en": {
        "within_city": "in the area of {}",
        "within": "in the other areas, in their colour",
        "within_any": "inside an area, in its colour",
        "crossing": "between areas",
        "centres": "Jobs in the centre of the area",
        "threshold": "Drawn are the flows of at least {threshold} commuters between different municipalities{limit}: "
        "{count} ({share} of the commuters)",
        "all_flows": "Drawn are all flows between different municipalities{limit}: {count}",
        "limit": " with at least one end in the territory",
        "kinds": "{inside} stay inside an area, {crossing} lead from one area to another.",
        "largest": "The largest runs from {origin} to {destination}: {value} commuters.",
        "stability": "Recalculations in which the municipality stays with the centre of its area",
        "core": "{}: core",
        "firm": "{}: firm",
        "rim": "{}: uncertain membership",
        "loose": "{}: uncertain membership",
        "pale": "paler: stays less often with the centre",
        "core_rim": "In the core (at least {high} of the recalculations) {core}; uncertain (less than {low}) {rim}",
        "firm_loose": "Firm (at least {high} of the recalculations) {core}; uncertain (less than {low}) {rim}",
        "share": "{share} of the recalculations",
    },
}
"""The words inside maps of a partition, beside those of :data:`diagnosis.figure.WORDS`."""


@dataclass(frozen=True)
class Partition:
    """The areas of a map.

    Attributes
    ----------
    labels : pandas.Series
        Area of each municipality of the map, indexed by code.
    places : pandas.Series
        Names of the municipalities.
    centres : dict
        Area -> code of its centre, of the areas whose centre is on the map.
    names : dict
        Area -> name of its centre, or its label.
    own : object
        Area of the city; None if there is none.
    hues : dict
        Area other than the city's -> number of its colour.
    """

    labels: pd.Series
    places: pd.Series
    centres: dict
    names: dict
    own: object
    hues: dict

    def hue(self, area: object, dark: bool = False) -> str:
        """Colour of an area, for fills or (dark) for lines."""
        if area == self.own:
            return CITY_DARK_HUE if dark else CITY_HUE
        return (DARK_HUES if dark else HUES)[self.hues[area]]

    def other_hues(self, dark: bool = False) -> list[str]:
        """At most three colours of areas other than the city's own, for a legend."""
        return list(dict.fromkeys(self.hue(area, dark) for area in self.hues))[:3]

    def select(self, shapes: pd.Series, area: object) -> pd.Series:
        """Take the shapes of one area; none for None."""
        return shapes[self.labels.reindex(shapes.index).isin([] if area is None else [area])]

    def name(self, code: str, words: Mapping[str, str]) -> str:
        """Name of a municipality and of its area, for a tooltip."""
        area = self.labels[code]
        return f"{self.places[code]}: {self.names[area] if pd.notna(area) else words['no_data']}"


def read_partition(
    municipalities: GeoDataFrame, areas: pd.Series, centres: pd.Series, city: str | None
) -> Partition:
    """Check what a map of a partition is made of, and choose colours that differ between neighbours.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
    areas : pandas.Series
        Area of each municipality, indexed by code.
    centres : pandas.Series
        Code of the centre of each area, index area.
    city : str or None

    Returns
    -------
    Partition

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, areas not of these municipalities, unknown city, or an area with two centres.
    """
    check_municipalities(municipalities)
    check_city(city, municipalities.index)
    labels = align_values(areas, municipalities.index, "areas")
    places = municipalities["name"].astype("str").map(clean_text)
    if not centres.index.is_unique:
        repeated = centres.index[centres.index.duplicated()]
        raise InputError("centres must have one code an area", f"repeated: {examples(repeated)}")
    found = list(pd.unique(labels.dropna()))
    at = {area: code for area, code in centres.reindex(found).items() if code in places.index}
    names = {area: places[at[area]] if area in at else clean_text(area) for area in found}
    own = labels[city] if city is not None and pd.notna(labels[city]) else None
    colours = colour_areas(municipalities, labels, own)
    hues = {area: AREA_COLOURS.index(colour) for area, colour in colours.items() if area != own}
    return Partition(labels, places, at, names, own, hues)


def partition_words(language: str) -> dict[str, str]:
    """Words of one language, those of every figure included; an unknown language is an UnknownNameError."""
    return {**find_words(language), **WORDS[language]}


def mix_with_white(colour: str, share: float) -> str:
    """Blend `share` of a colour (``#rrggbb``) with white."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(255 + (part - 255) * share):02x}" for part in parts)


def draw_borders(sheet: MapSheet, window: Window, partition: Partition) -> None:
    """Outline the areas of a window."""
    import shapely

    for _, shapes in window.shapes.groupby(partition.labels.reindex(window.shapes.index)):
        sheet.canvas.shape(shapely.coverage_union_all(shapes.to_numpy()), edge=INK, line=1.0)


def draw_centres(sheet: MapSheet, partition: Partition, radii: Mapping[str, float]) -> None:
    """Draw the centres of the areas and write their names, the city's own area first.

    Parameters
    ----------
    sheet : MapSheet
    partition : Partition
    radii : mapping
        Code of a centre -> radius of its circle in points; one that is not there has a dot.
    """
    own = partition.centres.get(partition.own)
    places = pd.concat([window.places for window in sheet.windows])
    places = places[~places.index.duplicated()]  # a municipality with a part in an inset has one circle
    radius = {code: max(radii.get(code, DOT), DOT) for code in partition.centres.values()}
    labels, taken = [], []
    for code in sorted(radius, key=lambda code: (code != own, -radius[code])):
        if code not in places.index:
            continue
        (x, y), r = places.loc[code], radius[code]
        dot = r == DOT
        sheet.canvas.circle(
            x, y, r, INK if dot else "#d7e6ee" if code == own else "white", "white" if dot else INK, line=0.7
        )
        if code in sheet.main.shapes.index:
            size, bold = (8.5, True) if code == own else (7.0, False)
            text = shorten_text(partition.places[code], 120, size, bold)
            labels.append(Label(text, (float(x), float(y)), size, bold, clear=r, needed=code == own))
            reach = max(
                r - 2.0, 0.2
            )  # a label keeps its own distance, and must not be kept off by its own circle
            taken.append((x - reach, y - reach, x + reach, y + reach))
    for area, name in partition.names.items():
        shapes = partition.select(sheet.main.shapes, area)
        if area not in partition.centres and len(shapes):
            labels.append(Label(shorten_text(name, 120, 7.0), middle_of(shapes), 7.0))
    sheet.write_labels(labels, taken)
