"""`diagnosis release` as an office uses it: freeze, a year passes, what would change, and what is refused."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from diagnosis.config import default_settings, load_city
from diagnosis.national.releases import FRAMEWORKS, list_releases, release_paths
from diagnosis.national.shared import load_national
from diagnosis.release_files import read_release
from diagnosis.report.sections.method import write_method
from diagnosis.report.words import Words
from diagnosis.studies.city import Study
from diagnosis.territory import load_country

pytestmark = pytest.mark.xdist_group("release")
BAD_INPUT = 2
TEXT = {"dtype": str, "keep_default_na": False}


def process(*arguments):
    """Start the command as a user does."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DIAGNOSIS_")}
    done = subprocess.run(
        [sys.executable, "-m", "diagnosis", "release", *map(str, arguments)],
        env=inherited, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    assert "Warning" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def example(project):
    return project / "data" / "example"


@pytest.fixture(scope="module")
def later(example, tmp_path_factory):
    """Write the example's country a year later: life expectancy has risen, in one province beyond all before."""
    folder = tmp_path_factory.mktemp("later") / "country"
    shutil.copytree(example, folder)
    table = pd.read_csv(folder / "wellbeing.csv", **TEXT)
    rows = table["indicator"] == "01SAL001"
    rise = np.where(table["territory"] == "902", 5.0, np.where(table["territory"] == "903", -1.0, 1.0))
    value = pd.to_numeric(table.loc[rows, "value"]) + rise[rows]
    table.loc[rows, "value"] = value.round(1).astype(str)
    table.to_csv(folder / "wellbeing.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def work(example, tmp_path_factory):
    """Freeze the example's country under the name 2025; do not change it: the module's tests share it."""
    folder = tmp_path_factory.mktemp("work")
    status, out, err = process("freeze", "2025", "--country", example, "--work", folder, "--lang", "en")
    assert (status, err) == (0, "")
    assert "--release 2025" in out
    return folder


@pytest.fixture
def own(work, tmp_path):
    """Copy the frozen release, to be changed."""
    shutil.copytree(work / "data" / "releases", tmp_path / "work" / "data" / "releases")
    return tmp_path / "work"


def files(work):
    return {path.name: path.read_bytes() for path in (work / "data" / "releases").iterdir()}


def refuse(*arguments):
    """Start a command that must be refused; return the paragraph it writes."""
    status, out, err = process(*arguments)
    assert (status, out) == (BAD_INPUT, "")
    if not err.startswith("Usage"):
        assert err.startswith("diagnosis: ")
        assert len(err.strip().splitlines()) == 1
    return err


def test_both_frameworks_are_frozen_with_what_they_need(work):
    found = release_paths(work / "data" / "releases", "2025")
    assert {path.name for path in found.values()} == set(files(work))
    for framework in FRAMEWORKS:
        release = read_release(found[framework])
        assert (release.version, release.reference_name, release.base) == ("2025", "Paese d'esempio", None)
        assert release.vintages.notna().all()
        assert release.classes.notna().all(axis=None)
    assert set(release.vintages) == {"2022", "2023", "2024"}


def test_freezing_again_changes_nothing(own, example):
    before = files(own)
    for _ in range(2):  # computed, then read from the saved stages: the last digit must not depend on it
        assert process("freeze", "2025", "--country", example, "--work", own)[0] == 0
        assert files(own) == before


def test_another_content_is_written_only_when_asked(own, later):
    before = files(own)
    paragraph = refuse("freeze", "2025", "--country", later, "--work", own)
    assert "provinces-2025.json" in paragraph
    assert "--replace" in paragraph
    assert files(own) == before
    status, _, err = process("freeze", "2025", "--country", later, "--work", own, "--replace")
    assert (status, err) == (0, "")
    assert files(own)["municipalities-2025.json"] == before["municipalities-2025.json"]
    assert files(own)["provinces-2025.json"] != before["provinces-2025.json"]


def test_nothing_is_written_when_one_framework_cannot_be(own, later):
    """The first file is new, the second is taken: neither may change."""
    (own / "data" / "releases" / "municipalities-2025.json").unlink()
    before = files(own)
    refuse("freeze", "2025", "--country", later, "--work", own)
    assert files(own) == before


def test_a_broken_file_is_not_written_over(own, example):
    path = own / "data" / "releases" / "provinces-2025.json"
    path.write_text("{")
    assert "provinces-2025.json" in refuse("freeze", "2025", "--country", example, "--work", own)
    assert path.read_text() == "{"


@pytest.mark.parametrize(("language", "word"), [("it", "Anni"), ("en", "Years")])
def test_releases_are_listed(work, language, word):
    status, out, err = process("list", "--work", work, "--lang", language)
    assert (status, err) == (0, "")
    heading, *lines = out.splitlines()
    assert word in heading
    assert len(lines) == len(FRAMEWORKS)
    assert all(line.startswith("2025") and "2022" in line for line in lines)


def test_a_broken_release_does_not_hide_the_others(own):
    (own / "data" / "releases" / "provinces-2024.json").write_text("{")
    (own / "data" / "releases" / "notes.json").write_text("{")
    status, out, _ = process("list", "--work", own)
    assert status == 0
    assert out.count("Paese d'esempio") == len(FRAMEWORKS)
    assert "- " in out
    assert "provinces-2024.json" in out
    assert "notes" not in out


def test_no_release_at_all_is_told(tmp_path):
    status, out, _ = process("list", "--work", tmp_path, "--lang", "en")
    assert status == 0
    assert "diagnosis release freeze" in out


def test_releases_are_found_by_version(tmp_path):
    for name in ("provinces-2025.json", "municipalities-2025-06.json", "provinces-2025-06.json", "x-1.json"):
        (tmp_path / name).touch()
    found = list_releases(tmp_path)
    assert {version: list(paths) for version, paths in found.items()} == {
        "2025": ["provinces"],
        "2025-06": ["municipalities", "provinces"],
    }
    assert list_releases(tmp_path / "nowhere") == {}


def test_the_same_data_move_nothing(own, example):
    status, out, err = process("rebase", "2025", "--country", example, "--work", own, "--lang", "en")
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines() if " 100.0 " in line]
    assert len(rows) == 15  # domains of both frameworks
    assert all(row[-7:] == ["0.00", "0.00", "–", "1.000", "0", "0", "0"] for row in rows)


def test_a_rebase_says_what_would_change(own, later, tmp_path):
    before = files(own)
    output = tmp_path / "moved"
    status, out, err = process(
        "rebase", "2025", "--country", later, "--work", own, "--output", output, "--lang", "en"
    )
    assert (status, err) == (0, "")
    assert files(own) == before
    assert str(output) in out
    assert {path.name for path in output.iterdir()} == {
        f"{framework}_{name}.csv"
        for framework in FRAMEWORKS
        for name in ("summary", "scores", "goalposts", "outside")
    }
    summary = pd.read_csv(output / "provinces_summary.csv", index_col="domain", dtype={"greatest_unit": str})
    other = summary.drop("BES_01")
    np.testing.assert_allclose(other["mean_absolute_change"], 0, atol=1e-9)
    assert (other["country"] == 100).all()
    assert not other[["class_changes", "reversed", "beyond"]].any(axis=None)
    moved = summary.loc["BES_01"]
    assert moved["country"] > 100.5
    assert moved["beyond"] >= 1
    # by hand, from the scores unit by unit
    scores = pd.read_csv(output / "provinces_scores.csv", dtype={"territory": str})
    own_scores = scores[scores["domain"] == "BES_01"].set_index("territory")
    change = own_scores["new"] - own_scores["old"]
    assert moved["mean_absolute_change"] == pytest.approx(change.abs().mean())
    assert moved["greatest_unit"] == change.abs().idxmax()
    assert moved["greatest_change"] == pytest.approx(change[moved["greatest_unit"]])
    assert own_scores.at[moved["greatest_unit"], "name"] == moved["greatest_unit_name"]
    reversed_ = (own_scores["old"] > moved["country"]) != (own_scores["new"] > 100)
    assert moved["reversed"] == reversed_.sum()
    assert moved["class_changes"] == (own_scores["old_class"] != own_scores["new_class"]).sum()
    assert f"{moved['country']:.1f}" in next(line for line in out.splitlines() if line.startswith("Health"))
    municipalities = pd.read_csv(output / "municipalities_scores.csv", dtype={"code": str})
    assert municipalities["code"].str.fullmatch("[0-9]{6}").all()


def test_indicators_that_came_or_went_are_named(own, example, tmp_path):
    folder = tmp_path / "country"
    shutil.copytree(example, folder)
    table = pd.read_csv(folder / "wellbeing.csv", **TEXT)
    table[table["indicator"] != "05REL008"].to_csv(folder / "wellbeing.csv", index=False)
    path = own / "data" / "releases" / "provinces-2025.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["indicators"] = [row for row in content["indicators"] if row["indicator"] != "01SAL004"]
    path.write_text(json.dumps(content), encoding="utf-8")
    output = tmp_path / "moved"
    status, out, _ = process(
        "rebase", "2025", "--country", folder, "--work", own, "--lang", "en", "--output", output
    )
    assert status == 0
    lines = {line.split(":")[0]: line for line in out.splitlines() if line.startswith(("Can no", "Not in"))}
    assert len(lines) == 2
    lost = pd.read_csv(output / "provinces_lost.csv")
    assert lost.to_dict("records") == [{"indicator": "05REL008", "reason": "no value of any unit"}]


@pytest.mark.parametrize("there", ["full", "file"])
def test_an_output_that_is_taken_is_refused(own, example, tmp_path, there):
    output = tmp_path / "moved"
    if there == "full":
        output.mkdir()
        (output / "thesis.txt").write_text("two years")
    else:
        output.write_text("two years")
    assert "moved" in refuse("rebase", "2025", "--country", example, "--work", own, "--output", output)
    assert (output / "thesis.txt" if there == "full" else output).read_text() == "two years"
    assert not (own / "data" / "cache").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("freeze", "../2025"), ["'release'", "'../2025' was given"]),
        (("freeze", ""), ["'release'"]),
        (("rebase", "2026"), ["provinces-2026.json", "'2025'", "`diagnosis release freeze 2026`"]),
        (("rebase", "2025", "--country", "nowhere"), ["nowhere"]),
        (("rebase",), ["VERSION"]),
    ],
)
def test_bad_input_is_a_paragraph(own, arguments, words):
    before = files(own)
    paragraph = refuse(*arguments, "--work", own)
    assert all(word in paragraph for word in words)
    assert files(own) == before


def test_a_release_of_another_country_is_refused(own, example, tmp_path):
    folder = tmp_path / "country"
    shutil.copytree(example, folder)
    (folder / "country.yml").write_text("name: {it: Altrove, en: Elsewhere}\n")
    paragraph = refuse("rebase", "2025", "--country", folder, "--work", own)
    assert "'Altrove'" in paragraph
    assert "Paese d'esempio" in paragraph


def test_a_renamed_release_is_refused(own, example):
    for path in release_paths(own / "data" / "releases", "2025").values():
        path.rename(path.with_name(path.name.replace("2025", "2026")))
    assert "'2025'" in refuse("rebase", "2026", "--country", example, "--work", own)


def test_a_folder_without_tables_is_no_country(tmp_path):
    (tmp_path / "country").mkdir()
    assert "country.yml" in refuse(
        "freeze", "2025", "--country", tmp_path / "country", "--work", tmp_path / "work"
    )


def test_a_country_without_wellbeing_is_not_half_frozen(example, tmp_path):
    folder = tmp_path / "country"
    shutil.copytree(example, folder)
    (folder / "wellbeing.csv").unlink()
    assert "wellbeing is needed" in refuse("freeze", "2025", "--country", folder, "--work", tmp_path / "work")
    assert not (tmp_path / "work" / "data" / "releases").exists()


@pytest.fixture(scope="module")
def released(work, later, tmp_path_factory):
    """The example's city a year later, its scores on the goalposts of 2025, after the stages with scores."""
    settings = default_settings(
        tmp_path_factory.mktemp("released"), release="2025", releases=work / "data" / "releases"
    )
    country = load_country(settings, later)
    study = Study(load_city(later / "city.yml"), settings, load_national(country, settings))
    for stage in ("territory", "indicators", "wellbeing"):
        assert "failed" not in study.carry_out(stage)
    return study


@pytest.mark.slow
def test_the_report_says_on_which_goalposts_it_is(released, example_result):
    result = released.result()
    assert result.facts["indicators"]["release"] == result.facts["wellbeing"]["release"] == "2025"
    for language in ("it", "en"):
        words = Words(language)
        sentence = words("method_release", release="2025")
        told = [
            getattr(block, "text", "") for section in write_method(result, words) for block in section.blocks
        ]
        assert told.count(sentence) == 1
        plain = write_method(example_result, words)
        assert "method_release" not in plain
        assert not [
            block for section in plain for block in section.blocks if getattr(block, "text", "") == sentence
        ]
    assert example_result.facts["wellbeing"]["release"] is None


def test_the_scores_of_a_later_year_are_on_the_scale_of_the_first(released, work):
    release = read_release(release_paths(work / "data" / "releases", "2025")["provinces"])
    found = released.national.wellbeing()
    pd.testing.assert_frame_equal(
        found["scores"], release.score(found["values"]), check_names=False, check_like=True
    )
    assert found["scores"].at["IT", "BES_01"] > 100.5
    intervals = released.result().table("domain_intervals").set_index(["domain", "unit"])
    np.testing.assert_allclose(
        intervals["score"].unstack(0).loc["902", "BES_01"], found["scores"].at["902", "BES_01"]
    )
    assert intervals.loc[("BES_01", "IT"), "lower"] == pytest.approx(found["scores"].at["IT", "BES_01"])
