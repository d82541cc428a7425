import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.governance.reasons import RULES, SENTENCES, broken_limits, explain_members, tell_reason
from diagnosis.errors import InputError, UnknownNameError

LINE = list("abcd")
"""a - b - c - d; b goes to a, c goes mostly to b."""
FLOWS = pd.DataFrame(
    [
        ("a", "a", 80), ("b", "b", 50), ("c", "c", 20), ("d", "d", 60),
        ("b", "a", 30), ("c", "b", 12), ("c", "d", 6), ("d", "c", 4), ("a", "x", 10), ("x", "d", 20),
    ],
    columns=["origin", "destination", "commuters"],
)  # fmt: skip
PAIRS = pd.DataFrame(
    [(p, q) for i, j in (("a", "b"), ("b", "c"), ("c", "d")) for p, q in ((i, j), (j, i))],
    columns=["code", "neighbour"],
)
RESIDENTS = pd.Series([1000.0, 600, 300, 500], index=LINE)


def build(**limits):
    return AreaProblem.from_tables(RESIDENTS, {"work": FlowLayer(FLOWS)}, PAIRS, AreaConstraints(**limits))


def test_shares_and_margins_by_hand():
    table = explain_members(build(), np.array([0, 0, 1, 1]))
    # a: 30 from b, 10 to outside; c: 12 to b, 6 to d, 4 from d.
    assert table.at["a", "own_share"] == pytest.approx(30 / 40)
    assert table.at["c", "own_share"] == pytest.approx(10 / 22)
    assert table.at["c", "second_share"] == pytest.approx(12 / 22)
    assert table.at["c", "margin"] == pytest.approx(-200 / 22)
    assert table["second"].tolist() == [1, 1, 0, 0]
    assert table.at["a", "rule"] == "only_neighbour"
    assert table.at["b", "rule"] == "closest"


def test_the_limit_that_a_move_would_break_is_named():
    table = explain_members(build(min_population=600), np.array([0, 0, 1, 1]))
    assert table.loc["c", ["rule", "limit"]].tolist() == ["breaks_own", "min_population"]
    assert tell_reason(table.loc["c"], "Carpi", "Alba", "it") == (
        "Carpi: si muove di più verso l'ambito di Alba (55 %, contro 45 %), ma se passasse lì "
        "un ambito avrebbe troppo pochi residenti."
    )
    table = explain_members(build(max_members=2), np.array([0, 0, 1, 1]))
    assert table.loc["c", ["rule", "limit"]].tolist() == ["breaks_other", "max_members"]


def test_the_change_is_that_of_the_sum():
    problem = build()
    before, after = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    change = problem.partition_value(after) / problem.partition_value(before) - 1
    assert explain_members(problem, before).at["c", "interaction_change"] == pytest.approx(change)


def test_areas_changed_by_hand_may_leave_something_to_gain():
    table = explain_members(build(), np.array([0, 1, 1, 1]))
    assert table.at["b", "interaction_change"] > 0
    assert table.at["b", "rule"] == "sum_rises"


def test_units_that_are_tied_or_fixed():
    tied = build(must_link=[["c", "d"]])
    table = explain_members(tied, np.array([0, 0, 1]))
    assert table["with_it"].tolist() == [0, 0, 1, 1]
    fixed = explain_members(build(fixed=[["c", "d"]]), np.array([0, 0, 1]))
    assert fixed["rule"].tolist() == ["only_neighbour", "only_neighbour", "bound", "bound"]
    assert fixed["second"].isna().tolist() == [True, True, False, False]


def test_limits_have_names():
    problem = build(min_population=700, min_members=2, cannot_link=[["a", "d"]])
    assert broken_limits(problem, [0, 3]) == ["contiguity", "cannot_link"]
    assert broken_limits(problem, [2]) == ["min_members", "min_population"]
    assert broken_limits(problem, [0, 1]) == []
    for units in ([0, 1], [2, 3], [0, 1, 2], [0, 2]):
        assert problem.feasible(units) == (not broken_limits(problem, units))


def test_what_cannot_be_explained_is_refused():
    with pytest.raises(InputError, match="every unit"):
        explain_members(build(), np.array([0, 0, -1, 1]))
    row = explain_members(build(), np.array([0, 0, 1, 1])).loc["a"]
    with pytest.raises(UnknownNameError):
        tell_reason(row, "A", "B", "fr")


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.88, "l'88 %"),
        (0.80, "l'80 %"),
        (0.08, "l'8 %"),
        (0.11, "l'11 %"),
        (0.01, "l'1 %"),
        (0.18, "il 18 %"),
        (0.10, "il 10 %"),
        (1.0, "il 100 %"),
        (np.nan, "ambito una parte non nota"),
    ],
)
def test_a_share_has_its_article(share, told):
    row = {"limit": "", "own_share": share, "second_share": share, "interaction_change": 0.0}
    assert f" {told} dei suoi" in tell_reason(row | {"rule": "closest"}, "Noto", "Avola", "it")
    for rule in ("only_neighbour", "bound"):
        assert told.removeprefix("ambito ") in tell_reason(row | {"rule": rule}, "Noto", "Avola", "it")


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_words(language, rule):
    row = {
        "rule": rule,
        "limit": "validity",
        "own_share": 0.4,
        "second_share": np.nan,
        "interaction_change": -0.012,
    }
    text = tell_reason(row, "Noto", "Avola", language)
    assert text.startswith("Noto")
    assert text.endswith(".")
    assert "{" not in text
