import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from diagnosis.areas.governance.problem import AreaConstraints, AreaProblem, FlowLayer
from diagnosis.areas.governance.reasons import LIMITS
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.governance import editor as editor_module
from diagnosis.governance.editor import AreaEditor, load_texts
from diagnosis.governance.proposals import read_proposal

CODES = ["001001", "001002", "001003", "001004"]
HOSTILE = '<img src=x onerror="alert(1)">'
NAMES = ["Alba", HOSTILE, "=1+1", "None"]
START = np.array([0, 0, 1, 1])
SCRIPT = Path(editor_module.__file__).with_name("editor.js").read_text(encoding="utf-8")


def places(n=4):
    import geopandas as gpd
    from shapely.geometry import box

    shapes = [box(x, 0, x + 1, 1) for x in range(n)]
    return gpd.GeoDataFrame({"name": NAMES[:n]}, index=CODES[:n], geometry=shapes, crs=3035)


def build(**limits):
    """A line of four municipalities."""
    amounts = [[80, 5, 0, 0], [30, 50, 6, 0], [0, 12, 20, 6], [0, 0, 4, 60]]
    rows = [(CODES[i], CODES[j], float(amounts[i][j])) for i in range(4) for j in range(4)]
    flows = pd.DataFrame(rows, columns=["origin", "destination", "commuters"])
    pairs = [(CODES[i + a], CODES[i + b]) for i in range(3) for a, b in ((0, 1), (1, 0))]
    return AreaProblem.from_tables(
        pd.Series([1000.0, 600, 300, 500], index=CODES),
        {"commuting": FlowLayer(flows)},
        pd.DataFrame(pairs, columns=["code", "neighbour"]),
        AreaConstraints(**limits),
    )


def open_editor(tmp_path=None, language="en", start=START, **limits):
    return AreaEditor(
        build(**limits), start, places(), function="transport", data="abc", folder=tmp_path, language=language
    )


def test_a_move_changes_all_figures_at_once():
    editor = open_editor(min_population=850)
    before = editor.state
    assert before["total"] == before["start"]
    assert before["total"]["interaction"] == pytest.approx(editor.draft.problem.partition_value(START))
    assert before["total"]["within"] == 80 + 5 + 30 + 50 + 20 + 6 + 4 + 60
    assert [area["limits"] for area in before["areas"]] == [
        [],
        [{"limit": "min_population", "value": 800, "needed": 850}],
    ]
    editor.carry_out({"do": "move", "code": CODES[2], "area": 0})
    after = editor.state
    assert after["area"] == [0, 0, 0, 1]
    assert after["moved"] == [2]
    assert after["total"]["within"] == before["total"]["within"] + 6 + 12 - 6 - 4
    assert after["total"]["interaction"] != before["total"]["interaction"]
    assert after["start"] == before["start"]
    assert (after["done"], after["about"], after["can_undo"]) == ("done_move", 2, True)
    assert [area["population"] for area in after["areas"]] == [1900, 500]
    editor.carry_out({"do": "undo"})
    assert {**editor.state, "serial": 0, "done": "", "can_redo": False} == {**before, "serial": 0}
    editor.carry_out({"do": "redo"})
    assert editor.labels.tolist() == [0, 0, 0, 1]
    editor.carry_out({"do": "reset"})
    assert editor.labels.tolist() == START.tolist()
    assert editor.state["can_undo"]


@pytest.mark.parametrize(
    "command",
    [
        {"do": "move", "code": CODES[0], "area": 1},
        {"do": "move", "code": "999999", "area": 0},
        {"do": "move", "code": None, "area": None},
        {"do": "move", "code": [CODES[2]], "area": {}},
        {"do": "move", "code": CODES[2], "area": "0"},
        {"do": "choose", "code": {"a": 1}},
        {"do": "undo"},
        {"do": "redo"},
        {"do": "_save"},
        {"do": ["move"]},
        {},
    ],
)
def test_what_cannot_be_done_changes_nothing(command):
    editor = open_editor()
    editor.carry_out(command)
    assert editor.labels.tolist() == START.tolist()
    assert not editor.draft.can_undo
    editor._receive(editor, "text", [])
    json.dumps(editor.state, allow_nan=False)


def test_who_is_chosen_is_explained():
    editor = open_editor(max_members=2)
    editor.carry_out({"do": "choose", "code": CODES[2]})
    detail = editor.detail
    assert "if it joined it an area would have too many municipalities" in detail["reason"]
    assert [choice["area"] for choice in detail["choices"]] == [0, None]
    assert detail["choices"][0]["limits"] == ["max_members"]
    editor.carry_out({"do": "move", "code": CODES[2], "area": 0})
    assert editor.detail["state"] == editor.state["serial"]
    assert editor.detail["choices"][0]["area"] == 1
    total = editor.state["total"]["interaction"]
    back = editor.detail["choices"][0]["change"]
    editor.carry_out({"do": "undo"})
    assert editor.state["total"]["interaction"] == pytest.approx(total * (1 + back))
    editor.carry_out({"do": "choose", "code": None})
    assert editor.detail == {}


def test_a_move_that_would_win_is_not_said_to_lose():
    editor = open_editor()
    editor.carry_out({"do": "move", "code": CODES[1], "area": 1})
    editor.carry_out({"do": "choose", "code": CODES[1]})
    assert editor.draft.reasons().loc[CODES[1], "rule"] == "sum_rises"
    assert "(+" in editor.detail["reason"]
    assert "Alba" in editor.detail["reason"]


def test_a_proposal_is_saved_and_opened_again(tmp_path):
    editor = open_editor(tmp_path / "areas", min_population=850)
    editor.carry_out({"do": "move", "code": CODES[2], "area": 0})
    command = {"do": "save", "name": "La mia", "note": "Perché.", "date": "2026-05-31"}
    editor.carry_out(command)
    assert editor.saved["answer"] == "saved"
    assert editor.saved["files"] == ["la-mia.gpkg", "la-mia.csv", "la-mia.yml"]
    proposal = read_proposal(tmp_path / "areas" / "la-mia", CODES)
    about = proposal.about
    assert (about.function, about.data, about.note) == ("transport", "abc", "Perché.")
    assert [(move.code, move.before, move.after) for move in about.moved] == [(CODES[2], "None", "Alba")]
    assert about.figures["interaction"] == pytest.approx(editor.state["total"]["interaction"], abs=1e-6)
    assert about.figures["start_interaction"] == pytest.approx(editor.state["start"]["interaction"], abs=1e-6)
    assert about.figures["moved"] == 1
    assert about.areas[2].limits == ("min_population",)
    again = open_editor(tmp_path / "areas")
    again.open_proposal(proposal)
    assert again.labels.tolist() == editor.labels.tolist()
    assert again.state["moved"] == [2]
    again.carry_out(command)
    assert again.saved["answer"] == "save_there"
    again.carry_out({**command, "name": "other"})
    again.carry_out(command)
    assert again.saved["answer"] == "save_there"  # it was asked about something else in between
    again.carry_out({**command, "note": "Then."})
    assert again.saved["answer"] == "saved"
    assert read_proposal(tmp_path / "areas" / "la-mia").about.note == "Then."
    again.carry_out(command)
    assert again.saved["answer"] == "saved"


def test_what_cannot_be_saved_is_said(tmp_path):
    nowhere = open_editor()
    nowhere.carry_out({"do": "save", "name": "x"})
    assert nowhere.saved["answer"] == "save_nowhere"
    editor = open_editor(tmp_path / "areas")
    editor.carry_out({"do": "save", "name": "  "})
    assert editor.saved["answer"] == "save_no_name"
    editor.carry_out({"do": "save", "name": "../../x", "date": "never"})
    assert editor.saved["answer"] == "save_failed"
    assert "date" in editor.saved["reason"]
    assert not (tmp_path / "areas").exists()
    (tmp_path / "areas").write_text("a file")
    editor.carry_out({"do": "save", "name": "x", "date": "2026-05-31"})
    assert editor.saved["answer"] == "save_failed"


def test_a_proposal_of_another_place_is_refused(tmp_path):
    editor = open_editor(tmp_path)
    editor.carry_out({"do": "save", "name": "a", "date": "2026-05-31"})
    proposal = read_proposal(tmp_path / "a")
    tied = AreaEditor(build(must_link=[CODES[1:3]]), np.array([0, 0, 0]), places())
    with pytest.raises(InputError, match="stay together"):
        tied.open_proposal(proposal)
    with pytest.raises(InputError, match="every municipality"):
        editor.open_proposal(replace(proposal, labels=proposal.labels.drop(CODES[0])))


def test_units_fixed_and_tied():
    editor = AreaEditor(build(fixed=[CODES[2:]]), np.array([0, 0, 1]), places(), language="en")
    editor.carry_out({"do": "choose", "code": CODES[3]})
    assert editor.detail["choices"] == []
    assert editor.detail["with_it"] == ["=1+1"]
    editor.carry_out({"do": "move", "code": CODES[3], "area": 0})
    assert editor.state["done"] == "refused"


def test_what_an_editor_needs():
    with pytest.raises(UnknownNameError, match="language"):
        open_editor(language="fr")
    with pytest.raises(InputError, match="on the map"):
        AreaEditor(build(), START, places(3))
    with pytest.raises(InputError, match="starts from one area"):
        AreaEditor(build(), START[:3], places())


def test_a_move_is_a_small_message():
    editor = open_editor()
    editor.carry_out({"do": "choose", "code": CODES[1]})
    assert len(json.dumps(editor.state, allow_nan=False)) < 2500
    json.dumps([editor.territory, editor.detail], allow_nan=False)


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_word_of_the_page_is_written(language):
    texts = open_editor(language=language).texts
    asked = set(re.findall(r'(?:texts\.|say\(")([a-z_]+)', SCRIPT)) | set(
        re.findall(r'button\("([a-z_]+)"', SCRIPT)
    )
    answers = set(
        re.findall(r'_(?:tell|answer)\(\s*"([a-z_]+)"', Path(editor_module.__file__).read_text("utf-8"))
    )
    families = {f"{kind}_{name}" for kind in ("limit", "short") for name in LIMITS}
    families |= {"done_move", "done_new", "done_undo", "done_redo", "done_reset", "interaction", "areas"}
    chosen = {"internal", "moved_count", "moved_row", "moved_row_new"}
    assert asked | answers | families | chosen == set(texts)


def test_both_languages_fill_in_the_same():
    for name, text in load_texts().items():
        assert set(re.findall(r"\{\w+\}", text.it)) == set(re.findall(r"\{\w+\}", text.en)), name


def test_the_page_asks_nobody_else_and_writes_no_markup():
    style = Path(editor_module.__file__).with_name("editor.css").read_text(encoding="utf-8")
    addresses = set(re.findall(r"[a-z]+://[^\"'\s)]+", SCRIPT + style))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|import\s|fetch\(|@import|url\(",
        SCRIPT + style,
    )
