"""Which files each table of Italy is read from, and what its saved copy depends on."""

import ast
import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from diagnosis.config import default_settings
from diagnosis.errors import SourceError
from diagnosis.national.shared import load_national
from diagnosis.provenance import code_digest, load_sources
from diagnosis.sources import readers
from diagnosis.sources.italy import EMBEDDED, READING_CODE, find_files, table_readers
from diagnosis.storage import StageCache
from diagnosis.territory import load_country

HAZARDS, BUSINESS = "hazards_2021", "business_2023"


@pytest.fixture
def sources():
    return load_sources(default_settings().sources)


@pytest.fixture
def small(tmp_path, mirror, sources):
    """Settings with a mirror of few files; of the matrix of commuting, lest flows be modelled."""
    folder = tmp_path / "mirror"
    for source in (HAZARDS, BUSINESS):
        for name in (source, *readers.COMPANIONS.get(source, ())):
            path = folder / sources[name].file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(mirror / sources[name].file)
    matrix = sources["commuting_2021"].stand_in
    (folder / matrix).symlink_to(mirror / matrix)
    return default_settings(tmp_path / "work", mirror=folder)


def imports_of(module: str) -> set[str]:
    found = importlib.util.find_spec(module)
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("diagnosis"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                try:
                    known = importlib.util.find_spec(full) is not None
                except ModuleNotFoundError:
                    known = False
                names.add(full if known else node.module)
    return names


def test_code_that_reads_is_all_of_it():
    waiting = {f"diagnosis.sources.{module}" for _, module, _ in readers.READERS.values()}
    waiting |= {"diagnosis.sources.embedded", "diagnosis.storage"}
    seen = set()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        waiting |= imports_of(module) - seen
    assert {module.split(".")[1] for module in seen if "." in module} <= set(READING_CODE)


def test_digest_of_part_of_the_code():
    assert len({code_digest(), code_digest(*READING_CODE), code_digest("errors")}) == 3
    assert code_digest("errors", "schema") == code_digest("schema", "errors")


def test_key_of_a_table_follows_its_own_files_only(small, sources):
    before = {name: reader.key for name, reader in table_readers(find_files(small)).items()}
    assert set(before) == {"municipalities", "provinces", "population", "flows", "hazards", "business"}
    path = small.mirror / sources[HAZARDS].file
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content + b"\n")
    after = {name: reader.key for name, reader in table_readers(find_files(small)).items()}
    assert {name for name in before if before[name] != after[name]} == {"hazards"}


def test_loading_reads_what_is_used(small, monkeypatch):
    country = load_country(small)
    assert not small.cache.exists()
    assert "business" in country.tables
    assert country.tables.get("flows_of_another_country") is None
    hazards = country.table("hazards")
    assert [path.name.rpartition("-")[0] for path in small.cache.iterdir()] == ["table-hazards"]
    monkeypatch.setattr("diagnosis.sources.ispra.read_hazards", None)
    again = load_country(small)
    pd.testing.assert_frame_equal(again.table("hazards"), hazards)


def test_notes_are_those_of_every_table(small):
    country = load_country(small)
    country.save_tables()
    notes = country.notes
    assert any(note.startswith("population: ") and "081025" in note for note in notes)
    assert any(note.startswith("business: ") for note in notes)
    later = load_country(small)
    assert later.notes == notes
    assert later.tables.held == ()  # without reading a table again
    assert country.table("business").attrs == {}


def test_broken_file_is_known_before_anything_is_computed(small, sources):
    path = small.mirror / sources[BUSINESS].file
    path.unlink()
    path.write_bytes(b"not a workbook")
    country = load_country(small)
    assert len(country.table("hazards")) > 7000
    with pytest.raises(SourceError, match=r"frame_territoriale_2023\.xlsx must be"):
        country.table("business")
    with pytest.raises(SourceError, match=r"frame_territoriale_2023\.xlsx must be"):
        load_national(load_country(small), small)
    assert not list(small.cache.glob("table-business*"))


def test_saved_table_that_cannot_be_read_is_read_again(small):
    found = load_country(small).table("provinces")
    saved = next(small.cache.glob("table-provinces-*"))
    (saved / "facts.json").write_text("{", encoding="utf-8")
    pd.testing.assert_frame_equal(load_country(small).table("provinces"), found)
    assert StageCache(small.cache).holds("table-provinces", saved.name.rpartition("-")[2])


def test_embedded_tables_are_copies():
    for tables in EMBEDDED.values():
        for read in tables.values():
            first = read()
            first[first.columns[0]] = None
            assert read()[first.columns[0]].notna().all()
