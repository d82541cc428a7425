import numpy as np
import pandas as pd
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.commands.coverage import read_coverage
from diagnosis.indicators import compute, coverage, find_waiting, gap_reasons, latest

NO_POPULATION = {"081025", "099030", "099031"}  # Misiliscemi, Montecopiolo, Sassofeltrio


@pytest.fixture(scope="module")
def values(italy):
    return compute(italy)


@pytest.fixture(scope="module")
def country(italy):
    return compute(italy, groups=pd.Series("IT", index=italy["municipalities"].index)).loc["IT"]


def test_no_gap_without_a_reason(italy, values):
    assert len(values) == 7904
    gaps = gap_reasons(values, italy)
    assert len(gaps) == int(values.isna().sum().sum())
    of_sources = {"not_in_source", "zero_denominator", "masked", "doubtful_inventory", "name_not_matched"}
    assert set(gaps["reason"]) >= of_sources
    # what a file that is not here, or not in this layout, would give is missing everywhere
    absent = gaps[~gaps["reason"].isin(of_sources)]
    assert set(absent["reason"]) <= {"source_missing", "column_missing"}
    assert (absent.groupby("indicator").size() == 7904).all()
    assert set(gaps.loc[gaps["indicator"] == "residents", "code"]) == NO_POPULATION
    assert set(gaps.loc[gaps["indicator"] == "minutes_to_pole", "code"]) == {"081025"}
    zero = gaps[gaps["reason"] == "zero_denominator"].groupby("indicator").size()
    assert zero["landslide_heritage_share"] == zero["flood_heritage_share"] == 471
    assert values.loc["001121", "residents_self_containment"] == 0
    for grouping in ("region", "province"):
        groups = italy["municipalities"][grouping]
        found = gap_reasons(compute(italy, groups=groups), italy, groups)
        assert set(found["reason"]) <= {
            "category_of_group",
            "source_missing",
            "column_missing",
            "differing_inventories",
            "member_without_data",
        }


def test_no_indicator_is_missing_in_all_pilots_but_those_that_wait_for_their_file(italy, values):
    from diagnosis.config import city_files, load_city

    pilots = [city.code for city in map(load_city, city_files()) if city.pilot]
    assert len(pilots) >= 13
    empty = set(values.columns[values.loc[pilots].isna().all()])
    waiting = find_waiting(italy)
    assert empty == set(waiting.index)
    # what waits is missing for want of a file or of its columns, whoever asks
    assert set(waiting) <= {"source_missing", "column_missing"}
    listed = read_coverage()
    assert set(listed.index[listed == 0]) == empty


def test_coverage_in_the_docs_is_that_of_the_data(italy, values):
    listed = read_coverage()
    own = listed[listed.index.isin(values.columns)]
    assert set(own.index) == set(values.columns), (
        "run `diagnosis catalogue --measure --write docs/indicators.md`"
    )
    assert np.allclose(own, values[own.index].notna().mean())
    years = latest(italy["wellbeing"], load_catalogue())
    assert np.allclose(listed[years.index], years["coverage"])


def test_published_totals(country):
    assert country["residents"] == 59_019_317
    assert country["resident_workers"] == country["local_jobs"] == 19_565_808
    assert country["inner_areas_municipalities_share"] == pytest.approx(100 * 3834 / 7903)
    assert country["inner_areas_residents_share"] == pytest.approx(23, abs=0.5)
    # ISTAT, demographic indicators at 1 January 2022.
    assert country["old_age_index"] == pytest.approx(187.6, abs=0.35)
    assert country["mean_age"] == pytest.approx(46.2, abs=0.05)
    assert country["dependency_ratio"] == pytest.approx(57.5, abs=0.05)
    for name in ("residents_self_containment", "jobs_self_containment", "jobs_per_100_workers"):
        assert country[name] == 100
    assert country["cross_boundary_share"] == country["main_destination_share"] == 0


def test_provinces_reproduce_the_exposure_published_for_them(italy):
    """BES 10AMB011 and 10AMB012 are the same shares, published by province and rounded to one decimal."""
    groups = italy["municipalities"]["province"]
    computed = compute(italy, groups=groups, only=["landslide_residents_share", "flood_residents_share"])
    published = (
        italy["wellbeing"].query("year == '2020'").pivot(index="territory", columns="indicator")["value"]
    )
    for name, code in (("landslide_residents_share", "10AMB011"), ("flood_residents_share", "10AMB012")):
        difference = (computed[name] - published[code].reindex(computed.index)).abs().dropna()
        assert len(difference) >= 100
        assert (difference < 0.06).mean() > 0.95, name


def test_commuting_equals_the_margins_of_the_matrix(mirror, values):
    margins = pd.read_csv(
        mirror / "istat" / "matrix_pendoLAVORO_2021_margins.csv", dtype={"code": str}
    ).set_index("code")
    workers = margins["total_out"] + margins["internal"]
    expected = 100 * margins["internal"] / workers
    assert np.allclose(values["residents_self_containment"], expected.reindex(values.index))
    assert np.array_equal(
        values["local_jobs"], (margins["total_in"] + margins["internal"]).reindex(values.index)
    )


def test_scored_indicators_are_not_redundant(values, country):
    catalogue = load_catalogue()
    for domain in ("population", "work", "environment", "accessibility"):
        names = [item.id for item in catalogue.select(domain=domain, scored=True)]
        assert names, domain
        ranks = values[names].corr(method="spearman").to_numpy() - np.eye(len(names))
        assert np.abs(ranks).max() < 0.8, domain
        assert country[names].notna().all()


def test_coverage(italy):
    found = coverage(italy, italy["municipalities"]["province"])
    assert found.loc["099", "population"] == pytest.approx(25 / 27)
    assert found["members"].sum() == 7904
