import dataclasses
import datetime as dt
import hashlib
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import ConfigError, InputError, SourceError, UnknownNameError
from diagnosis.provenance import (
    Manifest,
    Source,
    SourceFile,
    SourceRecord,
    StageRecord,
    digest,
    file_digest,
    load_sources,
    package_versions,
    write_atomically,
)
from diagnosis.schema import Text

ENTRY = """\
flows_2021:
  title: {it: Flussi, en: Flows}
  label: {it: Flussi 2021, en: Flows 2021}
  publisher: Office
  landing_page: https://example.org/flows
  url: https://example.org/flows.zip
  file: office/flows.zip
  licence: CC BY 4.0
  licence_confirmed: true
  citation: Office (2021)
  reference_date: "2021"
  provides: flows
  needed_for: {it: i flussi, en: the flows}
  attribution: {it: Ufficio, en: Office}
  modified: {it: nulla, en: nothing}
"""
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def listed(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "sources.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def manifest(**fields) -> Manifest:
    created = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
    return Manifest(
        **{
            "edition": "2026",
            "city": "siena",
            "created": created,
            "code_version": "0.1.0",
            "settings_digest": "0" * 16,
        }
        | fields
    )


def test_load_sources_reads_entries_in_order(listed):
    sources = load_sources(listed(ENTRY + ENTRY.replace("flows_2021", "a_2").replace("flows.zip", "b.zip")))
    assert list(sources) == ["flows_2021", "a_2"]
    source = sources["flows_2021"]
    assert source.id == "flows_2021"
    assert source.title["it"] == "Flussi"
    assert source.tier == "download"
    assert source.vintage is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("licence:", "licens:", r"'licence' is missing; .*'licens' is not a field, did you mean 'licence'\?"),
        ("  publisher: Office\n", "", "entry 'flows_2021': .*'publisher' is missing"),
        ("{it: Flussi, en: Flows}", "{it: Flussi}", "'title.en' is missing"),
        ('"2021"', "2021", "'reference_date': Input should be a valid string, 2021 was given"),
        ("office/flows.zip", "../flows.zip", "must be a path below a folder"),
        ("office/flows.zip", "/etc/flows.zip", "must be a path below a folder"),
        ("office/flows.zip", "'C:flows.zip'", "must be a path below a folder"),
        ("https://example.org/flows.zip", "file:///etc/passwd", "'url'"),
        ("  provides", "  stand_in: office/b.zip\n  provides", "a stand-in, and nothing else, needs a note"),
        ("  provides", "  pinned: true\n  provides", "a checksum"),
        ("  provides", "  sha256: abc\n  provides", "'sha256'"),
        ("  provides", "  tier: embedded\n  provides", "names the package"),
        ("  provides", "  publisher: Other\n  provides", "the key 'publisher' is given twice"),
        ("  provides", "  id: other\n  provides", "'flows_2021' holds none, or a field id"),
        ("flows_2021:", "Flows 2021:", "'id'"),
        ("title: {it", "title: {it: [", "readable YAML"),
    ],
)
def test_load_sources_names_what_is_wrong(listed, old, new, message):
    with pytest.raises(ConfigError, match=message):
        load_sources(listed(ENTRY.replace(old, new, 1)))


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "flows:\n", "just text", "\x00"])
def test_load_sources_refuses_other_shapes(listed, text):
    with pytest.raises(ConfigError):
        load_sources(listed(text))


def test_load_sources_refuses_a_repeated_entry_or_file(listed):
    with pytest.raises(ConfigError, match="the key 'flows_2021' is given twice"):
        load_sources(listed(ENTRY + ENTRY))
    with pytest.raises(ConfigError, match=r"'office/flows.zip' is in 'flows_2021' and 'b'"):
        load_sources(listed(ENTRY + ENTRY.replace("flows_2021", "b")))


def test_load_sources_says_when_the_file_is_absent(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yml"):
        load_sources(tmp_path / "absent.yml")


def test_every_field_of_a_source_is_described():
    assert [name for name, field in Source.model_fields.items() if not field.description] == []


def test_bilingual_refuses_another_language():
    with pytest.raises(UnknownNameError, match="'fr' was given"):
        Text(it="a", en="b")["fr"]


def test_file_digest(tmp_path):
    (tmp_path / "empty").touch()
    assert file_digest(tmp_path / "empty") == EMPTY_SHA256
    with pytest.raises(SourceError, match="absent"):
        file_digest(tmp_path / "absent")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_like, json_like)
def test_digest_separates_what_json_separates(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) == same


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_digest_ignores_the_order_of_keys(mapping):
    assert digest(mapping) == digest(dict(reversed(mapping.items())))


def test_digest_is_the_same_on_every_machine():
    # Frozen: a change would throw away every cache of every user.
    text = rb'[["map",[["a","\u00e8"],["b",["list",[1,2.5,null]]]]],true]'
    assert digest({"b": [1, 2.5, None], "a": "è"}, True) == hashlib.sha256(text).hexdigest()[:16]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab",)),
        ((1,), ("1",)),
        ((1,), (True,)),
        (({1, 2},), ([1, 2],)),
        (([],), ({},)),
        ((["map", []],), ({},)),
        ((), (None,)),
    ],
)
def test_digest_separates_kinds(one, other):
    assert digest(*one) != digest(*other)


def test_digest_of_files_and_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "b.csv").write_text("x")
    (tmp_path / "c.csv").write_text("y")
    assert digest(tmp_path / "a.csv") == digest(tmp_path / "b.csv") != digest(tmp_path / "c.csv")
    assert digest(str(tmp_path / "a.csv")) != digest(tmp_path / "a.csv")
    assert digest(np.int64(3), np.float64(0.5)) == digest(3, 0.5)
    assert digest({"b", "a", "c"}) == digest({"c", "b", "a"})
    file = SourceFile.of("flows", tmp_path / "a.csv", "local")
    moved = dataclasses.replace(file, path=tmp_path / "b.csv", tier="mirror")
    assert digest(file) == digest(moved)


@pytest.mark.parametrize("part", [object(), {1: 2}, b"bytes", np.array([1, 2])])
def test_digest_refuses_what_has_no_stable_text(part):
    with pytest.raises(InputError, match="digest"):
        digest(part)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_write_atomically_replaces_no_pipe_and_keeps_links(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="ordinary file"):
        write_atomically(tmp_path / "pipe", "x")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    write_atomically(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "x"


def test_write_atomically_kinds_of_content(tmp_path):
    path = tmp_path / "new" / "folder" / "table.csv"
    assert write_atomically(path, "è\n") == path
    assert path.read_bytes() == "è\n".encode()
    write_atomically(str(path), b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    seen = []
    write_atomically(path, lambda temporary: (seen.append(temporary), temporary.write_text("third")))
    assert path.read_text() == "third"
    assert seen[0].suffix == ".csv"
    assert seen[0].parent == path.parent
    assert [item.name for item in path.parent.iterdir()] == ["table.csv"]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX systems")
def test_write_atomically_leaves_the_usual_rights(tmp_path):
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "atomic", "")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_write_atomically_keeps_the_old_file_when_the_writer_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_write_atomically_says_when_the_place_is_not_writable(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="must be writable"):
        write_atomically(tmp_path / "file" / "a.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="ordinary file"):
        write_atomically(tmp_path / "folder", "x")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder"]


def test_write_atomically_never_shows_half_a_file(tmp_path):
    path = tmp_path / "a.txt"
    texts = {letter * 100_000 for letter in "abc"}
    write_atomically(path, "a" * 100_000)
    threads = [threading.Thread(target=write_atomically, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for _ in range(50):
        assert path.read_text() in texts
    for thread in threads:
        thread.join()
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_package_versions():
    versions = package_versions(["numpy", "no-such-package"])
    assert versions == {"numpy": np.__version__, "no-such-package": "not installed"}


def test_manifest_comes_back_as_written(tmp_path, listed):
    (tmp_path / "flows.zip").write_bytes(b"x")
    source = load_sources(listed(ENTRY))["flows_2021"]
    note = Text(it="coda stimata", en="estimated tail")
    file = SourceFile.of("flows_2021", tmp_path / "flows.zip", "mirror", stands_in=True, note=note)
    own = SourceFile.of("services", tmp_path / "flows.zip", "local")
    written = manifest(
        sources=[SourceRecord.of(file, source), SourceRecord.of(own)],
        seeds={"communities": 1},
        packages=package_versions(["numpy"]),
        warnings=["Misiliscemi has no population"],
        flows_kind="modelled",
        stages=[StageRecord(name="areas", status="failed", seconds=0.5, detail="no flows")],
    )
    path = written.write(tmp_path / "reports" / "manifest.json")
    assert Manifest.read(path) == written
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["created"] == "2026-11-21T12:00:00Z"
    assert content["sources"][0]["licence"] == "CC BY 4.0"
    assert content["sources"][0]["note"] == {"it": "coda stimata", "en": "estimated tail"}
    assert content["sources"][0]["sha256"] == file_digest(tmp_path / "flows.zip")
    assert content["sources"][1]["title"] == {"it": "flows.zip", "en": "flows.zip"}
    assert str(tmp_path) not in path.read_text()


def test_source_file_compares_with_the_listed_checksum(tmp_path):
    (tmp_path / "a").touch()
    assert SourceFile.of("s", tmp_path / "a", "mirror").as_listed is None
    assert SourceFile.of("s", tmp_path / "a", "mirror", listed=EMPTY_SHA256).as_listed is True
    assert SourceFile.of("s", tmp_path / "a", "mirror", listed="0" * 64).as_listed is False


def test_manifest_refuses_a_time_without_zone():
    with pytest.raises(ValueError, match="timezone"):
        manifest(created="2026-11-21T12:00:00")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "readable JSON"),
        ("[]", "must hold fields"),
        ('{"edition": "2026", "cty": "siena"}', "'cty' is not a field, did you mean 'city'"),
    ],
)
def test_manifest_read_says_what_is_wrong(tmp_path, text, message):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match=message):
        Manifest.read(tmp_path / "manifest.json")
    with pytest.raises(ConfigError, match=r"absent\.json"):
        Manifest.read(tmp_path / "absent.json")
