"""Releases of an index on disk: one JSON file each, which is not changed once it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

from diagnosis.composite.release import AmpiRelease
from diagnosis.errors import InputError
from diagnosis.provenance import write_atomically


def write_release(release: AmpiRelease, path: str | Path, *, replace: bool = False) -> Path:
    """Write a release as a JSON file, whole or not at all; numbers are read back as they are.

    Parameters
    ----------
    release : AmpiRelease
        What :func:`~diagnosis.composite.freezing.freeze` returned.
    path : str or Path
        The file; its folder is made if need be.
    replace : bool, default False
        Write over a file of another content. Without it a published scale cannot be lost by mistake.

    Returns
    -------
    Path

    Raises
    ------
    diagnosis.errors.InputError
        The file cannot be written, or is there with another content.
    """
    path = Path(path)
    text = json.dumps(release.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    if not replace and path.is_file():
        if path.read_bytes() == text.encode("utf-8"):
            return path
        raise InputError(
            "a release that was written must not change",
            f"{path} is there with another content",
            "Choose another name, or pass replace=True",
        )
    return write_atomically(path, text)


def read_release(path: str | Path) -> AmpiRelease:
    """Read back what :func:`write_release` wrote.

    Raises
    ------
    diagnosis.errors.InputError
        The file is not there, is not JSON, or is not a release this version of the library can read.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path} must be the file of a release", str(error), "Write it with write_release"
        ) from None
    try:
        return AmpiRelease.from_dict(content)
    except InputError as error:
        raise InputError(f"{path}: {error.must_hold}", error.found, error.to_do) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that can be used")
