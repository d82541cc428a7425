"""Areas: which municipalities belong together, and how good a partition is."""

from diagnosis.areas.agreement import agreement
from diagnosis.areas.functional import FunctionalAreas
from diagnosis.areas.quality import area_quality, modularity

__all__ = ["FunctionalAreas", "agreement", "area_quality", "modularity"]
