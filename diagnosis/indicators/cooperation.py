"""Municipalities that already work together: which ones, in what."""

from __future__ import annotations

import pandas as pd

from diagnosis.tables.energy import ENERGY_ALLIANCES


def energy_alliances(signatories: pd.DataFrame) -> pd.DataFrame:
    """List the municipalities of each joint plan of the Covenant of Mayors.

    Parameters
    ----------
    signatories : DataFrame
        In the contract :data:`diagnosis.tables.energy.COVENANT_SIGNATORIES`.

    Returns
    -------
    DataFrame
        In the contract :data:`diagnosis.tables.energy.ENERGY_ALLIANCES`, sorted: `code`, `alliance` (the signatory
        that is the group), its name, `form`, `status` and `former`. Members that could not be matched to a
        municipality are not in it, nor are unions that signed without saying who their members are. A municipality
        has one row a plan, its own before that of a former one, an active one before one on hold.
    """
    members = signatories[(signatories["kind"] == "municipality") & signatories["group"].notna()]
    rows = members.rename(columns={"group": "alliance", "group_name": "alliance_name", "adhesion": "form"})
    rows = rows.assign(former=(rows["match"] == "former").astype(int))
    rows = rows.sort_values(
        ["code", "alliance", "former", "status"],
        ascending=[True, True, True, False],  # "published" before "on_hold"
    )
    rows = rows.drop_duplicates(["code", "alliance"])
    columns = ["code", "alliance", *ENERGY_ALLIANCES.columns]
    return ENERGY_ALLIANCES.check(rows[columns].reset_index(drop=True))
