"""A plan of whole servers that knows, at any time, what one server more or less of any pair would cost: exactly.

All rules are in it: cells, hard and soft budgets, the worst loss of every family that is survived, spread, wanted shares,
moves. A change is one server of one pair. All is compiled by numba; `solvers/rounding.py` decides which changes to make.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from solvers.problem import CapacityProblem, Floats, Ints

NONE = np.int64(-1)
SLACK = 1e-7  # of a budget's limit, for sums of floats


class Terms(NamedTuple):
    """The problem, laid out for changes. A *place* is a (family, reservation, domain) whose load [RRU] is kept.

    `place` `[F, P]` (-1: none); places of a family are sorted by reservation: `places` `[F, R + 1]`. `lost` `[F, R]`: whether the
    family is survived. `low` and `high` `[places]`: a wanted share (infinite: none). `pairs_of` lists pairs by reservation,
    `pair_runs` `[R + 1]` and `cell_runs` `[C + 1]` its and the cells' runs. `row_runs` `[C + 1]`: the rows of budgets a cell
    draws on, `row`, `share` and `budget` of each such entry; `weight` `[B, P]`; `cells_of_row` are the runs of `row_cells`;
    `row_price`; `row_scale` is what sums of floats may be off. `weights`: move, use, spread, buffer, shortage, affinity; `fixed`
    is paid whatever the plan.
    """

    cell: Ints
    who: Ints
    value: Floats
    now: Ints
    demand: Floats
    allowed: Floats
    place: Ints
    places: Ints
    lost: Any
    spread_family: int
    low: Floats
    high: Floats
    pairs_of: Ints
    pair_runs: Ints
    cell_runs: Ints
    row_runs: Ints
    row: Ints
    share: Floats
    budget: Ints
    weight: Floats
    cells_of_row: Ints
    row_cells: Ints
    row_price: Floats
    row_scale: Floats
    weights: Floats
    fixed: float


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


def terms(problem: CapacityProblem) -> Terms:
    """Lay out a problem for changes."""
    who, size = problem.pair_reservation, problem.reservations
    place, runs, low, high = _places(problem)
    order = np.lexsort((problem.pair_cell, who))
    row, cell, share, budget = _entries(problem)
    by_cell = np.argsort(cell, kind="stable")
    prices, wish = problem.prices, problem.affinity
    limits = [problem.limits(b) for b in problem.budgets]
    return Terms(
        problem.pair_cell, who, problem.value, problem.now, problem.demand, problem.allowed,
        place, runs, np.ascontiguousarray(problem.survives.T), problem.spread_family, low, high,
        order, np.searchsorted(who[order], np.arange(size + 1)),
        np.searchsorted(problem.pair_cell, np.arange(problem.cells + 1)),
        np.searchsorted(cell[by_cell], np.arange(problem.cells + 1)), row[by_cell], share[by_cell], budget[by_cell],
        np.stack([b.weight for b in problem.budgets]) if problem.budgets else np.zeros((1, problem.pairs)),
        np.searchsorted(np.sort(row), np.arange(sum(len(b.rows) for b in problem.budgets) + 1)),
        cell[np.argsort(row, kind="stable")],
        np.concatenate([np.full(len(b.rows), b.price) for b in problem.budgets] or [np.zeros(0)]),
        SLACK * np.maximum(np.concatenate(limits or [np.zeros(0)]), 1e-6),
        np.array([prices.move, prices.use, prices.spread, prices.buffer, prices.shortage, wish.price if wish else 0.0]),
        _out_of_reach(problem),
    )  # fmt: skip


def _out_of_reach(problem: CapacityProblem) -> float:
    """Return what is paid, whatever the plan, for wanted shares in domains where a reservation has no pair."""
    wish = problem.affinity
    if wish is None:
        return 0.0
    domain = problem.families[wish.family].of_cell[problem.pair_cell]
    reached = np.zeros(wish.share.shape, dtype=bool)
    reached[problem.pair_reservation[domain >= 0], domain[domain >= 0]] = True
    off = np.maximum(wish.share - wish.within, 0.0) * problem.demand[:, None]
    return float(wish.price * np.nansum(np.where(reached, 0.0, off)))


def _places(problem: CapacityProblem) -> tuple[Ints, Ints, Floats, Floats]:
    """Return the place of each pair in each family, the places' runs by reservation, and wanted shares."""
    who, start = problem.pair_reservation, 0
    place, runs, low, high = [], [], [], []
    for index, family in enumerate(problem.families):
        domain = family.of_cell[problem.pair_cell]
        keys = who * len(family.domains) + domain
        there, of_pair = np.unique(keys[domain >= 0], return_inverse=True)
        column = np.full(problem.pairs, NONE)
        column[domain >= 0] = start + of_pair.ravel()
        place.append(column)
        owner = there // max(len(family.domains), 1)
        runs.append(start + np.searchsorted(owner, np.arange(problem.reservations + 1)))
        least, most = np.full(len(there), -np.inf), np.full(len(there), np.inf)
        wish = problem.affinity
        if wish is not None and wish.family == index:
            domains = there % len(family.domains)
            least, most = (side[owner, domains] for side in problem.wanted)
        low.append(least)
        high.append(most)
        start += len(there)
    return np.stack(place), np.stack(runs), np.concatenate(low), np.concatenate(high)


def _entries(problem: CapacityProblem) -> tuple[Ints, Ints, Floats, Ints]:
    """Return the entries of all budgets: row (numbered through all budgets), cell, share, budget."""
    row, cell, share, budget, start = [], [], [], [], 0
    for index, one in enumerate(problem.budgets):
        entries = one.share.tocoo()
        row.append(entries.coords[0].astype(np.int64) + start)
        cell.append(entries.coords[1].astype(np.int64))
        share.append(entries.data.astype(np.float64))
        budget.append(np.full(len(entries.data), index))
        start += len(one.rows)
    if not row:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)
    return np.concatenate(row), np.concatenate(cell), np.concatenate(share), np.concatenate(budget)


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
    move, use, spread, buffer, shortage, off = t.weights
    cost = sign * use
    if sign > 0 and s.counts[p] < t.now[p]:
        cost -= move
    elif sign < 0 and s.counts[p] <= t.now[p]:
        cost += move
    g = t.place[t.spread_family, p]
    if g >= 0:
        cost += spread * (max(s.load[g] + sign * v - t.allowed[r], 0.0) - max(s.load[g] - t.allowed[r], 0.0))
    if off > 0.0:
        for f in range(t.place.shape[0]):
            g = t.place[f, p]
            if g >= 0 and t.low[g] > -np.inf:
                cost += off * (
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
    move, use, spread, buffer, shortage, off = t.weights
    cost = t.fixed
    for p in range(len(t.cell)):
        cost += use * s.counts[p] + move * max(t.now[p] - s.counts[p], 0)
    for r in range(len(t.demand)):
        cost += buffer * s.worst[r, 0] + shortage * short_of(t, s, r)
        for g in range(t.places[t.spread_family, r], t.places[t.spread_family, r + 1]):
            cost += spread * max(s.load[g] - t.allowed[r], 0.0)
    for g in range(len(t.low)):
        if off > 0.0 and t.low[g] > -np.inf:
            cost += off * _off(s.load[g], t.low[g], t.high[g])
    for row in range(len(t.row_price)):
        if t.row_price[row] < np.inf:
            cost += t.row_price[row] * max(-s.left[row], 0.0)
    return cost
