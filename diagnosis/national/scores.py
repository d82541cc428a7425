"""The scores of a whole country by a framework, and how far they depend on the choices behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diagnosis.catalogue import Catalogue
from diagnosis.errors import EXAMPLES_SHOWN, InputError
from diagnosis.frameworks import Scheme
from diagnosis.indicators.wellbeing import COUNTRY

if TYPE_CHECKING:
    from diagnosis.composite import CompositeModel, Goalposts, Normalisation
    from diagnosis.composite.release import AmpiRelease

INTERVAL = 0.9
"""Share of the replications within an interval of scores or ranks."""
NEARLY = 0.9
"""Share of the replications from which a comparison holds under nearly all choices."""
CENTRE = 100.0
CLASSES = 5
SOBOL_POINTS = 128


@dataclass(frozen=True, eq=False)
class Scoring:
    """A framework with the values of a country: what is needed to score units and to replicate their scores.

    Parameters
    ----------
    scheme : Scheme
    values : DataFrame, units x indicators
        Only indicators that vary and of which the country has a value.
    references : DataFrame, rows x indicators
        What units are compared with, scored on the same goalposts: the country first, then regions, groups.
    directions, domains : Series, indicator -> direction, domain
    goalposts : Goalposts
        The country's value in the middle, half the range of the units on each side: of these values, or of a release.
    years : Series, indicator -> year
        The years the values refer to.
    left_out : mapping of indicator to reason
        Indicators that cannot be scored.
    """

    scheme: Scheme
    values: pd.DataFrame
    references: pd.DataFrame
    directions: pd.Series
    domains: pd.Series
    goalposts: Goalposts
    years: pd.Series
    left_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        scheme: Scheme,
        catalogue: Catalogue,
        values: pd.DataFrame,
        references: pd.DataFrame,
        without: Mapping[str, str] | None = None,
        *,
        years: pd.Series | None = None,
        release: AmpiRelease | None = None,
    ) -> Scoring:
        """Choose the indicators that can be scored and set the goalposts, or take both from a release.

        Parameters
        ----------
        scheme : Scheme
        catalogue : Catalogue
        values, references : DataFrame
            With a column for each scored indicator; `references` has the row of the country.
        without : mapping of indicator to reason, optional
            Indicators not to be scored, for instance because they rest on modelled flows.
        years : Series, indicator -> year, optional
            The years the values refer to, where the data decide; those of the catalogue otherwise.
        release : AmpiRelease, optional
            Its indicators, directions, domains, weights, penalty, minimum share and goalposts are used: the
            country has 100 in the year of the release, not in that of the values.

        Raises
        ------
        diagnosis.errors.InputError
            An indicator of the release can no longer be scored.
        """
        from diagnosis.composite import Goalposts

        names = list(scheme.directions(catalogue) if release is None else release.groups.index)
        left_out = _find_reasons(names, values, references, without or {})
        if release is not None and left_out:
            raise InputError(
                f"every indicator of release {release.version} of the {scheme.id} must still have data",
                "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:EXAMPLES_SHOWN]),
                f"See what changes without it with `diagnosis release rebase {release.version}`, then freeze a "
                "new release",
            )
        kept = [name for name in names if name not in left_out]
        numbers = values[kept].astype(float)
        others = references[kept].astype(float)
        others = pd.concat([others.loc[[COUNTRY]], others.drop(index=COUNTRY)])
        own_years = {name: catalogue[name].year if years is None else str(years[name]) for name in kept}
        if release is None:
            directions = pd.Series(scheme.directions(catalogue), dtype=object)[kept]
            domains = pd.Series(scheme.domains(catalogue), dtype=object)[kept]
            posts = Goalposts.from_panel(numbers, others.loc[COUNTRY], directions)
        else:
            posts, domains = release.goalposts, release.groups
            directions = posts.frame["direction"]
            weights = {} if release.weights is None else release.weights.to_dict()
            scheme = scheme.model_copy(
                update={
                    "penalty": release.penalty,
                    "minimum_share": release.minimum_share,
                    "weights": weights,
                }
            )
        return cls(
            scheme, numbers, others, directions, domains, posts, pd.Series(own_years, dtype=object), left_out
        )

    def score(self, rows: pd.DataFrame | None = None) -> pd.DataFrame:
        """Score the units and the references, or further rows on the same goalposts; one column a domain."""
        from diagnosis.composite import composite_index

        rows = pd.concat([self.values, self.references]) if rows is None else rows[self.values.columns]
        return composite_index(
            rows.astype(float),
            method="ampi",
            goalposts=self.goalposts,
            groups=self.domains,
            weights=self._weights,
            penalty=self.scheme.penalty,
            minimum_share=self.scheme.minimum_share,
        )

    @property
    def _weights(self) -> pd.Series:
        return pd.Series({name: self.scheme.weights.get(name, 1.0) for name in self.values})

    def freeze(self, version: str, country_name: str) -> AmpiRelease:
        """Freeze the goalposts on these values, and classes on these units, so that later years are scored on them.

        Parameters
        ----------
        version : str
            Name of the release.
        country_name : str
            Name of the country, whose values are the reference.

        Returns
        -------
        AmpiRelease
            Its vintages are the years of the values. It has no base year, since indicators have different ones.
        """
        from diagnosis.composite.freezing import freeze

        frozen = freeze(
            self.values,
            self.references.loc[COUNTRY],
            self.directions,
            self.domains,
            version=version,
            weights=self._weights if self.scheme.weights else None,
            penalty=self.scheme.penalty,
            minimum_share=self.scheme.minimum_share,
            reference_name=country_name,
            vintages=self.years,
        )
        return replace(frozen, left_out=pd.Series(self.left_out, dtype=object))

    def describe(self) -> pd.DataFrame:
        """List what was scored and on what goalposts.

        Returns
        -------
        DataFrame
            Index indicator; `framework`, `domain`, `direction`, `weight`, `year`, `minimum`, `reference`,
            `maximum` (in the unit of the indicator).
        """
        posts = self.goalposts.frame[["minimum", "reference", "maximum"]]
        table = pd.DataFrame(
            {
                "framework": self.scheme.id,
                "domain": self.domains,
                "direction": self.directions,
                "weight": self._weights,
                "year": self.years,
            },
            index=self.values.columns,
        )
        return table.join(posts).rename_axis("indicator")

    def model(self, domain: str, error: pd.DataFrame | None = None) -> CompositeModel:
        """Return the score of one domain as a function of the choices behind it."""
        from diagnosis.composite import CompositeModel, WeightNoise

        varied = self.scheme.uncertainty
        names = list(self.domains.index[self.domains == domain])
        noise = (
            WeightNoise("uniform", varied.weight_noise) if varied.weight_noise and len(names) > 1 else None
        )
        own = error.reindex(columns=names) if error is not None else None
        return CompositeModel(
            self.values[names],
            self.directions[names],
            weights=self.scheme.weights,
            normalisations=[self._normalisation(name, names) for name in varied.normalisations],
            aggregations=varied.aggregations,
            weight_choice=noise,
            treatments={name: TREATMENTS[name] for name in varied.treatments},
            leave_out=varied.leave_out if len(names) >= varied.leave_out_from else 0.0,
            error=own if own is not None and own.notna().to_numpy().any() else None,
            within_range=True,
            minimum_share=self.scheme.minimum_share,
            references=self.references[names],
        )

    def _normalisation(self, method: str, names: list[str]) -> Normalisation:
        """Return a normalisation whose penalty for imbalance is comparable with that of the goalposts."""
        from diagnosis.composite import Normalisation, normalise_ampi

        if method == "goalposts":
            return Normalisation(method, goalposts=self.goalposts)
        if method == "z_scores":
            # the penalty grows with the spread: z-scores are as far apart as the values are between the goalposts
            spread = normalise_ampi(self.values[names], self.goalposts).std(ddof=0).mean()
            return Normalisation(method, scale=(CENTRE, float(spread)))
        return Normalisation(method)

    def replicate(self, error: pd.DataFrame | None = None) -> dict[str, pd.DataFrame]:
        """Replicate the scores of every domain over the choices of the framework, and over the error of the data.

        Parameters
        ----------
        error : DataFrame, units x indicators, optional
            Standard error of the values, in their unit; missing where there is none.

        Returns
        -------
        dict of DataFrame
            `intervals`, one row a domain and unit or reference (columns `domain`, `unit`): `score`, `lower`,
            `upper`; `above` (share of the replications in which it scores more than the country); for units
            also `rank`, `rank_lower`, `rank_upper`, `of`, `class` (fifth of the units, 1 best) and
            `class_change`. `replications`, one row a domain: `indicators`, `varied` (the choices that vary),
            `replications`, `failed`.
        """
        from diagnosis.composite import simulate

        parts, told = [], []
        for domain in dict.fromkeys(self.domains):
            model = self.model(domain, error)
            found = simulate(model, self.scheme.uncertainty.replications, scale="reference")
            parts.append(_describe(found).assign(domain=domain))
            told.append(
                {
                    "domain": domain,
                    "indicators": int((self.domains == domain).sum()),
                    "varied": ";".join(model.factors),
                    "replications": len(found.choices),
                    "failed": found.failed,
                }
            )
        intervals = pd.concat(parts).rename_axis("unit").reset_index()
        first = ["domain", "unit"]
        intervals = intervals[first + [name for name in intervals if name not in first]]
        return {"intervals": intervals, "replications": pd.DataFrame(told).set_index("domain")}

    def explain(self) -> pd.DataFrame:
        """Say which choice moves the ranks of the units most, domain by domain: Sobol indices of the mean shift.

        Returns
        -------
        DataFrame
            `domain`, `output` (the mean shift alone), `factor`, and the columns of
            :func:`diagnosis.composite.sobol_indices`.
        """
        from diagnosis.composite import explain_ranks

        parts = []
        for domain in dict.fromkeys(self.domains):
            model = self.model(domain)
            if len(model.factors) > 1:
                found = explain_ranks(model, size=SOBOL_POINTS)
                parts.append(found.reset_index().assign(domain=domain))
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["domain", "factor"])


def _find_reasons(
    names: Iterable[str], values: pd.DataFrame, references: pd.DataFrame, without: Mapping[str, str]
) -> dict[str, str]:
    """Say why indicators cannot be scored, in the words of :func:`diagnosis.composite.freezing.freeze`."""
    reasons = {}
    for name in names:
        if name in without:
            reasons[name] = without[name]
        elif name not in values or values[name].isna().all():
            reasons[name] = "no value of any unit"
        elif values[name].nunique() < 2:
            reasons[name] = "the same value everywhere"
        elif pd.isna(references.at[COUNTRY, name]):
            reasons[name] = "no value of the country"
    return reasons


def verdict(above: float) -> str:
    """Say how a comparison with the country fares over the replications.

    Returns
    -------
    str
        ``above`` or ``below``: in every replication; ``mostly_above``, ``mostly_below``: in at least nine of ten;
        ``open`` otherwise; empty where there is no score.
    """
    if pd.isna(above):
        return ""
    if above >= 1 - 1e-12:
        return "above"
    if above <= 1e-12:
        return "below"
    if above >= NEARLY:
        return "mostly_above"
    return "mostly_below" if 1 - above >= NEARLY else "open"


def _describe(found: Any) -> pd.DataFrame:
    """Put what the replications say of units and references into one table."""
    scores, ranks = found.score_intervals(INTERVAL), found.rank_intervals(INTERVAL)
    classes = found.class_change(CLASSES)
    country = found.references.index[0]
    units = pd.DataFrame(
        {
            "score": scores["nominal"],
            "lower": scores["lower"],
            "upper": scores["upper"],
            "above": found.win_probabilities([country])[country],
            "rank": ranks["nominal"],
            "rank_lower": np.floor(ranks["lower"]),
            "rank_upper": np.ceil(ranks["upper"]),
            "of": float(found.nominal.notna().sum()),
            "class": classes["nominal"].astype("Float64").astype(float),
            "class_change": classes["change"],
        }
    )
    tails = [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2]
    known = np.isfinite(found.reference_scores)
    some = known.any(axis=1)
    lower, upper = np.full(len(some), np.nan), np.full(len(some), np.nan)
    if some.any():
        lower[some], upper[some] = np.nanquantile(found.reference_scores[some], tails, axis=1)
    own = found.reference_scores[0]
    tied = np.isclose(found.reference_scores, own, rtol=1e-12, atol=0.0)
    wins = ((found.reference_scores > own) & ~tied).sum(axis=1) + tied.sum(axis=1) / 2
    both = (known & np.isfinite(own)).sum(axis=1)
    above = np.divide(wins, both, out=np.full(len(both), np.nan), where=both > 0)
    above[0] = np.nan  # the country beside itself
    references = pd.DataFrame(
        {"score": found.references, "lower": lower, "upper": upper, "above": above},
        index=found.references.index,
    )
    return pd.concat([units, references])


def _winsorise(values: pd.DataFrame) -> pd.DataFrame:
    from diagnosis.composite import winsorise

    return winsorise(values)[0]


TREATMENTS = {"none": None, "winsorised": _winsorise}
