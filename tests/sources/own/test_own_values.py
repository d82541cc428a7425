"""Numbers as people write them: what proves a decimal sign, what proves nothing, and percentages."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.sources.own.units import UNDECLARED, counts_people, find_scale, find_unit, read_unit
from diagnosis.sources.own.values import read_numbers, read_year, without_year, year_in


def read(*cells, **options):
    return read_numbers(pd.Series(cells, dtype=object), **options)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.234,5", "12"], [1234.5, 12]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["1.234", "12,5"], [1234, 12.5]),
        (["1.234", "12.5"], [1.234, 12.5]),
        (["1,234", "0,5"], [1.234, 0.5]),
        (["1.234.567", "1.234"], [1234567, 1234]),
        (["1 234,567", "1\u00a0234", "1'234"], [1234.567, 1234, 1234]),
        (["0.123"], [0.123]),
        (["1234.567"], [1234.567]),
        (["€ 5", "7 €", "-3", "−3", "+4"], [5, 7, -3, -3, 4]),
        (["12,5%", "7 %"], [12.5, 7]),
        (["1,5E-03"], [0.0015]),
        ([1234.0, 5], [1234, 5]),
    ],
)
def test_what_other_cells_prove(cells, values):
    numbers = read(*cells)
    assert numbers.faults == []
    assert numbers.values == pytest.approx(values)


@pytest.mark.parametrize(
    "cells", [["1.234"], ["1,234"], ["1.234", "999"], ["1.234", "2,345"], [5.5, "1.234"]]
)
def test_nothing_is_guessed(cells):
    numbers = read(*cells)
    assert {kind for _, kind, _ in numbers.faults} == {"ambiguous_number"}
    assert all(np.isnan(numbers.values[i]) for i, _, _ in numbers.faults)


def test_the_yaml_decides():
    assert read("1.234", decimal="comma").values == [1234]
    assert read("1.234", decimal="point").values == [1.234]
    assert [kind for _, kind, _ in read("12.5", decimal="comma").faults] == ["mixed_format"]


def test_evidence_is_told():
    numbers = read("7", "1.234", "12,5")
    assert numbers.evidence == (1, 2, "comma")
    assert read("7", "12,5").evidence is None


def test_two_formats_in_a_column():
    numbers = read("1.234,5", "2,5", "2.5", "1.234")
    assert [(i, kind) for i, kind, _ in numbers.faults] == [(2, "mixed_format"), (3, "ambiguous_number")]
    assert numbers.values[:2] == pytest.approx([1234.5, 2.5])


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("circa 12", "not_a_number"), ("12*", "not_a_number"), ("1.23.456", "not_a_number"), ("12,", "not_a_number"),
        ("1٫5", "not_a_number"), ("10²", "not_a_number"), ("١٢", "not_a_number"), ("inf", "not_a_number"),
        ("1_000", "not_a_number"), ("0x10", "not_a_number"), ("VERO", "not_a_number"),
        ("=1+2", "formula_text"), ("=cmd|' /C calc'!A0", "formula_text"), ("@SUM(A1)", "formula_text"),
        ("+A1", "formula_text"), ("#DIV/0!", "cell_error"), ("#RIF!", "cell_error"),
        (pd.Timestamp(2024, 5, 1), "date_for_number"),
    ],
)  # fmt: skip
def test_what_is_no_number(cell, kind):
    numbers = read("3", cell)
    assert [(i, k) for i, k, _ in numbers.faults] == [(1, kind)]
    assert np.isnan(numbers.values[1])


def test_marks_of_missing_values():
    numbers = read("", "-", "n.d.", "NA", "..", "boh", further=["BOH"])
    assert numbers.faults == []
    assert np.isnan(numbers.values).all()
    assert sum(numbers.missing.values()) == 6


@given(
    st.lists(st.decimals(-9_999_999, 9_999_999, places=2), min_size=1, max_size=6),
    st.sampled_from(["comma", "point"]),
)
def test_written_numbers_come_back(values, decimal):
    def write(value):
        text = f"{value:,.2f}"
        return text.translate(str.maketrans(",.", ".,")) if decimal == "comma" else text

    numbers = read(*map(write, values))  # two decimals are evidence in each cell
    assert numbers.faults == []
    assert numbers.values == pytest.approx([float(value) for value in values])


@pytest.mark.parametrize(
    "cell", [float("inf"), -float("inf"), 10**400, -(10**16), "1" * 17, "-1e99", "1.5e90"]
)
def test_huge_numbers(cell):
    numbers = read(1, cell)
    assert [fault[:2] for fault in numbers.faults] == [(1, "huge_number")]
    assert np.isnan(numbers.values[1])
    assert read(10**15).faults == []


@given(st.text(max_size=12))
def test_any_text_is_a_number_missing_or_a_fault(text):
    numbers = read(text)
    assert np.isfinite(numbers.values[0]) + len(numbers.faults) + sum(numbers.missing.values()) == 1


@pytest.mark.parametrize(
    ("cell", "year"),
    [(2021.0, "2021"), ("2021", "2021"), ("2021/22", "2021/22"), ("2021 - 2022", "2021/2022"),
     (pd.Timestamp(2023, 1, 1), "2023"), ("21", None), ("1821", None), ("anno 2021", None)],
)  # fmt: skip
def test_years(cell, year):
    assert read_year(cell) == year


def test_years_in_headings():
    assert year_in("Posti nido 2021") == "2021"
    assert year_in("Iscritti (a.s. 2021/22)") == "2021/22"
    assert year_in("dal 2021 al 2023") is None
    assert year_in("codice 120215") is None
    assert year_in("Residenti al 31/12/2022") == "2022"
    assert without_year("Residenti al 31/12/2022") == "Residenti"
    assert without_year("Popolazione al 31/12 – 2021") == "Popolazione"
    assert without_year("Posti (2021)") == "Posti"


# units and percentages


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("Raccolta differenziata (%)", "%"),
        ("Spesa [€]", "€"),
        ("Posti nido, n.", "n."),
        ("Utenti per 1.000 abitanti", "per 1.000 abitanti"),
        ("Quota % di anziani", "%"),
        ("Posti (2021)", ""),
        ("Posti (31/12/2021)", ""),
        ("Posti (km) (1)", "km"),
        ("Posti", ""),
    ],
)
def test_units_in_headings(heading, unit):
    assert read_unit(heading) == unit


def test_units():
    assert (find_unit("per 1.000 abitanti").text.en, find_unit("ogni 1000").factor) == (
        "per 1,000 abitanti",
        1000,
    )
    assert (find_unit("%").factor, find_unit("Euro").text.en) == (100, "euros")
    assert find_unit("pinte").key == ""
    assert find_unit("").text.it == UNDECLARED.text.it


@pytest.mark.parametrize(
    ("unit", "label", "values", "people"),
    [("alunni", "x", [1.5], True), ("n.", "Alunni con disabilità", [2], True), ("n.", "Panchine", [2], False),
     ("km", "Piste", [2], False), ("", "Panchine", [2, 3], True), ("", "Indice", [2.5], False)],
)  # fmt: skip
def test_what_counts_people(unit, label, values, people):
    assert counts_people(find_unit(unit), label, np.array(values, float)) is people


def scale_of(cells, percent=False, declared=None):
    scale = find_scale(read(*cells), np.full(len(cells), percent), declared)
    return scale.kind, scale.factors.tolist()


def test_percentages():
    assert scale_of([35.0, 0.4]) == ("", [1, 1])
    assert scale_of(["35%", "0,4%"]) == ("", [1, 1])
    assert scale_of([0.35, 1.2], percent=True) == ("shares_by_format", [100, 100])
    assert scale_of([0.1, 0.2, 0.3, 0.4, 0.5]) == ("shares_by_values", [100] * 5)
    assert scale_of([0.01, 0.02])[0] == "scale_unclear"
    assert scale_of([0.5])[0] == "scale_unclear"
    assert scale_of(["35%", 0.35])[0] == "mixed_scale"
    assert scale_of([0.01, 0.02], declared="share") == ("", [100, 100])
    assert scale_of([0.01, 0.02], declared="percent") == ("", [1, 1])
    assert scale_of([0.01, 2.0], declared="share")[0] == "share_above_one"
    assert scale_of([0.0, 0.0]) == ("", [1, 1])


def test_a_workbook_with_two_ways_of_percentages():
    scale = find_scale(read(0.35, 35.0), np.array([True, False]), None)
    assert (scale.kind, scale.positions) == ("mixed_scale", (0,))
