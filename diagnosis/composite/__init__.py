"""Composite indices: every step from a table of indicators to a score, its uncertainty and its audit."""

from diagnosis.composite.aggregation import (
    arithmetic_mean,
    generalised_mean,
    geometric_mean,
    harmonic_mean,
    mean_min,
    ordered_mean,
    taxonomic_distance,
)
from diagnosis.composite.ampi import ampi, mpi
from diagnosis.composite.audit import (
    correlate,
    correlate_with_denominators,
    cronbach_alpha,
    effective_weights,
    flag_correlations,
    principal_components,
    redundancy,
)
from diagnosis.composite.choices import Normalisation, WeightNoise
from diagnosis.composite.framework import Framework
from diagnosis.composite.imputation import (
    combine_imputations,
    impute_by_indicator,
    impute_by_unit,
    impute_multiple,
    impute_panel,
)
from diagnosis.composite.index import composite_index, explain_index
from diagnosis.composite.influence import leave_one_out
from diagnosis.composite.normalise import Goalposts, normalise_ampi, normalise_min_max, normalise_z_scores
from diagnosis.composite.outranking import copeland, outranking_matrix, rank_acceptability
from diagnosis.composite.ranking import compare_ranks, find_strengths, rank_units, summarise_comparison
from diagnosis.composite.replication import CompositeModel
from diagnosis.composite.screening import describe_indicators, measure_availability, screen_units
from diagnosis.composite.sensitivity import sobol_indices
from diagnosis.composite.treatment import treat, winsorise
from diagnosis.composite.uncertainty import explain_ranks, simulate
from diagnosis.composite.weights import (
    critic_weights,
    entropy_weights,
    equal_weights,
    optimised_weights,
    pca_weights,
)

__all__ = [
    "CompositeModel",
    "Framework",
    "Goalposts",
    "Normalisation",
    "WeightNoise",
    "ampi",
    "arithmetic_mean",
    "combine_imputations",
    "compare_ranks",
    "composite_index",
    "copeland",
    "correlate",
    "correlate_with_denominators",
    "critic_weights",
    "cronbach_alpha",
    "describe_indicators",
    "effective_weights",
    "entropy_weights",
    "equal_weights",
    "explain_index",
    "explain_ranks",
    "find_strengths",
    "flag_correlations",
    "generalised_mean",
    "geometric_mean",
    "harmonic_mean",
    "impute_by_indicator",
    "impute_by_unit",
    "impute_multiple",
    "impute_panel",
    "leave_one_out",
    "mean_min",
    "measure_availability",
    "mpi",
    "normalise_ampi",
    "normalise_min_max",
    "normalise_z_scores",
    "optimised_weights",
    "ordered_mean",
    "outranking_matrix",
    "pca_weights",
    "principal_components",
    "rank_acceptability",
    "rank_units",
    "redundancy",
    "screen_units",
    "simulate",
    "sobol_indices",
    "summarise_comparison",
    "taxonomic_distance",
    "treat",
    "winsorise",
]
