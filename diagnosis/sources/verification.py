"""Every file of every source held against the list, against what was recorded at download, and its own content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from diagnosis.errors import SourceError
from diagnosis.provenance import Source, Tier, file_digest
from diagnosis.schema import Text
from diagnosis.sources.content import MAX_BYTES, check_content
from diagnosis.sources.messages import BilingualError, message
from diagnosis.sources.store import Store, package_folder
from diagnosis.sources.transfer import RECORD_SUFFIX, read_record

Verdict = Literal[
    "as_listed",
    "as_downloaded",
    "sound",
    "differs",
    "changed",
    "damaged",
    "unreadable",
    "unfinished",
    "absent",
]
WRONG: frozenset[Verdict] = frozenset({"differs", "changed", "damaged", "unreadable"})
"""Verdicts after which a file must not be relied upon."""


@dataclass(frozen=True)
class Verified:
    """What was found of one file.

    `verdict` is ``as_listed`` (the checksum of the list), ``as_downloaded`` (not that one, but the one recorded when it
    was downloaded: the publisher has issued it again), ``sound`` (of its kind and whole, with nothing to compare it
    with), ``differs`` (neither the listed one nor a recorded one), ``changed`` (not what was downloaded), ``damaged``
    (not of its kind, or not whole), ``unreadable``, ``unfinished`` (the part of a download that was cut) or ``absent``.
    `detail` says more where there is more to say, in full sentences.
    """

    source: str
    file: str
    tier: Tier | Literal[""]
    verdict: Verdict
    path: Path | None = None
    bytes: int | None = None
    sha256: str = ""
    listed_sha256: str = ""
    recorded_sha256: str = ""
    detail: Text | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether it must not be relied upon."""
        return self.verdict in WRONG or (self.verdict == "absent" and self.tier == "embedded")


def verify(store: Store, max_bytes: int = MAX_BYTES) -> list[Verified]:
    """Verify every file of every source, wherever it lies: in packages, in the mirror, among the downloads.

    Parameters
    ----------
    store : Store
        The list of sources and the folders.
    max_bytes : int
        Limit of what an archive may unpack to.

    Returns
    -------
    list of Verified
        In the order of the list; a file that is in the mirror and among the downloads has two entries. A source that
        is nowhere has one, ``absent``: no fault, unless it should have come with a package.
    """
    found = []
    for source in store.sources.values():
        entries = [
            _verify_file(source, *place, max_bytes)
            for place in _places(source, store)
            if place[0].exists() or place[0].is_symlink()
        ]
        entries += _unfinished(source, store)
        if not entries:
            entries = [Verified(source.id, source.file, "embedded" if source.package else "", "absent")]
        found += entries
    return found


def _places(source: Source, store: Store) -> Iterator[tuple[Path, str, Tier, str | None]]:
    """Yield where files of a source may lie: path, shown name, tier, listed checksum."""
    if source.tier == "embedded":
        if folder := package_folder(source.package):
            yield folder / source.file, source.file, "embedded", source.sha256
            for name in source.companions:
                yield folder / name, name, "embedded", None
        return
    if store.mirror is not None:
        yield store.mirror / source.file, source.file, "mirror", source.sha256
        for name, listed in ((source.stand_in, source.stand_in_sha256), (source.stand_in_observed, None)):
            if name:
                yield store.mirror / name, name, "mirror", listed
    yield store.raw_folder / source.file, source.file, "download", source.sha256


def _verify_file(
    source: Source, path: Path, file: str, tier: Tier, listed: str | None, max_bytes: int
) -> Verified:
    record = (
        read_record(path.with_name(f"{path.name}{RECORD_SUFFIX}"), source.url) if tier == "download" else {}
    )
    recorded = str(record.get("sha256", ""))

    def entry(verdict: Verdict, detail: Text | None = None, sha256: str = "") -> Verified:
        try:
            size = path.stat().st_size
        except OSError:
            size = None
        return Verified(source.id, file, tier, verdict, path, size, sha256, listed or "", recorded, detail)

    try:
        check_content(path, path.name, max_bytes)
        sha256 = file_digest(path)
    except BilingualError as error:
        return entry("damaged", error.text)
    except (SourceError, OSError):
        return entry("unreadable")
    if listed == sha256:
        return entry("as_listed", sha256=sha256)
    if recorded and recorded != sha256:
        return entry("changed", message("verify_changed"), sha256)
    if recorded and not source.pinned:
        return entry("as_downloaded", message("issued_again") if listed else None, sha256)
    if listed:
        return entry("differs", message("verify_differs"), sha256)
    return entry("sound", sha256=sha256)


def _unfinished(source: Source, store: Store) -> list[Verified]:
    part = store.raw_folder / f"{source.file}.part"
    if source.tier == "embedded" or not part.is_file():
        return []
    size = part.stat().st_size
    return [
        Verified(source.id, source.file, "download", "unfinished", part, size, detail=message("verify_part"))
    ]


def find_unlisted(store: Store) -> list[str]:
    """Name the files of the mirror and of the downloads that no source of the list names.

    Returns
    -------
    list of str
        ``<folder>/<file>`` below the mirror or the raw folder, sorted; records and parts of downloads, and hidden
        files, are none. They are never read.
    """
    listed = {
        name
        for source in store.sources.values()
        for name in (source.file, source.stand_in, source.stand_in_observed)
        if source.tier == "download" and name
    }
    ours = {f"{name}{suffix}" for name in listed for suffix in (RECORD_SUFFIX, ".part", ".part.json")}
    names = set()
    for folder in filter(None, (store.mirror, store.raw_folder)):
        if folder.is_dir():
            names |= {path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*") if path.is_file()}
    return sorted(names - listed - ours)


def count_verdicts(found: list[Verified]) -> Mapping[Verdict, int]:
    """Count the files by verdict."""
    counts: dict[Verdict, int] = {}
    for item in found:
        counts[item.verdict] = counts.get(item.verdict, 0) + 1
    return counts
