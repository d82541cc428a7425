import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite import Goalposts, ampi, mpi, normalise_ampi, normalise_z_scores
from diagnosis.errors import InputError, UnknownNameError


def table(*rows, columns="abc"):
    return pd.DataFrame(list(rows), columns=list(columns[: len(rows[0])]), dtype=float)


def test_by_hand_both_signs():
    normalised = table((110, 100, 90), (130, 100, 70), (100, 100, 100))
    minus, plus = ampi(normalised), ampi(normalised, "+")
    np.testing.assert_allclose(minus["score"], [99 + 1 / 3, 94, 100], rtol=1e-12)
    np.testing.assert_allclose(plus["score"], [100 + 2 / 3, 106, 100], rtol=1e-12)
    np.testing.assert_allclose(minus["sd"], [np.sqrt(200 / 3), np.sqrt(600), 0], atol=1e-9)
    np.testing.assert_allclose(minus["cv"], minus["sd"] / 100)
    np.testing.assert_allclose(minus["penalty"], [2 / 3, 6, 0], atol=1e-9)
    np.testing.assert_allclose(minus["mean"], 100)
    assert minus["n_available"].to_list() == [3, 3, 3]


def test_worked_examples(oracles):
    for example in json.loads((oracles / "composite" / "rules_worked.json").read_text())["ampi"]:
        normalised = table(example["r"])
        assert ampi(normalised, "-")["score"].iloc[0] == pytest.approx(example["minus"], rel=1e-12)
        assert ampi(normalised, "+")["score"].iloc[0] == pytest.approx(example["plus"], rel=1e-12)


def test_weights_by_hand():
    # M = (2*110 + 100 + 90) / 4 = 102.5; S2 = (2*56.25 + 6.25 + 156.25) / 4 = 68.75
    result = ampi(table((110, 100, 90)), weights={"a": 2, "b": 1, "c": 1})
    assert result["mean"].iloc[0] == pytest.approx(102.5)
    assert result["sd"].iloc[0] ** 2 == pytest.approx(68.75)
    assert result["score"].iloc[0] == pytest.approx(102.5 - 68.75 / 102.5)
    zero = ampi(table((110, 100, 90)), weights={"a": 0, "b": 1, "c": 1})
    assert zero["score"].iloc[0] == pytest.approx(95 - 25 / 95)
    assert zero["n_available"].iloc[0] == 2


def test_missing_indicators_up_to_the_minimum_share():
    normalised = table((110, 100, 90, np.nan), (110, 100, np.nan, np.nan), (np.nan,) * 4, columns="abcd")
    result = ampi(normalised)
    assert result["score"].iloc[0] == pytest.approx(99 + 1 / 3)
    assert result["score"].isna().to_list() == [False, True, True]
    assert result["n_available"].to_list() == [3, 2, 0]
    assert result.loc[1, ["mean", "sd", "cv", "penalty"]].isna().all()
    assert ampi(normalised, minimum_share=0.5)["score"].iloc[1] == pytest.approx(105 - 25 / 105)
    # by weight: the two indicators of the second unit carry 80 %
    heavy = ampi(normalised, weights={"a": 4, "b": 4, "c": 1, "d": 1})
    assert heavy["score"].iloc[1] == pytest.approx(105 - 25 / 105)


@pytest.mark.parametrize(
    "weights",
    [{"a": -1, "b": 1, "c": 1}, {"a": np.nan, "b": 1, "c": 1}, {"a": 1, "b": 1}, {"a": "x", "b": 1, "c": 1}],
)
def test_bad_weights_are_refused(weights):
    with pytest.raises(InputError, match="weight"):
        ampi(table((110, 100, 90)), weights=weights)


def test_bad_parameters_are_refused():
    with pytest.raises(InputError, match="above zero"):
        ampi(table((110, 100)), weights={"a": 0, "b": 0})
    with pytest.raises(UnknownNameError, match="penalty"):
        ampi(table((110, 100)), "minus")
    for share in (0, 1.5, np.nan):
        with pytest.raises(InputError, match="minimum_share"):
            ampi(table((110, 100)), minimum_share=share)
    with pytest.raises(InputError, match="above 0"):
        ampi(table((-110, 100)))


def test_mpi_against_the_reference_software(oracles):
    folder = oracles / "composite"
    raw = pd.read_csv(folder / "data" / "bli_2017.csv", index_col="country")
    standard = pd.read_csv(folder / "data" / "bli_z100.csv", index_col="unit")
    result = normalise_z_scores(raw, dict.fromkeys(raw, "positive"), ddof=1)
    pd.testing.assert_frame_equal(result, standard, rtol=1e-9, check_names=False)

    def expected(name):
        return pd.read_csv(folder / "expected" / f"{name}.csv", index_col="unit")["score"]

    minus, plus = mpi(standard, "-"), mpi(standard, "+")
    np.testing.assert_allclose(minus["mean"], expected("k02_mpi_nopenalty"), rtol=1e-9)
    paper = mpi(normalise_z_scores(raw, dict.fromkeys(raw, "positive")), "+")["score"]
    np.testing.assert_allclose(paper, expected("k02_mpi_paper_neg"), rtol=1e-9)
    # the package divides by n - 1 and names the signs the other way round: its penalty is 11/10 of ours
    np.testing.assert_allclose(minus["mean"] - 1.1 * minus["penalty"], expected("k02_mpi_pos"), rtol=1e-9)
    np.testing.assert_allclose(plus["mean"] + 1.1 * plus["penalty"], expected("k02_mpi_neg"), rtol=1e-9)


@pytest.fixture
def happy_planet(oracles):
    folder = oracles / "composite"
    panel = pd.read_csv(folder / "data" / "hpi_balanced.csv", dtype={"year": str})
    panel = panel.set_index(["ISO", "year"]).rename_axis(["unit", "year"])
    given = json.loads((folder / "data" / "hpi_reference.json").read_text())
    reference = pd.Series(given["gp"], index=panel.columns)
    directions = dict(zip(panel.columns, ["positive", "positive", "negative"], strict=True))

    def expected(name):
        return pd.read_csv(folder / "expected" / f"{name}.csv", dtype={"year": str})

    return panel, str(given["reference_year"]), reference, directions, expected


def test_ampi_panel_against_the_reference_software(happy_planet):
    panel, _, reference, directions, expected = happy_planet
    normalised = normalise_ampi(panel, Goalposts.from_panel(panel, reference, directions))
    norm = expected("k03_ampi_panel_norm").set_index(["unit", "year"]).loc[panel.index]
    pd.testing.assert_frame_equal(normalised, norm, rtol=1e-9)

    minus, plus = ampi(normalised, "-"), ampi(normalised, "+")
    formula = expected("k03_ampi_panel_formula").set_index(["unit", "year"]).loc[panel.index]
    for result, column in (
        (minus["mean"], "mean"),
        (minus["sd"], "sd"),
        (minus["score"], "ampi_minus"),
        (plus["score"], "ampi_plus"),
    ):
        np.testing.assert_allclose(result, formula[column], rtol=1e-9)
    wide = expected("k03_ampi_panel_penalty").set_index("unit")
    np.testing.assert_allclose(minus["penalty"].unstack().loc[wide.index, wide.columns], wide, rtol=1e-9)
    rounded = expected("k03_ampi_panel_neg").set_index("unit")
    np.testing.assert_allclose(
        minus["score"].unstack().loc[rounded.index, rounded.columns], rounded, atol=6e-4
    )


def test_ampi_of_one_year_against_the_reference_software(happy_planet):
    panel, year, reference, directions, expected = happy_planet
    one = panel.xs(year, level="year")
    result = ampi(normalise_ampi(one, Goalposts.from_panel(one, reference, directions)))
    rounded = expected("k04_ampi_single_year").set_index("unit").loc[one.index, year]
    np.testing.assert_allclose(result["score"], rounded, atol=6e-4)


scores = st.lists(st.integers(40, 160).map(float), min_size=4, max_size=4)


@given(rows=st.lists(scores, min_size=1, max_size=6), weights=scores)
def test_aggregation_properties(rows, weights):
    normalised = table(*rows, columns="abcd")
    weighting = dict(zip("abcd", weights, strict=True))
    result = ampi(normalised, weights=weighting)
    assert (result["score"] <= result["mean"] + 1e-9).all()
    assert (ampi(normalised, "+", weighting)["score"] >= result["mean"] - 1e-9).all()
    # weights count only in proportion, rows and columns in no order
    doubled = {indicator: 2 * weight for indicator, weight in weighting.items()}
    pd.testing.assert_frame_equal(ampi(normalised, weights=doubled), result)
    turned = ampi(normalised.iloc[::-1, ::-1], weights=weighting).iloc[::-1]
    pd.testing.assert_frame_equal(turned, result)
    pd.testing.assert_frame_equal(ampi(normalised, weights=dict.fromkeys("abcd", 7)), ampi(normalised))
