"""Map of the strongest flows between municipalities, with the jobs in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import ACCENT, CONTRAST, INK, MUTED, shorten_text
from diagnosis.drawing.labels import Label
from diagnosis.drawing.legend import Item, Legend
from diagnosis.drawing.sheet import MapSheet, check_city, check_municipalities
from diagnosis.errors import InputError, examples
from diagnosis.figure import (
    Figure,
    Heading,
    clean_text,
    count_municipalities,
    find_words,
    format_number,
    join_sentences,
)

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

STRONGEST = 40
WIDEST = 7.0
LARGEST_CIRCLE = 13.0
OBSTACLE = 3.5
"""Radius in points from which labels avoid the circles of other municipalities."""
BEND = 0.16
"""Offset of the middle of a flow from the straight line, as a share of its length."""
OTHER = "#8a949c"
LAND = "#e5e1d5"


def flow_map(
    municipalities: GeoDataFrame,
    flows: pd.DataFrame,
    *,
    figure_id: str,
    title: str,
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    maximum: int = STRONGEST,
    sizes: pd.Series | None = None,
    sizes_name: str = "",
    note: str = "",
) -> Figure:
    """Draw the strongest flows between different municipalities of the territory.

    A flow is a curve that tapers from its origin to its destination, the form readers follow best
    (Holten and van Wijk 2009, doi:10.1145/1518701.1519054); its wide end measures the commuters.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        The territory: indexed by code, with `name`, in a metric CRS.
    flows : pandas.DataFrame
        Columns `origin`, `destination`, `commuters`; rows that leave the territory are not drawn.
    figure_id, title, language, source, context, note
        As in :func:`diagnosis.maps.choropleth`.
    city : str, optional
        Code of the city; flows to it and from it have colours of their own.
    maximum : int, default 40
        Number of flows drawn.
    sizes : pandas.Series, optional
        Areas of the circles, indexed by code; without it the jobs, i.e. all commuters whose destination
        is the municipality, from wherever in `flows`.
    sizes_name : str, optional
        Their name in the legend.

    Returns
    -------
    Figure
        Table of the flows drawn: `origin`, `origin_name`, `destination`, `destination_name`, `commuters`.

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, flows without their columns or with negative or missing commuters.
    """
    about = Heading(figure_id, title, language, source, note)
    words = about.words
    check_municipalities(municipalities)
    check_city(city, municipalities.index)
    check_flows(flows, municipalities.index)
    names = municipalities["name"].astype("str").map(clean_text)
    if sizes is None:
        sizes = flows.groupby("destination")["commuters"].sum()
        sizes_name = sizes_name or words["jobs"]
    sizes = sizes.reindex(municipalities.index).astype(float).fillna(0).clip(lower=0)
    inner = flows[
        flows["origin"].isin(municipalities.index)
        & flows["destination"].isin(municipalities.index)
        & (flows["origin"] != flows["destination"])
        & (flows["commuters"] > 0)
    ]
    inner = inner.groupby(["origin", "destination"], as_index=False)["commuters"].sum()
    strongest = inner.sort_values(["commuters", "origin", "destination"], ascending=[False, True, True]).head(
        maximum
    )
    largest = float(strongest["commuters"].max()) if len(strongest) else 0.0
    greatest = float(sizes.max())
    legend = _make_legend(
        strongest, names, city, largest=largest, greatest=greatest, sizes_name=sizes_name, language=language
    )
    sheet = MapSheet(municipalities, legend, language, context)
    sheet.draw_context()
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            size = format_number(sizes[code], 0, language)
            tooltip = (
                f"{names[code]}: {sizes_name.lower()} {size}" if sizes_name else f"{names[code]}: {size}"
            )
            sheet.canvas.shape(shape, LAND, "white", 0.6, tooltip=tooltip)
    sheet.draw_outline(city)
    drawn = strongest[
        strongest["origin"].isin(sheet.main.shapes.index)
        & strongest["destination"].isin(sheet.main.shapes.index)
    ]
    _draw_flows(sheet, drawn, names, city, largest=largest, language=language)
    _draw_circles(sheet, sizes, greatest, city)
    _label_places(sheet, names, sizes, greatest, city)
    sheet.draw_frames()
    if len(strongest):
        first = strongest.iloc[0]
        summary = words["flows"].format(
            count=len(strongest),
            origin=names[first["origin"]],
            destination=names[first["destination"]],
            value=format_number(first["commuters"], 0, language),
        )
    else:
        summary = words["flows_none"]
    description = join_sentences(
        words["map"].format(title=title, count=count_municipalities(len(names), language)), summary
    )
    table = strongest.assign(
        origin_name=strongest["origin"].map(names), destination_name=strongest["destination"].map(names)
    )[["origin", "origin_name", "destination", "destination_name", "commuters"]].reset_index(drop=True)
    left_out = words["flows_left_out"] if len(drawn) < len(strongest) else ""
    return sheet.finish(about, description, table, left_out)


def check_flows(flows: pd.DataFrame, codes: pd.Index) -> None:
    """Raise an error if a flow map cannot be drawn from a table."""
    absent = [name for name in ("origin", "destination", "commuters") if name not in flows.columns]
    if absent:
        raise InputError(
            "Flows need the columns origin, destination, commuters",
            f"missing: {examples(absent)}; found: {examples(map(str, flows.columns))}",
        )
    if len(flows) and not (flows["origin"].isin(codes) | flows["destination"].isin(codes)).any():
        raise InputError(
            "Origins and destinations of flows must be codes of municipalities",
            f"found {examples(flows['origin'].head())}, wanted {examples(codes)}",
        )
    numbers = pd.to_numeric(flows["commuters"], errors="coerce")
    if numbers.isna().any() or (numbers < 0).any():
        broken = flows["commuters"][numbers.isna() | (numbers < 0)]
        raise InputError(
            "Commuters must be numbers of zero or more",
            f"{len(broken)} are not, for instance {examples(broken.astype('str'))}",
        )


def _kind(origin: str, destination: str, city: str | None) -> str:
    if city is None:
        return "all"
    return "in" if destination == city else "out" if origin == city else "other"


COLOURS = {"in": ACCENT, "out": CONTRAST, "other": OTHER, "all": ACCENT}


def _make_legend(
    strongest: pd.DataFrame,
    names: pd.Series,
    city: str | None,
    *,
    largest: float,
    greatest: float,
    sizes_name: str,
    language: str,
) -> Legend:
    words = find_words(language)
    kinds = {_kind(o, d, city) for o, d in zip(strongest["origin"], strongest["destination"], strict=True)}
    flow_items = [
        Item("wedge", words[word].format(names[city] if city else ""), (COLOURS[kind],), 5.0)
        for kind, word in (("in", "flow_in"), ("out", "flow_out"), ("other", "flow_other"))
        if kind in kinds
    ]
    widths = [
        Item("wedge", format_number(value, 0, language), (MUTED,), max(line_width(value, largest), 0.5))
        for value in round_steps(largest, 3)
    ]
    taper = [Item("text", words["taper"])] if widths else []
    circles = [
        Item("circle", format_number(value, 0, language), ("white",), dot_radius(value, greatest))
        for value in round_steps(greatest, 3)
    ]
    if not flow_items:
        return Legend([(words["commuters"], [*widths, *taper]), (sizes_name, circles)])
    return Legend(
        [(words["flow_title"], [*flow_items, *taper]), (words["commuters"], widths), (sizes_name, circles)]
    )


def round_steps(largest: float, number: int) -> list[float]:
    """Round numbers up to `largest`, the greatest first, each about a third of the one before."""
    steps: list[float] = []
    value = largest
    while len(steps) < number and value >= 1:
        exponent = np.floor(np.log10(value))
        step = float(max(f * 10.0**exponent for f in (1, 2, 5) if f * 10.0**exponent <= value))
        steps.append(step)
        value = step / 3
    return steps


def line_width(commuters: float, largest: float) -> float:
    """Width of a flow in points, in proportion to the largest one."""
    return WIDEST * commuters / largest if largest else 0.0


def dot_radius(size: float, greatest: float) -> float:
    """Radius of a place in points: its area is in proportion to its size."""
    return LARGEST_CIRCLE * np.sqrt(size / greatest) if greatest else 0.0


def _draw_flows(
    sheet: MapSheet,
    flows: pd.DataFrame,
    names: pd.Series,
    city: str | None,
    *,
    largest: float,
    language: str,
) -> None:
    places = sheet.main.places
    rank = {"other": 0, "all": 0, "out": 1, "in": 2}
    rows = sorted(
        flows[["origin", "destination", "commuters"]].itertuples(index=False, name=None),
        key=lambda row: (rank[_kind(row[0], row[1], city)], row[2]),
    )
    for origin, destination, commuters in rows:
        start, end = (places.loc[code].to_numpy(dtype=float) for code in (origin, destination))
        width = max(line_width(commuters, largest), 0.6)
        value = format_number(commuters, 0, language)
        sheet.canvas.outline(
            _taper(start, end, width),
            COLOURS[_kind(origin, destination, city)],
            opacity=0.78,
            tooltip=f"{names[origin]} → {names[destination]}: {value}",
        )


def _taper(start: np.ndarray, end: np.ndarray, width: float) -> np.ndarray:
    """Outline of a quadratic curve from `start`, as wide as `width`, to `end`, a quarter point wide."""
    across = np.array([end[1] - start[1], start[0] - end[0]])
    middle = (start + end) / 2 + 2 * BEND * across
    share = np.linspace(0, 1, 15)[:, None]
    curve = (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
    direction = 2 * (1 - share) * (middle - start) + 2 * share * (end - middle)
    length = np.maximum(np.hypot(direction[:, :1], direction[:, 1:]), 1e-9)
    normal = np.column_stack((-direction[:, 1], direction[:, 0])) / length
    half = (width * (1 - share) + 0.25 * share) / 2
    return np.concatenate((curve + half * normal, (curve - half * normal)[::-1]))


def _draw_circles(sheet: MapSheet, sizes: pd.Series, greatest: float, city: str | None) -> None:
    places = pd.concat([window.places for window in sheet.windows])
    places = places[~places.index.duplicated()]  # a municipality with a part in an inset has one circle
    for code, (x, y) in places.iterrows():
        radius = dot_radius(sizes[code], greatest)
        if radius > 0.3:
            fill, edge = ("#d7e6ee", INK) if code == city else ("white", MUTED)
            sheet.canvas.circle(x, y, radius, fill, edge, line=0.6)


def _label_places(
    sheet: MapSheet, names: pd.Series, sizes: pd.Series, greatest: float, city: str | None
) -> None:
    places = sheet.main.places
    order = sizes.reindex(places.index).sort_values(ascending=False, kind="stable").index
    codes = [code for code in order if code != city][:7]
    labels = []
    if city is not None and city in places.index:
        text = shorten_text(names[city], 140, 8.5, bold=True)
        clear = dot_radius(sizes[city], greatest)
        labels.append(Label(text, sheet.main.place(city), 8.5, bold=True, clear=clear, needed=True))
    for code in codes:
        text = shorten_text(names[code], 110, 7)
        labels.append(
            Label(text, sheet.main.place(code), 7, clear=max(dot_radius(sizes[code], greatest), 0.5))
        )
    circles = [
        (x - r, y - r, x + r, y + r)
        for (x, y), r in (
            (places.loc[code], 0.8 * dot_radius(sizes[code], greatest)) for code in places.index
        )
        if r > OBSTACLE
    ]
    sheet.write_labels(labels, circles)
