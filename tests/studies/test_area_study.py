"""The study of areas: what its tables count on the invented territory, in both languages, and what it saves."""

import shutil
from functools import partial

import pandas as pd
import pytest

from diagnosis.areas import parameter_map, recommend_parameters, stability
from diagnosis.config import default_settings, load_city
from diagnosis.errors import ConfigError, InputError, UnknownNameError
from diagnosis.networks import hide_tail
from diagnosis.schema import read_yaml
from diagnosis.sources import istat_margins
from diagnosis.studies import areas as area_study
from diagnosis.studies.areas import AreaStudy, open_area_study
from diagnosis.studies.city import Missing

MARGINS_FILE = "istat/matrix_pendoLAVORO_2021_margins.csv"
FLOWS = {"dtype": {"origin": str, "destination": str}}


@pytest.fixture(scope="module")
def study(example_settings):
    """Of the invented territory; do not change it."""
    return AreaStudy(load_city("example"), example_settings)


@pytest.fixture(scope="module")
def areas(study):
    return study.estimator().fit(study.flows, **study.evidence)


@pytest.fixture(scope="module")
def resampled(study):
    return stability(study.flows, study.estimator(), runs=5, **study.evidence)


@pytest.fixture
def own_country(project, tmp_path):
    """A copy of the invented country, to be changed."""
    return shutil.copytree(project / "data" / "example", tmp_path / "country")


@pytest.fixture
def half_known(own_country, project, tmp_path):
    """The same with a matrix of which only the larger flows are observed: its study, and what is observed."""
    flows = pd.read_csv(own_country / "flows.csv", **FLOWS)
    observed, margins = hide_tail(flows, pd.unique(flows["origin"]))
    known = pd.MultiIndex.from_frame(observed[["origin", "destination"]])
    hidden = ~pd.MultiIndex.from_frame(flows[["origin", "destination"]]).isin(known)
    flows.assign(estimated=hidden.astype(int)).to_csv(own_country / "flows.csv", index=False)
    mirror = tmp_path / "mirror"
    (mirror / MARGINS_FILE).parent.mkdir(parents=True)
    (mirror / MARGINS_FILE).write_text("stands for the file")
    settings = default_settings(work=tmp_path, mirror=mirror)
    return AreaStudy(load_city(own_country / "city.yml"), settings), observed, margins


def test_matrix_counts_what_the_readme_of_the_example_says(study):
    table = study.matrix()
    assert table["municipalities"].tolist() == [16, 12]
    assert table.at["country", "pairs"] == (study.flows["commuters"] > 0).sum()
    assert table.at["country", "commuters"] == 62077
    assert table.at["country", "own_municipality"] == pytest.approx(46035 / 62077)
    assert (table["estimated_commuters"] == 0).all()
    assert "inventati" in study.notice


def test_matrix_says_what_is_estimated(half_known):
    study, observed, _ = half_known
    table = study.matrix().loc["country"]
    assert 0 < table["estimated_pairs"] < 1
    assert table["estimated_commuters"] == pytest.approx(1 - observed["commuters"].sum() / 62077)


def test_estimators(study):
    clean, istat = study.estimator(), study.estimator("istat")
    assert (clean.mode, istat.mode) == ("clean", "istat")
    assert clean.contiguity is study.contiguity
    assert istat.contiguity is None
    assert {name: clean.get_params()[name] for name in study.thresholds} == study.thresholds
    with pytest.raises(ConfigError, match="mode"):
        study.estimator("other")


def test_the_city_says_which_borders_areas_respect(own_country, tmp_path):
    (own_country / "city.yml").write_text(
        (own_country / "city.yml").read_text(encoding="utf-8") + "areas: {within: province, min_size: 900}\n",
        encoding="utf-8",
    )
    study = AreaStudy(load_city(own_country / "city.yml"), default_settings(work=tmp_path))
    labels = study.estimator().fit(study.flows, **study.evidence).labels_
    province = study.municipalities["province"]
    assert (province.groupby(labels).nunique() == 1).all()
    assert set(study.constraints) == {"contiguity", "within"}
    assert study.thresholds["min_size"] == 900
    assert study.estimator("istat").within is None


def test_around_is_the_territory_and_its_areas_whole(study, areas):
    torrescura = areas.labels_.index[areas.labels_ == areas.labels_["902001"]]
    assert set(study.around(areas.labels_)) == {*study.territory.codes, *torrescura}
    assert set(study.around(pd.Series({"901001": 1, "902003": 2}))) == set(study.territory.codes)


def test_areas_are_named_after_the_member_with_most_jobs_or_by_their_file(study, areas):
    assert set(study.name_areas(areas.labels_)) == {"Portalba", "Castelvìvaro", "Torrescura"}
    named = study.official.copy()
    named.attrs = {"names": {study.official["901001"]: "La costa"}}
    assert study.name_areas(named)[study.official["901001"]] == "La costa"


def test_compare_counts_areas(study, areas):
    row = study.compare({"clean": areas}).loc["clean"]
    assert (row["areas"], row["in_pieces"], row["below_validity"], row["unassigned"]) == (3, 0, 0, 0)
    inside = study.flows["origin"].map(areas.labels_) == study.flows["destination"].map(areas.labels_)
    assert row["internal_share"] == pytest.approx(study.flows.loc[inside, "commuters"].sum() / 62077)


def test_quality_of_the_official_areas_is_that_of_their_members(study):
    table = study.quality(study.official)
    assert table["municipalities"].sum() == 16
    assert table["employed_residents"].sum() == 62077
    assert study.quality(None) is None


def test_quality_leaves_out_areas_elsewhere(study):
    alone = pd.Series({"901001": 1, "901002": 1, "902001": 2})
    assert study.quality(alone).index.tolist() == ["Portalba"]


def test_members_are_sorted_by_how_firm_they_are(study, resampled):
    table = study.members(resampled)
    assert set(table.index) == set(study.territory.codes)
    assert table["with_centre"].is_monotonic_increasing
    pd.testing.assert_series_equal(
        table["with_centre"].sort_index(), resampled.table.loc[study.territory.codes, "with_centre"]
    )


def test_members_include_those_of_the_citys_area_beyond_the_territory(study, resampled):
    everything = resampled.table.assign(area=pd.Series(1, index=resampled.table.index, dtype="Int64"))
    found = type(resampled)(everything, resampled.shares, resampled.areas, resampled.runs, 5, 0.9)
    assert len(study.members(found)) == 16


def test_sensitivity_names_the_rim_and_leaves_out_what_is_not_there(study, resampled):
    table = study.sensitivity({"resampled": resampled, "observed": None})
    assert table.index.tolist() == ["resampled"]
    rim = study.members(resampled).query("with_centre < 0.9")["name"]
    assert table.at["resampled", "rim"] == ", ".join(rim)
    assert table.at["resampled", "rim_municipalities"] == len(rim)


def test_reasons_are_those_of_the_estimator(study, areas):
    table = study.reasons(areas, ["901007"])
    assert table.at["901007", "sentence"] == areas.explain("901007", study.names).sentence("it")
    assert study.reasons(areas, []).empty


def test_transition_and_moves_count_the_same(study, areas):
    table = study.transition(areas.labels_)
    assert list(table.index) == ["sll_2021", "province"]
    moves = study.moves(study.official, areas.labels_)
    assert len(moves) == table.at["sll_2021", "municipalities_changing"]
    assert moves.at["901007", "to_area"] == "Portalba"
    assert study.moves(None, areas.labels_) is None


def test_plane_marks_the_thresholds_of_the_study(study):
    grid = {"min_size": [500, 1000], "min_self_containment": [0.55, 0.60]}
    plane = parameter_map(study.flows, grid, estimator=study.estimator(), **study.evidence)
    table = study.plane(plane)
    marked = table[table["study"] != ""]
    assert marked[["min_size", "min_self_containment"]].to_numpy().tolist() == [[1000, 0.60]]
    assert "adjusted_mutual_information" not in table
    advised = study.plane(recommend_parameters(plane).to_frame().T)
    assert advised[["reason", "candidates"]].iloc[0].notna().all()


def test_without_a_tail_nothing_is_left_out_or_completed(study):
    assert study.repeat_without_tail() is None
    assert study.repeat_completed(2) is None


def test_the_tail_is_left_out(half_known):
    study, observed, _ = half_known
    found = study.repeat_without_tail()
    other = study.estimator().fit(observed, **study.evidence)
    assert found.n_runs == 1
    assert found.runs["areas"].tolist() == [other.labels_.nunique()]


def test_the_tail_is_completed_where_its_totals_are_there(half_known, monkeypatch):
    study, _, margins = half_known
    read = []
    monkeypatch.setattr(istat_margins, "read_margins", lambda path: read.append(path) or margins)
    assert study.repeat_completed(0) is None
    assert read == []
    assert study.repeat_completed(2).n_runs == 2
    assert [path.name for path in read] == ["matrix_pendoLAVORO_2021_margins.csv"]
    (read[0]).unlink()
    assert study.repeat_completed(2) is None


def test_own_geographies(own_country, tmp_path):
    (own_country / "unions.csv").write_text(
        "codice;unione;nome_unione\n901001;U1;Unione della costa\n901002;U1;Unione della costa\n999999;U2;Altrove\n"
    )
    with (own_country / "city.yml").open("a", encoding="utf-8") as file:
        file.write("geographies: {unions: {name: {it: Unioni, en: Unions}, file: unions.csv}}\n")
    settings = default_settings(work=tmp_path)
    study = AreaStudy(load_city(own_country / "city.yml"), settings, own_country / "unions.csv")
    assert list(study.geographies) == ["sll_2021", "province", "unions", "unions.csv"]
    assert study.geographies["unions"].dropna().to_dict() == {"901001": "U1", "901002": "U1"}
    assert study.quality(study.geographies["unions"]).index.tolist() == ["Unione della costa"]
    areas = study.estimator().fit(study.flows, **study.evidence)
    shown = study.show(study.transition(areas.labels_), across=True)
    assert {"Unioni", "unions.csv"} <= set(shown.data.columns)


@pytest.mark.parametrize(
    ("language", "share", "heading"), [("it", "50,0\u00a0%", "Residenti"), ("en", "50.0%", "Residents")]
)
def test_show_speaks_the_language(example_settings, language, share, heading):
    settings = default_settings(work=example_settings.cache.parents[1], language=language)
    study = AreaStudy(load_city("example"), settings)
    page = study.show(
        pd.DataFrame({"population": [1234567], "internal_share": [0.5], "core": [True]})
    ).to_html()
    assert heading in page
    assert share in page
    assert ("1.234.567" in page) == (language == "it")
    assert ("sì" in page) == (language == "it")


def test_show_escapes_and_bears_gaps_and_equal_names(study):
    table = pd.DataFrame({"name": ["<b>", None], "margin": [float("inf"), None]}, index=["San Pietro"] * 2)
    shown = study.show(table)
    assert "&lt;b&gt;" in shown.to_html()
    assert shown.data["Comune"].tolist() == ["<b>", "–"]
    assert shown.data.iloc[:, 1].tolist() == ["∞", "–"]


def test_show_turns_rows_into_columns(study):
    shown = study.show(pd.Series({"adjusted_rand": 0.5, "other": "text"}))
    assert shown.data.index.tolist() == ["Indice di Rand corretto", "other"]
    assert shown.data.iloc[:, 0].tolist() == ["0,50", "text"]


def test_show_shades_by_value_not_by_text(study):
    page = study.show(pd.DataFrame({"areas": [9.0, 10.0]}, index=["a", "b"]), shade=["areas"])
    colours = page._compute().ctx
    assert colours[0, 0] != colours[1, 0]


def test_show_says_when_there_is_nothing(study):
    assert isinstance(study.show(None), Missing)
    assert isinstance(study.show(pd.DataFrame({"name": []})), Missing)


def test_maps_name_the_official_areas_and_the_invented_data(study, areas, resampled):
    drawn, firm = study.draw(areas.labels_), study.draw(areas.labels_, resampled)
    assert drawn.table["reference"].notna().all()
    assert firm.table["stability"].between(0, 1).all()
    assert "inventati" in drawn.caption
    assert "inventati" in firm.caption


def test_choice_and_labels_are_saved(study, areas, resampled, tmp_path):
    best = pd.Series({**study.thresholds, "reason": "only"})
    choice = study.choice(areas, resampled, best, "=perché sì")
    path = tmp_path / "new" / "areas.csv"
    saved = study.save(resampled, choice, path)
    assert saved.index.equals(study.names.index)
    labels = pd.read_csv(path, dtype=str, keep_default_na=False).set_index("code")
    assert labels["area"].tolist() == areas.labels_.reindex(labels.index).astype(str).tolist()
    written = pd.read_csv(path.with_name("areas_choice.csv"), dtype=str, keep_default_na=False)
    assert dict(written.to_numpy())["Dimensione minima"] == "1.000"
    assert written["value"].iloc[-1] == "'=perché sì"
    assert sorted(item.name for item in path.parent.iterdir()) == ["areas.csv", "areas_choice.csv"]


def test_nothing_is_saved_without_a_path_or_under_another_ending(
    study, areas, resampled, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    choice = study.choice(areas, resampled, pd.Series(study.thresholds))
    study.save(resampled, choice)
    with pytest.raises(InputError, match="CSV"):
        study.save(resampled, choice, tmp_path / "areas.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_open(example_settings, monkeypatch):
    work = example_settings.cache.parents[1]
    monkeypatch.setattr(area_study, "default_settings", partial(default_settings, work=work))
    study = open_area_study(min_size=2000, target_size=None, language="en")
    assert study.thresholds == {
        "min_size": 2000, "min_self_containment": 0.60, "target_size": 10000, "target_self_containment": 0.75,
    }  # fmt: skip
    assert study.settings.language == "en"
    assert study.city.id == "example"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_size": 20000}, "below its target"),
        ({"min_sise": 20000}, "did you mean 'min_size'"),
        ({"min_self_containment": 60}, "min_self_containment"),
        ({"mode": "other"}, "mode"),
        ({"language": "fr"}, "language"),
    ],
)
def test_open_refuses(given, message):
    with pytest.raises(ConfigError, match=message):
        open_area_study(**given)


def test_open_refuses_an_unknown_city():
    with pytest.raises(UnknownNameError, match="siracusa"):
        open_area_study("siracuza")


def test_every_text_is_there_in_both_languages(project):
    texts = read_yaml(project / "diagnosis" / "report" / "i18n" / "area_study.yml")
    for key, text in texts.items():
        assert {"it", "en"} <= set(text) <= {"it", "en", "form"}, key
        assert all(text[language].strip() for language in ("it", "en")), key
        assert text.get("form", "0") in {"0", "2", "3", "4", "%", "x", "?"}, key
