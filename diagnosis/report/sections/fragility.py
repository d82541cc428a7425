"""The reconstructed fragility index, and where municipalities are alike side by side."""

from __future__ import annotations

import pandas as pd

from diagnosis.catalogue import load_catalogue
from diagnosis.frameworks import Component, load_framework
from diagnosis.networks.spatial_clusters import ALIKE, ISLANDS
from diagnosis.report.document import Block, Prose, Section, Table
from diagnosis.report.map_figures import FRAGILITY
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.sections.summary import nation
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis
from diagnosis.schema import lower_first

MOST_NAMED = 12
DASH = "–"


def write_fragility(result: Diagnosis, words: Words) -> list[Section]:
    """Write the index with its components, and the concentrations in the territory."""
    facts = result.facts["fragility"]
    found = bool(len(result.table("fragility")))
    blocks: list[Block] = [Prose(_introduce(result, words))]
    if found:
        blocks.append(Prose(_place(result, words)))
    told = _concentrations(result, words)
    figures = ("map_fragility", "map_concentrations") if FRAGILITY in facts["clear"] else ("map_fragility",)
    components = _components(result, words)
    sections = [
        Section("fragility", words("fragility"), (*blocks, *drawings(result, words, figures), components))
    ]
    sections.append(Section("concentrations", words("concentrations"), tuple(told), level=3))
    return sections


def _introduce(result: Diagnosis, words: Words) -> str:
    facts = result.facts["fragility"]
    parts = load_framework(FRAGILITY).components
    used, stand_ins = len(facts["components"]), len(facts["stand_ins"])
    if not len(result.table("fragility")):
        return words("fragility_none", n=used, of=len(parts))
    missing = [part.name[words.language] for part in parts if part.number not in facts["components"]]
    texts = [
        words("fragility_text", n=used, of=len(parts)),
        words("fragility_stand_ins", n=stand_ins) if stand_ins else "",
        words("fragility_missing", names="; ".join(lower_first(name) for name in missing)) if missing else "",
        words("fragility_scale", nation=nation(result, words)),
    ]
    return " ".join(text for text in texts if text)


def _place(result: Diagnosis, words: Words) -> str:
    """Say in which decile the city is, and how many municipalities are among the most fragile."""
    facts = result.facts["fragility"]
    texts = []
    city, worst = facts["city"], facts["most_fragile"]
    if city is not None:
        decile, low, high = (int(city[name]) for name in ("decile", "decile_lower", "decile_upper"))
        texts.append(
            words(
                "fragility_city" if low == high else "fragility_city_between",
                city=result.city.name[words.language],
                decile=str(decile),
                low=str(low),
                high=str(high),
            )
        )
    if worst["of"]:
        texts.append(
            words(
                "fragility_worst" if worst["municipalities"] else "fragility_no_worst",
                n=worst["municipalities"],
                of=worst["of"],
                share=words.percent(worst["residents"]),
            )
        )
    groups = result.table("fragility_groups")
    if "territory" in groups.index and pd.notna(groups.at["territory", "score"]):
        row = groups.loc["territory"]
        texts.append(
            words(
                "fragility_territory",
                score=words.number(row["score"], 1),
                lower=words.number(row["lower"], 1),
                upper=words.number(row["upper"], 1),
            )
        )
    return " ".join(texts)


def _components(result: Diagnosis, words: Words) -> Table:
    """Tabulate the twelve components with what stands for each, or why it is missing."""
    used = result.table("fragility_components")
    values = result.tables.get("groups")
    rows = tuple(_component_row(part, used.loc[part.number], values, words) for part in _parts())
    header = ("component", "here", "year", "city")
    return Table(
        "fragility-components",
        words("components_table"),
        (*(words(f"column_{name}") for name in header), nation(result, words)),
        rows,
        "lllrr",
        words("components_note"),
        widths=(3, 4, 1.2, 1.2, 1.2),
    )


def _parts() -> tuple[Component, ...]:
    return load_framework(FRAGILITY).components


def _component_row(
    part: Component, row: pd.Series, values: pd.DataFrame | None, words: Words
) -> tuple[str, ...]:
    name = f"{part.number}. {words.with_unit(part.name[words.language], part.unit[words.language])}"
    remark = part.remark[words.language]
    if not row["used"] or part.indicator is None:
        reason = remark if part.indicator is None else words("component_no_value")
        return (name, words("component_missing", reason=reason), DASH, DASH, DASH)
    item = load_catalogue()[part.indicator]
    cells = [
        DASH
        if values is None or group not in values.index or pd.isna(values.at[group, item.id])
        else words.number(values.at[group, item.id], item.decimals)
        for group in ("city", "country")
    ]
    return (name, words(f"component_{part.likeness}", remark=remark), str(row["year"]), *cells)


def _concentrations(result: Diagnosis, words: Words) -> list[Block]:
    """Name the municipalities in a concentration of fragility and count those of each measure, or say there is none."""
    facts = result.facts["fragility"]
    if not facts["tested"]:
        return [Prose(words("concentrations_untested"))]
    blocks: list[Block] = [Prose(words("concentrations_text"))]
    clusters = result.table("spatial_clusters")
    inside = clusters[clusters["in_territory"].astype(bool)]
    own = inside[inside["indicator"] == FRAGILITY]
    if FRAGILITY in facts["clear"]:
        named = [
            words(
                f"concentrations_{kind}",
                names=_names(own.loc[own["cluster"] == kind, "name"], words),
                n=number,
            )
            for kind in (*ALIKE, *ISLANDS)
            if (number := int((own["cluster"] == kind).sum()))
        ]
        blocks.append(Prose(" ".join(named)))
    elif len(own):
        blocks.append(Prose(words("concentrations_no_fragility")))
    blocks.append(_measures(result, words) if facts["clear"] else Prose(words("concentrations_none")))
    return blocks


def _names(names: pd.Series, words: Words) -> str:
    """Join names in the order of the alphabet, the last ones by their number where there are many."""
    listed = sorted(names.astype("str"))
    if len(listed) <= MOST_NAMED:
        return words.join(listed)
    return words("names_and_others", names=", ".join(listed[:MOST_NAMED]), n=len(listed) - MOST_NAMED)


def _measures(result: Diagnosis, words: Words) -> Table:
    """Count the municipalities of the territory in a concentration, measure by measure."""
    domains = load_catalogue().domains
    found = result.table("spatial_structure")
    rows = []
    for name, row in found.iterrows():
        bad, good = ("high_high", "low_low") if name == FRAGILITY else ("low_low", "high_high")
        rows.append(
            (
                words("fragility_index") if name == FRAGILITY else domains[str(name)].name[words.language],
                words.number(row[f"{bad}_inside"]),
                words.number(row[f"{good}_inside"]),
                words.number(sum(row[f"{kind}_inside"] for kind in ISLANDS)),
                words.number(row["moran"], 2),
            )
        )
    header = ("measure", "bad_together", "good_together", "unlike", "moran")
    return Table(
        "concentrations-measures",
        words("measures_table"),
        tuple(words(f"column_{name}") for name in header),
        tuple(rows),
        "lrrrr",
        words("measures_note", nation=nation(result, words)),
    )
