"""The study of an index: what its tables say on the invented country and on an own table, and what it saves."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from diagnosis import composite
from diagnosis.composite.kernels import AGGREGATIONS
from diagnosis.config import default_settings, load_city
from diagnosis.errors import ConfigError, InputError, UnknownNameError
from diagnosis.release_files import read_release
from diagnosis.schema import read_yaml
from diagnosis.studies import index as index_study
from diagnosis.studies.city import Missing
from diagnosis.studies.index import VERDICTS, IndexStudy, open_index_study
from diagnosis.studies.index_construction import NORMALISATIONS, RULES
from diagnosis.studies.index_subject import subject_of_framework


@pytest.fixture
def open_study(example_settings, monkeypatch):
    """Open a study whose saved results lie in the folder of the test run."""
    work = example_settings.cache.parents[1]
    monkeypatch.setattr(index_study, "default_settings", partial(default_settings, work=work))
    return open_index_study


@pytest.fixture(scope="module")
def provinces(example_settings):
    """Of the invented country; do not change it."""
    return IndexStudy(subject_of_framework("provinces", load_city("example"), example_settings))


@pytest.fixture(scope="module")
def municipalities(example_settings):
    """Of the invented country; do not change it."""
    return IndexStudy(subject_of_framework("municipalities", load_city("example"), example_settings))


@pytest.fixture(scope="module")
def found(provinces):
    return provinces.replicate()


@pytest.fixture
def own_table(tmp_path):
    """Write an own table and its indicators; return what opens it."""

    def write(values, about="id,domain,direction\ngood,d,positive\nbad,d,negative\n"):
        values.to_csv(tmp_path / "my.csv")
        (tmp_path / "about.csv").write_text(about)
        return {"table": str(tmp_path / "my.csv"), "indicators": str(tmp_path / "about.csv")}

    return write


FOUR = pd.DataFrame(
    {"good": [1.0, 2.0, 3.0, 6.0], "bad": [4.0, 3.0, 1.0, 0.0]}, index=pd.Index(list("abcd"), name="code")
)


def test_the_city_of_the_framework_is_read(provinces, municipalities):
    assert (provinces.unit, municipalities.unit) == ("901", "901001")
    assert provinces.title == "Valdoria, Salute: punteggio 104,1, posto 3 su 8"
    assert "inventati" in provinces.notice


def test_the_domain_read_has_enough_indicators_and_units(provinces, municipalities, example_settings):
    assert provinces.domain == "BES_01"
    assert len(provinces.members) == 6
    assert municipalities.domain == "population"
    chosen = IndexStudy(municipalities.subject, domain="Lavoro e pendolarismo", unit="Cala Turchina")
    assert (chosen.domain, chosen.unit) == ("work", "901004")


@pytest.mark.parametrize(
    ("given", "message"),
    [({"domain": "healt"}, "domain"), ({"unit": "Valdori"}, "'Valdoria'"), ({"unit": "999"}, "unit")],
)
def test_unknown_domains_and_units_are_refused(provinces, given, message):
    with pytest.raises(UnknownNameError, match=message):
        IndexStudy(provinces.subject, **given)


def test_a_name_of_several_units_is_refused(open_study, own_table):
    given = own_table(FOUR.assign(name=["Uno", "Due", "Castro", "Castro"]))
    assert open_study(**given, unit="due").unit == "b"
    with pytest.raises(InputError, match=r"'c', 'd'.*code"):
        open_study(**given, unit="Castro")


def test_scores_are_those_of_the_framework(provinces, municipalities):
    for study in (provinces, municipalities):
        pd.testing.assert_frame_equal(study.score(), study.scores, check_names=False)


def test_overview_counts(provinces):
    table = provinces.overview()
    assert table["indicators"].sum() == 64
    assert table["scored"].eq(8).all()
    assert table.loc["BES_01", ["first_year", "last_year"]].tolist() == ["2022", "2024"]
    assert table.at["BES_12", "available"] == pytest.approx(1 - 2 / 64)


def test_screening_lists_who_lacks_values_and_scores(municipalities):
    table = municipalities.screening()
    assert table.index.tolist() == ["901012"]
    assert table.at["901012", "n_missing"] == 7
    assert table.at["901012", "without"] == "Popolazione, Lavoro e pendolarismo, Ambiente e rischio"
    assert municipalities.left_out().empty


def test_listing_warns(municipalities):
    table = municipalities.listing()
    assert table.at["dependency_ratio", "remark"] == "valori anomali"
    assert (table["lowest"] <= table["reference"]).all()


def test_treatment_changes_the_domain_that_has_outliers(provinces, municipalities):
    assert municipalities.shape().at["dependency_ratio", "action"] == "winsorise"
    changed = municipalities.compare_domains(municipalities.score(municipalities.treated()))
    assert changed.index.tolist() == ["population"]
    assert provinces.compare_domains(provinces.score(provinces.treated())).empty


def test_imputed_lists_who_lacks_values(provinces, municipalities):
    table = municipalities.imputed(draws=3)
    assert set(table["domain"]) == {"population", "work", "environment"}
    assert table["score"].isna().all()
    assert table["multiple"].notna().all()
    assert table["spread"].is_monotonic_decreasing
    assert set(provinces.imputed(draws=3).index) == {"902", "908"}


@pytest.mark.parametrize("method", NORMALISATIONS)
def test_other_scales_lie_around_100(provinces, method):
    table = provinces.normalise(method)
    assert table.isna().equals(provinces.values.isna())
    assert table.min().min() > 0
    if method != "z_scores":
        assert (table.min().min(), table.max().max()) == pytest.approx((70, 130))
    with pytest.raises(UnknownNameError, match="min_max"):
        provinces.normalise("min_maxx")


def test_goalposts_put_the_reference_at_100(provinces):
    table = provinces.goalposts()
    assert ((table["minimum"] + table["maximum"]) / 2).tolist() == pytest.approx(table["reference"].tolist())
    equal = table["value"] == table["reference"]
    assert equal.any()
    assert (table.loc[equal, "normalised"] == 100).all()


def test_weights_sum_to_1(provinces, municipalities):
    for study in (provinces, municipalities):
        table = study.weights()
        assert table.drop(columns="whole").sum().tolist() == pytest.approx([1.0] * 4)
        assert table["whole"].sum() == pytest.approx(1 / study.scores.shape[1])


def test_compare_ranks_with_those_of_the_framework(provinces):
    ranks = composite.rank_units(provinces.scores["BES_01"])
    turned = 200 - provinces.scores
    table = provinces.compare({"same": provinces.scores, "turned": turned})
    assert table.index.tolist() == ["framework", "same", "turned"]
    assert table["place"].tolist() == [3, 3, 6]
    assert table["spearman"].tolist()[1:] == pytest.approx([1.0, -1.0])
    assert table["largest_shift"].tolist()[1:] == [0, 7]
    assert ranks[table.at["turned", "mover"]] in (1, 8)
    assert table.at["same", "mover"] == ""


def test_explained_parts_sum_to_the_score(provinces):
    table = provinces.explain()
    total = 100 + table["contribution"].sum() + table["penalty"].sum()
    assert total == pytest.approx(provinces.scores.at["901", "BES_01"])


def test_compensation_ends_with_the_unit_read(provinces):
    study = IndexStudy(provinces.subject, unit="903")
    assert study.compensation(most=2).index.tolist()[-1] == "903"
    assert len(study.compensation()) == 8


def test_the_whole_index_is_over_the_domains(provinces):
    table = provinces.whole(most=1)
    assert "901" in table.index
    assert table["ampi"].tolist() == sorted(table["ampi"])
    own = composite.arithmetic_mean(provinces.score(rule="arithmetic"))
    assert table["arithmetic"].tolist() == composite.rank_units(own)[table.index].tolist()


def test_verdicts_count_every_unit_once(provinces, found):
    table = provinces.verdicts(found)
    assert table[list(VERDICTS)].sum(axis=1).tolist() == provinces.scores.notna().sum().tolist()
    assert provinces.tell(found) == "Ricalcoli in ogni dominio: 1.000; falliti in tutto: 0."


def test_conclusions_are_those_of_the_unit(provinces, found):
    table = provinces.conclusions(found)
    assert table.index.tolist() == list(provinces.scores)
    assert table["score"].tolist() == pytest.approx(provinces.scores.loc["901"].tolist())
    assert table.at["BES_03", "verdict"] == "above"
    assert table.at["BES_07", "verdict"] == "open"


def test_replications_are_kept_unless_their_number_changes(open_study, provinces, found):
    other = open_study(replications=20)
    assert other.replicate()["replications"]["replications"].eq(20).all()
    pd.testing.assert_frame_equal(provinces.scoring.replicate()["intervals"], found["intervals"])
    with pytest.raises(InputError, match="at least one replication"):
        open_study(replications=0).replicate()


def test_small_numbers_are_among_the_choices_of_municipalities(provinces, municipalities):
    assert "error" in municipalities.choices().index
    choices = provinces.choices()
    assert "error" not in choices.index
    assert choices["total"].idxmax() == "left_out"


def test_the_audit(provinces):
    flags = provinces.flags()
    assert set(flags["flag"]) == {"redundant"}
    assert flags["correlation"].abs().is_monotonic_decreasing
    table = provinces.consistency()
    own = composite.cronbach_alpha(provinces.normalised[provinces.members])
    assert table.at["BES_01", "alpha"] == pytest.approx(own)
    influence = provinces.influence()
    assert influence["influence"].sum() == pytest.approx(1, abs=0.01)
    assert influence["weight"].sum() == pytest.approx(1)
    out = provinces.leave_one_out()
    assert sorted(out.index) == sorted(provinces.members)
    assert out.loc[out["largest_shift"] == 0, "mover"].isna().all()
    assert provinces.redundancy()["vif"].is_monotonic_decreasing


def test_the_audit_does_without_what_too_few_units_cannot_tell(provinces):
    study = IndexStudy(provinces.subject, domain="BES_12")
    assert study.influence() is None
    assert study.redundancy() is None
    assert "troppo poche" in study.draw_influence(None).reason
    single = IndexStudy(provinces.subject, domain="BES_05").leave_one_out()
    assert len(single) == 2


def test_profile_compares_with_the_reference_and_a_group(provinces):
    table = provinces.profile()
    assert table.index.tolist() == provinces.members
    assert table.at["01SAL001", "gap"] == pytest.approx(0.2)
    assert table.at["01SAL004", "side"] == "worse"
    assert provinces.profile(["902", "903"])["of"].eq(3).all()


@pytest.mark.parametrize(("unit", "target"), [("902", None), ("901", None), ("901", 108.0)])
def test_the_smallest_change_gives_the_score(provinces, unit, target):
    study = IndexStudy(provinces.subject, unit=unit)
    change, text = study.smallest_change(target)
    row = study.values.loc[[unit]].copy()
    row[change.index] = change["value_needed"].to_numpy()[None]
    reached = study.scoring.score(row).at[unit, "BES_01"]
    second = provinces.scores["BES_01"].nlargest(2).iloc[1]
    wanted = target or (100 if unit == "902" else second)
    assert reached == pytest.approx(wanted, abs=1e-5)
    assert "aritmetica" in text


def test_who_has_the_best_place_has_nothing_to_reach(provinces):
    study = IndexStudy(provinces.subject, unit="904")
    change, text = study.smallest_change()
    assert change is None
    assert study.show(change, text).reason.startswith("Nulla da raggiungere")
    out_of_reach = study.smallest_change(300)[1]
    assert "fuori portata" in out_of_reach


def test_scores_and_release_are_saved(provinces, found, tmp_path):
    path = tmp_path / "new" / "scores.csv"
    release = provinces.freeze("2024")
    table = provinces.save(found, release, path)
    written = pd.read_csv(path, dtype={"unit": str}, keep_default_na=False)
    assert len(written) == len(table) == 11 * 11
    assert written["name"].iloc[0] == "Valdoria"
    again = read_release(path.with_name("scores_release.json")).score(provinces.values)
    pd.testing.assert_frame_equal(again, provinces.scores, check_names=False)
    provinces.save(found, release, path)
    with pytest.raises(InputError, match="must not change"):
        provinces.save(found, provinces.freeze("2025"), path)
    facts = provinces.describe_release(release)
    assert facts[["version", "indicators", "domains", "not_scored"]].tolist() == ["2024", 64, 11, 0]


def test_nothing_is_saved_without_a_path_or_under_another_ending(provinces, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    release = provinces.freeze("2024")
    provinces.save(found, release)
    with pytest.raises(InputError, match="CSV"):
        provinces.save(found, release, tmp_path / "scores.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_figures_mark_the_unit_and_say_that_data_are_invented(provinces, found):
    drawn = provinces.draw_ranks(found)
    assert len(drawn.table) == 8
    assert "inventati" in drawn.caption
    assert provinces.draw_profile(found).table["name"].tolist()[0] == "Salute"
    assert provinces.draw_influence(provinces.influence()).table["weight"].notna().all()
    choices = provinces.choices()
    assert len(provinces.draw_choices(choices).table) == 5
    assert isinstance(provinces.draw_choices(choices.assign(total=np.nan)), Missing)


def test_of_many_units_the_nearest_are_drawn(open_study, own_table):
    random = np.random.default_rng(0)
    codes = pd.Index([f"u{number}" for number in range(150)], name="code")
    values = pd.DataFrame(random.normal(10, 2, (150, 2)), index=codes, columns=["good", "bad"])
    study = open_study(**own_table(values), replications=5, unit="u7")
    rows = study.draw_ranks(study.replicate()).table
    assert len(rows) == 40
    own = rows.at["u7", "nominal"]
    assert (rows["nominal"] - own).abs().max() <= 40


def test_show_writes_names_and_numbers_of_the_language(provinces):
    table = provinces.profile()
    page = provinces.show(table).to_html()
    assert "Speranza di vita alla nascita (anni)" in page
    assert "+0,2" in page
    english = IndexStudy(provinces.subject, "en")
    assert "Value of the unit" in english.show(table).to_html()
    assert "+0.2" in english.show(table).to_html()


def test_show_escapes_and_bears_gaps(provinces):
    index = pd.Index(["901", "<b>"], name="unit")
    table = pd.DataFrame({"remark": ["<i>", None], "vif": [np.inf, np.nan], "scored": [1234, 5]}, index=index)
    shown = provinces.show(table)
    assert "&lt;i&gt;" in shown.to_html()
    assert shown.data.index.tolist() == ["Valdoria", "<b>"]
    assert shown.data["VIF"].tolist() == ["∞", "–"]
    assert shown.data["Unità con un punteggio"].tolist() == ["1.234", "5"]


def test_show_says_why_there_is_nothing(provinces):
    assert "troppo poche" in provinces.show(None).reason
    assert provinces.show(None, "<perché>").reason == "<perché>"
    assert "non ci sono casi" in provinces.show(provinces.left_out()).reason


def test_own_table_by_hand(open_study, own_table):
    study = open_study(**own_table(FOUR))
    # reference: the means 3 and 2; half ranges 2.5 and 2
    good = 100 + 30 * (np.array([1, 2, 3, 6]) - 3) / 2.5
    bad = 100 - 30 * (np.array([4, 3, 1, 0]) - 2) / 2
    mean, spread = (good + bad) / 2, (good - bad) / 2
    assert study.scores["d"].tolist() == pytest.approx((mean - spread**2 / mean).tolist())
    assert study.unit == "a"
    assert study.subject.names["IT"] == "media delle unità"
    assert study.subject.decimals == {"good": 0, "bad": 0}
    assert study.overview().at["d", "first_year"] == "unknown"
    assert study.freeze("1").score(study.values)["d"].tolist() == pytest.approx(study.scores["d"].tolist())


def test_own_table_with_a_reference_and_weights(open_study, own_table):
    values = pd.concat([FOUR, pd.DataFrame({"good": [2.5], "bad": [2.0]}, index=["IT"])]).rename_axis("code")
    about = "id,domain,direction,weight\ngood,d,positive,3\nbad,d,negative,\n"
    study = open_study(**own_table(values, about))
    assert study.values.index.tolist() == list("abcd")
    assert study.framework["reference"].tolist() == [2.5, 2.0]
    assert study.weights()["framework"].tolist() == [0.75, 0.25]
    named = open_study(**own_table(values.rename(index={"IT": "Italia"}), about), reference="Italia")
    pd.testing.assert_frame_equal(named.scores, study.scores)
    with pytest.raises(InputError, match="must be the reference"):
        open_study(**own_table(values, about), reference="a")
    with pytest.raises(UnknownNameError, match="reference"):
        open_study(**own_table(FOUR, about), reference="z")


def test_own_indicators_that_cannot_be_scored_are_listed(open_study, own_table):
    about = "id,domain,direction\ngood,d,positive\nbad,d,negative\nflat,e,positive\n"
    study = open_study(**own_table(FOUR.assign(flat=1.0), about))
    assert study.left_out()["reason"].to_dict() == {"flat": "the same value everywhere"}
    assert list(study.scores) == ["d"]
    assert "lo stesso valore ovunque" in study.show(study.left_out()).to_html()


def test_own_table_needs_both_files_and_different_names(open_study, own_table):
    given = own_table(FOUR)
    with pytest.raises(InputError, match="indicators described"):
        open_study(table=given["table"])
    with pytest.raises(InputError, match=r"different names.*'good'"):
        open_study(**own_table(FOUR, "id,domain,direction\ngood,good,positive\n"))


def test_open_refuses(open_study):
    with pytest.raises(UnknownNameError, match="framework"):
        open_study("province")
    with pytest.raises(ConfigError, match="language"):
        open_study(language="fr")
    with pytest.raises(UnknownNameError, match="siracusa"):
        open_study(city="siracuza")


def test_every_text_is_there_in_both_languages(project):
    texts = read_yaml(project / "diagnosis" / "report" / "i18n" / "index_study.yml")
    forms = {"0", "1", "2", "3", "%", "?", "v", "+2", "+v", "unit", "indicator", "domain"}
    for key, text in texts.items():
        assert {"it", "en"} <= set(text) <= {"it", "en", "form"}, key
        assert all(text[language].strip() for language in ("it", "en")), key
        assert text.get("form", "0") in forms, key
    assert {*NORMALISATIONS, *RULES, *VERDICTS} <= set(texts)
    assert set(RULES) <= set(AGGREGATIONS)
