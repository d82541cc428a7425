"""Areas: which municipalities belong together, how sure that is, and how good a partition is."""

from diagnosis.areas.agreement import agreement, differences
from diagnosis.areas.community import CommunityAreas
from diagnosis.areas.contiguous import ContiguousAreas
from diagnosis.areas.functional import FunctionalAreas
from diagnosis.areas.governance.estimator import GovernanceAreas
from diagnosis.areas.hierarchy import area_hierarchy
from diagnosis.areas.membership import membership_links, membership_margin
from diagnosis.areas.quality import area_quality, modularity
from diagnosis.areas.reasons import explain_membership
from diagnosis.areas.repair import repair_contiguity
from diagnosis.areas.shape import area_shape, centre_reach
from diagnosis.areas.stability import stability
from diagnosis.areas.structure import area_structure
from diagnosis.areas.thresholds import parameter_map, recommend_parameters
from diagnosis.areas.transition import transition_cost, transition_moves
from diagnosis.areas.tuning import fine_tune

__all__ = [
    "CommunityAreas",
    "ContiguousAreas",
    "FunctionalAreas",
    "GovernanceAreas",
    "agreement",
    "area_hierarchy",
    "area_quality",
    "area_shape",
    "area_structure",
    "centre_reach",
    "differences",
    "explain_membership",
    "fine_tune",
    "membership_links",
    "membership_margin",
    "modularity",
    "parameter_map",
    "recommend_parameters",
    "repair_contiguity",
    "stability",
    "transition_cost",
    "transition_moves",
]
