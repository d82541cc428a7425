import pandas as pd
import pytest

from diagnosis.errors import InputError, SourceError
from diagnosis.sources.mef import PUBLISHER, REPUBLISHED, read_income

HEADER = [
    "Anno di imposta",
    "Codice catastale",
    "Codice Istat Comune",
    "Denominazione Comune",
    "Sigla Provincia",
    "Regione",
    *[name for name in PUBLISHER if name not in ("Anno di imposta", "Codice Istat Comune")],
]


def row(code, *numbers, year="2023", name="AGLIE'", sign="NA"):
    return [year, "A074", code, name, sign, "Piemonte", *numbers]


def publisher(path, *rows):
    """The publisher's file: semicolons, and one name more in the header than there are cells."""
    lines = [";".join(HEADER) + "; ", *(";".join(map(str, cells)) for cells in rows)]
    path.write_bytes("\r\n".join([*lines, ""]).encode("ascii"))
    return path


def republished(path, *rows):
    pd.DataFrame(rows, columns=list(REPUBLISHED)).to_csv(path, index=False)
    return path


# taxpayers, filers, total, taxable, tax, employment, pension, self-employment, to 10,000, to 120,000, above
FULL = [100, 98, 2000000, 1900000, 300000, 1100000, 700000, 50000, 20, 5, 4]


def test_publisher_layout(tmp_path):
    income = read_income(publisher(tmp_path / "m.csv", row("001001", *FULL), row("63049", *FULL)))
    assert income.index[income["taxpayers"].notna()].tolist() == ["001001", "063049"]
    found = income.loc["001001"]
    assert found["taxpayers"] == 100
    assert found["income_filers"] == 98
    assert found["total_income"] == 2_000_000
    assert found["pension_income"] == 700_000
    assert found["filers_over_120000"] == 4
    assert income["masked"].isna().all()


def test_blank_cells_are_secret_and_never_zero(tmp_path):
    secret = [*FULL[:-2], "", " "]
    income = read_income(publisher(tmp_path / "m.csv", row("001001", *secret), row("001002", *FULL)))
    assert income.at["001001", "masked"] == "filers_75000_to_120000 filers_over_120000"
    assert income.loc["001001", ["filers_75000_to_120000", "filers_over_120000"]].isna().all()
    assert any("2 cells are kept secret" in note for note in income.attrs["notes"])


def test_row_without_municipality_is_left_out_and_told(tmp_path):
    nowhere = row("0", *FULL, name="0", sign="0")
    income = read_income(publisher(tmp_path / "m.csv", nowhere, row("001001", *FULL)))
    assert income["taxpayers"].sum() == 100
    assert any(note.startswith("income: 100 taxpayers whose municipality") for note in income.attrs["notes"])


def test_points_between_thousands(tmp_path):
    numbers = [1234, 1230, "-2.000.000", *FULL[3:]]
    income = read_income(publisher(tmp_path / "m.csv", row("001001", *numbers)))
    assert income.at["001001", "total_income"] == -2_000_000


def test_merged_since_have_no_figures_of_their_own(tmp_path):
    rows = [("2023", code, 10, 100, 90, 9) for code in ("001001", "013256")]
    income = read_income(republished(tmp_path / "m.csv", *rows))
    assert income.at["001001", "net_tax"] == 9
    assert income.loc[["013199", "013228"], "taxpayers"].isna().all()  # merged into 013256 in 2024
    assert "013256" not in income.index


def test_broken_files_are_refused(tmp_path):
    path = tmp_path / "m.csv"
    with pytest.raises(SourceError, match=r"tax year 2023.*'2019'"):
        read_income(publisher(path, row("001001", *FULL, year="2019")))
    with pytest.raises(InputError, match="must hold numbers"):
        read_income(publisher(path, row("001001", "many", *FULL[1:])))
    with pytest.raises(InputError, match="at least 0"):
        read_income(publisher(path, row("001001", -1, *FULL[1:])))
    with pytest.raises(InputError, match="001999"):
        read_income(republished(path, ("2023", "001999", 1, 1, 1, 1)))
    path.write_text("code,income\n001001,5\n")
    with pytest.raises(SourceError, match="must have the columns anno_imposta"):
        read_income(path)


def test_republished_table_is_read_whole(mirror):
    path = mirror / "mef/income-by-comune.csv"
    raw = pd.read_csv(path, dtype={"PRO_COM_T": str}, keep_default_na=False).set_index("PRO_COM_T")
    assert raw.shape[0] == 7896  # README of the mirror
    income = read_income(path)
    assert len(income) == 7904
    assert income["taxpayers"].isna().sum() == 15
    lost = raw.index.difference(income.index[income["taxpayers"].notna()])
    assert income["taxpayers"].sum() + raw.loc[lost, "contribuenti"].sum() == 42_564_356
    kept = raw.index.difference(lost)
    average = income.loc[kept, "total_income"] / income.loc[kept, "taxpayers"]
    assert (average - raw.loc[kept, "reddito_medio"]).abs().max() <= 0.5
