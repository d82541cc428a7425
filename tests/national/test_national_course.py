"""Course of the provincial scores: windows, frozen scale, changes and what they depend on."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.catalogue import load_catalogue
from diagnosis.composite import composite_index
from diagnosis.errors import InputError
from diagnosis.frameworks import load_framework
from diagnosis.national.course import COLUMNS, score_course
from diagnosis.national.course_windows import (
    INFLATION,
    REASONS,
    CourseRules,
    Panel,
    choose_window,
    find_former_boundaries,
)
from diagnosis.national.domain_course import LEAST_CHANGE, USUAL_TIMES, DomainCourse
from diagnosis.national.scores import verdict
from diagnosis.storage import StageCache

CATALOGUE, SCHEME = load_catalogue(), load_framework("provinces")
PROVINCES = [f"{number:03d}" for number in range(1, 21)]
TERRITORIES = [*PROVINCES, "R01", "IT"]
SAFETY = [item.id for item in CATALOGUE.select(domain="BES_07", scored=True)]
ECONOMY = [item.id for item in CATALOGUE.select(domain="BES_04", scored=True)]


def make_series(indicators, years=range(2015, 2025), seed=0, territories=TERRITORIES):
    """Positive numbers that wander from year to year."""
    generator = np.random.default_rng(seed)
    shape = (len(years), len(territories), len(indicators))
    numbers = 50 + 10 * generator.normal(size=shape[1:]) + generator.normal(size=shape).cumsum(axis=0)
    index = pd.MultiIndex.from_product([map(str, years), territories], names=["year", "territory"])
    table = pd.DataFrame(numbers.reshape(len(index), -1), index, indicators)
    return table.rename_axis(columns="indicator").stack().rename("value").reset_index()


def drop(series, **where):
    """Leave out rows: each keyword is a column with the values meant."""
    meant = np.logical_and.reduce([series[name].isin(values) for name, values in where.items()])
    assert meant.any()
    return series[~meant]


def choose(series, indicators=SAFETY, rules=None, **options):
    return choose_window(Panel.of(series, indicators), rules or CourseRules(), **options)


@pytest.fixture(scope="module")
def found():
    return score_course(make_series(SAFETY), CATALOGUE, SCHEME)


def table_of(found, name):
    return found[name].set_index([column for column in ("domain", "territory") if column in found[name]])


def test_window_is_the_one_with_most_values():
    window, members = choose(make_series(SAFETY))
    assert window == (2017, 2024)
    assert members["entered"].all()
    # without the last three years of one of six: 6 x 5 = 30 values, without it 5 x 8 = 40
    series = drop(make_series(SAFETY), indicator=SAFETY[:1], year=["2022", "2023", "2024"])
    window, members = choose(series)
    assert window == (2017, 2024)
    assert members.loc[SAFETY[0]].tolist() == [False, "ends_early", "2017", "2024", "2015", "2021"]
    # half of them end in 2023: 6 x 7 = 42 values against 3 x 8 = 24
    window, members = choose(drop(make_series(SAFETY), indicator=SAFETY[:3], year=["2024"]))
    assert window == (2017, 2023)
    assert members["entered"].all()
    assert choose(make_series(SAFETY), rules=CourseRules(earliest=None))[0] == (2015, 2024)


def test_of_equals_more_indicators_then_the_later_years():
    # 2 x 6 years against 3 x 4 years, both windows allowed
    series = drop(make_series(SAFETY[:3], range(2017, 2023)), indicator=SAFETY[:1], year=["2017", "2018"])
    window, members = choose(series, SAFETY[:3], CourseRules(fewest_years=4))
    assert window == (2019, 2022)
    assert members["entered"].all()
    series = drop(make_series(SAFETY[:2], range(2017, 2024)), indicator=SAFETY[:2], year=["2020"])
    assert choose(series, SAFETY[:2], CourseRules(fewest_years=3))[0] == (2021, 2023)


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"indicator": SAFETY[:1]}, "no_values"),
        ({"indicator": SAFETY[:1], "territory": ["IT"]}, "no_country_value"),
        ({"indicator": SAFETY[:1], "territory": ["IT"], "year": ["2020"]}, "no_country_value"),
        ({"indicator": SAFETY[:1], "year": [str(year) for year in range(2015, 2021)]}, "too_few_years"),
        ({"indicator": SAFETY[:1], "year": [str(year) for year in range(2016, 2025, 2)]}, "too_few_years"),
        ({"indicator": SAFETY[:1], "year": ["2022", "2023", "2024"]}, "ends_early"),
        ({"indicator": SAFETY[:1], "year": ["2015", "2016", "2017", "2018"]}, "starts_late"),
        ({"indicator": SAFETY[:1], "year": ["2021"]}, "gap"),
        ({"indicator": SAFETY[:1], "year": ["2021"], "territory": PROVINCES[:3]}, "too_few_provinces"),
    ],
)
def test_reason_why_an_indicator_does_not_enter(where, reason):
    window, members = choose(drop(make_series(SAFETY), **where))
    assert window == (2017, 2024)
    assert members["entered"].tolist() == [False, *[True] * 5]
    assert members.at[SAFETY[0], "reason"] == reason
    assert reason in REASONS


def test_nine_of_ten_are_the_same_provinces_in_every_year():
    series = make_series(SAFETY)
    for year, province in (("2019", "001"), ("2021", "002")):
        series = drop(series, indicator=SAFETY[:1], year=[year], territory=[province])
    assert choose(series)[1]["entered"].all()  # 18 of 20
    series = drop(series, indicator=SAFETY[:1], year=["2022"], territory=["003"])
    assert choose(series)[1].at[SAFETY[0], "reason"] == "too_few_provinces"  # 19 of 20 in every single year
    # of those that ever have a value
    series = drop(make_series(SAFETY), indicator=SAFETY[:1], territory=PROVINCES[:15])
    assert choose(series)[1]["entered"].all()


def test_what_numbers_do_not_show_keeps_indicators_out():
    series = make_series(ECONOMY)
    rules = CourseRules(breaks={ECONOMY[4]: 2020})
    window, members = choose(series, ECONOMY, rules, in_euro=ECONOMY[:3])
    assert window == (2017, 2024)
    assert members["reason"].tolist() == ["", "", "", "fixed_threshold", "break"]
    # a window that begins with the new definition is allowed
    assert choose(series, ECONOMY, replace(rules, earliest=2020))[1].at[ECONOMY[4], "entered"]
    known = {year: rate for year, rate in INFLATION.items() if year != 2022}
    _, members = choose(series, ECONOMY, CourseRules(inflation=known, least_share=0.2), in_euro=ECONOMY[:2])
    assert members["reason"].tolist() == ["no_prices", "no_prices", "", "fixed_threshold", ""]
    series.loc[series["indicator"] == ECONOMY[4], "value"] = 3.0
    assert choose(series, ECONOMY)[1].at[ECONOMY[4], "reason"] == "constant"


def test_domain_without_a_window_says_so():
    assert choose(make_series(SAFETY[:1]), SAFETY[:1])[0] is None  # one indicator is no score
    window, members = choose(drop(make_series(SAFETY), indicator=SAFETY[:4], year=["2021"]))
    assert window is None
    assert members["reason"].tolist() == ["gap"] * 4 + ["no_window"] * 2
    assert members["first"].isna().all()
    window, members = choose(make_series(SAFETY, range(2022, 2025)))
    assert window is None
    assert set(members["reason"]) == {"too_few_years"}
    # nothing that ends too early
    window, members = choose(drop(make_series(SAFETY), year=["2022", "2023"], indicator=SAFETY))
    assert window is None


def test_country_has_exactly_100_in_the_base_year(found):
    course = found["course"]
    assert sorted(course["domain"].unique()) == ["BES_07"]
    assert course["year"].unique().tolist() == [str(year) for year in range(2017, 2025)]
    country = course[course["territory"] == "IT"].set_index("year")["score"]
    assert country["2017"] == 100.0
    assert (country.drop("2017") != 100.0).all()
    assert len(course) == 8 * len(TERRITORIES)
    assert course["score"].notna().all()
    assert found["members"].loc[found["members"]["entered"], "base"].eq("2017").all()
    assert {name: tuple(table) for name, table in found.items()} == COLUMNS


def test_scores_are_those_of_goalposts_over_the_window():
    series = make_series(SAFETY)
    course = score_course(series, CATALOGUE, SCHEME)["course"].set_index(["year", "territory"])["score"]
    wide = series[series["year"] >= "2017"].pivot(
        index=["year", "territory"], columns="indicator", values="value"
    )[SAFETY]
    provinces = wide[wide.index.get_level_values(1).str.fullmatch(r"\d{3}")]
    reach, own = provinces.max() - provinces.min(), wide.loc[("2017", "IT")]
    normalised = 100 - 60 * (wide - own) / reach  # every indicator of this domain is negative
    mean = normalised.mean(axis=1)
    expected = mean - normalised.var(axis=1, ddof=0) / mean
    np.testing.assert_allclose(course, expected[course.index], rtol=0, atol=1e-9)


def test_classes_are_tenths_of_the_provinces_in_the_base_year(found):
    course = found["course"]
    base = course[course["year"] == "2017"].set_index("territory")
    assert base.loc[PROVINCES, "class"].value_counts().tolist() == [2] * 10
    assert base.loc[PROVINCES].sort_values("score")["class"].is_monotonic_increasing
    assert course.loc[~course["territory"].isin(PROVINCES), "class"].isna().all()


def test_parts_sum_to_the_change_and_name_the_mover(found):
    changes, parts = table_of(found, "changes"), found["parts"]
    split = parts.pivot(index=["domain", "territory"], columns="indicator", values="part")
    pd.testing.assert_series_equal(split.sum(axis=1), changes["change"], check_names=False, check_like=True)
    for key, row in changes.iterrows():
        own = split.loc[key] * np.sign(row["change"])
        assert row["mover"] == own.idxmax()
        assert row["mover_part"] == pytest.approx(split.at[key, row["mover"]])
        assert np.sign(row["mover_part"]) == np.sign(row["change"])
        if own.min() < 0:
            assert row["brake"] == own.idxmin()
            assert np.sign(row["brake_part"]) == -np.sign(row["change"])
        else:
            assert row["brake"] == ""


def test_changes_are_differences_of_the_course(found):
    scores = found["course"].pivot(index="year", columns="territory", values="score")
    changes = found["changes"].set_index("territory")
    change = scores.loc["2024"] - scores.loc["2017"]
    np.testing.assert_allclose(changes["change"], change[changes.index])
    np.testing.assert_allclose(changes["country_change"], change["IT"])
    usual = np.sqrt((scores.diff().diff() ** 2).mean() / 3)
    np.testing.assert_allclose(changes["usual"], usual[changes.index])
    size = changes["change"].abs()
    np.testing.assert_array_equal(
        changes["clear"], (size > USUAL_TIMES * changes["usual"]) & (size >= LEAST_CHANGE)
    )
    relative = scores.sub(scores["IT"], axis=0)
    others = changes.drop("IT")
    np.testing.assert_allclose(
        others["relative_change"], (relative.loc["2024"] - relative.loc["2017"])[others.index]
    )
    movement = np.sqrt((relative.diff().diff() ** 2).mean() / 3)[others.index]
    size = others["relative_change"].abs()
    np.testing.assert_array_equal(
        others["relative_clear"], (size > USUAL_TIMES * movement) & (size >= LEAST_CHANGE)
    )
    alone = changes.loc["IT"]
    assert alone[["relative_change", "gains"]].isna().all()
    assert alone["relative_verdict"] == ""


def test_alternatives_are_recalculated_as_by_the_functions_on_tables():
    series = make_series(SAFETY)
    items = CATALOGUE.select(domain="BES_07", scored=True)
    course = DomainCourse.of(Panel.of(series, SAFETY), (2017, 2024), items, SCHEME, CourseRules())
    changes = course.recalculate()
    assert changes.shape == (3 * 3 * (1 + len(SAFETY)), len(TERRITORIES))
    nominal = course.score().pivot(index="year", columns="territory", values="score")
    expected = (nominal.loc["2024"] - nominal.loc["2017"])[course.territories]
    np.testing.assert_allclose(changes[0], expected)
    # the second alternative leaves the first indicator out
    kept = SAFETY[1:]
    scores = composite_index(course.values[kept], goalposts=course.release.goalposts)["score"]
    np.testing.assert_allclose(changes[1], scores.loc[2024] - scores.loc[2017])


def test_verdicts_say_whether_all_alternatives_agree(found):
    words = {
        "rises": "above",
        "mostly_rises": "mostly_above",
        "falls": "below",
        "mostly_falls": "mostly_below",
    }
    changes = found["changes"]
    for share, word in (("rises", "verdict"), ("gains", "relative_verdict")):
        for row in changes.itertuples():
            assert words.get(getattr(row, word), getattr(row, word)) == verdict(getattr(row, share))
    assert {"rises", "falls"} <= set(changes["verdict"])
    assert (changes["alternatives"] == 63).all()


def test_everything_better_rises_in_every_alternative():
    series = make_series(SAFETY)
    late = (series["territory"] == "005") & (series["year"] == "2024")
    early = series[(series["territory"] == "005") & (series["year"] == "2017")].set_index("indicator")[
        "value"
    ]
    series.loc[late, "value"] = series.loc[late, "indicator"].map(early) - 5  # all are better when low
    changes = score_course(series, CATALOGUE, SCHEME)["changes"].set_index("territory")
    assert changes.loc["005", ["rises", "verdict"]].tolist() == [1.0, "rises"]
    assert changes.at["005", "brake"] == ""


def test_few_indicators_are_not_left_out_in_turn():
    names = [item.id for item in CATALOGUE.select(domain="BES_09", scored=True)]
    changes = score_course(make_series(names), CATALOGUE, SCHEME)["changes"]
    assert (changes["alternatives"] == 9).all()
    one = SCHEME.model_copy(
        update={"uncertainty": SCHEME.uncertainty.model_copy(update={"normalisations": ("rank",)})}
    )
    alone = score_course(make_series(names), CATALOGUE, one)["changes"]
    assert (alone["alternatives"] == 0).all()
    assert (alone["verdict"] == "").all()
    np.testing.assert_allclose(alone["change"], changes["change"])


def test_unit_whose_make_up_changes_has_no_score_or_the_same_one_throughout():
    series = drop(make_series(SAFETY), territory=["001"], year=["2019"], indicator=SAFETY[:1])
    series = drop(series, territory=["002"], year=["2019"], indicator=SAFETY[:2])
    found = score_course(series, CATALOGUE, SCHEME)
    changes = found["changes"].set_index("territory")
    assert changes.loc["001", ["indicators", "missing"]].tolist() == [5, ""]
    assert changes.loc["002", ["indicators", "missing"]].tolist() == [0, "incomplete"]  # 4 of 6 are too few
    course = found["course"].set_index("territory")
    assert course.loc["002", "score"].isna().all()
    assert len(course.loc["002"]) == 8
    parts = found["parts"].set_index(["territory", "indicator"])
    assert np.isnan(parts.at[("001", SAFETY[0]), "part"])
    assert parts.loc["001", "part"].sum() == pytest.approx(changes.at["001", "change"])


def test_former_boundaries_are_not_compared():
    territories = [*PROVINCES, "111", "091", "092", "R20", "IT"]
    series = make_series(SAFETY, territories=territories)
    early = [str(year) for year in range(2015, 2019)]
    changed = drop(series, territory=["111"], year=early, indicator=SAFETY[:2])
    moved = find_former_boundaries(Panel.of(changed, SAFETY), 2017, 2024, CourseRules())
    rows = pd.DataFrame(moved, sorted(territories), SAFETY)
    assert rows.loc[["091", "092", "111"], SAFETY[:2]].to_numpy().all()
    assert rows.to_numpy().sum() == 6
    changes = score_course(changed, CATALOGUE, SCHEME)["changes"].set_index("territory")
    assert (changes.loc[["091", "092", "111"], "missing"] == "boundaries").all()
    assert changes.loc[["001", "R20", "IT"], "missing"].eq("").all()
    # after the change, or where the new province never has a value, boundaries are the same throughout
    rules = CourseRules(earliest=2019)
    assert not find_former_boundaries(Panel.of(changed, SAFETY), 2019, 2024, rules).any()
    never = drop(series, territory=["111"], indicator=SAFETY[:2])
    assert not find_former_boundaries(Panel.of(never, SAFETY), 2017, 2024, CourseRules()).any()


def test_amounts_in_euro_are_at_prices_of_the_base_year():
    rates = dict.fromkeys(range(2016, 2025), 10.0)
    rules = CourseRules(inflation=rates)
    np.testing.assert_allclose(rules.deflators([2017, 2018, 2019]), [1, 1 / 1.1, 1 / 1.21])
    assert rules.deflators([2024, 2025]) is None
    series = make_series(ECONOMY)
    steady = series["indicator"] == "04BEC002P"
    values = series[steady & (series["year"] == "2017")].set_index("territory")["value"]
    growth = 1.1 ** (series.loc[steady, "year"].astype(int) - 2017)
    series.loc[steady, "value"] = series.loc[steady, "territory"].map(values) * growth
    found = score_course(series, CATALOGUE, SCHEME, rules)
    parts = found["parts"][found["parts"]["indicator"] == "04BEC002P"]
    np.testing.assert_allclose(parts["value_last"], parts["value_first"])
    members = found["members"].set_index("indicator")
    assert members.index[members["at_base_prices"]].tolist() == ["04BEC001P", "04BEC002P", "04BEC005P"]


def test_prices_agree_with_the_published_index():
    # NIC, base 2015 = 100, mean of 2021 and of 2022: 104.7 and 113.2 (ISTAT)
    levels = 1 / CourseRules().deflators(range(2015, 2025))
    np.testing.assert_allclose(levels[[6, 7]], [1.047, 1.132], atol=0.001)


@given(seed=st.integers(0, 2**31), factor=st.floats(0.01, 100), shift=st.floats(-5, 5))
@settings(max_examples=10)
def test_units_and_order_of_rows_are_irrelevant(seed, factor, shift):
    series = make_series(SAFETY[:4], range(2018, 2024), seed=seed)
    other = series.sample(frac=1, random_state=seed % 1000)
    turned = other["indicator"] == SAFETY[0]
    other.loc[turned, "value"] = other.loc[turned, "value"] * factor + shift
    first, second = (score_course(table, CATALOGUE, SCHEME) for table in (series, other))
    pd.testing.assert_frame_equal(first["course"], second["course"], rtol=1e-7)
    columns = ["territory", "change", "rises", "verdict", "alternatives"]
    pd.testing.assert_frame_equal(first["changes"][columns], second["changes"][columns], rtol=1e-6, atol=1e-7)


def test_country_without_courses_gets_empty_tables(tmp_path):
    found = score_course(make_series(SAFETY, range(2022, 2025)), CATALOGUE, SCHEME)
    assert {name: tuple(table) for name, table in found.items()} == COLUMNS
    assert found["course"].empty
    assert found["changes"].empty
    scored = CATALOGUE.select(level="province", scored=True)
    assert found["members"]["indicator"].tolist() == [item.id for item in scored]
    assert not found["members"]["entered"].any()


@pytest.mark.parametrize("years", [range(2017, 2025), range(2022, 2025)])
def test_tables_can_be_saved(tmp_path, years):
    found = score_course(make_series(SAFETY, years), CATALOGUE, SCHEME)
    cache = StageCache(tmp_path)
    for _ in range(2):
        again = cache.get("course", "0" * 16, lambda: found)
        for name, table in found.items():
            assert again[name].shape == table.shape
            assert list(again[name]) == list(table)
    assert again["course"]["class"].isna().sum() == found["course"]["class"].isna().sum()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda table: table.drop(columns="value"), "needs territory, indicator, year and value"),
        (lambda table: table.assign(year="2022-2023"), "four digits"),
        (lambda table: pd.concat([table, table.iloc[:2]]), "one value of an indicator a year"),
        (lambda table: table[table["territory"] != "IT"], "the country"),
    ],
)
def test_wrong_series_is_refused(change, rule):
    with pytest.raises(InputError, match=rule):
        score_course(change(make_series(SAFETY)), CATALOGUE, SCHEME)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fewest_years": 1},
        {"latest_end": -1},
        {"coverage": 0.0},
        {"least_share": 1.5},
        {"fewest_indicators": 0},
    ],
)
def test_wrong_rules_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        CourseRules(**wrong)


def test_provinces_of_italy(mirror):
    from diagnosis.sources.istat import read_wellbeing

    series = read_wellbeing(mirror / "istat" / "Bes_dei_territori_indic_provincia.xlsx")
    score_course(series, CATALOGUE, SCHEME)
    start = time.process_time()
    found = score_course(series, CATALOGUE, SCHEME)
    assert time.process_time() - start < 2  # 0.4 on the machine of the benchmarks
    members = (
        found["members"]
        .groupby("domain")
        .agg(entered=("entered", "sum"), first=("first", "first"), last=("last", "first"))
    )
    assert members.loc["BES_03"].tolist() == [5, "2018", "2023"]
    assert members.loc["BES_10"].tolist() == [5, "2017", "2023"]
    assert members.at["BES_05", "entered"] == 0
    reasons = found["members"].set_index("indicator")["reason"]
    assert reasons[["06POL001", "02IST010P", "10AMB003"]].eq("too_few_years").all()
    assert reasons["04BEC006P"] == "fixed_threshold"
    assert reasons["03LAV007"] == "ends_early"  # its last year, 2022, is provisional: definitive until 2021
    country = found["course"][found["course"]["territory"] == "IT"].drop_duplicates("domain")
    assert country["score"].eq(100).all()
    # by hand from the published values: two positive indicators of Siracusa in 2022
    own = found["course"].set_index(["domain", "year", "territory"])["score"]
    normalised = np.array([100 + 60 * (18.1 - 80.8) / 321.9, 100 + 60 * (1.1 - 1.5) / 2.6])
    expected = normalised.mean() - normalised.var() / normalised.mean()
    assert own["BES_11", "2022", "089"] == pytest.approx(expected)
    changes = found["changes"].set_index(["domain", "territory"])
    assert changes.at[("BES_10", "089"), "mover"] == "10AMB017"
    assert changes.at[("BES_10", "089"), "verdict"] == "rises"
    # the wages of the province of Nuoro before 2022 are those of other boundaries
    assert changes.at[("BES_04", "091"), "missing"] == "boundaries"
    without = changes[(changes["missing"] != "")].groupby("domain").size()
    assert without.to_dict() == {"BES_04": 12, "BES_07": 1, "BES_09": 1, "BES_12": 5}
