"""Sensitivity: which choice makes the result of an index vary, by Sobol indices.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from diagnosis.errors import InputError

_COLUMNS = ["first", "first_lower", "first_upper", "total", "total_lower", "total_upper", "variance"]


def design_sobol(factors: int, size: int, *, seed: int = 0) -> np.ndarray:
    """Choose the points at which to evaluate a model for first-order and total Sobol indices.

    Two scrambled Sobol sequences A and B, then A with one column of B at a time [1]_.

    Parameters
    ----------
    factors : int
        Number d of factors.
    size : int
        Number n of base points, a power of 2 (which keeps the sequence balanced).
    seed : int, default 0
        Of the scrambling.

    Returns
    -------
    numpy.ndarray
        Shape (n (d + 2), d), in [0, 1): the rows of A, of B, then of A with column 1, 2, ... from B.

    References
    ----------
    .. [1] Saltelli, A. et al. (2010). Variance based sensitivity analysis of model output. Computer Physics
       Communications 181, 259-270. doi:10.1016/j.cpc.2009.09.018
    """
    from scipy.stats import qmc

    if factors < 1:
        raise InputError("sensitivity needs at least one factor", f"{factors!r} was given")
    if size < 2 or size & (size - 1):
        raise InputError("the number of base points must be a power of 2", f"{size!r} was given", "Try 512")
    points = qmc.Sobol(2 * factors, scramble=True, seed=seed).random(size)
    points = np.minimum(points, np.nextafter(1.0, 0.0))
    base, other = points[:, :factors], points[:, factors:]
    mixed = np.repeat(base[None], factors, axis=0)
    for factor in range(factors):
        mixed[factor, :, factor] = other[:, factor]
    return np.concatenate([base, other, mixed.reshape(-1, factors)])


def estimate_sobol(
    outputs: np.ndarray, factors: int, *, centred: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate first-order and total indices from the outputs at the points of a design.

    With outputs a, b and c_i at A, B and A with column i from B, and V the variance of a and b together:
    first-order ``mean(b (c_i - a)) / V`` [1]_, total ``mean((a - c_i)**2) / (2 V)`` (Jansen [2]_).

    Parameters
    ----------
    outputs : numpy.ndarray
        Shape (n (d + 2), ...), in the order of :func:`design_sobol`.
    factors : int
        Number d of factors.
    centred : bool, default True
        Take the mean of a and b off the outputs first: the expectation stays, the error shrinks. Without, the
        estimator is that of COINr.

    Returns
    -------
    tuple of numpy.ndarray
        First-order and total indices, shape (d, ...), and the variance V (over n - 1), shape (...). Indices
        are missing where V is 0: nothing varies.

    References
    ----------
    .. [1] Saltelli et al. (2010), as :func:`design_sobol`.
    .. [2] Jansen, M. J. W. (1999). Analysis of variance designs for model output. Computer Physics
       Communications 117, 35-43. doi:10.1016/S0010-4655(98)00154-4
    """
    outputs = np.asarray(outputs, dtype=float)
    size, rest = divmod(len(outputs), factors + 2)
    if rest or size < 2:
        raise InputError(
            f"outputs must hold n (d + 2) values, n at least 2, for d = {factors} factors",
            f"{len(outputs)} were given",
        )
    return _estimate(outputs.reshape(factors + 2, size, *outputs.shape[1:]), centred)


def _estimate(blocks: np.ndarray, centred: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    variance = blocks[:2].reshape(-1, *blocks.shape[2:]).var(axis=0, ddof=1)
    shift = blocks[:2].mean(axis=(0, 1)) if centred else 0.0
    base, other, mixed = blocks[0] - shift, blocks[1] - shift, blocks[2:] - shift
    scale = np.where(variance > 0, variance, np.nan)
    first = (other * (mixed - base)).mean(axis=1) / scale
    total = ((base - mixed) ** 2).mean(axis=1) / (2 * scale)
    return first, total, variance


def sobol_indices(
    model: Callable[[np.ndarray], np.ndarray | pd.DataFrame],
    factors: Sequence[str],
    *,
    size: int = 512,
    level: float = 0.9,
    resamples: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Share out the variance of each output among the factors, with bootstrap intervals.

    The first-order index is the part a factor causes alone, the total index adds its interactions with the
    others. The bootstrap resamples base points, all their outputs together, and recomputes the variance with
    them: the indices of a resample stay consistent with each other.

    Parameters
    ----------
    model : callable
        Takes points of shape (N, d) in [0, 1), gives outputs of shape (N,) or (N, m), or a DataFrame whose
        columns name the outputs. A point whose output is missing has failed.
    factors : sequence of str
        Names of the d factors.
    size : int, default 512
        Base points n, a power of 2; the model is evaluated at n (d + 2) points.
    level : float, default 0.9
        Of the intervals (percentiles).
    resamples : int, default 500
        Bootstrap resamples.
    seed : int, default 0
        Of design and bootstrap.

    Returns
    -------
    pandas.DataFrame
        Index ``output`` and ``factor``; ``first``, ``first_lower``, ``first_upper``, ``total``,
        ``total_lower``, ``total_upper``, ``variance`` of the output, ``points`` (base points used) and
        ``failed`` (base points left out because the model failed at one of their d + 2 points). All indices
        are missing where fewer than two points remain or the output does not vary.

    Raises
    ------
    diagnosis.errors.InputError
        A size that is no power of 2, a level outside 0 to 1, or outputs of another length.

    References
    ----------
    Archer, G. E. B., Saltelli, A., Sobol, I. M. (1997). Sensitivity measures, ANOVA-like techniques and the use
    of bootstrap. Journal of Statistical Computation and Simulation 58, 99-120. doi:10.1080/00949659708811825
    """
    factors = list(factors)
    if not 0 < level < 1:
        raise InputError("level must lie between 0 and 1", f"{level!r} was given")
    if resamples < 1:
        raise InputError("resamples must be at least 1", f"{resamples!r} was given")
    points = design_sobol(len(factors), size, seed=seed)
    outputs = model(points)
    if isinstance(outputs, pd.DataFrame):
        names = list(outputs.columns)
    else:
        names = ["output"] if np.ndim(outputs) == 1 else list(range(np.shape(outputs)[1]))
    table = np.asarray(outputs, dtype=float).reshape(len(outputs), -1)
    if len(table) != len(points):
        raise InputError(
            "the model must give one output a point", f"{len(table)} for {len(points)} points were given"
        )
    generator = np.random.default_rng(seed)
    tables = [
        _table_of_output(column.reshape(len(factors) + 2, size), factors, level, resamples, generator)
        for column in table.T
    ]
    return pd.concat(tables, keys=names, names=["output", "factor"])


def _table_of_output(
    blocks: np.ndarray, factors: list[str], level: float, resamples: int, generator: np.random.Generator
) -> pd.DataFrame:
    kept = blocks[:, np.isfinite(blocks).all(axis=0)]
    count = kept.shape[1]
    table = pd.DataFrame(index=factors, columns=_COLUMNS, dtype=float)
    table["points"], table["failed"] = count, blocks.shape[1] - count
    if count < 2:
        return table
    first, total, variance = _estimate(kept, centred=True)
    tails = [(1 - level) / 2, (1 + level) / 2]
    drawn = np.empty((2, len(factors), resamples))
    for resample in range(resamples):
        drawn[:, :, resample] = _estimate(kept[:, generator.integers(count, size=count)], centred=True)[:2]
    table["variance"] = float(variance)
    if variance > 0:
        # a resample of one repeated point has no variance: it says nothing
        bounds = np.nanquantile(drawn, tails, axis=2)
        for position, (name, value) in enumerate({"first": first, "total": total}.items()):
            table[name] = value
            table[f"{name}_lower"], table[f"{name}_upper"] = bounds[:, position]
    return table
