"""How far the data on a territory can be relied on: checks of every indicator, each with a grade and its reason.

The front door is :func:`diagnosis.quality.assessment.data_quality`; the rules behind the grades, which can be changed,
are in :mod:`diagnosis.quality.rules`.
"""

from diagnosis.quality.assessment import DataQuality, data_quality
from diagnosis.quality.conflicts import compare_publishers
from diagnosis.quality.outliers import find_outliers
from diagnosis.quality.rules import CHECKS, GRADES, QualityRules

__all__ = [
    "CHECKS",
    "GRADES",
    "DataQuality",
    "QualityRules",
    "compare_publishers",
    "data_quality",
    "find_outliers",
]
