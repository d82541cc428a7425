"""What the aggregation wrote down, as tables: every step, and the reserve list."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.areas.labour_market import Aggregation
from diagnosis.areas.quality import summaries
from diagnosis.areas.state import (
    AFTER,
    BEFORE,
    CANDIDATE,
    FOLLOWING,
    KIND,
    LINK,
    MUNICIPALITY,
    NONE,
    REFUSED,
    REFUSED_ALONE,
    SOURCE,
    SOURCE_VALIDITY,
    STEP,
    TARGET,
)

RESERVE_TYPES = "ABCD"
"""Alone in its area: refused, without candidate; one of several members: refused, without candidate."""
RULES = (
    "joined",
    "refused",
    "no_candidate",
    "refused",
    "no_candidate",
    "placed",
    "largest_neighbour",
    "founded",
    "dissolved",
    "adjusted",
)
"""What decided a step, by its kind."""


def history_table(aggregation: Aggregation, codes: pd.Index) -> pd.DataFrame:
    """Return one row a step: see :attr:`diagnosis.areas.FunctionalAreas.history_`."""
    steps, values = aggregation.steps, aggregation.values
    return pd.DataFrame(
        {
            "step": steps[:, STEP],
            "code": codes_of(steps[:, MUNICIPALITY], codes),
            "rule": np.array(RULES)[steps[:, KIND]],
            "from_area": codes_of(steps[:, SOURCE], codes),
            "to_area": codes_of(steps[:, TARGET], codes),
            "candidate": codes_of(steps[:, CANDIDATE], codes),
            "link": values[:, LINK],
            "validity_before": values[:, BEFORE],
            "validity_after": values[:, AFTER],
        }
    )


def reserve_table(aggregation: Aggregation, codes: pd.Index) -> pd.DataFrame:
    """Return the reserve list: see :attr:`diagnosis.areas.FunctionalAreas.reserve_`."""
    kind = aggregation.steps[:, KIND]
    rows = (kind >= REFUSED_ALONE) & (kind <= NONE)
    steps, validity = aggregation.steps[rows], aggregation.values[rows, SOURCE_VALIDITY]
    following = np.where(steps[:, KIND] >= REFUSED, steps[:, FOLLOWING], -1)
    return pd.DataFrame(
        {
            "type": pd.Series(np.array(list(RESERVE_TYPES))[steps[:, KIND] - REFUSED_ALONE], dtype="str"),
            "iteration": steps[:, STEP],
            "cluster": steps[:, SOURCE] + 1,
            "founder": codes_of(steps[:, SOURCE], codes),
            "validity": validity,
            "code": codes_of(steps[:, MUNICIPALITY], codes),
            "next_code": codes_of(following, codes),
        }
    )


def reserve_statistics(reserve: pd.DataFrame) -> pd.Series:
    """Count the reserve list: municipalities, areas they left, records by type and by area."""
    per_area = reserve["cluster"].value_counts()
    counts = {
        "reserve_municipalities": reserve["code"].nunique(),
        "reserve_areas": len(per_area),
        "reserve_areas_with_one_record": (per_area == 1).sum(),
    }
    counts |= {f"reserve_type_{kind}": (reserve["type"] == kind).sum() for kind in RESERVE_TYPES}
    counts |= summaries(
        {"reserve_validity": reserve["validity"], "reserve_records_per_area": per_area[per_area > 1]}
    )
    return pd.Series(counts, dtype="float64")


def codes_of(positions: np.ndarray, codes: pd.Index) -> pd.Series:
    """Codes of positions; missing where a position is negative (the reserve, or none)."""
    known = pd.Series(codes.take(np.maximum(positions, 0)) if len(positions) else codes[:0])
    unsigned = pd.api.types.is_unsigned_integer_dtype(codes)
    whole = "UInt64" if unsigned else "Int64"
    known = known.astype(whole if pd.api.types.is_integer_dtype(codes) else "str")
    return known.mask(pd.Series(positions < 0))
