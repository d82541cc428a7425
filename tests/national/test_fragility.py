"""ISTAT's fragility index as far as it can be rebuilt: components, scale, deciles, and what it must not claim."""

import numpy as np
import pandas as pd
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.frameworks import load_framework
from diagnosis.indicators import MEASURES
from diagnosis.national.fragility import (
    FEWEST_COMPONENTS,
    is_index,
    prepare_scoring,
    reconstruct_fragility,
    smooth_components,
    to_decile,
)
from diagnosis.national.structure import find_structure

SCHEME = load_framework("fragility")
AT_HAND = [part.indicator for part in SCHEME.at_hand]
UNITS = pd.Index([f"{number:06d}" for number in range(1, 101)], name="code")


@pytest.fixture(scope="module")
def values():
    random = np.random.default_rng(1)
    return pd.DataFrame({name: random.gamma(3, 10, len(UNITS)) for name in AT_HAND}, UNITS)


@pytest.fixture(scope="module")
def groups(values):
    return pd.DataFrame({"IT": values.mean(), "R01": values.iloc[:50].mean()}).T


@pytest.fixture(scope="module")
def scoring(values, groups):
    return prepare_scoring(values, groups, load_catalogue(), {})


def test_the_twelve_components_are_numbered_and_those_at_hand_are_municipal_indicators():
    assert [part.number for part in SCHEME.components] == list(range(1, 13))
    assert len(AT_HAND) == len(set(AT_HAND)) == 7
    assert set(AT_HAND) <= set(MEASURES)
    assert [part.number for part in SCHEME.components if part.likeness == "missing"] == [2, 4, 5, 6, 8]
    assert [part.number for part in SCHEME.components if part.likeness == "stand_in"] == [9, 12]
    assert SCHEME.penalty == "+"
    assert SCHEME.uncertainty.aggregations[0] == "ampi_plus"
    for language in ("it", "en"):
        assert "ISTAT" in SCHEME.description[language].upper()


def test_score_is_the_ampi_with_penalty_plus_by_hand(scoring, values, groups):
    normalised = {}
    for part in SCHEME.at_hand:
        column, own = values[part.indicator], groups.at["IT", part.indicator]
        if part.ventile:
            rank = column.rank(method="min") - 1
            column, below = 1 + np.floor(rank * 20 / len(column)), (column < own).sum()
            own = min(20, 1 + np.floor(below * 20 / len(column)))
        reach = (column.max() - column.min()) / 2
        scaled = 70 + 60 * (column - (own - reach)) / (2 * reach)
        normalised[part.indicator] = scaled if part.direction == "positive" else 200 - scaled
    table = pd.DataFrame(normalised)
    mean, variance = table.mean(axis=1), table.var(axis=1, ddof=0)
    found = scoring.score()["fragility"]
    np.testing.assert_allclose(found[UNITS], mean + variance / mean)
    assert found["IT"] == pytest.approx(100)


def test_more_hazard_is_more_fragile_and_more_work_is_less(scoring, values, groups):
    worse = values.copy()
    worse.loc[UNITS[0], "landslide_area_share"] += 5
    worse.loc[UNITS[1], "workers_per_100_adults"] += 5
    before, after = scoring.values, scoring.score(worse[scoring.values.columns])["fragility"]
    same = scoring.score(values[before.columns])["fragility"]
    assert after[UNITS[0]] > same[UNITS[0]]
    assert after[UNITS[1]] < same[UNITS[1]]


def test_index_has_intervals_and_deciles(scoring):
    found = reconstruct_fragility(scoring)
    table = found["values"]
    assert table.index.equals(UNITS)
    assert table["decile"].value_counts().to_dict() == dict.fromkeys(range(1, 11), 10.0)
    # 10 is the most fragile, and rank 1 too
    assert table.loc[table["rank"] == 1, "decile"].item() == 10
    assert table.loc[table["score"].idxmin(), "decile"] == 1
    assert (table["decile_lower"] <= table["decile"]).mean() > 0.9
    assert (table["decile_lower"] <= table["decile_upper"]).all()
    assert (table["lower"] <= table["upper"]).all()
    assert (table["components"] == len(AT_HAND)).all()
    assert list(found["groups"].index) == ["IT", "R01"]
    used = found["components"]["used"]
    assert list(used[used].index) == [part.number for part in SCHEME.at_hand]
    assert found["components"].at[12, "scale"] == "ventile"
    assert found["components"].at[12, "minimum"] >= 1 - 10


def test_deciles_of_ranks():
    rank, of = pd.Series([1.0, 10, 11, 100, np.nan]), pd.Series(100.0, index=range(5))
    assert to_decile(rank, of).tolist()[:4] == [10, 10, 9, 1]
    assert np.isnan(to_decile(rank, of).iloc[4])


def test_municipality_with_few_components_has_no_index(values, groups):
    poorer = values.copy()
    poorer.iloc[0, :2] = np.nan  # five of seven are less than three quarters
    poorer.iloc[1, :1] = np.nan
    table = reconstruct_fragility(prepare_scoring(poorer, groups, load_catalogue(), {}))["values"]
    assert table.loc[UNITS[0], ["score", "decile"]].isna().all()
    assert table.loc[UNITS[0], "components"] == 5
    assert np.isfinite(table.loc[UNITS[1], "decile"])


@pytest.mark.parametrize("left", [FEWEST_COMPONENTS, FEWEST_COMPONENTS - 1])
def test_too_few_components_make_no_index(values, groups, left):
    without = dict.fromkeys(AT_HAND[left:], "modelled")
    scoring = prepare_scoring(values, groups, load_catalogue(), without)
    assert is_index(scoring) == (left >= FEWEST_COMPONENTS)
    found = reconstruct_fragility(scoring)
    assert len(found["values"]) == (len(UNITS) if is_index(scoring) else 0)
    assert found["components"]["used"].sum() == left
    assert len(found["components"]) == 12


def test_no_component_at_all(values, groups):
    assert prepare_scoring(values[[]], groups[[]], load_catalogue(), {}) is None
    found = reconstruct_fragility(None)
    assert found["values"].empty
    assert not found["components"]["used"].any()


def test_absent_indicators_are_missing_components(values, groups):
    names = AT_HAND[:5]
    found = reconstruct_fragility(prepare_scoring(values[names], groups[names], load_catalogue(), {}))
    assert found["components"]["used"].sum() == 5


def test_smoothed_rates_take_the_place_of_official_ones_but_make_no_values(scoring):
    smoothed = pd.DataFrame({"workers_per_100_adults": 50.0, "labour_productivity": 1.0}, UNITS[:10])
    table = smooth_components(scoring, smoothed)
    assert (table.loc[UNITS[:10], "workers_per_100_adults"] == 50).all()
    assert table.loc[UNITS[10:]].equals(scoring.values.loc[UNITS[10:]])
    assert table["labour_productivity"].equals(scoring.values["labour_productivity"])  # a ventile stays one


def test_structure_looks_at_borders_only_and_puts_fragility_first(scoring):
    ring = pd.DataFrame({"code": UNITS, "neighbour": np.roll(UNITS, 1), "kind": "border"})
    ring.loc[0, "kind"] = "ferry"
    both = pd.concat([ring, ring.rename(columns={"code": "neighbour", "neighbour": "code"})])
    found = find_structure([scoring], pd.DataFrame(index=UNITS), both)
    assert list(found["moran"].index) == ["fragility"]
    neighbours = found["clusters"].set_index("code")["neighbours"]
    assert neighbours[UNITS[0]] == neighbours[UNITS[-1]] == 1
    assert (neighbours[UNITS[1:-1]] == 2).all()


def test_example_country_has_four_components(example_study):
    found = example_study.national.fragility()
    used = found["components"]["used"]
    assert list(used[used].index) == [1, 3, 7, 9]
    codes = example_study.national.country.municipalities.index
    assert found["values"].index.equals(pd.Index(codes, name="code"))
    assert found["groups"].at["IT", "score"] == pytest.approx(100)
