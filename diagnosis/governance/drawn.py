"""The areas of one function of one city, with all that is told about them in its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.errors import InputError
from diagnosis.governance.alternatives import (
    Alternatives,
    draw_alternatives,
    draw_best,
    find_centres,
    longest_ways,
    none_found,
)
from diagnosis.governance.draft import JOBS_LAYER
from diagnosis.governance.layers import existing_groups
from diagnosis.governance.subject import AreaSubject, NotDrawnError, build_subject
from diagnosis.schema import Text

if TYPE_CHECKING:
    from diagnosis.areas.governance.problem import AreaProblem
    from diagnosis.functions import Function
    from diagnosis.national.shared import National
    from diagnosis.territory import Territory

FIRM_FROM = 0.75
"""Share of the runs from which a municipality counts as firmly in its area."""
BORDERS = ("province", "region")


def draw_function(
    territory: Territory,
    national: National,
    function: Function,
    groups: Mapping[str, pd.Series] | None = None,
    *,
    runs: int | None = None,
) -> dict[str, Any]:
    """Draw the areas of a function, and describe them.

    Parameters
    ----------
    territory : Territory
    national : National
    function : Function
    groups : mapping of str to pandas.Series, optional
        Further co-operation, as in :func:`diagnosis.governance.layers.build_layers`.
    runs : int, optional
        Of the sensitivity, 0 for none. Without it the function is only compared: the areas of the largest interaction,
        not the alternatives, reasons and sensitivity.

    Returns
    -------
    dict
        Tables and figures that can be saved. Where no areas can be drawn only `reason_it` and `reason_en`; else
        `curve` (see :class:`~diagnosis.governance.alternatives.Alternatives`), `labels` (index code, a column of text
        for each number of areas), `layers` (one row a layer), `reason`, `units`, `minutes_estimated`; with `runs`
        also `summary` (index area), `reasons` (index code, with `jobs`) and, if there are any runs, the sensitivity in
        its columns `with_centre`, `second_run` and `second_runs`.
    """
    try:
        subject = build_subject(territory, national, function, groups)
    except NotDrawnError as error:
        return _tell(error.reason)
    labels = national.areas(territory.city.areas)["labels"]
    starts = [labels[name] for name in ("functional", "istat_method") if name in labels]
    flows = territory.country.tables.get("flows")
    if flows is not None:
        flows = flows[flows["origin"].isin(subject.codes)]
    try:
        draw = draw_best if runs is None else draw_alternatives
        found = draw(subject, starts, flows)
    except InputError as error:
        return _explain_failure(territory, subject, error)
    content: dict[str, Any] = {
        "curve": found.curve,
        "labels": found.labels.rename(columns=str),
        "layers": _describe_layers(subject, found),
        "reason": found.reason,
        "units": subject.problem.n_units,
        "minutes_estimated": subject.minutes_estimated,
    }
    if runs is not None:
        content["summary"] = _summarise(territory, subject, found, groups)
        content["reasons"] = _explain(territory, subject, found, runs)
    return content


def _tell(reason: Text) -> dict[str, Any]:
    """Say in both languages why there are no areas."""
    return {"reason_it": reason.it, "reason_en": reason.en}


def _explain_failure(territory: Territory, subject: AreaSubject, error: InputError) -> dict[str, Any]:
    """Say which limits cannot hold together, and what would do."""
    from diagnosis.areas.governance.infeasibility import explain_infeasibility

    reason = explain_infeasibility(subject.problem)
    if reason is None:
        asked = subject.function.n_areas
        return _tell(error.reason if isinstance(error, NotDrawnError) else none_found(asked))
    names = territory.country.municipalities["name"]
    return {f"reason_{language}": reason.sentence(language, names) for language in ("it", "en")}


def _describe_layers(subject: AreaSubject, found: Alternatives) -> pd.DataFrame:
    terms = subject.problem.layer_terms(found.partition).sum()
    layers = subject.layers
    rows = []
    for name, weight in subject.function.layers.items():
        reason = layers.absent.get(name)
        if weight == 0:
            continue
        rows.append(
            {
                "layer": name,
                "weight": float(weight),
                "found": name in layers.found,
                "modelled": name in layers.modelled,
                "term": float(terms[name]) if name in layers.found else float("nan"),
                "reason_it": reason.it if reason else "",
                "reason_en": reason.en if reason else "",
            }
        )
    return pd.DataFrame(rows)


def _summarise(
    territory: Territory,
    subject: AreaSubject,
    found: Alternatives,
    groups: Mapping[str, pd.Series] | None,
) -> pd.DataFrame:
    """Describe each area: its figures, its longest way, how practicable it is."""
    from diagnosis.areas import area_quality
    from diagnosis.areas.governance.estimator import summarise_areas
    from diagnosis.areas.governance.practicability import practicability

    country, codes = territory.country, subject.codes
    places = country.municipalities
    labels = found.labels[found.chosen]
    table = summarise_areas(subject.problem, found.partition)
    table["centre"] = codes[find_centres(subject, found.partition)]
    table.insert(1, "name", table["centre"].map(places["name"]))
    ways = longest_ways(subject, found.partition)
    table["longest_minutes"] = ways["minutes"]
    table["farthest"] = ways["farthest"].map(places["name"])
    inside = labels.reindex(territory.codes).value_counts()
    table["inside"] = inside.reindex(table.index).fillna(0).astype(int)
    unknown = country.residents.reindex(codes).isna()
    table["without_population"] = unknown.groupby(labels).sum().reindex(table.index).astype(int)
    known = practicability(
        labels,
        country.residents,
        borders={name: places.loc[codes, name] for name in BORDERS},
        groups=existing_groups(country, codes, groups),
    )
    table = table.join(known.drop(columns=["members", "population"]))
    if "flows" in country.tables:
        quality = area_quality(
            labels, country.table("flows"), parameters=territory.city.areas.thresholds
        ).reindex(table.index)
        kept = ["supply_self_containment", "demand_self_containment"]
        table = table.join(quality[kept]).assign(valid=quality["validity"] >= 1)
    return table


def _explain(territory: Territory, subject: AreaSubject, found: Alternatives, runs: int) -> pd.DataFrame:
    """Say why each municipality is in its area, and how often it is when the data are a little different."""
    from diagnosis.areas.governance.reasons import explain_members, tell_reason
    from diagnosis.areas.governance.sensitivity import area_sensitivity

    names = territory.country.municipalities["name"]
    centres = names.reindex(subject.codes[find_centres(subject, found.partition)]).to_numpy()
    reasons = explain_members(subject.problem, found.partition)

    def name_areas(areas: pd.Series) -> pd.Series:
        known = areas.notna()
        named = pd.Series(index=areas.index, dtype=object)
        named[known] = centres[areas[known].astype(int)]
        return named

    reasons["name"] = names.reindex(reasons.index)
    reasons["second_name"] = name_areas(reasons["second"])
    for language in ("it", "en"):
        reasons[language] = [
            tell_reason(row, row["name"], row["second_name"] or "", language)
            for row in reasons.to_dict("records")
        ]
    reasons["internal_change"] = _internal_changes(subject.problem, reasons)
    reasons["open_choice"] = (
        (reasons["rule"] == "sum_falls") & (reasons["limit"] == "") & (reasons["internal_change"] > 0)
    )
    reasons["area"] = reasons["area"] + 1
    reasons["jobs"] = subject.problem.work[max(subject.problem.validity_layer, 0)]
    if runs:
        sure = area_sensitivity(subject.problem, found.partition, runs=runs).members
        reasons["with_centre"] = sure["with_centre"]
        reasons["second_run"] = name_areas(sure["second_area"])
        reasons["second_runs"] = sure["second_share"]
    return reasons.drop(columns="second")


def _internal_changes(problem: AreaProblem, reasons: pd.DataFrame) -> np.ndarray:
    """Count how many more commuters would work in the area they live in if a municipality moved to its second area.

    Those tied to it move along. Missing without a second area or without commuting.
    """
    if JOBS_LAYER not in problem.layer_names:
        return np.full(len(reasons), np.nan)
    layer = problem.layer_names.index(JOBS_LAYER)
    m = len(problem.codes)
    indptr = problem.out_indptr[layer]
    flows = slice(indptr[0], indptr[-1])
    both = np.zeros((m, m))
    np.add.at(
        both, (np.repeat(np.arange(m), np.diff(indptr)), problem.out_indices[flows]), problem.out_data[flows]
    )
    both += both.T
    tied = problem.unit_of[:, None] == problem.unit_of[None, :]
    area, second = reasons["area"].to_numpy(), reasons["second"].astype("float64").to_numpy()
    moving = tied @ both  # between all that would move and each municipality
    apart = np.where(tied, 0.0, moving)
    gained = (apart * (area[None, :] == second[:, None])).sum(axis=1)
    lost = (apart * (area[None, :] == area[:, None])).sum(axis=1)
    return np.where(np.isnan(second), np.nan, gained - lost)
