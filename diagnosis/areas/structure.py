"""How the flows inside an area are organised: around one centre or several, flat or in tiers, both ways or one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.areas.flow_network import FlowNetwork
from diagnosis.errors import InputError, examples


def area_structure(labels: pd.Series, flows: pd.DataFrame) -> pd.DataFrame:
    """Describe hierarchy and polycentricity of the commuting between the members of each area.

    Only commuters who change municipality and stay in their area count. The largest flows carry every measure but
    one: `functional_polycentricity` also counts how many pairs have a flow, which an estimated tail of small flows
    decides.

    Parameters
    ----------
    labels : pandas.Series
        Area of each municipality, index municipality code; missing: in no area.
    flows : pandas.DataFrame
        `origin`, `destination`, `commuters`.

    Returns
    -------
    pandas.DataFrame, one row an area, index `area` in ascending order
        `centre` (code of the member with most jobs, commuters from outside included; smallest code of equals),
        `primacy` (share of the commuters between members who go to the centre),
        `effective_centres` (1 / sum of the squared shares of the members in these commuters by destination: 1 if
        all go to one member, n if n members receive as many),
        `dominant_centres` (members that the largest flow of at least one other leads to and whose own largest flow
        does not lead to a larger one: the nodal centres of Nystuen and Dacey),
        `tiers` (largest number of steps from a member to its centre along largest flows: 1 in a star),
        `hierarchy` (global reaching centrality of the graph of largest flows, turned round: 1 if every other member
        depends on one directly, about 1/2 if they form a chain or two equal stars),
        `functional_polycentricity` (after Green: (1 - standard deviation of the commuters in / its largest possible
        value) times the share of ordered pairs of members with a flow; 0 to 1),
        `reciprocity` (share of these commuters matched by commuters the other way; 0 to 1).
        All but `centre` are missing where no commuter goes from one member to another.

    Raises
    ------
    diagnosis.errors.InputError
        `flows` is not a commuting matrix, `labels` has repeated codes, or no labelled code is in `flows`.

    Notes
    -----
    In the graph of largest flows a member points to the one it sends most commuters to, if that one receives more
    of them than it does itself (of equals, if its code is smaller): so the graph has no circle and every chain ends
    in a centre.

    The largest possible standard deviation of numbers between 0 and their maximum is half the maximum, that of two
    nodes of which one receives nothing. In an area of many members most of which receive little, the first factor
    comes close to 1 all the same; so this index compares areas of similar size only. `effective_centres` and
    `primacy` do not have this weakness.

    References
    ----------
    Nystuen J. D., Dacey M. F. (1961), A graph theory interpretation of nodal regions, Papers of the Regional Science
    Association 7, 29-42, doi:10.1007/BF01969070.
    Mones E., Vicsek L., Vicsek T. (2012), Hierarchy measure for complex networks, PLoS ONE 7(3), e33799,
    doi:10.1371/journal.pone.0033799.
    Green N. (2007), Functional polycentricity: a formal definition in terms of social network analysis, Urban Studies
    44(11), 2077-2103.
    Squartini T., Picciolo F., Ruzzenenti F., Garlaschelli D. (2013), Reciprocity of weighted networks, Scientific
    Reports 3, 2729, doi:10.1038/srep02729.
    """
    network = FlowNetwork.from_table(flows)
    labels = labelled(labels)
    codes, area, areas = area_positions(labels, network)
    table = internal_structure(network, area, np.bincount(codes, minlength=len(areas)))
    table.insert(0, "centre", centre_codes(network, area, labels, codes))
    return table.set_axis(pd.Index(areas, name="area"))


def internal_structure(network: FlowNetwork, area: np.ndarray, members: np.ndarray) -> pd.DataFrame:
    """Compute the measures of :func:`area_structure`, all but the code of the centre, from positions.

    Parameters
    ----------
    network : FlowNetwork
    area : numpy.ndarray of int, shape (n,)
        Position of each municipality's area, -1 for none.
    members : numpy.ndarray of int, shape (k,)
        Number of municipalities of each area, those without any flow included.

    Returns
    -------
    pandas.DataFrame
        One row an area, in the order of their positions.
    """
    n_areas = len(members)
    inside = (area[network.origin] >= 0) & (area[network.origin] == area[network.destination])
    inside &= network.origin != network.destination
    origin, destination = network.origin[inside], network.destination[inside]
    commuters = network.amount[inside] / network.scale
    home = area[origin]

    def per_area(values: np.ndarray, of: np.ndarray = home) -> np.ndarray:
        return np.bincount(of, values, n_areas)

    received = np.bincount(destination, commuters, len(network))
    total = per_area(commuters)
    member = area >= 0
    mine, theirs = area[member], received[member]
    squares = per_area(theirs**2, mine)
    greatest = np.zeros(n_areas)
    np.maximum.at(greatest, mine, theirs)
    centre = main_centres(network, area, n_areas)
    main = np.where(centre >= 0, received[centre], 0.0)
    flow_rows = np.bincount(home, minlength=n_areas)
    tree = _largest_flows(origin, destination, commuters, received)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / members
        # Rounding may leave a difference of equal squares just below 0.
        deviation = np.sqrt(np.maximum(squares / members - mean**2, 0.0))
        table = pd.DataFrame(
            {
                "primacy": main / total,
                "effective_centres": total**2 / squares,
                **_describe_trees(tree, area, members),
                "functional_polycentricity": (1 - deviation / (greatest / 2))
                * (flow_rows / (members * (members - 1))),
                "reciprocity": per_area(_returned(origin, destination, commuters, len(network))) / total,
            }
        )
    table[total == 0] = np.nan
    return table


def labelled(labels: pd.Series) -> pd.Series:
    """Return the labels that are not missing, or say what is wrong with them."""
    if not isinstance(labels, pd.Series):
        raise InputError(
            "labels: a Series indexed by municipality code is needed", f"{type(labels).__name__} was given"
        )
    if labels.index.has_duplicates:
        repeated = labels.index[labels.index.duplicated()]
        raise InputError(
            "labels: every municipality has one area",
            f"{len(repeated)} codes are repeated, for instance {examples(repeated)}",
            "Keep one row a code",
        )
    return labels[labels.notna()]


def area_positions(labels: pd.Series, network: FlowNetwork) -> tuple[np.ndarray, np.ndarray, list]:
    """Area position of each labelled code, of each code of the network, and the areas in ascending order."""
    place = network.codes.get_indexer(labels.index)
    if not (place >= 0).any():
        raise InputError(
            "labels: their codes must be those of the flows",
            f"labels have {examples(labels.index)}, flows {examples(network.codes)}",
            "Give both the same kind of code: text, 6 digits",
        )
    codes, areas = pd.factorize(labels, sort=True)
    area = np.full(len(network), -1)
    area[place[place >= 0]] = codes[place >= 0]
    return codes, area, list(areas)


def main_centres(network: FlowNetwork, area: np.ndarray, n_areas: int) -> np.ndarray:
    """Position of the member with most jobs of each area (the first of equals), -1 for an area without any flow."""
    order = np.lexsort((np.arange(len(area)), -network.work()))
    order = order[area[order] >= 0]
    found, first = np.unique(area[order], return_index=True)
    centre = np.full(n_areas, -1)
    centre[found] = order[first]
    return centre


def centre_codes(network: FlowNetwork, area: np.ndarray, labels: pd.Series, codes: np.ndarray) -> np.ndarray:
    """Code of the member with most jobs of each area; where no member has a flow, the smallest code."""
    centre = main_centres(network, area, codes.max() + 1)
    smallest = pd.Series(labels.index, index=codes).groupby(level=0).min()
    return np.where(centre >= 0, network.codes.to_numpy()[centre], smallest.to_numpy())


def _returned(origin: np.ndarray, destination: np.ndarray, commuters: np.ndarray, n: int) -> np.ndarray:
    """Part of each flow that the opposite flow matches; flows are sorted by origin and destination."""
    pair, opposite = origin * n + destination, destination * n + origin
    place = np.minimum(np.searchsorted(pair, opposite), max(len(pair) - 1, 0))
    return np.where(pair[place] == opposite, np.minimum(commuters, commuters[place]), 0.0)


def _largest_flows(
    origin: np.ndarray, destination: np.ndarray, commuters: np.ndarray, received: np.ndarray
) -> np.ndarray:
    """Destination of each municipality's largest flow inside its area if that one receives more, otherwise -1."""
    order = np.lexsort((destination, -received[destination], -commuters, origin))
    sender, first = np.unique(origin[order], return_index=True)
    target = destination[order][first]
    larger = received[target] > received[sender]
    larger |= (received[target] == received[sender]) & (target < sender)
    tree = np.full(len(received), -1)
    tree[sender[larger]] = target[larger]
    return tree


def _describe_trees(tree: np.ndarray, area: np.ndarray, members: np.ndarray) -> dict[str, np.ndarray]:
    """Centres, tiers and reaching centrality of each area's part of the graph of largest flows.

    In a forest, who is reached from a node are the members below it; so the reaching centrality needs no search for
    paths, and costs nothing beside the one of networkx, to which the tests hold it.
    """
    n_areas, nodes = len(members), np.flatnonzero(area >= 0)
    root = (tree < 0) & (np.bincount(tree[tree >= 0], minlength=len(tree)) > 0)
    below = np.zeros(len(tree))
    depth = np.zeros(len(tree), dtype=int)
    climber, upper = np.flatnonzero(tree >= 0), tree[tree >= 0]
    while len(climber):  # one round a tier: everybody goes one step up and is counted there
        np.add.at(below, upper, 1)
        depth[climber] += 1
        higher = tree[upper] >= 0
        climber, upper = climber[higher], tree[upper[higher]]
    tiers, most = np.zeros(n_areas, dtype=int), np.zeros(n_areas)
    np.maximum.at(tiers, area[nodes], depth[nodes])
    np.maximum.at(most, area[nodes], below[nodes])
    reached = np.bincount(area[nodes], below[nodes], n_areas)
    return {
        "dominant_centres": np.bincount(area[nodes], root[nodes], n_areas),
        "tiers": tiers.astype(float),
        "hierarchy": (members * most - reached) / (members - 1) ** 2,
    }
