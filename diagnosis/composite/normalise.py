"""Normalisation: indicators of different units and directions on one scale where more is better.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.composite.checks import (
    check_directions,
    check_numbers,
    check_values,
    check_variation,
    direction_signs,
    is_constant,
    refuse_constant,
    refuse_empty,
)
from diagnosis.errors import InputError, examples, unknown_name

CENTRE = 100.0
"""Score of the reference (AMPI) or of the mean of the units (MPI)."""

AMPI_RANGE = 60.0
"""Width of the AMPI scale between its goalposts: 70 to 130."""

MPI_SD = 10.0
"""Standard deviation of the MPI scale."""

CONSTANT = ("error", "reference")
GOALPOST_COLUMNS = ("minimum", "maximum", "reference", "direction")


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
        refuse_empty(table)
        given = check_numbers(
            reference,
            table.columns,
            "reference",
            "value of the reference",
            "Give the reference its own value, or leave the indicator out",
        )
        if constant == "error":
            refuse_constant(table, "Leave it out, or pass constant='reference' to let every unit score 100")
        lower, upper = table.min(), table.max()
        flat = is_constant(lower, upper)
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

    def select(self, indicators: pd.Index, directions: pd.Series | Mapping | None = None) -> pd.DataFrame:
        """Return the goalposts of some indicators, in order.

        Parameters
        ----------
        indicators : pandas.Index
            Names of the indicators.
        directions : pandas.Series or mapping, optional
            Directions the goalposts must agree with, by indicator.

        Returns
        -------
        pandas.DataFrame
            Rows of the table, one an indicator.

        Raises
        ------
        diagnosis.errors.InputError
            An indicator has no goalposts, or another direction.
        """
        absent = [indicator for indicator in indicators if indicator not in self.frame.index]
        if absent:
            raise InputError(
                "every indicator needs goalposts",
                f"none for {examples(absent)}",
                "Build them with from_panel",
            )
        posts = self.frame.loc[indicators]
        if directions is not None:
            differ = indicators[check_directions(directions, indicators) != posts["direction"]]
            if len(differ):
                raise InputError(
                    "directions must be those of the goalposts", f"they differ for {examples(differ)}"
                )
        return posts


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

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no goalposts.

    References
    ----------
    .. [1] Mazziotta, M., Pareto, A. (2016). doi:10.1007/s11205-015-0998-2
    """
    table = check_values(values)
    posts = goalposts.select(table.columns)
    width = (posts["maximum"] - posts["minimum"]).to_numpy()
    signs = direction_signs(posts["direction"], table.columns)
    slope = np.divide(AMPI_RANGE * signs, width, out=np.zeros_like(width), where=width > 0)
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

    ``mean + sd (x - m) / s`` for a positive indicator, ``mean - sd (x - m) / s`` for a negative one, m and s the
    mean and the standard deviation of the units.

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

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no value, or does not vary.
    diagnosis.errors.UnknownNameError
        Unknown direction.

    References
    ----------
    .. [1] De Muro, P., Mazziotta, M., Pareto, A. (2011). Composite indices of development and poverty.
       Social Indicators Research 104, 1-18. doi:10.1007/s11205-010-9727-z
    """
    table = check_values(values)
    signs = direction_signs(directions, table.columns)
    check_variation(table)
    return (table - table.mean()) / table.std(ddof=ddof) * (sd * signs) + mean


def normalise_min_max(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    *,
    lower: float = 0.0,
    upper: float = 100.0,
) -> pd.DataFrame:
    """Rescale every indicator so that its worst unit gets `lower` and its best `upper`.

    ``lower + (upper - lower) (x - min) / (max - min)``, mirrored for a negative indicator.

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

    Raises
    ------
    diagnosis.errors.InputError
        An indicator has no value, or does not vary.
    diagnosis.errors.UnknownNameError
        Unknown direction.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5. doi:10.1787/9789264043466-en
    """
    table = check_values(values)
    check_variation(table)
    return share_between(table, directions, table.min(), table.max()) * (upper - lower) + lower


def share_between(
    table: pd.DataFrame,
    directions: pd.Series | Mapping,
    lower: pd.Series | float,
    upper: pd.Series | float,
) -> pd.DataFrame:
    """Return how far each value lies from the worse (0) to the better one (1) of two limits."""
    positive = check_directions(directions, table.columns) == "positive"
    share = (table - lower) / (upper - lower)
    return share.where(positive, 1 - share, axis=1)
