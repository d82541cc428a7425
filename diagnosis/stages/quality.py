"""Stage *quality*: how far the data on the territory can be relied on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from diagnosis.national.shared import National
from diagnosis.quality import data_quality
from diagnosis.territory import Territory


def grade_data(territory: Territory, national: National) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Grade every indicator, theme and domain by :func:`diagnosis.quality.data_quality`."""
    found = data_quality(territory, national)
    tables = {
        "quality_domains": found.domains.set_index("domain"),
        "data_quality": found.checks,
        "data_outliers": found.outliers,
        "data_conflicts": found.conflicts,
    }
    grades = found.domains["grade"].value_counts()
    facts = {
        "reference_year": found.reference_year,
        "grades": {str(grade): int(number) for grade, number in grades.items() if grade},
        "outliers": len(found.outliers),
    }
    return tables, facts
