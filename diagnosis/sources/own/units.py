"""Units of measurement as headings write them, in both languages, and how percentages are written."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diagnosis.schema import Text, read_yaml
from diagnosis.sources.own.values import Numbers

PERCENT = "%"
PER = re.compile(
    r"(?:per|ogni|x|×|/)\s*(1\.?000|10\.?000|100\.?000|100|1,000|10,000|100,000)\b\s*(.*)", re.IGNORECASE
)
PEOPLE_WORDS = re.compile(
    r"\b(person[ae]|individu[io]|resident[ie]|abitant[ie]|alunn[ioae]|student[ie]|iscritt[ioe]|bambin[ioe]|minor[ie]"
    r"|utent[ie]|assistit[ioe]|pazient[ie]|beneficiar[ioie]+|occupat[ioe]|disoccupat[ioe]|addett[ioe]|dipendent[ie]"
    r"|lavorator[ie]|anzian[ioe]|disabil[ie]|stranier[ioe]|migrant[ie]|percettor[ie]|nat[io]|mort[ioe]|decess[io]|vittim[ae]"
    r"|ricoverat[ioe]|laureat[ioe]|people|persons?|residents?|pupils?|students?|users?|patients?|employ(ed|ees)"
    r"|children|deaths|births|victims|beneficiaries)\b",
    re.IGNORECASE,
)
AMOUNTS = {
    "euros", "thousand_euros", "million_euros", "places", "beds", "m2", "ha", "km2", "m3", "t", "kWh", "MWh", "kW",
}  # fmt: skip
"""Units whose figures are more often added up over municipalities than averaged."""
MOSTLY = 0.2
FEWEST = 5


@dataclass(frozen=True)
class Unit:
    """A unit of measurement.

    Attributes
    ----------
    text : Text
    key : str
        Of the known units, ``"%"`` and ``"per"`` (so many) among them; ``""`` if it is none of them.
    factor : float
        100 for percentages, 1000 for "per 1,000", otherwise 1.
    of_people : bool
        Whether people are counted in it.
    """

    text: Text
    key: str
    factor: float = 1.0
    of_people: bool = False


UNDECLARED = Unit(Text(it="unità non indicata", en="unit not given"), "")


def read_unit(heading: str) -> str:
    """Return the unit that a heading gives in brackets, behind a comma, or as a sign at its end."""
    for inner in reversed(re.findall(r"[(\[]([^()\[\]]{1,60})[)\]]", heading)):
        if re.search(r"[^\d\s/.,-]", inner):  # not a year, a date or the number of a note
            return inner.strip()
    tail = re.search(r"[,;:–-]\s*([^,;:–-]{1,40})$", heading)
    if tail and is_known(tail[1]):
        return tail[1].strip()
    if sign := re.search(r"(%|€)", heading):
        return sign[1]
    per = PER.search(heading)
    return per[0].strip() if per and not heading.strip().startswith("/") and per[1] != "100" else ""


def is_known(text: str) -> bool:
    """Whether a unit is a known one."""
    return bool(find_unit(text).key)


@functools.cache
def known_units() -> dict[str, Unit]:
    """Return the units of ``units.yml`` by what people write."""
    units: dict[str, Unit] = {}
    for entry in read_yaml(Path(__file__).with_name("units.yml"))["units"]:
        key = entry["key"]
        text = Text(it=entry["it"], en=entry["en"])
        unit = Unit(text, key, 100.0 if key == PERCENT else 1.0, entry.get("people", False))
        units |= dict.fromkeys(entry["written"], unit)
    return units


def find_unit(text: str) -> Unit:
    """Return the unit that a text means; as written where it is no known one."""
    plain = " ".join(text.split()).strip(" .")
    if known := known_units().get(plain.casefold()):
        return known
    if per := PER.match(plain):
        number = int(re.sub(r"[.,]", "", per[1]))
        whom = f" {per[2].strip()}" if per[2].strip() else ""
        it, en = f"{number:,}".replace(",", "."), f"{number:,}"
        return Unit(Text(it=f"per {it}{whom}", en=f"per {en}{whom}"), "per", float(number))
    return Unit(Text(it=plain, en=plain), "") if plain else UNDECLARED


def counts_people(unit: Unit, label: str, values: np.ndarray) -> bool:
    """Whether a column counts people: its unit or name says so, or nothing says what its whole numbers are."""
    if unit.of_people or (unit.key in ("", "number") and PEOPLE_WORDS.search(label)):
        return True
    known = values[np.isfinite(values)]
    return unit is UNDECLARED and len(known) > 0 and bool((known == np.round(known)).all())


@dataclass(frozen=True)
class Scale:
    """How percentages are written: the factors that make them 0 to 100, and what must be said.

    Attributes
    ----------
    factors : ndarray of float
        One a cell.
    kind : str
        Kind of problem that says so, or ``""``.
    positions : tuple of int
        Cells concerned.
    """

    factors: np.ndarray
    kind: str = ""
    positions: tuple[int, ...] = ()


def find_scale(numbers: Numbers, percent: np.ndarray, declared: str | None) -> Scale:
    """Tell percentages written 35 from those written 0.35.

    Parameters
    ----------
    numbers : Numbers
        Cells of a column whose unit is %.
    percent : ndarray of bool
        Cells that the workbook shows as percentages: it stores 0.35 for 35 %.
    declared : {"percent", "share"} or None
        What the YAML says.

    Returns
    -------
    Scale
        A sign of percent or the format of the cell decides; otherwise a value above 1 does. Where all lie between
        0 and 1 they are shares if there are at least 5 different ones up to more than 0.2, else it is not clear.
    """
    values = numbers.values
    known = np.isfinite(values)
    plain = known & ~numbers.signed & ~(percent & numbers.stored)
    factors = np.where(percent & numbers.stored, 100.0, 1.0)
    if declared == "share":
        above = np.flatnonzero(known & ~numbers.signed & (np.abs(values) > 1))
        return Scale(
            np.where(numbers.signed, 1.0, 100.0), "share_above_one" if len(above) else "", tuple(above)
        )
    if declared == "percent":
        return Scale(np.ones(len(values)))
    formatted = known & percent & numbers.stored
    if not plain.any():
        return Scale(factors, "shares_by_format" if formatted.any() else "", tuple(np.flatnonzero(formatted)))
    if (np.abs(values[plain]) > 1).any():
        kind = "mixed_scale" if formatted.any() else ""
        return Scale(factors, kind, tuple(np.flatnonzero(formatted)))
    if formatted.any() or numbers.signed.any():
        if not (values[plain] == 0).all():
            return Scale(factors, "mixed_scale", tuple(np.flatnonzero(plain)))
        return Scale(factors, "shares_by_format" if formatted.any() else "", tuple(np.flatnonzero(formatted)))
    if (values[plain] == 0).all():
        return Scale(factors)
    different = np.unique(values[plain])
    if len(different) >= FEWEST and different[-1] > MOSTLY and different[0] >= 0:
        return Scale(np.full(len(values), 100.0), "shares_by_values", tuple(np.flatnonzero(plain)))
    return Scale(factors, "scale_unclear", tuple(np.flatnonzero(plain)))
