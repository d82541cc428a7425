"""Tables as CSV text that a spreadsheet opens without harm."""

from __future__ import annotations

from typing import Any

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(table: pd.DataFrame) -> str:
    """Write a table as CSV with one header row, in which no cell starts a formula when a spreadsheet opens it."""
    if isinstance(table.columns, pd.MultiIndex):
        table = table.set_axis([", ".join(map(str, name)) for name in table.columns], axis=1)
    if isinstance(table.index, pd.RangeIndex):
        return defuse(table).to_csv(index=False)
    named = table if None not in table.index.names else table.rename_axis("index")
    return defuse(named).to_csv()


def defuse(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would take for a formula; numbers stay as they are."""

    def safe(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(safe(part) for part in value)
        return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value

    columns = [
        column if pd.api.types.is_numeric_dtype(column) else column.astype(object).map(safe)
        for _, column in table.items()
    ]
    index = table.index if pd.api.types.is_numeric_dtype(table.index) else table.index.map(safe)
    index = index.set_names([safe(name) for name in table.index.names])
    if not columns:
        return table.set_axis(index)
    safe_table = pd.concat([column.set_axis(index) for column in columns], axis=1)
    return safe_table.set_axis(table.columns.map(safe), axis=1)
