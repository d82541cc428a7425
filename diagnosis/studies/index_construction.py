"""The construction of an index: from the raw table to scores, each choice beside its alternatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pandas as pd

from diagnosis import composite
from diagnosis.composite.treatment import WINSORISED_LIMIT
from diagnosis.errors import InputError, unknown_name
from diagnosis.frameworks import INDEX
from diagnosis.indicators.wellbeing import COUNTRY
from diagnosis.report.shown_tables import ShownTables
from diagnosis.report.words import Words
from diagnosis.studies.index_subject import TEXTS, UNKNOWN, IndexSubject

Found = TypeVar("Found")

SCALE = (70.0, 130.0)
"""Ends of min-max and ranks: those of the AMPI, so that its penalty weighs alike."""
NORMALISATIONS = ("min_max", "z_scores", "ranks")
RULES = ("ampi", "arithmetic", "geometric")
FEW = 4
"""Indicators from which a domain is worth an audit."""
TREATED_SHARE = 100
"""Of so many units, one may be winsorised."""
ROUNDING = 1e-9


class IndexConstruction:
    """One index from the raw table to its scores, and what they would be under other choices.

    Scores are AMPI of the domains, as in the reports. What a method returns is labelled by codes.

    Parameters
    ----------
    subject : IndexSubject
        Units, indicators, and the choices behind their scores.
    language : {"it", "en"}
    domain, unit : str, optional
        The domain and the unit the steps are shown on, by code or name. Without them: the first domain of four
        indicators or more that the units are enough for, the unit of the subject.

    Attributes
    ----------
    scoring : Scoring
    values, normalised : pandas.DataFrame, units x indicators
        In their own units; between the goalposts (the reference is 100).
    scores : pandas.DataFrame, units x domains
    framework : pandas.DataFrame
        One row an indicator: :meth:`diagnosis.national.scores.Scoring.describe`.
    domain, unit : str
    members : list of str
        Indicators of the domain.
    notice : str
        What a reader has to know of the data.
    """

    def __init__(
        self, subject: IndexSubject, language: str = "it", *, domain: str = "", unit: str = ""
    ) -> None:
        self.subject, self.scoring, self.notice = subject, subject.scoring, subject.note
        self.values = self.scoring.values
        self.normalised = composite.normalise_ampi(self.values, self.scoring.goalposts)
        self.scores = self.scoring.score(self.values)
        self.framework = self.scoring.describe()
        self.unit = subject.find_unit(unit)
        self.domain = self._find_domain(domain)
        self.members = list(self.framework.index[self.framework["domain"] == self.domain])
        self._words = Words(language)
        names = {"unit": subject.names, "indicator": subject.indicators, "domain": subject.domains}
        self._shown = ShownTables(TEXTS, names, subject.decimals, self._words)

    def _name(self, kind: str, label: object) -> str:
        return self._shown.name(kind, label)

    @property
    def title(self) -> str:
        """The unit, the domain, its score and place, in words."""
        ranks = composite.rank_units(self.scores[self.domain])
        return self._shown.heading("title").format(
            unit=self._name("unit", self.unit),
            domain=self._name("domain", self.domain),
            score=self._words.number(self.scores.at[self.unit, self.domain], 1),
            rank=self._words.number(ranks[self.unit]),
            of=self._words.number(ranks.notna().sum()),
        )

    def overview(self) -> pd.DataFrame:
        """Say for each domain how many indicators it has, of which years, and how many units they score."""
        rows = {}
        for domain, table in self.framework.groupby("domain", sort=False):
            rows[domain] = {
                "indicators": len(table),
                **self._span(table["year"]),
                "available": self.values[table.index].notna().to_numpy().mean(),
                "scored": self.scores[domain].notna().sum(),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("domain")

    def listing(self) -> pd.DataFrame:
        """Describe the indicators of the domain: direction, year, range, and what speaks against them."""
        found = composite.describe_indicators(self.values[self.members])
        flags = found[["low_available", "low_nonzero", "low_unique", "outliers"]]
        remarks = [
            ", ".join(self._shown.heading(flag) for flag in flags if row[flag]) for _, row in flags.iterrows()
        ]
        own = self.framework.loc[self.members]
        table = own[["direction", "year"]].assign(available=found["share_available"])
        return table.assign(
            lowest=found["minimum"], reference=own["reference"], highest=found["maximum"], remark=remarks
        )

    def screening(self) -> pd.DataFrame:
        """List the units that lack values, most first, and the domains in which they have no score."""
        least = self.scoring.scheme.minimum_share
        found = composite.screen_units(self.values, minimum_available=least)
        found = found[found["n_missing"] > 0].sort_values("share_available", kind="stable")
        lost = self.scores.loc[found.index].isna()
        without = [
            ", ".join(self._name("domain", domain) for domain in lost if lost.at[unit, domain])
            for unit in found.index
        ]
        table = found[["n_missing", "share_available", "included"]].assign(without=without)
        return table.rename_axis("unit")

    def left_out(self) -> pd.DataFrame:
        """List the indicators that cannot be scored, with the reason."""
        reasons = dict(self.scoring.left_out)
        return pd.DataFrame({"reason": reasons.values()}, index=pd.Index(list(reasons), name="indicator"))

    def shape(self, most: int = 8) -> pd.DataFrame:
        """Show the most skewed indicators of all domains before and after treatment, and what was done to them."""
        record = composite.treat(self.values, limit=self._treated_at_most).record
        order = record["skewness_before"].abs().sort_values(ascending=False, kind="stable").index[:most]
        columns = ["skewness_before", "kurtosis_before", "action", "n_winsorised"]
        return record.loc[order, [*columns, "skewness_after", "kurtosis_after"]]

    def treated(self) -> pd.DataFrame:
        """Normalise the values after treatment of outliers, the reference's own among them."""
        rows = pd.concat([self.values, self.scoring.references.loc[[COUNTRY]]])
        treated = composite.treat(rows, limit=self._treated_at_most).values
        values = treated.loc[self.values.index]
        posts = composite.Goalposts.from_panel(values, treated.loc[COUNTRY], self.scoring.directions)
        return composite.normalise_ampi(values, posts)

    def imputed(self, draws: int = 20, most: int = 15) -> pd.DataFrame:
        """Score the units that lack values on what there is, and on values put in their place in three ways.

        Parameters
        ----------
        draws : int
            Tables drawn by multiple imputation; `spread` is the standard deviation of their scores.
        most : int
            Rows returned, the widest spread first.
        """
        directions, domains = self.scoring.directions, self.scoring.domains
        drawn = composite.impute_multiple(self.values, draws, seed=0)
        combined = composite.combine_imputations([self.scoring.score(table) for table in drawn])
        columns = {
            "score": self.scores,
            "by_indicator": self.scoring.score(composite.impute_by_indicator(self.values)),
            "by_unit": self.scoring.score(composite.impute_by_unit(self.values, directions, groups=domains)),
            "multiple": combined["mean"],
            "spread": combined["sd"],
        }
        lacking = composite.measure_domain_availability(self.values, domains) < 1
        pairs = [(unit, domain) for domain in lacking for unit in lacking.index[lacking[domain]]]
        table = pd.DataFrame(pairs, columns=["unit", "domain"])
        for name, scores in columns.items():
            table[name] = [scores.at[pair] for pair in pairs]
        return table.sort_values("spread", ascending=False, kind="stable").head(most).set_index("unit")

    def normalise(self, method: str) -> pd.DataFrame:
        """Put the values on another scale around 100: ``min_max``, ``z_scores`` (as far apart as now) or ``ranks``."""
        if method not in NORMALISATIONS:
            raise unknown_name("The normalisation", method, NORMALISATIONS)
        given = (self.values, self.scoring.directions)
        low, high = SCALE
        if method == "min_max":
            return composite.normalise_min_max(*given, lower=low, upper=high)
        if method == "z_scores":
            spread = float(self.normalised.std(ddof=0).mean())
            return composite.normalise_z_scores(*given, mean=(low + high) / 2, sd=spread)
        return composite.normalise_ranks(*given, "percentile", ties="average") * (high - low) + low

    def goalposts(self) -> pd.DataFrame:
        """Show the goalposts of the domain's indicators (70, 100, 130), and where the unit lies between them."""
        table = self.framework.loc[self.members, ["minimum", "reference", "maximum"]]
        own = {"value": self.values, "normalised": self.normalised}
        return table.assign(**{name: rows.loc[self.unit, self.members] for name, rows in own.items()})

    def weights(self) -> pd.DataFrame:
        """Compute weights of the domain's indicators: the framework's, three read from the data, in the whole index."""
        values, members = self.normalised[self.members], self.members
        scaled = composite.normalise_min_max(self.values[members], self.scoring.directions)
        own = self.framework["weight"]
        whole = [self.scoring.domains, dict.fromkeys(self.scores, INDEX)]
        given = {**own, **self.scoring.scheme.weights}
        found = {
            "framework": own[members] / own[members].sum(),
            "pca": self._attempt(composite.pca_weights, values),
            "entropy": composite.entropy_weights(scaled),
            "critic": composite.critic_weights(values),
            "whole": composite.effective_weights(whole, given)[members],
        }
        return pd.DataFrame(found, index=pd.Index(members, name="indicator"), dtype=float)

    def score(
        self, normalised: pd.DataFrame | None = None, *, weights: pd.Series | None = None, rule: str = "ampi"
    ) -> pd.DataFrame:
        """Score the units with one choice made otherwise; units x domains.

        Parameters
        ----------
        normalised : pandas.DataFrame, optional
            Values on another scale.
        weights : pandas.Series, optional
            Other weights of some indicators.
        rule : str
            Of aggregation: one of :data:`diagnosis.composite.aggregation.RULES`.
        """
        given = {**self.framework["weight"], **({} if weights is None else weights)}
        tree = composite.Framework(self.scoring.domains, given)
        table = self.normalised if normalised is None else normalised
        return tree.aggregate(table, rule, self.scoring.scheme.minimum_share)

    def compare(self, alternatives: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Compare the ranks of the domain under other choices with those of the framework, one choice a row."""
        own = self.scores[self.domain]
        rows = {name: self._agree(own, scores[self.domain]) for name, scores in alternatives.items()}
        first = {"framework": {"place": composite.rank_units(own)[self.unit]}}
        return pd.DataFrame.from_dict(first | rows, orient="index")

    def compare_domains(self, scores: pd.DataFrame) -> pd.DataFrame:
        """Compare the ranks under another choice with those of the framework, in the domains it changes."""
        moved = ((scores - self.scores).abs() > ROUNDING).any()
        rows = {name: self._agree(self.scores[name], scores[name]) for name in self.scores if moved[name]}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("domain")

    def compensation(self, most: int = 10) -> pd.DataFrame:
        """Say what imbalance costs in the domain, and who owes most places to highs that make up for lows."""
        own = self.framework.loc[self.members, "weight"]
        least = self.scoring.scheme.minimum_share
        table = composite.measure_compensation(
            self.normalised[self.members], own, "ampi", minimum_share=least
        )
        table = table.dropna(subset="score").sort_values("places_gained", ascending=False, kind="stable")
        kept = [*table.index[:most], *({self.unit} - set(table.index[:most]))]
        columns = ["full", "loss", "score", "offset", "rank", "places_lost", "places_gained"]
        return table.reindex(kept)[columns].rename_axis("unit")

    def explain(self) -> pd.DataFrame:
        """Split the unit's score in the domain: 100 and the sums of `contribution` and `penalty` are the score."""
        scheme = self.scoring.scheme
        parts = composite.explain_index(
            self.values.loc[[self.unit], self.members],
            goalposts=self.scoring.goalposts,
            weights=self.framework["weight"],
            penalty=scheme.penalty,
            minimum_share=scheme.minimum_share,
        )
        table = parts.loc[self.unit, ["value", "normalised", "weight", "contribution", "penalty"]]
        return table.sort_values("contribution", kind="stable")

    def whole(self, most: int = 5) -> pd.DataFrame:
        """Rank the units on one index above the domains, under three rules: the first, the last, and the unit."""
        parents = {**self.scoring.domains, **dict.fromkeys(self.scores, INDEX)}
        tree = composite.Framework(parents, {**self.framework["weight"], **self.scoring.scheme.weights})
        least = self.scoring.scheme.minimum_share
        scores = pd.DataFrame({rule: tree.aggregate(self.normalised, rule, least)[INDEX] for rule in RULES})
        ranks = composite.rank_units(scores).assign(score=scores["ampi"]).sort_values("ampi", kind="stable")
        ranks = ranks.dropna(subset="score")
        chosen = ranks.index.isin([*ranks.index[:most], self.unit, *ranks.index[-most:]])
        return ranks.loc[chosen, ["score", *RULES]].rename_axis("unit")

    def _span(self, years: pd.Series) -> dict[str, str]:
        """Return the first and the last of the years that are known."""
        known = [year for year in years if year != UNKNOWN] or [UNKNOWN]
        return {"first_year": min(known), "last_year": max(known)}

    @property
    def _treated_at_most(self) -> int:
        return max(WINSORISED_LIMIT, len(self.values) // TREATED_SHARE)

    def _agree(self, own: pd.Series, other: pd.Series) -> dict[str, object]:
        found = composite.summarise_comparison(own, other)
        shifts = composite.compare_ranks(own, other)["absolute_shift"].dropna().astype(float)
        return {
            "place": composite.rank_units(other)[self.unit],
            "spearman": found["spearman"],
            "mean_absolute_shift": found["mean_absolute_shift"],
            "largest_shift": found["largest_shift"],
            "mover": shifts.idxmax() if found["largest_shift"] > 0 else "",
        }

    def _attempt(self, compute: Callable[..., Found], *given: Any) -> Found | None:
        """Return None where the units are too few for the indicators: the others of the step are shown."""
        try:
            return compute(*given)
        except InputError:
            return None

    def _find_domain(self, wanted: str) -> str:
        counts = self.scoring.domains.value_counts()
        known = {str(domain): domain for domain in self.scores}
        known |= {name: domain for domain, name in self.subject.domains.items() if domain in self.scores}
        if wanted:
            if wanted not in known:
                raise unknown_name("The domain", wanted, known)
            return known[wanted]
        fit = [domain for domain in self.scores if FEW <= counts[domain] <= len(self.values) - 2]
        return fit[0] if fit else counts.idxmax()
