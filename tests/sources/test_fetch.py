"""Downloads of several sources: what is kept, what is asked for, and how one fares beside the others."""

import hashlib
import json
import time

import pytest

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.sources.transfer import locked

ETAG = '"one"'
COST = "Without this file the report loses: real flows."


def test_a_file_is_downloaded_and_then_kept(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good, ETag=ETAG)
    events = []
    [result] = fetch(source(), on_event=events.append)
    assert (result.id, result.status, result.bytes, result.cost) == (
        "flows",
        "downloaded",
        len(site.good),
        "",
    )
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good
    assert fetch.files() == ["flows.zip", "flows.zip.json"]
    state = json.loads((tmp_path / "raw/office/flows.zip.json").read_text())
    assert (state["etag"], state["bytes"]) == (ETAG, len(site.good))
    assert state["sha256"] == hashlib.sha256(site.good).hexdigest()
    assert [event.bytes for event in events] == sorted({event.bytes for event in events})
    assert (events[0].bytes, events[-1].bytes, events[-1].total) == (0, len(site.good), len(site.good))
    [again] = fetch(source())
    assert (again.status, again.bytes) == ("kept", len(site.good))
    assert len(site.requests) == 1


def test_a_page_instead_of_the_file_is_refused(site, source, fetch):
    page = b"<!DOCTYPE html><html>Sorry</html>"
    site.pages["/flows.zip"] = lambda handler, _: handler.reply(body=page, Content_Type="text/html")
    [result] = fetch(source())
    assert result.status == "failed"
    assert "web page" in result.detail
    assert fetch.files() == []


def test_the_one_member_of_an_archive_is_unpacked(site, source, fetch, tmp_path):
    archive = site.zipped(office__list_2023="", **{"office__list_2023.csv": "a;b\n", "read_me.txt": "x"})
    site.pages["/list.zip"] = lambda page, _: page.reply(body=archive, ETag=ETAG)
    listed = source("/list.zip", file="office/list.csv", archive_member="*2023.csv")
    assert fetch(listed)[0].status == "downloaded"
    assert (tmp_path / "raw/office/list.csv").read_bytes() == b"a;b\n"
    assert fetch.files() == ["list.csv", "list.csv.json"]
    [result] = fetch(source("/list.zip", file="office/other.csv", archive_member="*2024.csv"))
    assert result.status == "failed"
    assert "Files that match: 0, among 'office/list_2023'" in result.detail
    assert fetch.files() == ["list.csv", "list.csv.json"]


def test_refresh_asks_whether_the_file_has_changed(site, source, fetch, tmp_path):
    date = "Wed, 01 Oct 2025 10:00:00 GMT"
    site.pages["/flows.zip"] = lambda page, count: (
        page.reply(body=site.good, ETag=ETAG, Last_Modified=date) if count == 1 else page.reply(304)
    )
    fetch(source())
    [result] = fetch(source(), refresh=True)
    assert (result.status, result.bytes) == ("unchanged", len(site.good))
    asked = site.asked("/flows.zip")[1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == (ETAG, date)
    (tmp_path / "raw/office/flows.zip").write_bytes(site.zipped(own="edited by hand"))
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good)
    assert fetch(source(), refresh=True)[0].status == "downloaded"
    assert "If-None-Match" not in site.asked("/flows.zip")[2]


def test_a_failed_refresh_keeps_the_file(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, count: page.reply(body=site.good if count == 1 else b"<html>")
    fetch(source())
    [result] = fetch(source(), refresh=True)
    assert (result.status, result.bytes, result.cost) == ("kept", len(site.good), "")
    assert result.detail.startswith("No newer one could be had. The file")
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good


def test_a_damaged_file_is_downloaded_again(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good)
    path = tmp_path / "raw/office/flows.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(site.good[:500])
    assert fetch(source())[0].status == "downloaded"
    assert path.read_bytes() == site.good


def test_a_folder_that_cannot_be_written(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good)
    (tmp_path / "raw").touch()
    [result] = fetch(source())
    assert (result.status, result.cost) == ("failed", COST)


def test_a_file_that_another_run_holds_is_left_to_it(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good)
    path = tmp_path / "raw/office/flows.zip"
    path.parent.mkdir(parents=True)
    with locked(path) as free:
        if not free:
            pytest.skip("no file locks here")
        [result] = fetch(source())
    assert (result.status, result.detail) == ("unavailable", "Another run is downloading it.")
    assert fetch(source())[0].status == "downloaded"


def test_one_failure_does_not_stop_the_others(site, source, fetch):
    site.pages["/a.zip"] = lambda page, _: page.reply(404)
    site.pages["/b.zip"] = lambda page, _: page.reply(body=b"<html>")
    site.pages["/c.zip"] = lambda page, _: page.reply(body=site.good)
    inside = source("/e.zip", tier="embedded", package="numpy", url="")
    results = fetch(source("/a.zip"), source("/b.zip"), source("/c.zip"), source("/d.zip", url=""), inside)
    assert [(result.id, result.status) for result in results] == [
        ("a", "unavailable"),
        ("b", "failed"),
        ("c", "downloaded"),
        ("d", "unavailable"),
    ]
    assert "save it as" in results[3].detail
    assert results[3].cost == COST


def test_only_pulls_what_it_names(site, source, fetch):
    site.pages["/b.zip"] = lambda page, _: page.reply(body=site.good)
    assert [result.id for result in fetch(source("/a.zip"), source("/b.zip"), only=["b"])] == ["b"]
    with pytest.raises(UnknownNameError, match="Did you mean 'flows'"):
        fetch(source(), only=["flow"])
    with pytest.raises(InputError, match="workers=0"):
        fetch(source(), workers=0)
    with pytest.raises(UnknownNameError, match="Choose one of: en, it"):
        fetch(source(), language="fr")


def test_a_host_is_asked_one_file_at_a_time(site, source, fetch):
    busy, most = [], []

    def page(handler, _):
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.02)
        handler.reply(body=site.good)
        busy.pop()

    sources = [source(f"/{name}.zip") for name in "abcd"]
    site.pages = {f"/{name}.zip": page for name in "abcd"}
    assert {result.status for result in fetch(*sources, workers=4)} == {"downloaded"}
    assert max(most) == 1


def test_after_the_deadline_nothing_is_begun(site, source, fetch):
    now = [100.0]

    def page(handler, _):
        handler.reply(body=site.good)
        now[0] += 30

    site.pages = {"/a.zip": page, "/b.zip": page}
    results = fetch(source("/a.zip"), source("/b.zip"), deadline=20, clock=lambda: now[0])
    assert results[1].status == "unavailable"
    assert "time allowed is over" in results[1].detail
    assert site.asked("/b.zip") == []


def test_an_interruption_by_the_user_stops_the_downloads(site, source, fetch, tmp_path):
    def interrupt(event):
        raise KeyboardInterrupt

    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good, ETag=ETAG)
    with pytest.raises(KeyboardInterrupt):
        fetch(source(), on_event=interrupt)
    assert not (tmp_path / "raw/office/flows.zip").exists()
