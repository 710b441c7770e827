"""The problem of capacity as an LP or MIP for HiGHS, written down on its own: the reference of the tests and benchmarks.

Columns: what a pair keeps (up to what it has now) and gains; per (reservation, domain of the spread family) what is within the
allowance and above; per reservation the worst loss and the shortage; per wanted share what is above and below. It shares no
code with `solvers` beyond the names of fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

Array = NDArray[np.float64]
INF = highspy.kHighsInf


@dataclass
class Rows:
    """Columns and rows as they are collected."""

    cost: list[Array] = field(default_factory=list)
    upper: list[Array] = field(default_factory=list)
    entries: list[tuple[Array, Array, Array]] = field(default_factory=list)
    low: list[Array] = field(default_factory=list)
    high: list[Array] = field(default_factory=list)
    columns: int = 0
    rows: int = 0

    def add_columns(self, count: int, cost: Any, upper: Any) -> Array:
        self.cost.append(np.broadcast_to(np.asarray(cost, float), count))
        self.upper.append(np.broadcast_to(np.asarray(upper, float), count))
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def add_rows(self, low: Any, high: Any, count: int) -> Array:
        self.low.append(np.broadcast_to(np.asarray(low, float), count))
        self.high.append(np.broadcast_to(np.asarray(high, float), count))
        self.rows += count
        return np.arange(self.rows - count, self.rows)

    def put(self, rows: Any, columns: Any, values: Any) -> None:
        r, c, v = np.broadcast_arrays(rows, columns, np.asarray(values, float))
        self.entries.append((r.ravel(), c.ravel(), v.ravel()))


@dataclass(frozen=True)
class Solved:
    """What HiGHS says: status, objective, dual bound, counts of the pairs, and the duals of cells, budgets and shares."""

    status: str
    objective: float
    bound: float
    counts: Array
    cell_price: Array
    budget_price: tuple[Array, ...]
    share_price: Array


def solve(
    problem: Any,
    *,
    whole: bool = False,
    time_limit_s: float = 600.0,
    gap: float = 1e-9,
    solver: str = "simplex",
) -> Solved:
    """Solve the LP or, with `whole`, the MIP."""
    rows, keep, gain, cells, budgets, shares = _model(problem)
    model = highspy.Highs()
    for name, value in (
        ("output_flag", False), ("threads", 1), ("time_limit", time_limit_s), ("mip_rel_gap", gap),
        ("mip_abs_gap", 1e-7), ("solver", solver),
    ):  # fmt: skip
        if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS does not take {name} = {value}")
    model.passModel(_lp(rows, np.concatenate([keep, gain]) if whole else None))
    model.run()
    info, solution = model.getInfo(), model.getSolution()
    value = np.asarray(solution.col_value)
    dual = np.asarray(solution.row_dual) if solution.dual_valid else np.zeros(rows.rows)
    moved = problem.prices.move * float(np.sum(problem.now))
    return Solved(
        status=model.modelStatusToString(model.getModelStatus()),
        objective=info.objective_function_value + moved,
        bound=(info.mip_dual_bound if whole else info.objective_function_value) + moved,
        counts=value[keep] + value[gain],
        cell_price=-dual[cells],
        budget_price=tuple(-dual[b] for b in budgets),
        share_price=dual[shares],
    )


def _model(problem: Any) -> tuple[Rows, Array, Array, Array, list[Array], Array]:
    m, prices = Rows(), problem.prices
    cell = problem.pair_cell
    keep = m.add_columns(len(cell), prices.use - prices.move, np.minimum(problem.now, problem.servers[cell]))
    gain = m.add_columns(len(cell), prices.use, np.maximum(problem.servers[cell] - problem.now, 0))
    least = np.bincount(cell, problem.now, len(problem.servers)) if problem.owned else -INF
    cells = m.add_rows(least, problem.servers, len(problem.servers))
    both = (np.concatenate([keep, gain]), np.concatenate([cell, cell]))
    m.put(cells[both[1]], both[0], 1.0)
    budgets = [_budget(m, problem, budget, (keep, gain)) for budget in problem.budgets]
    _demand(m, problem, (keep, gain))
    return m, keep, gain, cells, budgets, _shares(m, problem, (keep, gain))


def _budget(m: Rows, problem: Any, budget: Any, count: tuple[Array, Array]) -> Array:
    share = budget.share.tocsc()
    entries = np.diff(share.indptr)[problem.pair_cell]
    pair = np.repeat(np.arange(len(problem.pair_cell)), entries)
    nth = np.arange(len(pair)) - np.repeat(np.cumsum(entries) - entries, entries)
    at = share.indptr[problem.pair_cell[pair]] + nth
    now = np.zeros(len(budget.rows))
    np.add.at(now, share.indices[at], share.data[at] * (budget.weight * problem.now)[pair])
    rows = m.add_rows(-INF, np.maximum(budget.limit, now), len(budget.rows))
    for columns in count:
        m.put(rows[share.indices[at]], columns[pair], share.data[at] * budget.weight[pair])
    if np.isfinite(budget.price):
        m.put(rows, m.add_columns(len(rows), budget.price, INF), -1.0)
    return rows


def _demand(m: Rows, problem: Any, count: tuple[Array, Array]) -> None:
    """Total - worst loss + shortage >= demand; every domain of every family that is survived <= worst loss."""
    prices, who, size = problem.prices, problem.pair_reservation, len(problem.demand)
    worst = m.add_columns(size, prices.buffer, np.where(problem.survives.any(axis=1), INF, 0.0))
    short = m.add_columns(size, prices.shortage, INF)
    demand = m.add_rows(problem.demand, INF, size)
    m.put(demand, worst, -1.0)
    m.put(demand, short, 1.0)
    for columns in count:
        m.put(demand[who], columns, problem.value)
    for index, family in enumerate(problem.families):
        domain = np.asarray(family.of_cell)[problem.pair_cell]
        here = np.flatnonzero((domain >= 0) & problem.survives[who, index])
        groups, of = np.unique(np.stack([who[here], domain[here]]), axis=1, return_inverse=True)
        loss = m.add_rows(-INF, 0.0, groups.shape[1])
        m.put(loss, worst[groups[0]], -1.0)
        for columns in count:
            m.put(loss[of.ravel()], columns[here], problem.value[here])
    domain = np.asarray(problem.families[problem.spread_family].of_cell)[problem.pair_cell]
    here = np.flatnonzero(domain >= 0)
    groups, of = np.unique(np.stack([who[here], domain[here]]), axis=1, return_inverse=True)
    paid = np.isfinite(problem.spread) & (problem.demand > 0)  # nobody else pays for spread
    most = np.full(size, INF)
    most[paid] = problem.spread[paid] * problem.demand[paid]
    spread = m.add_rows(-INF, most[groups[0]], groups.shape[1])
    m.put(spread, m.add_columns(groups.shape[1], prices.spread, INF), -1.0)
    for columns in count:
        m.put(spread[of.ravel()], columns[here], problem.value[here])


def _shares(m: Rows, problem: Any, count: tuple[Array, Array]) -> Array:
    wish, who = problem.affinity, problem.pair_reservation
    row_of = np.full((len(problem.demand), 0 if wish is None else wish.share.shape[1]), -1)
    if wish is None:
        return row_of.astype(float)[:0].ravel().astype(int)
    wanted = np.nonzero(~np.isnan(wish.share))
    needed = problem.demand[wanted[0]]
    there = needed > 0  # who needs nothing wants no shares
    wanted, needed = (wanted[0][there], wanted[1][there]), needed[there]
    middle = wish.share[wanted] * needed
    rows = m.add_rows(
        middle - wish.within * needed,
        middle + (wish.within if wish.above is None else wish.above) * needed,
        len(middle),
    )
    row_of[wanted] = rows
    m.put(rows, m.add_columns(len(rows), wish.price, INF), -1.0)
    m.put(rows, m.add_columns(len(rows), wish.price, INF), 1.0)
    domain = np.asarray(problem.families[wish.family].of_cell)[problem.pair_cell]
    at = np.where(domain >= 0, row_of[who, np.maximum(domain, 0)], -1)
    here = np.flatnonzero(at >= 0)
    for columns in count:
        m.put(at[here], columns[here], problem.value[here])
    return rows


def _lp(m: Rows, integers: Array | None) -> highspy.HighsLp:
    r, c, v = (np.concatenate(parts) for parts in zip(*m.entries, strict=True))
    matrix = coo_array((v, (r, c)), shape=(m.rows, m.columns)).tocsc()
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = m.columns, m.rows
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = (
        np.concatenate(m.cost),
        np.zeros(m.columns),
        np.concatenate(m.upper),
    )
    lp.row_lower_, lp.row_upper_ = np.concatenate(m.low), np.concatenate(m.high)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if integers is not None:
        kind = np.full(m.columns, highspy.HighsVarType.kContinuous, dtype=object)
        kind[integers] = highspy.HighsVarType.kInteger
        lp.integrality_ = list(kind)
    return lp
