import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.errors import InputError
from diagnosis.networks.completion import Completion, complete_flows, hide_tail
from diagnosis.tables import FLOWS

RANKS = 4


def invented(seed, n=60, *, level=4.0, slope=2.0, provinces=3):
    """A gravity model's whole commuters between points on 60 x 60 km, and the points."""
    random = np.random.default_rng(seed)
    codes = pd.Index([f"{number:06d}" for number in range(1, n + 1)], name="code")
    x, y = random.random((2, n)) * 60_000
    size = random.lognormal(0, 0.8, n)
    distance = np.hypot(x[:, None] - x, y[:, None] - y) / 1000
    commuters = random.poisson(level * size[:, None] * size * (1 + distance / 10) ** -slope * 10)
    origin, destination = np.nonzero(commuters)
    flows = pd.DataFrame(
        {
            "origin": codes[origin],
            "destination": codes[destination],
            "commuters": commuters[origin, destination],
        }
    )
    province = (x // (60_001 / provinces)).astype(int).astype(str)
    return flows, pd.DataFrame({"x": x, "y": y, "province": province, "region": "01"}, index=codes)


def margins_of(flows, codes):
    """Margins counted one by one, not as the package counts them."""
    rows = {}
    for code in codes:
        out = flows[(flows["origin"] == code) & (flows["destination"] != code)]
        into = flows[(flows["destination"] == code) & (flows["origin"] != code)]
        inside = flows[(flows["origin"] == code) & (flows["destination"] == code)]
        rows[code] = [
            *(int(part["commuters"].sum()) for part in (out, into, inside)),
            len(out),
            len(into),
        ]
    columns = ["total_out", "total_in", "internal", "n_destinations", "n_origins"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("code")


def pairs_of(flows):
    return flows.set_index(["origin", "destination"])["commuters"]


def mean_km(flows, points):
    here, there = (points.loc[flows[end], ["x", "y"]].to_numpy() for end in ("origin", "destination"))
    return np.average(np.hypot(*(here - there).T) / 1000, weights=flows["commuters"])


@pytest.fixture(scope="session")
def case():
    flows, points = invented(7)
    observed, margins = hide_tail(flows, points.index, ranks=RANKS)
    return flows, observed, margins, points


@pytest.fixture(scope="session")
def fitted(case):
    """Fitted once, drawn from once: the loops are compiled here for all tests of the module."""
    _, observed, margins, points = case
    model = Completion(ranks=RANKS).fit(observed, margins, points)
    model.draw(0)
    return model


# what is known


def test_margins_of_a_small_matrix_by_hand():
    flows = pd.DataFrame(
        [
            ("a", "b", 5),
            ("a", "c", 2),
            ("b", "a", 1),
            ("a", "a", 9),
            ("c", "a", 3),
            ("c", "b", 1),
            ("b", "b", 0),
        ],
        columns=["origin", "destination", "commuters"],
    )
    observed, margins = hide_tail(flows, ["a", "b", "c", "d"], ranks=1)
    # the largest of a, b, c are a-b, b-a, c-a; into a, b, c they are c-a, a-b, a-c: only c-b is hidden
    assert sorted(observed["origin"] + observed["destination"]) == ["aa", "ab", "ac", "ba", "ca"]
    assert margins.to_numpy().tolist() == [[7, 4, 9, 2, 2], [1, 6, 0, 1, 2], [4, 2, 0, 2, 1], [0] * 5]


def test_hidden_margins_are_those_of_the_matrix(case):
    flows, observed, margins, points = case
    pd.testing.assert_frame_equal(margins, margins_of(flows, points.index))
    assert 0.5 < observed["commuters"].sum() / flows["commuters"].sum() < 0.98


# a completion


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_observed_flows_margins_and_counts_are_exact(case, fitted, seed):
    flows, observed, margins, points = case
    completed = fitted.draw(seed)
    pd.testing.assert_frame_equal(margins_of(completed, points.index), margins)
    kept = pairs_of(completed[completed["estimated"] == 0])
    pd.testing.assert_series_equal(kept.sort_index(), pairs_of(observed).sort_index())
    assert len(completed) == len(flows)
    counts = completed.attrs["completion"]
    assert counts["origin_pair_count_error"] == counts["destination_pair_count_error"] == 0
    assert counts["pairs_drawn"] == (completed["estimated"] == 1).sum() == fitted.report_["tail_pairs"]


def test_the_table_keeps_the_contract(case, fitted):
    completed = fitted.draw(3)
    pd.testing.assert_frame_equal(FLOWS.check(completed), completed)
    assert list(completed.columns) == ["origin", "destination", "commuters", "estimated"]
    assert completed["commuters"].dtype == "int64"
    assert completed[["origin", "destination"]].apply(tuple, axis=1).is_monotonic_increasing


def test_no_estimate_exceeds_the_smallest_listed_flow_of_either_end(case, fitted):
    _, observed, _, _ = case
    completed = fitted.draw(4)
    tail = completed[completed["estimated"] == 1]
    between = observed[observed["origin"] != observed["destination"]]
    for end in ("origin", "destination"):
        caps = between.groupby(end)["commuters"].apply(lambda sizes: sorted(sizes, reverse=True)[RANKS - 1 :])
        caps = caps[caps.str.len() > 0].str[0]
        assert (tail["commuters"] <= tail[end].map(caps)).all()
    assert tail["commuters"].min() == 1


def test_a_seed_gives_the_same_completion_and_another_a_different_one(fitted):
    first, second = fitted.draw(11), fitted.draw(12)
    pd.testing.assert_frame_equal(fitted.draw(11), first)
    assert not pairs_of(first).equals(pairs_of(second))


def test_draws_may_run_in_threads(fitted):
    with ThreadPoolExecutor(2) as threads:
        drawn = list(threads.map(fitted.draw, range(4)))
    for seed, flows in enumerate(drawn):
        pd.testing.assert_frame_equal(flows, fitted.draw(seed))


def test_order_of_rows_does_not_matter(case, fitted):
    _, observed, margins, points = case
    shuffled = [table.sample(frac=1, random_state=5) for table in (observed, margins, points)]
    again = Completion(ranks=RANKS).fit(*shuffled).draw(8)
    pd.testing.assert_frame_equal(again, fitted.draw(8))


def test_each_completion_has_its_own_seed(case):
    _, observed, margins, points = case
    three = list(complete_flows(observed, margins, points, n=3, random_state=1, ranks=RANKS))
    two = list(complete_flows(observed, margins, points, n=2, random_state=1, ranks=RANKS))
    other = next(complete_flows(observed, margins, points, random_state=2, ranks=RANKS))
    for left, right in zip(two, three, strict=False):
        pd.testing.assert_frame_equal(left, right)
    assert len({tuple(pairs_of(flows).items()) for flows in [*three, other]}) == 4


def test_the_decay_and_the_length_of_the_tail_are_found(case, fitted):
    flows, observed, _, points = case
    hidden = pairs_of(flows)[~pairs_of(flows).index.isin(pairs_of(observed).index)].reset_index()
    drawn = [fitted.draw(seed) for seed in range(5)]
    lengths = [mean_km(table[table["estimated"] == 1], points) for table in drawn]
    assert np.mean(lengths) == pytest.approx(mean_km(hidden, points), rel=0.1)
    decay = fitted.decay_["same_province"].loc[:30]
    assert decay.iloc[3] == 1
    assert decay.iloc[0] > decay.iloc[5] > decay.iloc[-1]
    assert -2.5 < fitted.report_["slope_same_province"] < -0.5


def test_what_is_missing_is_told_by_municipality(case, fitted):
    flows, observed, _, points = case
    hidden = pairs_of(flows)[~pairs_of(flows).index.isin(pairs_of(observed).index)].reset_index()
    expected = margins_of(hidden, points.index)[["total_out", "total_in", "n_destinations", "n_origins"]]
    np.testing.assert_array_equal(fitted.tail_.to_numpy(), expected.to_numpy())
    assert fitted.report_["tail_commuters"] == hidden["commuters"].sum()


def test_a_complete_matrix_is_returned_as_it_is(case):
    flows, _, margins, points = case
    model = Completion(ranks=RANKS).fit(flows, margins, points)
    assert model.report_["tail_pairs"] == 0
    assert model.decay_.empty
    pd.testing.assert_series_equal(pairs_of(model.draw(0)), pairs_of(flows).sort_index())


def test_a_pair_known_to_have_no_flow_gets_none(case, fitted):
    _, observed, margins, points = case
    drawn = fitted.draw(0)
    pair = drawn.loc[drawn["estimated"] == 1, ["origin", "destination"]].iloc[[0]]
    model = Completion(ranks=RANKS).fit(pd.concat([observed, pair.assign(commuters=0)]), margins, points)
    for seed in range(3):
        row = pairs_of(model.draw(seed)).loc[[tuple(pair.iloc[0])]]
        assert row.tolist() == [0]


def test_sea_is_told_by_landmass_or_region(case, fitted):
    _, observed, margins, points = case
    assert (fitted.decay_["across_sea"] > 0).all()
    island = points["x"] > 40_000
    regions = points.assign(region=np.where(island, "20", "05"))
    masses = points.drop(columns="region").assign(landmass=np.where(island, "isle", "main"))
    own = points.assign(region=np.where(island, "77", "05"))
    first = Completion(ranks=RANKS).fit(observed, margins, regions)
    pd.testing.assert_frame_equal(Completion(ranks=RANKS).fit(observed, margins, masses).decay_, first.decay_)
    named = Completion(ranks=RANKS, island_regions=["77"]).fit(observed, margins, own)
    pd.testing.assert_frame_equal(named.decay_, first.decay_)
    assert not first.decay_.equals(fitted.decay_)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 25),
    ranks=st.integers(1, 4),
    level=st.sampled_from([0.05, 1.0, 30.0]),
    slope=st.sampled_from([0.0, 3.0]),
)
def test_any_hidden_matrix_is_completed_exactly(fitted, seed, n, ranks, level, slope):
    flows, points = invented(seed, n, level=level, slope=slope)
    observed, margins = hide_tail(flows, points.index, ranks=ranks)
    completed = Completion(ranks=ranks).fit(observed, margins, points).draw(seed)
    found = margins_of(completed, points.index)
    totals = ["total_out", "total_in", "internal"]
    pd.testing.assert_frame_equal(found[totals], margins[totals])
    kept = completed[completed["estimated"] == 0]
    assert pairs_of(kept).to_dict() == pairs_of(observed).to_dict()
    counts = completed.attrs["completion"]
    wrong = (found[["n_destinations", "n_origins"]] - margins[["n_destinations", "n_origins"]]).abs().sum()
    assert wrong.tolist() == [counts.get(f"{end}_pair_count_error", 0) for end in ("origin", "destination")]
    assert wrong.max() <= 1  # a tail so tight that only a further pair fits: one in a hundred, for ranks of 1


# broken input


def change(table, row, column, value):
    table = table.copy()
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


def raised(table, row, columns, by):
    return table.assign(**{name: table[name] + by * (table.index == row) for name in columns})


BROKEN = {
    "margins below observed": (
        lambda o, m, p: (o, change(m, "000001", "total_out", 3), p),
        "at least the observed",
    ),
    "fewer pairs than observed": (
        lambda o, m, p: (o, change(m, "000001", "n_origins", 1), p),
        "observed origins",
    ),
    "negative margin": (lambda o, m, p: (o, change(m, "000001", "total_in", -1), p), "at least 0"),
    "fractional margin": (lambda o, m, p: (o, change(m, "000001", "total_in", 10.5), p), "whole numbers"),
    "missing margin": (lambda o, m, p: (o, change(m, "000001", "total_in", None), p), "must have a value"),
    "missing column": (lambda o, m, p: (o, m.drop(columns="n_origins"), p), "missing: 'n_origins'"),
    "missing row": (lambda o, m, p: (o, m.drop("000002"), p), "row in margins.*'000002'"),
    "repeated row": (lambda o, m, p: (o, pd.concat([m, m.head(1)]), p), "unique"),
    "too many": (lambda o, m, p: (o, change(m, "000001", "total_in", 2**31), p), "at most 2,147,483,647"),
    "negative flow": (lambda o, m, p: (change(o, 0, "commuters", -4), m, p), "at least 0"),
    "fractional flow": (lambda o, m, p: (change(o, 0, "commuters", 4.5), m, p), "whole numbers.*4.5"),
    "repeated flow": (lambda o, m, p: (pd.concat([o, o.head(1)]), m, p), "unique"),
    "unknown code": (lambda o, m, p: (change(o, 0, "destination", "999999"), m, p), "destination.*'999999'"),
    "estimated flow": (lambda o, m, p: (o.assign(estimated=1), m, p), "marked as estimated"),
    "internal flow": (
        lambda o, m, p: (o, raised(m, "000003", ["internal"], 1), p),
        "internal flows.*'000003'",
    ),
    "sums differ": (lambda o, m, p: (o, raised(m, "000003", ["total_out"], 1), p), "add up to the same"),
    "counts differ": (
        lambda o, m, p: (
            o,
            raised(raised(m, "000003", ["n_origins", "total_in"], 1), "000004", ["total_out"], 1),
            p,
        ),
        "'n_destinations' and 'n_origins' must add up",
    ),
    "too large for the caps": (
        lambda o, m, p: (o, raised(m, "000003", ["total_out", "total_in"], 100_000), p),
        "must leave the missing destinations",
    ),
    "more pairs than places": (
        lambda o, m, p: (o, raised(m, "000003", ["n_destinations", "total_out"], 60), p),
        "unlisted municipalities that lack|must leave",
    ),
    "no point": (lambda o, m, p: (o, m, p.drop("000009")), "must have a point.*'000009'"),
    "no place": (lambda o, m, p: (o, m, change(p, "000009", "x", None)), "must have a value"),
    "no landmass": (lambda o, m, p: (o, m, p.drop(columns="region")), "'landmass', or 'region'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_input_is_named(case, name):
    spoil, message = BROKEN[name]
    with pytest.raises(InputError, match=message):
        Completion(ranks=RANKS).fit(*spoil(*case[1:]))


def test_fewer_flows_than_ranks_are_refused(case):
    _, observed, margins, points = case
    with pytest.raises(InputError, match=r"the 40 largest flows must be there.*say with `ranks`"):
        Completion(ranks=40).fit(observed, margins, points)


def test_margins_that_no_tail_can_meet_are_refused():
    # a lacks one destination, which can only be d, that takes no more than 1; a has 10 to send
    rows = [("a", "c", 10), ("b", "a", 10), ("c", "d", 1)]
    observed = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    margins = pd.DataFrame(
        {
            "total_out": [20, 11, 1, 0],
            "total_in": [10, 0, 20, 2],
            "n_destinations": [2, 2, 1, 0],
            "n_origins": [1, 0, 2, 2],
        },
        index=list("abcd"),
    )
    points = pd.DataFrame(
        {"x": [0, 1e4, 2e4, 3e4], "y": 0.0, "province": "p", "landmass": "l"}, index=list("abcd")
    )
    model = Completion(ranks=1).fit(observed, margins, points)
    with pytest.raises(InputError, match="9 of 11 do not"):
        model.draw(0)


@pytest.mark.parametrize("ranks", [0, -1, 2.5, None, True])
def test_ranks_must_be_a_number_from_1(case, ranks):
    with pytest.raises(InputError, match="ranks must be a whole number"):
        Completion(ranks=ranks).fit(*case[1:])


@pytest.mark.parametrize("seed", [None, -1, 1.5, "x"])
def test_a_seed_is_needed(fitted, seed):
    with pytest.raises(InputError, match="seed must be"):
        fitted.draw(seed)


@pytest.mark.parametrize("options", [{"n": 0}, {"n": 1.5}, {"random_state": None}, {"random_state": -1}])
def test_number_and_state_are_checked_at_once(case, options):
    with pytest.raises(InputError, match="must be a whole number from"):
        complete_flows(*case[1:], ranks=RANKS, **options)


def test_drawing_before_fitting_is_an_error():
    with pytest.raises(InputError, match="Call fit first"):
        Completion().draw(0)


# real matrices


@pytest.fixture(scope="session")
def sardinia(mirror):
    """The complete matrix of 2001 and the centres of its 377 municipalities."""
    import geopandas as gpd

    folder = mirror / "istat" / "LabourMarketAreas"
    flows = pd.read_csv(folder / "Sardinia.csv", dtype=str, keep_default_na=False)
    flows.columns = ["origin", "destination", "commuters"]
    flows = flows.assign(
        origin=flows["origin"].str.zfill(6),
        destination=flows["destination"].str.zfill(6),
        commuters=flows["commuters"].astype(int),
    )
    polygons = gpd.read_file(folder / "shpSardinia.gpkg")
    polygons["code"] = polygons["PRO_COM"].astype(float).astype(int).astype(str).str.zfill(6)
    centres = polygons.dissolve("code").to_crs("EPSG:3035").centroid
    points = pd.DataFrame({"x": centres.x, "y": centres.y, "landmass": "20"}, index=centres.index)
    return flows, points.assign(province=points.index.str[:3])


def test_sardinia_2001_is_completed_as_well_as_on_record(sardinia, mirror):
    flows, points = sardinia
    record = json.loads((mirror / "istat" / "completion_check_sardinia_2001.json").read_text())
    observed, margins = hide_tail(flows, points.index)
    model = Completion().fit(observed, margins, points)
    assert model.report_["tail_commuters"] == record["fit"]["tail_commuters"]
    assert model.report_["tail_pairs"] == record["fit"]["tail_pairs"]
    for name in ("slope_same_province", "slope_other_province"):
        assert model.report_[name] == pytest.approx(record["fit"][name], abs=0.01)
    for name, values in record["fit"]["decay"].items():
        np.testing.assert_allclose(model.decay_[name], list(values.values()), rtol=0.01)
    hidden = pairs_of(flows)[~pairs_of(flows).index.isin(pairs_of(observed).index)]
    measures = []
    for seed in range(4):
        completed = model.draw(seed)
        tail = pairs_of(completed[completed["estimated"] == 1])
        common = np.minimum(hidden, tail.reindex(hidden.index).fillna(0)).sum() / hidden.sum()
        hit = hidden.index.isin(tail.index).mean()
        measures.append((common, hit, mean_km(tail.reset_index(), points)))
        assert not any(
            number for name, number in completed.attrs["completion"].items() if name.endswith("error")
        )
    common, hit, length = np.mean(measures, axis=0)
    theirs = record["validation"]
    assert common == pytest.approx(theirs["common_part_of_commuters"], abs=0.015)
    assert hit == pytest.approx(theirs["share_of_pairs_hit"], abs=0.015)
    assert length == pytest.approx(theirs["tail_mean_km_true"], abs=1.5)


@pytest.mark.slow
def test_italy_2021_is_completed_exactly(mirror, italy):
    """About 30 CPU seconds, 0.9 GB."""
    from diagnosis.sources.embedded import read_register
    from diagnosis.sources.istat import read_commuting
    from diagnosis.sources.istat_margins import read_margins

    observed = read_commuting(mirror / "istat" / "matrix_pendoLAVORO_2021_observed.zip")
    margins = read_margins(mirror / "istat" / "matrix_pendoLAVORO_2021_margins.csv")
    centres = italy.centroid
    points = read_register()[["province", "region"]].assign(x=centres.x, y=centres.y)
    model = Completion().fit(observed, margins, points)
    record = json.loads((mirror / "istat" / "matrix_pendoLAVORO_2021_completed_report.json").read_text())
    assert model.report_["tail_commuters"] == record["tail_commuters"]
    assert model.report_["dispersion"] == pytest.approx(record["negative_binomial_k"], abs=0.001)
    for name, values in record["decay"].items():
        np.testing.assert_allclose(model.decay_[name], list(values.values()), rtol=0.02)
    completed = model.draw(1)
    assert len(completed) == record["rows"]
    _, found = hide_tail(completed.drop(columns="estimated"), margins.index)
    pd.testing.assert_frame_equal(found[margins.columns], margins, check_like=True)
    assert pairs_of(completed[completed["estimated"] == 0]).to_dict() == pairs_of(observed).to_dict()
