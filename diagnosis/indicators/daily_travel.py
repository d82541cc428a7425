"""Daily travel to study and work at the census of 2011, the last that asked everybody where, how and how long.

Not a series with the commuting of 2021: those who travel every day then, at least three days a week now; a census
then, registers and a sample in a year of pandemic now; to work and to study then, to work only now. Means and time
were asked of a sample in municipalities of 20,000 residents or more: shares of them are estimates.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.indicators.measures import Counts, Measure, Tables, Units, add_up
from diagnosis.tables.economy import TRAVEL_MODES, TRAVEL_TIMES

_NEEDS = ("daily_travel_2011",)
STUDY = "study"

MEASURES = {
    "public_transport_share_2011": Measure(_NEEDS, "public_transport", "all_modes"),
    "private_motor_share_2011": Measure(_NEEDS, "private_motor", "all_modes"),
    "walking_or_cycling_share_2011": Measure(_NEEDS, "walking_or_cycling", "all_modes"),
    "long_travel_share_2011": Measure(_NEEDS, "over_60_minutes", "all_times"),
    "study_self_containment_2011": Measure(
        _NEEDS,
        "students_internal",
        "unit_students",
        additive=False,
        members="student_members",
        chance="proportion",
    ),
}


def count(tables: Tables, units: Units) -> Counts:
    """Count those who travel every day, by means, by time, and to study where they live.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``daily_travel_2011``, as in :mod:`diagnosis.tables`.
    units : Units
        Travel between members of one unit is internal to it.

    Returns
    -------
    dict of str to ndarray
        By municipality of residence the means and times, missing where nobody travels; by unit ``unit_students``,
        ``students_internal`` and ``student_members``.
    """
    travel = tables.get("daily_travel_2011")
    number = len(units.codes)
    asked = (*TRAVEL_MODES, *TRAVEL_TIMES)
    if travel is None:
        nothing = dict.fromkeys((*asked, "all_modes", "all_times"), np.full(number, np.nan))
        return nothing | dict.fromkeys(
            ("unit_students", "students_internal", "student_members"), np.zeros(len(units.index))
        )
    origin, destination = (_positions(travel[end], units.codes) for end in ("origin", "destination"))
    here = origin >= 0
    counts = {name: add_up(origin[here], travel[name].to_numpy(dtype=float)[here], number) for name in asked}
    for whole, parts in (("all_modes", TRAVEL_MODES), ("all_times", TRAVEL_TIMES)):
        counts[whole] = np.sum([counts[name] for name in parts], axis=0)
    nobody = np.bincount(origin[here], minlength=number) == 0
    for values in counts.values():
        values[nobody] = np.nan
    study = here & (travel["purpose"] == STUDY).to_numpy(dtype=bool)
    students = travel["travellers"].to_numpy(dtype=float)
    unit_of = np.append(units.position, -1)  # last: a place that is no municipality
    home, school = unit_of[origin], unit_of[destination]
    counted = study & (home >= 0)
    internal = counted & (home == school)
    size = len(units.index)
    seen = np.zeros(number, dtype=bool)
    seen[origin[study]] = True
    return counts | {
        "unit_students": add_up(home[counted], students[counted], size),
        "students_internal": add_up(home[internal], students[internal], size),
        "student_members": units.members(seen),
    }


def _positions(ends: pd.Series, codes: pd.Index) -> np.ndarray:
    """Return the position of each end among the codes, -1 where it is none of them."""
    found, names = pd.factorize(ends)
    return codes.get_indexer(names)[found]
