import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.indicators import REASONS, compute, gap_reasons


def reasons(tables, groups=None):
    values = compute(tables, groups)
    found = gap_reasons(values, tables, groups)
    cells = found.set_index(["code", "indicator"])["reason"]
    missing = values.isna().stack()
    assert set(cells.index) == set(missing[missing].index)
    assert not cells.index.has_duplicates
    assert set(cells) <= set(REASONS) - {"unknown"}
    return cells


def test_reasons_by_hand(tables):
    found = reasons(tables)
    assert found["901003", "residents"] == "not_in_source"
    assert found["901003", "net_commuting_rate"] == "not_in_source"
    assert found["901004", "snai_class"] == "not_in_source"
    assert found["901004", "residents_self_containment"] == "zero_denominator"
    assert found["901004", "population_density"] == "zero_denominator"
    assert found["901001", "women_over_80_share"] == "zero_denominator"
    assert found["901001", "landslide_heritage_share"] == "zero_denominator"
    assert found["901001", "flood_buildings_share"] == "column_missing"
    assert ("901004", "jobs_self_containment") not in found.index  # 0 of 10 jobs is a value


def test_reasons_of_groups(tables):
    groups = pd.Series({"901001": "g", "901002": "g", "901003": "h"})
    found = reasons(tables, groups)
    assert found["g", "snai_class"] == "category_of_group"
    assert found["h", "residents"] == "member_without_data"
    assert found["h", "minutes_to_pole"] == "member_without_data"
    assert ("g", "residents") not in found.index


@pytest.mark.parametrize("name", ["population", "flows", "hazards", "inner_areas", "classification"])
def test_absent_table(tables, name):
    found = reasons({**tables, name: None})
    del tables[name]
    pd.testing.assert_series_equal(found, reasons(tables))
    example = {
        "population": "residents",
        "flows": "resident_workers",
        "hazards": "flood_area_share",
        "inner_areas": "minutes_to_pole",
        "classification": "degurba",
    }[name]
    assert (found.xs(example, level="indicator") == "source_missing").all()
    assert len(found.xs(example, level="indicator")) == 4


def test_only_municipalities(tables):
    found = reasons({"municipalities": tables["municipalities"]})
    assert set(found) == {"source_missing"}


def test_a_cell_that_should_have_a_value_is_unknown(tables):
    values = compute(tables)
    values.loc["901001", "residents"] = float("nan")
    found = gap_reasons(values, tables).set_index(["code", "indicator"])["reason"]
    assert found["901001", "residents"] == "unknown"


def test_no_gap(make_tables):
    tables = make_tables()
    found = gap_reasons(compute(tables), tables)
    assert found.empty
    assert list(found) == ["code", "indicator", "reason"]


def test_reasons_are_told_in_both_languages():
    for texts in REASONS.values():
        assert set(texts) == {"it", "en"}
        assert all(texts.values())


@given(seed=st.integers(0, 10**6), data=st.data())
def test_every_gap_has_a_reason(make_tables, seed, data):
    tables = make_tables(seed, number=8, ends=10)
    codes = list(tables["municipalities"].index)
    for name in ("population", "hazards", "inner_areas", "classification"):
        lost = data.draw(st.sets(st.sampled_from(codes), max_size=8))
        tables[name] = tables[name].drop(index=list(lost))
        if len(tables[name]) and data.draw(st.booleans()):
            tables[name].iloc[0, 0] = None
    tables["flows"] = tables["flows"].iloc[: data.draw(st.integers(0, 12))]
    reasons(tables)
    reasons(tables, pd.Series([0, 0, 0, 1, 1, 1, 2, 2], index=codes))
