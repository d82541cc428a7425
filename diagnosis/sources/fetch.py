"""Official downloads: every source that has an address, from its publisher into the raw folder."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from diagnosis.errors import InputError, SourceError, unknown_name
from diagnosis.provenance import Source
from diagnosis.schema import LANGUAGES, Text
from diagnosis.sources.content import MAX_BYTES, check_content
from diagnosis.sources.messages import BilingualError, message
from diagnosis.sources.patience import Pace, Patience, UnavailableError
from diagnosis.sources.store import by_hand, describe_cost
from diagnosis.sources.transfer import Transfer, locked

if TYPE_CHECKING:
    import requests

PAUSE_SECONDS = 1.0
_DISK_FAULTS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EACCES: "disk_rights",
    errno.EPERM: "disk_rights",
    errno.EROFS: "disk_rights",
    errno.EEXIST: "disk_folder",
    errno.ENOTDIR: "disk_folder",
    errno.EISDIR: "disk_folder",
}
Status = Literal["downloaded", "unchanged", "kept", "unavailable", "failed"]


@dataclass(frozen=True)
class PullEvent:
    """How far one download has come; `total` is None where the server does not say."""

    id: str
    bytes: int
    total: int | None


@dataclass(frozen=True)
class PullResult:
    """How one source fared.

    `status` is ``downloaded`` (new file), ``unchanged`` (the publisher's is the one here), ``kept`` (the one here
    was not asked about, or no newer one could be had), ``unavailable`` (cannot be reached, has no address, time
    is over) or ``failed`` (what came is not the file, or the disk refused it). `detail` says why, and how to get
    the file by hand where that is the only way; `cost`, where there is no file at all, what the report loses. Both
    are full sentences, or empty.
    """

    id: str
    status: Status
    detail: str = ""
    bytes: int = 0
    cost: str = ""


def pull(
    sources: Mapping[str, Source],
    raw_folder: str | Path,
    *,
    timeout: tuple[float, float] = (5, 60),
    retries: int = 3,
    workers: int = 3,
    pause: float = PAUSE_SECONDS,
    only: Iterable[str] | None = None,
    refresh: bool = False,
    mirror: str | Path | None = None,
    offline: bool = False,
    on_event: Callable[[PullEvent], None] | None = None,
    session: requests.Session | None = None,
    max_bytes: int = MAX_BYTES,
    deadline: float | None = None,
    language: str = "en",
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] | None = None,
    jitter: Callable[[], float] = random.random,
) -> list[PullResult]:
    """Download the sources that are not here yet; say of each how it went.

    Files are put in place whole and verified; a cut download is resumed by the next attempt or the next call.
    One source that cannot be had never stops the others and never raises. Each host gets one connection and one
    request at a time, with a pause before the next; a host that asks for a wait gets it, and one that asks for a long
    one is left alone for the rest of the call.

    Parameters
    ----------
    sources : mapping of str to Source
        The list of sources; embedded ones are passed over.
    raw_folder : str or Path
        Where files go, below it as ``<publisher>/<file>``; validators are kept in ``<file>.json`` beside each.
    timeout : tuple of float
        Seconds to connect, and between two arrivals of data.
    retries : int
        Further attempts after a fault that may pass; the wait before each doubles, with some chance in it.
    workers : int
        Hosts asked at the same time.
    pause : float
        Seconds between two requests to a host.
    only : iterable of str, optional
        Names of the sources to pull; all of them by default.
    refresh : bool
        Ask the publisher, too, about files that are here; by default they are kept.
    mirror : str or Path, optional
        Folder with the publishers' files: what it holds is not downloaded, since it comes first anyway.
    offline : bool
        Ask nobody: only say what is here.
    on_event : callable, optional
        Called with a :class:`PullEvent` as data come, from several threads.
    session : requests.Session, optional
        Shared by all downloads; by default one a host.
    max_bytes : int
        Largest file, and largest content of an archive; less where the size of a known copy says so.
    deadline : float, optional
        Seconds for the whole call; what is not here then is unavailable. A server that falls silent can hold the
        call for one read time-out longer.
    language : {"en", "it"}
        Language of `PullResult.detail` and `PullResult.cost`.
    clock, sleep, jitter : callable
        Monotonic clock and pause, in seconds; the chance in a wait, from 0 to 1.

    Returns
    -------
    list of PullResult
        In the order of `sources`.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        `only` names no source, or `language` no language.
    diagnosis.errors.InputError
        A number is out of range.
    """
    from concurrent.futures import ThreadPoolExecutor

    if workers < 1 or retries < 0 or max_bytes < 1 or not min(timeout) > 0 or not pause >= 0:
        raise InputError(
            "workers and max_bytes must be at least 1, retries and pause at least 0, time-outs more than 0",
            f"workers={workers}, max_bytes={max_bytes}, retries={retries}, pause={pause}, timeout={timeout} were given",
        )
    if language not in LANGUAGES:
        raise unknown_name("The language", language, LANGUAGES)
    chosen = _chosen(sources, only)
    ends = None if deadline is None else clock() + deadline
    patience = Patience(timeout, retries, max_bytes, ends, clock, sleep, jitter)
    by_host: dict[str, list[Source]] = {}
    for source in chosen:
        host = source.url.partition("://")[2].partition("/")[0]  # urlsplit raises for a malformed address
        by_host.setdefault(host.lower(), []).append(source)
    places = _Places(Path(raw_folder), None if mirror is None else Path(mirror), refresh, offline, language)

    def pull_host(members: list[Source]) -> list[PullResult]:
        import requests

        own = session or requests.Session()
        pace = Pace(patience, pause)
        try:
            return [_pull_one(source, places, own, patience, pace, on_event) for source in members]
        finally:
            if session is None:
                own.close()

    with ThreadPoolExecutor(workers, thread_name_prefix="pull") as pool:
        tasks = [pool.submit(pull_host, members) for members in by_host.values()]
        try:
            results = {result.id: result for task in tasks for result in task.result()}
        except BaseException:  # Ctrl-C: the pool waits for its threads, so tell them
            patience.stop.set()
            raise
    return [results[source.id] for source in chosen]


def _chosen(sources: Mapping[str, Source], only: Iterable[str] | None) -> list[Source]:
    names = list(sources) if only is None else list(only)
    for name in names:
        if name not in sources:
            raise unknown_name("source", name, sources)
    return [source for name, source in sources.items() if name in names and source.tier == "download"]


@dataclass(frozen=True)
class _Places:
    """Where files are looked for and put, and whether publishers are asked."""

    raw_folder: Path
    mirror: Path | None
    refresh: bool
    offline: bool
    language: str


def _pull_one(
    source: Source,
    places: _Places,
    session: requests.Session,
    patience: Patience,
    pace: Pace,
    on_event: Callable[[PullEvent], None] | None,
) -> PullResult:
    path = places.raw_folder / source.file
    language = places.language

    def progress(done: int, total: int | None) -> None:
        if on_event is not None:
            on_event(PullEvent(source.id, done, total))

    def result(status: Status, *details: Text | None) -> PullResult:
        here = _is_sound(path, patience.max_bytes)
        if here and status in ("unavailable", "failed"):
            status, details = "kept", (message("no_newer"), *details)
        return PullResult(
            source.id,
            status,
            " ".join(text[language] for text in details if text is not None),
            path.stat().st_size if here else 0,
            "" if here else describe_cost(source)[language],
        )

    try:
        if places.mirror is not None and _is_sound(own := places.mirror / source.file, patience.max_bytes):
            return PullResult(source.id, "kept", message("in_mirror")[language], own.stat().st_size)
        if not places.refresh and _is_sound(path, patience.max_bytes):
            return result("kept", message("not_asked"))
        if places.offline:
            return result("unavailable", message("offline"))
        if not source.url:
            return result("unavailable", message("no_address"), by_hand(source, places.raw_folder))
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path) as free:
            if not free:
                return result("unavailable", message("held"))
            if not places.refresh and _is_sound(path, patience.max_bytes):
                return result("kept", message("just_here"))
            transfer = Transfer(source, path, session, patience, pace, progress)
            return result(transfer.run(), transfer.note)  # type: ignore[arg-type]
    except UnavailableError as error:
        doubt = () if source.url_confirmed else (message("unconfirmed"), by_hand(source, places.raw_folder))
        return result("unavailable", error.text, *doubt)
    except BilingualError as error:
        return result("failed", error.text)
    except (SourceError, InputError, OSError) as error:  # the first two by reading and writing whole files
        return result("failed", _describe_disk_fault(error, path))


def _describe_disk_fault(error: Exception, path: Path) -> Text:
    """Say what the disk refused; the system's own words are left out, being in any language."""
    cause = error if isinstance(error, OSError) else error.__cause__
    code = getattr(cause, "errno", None) or 0
    if code in _DISK_FAULTS:
        return message(_DISK_FAULTS[code], path=path)
    return message("disk_other", path=path, code=errno.errorcode.get(code, type(cause or error).__name__))


def _is_sound(path: Path, max_bytes: int) -> bool:
    try:
        check_content(path, path.name, max_bytes)
    except (SourceError, OSError):
        return False
    return True
