"""Composite indices: every step from a table of indicators to a score, its uncertainty and its audit.

==================  ===================================================================================
look at the data    `screening`, `denomination`, `imputation`, `multiple_imputation`, `treatment`
put on one scale    `normalise` (AMPI, z-scores, min-max), `scaling` (ranks, distances, goalposts), `panels`
weigh and add up    `weights`, `aggregation`, `ampi`, `index`, `framework`, `outranking`, `ranking`,
                    `envelopment`, `directional_envelopment`
keep over time      `freezing`, `release`, `rebasing`
how sure is it      `choices`, `replication`, `uncertainty`, `sensitivity`
audit               `audit`, `influence`, `compensation`
read one unit       `profile`, `smallest_change`
==================  ===================================================================================

The formulas are in ``docs/methods.md``, a walk from raw table to audit in ``docs/composite.md``.
"""

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
from diagnosis.composite.compensation import marginal_effects, measure_compensation, substitution_rates
from diagnosis.composite.denomination import denominate
from diagnosis.composite.directional_envelopment import (
    benefit_with_bad_outputs,
    directional_benefit,
    multidirectional_benefit,
)
from diagnosis.composite.envelopment import (
    DoubtScores,
    align_scores,
    benefit_of_the_doubt,
    geometric_change,
    robust_benefit,
)
from diagnosis.composite.framework import Framework
from diagnosis.composite.freezing import freeze, keep_common
from diagnosis.composite.imputation import impute_by_indicator, impute_by_unit, impute_panel
from diagnosis.composite.index import composite_index, explain_index
from diagnosis.composite.influence import leave_one_out, measure_influence
from diagnosis.composite.multiple_imputation import combine_imputations, impute_multiple
from diagnosis.composite.normalise import Goalposts, normalise_ampi, normalise_min_max, normalise_z_scores
from diagnosis.composite.outranking import copeland, outranking_matrix, rank_acceptability
from diagnosis.composite.panels import measure_trends, normalise_panel
from diagnosis.composite.profile import profile_unit
from diagnosis.composite.ranking import (
    compare_ranks,
    find_strengths,
    rank_units,
    summarise_comparison,
    summarise_unit,
)
from diagnosis.composite.rebasing import Rebase, rebase
from diagnosis.composite.release import AmpiRelease
from diagnosis.composite.replication import CompositeModel
from diagnosis.composite.scaling import (
    normalise_distance_to_reference,
    normalise_distance_to_target,
    normalise_fraction_of_best,
    normalise_goalposts,
    normalise_ranks,
)
from diagnosis.composite.screening import (
    describe_indicators,
    measure_availability,
    measure_domain_availability,
    screen_units,
)
from diagnosis.composite.sensitivity import sobol_indices
from diagnosis.composite.smallest_change import SmallestChange, ampi_threshold, find_smallest_change
from diagnosis.composite.treatment import (
    Treatment,
    box_cox,
    log_transform,
    shape_statistics,
    treat,
    winsorise,
)
from diagnosis.composite.uncertainty import Uncertainty, explain_ranks, replay, simulate
from diagnosis.composite.weights import (
    critic_weights,
    entropy_weights,
    equal_weights,
    factor_index,
    optimised_weights,
    pca_weights,
)

__all__ = [
    "AmpiRelease",
    "CompositeModel",
    "DoubtScores",
    "Framework",
    "Goalposts",
    "Normalisation",
    "Rebase",
    "SmallestChange",
    "Treatment",
    "Uncertainty",
    "WeightNoise",
    "align_scores",
    "ampi",
    "ampi_threshold",
    "arithmetic_mean",
    "benefit_of_the_doubt",
    "benefit_with_bad_outputs",
    "box_cox",
    "combine_imputations",
    "compare_ranks",
    "composite_index",
    "copeland",
    "correlate",
    "correlate_with_denominators",
    "critic_weights",
    "cronbach_alpha",
    "denominate",
    "describe_indicators",
    "directional_benefit",
    "effective_weights",
    "entropy_weights",
    "equal_weights",
    "explain_index",
    "explain_ranks",
    "factor_index",
    "find_smallest_change",
    "find_strengths",
    "flag_correlations",
    "freeze",
    "generalised_mean",
    "geometric_change",
    "geometric_mean",
    "harmonic_mean",
    "impute_by_indicator",
    "impute_by_unit",
    "impute_multiple",
    "impute_panel",
    "keep_common",
    "leave_one_out",
    "log_transform",
    "marginal_effects",
    "mean_min",
    "measure_availability",
    "measure_compensation",
    "measure_domain_availability",
    "measure_influence",
    "measure_trends",
    "mpi",
    "multidirectional_benefit",
    "normalise_ampi",
    "normalise_distance_to_reference",
    "normalise_distance_to_target",
    "normalise_fraction_of_best",
    "normalise_goalposts",
    "normalise_min_max",
    "normalise_panel",
    "normalise_ranks",
    "normalise_z_scores",
    "optimised_weights",
    "ordered_mean",
    "outranking_matrix",
    "pca_weights",
    "principal_components",
    "profile_unit",
    "rank_acceptability",
    "rank_units",
    "rebase",
    "redundancy",
    "replay",
    "robust_benefit",
    "screen_units",
    "shape_statistics",
    "simulate",
    "sobol_indices",
    "substitution_rates",
    "summarise_comparison",
    "summarise_unit",
    "taxonomic_distance",
    "treat",
    "winsorise",
]
