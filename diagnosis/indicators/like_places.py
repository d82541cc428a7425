"""Municipalities to compare a city with: those like it (inner-area class and size), or a group the reader names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples, unknown_name
from diagnosis.indicators.accessibility import INNER_CLASSES
from diagnosis.indicators.measures import Tables
from diagnosis.indicators.municipal import compute

SIZE_LIMITS = (1_000, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000)
"""Residents up to which each size class goes, the last class being open: a choice of this project. At 5,000 Italian
law (d.l. 78/2010, art. 14) stops speaking of small municipalities."""

FEWEST_LIKE = 20
"""Other municipalities a group of like ones needs before it is widened: quartiles of fewer say little. Our choice."""

MACRO_CLASSES = (("A", "B"), ("C",), INNER_CLASSES)
"""Inner-area classes taken together: poles, belt, inner areas (national strategy for inner areas, map of 2020)."""

STEPS = ("same", "neighbouring_sizes", "macro_class", "size_only")
"""How far a group was widened; each step holds the one before."""

BUILT_IN_GROUPS = ("like", "region", "province", "capitals", "country")
"""Comparison groups every city has."""


@dataclass(frozen=True, eq=False)
class LikePlaces:
    """The municipalities like a city, and what they have in common.

    Attributes
    ----------
    codes : pandas.Index
        The city and those like it, in the order of the table of municipalities.
    step : str
        One of :data:`STEPS`: ``same`` inner-area class and size class; ``neighbouring_sizes``: same class, its
        size class and the two beside it; ``macro_class``: these sizes in the classes of :data:`MACRO_CLASSES`
        together; ``size_only``: these sizes in any class, or none.
    snai_classes : tuple of str
        Inner-area classes admitted; empty when any is.
    above, up_to : float
        Residents: more than `above` and at most `up_to`, which is infinite for the open class.
    number : int
        Municipalities other than the city.
    enough : bool
        Whether they are as many as asked for.
    """

    codes: pd.Index
    step: str
    snai_classes: tuple[str, ...]
    above: float
    up_to: float
    number: int
    enough: bool


def classify_sizes(residents: pd.Series, limits: Sequence[float] = SIZE_LIMITS) -> pd.Series:
    """Give each municipality its size class by residents.

    Parameters
    ----------
    residents : pandas.Series
        Residents by municipality.
    limits : sequence of float
        Increasing; class k holds those above ``limits[k - 1]`` and up to ``limits[k]``, limits included.

    Returns
    -------
    pandas.Series
        ``size_class``, 0 to ``len(limits)``, of type ``Int64``; missing where the residents are.

    Raises
    ------
    diagnosis.errors.InputError
        Limits that do not increase, or are not above zero.
    """
    steps = _check_limits(limits)
    numbers = residents.astype(float)
    classes = pd.Series(np.searchsorted(steps, numbers, side="left"), index=residents.index, dtype="Int64")
    return classes.where(numbers.notna()).rename("size_class")


def find_like(
    tables: Tables, code: str, *, limits: Sequence[float] = SIZE_LIMITS, minimum: int = FEWEST_LIKE
) -> LikePlaces:
    """Find the municipalities of the same inner-area class (SNAI 2020) and size class as a city.

    Where fewer than `minimum` others are found the group is widened, step by step, as :data:`STEPS` says; the last
    step is kept even when it is too small. A city without an inner-area class is compared by size only. Other
    municipalities without residents are in no group, those without a class only in groups of any class.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``municipalities``, ``population`` and ``inner_areas`` (which may be absent), as in
        :mod:`diagnosis.tables`.
    code : str
        The city.
    limits : sequence of float
        Of the size classes, as in :func:`classify_sizes`.
    minimum : int, default 20
        Other municipalities wanted.

    Returns
    -------
    LikePlaces

    Raises
    ------
    diagnosis.errors.UnknownNameError
        The city is not a municipality of the country.
    diagnosis.errors.InputError
        The city's residents are not known; limits or minimum that make no sense.

    References
    ----------
    DPCoe, NUVAP (2022). Aggiornamento 2020 della mappa delle aree interne (cited from memory): six classes by time
    to the nearest pole of services.
    """
    steps = _check_limits(limits)
    if minimum < 1:
        raise InputError("minimum must be at least 1", f"{minimum!r} was given")
    if tables.get("municipalities") is not None:
        _check_code(code, tables["municipalities"].index)  # type: ignore[union-attr]
    known = compute(tables, only=("residents", "snai_class"))
    if pd.isna(known.at[code, "residents"]):
        raise InputError(
            "like municipalities are found by the city's residents",
            f"none are known for {code!r}",
            "Choose another comparison group: the region, the province, the capitals or a list of your own",
        )
    sizes = classify_sizes(known["residents"], limits)
    own_size, own_class = int(sizes[code]), known.at[code, "snai_class"]
    bounds = np.r_[-np.inf, steps, np.inf]
    distance = (sizes - own_size).abs().fillna(len(bounds)).astype(int)
    for step in STEPS if pd.notna(own_class) else STEPS[-1:]:
        reach = 0 if step == "same" else 1
        classes = _classes_of(step, own_class)
        members = distance <= reach
        if classes:
            members &= known["snai_class"].isin(classes)
        number = int(members.sum()) - 1
        if number >= minimum:
            break
    lowest, highest = max(own_size - reach, 0), min(own_size + reach, len(steps))
    return LikePlaces(
        codes=known.index[members],
        step=step,
        snai_classes=classes,
        above=float(max(bounds[lowest], 0)),
        up_to=float(bounds[highest + 1]),
        number=number,
        enough=number >= minimum,
    )


def comparison_groups(
    tables: Tables,
    code: str,
    own: Mapping[str, Iterable[str]] | None = None,
    *,
    names: Iterable[str] | None = None,
    limits: Sequence[float] = SIZE_LIMITS,
    minimum: int = FEWEST_LIKE,
) -> dict[str, pd.Index]:
    """List the groups of municipalities a city can be compared with.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        As for :func:`find_like`, which gives the group ``like``.
    code : str
        The city.
    own : mapping of str to codes, optional
        Groups of the reader's own, by name.
    names : iterable of str, optional
        Groups wanted, in this order; all of them if not given. ``like`` needs the city's residents, the others
        only the table of municipalities.
    limits, minimum
        As in :func:`find_like`.

    Returns
    -------
    dict of str to pandas.Index
        Codes by group, in the order of the table of municipalities: ``like``; ``region`` and ``province`` of the
        city; ``capitals`` of the province-level bodies; ``country``; then the reader's own. The city is in the
        first three and in ``country``; it need not be in the others.

    Raises
    ------
    diagnosis.errors.UnknownNameError
        Unknown city or group.
    diagnosis.errors.InputError
        An own group without members, with an unknown code, or named like one of :data:`BUILT_IN_GROUPS`.
    """
    municipalities = tables.get("municipalities")
    if municipalities is None:
        raise InputError("The table municipalities is needed", f"found {examples(sorted(tables), 12)}")
    codes = municipalities.index
    _check_code(code, codes)
    lists = {name: _check_own(name, members, codes) for name, members in (own or {}).items()}
    known = (*BUILT_IN_GROUPS, *lists)
    wanted = list(known if names is None else dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise unknown_name("A comparison group", name, known)
    groups: dict[str, pd.Index] = {}
    for name in wanted:
        if name == "like":
            groups[name] = find_like(tables, code, limits=limits, minimum=minimum).codes
        elif name in {"region", "province"}:
            groups[name] = codes[municipalities[name] == municipalities.at[code, name]]
        elif name == "capitals":
            groups[name] = codes[municipalities["capital"] == 1]
        else:
            groups[name] = codes if name == "country" else lists[name]
    return groups


def _classes_of(step: str, own_class: str) -> tuple[str, ...]:
    if step == "size_only":
        return ()
    if step == "macro_class":
        return next(classes for classes in MACRO_CLASSES if own_class in classes)
    return (own_class,)


def _check_limits(limits: Sequence[float]) -> np.ndarray:
    steps = np.asarray(limits, dtype=float)
    if (
        steps.ndim != 1
        or not steps.size
        or not np.isfinite(steps).all()
        or (np.diff(steps, prepend=0) <= 0).any()
    ):
        raise InputError(
            "limits of size classes must be numbers of residents above 0, each larger than the one before",
            f"found {examples(np.ravel(steps).tolist(), 12)}",
        )
    return steps


def _check_code(code: str, codes: pd.Index) -> None:
    if code not in codes:
        raise unknown_name("A municipality", code, map(str, codes), "Give its 6-digit code, as text")


def _check_own(name: str, members: Iterable[str], codes: pd.Index) -> pd.Index:
    if name in BUILT_IN_GROUPS:
        raise InputError(
            f"own comparison groups must not be called {', '.join(BUILT_IN_GROUPS)}",
            f"{name!r} is",
            "Give it another name",
        )
    if isinstance(members, str):
        raise InputError(f"own group {name!r} must be a list of codes", f"the text {members!r} was given")
    listed = list(members)
    unknown = [member for member in listed if member not in codes]
    if unknown or not listed:
        raise InputError(
            f"own group {name!r} must hold codes of municipalities of the country",
            f"{len(unknown)} are not: {examples(unknown)}" if unknown else "it is empty",
            "Give 6-digit codes, as text",
        )
    return codes[codes.isin(listed)]
