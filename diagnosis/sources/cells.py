"""Cells of a table of unknown make as codes, texts and numbers; what cannot be one is named with its row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from diagnosis.errors import EXAMPLES_SHOWN, InputError, examples

if TYPE_CHECKING:
    import pyarrow as pa

    from diagnosis.sources.tabular import Columns


def positions_of(column: pa.ChunkedArray) -> tuple[np.ndarray, pd.Index, bool]:
    """Write a column of codes as text without blanks around it, each code once.

    Returns
    -------
    positions : ndarray of int
        Of each row's code in `codes`; -1 where there is none.
    codes : Index of str
    from_numbers : bool
        The codes were stored as numbers, so that leading zeros, if there were any, are lost.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    encoded = pc.dictionary_encode(column).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # no chunk at all
        encoded = pa.array([], column.type).dictionary_encode()
    texts = [cell_text(value).strip() for value in encoded.dictionary.to_pylist()]
    from_numbers = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    # Whole numbers that went through a program with decimals: 1001.0
    if any(texts) and all(re.fullmatch(r"[0-9]+\.0+", text) for text in texts if text):
        texts, from_numbers = [text.partition(".")[0] for text in texts], True
    number, codes = pd.factorize(np.array([text or None for text in texts], dtype=object))
    rows = encoded.indices.fill_null(len(texts)).to_numpy()
    return np.append(number, -1)[rows], pd.Index(codes, dtype="str"), from_numbers


def texts_of(column: pa.ChunkedArray) -> pd.Series:
    """Write a column as text without blanks around it; missing where a cell is empty."""
    positions, codes, _ = positions_of(column)
    return pd.Series(codes.append(pd.Index([None], dtype="str"))[positions], dtype="str")


def numbers_of(columns: Columns, name: str, origin: str) -> np.ndarray:
    """Read a column of numbers, decimals with a point or a comma.

    Returns
    -------
    ndarray
        Whole numbers where all are, otherwise decimals.

    Raises
    ------
    diagnosis.errors.InputError
        A cell is empty, not a number, infinite or negative, or thousands are separated, which cannot be told from
        decimals; with the rows.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = columns.table.column(name)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
        if pc.any(pc.match_substring(column, ",")).as_py() or pc.any(pc.match_substring(column, ".")).as_py():
            column = _with_points(column, columns, name, origin)
    try:
        values = pc.cast(column, pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        values = pd.to_numeric(column.to_pandas(), errors="coerce").to_numpy("float64", na_value=np.nan)
    given = columns.table.column(name)
    for rule, wrong in (
        ("must be numbers", ~np.isfinite(values)),
        ("must be at least 0", values < 0),
    ):
        if wrong.any():
            rows = np.flatnonzero(wrong)
            shown = [f"row {row + columns.first_row}: {given[int(row)].as_py()!r}" for row in rows[:6]]
            raise InputError(
                f"{origin}: the {name} in {columns.headings[name]!r} {rule}",
                f"{len(rows)} of {len(values)} are not; {_join(shown)}",
                "Correct or remove these rows",
            )
    return values


def _join(texts: Sequence[str]) -> str:
    return ", ".join(texts[:EXAMPLES_SHOWN])


def _with_points(column: pa.ChunkedArray, columns: Columns, name: str, origin: str) -> pa.ChunkedArray:
    """Write decimal commas as points; refuse separators that may be of thousands."""
    import pyarrow.compute as pc

    cells = pd.Series(pc.unique(column).to_pylist(), dtype="str")
    for sign in (",", "."):
        signed = cells[cells.str.contains(sign, regex=False)]
        plain = pd.to_numeric(cells[~cells.str.contains("[.,]")], errors="coerce")
        grouped = signed.str.fullmatch(rf"[1-9][0-9]{{0,2}}(\{sign}[0-9]{{3}})+(\D[0-9]+)?")
        if len(signed) and grouped.all() and not (plain >= 1000).any():
            raise InputError(
                f"{origin}: the {name} in {columns.headings[name]!r} must be without separators of thousands",
                f"found {examples(signed)}, which may be thousands or decimals",
                "Write 1234 or, where decimals are meant, 1.2340",
            )
    if cells.str.contains(",", regex=False).any() and not cells.str.contains(".", regex=False).any():
        return pc.replace_substring(column, ",", ".")
    return column


def cell_text(value: object) -> str:
    """Write a cell of a workbook as text: whole numbers, which it stores as decimals, without their zero."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
