"""The YAML of a proposal: what it holds, and which names its files may have."""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from diagnosis.errors import InputError
from diagnosis.schema import Model

if TYPE_CHECKING:
    from diagnosis.governance.draft import AreaMeasures

LONGEST_NAME, LONGEST_NOTE = 80, 10_000
NAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST_NAME - 1}}}")
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
"""Names that Windows keeps for devices."""
Number = int | float


class SavedArea(Model):
    """One area, as a proposal's YAML describes it; missing where a figure is not known."""

    name: str
    members: int
    population: Number | None = None
    employed: Number | None = None
    jobs: Number | None = None
    within: Number | None = None
    interaction: Number | None = None
    longest_minutes: Number | None = None
    limits: tuple[str, ...] = Field((), description="Limits it breaks.")


class SavedMove(Model):
    """A municipality that is in another area than in the computed proposal, by the centres of the two."""

    code: str
    name: str
    before: str
    after: str


class ProposalFile(Model):
    """What the YAML of a proposal holds."""

    name: str
    function: str
    date: datetime.date
    note: str = ""
    data: str = Field(description="Digest of the data the figures were computed on.")
    partition: str = Field(description="Digest of the table, whatever its areas are called.")
    figures: dict[str, Number | None] = Field(default_factory=dict)
    areas: dict[int, SavedArea] = Field(default_factory=dict)
    moved: tuple[SavedMove, ...] = ()


def suggest_name(text: str) -> str:
    """Turn any text into the name of a proposal: ``"Proposta di Forlì"`` becomes ``proposta-di-forli``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_NAME].strip("-") or "proposta"
    return f"{name}-1" if RESERVED.fullmatch(name) else name


def check_name(name: str) -> None:
    """Refuse a name that files must not have, and say a near one that they may."""
    if not NAME.fullmatch(name) or RESERVED.fullmatch(name) or name.endswith("."):
        raise InputError(
            f"A proposal's name is made of small letters, digits, '.', '_' and '-', {LONGEST_NAME} at most, and "
            "begins with a letter or digit",
            f"{name[: LONGEST_NAME * 2]!r} was given",
            f"Take {suggest_name(name)!r}",
        )


def describe_area(name: str, found: AreaMeasures) -> dict[str, Any]:
    """Return the fields of :class:`SavedArea`."""
    figures = ("population", "employed", "jobs", "within")
    return {
        "name": name,
        "members": found.members,
        **{figure: known(getattr(found, figure)) for figure in figures},
        "interaction": known(found.value),
        "longest_minutes": known(found.longest),
        "limits": found.limits,
    }


def known(value: float | None) -> Number | None:
    """Return a figure as files keep it: a count without decimals, None where it is not known."""
    if value is None or not np.isfinite(value):
        return None
    rounded = round(float(value), 6)
    return int(rounded) if rounded.is_integer() else rounded


def plain_text(text: str) -> str:
    """Return a note without control characters, which YAML would spell out, and not longer than a page or two."""
    lines = str(text)[:LONGEST_NOTE].replace("\r\n", "\n").split("\n")
    kept = ("".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs")) for line in lines)
    return "\n".join(line.rstrip() for line in kept).strip()
