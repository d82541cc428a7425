"""The files of the sources as they lie on this machine: in packages, in a mirror, in the raw folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from diagnosis.errors import InputError, SourceError, unknown_name
from diagnosis.provenance import Source, SourceFile, Tier, file_digest, package_versions
from diagnosis.schema import Text
from diagnosis.sources.messages import message

if TYPE_CHECKING:
    import pandas as pd

STATUS = (
    "title", "available", "tier", "file", "bytes", "checksum", "reference_date", "vintage", "licence",
    "licence_confirmed", "address", "note",
)  # fmt: skip
"""Columns of :meth:`Store.status`."""


class Store:
    """Find the file of a source, wherever it is.

    A mirror comes before the raw folder, and the official file, in either, before a stand-in: what a publisher
    issued is never hidden by an estimate.

    Parameters
    ----------
    sources : mapping of str to Source
        The list of sources, see :func:`diagnosis.provenance.load_sources`.
    raw_folder : str or Path
        Folder of downloads; it need not exist.
    mirror : str or Path, optional
        Folder that holds the same files by publisher.

    Raises
    ------
    diagnosis.errors.InputError
        `mirror` is not a folder.
    """

    def __init__(
        self, sources: Mapping[str, Source], raw_folder: str | Path, mirror: str | Path | None = None
    ) -> None:
        self.sources = dict(sources)
        self.raw_folder = Path(raw_folder)
        self.mirror = None if mirror is None else Path(mirror)
        if self.mirror is not None and not self.mirror.is_dir():
            raise InputError(
                "the mirror must be a folder with one folder a publisher",
                f"{str(self.mirror)!r} is not a folder",
                "Correct --mirror or DIAGNOSIS_MIRROR, or leave it out",
            )

    def find(self, source_id: str) -> SourceFile:
        """Return the file of a source with its checksum.

        Parameters
        ----------
        source_id : str
            Name of an entry of the list.

        Returns
        -------
        SourceFile
            With `stands_in` and `note` set where a stand-in was taken.

        Raises
        ------
        diagnosis.errors.UnknownNameError
            No such source.
        diagnosis.errors.SourceError
            It is nowhere; the message says what that costs and how to get it.
        """
        if source_id not in self.sources:
            raise unknown_name("source", source_id, self.sources)
        source = self.sources[source_id]
        place = self._place(source)
        if place is None:
            raise self._missing(source)
        path, tier, stands_in = place
        package = ""
        if source.tier == "embedded":
            package = " ".join([source.package, *package_versions([source.package]).values()])
        return SourceFile.of(
            source_id,
            path,
            tier,
            listed=source.stand_in_sha256 if stands_in else source.sha256,
            file=source.stand_in if stands_in else source.file,
            stands_in=stands_in,
            note=source.stand_in_note if stands_in else None,
            package=package,
            companions=tuple(path.parents[_depth(source.file)] / name for name in source.companions),
        )

    def status(self, language: str = "en") -> pd.DataFrame:
        """Say what is here, one row a source.

        Parameters
        ----------
        language : {"en", "it"}
            Language of `title` and `note`.

        Returns
        -------
        pandas.DataFrame
            Index `source`; `title` (text), `available` (bool), `tier` (text, empty if absent), `file` (path found,
            or expected), `bytes` (0 if absent), `checksum` (``listed``: that of the list, ``other``, ``unlisted``: the
            list has none, ``absent``), `reference_date`, `vintage`, `licence`, `licence_confirmed` (bool), `address`
            (see :attr:`diagnosis.provenance.Source.address`), `note` (what stands in, or what its absence costs).
        """
        import pandas as pd

        rows = []
        for source in self.sources.values():
            place = self._place(source)
            path, tier, stands_in = place or (self.raw_folder / source.file, "", False)
            note = describe_cost(source) if place is None else source.stand_in_note if stands_in else None
            rows.append(
                {
                    "source": source.id,
                    "title": source.title[language],
                    "available": place is not None,
                    "tier": tier,
                    "file": str(path if tier or source.tier == "download" else source.file),
                    "bytes": path.stat().st_size if place else 0,
                    "checksum": _compare(path, source, stands_in) if place else "absent",
                    "reference_date": source.reference_date,
                    "vintage": source.vintage or "",
                    "licence": source.licence,
                    "licence_confirmed": source.licence_confirmed,
                    "address": source.address,
                    "note": note[language] if note else "",
                }
            )
        return pd.DataFrame(rows, columns=["source", *STATUS]).set_index("source")

    def has(self, source_id: str) -> bool:
        """Whether the file of a source, or a stand-in, is here."""
        return self._place(self.sources[source_id]) is not None

    def _place(self, source: Source) -> tuple[Path, Tier, bool] | None:
        candidates: list[tuple[Path, Tier, bool]] = []
        if source.tier == "embedded":
            if folder := package_folder(source.package):
                candidates.append((folder / source.file, "embedded", False))
        else:
            if self.mirror:
                candidates.append((self.mirror / source.file, "mirror", False))
            candidates.append((self.raw_folder / source.file, "download", False))
            if self.mirror and source.stand_in:
                candidates.append((self.mirror / source.stand_in, "mirror", True))
        return next((place for place in candidates if place[0].is_file()), None)

    def _missing(self, source: Source) -> SourceError:
        searched = [f"the mirror {self.mirror}"] if self.mirror else []
        if source.tier == "embedded":
            searched, to_do = [f"the package {source.package}"], f"Install {source.package} again"
        else:
            searched.append(f"the folder {self.raw_folder}")
            to_do = "Run `diagnosis data pull`, or name a mirror with --mirror or DIAGNOSIS_MIRROR"
            if not source.url:
                to_do = by_hand(source, self.raw_folder).en
        return SourceError(
            f"source {source.id!r} ({source.title.en}) needs the file {source.file}",
            f"it is not in {' nor in '.join(searched)}; it is needed for {source.needed_for.en}",
            to_do,
        )


def by_hand(source: Source, raw_folder: Path) -> Text:
    """Say how to get a source that has no direct address."""
    return message("by_hand", page=source.landing_page, path=raw_folder / source.file)


def describe_cost(source: Source) -> Text:
    """Say what the report loses without a source."""
    return message("cost", needed_for=source.needed_for)


def _compare(path: Path, source: Source, stands_in: bool) -> str:
    listed = source.stand_in_sha256 if stands_in else source.sha256
    if listed is None:
        return "unlisted"
    return "listed" if file_digest(path) == listed else "other"


def _depth(file: str) -> int:
    return file.count("/")


def package_folder(distribution: str) -> Path | None:
    """Return the folder of a distribution's module; None if it is not installed."""
    from importlib.util import find_spec

    # The module is found, not imported: importing the carrier of a data file may cost seconds.
    spec = find_spec(distribution.replace("-", "_"))
    return Path(spec.origin).parent if spec and spec.origin else None
