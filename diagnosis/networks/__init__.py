"""Networks of municipalities: commuting, contiguity, and flow models for when nothing was observed."""

from diagnosis.networks.backbone import nodal_flows, significant_flows
from diagnosis.networks.commuting import commuting_graph, flow_margins, network_measures, network_summary
from diagnosis.networks.completion import Completion, complete_flows, hide_tail
from diagnosis.networks.contiguity import components, contiguity, to_graph, to_libpysal
from diagnosis.networks.graph import flow_matrix
from diagnosis.networks.models import gravity_flows, modelled_flows, radiation_flows
from diagnosis.networks.spatial_clusters import SpatialClusters, spatial_clusters

__all__ = [
    "Completion",
    "SpatialClusters",
    "commuting_graph",
    "complete_flows",
    "components",
    "contiguity",
    "flow_margins",
    "flow_matrix",
    "gravity_flows",
    "hide_tail",
    "modelled_flows",
    "network_measures",
    "network_summary",
    "nodal_flows",
    "radiation_flows",
    "significant_flows",
    "spatial_clusters",
    "to_graph",
    "to_libpysal",
]
