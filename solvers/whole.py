"""A plan of whole servers that knows, at any time, what one server more or less of any pair would cost: exactly.

All rules are in it: cells, hard and soft budgets, the worst loss of every family that is survived, spread, wanted shares,
moves. A change is one server of one pair. All is compiled by numba; `solvers/rounding.py` decides which changes to make.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from solvers.problem import CapacityProblem, Floats, Ints
from solvers.terms import NONE, Terms


class Plan(NamedTuple):
    """Counts `[P]`, servers left `[C]`, budget left per row, load per place, and per reservation: load, worst losses.

    `worst` `[R, 2]`: the largest load of a place that may be lost, and the largest of all others; `worst_at`: the
    place of the first.
    """

    counts: Ints
    free: Ints
    left: Floats
    load: Floats
    total: Floats
    worst: Floats
    worst_at: Ints


def plan(problem: CapacityProblem, t: Terms, counts: Ints) -> Plan:
    """Return a plan with these counts; cells and budgets may be overdrawn (negative)."""
    counts = np.array(counts, dtype=np.int64)
    load = np.zeros(len(t.low))
    for family in t.place:
        np.add.at(load, family[family >= 0], (t.value * counts)[family >= 0])
    left = [problem.limits(b) - problem.used(b, counts) for b in problem.budgets]
    made = Plan(
        counts, problem.servers - np.bincount(t.cell, counts, problem.cells).astype(np.int64),
        np.concatenate(left or [np.zeros(0)]), load, np.bincount(t.who, t.value * counts,
        problem.reservations).astype(np.float64),
        np.zeros((problem.reservations, 2)), np.full(problem.reservations, NONE),
    )  # fmt: skip
    for r in range(problem.reservations):
        _look_for_worst(t, made, r)
    return made


@njit(cache=True)
def _look_for_worst(t: Any, s: Any, r: int) -> None:
    first, second, at = 0.0, 0.0, -1
    for f in range(t.lost.shape[0]):
        if t.lost[f, r]:
            for g in range(t.places[f, r], t.places[f, r + 1]):
                if s.load[g] > first:
                    second, first, at = first, s.load[g], g
                elif s.load[g] > second:
                    second = s.load[g]
    s.worst[r, 0], s.worst[r, 1], s.worst_at[r] = first, second, at


@njit(cache=True)
def fits(t: Any, s: Any, p: int) -> bool:
    """Return whether a server of this pair is free and no hard budget forbids it."""
    return s.free[t.cell[p]] > 0 and powers(t, s, p, -1)


@njit(cache=True)
def powers(t: Any, s: Any, p: int, instead: int) -> bool:
    """Return whether hard budgets allow one more server of a pair, instead of one of another in the same cell (-1: of none)."""
    c = t.cell[p]
    for e in range(t.row_runs[c], t.row_runs[c + 1]):
        drawn = t.weight[t.budget[e], p]
        if instead >= 0:
            drawn -= t.weight[t.budget[e], instead]
        row = t.row[e]
        if drawn > 0.0 and t.row_price[row] == np.inf and t.share[e] * drawn > s.left[row] + t.row_scale[row]:
            return False
    return True


@njit(cache=True)
def worst_after(t: Any, s: Any, p: int, sign: int) -> float:
    """Return the worst loss of the pair's reservation after one server more (1) or less (-1)."""
    r, change = t.who[p], sign * t.value[p]
    worst, families, touched = s.worst[r, 0], 0, False
    for f in range(t.lost.shape[0]):
        if t.lost[f, r]:
            families += 1
            g = t.place[f, p]
            if g >= 0:
                worst = max(worst, s.load[g] + change)
                touched = touched or s.load[g] >= s.worst[r, 0] - 1e-12
    if sign > 0 or not touched:
        return worst
    if families == 1:
        return max(s.worst[r, 1], s.worst[r, 0] + change)
    worst = 0.0
    for f in range(t.lost.shape[0]):
        if t.lost[f, r]:
            for g in range(t.places[f, r], t.places[f, r + 1]):
                worst = max(worst, s.load[g] + (change if g == t.place[f, p] else 0.0))
    return worst


@njit(cache=True)
def _off(load: float, low: float, high: float) -> float:
    return max(low - load, load - high, 0.0)


@njit(cache=True)
def change_cost(t: Any, s: Any, p: int, sign: int) -> Any:
    """Return what one server more (1) or less (-1) of a pair costs: without, and with, what worst loss and shortage change."""
    r, v = t.who[p], t.value[p]
    move, use, spread, buffer, shortage = t.weights
    cost = sign * use
    if sign > 0 and s.counts[p] < t.now[p]:
        cost -= move
    elif sign < 0 and s.counts[p] <= t.now[p]:
        cost += move
    g = t.place[t.spread_family, p]
    if g >= 0:
        cost += spread * (max(s.load[g] + sign * v - t.allowed[r], 0.0) - max(s.load[g] - t.allowed[r], 0.0))
    for f in range(t.place.shape[0]):
        g = t.place[f, p]
        if g >= 0 and t.low[g] > -np.inf:
            cost += t.off[g] * (
                _off(s.load[g] + sign * v, t.low[g], t.high[g]) - _off(s.load[g], t.low[g], t.high[g])
            )
    cost += _soft(t, s, p, sign)
    worst = worst_after(t, s, p, sign)
    before = max(t.demand[r] - s.total[r] + s.worst[r, 0], 0.0)
    after = max(t.demand[r] - s.total[r] - sign * v + worst, 0.0)
    return cost, cost + buffer * (worst - s.worst[r, 0]) + shortage * (after - before)


@njit(cache=True)
def _soft(t: Any, s: Any, p: int, sign: int) -> float:
    """Return what a change costs at budgets that may be broken for a price."""
    c, cost = t.cell[p], 0.0
    for e in range(t.row_runs[c], t.row_runs[c + 1]):
        row = t.row[e]
        if t.row_price[row] < np.inf:
            drawn = sign * t.share[e] * t.weight[t.budget[e], p]
            cost += t.row_price[row] * (max(drawn - s.left[row], 0.0) - max(-s.left[row], 0.0))
    return cost


@njit(cache=True)
def change(t: Any, s: Any, p: int, sign: int) -> None:
    """Make one server more (1) or less (-1) of a pair."""
    c, r, v = t.cell[p], t.who[p], sign * t.value[p]
    s.counts[p] += sign
    s.free[c] -= sign
    s.total[r] += v
    for e in range(t.row_runs[c], t.row_runs[c + 1]):
        s.left[t.row[e]] -= sign * t.share[e] * t.weight[t.budget[e], p]
    near = False
    for f in range(t.place.shape[0]):
        g = t.place[f, p]
        if g >= 0:
            before = s.load[g]
            s.load[g] += v
            near = near or (t.lost[f, r] and max(before, s.load[g]) >= s.worst[r, 1])
    if near:  # else the two largest loads are what they were
        _look_for_worst(t, s, r)


@njit(cache=True)
def short_of(t: Any, s: Any, r: int) -> float:
    """Return what a reservation is short of after its worst loss [RRU]."""
    return max(t.demand[r] - s.total[r] + s.worst[r, 0], 0.0)


@njit(cache=True)
def plan_cost(t: Any, s: Any) -> float:
    """Return what a plan costs, all parts together."""
    move, use, spread, buffer, shortage = t.weights
    cost = t.fixed
    for p in range(len(t.cell)):
        cost += use * s.counts[p] + move * max(t.now[p] - s.counts[p], 0)
    for r in range(len(t.demand)):
        cost += buffer * s.worst[r, 0] + shortage * short_of(t, s, r)
        for g in range(t.places[t.spread_family, r], t.places[t.spread_family, r + 1]):
            cost += spread * max(s.load[g] - t.allowed[r], 0.0)
    for g in range(len(t.low)):
        if t.low[g] > -np.inf:
            cost += t.off[g] * _off(s.load[g], t.low[g], t.high[g])
    for row in range(len(t.row_price)):
        if t.row_price[row] < np.inf:
            cost += t.row_price[row] * max(-s.left[row], 0.0)
    return cost
