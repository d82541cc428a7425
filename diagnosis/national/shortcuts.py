"""Indicators and scores in one call, with the directions of the catalogue."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis.catalogue import load_catalogue
from diagnosis.errors import InputError
from diagnosis.territory import Country, Territory


def compute_indicators(place: Country | Territory) -> pd.DataFrame:
    """Compute the municipal indicators of a country, or of the municipalities of a territory.

    Parameters
    ----------
    place : Country or Territory

    Returns
    -------
    DataFrame
        Index code, one column an indicator; units and directions are in the catalogue.
    """
    from diagnosis.indicators import compute

    if isinstance(place, Territory):
        return compute(place.country.tables).loc[place.codes]
    return compute(place.tables)


def composite_index(values: pd.DataFrame, method: str = "ampi", **options: Any) -> pd.DataFrame:
    """Score units on a composite index: :func:`diagnosis.composite.composite_index` with the catalogue's directions.

    Parameters
    ----------
    values : DataFrame, units x indicators
    method : {"ampi", "mpi"}
    **options
        As in :func:`diagnosis.composite.composite_index`. Without `directions` and `goalposts`, `values` must be
        made of indicators of the catalogue; those in which better and worse cannot be said (neutral ones and
        classes), and those that are the same in every unit, are left out.

    Returns
    -------
    DataFrame
        One row a unit, one column a domain (`groups`) or ``score``.

    Raises
    ------
    diagnosis.errors.InputError
        No indicator is left to be scored.
    diagnosis.errors.UnknownNameError
        A column is not an indicator of the catalogue.
    """
    from diagnosis import composite

    if options.get("directions") is None and options.get("goalposts") is None:
        catalogue = load_catalogue()
        directed = [name for name in values if catalogue[name].direction != "neutral"]
        kept = [name for name in directed if values[name].nunique() > 1]
        if not kept:
            raise InputError(
                "At least one indicator must have a direction and vary", f"{list(values)} do not"
            )
        values = values[kept].astype(float)
        options["directions"] = pd.Series({name: catalogue[name].direction for name in kept})
    return composite.composite_index(values, method, **options)
