"""The stages of a whole country, on the invented one: computed once, the country as yardstick."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import diagnosis as dg
from diagnosis.composite import Goalposts
from diagnosis.config import AreaParameters
from diagnosis.errors import InputError, SourceError, UnknownNameError
from diagnosis.frameworks import load_framework
from diagnosis.indicators import compute
from diagnosis.national.releases import freeze_scorings
from diagnosis.national.scores import Scoring
from diagnosis.national.shared import COUNTRY, compute_all, load_national
from diagnosis.national.shortcuts import compute_indicators
from diagnosis.storage import StageCache

PARAMETERS = AreaParameters()
STAGES = {
    "indicators": lambda national: national.indicators(),
    "scores": lambda national: national.scores(),
    "small_numbers": lambda national: {"table": national.small_numbers()},
    "score_uncertainty": lambda national: national.score_uncertainty(),
    "wellbeing": lambda national: national.wellbeing(),
    "wellbeing_uncertainty": lambda national: national.wellbeing_uncertainty(),
    "wellbeing_course": lambda national: national.wellbeing_course(),
    "outline": lambda national: {"regions": national.outline()},
    "contiguity": lambda national: {"pairs": national.contiguity()},
    "fragility": lambda national: national.fragility(),
    "structure": lambda national: national.spatial_structure(),
    "network": lambda national: national.network(),
    "areas": lambda national: national.areas(PARAMETERS),
}


@pytest.fixture(scope="module")
def national(example_study):
    return example_study.national


@pytest.fixture(scope="module")
def again(national, example_settings):
    """The same country, its stages read back from the cache."""
    return load_national(national.country, example_settings)


def alike(found, expected):
    """Same values; Parquet knows text, not objects."""
    assert_frame_equal(as_text(found), as_text(expected))


def as_text(frame):
    return frame.astype({name: "string" for name in frame if frame[name].dtype in (object, "str")})


@pytest.mark.parametrize("stage", STAGES)
def test_stage_read_back_is_the_stage_computed(stage, national, again, monkeypatch):
    expected = STAGES[stage](national)
    monkeypatch.setattr(StageCache, "__init__", None)
    found = STAGES[stage](again)
    assert set(found) == set(expected)
    for name, value in expected.items():
        if isinstance(value, pd.DataFrame):
            alike(found[name], value)
        else:
            assert found[name] == json.loads(json.dumps(value))


def test_stage_is_computed_once(national):
    assert national.indicators() is national.indicators()
    assert national.areas(PARAMETERS) is national.areas(AreaParameters())
    assert national.areas(PARAMETERS) is not national.areas(AreaParameters(min_size=1500))


def test_every_municipality_is_in_every_table(national):
    codes = national.country.municipalities.index
    for table in (
        national.indicators()["values"],
        national.scores()["values"],
        national.network()["measures"],
        national.areas(PARAMETERS)["labels"],
    ):
        assert set(table.index) == set(codes)
        assert table.index.is_unique


def test_gaps_explain_every_missing_value(national):
    found = national.indicators()
    missing = found["values"].isna().stack()
    pairs = set(missing.index[missing])
    explained = set(zip(found["gaps"]["code"], found["gaps"]["indicator"], strict=True))
    computed = [name for name in found["values"] if not national.catalogue[name].for_groups]
    assert {pair for pair in pairs if pair[1] in computed} == {
        pair for pair in explained if pair[1] in computed
    }
    assert pairs


@pytest.mark.parametrize("kept", ["national", "again"])
def test_group_of_all_is_the_country(kept, request):
    national = request.getfixturevalue(kept)
    groups = national.indicators()["groups"]
    assert groups.index.tolist() == [COUNTRY, "R90", "901", "902"]
    # The example has one region, which is the whole country.
    assert_frame_equal(groups.loc[["R90"]].set_axis([COUNTRY]), groups.loc[[COUNTRY]], check_names=False)
    everything = pd.Series("all", index=national.country.municipalities.index)
    own = compute(national.country.tables, groups=everything)
    assert_frame_equal(own.set_axis([COUNTRY]), groups.loc[[COUNTRY]], check_names=False)


def test_rates_of_groups_are_recomputed_from_counts(national):
    tables = national.country.tables
    groups, values = national.indicators()["groups"], national.indicators()["values"]
    province = national.country.municipalities["province"]
    people = tables["population"]
    for group, members in {"901": province == "901", COUNTRY: province.notna()}.items():
        own = people.loc[people.index.intersection(province.index[members])]
        old = own[[f"{sex}{age}" for sex in "fm" for age in range(65, 101)]].sum().sum()
        young = own[[f"{sex}{age}" for sex in "fm" for age in range(15)]].sum().sum()
        assert groups.at[group, "old_age_index"] == pytest.approx(100 * old / young)
        hazards = tables["hazards"].reindex(province.index[members])
        share = 100 * hazards["flood_residents"].sum() / hazards["residents"].sum()
        assert groups.at[group, "flood_residents_share"] == pytest.approx(share)
        codes = province.index[members]
        flows = tables["flows"]
        live = flows["origin"].isin(codes)
        stay = flows.loc[live & flows["destination"].isin(codes), "commuters"].sum()
        contained = 100 * stay / flows.loc[live, "commuters"].sum()
        assert groups.at[group, "residents_self_containment"] == pytest.approx(contained)
    # and are not the mean of their members
    assert groups.at["901", "old_age_index"] != pytest.approx(
        values["old_age_index"][province == "901"].mean()
    )


def test_country_scores_one_hundred_in_every_theme(national):
    scores = national.scores()["groups"]
    np.testing.assert_allclose(scores.loc[COUNTRY], 100)
    np.testing.assert_allclose(scores.loc["R90"], 100)
    assert (scores.loc["901"] - 100).abs().max() > 0.5
    domains = {national.catalogue[name].domain for name in national.scores()["goalposts"].index}
    assert set(scores.columns) == domains


def test_country_scores_one_hundred_in_every_domain(national):
    found = national.wellbeing()
    np.testing.assert_allclose(found["scores"].loc[COUNTRY], 100)
    assert set(found["scores"].index) == {COUNTRY, "R90", "R91", *(f"90{number}" for number in range(1, 9))}
    assert found["years"]["year"].str.fullmatch("20[0-9]{2}").all()
    series = national.country.tables["wellbeing"]
    for name, year in found["years"]["year"].items():
        rows = series[(series["indicator"] == name) & (series["year"] == year)].set_index("territory")[
            "value"
        ]
        value = found["values"].at[COUNTRY, name]
        assert value == rows[COUNTRY] if national.catalogue[name].comparable else np.isnan(value)


def test_better_values_score_higher(national):
    found = national.wellbeing()
    posts = found["goalposts"]
    sign = posts["direction"].map({"positive": 1, "negative": -1})
    distance = (
        (found["values"][posts.index] - posts["reference"]) * sign / (posts["maximum"] - posts["minimum"])
    )
    domains = pd.Series({name: national.catalogue[name].domain for name in posts.index})
    mean = distance.T.groupby(domains).mean().T
    scores = found["scores"]
    for domain in scores:
        assert mean[domain].corr(scores[domain], method="spearman") > 0.9


def test_further_groups_are_scored_on_the_same_goalposts(national):
    groups = national.indicators()["groups"]
    scores = national.score_groups(groups)
    assert_frame_equal(scores, national.scores()["groups"], check_names=False, check_like=True)


@pytest.fixture(scope="module")
def frozen(national):
    return freeze_scorings(national.scorings(), "2025", national.country.name.it)


@pytest.fixture
def released(national, frozen, tmp_path):
    """The same country, its scores on frozen goalposts."""
    return replace(national, releases=frozen, cache=StageCache(tmp_path), _kept={})


def test_frozen_goalposts_give_the_same_data_the_same_scores(national, released):
    assert (national.release_of("provinces"), released.release_of("provinces")) == (None, "2025")
    for stage, tables in {
        "scores": ["values", "groups", "goalposts", "framework"],
        "wellbeing": ["values", "scores", "goalposts", "framework"],
        "score_uncertainty": ["intervals", "replications"],
    }.items():
        found, expected = getattr(released, stage)(), getattr(national, stage)()
        for table in tables:
            assert_frame_equal(
                as_text(found[table]), as_text(expected[table]), check_names=False, check_like=True, obj=table
            )
    groups = national.indicators()["groups"]
    assert_frame_equal(released.score_groups(groups), national.score_groups(groups), check_like=True)
    assert (national.scores()["groups"].loc[COUNTRY] == 100).all()  # exactly


@pytest.mark.slow
def test_stages_with_scores_are_kept_under_the_content_of_the_release(
    national, released, frozen, tmp_path_factory
):
    # other tests save results of releases beside those of the shared country
    plain = replace(national, cache=StageCache(tmp_path_factory.mktemp("plain")), _kept={})
    other = replace(frozen["municipalities"], penalty="+")
    changed = replace(released, releases=frozen | {"municipalities": other})
    for each in (plain, released, changed):
        compute_all(each, AreaParameters(runs=0))
    kept = {path.name for path in released.cache.folder.iterdir() if path.is_dir()}
    counts = pd.Series([name.rsplit("-", 1)[0] for name in kept]).value_counts()
    assert counts[counts > 1].to_dict() == {"scores": 2, "score_uncertainty": 2, "structure": 2}
    assert changed.wellbeing() is released.wellbeing()
    before = {path.name for path in plain.cache.folder.iterdir()}
    shared = {name.rsplit("-", 1)[0] for name in kept & before}
    assert not shared & {"scores", "score_uncertainty", "structure", "wellbeing", "wellbeing_uncertainty"}
    assert {"indicators", "small_numbers", "contiguity"} <= shared


def test_what_is_frozen_wins_over_framework_and_catalogue(released, frozen):
    release = frozen["provinces"]
    direction = release.goalposts.frame["direction"].replace({"negative": "positive"})
    changed = replace(
        release,
        penalty="+",
        minimum_share=0.5,
        weights=dict(zip(release.groups.index, np.arange(1.0, 65), strict=True)),
        groups=release.groups.replace({"BES_01": "BES_02"}),
        classes=release.classes.drop("BES_01"),
        goalposts=Goalposts(release.goalposts.frame.assign(direction=direction)),
    )
    scoring = replace(released, releases={"provinces": changed}, _kept={}).provincial_scoring()
    assert_frame_equal(scoring.score(), changed.score(pd.concat([scoring.values, scoring.references])))
    described = scoring.describe()
    assert "BES_01" not in set(described["domain"])
    assert set(described["direction"]) == {"positive"}
    assert described["weight"].tolist() == list(range(1, 65))
    assert scoring.freeze("2026", "x").penalty == "+"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda values: values.drop(columns="01SAL001"), "01SAL001: no value of any unit"),
        (lambda values: values.assign(**{"01SAL001": np.nan}), "01SAL001: no value of any unit"),
        (lambda values: values.assign(**{"01SAL001": 80.0}), "01SAL001: the same value everywhere"),
        (
            lambda values: values.assign(**{"01SAL001": values["01SAL001"].mask(values.index == COUNTRY)}),
            "01SAL001: no value of the country",
        ),
    ],
)
def test_an_indicator_of_the_release_that_is_gone_is_named(national, frozen, spoil, reason):
    found = national.wellbeing()
    values = spoil(found["values"])
    others = values.index.str.startswith(("R", COUNTRY))
    arguments = (load_framework("provinces"), national.catalogue, values[~others], values[others])
    years = found["years"]["year"]
    with pytest.raises(InputError, match=reason) as refused:
        Scoring.of(*arguments, years=years, release=frozen["provinces"])
    assert "diagnosis release rebase 2025" in str(refused.value)
    without = Scoring.of(*arguments, years=years)
    assert dict(without.left_out) == dict([reason.split(": ")])
    assert dict(without.freeze("2026", "x").left_out) == dict([reason.split(": ")])


def test_contiguity_is_symmetric_and_reaches_the_island(national):
    pairs = national.contiguity()
    assert set(pairs["kind"]) <= {"border", "ferry"}
    both = set(zip(pairs["code"], pairs["neighbour"], strict=True))
    assert all(code != neighbour for code, neighbour in both)
    island = pairs[(pairs["code"] == "901010") | (pairs["neighbour"] == "901010")]
    assert set(island["kind"]) == {"ferry"}


def test_areas_are_those_of_the_example(national):
    found = national.areas(PARAMETERS)
    labels = found["labels"]
    assert labels["functional"].notna().all()
    assert found["quality"]["name"].tolist() == ["Portalba", "Torrescura", "Castelvìvaro"]
    assert labels.index[labels["functional"] != labels.at["901001", "functional"]].size == 9
    assert set(found["official_names"].index) == set(labels["sll_2021"])
    methods = found["methods"]
    assert methods.index.tolist() == ["functional", "istat_method", "sll_2021"]
    assert methods.loc["functional", ["areas", "in_pieces", "below_validity"]].tolist() == [3, 0, 0]
    assert 0.5 < methods.at["functional", "adjusted_rand_sll_2021"] < 1
    assert methods.at["sll_2021", "residents_differing_functional"] == pytest.approx(
        methods.at["functional", "residents_differing_sll_2021"]
    )


def test_areas_are_sure_or_not(national):
    sure = national.stability(PARAMETERS)
    assert len(sure["runs"]) == PARAMETERS.runs
    assert sure["members"]["with_centre"].between(0, 1).all()
    assert (sure["members"]["core"] == (sure["members"]["with_centre"] >= 0.9)).all()
    assert national.stability(PARAMETERS.model_copy(update={"runs": 0})) is None


def test_areas_by_istats_method_stand_alone(national):
    found = national.areas(AreaParameters(mode="istat"))
    assert "istat_method" not in found["labels"]


def test_areas_respect_borders_and_links(national):
    apart, together = ("901001", "901002"), ("901005", "901006")
    parameters = AreaParameters(within="province", cannot_link=(apart,), must_link=(together,), runs=0)
    labels = national.areas(parameters)["labels"]
    assert (labels.groupby("functional")["province"].nunique() == 1).all()
    assert labels.at[apart[0], "functional"] != labels.at[apart[1], "functional"]
    assert labels.at[together[0], "functional"] == labels.at[together[1], "functional"]


def test_areas_without_official_ones(national, tmp_path):
    tables = {name: table for name, table in national.country.tables.items() if name != "labour_areas"}
    found = replace(
        national,
        country=replace(national.country, tables=tables, key="without"),
        cache=StageCache(tmp_path),
        _kept={},
    ).areas(PARAMETERS)
    assert found["labels"].columns.tolist() == ["functional", "istat_method", "province"]
    assert "official_quality" not in found
    assert "adjusted_rand_sll_2021" not in found["methods"]


@pytest.fixture
def poorer(national, tmp_path):
    """The country without flows and well-being."""
    tables = {
        name: table for name, table in national.country.tables.items() if name not in {"flows", "wellbeing"}
    }
    country = replace(national.country, tables=tables, key="poorer")
    return replace(national, country=country, cache=StageCache(tmp_path), _kept={})


def test_stage_without_its_table_fails_alone(poorer):
    failed = compute_all(poorer, PARAMETERS)
    assert set(failed) == {
        "wellbeing", "wellbeing_uncertainty", "wellbeing_course", "network", "areas", "stability",
    }  # fmt: skip
    assert "wellbeing is needed" in failed["wellbeing"]
    with pytest.raises(SourceError, match="flows is needed"):
        poorer.network()
    values = poorer.indicators()["values"]
    assert values["residents_self_containment"].isna().all()
    assert values["old_age_index"].notna().any()


def test_all_stages_of_the_example_succeed(national):
    assert compute_all(national, PARAMETERS) == {}


def test_indicators_of_a_country_and_of_a_territory(example_study, national):
    country, territory = national.country, example_study.territory
    values = compute_indicators(country)
    alike(national.indicators()["values"], values)
    assert_frame_equal(compute_indicators(territory), values.loc[territory.codes])


def test_pilots_of_another_country_are_none(national):
    assert national.pilots == ()


def test_front_door_takes_directions_from_the_catalogue(example_study):
    values = dg.compute_indicators(example_study.territory)
    scores = dg.composite_index(values, method="ampi")
    assert scores.index.equals(values.index)
    assert scores["score"].notna().any()
    with pytest.raises(InputError, match="have a direction"):
        dg.composite_index(values[["residents", "degurba"]])
    with pytest.raises(UnknownNameError, match="old_age_index"):
        dg.composite_index(values.rename(columns={"old_age_index": "old_age_indx"}))
    given = dg.composite_index(values[["mean_age"]], directions={"mean_age": "negative"})
    assert given["score"].mean() == pytest.approx(100, abs=5)
