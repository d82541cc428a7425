"""What a city's YAML and tables may get wrong, or merely odd, on the way to areas for a function."""

import json
import pickle
import shutil
from functools import partial

import pandas as pd
import pytest

from diagnosis.areas.governance import infeasibility
from diagnosis.config import default_settings, load_city
from diagnosis.errors import ConfigError, InputError
from diagnosis.functions import load_functions
from diagnosis.governance.drawn import draw_function
from diagnosis.governance.subject import NotDrawnError
from diagnosis.national.shared import load_national
from diagnosis.schema import Text
from diagnosis.studies import governance
from diagnosis.studies.governance import open_area_editor
from diagnosis.territory import load_country, load_territory

ISLAND, BEYOND, SILENT = "901010", "901012", "901006"
"""Its only ferry goes to a municipality of another province; nobody is known to travel from or to the silent one."""
LAYERS = "{commuting: 1}"


@pytest.fixture(scope="module")
def country(project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "country"
    shutil.copytree(project / "data" / "example", folder, ignore=shutil.ignore_patterns("*.py", "README.md"))
    places = json.loads((folder / "municipalities.geojson").read_text(encoding="utf-8"))
    for feature in places["features"]:
        if feature["properties"]["code"] == BEYOND:
            other = next(f for f in places["features"] if f["properties"]["province"] == "902")["properties"]
            feature["properties"] |= {name: other[name] for name in other if name.startswith("province")}
    (folder / "municipalities.geojson").write_text(json.dumps(places), encoding="utf-8")
    flows = pd.read_csv(folder / "flows.csv", dtype=str, keep_default_na=False)
    silent = (flows["origin"] == SILENT) | (flows["destination"] == SILENT)
    flows[~silent].to_csv(folder / "flows.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture
def write(country):
    """Write the YAML of a city with one function of its own."""

    def written(limits, layers=LAYERS):
        path = country / "prova.yml"
        path.write_text(
            "name: {it: Portalba, en: Portalba}\ncode: '901001'\nprovince: '901'\ndata: .\npilot: false\n"
            "governance:\n  functions:\n    trial:\n      name: {it: Prova, en: Trial}\n"
            f"      description: {{it: x, en: x}}\n      layers: {layers}\n      within: province\n{limits}",
            encoding="utf-8",
        )
        return path

    return written


@pytest.fixture
def open_trial(write, work, monkeypatch):
    monkeypatch.setattr(governance, "default_settings", partial(default_settings, work=work))
    monkeypatch.setattr(governance, "QUICK_ROUNDS", 100)

    def opened(limits="", layers=LAYERS, language="en"):
        return open_area_editor(str(write(limits, layers)), "trial", language=language)

    return opened


def test_a_piece_of_the_territory_and_a_municipality_without_flows_have_areas(open_trial):
    editor = open_trial("      min_members: 1\n")
    areas = editor.labels
    assert areas.notna().all()
    assert (areas == areas[ISLAND]).sum() == 1
    assert SILENT in areas.index
    assert editor.state["total"]["broken"] == 0
    editor.carry_out({"do": "choose", "code": SILENT})
    json.dumps(editor.state, allow_nan=False)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            "this limit cannot be kept: at least 1,000 residents .*would be enough: at least 904 residents",
        ),
        (
            "it",
            "non si può rispettare questo limite: almeno 1.000 residenti .*basterebbe .*: almeno 904 residenti",
        ),
    ],
)
def test_a_piece_too_small_by_itself_is_named(open_trial, language, words):
    with pytest.raises(InputError, match=words) as error:
        open_trial("      min_population: 1000\n", language=language)
    assert ISLAND not in str(error.value)


def test_a_search_that_was_too_quick_says_so(open_trial, monkeypatch):
    monkeypatch.setattr(infeasibility, "explain_infeasibility", lambda problem: None)
    with pytest.raises(InputError, match="a quick search met none: 1 of"):
        open_trial("      min_population: 1000\n")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            "      must_link: [['901001', '901002']]\n      cannot_link: [['901002', '901001']]\n",
            "cannot_link contradicts must_link",
        ),
        (
            "      fixed: [['901001', '901002']]\n      cannot_link: [['901001', '901002']]\n",
            "cannot_link contradicts must_link",
        ),
        ("      must_link: [['901010', '901001']]\n", "must touch"),
        (f"      must_link: [['901001', '{BEYOND}']]\n", f"free to join.*'{BEYOND}'"),
        ("      cannot_link: [['901001', '901001']]\n", "apart from another one only"),
    ],
)
def test_links_that_contradict_each_other_are_refused(open_trial, limits, words):
    with pytest.raises(InputError, match=words):
        open_trial(limits)


def test_a_function_none_of_whose_layers_can_be_had_says_which(open_trial):
    with pytest.raises(
        InputError, match=r"Trial: at least one.*cooperation: no co-operation.*governance\.functions"
    ):
        open_trial(layers="{cooperation: 1, schools: 2}")


@pytest.mark.parametrize(
    ("limits", "layers", "words"),
    [
        ("", "{commuting: 0}", "at least one layer needs a weight above 0"),
        ("", "{}", "layers"),
        ("", "{commuter: 1}", "commuter"),
        ("", "{commuting: -1}", "greater than or equal to 0"),
        ("      min_members: 4\n      max_members: 3\n", LAYERS, "max_members must be at least min_members"),
        ("      must_link: [['901001']]\n", LAYERS, "must_link"),
        ("      cannot_link: [['901001', '901002', '901003']]\n", LAYERS, "cannot_link"),
        ("      cannot_link: [['1', '2']]\n", LAYERS, "cannot_link"),
        ("      max_minutes: 0\n", LAYERS, "max_minutes"),
        ("      n_areas: 3.5\n", LAYERS, "n_areas"),
        (f"      n_areas: {10**30}\n", LAYERS, "n_areas.*100000"),
        (f"      max_members: {10**25}\n", LAYERS, "max_members.*100000"),
        ("      min_population: 1.0e+300\n", LAYERS, "min_population"),
        ("", "{commuting: 1.0e+300}", "less than or equal to 1000000"),
        ("", "{commuting: 1, schools: 1.0e-300}", "0 or at least 0.000001"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_before_anything_is_computed(write, limits, layers, words):
    with pytest.raises(ConfigError, match=words):
        load_city(write(limits, layers))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"must_link": (("901001", "901002"),), "cannot_link": (("901001", "901002"),)}, "tenere insieme"),
        ({"must_link": (("901001", "111111"),)}, "111111"),
        ({"layers": {"schools": 1.0}}, "nessuna delle sue reti: mancano gli studenti"),
        ({"n_areas": 99}, "chiede 99 ambiti"),
        ({"min_population": 1e9}, "1.000.000.000 residenti"),
    ],
)
@pytest.mark.parametrize("runs", [None, 0])
def test_why_a_function_has_no_areas_is_told_in_the_language(example_settings, changes, words, runs):
    city = load_city("example")
    country = load_country(example_settings, city.data)
    territory = load_territory(city, example_settings, country)
    function = load_functions()["waste"].model_copy(update={"layers": {"commuting": 1.0}} | changes)
    content = draw_function(territory, load_national(country, example_settings), function, runs=runs)
    assert words in content["reason_it"]
    assert not any(word in content["reason_it"] for word in (" the ", " must ", "areas", " are "))
    assert content["reason_en"]
    assert "curve" not in content


def test_a_reason_can_be_told_by_another_process():
    error = pickle.loads(pickle.dumps(NotDrawnError("a", "b", "c", Text(it="d", en="e"))))
    assert (str(error), error.reason.it) == ("a. b. c.", "d")


@pytest.mark.parametrize(
    "field", ["governance: {shared_services: %s}", "data: %s", "geographies: {g: {file: %s}}"]
)
def test_a_path_no_system_has_is_refused(tmp_path, field):
    path = tmp_path / "city.yml"
    path.write_text(field % '"a\\0b"', encoding="utf-8")
    with pytest.raises(ConfigError, match="path"):
        load_city(path)
