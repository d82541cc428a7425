"""Choices of the makers of an index: normalisation, weights around the nominal ones, levels and their rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.composite.kernels import AGGREGATIONS
from diagnosis.composite.normalise import Goalposts
from diagnosis.errors import InputError, examples, unknown_name

SCALES = {
    "min_max": (70.0, 130.0),
    "z_scores": (100.0, 10.0),
    "rank": (70.0, 130.0),
    "goalposts": (70.0, 130.0),
}
"""Normalisations and the scale of each: its ends, or mean and standard deviation for z-scores."""

NOISES = ("uniform", "dirichlet")


@dataclass(frozen=True)
class Normalisation:
    """A way to put indicators on one scale.

    Parameters
    ----------
    method : {'min_max', 'z_scores', 'rank', 'goalposts'}
        ``rank`` is the share of the other units that are passed (ties half), so it forgets distances.
    scale : tuple of float, optional
        Ends of the scale, or mean and standard deviation of the z-scores. By default all lie around 100: 70 to
        130, and 100 with 10. The harder an aggregation punishes low values, the more the scale matters.
    ddof : int, default 0
        The standard deviation of z-scores divides by n - ddof.
    goalposts : Goalposts, optional
        Needed by ``goalposts``; their scale is fixed at 70 to 130.
    """

    method: str
    scale: tuple[float, float] | None = None
    ddof: int = 0
    goalposts: Goalposts | None = None

    def __post_init__(self) -> None:
        if self.method not in SCALES:
            raise unknown_name("normalisation", self.method, SCALES)
        if (self.method == "goalposts") != (self.goalposts is not None):
            raise InputError("goalposts belong to the normalisation 'goalposts', and only to it", self.method)
        if self.scale is None:
            object.__setattr__(self, "scale", SCALES[self.method])
        low, high = self.limits
        if not (high > 0 if self.method == "z_scores" else high > low):
            raise InputError("a scale must have a width above 0", f"{self.scale} was given")

    @property
    def limits(self) -> tuple[float, float]:
        """The scale, that of the method where none was given."""
        return self.scale or SCALES[self.method]


@dataclass(frozen=True)
class WeightNoise:
    """Random weights around the nominal ones, drawn anew for each replication.

    Parameters
    ----------
    method : {'uniform', 'dirichlet'}
        ``uniform``: each weight times a number between 1 - amount and 1 + amount. ``dirichlet``: the shares of
        the k parts of a whole have a Dirichlet distribution around the nominal shares with parameters amount
        times k times the share (amount 1 on equal weights: every set of weights is equally likely; the
        larger, the closer to nominal).
    amount : float
        Above 0; at most 1 when uniform.
    levels : sequence of int, optional
        Levels whose weights vary, 0 for the indicators, 1 for the domains, ... All by default.
    """

    method: str
    amount: float
    levels: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.method not in NOISES:
            raise unknown_name("method of weight noise", self.method, NOISES)
        if not 0 < self.amount <= (1 if self.method == "uniform" else np.inf):
            raise InputError(
                "the amount of noise must be above 0, and at most 1 when uniform", f"{self.amount!r}"
            )


def build_levels(
    groups: pd.Series | Mapping | Sequence | None, indicators: pd.Index
) -> list[tuple[pd.Index, np.ndarray, int]]:
    """Return names, position of the parent and number of parents, level by level up to the index."""
    given = [groups] if isinstance(groups, pd.Series | Mapping) else list(groups or [])
    names, levels = indicators, []
    for level in given:
        parents = dict(level)
        absent = [name for name in names if pd.isna(parents.get(name))]
        if absent:
            raise InputError(
                "every indicator, and every domain below the last level, must belong to a domain",
                f"none for {examples(absent)}",
            )
        codes, above = pd.factorize(np.array([parents[name] for name in names], dtype=object))
        levels.append((names, codes, len(above)))
        names = pd.Index(above)
    if len(names) > 1 or not levels:
        levels.append((names, np.zeros(len(names), dtype=int), 1))
    return levels


def rules_of_levels(aggregation: str | tuple[str, ...], levels: int) -> tuple[str, ...]:
    """Return the rule of each level, the same for all when one is given."""
    rules = (aggregation,) * levels if isinstance(aggregation, str) else tuple(aggregation)
    for rule in rules:
        if rule not in AGGREGATIONS:
            raise unknown_name("aggregation", rule, AGGREGATIONS)
    if len(rules) != levels:
        raise InputError(f"an aggregation needs one rule for each of the {levels} levels", f"{rules}")
    return rules


def check_level_weights(weights: pd.Series | pd.DataFrame) -> np.ndarray:
    """Return the weights of the parts of one level, in one or several sets."""
    numbers = weights.to_numpy(dtype=float)
    wrong = ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        rows = weights.index[wrong.reshape(len(numbers), -1).any(axis=1)]
        raise InputError("weights must be numbers, zero or more", f"they are not for {examples(rows)}")
    if len(numbers) and not (numbers.sum(axis=0) > 0).all():
        raise InputError("at least one weight must be above zero", f"all are 0: {examples(weights.index)}")
    return numbers
