"""Distance from services and type of territory: inner areas (SNAI), road times, degree of urbanisation, altitude."""

from __future__ import annotations

import numpy as np

from diagnosis.indicators.measures import Counts, Measure, Tables, Units, column
from diagnosis.networks.road_times import measured_times

_SNAI, _CLASSES, _PEOPLE = ("inner_areas",), ("classification",), ("population",)
_ROADS = ("travel_times", "municipalities")
NEAR_MINUTES = (30, 45, 60)
TEXTS = {"snai_class": "inner_areas", "degurba": "classification", "altimetric_zone": "classification"}
INNER_CLASSES, RURAL, MOUNTAIN_ZONES = ("D", "E", "F"), ("3",), ("1", "2")

MEASURES = {
    "minutes_to_pole": Measure(_SNAI, "minutes_to_pole", "residents", factor=1, kind="mean"),
    "snai_class": Measure(_SNAI, "snai_class", kind="category"),
    "inner_areas_municipalities_share": Measure(_SNAI, "inner", "one"),
    "inner_areas_residents_share": Measure((*_SNAI, *_PEOPLE), "inner_residents", "residents"),
    "degurba": Measure(_CLASSES, "degurba", kind="category"),
    "rural_residents_share": Measure((*_CLASSES, *_PEOPLE), "rural_residents", "residents"),
    "altimetric_zone": Measure(_CLASSES, "altimetric_zone", kind="category"),
    "mountain_residents_share": Measure((*_CLASSES, *_PEOPLE), "mountain_residents", "residents"),
    "centre_altitude": Measure(_CLASSES, "altitude_m", "residents", factor=1, kind="mean"),
    "minutes_to_capital": Measure(
        _ROADS,
        "minutes_to_capital",
        "residents",
        factor=1,
        kind="mean",
        columns=(("municipalities", "province"), ("municipalities", "capital")),
    ),
    "minutes_in_province": Measure(
        (*_ROADS, *_PEOPLE),
        "minutes_in_province",
        "residents",
        factor=1,
        kind="mean",
        columns=(("municipalities", "province"),),
    ),
    **{
        f"residents_within_{minutes}_minutes": Measure(
            (*_ROADS, *_PEOPLE), f"within_{minutes}", "residents", factor=1, kind="mean"
        )
        for minutes in NEAR_MINUTES
    },
}
ROAD_MEASURES = frozenset(name for name, item in MEASURES.items() if "travel_times" in item.tables)
"""Ids of the indicators made of ISTAT's road times."""


def count(tables: Tables, units: Units, residents: np.ndarray) -> Counts:
    """Read minutes, altitude and classes, and the residents of inner, rural and mountain municipalities.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``inner_areas`` and ``classification``, as in :mod:`diagnosis.tables`.
    units : Units
        Names the municipalities.
    residents : ndarray, one a municipality
        Weights of the means of groups.

    Returns
    -------
    dict of str to ndarray
        By municipality; minutes, metres, residents, and text for the classes.
    """
    codes = units.codes
    counts = {
        "minutes_to_pole": column(tables, "inner_areas", "minutes_to_pole", codes),
        "altitude_m": column(tables, "classification", "altitude_m", codes),
        "residents": residents,
        "one": np.ones(len(codes)),
    }
    for name, table in TEXTS.items():
        frame = tables.get(table)
        counts[name] = (
            np.full(len(codes), None, dtype=object)
            if frame is None
            else frame[name].astype(object).reindex(codes).to_numpy()
        )
    counts["inner"] = _flag(counts["snai_class"], INNER_CLASSES)
    counts["inner_residents"] = counts["inner"] * residents
    counts["rural_residents"] = _flag(counts["degurba"], RURAL) * residents
    counts["mountain_residents"] = _flag(counts["altimetric_zone"], MOUNTAIN_ZONES) * residents
    return counts


def count_road_times(tables: Tables, units: Units, residents: np.ndarray) -> Counts:
    """Count minutes to the capital and within the province, and the residents that can be reached.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``municipalities`` and ``travel_times``. Minutes estimated from straight lines do not enter: they would
        contradict the published minutes to the pole beside them.
    units : Units
        Names the municipalities.
    residents : ndarray, one a municipality
        What is reached, and the weights of means.

    Returns
    -------
    dict of str to ndarray
        By municipality; minutes and residents. A municipality the matrix does not start from has none.
    """
    codes, places, matrix = units.codes, tables["municipalities"], tables.get("travel_times")
    assert places is not None  # the units are made of it
    names = ("minutes_to_capital", "minutes_in_province", *(f"within_{limit}" for limit in NEAR_MINUTES))
    counts = dict.fromkeys(names, np.full(len(codes), np.nan))
    if matrix is None:
        return counts
    times = measured_times(matrix, codes)
    counts |= {f"within_{limit}": times.sum_within(residents, limit) for limit in NEAR_MINUTES}
    if "province" in places:
        province = places["province"].to_numpy()
        counts["minutes_in_province"] = times.mean_minutes(province, residents)
        if "capital" in places:
            counts["minutes_to_capital"] = times.minutes_to_nearest(
                places["capital"].to_numpy() == 1, province
            )
    return counts


def _flag(classes: np.ndarray, wanted: tuple[str, ...]) -> np.ndarray:
    known = np.array([isinstance(value, str) for value in classes], dtype=bool)
    return np.where(known, np.isin(classes.astype(str), wanted), np.nan)
