"""Cases of the reference software for aggregation, outranking, weights and benefit of the doubt."""

import json
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from diagnosis.composite.aggregation import generalised_mean, geometric_mean, mean_min, taxonomic_distance
from diagnosis.composite.ampi import ampi
from diagnosis.composite.directional_envelopment import (
    benefit_with_bad_outputs,
    directional_benefit,
    multidirectional_benefit,
)
from diagnosis.composite.envelopment import benefit_of_the_doubt, geometric_change, robust_benefit
from diagnosis.composite.framework import Framework
from diagnosis.composite.normalise import Goalposts, normalise_ampi, normalise_z_scores
from diagnosis.composite.outranking import outranking_matrix, rank_acceptability
from diagnosis.composite.weights import factor_index, optimised_weights, pca_weights, principal_axes


class Cases:
    """Inputs and expected results, read by the name of the case."""

    def __init__(self, folder):
        self.folder = folder
        self.listed = {case["id"]: case for case in json.loads((folder / "CASES.json").read_text())["cases"]}
        meta = pd.read_csv(folder / "data" / "asem_imeta.csv", index_col="iCode")
        self.parents = meta["Parent"].dropna()
        self.pillar = self.parents[meta["Level"] == 1]

    def data(self, name):
        return pd.read_csv(self.folder / "data" / f"{name}.csv", index_col=0)

    def expected(self, name, **options):
        path = self.folder / self.listed[name]["expected"]
        if path.suffix == ".json":
            return json.loads(path.read_text())
        return pd.read_csv(path, **{"index_col": 0, **options})

    def close(self, name, found, expected=None):
        expected = self.expected(name) if expected is None else expected
        assert list(found.index) == list(expected.index)
        expected = expected["score"] if isinstance(found, pd.Series) else expected[found.columns]
        case = self.listed[name]
        np.testing.assert_allclose(found, expected, rtol=case["rtol"], atol=case["atol"])


@pytest.fixture(scope="module")
def cases(oracles):
    return Cases(oracles / "composite")


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("c13_agg_amean", "asem_normalised", "arithmetic"),
        ("c14_agg_gmean", "asem_normalised_1_100", "geometric"),
        ("c14_agg_hmean", "asem_normalised_1_100", "harmonic"),
        ("c14_agg_genmean_p-1", "asem_normalised_1_100", partial(generalised_mean, exponent=-1)),
        ("c14_agg_genmean_p2", "asem_normalised_1_100", partial(generalised_mean, exponent=2)),
        ("c14_agg_copeland", "asem_normalised_1_100", "copeland"),
    ],
)
def test_aggregation_by_level(cases, name, data, rule):
    found = Framework(cases.parents).aggregate(cases.data(data), rule)
    assert found.shape == (51, 11)
    cases.close(name, found)


def test_aggregation_with_weights_at_every_level(cases):
    framework = Framework(cases.parents, cases.data("asem_weights_alt")["Weight"])
    cases.close("c14_agg_altweights", framework.aggregate(cases.data("asem_normalised_1_100")))


def test_outranking(cases):
    cases.close("c14_outrank", outranking_matrix(cases.data("asem_normalised_1_100")))


def test_principal_components(cases):
    """COINr returns the loadings as weights, in either sign; here their squares are the weights."""
    table = cases.data("asem_normalised")
    case, sdev = cases.listed["c18_pca_weights"], cases.expected("c18_pca_sdev")
    expected = cases.expected("c18_pca_weights")["Weight"]
    weights = pca_weights(table, cases.pillar)
    for pillar, names in cases.pillar.groupby(cases.pillar).groups.items():
        variances, axes = principal_axes(table[list(names)])
        np.testing.assert_allclose(variances, sdev[pillar], rtol=case["rtol"], atol=case["atol"])
        theirs = expected[list(names)] * np.sign(expected[list(names)].sum())
        np.testing.assert_allclose(axes[1], theirs, rtol=case["rtol"], atol=case["atol"])
        np.testing.assert_allclose(weights[list(names)], theirs**2, rtol=1e-6, atol=case["atol"])


@pytest.mark.parametrize("objective", ["balance", "infomax", "mean_correlation"])
def test_optimised_weights_beat_the_loose_optimum(cases, objective):
    name = "c19_optweights_balance" if objective == "balance" else "c19_optweights_infomax"
    given = cases.expected(name)
    theirs = (
        given["Weight"]
        if objective == "balance"
        else pd.DataFrame(given["weights"]).set_index("iCode")["Weight"]
    )
    framework = Framework(cases.parents)
    pillars = framework.levels[1]
    table = cases.data("c13_agg_amean")[pillars]
    above = cases.parents[pillars]
    upper = cases.parents[cases.parents.index.isin([*pillars, *above])]

    def influence(weights):
        index = Framework(upper, weights[pillars].to_dict()).aggregate(table)["Index"]
        return table.corrwith(index)

    def value(correlations):
        if objective == "balance":
            return -((correlations / correlations.sum() - 1 / 8) ** 2).sum()
        return (correlations**2).sum() if objective == "infomax" else correlations.mean()

    # the package lists correlations by name, and those of "balance" belong to the last weights it tried
    by_name = sorted(pillars)
    if objective == "balance":
        obtained = cases.expected("c19_optweights_balance_corr", index_col=None)["Obtained"]
        tried = pd.Series(1.0, index=pillars).mask(lambda w: w.index == "SusEcFin", 1.1)
        shares = influence(tried) / influence(tried).sum()
        np.testing.assert_allclose(shares[by_name], obtained, rtol=1e-9)
    else:
        obtained = pd.DataFrame(given["corr"])["Obtained"]
        np.testing.assert_allclose(influence(theirs)[by_name], obtained, rtol=1e-9)
    ours = optimised_weights(table, objective, framework=framework)
    np.testing.assert_allclose(influence(ours["weight"]), ours["correlation"], atol=1e-12)
    assert value(ours["correlation"]) > value(influence(theirs))
    assert value(ours["correlation"]) > value(obtained)


def test_geometric_mean(cases):
    cases.close("k05_geom_equal", geometric_mean(cases.data("bli_2017")))


def test_taxonomic_distance(cases):
    cases.close("k08_wroclaw", taxonomic_distance(cases.data("bli_z100")))


def test_mean_min_is_standardised_by_column(cases):
    """The defect of the package, means recycled down the rows, is rebuilt beside the correct value."""
    values = cases.data("bli_minmax")
    n_units, n_indicators = values.shape
    recycled = (np.arange(values.size) % n_indicators).reshape(n_indicators, n_units).T
    mean, sd = values.mean().to_numpy()[recycled], values.std(ddof=1).to_numpy()[recycled]
    cases.close("k06_mean_min", mean_min((values - mean) / sd * 10 + 100, alpha=0.5, beta=1))

    correct = (values - values.mean()) / values.std(ddof=1) * 10 + 100
    average, lowest = correct.mean(axis=1), correct.min(axis=1)
    expected = average - 0.5 * (np.sqrt((average - lowest) ** 2 + 1) - 1)
    standard = normalise_z_scores(values, dict.fromkeys(values, "positive"), ddof=1)
    np.testing.assert_allclose(mean_min(standard), expected)
    assert (expected - cases.expected("k06_mean_min")["score"]).abs().max() > 1


def test_generalised_mean_takes_the_root(cases):
    """The package divides by the power where it should take the root."""
    values = cases.data("bli_minmax")
    found = generalised_mean(values, exponent=2)
    np.testing.assert_allclose(found, np.sqrt((values**2).mean(axis=1)))
    cases.close("k09_genmean_BUG", found**2 / 2)


def test_fragility_ampi_differs_from_wellbeing_ampi(cases):
    """The package ignores the sign of the penalty."""
    wide = cases.expected("k03_ampi_panel_pos_BUG")
    panel = pd.read_csv(cases.folder / "data" / "hpi_balanced.csv", dtype={"year": str}).set_index(
        ["ISO", "year"]
    )
    reference = json.loads((cases.folder / "data" / "hpi_reference.json").read_text())["gp"]
    directions = dict(zip(panel, ["positive", "positive", "negative"], strict=True))
    posts = Goalposts.from_panel(panel, dict(zip(panel, reference, strict=True)), directions)
    normalised = normalise_ampi(panel, posts)
    minus, plus = (ampi(normalised, sign)["score"].unstack().loc[wide.index, wide.columns] for sign in "-+")
    cases.close("k03_ampi_panel_pos_BUG", minus)
    assert ((plus - wide) > 0.01).any(axis=None)
    assert (plus >= wide - 1e-3).all(axis=None)


@pytest.mark.parametrize(("name", "n_factors"), [("k10_factor_ONE", 1), ("k10_factor_ALL", 11)])
def test_factor_scores(cases, name, n_factors):
    score, _ = factor_index(cases.data("bli_2017"), n_factors)
    expected = cases.expected(name)
    cases.close(name, score, expected * np.sign(score.corr(expected["score"])))


def test_factor_shares(cases):
    expected, case = cases.expected("k10_factor_loadings"), cases.listed["k10_factor_loadings"]
    for name, n_factors in (("ONE", 1), ("ALL", 11), ("CH", 3)):
        _, shares = factor_index(cases.data("bli_2017"), n_factors)
        np.testing.assert_allclose(shares, expected[name], rtol=case["rtol"], atol=case["atol"])


def test_benefit_of_the_doubt(cases):
    cases.close("k11_bod_nuts1", benefit_of_the_doubt(cases.data("eu_nuts1_minmax")).score)
    values = cases.data("bli_2017")
    found = benefit_of_the_doubt(values)
    cases.close("k11_bod_bli", found.score)
    # the optimum is not unique: theirs and ours are weights of the same scores
    theirs = cases.expected("k11_bod_bli_weights").to_numpy()
    tolerance = cases.listed["k11_bod_bli_weights"]["atol"]
    for weights in (theirs, found.weights.to_numpy()):
        np.testing.assert_allclose((weights * values).sum(axis=1), found.score, atol=tolerance)
        assert (weights >= 0).all()
        assert (weights @ values.to_numpy().T).max() <= 1 + tolerance


def test_bounded_benefit_of_the_doubt(cases):
    values = cases.data("bli_2017")
    found = benefit_of_the_doubt(values, lower=0.03, upper=0.3)
    cases.close("k12_bod_constr_bli", found.score)
    theirs = cases.expected("k12_bod_constr_bli_weights")
    tolerance = cases.listed["k12_bod_constr_bli_weights"]["atol"]
    ours = found.weights.mul(values).div(found.score, axis=0)
    for shares in (theirs, ours):
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=tolerance)
        assert shares.min(axis=None) >= 0.03 - tolerance
        assert shares.max(axis=None) <= 0.3 + tolerance
    # degenerate optima are few: most rows are the same
    same = (theirs - ours).abs().max(axis=1) < tolerance
    assert same.mean() > 0.5


def test_directional_variants(cases):
    regions = cases.data("eu_nuts1_minmax")
    cases.close("k13_bod_dir", directional_benefit(regions, {"roads": 1, "trains": 0.5}))
    cases.close("k14_bod_mdir", multidirectional_benefit(cases.data("bli_2017")))


def test_robust_benefit_lies_within_sampling_error(cases):
    """The package simulates 200 samples of ten, and gives nothing for a unit with a zero."""
    values = cases.data("eu_nuts1_minmax")
    found, expected = robust_benefit(values, 10), cases.expected("k15_rbod")["score"]
    both = expected.notna()
    assert found.notna().all()
    assert found[both].corr(expected[both], method="spearman") > 0.99
    assert found[both].mean() == pytest.approx(expected[both].mean(), rel=0.03)
    numbers = values.to_numpy()[both]
    factor = (values.to_numpy()[None] / numbers[:, None]).min(axis=2)
    draws = np.random.default_rng(0).integers(0, len(values), size=(4000, 10))
    error = factor[:, draws].max(axis=2).std(axis=1) / np.sqrt(200)
    assert (np.abs(1 / found[both] - 1 / expected[both]) < 4 * error).all()


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("k16_bod_bad", []),
        ("k16_bod_bad_pref", ["gasemiss_2011", "percGDP_2011", "employ_2011"]),
    ],
)
def test_bad_outputs(cases, name, order):
    values = cases.data("eu2020_bad")
    good, bad = values[["employ_2011", "percGDP_2011"]], values[["gasemiss_2011", "deprived_2011"]]
    pairs = list(pairwise(order))
    if order:  # in the package the first named is not below the unnamed either
        pairs.append((order[0], "deprived_2011"))
    cases.close(name, benefit_with_bad_outputs(good, bad, lower=0.05, order=pairs))


def test_geometric_change(cases):
    """Where the shares change, the package's overall change lacks their effect; the identity holds here."""
    before, after = (pd.read_csv(cases.folder / "data" / f"intertemp_{date}.csv") for date in ("t0", "t1"))
    found = geometric_change(before, after, 0, lower=0.05, upper=0.95)
    product = found[["change", "benchmark", "weights"]].prod(axis=1)
    np.testing.assert_allclose(found["overall"], product, rtol=1e-12)

    case = cases.listed["k17_geom_bod_intertemp"]
    theirs = cases.expected("k17_geom_bod_intertemp", index_col=None)
    theirs.columns = ["overall", "change", "benchmark", "weights"]
    # the last unit is on the frontier of the first date with any shares, so its split is not determined
    last, n_units = before.iloc[-1], len(before)
    for share in (0.05, 0.5, 0.95):
        weights = np.array([share, 1 - share]) / last
        assert (before @ weights).max() == pytest.approx(1)
    kept = slice(0, n_units - 2)
    parts = ["change", "benchmark", "weights"]
    np.testing.assert_allclose(found.loc[kept, parts], theirs.loc[kept, parts], rtol=case["rtol"])
    stable = (theirs["weights"] - 1).abs() < 1e-6
    assert stable.sum() == 94
    np.testing.assert_allclose(found.loc[stable], theirs.loc[stable], rtol=case["rtol"])
    np.testing.assert_allclose(
        theirs.loc[~stable, "overall"], theirs.loc[~stable, ["change", "benchmark"]].prod(axis=1), rtol=1e-9
    )


def test_acceptability(cases):
    """The package draws each weight from 0.05 to 1 and rescales, which is not uniform over sets of weights."""
    expected, case = cases.expected("k18_smaa"), cases.listed["k18_smaa"]
    values = cases.data("bli_2017").iloc[:, :5]
    draws = pd.DataFrame(np.random.default_rng(2).uniform(0.05, 1, size=(20_000, 5)), columns=values.columns)
    found = rank_acceptability(values, draws)
    frequency = np.array(expected["rank_freq"]) / 5000
    np.testing.assert_allclose(found[list(range(1, 36))], frequency, atol=case["atol"])
    np.testing.assert_allclose(found["mean_rank"], np.ravel(expected["average_rank"]), atol=0.1)
