import numpy as np
import pandas as pd
import pytest

from diagnosis.indicators import compute


def test_libraries_by_hand(tables):
    libraries = pd.DataFrame({"libraries": [2.0, 0, 1]}, index=["901001", "901002", "901003"])
    tables = {**tables, "libraries": libraries}
    values = compute(tables)
    assert values.at["901001", "libraries_per_10000_residents"] == 200
    assert values.at["901002", "libraries_per_10000_residents"] == 0
    assert values.at["901002", "municipalities_with_library_share"] == 0
    assert np.isnan(values.at["901003", "libraries_per_10000_residents"])  # no population
    assert np.isnan(values.at["901004", "municipalities_with_library_share"])  # not in the register's reach
    group = compute(tables, groups=pd.Series("g", index=["901001", "901002", "901003"])).loc["g"]
    assert group["municipalities_with_library_share"] == pytest.approx(200 / 3)
    assert group["residents_with_library_share"] == 50
    assert group["libraries_per_10000_residents"] == 100
