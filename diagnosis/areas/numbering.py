"""The numbers of areas: 1 is the most populous, whatever method drew them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples


def number_areas(area: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Give areas numbers from 1 by decreasing weight.

    Parameters
    ----------
    area : numpy.ndarray of int, shape (n,)
        Any label of each municipality's area; negative: none.
    weight : numpy.ndarray of float, shape (n,)
        Residents of each municipality. Of areas of equal weight the one met first comes first.

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        0 where there is no area.
    """
    known = area >= 0
    areas, first, place = np.unique(area[known], return_index=True, return_inverse=True)
    order = np.lexsort((first, -np.bincount(place, weight[known], len(areas))))
    number = np.empty(len(areas), np.int64)
    number[order] = np.arange(1, len(areas) + 1)
    result = np.zeros(len(area), np.int64)
    result[known] = number[place]
    return result


def labels_series(number: np.ndarray, codes: pd.Index) -> pd.Series:
    """Return numbered areas as labels: index `code`, name `area`, missing where the number is 0."""
    labels = pd.Series(number, index=pd.Index(codes, name="code"), name="area", dtype="Int64")
    return labels.mask(labels == 0)


def residents_of(population: pd.Series, codes: pd.Index) -> np.ndarray:
    """Check residents by code and align them with the codes of the flows; one without a value counts 0."""
    if not isinstance(population, pd.Series):
        raise InputError(
            "population: a Series indexed by municipality code is needed",
            f"{type(population).__name__} was given",
        )
    if population.index.has_duplicates:
        repeated = population.index[population.index.duplicated()]
        raise InputError("population: every code has one row", f"repeated: {examples(repeated)}")
    if not population.index.isin(codes).any():
        raise InputError(
            "population: its codes must be those of the flows",
            f"population has {examples(population.index)}, flows {examples(codes)}",
        )
    numbers = pd.to_numeric(population, errors="coerce").astype("float64").reindex(codes)
    wrong = (population.notna().reindex(codes, fill_value=False) & numbers.isna()) | ~(
        numbers.fillna(0).between(0, np.inf, inclusive="left")
    )
    if wrong.any():
        raise InputError(
            "population: residents are numbers of at least 0",
            f"found {examples(population.reindex(codes)[wrong])}",
        )
    return numbers.fillna(0).to_numpy()


def points_of(location: pd.DataFrame, codes: pd.Index) -> np.ndarray:
    """Return coordinates by code, shape (n, 2), from `x` and `y` or from polygons; a code without any stands at 0."""
    if not isinstance(location, pd.DataFrame) or location.index.has_duplicates:
        raise InputError(
            "location: a table with one row a code is needed",
            "codes are repeated"
            if isinstance(location, pd.DataFrame)
            else f"{type(location).__name__} was given",
        )
    if not location.index.isin(codes).any():
        raise InputError(
            "location: its codes must be those of the flows",
            f"location has {examples(location.index)}, flows {examples(codes)}",
        )
    if not {"x", "y"} <= set(location.columns) and hasattr(location, "to_crs"):  # a GeoDataFrame
        centre = location.geometry.representative_point()
        location = pd.DataFrame({"x": centre.x, "y": centre.y}, index=location.index)
    if not {"x", "y"} <= set(location.columns):
        raise InputError(
            "location: the columns x and y, or polygons, are needed",
            f"found: {examples(map(str, location.columns), 12)}",
        )
    given = location[["x", "y"]].reindex(codes)
    points = given.apply(pd.to_numeric, errors="coerce").astype("float64")
    wrong = ((points.isna() & given.notna()) | np.isinf(points)).any(axis=1)
    if wrong.any():
        raise InputError(
            "location: coordinates are finite numbers", f"others were found for {examples(codes[wrong])}"
        )
    return points.fillna(0.0).to_numpy()
