"""The figures on who could run something together, drawn from the tables of a diagnosis."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

import pandas as pd

from diagnosis import charts, maps
from diagnosis.errors import InputError, unknown_name
from diagnosis.figure import Figure, join_names, join_sentences
from diagnosis.report.map_figures import flows_note
from diagnosis.report.words import Words
from diagnosis.result import Diagnosis

PROPOSAL_MAP = "map_governance_proposal_"
BREAKS = (0.5, 0.6)
"""Shares of runs between the paler fills; the strongest begins where the stage calls a municipality firm."""
FUNCTION = "function_"
"""Begins the columns of ``governance_areas`` that hold the areas of one function each."""
FEWEST_PANELS, MOST_PANELS = 3, 4
LONGEST_NAME = 60
"""Characters shown of the name of a proposal."""
STEERING = ("Cc", "Cf", "Cs")
"""Unicode categories of control signs, among them those that turn the direction of writing."""
MOST_TOLD = 2
"""What is said of an alternative in its title stays on one line."""


def map_governance(result: Diagnosis, words: Words) -> Figure:
    """Draw the proposed areas of the main function, and how firmly each municipality belongs to its own."""
    areas = result.table("governance_areas")
    shown = areas[areas["shown"]]
    shares = shown.get("with_centre")
    return maps.membership_map(
        _ground(result, shown.index),
        shown["area"],
        None if shares is None or shares.isna().all() else shares,
        centres=result.table("governance_summary")["centre"],
        figure_id="map-governance",
        title=words("governance_map", function=_main_name(result, words)),
        legend=words("governance_legend"),
        territory=_territory(areas),
        breaks=(*BREAKS, result.facts["governance"]["firm_from"]),
        parts=("firm", "loose"),
        note=_note(result, words, [_main(result)]),
        **_about(result, words, shown.index),
    )


def map_governance_alternatives(result: Diagnosis, words: Words) -> Figure:
    """Draw the alternatives that matter side by side: other numbers of areas for the main function."""
    curve, areas = result.table("governance_curve"), result.table("governance_areas")
    chosen = choose_alternatives(curve)
    if len(chosen) < 2:
        raise InputError("Alternatives to be compared must be two or more", "one number of areas is feasible")
    labels, jobs = result.table("governance_alternatives"), areas["jobs"]
    names = {k: words("governance_alternative", n=k) for k in chosen}
    proven = result.facts["governance"]["most_proven"]
    return maps.area_alternatives(
        _ground(result, areas.index),
        pd.DataFrame({names[k]: find_centres(labels[str(k)].reindex(areas.index), jobs) for k in chosen}),
        titles={
            names[k]: (
                " · ".join([names[k], *_tell_alternative(curve, k, words, proven=proven)]),
                words(
                    "governance_alternative_figures",
                    value=words.number(curve.at[k, "value"], 3),
                    share=words.percent(curve.at[k, "internal_share"]),
                ),
            )
            for k in chosen
        },
        figure_id="map-governance-alternatives",
        title=words("governance_alternatives_map", function=_main_name(result, words)),
        territory=_territory(areas),
        note=_note(result, words, [_main(result)]),
        **_about(result, words, areas.index),
    )


def map_governance_core(result: Diagnosis, words: Words) -> Figure:
    """Draw who is with the centre of its area whatever the function, and who is not."""
    areas = result.table("governance_areas")
    shown = areas[areas["shown"]]
    if not (shown["functions_compared"] > 1).any():
        raise InputError("What functions share can be drawn from two on", "the areas of one are there")
    drawn = [name.removeprefix(FUNCTION) for name in areas.columns if name.startswith(FUNCTION)]
    names = result.table("governance_functions")[words.language]
    elsewhere = shown["elsewhere"].fillna("").map(lambda ids: ", ".join(names[name] for name in ids.split()))
    return maps.core_map(
        _ground(result, shown.index),
        shown["area"],
        pd.DataFrame(
            {
                "shared": shown["functions_with_centre"],
                "compared": shown["functions_compared"],
                "elsewhere": elsewhere,
            }
        ),
        centres=result.table("governance_summary")["centre"],
        figure_id="map-governance-core",
        title=words("governance_core_map"),
        legend=words("governance_core_legend", function=_main_name(result, words)),
        territory=_territory(areas),
        note=join_sentences(
            words(
                "governance_core_note",
                n=len(drawn),
                names=words.join(names[name] for name in drawn),
                main=names[_main(result)],
            ),
            _note(result, words, drawn),
        ),
        **_about(result, words, shown.index),
    )


def governance_curve(result: Diagnosis, words: Words) -> Figure:
    """Draw what each number of areas is worth, how much better it could be, and how many commuters stay inside."""
    curve = result.table("governance_curve")
    if len(curve) < 2:
        raise InputError("A curve needs two feasible numbers of areas", f"there is {len(curve)}")
    return charts.area_curve(
        curve,
        figure_id="governance-curve",
        title=words("governance_curve", function=_main_name(result, words)),
        note=join_sentences(words("governance_curve_note"), _note(result, words, [_main(result)])),
        language=words.language,
        source=_source(result, words),
    )


def map_governance_proposal(result: Diagnosis, words: Words, name: str) -> Figure:
    """Draw a saved proposal, the borders of the computed areas dashed."""
    proposals = result.tables.get("governance_proposals", pd.DataFrame())
    if name not in proposals.index:
        raise unknown_name("The saved proposal", name, proposals.index)
    about = proposals.loc[name]
    if reason := about[f"reason_{words.language}"]:
        raise InputError(f"The proposal {name!r} must have areas to be drawn", str(reason))
    areas = result.table("governance_areas")
    labels = result.table("governance_proposal_areas")[name].reindex(areas.index)
    labels = labels.where(labels.notna() & (labels != ""))
    touching = labels[areas["in_territory"]].dropna().unique()
    shown = areas.index[areas["shown"] | labels.isin(touching)]
    centres = find_centres(labels, areas["jobs"]).map(areas["name"])
    computed = areas.get(FUNCTION + about["function"])
    return maps.areas_map(
        _ground(result, shown),
        labels[shown],
        dict(zip(labels.dropna(), centres[labels.notna()], strict=True)),
        figure_id=f"map-governance-proposal-{proposals.index.get_loc(name) + 1}",
        title=words(
            "governance_proposal_map",
            name=cut_text(name, LONGEST_NAME),
            function=_name_function(result, words, about["function"]),
        ),
        legend=words("governance_proposal_legend"),
        reference=None if computed is None else computed[shown],
        reference_name=words("governance_computed"),
        note=join_sentences(
            words("governance_proposal_note"), _tell_moved(about, words), flows_note(result, words)
        ),
        **_about(result, words, shown),
    )


def cut_text(text: str, most: int) -> str:
    """Return a text on one line, without signs that steer what stands around it, cut after `most` characters."""
    shown = "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign) not in STEERING)
    line = " ".join(shown.split())
    return line if len(line) <= most else f"{line[:most].rstrip()}…"


def _tell_moved(proposal: pd.Series, words: Words) -> str:
    """Say which municipalities a proposal puts elsewhere than the computed areas, where that is known."""
    if pd.isna(proposal["moved"]):
        return ""
    if not proposal["moved"]:
        return words("governance_proposal_same")
    names = join_names(proposal["moved_names"].split("; "), words.language)
    return words("governance_proposal_moved", n=int(proposal["moved"]), names=names)


def choose_alternatives(curve: pd.DataFrame) -> list[int]:
    """Choose the numbers of areas worth looking at side by side.

    Parameters
    ----------
    curve : pandas.DataFrame
        The table ``governance_curve``.

    Returns
    -------
    list of int
        Ascending, four at most: the proposal, the largest interaction, most areas, fewest on the front; three at least
        where the front has others, those nearest to the proposal first.
    """
    proposal = int(curve.index[curve["chosen"]][0])
    front = [int(k) for k in curve.index[curve["front"]]]
    kept = dict.fromkeys([proposal, int(curve.index[curve["best"]][0]), int(curve.index.max()), *front[:1]])
    for k in sorted(front, key=lambda k: (abs(k - proposal), k)):
        if len(kept) >= FEWEST_PANELS:
            break
        kept[k] = None
    return sorted(kept)[:MOST_PANELS]


def find_centres(labels: pd.Series, jobs: pd.Series) -> pd.Series:
    """Find the municipality with most jobs in the area of each municipality; missing for one in no area."""
    most = jobs.reindex(labels.index).fillna(0.0).sort_values(ascending=False, kind="stable").index
    first = labels.reindex(most).dropna().drop_duplicates()
    return labels.astype(object).map(pd.Series(first.index, index=first.astype(object)))


def _tell_alternative(curve: pd.DataFrame, number: int, words: Words, *, proven: bool) -> list[str]:
    """Say what an alternative stands out by; nothing where it does not."""
    row = curve.loc[number]
    told = [words(f"governance_{name}") for name in ("chosen", "best") if row[name]]
    if number == curve.index.max() and len(told) < MOST_TOLD:
        told.append(words("governance_most" if proven else "governance_most_found"))
    elif number == curve.index.min():
        told.append(words("governance_fewest"))
    return [", ".join(told)] if told else []


def _main(result: Diagnosis) -> str:
    return result.facts["governance"]["main"]


def _main_name(result: Diagnosis, words: Words) -> str:
    return _name_function(result, words, _main(result))


def _name_function(result: Diagnosis, words: Words, function: str) -> str:
    name = result.table("governance_functions").at[function, words.language]
    return name[:1].lower() + name[1:]


def _ground(result: Diagnosis, codes: pd.Index) -> Any:
    return result.table("governance_map").loc[codes, ["name", "geometry"]]


def _territory(areas: pd.DataFrame) -> pd.Index:
    return areas.index[areas["in_territory"]]


def _note(result: Diagnosis, words: Words, functions: list[str]) -> str:
    """Say what the areas are not, and which of the flows behind those of some functions are no counts."""
    layers = result.table("governance_layers")
    used = layers[layers["function"].isin(functions) & layers["found"].astype(bool)]
    modelled = words("governance_modelled") if used["modelled"].astype(bool).any() else ""
    return join_sentences(words("governance_proposed"), flows_note(result, words), modelled)


def _source(result: Diagnosis, words: Words) -> str:
    return result.manifest.source_line(("commuting_2021",), words.language)


def _about(result: Diagnosis, words: Words, codes: pd.Index) -> Mapping[str, Any]:
    """Return what every map of areas needs besides them."""
    context = result.table("context")
    return {
        "language": words.language,
        "source": _source(result, words),
        "city": result.city.code,
        "context": context.loc[~context.index.isin(codes)],
    }
