"""The study of an index: what the notebook `composite` shows, from the raw table to scores that can be defended."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis import composite
from diagnosis.config import city_files, default_settings, load_city
from diagnosis.csv_files import to_csv
from diagnosis.errors import InputError
from diagnosis.indicators.wellbeing import COUNTRY
from diagnosis.national.scores import CENTRE, CLASSES, SOBOL_POINTS, verdict
from diagnosis.provenance import write_atomically
from diagnosis.release_files import write_release
from diagnosis.studies.city import Missing
from diagnosis.studies.index_construction import IndexConstruction
from diagnosis.studies.index_subject import subject_of_framework, subject_of_table, with_replications

if TYPE_CHECKING:
    from diagnosis.composite import AmpiRelease
    from diagnosis.figure import Figure

VERDICTS = ("above", "mostly_above", "open", "mostly_below", "below")
MOST_DRAWN, NEAREST = 120, 40
"""Units up to which all are drawn, and those drawn of more: the nearest by rank."""
INTERVALS = ["score", "lower", "upper", "rank", "rank_lower", "rank_upper", "of", "above"]


class IndexStudy(IndexConstruction):
    """An index from the raw table to scores with intervals; each method answers one question.

    Construction is inherited; here are uncertainty, audit, the reading of one unit, and what is kept. :meth:`show`
    writes any of the tables with names in the language of the study.

    Parameters
    ----------
    subject, language, domain, unit
        As :class:`diagnosis.studies.index_construction.IndexConstruction`, whose attributes it has.
    """

    def replicate(self) -> dict[str, pd.DataFrame]:
        """Score anew many times over the framework's choices: :meth:`diagnosis.national.scores.Scoring.replicate`."""
        return self.subject.replicate()

    def tell(self, found: dict[str, pd.DataFrame]) -> str:
        """Say how often the scores were calculated anew, and how often that failed."""
        told = found["replications"]
        return self._shown.heading("replications").format(
            each=self._words.number(told["replications"].max()),
            failed=self._words.number(told["failed"].sum()),
        )

    def verdicts(self, found: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Count in each domain the units whose comparison with the reference survives, and those where it does not."""
        units = found["intervals"][found["intervals"]["unit"].isin(self.values.index)]
        told = units["above"].map(verdict)
        counts = pd.crosstab(units["domain"], told).reindex(
            index=list(self.scores), columns=VERDICTS, fill_value=0
        )
        width = (units["rank_upper"] - units["rank_lower"]).groupby(units["domain"]).median()
        return counts.assign(width=width).rename_axis(index="domain", columns=None)

    def conclusions(self, found: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Give the unit's score and place in each domain with their intervals, and what can be concluded."""
        table = found["intervals"].query("unit == @self.unit").set_index("domain").reindex(list(self.scores))
        table = table[INTERVALS].assign(verdict=table["above"].map(verdict))
        return table.rename(columns={"above": "share_above"}).rename_axis("domain")

    def choices(self) -> pd.DataFrame:
        """Share out how much ranks in the domain vary among the choices: all units' ranks, and those of the unit."""
        model = self.scoring.model(self.domain, self.subject.standard_errors())
        found = composite.explain_ranks(model, [self.unit], size=SOBOL_POINTS)
        table = found.loc["mean_absolute_shift", ["first", "total", "total_lower", "total_upper"]]
        return table.assign(of_unit=found.loc[self.unit, "total"]).rename_axis("factor")

    def flags(self, most: int = 12) -> pd.DataFrame:
        """List the pairs of indicators within a domain that say nearly the same, or oppose each other."""
        pairs = composite.correlate(self.normalised, groups=self.scoring.domains)
        found = composite.flag_correlations(pairs)
        order = found["correlation"].abs().sort_values(ascending=False, kind="stable").index[:most]
        found = found.loc[order, ["first", "second", "correlation", "flag"]]
        return found.rename(columns={"first": "one", "second": "other"}).reset_index(drop=True)

    def consistency(self) -> pd.DataFrame:
        """Say for each domain whether its indicators go together: Cronbach's alpha, first principal component."""
        rows = {}
        for domain, names in self.scoring.domains.groupby(self.scoring.domains, sort=False).groups.items():
            table = self.normalised[list(names)]
            components = self._attempt(composite.principal_components, table)
            rows[domain] = {
                "indicators": len(names),
                "complete": len(table.dropna()),
                "alpha": self._attempt(composite.cronbach_alpha, table),
                "first_component": None if components is None else components["share"].iloc[0],
                "equal_share": 1 / len(names),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("domain")

    def influence(self) -> pd.DataFrame | None:
        """Say how much of the domain's score each indicator decides, beside its weight; None with too few units."""
        values, score = self.normalised[self.members], self.scores[self.domain]
        found = self._attempt(composite.measure_influence, values, score)
        own = self.framework.loc[self.members, "weight"]
        return (
            None
            if found is None
            else found.rename(columns={"share": "influence"}).assign(weight=own / own.sum())
        )

    def leave_one_out(self) -> pd.DataFrame | None:
        """Leave out one indicator of the domain at a time; None where it has one only."""
        least = self.scoring.scheme.minimum_share

        def score(table: pd.DataFrame) -> pd.Series:
            weights = self.framework.loc[table.columns, "weight"]
            return composite.ampi(table, weights=weights, minimum_share=least)["score"]

        found = self._attempt(composite.leave_one_out, self.normalised[self.members], score)
        if found is None:
            return None
        columns = ["spearman", "mean_absolute_shift", "largest_shift", "mover"]
        found = found.assign(mover=found["unit"].where(found["largest_shift"] > 0))
        return found[columns].rename_axis("indicator")

    def redundancy(self) -> pd.DataFrame | None:
        """Say how far each indicator of the domain is told by the others; None with too few units or indicators."""
        found = self._attempt(composite.redundancy, self.normalised[self.members])
        return None if found is None else found.sort_values("vif", ascending=False, kind="stable")

    def profile(self, group: Iterable[str] | None = None) -> pd.DataFrame:
        """Compare the unit with the reference, and with a group of units (all of them), on the domain's indicators."""
        units = self.values.index if group is None else group
        reference = self.scoring.references.loc[COUNTRY]
        table = composite.profile_unit(
            self.values[self.members], self.unit, {"group": units}, reference, self.scoring.directions
        )
        columns = ["value", "reference", "gap", "side", "median", "place", "of"]
        return table.droplevel("group")[columns].sort_index(key=lambda names: names.map(self.members.index))

    def smallest_change(self, target: float | None = None) -> tuple[pd.DataFrame | None, str]:
        """Find the smallest change with which the unit would reach a score: arithmetic, neither forecast nor effect.

        Parameters
        ----------
        target : float, optional
            Without it the score of the reference or, for a unit that has it, a place in the best fifth.

        Returns
        -------
        table : pandas.DataFrame or None
            The indicators that would change; None where there is no score, or nothing to reach.
        text : str
            From what to what, or that there is nothing to reach.
        """
        score = self.scores.at[self.unit, self.domain]
        ranks = composite.rank_units(self.scores[self.domain])
        best = -(-int(ranks.notna().sum()) // CLASSES)
        if np.isnan(score) or (target is None and score >= CENTRE and ranks[self.unit] <= best):
            return None, self._shown.heading("nothing_to_reach")
        if target is not None or score < CENTRE:
            wanted: dict[str, Any] = {"target": CENTRE if target is None else float(target)}
        else:
            wanted = {"rank": best}
        found = composite.find_smallest_change(
            self.values[self.members],
            self.unit,
            **wanted,
            goalposts=self.scoring.goalposts,
            weights=self.framework["weight"],
            minimum_share=self.scoring.scheme.minimum_share,
        )
        text = self._shown.heading("change_reached" if found.reached else "change_not_reached").format(
            unit=self._name("unit", self.unit),
            score=self._words.number(found.score, 1),
            needed=self._words.number(found.score_needed, 1),
            rank=self._words.number(found.rank),
            rank_needed=self._words.number(found.rank_needed),
        )
        moved = found.table[found.table["change"].abs() > 0]
        return moved[["value", "value_needed", "change", "alone_value"]].dropna(
            axis="columns", how="all"
        ), text

    def freeze(self, version: str) -> AmpiRelease:
        """Freeze the goalposts: :meth:`diagnosis.national.scores.Scoring.freeze`."""
        return self.scoring.freeze(version, self.subject.names[COUNTRY])

    def describe_release(self, release: AmpiRelease) -> pd.Series:
        """Say what a release holds."""
        return pd.Series(
            {
                "version": release.version,
                "of_reference": release.reference_name,
                "indicators": len(release.groups),
                "domains": len(release.domains),
                **self._span(self.framework["year"]),
                "not_scored": len(release.left_out),
            }
        )

    def save(
        self, found: dict[str, pd.DataFrame], release: AmpiRelease, save_to: str | Path = ""
    ) -> pd.DataFrame:
        """Write all scores with their intervals as CSV, and beside it (``..._release.json``) the goalposts.

        Nothing is written without `save_to`. Returned is the table: one row a domain and unit or reference.

        Raises
        ------
        diagnosis.errors.InputError
            `save_to` is no path of a CSV, or another release was written beside it.
        """
        table = found["intervals"]
        names = table["unit"].map(self.subject.names)
        table = table.assign(name=names, verdict=table["above"].map(verdict))
        table = table[["domain", "unit", "name", *INTERVALS, "verdict"]]
        if save_to:
            path = Path(save_to)
            if path.suffix.lower() != ".csv":
                raise InputError("save_to must be the path of a CSV", f"{str(save_to)!r} was given")
            write_release(release, path.with_name(f"{path.stem}_release.json"))
            write_atomically(path, to_csv(table))
        return table

    def draw_ranks(self, found: dict[str, pd.DataFrame]) -> Figure:
        """Draw the ranks in the domain with their intervals: of all units or, of many, those nearest to the unit."""
        from diagnosis.charts import interval_plot

        table = found["intervals"].query("domain == @self.domain and rank.notna()").set_index("unit")
        if len(table) > MOST_DRAWN and self.unit in table.index:
            distance = (table["rank"] - table.at[self.unit, "rank"]).abs()
            table = table.loc[distance.sort_values(kind="stable").index[:NEAREST]]
        rows = table.rename(columns={"rank": "nominal"})[["nominal", "of"]].assign(
            name=self._names_of(table),
            lower=table["rank_lower"],
            upper=table["rank_upper"],
        )
        own = self.unit if self.unit in rows.index else None
        return interval_plot(rows, scale="rank", sort=True, highlight=own, **self._about("ranks", "interval"))

    def draw_profile(self, found: dict[str, pd.DataFrame]) -> Figure:
        """Draw the unit's score in every domain with its interval, against the reference and all units."""
        from diagnosis.charts import domain_profile

        own = self.conclusions(found)
        return domain_profile(
            own["score"],
            self.scores,
            name=self._name("unit", self.unit),
            reference_name=self.subject.names[COUNTRY],
            names=self.subject.domains,
            intervals=own[["lower", "upper"]],
            **self._about("profile", "interval"),
        )

    def draw_influence(self, found: pd.DataFrame | None) -> Figure | Missing:
        """Draw what :meth:`influence` returned: bars of influence, marks of the weights."""
        from diagnosis.charts import influence_bars

        if found is None:
            return self.show(None)
        rows = found[["influence", "weight"]].assign(name=self._names_of(found))
        return influence_bars(rows, **self._about("influence"))

    def draw_choices(self, found: pd.DataFrame) -> Figure | Missing:
        """Draw what :meth:`choices` returned: the total index of each choice with its interval."""
        from diagnosis.charts import influence_bars

        columns = {"total": "influence", "total_lower": "lower", "total_upper": "upper"}
        rows = found.rename(columns=columns).dropna(subset="influence")
        if rows.empty:
            return self.show(None)
        rows = rows[[*columns.values()]].assign(name=self._names_of(rows))
        return influence_bars(rows, percent=False, decimals=2, **self._about("choices", "interval"))

    def show(self, table: Any, note: str = "", *, across: bool = False, shade: Iterable[str] = ()) -> Any:
        """Show a table in the language of the study; `across`: rows as columns; `shade`: darker where higher.

        Instead of None, which stands for what could not be computed, `note` is shown, or why that may be.
        """
        if table is None:
            return Missing(note or self._shown.heading("too_few"))
        if len(table) == 0:
            return Missing(self._shown.heading("nothing"))
        if isinstance(table, pd.Series):
            table, across = pd.DataFrame([table.to_dict()]), True
        return self._shown.style(table, note, across=across, shade=shade)

    def _names_of(self, table: pd.DataFrame) -> list[str]:
        return [self._name(table.index.name, label) for label in table.index]

    def _about(self, name: str, interval: str = "") -> dict[str, Any]:
        """Return what every figure needs besides its values."""
        about = {"unit": self._name("unit", self.unit), "domain": self._name("domain", self.domain)}
        named = {"interval_name": self._shown.heading(interval)} if interval else {}
        return named | {
            "figure_id": name,
            "title": self._shown.heading(f"draw_{name}").format(**about),
            "language": self._words.language,
            "source": self.subject.source,
            "note": self.notice,
        }


def open_index_study(
    framework: str = "provinces",
    *,
    city: str = "",
    mirror: str = "",
    language: str = "it",
    table: str = "",
    indicators: str = "",
    reference: str = "",
    domain: str = "",
    unit: str = "",
    replications: int | None = None,
) -> IndexStudy:
    """Open the study of an index: a framework of the project, or an own table.

    Parameters
    ----------
    framework : {"provinces", "municipalities"}
        Not used with an own table.
    city : str
        A pilot city, ``"example"``, or the path of a YAML file: it decides the country, and that it or its province is
        read. Empty: the example or, with a mirror, Italy.
    mirror : str
        Folder with the publishers' files; none if empty.
    language : {"it", "en"}
    table, indicators, reference : str
        An own table, what its indicators are, and the row that scores 100:
        :func:`diagnosis.studies.index_subject.subject_of_table`.
    domain, unit : str
        What the steps are shown on: :class:`IndexStudy`.
    replications : int, optional
        How often the scores are calculated anew; without it as the framework says.

    Returns
    -------
    IndexStudy

    Raises
    ------
    diagnosis.errors.DiagnosisError
        A name is unknown, a file is not what it should be, or there are no data.
    """
    settings = default_settings(language=language, mirror=mirror or None)
    if table or indicators:
        subject = subject_of_table(table, indicators, reference, settings)
    else:
        chosen = city or (next(iter(city_files())) if mirror else "example")
        subject = subject_of_framework(framework, load_city(chosen), settings)
    if replications is not None:
        subject = with_replications(subject, replications)
    return IndexStudy(subject, language, domain=domain, unit=unit)
