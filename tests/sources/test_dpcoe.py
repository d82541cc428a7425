import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.dpcoe import read_inner_areas

COLUMNS = [
    "PROCOM_T",
    "COMUNE_30sett20",
    "MAPPA AI 2020\n\nCOD_AI_2020",
    "MAPPA AI 2020 \n\nDES_AI_2020",
    "MAPPA AI 2020\n\nMEDIA tempi di percorrenza",
    "MAPPA AI 2020\n\nCodice PROCOM_N\ndel COMUNE di destinazione prevalente",
    "MAPPA AI 2020\n\nDenominazione del COMUNE di destinazione prevalente",
]
NONE = ["001168", "None", "C", "C - Cintura", 15.2, 1164, "Nichelino"]
MOVED = ["041033", "Montecopiolo", "E", "E - Periferico", 58.5, 99014, "Rimini"]


@pytest.fixture
def read(tmp_path, write_workbook):
    def read(*rows, columns=COLUMNS, sheet="DATI"):
        sheets = {"LEGGIMI": [["note"]], sheet: [["Mappa"], [""], columns, *rows]}
        return read_inner_areas(write_workbook(tmp_path / "map.xlsx", sheets))

    return read


def test_classes_are_carried_from_2020(read):
    areas = read(NONE, MOVED)
    assert areas["snai_class"].to_dict() == {"001168": "C", "099030": "E"}
    assert areas["minutes_to_pole"].tolist() == [15.2, 58.5]
    assert areas["pole_code"].tolist() == ["001164", "099014"]
    assert areas["pole_name"].tolist() == ["Nichelino", "Rimini"]


def test_broken_maps_are_refused(read):
    with pytest.raises(InputError, match=r"map\.xlsx.*snai_class.*'G'"):
        read([*NONE[:2], "G", *NONE[3:]])
    with pytest.raises(InputError, match="at least 0"):
        read([*NONE[:4], -1, *NONE[5:]])
    with pytest.raises(SourceError, match="COD_AI_2020"):
        read(NONE, columns=["other" if "COD_AI" in name else name for name in COLUMNS])
    with pytest.raises(SourceError, match="DATI"):
        read(NONE, sheet="Foglio1")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", b"<html>moved</html>", b"\xd0\xcf\x11\xe0" * 100]
)
def test_corrupt_workbook_is_a_source_error(tmp_path, content):
    (tmp_path / "map.xlsx").write_bytes(content)
    with pytest.raises(SourceError, match=r"map\.xlsx must be an Excel workbook"):
        read_inner_areas(tmp_path / "map.xlsx")


def test_published_map_equals_the_validated_one(mirror):
    areas = read_inner_areas(mirror / "dpcoe/mappa-ai-2020-elenco-classificazione-comuni.xlsx")
    expected = pd.read_csv(mirror / "validation/snai_2020.csv", dtype=str, keep_default_na=False).set_index(
        "code"
    )
    expected = expected.drop("081025")
    assert areas.index.equals(pd.Index(expected.index))
    assert areas["snai_class"].tolist() == expected["class"].tolist()
    assert areas["minutes_to_pole"].tolist() == expected["minutes_to_pole"].astype(float).tolist()
    assert areas["pole_code"].tolist() == expected["pole_code"].tolist()
    assert areas["pole_name"].tolist() == expected["pole_name"].tolist()
    assert areas["snai_class"].value_counts().to_dict() == {
        "A": 182,
        "B": 59,
        "C": 3828,
        "D": 1928,
        "E": 1524,
        "F": 382,
    }
    assert any("081025" in note for note in areas.attrs["notes"])
