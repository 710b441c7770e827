"""Swaps in the program of stranded power: pairs of racks that exchange the owners of servers, as whole numbers.

    Σ_j puts[d,j] · swapped[j] ≤ room[d]        d: what an owner has in a failure domain, at most as in its fullest one today

What a swap adds to limits, budgets and whole servers of a rack are terms of the rows of the power program (power.py).
"""

from __future__ import annotations

import numpy as np

from solvers.linear import Axis, Ints, LinearModel, Term
from solvers.power_problem import PowerProblem
from twin.graph.levels import Floats


def swap_columns(model: LinearModel, problem: PowerProblem, *, server_va: float, allowed: bool) -> Ints:
    """Add a column for each swap: how many pairs of racks make it; `server_va` is what a server that changes hands costs."""
    swaps = problem.swaps
    most = problem.count[swaps.rack_class].min(axis=1) * allowed
    cost = np.array([server_va * swap.servers for swap in swaps.each])
    return model.columns("swapped", _axes(problem), upper=most, cost=cost, integer=True)


def reservations_keep_what_they_survive(model: LinearModel, problem: PowerProblem, swapped: Ints) -> None:
    """Σ_j puts[d,j] · swapped[j] ≤ room[d]: no owner's fullest row (or domain that it survives) gets fuller."""
    swaps = problem.swaps
    most = problem.count[swaps.rack_class].min(axis=1)
    tight = np.flatnonzero(np.maximum(swaps.puts_rru, 0.0) @ most > swaps.room_rru * (1 + 1e-9))
    owners, domains = ([swaps.domain[d][i] for d in tight] for i in (0, 1))
    model.rows(
        "reservations_keep_what_they_survive",
        [Axis(owners), Axis(domains)],
        [(np.arange(len(tight))[:, None], swapped, swaps.puts_rru[tight])],
        upper=swaps.room_rru[tight],
        text="servers of an owner in a failure domain [RRU]",
    )


def swaps_of_classes(problem: PowerProblem, swapped: Ints) -> Term:
    """Return how many racks of each class swap: +1 for each side."""
    return problem.swaps.rack_class, swapped[:, None], 1.0


def swaps_on_limits(problem: PowerProblem, which: Ints) -> Floats:
    """Return what each swap adds to some limits `[m, J]`. Cost: limits x swaps."""
    swaps = problem.swaps
    homes = np.array([one.home for one in problem.classes], dtype=np.int64)[swaps.rack_class]
    added = np.zeros((len(which), len(homes)))
    for side in (0, 1):
        added += problem.per_va[np.ix_(which, homes[:, side])] * swaps.more_va[:, side]
        added += problem.per_w[np.ix_(which, homes[:, side])] * swaps.more_w[:, side]
    return added


def fit_after_swap(problem: PowerProblem) -> Floats:
    """Return how many servers of each type fit a rack of each side of each swap `[J, 2, K]`, in fractions."""
    swaps, classes = problem.swaps, problem.classes
    left_w = np.array([one.budget_w for one in classes])[swaps.rack_class] + swaps.more_budget_w
    free_u = np.array([float(one.free_u) for one in classes])[swaps.rack_class]
    by_height = free_u[:, :, None] / problem.type_u
    by_budget = np.minimum(left_w, 1e12)[:, :, None] / problem.type_w
    return np.asarray(np.minimum(by_height, by_budget))


def _axes(problem: PowerProblem) -> list[Axis]:
    """Return the labels of swaps: the first racks of both classes, the owners of the servers there, and their type."""
    each, names = problem.swaps.each, [one.racks[0] for one in problem.classes]
    racks = [Axis(names, problem.swaps.rack_class[:, i]) for i in (0, 1)]
    return [*racks, *(Axis([swap.owners[i] for swap in each]) for i in (0, 1)), Axis([s.kind for s in each])]
