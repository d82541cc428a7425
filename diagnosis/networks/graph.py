"""The commuting table as a matrix."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

if TYPE_CHECKING:
    import scipy.sparse

FLOW_COLUMNS = ("origin", "destination", "commuters")


def check_flows(flows: pd.DataFrame) -> pd.DataFrame:
    """Return the three columns of the flows, or say what breaks their contract."""
    absent = [column for column in FLOW_COLUMNS if column not in flows.columns]
    if absent:
        raise InputError(
            f"flows: the columns {', '.join(FLOW_COLUMNS)} are needed", f"missing: {examples(absent)}"
        )
    if len(flows) and not pd.api.types.is_numeric_dtype(flows["commuters"]):
        raise InputError("flows: commuters must be numbers", f"they are {flows['commuters'].dtype}")
    commuters = flows["commuters"].to_numpy(float)
    wrong = ~(np.isfinite(commuters) & (commuters >= 0))
    if wrong.any():
        raise InputError(
            "flows: commuters must be finite and not negative", f"found {examples(commuters[wrong])}"
        )
    return flows[list(FLOW_COLUMNS)]


def check_codes(codes: pd.Index | Iterable[str]) -> pd.Index:
    """Return the codes as an index named ``code``; they must be unique."""
    index = pd.Index(codes, name="code")
    if not index.is_unique:
        raise InputError(
            "municipality codes must be unique", f"repeated: {examples(index[index.duplicated()])}"
        )
    return index


def flow_matrix(flows: pd.DataFrame, codes: pd.Index | Iterable[str]) -> scipy.sparse.csr_array:
    """Commuters between the given municipalities as a sparse matrix.

    Parameters
    ----------
    flows : pandas.DataFrame
        ``origin``, ``destination``, ``commuters``; rows of the same pair are added up, rows with an end outside
        `codes` are left out.
    codes : iterable of str
        Order of rows (residence) and columns (work).

    Returns
    -------
    scipy.sparse.csr_array
        Shape ``(len(codes), len(codes))``, internal flows on the diagonal, zero flows not stored.
    """
    from scipy.sparse import csr_array

    flows, codes = check_flows(flows), check_codes(codes)
    origin, destination = codes.get_indexer(flows["origin"]), codes.get_indexer(flows["destination"])
    commuters = flows["commuters"].to_numpy(float)
    inside = (origin >= 0) & (destination >= 0) & (commuters > 0)
    matrix = csr_array(
        (commuters[inside], (origin[inside], destination[inside])), shape=(len(codes), len(codes))
    )
    matrix.sum_duplicates()
    return matrix


def without_internal(matrix: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    """Copy of a flow matrix with an empty diagonal."""
    matrix = matrix.tocoo(copy=True)
    matrix.data[matrix.row == matrix.col] = 0
    matrix = matrix.tocsr()
    matrix.eliminate_zeros()
    return matrix


def largest_destinations(matrix: scipy.sparse.csr_array, codes: pd.Index) -> tuple[pd.Series, np.ndarray]:
    """Destination of the largest flow of each row and its commuters; the smallest code among equals.

    Returns
    -------
    pandas.Series
        Index `codes`; code of the destination, missing for a row without flows.
    numpy.ndarray
        Commuters of that flow, 0 for a row without flows.
    """
    flows = matrix.tocoo()
    # ascending order, so that the last entry of a row is its largest, the smallest code among equals
    order = np.lexsort((-np.argsort(np.argsort(codes))[flows.col], flows.data, flows.row))
    rows, columns, sizes = flows.row[order], flows.col[order], flows.data[order]
    last = np.append(rows[1:] != rows[:-1], True) if len(rows) else np.zeros(0, bool)
    first = pd.Series(codes[columns[last]], index=codes[rows[last]], dtype=codes.dtype).reindex(codes)
    commuters = np.zeros(len(codes))
    commuters[rows[last]] = sizes[last]
    return first, commuters
