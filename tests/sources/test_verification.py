"""Every file held against the list, against the record of its download, and against its own content."""

import hashlib
import json

import pytest

from diagnosis.provenance import load_sources
from diagnosis.sources.store import Store
from diagnosis.sources.verification import count_verdicts, find_unlisted, verify


@pytest.fixture
def folders(tmp_path):
    for name in ("raw", "mirror"):
        (tmp_path / name / "office").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def check(folders):
    """Verify sources; return source, tier and verdict of each file."""

    def run(*sources, mirror=True):
        store = Store(
            {item.id: item for item in sources}, folders / "raw", folders / "mirror" if mirror else None
        )
        run.found = verify(store)
        return [(item.source, item.tier, item.verdict) for item in run.found]

    return run


def put(path, content, source=None, **record):
    path.write_bytes(content)
    if source is not None:
        state = {"url": source.url, "sha256": hashlib.sha256(content).hexdigest()} | record
        path.with_name(f"{path.name}.json").write_text(json.dumps(state))


def test_downloads_are_held_against_list_and_record(site, source, check, folders):
    raw = folders / "raw/office"
    good, digest = site.good, hashlib.sha256(site.good).hexdigest()
    listed, other = source("/a.zip", sha256=digest), source("/a.zip", sha256="0" * 64)
    pinned = source("/a.zip", sha256="0" * 64, pinned=True)
    put(raw / "a.zip", good)
    cases = [(listed, "as_listed"), (other, "differs"), (pinned, "differs"), (source("/a.zip"), "sound")]
    for item, verdict in cases:
        assert check(item) == [("a", "download", verdict)]
    put(raw / "a.zip", good, listed)
    cases = [
        (listed, "as_listed"),
        (other, "as_downloaded"),
        (pinned, "differs"),
        (source("/a.zip"), "as_downloaded"),
    ]
    for item, verdict in cases:
        assert check(item) == [("a", "download", verdict)]
    put(raw / "a.zip", good, listed, sha256="1" * 64)
    for item, verdict in ((listed, "as_listed"), (other, "changed"), (source("/a.zip"), "changed")):
        assert check(item) == [("a", "download", verdict)]
        assert check.found[0].is_wrong == (verdict == "changed")
    put(raw / "a.zip", good, listed, url="https://elsewhere.example/a.zip", sha256="1" * 64)
    assert check(source("/a.zip")) == [("a", "download", "sound")]  # the record is of another address


def test_content_comes_before_checksums(site, source, check, folders):
    page = b"<!DOCTYPE html><html>"
    put(folders / "raw/office/a.zip", page)
    assert check(source("/a.zip", sha256=hashlib.sha256(page).hexdigest())) == [("a", "download", "damaged")]
    assert "web page" in check.found[0].detail.en
    assert check.found[0].is_wrong
    put(folders / "raw/office/a.zip", site.good[:-10])
    assert check(source("/a.zip")) == [("a", "download", "damaged")]


def test_every_place_is_looked_at(site, source, check, folders):
    put(folders / "raw/office/a.zip", site.good)
    put(folders / "mirror/office/a.zip", site.good)
    put(folders / "mirror/office/tail.zip", site.good)
    both = {"it": "stima", "en": "estimate"}
    item = source("/a.zip", stand_in="office/tail.zip", stand_in_note=both, stand_in_sha256="0" * 64)
    assert check(item) == [("a", "mirror", "sound"), ("a", "mirror", "differs"), ("a", "download", "sound")]
    assert [found.file for found in check.found] == ["office/a.zip", "office/tail.zip", "office/a.zip"]
    assert check(item, mirror=False) == [("a", "download", "sound")]


def test_what_is_absent_unfinished_or_no_file(source, check, folders):
    assert check(source("/a.zip")) == [("a", "", "absent")]
    assert not check.found[0].is_wrong
    (folders / "raw/office/a.zip.part").write_bytes(b"PK")
    assert check(source("/a.zip")) == [("a", "download", "unfinished")]
    (folders / "raw/office/b.zip").mkdir()
    (folders / "raw/office/c.zip").symlink_to(folders / "nowhere")
    found = check(source("/b.zip"), source("/c.zip"))
    assert found == [("b", "download", "unreadable"), ("c", "download", "unreadable")]
    assert check.found[0].is_wrong


def test_what_should_come_with_a_package(source, check):
    fields = {"tier": "embedded", "url": "", "url_confirmed": False}
    assert check(source("/a.zip", package="no-such-package", **fields)) == [("a", "embedded", "absent")]
    assert check.found[0].is_wrong
    item = source(
        "/a.zip", package="requests", file="sessions.py", companions=["models.py", "none.py"], **fields
    )
    assert check(item) == [("a", "embedded", "sound"), ("a", "embedded", "sound")]


def test_files_nobody_lists_are_named(site, source, folders, check):
    item = source("/a.zip")
    put(folders / "raw/office/a.zip", site.good, item)
    for name in (
        "raw/office/a.zip.part",
        "raw/office/a.zip.part.json",
        "raw/office/.a.zip.lock",
        "raw/office/x.csv",
        "mirror/README.md",
    ):
        (folders / name).write_bytes(b"")
    store = Store({"a": item}, folders / "raw", folders / "mirror")
    assert find_unlisted(store) == ["README.md", "office/x.csv"]
    assert find_unlisted(Store({"a": item}, folders / "none")) == []


def test_what_was_pulled_is_as_downloaded(site, source, fetch, check, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good)
    fetch(source())
    assert check(source(), mirror=False) == [("flows", "download", "as_downloaded")]
    (tmp_path / "raw/office/flows.zip").write_bytes(site.zipped(a="edited"))
    assert check(source(), mirror=False) == [("flows", "download", "changed")]


def test_the_mirror_is_as_listed(project, mirror, tmp_path):
    sources = load_sources(project / "data" / "sources.yml")
    found = verify(Store(sources, tmp_path, mirror))
    assert not [item for item in found if item.is_wrong]
    listed = {item.source for item in found if item.verdict == "as_listed"}
    assert len(listed) >= 28
    assert count_verdicts(found)["as_listed"] == len(listed)


def test_a_file_of_unknown_make_is_looked_into_before_it_is_read(project, tmp_path):
    """A workbook that would fill the memory is refused before a reader of workbooks believes it."""
    import zipfile

    from diagnosis.config import default_settings
    from diagnosis.errors import SourceError
    from diagnosis.territory import load_country

    settings = default_settings(tmp_path)
    source = load_sources(settings.sources)["snai_2020"]
    path = settings.raw / source.file
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as workbook:
        workbook.writestr("xl/workbook.xml", "<workbook/>")
        workbook.writestr(
            "xl/worksheets/sheet1.xml", '<sheetData><row r="1048576"><c r="XFD1048576"/></row></sheetData>'
        )
    country = load_country(settings)
    with pytest.raises(SourceError, match="reaches beyond 20,000,000 cells"):
        country.table("inner_areas")
