"""What a partition is worth: self-containment, cohesion, centres, links, structure, shape, pieces, modularity."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.labour_market import TradeOff
from diagnosis.areas.shape import area_shape
from diagnosis.areas.structure import (
    area_positions,
    centre_codes,
    internal_structure,
    labelled,
    main_centres,
)
from diagnosis.errors import InputError, examples
from diagnosis.indicators.population import SMALL_MUNICIPALITY

CENTRAL_JOBS = 100
"""A municipality is central when more commute in than out and it has more jobs than this (ISTAT)."""
MEASURES = (
    "municipalities",
    "employed_residents",
    "jobs",
    "internal_commuters",
    "validity",
    "supply_self_containment",
    "demand_self_containment",
    "commuter_ratio",
    "home_work_ratio",
    "internal_cohesion_links",
    "internal_cohesion_flows",
    "links_in",
    "links_out",
)
SUMMARIES: dict[str, Callable] = {
    "minimum": np.min,
    "first_quartile": lambda values: np.quantile(values, 0.25),
    "median": np.median,
    "mean": np.mean,
    "third_quartile": lambda values: np.quantile(values, 0.75),
    "maximum": np.max,
    "standard_deviation": lambda values: np.std(values, ddof=1) if len(values) > 1 else np.nan,
}


def area_quality(
    labels: pd.Series,
    flows: pd.DataFrame,
    *,
    population: pd.Series | None = None,
    contiguity: pd.DataFrame | None = None,
    municipalities: pd.DataFrame | None = None,
    parameters: Mapping | None = None,
) -> pd.DataFrame:
    """Describe every area of a partition, whatever method made it.

    The statistics are those of ISTAT's package LabourMarketAreas (StatClusterData); the two cohesion indices are
    those of Erba et al. (1990) and Lipizzi (2014), as the package cites them.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`. Margins count all flows, also to and from places in no area.
    population : pandas.Series, optional
        Residents by municipality code.
    contiguity : pandas.DataFrame, optional
        `code`, `neighbour`, `kind`: pairs of neighbours; every kind given joins, select before if ferries should not.
        With `shared_m`, perimeters are taken from it (:func:`diagnosis.areas.shape.area_shape`).
    municipalities : pandas.DataFrame, optional
        Index municipality code, with `name`, and `area_km2` if the area is wanted. A GeoDataFrame adds the shape.
    parameters : mapping, optional
        The four parameters of :class:`diagnosis.areas.FunctionalAreas`, e.g. its ``get_params()``: adds `validity`.

    Returns
    -------
    pandas.DataFrame, one row an area, index `area` in ascending order
        `name` (member with most jobs; smallest code of equals), `municipalities`, `employed_residents`, `jobs`,
        `internal_commuters` (all in persons),
        `supply_self_containment` (internal commuters / employed residents),
        `demand_self_containment` (internal commuters / jobs),
        `validity` (with `parameters`; at least 1 is acceptable),
        `commuter_ratio` ((commuters out + commuters in) / (2 internal commuters)),
        `home_work_ratio` ((commuters out - commuters in) / internal commuters),
        `internal_cohesion_links` (share of ordered pairs of members with a flow),
        `internal_cohesion_flows` (per cent of internal commuters who change municipality),
        `central_municipalities` (more commuters in than out and over 100 jobs),
        `links_in`, `links_out` (areas that send to it, receive from it; itself included),
        `centre`, `primacy`, `effective_centres`, `dominant_centres`, `tiers`, `hierarchy`,
        `functional_polycentricity`, `reciprocity` (see :func:`diagnosis.areas.structure.area_structure`);
        with `population` also `population`, `municipalities_without_population`, `small_municipalities_share`
        (up to 5,000 residents, of those with a population); with `contiguity` also `n_pieces`;
        with `municipalities` also `area_km2`; with their polygons also `polsby_popper`, `convex_hull_ratio`,
        `municipalities_without_polygon`, `largest_distance_km`, `mean_distance_km`,
        `municipalities_without_distance` (see :func:`diagnosis.areas.shape.area_shape`; `area_km2` is then that of
        the polygons if there is no such column). Undefined ratios are missing.

    Raises
    ------
    diagnosis.errors.InputError
        `flows` is not a commuting matrix, `labels` has repeated codes, or no labelled code is in `flows`.
    """
    network = FlowNetwork.from_table(flows)
    labels = labelled(labels)
    codes, area, areas = area_positions(labels, network)
    table = area_statistics(network, area, len(areas), _trade_off(parameters, network.scale))
    table.index = pd.Index(areas, name="area")
    numbers = pd.Series(codes, index=labels.index)
    # Members without any flow are absent from the network: they count, and name an area that has no others.
    table["municipalities"] = np.bincount(codes, minlength=len(areas))
    table["name"] = centre_codes(network, area, labels, codes)
    table["centre"] = table["name"]
    structure = internal_structure(network, area, table["municipalities"].to_numpy())
    table = table.join(structure.set_axis(table.index))
    if municipalities is not None:
        _describe(table, numbers, municipalities)
    if population is not None:
        _count_residents(table, numbers, population)
    if contiguity is not None:
        table["n_pieces"] = _pieces(numbers, contiguity, len(areas))
    if hasattr(municipalities, "to_crs"):  # a GeoDataFrame
        borders = contiguity if contiguity is not None and "shared_m" in contiguity.columns else None
        shape = area_shape(labels, municipalities, borders, centre=table["centre"])
        table = table.join(shape[shape.columns.difference(table.columns, sort=False)])
    return table


def modularity(labels: pd.Series, flows: pd.DataFrame) -> float:
    """Directed, weighted modularity of a partition of the commuting matrix.

    Sum over areas of S/T - L W / T^2 with S internal commuters, L employed residents, W jobs, T all flows
    (Liu, Liu, Qin 2013, as cited by ISTAT's package LabourMarketAreas).

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.

    Returns
    -------
    float

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`area_quality`.
    """
    network = FlowNetwork.from_table(flows)
    _, area, areas = area_positions(labelled(labels), network)
    return network_modularity(area_statistics(network, area, len(areas)), network)


def network_modularity(table: pd.DataFrame, network: FlowNetwork) -> float:
    """Modularity from the statistics of :func:`area_statistics`."""
    total = network.amount.sum() / network.scale
    live, work, within = (table[name] for name in ("employed_residents", "jobs", "internal_commuters"))
    return float((within / total - live * work / total**2).sum())


def area_links(network: FlowNetwork, area: np.ndarray, n_areas: int) -> pd.DataFrame:
    """Flows from area to area.

    Parameters
    ----------
    network : FlowNetwork
    area : numpy.ndarray of int, shape (n,)
        Position of each municipality's area, -1 for none.
    n_areas : int

    Returns
    -------
    pandas.DataFrame
        `origin_area`, `destination_area` (positions), `commuters`, sorted; pairs without a flow have no row.
    """
    origin, destination = area[network.origin], area[network.destination]
    both = (origin >= 0) & (destination >= 0)
    pairs, place = np.unique(origin[both] * max(n_areas, 1) + destination[both], return_inverse=True)
    return pd.DataFrame(
        {
            "origin_area": pairs // max(n_areas, 1),
            "destination_area": pairs % max(n_areas, 1),
            "commuters": np.bincount(place, network.amount[both], len(pairs)) / network.scale,
        }
    )


def area_statistics(
    network: FlowNetwork, area: np.ndarray, n_areas: int, trade_off: TradeOff | None = None
) -> pd.DataFrame:
    """Compute the statistics of :func:`area_quality` that need nothing but flows.

    Parameters
    ----------
    network : FlowNetwork
    area : numpy.ndarray of int, shape (n,)
        Position of each municipality's area, -1 for none.
    n_areas : int
    trade_off : TradeOff, optional
        In the units of the network; adds `validity`.

    Returns
    -------
    pandas.DataFrame
        One row an area, in the order of their positions; no column `municipalities` beyond those with a flow.
    """
    member = area >= 0

    def per_area(values: np.ndarray, where: np.ndarray = member) -> np.ndarray:
        return np.bincount(area[where], values[where], n_areas)

    municipal_live, municipal_work = network.live(), network.work()
    live, work = per_area(municipal_live), per_area(municipal_work)
    home = area[network.origin]
    inside = (home >= 0) & (home == area[network.destination])
    moving = inside & (network.origin != network.destination)
    within = np.bincount(home[inside], network.amount[inside], n_areas)
    flow_rows = np.bincount(home[moving], minlength=n_areas)
    moving_flow = np.bincount(home[moving], network.amount[moving], n_areas)
    n = np.bincount(area[member], minlength=n_areas)
    # More commuters in than out is the same as more jobs than employed residents.
    central = member & (municipal_work > municipal_live) & (municipal_work > CENTRAL_JOBS * network.scale)
    links = area_links(network, area, n_areas)
    centre = main_centres(network, area, n_areas)
    names = pd.Series(network.codes[centre])
    table = pd.DataFrame(
        {
            "name": names.where(centre >= 0),
            "municipalities": n,
            "employed_residents": live / network.scale,
            "jobs": work / network.scale,
            "internal_commuters": within / network.scale,
            "supply_self_containment": _ratio(within, live),
            "demand_self_containment": _ratio(within, work),
        }
    )
    if trade_off is not None:
        table["validity"] = [
            trade_off.validity(*sums) if sums[0] > 0 and sums[1] > 0 else np.nan
            for sums in zip(live.tolist(), work.tolist(), within.tolist(), strict=True)
        ]
    table["commuter_ratio"] = _ratio((live - within) + (work - within), 2 * within)
    table["home_work_ratio"] = _ratio((live - within) - (work - within), within)
    table["internal_cohesion_links"] = _ratio(np.where(flow_rows > 0, flow_rows, np.nan), n * (n - 1))
    table["internal_cohesion_flows"] = _ratio(np.where(flow_rows > 0, 100 * moving_flow, np.nan), within)
    table["central_municipalities"] = np.bincount(area[central], minlength=n_areas)
    table["links_in"] = np.bincount(links["destination_area"], minlength=n_areas)
    table["links_out"] = np.bincount(links["origin_area"], minlength=n_areas)
    return table


def partition_statistics(table: pd.DataFrame, links: pd.DataFrame) -> pd.Series:
    """Summarise the statistics of all areas in one column of numbers.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`area_statistics`, with `validity`.
    links : pandas.DataFrame
        From :func:`area_links`.

    Returns
    -------
    pandas.Series of float
        `areas`, `areas_of_one_municipality`, `areas_below_validity`, `areas_without_central_municipality`, `links`,
        and ``<summary>_<measure>`` for seven summaries (quartiles by linear interpolation, sample standard deviation)
        of each measure and of `link_flow` and `link_flow_between` (self links left out). Missing values are left out.
    """
    between = links["origin_area"] != links["destination_area"]
    measures = {name: table[name] for name in MEASURES}
    measures |= {"link_flow": links["commuters"], "link_flow_between": links.loc[between, "commuters"]}
    values = {
        "areas": len(table),
        "areas_of_one_municipality": (table["municipalities"] == 1).sum(),
        "areas_below_validity": (table["validity"] < 1).sum(),
        "areas_without_central_municipality": (table["central_municipalities"] == 0).sum(),
        "links": len(links),
    }
    return pd.Series(values | summaries(measures), dtype="float64")


def summaries(measures: Mapping[str, pd.Series]) -> dict[str, float]:
    """Seven summaries of each measure, under ``<summary>_<measure>``; missing values are left out."""
    result = {}
    for name, column in measures.items():
        known = column.dropna().to_numpy(dtype=float)
        for summary, compute in SUMMARIES.items():
            result[f"{summary}_{name}"] = float(compute(known)) if len(known) else np.nan
    return result


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator != 0)


def _trade_off(parameters: Mapping | None, scale: float) -> TradeOff | None:
    if parameters is None:
        return None
    needed = ("min_size", "min_self_containment", "target_size", "target_self_containment")
    if absent := [name for name in needed if name not in parameters]:
        raise InputError(f"parameters: {', '.join(needed)} are needed", f"missing: {examples(absent)}")
    return TradeOff(
        parameters["min_size"] * scale,
        parameters["min_self_containment"],
        parameters["target_size"] * scale,
        parameters["target_self_containment"],
    )


def _describe(table: pd.DataFrame, numbers: pd.Series, municipalities: pd.DataFrame) -> None:
    if not isinstance(municipalities, pd.DataFrame) or municipalities.index.has_duplicates:
        raise InputError("municipalities: a table with one row a municipality code is needed")
    if "name" in municipalities.columns:
        names = table["name"].map(municipalities["name"])
        table["name"] = names.where(names.notna(), table["name"])
    if "area_km2" in municipalities.columns:
        known = municipalities["area_km2"].reindex(numbers.index)
        table["area_km2"] = known.groupby(numbers.to_numpy()).sum(min_count=1).to_numpy()


def _count_residents(table: pd.DataFrame, numbers: pd.Series, population: pd.Series) -> None:
    if not isinstance(population, pd.Series) or population.index.has_duplicates:
        raise InputError("population: a Series with one row a municipality code is needed")
    residents = population.reindex(numbers.index).groupby(numbers.to_numpy())
    small = (population[population.notna()] <= SMALL_MUNICIPALITY).reindex(numbers.index)
    table["population"] = residents.sum().to_numpy()
    table["municipalities_without_population"] = (residents.size() - residents.count()).to_numpy()
    table["small_municipalities_share"] = (
        small.astype("float64").groupby(numbers.to_numpy()).mean().to_numpy()
    )


def _pieces(numbers: pd.Series, contiguity: pd.DataFrame, n_areas: int) -> np.ndarray:
    """Count the connected components of each area's members."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = getattr(contiguity, "columns", [type(contiguity).__name__])
    if absent := [name for name in ("code", "neighbour") if name not in found]:
        raise InputError(
            "contiguity: a table with the columns code, neighbour is needed",
            f"missing: {examples(absent)}; found: {examples(map(str, found), 12)}",
        )
    n, area = len(numbers), numbers.to_numpy()
    start, stop = (numbers.index.get_indexer(contiguity[name]) for name in ("code", "neighbour"))
    inside = (start >= 0) & (stop >= 0)
    inside[inside] = area[start[inside]] == area[stop[inside]]
    graph = coo_array((np.ones(inside.sum()), (start[inside], stop[inside])), shape=(n, n))
    _, piece = connected_components(graph, directed=False)
    first = pd.DataFrame({"area": area, "piece": piece}).drop_duplicates()
    return np.bincount(first["area"], minlength=n_areas)
