"""What one reservation buys at given prices, exactly: a convex problem of a demand, a worst loss and sorted segments.

Cells, budgets and wanted shares are all that ties reservations together. With a price on each, every reservation is a problem
of its own: it buys segments (servers that it keeps, servers that it gains) in the order of their cost per RRU, domain by
domain, where no domain may hold more than its *worst loss* z, which is bought as well. The worth π of one more RRU is found by
tangents, z for a given π likewise. Whatever π and z are tried, what `best_answers` returns bounds the cost from below: it sums
tangents of convex functions, never values that are not the minimum.

Everything here is compiled by numba, with the result kept in the cache; `solvers/oracle.py` lays out the arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

ENOUGH = 1e-7  # of a reservation's cost: tangents that are this close have met


@njit(cache=True)
def _sort(slope: Any, size: Any, owner: Any, first: int, end: int) -> None:
    """Sort a run of segments by slope: by insertion, and from 40 on by NumPy."""
    if end - first > 40:
        order = np.argsort(slope[first:end])
        slope[first:end] = slope[first:end][order]
        size[first:end] = size[first:end][order]
        owner[first:end] = owner[first:end][order]
        return
    for i in range(first + 1, end):
        s, y, o = slope[i], size[i], owner[i]
        k = i - 1
        while k >= first and slope[k] > s:
            slope[k + 1], size[k + 1], owner[k + 1] = slope[k], size[k], owner[k]
            k -= 1
        slope[k + 1], size[k + 1], owner[k + 1] = s, y, o


@njit(cache=True)
def _cut(slope: Any, size: Any, owner: Any, first: int, end: int, knots: Any) -> int:
    """Charge for spread: segments are cut at two loads and made dearer behind each; return the new end."""
    knot, behind = knots[0], 0
    load, extra = 0.0, 0.0
    k = first
    while k < end:
        while behind < 2 and load >= knot:
            extra += knots[2 + behind]
            behind += 1
            knot = knots[1] if behind == 1 else np.inf
        if load + size[k] > knot:
            for j in range(end, k, -1):
                slope[j], size[j], owner[j] = slope[j - 1], size[j - 1], owner[j - 1]
            end += 1
            size[k + 1] -= knot - load
            size[k] = knot - load
        slope[k] += extra
        load += size[k]
        if load + 1e-12 >= knot:
            load = max(load, knot)
        k += 1
    return end


@njit(cache=True)
def _segments(r: int, layout: Any, cost: Any, rebate: float, work: Any) -> None:
    """Write the segments of a reservation, sorted within each group, with running loads and costs."""
    groups, subs, places, keep, gain, value, knots, _ = layout
    slope, size, owner, loads, costs, starts = work
    end = 0
    for g in range(groups[r], groups[r + 1]):
        first = end
        starts[g - groups[r]] = first
        for s in range(subs[g], subs[g + 1]):
            begin = end
            for i in range(places[s], places[s + 1]):
                if keep[i] > 0:
                    slope[end], size[end], owner[end] = (cost[i] - rebate) / value[i], keep[i] * value[i], i
                    end += 1
                if gain[i] > 0:
                    slope[end], size[end], owner[end] = cost[i] / value[i], gain[i] * value[i], i
                    end += 1
            _sort(slope, size, owner, begin, end)
            end = _cut(slope, size, owner, begin, end, knots[s])
        if subs[g + 1] - subs[g] > 1:
            _sort(slope, size, owner, first, end)
        load, paid = 0.0, 0.0
        for k in range(first, end):
            loads[k], costs[k] = load, paid
            load += size[k]
            paid += size[k] * slope[k]
    starts[groups[r + 1] - groups[r]] = end


@njit(cache=True)
def _group(worth: float, most: float, first: int, end: int, work: Any) -> Any:
    """Return the load, its cost, and the slope at which `most` cuts it off (infinite: it does not)."""
    slope, size, _, loads, costs, _ = work
    k = first
    while k < end and slope[k] < worth:
        if loads[k] + size[k] > most:
            return most, costs[k] + (most - loads[k]) * slope[k], slope[k]
        k += 1
    if k == first:
        return 0.0, 0.0, np.inf
    return loads[k - 1] + size[k - 1], costs[k - 1] + size[k - 1] * slope[k - 1], np.inf


@njit(cache=True)
def _at(worth: float, z: float, count: int, capped: Any, work: Any) -> Any:
    """Return cost - worth x load of all groups, its derivative by z, and the load."""
    starts = work[5]
    value, derivative, total = 0.0, 0.0, 0.0
    for g in range(count):
        most = z if capped[g] else np.inf
        load, cost, cut = _group(worth, most, starts[g], starts[g + 1], work)
        value += cost - worth * load
        total += load
        if cut < np.inf:
            derivative -= worth - cut
    return value, derivative, total


@njit(cache=True)
def _meet(low: Any, high: Any) -> Any:
    """Return where the tangents (place, value, slope) of a convex function meet, and their value there."""
    if high[2] - low[2] <= 0.0:
        return low[0], min(low[1], high[1])
    x = (high[1] - low[1] + low[2] * low[0] - high[2] * high[0]) / (low[2] - high[2])
    x = min(max(x, low[0]), high[0])
    return x, low[1] + low[2] * (x - low[0])


@njit(cache=True)
def _worst_loss(
    worth: float, buffer: float, guess: float, largest: float, count: int, capped: Any, work: Any
) -> Any:
    """Minimise over z: return a lower bound of the minimum, the best z found and the load there."""
    value, derivative, load = _at(worth, 0.0, count, capped, work)
    price = buffer + worth
    low = (0.0, value, price + derivative)
    if low[2] >= 0.0 or largest <= 0.0:
        return value, 0.0, load
    best, best_z, best_load = value, 0.0, load
    value, derivative, load = _at(worth, largest, count, capped, work)
    high = (largest, value + price * largest, price + derivative)
    z, width = min(max(guess, 0.0), largest), 2.0 * largest
    bound = -np.inf
    for turn in range(60):
        if not low[0] < z < high[0]:
            z = 0.5 * (low[0] + high[0])
        value, derivative, load = _at(worth, z, count, capped, work)
        value += z * price
        if value < best:
            best, best_z, best_load = value, z, load
        if price + derivative < 0.0:
            low = (z, value, price + derivative)
        else:
            high = (z, value, price + derivative)
        meet, bound = _meet(low, high)
        if best - bound <= ENOUGH * (abs(best) + 1e-9):
            break
        if turn < 3 and (low[0] == 0.0 or high[0] == largest):
            z = z * (1.0 + 0.03 * 4.0**turn if low[0] == z else 1.0 - 0.03 * 4.0**turn)
        elif turn % 3 == 2 and high[0] - low[0] > 0.5 * width:
            z = 0.5 * (low[0] + high[0])
        else:
            z = meet
        if turn % 3 == 2:
            width = high[0] - low[0]
    return min(bound, best), best_z, best_load


@njit(cache=True)
def _answer(demand: float, prices: Any, last: Any, count: int, capped: Any, work: Any) -> Any:
    """Maximise over the worth of an RRU: return the bound and the two sides (worth, z, lack) between which it lies."""
    buffer, shortage = prices
    largest = 0.0
    starts, loads, size = work[5], work[3], work[1]
    for g in range(count):
        if capped[g] and starts[g + 1] > starts[g]:
            largest = max(largest, loads[starts[g + 1] - 1] + size[starts[g + 1] - 1])
    # Tangents of -L, so that both searches are of a convex function; the slope of -L is minus what is lacking.
    low, high = (0.0, 0.0, -np.inf), (shortage, 0.0, np.inf)
    short, ample = (-1.0, 0.0, 1.0), (-1.0, 0.0, 0.0)
    bound, worth, z = -np.inf, min(max(last[0], 0.0), shortage), last[1]
    for turn in range(60):
        value, z, load = _worst_loss(worth, buffer, z, largest, count, capped, work)
        value += worth * demand
        lack = demand + z - load
        bound = max(bound, value)
        if lack > 0.0:
            low, short = (worth, -value, -lack), (worth, z, lack)
        else:
            high, ample = (worth, -value, -lack), (worth, z, lack)
        if worth == (shortage if lack > 0.0 else 0.0) or lack == 0.0:
            break
        known = low[2] > -np.inf and high[2] < np.inf
        meet, least = _meet(low, high) if known else (0.0, -np.inf)
        if (known and bound + least >= -ENOUGH * (abs(bound) + 1e-9)) or high[0] - low[0] <= 1e-9 * shortage:
            break
        if not known:
            step = (0.01 * worth + 1e-4) * 4.0**turn
            worth = min(worth + step, shortage) if lack > 0.0 else max(worth - step, 0.0)
        elif turn % 3 == 2 or not low[0] < meet < high[0]:
            worth = 0.5 * (low[0] + high[0])
        else:
            worth = meet
    return bound, short, ample


@njit(cache=True)
def _take(r: int, sides: Any, layout: Any, work: Any, counts: Any) -> None:
    """Write the counts of the mix of both sides that leaves exactly the demand."""
    groups, subs, places, _, _, value, _, capped = layout
    _, size, owner, loads, _, starts = work
    short, ample = sides
    part = 1.0 if short[0] < 0.0 else (0.0 if ample[0] < 0.0 else short[2] / (short[2] - ample[2]))
    for i in range(places[subs[groups[r]]], places[subs[groups[r + 1]]]):
        counts[i] = 0.0
    for g in range(groups[r + 1] - groups[r]):
        load = 0.0
        for weight, side in ((1.0 - part, short), (part, ample)):
            if weight > 0.0:
                most = side[1] if capped[groups[r] + g] else np.inf
                load += weight * _group(side[0], most, starts[g], starts[g + 1], work)[0]
        for k in range(starts[g], starts[g + 1]):
            here = min(size[k], load - loads[k])
            if here <= 0.0:
                break
            counts[owner[k]] += here / value[owner[k]]


@njit(cache=True, parallel=True)
def best_answers(
    layout: Any, cost: Any, demand: Any, prices: Any, memory: Any, counts: Any, values: Any
) -> None:
    """Answer for all reservations at once: `values` `[R]` are lower bounds, `counts` `[P]` in the order of the layout.

    `memory` `[R, 2]` keeps (worth, z) from one call to the next: prices move little. `prices` are of moves, buffer, shortage.
    """
    groups, subs, places = layout[0], layout[1], layout[2]
    for r in prange(len(demand)):
        first, end = groups[r], groups[r + 1]
        room = 2 * (places[subs[end]] - places[subs[first]]) + 2 * (subs[end] - subs[first]) + 1
        work = (
            np.empty(room), np.empty(room), np.empty(room, np.int64), np.empty(room), np.empty(room),
            np.empty(end - first + 1, np.int64),
        )  # fmt: skip
        _segments(r, layout, cost, prices[0], work)
        capped = layout[7][first:end]
        bound, short, ample = _answer(
            demand[r], (prices[1], prices[2]), (memory[r, 0], memory[r, 1]), end - first, capped, work
        )
        values[r] = bound
        _take(r, (short, ample), layout, work, counts)
        side = ample if ample[0] >= 0.0 else short
        memory[r, 0], memory[r, 1] = side[0], side[1]
