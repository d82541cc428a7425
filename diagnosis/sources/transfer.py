"""One download: asked for only if new, resumed after a cut, verified, put in place whole."""

# requests, and not pooch: pooch (1.8) verifies and caches, but it begins again after a cut, never asks whether
# a file has changed, and does not limit size or time, which is most of what is needed here.

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnosis.provenance import Source, file_digest, write_atomically
from diagnosis.schema import Text
from diagnosis.sources.content import check_content, unpack_member
from diagnosis.sources.messages import BilingualError, message

if TYPE_CHECKING:
    import requests

BLOCK = 1 << 16
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class UnavailableError(BilingualError):
    """The publisher cannot be reached, does not answer in time or does not have the file."""


class InterruptedTransferError(Exception):
    """A fault that may pass: worth another attempt."""

    def __init__(self, reason: Text, wait: float | None = None) -> None:
        super().__init__(reason.en)
        self.reason, self.wait = reason, wait


@dataclass
class Patience:
    """How long and how often to try, shared by all downloads of one call."""

    timeout: tuple[float, float]
    retries: int
    max_bytes: int
    ends: float | None  # moment of `clock` after which nothing new is begun
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    stop: threading.Event = field(default_factory=threading.Event)

    def left(self) -> float:
        """Seconds that remain; infinite without a deadline."""
        return float("inf") if self.ends is None else self.ends - self.clock()

    def check(self) -> None:
        """Raise `UnavailableError` once time is over or the caller gave up."""
        if self.stop.is_set():
            raise UnavailableError(message("interrupted"))
        if self.left() <= 0:
            raise UnavailableError(message("time_over"))

    def limits(self) -> tuple[float, float]:
        """Connect and read time-outs, cut to the time that remains."""
        left = max(self.left(), 0.05)
        return min(self.timeout[0], left), min(self.timeout[1], left)

    def pause(self, attempt: int, wanted: float | None) -> None:
        """Wait before the next attempt: doubling, or as long as the server asks for, within bounds."""
        wait = min(BACKOFF_SECONDS * 2**attempt if wanted is None else wanted, LONGEST_WAIT_SECONDS)
        if wait >= self.left():
            raise UnavailableError(message("time_over_waiting"))
        self.sleep(wait)


class Transfer:
    """The download of one source to its place; `run` returns ``"downloaded"`` or ``"unchanged"``."""

    def __init__(
        self,
        source: Source,
        path: Path,
        session: requests.Session,
        patience: Patience,
        progress: Callable[[int, int | None], None],
    ) -> None:
        self.source, self.path, self.session = source, path, session
        self.patience, self.progress = patience, progress
        self.part = path.with_name(f"{path.name}.part")
        self.part_state = path.with_name(f"{path.name}.part.json")
        self.state = path.with_name(f"{path.name}.json")
        self.note: Text | None = None

    def run(self) -> str:
        """Try until the file is here, then verify it and put it in place.

        Raises
        ------
        UnavailableError
            It cannot be had now.
        diagnosis.sources.messages.BilingualError
            What came is not the file.
        OSError
            The folder cannot be written.
        """
        import requests

        for attempt in range(self.patience.retries + 1):
            self.patience.check()
            try:
                if not self._receive():
                    return "unchanged"
                break
            except (InterruptedTransferError, requests.RequestException) as error:
                if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
                    raise UnavailableError(message("bad_address", url=self.source.url)) from error
                if attempt == self.patience.retries:
                    raise UnavailableError(_reason(error)) from error
                self.patience.pause(attempt, getattr(error, "wait", None))
        self._settle()
        return "downloaded"

    def _receive(self) -> bool:
        """Fetch into the part file; False if the publisher says that the file here is still the one."""
        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {
            "User-Agent": "diagnosis (python-requests)",
            "Accept-Encoding": "identity",  # else lengths and ranges count compressed bytes
        }
        held = _read_state(self.part_state, self.source.url)
        # Without a strong validator nobody can tell whether the rest belongs to the same issue: begin again.
        if have and (validator := held.get("etag") or held.get("last_modified")):
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        else:
            have = 0
            headers |= self._conditions()
        with self.session.get(
            self.source.url, headers=headers, stream=True, timeout=self.patience.limits()
        ) as response:
            status = response.status_code
            if status == 304 and not have:
                return False
            if status == 416:  # what we hold is longer than the file has become
                self._drop()
                raise InterruptedTransferError(message("another_issue"))
            if status in _AGAIN:
                raise InterruptedTransferError(_refusal(status, self.source.url), _retry_after(response))
            if status not in (200, 206):
                raise UnavailableError(_refusal(status, self.source.url))
            if status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                self._drop()
                raise InterruptedTransferError(message("another_range"))
            self._append(response, have if status == 206 else 0)
        return True

    def _conditions(self) -> dict[str, str]:
        known = _read_state(self.state, self.source.url)
        if not self.path.is_file() or known.get("sha256") != file_digest(self.path):
            return {}  # "unchanged" would be said of another file than the one here
        names = {"etag_any": "If-None-Match", "last_modified": "If-Modified-Since"}
        return {header: known[name] for name, header in names.items() if known.get(name)}

    def _append(self, response: requests.Response, have: int) -> None:
        length = response.headers.get("Content-Length", "")
        encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        total = have + int(length) if length.isdigit() and not encoded else None
        self._limit(total or 0)
        etag = response.headers.get("ETag", "")
        state = {
            "url": self.source.url,
            "etag": "" if etag.startswith("W/") or encoded else etag,
            "etag_any": etag,
            "last_modified": "" if encoded else response.headers.get("Last-Modified", ""),
        }
        with self.part.open("ab" if have else "wb") as stream:
            if not have:
                write_atomically(self.part_state, json.dumps(state))
            self.progress(have, total)
            for block in _blocks(response):
                stream.write(block)
                have += len(block)
                self._limit(have)
                self.progress(have, total)
                self.patience.check()
        if total is not None and have != total:  # urllib3 1.26 does not look at this itself
            raise InterruptedTransferError(message("cut_short", received=have, total=total))

    def _limit(self, size: int) -> None:
        if size > self.patience.max_bytes:
            self._drop()
            raise BilingualError(
                message("too_large", name=self.path.name, limit=self.patience.max_bytes),
                message("sends", size=size),
            )

    def _settle(self) -> None:
        """Verify the part and give it its name; a part that fails is removed, since resuming cannot mend it."""
        state = _read_state(self.part_state, self.source.url)
        try:
            if self.source.archive_member:
                check_content(self.part, "archive.zip", self.patience.max_bytes)
                write_atomically(self.path, self._unpack)
            else:
                self._verify(self.part)
                self.part.replace(self.path)
        finally:
            self._drop()
        state |= {"sha256": file_digest(self.path), "bytes": self.path.stat().st_size}
        write_atomically(self.state, json.dumps(state, indent=2) + "\n")

    def _unpack(self, target: Path) -> None:
        with target.open("wb") as stream:
            unpack_member(self.part, self.source.archive_member, stream)
        self._verify(target)

    def _verify(self, path: Path) -> None:
        check_content(path, self.path.name, self.patience.max_bytes)
        if self.source.sha256 and file_digest(path) != self.source.sha256:
            if self.source.pinned:
                raise BilingualError(
                    message("checksum", name=self.path.name, listed=self.source.sha256),
                    message("checksum_found", found=file_digest(path)),
                    message("another_file"),
                )
            self.note = message("issued_again")

    def _drop(self) -> None:
        self.part.unlink(missing_ok=True)
        self.part_state.unlink(missing_ok=True)


def _blocks(response: requests.Response) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    read = getattr(response.raw, "read1", None)
    if read is None:
        yield from response.iter_content(BLOCK)
        return
    # read1 returns what has come; a server that trickles could otherwise hold a whole block back for hours.
    try:
        while block := read(BLOCK, decode_content=True):
            yield block
    except (HTTPError, OSError) as error:
        raise InterruptedTransferError(_reason(error)) from error


def _reason(error: BaseException) -> Text:
    """Shorten the nested texts of HTTP libraries to what a reader can use."""
    name = type(error).__name__
    if isinstance(error, InterruptedTransferError):
        return error.reason
    if "Timeout" in name:
        return message("no_answer")
    if "SSL" in name:
        return message("bad_certificate")
    if "Proxy" in name:
        return message("proxy")
    if "Redirects" in name:
        return message("redirects")
    if "Connection" in name or "Protocol" in name or "Incomplete" in name:
        return message("unreachable")
    return message("other_fault", kind=name)


def _refusal(status: int, url: str) -> Text:
    """Say what an answer without the file means; its own words are left out, being in any language."""
    if status in (404, 410):
        return message("not_found", status=status, url=url)
    if status in (401, 403):
        return message("refused", status=status, url=url)
    return message("answered", status=status, url=url)


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _read_state(path: Path, url: str) -> dict[str, Any]:
    """Read the validators kept beside a file; none if they are of another address or unreadable."""
    with suppress(OSError, ValueError):
        state = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(state, dict) and state.get("url") == url:
            return state
    return {}


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold the lock of a file; False if another process or thread has it.

    The system frees the lock when a process dies, so that none is left over; where it has no such locks
    (Windows) every caller gets it.
    """
    try:
        import fcntl
    except ImportError:
        yield True
        return
    with path.with_name(f".{path.name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
