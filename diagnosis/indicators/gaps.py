"""Why a cell of the municipal indicator table is empty: no gap without a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd

from diagnosis.indicators.measures import WITHHELD, Counts, Measure, Tables, Units, evaluate
from diagnosis.indicators.municipal import MEASURES, count, select

REASONS = {
    "source_missing": {
        "it": "La fonte dell'indicatore non è disponibile in questa elaborazione",
        "en": "The source of the indicator is not available here",
    },
    "column_missing": {
        "it": "Il file disponibile non contiene le colonne necessarie",
        "en": "The file at hand lacks the columns it needs",
    },
    "not_in_source": {
        "it": "La fonte non riporta dati, o li riporta incompleti, per questo comune",
        "en": "The source has no data, or incomplete data, for this municipality",
    },
    "member_without_data": {
        "it": "La fonte non riporta dati per alcun comune del gruppo",
        "en": "The source has no data for any municipality of the group",
    },
    "masked": {
        "it": "La fonte oscura il dato per tutela del segreto statistico, nel comune o in uno di quelli del gruppo",
        "en": "The source keeps the figure secret, in the municipality or in one of those of the group",
    },
    "name_not_matched": {
        "it": "Ha aderito un comune poi confluito in questo, o un ente il cui nome può essere quello di questo comune",
        "en": "A former municipality that is part of it signed, or a body whose name may be that of this municipality",
    },
    "doubtful_inventory": {
        "it": "L'inventario dichiarato è incompleto, anomalo o riferito a un'altra popolazione",
        "en": "The declared inventory is incomplete, outlying, or about another population",
    },
    "differing_inventories": {
        "it": "Non tutti i comuni del gruppo hanno un inventario dello stesso anno e metodo",
        "en": "Not every municipality of the group has an inventory of the same year and method",
    },
    "zero_denominator": {
        "it": "Il denominatore del rapporto è zero o negativo",
        "en": "The denominator of the ratio is zero or negative",
    },
    "category_of_group": {
        "it": "La classe si attribuisce ai singoli comuni, non a un insieme di comuni",
        "en": "The class belongs to single municipalities, not to a group of them",
    },
    "unknown": {"it": "Motivo non accertato", "en": "The reason is not known"},
}
"""Texts in both languages by reason; ``unknown`` never occurs in tables that come from `compute`."""


def find_waiting(tables: Tables) -> pd.Series:
    """Find the indicators that wait for their file: nowhere computed, since a table or column they need is not here.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As for :func:`diagnosis.indicators.compute`.

    Returns
    -------
    Series
        Index ``indicator``, in the order of the catalogue; values ``source_missing`` or ``column_missing``, keys of
        :data:`REASONS`.
    """
    found = {name: measure.missing_source(tables) for name, measure in MEASURES.items()}
    waiting = {name: reason for name, reason in found.items() if reason}
    return pd.Series(waiting, dtype=object, name="reason").rename_axis("indicator")


def gap_reasons(values: pd.DataFrame, tables: Tables, groups: pd.Series | None = None) -> pd.DataFrame:
    """Give the reason of every missing cell of a table of municipal indicators.

    Parameters
    ----------
    values : DataFrame
        Result of :func:`diagnosis.indicators.compute`, whole or in part.
    tables : mapping of str to DataFrame
        The tables it was computed from.
    groups : Series, code -> group id, optional
        The grouping it was computed for.

    Returns
    -------
    DataFrame
        One row a missing cell: `code` (of the municipality or the group), `indicator`, `reason` (a key of
        :data:`REASONS`), ordered by indicator, then as the rows of `values`.
    """
    units = Units.of(tables, groups)
    names = select(values.columns)
    counts = count(tables, units, names)
    rows = units.index.get_indexer(values.index)
    found = []
    for name in names:
        missing = values[name].isna().to_numpy()
        if not missing.any():
            continue
        measure = MEASURES[name]
        reasons = np.full(len(units.index) + 1, "unknown", dtype=object)  # last: a row that is no unit
        reasons[:-1] = _explain(measure, counts, tables, units)
        found.append(
            pd.DataFrame({"code": values.index[missing], "indicator": name, "reason": reasons[rows[missing]]})
        )
    if not found:
        return pd.DataFrame(columns=["code", "indicator", "reason"], dtype=object)
    return pd.concat(found, ignore_index=True)


def _explain(measure: Measure, counts: Counts, tables: Tables, units: Units) -> np.ndarray | str:
    """Return the reason of each unit, were its value missing; the more general reason comes first."""
    if reason := measure.missing_source(tables):
        return reason
    if measure.kind == "category" and units.grouped:
        return "category_of_group"
    evaluation = evaluate(measure, counts, units)
    no_data = "member_without_data" if units.grouped else "not_in_source"
    reasons = np.select(
        [evaluation.masked, evaluation.with_data == 0, evaluation.divided_by <= 0],
        ["masked", no_data, "zero_denominator"],
        "unknown",
    )
    withheld = counts.get(measure.numerator + WITHHELD)
    return reasons if withheld is None else np.where(withheld == "", reasons, withheld)
