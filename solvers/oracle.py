"""The oracle of price decomposition: prices in, a lower bound of the cost of every plan out, and what would be bought.

    L(λ, μ, η) = Σ_r V_r(λ, μ, η) - λ·servers - μ·limits - Σ max(η·low, η·high) + move·Σ now

with prices of cells λ ≥ 0, of budgets 0 ≤ μ ≤ their price, of wanted shares |η| ≤ theirs. V_r is what reservation r pays for
itself (`solvers/separate.py`). L is a bound at *any* prices, and at the duals of the LP it is the value of the LP.

*Integers make it stronger.* In one domain a reservation's load is a sum of whole servers: between the attainable loads
y₁ ≤ a ≤ y₂ around its allowance a, the excess (y - a)⁺ of whole servers lies above its chord from (y₁, 0) to (y₂, y₂ - a), which
is convex and above the excess itself. So V_r may charge the chord, and L rises above the LP.

A reservation may survive several families with one worst loss. V_r knows the loss of one of them, the coarsest: exact where
families are nested (the loss of a site takes that of its switchboards), else a bound that is weaker and still valid. Where a
domain of the spread family lies in several domains of losses each part has the whole allowance: weaker and valid as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.sparse import csr_array, vstack

from solvers.problem import Bools, CapacityProblem, Floats, Floor, Ints
from solvers.separate import best_answers

MOST_SUMS = 20_000  # sums of servers that are tried to find the attainable loads of one domain


class Answer(NamedTuple):
    """A lower bound on the cost of every plan, and what is bought at these prices `[P]` (cells may be sold twice)."""

    bound: float
    counts: Floats


class Layout(NamedTuple):
    """Pairs sorted by reservation, domain of the loss, domain of the spread; runs of them; see `separate`.

    `groups` `[R + 1]` are runs of domains of the loss, `subs` of domains of the spread, `places` of pairs. Per pair: servers
    that may be kept and gained, and their value. `knots` per domain of the spread: two loads, and what is charged behind each.
    `capped` per domain of the loss: whether the worst loss bounds it.
    """

    groups: Ints
    subs: Ints
    places: Ints
    keep: Floats
    gain: Floats
    value: Floats
    knots: Floats
    capped: Bools


@dataclass(frozen=True)
class Rows:
    """What ties reservations together: low ≤ matrix · n ≤ high, rows of cells, then budgets, then wanted shares.

    A price of a row lies between `least` and `most`: 0 and infinity where a row is hard, the price of its slack where it is soft.
    `unit` scales a step of the prices, row by row.
    """

    matrix: csr_array
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    unit: Floats
    blocks: tuple[slice, ...]


@dataclass
class Oracle:
    """The oracle of a problem; `whole` charges for spread what whole servers must pay."""

    problem: CapacityProblem
    whole: bool = True

    def __post_init__(self) -> None:
        problem = self.problem
        if any((budget.weight < 0).any() or (budget.share.data < 0).any() for budget in problem.budgets):
            raise ValueError(
                "a budget has negative weights or shares: prices would not bound it; state what servers draw, from 0 up"
            )
        self.rows = coupling(problem)
        self.order, self.layout = _layout(problem, self.whole)
        self.memory = np.zeros((problem.reservations, 2))
        self._costs = csr_array(self.rows.matrix.T)
        self._moved = problem.prices.move * float(problem.now.sum())

    def ask(self, prices: Floats) -> Answer:
        """Return the bound at these prices of the rows `[K]` and what is bought."""
        problem, weights = self.problem, self.problem.prices
        cost = self.pair_cost(prices)[self.order]
        values, counts = np.zeros(problem.reservations), np.zeros(problem.pairs)
        best_answers(
            tuple(self.layout), cost, problem.demand, (weights.move, weights.buffer, weights.shortage),
            self.memory, counts, values,
        )  # fmt: skip
        bound = values.sum() + self._moved - np.maximum(prices * self.rows.low, prices * self.rows.high).sum()
        bought = np.empty(problem.pairs)
        bought[self.order] = counts
        return Answer(float(bound), bought)

    def pair_cost(self, prices: Floats) -> Floats:
        """Return what a server costs each pair beside moves, spread and buffer `[P]`: its use, cell, budgets and share."""
        return self.problem.prices.use + self._costs @ prices


def coupling(problem: CapacityProblem) -> Rows:
    """Return the rows of cells, budgets and wanted shares."""
    parts: list[tuple[csr_array, Floats, Floats, float | Floats]] = [
        (problem.by_cell, np.zeros(problem.cells), problem.servers.astype(np.float64), np.inf)
    ]
    for budget in problem.budgets:
        drawn = budget.share @ csr_array(problem.by_cell.multiply(budget.weight[None, :]))
        limit = problem.limits(budget)
        parts.append((drawn, np.zeros(len(limit)), limit, budget.price))
    wishes = len(parts)  # from here on a row has a lower side as well
    if problem.affinity is not None:
        parts.append((*_wanted(problem), problem.affinity.price))
    if problem.floor is not None:
        parts.append(_floor(problem, problem.floor))
    low, high = (np.concatenate([part[i] for part in parts]) for i in (1, 2))
    sizes = [part[0].shape[0] for part in parts]
    ends = np.cumsum([0, *sizes])
    # A row without upper limit has no price for what is above it; without a price the limit may be any number.
    price = np.concatenate([np.broadcast_to(part[3], size) for part, size in zip(parts, sizes, strict=True)])
    most = np.where(np.isfinite(high), price, 0.0)
    high = np.where(np.isfinite(high), high, np.abs(low))
    both = np.arange(len(most)) >= ends[wishes]
    matrix = csr_array(vstack([part[0] for part in parts], format="csr"))
    mean = matrix.sum(axis=1) / np.maximum(np.diff(matrix.indptr), 1)  # of a server, in what the row counts
    unit = 1.0 / np.maximum(mean * np.maximum(np.abs(high), 1e-9), 1e-9)
    blocks = tuple(slice(int(first), int(end)) for first, end in zip(ends[:-1], ends[1:], strict=True))
    return Rows(matrix, low, high, np.where(both, -price, 0.0), most, unit, blocks)


def _wanted(problem: CapacityProblem) -> tuple[csr_array, Floats, Floats]:
    """Return the loads in the domains that have a wanted share, and between which they meet it."""
    wish = problem.affinity
    assert wish is not None
    least, most = problem.wanted
    reservation, domain = np.nonzero(np.isfinite(least) | np.isfinite(most))
    row = np.full(wish.share.shape, -1)
    row[reservation, domain] = np.arange(len(domain))
    there = problem.families[wish.family].of_cell[problem.pair_cell]
    of_pair = np.where(there >= 0, row[problem.pair_reservation, there], -1)
    pairs = np.flatnonzero(of_pair >= 0)
    matrix = csr_array((problem.value[pairs], (of_pair[pairs], pairs)), shape=(len(domain), problem.pairs))
    return matrix, least[reservation, domain], most[reservation, domain]


def _floor(problem: CapacityProblem, floor: Floor) -> tuple[csr_array, Floats, Floats, Floats]:
    """Return the loads in the domains that have a floor, the floor, no upper side, and the price of what is missing."""
    reservation, domain = np.nonzero(np.isfinite(floor.least))
    row = np.full(floor.least.shape, -1)
    row[reservation, domain] = np.arange(len(domain))
    there = problem.families[floor.family].of_cell[problem.pair_cell]
    of_pair = np.where(there >= 0, row[problem.pair_reservation, there], -1)
    pairs = np.flatnonzero(of_pair >= 0)
    matrix = csr_array((problem.value[pairs], (of_pair[pairs], pairs)), shape=(len(domain), problem.pairs))
    return (
        matrix,
        floor.least[reservation, domain],
        np.full(len(domain), np.inf),
        floor.price[reservation, domain],
    )


def loss_family(problem: CapacityProblem) -> Ints:
    """Return the family whose losses the oracle knows, `[R]`: the coarsest that is survived; -1: none."""
    domains = np.array([len(family.domains) for family in problem.families], dtype=np.float64)
    size = np.where(problem.survives, domains, np.inf)
    return np.where(problem.survives.any(axis=1), size.argmin(axis=1), -1)


def _layout(problem: CapacityProblem, whole: bool) -> tuple[Ints, Layout]:
    """Return the order of the pairs and the runs in that order."""
    who, cell = problem.pair_reservation, problem.pair_cell
    of_cell = np.stack([family.of_cell for family in problem.families] + [np.full(problem.cells, -1)])
    loss = of_cell[loss_family(problem)[who], cell]
    spread = of_cell[problem.spread_family, cell]
    order = np.lexsort((cell, spread, loss, who))
    who, loss, spread = who[order], loss[order], spread[order]
    new_who = np.diff(who, prepend=-1) != 0
    new_group = new_who | (np.diff(loss, prepend=-2) != 0)
    new_sub = new_group | (np.diff(spread, prepend=-2) != 0)
    places = np.append(np.flatnonzero(new_sub), len(order))
    subs = np.append(np.searchsorted(places[:-1], np.flatnonzero(new_group)), len(places) - 1)
    first = np.searchsorted(who, np.arange(problem.reservations + 1))  # also for those without pairs
    groups = np.searchsorted(np.append(np.flatnonzero(new_group), len(order)), first)
    servers = problem.servers[cell[order]]
    keep = np.minimum(problem.now[order], servers)
    at = places[:-1]
    allowed = np.where(spread[at] >= 0, problem.allowed[who[at]], np.inf)
    value = problem.value[order]
    near = _attainable(places, value, allowed, whole)
    return order, Layout(
        groups, subs, places, keep.astype(np.float64), (servers - keep).astype(np.float64), value,
        _knots(allowed, near, problem.prices.spread), loss[new_group] >= 0,
    )  # fmt: skip


def _knots(allowed: Floats, near: Floats, price: float) -> Floats:
    """Return per domain: the loads at which the charge for spread rises, and by how much per RRU."""
    below, above = near[:, 0], near[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        wide = above - below > 1e-9  # False where the allowance is infinite
        chord = np.where(wide, price * (above - allowed) / (above - below), price)
    return np.column_stack(
        [np.where(wide, below, allowed), np.where(wide, above, np.inf), chord, price - chord]
    )


@njit(cache=True)
def _attainable(places: Ints, value: Floats, allowed: Floats, whole: bool) -> Floats:
    """Return per domain the attainable loads around the allowance; the allowance itself where they are not looked for."""
    near = np.empty((len(allowed), 2))
    for s in range(len(allowed)):
        near[s] = allowed[s]
        if whole and np.isfinite(allowed[s]):
            coins = np.unique(value[places[s] : places[s + 1]])[::-1]
            near[s, 0], near[s, 1] = _around(coins, allowed[s])
    return near


@njit(cache=True)
def _around(coins: Floats, allowed: float) -> tuple[float, float]:
    """Return the greatest sum of coins up to `allowed` and the smallest from there on: all counts of all but the last coin."""
    last = len(coins) - 1
    sums = 1.0
    for coin in coins[:last]:
        sums *= np.floor(allowed / coin) + 2
    if sums > MOST_SUMS:
        return allowed, allowed
    below, above = 0.0, np.inf
    counts = np.zeros(last + 1, np.int64)
    while True:
        load = (counts * coins).sum()
        fit = max(np.floor((allowed - load) / coins[last] + 1e-9), -1.0)
        if fit >= 0.0:
            below = max(below, load + fit * coins[last])
            above = min(above, load + (fit + 1.0) * coins[last])
        if fit < 0.0 or abs(allowed - load - fit * coins[last]) < 1e-9:
            above = min(above, load + max(fit, 0.0) * coins[last])
        nth = 0
        while nth < last:
            counts[nth] += 1
            if counts[nth] * coins[nth] < allowed + coins[nth]:
                break
            counts[nth] = 0
            nth += 1
        if nth == last:
            return min(below, allowed), max(above, allowed)
