"""Audit of an index: how its indicators correlate, and with what weight they enter.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_entries, check_values, complete_rows, refuse_constant
from diagnosis.composite.shares import check_weights
from diagnosis.errors import InputError, examples, unknown_name

CORRELATIONS = ("pearson", "spearman", "kendall")
RIDGE = 1e-10
"""Added to the diagonal of correlation matrices, so that repeated indicators share what they explain."""


def correlate(
    first: pd.DataFrame,
    second: pd.DataFrame | None = None,
    *,
    method: str = "pearson",
    groups: pd.Series | Mapping | None = None,
) -> pd.DataFrame:
    """Correlate all indicators of a table, or those of one level with those of another.

    Every pair uses the units that have both values.

    Parameters
    ----------
    first : pandas.DataFrame
        Rows units, columns indicators.
    second : pandas.DataFrame, optional
        The other level (domains, denominators), with the same units; `first` itself by default.
    method : {'pearson', 'spearman', 'kendall'}
        Kendall's is tau-b.
    groups : pandas.Series or mapping, optional
        Domain of each indicator: only pairs within a domain (of a domain with its own indicators when its
        name is a column of `second`) are kept.

    Returns
    -------
    pandas.DataFrame
        One row a pair (each once when there is one table): ``first``, ``second``, ``correlation``,
        ``p_value`` (two-sided, of no correlation) and ``units``, the number of pairs of values. Missing
        where fewer than three units have both or one of the two is constant.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown method.

    References
    ----------
    Kendall, M. G. (1945). The treatment of ties in ranking problems. Biometrika 33, 239-251.
    doi:10.1093/biomet/33.3.239 (tau-b); OECD, JRC (2008). Handbook on Constructing Composite Indicators,
    section 4. doi:10.1787/9789264043466-en
    """
    from scipy import stats

    if method not in CORRELATIONS:
        raise unknown_name("method", method, CORRELATIONS)
    tests = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}
    one = check_values(first, "first")
    other = one if second is None else check_values(second, "second").reindex(one.index)
    group = {} if groups is None else check_entries(groups, "groups")
    rows = []
    for position, name in enumerate(one):
        for partner in one.columns[position + 1 :] if second is None else other:
            if groups is not None and group.get(name) != group.get(partner, partner):
                continue
            x, y = one[name].to_numpy(), other[partner].to_numpy()
            both = np.isfinite(x) & np.isfinite(y)
            x, y = x[both], y[both]
            if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
                rows.append((name, partner, np.nan, np.nan, len(x)))
                continue
            result = tests[method](x, y)
            rows.append((name, partner, result.statistic, result.pvalue, len(x)))
    return pd.DataFrame(rows, columns=["first", "second", "correlation", "p_value", "units"])


def flag_correlations(
    pairs: pd.DataFrame,
    *,
    high: float = 0.9,
    low: float = -0.4,
    significance: float | None = None,
) -> pd.DataFrame:
    """Keep the pairs of :func:`correlate` that an audit should look at.

    Parameters
    ----------
    pairs : pandas.DataFrame
        From :func:`correlate`.
    high : float, default 0.9
        Above it two indicators say nearly the same (``redundant``).
    low : float, default -0.4
        Below it they oppose each other within the index (``opposed``); their direction may be wrong.
    significance : float, optional
        Pairs with a larger p-value are left out.

    Returns
    -------
    pandas.DataFrame
        Those rows, with ``flag``.

    Raises
    ------
    diagnosis.errors.InputError
        Thresholds out of order.

    References
    ----------
    After ``get_corr_flags`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    if not -1 <= low < high <= 1:
        raise InputError(
            "thresholds must hold -1 <= low < high <= 1", f"low {low!r} and high {high!r} were given"
        )
    flag = np.select([pairs["correlation"] > high, pairs["correlation"] < low], ["redundant", "opposed"], "")
    keep = flag != ""
    if significance is not None:
        keep &= (pairs["p_value"] <= significance).to_numpy()
    return pairs.assign(flag=flag)[keep].reset_index(drop=True)


def correlate_with_denominators(
    values: pd.DataFrame, denominators: pd.DataFrame, *, threshold: float = 0.7, method: str = "pearson"
) -> pd.DataFrame:
    """Find indicators that follow the size of the units: candidates for a rate instead of an amount.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators before denomination.
    denominators : pandas.DataFrame
        The same units; population, area, ...
    threshold : float, default 0.7
        Absolute correlations above it are shown.
    method : str
        As in :func:`correlate`.

    Returns
    -------
    pandas.DataFrame
        Rows of :func:`correlate`, ``second`` being the denominator.

    References
    ----------
    After ``get_denom_corr`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    pairs = correlate(values, denominators, method=method)
    return pairs[pairs["correlation"].abs() > threshold].reset_index(drop=True)


def correlation_matrix(rows: pd.DataFrame) -> np.ndarray:
    """Correlate the columns of a table without missing values, none of which may be constant."""
    refuse_constant(rows)
    return np.atleast_2d(np.corrcoef(rows.to_numpy(), rowvar=False))


def cronbach_alpha(values: pd.DataFrame) -> float:
    """Measure the internal consistency of the indicators of a domain: Cronbach's alpha.

    ``alpha = k / (k - 1) (1 - sum of variances / variance of the sum)`` [1]_, on the units with every
    indicator. It is negative where the indicators work against each other.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns the k >= 2 normalised indicators of one domain.

    Returns
    -------
    float

    Raises
    ------
    diagnosis.errors.InputError
        Fewer than two indicators or complete units, or a sum that does not vary.

    References
    ----------
    .. [1] Cronbach, L. J. (1951). Coefficient alpha and the internal structure of tests. Psychometrika 16,
       297-334. doi:10.1007/BF02310555
    """
    table = check_values(values)
    count = table.shape[1]
    if count < 2:
        raise InputError("alpha needs at least two indicators", f"{count} was given")
    rows = complete_rows(table, 2).to_numpy()
    total = rows.sum(axis=1).var(ddof=1)
    if total <= 0:
        raise InputError("the sum of the indicators must vary between units", "it is constant")
    return float(count / (count - 1) * (1 - rows.var(axis=0, ddof=1).sum() / total))


def principal_axes(values: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """Find the axes of the principal components of the standardised indicators.

    The variances alone, with their shares, are given by :func:`principal_components`.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators; units with a missing value are passed over.

    Returns
    -------
    variances : pandas.Series
        Of each component (1, 2, ...), largest first; their sum is the number of indicators.
    loadings : pandas.DataFrame
        Indicators x components, vectors of length 1 with a positive sum (the sign of a component is arbitrary).

    Raises
    ------
    diagnosis.errors.InputError
        Fewer than two complete units, or an indicator that does not vary among them.

    References
    ----------
    Jolliffe, I. T. (2002). Principal Component Analysis, 2nd ed. Springer. doi:10.1007/b98835
    """
    table = check_values(values)
    variances, vectors = np.linalg.eigh(correlation_matrix(complete_rows(table, 2)))
    order = np.argsort(-variances, kind="stable")
    variances, vectors = np.maximum(variances[order], 0.0), vectors[:, order]
    vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
    names = pd.RangeIndex(1, table.shape[1] + 1, name="component")
    return (
        pd.Series(variances, index=names, name="variance"),
        pd.DataFrame(vectors, index=table.columns.rename("indicator"), columns=names),
    )


def principal_components(values: pd.DataFrame) -> pd.DataFrame:
    """Share out the variance of the standardised indicators among their principal components.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators; units with every indicator are used.

    Returns
    -------
    pandas.DataFrame
        Index ``component`` from 1; ``variance`` (eigenvalue of the correlation matrix), ``share`` and
        ``cumulative``. One dominant component (share well above 1 / k) speaks for one index.

    Raises
    ------
    diagnosis.errors.InputError
        Fewer than two complete units, or an indicator that does not vary among them.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 4. doi:10.1787/9789264043466-en
    """
    variance, _ = principal_axes(values)
    share = variance / variance.sum()
    return pd.DataFrame({"variance": variance, "share": share, "cumulative": share.cumsum()})


def effective_weights(
    groups: pd.Series | Mapping | Sequence[pd.Series | Mapping], weights: pd.Series | Mapping | None = None
) -> pd.Series:
    """Multiply the share of every indicator by those of its parents: its weight in the index.

    Parameters
    ----------
    groups : pandas.Series, mapping, or sequence of them
        Domain of each indicator; a sequence gives one mapping a level, from the lowest up. What the last one
        names are the parts of the index; a single index may, but need not, be named.
    weights : pandas.Series or mapping, optional
        By indicator, domain, ...; those of one parent are rescaled to sum 1. Absent ones are 1.

    Returns
    -------
    pandas.Series
        Index indicator; ``weight``, with sum 1.

    Raises
    ------
    diagnosis.errors.InputError
        No group, a domain that the next level lacks, or weights that are negative or all zero in a domain.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 6. doi:10.1787/9789264043466-en
    """
    given = {} if weights is None else check_entries(weights, "weights")
    chosen = [groups] if isinstance(groups, pd.Series | Mapping) else groups
    levels = [check_entries(level, "groups") for level in chosen]
    if not levels or not levels[0]:
        raise InputError("groups must give the domain of at least one indicator", "there is none")
    top = dict.fromkeys(dict.fromkeys(levels[-1].values()), "")
    share: dict = {"": 1.0}
    for level in [top, *reversed(levels)]:
        used = {child: parent for child, parent in level.items() if parent in share}
        siblings: dict[object, list] = {}
        for child, parent in used.items():
            siblings.setdefault(parent, []).append(child)
        below: dict = {}
        for parent, children in siblings.items():
            own = check_weights({child: given.get(child, 1.0) for child in children}, pd.Index(children))
            below.update(zip(children, share[parent] * own, strict=True))
        share = below
    absent = [indicator for indicator in levels[0] if indicator not in share]
    if absent:
        raise InputError("every domain must belong to the level above", f"none for {examples(absent)}")
    return pd.Series(share, dtype=float).reindex(list(levels[0])).rename("weight").rename_axis("indicator")


def redundancy(values: pd.DataFrame) -> pd.DataFrame:
    """Measure how far each indicator is already told by the others of its domain.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators; units with every indicator are used.

    Returns
    -------
    pandas.DataFrame
        Index indicator; ``r_squared`` of its regression on all others, the variance inflation factor ``vif`` =
        1 / (1 - r_squared) (above 10 is usually called redundant; infinite for an exact copy), the
        ``nearest`` other indicator and its ``correlation``.

    Raises
    ------
    diagnosis.errors.InputError
        Fewer than two indicators, too few complete units, or an indicator that does not vary.

    References
    ----------
    Marquardt, D. W. (1970). Generalized inverses, ridge regression, biased linear estimation, and nonlinear
    estimation. Technometrics 12, 591-612. doi:10.1080/00401706.1970.10488699 (variance inflation factor)
    """
    table = check_values(values)
    if table.shape[1] < 2:
        raise InputError("redundancy needs at least two indicators", f"{table.shape[1]} was given")
    matrix = correlation_matrix(complete_rows(table, table.shape[1] + 2))
    inflation = np.diag(np.linalg.inv(matrix + RIDGE * np.eye(len(matrix))))
    inflation = np.where(inflation > 1e-2 / RIDGE, np.inf, np.maximum(inflation, 1.0))
    off_diagonal = np.where(np.eye(len(matrix), dtype=bool), 0.0, matrix)
    nearest = np.abs(off_diagonal).argmax(axis=1)
    return pd.DataFrame(
        {
            "r_squared": 1 - 1 / inflation,
            "vif": inflation,
            "nearest": table.columns[nearest],
            "correlation": matrix[np.arange(len(matrix)), nearest],
        },
        index=table.columns.rename("indicator"),
    )
