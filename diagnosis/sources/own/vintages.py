"""Codes of other years in a city's own file: which year they are of, and their figures carried to 2022."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from diagnosis.codes import VINTAGE_DAYS, carry, link_codes
from diagnosis.errors import InputError
from diagnosis.tables import VINTAGE

MOST_TRIED = 40


def accepts(
    codes: Iterable[str], vintage: str, register: pd.DataFrame, published: pd.DataFrame | None
) -> bool:
    """Whether all codes are municipalities of a vintage."""
    try:
        carry(pd.DataFrame({"one": 1.0}, index=pd.Index(list(codes), dtype="str")), vintage, "inherit", register,
              published)  # fmt: skip
    except InputError:
        return False
    return True


def find_wrong(
    codes: Sequence[str], vintage: str, register: pd.DataFrame, published: pd.DataFrame | None
) -> list[str]:
    """Return the codes that are no municipality of a vintage."""
    if not codes or accepts(codes, vintage, register, published):
        return []
    if len(codes) == 1:
        return list(codes)
    half = len(codes) // 2
    return [
        wrong
        for part in (codes[:half], codes[half:])
        for wrong in find_wrong(part, vintage, register, published)
    ]


def find_successors(
    codes: Iterable[str], vintage: str, register: pd.DataFrame, published: pd.DataFrame | None
) -> dict[str, set[str]]:
    """Return the municipalities of 2022 that each code of a vintage, all of them right, stands for."""
    links, _ = link_codes(codes, vintage, register, published)
    found: dict[str, set[str]] = {code: set() for code in codes}
    for source, code in links[["source", "code"]].itertuples(index=False):
        found[source].add(code)
    return found


def find_vintage(
    codes: Sequence[str], unknown: Sequence[str], register: pd.DataFrame, published: pd.DataFrame | None
) -> tuple[str | None, list[str]]:
    """Find the year whose list of municipalities has all the codes.

    Parameters
    ----------
    codes : sequence of str
        All codes of the file, 6 digits.
    unknown : sequence of str
        Those among them that are none of 2022.
    register : DataFrame
        Municipalities of 2022: see :func:`diagnosis.codes.carry`.
    published : DataFrame or None
        Cadastral codes by code, where the file has them.

    Returns
    -------
    vintage : str or None
        None if no year has all the codes but those of `wrong`. Of several, the latest before 2022, then the
        earliest after.
    wrong : list of str
        Codes that no year has.
    """
    vintages = sorted((v for v in VINTAGE_DAYS if v != VINTAGE), key=_nearness)
    fitting = {v: {c for c in unknown[:MOST_TRIED] if accepts([c], v, register, published)} for v in vintages}
    wrong = [code for code in unknown if not any(code in found for found in fitting.values())]
    left = set(unknown) - set(wrong)
    if not left:
        return None, wrong
    rest = [code for code in codes if code not in set(wrong)]
    for vintage in vintages:
        if left <= fitting[vintage] and accepts(rest, vintage, register, published):
            return vintage, wrong
    return None, wrong


def _nearness(vintage: str) -> tuple[bool, int]:
    later = vintage > VINTAGE
    return later, int(vintage[:4]) if later else -int(vintage[:4])


def carry_figures(
    values: pd.DataFrame,
    vintage: str,
    *,
    summed: bool,
    register: pd.DataFrame,
    published: pd.DataFrame | None,
) -> tuple[pd.DataFrame, list[str]]:
    """Carry figures to the codes of 2022: counts are added up, rates are inherited.

    Parameters
    ----------
    values : DataFrame
        Indexed by code of `vintage`, one column a year.

    Returns
    -------
    values : DataFrame
        Indexed by code of 2022.
    notes : list of str
        What changed, in English; not which municipalities have no row.
    """
    carried = carry(values, vintage, "sum" if summed else "inherit", register, published)
    notes = [note for note in carried.attrs.get("notes", []) if " no row" not in note]
    return carried[values.columns], notes
