"""Where files come from besides publishers, what a full disk does, and several processes at one folder."""

import errno
import json
import signal
import subprocess
import sys
import textwrap

import pytest

from diagnosis.provenance import file_digest
from diagnosis.sources import transfer

ETAG = '"one"'
PULL = """
    import json, sys
    from diagnosis.provenance import Source
    from diagnosis.sources.fetch import pull
    source = Source(**json.loads(sys.argv[1]))
    [result] = pull({source.id: source}, sys.argv[2], pause=0, timeout=(5, 5), retries=0)
    print(result.status, result.detail)
"""


def start(source, folder, before=(), code=PULL):
    """Start a process that pulls one source into a folder."""
    arguments = [sys.executable, "-c", textwrap.dedent(code), source.model_dump_json(), str(folder)]
    return subprocess.Popen([*before, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_what_the_mirror_holds_is_not_downloaded(site, source, fetch, tmp_path):
    site.pages["/b.zip"] = lambda page, _: page.reply(body=site.good)
    mirror = tmp_path / "mirror"
    (mirror / "office").mkdir(parents=True)
    (mirror / "office/a.zip").write_bytes(site.good)
    (mirror / "office/b.zip").write_bytes(site.good[:100])
    results = fetch(source("/a.zip"), source("/b.zip"), mirror=mirror, refresh=True)
    assert [(result.id, result.status) for result in results] == [("a", "kept"), ("b", "downloaded")]
    assert results[0].detail == "It is in the mirror, which comes first."
    assert site.asked("/a.zip") == []
    assert fetch.files() == ["b.zip", "b.zip.json"]


def test_offline_asks_nobody(site, source, fetch, tmp_path):
    (tmp_path / "raw/office").mkdir(parents=True)
    (tmp_path / "raw/office/a.zip").write_bytes(site.good)
    for refresh in (False, True):
        results = fetch(source("/a.zip"), source("/b.zip"), offline=True, refresh=refresh)
        assert [result.status for result in results] == ["kept", "unavailable"]
        assert results[1].detail == "No server was asked, as wished."
        assert results[1].cost.startswith("Without this file")
    assert site.requests == []
    assert fetch.files() == ["a.zip"]


@pytest.mark.parametrize("place", ["write", "record", "unpack"])
def test_a_full_disk_leaves_what_was_there(site, source, fetch, tmp_path, monkeypatch, place):
    old, archive = site.zipped(old="1"), site.zipped(**{"list.csv": "a;b\n"})
    listed = source(
        "/flows.zip", **({"file": "office/list.csv", "archive_member": "*.csv"} if place == "unpack" else {})
    )
    name = listed.file.rpartition("/")[2]
    (tmp_path / "raw/office").mkdir(parents=True)
    (tmp_path / "raw/office" / name).write_bytes(old)
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=archive, ETag=ETAG)

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if place == "write":
        monkeypatch.setattr(transfer.os, "fsync", refuse)
    else:
        monkeypatch.setattr(transfer.Transfer, "_unpack" if place == "unpack" else "_append", refuse)
    [result] = fetch(listed, refresh=True)
    if place != "write" or name == "flows.zip":
        assert result.status == "kept" if name == "flows.zip" else "failed"
    assert "the disk is full" in result.detail
    assert (tmp_path / "raw/office" / name).read_bytes() == old


def test_a_disk_that_is_really_full(site, source, tmp_path):
    """A file system of 64 kB in a name space of its own, where the system allows that."""
    disk = tmp_path / "disk"
    disk.mkdir()
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=64k none '{disk}' && mkdir '{disk}/office' && echo old > '{disk}/office/kept.csv'"
    try:
        subprocess.run([*inside, mount], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no file system can be mounted here")
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good, ETag=ETAG)
    after = f'{mount} && "$@" && cat "{disk}/office/kept.csv" && ls "{disk}/office"'
    process = start(source(), disk, before=[*inside, after, "sh"])
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    first, *others = out.splitlines()
    assert first.startswith("failed")
    assert "the disk is full" in first
    assert others[0] == "old"
    assert "flows.zip" not in others


def test_two_processes_pull_one_file_once(site, source, tmp_path):
    def page(handler, _):
        handler.reply(ETag=ETAG, Content_Length=len(site.good))
        handler.wfile.write(site.good[:1000])
        for _ in range(100):  # until the second process has come and gone
            if second and second[0].poll() is not None:
                break
            site.silent.wait(0.1)
        handler.wfile.write(site.good[1000:])

    site.pages["/flows.zip"] = page
    second = []
    first = start(source(), tmp_path)
    while not site.requests and first.poll() is None:
        site.silent.wait(0.02)
    second.append(start(source(), tmp_path))
    outs = [process.communicate(timeout=60) for process in (second[0], first)]
    assert [out.split(" ", 1)[0].strip() for out, _ in outs] == ["unavailable", "downloaded"], outs
    assert "Another run is downloading it." in outs[0][0]
    assert (tmp_path / "office/flows.zip").read_bytes() == site.good
    assert len(site.requests) == 1
    assert sorted(path.name for path in (tmp_path / "office").iterdir()) == [
        ".flows.zip.lock",
        "flows.zip",
        "flows.zip.json",
    ]


def test_a_killed_download_is_resumed(site, source, fetch, tmp_path):
    def page(handler, count):
        if count == 1:
            handler.reply(body=site.good[:100_000], ETag=ETAG, Content_Length=len(site.good))
            site.silent.wait(20)
        else:
            rest = {"Content_Range": f"bytes {have}-{len(site.good) - 1}/{len(site.good)}", "ETag": ETAG}
            handler.reply(206, site.good[have:], **rest)

    site.pages["/flows.zip"] = page
    process = start(source(), tmp_path / "raw")
    part = tmp_path / "raw/office/flows.zip.part"
    while not (part.exists() and part.stat().st_size) and process.poll() is None:
        site.silent.wait(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    have = part.stat().st_size
    assert 0 < have <= 100_000
    assert fetch.files() == ["flows.zip.part", "flows.zip.part.json"]
    assert fetch(source())[0].status == "downloaded"
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good
    assert site.asked("/flows.zip")[1]["Range"] == f"bytes={have}-"
    record = json.loads((tmp_path / "raw/office/flows.zip.json").read_text())
    assert record["sha256"] == file_digest(tmp_path / "raw/office/flows.zip")


def test_two_processes_write_one_cache(tmp_path):
    code = """
        import sys, pandas as pd
        from pathlib import Path
        from diagnosis.storage import StageCache
        for turn in range(20):
            number = int(sys.argv[1]) * 100 + turn
            content = {"frame": pd.DataFrame({"value": [number] * 1000}), "number": number}
            StageCache(Path(sys.argv[2])).get("stage", f"key{turn % 2}", lambda: content)
            if turn in (4, 9, 14):  # what is saved is damaged now and then, and saved again
                for folder in Path(sys.argv[2]).glob("stage-*"):
                    (folder / "facts.json").unlink(missing_ok=True)
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    processes = [
        subprocess.Popen([*run, str(n), str(tmp_path)], stderr=subprocess.PIPE, text=True) for n in (1, 2)
    ]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors

    from diagnosis.storage import StageCache

    for key in ("key0", "key1"):
        found = StageCache(tmp_path).get("stage", key, lambda: pytest.fail("saved, then lost") or {})
        assert (found["frame"]["value"] == found["number"]).all()
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
