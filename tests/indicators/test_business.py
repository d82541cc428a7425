import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.indicators import compute, gap_reasons, gather_fractions
from diagnosis.indicators.business import MEASURES
from diagnosis.indicators.measures import Units
from diagnosis.tables import BUSINESS

CODES = ["901001", "901002", "901003", "901004"]
COLUMNS = [name for name in BUSINESS.columns if name != "masked"]
SECRET = "persons_employed employees wages value_added turnover"


def row(persons, units=10.0, factor=1.0):
    """One area: 80 % employees, half of the persons in industry, 20 and 50 thousand euros a head."""
    whole = [units, persons, 0.8 * persons, 16.0 * persons, 50.0 * persons]
    half = [value / 2 for value in whole]
    return [factor * value for value in (*whole, *half, *half, 200.0 * persons)]


@pytest.fixture
def enterprises(tables):
    """Municipality 2 is secret. Provinces 901 (1 and 2) and 902 (3 and 4), both of region 99, have published totals."""
    rows = {"901001": row(40.0), "901002": row(np.nan), "901003": row(20.0), "901004": row(600.0, 30.0)}
    areas = {
        "901": row(100.0, 20.0),
        "902": row(620.0, 40.0),
        "R99": row(720.0, 60.0),
        "IT": row(720.0, 60.0),
    }
    business = pd.DataFrame.from_dict(rows | areas, orient="index", columns=COLUMNS)
    business["masked"] = pd.Series({"901002": SECRET}, dtype="str")
    business.loc["901002", ["industry_local_units", "services_local_units"]] = 5.0
    provinces = pd.DataFrame({"province": ["901", "901", "902", "902"], "region": "99"}, index=CODES)
    tables["municipalities"] = tables["municipalities"].join(provinces)
    return tables | {"business": business}


def reason(values, tables, groups=None):
    return gap_reasons(values, tables, groups).set_index(["code", "indicator"])["reason"]


def test_values_by_hand(enterprises):
    values = compute(enterprises, only=MEASURES).loc["901001"]
    assert values["persons_employed_per_100_adults"] == 100  # of 40 residents aged 20-64
    assert values["local_units_per_1000_residents"] == 100
    assert values["local_unit_size"] == 4
    assert values["employees_share"] == 80
    assert values["wage_per_employee"] == 20_000
    assert values["labour_productivity"] == 50_000
    assert values["value_added_per_resident"] == 20_000
    assert values["value_added_turnover_share"] == 25
    assert values["wage_share"] == 32
    assert values["industry_employment_share"] == 50
    assert values["services_labour_productivity"] == 50_000


def test_what_is_secret_is_missing_with_its_reason(enterprises):
    values = compute(enterprises, only=MEASURES)
    assert pd.isna(values.at["901002", "labour_productivity"])
    assert values.at["901002", "local_units_per_1000_residents"] == 100
    assert reason(values, enterprises)["901002", "labour_productivity"] == "masked"


def test_group_with_a_secret_member_is_missing_not_the_rest_of_it(enterprises):
    groups = pd.Series({"901001": "a", "901002": "a", "901003": "a"})
    values = compute(enterprises, groups, MEASURES)
    assert pd.isna(values.at["a", "labour_productivity"])
    assert (
        values.at["a", "local_units_per_1000_residents"] == 100
    )  # 901003 has no population, hence is left out
    assert reason(values, enterprises, groups)["a", "labour_productivity"] == "masked"
    above, below = gather_fractions(enterprises, groups, ["labour_productivity"])
    assert above.isna().all(axis=None)
    assert below.isna().all(axis=None)


def test_published_areas_have_their_published_totals(enterprises):
    province = compute(enterprises, pd.Series("x", index=CODES[:2]), MEASURES).loc["x"]
    assert province["local_unit_size"] == 100 / 20
    assert province["labour_productivity"] == 50_000
    assert province["persons_employed_per_100_adults"] == 100  # 40 and 60 adults
    country = compute(enterprises, pd.Series("x", index=CODES), MEASURES).loc["x"]
    assert country["local_unit_size"] == 720 / 60
    part = compute(enterprises, pd.Series("x", index=CODES[1:]), MEASURES)
    assert part["local_unit_size"].isna().all()


def test_members_without_population_are_taken_off_published_totals(enterprises):
    values = compute(enterprises, pd.Series("x", index=CODES), ["value_added_per_resident"])
    residents = 100 + 100 + 6000
    assert values.at["x", "value_added_per_resident"] == pytest.approx(1000 * 50 * (720 - 20) / residents)
    enterprises["population"] = enterprises["population"].drop(index="901002")  # then a secret one has none
    values = compute(enterprises, pd.Series("x", index=CODES), ["value_added_per_resident"])
    assert values["value_added_per_resident"].isna().all()


def test_without_published_totals_the_country_is_missing(enterprises):
    enterprises["business"] = enterprises["business"].loc[CODES]
    groups = pd.Series("x", index=CODES)
    values = compute(enterprises, groups, MEASURES)
    assert reason(values, enterprises, groups)["x", "wage_per_employee"] == "masked"


def test_value_added_below_zero_is_no_denominator(enterprises):
    enterprises["business"].loc["901001", "value_added"] = -5.0
    values = compute(enterprises, only=["wage_share", "labour_productivity"])
    assert values.at["901001", "labour_productivity"] == -125
    assert reason(values, enterprises)["901001", "wage_share"] == "zero_denominator"


def test_without_the_source(tables):
    values = compute(tables, only=MEASURES)
    assert set(gap_reasons(values, tables)["reason"]) == {"source_missing"}


@given(data=st.data())
def test_units_that_are_a_whole_area(data):
    number = 9
    codes = pd.Index([f"{place:06d}" for place in range(number)])
    areas = np.array(
        data.draw(st.lists(st.sampled_from("abc"), min_size=number, max_size=number)), dtype=object
    )
    groups = pd.Series(
        data.draw(st.lists(st.sampled_from(["x", "y", None]), min_size=number, max_size=number)), codes
    )
    units = Units.of({"municipalities": pd.DataFrame(index=codes)}, groups)
    for unit, found in zip(units.index, units.match(areas), strict=True):
        members = set(codes[groups == unit])
        whole = [area for area in set(areas) if set(codes[areas == area]) == members]
        assert [found] == (whole or [None])


@given(secret=st.sets(st.integers(0, 7)), data=st.data())
def test_no_group_value_rests_on_a_part_of_its_members(make_tables, secret, data):
    tables = make_tables(3, number=8, ends=10)
    codes = tables["municipalities"].index
    business = pd.DataFrame([row(10.0 + place) for place in range(8)], index=codes, columns=COLUMNS)
    business["masked"] = [SECRET if place in secret else None for place in range(8)]
    business.loc[business["masked"].notna(), SECRET.split()] = np.nan
    groups = pd.Series(data.draw(st.lists(st.sampled_from("ab"), min_size=8, max_size=8)), index=codes)
    values = compute(tables | {"business": business}, groups, ["labour_productivity"])["labour_productivity"]
    for group, members in groups.groupby(groups):
        hidden = business.loc[members.index, "masked"].notna().any()
        assert pd.isna(values[group]) == hidden


@pytest.mark.slow
def test_national_values_are_those_istat_publishes(mirror, italy):
    from diagnosis.sources.istat_frame import read_business

    tables = dict(italy) | {"business": read_business(mirror / "istat/frame_territoriale_2023.xlsx")}
    country = compute(tables, pd.Series("IT", index=tables["municipalities"].index), MEASURES).loc["IT"]
    published = {  # Tav. 1 and 2, row ITALIA
        "wage_per_employee": 28_549,
        "labour_productivity": 59_284,
        "industry_wage_per_employee": 33_281,
        "services_labour_productivity": 49_406,
    }
    for name, value in published.items():
        assert country[name] == pytest.approx(value, abs=1)
    assert country["wage_share"] == pytest.approx(35.6, abs=0.05)
    provinces = compute(tables, tables["municipalities"]["province"], MEASURES)
    assert provinces.notna().all(axis=None)
    assert len(provinces) == 107
