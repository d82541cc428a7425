"""What was run on what: the list of sources, checksums, and the manifest of a run."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from diagnosis.errors import ConfigError, InputError, SourceError, examples
from diagnosis.schema import Text, build, read_yaml

Tier = Literal["embedded", "download", "mirror", "local"]
LicenceBasis = Literal["publisher", "repository", "republisher"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
DIGEST_LENGTH = 16
CODE_SUFFIXES = {".py", ".yml", ".csv", ".j2", ".typ", ".css"}
_WEB = r"^(https?://.+)?$"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(_Record):
    """One input: where it comes from, under which licence, and what the report loses without it."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="name of the entry in the list")
    title: Text = Field(description="what the file holds")
    label: Text = Field(description="short form for the source line below a figure")
    publisher: str = Field(min_length=1, description="body that issues the data")
    tier: Literal["embedded", "download"] = Field("download", description="embedded: ships with a package")
    package: str = Field("", description="embedded only: distribution that carries the file")
    package_version: str = Field("", description="embedded only: version the entry was written for")
    landing_page: str = Field(pattern=r"^https?://", description="page that presents the data")
    url: str = Field("", pattern=_WEB, description="direct address of the file; empty: by hand")
    url_confirmed: bool = Field(False, description="two or more independent public projects use this address")
    url_note: str = Field("", description="what is known of the address and what could not be confirmed")
    archive_member: str = Field("", description="pattern of the member to unpack if the address is a zip")
    file: str = Field(min_length=1, description="<publisher>/<file> below a mirror or the raw folder")
    companions: tuple[str, ...] = Field((), description="embedded only: further files that belong to it")
    stand_in: str = Field("", description="another file of a mirror that may stand in for `file`")
    stand_in_note: Text | None = Field(None, description="what is different in the stand-in")
    stand_in_sha256: Sha256 | None = Field(None, description="checksum of the stand-in")
    stand_in_bytes: int | None = Field(None, gt=0, description="size of the stand-in")
    stand_in_observed: str = Field(
        "", description="a file beside the stand-in with the part of it that was observed"
    )
    licence: str = Field(min_length=1, description="name of the licence")
    licence_url: str = Field("", pattern=_WEB, description="text of the licence, if its version is known")
    licence_confirmed: bool = Field(description="stated with this copy; else see licence_basis")
    licence_basis: LicenceBasis = Field(
        "publisher",
        description="if it is not stated with this copy: the publisher's general rule, the licence of the repository "
        "that republishes the file, or the word of who republishes it",
    )
    citation: str = Field(min_length=1, description="how to cite it")
    reference_date: str = Field(min_length=1, description="day, year or period of the data, as text")
    vintage: str | None = Field(None, pattern=r"^\d{4}$", description="year of its municipality codes")
    sha256: Sha256 | None = Field(None, description="checksum of the copy known when this was written")
    bytes: int | None = Field(None, gt=0, description="size of that copy")
    pinned: bool = Field(False, description="refuse another checksum; otherwise it is only reported")
    provides: str | None = Field(None, description="table of diagnosis.tables it fills; none: codes")
    needed_for: Text = Field(description="what the report loses without it")
    attribution: Text = Field(description="text to print beside results")
    modified: Text = Field(description="what we change in the data")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in filter(None, (self.file, self.stand_in, self.stand_in_observed, *self.companions)):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
                raise ValueError(f"file: {name!r} must be a path below a folder, without '..', '\\' or ':'")
        if (self.tier == "embedded") != bool(self.package):
            raise ValueError("package: an embedded source, and no other, names the package that carries it")
        if self.tier == "embedded" and (self.url or self.stand_in):
            raise ValueError("url, stand_in: an embedded source has neither")
        if bool(self.stand_in) != (self.stand_in_note is not None):
            raise ValueError("stand_in_note: a stand-in, and nothing else, needs a note of what it changes")
        if self.pinned and not self.sha256:
            raise ValueError("pinned: a checksum (sha256) is needed to hold a download to")
        return self

    @property
    def address(self) -> Literal["package", "confirmed", "unconfirmed", "by_hand"]:
        """How its file is had: with a package, from an address that is confirmed or not, or by hand."""
        if self.tier == "embedded":
            return "package"
        if not self.url:
            return "by_hand"
        return "confirmed" if self.url_confirmed else "unconfirmed"


@dataclass(frozen=True)
class SourceFile:
    """One file as found on this machine: which source it serves, from which tier, with which checksum."""

    source: str
    path: Path
    tier: Tier
    file: str
    sha256: str
    bytes: int
    stands_in: bool = False
    note: Text | None = None
    package: str = ""
    companions: tuple[Path, ...] = ()
    as_listed: bool | None = None  # does the checksum equal the listed one? None: none is listed

    @classmethod
    def of(
        cls, source: str, path: Path, tier: Tier, *, listed: str | None = None, file: str = "", **fields: Any
    ) -> Self:
        """Build it from a file on disk; `listed` is the checksum it should have, `file` its shown name."""
        sha256 = file_digest(path)
        return cls(
            source=source,
            path=path,
            tier=tier,
            file=file or path.name,
            sha256=sha256,
            bytes=path.stat().st_size,
            as_listed=None if listed is None else sha256 == listed,
            **fields,
        )


class SourceRecord(_Record):
    """A source as used in a run: the lines of the manifest and of the attributions."""

    id: str = Field(description="name of the source; local: the role of a city's own file")
    title: Text
    label: Text | None = None
    publisher: str = ""
    tier: Tier
    file: str = Field(description="file that was read; a stand-in under its own name")
    package: str = Field("", description="package and version that carry the file")
    sha256: Sha256
    bytes: int = Field(ge=0)
    as_listed: bool | None = Field(None, description="checksum equal to the listed one; null: none is listed")
    stands_in: bool = False
    note: Text | None = Field(None, description="what is different in the stand-in")
    reference_date: str = ""
    vintage: str | None = None
    licence: str = ""
    licence_url: str = ""
    licence_confirmed: bool = False
    licence_basis: LicenceBasis = "publisher"
    citation: str = ""
    landing_page: str = ""
    attribution: Text | None = None
    modified: Text | None = None

    @classmethod
    def of(cls, file: SourceFile, source: Source | None = None) -> Self:
        """Join a found file with its entry in the list; a city's own file has none."""
        found = {name: getattr(file, name) for name in _FOUND}
        if source is None:
            return cls(id=file.source, title=Text(it=file.file, en=file.file), **found)
        return cls(id=source.id, **{name: getattr(source, name) for name in _LISTED}, **found)


_FOUND = ("tier", "file", "package", "sha256", "bytes", "as_listed", "stands_in", "note")
_LISTED = tuple(name for name in SourceRecord.model_fields if name not in ("id", *_FOUND))


class StageRecord(_Record):
    """How one stage of a diagnosis ended."""

    name: str = Field(min_length=1)
    status: Literal["ok", "cached", "skipped", "failed"]
    seconds: float = Field(ge=0, description="wall seconds")
    detail: str = Field("", description="why it was skipped or failed")


class Manifest(_Record):
    """What a diagnosis was computed from, with what, and how it went."""

    edition: str
    city: str
    created: AwareDatetime = Field(description="moment of the run, with time zone, given by the caller")
    code_version: str
    settings_digest: str
    sources: tuple[SourceRecord, ...] = ()
    seeds: dict[str, int] = Field(default_factory=dict, description="seed of each random step, by its name")
    packages: dict[str, str] = Field(default_factory=dict, description="version of each package")
    warnings: tuple[str, ...] = ()
    flows_kind: str = Field("observed", description="observed, estimated_tail, modelled or invented")
    stages: tuple[StageRecord, ...] = ()

    def source_line(self, sources: Iterable[str], language: str) -> str:
        """Name the sources that were used, for the line below a figure; empty for own files."""
        wanted = set(sources)
        labels = [
            item.label[language] for item in self.sources if item.id in wanted and item.label is not None
        ]
        return "; ".join(dict.fromkeys(labels))

    def write(self, path: str | Path) -> Path:
        """Write it as JSON, whole or not at all."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
        return write_atomically(path, text)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a manifest; `ConfigError` if it is not one."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: a manifest must be readable JSON", str(error), "Run again") from error
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: a manifest must hold fields", f"found {type(content).__name__}")
        return build(cls, content, str(path))


def load_sources(path: str | Path) -> dict[str, Source]:
    """Read the list of sources, one entry an id.

    Parameters
    ----------
    path : str or Path
        YAML file such as ``data/sources.yml``.

    Returns
    -------
    dict of str to Source

    Raises
    ------
    diagnosis.errors.ConfigError
        The file cannot be read, an entry is repeated, or a field is unknown, missing or wrong.
    """
    path = Path(path)
    content = read_yaml(path)
    wrong = [name for name, entry in content.items() if not isinstance(entry, dict) or "id" in entry]
    if wrong:
        raise ConfigError(
            f"{path.name}: every entry must hold its fields under its id",
            f"{examples(map(str, wrong))} holds none, or a field id",
            "Follow the shape of the other entries",
        )
    sources = {
        name: build(Source, {**entry, "id": name}, f"{path.name}, entry {name!r}")
        for name, entry in content.items()
    }
    places: dict[str, str] = {}
    for source in sources.values():
        for file in filter(None, (source.file, source.stand_in)):
            if places.setdefault(file, source.id) != source.id:
                found = f"{file!r} is in {places[file]!r} and {source.id!r}"
                raise ConfigError(f"{path}: each file must serve one source", found)
    return sources


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits; `SourceError` if it cannot be read."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path}: the file must be readable", str(error)) from error


def digest(*parts: Any) -> str:
    """Hash settings and files to 16 hexadecimal digits, the same in every run and on every machine.

    Parameters
    ----------
    *parts : object
        Anything JSON can say (also tuples, sets, mappings with text keys, numpy numbers, pydantic models,
        :class:`SourceFile`); a `Path` stands for the content of the file, never for its name.

    Raises
    ------
    diagnosis.errors.InputError
        A part is of another kind, so that its hash would not be stable.
    """
    text = json.dumps([_plain(part) for part in parts], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:DIGEST_LENGTH]


def _plain(value: Any) -> Any:
    """Turn a value into lists and scalars; every container is tagged, so that no two kinds look alike."""
    if value is None or isinstance(value, bool | int | float | str):
        # str() and the like drop subclasses (enumerations, numpy.float64) that JSON would write otherwise.
        return next((kind(value) for kind in (bool, int, float, str) if isinstance(value, kind)), None)
    if isinstance(value, Path):
        return ["file", file_digest(value)]
    if isinstance(value, SourceFile):
        return ["source", value.source, value.sha256, [file_digest(path) for path in value.companions]]
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InputError("digest: keys must be text", f"found {examples(value)}")
        return ["map", [[key, _plain(value[key])] for key in sorted(value)]]
    if isinstance(value, list | tuple):
        return ["list", [_plain(item) for item in value]]
    if isinstance(value, set | frozenset):
        return ["set", sorted((_plain(item) for item in value), key=json.dumps)]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _plain(value.item())
    raise InputError(
        "digest: parts must be values JSON can say, or paths of files",
        f"found {type(value).__name__}",
        "Pass the numbers and texts it is made of",
    )


@cache
def code_digest(*parts: str) -> str:
    """Short hash of the project's own code and catalogue: results of other code are not taken from a cache.

    Parameters
    ----------
    *parts : str
        Modules and subpackages to look at, by their first name; all if none is given.
    """
    package = Path(__file__).parent
    files = sorted(
        path
        for path in package.rglob("*")
        if path.is_file()
        and path.suffix in CODE_SUFFIXES
        and "_project" not in path.parts
        and (not parts or path.relative_to(package).parts[0].removesuffix(".py") in parts)
    )
    return digest([[path.relative_to(package).as_posix(), path] for path in files])


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Version of each distribution in `names`; ``"not installed"`` for one that is absent."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def write_atomically(path: str | Path, data: bytes | str | Callable[[Path], Any]) -> Path:
    """Write a file whole or not at all, whatever happens half-way.

    Parameters
    ----------
    path : str or Path
        The file; its folder is made if need be.
    data : bytes, str or callable
        Content (text is written as UTF-8), or a function that writes into the path it is given. That path
        is in the same folder and ends like `path`, since many writers choose the format by the ending.

    Returns
    -------
    Path

    Raises
    ------
    diagnosis.errors.InputError
        The file cannot be written (rights, disk full, a folder of that name).
    """
    path = Path(path)
    if path.is_symlink():
        path = path.resolve()  # the link stays one
    if path.exists() and not path.is_file():
        found = f"{path} is a folder, a device or a pipe"
        raise InputError("Output goes into an ordinary file", found, "Give another name")
    # Not tempfile: its files are private to the user (mode 600), and would stay so after the renaming.
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(data):
            data(temporary)
        else:
            temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())  # else a crash can leave the new name with no content
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: the file must be writable",
            str(error),
            "Check the folder, its rights and the space left",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return path
