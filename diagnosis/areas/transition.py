"""What it costs to move from an existing geography to a proposed one, and in which order to move."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from diagnosis.areas.agreement import differences
from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.areas.quality import area_quality, labelled
from diagnosis.errors import InputError, examples


def transition_cost(
    current: pd.Series,
    proposed: pd.Series,
    flows: pd.DataFrame,
    population: pd.Series | None = None,
    parameters: Mapping | None = None,
) -> pd.Series:
    """Count what moves and what is gained between an existing geography and a proposal.

    A municipality changes area when it is in :func:`diagnosis.areas.agreement.differences`. The existing geography
    (labour systems, provinces, inner areas, unions of municipalities, districts) may cover only part of the country:
    cost and gain are counted over the codes with an area in both, where an area consists of its compared members.

    Parameters
    ----------
    current, proposed : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.
    population : pandas.Series, optional
        Residents by municipality code; areas are then matched by residents.
    parameters : mapping, optional
        The four parameters of :class:`diagnosis.areas.FunctionalAreas`, e.g. its ``get_params()``: counts valid areas.

    Returns
    -------
    pandas.Series of float
        Over the codes compared: `municipalities_compared`, `municipalities_changing`, `municipalities_changing_share`;
        with `population` `residents_compared`, `residents_changing`, `residents_changing_share`;
        `internal_share_before`, `internal_share_after` (employed residents who work in their own area, a share of 1);
        `gain_points` (percentage points), `gain_commuters` (persons), `gain_points_per_municipality` (that changes)
        and, with `population`, `gain_points_per_1000_residents` (that change); missing where nothing changes.
        Over all codes of each geography: `internal_share_before_all`, `internal_share_after_all`, `areas_before`,
        `areas_after` and, with `parameters`, `valid_areas_before`, `valid_areas_after`.
        Over the codes listed in either, with or without area: `municipalities_listed`,
        `municipalities_without_area_before`, `municipalities_without_area_after`.

    Raises
    ------
    diagnosis.errors.InputError
        A code is repeated, none has an area in both, none of these is in `flows`, or `flows` is no commuting matrix.
    """
    network = FlowNetwork.from_table(flows)
    changing = differences(current, proposed, population)
    before, after = labelled(current), labelled(proposed)
    both = before.index.intersection(after.index)
    listed = current.index.union(proposed.index)
    inside_before, employed = _internal_commuters(before[both], network)
    inside_after, _ = _internal_commuters(after[both], network)
    points = 100 * _quotient(inside_after - inside_before, employed)
    values = {
        "municipalities_compared": len(both),
        "municipalities_changing": len(changing),
        "municipalities_changing_share": len(changing) / len(both),
    }
    if population is not None:
        residents, moving = population.reindex(both).astype("float64").sum(), changing["residents"].sum()
        values |= {
            "residents_compared": residents,
            "residents_changing": moving,
            "residents_changing_share": _quotient(moving, residents),
        }
    values |= {
        "internal_share_before": _quotient(inside_before, employed),
        "internal_share_after": _quotient(inside_after, employed),
        "gain_points": points,
        "gain_commuters": inside_after - inside_before,
        "gain_points_per_municipality": _quotient(points, len(changing)),
    }
    if population is not None:
        values["gain_points_per_1000_residents"] = _quotient(points, moving / 1000)
    for name, labels in (("before", before), ("after", after)):
        inside, employed = _internal_commuters(labels, network)
        values[f"internal_share_{name}_all"] = _quotient(inside, employed)
        values[f"areas_{name}"] = labels.nunique()
        values[f"municipalities_without_area_{name}"] = len(listed) - len(labels)
        if parameters is not None:
            validity = area_quality(labels, flows, parameters=parameters)["validity"]
            values[f"valid_areas_{name}"] = (validity >= 1).sum()
    values["municipalities_listed"] = len(listed)
    return pd.Series(values, dtype="float64")


def transition_moves(
    current: pd.Series,
    proposed: pd.Series,
    flows: pd.DataFrame,
    population: pd.Series | None = None,
    names: Mapping | pd.Series | None = None,
) -> pd.DataFrame:
    """List the municipalities that change area, those that gain most for their size first: a practicable order.

    Each move is judged alone, all others staying where they are today. It leads to the existing area that the
    proposed one is matched with; where there is none, the municipality would be the first of a new area.

    Parameters
    ----------
    current, proposed : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.
    population : pandas.Series, optional
        Residents by municipality code; areas are then matched by residents.
    names : mapping or pandas.Series, optional
        Name of each municipality by code.

    Returns
    -------
    pandas.DataFrame, one row a municipality that changes, index `code`
        `name` (with `names`), `from_area` (today), `to_area` (proposed), `joins` (the area of today that `to_area` is
        matched with; missing: a new one), `employed_residents`, `residents` (with `population`),
        `gain` (commuters within areas gained by this move alone, persons; negative: lost),
        `gain_per_1000` (residents; employed residents without `population`). Sorted by `gain_per_1000`, largest first,
        missing last, equal ones by code. Municipalities without an area in one of the two are not listed:
        :func:`transition_cost` counts them.

    Raises
    ------
    diagnosis.errors.InputError
        As :func:`transition_cost`.
    """
    network = FlowNetwork.from_table(flows)
    table = differences(current, proposed, population, names)
    here, areas = _positions(labelled(current), network)
    target = np.full(len(network), -2)  # unlike -1, no municipality's area today
    place = network.codes.get_indexer(table.index)
    known = place >= 0
    target[place[known]] = np.where(
        table["match_of_b"].isna(), -2, pd.Index(areas).get_indexer(table["match_of_b"])
    )[known]
    gain = np.zeros(len(network))
    between = network.origin != network.destination
    origin, destination = network.origin[between], network.destination[between]
    for mover, other in ((origin, destination), (destination, origin)):
        joined, left = here[other] == target[mover], here[other] == here[mover]
        gain += np.bincount(mover, network.amount[between] * (joined * 1.0 - left), len(network))
    by_code = pd.DataFrame({"live": network.live(), "gain": gain}, index=network.codes) / network.scale
    by_code = by_code.reindex(table.index, fill_value=0.0)
    table = table.drop(columns="match_of_a").rename(
        columns={"area_a": "from_area", "area_b": "to_area", "match_of_b": "joins"}
    )
    table.insert(table.columns.get_loc("joins") + 1, "employed_residents", by_code["live"])
    table["gain"] = by_code["gain"]
    size = table["employed_residents" if population is None else "residents"]
    table["gain_per_1000"] = 1000 * table["gain"] / size.where(size > 0)
    # The table is in code order, and the sort keeps it among equals.
    return table.sort_values("gain_per_1000", ascending=False, kind="stable")


def _positions(labels: pd.Series, network: FlowNetwork) -> tuple[np.ndarray, pd.Index]:
    """Area position of each code of the network, -1 for none, and the areas."""
    place = network.codes.get_indexer(labels.index)
    known = place >= 0
    if not known.any():
        raise InputError(
            "transition: the codes of the areas must be those of the flows",
            f"the areas have {examples(labels.index)}, the flows {examples(network.codes)}",
            "Give both the same kind of code and the same year",
        )
    position, areas = pd.factorize(labels)
    area = np.full(len(network), -1)
    area[place[known]] = position[known]
    return area, areas


def _internal_commuters(labels: pd.Series, network: FlowNetwork) -> tuple[float, float]:
    """Employed residents who work in their own area, and all employed residents of the labelled codes, in persons."""
    area, _ = _positions(labels, network)
    home = area[network.origin]
    inside = (home >= 0) & (home == area[network.destination])
    return (
        float(network.amount[inside].sum() / network.scale),
        float(network.amount[home >= 0].sum() / network.scale),
    )


def _quotient(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else float("nan")
