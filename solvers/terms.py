"""A problem laid out for changes of single servers: flat arrays that compiled code reads (`solvers/whole.py`)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from solvers.problem import CapacityProblem, Floats, Ints

NONE = np.int64(-1)
SLACK = 1e-7  # of a budget's limit, for sums of floats


class Terms(NamedTuple):
    """The problem, laid out for changes. A *place* is a (family, reservation, domain) whose load [RRU] is kept.

    `place` `[F, P]` (-1: none); places of a family are sorted by reservation: `places` `[F, R + 1]`. `lost` `[F, R]`: whether the
    family is survived. `low` and `high` `[places]`: a wanted share (infinite: none); `off`: its price. `pairs_of` lists pairs by
    reservation, `pair_runs` `[R + 1]` and `cell_runs` `[C + 1]` its and the cells' runs. `row_runs` `[C + 1]`: the rows of
    budgets a cell draws on, `row`, `share` and `budget` of each such entry; `weight` `[B, P]`; `cells_of_row` are the runs of
    `row_cells`; `row_price`; `row_scale` is what sums of floats may be off. `weights`: move, use, spread, buffer, shortage;
    `fixed` is paid whatever the plan.
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
    off: Floats
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


def terms(problem: CapacityProblem) -> Terms:
    """Lay out a problem for changes."""
    who, size = problem.pair_reservation, problem.reservations
    place, runs, low, high, off = _places(problem)
    order = np.lexsort((problem.pair_cell, who))
    row, cell, share, budget = _entries(problem)
    by_cell = np.argsort(cell, kind="stable")
    prices = problem.prices
    limits = [problem.limits(b) for b in problem.budgets]
    return Terms(
        problem.pair_cell, who, problem.value, problem.now, problem.demand, problem.allowed,
        place, runs, np.ascontiguousarray(problem.survives.T), problem.spread_family, low, high, off,
        order, np.searchsorted(who[order], np.arange(size + 1)),
        np.searchsorted(problem.pair_cell, np.arange(problem.cells + 1)),
        np.searchsorted(cell[by_cell], np.arange(problem.cells + 1)), row[by_cell], share[by_cell], budget[by_cell],
        np.stack([b.weight for b in problem.budgets]) if problem.budgets else np.zeros((1, problem.pairs)),
        np.searchsorted(np.sort(row), np.arange(sum(len(b.rows) for b in problem.budgets) + 1)),
        cell[np.argsort(row, kind="stable")],
        np.concatenate([np.full(len(b.rows), b.price) for b in problem.budgets] or [np.zeros(0)]),
        SLACK * np.maximum(np.concatenate(limits or [np.zeros(0)]), 1e-6),
        np.array([prices.move, prices.use, prices.spread, prices.buffer, prices.shortage]),
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


def _places(problem: CapacityProblem) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Return the place of each pair in each family, the places' runs by reservation, wanted shares and their prices."""
    who, start = problem.pair_reservation, 0
    place, runs, low, high, off = [], [], [], [], []
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
        price = np.zeros(len(there))
        wish, floor, domains = problem.affinity, problem.floor, there % max(len(family.domains), 1)
        if wish is not None and wish.family == index:
            least, most = (side[owner, domains] for side in problem.wanted)
            price = np.full(len(there), wish.price)
        if floor is not None and floor.family == index:
            least, price = floor.least[owner, domains], floor.price[owner, domains]
        low.append(np.where(price > 0, least, -np.inf))
        high.append(most)
        off.append(price)
        start += len(there)
    return np.stack(place), np.stack(runs), np.concatenate(low), np.concatenate(high), np.concatenate(off)


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
