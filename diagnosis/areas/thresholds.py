"""Choosing the thresholds: what the areas become over a plane of parameters, and which setting to prefer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from numbers import Real

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.functional import THRESHOLDS, FunctionalAreas
from diagnosis.areas.numbering import number_areas
from diagnosis.areas.quality import area_statistics, labelled, network_modularity
from diagnosis.areas.stability import run_all
from diagnosis.errors import InputError, examples, unknown_name


def parameter_map(
    flows: pd.DataFrame,
    grid: Mapping[str, Sequence[float]],
    *,
    estimator: FunctionalAreas | None = None,
    reference: pd.Series | None = None,
    population: pd.Series | None = None,
    location: pd.DataFrame | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Draw the areas at every setting of a grid of thresholds.

    Parameters
    ----------
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.
    grid : mapping of str to sequence of float
        Values of some of `min_size`, `min_self_containment`, `target_size`, `target_self_containment`; the others
        are those of `estimator`. Settings in which a minimum is not below its target are left out.
    estimator : FunctionalAreas, optional
        With mode and constraints; the default one if not given.
    reference : pandas.Series, optional
        Another partition, to compare with.
    population, location
        As in :meth:`FunctionalAreas.fit`.
    workers : int, optional
        Threads; 2 by default.

    Returns
    -------
    pandas.DataFrame, one row a setting
        The four thresholds; `areas`, `single` (areas of one municipality), `below_validity`, `internal_share`
        (commuters who stay in their area), `median_self_containment` (the smaller of supply and demand side),
        `least_self_containment`, `largest_share` (of all employed residents, in the largest area), `modularity`;
        with `reference` also `adjusted_rand`, `adjusted_mutual_information`; `steadiness`: mean adjusted mutual
        information with the settings one step away on the grid (missing where there is none). High steadiness: the
        areas do not hang on the exact threshold.

    Raises
    ------
    diagnosis.errors.InputError
        As :meth:`FunctionalAreas.fit`; no setting is left, or `reference` has no code of the flows.
    diagnosis.errors.UnknownNameError
        `grid` names something else than a threshold.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    base = FunctionalAreas() if estimator is None else estimator
    if not isinstance(base, FunctionalAreas):
        raise InputError("parameter_map: a FunctionalAreas estimator is needed", f"{base!r} was given")
    axes = _axes(grid, base)
    places = list(product(*(range(len(axis)) for axis in axes)))
    settings = {place: tuple(axis[i] for axis, i in zip(axes, place, strict=True)) for place in places}
    settings = {place: values for place, values in settings.items() if _ordered(values)}
    if not settings:
        raise InputError(
            "grid: at least one setting must have both minima below their targets",
            f"none of {len(places)} has",
        )
    models = {
        place: FunctionalAreas(**base.get_params() | dict(zip(THRESHOLDS, values, strict=True)))
        for place, values in settings.items()
    }
    everyone, prepared, _ = next(iter(models.values())).prepare(flows, population, location)
    other = None if reference is None else _aligned(reference, everyone.codes)

    def draw(model: FunctionalAreas) -> tuple[np.ndarray, dict[str, float]]:
        model.check()
        area = prepared.areas(model.trade_off(), len(models))
        area = number_areas(area, everyone.live()) - 1
        return area, _describe(everyone, area, model)

    drawn = dict(zip(models, run_all(draw, models.values(), workers), strict=True))
    rows = []
    for place, (area, facts) in drawn.items():
        row = dict(zip(THRESHOLDS, settings[place], strict=True)) | facts
        if other is not None:
            both = (other >= 0) & (area >= 0)
            row["adjusted_rand"] = adjusted_rand_score(other[both], area[both])
            row["adjusted_mutual_information"] = adjusted_mutual_info_score(other[both], area[both])
        near = [drawn[step][0] for step in _neighbours(place) if step in drawn]
        row["steadiness"] = (
            np.mean([adjusted_mutual_info_score(area, beside) for beside in near]) if near else np.nan
        )
        rows.append(row)
    return pd.DataFrame(rows)


def recommend_parameters(table: pd.DataFrame) -> pd.Series:
    """Choose one setting of :func:`parameter_map` and say why.

    With a reference, the setting that agrees with it most (adjusted mutual information). Without, among the settings
    that leave the fewest areas below validity and that no other beats both in the number of areas and in the share of
    commuters inside, the steadiest: its areas change least when a threshold moves by a step. Published guidance
    (OECD 2020, Delineating Functional Areas in All Territories) likewise looks for small areas that still hold their
    commuters, and tests neighbouring values; the rule as it stands here is the project's own, and a proposal.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`parameter_map`.

    Returns
    -------
    pandas.Series
        The row chosen, with `reason` (``reference``, ``steadiest`` or ``only``) and `candidates`: how many settings
        it was chosen from.

    Raises
    ------
    diagnosis.errors.InputError
        `table` is empty or has not the columns of :func:`parameter_map`.
    """
    needed = {*THRESHOLDS, "areas", "below_validity", "internal_share", "steadiness"}
    if not isinstance(table, pd.DataFrame) or needed - set(table.columns) or not (table["areas"] > 0).any():
        raise InputError("recommend_parameters: a table of parameter_map with at least one area is needed")
    if "adjusted_mutual_information" in table.columns:
        chosen, reason, candidates = table["adjusted_mutual_information"].idxmax(), "reference", len(table)
    else:
        drawn = table[table["areas"] > 0]  # no area is below validity where there is none
        valid = drawn[drawn["below_validity"] == drawn["below_validity"].min()]
        areas, inside = valid["areas"].to_numpy(), valid["internal_share"].to_numpy()
        more, closer = areas[None] >= areas[:, None], inside[None] >= inside[:, None]
        strictly = (areas[None] > areas[:, None]) | (inside[None] > inside[:, None])
        efficient = valid[~(more & closer & strictly).any(axis=1)]
        candidates = len(efficient)
        steady = efficient["steadiness"].fillna(-np.inf)
        chosen, reason = steady.idxmax(), "steadiest" if candidates > 1 else "only"
    return pd.concat([table.loc[chosen], pd.Series({"reason": reason, "candidates": candidates})])


def _axes(grid: Mapping[str, Sequence[float]], base: FunctionalAreas) -> list[list[float]]:
    if not isinstance(grid, Mapping):
        raise InputError("grid: a mapping of thresholds to lists of numbers is needed", f"{grid!r} was given")
    for name in grid:
        if name not in THRESHOLDS:
            raise unknown_name("A threshold", name, THRESHOLDS)
    axes = []
    for name in THRESHOLDS:
        values = grid.get(name, [getattr(base, name)])
        listed = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else []
        if not listed or not all(isinstance(value, Real) for value in listed):
            raise InputError(f"grid: {name} needs a list of numbers", f"{values!r} was given")
        axes.append(sorted(set(listed)))
    return axes


def _ordered(values: Sequence[float]) -> bool:
    min_size, min_containment, target_size, target_containment = values
    return min_size < target_size and min_containment < target_containment


def _neighbours(place: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [
        (*place[:axis], place[axis] + step, *place[axis + 1 :])
        for axis in range(len(place))
        for step in (-1, 1)
    ]


def _aligned(reference: pd.Series, codes: pd.Index) -> np.ndarray:
    known = labelled(reference).reindex(codes)
    if known.isna().all():
        raise InputError(
            "reference: its codes must be those of the flows",
            f"reference has {examples(reference.index)}, the flows {examples(codes)}",
        )
    return pd.factorize(known)[0]


def _describe(everyone: FlowNetwork, area: np.ndarray, model: FunctionalAreas) -> dict[str, float]:
    n_areas = int(area.max(initial=-1)) + 1
    table = area_statistics(everyone, area, n_areas, model.trade_off().scaled(everyone.scale))
    least = table[["supply_self_containment", "demand_self_containment"]].min(axis=1)
    live, total = table["employed_residents"], everyone.live().sum() / everyone.scale
    return {
        "areas": n_areas,
        "single": int((table["municipalities"] == 1).sum()),
        "below_validity": int((table["validity"] < 1).sum()),
        "internal_share": float(table["internal_commuters"].sum() / total),
        "median_self_containment": float(least.median()),
        "least_self_containment": float(least.min()),
        "largest_share": float(live.max() / total),
        "modularity": network_modularity(table, everyone),
    }
