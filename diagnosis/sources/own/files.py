"""The files in a city's folder: which data file goes with which YAML, and which are refused unread."""

from __future__ import annotations

import hashlib
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from diagnosis.sources.own.privacy import find_mention, tell_kind
from diagnosis.sources.own.problems import Problems, RefusedFileError, words
from diagnosis.sources.own.settings import LARGEST_YAML, OwnSettings, read_settings

MOST_FILES = 200
LARGEST_FILE = 50_000_000
TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
MAPS = (".gpkg", ".geojson")
SETTINGS = (".yml", ".yaml")
COMMENT = "comment.md"
LOCKS = ("~$", ".~lock")
MEGABYTE = 1_000_000
PROPOSALS = "areas"
"""Folder in a city's own folder where the area editor saves its proposals."""


@dataclass(frozen=True, eq=False)
class OwnFile:
    """A data file of the city and what its YAML says.

    Attributes
    ----------
    path : Path
    settings : OwnSettings
        Empty where there is no YAML.
    described : bool
        Whether there is a YAML.
    """

    path: Path
    settings: OwnSettings
    described: bool

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    def digest(self) -> str:
        """Return the SHA-256 of its content."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def own_folder(local: Path, city: str) -> Path:
    """Return the folder of a city's own files: named after its id, in small or capital letters.

    Parameters
    ----------
    local : Path
        Folder that holds one folder a city.
    city : str
        Id of the city.

    Returns
    -------
    Path
        It may be absent.
    """
    exact = local / city
    if exact.is_dir() or not local.is_dir():
        return exact
    alike = (path for path in sorted(local.iterdir()) if path.name.casefold() == city and path.is_dir())
    return next(alike, exact)


def has_own_files(folder: Path | None) -> bool:
    """Whether there is anything in a city's folder but hidden files."""
    return folder is not None and folder.is_dir() and any(_visible(folder))


def own_content(folder: Path) -> list[list[str]]:
    """Return name and checksum of each file of a city's folder: what a report made from them depends on.

    A file that is refused unread (a link, one too large) stands with its kind or size.
    """
    return [[show_name(path), _content_mark(path)] for path in _visible(folder)] if folder.is_dir() else []


def show_name(path: Path) -> str:
    """Write the name of a file, also one that is no text in the encoding of the system."""
    return path.name.encode("utf-8", "backslashreplace").decode("utf-8")


def _visible(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if not path.name.startswith(".") and not _is_kept_apart(path)
    )


def _is_kept_apart(path: Path) -> bool:
    """Whether it is the folder of the areas proposed in the editor: no data of the city."""
    return path.name == PROPOSALS and path.is_dir() and not path.is_symlink()


def _content_mark(path: Path) -> str:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE:
        return f"{stat.S_IFMT(status.st_mode)} {status.st_size}"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def find_files(folder: Path, problems: Problems) -> list[OwnFile]:
    """Find the data files of a folder and the YAML of each; subfolders are not looked into.

    Parameters
    ----------
    folder : Path
        May be absent: then there are none.
    problems : Problems
        Gets what is refused, and what is no data file.

    Returns
    -------
    list of OwnFile
        By name. A file whose YAML is wrong is not among them.
    """
    if not folder.is_dir():
        return []
    data: dict[str, Path] = {}
    yamls: list[Path] = []
    entries = sorted(path for path in folder.iterdir() if path.name != COMMENT and not _is_kept_apart(path))
    if len(entries) > MOST_FILES:
        problems.add(folder.name, "too_many_files", limit=MOST_FILES)
        entries = []
    for path in entries:
        if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in path.name):
            problems.add(show_name(path), "unreadable_name")
        elif kind := find_mention(path.name):
            where = words()["in_file"]
            problems.add(path.name, "personal_text", what=tell_kind(kind), where=f"{where.it} / {where.en}")
        elif path.name.startswith(LOCKS):
            problems.add(path.name, "locked_file")
        elif path.name.startswith(".") or path.name.casefold() in ("thumbs.db", "desktop.ini"):
            continue
        elif path.suffix.lower() not in (*TABLES, *MAPS, *SETTINGS):
            problems.add(path.name, "not_read")
        elif path.suffix.lower() in SETTINGS:
            if _is_sound(path, LARGEST_YAML, problems):
                yamls.append(path)
        elif _is_sound(path, LARGEST_FILE, problems):
            data[path.name] = path
    described = _describe(yamls, data, {path.name for path in entries}, problems)
    found = []
    for name, path in data.items():
        if name not in described:
            found.append(OwnFile(path, OwnSettings(), described=False))
        elif (settings := described[name]) is not None:
            found.append(OwnFile(path, settings, described=True))
    return found


def check_sound(path: Path, limit: int) -> None:
    """Refuse what is no ordinary file, is empty, or is larger than `limit` bytes."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise RefusedFileError("symbolic_link")
    if not stat.S_ISREG(status.st_mode):
        raise RefusedFileError("not_a_file")
    if status.st_size > limit:
        raise RefusedFileError("too_large", limit=f"{limit / MEGABYTE:.3g}")
    if status.st_size == 0:
        raise RefusedFileError("empty_file")


def _is_sound(path: Path, limit: int, problems: Problems) -> bool:
    try:
        check_sound(path, limit)
    except RefusedFileError as refusal:
        problems.add_refusal(path.name, refusal)
        return False
    return True


def _describe(
    yamls: list[Path], data: dict[str, Path], present: set[str], problems: Problems
) -> dict[str, OwnSettings | None]:
    """Return the settings by name of the data file; None where a YAML is wrong: its file must not be read."""
    described: dict[str, OwnSettings | None] = {}
    for path in yamls:
        settings = read_settings(path, problems)
        beside = [name for name in data if Path(name).stem == path.stem]
        wanted = settings.file if settings else None
        if wanted is not None and (Path(wanted).name != wanted or "\\" in wanted or wanted in (".", "..")):
            problems.add(path.name, "outside_folder", value=wanted)
            targets, settings = beside, None
        elif wanted is not None:
            targets = [wanted] if wanted in data else []
        else:
            targets = beside
        if not targets and settings is not None and (wanted is None or wanted not in present):
            problems.add(path.name, "yaml_without_data", wanted=wanted or f"{path.stem}.*")
        if len(targets) > 1 and settings is not None:
            problems.add(path.name, "which_file", found=", ".join(targets))
            settings = None
        for name in targets:
            if name in described:
                problems.add(path.name, "described_twice", name=name)
                settings = None
            described[name] = settings
    return described
