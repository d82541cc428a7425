"""What absent sources cost: indicators that wait for their file, and those computed from a model instead."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from diagnosis.catalogue import load_catalogue
from diagnosis.config import Settings
from diagnosis.errors import DiagnosisError
from diagnosis.indicators import MEASURES, find_waiting
from diagnosis.sources.italy import COMMUTING, EMBEDDED
from diagnosis.tables import TABLES
from diagnosis.territory import MODELLED, load_country

SHIPPED = {table for tables in EMBEDDED.values() for table in tables}
"""Tables that come with the dependencies, hence with all columns."""


@dataclass(frozen=True)
class Losses:
    """Indicators of Italy that its sources do not give.

    Attributes
    ----------
    waiting : frozenset of str
        Computed nowhere: a file, or a column of it, is not here. The municipal ones are those that a report lists.
    modelled : frozenset of str
        Computed from flows that a model estimates, since there is no commuting matrix.
    """

    waiting: frozenset[str]
    modelled: frozenset[str]


def find_losses(settings: Settings, among: Collection[str] | None = None) -> Losses:
    """Find the indicators that cannot be computed, or only from modelled flows.

    Parameters
    ----------
    settings : Settings
        Folders and mirror.
    among : collection of str, optional
        Ids of indicators to look at; all if not given.

    Returns
    -------
    Losses
        Only tables some columns of which may be absent are read, if some indicators need these.
    """
    catalogue, country = load_catalogue(), load_country(settings)
    tables = country.tables
    here = {
        name: pd.DataFrame(columns=list(TABLES[name].columns) if name in SHIPPED else []) for name in tables
    }
    for table in {table for measure in MEASURES.values() for table, _ in measure.columns} - SHIPPED:
        if table in tables:
            # a broken file, which `verify` names, gives no indicator that needs its columns
            with suppress(DiagnosisError):
                here[table] = tables[table]
    waiting = set(find_waiting(here).index)
    if "wellbeing" not in tables:
        waiting |= {item.id for item in catalogue.select(level="province")}
    modelled = {
        item.id
        for item in catalogue.indicators.values()
        if country.flows_kind == MODELLED and COMMUTING in item.sources
    }
    asked = set(catalogue if among is None else among)
    return Losses(frozenset(waiting & asked), frozenset((modelled - waiting) & asked))
