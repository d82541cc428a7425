"""`diagnosis data ...`: one honest table of what is here, what is wrong with it, and what an indicator is."""

import json
import re

import pytest
from click.testing import CliRunner

from diagnosis.cli import commands
from diagnosis.commands import data as data_command
from diagnosis.commands.data_texts import DataWords, read_data_texts
from diagnosis.commands.losses import Losses, find_losses
from diagnosis.commands.terminal import write_json
from diagnosis.config import default_settings
from diagnosis.indicators import REASONS
from diagnosis.provenance import load_sources
from diagnosis.schema import LANGUAGES
from diagnosis.sources.fetch import PullResult


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("DIAGNOSIS_MIRROR", "DIAGNOSIS_WORK", "DIAGNOSIS_LANGUAGE", "DIAGNOSIS_OFFLINE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def call(tmp_path):
    """Call a command below `data`; return its exit status and what it wrote."""

    def run(*arguments):
        done = CliRunner().invoke(commands, ["data", *map(str, arguments), "--work", str(tmp_path)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout

    return run


@pytest.fixture(scope="module")
def sources(project):
    return load_sources(project / "data" / "sources.yml")


def test_the_words_are_there_in_both_languages():
    places = re.compile(r"\{(\w+)")
    for key, text in read_data_texts().items():
        assert set(text) == set(LANGUAGES), key
        assert all(value.strip() == value and value for value in text.values()), key
        assert set(places.findall(text["it"])) == set(places.findall(text["en"])), key
    for language in LANGUAGES:
        assert DataWords(language)("pull_sum", here=1, total=2, lost=1000)


@pytest.mark.parametrize("language", LANGUAGES)
def test_status_is_one_table_with_what_is_doubtful(call, sources, language):
    status, out = call("status", "--lang", language)
    assert status == 0
    for source in sources.values():
        assert source.label[language][:40] in out, source.id
    doubtful = [source for source in sources.values() if not source.licence_confirmed]
    assert out.count("(?)") == len(doubtful) + 1
    summary = out.strip().splitlines()[-1]
    assert str(len(doubtful)) in summary
    assert str(sum(source.address == "by_hand" for source in sources.values())) in summary


def test_status_as_json(call, sources):
    _, out = call("status", "--json")
    rows = {row["source"]: row for row in json.loads(out)}
    assert list(rows) == list(sources)
    row = rows["population_2022"]
    assert (row["available"], row["checksum"], row["address"]) == (True, "listed", "package")
    assert row["indicators"] > 20
    absent = rows["income_2023"]
    assert (absent["available"], absent["checksum"], absent["address"]) == (False, "absent", "confirmed")
    assert absent["note"]


def test_list_as_json_is_the_list(call, sources):
    done = CliRunner().invoke(commands, ["data", "list", "--json"])
    assert [item["id"] for item in json.loads(done.stdout)] == list(sources)


@pytest.mark.parametrize("language", LANGUAGES)
def test_list_shows_what_to_type_and_fits_a_terminal(sources, language):
    out = CliRunner().invoke(commands, ["data", "list", "--lang", language]).stdout
    rows = out.splitlines()
    assert {row.split()[0] for row in rows[1:] if row[:1].strip()} >= set(sources)
    assert max(len(row.rstrip()) for row in rows[: len(sources) + 1]) <= 120


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("names", [(), ("notes.docx",), ("comment.md",)])
def test_a_folder_without_a_table_ends_with_status_2(tmp_path, names, language):
    for name in names:
        (tmp_path / name).write_text("text")
    done = CliRunner().invoke(commands, ["data", "check", str(tmp_path), "--lang", language])
    assert done.exit_code == 2
    assert DataWords(language)("check_nothing", folder=str(tmp_path)) in done.stderr


def test_losses_without_a_mirror(tmp_path):
    found = find_losses(default_settings(tmp_path))
    assert {"income_per_taxpayer", "study_self_containment_2011", "01SAL001"} <= found.waiting
    assert {"local_jobs", "jobs_self_containment"} <= found.modelled
    assert not found.waiting & found.modelled
    assert find_losses(default_settings(tmp_path), {"local_jobs", "mean_age"}) == Losses(
        frozenset(), frozenset({"local_jobs"})
    )
    assert not list(tmp_path.iterdir())  # nothing was read or modelled for it


def test_status_outlives_a_broken_file(call, sources, tmp_path):
    file = tmp_path / "data/raw" / sources["hazards_2021"].file
    file.parent.mkdir(parents=True)
    file.write_bytes(b"<!DOCTYPE html>")
    status, out = call("status", "--lang", "en")
    assert status == 0
    assert re.search(r"Without the others, .* [0-9]+ indicators cannot be computed", " ".join(out.split()))
    assert "flood_buildings_share" in find_losses(default_settings(tmp_path)).waiting


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_is_singular(language):
    say = DataWords(language)
    wrong = re.compile(
        r"\b1 (comuni|province|indicatori|fonti|integri|municipalities|indicators|sources|files)\b"
    )
    values = {"total": 9, "n": 1, "lost": 1, "here": 1, "doubtful": 1, "by_hand": 1, "changed": 1}
    texts = {"since": "a", "until": "b", "names": "c", "reason": "d", "before": "e", "after": "f", "day": "g"}
    for key in read_data_texts():
        if key.startswith(
            ("count_", "coverage_", "status_", "pull_", "modelled_sum", "codes_", "event_", "verify_un")
        ):
            assert not wrong.search(say(key, **values, **texts, authority="h")), key
    assert DataWords("it")("count_sound", n=1).startswith("1 integro,")
    assert DataWords("it")("count_sound", n=2).startswith("2 integri,")


def test_verify_without_anything_wrong(call):
    status, out = call("verify", "--lang", "en")
    assert status == 0
    assert "Not to be relied upon: 0." in out


@pytest.mark.parametrize("language", LANGUAGES)
def test_verify_names_what_is_wrong(call, tmp_path, language):
    folder = tmp_path / "data/raw/limen"
    folder.mkdir(parents=True)
    (folder / "fleet-by-province.csv").write_bytes(b"<!DOCTYPE html>")
    (folder / "comuni-population.csv").write_bytes(b"codice_comune\n")
    (folder / "notes.txt").write_text("mine")
    status, out = call("verify", "--lang", language)
    assert status == 1
    words = DataWords(language)
    for verdict in ("damaged", "differs", "as_listed", "absent"):
        assert words(f"verdict_{verdict}") in out
    assert words("count_damaged", n=1) in " ".join(out.split())
    assert "limen/notes.txt" in out
    _, out = call("verify", "--json", "--lang", language)
    found = json.loads(out)
    assert (found["wrong"], found["unlisted"]) == (2, ["limen/notes.txt"])
    wrong = {item["source"]: item["verdict"] for item in found["files"] if item["wrong"]}
    assert wrong == {"vehicles_2024": "damaged", "residents_2025_2026": "differs"}
    assert all(item["detail"] for item in found["files"] if item["wrong"])


def test_pull_offline_asks_nobody_and_says_what_is_lost(call, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a server was asked"))
    status, out = call("pull", "commuting_2021", "snai_2020", "--offline", "--lang", "en")
    assert status == 1
    assert "No server was asked, as wished." in out
    assert re.search(r"0 of 2 sources are here; without the others \d indicators cannot be computed", out)
    assert "11 indicators come from flows ESTIMATED by a model" in out
    status, _ = call("pull", "snai_2020", "--offline")
    assert status == 0  # it has no address: nothing that could be done was left undone
    monkeypatch.setenv("DIAGNOSIS_OFFLINE", "1")
    assert call("pull", "commuting_2021")[0] == 1


def test_pull_hands_its_options_on(call, monkeypatch, tmp_path):
    handed = {}

    def pull(sources, raw, **options):
        handed.update(options, raw=raw)
        return [PullResult("commuting_2021", "downloaded", bytes=1)]

    monkeypatch.setattr("diagnosis.sources.fetch.pull", pull)
    (tmp_path / "mirror").mkdir()
    status, out = call(
        "pull",
        "commuting_2021",
        "--hosts",
        2,
        "--pause",
        0.5,
        "--timeout",
        9,
        "--mirror",
        tmp_path / "mirror",
    )
    assert status == 0, out
    expected = {
        "workers": 2,
        "pause": 0.5,
        "timeout": (5, 9.0),
        "offline": False,
        "only": ("commuting_2021",),
    }
    assert handed.items() >= expected.items()
    assert handed["mirror"] == tmp_path / "mirror"


def test_a_report_pulls_what_is_missing_and_nothing_else(monkeypatch, example_settings):
    asked = []
    monkeypatch.setattr(data_command, "_pull", lambda settings, **options: asked.append(options))
    data_command.pull_missing(example_settings)
    assert "population_2022" not in asked[0]["only"]
    assert "commuting_2021" in asked[0]["only"]
    assert asked[0]["deadline"] <= 30


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("indicator", ["old_age_index", "01SAL001", "degurba", "income_per_taxpayer"])
def test_explain_says_everything(call, sources, language, indicator):
    from diagnosis.catalogue import load_catalogue

    status, out = call("explain", indicator, "--city", "example", "--lang", language)
    assert status == 0
    item = load_catalogue()[indicator]
    text = " ".join(out.split())
    for part in (item.name["it"], item.name["en"], item.unit[language], item.formula, item.year):
        assert part in text
    for name in item.sources:
        assert name in out
        assert sources[name].licence in text
    assert "Portalba" in text
    _, out = call("explain", indicator, "--city", "example", "--lang", language, "--json")
    found = json.loads(out)
    assert found["with_value"] + sum(found["without_value"].values()) == found["units"]
    assert found["place"]["city"] == "example"
    reasons = {row["reason"] for row in found["place"]["municipalities"]} - {""}
    assert reasons <= set(REASONS)


def test_json_knows_no_numpy_and_no_infinity(capsys):
    import numpy as np

    write_json({"a": np.float64("nan"), 1: [np.int64(3), (float("inf"), True, None)], "text": "è"})
    assert json.loads(capsys.readouterr().out) == {"a": None, "1": [3, [None, True, None]], "text": "è"}
