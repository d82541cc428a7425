"""Uncertainty of an index: how scores and ranks vary over the choices of its makers and the error of the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.composite.ranking import rank_units
from diagnosis.composite.replication import NOMINAL, CompositeModel
from diagnosis.composite.sensitivity import sobol_indices
from diagnosis.errors import InputError, unknown_name

SCORE_SCALES = ("own", "nominal", "reference")
_BLOCK = 2_000_000  # cells of which quantiles are taken at once


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Replications of an index, and what they say of each unit.

    Intervals and probabilities are over the replications that did not fail; :attr:`failed` says how many did. A
    unit without a score in some of them is described by the others, and ``replications`` counts those.
    Probabilities state how the result depends on the choices that were let vary, not how likely the choices are.

    Parameters
    ----------
    nominal : pandas.Series
        Score by unit under the nominal choices.
    scores : numpy.ndarray
        Shape (units, replications); missing values are NaN.
    ranks : numpy.ndarray
        Shape (units, replications), int32; 1 the highest score, 0 where there is none.
    choices : pandas.DataFrame
        One row a replication, by name, with ``failure``: why it failed, or the empty text.
    scale : str
        ``own``, ``nominal`` or ``reference``, see :func:`simulate`.
    references : pandas.Series
        Nominal score of the rows the units are compared with; they have no rank.
    reference_scores : numpy.ndarray
        Shape (references, replications).
    """

    nominal: pd.Series
    scores: np.ndarray
    ranks: np.ndarray
    choices: pd.DataFrame
    scale: str
    references: pd.Series
    reference_scores: np.ndarray

    @property
    def units(self) -> pd.Index:
        """Units, in the order of the input."""
        return self.nominal.index

    @property
    def failed(self) -> int:
        """Number of failed replications."""
        return int((self.choices["failure"] != "").sum())

    def failures(self) -> pd.DataFrame:
        """Count the failed replications by reason and the choices that bring it about.

        Returns
        -------
        pandas.DataFrame
            Columns ``failure``, ``normalisation``, ``aggregation``, ``replications``; most frequent first.
        """
        by = ["failure", "normalisation", "aggregation"]
        wrong = self.choices[self.choices["failure"] != ""]
        counts = wrong.groupby(by).size().rename("replications").reset_index()
        return counts.sort_values("replications", ascending=False, kind="stable", ignore_index=True)

    def score_intervals(self, level: float = 0.9) -> pd.DataFrame:
        """Interval of each unit's score.

        Parameters
        ----------
        level : float, default 0.9
            Share of the replications within the interval (equal tails).

        Returns
        -------
        pandas.DataFrame
            By unit: ``nominal``, ``mean``, ``median``, ``lower``, ``upper``, ``replications``.
        """
        return self._intervals(self.scores, self.nominal, level)

    def rank_intervals(self, level: float = 0.9) -> pd.DataFrame:
        """Interval of each unit's rank; columns as :meth:`score_intervals`."""
        return self._intervals(self.ranks, rank_units(self.nominal).astype("Float64").astype(float), level)

    def probability_of_top(self, count: int) -> pd.Series:
        """Share of the replications in which a unit is among the first `count`; ties count for all of them."""
        if count < 1:
            raise InputError("count must be at least 1", f"{count!r} was given")
        return self._share((self.ranks > 0) & (self.ranks <= count), f"top_{count}")

    def class_change(self, classes: int = 5) -> pd.DataFrame:
        """Probability that a unit leaves its class when the units are cut into classes of equal size by rank.

        Parameters
        ----------
        classes : int, default 5
            Number of classes; 1 holds the best.

        Returns
        -------
        pandas.DataFrame
            By unit: ``nominal`` (its class; ``Int64``), ``change``, ``better`` and ``worse`` (shares of
            the replications).
        """
        if classes < 2:
            raise InputError("there must be at least two classes", f"{classes!r} was given")
        nominal = rank_units(self.nominal).fillna(0).to_numpy(dtype=np.int32)
        base = _classes(nominal[:, None], classes)
        drawn = _classes(self.ranks, classes)
        known = (drawn > 0) & (base > 0)
        better, worse = (
            self._share(moved & known, "").where(base[:, 0] > 0) for moved in (drawn < base, drawn > base)
        )
        return pd.DataFrame(
            {
                "nominal": pd.Series(base[:, 0], index=self.units, dtype="Int64").where(base[:, 0] > 0),
                "change": better + worse,
                "better": better,
                "worse": worse,
            }
        )

    def win_probabilities(self, against: Iterable) -> pd.DataFrame:
        """Probability that each unit scores higher than each of the chosen ones.

        Parameters
        ----------
        against : iterable
            Labels of units or references.

        Returns
        -------
        pandas.DataFrame
            Rows all units, columns the chosen ones; a tie counts one half, so a unit has 0.5 against itself.
            Over the replications in which both have a score; missing where there are none.
        """
        wins = {}
        for row in against:
            if row in self.units:
                other = self.scores[self.units.get_loc(row)]
            elif row in self.references.index:
                other = self.reference_scores[self.references.index.get_loc(row)]
            else:
                known = self.units.append(self.references.index)
                raise unknown_name("unit", row, [str(name) for name in known])
            count = (np.isfinite(self.scores) & np.isfinite(other)).sum(axis=1)
            # rescaled scores of one replication that were equal may differ in the last digit
            tied = np.isclose(self.scores, other, rtol=1e-12, atol=0.0)
            points = ((self.scores > other) & ~tied).sum(axis=1) + tied.sum(axis=1) / 2
            wins[row] = np.divide(points, count, out=np.full(len(points), np.nan), where=count > 0)
        return pd.DataFrame(wins, index=self.units)

    def _share(self, event: np.ndarray, name: str) -> pd.Series:
        count = (self.ranks > 0).sum(axis=1)
        share = np.divide(event.sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0)
        return pd.Series(share, index=self.units, name=name)

    def _intervals(self, drawn: np.ndarray, nominal: pd.Series, level: float) -> pd.DataFrame:
        if not 0 < level < 1:
            raise InputError("level must lie between 0 and 1", f"{level!r} was given")
        tails = [(1 - level) / 2, 0.5, (1 + level) / 2]
        # a failed replication has no scores at all: its column is left out at once
        kept = np.flatnonzero((self.ranks > 0).any(axis=0))
        result = np.full((len(self.units), 4), np.nan)
        count = (self.ranks > 0).sum(axis=1)
        step = max(1, _BLOCK // max(1, len(kept)))
        for start in range(0, len(self.units) if len(kept) else 0, step):
            rows = slice(start, start + step)
            some = count[rows] > 0
            block = drawn[rows][some][:, kept].astype(float)
            known = self.ranks[rows][some][:, kept] > 0
            if known.all():
                quantiles = np.quantile(block, tails, axis=1).T
                mean = block.mean(axis=1)
            else:
                block[~known] = np.nan
                quantiles, mean = np.nanquantile(block, tails, axis=1).T, np.nanmean(block, axis=1)
            result[start + np.flatnonzero(some)] = np.column_stack([mean, quantiles])
        table = pd.DataFrame(result, index=self.units, columns=["mean", "lower", "median", "upper"])
        table.insert(0, "nominal", nominal)
        table = table[["nominal", "mean", "median", "lower", "upper"]]
        return table.assign(replications=count)


def simulate(
    model: CompositeModel, replications: int = 1000, *, scale: str | None = None, seed: int = 0
) -> Uncertainty:
    """Replicate an index over random choices and random errors of its data.

    Choices are drawn by Latin hypercube sampling, so that each alternative is used almost equally often.

    Parameters
    ----------
    model : CompositeModel
        With at least one factor that varies.
    replications : int, default 1000
        Scores and ranks take 12 bytes a unit and replication.
    scale : {'own', 'nominal', 'reference'}, optional
        ``own`` leaves the scores as they are calculated; ``nominal`` moves and stretches those of each
        replication to the mean and standard deviation of the nominal scores, without which the scores of different
        normalisations and aggregations cannot be put in one interval; ``reference`` stretches them in the same
        way, but moves them so that the first reference keeps its nominal score: an interval that lies above it
        then means a unit that is above it in those replications. Ranks are the same. Where normalisation,
        aggregation or treatment varies, the default is ``reference`` if the model has one, otherwise
        ``nominal``.
    seed : int, default 0
        Of the choices.

    Returns
    -------
    Uncertainty

    Raises
    ------
    diagnosis.errors.InputError
        Nothing varies, or all replications failed.
    """
    from scipy.stats import qmc

    if replications < 1:
        raise InputError("there must be at least one replication", f"{replications!r} was given")
    if not model.factors:
        raise InputError(
            "something must vary between replications",
            "the model has one alternative for every choice and no error",
            "Give alternatives, noise of the weights, leave_out or error",
        )
    points = qmc.LatinHypercube(len(model.factors), seed=seed).random(replications)
    choices = model.choose(np.minimum(points, np.nextafter(1.0, 0.0)))
    if scale is None:
        common = "reference" if len(model.references) else "nominal"
        scale = common if {"normalisation", "aggregation", "treatment"} & set(model.factors) else "own"
    return replay(model, choices, scale=scale)


def replay(model: CompositeModel, choices: pd.DataFrame, *, scale: str = "own") -> Uncertainty:
    """Replicate an index under given choices.

    Parameters
    ----------
    model : CompositeModel
        The index.
    choices : pandas.DataFrame
        As from :meth:`CompositeModel.choose`: one row a replication.
    scale : {'own', 'nominal', 'reference'}
        As in :func:`simulate`.

    Returns
    -------
    Uncertainty
    """
    if scale not in SCORE_SCALES:
        raise unknown_name("scale", scale, SCORE_SCALES)
    if scale == "reference" and not len(model.references):
        raise InputError(
            "the scale 'reference' needs a reference", "the model has none", "Give references to the model"
        )
    rows, reasons = model.evaluate(choices)
    number = len(model.units)
    if scale == "reference":
        lost = np.isnan(rows[number]) & (reasons == "")
        reasons[lost] = "the reference has no score"
        rows[:, lost] = np.nan
    if (reasons != "").all():
        raise InputError("at least one replication must be defined", f"all failed: {reasons[0]}")
    ranks = rank_columns(rows[:number])
    if scale != "own":
        anchor = number if scale == "reference" else None
        # error spreads the units further apart: the spread to bring back is that of the choices without it
        plain = rows
        if "error" in model.factors:
            plain = model.evaluate(choices.assign(error=NOMINAL))[0]
        _rescale(rows, plain, model.nominal.to_numpy(), model.nominal_references.to_numpy(), anchor)
    named = model.describe(choices).assign(failure=reasons)
    return Uncertainty(
        model.nominal, rows[:number], ranks, named, scale, model.nominal_references, rows[number:]
    )


def rank_columns(scores: np.ndarray) -> np.ndarray:
    """Rank each column: 1 the highest, ties the best of their places, 0 where missing.

    Parameters
    ----------
    scores : numpy.ndarray
        Shape (units, replications).

    Returns
    -------
    numpy.ndarray
        The same shape, int32.
    """
    ranks = np.zeros(scores.shape, dtype=np.int32)
    places = np.arange(1, len(scores) + 1, dtype=np.int32)
    for column in range(scores.shape[1]):
        values = -scores[:, column]
        # scores that differ in the last digits only were equal before they were rounded: they share a rank
        scale = np.nanmax(np.abs(values), initial=1e-300) if np.isfinite(values).any() else 1.0
        values = np.round(values / scale, 12)
        order = np.argsort(values)  # missing ones last
        ordered = values[order]
        starts = np.ones(len(values), dtype=bool)
        starts[1:] = ordered[1:] != ordered[:-1]
        ranks[order, column] = np.maximum.accumulate(np.where(starts, places, 0))
    ranks[np.isnan(scores)] = 0
    return ranks


def explain_ranks(
    model: CompositeModel, units: Sequence = (), *, size: int = 256, level: float = 0.9, seed: int = 0
) -> pd.DataFrame:
    """Say which choice moves the ranks most: Sobol indices of the mean rank shift, and of chosen units' ranks.

    Parameters
    ----------
    model : CompositeModel
        With at least one factor that varies.
    units : sequence, optional
        Units whose rank is an output of its own.
    size, level, seed
        As in :func:`~diagnosis.composite.sensitivity.sobol_indices`.

    Returns
    -------
    pandas.DataFrame
        As from :func:`~diagnosis.composite.sensitivity.sobol_indices`; the output ``mean_absolute_shift`` is the
        mean over units of the distance from the nominal rank, the others are named by the unit.
    """
    for unit in units:
        if unit not in model.units:
            raise unknown_name("unit", unit, [str(name) for name in model.units])
    nominal = rank_columns(model.nominal.to_numpy()[:, None])

    def outputs(points: np.ndarray) -> pd.DataFrame:
        ranks = np.empty((len(points), len(units)))
        shift = np.empty(len(points))
        for start in range(0, len(points), 1024):
            rows = slice(start, start + 1024)
            drawn = rank_columns(model.evaluate(model.choose(points[rows]))[0][: len(model.units)])
            known = (drawn > 0) & (nominal > 0)
            distance = np.where(known, np.abs(drawn - nominal), 0).sum(axis=0)
            count = known.sum(axis=0)
            shift[rows] = np.divide(distance, count, out=np.full(len(count), np.nan), where=count > 0)
            for column, unit in enumerate(units):
                rank = drawn[model.units.get_loc(unit)].astype(float)
                ranks[rows, column] = np.where(rank > 0, rank, np.nan)
        return pd.DataFrame(ranks, columns=list(units)).assign(mean_absolute_shift=shift)

    return sobol_indices(outputs, model.factors, size=size, level=level, seed=seed)


def _classes(ranks: np.ndarray, classes: int) -> np.ndarray:
    scored = np.maximum((ranks > 0).sum(axis=0, keepdims=True), 1)
    return ((ranks.astype(np.int64) * classes + scored - 1) // scored).astype(np.int32)


def _rescale(
    rows: np.ndarray, plain: np.ndarray, nominal: np.ndarray, references: np.ndarray, anchor: int | None
) -> None:
    """Stretch each replication to the nominal spread of the units; centre it on their mean, or on one row."""
    for column in range(rows.shape[1]):
        units = plain[: len(nominal), column]
        both = np.isfinite(units) & np.isfinite(nominal)
        if not both.any():
            continue
        values, base = units[both], nominal[both]
        spread = values.std()
        slope = base.std() / spread if spread > 0 else 0.0
        centre, target = (
            (values.mean(), base.mean()) if anchor is None else (rows[anchor, column], references[0])
        )
        rows[:, column] = (rows[:, column] - centre) * slope + target
