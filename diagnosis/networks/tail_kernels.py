"""Compiled loops over the pairs of municipalities, for the tail of a commuting matrix.

Importing this module imports numba: import it inside the function that needs it. The loops run in one thread and let
go of the interpreter lock. Matrices are dense, shape (n, n), rows origins; classes are the `uint8` of
:func:`pair_classes`, with :data:`LISTED` added where the flow is observed.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LISTED = 128
DIAGONAL = 255
CLASSES = 256

LEAST_ODDS, LARGEST_ODDS = 1e-20, 1e20
LARGEST_FACTOR = 1e9
"""Odds times the factors of both ends stay within single precision."""

_REORDERED = {"reassoc", "contract", "nsz"}  # sums in vector registers; infinity keeps its meaning


@njit(cache=True, nogil=True)
def pair_classes(x, y, province, landmass, limits):
    """Distance band of each pair, plus the number of bands times its relation (0 province, 1 land, 2 sea)."""
    n, bands = x.size, limits.size + 1
    squared = limits * limits
    classes = np.empty((n, n), np.uint8)
    for i in range(n):
        classes[i, i] = DIAGONAL
        for j in range(i):
            band = np.searchsorted(squared, (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2)
            relation = 0 if province[i] == province[j] else (1 if landmass[i] == landmass[j] else 2)
            classes[i, j] = classes[j, i] = band + bands * relation
    return classes


@njit(cache=True, nogil=True, error_model="numpy")
def balance_origins(classes, decay, columns, targets, rows):
    """Set `rows` so that the gravity model sends `targets`; return the flow of each class."""
    n = rows.size
    flows = np.zeros(CLASSES)
    weight = np.empty((4, CLASSES))  # four, so that equal neighbouring classes do not wait for each other
    for i in range(n):
        weight[:] = 0.0
        for j in range(n):
            weight[j & 3, classes[i, j]] += columns[j]
        total = 0.0
        for k in range(CLASSES):
            weight[0, k] = decay[k] * (weight[0, k] + weight[1, k] + weight[2, k] + weight[3, k])
            total += weight[0, k]
        rows[i] = targets[i] / total if total > 0 else 0.0
        for k in range(CLASSES):
            flows[k] += rows[i] * weight[0, k]
    return flows


@njit(cache=True, nogil=True, fastmath=_REORDERED)
def weighted_sums(classes, decay, weights):
    """Sum of decay times weight along each row; also along each column, as decay is symmetric."""
    n = weights.size
    sums = np.empty(n)
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += decay[classes[i, j]] * weights[j]
        sums[i] = total
    return sums


@njit(cache=True, nogil=True, fastmath=_REORDERED, error_model="numpy")
def balance_tail(classes, decay, rows, columns, row_caps, column_caps, targets):
    """Scale `rows` towards `targets` under the caps; return the flow into each place and of each class."""
    n = rows.size
    arriving, flows, row = np.zeros(n), np.zeros(CLASSES), np.empty(n)
    for i in range(n):
        if targets[i] <= 0:
            rows[i] = 0.0
            continue
        factor, cap, total = rows[i], row_caps[i], 0.0
        for j in range(n):
            row[j] = columns[j] * decay[classes[i, j]]
            total += min(factor * row[j], cap, column_caps[j])
        if total > 0:
            factor *= targets[i] / total
        rows[i] = factor
        for j in range(n):
            row[j] = min(factor * row[j], cap, column_caps[j])
            arriving[j] += row[j]
        for j in range(n):
            flows[classes[i, j]] += row[j]
    return arriving, flows


@njit(cache=True, nogil=True)
def tail_histogram(classes, decay, rows, columns, row_caps, column_caps, lowest, width, size):
    """Count pairs and their expected flow by steps of the logarithm of the expected flow."""
    n = rows.size
    pairs, flows = np.zeros(size), np.zeros(size)
    for i in range(n):
        if rows[i] <= 0:
            continue
        for j in range(n):
            flow = min(rows[i] * columns[j] * decay[classes[i, j]], row_caps[i], column_caps[j])
            if flow > 0:
                step = min(max(int((np.log(flow) - lowest) / width), 0), size - 1)
                pairs[step] += 1
                flows[step] += flow
    return pairs, flows


@njit(cache=True, nogil=True, error_model="numpy")
def pair_odds(classes, decay, rows, columns, row_caps, column_caps, row_sizes, column_sizes, dispersion):
    """Odds that a pair exists: negative binomial, lowered where the cap is below the mean size of its ends."""
    n = rows.size
    odds = np.zeros((n, n), np.float32)
    for i in range(n):
        if rows[i] <= 0:
            continue
        for j in range(n):
            cap = min(row_caps[i], column_caps[j])
            if cap < 1 or classes[i, j] >= LISTED:
                continue
            flow = min(rows[i] * columns[j] * decay[classes[i, j]], cap)
            room = min(1.0, cap / np.sqrt(row_sizes[i] * column_sizes[j]))
            chance = np.expm1(dispersion * np.log1p(flow / dispersion)) * room
            odds[i, j] = min(max(chance, LEAST_ODDS), LARGEST_ODDS)
    return odds


@njit(cache=True, nogil=True, fastmath=_REORDERED, error_model="numpy")
def balance_pairs(odds, rows, columns, targets, steps):
    """Newton steps on the logarithm of `rows`, so that each row expects its number of pairs."""
    n = rows.size
    for i in range(n):
        if targets[i] <= 0:
            rows[i] = 0.0
            continue
        for _ in range(steps):
            total, variance = 0.0, 0.0
            factor = rows[i]
            for j in range(n):
                chance = factor * columns[j] * odds[i, j]
                chance /= 1.0 + chance
                total += chance
                variance += chance * (1.0 - chance)
            if variance <= 0:
                break
            step = np.log(targets[i] / total) * total / variance
            rows[i] = min(factor * np.exp(min(max(step, -2.0), 2.0)), LARGEST_FACTOR)


@njit(cache=True, nogil=True, fastmath=_REORDERED, error_model="numpy")
def column_moments(odds, rows, columns):
    """Sum up the expected number of pairs of each column, and its variance."""
    n = rows.size
    totals, variances = np.zeros(n), np.zeros(n)
    for i in range(n):
        factor = rows[i]
        if factor <= 0:
            continue
        for j in range(n):
            chance = factor * columns[j] * odds[i, j]
            chance /= 1.0 + chance
            totals[j] += chance
            variances[j] += chance * (1.0 - chance)
    return totals, variances


@njit(cache=True, nogil=True, error_model="numpy")
def draw_pairs(odds, counts, generator):
    """Systematic sampling in random order: exactly `counts` pairs in each row, each with its own chance."""
    n = counts.size
    chosen = np.zeros((n, n), np.uint8)
    chance, order = np.empty(n), np.empty(n, np.int64)
    for i in range(n):
        wanted = counts[i]
        if wanted == 0:
            continue
        size, total = 0, 0.0
        for j in range(n):
            if odds[i, j] > 0:
                chance[j] = odds[i, j] / (1.0 + odds[i, j])
                total += chance[j]
                order[size] = j
                size += 1
        scale, start, passed, got = wanted / total, generator.random(), 0.0, 0
        for q in range(size):
            r = q + int(generator.random() * (size - q))
            j = order[r]
            order[r] = order[q]
            order[q] = j
            passed += chance[j] * scale
            if got < wanted and passed > start + got:
                chosen[i, j] = 1
                got += 1
        while got < min(wanted, size):  # rounding may leave one over: the likeliest of the others
            best = -1
            for q in range(size):
                j = order[q]
                if not chosen[i, j] and (best < 0 or odds[i, j] > odds[i, best]):
                    best = j
            chosen[i, best] = 1
            got += 1
    return chosen


@njit(cache=True, nogil=True)
def _pick(weights, size, level):
    """Position at which the running sum of the weights passes `level`."""
    passed, last = 0.0, -1
    for q in range(size):
        if weights[q] > 0:
            passed += weights[q]
            last = q
            if passed > level:
                break
    return last


@njit(cache=True, nogil=True, error_model="numpy")
def move_pairs(chosen, odds, excess, short, short_odds, generator):
    """Move pairs along their row from columns in excess to the `short` ones, by ratio of odds; return how many.

    `short_odds` holds the columns `short` of the odds as rows; `chosen` and `excess` are changed in place. A member
    list that is out of date only costs another draw: a column no longer in excess is refused and forgotten.
    """
    n = excess.size
    first = np.zeros(n + 1, np.int64)
    for i in range(n):
        first[i + 1] = first[i]
        for j in range(n):
            if chosen[i, j] and excess[j] > 0:
                first[i + 1] += 1
    members, inverse = np.empty(first[n], np.int64), np.empty(first[n])
    size, weight = np.zeros(n, np.int64), np.zeros(n)
    for i in range(n):
        for j in range(n):
            if chosen[i, j] and excess[j] > 0:
                members[first[i] + size[i]] = j
                inverse[first[i] + size[i]] = 1.0 / odds[i, j]
                weight[i] += 1.0 / odds[i, j]
                size[i] += 1
    moved = 0
    likely = np.empty(n)
    for q in range(short.size):
        column = short[q]
        for i in range(n):
            likely[i] = short_odds[q, i] * weight[i]
        while excess[column] < 0:
            i = _pick(likely, n, generator.random() * likely.sum())
            if i < 0:
                break
            if chosen[i, column]:
                likely[i] = 0.0
                continue
            start, last = first[i], first[i] + size[i] - 1
            r = start + _pick(inverse[start : last + 1], size[i], generator.random() * weight[i])
            donor = members[r]
            members[r] = members[last]
            inverse[r] = inverse[last]
            size[i] -= 1
            weight[i] = inverse[start:last].sum()
            if excess[donor] > 0:
                chosen[i, donor] = 0
                chosen[i, column] = 1
                excess[donor] -= 1
                excess[column] += 1
                moved += 1
                likely[i] = 0.0
            else:
                likely[i] = short_odds[q, i] * weight[i]
    return moved


@njit(cache=True, nogil=True, error_model="numpy")
def exchange_pairs(chosen, odds, starved, others, row_caps, column_caps, reached, wanted, tries, generator):
    """Exchange (i, j), (k, l) for (i, l), (k, j), which keeps all counts and gives the starved rows i more room.

    `starved` and `others` hold a pair a row; `reached` marks the columns on the source's side of the minimum cut.
    Return the room gained and the number of exchanges.
    """
    gained, done = 0.0, 0
    while gained < wanted and starved.shape[0] and others.shape[0]:
        best, best_p, best_q, best_gain = -np.inf, -1, -1, 0.0
        for _ in range(tries):
            p = int(generator.random() * starved.shape[0])
            q = int(generator.random() * others.shape[0])
            i, j, k, m = starved[p, 0], starved[p, 1], others[q, 0], others[q, 1]
            if not (chosen[i, j] and chosen[k, m]) or chosen[i, m] or chosen[k, j]:
                continue
            if odds[i, m] <= 0 or odds[k, j] <= 0:
                continue
            gain = min(row_caps[i], column_caps[m]) - 1.0
            if not reached[j]:
                gain -= min(row_caps[i], column_caps[j]) - 1.0
            if gain < 1:
                continue
            score = np.log(odds[i, m]) + np.log(odds[k, j]) - np.log(odds[i, j]) - np.log(odds[k, m])
            score += 2 * np.log(gain)
            if score > best:
                best, best_p, best_q, best_gain = score, p, q, gain
        if best_p < 0:
            break
        i, j, k, m = starved[best_p, 0], starved[best_p, 1], others[best_q, 0], others[best_q, 1]
        chosen[i, j] = chosen[k, m] = 0
        chosen[i, m] = chosen[k, j] = 1
        gained += best_gain
        done += 1
    return gained, done


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_size(ratio, cap):
    """Mean of a size from 1 to `cap` with probability proportional to the powers of `ratio`."""
    if cap <= 1 or ratio <= 0:
        return 1.0
    if abs(ratio - 1.0) < 1e-5:
        return 0.5 * (cap + 1.0)
    if ratio < 1:
        power = ratio**cap
        return 1.0 / (1.0 - ratio) - cap * power / (1.0 - power)
    inverse = 1.0 / ratio
    power = inverse**cap
    return cap + 1.0 - (1.0 / (1.0 - inverse) - cap * power / (1.0 - power))


@njit(cache=True, nogil=True, error_model="numpy")
def fit_sizes(ends, caps, ratios, factors, targets, iterations, tolerance):
    """Set the factors of both ends (shape (2, n)) so that the mean sizes less 1 add up to `targets`."""
    n = factors.shape[1]
    pairs = np.zeros((2, n))
    for side in range(2):
        for q in range(caps.size):
            pairs[side, ends[side, q]] += 1
    for _ in range(iterations):
        error = 0.0
        for side in range(2):
            sums = np.zeros(n)
            for q in range(caps.size):
                ratio = factors[0, ends[0, q]] * factors[1, ends[1, q]] * ratios[q]
                sums[ends[side, q]] += _mean_size(ratio, caps[q]) - 1.0
            for i in range(n):
                target = targets[side, i]
                error += abs(sums[i] - target)
                if target <= 0:
                    factors[side, i] = 0.0
                elif sums[i] > 0:  # step of the law without a cap, whose ratio is excess / (1 + excess)
                    step = target / (target + pairs[side, i]) / (sums[i] / (sums[i] + pairs[side, i]))
                    factors[side, i] = min(max(factors[side, i] * step, 1e-9), 1e6)
        if error <= tolerance:
            break


@njit(cache=True, nogil=True, error_model="numpy")
def draw_sizes(ends, caps, ratios, factors, generator):
    """Draw a size for each pair; return it with its mean."""
    sizes, means = np.ones(caps.size), np.ones(caps.size)
    for q in range(caps.size):
        ratio = factors[0, ends[0, q]] * factors[1, ends[1, q]] * ratios[q]
        cap, level = caps[q], generator.random()
        means[q] = _mean_size(ratio, cap)
        if cap <= 1 or ratio <= 0:
            continue
        if abs(ratio - 1.0) < 1e-5:
            size = np.floor(level * cap) + 1.0
        elif ratio < 1:
            size = np.floor(np.log(1.0 - level * (1.0 - ratio**cap)) / np.log(ratio)) + 1.0
        else:
            size = cap - np.floor(np.log(1.0 - level * (1.0 - ratio**-cap)) / -np.log(ratio))
        sizes[q] = min(max(size, 1.0), cap)
    return sizes, means


@njit(cache=True, nogil=True, error_model="numpy")
def rake_sizes(ends, sizes, limits, targets, iterations, tolerance):
    """Scale sizes by factors of both ends, up to their limits, until their sums reach `targets` (shape (2, n))."""
    n = targets.shape[1]
    factors = np.ones((2, n))
    raked = np.empty(sizes.size)
    for _ in range(iterations):
        error = 0.0
        for side in range(2):
            sums = np.zeros(n)
            for q in range(sizes.size):
                raked[q] = min(limits[q], factors[0, ends[0, q]] * factors[1, ends[1, q]] * sizes[q])
                sums[ends[side, q]] += raked[q]
            for i in range(n):
                target = targets[side, i]
                error += abs(sums[i] - target)
                if target <= 0:
                    factors[side, i] = 0.0
                elif sums[i] > 0:
                    factors[side, i] = min(max(factors[side, i] * target / sums[i], 1e-12), 1e12)
        if error <= tolerance:
            break
    return raked
