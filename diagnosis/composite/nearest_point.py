"""Nearest point, within limits, at which a mean of one unit's normalised values reaches a target.

Let r be the normalised values, w their weights (sum 1), ``M = sum of w r`` and ``Q = sum of w r**2``, so that
``S**2 = Q - M**2``. Then ``AMPI- = M - S**2 / M = 2 M - Q / M`` and ``AMPI+ = M + S**2 / M = Q / M``.

*Threshold.* For ``M > 0``, ``d AMPI- / d r_j = 2 w_j (T - r_j) / M`` with ``T = M + Q / (2 M) = M (3 + cv**2) / 2``:
raising an indicator raises the score only while it lies below T. ``d AMPI+ / d r_j = 2 w_j (r_j - T) / M`` with
``T = Q / (2 M) = M (1 + cv**2) / 2``: lowering one lowers the score only while it lies above T.

*One solution.* ``Q / M`` is convex where ``M > 0`` (quadratic over linear), so AMPI- is concave and AMPI+ convex: the
points that reach a target t, ``AMPI- >= t`` or ``AMPI+ <= t``, form a convex set, and the nearest of them is unique,
for both penalties. ``AMPI+ <= t`` is the ball ``sum of w (r - t/2)**2 <= t**2 / 4``. ``AMPI- >= t`` is the cone
``S**2 + t**2 / 4 <= (M - t/2)**2``, the union over m of the balls of centre ``c = 2 m - t/2`` and squared radius
``c**2 - 2 m**2``: since ``2 M**2 >= 4 m M - 2 m**2``, each lies within it. The distance to these balls is convex in m,
with a slope of the sign of ``m - M``, so that it is least where m is the mean of the point reached. The solution moves
each indicator towards the centre, which is then T at the point reached, by a share that grows with its weight; never
past it.

The derivations are this project's; convexity as in Boyd, S., Vandenberghe, L. (2004). Convex Optimization, section
3.1.5 (cited from memory).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diagnosis.errors import InputError

HALVINGS = 100
"""Steps of a bisection: more than double precision can tell apart."""


@dataclass(frozen=True, eq=False)
class Reach:
    """One unit, how far each of its indicators may go, and how they make a score.

    Parameters
    ----------
    rule : {'arithmetic', 'geometric', 'ampi-', 'ampi+'}
        With ``ampi+`` the score is to be at most the target, otherwise at least.
    now : numpy.ndarray
        Normalised values, none missing.
    weights : numpy.ndarray
        Above 0, of sum 1.
    difficulty : numpy.ndarray
        Above 0; weights of the squared distance.
    lowest, highest : numpy.ndarray
        Limits, with `now` between them; an indicator that may not move has both at `now`.

    Raises
    ------
    diagnosis.errors.InputError
        Limits at which the geometric mean or the penalty of the AMPI has no meaning.
    """

    rule: str
    now: np.ndarray
    weights: np.ndarray
    difficulty: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    def __post_init__(self) -> None:
        if self.rule == "geometric" and (self.lowest <= 0).any():
            raise InputError(
                "a geometric mean needs normalised values above 0",
                f"one would be {self.lowest.min():g} at the limits",
                "Narrow the limits, or normalise to a scale that begins above 0",
            )
        if self.rule.startswith("ampi") and self.weights @ self.lowest <= 0:
            raise InputError(
                "the mean of the normalised values must stay above 0, or the penalty has no meaning",
                f"it would be {self.weights @ self.lowest:g} at the limits",
                "Narrow the limits, or normalise to a scale around 100",
            )

    def find_best(self) -> np.ndarray:
        """Return the point within the limits with the best score.

        For AMPI each indicator is at the threshold of that very point, or at the limit on the way to it: a root in one
        unknown. A point where the excess of the threshold turns from positive to negative meets the conditions of
        optimality, which are sufficient here.
        """
        if not self.rule.startswith("ampi"):
            return self.highest

        def excess(level: float) -> float:
            return self._threshold(np.clip(level, self.lowest, self.highest)) - level

        low, high = float(self.lowest.min()), float(self.highest.max())
        if excess(low) <= 0:
            return self.lowest
        if excess(high) >= 0:
            return self.highest
        return np.clip(_bisect(excess, low, high), self.lowest, self.highest)

    def find_nearest(self, target: float) -> np.ndarray | None:
        """Return the nearest point with the score `target`, or None where none within the limits has it.

        Parameters
        ----------
        target : float
            Better than the score of `now`.
        """
        if self.rule == "arithmetic":
            return self._move(
                lambda force: self.now + force * self.weights / self.difficulty,
                lambda point: target - self.weights @ point,
                np.max((self.highest - self.now) * self.difficulty / self.weights),
            )
        if self.rule == "geometric":
            return self._move(
                # stationary: difficulty * (x - now) = force * weight / x
                lambda force: (
                    (self.now + np.sqrt(self.now**2 + 4 * force * self.weights / self.difficulty)) / 2
                ),
                lambda point: np.log(target) - self.weights @ np.log(point),
                np.max(self.highest * (self.highest - self.now) * self.difficulty / self.weights),
            )
        if self.rule == "ampi+":
            return self._move_into_ball(target / 2, target**2 / 4)
        return self._move_into_cone(target)

    def move_alone(self, target: float) -> np.ndarray:
        """Return, for each indicator, the nearest value that gives the target while all others stay.

        Missing where there is none within its limits.
        """
        with np.errstate(all="ignore"):  # what cannot be reached becomes infinite or missing
            first, last = self._range_alone(target)
            value = np.where(self.now < first, first, last)
            slack = 1e-9 * np.maximum(1.0, np.abs(value))
            within = (value >= self.lowest - slack) & (value <= self.highest + slack)
        return np.where(within, np.clip(value, self.lowest, self.highest), np.nan)

    def _threshold(self, point: np.ndarray) -> float:
        mean, square = self.weights @ point, self.weights @ point**2
        return float(square / (2 * mean) + (mean if self.rule == "ampi-" else 0.0))

    def _move(
        self,
        go: Callable[[float], np.ndarray],
        shortfall: Callable[[np.ndarray], Any],
        furthest: float,
    ) -> np.ndarray | None:
        """Go on until nothing is short any more; `shortfall` falls with the force, `furthest` is its end."""
        from scipy.optimize import brentq

        def short(force: float) -> float:
            return float(shortfall(np.clip(go(force), self.lowest, self.highest)))

        if short(furthest) > 0:
            return None
        if short(0.0) <= 0:
            return self.now
        force = brentq(short, 0.0, furthest, xtol=1e-300, rtol=8.9e-16, maxiter=500)
        return np.clip(go(force), self.lowest, self.highest)

    def _move_into_ball(self, centre: float, squared_radius: float) -> np.ndarray | None:
        # the force runs from 0 (stay) to 1 (at the centre, or at the limit on the way to it)
        def go(force: float) -> np.ndarray:
            stay, pull = (1 - force) * self.difficulty, force * self.weights
            return (stay * self.now + pull * centre) / (stay + pull)

        return self._move(go, lambda point: self.weights @ (point - centre) ** 2 - squared_radius, 1.0)

    def _move_into_cone(self, target: float) -> np.ndarray | None:
        best = self.find_best()
        inside = float(self.weights @ best)
        if 2 * inside - self.weights @ best**2 / inside < target:
            return None
        low, high = float(self.weights @ self.lowest), float(self.weights @ self.highest)
        nearest, length = best, float(self.difficulty @ (best - self.now) ** 2)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            centre = 2 * middle - target / 2
            point = self._move_into_ball(centre, centre**2 - 2 * middle**2)
            if (
                point is None
            ):  # the means whose ball is within the limits are an interval that holds the best point's
                rising = middle < inside
            else:
                rising = middle < self.weights @ point
                moved = float(self.difficulty @ (point - self.now) ** 2)
                if moved < length:
                    nearest, length = point, moved
            low, high = (middle, high) if rising else (low, middle)
        return nearest

    def _range_alone(self, target: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the values of each indicator that give the target while all others stay."""
        weights, now = self.weights, self.now
        rest = weights @ now - weights * now
        unlimited = np.full(len(now), np.inf)
        if self.rule == "arithmetic":
            return (target - rest) / weights, unlimited
        if self.rule == "geometric":
            logs = np.log(now)
            return np.exp((np.log(target) - (weights @ logs - weights * logs)) / weights), unlimited
        square = weights @ now**2 - weights * now**2
        if self.rule == "ampi+":  # Q - t M <= 0
            return _solve(weights, -target * weights, square - target * rest)
        return _solve(  # Q - 2 M**2 + t M <= 0
            weights * (1 - 2 * weights), weights * (target - 4 * rest), square - 2 * rest**2 + target * rest
        )


def _solve(second: np.ndarray, first: np.ndarray, constant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the upper interval where ``second x**2 + first x + constant <= 0``, missing if none."""
    root = np.sqrt(first**2 - 4 * second * constant)
    larger = -(first + np.where(first > 0, root, -root)) / 2  # no cancellation
    one, other = larger / second, constant / larger
    low, high = np.minimum(one, other), np.maximum(one, other)
    straight = second == 0
    low = np.where(straight, np.where(first < 0, other, -np.inf), np.where(second > 0, low, high))
    high = np.where(straight, np.where(first < 0, np.inf, other), np.where(second > 0, high, np.inf))
    return low, high


def _bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Find where a function turns from positive at `low` to negative at `high`."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return low
