"""Modelled school catchments: from which municipalities the pupils of a municipality's schools come.

Nobody publishes them: pupils are counted where they attend, children where they live. What is returned is MODELLED from
these two counts and from straight-line distance, never observed; whoever shows it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.networks.contiguity import check_polygons
from diagnosis.networks.graph import check_codes
from diagnosis.networks.models import gravity_flows

if TYPE_CHECKING:
    import geopandas

ROUNDS = 20
"""Rounds of balancing. More do not help: some places, islands first, have more pupils than children within reach."""


@dataclass(frozen=True)
class SchoolTravel:
    """Assumed willingness to travel to the schools of a grade.

    Parameters
    ----------
    scale_km : float
        Of an exponential decay with straight-line distance.
    internal_factor : float
        How many times more a child's own municipality counts than its size and distance say.
    radius_km : float
        Farthest residence of a pupil.
    """

    scale_km: float
    internal_factor: float
    radius_km: float


SCHOOL_TRAVEL = {
    "preschool": SchoolTravel(2.0, 40.0, 30.0),
    "primary": SchoolTravel(2.0, 40.0, 30.0),
    "lower_secondary": SchoolTravel(3.0, 40.0, 30.0),
    "upper_secondary": SchoolTravel(8.0, 16.0, 60.0),
}
"""Assumptions, not estimates: pupils and children by municipality are met about as well by quite different ones. These
take children to stay where they live as far as there are places, which is near the limit that the two counts set."""


@dataclass(frozen=True, eq=False)
class Catchments:
    """The modelled catchments of one grade.

    Attributes
    ----------
    flows : DataFrame
        ``origin`` (residence), ``destination`` (school), ``pupils`` (expected, not rounded), ``estimated`` (1 in every
        row), sorted; internal ones included. Pupils of each destination add up to the observed ones.
    left_out : Series of str
        Municipality to the count it lacks: ``"children"``, ``"pupils"`` or ``"children and pupils"``; it is neither
        residence nor school place of any flow.
    unreached : Series of float
        Pupils of the municipalities within whose reach no child lives: they are in no flow.
    own_share : float
        Share of the pupils who attend in the municipality where they live, 0 to 1.
    own_share_limit : float
        The largest share that pupils and children by municipality allow, whatever the model.
    misplaced_share : float
        Share of the pupils whom the model puts in another residence than children by municipality do.
    """

    flows: pd.DataFrame
    left_out: pd.Series
    unreached: pd.Series
    own_share: float
    own_share_limit: float
    misplaced_share: float


def school_catchments(
    municipalities: geopandas.GeoDataFrame,
    children: pd.Series,
    pupils: pd.Series,
    *,
    grade: str | None = None,
    travel: SchoolTravel | None = None,
    rounds: int = ROUNDS,
) -> Catchments:
    """Model where the pupils of each municipality's schools live.

    A gravity model that keeps the pupils of each school place [1]_: they are spread over the children within reach,
    fewer with distance. The children are then weighted up or down, for a number of rounds, until the pupils each
    municipality sends are about in proportion to its children; both cannot be met exactly, because more pupils may
    attend somewhere than children live within reach. Distance is the straight line between centroids, blind to
    mountains, roads and the sea; the kind of school, its quality and its catchment rules are not known to the model.

    Parameters
    ----------
    municipalities : geopandas.GeoDataFrame
        Index ``code``, polygons in a metric system.
    children : pandas.Series
        Index code; residents of the age of the grade, missing where not known.
    pupils : pandas.Series
        Index code; pupils attending there, missing where not known.
    grade : str, optional
        One of the keys of :data:`SCHOOL_TRAVEL`, whose assumption is taken.
    travel : SchoolTravel, optional
        Another assumption; either this or `grade` is given.
    rounds : int
        Rounds of balancing; 0 keeps the pupils of school places only (singly constrained).

    Returns
    -------
    Catchments

    Raises
    ------
    diagnosis.errors.InputError
        Polygons missing or not metric, a negative count, neither or both of `grade` and `travel`, no municipality
        with both counts, or no pupil within reach of a child.
    diagnosis.errors.UnknownNameError
        The grade is not a known one.

    References
    ----------
    .. [1] Wilson, A. G. (1971). A family of spatial interaction models, and associated developments.
       Environment and Planning 3(1), 1-32. doi:10.1068/a030001
    """
    if (grade is None) == (travel is None):
        raise InputError("school_catchments needs a grade or an assumption of travel, not both")
    if travel is None:
        if grade not in SCHOOL_TRAVEL:
            raise unknown_name("grade", grade, SCHOOL_TRAVEL)
        travel = SCHOOL_TRAVEL[grade]
    if rounds < 0:
        raise InputError("rounds must be 0 or more", f"{rounds!r} was given")
    polygons = check_polygons(municipalities)
    codes = check_codes(polygons.index)
    counts = {
        name: _checked(values, codes, name) for name, values in (("children", children), ("pupils", pupils))
    }
    lacking = pd.DataFrame({name: values.isna() for name, values in counts.items()}, index=codes)
    known = codes[~lacking.any(axis=1)]
    children, pupils = counts["children"][known], counts["pupils"][known]
    if not (children.sum() > 0 and pupils.sum() > 0):
        raise InputError(
            "school_catchments needs municipalities with both children and pupils",
            f"{len(known)} of {len(codes)} have both, with {pupils.sum():g} pupils and {children.sum():g} children",
        )
    centroids = polygons[known].centroid
    options = {
        "coordinates": pd.DataFrame({"x": centroids.x, "y": centroids.y}, index=known),
        "scale_km": travel.scale_km,
        "radius_km": travel.radius_km,
        "internal_factor": travel.internal_factor,
        "areas_km2": polygons[known].area / 1e6,
    }
    weight = children
    flows = gravity_flows(pupils, weight, **options)
    reached = float(flows["commuters"].sum())
    if not reached > 0:
        raise InputError("school_catchments needs a child within reach of a school", "there is none")
    wanted = children * (reached / children.sum())
    for _ in range(rounds):
        sent = _sent(flows, known)
        weight = weight * np.divide(wanted, sent, out=np.zeros(len(known)), where=sent.to_numpy() > 0)
        flows = gravity_flows(pupils, weight, **options)
    own = flows.loc[flows["origin"] == flows["destination"], "commuters"].sum()
    # The model spreads pupils from the school place, so its origin is where they attend.
    table = flows.rename(columns={"origin": "destination", "destination": "origin", "commuters": "pupils"})
    table = table[["origin", "destination", "pupils"]].sort_values(
        ["origin", "destination"], ignore_index=True
    )
    attending = flows.groupby("origin")["commuters"].sum().reindex(known).fillna(0.0)
    unreached = pupils[(pupils > 0) & (attending == 0)]
    return Catchments(
        flows=table.assign(estimated=1),
        left_out=_reasons(lacking),
        unreached=unreached.rename("pupils"),
        own_share=float(own / reached),
        own_share_limit=float(np.minimum(wanted, attending).sum() / reached),
        misplaced_share=float((_sent(flows, known) - wanted).abs().sum() / 2 / reached),
    )


def _checked(values: pd.Series, codes: pd.Index, name: str) -> pd.Series:
    numbers = values.reindex(codes).astype(float)
    wrong = (numbers < 0) | np.isinf(numbers)
    if wrong.any():
        raise InputError(
            f"{name} must be numbers, zero or more, or missing", f"they are not for {examples(codes[wrong])}"
        )
    return numbers


def _sent(flows: pd.DataFrame, codes: pd.Index) -> pd.Series:
    """Pupils that live in each municipality."""
    return flows.groupby("destination")["commuters"].sum().reindex(codes).fillna(0.0)


def _reasons(lacking: pd.DataFrame) -> pd.Series:
    both = lacking.all(axis=1)
    reasons = pd.Series(np.where(lacking["children"], "children", "pupils"), index=lacking.index, dtype="str")
    return reasons.where(~both, "children and pupils")[lacking.any(axis=1)].rename("lacking")
