from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from diagnosis.catalogue import load_catalogue
from diagnosis.composite import composite_index
from diagnosis.frameworks import load_framework
from diagnosis.national.scores import Scoring, verdict


@pytest.fixture(scope="module")
def scoring():
    catalogue = load_catalogue()
    names = [item.id for item in catalogue.select(level="province", scored=True)]
    generator = np.random.default_rng(3)
    values = pd.DataFrame(
        generator.normal(50, 5, (30, len(names))), columns=names, index=[f"{n:03d}" for n in range(30)]
    )
    country = values.mean().to_frame("IT").T
    references = pd.concat([values.iloc[[4]].set_axis(["R01"]), country])
    return Scoring.of(load_framework("provinces"), catalogue, values, references)


@pytest.fixture(scope="module")
def replicated(scoring):
    return scoring.replicate()


def test_scores_are_those_of_the_index_and_the_country_has_100(scoring):
    scores = scoring.score()
    np.testing.assert_allclose(scores.loc["IT"], 100.0, atol=1e-9)
    expected = composite_index(scoring.values, goalposts=scoring.goalposts, groups=scoring.domains)
    pd.testing.assert_frame_equal(scores.loc[scoring.values.index], expected)
    pd.testing.assert_series_equal(scores.loc["R01"], scores.loc["004"], check_names=False)


def test_intervals_hold_for_units_and_references_alike(scoring, replicated):
    found = replicated
    intervals = found["intervals"].set_index(["domain", "unit"])
    assert (found["replications"]["replications"] == 1000).all()
    np.testing.assert_allclose(
        intervals["score"].unstack(0)[list(scoring.score())].loc[scoring.score().index], scoring.score()
    )
    for domain in scoring.score():
        unit, twin = intervals.loc[(domain, "004")], intervals.loc[(domain, "R01")]
        for column in ("score", "lower", "upper", "above"):
            assert unit[column] == pytest.approx(twin[column], abs=1e-9)
        assert pd.isna(twin["rank"])
        assert np.isnan(intervals.at[(domain, "IT"), "above"])
    units = intervals[intervals["rank"].notna()]
    assert (units["rank_lower"] <= units["rank_upper"]).all()
    assert units["rank"].between(1, 30).all()
    assert (units["lower"] < units["upper"]).all()
    # a domain of three indicators is not recalculated without one of them
    told = found["replications"]
    assert told["varied"].str.contains("left_out").equals(told["indicators"] >= 4)


def test_intervals_agree_with_the_verdict(replicated):
    intervals = replicated["intervals"].dropna(subset="above")
    above = intervals["above"].map(verdict) == "above"
    assert (intervals.loc[above, "lower"] > 100).all()
    assert (intervals.loc[intervals["above"].map(verdict) == "below", "upper"] < 100).all()


def test_an_error_of_the_data_widens_the_intervals(scoring, replicated):
    error = pd.DataFrame(4.0, index=scoring.values.index, columns=scoring.values.columns)
    fewer = scoring.scheme.uncertainty.model_copy(update={"replications": 150})
    shorter = replace(scoring, scheme=scoring.scheme.model_copy(update={"uncertainty": fewer}))
    found, plain = shorter.replicate(error), replicated
    width = [
        (table["intervals"]["upper"] - table["intervals"]["lower"])[
            table["intervals"]["rank"].notna()
        ].median()
        for table in (found, plain)
    ]
    assert width[0] > 1.3 * width[1]
    assert found["replications"]["varied"].str.contains("error").all()


def test_what_cannot_be_scored_is_left_out(scoring):
    values, references = scoring.values.copy(), scoring.references.copy()
    values["01SAL001"] = 1.0
    references.loc["IT", "02IST002-N22"] = np.nan
    found = Scoring.of(
        scoring.scheme, load_catalogue(), values, references, without={"04BEC001P": "modelled"}
    )
    lost = set(scoring.values) - set(found.values)
    assert lost == {"01SAL001", "02IST002-N22", "04BEC001P"}


def test_choices_are_explained_by_domain(scoring):
    choices = scoring.explain()
    assert set(choices["output"]) == {"mean_absolute_shift"}
    assert set(choices["factor"]) == {"treatment", "normalisation", "aggregation", "weights", "left_out"}
    assert (choices.loc[choices["total"] > 0.2, "total_lower"] > 0).all()


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        (1.0, "above"),
        (0.95, "mostly_above"),
        (0.9, "mostly_above"),
        (0.5, "open"),
        (0.1, "mostly_below"),
        (0.0, "below"),
        (np.nan, ""),
    ],
)
def test_verdicts(above, expected):
    assert verdict(above) == expected
