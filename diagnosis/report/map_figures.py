"""The maps of a diagnosis, drawn from its tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis import maps
from diagnosis.catalogue import load_catalogue
from diagnosis.errors import InputError, unknown_name
from diagnosis.figure import Figure
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.sources.own.units import UNDECLARED
from diagnosis.stages.own import own_entries

OWN_MAP = "map_own_"
FLOWS_DRAWN = 40
FLOOD_CLASSES = (1.0, 5.0, 15.0, 30.0)
"""Per cent of residents; the same for every city, so that two maps can be compared."""
FRAGILITY = "fragility"
FRAGILITY_COLOURS = ("#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404")
"""Two deciles each, from the least to the most fragile: ColorBrewer YlOrBr."""
CLUSTER_COLOURS = {
    "high_high": "#ca0020",
    "high_low": "#f4a582",
    "low_high": "#92c5de",
    "low_low": "#0571b0",
    "none": "#f1f1ee",
    "no_neighbour": "#d9d9d9",
}
"""Red among the fragile, blue among those that are not, pale where unlike the neighbours: ColorBrewer RdBu."""


def map_residents(result: Diagnosis, words: Words) -> Figure:
    """Residents by municipality."""
    return _indicator_map(result, words, "residents", "map_residents", decimals=0, compact=True)


def map_old_age(result: Diagnosis, words: Words) -> Figure:
    """Old-age index by municipality."""
    return _indicator_map(result, words, "old_age_index", "map_old", compact=True)


def map_self_containment(result: Diagnosis, words: Words) -> Figure:
    """Share of employed residents who work in their own municipality."""
    return _indicator_map(result, words, "residents_self_containment", "map_self", compact=True)


def map_jobs(result: Diagnosis, words: Words) -> Figure:
    """Jobs per 100 employed residents."""
    return _indicator_map(result, words, "jobs_per_100_workers", "map_jobs", compact=True, diverging_at=100.0)


def map_floods(result: Diagnosis, words: Words) -> Figure:
    """Share of residents exposed to floods."""
    return _indicator_map(
        result, words, "flood_residents_share", "map_floods", compact=True, breaks=FLOOD_CLASSES
    )


def map_fragility(result: Diagnosis, words: Words) -> Figure:
    """Decile of each municipality in the reconstructed fragility index."""
    found = result.table("fragility")
    if found.empty:
        raise InputError(
            "The fragility index must be there to be drawn", "too few of its components are at hand"
        )
    pairs = (found["decile"].clip(upper=10) + 1) // 2
    codes = pairs.map(lambda pair: None if pd.isna(pair) else str(int(pair)))
    return maps.choropleth(
        result.municipalities,
        codes,
        figure_id="map-fragility",
        title=words("map_fragility", n=len(result.facts["fragility"]["components"])),
        legend=words("map_fragility_legend"),
        categories={
            str(pair): (words(f"deciles_{pair}"), colour)
            for pair, colour in enumerate(FRAGILITY_COLOURS, start=1)
        },
        residents=result.municipalities["residents"],
        compact=FRAGILITY in result.facts["fragility"]["clear"],  # beside the map of concentrations
        **_about(result, words, _fragility_sources(result)),
    )


def map_concentrations(result: Diagnosis, words: Words) -> Figure:
    """Where fragile municipalities lie side by side, and where those that are not do."""
    if FRAGILITY not in result.facts["fragility"]["clear"]:
        raise InputError("A map of concentrations needs some in the territory", "there is none")
    found = result.table("spatial_clusters")
    kinds = found[found["indicator"] == FRAGILITY].set_index("code")["cluster"]
    return maps.cluster_map(
        result.municipalities,
        kinds.where(kinds != "missing"),
        {kind: (words(f"cluster_{kind}"), colour) for kind, colour in CLUSTER_COLOURS.items()},
        figure_id="map-concentrations",
        title=words("map_concentrations"),
        legend=words("map_concentrations_legend"),
        around_name=words("map_concentrations_around"),
        compact=True,
        **_about(result, words, _fragility_sources(result)),
    )


def _fragility_sources(result: Diagnosis) -> tuple[str, ...]:
    catalogue = load_catalogue()
    used = result.table("fragility_components")
    return tuple(
        dict.fromkeys(
            source for name in used.loc[used["used"], "indicator"] for source in catalogue[name].sources
        )
    )


def map_inner_areas(result: Diagnosis, words: Words) -> Figure:
    """Class of the inner-area strategy."""
    item = load_catalogue()["snai_class"]
    return maps.choropleth(
        result.municipalities,
        _column(result, "indicators", "snai_class"),
        figure_id="map-inner-areas",
        title=words("map_snai"),
        legend=words("map_snai_none"),
        categories={
            code: (f"{code} – {text[words.language]}", maps.SNAI_COLOURS[code])
            for code, text in item.categories.items()
        },
        residents=result.municipalities["residents"],
        compact=True,
        **_about(result, words, item.sources),
    )


def locator(result: Diagnosis, words: Words) -> Figure:
    """Where the territory lies in the country."""
    facts = result.facts["territory"]
    return maps.small_map(
        result.table("outline"),
        result.municipalities,
        figure_id="locator",
        title=f"{words.pick(facts['name'])}, {facts['region_name']}",
        language=words.language,
        source=result.manifest.source_line(("municipalities_2022",), words.language),
    )


def map_flows(result: Diagnosis, words: Words) -> Figure:
    """Draw the strongest flows inside the territory."""
    network, flows = result.table("network"), result.table("flows")
    inside = flows["origin"].isin(network.index) & flows["destination"].isin(network.index)
    strongest = flows[inside & (flows["origin"] != flows["destination"])].nlargest(FLOWS_DRAWN, "commuters")
    return maps.flow_map(
        result.municipalities,
        flows,
        figure_id="map-flows",
        title=words("flow_map"),
        maximum=FLOWS_DRAWN,
        sizes=network["jobs"],
        sizes_name=words("jobs"),
        note=flows_note(result, words, exact=all_observed(strongest)),
        **_about(result, words, ("commuting_2021",)),
    )


def map_areas(result: Diagnosis, words: Words) -> Figure:
    """Draw the proposed areas, and how firmly each municipality belongs to its own."""
    areas = result.table("areas")
    about = _about(result, words, ("commuting_2021",))
    about["context"] = _without(about["context"], areas.index)
    return maps.membership_map(
        result.table("area_map"),
        areas["functional"],
        areas.get("with_centre"),
        centres=result.table("area_quality")["centre"],
        figure_id="map-areas",
        title=words("areas_map"),
        legend=words("membership_legend"),
        note=flows_note(result, words),
        **about,
    )


def map_area_flows(result: Diagnosis, words: Words) -> Figure:
    """Draw the flows that bind the proposed areas."""
    areas = result.table("areas")
    about = _about(result, words, ("commuting_2021",))
    about["context"] = _without(about["context"], areas.index)
    strongest = result.table("area_flows")
    return maps.area_flow_map(
        result.table("area_map"),
        areas["functional"],
        strongest,
        centres=result.table("area_quality")["centre"],
        territory=result.municipalities.index,
        figure_id="map-area-flows",
        title=words("area_flows_map"),
        note=flows_note(result, words, exact=all_observed(strongest.head(60))),
        **about,
    )


def map_areas_compared(result: Diagnosis, words: Words) -> Figure:
    """Draw the proposed areas, the official ones as dashed lines."""
    areas = result.table("areas")
    if "sll_2021" not in areas:
        raise InputError("The official areas must be there to be drawn", "they are not available")
    about = _about(result, words, ("commuting_2021", "sll_2021"))
    about["context"] = _without(about["context"], areas.index)
    return maps.areas_map(
        result.table("area_map"),
        areas["functional"],
        result.table("area_quality")["name"].to_dict(),
        figure_id="map-areas-compared",
        title=words("areas_map_compared"),
        reference=areas["sll_2021"],
        reference_name=words("areas_map_official"),
        note=flows_note(result, words),
        **about,
    )


def map_own(result: Diagnosis, words: Words, indicator: str) -> Figure:
    """One of the city's own indicators, by municipality of the territory."""
    entries = own_entries(result.tables)
    if indicator not in entries:
        raise unknown_name("The city's own indicator", indicator, entries)
    item = entries[indicator]
    held_back = int(result.table("own_groups").at[indicator, "held_back"])
    return maps.choropleth(
        result.municipalities,
        _column(result, "own_indicators", indicator),
        figure_id=f"map-own-{indicator.replace('_', '-')}",
        title=words("map_own", name=item.name[words.language], year=item.year),
        legend=item.name[words.language],
        unit="" if item.unit == UNDECLARED.text else item.unit[words.language],
        decimals=item.decimals,
        residents=result.municipalities["residents"],
        compact=True,
        note=words("own_map_held_back", n=held_back) if held_back else "",
        **_about(result, words, item.sources),
    )


def flows_note(result: Diagnosis, words: Words, exact: bool = False) -> str:
    """Say in a caption that the flows are not all observed, or nothing.

    `exact` marks what rests on published totals or on observed flows only: an estimated tail does not touch it.
    """
    kind = result.manifest.flows_kind
    if kind == "observed" or (exact and kind == "estimated_tail"):
        return ""
    text = words(f"{kind}_short")
    return text[0].upper() + text[1:]


def all_observed(flows: pd.DataFrame) -> bool:
    """Whether none of the flows is an estimate."""
    return "estimated" not in flows or not flows["estimated"].astype(bool).any()


def _indicator_map(
    result: Diagnosis,
    words: Words,
    indicator: str,
    title: str,
    *,
    decimals: int | None = None,
    compact: bool = False,
    diverging_at: float | None = None,
    breaks: tuple[float, ...] | None = None,
) -> Figure:
    item = load_catalogue()[indicator]
    values = _column(result, "indicators", indicator)
    classes: dict[str, Any] = {
        "decimals": item.decimals if decimals is None else decimals,
        "diverging_at": diverging_at,
        "scheme": "given" if breaks else "quantiles",
        "breaks": breaks,
    }
    doubtful = _doubtful(result, indicator, values, words, **classes)
    notes = [flows_note(result, words, exact=True)] if "commuting_2021" in item.sources else []
    if doubtful is not None and doubtful.fillna(False).any():
        notes.append(words("class_doubtful_note"))
    return maps.choropleth(
        result.municipalities,
        values,
        figure_id=f"map-{indicator.replace('_', '-')}",
        title=words(title),
        legend=item.name[words.language],
        unit=item.unit[words.language],
        residents=result.municipalities["residents"],
        compact=compact,
        doubtful=doubtful,
        doubtful_name=words("class_doubtful"),
        **classes,
        note=" ".join(note for note in notes if note),
        **_about(result, words, item.sources),
    )


def _doubtful(
    result: Diagnosis, indicator: str, values: pd.Series, words: Words, **classes: Any
) -> pd.Series | None:
    """Say which municipalities may belong to another class, since so few people live there; None without rates."""
    from diagnosis.drawing.classes import classify
    from diagnosis.indicators import classify_with_intervals

    guarded = result.table("small_numbers")
    guarded = guarded[guarded["indicator"] == indicator].set_index("code")
    if guarded.empty or values.nunique() < 2:
        return None
    found = classify(values.to_numpy(dtype=float), language=words.language, **classes)
    guarded = guarded.reindex(values.index)
    certain = classify_with_intervals(values, guarded["lower"], guarded["upper"], found.breaks)["certain"]
    return ~certain


def _about(result: Diagnosis, words: Words, sources: tuple[str, ...]) -> dict[str, Any]:
    """Return what every map needs besides its values."""
    return {
        "language": words.language,
        "source": result.manifest.source_line(sources, words.language),
        "city": result.city.code,
        "context": result.table("context"),
    }


def _column(result: Diagnosis, table: str, name: str) -> pd.Series:
    frame = result.table(table)
    if name not in frame or frame[name].isna().all():
        raise InputError(
            f"The indicator {name} must have values to be drawn", "it has none in this territory"
        )
    return frame[name]


def _without(context: pd.DataFrame, codes: pd.Index) -> pd.DataFrame:
    return context.loc[~context.index.isin(codes)]
