"""Ejection chains: a reservation takes a server from an owner that can do without it, who is then served elsewhere, and so on.

Where families are tight no server is free where it is needed, and no change of one server helps. A chain is followed without
looking back: whoever was robbed last takes next, from a free cell or from another owner, until nobody is left who would rather
have more. It is kept up to where its true cost was lowest, or undone as a whole if that is not below zero. What guides it are
prices: of rows, and the *worth* of an RRU to each reservation, which says how hard it is to serve elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from solvers.problem import Floats, Ints
from solvers.whole import change, change_cost, fits, powers, short_of, worst_after

WIDTH = 12  # of the pairs that a reservation would like most, for which owners are looked for
LONGEST = 24  # changes in a chain
EPS = 1e-7


@njit(cache=True)
def _regret(t: Any, s: Any, p: int, price: Floats, worth: Floats) -> float:
    """Return what an owner loses by one server less of a pair, served elsewhere at what an RRU is worth to it."""
    r = t.who[p]
    change_of_worst = worst_after(t, s, p, -1) - s.worst[r, 0]
    lost = t.value[p] + change_of_worst
    spare = max(s.total[r] - s.worst[r, 0] - t.demand[r], 0.0)
    cost = change_cost(t, s, p, -1)[0] + t.weights[3] * change_of_worst
    return cost - price[p] + worth[r] * max(lost - spare, 0.0)


@njit(cache=True)
def _owner(t: Any, s: Any, p: int, price: Floats, worth: Floats, taken: Any) -> Any:
    """Return the pair whose server makes room for one of p (-1: none), and the regret of its owner."""
    best, least = -1, np.inf
    c = t.cell[p]
    if s.free[c] <= 0:
        for q in range(t.cell_runs[c], t.cell_runs[c + 1]):
            if t.who[q] != t.who[p] and s.counts[q] > 0 and not taken[q] and powers(t, s, p, q):
                regret = _regret(t, s, q, price, worth)
                if regret < least:
                    best, least = q, regret
        return best, least
    row = _full_row(t, s, p)
    for k in range(t.cells_of_row[row], t.cells_of_row[row + 1]):
        d = t.row_cells[k]
        for q in range(t.cell_runs[d], t.cell_runs[d + 1]):
            if q != p and s.counts[q] > 0 and not taken[q]:
                regret = _regret(t, s, q, price, worth)
                if regret < least and _makes_room(t, s, p, q):
                    best, least = q, regret
    return best, least


@njit(cache=True)
def _full_row(t: Any, s: Any, p: int) -> int:
    """Return the first hard budget that forbids one more server of a pair."""
    c = t.cell[p]
    for e in range(t.row_runs[c], t.row_runs[c + 1]):
        row = t.row[e]
        if (
            t.row_price[row] == np.inf
            and t.share[e] * t.weight[t.budget[e], p] > s.left[row] + t.row_scale[row]
        ):
            return row
    return 0


@njit(cache=True)
def _makes_room(t: Any, s: Any, p: int, q: int) -> bool:
    change(t, s, q, -1)
    room = fits(t, s, p)
    change(t, s, q, 1)
    return room


@njit(cache=True)
def _next(t: Any, s: Any, r: int, price: Floats, worth: Floats, taken: Any, skip: int) -> Any:
    """Return what a reservation takes next and from whom (-1: nobody), leaving out the `skip` best; (-1, -1): nothing gains."""
    liked, cost = np.full(WIDTH, -1), np.full(WIDTH, np.inf)
    for k in range(t.pair_runs[r], t.pair_runs[r + 1]):
        p = t.pairs_of[k]
        c = t.cell[p]
        if taken[p] or t.cell_runs[c + 1] - t.cell_runs[c] == 1 and s.free[c] <= 0:
            continue
        here = (change_cost(t, s, p, 1)[1] + price[p]) / t.value[p]
        if here < -EPS and here < cost[WIDTH - 1]:
            i = WIDTH - 1
            while i > 0 and cost[i - 1] > here:
                liked[i], cost[i] = liked[i - 1], cost[i - 1]
                i -= 1
            liked[i], cost[i] = p, here
    owners = np.full(WIDTH, -1)
    for i in range(WIDTH):
        p = liked[i]
        if p >= 0 and not fits(t, s, p):
            owners[i], regret = _owner(t, s, p, price, worth, taken)
            cost[i] = cost[i] + max(regret, 0.0) / t.value[p] if owners[i] >= 0 else np.inf
    for _ in range(skip):
        cost[np.argmin(cost)] = np.inf
    best = np.argmin(cost)
    if cost[best] >= -EPS:
        return -1, -1
    return liked[best], owners[best]


@njit(cache=True)
def _chain(t: Any, s: Any, r: int, drop: int, price: Floats, worth: Floats, taken: Any, skip: int) -> float:
    """Follow one chain from a reservation, which may give up a server first; keep its best part and return what it saves."""
    pairs, signs, waiting = (
        np.empty(LONGEST + 3, np.int64),
        np.empty(LONGEST + 3, np.int64),
        np.empty(LONGEST + 3, np.int64),
    )
    length, kept, total, best = 0, 0, 0.0, 0.0
    if drop >= 0:
        total += change_cost(t, s, drop, -1)[1]
        change(t, s, drop, -1)
        pairs[0], signs[0], length = drop, -1, 1
        taken[drop] = True
    waiting[0], queue = r, 1
    while queue > 0 and length < LONGEST:
        now = waiting[queue - 1]
        p, q = _next(t, s, now, price, worth, taken, skip)
        skip = 0
        if p < 0:
            queue -= 1
            continue
        if q >= 0:
            total += change_cost(t, s, q, -1)[1]
            change(t, s, q, -1)
            pairs[length], signs[length] = q, -1
            taken[q], length = True, length + 1
        total += change_cost(t, s, p, 1)[1]
        change(t, s, p, 1)
        pairs[length], signs[length] = p, 1
        taken[p], length = True, length + 1
        if q >= 0 and t.who[q] != now:
            waiting[queue], queue = t.who[q], queue + 1
        if total < best - EPS:
            best, kept = total, length
            if short_of(t, s, now) <= EPS and queue <= 1:
                break
    for i in range(length - 1, kept - 1, -1):
        change(t, s, pairs[i], -signs[i])
    for i in range(length):
        taken[pairs[i]] = False
    return best


@njit(cache=True)
def serve(t: Any, s: Any, order: Ints, price: Floats, worth: Floats, most: int) -> float:
    """Let those that are short take from others, in turn, until no chain helps or so many were tried; return what is saved."""
    taken = np.zeros(len(t.cell), np.bool_)
    saved, tries = 0.0, 0
    for r in order:
        skip = 0
        while skip < WIDTH and short_of(t, s, r) > EPS and tries < most:
            tries += 1
            gain = _chain(t, s, r, -1, price, worth, taken, skip)
            saved += gain
            skip = 0 if gain < 0.0 else skip + 1
    return saved


@njit(cache=True)
def improve(t: Any, s: Any, pairs: Ints, price: Floats, worth: Floats) -> float:
    """Let the owners of these pairs give up a server and be served elsewhere where that costs less; return what is saved."""
    taken = np.zeros(len(t.cell), np.bool_)
    saved = 0.0
    for p in pairs:
        while s.counts[p] > 0 and _regret(t, s, p, price, worth) < 0.02:
            gain = _chain(t, s, t.who[p], p, price, worth, taken, 0)
            saved += gain
            if gain >= 0.0:
                break
    return saved


@njit(cache=True)
def seize(t: Any, s: Any, order: Ints, price: Floats, worth: Floats) -> int:
    """Let those that are short take from owners who can do without, and leave those to be topped up; return how many were taken.

    Unlike `serve` nothing is undone: where much is missing, most owners have somewhere else to go, and the rest takes part in
    the next round with a higher worth.
    """
    taken = np.zeros(len(t.cell), np.bool_)
    count = 0
    for r in order:
        vain, before = 0, short_of(t, s, r)
        most = 20 + int(4.0 * before)
        while before > EPS and vain < 8 and most > 0:
            most -= 1
            p, q = _next(t, s, r, price, worth, taken, 0)
            if p < 0:
                break
            if q >= 0:
                change(t, s, q, -1)
                count += 1
            change(t, s, p, 1)
            vain = 0 if short_of(t, s, r) < before - EPS else vain + 1
            before = min(before, short_of(t, s, r))
    return count
