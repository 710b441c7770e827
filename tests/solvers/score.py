"""The score of a plan of capacity, by plain enumeration: what it breaks, what it is short of, and what it costs.

Every plan is judged here and never by the objective of the solver that made it. The file knows NumPy, SciPy and field names of
a problem (`solvers/problem.py`), but imports neither `solvers` nor `twin`: what they get wrong is not wrong here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog

Array = NDArray[np.float64]
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Score:
    """What is wrong with a plan (texts), its cost by part, what each reservation is short of, servers and power used."""

    violations: tuple[str, ...]
    costs: dict[str, float]
    shortage: Array
    servers: float
    kilowatts: float

    @property
    def objective(self) -> float:
        """Return the sum of the costs."""
        return sum(self.costs.values())

    @property
    def short(self) -> float:
        """Return what all reservations together are short of [RRU]."""
        return float(self.shortage.sum())

    def gap(self, bound: float) -> float:
        """Return how far the objective is above a lower bound, as a part of the objective."""
        return (self.objective - bound) / abs(self.objective) if self.objective else 0.0


def score(problem: Any, counts: ArrayLike, *, whole: bool = True) -> Score:
    """Return the score of counts `[P]`; with `whole` they must be integers (an LP solution is scored without)."""
    n = np.asarray(counts, dtype=np.float64)
    load = n * problem.value
    prices = problem.prices
    shortage, buffer = _losses(problem, load)
    over, overrun_cost = _budgets(problem, n)
    costs = {
        "move": prices.move * float(np.maximum(problem.now - n, 0).sum()),
        "use": prices.use * float(n.sum()),
        "spread": prices.spread * _spread(problem, load),
        "buffer": prices.buffer * float(buffer.sum()),
        "shortage": prices.shortage * float(shortage.sum()),
        "affinity": _affinity(problem, load),
        "budget": overrun_cost,
    }
    if problem.backbone is not None:
        costs["backbone"] = _backbone(problem, load)
    watts = sum(float((b.weight * n).sum()) for b in problem.budgets[:1])
    return Score(_cells(problem, n, whole) + over, costs, shortage, float(n.sum()), watts / 1e3)


def _cells(problem: Any, n: Array, whole: bool) -> tuple[str, ...]:
    found = []
    if n.shape != (len(problem.pair_cell),):
        return (f"{n.shape} counts for {len(problem.pair_cell)} pairs",)
    if not np.isfinite(n).all():
        return ("counts that are not numbers",)
    found += [f"pair {p} has {n[p]:g} servers" for p in np.flatnonzero(n < -TOLERANCE)]
    if whole:
        found += [f"pair {p} has {n[p]:g} servers" for p in np.flatnonzero(np.abs(n - np.round(n)) > 0)]
    used = np.zeros(len(problem.servers))
    np.add.at(used, problem.pair_cell, n)
    found += [
        f"cell {problem.cell_names[c]} has {problem.servers[c]} servers and gives {used[c]:g}"
        for c in np.flatnonzero(used > problem.servers + TOLERANCE)
    ]
    if problem.owned:
        had = np.zeros(len(problem.servers))
        np.add.at(had, problem.pair_cell, problem.now)
        nobody = np.flatnonzero(used < had - TOLERANCE)
        found += [
            f"cell {problem.cell_names[c]} leaves {had[c] - used[c]:g} servers to nobody" for c in nobody
        ]
    return tuple(found)


def _budgets(problem: Any, n: Array) -> tuple[tuple[str, ...], float]:
    """Return the hard limits that are broken, and what is paid for soft ones."""
    found, cost = [], 0.0
    for budget in problem.budgets:
        used, now = (
            _drawn(problem, budget, counts) for counts in (n, np.asarray(problem.now, dtype=np.float64))
        )
        over = np.maximum(used - np.maximum(budget.limit, now), 0.0)
        if np.isfinite(budget.price):
            cost += budget.price * float(over.sum())
            continue
        found += [
            f"budget {budget.name}, {budget.rows[row]}: {over[row]:g} {budget.unit} above its limit"
            for row in np.flatnonzero(over > TOLERANCE * np.maximum(1.0, np.abs(budget.limit)))
        ]
    return tuple(found), cost


def _drawn(problem: Any, budget: Any, n: Array) -> Array:
    """Return what each row carries, entry by entry of its share."""
    per_cell = np.zeros(len(problem.servers))
    np.add.at(per_cell, problem.pair_cell, budget.weight * n)
    entries = budget.share.tocoo()
    rows, cells = entries.coords
    drawn = np.zeros(len(budget.rows))
    np.add.at(drawn, rows, entries.data * per_cell[cells])
    return drawn


def _loads(problem: Any, family: Any, load: Array) -> Array:
    """Return what each reservation has in each domain of a family `[R, G]`; cells outside of all domains count nowhere."""
    found = np.zeros((len(problem.demand), len(family.domains)))
    domain = np.asarray(family.of_cell)[problem.pair_cell]
    inside = domain >= 0
    np.add.at(found, (problem.pair_reservation[inside], domain[inside]), load[inside])
    return found


def _losses(problem: Any, load: Array) -> tuple[Array, Array]:
    """Return what each reservation is short of after its worst loss, and what that loss takes: each domain in turn."""
    total = np.zeros(len(problem.demand))
    np.add.at(total, problem.pair_reservation, load)
    shortage = np.maximum(problem.demand - total, 0.0)
    buffer = np.zeros(len(problem.demand))
    for index, family in enumerate(problem.families):
        lost = _loads(problem, family, load)
        for domain in range(len(family.domains)):
            hit = np.where(problem.survives[:, index], lost[:, domain], 0.0)
            buffer = np.maximum(buffer, hit)
            shortage = np.maximum(shortage, np.maximum(problem.demand - (total - hit), 0.0))
    return shortage, buffer


def _spread(problem: Any, load: Array) -> float:
    there = _loads(problem, problem.families[problem.spread_family], load)
    limited = np.isfinite(problem.spread) & (problem.demand > 0)
    held = np.where(limited, np.where(limited, problem.spread, 0.0) * problem.demand, np.inf)
    return float(np.maximum(there - held[:, None], 0.0).sum())


def _backbone(problem: Any, load: Array) -> float:
    """Return what unreached users and full links cost, state by state: a linear program written from the definition."""
    b, prices = problem.backbone, problem.prices
    has = np.zeros((len(problem.demand), len(b.sites)))
    np.add.at(has, (problem.pair_reservation, problem.site_of_cell[problem.pair_cell]), load)
    links, total = b.share.toarray(), 0.0
    for state in range(len(b.states)):
        flows = np.flatnonzero(b.state == state)
        if not len(flows):
            continue
        asks = sorted({(int(b.reservation[q]), int(b.region[q])) for q in flows})
        places = sorted({(int(b.reservation[q]), int(b.site[q])) for q in flows})
        lines = np.flatnonzero((links[:, flows] != 0).any(axis=1))
        f, a, k = len(flows), len(asks), len(lines)
        served, taken = np.zeros((a, f)), np.zeros((len(places), f))
        for column, q in enumerate(flows):
            served[asks.index((int(b.reservation[q]), int(b.region[q]))), column] = 1.0
            taken[places.index((int(b.reservation[q]), int(b.site[q]))), column] = 1.0
        matrix = np.block(
            [
                [-served, -np.eye(a), np.zeros((a, k))],
                [taken, np.zeros((len(places), a)), np.zeros((len(places), k))],
                [links[np.ix_(lines, flows)], np.zeros((k, a)), -np.eye(k)],
            ]
        )
        side = [*(-b.asked[r, g] for r, g in asks), *(has[r, s] for r, s in places), *b.limit[lines]]
        cost = np.r_[np.zeros(f), np.full(a, prices.unserved), np.full(k, prices.congestion)]
        total += float(linprog(cost, A_ub=matrix, b_ub=side, bounds=(0, None)).fun)
    return total


def _affinity(problem: Any, load: Array) -> float:
    wish = problem.affinity
    if wish is None:
        return 0.0
    there = _loads(problem, problem.families[wish.family], load)
    few = (wish.share - wish.within) * problem.demand[:, None] - there
    many = there - wish.share * problem.demand[:, None]
    above = wish.within if wish.above is None else wish.above
    many -= np.where(problem.demand > 0, above * np.maximum(problem.demand, 1e-12), np.inf)[:, None]
    off = np.maximum(np.maximum(few, many), 0.0)
    return float(wish.price * np.where(np.isnan(off), 0.0, off).sum())
