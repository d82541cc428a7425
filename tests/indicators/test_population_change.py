import numpy as np
import pandas as pd
import pytest

from diagnosis.indicators import compute


def by_year(residents, year, provisional):
    rows = pd.Series(residents, name="residents").rename_axis("code").reset_index()
    return rows.assign(year=year, provisional=provisional)


def test_change_by_hand(tables):
    later = by_year({"901001": 110, "901002": 90}, "2025", 0)
    latest = by_year({"901001": 121, "901002": 90}, "2026", 1)
    tables = {**tables, "residents_by_year": pd.concat([later, latest])}
    values = compute(tables)
    assert values.at["901001", "population_change"] == pytest.approx(10)
    assert values.at["901002", "population_change"] == pytest.approx(-10)
    assert values.at["901001", "population_change_provisional"] == pytest.approx(100)
    assert np.isnan(values.at["901004", "population_change"])  # merged since, or not there
    group = compute(tables, groups=pd.Series("g", index=["901001", "901002"])).loc["g"]
    assert group["population_change"] == 0
    assert group["population_change_provisional"] == pytest.approx(1000 * 11 / 200)


def test_a_provisional_count_never_enters_the_definitive_change(tables):
    wrong = pd.concat([by_year({"901001": 110}, "2025", 1), by_year({"901001": 121}, "2026", 0)])
    values = compute({**tables, "residents_by_year": wrong})
    assert values[["population_change", "population_change_provisional"]].isna().all(axis=None)
