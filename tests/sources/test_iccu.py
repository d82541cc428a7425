import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.iccu import read_libraries

HEADER = "codice-isil;denominazione;codice istat comune;latitudine;email\n"


def write(path, *rows):
    lines = [f"{library};Biblioteca; {code} ;37,33;library@example.org" for library, code in rows]
    path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_libraries_are_counted_and_old_codes_follow(tmp_path):
    rows = [("IT-1", "058091"), ("IT-2", "058091"), ("IT-3", "22088"), ("IT-4", "022046")]
    libraries = read_libraries(write(tmp_path / "l.csv", *rows))
    assert len(libraries) == 7904
    assert libraries.loc[["058091", "022252", "089017"], "libraries"].tolist() == [2, 2, 0]
    assert libraries["libraries"].sum() == 4
    assert "example.org" not in libraries.reset_index().to_csv()
    assert any("2 of 4 libraries" in note for note in libraries.attrs["notes"])


def test_broken_lists_are_refused(tmp_path):
    path = tmp_path / "l.csv"
    with pytest.raises(InputError, match="'999999'"):
        read_libraries(write(path, ("IT-1", "999999")))
    with pytest.raises(InputError, match="listed once"):
        read_libraries(write(path, ("IT-1", "058091"), ("IT-1", "058091")))
    path.write_text("a;b\n1;2\n")
    with pytest.raises(SourceError, match="codice istat comune"):
        read_libraries(path)


def test_published_register_is_read_whole(mirror):
    libraries = read_libraries(mirror / "iccu/biblioteche_ICCU.csv")["libraries"]
    assert libraries.sum() == 11_613
    # 5,176 codes, four of them of before 2022, of municipalities that have other libraries or share a successor
    assert (libraries > 0).sum() == 5_174
    # ISTAT, census of libraries 2022: 66.3 % of municipalities have one
    assert (libraries > 0).mean() == pytest.approx(0.663, abs=0.015)
