"""Municipalities as people write them: found, said, or refused with the nearest; codes of other years."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.sources.embedded import read_register
from diagnosis.sources.own.places import PlaceIndex, is_total
from diagnosis.sources.own.vintages import find_vintage, find_wrong


@pytest.fixture(scope="module")
def register():
    return read_register()


@pytest.fixture(scope="module")
def index(register):
    return PlaceIndex(register, register["cadastral"], register.index[register["province"] == "089"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SIRACUSA", "089017"), (" siracusa ", "089017"), ("Comune di Noto", "089013"), ("Forli'", "040012"),
        ("Forlì", "040012"), ("FORLI", "040012"), ("Bozen", "021008"), ("Bolzano - Bozen", "021008"),
        ("Bozen/Bolzano", "021008"), ("Città di Castello", "054013"), ("Sant’Agata di Militello", "083084"),
        ("Castro (LE)", "075096"), ("Paternò", "087033"), ("Tre Ville", "022247"), ("Treville", "006175"),
        ("None", None),
    ],
)  # fmt: skip
def test_names(index, register, text, code):
    match = index.match_name(text)
    if code is None:
        code = register.index[register["name"] == text].item()
    assert (match.kind, match.code) == ("", code)


def test_every_official_name_is_found(index, register):
    missed = [
        name
        for code, name, sign in register[["name", "province_sign"]].itertuples()
        if index.match_name(name, sign).code != code
    ]
    assert missed == []


@pytest.mark.parametrize("text", ["Reggio Emilia", "S. Michele al Tagliamento", "Reggio Calabria"])
def test_abbreviations_are_said(index, text):
    assert index.match_name(text).kind == "near"


def test_namesakes(index):
    assert index.match_name("Castro").kind == "ambiguous_name"
    assert set(index.match_name("Castro").candidates) == {"016065", "075096"}
    assert index.match_name("Castro", "Lecce").code == "075096"
    assert index.match_name("Castro", "75").code == "075096"
    assert index.match_name("S. Teodoro").kind == "ambiguous_name"
    assert index.match_name("Paterno").kind == "ambiguous_name"  # Paterno or Paternò without its accent
    assert index.match_name("Siracusa", "NA").kind == "other_province"
    inside = PlaceIndex(index.municipalities, territory=["075096"])
    assert (inside.match_name("Castro").kind, inside.match_name("Castro").code) == ("territory", "075096")


def test_a_misspelt_name_is_never_guessed(index):
    match = index.match_name("Sirausa")
    assert (match.code, match.kind, match.candidates[0]) == (None, "unknown_name", "089017")
    assert index.describe(match.candidates).startswith("Siracusa (SR, 089017), ")
    assert index.match_name("qqqqqq").candidates == ()


def test_codes(index):
    assert (index.match_code("089017").kind, index.match_code("89017").kind) == ("", "zeros")
    assert (index.match_code("1001").code, index.match_code("1001.0").kind) == ("001001", "zeros")
    assert index.match_code("089917").kind == "unknown_code"
    assert "089017" in index.match_code("089917").candidates
    assert index.match_code("x").code is None
    assert (index.match_cadastral("i754").code, index.match_cadastral("Z999").kind) == (
        "089017",
        "unknown_code",
    )


@pytest.mark.parametrize(
    "text", ["Totale", "TOTALE PROVINCIA", "Provincia di Siracusa", "Media nazionale", "Italia"]
)
def test_totals(text):
    assert is_total(text)


def test_no_municipality_is_a_total(register):
    assert not register["name"].map(is_total).any()


@given(st.text(max_size=20))
def test_any_text_is_answered(index, text):
    match = index.match_name(text)
    assert match.found == (match.code is not None)


# codes of other years


def test_the_year_of_codes(register):
    codes = ["041033", "089017"]  # Montecopiolo, before it went to Rimini in 2021
    assert find_vintage(codes, ["041033"], register, None) == ("2020", [])
    assert find_vintage(["999999", "089017"], ["999999"], register, None) == (None, ["999999"])
    assert find_wrong(["041033", "999999", "089017", "888888"], "2020", register, None) == [
        "999999",
        "888888",
    ]


def test_codes_of_a_year_that_need_cadastral_codes(register):
    sardinia = register[register["region"] == "20"].iloc[:1]
    published = pd.DataFrame({"cadastral": sardinia["cadastral"].to_numpy()}, index=["119999"])
    assert find_vintage(["119999"], ["119999"], register, None)[0] is None
    vintage, wrong = find_vintage(["119999"], ["119999"], register, published)
    assert vintage is not None
    assert wrong == []
