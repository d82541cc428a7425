"""Several years at once: one scale for all of them, and the trend of every unit on every indicator.

References are cited from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.composite.checks import check_directions, check_values
from diagnosis.composite.normalise import normalise_min_max, normalise_z_scores
from diagnosis.errors import InputError, examples, unknown_name

NORMALISATIONS: dict[str, Callable[..., pd.DataFrame]] = {
    "min_max": normalise_min_max,
    "z_scores": normalise_z_scores,
}


@dataclass(frozen=True, eq=False)
class Cube:
    """A panel as an array, with the way back to its rows.

    Parameters
    ----------
    numbers : numpy.ndarray
        Shape times x units x indicators, times ascending; missing where the panel has no such row.
    times : numpy.ndarray
        Shape times.
    units : pandas.Index
        In order of first appearance; a MultiIndex when units have several levels.
    rows : tuple of numpy.ndarray
        Position of every row of the panel among times and units.
    """

    numbers: np.ndarray
    times: np.ndarray
    units: pd.Index
    rows: tuple[np.ndarray, np.ndarray]

    @classmethod
    def from_panel(cls, values: pd.DataFrame, time: str) -> Cube:
        """Arrange a panel whose index has the level `time` and one row per unit and time."""
        table = check_values(values)
        if not isinstance(table.index, pd.MultiIndex) or time not in table.index.names:
            raise InputError(
                f"a panel needs an index of unit and {time!r}",
                f"the levels are {examples(table.index.names)}",
                f"Use set_index([unit, {time!r}]), or name the level that holds the time",
            )
        if not table.index.is_unique:
            repeated = table.index[table.index.duplicated()].unique()
            raise InputError("a panel has one row per unit and time", f"repeated: {examples(repeated)}")
        moments = pd.to_numeric(
            pd.Series(np.asarray(table.index.get_level_values(time)), dtype=object), errors="coerce"
        )
        if moments.isna().any():
            raise InputError(f"{time!r} must hold numbers, for instance years", "some are not numbers")
        times, time_rows = np.unique(moments.to_numpy(float), return_inverse=True)
        unit_rows, units = pd.factorize(table.index.droplevel(time), use_na_sentinel=False)
        numbers = np.full((len(times), len(units), table.shape[1]), np.nan)
        numbers[time_rows, unit_rows] = table.to_numpy()
        return cls(numbers, times, pd.Index(units), (time_rows, unit_rows))

    def last_available(self) -> np.ndarray:
        """Position of the latest time with a value, up to each time; -1 where there is none yet."""
        positions = np.arange(len(self.times))[:, None, None]
        return np.maximum.accumulate(np.where(np.isnan(self.numbers), -1, positions), axis=0)

    def next_available(self) -> np.ndarray:
        """Position of the first time with a value, from each time on; the number of times where there is none."""
        positions = np.arange(len(self.times))[:, None, None]
        later = np.where(np.isnan(self.numbers), len(self.times), positions)
        return np.minimum.accumulate(later[::-1], axis=0)[::-1]


def normalise_panel(
    values: pd.DataFrame,
    directions: pd.Series | Mapping,
    method: str = "min_max",
    *,
    base: Iterable | None = None,
    each: bool = False,
    time: str = "year",
    **options: float,
) -> pd.DataFrame:
    """Normalise several years on one scale, so that a change of score is a change of the indicator.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units by times, columns indicators. Not every unit needs every time.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    method : {'min_max', 'z_scores'}, default 'min_max'
        :func:`~diagnosis.composite.normalise_min_max` or :func:`~diagnosis.composite.normalise_z_scores`. For
        the goalposts of the AMPI see :class:`~diagnosis.composite.Goalposts`.
    base : iterable, optional
        Times whose rows set the scale; other times may leave its ends. All times by default.
    each : bool, default False
        Normalise every time on its own: ranks within a year, not comparable between years.
    time : str, default 'year'
        Index level of the times.
    **options
        Passed to the method: ``lower`` and ``upper``, or ``mean``, ``sd`` and ``ddof``.

    Returns
    -------
    pandas.DataFrame
        Index and columns of `values`.

    Raises
    ------
    diagnosis.errors.InputError
        No such level, an unknown base time, or an indicator that does not vary where the scale is set.
    diagnosis.errors.UnknownNameError
        Unknown method or direction.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators, section 5. doi:10.1787/9789264043466-en
    """
    if method not in NORMALISATIONS:
        raise unknown_name("method", method, NORMALISATIONS)
    if each and base is not None:
        raise InputError("each time has its own scale, or some times set one for all", "both were asked for")
    normalise = NORMALISATIONS[method]
    table = check_values(values)
    if time not in table.index.names:
        raise InputError(f"the index needs a level {time!r}", f"the levels are {examples(table.index.names)}")
    moments = table.index.get_level_values(time)
    if each:
        parts = [normalise(table[moments == moment], directions, **options) for moment in moments.unique()]
        order = np.concatenate([np.flatnonzero(moments == moment) for moment in moments.unique()])
        return pd.concat(parts).iloc[np.argsort(order)]
    if base is None:
        return normalise(table, directions, **options)
    chosen = list(base)
    unknown = [moment for moment in chosen if moment not in moments]
    if unknown or not chosen:
        raise InputError(
            "the base must be times of the panel",
            f"unknown: {examples(unknown)}" if unknown else "none was given",
        )
    rows = table[moments.isin(chosen)]
    scaled = normalise(rows, directions, **options)
    # every method is linear in each indicator: two points of the base carry it to the other times
    positive = check_directions(directions, table.columns) == "positive"
    lower, upper = rows.min(), rows.max()
    at_lower = scaled.min().where(positive, scaled.max())
    at_upper = scaled.max().where(positive, scaled.min())
    return (table - lower) * ((at_upper - at_lower) / (upper - lower)) + at_lower


def measure_trends(values: pd.DataFrame, *, time: str = "year", minimum_available: int = 2) -> pd.DataFrame:
    """Fit the trend of every unit on every indicator.

    Parameters
    ----------
    values : pandas.DataFrame
        Rows units by times, columns indicators, in their own units.
    time : str, default 'year'
        Index level of the times, numbers.
    minimum_available : int, default 2
        A trend on fewer values is missing.

    Returns
    -------
    pandas.DataFrame
        Index: unit (its level or levels) and ``indicator``. Columns

        ``slope``
            Least-squares change per unit of time, in the unit of the indicator.
        ``percent_change``
            100 slope / the *fitted* value at the first available time, per cent per unit of time. Where the
            fitted value is near zero it explodes and where it is negative its sign turns: read the slope then.
            Missing where it is 0.
        ``compound_growth``
            100 ((last / first)**(1 / (t_last - t_first)) - 1), per cent per unit of time, from the first and
            last *available* values alone; missing unless the first is above 0 and the last is not below.
        ``first``, ``last``
            First and last available time.
        ``share_available``
            Of the times of the panel.
        ``n_available``
            Number of values.

    Raises
    ------
    diagnosis.errors.InputError
        No such level, times that are not numbers, or a unit twice at one time.

    References
    ----------
    After ``get_trends`` of COINr: Becker, W. et al. (2022). Journal of Open Source Software 7, 4567.
    doi:10.21105/joss.04567
    """
    if minimum_available < 2:
        raise InputError("a trend needs two values or more", f"minimum_available is {minimum_available!r}")
    cube = Cube.from_panel(values, time)
    available = ~np.isnan(cube.numbers)
    n = available.sum(axis=0)
    enough = n >= minimum_available
    counted = np.where(enough, n, 1)
    times = np.where(available, cube.times[:, None, None], 0.0)
    numbers = np.where(available, cube.numbers, 0.0)
    mean_time, mean = times.sum(axis=0) / counted, numbers.sum(axis=0) / counted
    time_deviation = np.where(available, times - mean_time, 0.0)
    spread = (time_deviation**2).sum(axis=0)
    slope = (time_deviation * np.where(available, numbers - mean, 0.0)).sum(axis=0)
    slope = np.where(enough, slope / np.where(spread > 0, spread, 1.0), np.nan)

    start = np.where(n > 0, cube.next_available()[0], 0)
    end = np.where(n > 0, cube.last_available()[-1], 0)
    first, last = (np.where(n > 0, cube.times[position], np.nan) for position in (start, end))
    fitted = mean + slope * (first - mean_time)
    initial, final = (
        np.take_along_axis(cube.numbers, position[None], axis=0)[0] for position in (start, end)
    )
    grows = enough & (initial > 0) & (final >= 0)
    ratio = np.divide(final, initial, out=np.full_like(initial, np.nan), where=grows)
    duration = np.where(enough, last - first, 1.0)
    index = pd.MultiIndex.from_tuples(
        [
            (*(unit if isinstance(unit, tuple) else (unit,)), indicator)
            for unit in cube.units
            for indicator in values.columns
        ],
        names=[*(name for name in values.index.names if name != time), "indicator"],
    )
    percent = np.divide(100 * slope, fitted, out=np.full_like(slope, np.nan), where=enough & (fitted != 0))
    columns = {
        "slope": slope,
        "percent_change": percent,
        "compound_growth": 100 * (ratio ** (1 / duration) - 1),
        "first": first,
        "last": last,
        "share_available": n / len(cube.times),
        "n_available": n,
    }
    return pd.DataFrame({name: column.ravel() for name, column in columns.items()}, index=index)
