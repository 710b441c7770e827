"""Floors: what each reservation must have at each site so that its users are reached, read from a linear program.

Flows join what prices separate, so a search by prices cannot have them. The linear program of a coarse problem can: cells of
one type at a site are about one cell, sites stay whole. What its flows take of a reservation at a site, in the state that takes
the most, is the *floor* there; an RRU less leaves as many unserved in every state that takes that much, which is its price.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solvers.coarse import Coarse, coarse_of, evenly
from solvers.guide import Guide, guide_of
from solvers.highs import Answer, Highs
from solvers.linear import LinearProgram
from solvers.problem import Affinity, CapacityProblem, Family, Floats, Floor
from solvers.reach import costs_at, in_states, loads_at_sites, per_site, reach_program, served

FEW = 12  # clusters: sites are whole in any number, and the linear program takes a second


LEAN = 0.01  # of what an unserved RRU costs: of flows that cost the same, those that need the least


@dataclass(frozen=True)
class Needed:
    """What flows need of reservations at sites and the price of an RRU less `[R, S]`, and prices of a coarse program.

    `worth` `[R, S]` is what an RRU more there saves; `prices` `[K]` are those of the rows of the problem without a backbone.
    """

    least: Floats
    price: Floats
    worth: Floats
    prices: Floats


def what_is_needed(
    problem: CapacityProblem,
    by_state: Floats,
    time_limit_s: float,
    should_stop: Callable[[], bool] | None = None,
) -> Needed | None:
    """Return what the best coarse plan needs at sites; None if none is found in time.

    `by_state` `[W]` is what states cost a plan that does not know them. The dearest is looked at alone; then those that still
    cost most, twice as many each time, until none does or half of the time is over: many follow from few.
    """
    clock = time.monotonic()
    states, found = np.array([int(np.argmax(by_state))]), None
    while True:
        part = replace(problem, backbone=in_states(problem, states))
        coarse, fine = _coarse(part)
        program = evenly(fine, coarse)
        left = max(0.0, time_limit_s - (time.monotonic() - clock))
        answer = Highs(program, relaxed=True).solve(time_limit_s=left, should_stop=should_stop)
        guide = guide_of(coarse.problem, program, answer)
        if guide is None or guide.mean is None:
            break
        found = coarse, program, answer, guide
        costs = costs_at(problem, loads_at_sites(coarse.problem, guide.mean))
        costs[states] = 0.0
        dear = np.argsort(-costs, kind="stable")[: len(states)]
        dear = dear[costs[dear] > 1e-4 * float(by_state.sum())]
        if not len(dear) or time.monotonic() - clock > time_limit_s / 2:
            break
        states = np.sort(np.append(states, dear))
    left = time_limit_s - (time.monotonic() - clock)
    return None if found is None else _lean(problem, *found, left, should_stop)


def _lean(
    problem: CapacityProblem,
    coarse: Coarse,
    program: LinearProgram,
    answer: Answer,
    guide: Guide,
    left: float,
    should_stop: Callable[[], bool] | None,
) -> Needed:
    """Return what is needed at sites: of all flows that cost as little, those that need least leave most to whole servers."""
    assert answer.x is not None and answer.row_dual is not None and guide.mean is not None
    least, tight = served(coarse.problem, answer.x[program.columns("flow")])
    loads = loads_at_sites(coarse.problem, guide.mean) + 1e-6
    lean = reach_program(problem, most=loads, rent=LEAN * problem.prices.unserved)
    better = Highs(lean, relaxed=True).solve(time_limit_s=max(0.0, left), should_stop=should_stop)
    if better.x is not None and better.status == "optimal":
        least, tight = served(problem, better.x[lean.columns("flow")])
    price = problem.prices.unserved * np.maximum(tight, 1)
    worth = np.maximum(per_site(coarse.problem, -answer.row_dual[program.rows("serve_at_site")]), 0.0)
    return Needed(least, price, worth, _prices(coarse, guide.prices))


def with_floor(problem: CapacityProblem, floor: Floats, price: Floats) -> CapacityProblem:
    """Return the problem without its backbone, with a floor for what reservations have at its sites `[R, S]`.

    Where a reservation has no pair it can have nothing, and no floor either.
    """
    b, site_of_cell = problem.backbone, problem.site_of_cell
    assert b is not None and site_of_cell is not None
    can = np.zeros(floor.shape, dtype=bool)
    can[problem.pair_reservation, site_of_cell[problem.pair_cell]] = True
    made = _with_family(replace(problem, backbone=None), Family("floor", b.sites, site_of_cell))
    return replace(
        made, floor=Floor(len(problem.families), np.where(can & (floor > 1e-6), floor, -np.inf), price)
    )


def _coarse(problem: CapacityProblem) -> tuple[Coarse, CapacityProblem]:
    """Return the coarse problem with the backbone, and the fine one, whose cells are told apart by site.

    Clusters lie within domains of the family that shares are wanted in: for their making that is one of sites, and of domains of
    the family of the problem's own shares.
    """
    assert problem.site_of_cell is not None
    wish = problem.affinity
    own = problem.site_of_cell if wish is None else problem.families[wish.family].of_cell
    names, of_cell = np.unique(np.stack([problem.site_of_cell, own]), axis=1, return_inverse=True)
    parts = Family("part", tuple(f"part{i}" for i in range(names.shape[1])), of_cell.ravel())
    fine = _with_family(problem, parts)
    nothing = np.full((problem.reservations, names.shape[1]), np.nan)
    coarse = coarse_of(
        replace(fine, affinity=Affinity(len(problem.families), nothing)), max(FEW, names.shape[1])
    )
    site = np.zeros(coarse.problem.cells, dtype=np.int64)
    site[coarse.cell] = problem.site_of_cell
    made = replace(coarse.problem, affinity=wish, backbone=problem.backbone, site_of_cell=site)
    return replace(coarse, problem=made), fine


def _prices(coarse: Coarse, prices: Floats) -> Floats:
    """Return the prices of the rows of the problem for those of the coarse one; what users need has none."""
    of_cells = coarse.problem.cells
    parts, start = [prices[:of_cells][coarse.cell]], of_cells
    for budget, row in zip(coarse.problem.budgets, coarse.rows, strict=True):
        parts.append(prices[start : start + len(budget.rows)][row])
        start += len(budget.rows)
    return np.concatenate([*parts, prices[start:]])


def _with_family(problem: CapacityProblem, family: Family) -> CapacityProblem:
    survives = np.hstack([problem.survives, np.zeros((problem.reservations, 1), dtype=bool)])
    return replace(problem, families=(*problem.families, family), survives=survives)
