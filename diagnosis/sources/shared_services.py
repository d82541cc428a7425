"""Services that municipalities run together already: a table of who does what with whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples
from diagnosis.sources.cells import texts_of
from diagnosis.sources.geographies import CODE, match_codes
from diagnosis.sources.tabular import Role, read_columns

SERVICE = Role("service", ("service", "servizio", "funzione", "function", "nome_servizio"))
MUNICIPALITY = Role("municipality", ("municipality", "comune", *CODE.headings))
LEAD = Role(
    "lead",
    ("lead", "capofila", "codice_capofila", "comune_capofila", "ente_capofila", "partner", "codice_partner"),
    exclusive=True,
)


def read_shared_services(path: str | Path, codes: pd.Index) -> pd.DataFrame:
    """Read which municipalities run which service together.

    Parameters
    ----------
    path : str or Path
        Text, xlsx or Parquet with the columns `service`, `municipality` (code) and `lead` or `partner` (code of the
        one that leads, or of another one of the group).
    codes : Index of str
        Codes of the municipalities there are.

    Returns
    -------
    DataFrame
        `code`, `group` (the service and a number), `service`, sorted: municipalities tied by rows of one service are
        one group.

    Raises
    ------
    diagnosis.errors.InputError
        The file is not such a table, a row lacks an entry, or names a code that does not exist.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    path = Path(path)
    columns = read_columns(path, (SERVICE, MUNICIPALITY, LEAD), {})
    frame = pd.DataFrame({item: texts_of(columns.table.column(item)) for item in columns.table.column_names})
    frame = frame[["service", "municipality", "lead"]].dropna(how="all")
    if (gaps := frame.isna().any(axis=1)).any() or frame.empty:
        rows = np.flatnonzero(gaps.to_numpy()) + columns.first_row
        raise InputError(
            f"{path.name}: every row needs a service, a municipality and the one that leads it or takes part in it",
            f"rows without one of them: {examples(rows.tolist())}" if len(rows) else "the table has no rows",
        )
    named = pd.Index(pd.unique(pd.concat([frame["municipality"], frame["lead"]])))
    known = match_codes(named, codes)
    if (strange := known.isna()).any():
        raise InputError(
            f"{path.name}: municipalities are named by their 6-digit code",
            f"these are none: {examples(known.index[strange])}",
            "Correct them; the codes are those of 2022",
        )
    groups = []
    for service, rows in frame.groupby("service", sort=True):
        ends = [rows[name].map(known).to_numpy() for name in ("municipality", "lead")]
        members, position = np.unique(np.concatenate(ends).astype(str), return_inverse=True)
        first, second = np.split(position, 2)
        ties = coo_array((np.ones(len(first)), (first, second)), shape=(len(members),) * 2)
        number = connected_components(ties, directed=False)[1]
        groups.append(
            pd.DataFrame(
                {"code": members, "group": [f"{service} {n + 1}" for n in number], "service": service}
            )
        )
    return pd.concat(groups, ignore_index=True)
