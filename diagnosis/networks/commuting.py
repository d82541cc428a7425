"""Measures of the commuting network, of each municipality and of a whole territory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.networks.graph import (
    check_codes,
    check_flows,
    flow_matrix,
    largest_destinations,
    without_internal,
)

if TYPE_CHECKING:
    import networkx
    import scipy.sparse

LARGEST_CENTRES = 4
"""Number of centres the rank-size slope is fitted on."""


def flow_margins(flows: pd.DataFrame, codes: pd.Index | Iterable[str]) -> pd.DataFrame:
    """Resident workers, jobs and their balance of each municipality.

    Parameters
    ----------
    flows : pandas.DataFrame
        ``origin``, ``destination``, ``commuters``. Flows from and to places outside `codes` count, so that the
        margins of a territory are right when the flows of the whole country are given.
    codes : iterable of str
        Municipalities wanted; one without any flow gets zeros.

    Returns
    -------
    pandas.DataFrame
        Index ``code``; in commuters: ``residents_employed`` (who live here: R), ``jobs`` (who work here: W),
        ``internal`` (both), ``out`` = R - internal, ``in`` = W - internal.
    """
    flows, codes = check_flows(flows), check_codes(codes)
    origin, destination = codes.get_indexer(flows["origin"]), codes.get_indexer(flows["destination"])
    commuters = flows["commuters"].to_numpy(float)

    def total(positions: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.bincount(positions[rows], commuters[rows], len(codes))

    residents, jobs = total(origin, origin >= 0), total(destination, destination >= 0)
    internal = total(origin, (origin >= 0) & (origin == destination))
    return pd.DataFrame(
        {
            "residents_employed": residents,
            "jobs": jobs,
            "internal": internal,
            "out": residents - internal,
            "in": jobs - internal,
        },
        index=codes,
    )


def commuting_graph(
    flows: pd.DataFrame, codes: pd.Index | Iterable[str], minimum: float = 1.0
) -> networkx.DiGraph:
    """Directed graph of the commuting between the given municipalities.

    Parameters
    ----------
    flows : pandas.DataFrame
        ``origin``, ``destination``, ``commuters``.
    codes : iterable of str
        Every one becomes a node, connected or not; flows with an end outside are left out of the edges, but
        count in the node attributes.
    minimum : float, default 1
        Smallest flow, in commuters, that becomes an edge.

    Returns
    -------
    networkx.DiGraph
        Edges carry ``commuters``; nodes carry ``residents_employed``, ``jobs`` and ``internal`` (of
        :func:`~diagnosis.networks.flow_margins`), so there are no loops.
    """
    import networkx

    codes = check_codes(codes)
    matrix = flow_matrix(flows, codes).tocoo()
    chosen = (matrix.row != matrix.col) & (matrix.data >= minimum)
    margins = flow_margins(flows, codes)[["residents_employed", "jobs", "internal"]]
    graph = networkx.DiGraph()
    graph.add_nodes_from(margins.to_dict("index").items())
    graph.add_weighted_edges_from(
        zip(codes[matrix.row[chosen]], codes[matrix.col[chosen]], matrix.data[chosen].tolist(), strict=True),
        weight="commuters",
    )
    return graph


def network_measures(flows: pd.DataFrame, codes: pd.Index | Iterable[str]) -> pd.DataFrame:
    """Place of each municipality in the commuting network.

    Parameters
    ----------
    flows : pandas.DataFrame
        ``origin``, ``destination``, ``commuters``; places outside `codes` belong to the network too.
    codes : iterable of str
        Municipalities wanted.

    Returns
    -------
    pandas.DataFrame
        Index ``code``. Internal flows are left out except from the denominator of the share.

        ``out_strength``, ``in_strength``
            Commuters who leave and who arrive.
        ``out_degree``, ``in_degree``
            Number of municipalities they go to and come from.
        ``out_entropy``, ``in_entropy``
            Shannon entropy of the destinations and of the origins over its maximum, ln(n - 1): 0 when all go
            to one place, 1 when they spread evenly over all n - 1 others [1]_. Missing without a commuter.
        ``first_destination``, ``first_destination_share``
            Where most of those who leave go (the smallest code among equals), and their share of all resident
            workers.
        ``reciprocity``
            Part of the commuters, in both directions, that is matched by commuters the opposite way:
            2 sum of min(w_ij, w_ji) / (out + in) [2]_.
        ``dominance``
            Commuters who arrive, over the mean of the network: above 1 a municipality draws more than the
            average [1]_.

    References
    ----------
    .. [1] Limtanakool, N., Dijst, M., Schwanen, T. (2007). A theoretical framework and methodology for
       characterising national urban systems on the basis of flows of people. Urban Studies 44(11), 2123-2145.
    .. [2] Squartini, T., Picciolo, F., Ruzzenenti, F., Garlaschelli, D. (2013). Reciprocity of weighted
       networks. Scientific Reports 3, 2729. doi:10.1038/srep02729
    """
    flows, codes = check_flows(flows), check_codes(codes)
    seen = pd.Index(pd.unique(pd.concat([flows["origin"], flows["destination"]])))
    everyone = codes.append(seen[~seen.isin(codes)].sort_values())
    whole = flow_matrix(flows, everyone)
    matrix = without_internal(whole)
    out_strength, in_strength = matrix.sum(axis=1), matrix.sum(axis=0)
    mutual = matrix.minimum(matrix.T).sum(axis=1)
    first, commuters = largest_destinations(matrix, everyone)
    measures = pd.DataFrame(
        {
            "out_strength": out_strength,
            "in_strength": in_strength,
            "out_degree": np.diff(matrix.indptr),
            "in_degree": np.diff(matrix.tocsc().indptr),
            "out_entropy": _entropy(matrix),
            "in_entropy": _entropy(matrix.T.tocsr()),
            "first_destination": first,
            "first_destination_share": _ratio(commuters, whole.sum(axis=1)),
            "reciprocity": _ratio(2 * mutual, out_strength + in_strength),
            "dominance": _ratio(
                in_strength, np.full(len(everyone), in_strength.sum() / max(len(everyone), 1))
            ),
        },
        index=everyone,
    )
    return measures.loc[codes].rename_axis("code")


def network_summary(flows: pd.DataFrame, codes: pd.Index | Iterable[str]) -> pd.Series:
    """Shape of the commuting network inside a set of municipalities.

    Parameters
    ----------
    flows : pandas.DataFrame
        ``origin``, ``destination``, ``commuters``; only flows with both ends in `codes` count.
    codes : iterable of str
        Municipalities of the network.

    Returns
    -------
    pandas.Series
        Floats, missing where they have no meaning:

        ``municipalities``, ``connections``
            Number of nodes, and of ordered pairs with at least one commuter.
        ``density``
            Connections over possible ones, n (n - 1).
        ``commuters``, ``internal_share``
            All commuters, and the part that works in the municipality of residence.
        ``reciprocity``
            Commuters between municipalities matched by commuters the opposite way, over all of them [1]_.
        ``rank_size_slope``
            Slope of ln(arriving commuters) on ln(rank) over the four largest centres: the closer to 0, the more
            polycentric [2]_.
        ``functional_polycentricity``
            1 - s / s_max, where s is the standard deviation of the arriving commuters and s_max that of two
            nodes with 0 and with the largest value: 0 one centre between two places, 1 all alike [3]_.
        ``special_functional_polycentricity``
            The former times the share of commuters who cross a boundary, as density of the network [3]_.

    References
    ----------
    .. [1] Squartini et al. (2013). doi:10.1038/srep02729
    .. [2] Burger, M., Meijers, E. (2012). Form follows function? Linking morphological and functional
       polycentricity. Urban Studies 49(5), 1127-1149.
    .. [3] Green, N. (2007). Functional polycentricity: a formal definition in terms of social network analysis.
       Urban Studies 44(11), 2077-2103.
    """
    codes = check_codes(codes)
    whole = flow_matrix(flows, codes)
    matrix = without_internal(whole)
    number, total, between = len(codes), whole.sum(), matrix.sum()
    arriving = matrix.sum(axis=0)
    spread = 1 - 2 * arriving.std() / arriving.max() if between else np.nan
    crossing = between / total if total else np.nan
    return pd.Series(
        {
            "municipalities": number,
            "connections": matrix.nnz,
            "density": matrix.nnz / (number * (number - 1)) if number > 1 else np.nan,
            "commuters": total,
            "internal_share": 1 - crossing,
            "reciprocity": matrix.minimum(matrix.T).sum() / between if between else np.nan,
            "rank_size_slope": _rank_size_slope(arriving),
            "functional_polycentricity": spread,
            "special_functional_polycentricity": spread * crossing,
        },
        dtype=float,
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _entropy(matrix: scipy.sparse.csr_array) -> np.ndarray:
    """Entropy of the rows over ln(n - 1)."""
    number = matrix.shape[0]
    totals = matrix.sum(axis=1)
    rows = np.repeat(np.arange(number), np.diff(matrix.indptr))
    share = matrix.data / totals[rows]
    entropy = np.bincount(rows, -share * np.log(share), number)
    possible = np.where(totals > 0, np.log(number - 1) if number > 2 else 0.0, 0.0)
    return _ratio(entropy, possible)


def _rank_size_slope(arriving: np.ndarray) -> float:
    largest = np.sort(arriving[arriving > 0])[::-1][:LARGEST_CENTRES]
    if len(largest) < 2:
        return np.nan
    rank = np.log(np.arange(1, len(largest) + 1))
    rank -= rank.mean()
    return float(rank @ np.log(largest) / (rank @ rank))
