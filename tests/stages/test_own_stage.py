"""The city's own data in a diagnosis: values by hand, places, local scores, small counts, what changes a report."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.catalogue import load_catalogue
from diagnosis.composite import composite_index
from diagnosis.config import default_settings
from diagnosis.errors import ConfigError, InputError, UnknownNameError
from diagnosis.report.figures import draw
from diagnosis.result import Diagnosis
from diagnosis.schema import Text
from diagnosis.sources.own.files import has_own_files, own_folder
from diagnosis.sources.own.groups import find_small_cells, find_telling_totals
from diagnosis.sources.own.indicators import OwnIndicator
from diagnosis.stages.own import FEWEST_SCORED, merge_catalogue, own_entries, score_own
from diagnosis.stages.own_data import BrokenOwnDataError, check_own_data, load_own_data
from diagnosis.studies.city import Study, run_key

SETTINGS = """
source: {it: Ufficio statistica, en: Statistics office}
licence: CC BY 4.0
domains:
  childhood: {it: Infanzia, en: Childhood}
indicators:
  - id: nursery_use
    name: {it: Iscritti per 100 posti nido, en: Children per 100 nursery places}
    unit: "%"
    domain: childhood
    numerator: Iscritti (bambini)
    denominator: Posti nido (n.)
  - id: recycling
    name: {it: Raccolta differenziata, en: Separate collection}
    domain: environment
    direction: positive
    column: Raccolta differenziata (%)
    weight: residents
    scored: true
  - id: places
    name: {it: Posti nido, en: Nursery places}
    domain: childhood
    direction: positive
    column: Posti nido (n.)
    summed: true
    scored: true
"""


@pytest.fixture
def names(example_study):
    return example_study.territory.municipalities["name"]


@pytest.fixture
def table(names):
    """Figures of the twelve municipalities, the city's first: recycling 40, 43, ...; one child in the last."""
    number = np.arange(len(names))
    return pd.DataFrame(
        {
            "Comune": names.to_numpy(),
            "Posti nido (n.)": 400 - 30 * number,
            "Iscritti (bambini)": [*(300 - 20 * number[:-1]), 1],
            "Raccolta differenziata (%)": [f"{40 + 3 * value},5" for value in number],
        }
    )


@pytest.fixture
def local(tmp_path):
    return tmp_path / "local"


@pytest.fixture
def save(local):
    def write(table, settings=SETTINGS, city="example", **others):
        folder = local / city
        folder.mkdir(parents=True, exist_ok=True)
        text = table if isinstance(table, str) else table.to_csv(sep=";", index=False)
        (folder / "nidi.csv").write_text(text, encoding="utf-8")
        if settings:
            (folder / "nidi.yml").write_text(settings, encoding="utf-8")
        for name, content in others.items():
            (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def study(example_study, local):
    """A study of the example whose own files lie in a folder of the test; nothing national is computed again."""

    def begin(city=None):
        settings = example_study.settings.model_copy(update={"local": local})
        return Study(city or example_study.city, settings, example_study.national)

    return begin


@pytest.fixture
def carry_out(study):
    def run(city=None):
        begun = study(city)
        facts = begun.carry_out("own")
        assert "failed" not in facts, facts
        return begun.result()

    return run


def test_values_of_city_and_territory_by_hand(save, table, carry_out, example_study):
    save(table)
    result = carry_out()
    groups = result.table("own_groups")
    assert list(groups.index) == ["nursery_use", "recycling", "places"]
    assert groups.at["nursery_use", "city"] == pytest.approx(100 * 300 / 400)
    assert groups.at["recycling", "city"] == 40.5
    # the sum of an arithmetic progression: 12 municipalities from 400 down to 70
    assert groups.at["places", "territory"] == 12 * (400 + 70) / 2
    weights = example_study.national.country.residents[example_study.territory.codes]
    expected = np.average(40.5 + 3 * np.arange(12)[weights.notna()], weights=weights.dropna())
    assert groups.at["recycling", "territory"] == pytest.approx(expected)
    assert groups.loc["recycling", ["lowest", "highest", "municipalities"]].tolist() == [40.5, 73.5, 12]
    assert groups.loc["recycling", ["position", "of"]].tolist() == [12, 12]
    assert groups["position"].notna().tolist() == [False, True, False]  # neutral, compared, a count
    assert list(groups["year"]) == ["n.d."] * 3


def test_one_small_count_is_nowhere(save, table, carry_out):
    """A single child of one municipality, and the total of the territory from which it could be reckoned."""
    folder = save(table)
    result = carry_out()
    values, groups = result.table("own_indicators"), result.table("own_groups")
    last = values.index[-1]
    assert pd.isna(values.at[last, "nursery_use"])
    assert values["nursery_use"].notna().sum() == 11
    assert groups.loc["nursery_use", ["held_back", "telling", "withheld"]].tolist() == [1, True, False]
    assert pd.isna(groups.at["nursery_use", "territory"])
    (folder / "nidi.yml").write_text(f"public: true\n{SETTINGS}", encoding="utf-8")
    groups = carry_out().table("own_groups")
    assert not groups["held_back"].any()
    assert groups.at["nursery_use", "territory"] == pytest.approx(
        100 * (sum(300 - 20 * np.arange(11)) + 1) / 2820
    )


def test_local_scores_have_their_own_scale(save, table, carry_out, example_result):
    save(table)
    result = carry_out()
    scores, framework = result.table("own_scores"), result.table("own_framework")
    assert list(scores) == ["environment"]
    expected = composite_index(
        result.table("own_indicators")[["recycling"]], "mpi", directions={"recycling": "positive"}
    )
    pd.testing.assert_series_equal(scores["environment"], expected["score"], check_names=False)
    assert scores["environment"].mean() == pytest.approx(100)
    assert framework.loc["recycling", "entered"]
    assert framework.loc["places", "reason"] == "count"
    assert "nursery_use" not in framework.index
    assert not set(framework.index) & set(example_result.table("score_framework").index)


@pytest.mark.parametrize(("number", "scored"), [(FEWEST_SCORED, True), (FEWEST_SCORED - 1, False)])
def test_few_municipalities_have_neither_place_nor_score(save, table, carry_out, number, scored):
    save(table.head(number))
    result = carry_out()
    assert len(result.table("own_scores").columns) == scored
    assert pd.notna(result.table("own_groups").at["recycling", "position"]) == scored
    assert result.table("own_framework").at["recycling", "reason"] == ("" if scored else "few")


def entry(name, **changes):
    about = Text(it=name, en=name)
    fields = {
        "id": name, "level": "municipality", "domain": "own", "name": about, "description": about, "unit": about,
        "decimals": 1, "direction": "positive", "sources": ("own",), "year": "n.d.", "kind": "mean", "scored": True,
        "file": "x.csv", "small_cell": 3,
    }  # fmt: skip
    return OwnIndicator(**fields | changes)


def test_what_does_not_vary_is_not_scored():
    values = pd.DataFrame({"same": 5.0, "varies": np.arange(12.0)})
    scores, framework = score_own(values, {name: entry(name) for name in values})
    assert framework["reason"].to_dict() == {"same": "equal", "varies": ""}
    assert list(scores) == ["own"]


def test_an_index_that_cannot_be_computed_costs_its_theme_only():
    values = pd.DataFrame({"a": [-1e9, *np.ones(399)], "b": np.arange(400.0)})
    entries = {"a": entry("a", domain="environment"), "b": entry("b")}
    scores, framework = score_own(values, entries)
    assert list(scores) == ["own"]
    assert framework.at["a", "reason"] == "undefined"


def test_findings_are_those_of_the_territory(save, table, carry_out):
    save(table)
    found = carry_out().table("findings")
    assert found[["indicator", "level", "kind"]].to_numpy().tolist() == [["recycling", "own", "weakness"]]
    assert found.at[0, "of"] == 12


def test_a_city_without_files_has_empty_tables(carry_out, example_result):
    assert example_result.facts["own"]["indicators"] == 0
    assert example_result.facts["own"]["sources"] == []
    assert merge_catalogue(example_result.tables) is load_catalogue()
    assert not own_entries(example_result.tables)
    assert carry_out().table("own_groups").empty


def test_a_comment_alone_is_enough(study, local):
    (local / "example").mkdir(parents=True)
    (local / "example" / "comment.md").write_text("# Ciao", encoding="utf-8")
    facts = study().carry_out("own")
    assert (facts["comment"], facts["indicators"]) == ("# Ciao", 0)


def test_the_catalogue_survives_saving(save, table, carry_out, tmp_path):
    save(table)
    result = carry_out()
    again = Diagnosis.load(result.save(tmp_path / "saved"))
    assert own_entries(again.tables) == own_entries(result.tables)
    catalogue = merge_catalogue(again.tables)
    assert catalogue["nursery_use"].sdg is None
    assert catalogue.domains["childhood"].name["en"] == "Childhood"
    assert catalogue["recycling"].domain == "environment"
    assert len(catalogue) == len(load_catalogue()) + 3
    assert "sdg" in catalogue.to_frame("it")


def test_the_manifest_names_the_file(save, table, carry_out):
    save(table)
    result = carry_out()
    record = result.manifest.sources[-1]
    assert (record.id, record.publisher, record.licence, record.tier) == (
        "nidi.csv", "Portalba", "CC BY 4.0", "local",
    )  # fmt: skip
    assert record.modified is not None
    assert record.modified["en"].startswith("yes: ")
    assert "the city's own datum (Statistics office)" in result.manifest.source_line(("nidi.csv",), "en")
    json.dumps(result.facts)


def test_a_map_says_whose_datum_it_is(save, table, study):
    save(table)
    begun = study()
    for stage in ("territory", "own"):
        begun.carry_out(stage)
    figure = draw("map_own_nursery_use", begun.result(), "en")
    assert "the city's own datum" in figure.title
    assert "confidentiality" in figure.caption
    assert figure.table["value"].isna().sum() == 1
    with pytest.raises(UnknownNameError, match="nursery_use"):
        draw("map_own_nursery", begun.result())


def test_an_error_stops_the_stage_and_is_listed_for_all_cities(save, table, study, example_study):
    save(table.replace({"Comune": {"Portalba": "Portalpa"}}))
    begun = study()
    assert "nidi.csv" in begun.carry_out("own")["failed"]
    assert begun.result().failed
    other = study(example_study.city.model_copy(update={"id": "second"}))
    save("Comune;Posti\nPortalba;x\nFonteviola;2\nLido Nuòvo;3\n", "", city="second")
    with pytest.raises(BrokenOwnDataError, match=r"example/nidi\.csv.*second/nidi\.csv") as caught:
        check_own_data([begun.territory, other.territory], "it")
    first, second = caught.value.reports
    assert "Portalpa" in first
    assert "Portalba (VD, 901001)" in first
    assert "Non è un numero" in second


def test_values_elsewhere_are_counted(save, table, carry_out, example_study):
    municipalities = example_study.national.country.municipalities
    other = municipalities.index[~municipalities.index.isin(example_study.territory.codes)][0]
    far = pd.DataFrame([[municipalities.at[other, "name"], 9, 9, "50,5"]], columns=table.columns)
    save(pd.concat([table, far]))
    result = carry_out()
    assert result.facts["own"]["outside"] == 3
    assert other not in result.table("own_indicators").index


@pytest.mark.parametrize(
    ("change", "changes"),
    [("edit", True), ("add", True), ("remove", True), ("comment", True), ("rename", True), ("hidden", False)],
)
def test_a_changed_file_makes_the_report_anew(save, table, study, change, changes):
    folder = save(table)
    begun = study()

    def key():
        return run_key(begun.city, begun.settings, "country")

    before = key()
    file = folder / "nidi.csv"
    if change == "edit":
        file.write_text(file.read_text(encoding="utf-8").replace("40,5", "41,5"), encoding="utf-8")
    elif change == "remove":
        file.unlink()
    elif change == "rename":
        file.rename(folder / "altri.csv")
    else:
        name = {"add": "altri.csv", "comment": "comment.md", "hidden": ".nidi.csv"}[change]
        (folder / name).write_text("x", encoding="utf-8")
    assert (key() != before) == changes


def test_the_folder_is_found_in_capital_letters(tmp_path):
    assert own_folder(tmp_path / "nowhere", "siracusa") == tmp_path / "nowhere" / "siracusa"
    (tmp_path / "Siracusa").mkdir()
    assert own_folder(tmp_path, "siracusa").is_dir()
    assert not has_own_files(own_folder(tmp_path, "siracusa"))
    assert not has_own_files(None)


def test_a_folder_that_is_named_must_exist(tmp_path):
    with pytest.raises(ConfigError, match="nowhere"):
        default_settings(local=tmp_path / "nowhere")


def test_a_territory_without_a_folder_says_so(example_study):
    with pytest.raises(InputError, match="folder"):
        load_own_data(replace(example_study.territory, local=None))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(1, 4))
def test_a_total_that_is_shown_settles_no_small_count(counts, limit):
    """Whoever knows the total, the counts that are shown and the rule can still not tell any that is held back."""
    people = pd.DataFrame({"x": counts}, dtype=float)
    entries = {"x": entry("x", small_cell=limit)}
    held_back = find_small_cells(people, entries)
    telling = bool(find_telling_totals(people, held_back, entries)["x"])
    hidden = [count for count, held in zip(counts, held_back["x"], strict=True) if held]
    possible = [
        values
        for values in itertools.product(range(1, limit + 1), repeat=len(hidden))
        if sum(values) == sum(hidden)
    ]
    settled = any(len(set(place)) == 1 for place in zip(*possible, strict=True))
    assert telling == settled
