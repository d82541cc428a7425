import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.quality import CHECKS, GRADES, QualityRules
from diagnosis.quality.assessment import find_reference_year
from diagnosis.quality.rules import APART, grade_at_least, grade_at_most, grade_domain, worst
from diagnosis.quality.texts import Share, name_some, reason, word
from diagnosis.schema import LANGUAGES


@pytest.mark.parametrize(
    ("value", "grade"),
    [(1.0, "A"), (0.98, "A"), (0.9799, "B"), (0.9, "B"), (0.7, "C"), (0.69, "D"), (0, "D")],
)
def test_coverage_limits(value, grade):
    assert grade_at_least(value, QualityRules().coverage) == grade


@pytest.mark.parametrize(
    ("years", "grade"), [(0, "A"), (2, "A"), (3, "B"), (5, "B"), (6, "C"), (10, "C"), (11, "D")]
)
def test_age_limits(years, grade):
    assert grade_at_most(years, QualityRules().age) == grade


def test_limits_can_be_changed_and_are_held():
    assert grade_at_most(3, QualityRules(age=(3, 4, 5)).age) == "A"
    for wrong in (
        {"age": (5, 2, 10)},
        {"coverage": (0.7, 0.9, 0.98)},
        {"masked": (0, 1)},
        {"far": 0},
        {"domain_share": 1.5},
        {"tolerance": float("inf")},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            QualityRules(**wrong)


def test_no_outlier_costs_more_than_a_c():
    assert grade_at_most(1.0, QualityRules().outliers) == "C"


@pytest.mark.parametrize(
    ("grades", "expected"),
    [
        ("AAAB", "A"),
        ("AABB", "B"),
        ("AAD", "D"),
        ("AAAD", "A"),
        ("AAADD", "D"),
        ("B", "B"),
        ("", ""),
        (["", "C"], "C"),
    ],
)
def test_domain_has_what_three_quarters_reach(grades, expected):
    assert grade_domain(list(grades), 0.75) == expected


@given(st.lists(st.sampled_from(GRADES), min_size=1), st.floats(0.01, 1))
def test_domain_grade_lies_between_best_and_worst(grades, share):
    found = grade_domain(grades, share)
    assert min(grades) <= found <= worst(grades) == max(grades)
    assert sum(grade <= found for grade in grades) >= share * len(grades) - 1e-6


@pytest.mark.parametrize(
    ("edition", "expected"),
    [("2026", 2026), ("2026-spring", 2026), ("draft", 2024), ("v120260", 2024), ("report-1999", 1999)],
)
def test_age_is_counted_to_the_edition_or_to_the_newest_data(edition, expected):
    assert find_reference_year(edition, ["2020-2021", None, "2024", "2011"]) == expected


def test_words_are_written_as_each_language_does():
    told = reason("masked_some", n=2, of=21, share=Share(0.0725))
    assert "7,2 %" in told.it or "7,3 %" in told.it
    assert "7.2%" in told.en or "7.3%" in told.en
    assert "99,9 %" in reason("masked_some", n=2, of=3, share=Share(0.99999)).it
    assert "(0,00 punti)" in reason("points_agree", quantity="x", first="a", second="b", difference=-0.001).it
    assert name_some("abcdef").en == "a, b, c, d and 2 more"
    assert name_some("ab").it == "a, b"
    with pytest.raises(UnknownNameError, match="coverage_all"):
        reason("coverage_al")
    for check in CHECKS:
        assert all(word("checks", check)[language] for language in LANGUAGES)
    assert set(APART) < set(CHECKS)


def test_a_difference_below_zero_has_a_true_minus():
    told = reason(
        "conflicts_agree_but",
        quantity="x",
        first="a",
        second="b",
        difference=Share(-0.007),
        tolerance=Share(0.05),
        n=2,
        of=21,
    )
    assert "\N{MINUS SIGN}0,7 %" in told.it
    assert "2 su 21" in told.it
    assert "\N{MINUS SIGN}0.7%" in told.en
    assert "2 of 21" in told.en
    assert (
        "(\N{MINUS SIGN}0.03 points)"
        in reason("points_agree", quantity="x", first="a", second="b", difference=-0.03).en
    )
