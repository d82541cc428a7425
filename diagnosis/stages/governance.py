"""The stage *governance*: areas that could run something together, function by function, beside what exists today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.areas.governance.core import core_and_rim
from diagnosis.areas.governance.estimator import EXACT_UNITS
from diagnosis.areas.governance.practicability import ASSOCIATION
from diagnosis.errors import NotApplicableError
from diagnosis.functions import Function, load_functions
from diagnosis.governance.cooperation import read_cooperation
from diagnosis.governance.drawn import FIRM_FROM, draw_function
from diagnosis.governance.saved import compare_saved
from diagnosis.governance.subject import build_subject
from diagnosis.provenance import digest
from diagnosis.stages.existing import compare_existing
from diagnosis.territory import Territory

if TYPE_CHECKING:
    from diagnosis.national.shared import National

MINUTES_ERROR = 6
"""Mean error of estimated minutes: docs/governance.md."""
AREA_FUNCTION = "function_"


def propose_areas(territory: Territory, national: National) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Stage *governance*: the areas of every function, those of the main one in full.

    Returns
    -------
    tables, facts
        The tables of the stage (see :class:`diagnosis.result.Diagnosis`).

    Raises
    ------
    NotApplicableError
        The territory is a single municipality.
    """
    if len(territory.codes) < 2:
        raise NotApplicableError("Areas need several municipalities", "the territory is a single one")
    wanted = territory.city.governance
    functions = load_functions(wanted.functions)
    groups = read_cooperation(territory.city, territory.country.municipalities.index)
    drawn = {
        name: _drawn(territory, national, function, groups, wanted.runs if name == wanted.main else None)
        for name, function in functions.items()
    }
    main = drawn[wanted.main]
    tables = {
        "governance_functions": _list_functions(territory, functions, drawn, wanted.main),
        "governance_layers": _list_layers(functions, drawn),
    }
    facts: dict[str, Any] = {
        "main": wanted.main,
        "name": functions[wanted.main].name.model_dump(),
        "description": functions[wanted.main].description.model_dump(),
        "functions": sum("curve" in content for content in drawn.values()),
        "municipalities_territory": len(territory.codes),
        "reason_it": main.get("reason_it", ""),
        "reason_en": main.get("reason_en", ""),
    }
    if "curve" not in main:
        return tables, facts | {"areas": None, "city_area": None}
    subject = build_subject(territory, national, functions[wanted.main], groups)
    areas = _list_members(territory, drawn, wanted.main)
    summary = main["summary"]
    shown = sorted(areas.loc[areas["in_territory"], "area"].dropna().unique())
    tables |= {
        "governance_areas": areas,
        "governance_map": territory.country.municipalities.loc[areas.index, ["name", "geometry"]],
        "governance_summary": _with_firmness(_with_screen(summary.loc[shown]), areas),
        "governance_curve": main["curve"],
        "governance_alternatives": main["labels"],
        "governance_reasons": main["reasons"]
        .drop(columns="jobs")[areas["shown"]]
        .assign(member=areas["area"] == areas.at[territory.city.code, "area"]),
        "governance_agreement": compare_existing(territory, national, areas, subject.problem),
    }
    computed = main["labels"][str(_chosen(main))]
    tables |= compare_saved(territory, national, functions, groups, computed, wanted.main)
    return tables, facts | _facts(territory, main, functions[wanted.main], areas, summary)


def _drawn(
    territory: Territory,
    national: National,
    function: Function,
    groups: Mapping[str, pd.Series],
    runs: int | None,
) -> dict[str, Any]:
    """Draw the areas of a function, or take them from the cache: they depend on nothing else of the city's file."""
    key = digest(
        territory.country.key,
        list(territory.codes),
        function.model_dump(mode="json"),
        territory.city.areas.model_dump(mode="json", exclude={"runs"}),
        {name: areas.dropna().to_csv() for name, areas in groups.items()},
        runs,
    )
    return national.cache.get(
        "governance", key, lambda: draw_function(territory, national, function, groups, runs=runs)
    )


def _chosen(content: Mapping[str, Any]) -> int:
    curve = content["curve"]
    return int(curve.index[curve["chosen"]][0])


def _list_functions(
    territory: Territory, functions: Mapping[str, Function], drawn: Mapping[str, Mapping[str, Any]], main: str
) -> pd.DataFrame:
    """Set the functions beside each other: how many areas, worth what, and how good they are."""
    figures = ["value", "bound", "gap", "status", "internal_share", "smallest_population", "longest_minutes"]
    rows = {}
    labelled: dict[str, pd.Series] = {}
    for name, function in functions.items():
        content = drawn[name]
        row: dict[str, Any] = {
            "it": function.name.it,
            "en": function.name.en,
            "main": name == main,
            "own": name in territory.city.governance.functions,
            "reason_it": content.get("reason_it", ""),
            "reason_en": content.get("reason_en", ""),
        }
        if "curve" in content:
            areas = _chosen(content)
            labels = content["labels"][str(areas)]
            row |= {"units": content["units"], "areas": areas, **content["curve"].loc[areas, figures]}
            row["city_members"] = int((labels == labels[territory.city.code]).sum())
            row["single"] = int((labels.value_counts() == 1).sum())
            row["max_minutes"] = function.max_minutes
            row["same_as"] = next(
                (other for other, earlier in labelled.items() if _are_same(labels, earlier)), ""
            )
            labelled[name] = labels
        rows[name] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("function")
    counts = ["units", "areas", "single", "city_members"]
    columns = [
        "it",
        "en",
        "main",
        "own",
        *counts,
        *figures,
        "max_minutes",
        "same_as",
        "reason_it",
        "reason_en",
    ]
    table = table.reindex(columns=columns).astype(dict.fromkeys(counts, "Int64") | {"max_minutes": "float64"})
    return table.assign(same_as=table["same_as"].fillna(""))


def _are_same(labels: pd.Series, other: pd.Series) -> bool:
    """Whether two partitions are the same, whatever their areas are called."""
    if not labels.index.equals(other.index):
        return False
    return bool((pd.factorize(labels)[0] == pd.factorize(other)[0]).all())


def _list_layers(functions: Mapping[str, Function], drawn: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    tables = [
        content["layers"].assign(function=name) for name, content in drawn.items() if "layers" in content
    ]
    columns = ["function", "layer", "weight", "found", "modelled", "term", "reason_it", "reason_en"]
    return (pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()).reindex(columns=columns)


def _list_members(territory: Territory, drawn: Mapping[str, Mapping[str, Any]], main: str) -> pd.DataFrame:
    """List the municipalities that were free to join, with their area in every function."""
    content = drawn[main]
    labels = content["labels"][str(_chosen(content))]
    places = territory.country.municipalities
    centres = content["summary"]["centre"]
    areas = places.loc[labels.index, ["name", "province", "province_name"]].rename_axis("code")
    areas["in_territory"] = areas.index.isin(territory.codes)
    areas["area"] = labels
    areas["shown"] = labels.isin(labels[areas["in_territory"]].unique())
    areas["area_name"] = labels.map(centres).map(places["name"])
    reasons = content["reasons"]
    areas["jobs"] = reasons["jobs"]
    if "with_centre" in reasons:
        areas = areas.join(
            reasons[["with_centre", "second_run", "second_runs"]].rename(
                columns={"second_run": "second_name"}
            )
        )
    by_function = pd.DataFrame(
        {
            name: one["labels"][str(_chosen(one))].reindex(labels.index)
            for name, one in drawn.items()
            if "curve" in one
        }
    )
    together = core_and_rim(by_function, centres, main)
    areas["core"] = together["core"]
    areas["functions_with_centre"] = together["with_centre"]
    areas["functions_compared"] = together["compared"]
    areas["elsewhere"] = together["elsewhere"]
    return areas.join(by_function.add_prefix(AREA_FUNCTION))


def _with_screen(summary: pd.DataFrame) -> pd.DataFrame:
    """Compare the residents with the threshold: open where some are missing and the others do not reach it."""
    reached = (summary["population"] >= ASSOCIATION).astype("boolean")
    incomplete = summary["without_population"] > 0
    return summary.assign(reaches_association=reached.mask(incomplete & ~reached))


def _with_firmness(summary: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    if "with_centre" not in areas:
        return summary
    firm = (areas["with_centre"] >= FIRM_FROM).groupby(areas["area"]).mean()
    return summary.assign(firm_share=firm.reindex(summary.index))


def _facts(
    territory: Territory,
    content: Mapping[str, Any],
    function: Function,
    areas: pd.DataFrame,
    summary: pd.DataFrame,
) -> dict[str, Any]:
    curve = content["curve"]
    chosen, best = _chosen(content), int(curve.index[curve["best"]][0])
    own = areas.at[territory.city.code, "area"]
    members = areas[areas["area"] == own]
    here = areas[areas["in_territory"]]
    facts = {
        "units": int(content["units"]),
        "municipalities": len(areas),
        "outside": int((~areas["in_territory"]).sum()),
        "shown_areas": int(areas.loc[areas["shown"], "area"].nunique()),
        "areas": chosen,
        "best_areas": best,
        "most_areas": int(curve.index.max()),
        "most_proven": bool(content["units"] <= EXACT_UNITS and (curve["status"] == "optimal").all()),
        "reason": content["reason"],
        "front": int(curve["front"].sum()),
        "city_area": int(own),
        "city_centre": str(summary.at[own, "name"]),
        "city_members": len(members),
        "city_core": int(members["core"].sum()),
        "city_members_outside": int((~members["in_territory"]).sum()),
        "city_residents": int(territory.country.residents.reindex(members.index).sum()),
        "runs": territory.city.governance.runs if "with_centre" in areas else 0,
        "firm_from": FIRM_FROM,
        "minutes_estimated": bool(content["minutes_estimated"]),
        "minutes_error": MINUTES_ERROR,
        "core": int(here["core"].sum()),
        "together": _find_together(here),
        "limits": {
            "validity": territory.city.areas.thresholds if function.validity else None,
            **function.model_dump(
                include={"min_population", "min_members", "max_members", "max_minutes", "within"}
            ),
        },
        "kind": territory.country.flows_kind,
    }
    if facts["runs"]:
        facts["firm"] = int((here["with_centre"] >= FIRM_FROM).sum())
        facts["rim"] = len(here) - facts["firm"]
    for prefix, areas_of in (("", chosen), ("best_", best)):
        row = curve.loc[areas_of]
        facts |= {
            f"{prefix}value": float(row["value"]),
            f"{prefix}bound": _finite(row["bound"]),
            f"{prefix}gap": _finite(row["gap"]),
            f"{prefix}status": str(row["status"]),
            f"{prefix}internal_share": _finite(row["internal_share"]),
        }
    return facts


def _find_together(areas: pd.DataFrame) -> list[list[str]]:
    """List the municipalities of the territory that share an area in every function, the largest groups first."""
    columns = [name for name in areas if name.startswith(AREA_FUNCTION)]
    known = areas[areas[columns].notna().all(axis=1)]
    groups = [sorted(names) for _, names in known["name"].groupby([known[name] for name in columns])]
    return sorted((names for names in groups if len(names) > 1), key=lambda names: (-len(names), names))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
