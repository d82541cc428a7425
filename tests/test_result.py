"""The result of a diagnosis: documented places, saved and loaded without loss."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import geopandas as gpd
import pytest
from pandas.testing import assert_frame_equal

from diagnosis.errors import ConfigError, InputError
from diagnosis.result import STAGES, Diagnosis
from diagnosis.storage import FACTS, save_content


@pytest.fixture(scope="module")
def saved(example_result, tmp_path_factory):
    return example_result.save(tmp_path_factory.mktemp("results") / "example")


def test_every_stage_fills_its_place(example_result):
    assert set(example_result.facts) == set(STAGES)
    assert all(example_result.has(stage) for stage in STAGES)
    assert not example_result.failed
    assert [record.name for record in example_result.manifest.stages] == list(STAGES)
    documented = (
        "municipalities context outline ages indicators gaps groups capitals scores group_scores wellbeing"
        " domain_scores series network flows areas area_quality area_map findings"
    )
    assert set(documented.split()) <= set(example_result.tables)


def test_round_trip(example_result, saved):
    loaded = Diagnosis.load(saved)
    assert loaded.city == example_result.city
    assert loaded.manifest == example_result.manifest
    assert loaded.failed == example_result.failed
    assert loaded.facts == json.loads(json.dumps(example_result.facts))
    assert set(loaded.tables) == set(example_result.tables)
    for name, table in example_result.tables.items():
        found = loaded.tables[name]
        # Parquet knows text, not objects.
        loose = {column: "string" for column in table if table[column].dtype == object}
        assert_frame_equal(found.astype(loose), table.astype(loose))
        assert type(found) is type(table)


def test_saved_twice_is_the_same_to_the_byte(example_result, saved, tmp_path):
    again = Diagnosis.load(saved).save(tmp_path / "again")
    assert (again / FACTS).read_bytes() == (saved / FACTS).read_bytes()
    assert {path.name for path in again.iterdir()} == {path.name for path in saved.iterdir()}


def test_municipalities_carry_geometry(example_result):
    assert isinstance(example_result.municipalities, gpd.GeoDataFrame)
    assert example_result.municipalities.crs == "EPSG:3035"


def test_missing_table_names_what_there_is(example_result):
    partial = replace(
        example_result, tables={"flows": example_result.tables["flows"]}, failed={"areas": "no"}
    )
    with pytest.raises(InputError, match=r"must hold the table 'areas'. it holds flows; .*\{'areas': 'no'\}"):
        partial.table("areas")


def test_moment_of_the_run(example_result):
    moment = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    assert example_result.at(moment).manifest.created == moment
    assert example_result.manifest.created == datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(InputError, match="time zone"):
        example_result.at(datetime(2026, 11, 21))


def test_other_peoples_files_are_not_replaced(example_result, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="would be lost"):
        example_result.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_empty_folder_and_earlier_result_are_replaced(example_result, tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    example_result.save(folder)
    example_result.save(str(folder))
    assert Diagnosis.load(folder).city == example_result.city


def test_folder_without_a_result_is_refused(tmp_path):
    with pytest.raises(InputError, match="must be a folder of saved results"):
        Diagnosis.load(tmp_path / "nothing")
    save_content(tmp_path / "stage", {"values": [1]})
    with pytest.raises(InputError, match=r"must be a folder with a saved diagnosis.*'city', 'facts'"):
        Diagnosis.load(tmp_path / "stage")


def test_result_of_another_version_is_refused(example_result, tmp_path):
    folder = example_result.save(tmp_path / "result")
    path = folder / FACTS
    path.write_text(path.read_text(encoding="utf-8").replace('"edition"', '"issue"'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"saved manifest.*'edition' is missing"):
        Diagnosis.load(folder)


def test_results_can_be_told_apart(example_result):
    copy = replace(example_result)
    assert example_result != copy
    assert [copy, example_result].index(example_result) == 1
    assert len({example_result, copy}) == 2
