"""From a fractional guide to whole servers: floor, repair, steepest top-up, ejection of flexible owners, local search.

A guide is any counts that say who should have about how many of what: the solution of an LP or the mean of the volume algorithm.
Prices of the rows, where there are any, tell a reservation what its choice takes from others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from solvers.problem import Floats, Ints
from solvers.whole import change, change_cost, fits

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
def best_add(t: Any, s: Any, r: int, price: Floats) -> Any:
    """Return the pair of a reservation that gains most per RRU by one more server, and its cost per RRU."""
    best, least = -1, np.inf
    for k in range(t.pair_runs[r], t.pair_runs[r + 1]):
        p = t.pairs_of[k]
        if s.free[t.cell[p]] > 0:
            cost = (change_cost(t, s, p, 1)[1] + price[p]) / t.value[p]
            if cost < least and fits(t, s, p):
                best, least = p, cost
    return best, least


@njit(cache=True)
def top_up(t: Any, s: Any, order: Ints, price: Floats) -> None:
    """Give each reservation in turn what lowers cost and prices most, until nothing does."""
    for r in order:
        while True:
            p, cost = best_add(t, s, r, price)
            if p < 0 or cost >= -EPS:
                break
            change(t, s, p, 1)
