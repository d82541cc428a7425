"""The report of a re-base, by hand and by what must hold of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite.freezing import freeze
from diagnosis.composite.rebasing import rebase
from diagnosis.errors import InputError

NAN = np.nan
DIRECTIONS = {"a": "positive", "b": "negative"}
GROUPS = {"a": "wealth", "b": "risk"}


def table(a, b, index=None):
    return pd.DataFrame({"a": a, "b": b}, index=index, dtype=float)


def units(number):
    return [f"u{k}" for k in range(number)]


BEFORE = table([0, 20, 40, 60], [1, 2, 3, 4], units(4))
AFTER = table([0, 20, 40, 80], [1, 2, 3, NAN], units(4))


@pytest.fixture
def old():
    return freeze(BEFORE, {"a": 30, "b": 2.5}, DIRECTIONS, GROUPS, version="2020")


@pytest.fixture
def report(old):
    return rebase(old, AFTER, {"a": 45, "b": 2}, version="2024", vintages={"a": 2023, "b": 2024})


def test_goalposts_by_hand(report):
    found = report.goalposts
    # a: 0 to 60 around 30 becomes 5 to 85 around 45; b: 1 to 4 around 2.5 becomes 1 to 3 around 2
    assert found.loc["a"].to_dict() == pytest.approx(
        {
            "old_minimum": 0,
            "old_reference": 30,
            "old_maximum": 60,
            "new_minimum": 5,
            "new_reference": 45,
            "new_maximum": 85,
            "moved_minimum": 100 * 5 / 60,
            "moved_reference": 25,
            "moved_maximum": 100 * 25 / 60,
            "width_change": 100 * 20 / 60,
        }
    )
    assert found.loc["b", "moved_reference"] == pytest.approx(-100 / 6)
    assert found.loc["b", "width_change"] == pytest.approx(-100 / 3)
    # the reference itself rose by 15 points of wealth, and fell by 10 of a risk, which is good
    assert report.reference["old"].to_dict() == pytest.approx({"wealth": 115, "risk": 110})
    assert report.reference["new"].to_list() == [100, 100]


def test_scores_by_hand(report):
    wealth = report.scores.xs("wealth", level="domain")
    np.testing.assert_allclose(wealth["old"], [70, 90, 110, 150])
    np.testing.assert_allclose(wealth["new"], [66.25, 81.25, 96.25, 126.25])
    np.testing.assert_allclose(wealth["change"], [-3.75, -8.75, -13.75, -23.75])
    assert wealth["old_rank"].to_list() == [4, 3, 2, 1]
    # old limits at 70, 70, 90, 90, 90, 110, 110, 130, 130
    assert wealth["old_class"].to_list() == [1, 3, 6, 10]
    assert wealth["new_class"].to_list() == [1, 3, 6, 8]
    risk = report.scores.xs("risk", level="domain")
    assert risk["new"].isna().to_list() == [False, False, False, True]
    assert risk.loc["u3", ["old", "change"]].isna().all()
    assert risk.loc["u3", ["old_rank", "new_rank", "old_class", "new_class"]].isna().all()
    assert report.scores.index.to_list()[:3] == [("u0", "wealth"), ("u0", "risk"), ("u1", "wealth")]
    assert (report.scores.dtypes.iloc[3:] == "Int64").all()


def test_summary_by_hand(report):
    assert report.summary.loc["wealth"].to_dict() == {
        "units": 4,
        "mean_absolute_change": 12.5,
        "greatest_change": -23.75,
        "greatest_unit": "u3",
        "spearman": pytest.approx(1),
        "class_changes": 1,
        "reversed": 1,
        "outside": 1,
    }
    # risk, old: 130, 110, 90; new: 130, 100, 70: on 100 is on neither side
    risk = report.summary.loc["risk"]
    assert risk[["units", "greatest_unit", "reversed", "outside"]].to_list() == [3, "u2", 0, 0]
    assert report.outside.loc["a", ["above", "units_beyond"]].to_list() == [1, 1]


def test_the_new_release_is_the_old_one_but_for_the_scale(old, report):
    new = report.new
    assert report.old is old
    assert (new.version, old.version) == ("2024", "2020")
    assert new.groups.equals(old.groups)
    assert new.vintages.to_dict() == {"a": 2023, "b": 2024}
    pd.testing.assert_series_equal(new.goalposts.frame["direction"], old.goalposts.frame["direction"])


def test_options_are_carried_over():
    options = {"weights": {"a": 2, "b": 1}, "penalty": "+", "minimum_share": 0.6, "reference_name": "Italia"}
    old = freeze(BEFORE, {"a": 30, "b": 2.5}, DIRECTIONS, version="1", **options)
    found = rebase(old, AFTER, {"a": 45, "b": 2}, version="2")
    assert found.new.weights.to_dict() == {"a": 2, "b": 1}
    assert (found.new.penalty, found.new.minimum_share, found.new.reference_name) == ("+", 0.6, "Italia")
    # a high score is bad: rank 1 is the lowest
    ranks = found.scores["old_rank"].droplevel("domain")
    assert ranks.idxmin() == found.scores["old"].droplevel("domain").idxmin()


@pytest.fixture
def panel():
    index = pd.MultiIndex.from_product([units(4), [2020, 2024]], names=["unit", "year"])
    rows = pd.concat({2020: BEFORE, 2024: AFTER}, names=["year", "unit"]).swaplevel()
    return rows.loc[index].drop(("u1", 2020))


def test_unbalanced_panel_is_reported_by_year(panel):
    years = table([30, 45], [2.5, 2], [2020, 2024])
    old = freeze(panel, years, DIRECTIONS, GROUPS, version="2020", base=2020)
    found = rebase(old, panel, years, version="2024", base=2024)
    assert found.new.base == 2024
    assert found.summary.index.to_list() == [
        ("wealth", 2020),
        ("wealth", 2024),
        ("risk", 2020),
        ("risk", 2024),
    ]
    assert found.summary["units"].to_list() == [3, 4, 3, 3]
    # the range is that of both years: only the reference moved, by 15 of 80
    assert found.goalposts.loc["a", ["moved_minimum", "moved_maximum", "width_change"]].to_list() == [
        18.75,
        18.75,
        0,
    ]
    np.testing.assert_allclose(found.scores.xs("wealth", level="domain")["change"], -60 * 15 / 80)
    ranks = found.scores.xs(("wealth", 2020), level=["domain", "year"])["old_rank"]
    assert ranks.to_dict() == {"u0": 3, "u2": 2, "u3": 1}
    assert rebase(old, panel, years, version="2021").new.base == 2020


def test_an_indicator_that_cannot_enter_again(old):
    flat = AFTER.assign(b=1.0)
    with pytest.raises(InputError, match="everywhere: 'b'"):
        rebase(old, flat, {"a": 45, "b": 2}, version="2024")
    found = rebase(old, flat, {"a": 45, "b": 2}, version="2024", missing="leave_out")
    assert list(found.new.left_out.index) == ["b"]
    assert found.goalposts.loc["b"].drop(["old_minimum", "old_reference", "old_maximum"]).isna().all()
    risk = found.scores.xs("risk", level="domain")
    assert risk["new"].isna().all()
    assert risk["new_class"].isna().all()
    assert risk["old"].notna().all()
    assert found.summary.loc["risk", "units"] == 0
    assert pd.isna(found.summary.loc["risk", ["mean_absolute_change", "greatest_unit", "spearman"]]).all()


def test_bad_input_is_refused(old, panel):
    with pytest.raises(InputError, match="version"):
        rebase(old, AFTER, {"a": 45, "b": 2}, version="2020")
    with pytest.raises(InputError, match="'b'"):
        rebase(old, AFTER[["a"]], {"a": 45, "b": 2}, version="2024")
    with pytest.raises(InputError, match="base must be a year"):
        rebase(old, panel, {"a": 45, "b": 2}, version="2024")


def test_small_differences_count_and_rounding_does_not():
    data = table([0, 49.9, 50.2, 100], [0, 49.9, 50.2, 100], units(4))
    old = freeze(data, {"a": 50, "b": 50}, DIRECTIONS, GROUPS, version="1")
    found = rebase(old, data, {"a": 50.3, "b": 50 + 1e-13}, version="2")
    assert found.scores.xs("wealth", level="domain")["old_rank"].to_list() == [4, 3, 2, 1]
    assert found.summary["reversed"].to_dict() == {"wealth": 1, "risk": 0}
    alike = data.assign(a=[0, 50, 50 + 1e-13, 100])
    ranks = rebase(old, alike, {"a": 50, "b": 50}, version="2").scores.xs("wealth", level="domain")[
        "new_rank"
    ]
    assert ranks.to_list() == [4, 2, 2, 1]


numbers = st.lists(st.integers(0, 100), min_size=3, max_size=8).filter(lambda found: len(set(found)) > 1)
places = st.integers(0, 2)


@given(numbers, places)
def test_the_same_goalposts_change_nothing(values, place):
    data = table(values, values[::-1], units(len(values)))
    own = data.iloc[place]
    old = freeze(data, own, DIRECTIONS, GROUPS, version="1")
    found = rebase(old, data, own, version="2")
    assert (found.scores["change"] == 0).all()
    assert found.scores["old_class"].equals(found.scores["new_class"].rename("old_class"))
    assert (found.summary[["mean_absolute_change", "class_changes", "reversed"]] == 0).all(axis=None)
    assert (found.goalposts.filter(like="moved_") == 0).all(axis=None)
    assert (found.outside["units_beyond"] == 0).all()
    assert (found.reference == 100).all(axis=None)


@given(numbers, places, places)
def test_one_indicator_keeps_its_order(values, first, second):
    data = table(values, values, units(len(values)))
    old = freeze(data, data.iloc[first], DIRECTIONS, GROUPS, version="1")
    found = rebase(old, data, data.iloc[second], version="2")
    assert found.scores["old_rank"].to_list() == found.scores["new_rank"].to_list()
    # a reversed comparison with 100 needs a value between the two references
    low, high = sorted([values[first], values[second]])
    between = sum(low < value < high for value in values)
    assert found.summary["reversed"].to_list() == [between, between]
