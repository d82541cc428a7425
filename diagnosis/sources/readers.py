"""Which function reads which source into which table of a country."""

READERS = {
    # source id -> (table, module of diagnosis.sources, function); imported when the source is read
    "commuting_2021": ("flows", "istat", "read_commuting"),
    "bes_territories": ("wellbeing", "istat", "read_wellbeing"),
    "sll_2021": ("labour_areas", "istat", "read_labour_areas"),
    "classification_2023": ("classification", "istat", "read_classification"),
    "hazards_2021": ("hazards", "ispra", "read_hazards"),
    "snai_2020": ("inner_areas", "dpcoe", "read_inner_areas"),
    "sll_classes_2021": ("labour_area_classes", "official_areas", "read_labour_area_classes"),
    "sll_2011": ("labour_areas_2011", "official_areas", "read_labour_areas_2011"),
    "snai_areas_2014": ("inner_project_areas_2014", "official_areas", "read_project_areas_2014"),
    "snai_areas_2021": ("inner_project_areas_2021", "official_areas", "read_project_areas_2021"),
    "income_2023": ("income", "mef", "read_income"),
    "business_2023": ("business", "istat_frame", "read_business"),
    "daily_travel_2011": ("daily_travel_2011", "istat_census", "read_daily_travel"),
    "travel_times_2021": ("travel_times", "istat_travel", "read_travel_times"),
    "covenant_signatories_2024": ("covenant_signatories", "jrc", "read_signatories"),
    "covenant_inventories_2019": ("emission_inventories", "jrc", "read_inventories"),
    "edgar_2005": ("emissions_2005", "jrc", "read_emissions_2005"),
    "electricity_factors_2017": ("electricity_factors", "jrc", "read_electricity_factors"),
    "vehicles_2024": ("vehicles", "aci", "read_vehicles"),
    "schools_state_2025": ("schools", "mim", "read_schools"),
    "pupils_2024": ("pupils", "mim", "read_pupils"),
    "libraries_register": ("libraries", "iccu", "read_libraries"),
    "residents_2025_2026": ("residents_by_year", "istat_population", "read_residents_by_year"),
}
COMPANIONS = dict.fromkeys(("sll_2011", "covenant_signatories_2024"), ("suppressed_municipalities",)) | {
    "daily_travel_2011": ("sll_2011", "suppressed_municipalities"),
    "schools_state_2025": ("schools_private_2023", "schools_autonomous_2023", "situas_municipalities"),
    "pupils_2024": (
        "schools_state_2025",
        "schools_private_2023",
        "schools_autonomous_2023",
        "situas_municipalities",
    ),
}
"""Further sources that a reader needs, after its own."""
