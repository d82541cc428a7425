"""What the contract of a table is: its columns, their types, and the check that holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

VINTAGE = "2022"
CRS = "EPSG:3035"
"""Metric equal-area system of all geometries (ETRS89 / LAEA Europe)."""


@dataclass(frozen=True)
class Column:
    """One column of a table: its kind and what its values must satisfy."""

    kind: str  # "text" or "number"
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()
    may_be_missing: bool = True
    unit: str = ""
    description: str = ""


@dataclass(frozen=True)
class Table:
    """The contract of one table."""

    name: str
    description: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ("code",)
    indexed: bool = True  # indexed by its one-column key; otherwise the key is columns

    def check(self, frame: pd.DataFrame, origin: str = "") -> pd.DataFrame:
        """Return `frame` with its columns in the contract's types, or say what breaks it.

        Parameters
        ----------
        frame : pandas.DataFrame
            Table as read: text or numbers; key as index or as columns.
        origin : str, optional
            File or publisher named in the error.

        Returns
        -------
        pandas.DataFrame
            Contract columns first, further columns kept behind them.

        Raises
        ------
        diagnosis.errors.InputError
            A column is missing, not numeric, out of range, or the key is empty or repeated.
        """
        label = f"{self.name} ({origin})" if origin else self.name
        keyed = set(self.key) & set(frame.index.names)
        names = pd.Index([*keyed, *frame.columns])
        if names.has_duplicates:
            repeated = names[names.duplicated()].unique()
            raise InputError(
                f"{label}: a column must be there once", f"repeated: {examples(map(str, repeated))}"
            )
        frame = frame.reset_index() if keyed else frame.copy()
        needed = [*self.key, *(name for name, column in self.columns.items() if column.required)]
        absent = [name for name in needed if name not in frame.columns]
        if absent:
            raise InputError(
                f"{label}: the columns {', '.join(needed)} are needed",
                f"missing: {examples(absent)}; found: {examples(map(str, frame.columns), 12)}",
                "Add or rename the columns",
            )
        for name in self.key:
            frame[name] = _text(frame[name])
            if (empty := frame[name].isna()).any():
                raise InputError(
                    f"{label}: every row needs a value in {name!r}", f"{int(empty.sum())} rows have none"
                )
        for name, column in self.columns.items():
            if name not in frame.columns or name in self.key:
                continue
            frame[name] = (
                _number(frame[name], column, label) if column.kind == "number" else _text(frame[name])
            )
            if column.values:
                self._check_values(frame, name, column, label)
            if not column.may_be_missing and (gap := frame[name].isna()).any():
                raise InputError(
                    f"{label}: {name!r} must have a value in every row",
                    f"{int(gap.sum())} are empty, for instance {examples(self._keys(frame, gap))}",
                    "Fill them or remove the rows",
                )
        if (repeated := frame.duplicated(list(self.key))).any():
            raise InputError(
                f"{label}: {' + '.join(self.key)} must be unique",
                f"{int(repeated.sum())} repeated, for instance {examples(self._keys(frame, repeated))}",
                "Add the rows up or remove the repeated ones",
            )
        order = [
            *(() if self.indexed else self.key),
            *(c for c in self.columns if c in frame and c not in self.key),
        ]
        if self.indexed:
            frame = frame.set_index(self.key[0])
        # Column by column leaves a frame in pieces; copied, pandas does not warn of it at the next column.
        return frame[[*order, *(c for c in frame.columns if c not in order)]].copy()

    def _keys(self, frame: pd.DataFrame, mask: pd.Series) -> list[str]:
        return ["/".join(row) for row in frame.loc[mask, list(self.key)].itertuples(index=False)]

    def _check_values(self, frame: pd.DataFrame, name: str, column: Column, label: str) -> None:
        wrong = sorted(set(frame[name].dropna().unique()) - set(column.values))
        if wrong:
            raise InputError(
                f"{label}: {name!r} must be one of {', '.join(column.values)}", f"found {examples(wrong)}"
            )


def _text(values: pd.Series) -> pd.Series:
    text = values.astype("str").str.strip()
    return text.where(values.notna() & (text != ""))


def _number(values: pd.Series, column: Column, label: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    if not isinstance(numbers.dtype, np.dtype):  # pandas' own types have a missing value that is not NaN
        numbers = numbers.astype("float64")
    blank = values.isna()
    if not pd.api.types.is_numeric_dtype(values):
        blank |= values.astype("str").str.strip() == ""
    broken = (numbers.isna() & ~blank) | np.isinf(numbers)
    if broken.any():
        raise InputError(
            f"{label}: {values.name!r} must hold numbers, with a point for decimals",
            f"{int(broken.sum())} do not, for instance {examples(values[broken].astype('str'))}",
        )
    for limit, wrong in (
        (column.minimum, numbers < column.minimum if column.minimum is not None else None),
        (column.maximum, numbers > column.maximum if column.maximum is not None else None),
    ):
        if wrong is not None and wrong.any():
            bound = "at least" if limit == column.minimum else "at most"
            raise InputError(
                f"{label}: {values.name!r} must be {bound} {limit:g}",
                f"{int(wrong.sum())} are not, for instance {examples(numbers[wrong])}",
            )
    return numbers


def count_columns(*names: str, unit: str = "residents") -> dict[str, Column]:
    """Return columns of numbers from 0 on."""
    return {name: Column("number", minimum=0, unit=unit) for name in names}


def area_table(name: str, description: str) -> Table:
    """Return the contract of a geography: one area for each municipality."""
    columns = {
        "area": Column("text", may_be_missing=False, description="code, or the name where there is none"),
        "area_name": Column("text", required=False),
    }
    return Table(name, description, columns)
