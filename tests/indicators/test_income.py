import numpy as np
import pandas as pd
import pytest

from diagnosis.indicators import compute, gap_reasons
from diagnosis.indicators.income import MEASURES

CODES = ["901001", "901002", "901003", "901004"]
TOTALS = ("income_per_taxpayer", "income_per_resident", "taxpayers_per_100_residents", "net_tax_share")


@pytest.fixture
def declared(tables):
    """Municipality 4 has no figures; of 2 the highest class is secret."""
    income = pd.DataFrame(
        {
            "taxpayers": [50.0, 80, 10, np.nan],
            "total_income": [1_000_000.0, 2_000_000, 100_000, np.nan],
            "taxable_income": [900_000.0, 1_900_000, 90_000, np.nan],
            "net_tax": [150_000.0, 400_000, 5_000, np.nan],
            "employment_income": [600_000.0, 1_500_000, 20_000, np.nan],
            "pension_income": [300_000.0, 300_000, 80_000, np.nan],
            "income_filers": [48.0, 80, 10, np.nan],
            "filers_up_to_10000": [12.0, 20, 5, np.nan],
            "filers_75000_to_120000": [4.0, 6, 0, np.nan],
            "filers_over_120000": [2.0, np.nan, 0, np.nan],
            "masked": [None, "filers_over_120000", None, None],
        },
        index=CODES,
    )
    return tables | {"income": income}


def test_values_by_hand(declared):
    values = compute(declared, only=MEASURES)
    assert values["income_per_taxpayer"].tolist()[:3] == [20_000, 25_000, 10_000]
    assert values["income_per_resident"].tolist()[:2] == [10_000, 20_000]  # 100 residents each
    assert values["taxpayers_per_100_residents"].tolist()[:2] == [50, 80]
    assert values["net_tax_share"].tolist()[:3] == [15, 20, 5]
    assert values["employment_income_share"].tolist()[:3] == [60, 75, 20]
    assert values["pension_income_share"].tolist()[:3] == [30, 15, 80]
    assert values["low_income_share"].tolist()[:3] == [25, 25, 50]
    assert values.loc["901001", "high_income_share"] == 12.5
    assert values.loc["901004"].isna().all()


def test_a_secret_cell_is_missing_for_its_group_too(declared):
    groups = pd.Series({"901001": "a", "901002": "a", "901003": "b", "901004": "b"})
    values = compute(declared, groups, MEASURES)
    assert values.at["a", "income_per_taxpayer"] == pytest.approx(3_000_000 / 130)
    assert pd.isna(values.at["a", "high_income_share"])
    assert values.at["b", "high_income_share"] == 0  # 901004 is not secret: it is not in the source
    reasons = gap_reasons(values, declared, groups).set_index(["code", "indicator"])["reason"]
    assert reasons["a", "high_income_share"] == "masked"
    alone = gap_reasons(compute(declared, only=MEASURES), declared).set_index(["code", "indicator"])["reason"]
    assert alone["901002", "high_income_share"] == "masked"
    assert alone["901004", "high_income_share"] == "not_in_source"


def test_totals_alone(declared):
    declared["income"] = declared["income"][["taxpayers", "total_income", "taxable_income", "net_tax"]]
    values = compute(declared, only=MEASURES)
    assert values[list(TOTALS)].notna().any().all()
    assert values[[name for name in MEASURES if name not in TOTALS]].isna().all(axis=None)
    reasons = gap_reasons(values, declared)
    assert set(reasons.loc[reasons["indicator"] == "low_income_share", "reason"]) == {"column_missing"}


def test_without_the_source(tables):
    values = compute(tables, only=MEASURES)
    assert values.isna().all(axis=None)
    assert set(gap_reasons(values, tables)["reason"]) == {"source_missing"}
