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
GAVE, GOT = 1, 2  # in a chain, what gave a server does not take one again, and what got one does not give it
MOST_ROBBED = 4  # servers that are taken to make room for one
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
    """Return the pair whose server makes room for one of p (-1: none), and the regret of its owner.

    Where a budget is full it may take several servers (an old one draws less than a new one): then the one with the least
    regret for what it frees, and the regret of as many as are needed.
    """
    best, least = -1, np.inf
    c = t.cell[p]
    if s.free[c] <= 0:
        for q in range(t.cell_runs[c], t.cell_runs[c + 1]):
            if t.who[q] != t.who[p] and s.counts[q] > 0 and taken[q] != GOT and powers(t, s, p, q):
                regret = _regret(t, s, q, price, worth)
                if regret < least:
                    best, least = q, regret
        return best, least
    row, lack = _full_row(t, s, p)
    for k in range(t.cells_of_row[row], t.cells_of_row[row + 1]):
        d = t.row_cells[k]
        for q in range(t.cell_runs[d], t.cell_runs[d + 1]):
            if q != p and s.counts[q] > 0 and taken[q] != GOT:
                part = min(_draw(t, q, row) / lack, 1.0)
                if part > 1.0 / MOST_ROBBED:
                    regret = max(_regret(t, s, q, price, worth), EPS) / part
                    if regret < least:
                        best, least = q, regret
    return best, least


@njit(cache=True)
def _full_row(t: Any, s: Any, p: int) -> Any:
    """Return the first hard budget that forbids one more server of a pair, and what it lacks."""
    c = t.cell[p]
    for e in range(t.row_runs[c], t.row_runs[c + 1]):
        row = t.row[e]
        lack = t.share[e] * t.weight[t.budget[e], p] - s.left[row]
        if t.row_price[row] == np.inf and lack > t.row_scale[row]:
            return row, lack
    return 0, 1.0


@njit(cache=True)
def _draw(t: Any, q: int, row: int) -> float:
    """Return what a server of a pair draws of the budget of a row."""
    c = t.cell[q]
    for e in range(t.row_runs[c], t.row_runs[c + 1]):
        if t.row[e] == row:
            return float(t.share[e] * t.weight[t.budget[e], q])
    return 0.0


@njit(cache=True)
def _next(t: Any, s: Any, r: int, price: Floats, worth: Floats, taken: Any, skip: int) -> Any:
    """Return what a reservation takes next and from whom (-1: nobody), leaving out the `skip` best; (-1, -1): nothing gains."""
    liked, cost = np.full(WIDTH, -1), np.full(WIDTH, np.inf)
    for k in range(t.pair_runs[r], t.pair_runs[r + 1]):
        p = t.pairs_of[k]
        c = t.cell[p]
        if taken[p] == GAVE or t.cell_runs[c + 1] - t.cell_runs[c] == 1 and s.free[c] <= 0:
            continue
        asked = price[p] if s.free[c] <= 0 else 0.0  # what is left over has no price
        here = (change_cost(t, s, p, 1)[1] + asked) / t.value[p]
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
def _rob(
    t: Any, s: Any, p: int, q: int, price: Floats, worth: Floats, taken: Any, robbed: Any
) -> tuple[int, float]:
    """Take servers, the first of q (-1: none), until one of p fits; write whose, return how many and what that costs."""
    count, cost = 0, 0.0
    while q >= 0 and count < MOST_ROBBED:
        cost += change_cost(t, s, q, -1)[1]
        change(t, s, q, -1)
        robbed[count], count = q, count + 1
        q = -1 if fits(t, s, p) else _owner(t, s, p, price, worth, taken)[0]
    return count, cost


@njit(cache=True)
def _undo(t: Any, s: Any, pairs: Any, signs: Any, kept: int, taken: Any) -> None:
    """Undo the changes of a chain from `kept` on; its pairs are free for others."""
    for i in range(len(pairs) - 1, kept - 1, -1):
        change(t, s, pairs[i], -signs[i])
    for p in pairs:
        taken[p] = 0


@njit(cache=True)
def _chain(t: Any, s: Any, r: int, drop: int, price: Floats, worth: Floats, taken: Any, skip: int) -> float:
    """Follow one chain from a reservation, which may give up a server first; keep its best part and return what it saves."""
    most = LONGEST + MOST_ROBBED + 3
    pairs, signs, waiting = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    robbed = np.empty(MOST_ROBBED, np.int64)
    length, kept, total, best = 0, 0, 0.0, 0.0
    if drop >= 0:
        total += change_cost(t, s, drop, -1)[1]
        change(t, s, drop, -1)
        pairs[0], signs[0], length = drop, -1, 1
        taken[drop] = GAVE
    waiting[0], queue = r, 1
    while queue > 0 and length < LONGEST:
        now = waiting[queue - 1]
        p, q = _next(t, s, now, price, worth, taken, skip)
        skip = 0
        if p < 0:
            queue -= 1
            continue
        count, cost = _rob(t, s, p, q, price, worth, taken, robbed)
        total += cost
        for k in range(count):
            pairs[length], signs[length] = robbed[k], -1
            taken[robbed[k]], length = GAVE, length + 1
            if t.who[robbed[k]] != now:
                waiting[queue], queue = t.who[robbed[k]], queue + 1
        if not fits(t, s, p):
            break
        total += change_cost(t, s, p, 1)[1]
        change(t, s, p, 1)
        pairs[length], signs[length] = p, 1
        taken[p], length = GOT, length + 1
        if total < best - EPS:
            best, kept = total, length
            if short_of(t, s, now) <= EPS and queue <= 1:
                break
    _undo(t, s, pairs[:length], signs, kept, taken)
    return best


@njit(cache=True)
def serve(t: Any, s: Any, order: Ints, price: Floats, worth: Floats, most: int) -> float:
    """Let those that are short take from others, in turn, until no chain helps or so many were tried; return what is saved."""
    taken = np.zeros(len(t.cell), np.int8)
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
    taken = np.zeros(len(t.cell), np.int8)
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
    taken, robbed = np.zeros(len(t.cell), np.int8), np.empty(MOST_ROBBED, np.int64)
    count = 0
    for r in order:
        vain, before = 0, short_of(t, s, r)
        most = 20 + int(4.0 * before)
        while before > EPS and vain < 8 and most > 0:
            most -= 1
            p, q = _next(t, s, r, price, worth, taken, 0)
            if p < 0:
                break
            count += _rob(t, s, p, q, price, worth, taken, robbed)[0]
            if not fits(t, s, p):
                break
            change(t, s, p, 1)
            vain = 0 if short_of(t, s, r) < before - EPS else vain + 1
            before = min(before, short_of(t, s, r))
    return count
