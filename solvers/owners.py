"""Servers that a solver left to nobody, back to an owner: in a fleet every server has one."""

from __future__ import annotations

import numpy as np

from solvers.problem import CapacityProblem, Ints


def all_owned(problem: CapacityProblem, counts: Ints) -> Ints:
    """Return counts `[P]` in which no cell has fewer servers with an owner than today.

    They go to an owner without demand where the cell has one, else back to who gave them. Where that breaks a hard limit, cells
    that draw from what is broken stay as they are today, which holds.
    """
    counts = counts.copy()
    lack = np.rint(problem.by_cell @ (problem.now - counts).astype(float)).astype(np.int64)
    first = np.searchsorted(problem.pair_cell, np.arange(problem.cells + 1))
    for c in np.flatnonzero(lack > 0):
        pairs = np.arange(first[c], first[c + 1])
        free = pairs[problem.demand[problem.pair_reservation[pairs]] <= 0]
        if len(free):
            counts[free[0]] += lack[c]
            continue
        for p in pairs:
            back = min(max(int(problem.now[p] - counts[p]), 0), int(lack[c]))
            counts[p] += back
            lack[c] -= back
    return _within_limits(problem, counts)


def _within_limits(problem: CapacityProblem, counts: Ints) -> Ints:
    while True:
        wrong = np.zeros(problem.cells, dtype=bool)
        for budget in problem.budgets:
            if not np.isfinite(budget.price):
                limit = problem.limits(budget)
                over = problem.used(budget, counts) > limit + 1e-6 * np.maximum(np.abs(limit), 1.0)
                wrong |= (abs(budget.share).T @ over.astype(float)) > 0
        wrong &= problem.by_cell @ np.abs(counts - problem.now).astype(float) > 0
        if not wrong.any():
            return counts
        counts = np.where(wrong[problem.pair_cell], problem.now, counts)
