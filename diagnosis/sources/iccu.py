"""ICCU: the register of Italian libraries (Anagrafe delle biblioteche italiane)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from diagnosis.codes import format_codes
from diagnosis.errors import InputError, examples
from diagnosis.sources.embedded import read_register
from diagnosis.sources.formats import pick_columns, read_delimited
from diagnosis.tables import LIBRARIES, VINTAGE

SUCCESSORS = {
    # Comuni of Trento merged on 1 January 2020, ISTAT list of suppressed municipalities
    "022046": "022252",  # Castelfondo -> Borgo d'Anaunia
    "022088": "022252",  # Fondo -> Borgo d'Anaunia
    "022063": "022253",  # Cloz -> Novella
    "022152": "022253",  # Revò -> Novella
}
"""Codes the register still uses though the municipality was merged before 2022."""


def read_libraries(path: Path) -> pd.DataFrame:
    """Count the registered libraries of each municipality.

    The register holds libraries of every owner and kind (municipal, university, church, school, specialised) and does
    not say in this file which of them are open to everybody. Libraries enter it on request of their owner: a 0 says
    that none is registered. ISTAT's census of libraries of 2022, which leaves out schools and universities, finds one
    in 66.3 % of the municipalities; the register, in 65.5 %: so a 0 is taken as one.

    Parameters
    ----------
    path : Path
        CSV separated by semicolons, one row a library, with the column ``codice istat comune``. Names, addresses,
        coordinates (of 73 there are none) and, in the publisher's live file, contacts are not read.

    Returns
    -------
    DataFrame, 7,904 rows
        In the contract :data:`diagnosis.tables.LIBRARIES`.

    Raises
    ------
    diagnosis.errors.SourceError
        The file is not this table.
    diagnosis.errors.InputError
        A library is listed twice, or a code is neither a municipality of 2022 nor one of :data:`SUCCESSORS`.
    """
    path = Path(path)
    columns = {"codice-isil": "library", "codice istat comune": "code"}
    listed = pick_columns(read_delimited(path), columns, path)
    if (repeated := listed["library"].duplicated()).any():
        raise InputError(
            f"{path.name}: a library must be listed once",
            f"{int(repeated.sum())} are not: {examples(listed.loc[repeated, 'library'])}",
        )
    published = format_codes(listed["code"])
    codes = published.replace(SUCCESSORS)
    known = read_register().index
    if (unknown := ~codes.isin(known)).any():
        raise InputError(
            f"{path.name}: every code must be a municipality of {VINTAGE}",
            f"{int(unknown.sum())} are not: {examples(codes[unknown].unique())}",
            "Add the successor of a merged municipality to diagnosis/sources/iccu.py",
        )
    counts = codes.value_counts().reindex(known).fillna(0).astype("int64")
    frame = LIBRARIES.check(counts.to_frame("libraries").rename_axis("code").sort_index(), path.name)
    old = int((codes != published).sum())
    notes = [
        f"libraries: {old} of {len(listed)} libraries have codes of before {VINTAGE} and were given to the successor.",
        "libraries: 0 where the register lists none; it does not say which libraries are open to everybody.",
    ]
    frame.attrs = {"vintage": VINTAGE, "notes": notes}
    return frame
