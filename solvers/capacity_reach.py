"""Plans by prices for a fleet with a backbone: a search with floors, valued with flows.

A first plan knows nothing of the backbone. If its users are reached it stands: a backbone only adds cost, so the bound does,
too. Otherwise a coarse program says what each site needs (`solvers/floors.py`), the search is repeated with these floors, and
where whole servers still lack something floors are raised. What counts is the value with flows, found anew for each plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solvers.capacity_value import value_of
from solvers.floors import Needed, what_is_needed, with_floor
from solvers.found import gap_of
from solvers.guide import Guide, LinearGuide
from solvers.highs import Answer
from solvers.linear import LinearProgram
from solvers.oracle import Oracle
from solvers.owners import all_owned
from solvers.prices import Volume
from solvers.problem import CapacityProblem, Floats, Ints
from solvers.reach import costs_of_states, in_states, least_cost, loads_at_sites, what_lacks
from solvers.scale import SETTLED, solve_large

NEED_PART = 0.25  # of the time that is left, for what sites need
GUIDE_PART = 0.45  # of what is left then, for the linear program with floors
BOUND_PART = 0.07  # of what is left then, for a bound that knows the backbone
SEARCH_PART = 0.45  # of what is left then, for each search
SEARCH_LEAST_S = 5.0  # where so much is left
SETTLES = 0.02  # of the cost of a plan: if the next search gains less, floors are what has to change
MOST_FLOWS = 60_000  # in one linear program
ROUNDS = 8  # searches at most
PAID = 1e-6  # of the cost of a plan: what a backbone may cost and still count as nothing


@dataclass(frozen=True)
class Clock:
    """How much time is left [s], when to stop, and the gap that is good enough."""

    left: Callable[[], float]
    gap: float
    should_stop: Callable[[], bool] | None = None

    def over(self) -> bool:
        """Return whether nothing more should be begun."""
        return self.left() <= 0.2 or (self.should_stop is not None and self.should_stop())


@dataclass(frozen=True)
class Reached:
    """The best plan with what its backbone costs, a bound, and the linear program with floors where it was solved."""

    counts: Ints
    objective: float
    by_state: Floats
    bound: float
    knows: bool = False
    posed: CapacityProblem | None = None
    program: LinearProgram | None = None
    relaxed: Answer | None = None

    @property
    def gap(self) -> float:
        """Return (objective - bound) / |objective|."""
        return gap_of(self.objective, self.bound)

    @property
    def unreached(self) -> bool:
        """Return whether the backbone costs anything."""
        return float(self.by_state.sum()) > PAID * max(abs(self.objective), 1.0)


def valued(problem: CapacityProblem, counts: Ints, bound: float) -> Reached:
    """Return a plan, with an owner for every server where that must be, and what it is worth with its flows."""
    counts = all_owned(problem, counts) if problem.owned else counts
    by_state = costs_of_states(problem, counts)
    return Reached(counts, value_of(problem, counts).objective + float(by_state.sum()), by_state, bound)


def better(one: Reached, other: Reached) -> Reached:
    """Return the better plan, with the better bound."""
    plan = min(one, other, key=lambda each: each.objective)
    return replace(plan, bound=max(one.bound, other.bound))


def reach(
    problem: CapacityProblem, best: Reached, prices: Floats, clock: Clock, *, linear: bool
) -> Reached | None:
    """Return the best plan with its users reached, from one that knows no backbone, and its prices.

    `linear` says that a full program, without flows, takes seconds. None if what sites need is not found in time.
    """
    broken = in_worst_states(problem, best.by_state)
    needed = what_is_needed(broken, best.by_state, NEED_PART * clock.left(), clock.should_stop)
    needed = needed or _patched(broken, best, prices, clock)
    if needed is None:
        return None
    posed = with_floor(problem, needed.least, needed.price)
    best, known = bounded(broken, posed, needed, best, clock)
    guide = Guide(_all_rows(posed, known, needed.worth), best.counts.astype(np.float64))
    if linear and not clock.over():
        model = LinearGuide(posed)
        answer, found = model.solve(GUIDE_PART * clock.left(), clock.should_stop)
        if found is not None:
            guide, best = found, replace(best, posed=posed, program=model.program, relaxed=answer)
    return _searched(problem, needed, guide, best, clock)


def _searched(problem: CapacityProblem, needed: Needed, guide: Guide, best: Reached, clock: Clock) -> Reached:
    """Return the best plan of searches that go on from one another; where they settle, floors rise where something lacks."""
    posed, before = with_floor(problem, needed.least, needed.price), np.inf
    for _ in range(ROUNDS):
        if clock.over() or best.gap <= clock.gap:
            break
        found = solve_large(
            posed,
            time_limit_s=max(SEARCH_PART * clock.left(), min(SEARCH_LEAST_S, clock.left())),
            guide=guide,
            gap=clock.gap,
            should_stop=clock.should_stop,
        )
        made = valued(problem, found.counts, best.bound)
        if made.objective < best.objective:
            best = replace(best, counts=made.counts, objective=made.objective, by_state=made.by_state)
        if not clock.over() and made.objective > (1.0 - SETTLES) * before:
            raised = _raised(problem, needed, made, clock) if made.unreached else None
            if raised is None:
                break
            needed, posed = raised, with_floor(problem, raised.least, raised.price)
        before = made.objective
        prices = guide.prices[: len(needed.prices)]
        guide = Guide(_all_rows(posed, prices, needed.worth), found.counts.astype(np.float64))
    return best


def bounded(
    broken: CapacityProblem, posed: CapacityProblem, needed: Needed, best: Reached, clock: Clock
) -> tuple[Reached, Floats]:
    """Return the plan with the best of the known bound and one that knows the backbone, and the prices of that.

    For any worth η ≥ 0 of an RRU at a site a plan of loads y costs f + B(y) ≥ min (f - η·y) + min (B(y) + η·y): the first is
    the oracle's with η as a fixed price, the second a program of flows that rent what they use.
    """
    floor = posed.floor
    assert floor is not None
    worth = np.where(np.isfinite(floor.least), needed.worth, 0.0)
    oracle = Oracle(posed)
    rows, block = oracle.rows, oracle.rows.blocks[-1]
    pinned = _all_rows(posed, needed.prices, worth)[block]
    low, high, least, most = (side.copy() for side in (rows.low, rows.high, rows.least, rows.most))
    low[block] = high[block] = 0.0
    least[block] = most[block] = pinned
    oracle.rows = replace(rows, low=low, high=high, least=least, most=most)
    volume = Volume(oracle, _all_rows(posed, needed.prices, worth))
    flows = least_cost(broken, worth, BOUND_PART * clock.left(), clock.should_stop)
    volume.run(time.perf_counter() + BOUND_PART * clock.left(), clock.over, settled=SETTLED)
    bound = volume.bound + (flows.bound if flows.status == "optimal" else -np.inf)
    if bound > best.bound:
        best = replace(best, bound=bound, knows=True)
    return best, volume.prices[: len(needed.prices)]


def in_worst_states(problem: CapacityProblem, by_state: Floats) -> CapacityProblem:
    """Return the problem in the states that cost anything, the dearest first, as many as have not too many flows."""
    assert problem.backbone is not None
    order = np.argsort(-by_state, kind="stable")
    flows = np.cumsum(np.bincount(problem.backbone.state, minlength=len(by_state))[order])
    kept = (by_state[order] > 0) & (flows <= MOST_FLOWS)
    kept[0] = True
    return replace(problem, backbone=in_states(problem, np.sort(order[kept])))


def _all_rows(posed: CapacityProblem, prices: Floats, worth: Floats) -> Floats:
    """Return prices of all rows of a problem with floors: those of its other rows, and of floors what an RRU is worth."""
    assert posed.floor is not None
    return np.concatenate([prices, -worth[np.isfinite(posed.floor.least)]])


def _patched(broken: CapacityProblem, best: Reached, prices: Floats, clock: Clock) -> Needed | None:
    """Return what sites need where no coarse program says it: what a plan serves, and what it lacks, at the price of a move."""
    one = broken.prices.move + broken.prices.use
    found = what_lacks(broken, best.counts, one, NEED_PART * clock.left())
    if found is None:
        return None
    least, states, more = found
    price = broken.prices.unserved * np.maximum(states, 1)
    return Needed(least, price, np.where(more > 1e-6, one, 0.0), prices)


def _raised(problem: CapacityProblem, needed: Needed, made: Reached, clock: Clock) -> Needed | None:
    """Return higher floors where a plan lacks something, at twice the price; None if nothing is found in time."""
    broken = in_worst_states(problem, made.by_state)
    one = problem.prices.move + problem.prices.use
    found = what_lacks(broken, made.counts, one, NEED_PART * clock.left())
    if found is None or not (found[2] > 1e-6).any():
        return None
    lacks = found[2] > 1e-6
    there = loads_at_sites(problem, made.counts) + found[2]
    least = np.where(lacks, np.maximum(needed.least, there), needed.least)
    return replace(needed, least=least, price=np.where(lacks, 2.0, 1.0) * needed.price)
