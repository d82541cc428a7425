"""Cases of the reference software for ranks, audit, sensitivity and uncertainty."""

import json

import numpy as np
import pandas as pd
import pytest

from diagnosis.composite.audit import (
    correlate,
    correlate_with_denominators,
    cronbach_alpha,
    flag_correlations,
    principal_components,
)
from diagnosis.composite.choices import Normalisation
from diagnosis.composite.ranking import compare_ranks, find_strengths, rank_units, summarise_unit
from diagnosis.composite.replication import CompositeModel
from diagnosis.composite.sensitivity import estimate_sobol
from diagnosis.composite.treatment import treat
from diagnosis.composite.uncertainty import explain_ranks, replay, simulate


class Cases:
    """Inputs, framework and expected results of the ASEM example."""

    def __init__(self, folder):
        self.folder = folder
        self.listed = {case["id"]: case for case in json.loads((folder / "CASES.json").read_text())["cases"]}
        meta = self.table("data/asem_imeta.csv")
        self.meta = meta[meta["Level"].notna()].set_index("iCode")
        self.indicators = self.meta.index[self.meta["Level"] == 1]
        self.pillar = self.meta.loc[self.indicators, "Parent"]
        sign = self.meta.loc[self.indicators, "Direction"].astype(int)
        self.directions = sign.map({1: "positive", -1: "negative"})
        self.levels = [self.meta.loc[self.meta["Level"] == level, "Parent"] for level in (1, 2, 3)]

    def table(self, path, index=None):
        return pd.read_csv(self.folder / path, index_col=index)

    def expected(self, name, index=None):
        path = self.folder / self.listed[name]["expected"]
        return json.loads(path.read_text()) if path.suffix == ".json" else pd.read_csv(path, index_col=index)

    def close(self, name, found, expected):
        case = self.listed[name]
        np.testing.assert_allclose(
            np.asarray(found, float), np.asarray(expected, float), rtol=case["rtol"], atol=case["atol"]
        )


@pytest.fixture(scope="module")
def cases(oracles):
    return Cases(oracles / "composite")


def by_pair(table, names=("first", "second")):
    pairs = [frozenset(pair) for pair in zip(table[names[0]], table[names[1]], strict=True)]
    return pd.Series(
        table[table.columns.intersection(["correlation", "Correlation", "Corr"])[0]].array, pairs
    )


def ranks(cases, name):
    aggregated = cases.table("data/c13_agg_amean.csv", "uCode")
    expected = cases.expected(name, "uCode")
    groups = expected.pop("EurAsia_group") if "EurAsia_group" in expected else None
    found = rank_units(aggregated[expected.columns], groups=groups)
    cases.close(name, found.loc[expected.index], expected)


def correlations_of_indicators(cases, name):
    found = by_pair(correlate(cases.table("data/asem_normalised.csv", "uCode")[cases.indicators]))
    expected = cases.expected(name)
    expected = by_pair(expected[expected["Var1"] != expected["Var2"]], ("Var1", "Var2"))
    expected = expected[~expected.index.duplicated()]
    assert set(found.index) == set(expected.index)
    cases.close(name, found.loc[expected.index], expected)


def correlations_of_levels(cases, name):
    aggregated = cases.table("data/c13_agg_amean.csv", "uCode")
    domains = cases.meta.index[cases.meta["Level"] == 2]
    found = by_pair(correlate(aggregated[cases.indicators], aggregated[domains], method="spearman"))
    expected = by_pair(cases.expected(name), ("Var1", "Var2"))
    assert set(found.index) == set(expected.index)
    cases.close(name, found.loc[expected.index], expected)


def correlation_flags(cases, name):
    high, low = (1.0, -0.2) if name.endswith("low") else (0.75, -1.0)
    pairs = correlate(cases.table("data/asem_normalised.csv", "uCode")[cases.indicators], groups=cases.pillar)
    flagged = flag_correlations(pairs, high=high, low=low)
    assert set(flagged["flag"]) == {"opposed" if name.endswith("low") else "redundant"}
    expected = cases.expected(name)
    assert list(flagged["first"].map(cases.pillar).sort_values()) == sorted(expected["Group"])
    found, expected = by_pair(flagged), by_pair(expected, ("Ind1", "Ind2"))
    assert set(found.index) == set(expected.index)
    cases.close(name, found.loc[expected.index], expected)


def denominators(cases, name):
    raw = cases.table("data/asem_idata.csv", "uCode")
    sizes = raw[["Area", "Energy", "GDP", "Population"]]
    found = by_pair(correlate_with_denominators(raw[cases.indicators], sizes))
    expected = by_pair(cases.expected(name), ("Ind", "Denom"))
    assert set(found.index) == set(expected.index)
    cases.close(name, found.loc[expected.index], expected)


def p_values(cases, name):
    expected = cases.expected(name, "iCode")
    table = cases.table("data/asem_normalised_1_100.csv", "uCode")[expected.columns]
    pairs = correlate(table)
    found = [expected.loc[one, two] for one, two in zip(pairs["first"], pairs["second"], strict=True)]
    assert len(pairs) == 45
    cases.close(name, pairs["p_value"], found)


def cronbach(cases, name):
    table = cases.table("data/asem_normalised.csv", "uCode")
    for pillar, alpha in cases.expected(name, "pillar")["alpha"].items():
        cases.close(name, cronbach_alpha(table[cases.pillar.index[cases.pillar == pillar]]), alpha)


def components(cases, name):
    table = cases.table("data/asem_normalised.csv", "uCode")
    for pillar, variance in cases.expected(name).items():
        found = principal_components(table[cases.pillar.index[cases.pillar == pillar]])
        cases.close(name, found["variance"], variance)


def comparison(cases, name):
    first, second = (
        cases.table(f"data/{table}.csv", "uCode")["Index"] for table in ("c13_agg_amean", "c14_agg_gmean")
    )
    expected = cases.expected(name, "uCode")
    cases.close(name, compare_ranks(first, second).loc[expected.index], expected)


def strengths(cases, name):
    raw = cases.table("data/asem_idata.csv", "uCode")[cases.indicators]
    found = find_strengths(raw, "ITA", cases.directions)
    expected = cases.expected(name)
    for side, key in (("strength", "Strengths"), ("weakness", "Weaknesses")):
        listed = pd.DataFrame(expected[key])
        ours = found[found["side"] == side].set_index("indicator")
        assert list(ours.index) == list(listed["Code"])
        cases.close(name, ours.loc[listed["Code"], ["rank", "value"]], listed[["Rank", "Value"]])


def unit_summary(cases, name):
    expected = cases.expected(name, "Code")
    found = summarise_unit(cases.table("data/c13_agg_amean.csv", "uCode")[list(expected.index)], "ITA")
    cases.close(name, found[["score", "rank"]], expected[["Score", "Rank"]])


def sobol_estimate(cases, name):
    outputs = cases.table("data/sa_ishigami_design.csv")["y"]
    first, total, variance = estimate_sobol(outputs, 3, centred=False)
    expected = cases.expected(name)
    cases.close(name, variance, expected["Variance"])
    cases.close(name, first, [item["Si"] for item in expected["SensInd"]])
    cases.close(name, total, [item["STi"] for item in expected["SensInd"]])


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("c15_results_ranks", ranks),
        ("c15_results_groupranks", ranks),
        ("c16_corr_pearson_l1", correlations_of_indicators),
        ("c16_corr_spearman_l1_l2", correlations_of_levels),
        ("c16_corr_flags", correlation_flags),
        ("c16_corr_flags_low", correlation_flags),
        ("c16_denom_corr", denominators),
        ("c16_pvals", p_values),
        ("c17_cronbach", cronbach),
        ("c18_pca_sdev", components),
        ("c22_compare_coins", comparison),
        ("c22_str_weak", strengths),
        ("c22_unit_summary", unit_summary),
        ("c25_SA_estimate", sobol_estimate),
    ],
)
def test_case(cases, name, check):
    check(cases, name)


@pytest.fixture(scope="module")
def asem(cases):
    """The index of the package's sensitivity example: four choices, the nominal one first."""
    limits = (5, 1, 2, 3, 4)
    noisy = cases.table("data/sa_noisy_weights_100.csv", "iCode").drop(columns="Level")
    return CompositeModel(
        cases.table("data/asem_screened.csv", "uCode"),
        cases.directions,
        groups=cases.levels,
        treatments={
            str(limit): lambda table, limit=limit: treat(table, limit=limit).values for limit in limits
        },
        normalisations=[Normalisation("min_max", (1, 100)), Normalisation("z_scores", (10, 2), ddof=1)],
        aggregations=["arithmetic", "geometric"],
        weight_choice=noisy,
    )


def test_replay_run_by_run(cases, asem):
    given = cases.table("data/sa_ua_parameters.csv")
    choices = pd.DataFrame(
        {
            "table": 0,
            "treatment": given["winmax"].map({5: 0, 1: 1, 2: 2, 3: 3, 4: 4}),
            "normalisation": given["norm"].map({"n_minmax": 0, "n_zscore": 1}),
            "aggregation": given["agg"].map({"a_amean": 0, "a_gmean": 1}),
            "weights": given["weights"] - 1,
            "left_out": -1,
            "error": -1,
        }
    )
    expected = cases.expected("c28_UA_scores", "uCode")
    result = replay(asem, choices)
    found = pd.DataFrame(result.scores, index=result.units).loc[expected.index]
    cases.close("c28_UA_scores", found, expected.drop(columns="Nominal"))
    assert result.failed == 0


def test_rank_statistics_of_an_independent_draw(cases, asem):
    expected = cases.expected("c26_UA_rankstats", "uCode")
    result = simulate(asem, 1000, seed=1)
    assert result.failed == 0
    found = result.rank_intervals(0.9).loc[expected.index]
    assert (found["median"] - expected["Median"]).abs().max() <= 1
    assert (found["mean"] - expected["Mean"]).abs().max() <= 0.5
    assert (found["lower"] - expected["Q5"]).abs().max() <= 2
    assert (found["upper"] - expected["Q95"]).abs().max() <= 2


def test_sensitivity_intervals_overlap(cases, asem):
    expected = cases.expected("c27_SA_indices", "Variable")
    expected.index = ["treatment", "normalisation", "weights", "aggregation"]
    found = explain_ranks(asem, ["ITA"], size=256, seed=2).loc["mean_absolute_shift"].loc[expected.index]
    assert (found["failed"] == 0).all()
    for ours, low, high in (("first", "Si_q5", "Si_q95"), ("total", "STi_q5", "STi_q95")):
        overlap = (found[f"{ours}_lower"] <= expected[high]) & (found[f"{ours}_upper"] >= expected[low])
        assert overlap.all(), (ours, found, expected)
