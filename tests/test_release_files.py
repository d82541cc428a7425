"""A release on disk: read back without loss, never half written, never changed by mistake."""

import json

import numpy as np
import pandas as pd
import pytest

from diagnosis import provenance
from diagnosis.composite.freezing import freeze
from diagnosis.errors import InputError
from diagnosis.release_files import read_release, write_release


def release(version="2026", factor=1.0):
    table = pd.DataFrame(
        {"reddito è": [1 / 3, 2.7, 9.1], "aria": [3, np.nan, 1e-7]}, index=["001001", "NA", "None"]
    )
    directions = {"reddito è": "positive", "aria": "negative"}
    own = {"reddito è": 0.1 + 0.2, "aria": 1 / 7}
    return freeze(table * factor, own, directions, version=version, minimum_share=0.5)


def test_round_trip(tmp_path):
    path = write_release(release(), tmp_path / "new" / "release.json")
    assert path == tmp_path / "new" / "release.json"
    assert read_release(path).to_dict() == release().to_dict()
    assert read_release(str(path)).goalposts.frame.loc["reddito è", "reference"] == 0.1 + 0.2
    assert "reddito è" in path.read_text(encoding="utf-8")
    assert [found.name for found in path.parent.iterdir()] == ["release.json"]


def test_a_written_release_does_not_change_unless_asked(tmp_path):
    path = write_release(release(), tmp_path / "release.json")
    assert write_release(release(), path) == path
    with pytest.raises(InputError, match="must not change"):
        write_release(release(factor=2), path)
    assert read_release(path).to_dict() == release().to_dict()
    write_release(release(factor=2), path, replace=True)
    assert read_release(path).to_dict() == release(factor=2).to_dict()


def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_release(release(), tmp_path / "release.json")

    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(provenance.os, "fsync", fail)
    with pytest.raises(InputError, match="disk full"):
        write_release(release("2027"), path, replace=True)
    monkeypatch.undo()
    assert read_release(path).version == "2026"
    assert [found.name for found in tmp_path.iterdir()] == ["release.json"]


def test_a_folder_of_that_name_is_refused(tmp_path):
    with pytest.raises(InputError, match="ordinary file"):
        write_release(release(), tmp_path)
    with pytest.raises(InputError, match="file of a release"):
        read_release(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": 1, "base": NaN}', b'{"format": Infinity}'],
)
def test_what_is_not_json_is_refused(tmp_path, content):
    path = tmp_path / "release.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"release\.json"):
        read_release(path)


def test_what_is_not_a_release_is_refused_with_the_name_of_the_file(tmp_path):
    path = write_release(release(), tmp_path / "release.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    for changed, message in (
        ({**content, "format": 2}, "format 1"),
        ({key: content[key] for key in content if key != "classes"}, "'classes'"),
        ([content], "format 1"),
    ):
        path.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(InputError, match=message) as refused:
            read_release(path)
        assert str(path) in str(refused.value)
    with pytest.raises(InputError, match=r"absent\.json"):
        read_release(tmp_path / "absent.json")


def test_a_mark_at_the_start_and_infinite_numbers(tmp_path):
    path = write_release(release(), tmp_path / "release.json")
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig")
    assert read_release(path).to_dict() == release().to_dict()
    path.write_text(text.replace('"highest": 9.1', '"highest": 1e999'), encoding="utf-8")
    with pytest.raises(InputError, match="infinite"):
        read_release(path)
