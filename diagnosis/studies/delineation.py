"""Proposed areas from any table of flows, anywhere in the world: read, drawn, compared, written to one folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.errors import InputError, unknown_name
from diagnosis.provenance import file_digest
from diagnosis.report.area_folder import check_folder, write_folder
from diagnosis.report.area_text import summary
from diagnosis.report.words import Words
from diagnosis.schema import LANGUAGES

if TYPE_CHECKING:
    import geopandas as gpd

THRESHOLDS = ("min_size", "min_self_containment", "target_size", "target_self_containment")
FLOW_COLUMNS = ("origin", "destination", "commuters")


@dataclass(frozen=True, eq=False)
class Delineation:
    """Proposed areas and what was found on them.

    Attributes
    ----------
    labels : pandas.Series of Int64
        Area of each municipality of the flows, as :attr:`diagnosis.FunctionalAreas.labels_`.
    tables : dict of str to DataFrame
        By the name of their file, without ending.
    polygons : geopandas.GeoDataFrame or None
        Municipalities with their area.
    comparisons : dict of str to Series
        For each existing geography the numbers of :func:`diagnosis.agreement` and of
        :func:`diagnosis.areas.transition.transition_cost`.
    facts : dict
        Numbers of the README: counts, parameters, shares.
    inputs : list of dict
        ``role``, ``file``, ``sha256``, ``bytes`` of each file read.
    remarks : list of dict
        What was met on the way, in both languages.
    """

    labels: pd.Series
    tables: dict[str, pd.DataFrame]
    polygons: gpd.GeoDataFrame | None
    comparisons: dict[str, pd.Series]
    facts: dict[str, Any]
    inputs: list[dict[str, Any]]
    remarks: list[dict[str, str]] = field(default_factory=list)

    def summary(self, language: str = "en") -> list[str]:
        """Say in a few sentences what was found."""
        return summary(self.facts, self.comparisons, Words(language))


def delineate(
    flows: str | Path,
    folder: str | Path,
    *,
    parameters: Mapping[str, float] | None = None,
    mode: str = "clean",
    polygons: str | Path | None = None,
    layer: str | None = None,
    population: str | Path | None = None,
    names: str | Path | None = None,
    compare: Sequence[str | Path] = (),
    within: str | Path | None = None,
    runs: int = 0,
    seed: int = 0,
    columns: Mapping[str, str | None] | None = None,
    language: str = "en",
    overwrite: bool = False,
    created: datetime | None = None,
) -> Delineation:
    """Draw areas from a table of flows and write what was found into a folder.

    Parameters
    ----------
    flows : path
        Any table of :func:`diagnosis.sources.flow_tables.read_flows`.
    folder : path
        Is replaced as a whole, at the end. A folder that holds anything else than the files of an earlier run is
        never touched; one whose files were changed since needs `overwrite`.
    parameters : mapping, optional
        Those of the four thresholds of :class:`diagnosis.FunctionalAreas` that are not to have their default.
    mode : {"clean", "istat"}
    polygons : path, optional
        Any file of :func:`diagnosis.sources.polygons.read_polygons`; in mode ``"clean"`` only municipalities that
        touch are joined. `layer` is needed if the file has several.
    population : path, optional
        Residents: numbers the areas, and breaks ties in mode ``"clean"``.
    names : path, optional
        Table of the municipalities' names, where neither polygons nor population have them.
    compare : sequence of path
        Existing geographies, each a table of :func:`diagnosis.sources.geographies.read_areas`.
    within : path, optional
        Table of the same kind: areas stay inside its groups (regions, provinces); mode ``"clean"`` only.
    runs : int, default 0
        Bootstrap replicates of the flows, for the sensitivity of each municipality; `seed` makes them repeatable.
    columns : mapping, optional
        Headings where they are not recognised: ``origin``, ``destination``, ``commuters`` of the flows, ``code`` of
        the polygons.
    language : {"en", "it"}
        Of the README and the description of columns.
    overwrite : bool, default False
        Replace the files of an earlier run even if they were changed, or have no manifest.
    created : datetime, optional
        Moment of the run, for the manifest.

    Returns
    -------
    Delineation

    Raises
    ------
    diagnosis.errors.InputError
        A file or parameter breaks its rules, the folder holds other files, or cannot be written. Nothing is written
        then.
    """
    if language not in LANGUAGES:
        raise unknown_name("The language", language, LANGUAGES)
    given = dict(columns or {})
    if strange := [name for name in given if name not in (*FLOW_COLUMNS, "code")]:
        raise unknown_name("columns", strange[0], (*FLOW_COLUMNS, "code"))
    if runs < 0:
        raise InputError("runs must be at least 0", f"{runs} was given")
    target = Path(folder).resolve()
    files = [("flows", flows), ("polygons", polygons), ("population", population)]
    files += [("names", names), ("within", within)]
    paths = [(role, Path(path)) for role, path in files if path is not None]
    paths += [("compare", Path(path)) for path in compare]
    check_folder(target, overwrite, [path for _, path in paths])
    given_flows = {name: given.get(name) for name in FLOW_COLUMNS}
    result = _draw(dict(files), given_flows, given.get("code"), layer, parameters, mode, compare, runs, seed)
    result.inputs.extend(
        {"role": role, "file": path.name, "sha256": file_digest(path), "bytes": path.stat().st_size}
        for role, path in paths
    )
    write_folder(result, target, language, created)
    return result


def _draw(
    files: Mapping[str, str | Path | None],
    columns: Mapping[str, str | None],
    key: str | None,
    layer: str | None,
    parameters: Mapping[str, float] | None,
    mode: str,
    compare: Sequence[str | Path],
    runs: int,
    seed: int,
) -> Delineation:
    """Read everything, draw the areas and describe them."""
    from diagnosis.areas import FunctionalAreas, area_quality
    from diagnosis.sources.flow_tables import read_flows
    from diagnosis.sources.geographies import read_areas, read_names, read_population
    from diagnosis.sources.polygons import read_polygons

    estimator = FunctionalAreas(mode=mode).set_params(**(parameters or {}))
    flows = read_flows(files["flows"] or "", **columns)
    codes = pd.Index(pd.unique(pd.concat([flows["origin"], flows["destination"]])), name="code")
    remarks = list(flows.attrs["remarks"])
    municipalities = residents = borders = None
    known: dict[str, str] = {}
    if (path := files["population"]) is not None:
        residents = read_population(path, codes)
        known |= residents.attrs["names"]
        remarks += residents.attrs["remarks"]
    if (path := files["polygons"]) is not None:
        from diagnosis.networks import contiguity

        municipalities = read_polygons(path, codes, code=key, layer=layer)
        remarks += municipalities.attrs["remarks"]
        borders = contiguity(municipalities)
        if "name" in municipalities:
            known |= municipalities["name"].dropna().to_dict()
    if (path := files["names"]) is not None:
        listed = read_names(path, codes)
        known |= listed.dropna().to_dict()
        remarks += listed.attrs["remarks"]
    names = pd.Series(known, dtype="str").reindex(codes)
    if (path := files["within"]) is not None:
        groups = read_areas(path, codes, unknown="leave out")
        remarks += groups.attrs["remarks"]
        estimator.set_params(within=groups)
    if mode == "clean" and borders is not None:
        estimator.set_params(contiguity=borders)
    geographies = _read_geographies(compare, codes, remarks)
    estimator.fit(flows, population=residents, location=municipalities)

    labels = estimator.labels_
    if labels.isna().all():
        raise InputError(
            "at least one area must be found",
            f"all {len(labels)} municipalities are left without one",
            "Lower the thresholds, which no area reaches, or give the flows of a larger territory",
        )
    evidence = {
        "population": residents,
        "contiguity": borders,
        "municipalities": names.to_frame("name") if municipalities is None else municipalities,
        "parameters": {name: estimator.get_params()[name] for name in THRESHOLDS},
    }
    quality = area_quality(labels, flows, **evidence)
    named = names.reindex(quality["centre"]).to_numpy()
    quality["name"] = quality["centre"].where(pd.isna(named), named)
    quality = quality.rename(columns={"name": "area_name"})
    tables = {
        "areas": _areas_table(estimator, quality, names),
        "quality": quality,
        "links": _links(labels, flows),
        "history": estimator.history_,
        "reserve": estimator.reserve_,
    }
    if runs:
        from diagnosis.areas.stability import stability

        found = stability(
            flows, estimator, runs=runs, random_state=seed, population=residents, location=municipalities
        )
        tables["stability"] = found.table.rename_axis("code")
    comparisons = {}
    for name, geography in geographies.items():
        numbers, moves = _compare(geography, labels, flows, residents, known, evidence["parameters"])
        comparisons[name] = numbers
        tables[f"differences_{name}"] = moves
        existing = area_quality(geography, flows, **evidence)
        existing["name"] = [geography.attrs["names"].get(area, area) for area in existing.index]
        tables[f"quality_{name}"] = existing.rename(columns={"name": "area_name"})
    facts = {
        "mode": mode,
        "parameters": evidence["parameters"],
        "municipalities": len(labels),
        "areas": len(quality),
        "without": int(labels.isna().sum()),
        "low": int((quality["validity"] < 1).sum()),
        "internal_share": float(quality["internal_commuters"].sum() / flows["commuters"].sum()),
        "pieces": None if borders is None else int((quality["n_pieces"] > 1).sum()),
        "ties": int(estimator.ties_),
        "within": None if files["within"] is None else Path(files["within"]).name,
        "estimated_share": _estimated_share(flows),
        "runs": runs,
        "seed": seed,
    }
    return Delineation(labels, tables, _map(municipalities, tables), comparisons, facts, [], remarks)


def _read_geographies(
    paths: Sequence[str | Path], codes: pd.Index, remarks: list[dict[str, str]]
) -> dict[str, pd.Series]:
    from diagnosis.sources.geographies import read_areas

    geographies: dict[str, pd.Series] = {}
    for path in paths:
        geography = read_areas(path, codes, unknown="leave out")
        name = re.sub(r"[^\w-]+", "_", str(geography.name)) or "geography"
        if name in geographies:
            raise InputError(
                "compare: every file must have a name of its own", f"two are called {name!r}", "Rename one"
            )
        geographies[name] = geography
        remarks += geography.attrs["remarks"]
    return geographies


def _areas_table(estimator: Any, quality: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    labels = estimator.labels_
    validity = labels.map(quality["validity"]).astype("float64")
    reasons = pd.concat([estimator.unassigned_, estimator.zero_list_]).drop_duplicates("code")
    reasons = reasons.set_index("code")["reason"].reindex(labels.index)
    table = pd.DataFrame(
        {
            "area": labels,
            "area_name": labels.map(quality["area_name"]),
            "area_validity": validity,
            "area_valid": (validity >= 1).astype("Int64").mask(labels.isna()),
            "moves": estimator.moves_,
            "from_reserve": labels.index.isin(estimator.reserve_["code"]).astype("int64"),
            "reason": reasons.where(labels.isna()),
        },
        index=labels.index,
    )
    if names.notna().any():
        table.insert(0, "name", names.reindex(labels.index))
    return table


def _links(labels: pd.Series, flows: pd.DataFrame) -> pd.DataFrame:
    ends = {f"{end}_area": flows[end].map(labels).astype("Int64") for end in ("origin", "destination")}
    table = pd.DataFrame({**ends, "commuters": flows["commuters"]}).dropna()
    return table.groupby(list(ends), as_index=False)["commuters"].sum()


def _compare(
    geography: pd.Series,
    labels: pd.Series,
    flows: pd.DataFrame,
    residents: pd.Series | None,
    names: Mapping[str, str],
    parameters: Mapping[str, float],
) -> tuple[pd.Series, pd.DataFrame]:
    from diagnosis.areas.agreement import agreement
    from diagnosis.areas.transition import transition_cost, transition_moves

    cost = transition_cost(geography, labels, flows, residents, parameters)
    moves = transition_moves(geography, labels, flows, residents, names or None)
    found = agreement(labels, geography, residents)
    return pd.concat([found, cost[cost.index.difference(found.index, sort=False)]]), moves


def _estimated_share(flows: pd.DataFrame) -> float | None:
    if "estimated" not in flows:
        return None
    return float((flows["commuters"] * flows["estimated"]).sum() / flows["commuters"].sum())


def _map(
    municipalities: gpd.GeoDataFrame | None, tables: Mapping[str, pd.DataFrame]
) -> gpd.GeoDataFrame | None:
    if municipalities is None:
        return None
    columns = tables["areas"].drop(columns="name", errors="ignore")
    if "stability" in tables:
        extra = tables["stability"].select_dtypes("number")
        columns = columns.join(extra[extra.columns.difference(columns.columns, sort=False)])
    return municipalities.join(columns)
