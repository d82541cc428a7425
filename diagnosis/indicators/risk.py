"""Exposure to landslides and floods, from the national mosaics of ISPRA (IdroGEO).

Landslides: high and very high hazard (P3 and P4). Floods: medium probability (P2, return period of 100-200 years).
"""

from __future__ import annotations

from diagnosis.indicators.measures import Counts, Measure, Tables, Units, column

HAZARDS = ("landslide", "flood")
EXPOSED = ("residents", "buildings", "local_units", "heritage")

MEASURES = {
    **{
        f"{hazard}_area_share": Measure(("hazards", "municipalities"), f"{hazard}_area_km2", "area_km2")
        for hazard in HAZARDS
    },
    **{
        f"{hazard}_{exposed}_share": Measure(
            ("hazards",),
            f"{hazard}_{exposed}",
            f"hazard_{exposed}",
            columns=(("hazards", exposed), ("hazards", f"{hazard}_{exposed}")),
        )
        for exposed in EXPOSED
        for hazard in HAZARDS
    },
}


def count(tables: Tables, units: Units) -> Counts:
    """Read what is exposed to each hazard, by municipality, in km2, residents or units.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``hazards`` and ``municipalities``, as in :mod:`diagnosis.tables`.
    units : Units
        Names the municipalities.

    Returns
    -------
    dict of str to ndarray
        Totals as ``hazard_<what>``, the exposed part as ``<hazard>_<what>``.
    """
    counts = {"area_km2": column(tables, "municipalities", "area_km2", units.codes)}
    for exposed in EXPOSED:
        counts[f"hazard_{exposed}"] = column(tables, "hazards", exposed, units.codes)
    for hazard in HAZARDS:
        for name in (f"{hazard}_area_km2", *(f"{hazard}_{exposed}" for exposed in EXPOSED)):
            counts[name] = column(tables, "hazards", name, units.codes)
    return counts
