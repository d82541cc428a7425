"""The municipalities around a territory, which its maps show too."""

from __future__ import annotations

import pandas as pd

CONTEXT_KM = 40


def around(municipalities: pd.DataFrame, codes: pd.Index) -> pd.DataFrame:
    """Municipalities near the territory but not in it, as background of maps."""
    west, south, east, north = municipalities.loc[codes].total_bounds
    reach = CONTEXT_KM * 1000
    near = municipalities.cx[west - reach : east + reach, south - reach : north + reach]
    return near.loc[~near.index.isin(codes), ["name", "geometry"]]
