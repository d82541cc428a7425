"""Proposals that somebody else wrote: what is read, what is refused, and that none of it harms the rest."""

import os

import pandas as pd
import pytest

from diagnosis.config import Governance, load_city
from diagnosis.governance.saved import MOST_LISTED, MOST_PROPOSALS, list_saved
from diagnosis.national.shared import load_national
from diagnosis.report.governance_package import governance_files
from diagnosis.report.words import Words
from diagnosis.sources.own.files import PROPOSALS
from diagnosis.stages.governance import propose_areas
from diagnosis.territory import load_country, load_territory


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "example" / PROPOSALS
    path.mkdir(parents=True)
    return path


@pytest.fixture
def propose(example_settings, tmp_path):
    def propose():
        city = load_city("example").model_copy(update={"governance": Governance(runs=0)})
        settings = example_settings.model_copy(update={"local": tmp_path})
        country = load_country(settings, city.data)
        territory = load_territory(city, settings, country)
        return propose_areas(territory, load_national(country, settings))[0]

    return propose


@pytest.fixture
def codes(example_study):
    return list(example_study.tables["governance_areas"].index)


def write(path, codes, areas):
    rows = "".join(f"{code},{area}\n" for code, area in zip(codes, areas, strict=True))
    path.write_text(f"code,area\n{rows}", encoding="utf-8")


def test_what_must_not_be_read_is_listed_with_the_reason(folder):
    write(folder / "good.csv", ["901001"], [1])
    write(folder / ".hidden.csv", ["901001"], [1])
    (folder / "folder.csv").mkdir()
    (folder / "link.csv").symlink_to(folder / "good.csv")
    (folder / "empty.csv").touch()
    write(folder / "turned\u202e.csv", ["901001"], [1])
    write(folder / "pipe.csv", ["901001"], [1])
    os.mkfifo(folder / "pipe.yml")
    write(folder / "long.csv", ["901001"], [1])
    (folder / "long.yml").write_text(f"note: {'x' * 300_000}\n", encoding="utf-8")
    found = {path.name: reason for path, reason in list_saved(folder).items()}
    assert found.pop("good.csv") is None
    assert set(found) == {"folder.csv", "link.csv", "empty.csv", "turned\u202e.csv", "pipe.csv", "long.csv"}
    assert all(found.values())


def test_a_folder_that_is_a_link_is_not_looked_into(folder, tmp_path):
    write(folder / "good.csv", ["901001"], [1])
    (tmp_path / "link").symlink_to(folder)
    assert list_saved(tmp_path / "link") == {} == list_saved(tmp_path / "absent")


def test_so_many_are_read_and_the_others_named(folder):
    for number in range(MOST_LISTED + 5):
        write(folder / f"p{number:03}.csv", ["901001"], [1])
    (folder / "p003.csv").write_text("", encoding="utf-8")
    found = list_saved(folder)
    assert len(found) == MOST_LISTED
    assert sum(reason is None for reason in found.values()) == MOST_PROPOSALS
    assert "20" in found[folder / "p050.csv"].it


@pytest.mark.parametrize("language", ["it", "en"])
def test_names_that_are_those_of_columns_and_names_that_are_no_text(
    folder, propose, codes, language, example_result
):
    for name in ("code", "it", "en", "reason_it", "index"):
        write(folder / f"{name}.csv", codes, [1] * len(codes))
    torn = folder / os.fsdecode(b"torn\xff.csv")
    torn.write_text("code,area\n", encoding="utf-8")
    tables = propose()
    proposals = tables["governance_proposals"]
    assert proposals["reason_it"].ne("").sum() == 1
    assert "torn" in proposals.index[proposals["reason_it"] != ""][0]
    proposals.to_parquet(folder / "proposals.parquet")
    result = example_result.__class__(**{**vars(example_result), "tables": example_result.tables | tables})
    files = dict(governance_files(result, Words(language)))
    assert list(files["governance_proposal_areas.csv"]) == [
        "code",
        *(f"proposal_{name}" for name in ("code", "en", "index", "it", "reason_it")),
    ]


def test_a_table_that_is_a_damaged_workbook_costs_that_proposal_only(folder, propose, codes):
    write(folder / "good.csv", codes, [1] * len(codes))
    (folder / "book.csv").write_bytes(b"PK\x03\x04" + bytes(200))
    saved = propose()["governance_proposals"]
    assert saved["reason_en"].ne("").to_dict() == {"book": True, "good": False}


def test_areas_beyond_the_number_computed_are_elsewhere(folder, propose, codes):
    write(folder / "each.csv", codes, range(len(codes)))
    tables = propose()
    saved = tables["governance_proposals"].loc["each"]
    computed = tables["governance_areas"]["area"]
    assert saved["areas"] == len(codes)
    assert saved["moved"] == len(codes) - computed.nunique()
    assert len(saved["moved_names"].split("; ")) == saved["moved"]


def test_a_note_loses_signs_that_cannot_be_printed(folder, propose, codes):
    write(folder / "noted.csv", codes, [1] * len(codes))
    about = {
        "name": "noted",
        "function": "strategic_planning",
        "date": "2026-05-31",
        "data": "",
        "partition": "",
    }
    lines = [f"{key}: '{value}'" for key, value in about.items()]
    (folder / "noted.yml").write_text("\n".join([*lines, 'note: "a\\u0007\\u001bb"']), encoding="utf-8")
    saved = propose()["governance_proposals"].loc["noted"]
    assert (saved["note"], saved["edited"]) == ("ab", True)
    assert isinstance(saved, pd.Series)
