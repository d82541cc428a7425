import pytest

from diagnosis.errors import InputError, SourceError, UnknownNameError
from diagnosis.provenance import Source
from diagnosis.sources.store import Store

BOTH = {"it": "testo", "en": "text"}


def source(name="flows", **fields):
    return Source(
        **{
            "id": name,
            "title": {"it": "Flussi", "en": "Flows"},
            "label": {"it": "Flussi 2021", "en": "Flows 2021"},
            "publisher": "Office",
            "landing_page": "https://example.org/page",
            "url": "https://example.org/flows.zip",
            "file": f"office/{name}.zip",
            "stand_in": f"office/{name}_completed.zip",
            "stand_in_note": {"it": "coda stimata", "en": "estimated tail"},
            "licence": "CC BY 4.0",
            "licence_confirmed": True,
            "citation": "Office",
            "reference_date": "2021",
            "needed_for": {"it": "i flussi reali", "en": "real flows"},
            "attribution": BOTH,
            "modified": BOTH,
        }
        | fields
    )


@pytest.fixture
def store(tmp_path):
    (tmp_path / "mirror").mkdir()
    return Store({"flows": source()}, tmp_path / "raw", tmp_path / "mirror")


def put(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_the_official_file_comes_before_a_stand_in(store):
    put(store.mirror / "office/flows_completed.zip", b"estimate")
    found = store.find("flows")
    assert (found.tier, found.file, found.stands_in) == ("mirror", "office/flows_completed.zip", True)
    assert found.note.en == "estimated tail"
    put(store.raw_folder / "office/flows.zip", b"download")
    found = store.find("flows")
    assert (found.tier, found.file, found.stands_in, found.note) == (
        "download",
        "office/flows.zip",
        False,
        None,
    )
    put(store.mirror / "office/flows.zip", b"official")
    found = store.find("flows")
    assert (found.tier, found.bytes, found.path) == ("mirror", 8, store.mirror / "office/flows.zip")


def test_a_stand_in_counts_in_a_mirror_only(store):
    put(store.raw_folder / "office/flows_completed.zip")
    with pytest.raises(SourceError):
        store.find("flows")


def test_a_missing_source_says_what_it_costs_and_what_to_do(store, tmp_path):
    with pytest.raises(
        SourceError, match=r"(?s)needs the file office/flows\.zip.*mirror.*raw.*real flows.*data pull"
    ):
        store.find("flows")
    by_hand = Store({"flows": source(url="")}, tmp_path / "raw")
    with pytest.raises(
        SourceError, match=r"by hand from https://example\.org/page and save it as .*flows\.zip"
    ):
        by_hand.find("flows")
    absent = source(tier="embedded", package="no-such-package", url="", stand_in="", stand_in_note=None)
    with pytest.raises(SourceError, match="Install no-such-package again"):
        Store({"flows": absent}, tmp_path).find("flows")


def test_an_unknown_source_and_a_missing_mirror(store, tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'flows'"):
        store.find("flow")
    with pytest.raises(InputError, match=r"'.*nowhere' is not a folder"):
        Store({}, tmp_path, tmp_path / "nowhere")


def test_status_has_one_row_a_source(tmp_path):
    (tmp_path / "mirror").mkdir()
    put(tmp_path / "mirror/office/a_completed.zip", b"1234")
    put(tmp_path / "raw/office/b.zip", b"12")
    sources = {name: source(name) for name in "abc"}
    status = Store(sources, tmp_path / "raw", tmp_path / "mirror").status("it")
    assert status.index.tolist() == ["a", "b", "c"]
    assert status["available"].tolist() == [True, True, False]
    assert status["tier"].tolist() == ["mirror", "download", ""]
    assert status["bytes"].tolist() == [4, 2, 0]
    assert status["note"].tolist() == [
        "coda stimata",
        "",
        "Senza questo file la relazione perde: i flussi reali.",
    ]
    english = Store(sources, tmp_path / "raw").status("en")
    assert english.loc["a", "note"] == "Without this file the report loses: real flows."
    assert status.loc["c", "file"] == str(tmp_path / "raw/office/c.zip")
    assert Store({}, tmp_path).status().empty
