"""Map of the flows that bind areas, and of those that cross their borders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.drawing.canvas import INK
from diagnosis.drawing.flows import check_flows, dot_radius, line_width, round_steps
from diagnosis.drawing.legend import Item, Legend
from diagnosis.drawing.partition import (
    CITY_DARK_HUE,
    DOT,
    Partition,
    draw_borders,
    draw_centres,
    mix_with_white,
    partition_words,
    read_partition,
)
from diagnosis.drawing.sheet import MapSheet, say_nothing
from diagnosis.errors import InputError
from diagnosis.figure import (
    Figure,
    Heading,
    count_municipalities,
    format_number,
    format_value,
    join_sentences,
)

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

CROSSING = "#98a0a6"
NO_AREA = "#f2f2f0"
MOST_FLOWS = 60
ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""First digits of a threshold."""
LAND_TONE = 0.22
"""Share of an area's colour in its ground, the rest is white."""
THINNEST = 0.7
BEND = 0.09
"""Offset of the middle of a flow from the straight line, as a share of its length."""


def area_flow_map(
    municipalities: GeoDataFrame,
    areas: pd.Series,
    flows: pd.DataFrame,
    *,
    centres: pd.Series,
    figure_id: str,
    title: str,
    language: str = "it",
    source: str = "",
    city: str | None = None,
    context: GeoDataFrame | None = None,
    jobs: pd.Series | None = None,
    territory: Iterable[str] | None = None,
    maximum: int = MOST_FLOWS,
    note: str = "",
) -> Figure:
    """Draw the flows that bind the areas, and in grey those that cross their borders.

    A flow is a curve that tapers from residence to work, as in :func:`diagnosis.maps.flow_map`; its wide end measures
    the commuters. Drawn are the flows from a threshold on, the lowest round number that leaves at most `maximum`
    (more only where more than that are as large as the largest).

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        All municipalities of the areas: indexed by code, with `name`, in a metric CRS.
    areas : pandas.Series
        Area of each municipality, indexed by code; missing: in no area (grey ground).
    flows : pandas.DataFrame
        Columns `origin`, `destination`, `commuters`; rows that leave the map are not drawn.
    centres : pandas.Series
        Code of the centre of each area, index area: `centre` of :func:`diagnosis.areas.area_quality`. It names the
        area; an area without a centre on the map goes by its label.
    figure_id, title, language, source, context, note
        As in :func:`diagnosis.maps.choropleth`.
    city : str, optional
        Code of the city, whose area has a colour of its own.
    jobs : pandas.Series, optional
        Areas of the circles of the centres, indexed by code; without it all commuters whose destination is the
        centre, from wherever in `flows`.
    territory : iterable of str, optional
        Codes of the study territory: a flow of which neither end is in it is not drawn, so that a large neighbour
        does not set the scale.
    maximum : int, default 60
        Largest number of flows drawn.

    Returns
    -------
    Figure
        Table of the flows drawn, the largest first: `origin`, `origin_name`, `destination`, `destination_name`,
        `commuters`, `origin_area`, `destination_area` (labels; missing: in no area). The caption says the threshold.

    Raises
    ------
    diagnosis.errors.InputError
        Table not drawable, areas not of these municipalities, flows without their columns or with negative or
        missing commuters, `maximum` below 1.
    """
    about = Heading(figure_id, title, language, source, note)
    words = partition_words(language)
    if maximum < 1:
        raise InputError("maximum must be at least 1 flow", f"{maximum!r} was given")
    partition = read_partition(municipalities, areas, centres, city)
    check_flows(flows, municipalities.index)
    if partition.labels.isna().all():
        return say_nothing(about, partition.places, partition.labels)
    if jobs is None:
        jobs = flows.groupby("destination")["commuters"].sum()
    sizes = jobs.reindex(list(partition.centres.values())).astype(float).fillna(0).clip(lower=0)
    table, threshold, share = _select_flows(flows, partition, territory, maximum)
    greatest = float(sizes.max()) if len(sizes) else 0.0
    radii = {code: max(dot_radius(size, greatest), DOT) for code, size in sizes.items()}
    legend = _make_legend(table, partition, threshold, greatest, words, language)
    sheet = MapSheet(municipalities, legend, language, context)
    sheet.draw_context()
    for window in sheet.windows:
        for code, shape in window.shapes.items():
            area = partition.labels[code]
            ground = mix_with_white(partition.hue(area), LAND_TONE) if pd.notna(area) else NO_AREA
            sheet.canvas.shape(shape, ground, "white", 0.6, tooltip=partition.name(code, words))
        draw_borders(sheet, window, partition)
    on_main = sheet.main.shapes.index
    drawn = table[table["origin"].isin(on_main) & table["destination"].isin(on_main)]
    _draw_flows(sheet, drawn, partition, radii, language)
    draw_centres(sheet, partition, radii)
    sheet.draw_frames()
    selection = words["all_flows" if threshold is None else "threshold"].format(
        count=format_number(len(table), 0, language),
        limit="" if territory is None else words["limit"],
        threshold=format_number(threshold, 0, language),
        share=format_value(100 * share, 0, language, "%"),
    )
    selection = selection if len(table) else words["flows_none"]
    left_out = words["flows_left_out"] if len(drawn) < len(table) else ""
    description = join_sentences(
        words["map"].format(title=title, count=count_municipalities(len(partition.places), language)),
        words["areas"].format(areas=len(partition.names)),
        selection,
        *_summarise_flows(table, words, language),
    )
    return sheet.finish(about, description, table, selection, left_out)


def _select_flows(
    flows: pd.DataFrame, partition: Partition, territory: Iterable[str] | None, maximum: int
) -> tuple[pd.DataFrame, float | None, float]:
    """Flows from the threshold on, the threshold (None: all are drawn) and their share of the commuters."""
    codes = partition.labels.index
    inner = flows[flows["origin"].isin(codes) & flows["destination"].isin(codes) & (flows["commuters"] > 0)]
    inner = inner[inner["origin"] != inner["destination"]]
    if territory is not None:
        own = pd.Index(territory)
        inner = inner[inner["origin"].isin(own) | inner["destination"].isin(own)]
    inner = inner.groupby(["origin", "destination"], as_index=False)["commuters"].sum()
    inner = inner.sort_values(["commuters", "origin", "destination"], ascending=[False, True, True])
    threshold, share = None, 1.0
    table = inner
    if len(inner) > maximum:
        # Where more than the maximum are as large as the largest, those are drawn rather than none.
        threshold = min(_round_up(float(inner["commuters"].iloc[maximum])), float(inner["commuters"].iloc[0]))
        table = inner[inner["commuters"] >= threshold]
        share = float(table["commuters"].sum() / inner["commuters"].sum())
    table = table.assign(
        origin_name=table["origin"].map(partition.places),
        destination_name=table["destination"].map(partition.places),
        origin_area=table["origin"].map(partition.labels),
        destination_area=table["destination"].map(partition.labels),
    )
    names = ["origin", "origin_name", "destination", "destination_name", "commuters"]
    return table[[*names, "origin_area", "destination_area"]].reset_index(drop=True), threshold, share


def _round_up(value: float) -> float:
    """Least round whole number above a number."""
    power = 10.0 ** max(np.floor(np.log10(value)), 0.0)
    above = (np.floor(digit * power) for digit in ROUND)
    return next(float(number) for number in above if number > value)


def _draw_flows(
    sheet: MapSheet, flows: pd.DataFrame, partition: Partition, radii: Mapping[str, float], language: str
) -> None:
    """Draw the crossing flows, those of other areas, the city's own on top; small flows over large ones."""
    places, largest = sheet.main.places, float(flows["commuters"].max()) if len(flows) else 0.0
    kinds = _sort_flows(flows, partition)
    order = np.lexsort((-flows["commuters"].to_numpy(dtype=float), kinds))
    for row, kind in zip(flows.iloc[order].itertuples(index=False), kinds[order], strict=True):
        start, end = (places.loc[code].to_numpy(dtype=float) for code in (row.origin, row.destination))
        gaps = (radii.get(row.origin, 0.0), radii.get(row.destination, 0.0))
        value = format_number(row.commuters, 0, language)
        sheet.canvas.outline(
            _taper(start, end, max(line_width(row.commuters, largest), THINNEST), gaps),
            partition.hue(row.origin_area, dark=True) if kind else CROSSING,
            opacity=0.85 if kind else 0.75,
            tooltip=f"{row.origin_name} → {row.destination_name}: {value}",
        )


def _taper(start: np.ndarray, end: np.ndarray, width: float, gaps: tuple[float, float]) -> np.ndarray:
    """Outline of a quadratic curve, `width` wide at its start and a quarter point at its end, without the gaps."""
    across = np.array([end[1] - start[1], start[0] - end[0]])
    middle = (start + end) / 2 + 2 * BEND * across
    before, after = np.minimum(np.array(gaps) / max(float(np.hypot(*across)), 1e-9), 0.4)
    share = np.linspace(before, 1 - after, 17)[:, None]
    curve = (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
    direction = 2 * (1 - share) * (middle - start) + 2 * share * (end - middle)
    length = np.maximum(np.hypot(direction[:, :1], direction[:, 1:]), 1e-9)
    normal = np.column_stack((-direction[:, 1], direction[:, 0])) / length
    half = np.linspace(width, 0.25, len(share))[:, None] / 2
    return np.concatenate((curve + half * normal, (curve - half * normal)[::-1]))


def _sort_flows(flows: pd.DataFrame, partition: Partition) -> np.ndarray:
    """0: between areas, 1: inside another area, 2: inside the city's own."""
    home, work = (flows[name].to_numpy(dtype=object) for name in ("origin_area", "destination_area"))
    pairs = zip(home, work, strict=True)
    return np.array(
        [0 if pd.isna(a) or pd.isna(b) or a != b else 1 + (a == partition.own) for a, b in pairs], dtype=int
    )


def _make_legend(
    flows: pd.DataFrame,
    partition: Partition,
    threshold: float | None,
    greatest: float,
    words: Mapping[str, str],
    language: str,
) -> Legend:
    kinds = set(_sort_flows(flows, partition).tolist())
    items = []
    if 2 in kinds:
        text = words["within_city"].format(partition.names[partition.own])
        items.append(Item("wedge", text, (CITY_DARK_HUE,), 5.0))
    if 1 in kinds:
        text = words["within" if partition.own is not None else "within_any"]
        items.append(Item("wedge", text, tuple(partition.other_hues(dark=True)), 5.0))
    if 0 in kinds:
        items.append(Item("wedge", words["crossing"], (CROSSING,), 5.0))
    largest = float(flows["commuters"].max()) if len(flows) else 0.0
    steps = [value for value in round_steps(largest, 3) if value > (threshold or 0)]
    if threshold is not None:
        steps = [*steps[:2], threshold]
    widths = [
        Item("wedge", format_number(value, 0, language), (INK,), max(line_width(value, largest), THINNEST))
        for value in steps
    ]
    circles = [
        Item("circle", format_number(value, 0, language), ("white",), max(dot_radius(value, greatest), DOT))
        for value in round_steps(greatest, 3)
    ]
    taper = [Item("text", words["taper"])] if items else []
    return Legend(
        [(words["flow_title"], [*items, *taper]), (words["commuters"], widths), (words["centres"], circles)]
    )


def _summarise_flows(flows: pd.DataFrame, words: Mapping[str, str], language: str) -> list[str]:
    if not len(flows):
        return []
    inside = (flows["origin_area"] == flows["destination_area"]).fillna(False).sum()
    first = flows.iloc[0]
    return [
        words["kinds"].format(
            inside=format_number(inside, 0, language),
            crossing=format_number(len(flows) - inside, 0, language),
        ),
        words["largest"].format(
            origin=first["origin_name"],
            destination=first["destination_name"],
            value=format_number(first["commuters"], 0, language),
        ),
    ]
