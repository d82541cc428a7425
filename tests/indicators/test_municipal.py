import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.catalogue import load_catalogue
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.indicators import MEASURES, compute, coverage

FIRST = {
    # by hand, municipality 901001
    "residents": 100,
    "population_density": 2,
    "mean_age": (10 * 2.5 + 20 * 30.5 + 30 * 70.5 + 10 * 10.5 + 20 * 62.5 + 10 * 17.5) / 100,
    "old_age_index": 150,
    "dependency_ratio": 100,
    "old_age_dependency": 60,
    "parent_support_ratio": 0,
    "working_age_turnover": 200,
    "working_age_structure": 100 * 20 / 30,
    "under_3_share": 10,
    "school_age_share": 10,
    "youth_share": 10,
    "over_80_share": 0,
    "women_15_49_share": 20,
    "children_women_ratio": 50,
    "sex_ratio": 100 * 40 / 60,
    "women_over_80_share": np.nan,
    "small_municipalities_share": 100,
    "resident_workers": 100,
    "local_jobs": 110,
    "workers_per_100_adults": 250,
    "jobs_per_100_workers": 110,
    "residents_self_containment": 60,
    "jobs_self_containment": 100 * 60 / 110,
    "in_commuters_rate": 50,
    "net_commuting_rate": 10,
    "cross_boundary_share": 100 * 90 / 150,
    "main_destination_share": 20,
    "significant_destinations": 3,
    "landslide_area_share": 10,
    "landslide_residents_share": 10,
    "flood_residents_share": 0,
    "flood_heritage_share": np.nan,
    "minutes_to_pole": 0,
    "inner_areas_residents_share": 0,
    "rural_residents_share": 0,
    "centre_altitude": 10,
}
GROUP = {
    # by hand, municipalities 901001 and 901002 together
    "residents": 200,
    "population_density": 200 / 150,
    "old_age_index": 100 * 70 / 20,
    "dependency_ratio": 100 * 90 / 110,
    "small_municipalities_share": 100,
    "resident_workers": 150,
    "local_jobs": 140,
    "jobs_per_100_workers": 100 * 140 / 150,
    "residents_self_containment": 100 * 130 / 150,
    "jobs_self_containment": 100 * 130 / 140,
    "in_commuters_rate": 100 * 10 / 150,
    "net_commuting_rate": -5,
    "cross_boundary_share": 100 * 30 / 160,
    "main_destination_share": 100 * 10 / 150,
    "significant_destinations": 2,
    "landslide_area_share": 100 * 5 / 150,
    "landslide_residents_share": 20,
    "landslide_heritage_share": 25,
    "minutes_to_pole": 20,
    "inner_areas_municipalities_share": 50,
    "inner_areas_residents_share": 50,
    "rural_residents_share": 50,
    "mountain_residents_share": 50,
    "centre_altitude": 405,
}


def test_municipality_by_hand(tables):
    values = compute(tables).loc["901001"]
    for name, expected in FIRST.items():
        assert values[name] == pytest.approx(expected, nan_ok=True), name
    assert list(values[["snai_class", "degurba", "altimetric_zone"]]) == ["A", "1", "5"]


def test_group_by_hand_is_recomputed_from_counts(tables):
    groups = pd.Series("g", index=["901001", "901002"])
    values = compute(tables, groups=groups)
    assert list(values.index) == ["g"]
    for name, expected in GROUP.items():
        assert values.loc["g", name] == pytest.approx(expected), name
    mean_of_rates = compute(tables).loc[groups.index, "residents_self_containment"].mean()
    assert mean_of_rates == pytest.approx(40)  # far from 86.7: the mean of rates is not the rate of the group


def test_flows_out_of_the_country_count_as_leaving(tables):
    values = compute(tables).loc["901003"]
    assert values["resident_workers"] == 20
    assert values["residents_self_containment"] == 25
    assert values["main_destination_share"] == 50
    assert values["significant_destinations"] == 2
    whole = compute(tables, groups=pd.Series("all", index=tables["municipalities"].index)).loc["all"]
    assert whole["residents_self_containment"] == pytest.approx(100 * 165 / 170)
    assert whole["main_destination_share"] == pytest.approx(100 * 5 / 170)


def test_members_without_data_are_left_out_of_both_sums(tables):
    groups = pd.Series("g", index=["901001", "901003"])  # 901003 has no population
    values = compute(tables, groups=groups).loc["g"]
    assert values["population_density"] == 2  # its area is left out as well
    assert values["net_commuting_rate"] == 10
    assert values["minutes_to_pole"] == 0
    assert values["resident_workers"] == 120
    shares = coverage(tables, groups).loc["g"]
    assert shares.to_dict() == {
        "members": 2,
        "population": 0.5,
        "flows": 1,
        "hazards": 1,
        "inner_areas": 1,
        "classification": 1,
    }


def test_coverage_without_tables(tables):
    found = coverage({"municipalities": tables["municipalities"], "flows": None})
    assert (found["members"] == 1).all()
    assert (found.drop(columns="members") == 0).all(axis=None)


def test_empty_cell_of_the_population_is_no_data(tables):
    tables["population"].loc["901001", "m44"] = np.nan
    values = compute(tables).loc["901001"]
    assert values[["residents", "old_age_index", "inner_areas_residents_share"]].isna().all()


def test_every_code_is_kept_in_its_order_and_gaps_stay_missing(tables):
    shuffled = {**tables, "municipalities": tables["municipalities"].iloc[::-1]}
    values = compute(shuffled)
    assert list(values.index) == list(shuffled["municipalities"].index)
    assert values.index.name == "code"
    pd.testing.assert_frame_equal(values.sort_index(), compute(tables))
    assert pd.isna(values.loc["901003", "residents"])
    assert pd.isna(values.loc["901004", "snai_class"])


def test_row_order_and_categorical_codes_do_not_matter(tables):
    flows = tables["flows"].sample(frac=1, random_state=1)
    flows[["origin", "destination"]] = flows[["origin", "destination"]].astype("category")
    other = {name: table.sample(frac=1, random_state=2) for name, table in tables.items()}
    other |= {"municipalities": tables["municipalities"], "flows": flows}
    pd.testing.assert_frame_equal(compute(other), compute(tables))


def test_renaming_the_codes_changes_nothing_but_the_index(tables):
    new = {"901001": "800009", "901002": "700001", "901003": "600000", "901004": "500000", "999999": "999999"}
    renamed = {name: table.rename(index=new) for name, table in tables.items() if name != "flows"}
    renamed["flows"] = tables["flows"].assign(
        origin=tables["flows"]["origin"].map(new), destination=tables["flows"]["destination"].map(new)
    )
    pd.testing.assert_frame_equal(compute(renamed), compute(tables).rename(index=new))


def test_only_some_and_their_order(tables):
    values = compute(tables, only=["flood_area_share", "residents"])
    assert list(values) == ["flood_area_share", "residents"]
    pd.testing.assert_frame_equal(values, compute(tables)[["flood_area_share", "residents"]])
    with pytest.raises(UnknownNameError, match="'old_age_index'"):
        compute(tables, only=["old_age_indx"])


def test_bad_groups(tables):
    with pytest.raises(InputError, match="one group only"):
        compute(tables, groups=pd.Series(["a", "b"], index=["901001", "901001"]))
    with pytest.raises(InputError, match="'999999'"):
        compute(tables, groups=pd.Series("a", index=["999999"]))
    with pytest.raises(InputError, match="municipalities is needed"):
        compute({"population": tables["population"]})


def test_missing_group_id_is_outside(tables):
    groups = pd.Series(["g", None], index=["901001", "901002"])
    pd.testing.assert_frame_equal(
        compute(tables, groups=groups), compute(tables, groups=groups.dropna().astype("str"))
    )


def test_no_flows_at_all(tables):
    values = compute({**tables, "flows": tables["flows"].iloc[:0]})
    assert values["resident_workers"].isna().all()
    assert values["residents"].notna().sum() == 3


def test_measures_and_catalogue_are_the_same_list():
    catalogue = load_catalogue()
    items = catalogue.select(level="municipality")
    assert [item.id for item in items] == list(MEASURES)
    for item in items:
        measure = MEASURES[item.id]
        assert (item.kind == "category") == (measure.kind == "category"), item.id
        if item.kind == "ratio":
            assert measure.denominator, item.id
        if item.kind == "count":
            assert not measure.denominator, item.id
        if item.unit.en == "%" or item.unit.en.startswith("per 100"):
            assert measure.factor == 100, item.id


def test_no_two_indicators_are_the_same_up_to_a_factor(make_tables):
    tables = make_tables()
    groups = pd.Series(np.arange(60) // 4, index=tables["municipalities"].index)
    # groups have no class, and no emissions unless all members count them alike
    values = compute(tables, groups=groups).select_dtypes("number").dropna(axis=1)
    assert values.shape[1] > 80
    scaled = values / values.abs().max()
    names = list(scaled)
    for position, first in enumerate(names):
        for second in names[position + 1 :]:
            assert not np.allclose(scaled[first], scaled[second]), (first, second)


def test_shares_for_groups_are_0_or_100_for_one_municipality(make_tables):
    values = compute(make_tables())
    for item in load_catalogue().select(level="municipality"):
        if item.for_groups:
            assert set(values[item.id]) <= {0.0, 100.0}, item.id


@given(seed=st.integers(0, 10**6))
def test_groups_of_one_are_the_municipalities(make_tables, seed):
    tables = make_tables(seed, number=12, ends=40)
    codes = tables["municipalities"].index
    alone = compute(tables, groups=pd.Series(codes, index=codes))
    single = compute(tables)
    numbers = [name for name, measure in MEASURES.items() if measure.kind != "category"]
    pd.testing.assert_frame_equal(alone[numbers], single[numbers], check_names=False)


@given(seed=st.integers(0, 10**6), number=st.integers(1, 5))
def test_a_group_does_not_depend_on_the_others(make_tables, seed, number):
    tables = make_tables(seed, number=12, ends=40)
    codes = tables["municipalities"].index
    groups = pd.Series(np.random.default_rng(seed).integers(0, number, len(codes)), index=codes)
    together = compute(tables, groups=groups)
    for group in together.index:
        alone = compute(tables, groups=groups[groups == group])
        pd.testing.assert_frame_equal(alone, together.loc[[group]])


@given(seed=st.integers(0, 10**6))
def test_commuting_identities(make_tables, seed):
    values = compute(make_tables(seed, number=12, ends=40))
    contained = values["residents_self_containment"]
    assert np.allclose(contained + values["in_commuters_rate"], values["jobs_per_100_workers"])
    assert (values["main_destination_share"] <= 100 - contained + 1e-9).all()
    assert values["significant_destinations"].between(0, 20).all()
    workers, jobs = values["resident_workers"], values["local_jobs"]
    assert np.allclose(values["jobs_self_containment"] * jobs, contained * workers)
