"""An own table of indicators: what is read from it, and what is said of a table that cannot be read."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.sources.indicator_tables import _numbers, read_indicator_table

TABLE = "codice;nome;reddito;disoccupazione;altro\n1;Uno;20,5;-1,0;x\n2;Due;n.d.;12;y\n3;;18,25;9,5;z\n"
ABOUT = "id;dominio;polarità;peso;nome;unità;anno\nreddito;lavoro;positiva;;Reddito;migliaia di euro;2022\n"
ABOUT += "disoccupazione;lavoro;-;2;;;\n"


@pytest.fixture
def write(tmp_path):
    def write(table=TABLE, about=ABOUT):
        (tmp_path / "my.csv").write_text(table, encoding="utf-8")
        (tmp_path / "about.csv").write_text(about, encoding="utf-8")
        return tmp_path / "my.csv", tmp_path / "about.csv"

    return write


def test_italian_headings_and_decimal_commas(write):
    found = read_indicator_table(*write())
    assert found.values.index.tolist() == ["1", "2", "3"]
    assert found.values["reddito"].tolist() == pytest.approx([20.5, np.nan, 18.25], nan_ok=True)
    assert found.values["disoccupazione"].tolist() == [-1.0, 12.0, 9.5]
    assert found.names.tolist() == ["Uno", "Due", "3"]
    about = found.indicators
    assert about["direction"].tolist() == ["positive", "negative"]
    assert about["weight"].tolist() == [1.0, 2.0]
    assert about["name"].tolist() == ["Reddito", "disoccupazione"]
    assert about.loc["reddito", ["domain", "unit", "year"]].tolist() == ["lavoro", "migliaia di euro", "2022"]


def test_the_first_column_is_the_code_where_none_is_known(write):
    about = "id,domain,direction\na,d,positive\nb,d,negative\n"
    found = read_indicator_table(*write("name,a,b\nNord,1.5,2\nSud,2.5,3\nEst,NA,4\n\n", about))
    assert found.values.index.tolist() == ["Nord", "Sud", "Est"]
    assert found.names.tolist() == ["Nord", "Sud", "Est"]
    assert found.values["a"].isna().tolist() == [False, False, True]
    assert found.indicators["weight"].tolist() == [1.0, 1.0]


def test_other_formats(write, tmp_path):
    _, about = write()
    frame = pd.DataFrame(
        {"code": ["x", "y", "z"], "reddito": [1.25, None, 1e-7], "disoccupazione": [1, 2, 3]}
    )
    frame.to_parquet(tmp_path / "my.parquet")
    found = read_indicator_table(tmp_path / "my.parquet", about)
    assert found.values["reddito"].tolist() == pytest.approx([1.25, np.nan, 1e-7], nan_ok=True)


@pytest.mark.parametrize(
    ("table", "about", "kind", "message"),
    [
        (TABLE.replace("reddito", "redito"), ABOUT, UnknownNameError, "did you mean 'redito'"),
        (TABLE.replace("12;", "molto;"), ABOUT, InputError, "row 3: 'molto'"),
        (TABLE.replace("18,25", "18.25"), ABOUT, InputError, "'20,5'.*not both"),
        (TABLE.replace("20,5", "inf"), ABOUT, InputError, "'inf'"),
        (TABLE.replace("20,5", "1.234,5"), ABOUT, InputError, "'1.234,5'"),
        (TABLE.replace("20,5", "20,125").replace("18,25", "18,250"), ABOUT, InputError, "thousands"),
        (TABLE.replace("2;Due", "1;Due"), ABOUT, InputError, "every unit must have one row.*'1'"),
        (TABLE.replace("2;Due", ";Due"), ABOUT, InputError, "rows without: 3"),
        ("\n".join(TABLE.splitlines()[:3]), ABOUT, InputError, "at least 3 units.*2"),
        (TABLE, ABOUT.replace(";-;", ";;"), InputError, "direction.*'disoccupazione'"),
        (TABLE, ABOUT.replace(";-;", ";boh;"), UnknownNameError, "'boh'.*negative where less"),
        (TABLE, ABOUT.replace("polarità", "boh"), InputError, "direction"),
        (TABLE, ABOUT.replace("zione;lavoro", "zione;"), InputError, "domain.*'disoccupazione'"),
        (TABLE, ABOUT.replace("disoccupazione", "reddito"), InputError, "repeated: 'reddito'"),
        (TABLE, ABOUT.replace(";2;", ";-2;"), InputError, "weights must be zero or more.*'disoccupazione'"),
        (TABLE, ABOUT.replace(";2;", ";tanto;"), InputError, "weights must be numbers.*'tanto'"),
        ("codice;reddito\n", ABOUT, InputError, "."),
    ],
)
def test_what_is_refused(write, table, about, kind, message):
    with pytest.raises(kind, match=f"(?i){message}"):
        read_indicator_table(*write(table, about))


@given(st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 2)), min_size=1, max_size=20))
def test_commas_and_points_give_the_same_numbers(values):
    points = pd.Series([f"{value:.2f}" for value in values], dtype="str")
    commas = points.str.replace(".", ",", regex=False)
    assert _numbers(points, "it", 2).tolist() == values
    assert _numbers(commas, "it", 2).tolist() == values
