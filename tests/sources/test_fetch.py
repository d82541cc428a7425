"""Downloads from a server on loopback that misbehaves in every way a publisher's has."""

import contextlib
import hashlib
import io
import json
import socket
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from diagnosis.errors import InputError, UnknownNameError
from diagnosis.provenance import Source
from diagnosis.sources.fetch import pull
from diagnosis.sources.transfer import locked

BOTH = {"it": "testo", "en": "text"}
ETAG = '"one"'


def zipped(**members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


GOOD = zipped(flows="1;2;3\n" * 50_000)  # stored, 300 kB


class Site:
    """What the server does, path by path: a function of the request handler; and what it was asked."""

    def __init__(self):
        self.pages, self.requests, self.silent = {}, [], threading.Event()

    def asked(self, path):
        return [headers for asked, headers in self.requests if asked == path]


@pytest.fixture
def site():
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.requests.append((self.path, dict(self.headers)))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                site.pages[self.path](self, len(site.asked(self.path)))
            self.close_connection = True

        def reply(self, status=200, body=b"", **headers):
            self.send_response(status)
            for name, value in {"Content_Length": len(body), **headers}.items():
                if value is not None:
                    self.send_header(name.replace("_", "-"), str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # so that closing waits for them and no socket is left over
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    yield site
    site.silent.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def source(site):
    def build(path="/flows.zip", **fields):
        name = path.strip("/").split(".")[0]
        return Source(
            **{
                "id": name,
                "title": BOTH,
                "label": BOTH,
                "publisher": "Office",
                "landing_page": "https://example.org/page",
                "url": site.url + path,
                "url_confirmed": True,
                "file": f"office{path}",
                "licence": "CC BY 4.0",
                "licence_confirmed": True,
                "citation": "Office",
                "reference_date": "2021",
                "needed_for": {"it": "i flussi reali", "en": "real flows"},
                "attribution": BOTH,
                "modified": BOTH,
            }
            | fields
        )

    return build


@pytest.fixture
def fetch(tmp_path):
    """Pull into tmp_path/raw without waiting between attempts; the waits asked for are in `fetch.waits`."""

    def run(*sources, **options):
        run.waits = []
        options = {"timeout": (1, 1), "retries": 2, "sleep": run.waits.append} | options
        return pull({source.id: source for source in sources}, tmp_path / "raw", **options)

    return run


def files(tmp_path):
    folder = tmp_path / "raw" / "office"
    return (
        sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))
        if folder.is_dir()
        else []
    )


def test_a_file_is_downloaded_and_then_kept(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD, ETag=ETAG)
    events = []
    [result] = fetch(source(), on_event=events.append)
    assert (result.id, result.status, result.bytes, result.cost) == ("flows", "downloaded", len(GOOD), "")
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD
    assert files(tmp_path) == ["flows.zip", "flows.zip.json"]
    state = json.loads((tmp_path / "raw/office/flows.zip.json").read_text())
    assert (state["etag"], state["bytes"]) == (ETAG, len(GOOD))
    assert state["sha256"] == hashlib.sha256(GOOD).hexdigest()
    assert [event.bytes for event in events] == sorted({event.bytes for event in events})
    assert (events[0].bytes, events[-1].bytes, events[-1].total) == (0, len(GOOD), len(GOOD))
    [again] = fetch(source())
    assert (again.status, again.bytes) == ("kept", len(GOOD))
    assert len(site.requests) == 1


def test_a_cut_download_is_resumed_as_often_as_it_is_cut(site, source, fetch, tmp_path):
    def page(handler, count):
        if count == 1:
            handler.reply(body=GOOD[:100_000], ETag=ETAG, Content_Length=len(GOOD))
        else:
            start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            rest = {"Content_Range": f"bytes {start}-{len(GOOD) - 1}/{len(GOOD)}"}
            end = 200_000 if count == 2 else None
            handler.reply(206, GOOD[start:end], Content_Length=len(GOOD) - start, **rest)

    site.pages["/flows.zip"] = page
    [result] = fetch(source())
    assert result.status == "downloaded"
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD
    first, second, third = site.asked("/flows.zip")
    assert "Range" not in first
    assert (second["Range"], second["If-Range"]) == ("bytes=100000-", ETAG)
    assert (third["Range"], third["If-Range"]) == ("bytes=200000-", ETAG)
    assert fetch.waits == [0.5, 1.0]


def test_a_cut_download_is_resumed_by_the_next_call(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(
        body=GOOD[:1000], ETag=ETAG, Content_Length=len(GOOD)
    )
    [result] = fetch(source(), retries=0)
    assert (result.status, result.bytes, result.cost) == ("unavailable", 0, "real flows")
    assert files(tmp_path) == ["flows.zip.part", "flows.zip.part.json"]
    rest = {"Content_Range": f"bytes 1000-{len(GOOD) - 1}/{len(GOOD)}"}
    site.pages["/flows.zip"] = lambda page, _: page.reply(206, GOOD[1000:], **rest)
    assert fetch(source())[0].status == "downloaded"
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD


def test_the_part_of_another_issue_is_not_joined(site, source, fetch, tmp_path):
    other = zipped(flows="4;5;6\n" * 60_000)
    site.pages["/flows.zip"] = lambda page, count: page.reply(
        body=GOOD[:1000] if count == 1 else other,
        ETag=ETAG,
        Content_Length=len(GOOD if count == 1 else other),
    )
    assert (
        fetch(source())[0].status == "downloaded"
    )  # the server ignores the range and sends all of the new issue
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == other


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 416},
        {"status": 206, "body": GOOD[5:], "Content_Range": f"bytes 5-{len(GOOD) - 1}/{len(GOOD)}"},
    ],
)
def test_a_refused_or_wrong_range_begins_again(site, source, fetch, tmp_path, answer):
    def page(handler, count):
        if count == 1:
            handler.reply(body=GOOD[:1000], ETag=ETAG, Content_Length=len(GOOD))
        elif count == 2:
            handler.reply(**answer)
        else:
            handler.reply(body=GOOD)

    site.pages["/flows.zip"] = page
    assert fetch(source())[0].status == "downloaded"
    assert "Range" not in site.asked("/flows.zip")[2]
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD


def test_a_page_instead_of_the_file_is_refused(site, source, fetch, tmp_path):
    page = b"<!DOCTYPE html><html>Sorry</html>"
    site.pages["/flows.zip"] = lambda handler, _: handler.reply(body=page, Content_Type="text/html")
    [result] = fetch(source())
    assert result.status == "failed"
    assert "web page" in result.detail
    assert files(tmp_path) == []


def test_without_a_strong_validator_nothing_is_resumed(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, count: page.reply(
        body=GOOD[: 1000 if count == 1 else None], ETag='W/"weak"', Content_Length=len(GOOD)
    )
    assert fetch(source())[0].status == "downloaded"
    assert all("Range" not in headers for headers in site.asked("/flows.zip"))
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD


def test_a_length_that_is_too_long_is_never_believed(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD, Content_Length=len(GOOD) + 10)
    [result] = fetch(source())
    assert result.status == "unavailable"
    assert len(site.requests) == 3
    assert fetch.waits == [0.5, 1.0]


def test_a_length_that_is_too_short_gives_a_truncated_zip(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD, Content_Length=len(GOOD) - 10)
    [result] = fetch(source())
    assert result.status == "failed"
    assert "no complete zip" in result.detail
    assert files(tmp_path) == []


def test_a_file_without_a_length_is_accepted_in_chunks(site, source, fetch, tmp_path):
    def page(handler, _):
        handler.protocol_version = "HTTP/1.1"
        handler.reply(Content_Length=None, Transfer_Encoding="chunked")
        for start in range(0, len(GOOD), 100_000):
            block = GOOD[start : start + 100_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        handler.wfile.write(b"0\r\n\r\n")

    site.pages["/flows.zip"] = page
    events = []
    assert fetch(source(), on_event=events.append)[0].status == "downloaded"
    assert {event.total for event in events} == {None}
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD


def test_not_found_is_not_asked_for_again(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(404)
    [result] = fetch(source(url_confirmed=False))
    assert (result.status, result.cost) == ("unavailable", "real flows")
    assert "404" in result.detail
    assert "by hand from https://example.org/page" in result.detail
    assert len(site.requests) == 1


def test_a_passing_fault_is_tried_again(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, count: (
        page.reply(500)
        if count == 1
        else page.reply(503, Retry_After=7)
        if count == 2
        else page.reply(body=GOOD)
    )
    assert fetch(source())[0].status == "downloaded"
    assert fetch.waits == [0.5, 7.0]


def test_a_silent_server_is_left(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: site.silent.wait(5)
    start = time.monotonic()
    [result] = fetch(source(), timeout=(0.2, 0.2), retries=1)
    assert time.monotonic() - start < 3
    assert result.status == "unavailable"
    assert "did not answer in time" in result.detail


def test_a_server_that_falls_silent_half_way_is_left_and_resumed(site, source, fetch, tmp_path):
    def page(handler, count):
        if count == 1:
            handler.reply(body=GOOD[:1000], ETag=ETAG, Content_Length=len(GOOD))
            site.silent.wait(5)
        else:
            rest = {"Content_Range": f"bytes 1000-{len(GOOD) - 1}/{len(GOOD)}"}
            handler.reply(206, GOOD[1000:], **rest)

    site.pages["/flows.zip"] = page
    assert fetch(source(), timeout=(0.3, 0.3))[0].status == "downloaded"
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD


def test_a_server_that_is_not_there(source, fetch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    results = fetch(
        source(url=f"http://127.0.0.1:{port}/flows.zip"), source("/b.zip", url="http://[::bad/b.zip")
    )
    assert [result.status for result in results] == ["unavailable", "unavailable"]
    assert "cannot be reached" in results[0].detail


def test_the_one_member_of_an_archive_is_unpacked(site, source, fetch, tmp_path):
    archive = zipped(office__list_2023="", **{"office__list_2023.csv": "a;b\n", "read_me.txt": "x"})
    site.pages["/list.zip"] = lambda page, _: page.reply(body=archive, ETag=ETAG)
    listed = source("/list.zip", file="office/list.csv", archive_member="*2023.csv")
    assert fetch(listed)[0].status == "downloaded"
    assert (tmp_path / "raw/office/list.csv").read_bytes() == b"a;b\n"
    assert files(tmp_path) == ["list.csv", "list.csv.json"]
    [result] = fetch(source("/list.zip", file="office/other.csv", archive_member="*2024.csv"))
    assert result.status == "failed"
    assert "0 match among 'office/list_2023'" in result.detail
    assert files(tmp_path) == ["list.csv", "list.csv.json"]


def test_refresh_asks_whether_the_file_has_changed(site, source, fetch, tmp_path):
    date = "Wed, 01 Oct 2025 10:00:00 GMT"
    site.pages["/flows.zip"] = lambda page, count: (
        page.reply(body=GOOD, ETag=ETAG, Last_Modified=date) if count == 1 else page.reply(304)
    )
    fetch(source())
    [result] = fetch(source(), refresh=True)
    assert (result.status, result.bytes) == ("unchanged", len(GOOD))
    asked = site.asked("/flows.zip")[1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == (ETAG, date)
    (tmp_path / "raw/office/flows.zip").write_bytes(zipped(own="edited by hand"))
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD)
    assert fetch(source(), refresh=True)[0].status == "downloaded"
    assert "If-None-Match" not in site.asked("/flows.zip")[2]


def test_a_failed_refresh_keeps_the_file(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, count: page.reply(body=GOOD if count == 1 else b"<html>")
    fetch(source())
    [result] = fetch(source(), refresh=True)
    assert (result.status, result.bytes, result.cost) == ("kept", len(GOOD), "")
    assert "no newer one could be had" in result.detail
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == GOOD


def test_a_damaged_file_is_downloaded_again(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD)
    path = tmp_path / "raw/office/flows.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD[:500])
    assert fetch(source())[0].status == "downloaded"
    assert path.read_bytes() == GOOD


@pytest.mark.parametrize("length", [len(GOOD), None])
def test_a_file_that_is_too_large_is_refused(site, source, fetch, tmp_path, length):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD, Content_Length=length)
    [result] = fetch(source(), max_bytes=1000)
    assert result.status == "failed"
    assert "not be larger than 1000 bytes" in result.detail
    assert files(tmp_path) == []


def test_another_checksum_is_reported_and_refused_only_when_pinned(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD)
    [result] = fetch(source(sha256="0" * 64, pinned=True))
    assert result.status == "failed"
    assert "checksum" in result.detail
    assert files(tmp_path) == []
    [result] = fetch(source(sha256="0" * 64))
    assert result.status == "downloaded"
    assert "issued it again" in result.detail
    [result] = fetch(source(file="office/b.zip", sha256=hashlib.sha256(GOOD).hexdigest(), pinned=True))
    assert (result.status, result.detail) == ("downloaded", "")


def test_a_folder_that_cannot_be_written(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD)
    (tmp_path / "raw").touch()
    [result] = fetch(source())
    assert (result.status, result.cost) == ("failed", "real flows")


def test_a_file_that_another_run_holds_is_left_to_it(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD)
    path = tmp_path / "raw/office/flows.zip"
    path.parent.mkdir(parents=True)
    with locked(path) as free:
        if not free:
            pytest.skip("no file locks here")
        [result] = fetch(source())
    assert (result.status, result.detail) == ("unavailable", "another run is downloading it")
    assert fetch(source())[0].status == "downloaded"


def test_one_failure_does_not_stop_the_others(site, source, fetch):
    site.pages["/a.zip"] = lambda page, _: page.reply(404)
    site.pages["/b.zip"] = lambda page, _: page.reply(body=b"<html>")
    site.pages["/c.zip"] = lambda page, _: page.reply(body=GOOD)
    inside = source("/e.zip", tier="embedded", package="numpy", url="")
    results = fetch(source("/a.zip"), source("/b.zip"), source("/c.zip"), source("/d.zip", url=""), inside)
    assert [(result.id, result.status) for result in results] == [
        ("a", "unavailable"),
        ("b", "failed"),
        ("c", "downloaded"),
        ("d", "unavailable"),
    ]
    assert "save it as" in results[3].detail
    assert results[3].cost == "real flows"


def test_only_pulls_what_it_names(site, source, fetch):
    site.pages["/b.zip"] = lambda page, _: page.reply(body=GOOD)
    assert [result.id for result in fetch(source("/a.zip"), source("/b.zip"), only=["b"])] == ["b"]
    with pytest.raises(UnknownNameError, match="Did you mean 'flows'"):
        fetch(source(), only=["flow"])
    with pytest.raises(InputError, match="workers=0"):
        fetch(source(), workers=0)
    assert fetch(source("/a.zip", url=""), language="it")[0].cost == "i flussi reali"


def test_a_host_is_asked_one_file_at_a_time(site, source, fetch):
    busy, most = [], []

    def page(handler, _):
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.02)
        handler.reply(body=GOOD)
        busy.pop()

    sources = [source(f"/{name}.zip") for name in "abcd"]
    site.pages = {f"/{name}.zip": page for name in "abcd"}
    assert {result.status for result in fetch(*sources, workers=4)} == {"downloaded"}
    assert max(most) == 1


def test_after_the_deadline_nothing_is_begun(site, source, fetch):
    now = [100.0]

    def page(handler, _):
        handler.reply(body=GOOD)
        now[0] += 30

    site.pages = {"/a.zip": page, "/b.zip": page}
    results = fetch(source("/a.zip"), source("/b.zip"), deadline=20, clock=lambda: now[0])
    assert results[1].status == "unavailable"
    assert "time allowed is over" in results[1].detail
    assert site.asked("/b.zip") == []


def test_the_deadline_ends_a_trickle(site, source, fetch, tmp_path):
    def page(handler, _):
        handler.reply(ETag=ETAG, Content_Length=len(GOOD))
        for byte in GOOD[:200]:
            handler.wfile.write(bytes([byte]))
            if site.silent.wait(0.02):
                return

    site.pages["/flows.zip"] = page
    start = time.monotonic()
    [result] = fetch(source(), deadline=0.3)
    assert time.monotonic() - start < 2
    assert result.status == "unavailable"
    assert "will be resumed" in result.detail
    assert 0 < (tmp_path / "raw/office/flows.zip.part").stat().st_size < 200


def test_no_attempt_is_waited_for_beyond_the_deadline(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(503, Retry_After=25)
    [result] = fetch(source(), deadline=20)
    assert result.status == "unavailable"
    assert fetch.waits == []


def test_an_interruption_by_the_user_stops_the_downloads(site, source, fetch, tmp_path):
    def interrupt(event):
        raise KeyboardInterrupt

    site.pages["/flows.zip"] = lambda page, _: page.reply(body=GOOD, ETag=ETAG)
    with pytest.raises(KeyboardInterrupt):
        fetch(source(), on_event=interrupt)
    assert not (tmp_path / "raw/office/flows.zip").exists()
