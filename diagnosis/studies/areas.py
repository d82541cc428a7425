"""The choice of areas for one city: what the notebook `areas` shows, from the matrix to labels that can be defended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diagnosis.areas.functional import CONSTRAINTS
from diagnosis.config import THRESHOLDS, AreaParameters, City, Settings, default_settings, load_city
from diagnosis.csv_files import to_csv
from diagnosis.errors import InputError
from diagnosis.figure import join_names
from diagnosis.national.areas import OFFICIAL, estimator_of, geographies_of
from diagnosis.national.shared import load_national
from diagnosis.provenance import load_sources, write_atomically
from diagnosis.report.words import FOLDER, Words
from diagnosis.schema import build, read_yaml
from diagnosis.stages.existing import GEOGRAPHY_NAMES
from diagnosis.studies.city import Missing
from diagnosis.territory import load_country, load_territory

if TYPE_CHECKING:
    import geopandas as gpd

    from diagnosis.areas.functional import FunctionalAreas
    from diagnosis.areas.stability import Stability
    from diagnosis.figure import Figure

MARGINS = "commuting_margins_2021"
QUALITY = [
    "municipalities", "population", "employed_residents", "jobs", "supply_self_containment",
    "demand_self_containment", "validity", "n_pieces", "small_municipalities_share", "largest_distance_km",
]  # fmt: skip
COSTS = [
    "areas_before", "valid_areas_before", "areas_after", "municipalities_changing", "changing_here",
    "residents_changing_share", "internal_share_before", "internal_share_after",
]  # fmt: skip
PLANE = [
    *THRESHOLDS, "areas", "single", "below_validity", "internal_share", "steadiness", "adjusted_mutual_information",
    "reason", "candidates",
]  # fmt: skip
LEFT = [{"selector": "td, th", "props": "text-align: left"}]
BELOW = {"selector": "caption", "props": "caption-side: bottom; text-align: left; max-width: 50em"}


class AreaStudy:
    """What the choice of areas for one city rests on, and the tables and figures that lead to it.

    Parameters
    ----------
    city : City
        Its `areas` say how areas are drawn.
    settings : Settings
        Folders, mirror and language.
    geography : str or Path, optional
        One more existing geography: a table of :func:`diagnosis.sources.geographies.read_areas`.

    Attributes
    ----------
    flows : pandas.DataFrame
        Commuting matrix of the whole country: areas are drawn on all of it, so that no border cuts one.
    population, names : pandas.Series
        Residents and name of every municipality of the country.
    municipalities : geopandas.GeoDataFrame
    contiguity : pandas.DataFrame
        Pairs that touch, or that a ferry edge joins.
    constraints, evidence : dict
        What estimators take beside thresholds (`contiguity`, `within` ...) and beside flows (`population`, `location`).
    geographies : dict of str to pandas.Series
        Area of each municipality in the geographies there are: official ones, the city's, `geography`.
    official : pandas.Series or None
        ISTAT's labour market areas (SLL 2021), where the table is there.
    thresholds : dict of str to float
        The four thresholds.
    notice : str
        What part of the flows is not observed, in words.

    Raises
    ------
    diagnosis.errors.DiagnosisError
        The territory cannot be cut, a file is not what it should be, or there are no flows at all.
    """

    def __init__(self, city: City, settings: Settings, geography: str | Path = "") -> None:
        self.city, self.settings = city, settings
        self.country = load_country(settings, city.data)
        self.territory = load_territory(city, settings, self.country)
        self.flows = self.country.table("flows")
        self.population = self.country.residents
        self.municipalities: gpd.GeoDataFrame = self.country.municipalities
        self.names = self.municipalities["name"]
        self.contiguity = load_national(self.country, settings).contiguity()
        self.evidence = {"population": self.population, "location": self.municipalities}
        titles = {**GEOGRAPHY_NAMES, **{name: item.name for name, item in city.geographies.items()}}
        self._texts = {name: title.model_dump() for name, title in titles.items()}
        self._texts |= read_yaml(FOLDER / "area_study.yml")
        self._words = Words(settings.language)
        known = self.flows.get("estimated", pd.Series(0, index=self.flows.index)) == 0
        self._observed = self.flows[known] if known.nunique() == 2 else None
        self._jobs = self.flows.groupby("destination")["commuters"].sum()
        kind = self.country.flows_kind
        self.notice = self._words(kind) if self._words.has(kind) else self._heading("all_observed")
        self.thresholds = city.areas.thresholds
        given = self.estimator("clean").get_params()
        self.constraints = {name: given[name] for name in CONSTRAINTS if given[name] is not None}
        self.geographies = self._read_geographies(geography)
        self.official = self.geographies.get(OFFICIAL)

    def estimator(self, mode: str = "") -> FunctionalAreas:
        """Return the estimator of the study, not fitted; in another mode with the thresholds alone."""
        own = self.city.areas
        other = {**self.thresholds, "mode": mode}
        parameters = build(AreaParameters, other, "areas") if mode not in ("", own.mode) else own
        return estimator_of(self.country, self.contiguity, parameters)

    def around(self, *partitions: pd.Series) -> pd.Index:
        """Codes of the territory and of all areas that touch it, in any of the partitions."""
        here = self.territory.codes
        parts = [labels.index[labels.isin(labels.reindex(here).dropna())] for labels in partitions]
        return pd.Index(sorted({*here, *(code for part in parts for code in part)}), name="code")

    def name_areas(self, labels: pd.Series) -> pd.Series:
        """Name of each area: its own if the file had one, otherwise that of the member with most jobs."""
        known = labels.dropna().sort_index()
        centres = self._jobs.reindex(known.index, fill_value=0).groupby(known).idxmax()
        own = labels.attrs.get("names", {})
        return pd.Series({area: own.get(area, self.names.get(code)) for area, code in centres.items()})

    def with_names(self, table: pd.DataFrame, **partitions: pd.Series) -> pd.DataFrame:
        """Replace areas by their names, in each column by those of the partition given for it."""
        named = {column: self.name_areas(labels) for column, labels in partitions.items()}
        return table.assign(**{column: table[column].map(names) for column, names in named.items()})

    def matrix(self) -> pd.DataFrame:
        """Size of the matrix, how many work where they live, and what part of it is estimated."""
        rows = {}
        for name, flows in (("country", self.flows), ("territory", self.territory.flows)):
            commuters, own = flows["commuters"], flows["origin"] == flows["destination"]
            pairs, estimated = commuters > 0, flows.get("estimated", 0 * commuters) == 1
            rows[name] = {
                "municipalities": len(self.names if name == "country" else self.territory.codes),
                "pairs": pairs.sum(),
                "estimated_pairs": (estimated & pairs).sum() / pairs.sum(),
                "commuters": commuters.sum(),
                "estimated_commuters": commuters[estimated].sum() / commuters.sum(),
                "own_municipality": commuters[own].sum() / commuters.sum(),
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def compare(self, found: Mapping[str, FunctionalAreas]) -> pd.DataFrame:
        """Compare what several estimators drew for the whole country, one row each."""
        from diagnosis.areas import agreement

        rows = {}
        for name, areas in found.items():
            quality = self._measure(areas.labels_)
            rows[name] = {
                "areas": len(quality),
                "single": (quality["municipalities"] == 1).sum(),
                "in_pieces": (quality["n_pieces"] > 1).sum(),
                "below_validity": (quality["validity"] < 1).sum(),
                "internal_share": quality["internal_commuters"].sum() / self.flows["commuters"].sum(),
                "unassigned": areas.labels_.isna().sum(),
            }
            if self.official is not None:
                alike = agreement(areas.labels_, self.official)
                rows[name]["adjusted_rand_official"] = alike["adjusted_rand"]
        return pd.DataFrame.from_dict(rows, orient="index")

    def quality(self, labels: pd.Series | None) -> pd.DataFrame | None:
        """Quality of the areas that touch the territory, by name; None without a partition."""
        if labels is None:
            return None
        table = self._measure(labels)
        table = table.loc[sorted(labels.reindex(self.territory.codes).dropna().unique())]
        return table.set_index(self.name_areas(labels).reindex(table.index).rename("area"))[QUALITY]

    def repeat_without_tail(self) -> Stability | None:
        """Draw the areas without the estimated flows; None where none, or all, are estimated."""
        from diagnosis.areas import stability

        if self._observed is None:
            return None
        return stability(self.flows, self.estimator("clean"), matrices=[self._observed], **self.evidence)

    def repeat_completed(self, completions: int) -> Stability | None:
        """Draw the areas on other completions of the tail; None for 0, or without the totals of the matrix."""
        from diagnosis.areas import stability
        from diagnosis.networks import complete_flows
        from diagnosis.sources.istat_margins import read_margins
        from diagnosis.sources.store import Store

        store = Store(load_sources(self.settings.sources), self.settings.raw, self.settings.mirror)
        if self._observed is None or completions == 0 or not store.status().at[MARGINS, "available"]:
            return None
        margins = read_margins(store.find(MARGINS).path)
        centroids = self.municipalities.centroid
        points = self.municipalities[["province", "region"]].assign(x=centroids.x, y=centroids.y)
        matrices = complete_flows(self._observed, margins, points, n=completions)
        return stability(self.flows, self.estimator("clean"), matrices=matrices, **self.evidence)

    def members(self, found: Stability) -> pd.DataFrame:
        """Say how firmly the municipalities of the territory and of the city's area belong to their own."""
        labels = found.table["area"]
        own = labels.index[labels == labels.get(self.city.code)]
        table = found.table.loc[own.union(self.territory.codes).intersection(labels.index)]
        table = self.with_names(table.assign(name=self.names), area=labels, second_area=labels)
        table = table.sort_values(["with_centre", "margin"], kind="stable")
        return table[["name", "area", "with_centre", "core", "second_area", "second_share", "margin"]]

    def sensitivity(self, found: Mapping[str, Stability | None]) -> pd.DataFrame:
        """Put several kinds of runs side by side, one a row; those that are None are left out."""
        rows = {}
        for name, runs in found.items():
            if runs is not None:
                members = self.members(runs)
                rim = members.loc[members["with_centre"] < runs.core_from, "name"].tolist()
                rows[name] = {"runs": runs.n_runs, "areas": runs.runs["areas"].mean()}
                rows[name] |= {"moved": runs.runs["moved"].mean(), "municipalities": len(members)}
                rows[name] |= {"rim_municipalities": len(rim), "rim": join_names(rim, self._words.language)}
        return pd.DataFrame.from_dict(rows, orient="index")

    def reasons(self, areas: FunctionalAreas, codes: Iterable[str]) -> pd.DataFrame:
        """Say why municipalities are in their area, in the language of the study."""
        names, language = self.names.to_dict(), self.settings.language
        rows = {code: (names[code], areas.explain(code, names).sentence(language)) for code in codes}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["name", "sentence"]).rename_axis("code")

    def transition(self, proposed: pd.Series) -> pd.DataFrame:
        """Count what changes in the whole country from each existing geography to the proposal, one a row."""
        from diagnosis.areas import differences, transition_cost

        rows = {}
        for name, current in self.geographies.items():
            cost = transition_cost(current, proposed, self.flows, self.population, self.thresholds)
            moving = differences(current, proposed, self.population).index
            cost["changing_here"] = moving.isin(self.territory.codes).sum()
            rows[name] = cost[COSTS]
        return pd.DataFrame(rows).T

    def moves(self, current: pd.Series | None, proposed: pd.Series) -> pd.DataFrame | None:
        """List who changes area around the territory, most gain first; None without an existing geography."""
        from diagnosis.areas import transition_moves

        if current is None:
            return None
        table = transition_moves(current, proposed, self.flows, self.population, self.names)
        table = table[table.index.isin(self.around(proposed))]
        table = self.with_names(table, from_area=current, to_area=proposed, joins=current)
        return table[["name", "from_area", "to_area", "joins", "residents", "gain"]]

    def plane(self, table: pd.DataFrame) -> pd.DataFrame:
        """Take what matters from a table of :func:`diagnosis.parameter_map`; an arrow marks the study's thresholds."""
        own = (table[list(THRESHOLDS)] == pd.Series(self.thresholds)).all(axis=1)
        table = table[[name for name in PLANE if name in table]]
        return table.assign(study=own.map({True: "←", False: ""}))

    def choice(
        self, areas: FunctionalAreas, found: Stability, best: pd.Series, reason: str = ""
    ) -> pd.DataFrame:
        """Write down what is chosen and what speaks for it: `value` by `item`, in words."""
        facts = {**self.thresholds, **self.compare({"": areas}).iloc[0]}
        facts |= self.sensitivity({"": found}).iloc[0].drop("areas")
        rows = {"city": self.city.name[self.settings.language], "method": self._heading(areas.mode)}
        rows |= {name: self._cell(name, value) for name, value in facts.items()}
        advised = [f"{self._heading(key)} {self._cell(key, best[key])}" for key in THRESHOLDS]
        rows["advised"] = "; ".join(advised)
        rows |= {"flows": self.notice, "note": self._heading("note_text"), "why": reason or "–"}
        items = pd.Index([self._heading(item) for item in rows], name="item")
        return pd.DataFrame({"value": list(rows.values())}, index=items)

    def save(self, found: Stability, choice: pd.DataFrame, save_to: str | Path = "") -> pd.DataFrame:
        """Write the area of every municipality as CSV, and beside it (``..._choice.csv``) what was chosen and why.

        Nothing is written without `save_to`. Returned is the table: `name`, `area`, `area_name`, `with_centre`, `core`.
        """
        table = found.table[["area", "with_centre", "core"]].reindex(self.names.index)
        table.insert(0, "name", self.names)
        table.insert(2, "area_name", table["area"].map(self.name_areas(table["area"])))
        if save_to:
            path = Path(save_to)
            if path.suffix.lower() != ".csv":
                raise InputError("save_to must be the path of a CSV", f"{str(save_to)!r} was given")
            write_atomically(path, to_csv(table))
            write_atomically(path.with_name(f"{path.stem}_choice.csv"), to_csv(choice))
        return table

    def draw(self, labels: pd.Series, found: Stability | None = None) -> Figure:
        """Draw the areas that touch the territory beside the official ones, or with `found` how firm they are."""
        from diagnosis import maps

        codes = self.around(labels)
        places, areas = self.municipalities.loc[codes], labels.reindex(codes)
        about = self._about(codes)
        if found is not None:
            firm, centres = found.table["with_centre"].reindex(codes), found.areas["centre"]
            about |= {"figure_id": "sensitivity", "title": self._heading("map_sensitivity")}
            return maps.membership_map(places, areas, firm, centres=centres, **about)
        about |= {"figure_id": "areas", "title": self._heading("map_areas")}
        if self.official is not None:
            about |= {"reference": self.official.reindex(codes), "reference_name": self._heading(OFFICIAL)}
        return maps.areas_map(places, areas, self.name_areas(labels).to_dict(), **about)

    def show(self, table: Any, note: str = "", *, across: bool = False, shade: Iterable[str] = ()) -> Any:
        """Show a table in the language of the study; `across`: rows as columns; `shade`: darker where higher."""
        if table is None or len(table) == 0:
            return Missing(self._heading("nothing"))
        if isinstance(table, pd.Series):
            table, across = pd.DataFrame([table.to_dict()]), True
        cells = {name: [self._cell(name, value) for value in column] for name, column in table.items()}
        index = [self._heading(key) for key in table.index]
        texts = pd.DataFrame(cells, index=index).rename(columns=self._heading)
        style = (texts.T if across else texts).style.format(escape="html").set_caption(note)
        numbered = isinstance(table.index, pd.RangeIndex)
        style = style.hide(axis="columns" if across else "index") if numbered else style
        for name in shade:
            values = table[name].astype(float).to_numpy()
            style = style.background_gradient("Blues", high=0.7, subset=[self._heading(name)], gmap=values)
        left = [] if across else [self._heading(name) for name in table if not self._form(name)]
        return style.set_table_styles(dict.fromkeys(left, LEFT)).set_table_styles([BELOW], overwrite=False)

    def _about(self, codes: pd.Index) -> dict[str, Any]:
        """Return what both maps need besides their values."""
        language, short = self.settings.language, f"{self.country.flows_kind}_short"
        labels = [item.label for item in self.country.sources if item.id in ("commuting_2021", OFFICIAL)]
        return {
            "language": language,
            "source": "; ".join(label[language] for label in labels if label is not None),
            "city": self.city.code,
            "context": self.municipalities[~self.names.index.isin(codes)],
            "note": self._words(short).capitalize() if self._words.has(short) else "",
        }

    def _measure(self, labels: pd.Series) -> pd.DataFrame:
        from diagnosis.areas import area_quality

        known = {"population": self.population, "municipalities": self.municipalities}
        known |= {"contiguity": self.contiguity, "parameters": self.thresholds}
        return area_quality(labels, self.flows, **known)

    def _read_geographies(self, file: str | Path) -> dict[str, pd.Series]:
        from diagnosis.sources.geographies import read_areas

        found = {str(name): labels for name, labels in geographies_of(self.country).items()}
        files = {name: item.file for name, item in self.city.geographies.items()}
        files |= {Path(file).name: str(file)} if file else {}
        codes = self.names.index
        return found | {name: read_areas(path, codes, unknown="leave out") for name, path in files.items()}

    def _heading(self, key: Any) -> str:
        known = self._texts.get(key)
        return str(key) if known is None else known[self.settings.language]

    def _form(self, key: Any) -> str:
        return self._texts.get(key, {}).get("form", "")

    def _cell(self, key: Any, value: Any) -> str:
        form = self._form(key)
        if not form or form == "?" or pd.isna(value):
            known = value if not form else "yes" if value else "no"
            return "–" if pd.isna(value) else self._heading(known)
        if form == "x":
            return "∞" if value == float("inf") else self._words.number(value, 1)
        return self._words.percent(value) if form == "%" else self._words.number(value, int(form))


def open_area_study(
    city: str = "example", *, mirror: str = "", language: str = "it", geography: str = "", **parameters: Any
) -> AreaStudy:
    """Open the study of the areas of one city.

    Parameters
    ----------
    city : str
        Name of a pilot city, ``"example"``, or the path of a YAML file.
    mirror, geography : str
        Folder with the publishers' files; table of one more existing geography. None if empty.
    language : {"it", "en"}
    **parameters
        Fields of :class:`diagnosis.AreaParameters`, such as the thresholds; without one, or None: the city's own.

    Returns
    -------
    AreaStudy

    Raises
    ------
    diagnosis.errors.DiagnosisError
        As :class:`AreaStudy`; or a parameter or the language is unknown or out of range.
    """
    known = load_city(city)
    given = {name: value for name, value in parameters.items() if value is not None}
    areas = build(AreaParameters, known.areas.model_dump() | given, "the parameters of the areas")
    settings = default_settings(language=language, mirror=mirror or None)
    return AreaStudy(known.model_copy(update={"areas": areas}), settings, geography)
