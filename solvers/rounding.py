"""From a fractional guide to whole servers: floor, repair, steepest top-up, ejection of flexible owners, local search.

A guide is any counts that say who should have about how many of what: the solution of an LP or the mean of the volume algorithm.
Prices of the rows, where there are any, tell a reservation what its choice takes from others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from solvers.problem import Floats, Ints
from solvers.whole import change, change_cost, fits, short_of, worst_after

EPS = 1e-9


@njit(cache=True)
def give_back(t: Any, s: Any, price: Floats) -> None:
    """Take servers from where cells or hard budgets are overdrawn, those that cost the least first."""
    for c in range(len(s.free)):
        while s.free[c] < 0:
            change(t, s, _cheapest_drop(t, s, c, -1, price), -1)
    for c in range(len(s.free)):
        for e in range(t.row_runs[c], t.row_runs[c + 1]):
            row = t.row[e]
            while t.row_price[row] == np.inf and s.left[row] < -t.row_scale[row]:
                p = _cheapest_drop(t, s, c, e, price)
                if p < 0:
                    break
                change(t, s, p, -1)


@njit(cache=True)
def _cheapest_drop(t: Any, s: Any, c: int, entry: int, price: Floats) -> int:
    """Return the pair of a cell whose server is given back at the least cost, per unit of a budget's entry (-1: per server)."""
    best, least = -1, np.inf
    for p in range(t.cell_runs[c], t.cell_runs[c + 1]):
        if s.counts[p] > 0:
            drawn = 1.0 if entry < 0 else t.share[entry] * t.weight[t.budget[entry], p]
            if drawn > 0.0:
                cost = (change_cost(t, s, p, -1)[1] - price[p]) / drawn
                if cost < least:
                    best, least = p, cost
    return best


@njit(cache=True)
def top_up(t: Any, s: Any, order: Ints, price: Floats) -> None:
    """Give each reservation in turn what lowers cost and prices most per RRU, until nothing does.

    What a server more costs only rises while loads do, except where the worst loss rises: known costs are looked at again when
    they come first, and all of them when the worst loss has changed. That is twenty times fewer looks than each time all.
    """
    for r in order:
        first, end = t.pair_runs[r], t.pair_runs[r + 1]
        known, worst = np.full(end - first, -np.inf), s.worst[r, 0]
        while end > first:
            k = np.argmin(known)
            if known[k] >= -EPS:
                break
            p = t.pairs_of[first + k]
            cost = np.inf
            if fits(t, s, p):
                cost = (change_cost(t, s, p, 1)[1] + price[p]) / t.value[p]
            if cost > known[k] + EPS or cost >= -EPS:
                known[k] = cost
                continue
            change(t, s, p, 1)
            if s.worst[r, 0] > worst:
                known[:], worst = -np.inf, s.worst[r, 0]


@njit(cache=True)
def lift(t: Any, s: Any, order: Ints) -> None:
    """Serve those on a plateau: there a server more only raises the worst loss, and it takes one in each domain to gain."""
    for r in order:
        while short_of(t, s, r) > EPS and _lift(t, s, r):
            pass


@njit(cache=True)
def _lift(t: Any, s: Any, r: int) -> bool:
    """Add servers where they raise the worst loss least until that gains; undo them and return False if it never does."""
    taken, length, total = np.empty(600, np.int64), 0, 0.0
    while length < len(taken):
        best, least, value = -1, np.inf, 0.0
        for k in range(t.pair_runs[r], t.pair_runs[r + 1]):
            p = t.pairs_of[k]
            if fits(t, s, p):
                plain, true = change_cost(t, s, p, 1)
                cost = (plain + t.weights[4] * (worst_after(t, s, p, 1) - s.worst[r, 0])) / t.value[p]
                if cost < least:
                    best, least, value = p, cost, true
        if best < 0:
            break
        change(t, s, best, 1)
        taken[length], length, total = best, length + 1, total + value
        if total < -EPS:
            return True
    for k in range(length):
        change(t, s, taken[k], -1)
    return False


@njit(cache=True)
def polish(t: Any, s: Any, order: Ints) -> float:
    """Give up or move single servers of each of these reservations while that costs less; return what is saved."""
    saved = 0.0
    for r in order:
        for k in range(t.pair_runs[r], t.pair_runs[r + 1]):
            p = t.pairs_of[k]
            while s.counts[p] > 0:
                total = change_cost(t, s, p, -1)[1]
                change(t, s, p, -1)
                best, least = -1, 0.0
                for m in range(t.pair_runs[r], t.pair_runs[r + 1]):
                    q = t.pairs_of[m]
                    if q != p and s.free[t.cell[q]] > 0:
                        cost = change_cost(t, s, q, 1)[1]
                        if cost < least and fits(t, s, q):
                            best, least = q, cost
                if total + least >= -EPS:
                    change(t, s, p, 1)
                    break
                saved += total + least
                if best >= 0:
                    change(t, s, best, 1)
    return saved
