"""Answers that lead elsewhere, ask for patience, burst when unpacked, or are of another issue than the part here."""

import gzip
import io
import itertools
import zlib

import pytest
import requests

from diagnosis.sources import patience as patience_module
from diagnosis.sources.patience import LONGEST_ASKED_SECONDS, Patience, UnavailableError
from diagnosis.sources.response import BLOCK, open_response

ETAG = '"one"'
FILE = "raw/office/flows.zip"


def redirect(target, body=b"", status=302):
    return lambda page, _: page.reply(status, body, Location=target)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_also_to_another_host(site, source, fetch, tmp_path, status):
    other = site.url.replace("127.0.0.1", "localhost")
    site.pages["/flows.zip"] = redirect("/moved.zip", status=status)
    site.pages["/moved.zip"] = redirect(f"{other}/here.zip", status=status)
    site.pages["/here.zip"] = lambda page, _: page.reply(body=site.good)
    assert fetch(source())[0].status == "downloaded"
    assert (tmp_path / FILE).read_bytes() == site.good


def test_a_circle_of_redirects_is_left(site, source, fetch):
    site.pages["/flows.zip"] = redirect("/b.zip")
    site.pages["/b.zip"] = redirect("/flows.zip")
    [result] = fetch(source())
    assert (result.status, len(site.requests)) == ("unavailable", 9)
    assert "without end" in result.detail


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/a.zip", "", "http://[::bad/", "gopher:x"]
)  # fmt: skip
def test_a_redirect_out_of_the_web_is_not_followed(site, source, fetch, target):
    site.pages["/flows.zip"] = redirect(target)
    [result] = fetch(source())
    assert (result.status, len(site.requests), fetch.files()) == ("unavailable", 1, [])
    assert "no address of the web" in result.detail


def test_the_body_of_a_redirect_is_not_read(site, source, fetch):
    sent = []

    def page(handler, _):
        handler.reply(302, Location="/here.zip", Content_Length=1 << 40)
        for _ in range(4000):  # 250 MB, unless the reader hangs up
            handler.wfile.write(bytes(BLOCK))
            sent.append(BLOCK)

    site.pages["/flows.zip"] = page
    site.pages["/here.zip"] = lambda handler, _: handler.reply(body=site.good)
    assert fetch(source())[0].status == "downloaded"
    assert sum(sent) < 50 << 20


def test_a_redirect_to_less_security_is_not_followed(monkeypatch):
    asked = []

    def send(self, request, **_):
        asked.append(request.url)
        response = requests.Response()
        response.status_code, response.headers["Location"] = 302, "http://office.example/flows.zip"
        response.raw = io.BytesIO()
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    settings = Patience((1, 1), 0, 100, None, float)
    with (
        requests.Session() as session,
        pytest.raises(UnavailableError, match=r"insecure one \(office\.example\)"),
        open_response(session, "https://office.example/flows.zip", {}, settings),
    ):
        pass
    assert asked == ["https://office.example/flows.zip"]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "3"}, 3),
        ({"Retry_After": "Thu, 01 Jan 2026 10:00:09 GMT", "Date": "Thu, 01 Jan 2026 10:00:00 GMT"}, 9),
        ({"Retry_After": "Thu, 01 Jan 2026 09:00:00 GMT", "Date": "Thu, 01 Jan 2026 10:00:00 GMT"}, 0),
        ({"Retry_After": "soon"}, 0.5),
        ({"Retry_After": "-1"}, 0.5),
        ({}, 0.5),
    ],
)
def test_too_many_requests_are_paused_for_as_long_as_asked(site, source, fetch, headers, wait):
    def page(handler, count):
        if count > 1:
            handler.reply(body=site.good)
            return
        handler.send_response_only(429)  # send_response would add a Date of its own
        for name, value in {"Content_Length": 0, **headers}.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()

    site.pages["/flows.zip"] = page
    assert fetch(source())[0].status == "downloaded"
    assert fetch.waits == [wait]


def test_a_host_that_asks_for_a_long_wait_is_left_alone(site, source, fetch):
    site.pages["/a.zip"] = lambda page, _: page.reply(429, Retry_After=LONGEST_ASKED_SECONDS + 1)
    site.pages["/b.zip"] = lambda page, _: page.reply(body=site.good)
    results = fetch(source("/a.zip"), source("/b.zip"))
    assert [result.status for result in results] == ["unavailable", "unavailable"]
    assert "left alone for 121 seconds" in results[1].detail
    assert (fetch.waits, len(site.requests)) == ([], 1)


def test_a_host_gets_a_pause_between_two_requests(site, source, fetch):
    site.pages = {f"/{name}.zip": lambda page, _: page.reply(body=site.good) for name in "abc"}
    results = fetch(*(source(f"/{name}.zip") for name in "abc"), pause=2.0, clock=lambda: 100.0)
    assert {result.status for result in results} == {"downloaded"}
    assert fetch.waits == [2.0, 2.0]


def test_back_off_doubles_with_chance_in_it(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(503)
    fetch(source(), retries=8, jitter=lambda: 1.0)
    assert fetch.waits == [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 30.0, 30.0]


def test_a_body_compressed_unasked_is_unpacked(site, source, fetch, tmp_path):
    packed = gzip.compress(site.good)
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=packed, Content_Encoding="gzip", ETag=ETAG)
    events = []
    assert fetch(source(), on_event=events.append)[0].status == "downloaded"
    assert (tmp_path / FILE).read_bytes() == site.good
    assert {event.total for event in events} == {None}
    assert max(after.bytes - before.bytes for before, after in itertools.pairwise(events)) <= BLOCK


def test_a_bomb_is_refused_before_it_bursts(site, source, fetch):
    bomb = gzip.compress(bytes(64 << 20))
    assert len(bomb) < BLOCK * 2
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=bomb, Content_Encoding="gzip")
    events = []
    [result] = fetch(source(), max_bytes=1 << 20, on_event=events.append)
    assert result.status == "failed"
    assert "not be larger than 1,048,576 bytes" in result.detail
    assert max(event.bytes for event in events) <= (1 << 20) + BLOCK
    assert fetch.files() == []


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate", "zstd"])
def test_another_encoding_is_refused(site, source, fetch, encoding):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good, Content_Encoding=encoding)
    [result] = fetch(source())
    assert (result.status, len(site.requests)) == ("failed", 1)
    assert repr(encoding) in result.detail


@pytest.mark.parametrize(
    "spoil", [lambda body: body[:-20], lambda body: body[:50] + b"?" * 50 + body[100:], zlib.compress]
)
def test_a_damaged_encoding_is_tried_again_and_never_resumed(site, source, fetch, tmp_path, spoil):
    packed = gzip.compress(site.good)
    site.pages["/flows.zip"] = lambda page, count: page.reply(
        body=spoil(packed) if count == 1 else packed, Content_Encoding="gzip", ETag=ETAG
    )
    assert fetch(source())[0].status == "downloaded"
    assert all("Range" not in headers for headers in site.asked("/flows.zip"))
    assert (tmp_path / FILE).read_bytes() == site.good


@pytest.mark.parametrize(
    "changed", [{"ETag": '"two"'}, {"total": 299_999}, {"Last_Modified": "Thu, 01 Jan 2026 10:00:00 GMT"}]
)
def test_a_part_of_another_issue_is_never_joined(site, source, fetch, tmp_path, changed):
    """The server does not know If-Range: it sends the rest of whatever the file is by now."""
    other = site.zipped(flows="7;8;9\n" * 50_000)
    date = "Wed, 01 Oct 2025 10:00:00 GMT"
    headers = {"ETag": ETAG, "Last_Modified": date}

    def page(handler, count):
        if count == 1:
            handler.reply(body=site.good[:1000], Content_Length=len(site.good), **headers)
        elif "Range" in handler.headers:
            total = changed.get("total", len(other))
            said = headers | {name: value for name, value in changed.items() if name != "total"}
            handler.reply(206, other[1000:], Content_Range=f"bytes 1000-{len(other) - 1}/{total}", **said)
        else:
            handler.reply(body=other, **headers)

    site.pages["/flows.zip"] = page
    assert fetch(source())[0].status == "downloaded"
    assert (tmp_path / FILE).read_bytes() == other
    assert ["Range" in asked for asked in site.asked("/flows.zip")] == [False, True, False]


def test_a_range_that_ends_too_soon_is_no_whole_file(site, source, fetch, tmp_path):
    def page(handler, count):
        start = 0 if count == 1 else int(handler.headers["Range"][len("bytes=") : -1])
        end = min(start + 100_000, len(site.good))
        said = {"ETag": ETAG, "Content_Range": f"bytes {start}-{end - 1}/{len(site.good)}"}
        handler.reply(206, site.good[start:end], **said)

    site.pages["/flows.zip"] = page
    assert fetch(source(), retries=5)[0].status == "downloaded"
    assert (tmp_path / FILE).read_bytes() == site.good


def test_ten_gigabytes_are_refused_when_they_are_announced(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good[:100], Content_Length=10 << 30)
    [result] = fetch(source())
    assert (result.status, len(site.requests), fetch.files()) == ("failed", 1, [])
    assert "sends 10,737,418,240 or more" in result.detail


@pytest.mark.parametrize("known", [None, 10])
def test_a_body_without_end_is_cut_at_the_limit(site, source, fetch, monkeypatch, known):
    monkeypatch.setattr("diagnosis.sources.transfer.ALWAYS_ALLOWED", 1 << 20)

    def page(handler, _):
        handler.reply(Content_Length=None)
        while True:  # until the reader hangs up
            handler.wfile.write(bytes(BLOCK))

    site.pages["/flows.zip"] = page
    events = []
    limit = {} if known else {"max_bytes": 1 << 20}  # with a known size, a much larger file is not the file
    [result] = fetch(source(bytes=known), on_event=events.append, **limit)
    assert result.status == "failed"
    assert "not be larger than 1,048,576 bytes" in result.detail
    assert max(event.bytes for event in events) < 2 << 20
    assert fetch.files() == []


def test_a_trickle_is_cut_without_a_deadline(site, source, fetch, monkeypatch):
    monkeypatch.setattr(patience_module, "WATCH_SECONDS", 0.2)

    def page(handler, _):
        handler.reply(ETag=ETAG, Content_Length=len(site.good))
        for byte in site.good:
            handler.wfile.write(bytes([byte]))
            if site.silent.wait(0.02):
                return

    site.pages["/flows.zip"] = page
    [result] = fetch(source(), retries=0)
    assert result.status == "unavailable"
    assert "too little for too long" in result.detail
    assert fetch.files() == ["flows.zip.part", "flows.zip.part.json"]
