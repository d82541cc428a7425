"""Areas of areas: a nested hierarchy by raising the thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real

import pandas as pd

from diagnosis.areas.constraints import groups_of
from diagnosis.areas.functional import THRESHOLDS, FunctionalAreas
from diagnosis.errors import InputError, examples, unknown_name


def area_hierarchy(
    flows: pd.DataFrame,
    levels: Sequence[Mapping[str, float]],
    *,
    population: pd.Series | None = None,
    location: pd.DataFrame | None = None,
    **options,
) -> pd.DataFrame:
    """Draw nested areas: each level joins whole areas of the level below.

    Level 1 is :class:`diagnosis.areas.FunctionalAreas` at the first thresholds; each further level is fitted at higher
    ones with the areas below as groups that stay together.

    Parameters
    ----------
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.
    levels : sequence of mapping
        Thresholds of each level, from the smallest areas up: any of `min_size`, `min_self_containment`, `target_size`,
        `target_self_containment`; those left out are the defaults of the estimator. From one level to the next at
        least one increases and none decreases.
    population : pandas.Series, optional
        Residents by code, to number the areas.
    location : pandas.DataFrame, optional
        As ``FunctionalAreas.fit`` takes it.
    **options
        Other parameters of :class:`diagnosis.areas.FunctionalAreas`, the same at each level: `contiguity`, `within`,
        `must_link`, `cannot_link`, `random_state`; `mode` is ``"clean"``, which alone can keep groups together.

    Returns
    -------
    pandas.DataFrame, index `code`
        `level_1`, `level_2` ... : Int64, area of each municipality, numbered by decreasing population at each level;
        missing: in no area. All members of an area are in one area of the level above, or all in none.

    Raises
    ------
    diagnosis.errors.InputError
        There is no level, a level is not a mapping of thresholds, thresholds fall or stay from one level to the next,
        another mode is given, or as ``FunctionalAreas.fit``.
    diagnosis.errors.UnknownNameError
        A threshold is unknown.
    """
    _check_levels(levels)
    if options.setdefault("mode", "clean") != "clean":
        raise InputError(
            "area_hierarchy: only mode='clean' can keep the areas below together",
            f"mode={options['mode']!r} was given",
            "Leave the mode out",
        )
    must_link = options.pop("must_link", None)
    groups = [] if must_link is None else groups_of(must_link, "must_link")
    columns: dict[str, pd.Series] = {}
    for number, level in enumerate(levels, start=1):
        estimator = FunctionalAreas(**level, must_link=groups or None, **options)
        labels = estimator.fit(flows, population=population, location=location).labels_
        columns[f"level_{number}"] = labels
        members = labels.dropna()
        areas = [list(codes) for codes in members.groupby(members).groups.values()]
        # Groups of the user lie inside an area already, but for members that no area could take.
        outside = [[code for code in group if code not in members.index] for group in groups]
        groups = [group for group in [*areas, *outside] if len(group) > 1]
    return pd.DataFrame(columns)


def _check_levels(levels: Sequence[Mapping[str, float]]) -> None:
    if isinstance(levels, Mapping | str) or not isinstance(levels, Sequence) or len(levels) == 0:
        raise InputError(
            "levels: a list of at least one mapping of thresholds is needed",
            f"{levels!r} was given",
            "Write levels=[dict(min_size=1000, target_size=10000), dict(min_size=5000, target_size=50000)]",
        )
    for level in levels:
        if not isinstance(level, Mapping):
            raise InputError("levels: every level must be a mapping of thresholds", f"{level!r} was given")
        for name, value in level.items():
            if name not in THRESHOLDS:
                raise unknown_name("A threshold of a level", name, THRESHOLDS)
            if not isinstance(value, Real):
                raise InputError(f"{name} must be a number above 0", f"{value!r} was given")
    complete = [FunctionalAreas(**level).get_params() for level in levels]
    for number, (low, high) in enumerate(pairwise(complete), start=1):
        falling = [name for name in THRESHOLDS if high[name] < low[name]]
        if falling or all(high[name] == low[name] for name in THRESHOLDS):
            raise InputError(
                "levels: from one level to the next at least one threshold must increase and none decrease",
                f"from level {number} to {number + 1} "
                + (f"these decrease: {examples(falling)}" if falling else "all stay the same"),
                "Put the levels in order, from the smallest areas up",
            )
