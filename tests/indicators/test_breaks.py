"""No series runs across a break of definition or boundaries, or from definitive to provisional."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.catalogue import load_catalogue
from diagnosis.indicators import keep_consistent
from diagnosis.indicators.breaks import BREAKS, CUT_FROM, FEWEST_YEARS, PROVISIONAL, is_provisional
from diagnosis.indicators.measures import Units
from diagnosis.indicators.population_change import MEASURES, count
from diagnosis.national.course_windows import CourseRules, Panel, choose_window

YEARS = range(2012, 2025)


def series_of(territory="001", indicator="X", years=YEARS, value=1.0):
    rows = [(territory, indicator, str(year), value) for year in years]
    return pd.DataFrame(rows, columns=["territory", "indicator", "year", "value"])


def years_of(kept):
    return kept["year"].astype(int).tolist()


def test_a_whole_series_is_kept_as_it_is():
    series = series_of()
    pd.testing.assert_frame_equal(keep_consistent(series), series)


@pytest.mark.parametrize(
    ("breaks", "provisional", "expected"),
    [
        ({"X": 2016}, {}, range(2016, 2025)),
        ({"X": 2024}, {}, range(2012, 2024)),  # a single year after the break is no series
        ({}, {"X": 2024}, range(2012, 2024)),
        ({}, {"X": 2023}, range(2023, 2025)),  # two provisional years form a series of their own
        ({"X": 2016}, {"X": 2024}, range(2016, 2024)),
        ({"X": 2030}, {"X": 2005}, YEARS),
        ({"Y": 2016}, {}, YEARS),
    ],
)
def test_stretches_by_hand(breaks, provisional, expected):
    assert years_of(keep_consistent(series_of(), breaks, provisional)) == list(expected)


def test_former_boundaries_are_left_out_unless_all_years_keep_to_them():
    new, (former, *_) = "110", CUT_FROM["110"]
    series = pd.concat([series_of(former), series_of(new, years=range(2022, 2025)), series_of("001")])
    kept = keep_consistent(series.reset_index(drop=True))
    assert years_of(kept[kept["territory"] == former]) == [2022, 2023, 2024]
    assert len(kept[kept["territory"] == "001"]) == len(YEARS)
    throughout = keep_consistent(series_of(former))
    assert years_of(throughout) == list(YEARS)


def test_fewer_than_two_years_are_no_series():
    assert keep_consistent(series_of(years=[2020])).empty
    missing = series_of(years=[2020, 2021], value=np.nan)
    assert keep_consistent(missing).empty
    assert keep_consistent(series_of(years=[])).empty


@given(
    st.sets(st.integers(2004, 2024)),
    st.one_of(st.none(), st.integers(2004, 2024)),
    st.one_of(st.none(), st.integers(2004, 2024)),
)
def test_no_kept_series_holds_a_break(years, changed, provisional):
    breaks = {"X": changed} if changed else {}
    later = {"X": provisional} if provisional else {}
    kept = years_of(keep_consistent(series_of(years=sorted(years)), breaks, later))
    assert len(kept) == 0 or len(kept) >= FEWEST_YEARS
    assert set(kept) <= years
    for start in (changed, provisional):
        if start and kept:
            assert max(kept) < start or min(kept) >= start


def test_windows_of_scores_keep_the_same_rule():
    territories = [f"{number:03d}" for number in range(1, 12)] + ["IT"]
    generator = np.random.default_rng(0)
    rows = pd.concat([series_of(place, name) for place in territories for name in ("X", "Y")])
    rows["value"] = generator.normal(50, 5, len(rows))
    rules = CourseRules(provisional={"X": 2024}, breaks={}, latest_end=0)
    window, members = choose_window(Panel.of(rows, ["X", "Y"]), rules)
    assert members.at["X", "reason"] == "provisional"
    assert window is None or window[1] == 2024
    assert CourseRules().provisional == PROVISIONAL
    assert CourseRules().breaks == BREAKS


@pytest.mark.parametrize(("definitive", "provisional"), [(1, 1), (0, 0), (1, 0)])
def test_change_of_residents_mixes_no_definitive_count_with_a_provisional_one(definitive, provisional):
    tables = {
        "municipalities": pd.DataFrame({"area_km2": [1.0]}, index=pd.Index(["901001"], name="code")),
        "residents_by_year": pd.DataFrame(
            {
                "code": ["901001", "901001"],
                "year": ["2025", "2026"],
                "residents": [90.0, 80.0],
                "provisional": [definitive, provisional],
            }
        ),
    }
    counts = count(tables, Units.of(tables), np.array([100.0]))
    assert {measure.numerator for measure in MEASURES.values()} <= set(counts)
    if definitive == 1:  # the earlier count is not definitive after all: nothing is subtracted
        assert np.isnan(counts["change_2022_2025"]).all()
    assert np.isnan(counts["change_2025_2026"]).all()


def test_every_published_indicator_keeps_the_rule(mirror):
    from diagnosis.sources.istat import read_wellbeing

    series = read_wellbeing(mirror / "istat" / "Bes_dei_territori_indic_provincia.xlsx")
    kept = keep_consistent(series)
    assert len(kept) < len(series)
    years = kept["year"].astype(int).groupby([kept["territory"], kept["indicator"]])
    assert years.size().min() >= FEWEST_YEARS
    first, last = years.min(), years.max()
    for item in load_catalogue().select(level="province"):
        for start in filter(None, (BREAKS.get(item.id), PROVISIONAL.get(item.id))):
            own = first.index.get_level_values("indicator") == item.id
            assert ((last[own] < start) | (first[own] >= start)).all(), item.id
    assert last["089", "01SAL001"] == 2023  # 2024 is provisional
    assert first["089", "10AMB017"] == 2016
    assert first["091", "04BEC002P"] == 2022  # the wages of Nuoro before are those of other boundaries


@pytest.mark.parametrize("year", [2022, "2023", "2024"])
def test_years_from_the_first_provisional_one_are_provisional(year):
    assert is_provisional("03LAV007", year)
    assert is_provisional("01SAL001", year) == (str(year) == "2024")
    assert not is_provisional("unknown", year)
    assert not is_provisional("03LAV007", "2019-2024")
