"""Weights of indicators read from the data: by principal components, contrast, or balance of influence.

References are cited from memory; the DOI of Becker et al. (2017) is as the documentation of COINr gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from diagnosis.composite.audit import principal_axes
from diagnosis.composite.checks import check_values, check_variation, complete_rows, group_indicators
from diagnosis.composite.framework import Framework
from diagnosis.composite.shares import check_weights
from diagnosis.errors import InputError, examples, unknown_name

OBJECTIVES = ("balance", "infomax", "mean_correlation")
VARIMAX_TOLERANCE = 1e-5
STARTS = 8


def _by_group(
    function: Callable[[pd.DataFrame], pd.Series], table: pd.DataFrame, groups: pd.Series | Mapping | None
) -> pd.Series:
    parts = [function(table[names]) for names in group_indicators(groups, table.columns).values()]
    return pd.concat(parts)[table.columns].rename("weight").rename_axis("indicator")


def _complete_table(values: pd.DataFrame) -> pd.DataFrame:
    table = complete_rows(check_values(values), 2)
    check_variation(table)
    return table


def equal_weights(values: pd.DataFrame, groups: pd.Series | Mapping | None = None) -> pd.Series:
    """Give every indicator the same weight, ``1 / n`` of the n indicators of its domain.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    groups : pandas.Series or mapping, optional
        Domain of each indicator; one of all by default.

    Returns
    -------
    pandas.Series
        Index indicator; ``weight``, with sum 1 within each domain.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 6. doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    return _by_group(lambda part: pd.Series(1 / part.shape[1], index=part.columns), table, groups)


def pca_weights(values: pd.DataFrame, groups: pd.Series | Mapping | None = None) -> pd.Series:
    """Weight the indicators by their squared loadings on the first principal component of their domain.

    The squares sum to 1 and are never negative, unlike the loadings that COINr returns as weights. An indicator
    whose loading is negative moves against the others: look at them before using the weights
    (:func:`~diagnosis.composite.audit.principal_axes`).

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators of one direction.
    groups : pandas.Series or mapping, optional
        Domain of each indicator; one of all by default.

    Returns
    -------
    pandas.Series
        Index indicator; ``weight``, with sum 1 within each domain.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no domain or does not vary, or fewer than two units have all indicators of one.

    References
    ----------
    Nicoletti, G., Scarpetta, S., Boylaud, O. (2000). Summary indicators of product market regulation with an
    extension to employment protection legislation. OECD Economics Department Working Papers 226.
    doi:10.1787/215182844604; OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 6.
    doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    return _by_group(lambda part: principal_axes(part)[1][1] ** 2, table, groups)


def _varimax(loadings: np.ndarray, tolerance: float) -> np.ndarray:
    """Rotate rows of length 1 (Kaiser) so that each indicator loads on few components."""
    length = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    length[length == 0] = 1.0
    unit = loadings / length
    rotation, reached = np.eye(unit.shape[1]), 0.0
    for _ in range(1000):
        turned = unit @ rotation
        left, singular, right = np.linalg.svd(unit.T @ (turned**3 - turned * (turned**2).mean(axis=0)))
        rotation = left @ right
        before, reached = reached, singular.sum()
        if reached < before * (1 + tolerance):
            break
    return unit @ rotation * length


def factor_index(
    values: pd.DataFrame, n_factors: int = 1, *, tolerance: float = VARIMAX_TOLERANCE
) -> tuple[pd.Series, pd.Series]:
    """Score units on rotated principal components, each counted by the variance it explains.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators of one direction.
    n_factors : int, default 1
        Components kept; two or more are rotated (varimax with Kaiser's scaling) and their scores, of variance 1,
        summed with the shares as weights. With 1 the score itself is returned.
    tolerance : float, default 1e-5
        Relative gain at which the rotation stops; the default is the usual one of statistical packages. A
        smaller one moves scores in the third decimal.

    Returns
    -------
    score : pandas.Series
        On the index of `values`; missing for a unit with a missing value.
    shares : pandas.Series
        Share of the total variance of each component, largest first.

    Raises
    ------
    diagnosis.errors.InputError
        `n_factors` out of range, an indicator that does not vary, or fewer than two complete units.

    References
    ----------
    Kaiser, H. F. (1958). The varimax criterion for analytic rotation in factor analysis. Psychometrika 23,
    187-200. doi:10.1007/BF02289233; OECD, JRC (2008). Handbook on Constructing Composite Indicators,
    section 6. doi:10.1787/9789264043466-en
    """
    table = _complete_table(values)
    variances, vectors = principal_axes(table)
    if not 1 <= n_factors <= np.sum(variances > 1e-10):
        raise InputError(
            f"n_factors must lie between 1 and {np.sum(variances > 1e-10)}, the components with a variance",
            f"{n_factors!r} was given",
        )
    roots = np.sqrt(variances.to_numpy()[:n_factors])
    base = vectors.to_numpy()[:, :n_factors]
    loadings = base * roots if n_factors == 1 else _varimax(base * roots, tolerance)
    loadings *= np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    # regression weights of components: inverse of the correlations times loadings, in the space kept
    coefficients = base / roots**2 @ (base.T @ loadings)
    standard = (check_values(values) - table.mean()) / table.std(ddof=1)
    scores = standard.to_numpy() @ coefficients
    shares = (loadings**2).sum(axis=0) / table.shape[1]
    total = scores[:, 0] if n_factors == 1 else scores @ shares
    ordered = pd.Series(
        np.sort(shares)[::-1], index=pd.RangeIndex(1, n_factors + 1, name="factor"), name="share"
    )
    return pd.Series(total, index=values.index, name="score"), ordered


def entropy_weights(values: pd.DataFrame, groups: pd.Series | Mapping | None = None) -> pd.Series:
    """Weight the indicators by how unevenly their total is spread over the units.

    ``w ~ 1 + sum of p ln p / ln n`` with ``p = x / sum of x``: an indicator that all units share equally says
    nothing and weighs nothing. It depends on the zero of the scale, so use the scale of the index.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators, zero or more; missing values are passed over.
    groups : pandas.Series or mapping, optional
        Domain of each indicator; one of all by default.

    Returns
    -------
    pandas.Series
        Index indicator; ``weight``, with sum 1 within each domain.

    Raises
    ------
    diagnosis.errors.InputError
        A negative value; an indicator that has no domain or does not vary.

    References
    ----------
    Hwang, C. L., Yoon, K. (1981). Multiple Attribute Decision Making. Springer. doi:10.1007/978-3-642-48318-9
    (after Shannon 1948)
    """
    table = check_values(values)
    check_variation(table)
    if (table < 0).any(axis=None):
        raise InputError(
            "entropy weights need values of zero or more",
            f"negative in {examples(table.columns[(table < 0).any()])}",
            "Normalise to a scale from 0",
        )
    share = table / table.sum()
    information = (share * np.log(share.where(share > 0, 1.0))).sum()
    contrast = (1 + information / np.log(table.notna().sum())).clip(lower=0.0)
    return _by_group(lambda part: contrast[part.columns] / contrast[part.columns].sum(), table, groups)


def critic_weights(values: pd.DataFrame, groups: pd.Series | Mapping | None = None) -> pd.Series:
    """Weight the indicators by their spread and by how little they repeat the others (CRITIC).

    ``w_j ~ sd_j sum over k of (1 - r_jk)`` on values rescaled to 0-1, correlations by pairs of units that have
    both. An indicator alone in its domain gets the whole weight.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators of one direction.
    groups : pandas.Series or mapping, optional
        Domain of each indicator; correlations count within it. One of all by default.

    Returns
    -------
    pandas.Series
        Index indicator; ``weight``, with sum 1 within each domain.

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no domain, or does not vary.

    References
    ----------
    Diakoulaki, D., Mavrotas, G., Papayannakis, L. (1995). Determining objective weights in multiple criteria
    problems: the CRITIC method. Computers and Operations Research 22, 763-770.
    doi:10.1016/0305-0548(94)00059-H
    """
    table = check_values(values)
    check_variation(table)
    spread = ((table - table.min()) / (table.max() - table.min())).std(ddof=1)

    def weigh(part: pd.DataFrame) -> pd.Series:
        conflict = (1 - part.corr()).sum()
        amount = spread[part.columns] * conflict
        if amount.sum() <= 1e-12:  # one indicator, or copies of one
            amount = spread[part.columns]
        return amount / amount.sum()

    return _by_group(weigh, table, groups)


def optimised_weights(
    values: pd.DataFrame,
    objective: str = "balance",
    *,
    framework: Framework | None = None,
    target: pd.Series | Mapping | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Find the weights that give each part the influence it should have on an index of arithmetic means.

    Equal weights do not mean equal influence: correlated parts rule the index. ``balance`` brings the
    correlations of the parts with the index, as shares of their sum, as near as possible to `target` in least
    squares [1]_; ``infomax`` makes the sum of squared correlations as large as possible, so that the index keeps
    as much of its parts as one number can [2]_; ``mean_correlation`` makes the mean of the correlations largest, which
    a part that moves against the others lowers. Weights are zero or more. The optimum is sought by sequential
    quadratic programming from several starts, where COINr uses one run of Nelder-Mead with a loose tolerance.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns the parts to be weighted: the indicators, or the domains of a framework; units with a
        missing value are passed over.
    objective : {'balance', 'infomax', 'mean_correlation'}, default 'balance'
        See above.
    framework : Framework, optional
        Holds the parts at one level; the levels above keep their weights. Without it the index is the weighted
        mean of the parts.
    target : pandas.Series or mapping, optional
        Desired influence by part, rescaled to sum 1; equal by default. For ``balance`` only.
    seed : int, default 0
        Seed of the random starts.

    Returns
    -------
    pandas.DataFrame
        Index part; ``weight`` (with sum 1 among the parts of one node), ``correlation`` with the index,
        ``share`` of the correlations and ``target``.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown objective.
    diagnosis.errors.InputError
        A part outside the framework or that does not vary.

    References
    ----------
    .. [1] Becker, W., Saisana, M., Paruolo, P., Vandecasteele, I. (2017). Weights and importance in composite
       indicators: closing the gap. Ecological Indicators 80, 12-22. doi:10.1016/j.ecolind.2017.03.056
    .. [2] As the ``infomax`` option of COINr (Becker, W. et al. 2022, Journal of Open Source Software 7, 4567,
       doi:10.21105/joss.04567); the sum of squares is our choice of the measure.
    """
    from scipy.optimize import LinearConstraint, minimize

    if objective not in OBJECTIVES:
        raise unknown_name("objective", objective, OBJECTIVES)
    table = _complete_table(values)
    desired = check_weights(target, table.columns)
    siblings, above = _position(table.columns, framework)
    standard = (table - table.mean()) / table.std(ddof=0)
    spread = table.std(ddof=0).to_numpy()
    correlations = (standard.T @ standard / len(table)).to_numpy()

    def influence(weights: np.ndarray) -> np.ndarray:
        effect = correlations @ (weights * above * spread)
        return effect / np.sqrt(max((weights * above * spread) @ effect, 1e-300))

    def loss(weights: np.ndarray) -> float:
        r = influence(weights)
        if objective == "infomax":
            return -float(r @ r)
        if objective == "mean_correlation":
            return -float(r.mean())
        return float(((r / max(r.sum(), 1e-6) - desired) ** 2).sum())

    membership = (siblings[:, None] == np.unique(siblings)).astype(float).T
    generator = np.random.default_rng(seed)
    first = 1 / (membership.T @ membership.sum(axis=1))
    best, least = first, loss(first)
    for start in range(STARTS):
        guess = first if start == 0 else generator.dirichlet(np.ones(first.size))
        guess = guess / (membership.T @ (membership @ guess))
        found = minimize(
            lambda weights: 1000 * loss(weights),
            guess,
            method="SLSQP",
            bounds=[(0.0, 1.0)] * first.size,
            constraints=LinearConstraint(membership, 1.0, 1.0),
            options={"maxiter": 500, "ftol": 1e-12},
        )
        candidate = np.clip(found.x, 0.0, None)
        candidate = candidate / (membership.T @ (membership @ candidate))
        if loss(candidate) < least:
            best, least = candidate, loss(candidate)
    r = influence(best)
    return pd.DataFrame(
        {"weight": best, "correlation": r, "share": r / r.sum(), "target": desired},
        index=table.columns.rename("part"),
    )


def _position(parts: pd.Index, framework: Framework | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the node above each part, and the weight of that node in the index."""
    if framework is None:
        return np.zeros(len(parts), dtype=int), np.ones(len(parts))
    absent = [part for part in parts if part not in framework.parents.index]
    if absent:
        raise InputError("every part must lie below a node of the framework", f"none for {examples(absent)}")
    children, nodes = framework.children, framework.parents[parts]
    incomplete = [node for node in nodes.unique() if not set(children[node]) <= set(parts)]
    if incomplete:
        raise InputError(
            "all parts of a node are weighted together", f"some are missing in {examples(incomplete)}"
        )
    above = {}
    for start in nodes.unique():
        share, node = 1.0, start
        while node in framework.parents.index:
            parent = framework.parents[node]
            share *= framework.weights[node] / framework.weights[children[parent]].sum()
            node = parent
        above[start] = share
    return pd.factorize(nodes)[0], nodes.map(above).to_numpy(dtype=float)
