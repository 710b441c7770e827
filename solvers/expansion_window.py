"""A window of a long program: some columns are decided now, some are settled, and prices stand for the rest.

Rows with columns of the window and none of the future stay rows. Rows that reach into the future are paid for at the
prices that the linear program gives them, so that a decision of now is charged or credited for what it does later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from solvers.expansion_problem import Bools, ExpansionProblem, Floats, Ints
from solvers.formulations.expansion import Columns
from solvers.linear import Block, LinearProgram


@dataclass(frozen=True)
class Window:
    """A program over the columns `free`; its rows are those of the whole program numbered `rows`."""

    program: LinearProgram
    free: Ints
    rows: Ints

    def position(self, columns: Ints) -> Ints:
        """Return where columns of the whole program stand in the window."""
        return np.searchsorted(self.free, columns)


def window(program: LinearProgram, free: Bools, settled: Bools, x: Floats, prices: Floats) -> Window:
    """Return the window of the `free` columns, with `settled` ones at `x`; what is neither is the future."""
    matrix = program.matrix
    touched = abs(matrix) @ free.astype(float) > 0
    reaching = abs(matrix) @ (~free & ~settled).astype(float) > 0
    rows, priced = np.flatnonzero(touched & ~reaching), np.flatnonzero(touched & reaching)
    columns = np.flatnonzero(free)
    cost = program.cost - matrix[priced].T @ prices[priced]
    base = matrix[rows] @ np.where(settled, x, 0.0)
    part = LinearProgram(
        name=f"{program.name} window",
        cost=cost[columns],
        lower=program.lower[columns],
        upper=program.upper[columns],
        integer=program.integer[columns],
        matrix=csr_array(matrix[rows][:, columns]),
        row_lower=program.row_lower[rows] - base,
        row_upper=program.row_upper[rows] - base,
        column_blocks=(Block("column", 0, len(columns)),),
        row_blocks=(Block("row", 0, len(rows)),),
    )
    return Window(part, columns, rows)


@dataclass(frozen=True)
class Calendar:
    """The month in which each column `[N]` is decided: a server that enters has left a month before."""

    month: Ints
    order: Bools  # buy, leave, enter, retired: what a window decides in whole numbers
    servers: Bools
    modules: Bools


def calendar(program: LinearProgram, x: Columns, problem: ExpansionProblem) -> Calendar:
    """Return when each column is decided."""
    month = np.zeros(len(program.cost), dtype=np.int64)
    marks = {name: np.zeros(len(month), dtype=bool) for name in ("order", "servers", "modules")}
    time = np.arange(problem.months)
    for numbers, mark in (
        (x.buy, "order"),
        (x.leave, "order"),
        (x.enter, "order"),
        (x.retired, "order"),
        (x.servers, "servers"),
        (x.modules, "modules"),
        (x.work.swapaxes(0, 1), ""),
        (x.short.swapaxes(0, 1), ""),
    ):
        there = numbers >= 0
        when = np.broadcast_to(time.reshape(-1, *(1,) * (numbers.ndim - 1)), numbers.shape)
        month[numbers[there]] = when[there]
        if mark:
            marks[mark][numbers[there]] = True
    month[x.enter[x.enter >= 0]] -= 1
    return Calendar(month, **marks)
