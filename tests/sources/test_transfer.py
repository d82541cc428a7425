"""One download from a server that misbehaves in every way a publisher's has."""

import hashlib
import socket
import time

import pytest

ETAG = '"one"'
COST = "Without this file the report loses: real flows."


def test_a_cut_download_is_resumed_as_often_as_it_is_cut(site, source, fetch, tmp_path):
    def page(handler, count):
        if count == 1:
            handler.reply(body=site.good[:100_000], ETag=ETAG, Content_Length=len(site.good))
        else:
            start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            rest = {"Content_Range": f"bytes {start}-{len(site.good) - 1}/{len(site.good)}"}
            end = 200_000 if count == 2 else None
            handler.reply(206, site.good[start:end], Content_Length=len(site.good) - start, **rest)

    site.pages["/flows.zip"] = page
    [result] = fetch(source())
    assert result.status == "downloaded"
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good
    first, second, third = site.asked("/flows.zip")
    assert "Range" not in first
    assert (second["Range"], second["If-Range"]) == ("bytes=100000-", ETAG)
    assert (third["Range"], third["If-Range"]) == ("bytes=200000-", ETAG)
    assert fetch.waits == [0.5, 1.0]


def test_a_cut_download_is_resumed_by_the_next_call(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, _: page.reply(
        body=site.good[:1000], ETag=ETAG, Content_Length=len(site.good)
    )
    [result] = fetch(source(), retries=0)
    assert (result.status, result.bytes, result.cost) == ("unavailable", 0, COST)
    assert fetch.files() == ["flows.zip.part", "flows.zip.part.json"]
    rest = {"Content_Range": f"bytes 1000-{len(site.good) - 1}/{len(site.good)}"}
    site.pages["/flows.zip"] = lambda page, _: page.reply(206, site.good[1000:], **rest)
    assert fetch(source())[0].status == "downloaded"
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good


def test_the_part_of_another_issue_is_not_joined(site, source, fetch, tmp_path):
    other = site.zipped(flows="4;5;6\n" * 60_000)
    site.pages["/flows.zip"] = lambda page, count: page.reply(
        body=site.good[:1000] if count == 1 else other,
        ETag=ETAG,
        Content_Length=len(site.good if count == 1 else other),
    )
    assert (
        fetch(source())[0].status == "downloaded"
    )  # the server ignores the range and sends all of the new issue
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == other


@pytest.mark.parametrize("status", [416, 206])
def test_a_refused_or_wrong_range_begins_again(site, source, fetch, tmp_path, status):
    wrong = {"body": site.good[5:], "Content_Range": f"bytes 5-{len(site.good) - 1}/{len(site.good)}"}

    def page(handler, count):
        if count == 1:
            handler.reply(body=site.good[:1000], ETag=ETAG, Content_Length=len(site.good))
        elif count == 2:
            handler.reply(status, **(wrong if status == 206 else {}))
        else:
            handler.reply(body=site.good)

    site.pages["/flows.zip"] = page
    assert fetch(source())[0].status == "downloaded"
    assert "Range" not in site.asked("/flows.zip")[2]
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good


def test_without_a_strong_validator_nothing_is_resumed(site, source, fetch, tmp_path):
    site.pages["/flows.zip"] = lambda page, count: page.reply(
        body=site.good[: 1000 if count == 1 else None], ETag='W/"weak"', Content_Length=len(site.good)
    )
    assert fetch(source())[0].status == "downloaded"
    assert all("Range" not in headers for headers in site.asked("/flows.zip"))
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good


def test_a_length_that_is_too_long_is_never_believed(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good, Content_Length=len(site.good) + 10)
    [result] = fetch(source())
    assert result.status == "unavailable"
    assert len(site.requests) == 3
    assert fetch.waits == [0.5, 1.0]


def test_a_length_that_is_too_short_gives_a_truncated_zip(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good, Content_Length=len(site.good) - 10)
    [result] = fetch(source())
    assert result.status == "failed"
    assert "no complete zip" in result.detail
    assert fetch.files() == []


def test_a_file_without_a_length_is_accepted_in_chunks(site, source, fetch, tmp_path):
    def page(handler, _):
        handler.protocol_version = "HTTP/1.1"
        handler.reply(Content_Length=None, Transfer_Encoding="chunked")
        for start in range(0, len(site.good), 100_000):
            block = site.good[start : start + 100_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        handler.wfile.write(b"0\r\n\r\n")

    site.pages["/flows.zip"] = page
    events = []
    assert fetch(source(), on_event=events.append)[0].status == "downloaded"
    assert {event.total for event in events} == {None}
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good


def test_not_found_is_not_asked_for_again(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(404)
    [result] = fetch(source(url_confirmed=False))
    assert (result.status, result.cost) == ("unavailable", COST)
    assert "404" in result.detail
    assert "by hand from https://example.org/page" in result.detail
    assert len(site.requests) == 1


def test_a_passing_fault_is_tried_again(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, count: (
        page.reply(500)
        if count == 1
        else page.reply(503, Retry_After=7)
        if count == 2
        else page.reply(body=site.good)
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
            handler.reply(body=site.good[:1000], ETag=ETAG, Content_Length=len(site.good))
            site.silent.wait(5)
        else:
            rest = {"Content_Range": f"bytes 1000-{len(site.good) - 1}/{len(site.good)}"}
            handler.reply(206, site.good[1000:], **rest)

    site.pages["/flows.zip"] = page
    assert fetch(source(), timeout=(0.3, 0.3))[0].status == "downloaded"
    assert (tmp_path / "raw/office/flows.zip").read_bytes() == site.good


def test_a_server_that_is_not_there(source, fetch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    results = fetch(
        source(url=f"http://127.0.0.1:{port}/flows.zip"), source("/b.zip", url="http://[::bad/b.zip")
    )
    assert [result.status for result in results] == ["unavailable", "unavailable"]
    assert "cannot be reached" in results[0].detail


@pytest.mark.parametrize("told", [True, False])
def test_a_file_that_is_too_large_is_refused(site, source, fetch, told):
    length = len(site.good) if told else None
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good, Content_Length=length)
    [result] = fetch(source(), max_bytes=1000)
    assert result.status == "failed"
    assert "not be larger than 1,000 bytes" in result.detail
    assert fetch.files() == []


def test_another_checksum_is_reported_and_refused_only_when_pinned(site, source, fetch):
    site.pages["/flows.zip"] = lambda page, _: page.reply(body=site.good)
    [result] = fetch(source(sha256="0" * 64, pinned=True))
    assert result.status == "failed"
    assert "checksum" in result.detail
    assert fetch.files() == []
    [result] = fetch(source(sha256="0" * 64))
    assert result.status == "downloaded"
    assert "issued it again" in result.detail
    [result] = fetch(source(file="office/b.zip", sha256=hashlib.sha256(site.good).hexdigest(), pinned=True))
    assert (result.status, result.detail) == ("downloaded", "")


def test_the_deadline_ends_a_trickle(site, source, fetch, tmp_path):
    def page(handler, _):
        handler.reply(ETag=ETAG, Content_Length=len(site.good))
        for byte in site.good[:200]:
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
