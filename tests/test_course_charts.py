"""Small charts of courses on one scale."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.drawing.canvas import ACCENT, WIDTH
from diagnosis.drawing.courses import _space_out, course_panels
from diagnosis.errors import InputError
from diagnosis.figure import Figure

SVG = "{http://www.w3.org/2000/svg}"
COMMON = {"figure_id": "c1", "title": "Titolo <&>", "source": "ISTAT", "highlight": "Siracusa"}


def read_lines(figure, colour=ACCENT):
    """Places of the lines in one colour, the key left out; nothing lies outside the sheet."""
    root = ElementTree.fromstring(figure.svg)
    _, _, width, height = (float(number) for number in root.get("viewBox").split())
    assert width == WIDTH
    lines = []
    for path in root.iter(f"{SVG}path"):
        style = path.get("style") or ""
        if path.get("transform") or "Q" in path.get("d"):
            continue
        places = np.array(re.findall(r"-?\d+\.?\d*", path.get("d")), dtype=float).reshape(-1, 2)
        assert places.min() >= -1
        assert (places.max(axis=0) <= [width + 1, height + 1]).all()
        if f"stroke:{colour}" in style and "C" not in path.get("d"):
            lines.append(places)
    return lines[1:]


@pytest.fixture
def panels():
    years = pd.Index(["2018", "2019", "2020", "2021"], name="year")
    health = pd.DataFrame({"Italia": [100.0, 101, 99, 102], "Siracusa": [95, 96, 94, 98.04]}, index=years)
    work = pd.DataFrame({"Italia": [100.0, 100, 101, 101], "Siracusa": [80, 81, np.nan, 83]}, index=years)
    return {"Salute": health, "Lavoro": work}


def test_panels_share_one_scale(panels):
    health, *work = read_lines(course_panels(panels, **COMMON))
    assert len(work) == 1  # two years beside each other; the single last one is a dot
    assert len(health) == 4
    up = (health[0, 1] - health[3, 1]) / (98.04 - 95)
    assert up > 0
    assert (work[0][0, 1] - work[0][1, 1]) / (81 - 80) == pytest.approx(up, rel=0.02)
    # both panels stand beside each other, and 80 lies as far below 95 as the scale says
    assert work[0][0, 1] - health[0, 1] == pytest.approx(15 * up, rel=0.01)


def test_words_and_table_hold_the_numbers(panels):
    figure = course_panels(panels, notes={"Salute": "sale in tutti i calcoli"}, **COMMON)
    assert isinstance(figure, Figure)
    assert "Salute: Siracusa 95,0 (2018), 98,0 (2021); Italia 100,0 (2018), 102,0 (2021)" in figure.alt
    assert "sale in tutti i calcoli" in figure.alt
    assert "Lavoro: Siracusa 80,0 (2018), 83,0 (2021)" in figure.alt
    assert figure.table.loc[("Salute", "2021")].tolist() == [102, 98.04]
    assert list(figure.table.index.names) == ["panel", "year"]
    assert len(figure.table) == 8


def test_missing_scores_leave_a_gap_and_an_empty_panel_says_so(panels):
    panels["Lavoro"]["Siracusa"] = np.nan
    assert "Lavoro: Italia 100,0 (2018)" in course_panels(panels, **COMMON).alt
    panels["Lavoro"][:] = np.nan
    figure = course_panels(panels, **COMMON)
    assert "Lavoro" not in figure.alt
    panels["Salute"][:] = np.nan
    assert read_lines(course_panels(panels, reference=None, **COMMON)) == []


def test_years_may_differ_and_be_one(panels):
    panels["Salute"] = panels["Salute"].loc[["2018"]]
    figure = course_panels(panels, language="en", decimals=2, **COMMON)
    assert "Salute: Siracusa 95.00 (2018), 95.00 (2018)" in figure.alt
    assert len(read_lines(figure)) == 1  # one year is a dot


def test_ten_panels_with_long_words_fit(panels):
    long = "Conciliazione dei tempi di vita e di lavoro nelle province e nelle città metropolitane " * 3
    many = {f"{long}{number}": panels["Salute"] for number in range(10)}
    figure = course_panels(many, notes=dict.fromkeys(many, long), **COMMON)
    assert len(read_lines(figure)) == 10


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda panels: {}, "at least one panel"),
        (lambda panels: {"a": panels["Salute"].drop(columns="Siracusa")}, "highlighted column"),
        (lambda panels: panels | {"Lavoro": panels["Lavoro"][["Siracusa"]]}, "same territories"),
        (lambda panels: {"a": panels["Salute"].iloc[::-1]}, "ascending"),
        (lambda panels: {"a": panels["Salute"].iloc[:0]}, "ascending"),
        (lambda panels: {"a": panels["Salute"].rename(index={"2019": "2018-19"})}, "ascending"),
    ],
)
def test_wrong_panels_are_refused(panels, change, rule):
    with pytest.raises(InputError, match=rule):
        course_panels(change(panels), **COMMON)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_numbers_at_the_ends_do_not_overlap(heights):
    wanted = {str(place): height for place, height in enumerate(heights)}
    found = _space_out(wanted, 8.0)
    assert set(found) == set(wanted)
    placed = sorted(found.values())
    assert all(np.diff(placed) >= 8 - 1e-9)
    order = sorted(wanted, key=wanted.get)
    assert [found[name] for name in order] == placed
    assert np.mean(placed) == pytest.approx(np.mean(heights), abs=1e-6)
