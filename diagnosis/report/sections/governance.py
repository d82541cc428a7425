"""Areas to run functions together: what is proposed for the main function, how good and how firm it is, what else."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis.report.document import Block, Items, Notice, Prose, Section
from diagnosis.report.sections.blocks import drawings
from diagnosis.report.sections.governance_agreement import agreement_table
from diagnosis.report.sections.governance_members import (
    cross_the_sea,
    list_members,
    list_together,
    tell_open,
)
from diagnosis.report.sections.governance_proposals import write_proposals
from diagnosis.report.sections.governance_tables import (
    curve_table,
    functions_table,
    list_names,
    practice_table,
    reasons_table,
)
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

MOST_EDGE = 8
LOOSE_GAP = 0.25
"""Share of the interaction from which a bound says little."""


def write_governance(result: Diagnosis, words: Words) -> list[Section]:
    """Write the areas of the main function, its alternatives, the other functions, and what people have saved."""
    if result.facts["governance"]["areas"] is None:
        return _without_main(result, words)
    blocks: list[Block] = [
        Prose(f"{words('joint_intro')} {_main(result, words)}"),
        Prose(" ".join(_about_city(result, words))),
        Prose(" ".join([*_why(result, words), _limits(result, words)])),
        *drawings(result, words, ("map_governance",)),
        *tell_open(result, words),
        *list_members(result, words),
        *_sensitivity(result, words),
    ]
    sections = [Section("governance", words("governance"), tuple(blocks))]
    parts: dict[str, list[Block]] = {
        "alternatives": _alternatives(result, words),
        "members": reasons_table(result, words),
        "practice": practice_table(result, words),
        "functions": _functions(result, words),
        "today": agreement_table(result, words),
        "proposals": write_proposals(result, words),
    }
    sections += [
        Section(f"governance-{name}", words(f"joint_{name}"), tuple(content), level=3)
        for name, content in parts.items()
        if content
    ]
    return [*sections[:-1], _with_data(sections[-1], result, words)]


def _without_main(result: Diagnosis, words: Words) -> list[Section]:
    """Say why the main function has no areas, and show the others."""
    facts = result.facts["governance"]
    reason = facts[f"reason_{words.language}"].rstrip(".")
    notice = Notice(
        words("joint_not_main", name=facts["name"][words.language], reason=reason),
        words("joint_not_main_title"),
    )
    blocks = (Prose(words("joint_intro")), notice, *functions_table(result, words))
    return [_with_data(Section("governance", words("governance"), blocks), result, words)]


def _with_data(section: Section, result: Diagnosis, words: Words) -> Section:
    text = words("joint_data", text=" ".join(_data(result, words)))
    return Section(section.id, section.title, (*section.blocks, Prose(text)), section.level)


def _data(result: Diagnosis, words: Words) -> list[str]:
    """Say what of the data is no count."""
    layers, facts = result.table("governance_layers"), result.facts["governance"]
    kind = result.manifest.flows_kind
    used = layers[layers["found"].astype(bool)]
    texts = []
    if (used["layer"] == "commuting").any():
        told = words("joint_data_flows", note=words(f"{kind}_short")) if kind != "observed" else ""
        texts.append(told or words("joint_data_observed"))
    if (used["modelled"].astype(bool) & (used["layer"] == "schools")).any():
        texts.append(words("joint_data_schools"))
    if facts.get("minutes_estimated"):
        texts.append(words("joint_data_minutes", n=facts["minutes_error"]))
    return texts


def _main(result: Diagnosis, words: Words) -> str:
    facts = result.facts["governance"]
    description = facts["description"][words.language].strip().removesuffix(".")
    if not result.table("governance_functions").at[facts["main"], "own"]:
        description = description[:1].lower() + description[1:]
    return words("joint_main", name=facts["name"][words.language], description=description)


def _about_city(result: Diagnosis, words: Words) -> list[str]:
    """Say who is considered, and which municipalities are with the city."""
    facts, areas = result.facts["governance"], result.table("governance_areas")
    here, outside = facts["municipalities_territory"], facts["outside"]
    city = result.city.name[words.language]
    sentences = [
        words("joint_free", n=here, o=outside) if outside else words("joint_free_inside", n=here),
        words("joint_number", n=facts["areas"])
        if facts["shown_areas"] == facts["areas"]
        else words("joint_number_shown", n=facts["areas"], s=facts["shown_areas"]),
    ]
    members = areas[areas["area"] == facts["city_area"]]
    residents = words.number(facts["city_residents"])
    if len(members) == 1:
        return [*sentences, words("joint_city_alone", city=city, residents=residents)]
    sentences.append(words("joint_city", city=city, n=len(members), residents=residents))
    away = members[~members["in_territory"]].sort_values("name")
    if len(away):
        named = [
            f"{name} ({province})" for name, province in zip(away["name"], away["province_name"], strict=True)
        ]
        sentences.append(words("areas_city_outside", n=len(away), names=list_names(named, words)))
    return sentences


def _why(result: Diagnosis, words: Words) -> list[str]:
    """Say why there are as many areas, and what is known of how good they are."""
    facts, number = result.facts["governance"], result.facts["governance"]["areas"]
    reason = facts["reason"]
    if reason == "given":
        sentences = [words("joint_why_given")]
    elif len(result.table("governance_curve")) < 2:
        sentences = [words("joint_why_only")]
    elif reason == "internal_share":
        sentences = [
            words(
                "joint_why_internal",
                n=number,
                best=facts["best_areas"],
                share=words.percent(facts["value"] / facts["best_value"], 0),
                inside=words.percent(facts["internal_share"]),
                best_inside=words.percent(facts["best_internal_share"]),
            )
        ]
    else:
        sentences = [words("joint_why_interaction", n=number)]
    # All municipalities in one area is the only way to have one: there is nothing to prove.
    return sentences if number == 1 else [*sentences, _how_good(facts, words)]


def _how_good(facts: dict[str, Any], words: Words) -> str:
    number, gap = facts["areas"], facts["gap"]
    if facts["status"] == "optimal":
        return words("joint_good_optimal", n=number)
    if facts["status"] == "no bound" or gap is None:
        return words("joint_good_none")
    share = words.percent(gap, 0 if gap > LOOSE_GAP else 1)
    return (
        words("joint_good_loose", gap=share)
        if gap > LOOSE_GAP
        else words("joint_good_bounded", n=number, gap=share)
    )


def _limits(result: Diagnosis, words: Words) -> str:
    """List what every area keeps; minutes that are estimated are no limit."""
    facts = result.facts["governance"]
    limits = facts["limits"]
    kept = [words("joint_limit_joined_sea" if cross_the_sea(result) else "joint_limit_joined")]
    if validity := limits["validity"]:
        kept.append(
            words(
                "joint_limit_validity",
                min_size=words.number(validity["min_size"]),
                target_size=words.number(validity["target_size"]),
                min_sc=words.percent(validity["min_self_containment"], 0),
                target_sc=words.percent(validity["target_self_containment"], 0),
            )
        )
    if limits["min_population"]:
        kept.append(words("joint_limit_population", n=words.number(limits["min_population"])))
    if limits["min_members"] > 1:
        kept.append(words("joint_limit_least", n=limits["min_members"]))
    if limits["max_members"]:
        kept.append(words("joint_limit_most", n=limits["max_members"]))
    if limits["within"]:
        kept.append(words(f"joint_limit_{limits['within']}"))
    minutes, estimated = limits["max_minutes"], facts["minutes_estimated"]
    if minutes and not estimated:
        kept.append(words("joint_limit_minutes", n=words.number(minutes)))
    text = words("joint_limits", limits="; ".join(kept))
    soft = words("joint_minutes_soft", n=words.number(minutes)) if minutes and estimated else ""
    return f"{text} {soft}".strip()


def _sensitivity(result: Diagnosis, words: Words) -> list[Block]:
    """Say how often municipalities stay with their centre, and name those that often do not."""
    facts, areas = result.facts["governance"], result.table("governance_areas")
    if not facts["runs"]:
        return []
    layers = result.table("governance_layers")
    counted = layers[(layers["function"] == facts["main"]) & layers["found"].astype(bool)]
    values = {
        "runs": words.number(facts["runs"]),
        "changed": words("joint_changed_weights" if len(counted) > 1 else "joint_changed_counts"),
        "from": words.number(100 * facts["firm_from"]),
    }
    if not facts["rim"]:
        return [Prose(words("joint_runs_all", **values))]
    here = facts["municipalities_territory"]
    text = words("joint_runs", firm=facts["firm"], n=here, **values)
    edge = areas[areas["in_territory"] & (areas["with_centre"] < facts["firm_from"])]
    edge = edge.sort_values(["with_centre", "name"], kind="stable")
    named = "; ".join(_edge(row, words) for row in edge.head(MOST_EDGE).to_dict("records"))
    if not named:
        return [Prose(text)]
    told = (
        words("joint_edge_first", shown=MOST_EDGE, n=len(edge), names=named)
        if len(edge) > MOST_EDGE
        else words("joint_edge", n=len(edge), names=named)
    )
    return [Prose(f"{text} {told}")]


def _edge(row: dict[str, Any], words: Words) -> str:
    values = {
        "name": row["name"],
        "centre": row["area_name"],
        "k": words.percent(row["with_centre"], 0),
    }
    if not row["second_runs"] > 0 or pd.isna(row["second_name"]):
        return words("joint_edge_alone", **values)
    second = words.percent(row["second_runs"], 0)
    return words("joint_edge_one", **values, j=second, second=row["second_name"])


def _alternatives(result: Diagnosis, words: Words) -> list[Block]:
    if len(result.table("governance_curve")) < 2:
        return []
    return [
        Prose(words("joint_alternatives_text")),
        *drawings(result, words, ("map_governance_alternatives",), ("governance_curve",)),
        curve_table(result, words),
    ]


def _functions(result: Diagnosis, words: Words) -> list[Block]:
    """Say who stays with the same centre whatever the function, and set the functions beside each other."""
    return [
        *drawings(result, words, ("map_governance_core",)),
        *_core(result, words),
        *list_together(result, words),
        *functions_table(result, words),
    ]


def _core(result: Diagnosis, words: Words) -> list[Block]:
    facts, areas = result.facts["governance"], result.table("governance_areas")
    centres = result.table("governance_summary")["centre"]
    here = areas[areas["in_territory"] & ~areas.index.isin(centres)]
    if facts["functions"] < 2 or here.empty:
        return []
    rim = here[~here["core"]].sort_values(["functions_with_centre", "name"], kind="stable")
    if rim.empty:
        return [Prose(words("joint_core_all", n=len(here), f=facts["functions"]))]
    core = words("joint_core", core=len(here) - len(rim), n=len(here), f=facts["functions"])
    shown = rim.head(MOST_EDGE)
    rest = words("joint_rim_first", n=len(rim)) if len(rim) > len(shown) else words("joint_rim", n=len(rim))
    grouped = shown.groupby(["area_name", "elsewhere"], sort=False)
    lines = [_rim_line(result, members, words) for _, members in grouped]
    return [Prose(f"{core} {rest}"), Items(tuple(lines))]


def _rim_line(result: Diagnosis, members: pd.DataFrame, words: Words) -> str:
    """Name municipalities that are elsewhere for the same functions: these, or the others where they are fewer."""
    functions = result.table("governance_functions")
    drawn = functions[functions["areas"].notna()]
    first = members.iloc[0]
    elsewhere = str(first["elsewhere"]).split()
    with_centre = [name for name in drawn.index if name not in elsewhere]
    names = words.join(members["name"])
    fewer = elsewhere if len(elsewhere) <= len(with_centre) else with_centre
    listed = ", ".join(_lower(functions.at[name, words.language]) for name in fewer)
    if fewer is elsewhere:
        return words("joint_rim_elsewhere", names=names, functions=listed)
    return words("joint_rim_only", names=names, centre=first["area_name"], functions=listed)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
