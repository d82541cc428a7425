import contextlib
import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import SourceError
from diagnosis.sources import content
from diagnosis.sources.content import check_content, unpack_member

LIMIT = 1_000_000


def zipped(members: dict[str, str | bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, text in members.items():
            # Of a fixed day: cases are named by their bytes, in every process alike.
            archive.writestr(zipfile.ZipInfo(name), text, compress_type=compression)
    return buffer.getvalue()


ARCHIVE = zipped({"flows.txt": "1;2;3\n" * 1000})
WORKBOOK = zipped({"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"})


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("flows.zip", ARCHIVE),
        ("FLOWS.ZIP", ARCHIVE),
        ("flows.xlsx", WORKBOOK),
        ("flows.json", b'{"resultset": []}'),
        ("flows.geojson", b"\xef\xbb\xbf[1]"),
        ("flows.csv", "\ufeffa;b\nNA;None\n".encode()),
        ("notes.html", b"<html></html>"),
    ],
)
def test_what_its_name_promises_is_accepted(tmp_path, name, body):
    (tmp_path / "part").write_bytes(body)
    check_content(tmp_path / "part", name, LIMIT)


@pytest.mark.parametrize(
    ("name", "body", "found"),
    [
        ("flows.csv", b"", "empty"),
        ("flows.zip", b"\n<!DOCTYPE html><p>Sorry", "web page"),
        ("flows.json", b"<!doctype HTML>", "web page"),
        ("flows.csv", b"\xef\xbb\xbf  <?xml version='1.0'?><HTML>", "web page"),
        ("flows.zip", ARCHIVE[:-30], "no complete zip"),
        ("flows.zip", ARCHIVE[:100], "no complete zip"),
        ("flows.zip", b"a;b\n", "no complete zip"),
        ("flows.zip", ARCHIVE.replace(b"1;2;3", b"9;9;9", 1), "'flows.txt' is damaged"),
        (
            "flows.zip",
            zipped({"zeros": bytes(2 * LIMIT)}, zipfile.ZIP_DEFLATED),
            "unpacks to more than 1,000,000",
        ),
        ("flows.xlsx", ARCHIVE, "no workbook; it holds: 'flows.txt'"),
        ("flows.json", b'{"resultset": [', "no complete JSON"),
        ("flows.json", b"[" * 100_000, "no complete JSON"),
        ("flows.json", b"\xff\xfe", "no complete JSON"),
    ],
)
def test_anything_else_is_refused_under_its_own_name(tmp_path, name, body, found):
    (tmp_path / "part").write_bytes(body)
    with pytest.raises(SourceError, match=found) as caught:
        check_content(tmp_path / "part", name, LIMIT)
    assert caught.value.must_hold.startswith(f"The file {name} ")


def test_an_encrypted_member_is_refused(tmp_path):
    body = bytearray(ARCHIVE)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + offset] |= 1  # flag bit 0: encrypted
    (tmp_path / "part").write_bytes(body)
    with pytest.raises(SourceError, match="no complete zip"):
        check_content(tmp_path / "part", "flows.zip", LIMIT)


@pytest.mark.parametrize(("tail", "sound"), [(b"}  \n", True), (b'"b": [', False)])
def test_large_json_is_looked_at_from_both_ends(tmp_path, monkeypatch, tail, sound):
    monkeypatch.setattr(content, "_WHOLE_JSON", 1000)
    (tmp_path / "part").write_bytes(b'{"a": 1,' + b" " * 2000 + tail)
    if sound:
        check_content(tmp_path / "part", "a.json", LIMIT)
    else:
        with pytest.raises(SourceError, match="no complete JSON"):
            check_content(tmp_path / "part", "a.json", LIMIT)


def test_the_one_member_that_matches_is_unpacked(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"d/": "", "d/list 2023.csv": "a;b", "read_me.txt": ""}))
    target = io.BytesIO()
    assert unpack_member(tmp_path / "a.zip", "*2023.csv", target) == "d/list 2023.csv"
    assert target.getvalue() == b"a;b"
    for pattern, number in (("*.xlsx", 0), ("*", 2)):
        with pytest.raises(SourceError, match=f"match: {number}, among 'd/', 'd/list 2023.csv'"):
            unpack_member(tmp_path / "a.zip", pattern, io.BytesIO())


def workbook(sheet: str | bytes, **parts: str | bytes) -> bytes:
    """Write a workbook of one sheet; `parts` are further members, with ``__`` for a slash."""
    members = {"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"}
    members |= {name.replace("__", "/"): content for name, content in parts.items()}
    return zipped(members | {"xl/worksheets/sheet1.xml": sheet})


ROWS = '<worksheet><sheetData><row r="{}"><c r="{}{}"><v>1</v></c></row></sheetData></worksheet>'
BOMB = '<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;&b;">]><worksheet><sheetData>&c;</sheetData></worksheet>'


def lying(declared: int) -> bytes:
    """Return a workbook whose sheet says that it unpacks to less than it does."""
    body = bytearray(
        zipped({"xl/workbook.xml": "<workbook/>", "sheet": bytes(2 * LIMIT)}, zipfile.ZIP_DEFLATED)
    )
    true, false = (2 * LIMIT).to_bytes(4, "little"), declared.to_bytes(4, "little")
    assert body.count(true) == 2  # in the local header and in the directory
    return bytes(body.replace(true, false))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.xlsx", workbook(ROWS.format(8000, "AZ", 8000))),
        ("a.xlsx", workbook(ROWS.format(1, "A", 1), xl__media__image1="\0<!DOCTYPE")),  # a picture is not XML
        ("a.csv.gz", gzip.compress(b"a;b\n", mtime=0)),
        ("a.csv.gz", gzip.compress(b"a;b\n", mtime=0) + gzip.compress(b"1;2\n", mtime=0)),
        ("a.feather", b"ARROW1\0\0..."),
    ],
)
def test_harmless_files_are_accepted(tmp_path, name, body):
    (tmp_path / "part").write_bytes(body)
    check_content(tmp_path / "part", name, LIMIT)


@pytest.mark.parametrize(
    ("name", "body", "found"),
    [
        ("a.xlsx", workbook(BOMB), "'xl/worksheets/sheet1.xml' holds definitions"),
        (
            "a.xlsx",
            workbook(ROWS.format(1, "A", 1), **{"xl__sharedStrings.xml": BOMB}),
            "sharedStrings.xml' holds def",
        ),
        ("a.xlsx", workbook(BOMB.encode("utf-16")), "unusual encoding"),
        ("a.xlsx", workbook(ROWS.format(1_048_576, "XFD", 1_048_576)), "reaches beyond 20,000,000 cells"),
        (
            "a.xlsx",
            workbook(ROWS.format(1, "A", 1).replace('"1"', '"1048576"', 1).replace("A1", "XFD1")),
            "beyond",
        ),
        ("a.xlsx", lying(10), "no complete zip|damaged"),
        ("a.zip", lying(10), "no complete zip|damaged"),
        (
            "a.xlsx",
            zipped({"xl/workbook.xml": bytes(2 * LIMIT)}, zipfile.ZIP_DEFLATED),
            "unpacks to more than",
        ),
        ("a.csv.gz", gzip.compress(bytes(2 * LIMIT), mtime=0), "unpacks to more than 1,000,000"),
        ("a.csv.gz", gzip.compress(b"a;b\n" * 100, mtime=0)[:-9], "no complete gzip"),
        ("a.csv.gz", gzip.compress(b"a;b\n", mtime=0) + b"junk", "no complete gzip"),
        ("a.csv.gz", b"a;b\n", "no complete gzip"),
        ("a.csv", b"PK\x03\x04\0\0", r"not of the kind its name says \(\.csv\)"),
        ("a.csv", b"a;b\n" * 1000 + b"\0", "not of the kind"),
        ("a.feather", b"PAR1", "not of the kind"),
        ("a.parquet", b"ARROW1", "not of the kind"),
        ("a.gpkg", b"PK\x03\x04", "not of the kind"),
    ],
)
def test_hostile_files_are_refused(tmp_path, name, body, found):
    (tmp_path / "part").write_bytes(body)
    with pytest.raises(SourceError, match=found):
        check_content(tmp_path / "part", name, LIMIT)


@pytest.mark.parametrize(
    "member", ["../../evil.csv", "/etc/evil.csv", "..\\evil.csv", "a/../../evil.csv", "C:\\evil.csv"]
)
def test_the_path_of_a_member_leads_nowhere(tmp_path, member):
    """Members are copied into a file that is open already: their names are compared and never followed."""
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    (folder / "a.zip").write_bytes(zipped({member: "a;b"}))
    target = io.BytesIO()
    unpack_member(folder / "a.zip", "*evil.csv", target)
    assert target.getvalue() == b"a;b"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.zip", "deep", "down"]


@given(st.binary(max_size=300), st.sampled_from(["a.zip", "a.xlsx", "a.gz", "a.json", "a.csv", "a.feather"]))
def test_any_bytes_are_accepted_or_refused(tmp_path_factory, content_bytes, name):
    path = tmp_path_factory.mktemp("any") / "part"
    path.write_bytes(content_bytes)
    with contextlib.suppress(SourceError):
        check_content(path, name, LIMIT)
