import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite import Goalposts, composite_index, explain_index
from diagnosis.errors import InputError, UnknownNameError

DIRECTIONS = {"a": "positive", "b": "negative", "c": "positive"}
REFERENCE = {"a": 3.0, "b": 20.0, "c": 0.5}
GROUPS = {"a": "work", "b": "work", "c": "health"}


@pytest.fixture
def values():
    return pd.DataFrame(
        {"a": [1.0, 3.0, 5.0], "b": [10.0, 20.0, 30.0], "c": [0.1, 0.5, 0.7]},
        index=pd.Index(["001", "002", "003"], name="province"),
    )


def test_one_score_per_domain_by_hand(values):
    result = composite_index(values, directions=DIRECTIONS, reference=REFERENCE, groups=GROUPS)
    assert result.columns.to_list() == ["work", "health"]
    assert result.index.equals(values.index)
    # first unit: a 70, b 130, so M 100 and S2 900; health: goalposts 0.2 and 0.8
    np.testing.assert_allclose(result["work"], [91, 100, 91])
    np.testing.assert_allclose(result["health"], [60, 100, 120])


def test_reference_scores_100_and_mean_is_the_default(values):
    result = composite_index(values, directions=DIRECTIONS, reference=REFERENCE)
    assert result.columns.to_list() == ["score"]
    assert result.loc["002", "score"] == pytest.approx(100, abs=1e-12)
    pd.testing.assert_frame_equal(
        composite_index(values, directions=DIRECTIONS),
        composite_index(values, directions=DIRECTIONS, reference=values.mean()),
    )


def test_missing_unit_is_kept_without_score(values):
    values.loc["004"] = np.nan
    values.loc["005"] = [3.0, 20.0, np.nan]
    result = composite_index(values, directions=DIRECTIONS, reference=REFERENCE, groups=GROUPS)
    assert result.loc["004"].isna().all()
    assert result.loc["005", "work"] == pytest.approx(100)
    assert np.isnan(result.loc["005", "health"])


def test_one_unit_needs_frozen_goalposts(values):
    posts = Goalposts.from_panel(values, REFERENCE, DIRECTIONS)
    one = composite_index(values.iloc[[0]], goalposts=posts, groups=GROUPS)
    everyone = composite_index(values, directions=DIRECTIONS, reference=REFERENCE, groups=GROUPS)
    pd.testing.assert_frame_equal(one, everyone.iloc[[0]])
    with pytest.raises(InputError, match="must vary"):
        composite_index(values.iloc[[0]], directions=DIRECTIONS)


def test_mpi_is_relative_to_the_units(values):
    result = composite_index(values, "mpi", directions=DIRECTIONS, groups=GROUPS)
    assert result["health"].mean() == pytest.approx(100)
    assert result["health"].std(ddof=0) == pytest.approx(10)
    with pytest.raises(InputError, match="relative to the mean"):
        composite_index(values, "mpi", directions=DIRECTIONS, reference=REFERENCE)


def test_weights_within_domains(values):
    result = composite_index(
        values, directions=DIRECTIONS, reference=REFERENCE, groups=GROUPS, weights={"a": 3, "b": 1, "c": 9}
    )
    assert result.loc["001", "work"] == pytest.approx(85 - 675 / 85)
    assert result.loc["001", "health"] == pytest.approx(60)


def test_bad_input_is_named(values):
    with pytest.raises(UnknownNameError, match="Did you mean 'ampi'"):
        composite_index(values, "AMPI2", directions=DIRECTIONS)
    with pytest.raises(UnknownNameError, match="direction of 'b'"):
        composite_index(values, directions=DIRECTIONS | {"b": "neutral"})
    with pytest.raises(InputError, match="direction"):
        composite_index(values)
    with pytest.raises(InputError, match=r"domain.*'c'"):
        composite_index(values, directions=DIRECTIONS, groups={"a": "work", "b": "work"})
    posts = Goalposts.from_panel(values, REFERENCE, DIRECTIONS)
    with pytest.raises(InputError, match="both were given"):
        composite_index(values, goalposts=posts, reference=REFERENCE)
    with pytest.raises(InputError, match="differ for 'a'"):
        composite_index(values, goalposts=posts, directions=DIRECTIONS | {"a": "negative"})


@pytest.mark.parametrize("penalty", ["-", "+"])
@pytest.mark.parametrize("method", ["ampi", "mpi"])
def test_explanation_adds_up_to_the_score(values, method, penalty):
    values.loc["004"] = [2.0, np.nan, 0.3]
    options = {"directions": DIRECTIONS, "groups": GROUPS, "penalty": penalty, "minimum_share": 0.5}
    if method == "ampi":
        options["reference"] = REFERENCE
    scores = composite_index(values, method, **options)
    explained = explain_index(values, method, **options)
    assert explained.index.names == ["province", "indicator"]
    assert explained.loc["001"].index.to_list() == ["a", "b", "c"]
    total = explained["contribution"] + explained["penalty"]
    summed = 100 + total.groupby([explained.index.get_level_values(0), explained["domain"]]).sum().unstack()
    np.testing.assert_allclose(summed[scores.columns], scores, rtol=1e-12)
    assert explained.loc[("004", "a"), "weight"] == 1
    assert explained.loc[("004", "b"), ["weight", "contribution", "penalty"]].to_list() == [0, 0, 0]


def test_explanation_of_a_unit_without_score_is_missing(values):
    values.loc["004"] = [2.0, np.nan, 0.3]
    explained = explain_index(values, directions=DIRECTIONS, reference=REFERENCE, groups=GROUPS)
    assert explained.loc[("004", "a"), ["weight", "contribution", "penalty"]].isna().all()
    assert explained.loc[("004", "a"), "value"] == 2


def test_explanation_of_a_panel_keeps_both_levels(values):
    panel = pd.concat({"2020": values, "2021": values + 1}, names=["year"]).swaplevel()
    explained = explain_index(panel, directions=DIRECTIONS, reference=REFERENCE)
    assert explained.index.names == ["province", "year", "indicator"]
    assert len(explained) == 3 * len(panel)
    scores = composite_index(panel, directions=DIRECTIONS, reference=REFERENCE)["score"]
    parts = (explained["contribution"] + explained["penalty"]).groupby(level=[0, 1]).sum()
    np.testing.assert_allclose(100 + parts[scores.index], scores)


@given(
    rows=st.lists(st.tuples(*[st.integers(1, 50).map(float)] * 3), min_size=3, max_size=7),
    order=st.randoms(use_true_random=False),
)
def test_neither_row_order_nor_an_inner_unit_matters(rows, order):
    values = pd.DataFrame([*rows, (1.0, 1.0, 1.0), (50.0, 50.0, 50.0)], columns=list("abc"))
    reference = {"a": 25.0, "b": 25.0, "c": 25.0}
    result = composite_index(values, directions=DIRECTIONS, reference=reference)
    positions = list(range(len(values)))
    order.shuffle(positions)
    shuffled = composite_index(values.iloc[positions], directions=DIRECTIONS, reference=reference)
    pd.testing.assert_frame_equal(shuffled.sort_index(), result)
    inner = values.mean().to_frame("inner").T
    more = composite_index(pd.concat([values, inner]), directions=DIRECTIONS, reference=reference)
    pd.testing.assert_frame_equal(more.loc[values.index], result, check_index_type=False)
