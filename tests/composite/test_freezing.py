"""Goalposts come from all rows, the reference from the base year, the classes from the units of the base year."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.composite import composite_index
from diagnosis.composite.freezing import freeze, keep_common
from diagnosis.errors import InputError, UnknownNameError

NAN = np.nan


def panel(rows, columns="ab"):
    index = pd.MultiIndex.from_tuples([row[0] for row in rows], names=["unit", "year"])
    return pd.DataFrame([row[1:] for row in rows], index=index, columns=list(columns), dtype=float)


UNBALANCED = panel(
    [
        (("u", 2018), 10, 5),
        (("v", 2018), 20, NAN),
        (("u", 2020), 50, 1),
        (("w", 2020), 30, 3),
        (("v", 2020), NAN, 4),
    ]
)
YEARS = pd.DataFrame({"a": [30.0, 35.0], "b": [3.0, 2.0]}, index=[2018, 2020])
DIRECTIONS = {"a": "positive", "b": "negative"}


def test_unbalanced_panel_by_hand():
    found = freeze(UNBALANCED, YEARS, DIRECTIONS, version="1", base=2018, minimum_share=0.5)
    # a: inf 10, sup 50 over both years, reference 30; b: inf 1, sup 5, reference 3
    posts = found.goalposts.frame
    assert posts[["minimum", "reference", "maximum"]].to_numpy().tolist() == [[10, 30, 50], [1, 3, 5]]
    assert found.observed.to_numpy().tolist() == [[10, 50], [1, 5]]
    scores = found.score(UNBALANCED)["score"]
    # u 2018: 70 and 70; v 2018: 85 alone; u 2020: 130 and 130; w: 100; v 2020: b 4 -> 200 - 115
    np.testing.assert_allclose(scores, [70, 85, 130, 100, 85], rtol=1e-12)
    # two units in 2018: limits 1 to 5 at the first, the others at the second
    assert found.classes.loc["score"].to_list() == pytest.approx([70] * 5 + [85] * 4)
    assert found.classify(scores.to_frame())["score"].to_list() == [1, 6, 10, 10, 6]
    assert found.score(YEARS)["score"].iloc[0] == 100
    assert found.score(YEARS)["score"].iloc[1] == pytest.approx(111.25 - 3.75**2 / 111.25)
    assert found.coverage(UNBALANCED).loc["score"].to_dict() == {2018: pytest.approx(2 / 3), 2020: 1}


def test_reference_of_the_base_year_as_numbers_or_in_a_table():
    from_table = freeze(UNBALANCED, YEARS, DIRECTIONS, version="1", base=2020)
    from_numbers = freeze(UNBALANCED, {"a": 35, "b": 2}, DIRECTIONS, version="1", base=np.int64(2020))
    assert from_table.to_dict() == from_numbers.to_dict()
    assert from_table.base == 2020


def test_one_year_without_and_with_a_name():
    table = UNBALANCED.xs(2018, level="year").assign(a=[10, 50], b=[5, 1])
    found = freeze(table, YEARS.loc[2018], DIRECTIONS, version="1")
    assert found.base is None
    named = freeze(
        table,
        YEARS,
        DIRECTIONS,
        {"a": "x", "b": "y", "c": "z"},
        version="1",
        base=2018,
        reference_name="Italia",
        vintages={"a": 2017, "b": 2018},
        weights={"a": 2, "b": 1},
        penalty="+",
    )
    assert (named.base, named.reference_name, named.penalty) == (2018, "Italia", "+")
    assert named.domains == {"x": ["a"], "y": ["b"]}
    assert named.vintages.to_dict() == {"a": 2017, "b": 2018}
    assert named.weights.to_dict() == {"a": 2, "b": 1}


def test_tenths_of_the_units_are_in_each_class():
    for n in (10, 20, 37, 1000):
        table = pd.DataFrame({"a": np.random.default_rng(n).permutation(n) + 1.0})
        found = freeze(table, {"a": n / 2}, {"a": "positive"}, version="1")
        sizes = found.classify(found.score(table))["score"].value_counts().reindex(range(1, 11))
        assert sizes.sum() == n
        assert sizes.max() - sizes.min() <= (0 if n % 10 == 0 else 1)


def test_ties_are_in_one_class():
    table = pd.DataFrame({"a": [1.0] * 6 + [2, 3, 4, 5]})
    found = freeze(table, {"a": 3}, {"a": "positive"}, version="1")
    classes = found.classify(found.score(table))["score"]
    assert classes.to_list() == [1] * 6 + [7, 8, 9, 10]
    top = pd.DataFrame({"a": [1.0, 2, 3, 4] + [5.0] * 6})
    found = freeze(top, {"a": 3}, {"a": "positive"}, version="1")
    assert found.classify(found.score(top))["score"].to_list() == [1, 2, 3, 4] + [5] * 6


def test_base_year_without_any_score_has_no_classes():
    table = UNBALANCED.assign(b=[NAN, NAN, 1, 3, 4])
    found = freeze(
        table, {"a": 30, "b": 3}, DIRECTIONS, {"a": "x", "b": "y"}, version="1", base=2018, minimum_share=1
    )
    assert found.classes.loc["y"].isna().all()
    assert found.classify(found.score(table))["y"].isna().all()
    assert found.classes.loc["x"].notna().all()


HOSTILE = UNBALANCED.assign(c=7.0, d=NAN, e=UNBALANCED["a"] * 2)
HOSTILE_DIRECTIONS = dict.fromkeys("abcde", "positive")


def test_indicators_that_cannot_enter_are_refused_by_name():
    own = pd.Series({"a": 30, "b": 3, "c": 7, "d": 1, "e": NAN})
    with pytest.raises(InputError) as refused:
        freeze(HOSTILE, own, HOSTILE_DIRECTIONS, version="1", base=2018)
    for words in ("everywhere: 'c'", "any unit: 'd'", "base year: 'e'"):
        assert words in str(refused.value)
    for value in (np.inf, "thirty", None):
        with pytest.raises(InputError, match="reference in the base year: 'a'"):
            freeze(UNBALANCED, {"a": value, "b": 3}, DIRECTIONS, version="1", base=2018)


def test_indicators_that_cannot_enter_are_listed():
    own = pd.Series({"a": 30, "b": 3, "c": 7, "d": 1})
    found = freeze(
        HOSTILE,
        own,
        HOSTILE_DIRECTIONS,
        version="1",
        base=2018,
        weights={"a": 1, "b": 2},
        missing="leave_out",
    )
    assert list(found.goalposts.frame.index) == ["a", "b"]
    assert found.left_out.to_dict() == {
        "c": "the same value everywhere",
        "d": "no value of any unit",
        "e": "no value of the reference in the base year",
    }
    assert found.to_dict()["left_out"] == found.left_out.to_dict()
    with pytest.raises(InputError, match="at least one indicator"):
        freeze(HOSTILE[["c"]], own, HOSTILE_DIRECTIONS, version="1", base=2018, missing="leave_out")


def test_a_range_lost_in_rounding_counts_as_constant():
    table = pd.DataFrame({"a": [1.0, 1 + 1e-6], "b": [1.0, 2.0]})
    with pytest.raises(InputError, match="everywhere: 'a'"):
        freeze(table, {"a": 1e12, "b": 1}, DIRECTIONS, version="1")


@pytest.mark.parametrize(
    ("table", "reference", "options", "message"),
    [
        (UNBALANCED, YEARS, {}, "base must be a year"),
        (UNBALANCED, YEARS, {"base": 2019}, "2019"),
        (UNBALANCED, YEARS, {"base": "2018"}, "'2018' was given"),
        (UNBALANCED, YEARS, {"base": 2018.5}, "base year"),
        (UNBALANCED, YEARS.loc[[2020]], {"base": 2018}, "base is 2018"),
        (UNBALANCED, YEARS.loc[[2018, 2018]], {"base": 2018}, "one row a year"),
        (UNBALANCED.iloc[[0, 0, 1]], YEARS, {"base": 2018}, "one row"),
        (UNBALANCED.rename_axis(["unit", "time"]), YEARS, {"base": 2018}, "'year'"),
        (UNBALANCED.droplevel("unit").iloc[[0, 2]], YEARS, {}, "base is None"),
        (UNBALANCED, YEARS, {"base": 2018, "groups": {"a": "x"}}, "domain"),
        (UNBALANCED, YEARS, {"base": 2018, "weights": {"a": 1}}, "weight"),
        (UNBALANCED.assign(a="x"), YEARS, {"base": 2018}, "numbers"),
        (UNBALANCED.iloc[[0]], YEARS, {"base": 2018}, "everywhere"),
    ],
)
def test_bad_input_is_refused(table, reference, options, message):
    with pytest.raises(InputError, match=message):
        freeze(table, reference, DIRECTIONS, version="1", **options)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match="missing"):
        freeze(UNBALANCED, YEARS, DIRECTIONS, version="1", base=2018, missing="drop")
    with pytest.raises(UnknownNameError, match="direction"):
        freeze(UNBALANCED, YEARS, {**DIRECTIONS, "b": "neutral"}, version="1", base=2018)
    with pytest.raises(UnknownNameError, match="penalty"):
        freeze(UNBALANCED, YEARS, DIRECTIONS, version="1", base=2018, penalty="POS")


def test_only_what_is_there_in_every_year_is_kept():
    table = panel(
        [
            (("u", 2018), 1, 5),
            (("u", 2020), 2, 6),
            (("v", 2018), 3, 7),
            (("v", 2020), NAN, 8),
            (("w", 2020), 4, 9),
        ]
    )
    found = keep_common(table)
    assert found.index.equals(table.index)
    assert found["a"].fillna(-1).to_list() == [1, 2, -1, -1, -1]
    assert found["b"].fillna(-1).to_list() == [5, 6, 7, 8, -1]
    lacking = YEARS.assign(a=[30, NAN])
    assert keep_common(table, lacking)["a"].isna().all()
    assert keep_common(table, lacking)["b"].fillna(-1).to_list() == [5, 6, 7, 8, -1]
    assert keep_common(table, YEARS.loc[[2018]]).isna().all(axis=None)
    with pytest.raises(InputError, match="several years"):
        keep_common(table.xs(2018, level="year"))
    with pytest.raises(InputError, match="one row a year"):
        keep_common(table, YEARS.loc[[2018, 2018]])


def test_what_is_common_has_the_same_make_up_in_every_year():
    kept = keep_common(UNBALANCED, YEARS)
    found = freeze(UNBALANCED, YEARS, DIRECTIONS, version="1", base=2018, minimum_share=0.5)
    shares = found.coverage(kept).loc["score"]
    assert shares.nunique() == 1
    # v has a in one year and b in the other: two scores of other things, neither kept
    assert found.score(kept)["score"].dropna().index.get_level_values("unit").unique().to_list() == ["u"]


@pytest.fixture
def happy_planet(oracles):
    folder = oracles / "composite"
    table = pd.read_csv(folder / "data" / "hpi_balanced.csv", dtype={"year": str})
    table = table.set_index(["ISO", "year"]).rename_axis(["unit", "year"])
    given_reference = json.loads((folder / "data" / "hpi_reference.json").read_text())
    own = pd.Series(given_reference["gp"], index=table.columns)
    directions = dict(zip(table.columns, ["positive", "positive", "negative"], strict=True))

    def expected(name):
        return pd.read_csv(folder / "expected" / f"{name}.csv", dtype={"year": str})

    return table, str(given_reference["reference_year"]), own, directions, expected


def test_panel_against_the_reference_software(happy_planet):
    table, base, own, directions, expected = happy_planet
    formula = expected("k03_ampi_panel_formula").set_index(["unit", "year"]).loc[table.index]
    scores = {}
    for penalty, column in (("-", "ampi_minus"), ("+", "ampi_plus")):
        release = freeze(table, own, directions, version="1", base=base, penalty=penalty)
        scores[penalty] = release.score(table)["score"]
        np.testing.assert_allclose(scores[penalty], formula[column], rtol=1e-9)
        assert release.score(own.to_frame().T).iloc[0, 0] == 100
    rounded = expected("k03_ampi_panel_neg").set_index("unit")
    wide = scores["-"].unstack().loc[rounded.index, rounded.columns]
    np.testing.assert_allclose(wide, rounded, atol=6e-4)
    # its positive penalty is never applied: the same numbers as the negative, where the sum is due
    wrong = expected("k03_ampi_panel_pos_BUG").set_index("unit")
    assert wrong.equals(rounded)
    plus = scores["+"].unstack().loc[rounded.index, rounded.columns]
    assert ((plus - wrong) > 6e-4).mean(axis=None) > 0.99


def test_one_year_against_the_reference_software(happy_planet):
    table, base, own, directions, expected = happy_planet
    one = table.xs(base, level="year")
    release = freeze(one, own, directions, version="1", base=base)
    rounded = expected("k04_ampi_single_year").set_index("unit").loc[one.index, base]
    np.testing.assert_allclose(release.score(one)["score"], rounded, atol=6e-4)


def test_gaps_change_only_the_scores_of_their_units(happy_planet):
    table, base, own, directions, _ = happy_planet
    # the ends of each indicator stay, so that the goalposts do
    ends = set(table.idxmin()) | set(table.idxmax())
    gaps = [row for row in table.index[::7] if row not in ends]
    whole = freeze(table, own, directions, version="1", base=base)
    fewer = freeze(table.drop(gaps), own, directions, version="1", base=base)
    pd.testing.assert_frame_equal(fewer.goalposts.frame, whole.goalposts.frame)
    left = table.index.difference(gaps, sort=False)
    pd.testing.assert_frame_equal(fewer.score(table.loc[left]), whole.score(table).loc[left])
    assert fewer.coverage(table.drop(gaps)).loc["score"].min() < 1


cells = st.tuples(st.integers(0, 100), st.integers(0, 100))
tables = st.lists(cells, min_size=3, max_size=9).filter(
    lambda rows: all(len({row[k] for row in rows}) > 1 for k in (0, 1))
)
places = st.integers(0, 2)


def table_of(rows):
    index = pd.MultiIndex.from_tuples([(f"u{k // 2}", 2018 + k % 2) for k in range(len(rows))])
    return pd.DataFrame(rows, index=index.set_names(["unit", "year"]), columns=["a", "b"], dtype=float)


@given(tables, places, st.floats(0.001, 1000), st.floats(-1000, 1000))
def test_unit_of_measure_and_order_do_not_matter(rows, place, factor, shift):
    table = table_of(rows)
    own = table.iloc[place]
    options = {"version": "1", "base": 2018}
    first = freeze(table, own, DIRECTIONS, **options)
    changed = table * factor + shift
    second = freeze(changed, changed.iloc[place], DIRECTIONS, **options)
    assert first.score(table).iloc[place, 0] == 100
    assert second.score(changed).iloc[place, 0] == 100
    np.testing.assert_allclose(second.score(changed), first.score(table), rtol=1e-6)
    shuffled = freeze(table.iloc[::-1], own, DIRECTIONS, **options)
    assert shuffled.to_dict() == first.to_dict()


@given(tables, places)
def test_freezing_then_scoring_is_the_index_with_the_same_reference(rows, place):
    table = table_of(rows)
    release = freeze(table, table.iloc[place], DIRECTIONS, version="1", base=2018)
    index = composite_index(table, directions=DIRECTIONS, reference=table.iloc[place])
    pd.testing.assert_frame_equal(release.score(table), index, rtol=1e-13)


@given(tables, st.sets(st.integers(0, 8), max_size=5))
def test_what_is_kept_is_the_same_in_every_year(rows, gaps):
    table = table_of(rows)
    table.loc[[number in gaps for number in range(len(table))], "a"] = NAN
    kept = keep_common(table)
    assert kept.index.equals(table.index)
    made_of = kept.notna().groupby(level="unit").nunique()
    assert (made_of <= 1).all(axis=None)
    both = table.groupby(level="unit").count() == 2
    assert (kept.notna().groupby(level="unit").any() == both).all(axis=None)
