"""Areas: which municipalities belong together, and how good a partition is."""

from diagnosis.areas.agreement import agreement, differences
from diagnosis.areas.functional import FunctionalAreas
from diagnosis.areas.membership import membership_links, membership_margin
from diagnosis.areas.quality import area_quality, modularity
from diagnosis.areas.reasons import explain_membership

__all__ = [
    "FunctionalAreas",
    "agreement",
    "area_quality",
    "differences",
    "explain_membership",
    "membership_links",
    "membership_margin",
    "modularity",
]
