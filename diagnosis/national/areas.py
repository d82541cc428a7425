"""The areas of a whole country: the proposed ones, how sure they are, and the geographies there are already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from diagnosis.config import AreaParameters
from diagnosis.territory import Country

OFFICIAL = "sll_2021"
"""The geography the proposed areas are compared with in detail: ISTAT's labour market areas."""
TABLES = {
    "sll_2021": "labour_areas",
    "sll_2011": "labour_areas_2011",
    "snai_2014": "inner_project_areas_2014",
    "snai_2021": "inner_project_areas_2021",
}
"""Geographies that have a table of their own."""
CORE_FROM = 0.9


def estimator_of(country: Country, contiguity: pd.DataFrame, parameters: AreaParameters) -> Any:
    """Return the estimator a city's parameters describe, not fitted yet."""
    from diagnosis.areas import FunctionalAreas

    clean = parameters.mode == "clean"
    return FunctionalAreas(
        **parameters.thresholds,
        mode=parameters.mode,
        contiguity=contiguity if clean else None,
        within=country.municipalities[parameters.within] if parameters.within else None,
        must_link=parameters.must_link or None,
        cannot_link=parameters.cannot_link or None,
    )


def draw_areas(country: Country, contiguity: pd.DataFrame, parameters: AreaParameters) -> dict[str, Any]:
    """Draw the areas of a country, and ISTAT's method beside them.

    Returns
    -------
    dict
        `labels` (code x `functional`, `istat_method`, and a column a geography), `quality` and
        `official_quality` (one row an area), `methods` (one row a partition: `areas`, `in_pieces`,
        `below_validity`, `internal_share`, and agreement with `functional` and with the official areas),
        `history`, `unassigned`, `ties` and, where there are official areas, `official_names`.
    """
    from diagnosis.areas import area_quality

    flows = country.table("flows")
    codes = country.municipalities.index
    evidence: dict[str, Any] = {
        "population": country.residents,
        "contiguity": contiguity,
        "municipalities": country.municipalities,
        "parameters": parameters.thresholds,
    }
    estimator = estimator_of(country, contiguity, parameters)
    estimator.fit(flows, country.residents, country.municipalities)
    labels = pd.DataFrame({"functional": estimator.labels_.reindex(codes)})
    if parameters.mode == "clean":
        plain = estimator_of(country, contiguity, AreaParameters(**parameters.thresholds, mode="istat"))
        labels["istat_method"] = plain.fit(flows, country.residents).labels_.reindex(codes)
    labels = labels.join(geographies_of(country))
    quality = {name: area_quality(labels[name], flows, **evidence) for name in _judged(labels)}
    content: dict[str, Any] = {
        "labels": labels,
        "quality": quality["functional"],
        "methods": _compare_methods(labels, quality, country.residents, float(flows["commuters"].sum())),
        "history": estimator.history_,
        "unassigned": estimator.unassigned_,
        "ties": estimator.ties_,
    }
    official = country.tables.get("labour_areas")
    if official is not None:
        content["official_quality"] = quality[OFFICIAL]
        content["official_names"] = official.drop_duplicates("area").set_index("area")[["area_name"]]
    return content


def repeat_areas(country: Country, contiguity: pd.DataFrame, parameters: AreaParameters) -> dict[str, Any]:
    """Draw the areas again on matrices that differ by chance.

    Returns
    -------
    dict
        `members` (the table of :class:`diagnosis.areas.stability.Stability`), `areas`, `runs`.
    """
    from diagnosis.areas import stability

    found = stability(
        country.table("flows"),
        estimator_of(country, contiguity, parameters),
        runs=parameters.runs,
        population=country.residents,
        location=country.municipalities,
        core_from=CORE_FROM,
    )
    return {"members": found.table, "areas": found.areas, "runs": found.runs}


def geographies_of(country: Country) -> pd.DataFrame:
    """Existing geographies, one a column, index code: official areas and provinces."""
    codes = country.municipalities.index
    found = {
        name: country.tables[table]["area"].reindex(codes)
        for name, table in TABLES.items()
        if table in country.tables
    }
    return pd.DataFrame({**found, "province": country.municipalities["province"]}, index=codes)


def _judged(labels: pd.DataFrame) -> list[str]:
    return [name for name in ("functional", "istat_method", OFFICIAL) if name in labels]


def _compare_methods(
    labels: pd.DataFrame, quality: Mapping[str, pd.DataFrame], residents: pd.Series, total: float
) -> pd.DataFrame:
    """Say of each partition what it is worth, and how far it agrees with the proposed and the official areas."""
    from diagnosis.areas import agreement

    rows = {}
    for name, table in quality.items():
        row = {
            "areas": len(table),
            "in_pieces": int((table["n_pieces"] > 1).sum()),
            "below_validity": int((table["validity"] < 1).sum()),
            "internal_share": float(table["internal_commuters"].sum() / total),
        }
        for other in ("functional", OFFICIAL):
            if other in quality and other != name:
                alike = agreement(labels[name], labels[other], population=residents)
                row |= {
                    f"adjusted_rand_{other}": alike["adjusted_rand"],
                    f"adjusted_mutual_information_{other}": alike["adjusted_mutual_information"],
                    f"residents_differing_{other}": alike["residents_differing_share"],
                }
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("partition")
