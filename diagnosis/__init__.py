"""Territorial diagnosis and optimal governance areas for medium-sized cities.

The public names are loaded when first used, so that ``import diagnosis`` costs next to nothing.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_HOME = {
    "AreaParameters": "config",
    "City": "config",
    "Settings": "config",
    "default_settings": "config",
    "load_city": "config",
    "city_files": "config",
    "DiagnosisError": "errors",
    "Catalogue": "catalogue",
    "load_catalogue": "catalogue",
    "Country": "territory",
    "Territory": "territory",
    "load_country": "territory",
    "load_territory": "territory",
    "list_tables": "questions",
    "query": "questions",
    "compute_indicators": "national.shortcuts",
    "National": "national.shared",
    "load_national": "national.shared",
    "composite_index": "national.shortcuts",
    "explain_index": "composite",
    "explain_indicator": "national.explanation",
    "AmpiRelease": "composite",
    "CompositeModel": "composite",
    "Framework": "composite",
    "Goalposts": "composite",
    "explain_ranks": "composite",
    "find_smallest_change": "composite",
    "freeze": "composite",
    "measure_compensation": "composite",
    "measure_influence": "composite",
    "profile_unit": "composite",
    "rebase": "composite",
    "simulate": "composite",
    "DataQuality": "quality",
    "QualityRules": "quality",
    "data_quality": "quality",
    "load_framework": "frameworks",
    "Scoring": "national.scores",
    "list_istat": "sources.istat_sdmx",
    "read_istat": "sources.istat_sdmx",
    "read_release": "release_files",
    "write_release": "release_files",
    "classify_with_intervals": "indicators",
    "comparison_groups": "indicators",
    "find_like": "indicators",
    "rate_intervals": "indicators",
    "smooth": "indicators",
    "CommunityAreas": "areas",
    "ContiguousAreas": "areas",
    "FunctionalAreas": "areas",
    "GovernanceAreas": "areas",
    "agreement": "areas",
    "area_hierarchy": "areas",
    "area_quality": "areas",
    "area_shape": "areas",
    "area_structure": "areas",
    "centre_reach": "areas",
    "differences": "areas",
    "explain_membership": "areas",
    "fine_tune": "areas",
    "membership_links": "areas",
    "membership_margin": "areas",
    "modularity": "areas",
    "parameter_map": "areas",
    "recommend_parameters": "areas",
    "repair_contiguity": "areas",
    "stability": "areas",
    "transition_cost": "areas",
    "transition_moves": "areas",
    "Completion": "networks",
    "complete_flows": "networks",
    "contiguity": "networks",
    "network_measures": "networks",
    "network_summary": "networks",
    "spatial_clusters": "networks",
    "Diagnosis": "result",
    "STAGES": "result",
    "AreaStudy": "studies.areas",
    "IndexStudy": "studies.index",
    "open_index_study": "studies.index",
    "Study": "studies.city",
    "delineate": "studies.delineation",
    "diagnose": "studies.city",
    "open_area_editor": "studies.governance",
    "open_area_study": "studies.areas",
    "open_study": "studies.city",
    "load_own_data": "stages.own_data",
    "draw": "report",
    "write_report": "report",
    "compare": "comparison",
    "run_batch": "batch",
}

__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'diagnosis' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"diagnosis.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
