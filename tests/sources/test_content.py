import io
import zipfile

import pytest

from diagnosis.errors import SourceError
from diagnosis.sources import content
from diagnosis.sources.content import check_content, unpack_member

LIMIT = 1_000_000


def zipped(members: dict[str, str | bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
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
