"""Folders are written whole or not at all; what is read back is what was saved."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from shapely.geometry import Point

from diagnosis import storage
from diagnosis.errors import InputError
from diagnosis.storage import FACTS, StageCache, read_content, save_content, whole_folder


@pytest.fixture
def content():
    codes = pd.Index(["001001", "NA", "None"], name="code")
    return {
        "plain": pd.DataFrame({"name": ["Agliè", None, ""], "value": [1.5, np.nan, -0.0]}, index=codes),
        "counts": pd.DataFrame({"count": pd.array([1, None, 3], dtype="Int64")}, index=codes),
        "empty": pd.DataFrame({"name": pd.Series(dtype="str")}),
        "places": gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(1, 2)], crs="EPSG:3035"),
        "text": "à",
        "nothing": None,
        "nested": {"list": [1, 2.5, True], "map": {"a": None}},
    }


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_round_trip(tmp_path, content):
    save_content(tmp_path / "saved", content)
    found = read_content(tmp_path / "saved")
    assert set(found) == set(content)
    for name, value in content.items():
        if isinstance(value, pd.DataFrame):
            assert_frame_equal(found[name], value)
            assert type(found[name]) is type(value)
        else:
            assert found[name] == value
    assert found["places"].crs == "EPSG:3035"
    assert names(tmp_path) == ["saved"]


def test_later_content_takes_the_place_of_the_earlier(tmp_path, content):
    save_content(tmp_path / "saved", content)
    save_content(tmp_path / "saved", {"text": "new"})
    assert read_content(tmp_path / "saved") == {"text": "new"}
    assert names(tmp_path / "saved") == [FACTS]
    assert names(tmp_path) == ["saved"]


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"value": float("nan")}, ValueError),
        ({"value": object()}, TypeError),
        ({"value": pd.Series([1])}, TypeError),
    ],
)
def test_what_cannot_be_saved_leaves_the_old_folder(tmp_path, wrong, kind):
    save_content(tmp_path / "saved", {"text": "old"})
    with pytest.raises(kind):
        save_content(tmp_path / "saved", {"plain": pd.DataFrame({"a": [1]}), **wrong})
    assert read_content(tmp_path / "saved") == {"text": "old"}
    assert names(tmp_path) == ["saved"]


def test_exception_leaves_the_old_folder_untouched(tmp_path):
    folder = tmp_path / "saved"
    with whole_folder(folder) as part:
        (part / "file").write_text("old")
    before = (folder / "file").stat().st_ino
    with pytest.raises(KeyError), whole_folder(folder) as part:
        _ = {(part / "file").write_text("new"): "written"}["then it fails"]
    assert (folder / "file").read_text() == "old"
    assert (folder / "file").stat().st_ino == before
    assert names(tmp_path) == ["saved"]


def test_interruption_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "saved"
    with whole_folder(folder) as part:
        (part / "file").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_folder(folder):
        raise KeyboardInterrupt
    assert (folder / "file").read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_killed_process_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "saved"
    save_content(folder, {"text": "old"})
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom diagnosis.storage import whole_folder\n"
        f"with whole_folder(Path({str(folder)!r})) as part:\n"
        "    (part / 'facts.json').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert read_content(folder) == {"text": "old"}
    save_content(folder, {"text": "new"})
    assert read_content(folder) == {"text": "new"}


def test_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    folder = tmp_path / "saved"
    save_content(folder, {"text": "old"})
    rename = type(folder).rename

    def refuse(self, target):
        if self.suffix == ".part":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(type(folder), "rename", refuse)
    with pytest.raises(InputError, match=r"saved must be writable.*No space left"):
        save_content(folder, {"text": "new"})
    assert read_content(folder) == {"text": "old"}
    assert names(tmp_path) == ["saved"]


def test_folder_put_there_in_between_is_replaced(tmp_path, monkeypatch):
    folder = tmp_path / "saved"
    save_content(folder, {"text": "old"})
    rename = type(folder).rename
    others = iter([True])

    def late(self, target):
        if self.suffix == ".part" and next(others, False):
            target.mkdir()
            (target / "file").write_text("of another process")
        return rename(self, target)

    monkeypatch.setattr(type(folder), "rename", late)
    save_content(folder, {"text": "new"})
    assert read_content(folder) == {"text": "new"}
    assert names(tmp_path) == ["saved"]


def test_concurrent_saves_leave_one_whole_folder(tmp_path):
    folder = tmp_path / "saved"
    frame = pd.DataFrame({"value": range(50)})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: save_content(folder, {"number": n, "frame": frame + n}), range(24)))
    found = read_content(folder)
    assert_frame_equal(found["frame"], frame + found["number"])
    assert names(tmp_path) == ["saved"]


def test_place_that_cannot_be_written_is_told_kindly(tmp_path, content):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match="must be writable"):
        save_content(tmp_path / "file" / "saved", content)
    with pytest.raises(InputError, match="it is a file"):
        save_content(tmp_path / "file", content)
    assert (tmp_path / "file").read_text() == "no folder"


def test_read_only_folder_is_told_kindly(tmp_path, monkeypatch, content):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(storage.tempfile, "mkdtemp", refuse)  # the superuser may write anywhere
    with pytest.raises(InputError, match=r"saved must be writable.*Permission denied.*choose another folder"):
        save_content(tmp_path / "saved", content)
    with pytest.raises(InputError, match="must be writable"):
        StageCache(tmp_path).get("stage", "key", lambda: content)


def test_full_disk_is_told_kindly(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail)
    with pytest.raises(InputError, match=r"No space left.*Free space"):
        StageCache(tmp_path).get("stage", "key", lambda: {"frame": pd.DataFrame({"a": [1]})})
    assert not names(tmp_path)


def break_json(folder):
    (folder / FACTS).write_text("{", encoding="utf-8")


def other_json(folder):
    (folder / FACTS).write_text("[1]", encoding="utf-8")


def no_json(folder):
    (folder / FACTS).unlink()


def break_table(folder):
    (folder / "plain.parquet").write_bytes(b"PAR1 not at all")


def cut_table(folder):
    data = (folder / "plain.parquet").read_bytes()
    (folder / "plain.parquet").write_bytes(data[: len(data) // 2])


def no_table(folder):
    (folder / "plain.parquet").unlink()


DAMAGES = [break_json, other_json, no_json, break_table, cut_table, no_table]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_incomplete_folder_is_refused(tmp_path, content, damage):
    save_content(tmp_path / "saved", content)
    damage(tmp_path / "saved")
    with pytest.raises(InputError, match="saved must be a folder of saved results"):
        read_content(tmp_path / "saved")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_unreadable_stage_is_computed_again(tmp_path, content, damage):
    cache = StageCache(tmp_path / "cache")
    cache.get("stage", "key", lambda: content)
    damage(tmp_path / "cache" / "stage-key")
    assert set(cache.get("stage", "key", lambda: content)) == set(content)
    assert set(read_content(tmp_path / "cache" / "stage-key")) == set(content)


def test_stage_is_computed_once_for_each_key(tmp_path):
    cache = StageCache(tmp_path)
    calls = []

    def compute():
        calls.append(1)
        return {"number": len(calls)}

    assert [cache.get("stage", key, compute)["number"] for key in ("a", "a", "b", "a")] == [1, 1, 2, 1]
    assert cache.get("other", "a", compute) == {"number": 3}


def test_stage_that_fails_leaves_nothing(tmp_path):
    def fail():
        raise InputError("a rule")

    with pytest.raises(InputError, match="a rule"):
        StageCache(tmp_path).get("stage", "key", fail)
    assert not names(tmp_path)


def test_facts_are_readable_json(tmp_path):
    save_content(tmp_path / "saved", {"name": "Forlì", "frame": pd.DataFrame({"a": [1]})})
    text = (tmp_path / "saved" / FACTS).read_text(encoding="utf-8")
    assert json.loads(text) == {"facts": {"name": "Forlì"}, "tables": ["frame"]}
    assert "Forlì" in text
