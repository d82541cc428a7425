import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from diagnosis.charts import area_curve
from diagnosis.drawing import area_curve as module
from diagnosis.drawing.area_curve import WORDS, _find_scale
from diagnosis.drawing.canvas import ACCENT, text_box
from diagnosis.errors import InputError, UnknownNameError

SVG = "{http://www.w3.org/2000/svg}"
ABOUT = {"figure_id": "curve", "title": "Curve", "language": "en"}
CURVE = pd.DataFrame(
    {
        "value": [0.30, 0.40, 0.44, 0.42],
        "bound": [0.30, 0.43, 1.60, np.inf],
        "status": ["optimal", "bounded", "bounded", "no bound"],
        "internal_share": [0.95, 0.9, 0.85, 0.8],
        "chosen": [False, True, False, False],
        "best": [False, False, True, False],
    },
    index=pd.Index([2, 3, 4, 6], name="areas"),
)


def tips(figure):
    root = ElementTree.fromstring(figure.svg)
    return [
        (path.find(f"{SVG}title").text, re.search(r"fill:\s*(#\w+|none)", path.get("style"))[1])
        for path in root.iter(f"{SVG}path")
        if len(path)
    ]


def test_proven_values_are_filled_and_others_hollow():
    found = tips(area_curve(CURVE, **ABOUT))
    values, shares = dict(found[:4]), dict(found[4:])
    assert list(values) == ["2: 0.300", "3: 0.400", "4: 0.440", "6: 0.420"]
    assert list(shares) == ["2: 95.0%", "3: 90.0%", "4: 85.0%", "6: 80.0%"]
    assert [fill == ACCENT for fill in values.values()] == [True, False, False, False]
    assert list(values.values()) == list(shares.values())


def test_the_words_say_what_is_proposed_and_how_sure_it_is():
    figure = area_curve(CURVE, **ABOUT)
    assert (
        "The proposal has 3 areas: interaction 0.400 (best one found), internal commuters 90.0%."
        in figure.alt
    )
    assert "The largest interaction is 0.440, with 4 areas; the smallest 0.300, with 2 areas." in figure.alt
    assert figure.table.columns.tolist() == ["value", "bound", "proven", "internal_share", "chosen", "best"]
    assert figure.table["proven"].tolist() == [True, False, False, False]
    first = CURVE.assign(chosen=[True, False, False, False]).set_axis([1, 2, 3, 4])
    assert "The proposal has 1 area: interaction 0.300 (proven largest)" in area_curve(first, **ABOUT).alt


def test_a_bound_far_above_does_not_flatten_the_curve():
    low, high, cut = _find_scale(CURVE)
    assert cut.tolist() == [False, False, True, False]
    assert (low, high) == (0.30, 0.44)
    near = CURVE.assign(bound=[0.30, 0.45, 0.50, np.nan])
    assert _find_scale(near)[1] == 0.50
    assert not _find_scale(near)[2].any()
    same = CURVE.assign(value=0.4, bound=[0.4, 0.49, 0.51, np.inf])
    assert _find_scale(same)[2].tolist() == [False, False, True, False]


@pytest.mark.parametrize("numbers", [[2, 3], list(range(1, 61)), [5, 50]])
def test_labels_and_marks_stay_on_the_sheet(numbers):
    n = len(numbers)
    curve = pd.DataFrame(
        {
            "value": np.linspace(1, 2, n),
            "bound": np.where(np.arange(n) % 2, 400.0, np.inf),
            "status": "bounded",
            "internal_share": np.linspace(1, 0, n),
            "chosen": np.arange(n) == 0,
            "best": np.arange(n) == n - 1,
        },
        index=numbers,
    )
    svg = area_curve(curve, **{**ABOUT, "language": "it"}).svg
    width, height = (float(number) for number in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    places = [
        (float(x), float(y)) for x, y in re.findall(r"translate\(([\d.-]+) ([\d.-]+)\) scale", svg)
    ]  # where texts begin
    assert places
    assert all(0 <= x < width and 0 < y <= height for x, y in places)


@pytest.mark.parametrize("best", [1, 2, 4, 5, 6])
@pytest.mark.parametrize("language", ["it", "en"])
def test_no_label_is_crossed_by_the_dashed_line(monkeypatch, best, language):
    """Where there is room: as in a curve of six numbers."""
    written, lines = [], []
    monkeypatch.setattr(module, "write_labels", lambda canvas, labels: written.append(labels))
    monkeypatch.setattr(module, "_mark_chosen", lambda canvas, x, box: lines.append(x))
    values = [0.22, 0.372, 0.421, 0.41, 0.418, 0.351]
    values[best - 1] = 0.442
    curve = pd.DataFrame(
        {
            "value": values,
            "bound": values,
            "status": "optimal",
            "internal_share": [0.952, 0.923, 0.909, 0.867, 0.831, 0.773],
            "chosen": [number == 3 for number in range(1, 7)],
            "best": [number == best for number in range(1, 7)],
        },
        index=pd.RangeIndex(1, 7, name="areas"),
    )
    area_curve(curve, **{**ABOUT, "language": language})
    left, *right = written
    assert [len(left), len(right)] == [2, 2]
    for line, labels in zip(lines, (left, [label for one in right for label in one]), strict=True):
        for label in labels:
            box = text_box(*label.place, label.text, label.size, label.bold)
            assert not box[0] <= line <= box[2], label.text
    assert all(re.search("[a-z]", label.text) for label in left)
    assert re.match(f"(con |with )?{best}: ", right[1][0].text)


def test_values_all_alike_and_shares_unknown():
    curve = CURVE.assign(value=0.0, bound=0.0, internal_share=np.nan)
    figure = area_curve(curve, **ABOUT)
    assert len(tips(figure)) == 4
    assert "internal commuters n/a" in figure.alt


def test_wrong_curves_are_told():
    with pytest.raises(InputError, match=r"at least two.*there is 1"):
        area_curve(CURVE.iloc[[1]], **ABOUT)
    with pytest.raises(InputError, match="missing: 'bound'"):
        area_curve(CURVE.drop(columns="bound"), **ABOUT)
    with pytest.raises(InputError, match="ascending order"):
        area_curve(CURVE.iloc[::-1], **ABOUT)
    with pytest.raises(InputError, match="ascending order"):
        area_curve(CURVE.set_axis(list("abcd")), **ABOUT)
    with pytest.raises(InputError, match=r"needs a value.*'6'"):
        area_curve(CURVE.assign(value=[0.1, 0.2, 0.3, np.nan]), **ABOUT)
    with pytest.raises(InputError, match=r"must be chosen.*0 are"):
        area_curve(CURVE.assign(chosen=False), **ABOUT)
    with pytest.raises(InputError, match=r"must be best.*4 are"):
        area_curve(CURVE.assign(best=True), **ABOUT)
    with pytest.raises(UnknownNameError):
        area_curve(CURVE, **{**ABOUT, "language": "de"})


def test_both_languages_have_the_same_words_of_the_curve():
    assert WORDS["it"].keys() == WORDS["en"].keys()
    for name, text in WORDS["it"].items():
        assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", WORDS["en"][name])), name
