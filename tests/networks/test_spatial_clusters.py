"""Moran's I and local clusters: against sums by hand, all neighbourhoods counted one by one, and planted patterns."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from diagnosis.errors import InputError
from diagnosis.networks import spatial_clusters
from diagnosis.networks.spatial_clusters import _draw, conditional_significance

SIDE = 10
CODES = pd.Index([f"9{row:02d}{column:03d}" for row in range(SIDE) for column in range(SIDE)], name="code")


def grid_pairs():
    """Queen contiguity of a square grid, both directions."""
    cells = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    steps = [
        (cells[:, :-1], cells[:, 1:]),
        (cells[:-1], cells[1:]),
        (cells[:-1, :-1], cells[1:, 1:]),
        (cells[:-1, 1:], cells[1:, :-1]),
    ]
    one = np.concatenate([start.ravel() for start, _ in steps])
    other = np.concatenate([end.ravel() for _, end in steps])
    first, second = np.concatenate([one, other]), np.concatenate([other, one])
    return pd.DataFrame({"code": CODES[first], "neighbour": CODES[second]})


PAIRS = grid_pairs()


def noise(seed=0):
    return pd.Series(np.random.default_rng(seed).normal(size=len(CODES)), CODES, name="noise")


CENTRE, LOW_CENTRE, INNER = CODES[2 * SIDE + 2], CODES[7 * SIDE + 7], CODES[2 * SIDE + 1]


@pytest.fixture(scope="module")
def planted():
    """A corner of high values, the opposite one of low values, one low municipality in the midst of the high ones."""
    values = (noise() * 0.3).to_numpy(copy=True).reshape(SIDE, SIDE)
    values[:5, :5] += 3
    values[-5:, -5:] -= 3
    values[2, 2] = -3
    return pd.Series(values.ravel(), CODES, name="planted")


def test_planted_clusters_are_found(planted):
    found = spatial_clusters(planted, PAIRS)
    kinds = found.clusters.set_index("code")["cluster"]
    assert kinds[INNER] == "high_high"
    assert kinds[LOW_CENTRE] == "low_low"
    assert kinds[CENTRE] == "low_high"
    assert kinds[CODES[SIDE - 1]] == "none"
    row = found.moran.loc["planted"]
    assert row["moran"] > 0.5
    assert row["p"] < 1e-6
    counts = kinds.value_counts()
    kinds_told = ["high_high", "low_low", "low_high", "high_low", "none", "no_neighbour", "missing"]
    assert [row[kind] for kind in kinds_told] == [counts.get(kind, 0) for kind in kinds_told]
    assert row[kinds_told].sum() == len(CODES)


def test_noise_has_no_clusters():
    values = pd.concat([noise(seed).rename(str(seed)) for seed in range(12)], axis=1)
    found = spatial_clusters(values, PAIRS, permutations=999)
    assert (found.clusters["cluster"] == "none").mean() > 0.99
    assert (found.moran["p"] < 0.05).sum() <= 3


def test_statistics_by_hand(planted):
    found = spatial_clusters(planted, PAIRS, permutations=99)
    lag = PAIRS["neighbour"].map(planted).groupby(PAIRS["code"]).mean()
    z, z_lag = planted - planted.mean(), lag - planted.mean()
    moran = (z * z_lag).sum() / (z**2).sum()
    table = found.clusters.set_index("code")
    assert found.moran.at["planted", "moran"] == pytest.approx(moran)
    assert found.moran.at["planted", "expected"] == pytest.approx(-1 / (len(CODES) - 1))
    # esda divides by the sum of squares over n - 1
    local = (len(CODES) - 1) * z * z_lag / (z**2).sum()
    np.testing.assert_allclose(table["local_moran"], local)
    np.testing.assert_allclose(table["neighbour_mean"], lag)
    assert table.loc[CODES[0], "neighbours"] == 3


def test_significance_is_that_of_all_neighbourhoods():
    """Ten units on a ring: every pair of neighbours each of them could have had, counted."""
    random = np.random.default_rng(3)
    standard = random.normal(size=10)
    first = np.repeat(np.arange(10), 2)
    second = np.column_stack([(np.arange(10) - 1) % 10, (np.arange(10) + 1) % 10]).ravel()
    share = conditional_significance(standard, first, second, 99_999, random)
    for unit in range(10):
        others = np.delete(standard, unit)
        sums = np.array([a + b for a, b in combinations(others, 2)])
        own = standard[unit - 1] + standard[(unit + 1) % 10]
        tails = (sums >= own - 1e-9).mean(), (sums <= own + 1e-9).mean()
        assert share[unit] == pytest.approx(min(1.0, 2 * min(tails)), abs=0.01)


def test_significance_with_neighbourhoods_of_unlike_size():
    """A star: the centre has six neighbours, the others one."""
    standard = np.array([0.1, 2.0, 1.5, 1.0, -0.5, -1.0, -1.5, 0.3])
    edges = [(0, other) for other in range(1, 7)] + [(0, 7)]
    first = np.array([a for a, b in edges] + [b for a, b in edges])
    second = np.array([b for a, b in edges] + [a for a, b in edges])
    share = conditional_significance(standard, first, second, 9999, np.random.default_rng(0))
    assert share[0] == 1.0  # all the others are its neighbours: there is nothing to draw
    # of the seven values unit 1 could have beside it, five are at most 0.1 or four at least 0.1, its own included
    at_least, at_most = (
        (standard[[0, 2, 3, 4, 5, 6, 7]] >= 0.1).mean(),
        (standard[[0, 2, 3, 4, 5, 6, 7]] <= 0.1).mean(),
    )
    assert share[1] == pytest.approx(min(1.0, 2 * min(at_least, at_most)), abs=0.02)


@pytest.mark.parametrize(("number", "width"), [(12, 11), (5000, 8), (200_000, 30)])
def test_drawn_neighbours_differ_and_are_spread(number, width):
    drawn = _draw(number, width, 2000, np.random.default_rng(1))
    assert drawn.shape == (2000, width)
    assert (np.diff(np.sort(drawn, axis=1), axis=1) > 0).all()
    assert 0 <= drawn.min() <= drawn.max() < number
    assert drawn.mean() == pytest.approx((number - 1) / 2, rel=0.05)


def test_island_and_missing_value_are_told_and_do_not_count(planted):
    values = pd.concat([planted, pd.Series({"999999": 1000.0})])
    values[CODES[0]] = np.nan
    found = spatial_clusters(values.rename("x"), PAIRS, permutations=999)
    kinds = found.clusters.set_index("code")["cluster"]
    assert kinds["999999"] == "no_neighbour"
    assert kinds[CODES[0]] == "missing"
    assert len(kinds) == len(CODES) + 1
    assert found.moran.at["x", "units"] == len(CODES) - 1
    without = spatial_clusters(planted.drop(CODES[0]).rename("x"), PAIRS, permutations=999)
    assert found.moran.at["x", "moran"] == pytest.approx(without.moran.at["x", "moran"])
    assert kinds[without.clusters["code"]].tolist() == without.clusters["cluster"].tolist()


@pytest.mark.parametrize("values", [noise() * 0 + 1.5, noise().iloc[:16], noise() * np.nan])
def test_what_cannot_be_tested_has_no_statistics(values):
    found = spatial_clusters(values.rename("x"), PAIRS)
    assert found.moran.loc["x", ["moran", "p", "cutoff"]].isna().all()
    assert set(found.clusters["cluster"]) <= {"none", "no_neighbour", "missing"}


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 100), st.floats(-1000, 1000))
def test_unit_of_measure_does_not_matter(seed, factor, shift):
    values = noise(seed).rename("x")
    one = spatial_clusters(values, PAIRS, permutations=99)
    other = spatial_clusters(values * factor + shift, PAIRS, permutations=99)
    assert one.clusters["cluster"].tolist() == other.clusters["cluster"].tolist()
    assert one.moran.at["x", "moran"] == pytest.approx(other.moran.at["x", "moran"])


def test_same_seed_same_result_and_edges_in_any_order(planted):
    one = spatial_clusters(planted, PAIRS, permutations=999, seed=4)
    other = spatial_clusters(planted, PAIRS.sample(frac=1, random_state=2), permutations=999, seed=4)
    assert_frame_equal(one.clusters, other.clusters)
    assert_frame_equal(one.moran, other.moran)


def test_repeated_edges_and_edges_with_itself_change_nothing(planted):
    itself = pd.DataFrame({"code": CODES, "neighbour": CODES})
    more = pd.concat([PAIRS, PAIRS, itself], ignore_index=True)
    assert_frame_equal(spatial_clusters(planted, more).clusters, spatial_clusters(planted, PAIRS).clusters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": noise().replace(noise().iloc[0], np.inf)}, "finite"),
        ({"values": noise().astype(object).where(CODES[0] != CODES, "n.d.")}, "finite"),
        ({"values": pd.concat([noise(), noise().iloc[:1]])}, "unique"),
        ({"values": pd.DataFrame(index=CODES)}, "column"),
        ({"contiguity": PAIRS[["code"]]}, "neighbour"),
        ({"permutations": 9}, "permutations"),
        ({"level": 1.0}, "level"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        spatial_clusters(**{"values": noise(), "contiguity": PAIRS} | change)
