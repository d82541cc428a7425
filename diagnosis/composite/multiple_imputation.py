"""Multiple imputation: several draws of the missing values, whose spread shows what is not known.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_values, refuse_empty
from diagnosis.errors import InputError

PREDICTORS = 20
"""Indicators that predict another one: beyond 15 to 25 the gain is negligible (van Buuren et al. 1999)."""

RIDGE = 1e-5
"""Share of the diagonal added to the cross products, so that collinear indicators can be solved for."""


def impute_multiple(
    values: pd.DataFrame,
    m: int = 5,
    *,
    seed: int,
    sweeps: int = 10,
    donors: int = 5,
    predictors: int = PREDICTORS,
) -> list[pd.DataFrame]:
    """Draw several complete tables by predictive mean matching in chained equations.

    Each indicator in turn is regressed on the others, with coefficients drawn from their posterior; a missing
    value becomes the observed value of one of the `donors` units of the nearest prediction [1]_ [2]_. So values
    stay possible ones (no negative rates), and the tables differ as much as the data leave open. Score each
    table and pass the scores to :func:`combine_imputations`.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    m : int, default 5
        Tables to draw.
    seed : int
        The same seed gives the same tables; they do not depend on one another.
    sweeps : int, default 10
        Rounds of the chain before a table is taken.
    donors : int, default 5
        Observed values a missing one is drawn from.
    predictors : int, default 20
        Most indicators in a regression, those most correlated; never more than a third of the units observed.

    Returns
    -------
    list of pandas.DataFrame
        `m` tables with index and columns of `values`. A unit without any value stays missing in all of them:
        nothing is known of it.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no value, or a number is below 1.

    Notes
    -----
    Values are taken to be missing at random given the other indicators. A regression costs a few matrix
    products: the cross products of all units are kept and corrected by the missing rows.

    References
    ----------
    .. [1] Little, R. J. A. (1988). Missing-data adjustments in large surveys. Journal of Business and Economic
       Statistics 6(3), 287-296.
    .. [2] van Buuren, S., Groothuis-Oudshoorn, K. (2011). mice: Multivariate imputation by chained equations in
       R. Journal of Statistical Software 45(3), section 2 and algorithm of predictive mean matching.
       doi:10.18637/jss.v045.i03
    """
    for name, number in (("m", m), ("sweeps", sweeps), ("donors", donors), ("predictors", predictors)):
        if number < 1:
            raise InputError(f"{name} must be 1 or more", f"{number!r} was given")
    table = check_values(values)
    refuse_empty(table)
    known = table.notna().any(axis=1).to_numpy()
    numbers = table.to_numpy()[known]
    missing = np.isnan(numbers)
    if not missing.any():
        return [table.copy() for _ in range(m)]
    mean, sd = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    scaled = (numbers - mean) / np.where(sd > 0, sd, 1.0)
    chosen = _choose_predictors(table[known], missing, predictors)
    drawn = []
    for stream in np.random.SeedSequence(seed).spawn(m):
        source = _draw_donors(scaled, missing, chosen, sweeps, donors, np.random.default_rng(stream))
        complete = table.to_numpy(copy=True)
        # the donor's own number, not its standardised one brought back, so that no digit changes
        complete[known] = np.take_along_axis(numbers, source, axis=0)
        drawn.append(pd.DataFrame(complete, index=table.index, columns=table.columns))
    return drawn


def _choose_predictors(table: pd.DataFrame, missing: np.ndarray, most: int) -> dict[int, np.ndarray]:
    """Positions of the indicators that predict each incomplete one, those with fewest missing values first."""
    observed = (~missing).sum(axis=0)
    incomplete = np.flatnonzero(missing.any(axis=0))
    varying = table.max().to_numpy() > table.min().to_numpy()
    correlation = np.zeros((table.shape[1],) * 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation[np.ix_(varying, varying)] = np.abs(table.loc[:, varying].corr(min_periods=3).to_numpy())
    correlation = np.nan_to_num(correlation)
    np.fill_diagonal(correlation, -1.0)
    chosen = {}
    for column in incomplete[np.argsort(-observed[incomplete], kind="stable")]:
        number = max(min(most, (observed[column] - 2) // 3, table.shape[1] - 1), 0)
        best = np.argsort(-correlation[column], kind="stable")[:number]
        chosen[int(column)] = best[correlation[column][best] > 0]
    return chosen


def _draw_donors(
    scaled: np.ndarray,
    missing: np.ndarray,
    chosen: dict[int, np.ndarray],
    sweeps: int,
    donors: int,
    random: np.random.Generator,
) -> np.ndarray:
    """Run one chain; the row each cell takes its number from (its own where it is observed)."""
    n, k = scaled.shape
    source = np.repeat(np.arange(n)[:, None], k, axis=1)
    design = np.column_stack([scaled, np.ones(n)])  # the constant is column k
    for column in chosen:
        rows, observed = np.flatnonzero(missing[:, column]), np.flatnonzero(~missing[:, column])
        source[rows, column] = random.choice(observed, len(rows))
        design[rows, column] = scaled[source[rows, column], column]
    cross = design.T @ design
    for _ in range(sweeps):
        for column, others in chosen.items():
            rows, observed = np.flatnonzero(missing[:, column]), np.flatnonzero(~missing[:, column])
            used = np.append(others, k)
            both = np.append(used, column)
            products = cross[np.ix_(both, both)] - design[np.ix_(rows, both)].T @ design[np.ix_(rows, both)]
            fitted, drawn = _draw_coefficients(products, len(observed), random)
            known, wanted = design[np.ix_(observed, used)] @ fitted, design[np.ix_(rows, used)] @ drawn
            picked = _match(known, wanted, donors, random)
            source[rows, column] = observed[picked]
            design[rows, column] = scaled[observed[picked], column]
            cross[:, column] = cross[column, :] = design.T @ design[:, column]
    return source


def _draw_coefficients(
    products: np.ndarray, n: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares coefficients and a draw from their posterior; the last product is the response."""
    gram, response = products[:-1, :-1], products[:-1, -1]
    gram = gram + np.diag(RIDGE * np.diag(gram) + 1e-12)
    lower = np.linalg.cholesky(gram)
    fitted = np.linalg.solve(gram, response)
    squares = products[-1, -1] - 2 * fitted @ response + fitted @ products[:-1, :-1] @ fitted
    sigma = np.sqrt(max(squares, 0.0) / random.chisquare(max(n - len(response), 1)))
    return fitted, fitted + sigma * np.linalg.solve(lower.T, random.standard_normal(len(response)))


def _match(
    observed: np.ndarray, predicted: np.ndarray, donors: int, random: np.random.Generator
) -> np.ndarray:
    """Position of one of the nearest observed predictions, drawn at random, for each missing one."""
    donors = min(donors, len(observed))
    # a random order first, so that equal predictions do not always name the same units
    shuffled = random.permutation(len(observed))
    order = shuffled[np.argsort(observed[shuffled], kind="stable")]
    ordered = observed[order]
    width = min(2 * donors, len(observed))
    start = np.clip(np.searchsorted(ordered, predicted) - donors, 0, len(observed) - width)
    window = start[:, None] + np.arange(width)
    distance = np.abs(ordered[window] - predicted[:, None])
    nearest = np.argpartition(distance, donors - 1, axis=1)[:, :donors]
    drawn = nearest[np.arange(len(predicted)), random.integers(donors, size=len(predicted))]
    return order[window[np.arange(len(predicted)), drawn]]


def combine_imputations(
    estimates: Sequence[pd.DataFrame | pd.Series], variances: Sequence[pd.DataFrame | pd.Series] | None = None
) -> dict[str, pd.DataFrame | pd.Series]:
    """Combine what was computed on each imputed table: the mean, and how far the tables disagree.

    Parameters
    ----------
    estimates : sequence of pandas.DataFrame or pandas.Series
        One per imputed table, of the same shape and labels: scores, means, coefficients.
    variances : sequence, optional
        Sampling variance of each estimate, in the same shape.

    Returns
    -------
    dict
        ``mean``; ``between``, the variance between tables; ``within``, the mean of `variances` (0 without
        them); ``sd``, the total ``sqrt(within + (1 + 1 / m) between)``; each in the shape of an estimate. An
        entry is missing where any table has none.

    Raises
    ------
    diagnosis.errors.InputError
        Fewer than two estimates, or labels that differ.

    References
    ----------
    Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley, section 3.1.
    """
    if len(estimates) < 2:
        raise InputError("imputations can be combined from two on", f"{len(estimates)} was given")
    if variances is not None and len(variances) != len(estimates):
        raise InputError("every estimate needs its variance", f"{len(variances)} for {len(estimates)}")
    first = estimates[0]
    for other in [*estimates[1:], *(variances or [])]:
        if type(other) is not type(first) or not all(
            mine.equals(theirs) for mine, theirs in zip(first.axes, other.axes, strict=True)
        ):
            raise InputError("estimates and variances must have the same rows and columns", "some differ")
    stack = np.stack([np.asarray(estimate, dtype=float) for estimate in estimates])
    within = np.zeros(stack.shape[1:])
    if variances is not None:
        within = np.stack([np.asarray(variance, dtype=float) for variance in variances]).mean(axis=0)
    between = stack.var(axis=0, ddof=1)
    parts = {
        "mean": stack.mean(axis=0),
        "between": between,
        "within": within,
        "sd": np.sqrt(within + (1 + 1 / len(stack)) * between),
    }
    axes = {"index": first.index} | ({"columns": first.columns} if isinstance(first, pd.DataFrame) else {})
    return {name: type(first)(part, **axes) for name, part in parts.items()}
