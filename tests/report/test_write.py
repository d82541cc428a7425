"""A report on disk: its manifest, and how a finished one is recognised."""

import json

import pytest

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.provenance import file_digest
from diagnosis.report import FORMATS, outputs_of, write_index, write_report
from diagnosis.result import STAGES

pytestmark = pytest.mark.xdist_group("report")


@pytest.fixture(scope="module")
def folder(example_result, tmp_path_factory):
    return write_report(example_result, tmp_path_factory.mktemp("written") / "a" / "example")


@pytest.fixture
def key(example_result):
    return example_result.manifest.settings_digest


@pytest.fixture
def copy(example_result, tmp_path):
    """Return a report of which only the data package was made: quick."""
    return write_report(example_result, tmp_path / "example", formats=("data",))


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_files_of_the_contract(folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {"index.html", "report.pdf", "data", "manifest.json"}


def test_manifest_lists_every_output_with_its_checksum(folder):
    outputs = manifest_of(folder)["outputs"]
    on_disk = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert set(outputs) == on_disk
    assert all(file_digest(folder / name) == digest for name, digest in outputs.items())


def test_manifest_says_what_was_run_on_what(folder, example_result, key):
    manifest = manifest_of(folder)
    assert manifest["settings_digest"] == key
    assert manifest["city"] == "example"
    assert manifest["language"] == "it"
    assert manifest["flows_kind"] == "invented"
    assert manifest["failed"] == {}
    assert manifest["code_version"]
    for source in manifest["sources"]:
        assert len(source["sha256"]) == 64
        assert source["bytes"] > 0
    assert {item["id"] for item in manifest["sources"]} >= {"flows", "population", "municipalities"}
    assert {item["name"]: item["status"] for item in manifest["stages"]} == dict.fromkeys(STAGES, "ok")
    for name in ("diagnosis", "pandas", "geopandas", "numpy"):
        assert manifest["packages"][name][0].isdigit()
    assert {"city_residents", "residents"} <= set(manifest["headline"])


def test_a_second_report_has_the_same_files(folder, example_result, tmp_path):
    """What is computed from the same is written the same, byte for byte."""
    again = manifest_of(write_report(example_result, tmp_path / "again"))["outputs"]
    first = manifest_of(folder)["outputs"]
    different = {name for name in first if first[name] != again[name]}
    # These carry the moment they were made.
    assert different <= {"data/areas.gpkg", "data/governance.gpkg", "report.pdf"}


@pytest.mark.parametrize("name", ["htm", "", "PDF", "../x"])
def test_an_unknown_format_is_refused_before_anything_is_written(example_result, tmp_path, name):
    with pytest.raises(UnknownNameError, match="format"):
        write_report(example_result, tmp_path / "r", formats=("data", name))
    assert not list(tmp_path.iterdir())


def test_an_unknown_language_is_refused_before_anything_is_written(example_result, tmp_path):
    with pytest.raises(InputError, match="language"):
        write_report(example_result, tmp_path / "r", language="fr")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_an_error_in_words(example_result, tmp_path):
    (tmp_path / "r").write_text("")
    with pytest.raises(InputError):
        write_report(example_result, tmp_path / "r", formats=("data",))


def test_a_finished_report_is_recognised(folder, key):
    assert set(outputs_of(folder, key, FORMATS)) == {*manifest_of(folder)["outputs"], "manifest.json"}


def test_a_report_of_other_inputs_is_not(folder):
    assert outputs_of(folder, "0" * 16, FORMATS) == ()


def test_a_report_without_a_format_is_not(copy, key):
    assert outputs_of(copy, key, ("data",))
    assert outputs_of(copy, key, ("html",)) == ()


@pytest.mark.parametrize("change", ["delete", "edit", "empty"])
def test_a_report_changed_by_hand_is_not(copy, key, change):
    path = copy / "data" / "areas.csv"
    if change == "delete":
        path.unlink()
    else:
        path.write_text("" if change == "empty" else path.read_text() + " ")
    assert outputs_of(copy, key, ("data",)) == ()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "3", '{"outputs": []}', '{"outputs": null}', "\x00", '{"settings_digest": 1}'],
)
def test_a_broken_manifest_is_not(copy, key, content):
    (copy / "manifest.json").write_text(content)
    assert outputs_of(copy, key, ("data",)) == ()


@pytest.mark.parametrize("outputs", [["data/indicators.csv"], "data/indicators.csv"])
def test_a_manifest_of_another_shape_is_not(copy, key, outputs):
    content = {**manifest_of(copy), "outputs": outputs}
    (copy / "manifest.json").write_text(json.dumps(content))
    assert outputs_of(copy, key, ("data",)) == ()


def test_a_partial_report_is_made_again(copy, key):
    content = {**manifest_of(copy), "failed": {"areas": "no flows"}}
    (copy / "manifest.json").write_text(json.dumps(content))
    assert outputs_of(copy, key, ("data",)) == ()


def city(name, status="ok", outputs=("index.html",), error=""):
    return {
        "city": name, "status": status, "seconds": 1.5, "outputs": [f"{name}/{file}" for file in outputs],
        "error": error,
    }  # fmt: skip


@pytest.mark.parametrize("language", ["it", "en"])
def test_index_links_what_there_is(folder, tmp_path, parse_page, language):
    (tmp_path / "example").symlink_to(folder)
    error = 'notebook cell 3: <b>"bad"</b> & =cmd()'
    rows = [
        city("example", outputs=("index.html", "report.pdf", "manifest.json")),
        city("siena", "failed", (), error),
    ]
    write_index(tmp_path, "2026", language, rows)
    page = parse_page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert not page.wrong
    assert page.tags("html")[0]["lang"] == language
    assert len(page.tags("h1")) == 1
    links = [attributes["href"] for attributes in page.tags("a")]
    assert {"example/index.html", "example/report.pdf", "example/manifest.json"} == set(links)
    assert all((tmp_path / link).is_file() for link in links)
    assert error in page.text()
    assert not page.tags("b")
    assert "Portalba" in page.text()
    assert "Siena" in page.text()


@pytest.mark.parametrize("content", ["[]", "{", "null", '{"headline": []}'])
def test_index_survives_a_broken_manifest(tmp_path, content):
    (tmp_path / "siena").mkdir()
    (tmp_path / "siena" / "manifest.json").write_text(content)
    write_index(tmp_path, "2026", "it", [city("siena")])
    assert "Siena" in (tmp_path / "index.html").read_text(encoding="utf-8")
