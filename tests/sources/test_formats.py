import contextlib
import zipfile

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError, SourceError
from diagnosis.sources import formats
from diagnosis.sources.formats import clean_polygons, pick_columns, read_delimited, read_member, read_sheet


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_stays_text(tmp_path, separator, encoding):
    path = tmp_path / "list.csv"
    path.write_text(separator.join(["code", "sign"]) + "\n" + separator.join(["001168", "NA"]), encoding)
    frame = read_delimited(path)
    assert frame.to_dict("list") == {"code": ["001168"], "sign": ["NA"]}


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html>moved</html>",
        b"\n <html>",
        b"",
        b"code\n\xff\xfe\n",
        b'a,b\n"1,2\n',
        b"a,b\n1,2,3,4\n",
    ],
    ids=["html", "html after a line", "empty", "latin", "open quote", "ragged"],
)
@pytest.mark.parametrize("error", [SourceError, InputError])
def test_what_is_no_csv_is_refused(tmp_path, content, error):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(error, match=r"list\.csv"):
        read_delimited(path, error)


def test_missing_file_is_refused_without_its_folder(tmp_path):
    for reader in (read_delimited, read_sheet, read_member):
        with pytest.raises(SourceError, match="absent") as caught:
            reader(tmp_path / "absent.csv")
        assert str(tmp_path) not in str(caught.value)


def test_sheet_is_read_by_name_and_position(tmp_path, write_workbook):
    path = write_workbook(
        tmp_path / "book.xlsx", {"Read me": [["text"], ["x"]], "DATI": [["title"], ["a", "b"], ["1", 2]]}
    )
    for sheet in (1, "DATI"):
        assert read_sheet(path, sheet, 1).to_dict("list") == {"a": ["1"], "b": [2.0]}
    with pytest.raises(SourceError, match="DATA"):
        read_sheet(path, "DATA")
    with pytest.raises(SourceError, match="sheet 2"):
        read_sheet(path, 2)
    with pytest.raises(SourceError, match="empty"):
        read_sheet(path, "DATI", 2)


@pytest.fixture(scope="module")
def workbook(tmp_path_factory, write_workbook):
    path = tmp_path_factory.mktemp("damaged") / "book.xlsx"
    return write_workbook(path, {"S": [["a", "b"], ["1", 2], ["3", 4]]}), path.read_bytes()


@given(st.data())
def test_damaged_workbook_is_read_or_refused(workbook, data):
    path, whole = workbook
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(SourceError):  # any other error fails the test
        assert isinstance(read_sheet(path), pd.DataFrame)


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def test_one_text_member_is_read_whatever_its_name(tmp_path):
    path = archive(
        tmp_path / "m.zip", {"folder/": "", "folder/any.TXT": "x", "__MACOSX/any.txt": "y", "read.pdf": "z"}
    )
    assert read_member(path) == b"x"


@pytest.mark.parametrize("members", [{}, {"a.xlsx": "x"}, {"a.txt": "x", "b.txt": "y"}])
def test_wrong_members_are_refused(tmp_path, members):
    with pytest.raises(SourceError, match="must hold one file"):
        read_member(archive(tmp_path / "m.zip", members))


def test_truncated_archive_is_refused(tmp_path):
    path = archive(tmp_path / "m.zip", {"a.txt": "text " * 1000})
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(SourceError, match="complete zip archive"):
            read_member(path)


def test_bomb_is_refused_before_it_unpacks(tmp_path, monkeypatch, write_workbook):
    monkeypatch.setattr(formats, "SIZE_LIMIT", 1_000_000)
    path = archive(tmp_path / "m.zip", {"a.txt": bytes(3_000_000)})
    assert path.stat().st_size < 10_000
    with pytest.raises(SourceError, match=r"at most 1 MB.*declares 3 MB"):
        read_member(path)
    with pytest.raises(SourceError, match="at most 1 MB"):
        read_sheet(path)


def test_false_declaration_of_size_is_refused(tmp_path):
    path = archive(tmp_path / "m.zip", {"a.txt": bytes(3_000_000)})
    path.write_bytes(
        path.read_bytes().replace((3_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    )
    with pytest.raises(SourceError, match="complete zip archive"):
        read_member(path)


def test_columns_are_found_across_line_breaks_and_by_pattern():
    frame = pd.DataFrame([[1, 2, 3]], columns=["MAP\n\nCOD_AI", "Area \n(km2)", "Code"])
    columns = {"code": "code", "*COD_AI": "class", "area (km2)": "area"}
    assert pick_columns(frame, columns, "f.csv").to_dict("list") == {"code": [3], "class": [1], "area": [2]}
    with pytest.raises(SourceError, match=r"f\.csv.*'Name'"):
        pick_columns(frame, {"Code": "code", "Name": "name"}, "f.csv")
    with pytest.raises(SourceError, match=r"repeated: '\*a\*'"):
        pick_columns(frame, {"*a*": "area"}, "f.csv")


def test_part_of_a_name_is_not_enough_without_a_star():
    frame = pd.DataFrame({"pop_id_M_p": ["12.5"]})
    with pytest.raises(SourceError, match="missing or repeated: 'pop_id_M'"):
        pick_columns(frame, {"pop_id_M": "flood"}, "f.csv")


def test_polygons_are_repaired_and_kept_polygonal():
    square = shapely.box(0, 0, 1, 1)
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    spike = shapely.Polygon([(0, 0), (1, 0), (1, 1), (1, 3), (1, 1), (0, 1)])
    cleaned = clean_polygons(np.array([square, bow_tie, spike], dtype=object))
    assert shapely.is_valid(cleaned).all()
    assert cleaned[0] is square
    assert shapely.area(cleaned).tolist() == [1, 2, 1]
    assert [shape.geom_type for shape in cleaned] == ["Polygon", "MultiPolygon", "Polygon"]
