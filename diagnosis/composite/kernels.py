"""Kernels of the replications: normalise and aggregate arrays, for one set of choices after the other.

The functions on tables elsewhere in this package check and explain; these are run thousands of times, give the same
numbers and stop with :class:`Failure` where an index is not defined.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from diagnosis.composite.choices import Normalisation

AGGREGATIONS = ("arithmetic", "geometric", "harmonic", "ampi", "ampi_plus")


class Failure(Exception):  # noqa: N818
    """The index is not defined under these choices; `columns` are the indicators that prevent it."""

    def __init__(self, reason: str, columns: Sequence[int] | np.ndarray = ()) -> None:
        super().__init__(reason)
        self.columns = np.asarray(columns, dtype=int)


class Prepared:
    """Normalised values with what several aggregations of them share.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (units, indicators); missing values are NaN.
    flat : numpy.ndarray of bool, optional
        Indicators that do not vary and so cannot be normalised: they may only enter with weight 0.
    """

    def __init__(self, values: np.ndarray, flat: np.ndarray | None = None) -> None:
        self.flat = flat
        missing = np.isnan(values)
        if missing.any():
            self.available = (~missing).astype(float)
            self.numbers = np.where(missing, 0.0, values)
            self.least = np.where(missing, np.inf, values).min(axis=0, initial=np.inf)
        else:
            self.available = None
            self.numbers = values
            self.least = values.min(axis=0, initial=np.inf)

    @classmethod
    def normalise(
        cls,
        values: np.ndarray,
        signs: np.ndarray,
        how: Normalisation,
        goalposts: np.ndarray | None,
        setting: int | None = None,
        base: np.ndarray | None = None,
    ) -> Prepared:
        """Put raw values, shape (rows, indicators), on the scale of a normalisation, higher being better.

        The first `setting` rows set the scale, all of them by default; the others are placed on it. Where values
        carry an error, `base` holds them without, and sets the scale: error would make the units look more
        different than they are and so draw everything towards the middle. Ranks are of the values themselves.
        """
        low, high = how.limits
        if goalposts is not None:
            minimum, maximum = goalposts
            width = maximum - minimum
            # a goalpost without width lets every unit score the reference, as Goalposts documents
            share = np.divide(
                values - minimum, width, out=np.where(np.isnan(values), np.nan, 0.5), where=width > 0
            )
            return cls(np.where(signs > 0, low + (high - low) * share, high - (high - low) * share))
        units = (values if base is None else base)[:setting]
        missing = np.isnan(units)
        any_missing = missing.any()
        lower = np.where(missing, np.inf, units).min(axis=0) if any_missing else units.min(axis=0)
        upper = np.where(missing, -np.inf, units).max(axis=0) if any_missing else units.max(axis=0)
        # rounding noise is no variation, and an empty indicator has none
        flat = ~(upper - lower > 1e-12 * np.maximum(np.abs(lower), np.abs(upper)))
        width = np.where(flat, 1.0, upper - lower)
        if how.method == "min_max":
            start = np.where(signs > 0, lower, upper)
            return cls((values - start) * (signs * (high - low) / width) + low, flat)
        count = len(units) - missing.sum(axis=0)
        if how.method == "z_scores":
            filled = np.where(missing, 0.0, units) if any_missing else units
            mean = filled.sum(axis=0) / np.maximum(count, 1)
            squares = np.where(missing, 0.0, units - mean) if any_missing else units - mean
            spread = np.einsum("ij,ij->j", squares, squares) / np.maximum(count - how.ddof, 1)
            return cls((values - mean) * (signs * high / np.sqrt(np.where(flat, 1.0, spread))) + low, flat)
        passed = _places(values * signs, len(units)) / np.maximum(count - 1, 1)
        return cls(low + (high - low) * np.clip(passed, 0.0, 1.0), flat)

    @cached_property
    def logarithms(self) -> np.ndarray:
        """Logarithms of the numbers; 0 where missing or not positive."""
        return np.log(self.numbers, out=np.zeros_like(self.numbers), where=self.numbers > 0)

    @cached_property
    def reciprocals(self) -> np.ndarray:
        """Reciprocals of the numbers; 0 where missing or not positive."""
        return np.divide(1.0, self.numbers, out=np.zeros_like(self.numbers), where=self.numbers > 0)

    @cached_property
    def squares(self) -> np.ndarray:
        """Squares of the numbers."""
        return self.numbers**2


def _places(values: np.ndarray, setting: int) -> np.ndarray:
    """Count the units each row passes on each indicator, ties half, among the first `setting` rows.

    A row that is not a unit itself passes as many as if it were one, so that two equal rows have equal places.
    """
    from scipy.stats import rankdata

    units = values[:setting]
    places = np.full(values.shape, np.nan)
    places[:setting] = rankdata(np.where(np.isnan(units), np.inf, units), axis=0) - 1
    for column in range(values.shape[1] if setting < len(values) else 0):
        ordered = np.sort(units[:, column])
        ordered = ordered[: np.searchsorted(ordered, np.inf)]
        others = values[setting:, column]
        below, upto = (np.searchsorted(ordered, others, side) for side in ("left", "right"))
        # a tie with k units: among them it would have the middle one of k places, as they have
        places[setting:, column] = np.where(upto > below, (below + upto - 1) / 2, below)
    places[np.isnan(values)] = np.nan
    return places


def level_matrix(weights: np.ndarray, parents: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Spread weights over the parents of one level.

    Returns
    -------
    tuple of numpy.ndarray
        Shape (children, parents), the columns summing to 1, or to 0 where all children have weight 0; and
        which parents have a child with weight.
    """
    matrix = np.zeros((len(weights), count))
    matrix[np.arange(len(weights)), parents] = weights
    total = matrix.sum(axis=0)
    alive = total > 0
    if not alive.any():
        raise Failure("no indicator is left")
    return matrix / np.where(alive, total, 1.0), alive


def aggregate(
    prepared: Prepared, matrix: np.ndarray, rule: str, minimum_share: float, *, top: bool
) -> np.ndarray:
    """Aggregate indicators to domains, or domains to the index.

    Parameters
    ----------
    prepared : Prepared
        Of shape (units, children).
    matrix : numpy.ndarray
        From :func:`level_matrix`.
    rule : str
        One of ``AGGREGATIONS``.
    minimum_share : float
        Share of the weight a unit needs.
    top : bool
        Whether the children are the indicators, which a failure can name.

    Returns
    -------
    numpy.ndarray
        Shape (units, parents); missing where less than `minimum_share` of the weight is available.
    """
    used = matrix.any(axis=1)
    if prepared.flat is not None and (prepared.flat & used).any():
        raise Failure("an indicator does not vary", np.flatnonzero(prepared.flat & used))
    if rule in ("geometric", "harmonic"):
        wrong = used & (prepared.least <= 0)
        if wrong.any():
            reason = f"the {rule} mean needs values above 0"
            raise Failure(reason, np.flatnonzero(wrong) if top else ())
    if prepared.available is None:
        share = None
        scale = 1.0
    else:
        share = prepared.available @ matrix
        enough = (share > 0) & (share >= minimum_share - 1e-12)
        scale = np.divide(1.0, share, out=np.full_like(share, np.nan), where=enough)
    dead = ~matrix.any(axis=0)
    if rule == "arithmetic":
        result = (prepared.numbers @ matrix) * scale
    elif rule == "geometric":
        result = np.exp((prepared.logarithms @ matrix) * scale)
    elif rule == "harmonic":
        mean = (prepared.reciprocals @ matrix) * scale
        result = np.divide(1.0, mean, out=np.full_like(mean, np.nan), where=mean > 0)
    else:
        mean = (prepared.numbers @ matrix) * scale
        if (mean[:, ~dead] <= 0).any():
            raise Failure("the penalty needs means above 0")
        variance = np.maximum((prepared.squares @ matrix) * scale - mean**2, 0.0)
        penalty = np.divide(variance, mean, out=np.full_like(mean, np.nan), where=mean > 0)
        result = mean + penalty if rule == "ampi_plus" else mean - penalty
    if dead.any():
        result[:, dead] = np.nan
    return result
