"""What a server answers, taken with care: redirects, ranges, waits it asks for, and a body that never bursts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from diagnosis.schema import Text
from diagnosis.sources.messages import BilingualError, message
from diagnosis.sources.patience import InterruptedTransferError, Patience, UnavailableError

if TYPE_CHECKING:
    import requests

BLOCK = 1 << 16
MOST_REDIRECTS = 8
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FAULTS = {
    "Timeout": "no_answer",
    "SSL": "bad_certificate",
    "Proxy": "proxy",
    "Connection": "unreachable",
    "Protocol": "unreachable",
    "Incomplete": "unreachable",
}
"""Message for each kind of fault, known by a part of the name of its class."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@contextmanager
def open_response(
    session: requests.Session, url: str, headers: Mapping[str, str], patience: Patience
) -> Iterator[requests.Response]:
    """Ask for `url` and yield the answer, its body unread; follow redirects to the web only, never to less security.

    Redirects are followed here and not by the session, which reads the whole body of every answer on the way, however
    long it is, even if it is told not to follow them.

    Raises
    ------
    diagnosis.sources.patience.UnavailableError
        A redirect leads nowhere, out of the web, from https to http, or in a circle.
    requests.RequestException
        As `requests` does.
    """
    for _ in range(MOST_REDIRECTS + 1):
        with _send(session, url, headers, patience) as response:
            if response.status_code not in _REDIRECTS:
                yield response
                return
            url = _next_address(url, response.headers.get("Location", ""))
        patience.check()
    raise UnavailableError(message("redirects"))


def _send(
    session: requests.Session, url: str, headers: Mapping[str, str], patience: Patience
) -> requests.Response:
    """Ask once, with the session's connections, cookies, proxies and certificates."""
    from requests import Request
    from requests.cookies import extract_cookies_to_jar

    request = session.prepare_request(Request("GET", url, headers=dict(headers)))
    address = str(request.url)
    settings = session.merge_environment_settings(address, {}, True, None, None)
    response = session.get_adapter(address).send(request, timeout=patience.limits(), **settings)
    extract_cookies_to_jar(session.cookies, request, response.raw)
    return response


def _next_address(url: str, location: str) -> str:
    try:
        target = urljoin(url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
        here, there = urlsplit(url), urlsplit(target)
    except ValueError as error:
        raise UnavailableError(message("bad_redirect")) from error
    if not location or there.scheme not in ("http", "https") or not there.hostname:
        raise UnavailableError(message("bad_redirect"))
    if (here.scheme, there.scheme) == ("https", "http"):
        raise UnavailableError(message("insecure_redirect", host=there.hostname))
    return target


def read_blocks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes; a compressed one in blocks of :data:`BLOCK` bytes at most, however small it was.

    Raises
    ------
    diagnosis.sources.patience.InterruptedTransferError
        It is cut, or the server falls silent.
    diagnosis.sources.messages.BilingualError
        It is encoded in a way that was not asked for, other than gzip.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    raw = _raw_blocks(response)
    if encoding in ("", "identity"):
        yield from raw
    elif encoding in ("gzip", "x-gzip"):  # sent unasked by some servers
        yield from _inflate(raw)
    else:
        raise BilingualError(message("encoding", encoding=repr(encoding[:40])))


def _raw_blocks(response: requests.Response) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    # read1 (urllib3 2) returns what has come; a server that trickles could else hold a whole block back for hours.
    read = getattr(response.raw, "read1", response.raw.read)
    try:
        while block := read(BLOCK, decode_content=False):
            yield block
    except (HTTPError, OSError) as error:
        raise InterruptedTransferError(describe_fault(error)) from error


def _inflate(blocks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for block in blocks:
            rest = block
            while rest and not unpacker.eof:
                yield unpacker.decompress(rest, BLOCK)
                rest = unpacker.unconsumed_tail
            if unpacker.eof:
                return
        yield unpacker.flush()
    except zlib.error as error:
        raise InterruptedTransferError(message("encoding_damaged")) from error
    if not unpacker.eof:
        raise InterruptedTransferError(message("encoding_damaged"))


def length_of(response: requests.Response, have: int) -> int | None:
    """Return how long the whole file is, as far as the server says; `have` bytes of it are here already."""
    if response.status_code == 206 and (found := _RANGE.match(response.headers.get("Content-Range", ""))):
        return None if found[3] == "*" else int(found[3])
    length = response.headers.get("Content-Length", "")
    return have + int(length) if length.isdigit() and not is_encoded(response) else None


def is_encoded(response: requests.Response) -> bool:
    """Whether lengths and ranges would count other bytes than those of the file."""
    return response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")


def continues(response: requests.Response, have: int, held: Mapping[str, Any]) -> bool:
    """Whether a partial answer goes on where the part here ends, and is of the same issue.

    Parameters
    ----------
    response : requests.Response
        With status 206.
    have : int
        Bytes that are here.
    held : mapping
        ``etag``, ``last_modified`` and ``total`` of the answer the part here came with.
    """
    found = _RANGE.match(response.headers.get("Content-Range", ""))
    if not found or int(found[1]) != have or is_encoded(response):
        return False
    said = {
        "etag": response.headers.get("ETag", ""),
        "last_modified": response.headers.get("Last-Modified", ""),
        "total": None if found[3] == "*" else int(found[3]),
    }
    # A server that does not know If-Range sends a part of whatever the file is by now.
    return all(not held.get(name) or not value or held[name] == value for name, value in said.items())


def retry_after(response: requests.Response) -> float | None:
    """Return the seconds a server asks to wait; a day is counted from the server's own clock."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
        return float(value)
    then, now = _day(value), _day(response.headers.get("Date", ""))
    return max((then - now).total_seconds(), 0.0) if then and now else None


def _day(text: str) -> datetime | None:
    with suppress(ValueError, TypeError, IndexError):
        day = parsedate_to_datetime(text)
        return day if day.tzinfo else None
    return None


def describe_fault(error: BaseException) -> Text:
    """Shorten the nested texts of HTTP libraries to what a reader can use."""
    name = type(error).__name__
    if isinstance(error, InterruptedTransferError):
        return error.reason
    key = next((key for part, key in _FAULTS.items() if part in name), "other_fault")
    return message(key, kind=name)


def describe_refusal(status: int, url: str) -> Text:
    """Say what an answer without the file means; its own words are left out, being in any language."""
    if status in (404, 410):
        return message("not_found", status=status, url=url)
    if status in (401, 403):
        return message("refused", status=status, url=url)
    return message("answered", status=status, url=url)
