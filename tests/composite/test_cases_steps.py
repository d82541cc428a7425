"""The steps before weights and aggregation against COINr 1.1.14 on its own data (cases c01-c12, c23, c24)."""

import json

import numpy as np
import pandas as pd
import pytest

from diagnosis.composite.denomination import denominate
from diagnosis.composite.imputation import impute_by_indicator, impute_by_unit, impute_panel
from diagnosis.composite.normalise import normalise_min_max, normalise_z_scores
from diagnosis.composite.panels import measure_trends, normalise_panel
from diagnosis.composite.scaling import (
    normalise_distance_to_reference,
    normalise_distance_to_target,
    normalise_fraction_of_best,
    normalise_goalposts,
    normalise_ranks,
)
from diagnosis.composite.screening import describe_indicators, measure_availability, screen_units
from diagnosis.composite.treatment import box_cox, log_transform, treat, winsorise

DENOMINATORS = ["Area", "Energy", "GDP", "Population"]


class Tables:
    """The inputs of the cases, read from the folder of the reference results."""

    def __init__(self, folder):
        self.folder = folder
        meta = pd.read_csv(folder / "data" / "asem_imeta.csv")
        self.meta = meta.set_index("iCode")
        indicators = meta[meta["Type"] == "Indicator"]
        self.indicators = list(indicators["iCode"])
        sign = indicators.set_index("iCode")["Direction"]
        self.directions = sign.map({1: "positive", -1: "negative"})
        self.up = dict.fromkeys(self.indicators, "positive")

    def read(self, name):
        return pd.read_csv(self.folder / "data" / f"{name}.csv")

    def units(self, name):
        return self.read(name).set_index("uCode")[self.indicators]

    def panel(self, name):
        return self.read(name).set_index(["uCode", "Time"])[self.indicators]


def statistics(tables):
    found = describe_indicators(tables.units("asem_idata"))
    names = {"minimum": "Min", "maximum": "Max", "mean": "Mean", "median": "Median", "sd": "Std"}
    names |= {"skewness": "Skew", "kurtosis": "Kurt", "n_available": "N.Avail", "n_nonzero": "N.NonZero"}
    names |= {"n_unique": "N.Unique", "n_same": "N.Same", "share_available": "Frc.Avail"}
    names |= {"share_nonzero": "Frc.NonZero", "share_unique": "Frc.Unique", "share_same": "Frc.Same"}
    flags = {"low_available": "Flag.Avail", "low_nonzero": "Flag.NonZero", "low_unique": "Flag.Unique"}
    result = found.rename(columns=names)[list(names.values())]
    for flag, name in flags.items():
        result[name] = np.where(found[flag], "LOW", "ok")
    result["Flag.SkewKurt"] = np.where(found["outliers"], "OUT", "ok")
    return result


AVAILABILITY = {
    "n_missing": "N_missing",
    "n_zero": "N_zero",
    "n_missing_or_zero": "N_miss_or_zero",
    "share_available": "Dat_Avail",
    "share_nonzero": "Non_Zero",
}


def screened(tables, **options):
    found = screen_units(tables.units("asem_denominated"), **options)
    result = found.rename(
        columns=AVAILABILITY
        | {"low_available": "LowData", "low_nonzero": "LowNonZero", "included": "Included"}
    )
    return result.assign(LowDatOrZeroFlag=result["LowData"] | result["LowNonZero"]).drop(columns="forced")


def group_means(tables):
    groups = tables.read("asem_idata").set_index("uCode")["EurAsia_group"]
    return impute_by_indicator(tables.units("asem_denominated"), unit_groups=groups)


def treatment_details(tables):
    record = treat(tables.units("asem_screened"), limit=5).record
    tested = record["n_winsorised"] > 0
    return pd.DataFrame(
        {
            "check_SkewKurt0.Pass": ~tested,
            "check_SkewKurt0.Skew": record["skewness_before"],
            "check_SkewKurt0.Kurt": record["kurtosis_before"],
            "winsorise.nwin": record["n_winsorised"].where(tested),
            "check_SkewKurt1.Pass": record["passes"].where(tested),
            "check_SkewKurt1.Skew": record["skewness_winsorised"],
            "check_SkewKurt1.Kurt": record["kurtosis_winsorised"],
        }
    )


def treated(tables):
    return tables.units("asem_treated")


def goalposts(tables):
    table = treated(tables)
    return normalise_goalposts(table, tables.up, table.quantile(0.1), table.quantile(0.9), scale=10)


def scaled(tables):
    fixed = (dict.fromkeys(tables.indicators, post) for post in (0, 200))
    return normalise_goalposts(treated(tables), tables.up, *fixed, scale=100, truncate=False)


def reference_unit(tables):
    table = treated(tables)
    return normalise_distance_to_reference(table, tables.up, table.index[4])


def to_target(tables):
    table = treated(tables)
    return normalise_distance_to_target(table, tables.up, table.quantile(0.95))


def screened_panel(tables):
    panel = tables.panel("asem_idata_panel")
    return panel[panel.notna().mean(axis=1).groupby("uCode").transform("min") >= 0.9]


def treated_panel(tables):
    """The example treats every year on its own before all years are normalised together."""
    years = screened_panel(tables).groupby("Time")
    return pd.concat([treat(year).values for _, year in years])


def panel_scores(tables):
    """Plain means level by level: the weights of the example are all 1."""
    normalised = normalise_panel(treated_panel(tables), tables.directions, time="Time")
    result, level = normalised, normalised
    for _ in range(3):
        level = level.T.groupby(tables.meta["Parent"].reindex(level.columns).to_numpy()).mean().T
        result = result.join(level)
    return result.reset_index()


def trends(tables):
    panel = tables.panel("asem_idata_panel")[tables.indicators[:6]]
    found = measure_trends(panel, time="Time").rename_axis(index={"indicator": "iCode"}).reset_index()
    names = {
        "percent_change": "prc_change",
        "share_available": "Avail",
        "first": "t_first",
        "last": "t_latest",
    }
    return found.rename(columns=names)[["uCode", "iCode", *names.values()]]


RESULTS = {
    "c01_stats_raw": statistics,
    "c02_data_avail": lambda t: measure_availability(t.units("asem_idata")).rename(columns=AVAILABILITY),
    "c03_denominate": lambda t: denominate(
        t.units("asem_idata"),
        t.read("asem_idata").set_index("uCode")[DENOMINATORS],
        t.meta.loc[t.indicators, "Denominator"],
    ),
    "c04_impute_mean_grp": group_means,
    "c05_impute_i_mean": lambda t: impute_by_indicator(t.units("asem_denominated")),
    "c05_impute_i_median": lambda t: impute_by_indicator(t.units("asem_denominated"), "median"),
    "c05_impute_row_mean_normfirst": lambda t: impute_by_unit(t.units("asem_denominated"), t.directions),
    "c06_impute_panel_latest": lambda t: impute_panel(t.panel("asem_panel_gaps"), time="Time").reset_index(),
    "c06_impute_panel_constant": lambda t: impute_panel(
        t.panel("asem_panel_gaps"), "constant", time="Time"
    ).reset_index(),
    "c07_screen_byNA": lambda t: screened(t, minimum_available=0.95).assign(LowNonZero=False),
    "c07_screen_byNAandzeros": lambda t: screened(t, minimum_available=0.9, minimum_nonzero=0.95),
    "c08_treat": lambda t: treat(t.units("asem_screened"), limit=5).values,
    "c08_treat_details": treatment_details,
    "c10_log_CT": lambda t: log_transform(t.units("asem_screened")),
    "c10_log_CT_orig": lambda t: log_transform(t.units("asem_screened"), "one"),
    "c10_boxcox_half": lambda t: box_cox(t.units("asem_screened"), 0.5),
    "c10_win_unlimited": lambda t: winsorise(t.units("asem_screened"), limit=None)[0],
    "c11_norm_minmax_dir": lambda t: normalise_min_max(treated(t), t.directions),
    "c12_n_minmax_1_100": lambda t: normalise_min_max(treated(t), t.up, lower=1),
    "c12_n_zscore": lambda t: normalise_z_scores(treated(t), t.up, mean=0, sd=1, ddof=1),
    "c12_n_zscore_100_10": lambda t: normalise_z_scores(treated(t), t.up, ddof=1),
    "c12_n_scaled": scaled,
    "c12_n_dist2max": lambda t: normalise_min_max(treated(t), t.up, upper=1),
    "c12_n_dist2ref": reference_unit,
    "c12_n_dist2targ": to_target,
    "c12_n_fracmax": lambda t: normalise_fraction_of_best(treated(t), t.up),
    "c12_n_prank": lambda t: normalise_ranks(treated(t), t.up, "percentile"),
    "c12_n_rank": lambda t: normalise_ranks(treated(t), t.up),
    "c12_n_goalposts": goalposts,
    "c23_purse_agg_global": panel_scores,
    "c23_purse_norm_global": lambda t: normalise_panel(
        treated_panel(t), t.directions, time="Time"
    ).reset_index(),
    "c24_trends_prc_change": trends,
}


@pytest.fixture(scope="module")
def tables(oracles):
    return Tables(oracles / "composite")


@pytest.fixture(scope="module")
def cases(oracles):
    listed = json.loads((oracles / "composite" / "CASES.json").read_text())["cases"]
    return {case["id"]: case for case in listed}


@pytest.mark.parametrize("name", RESULTS)
def test_case(name, tables, cases):
    case = cases[name]
    expected = pd.read_csv(tables.folder / case["expected"])
    result = RESULTS[name](tables)
    keys = [key for key in ("uCode", "Time", "iCode") if key in expected]
    if keys != ["uCode", "Time"] and not set(keys) <= set(result.columns):
        result = result.rename_axis(keys[0]).reset_index()
    result, expected = (table.set_index(keys) for table in (result, expected))
    assert set(result.index) == set(expected.index)
    assert set(result.columns) == set(expected.columns)
    result = result.loc[expected.index, expected.columns]
    for column in expected:
        if expected[column].dtype.kind in "if":
            np.testing.assert_allclose(
                result[column].astype(float),
                expected[column].astype(float),
                rtol=case["rtol"],
                atol=case["atol"],
                err_msg=f"{name}: {column}",
            )
        else:
            both = expected[column].notna()
            assert (result[column].notna() == both).all(), f"{name}: {column}"
            assert (result[column][both] == expected[column][both]).all(), f"{name}: {column}"


def test_every_case_of_the_steps_is_covered(cases):
    mine = {name for name in cases if name[:3] in {f"c{i:02}" for i in (*range(1, 13), 23, 24)}}
    assert mine - set(RESULTS) == {"c10_log_GII_BUG"}


def test_bug_of_the_scaled_logarithm_is_not_reproduced(tables, cases):
    # COINr's log_GII returns its input: by the formula Flights would be ln((max - 1) (x - min) / (max - min) + 1)
    table = tables.units("asem_screened")
    returned = pd.read_csv(tables.folder / cases["c10_log_GII_BUG"]["expected"]).set_index("uCode")
    pd.testing.assert_frame_equal(returned, table)
    large = table.loc[:, table.max() > 1]
    result = log_transform(large, "scaled")
    width = large.max() - large.min()
    np.testing.assert_allclose(
        result, np.log((large.max() - 1) * (large - large.min()) / width + 1), rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(result.max(), np.log(large.max()))
    assert (result.min() == 0).all()


def test_steps_do_not_depend_on_the_order_of_rows(tables):
    table = tables.units("asem_denominated")
    other = table.sample(frac=1, random_state=1)
    for step in (
        lambda t: impute_by_unit(t, tables.directions),
        lambda t: treat(impute_by_indicator(t)).values,
        lambda t: normalise_ranks(t, tables.directions, "percentile"),
    ):
        pd.testing.assert_frame_equal(step(other).loc[table.index], step(table), rtol=1e-12)


def test_a_failed_winsorising_falls_back_on_the_logarithm_of_the_original(tables):
    # replications of c28 with a plain mean of min-max values: each number of winsorised points met once
    folder, meta = tables.folder, tables.meta
    parameters = tables.read("sa_ua_parameters")
    plain = parameters[(parameters["norm"] == "n_minmax") & (parameters["agg"] == "a_amean")]
    weights = tables.read("sa_noisy_weights_100").set_index("iCode")
    expected = pd.read_csv(folder / "expected" / "c28_UA_scores.csv").set_index("uCode")
    actions = set()
    for run in plain.drop_duplicates("winmax").itertuples():
        outcome = treat(tables.units("asem_screened"), limit=int(run.winmax))
        actions |= set(outcome.record["action"])
        level = normalise_min_max(outcome.values, tables.directions, lower=1)
        for _ in range(3):
            parent = meta["Parent"].reindex(level.columns).to_numpy()
            weight = weights[f"r{run.weights}"].reindex(level.columns)
            level = (level * weight).T.groupby(parent).sum().T / weight.groupby(parent).sum()
        np.testing.assert_allclose(level["Index"], expected[f"r_{run.rep}"].loc[level.index], rtol=1e-8)
    assert actions == {"none", "winsorise", "log"}
