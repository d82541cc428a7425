"""How far two partitions of the same municipalities agree."""

from __future__ import annotations

import pandas as pd

from diagnosis.areas.quality import labelled
from diagnosis.errors import InputError, examples


def agreement(a: pd.Series, b: pd.Series, population: pd.Series | None = None) -> pd.Series:
    """Compare two partitions; the names of the areas play no part.

    Adjusted Rand index (Hubert and Arabie 1985), adjusted mutual information (Vinh, Epps and Bailey 2010, arithmetic
    mean) and V-measure (Rosenberg and Hirschberg 2007) as scikit-learn computes them.

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
        `n_areas_a`, `n_areas_b` (over the codes compared); `municipalities_compared` (labelled in both),
        `municipalities_not_compared` (in only one, or without area in one or both);
        `municipalities_differing`: those left over when each area of `a` is matched with at most one of `b` so that
        the matched areas share the most municipalities, and `municipalities_differing_share`; with `population` also
        `residents_compared`, `municipalities_without_population`, `residents_differing` (left over by the matching
        that shares the most residents) and `residents_differing_share`.

    Raises
    ------
    diagnosis.errors.InputError
        A code is repeated, or no code has an area in both.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, v_measure_score

    known_a, known_b = labelled(a), labelled(b)
    codes = known_a.index.intersection(known_b.index)
    if len(codes) == 0:
        raise InputError(
            "agreement: the two partitions must share codes",
            f"the first has {examples(known_a.index)}, the second {examples(known_b.index)}",
            "Give both the same kind of code and the same year",
        )
    area_a, names_a = pd.factorize(known_a[codes])
    area_b, names_b = pd.factorize(known_b[codes])
    differing = _differing(area_a, area_b, pd.Series(1.0, index=codes))
    values = {
        "adjusted_rand": adjusted_rand_score(area_a, area_b),
        "adjusted_mutual_information": adjusted_mutual_info_score(area_a, area_b),
        "v_measure": v_measure_score(area_a, area_b),
        "n_areas_a": len(names_a),
        "n_areas_b": len(names_b),
        "municipalities_compared": len(codes),
        "municipalities_not_compared": len(a.index.union(b.index)) - len(codes),
        "municipalities_differing": differing,
        "municipalities_differing_share": differing / len(codes),
    }
    if population is not None:
        residents = population.reindex(codes).astype("float64")
        total = residents.sum()
        differing = _differing(area_a, area_b, residents.fillna(0))
        values |= {
            "residents_compared": total,
            "municipalities_without_population": residents.isna().sum(),
            "residents_differing": differing,
            "residents_differing_share": differing / total if total > 0 else float("nan"),
        }
    return pd.Series(values, dtype="float64")


def _differing(area_a, area_b, weight: pd.Series) -> float:
    """Weight outside the one-to-one matching of areas that shares the most weight."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array

    shared = coo_array((weight.to_numpy(), (area_a, area_b))).toarray()
    return float(weight.sum() - shared[linear_sum_assignment(shared, maximize=True)].sum())
