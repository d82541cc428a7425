from functools import partial

import pytest

from diagnosis.config import default_settings
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.studies import governance
from diagnosis.studies.governance import open_area_editor, proposals_folder


@pytest.fixture
def open_editor(example_settings, monkeypatch):
    work = example_settings.cache.parents[1]
    monkeypatch.setattr(governance, "default_settings", partial(default_settings, work=work))
    monkeypatch.setattr(governance, "QUICK_ROUNDS", 100)
    return open_area_editor


@pytest.mark.slow
def test_the_editor_opens_saves_and_goes_on(open_editor, tmp_path):
    editor = open_editor("example", language="en", save_to=str(tmp_path))
    assert editor.territory["function"] == "Strategic planning"
    assert editor.state["total"]["broken"] == 0
    code = next(code for code in editor.labels.index if editor.draft.destinations(code))
    editor.carry_out({"do": "move", "code": code, "area": editor.draft.destinations(code)[0]})
    editor.carry_out({"do": "save", "name": "mine", "date": "2026-05-31"})
    assert editor.saved["answer"] == "saved"
    again = open_editor("example", save_to=str(tmp_path), proposal="mine")
    assert again.language == "it"
    assert again.draft.moved().tolist() == [code]
    with pytest.raises(InputError, match=r"other\.csv must be there"):
        open_editor("example", save_to=str(tmp_path), proposal="other")


def test_what_is_not_there(open_editor):
    with pytest.raises(UnknownNameError, match="transport"):
        open_editor("example", "trasport")
    with pytest.raises(UnknownNameError, match="city"):
        open_editor("nowhere")


def test_proposals_lie_in_the_folder_of_the_city(tmp_path):
    assert proposals_folder(tmp_path, "siena") == tmp_path / "siena" / "areas"
