"""Composite indices: indicators of one direction and scale, averaged with a penalty for imbalance."""

from diagnosis.composite.ampi import ampi, mpi
from diagnosis.composite.index import composite_index, explain_index
from diagnosis.composite.normalise import Goalposts, normalise_ampi, normalise_min_max, normalise_z_scores

__all__ = [
    "Goalposts",
    "ampi",
    "composite_index",
    "explain_index",
    "mpi",
    "normalise_ampi",
    "normalise_min_max",
    "normalise_z_scores",
]
