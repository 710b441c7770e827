"""A bound that holds whatever the prices: weak duality, with the room that every column really has.

For any prices y of the rows, min c·x ≥ y·b + Σ_j min over [l_j, u_j] of (c - Aᵀy)_j x_j. An interior point method stops near the
optimum, where some reduced costs are a little below zero; with a finite u for every column they cost a little, and nothing has to
be believed about tolerances.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solvers.expansion_problem import ExpansionProblem, Floats
from solvers.formulations.expansion import Columns
from solvers.linear import LinearProgram


def proven_bound(program: LinearProgram, prices: Floats) -> float:
    """Return a lower bound of a program with finite bounds, from any prices of its rows `[M]`.

    Cost: one product with the matrix.

    A price with the sign of a side that a row does not have counts as zero.
    """
    low, high = program.row_lower, program.row_upper
    y = np.where(
        (prices > 0) & np.isfinite(low), prices, np.where((prices < 0) & np.isfinite(high), prices, 0.0)
    )
    rows = float(np.where(y > 0, low, np.where(np.isfinite(high), high, 0.0)) @ y)
    reduced = program.cost - program.matrix.T @ y
    columns = float(np.minimum(reduced * program.lower, reduced * program.upper).sum())
    return rows + columns + program.offset


def bounded(program: LinearProgram, x: Columns, problem: ExpansionProblem) -> LinearProgram:
    """Return the program with a finite upper bound on every column, which no plan that is worth making passes."""
    p = problem
    upper = program.upper.copy()
    most = _most_servers(p)
    batches = np.broadcast_to(np.ceil((most + p.now) / p.batch[p.cell_type]), x.buy.shape)
    of_type = np.bincount(p.cell_type, weights=p.now, minlength=len(p.type_names))
    for numbers, limit in (
        (x.buy, batches),
        (x.leave, np.broadcast_to(p.now, x.leave.shape)),
        (x.enter, np.broadcast_to(of_type[p.cell_type], x.enter.shape)),
        (x.servers, np.broadcast_to(most, x.servers.shape)),
        (x.work, np.broadcast_to(most[p.pair_cell], x.work.shape)),
        (x.short, p.demand),
    ):
        there = numbers >= 0
        upper[numbers[there]] = np.minimum(upper[numbers[there]], limit[there])
    return replace(program, upper=upper)


def _most_servers(p: ExpansionProblem) -> Floats:
    """Return how many servers of each cell `[C]` its site can hold and power at most, with all its modules."""
    watts = (p.power_limit_w + p.module_most * p.module_w)[p.cell_site] / p.watts[p.cell_type]
    height = (p.space_limit_u + p.module_most * p.module_u)[p.cell_site] / p.height_u[p.cell_type]
    return np.floor(np.minimum(watts, height) + 1e-6)
