import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.indicators import (
    MEASURES,
    classify_with_intervals,
    compute,
    gap_reasons,
    gather_fractions,
    rate_intervals,
    smooth,
    summarise_by_size,
)
from diagnosis.tables import AGE_COLUMNS

WITHOUT = {
    # divided by something, and yet without a model of chance
    "population_density",
    "mean_age",
    "small_municipalities_share",
    "small_municipalities_residents_share",
    "net_commuting_rate",
    "main_destination_share",
    "landslide_area_share",
    "flood_area_share",
    "landslide_residents_share",
    "flood_residents_share",
    "landslide_buildings_share",
    "flood_buildings_share",
    "landslide_local_units_share",
    "flood_local_units_share",
    "landslide_heritage_share",
    "flood_heritage_share",
    "inner_areas_municipalities_share",
    "inner_areas_residents_share",
    "rural_residents_share",
    "mountain_residents_share",
    "population_change",
    "population_change_provisional",
    "preschools_per_1000_children",
    "primary_schools_per_1000_children",
    "lower_secondary_schools_per_1000_children",
    "upper_secondary_schools_per_1000_children",
    "preschool_attendance_ratio",
    "primary_attendance_ratio",
    "lower_secondary_attendance_ratio",
    "upper_secondary_attendance_ratio",
    "municipalities_without_primary_share",
    "children_without_primary_share",
    "children_without_lower_secondary_share",
    "pupils_per_primary_school",
    "preschool_state_pupils_share",
    "schools_led_from_elsewhere_share",
    "libraries_per_10000_residents",
    "municipalities_with_library_share",
    "residents_with_library_share",
    "persons_employed_per_100_adults",
    "local_units_per_1000_residents",
    "local_unit_size",
    "employees_share",
    "wage_per_employee",
    "labour_productivity",
    "value_added_per_resident",
    "value_added_turnover_share",
    "wage_share",
    "industry_employment_share",
    "industry_wage_per_employee",
    "industry_labour_productivity",
    "services_wage_per_employee",
    "services_labour_productivity",
    "income_per_taxpayer",
    "income_per_resident",
    "net_tax_share",
    "employment_income_share",
    "pension_income_share",
    "public_transport_share_2011",
    "private_motor_share_2011",
    "walking_or_cycling_share_2011",
    "long_travel_share_2011",
    "covenant_municipalities_share",
    "covenant_residents_share",
    "covenant_2030_residents_share",
    "joint_plan_municipalities_share",
    "baseline_emissions_per_head",
    "municipal_emissions_share",
    "tertiary_emissions_share",
    "residential_emissions_share",
    "transport_emissions_share",
}


def country(number, flows=None, **people):
    """A country of `number` places with the residents given by column of the population, and flows to elsewhere."""
    codes = pd.Index([f"9{position:05d}" for position in range(number)], name="code")
    ages = {name: np.broadcast_to(np.asarray(people.get(name, 0.0)), number) for name in AGE_COLUMNS}
    tables = {
        "municipalities": pd.DataFrame({"area_km2": 1.0}, index=codes),
        "population": pd.DataFrame(ages, index=codes).astype(float),
    }
    if flows is not None:
        trips = {"origin": codes, "destination": "800000", "commuters": np.asarray(flows, dtype=float)}
        tables["flows"] = pd.DataFrame(trips)
    return tables


def names_by_chance(chance):
    return [name for name, measure in MEASURES.items() if measure.chance == chance]


def test_the_chance_of_every_measure_is_that_of_who_is_counted():
    """One resident of each sex and age, one trip of each kind: is who is above also below the line?"""
    kinds = len(AGE_COLUMNS)
    one_of_each = np.eye(kinds, kinds + 3)
    tables = country(kinds + 3, **dict(zip(AGE_COLUMNS, one_of_each, strict=True)))
    inside, out, into = tables["municipalities"].index[-3:]
    tables["flows"] = pd.DataFrame(
        [(inside, inside, 1.0), (out, "800000", 1.0), ("800000", into, 1.0)],
        columns=["origin", "destination", "commuters"],
    )
    above, below = gather_fractions(tables)
    above, below = above.fillna(0), below.fillna(0)
    assert {name for name in above if MEASURES[name].chance is None} == WITHOUT
    assert not any(measure.chance for name, measure in MEASURES.items() if name not in above)
    counted = {name for name in above if set(MEASURES[name].tables) <= set(tables)}
    for name in counted.intersection(names_by_chance("proportion")):
        assert above[name].any(), name
        assert (above[name] <= below[name]).all(), name
    for name in counted.intersection(names_by_chance("ratio")):
        assert above[name].any(), name
        assert below[name].any(), name
        assert not (above[name] * below[name]).any(), name
    rates = counted.intersection(names_by_chance("rate"))
    assert rates == {"workers_per_100_adults", "jobs_per_100_workers"}
    for name in rates:
        assert (above[name] > below[name]).any(), name
    assert above.loc[inside, "jobs_per_100_workers"] == below.loc[inside, "jobs_per_100_workers"] == 1


def test_fractions_are_those_of_the_indicators(tables):
    for groups in (None, pd.Series("g", index=["901001", "901002", "901003"])):
        above, below = gather_fractions(tables, groups)
        values = compute(tables, groups, only=list(above))
        assert above.index.equals(values.index)
        factors = [MEASURES[name].factor for name in above]
        pd.testing.assert_frame_equal(above / below.where(below > 0) * factors, values)
    above, below = gather_fractions(tables, only=["women_over_80_share", "old_age_index"])
    assert list(above) == ["women_over_80_share", "old_age_index"]
    assert (
        below.loc["901001", "women_over_80_share"] == 0
    )  # nobody of 80: known, unlike the row without people
    assert np.isnan(below.loc["901003", "women_over_80_share"])
    with pytest.raises(InputError, match="'minutes_to_pole', 'residents'"):
        gather_fractions(tables, only=["minutes_to_pole", "residents", "sex_ratio"])


@pytest.mark.parametrize("level", [0.8, 0.9, 0.99])
def test_limits_against_textbook_formulas(level):
    from scipy.stats import binomtest, chi2

    events, others = np.array([0, 1, 3, 12, 250, 7]), np.array([9, 4, 3, 90, 31, 1])
    tables = country(6, f1=events, f40=others, flows=events)
    found = rate_intervals(tables, ["under_3_share", "children_women_ratio", "workers_per_100_adults"], level)
    for place, (k, rest) in enumerate(zip(events, others, strict=True)):
        share = binomtest(int(k), int(k + rest)).proportion_ci(level, method="wilson")
        lower, upper = found.lower.iloc[place], found.upper.iloc[place]
        assert lower["under_3_share"] == pytest.approx(100 * share.low, abs=1e-9)
        assert upper["under_3_share"] == pytest.approx(100 * share.high)
        assert lower["children_women_ratio"] == pytest.approx(100 * share.low / (1 - share.low), abs=1e-9)
        assert upper["children_women_ratio"] == pytest.approx(100 * share.high / (1 - share.high))
        low = chi2.ppf((1 - level) / 2, 2 * k) / 2 if k else 0
        high = chi2.ppf((1 + level) / 2, 2 * k + 2) / 2
        assert lower["workers_per_100_adults"] == pytest.approx(100 * low / rest)
        assert upper["workers_per_100_adults"] == pytest.approx(100 * high / rest)


def test_interval_of_nobody_by_hand():
    found = rate_intervals(country(1, f1=0, f40=10, flows=[0]), level=0.95)
    z = 1.959963984540054
    assert found.lower.loc["900000", "under_3_share"] == 0
    assert found.upper.loc["900000", "under_3_share"] == pytest.approx(100 * z**2 / (10 + z**2))
    assert found.upper.loc["900000", "workers_per_100_adults"] == pytest.approx(100 * -np.log(0.025) / 10)
    assert found.standard_errors.loc["900000", "under_3_share"] == pytest.approx(100 * z / 2 / (10 + z**2))
    everybody = rate_intervals(country(1, f1=10), ["under_3_share"])
    assert everybody.upper.loc["900000", "under_3_share"] == everybody.values.iat[0, 0] == 100
    assert everybody.lower.iat[0, 0] < 100


def test_standard_errors_of_many_people_are_the_textbook_ones():
    found = rate_intervals(country(1, f1=3000, f40=7000, flows=[5000]), level=0.9).standard_errors.iloc[0]
    assert found["under_3_share"] == pytest.approx(100 * np.sqrt(0.3 * 0.7 / 10_000), rel=0.01)
    ratio = 3 / 7
    delta = ratio * np.sqrt(1 / 3000 + 1 / 7000)
    assert found["children_women_ratio"] == pytest.approx(100 * delta, rel=0.01)
    assert found["workers_per_100_adults"] == pytest.approx(100 * np.sqrt(5000) / 7000, rel=0.01)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("people", [15, 40, 120])
def test_coverage_of_a_share(level, people):
    """On average over the shares: of one share it goes up and down, since few people make few distinct counts."""
    draws = 10_000
    random = np.random.default_rng(4)
    share = random.uniform(0.02, 0.6, draws)
    events = random.binomial(people, share)
    found = rate_intervals(country(draws, f1=events, f40=people - events), ["under_3_share"], level)
    assert holds(found, 100 * share[:, None]) == pytest.approx(level, abs=0.015)


@pytest.mark.parametrize(("people", "share"), [(15, 0.1), (40, 0.05), (40, 0.3), (120, 0.02), (60, 0.5)])
def test_coverage_of_one_share(people, share):
    events = np.random.default_rng(4).binomial(people, share, 4000)
    found = rate_intervals(country(4000, f1=events, f40=people - events), ["under_3_share"])
    assert holds(found, 100 * share) == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_coverage_of_a_ratio(level):
    draws, cases = 4000, [(5, 20), (10, 10), (40, 8), (4, 60), (25, 25)]
    random = np.random.default_rng(5)
    covered = []
    for old, young in cases:
        tables = country(draws, f70=random.poisson(old, draws), f5=random.poisson(young, draws))
        covered.append(holds(rate_intervals(tables, ["old_age_index"], level), 100 * old / young))
    assert np.mean(covered) == pytest.approx(level, abs=0.025)
    assert min(covered) > level - 0.06


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_coverage_of_a_rate_is_at_least_the_level(level):
    draws = 4000
    random = np.random.default_rng(6)
    covered = []
    for expected in (1.5, 4, 10, 30, 100):
        tables = country(draws, f40=50, flows=random.poisson(expected, draws))
        covered.append(holds(rate_intervals(tables, ["workers_per_100_adults"], level), 2 * expected))
    assert min(covered) > level - 0.01
    assert covered[-1] < level + 0.04  # exact, hence too wide for few only


def holds(found, true):
    """Share of the places with a value of which the interval holds the true level."""
    known = found.values.notna().to_numpy()
    return ((found.lower <= true) & (found.upper >= true)).to_numpy()[known].mean()


def test_gaps_keep_their_reason(tables):
    found = rate_intervals(tables)
    for part in (found.lower, found.upper, found.standard_errors):
        assert part.isna().equals(found.values.isna())
    gaps = gap_reasons(found.values, tables).set_index(["code", "indicator"])["reason"]
    assert gaps["901001", "women_over_80_share"] == "zero_denominator"
    assert gaps["901003", "women_over_80_share"] == "not_in_source"
    without_flows = rate_intervals({**tables, "flows": None}, ["jobs_per_100_workers"])
    assert without_flows.upper.isna().all(axis=None)


def test_table_has_a_row_for_every_value(tables):
    found = rate_intervals(tables, ["sex_ratio", "under_3_share"])
    table = found.to_table()
    assert list(table) == [
        "code",
        "indicator",
        "value",
        "lower",
        "upper",
        "standard_error",
        "numerator",
        "denominator",
    ]
    assert len(table) == 8
    row = table.set_index(["indicator", "code"]).loc[("sex_ratio", "901001")]
    assert row[["numerator", "denominator"]].tolist() == [40, 60]
    assert row["upper"] == found.upper.loc["901001", "sex_ratio"]
    grouped = rate_intervals(tables, ["sex_ratio"], groups=pd.Series("g", index=["901001", "901002"]))
    assert grouped.to_table().loc[0, ["group", "numerator", "denominator"]].tolist() == ["g", 100, 100]
    assert len(rate_intervals(tables, []).to_table()) == 0


@given(seed=st.integers(0, 10**6), level=st.floats(0.05, 0.99))
def test_properties_of_intervals(make_tables, seed, level):
    tables = make_tables(seed, number=8, ends=20)
    found, wider = rate_intervals(tables, level=level), rate_intervals(tables, level=(1 + level) / 2)
    assert (found.lower <= found.values).all(axis=None)
    assert (found.values <= found.upper).all(axis=None)
    assert (found.lower >= 0).all(axis=None)
    assert (found.upper[names_by_chance("proportion")] <= 100 + 1e-9).all(axis=None)
    assert (wider.lower <= found.lower + 1e-9).all(axis=None)
    assert (wider.upper >= found.upper - 1e-9).all(axis=None)
    other = {name: table.sample(frac=1, random_state=seed) for name, table in tables.items()}
    again = rate_intervals(other, level=level).upper.loc[found.upper.index]
    pd.testing.assert_frame_equal(again, found.upper)
    swapped = tables["population"].rename(columns=lambda name: {"f": "m", "m": "f"}[name[0]] + name[1:])
    turned = rate_intervals({**tables, "population": swapped}, ["sex_ratio"], level)
    assert np.allclose(turned.lower["sex_ratio"], 1e4 / found.upper["sex_ratio"])


COUNTS = st.lists(st.floats(0, 1e7).map(lambda value: round(value, 3)), min_size=8, max_size=8)


@given(some=COUNTS, others=COUNTS)
def test_counts_need_not_be_whole(some, others):
    found = rate_intervals(country(8, f1=some, f40=others, flows=some))
    known = found.values.notna().to_numpy()
    assert np.isfinite(found.upper.to_numpy()[known]).all()
    assert (found.standard_errors.to_numpy()[known] > 0).all()
    assert (found.lower.to_numpy()[known] <= found.values.to_numpy()[known]).all()


def test_bad_requests(tables):
    for level in (0, 1, -0.1, 90, np.nan):
        with pytest.raises(InputError, match="level must be between"):
            rate_intervals(tables, level=level)
    with pytest.raises(InputError, match="'residents', 'minutes_to_pole'"):
        rate_intervals(tables, ["residents", "minutes_to_pole", "sex_ratio"])
    with pytest.raises(UnknownNameError, match="'sex_ratio'"):
        smooth(tables, ["sex_ratios"])
    with pytest.raises(InputError, match=r"groups apart from each other: 'old_age_index'"):
        smooth(tables, ["youth_share", "old_age_index"])


@pytest.mark.parametrize("function", [rate_intervals, smooth])
def test_impossible_counts(function):
    with pytest.raises(InputError, match=r"under_3_share: counts must be zero or more.*'900001'"):
        function(country(2, f1=[3, -3], f40=9), ["under_3_share"])
    with pytest.raises(InputError, match="a part must not be larger than the whole"):
        function(country(1, f1=9, f40=-3), ["under_3_share"])


def test_smoothed_rate_by_hand():
    events, people = [30, 0, 100], [60, 10, 130]
    mean = 130 / 200
    observed = (60 * (0.5 - mean) ** 2 + 10 * mean**2 + 130 * (100 / 130 - mean) ** 2) / 200
    variance = observed - mean / (200 / 3)
    weights = [variance / (variance + mean / each) for each in people]
    found = smooth(country(3, f40=people, flows=events), ["workers_per_100_adults"])
    expected = [100 * (w * k / m + (1 - w) * mean) for w, k, m in zip(weights, events, people, strict=True)]
    assert found.own_weights["workers_per_100_adults"].tolist() == pytest.approx(weights)
    assert found.smoothed["workers_per_100_adults"].tolist() == pytest.approx(expected)
    assert found.values["workers_per_100_adults"].tolist() == pytest.approx([50, 0, 10_000 / 130])
    prior = found.prior.loc["workers_per_100_adults"]
    assert prior.tolist() == pytest.approx([65, 100 * np.sqrt(variance), 3])


def test_smoothed_share_has_the_variance_of_a_binomial_count():
    events, people = np.array([30, 0, 100]), np.array([60, 10, 130])
    mean = 130 / 200
    observed = np.average((events / people - mean) ** 2, weights=people)
    variance = observed - mean * (1 - mean) / people.mean()
    weights = variance / (variance + mean * (1 - mean) / people)
    found = smooth(country(3, f1=events, f40=people - events), ["under_3_share"])
    assert found.own_weights["under_3_share"].tolist() == pytest.approx(weights.tolist())
    expected = 100 * (weights * events / people + (1 - weights) * mean)
    assert found.smoothed["under_3_share"].tolist() == pytest.approx(expected.tolist())


def test_smoothed_rates_recover_the_levels_better_than_the_observed_ones():
    random = np.random.default_rng(7)
    people = random.integers(20, 400, 2000)
    level = random.gamma(25, 0.4 / 25, 2000)
    events = random.poisson(people * level)
    found = smooth(country(2000, f40=people, flows=events), ["workers_per_100_adults"])
    assert found.prior.loc["workers_per_100_adults", "mean"] == pytest.approx(40, rel=0.03)
    assert found.prior.loc["workers_per_100_adults", "standard_deviation"] == pytest.approx(8, rel=0.1)
    error = (found.smoothed["workers_per_100_adults"] - 100 * level) ** 2
    assert error.mean() < 0.7 * ((found.values["workers_per_100_adults"] - 100 * level) ** 2).mean()


@given(seed=st.integers(0, 10**6))
def test_properties_of_smoothed_rates(make_tables, seed):
    tables = make_tables(seed, number=8, ends=20)
    found = smooth(tables)
    assert list(found.values) == [
        name for name in MEASURES if MEASURES[name].chance in ("proportion", "rate")
    ]
    pd.testing.assert_frame_equal(found.values, compute(tables, only=list(found.values)))
    weights = found.own_weights.to_numpy()
    assert ((weights >= 0) & (weights < 1)).all()
    expected = weights * found.values + (1 - weights) * found.prior["mean"].to_numpy()
    assert np.allclose(found.smoothed, expected)
    swapped = tables["population"].rename(columns=lambda name: {"f": "m", "m": "f"}[name[0]] + name[1:])
    turned = smooth({**tables, "population": swapped}, ["women_over_80_share"])
    assert np.allclose(turned.smoothed["women_over_80_share"], 100 - found.smoothed["women_over_80_share"])


def test_units_that_differ_by_chance_only_get_the_mean():
    """Equal rates have less variance than chance alone would give: its estimate is negative (Marshall 1991)."""
    from esda.smoothing import Empirical_Bayes

    events, people = np.array([10.0, 11, 9]), np.array([100.0, 100, 120])
    assert Empirical_Bayes(events, people).r.max() > 0.15  # esda does not stop at zero, and leaves the range
    found = smooth(country(3, f40=people, flows=events, f1=[3, 3, 3]))
    assert found.smoothed["workers_per_100_adults"].tolist() == pytest.approx([100 * 30 / 320] * 3)
    assert (found.own_weights["workers_per_100_adults"] == 0).all()
    assert found.prior.loc["workers_per_100_adults", "standard_deviation"] == 0
    assert found.smoothed["under_3_share"].nunique() == 1


@pytest.mark.parametrize(("events", "expected"), [([0, 0, 0], 0), ([5, 9, 2], 100)])
def test_nobody_or_everybody_everywhere(events, expected):
    others = [5, 9, 2] if expected == 0 else 0
    found = smooth(country(3, f1=events, f40=others), ["under_3_share"])
    assert (found.smoothed["under_3_share"] == expected).all()
    assert (found.own_weights["under_3_share"] == 0).all()


def test_units_without_data_do_not_enter_the_mean(tables):
    found = smooth(tables, ["women_over_80_share", "workers_per_100_adults"])
    assert found.smoothed.isna().equals(found.values.isna())
    assert found.own_weights.isna().equals(found.values.isna())
    assert found.prior.loc["women_over_80_share"].tolist() == [100, 0, 1]  # only 901002 has people of 80
    kept = {**tables, "municipalities": tables["municipalities"].drop("901003")}
    alone = smooth(kept, ["workers_per_100_adults"])
    expected = found.smoothed["workers_per_100_adults"].drop("901003")
    pd.testing.assert_series_equal(alone.smoothed["workers_per_100_adults"], expected)
    nothing = smooth({**tables, "flows": None}, ["workers_per_100_adults"])
    assert nothing.smoothed.isna().all(axis=None)
    assert nothing.prior.loc["workers_per_100_adults", "units"] == 0


def test_classes_by_hand():
    units = list("abcdefg")
    values = pd.Series([5, 10, 15, 25, np.nan, 19, 10], units, dtype=float)
    lower = pd.Series([3, 8, 10, 12, np.nan, np.nan, 10], units, dtype=float)
    upper = pd.Series([9, 11, 19.9, 40, np.nan, np.nan, 20], units, dtype=float)
    found = classify_with_intervals(values, lower, upper, [10, 20])
    assert found["class"].tolist() == [0, 1, 1, 2, pd.NA, 1, 1]  # 10 belongs to the class above the break
    assert found["lowest_class"].tolist() == [0, 0, 1, 1, pd.NA, 1, 1]
    assert found["highest_class"].tolist() == [0, 1, 1, 2, pd.NA, 1, 2]
    assert found["certain"].tolist() == [True, False, True, False, pd.NA, True, False]
    assert found["has_interval"].tolist() == [True, True, True, True, False, False, True]
    assert found.index.equals(values.index)
    shuffled = classify_with_intervals(
        values, lower.iloc[::-1], upper.sample(frac=1, random_state=1), [10, 20]
    )
    pd.testing.assert_frame_equal(shuffled, found)


def test_indicator_without_chance_is_certain_by_definition():
    found = classify_with_intervals(pd.Series([1.0, np.nan, 7], list("abc")), None, None, [5.0])
    assert found["certain"].tolist() == [True, pd.NA, True]
    assert not found["has_interval"].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"breaks": []}, "breaks must be finite"),
        ({"breaks": [2, 2]}, "breaks must be finite"),
        ({"breaks": [1, np.inf]}, "breaks must be finite"),
        ({"upper": None}, "both limits"),
        ({"lower": pd.Series([0, 3.0], ["a", "b"])}, r"lie in its interval.*'b'"),
        ({"values": pd.Series([1, np.inf], ["a", "b"])}, "finite or missing"),
        ({"lower": pd.Series([0.0], ["a"])}, "lower must have the units"),
        ({"upper": pd.Series([3, 3, 3.0], ["a", "b", "b"])}, "upper must have the units"),
    ],
)
def test_bad_classes(change, message):
    units = ["a", "b"]
    given = {
        "values": pd.Series([1.0, 2], units),
        "lower": pd.Series([0.0, 1], units),
        "upper": pd.Series([2.0, 3], units),
        "breaks": [1.5],
    }
    with pytest.raises(InputError, match=message):
        classify_with_intervals(**(given | change))


@given(seed=st.integers(0, 10**6))
def test_the_class_of_the_value_is_among_those_of_its_interval(make_tables, seed):
    found = rate_intervals(make_tables(seed, number=12, ends=20), ["old_age_index"])
    values = found.values["old_age_index"]
    breaks = np.unique(values.quantile([0.2, 0.5, 0.8]))
    classes = classify_with_intervals(
        values, found.lower["old_age_index"], found.upper["old_age_index"], breaks
    )
    assert (classes["lowest_class"] <= classes["class"]).all()
    assert (classes["class"] <= classes["highest_class"]).all()
    assert (classes["certain"] == (classes["lowest_class"] == classes["highest_class"])).all()


def test_summary_by_size_by_hand():
    tables = country(4, f1=[1, 10, 0, 400], f40=[9, 90, 50, 600])
    found = rate_intervals(tables, ["under_3_share"])
    summary = summarise_by_size(found, found.denominators["under_3_share"], [50, 500], classes=2)
    assert summary["size"].tolist() == [0, 1, 2]
    assert summary["units"].tolist() == [1, 2, 1]
    half = (found.upper - found.lower) / 2 / found.values
    assert summary["relative_half_width"].tolist() == pytest.approx(half.iloc[[0, 1, 3], 0].tolist())
    # The break is 10 %: 10 of 100 lies on it, 1 of 10 too; 0 of 50 has its upper limit at 5.1 %.
    assert summary["certain"].tolist() == [0, 0.5, 1]
    assert summarise_by_size(rate_intervals(tables, []), tables["population"]["f1"]).empty


@pytest.fixture(scope="module")
def italian(italy):
    return rate_intervals(italy)


def test_italy_small_places_are_less_certain(italy, italian):
    residents = compute(italy, only=["residents"])["residents"]
    summary = summarise_by_size(italian, residents)
    assert summary.groupby("size")["units"].max().tolist() == [2007, 3523, 1861, 510]
    width = summary.pivot(index="indicator", columns="size", values="relative_half_width")
    certain = summary.pivot(index="indicator", columns="size", values="certain")
    known = italian.values.columns[italian.values.notna().any()]  # some sources are in no mirror
    assert set(width.index) == {name for name in known if MEASURES[name].chance}
    assert (width.diff(axis=1).iloc[:, 1:] < 0).all(axis=None)
    assert (certain[3] > certain[0]).all()
    assert width.loc["working_age_turnover", 0] == pytest.approx(0.45, abs=0.01)
    assert width.loc["working_age_turnover", 3] < 0.08
    assert certain.loc["working_age_turnover", 0] < 0.35
    assert certain.loc["residents_self_containment", 3] > 0.9


def test_italy_values_are_the_official_ones(italy, italian):
    official = compute(italy, only=list(italian.values))
    pd.testing.assert_frame_equal(italian.values, official)
    assert italian.lower.isna().equals(official.isna())
    known = official.notna()
    assert (italian.lower[known] <= official[known]).where(known, True).all(axis=None)
    assert (italian.upper[known] >= official[known]).where(known, True).all(axis=None)


def test_italy_smoothed(italy):
    found = smooth(italy)
    means = compute(italy, pd.Series("IT", index=italy["municipalities"].index), list(found.values)).loc["IT"]
    own = [
        "residents_self_containment",
        "jobs_self_containment",
        "cross_boundary_share",
    ]  # 0 or 100 for the country
    assert np.allclose(found.prior["mean"].drop(own), means.drop(own).astype(float), equal_nan=True)
    drawn = (found.smoothed - found.prior["mean"]).abs() <= (found.values - found.prior["mean"]).abs() + 1e-9
    assert drawn.where(found.values.notna(), True).all(axis=None)
    few = found.own_weights["under_3_share"].nsmallest(1).index[0]
    assert few == compute(italy, only=["residents"])["residents"].idxmin()
