"""Classes of a choropleth map: breaks, their labels and their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnosis.errors import InputError, unknown_name
from diagnosis.figure import find_words, format_number

SCHEMES = ("quantiles", "jenks", "given")
SEQUENTIAL, DIVERGING = "YlGnBu", "BrBG"
"""ColorBrewer schemes, safe for colour-blind readers and in print."""
SHIFTED = 0.06
"""Share of the municipalities that rounding the breaks may move to another class."""
FINEST_JENKS = 600


@dataclass(frozen=True)
class Classes:
    """Classes of numbers: those below the first break, between breaks, and from the last break on.

    Attributes
    ----------
    breaks : tuple of float
        Increasing; a value equal to a break belongs to the class above it.
    labels : tuple of str
        One a class, in the number format of the language.
    colours : tuple of str
        One a class.
    """

    breaks: tuple[float, ...]
    labels: tuple[str, ...]
    colours: tuple[str, ...]

    def assign(self, values: np.ndarray) -> np.ndarray:
        """Position of the class of each value; -1 where the value is missing."""
        return np.where(np.isnan(values), -1, np.searchsorted(self.breaks, values, side="right"))


def classify(
    values: np.ndarray,
    *,
    decimals: int,
    language: str,
    classes: int = 5,
    scheme: str = "quantiles",
    breaks: Sequence[float] | None = None,
    diverging_at: float | None = None,
) -> Classes:
    """Make the classes of a choropleth.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        At least one must not be NaN.
    decimals : int
        Decimals of the values; breaks show as many as they need, up to three more.
    language : {"it", "en"}
        Language of the labels.
    classes : int, default 5
        Wanted number of classes, 2 to 9; fewer distinct values have a class each.
    scheme : {"quantiles", "jenks", "given"}
        Equal numbers of municipalities with breaks rounded where that moves few of them; least squares
        within classes (Jenks 1967, exact solution of Fisher 1958); or `breaks`.
    breaks : sequence of float, optional
        Increasing inner breaks, only with ``scheme="given"``.
    diverging_at : float, optional
        A value with a meaning (an average, zero) that parts two hues; always a break where values lie on
        both sides.

    Returns
    -------
    Classes

    Raises
    ------
    diagnosis.errors.InputError
        Unknown scheme, number of classes out of range, or breaks missing or not increasing.
    """
    if scheme not in SCHEMES:
        raise unknown_name("scheme", scheme, SCHEMES)
    if not 2 <= classes <= 9:
        raise InputError("classes must be from 2 to 9", f"{classes} was given")
    known = np.sort(values[~np.isnan(values)])
    distinct = np.unique(known)
    if scheme == "given":
        chosen = _check_breaks(breaks)
    elif breaks is not None:
        raise InputError("breaks are only taken with scheme='given'", f"scheme={scheme!r} was given")
    elif len(distinct) <= classes:
        colours = _colours_of_values(distinct, diverging_at)
        labels = _label_values(distinct, decimals, language)
        return Classes(tuple(distinct[1:].tolist()), labels, colours)
    elif diverging_at is not None and known[0] < diverging_at <= known[-1]:
        halves = known[known < diverging_at], known[known >= diverging_at]
        number = (classes // 2, classes - classes // 2)
        below, above = (_find_breaks(half, k, scheme) for half, k in zip(halves, number, strict=True))
        chosen = np.unique([*below, diverging_at, *above])
    else:
        chosen = _find_breaks(known, classes, scheme)
    return Classes(
        tuple(chosen.tolist()),
        _label_breaks(chosen, known, decimals, language),
        _colours(chosen, diverging_at, None if scheme == "given" else known),
    )


def _check_breaks(breaks: Sequence[float] | None) -> np.ndarray:
    given = np.asarray(() if breaks is None else breaks, dtype=float)
    if not given.size or not np.isfinite(given).all() or (np.diff(given) <= 0).any():
        raise InputError("scheme='given' needs increasing inner breaks", f"breaks={breaks!r} was given")
    return given


def _find_breaks(known: np.ndarray, classes: int, scheme: str) -> np.ndarray:
    distinct = np.unique(known)
    if classes < 2 or len(distinct) < 2:
        return np.array([])
    if len(distinct) <= classes:
        return distinct[1:]
    if scheme == "jenks":
        return _round_breaks(known, _jenks(known, classes))
    quantiles = np.quantile(known, np.arange(1, classes) / classes, method="inverted_cdf")
    return _round_breaks(known, np.setdiff1d(quantiles, distinct[:1]))


def _round_breaks(known: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Round to the coarsest step of 1, 2 or 5 that leaves the classes nearly as they are.

    Any number above the value before a break, and not above the break, makes the same classes.
    """
    magnitude = int(np.floor(np.log10(known[-1] - known[0])))
    size = np.searchsorted(known, breaks)
    before = known[size - 1]
    for exponent in range(magnitude, magnitude - 5, -1):
        for factor in (5, 2, 1):
            step, places = factor * 10.0**exponent, max(0, -exponent)
            lower = np.round(np.floor(breaks / step) * step, places)
            nearest = np.round(np.round(breaks / step) * step, places)
            rounded = np.where((lower > before) & (lower <= breaks), lower, nearest)
            position = np.searchsorted(known, rounded)
            filled = np.diff(position, prepend=0, append=len(known)) > 0
            if filled.all() and np.abs(position - size).max() <= SHIFTED * len(known):
                return rounded
    return breaks


def _jenks(known: np.ndarray, classes: int) -> np.ndarray:
    """Find the breaks with the least squares within classes, by dynamic programming."""
    if len(known) > FINEST_JENKS:
        known = np.quantile(known, np.linspace(0, 1, FINEST_JENKS), method="inverted_cdf")
    values, weight = np.unique(known, return_counts=True)
    number = len(values)
    centred = values - values.mean()
    sums = [np.concatenate(([0.0], np.cumsum(weight * centred**power))) for power in range(3)]
    first, last = np.arange(number)[:, None], np.arange(1, number + 1)[None, :]
    n, s, q = (total[last] - total[first] for total in sums)
    cost = np.where(last > first, q - s**2 / np.maximum(n, 1), np.inf)  # values first ... last - 1 together
    best, cuts = cost[0], []
    for _ in range(classes - 1):
        before = np.concatenate(([np.inf], best[:-1]))  # the classes so far end before `first`
        total = before[:, None] + cost
        cuts.append(total.argmin(axis=0))
        best = total.min(axis=0)
    end, breaks = number - 1, []
    for cut in reversed(cuts):
        breaks.append(values[cut[end]])
        end = cut[end] - 1
    return np.array(breaks[::-1])


def _decimals_needed(numbers: np.ndarray, decimals: int) -> int:
    for places in range(decimals + 3):
        if np.allclose(np.round(numbers, places), numbers, rtol=1e-12, atol=10.0 ** -(decimals + 6)):
            return places
    places = decimals
    while places < decimals + 3 and len(np.unique(np.round(numbers, places))) < len(numbers):
        places += 1
    return places


def _label_values(distinct: np.ndarray, decimals: int, language: str) -> tuple[str, ...]:
    places = decimals
    while places < decimals + 3 and len(np.unique(np.round(distinct, places))) < len(distinct):
        places += 1
    return tuple(format_number(value, places, language) for value in distinct)


def _label_breaks(breaks: np.ndarray, known: np.ndarray, decimals: int, language: str) -> tuple[str, ...]:
    words = find_words(language)
    places = _decimals_needed(breaks, decimals)
    whole = decimals == 0 and places == 0 and np.array_equal(known, np.round(known))
    text = [format_number(value, places, language) for value in breaks]
    between = words["from_to_signed" if breaks[0] < 0 else "from_to"]
    labels = [words["below"].format(text[0])]
    for lower, upper, low, high in zip(breaks[:-1], breaks[1:], text[:-1], text[1:], strict=True):
        if not whole:
            labels.append(between.format(low, high))
        elif upper - 1 <= lower:
            labels.append(low)
        else:
            labels.append(between.format(low, format_number(upper - 1, 0, language)))
    return (*labels, words["above"].format(text[-1]))


def _colours(breaks: np.ndarray, diverging_at: float | None, known: np.ndarray | None) -> tuple[str, ...]:
    """Colours from light to dark, or away from the light middle on both sides of `diverging_at`."""
    number = len(breaks) + 1
    if diverging_at is None:
        return _sample(SEQUENTIAL, np.linspace(0.12, 0.9, number) if number > 1 else np.array([0.5]))
    below = int((breaks <= diverging_at).sum())
    if known is not None and known[-1] < diverging_at:
        below = number
    return _diverge(below, number - below)


def _colours_of_values(distinct: np.ndarray, diverging_at: float | None) -> tuple[str, ...]:
    if diverging_at is None:
        return _colours(distinct[1:], None, None)
    below = int((distinct < diverging_at).sum())
    return _diverge(below, len(distinct) - below)


def _diverge(below: int, above: int) -> tuple[str, ...]:
    most = max(below, above, 2)
    steps = np.linspace(0.1, 0.42, most)
    low = 0.5 - steps[:below][::-1]
    high = 0.5 + steps[:above]
    return _sample(DIVERGING, np.concatenate((low, high)))


def _sample(name: str, positions: np.ndarray) -> tuple[str, ...]:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return tuple(to_hex(colour) for colour in colormaps[name](positions))
