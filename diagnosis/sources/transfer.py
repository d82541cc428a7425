"""One download: asked for only if new, resumed after a cut, verified, put in place whole."""

# requests, and not pooch: pooch (1.8) verifies and caches, but it begins again after a cut, never asks whether
# a file has changed, and does not limit size or time, which is most of what is needed here.

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnosis.provenance import Source, file_digest, write_atomically
from diagnosis.schema import Text
from diagnosis.sources.content import check_content, unpack_member
from diagnosis.sources.messages import BilingualError, message
from diagnosis.sources.patience import (
    InterruptedTransferError,
    Pace,
    Patience,
    SpeedWatch,
    UnavailableError,
)
from diagnosis.sources.response import (
    continues,
    describe_fault,
    describe_refusal,
    is_encoded,
    length_of,
    open_response,
    read_blocks,
    retry_after,
)

if TYPE_CHECKING:
    import requests

TIMES_LARGER, ALWAYS_ALLOWED = 20, 64 << 20
"""A file may be twenty times as large as the copy the list knows, and 64 MiB in any case."""
RECORD_SUFFIX = ".json"
"""What was recorded of a download lies beside it, under its name with this ending."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Transfer:
    """The download of one source to its place; `run` returns ``"downloaded"`` or ``"unchanged"``."""

    def __init__(
        self,
        source: Source,
        path: Path,
        session: requests.Session,
        patience: Patience,
        pace: Pace,
        progress: Callable[[int, int | None], None],
    ) -> None:
        self.source, self.path, self.session = source, path, session
        self.patience, self.pace, self.progress = patience, pace, progress
        self.max_bytes = patience.max_bytes
        if source.bytes:
            self.max_bytes = min(self.max_bytes, max(TIMES_LARGER * source.bytes, ALWAYS_ALLOWED))
        self.part = path.with_name(f"{path.name}.part")
        self.part_state = path.with_name(f"{path.name}.part.json")
        self.state = path.with_name(f"{path.name}{RECORD_SUFFIX}")
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
                    raise UnavailableError(describe_fault(error)) from error
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
        held = read_record(self.part_state, self.source.url)
        # Without a strong validator nobody can tell whether the rest belongs to the same issue: begin again.
        if have and (validator := held.get("etag") or held.get("last_modified")):
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        else:
            have = 0
            headers |= self._conditions()
        self.pace.take_turn()
        try:
            with open_response(self.session, self.source.url, headers, self.patience) as response:
                return self._take(response, have, held)
        finally:
            self.pace.end_turn()

    def _take(self, response: requests.Response, have: int, held: dict[str, Any]) -> bool:
        status = response.status_code
        if status == 304 and not have:
            return False
        if status == 416:  # what we hold is longer than the file has become
            self._drop()
            raise InterruptedTransferError(message("another_issue"))
        if status in _AGAIN:
            asked = retry_after(response)
            self.pace.heed(asked)
            raise InterruptedTransferError(describe_refusal(status, self.source.url), asked)
        if status not in (200, 206):
            raise UnavailableError(describe_refusal(status, self.source.url))
        if status == 206 and not continues(response, have, held):
            self._drop()
            raise InterruptedTransferError(message("another_range"))
        self._append(response, have if status == 206 else 0)
        return True

    def _conditions(self) -> dict[str, str]:
        known = read_record(self.state, self.source.url)
        if not self.path.is_file() or known.get("sha256") != file_digest(self.path):
            return {}  # "unchanged" would be said of another file than the one here
        names = {"etag_any": "If-None-Match", "last_modified": "If-Modified-Since"}
        return {header: known[name] for name, header in names.items() if known.get(name)}

    def _append(self, response: requests.Response, have: int) -> None:
        total = length_of(response, have)
        self._limit(total or 0)
        etag = response.headers.get("ETag", "")
        state = {
            "url": self.source.url,
            "etag": "" if etag.startswith("W/") or is_encoded(response) else etag,
            "etag_any": etag,
            "last_modified": "" if is_encoded(response) else response.headers.get("Last-Modified", ""),
            "total": total,
        }
        watch = SpeedWatch(self.patience.clock)
        with self.part.open("ab" if have else "wb") as stream:
            if not have:
                write_atomically(self.part_state, json.dumps(state))
            self.progress(have, total)
            for block in read_blocks(response):
                stream.write(block)
                have += len(block)
                self._limit(have)
                self.progress(have, total)
                self.patience.check()
                watch.add(len(block))
            stream.flush()
            os.fsync(
                stream.fileno()
            )  # it is renamed next: a crash must not leave the new name with no content
        if total is not None and have != total:  # also what a server leaves out of a range
            raise InterruptedTransferError(message("cut_short", received=have, total=total))

    def _limit(self, size: int) -> None:
        if size > self.max_bytes:
            self._drop()
            raise BilingualError(
                message("too_large", name=self.path.name, limit=self.max_bytes),
                message("sends", size=size),
            )

    def _settle(self) -> None:
        """Verify the part and give it its name; a part that fails is removed, since resuming cannot mend it."""
        state = read_record(self.part_state, self.source.url)
        try:
            self._place()
        finally:
            self._drop()
        state |= {"sha256": file_digest(self.path), "bytes": self.path.stat().st_size}
        write_atomically(self.state, json.dumps(state, indent=2) + "\n")

    def _place(self) -> None:
        if self.source.archive_member:
            check_content(self.part, "archive.zip", self.max_bytes)
            write_atomically(self.path, self._unpack)
        else:
            self._verify(self.part)
            self.part.replace(self.path)

    def _unpack(self, target: Path) -> None:
        with target.open("wb") as stream:
            unpack_member(self.part, self.source.archive_member, stream)
        self._verify(target)

    def _verify(self, path: Path) -> None:
        check_content(path, self.path.name, self.max_bytes)
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


def read_record(path: Path, url: str) -> dict[str, Any]:
    """Read what was recorded of a download; nothing if it is of another address or unreadable."""
    with suppress(OSError, ValueError, RecursionError):
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
