"""What a city's YAML and tables may get wrong, or merely odd, on the way to areas for a function."""

import json
import shutil
from functools import partial

import pandas as pd
import pytest

from diagnosis.areas.governance import infeasibility
from diagnosis.config import default_settings, load_city
from diagnosis.errors import ConfigError, InputError
from diagnosis.studies import governance
from diagnosis.studies.governance import open_area_editor

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
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_before_anything_is_computed(write, limits, layers, words):
    with pytest.raises(ConfigError, match=words):
        load_city(write(limits, layers))
