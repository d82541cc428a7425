"""What an area lacks, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diagnosis.areas.governance.interaction import is_connected, judge_sums, sums_of, within_minutes
from diagnosis.errors import examples

if TYPE_CHECKING:
    from diagnosis.areas.governance.problem import AreaProblem


def violations_of(problem: AreaProblem, units: np.ndarray) -> list[str]:
    """Say which limits an area breaks.

    Parameters
    ----------
    problem : AreaProblem
    units : numpy.ndarray of int
        Distinct units.

    Returns
    -------
    list of str
        Empty where the area is feasible.
    """
    p = problem.arrays
    if problem.fixed[units].any():
        alone = examples(problem.codes[problem.members(units[problem.fixed[units]])])
        return [] if len(units) == 1 else [f"a fixed area ({alone}) takes nobody in"]
    members = problem.members(units)
    inside = np.zeros(len(problem.codes), bool)
    inside[members] = True
    chosen = np.zeros(problem.n_units, bool)
    chosen[units] = True
    found = []
    if not is_connected(p, units, chosen):
        found.append("it is in pieces, by the contiguity and the groups given")
    if len(members) < problem.min_members:
        found.append(f"{len(members)} members, at least {problem.min_members} are needed")
    if len(members) > problem.max_members:
        found.append(f"{len(members)} members, at most {problem.max_members} are allowed")
    population, live, work, within = sums_of(p, members, inside)
    if population < problem.min_population:
        found.append(f"{population:.0f} residents, at least {problem.min_population:.0f} are needed")
    if judge_sums(p, live, work, within) < 1.0:
        share = within / max(live, work) if max(live, work) > 0 else 0.0
        found.append(
            f"{live:.0f} employed residents and a self-containment of {share:.3f} are below labour-market validity"
        )
    for unit in units:
        apart = problem.apart_indices[problem.apart_indptr[unit] : problem.apart_indptr[unit + 1]]
        for other in apart[chosen[apart] & (apart > unit)]:
            pair = (problem.codes[problem.members([one])[0]] for one in (unit, other))
            found.append(f"{examples(pair)} must not share an area")
    if not within_minutes(p, members):
        found.append(f"a member is more than {problem.max_minutes:g} minutes from the area's centre")
    return found
