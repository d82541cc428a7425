"""Normalisation: indicators of different units and directions on one scale where more is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name

CENTRE = 100.0
"""Score of the reference (AMPI) or of the mean of the units (MPI)."""

AMPI_RANGE = 60.0
"""Width of the AMPI scale between its goalposts: 70 to 130."""

MPI_SD = 10.0
"""Standard deviation of the MPI scale."""

DIRECTIONS = ("negative", "positive")
CONSTANT = ("error", "reference")
GOALPOST_COLUMNS = ("minimum", "maximum", "reference", "direction")


def check_values(values: pd.DataFrame, name: str = "values") -> pd.DataFrame:
    """Return the table as floats, or say which columns are not finite numbers under unique names."""
    if values.shape[1] == 0:
        raise InputError(f"{name}: at least one indicator column is needed", "there is none")
    if not values.columns.is_unique:
        repeated = values.columns[values.columns.duplicated()]
        raise InputError(f"{name}: column names must be unique", f"repeated: {examples(repeated)}")
    text = [column for column in values if not pd.api.types.is_numeric_dtype(values[column])]
    if text:
        raise InputError(
            f"{name}: every column must hold numbers",
            f"not numeric: {examples(text)}",
            "Convert them, or leave them out of the index",
        )
    table = values.astype(float)
    infinite = table.columns[np.isinf(table.to_numpy()).any(axis=0)]
    if len(infinite):
        raise InputError(f"{name}: numbers must be finite or missing", f"infinite in {examples(infinite)}")
    return table


def check_directions(directions: Mapping | pd.Series, indicators: pd.Index) -> pd.Series:
    """Return the direction of each indicator in order; entries for other indicators are ignored."""
    given = dict(directions)
    absent = [indicator for indicator in indicators if indicator not in given]
    if absent:
        raise InputError(
            "every indicator of the index needs a direction",
            f"none for {examples(absent)}",
            "Say 'positive' or 'negative', or leave the indicator out",
        )
    for indicator in indicators:
        if given[indicator] not in DIRECTIONS:
            raise unknown_name(
                f"direction of {indicator!r}",
                given[indicator],
                DIRECTIONS,
                "Choose 'positive' or 'negative'; an indicator without a direction cannot enter an index",
            )
    return pd.Series([given[indicator] for indicator in indicators], index=indicators, name="direction")


def _signs(directions: pd.Series) -> np.ndarray:
    return np.where(directions == "positive", 1.0, -1.0)


def _constant(lower: pd.Series, upper: pd.Series) -> pd.Series:
    # rounding noise is no variation: it would be blown up to the full width of the scale
    return (upper - lower) <= 1e-12 * np.maximum(lower.abs(), upper.abs())


def _refuse_constant(columns: pd.Index, advice: str) -> None:
    if len(columns):
        raise InputError(
            "an indicator of an index must vary between units",
            f"the same value everywhere: {examples(columns)}",
            advice,
        )


def _refuse_empty(table: pd.DataFrame) -> None:
    empty = table.columns[table.isna().all(axis=0)]
    if len(empty):
        raise InputError(
            "an indicator of an index needs at least one value",
            f"no value in {examples(empty)}",
            "Leave it out of the index",
        )


@dataclass(frozen=True, eq=False)
class Goalposts:
    """Goalposts of the AMPI: kept with a first release, they make later releases comparable with it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Index indicator; columns ``minimum``, ``maximum``, ``reference`` (in the unit of the indicator) and
        ``direction`` (``positive`` or ``negative``). The reference is the midpoint of the two goalposts.

    Raises
    ------
    diagnosis.errors.InputError
        A column is missing, a number is not finite, or the reference is not the midpoint.

    References
    ----------
    Mazziotta, M., Pareto, A. (2016). On a generalized non-compensatory composite index for measuring
    socio-economic phenomena. Social Indicators Research 127, 983-1003. doi:10.1007/s11205-015-0998-2
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        absent = [column for column in GOALPOST_COLUMNS if column not in self.frame.columns]
        if absent:
            raise InputError(
                f"goalposts need the columns {', '.join(GOALPOST_COLUMNS)}", f"missing: {examples(absent)}"
            )
        if not self.frame.index.is_unique:
            raise InputError("goalposts need one row an indicator", "some indicators are repeated")
        posts = check_values(self.frame[list(GOALPOST_COLUMNS[:3])], "goalposts")
        middle = (posts["minimum"] + posts["maximum"]) / 2
        width = posts["maximum"] - posts["minimum"]
        scale = posts.abs().max(axis=1)
        wrong = ~((middle - posts["reference"]).abs() <= 1e-9 * scale) | (width < 0)
        if wrong.any():
            raise InputError(
                "the reference must lie half-way between minimum and maximum",
                f"it does not for {examples(wrong.index[wrong])}",
                "Build the goalposts with Goalposts.from_panel",
            )
        directions = check_directions(self.frame["direction"], self.frame.index)
        object.__setattr__(self, "frame", posts.assign(direction=directions))

    @classmethod
    def from_panel(
        cls,
        values: pd.DataFrame,
        reference: pd.Series | Mapping,
        directions: pd.Series | Mapping,
        *,
        constant: str = "error",
    ) -> Goalposts:
        """Centre the goalposts on a reference, half the observed range on each side.

        ``minimum = reference - (sup - inf) / 2`` and ``maximum = reference + (sup - inf) / 2``, where inf and
        sup are taken over all rows: all units and, when the index has a time level, all years.

        Parameters
        ----------
        values : pandas.DataFrame
            Rows units (or units by years), columns indicators; missing values are passed over.
        reference : pandas.Series or mapping
            Value of the reference, for instance of the country, by indicator, in the indicator's unit.
        directions : pandas.Series or mapping
            ``positive`` or ``negative`` by indicator.
        constant : {'error', 'reference'}, default 'error'
            What to do with an indicator that is the same everywhere: refuse it, or let every unit score 100
            on it, which draws all units together.

        Returns
        -------
        Goalposts

        Raises
        ------
        diagnosis.errors.InputError
            An indicator has no value, no reference, no direction, or does not vary.
        """
        if constant not in CONSTANT:
            raise unknown_name("constant", constant, CONSTANT)
        table = check_values(values)
        _refuse_empty(table)
        given = pd.Series(dict(reference), dtype=float).reindex(table.columns)
        if not np.isfinite(given).all():
            raise InputError(
                "every indicator of an index needs a finite value of the reference",
                f"none for {examples(given.index[~np.isfinite(given)])}",
                "Give the reference its own value, or leave the indicator out",
            )
        lower, upper = table.min(), table.max()
        flat = _constant(lower, upper)
        if constant == "error":
            _refuse_constant(
                table.columns[flat], "Leave it out, or pass constant='reference' to let every unit score 100"
            )
        half = ((upper - lower) / 2).mask(flat, 0.0)
        return cls(
            pd.DataFrame(
                {
                    "minimum": given - half,
                    "maximum": given + half,
                    "reference": given,
                    "direction": check_directions(directions, table.columns),
                }
            )
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table, ready to be stored beside the scores."""
        return self.frame.copy()


def normalise_ampi(values: pd.DataFrame, goalposts: Goalposts) -> pd.DataFrame:
    """Normalise between goalposts: the reference scores 100, most units lie between 70 and 130.

    ``r = 70 + 60 (x - minimum) / (maximum - minimum)`` for a positive indicator, ``200 - r`` for a negative one
    [1]_. Values may leave 70 to 130 when the reference is not in the middle of the observed range.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units (or units by years), columns indicators.
    goalposts : Goalposts
        Must hold every column of `values`; further indicators are ignored.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`; missing where the value is missing. An indicator whose goalposts
        coincide scores 100.

    References
    ----------
    .. [1] Mazziotta, M., Pareto, A. (2016). doi:10.1007/s11205-015-0998-2
    """
    table = check_values(values)
    absent = [column for column in table if column not in goalposts.frame.index]
    if absent:
        raise InputError(
            "every indicator needs goalposts", f"none for {examples(absent)}", "Build them with from_panel"
        )
    posts = goalposts.frame.loc[table.columns]
    width = (posts["maximum"] - posts["minimum"]).to_numpy()
    slope = np.divide(
        AMPI_RANGE * _signs(posts["direction"]), width, out=np.zeros_like(width), where=width > 0
    )
    # written from the midpoint, so that the reference scores 100 without rounding
    return (table - posts["reference"]) * slope + CENTRE


def normalise_z_scores(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    *,
    mean: float = CENTRE,
    sd: float = MPI_SD,
    ddof: int = 0,
) -> pd.DataFrame:
    """Standardise every indicator to a given mean and standard deviation, in its direction.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator; negative ones are mirrored at `mean`.
    mean, sd : float
        The scale; 100 and 10 are those of the MPI [1]_.
    ddof : int, default 0
        0 divides by n as the paper does; 1 divides by n - 1 as several packages do.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`.

    References
    ----------
    .. [1] De Muro, P., Mazziotta, M., Pareto, A. (2011). Composite indices of development and poverty.
       Social Indicators Research 104, 1-18. doi:10.1007/s11205-010-9727-z
    """
    table = check_values(values)
    signs = _signs(check_directions(directions, table.columns))
    _refuse_empty(table)
    _refuse_constant(table.columns[_constant(table.min(), table.max())], "Leave it out of the index")
    return (table - table.mean()) / table.std(ddof=ddof) * (sd * signs) + mean


def normalise_min_max(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    *,
    lower: float = 0.0,
    upper: float = 100.0,
) -> pd.DataFrame:
    """Rescale every indicator so that its worst unit gets `lower` and its best `upper`.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units, columns indicators.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    lower, upper : float
        Ends of the scale.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5.
    doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    positive = check_directions(directions, table.columns) == "positive"
    _refuse_empty(table)
    minimum, maximum = table.min(), table.max()
    _refuse_constant(table.columns[_constant(minimum, maximum)], "Leave it out of the index")
    share = (table - minimum) / (maximum - minimum)
    return share.where(positive, 1 - share, axis=1) * (upper - lower) + lower
