"""Replications of an index: one function from the choices of its makers to the scores of the units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from diagnosis.composite.ampi import MINIMUM_SHARE
from diagnosis.composite.choices import (
    Normalisation,
    WeightNoise,
    build_levels,
    check_level_weights,
    rules_of_levels,
)
from diagnosis.composite.kernels import Failure, Prepared, aggregate, level_matrix
from diagnosis.composite.normalise import check_directions, check_values
from diagnosis.errors import InputError, examples, unknown_name

NOMINAL = -1
"""Number of the weights, or of the data error, of the index as published."""

_FACTORS = ("table", "treatment", "normalisation", "aggregation", "weights", "left_out", "error")
_NUMBERED = ("weights", "left_out", "error")
_RANDOM = ("weights", "error")
_SEEDS = 2**31  # so many draws of weights and of data error can be told apart


class CompositeModel:
    """An index as a function of the choices behind it.

    Parameters
    ----------
    values : pandas.DataFrame or mapping of str to pandas.DataFrame
        Rows units, columns indicators in their own units; or several such tables with the same labels, for
        instance multiple imputations. The first is the nominal one.
    directions : pandas.Series or mapping
        ``positive`` or ``negative`` by indicator.
    groups : pandas.Series, mapping, or sequence of them, optional
        Domain of each indicator; a sequence gives one mapping a level, from the lowest up. The names of the
        last level are combined into the index.
    weights : pandas.Series or mapping, optional
        By indicator and domain; rescaled within each domain; 1 for those not named.
    normalisations : sequence of str or Normalisation
        Alternatives, the nominal one first.
    aggregations : sequence of str or tuple of str
        Alternatives, the nominal one first: ``arithmetic``, ``geometric``, ``harmonic``, ``ampi``,
        ``ampi_plus``; a tuple gives one rule a level.
    weight_choice : WeightNoise or pandas.DataFrame, optional
        Random weights, or given ones (index indicators and domains, a column a set).
    treatments : mapping of str to callable or None, optional
        Alternatives for outliers and skew, nominal first: from a table to a table with the same labels; None
        leaves it as it is.
    leave_out : float, default 0
        Probability that a replication leaves one indicator out, all of them equally often.
    error : pandas.Series, mapping or pandas.DataFrame, optional
        Standard error of the values in the indicators' units: by indicator (0 where absent), or by unit and
        indicator. Errors are normal and independent, and are added before treatment; limits, means and
        standard deviations of the normalisation stay those of the values without error.
    within_range : bool, default False
        Keep values with error inside the range of the values without: for rates of very few people, whose
        normal error would make them negative.
    minimum_share : float, default 0.75
        Share of the weight of a domain, and of the index, a unit needs; otherwise its score is missing.
    references : pandas.DataFrame, optional
        Rows the units are compared with, such as the country, on the same indicators: they are scored on the
        scale the units set, but do not set it, have no rank and no error of their own. Treatments see
        them with the units.
    seed : int, default 0
        Of the random weights and errors.

    Attributes
    ----------
    factors : list of str
        The choices that vary: among ``table``, ``treatment``, ``normalisation``, ``aggregation``,
        ``weights``, ``left_out``, ``error``.
    units, references : pandas.Index
        Labels of the units, and of the rows they are compared with.
    nominal, nominal_references : pandas.Series
        Scores under the nominal choices.

    Raises
    ------
    diagnosis.errors.InputError
        Tables with different labels, an indicator that is constant, empty or without direction or domain,
        wrong weights, no alternative for a choice, or a nominal index that cannot be calculated.
    """

    def __init__(
        self,
        values: pd.DataFrame | Mapping[str, pd.DataFrame],
        directions: pd.Series | Mapping,
        *,
        groups: pd.Series | Mapping | Sequence | None = None,
        weights: pd.Series | Mapping | None = None,
        normalisations: Sequence[str | Normalisation] = ("min_max",),
        aggregations: Sequence[str | tuple[str, ...]] = ("arithmetic",),
        weight_choice: WeightNoise | pd.DataFrame | None = None,
        treatments: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame] | None] | None = None,
        leave_out: float = 0.0,
        error: pd.Series | Mapping | pd.DataFrame | None = None,
        within_range: bool = False,
        minimum_share: float = MINIMUM_SHARE,
        references: pd.DataFrame | None = None,
        seed: int = 0,
    ) -> None:
        tables = {"values": values} if isinstance(values, pd.DataFrame) else dict(values)
        if not (tables and normalisations and aggregations) or (treatments is not None and not treatments):
            raise InputError("every choice needs at least one alternative", "an empty one was given")
        if not 0 <= leave_out <= 1 or not 0 < minimum_share <= 1:
            raise InputError(
                "leave_out must lie between 0 and 1, minimum_share above 0 and at most 1",
                f"{leave_out!r} and {minimum_share!r} were given",
            )
        self._tables = {name: check_values(table, str(name)) for name, table in tables.items()}
        first = next(iter(self._tables.values()))
        self.units, self.indicators = first.index, first.columns
        for name, table in self._tables.items():
            self._same_labels(table, self.units, f"table {name!r}")
        self.references = self.units[:0]
        if references is not None:
            self._add_references(references)
        self._rows = self.units.append(self.references)
        if not self._rows.is_unique:
            repeated = self._rows[self._rows.duplicated()]
            raise InputError("every unit, and every reference, must have one row", examples(repeated))
        self._signs = np.where(check_directions(directions, self.indicators) == "positive", 1.0, -1.0)
        self._normalisations = [
            item if isinstance(item, Normalisation) else Normalisation(item) for item in normalisations
        ]
        self._levels = build_levels(groups, self.indicators)
        self._aggregations = [rules_of_levels(item, len(self._levels)) for item in aggregations]
        self._treatments = dict(treatments or {"": None})
        self._leave_out, self._minimum_share, self._seed = float(leave_out), minimum_share, int(seed)
        self._weights = [self._nominal_weights(names, weights) for names, _, _ in self._levels]
        self._weight_choice = weight_choice
        if isinstance(weight_choice, pd.DataFrame):
            self._sets = [self._given_weights(names, weight_choice) for names, _, _ in self._levels]
        self._error, self._within_range = self._standard_errors(error), within_range
        self._goalposts = [self._frozen(item) for item in self._normalisations]
        alternatives = {
            "table": len(self._tables),
            "treatment": len(self._treatments),
            "normalisation": len(self._normalisations),
            "aggregation": len(self._aggregations),
            "weights": 0 if weight_choice is None else _SEEDS,
            "left_out": 1 + len(self.indicators) * (leave_out > 0),
            "error": 0 if self._error is None else _SEEDS,
        }
        if isinstance(weight_choice, pd.DataFrame):
            alternatives["weights"] = weight_choice.shape[1]
        self._alternatives = alternatives
        self.factors = [name for name, count in alternatives.items() if count > (name not in _RANDOM)]
        nominal, reasons = self.evaluate(self.nominal_choices())
        if reasons[0]:
            raise InputError("the nominal index must be defined for the units", reasons[0])
        number = len(self.units)
        self.nominal = pd.Series(nominal[:number, 0], index=self.units, name="score")
        self.nominal_references = pd.Series(nominal[number:, 0], index=self.references, name="score")

    def nominal_choices(self) -> pd.DataFrame:
        """Return the choices of the nominal index: the first alternatives, nominal weights, no error."""
        return self.choose(np.zeros((1, 0)), ())

    def choose(self, points: np.ndarray, factors: Sequence[str] | None = None) -> pd.DataFrame:
        """Translate points of the unit cube into choices.

        Parameters
        ----------
        points : numpy.ndarray
            Shape (replications, factors), in [0, 1). Each alternative has an equal part of the interval.
        factors : sequence of str, optional
            What the columns of `points` are; all factors of the model by default. Others stay nominal.

        Returns
        -------
        pandas.DataFrame
            One row a replication; positions of the alternatives of ``table``, ``treatment``,
            ``normalisation``, ``aggregation``; numbers of ``weights`` and ``error`` (-1: nominal); position of
            the indicator ``left_out`` (-1: none).
        """
        names = list(self.factors if factors is None else factors)
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != len(names) or not ((points >= 0) & (points < 1)).all():
            raise InputError(f"points must be numbers in [0, 1) in {len(names)} columns", f"{points.shape}")
        choices = {name: np.full(len(points), -1 if name in _NUMBERED else 0) for name in _FACTORS}
        for name, point in zip(names, points.T, strict=True):
            if name not in self.factors:
                raise unknown_name("factor", name, self.factors)
            if name == "left_out":
                out = np.floor(point / self._leave_out * len(self.indicators)).astype(int)
                choices[name] = np.where(point < self._leave_out, out, -1)
            else:
                choices[name] = np.floor(point * self._alternatives[name]).astype(int)
        return pd.DataFrame(choices)

    def evaluate(self, choices: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Score the units under each set of choices.

        Parameters
        ----------
        choices : pandas.DataFrame
            As from :meth:`choose`.

        Returns
        -------
        tuple of numpy.ndarray
            Scores, shape (units and then references, replications), and the reason why a replication failed,
            shape (replications,): the empty text where it did not. All scores of a failed replication are
            missing.
        """
        scores = np.full((len(self._rows), len(choices)), np.nan)
        reasons = np.full(len(choices), "", dtype=object)
        rows = choices[list(_FACTORS)].to_numpy()
        treated: dict[tuple, np.ndarray] = {}
        key: tuple | None = None
        prepared: Any = None
        # those that share their normalised values follow each other: one table is kept at a time
        for position in np.lexsort(rows[:, [2, 1, 0]].T[::-1]):
            table, treatment, normalisation, aggregation, weights, left_out, error = rows[position]
            try:
                if error != NOMINAL or key != (table, treatment, normalisation):
                    key = None
                    data = self._treated(table, treatment, error, treated)
                    prepared = Prepared.normalise(
                        data,
                        self._signs,
                        self._normalisations[normalisation],
                        self._goalposts[normalisation],
                        len(self.units),
                        None if error == NOMINAL else self._treated(table, treatment, NOMINAL, treated),
                    )
                    key = (table, treatment, normalisation) if error == NOMINAL else None
                scores[:, position] = self._index(prepared, aggregation, weights, left_out)
            except Failure as failure:
                names = self.indicators[failure.columns] if len(failure.columns) else ()
                reasons[position] = str(failure) + (f": {examples(names)}" if len(names) else "")
        return scores, reasons

    def describe(self, choices: pd.DataFrame) -> pd.DataFrame:
        """Replace the positions in a table of choices by names."""
        rules = ["/".join(dict.fromkeys(item)) for item in self._aggregations]
        labels = {
            "table": list(self._tables),
            "treatment": list(self._treatments),
            "normalisation": [f"{item.method} {item.scale}" for item in self._normalisations],
            "aggregation": rules,
            "left_out": [*self.indicators, ""],
        }
        named = {name: [labels[name][position] for position in choices[name]] for name in labels}
        return choices.assign(**named)

    def _treated(self, table: int, treatment: int, error: int, kept: dict[tuple, np.ndarray]) -> np.ndarray:
        frame = list(self._tables.values())[table]
        name = list(self._treatments)[treatment]
        treat = self._treatments[name]
        if error == NOMINAL and (table, treatment) in kept:
            return kept[table, treatment]
        numbers = frame.to_numpy()
        if error != NOMINAL:
            generator = np.random.default_rng([self._seed, 1, error])
            drawn = numbers + generator.standard_normal(frame.shape) * self._error
            if self._within_range:
                drawn = drawn.clip(frame.min().to_numpy(), frame.max().to_numpy())
            numbers = drawn
        if treat is not None:
            given = frame if error == NOMINAL else pd.DataFrame(numbers, self._rows, self.indicators)
            changed = check_values(treat(given), f"treatment {name!r}")
            self._same_labels(changed, self._rows, f"treatment {name!r}")
            numbers = changed.to_numpy()
        if error == NOMINAL:
            kept[table, treatment] = numbers
        return numbers

    def _index(self, prepared: Prepared, aggregation: int, weights: int, left_out: int) -> np.ndarray:
        drawn = self._drawn_weights(weights)
        if left_out >= 0:
            drawn[0] = drawn[0].copy()
            drawn[0][left_out] = 0.0
        alive = np.ones(len(self.indicators), dtype=bool)
        for position, (_, parents, count) in enumerate(self._levels):
            # a domain that has lost all its indicators has no weight, and is not missing
            matrix, alive = level_matrix(np.where(alive, drawn[position], 0.0), parents, count)
            rule = self._aggregations[aggregation][position]
            values = aggregate(prepared, matrix, rule, self._minimum_share, top=position == 0)
            prepared = Prepared(values)
        return values[:, 0]

    def _drawn_weights(self, number: int) -> list[np.ndarray]:
        if number == NOMINAL:
            return list(self._weights)
        if isinstance(self._weight_choice, pd.DataFrame):
            return [level[:, number] for level in self._sets]
        noise: Any = self._weight_choice
        generator = np.random.default_rng([self._seed, 0, number])
        drawn: list[np.ndarray] = []
        for level, (weights, (_, parents, count)) in enumerate(zip(self._weights, self._levels, strict=True)):
            varies = noise.levels is None or level in noise.levels
            if noise.method == "uniform":
                factor = generator.uniform(1 - noise.amount, 1 + noise.amount, len(weights))
                drawn.append(weights * factor if varies else weights)
                continue
            total = np.bincount(parents, weights, minlength=count)[parents]
            children = np.bincount(parents, weights > 0, minlength=count)[parents]
            share = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
            # gamma variates in the proportions of a part are Dirichlet once they are rescaled to sum 1
            shares = generator.standard_gamma(noise.amount * children * share)
            drawn.append(shares if varies else weights)
        return drawn

    def _nominal_weights(self, names: pd.Index, weights: pd.Series | Mapping | None) -> np.ndarray:
        given = {} if weights is None else dict(weights)
        return check_level_weights(pd.Series([given.get(name, 1.0) for name in names], index=names))

    def _given_weights(self, names: pd.Index, sets: pd.DataFrame) -> np.ndarray:
        if not sets.index.is_unique or not sets.shape[1]:
            raise InputError("sets of weights need one row an indicator or domain, and a column", "not so")
        return check_level_weights(sets.reindex(names, fill_value=1.0))

    def _standard_errors(self, error: pd.Series | Mapping | pd.DataFrame | None) -> np.ndarray | None:
        if error is None:
            return None
        if isinstance(error, pd.DataFrame):
            given = error.reindex(index=self._rows, columns=self.indicators)
        else:
            row = pd.Series(dict(error), dtype=float).reindex(self.indicators)
            given = pd.DataFrame([row] * len(self.units), index=self.units).reindex(self._rows)
        spread = given.fillna(0.0).to_numpy(dtype=float, copy=True)
        spread[len(self.units) :] = 0.0
        if not np.isfinite(spread).all() or (spread < 0).any():
            raise InputError("standard errors must be numbers, zero or more", "some are not")
        return spread

    def _frozen(self, normalisation: Normalisation) -> np.ndarray | None:
        if normalisation.goalposts is None:
            return None
        frame = normalisation.goalposts.frame
        absent = self.indicators.difference(frame.index)
        if len(absent):
            raise InputError("every indicator needs goalposts", f"none for {examples(absent)}")
        frame = frame.loc[self.indicators]
        differ = self.indicators[np.where(frame["direction"] == "positive", 1.0, -1.0) != self._signs]
        if len(differ):
            raise InputError(
                "directions must be those of the goalposts", f"they differ for {examples(differ)}"
            )
        return frame[["minimum", "maximum"]].to_numpy(dtype=float).T

    def _add_references(self, references: pd.DataFrame) -> None:
        table = check_values(references, "references")
        absent = self.indicators.difference(table.columns)
        if len(absent):
            raise InputError("references need every indicator of the units", f"none for {examples(absent)}")
        table = table[self.indicators]
        self.references = table.index
        self._tables = {name: pd.concat([units, table]) for name, units in self._tables.items()}

    def _same_labels(self, table: pd.DataFrame, rows: pd.Index, name: str) -> None:
        if not (table.index.equals(rows) and table.columns.equals(self.indicators)):
            raise InputError(
                f"{name} must have the units and indicators of the first table, in order", "it has others"
            )
