"""Work and commuting, from the origin-destination matrix of home-to-work trips.

Self-containment on both sides is that of the labour market areas of ISTAT: residents who work where they live over
employed residents (supply side) and over jobs (demand side).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.indicators.measures import Counts, Measure, Tables, Units, add_up

_NEEDS = ("flows",)
SIGNIFICANT_SHARE = 0.05
"""Part of a unit's resident workers from which an outside municipality counts as a significant destination."""

# Who lives and works in a place is in both counts of jobs_per_100_workers; workers younger than 20 or older than 64 are
# not among the adults of workers_per_100_adults, a count of the year after: neither is part of a whole, nor apart from
# it. Who comes in lives elsewhere, hence is apart from the resident workers. The largest of many flows, and a
# difference, follow no distribution of a single count.
MEASURES = {
    "resident_workers": Measure(_NEEDS, "workers"),
    "local_jobs": Measure(_NEEDS, "jobs"),
    "workers_per_100_adults": Measure((*_NEEDS, "population"), "workers", "age_20_64", chance="rate"),
    "jobs_per_100_workers": Measure(_NEEDS, "jobs", "workers", chance="rate"),
    "residents_self_containment": Measure(
        _NEEDS, "internal", "unit_workers", additive=False, chance="proportion"
    ),
    "jobs_self_containment": Measure(_NEEDS, "internal", "unit_jobs", additive=False, chance="proportion"),
    "in_commuters_rate": Measure(_NEEDS, "incoming", "unit_workers", additive=False, chance="ratio"),
    "net_commuting_rate": Measure((*_NEEDS, "population"), "balance", "residents"),
    "cross_boundary_share": Measure(_NEEDS, "crossing", "touching", additive=False, chance="proportion"),
    "main_destination_share": Measure(_NEEDS, "main_destination", "unit_workers", additive=False),
    "significant_destinations": Measure(_NEEDS, "destinations", additive=False),
}


def count(tables: Tables, units: Units) -> Counts:
    """Count resident workers, jobs and trips, by municipality and by unit.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``flows`` as in :mod:`diagnosis.tables`; an end that is not a municipality of the country is a place outside
        of every unit.
    units : Units
        Trips between members of one unit are internal to it. Places outside a unit are always counted as single
        municipalities, so that the value of a group does not depend on which other groups are asked for.

    Returns
    -------
    dict of str to ndarray
        By municipality ``workers``, ``jobs`` and ``balance``; by unit the others, in trips of one commuter.
        Missing, or ``flow_members`` 0, where no flow starts or ends.
    """
    number = len(units.codes)
    flows = tables.get("flows")
    if flows is None:
        return _absent(number, len(units.index))
    origin, origin_count = _positions(flows["origin"], units.codes)
    destination, destination_count = _positions(flows["destination"], units.codes)
    commuters = flows["commuters"].to_numpy(dtype=float)
    workers = add_up(origin, commuters, origin_count)[:number]
    jobs = add_up(destination, commuters, destination_count)[:number]
    seen = np.zeros(max(origin_count, destination_count), dtype=bool)
    seen[origin] = seen[destination] = True
    seen = seen[:number]
    outside = np.full(max(origin_count, destination_count) - number, -1)
    unit_of = np.concatenate([units.position, outside])
    here, there = unit_of[origin], unit_of[destination]
    inside = (here == there) & (here >= 0)
    internal = add_up(here[inside], commuters[inside], len(units.index))
    unit_workers, unit_jobs = units.sum(workers, seen), units.sum(jobs, seen)
    leaving = (here >= 0) & ~inside
    main, destinations = _outside_destinations(
        here[leaving], destination[leaving], commuters[leaving], unit_workers
    )
    missing = ~seen
    workers[missing] = jobs[missing] = np.nan
    return {
        "workers": workers,
        "jobs": jobs,
        "balance": jobs - workers,  # internal trips are on both sides and cancel out
        "internal": internal,
        "unit_workers": unit_workers,
        "unit_jobs": unit_jobs,
        "incoming": unit_jobs - internal,
        "crossing": unit_workers + unit_jobs - 2 * internal,
        "touching": unit_workers + unit_jobs - internal,
        "main_destination": main,
        "destinations": destinations,
        "flow_members": units.members(seen),
    }


def _absent(number: int, unit_number: int) -> Counts:
    by_municipality = dict.fromkeys(("workers", "jobs", "balance"), np.full(number, np.nan))
    by_unit = {"flow_members": np.zeros(unit_number)}
    for measure in MEASURES.values():
        if not measure.additive:
            by_unit[measure.numerator] = np.zeros(unit_number)
            if measure.denominator:
                by_unit[measure.denominator] = np.zeros(unit_number)
    return {**by_municipality, **by_unit}


def _positions(ends: pd.Series, codes: pd.Index) -> tuple[np.ndarray, int]:
    """Return the position of each end among the codes, ends elsewhere numbered behind them, and their number."""
    if isinstance(ends.dtype, pd.CategoricalDtype):
        found, names = ends.cat.codes.to_numpy(), ends.cat.categories
    else:
        found, names = pd.factorize(ends)
    known = codes.get_indexer(names)
    elsewhere = known < 0
    known[elsewhere] = len(codes) + np.arange(elsewhere.sum())
    return known[found], len(codes) + int(elsewhere.sum())


def _outside_destinations(
    unit: np.ndarray, destination: np.ndarray, commuters: np.ndarray, unit_workers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest outside flow of each unit and its number of significant destinations."""
    main, number = np.zeros(len(unit_workers)), np.zeros(len(unit_workers))
    if len(unit):
        width = int(destination.max()) + 1
        pairs, pair = np.unique(unit.astype(np.int64) * width + destination, return_inverse=True)
        sizes = add_up(pair, commuters, len(pairs))
        owner = pairs // width
        np.maximum.at(main, owner, sizes)
        significant = (sizes > 0) & (sizes >= SIGNIFICANT_SHARE * unit_workers[owner])
        number = np.bincount(owner[significant], minlength=len(unit_workers)).astype(float)
    return main, number
