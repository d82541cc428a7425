"""How far two partitions of the same municipalities agree, and where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from diagnosis.areas.quality import labelled
from diagnosis.errors import InputError, examples


def agreement(a: pd.Series, b: pd.Series, population: pd.Series | None = None) -> pd.Series:
    """Compare two partitions; the names of the areas play no part.

    Adjusted Rand index (Hubert and Arabie 1985), adjusted mutual information (Vinh, Epps and Bailey 2010, arithmetic
    mean) and V-measure with its two parts (Rosenberg and Hirschberg 2007) as scikit-learn computes them.

    Parameters
    ----------
    a, b : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    population : pandas.Series, optional
        Residents by municipality code; a compared code without a value counts 0 and is reported.

    Returns
    -------
    pandas.Series
        `adjusted_rand`, `adjusted_mutual_information`, `v_measure` (1: equal partitions);
        `homogeneity` (1: no area of `a` is divided by `b`), `completeness` (1: no area of `b` is divided by `a`);
        `n_areas_a`, `n_areas_b` (over the codes compared); `municipalities_compared` (labelled in both),
        `municipalities_not_compared` (in only one, or without area in one or both);
        `municipalities_differing`: those left over when each area of `a` is matched with at most one of `b` so that
        the matched areas share the most municipalities, and `municipalities_differing_share`; with `population` also
        `residents_compared`, `municipalities_without_population`, `residents_differing` (left over by the matching
        that shares the most residents) and `residents_differing_share`.

    Raises
    ------
    diagnosis.errors.InputError
        A code is repeated, no code has an area in both, or `population` is not a Series of numbers of at least 0.
    """
    from sklearn.metrics import (
        adjusted_mutual_info_score,
        adjusted_rand_score,
        homogeneity_completeness_v_measure,
    )

    both = _compare(a, b)
    matched_a, _ = _match(both, None)
    differing = int((matched_a[both.area_a] != both.area_b).sum())
    # In scikit-learn's words the areas of `a` are the clusters, those of `b` the classes.
    homogeneous, complete, v_measure = homogeneity_completeness_v_measure(both.area_b, both.area_a)
    values = {
        "adjusted_rand": adjusted_rand_score(both.area_a, both.area_b),
        "adjusted_mutual_information": adjusted_mutual_info_score(both.area_a, both.area_b),
        "v_measure": v_measure,
        "homogeneity": homogeneous,
        "completeness": complete,
        "n_areas_a": len(both.names_a),
        "n_areas_b": len(both.names_b),
        "municipalities_compared": len(both.codes),
        "municipalities_not_compared": len(a.index.union(b.index)) - len(both.codes),
        "municipalities_differing": differing,
        "municipalities_differing_share": differing / len(both.codes),
    }
    if population is not None:
        residents = _residents(population, both.codes)
        total = residents.sum()
        matched_a, _ = _match(both, residents)
        differing_residents = residents[matched_a[both.area_a] != both.area_b].sum()
        values |= {
            "residents_compared": total,
            "municipalities_without_population": residents.isna().sum(),
            "residents_differing": differing_residents,
            "residents_differing_share": differing_residents / total if total > 0 else float("nan"),
        }
    return pd.Series(values, dtype="float64")


def differences(
    a: pd.Series,
    b: pd.Series,
    population: pd.Series | None = None,
    names: Mapping | pd.Series | None = None,
) -> pd.DataFrame:
    """List the municipalities that differ once the areas of two partitions are matched one to one.

    The matching is that of :func:`agreement`: of most municipalities, or of most residents when `population` is given,
    so that a city stays and its suburbs move, not the reverse. Equal matchings are told apart by the codes of the
    members, never by the names of the areas.

    Parameters
    ----------
    a, b : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    population : pandas.Series, optional
        Residents by municipality code; a code without a value counts 0 in the matching.
    names : mapping or pandas.Series, optional
        Name of each municipality by code.

    Returns
    -------
    pandas.DataFrame, one row a municipality that differs, index `code` in ascending order
        `name` (with `names`), `area_a`, `area_b`, `match_of_a` (the area of `b` that `area_a` is matched with; missing:
        none), `match_of_b` (the area of `a` that `area_b` is matched with), `residents` (with `population`). There are
        `municipalities_differing` rows as :func:`agreement` counts them, or with `population` rows that sum to its
        `residents_differing`. Codes without an area in one of the two are not compared.

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`agreement`.
    """
    both = _compare(a, b)
    residents = None if population is None else _residents(population, both.codes)
    matched_a, matched_b = _match(both, residents)
    rows = np.flatnonzero(matched_a[both.area_a] != both.area_b)
    table = pd.DataFrame(
        {
            "area_a": _take(both.names_a, both.area_a[rows]),
            "area_b": _take(both.names_b, both.area_b[rows]),
            "match_of_a": _take(both.names_b, matched_a[both.area_a[rows]]),
            "match_of_b": _take(both.names_a, matched_b[both.area_b[rows]]),
        }
    ).set_index(pd.Index(both.codes[rows], name="code"))
    if names is not None:
        table.insert(0, "name", table.index.map(names))
    if residents is not None:
        table["residents"] = residents.to_numpy()[rows]
    return table


class _Comparison(NamedTuple):
    """Codes labelled in both partitions, ascending, with the positions of their areas."""

    codes: pd.Index
    area_a: np.ndarray
    names_a: pd.Series
    area_b: np.ndarray
    names_b: pd.Series


def _compare(a: pd.Series, b: pd.Series) -> _Comparison:
    known_a, known_b = labelled(a), labelled(b)
    codes = known_a.index.intersection(known_b.index).sort_values()
    if len(codes) == 0:
        raise InputError(
            "agreement: the two partitions must share codes",
            f"the first has {examples(known_a.index)}, the second {examples(known_b.index)}",
            "Give both the same kind of code and the same year",
        )
    # Areas are numbered by their smallest code, so that their names cannot decide between equal matchings.
    (area_a, names_a), (area_b, names_b) = (pd.factorize(known[codes]) for known in (known_a, known_b))
    return _Comparison(codes, area_a, pd.Series(names_a), area_b, pd.Series(names_b))


def _residents(population: pd.Series, codes: pd.Index) -> pd.Series:
    if not isinstance(population, pd.Series) or population.index.has_duplicates:
        raise InputError(
            "population: a Series with one row a municipality is needed",
            f"repeated: {examples(population.index[population.index.duplicated()])}"
            if isinstance(population, pd.Series)
            else f"{type(population).__name__} was given",
        )
    residents = pd.to_numeric(population, errors="coerce").reindex(codes).astype("float64")
    wrong = (population.reindex(codes).notna() & residents.isna()) | (residents < 0) | np.isinf(residents)
    if wrong.any():
        raise InputError(
            "population: residents are numbers of at least 0",
            f"found {examples(population.reindex(codes)[wrong])}",
        )
    return residents


def _match(both: _Comparison, residents: pd.Series | None) -> tuple[np.ndarray, np.ndarray]:
    """Match areas one to one: the partner of each area of `a` and of each of `b`, -1 for none.

    The matched areas share the most municipalities, or the most residents and then the most municipalities.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array

    weight = np.ones(len(both.codes))
    if residents is not None:
        weight += residents.fillna(0).to_numpy() * (len(weight) + 1)
    shape = (len(both.names_a), len(both.names_b))
    shared = coo_array((weight, (both.area_a, both.area_b)), shape=shape).toarray()
    row, column = linear_sum_assignment(shared, maximize=True)
    met = shared[row, column] > 0
    partners = np.full(shape[0], -1), np.full(shape[1], -1)
    partners[0][row[met]], partners[1][column[met]] = column[met], row[met]
    return partners


def _take(names: pd.Series, positions: np.ndarray) -> pd.Series:
    """Names at positions, missing at -1; whole numbers stay whole."""
    if pd.api.types.is_integer_dtype(names):
        names = names.astype("Int64")
    return names.reindex(positions).reset_index(drop=True)
