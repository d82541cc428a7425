import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.composite import outranking
from diagnosis.composite.outranking import copeland, draw_weights, outranking_matrix, rank_acceptability
from diagnosis.errors import InputError


def table(*rows):
    return pd.DataFrame(list(rows), columns=list("abcd"[: len(rows[0])]), dtype=float)


def test_by_hand():
    # first beats second on a and ties on b; third is ahead of both on c only
    values = table((3, 1, 1), (2, 1, 1), (1, 0, 9))
    matrix = outranking_matrix(values).to_numpy()
    np.testing.assert_allclose(matrix, [[0, 2 / 3, 2 / 3], [1 / 3, 0, 2 / 3], [1 / 3, 1 / 3, 0]])
    assert copeland(values).to_list() == [2, 0, -2]
    heavy = {"a": 1, "b": 1, "c": 3}
    assert copeland(values, heavy).to_list() == [0, -2, 2]
    assert copeland(values.iloc[[0]]).to_list() == [0]
    assert copeland(table((1, 1), (1, 1))).to_list() == [0, 0]


def test_a_tie_of_weights_is_a_tie_whatever_the_rounding():
    weights = {"a": 0.1, "b": 0.2, "c": 0.3}
    assert copeland(table((1, 1, 0), (0, 0, 1)), weights).to_list() == [0, 0]


def test_missing_values_are_not_compared():
    values = table((3, np.nan, 2, 1), (1, 9, 1, 1), (np.nan, np.nan, 5, 5))
    matrix = outranking_matrix(values)
    assert matrix.loc[0, 1] == pytest.approx(2.5 / 3)
    assert matrix.loc[2, 1] == 1
    scores = copeland(values)
    assert scores.isna().to_list() == [False, False, True]
    assert scores.iloc[:2].to_list() == [1, -1]
    apart = outranking_matrix(table((1, np.nan), (np.nan, 1)))
    assert np.isnan(apart.loc[0, 1])
    assert copeland(table((np.nan, np.nan))).isna().all()


weights_strategy = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.5]), min_size=3, max_size=3).filter(any)
cell = st.one_of(st.integers(0, 4).map(float), st.just(np.nan))


@settings(max_examples=50)
@given(rows=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=9), weights=weights_strategy)
def test_blocks_give_what_comparing_all_at_once_gives(rows, weights):
    values = table(*rows)
    weighting = dict(zip("abc", weights, strict=True))
    numbers = values.to_numpy()
    ahead = numbers[:, None] > numbers[None]
    net = ((ahead.astype(float) - ahead.transpose(1, 0, 2)) * (np.array(weights) / sum(weights))).sum(axis=2)
    enough = (values.notna() * np.array(weights)).sum(axis=1).to_numpy() >= 0.75 * sum(weights) - 1e-9
    expected = np.where(np.abs(net) > 1e-9, np.sign(net), 0)[:, enough].sum(axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outranking, "PAIRS_AT_ONCE", 4)
        scores, matrix = copeland(values, weighting), outranking_matrix(values, weighting).to_numpy()
    np.testing.assert_array_equal(scores[enough], expected[enough])
    assert scores[~enough].isna().all()
    both = ~np.isnan(matrix) & ~np.eye(len(matrix), dtype=bool)
    np.testing.assert_allclose((matrix + matrix.T)[both], 1)
    # only order counts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outranking, "PAIRS_AT_ONCE", 4)
        pd.testing.assert_series_equal(copeland(np.exp(values), weighting), scores)


def test_more_indicators_of_one_weight_than_a_byte_counts():
    values = pd.DataFrame(np.vstack([np.ones(300), np.zeros(300)]))
    assert copeland(values).to_list() == [1, -1]
    np.testing.assert_allclose(outranking_matrix(values), [[0, 1], [0, 0]], atol=1e-12)


def test_drawn_weights():
    draws = draw_weights(list("abcd"), 4000, seed=1, minimum=0.1)
    np.testing.assert_allclose(draws.sum(axis=1), 1)
    assert draws.min(axis=None) >= 0.1
    # a uniform simplex: mean 1/4, variance of a free part 3/80, times 0.6 squared
    np.testing.assert_allclose(draws.mean(), 0.25, atol=0.01)
    np.testing.assert_allclose(draws.var(), 0.36 * 3 / 80, rtol=0.1)
    pd.testing.assert_frame_equal(draws, draw_weights(list("abcd"), 4000, seed=1, minimum=0.1))
    with pytest.raises(InputError, match="smallest weight"):
        draw_weights(list("abcd"), 10, seed=1, minimum=0.3)
    with pytest.raises(InputError, match="at least one"):
        draw_weights(list("abcd"), 0, seed=1)


def test_acceptability_by_hand():
    values = table((1, 0), (0, 1), (0.2, 0.2), (np.nan, np.nan))
    draws = pd.DataFrame({"a": [0.9, 0.6, 5.0, 0.1], "b": [0.1, 0.4, 5.0, 0.9]})
    result = rank_acceptability(values, draws)
    assert result.columns.to_list() == ["mean_rank", 1, 2, 3]
    assert result.loc[0].to_list() == [1.5, 0.75, 0, 0.25]
    # third draw is a tie of the first two, which share the better rank
    assert result.loc[1].to_list() == [1.75, 0.5, 0.25, 0.25]
    assert result.loc[2].to_list() == [2.5, 0, 0.5, 0.5]
    assert result.loc[3].isna().all()
    pd.testing.assert_frame_equal(rank_acceptability(values, draws, ranks=1), result[["mean_rank", 1]])
    with pytest.raises(InputError, match="'b'"):
        rank_acceptability(values, draws[["a"]])
    with pytest.raises(InputError, match="zero or more"):
        rank_acceptability(values, -draws)
