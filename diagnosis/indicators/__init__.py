"""Well-being indicators: pure functions from the tables of a country to one column an indicator.

Municipal indicators are computed from counts (:func:`compute`), for municipalities or for groups of them; those of
province-level bodies are published values, read at one reference year each (:mod:`diagnosis.indicators.wellbeing`).
Names, units and directions are in :mod:`diagnosis.catalogue`.
"""

from diagnosis.indicators.gaps import REASONS, gap_reasons
from diagnosis.indicators.municipal import MEASURES, compute, coverage
from diagnosis.indicators.wellbeing import latest, series, table

__all__ = ["MEASURES", "REASONS", "compute", "coverage", "gap_reasons", "latest", "series", "table"]
