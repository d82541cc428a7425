"""Strengths and weaknesses: places counted by hand, ties, directions, what is chosen."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from diagnosis.catalogue import load_catalogue
from diagnosis.stages.findings import AT_MOST, COLUMNS, PER_DOMAIN, choose, find, positions

UNITS = list("abcdefghijk")  # eleven: a fifth of the ten others is two


def column(*values):
    return dict(zip(UNITS, values, strict=True))


@pytest.fixture
def values():
    return pd.DataFrame(
        {
            "high": column(11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1),
            "low": column(11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1),
            "tied": column(5, 5, 5, 9, 1, 1, 1, 1, 1, 1, 1),
            "equal": column(*[3] * 11),
            "gap": column(np.nan, *range(10)),
            "few": column(1, *range(8), np.nan, np.nan),
            "neutral": column(*range(11)),
        }
    ).astype(float)


@pytest.fixture
def directions():
    kinds = {"low": "negative", "neutral": "neutral"}
    names = ["high", "low", "tied", "equal", "gap", "few", "neutral", "of another table"]
    return pd.Series({name: kinds.get(name, "positive") for name in names})


def test_places_counted_by_hand(values, directions):
    found = positions(values, "a", directions)
    expected = pd.DataFrame(
        {
            "position": [1.0, 11.0, 2.0],
            "tied": [0, 0, 2],
            "of": [11, 11, 11],
            "share_worse": [1.0, 0.0, 0.8],
        },
        index=pd.Index(["high", "low", "tied"], name="indicator"),
    )
    # tied: one is better, two share the second place with it; 7 worse and 2 halves of 10.
    # equal: all the others are tied with it, which is no place at all.
    assert_frame_equal(found, expected)


def test_units_without_a_value_do_not_count(values, directions):
    found = positions(values, "b", directions)
    assert found.loc["gap", "of"] == 10
    assert found.loc["gap", "position"] == 10


def test_fewer_than_ten_units_say_nothing(values, directions):
    assert "few" not in positions(values, "a", directions).index


def test_direction_turns_the_order_round(values):
    up = positions(values, "c", pd.Series({"high": "positive"}))
    down = positions(values, "c", pd.Series({"high": "negative"}))
    assert_series_equal(up["share_worse"], 1 - down["share_worse"])
    assert (up["position"] + down["position"] == 12).all()


def test_row_order_is_irrelevant(values, directions):
    shuffled = values.sample(frac=1, random_state=3)
    assert_frame_equal(positions(shuffled, "d", directions), positions(values, "d", directions))


def test_no_direction_no_places(values):
    assert positions(values, "a", pd.Series(dtype=object)).empty


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


@pytest.fixture(scope="module")
def by_direction(catalogue):
    """Ids of municipal indicators that can be findings, by direction."""
    items = [item for item in catalogue.select(level="municipality") if not item.for_groups]
    return {
        direction: [item.id for item in items if item.direction == direction]
        for direction in ("positive", "negative", "neutral")
    }


def test_best_and_worst_fifth_are_found_most_extreme_first(catalogue, by_direction):
    good, bad = by_direction["positive"][0], by_direction["negative"][0]
    third, middle = by_direction["positive"][1], by_direction["negative"][1]
    neutral = by_direction["neutral"][0]
    table = pd.DataFrame(
        {
            middle: column(3, *range(10)),  # three are better: the best fifth ends before
            third: column(9, 10, 11, *range(8)),  # two are better: the last place of the best fifth
            good: column(11, *range(10)),
            bad: column(11, *range(10)),
            neutral: column(11, *range(10)),
            "not in the catalogue": column(11, *range(10)),
        }
    )
    reference = pd.Series({good: 4.0, bad: 5.0})
    found = find(table, "a", reference, catalogue, "municipality")
    assert found.columns.tolist() == COLUMNS
    assert found["indicator"].tolist() == [good, bad, third]
    assert found["kind"].tolist() == ["strength", "weakness", "strength"]
    assert found["position"].tolist() == [1, 11, 3]
    assert found["value"].tolist() == [11, 11, 9]
    assert found["level"].unique().tolist() == ["municipality"]
    expected = [
        number if catalogue[name].comparable else np.nan for name, number in ((good, 4.0), (bad, 5.0))
    ]
    np.testing.assert_array_equal(found["reference"].to_numpy()[:2], expected)
    assert np.isnan(found["reference"].iloc[2])


def test_middling_unit_has_no_findings(catalogue, by_direction):
    table = pd.DataFrame({name: column(5, *range(10)) for name in by_direction["positive"]}).astype(float)
    found = find(table, "a", pd.Series(dtype=float), catalogue, "municipality")
    assert found.empty
    assert found.columns.tolist() == COLUMNS


def test_chosen_are_at_most_two_a_domain_and_five_in_all():
    found = pd.DataFrame(
        {
            "indicator": list("abcdefghij"),
            "domain": ["x", "x", "x", "y", "x", "y", "y", "z", "z", "w"],
            "kind": ["strength"] * 4 + ["weakness"] + ["strength"] * 5,
        }
    )
    assert choose(found, "strength")["indicator"].tolist() == ["a", "b", "d", "f", "h"]
    assert choose(found, "weakness")["indicator"].tolist() == ["e"]
    assert choose(found[:0], "strength").empty


def test_findings_of_the_example_follow_the_rule(example_result, catalogue):
    found = example_result.table("findings")
    assert set(found["kind"]) == {"strength", "weakness"}
    for row in found.itertuples():
        if row.level == "municipality":
            values = example_result.table("capitals")[row.indicator].dropna()
        else:
            values = example_result.table("wellbeing_provinces")[row.indicator].dropna()
        sign = 1 if catalogue[row.indicator].direction == "positive" else -1
        worse = ((values * sign < row.value * sign).sum() + ((values == row.value).sum() - 1) / 2) / (
            row.of - 1
        )
        assert row.share_worse == pytest.approx(worse)
        assert (row.kind == "strength") == (row.share_worse >= 0.8)
        assert row.share_worse >= 0.8 or row.share_worse <= 0.2 + 1e-12
    for kind in ("strength", "weakness"):
        chosen = choose(found, kind)
        assert len(chosen) <= AT_MOST
        assert chosen["domain"].value_counts().max() <= PER_DOMAIN


def test_what_was_given_is_no_strength_and_size_is_not_compared(catalogue):
    table = pd.DataFrame(
        {
            "flood_residents_share": column(0, *range(1, 11)),
            "landslide_residents_share": column(11, *range(10)),
            "residents_self_containment": column(1, *range(2, 12)),
        }
    ).astype(float)
    found = find(table, "a", pd.Series(dtype=float), catalogue, "municipality")
    assert found[["indicator", "kind"]].to_numpy().tolist() == [["landslide_residents_share", "weakness"]]


@pytest.mark.parametrize(("reference", "kinds"), [(5.0, ["strength"]), (12.0, [])])
def test_a_strength_is_better_than_the_country_too(catalogue, by_direction, reference, kinds):
    name = by_direction["positive"][0]
    table = pd.DataFrame({name: column(11, *range(10))}).astype(float)
    found = find(table, "a", pd.Series({name: reference}), catalogue, "municipality")
    assert found["kind"].tolist() == kinds
