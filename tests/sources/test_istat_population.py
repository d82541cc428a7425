import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.istat_population import read_residents_by_year

ROME, SOVIZZO = "058091", "024128"


def write(path, *rows):
    path.write_text("codice_comune,COD_PROV,anno,popolazione\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_years_and_what_is_provisional(tmp_path):
    path = write(tmp_path / "p.csv", "58091,058,2025,100", "58091,058,2026,90")
    residents = read_residents_by_year(path)
    assert residents.to_dict("list") == {
        "code": [ROME, ROME],
        "year": ["2025", "2026"],
        "residents": [100, 90],
        "provisional": [0, 1],
    }
    assert any("2026 is provisional" in note for note in residents.attrs["notes"])


def test_a_merged_municipality_is_not_shared_out(tmp_path):
    rows = [f"{code},1,{year},5000" for code in (ROME, SOVIZZO) for year in (2025, 2026)]
    residents = read_residents_by_year(write(tmp_path / "p.csv", *rows))
    assert set(residents["code"]) == {ROME}
    assert any("'024044', '024103'" in note for note in residents.attrs["notes"])


def test_broken_tables_are_refused(tmp_path):
    path = tmp_path / "p.csv"
    with pytest.raises(InputError, match="every year"):
        read_residents_by_year(write(path, "058091,058,2025,1", "058091,058,2026,1", "015146,015,2025,1"))
    with pytest.raises(InputError, match="unique"):
        read_residents_by_year(write(path, "058091,058,2025,1", "058091,058,2025,2"))
    with pytest.raises(InputError, match="at least 0"):
        read_residents_by_year(write(path, "058091,058,2025,-1"))
    path.write_text("codice_comune,anno\n058091,2025\n")
    with pytest.raises(SourceError, match="popolazione"):
        read_residents_by_year(path)


def test_published_table_is_read_whole(mirror):
    residents = read_residents_by_year(mirror / "limen/comuni-population.csv")
    by_year = residents.groupby("year")["residents"]
    assert by_year.size().to_dict() == {"2025": 7889, "2026": 7889}
    merged = {"2025": 58_943_464, "2026": 58_942_828}  # of all 7,896 municipalities of 2025
    for year, total in merged.items():
        assert 0 < total - by_year.sum()[year] < 40_000
