import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite.imputation import impute_panel
from diagnosis.composite.panels import measure_trends, normalise_panel
from diagnosis.errors import InputError, UnknownNameError

NAN = np.nan


def panel(rows, names=("unit", "year"), columns="x"):
    index = pd.MultiIndex.from_tuples([row[0] for row in rows], names=names)
    return pd.DataFrame([row[1:] for row in rows], index=index, columns=list(columns), dtype=float)


@pytest.fixture
def two_years():
    return panel(
        [(("A", 2020), 1, 5), (("B", 2020), 3, 1), (("B", 2022), 5, 0), (("A", 2022), 2, 4)],
        columns=["x", "y"],
    )


DIRECTIONS = {"x": "positive", "y": "negative"}


def test_one_scale_for_all_years(two_years):
    found = normalise_panel(two_years, DIRECTIONS)
    assert found["x"].to_list() == [0, 50, 100, 25]
    np.testing.assert_allclose(found["y"], [0, 80, 100, 20])
    assert found.index.equals(two_years.index)


def test_scale_of_a_base_year(two_years):
    found = normalise_panel(two_years, DIRECTIONS, base=[2020])
    np.testing.assert_allclose(found["x"], [0, 100, 200, 50])
    np.testing.assert_allclose(found["y"], [0, 100, 125, 25])
    standard = normalise_panel(two_years, DIRECTIONS, "z_scores", base=[2020], mean=0, sd=1)
    np.testing.assert_allclose(standard["x"], [-1, 1, 3, 0])
    np.testing.assert_allclose(standard["y"], [-1, 1, 1.5, -0.5])
    everything = normalise_panel(two_years, DIRECTIONS, base=[2020, 2022])
    np.testing.assert_allclose(everything, normalise_panel(two_years, DIRECTIONS))


def test_every_year_on_its_own(two_years):
    found = normalise_panel(two_years, DIRECTIONS, each=True)
    assert found["x"].to_list() == [0, 100, 100, 0]
    assert found.index.equals(two_years.index)
    shuffled = two_years.iloc[[2, 0, 3, 1]]
    pd.testing.assert_frame_equal(normalise_panel(shuffled, DIRECTIONS, each=True), found.iloc[[2, 0, 3, 1]])


def test_hostile_panels(two_years):
    with pytest.raises(UnknownNameError, match="method"):
        normalise_panel(two_years, DIRECTIONS, "ranks")
    with pytest.raises(InputError, match="2019"):
        normalise_panel(two_years, DIRECTIONS, base=[2019])
    with pytest.raises(InputError, match="both were asked for"):
        normalise_panel(two_years, DIRECTIONS, base=[2020], each=True)
    for function in (
        lambda t, **k: normalise_panel(t, DIRECTIONS, **k),
        measure_trends,
        impute_panel,
    ):
        with pytest.raises(InputError, match="'Time'"):
            function(two_years, time="Time")
    twice = pd.concat([two_years, two_years.iloc[:1]])
    text = two_years.rename(index={2020: "then"})
    for function in (measure_trends, impute_panel):
        with pytest.raises(InputError, match="one row per unit and time"):
            function(twice)
        with pytest.raises(InputError, match="must hold numbers"):
            function(text)


def test_trends_by_hand():
    rows = [(("A", 2018 + t), 100 * 1.1**t, 4 + 2.0 * t) for t in range(5)]
    rows += [(("B", 2018), NAN, 10.0), (("B", 2020), 5, 8.0), (("B", 2022), NAN, 6.0)]
    found = measure_trends(panel(rows, columns=["grow", "line"]))
    assert found.loc[("A", "grow"), "compound_growth"] == pytest.approx(10)
    assert found.loc[("A", "line"), "slope"] == pytest.approx(2)
    assert found.loc[("A", "line"), "percent_change"] == pytest.approx(50)
    assert found.loc[("B", "line"), "slope"] == pytest.approx(-1)
    assert found.loc[("B", "line"), "percent_change"] == pytest.approx(-10)
    assert found.loc[("B", "line"), "compound_growth"] == pytest.approx(100 * (0.6**0.25 - 1))
    assert found.loc[("B", "line"), "share_available"] == pytest.approx(0.6)
    alone = found.loc[("B", "grow")]
    assert alone[["slope", "percent_change", "compound_growth"]].isna().all()
    assert alone[["first", "last", "n_available"]].to_list() == [2020, 2020, 1]
    strict = measure_trends(panel(rows, columns=["grow", "line"]), minimum_available=4)
    assert strict["slope"].notna().to_list() == [True, True, False, False]


def test_trends_of_values_that_allow_no_rate():
    rows = [(("A", 2020), -1, 0, 3), (("A", 2021), 1, 5, 0)]
    found = measure_trends(panel(rows, columns=["below", "zero", "end"])).droplevel("unit")
    assert found["slope"].to_list() == [2, 5, -3]
    assert found["percent_change"].isna().to_list() == [False, True, False]
    np.testing.assert_allclose(found["compound_growth"], [NAN, NAN, -100])
    with pytest.raises(InputError, match="two values"):
        measure_trends(panel(rows, columns=["below", "zero", "end"]), minimum_available=1)


def test_units_of_several_levels():
    index = pd.MultiIndex.from_product([["N", "S"], ["a", "b"], [2020, 2021]], names=["area", "unit", "year"])
    found = measure_trends(pd.DataFrame({"x": np.arange(8.0) ** 2}, index=index))
    assert found.index.names == ["area", "unit", "indicator"]
    assert found["slope"].to_list() == [1, 5, 9, 13]


def test_panel_imputation_by_hand():
    rows = [(("A", 2018), NAN), (("A", 2019), 1), (("A", 2022), NAN), (("A", 2020), NAN), (("A", 2024), 6)]
    rows += [(("B", 2018), 7), (("B", 2024), NAN), (("C", 2018), NAN)]
    table = panel(rows)
    assert impute_panel(table)["x"].fillna(-9).to_list() == [-9, 1, 1, 1, 6, 7, 7, -9]
    assert impute_panel(table, "constant")["x"].fillna(-9).to_list() == [1, 1, 1, 1, 6, 7, 7, -9]
    assert impute_panel(table, "linear")["x"].fillna(-9).to_list() == [1, 1, 4, 2, 6, 7, 7, -9]
    assert impute_panel(table, longest=1)["x"].fillna(-9).to_list() == [-9, 1, -9, 1, 6, 7, -9, -9]
    near = impute_panel(table, "linear", longest=2)["x"].fillna(-9).to_list()
    assert near == [1, 1, 6, 1, 6, 7, -9, -9]
    assert impute_panel(table).index.equals(table.index)
    with pytest.raises(UnknownNameError, match="method"):
        impute_panel(table, "spline")
    with pytest.raises(InputError, match="longest"):
        impute_panel(table, longest=0)


cells = st.one_of(st.none(), st.integers(-50, 50))


@given(st.lists(cells, min_size=2, max_size=8))
def test_linear_imputation_is_interpolation(values):
    years = 2000 + np.arange(len(values)) ** 2
    index = pd.MultiIndex.from_product([["A"], years], names=["unit", "year"])
    table = pd.DataFrame({"x": [NAN if v is None else v for v in values]}, index=index, dtype=float)
    known = table["x"].notna().to_numpy()
    found = impute_panel(table, "linear")["x"].to_numpy()
    expected = np.interp(years, years[known], table["x"][known]) if known.any() else np.full(len(values), NAN)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@given(st.lists(st.integers(1, 100), min_size=3, max_size=8), st.sampled_from([0.01, 7.0]))
def test_rates_do_not_depend_on_the_unit_of_measure(values, factor):
    index = pd.MultiIndex.from_product([["A"], range(len(values))], names=["unit", "year"])
    table = pd.DataFrame({"x": np.array(values, dtype=float)}, index=index)
    found, other = measure_trends(table), measure_trends(table * factor)
    np.testing.assert_allclose(found["compound_growth"], other["compound_growth"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found["slope"] * factor, other["slope"], rtol=1e-9, atol=1e-9)
