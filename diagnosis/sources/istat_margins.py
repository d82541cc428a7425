"""ISTAT: what the commuting matrix of 2021 adds up to for each municipality, as its republications give it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited
from diagnosis.tables import MARGINS, VINTAGE


def read_margins(path: Path) -> pd.DataFrame:
    """Read the margins of the matrix of commuting to work of 2021.

    Parameters
    ----------
    path : Path
        CSV with the columns ``code``, ``total_out``, ``total_in``, ``internal``, ``n_destinations``, ``n_origins``.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.MARGINS`, whole numbers, a row for every municipality of 2022 (the
        codes of 2021 are the same), sorted. Totals leave out the internal commuters, the numbers of connections the
        municipality itself.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not a table of this layout.
    diagnosis.errors.InputError
        A value is missing, negative or not whole, a municipality is missing, unknown or repeated, or the totals out
        and in differ.
    """
    path = Path(path)
    names = {name: name for name in ("code", *MARGINS.columns)}
    frame = MARGINS.check(pick_columns(read_delimited(path), names, path), path.name).sort_index()
    known = read_register().index
    for what, codes in (
        ("every code must be a municipality", frame.index.difference(known)),
        ("there must be a row for every municipality", known.difference(frame.index)),
    ):
        if len(codes):
            raise InputError(
                f"{path.name}: {what} of {VINTAGE}",
                f"{len(codes)} break this: {examples(codes)}",
                "Use the margins of the matrix of 2021, which has the same municipalities",
            )
    for name, values in frame.items():
        if (broken := values % 1 != 0).any():
            raise InputError(
                f"{path.name}: {name!r} must hold whole numbers", f"found {examples(values[broken])}"
            )
    for out, into in (("total_out", "total_in"), ("n_destinations", "n_origins")):
        if frame[out].sum() != frame[into].sum():
            raise InputError(
                f"{path.name}: {out!r} and {into!r} must add up to the same",
                f"they add up to {frame[out].sum():.0f} and {frame[into].sum():.0f}",
            )
    frame = frame.astype("int64")
    frame.attrs = {"vintage": VINTAGE, "notes": []}
    return frame
