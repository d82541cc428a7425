"""The rules behind the grades of the data: limits that can be changed, and how grades are put together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagnosis.errors import InputError

GRADES = ("A", "B", "C", "D")
"""From the best to the worst."""

CHECKS = (
    "coverage",
    "masked",
    "age",
    "vintage",
    "breaks",
    "outliers",
    "conflicts",
    "estimated",
    "licence",
)
"""In the order in which they are told; of equal grades the first one gives the reason."""

OVERALL = "overall"

APART = ("licence",)
"""Checks that are told but lower no overall grade: a licence says what may be done with data, not how good they are."""


@dataclass(frozen=True)
class QualityRules:
    """Limits of the grades A, B and C of each check; what passes none of the three is D.

    The limits are choices of this project, to be changed where a user knows better: no office prescribes them. The
    dimensions follow those of the European statistics code of practice: accuracy, timeliness, coherence and
    comparability over time, accessibility [1]_.

    Parameters
    ----------
    coverage : three shares
        Least share of the municipalities, and of the residents, with a value; of the municipalities in which a value
        has a meaning.
    masked : three shares
        Largest share of the municipalities, or of the residents, whose value is kept secret.
    age : three numbers of years
        Most years from the data to the edition: what permanent census and registers publish in time, the five years
        a municipal council is in office, the ten years between two former censuses.
    changed : three shares
        Largest share of the municipalities that changed between the year of the codes and 2022.
    outliers : three shares
        Largest share of the judged values that lie far from those of like municipalities. A value that is rare need
        not be wrong, so the third limit is 1 and no indicator gets a D for it.
    estimated : three shares
        Largest share of the commuters whose pair of municipalities is estimated.
    far : float
        Robust z-score from which a value lies far from the others: Iglewicz and Hoaglin use 3.5 for bell-shaped data
        [2]_, municipal ones have longer tails.
    fewest_residents : int
        Residents of a municipality from which a value without an interval of chance is judged.
    fewest_values : int
        Values that a group of like municipalities must have.
    residents_a_year : float
        Relative difference in residents that may be change, per year between two dates.
    tolerance : float
        Relative difference between two publishers that may be rounding or a correction, at the same date.
    points : float
        Difference between two published shares, in percentage points, that may be rounding.
    many : float
        Share of the municipalities beyond the tolerance from which two publishers do not agree in detail; a single one
        never is enough.
    gross : float
        Multiple of the tolerance from which the difference of the totals is gross.
    domain_share : float
        Share of the indicators of a domain that must reach a grade for the domain to have it.

    Raises
    ------
    diagnosis.errors.InputError
        Limits that are not three, or not in order, or a number that makes no sense.

    References
    ----------
    .. [1] Eurostat (2018). European Statistics Code of Practice, principles 11 to 15 (cited from memory).
    .. [2] Iglewicz, B., Hoaglin, D. C. (1993). How to detect and handle outliers. ASQC Quality Press (cited from
       memory).
    """

    coverage: Sequence[float] = (0.98, 0.90, 0.70)
    masked: Sequence[float] = (0.0, 0.05, 0.20)
    age: Sequence[float] = (2, 5, 10)
    changed: Sequence[float] = (0.0, 0.05, 0.20)
    outliers: Sequence[float] = (0.01, 0.10, 1.0)
    estimated: Sequence[float] = (0.0, 0.10, 0.50)
    far: float = 5.0
    fewest_residents: int = 1000
    fewest_values: int = 20
    residents_a_year: float = 0.015
    tolerance: float = 0.005
    points: float = 0.1
    many: float = 0.05
    gross: float = 3.0
    domain_share: float = 0.75

    def __post_init__(self) -> None:
        for name, rising in (
            ("coverage", False),
            ("masked", True),
            ("age", True),
            ("changed", True),
            ("outliers", True),
            ("estimated", True),
        ):
            limits = list(getattr(self, name))
            if len(limits) != 3 or limits != sorted(limits, reverse=not rising):
                raise InputError(
                    f"{name} must be three limits, of grades A, B and C, from the strictest to the widest",
                    f"found {limits}",
                )
        for name in ("far", "residents_a_year", "tolerance", "points", "gross", "fewest_values"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} must be above 0", f"it is {getattr(self, name)!r}")
        if not 0 < self.domain_share <= 1:
            raise InputError("domain_share must be above 0 and at most 1", f"it is {self.domain_share!r}")


def grade_at_least(value: float, limits: Sequence[float]) -> str:
    """Grade a value that is better the larger it is."""
    return next((grade for grade, limit in zip(GRADES, limits, strict=False) if value >= limit), GRADES[-1])


def grade_at_most(value: float, limits: Sequence[float]) -> str:
    """Grade a value that is better the smaller it is."""
    return next((grade for grade, limit in zip(GRADES, limits, strict=False) if value <= limit), GRADES[-1])


def worst(grades: Iterable[str]) -> str:
    """Return the worst of some grades; empty where there is none."""
    return max((grade for grade in grades if grade), default="")


def grade_domain(grades: Iterable[str], share: float) -> str:
    """Return the best grade that a share of the indicators of a domain reaches; empty where there is none.

    Parameters
    ----------
    grades : iterable of str
        Of the indicators; empty texts are left out.
    share : float
        See `domain_share` of :class:`QualityRules`.
    """
    known = sorted(grade for grade in grades if grade)
    return known[math.ceil(share * len(known) - 1e-9) - 1] if known else ""
