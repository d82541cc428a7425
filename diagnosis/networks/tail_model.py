"""What is expected of the unlisted part of a commuting matrix: how much between which municipalities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from diagnosis.errors import InputError, examples

BANDS_KM = np.array(
    [3, 5, 7, 9, 11, 13, 16, 20, 25, 30, 36, 43, 52, 65, 80, 100, 130, 170, 230, 320, 450, 650, 900.0]
)
"""Upper limits of the distance bands; one more is open."""
MIDDLES_KM = np.r_[2, np.sqrt(BANDS_KM[:-1] * BANDS_KM[1:]), 1100]
RELATIONS = ("same_province", "other_province", "across_sea")
NUMBER_OF_BANDS = len(MIDDLES_KM)
USED = NUMBER_OF_BANDS * len(RELATIONS)

ITERATIONS = 60
DECAY_TOLERANCE = 1e-3
LARGEST_STEP = 5.0
FREE_KM = (80.0, 80.0, 30.0)
"""Up to here the decay of each relation is free; beyond, hardly any flow is listed and it follows a power law."""
ANCHOR_KM = (20.0, 150.0)
"""Bands whose listed flows give that power law."""
SETTLED_COMMUTERS = 500
"""Classes with fewer commuters do not count in the last change that is reported."""

SIDES = (("total_out", "n_destinations", "destinations"), ("total_in", "n_origins", "origins"))
"""Columns of the margins, and what is counted, for flows out and in."""

DISPERSIONS = (1e-3, 20.0)
"""Least and largest dispersion tried; 20 is next to a Poisson law."""
LOWEST_LOG, LOG_WIDTH, LOG_STEPS = -35.0, 0.01, 6000

PAIR_ITERATIONS, PAIR_TOLERANCE, NEWTON_STEPS = 60, 1e-3, 2
"""Balance of the numbers of pairs: an error of 0.1 % is far below what one draw of the pairs adds."""


@dataclass(frozen=True, eq=False)
class Tail:
    """What is known between different municipalities, by position.

    Attributes
    ----------
    origin, destination : numpy.ndarray of int, shape (m,)
        Listed pairs.
    commuters : numpy.ndarray of int, shape (m,)
        Their observed flows; a pair of 0 is known to have none.
    flows : numpy.ndarray of int, shape (2, n)
        Commuters out of and into each municipality that no listed pair holds.
    pairs : numpy.ndarray of int, shape (2, n)
        Unlisted destinations and origins of each municipality.
    caps : numpy.ndarray of int, shape (2, n)
        Smallest of the largest flows listed, out and in: no unlisted flow is above it.
    """

    origin: np.ndarray
    destination: np.ndarray
    commuters: np.ndarray
    flows: np.ndarray
    pairs: np.ndarray
    caps: np.ndarray


@dataclass(frozen=True, eq=False)
class Places:
    """Where the municipalities are: kilometres, and numbered provinces and landmasses, shape (n,) each."""

    x: np.ndarray
    y: np.ndarray
    province: np.ndarray
    landmass: np.ndarray


@dataclass(frozen=True, eq=False)
class TailModel:
    """A fitted tail: expected flows, and the odds that a pair exists.

    Attributes
    ----------
    tail : Tail
    classes : numpy.ndarray of uint8, shape (n, n)
        Class of each pair, see :func:`diagnosis.networks.tail_kernels.pair_classes`.
    decay : numpy.ndarray, shape (256,)
        Decay of each class, 0 where the flow is listed.
    factors : numpy.ndarray, shape (2, n)
        Balancing factors of origins and destinations.
    dispersion : float
        Of the negative binomial law around the expected flow.
    odds : numpy.ndarray of float32, shape (n, n)
        Odds that the pair exists; each row expects its number of pairs.
    report : dict
        Counts and errors of the fit.
    """

    tail: Tail
    classes: np.ndarray
    decay: np.ndarray
    factors: np.ndarray
    dispersion: float
    odds: np.ndarray
    report: dict

    def caps(self, origin: np.ndarray, destination: np.ndarray) -> np.ndarray:
        """Largest flow the pairs may have."""
        return np.minimum(self.tail.caps[0][origin], self.tail.caps[1][destination])

    def expected(self, origin: np.ndarray, destination: np.ndarray) -> np.ndarray:
        """Commuters expected between the pairs, below their caps."""
        flow = self.factors[0][origin] * self.factors[1][destination]
        flow *= self.decay[self.classes[origin, destination]]
        return np.minimum(flow, self.caps(origin, destination))


def find_tail(observed: pd.DataFrame, margins: pd.DataFrame, ranks: int) -> Tail:
    """Subtract the listed flows from the margins.

    Parameters
    ----------
    observed : pandas.DataFrame
        ``origin``, ``destination``, whole ``commuters``; one row a pair.
    margins : pandas.DataFrame
        Index code; whole ``total_out``, ``total_in``, ``n_destinations``, ``n_origins``.
    ranks : int
        Destinations of each origin, and origins of each destination, that are listed.

    Returns
    -------
    Tail

    Raises
    ------
    diagnosis.errors.InputError
        No tail fits: the margins are below the listed flows, their sums differ, or what is missing cannot be
        flows from 1 to the smallest listed one between unlisted pairs.
    """
    n, codes = len(margins), margins.index
    between = observed[observed["origin"] != observed["destination"]]
    ends = np.stack([codes.get_indexer(between[name]) for name in ("origin", "destination")])
    commuters = between["commuters"].to_numpy()
    positive = commuters > 0
    by_size = np.argsort(-commuters, kind="stable")
    flows, pairs, caps = np.zeros((3, 2, n), dtype=np.int64)
    for side, (total, number, words) in enumerate(SIDES):
        flows[side] = margins[total] - np.bincount(ends[side], commuters, n).astype(np.int64)
        pairs[side] = margins[number] - np.bincount(ends[side][positive], minlength=n)
        last = pd.Series(commuters[by_size]).groupby(ends[side][by_size]).nth(ranks - 1)
        caps[side][ends[side][by_size][last.index]] = last
        refuse(flows[side] < 0, codes, f"margins: {total!r} must be at least the observed commuters")
        refuse(pairs[side] < 0, codes, f"margins: {number!r} must be at least the observed {words}")
    for side, (total, _, words) in enumerate(SIDES):
        lacking = pairs[1 - side] > 0
        listed = np.bincount(ends[side], lacking[ends[1 - side]], n).astype(np.int64)
        for broken, must_hold in (
            (
                (pairs[side] > 0) & (caps[side] < 1),
                f"observed: where {words} are missing, the {ranks} largest flows must be there",
            ),
            (
                (flows[side] < pairs[side]) | (flows[side] > pairs[side] * caps[side]),
                f"margins: {total!r} must leave the missing {words} flows from 1 to the largest but {ranks - 1}",
            ),
            (
                pairs[side] > lacking.sum() - lacking - listed,
                f"margins: the missing {words} must be unlisted municipalities that lack connections too",
            ),
        ):
            refuse(broken, codes, must_hold)
    for left, names in ((flows, ("total_out", "total_in")), (pairs, ("n_destinations", "n_origins"))):
        if difference := int(left[0].sum() - left[1].sum()):
            raise InputError(
                f"margins: {names[0]!r} and {names[1]!r} must add up to the same",
                f"they differ by {abs(difference):,}",
                "Give the margins of all municipalities, of the same year",
            )
    return Tail(ends[0], ends[1], commuters, flows, pairs, caps)


def refuse(broken: np.ndarray, codes: pd.Index, must_hold: str) -> None:
    """Raise an error that names the municipalities for which `broken` is true, if there are any."""
    if broken.any():
        raise InputError(
            must_hold,
            f"not so in {int(broken.sum())}: {examples(codes[broken])}",
            "Use flows and margins of the same year, and say with `ranks` how many flows are listed",
        )


def fit_tail(tail: Tail, places: Places) -> TailModel:
    """Fit the gravity model of all flows and the law of the unlisted ones.

    All flows follow ``A_i B_j g(class)``, A and B reproducing the totals of both ends [1]_; g is found by
    expectation and maximisation, listed flows as observed, the unlisted commuters of each municipality spread by the
    current model below their caps. A pair exists with the chance that a negative binomial law around its expected
    flow is above 0; its dispersion gives the known number of pairs, balancing factors the known number of each
    municipality.

    Parameters
    ----------
    tail : Tail
        With at least one unlisted pair.
    places : Places

    Returns
    -------
    TailModel

    References
    ----------
    .. [1] Wilson, A. G. (1971). A family of spatial interaction models, and associated developments.
       Environment and Planning 3(1), 1-32. doi:10.1068/a030001
    """
    from diagnosis.networks import tail_kernels as kernels

    classes = kernels.pair_classes(places.x, places.y, places.province, places.landmass, BANDS_KM)
    listed_classes = classes[tail.origin, tail.destination]
    observed = np.bincount(listed_classes, tail.commuters, USED)[:USED]
    classes[tail.origin, tail.destination] |= kernels.LISTED
    decay, factors, report = _fit_gravity(tail, classes, observed)
    table, caps = _unlisted(decay), tail.caps.astype(float)
    histogram = kernels.tail_histogram(
        classes, table, factors[0], factors[1], caps[0], caps[1], LOWEST_LOG, LOG_WIDTH, LOG_STEPS
    )
    dispersion = _dispersion(histogram, tail)
    sizes = np.maximum(tail.flows / np.maximum(tail.pairs, 1), 1.0)
    odds = kernels.pair_odds(
        classes, table, factors[0], factors[1], caps[0], caps[1], sizes[0], sizes[1], dispersion
    )
    report["dispersion"] = dispersion
    report["pair_balance_error"] = _balance_pairs(odds, tail)
    return TailModel(tail, classes, table, factors, dispersion, odds, report)


def decay_slopes(decay: np.ndarray, flows: np.ndarray) -> dict[str, float]:
    """Slope of the logarithm of the decay on that of distance between 5 and 100 km, weighted by flow."""
    slopes = {}
    for relation, name in enumerate(RELATIONS[:2]):
        band = _bands(relation)
        weight = np.sqrt(flows[band]) * ((MIDDLES_KM > 5) & (MIDDLES_KM < 100)) * (decay[band] > 0)
        if (used := weight > 0).sum() > 3:
            slopes[f"slope_{name}"] = float(_power_law(MIDDLES_KM[used], decay[band][used], weight[used])[0])
    return slopes


def _fit_gravity(
    tail: Tail, classes: np.ndarray, observed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict]:
    """Decay of the classes, balancing factors of the tail's expected flows, and the report."""
    from diagnosis.networks import tail_kernels as kernels

    n = len(classes)
    caps, missing = tail.caps.astype(float), tail.flows.astype(float)
    listed = np.stack([np.bincount(end, tail.commuters, n) for end in (tail.origin, tail.destination)])
    totals = missing + listed
    decay = np.tile(MIDDLES_KM**-2.0, len(RELATIONS)) * np.repeat([1.0, 0.5, 0.5], NUMBER_OF_BANDS)
    rows, columns = np.ones(n), totals[1] / totals[1].mean()
    tail_rows, tail_columns = np.ones(n), np.ones(n)
    free = np.concatenate([limit >= MIDDLES_KM for limit in FREE_KM])
    iterations, change = 0, np.inf
    while iterations < ITERATIONS and change >= DECAY_TOLERANCE:
        iterations += 1
        table = _with_listed(decay)
        modelled = kernels.balance_origins(classes, table, columns, totals[0], rows)
        modelled = modelled[:USED] + modelled[kernels.LISTED : kernels.LISTED + USED]
        columns *= _ratio(totals[1], columns * kernels.weighted_sums(classes, table, rows))
        before = rows * tail_rows
        after = before.copy()
        arriving, unlisted = kernels.balance_tail(
            classes, _unlisted(decay), after, tail_columns * columns, caps[0], caps[1], missing[0]
        )
        tail_rows *= _ratio(after, before)
        tail_columns *= _ratio(missing[1], arriving)
        flows = observed + unlisted[:USED]
        step = np.divide(flows, modelled, out=np.ones(USED), where=modelled > 0)
        decay = decay * np.clip(step, 1 / LARGEST_STEP, LARGEST_STEP)
        decay = _extend_decay(decay, observed, flows, modelled)
        settled = free & (flows > SETTLED_COMMUTERS)
        change = float(np.abs(step[settled] - 1).max()) if settled.any() else np.inf
    report = {"gravity_iterations": iterations, "gravity_last_change": change, **decay_slopes(decay, flows)}
    return decay, np.stack([rows * tail_rows, columns * tail_columns]), report


def _extend_decay(
    decay: np.ndarray, observed: np.ndarray, flows: np.ndarray, modelled: np.ndarray
) -> np.ndarray:
    """Replace the decay of far bands, which hardly any listed flow determines, by a power law.

    On land it is that of the listed flows between 20 and 150 km. Across the sea it is the one of land times a
    factor, from the bands' own estimates.
    """
    decay = decay.copy()
    for relation in range(2):
        band = _bands(relation)
        nearest, farthest = ANCHOR_KM
        anchors = (nearest < MIDDLES_KM) & (farthest > MIDDLES_KM)
        weight = np.sqrt(observed[band]) * anchors * (decay[band] > 0)
        if (used := weight > 0).sum() < 4:
            continue
        law = _power_law(MIDDLES_KM[used], decay[band][used], weight[used])
        far = FREE_KM[relation] < MIDDLES_KM
        decay[band] = np.where(far, np.exp(np.polyval(law, np.log(MIDDLES_KM))), decay[band])
    far = np.flatnonzero(FREE_KM[2] < MIDDLES_KM)
    land, sea = NUMBER_OF_BANDS + far, 2 * NUMBER_OF_BANDS + far
    there = (modelled[sea] > 0) & (decay[sea] > 0)
    if observed[sea].sum() > 0 and there.any():
        # `modelled` is of the decay before this step: flows over modelled, clipped, is the step it has made
        made = np.clip(flows[sea][there] / modelled[sea][there], 1 / LARGEST_STEP, LARGEST_STEP)
        weight = modelled[sea][there] / decay[sea][there] * made
        decay[sea] = decay[land] * flows[sea][there].sum() / (weight * decay[land][there]).sum()
    return decay


def _dispersion(histogram: tuple[np.ndarray, np.ndarray], tail: Tail) -> float:
    """Dispersion at which the expected number of pairs is the known one, by bisection of its logarithm."""
    pairs, flows = histogram
    pairs, mean = pairs[pairs > 0], (flows / np.maximum(pairs, 1))[pairs > 0]
    low, high = np.log(DISPERSIONS)
    for _ in range(50):
        middle = (low + high) / 2
        k = np.exp(middle)
        if -(pairs * np.expm1(-k * np.log1p(mean / k))).sum() > tail.pairs[0].sum():
            high = middle
        else:
            low = middle
    return float(np.exp((low + high) / 2))


def _balance_pairs(odds: np.ndarray, tail: Tail) -> float:
    """Scale the odds, in place, to the known numbers of pairs; return the share of pairs still misplaced."""
    from diagnosis.networks import tail_kernels as kernels

    wanted = tail.pairs.astype(float)
    rows, columns = (wanted > 0).astype(float)
    error = np.inf
    for _ in range(PAIR_ITERATIONS):
        kernels.balance_pairs(odds, rows, columns, wanted[0], NEWTON_STEPS)
        totals, variances = kernels.column_moments(odds, rows, columns)
        error = np.abs(totals - wanted[1]).sum() / wanted[1].sum()
        if error < PAIR_TOLERANCE:
            break
        there = (totals > 0) & (wanted[1] > 0) & (variances > 0)
        step = np.log(wanted[1][there] / totals[there]) * totals[there] / variances[there]
        columns[there] = np.minimum(columns[there] * np.exp(np.clip(step, -2, 2)), kernels.LARGEST_FACTOR)
    odds *= rows[:, None].astype(np.float32)
    odds *= columns[None, :].astype(np.float32)
    np.minimum(odds, np.float32(kernels.LARGEST_ODDS), out=odds)
    return float(error)


def _bands(relation: int) -> slice:
    return slice(relation * NUMBER_OF_BANDS, (relation + 1) * NUMBER_OF_BANDS)


def _power_law(distance: np.ndarray, decay: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.polyfit(np.log(distance), np.log(decay), 1, w=weight)


def _ratio(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.divide(wanted, found, out=np.zeros(len(found)), where=found > 0)


def _unlisted(decay: np.ndarray) -> np.ndarray:
    """Decay by class as the kernels read it, 0 for listed pairs and the diagonal."""
    table = np.zeros(256)
    table[: len(decay)] = decay
    return table


def _with_listed(decay: np.ndarray) -> np.ndarray:
    """Decay by class as the kernels read it, the same for listed pairs."""
    table = _unlisted(decay)
    table[128 : 128 + len(decay)] = decay
    return table
