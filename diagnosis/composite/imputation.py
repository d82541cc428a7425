"""Imputation: missing values replaced by a stated rule, or by several draws that show what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from diagnosis.composite.index import _domains
from diagnosis.composite.normalise import (
    _refuse_empty,
    check_directions,
    check_values,
    normalise_min_max,
)
from diagnosis.composite.panels import Cube
from diagnosis.errors import InputError, examples, unknown_name

STATISTICS = ("mean", "median")
PANEL_METHODS = ("latest", "constant", "linear")

PREDICTORS = 20
"""Indicators that predict another one: beyond 15 to 25 the gain is negligible (van Buuren et al. 1999)."""

RIDGE = 1e-5
"""Share of the diagonal added to the cross products, so that collinear indicators can be solved for."""


def impute_by_indicator(
    values: pd.DataFrame, statistic: str = "mean", unit_groups: pd.Series | Mapping | None = None
) -> pd.DataFrame:
    """Replace missing values by the mean or median of the indicator, of all units or of like ones.

    It leaves the mean and shrinks the spread: a unit gets a neutral value, not a likely one.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    statistic : {'mean', 'median'}, default 'mean'
        What replaces a missing value.
    unit_groups : pandas.Series or mapping, optional
        Group of each unit, for instance its region or size class.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. Still missing where no unit of the group has a value, and for units
        without a group.

    Raises
    ------
    diagnosis.errors.InputError
        `unit_groups` lacks a unit.
    diagnosis.errors.UnknownNameError
        Unknown statistic.
    """
    _check_statistic(statistic)
    table = check_values(values)
    if unit_groups is None:
        return table.fillna(getattr(table, statistic)())
    given = dict(unit_groups)
    absent = [unit for unit in table.index if unit not in given]
    if absent:
        raise InputError("every unit needs an entry in unit_groups", f"none for {examples(absent)}")
    groups = np.array([given[unit] for unit in table.index], dtype=object)
    return table.fillna(table.groupby(groups).transform(statistic))


def impute_by_unit(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    statistic: str = "mean",
    groups: pd.Series | Mapping | None = None,
) -> pd.DataFrame:
    """Replace missing values by the unit's own mean or median on its other indicators.

    Indicators are normalised to 0 (worst) and 1 (best) first, and the value is brought back to the unit of the
    indicator: a unit that does well on the rest of a domain is taken to do as well on the missing part. With
    the mean this equals leaving the indicator out of an arithmetic mean of equal weights.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    statistic : {'mean', 'median'}, default 'mean'
        Over the indicators the unit has.
    groups : pandas.Series or mapping, optional
        Domain of each indicator: only those of the same domain count. All by default.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. Still missing where the unit has nothing in the domain.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no value, does not vary, or has no domain.
    diagnosis.errors.UnknownNameError
        Unknown statistic or direction.
    """
    _check_statistic(statistic)
    table = check_values(values)
    shares = normalise_min_max(table, directions, upper=1.0)
    own = pd.DataFrame(index=table.index, columns=table.columns, dtype=float)
    for indicators in _domains(groups, table.columns).values():
        centre = getattr(shares[indicators], statistic)(axis=1).to_numpy()
        own[indicators] = np.broadcast_to(centre[:, None], (len(own), len(indicators)))
    positive = check_directions(directions, table.columns) == "positive"
    return table.fillna(own.where(positive, 1 - own, axis=1) * (table.max() - table.min()) + table.min())


def _check_statistic(statistic: str) -> None:
    if statistic not in STATISTICS:
        raise unknown_name("statistic", statistic, STATISTICS)


def impute_panel(
    values: pd.DataFrame, method: str = "latest", *, time: str = "year", longest: float | None = None
) -> pd.DataFrame:
    """Replace missing values of a panel from other times of the same unit and indicator.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units by times, columns indicators. Not every unit needs every time.
    method : {'latest', 'constant', 'linear'}, default 'latest'
        ``latest``: the last value before. ``constant``: the same and, before the first value, the first one.
        ``linear``: on the line in time between the values on both sides; beyond the first and last value, that
        value.
    time : str, default 'year'
        Index level of the times, numbers.
    longest : float, optional
        Greatest distance in time from a value that is used; without it there is none.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`. Still missing where there is no value to take.

    Raises
    ------
    diagnosis.errors.InputError
        No such level, times that are not numbers, or a unit twice at one time.
    diagnosis.errors.UnknownNameError
        Unknown method.
    """
    if method not in PANEL_METHODS:
        raise unknown_name("method", method, PANEL_METHODS)
    if longest is not None and not longest > 0:
        raise InputError("longest must be a time above 0, or None", f"{longest!r} was given")
    cube = Cube.from_panel(values, time)
    earlier, later = cube.last_available(), cube.next_available()
    now = cube.times[:, None, None]
    end = len(cube.times) - 1
    has_earlier, has_later = earlier >= 0, later <= end
    earlier, later = np.maximum(earlier, 0), np.minimum(later, end)
    if longest is not None:
        has_earlier &= now - cube.times[earlier] <= longest
        has_later &= cube.times[later] - now <= longest
    before = np.where(has_earlier, np.take_along_axis(cube.numbers, earlier, axis=0), np.nan)
    after = np.where(has_later, np.take_along_axis(cube.numbers, later, axis=0), np.nan)
    filled = before
    if method == "constant":
        # only units without any earlier value look ahead, however old that value is
        filled = np.where(cube.last_available() >= 0, before, after)
    elif method == "linear":
        width = cube.times[later] - cube.times[earlier]
        share = np.divide(now - cube.times[earlier], width, out=np.zeros_like(before), where=width > 0)
        filled = np.where(
            has_earlier & has_later, before + share * (after - before), np.where(has_earlier, before, after)
        )
    complete = np.where(np.isnan(cube.numbers), filled, cube.numbers)
    return pd.DataFrame(complete[cube.rows], index=values.index, columns=values.columns)


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
       R. Journal of Statistical Software 45(3), section 2 and algorithm of predictive mean matching (from
       memory). doi:10.18637/jss.v045.i03
    """
    for name, number in (("m", m), ("sweeps", sweeps), ("donors", donors), ("predictors", predictors)):
        if number < 1:
            raise InputError(f"{name} must be 1 or more", f"{number!r} was given")
    table = check_values(values)
    _refuse_empty(table)
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
            picked = _match(
                design[np.ix_(observed, used)] @ fitted,
                design[np.ix_(rows, used)] @ drawn,
                donors,
                random,
            )
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
    start = np.searchsorted(ordered, predicted) - donors
    window = np.clip(start, 0, max(len(observed) - 2 * donors, 0))[:, None] + np.arange(
        min(2 * donors, len(observed))
    )
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
        raise InputError("imputations can be combined from two on", f"{len(estimates)} given")
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
