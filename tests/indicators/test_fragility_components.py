"""The components of the fragility index on the real data, beside what ISTAT published of its own index."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.frameworks import load_framework
from diagnosis.indicators import compute
from diagnosis.national.fragility import prepare_scoring


def test_dependency_ratio_to_20_64(tables):
    values = compute(tables, only=["dependency_ratio_20_64"])["dependency_ratio_20_64"]
    # 901001: 10 of age 2 and 10 of 17 are young, 10 men of 10, 30 women of 70; 20 women of 30 and 20 men of 62 work
    ages = tables["population"].loc["901001"]
    outside = sum(number for age, number in ages.items() if not 20 <= int(age[1:]) <= 64)
    inside = sum(number for age, number in ages.items() if 20 <= int(age[1:]) <= 64)
    assert values["901001"] == pytest.approx(100 * outside / inside)
    assert np.isnan(values["901003"])  # no population


def test_index_of_italy_leans_where_istat_says(italy):
    """ISTAT, 2022 on the base of 2018: 46.3 % of the municipalities of the islands and 60.4 % of those of Calabria in
    deciles 9 and 10, where less than a tenth of the residents live."""
    names = [part.indicator for part in load_framework("fragility").at_hand]
    values = compute(italy, only=names)
    codes = italy["municipalities"].index
    country = compute(italy, pd.Series("IT", index=codes), only=names)
    score = prepare_scoring(values, country, load_catalogue(), {}).score()["fragility"].drop("IT")
    assert score.notna().sum() >= 7890
    worst = score.rank(ascending=False) <= score.notna().sum() / 5
    region = italy["municipalities"]["region_name"]
    assert 0.40 < worst[region.isin(["Sicilia", "Sardegna"])].mean() < 0.50
    assert 0.50 < worst[region == "Calabria"].mean() < 0.62
    assert worst[region == "Veneto"].mean() < 0.05
    residents = compute(italy, only=["residents"])["residents"]
    assert residents[worst].sum() / residents.sum() < 0.10
