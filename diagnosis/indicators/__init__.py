"""Well-being indicators: pure functions from the tables of a country to one column an indicator.

Municipal indicators are computed from counts (:func:`compute`), for municipalities or for groups of them; those of
province-level bodies are published values, read at one reference year each (:mod:`diagnosis.indicators.wellbeing`).
Names, units and directions are in :mod:`diagnosis.catalogue`. What chance does to the rates of places with few people
is in :mod:`diagnosis.indicators.small_numbers`, always beside the official values.
"""

from diagnosis.indicators.breaks import keep_consistent
from diagnosis.indicators.gaps import REASONS, find_waiting, gap_reasons
from diagnosis.indicators.interval_classes import classify_with_intervals, summarise_by_size
from diagnosis.indicators.like_places import LikePlaces, classify_sizes, comparison_groups, find_like
from diagnosis.indicators.municipal import MEASURES, compute, coverage, gather_fractions
from diagnosis.indicators.small_numbers import RateIntervals, SmoothedRates, rate_intervals, smooth
from diagnosis.indicators.wellbeing import latest, series, table

__all__ = [
    "MEASURES",
    "REASONS",
    "LikePlaces",
    "RateIntervals",
    "SmoothedRates",
    "classify_sizes",
    "classify_with_intervals",
    "comparison_groups",
    "compute",
    "coverage",
    "find_like",
    "find_waiting",
    "gap_reasons",
    "gather_fractions",
    "keep_consistent",
    "latest",
    "rate_intervals",
    "series",
    "smooth",
    "summarise_by_size",
    "table",
]
