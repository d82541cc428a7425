"""Files that are not what they seem are refused with a reason, whatever is in them; nothing outside is read."""

import os
import shutil
import struct
import tracemalloc
import zipfile

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnosis.sources.own import files as own_files
from diagnosis.sources.own import grid as own_grid
from diagnosis.sources.own.data import read_own_data
from diagnosis.sources.own.report import write_report


@pytest.fixture(scope="module")
def municipalities():
    return pd.DataFrame(
        {"name": ["Alba", "Brà", "Cuneo"], "province": "004", "province_name": "Cuneo", "region": "01"},
        index=pd.Index(["004003", "004029", "004078"], name="code"),
    )


@pytest.fixture
def refused(tmp_path, municipalities):
    """Read the folder and return the kinds of errors; nothing may have been used."""

    def read():
        own = read_own_data(tmp_path, municipalities)
        assert own.entries == ()
        assert write_report(own, "it")
        assert write_report(own, "en")
        return sorted(set(own.problems.loc[own.problems["severity"] == "error", "kind"]))

    return read


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7\nx;y\n", b"{\\rtf1 x;y}", b"\xd0\xcf\x11\xe0;1\n", b"PAR1xxxx", b"\x89PNG\r\n", b"Comune;v\nAl\0ba;1\n",
     b"\0\0\0\0\0\0", b"Comune;v\nAlba;\x01\n", b"<!DOCTYPE html><html>", b"<?xml version='1.0'?><a/>",
     bytes(range(256)) * 20, b"\xff\xfe\x00", b"SQLite format 3\0", b"\x1f\x8b\x08\x00"],
)  # fmt: skip
def test_binary_files(tmp_path, refused, content):
    (tmp_path / "a.csv").write_bytes(content)
    assert refused() == ["binary_file"]


def test_empty_and_blank_files(tmp_path, refused):
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"\n ; \n;;\n")
    (tmp_path / "c.csv").write_bytes(b"Comune;v\n")
    assert refused() == ["empty_file", "no_municipalities"]


def test_links_pipes_and_folders(tmp_path, refused):
    outside = tmp_path / "secret"
    outside.mkdir()
    (outside / "x.csv").write_text("Comune;v\nAlba;1\n")
    (tmp_path / "link.csv").symlink_to(outside / "x.csv")
    (tmp_path / "broken.csv").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.yml").symlink_to(outside / "x.csv")
    assert refused() == ["not_a_file", "symbolic_link"]


@pytest.mark.parametrize(
    "name", ["../x.csv", "/etc/passwd", "secret/x.csv", "..", ".", "..\\x.csv", "C:\\x.csv", "a.csv/../a.csv"]
)
def test_paths_in_the_yaml(tmp_path, refused, name):
    (tmp_path / "a.csv").write_text("Comune;v\nAlba;1\n")
    (tmp_path / "a.yml").write_text(f"file: '{name}'\n")
    assert refused() == ["outside_folder"]


def test_limits(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(own_files, "LARGEST_FILE", 1200)
    monkeypatch.setattr(own_grid, "MOST_ROWS", 20)
    (tmp_path / "large.csv").write_text("Comune;v\n" + "Alba;1\n" * 200)
    (tmp_path / "long.csv").write_text("Comune;v\n" + "Alba;1\n" * 30)
    (tmp_path / "wide.csv").write_text("Comune" + ";v" * 499 + ";v\nA")
    assert refused() == ["too_large", "too_many_columns", "too_many_rows"]


def test_a_cell_without_end(tmp_path, refused):
    (tmp_path / "a.csv").write_text('Comune;v\n"Alba;1\n' + "Cuneo;2\n" * 30_000)
    assert refused() == ["long_cell"]


def test_too_many_files(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(own_files, "MOST_FILES", 3)
    for i in range(4):
        (tmp_path / f"{i}.csv").write_text("Comune;v\nAlba;1\n")
    assert refused() == ["too_many_files"]


def test_rows_with_too_many_cells(tmp_path, refused):
    (tmp_path / "a.csv").write_text("Comune,v\nAlba,12,5\nCuneo,1\nBrà,2\n")
    assert refused() == ["long_row"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("indicators:\n- &a {name: x, column: N}\n" + "- *a\n" * 40_000, "yaml_unreadable"),
        ("missing: &a [x]\nnot_personal:\n" + "- *a\n" * 101, "yaml_unreadable"),
        ("indicators:\n" + "- {name: x, column: v}\n" * 501, "yaml_value"),
        ("missing:\n" + "- x\n" * 101, "yaml_value"),
    ],
)
def test_long_yaml(tmp_path, refused, text, kind):
    (tmp_path / "a.csv").write_text("Comune;v\nAlba;1\n")
    (tmp_path / "a.yml").write_text(text)
    assert refused() == [kind]


def test_hidden_signs_in_names(tmp_path, refused):
    (tmp_path / "a\u202egpj.csv").write_text("Comune;v\nAlba;1\n")
    assert refused() == ["unreadable_name"]


def test_names_that_are_no_text(tmp_path, refused):
    for name in (b"a\xff.csv", b"b\xff.yml", b"c\xff.pdf"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"Comune;v\nAlba;1\n")
    assert refused() == ["unreadable_name"]
    names = [name for name, _ in own_files.own_content(tmp_path)]
    assert [name.encode() for name in names] == [rb"a\udcff.csv", rb"b\udcff.yml", rb"c\udcff.pdf"]


def test_a_yaml_bomb(tmp_path, refused):
    (tmp_path / "a.csv").write_text("Comune;v\nAlba;1\n")
    (tmp_path / "a.yml").write_text("a: " + "[" * 5000)
    assert refused() == ["yaml_unreadable"]
    (tmp_path / "a.yml").write_text("!!python/object/apply:os.system ['true']")
    assert refused() == ["yaml_unreadable"]
    (tmp_path / "a.yml").write_bytes(b"\0\xff\xfe")
    assert refused() == ["yaml_unreadable"]


# workbooks


def workbook(path, sheet, **parts):
    spreadsheet = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {spreadsheet} xmlns:r="{office}"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets>'
            "</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {spreadsheet}>{sheet}</worksheet>")
        for name, content in parts.items():
            archive.writestr(name, content)


HEAD = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Comune</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>v</t></is></c></row>'
)
ALBA = '<c r="A2" t="inlineStr"><is><t>Alba</t></is></c>'


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ('<c r="XFD1048576"><v>1</v></c>', "too_many_columns"),
        ('<c r="B1048576"><v>1</v></c>', "too_many_rows"),
        ("<c r='XFD2' ><v>1</v></c>", "too_many_columns"),
        ('<c x=">" r="XFD1048576"><v>1</v></c>', "unreadable"),
        ('<c r="&#88;FD1048576"><v>1</v></c>', "unreadable"),
        ("<c><v>1</v></c>" * 600, "too_many_columns"),
        ('</row><row r="1048576"><c><v>1</v></c>', "too_many_rows"),
        ('<c r="B2"><f>1+1</f></c>', "formula_without_value"),
        ('<c r="B2"><f>1+1</f><v></v></c>', "formula_without_value"),
    ],
)
def test_hostile_sheets(tmp_path, refused, cells, kind):
    workbook(tmp_path / "a.xlsx", f'<sheetData>{HEAD}<row r="2">{ALBA}{cells}</row></sheetData>')
    tracemalloc.start()
    found = refused()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kind in found
    assert peak < 50_000_000


def test_zip_bombs(tmp_path, refused, monkeypatch):
    workbook(tmp_path / "a.xlsx", f"<sheetData>{HEAD}</sheetData>", bomb=b"\0" * 300_000_000)
    assert refused() == ["unpacks_to_more"]


def test_a_zip_that_lies_about_its_size(tmp_path, refused):
    path = tmp_path / "a.xlsx"
    workbook(path, f'<sheetData>{HEAD}<row r="2">{ALBA}</row></sheetData>' + " " * 100_000)
    content = bytearray(path.read_bytes())
    end = content.rfind(b"xl/worksheets/sheet1.xml") - 46 + 24  # uncompressed size in the central directory
    content[end : end + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    assert refused() == ["unreadable"]


def test_entities_other_encodings_and_other_zips(tmp_path, refused):
    workbook(tmp_path / "a.xlsx", '<!DOCTYPE a [<!ENTITY b "b">]><sheetData/>')
    assert refused() == ["unreadable"]
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 not a zip")
    assert refused() == ["unreadable"]
    (tmp_path / "a.xlsx").write_bytes(b"Comune;v\nAlba;1\n")
    assert refused() == ["unreadable"]
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("../../x.csv", "Comune;v\nAlba;1\n")
    assert refused() == ["binary_file"]
    assert not (tmp_path.parent / "x.csv").exists()


def test_an_encrypted_or_truncated_workbook(tmp_path, refused):
    path = tmp_path / "a.xlsx"
    workbook(path, f'<sheetData>{HEAD}<row r="2">{ALBA}</row></sheetData>')
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert refused() == ["unreadable"]
    path.write_bytes(
        whole.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
    )
    assert refused() == ["unreadable"]


def test_parquet_that_is_none(tmp_path, refused):
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + b"\0" * 40 + b"PAR1")
    assert refused() == ["unreadable"]
    frame = pd.DataFrame({"Comune": ["Alba"], "v": [1]})
    frame.to_parquet(tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content[:-20] + b"\xff" * 12 + content[-8:])
    assert refused() == ["unreadable"]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(min_size=1, max_size=200),
    st.sampled_from(["a.csv", "a.xlsx", "a.parquet", "a.geojson", "a.gpkg", "a.yml"]),
)
def test_any_bytes_are_survived(tmp_path, municipalities, content, name):
    folder = tmp_path / "any"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / name).write_bytes(content)
    own = read_own_data(folder, municipalities)
    assert own.entries == ()
    assert "error" in set(own.problems["severity"])


CELLS = st.sampled_from(
    ["Comune", "Alba", "Brà", "004078", "D205", "1.234", "12,5", "", "=A1", "2021", "Totale", "x", "5%"]
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=6), st.booleans())
def test_any_table_is_survived(tmp_path, municipalities, rows, strict):
    (tmp_path / "a.csv").write_text("\n".join(";".join(row) for row in rows) + "\n", encoding="utf-8")
    own = read_own_data(tmp_path, municipalities, strict=strict)
    errors = (own.problems["severity"] == "error").any()
    assert own.values.index.equals(municipalities.index)
    assert (own.values.shape[1] > 0) or errors
    assert not (strict and errors and own.entries)
    write_report(own)
