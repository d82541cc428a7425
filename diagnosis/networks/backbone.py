"""What stands out in a commuting network: significant flows and the hierarchy of poles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from diagnosis.errors import InputError
from diagnosis.networks.graph import (
    check_codes,
    check_flows,
    flow_matrix,
    largest_destinations,
    without_internal,
)


def significant_flows(flows: pd.DataFrame, significance: float = 0.05) -> pd.DataFrame:
    """Keep the flows that are too large to be chance, seen from their origin or from their destination.

    The disparity filter: under the null hypothesis the commuters of a node with k connections are spread over
    them at random, and a share p is exceeded with probability ``(1 - p)**(k - 1)`` [1]_.

    Parameters
    ----------
    flows : pandas.DataFrame
        ``origin``, ``destination``, ``commuters``, one row a pair; further columns are kept.
    significance : float, default 0.05
        Largest probability accepted.

    Returns
    -------
    pandas.DataFrame
        The rows kept, in their order, with ``probability``, the smaller of the two. Internal flows are left
        out; the only connection of a node is not significant from its side.

    References
    ----------
    .. [1] Serrano, M. A., Boguna, M., Vespignani, A. (2009). Extracting the multiscale backbone of complex
       weighted networks. PNAS 106(16), 6483-6488. doi:10.1073/pnas.0808904106
    """
    if not 0 < significance < 1:
        raise InputError("significance must lie between 0 and 1", f"{significance!r} was given")
    checked = check_flows(flows)
    repeated = checked.duplicated(["origin", "destination"])
    if repeated.any():
        raise InputError(
            "flows: every pair must have one row", f"{int(repeated.sum())} are repeated", "Add them up first"
        )
    between = ((checked["origin"] != checked["destination"]) & (checked["commuters"] > 0)).to_numpy()
    checked = checked[between]
    probability = np.ones(len(checked))
    for end in ("origin", "destination"):
        groups = checked.groupby(end, sort=False)["commuters"]
        share = (checked["commuters"] / groups.transform("sum")).to_numpy()
        degree = groups.transform("size").to_numpy()
        probability = np.minimum(probability, (1 - share) ** (degree - 1))
    chosen = probability <= significance
    return flows[between][chosen].assign(probability=probability[chosen])


def nodal_flows(flows: pd.DataFrame, codes: pd.Index | Iterable[str]) -> pd.DataFrame:
    """Find the poles of a network by the largest flow of each municipality.

    A municipality depends on the one that receives its largest outflow if that one is larger, that is if more
    people work there; otherwise it is a pole [1]_. Dependence is transitive, so each municipality hangs from
    exactly one pole.

    Parameters
    ----------
    flows : pandas.DataFrame
        ``origin``, ``destination``, ``commuters``; only flows with both ends in `codes` count.
    codes : iterable of str
        Municipalities of the network.

    Returns
    -------
    pandas.DataFrame
        Index ``code``; ``destination`` (of the largest outflow, missing if nobody leaves), ``commuters`` (of that
        flow), ``is_pole``, ``pole`` (the code it hangs from, its own for a pole). Between equals the smaller
        code counts as the larger place.

    References
    ----------
    .. [1] Nystuen, J. D., Dacey, M. F. (1961). A graph theory interpretation of nodal regions. Papers of the
       Regional Science Association 7, 29-42.
    """
    codes = check_codes(codes)
    matrix = flow_matrix(flows, codes)
    destination, commuters = largest_destinations(without_internal(matrix), codes)
    rank = np.zeros(len(codes), dtype=np.int64)
    rank[np.lexsort((codes.to_numpy(), -matrix.sum(axis=0)))] = np.arange(len(codes))
    own = np.arange(len(codes))
    target = codes.get_indexer(destination)
    target = np.where(target < 0, own, target)
    pole = np.where(rank[target] < rank, target, own)
    is_pole = pole == own
    while (pole[pole] != pole).any():
        pole = pole[pole]
    return pd.DataFrame(
        {"destination": destination, "commuters": commuters, "is_pole": is_pole, "pole": codes[pole]},
        index=codes,
    )
